#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "core/graph/graph.h"
#include "core/loop/admit.h"
#include "core/loop/desired.h"
#include "core/loop/holdings.h"
#include "core/loop/label_rests.h"
#include "core/loop/latencies.h"
#include "core/loop/links.h"
#include "core/ports/brain.h"
#include "core/ports/clock.h"
#include "core/ports/domain_pass.h"
#include "core/ports/log_store.h"
#include "core/ports/planner.h"
#include "core/ports/scheduler.h"
#include "core/ports/workflow_planner.h"

namespace weir {

// The one loop: observe, decide, commit, act. Ordinary sequential code: the shell that owns it gives it
// messages and lets it take turns; production runs the shell on a thread, simulation on a heap of events.
//
//   shell --Message--> Loop --events--> LogStore --> head graph --> flush --> durable snapshot
//   Loop --(snapshot, intent)--> decide --Decided--> Loop (verify against the head, commit)
//   Loop --SiteDirective--> Wire --> agents --reports--> Loop
struct LoopOptions {
  TimeUs site_silence_us = 1'500'000;    // without a word for so long, a site is down
  TimeUs resync_us = 3'000'000;          // after a start, actuation is held until all sites spoke, at most so long
  TimeUs lease_us = 5'000'000;           // of runs; a job is restarted elsewhere only after it, plus the clock error
  TimeUs clock_error_us = 500'000;
  TimeUs retry_us = 500'000;             // before an intent that was refused is tried again, if anything eased
  TimeUs resend_us = 1'000'000;          // a directive that is not applied is sent again
  // A program that ends again and again is started anew at once, then after this time and twice as long each time.
  TimeUs restart_us = 500'000;
  TimeUs restart_us_max = 60'000'000;
  TimeUs probe_down_us = 300'000;  // from a link's death until every measured path over it is found dead
  TimeUs latency_dwell_us = 1'000'000;   // for so long paths must show a link slower or quicker than known
  // A site whose agent said that it cannot steer can again this long after the agent said so last, and after twice as long
  // for each further time; what has been able to for steering_calm_us starts anew.
  TimeUs steering_dwell_us = 1'000'000;
  TimeUs steering_dwell_us_max = 600'000'000;
  TimeUs steering_calm_us = 3'600'000'000;
  TimeUs turn_us_max = 1'000'000;        // between turns, whether or not there is anything to do
  TimeUs clock_look_us = 60'000'000;     // what is due by the wall clock, which may be set, is looked at as often
  size_t deciding_max = 64;              // decisions under way
  size_t messages_per_turn = 1'024;
  Position checkpoint_events = 100'000;  // between checkpoints
  // Passes over the whole domain: the next begins so long after the last ended, and after nine times as long as that took.
  TimeUs pass_us = 60'000'000;
  size_t moves_under_way_max = 8;        // intents that go over to a plan of a pass at once
  TimeUs move_patience_us = 60'000'000;  // after which a move that found no room is given up
  // Tasks of an array that wait for their turn beside those for which there is room, and that are submitted in one turn.
  int64_t tasks_waiting_max = 16;
  int64_t tasks_per_turn_max = 4'096;
  TimeUs move_dwell_us = 600'000'000;    // for so long an intent that a pass moved stays
  TimeUs replan_us_max = 60'000'000;     // a workflow that cannot be held is planned anew after retry_us, then twice as long
};

class Loop {
 public:
  struct Ports {
    Clock& clock;
    LogStore& log;
    Wire& wire;
    // Begins a decision, among these sites alone if any are named; its result comes back as a Decided message with the
    // same ticket. False: busy.
    std::function<bool(uint64_t ticket, Snapshot, IntentId, const std::vector<SiteId>& sites)> decide;
    std::function<bool(const Graph&, IntentId)> needs_decision;
    // A new durable state. Called from turn().
    std::function<void(Snapshot)> publish;
    // Whose turn it is among waiting jobs; none: each is decided as it comes.
    Scheduler* scheduler = nullptr;
    // Begins a pass over the whole domain, whose advice comes back as an Advised message with the same ticket. Empty: there
    // are none.
    std::function<void(uint64_t ticket, Snapshot)> advise;
    // Begins to plan a workflow, one at a time; where its stages are to be comes back as an Arranged message with the same
    // ticket. Empty: workflows stay pending.
    std::function<void(uint64_t ticket, Snapshot, WorkflowId)> arrange;
  };

