#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/graph/checkpoint.h"
#include "core/loop/loop_for_test.h"

namespace weir {
namespace {

// Room for so many jobs at once, of whatever size, first come, first served.
class Slots : public Scheduler {
 public:
  void restart(const Graph& head) override {
    waiting.clear();
    busy.clear();
    for (size_t i = 0; i < head.intent_count(); ++i) look(head, IntentId(i));
  }
  void note(const Graph& head, const EventBody& body, Position) override {
    if (const auto* e = std::get_if<IntentSubmitted>(&body)) look(head, e->intent);
    if (const auto* withdrawn = std::get_if<IntentWithdrawn>(&body)) look(head, withdrawn->intent);
    if (const auto* committed = std::get_if<PlanCommitted>(&body)) look(head, committed->plan.intent);
  }
  std::vector<Turn> turns(const Graph&, TimeUs) override {
    std::vector<Turn> out;
    while (busy.size() < room && !waiting.empty()) {
      out.push_back({*waiting.begin(), {SiteId(0u)}});
      busy.insert(*waiting.begin());
      waiting.erase(waiting.begin());
    }
    return out;
  }
  bool admits(const Graph&, const Plan&) const override { return true; }
  void refused(IntentId, uint64_t, TimeUs) override {}
  std::vector<JobPreempted> preemptions(const Graph&, TimeUs) override { return {}; }
  int64_t tasks_at_once(const Graph&, IntentId) const override { return static_cast<int64_t>(room - busy.size()); }
  TimeUs wake() const override { return INT64_MAX; }
  Status reserves(const Graph&, const ReservationSpec&, TimeUs) override { return {}; }
  Status submits(const Graph&, TenantId, const std::string&, TimeUs) override { return ++submissions, Status(); }

  size_t room = 3;
  int submissions = 0;
  std::set<IntentId> waiting, busy;

 private:
  void look(const Graph& head, IntentId intent) {
    waiting.erase(intent);
    const IntentRow& row = head.intent(intent);
    if (row.state == IntentState::kWithdrawn) busy.erase(intent);
    if (row.state == IntentState::kWithdrawn || is_array(row)) return;
    (row.active ? busy : waiting).insert(intent);
  }
};

class ArraysTest : public LoopOfTwoSites {
 protected:
  static constexpr IntentId kArray{0u};
  void SetUp() override {
    describe();
    start();
  }
  void start() {
    Loop::Ports with = ports();
    with.scheduler = &slots;
    LoopOptions options;
    options.tasks_waiting_max = 2;
    options.tasks_per_turn_max = tasks_per_turn_max;
    LoopOfTwoSites::start(std::move(with), options);
  }
  Result<Admitted> propose(EventBody body) {
    Result<Admitted> result = fail(ErrorCode::kInternal, "no answer");
    turn(Loop::Propose{{{"tenant/city", std::move(body)}}, [&result](Result<Admitted> answer) { result = std::move(answer); }});
    return result;
  }
  static IntentSpec array(int32_t tasks) {
    IntentSpec spec{.name = "render", .schedule = {.tasks = tasks}};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = 500;
    return spec;
  }
  Result<Admitted> submit(int32_t tasks) { return propose(IntentSubmitted{{}, TenantId(0u), 0, array(tasks)}); }
  // Whatever was asked gets a plan at the hub.
  void decide() {
    while (!asked.empty()) {
      const Asked one = asked.front();
      asked.erase(asked.begin());
      Plan plan{.intent = one.intent, .generation = loop->head().intent(one.intent).generation, .basis = loop->head().version()};
      plan.placements.push_back({.site = kHub, .node = NodeId(kHub.value), .cpu_milli = 500, .asks = {}, .continues = {}});
      plan.availability_ppm = 1'000'000;
      turn(Loop::Decided{one.ticket, one.intent, plan});
    }
  }
  // What the site says of every run of a task, once.
  void end(IntentId task, int32_t exit_code = 0) {
    const RunId run = row(task).active->run(0);
    turn(Loop::Reported{kHub, connection_of(kHub),
                        {Observation{.applied_brain_epoch = loop->head().brain_epoch(),
                                     .runs = {{.run = run, .state = RunState::kExited, .exit_code = exit_code}}}},
                        {}});
  }
  const IntentRow& row(IntentId intent = kArray) const { return loop->head().intent(intent); }
  std::vector<IntentId> running() const {
    std::vector<IntentId> out;
    for (size_t i = 0; i < loop->head().intent_count(); ++i) {
      if (row(IntentId(i)).array.valid() && row(IntentId(i)).active) out.push_back(IntentId(i));
    }
    return out;
  }
  // Until the array has ended: how often each task was begun, by its index, in the order in which they were.
  std::vector<uint32_t> play() {
    std::vector<uint32_t> begun;
    std::set<IntentId> seen;
    for (int steps = 0; steps < 200 && row().state != IntentState::kWithdrawn; ++steps) {
      decide();
      const auto now = running();
      EXPECT_LE(now.size(), slots.room);
      EXPECT_LE(row().tasks.waiting, 2 + static_cast<int32_t>(slots.room));
      for (const IntentId task : now) {
        if (seen.insert(task).second) begun.push_back(row(task).task);
      }
      if (!now.empty()) end(now.front());
      idle();
    }
    return begun;
  }

