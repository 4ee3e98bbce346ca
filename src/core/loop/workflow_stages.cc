#include "core/loop/workflow_stages.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "core/event/limits.h"
#include "core/graph/promise.h"
#include "core/loop/address.h"
#include "core/price/price.h"

namespace weir {
namespace {

constexpr int32_t kStreamsPerInstanceMax = 64;
constexpr std::string_view kAddressMark = "{to:";
constexpr size_t kAddressedBytesMax = sizeof("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535") - 1;

struct Share {
  std::vector<int32_t> streams;  // by ingress
  int64_t bps = 0;               // of one stream
  int32_t streams_per_instance = 1;
  int32_t all = 0;
  __int128 wasted = 0;  // reserved beyond what was asked
};

int64_t parts(int64_t bps, int64_t unit_bps) { return std::max<int64_t>(1, (bps + unit_bps - 1) / unit_bps); }

// So many streams that `replicas` instances carry them, `each` at most, with the least bandwidth that covers
// the rates.
Share share(const std::vector<int64_t>& rates_bps, int32_t replicas, int32_t each) {
  const int64_t most = int64_t{replicas} * each;
  const int64_t highest = *std::max_element(rates_bps.begin(), rates_bps.end());
  Share result{.streams_per_instance = each};
  __int128 asked = 0;
  for (const int64_t bps : rates_bps) asked += bps;
  if (highest == 0) {
    const auto count = static_cast<int64_t>(rates_bps.size());
    for (int64_t i = 0; i < count; ++i) {
      result.streams.push_back(
          static_cast<int32_t>(std::max<int64_t>(1, most / count + (i < most % count ? 1 : 0))));
    }
  } else {
    int64_t low = 1, high = highest;
    while (low < high) {
      const int64_t unit = low + (high - low) / 2;
      int64_t sum = 0;
      for (const int64_t bps : rates_bps) sum += std::min(most + 1, parts(bps, unit));
      if (sum <= most) {
        high = unit;
      } else {
        low = unit + 1;
      }
    }
    result.bps = low;
    for (const int64_t bps : rates_bps) result.streams.push_back(static_cast<int32_t>(parts(bps, low)));
  }
  for (const int32_t streams : result.streams) result.all += streams;
  result.wasted = static_cast<__int128>(result.all) * result.bps - asked;
  // As many instances as were asked for, also where more ingresses than that need a stream each.
  result.streams_per_instance = std::max(1, (result.all + replicas - 1) / replicas);
  return result;
}

Share share(const std::vector<int64_t>& rates_bps, int32_t replicas) {
  Share best;
  __int128 asked = 0;
  for (const int64_t bps : rates_bps) asked += bps;
  for (int32_t each = 1; each <= kStreamsPerInstanceMax; each *= 2) {
    if (int64_t{replicas} * each < static_cast<int64_t>(rates_bps.size()) && each < kStreamsPerInstanceMax)
      continue;
    Share now = share(rates_bps, replicas, each);
    const bool all_run = (now.all + now.streams_per_instance - 1) / now.streams_per_instance == replicas;
    if (best.streams.empty() || now.wasted < best.wasted) best = now;
    if (all_run && now.wasted * 8 <= asked) return now;
  }
  return best;
}

// Time of the longest chain from a source to a sink, where a stage takes items over the slowest edge into it;
// and the most stages that run on any chain.
struct Chain {
  int64_t latency_us = 0;
  int64_t stages = 0;
};

Chain longest(const Workflow& spec, const WorkflowPlanned& plan) {
  std::vector<int64_t> in_us(spec.stages.size()), until_us(spec.stages.size()), count(spec.stages.size());
  for (const PlannedTransfer& transfer : plan.transfers) {
    in_us[transfer.stage] = std::max(in_us[transfer.stage], transfer.arrive_us);
  }
  Chain chain;
  for (const uint32_t at : topological_order(spec)) {
    for (const WorkflowEdge& edge : spec.edges) {
      if (edge.to != at) continue;
      until_us[at] = std::max(until_us[at], until_us[edge.from]);
      count[at] = std::max(count[at], count[edge.from]);
    }
    until_us[at] += in_us[at] + plan.stages[at].latency_us;
    count[at] += runs(spec.stages[at]) ? 1 : 0;
    chain.latency_us = std::max(chain.latency_us, until_us[at]);
    chain.stages = std::max(chain.stages, count[at]);
  }
  return chain;
}

std::string at_port(const std::string& address, int32_t port) {
  return address.empty() || port == 0 ? "" : "[" + address + "]:" + std::to_string(port);
}

std::string with_addresses(const Graph& graph, const Workflow& workflow, const std::vector<IntentId>& intents,
                           std::string argument) {
  for (size_t s = 0; s < workflow.stages.size(); ++s) {
    const std::string mark = "{to:" + workflow.stages[s].name + "}";
    if (argument.find(mark) == std::string::npos) continue;
    const std::string with = intents[s].valid() ? at_port(service_address(graph.service_prefix(), intents[s]),
                                                          workflow.stages[s].workload.port)
                                                : "";
    for (size_t at = argument.find(mark); at != std::string::npos;
         at = argument.find(mark, at + with.size())) {
      argument.replace(at, mark.size(), with);
    }
  }
  return argument;
}

// What both kinds of stages wish for. Whoever pins a stage to a site by its name puts up with its taints.
IntentSpec stage_at(const Graph& graph, const WorkflowRow& row, size_t at) {
  const Workflow& workflow = *row.spec;
  const Stage& stage = workflow.stages[at];
  IntentSpec spec{.name = workflow.name + "." + stage.name,
                  .workload = stage.workload,
                  .where = workflow.where,
                  .prefer = workflow.prefer};
  spec.where.only = {row.plan->stages[at].site};
  spec.where.not_at.clear();
  spec.where.sites_min = 1;
  if (stage.at.empty()) return spec;
  spec.where.residency.clear();
  const SiteId site = row.plan->stages[at].site;
  if ((graph.site(site).taints & ~graph.taint_mask(spec.where.tolerates)) != 0) {
    std::vector<std::string> taints = graph.site_spec(site).taints;
    std::sort(taints.begin(), taints.end());
    taints.erase(std::unique(taints.begin(), taints.end()), taints.end());
    spec.where.tolerates = std::move(taints);
  }
  return spec;
}

}  // namespace

Status check_addresses(const Workflow& workflow) {
  for (size_t s = 0; s < workflow.stages.size(); ++s) {
    const std::vector<std::string>& command = workflow.stages[s].workload.command;
    for (size_t a = 0; a < command.size(); ++a) {
      const std::string_view argument = command[a];
      const std::string path = "spec.stages[" + std::to_string(s) + "].command[" + std::to_string(a) + "]";
      size_t bytes = argument.size();
      for (size_t at = argument.find(kAddressMark); at != std::string_view::npos; at = argument.find(kAddressMark, at + 1)) {
        const size_t end = argument.find('}', at);
        if (end == std::string_view::npos) break;
        const std::string_view mark = argument.substr(at, end + 1 - at);
        const std::string_view name = mark.substr(kAddressMark.size(), mark.size() - kAddressMark.size() - 1);
        const std::string text(mark);
        if (workflow.kind == WorkflowKind::kBatch) {
          return fail(ErrorCode::kInvalid, text + " is in a batch, whose stages do not run at once", path,
                      "write where the data lies instead");
        }
        const auto found = std::find_if(workflow.stages.begin(), workflow.stages.end(),
                                        [name](const Stage& stage) { return stage.name == name; });
        const auto to = static_cast<uint32_t>(found - workflow.stages.begin());
        if (std::none_of(workflow.edges.begin(), workflow.edges.end(),
                         [&](const WorkflowEdge& edge) { return edge.from == s && edge.to == to; })) {
          return fail(ErrorCode::kInvalid, text + " is no stage that an edge leads to from here", path,
                      "name a stage that it has an edge to, or add the edge");
        }
        if (found->workload.port == 0 || !runs(*found)) {
          return fail(ErrorCode::kInvalid, text + " listens on no port", path, "give that stage a port, or leave this out");
        }
        bytes += std::max(kAddressedBytesMax, mark.size()) - mark.size();
      }
      if (bytes > limits::kArgumentBytesMax) {
        return fail(ErrorCode::kInvalid,
                    "it may have " + std::to_string(bytes) + " bytes once addresses are in it, and " +
                        std::to_string(limits::kArgumentBytesMax) + " are allowed",
                    path, "shorten it, or divide it into several arguments");
      }
    }
  }
  return {};
}

IntentSpec batch_stage(const Graph& graph, const WorkflowRow& row, size_t at) {
  const PlannedStage& planned = row.plan->stages[at];
  IntentSpec spec = stage_at(graph, row, at);
  spec.workload.kind = WorkKind::kJob;
  spec.workload.port = 0;
  spec.schedule.run_time_us_estimated = std::min(planned.finish_us - planned.start_us, limits::kRunTimeUsMax);
  return spec;
}

IntentSpec stream_stage(const Graph& graph, const WorkflowRow& row, size_t at,
                        const std::vector<IntentId>& intents) {
  const Workflow& workflow = *row.spec;
  const WorkflowPlanned& plan = *row.plan;
  const Stage& stage = workflow.stages[at];
  const SiteId site = plan.stages[at].site;
  IntentSpec spec = stage_at(graph, row, at);
  spec.workload.kind = WorkKind::kService;
  for (std::string& argument : spec.workload.command)
    argument = with_addresses(graph, workflow, intents, std::move(argument));
  spec.promise.percentile_ppm = workflow.percentile_ppm;

  std::map<SiteId, int64_t> rates_bps;
  for (const WorkflowEdge& edge : workflow.edges) {
    if (edge.to == at) rates_bps[plan.stages[edge.from].site] += edge.bps;
  }
  Share shares{.all = stage.replicas};
  if (rates_bps.empty()) {
    spec.schedule.instances = stage.replicas;
  } else {
    std::vector<int64_t> rates;
    for (const auto& [ingress, bps] : rates_bps) rates.push_back(std::min(bps, limits::kBandwidthBpsMax));
    shares = share(rates, stage.replicas);
    size_t next = 0;
    for (const auto& [ingress, bps] : rates_bps) spec.from.push_back({ingress, shares.streams[next++]});
  }
  spec.workload.streams_per_instance = shares.streams_per_instance;
  spec.traffic.up_bps = shares.bps;
  if (!rates_bps.empty()) {
    spec.traffic.requests_per_second_milli = (stage.items_per_second_milli + shares.all - 1) / shares.all;
    spec.traffic.work_us_per_request = std::min(stage.work_us, limits::kLatencyUsMax);
  }
  if (workflow.latency_us_max == 0 || rates_bps.empty()) return spec;

  const Chain chain = longest(workflow, plan);
  const int64_t spare_us =
      std::max<int64_t>(0, workflow.latency_us_max - chain.latency_us) / std::max<int64_t>(1, chain.stages);
  int64_t in_us = 0;
  for (const PlannedTransfer& transfer : plan.transfers) {
    if (transfer.stage == at) in_us = std::max(in_us, transfer.arrive_us);
  }
  const auto service = service_time(graph, site, spec, spec.workload.streams_per_instance);
  const int64_t at_stage_us =
      std::max(plan.stages[at].latency_us, service ? service->work_us + service->queueing_us : 0);
  // There and back, as a promise is on round trips.
  spec.promise.latency_us_max = std::min(2 * in_us + at_stage_us + 2 * spare_us, limits::kLatencyUsMax);
  return spec;
}

}  // namespace weir
