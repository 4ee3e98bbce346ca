#include "core/loop/desired.h"

#include <algorithm>

#include "core/graph/promise.h"
#include "core/loop/address.h"
#include "core/loop/latencies.h"
#include "core/loop/links.h"

namespace weir {
namespace {

class Writer {
 public:
  Writer(const Graph& graph, const std::set<SiteId>& sites, const Phases& phases) : graph_(graph), phases_(phases) {
    for (const SiteId site : sites) {
      out_[site].site = site;
      out_[site].version = graph.version();
      out_[site].brain_epoch = graph.brain_epoch();
    }
  }

  std::map<SiteId, SiteDirective> write(const std::set<IntentId>& holders, const std::vector<WatchedPath>& explored) {
    for (const IntentId holder : holders) intent(holder);
    for (const WatchedPath& watched : explored) explore(watched);
    return std::move(out_);
  }

 private:
  // By ingress and port: where a new generation listens on another one, the old goes on beside it.
  using Services = std::map<std::pair<SiteId, int32_t>, DirectedService>;

  SiteDirective* at(SiteId site) {
    const auto found = out_.find(site);
    return found == out_.end() ? nullptr : &found->second;
  }

  // Without its tenant's.
  std::string name_of(IntentId id) const {
    const std::string& full = graph_.intent_name(id);
    return full.substr(full.find('/') + 1);
  }

  void intent(IntentId id) {
    const IntentRow& row = graph_.intent(id);
    if (!row.active && row.retiring.empty()) return;
    Services services;
    if (row.active) hold(id, row, *row.active, Phase::kMaking, true, services);
    for (const auto& held : row.retiring) {
      const auto known = phases_.find({id, held->position});
      const Phase phase = known == phases_.end() ? Phase::kMaking : known->second;
      if (phase != Phase::kBreaking) hold(id, row, *held, phase, false, services);
    }
    for (auto& [end, service] : services) {
      if (SiteDirective* directive = at(end.first); directive && !service.backends.empty()) {
        directive->services.push_back(std::move(service));
      }
    }
  }

  // A job never runs twice: a run begins when the plans before the one that asked for it hold none any more.
  static bool waits(const IntentRow& row, const CommittedPlan& held, RunId run) {
    if (!is_job(held)) return false;
    return std::any_of(row.retiring.begin(), row.retiring.end(), [run](const auto& old) {
      const auto& passed = old->placement_passed_on;
      return is_job(*old) && old->position < run.plan && std::find(passed.begin(), passed.end(), false) != passed.end();
    });
  }

  void hold(IntentId id, const IntentRow& row, const CommittedPlan& held, Phase phase, bool active, Services& services) {
    for (size_t i = 0; i < held.plan.placements.size(); ++i) {
      if (held.placement_passed_on[i]) continue;
      const Placement& p = held.plan.placements[i];
      if (waits(row, held, held.run(i))) continue;
      SiteDirective* directive = at(p.site);
      if (!directive) continue;
      const RunState state = state_of(row, held.run(i));
      directive->runs.push_back({.run = held.run(i),
                                 .intent = id,
                                 .tenant = graph_.tenant_name(row.tenant),
                                 .intent_name = name_of(id),
                                 .workload = held.spec->workload,
                                 .node = p.node,
                                 .devices = p.devices,
                                 .address = run_address(graph_.site_spec(p.site).prefix, held.run(i)),
                                 .task = static_cast<int32_t>(row.task),
                                 .tasks = row.array.valid() ? held.spec->schedule.tasks : 0,
                                 .ended = has_ended(state) || state == RunState::kStopping});
      Workload& told = directive->runs.back().workload;
      told.speed_milli_min = 0;  // chose the node; a later wish of what goes on may say otherwise
      told.accelerator_milli = p.accelerator_milli;  // with slices it is more than was asked for
      if (p.accelerator_milli > 0) told.accelerator_memory_mib = p.accelerator_memory_mib;
      if (instances_exchange(*held.spec)) exchange(directive->runs.back(), held, i);
    }
    for (uint32_t f = 0; f < held.plan.flows.size(); ++f) {
      if (held.flow_passed_on[f]) continue;
      flow(id, row, held, f, active || phase == Phase::kMaking, services);
    }
  }

  // Where the others are that it exchanges what is reserved with.
  void exchange(DirectedRun& run, const CommittedPlan& held, size_t index) const {
    const std::vector<Placement>& all = held.plan.placements;
    run.instance = static_cast<int32_t>(index);
    for (size_t k = 0; k < all.size(); ++k) {
      run.instances.push_back(run_address(graph_.site_spec(all[k].site).prefix, held.run(k)));
    }
  }

  void flow(IntentId id, const IntentRow& row, const CommittedPlan& held, uint32_t index, bool serves,
            Services& services) {
    const Flow& flow = held.plan.flows[index];
    const Placement& p = held.plan.placements[flow.placement];
    const RunId run = held.run(flow.placement);
    const SiteSpec& host = graph_.site_spec(p.site);
    const SiteSpec& ingress = graph_.site_spec(flow.ingress);
    if (host.prefix.empty() || ingress.prefix.empty()) return;
    const std::string address = run_address(host.prefix, run);
    path(flow.ingress, p.site, flow.path, flow.label_working, false);
    path(flow.ingress, p.site, flow.protection, flow.label_protection, false);
    path(p.site, flow.ingress, reversed(flow.path), flow.label_working, true);
    path(p.site, flow.ingress, reversed(flow.protection), flow.label_protection, true);
    if (flow.label_working != 0) {
      steer(flow.ingress,
            {address + "/128", "", flow.label_working, flow.label_protection, id, held.position, index});
      steer(p.site, {ingress.prefix, address + "/128", flow.label_working, flow.label_protection, id, held.position,
                     index});
    }
    if (!serves || is_job(held) || graph_.service_prefix().empty() ||
        state_of(row, run) != RunState::kRunning || graph_.site(p.site).state == Liveness::kDown) {
      return;
    }
    const int32_t port = held.spec->workload.port;
    DirectedService& service = services[{flow.ingress, port}];
    service.intent = id;
    service.address = service_address(graph_.service_prefix(), id);
    service.port = port;
    for (DirectedBackend& backend : service.backends) {
      if (backend.run == run) return;  // the active plan came first and continues this run
    }
    service.backends.push_back({run, address, port, flow.streams});
  }

