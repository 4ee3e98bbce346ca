#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>

#include "orchestration/plan/decide.h"

namespace weir {

inline constexpr int64_t kMbps = 1'000'000;

// Near is dear and one router away; far is cheap and behind r1, which street reaches by r0 or by r2.
class DecideTest : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({1, "t", std::move(body)}); }

  // With the routers r0, r1 and r2.
  void domain() {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    for (uint32_t r = 0; r < 3; ++r) add(RouterDefined{VertexId(r), "r" + std::to_string(r)});
  }
  void SetUp() override {
    domain();
    site(0, "street", 30, 50);
    site(1, "near", 20, 2000);
    site(2, "far", 5, 2000);
    link(0, 3, 0, 1);   // street-r0
    link(1, 0, 4, 1);   // r0-near
    link(2, 0, 1, 10);  // r0-r1
    link(3, 1, 5, 1);   // r1-far
    link(4, 3, 2, 2);   // street-r2
    link(5, 2, 1, 20);  // r2-r1
    spec.name = "cameras";
    spec.from = {{SiteId(0u), 4}};
    spec.workload.cpu_milli = 300;
    spec.workload.memory_mib = 256;
    spec.workload.streams_per_instance = 2;
    spec.traffic = {2 * kMbps, 50'000, 2000, 10'000};
    spec.promise.latency_us_max = 500'000;
  }
  void site(uint32_t id, std::string name, int64_t ask, int32_t cpu) {
    SiteSpec s{.name = std::move(name), .residency = {"cn"}, .sid = "fd77:5::"};
    s.asks.per_core_hour = ask * kCredit;
    add(SiteDefined{SiteId(id), VertexId(3 + id), s});
    add(NodesReported{SiteId(id), NodeId(id), {{"n", cpu, 4096, 0, "", 1000}}});
    add(SiteStateChanged{SiteId(id), Liveness::kUp, ""});
  }
  void link(uint32_t id, uint32_t a, uint32_t b, int64_t ms, int64_t mbps = 100) {
    add(LinkDefined{LinkId(2 * id), {.name = "l" + std::to_string(id), .a = VertexId(a), .b = VertexId(b),
                                     .bandwidth_bps = mbps * kMbps, .latency_us = ms * 1000, .per_gbps_hour = kCredit,
                                     .sid_a = "fd77:a::", .sid_b = "fd77:b::"}});
  }
  IntentId submit(uint32_t generation = 1) {
    add(IntentSubmitted{IntentId(0u), TenantId(0u), generation, spec});
    return IntentId(0u);
  }
  Plan placed() {
    Decision decision = planner.decide(graph, IntentId(0u));
    if (auto* refusal = std::get_if<Refusal>(&decision)) {
      ADD_FAILURE() << "refused: " << static_cast<int>(refusal->reasons.at(0).code);
      return {};
    }
    Plan plan = std::get<Plan>(std::move(decision));
    const Verdict verdict = verify(graph, plan);
    EXPECT_TRUE(verdict.granted) << verdict.why;
    return plan;
  }
  Reason refused() {
    const Decision decision = planner.decide(graph, IntentId(0u));
    const auto* refusal = std::get_if<Refusal>(&decision);
    if (!refusal || refusal->reasons.empty()) return {};
    return refusal->reasons.front();
  }

  void fail_path() { add(LinkStateChanged{LinkId(4u), false, "cut"}); }

  Graph graph;
  IntentSpec spec;
  JointPlanner planner;
};

}  // namespace weir
