#include <cstdint>
#include <cstdlib>

#include "core/graph/checkpoint.h"

namespace {

using namespace weir;

// One row of everything that a checkpoint holds, so that damage to it reaches every reader whatever the format.
std::vector<std::byte> whole() {
  Graph graph;
  const auto add = [&graph](EventBody body) {
    if (!graph.apply({7, "t", std::move(body)}).effect) std::abort();
  };
  add(DomainCreated{.name = "d", .service_prefix = "fd77:1:2::/64"});
  add(BrainStarted{"v", 3});
  add(TenantDefined{TenantId(0u), "city"});
  add(SiteDefined{SiteId(0u), VertexId(0u), SiteSpec{.name = "s", .residency = {"cn"}, .prefix = "fd77::/64"}});
  add(RouterDefined{VertexId(1u), "r"});
  add(NodesReported{SiteId(0u), NodeId(0u), {{"n", 2000, 4096, 2, "A100", 1100}}});
  add(SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
  add(LinkDefined{LinkId(0u), LinkSpec{.name = "l", .a = VertexId(0u), .b = VertexId(1u), .bandwidth_bps = 1'000'000,
                                       .latency_us = 900, .per_gbps_hour = 4}});
  add(LinkMeasured{LinkId(1u), 1200, 30, 5});
  add(DatasetDefined{DatasetId(0u), {.name = "data", .at = {SiteId(0u)}, .residency = {"cn"}}});
  add(TokenIssued{.token = "t", .secret_sha256 = std::string(64, 'a'), .join = true, .subject = "s", .expires = 9});
  IntentSpec spec{.name = "i", .from = {{SiteId(0u), 1}}, .data = {DatasetId(0u)}};
  spec.workload.cpu_milli = 100;
  add(IntentSubmitted{IntentId(0u), TenantId(0u), 1, spec});
  for (int round = 0; round < 2; ++round) {
    Plan plan{.intent = IntentId(0u), .generation = 1, .basis = graph.version()};
    plan.placements.push_back({.site = SiteId(0u), .node = NodeId(0u), .cpu_milli = 100, .streams = 1, .continues = {}});
    plan.flows.push_back({.ingress = SiteId(0u), .placement = 0, .streams = 1});
    add(PlanCommitted{plan});
  }
  add(IntentRefused{Refusal{IntentId(0u), 1, 3, {{ReasonCode::kCpu, SiteId(0u), SiteId{}, 4, 2}}}});
  add(WorkflowSubmitted{WorkflowId(0u), TenantId(0u), 1, {.name = "w", .stages = {{.name = "a", .at = {SiteId(0u)}}}}});
  add(WorkflowPlanned{.workflow = WorkflowId(0u), .generation = 1, .stages = {{.site = SiteId(0u)}}});
  return encode_graph(graph);
}

}  // namespace

// The first byte says what follows: a checkpoint, or damage to one (offset in two bytes, difference). Any bytes are
// refused with a reason, or are a graph that survives being written and read again.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::byte> kWhole = whole();
  if (size == 0) return 0;
  std::vector<std::byte> input;
  if (data[0] % 2 == 0) {
    const auto rest = std::as_bytes(std::span(data + 1, size - 1));
    input.assign(rest.begin(), rest.end());
  } else {
    input = kWhole;
    for (size_t at = 1; at + 3 <= size; at += 3) {
      input[static_cast<size_t>(data[at] << 8 | data[at + 1]) % input.size()] ^= static_cast<std::byte>(data[at + 2]);
    }
  }
  const auto graph = decode_graph(input);
  if (!graph) {
    if (graph.error().what.empty()) std::abort();
    return 0;
  }
  const auto bytes = encode_graph(*graph);
  const auto again = decode_graph(bytes);
  if (!again || encode_graph(*again) != bytes) std::abort();
  return 0;
}
