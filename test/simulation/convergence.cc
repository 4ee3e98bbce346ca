#include "simulation/convergence.h"

#include <algorithm>
#include <set>

#include "orchestration/plan/decide.h"
#include "orchestration/queue/graph_queue.h"

namespace weir::simulation {
namespace {

constexpr TimeUs kReportedWithinUs = 8'000'000;
constexpr TimeUs kMendedWithinUs = 20'000'000;
constexpr TimeUs kContactUs = 6'000'000;

std::vector<size_t> links_of(const std::vector<LinkId>& path) {
  std::vector<size_t> links;
  for (const LinkId id : path) links.push_back(id.index() / 2);
  return links;
}

// Whether traffic of the flow gets through: where a link cannot be steered, by whatever way routing takes.
bool carried(const World& world, const Flow& flow, SiteId host) {
  const std::vector<size_t> links = links_of(flow.path);
  const bool steered = world.sites[flow.ingress.index()].steers && world.sites[host.index()].steers &&
                       std::all_of(links.begin(), links.end(), [&](size_t l) { return world.links[l].spec.steerable; });
  return steered ? world.works(links) : world.way(flow.ingress.index(), host.index(), {}).alive;
}

// Whether the site has every label that the intent and its data ask for.
bool may_be_at(const Graph& graph, const IntentSpec& spec, SiteId site) {
  std::vector<std::string> labels = spec.where.residency;
  for (const DatasetId id : spec.data) {
    const auto& more = graph.dataset(id).spec.residency;
    labels.insert(labels.end(), more.begin(), more.end());
  }
  const auto& has = graph.site_spec(site).residency;
  return std::all_of(labels.begin(), labels.end(),
                     [&](const std::string& label) { return std::find(has.begin(), has.end(), label) != has.end(); });
}

// Whether a site is reached from the vertex by links that can be steered, without another vertex and through no site.
bool led_to_a_site(const World& world, size_t from, size_t without) {
  std::vector<size_t> reached = {from};
  for (size_t i = 0; i < reached.size(); ++i) {
    if (reached[i] < world.sites.size()) {
      if (world.sites[reached[i]].steers) return true;
      continue;
    }
    for (const World::Link& link : world.links) {
      const size_t a = link.spec.a.index(), b = link.spec.b.index();
      if (!link.spec.steerable || a == without || b == without || (a != reached[i] && b != reached[i])) continue;
      const size_t next = a == reached[i] ? b : a;
      if (std::find(reached.begin(), reached.end(), next) == reached.end()) reached.push_back(next);
    }
  }
  return false;
}

// Whether anything can ever go over the link: it can be led there, or routing leads there between two sites.
bool in_use(const World& world, size_t link) {
  const LinkSpec& spec = world.links[link].spec;
  if (spec.steerable && led_to_a_site(world, spec.a.index(), spec.b.index()) &&
      led_to_a_site(world, spec.b.index(), spec.a.index())) {
    return true;
  }
  for (size_t a = 0; a < world.sites.size(); ++a) {
    for (size_t b = 0; b < world.sites.size(); ++b) {
      const auto way = world.walk(a, b, {});
      if (way && std::find(way->begin(), way->end(), link) != way->end()) return true;
    }
  }
  return false;
}

std::string name_of(const Graph& graph, IntentId id) { return "intent " + graph.intent_name(id); }

// Broken as the graph itself shows it, by rules of this file.
bool shows_broken(const Graph& graph, const IntentRow& row) {
  if (!row.active || row.active->plan.generation != row.generation) return true;
  const Plan& plan = row.active->plan;
  const bool job = row.spec->workload.kind == WorkKind::kJob;
  for (size_t k = 0; k < plan.placements.size(); ++k) {
    if (graph.site(plan.placements[k].site).state == Liveness::kDown) return true;
    if (!may_be_at(graph, *row.spec, plan.placements[k].site)) return true;
    for (const RunRow& run : row.runs) {
      if (run.run != row.active->run(k)) continue;
      if (run.state == RunState::kFailed || run.state == RunState::kLost || (run.state == RunState::kExited && !job)) {
        return true;
      }
    }
  }
  return std::any_of(plan.flows.begin(), plan.flows.end(), [&](const Flow& flow) {
    return std::any_of(flow.path.begin(), flow.path.end(), [&](LinkId id) { return !graph.usable(id); });
  });
}

// Every stage that runs stands where the newest plan says and nowhere else, or what is refused is so rightly.
std::string unarranged(const Graph& graph, WorkflowId id) {
  const WorkflowRow& row = graph.workflow(id);
  const std::string name = "workflow " + graph.workflow_name(id);
  std::set<IntentId> wanted;
  if (row.state == WorkflowState::kPending) return name + " is neither planned nor refused";
  if (row.state == WorkflowState::kRefused || (row.state == WorkflowState::kPlanned && row.refusal)) {
    if (!GraphWorkflowPlanner(kWorkflowSteps, kBatchSteps).plan(graph, id).refused) return name + " is refused and feasible";
  }
  if (row.state == WorkflowState::kRefused) return {};
  for (size_t s = 0; row.state == WorkflowState::kPlanned && s < row.spec->stages.size(); ++s) {
    const Stage& stage = row.spec->stages[s];
    if (stage.workload.cpu_milli == 0) continue;
    const IntentId intent = graph.stage_intent(row, stage.name);
    if (row.spec->kind == WorkflowKind::kBatch) {
      // It runs, has run, or waits for what does.
      if (intent.valid() && graph.intent(intent).state != IntentState::kWithdrawn) wanted.insert(intent);
      continue;
    }
    if (!intent.valid() || graph.intent(intent).state == IntentState::kWithdrawn) return name + ": stage " + stage.name + " has no intent";
    wanted.insert(intent);
    if (graph.intent(intent).spec->where.only != std::vector<SiteId>{row.plan->stages[s].site}) {
      return name + ": stage " + stage.name + " is wished elsewhere than planned";
    }
  }
  for (const IntentId intent : row.intents) {
    if (!wanted.count(intent) && graph.intent(intent).state != IntentState::kWithdrawn) return name + ": a stage is left over";
  }
  return {};
}

}  // namespace

std::string unsettled(const World& world, const Agents& agents, const Graph& graph) {
  for (size_t s = 0; s < graph.site_count(); ++s) {
    if (graph.site(SiteId(s)).state != Liveness::kUp) return "site " + graph.site_name(SiteId(s)) + " is not up in the graph";
    if (!agents[s]->attached()) return "the agent of " + graph.site_name(SiteId(s)) + " is not attached";
  }
  for (size_t l = 0; l < graph.link_count(); ++l) {
    if (graph.load(LinkId(l)).up != world.links[l / 2].up && in_use(world, l / 2)) {
      return "link " + graph.link_name(LinkId(l)) + " (" + std::to_string(l) + ") is " +
             (graph.load(LinkId(l)).up ? "up" : "down") + " in the graph and not in the world";
    }
  }
  std::set<RunId> wanted;
  for (size_t i = 0; i < graph.intent_count(); ++i) {
    const IntentId id(i);
    const IntentRow& row = graph.intent(id);
    if (row.active) {
      for (size_t k = 0; k < row.active->plan.placements.size(); ++k) wanted.insert(row.active->run(k));
    }
    // An older plan may serve for as long as the newer one is broken and nothing better is possible.
    const bool waits = row.state != IntentState::kWithdrawn && shows_broken(graph, row);
    for (const auto& held : row.retiring) {
      if (!waits) return name_of(graph, id) + ": plan " + std::to_string(held->position) + " is not retired";
      for (size_t k = 0; k < held->plan.placements.size(); ++k) wanted.insert(held->run(k));
    }
    if (row.state == IntentState::kWithdrawn) continue;
    if (row.array.valid() && graph.intent(row.array).state == IntentState::kWithdrawn) return name_of(graph, id) + " outlives its array";
    if (is_array(row) && all_ended(row)) return name_of(graph, id) + " has ended, and does not say so";
    if (is_array(row) && row.tasks.waiting == 0 && row.tasks.submitted < row.spec->schedule.tasks) return name_of(graph, id) + " does not go on";
    if (waits && !row.active && row.spec->workload.kind == WorkKind::kJob &&
        (is_array(row) || !row.spec->workload.best_effort)) {
      // Rightly, if queues made anew from the graph do not let it begin either.
      queue::GraphQueue anew;
      anew.restart(graph);
      for (const Scheduler::Turn& turn : anew.turns(graph, graph.now())) {
        if (turn.intent != id) continue;
        JointPlanner fresh(DecideLimits{.solver = {.steps = 3'000}, .alternatives = 1});
        const Decision decision = turn.sites.empty() ? fresh.decide(graph, id) : fresh.decide_among(graph, id, turn.sites);
        // Where it led elsewhere than its turn allows, it would delay others.
        const auto* plan = std::get_if<Plan>(&decision);
        if (plan && anew.admits(graph, *plan)) return name_of(graph, id) + " waits although its turn has come";
      }
      continue;
    }
    if (waits) {
      if (!row.refusal) return name_of(graph, id) + " has neither a whole plan nor a refusal";
      JointPlanner fresh(DecideLimits{.solver = {.steps = 3'000}, .alternatives = 1});
      if (std::holds_alternative<Plan>(fresh.decide(graph, id))) return name_of(graph, id) + " is refused and feasible";
      continue;
    }
    for (size_t k = 0; k < row.active->plan.placements.size(); ++k) {
      const RunId run = row.active->run(k);
      const auto real = world.runs.find(run);
      // Of a job some may be done while others go on.
      if (std::any_of(row.runs.begin(), row.runs.end(), [&run](const RunRow& known) {
            return known.run == run && known.state == RunState::kExited;
          })) {
        if (real != world.runs.end()) return name_of(graph, id) + ": a run goes on that is known to be done";
        continue;
      }
      if (real == world.runs.end() || !real->second.count(row.active->plan.placements[k].site.index())) {
        return name_of(graph, id) + ": run " + std::to_string(run.plan) + "." + std::to_string(run.item) + " does not run";
      }
      for (const RunRow& known : row.runs) {
        if (known.run == run && known.state != RunState::kRunning) return name_of(graph, id) + ": a run is not known to run";
      }
    }
    for (const Flow& flow : row.active->plan.flows) {
      if (!carried(world, flow, row.active->plan.placements[flow.placement].site)) return name_of(graph, id) + ": a path does not work";
    }
    if (!row.flows_on_protection.empty()) return name_of(graph, id) + ": a flow is still on its protection path";
    if (!row.promise_kept && row.refusal) {
      JointPlanner fresh(DecideLimits{.solver = {.steps = 3'000}, .alternatives = 1});
      if (std::holds_alternative<Plan>(fresh.decide(graph, id))) return name_of(graph, id) + " is overloaded, and could be mended";
      continue;
    }
    if (!row.promise_kept) return name_of(graph, id) + ": the promise is still broken";
  }
  for (size_t w = 0; w < graph.workflow_count(); ++w) {
    if (std::string why = unarranged(graph, WorkflowId(w)); !why.empty()) return why;
  }
  for (const auto& [run, places] : world.runs) {
    if (!wanted.count(run)) return "run " + std::to_string(run.plan) + "." + std::to_string(run.item) + " runs and nobody wants it";
    if (places.size() != 1) return "a run runs twice";
  }
  for (size_t s = 0; s < agents.size(); ++s) {
    if (!agents[s]->settled()) return "the agent of " + graph.site_name(SiteId(s)) + " is not settled";
    if (agents[s]->directive().held) return "the agent of " + graph.site_name(SiteId(s)) + " is held";
  }
  return {};
}

bool PromiseWatch::good_contact(size_t site, TimeUs now) const {
  return world_.sites[site].alive && now - world_.sites[site].changed_us > kContactUs &&
         world_.sites[site].partitioned_until_us + kContactUs < now && agents_[site]->attached() &&
         now - agents_[site]->attached_since_us() > kContactUs;
}

std::string PromiseWatch::look(TimeUs now, const Graph& graph, TimeUs hindered_us) {
  std::map<std::tuple<uint32_t, Position, uint32_t>, TimeUs> unreported;
  std::map<std::pair<uint32_t, uint32_t>, TimeUs> unmended;
  std::string why;
  for (size_t i = 0; i < graph.intent_count(); ++i) {
    const IntentId id(i);
    const IntentRow& row = graph.intent(id);
    if (row.state == IntentState::kWithdrawn) continue;
    if (shows_broken(graph, row)) {
      if (row.refusal || row.spec->workload.kind == WorkKind::kJob) continue;
      const auto key = std::make_pair(static_cast<uint32_t>(i), row.generation);
      const auto old = unmended_.find(key);
      const TimeUs since = old == unmended_.end() ? now : std::max(old->second, hindered_us);
      unmended[key] = since;
      if (now - since > kMendedWithinUs) why = name_of(graph, id) + " is broken in the graph and neither mended nor refused";
      continue;
    }
    for (uint32_t f = 0; f < row.active->plan.flows.size(); ++f) {
      const Flow& flow = row.active->plan.flows[f];
      const size_t from = flow.ingress.index(), to = row.active->plan.placements[flow.placement].site.index();
      const bool reported = std::binary_search(row.flows_on_protection.begin(), row.flows_on_protection.end(), f) ||
                            !row.promise_kept || graph.site(flow.ingress).state != Liveness::kUp ||
                            graph.site(SiteId(to)).state != Liveness::kUp;
      if (reported || from == to || carried(world_, flow, SiteId(to)) || !good_contact(from, now) || !good_contact(to, now)) {
        continue;
      }
      const auto key = std::make_tuple(static_cast<uint32_t>(i), row.active->position, f);
      const auto old = unreported_.find(key);
      const TimeUs since = old == unreported_.end() ? now : std::max(old->second, hindered_us);
      unreported[key] = since;
      if (now - since > kReportedWithinUs) {
        why = name_of(graph, id) + ": the path of flow " + std::to_string(f) + " has been dead for " +
              std::to_string((now - since) / 1000) + " ms and the graph does not show it";
      }
    }
  }
  unreported_ = std::move(unreported);
  unmended_ = std::move(unmended);
  return why;
}

}  // namespace weir::simulation