  // ---- messages ----
  struct Propose {
    std::vector<Proposal> proposals;
    Brain::Reply reply;
  };
  struct Attached {
    SiteId site;
    uint64_t connection = 0;
    Hello hello;
  };
  struct Detached {
    SiteId site;
    uint64_t connection = 0;
  };
  struct Reported {
    SiteId site;
    uint64_t connection = 0;
    std::vector<Brain::Report> reports;
    std::function<void()> done;
  };
  struct Heartbeat {
    SiteId site;
    uint64_t connection = 0;
  };
  struct Decided {
    uint64_t ticket = 0;
    IntentId intent;
    Decision decision;
  };
  struct Advised {
    uint64_t ticket = 0;
    Result<DomainAdvice> advice;
  };
  struct Arranged {
    uint64_t ticket = 0;
    WorkflowPlanned planned;
  };
  using Message = std::variant<Propose, Attached, Detached, Reported, Heartbeat, Decided, Advised, Arranged>;

  // Replays the log and records that this brain began. The log must be at its end, flushed.
  static Result<std::unique_ptr<Loop>> start(Ports ports, const LoopOptions& options, const std::string& version,
                                             const DomainCreated& genesis);

  // Handles the messages, makes everything durable in one flush, then replies, publishes, decides and acts.
  // An error is final: the process stops and recovers by starting again.
  Status turn(std::vector<Message> messages);

  // When turn() wants to be called even without a message, in steady time.
  TimeUs wake_us();

  const Graph& head() const { return head_; }
  const Snapshot& durable() const { return durable_; }
  bool held() const { return held_; }

  struct Counters {
    uint64_t turns = 0, events = 0, flushes = 0, decisions = 0, commits = 0, conflicts = 0, refusals = 0,
             defects = 0, directives = 0, full = 0, passes = 0, pass_failures = 0,
             moves = 0, moves_given_up = 0, arrangements = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  struct Session {
    uint64_t connection = 0;
    bool attached = false;
    TimeUs heard_us = 0;
    Position applied_version = 0;
    bool settled = false;
    std::vector<RunObservation> runs;
    SiteDirective sent;                  // newest directive sent over this connection
    TimeUs sent_us = 0;
    bool sent_any = false;
    TimeUs silence_us = 0;               // of its entry in silences_; 0: it has none
  };
  struct PathState {
    bool alive = true;
    TimeUs since_us = 0;
    TimeUs heard_us = 0;                 // when it was said last
    int64_t round_trip_us = 0;
    std::vector<LinkId> links;           // of the path that had the label when this was said
  };
  // What the agent of a site says of steering, where it ever said other than the graph knew.
  struct Steering {
    bool steers = true;                  // as it said last
    std::string why;
    TimeUs denied_us = 0;                // when it last said that it cannot
    TimeUs dwell_us = 0;                 // after which it can again; 0: it never could not
    TimeUs changed_us = 0;               // when the graph took its word last
  };
  // Runs of an intent that ended badly soon after they were asked for.
  struct Restarts {
    std::map<Position, TimeUs> placed_us;  // plans of the last restart_us_max
    Position counted = 0;                // the newest plan whose runs did
    uint32_t failures = 0;
    TimeUs not_before_us = 0;
  };
  // How far a retiring plan is, and acts_ when it got there: sites must have done what a later act told them.
  struct Retirement {
    Phase phase = Phase::kMaking;
    uint64_t since = 0;
  };
  // Processor time that a run used, in ppm of a core: in the newest window, and in the lower of the newest two.
  struct WorkSeen {
    int64_t ppm_newest = 0;
    std::optional<int64_t> ppm_low;      // none: there was only one window yet
  };
  struct Attempt {
    uint64_t ticket = 0;                 // 0: none under way
    uint32_t conflicts = 0;
    TimeUs not_before_us = 0;
    uint64_t relief = 0, moves = 0;      // of the snapshot that is decided on
  };
  struct Refused {
    uint64_t relief = 0;                 // at the refusal
    TimeUs again_us = 0;                 // when to try again, if anything eased
    // At the refusal, where the search ended before it was complete: in another order of prices it may succeed.
    std::optional<uint64_t> moves;
  };

