#include "core/graph/checkpoint.h"

#include <cstring>
#include <string>
#include <type_traits>

#include "core/event/codec.h"
#include "core/event/limits.h"

namespace weir {
namespace {

// 1 had no generation but the newest, and of what is metered only where it ends; 2 did not know which agents can steer; 3
// had no queues; 4 had no prices of the whole domain's pass; 5 had no devices, and did not know who was preempted for whom;
// 6 had no taints, arrays and workflows; 7 had no hours, run times, malleable jobs and best-effort work; 8 remembered no dialogues.
// What another format says is folded from the ledger again.
constexpr uint64_t kFormat = 9;

// Varints (7 bits a byte, signed ones zigzag), length-prefixed bytes. Order is the only schema.
class Writer {
 public:
  static constexpr bool kReads = false;

  void unsigned_number(uint64_t v) {
    for (; v >= 0x80; v >>= 7) out_.push_back(static_cast<std::byte>(v | 0x80));
    out_.push_back(static_cast<std::byte>(v));
  }
  template <class T>
  void number(const T& v) {
    if constexpr (std::is_enum_v<T>) {
      unsigned_number(static_cast<uint64_t>(v));
    } else if constexpr (std::is_signed_v<T>) {
      const auto wide = static_cast<int64_t>(v);
      unsigned_number(static_cast<uint64_t>(wide) << 1 ^ static_cast<uint64_t>(wide >> 63));
    } else {
      unsigned_number(v);
    }
  }
  void text(const std::string& v) {
    unsigned_number(v.size());
    const auto* bytes = reinterpret_cast<const std::byte*>(v.data());
    out_.insert(out_.end(), bytes, bytes + v.size());
  }
  template <class T>
  void value(const T& v) {
    std::vector<std::byte> bytes;
    encode(v, bytes);
    unsigned_number(bytes.size());
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  std::vector<std::byte> take() { return std::move(out_); }

 private:
  std::vector<std::byte> out_;
};

inline Result<IntentSpec> decode_as(std::span<const std::byte> b, const IntentSpec*) { return decode_intent_spec(b); }
inline Result<Plan> decode_as(std::span<const std::byte> b, const Plan*) { return decode_plan(b); }
inline Result<SiteSpec> decode_as(std::span<const std::byte> b, const SiteSpec*) { return decode_site_spec(b); }
inline Result<LinkSpec> decode_as(std::span<const std::byte> b, const LinkSpec*) { return decode_link_spec(b); }
inline Result<DatasetSpec> decode_as(std::span<const std::byte> b, const DatasetSpec*) { return decode_dataset_spec(b); }
inline Result<QueueSpec> decode_as(std::span<const std::byte> b, const QueueSpec*) { return decode_queue_spec(b); }
inline Result<ReservationSpec> decode_as(std::span<const std::byte> b, const ReservationSpec*) {
  return decode_reservation_spec(b);
}
inline Result<Workflow> decode_as(std::span<const std::byte> b, const Workflow*) { return decode_workflow(b); }
inline Result<Refusal> decode_as(std::span<const std::byte> b, const Refusal*) { return decode_refusal(b); }
inline Result<Event> decode_as(std::span<const std::byte> b, const Event*) { return decode(b); }

// Every read is checked; after the first failure all reads give zeros and `ok` is false.
class Reader {
 public:
  static constexpr bool kReads = true;
  explicit Reader(std::span<const std::byte> bytes) : left_(bytes) {}

  uint64_t unsigned_number() {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (left_.empty()) break;
      const auto byte = static_cast<uint8_t>(left_.front());
      left_ = left_.subspan(1);
      v |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return v;
    }
    ok = false;
    left_ = {};
    return 0;
  }
  template <class T>
  void number(T& v) {
    const uint64_t raw = unsigned_number();
    if constexpr (std::is_signed_v<T>) {
      v = static_cast<T>(static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1));
    } else {
      v = static_cast<T>(raw);
    }
  }
  std::span<const std::byte> bytes() {
    const uint64_t size = unsigned_number();
    if (size > left_.size()) {
      ok = false;
      left_ = {};
      return {};
    }
    const auto taken = left_.first(static_cast<size_t>(size));
    left_ = left_.subspan(static_cast<size_t>(size));
    return taken;
  }
  void text(std::string& v) {
    const auto taken = bytes();
    v.assign(reinterpret_cast<const char*>(taken.data()), taken.size());
  }
  template <class T>
  void value(T& v) {
    auto decoded = decode_as(bytes(), static_cast<const T*>(nullptr));
    if (decoded) {
      v = std::move(*decoded);
    } else {
      ok = false;
    }
  }
  // A count of things that take at least one byte each.
  size_t count() {
    const uint64_t n = unsigned_number();
    if (n > left_.size()) ok = false;
    return ok ? static_cast<size_t>(n) : 0;
  }
  bool done() const { return left_.empty(); }

