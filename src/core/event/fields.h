#pragma once

#include <limits>

#include "core/event/event.h"
#include "core/event/limits.h"

// What each stored message consists of: number, name and bounds of each field, in ascending order. One
// description serves writing, reading, checking and the tests, so that they cannot differ. It mirrors
// api/weir/v1/types.proto and event.proto; a test compares the two. Private to the codec and its tests.
//
// `op` has the member templates
//   number<N>(name, integer, low, high)   signed plain; unsigned from 0
//   zigzag<N>(name, integer, low, high)
//   id<N>(name, id)                       must be there
//   id_or_none<N>(name, id)
//   flag<N>(name, bool)
//   choice<N>(name, enumeration, last)
//   text<N>(name, string, bytes_max)
//   texts<N>(name, strings, count_max, bytes_max)
//   ids<N>(name, ids, count_max)
//   message<N>(name, value)
//   messages<N>(name, values, count_max)
//   require(condition, name, what)
namespace weir::stored {

using namespace weir::limits;

inline constexpr int32_t kI16 = std::numeric_limits<int16_t>::max();
inline constexpr int32_t kI32 = std::numeric_limits<int32_t>::max();
inline constexpr int64_t kI64 = std::numeric_limits<int64_t>::max();
inline constexpr int64_t kI64Low = std::numeric_limits<int64_t>::min();
inline constexpr uint32_t kU32 = std::numeric_limits<uint32_t>::max();
inline constexpr uint64_t kU64 = std::numeric_limits<uint64_t>::max();
inline constexpr int32_t kPpm32 = static_cast<int32_t>(kPpm);

template <class T>
struct Fields;

template <>
struct Fields<Asks> {
  static constexpr const char* kName = "Asks";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("per_core_hour", v.per_core_hour, 0, kMoneyMax);
    op.template number<2>("per_gib_hour", v.per_gib_hour, 0, kMoneyMax);
    op.template number<3>("per_accelerator_hour", v.per_accelerator_hour, 0, kMoneyMax);
  }
};

template <>
struct Fields<Power> {
  static constexpr const char* kName = "Power";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("idle_mw_per_core", v.idle_mw_per_core, 0, kPowerMwMax);
    op.template number<2>("peak_mw_per_core", v.peak_mw_per_core, 0, kPowerMwMax);
    op.template number<3>("pue_milli", v.pue_milli, 1000, kPueMilliMax);
    op.template number<4>("grid_carbon_mg_per_kwh", v.grid_carbon_mg_per_kwh, 0, kCarbonMgPerKwhMax);
  }
};

template <>
struct Fields<HourRate> {
  static constexpr const char* kName = "HourRate";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("asks_milli", v.asks_milli, 0, kHourRateMilliMax);
    op.template number<2>("grid_carbon_milli", v.grid_carbon_milli, 0, kHourRateMilliMax);
  }
};

template <>
struct Fields<SiteSpec> {
  static constexpr const char* kName = "SiteSpec";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("name", v.name, kNameBytesMax);
    op.template text<2>("region", v.region, kTextBytesMax);
    op.template texts<3>("residency", v.residency, kResidencyLabelsMax, kNameBytesMax);
    op.template choice<4>("tier", v.tier, Tier::kEnd);
    op.template zigzag<5>("latitude_microdegrees", v.latitude_microdegrees, -90'000'000, 90'000'000);
    op.template zigzag<6>("longitude_microdegrees", v.longitude_microdegrees, -180'000'000, 180'000'000);
    op.template message<7>("asks", v.asks);
    op.template message<8>("power", v.power);
    op.template number<9>("availability_ppm", v.availability_ppm, 0, kPpm32);
    op.template flag<10>("steerable", v.steerable);
    op.template text<11>("prefix", v.prefix, kAddressBytesMax);
    op.template text<12>("sid", v.sid, kAddressBytesMax);
    op.template text<13>("failure_domain", v.failure_domain, kNameBytesMax);
    op.template texts<14>("taints", v.taints, kTaintsMax, kNameBytesMax);
    op.template messages<15>("hours", v.hours, kHoursPerDay);
    op.template number<16>("best_effort_asks_milli", v.best_effort_asks_milli, 0, 1000);
  }
};

