#include "orchestration/placement/packing.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <functional>
#include <set>

#include "orchestration/placement/accelerator_for_test.h"
#include "orchestration/placement/packer.h"

namespace weir {
namespace {

std::unique_ptr<PackingPolicy> policy(std::string_view name, std::optional<TaskMix> mix = std::nullopt) {
  return std::move(*make_packing_policy(name, {.mix = std::move(mix)}));
}

int64_t loss(PackingPolicy& of, const AcceleratorNode& node, const AcceleratorTask& task,
             uint32_t kinds = 0) {
  return of.rate({node, kinds}, task).loss;
}

}  // namespace

TEST(Packing, NamesAreKnownOrNamed) {
  for (const std::string_view name : packing_policies()) EXPECT_EQ(policy(name)->name(), name);
  const auto unknown = make_packing_policy("tightest");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().what, "there is no packing policy \"tightest\"");
  EXPECT_NE(unknown.error().remedy.find("best-fit"), std::string::npos);
}

// Scores of the published simulator, worked out by hand.
TEST(Packing, BaselinesScoreAsPublished) {
  const AcceleratorNode half = without(empty_node(64'000, 0, 4, 0), {0, 0, 1, 600, 0}, 1);
  EXPECT_EQ(loss(*policy("best-fit"), half, {4'000, 0, 1, 400, 0}), -57);  // 1 − (60/128 + 3/8) / 2 = 0.578
  EXPECT_EQ(loss(*policy("dot-product"), half, {4'000, 0, 1, 400, 0}),
            -98);  // 1 − (64·4/128² + 3.4·0.4/64) / 2 = 0.981
  EXPECT_EQ(loss(*policy("gpu-packing"), half, {0, 0, 1, 400, 0}), -96);  // a shared one, 400 free
  EXPECT_EQ(loss(*policy("gpu-packing"), half, {0, 0, 1, 500, 0}), -49);  // a whole one of a node in use
  EXPECT_EQ(loss(*policy("gpu-packing"), half, {0, 0, 3, 1000, 0}), -47);
  EXPECT_EQ(loss(*policy("gpu-packing"), empty_node(1, 1, 4, 0), {0, 0, 1, 400, 0}), -29);
  const auto clustering = policy("gpu-clustering");
  EXPECT_EQ(loss(*clustering, half, {0, 0, 1, 400, 0}, 0b1), -89);    // 75 + 25 · 4600 / 8000
  EXPECT_EQ(loss(*clustering, half, {0, 0, 1, 400, 0}, 0b101), -64);  // 50 + 14
  EXPECT_EQ(loss(*clustering, half, {0, 0, 1, 400, 0}, 0b100), -14);
  EXPECT_EQ(loss(*clustering, half, {0, 0, 1, 400, 0}, 0), -39);
}

TEST(Packing, FgdScoresByTheSigmoidOfWhatFragmentationFalls) {
  TaskMix mix;
  mix.add({1'000, 0, 1, 1000, 0}, 1);
  const auto fgd = policy("fgd", mix);
  const AcceleratorNode half = without(empty_node(64'000, 0, 2, 0), {0, 0, 1, 500, 0}, 1);
  // The half taken is fragmented no more: 100 / (1 + e^−0.5) = 62.2. On the other device 600 is, newly.
  EXPECT_EQ(fgd->rate({half, 0}, {1'000, 0, 1, 500, 0}), (PackingOffer{-62, 0b01}));
  EXPECT_EQ(loss(*fgd, half, {1'000, 0, 1, 1000, 0}), -50);
  EXPECT_EQ(loss(*fgd, without(half, {0, 0, 1, 500, 0}, 1), {1'000, 0, 1, 400, 0}),
            -35);  // 100 / (1 + e^0.6) = 35.4
}

// A share goes beside the one that it fills up with; a task that needs little CPU goes where little is left.
TEST(Packing, WeirLosesLeast) {
  TaskMix mix;
  mix.add({4'000, 0, 1, 700, 0}, 1);
  mix.add({4'000, 0, 1, 300, 0}, 1);
  mix.add({12'000, 0, 1, 1000, 0}, 1);
  const auto weir = policy("weir", mix);
  AcceleratorNode node = empty_node(64'000, 0, 3, 0);
  node.free_milli = {1000, 500, 300};
  EXPECT_EQ(weir->rate({node, 0}, {1'000, 0, 1, 300, 0}).devices, 0b100u);
  AcceleratorNode poor = empty_node(5'000, 0, 1, 0);
  poor.free_milli = {300};
  AcceleratorNode rich = poor;
  rich.cpu_milli = 32'000;
  EXPECT_LT(loss(*weir, rich, {24'000, 0, 0, 0, 0}), loss(*weir, poor, {4'500, 0, 0, 0, 0}))
      << "CPU is not taken from an accelerator that needs it";
}

TEST(Packing, WeirLearnsAndForgets) {
  const auto weir = policy("weir");
  EXPECT_FALSE(weir->refuses({1000, 0, 1, 1000, 0}, {}));
  int64_t learnt = 0;
  for (int i = 1; i <= 8'192 + 4'096; ++i) {
    if (weir->arrived({1'000, 0, 1, 500, 0})) ++learnt;
    EXPECT_EQ(learnt, i < 64       ? 0
                      : i < 8'192  ? std::bit_width(static_cast<unsigned>(i)) - 6
                      : i < 12'288 ? 8
                                   : 9)
        << i;
  }
  // The half of a device that is left is worth as much as the half that goes.
  const AcceleratorNode node = empty_node(64'000, 0, 1, 0);
  const AcceleratorNode third = without(node, {0, 0, 1, 400, 0}, 1);
  EXPECT_GT(loss(*weir, node, {1'000, 0, 1, 600, 0}), loss(*weir, third, {1'000, 0, 1, 600, 0}));
}

TEST(Packing, RefusesOnlyWhatCostsMoreThanItBrings) {
  TaskMix mix;
  mix.add({1'000, 0, 1, 1000, 0}, 1);
  const auto strict = std::move(*make_packing_policy("weir", {.mix = mix, .refuse_above_milli = 300}));
  NodePacker packer({empty_node(64'000, 0, 1, 0)}, *strict);
  const auto refused = packer.place({1'000, 0, 1, 600, 0});
  ASSERT_TRUE(refused);
  EXPECT_TRUE(refused->refused) << "400 would be left that nothing needs";
  EXPECT_EQ(free_milli(packer.node(0)), 1000);
  const auto placed = packer.place({1'000, 0, 1, 800, 0});
  ASSERT_TRUE(placed);
  EXPECT_FALSE(placed->refused);
  EXPECT_EQ(packer.place({1'000, 0, 1, 800, 0}), std::nullopt) << "no room is no refusal";
}

// Every policy, against rating each node anew: the same node, devices with room, the same after tasks have
// ended.
RC_GTEST_PROP(NodePacker, ChoosesWhatRatingEachNodeWould, ()) {
  const std::string_view name = packing_policies()[*rc::gen::inRange<size_t>(1, packing_policies().size())];
  TaskMix mix;
  for (int i = 0; i < 4; ++i) mix.add(*any_task(), *rc::gen::inRange(1, 9));
  const auto made = policy(name, mix), other = policy(name, mix);
  std::vector<AcceleratorNode> nodes;
  const int count = *rc::gen::inRange(1, 6);
  for (int i = 0; i < count; ++i) nodes.push_back(empty_node(*rc::gen::inRange(1, 3) * 8'000, 16'384, 2, 0));
  NodePacker packer(nodes, *made);
  struct Running {
    AcceleratorTask task;
    uint32_t node;
    AcceleratorMask devices;
  };
  std::vector<Running> running;
  const auto kinds = [&](uint32_t node) {
    uint32_t bits = 0;
    for (const Running& run : running) bits |= run.node == node ? kind_of(run.task) : 0;
    return bits;
  };
  for (int step = 0; step < 20; ++step) {
    if (!running.empty() && *rc::gen::inRange(0, 4) == 0) {
      const auto at =
          running.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(running.size()));
      const Running ended = *at;
      running.erase(at);
      packer.release(ended.task, ended.node, ended.devices, kinds(ended.node));
      nodes[ended.node] = with_again(nodes[ended.node], ended.task, ended.devices);
      continue;
    }
    const AcceleratorTask task = *any_task();
    std::optional<uint32_t> best;
    int64_t least = 0;
    for (uint32_t n = 0; n < nodes.size(); ++n) {
      if (!fits(nodes[n], task)) continue;
      const AcceleratorNode seen = other->sees_device_order() ? nodes[n] : canonical(nodes[n]);
      const int64_t one = other->rate({seen, kinds(n)}, task).loss;
      if (!best || one < least) best = n, least = one;
    }
    const auto choice = packer.place(task);
    RC_ASSERT(choice.has_value() == best.has_value());
    if (!choice) continue;
    RC_ASSERT(choice->node == *best);
    RC_ASSERT(choice->loss == least);
    RC_ASSERT(std::popcount(choice->devices) == task.accelerators);
    for (size_t d = 0; d < kAcceleratorsPerNodeMax; ++d) {
      if ((choice->devices >> d & 1) != 0)
        RC_ASSERT(nodes[choice->node].free_milli[d] >= task.accelerator_milli);
    }
    nodes[choice->node] = without(nodes[choice->node], task, choice->devices);
    RC_ASSERT(packer.node(choice->node) == nodes[choice->node]);
    running.push_back({task, choice->node, choice->devices});
  }
}

TEST(NodePacker, RandomTiesReachEveryNodeAndDevice) {
  const auto random = policy("random");
  std::set<std::pair<uint32_t, AcceleratorMask>> reached;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    NodePacker packer({empty_node(1'000, 0, 3, 0), empty_node(1'000, 0, 3, 0)}, *random, PackingTie::kRandom,
                      seed);
    const auto choice = packer.place({0, 0, 1, 10, 0});
    ASSERT_TRUE(choice);
    reached.emplace(choice->node, choice->devices);
  }
  EXPECT_EQ(reached.size(), 6u);
}

// On tiny instances, the most that any order of placement could allocate: exhaustive.
TEST(NodePacker, WeirIsNearTheOptimumOfTinyInstances) {
  uint64_t state = 1;
  const auto roll = [&state](uint64_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<int32_t>((state >> 33) % below);
  };
  int64_t got = 0, fitted = 0, most = 0;
  for (int instance = 0; instance < 150; ++instance) {
    std::vector<AcceleratorNode> nodes = {empty_node(8'000, 0, 2, 0), empty_node(6'000, 0, 1, 0)};
    std::vector<AcceleratorTask> tasks;
    for (int i = 0; i < 6; ++i) {
      const int16_t shares[] = {300, 500, 700, 1000};
      tasks.push_back({(1 + roll(4)) * 1'000, 0, 1, shares[roll(4)], 0});
    }
    const std::function<int64_t(size_t)> best = [&](size_t next) -> int64_t {
      if (next == tasks.size()) return 0;
      int64_t value = best(next + 1);
      for (AcceleratorNode& node : nodes) {
        for (size_t d = 0; d < node.accelerators; ++d) {
          const AcceleratorNode before = node;
          if (node.cpu_milli < tasks[next].cpu_milli || node.free_milli[d] < tasks[next].accelerator_milli)
            continue;
          node = without(node, tasks[next], AcceleratorMask{1} << d);
          value = std::max(value, tasks[next].total_milli() + best(next + 1));
          node = before;
        }
      }
      return value;
    };
    const int64_t optimum = best(0);
    TaskMix mix;
    for (const AcceleratorTask& task : tasks) mix.add(task);
    const auto allocate = [&](std::string_view name) {
      const auto made = policy(name, mix);
      NodePacker packer(nodes, *made);
      int64_t sum = 0;
      for (const AcceleratorTask& task : tasks) sum += packer.place(task) ? task.total_milli() : 0;
      EXPECT_LE(sum, optimum);
      return sum;
    };
    got += allocate("weir");
    fitted += allocate("best-fit");
    most += optimum;
  }
  EXPECT_GE(got * 100, most * 85) << got << " of " << most;
  EXPECT_GE(got, fitted);
}

}  // namespace weir