  bool ok = true;

 private:
  std::span<const std::byte> left_;
};

}  // namespace

// Names each field once, for writing and for reading.
class Checkpointer {
 public:
  template <class Op, class G>
  static void each(Op& op, G& g) {
    op.number(g.version_);
    op.number(g.now_);
    op.number(g.brain_epoch_);
    op.number(g.path_relief_);
    op.number(g.relief_);
    op.number(g.hour_);
    kept_event(op, g.domain_);
    kept_event(op, g.shadow_prices_);
    op.number(g.prices_.version);
    op.number(g.prices_.carbon_price_per_kg);
    op.number(g.prices_.scarcity_core_hour);
    op.number(g.prices_.scarcity_gib_hour);
    op.number(g.prices_.scarcity_accelerator_hour);
    op.number(g.prices_.scarcity_gbps_hour);
    for (auto* names : {&g.site_names_, &g.residency_labels_, &g.accelerator_models_, &g.vertex_names_,
                        &g.link_names_, &g.tenants_, &g.intent_names_, &g.dataset_names_, &g.token_names_,
                        &g.queue_names_, &g.taint_names_, &g.workflow_names_, &g.run_time_names_, &g.rack_names_}) {
      name_index(op, *names);
    }
    column(op, g.sites_, [](auto& o, auto& row) {
      o.number(row.vertex.value);
      o.number(row.state);
      o.number(row.drained);
      o.number(row.agent_steers);
    });
    column(op, g.site_specs_, [](auto& o, auto& spec) { shared(o, spec); });
    column(op, g.site_nodes_, [](auto& o, auto& ranges) {
      list(o, ranges, [](auto& o2, auto& range) {
        o2.number(range.first);
        o2.number(range.count);
      });
    });
    column(op, g.nodes_, [](auto& o, auto& row) {
      o.number(row.site.value);
      o.number(row.cpu_milli);
      o.number(row.memory_mib);
      o.number(row.speed_milli);
      o.number(row.accelerators);
      o.number(row.accelerator_model);
      flags_of_node(o, row);
    });
    column(op, g.node_free_, [](auto& o, auto& row) {
      o.number(row.cpu_milli);
      o.number(row.memory_mib);
      o.number(row.accelerators);
    });
    column(op, g.node_spare_, [](auto& o, auto& row) {
      for (auto* amount : {&row.cpu_milli_reclaimed, &row.memory_mib_reclaimed, &row.cpu_milli_taken, &row.memory_mib_taken}) {
        o.number(*amount);
      }
    });
    column(op, g.devices_, [](auto& o, auto& row) {
      o.number(row.first);
      o.number(row.kept);
      o.number(row.memory_mib);
      o.number(row.fp16_gflops);
      o.number(row.per_island);
      o.number(row.slices);
    });
    column(op, g.device_free_, [](auto& o, auto& row) {
      o.number(row.milli);
      o.number(row.memory_mib);
    });
    column(op, g.node_names_, [](auto& o, auto& name) { o.text(name); });
    column(op, g.node_racks_, [](auto& o, auto& row) { o.number(row); });
    column(op, g.links_out_, [](auto& o, auto& links) { list(o, links, [](auto& o2, auto& id) { o2.number(id.value); }); });
    column(op, g.link_specs_, [](auto& o, auto& spec) { shared(o, spec); });
    column(op, g.link_loads_, [](auto& o, auto& row) {
      o.number(row.free_bps);
      o.number(row.latency_us);
      o.number(row.jitter_us);
      o.number(row.loss_ppm);
      o.number(row.up);
    });
    column(op, g.intents_, [&g](auto& o, auto& row) { cow(o, row, [&g](auto& o2, auto& r) { intent(o2, r, g); }); });
    column(op, g.datasets_, [](auto& o, auto& row) { dataset(o, row); });
    column(op, g.queues_, [](auto& o, auto& spec) { shared(o, spec); });
    column(op, g.reservations_, [](auto& o, auto& row) { reservation(o, row); });
    column(op, g.run_times_, [](auto& o, auto& seen) {
      o.number(seen.last_us);
      o.number(seen.before_us);
    });
    column(op, g.workflows_, [](auto& o, auto& row) { cow(o, row, [](auto& o2, auto& r) { workflow(o2, r); }); });
    column(op, g.past_, [&g](auto& o, auto& row) { cow(o, row, [&g](auto& o2, auto& past) { remembered(o2, past, g); }); });
    column(op, g.tokens_, [](auto& o, auto& row) {
      cow(o, row, [](auto& o2, auto& r) {
        o2.text(r.secret_sha256);
        o2.text(r.subject);
        o2.text(r.redeemed_by);
        o2.number(r.issued);
        o2.number(r.expires);
        o2.number(r.redeemed);
        o2.number(r.role);
        o2.number(r.join);
        o2.number(r.revoked);
      });
    });
    revocations(op, g.revoked_until_);
  }

