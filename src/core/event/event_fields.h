#pragma once

#include "core/event/fields.h"

// What each stored event consists of, as fields.h says it of the values in them. kNumber is the body's number in
// weir.v1.Event.
namespace weir::stored {

template <>
struct Fields<DomainCreated> {
  static constexpr uint32_t kNumber = 10;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("name", v.name, kNameBytesMax);
    op.template number<2>("carbon_price_per_kg", v.carbon_price_per_kg, 0, kMoneyMax);
    op.template number<3>("scarcity_core_hour", v.scarcity_core_hour, 0, kMoneyMax);
    op.template number<4>("scarcity_gib_hour", v.scarcity_gib_hour, 0, kMoneyMax);
    op.template number<5>("scarcity_accelerator_hour", v.scarcity_accelerator_hour, 0, kMoneyMax);
    op.template number<6>("scarcity_gbps_hour", v.scarcity_gbps_hour, 0, kMoneyMax);
    op.template text<7>("service_prefix", v.service_prefix, kAddressBytesMax);
  }
};

template <>
struct Fields<PricesRevised> {
  static constexpr uint32_t kNumber = 11;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("policy", v.policy, 0, kU32);
    op.template number<2>("carbon_price_per_kg", v.carbon_price_per_kg, 0, kMoneyMax);
    op.template number<3>("scarcity_core_hour", v.scarcity_core_hour, 0, kMoneyMax);
    op.template number<4>("scarcity_gib_hour", v.scarcity_gib_hour, 0, kMoneyMax);
    op.template number<5>("scarcity_accelerator_hour", v.scarcity_accelerator_hour, 0, kMoneyMax);
    op.template number<6>("scarcity_gbps_hour", v.scarcity_gbps_hour, 0, kMoneyMax);
  }
};

template <>
struct Fields<BrainStarted> {
  static constexpr uint32_t kNumber = 12;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("version", v.version, kTextBytesMax);
    op.template number<2>("epoch", v.epoch, 0, kU64);
  }
};

template <>
struct Fields<TenantDefined> {
  static constexpr uint32_t kNumber = 13;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("tenant", v.tenant);
    op.template text<2>("name", v.name, kNameBytesMax);
  }
};

template <>
struct Fields<RouterDefined> {
  static constexpr uint32_t kNumber = 14;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("vertex", v.vertex);
    op.template text<2>("name", v.name, kNameBytesMax);
  }
};

template <>
struct Fields<SiteDefined> {
  static constexpr uint32_t kNumber = 15;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("site", v.site);
    op.template id<2>("vertex", v.vertex);
    op.template message<3>("spec", v.spec);
  }
};

template <>
struct Fields<LinkDefined> {
  static constexpr uint32_t kNumber = 16;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("link", v.link);
    op.require(v.link.value % 2 == 0, "link", "must be even: the odd number is its way back");
    op.template message<2>("spec", v.spec);
  }
};

template <>
struct Fields<DatasetDefined> {
  static constexpr uint32_t kNumber = 17;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("dataset", v.dataset);
    op.template message<2>("spec", v.spec);
  }
};

template <>
struct Fields<NodesReported> {
  static constexpr uint32_t kNumber = 18;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("site", v.site);
    op.template id<2>("first_node", v.first_node);
    op.template messages<3>("nodes", v.nodes, kNodesReportedMax);
  }
};

template <>
struct Fields<SiteStateChanged> {
  static constexpr uint32_t kNumber = 19;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("site", v.site);
    op.template choice<2>("state", v.state, Liveness::kDown);
    op.template text<3>("why", v.why, kTextBytesMax);
    op.template flag<4>("drained", v.drained);
  }
};

template <>
struct Fields<LinkStateChanged> {
  static constexpr uint32_t kNumber = 20;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("link", v.link);
    op.template flag<2>("up", v.up);
    op.template text<3>("why", v.why, kTextBytesMax);
  }
};