template <>
struct Fields<LinkSpec> {
  static constexpr const char* kName = "LinkSpec";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("name", v.name, kNameBytesMax);
    op.template id<2>("a", v.a);
    op.template id<3>("b", v.b);
    op.template number<4>("bandwidth_bps", v.bandwidth_bps, 0, kBandwidthBpsMax);
    op.template number<5>("latency_us", v.latency_us, 0, kLatencyUsMax);
    op.template number<6>("jitter_us", v.jitter_us, 0, kLatencyUsMax);
    op.template number<7>("loss_ppm", v.loss_ppm, 0, kPpm32);
    op.template number<8>("availability_ppm", v.availability_ppm, 0, kPpm32);
    op.template number<9>("per_gbps_hour", v.per_gbps_hour, 0, kMoneyMax);
    op.template flag<10>("steerable", v.steerable);
    op.template text<11>("sid_a", v.sid_a, kAddressBytesMax);
    op.template text<12>("sid_b", v.sid_b, kAddressBytesMax);
  }
};

template <>
struct Fields<NodeSpec> {
  static constexpr const char* kName = "NodeSpec";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("name", v.name, kNameBytesMax);
    op.template number<2>("cpu_milli", v.cpu_milli, 0, kCpuMilliMax);
    op.template number<3>("memory_mib", v.memory_mib, 0, kI32);
    op.template number<4>("accelerators", v.accelerators, 0, kI16);
    op.template text<5>("accelerator_model", v.accelerator_model, kNameBytesMax);
    op.template number<6>("speed_milli", v.speed_milli, 0, kI32);
    op.template number<7>("accelerator_memory_mib", v.accelerator_memory_mib, 0, kI32);
    op.template number<8>("accelerator_fp16_gflops", v.accelerator_fp16_gflops, 0, kGflopsMax);
    op.template number<9>("accelerators_per_island", v.accelerators_per_island, 0, kI16);
    op.template number<10>("accelerator_slices", v.accelerator_slices, 0, kDeviceSlicesMax);
    op.template text<11>("rack", v.rack, kNameBytesMax);
  }
};

template <>
struct Fields<Ingress> {
  static constexpr const char* kName = "Ingress";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("site", v.site);
    op.template number<2>("streams", v.streams, 0, kStreamsMax);
  }
};

template <>
struct Fields<Workload> {
  static constexpr const char* kName = "Workload";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template choice<1>("kind", v.kind, WorkKind::kJob);
    op.template text<2>("artifact", v.artifact, kNameBytesMax);
    op.template text<3>("digest", v.digest, 64);
    op.template texts<4>("command", v.command, kArgumentsMax, kArgumentBytesMax);
    op.template number<5>("port", v.port, 0, 65535);
    op.template number<6>("cpu_milli", v.cpu_milli, 0, kCpuMilliMax);
    op.template number<7>("memory_mib", v.memory_mib, 0, kI32);
    op.template number<8>("accelerators", v.accelerators, 0, kI16);
    op.template text<9>("accelerator_model", v.accelerator_model, kNameBytesMax);
    op.template number<10>("streams_per_instance", v.streams_per_instance, 1, kStreamsMax);
    op.template number<11>("accelerator_milli", v.accelerator_milli, 0, kDeviceMilli - 1);
    op.template number<12>("accelerator_memory_mib", v.accelerator_memory_mib, 0, kI32);
    op.template number<13>("accelerator_fp16_gflops_min", v.accelerator_fp16_gflops_min, 0, kGflopsMax);
    op.template number<14>("speed_milli_min", v.speed_milli_min, 0, kI32);
    op.template flag<15>("accelerators_linked", v.accelerators_linked);
    op.template flag<16>("best_effort", v.best_effort);
  }
};

template <>
struct Fields<Traffic> {
  static constexpr const char* kName = "Traffic";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("up_bps", v.up_bps, 0, kBandwidthBpsMax);
    op.template number<2>("down_bps", v.down_bps, 0, kBandwidthBpsMax);
    op.template number<3>("requests_per_second_milli", v.requests_per_second_milli, 0, kI32);
    op.template number<4>("work_us_per_request", v.work_us_per_request, 0, kLatencyUsMax);
    op.template number<5>("between_bps", v.between_bps, 0, kBandwidthBpsMax);
  }
};