  // What follows from the rest: masks, per-direction rows, sums.
  static bool derive(Graph& g) {
    if (g.site_specs_.size() != g.sites_.size() || g.site_nodes_.size() != g.sites_.size() ||
        g.site_names_.size() != g.sites_.size() || g.node_free_.size() != g.nodes_.size() ||
        g.node_names_.size() != g.nodes_.size() || g.node_spare_.size() > g.nodes_.size() || g.links_out_.size() != g.vertex_names_.size() ||
        g.link_loads_.size() != 2 * g.link_specs_.size() || g.link_names_.size() != g.link_specs_.size() ||
        g.intent_names_.size() != g.intents_.size() || g.dataset_names_.size() != g.datasets_.size() ||
        g.token_names_.size() != g.tokens_.size() || g.queue_names_.size() != g.queues_.size() ||
        g.workflow_names_.size() != g.workflows_.size() || g.run_time_names_.size() != g.run_times_.size() || g.hour_ < 0 ||
        g.hour_ >= static_cast<int32_t>(limits::kHoursPerDay)) {
      return false;
    }
    if (g.node_racks_.size() > g.nodes_.size()) return false;
    for (size_t n = 0; n < g.node_racks_.size(); ++n) {
      if (g.node_racks_[n] != 0 && g.node_racks_[n] >= g.rack_names_.size()) return false;
    }
    for (size_t d = 0; d < g.devices_.size(); ++d) {
      const DevicesRow& row = g.devices_[d];
      if (row.per_island < 0 || row.slices < 0 || row.slices > kDeviceSlicesMax) return false;
      if (uint64_t{g.devices_[d].first} + g.devices_[d].kept > g.device_free_.size()) return false;
    }
    for (size_t n = 0; n < g.nodes_.size(); ++n) {
      if (g.nodes_[n].devices != 0 && g.nodes_[n].devices >= g.devices_.size()) return false;
    }
    for (size_t s = 0; s < g.sites_.size(); ++s) {
      const SiteSpec& spec = *g.site_specs_[s];
      SiteRow& row = g.sites_.mutate(s);
      const auto mask = g.residency_mask(spec.residency);
      if (!mask || row.vertex.index() >= g.vertex_names_.size()) return false;
      row.tier = spec.tier;
      row.steerable = Graph::steerable_by(spec, row.agent_steers);
      row.availability_ppm = spec.availability_ppm;
      row.residency = *mask;
      row.taints = g.taint_mask(spec.taints);
      g.tainted_sites_ += row.taints != 0 ? 1 : 0;
      row.asks = spec.asks;
      row.power = spec.power;
      if (!spec.hours.empty()) {
        if (spec.hours.size() != limits::kHoursPerDay) return false;
        row.hour = spec.hours[static_cast<size_t>(g.hour_)];
        ++g.hourly_sites_;
      }
      g.site_loads_.push_back({});
      for (const NodeRange& range : g.site_nodes_[s]) {
        if (size_t{range.first} + range.count > g.nodes_.size()) return false;
      }
      g.account_site_nodes(SiteId(s));
    }
    for (size_t l = 0; l < g.link_specs_.size(); ++l) {
      const LinkSpec& spec = *g.link_specs_[l];
      if (spec.a.index() >= g.vertex_names_.size() || spec.b.index() >= g.vertex_names_.size()) return false;
      g.links_.push_back(link_row(spec, true));
      g.links_.push_back(link_row(spec, false));
    }
    for (size_t v = 0; v < g.links_out_.size(); ++v) {
      for (const LinkId id : g.links_out_[v]) {
        if (id.index() >= g.links_.size()) return false;
      }
    }
    for (size_t l = 0; l < g.links_.size(); ++l) g.links_.mutate(l).steerable = g.steerable_by(*g.link_specs_[l / 2]);
    for (size_t i = 0; i < g.intents_.size(); ++i) {
      const IntentSpec& spec = *g.intents_[i]->spec;
      for (const auto* names : {&spec.where.near, &spec.where.apart_from}) {
        for (const IntentId other : *names) {
          if (other.index() >= g.intents_.size()) return false;
        }
      }
      g.count_kind(spec, 1);
      g.count_named(spec, 1);
    }
    for (size_t q = 0; q < g.queues_.size(); ++q) {
      if (g.queues_[q]->parent.valid() && g.queues_[q]->parent.index() >= q) return false;
    }
    for (size_t r = 0; r < g.reservations_.size(); ++r) {
      if (g.reservations_[r]->tenant.index() >= g.tenants_.size() ||
          g.reservations_[r]->spec.site.index() >= g.sites_.size()) {
        return false;
      }
      for (const LinkId id : g.reservations_[r]->spec.path) {
        if (id.index() >= g.links_.size()) return false;
      }
    }
    if (g.past_.size() > g.tenants_.size()) return false;
    for (size_t t = 0; t < g.past_.size(); ++t) {
      if (g.past_[t]->cases.size() > kPastCasesMax) return false;
      for (const auto& one : g.past_[t]->cases) {
        for (const auto* sites : {&one->sketch.from, &one->sketch.only}) {
          if (!std::all_of(sites->begin(), sites->end(), [&g](SiteId id) { return id.index() < g.sites_.size(); })) return false;
        }
        if (one->intent.valid() && (one->intent.index() >= g.intents_.size() || g.intent(one->intent).tenant != TenantId(t))) return false;
      }
    }
    g.keep_bandwidth();
    for (size_t i = 0; i < g.intents_.size(); ++i) {
      const WorkflowId workflow = g.intents_[i]->workflow;
      if (!workflow.valid()) continue;
      if (workflow.index() >= g.workflows_.size()) return false;
      g.workflows_.mutate(workflow.index()).mutate().intents.push_back(IntentId(i));
    }
    for (size_t d = 0; d < g.datasets_.size(); ++d) {
      const auto mask = g.residency_mask(g.datasets_[d]->spec.residency);
      if (!mask) return false;
      g.datasets_.mutate(d) = std::make_shared<const DatasetRow>(DatasetRow{g.datasets_[d]->spec, *mask});
    }
    if (!g.places_known(*g.shadow_prices_)) return false;
    g.spread_shadow_prices();
    return true;
  }

