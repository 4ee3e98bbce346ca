#include "orchestration/plan/exchange.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "core/graph/promise.h"
#include "orchestration/placement/site_offer.h"
#include "orchestration/plan/decide_for_test.h"

namespace weir {
namespace {

// Jobs whose instances exchange what is reserved between them: west and east have two cores each and are joined by r0 - r1 (short)
// and r0 - r2 - r1; alone, dear, has four.
class ExchangeTest : public DecideTest {
 protected:
  void SetUp() override {
    domain();
    site(0, "west", 1, 2000);
    site(1, "east", 1, 2000);
    site(2, "alone", 10, 4000);
    link(0, 3, 0, 1);
    link(1, 4, 1, 1);
    link(2, 0, 1, 10);
    link(3, 0, 2, 10);
    link(4, 2, 1, 10);
    link(5, 5, 2, 1);
    spec.name = "train";
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = 1000;
    spec.workload.memory_mib = 256;
    spec.schedule.instances = 4;
    spec.traffic.between_bps = 10 * kMbps;
  }
  Plan placed(uint32_t generation = 1) {
    submit(generation);
    return DecideTest::placed();
  }
  Reason refused(uint32_t generation = 1) {
    submit(generation);
    return DecideTest::refused();
  }
  // All run but one of those at the site, which failed.
  void lose_one(const Plan& plan, SiteId at) {
    EXPECT_TRUE(add(PlanCommitted{plan}).effect);
    const CommittedPlan held = *graph.intent(IntentId(0u)).active;
    bool lost = false;
    for (size_t k = 0; k < plan.placements.size(); ++k) {
      const bool fails = !lost && plan.placements[k].site == at;
      lost |= fails;
      EXPECT_TRUE(add(RunStateChanged{held.run(k), IntentId(0u), fails ? RunState::kFailed : RunState::kRunning, 1, ""}).effect);
    }
  }
  static std::map<uint32_t, int> counts(const Plan& plan) {
    std::map<uint32_t, int> out;
    for (const Placement& p : plan.placements) ++out[p.site.value];
    return out;
  }
};

using Counts = std::map<uint32_t, int>;

TEST_F(ExchangeTest, TwoSitesAreJoinedByAPathWithRoomForWhatTheirInstancesExchange) {
  const Plan plan = placed();
  EXPECT_EQ(counts(plan), (Counts{{0, 2}, {1, 2}}));
  ASSERT_EQ(plan.flows.size(), 2u) << "to each instance of the other site";
  for (const Flow& flow : plan.flows) {
    EXPECT_EQ(flow.ingress, SiteId(0u));
    EXPECT_EQ(plan.placements[flow.placement].site, SiteId(1u));
    EXPECT_EQ(flow.streams, 0);
    EXPECT_EQ(flow.up_bps, 10 * kMbps) << "two exchange with two";
    EXPECT_EQ(flow.down_bps, 10 * kMbps);
    EXPECT_EQ(flow.path, (std::vector{LinkId(0u), LinkId(4u), LinkId(3u)}));
    EXPECT_EQ(flow.protection, std::vector<LinkId>{}) << "each site has one link";
    EXPECT_EQ(flow.latency_us_predicted, 24'000);
  }
  EXPECT_EQ(plan.billed_per_hour, 4 * kCredit + 2 * 2 * 3 * kCredit / 100);
  ASSERT_TRUE(add(PlanCommitted{plan}).effect);
  EXPECT_EQ(graph.load(LinkId(4u)).free_bps, 80 * kMbps);
  EXPECT_EQ(graph.load(LinkId(5u)).free_bps, 80 * kMbps);
}

TEST_F(ExchangeTest, TheLastBitOfRoomIsEnoughAndOneMoreIsNot) {
  spec.traffic.between_bps = 50 * kMbps;
  EXPECT_EQ(counts(placed()), (Counts{{0, 2}, {1, 2}})) << "100 Mbit/s";
  spec.traffic.between_bps = 50 * kMbps + 1;
  EXPECT_EQ(counts(placed(2)), (Counts{{2, 4}})) << "dear, and together";
}

TEST_F(ExchangeTest, OneGoesWhereOnlyOneCanExchange) {
  spec.schedule.instances = 3;
  spec.traffic.between_bps = 90 * kMbps;
  EXPECT_EQ(counts(placed()), (Counts{{0, 2}, {1, 1}})) << "one exchanges with two no more than it can itself";
}

TEST_F(ExchangeTest, WhereNoSitesAreJoinedWellEnoughTheReasonNamesBoth) {
  spec.schedule.instances = 6;
  spec.traffic.between_bps = 60 * kMbps;
  const Reason reason = refused();
  EXPECT_EQ(reason.code, ReasonCode::kBandwidth);
  EXPECT_TRUE(reason.site.valid());
  EXPECT_TRUE(reason.ingress.valid());
  EXPECT_GT(reason.needed, reason.available);
  EXPECT_EQ(reason.available, 60 * kMbps);
}

TEST_F(ExchangeTest, ABudgetCountsThePaths) {
  spec.budget_per_hour_max = 4 * kCredit + 12 * kCredit / 100;
  EXPECT_EQ(counts(placed()), (Counts{{0, 2}, {1, 2}}));
  spec.budget_per_hour_max -= 1;
  const Reason reason = refused(2);
  EXPECT_EQ(reason.code, ReasonCode::kBudget);
  EXPECT_EQ(reason.needed, spec.budget_per_hour_max) << "the budget";
  EXPECT_EQ(reason.available, spec.budget_per_hour_max + 1) << "what the cheapest costs";
}

TEST_F(ExchangeTest, WhereAnInstanceDiesWhatTheOthersExchangeGoesOn) {
  const Plan first = placed();
  lose_one(first, SiteId(0u));
  const Plan next = DecideTest::placed();
  EXPECT_EQ(counts(next), counts(first));
  EXPECT_EQ(std::count_if(next.placements.begin(), next.placements.end(), [](const Placement& p) { return p.continues.valid(); }), 3);
  ASSERT_TRUE(add(PlanCommitted{next}).effect);
  EXPECT_GE(graph.load(LinkId(4u)).free_bps, 70 * kMbps) << "what goes on is not reserved twice";
}

TEST_F(ExchangeTest, ANewcomerNeedsRoomBesideThoseThatGoOn) {
  const std::vector direct{LinkId(0u), LinkId(4u), LinkId(3u)}, around{LinkId(0u), LinkId(6u), LinkId(8u), LinkId(3u)};
  lose_one(placed(), SiteId(1u));
  const int64_t held_mbps = 100 - graph.load(LinkId(4u)).free_bps / kMbps;
  ASSERT_GE(held_mbps, 10) << "what goes on holds its part";
  link(2, 0, 1, 10, held_mbps + 10);
  const Plan beside = DecideTest::placed();
  ASSERT_EQ(beside.flows.size(), 2u);
  for (const Flow& flow : beside.flows) EXPECT_EQ(flow.path, direct);
  link(2, 0, 1, 10, held_mbps + 9);
  const Plan led = DecideTest::placed();
  ASSERT_EQ(led.flows.size(), 2u);
  for (const Flow& flow : led.flows) EXPECT_EQ(flow.path, around) << "all, as the instances of two sites have one path";
}

TEST_F(ExchangeTest, InstancesGoOnWhereTheyAreToExchangeMoreOrLess) {
  const Plan first = placed();
  ASSERT_TRUE(add(PlanCommitted{first}).effect);
  for (size_t k = 0; k < first.placements.size(); ++k) {
    ASSERT_TRUE(add(RunStateChanged{graph.intent(IntentId(0u)).active->run(k), IntentId(0u), RunState::kRunning, 1, ""}).effect);
  }
  spec.traffic.between_bps = 40 * kMbps;  // beside the 20 that are held until the new flows are there
  const Plan more = placed(2);
  for (const Placement& p : more.placements) EXPECT_TRUE(p.continues.valid());
  ASSERT_EQ(more.flows.size(), 2u);
  for (const Flow& flow : more.flows) EXPECT_EQ(flow.up_bps, 40 * kMbps);
  spec.traffic.between_bps = 41 * kMbps;
  EXPECT_EQ(refused(3).code, ReasonCode::kBandwidth);
  spec.traffic.between_bps = 0;
  EXPECT_TRUE(placed(4).flows.empty());
}

// Of each two of many sites: the ways for what is cheapest without them, and no more searches than allowed for better.
TEST_F(ExchangeTest, SearchesAreBounded) {
  constexpr uint32_t kSites = 100;
  for (uint32_t s = 0; s < kSites; ++s) {
    SiteSpec small{.name = "s" + std::to_string(s), .sid = "fd77:5::"};
    small.asks.per_core_hour = kCredit / 10 + s;
    add(SiteDefined{SiteId(3 + s), VertexId(6 + s), small});
    add(NodesReported{SiteId(3 + s), NodeId(3 + s), {{"n", 1000, 4096, 0, "", 1000}}});
    add(SiteStateChanged{SiteId(3 + s), Liveness::kUp, ""});
    link(6 + s, 6 + s, s % 3, 1, 10'000);
  }
  for (uint32_t r = 2; r < 5; ++r) link(r, r == 4 ? 2 : 0, r == 2 ? 1 : r == 3 ? 2 : 1, 10, 100'000);
  spec.schedule.instances = kSites;
  const Plan plan = placed();
  EXPECT_EQ(counts(plan).size(), size_t{kSites});

  const IntentRow& row = graph.intent(IntentId(0u));
  Exchange exchange(graph, row, *row.spec, {}, {});
  Exchange::Counts all;
  for (uint32_t s = 0; s < kSites; ++s) all[SiteId(3 + s)] = 1;
  ASSERT_TRUE(std::holds_alternative<Exchange::Ways>(exchange.ways(all)));
  EXPECT_EQ(exchange.searches(), size_t{kSites * (kSites - 1) / 2});
}

TEST_F(ExchangeTest, FlowsThatDoNotFitWhatInstancesExchangeAreRefused) {
  const Plan good = placed();
  const auto refused = [&](const std::function<void(Plan&)>& spoil) {
    Plan plan = good;
    spoil(plan);
    const PlanTotals totals = plan_totals(graph, spec, plan);
    plan.billed_per_hour = totals.billed_per_hour;
    const Verdict verdict = verify(graph, plan);
    return !verdict.granted && !verdict.conflict;
  };
  EXPECT_TRUE(refused([](Plan& p) { p.flows.pop_back(); })) << "an instance without a path";
  EXPECT_TRUE(refused([](Plan& p) { p.flows.push_back(p.flows[0]); })) << "twice";
  EXPECT_TRUE(refused([](Plan& p) { p.flows[0].up_bps -= 1; })) << "less";
  EXPECT_TRUE(refused([](Plan& p) { p.flows[0].ingress = SiteId(2u); })) << "from where none is";
  EXPECT_TRUE(refused([](Plan& p) { p.flows[0].ingress = SiteId(1u); })) << "from where it ends";
  EXPECT_TRUE(refused([](Plan& p) { p.flows[0].streams = 1; }));
  spec.traffic.between_bps = 0;
  ASSERT_TRUE(add(IntentSubmitted{IntentId(0u), TenantId(0u), 2, spec}).effect);
  Plan none = good;
  none.generation = 2;
  EXPECT_FALSE(verify(graph, none).granted) << "nothing is exchanged";
}

// ---- against every way to place instances and to lead what they exchange ---------------------------------

struct Drawn {
  Graph graph;
  IntentSpec spec;
};

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  Drawn make() {
    Drawn out;
    const auto add = [&out](EventBody body) { (void)out.graph.apply({1, "t", std::move(body)}); };
    add(DomainCreated{.name = "d", .scarcity_core_hour = roll(0, 2) * kCredit, .scarcity_gbps_hour = roll(0, 2) * kCredit});
    add(TenantDefined{TenantId(0u), "city"});
    const auto routers = static_cast<uint32_t>(roll(2, 3)), sites = static_cast<uint32_t>(roll(2, 4));
    for (uint32_t r = 0; r < routers; ++r) add(RouterDefined{VertexId(r), "r" + std::to_string(r)});
    for (uint32_t s = 0; s < sites; ++s) {
      SiteSpec site{.name = "s" + std::to_string(s), .sid = "fd77:5::"};
      site.asks.per_core_hour = roll(1, 9) * kCredit / 4;
      add(SiteDefined{SiteId(s), VertexId(routers + s), site});
      add(NodesReported{SiteId(s), NodeId(s), {{"n", static_cast<int32_t>(roll(0, 3) * 1000), 4096, 0, "", 1000}}});
      add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    }
    uint32_t links = 0;
    const auto join = [&](uint32_t a, uint32_t b) {
      add(LinkDefined{LinkId(2 * links), {.name = "l" + std::to_string(links), .a = VertexId(a), .b = VertexId(b),
                                          .bandwidth_bps = roll(1, 4) * 10 * kMbps, .latency_us = roll(1, 9) * 1000,
                                          .per_gbps_hour = roll(1, 40) * kCredit, .sid_a = "fd77:a::", .sid_b = "fd77:b::"}});
      ++links;
    };
    for (uint32_t s = 0; s < sites; ++s) join(routers + s, static_cast<uint32_t>(roll(0, routers - 1)));
    for (uint32_t r = 1; r < routers; ++r) join(r - 1, r);
    if (routers == 3) join(0, 2);
    if (roll(0, 1) == 1) join(0, 1);
    out.spec.name = "train";
    out.spec.workload.kind = WorkKind::kJob;
    out.spec.workload.cpu_milli = 1000;
    out.spec.workload.memory_mib = 256;
    out.spec.schedule.instances = static_cast<int32_t>(roll(2, 4));
    out.spec.traffic.between_bps = roll(1, 3) * 10 * kMbps;
    if (roll(0, 3) == 0) out.spec.where.sites_min = 2;
    add(IntentSubmitted{IntentId(0u), TenantId(0u), 1, out.spec});
    return out;
  }

 private:
  int64_t roll(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }
  std::mt19937_64 random_;
};

// Every way to place the instances, and every set of simple paths between their sites that has room; the least price.
class Brute {
 public:
  explicit Brute(const Drawn& drawn) : graph_(drawn.graph), spec_(drawn.spec) {}
  std::optional<Nanocredits> least() {
    instances_.assign(graph_.site_count(), 0);
    place(0, spec_.schedule.instances, 0);
    return best_;
  }

 private:
  void place(size_t site, int32_t left, Nanocredits price) {
    if (site == graph_.site_count()) {
      const auto used = std::count_if(instances_.begin(), instances_.end(), [](int32_t n) { return n > 0; });
      if (left == 0 && used >= spec_.where.sites_min) lead(0, 1, price);
      return;
    }
    const Nanocredits each = site_price(graph_, SiteId(site), spec_.workload, spec_.prefer).decision;
    const int32_t room = graph_.free(NodeId(site)).cpu_milli / 1000;
    for (int32_t n = 0; n <= std::min(left, room); ++n) {
      instances_[site] = n;
      place(site + 1, left - n, price + n * each);
    }
    instances_[site] = 0;
  }
  void lead(size_t a, size_t b, Nanocredits price) {
    if (b == instances_.size()) return a + 2 < instances_.size() ? lead(a + 1, a + 2, price) : keep(price);
    const int32_t streams = std::min(instances_[a], instances_[b]);
    if (streams == 0) return lead(a, b + 1, price);
    StreamDemand demand = stream_demand(spec_);
    demand.up_bps = demand.down_bps = spec_.traffic.between_bps;
    std::vector<LinkId> path;
    walk(graph_.site(SiteId(a)).vertex, graph_.site(SiteId(b)).vertex, path, [&] {
      const int64_t bps = streams * spec_.traffic.between_bps;
      const auto taken = [&](int64_t more) {
        for (const LinkId id : path) used_[id.value / 2] += more;
      };
      taken(bps);
      const bool room = std::all_of(path.begin(), path.end(),
                                    [&](LinkId id) { return used_[id.value / 2] <= graph_.load(id).free_bps; });
      if (room) lead(a, b + 1, price + streams * priced(graph_, path, demand).price);
      taken(-bps);
    });
  }
  void walk(VertexId at, VertexId to, std::vector<LinkId>& path, const std::function<void()>& found) {
    if (at == to) return found();
    if (!path.empty() && graph_.site_at(at).valid()) return;
    for (const LinkId link : graph_.links_out(at)) {
      const VertexId next = graph_.link(link).to;
      const bool back = std::any_of(path.begin(), path.end(), [&](LinkId id) { return graph_.link(id).from == next; });
      if (back) continue;
      path.push_back(link);
      walk(next, to, path, found);
      path.pop_back();
    }
  }
  void keep(Nanocredits price) { best_ = std::min(best_.value_or(INT64_MAX), price); }

  const Graph& graph_;
  const IntentSpec& spec_;
  std::vector<int32_t> instances_;
  std::map<uint32_t, int64_t> used_;
  std::optional<Nanocredits> best_;
};

TEST(ExchangeAgainstEveryWay, IsNeverCheaperAndExactWhereItSaysSo) {
  int feasible = 0, found = 0, equal = 0, several = 0;
  double over = 0;
  for (uint64_t seed = 0; seed < 1'500; ++seed) {
    const Drawn drawn = Draw(seed).make();
    JointPlanner planner;
    const Decision decision = planner.decide(drawn.graph, IntentId(0u));
    const auto* plan = std::get_if<Plan>(&decision);
    const auto least = Brute(drawn).least();
    feasible += least ? 1 : 0;
    if (!plan) continue;
    ASSERT_TRUE(least) << "seed " << seed;
    const Verdict verdict = verify(drawn.graph, *plan);
    ASSERT_TRUE(verdict.granted) << "seed " << seed << ": " << verdict.why;
    ASSERT_GE(plan->decision_price, *least) << "seed " << seed;
    ASSERT_LE(plan->bound, *least) << "seed " << seed;
    const bool exact = plan->quality == Quality::kExact;
    ASSERT_TRUE(!exact || plan->decision_price == *least) << "seed " << seed;
    ++found;
    several += plan->flows.empty() ? 0 : 1;
    equal += plan->decision_price == *least ? 1 : 0;
    over += static_cast<double>(plan->decision_price - *least) / static_cast<double>(*least);
  }
  RecordProperty("feasible", feasible);
  RecordProperty("found", found);
  RecordProperty("equal", equal);
  EXPECT_GT(feasible, 500);
  EXPECT_GT(several, 200) << "most are at several sites";
  EXPECT_EQ(found, feasible) << "on instances as small as these nothing is missed";
  EXPECT_GE(equal * 100, found * 95) << equal << " of " << found << ", on average over by " << over / found;
}

}  // namespace
}  // namespace weir