  static constexpr const char* kBrain = "brain";  // the actor of what the loop decides by itself

  Loop(Ports ports, const LoopOptions& options) : ports_(std::move(ports)), options_(options) {}
  Status recover();
  Status stop();

  void handle(Propose& message);
  void handle(Attached& message);
  void handle(Detached& message);
  void handle(Reported& message);
  void handle(Heartbeat& message);
  void handle(Decided& message);
  void handle(Advised& message);
  void handle(Arranged& message);
  void forget_readings(SiteId site);
  void expel(SiteId site);               // its certificate was revoked

  // kExhausted: there is no room to write what was reported; the agent is to say it again.
  Status report(SiteId site, const Observation& observation);
  Status report(SiteId site, const PathReading& reading);
  Status report(SiteId site, const SwitchReport& report);
  Status report(SiteId site, const UsageReport& report);
  Status report(SiteId site, const PromiseReport& report);
  void learn_work(SiteId site, IntentId intent, const UsageReport& report);

  // Writes and applies events; all or none. kExhausted and kInvalid leave everything as it was.
  Status record(const std::string& actor, std::vector<EventBody> bodies);
  void note(const EventBody& body, Position at);
  void follow(const EventBody& body);     // keeps the indices below in step with the graph, and notes what is to be looked at
  void follow_all();
  void plans_changed(IntentId intent);
  void look_at(IntentId intent);          // its directives may be others, and it may need a decision
  void direct(IntentId intent);           // its directives may be others
  void links_changed(LinkId link);
  void remember_plan(IntentId intent, Position plan);
  void forget_plans(IntentId intent);     // those of which the graph holds no run any more
  Session* session(SiteId site, uint64_t connection);

  void hear_steering(SiteId site, const Hello& hello);
  void write_steering(SiteId site, Steering& known);  // if the graph knows otherwise and it is time
  TimeUs steers_again_us(const Steering& known) const;  // when a word for it may count
  TimeUs steering_wake_us() const;

  void refuse(IntentId intent, const Refused& refused);
  void unrefuse(IntentId intent);
  bool eased(const Refused& refused) const;
  void look_at_eased();                   // what has eased is to be tried again