 private:
  // Fields of bits have no address.
  template <class Op, class Row>
  static void flags_of_node(Op& op, Row& row) {
    bool cordoned = row.cordoned;
    uint32_t devices = row.devices;
    op.number(cordoned);
    op.number(devices);
    if constexpr (Op::kReads) {
      row.cordoned = cordoned;
      row.devices = devices & 0x7fff'ffffu;
    }
  }

  template <class Op, class Body>
  static void kept_event(Op& op, const CowPtr<Body>& kept) {
    op.value(Event{0, {}, *kept});
  }
  template <class Op, class Body>
  static void kept_event(Op& op, CowPtr<Body>& kept) {
    Event event;
    op.value(event);
    if (auto* body = std::get_if<Body>(&event.body)) kept = CowPtr<Body>(std::move(*body));
  }

  template <class Op, class Pointer>
  static void revocations(Op& op, Pointer& revoked_until) {
    if constexpr (Op::kReads) {
      for (size_t n = op.count(); n > 0 && op.ok; --n) {
        SiteId site;
        op.number(site.value);
        op.number(revoked_until.mutate()[site]);
      }
    } else {
      op.unsigned_number(revoked_until->size());
      for (const auto& [site, until] : *revoked_until) {
        op.number(site.value);
        op.number(until);
      }
    }
  }