  // The active plan comes first: a run that it continues is steered its way, not the retiring plan's.
  void steer(SiteId site, DirectedSteering steering) {
    SiteDirective* directive = at(site);
    if (!directive) return;
    for (const DirectedSteering& known : directive->steerings) {
      if (known.destination == steering.destination && known.source == steering.source) return;
    }
    directive->steerings.push_back(std::move(steering));
  }

  void path(SiteId from, SiteId to, const std::vector<LinkId>& links, uint16_t label, bool reverse) {
    SiteDirective* directive = at(from);
    if (!directive || label == 0 || links.empty()) return;
    const auto same = [label](const DirectedPath& known) { return known.label == label; };
    if (std::any_of(directive->paths.begin(), directive->paths.end(), same)) return;
    directive->paths.push_back({.label = label,
                                .far_site = to,
                                .destination_prefix = graph_.site_spec(to).prefix,
                                .segments = segments(graph_, links, to),
                                .is_reverse = reverse,
                                .probed = true,
                                .reflector = site_address(graph_.site_spec(to).prefix)});
  }

  void explore(const WatchedPath& watched) {
    if (graph_.site_spec(watched.from).prefix.empty() || graph_.site_spec(watched.to).prefix.empty()) return;
    const auto label = exploratory_label(watched);
    path(watched.from, watched.to, watched.links, label, false);
    path(watched.to, watched.from, reversed(watched.links), label, true);
  }

  const Graph& graph_;
  const Phases& phases_;
  std::map<SiteId, SiteDirective> out_;
};

}  // namespace

RunState state_of(const IntentRow& row, RunId run) {
  for (const RunRow& r : row.runs) {
    if (r.run == run) return r.state;
  }
  return RunState::kLost;
}

const IntentSpec& spec_of(const IntentRow& row, RunId run) {
  const auto asks_for = [run](const CommittedPlan& held) {
    for (size_t i = 0; i < held.plan.placements.size(); ++i) {
      if (held.run(i) == run) return true;
    }
    return false;
  };
  if (row.active && asks_for(*row.active)) return *row.active->spec;
  for (const auto& held : row.retiring) {
    if (asks_for(*held)) return *held->spec;
  }
  return *row.spec;
}

bool is_job(const CommittedPlan& held) { return held.spec->workload.kind == WorkKind::kJob; }

bool finished(const IntentRow& row) {
  if (!row.active || row.active->plan.generation != row.generation || !is_job(*row.active)) return false;
  for (size_t k = 0; k < row.active->plan.placements.size(); ++k) {
    const auto run = std::find_if(row.runs.begin(), row.runs.end(),
                                  [id = row.active->run(k)](const RunRow& r) { return r.run == id; });
    if (run == row.runs.end() || run->state != RunState::kExited || run->exit_code != 0) return false;
  }
  return true;
}

uint16_t exploratory_label(const WatchedPath& path) {
  uint32_t hash = 2'166'136'261u;  // FNV-1a
  for (const LinkId link : path.links) hash = (hash ^ link.value) * 16'777'619u;
  return static_cast<uint16_t>(65'535 - hash % kExploratoryLabels);
}

std::map<SiteId, SiteDirective> desired(const Graph& graph, const std::set<SiteId>& sites, const Phases& phases,
                                        const std::set<IntentId>& holders, const std::vector<WatchedPath>& explored) {
  return Writer(graph, sites, phases).write(holders, explored);
}

std::map<SiteId, SiteDirective> desired(const Graph& graph, const std::set<SiteId>& sites, const Phases& phases) {
  std::set<IntentId> all;
  for (size_t i = 0; i < graph.intent_count(); ++i) all.insert(all.end(), IntentId(i));
  return desired(graph, sites, phases, all, exploratory_paths(graph, links_to_explore(graph)));
}

std::vector<WatchedPath> exploratory_paths(const Graph& graph, const std::set<LinkId>& links) {
  std::vector<WatchedPath> paths;
  for (const LinkId link : links) {
    if (auto watched = exploratory_path(graph, link)) paths.push_back(std::move(*watched));
  }
  return paths;
}

std::set<LinkId> links_to_explore(const Graph& graph) {
  std::set<LinkId> links;
  for (size_t l = 0; l < graph.link_count(); l += 2) {
    if (worth_exploring(graph, LinkId(l))) links.insert(links.end(), LinkId(l));
  }
  return links;
}

bool active_is_ready(const IntentRow& row) {
  if (!row.active) return true;
  for (size_t i = 0; i < row.active->plan.placements.size(); ++i) {
    const RunState state = state_of(row, row.active->run(i));
    const bool done = is_job(*row.active) && state == RunState::kExited;
    if (state != RunState::kRunning && !done) return false;
  }
  return true;
}

}  // namespace weir