template <>
struct Fields<LinkMeasured> {
  static constexpr uint32_t kNumber = 21;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("link", v.link);
    op.template number<2>("latency_us", v.latency_us, 0, kLatencyUsMax);
    op.template number<3>("jitter_us", v.jitter_us, 0, kLatencyUsMax);
    op.template number<4>("loss_ppm", v.loss_ppm, 0, kPpm32);
  }
};

template <>
struct Fields<IntentSubmitted> {
  static constexpr uint32_t kNumber = 22;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("intent", v.intent);
    op.template id<2>("tenant", v.tenant);
    op.template number<3>("generation", v.generation, 0, kU32);
    op.template message<4>("spec", v.spec);
    op.template id_or_none<5>("array", v.array);
    op.template number<6>("task", v.task, 0, static_cast<uint32_t>(kTasksMax));
    op.template id_or_none<7>("workflow", v.workflow);
    op.template text<8>("stage", v.stage, kNameBytesMax);
  }
};

template <>
struct Fields<IntentWithdrawn> {
  static constexpr uint32_t kNumber = 23;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("intent", v.intent);
    op.template flag<2>("finished", v.finished);
    op.template text<3>("why", v.why, kTextBytesMax);
  }
};

template <>
struct Fields<PlanCommitted> {
  static constexpr uint32_t kNumber = 24;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template message<1>("plan", v.plan);
  }
};

template <>
struct Fields<PlanRetired> {
  static constexpr uint32_t kNumber = 25;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("intent", v.intent);
    op.template number<2>("plan", v.plan, 0, kU64);
  }
};

template <>
struct Fields<IntentRefused> {
  static constexpr uint32_t kNumber = 26;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template message<1>("refusal", v.refusal);
  }
};

template <>
struct Fields<RunStateChanged> {
  static constexpr uint32_t kNumber = 27;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template message<1>("run", v.run);
    op.template id<2>("intent", v.intent);
    op.template choice<3>("state", v.state, RunState::kLost);
    op.template number<4>("exit_code", v.exit_code, std::numeric_limits<int32_t>::min(), kI32);
    op.template text<5>("why", v.why, kTextBytesMax);
  }
};

template <>
struct Fields<UsageReported> {
  static constexpr uint32_t kNumber = 28;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template message<1>("run", v.run);
    op.template id<2>("intent", v.intent);
    op.template number<3>("from", v.from, 0, kI64);
    op.template number<4>("to", v.to, 0, kI64);
    op.template number<5>("cpu_us", v.cpu_us, 0, kI64);
    op.template number<6>("memory_mib_us", v.memory_mib_us, 0, kI64);
    op.template number<7>("received_bytes", v.received_bytes, 0, kI64);
    op.template number<8>("sent_bytes", v.sent_bytes, 0, kI64);
    op.template number<9>("energy_microjoule", v.energy_microjoule, 0, kI64);
    op.template text<10>("energy_model", v.energy_model, kNameBytesMax);
    op.template number<11>("begun", v.begun, 0, kI64);
  }
};

template <>
struct Fields<PathSwitched> {
  static constexpr uint32_t kNumber = 29;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("plan", v.plan, 0, kU64);
    op.template id<2>("intent", v.intent);
    op.template number<3>("flow", v.flow, 0, kU32);
    op.template flag<4>("to_protection", v.to_protection);
  }
};

template <>
struct Fields<PromiseMeasured> {
  static constexpr uint32_t kNumber = 30;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("intent", v.intent);
    op.template id<2>("ingress", v.ingress);
    op.template number<3>("from", v.from, 0, kI64);
    op.template number<4>("to", v.to, 0, kI64);
    op.template number<5>("samples", v.samples, 0, kI64);
    op.template number<6>("misses", v.misses, 0, kI64);
    op.template number<7>("lost", v.lost, 0, kI64);
    op.template number<8>("latency_us_p50", v.latency_us_p50, 0, kI64);
    op.template number<9>("latency_us_p99", v.latency_us_p99, 0, kI64);
  }
};

template <>
struct Fields<PromiseStateChanged> {
  static constexpr uint32_t kNumber = 31;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("intent", v.intent);
    op.template flag<2>("kept", v.kept);
    op.template text<3>("why", v.why, kTextBytesMax);
    op.template id_or_none<4>("ingress", v.ingress);
  }
};