  template <class Op, class Names>
  static void name_index(Op& op, Names& names) {
    if constexpr (Op::kReads) {
      for (size_t n = op.count(); n > 0 && op.ok; --n) {
        std::string name;
        op.text(name);
        if (names.find(name) != Id<void>::kNone) op.ok = false;
        names.add(std::move(name));
      }
    } else {
      op.unsigned_number(names.size());
      for (size_t i = 0; i < names.size(); ++i) op.text(names.name(i));
    }
  }

  template <class Op, class Column, class Each>
  static void column(Op& op, Column& rows, Each&& each_row) {
    if constexpr (Op::kReads) {
      for (size_t n = op.count(); n > 0 && op.ok; --n) {
        std::remove_cvref_t<decltype(rows[0])> row{};
        each_row(op, row);
        rows.push_back(std::move(row));
      }
    } else {
      op.unsigned_number(rows.size());
      for (size_t i = 0; i < rows.size(); ++i) each_row(op, rows[i]);
    }
  }

  template <class Op, class List, class Each>
  static void list(Op& op, List& items, Each&& each_item) {
    if constexpr (Op::kReads) {
      for (size_t n = op.count(); n > 0 && op.ok; --n) {
        items.emplace_back();
        each_item(op, items.back());
      }
    } else {
      op.unsigned_number(items.size());
      for (auto& item : items) each_item(op, item);
    }
  }

  template <class Op>
  static void flags(Op& op, std::conditional_t<Op::kReads, std::vector<bool>, const std::vector<bool>>& items) {
    if constexpr (Op::kReads) {
      for (size_t n = op.count(); n > 0 && op.ok; --n) items.push_back(op.unsigned_number() != 0);
    } else {
      op.unsigned_number(items.size());
      for (const bool item : items) op.unsigned_number(item);
    }
  }

  template <class Op, class Pointer>
  static void shared(Op& op, Pointer& pointer) {
    if constexpr (Op::kReads) {
      std::remove_const_t<typename Pointer::element_type> value;
      op.value(value);
      pointer = std::make_shared<const decltype(value)>(std::move(value));
    } else {
      op.value(*pointer);
    }
  }

  template <class Op, class Pointer, class Each>
  static void cow(Op& op, Pointer& pointer, Each&& each_field) {
    if constexpr (Op::kReads) {
      each_field(op, pointer.mutate());
    } else {
      each_field(op, *pointer);
    }
  }

  template <class Op, class Pointer>
  static void dataset(Op& op, Pointer& pointer) {
    if constexpr (Op::kReads) {
      DatasetRow row;
      op.value(row.spec);
      pointer = std::make_shared<const DatasetRow>(std::move(row));
    } else {
      op.value(pointer->spec);
    }
  }

  template <class Op, class Pointer>
  static void reservation(Op& op, Pointer& pointer) {
    if constexpr (Op::kReads) {
      Graph::ReservationRow row;
      op.number(row.tenant.value);
      op.value(row.spec);
      op.number(row.cancelled);
      pointer = std::make_shared<const Graph::ReservationRow>(std::move(row));
    } else {
      op.number(pointer->tenant.value);
      op.value(pointer->spec);
      op.number(pointer->cancelled);
    }
  }

  // The wish of another generation than the newest stands beside its plan.
  template <class Op, class Pointer, class Row>
  static void held(Op& op, Pointer& pointer, const Row& row) {
    if constexpr (Op::kReads) {
      auto plan = std::make_shared<CommittedPlan>();
      op.number(plan->position);
      op.value(plan->plan);
      plan->spec = row.spec;
      if (plan->plan.generation != row.generation) shared(op, plan->spec);
      flags(op, plan->placement_passed_on);
      flags(op, plan->flow_passed_on);
      if (plan->placement_passed_on.size() != plan->plan.placements.size() ||
          plan->flow_passed_on.size() != plan->plan.flows.size()) {
        op.ok = false;
      }
      pointer = std::move(plan);
    } else {
      op.number(pointer->position);
      op.value(pointer->plan);
      if (pointer->plan.generation != row.generation) shared(op, pointer->spec);
      flags(op, pointer->placement_passed_on);
      flags(op, pointer->flow_passed_on);
    }
  }

  // A pointer that may be empty.
  template <class Op, class Pointer, class Each>
  static void maybe(Op& op, Pointer& pointer, Each&& each_value) {
    if constexpr (Op::kReads) {
      if (op.unsigned_number() != 0) each_value(op, pointer);
    } else {
      op.unsigned_number(pointer != nullptr);
      if (pointer) each_value(op, pointer);
    }
  }