template <>
struct Fields<Promise> {
  static constexpr const char* kName = "Promise";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("latency_us_max", v.latency_us_max, 0, kLatencyUsMax);
    op.template number<2>("percentile_ppm", v.percentile_ppm, 0, kPpm32);
    op.template number<3>("availability_ppm", v.availability_ppm, 0, kPpm32);
  }
};

template <>
struct Fields<Where> {
  static constexpr const char* kName = "Where";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template texts<1>("residency", v.residency, kResidencyLabelsMax, kNameBytesMax);
    op.template ids<2>("only", v.only, kSitesNamedMax);
    op.template ids<3>("not_at", v.not_at, kSitesNamedMax);
    op.template number<4>("sites_min", v.sites_min, 0, kI32);
    op.template number<5>("regions_min", v.regions_min, 0, static_cast<int32_t>(kSitesNamedMax));
    op.template number<6>("failure_domains_min", v.failure_domains_min, 0, static_cast<int32_t>(kSitesNamedMax));
    op.template ids<7>("near", v.near, kIntentsNamedMax);
    op.template ids<8>("apart_from", v.apart_from, kIntentsNamedMax);
    op.template flag<9>("at_data", v.at_data);
    op.template texts<10>("tolerates", v.tolerates, kTaintsKnownMax, kNameBytesMax);
    op.template flag<11>("same_rack", v.same_rack);
  }
};

template <>
struct Fields<Prefer> {
  static constexpr const char* kName = "Prefer";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("cost_milli", v.cost_milli, 0, kWeightMilliMax);
    op.template number<2>("carbon_milli", v.carbon_milli, 0, kWeightMilliMax);
  }
};

template <>
struct Fields<Schedule> {
  static constexpr const char* kName = "Schedule";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("queue", v.queue, kNameBytesMax);
    op.template zigzag<2>("priority", v.priority, -kPriorityMax, kPriorityMax);
    op.template number<3>("instances", v.instances, 0, static_cast<int32_t>(kPlacementsMax));
    op.template number<4>("run_time_us_estimated", v.run_time_us_estimated, 0, kRunTimeUsMax);
    op.template number<5>("run_time_us_max", v.run_time_us_max, 0, kRunTimeUsMax);
    op.template number<6>("not_before", v.not_before, 0, kI64);
    op.template number<7>("deadline", v.deadline, 0, kI64);
    op.template text<8>("reservation", v.reservation, kNameBytesMax);
    op.template number<9>("checkpoint_interval_us", v.checkpoint_interval_us, 0, kRunTimeUsMax);
    op.template number<10>("tasks", v.tasks, 0, static_cast<int32_t>(kTasksMax));
    op.template number<11>("instances_min", v.instances_min, 0, static_cast<int32_t>(kPlacementsMax));
    op.template number<12>("start_slack_us", v.start_slack_us, 0, kRunTimeUsMax);
  }
};

template <>
struct Fields<Quota> {
  static constexpr const char* kName = "Quota";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("cpu_milli", v.cpu_milli, 0, kQuotaMax);
    op.template number<2>("memory_mib", v.memory_mib, 0, kQuotaMax);
    op.template number<3>("accelerators", v.accelerators, 0, kQuotaMax);
  }
};

template <>
struct Fields<PolicySetting> {
  static constexpr const char* kName = "PolicySetting";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("name", v.name, kNameBytesMax);
    op.template number<2>("value", v.value, kI64Low, kI64);
  }
};

template <>
struct Fields<QueueSpec> {
  static constexpr const char* kName = "QueueSpec";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("name", v.name, kNameBytesMax);
    op.template id_or_none<2>("parent", v.parent);
    op.template number<3>("weight_milli", v.weight_milli, 1, kWeightMilliMax);
    op.template message<4>("guaranteed", v.guaranteed);
    op.template message<5>("maximum", v.maximum);
    op.template text<6>("policy", v.policy, kNameBytesMax);
    op.template choice<7>("backfill", v.backfill, Backfill::kConservative);
    op.template number<8>("half_life_us", v.half_life_us, 0, kRunTimeUsMax);
    op.template number<9>("submissions_per_hour_max", v.submissions_per_hour_max, 0, kI32);
    op.template messages<10>("settings", v.settings, kPolicySettingsMax);
    op.template number<11>("priority_max", v.priority_max, 0, kPriorityMax);
    op.template flag<12>("predicts", v.predicts);
  }
};