template <>
struct Fields<TokenIssued> {
  static constexpr uint32_t kNumber = 32;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("token", v.token, kNameBytesMax);
    op.template text<2>("secret_sha256", v.secret_sha256, 64);
    op.template flag<3>("join", v.join);
    op.template choice<4>("role", v.role, Role::kTenant);
    op.template text<5>("subject", v.subject, kTextBytesMax);
    op.template number<6>("expires", v.expires, 0, kI64);
  }
};

template <>
struct Fields<TokenRedeemed> {
  static constexpr uint32_t kNumber = 33;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("token", v.token, kNameBytesMax);
    op.template text<2>("by", v.by, kTextBytesMax);
  }
};

template <>
struct Fields<TokenRevoked> {
  static constexpr uint32_t kNumber = 34;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template text<1>("token", v.token, kNameBytesMax);
  }
};

template <>
struct Fields<CertificateIssued> {
  static constexpr uint32_t kNumber = 35;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("site", v.site);
    op.template text<2>("serial", v.serial, kNameBytesMax);
    op.template number<3>("expires", v.expires, 0, kI64);
  }
};

template <>
struct Fields<CertificateRevoked> {
  static constexpr uint32_t kNumber = 36;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("site", v.site);
    op.template text<2>("why", v.why, kTextBytesMax);
  }
};

template <>
struct Fields<WorkMeasured> {
  static constexpr uint32_t kNumber = 37;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("intent", v.intent);
    op.template number<2>("generation", v.generation, 1, kU32);
    op.template number<3>("work_us_per_request", v.work_us_per_request, 1, kLatencyUsMax);
  }
};

template <>
struct Fields<SiteSteeringChanged> {
  static constexpr uint32_t kNumber = 38;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("site", v.site);
    op.template flag<2>("steerable", v.steerable);
    op.template text<3>("why", v.why, kTextBytesMax);
  }
};

template <>
struct Fields<QueueDefined> {
  static constexpr uint32_t kNumber = 39;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("queue", v.queue);
    op.template message<2>("spec", v.spec);
  }
};

template <>
struct Fields<JobPreempted> {
  static constexpr uint32_t kNumber = 40;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("intent", v.intent);
    op.template number<2>("plan", v.plan, 0, kU64);
    op.template id_or_none<3>("by", v.by);
    op.template text<4>("why", v.why, kTextBytesMax);
    op.template id_or_none<5>("site", v.site);
    op.template flag<6>("reclaims", v.reclaims);
    op.template number<7>("lost_us", v.lost_us, 0, kRunTimeUsMax);
    op.template number<8>("cost", v.cost, 0, kI64);
    op.template number<9>("victims", v.victims, 0, kI32);
    op.template number<10>("cost_all", v.cost_all, 0, kI64);
    op.template number<11>("spared_by_priority", v.spared_by_priority, 0, kI32);
    op.template number<12>("spared_by_guarantee", v.spared_by_guarantee, 0, kI32);
    op.template number<13>("spared_by_limit", v.spared_by_limit, 0, kI32);
    op.template number<14>("spared_by_budget", v.spared_by_budget, 0, kI32);
  }
};

template <>
struct Fields<ReservationDefined> {
  static constexpr uint32_t kNumber = 41;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("reservation", v.reservation);
    op.template id<2>("tenant", v.tenant);
    op.template message<3>("spec", v.spec);
  }
};

template <>
struct Fields<ReservationCancelled> {
  static constexpr uint32_t kNumber = 42;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("reservation", v.reservation);
  }
};

template <>
struct Fields<NodeCordoned> {
  static constexpr uint32_t kNumber = 43;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("node", v.node);
    op.template flag<2>("cordoned", v.cordoned);
    op.template text<3>("why", v.why, kTextBytesMax);
  }
};

