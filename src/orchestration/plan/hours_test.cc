#include "core/graph/hours.h"

#include <gtest/gtest.h>

#include <optional>

#include "core/graph/promise.h"
#include "core/units/dice.h"
#include "orchestration/plan/decide.h"

namespace weir {
namespace {

// A few sites with hours or without, and a wish of some instances, as a service of generation 1 and a job
// of 2.
struct World {
  Graph graph;
  IntentId intent{0u};
  void add(EventBody body) { ASSERT_TRUE(graph.apply({1, "t", std::move(body)}).effect); }
};

World some_world(uint64_t seed) {
  Dice dice(seed);
  World world;
  world.add(DomainCreated{.name = "d",
                          .carbon_price_per_kg = dice.roll(0, 3) * kCredit,
                          .scarcity_core_hour = dice.roll(0, 3) * kCredit,
                          .scarcity_accelerator_hour = dice.roll(0, 3) * kCredit});
  world.add(TenantDefined{TenantId(0u), "t"});
  const auto sites = static_cast<uint32_t>(dice.roll(2, 5));
  uint32_t node = 0;
  for (uint32_t s = 0; s < sites; ++s) {
    SiteSpec spec{.name = "s" + std::to_string(s), .availability_ppm = 1'000'000};
    spec.asks = {dice.roll(1, 10) * kCredit / 10, dice.roll(0, 10) * kCredit / 100,
                 dice.roll(1, 10) * kCredit / 7};
    spec.power = {5'000, 10'000, 1'200, dice.roll(100'000, 600'000)};
    if (dice.roll(0, 3) > 0) {
      for (int h = 0; h < 24; ++h)
        spec.hours.push_back(
            {static_cast<int32_t>(dice.roll(0, 30) * 97), static_cast<int32_t>(dice.roll(0, 20) * 101)});
    }
    world.add(SiteDefined{SiteId(s), VertexId(s), spec});
    std::vector<NodeSpec> nodes;
    for (int64_t n = dice.roll(1, 3); n > 0; --n) {
      nodes.push_back({"n", static_cast<int32_t>(dice.roll(0, 10) * 100), 4096,
                       static_cast<int16_t>(dice.roll(0, 2)), "gpu", 1000});
    }
    const auto count = static_cast<uint32_t>(nodes.size());
    world.add(NodesReported{SiteId(s), NodeId(node), std::move(nodes)});
    node += count;
    world.add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
  }
  IntentSpec spec{.name = "i"};
  spec.workload.cpu_milli = static_cast<int32_t>(dice.roll(1, 6) * 100);
  spec.workload.memory_mib = static_cast<int32_t>(dice.roll(1, 4) * 256);
  spec.workload.accelerators = static_cast<int16_t>(dice.roll(0, 2) / 2);
  if (spec.workload.accelerators > 0 && dice.roll(0, 1) == 0) spec.workload.accelerator_milli = 500;
  spec.schedule.instances = static_cast<int32_t>(dice.roll(1, 3));
  spec.prefer = {1000, static_cast<int32_t>(dice.roll(0, 1) * 1000)};
  if (dice.roll(0, 3) == 0) spec.budget_per_hour_max = dice.roll(1, 20) * kCredit / 5;
  world.add(IntentSubmitted{world.intent, TenantId(0u), 1, spec});
  return world;
}

// The least that so many instances cost, tried node by node; what each of them costs at its site is reckoned
// here from what the site says of itself.
class Everything {
 public:
  explicit Everything(const World& world)
      : graph_(world.graph), spec_(*world.graph.intent(world.intent).spec) {}
  std::optional<Nanocredits> best() {
    place(0, spec_.schedule.instances, 0, 0);
    return best_;
  }

 private:
  static int64_t up(__int128 amount, int64_t unit) {
    return static_cast<int64_t>((amount + unit - 1) / unit);
  }

  SitePrice price(SiteId id) const {
    const SiteSpec& site = graph_.site_spec(id);
    const HourRate rate = site.hours.empty() || spec_.workload.kind == WorkKind::kService
                              ? HourRate{}
                              : site.hours[static_cast<size_t>(graph_.hour())];
    const SiteShadow scarce = graph_.scarcity_at(id);
    const Workload& work = spec_.workload;
    SitePrice out;
    Nanocredits asked = 0;
    const auto add = [&](int64_t amount, int64_t unit, Nanocredits ask, Nanocredits scarcity, bool together) {
      const Nanocredits now = up(static_cast<__int128>(ask) * rate.asks_milli, 1000);
      out.billed += up(static_cast<__int128>(amount) * now, unit);
      asked += together ? up(static_cast<__int128>(amount) * (now + scarcity), unit)
                        : up(static_cast<__int128>(amount) * now, unit) +
                              up(static_cast<__int128>(amount) * scarcity, unit);
    };
    add(work.cpu_milli, 1000, site.asks.per_core_hour, scarce.per_core_hour, true);
    add(work.memory_mib, 1024, site.asks.per_gib_hour, scarce.per_gib_hour, true);
    if (work.accelerators > 0)
      add(device_milli(work), 1000, site.asks.per_accelerator_hour, scarce.per_accelerator_hour, false);
    const int64_t grid =
        up(static_cast<__int128>(site.power.grid_carbon_mg_per_kwh) * rate.grid_carbon_milli, 1000);
    const int64_t mw = up(
        static_cast<__int128>(up(static_cast<__int128>(work.cpu_milli) * site.power.peak_mw_per_core, 1000)) *
            site.power.pue_milli,
        1000);
    const int64_t carbon = up(static_cast<__int128>(up(static_cast<__int128>(mw) * grid, 1'000'000)) *
                                  graph_.prices().carbon_price_per_kg,
                              1'000'000);
    out.decision = up(static_cast<__int128>(asked) * spec_.prefer.cost_milli, 1000) +
                   up(static_cast<__int128>(carbon) * spec_.prefer.carbon_milli, 1000);
    return out;
  }

  void place(size_t n, int32_t left, Nanocredits sum, Nanocredits billed) {
    if (left == 0) {
      if (spec_.budget_per_hour_max > 0 && billed > spec_.budget_per_hour_max) return;
      if (!best_ || sum < *best_) best_ = sum;
      return;
    }
    if (n == graph_.node_count()) return;
    const NodeRow& node = graph_.node(NodeId(n));
    const Workload& work = spec_.workload;
    const SitePrice each = price(node.site);
    for (int32_t here = 0; here <= left; ++here) {
      if (here * work.cpu_milli > node.cpu_milli || here * work.memory_mib > node.memory_mib ||
          here * device_milli(work) > node.accelerators * 1000) {
        break;
      }
      place(n + 1, left - here, sum + here * each.decision, billed + here * each.billed);
    }
  }

  const Graph& graph_;
  const IntentSpec& spec_;
  std::optional<Nanocredits> best_;
};

// In every hour, and of a service in none; what is remembered of another hour or kind of work does not
// matter.
TEST(JointPlanner, EqualsExhaustiveSearchAtPricesOfTheHour) {
  int placed = 0, refused = 0, changed = 0;
  for (uint64_t seed = 0; seed < 600; ++seed) {
    World world = some_world(seed);
    JointPlanner planner;
    SiteId before;
    for (const int32_t hour : {-1, 0, 7, 13, 23}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " hour " + std::to_string(hour));
      if (hour == 0) {
        IntentSpec job = *world.graph.intent(world.intent).spec;
        job.workload.kind = WorkKind::kJob;
        world.add(IntentSubmitted{world.intent, TenantId(0u), 2, job});
      } else if (hour > 0) {
        world.add(HourBegan{hour});
      }
      const auto best = Everything(world).best();
      const Decision decision = planner.decide(world.graph, world.intent);
      const auto* plan = std::get_if<Plan>(&decision);
      if (!plan) {
        ASSERT_FALSE(best) << "refused, but a plan costs " << *best;
        ++refused;
        continue;
      }
      ASSERT_TRUE(best) << "a plan where there is none";
      // What fragmentation adds or spares is only known to the placement.
      if (world.graph.intent(world.intent).spec->workload.accelerators == 0) {
        ASSERT_EQ(plan->decision_price, *best);
      }
      const Verdict verdict = verify(world.graph, *plan);
      ASSERT_TRUE(verdict.granted) << verdict.why;
      changed += before.valid() && before != plan->placements[0].site;
      before = plan->placements[0].site;
      ++placed;
    }
  }
  EXPECT_GT(placed, 1'000);
  EXPECT_GT(refused, 100);
  EXPECT_GT(changed, 100) << "it is to matter which hour it is";
}

}  // namespace
}  // namespace weir