template <>
struct Fields<ReservationSpec> {
  static constexpr const char* kName = "ReservationSpec";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("name", v.name, kNameBytesMax);
    op.template id<2>("site", v.site);
    op.template message<3>("amount", v.amount);
    op.template number<4>("from", v.from, 0, kI64);
    op.template number<5>("to", v.to, 0, kI64);
    op.template id_or_none<6>("ingress", v.ingress);
    op.template number<7>("up_bps", v.up_bps, 0, kBandwidthBpsMax);
    op.template number<8>("down_bps", v.down_bps, 0, kBandwidthBpsMax);
    op.template ids<9>("path", v.path, kPathLinksMax);
  }
};

template <>
struct Fields<IntentSpec> {
  static constexpr const char* kName = "IntentSpec";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("name", v.name, kNameBytesMax);
    op.template messages<2>("from", v.from, kIngressesMax);
    op.template message<3>("workload", v.workload);
    op.template message<4>("traffic", v.traffic);
    op.template message<5>("promise", v.promise);
    op.template message<6>("where", v.where);
    op.template message<7>("prefer", v.prefer);
    op.template number<8>("budget_per_hour_max", v.budget_per_hour_max, 0, kMoneyMax);
    op.template ids<9>("data", v.data, kDatasetsNamedMax);
    op.template message<10>("schedule", v.schedule);
  }
};

template <>
struct Fields<DatasetSpec> {
  static constexpr const char* kName = "DatasetSpec";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("name", v.name, kNameBytesMax);
    op.template ids<2>("at", v.at, kSitesNamedMax);
    op.template texts<3>("residency", v.residency, kResidencyLabelsMax, kNameBytesMax);
  }
};

template <>
struct Fields<Placement> {
  static constexpr const char* kName = "Placement";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("site", v.site);
    op.template id<2>("node", v.node);
    op.template number<3>("cpu_milli", v.cpu_milli, 0, kCpuMilliMax);
    op.template number<4>("memory_mib", v.memory_mib, 0, kI32);
    op.template number<5>("accelerators", v.accelerators, 0, kI16);
    op.template number<6>("streams", v.streams, 0, kStreamsMax);
    op.template message<7>("asks", v.asks);
    op.template message<8>("continues", v.continues);
    op.template number<9>("accelerator_milli", v.accelerator_milli, 0, kDeviceMilli - 1);
    op.template number<10>("accelerator_memory_mib", v.accelerator_memory_mib, 0, kI32);
    op.template number<11>("devices", v.devices, 0, kU64);
    op.template flag<12>("best_effort", v.best_effort);
  }
};

template <>
struct Fields<Flow> {
  static constexpr const char* kName = "Flow";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("ingress", v.ingress);
    op.template number<2>("placement", v.placement, 0, kU32);
    op.template number<3>("streams", v.streams, 0, kStreamsMax);
    op.template number<4>("up_bps", v.up_bps, 0, kI64);
    op.template number<5>("down_bps", v.down_bps, 0, kI64);
    op.template ids<6>("path", v.path, kPathLinksMax);
    op.template ids<7>("protection", v.protection, kPathLinksMax);
    op.template number<8>("path_per_hour", v.path_per_hour, kI64Low, kI64);
    op.template number<9>("latency_us_predicted", v.latency_us_predicted, 0, kI64);
    op.template number<10>("latency_us_path", v.latency_us_path, 0, kI64);
    op.template number<11>("latency_us_serialisation", v.latency_us_serialisation, 0, kI64);
    op.template number<12>("latency_us_work", v.latency_us_work, 0, kI64);
    op.template number<13>("latency_us_queueing", v.latency_us_queueing, 0, kI64);
    op.template number<14>("label_working", v.label_working, 0, 65'535);
    op.template number<15>("label_protection", v.label_protection, 0, 65'535);
  }
};

template <>
struct Fields<Reason> {
  static constexpr const char* kName = "Reason";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template choice<1>("code", v.code, ReasonCode::kRack);
    op.template id_or_none<2>("site", v.site);
    op.template id_or_none<3>("ingress", v.ingress);
    op.template number<4>("needed", v.needed, kI64Low, kI64);
    op.template number<5>("available", v.available, kI64Low, kI64);
  }
};

