#include "infrastructure/runtime/loop_thread.h"

#include <gtest/gtest.h>

#include <future>
#include <condition_variable>
#include <mutex>

#include "core/ledger/memory_log_store.h"
#include "infrastructure/runtime/system_clock.h"
#include "orchestration/plan/decide.h"
#include "orchestration/queue/graph_queue.h"
#include "orchestration/workflow/planner.h"

namespace weir::runtime {
namespace {

class RecordingWire : public Wire {
 public:
  void send(const SiteDirective& directive) override {
    std::lock_guard lock(lock_);
    sent_[directive.site] = directive;
  }
  void drop(SiteId site) override {
    std::lock_guard lock(lock_);
    ++dropped_[site];
    changed_.notify_all();
  }
  void wait_for_drops(SiteId site, int count) {
    std::unique_lock lock(lock_);
    changed_.wait(lock, [&] { return dropped_[site] >= count; });
  }
  SiteDirective newest(SiteId site) {
    std::lock_guard lock(lock_);
    return sent_[site];
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::map<SiteId, SiteDirective> sent_;
  std::map<SiteId, int> dropped_;
};

// Says one price, again and again; or nothing, before it is cancelled.
class ScriptedPass : public DomainPass {
 public:
  ScriptedPass(bool ends, std::promise<void>& began) : ends_(ends), began_(began) {}
  Result<DomainAdvice> run(const Graph& snapshot) override {
    if (!std::exchange(told_, true)) began_.set_value();
    if (!ends_) cancelled_.get_future().wait();
    return DomainAdvice{{.basis = snapshot.version(), .sites = {{SiteId(0u), 7, 0, 0}}}, {}};
  }
  void cancel() override { cancelled_.set_value(); }

 private:
  bool ends_, told_ = false;
  std::promise<void>& began_;
  std::promise<void> cancelled_;
};

class LoopThreadTest : public ::testing::Test {
 protected:
  void start(size_t inbox_max = 1000, TimeUs site_silence_us = LoopOptions{}.site_silence_us) {
    LoopThreadOptions options;
    options.inbox_max = inbox_max;
    options.loop.site_silence_us = site_silence_us;
    options.loop.pass_us = 1'000;
    auto started = LoopThread::start(
        log, wire, clock, [] { return std::make_unique<JointPlanner>(); }, std::make_unique<queue::GraphQueue>(), std::move(pass),
        std::make_unique<GraphWorkflowPlanner>(), needs_decision, options, "test",
        DomainCreated{.name = "d"}, [this](const Error& error) { fatal.set_value(error); });
    ASSERT_TRUE(started) << started.error().text();
    brain = std::move(*started);
  }
  Result<Admitted> propose(std::vector<EventBody> bodies) {
    std::promise<Result<Admitted>> promise;
    std::vector<Proposal> proposals;
    for (auto& body : bodies) proposals.push_back({"operator/test", std::move(body)});
    brain->propose(std::move(proposals), [&promise](Result<Admitted> result) { promise.set_value(std::move(result)); });
    return promise.get_future().get();
  }
  // Blocks until a durable snapshot satisfies the predicate; the test's own time limit bounds it.
  template <class Predicate>
  Snapshot wait_for(Predicate&& predicate) {
    std::mutex lock;
    std::condition_variable changed;
    bool news = true;
    const uint64_t token = brain->subscribe([&](Position) {
      std::lock_guard guard(lock);
      news = true;
      changed.notify_all();
    });
    for (;;) {
      Snapshot snapshot = brain->durable();
      if (predicate(*snapshot)) {
        brain->unsubscribe(token);
        return snapshot;
      }
      std::unique_lock guard(lock);
      changed.wait(guard, [&] { return news; });
      news = false;
    }
  }

