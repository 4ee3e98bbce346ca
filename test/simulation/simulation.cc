#include "simulation/simulation.h"

#include <algorithm>
#include <cstdio>

#include "core/event/codec.h"
#include "simulation/convergence.h"
#include "simulation/digest.h"
#include "simulation/load.h"

namespace weir::simulation {
namespace {

constexpr TimeUs kGlanceUs = 250'000;
constexpr size_t kNotesMax = 24;
constexpr size_t kEventsShown = 24;
constexpr Position kEventsRead = 2'000;

std::string clock_text(TimeUs us) {
  char text[32];
  std::snprintf(text, sizeof text, "%9.3f s  ", static_cast<double>(us) / 1e6);
  return text;
}

class Simulation {
 public:
  Simulation(uint64_t seed, const Options& options)
      : options_(options),
        random_(seed),
        faults_(Faults::draw(random_)),
        world_(schedule_, random_),
        auditor_([this](const std::string& why) { fail(why); }),
        brain_(schedule_, random_, faults_, store_, options.mutation,
               {.send = [this](size_t s, uint64_t c, Downward m) { down(s, c, std::move(m)); },
                .turned = [this] { audit(); },
                .crashed = [this](const std::string& why) { crashed(why); }}),
        load_(schedule_, random_, world_, brain_, auditor_, [this](const std::string& why) { fail(why); }),
        watch_(world_, agents_) {
    outcome_.seed = seed;
    outcome_.faults = faults_.text();
  }

  Outcome run();

 private:
  void fail(const std::string& why);
  void note(const std::string& what);
  std::string show(Position at, Bytes record) const;

  void down(size_t site, uint64_t connection, Downward message);
  void up(size_t site, uint64_t connection, Upward message);
  // When a message that leaves now arrives; negative: never.
  TimeUs travel(size_t site, bool upward, TimeUs& lane);

  void audit();
  void crashed(const std::string& why);
  void restart_later();
  void begin();
  void begin_faults();
  void repeat(TimeUs every, std::function<void()> act);
  void cut(size_t link, int flaps);
  void glance();
  void heal();
  void check_runs(RunId run, const World::Alive& alive);
  void check_money();
  void check_nothing_unbilled();
  void check_directive(const SiteDirective& directive);
  void check_promises();
  // What became durable against the world as it is.
  void check_event(const Event& event);
  void check_replay();