  Slots slots;
  int64_t tasks_per_turn_max = 4'096;
};

TEST_F(ArraysTest, TenTasksRunOnRoomForThree) {
  ASSERT_TRUE(submit(10));
  EXPECT_EQ(slots.submissions, 1);
  EXPECT_EQ(row().tasks.submitted, 5) << "as many as begin at once, and two that wait";
  EXPECT_EQ(asked.size(), 3u);
  EXPECT_EQ(play(), (std::vector<uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(row().state, IntentState::kWithdrawn);
  EXPECT_TRUE(row().finished);
  EXPECT_EQ(row().tasks, (TaskCounts{.submitted = 10, .finished = 10}));
  EXPECT_EQ(loop->head().intent_count(), 11u);
  EXPECT_EQ(slots.submissions, 1) << "one object to the rate of its queue";
  // Whoever says the same again does not mean it to be done twice.
  ASSERT_TRUE(submit(10));
  EXPECT_EQ(row().generation, 1u);
}

TEST_F(ArraysTest, SeveralShareWhatIsSubmittedInOneTurn) {
  tasks_per_turn_max = 6;
  slots.room = 100;
  // Both are there before the first turn.
  for (const char* name : {"render", "encode"}) {
    IntentSpec spec = array(10);
    spec.name = name;
    write(IntentSubmitted{IntentId(loop->head().intent_count() + (spec.name == "encode")), TenantId(0u), 1, spec});
  }
  start();
  const auto submitted = [this](IntentId of) { return row(of).tasks.submitted; };
  const IntentId other(1u);
  for (int turns = 0; turns < 20 && submitted(kArray) + submitted(other) < 20; ++turns) {
    const int32_t before = submitted(kArray) + submitted(other);
    idle();
    EXPECT_LE(submitted(kArray) + submitted(other) - before, 6);
    EXPECT_LE(std::abs(submitted(kArray) - submitted(other)), 1);
  }
  EXPECT_EQ(submitted(kArray) + submitted(other), 20);
}

TEST_F(ArraysTest, EndsAsItsTasksDid) {
  ASSERT_TRUE(submit(3));
  decide();
  ASSERT_TRUE(propose(IntentWithdrawn{loop->head().find_task(kArray, 1)}));
  end(loop->head().find_task(kArray, 0));
  EXPECT_NE(row().state, IntentState::kWithdrawn);
  end(loop->head().find_task(kArray, 2));
  EXPECT_EQ(row().state, IntentState::kWithdrawn);
  EXPECT_FALSE(row().finished);
  EXPECT_EQ(row().tasks, (TaskCounts{.submitted = 3, .finished = 2, .failed = 1}));
}

TEST_F(ArraysTest, WithdrawsItsTasksWithIt) {
  ASSERT_TRUE(submit(10));
  decide();
  end(running().front());
  decide();
  ASSERT_EQ(running().size(), 3u);
  ASSERT_TRUE(propose(IntentWithdrawn{kArray}));
  EXPECT_TRUE(running().empty()) << "in the same turn";
  const size_t count = loop->head().intent_count();
  for (size_t i = 0; i < count; ++i) EXPECT_EQ(row(IntentId(i)).state, IntentState::kWithdrawn) << i;
  idle();
  EXPECT_EQ(loop->head().intent_count(), count) << "no more of them";
  // The next life begins with the first task, in the rows of before.
  ASSERT_TRUE(submit(10));
  decide();
  EXPECT_EQ(row(loop->head().find_task(kArray, 0)).generation, 2u);
  EXPECT_EQ(play().size(), 10u);
  EXPECT_TRUE(row().finished);
}

TEST_F(ArraysTest, GoesOnAfterARestart) {
  ASSERT_TRUE(submit(10));
  decide();
  for (int i = 0; i < 4; ++i) {
    end(running().front());
    decide();
  }
  std::set<uint32_t> begun;
  for (size_t i = 1; i < loop->head().intent_count(); ++i) {
    if (!row(IntentId(i)).runs.empty() || row(IntentId(i)).finished) begun.insert(row(IntentId(i)).task);
  }
  EXPECT_EQ(begun.size(), 7u);
  for (const bool from_checkpoint : {false, true}) {
    if (from_checkpoint) {
      ASSERT_TRUE(log.save_checkpoint({loop->head().version(), encode_graph(loop->head())}));
    }
    const TaskCounts before = row().tasks;
    start();
    EXPECT_EQ(row().tasks, before);
    EXPECT_EQ(running().size(), 3u);
  }
  const std::vector<uint32_t> later = play();
  EXPECT_EQ(later, (std::vector<uint32_t>{4, 5, 6, 7, 8, 9})) << "those that run, and the rest: none twice, none lost";
  EXPECT_TRUE(row().finished);
}

TEST_F(ArraysTest, ARestartGoesOnWithdrawing) {
  ASSERT_TRUE(submit(10));
  decide();
  // The ledger ends right behind the withdrawal.
  loop.reset();
  write(IntentWithdrawn{kArray});
  start();
  idle();
  for (size_t i = 0; i < loop->head().intent_count(); ++i) EXPECT_EQ(row(IntentId(i)).state, IntentState::kWithdrawn) << i;
}

TEST_F(ArraysTest, RefusesWhatIsNoArray) {
  const auto refused = [this](IntentSpec spec) {
    const auto result = propose(IntentSubmitted{{}, TenantId(0u), 0, std::move(spec)});
    return result ? std::string() : result.error().what;
  };
  EXPECT_NE(refused(array(1)), "");
  IntentSpec service = array(2);
  service.workload.kind = WorkKind::kService;
  EXPECT_NE(refused(service), "");
  IntentSpec streams = array(2);
  streams.from = {{kHub, 1}};
  EXPECT_NE(refused(streams), "");
  EXPECT_FALSE(propose(IntentSubmitted{IntentId(0u), TenantId(0u), 1, {}, IntentId(0u), 0}));
  ASSERT_TRUE(submit(2));
  EXPECT_EQ(refused(array(0)), "an array becomes something else only after it has ended");
  IntentSpec named = array(0);
  named.name = "render.0";
  EXPECT_EQ(refused(named), "the name belongs to a task of an array");
}

TEST_F(ArraysTest, ALongerOneGoesOnAndAShorterOneStops) {
  ASSERT_TRUE(submit(4));
  decide();
  ASSERT_TRUE(submit(6));
  EXPECT_EQ(row().generation, 2u);
  EXPECT_EQ(row().tasks.submitted, 5);
  ASSERT_TRUE(submit(2));
  EXPECT_EQ(play().size(), 5u) << "what was submitted goes on";
  EXPECT_TRUE(row().finished);
}

}  // namespace
}  // namespace weir
