#include "core/loop/latencies.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

// Routers in a row, 10 ms one way each link, and a second link from the last back to the first.
Graph row(uint32_t routers) {
  Graph graph;
  graph.apply({1, "t", DomainCreated{.name = "d"}});
  for (uint32_t r = 0; r < routers; ++r) graph.apply({1, "t", RouterDefined{VertexId(r), "r" + std::to_string(r)}});
  for (uint32_t r = 0; r < routers; ++r) {
    graph.apply({1, "t", LinkDefined{LinkId(2 * r), LinkSpec{.name = "l" + std::to_string(r), .a = VertexId(r),
                                                             .b = VertexId((r + 1) % routers), .bandwidth_bps = 1'000'000,
                                                             .latency_us = 10'000}}});
  }
  return graph;
}

constexpr LinkId link(uint32_t n) { return LinkId(2 * n); }

void hold(Graph& graph, const std::vector<LinkLatency>& latencies) {
  for (const LinkLatency& slow : latencies) {
    for (const LinkId id : {slow.link, opposite(slow.link)}) {
      graph.apply({1, "t", LinkMeasured{id, slow.latency_us, graph.load(id).jitter_us, graph.load(id).loss_ppm}});
    }
  }
}

TEST(JudgeLatencies, APathAsKnownSaysNothing) {
  const Graph graph = row(4);
  EXPECT_TRUE(judge_latencies(graph, {}).empty());
  EXPECT_TRUE(judge_latencies(graph, {{{link(0), link(1)}, 40'000}}).empty());
  EXPECT_TRUE(judge_latencies(graph, {{{link(0), link(1)}, 51'000}}).empty()) << "a quarter and a millisecond";
  EXPECT_FALSE(judge_latencies(graph, {{{link(0), link(1)}, 51'001}}).empty());
  EXPECT_TRUE(judge_latencies(graph, {{{link(0), link(1)}, 10'000}}).empty()) << "quicker than described";
}

TEST(JudgeLatencies, TheLinkThatNoOtherPathAcquitsIsBlamed) {
  const Graph graph = row(4);
  // 0-1-2 takes 60 ms more; 0-1 alone is as known.
  const auto slow = judge_latencies(graph, {{{link(0), link(1)}, 100'000}, {{link(0)}, 20'000}});
  EXPECT_EQ(slow, (std::vector<LinkLatency>{{link(1), 40'000}}));
  // Without the second path, both are.
  EXPECT_EQ(judge_latencies(graph, {{{link(0), link(1)}, 100'000}}),
            (std::vector<LinkLatency>{{link(0), 25'000}, {link(1), 25'000}}));
  // All acquitted, and still slow: it has to lie somewhere.
  EXPECT_EQ(judge_latencies(graph, {{{link(0), link(1)}, 100'000}, {{link(0)}, 20'000}, {{link(1)}, 20'000}}).size(), 2u);
}

TEST(JudgeLatencies, WhatIsHeldSlowIsThenAsKnownAndComesBackWithoutOscillating) {
  Graph graph = row(4);
  hold(graph, judge_latencies(graph, {{{link(0), link(1)}, 100'000}}));
  EXPECT_TRUE(held_slow(graph, link(0)));
  EXPECT_TRUE(judge_latencies(graph, {{{link(0), link(1)}, 100'000}}).empty());
  // Another path shows that link 0 was not to blame.
  hold(graph, judge_latencies(graph, {{{link(0)}, 20'000}}));
  EXPECT_FALSE(held_slow(graph, link(0)));
  EXPECT_EQ(graph.load(link(0)).latency_us, 10'000);
  // Nor is link 1 any more.
  hold(graph, judge_latencies(graph, {{{opposite(link(1)), opposite(link(0))}, 40'000}}));
  EXPECT_FALSE(held_slow(graph, link(1)));
  EXPECT_EQ(graph.load(link(1)).latency_us, 10'000);
}

TEST(JudgeLatencies, JitterIsPartOfWhatIsKnown) {
  Graph graph = row(4);
  for (const LinkId id : {link(0), opposite(link(0))}) graph.apply({1, "t", LinkMeasured{id, 10'000, 8'000, 0}});
  EXPECT_TRUE(judge_latencies(graph, {{{link(0)}, 45'000}}).empty());
  EXPECT_FALSE(judge_latencies(graph, {{{link(0)}, 46'001}}).empty());
}

}  // namespace
}  // namespace weir
