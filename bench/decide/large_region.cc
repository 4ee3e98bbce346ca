#include "bench/decide/large_region.h"

#include <algorithm>
#include <string>

namespace weir::bench {

LargeRegion::LargeRegion(uint64_t seed, const LargeShape& shape) : shape_(shape), engine_(seed) {
  add(DomainCreated{.name = "large",
                    .scarcity_core_hour = kCredit,
                    .scarcity_gib_hour = kCredit / 10,
                    .scarcity_gbps_hour = 20 * kCredit});
  add(TenantDefined{TenantId(0u), "tenant"});
  const uint32_t cores = std::max(2u, shape.sites / 100), aggregations = 10 * cores, metros = 50 * cores;
  const uint32_t aggregation = cores, metro = cores + aggregations, routers = metro + metros;
  for (uint32_t r = 0; r < routers; ++r) add(RouterDefined{VertexId(r), "r" + std::to_string(r)});
  const auto any = [this](uint32_t first, uint32_t count) { return first + static_cast<uint32_t>(roll(0, count - 1)); };
  for (uint32_t s = 0; s < shape.sites; ++s) {
    SiteSpec spec{.name = "s" + std::to_string(s), .sid = "fd00:6::" + std::to_string(s)};
    spec.asks.per_core_hour = roll(20, 100) * (kCredit / 1000);
    spec.asks.per_gib_hour = spec.asks.per_core_hour / 10;
    spec.residency = {"cn"};
    add(SiteDefined{SiteId(s), VertexId(routers + s), spec});
    std::vector<NodeSpec> nodes;
    for (uint32_t n = 0; n < shape.nodes_per_site; ++n) {
      const auto width = static_cast<int32_t>(32 << roll(0, 2));
      nodes.push_back({"n" + std::to_string(n), width * 1000, width * 4096, 0, "", 1000});
    }
    add(NodesReported{SiteId(s), NodeId(s * shape.nodes_per_site), std::move(nodes)});
    add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    const uint32_t home = s * metros / shape.sites;
    link(routers + s, metro + home, 10, roll(100, 500));
    link(routers + s, metro + home / 50 * 50 + (home + 1) % 50, 10, roll(100, 500));
  }
  for (uint32_t m = 0; m < metros; ++m) {
    const uint32_t first = any(aggregation + m / 50 * 10, 5);
    link(metro + m, first, 100, roll(500, 2000));
    link(metro + m, first + 5, 100, roll(500, 2000));
  }
  for (uint32_t a = 0; a < aggregations; ++a) {
    link(aggregation + a, a / 10, 400, roll(500, 2000));
    link(aggregation + a, (a / 10 + 1) % cores, 400, roll(1000, 3000));
  }
  for (uint32_t c = 0; c < cores; ++c) {
    if (cores > 2 || c == 0) link(c, (c + 1) % cores, 400, roll(2000, 10'000));
    for (int chord = 0; cores > 4 && chord < 6; ++chord) link(c, (c + any(2, cores - 3)) % cores, 400, roll(2000, 10'000));
  }
  while (links_ < shape.links) {
    const uint32_t m = any(0, metros);
    const uint32_t other = m / 50 * 50 + static_cast<uint32_t>((m % 50 + roll(1, 49)) % 50);
    link(metro + m, metro + other, 100, roll(100, 500));
  }
  for (uint32_t i = 0; i < shape.ingresses; ++i) ingresses_.push_back(SiteId(any(0, shape.sites)));
  if (shape.load_percent > 0) fill();
}

IntentId LargeRegion::background(const std::string& name) {
  const IntentId id(graph.intent_count());
  add(IntentSubmitted{id, TenantId(0u), 1, IntentSpec{.name = name}});
  return id;
}

// Plans that are committed without being decided: one for each site, and one for all links.
void LargeRegion::fill() {
  const int64_t mean = shape_.load_percent;
  for (uint32_t s = 0; s < shape_.sites; ++s) {
    Plan plan{.intent = background("load-s" + std::to_string(s)), .generation = 1};
    const int64_t here = mean + roll(-15, 15);
    for (uint32_t n = s * shape_.nodes_per_site; n < (s + 1) * shape_.nodes_per_site; ++n) {
      const int64_t percent = std::max<int64_t>(here + roll(-5, 5), 0);
      const NodeRow& node = graph.node(NodeId(n));
      plan.placements.push_back({.site = SiteId(s),
                                 .node = NodeId(n),
                                 .cpu_milli = static_cast<int32_t>(node.cpu_milli * percent / 100),
                                 .memory_mib = static_cast<int32_t>(node.memory_mib * percent / 100),
                                 .accelerators = 0,
                                 .streams = 0,
                                 .asks = graph.site(SiteId(s)).asks,
                                 .continues = {}});
    }
    add(PlanCommitted{std::move(plan)});
  }
  Plan plan{.intent = background("load-links"), .generation = 1};
  plan.placements.push_back({.site = SiteId(0u), .node = NodeId(0u), .asks = {}, .continues = {}});
  for (uint32_t l = 0; l < links_; ++l) {
    const LinkId id(2 * l);
    Flow flow{.ingress = SiteId(0u), .placement = 0, .path = {id}, .protection = {}};
    flow.up_bps = graph.link(id).bandwidth_bps / 100 * std::max<int64_t>(mean + roll(-15, 15), 0);
    flow.down_bps = graph.link(id).bandwidth_bps / 100 * std::max<int64_t>(mean + roll(-15, 15), 0);
    plan.flows.push_back(std::move(flow));
  }
  add(PlanCommitted{std::move(plan)});
}

void LargeRegion::link(uint32_t a, uint32_t b, int64_t gbps, int64_t latency_us) {
  add(LinkDefined{LinkId(2 * links_), LinkSpec{.name = "l" + std::to_string(links_), .a = VertexId(a), .b = VertexId(b),
                                               .bandwidth_bps = gbps * 1'000'000'000, .latency_us = latency_us,
                                               .per_gbps_hour = roll(200, 1000) * (kCredit / 1000),
                                               .sid_a = "fd00:5::" + std::to_string(2 * links_),
                                               .sid_b = "fd00:5::" + std::to_string(2 * links_ + 1)}});
  ++links_;
}

IntentSubmitted LargeRegion::next_intent() {
  const IntentId id(graph.intent_count());
  IntentSpec spec{.name = "i" + std::to_string(id.value)};
  spec.from = {{ingresses_[static_cast<size_t>(roll(0, shape_.ingresses - 1))], 1}};
  const int64_t kind = roll(0, 3);
  spec.workload.cpu_milli = static_cast<int32_t>(1000 << kind);
  spec.workload.memory_mib = static_cast<int32_t>(2048 << kind);
  constexpr int64_t kMbps[] = {5, 10, 20, 50};
  spec.traffic.up_bps = kMbps[kind] * 1'000'000;
  spec.traffic.down_bps = spec.traffic.up_bps / 10;
  spec.promise.latency_us_max = roll(10, 100) * 1000;
  return {id, TenantId(0u), 1, spec};
}

}  // namespace weir::bench
