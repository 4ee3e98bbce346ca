#include "twin/trace/repetita.h"

#include <gtest/gtest.h>

namespace weir::twin {
namespace {

constexpr const char* kGraph =
    "NODES 3\n"
    "label x y\n"
    "0_Chengdu 104.06 30.67\n"
    "1_Chongqing 106.55 29.56\n"
    "2_Xian 108.94 34.34\n"
    "\n"
    "EDGES 5\n"
    "label src dest weight bw delay\n"
    "edge_0 0 1 10 9953280 1302\n"
    "edge_1 1 0 10 9953280 1302\n"
    "edge_2 0 2 7 1e6 3000.6\n"
    "edge_3 2 0 7 0.0015 0\n"
    "edge_4 1 2 4294967296 1.5E+3 12\n";
constexpr const char* kDemands =
    "DEMANDS 3\n"
    "label src dest bw\n"
    "demand_0 0 1 30036\n"
    "demand_1 1 1 5\n"
    "demand_2 2 0 0.25\n";

std::string where(std::string_view text) {
  const auto graph = parse_repetita_graph(text, "a.graph");
  return graph ? "" : graph.error().where + ": " + graph.error().what;
}

std::string where_demands(std::string_view text) {
  const auto demands = parse_repetita_demands(text, "a.demands", 3);
  return demands ? "" : demands.error().where + ": " + demands.error().what;
}

std::string with(std::string text, std::string_view what, std::string_view by) {
  return text.replace(text.find(what), what.size(), by);
}

TEST(Repetita, ReadsAGraph) {
  const auto graph = parse_repetita_graph(kGraph, "a.graph");
  ASSERT_TRUE(graph) << graph.error().text();
  EXPECT_EQ(graph->network, (traffic::Network{3,
                                              {{0, 1, 9'953'280'000, 10},
                                               {1, 0, 9'953'280'000, 10},
                                               {0, 2, 1'000'000'000, 7},
                                               {2, 0, 2, 7},
                                               {1, 2, 1'500'000, 4'294'967'296}}}));
  EXPECT_EQ(graph->vertex_names, (std::vector<std::string>{"0_Chengdu", "1_Chongqing", "2_Xian"}));
  EXPECT_EQ(graph->link_names[4], "edge_4");
  EXPECT_EQ(graph->delays_us, (std::vector<int64_t>{1302, 1302, 3001, 0, 12}));
  EXPECT_TRUE(check(graph->network, {}));
}

TEST(Repetita, ReadsDemandsAndLeavesOutThoseToTheirOwnNode) {
  const auto demands = parse_repetita_demands(kDemands, "a.demands", 3);
  ASSERT_TRUE(demands) << demands.error().text();
  EXPECT_EQ(demands->demands, (std::vector<traffic::Demand>{{0, 1, 30'036'000}, {2, 0, 250}}));
  EXPECT_EQ(demands->names, (std::vector<std::string>{"demand_0", "demand_2"}));
  EXPECT_EQ(demands->loops, 1);
}

TEST(Repetita, TakesWhatFilesOfOthersHave) {
  std::string text;
  for (const char* c = kGraph; *c != 0; ++c) text += *c == '\n' ? std::string("\r\n") : std::string(1, *c);
  EXPECT_EQ(where(text), "") << "lines that end with CR LF";
  EXPECT_EQ(where(with(with(kGraph, "NODES 3", "NODES"), "EDGES 5", "EDGES")), "");
  EXPECT_EQ(where(with(kGraph, "edge_0 0 1", "edge_0\t 0  1")), "");
  EXPECT_EQ(where(with(kGraph, "2_Xian", "# more\n\n2_Xian")), "");
  EXPECT_EQ(where(with(kGraph, "edge_0 0 1 10 ", "edge_0 0 1 10.0 ")), "");
  EXPECT_EQ(where(with(kGraph, "edge_1 1 0", "edge_1 1 1")), "");
  EXPECT_EQ(parse_repetita_graph(with(kGraph, "edge_1 1 0", "edge_1 1 1"), "a")->loops, 1);
  EXPECT_EQ(where_demands("DEMANDS 0\nlabel src dest bw\n"), "");
}

TEST(Repetita, SaysFileAndLineOfWhatIsWrong) {
  EXPECT_EQ(where(""), "a.graph:1: expected \"NODES\" and a number");
  EXPECT_EQ(where("EDGES 1\n"), "a.graph:1: expected \"NODES\" and a number");
  EXPECT_EQ(where("NODES x\n"), "a.graph:1: the number behind NODES is not one");
  EXPECT_EQ(where("NODES 1\nlabel x\n"), "a.graph:2: expected \"label x y\"");
  EXPECT_EQ(where(with(kGraph, "2_Xian 108.94 34.34", "2_Xian")),
            "a.graph:5: a node has a label and two coordinates");
  EXPECT_EQ(where(with(kGraph, "NODES 3", "NODES 4")), "a.graph:7: NODES says 4 but 3 follow");
  EXPECT_EQ(where(with(kGraph, "EDGES 5", "EDGES 6")), "a.graph:14: EDGES says 6 but 5 follow");
  EXPECT_EQ(where("NODES 0\nlabel x y\n"), "a.graph:3: expected \"EDGES\" and a number");
  EXPECT_EQ(where(with(kGraph, "edge_0 0 1", "edge_0 0 3")), "a.graph:9: src and dest are not from 0 to 2");
  EXPECT_EQ(where(with(kGraph, "edge_0 0 1", "edge_0 -1 1")), "a.graph:9: src and dest are not from 0 to 2");
  EXPECT_EQ(where(with(kGraph, "edge_0 0 1 10", "edge_0 0 1 0")),
            "a.graph:9: the weight is not a whole number from 1 to 2^32");
  EXPECT_EQ(where(with(kGraph, "4294967296", "4294967297")),
            "a.graph:13: the weight is not a whole number from 1 to 2^32");
  EXPECT_EQ(where(with(kGraph, "10 9953280", "1.5 9953280")),
            "a.graph:9: the weight is not a whole number from 1 to 2^32");
  for (const char* bw : {"0", "0.0004", "-1", "nan", "1e", "1e99", "", ".", "1125899906842.625"})
    EXPECT_NE(where(with(kGraph, "9953280", bw)), "") << bw;
  for (const char* bw : {"0.0005", "1125899906842.624", "1125899906842624e-3", ".5", "5.",
                         "000000000000000000001", "0.00000000000000000000000000000000000000001e40"})
    EXPECT_EQ(where(with(kGraph, "9953280", bw)), "") << bw;
  EXPECT_EQ(where(with(kGraph, "9953280 1302", "9953280 x")),
            "a.graph:9: the delay is not from 0 to 2^40 us");
  EXPECT_EQ(where(with(kGraph, "edge_0 0 1 10 9953280 1302", std::string(5'000, 'x'))),
            "a.graph:9: longer than 4096 bytes");
  EXPECT_EQ(where_demands("NODES 3\n"), "a.demands:1: expected \"DEMANDS\" and a number");
  EXPECT_EQ(where_demands(with(kDemands, "2 0 0.25", "3 0 0.25")),
            "a.demands:5: src and dest are not from 0 to 2");
  EXPECT_EQ(where_demands(with(kDemands, "2 0 0.25", "2 0")),
            "a.demands:5: a demand has a label, src, dest and bw");
  EXPECT_EQ(where_demands(with(kDemands, "30036", "-4")),
            "a.demands:3: bw is not from 0 to 2^50 / 1000 kbit/s");
  EXPECT_FALSE(parse_repetita_demands("DEMANDS\nlabel src dest bw\nd 0 0 1\n", "a", 0)) << "no vertex at all";
}

TEST(Repetita, WritesWhatItReads) {
  const auto graph = parse_repetita_graph(kGraph, "a.graph");
  const auto again = parse_repetita_graph(repetita_graph(graph->network, graph->delays_us), "b.graph");
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->network, graph->network);
  EXPECT_EQ(again->delays_us, graph->delays_us);
  const auto demands = parse_repetita_demands(kDemands, "a.demands", 3);
  EXPECT_EQ(parse_repetita_demands(repetita_demands(demands->demands), "b.demands", 3)->demands,
            demands->demands);
}

}  // namespace
}  // namespace weir::twin