template <>
struct Fields<Alternative> {
  static constexpr const char* kName = "Alternative";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template message<1>("reason", v.reason);
    op.template number<2>("decision_price", v.decision_price, kI64Low, kI64);
    op.template number<3>("billed_per_hour", v.billed_per_hour, kI64Low, kI64);
    op.template number<4>("latency_us_predicted", v.latency_us_predicted, 0, kI64);
    op.template ids<5>("path", v.path, kPathLinksMax);
  }
};

template <>
struct Fields<Plan> {
  static constexpr const char* kName = "Plan";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("intent", v.intent);
    op.template number<2>("generation", v.generation, 0, kU32);
    op.template number<3>("basis", v.basis, 0, kU64);
    op.template messages<4>("placements", v.placements, kPlacementsMax);
    op.template messages<5>("flows", v.flows, kFlowsMax);
    op.template number<6>("billed_per_hour", v.billed_per_hour, kI64Low, kI64);
    op.template number<7>("decision_price", v.decision_price, kI64Low, kI64);
    op.template number<8>("power_mw", v.power_mw, 0, kI64);
    op.template number<9>("carbon_mg_per_hour", v.carbon_mg_per_hour, 0, kI64);
    op.template number<10>("availability_ppm", v.availability_ppm, 0, kPpm32);
    op.template choice<11>("quality", v.quality, Quality::kHeuristic);
    op.template number<12>("bound", v.bound, kI64Low, kI64);
    op.template number<13>("steps", v.steps, 0, kU64);
    op.template number<14>("price_policy", v.price_policy, 0, kU32);
    op.template message<15>("reason", v.reason);
    op.template messages<16>("alternatives", v.alternatives, kAlternativesMax);
  }
};

template <>
struct Fields<Refusal> {
  static constexpr const char* kName = "Refusal";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("intent", v.intent);
    op.template number<2>("generation", v.generation, 0, kU32);
    op.template number<3>("basis", v.basis, 0, kU64);
    op.template messages<4>("reasons", v.reasons, kReasonsMax);
  }
};

template <>
struct Fields<RunId> {
  static constexpr const char* kName = "RunId";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("plan", v.plan, 0, kU64);
    op.template number<2>("item", v.item, 0, kU32);
  }
};

template <>
struct Fields<SiteShadowPrice> {
  static constexpr const char* kName = "SiteShadowPrice";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("site", v.site);
    op.template number<2>("per_core_hour", v.per_core_hour, 0, kMoneyMax);
    op.template number<3>("per_gib_hour", v.per_gib_hour, 0, kMoneyMax);
    op.template number<4>("per_accelerator_hour", v.per_accelerator_hour, 0, kMoneyMax);
  }
};

template <>
struct Fields<LinkShadowPrice> {
  static constexpr const char* kName = "LinkShadowPrice";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("link", v.link);
    op.template number<2>("per_gbps_hour", v.per_gbps_hour, 0, kMoneyMax);
  }
};

template <>
struct Fields<NodeReclaimable> {
  static constexpr const char* kName = "NodeReclaimable";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("node", v.node);
    op.template number<2>("cpu_milli", v.cpu_milli, 0, kCpuMilliMax);
    op.template number<3>("memory_mib", v.memory_mib, 0, kI32);
  }
};

template <>
struct Fields<Stage> {
  static constexpr const char* kName = "Stage";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("name", v.name, kNameBytesMax);
    op.template message<2>("workload", v.workload);
    op.template number<3>("work_us", v.work_us, 0, kWorkUsMax);
    op.template number<4>("items_per_second_milli", v.items_per_second_milli, 0, kI32);
    op.template number<5>("replicas", v.replicas, 1, kReplicasMax);
    op.template ids<6>("at", v.at, kSitesNamedMax);
    op.template ids<7>("reads", v.reads, kInputsStoredMax);
  }
};