  InMemoryLogStore log;
  RecordingWire wire;
  SystemClock clock;
  std::promise<Error> fatal;
  std::unique_ptr<DomainPass> pass;
  std::unique_ptr<LoopThread> brain;
};

IntentSpec one_stream(const std::string& name) {
  IntentSpec spec{.name = name, .from = {{SiteId(0u), 1}}};
  spec.workload.cpu_milli = 100;
  spec.workload.memory_mib = 64;
  return spec;
}

TEST_F(LoopThreadTest, AChangeUnderWayIsAnsweredWhenTheLedgerFails) {
  start();
  log.fail_next_flush();
  std::promise<Result<Admitted>> answered;
  brain->propose({{"operator/test", TenantDefined{{}, "city"}}},
                 [&answered](Result<Admitted> result) { answered.set_value(std::move(result)); });
  auto answer = answered.get_future();
  ASSERT_EQ(answer.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  const Result<Admitted> admitted = answer.get();
  ASSERT_FALSE(admitted);
  EXPECT_EQ(admitted.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(brain->durable()->find_tenant("city").valid());
  EXPECT_EQ(fatal.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST_F(LoopThreadTest, APassOverTheDomainPricesItsPlaces) {
  std::promise<void> began;
  pass = std::make_unique<ScriptedPass>(true, began);
  start();
  ASSERT_TRUE(propose({SiteDefined{{}, {}, SiteSpec{.name = "hub"}}}));
  const Snapshot priced = wait_for([](const Graph& g) { return g.shadow_prices().basis != 0; });
  EXPECT_EQ(priced->shadow(SiteId(0u)).per_core_hour, 7);
  EXPECT_GE(brain->statistics().loop.passes, 1u);
}

TEST_F(LoopThreadTest, APassThatIsUnderWayDoesNotHoldUpTheEnd) {
  std::promise<void> began;
  pass = std::make_unique<ScriptedPass>(false, began);
  start();
  ASSERT_TRUE(propose({TenantDefined{{}, "city"}}));
  began.get_future().wait();
  ASSERT_TRUE(propose({TenantDefined{{}, "town"}}));  // nor anything else
  brain.reset();
}

TEST_F(LoopThreadTest, AWorkflowIsPlannedAndItsStagesPlaced) {
  start(1000, 3'600'000'000);
  ASSERT_TRUE(propose({TenantDefined{{}, "city"}, SiteDefined{{}, {}, SiteSpec{.name = "street"}}, SiteDefined{{}, {}, SiteSpec{.name = "hub"}}}));
  ASSERT_TRUE(propose({LinkDefined{{}, LinkSpec{.name = "l", .a = VertexId(0u), .b = VertexId(1u), .bandwidth_bps = 100'000'000,
                                                .latency_us = 1'000}}}));
  for (const SiteId site : {SiteId(0u), SiteId(1u)}) {
    ASSERT_TRUE(brain->attached(site, 1 + site.value, Hello{.version = "t", .nodes = {{"n", 1000, 1024, 0, "", 1000}}}));
  }
  wait_for([](const Graph& g) { return g.site(SiteId(0u)).state == Liveness::kUp && g.site(SiteId(1u)).state == Liveness::kUp; });
  Workflow spec{.name = "w", .kind = WorkflowKind::kStream};
  spec.stages = {{.name = "camera", .at = {SiteId(0u)}}, {.name = "detect"}, {.name = "index"}};
  for (const size_t s : {1, 2}) spec.stages[s].workload = {.artifact = "a", .port = 80, .cpu_milli = 600, .memory_mib = 64};
  spec.edges = {{.from = 0, .to = 1, .bps = 1'000'000}, {.from = 1, .to = 2, .bps = 1'000}};
  const auto admitted = propose({WorkflowSubmitted{.tenant = TenantId(0u), .generation = 0, .spec = spec}});
  ASSERT_TRUE(admitted) << admitted.error().text();
  const Snapshot placed = wait_for([](const Graph& g) {
    return g.intent_count() == 2 && g.intent(IntentId(0u)).state == IntentState::kPlaced && g.intent(IntentId(1u)).state == IntentState::kPlaced;
  });
  const WorkflowRow& row = placed->workflow(WorkflowId(0u));
  ASSERT_EQ(row.state, WorkflowState::kPlanned);
  EXPECT_NE(row.plan->stages[1].site, row.plan->stages[2].site) << "no site has room for both";
  for (const size_t s : {1, 2}) {
    const IntentRow& stage = placed->intent(placed->stage_intent(row, spec.stages[s].name));
    EXPECT_EQ(stage.active->plan.placements[0].site, row.plan->stages[s].site);
  }
}

TEST_F(LoopThreadTest, FromProposalToDirective) {
  start();
  ASSERT_TRUE(propose({TenantDefined{{}, "city"}, SiteDefined{{}, {}, SiteSpec{.name = "hub"}}}));
  ASSERT_TRUE(brain->attached(SiteId(0u), 1, Hello{.version = "t", .nodes = {{"n", 1000, 1024, 0, "", 1000}}}));
  wait_for([](const Graph& g) { return g.site(SiteId(0u)).state == Liveness::kUp; });
  const auto admitted = propose({IntentSubmitted{{}, TenantId(0u), 0, one_stream("i")}});
  ASSERT_TRUE(admitted) << admitted.error().text();
  const Snapshot placed = wait_for([](const Graph& g) { return g.intent_count() == 1 && g.intent(IntentId(0u)).active; });
  EXPECT_GE(placed->version(), admitted->version);
  EXPECT_EQ(placed->intent(IntentId(0u)).active->plan.placements[0].site, SiteId(0u));
}

TEST_F(LoopThreadTest, ARevokedSiteIsShutOutAndItsWorkMoves) {
  start(1000, 3'600'000'000);  // no site goes down by silence
  ASSERT_TRUE(propose({TenantDefined{{}, "city"}, SiteDefined{{}, {}, SiteSpec{.name = "ingress"}},
                       SiteDefined{{}, {}, SiteSpec{.name = "near"}}, SiteDefined{{}, {}, SiteSpec{.name = "far"}},
                       LinkDefined{{}, {.name = "n", .a = VertexId(0u), .b = VertexId(1u), .bandwidth_bps = 1'000'000'000, .latency_us = 100}},
                       LinkDefined{{}, {.name = "f", .a = VertexId(0u), .b = VertexId(2u), .bandwidth_bps = 1'000'000'000, .latency_us = 100, .per_gbps_hour = kCredit}}}));
  const auto attach = [this](uint32_t site, uint64_t connection, TimeUs issued_us) {
    return brain->attached(SiteId(site), connection,
                           Hello{.version = "t", .nodes = {{"n", 1000, 1024, 0, "", 1000}}, .certificate_issued_us = issued_us});
  };
  const auto state = [](const Graph& g, uint32_t site) { return g.site(SiteId(site)).state; };
  for (uint32_t site = 0; site < 3; ++site) ASSERT_TRUE(attach(site, site, clock.wall_us()));
  wait_for([&](const Graph& g) { return state(g, 1) == Liveness::kUp && state(g, 2) == Liveness::kUp; });
  IntentSpec spec = one_stream("i");
  spec.where.not_at = {SiteId(0u)};
  spec.traffic = {1'000, 1'000, 1'000, 1'000};
  ASSERT_TRUE(propose({IntentSubmitted{{}, TenantId(0u), 0, spec}}));
  const auto placed_at = [](const Graph& g, uint32_t site) {
    return g.intent_count() == 1 && g.intent(IntentId(0u)).active && g.intent(IntentId(0u)).active->plan.placements[0].site == SiteId(site);
  };
  wait_for([&](const Graph& g) { return placed_at(g, 1); });

  ASSERT_TRUE(propose({CertificateRevoked{SiteId(1u), "stolen"}}));
  EXPECT_EQ(state(*brain->durable(), 1), Liveness::kDown) << "at once, not after a silence";
  wire.wait_for_drops(SiteId(1u), 1);
  wait_for([&](const Graph& g) { return placed_at(g, 2); });
  const TimeUs until = brain->durable()->certificates_revoked_until(SiteId(1u));
  EXPECT_GT(until, 0);
  ASSERT_TRUE(attach(1, 3, until));  // was on its way with the old certificate
  wire.wait_for_drops(SiteId(1u), 2);
  EXPECT_EQ(state(*brain->durable(), 1), Liveness::kDown);
  ASSERT_TRUE(attach(1, 4, until + 1));
  wait_for([&](const Graph& g) { return state(g, 1) == Liveness::kUp; });
}

TEST_F(LoopThreadTest, ARestartRemembersAllThatWasAcknowledged) {
  start();
  ASSERT_TRUE(propose({TenantDefined{{}, "city"}, SiteDefined{{}, {}, SiteSpec{.name = "hub"}}}));
  brain.reset();
  start();
  EXPECT_TRUE(brain->durable()->find_site("hub").valid());
  EXPECT_EQ(brain->durable()->brain_epoch(), 2u);
}

TEST_F(LoopThreadTest, RefusalsNameTheReasonAndNothingIsHalfDone) {
  start();
  const auto refused = propose({TenantDefined{{}, "city"}, IntentWithdrawn{IntentId(7u)}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(brain->durable()->find_tenant("city").valid());
}

TEST_F(LoopThreadTest, ManyThreadsProposeAndEachIsAnsweredOnce) {
  start();
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t, &answered] {
      for (int i = 0; i < 100; ++i) {
        brain->propose({{"operator/test", TenantDefined{{}, "t" + std::to_string(t) + "-" + std::to_string(i)}}},
                       [&answered](Result<Admitted>) { ++answered; });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  wait_for([](const Graph& g) { return g.tenant_count() == 400; });
  brain.reset();
  EXPECT_EQ(answered, 400);
}

}  // namespace
}  // namespace weir::runtime
