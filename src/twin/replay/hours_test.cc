// Jobs, hours and prices in the loop that production runs, in virtual time.
#include "core/graph/hours.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "core/loop/loop_for_test.h"
#include "orchestration/plan/decide.h"
#include "orchestration/queue/graph_queue.h"
#include "twin/replay/hash_log.h"
#include "twin/replay/replay.h"

namespace weir {
namespace {

// The hub asks 1,000 for a core-hour, and 600 from 03:00 to 05:00; "far" asks 900 at all times.
class HoursTest : public LoopOfTwoSites {
 protected:
  void SetUp() override {
    now_us = kUsOfHour / 4;
    describe();
    for (const SiteId site : {kHub, kFar}) write(SiteDefined{site, VertexId(site.value), spec_of(site)});
    begin();
  }
  static SiteSpec spec_of(SiteId site) {
    SiteSpec spec{.name = site == kHub ? "s0" : "s1", .asks = {.per_core_hour = site == kHub ? 1000 : 900}};
    if (site != kHub) return spec;
    spec.hours.assign(24, HourRate{});
    spec.hours[3].asks_milli = spec.hours[4].asks_milli = 600;
    return spec;
  }
  void begin() {
    Loop::Ports with = ports();
    with.scheduler = &queue;
    with.decide = [this](uint64_t ticket, Snapshot snapshot, IntentId intent,
                         const std::vector<SiteId>& sites) {
      answers.push_back(Loop::Decided{ticket, intent,
                                      sites.empty() ? planner.decide(*snapshot, intent)
                                                    : planner.decide_among(*snapshot, intent, sites)});
      return true;
    };
    with.needs_decision = needs_decision;
    LoopOptions options;
    options.turn_us_max = options.site_silence_us = options.clock_look_us = options.resend_us =
        240 * kUsOfHour;
    LoopOfTwoSites::start(std::move(with), options);
  }
  IntentId submit(const std::string& name, Schedule schedule, int32_t cores = 1) {
    IntentSpec spec{.name = name, .schedule = std::move(schedule)};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = cores * 1000;
    turn(Loop::Propose{{{"tenant/city", IntentSubmitted{{}, TenantId(0u), 0, spec}}},
                       [](const Result<Admitted>& answer) { EXPECT_TRUE(answer.has_value()); }});
    return loop->head().find_intent("city", name);
  }
  // Turn after turn, when the loop wants them, until then.
  void run_until(TimeUs at) {
    for (int turns = 0; now_us < at && turns < 10'000; ++turns) {
      now_us = answers.empty() ? std::min(at, loop->wake_us()) : now_us;
      std::vector<Loop::Message> messages;
      for (const SiteId site : {kHub, kFar}) messages.push_back(Loop::Heartbeat{site, connection_of(site)});
      while (!answers.empty()) {
        messages.push_back(std::move(answers.front()));
        answers.pop_front();
      }
      ASSERT_TRUE(loop->turn(std::move(messages)));
    }
  }
  // When its plan was committed; 0: it has none.
  TimeUs begun(IntentId intent) {
    TimeUs out = 0;
    EXPECT_TRUE(log.read(0, log.durable_end(),
                         [&](Position, Bytes bytes) -> Status {
                           const auto event = decode(bytes);
                           const auto* plan = std::get_if<PlanCommitted>(&event->body);
                           if (plan != nullptr && plan->plan.intent == intent) out = event->at;
                           return {};
                         })
                    .has_value());
    return out;
  }
  const Plan& plan(IntentId intent) const { return loop->head().intent(intent).active->plan; }