  void watch_silence(SiteId site);        // from now on, if it may fall silent
  TimeUs silence_wake_us();               // when the first site will have been silent for too long
  void watch_sites();
  void watch_steering();
  void watch_links();
  void watch_latencies(const std::vector<TimedPath>& timed);
  void watch_intents();
  void recheck(IntentId intent);
  bool say_stopping(IntentId intent, const std::map<SiteId, std::vector<RunId>>& runs);
  void advance_retirements();
  void release_unused();
  void begin_decisions();
  Status scheduled(const Graph& seen, const Admission& admission);  // what the scheduler has to grant
  bool waits(IntentId intent) const;     // a job that begins when its turn comes, or an array, whose tasks do
  void follow_workflows(const EventBody& body);
  void watch_workflows();
  bool watch(WorkflowId workflow);        // false: it is to be looked at again in the next turn
  std::string unsound(const WorkflowRow& row) const;  // why it is to be planned again; empty: it need not be
  std::string unsound_stream(const WorkflowRow& row) const;
  std::string unsound_batch(const WorkflowRow& row) const;
  struct DueStage {
    size_t stage = 0;                    // its row
    IntentId intent;                     // the next new one, if it had none
    IntentSpec spec;
  };
  std::vector<DueStage> due_stages(const WorkflowRow& row) const;
  bool has_wish(const WorkflowRow& row, const DueStage& due) const;
  bool awaits_silent_site(const WorkflowRow& row) const;  // a batch has stages where leases may still hold
  void begin_arrangement();
  TimeUs arrangement_wake_us() const;
  void begin_pass();
  void make_moves();
  struct Move;
  enum class Moving : uint8_t { kMade, kLater, kGivenUp };
  Moving make(Move& move);
  void take_turns();
  void give_up_turn(IntentId intent, uint64_t relief);
  bool resize_running();
  bool begin_with(IntentId intent, int32_t instances);  // false: there was no room to write it
  bool try_fewer(IntentId intent);       // a malleable job that was refused; false: there are none fewer
  void watch_run_times();
  void watch_reservations();
  void watch_hour();
  void note_array(IntentId intent);       // an array or a task: it may have come, or ended
  void watch_arrays();
  void watch_array(IntentId array, int64_t& tasks_left);  // that may still be submitted in this turn, for all arrays
  std::optional<TimeUs> run_time_end(const IntentRow& row) const;
  void await_end(IntentId intent);
  TimeUs event_time_us() const;          // of what is recorded now
  TimeUs queue_time_us();
  std::set<IntentId> holders(const Plan& plan) const;  // of anything at the ends of its flows
  void act();
  void direct_runs(const std::set<std::pair<SiteId, IntentId>>& changed, const Phases& phases);
  void send(Session& session, bool changed);  // what it is to do now
  bool settled(SiteId site) const;       // does what it was last told, or is not there
  bool gone(SiteId site, const std::vector<RunId>& runs, bool job) const;
  bool fenced(SiteId site) const;        // no lease that was given to it can still hold
  bool may_come_back(const IntentRow& row) const;
  void count_failure(IntentId intent, RunId run);
  // When the runs of the intent that ended may be replaced; past: now.
  TimeUs restart_at_us(IntentId intent) const;
  bool say_restart(IntentId intent);      // false: there was no room to write it
  // A path that a site was told to measure, by its label.
  struct LabelledPath {
    SiteId from, to;
    uint16_t label = 0;
    std::vector<LinkId> links;
  };
  std::vector<LabelledPath> labelled_paths();
  const std::vector<WatchedPath>& explored();

  Ports ports_;
  LoopOptions options_;
  Graph head_;
  Snapshot durable_;
  Position checkpointed_ = 0;
  Counters counters_;
  Status fatal_;

  TimeUs now_us_ = 0;                    // steady, of this turn
  TimeUs started_us_ = 0;
  bool held_ = true;
  bool appended_ = false;

  std::map<SiteId, Session> sessions_;
  // When a site that may fall silent would have: once for each, never later than it would by what was heard of it since.
  std::set<std::pair<TimeUs, SiteId>> silences_;
  TimeUs resend_us_ = INT64_MAX;         // no directive is to be sent again before
  std::map<SiteId, TimeUs> down_since_us_;
  std::map<SiteId, Steering> steering_;
  std::map<std::pair<SiteId, uint16_t>, PathState> path_states_;
  std::map<LinkId, TimeUs> link_changed_us_;  // duplex links, even identifiers
  std::map<LinkId, TimeUs> link_shown_us_;  // duplex links: when the newest living path was known to be alive
  std::map<LinkId, TimeUs> latency_doubted_us_;  // duplex links that paths show slower or quicker, since when
  Detours detours_;                      // of head_
  Holdings holdings_;                    // of head_
  std::set<LinkId> exploring_;           // duplex links that are worth exploring
  std::vector<WatchedPath> explored_;    // paths over them
  LabelRests label_rests_;               // of their labels
  bool explored_stale_ = true;
  TimeUs judge_us_ = INT64_MAX;          // when links are to be judged without anything said
  std::map<std::pair<IntentId, Position>, Retirement> retirements_;
  // Of plans whose runs the graph holds; and the same by intent.
  std::map<Position, IntentId> intent_of_plan_;
  std::set<std::pair<IntentId, Position>> plans_of_intent_;

