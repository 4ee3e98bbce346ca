#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "core/units/dice.h"
#include "orchestration/plan/decide.h"

// Decisions beside bandwidth that reservations keep, and by what they keep: by hand, and compared with a search that tries
// every site and every simple path at every instant.
namespace weir {
namespace {

constexpr int64_t kMbps = 1'000'000;
constexpr TimeUs kSecond = 1'000'000;
constexpr TimeUs kHour = 3'600 * kSecond;

// street --l0-- r0 --l1-- hub, and street --l2-- r1 --l3-- hub, which costs more. 100 Mbit/s each.
class KeptPaths : public ::testing::Test {
 protected:
  void add(EventBody body) { ASSERT_TRUE(graph.apply({now, "t", std::move(body)}).effect); }

  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    for (uint32_t s = 0; s < 2; ++s) {
      add(SiteDefined{SiteId(s), VertexId(s), {.name = s == 0 ? "street" : "hub", .sid = "fd77:5::"}});
      add(NodesReported{SiteId(s), NodeId(s), {{"n", s == 0 ? 10 : 8000, 65'536, 0, "", 1000}}});
      add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    }
    add(RouterDefined{VertexId(2u), "r0"});
    add(RouterDefined{VertexId(3u), "r1"});
    const uint32_t ends[4][2] = {{0, 2}, {2, 1}, {0, 3}, {3, 1}};
    for (uint32_t l = 0; l < 4; ++l) {
      add(LinkDefined{LinkId(2 * l),
                      {.name = "l" + std::to_string(l), .a = VertexId(ends[l][0]), .b = VertexId(ends[l][1]),
                       .bandwidth_bps = 100 * kMbps, .latency_us = 1000, .per_gbps_hour = (1 + l / 2) * kCredit,
                       .sid_a = "fd77:a::", .sid_b = "fd77:b::"}});
    }
  }
  void reserve(int64_t up_bps, TimeUs from, TimeUs to, std::vector<LinkId> path = {LinkId(0u), LinkId(2u)},
               const std::string& name = "night") {
    add(ReservationDefined{ReservationId(graph.reservation_count()), TenantId(0u),
                           {.name = name, .site = SiteId(1u), .from = from, .to = to, .ingress = SiteId(0u),
                            .up_bps = up_bps, .path = std::move(path)}});
  }
  IntentId submit(WorkKind kind, int32_t streams, int64_t up_bps, TimeUs longest = 0, const std::string& in = "") {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "i" + std::to_string(id.value), .from = {{SiteId(0u), streams}},
                    .schedule = {.reservation = in, .run_time_us_max = longest}};
    spec.workload.kind = kind;
    spec.workload.cpu_milli = 100;
    spec.workload.memory_mib = 10;
    spec.workload.streams_per_instance = 1;
    spec.traffic.up_bps = up_bps;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    return id;
  }
  // Of each stream; empty: it is refused.
  std::vector<std::vector<LinkId>> paths(IntentId id) {
    decision = planner.decide(graph, id);
    std::vector<std::vector<LinkId>> out;
    if (const auto* plan = std::get_if<Plan>(&decision)) {
      const Verdict verdict = verify(graph, *plan);
      EXPECT_TRUE(verdict.granted) << verdict.why;
      for (const Flow& flow : plan->flows) out.push_back(flow.path);
      std::ranges::sort(out);
    }
    return out;
  }

  using Paths = std::vector<std::vector<LinkId>>;
  const std::vector<LinkId> cheap = {LinkId(0u), LinkId(2u)}, dear = {LinkId(4u), LinkId(6u)};
  Graph graph;
  JointPlanner planner;
  Decision decision;
  TimeUs now = kHour;
};

TEST_F(KeptPaths, AJobOfAReservationRunsWhereItLeadsWhateverElseIsOffered) {
  reserve(50 * kMbps, 0, 10 * kHour);
  const IntentId job = submit(WorkKind::kJob, 1, 10 * kMbps, kHour, "night");
  const Decision among = planner.decide_among(graph, job, {SiteId(0u)});
  ASSERT_TRUE(std::holds_alternative<Plan>(among));
  EXPECT_EQ(std::get<Plan>(among).placements[0].site, SiteId(1u));
}

TEST_F(KeptPaths, OthersGoAroundWhatIsKeptOrAreRefused) {
  reserve(80 * kMbps, 2 * kHour, 3 * kHour);
  EXPECT_EQ(paths(submit(WorkKind::kService, 1, 20 * kMbps)), Paths{cheap});
  EXPECT_EQ(paths(submit(WorkKind::kService, 1, 20 * kMbps + 1)), Paths{dear});
  EXPECT_EQ(paths(submit(WorkKind::kJob, 1, 90 * kMbps, kHour - kRunBeginsUs)), Paths{cheap}) << "it is over before the window";
  EXPECT_EQ(paths(submit(WorkKind::kJob, 1, 90 * kMbps, kHour - kRunBeginsUs + 1)), Paths{dear});
  EXPECT_EQ(paths(submit(WorkKind::kService, 2, 60 * kMbps)), Paths{}) << "two streams find no two ways";
  reserve(90 * kMbps, 2 * kHour, 3 * kHour, dear, "other");
  EXPECT_EQ(paths(submit(WorkKind::kService, 1, 20 * kMbps + 1)), Paths{});
  const Reason reason = std::get<Refusal>(decision).reasons.at(0);
  EXPECT_EQ(reason.code, ReasonCode::kBandwidth);
  EXPECT_EQ(reason.site, SiteId(1u));
  EXPECT_EQ(reason.needed, 20 * kMbps + 1);
  EXPECT_EQ(reason.available, 20 * kMbps);
}

TEST_F(KeptPaths, AJobInTheReservationGoesWhereBandwidthIsKeptForIt) {
  reserve(50 * kMbps, 2 * kHour, 3 * kHour, dear);
  const IntentId in = submit(WorkKind::kJob, 1, 50 * kMbps, kHour / 2, "night");
  EXPECT_EQ(paths(in), Paths{cheap}) << "before the window nothing is its own";
  const Graph early = graph;
  for (graph = early.as_of(2 * kHour); graph.now() == 2 * kHour; graph = early.as_of(3 * kHour)) {
    EXPECT_EQ(paths(in), Paths{dear});
    now = graph.now();
    EXPECT_EQ(paths(submit(WorkKind::kJob, 1, 50 * kMbps + 1, kHour / 2, "night")), Paths{cheap}) << "more than is kept for it";
    EXPECT_EQ(paths(submit(WorkKind::kJob, 2, 30 * kMbps, kHour / 2, "night")), (Paths{dear, dear}))
        << "the second finds the rest beside what is kept";
    EXPECT_EQ(paths(submit(WorkKind::kJob, 3, 40 * kMbps, kHour / 2, "night")).size(), 3u) << "as far as they fit";
    EXPECT_EQ(paths(submit(WorkKind::kService, 1, 60 * kMbps)), Paths{cheap});
  }
  EXPECT_EQ(paths(in), Paths{cheap}) << "the window is over";
}

TEST_F(KeptPaths, WhatIsKeptIsUsedOnceAndGoesOnAfterTheWindow) {
  reserve(80 * kMbps, 2 * kHour, 3 * kHour);
  now = 2 * kHour;
  const IntentId in = submit(WorkKind::kJob, 1, 50 * kMbps, kHour / 2, "night");
  ASSERT_EQ(paths(in), Paths{cheap});
  add(PlanCommitted{std::get<Plan>(decision)});
  EXPECT_EQ(paths(submit(WorkKind::kService, 1, 20 * kMbps)), Paths{cheap});
  EXPECT_EQ(paths(submit(WorkKind::kService, 1, 21 * kMbps)), Paths{dear});
  EXPECT_EQ(paths(submit(WorkKind::kJob, 1, 30 * kMbps, kHour / 2, "night")), Paths{cheap}) << "the rest";
  now = 3 * kHour;
  EXPECT_EQ(paths(submit(WorkKind::kService, 1, 50 * kMbps)), Paths{cheap});
  EXPECT_EQ(paths(submit(WorkKind::kService, 1, 51 * kMbps)), Paths{dear}) << "its flow goes on";
}

TEST_F(KeptPaths, WhoWantsNothingOfADirectionIsNotKeptFromIt) {
  const IntentId before = submit(WorkKind::kJob, 1, 90 * kMbps, kHour / 2);
  ASSERT_EQ(paths(before), Paths{cheap});
  add(PlanCommitted{std::get<Plan>(decision)});
  add(ReservationDefined{ReservationId(0u), TenantId(0u),
                         {.name = "night", .site = SiteId(1u), .from = 2 * kHour, .to = 3 * kHour, .ingress = SiteId(0u),
                          .up_bps = 80 * kMbps, .path = cheap}});
  EXPECT_EQ(graph.room_bps(LinkId(0u)), -70 * kMbps) << "the job is over before the window";
  IntentSpec spec = *graph.intent(before).spec;
  spec.name = "down";
  spec.workload.kind = WorkKind::kService;
  spec.traffic = {.up_bps = 0, .down_bps = kMbps};
  add(IntentSubmitted{IntentId(1u), TenantId(0u), 1, spec});
  EXPECT_EQ(paths(IntentId(1u)), Paths{cheap});
}

TEST_F(KeptPaths, ABrokenFlowIsNotLedIntoWhatIsKept) {
  const IntentId service = submit(WorkKind::kService, 1, 50 * kMbps);
  ASSERT_EQ(paths(service), Paths{cheap});
  add(PlanCommitted{std::get<Plan>(decision)});
  reserve(60 * kMbps, 2 * kHour, 3 * kHour, dear);
  add(LinkStateChanged{LinkId(0u), false, "cut"});
  EXPECT_EQ(paths(service), Paths{});
  now = 3 * kHour;
  add(LinkMeasured{LinkId(4u), 1000, 1, 1});
  EXPECT_EQ(paths(service), Paths{dear});
}

// ---- everything, tried -----------------------------------------------------------------------------------

struct World {
  Graph graph;
  IntentId intent;
};

World random_world(uint64_t seed) {
  Dice dice(seed);
  World world;
  TimeUs now = 100 * kSecond;
  const auto add = [&](EventBody body) { ASSERT_TRUE(world.graph.apply({now, "t", std::move(body)}).effect); };
  add(DomainCreated{.name = "d", .scarcity_gbps_hour = dice.roll(0, 20) * kCredit});
  add(TenantDefined{TenantId(0u), "city"});
  const auto sites = static_cast<uint32_t>(dice.roll(2, 3)), routers = static_cast<uint32_t>(dice.roll(1, 3));
  for (uint32_t s = 0; s < sites; ++s) {
    SiteSpec spec{.name = "s" + std::to_string(s), .sid = "fd77:5::"};
    spec.asks.per_core_hour = dice.roll(1, 9) * kCredit;
    add(SiteDefined{SiteId(s), VertexId(s), spec});
    add(NodesReported{SiteId(s), NodeId(s), {{"n", s == 0 ? 0 : 4000, 65'536, 0, "", 1000}}});
    add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
  }
  for (uint32_t r = 0; r < routers; ++r) add(RouterDefined{VertexId(sites + r), "r" + std::to_string(r)});
  const auto links = static_cast<uint32_t>(dice.roll(2, 8));
  for (uint32_t l = 0; l < links; ++l) {
    const auto a = static_cast<uint32_t>(dice.roll(0, sites + routers - 1));
    const auto b = static_cast<uint32_t>((a + dice.roll(1, sites + routers - 1)) % (sites + routers));
    add(LinkDefined{LinkId(2 * l), {.name = "l" + std::to_string(l), .a = VertexId(a), .b = VertexId(b),
                                    .bandwidth_bps = dice.roll(2, 6) * kMbps, .latency_us = dice.roll(1, 9) * 1000,
                                    .per_gbps_hour = dice.roll(0, 100) * kCredit, .sid_a = "fd77:a::", .sid_b = "fd77:b::"}});
  }
  for (uint32_t r = 0, count = static_cast<uint32_t>(dice.roll(1, 5)); r < count; ++r) {
    const TimeUs from = dice.roll(80, 200) * kSecond;
    ReservationSpec spec{.name = dice.roll(0, 2) == 0 ? "own" : "r" + std::to_string(r),
                         .site = SiteId(static_cast<uint32_t>(dice.roll(1, sites - 1))), .from = from,
                         .to = from + dice.roll(10, 100) * kSecond, .ingress = SiteId(0u), .up_bps = dice.roll(1, 3) * kMbps,
                         .down_bps = dice.roll(0, 2) * kMbps};
    if (world.graph.find_reservation(TenantId(0u), spec.name).valid()) continue;
    spec.path = path_to_keep(world.graph, spec, now).path;
    if (spec.path.empty()) continue;
    add(ReservationDefined{ReservationId(world.graph.reservation_count()), TenantId(0u), spec});
  }
  now += dice.roll(0, 40) * kSecond;
  IntentSpec spec{.name = "i", .from = {{SiteId(0u), 1}}};
  spec.workload.kind = dice.roll(0, 3) == 0 ? WorkKind::kService : WorkKind::kJob;
  if (dice.roll(0, 3) > 0) spec.schedule.run_time_us_max = dice.roll(1, 80) * kSecond;
  if (dice.roll(0, 1) == 0) spec.schedule.reservation = "own";
  spec.workload.cpu_milli = 1000;
  spec.workload.memory_mib = 10;
  spec.workload.streams_per_instance = 1;
  spec.traffic.up_bps = dice.roll(1, 4) * kMbps;
  spec.traffic.down_bps = dice.roll(0, 2) * kMbps;
  add(IntentSubmitted{IntentId(0u), TenantId(0u), 1, spec});
  world.intent = IntentId(0u);
  return world;
}

// Judges by the reservations themselves, second by second.
class Referee {
 public:
  explicit Referee(const World& world) : graph_(world.graph), spec_(*world.graph.intent(world.intent).spec) {
    const TimeUs now = graph_.now();
    const bool job = spec_.workload.kind == WorkKind::kJob;
    until_ = job && spec_.schedule.run_time_us_max > 0 ? now + kRunBeginsUs + spec_.schedule.run_time_us_max : 1'000 * kSecond;
    for (size_t r = 0; job && r < graph_.reservation_count(); ++r) {
      const ReservationSpec& each = graph_.reservation(ReservationId(r)).spec;
      if (each.name == spec_.schedule.reservation && each.from <= now && now < each.to) own_ = &each;
    }
  }

  std::optional<Nanocredits> best() {
    if (own_ != nullptr) {
      std::vector<LinkId> path = own_->path;
      const bool holds = own_->up_bps >= spec_.traffic.up_bps && own_->down_bps >= spec_.traffic.down_bps;
      if (holds && std::ranges::all_of(path, [this](LinkId link) { return has_room(link); })) {
        return priced_at(own_->site, path);
      }
    }
    std::vector<LinkId> path;
    std::set<VertexId> seen = {VertexId(0u)};
    extend(VertexId(0u), path, seen);
    return best_;
  }

 private:
  Nanocredits priced_at(SiteId site, const std::vector<LinkId>& path) const {
    return site_price(graph_, site, spec_.workload, spec_.prefer).decision + priced(graph_, path, stream_demand(spec_)).price;
  }
  bool has_room(LinkId link) const { return free(link) >= spec_.traffic.up_bps && free(opposite(link)) >= spec_.traffic.down_bps; }
  int64_t free(LinkId link) const {
    int64_t most = 0;
    for (TimeUs at = graph_.now(); at < until_; at += kSecond) {
      int64_t sum = 0;
      for (size_t r = 0; r < graph_.reservation_count(); ++r) {
        const ReservationSpec& each = graph_.reservation(ReservationId(r)).spec;
        if (&each == own_ || at < each.from || at >= each.to) continue;
        for (const LinkId kept : each.path) sum += kept == link ? each.up_bps : opposite(kept) == link ? each.down_bps : 0;
      }
      most = std::max(most, sum);
    }
    return graph_.link(link).bandwidth_bps - most;
  }
  void extend(VertexId at, std::vector<LinkId>& path, std::set<VertexId>& seen) {
    if (const SiteId site = graph_.site_at(at); site.valid() && site != SiteId(0u)) {
      if (own_ != nullptr && own_->site != site) return;
      const Nanocredits price = priced_at(site, path);
      if (!best_ || price < *best_) best_ = price;
      return;
    }
    for (const LinkId link : graph_.links_out(at)) {
      const VertexId next = graph_.link(link).to;
      if (!has_room(link) || !seen.insert(next).second) continue;
      path.push_back(link);
      extend(next, path, seen);
      path.pop_back();
      seen.erase(next);
    }
  }

  const Graph& graph_;
  const IntentSpec& spec_;
  const ReservationSpec* own_ = nullptr;
  TimeUs until_ = 0;
  std::optional<Nanocredits> best_;
};

TEST(KeptPathsExhaustive, AreAsGoodAsAnyBesideAndInReservations) {
  int placed = 0, refused = 0, kept = 0;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    const World world = random_world(seed);
    if (HasFatalFailure()) return;
    const std::optional<Nanocredits> best = Referee(world).best();
    JointPlanner planner;
    const Decision decision = planner.decide(world.graph, world.intent);
    if (const auto* plan = std::get_if<Plan>(&decision)) {
      ASSERT_TRUE(best) << "seed " << seed;
      ASSERT_EQ(plan->decision_price, *best) << "seed " << seed;
      const Verdict verdict = verify(world.graph, *plan);
      ASSERT_TRUE(verdict.granted) << "seed " << seed << ": " << verdict.why;
      ++placed;
    } else {
      ASSERT_FALSE(best) << "seed " << seed;
      ++refused;
    }
    kept += world.graph.keeps_bandwidth();
  }
  EXPECT_GT(placed, 500);
  EXPECT_GT(refused, 300);
  EXPECT_GT(kept, 1000);
}

}  // namespace
}  // namespace weir
