#include <gtest/gtest.h>

#include "core/graph/graph.h"
#include "core/graph/promise.h"

namespace weir {
namespace {

// street --l0-- r0 --l1-- hub, and street --l2-- r1 --l3-- hub beside it; street --l4-- yard --l5-- hub.
class VerifyTest : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({1, "t", std::move(body)}); }

  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    site(0, "street");
    site(1, "hub");
    site(2, "yard");
    add(RouterDefined{VertexId(3u), "r0"});
    add(RouterDefined{VertexId(4u), "r1"});
    link(0, 0, 3);
    link(1, 3, 1);
    link(2, 0, 4);
    link(3, 4, 1);
    link(4, 0, 2);
    link(5, 2, 1);
    spec.name = "cameras";
    spec.from = {{SiteId(0u), 2}};
    spec.workload.cpu_milli = 300;
    spec.workload.memory_mib = 256;
    spec.workload.streams_per_instance = 2;
    spec.traffic = {2'000'000, 50'000, 2000, 10'000};
    spec.promise.latency_us_max = 500'000;
    spec.promise.availability_ppm = 980'000;
    submit(1);
  }
  void site(uint32_t id, std::string name) {
    SiteSpec s{.name = std::move(name), .availability_ppm = 990'000, .sid = "fd77:5::"};
    s.asks.per_core_hour = kCredit;
    s.power = {5'000, 10'000, 1'200, 500'000};
    add(SiteDefined{SiteId(id), VertexId(id), s});
    add(NodesReported{SiteId(id), NodeId(id), {{"n", 1000, 1024, 0, "", 1000}}});
    add(SiteStateChanged{SiteId(id), Liveness::kUp, ""});
  }
  void link(uint32_t id, uint32_t a, uint32_t b) {
    add(LinkDefined{LinkId(2 * id),
                    {.name = "l" + std::to_string(id),
                     .a = VertexId(a),
                     .b = VertexId(b),
                     .bandwidth_bps = 10'000'000,
                     .latency_us = 1000,
                     .availability_ppm = 999'000,
                     .per_gbps_hour = kCredit,
                     .sid_a = "fd77:a::",
                     .sid_b = "fd77:b::"}});
  }
  void submit(uint32_t generation) {
    ASSERT_TRUE(add(IntentSubmitted{IntentId(0u), TenantId(0u), generation, spec}).effect);
  }
  Plan plan() const {
    Plan p{.intent = IntentId(0u),
           .generation = graph.intent(IntentId(0u)).generation,
           .basis = graph.version()};
    p.placements.push_back({.site = SiteId(1u),
                            .node = NodeId(1u),
                            .cpu_milli = 300,
                            .memory_mib = 256,
                            .streams = 2,
                            .asks = graph.site(SiteId(1u)).asks,
                            .continues = {}});
    Flow flow{.ingress = SiteId(0u), .placement = 0, .streams = 2, .up_bps = 4'000'000, .down_bps = 100'000};
    flow.path = {LinkId(0u), LinkId(2u)};
    flow.protection = {LinkId(4u), LinkId(6u)};
    p.flows.push_back(flow);
    return complete(p);
  }
  // With the figures that follow from its parts.
  Plan complete(Plan p) const {
    for (Flow& flow : p.flows) {
      const Placement& placement = p.placements[flow.placement];
      const auto service =
          service_time(graph, placement.site, spec, placement.streams).value_or(ServiceTime{});
      flow.path_per_hour = path_per_hour(graph, flow.path, flow.up_bps, flow.down_bps);
      flow.latency_us_path = path_round_trip_us(graph, flow.path);
      flow.latency_us_serialisation = path_serialisation_us(graph, flow.path, spec.traffic);
      flow.latency_us_work = service.work_us;
      flow.latency_us_queueing = service.queueing_us;
      flow.latency_us_predicted =
          flow.latency_us_path + flow.latency_us_serialisation + service.work_us + service.queueing_us;
    }
    const PlanTotals totals = plan_totals(graph, spec, p);
    p.billed_per_hour = totals.billed_per_hour;
    p.power_mw = totals.power_mw;
    p.carbon_mg_per_hour = totals.carbon_mg_per_hour;
    p.availability_ppm = totals.availability_ppm;
    return p;
  }
  void refused(const Plan& p, const std::string& why, bool conflict) {
    const Verdict verdict = verify(graph, p);
    EXPECT_FALSE(verdict.granted) << why;
    EXPECT_EQ(verdict.why, why);
    EXPECT_EQ(verdict.conflict, conflict) << why;
  }

  Graph graph;
  IntentSpec spec;
};

TEST_F(VerifyTest, TakesNoPartOfALatencyFromThePlan) {
  ASSERT_TRUE(verify(graph, plan()).granted) << verify(graph, plan()).why;
  for (int64_t Flow::*part :
       {&Flow::latency_us_work, &Flow::latency_us_queueing, &Flow::latency_us_serialisation}) {
    for (const int64_t less : {int64_t{1}, int64_t{-1}}) {
      Plan p = plan();
      p.flows[0].*part -= less;
      p.flows[0].latency_us_predicted -= less;
      refused(p, "the speed of a node or a link was revised", true);
    }
  }
  Plan p = plan();
  --p.flows[0].latency_us_predicted;
  refused(p, "a predicted latency is not the sum of its parts", false);
}

TEST_F(VerifyTest, FollowsTheSpeedOfNodes) {
  const Plan fast = plan();
  add(NodesReported{SiteId(1u), NodeId(1u), {{"n", 1000, 1024, 0, "", 900}}});
  refused(fast, "the speed of a node or a link was revised", true);
  EXPECT_TRUE(verify(graph, plan()).granted);
  add(NodesReported{SiteId(1u), NodeId(1u), {{"n", 1000, 1024, 0, "", 100}}});
  refused(fast, "an instance at hub cannot keep up with its streams", true);
}

TEST_F(VerifyTest, AnInstanceHasToKeepUp) {
  spec.traffic.requests_per_second_milli = 14'250;  // 28.5/s * 10 ms = 0.285 cores of 0.3: exactly 95%
  submit(2);
  EXPECT_TRUE(verify(graph, plan()).granted) << verify(graph, plan()).why;
  spec.traffic.requests_per_second_milli = 14'251;
  submit(3);
  refused(plan(), "an instance at hub cannot keep up with its streams", true);
}

TEST_F(VerifyTest, RecomputesTheTotals) {
  Plan p = plan();
  ++p.power_mw;
  refused(p, "the power of a site was revised", true);
  p = plan();
  --p.carbon_mg_per_hour;
  refused(p, "the power of a site was revised", true);
  p = plan();
  ++p.availability_ppm;
  refused(p, "the availability of a part was revised", true);
  p = plan();
  --p.billed_per_hour;
  refused(p, "the plan's price is not the sum of its parts", false);
}

TEST_F(VerifyTest, AvailabilityIsAPromiseToo) {
  spec.promise.availability_ppm = plan().availability_ppm;
  submit(2);
  EXPECT_TRUE(verify(graph, plan()).granted);
  ++spec.promise.availability_ppm;
  submit(3);
  refused(plan(), "the plan is less available than promised", false);
}

TEST_F(VerifyTest, AProtectionPathIsDisjointUsableAndFast) {
  Plan p = plan();
  p.flows[0].protection = p.flows[0].path;
  refused(complete(p), "a protection path shares a link with what it protects", false);
  p = plan();
  p.flows[0].protection.pop_back();
  refused(complete(p), "a path ends elsewhere", false);
  const int64_t predicted = plan().flows[0].latency_us_predicted;
  add(LinkMeasured{LinkId(7u), 1000 + spec.promise.latency_us_max - predicted, 0, 0});
  EXPECT_TRUE(verify(graph, plan()).granted);
  add(LinkMeasured{LinkId(7u), 1001 + spec.promise.latency_us_max - predicted, 0, 0});
  refused(plan(), "a protection path became too slow for the promise", true);
  add(LinkStateChanged{LinkId(7u), false, "cut"});
  refused(plan(), "link l3 is down", true);
}

TEST_F(VerifyTest, APathCrossesNoSite) {
  Plan p = plan();
  p.flows[0].path = {LinkId(8u), LinkId(10u)};
  refused(complete(p), "a path crosses site yard, which carries no transit", false);
  p = plan();
  p.flows[0].protection = {LinkId(8u), LinkId(10u)};
  refused(complete(p), "a path crosses site yard, which carries no transit", false);
}

TEST_F(VerifyTest, APathThatCannotBeSteeredIsTheRoutedOne) {
  LinkSpec plain = graph.link_spec(LinkId(2u));
  plain.steerable = false;
  add(LinkDefined{LinkId(2u), plain});
  EXPECT_TRUE(verify(graph, plan()).granted) << "both ways are as short; the yard between carries no transit";
  LinkSpec shorter = graph.link_spec(LinkId(4u));
  shorter.latency_us -= 1;
  add(LinkDefined{LinkId(4u), shorter});
  refused(plan(), "a path cannot be steered, and is not the routed one", false);
  Plan other = plan();
  std::swap(other.flows[0].path, other.flows[0].protection);
  refused(complete(other), "a protection path cannot be steered, and is not the routed one", false);
  other.flows[0].protection.clear();
  EXPECT_TRUE(verify(graph, complete(other)).granted) << "all of it can be steered";
}

TEST_F(VerifyTest, LeadsNoPathFromOrToASiteThatCannotSteer) {
  LinkSpec shorter = graph.link_spec(LinkId(4u));
  shorter.latency_us -= 1;
  add(LinkDefined{LinkId(4u), shorter});
  ASSERT_TRUE(verify(graph, plan()).granted);
  for (const SiteId end : {SiteId(0u), SiteId(1u)}) {
    add(SiteSteeringChanged{end, false, "no seg6"});
    refused(plan(), "a path cannot be steered, and is not the routed one", false);
    add(SiteSteeringChanged{end, true, ""});
    EXPECT_TRUE(verify(graph, plan()).granted) << verify(graph, plan()).why;
    for (const bool described : {false, true}) {
      SiteSpec without = graph.site_spec(end), with = without;
      (described ? without.steerable = false : (without.sid.clear(), false));
      add(SiteDefined{end, graph.site(end).vertex, without});
      refused(plan(), "a path cannot be steered, and is not the routed one", false);
      add(SiteDefined{end, graph.site(end).vertex, with});
    }
  }
  ASSERT_TRUE(verify(graph, plan()).granted);
  LinkSpec nameless = graph.link_spec(LinkId(2u));
  nameless.sid_a.clear();
  nameless.sid_b.clear();
  add(LinkDefined{LinkId(2u), nameless});
  refused(plan(), "a path cannot be steered, and is not the routed one", false);
}

TEST_F(VerifyTest, TheIngressHasToBeUp) {
  add(SiteStateChanged{SiteId(0u), Liveness::kDraining, ""});
  EXPECT_TRUE(verify(graph, plan()).granted);
  add(SiteStateChanged{SiteId(0u), Liveness::kDown, ""});
  refused(plan(), "ingress street is not up", true);
}

TEST_F(VerifyTest, AFlowThatGoesOnKeepsItsAsks) {
  const Position at = graph.version();
  ASSERT_TRUE(add(PlanCommitted{plan()}).effect);
  Plan next = plan();
  next.placements[0].continues = {at, 0};
  EXPECT_TRUE(verify(graph, next).granted);
  --next.flows[0].path_per_hour;
  --next.billed_per_hour;
  refused(next, "a flow that goes on keeps its asks", false);
}

// Two intents that are to be apart, decided at the same time: who comes second is decided again.
TEST_F(VerifyTest, OthersMayHaveComeOrGoneSince) {
  const IntentId other(1u);
  ASSERT_TRUE(add(IntentSubmitted{other, TenantId(0u), 1, {.name = "other"}}).effect);
  const auto stand = [&](uint32_t site) {
    Plan p{.intent = other, .generation = 1};
    p.placements.push_back({.site = SiteId(site), .node = NodeId(site), .cpu_milli = 1, .continues = {}});
    ASSERT_TRUE(add(PlanCommitted{p}).effect);
  };
  spec.where.apart_from = {other};
  submit(2);
  EXPECT_TRUE(verify(graph, plan()).granted);
  stand(1);
  refused(plan(), "hub has an instance of an intent that this one is to be apart from", true);
  spec.where = {.near = {other}};
  submit(3);
  EXPECT_TRUE(verify(graph, plan()).granted);
  stand(2);
  refused(plan(), "hub has no instance of an intent that this one is to be near", true);
}

TEST_F(VerifyTest, PlacesAreAskedOfWhatIsPlacedAndNotOfWhatGoesOn) {
  const DatasetId data(0u);
  add(DatasetDefined{data, {.name = "maps", .at = {SiteId(1u)}}});
  spec.data = {data};
  spec.where.at_data = true;
  spec.workload.speed_milli_min = 1000;
  submit(2);
  ASSERT_TRUE(verify(graph, plan()).granted) << verify(graph, plan()).why;
  const Position at = graph.version();
  ASSERT_TRUE(add(PlanCommitted{plan()}).effect);
  Plan next = plan();
  next.placements[0].continues = {at, 0};
  const auto only_anew = [&](const std::string& why) {
    EXPECT_TRUE(verify(graph, next).granted) << verify(graph, next).why;
    refused(plan(), why, true);
  };
  SiteSpec hub = graph.site_spec(SiteId(1u));
  hub.taints = {"noisy"};
  add(SiteDefined{SiteId(1u), VertexId(1u), hub});
  only_anew("hub has taints that the intent does not tolerate");
  hub.taints.clear();
  add(SiteDefined{SiteId(1u), VertexId(1u), hub});
  EXPECT_TRUE(verify(graph, plan()).granted);
  add(DatasetDefined{data, {.name = "maps", .at = {SiteId(2u)}}});
  only_anew("not all of the data lies at hub");
  add(DatasetDefined{data, {.name = "maps", .at = {SiteId(1u)}}});
  spec.traffic.work_us_per_request = 0;  // whose time is another on other nodes
  submit(3);
  add(NodesReported{SiteId(1u), NodeId(1u), {{"n", 1000, 1024, 0, "", 999}}});
  next = plan();
  next.placements[0].continues = {at, 0};
  next.flows[0].path_per_hour = graph.intent(IntentId(0u)).active->plan.flows[0].path_per_hour;
  only_anew("the node at hub is slower than asked for");
}

TEST_F(VerifyTest, AsManyRegionsAndFailureDomainsAsAskedFor) {
  spec.from = {};
  spec.traffic = {};
  spec.promise = {};
  spec.workload.kind = WorkKind::kJob;
  const auto described = [&](uint32_t site, std::string region, std::string domain) {
    SiteSpec s = graph.site_spec(SiteId(site));
    s.region = std::move(region);
    s.failure_domain = std::move(domain);
    add(SiteDefined{SiteId(site), VertexId(site), s});
  };
  const auto two = [&] {
    Plan p{.intent = IntentId(0u), .generation = graph.intent(IntentId(0u)).generation, .basis = graph.version()};
    for (const uint32_t site : {0u, 1u}) {
      p.placements.push_back({.site = SiteId(site), .node = NodeId(site), .cpu_milli = 300, .memory_mib = 256,
                              .asks = graph.site(SiteId(site)).asks, .continues = {}});
    }
    return complete(p);
  };
  spec.where.regions_min = 2;
  submit(2);
  EXPECT_TRUE(verify(graph, two()).granted) << "a site without a region is one of its own: " << verify(graph, two()).why;
  EXPECT_EQ(two().availability_ppm, 999'900) << "each stands in for the other";
  described(0, "Hangzhou", "");
  described(1, "Hangzhou", "");
  refused(two(), "the plan stands in too few regions", true);
  described(1, "Guizhou", "");
  EXPECT_TRUE(verify(graph, two()).granted);
  spec.where = {.failure_domains_min = 2};
  submit(3);
  EXPECT_TRUE(verify(graph, two()).granted);
  described(0, "Hangzhou", "grid");
  described(1, "Guizhou", "grid");
  refused(two(), "the plan stands in too few failure domains", true);
  EXPECT_EQ(two().availability_ppm, 990'000) << "they fail together";
}

TEST_F(VerifyTest, AModelOfNoAcceleratorsAsksForNothing) {
  spec.workload.accelerator_model = "H100";
  submit(2);
  ASSERT_EQ(graph.accelerator_models().size(), 0u);
  EXPECT_TRUE(verify(graph, plan()).granted);
}

}  // namespace
}  // namespace weir
