#include "simulation/digest.h"

#include <limits>
#include <type_traits>

#include "core/event/codec.h"

namespace weir::simulation {
namespace {

class Writer {
 public:
  std::string text;

  void line(const char* kind) { text += std::string("\n") + kind; }
  template <class T>
    requires std::is_arithmetic_v<T>
  void put(T value) {
    text += ' ';
    text += std::to_string(value);
  }
  template <class T>
    requires std::is_enum_v<T>
  void put(T value) {
    put(static_cast<int>(value));
  }
  template <class Tag>
  void put(Id<Tag> id) {
    put(id.value);
  }
  void put(RunId run) {
    put(run.plan);
    put(run.item);
  }
  // What is taken is what is not missing of all time.
  void put(const Metered& metered) {
    for (const Window& window : metered.missing({0, std::numeric_limits<TimeUs>::max()})) all(window.from, window.to);
    put(metered.complete());
  }
  void put(const std::string& value) {
    text += ' ';
    text += value;
  }
  template <class T>
  void encoded(const T& value) {
    std::vector<std::byte> bytes;
    encode(value, bytes);
    static constexpr char kHex[] = "0123456789abcdef";
    text += ' ';
    for (const std::byte b : bytes) {
      text += kHex[std::to_integer<unsigned>(b) >> 4];
      text += kHex[std::to_integer<unsigned>(b) & 15];
    }
  }
  template <class... T>
  void all(const T&... values) {
    (put(values), ...);
  }
  void held(const char* kind, const CommittedPlan& plan) {
    line(kind);
    put(plan.position);
    encoded(plan.plan);
    encoded(*plan.spec);
    for (const bool passed : plan.placement_passed_on) put(passed);
    for (const bool passed : plan.flow_passed_on) put(passed);
    for (size_t i = 0; i < plan.plan.placements.size(); ++i) put(plan.run(i));
  }
};

}  // namespace

std::string describe(const Graph& g) {
  Writer w;
  w.line("graph");
  w.all(g.version(), g.now(), g.domain(), g.service_prefix(), g.brain_epoch(), g.path_relief(), g.relief(), g.hour(), g.hourly_sites());
  const PricePolicy& p = g.prices();
  w.all(p.version, p.carbon_price_per_kg, p.scarcity_core_hour, p.scarcity_gib_hour, p.scarcity_accelerator_hour,
        p.scarcity_gbps_hour);
  for (size_t s = 0; s < g.site_count(); ++s) {
    const SiteId id(s);
    const SiteRow& row = g.site(id);
    const SiteLoad& load = g.load(id);
    w.line("site");
    w.all(g.site_name(id), row.vertex, row.state, row.drained, row.tier, row.steerable, row.agent_steers, row.availability_ppm, row.residency,
          row.asks.per_core_hour, row.asks.per_gib_hour, row.asks.per_accelerator_hour, row.power.peak_mw_per_core,
          row.hour.asks_milli, row.hour.grid_carbon_milli);
    w.all(load.cpu_milli_total, load.cpu_milli_free, load.memory_mib_total, load.memory_mib_free,
          load.accelerators_total, load.accelerators_free, load.accelerator_milli_free, load.speed_milli_min);
    w.encoded(g.site_spec(id));
    for (const NodeRange& range : g.nodes(id)) w.all(range.first, range.count);
  }
  for (size_t n = 0; n < g.node_count(); ++n) {
    const NodeId id(n);
    const NodeRow& row = g.node(id);
    const NodeFree& free = g.free(id);
    w.line("node");
    w.all(g.node_name(id), row.site, row.cpu_milli, row.memory_mib, row.speed_milli, row.accelerators,
          row.accelerator_model, row.cordoned, free.cpu_milli, free.memory_mib, free.accelerators);
    w.all(g.devices(row).memory_mib, g.devices(row).fp16_gflops, g.devices(row).per_island, g.devices(row).slices);
    w.put(std::string(g.rack_name(id)));
    const DeviceRoom room = g.device_room(id);
    for (const DeviceFree& device : room.devices()) w.all(device.milli, device.memory_mib);
  }
  for (size_t v = 0; v < g.vertex_count(); ++v) {
    w.line("vertex");
    w.put(g.vertex_name(VertexId(v)));
    for (const LinkId link : g.links_out(VertexId(v))) w.put(link);
  }
  for (size_t l = 0; l < g.link_count(); ++l) {
    const LinkId id(l);
    const LinkRow& row = g.link(id);
    const LinkLoad& load = g.load(id);
    w.line("link");
    w.all(g.link_name(id), row.from, row.to, row.bandwidth_bps, row.per_gbps_hour, row.latency_us, row.jitter_us,
          row.loss_ppm, row.availability_ppm, row.steerable);
    w.all(load.free_bps, g.kept_bps(id, {}), load.latency_us, load.jitter_us, load.loss_ppm, load.up);
    w.encoded(g.link_spec(id));
  }
  for (size_t t = 0; t < g.tenant_count(); ++t) {
    w.line("tenant");
    w.put(g.tenant_name(TenantId(t)));
  }
  for (size_t i = 0; i < g.intent_count(); ++i) {
    const IntentRow& row = g.intent(IntentId(i));
    w.line("intent");
    w.all(g.intent_name(IntentId(i)), row.tenant, row.generation, row.state, row.promise_kept, row.finished, row.submitted, row.submitted_at,
          row.preemptions, row.claims, row.preempted_at, row.array, row.task, row.tasks.submitted, row.tasks.waiting,
          row.tasks.running, row.tasks.finished, row.tasks.failed);
    if (row.preempted) w.all(row.preempted->intent, row.preempted->by, row.preempted->site, row.preempted->cost);
    if (row.claim) {
      w.all(row.claim->site, row.claim->at);
      for (const auto& [intent, plan] : row.claim->from) w.all(intent, plan);
    }
    w.encoded(*row.spec);
    if (row.active) w.held("active", *row.active);
    for (const auto& held : row.retiring) w.held("retiring", *held);
    if (row.refusal) w.encoded(*row.refusal);
    for (const RunRow& run : row.runs) {
      w.all(run.run, run.site, run.state, run.exit_code, run.began);
      w.put(run.metered);
    }
    for (const RetiredRun& run : row.retired_runs) {
      w.all(run.run, run.site, run.retired);
      w.put(run.metered);
    }
    for (const uint32_t flow : row.flows_on_protection) w.put(flow);
    for (const SiteId site : row.promise_broken_at) w.put(site);
  }
  for (size_t d = 0; d < g.dataset_count(); ++d) {
    w.line("dataset");
    w.encoded(g.dataset(DatasetId(d)).spec);
    w.put(g.dataset(DatasetId(d)).residency);
  }
  for (size_t q = 0; q < g.queue_count(); ++q) {
    w.line("queue");
    w.encoded(g.queue(QueueId(q)));
  }
  for (size_t r = 0; r < g.reservation_count(); ++r) {
    const auto& row = g.reservation(ReservationId(r));
    w.line("reservation");
    w.all(row.tenant, row.cancelled);
    w.encoded(row.spec);
  }
  for (size_t f = 0; f < g.workflow_count(); ++f) {
    const WorkflowRow& row = g.workflow(WorkflowId(f));
    w.line("workflow");
    w.all(row.tenant, row.generation, row.state, row.finished, row.submitted, row.submitted_at, row.planned_at);
    w.encoded(*row.spec);
    if (row.plan) w.encoded(Event{0, {}, *row.plan});
    if (row.planned_spec) w.encoded(*row.planned_spec);
    if (row.refusal) w.encoded(Event{0, {}, *row.refusal});
    for (const IntentId intent : row.intents) w.all(intent, g.intent(intent).stage);
  }
  for (size_t t = 0; t < g.token_count(); ++t) {
    const TokenRow& row = *g.find_token(g.token_name(t));
    w.line("token");
    w.all(g.token_name(t), row.secret_sha256, row.subject, row.redeemed_by, row.expires, row.redeemed, row.role,
          row.join, row.revoked);
  }
  return std::move(w.text);
}

uint64_t digest(const Graph& graph) {
  uint64_t hash = 14'695'981'039'346'656'037u;  // FNV-1a
  for (const char c : describe(graph)) hash = (hash ^ static_cast<uint8_t>(c)) * 1'099'511'628'211u;
  return hash;
}

}  // namespace weir::simulation
