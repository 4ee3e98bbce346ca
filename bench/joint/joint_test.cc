#include <gtest/gtest.h>

#include "bench/joint/capacity.h"
#include "bench/joint/gap.h"
#include "bench/joint/instance.h"
#include "bench/joint/policies.h"
#include "bench/joint/report.h"
#include "bench/joint/trial.h"
#include "infrastructure/solver/clp.h"

namespace weir::bench {
namespace {

constexpr int64_t kMbps = 1'000'000;

// Three sites around the ingress, each at the end of its own links through a router; far has a second, slower
// way:
//
//            r0 --1ms-- near (ask 9)        mid (ask 6): 5 ms by r1
//   in ----- r1 --5ms-- mid
//            r2 -20ms-- far (ask 1)         far again by r3: 30 ms
class PolicyTest : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return instance.graph.apply({1, "t", std::move(body)}); }

  void SetUp() override {
    add(DomainCreated{.name = "d", .scarcity_core_hour = kCredit});
    add(TenantDefined{TenantId(0u), "t"});
    for (uint32_t r = 0; r < 4; ++r) add(RouterDefined{VertexId(r), "r" + std::to_string(r)});
    site("in", 0, 0);
    site("near", 9, 4000);
    site("mid", 6, 4000);
    site("far", 1, 8000);
    way(0, 1, 1'000, 100);
    way(1, 2, 5'000, 100);
    way(2, 3, 20'000, 100);
    way(3, 3, 30'000, 100);
  }
  void site(const char* name, int64_t ask, int32_t cpu) {
    const auto id = static_cast<uint32_t>(instance.graph.site_count());
    SiteSpec spec{.name = name, .sid = "fd00:6::" + std::to_string(id)};
    spec.asks.per_core_hour = ask * kCredit;
    add(SiteDefined{SiteId(id), VertexId(4 + id), spec});
    const NodeId node(instance.graph.node_count());
    if (cpu > 0) add(NodesReported{SiteId(id), node, {{"n", cpu, 65'536, 0, "", 1000}}});
    add(SiteStateChanged{SiteId(id), Liveness::kUp, ""});
  }
  // Links ingress - router - site; the first bears the delay and the rate.
  void way(uint32_t router, uint32_t site, int64_t us, int64_t mbps) {
    const auto id = static_cast<uint32_t>(instance.graph.link_count());
    add(LinkDefined{LinkId(id),
                    {.name = "a" + std::to_string(router),
                     .a = VertexId(4u),
                     .b = VertexId(router),
                     .bandwidth_bps = mbps * kMbps,
                     .latency_us = us,
                     .per_gbps_hour = kCredit,
                     .sid_a = "fd00:5::",
                     .sid_b = "fd00:5::1"}});
    add(LinkDefined{LinkId(id + 2),
                    {.name = "b" + std::to_string(router),
                     .a = VertexId(router),
                     .b = VertexId(4 + site),
                     .bandwidth_bps = 1000 * kMbps,
                     .latency_us = 0,
                     .per_gbps_hour = kCredit,
                     .sid_a = "fd00:5::",
                     .sid_b = "fd00:5::1"}});
  }
  // An intent with one stream; returns the site that the policy chose, none if it refused.
  SiteId offer(PolicyKind kind, int64_t cores, int64_t mbps, int64_t promise_us) {
    Graph graph = instance.graph;
    graph.apply({1, "t", IntentSubmitted{IntentId(0u), TenantId(0u), 1, intent(cores, mbps, promise_us)}});
    plan = make_policy(kind)->choose(graph, IntentId(0u));
    if (!plan) return {};
    verdict = verify(graph, *plan);
    return plan->placements.at(0).site;
  }
  static IntentSpec intent(int64_t cores, int64_t mbps, int64_t promise_us) {
    IntentSpec spec{.name = "i", .from = {{SiteId(0u), 1}}};
    spec.workload.cpu_milli = static_cast<int32_t>(cores * 1000);
    spec.workload.memory_mib = 1;
    spec.traffic = {mbps * kMbps, mbps * kMbps / 10, 0, 0};
    spec.promise.latency_us_max = promise_us;
    return spec;
  }
  void fill(uint32_t link, int64_t mbps) {
    // Shrinks the link: what is left is what the policies see.
    LinkSpec spec{.name = instance.graph.link_name(LinkId(link)),
                  .a = instance.graph.link(LinkId(link)).from,
                  .b = instance.graph.link(LinkId(link)).to,
                  .bandwidth_bps = mbps * kMbps,
                  .latency_us = instance.graph.link(LinkId(link)).latency_us,
                  .per_gbps_hour = kCredit,
                  .sid_a = "fd00:5::",
                  .sid_b = "fd00:5::1"};
    ASSERT_TRUE(add(LinkDefined{LinkId(link), spec}).effect);
  }

  static constexpr SiteId kNear{1u}, kMid{2u}, kFar{3u};
  Instance instance;
  std::optional<Plan> plan;
  Verdict verdict;
};

TEST_F(PolicyTest, WithRoomEverywhereEachFollowsItsOwnStar) {
  EXPECT_EQ(offer(PolicyKind::kPlaceFirst, 1, 10, 100'000), kFar);
  EXPECT_TRUE(verdict.granted) << verdict.why;
  EXPECT_EQ(offer(PolicyKind::kPathFirst, 1, 10, 100'000), kNear);
  EXPECT_TRUE(verdict.granted) << verdict.why;
  EXPECT_EQ(offer(PolicyKind::kPriceAware, 1, 10, 100'000), kFar);
  EXPECT_TRUE(verdict.granted) << verdict.why;
  EXPECT_EQ(offer(PolicyKind::kJoint, 1, 10, 100'000), kFar);
  EXPECT_TRUE(verdict.granted) << verdict.why;
}

TEST_F(PolicyTest, OnlyPlaceFirstOverlooksATightPromise) {
  EXPECT_EQ(offer(PolicyKind::kPlaceFirst, 1, 10, 10'000), kFar);
  EXPECT_FALSE(verdict.granted);
  for (const PolicyKind kind : {PolicyKind::kPriceAware, PolicyKind::kPriceAwareRetry, PolicyKind::kJoint}) {
    EXPECT_EQ(offer(kind, 1, 10, 10'000), kMid) << name(kind);  // 5 ms there and back is just in time
    EXPECT_TRUE(verdict.granted) << verdict.why;
    EXPECT_EQ(offer(kind, 1, 10, 9'999), kNear) << name(kind);
  }
  EXPECT_EQ(offer(PolicyKind::kPathFirst, 1, 10, 1'999), SiteId{});
}

TEST_F(PolicyTest, AFullFastestPathIsLedAroundOnlyWithinThePromise) {
  fill(8, 5);  // in - r2, the fast way to far
  EXPECT_EQ(offer(PolicyKind::kPlaceFirst, 1, 10, 100'000), kFar);
  EXPECT_FALSE(verdict.granted) << "it takes the routed path whatever its load";
  EXPECT_EQ(offer(PolicyKind::kPriceAware, 1, 10, 100'000), kFar);
  EXPECT_EQ(plan->flows[0].path.front(), LinkId(12u)) << "by r3";
  EXPECT_TRUE(verdict.granted) << verdict.why;
  // 40 ms by the fast way would do, 60 ms by the slow one does not: the scheduler has committed itself to
  // far.
  EXPECT_EQ(offer(PolicyKind::kPriceAware, 1, 10, 50'000), SiteId{});
  EXPECT_EQ(offer(PolicyKind::kPriceAwareRetry, 1, 10, 50'000), kMid);
  EXPECT_EQ(offer(PolicyKind::kJoint, 1, 10, 50'000), kMid);
  EXPECT_TRUE(verdict.granted) << verdict.why;
}

TEST_F(PolicyTest, PathFirstGoesToTheNextSiteWhenComputeOrTheWayIsFull) {
  EXPECT_EQ(offer(PolicyKind::kPathFirst, 5, 10, 100'000), kFar) << "near and mid have 4 cores";
  fill(0, 5);
  EXPECT_EQ(offer(PolicyKind::kPathFirst, 1, 10, 100'000), kMid);
  EXPECT_EQ(offer(PolicyKind::kPathFirst, 9, 10, 100'000), SiteId{}) << "nobody has 9 cores";
}

TEST_F(PolicyTest, PriceAwareAddsScarcityToTheAsk) {
  add(DomainCreated{.name = "late"});  // without effect: the prices stay
  add(PricesRevised{.policy = 1, .scarcity_core_hour = 100 * kCredit});
  // With 7 of 8 cores gone, a core at far costs 1 + 100 * 0.61 credits; at mid, idle, 6.
  IntentSpec spec = intent(7, 1, 100'000);
  add(IntentSubmitted{IntentId(0u), TenantId(0u), 1, spec});
  const auto first = make_policy(PolicyKind::kPriceAware)->choose(instance.graph, IntentId(0u));
  ASSERT_TRUE(first);
  ASSERT_EQ(first->placements[0].site, kFar);
  add(PlanCommitted{*first});
  spec = intent(1, 1, 100'000);
  spec.name = "j";
  add(IntentSubmitted{IntentId(1u), TenantId(0u), 1, spec});
  const auto second = make_policy(PolicyKind::kPriceAware)->choose(instance.graph, IntentId(1u));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->placements[0].site, kMid);
  const auto third = make_policy(PolicyKind::kPlaceFirst)->choose(instance.graph, IntentId(1u));
  EXPECT_EQ(third->placements[0].site, kFar) << "place-first knows asks only";
}

TEST_F(PolicyTest, ATrialCountsWhatIsOfferedServedAndBroken) {
  instance.intents = {intent(4, 10, 100'000), intent(4, 95, 100'000), intent(4, 1, 100'000),
                      intent(4, 1, 100'000), intent(4, 1, 100'000)};
  for (size_t i = 0; i < instance.intents.size(); ++i) instance.intents[i].name = "i" + std::to_string(i);
  instance.capacity_cpu_milli = 16'000;
  const auto at = run_trial(instance, PolicyKind::kPlaceFirst, {50, 125});
  ASSERT_EQ(at.size(), 2u);
  EXPECT_EQ(at[0].offered, 2);
  EXPECT_EQ(at[0].accepted, 2);
  EXPECT_EQ(at[0].broken, 1) << "10 and 95 Mbit/s do not fit 100";
  EXPECT_EQ(at[0].served_cpu_milli, 4000);
  EXPECT_EQ(at[0].billed_per_hour, 4 * kCredit + 11 * kCredit / 1000 * 2);
  EXPECT_EQ(at[1].offered, 5);
  EXPECT_EQ(at[1].accepted, 4) << "all 16 cores are taken";
  EXPECT_EQ(at[1].offered_cpu_milli, 20'000);
  const auto joint = run_trial(instance, PolicyKind::kJoint, {125});
  EXPECT_EQ(joint[0].accepted, 4);
  EXPECT_EQ(joint[0].broken, 0);
}

TEST(Capacity, IsAMaximumFlow) {
  FlowNetwork network(4);
  const size_t upper = network.add(0, 1, 10);
  network.add(0, 2, 10);
  network.add(1, 3, 4);
  network.add(2, 3, 9);
  network.add(1, 2, 6);
  EXPECT_EQ(network.maximum(0, 3), 13);
  network.set_capacity(upper, 1);
  EXPECT_EQ(network.maximum(0, 3), 10);
}

TEST(MakeInstance, IsReproducibleAndWithinItsDescription) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Instance a = make_instance(seed, {}), b = make_instance(seed, {});
    EXPECT_EQ(a.intents, b.intents);
    EXPECT_EQ(a.capacity_cpu_milli, b.capacity_cpu_milli);
    EXPECT_EQ(a.graph.vertex_count(), 70u);  // 30 routers, 10 sites, 30 cabinets
    int64_t cores = 0, offered = 0;
    for (size_t s = 0; s < a.graph.site_count(); ++s) cores += a.graph.load(SiteId(s)).cpu_milli_total;
    for (const IntentSpec& spec : a.intents) offered += spec.workload.cpu_milli;
    EXPECT_GE(a.capacity_cpu_milli * 100, cores * 79);
    EXPECT_LE(a.capacity_cpu_milli, cores);
    EXPECT_GE(offered * 10, a.capacity_cpu_milli * 14);
  }
  EXPECT_NE(make_instance(1, {}).intents, make_instance(2, {}).intents);
}

TEST(MakeInstance, OnlyPlaceFirstBreaksPromisesAndJointOverloadsNothing) {
  const Instance instance = make_instance(7, {});
  int64_t broken = 0;
  for (const PolicyKind kind :
       {PolicyKind::kPathFirst, PolicyKind::kPriceAware, PolicyKind::kPriceAwareRetry, PolicyKind::kJoint}) {
    broken += run_trial(instance, kind, {140})[0].broken;
  }
  EXPECT_EQ(broken, 0);
  EXPECT_GT(run_trial(instance, PolicyKind::kPlaceFirst, {140})[0].broken, 0);
}

TEST(Report, EstimatesWithTheirIntervals) {
  const Estimate e = estimate({1, 2, 3, 4});
  EXPECT_DOUBLE_EQ(e.mean, 2.5);
  EXPECT_NEAR(e.half, 1.96 * 1.2909944 / 2, 1e-6);
  const Estimate r = ratio({2, 4, 6}, {1, 2, 3});
  EXPECT_DOUBLE_EQ(r.mean, 2);
  EXPECT_NEAR(r.half, 0, 1e-12);
  EXPECT_DOUBLE_EQ(ratio({1}, {0}).mean, 0);
}

TEST(Report, TheTableFits80Columns) {
  std::vector<std::vector<Outcome>> outcomes(
      2, std::vector<Outcome>(2, Outcome{10, 10, 10, 1000, 1000, 123 * kCredit}));
  const auto table = tabulate(90, {PolicyKind::kPriceAwareRetry, PolicyKind::kJoint}, outcomes);
  const std::string out = text({table}, "");
  size_t width = 0;
  for (const char c : out) {
    if (c == '\n') width = 0;
    width += c != '\n' && (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    ASSERT_LE(width, 80u);
  }
}

TEST(Gap, AsManyIntentsAsAskedForAtTheLoadAskedFor) {
  for (const int load : {50, 90, 140}) {
    const Instance instance =
        make_instance(7, {.routers = 40, .sites = 20, .intents = 300, .load_percent = load});
    EXPECT_EQ(instance.intents.size(), 300u);
    int64_t offered = 0;
    for (const IntentSpec& spec : instance.intents) offered += spec.workload.cpu_milli;
    EXPECT_NEAR(static_cast<double>(offered) * 100 / static_cast<double>(instance.capacity_cpu_milli), load,
                load * 0.03);
  }
}

TEST(Gap, NobodyIsBetterThanTheBoundAndThePassIsNoWorseThanOneByOne) {
  ClpSolver solver;
  for (const int load : {50, 140}) {
    const Instance instance =
        make_instance(3, {.routers = 40, .sites = 20, .intents = 250, .load_percent = load});
    const auto outcome = measure_gap(instance, solver);
    ASSERT_TRUE(outcome) << outcome.error().text();
    double dearest = 0;
    for (const Achieved& one : outcome->achieved)
      dearest = std::max(dearest, static_cast<double>(one.billed_per_hour));
    for (const Achieved& one : outcome->achieved) {
      EXPECT_GT(one.served_cpu_milli, 0);
      EXPECT_LE(outcome->frontier.cost(one.served_cpu_milli), static_cast<double>(one.billed_per_hour));
      EXPECT_LE(static_cast<double>(one.served_cpu_milli), outcome->frontier.served_cpu_milli(2 * dearest));
    }
    const Achieved& online = outcome->achieved[static_cast<int>(Way::kOnline)];
    const Achieved& pass = outcome->achieved[static_cast<int>(Way::kPass)];
    EXPECT_GE(pass.served_cpu_milli, online.served_cpu_milli);
  }
}

}  // namespace
}  // namespace weir::bench