  JointPlanner planner;
  queue::GraphQueue queue;
  std::deque<Loop::Message> answers;
};

TEST_F(HoursTest, AJobThatMayWaitBeginsInTheCheapHourAndPaysItsPrice) {
  const IntentId patient = submit("patient", {.run_time_us_max = kUsOfHour, .start_slack_us = 4 * kUsOfHour});
  const IntentId hasty = submit("hasty", {.run_time_us_max = kUsOfHour});
  const IntentId brief = submit("brief", {.run_time_us_max = kUsOfHour, .start_slack_us = 2 * kUsOfHour});
  run_until(kUsOfHour / 2);
  EXPECT_EQ(plan(hasty).placements[0].site, kFar);
  EXPECT_EQ(plan(hasty).billed_per_hour, 900);
  EXPECT_NE(begun(brief), 0) << "no hour of its two is cheaper than " << plan(hasty).billed_per_hour;
  run_until(3 * kUsOfHour - 1);
  EXPECT_EQ(begun(patient), 0);
  begin();  // a brain that starts in between says the same
  run_until(3 * kUsOfHour + 1'000'000);
  EXPECT_GE(begun(patient), 3 * kUsOfHour);
  EXPECT_LE(begun(patient), 3 * kUsOfHour + 1'000'000);
  EXPECT_EQ(plan(patient).placements[0].site, kHub);
  EXPECT_EQ(plan(patient).placements[0].asks.per_core_hour, 600);
  EXPECT_EQ(plan(patient).billed_per_hour, 600);
  run_until(6 * kUsOfHour);
  EXPECT_EQ(plan(patient).billed_per_hour, 600) << "for as long as it runs";
  const IntentId late = submit("late", {.run_time_us_max = kUsOfHour});
  run_until(7 * kUsOfHour);
  EXPECT_EQ(plan(late).placements[0].site, kFar);
}

TEST_F(HoursTest, AWaitIsForgottenWhenThePricesThatItWasForAre) {
  const IntentId patient = submit("patient", {.run_time_us_max = kUsOfHour, .start_slack_us = 4 * kUsOfHour});
  run_until(kUsOfHour);
  EXPECT_EQ(begun(patient), 0);
  SiteSpec flat = spec_of(kHub);
  flat.hours.clear();
  turn(
      Loop::Propose{{{"operator/o", SiteDefined{kHub, VertexId(0u), flat}}}, [](const Result<Admitted>&) {}});
  run_until(now_us + 1'000'000);
  EXPECT_NE(begun(patient), 0);
  EXPECT_EQ(plan(patient).placements[0].site, kFar);
}

// A replay on a machine of four cores that asks half in the hour after the first: when each job started, and
// its bill.
struct Outcome {
  TimeUs start_us = 0;
  Nanocredits billed = 0;
};
std::map<std::string, Outcome> replayed(std::deque<twin::TraceJob> jobs, const std::string& policy,
                                        bool predicts) {
  struct Listed final : twin::JobSource {
    std::deque<twin::TraceJob> jobs;
    Result<std::optional<twin::TraceJob>> next() override {
      if (jobs.empty()) return std::nullopt;
      twin::TraceJob job = std::move(jobs.front());
      jobs.pop_front();
      return job;
    }
  } source;
  source.jobs = std::move(jobs);
  twin::ReplayOptions options;
  options.sites.push_back({.spec = {.name = "machine"}, .nodes = {NodeSpec{"n", 4000, 1024, 0, "", 1000}}});
  options.sites[0].spec.asks.per_core_hour = kCredit;
  options.sites[0].spec.hours.assign(24, HourRate{});
  options.sites[0].spec.hours[1].asks_milli = 500;
  options.domain = {.name = "replay"};
  options.policy = policy;
  options.predicts = predicts;
  JointPlanner planner;
  queue::GraphQueue scheduler;
  twin::HashLog log;
  twin::Replay world(options, planner, &scheduler, log, needs_decision);
  std::map<std::string, Outcome> out;
  const auto totals = world.run(source, {.outcome =
                                             [&](const twin::JobOutcome& o) {
                                               out[o.job.id] = {o.start_us, o.billed};
                                             },
                                         .moment = {},
                                         .progress = {}});
  EXPECT_TRUE(totals) << totals.error().text();
  return out;
}

constexpr TimeUs kSecond = 1'000'000;

TEST(ReplayHours, AJobIsBilledAtThePriceOfTheHourInWhichItBeganAndTheReplayEnds) {
  const twin::TraceJob job{.id = "first", .submit_us = 0, .run_us = kUsOfHour, .cpu_milli = 1000};
  twin::TraceJob later = job;
  later.id = "later";
  later.submit_us = kUsOfHour;
  const auto done = replayed({job, later}, "fcfs", false);
  EXPECT_EQ(done.at("first").billed, kCredit) << "it runs on into the cheap hour";
  EXPECT_EQ(done.at("later").billed, kCredit / 2) << "it runs on into the dear one";
}

TEST(ReplayHours, APredictionGoesBeforeWhatUsersSay) {
  const auto of = [](const char* id, const char* user, TimeUs submit_s, TimeUs run_s, TimeUs says_s) {
    return twin::TraceJob{.id = id,
                          .submit_us = submit_s * kSecond,
                          .run_us = run_s * kSecond,
                          .estimate_us = says_s * kSecond,
                          .cpu_milli = 4000,
                          .tenant = user};
  };
  const std::deque<twin::TraceJob> jobs = {of("a0", "a", 0, 10, 1000), of("c", "c", 20, 50, 50),
                                           of("b", "b", 30, 100, 100), of("a1", "a", 31, 10, 1000)};
  const auto said = replayed(jobs, "sjf", false);
  EXPECT_EQ(said.at("b").start_us, 70 * kSecond);
  EXPECT_EQ(said.at("a1").start_us, 170 * kSecond);
  const auto predicted = replayed(jobs, "sjf", true);
  EXPECT_EQ(predicted.at("a1").start_us, 70 * kSecond);
  EXPECT_EQ(predicted.at("b").start_us, 80 * kSecond);
}

}  // namespace
}  // namespace weir