  std::set<IntentId> awaiting_usage_;  // with retired runs
  bool unused_look_ = false;           // a site has spoken, or a plan was retired, since that was looked at

  std::map<RunId, WorkSeen> work_seen_;  // of runs that the graph holds

  uint64_t last_ticket_ = 0;
  size_t deciding_ = 0;
  std::set<IntentId> to_decide_;
  std::map<IntentId, Attempt> attempts_;
  std::map<IntentId, Restarts> restarts_;
  std::set<IntentId> restarting_;        // whose restarts were put off, and may be still
  std::map<IntentId, Refused> refused_;
  // The same: those for which something has eased, by when to try again; those for which nothing has; and those of them for
  // which another order of prices counts as well.
  std::set<std::pair<TimeUs, IntentId>> refused_again_;
  std::set<IntentId> refused_until_eased_, refused_until_moved_;
  uint64_t eased_relief_ = 0, eased_moves_ = 0;  // at the last look
  // A job whose turn it is, and where it may surely begin.
  struct Turn {
    std::vector<SiteId> sites;
    bool only_there = false;             // what it chose freely would have delayed another; or it has more instances there
  };
  std::map<IntentId, Turn> turns_;
  // What the newest pass advises and is not done yet, in its order.
  struct Move {
    Plan plan;
    Position from = kNoPosition;         // the active plan that it was found for
  };
  std::vector<Move> advised_;
  TimeUs advised_until_us_ = 0;
  Position advised_seen_ = kNoPosition;  // version at the last look
  std::map<IntentId, TimeUs> moved_us_;  // by a pass, within move_dwell_us
  uint64_t pass_ticket_ = 0;             // under way; 0: none
  TimeUs pass_began_us_ = 0;
  TimeUs pass_us_ = 0;                   // when the next may begin
  Position pass_version_ = kNoPosition;  // of the graph that the last looked at; its own prices are no news
  // Workflows of which something has changed, and those that have no plan that holds.
  std::set<WorkflowId> workflows_changed_, workflows_to_arrange_;
  struct Arrangement {
    uint32_t tries = 0;                  // in vain
    TimeUs again_us = 0;
    std::optional<uint64_t> relief;      // of the newest snapshot that it was tried on; none: it is to be tried anyway
  };
  std::map<WorkflowId, Arrangement> arrangements_;
  uint64_t arrangement_ticket_ = 0;      // under way; 0: none
  WorkflowId arrangement_of_;
  std::set<std::pair<TimeUs, IntentId>> run_time_ends_;  // in event time
  TimeUs kept_look_us_ = 0;                // not before it is looked again which windows are over
  std::set<IntentId> arrays_;            // that go on, or leave tasks behind
  std::set<std::pair<IntentId, IntentId>> tasks_;  // array and task, of the tasks that have not ended
  TimeUs queue_time_us_ = 0, queue_time_at_us_ = 0;      // of the scheduler, and in steady time when it was that
  uint64_t moves_ = 0;                   // counts what changes prices or what is there, for better or worse
  bool recheck_all_ = true;              // something that all plans rest on may have changed
  std::set<IntentId> recheck_;           // something that the plans of these rest on may have
  bool react_ = true;                    // directives may have changed: of all sites, or of these
  bool direct_all_ = true;
  std::set<SiteId> to_direct_;
  std::set<std::pair<SiteId, IntentId>> to_direct_runs_;  // of sites for which only runs of these may have changed
  uint64_t acts_ = 0;                    // times that directives were derived
  Position directive_version_ = 0;       // newest given out; ascends with every change, also of phases alone

  std::vector<std::function<void(const Status& durable)>> after_flush_;
};

}  // namespace weir