  Options options_;
  Outcome outcome_;
  Schedule schedule_;
  Random random_;
  Faults faults_;
  World world_;
  InMemoryLogStore store_;
  Auditor auditor_;
  BrainProcess brain_;
  Agents agents_;
  Load load_;
  PromiseWatch watch_;
  std::vector<TimeUs> lane_up_, lane_down_;  // when the newest message of each way arrives
  std::deque<std::string> notes_;
  std::map<size_t, TimeUs> promise_differs_us_;  // by intent, since when
  TimeUs hindered_us_ = 0;
  bool disk_full_ = false;
  bool healed_ = false;
};

// ---- reporting ---------------------------------------------------------------------------------------

void Simulation::fail(const std::string& why) {
  if (!outcome_.ok) return;
  outcome_.ok = false;
  outcome_.why = why;
  outcome_.ended_us = schedule_.now();
  for (const std::string& line : notes_) outcome_.last.push_back(line);
  const Position end = store_.durable_end();
  std::deque<std::string> shown;
  (void)store_.read(end > kEventsRead ? end - kEventsRead : 0, end, [&](Position at, Bytes record) -> Status {
    std::string text = show(at, record);
    if (text.find("UsageReported") != std::string::npos || text.find("PromiseMeasured") != std::string::npos) return {};
    shown.push_back(std::move(text));
    if (shown.size() > kEventsShown) shown.pop_front();
    return {};
  });
  outcome_.last.insert(outcome_.last.end(), shown.begin(), shown.end());
  const BrainProcess::Totals t = brain_.totals();
  outcome_.last.push_back("at " + clock_text(schedule_.now()) + std::to_string(t.decisions) + " decisions, " +
                          std::to_string(t.commits) + " commits, " + std::to_string(t.conflicts) + " conflicts, " +
                          std::to_string(t.defects) + " defects, " + std::to_string(t.refusals) + " refusals");
}

void Simulation::note(const std::string& what) {
  notes_.push_back(clock_text(schedule_.now()) + what);
  if (notes_.size() > kNotesMax) notes_.pop_front();
  if (options_.trace) std::fprintf(stderr, "%s\n", notes_.back().c_str());
}

std::string Simulation::show(Position at, Bytes record) const {
  const auto event = decode(record);
  if (!event) return "#" + std::to_string(at) + " unreadable";
  std::string text = "#" + std::to_string(at) + " " + event->actor + " " + std::string(event->name());
  const auto add = [&text](const char* name, auto value) { text += std::string(" ") + name + " " + std::to_string(value); };
  if (const auto* e = std::get_if<SiteStateChanged>(&event->body)) {
    add("site", e->site.value);
    add("state", static_cast<int>(e->state));
    text += " (" + e->why + ")";
  } else if (const auto* link = std::get_if<LinkStateChanged>(&event->body)) {
    add("link", link->link.value);
    add("up", static_cast<int>(link->up));
  } else if (const auto* submitted = std::get_if<IntentSubmitted>(&event->body)) {
    add("intent", submitted->intent.value);
    add("generation", submitted->generation);
    add("job", static_cast<int>(submitted->spec.workload.kind));
  } else if (const auto* withdrawn = std::get_if<IntentWithdrawn>(&event->body)) {
    add("intent", withdrawn->intent.value);
  } else if (const auto* committed = std::get_if<PlanCommitted>(&event->body)) {
    add("intent", committed->plan.intent.value);
    add("generation", committed->plan.generation);
    for (const Placement& p : committed->plan.placements) {
      add("at", p.site.value);
      if (p.continues.valid()) add("continues", p.continues.plan);
    }
    for (const Flow& f : committed->plan.flows) {
      add("label", f.label_working);
      add("protection", f.label_protection);
      text += " over";
      for (const LinkId l : f.path) text += " " + std::to_string(l.value);
    }
  } else if (const auto* retired = std::get_if<PlanRetired>(&event->body)) {
    add("intent", retired->intent.value);
    add("plan", retired->plan);
  } else if (const auto* refused = std::get_if<IntentRefused>(&event->body)) {
    add("intent", refused->refusal.intent.value);
    for (const Reason& reason : refused->refusal.reasons) add("reason", static_cast<int>(reason.code));
  } else if (const auto* run = std::get_if<RunStateChanged>(&event->body)) {
    add("run", run->run.plan);
    add("item", run->run.item);
    add("intent", run->intent.value);
    add("state", static_cast<int>(run->state));
    text += " (" + run->why + ")";
  } else if (const auto* switched = std::get_if<PathSwitched>(&event->body)) {
    add("plan", switched->plan);
    add("flow", switched->flow);
    add("protection", static_cast<int>(switched->to_protection));
  }
  return text;
}

// ---- the wire ----------------------------------------------------------------------------------------

TimeUs Simulation::travel(size_t site, bool upward, TimeUs& lane) {
  const TimeUs now = schedule_.now();
  TimeUs at = now + random_.between(500, faults_.delay_us_max);
  const TimeUs until = world_.sites[site].partitioned_until_us;
  if (until > now && (upward ? world_.sites[site].mute : world_.sites[site].deaf)) {
    if (!random_.chance(faults_.held_back_ppm)) return -1;
    at += until - now;
  }
  if (random_.chance(faults_.drop_ppm)) return -1;
  if (random_.chance(faults_.reorder_ppm)) return at + random_.between(0, 500'000);
  lane = std::max(lane + 1, at);
  return lane;
}

void Simulation::down(size_t site, uint64_t connection, Downward message) {
  if (const auto* directive = std::get_if<SiteDirective>(&message)) check_directive(*directive);
  const bool twice = random_.chance(faults_.duplicate_ppm);
  for (int i = 0; i <= static_cast<int>(twice); ++i) {
    const TimeUs at = travel(site, false, lane_down_[site]);
    if (at >= 0) schedule_.at(at, [this, site, connection, message] { agents_[site]->receive(connection, message); });
  }
}

void Simulation::up(size_t site, uint64_t connection, Upward message) {
  const bool twice = random_.chance(faults_.duplicate_ppm);
  for (int i = 0; i <= static_cast<int>(twice); ++i) {
    const TimeUs at = travel(site, true, lane_up_[site]);
    if (at >= 0) schedule_.at(at, [this, site, connection, message] { brain_.receive(site, connection, message); });
  }
}

// ---- the brain's life --------------------------------------------------------------------------------

void Simulation::audit() {
  const Position end = store_.durable_end();
  if (auditor_.size() < end) {
    (void)store_.read(auditor_.size(), end, [this](Position at, Bytes record) -> Status {
      if (options_.trace) std::fprintf(stderr, "%s%s\n", clock_text(schedule_.now()).c_str(), show(at, record).c_str());
      auditor_.take(at, record);
      if (const auto event = decode(record)) check_event(*event);
      return {};
    });
    if (random_.chance(5'000)) check_replay();
    if (random_.chance(100'000)) auditor_.compare(*brain_.loop()->durable());
  }
}

void Simulation::crashed(const std::string& why) {
  note("the brain crashed: " + why);
  hindered_us_ = schedule_.now();
  size_t torn = 0;
  if (random_.chance(faults_.torn_ppm)) torn = static_cast<size_t>(random_.between(1, 6));
  store_.crash(torn);
  if (random_.chance(200'000)) store_.corrupt_newest_checkpoint();
  if (options_.mutation == Mutation::kLosesDurable && store_.durable_end() > 40) {
    InMemoryLogStore less;
    (void)store_.read(0, store_.durable_end() - 3, [&less](Position, Bytes record) -> Status {
      return less.append(std::span<const Bytes>(&record, 1), LogStore::Urgency::kOrdinary);
    });
    (void)less.flush();
    store_ = std::move(less);
  }
  restart_later();
}

void Simulation::restart_later() {
  schedule_.after(healed_ ? 100'000 : random_.between(50'000, 3'000'000), [this] {
    if (brain_.loop()) return;
    if (store_.durable_end() < auditor_.size()) return fail("durable records were lost in a crash");
    (void)store_.read(0, auditor_.size(), [this](Position at, Bytes record) -> Status {
      auditor_.recovered(at, record);
      return {};
    });
    note("the brain starts");
    hindered_us_ = schedule_.now();
    if (!brain_.start()) return restart_later();
    check_replay();
  });
}

// ---- faults ------------------------------------------------------------------------------------------

void Simulation::repeat(TimeUs every, std::function<void()> act) {
  if (every == 0) return;
  schedule_.after(random_.between(every / 4, every * 7 / 4), [this, every, act = std::move(act)] {
    if (healed_) return;
    act();
    repeat(every, act);
  });
}

void Simulation::cut(size_t link, int flaps) {
  if (healed_) return;
  note("link " + std::to_string(link) + " is cut");
  world_.set_link(link, false);
  const TimeUs down_us = flaps > 0 ? random_.between(50'000, 700'000) : random_.between(500'000, 20'000'000);
  schedule_.after(down_us, [this, link, flaps] {
    if (healed_) return;
    note("link " + std::to_string(link) + " works again");
    world_.set_link(link, true);
    if (flaps > 0) {
      schedule_.after(random_.between(50'000, 1'500'000), [this, link, flaps] { cut(link, flaps - 1); });
    }
  });
}

void Simulation::begin_faults() {
  repeat(faults_.crash_every_us, [this] { brain_.crash("killed"); });
  repeat(faults_.link_cut_every_us, [this] {
    const size_t link = random_.below(world_.links.size());
    if (world_.links[link].up) cut(link, random_.chance(faults_.link_flaps_ppm) ? static_cast<int>(random_.between(3, 10)) : 0);
  });
  repeat(faults_.partition_every_us, [this] {
    const size_t site = random_.below(world_.sites.size());
    const TimeUs lasts = random_.between(300'000, 16'000'000);
    const int64_t ways = random_.between(0, 5);  // mostly both
    world_.sites[site].mute = ways != 0;
    world_.sites[site].deaf = ways != 1;
    note("site " + std::to_string(site) + (ways == 0 ? " is deaf" : ways == 1 ? " is mute" : " is cut off") + " for " +
         std::to_string(lasts / 1000) + " ms");
    world_.sites[site].partitioned_until_us = schedule_.now() + lasts;
  });
  repeat(faults_.site_death_every_us, [this] {
    const size_t site = random_.below(world_.sites.size());
    if (!world_.sites[site].alive) return;
    note("site " + std::to_string(site) + " dies");
    agents_[site]->die();
    schedule_.after(random_.between(300'000, 10'000'000), [this, site] {
      if (healed_) return;
      note("site " + std::to_string(site) + " boots");
      agents_[site]->boot();
    });
  });
  repeat(faults_.agent_restart_every_us, [this] {
    const size_t site = random_.below(world_.sites.size());
    note("the agent of site " + std::to_string(site) + " restarts");
    agents_[site]->restart();
  });
  repeat(faults_.disk_full_every_us, [this] {
    note("the disk is full");
    disk_full_ = true;
    store_.limit_space(store_.bytes(), 200'000);
    schedule_.after(random_.between(200'000, 3'000'000), [this] {
      note("the disk has room");
      disk_full_ = false;
      store_.limit_space(InMemoryLogStore::kUnlimited);
    });
  });
  repeat(faults_.clock_step_every_us, [this] { brain_.wall_offset_us += random_.between(-30'000'000, 30'000'000); });
}

void Simulation::heal() {
  note("everything heals");
  healed_ = true;
  faults_ = Faults{};
  for (size_t l = 0; l < world_.links.size(); ++l) world_.set_link(l, true);
  for (size_t s = 0; s < world_.sites.size(); ++s) {
    world_.sites[s].partitioned_until_us = 0;
    if (world_.sites[s].alive) {
      agents_[s]->restart();  // says again, now truly, what it has
    } else {
      agents_[s]->boot();
    }
  }
  disk_full_ = false;
  store_.limit_space(InMemoryLogStore::kUnlimited);
  load_.calm();
}

// ---- checks ------------------------------------------------------------------------------------------

// What has ended does not begin again, but where its machine did and nobody else was told of the end. A job may be placed anew only when its earlier attempt
// has surely ended.
void Simulation::check_runs(RunId run, const World::Alive& alive) {
  const bool untold = world_.ends_forgotten.count(run) && !auditor_.ended_once(run);
  if (world_.ran_us.count(run) && !world_.unreported.count(run) && !untold) {
    fail("run " + std::to_string(run.plan) + "." + std::to_string(run.item) + " has ended and begins again");
  }
  if (!alive.job) return;
  for (const auto& [other, places] : world_.runs) {
    for (const auto& [site, there] : places) {
      if (there.intent != alive.intent || !there.job || (other == run && site == alive.site)) continue;
      if (other != run && auditor_.side_by_side(other, run)) continue;
      fail("a job runs twice: run " + std::to_string(other.plan) + "." + std::to_string(other.item) + " at site " +
           std::to_string(site) + " and run " + std::to_string(run.plan) + "." + std::to_string(run.item) + " at site " +
           std::to_string(alive.site));
    }
  }
}

// Whatever is wished by now, a run is what it was asked for as, and is reached where it listens.
void Simulation::check_directive(const SiteDirective& directive) {
  for (const DirectedRun& run : directive.runs) {
    const Workload* asked = auditor_.workload_of(run.run);
    if (!asked || !(run.workload == *asked) || run.devices != auditor_.devices_of(run.run)) {
      return fail("run " + std::to_string(run.run.plan) + "." + std::to_string(run.run.item) +
                  " is directed as something else than was planned");
    }
  }
  for (const DirectedService& service : directive.services) {
    for (const DirectedBackend& backend : service.backends) {
      const Workload* asked = auditor_.workload_of(backend.run);
      if (!asked || backend.port != asked->port || service.port != asked->port || asked->kind != WorkKind::kService) {
        return fail("run " + std::to_string(backend.run.plan) + "." + std::to_string(backend.run.item) +
                    " does not listen on port " + std::to_string(backend.port));
      }
    }
  }
}

void Simulation::check_event(const Event& event) {
  constexpr TimeUs kHeardUs = 3'000'000;
  const auto* link = std::get_if<LinkStateChanged>(&event.body);
  // Words that a partition held back are told too late, by nobody's fault.
  if (!link || !link->up || faults_.held_back_ppm > 0) return;
  const World::Link& real = world_.links[link->link.index() / 2];
  if (!real.up && schedule_.now() - real.changed_us > kHeardUs) {
    fail("link " + std::to_string(link->link.value) + " is said to be up and has been dead for " +
         std::to_string((schedule_.now() - real.changed_us) / 1000) + " ms");
  }
}

// The promise that the graph shows is what was measured last at every ingress.
void Simulation::check_promises() {
  constexpr TimeUs kShownWithinUs = 3'000'000;
  const Graph& graph = *brain_.loop()->durable();
  if (graph.version() != auditor_.size()) return;
  for (size_t i = 0; i < graph.intent_count(); ++i) {
    if (auditor_.withdrawn(IntentId(i)) || graph.intent(IntentId(i)).promise_kept == auditor_.promise_kept(IntentId(i))) {
      promise_differs_us_.erase(i);
      continue;
    }
    const TimeUs since = std::max(hindered_us_, promise_differs_us_.try_emplace(i, schedule_.now()).first->second);
    if (schedule_.now() - since > kShownWithinUs) {
      fail("intent " + graph.intent_name(IntentId(i)) + ": the promise is " +
           (graph.intent(IntentId(i)).promise_kept ? "kept" : "broken") + " in the graph and not as measured");
    }
  }
}

void Simulation::check_money() {
  for (const auto& [run, us] : world_.ran_us) {
    if (auditor_.billed_us(run) > world_.total_us(run)) {
      fail("run " + std::to_string(run.plan) + "." + std::to_string(run.item) + " is billed for " +
           std::to_string(auditor_.billed_us(run)) + " us and ran for " + std::to_string(world_.total_us(run)));
    }
  }
}

// Whatever was said twice, late, out of order or across restarts: of a run that ended, all is in the ledger that did
// not perish with its machine.
void Simulation::check_nothing_unbilled() {
  for (const auto& [run, us] : world_.ran_us) {
    const auto owes = [run = run](const auto& agent) { return agent->owes_usage(run); };
    if (world_.runs.count(run) || world_.unreported.count(run) || std::any_of(agents_.begin(), agents_.end(), owes)) continue;
    if (auditor_.billed_us(run) != us) {
      fail("run " + std::to_string(run.plan) + "." + std::to_string(run.item) + " ran for " + std::to_string(us) +
           " us, all of it acknowledged, and is billed for " + std::to_string(auditor_.billed_us(run)));
    }
  }
}

void Simulation::check_replay() {
  if (!brain_.loop()) return;
  Graph again;
  (void)store_.read(0, store_.durable_end(), [&again](Position, Bytes record) -> Status {
    if (const auto event = decode(record)) again.apply(*event);
    return {};
  });
  const Graph& now = *brain_.loop()->durable();
  if (digest(again) == digest(now)) return;
  const std::string a = describe(again), b = describe(now);
  size_t at = 0;
  while (at < std::min(a.size(), b.size()) && a[at] == b[at]) ++at;
  const size_t line = a.rfind('\n', at) == std::string::npos ? 0 : a.rfind('\n', at) + 1;
  fail("the replayed ledger differs from the graph at: " + a.substr(line, 120) + " / " + b.substr(std::min(line, b.size()), 120));
}

void Simulation::glance() {
  schedule_.after(kGlanceUs, [this] { glance(); });
  if (!brain_.loop() || brain_.loop()->held() || disk_full_) hindered_us_ = schedule_.now();
  if (!brain_.loop()) return;
  const std::string why = watch_.look(schedule_.now(), *brain_.loop()->durable(), hindered_us_);
  if (!why.empty()) fail(why);
  check_money();
  check_promises();
}

// ---- the run -----------------------------------------------------------------------------------------

void Simulation::begin() {
  world_.build();
  const size_t sites = world_.sites.size();
  lane_up_.assign(sites, 0);
  lane_down_.assign(sites, 0);
  for (size_t s = 0; s < sites; ++s) {
    if (random_.chance(faults_.late_site_ppm)) {
      world_.sites[s].alive = false;
      schedule_.after(random_.between(1'000'000, 30'000'000), [this, s] { agents_[s]->boot(); });
    }
    agents_.push_back(std::make_unique<Agent>(
        s, world_, schedule_, random_, faults_,
        Agent::Uplink{.dial = [this, s]() -> uint64_t {
                        return world_.sites[s].partitioned_until_us > schedule_.now() ? 0 : brain_.dial(s);
                      },
                      .send = [this, s](uint64_t c, Upward m) { up(s, c, std::move(m)); }}));
    agents_.back()->ignore_lease = options_.mutation == Mutation::kIgnoresLease;
  }
  world_.changed = [this] {
    for (const auto& agent : agents_) agent->look();
  };
  world_.run_began = [this](RunId run, const World::Alive& alive) { check_runs(run, alive); };
  if (!brain_.start()) fail("the brain did not start on an empty ledger");
  load_.begin();
  begin_faults();
  schedule_.at(options_.safety_us, [this] { heal(); });
  schedule_.after(kGlanceUs, [this] { glance(); });
}

Outcome Simulation::run() {
  begin();
  const TimeUs deadline = options_.safety_us + options_.convergence_us;
  TimeUs next_look = options_.safety_us + 3'000'000;
  std::string open = "nothing was looked at";
  while (outcome_.ok && schedule_.step()) {
    if (schedule_.now() < next_look) continue;
    next_look = schedule_.now() + 500'000;
    open = !brain_.loop() ? "the brain is down" : !load_.quiet() ? "a proposal has no answer" : unsettled(world_, agents_, *brain_.loop()->durable());
    if (open.empty()) break;
    if (schedule_.now() > deadline) fail("not converged: " + open);
  }
  outcome_.steps = schedule_.steps();
  if (outcome_.ok) {
    outcome_.ended_us = schedule_.now();
    outcome_.converged_us = schedule_.now() - options_.safety_us;
    auditor_.compare(*brain_.loop()->durable());
    check_replay();
    check_money();
    check_nothing_unbilled();
    if (options_.at_end) options_.at_end(store_, auditor_);
  }
  outcome_.head = auditor_.head();
  outcome_.totals = brain_.totals();
  outcome_.preemptions = auditor_.preemptions();
  outcome_.resizes = auditor_.resizes();
  outcome_.reclaims = auditor_.reclaims();
  outcome_.made_way = auditor_.made_way();
  outcome_.exchanged = auditor_.exchanged();
  return std::move(outcome_);
}

}  // namespace

Outcome simulate(uint64_t seed, const Options& options) { return Simulation(seed, options).run(); }

}  // namespace weir::simulation