template <>
struct Fields<WorkflowEdge> {
  static constexpr const char* kName = "WorkflowEdge";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("from", v.from, 0, kU32);
    op.template number<2>("to", v.to, 0, kU32);
    op.template number<3>("bytes", v.bytes, 0, kWorkflowBytesMax);
    op.template number<4>("bps", v.bps, 0, kBandwidthBpsMax);
    op.template number<5>("item_bits", v.item_bits, 0, kWorkflowBytesMax);
  }
};

template <>
struct Fields<WorkflowInput> {
  static constexpr const char* kName = "WorkflowInput";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("name", v.name, kNameBytesMax);
    op.template number<2>("bytes", v.bytes, 0, kWorkflowBytesMax);
    op.template ids<3>("at", v.at, kSitesNamedMax);
  }
};

template <>
struct Fields<Workflow> {
  static constexpr const char* kName = "WorkflowSpec";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("name", v.name, kNameBytesMax);
    op.template choice<2>("kind", v.kind, WorkflowKind::kStream);
    op.template messages<3>("stages", v.stages, kStagesStoredMax);
    op.template messages<4>("edges", v.edges, kEdgesStoredMax);
    op.template messages<5>("inputs", v.inputs, kInputsStoredMax);
    op.template message<6>("where", v.where);
    op.template message<7>("prefer", v.prefer);
    op.template number<8>("latency_us_max", v.latency_us_max, 0, kLatencyUsMax);
    op.template number<9>("percentile_ppm", v.percentile_ppm, 0, kPpm32);
    op.template number<10>("deadline_us", v.deadline_us, 0, kWorkUsMax);
  }
};

template <>
struct Fields<PlannedStage> {
  static constexpr const char* kName = "PlannedStage";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("site", v.site);
    op.template number<2>("price", v.price, 0, kI64);
    op.template number<3>("latency_us", v.latency_us, 0, kI64);
    op.template number<4>("start_us", v.start_us, 0, kI64);
    op.template number<5>("finish_us", v.finish_us, 0, kI64);
  }
};

template <>
struct Fields<PlannedTransfer> {
  static constexpr const char* kName = "PlannedTransfer";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("item", v.item, 0, kU32);
    op.template flag<2>("stored", v.stored);
    op.template number<3>("stage", v.stage, 0, kU32);
    op.template number<4>("start_us", v.start_us, 0, kI64);
    op.template number<5>("arrive_us", v.arrive_us, 0, kI64);
    op.template number<6>("bps", v.bps, 0, kI64);
    op.template number<7>("price", v.price, 0, kI64);
    op.template ids<8>("path", v.path, kPathLinksMax);
  }
};

template <>
struct Fields<WishSketch> {
  static constexpr const char* kName = "WishSketch";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("work", v.work, kNameBytesMax);
    op.template text<2>("artifact", v.artifact, kNameBytesMax);
    op.template choice<3>("kind", v.kind, WorkKind::kJob);
    op.template number<4>("streams", v.streams, 0, kI32);
    op.template number<5>("latency_us_max", v.latency_us_max, 0, kLatencyUsMax);
    op.template number<6>("accelerator_milli", v.accelerator_milli, 0, kI32);
    op.template text<7>("accelerator_model", v.accelerator_model, kTextBytesMax);
    op.template ids<8>("from", v.from, kPlacesSketchedMax);
    op.template ids<9>("only", v.only, kPlacesSketchedMax);
  }
};

template <>
struct Fields<DialogueOffer> {
  static constexpr const char* kName = "DialogueOffer";
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template message<1>("sketch", v.sketch);
    op.template texts<2>("ways", v.ways, kWaysMax, kNameBytesMax);
    op.template text<3>("taken", v.taken, kNameBytesMax);
    op.template id_or_none<4>("intent", v.intent);
    op.template number<5>("generation", v.generation, 0, kU32);
  }
};

}  // namespace weir::stored
