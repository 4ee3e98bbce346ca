#include "core/loop/loop.h"

#include <algorithm>

#include "core/event/codec.h"
#include "core/graph/checkpoint.h"
#include "core/graph/hours.h"
#include "core/loop/admit.h"
#include "core/loop/links.h"

namespace weir {
namespace {

// Best-effort work that was refused is not asked for again while so many others are to be decided.
constexpr size_t kBestEffortBehind = 64;
constexpr TimeUs kBestEffortLaterUs = 20'000;

std::string milliseconds(TimeUs us) { return std::to_string(us / 1000) + " ms"; }

bool has_ingress(const IntentSpec& spec, SiteId site) {
  return std::any_of(spec.from.begin(), spec.from.end(), [site](const Ingress& from) { return from.site == site; });
}

// Whether traffic of the intent, as wished now or as planned, begins at the site.
bool enters_at(const IntentRow& row, SiteId site) {
  return has_ingress(*row.spec, site) || (row.active && has_ingress(*row.active->spec, site)) ||
         std::any_of(row.retiring.begin(), row.retiring.end(), [site](const auto& held) { return has_ingress(*held->spec, site); });
}

}  // namespace

// ---- beginning ---------------------------------------------------------------------------------------

Result<std::unique_ptr<Loop>> Loop::start(Ports ports, const LoopOptions& options, const std::string& version,
                                          const DomainCreated& genesis) {
  std::unique_ptr<Loop> loop(new Loop(std::move(ports), options));
  loop->now_us_ = loop->started_us_ = loop->ports_.clock.steady_us();
  if (Status status = loop->recover(); !status) return tl::unexpected(status.error());
  std::vector<EventBody> bodies;
  if (loop->head_.version() == 0) bodies.push_back(genesis);
  bodies.push_back(BrainStarted{version, loop->head_.brain_epoch() + 1});
  if (Status status = loop->record(kBrain, std::move(bodies)); !status) return tl::unexpected(status.error());
  loop->watch_hour();
  if (Status status = loop->ports_.log.flush(); !status) return tl::unexpected(status.error());
  loop->durable_ = std::make_shared<const Graph>(loop->head_);
  loop->ports_.publish(loop->durable_);
  for (size_t s = 0; s < loop->head_.site_count(); ++s) {
    const Liveness state = loop->head_.site(SiteId(s)).state;
    // Sites that were up may be alive and are given time to say so.
    if (state == Liveness::kUp || state == Liveness::kDraining) {
      loop->sessions_[SiteId(s)].heard_us = loop->now_us_ + options.resync_us - options.site_silence_us;
    }
    if (state == Liveness::kDown) loop->down_since_us_[SiteId(s)] = loop->now_us_;
    loop->watch_silence(SiteId(s));
  }
  loop->pass_us_ = loop->now_us_ + options.pass_us;
  loop->held_ = !loop->sessions_.empty();
  if (loop->ports_.scheduler != nullptr) loop->ports_.scheduler->restart(loop->head_);
  for (size_t i = 0; i < loop->head_.intent_count(); ++i) loop->await_end(IntentId(i));
  return loop;
}

Status Loop::recover() {
  // A checkpoint only saves work: one that cannot be read is passed over.
  auto checkpoint = ports_.log.newest_checkpoint();
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  if (*checkpoint) {
    if (auto graph = decode_graph((*checkpoint)->state); graph && graph->version() == (*checkpoint)->version) {
      head_ = std::move(*graph);
      for (size_t i = 0; i < head_.intent_count(); ++i) {
        for (const RunRow& run : head_.intent(IntentId(i)).runs) remember_plan(IntentId(i), run.run.plan);
        for (const RetiredRun& run : head_.intent(IntentId(i)).retired_runs) {
          remember_plan(IntentId(i), run.run.plan);
          awaiting_usage_.insert(IntentId(i));
        }
      }
    }
  }
  checkpointed_ = head_.version();
  Status read = ports_.log.read(head_.version(), ports_.log.durable_end(), [this](Position at, Bytes bytes) -> Status {
    auto event = decode(bytes);
    if (!event) return tl::unexpected(event.error());
    head_.apply(*event);
    note(event->body, at);
    return {};
  });
  restarts_.clear();  // the past did not happen all at once
  restarting_.clear();
  follow_all();
  return read;
}

// ---- one turn ----------------------------------------------------------------------------------------

Status Loop::turn(std::vector<Message> messages) {
  if (!fatal_) return fatal_;
  ++counters_.turns;
  now_us_ = ports_.clock.steady_us();
  watch_hour();
  for (Message& message : messages) {
    std::visit([this](auto& body) { handle(body); }, message);
    watch_hour();  // of the first site that has hours
  }
  if (held_) {
    const bool all = std::all_of(sessions_.begin(), sessions_.end(), [](const auto& s) { return s.second.attached; });
    if (all || now_us_ - started_us_ >= options_.resync_us) {
      held_ = false;
      recheck_all_ = react_ = direct_all_ = true;
    }
  }
  if (!held_) watch_sites();
  watch_steering();
  watch_links();
  watch_run_times();
  watch_reservations();
  watch_workflows();
  watch_intents();
  watch_arrays();
  advance_retirements();
  release_unused();
  make_moves();
  if (!fatal_) return stop();
  if (appended_) {
    appended_ = false;
    if (fatal_ = ports_.log.flush(); !fatal_) return stop();
    ++counters_.flushes;
    durable_ = std::make_shared<const Graph>(head_);
    ports_.publish(durable_);
    if (head_.version() - checkpointed_ >= options_.checkpoint_events) {
      // Not saving one costs time at the next start, nothing else: a full disk must not stop the loop.
      (void)ports_.log.save_checkpoint({head_.version(), encode_graph(head_)});
      checkpointed_ = head_.version();
    }
  }
  for (auto& reply : std::exchange(after_flush_, {})) reply({});
  take_turns();
  begin_decisions();
  begin_pass();
  begin_arrangement();
  act();
  return {};
}

// Whoever waits for the flush learns that it failed: nobody is left waiting for a brain that stops.
Status Loop::stop() {
  const Status unknown = fail(ErrorCode::kUnavailable, "the brain is stopping: " + fatal_.error().text(), {},
                              "look again when it is back: the change may or may not have been written");
  for (auto& reply : std::exchange(after_flush_, {})) reply(unknown);
  return fatal_;
}

TimeUs Loop::wake_us() {
  TimeUs wake = now_us_ + options_.turn_us_max;
  if (held_) wake = std::min(wake, started_us_ + options_.resync_us);
  wake = std::min(wake, silence_wake_us());
  if (!refused_again_.empty()) wake = std::min(wake, refused_again_.begin()->first);
  for (const auto& [intent, attempt] : attempts_) {
    if (attempt.ticket != 0 || !to_decide_.count(intent)) continue;
    wake = std::min(wake, std::max(restart_at_us(intent), attempt.not_before_us));
  }
  for (auto at = restarting_.begin(); at != restarting_.end();) {
    const IntentId intent = *at;
    const auto known = restarts_.find(intent);
    if (known == restarts_.end() || known->second.not_before_us <= now_us_) {
      at = restarting_.erase(at);
      continue;
    }
    ++at;
    const auto attempt = attempts_.find(intent);
    if (!to_decide_.count(intent) || (attempt != attempts_.end() && attempt->second.ticket == 0)) continue;
    if (const TimeUs restart_us = restart_at_us(intent); restart_us > now_us_) wake = std::min(wake, restart_us);
  }
  const auto in = [this](TimeUs event_time, TimeUs now) { return now_us_ + std::min(event_time - now, options_.clock_look_us); };
  if (ports_.scheduler != nullptr && ports_.scheduler->wake() != INT64_MAX) {
    wake = std::min(wake, in(ports_.scheduler->wake(), queue_time_us()));
  }
  if (head_.keeps_bandwidth()) wake = std::min(wake, std::max(kept_look_us_, in(head_.kept_end(), event_time_us())));
  if (head_.hourly_sites() > 0) wake = std::min(wake, in(next_hour(event_time_us()), event_time_us()));
  if (!run_time_ends_.empty()) wake = std::min(wake, in(run_time_ends_.begin()->first, event_time_us()));
  if (ports_.advise && options_.pass_us != 0 && pass_ticket_ == 0) wake = std::min(wake, std::max(pass_us_, now_us_ + 1'000));
  wake = std::min({wake, judge_us_, label_rests_.wake(), steering_wake_us(), arrangement_wake_us()});
  if (appended_) wake = now_us_;  // since the last flush: what was preempted
  return std::max(wake, now_us_ + 1'000);
}

Status Loop::record(const std::string& actor, std::vector<EventBody> bodies) {
  if (bodies.empty()) return {};
  if (!fatal_) return fatal_;
  std::vector<Event> events;
  std::vector<std::byte> bytes;
  std::vector<size_t> ends;
  const TimeUs at = std::max(ports_.clock.wall_us(), head_.now());
  bool repair = false;
  for (EventBody& body : bodies) {
    Event event{at, actor, std::move(body)};
    if (Status status = validate(event); !status) return status;
    // A plan for an intent that has one mends a promise.
    const auto* plan = std::get_if<PlanCommitted>(&event.body);
    repair = repair || is_repair(event) || (plan && head_.intent(plan->plan.intent).active != nullptr);
    encode(event, bytes);
    ends.push_back(bytes.size());
    events.push_back(std::move(event));
  }
  std::vector<Bytes> records;
  size_t from = 0;
  for (const size_t end : ends) {
    records.push_back(Bytes(bytes).subspan(from, end - from));
    from = end;
  }
  const auto urgency = repair ? LogStore::Urgency::kRepair : LogStore::Urgency::kOrdinary;
  if (Status status = ports_.log.append(records, urgency); !status) {
    if (status.error().code != ErrorCode::kExhausted && status.error().code != ErrorCode::kInvalid) fatal_ = status;
    ++counters_.full;
    return status;
  }
  for (const Event& event : events) {
    const Position position = head_.version();
    head_.apply(event);
    note(event.body, position);
    if (ports_.scheduler != nullptr) ports_.scheduler->note(head_, event.body, position);
    ++counters_.events;
  }
  appended_ = true;
  return {};
}

// ---- proposals ---------------------------------------------------------------------------------------

void Loop::handle(Propose& message) {
  // Admitted one after another, each seeing those before it. The copy on which they are tried shares all rows with the
  // head, and each row that is tried is copied: a single proposal goes without.
  Graph trial;
  const bool several = message.proposals.size() > 1;
  if (several) trial = head_;
  const Graph& seen = several ? trial : head_;
  Admitted admitted;
  std::vector<EventBody> bodies;
  std::vector<SiteId> revoked;
  std::string actor;
  const TimeUs wall = ports_.clock.wall_us();
  for (Proposal& proposal : message.proposals) {
    auto admission = admit(seen, proposal.body, wall);
    if (!admission) {
      message.reply(tl::unexpected(admission.error()));
      return;
    }
    if (const Status granted = scheduled(seen, *admission); !granted) {
      message.reply(tl::unexpected(granted.error()));
      return;
    }
    actor = proposal.actor;
    if (const auto* e = std::get_if<CertificateRevoked>(&admission->body)) revoked.push_back(e->site);
    if (!admission->changes) {
      admitted.positions.push_back(kNoPosition);
      continue;
    }
    admitted.positions.push_back(seen.version());
    Event event{wall, proposal.actor, std::move(admission->body)};
    if (several) {
      if (Status valid = validate(event); !valid) {
        message.reply(tl::unexpected(valid.error()));
        return;
      }
      trial.apply(event);
    }
    bodies.push_back(std::move(event.body));
  }
  if (Status status = record(actor, std::move(bodies)); !status) {
    message.reply(tl::unexpected(status.error()));
    return;
  }
  for (const SiteId site : revoked) expel(site);
  admitted.version = head_.version();
  after_flush_.push_back([reply = std::move(message.reply), admitted](const Status& durable) {
    reply(durable ? Result<Admitted>(admitted) : tl::unexpected(durable.error()));
  });
}

// ---- agents ------------------------------------------------------------------------------------------

Loop::Session* Loop::session(SiteId site, uint64_t connection) {
  const auto found = sessions_.find(site);
  if (found == sessions_.end() || found->second.connection != connection || !found->second.attached) return nullptr;
  found->second.heard_us = now_us_;
  return &found->second;
}

// What it says is not heard any more, and its work moves elsewhere like that of any dead site.
void Loop::expel(SiteId site) {
  if (const auto session = sessions_.find(site); session != sessions_.end()) session->second.attached = false;
  const Liveness state = head_.site(site).state;
  if (state == Liveness::kUp || state == Liveness::kDraining) {
    (void)record(kBrain, {SiteStateChanged{site, Liveness::kDown, "its certificate was revoked"}});
  }
  forget_readings(site);
  after_flush_.push_back([this, site](const Status&) {
    ports_.wire.drop(site);
    // Until now its connection may have renewed leases.
    if (const auto down = down_since_us_.find(site); down != down_since_us_.end()) {
      down->second = std::max(down->second, ports_.clock.steady_us());
    }
  });
}

// What it measured last says nothing about links that fail from now on; it will say it again.
void Loop::forget_readings(SiteId site) {
  std::erase_if(path_states_, [site](const auto& known) { return known.first.first == site; });
}

void Loop::handle(Attached& message) {
  if (message.site.index() >= head_.site_count()) return;
  // It may have attached before its certificate was revoked, and be heard after.
  const TimeUs revoked_until = head_.certificates_revoked_until(message.site);
  if (revoked_until != 0 && message.hello.certificate_issued_us <= revoked_until) return ports_.wire.drop(message.site);
  Session& known = sessions_[message.site];
  if (known.connection > message.connection) return;
  if (known.silence_us != 0) silences_.erase({known.silence_us, message.site});
  known = Session{.connection = message.connection, .attached = true, .heard_us = now_us_};
  watch_silence(message.site);
  to_direct_.insert(message.site);
  react_ = true;
  std::vector<EventBody> bodies;
  if (!message.hello.nodes.empty()) {
    auto nodes = admit(head_, NodesReported{message.site, {}, message.hello.nodes}, now_us_);
    if (nodes && nodes->changes) bodies.push_back(std::move(nodes->body));
  }
  hear_steering(message.site, message.hello);
  const Liveness state = head_.site(message.site).state;
  if (state == Liveness::kUnknown || state == Liveness::kDown) {
    bodies.push_back(SiteStateChanged{message.site, head_.site(message.site).drained ? Liveness::kDraining : Liveness::kUp,
                                      "agent " + message.hello.version + " attached"});
  }
  // A disk without room refuses this for now: the agent attaches again, or falls silent for good.
  if (Status status = record("site/" + head_.site_name(message.site), std::move(bodies)); !status) {
    sessions_[message.site].attached = false;
    ports_.wire.drop(message.site);
  }
}

void Loop::handle(Detached& message) {
  const auto found = sessions_.find(message.site);
  if (found != sessions_.end() && found->second.connection == message.connection) found->second.attached = false;
}

void Loop::handle(Heartbeat& message) { session(message.site, message.connection); }

void Loop::handle(Reported& message) {
  // Over a connection that counts no more nothing is taken, so nothing is acknowledged: it is said again over the next.
  if (!session(message.site, message.connection)) return;
  bool said = true;
  for (const Brain::Report& item : message.reports) {
    const Status taken = std::visit([&](const auto& body) { return report(message.site, body); }, item);
    said = said && (taken || taken.error().code != ErrorCode::kExhausted);
  }
  if (message.done && said) {
    after_flush_.push_back([done = std::move(message.done)](const Status& durable) {
      if (durable) done();
    });
  }
}

Status Loop::report(SiteId site, const Observation& observation) {
  Session& session = sessions_[site];
  const bool current = observation.applied_brain_epoch == head_.brain_epoch();
  session.applied_version = current ? observation.applied_version : 0;
  session.settled = observation.settled;
  session.runs = observation.runs;
  unused_look_ = true;
  // It may be an older word, or that of an agent that has begun anew.
  if (session.applied_version < session.sent.version) resend_us_ = std::min(resend_us_, session.sent_us + options_.resend_us);

  std::vector<EventBody> bodies;
  for (const RunObservation& seen : observation.runs) {
    const auto intent = intent_of_plan_.find(seen.run.plan);
    if (intent == intent_of_plan_.end()) continue;
    const IntentRow& row = head_.intent(intent->second);
    const auto known = std::find_if(row.runs.begin(), row.runs.end(), [&](const RunRow& r) { return r.run == seen.run; });
    if (known == row.runs.end() || known->site != site) continue;
    // Whatever it did when this was said: reports overtake one another.
    if (has_ended(known->state) || (known->state == RunState::kStopping && !has_ended(seen.state))) continue;
    RunState state = seen.state;
    if (state == RunState::kRunning && spec_of(row, seen.run).workload.kind == WorkKind::kService && !seen.ready) {
      state = RunState::kStarting;
    }
    // Of what has not ended an exit status says nothing.
    const int32_t exit_code = has_ended(state) ? seen.exit_code : 0;
    if (state != known->state || exit_code != known->exit_code) {
      bodies.push_back(RunStateChanged{seen.run, intent->second, state, exit_code, seen.why});
    }
  }
  // A run that the site was told to begin, has done everything it was told, and does not have, is lost.
  if (current && observation.settled && session.sent_any && !session.sent.held &&
      observation.applied_version == session.sent.version) {
    std::vector<RunId> there;
    for (const RunObservation& r : observation.runs) there.push_back(r.run);
    std::sort(there.begin(), there.end());
    for (const DirectedRun& directed : session.sent.runs) {
      if (std::binary_search(there.begin(), there.end(), directed.run)) continue;
      for (const RunRow& known : head_.intent(directed.intent).runs) {
        if (known.run == directed.run && known.site == site && !has_ended(known.state)) {
          bodies.push_back(RunStateChanged{known.run, directed.intent, RunState::kLost, 0, "the site does not have it"});
        }
      }
    }
  }
  for (EventBody& body : bodies) (void)record("site/" + head_.site_name(site), {std::move(body)});
  return {};
}

Status Loop::report(SiteId site, const PathReading& reading) {
  const PathState now{reading.alive, now_us_, now_us_, reading.round_trip_us, {}};
  const auto [state, fresh] = path_states_.try_emplace({site, reading.label}, now);
  if (!fresh && state->second.alive != reading.alive) state->second = now;
  state->second.heard_us = now_us_;
  state->second.round_trip_us = reading.round_trip_us;
  return {};
}

Status Loop::report(SiteId site, const SwitchReport& report) {
  if (report.intent.index() >= head_.intent_count()) return {};
  const IntentRow& row = head_.intent(report.intent);
  // The far end switches answers by itself too; the promise is the ingress's.
  if (!row.active || row.active->position != report.plan || report.flow >= row.active->plan.flows.size() ||
      row.active->plan.flows[report.flow].ingress != site) {
    return {};
  }
  const bool on = std::binary_search(row.flows_on_protection.begin(), row.flows_on_protection.end(), report.flow);
  if (on == report.to_protection) return {};
  return record("site/" + head_.site_name(site),
                {PathSwitched{report.plan, report.intent, report.flow, report.to_protection}});
}

Status Loop::report(SiteId site, const PromiseReport& report) {
  if (report.intent.index() >= head_.intent_count()) return {};
  const __int128 asked = static_cast<__int128>(report.samples) + report.lost;
  const IntentRow& row = head_.intent(report.intent);
  if (asked <= 0 || !enters_at(row, site)) return {};
  const std::string actor = "site/" + head_.site_name(site);
  std::vector<EventBody> bodies = {PromiseMeasured{report.intent, site, report.from, report.to, report.samples,
                                                   report.misses, report.lost, report.latency_us_p50,
                                                   report.latency_us_p99}};
  const __int128 broken = (static_cast<__int128>(report.misses) + report.lost) * kPpm;
  const bool kept = broken <= (kPpm - row.spec->promise.percentile_ppm) * asked;
  // A ledger of before says of a broken promise not where: then it is mended by the first that finds it kept.
  const bool was_kept = row.promise_broken_at.empty()
                            ? row.promise_kept
                            : !std::binary_search(row.promise_broken_at.begin(), row.promise_broken_at.end(), site);
  if (kept != was_kept && has_ingress(*row.spec, site) && row.state != IntentState::kWithdrawn) {
    bodies.push_back(PromiseStateChanged{report.intent, kept,
                                         std::to_string(report.misses) + " of " + std::to_string(report.samples) +
                                             " late, " + std::to_string(report.lost) + " lost, measured at " +
                                             head_.site_name(site),
                                         site});
  }
  return record(actor, std::move(bodies));
}

// ---- watching ----------------------------------------------------------------------------------------

void Loop::watch_silence(SiteId site) {
  const auto found = sessions_.find(site);
  if (found == sessions_.end() || found->second.silence_us != 0) return;
  const Liveness state = head_.site(site).state;
  if (state != Liveness::kUp && state != Liveness::kDraining) return;
  found->second.silence_us = found->second.heard_us + options_.site_silence_us;
  silences_.insert({found->second.silence_us, site});
}

// Brings the first entry up to date with what was heard since it was made.
TimeUs Loop::silence_wake_us() {
  while (!silences_.empty()) {
    const auto [at_us, site] = *silences_.begin();
    Session& session = sessions_[site];
    const Liveness state = head_.site(site).state;
    const bool watched = state == Liveness::kUp || state == Liveness::kDraining;
    if (watched && session.heard_us + options_.site_silence_us == at_us) return at_us;
    silences_.erase(silences_.begin());
    session.silence_us = 0;
    watch_silence(site);
  }
  return INT64_MAX;
}

void Loop::watch_sites() {
  std::set<SiteId> silent;
  while (silence_wake_us() <= now_us_) {
    const SiteId site = silences_.begin()->second;
    silent.insert(site);
    silences_.erase(silences_.begin());
    sessions_[site].silence_us = 0;
  }
  for (const SiteId site : silent) {
    Session& session = sessions_[site];
    const TimeUs silence = now_us_ - session.heard_us;
    if (!record(kBrain, {SiteStateChanged{site, Liveness::kDown, "silent for " + milliseconds(silence),
                                          head_.site(site).drained}})) {
      watch_silence(site);
      continue;
    }
    // Only attaching again brings it up: a connection that outlived the silence must end, and with it the renewal of leases.
    session.attached = false;
    ports_.wire.drop(site);
    forget_readings(site);
  }
}

void Loop::recheck(IntentId intent) {
  const IntentRow& row = head_.intent(intent);
  if (row.state == IntentState::kWithdrawn || is_array(row)) return;
  // A disk without room leaves it for a later turn.
  if (finished(row)) {
    if (!record(kBrain, {IntentWithdrawn{intent, true}})) recheck_.insert(intent);
  } else if (!ports_.needs_decision(head_, intent)) {
    unrefuse(intent);
  } else if (may_come_back(row)) {
    refuse(intent, {head_.relief() - 1, now_us_ + options_.retry_us, {}});
  } else if (!refused_.count(intent) && !waits(intent)) {
    to_decide_.insert(intent);
    if (!say_restart(intent)) recheck_.insert(intent);
  }
}

void Loop::watch_intents() {
  if (!held_) {
    const std::set<IntentId> intents = std::exchange(recheck_, {});
    if (std::exchange(recheck_all_, false)) {
      for (size_t i = 0; i < head_.intent_count(); ++i) recheck(IntentId(i));
    } else {
      for (const IntentId intent : intents) {
        if (intent.index() < head_.intent_count()) recheck(intent);
      }
    }
  }
  look_at_eased();
  std::vector<IntentId> due;
  for (auto at = refused_again_.begin(); at != refused_again_.end() && at->first <= now_us_; ++at) due.push_back(at->second);
  for (const IntentId intent : due) {
    Refused refused = refused_.at(intent);
    refused.again_us = now_us_ + options_.retry_us;
    if (may_come_back(head_.intent(intent))) {
      refused.relief = head_.relief() - 1;
    } else if (!ports_.needs_decision(head_, intent)) {
      unrefuse(intent);
      continue;
    } else if (eased(refused) && head_.intent(intent).spec->workload.best_effort && to_decide_.size() >= kBestEffortBehind) {
      refused.again_us = now_us_ + kBestEffortLaterUs;  // what was promised something goes first
    } else if (eased(refused)) {
      refused.relief = head_.relief();
      if (refused.moves) refused.moves = moves_;
      to_decide_.insert(intent);
    }
    refuse(intent, refused);
  }
}

bool Loop::fenced(SiteId site) const {
  const auto down = down_since_us_.find(site);
  return down == down_since_us_.end() || now_us_ - down->second >= options_.lease_us + options_.clock_error_us;
}

// A job at a silent site may still go on until its lease ends; it is not given up before.
bool Loop::may_come_back(const IntentRow& row) const {
  if (!row.active || row.spec->workload.kind != WorkKind::kJob || row.active->plan.generation != row.generation) return false;
  return std::any_of(row.active->plan.placements.begin(), row.active->plan.placements.end(), [this](const Placement& p) {
    return head_.site(p.site).state == Liveness::kDown && !fenced(p.site);
  });
}

// ---- acting ------------------------------------------------------------------------------------------

bool Loop::settled(SiteId site) const {
  if (head_.site(site).state == Liveness::kDown || head_.site(site).state == Liveness::kUnknown) return true;
  const auto found = sessions_.find(site);
  return found != sessions_.end() && found->second.attached && found->second.sent_any && found->second.settled &&
         found->second.applied_version >= found->second.sent.version;
}

// Nothing of these runs goes on at the site, as far as that matters: of a service an instance may overlap with its
// successor for a while, a job may not.
bool Loop::gone(SiteId site, const std::vector<RunId>& runs, bool job) const {
  if (head_.site(site).state == Liveness::kDown) return !job || fenced(site);
  const auto found = sessions_.find(site);
  if (found == sessions_.end()) return false;
  return std::none_of(found->second.runs.begin(), found->second.runs.end(), [&runs](const RunObservation& seen) {
    return std::find(runs.begin(), runs.end(), seen.run) != runs.end() && !has_ended(seen.state);
  });
}

// Written before the site hears of it: what was told to stop is never told to begin again, whichever brain tells it.
bool Loop::say_stopping(IntentId intent, const std::map<SiteId, std::vector<RunId>>& runs) {
  std::vector<EventBody> bodies;
  for (const auto& [site, ids] : runs) {
    for (const RunId run : ids) {
      if (state_of(head_.intent(intent), run) == RunState::kStopping) continue;
      bodies.push_back(RunStateChanged{run, intent, RunState::kStopping, 0, "its plan is given up"});
    }
  }
  return record(kBrain, std::move(bodies)).has_value();
}

void Loop::advance_retirements() {
  if (held_) return;
  for (const IntentId intent : std::set<IntentId>(holdings_.retiring())) {
    const bool ready = active_is_ready(head_.intent(intent));
    const auto retiring = head_.intent(intent).retiring;
    for (const auto& held : retiring) {
      const bool job = is_job(*held);
      Retirement& r = retirements_[{intent, held->position}];
      std::set<SiteId> ingresses, hosts;
      std::map<SiteId, std::vector<RunId>> runs;  // that may still go on
      bool serves = false, stopping = false;
      for (const Flow& flow : held->plan.flows) ingresses.insert(flow.ingress);
      for (size_t k = 0; k < held->plan.placements.size(); ++k) {
        const SiteId site = held->plan.placements[k].site;
        hosts.insert(site);
        const RunState state = state_of(head_.intent(intent), held->run(k));
        if (held->placement_passed_on[k] || has_ended(state)) continue;
        stopping = stopping || state == RunState::kStopping;
        serves = serves || head_.site(site).state != Liveness::kDown;
        runs[site].push_back(held->run(k));
      }
      const auto go_on = [&](Phase next) {
        if (next == Phase::kBreaking && !say_stopping(intent, runs)) return;
        r = {next, acts_};
        direct(intent);
      };
      const auto all_settled = [&](const std::set<SiteId>& sites) {
        return acts_ > r.since && std::all_of(sites.begin(), sites.end(), [this](SiteId s) { return settled(s); });
      };
      if (r.phase != Phase::kBreaking && stopping) go_on(Phase::kBreaking);  // before this brain started
      // A job's successor begins only when it has ended. A plan whose own runs are all dead has nothing to wait for, and must
      // not keep what its successors need; runs that go on are steered the active plan's way already.
      if (r.phase == Phase::kMaking && job) go_on(Phase::kBreaking);
      if (r.phase == Phase::kMaking && (ready || !serves)) go_on(Phase::kSwitching);
      if (r.phase == Phase::kSwitching && all_settled(ingresses)) go_on(Phase::kBreaking);
      hosts.insert(ingresses.begin(), ingresses.end());
      if (r.phase == Phase::kBreaking && all_settled(hosts) &&
          std::all_of(runs.begin(), runs.end(), [&](const auto& at) { return gone(at.first, at.second, job); })) {
        (void)record(kBrain, {PlanRetired{intent, held->position}});
      }
    }
  }
}

void Loop::act() {
  std::set<SiteId> sites;
  if (now_us_ >= resend_us_) {
    resend_us_ = INT64_MAX;
    for (const auto& [site, session] : sessions_) {
      if (!session.attached || !session.sent_any || session.applied_version >= session.sent.version) continue;
      const TimeUs again_us = session.sent_us + options_.resend_us;
      if (again_us <= now_us_) {
        sites.insert(site);
      } else {
        resend_us_ = std::min(resend_us_, again_us);
      }
    }
  }
  if (!react_ && sites.empty()) return;
  react_ = false;
  ++acts_;
  sites.merge(to_direct_);
  to_direct_.clear();
  if (std::exchange(direct_all_, false)) {
    for (const auto& [site, session] : sessions_) sites.insert(site);
  }
  std::set<std::pair<SiteId, IntentId>> changed_runs = std::exchange(to_direct_runs_, {});
  std::erase_if(changed_runs, [&](const auto& changed) {
    const auto session = sessions_.find(changed.first);
    if (session == sessions_.end() || !session->second.attached) return true;
    if (!session->second.sent_any || session->second.sent.held != held_) sites.insert(changed.first);
    return sites.count(changed.first) != 0;
  });
  std::set<IntentId> holders;
  std::erase_if(sites, [&](SiteId site) {
    const auto session = sessions_.find(site);
    if (session == sessions_.end() || !session->second.attached) return true;
    const auto& at = holdings_.at(site);
    holders.insert(at.begin(), at.end());
    return false;
  });
  Phases phases;
  for (const auto& [key, retirement] : retirements_) phases[key] = retirement.phase;
  direct_runs(changed_runs, phases);
  if (sites.empty()) return;
  for (auto& [site, directive] : desired(*durable_, sites, phases, holders, explored())) {
    Session& session = sessions_[site];
    directive.held = held_;
    directive.lease_us = options_.lease_us;
    directive.version = session.sent.version;
    const bool same = session.sent_any && directive == session.sent;
    const bool late = session.applied_version < session.sent.version && now_us_ - session.sent_us >= options_.resend_us;
    if (same && !late) continue;
    session.sent = std::move(directive);
    session.sent_any = true;
    send(session, !same);
  }
}

// An intent without traffic says nothing but its runs, which stand in a directive in the order of intents: what others
// have at the site need not be looked at.
void Loop::direct_runs(const std::set<std::pair<SiteId, IntentId>>& changed, const Phases& phases) {
  for (auto at = changed.begin(); at != changed.end();) {
    const SiteId site = at->first;
    Session& session = sessions_[site];
    std::vector<DirectedRun>& runs = session.sent.runs;
    bool different = false;
    for (; at != changed.end() && at->first == site; ++at) {
      const IntentId intent = at->second;
      std::vector<DirectedRun> now = std::move(desired(*durable_, {site}, phases, {intent}, {}).at(site).runs);
      const auto from = std::lower_bound(runs.begin(), runs.end(), intent, [](const DirectedRun& run, IntentId wanted) { return run.intent < wanted; });
      const auto to = std::upper_bound(from, runs.end(), intent, [](IntentId wanted, const DirectedRun& run) { return wanted < run.intent; });
      if (std::equal(from, to, now.begin(), now.end())) continue;
      different = true;
      runs.insert(runs.erase(from, to), std::make_move_iterator(now.begin()), std::make_move_iterator(now.end()));
    }
    if (different) send(session, true);
  }
}

void Loop::send(Session& session, bool changed) {
  if (changed) session.sent.version = directive_version_ = std::max(directive_version_ + 1, durable_->version());
  session.sent_us = now_us_;
  resend_us_ = std::min(resend_us_, now_us_ + options_.resend_us);
  ports_.wire.send(session.sent);
  ++counters_.directives;
}

}  // namespace weir
