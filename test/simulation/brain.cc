#include "simulation/brain.h"

#include <algorithm>

#include "core/event/codec.h"

namespace weir::simulation {

// ---- the log -----------------------------------------------------------------------------------------

Status FaultyLog::append(std::span<const Bytes> records, Urgency urgency) {
  if (mutation_ == Mutation::kNone) return store_.append(records, urgency);
  std::vector<std::vector<std::byte>> changed;
  for (const Bytes record : records) {
    ++seen_;
    if (mutation_ == Mutation::kForgetsEvent && seen_ == 60) continue;
    auto event = decode(record);
    if (mutation_ == Mutation::kInflatesUsage && event) {
      if (auto* usage = std::get_if<UsageReported>(&event->body)) usage->to += 700'000;
    }
    if (mutation_ == Mutation::kGrantsUnverified && event) {
      auto* plan = std::get_if<PlanCommitted>(&event->body);
      if (plan && !plan->plan.flows.empty() && !plan->plan.flows[0].path.empty()) plan->plan.flows[0].path.pop_back();
    }
    changed.emplace_back();
    if (event) {
      encode(*event, changed.back());
    } else {
      changed.back().assign(record.begin(), record.end());
    }
  }
  std::vector<Bytes> views(changed.begin(), changed.end());
  return store_.append(views, urgency);
}

// ---- the queue ---------------------------------------------------------------------------------------

std::vector<JobPreempted> UnjustQueue::preemptions(const Graph& head, TimeUs now) {
  const bool equals = mutation_ == Mutation::kPreemptsEquals;
  if (!equals && mutation_ != Mutation::kPreemptsWithoutEnd) return GraphQueue::preemptions(head, now);
  for (const IntentId waiting : order(1)) {
    const int32_t priority = head.intent(waiting).spec->schedule.priority;
    for (size_t i = 0; i < head.intent_count(); ++i) {
      const IntentRow& row = head.intent(IntentId(i));
      if (!row.active || row.spec->workload.kind != WorkKind::kJob) continue;
      if (head.site(row.active->plan.placements[0].site).state != Liveness::kUp) continue;
      const int32_t theirs = row.spec->schedule.priority;
      if (equals ? theirs != priority : theirs >= priority) continue;
      return {{.intent = IntentId(i), .plan = row.active->position, .by = waiting, .why = "",
               .site = row.active->plan.placements[0].site, .victims = 1}};
    }
  }
  return {};
}

// ---- life --------------------------------------------------------------------------------------------

BrainProcess::BrainProcess(Schedule& schedule, Random& random, const Faults& faults, InMemoryLogStore& store,
                           Mutation mutation, Hooks hooks)
    : schedule_(schedule),
      random_(random),
      faults_(faults),
      store_(store),
      mutation_(mutation),
      hooks_(std::move(hooks)),
      log_(store, mutation),
      queue_(mutation) {}

bool BrainProcess::start() {
  ++incarnation_;
  planner_ = std::make_unique<JointPlanner>(DecideLimits{.solver = {.steps = 3'000}, .alternatives = 1});
  inbox_.clear();
  outbox_.clear();
  connections_.clear();
  greeted_.clear();
  turn_at_us_ = 0;
  busy_until_us_ = 0;
  started_us_ = schedule_.now();
  auto loop = Loop::start({.clock = *this,
                           .log = log_,
                           .wire = *this,
                           .decide = [this](uint64_t t, Snapshot s, IntentId i, const std::vector<SiteId>& sites) {
                             return decide(t, std::move(s), i, sites);
                           },
                           .needs_decision = needs_decision,
                           .publish = [](Snapshot) {},
                           .scheduler = &queue_,
                           .advise = [this](uint64_t t, Snapshot s) { advise(t, std::move(s)); },
                           .arrange = [this](uint64_t t, Snapshot s, WorkflowId w) { arrange(t, std::move(s), w); }},
                          LoopOptions{.checkpoint_events = static_cast<Position>(random_.between(50, 2'000)),
                                      .pass_us = random_.between(2'000'000, 20'000'000),
                                      .move_patience_us = 5'000'000,
                                      .move_dwell_us = 20'000'000,
                                      .replan_us_max = 4'000'000},
                          "simulation",
                          DomainCreated{.name = "simulation",
                                        .carbon_price_per_kg = 100'000'000,
                                        .scarcity_core_hour = 100'000'000,
                                        .scarcity_gib_hour = 10'000'000,
                                        .scarcity_accelerator_hour = 2 * kCredit,
                                        .scarcity_gbps_hour = 50'000'000,
                                        .service_prefix = "fd77:2::/64"});
  if (!loop) return false;
  loop_ = std::move(*loop);
  hooks_.turned();
  want_turn(schedule_.now());
  return true;
}

void BrainProcess::crash(const std::string& why) {
  if (!loop_) return;
  const Totals sum = totals();
  before_ = sum;
  ++before_.crashes;
  ++incarnation_;
  loop_.reset();
  inbox_.clear();
  outbox_.clear();
  connections_.clear();
  hooks_.crashed(why);
}

BrainProcess::Totals BrainProcess::totals() const {
  Totals t = before_;
  if (loop_) {
    const Loop::Counters& c = loop_->counters();
    t.turns += c.turns;
    t.decisions += c.decisions;
    t.commits += c.commits;
    t.conflicts += c.conflicts;
    t.defects += c.defects;
    t.refusals += c.refusals;
    t.directives += c.directives;
    t.moves += c.moves;
  }
  return t;
}

// ---- turns -------------------------------------------------------------------------------------------

void BrainProcess::post(Loop::Message message) {
  if (!loop_) return;
  inbox_.push_back(std::move(message));
  want_turn(schedule_.now() + random_.between(0, 2'000));
}

void BrainProcess::want_turn(TimeUs at) {
  at = std::max(at, busy_until_us_);
  if (turn_at_us_ != 0 && turn_at_us_ <= at) return;
  turn_at_us_ = std::max<TimeUs>(at, 1);
  schedule_.at(at, [this, wanted = ++turn_wanted_, mine = incarnation_] {
    if (mine == incarnation_ && wanted == turn_wanted_ && loop_) turn();
  });
}

void BrainProcess::turn() {
  turn_at_us_ = 0;
  if (random_.chance(faults_.flush_error_ppm)) store_.fail_next_flush();
  const Status status = loop_->turn(std::exchange(inbox_, {}));
  if (!status) return crash(status.error().text());
  hooks_.turned();
  TimeUs took = random_.between(50, 500);
  if (random_.chance(faults_.slow_flush_ppm)) took = random_.between(20'000, 600'000);
  busy_until_us_ = schedule_.now() + took;
  if (!outbox_.empty()) {
    schedule_.after(took, [mine = incarnation_, this, out = std::exchange(outbox_, {})] {
      if (mine != incarnation_) return;
      for (const auto& act : out) act();
    });
  }
  want_turn(loop_->wake_us() - steady_us() + schedule_.now());
}

// ---- people and agents -------------------------------------------------------------------------------

void BrainProcess::propose(std::vector<Proposal> proposals, Brain::Reply reply) {
  post(Loop::Propose{std::move(proposals), [this, reply = std::move(reply)](const Result<Admitted>& result) {
                       outbox_.push_back([reply, result] { reply(result); });
                     }});
}

uint64_t BrainProcess::dial(size_t site) {
  if (!loop_ || site >= loop_->durable()->site_count()) return 0;
  const uint64_t connection = next_connection_++;
  connections_[site] = connection;
  return connection;
}

void BrainProcess::receive(size_t site, uint64_t connection, const Upward& message) {
  const auto open = connections_.find(site);
  if (!loop_ || open == connections_.end() || open->second != connection) return;
  const SiteId id(site);
  // A stream begins with Hello; one that begins otherwise is refused, as by the real link.
  const bool greets = std::holds_alternative<Hello>(message);
  if (!greets && !greeted_.count(connection)) {
    connections_.erase(open);
    hooks_.send(site, connection, Closed{});
    return;
  }
  if (greets && !greeted_.insert(connection).second) return;
  if (const auto* hello = std::get_if<Hello>(&message)) {
    post(Loop::Attached{id, connection, *hello});
  } else if (const auto* beat = std::get_if<HeartbeatSent>(&message)) {
    post(Loop::Heartbeat{id, connection});
    hooks_.send(site, connection, Renewal{beat->at, LoopOptions{}.lease_us});
  } else if (const auto* said = std::get_if<Reports>(&message)) {
    std::vector<Brain::Report> reports;
    for (const Brain::Report& report : said->reports) {
      if (mutation_ == Mutation::kDeafToPaths && !std::holds_alternative<Observation>(report)) continue;
      if (mutation_ == Mutation::kNeverSettled && std::holds_alternative<Observation>(report)) {
        Observation seen = std::get<Observation>(report);
        seen.settled = false;
        reports.push_back(std::move(seen));
        continue;
      }
      reports.push_back(report);
    }
    std::function<void()> done;
    if (said->sequence != 0) {
      done = [this, site, connection, sequence = said->sequence] {
        outbox_.push_back([this, site, connection, sequence] { hooks_.send(site, connection, Acknowledged{sequence}); });
      };
    }
    post(Loop::Reported{id, connection, std::move(reports), std::move(done)});
  } else {
    connections_.erase(open);
    post(Loop::Detached{id, connection});
  }
}

void BrainProcess::send(const SiteDirective& directive) {
  outbox_.push_back([this, directive] {
    const auto open = connections_.find(directive.site.index());
    if (open != connections_.end()) hooks_.send(open->first, open->second, directive);
  });
}

void BrainProcess::drop(SiteId site) {
  const auto open = connections_.find(site.index());
  if (open == connections_.end()) return;
  const uint64_t connection = open->second;
  connections_.erase(open);
  outbox_.push_back([this, site, connection] { hooks_.send(site.index(), connection, Closed{}); });
  post(Loop::Detached{site, connection});
}

// ---- decisions ---------------------------------------------------------------------------------------

void BrainProcess::advise(uint64_t ticket, Snapshot snapshot) {
  TimeUs takes = random_.between(1'000, 500'000);
  if (random_.chance(faults_.late_ppm)) takes = random_.between(1'000'000, 10'000'000);
  schedule_.after(takes, [this, mine = incarnation_, ticket, snapshot = std::move(snapshot)] {
    if (mine != incarnation_) return;
    auto advice = pass_.run(*snapshot);
    if (advice) {
      for (Plan& plan : advice->moves) {
        if (random_.chance(faults_.garbage_ppm)) spoil(plan, *snapshot);
      }
    }
    post(Loop::Advised{ticket, std::move(advice)});
  });
}

void BrainProcess::arrange(uint64_t ticket, Snapshot snapshot, WorkflowId workflow) {
  TimeUs takes = random_.between(1'000, 200'000);
  if (random_.chance(faults_.late_ppm)) takes = random_.between(1'000'000, 5'000'000);
  schedule_.after(takes, [this, mine = incarnation_, ticket, snapshot = std::move(snapshot), workflow] {
    if (mine != incarnation_) return;
    WorkflowPlanned planned = workflow_planner_.plan(*snapshot, workflow);
    if (random_.chance(faults_.garbage_ppm)) {
      WorkflowPlanned spoilt = planned;
      switch (random_.between(0, 3)) {
        case 0: spoilt.workflow = WorkflowId(random_.below(snapshot->workflow_count() + 2)); break;
        case 1: ++spoilt.generation; break;
        case 2: spoilt.stages.push_back({.site = SiteId(random_.below(snapshot->site_count() + 2))}); break;
        default: spoilt.transfers.push_back({.item = static_cast<uint32_t>(random_.below(1'000'000))}); break;
      }
      post(Loop::Arranged{ticket, std::move(spoilt)});
    }
    post(Loop::Arranged{ticket, std::move(planned)});
  });
}

bool BrainProcess::decide(uint64_t ticket, Snapshot snapshot, IntentId intent, const std::vector<SiteId>& sites) {
  if (random_.chance(20'000)) return false;  // every worker is busy
  TimeUs takes = random_.between(500, 20'000);
  if (random_.chance(faults_.late_ppm)) takes = random_.between(200'000, 3'000'000);
  schedule_.after(takes, [this, mine = incarnation_, ticket, snapshot = std::move(snapshot), intent, sites] {
    if (mine != incarnation_) return;
    Decision decision = sites.empty() ? planner_->decide(*snapshot, intent) : planner_->decide_among(*snapshot, intent, sites);
    Plan* plan = std::get_if<Plan>(&decision);
    if (plan && random_.chance(faults_.garbage_ppm)) spoil(*plan, *snapshot);
    if (random_.chance(faults_.repeated_ppm)) post(Loop::Decided{ticket, intent, decision});
    post(Loop::Decided{ticket, intent, std::move(decision)});
    if (random_.chance(faults_.garbage_ppm)) {
      post(Loop::Decided{static_cast<uint64_t>(random_.between(0, static_cast<int64_t>(ticket) + 5)),
                         IntentId(random_.below(snapshot->intent_count() + 2)), Plan{.intent = intent}});
    }
  });
  return true;
}

// Makes the plan wrong in one of many ways, some of them plausible.
void BrainProcess::spoil(Plan& plan, const Graph& graph) {
  if (plan.placements.empty()) return;
  Placement& p = plan.placements[random_.below(plan.placements.size())];
  Flow* f = plan.flows.empty() ? nullptr : &plan.flows[random_.below(plan.flows.size())];
  if (p.accelerators > 0 && random_.chance(300'000)) {
    switch (random_.between(0, 3)) {
      case 0: p.devices = DeviceMask{1} << random_.below(kDevicesPerNodeMax); break;
      case 1: p.devices = ~DeviceMask{0}; break;
      case 2: p.accelerator_milli = p.accelerator_milli == 1 ? 0 : 1; break;
      default: p.accelerator_memory_mib += 1; break;
    }
    return;
  }
  const int64_t what = random_.between(0, f ? 23 : 13);
  switch (what) {
    case 0: p.site = SiteId(random_.below(graph.site_count() + 1)); break;
    case 1: p.node = NodeId(random_.below(graph.node_count() + 1)); break;
    case 2: p.cpu_milli -= 1; break;
    case 3: p.asks.per_core_hour -= 1; break;
    case 4: plan.billed_per_hour -= 1; break;
    case 5: ++plan.generation; break;
    case 6: plan.intent = IntentId(random_.below(graph.intent_count() + 1)); break;
    case 7: p.continues = {random_.below(graph.version()), 0}; break;
    case 8: plan.placements.push_back(p); break;
    case 9: plan.placements.pop_back(); break;
    case 10: plan.basis = graph.version() + 1'000'000; break;
    case 11: p.memory_mib = INT32_MAX; break;
    case 12: p.streams = -5; break;
    case 13: {  // an idle instance, correctly priced
      Placement idle = p;
      idle.streams = 0;
      idle.continues = {};
      plan.billed_per_hour += placement_per_hour(idle);
      plan.placements.push_back(idle);
      break;
    }
    case 14: f->streams = INT32_MAX; break;
    case 15: f->up_bps = 0; break;
    case 16: f->path.clear(); break;
    case 17: if (!f->path.empty()) f->path.push_back(opposite(f->path.back())); break;
    case 18: f->placement += 1; break;
    case 19: f->ingress = SiteId(random_.below(graph.site_count() + 1)); break;
    case 20: f->latency_us_predicted = INT64_MAX; break;
    case 21: f->latency_us_path = INT64_MIN; break;
    case 22: if (!f->path.empty()) f->protection = {f->path[0]}; break;
    default: if (!f->path.empty()) f->path[0] = LinkId(random_.below(graph.link_count() + 2)); break;
  }
}

}  // namespace weir::simulation
