#include "orchestration/traffic/rebalance.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "core/graph/promise.h"
#include "orchestration/traffic/test_networks.h"

namespace weir::traffic {
namespace {

constexpr int64_t kMbps = 1'000'000;

struct DuplexLink {
  uint32_t a, b;
  int64_t bandwidth_bps, latency_us;
  Nanocredits ask = 0;
  bool steerable = true;
};

// Routers, then two sites at routers 0 and 1: cameras and the machines that serve them.
class Domain {
 public:
  Domain(uint32_t routers, const std::vector<DuplexLink>& links) : routers_(routers) {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "t"});
    for (uint32_t r = 0; r < routers; ++r) add(RouterDefined{VertexId(r), "r" + std::to_string(r)});
    for (uint32_t s = 0; s < 2; ++s) {
      add(SiteDefined{SiteId(s), VertexId(routers + s),
                      SiteSpec{.name = "s" + std::to_string(s), .sid = "fd00::" + std::to_string(s + 1)}});
      add(NodesReported{SiteId(s), NodeId(s), {{"n", 1'000'000, 1'000'000, 0, "", 1000}}});
      add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
      link({s, routers + s, 1'000'000 * kMbps, 0});
    }
    for (const DuplexLink& l : links) link(l);
  }

  // Of `streams` streams of 10 Mbit/s up and 1 down over these duplex links, given with the access links left
  // out.
  IntentId commit(int32_t streams, const std::vector<uint32_t>& duplex, int64_t latency_us_max = 0,
                  std::vector<LinkId> protection = {}) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "i" + std::to_string(id.value), .from = {{SiteId(0u), streams}}};
    spec.workload.cpu_milli = 1000;
    spec.workload.memory_mib = 1000;
    spec.workload.streams_per_instance = streams;
    spec.traffic = {.up_bps = 10 * kMbps, .down_bps = kMbps};
    spec.promise.latency_us_max = latency_us_max;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
    plan.placements.push_back(
        {.site = SiteId(1u), .node = NodeId(1u), .cpu_milli = 1000, .memory_mib = 1000, .streams = streams});
    const auto service = service_time(graph, SiteId(1u), spec, streams);
    Flow flow{.ingress = SiteId(0u),
              .placement = 0,
              .streams = streams,
              .up_bps = streams * 10 * kMbps,
              .down_bps = streams * kMbps,
              .path = path(duplex)};
    flow.protection = std::move(protection);
    flow.path_per_hour = path_per_hour(graph, flow.path, flow.up_bps, flow.down_bps);
    flow.latency_us_path = path_round_trip_us(graph, flow.path);
    flow.latency_us_serialisation = path_serialisation_us(graph, flow.path, spec.traffic);
    flow.latency_us_work = service->work_us;
    flow.latency_us_queueing = service->queueing_us;
    flow.latency_us_predicted = flow.latency_us_path + flow.latency_us_serialisation + flow.latency_us_work +
                                flow.latency_us_queueing;
    plan.flows.push_back(flow);
    const PlanTotals totals = plan_totals(graph, spec, plan);
    plan.billed_per_hour = totals.billed_per_hour;
    plan.power_mw = totals.power_mw;
    plan.carbon_mg_per_hour = totals.carbon_mg_per_hour;
    plan.availability_ppm = totals.availability_ppm;
    const Verdict verdict = verify(graph, plan);
    if (!verdict.granted) throw std::runtime_error(verdict.why);
    add(PlanCommitted{plan});
    return id;
  }

  // From the cameras over these links to the machines.
  std::vector<LinkId> path(const std::vector<uint32_t>& duplex) const {
    std::vector<LinkId> out = {LinkId(1u)};
    VertexId at(0u);
    for (const uint32_t d : duplex) {
      const LinkId forward(2 * (d + 2));
      out.push_back(graph.link(forward).from == at ? forward : opposite(forward));
      at = graph.link(out.back()).to;
    }
    out.push_back(LinkId(2u));
    return out;
  }

  void add(EventBody body) {
    const Applied applied = graph.apply(Event{1, "t", std::move(body)});
    if (!applied.effect) throw std::runtime_error(applied.why_not);
  }

  Graph graph;

 private:
  void link(const DuplexLink& l) {
    const auto number = static_cast<uint32_t>(graph.link_count() / 2);
    add(LinkDefined{LinkId(2 * number), LinkSpec{.name = "l" + std::to_string(number),
                                                 .a = VertexId(l.a),
                                                 .b = VertexId(l.b),
                                                 .bandwidth_bps = l.bandwidth_bps,
                                                 .latency_us = l.latency_us,
                                                 .per_gbps_hour = l.ask,
                                                 .steerable = l.steerable,
                                                 .sid_a = "fd00:a::" + std::to_string(2 * number + 1),
                                                 .sid_b = "fd00:a::" + std::to_string(2 * number + 2)}});
  }
  uint32_t routers_;
};