template <>
struct Fields<ShadowPricesRevised> {
  static constexpr uint32_t kNumber = 44;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("basis", v.basis, 0, kU64);
    op.template messages<2>("sites", v.sites, kShadowPricesMax);
    op.template messages<3>("links", v.links, kShadowPricesMax);
    op.template number<4>("bound", v.bound, 0, kMoneyMax);
    op.template number<5>("before", v.before, 0, kMoneyMax);
    op.template number<6>("after", v.after, 0, kMoneyMax);
    op.template number<7>("items", v.items, 0, kI32);
    op.template number<8>("served_before", v.served_before, 0, kI32);
    op.template number<9>("served_after", v.served_after, 0, kI32);
    op.template number<10>("moves", v.moves, 0, kI32);
  }
};

template <>
struct Fields<WorkflowSubmitted> {
  static constexpr uint32_t kNumber = 45;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("workflow", v.workflow);
    op.template id<2>("tenant", v.tenant);
    op.template number<3>("generation", v.generation, 0, kU32);
    op.template message<4>("spec", v.spec);
  }
};

template <>
struct Fields<WorkflowPlanned> {
  static constexpr uint32_t kNumber = 46;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("workflow", v.workflow);
    op.template number<2>("generation", v.generation, 0, kU32);
    op.template number<3>("basis", v.basis, 0, kU64);
    op.template flag<4>("refused", v.refused);
    op.template text<5>("why", v.why, kTextBytesMax);
    op.template text<6>("where", v.where, kTextBytesMax);
    op.template messages<7>("stages", v.stages, kStagesStoredMax);
    op.template messages<8>("transfers", v.transfers, kTransfersStoredMax);
    op.template number<9>("price", v.price, 0, kI64);
    op.template number<10>("bound", v.bound, 0, kI64);
    op.template choice<11>("quality", v.quality, Quality::kHeuristic);
    op.template number<12>("latency_us", v.latency_us, 0, kI64);
    op.template number<13>("latency_us_bound", v.latency_us_bound, 0, kI64);
    op.template flag<14>("in_time", v.in_time);
    op.template number<15>("steps", v.steps, 0, kU64);
  }
};

template <>
struct Fields<WorkflowWithdrawn> {
  static constexpr uint32_t kNumber = 47;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("workflow", v.workflow);
    op.template flag<2>("finished", v.finished);
    op.template text<3>("why", v.why, kTextBytesMax);
  }
};

template <>
struct Fields<HourBegan> {
  static constexpr uint32_t kNumber = 48;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template number<1>("hour", v.hour, 0, static_cast<int32_t>(kHoursPerDay) - 1);
  }
};

template <>
struct Fields<JobResized> {
  static constexpr uint32_t kNumber = 49;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("intent", v.intent);
    op.template number<2>("generation", v.generation, 0, kU32);
    op.template number<3>("instances", v.instances, 1, static_cast<int32_t>(kPlacementsMax));
    op.template id_or_none<4>("by", v.by);
    op.template text<5>("why", v.why, kTextBytesMax);
  }
};

template <>
struct Fields<ReclaimableMeasured> {
  static constexpr uint32_t kNumber = 50;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("site", v.site);
    op.template messages<2>("nodes", v.nodes, kNodesReportedMax);
  }
};

template <>
struct Fields<DialogueHeld> {
  static constexpr uint32_t kNumber = 51;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("tenant", v.tenant);
    op.template choice<2>("end", v.end, DialogueEnd::kLeft);
    op.template flag<3>("chinese", v.chinese);
    op.template text<4>("said", v.said, kTextBytesMax);
    op.template messages<5>("offers", v.offers, kOffersMax);
  }
};

template <>
struct Fields<IntentRated> {
  static constexpr uint32_t kNumber = 52;
  template <class Op, class V>
  static void each(Op& op, V& v) {
    op.template id<1>("intent", v.intent);
    op.template number<2>("generation", v.generation, 0, kU32);
    op.template flag<3>("good", v.good);
    op.template choice<4>("blame", v.blame, Blame::kOther);
    op.template text<5>("comment", v.comment, kTextBytesMax);
  }
};

}  // namespace weir::stored
