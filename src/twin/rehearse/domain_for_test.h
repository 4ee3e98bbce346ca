#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <variant>

#include "core/graph/graph.h"
#include "orchestration/plan/decide.h"
#include "orchestration/queue/graph_queue.h"
#include "twin/rehearse/rehearse.h"

namespace weir::twin {

inline constexpr TimeUs kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

// A tenant, and sites of one node of 8 cores each, at a credit for a core and hour.
class Domain {
 public:
  explicit Domain(uint32_t sites = 1, TimeUs began = 1'800'000'000 * kSecond) : now(began) {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    add(QueueDefined{QueueId(0u), {.name = kDomainQueue, .priority_max = 100}});
    for (uint32_t s = 0; s < sites; ++s) {
      SiteSpec spec{.name = "s" + std::to_string(s)};
      spec.asks.per_core_hour = kCredit;
      add(SiteDefined{SiteId(s), VertexId(s), spec});
      add(NodesReported{SiteId(s), NodeId(s), {NodeSpec{"n", 8'000, 65'536, 0, "", 1000}}});
      add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    }
  }
  void add(EventBody body) {
    const Applied applied = graph.apply({now, "t", std::move(body)});
    ASSERT_TRUE(applied.effect) << applied.why_not;
  }
  static IntentSpec job(const std::string& name, int32_t cores, TimeUs limit = kHour, int32_t priority = 0) {
    IntentSpec spec{.name = name};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.artifact = "train";
    spec.workload.cpu_milli = cores * 1'000;
    spec.workload.memory_mib = 1'024;
    spec.schedule.run_time_us_max = limit;
    spec.schedule.priority = priority;
    return spec;
  }
  static IntentSpec service(const std::string& name, int32_t cores) {
    IntentSpec spec = job(name, cores, 0);
    spec.workload.kind = WorkKind::kService;
    spec.workload.port = 80;
    spec.schedule.instances = 1;
    return spec;
  }
  static IntentSubmitted wish(IntentSpec spec) { return {{}, TenantId(0u), 0, std::move(spec)}; }
  IntentId submit(const IntentSpec& spec) {
    const IntentId id(graph.intent_count());
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    return id;
  }
  // Decided as ever, and its runs begin at once.
  void run(IntentId id) {
    Decision decision = JointPlanner().decide(graph, id);
    ASSERT_TRUE(std::holds_alternative<Plan>(decision));
    const Position at = graph.version();
    const size_t runs = std::get<Plan>(decision).placements.size();
    add(PlanCommitted{std::get<Plan>(decision)});
    for (uint32_t k = 0; k < runs; ++k) add(RunStateChanged{{at, k}, id, RunState::kRunning, 0, ""});
  }
  static RehearseWith with() {
    return {.planner = [] { return std::make_unique<JointPlanner>(); },
            .scheduler = [] { return std::make_unique<queue::GraphQueue>(); },
            .needs_decision = needs_decision};
  }
  Rehearsal rehearsed(const IntentSubmitted& wish, const RehearseOptions& options = {}) const {
    return rehearse(graph, now, {wish}, with(), options).at(0);
  }

  Graph graph;
  TimeUs now;
};

}  // namespace weir::twin