// Two ways from router 0 to router 1: the direct link and one by router 2.
std::vector<DuplexLink> triangle(int64_t latency_us = 1'000, Nanocredits ask = 0, bool steerable = true) {
  return {{0, 1, 100 * kMbps, 1'000, 0},
          {0, 2, 100 * kMbps, latency_us, ask, steerable},
          {2, 1, 100 * kMbps, latency_us, ask, steerable}};
}

TEST(Rebalance, LeadsAFlowAroundALinkThatIsNearlyFull) {
  Domain domain(3, triangle());
  domain.commit(3, {0});
  const IntentId large = domain.commit(5, {0});
  const Rebalanced result = rebalance(domain.graph, {});
  EXPECT_EQ(result.before_ppm, 800'000);
  EXPECT_EQ(result.after_ppm, 500'000);
  ASSERT_EQ(result.moves.size(), 1u);
  EXPECT_EQ(result.moves[0].intent, large) << "what takes most moves first";
  EXPECT_EQ(result.moves[0].path, domain.path({1, 2}));
  const auto plan = rerouted(domain.graph, result.moves);
  ASSERT_TRUE(plan) << plan.error().text();
  domain.add(PlanCommitted{*plan});
  EXPECT_EQ(domain.graph.load(LinkId(4u)).free_bps, 20 * kMbps) << "the retiring plan still holds its path";
  EXPECT_TRUE(rebalance(domain.graph, {}).moves.empty()) << "nobody moves while both are held";
  EXPECT_FALSE(rerouted(domain.graph, result.moves)) << "that plan is not active any more";
}

TEST(Rebalance, LeavesWhatIsCalmEnough) {
  Domain domain(3, triangle());
  domain.commit(3, {0});
  domain.commit(3, {0});
  EXPECT_EQ(rebalance(domain.graph, {.utilisation_ppm_min = 600'001}).moves.size(), 0u);
  EXPECT_EQ(rebalance(domain.graph, {.utilisation_ppm_min = 600'000}).moves.size(), 1u);
  EXPECT_EQ(rebalance(domain.graph, {.utilisation_ppm_min = 0, .gain_ppm_min = 300'001}).moves.size(), 0u);
  EXPECT_EQ(rebalance(domain.graph, {.utilisation_ppm_min = 0, .moves_max = 0}).moves.size(), 0u);
  EXPECT_EQ(rebalance(domain.graph, {.utilisation_ppm_min = 0, .searches_max = 0}).moves.size(), 0u);
}

size_t moves(const std::vector<DuplexLink>& links, int64_t latency_us_max,
             const RebalanceOptions& options = {}, const std::vector<LinkId>& protection = {}) {
  Domain domain(3, links);
  domain.commit(4, {0}, latency_us_max, protection);
  domain.commit(4, {0}, latency_us_max, protection);
  return rebalance(domain.graph, options).moves.size();
}

TEST(Rebalance, KeepsWhatWasPromised) {
  EXPECT_EQ(moves(triangle(), 4'000), 1u);
  EXPECT_EQ(moves(triangle(), 3'999), 0u) << "the way around is too slow";
  EXPECT_EQ(moves(triangle(1'000, 1), 0), 0u) << "it is dearer";
  EXPECT_EQ(moves(triangle(1'000, 1), 0, {.extra_per_hour_max = kCredit}), 1u);
  EXPECT_EQ(moves(triangle(1'000, 0, false), 0), 0u) << "it cannot be steered";
  // Both sites are also joined to router 2.
  const std::vector<DuplexLink> twice = {
      {0, 1, 100 * kMbps, 1'000}, {3, 2, 100 * kMbps, 1'000}, {4, 2, 100 * kMbps, 1'000}};
  EXPECT_EQ(moves(twice, 0), 1u);
  EXPECT_EQ(moves(twice, 0, {}, {LinkId(6u), LinkId(9u)}), 0u) << "it is the protection";
}

RC_GTEST_PROP(Rebalance, ProposalsAreValidTogetherAndLowerTheMaximum, (uint64_t seed)) {
  TestDice dice(seed);
  const auto routers = static_cast<uint32_t>(dice.roll(3, 7));
  std::vector<DuplexLink> links;
  for (uint32_t r = 0; r < routers; ++r)
    links.push_back({r, (r + 1) % routers, 200 * kMbps, dice.roll(0, 2'000), dice.roll(0, 2)});
  for (int64_t extra = dice.roll(0, 5); extra > 0; --extra) {
    const auto a = static_cast<uint32_t>(dice.roll(0, routers - 1));
    links.push_back({a, (a + static_cast<uint32_t>(dice.roll(1, routers - 1))) % routers,
                     dice.roll(1, 3) * 100 * kMbps, dice.roll(0, 2'000), dice.roll(0, 2)});
  }
  Domain domain(routers, links);
  // All on the link from 0 to 1, with room for 20 streams.
  for (int64_t left = dice.roll(1, 20); left > 0;) {
    const int64_t streams = dice.roll(1, std::min<int64_t>(left, 6));
    domain.commit(static_cast<int32_t>(streams), {0}, dice.roll(0, 1) * 12'000);
    left -= streams;
  }
  const RebalanceOptions options{.utilisation_ppm_min = 100'000,
                                 .moves_max = static_cast<size_t>(dice.roll(1, 6)),
                                 .extra_per_hour_max = dice.roll(0, 1) * kCredit};
  const Rebalanced result = rebalance(domain.graph, options);
  RC_ASSERT(result.moves.size() <= options.moves_max);
  RC_ASSERT(result.after_ppm <= result.before_ppm);
  RC_ASSERT(result.moves == rebalance(domain.graph, options).moves);
  std::set<IntentId> moved;
  for (const Reroute& move : result.moves) {
    RC_ASSERT(moved.insert(move.intent).second);
    const auto plan = rerouted(domain.graph, std::span(&move, 1));
    RC_ASSERT(plan.has_value());
    RC_ASSERT(domain.graph.steerable(move.path));
    const Flow& old = domain.graph.intent(move.intent).active->plan.flows[move.flow];
    RC_ASSERT(move.path_per_hour <= old.path_per_hour + options.extra_per_hour_max);
    domain.graph.apply(Event{1, "t", PlanCommitted{*plan}});
  }
  // Once the plans that the moves replace are retired, utilisation is what was foretold.
  for (const IntentId id : moved) {
    const auto retiring = domain.graph.intent(id).retiring;
    for (const auto& old : retiring)
      domain.graph.apply(Event{1, "t", PlanRetired{.intent = id, .plan = old->position}});
  }
  int64_t after_ppm = 0;
  for (uint32_t e = 0; e < domain.graph.link_count(); ++e) {
    const int64_t bandwidth_bps = domain.graph.link(LinkId(e)).bandwidth_bps;
    after_ppm = std::max(after_ppm, utilisation_ppm({0, 1, bandwidth_bps, 1},
                                                    bandwidth_bps - domain.graph.load(LinkId(e)).free_bps));
  }
  RC_ASSERT(after_ppm == result.after_ppm);
}

}  // namespace
}  // namespace weir::traffic