  template <class Op, class Value>
  static void metered(Op& op, Value& value) {
    for (auto* window : {&value.span_, &value.whole_}) {
      op.number(window->from);
      op.number(window->to);
    }
    list(op, value.gaps_, [](auto& o, auto& gap) {
      o.number(gap.from);
      o.number(gap.to);
    });
  }

  template <class Op, class Row>
  static void demand(Op& op, Row& row) {
    if constexpr (Op::kReads) {
      int64_t work_us = 0;
      int32_t instances = 0;
      op.number(work_us);
      op.number(instances);
      const Schedule& schedule = row.spec->schedule;
      if (work_us < row.spec->traffic.work_us_per_request || work_us > limits::kLatencyUsMax) op.ok = false;
      row.demand = work_us == row.spec->traffic.work_us_per_request ? row.spec : with_work(*row.spec, work_us);
      if (instances == schedule.instances) return;
      if (!is_malleable(schedule) || instances < schedule.instances_min || instances > schedule.instances) op.ok = false;
      row.demand = with_instances(*row.demand, instances);
    } else {
      op.number(row.demand->traffic.work_us_per_request);
      op.number(row.demand->schedule.instances);
    }
  }

  template <class Op, class Pointer, class Time>
  static void preempted(Op& op, Pointer& pointer, Time& at) {
    if constexpr (Op::kReads) {
      Event event;
      op.value(event);
      at = event.at;
      if (auto* body = std::get_if<JobPreempted>(&event.body)) {
        pointer = std::make_shared<const JobPreempted>(std::move(*body));
      } else {
        op.ok = false;
      }
    } else {
      op.value(Event{at, "brain", *pointer});
    }
  }

  template <class Op, class Pointer>
  static void claim(Op& op, Pointer& pointer) {
    Claim value;
    if constexpr (!Op::kReads) value = *pointer;
    op.number(value.site.value);
    op.number(value.at);
    list(op, value.from, [](auto& o, auto& from) {
      o.number(from.first.value);
      o.number(from.second);
    });
    if constexpr (Op::kReads) pointer = std::make_shared<const Claim>(std::move(value));
  }

  // The wish of most tasks is that of their array, which comes before them.
  template <class Op, class Row>
  static void wish(Op& op, Row& row, const Graph& g) {
    op.number(row.array.value);
    op.number(row.task);
    bool as_array = false;
    if constexpr (!Op::kReads) as_array = row.array.valid() && g.intent(row.array).spec == row.spec;
    if (row.array.valid()) op.number(as_array);
    if constexpr (Op::kReads) {
      if (row.array.valid() && (row.array.index() >= g.intents_.size() || g.intent(row.array).array.valid())) op.ok = false;
      as_array = as_array && op.ok;
      if (as_array) row.spec = g.intent(row.array).spec;
    }
    if (!as_array) shared(op, row.spec);
  }

  template <class Op, class Row>
  static void intent(Op& op, Row& row, const Graph& g) {
    op.number(row.tenant.value);
    op.number(row.generation);
    op.number(row.state);
    op.number(row.promise_kept);
    op.number(row.finished);
    op.number(row.failed);
    op.number(row.preemptions);
    op.number(row.submitted);
    op.number(row.submitted_at);
    op.number(row.predicted_us);
    wish(op, row, g);
    demand(op, row);
    maybe(op, row.active, [&row](auto& o, auto& p) { held(o, p, row); });
    list(op, row.retiring, [&row](auto& o, auto& p) { held(o, p, row); });
    maybe(op, row.refusal, [](auto& o, auto& p) { shared(o, p); });
    list(op, row.runs, [](auto& o, auto& run) {
      o.number(run.run.plan);
      o.number(run.run.item);
      o.number(run.site.value);
      o.number(run.state);
      o.number(run.exit_code);
      o.number(run.began);
      metered(o, run.metered);
    });
    list(op, row.retired_runs, [](auto& o, auto& run) {
      o.number(run.run.plan);
      o.number(run.run.item);
      o.number(run.site.value);
      o.number(run.retired);
      metered(o, run.metered);
    });
    list(op, row.flows_on_protection, [](auto& o, auto& flow) { o.number(flow); });
    list(op, row.promise_broken_at, [](auto& o, auto& site) { o.number(site.value); });
    op.number(row.claims);
    maybe(op, row.preempted, [&row](auto& o, auto& p) { preempted(o, p, row.preempted_at); });
    maybe(op, row.claim, [](auto& o, auto& p) { claim(o, p); });
    for (auto* count : {&row.tasks.submitted, &row.tasks.waiting, &row.tasks.running, &row.tasks.finished, &row.tasks.failed}) {
      op.number(*count);
    }
    op.number(row.workflow.value);
    op.text(row.stage);
  }

