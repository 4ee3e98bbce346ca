#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "bench/packing/bound.h"
#include "bench/packing/go_random.h"
#include "bench/packing/packing_bench.h"
#include "bench/packing/protocol.h"
#include "bench/packing/published_fgd.h"

namespace weir::bench {
namespace {

// The folder of the traces, or nothing: they are not part of the sources.
std::optional<std::string> data() {
  const char* root = std::getenv("WEIR_DATA");
  if (root == nullptr) return std::nullopt;
  const std::string folder = std::string(root) + "/gpu-openb";
  if (!std::filesystem::exists(folder + "/openb_node_list_gpu_node.csv")) return std::nullopt;
  return folder;
}

// The most that any schedule allocates: every task on every device of every node, or nowhere.
int64_t most(std::vector<AcceleratorNode> nodes, const std::vector<AcceleratorTask>& tasks) {
  const std::function<int64_t(size_t)> best = [&](size_t next) -> int64_t {
    if (next == tasks.size()) return 0;
    const AcceleratorTask& task = tasks[next];
    int64_t value = best(next + 1);
    for (AcceleratorNode& node : nodes) {
      if (!fits(node, task)) continue;
      for (AcceleratorMask devices = 1; devices < AcceleratorMask{1} << node.accelerators; ++devices) {
        if (__builtin_popcount(devices) != task.accelerators) continue;
        const AcceleratorNode left = without(node, task, devices);
        if (*std::min_element(left.free_milli.begin(), left.free_milli.end()) < 0) continue;
        const AcceleratorNode before = node;
        node = left;
        value = std::max(value, task.total_milli() + best(next + 1));
        node = before;
      }
    }
    return value;
  };
  return best(0);
}

}  // namespace

// By Go 1.19: rand.Seed(42); rand.Int(); rand.Shuffle(10, …); rand.Intn(8152).
TEST(GoRandom, DrawsWhatGoDraws) {
  GoRandom random(42);
  EXPECT_EQ(random.int63(), 3'440'579'354'231'278'675);
  std::vector<int> shuffled = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  for (int32_t i = 9; i > 0; --i)
    std::swap(shuffled[static_cast<size_t>(i)], shuffled[static_cast<size_t>(random.shuffle_draw(i + 1))]);
  EXPECT_EQ(shuffled, (std::vector<int>{6, 8, 3, 7, 4, 2, 9, 1, 5, 0}));
  EXPECT_EQ(random.intn(8152), 305);
}

TEST(PackingBound, NoScheduleOfTinyInstancesIsAboveIt) {
  GoRandom random(1);
  double slack = 0;
  for (int instance = 0; instance < 60; ++instance) {
    PackingTrace trace;
    trace.nodes = {empty_node(8'000, 4'096, 2, 0), empty_node(6'000, 8'192, 1, 1)};
    trace.capacity_milli = 3'000;
    PackingSequence sequence;
    std::vector<AcceleratorTask> tasks;
    for (uint32_t i = 0; i < 6; ++i) {
      const int16_t shares[] = {300, 550, 810, 1000};
      AcceleratorTask task{(1 + random.intn(5)) * 1'000, (1 + random.intn(3)) * 1'024, 1,
                           shares[random.intn(4)], static_cast<ModelSet>(random.intn(3))};
      if (random.intn(6) == 0) task.accelerators = 2, task.accelerator_milli = 1000;
      tasks.push_back(task);
      trace.tasks.push_back({task, {}});
      sequence.tasks.push_back(i);
    }
    const double optimum = static_cast<double>(most(trace.nodes, tasks)) / 30;
    const BoundInstance of = bound_instance(trace, sequence);
    const double bound = packing_bound_percent(of, 300);
    EXPECT_GE(bound, optimum) << instance;
    slack += bound - optimum;
    // Any prices bound it.
    BoundPrices prices;
    for (size_t p = 0; p < of.pools.size(); ++p) {
      prices.cpu_milli.push_back(random.intn(200'000));
      prices.memory_mib.push_back(random.intn(200'000));
    }
    for (size_t s = 0; s < of.shares.size(); ++s) prices.share.push_back(random.intn(1'500'000'000));
    EXPECT_GE(static_cast<double>(bound_of(of, prices)) / 30e6, optimum) << instance;
  }
  EXPECT_LT(slack / 60, 20) << "or the bound says little";
}

TEST(PackingBound, SharesThatLeaveRoomBoundBelowTheCapacity) {
  PackingTrace trace;
  for (int i = 0; i < 10; ++i) trace.nodes.push_back(empty_node(64'000, 65'536, 4, 0));
  trace.capacity_milli = 40'000;
  PackingSequence sequence;
  trace.tasks = {{{1'000, 0, 1, 810, 0}, {}}, {{1'000, 0, 1, 190, 0}, {}}};
  for (int i = 0; i < 60; ++i) sequence.tasks.push_back(0);
  EXPECT_NEAR(packing_bound_percent(bound_instance(trace, sequence)), 81, 0.1);
  for (int i = 0; i < 20; ++i) sequence.tasks.push_back(1);
  EXPECT_NEAR(packing_bound_percent(bound_instance(trace, sequence)), 81 + 19.0 / 2, 0.1);
}

// Digit for digit, seeds 42 and 43; needs WEIR_DATA.
TEST(PackingProtocol, BaselinesEqualThePublishedResults) {
  const auto folder = data();
  if (!folder) GTEST_SKIP() << "WEIR_DATA names no folder with gpu-openb";
  for (const std::string name : {"default", "gpuspec33", "multigpu50"}) {
    const auto trace = read_packing_trace(*folder, name);
    ASSERT_TRUE(trace) << trace.error().text();
    const std::pair<const char*, const char*> policies[] = {{"best-fit", "05-BestFit"}, {"", "06-FGD"}};
    for (const auto& [policy, published] : policies) {
      const auto percent = published_percent(*folder, name, published);
      ASSERT_EQ(percent.size(), 10u);
      for (int64_t seed = 42; seed <= 43; ++seed) {
        const auto made =
            *policy == '\0' ? make_published_fgd(*trace) : std::move(*make_packing_policy(policy));
        const auto outcome =
            run_packing(*trace, packing_sequence(*trace, seed), *made, PackingTie::kLowest, 0);
        EXPECT_NEAR(outcome.published_percent, percent[static_cast<size_t>(seed - 42)], 0.0051)
            << name << policy;
      }
    }
  }
}

TEST(PackingBench, WrongArgumentsAreNamed) {
  EXPECT_EQ(run_packing_bench({}), 2);
  EXPECT_EQ(run_packing_bench({"--data", "/nonexistent"}), 2);
  EXPECT_EQ(run_packing_bench({"--data", ".", "--seeds", "5..4"}), 2);
  EXPECT_EQ(run_packing_bench({"--data", ".", "--seeds", "5"}), 2);
  EXPECT_EQ(run_packing_bench({"--data", ".", "--policy", "tight"}), 2);
  EXPECT_EQ(run_packing_bench({"--data", ".", "--trace", "../x"}), 2);
  EXPECT_EQ(run_packing_bench({"--help"}), 0);
}

}  // namespace weir::bench
