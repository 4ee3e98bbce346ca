#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/graph/graph.h"

namespace weir {

// A domain for tests, described step by step. Sites come before routers.
class TestWorld {
 public:
  explicit TestWorld(DomainCreated domain = {.name = "d"}) {
    add(std::move(domain));
    add(TenantDefined{TenantId(0u), "t"});
  }

  void add(EventBody body) {
    const Applied applied = graph_.apply({1, "t", std::move(body)});
    ASSERT_TRUE(applied.effect) << applied.why_not;
  }
  // Nodes of so many milli-cores each.
  SiteId site(const std::string& name, Nanocredits per_core_hour, const std::vector<int32_t>& cpu_milli,
              int32_t speed_milli = 1000, std::vector<std::string> residency = {}) {
    const SiteId id(graph_.site_count());
    SiteSpec spec{.name = name, .residency = std::move(residency), .sid = "fd77:5::"};
    spec.asks.per_core_hour = per_core_hour;
    add(SiteDefined{id, VertexId(graph_.vertex_count()), spec});
    std::vector<NodeSpec> nodes;
    for (const int32_t cpu : cpu_milli) nodes.push_back({"n", cpu, 65'536, 0, "", speed_milli});
    const NodeId first(graph_.node_count());
    if (!nodes.empty()) add(NodesReported{id, first, std::move(nodes)});
    add(SiteStateChanged{id, Liveness::kUp, ""});
    return id;
  }
  VertexId router(const std::string& name) {
    const VertexId id(graph_.vertex_count());
    add(RouterDefined{id, name});
    return id;
  }
  LinkId link(VertexId a, VertexId b, int64_t bandwidth_bps, int64_t latency_us,
              Nanocredits per_gbps_hour = 0, bool steerable = true) {
    const LinkId id(graph_.link_count());
    add(LinkDefined{id, LinkSpec{.name = "l" + std::to_string(id.value / 2),
                                 .a = a,
                                 .b = b,
                                 .bandwidth_bps = bandwidth_bps,
                                 .latency_us = latency_us,
                                 .per_gbps_hour = per_gbps_hour,
                                 .steerable = steerable,
                                 .sid_a = "fd77:a::",
                                 .sid_b = "fd77:b::"}});
    return id;
  }
  VertexId at(SiteId site) const { return graph_.site(site).vertex; }
  const Graph& graph() const { return graph_; }

 private:
  Graph graph_;
};

}  // namespace weir
