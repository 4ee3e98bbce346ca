#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "bench/traffic/report.h"
#include "bench/traffic/topology.h"
#include "bench/traffic/traffic_bench.h"
#include "bench/traffic/trial.h"
#include "infrastructure/solver/clp.h"
#include "orchestration/traffic/flow_bound.h"
#include "twin/trace/repetita.h"

namespace weir::bench {
namespace {

using traffic::Demand;
using traffic::Network;

const std::vector<std::string> kKinds = {"waxman", "isp", "rings"};

TEST(TrafficTopology, IsConnectedPairedAndTheSameForASeed) {
  for (const std::string& kind : kKinds) {
    for (const uint32_t vertices : {8u, 50u, 200u}) {
      const Network network = make_network(kind, vertices, 7);
      EXPECT_EQ(network, make_network(kind, vertices, 7));
      if (vertices > 8) {
        EXPECT_NE(network, make_network(kind, vertices, 8)) << kind;
      }
      EXPECT_TRUE(check(network, gravity_demands(network, 7))) << kind << " " << vertices;
      std::set<std::pair<uint32_t, uint32_t>> pairs;
      for (const traffic::Link& link : network.links)
        EXPECT_TRUE(pairs.emplace(link.from, link.to).second) << kind;
      for (const auto& [a, b] : pairs) EXPECT_TRUE(pairs.count({b, a}));
    }
  }
  // What seed 1 has given on every machine so far.
  const Network network = make_network("isp", 40, 1);
  int64_t sum = 0;
  for (size_t e = 0; e < network.links.size(); ++e)
    sum += static_cast<int64_t>(e + 1) *
           (network.links[e].from + 3 * network.links[e].to + network.links[e].weight);
  for (const Demand& demand : gravity_demands(network, 1)) sum += demand.bps % 1'000'003;
  EXPECT_EQ(sum, 836'522'983);
}

TEST(TrafficTopology, DemandsScale) {
  EXPECT_EQ(scaled({{0, 1, 100}, {1, 0, 1}}, 900'000, 1'800'000),
            (std::vector<Demand>{{0, 1, 50}, {1, 0, 1}}));
}

TEST(TrafficTrial, OnePathPutsEachDemandOnOne) {
  const Network network{4, {{0, 1, 9, 1}, {0, 2, 9, 1}, {1, 3, 9, 1}, {2, 3, 9, 1}}};
  const std::vector<int64_t> loads = single_path_loads(network, {{0, 3, 8}, {1, 3, 1}});
  EXPECT_EQ(loads[0] + loads[1], 8);
  EXPECT_TRUE(loads[0] == 0 || loads[1] == 0);
  EXPECT_EQ(loads[2] + loads[3], 9);
}

TEST(TrafficTrial, BoundsEncloseTheOptimumOfALinearProgrammeAndListsAreNearIt) {
  ClpSolver solver;
  for (const std::string& kind : kKinds) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const Network network = make_network(kind, 16, seed);
      std::vector<Demand> demands = gravity_demands(network, seed);
      demands = scaled(demands, 900'000, bound_flow(network, demands, {}).lower_ppm);
      const auto trial =
          run_traffic_trial(kind, network, demands, {.steps_max = 30'000'000, .exact = &solver});
      ASSERT_TRUE(trial) << trial.error().text();
      EXPECT_LE(trial->lower_ppm, *trial->exact_ppm + 1) << kind << " " << seed;
      EXPECT_GE(trial->upper_ppm, *trial->exact_ppm - 1) << kind << " " << seed;
      EXPECT_LE(trial->upper_ppm - trial->lower_ppm, trial->lower_ppm / 500) << kind << " " << seed;
      EXPECT_LE(trial->weighted.max_utilisation_ppm, trial->lower_ppm * 103 / 100) << kind << " " << seed;
      EXPECT_LE(trial->three.max_utilisation_ppm, trial->ecmp.max_utilisation_ppm);
      EXPECT_GE(trial->single_path.max_utilisation_ppm, trial->lower_ppm);
    }
  }
}

TEST(TrafficBench, ReportsInEachFormat) {
  TrafficTrial trial{
      .name = "isp", .vertices = 8, .links = 20, .demands = 56, .lower_ppm = 900'000, .upper_ppm = 900'900};
  trial.single_path.max_utilisation_ppm = 1'800'000;
  trial.ecmp.max_utilisation_ppm = 1'350'000;
  trial.two = trial.three = trial.weighted = {909'000, 0.25, 60};
  TrafficTrial other = trial;
  other.three.max_utilisation_ppm = 927'000;
  EXPECT_EQ(report({trial, other}, TrafficFormat::kMarkdown),
            "| network | nodes | links | 1 path | ECMP | 2 segments | 3 segments | weighted | bounds | s |\n"
            "|---|---|---|---|---|---|---|---|---|---|\n"
            "| isp | 8 | 20 | 2.00 | 1.50 | 1.010 1.010 | 1.020 1.030 | 1.010 1.010 | 1.0010 | 0.25 |\n");
  const std::string table = report({trial, other}, TrafficFormat::kTable);
  EXPECT_LE(table.find('\n'), 80u) << table;
  EXPECT_NE(
      report({trial}, TrafficFormat::kJson).find("\"three_segments\": {\"max_utilisation_ppm\": 909000"),
      std::string::npos);
}

TEST(TrafficBench, SaysWhatIsWrongWithItsArgumentsAndFiles) {
  EXPECT_EQ(run_traffic_bench({"--help"}), 0);
  EXPECT_EQ(run_traffic_bench({"--nodes", "7"}), 2);
  EXPECT_EQ(run_traffic_bench({"--kind", "star"}), 2);
  EXPECT_EQ(run_traffic_bench({"--graph", "a.graph"}), 2);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_traffic_bench({"--graph", "/nowhere/a.graph", "--demands", "/nowhere/a.demands"}), 1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "weir bench traffic: /nowhere/a.graph: cannot be read\n");
}

TEST(TrafficBench, WritesFilesThatItReads) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "weir-bench-traffic-test";
  std::filesystem::create_directories(folder);
  const std::string prefix = (folder / "a").string();
  EXPECT_EQ(run_traffic_bench({"--kind", "rings", "--nodes", "12", "--instances", "1", "--steps", "1000000",
                               "--write", prefix, "-o", "json"}),
            0);
  EXPECT_EQ(run_traffic_bench({"--graph", prefix + "-rings-1.graph", "--demands", prefix + "-rings-1.demands",
                               "--steps", "1000000", "--exact", "yes"}),
            0);
  std::ofstream(prefix + ".demands") << "DEMANDS\nlabel src dest bw\nd 0 99 1\n";
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_traffic_bench({"--graph", prefix + "-rings-1.graph", "--demands", prefix + ".demands"}), 1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "weir bench traffic: " + prefix + ".demands:3: src and dest are not from 0 to 11\n");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace weir::bench