  template <class Op, class Row>
  static void workflow(Op& op, Row& row) {
    op.number(row.tenant.value);
    op.number(row.generation);
    op.number(row.state);
    op.number(row.finished);
    op.number(row.submitted_at);
    op.number(row.submitted);
    op.number(row.planned_at);
    shared(op, row.spec);
    maybe(op, row.plan, [](auto& o, auto& p) { planned(o, p); });
    maybe(op, row.planned_spec, [](auto& o, auto& p) { shared(o, p); });
    maybe(op, row.refusal, [](auto& o, auto& p) { planned(o, p); });
  }

  template <class Op, class Value>
  static void remembered(Op& op, Value& past, const Graph& g) {
    op.number(past.hour);
    op.number(past.recorded);
    list(op, past.cases, [&g](auto& o, auto& pointer) {
      PastCase one;
      if constexpr (!Op::kReads) one = *pointer;
      past_case(o, one, g);
      if constexpr (Op::kReads) pointer = std::make_shared<const PastCase>(std::move(one));
    });
  }

  // Its wish is mostly that of its intent, which is known by then. Texts and sites are checked by the codec of the event.
  template <class Op>
  static void past_case(Op& op, PastCase& one, const Graph& g) {
    op.number(one.recorded);
    op.number(one.item);
    op.number(one.opinion);
    op.number(one.blame);
    op.number(one.billed_per_hour);
    op.number(one.samples);
    op.number(one.missed);
    op.number(one.finished);
    op.number(one.failed);
    Event event{one.at, {}, DialogueHeld{.tenant = TenantId(0u), .end = one.end, .said = {}, .offers = {{one.sketch, {}, one.way, one.intent, one.generation}}}};
    op.value(event);
    if constexpr (Op::kReads) {
      auto* held = std::get_if<DialogueHeld>(&event.body);
      if (held == nullptr || held->offers.size() != 1 || one.opinion > Opinion::kBad || one.blame > Blame::kOther) {
        op.ok = false;
        return;
      }
      one.at = event.at;
      one.end = held->end;
      DialogueOffer& offer = held->offers.front();
      one.sketch = std::move(offer.sketch);
      one.way = std::move(offer.taken);
      one.intent = offer.intent;
      one.generation = offer.generation;
    }
    const IntentRow* row = one.intent.index() < g.intents_.size() ? &g.intent(one.intent) : nullptr;
    bool as_intent = row != nullptr && row->spec == one.spec;
    bool known = one.spec != nullptr;
    op.number(known);
    if (!known) return;
    op.number(as_intent);
    if (!as_intent) return shared(op, one.spec);
    if constexpr (Op::kReads) {
      if (row == nullptr) op.ok = false;
      else one.spec = row->spec;
    }
  }

  template <class Op, class Pointer>
  static void planned(Op& op, Pointer& pointer) {
    if constexpr (Op::kReads) {
      Event event;
      op.value(event);
      if (auto* body = std::get_if<WorkflowPlanned>(&event.body)) {
        pointer = std::make_shared<const WorkflowPlanned>(std::move(*body));
      } else {
        op.ok = false;
      }
    } else {
      op.value(Event{0, "brain", *pointer});
    }
  }
};

std::vector<std::byte> encode_graph(const Graph& graph) {
  Writer writer;
  writer.unsigned_number(kFormat);
  Checkpointer::each(writer, graph);
  return writer.take();
}

Result<Graph> decode_graph(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  if (reader.unsigned_number() != kFormat) return fail(ErrorCode::kUnsupported, "checkpoint of another format");
  Graph graph;
  Checkpointer::each(reader, graph);
  if (!reader.ok || !reader.done() || !Checkpointer::derive(graph)) {
    return fail(ErrorCode::kCorrupt, "not a checkpoint of a graph");
  }
  return graph;
}

}  // namespace weir
