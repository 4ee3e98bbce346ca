#include "service/gateway/views.h"

#include <algorithm>
#include <set>

#include "core/event/codec.h"
#include "core/graph/expected_run.h"
#include "core/graph/subject.h"
#include "core/loop/address.h"
#include "core/loop/links.h"
#include "core/units/text.h"
#include "service/gateway/event_text.h"
#include "service/gateway/explain.h"
#include "service/gateway/names.h"
#include "service/gateway/waiting.h"
#include "service/resource/resource.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

template <class Value, class Message>
void put_stored(const Value& value, Message& out) {
  std::vector<std::byte> bytes;
  encode(value, bytes);
  out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

std::string_view intent_state(const IntentRow& row, size_t running) {
  switch (row.state) {
    case IntentState::kPending: return is_array(row) && row.tasks.running > 0 ? "running" : "pending";
    case IntentState::kRefused: return "refused";
    case IntentState::kWithdrawn: return row.finished ? "finished" : has_failed(row) ? "failed" : "withdrawn";
    case IntentState::kPlaced: break;
  }
  return row.active && running >= row.active->plan.placements.size() ? "running" : "placed";
}

// Of the active plan: what a plan that is given up still runs does not count.
uint32_t instances_running(const IntentRow& row) {
  uint32_t running = 0;
  for (size_t i = 0; row.active && i < row.active->plan.placements.size(); ++i) {
    const RunId run = row.active->run(i);
    const auto at = std::find_if(row.runs.begin(), row.runs.end(), [run](const RunRow& r) { return r.run == run; });
    if (at != row.runs.end() && at->state == RunState::kRunning) ++running;
  }
  return running;
}

const CommittedPlan* holder(const IntentRow& row, RunId run, size_t& placement) {
  const auto within = [&](const CommittedPlan& plan) {
    for (size_t i = 0; i < plan.plan.placements.size(); ++i) {
      if (plan.run(i) == run) {
        placement = i;
        return true;
      }
    }
    return false;
  };
  if (row.active && within(*row.active)) return row.active.get();
  for (const auto& plan : row.retiring) {
    if (within(*plan)) return plan.get();
  }
  return nullptr;
}

// Why a site cannot steer, by its description and by what its agent reports; none: it can.
std::optional<std::string> why_plain(const ViewSources& from, SiteId id) {
  if (!from.graph.site_spec(id).steerable) return "its description says steerable: false";
  if (from.graph.site_spec(id).sid.empty()) return "its description gives no network.sid";
  if (from.graph.site(id).steerable) return std::nullopt;
  const auto contact = from.ports.contact ? from.ports.contact(id) : std::nullopt;
  return contact && !contact->not_steerable_why.empty() ? contact->not_steerable_why : "its agent cannot steer";
}

// A link carries steered traffic where both of its ends send it on: a router by its SID, a site by its agent
// too.
std::optional<std::string> why_plain(const ViewSources& from, LinkId id) {
  const LinkSpec& spec = from.graph.link_spec(id);
  if (!spec.steerable) return "its description says steerable: false";
  for (const auto& [end, sid] : {std::pair(spec.a, &spec.sid_a), std::pair(spec.b, &spec.sid_b)}) {
    const SiteId site = from.graph.site_at(end);
    if (!site.valid()) {
      if (sid->empty()) return "its description gives no SID for " + from.graph.vertex_name(end);
    } else if (const auto why = why_plain(from, site)) {
      return "site " + from.graph.site_name(site) + ": " + *why;
    }
  }
  return std::nullopt;
}

void put_use(const RunHistory& history, v1::RunView& run) {
  run.set_cpu_us(history.cpu_us);
  run.set_memory_mib_seconds(history.memory_mib_us / 1'000'000);
  run.set_received_bytes(history.received_bytes);
  run.set_sent_bytes(history.sent_bytes);
  run.set_energy_microjoule(history.energy_microjoule);
  run.set_started(history.started);
}

// A job that has been begun: when its first run was.
TimeUs begun(const IntentRow& row) {
  TimeUs out = 0;
  for (const RunRow& run : row.runs) {
    if (run.began != 0 && (out == 0 || run.began < out)) out = run.began;
  }
  return out;
}

// What the tasks of an array have, as one. The newest were begun last, so that those before them need no look.
void put_running_tasks(const Graph& graph, IntentId array, v1::Intent::Status& status) {
  const TaskCounts& tasks = graph.intent(array).tasks;
  if (graph.intent(array).state == IntentState::kWithdrawn) return;
  Nanocredits billed = 0;
  size_t instances = 0, running = 0;
  for (int32_t left = tasks.running, k = tasks.submitted; left > 0 && k-- > 0;) {
    const IntentId id = graph.find_task(array, static_cast<uint32_t>(k));
    if (!id.valid() || !graph.intent(id).active) continue;
    const IntentRow& task = graph.intent(id);
    --left;
    billed = saturating_add(billed, task.active->plan.billed_per_hour);
    instances += task.active->plan.placements.size();
    running += instances_running(task);
  }
  status.set_billed_per_hour_nanocredits(billed);
  status.set_instances(static_cast<uint32_t>(instances));
  status.set_instances_running(static_cast<uint32_t>(running));
}

// What a job without a plan waits for; of an array its next task.
void put_wait(const ViewSources& from, IntentId id, v1::Intent::Status& status) {
  const IntentRow& row = from.graph.intent(id);
  if (!from.queues || row.active || row.state == IntentState::kWithdrawn) return;
  const auto report = from.queues();
  const auto wait = waiting(from.graph, *report, id);
  const bool runs = is_array(row) && row.tasks.running > 0;
  if (!wait) {
    const IntentRow& next = next_task(from.graph, *report, id);
    if (next.state != IntentState::kRefused || !next.refusal) return;
    if (!runs) status.set_state("refused");
    status.set_why(refusal_sentences(from.graph, *next.spec, *next.refusal, from.language).front());
    return;
  }
  const Reading reading{from.graph, *report, from.all};
  if (!runs) status.set_state("waiting");
  status.set_why(wait_text(reading, *wait, from.language));
  put_waiting(reading, *wait, *status.mutable_waiting());
}

}  // namespace

Result<Language> language_of(std::string_view name) {
  if (name.empty() || name == "en") return Language::kEnglish;
  if (name == "zh") return Language::kChinese;
  return fail(ErrorCode::kInvalid, "is not spoken here", "language", "say \"en\" or \"zh\"");
}

resource::Names names_of(const Graph& graph) {
  return {.site = [&graph](SiteId id) { return graph.site_name(id); },
          .vertex = [&graph](VertexId id) { return graph.vertex_name(id); },
          .dataset = [&graph](DatasetId id) { return short_name(graph.dataset(id).spec.name); },
          .queue = [&graph](QueueId id) { return graph.queue(id).name; },
          .intent = [&graph](IntentId id) { return short_name(graph.intent_name(id)); }};
}

std::string stored_dataset_name(std::string_view tenant, std::string_view name) {
  return std::string(tenant) + "/" + std::string(name);
}

void put_value(const Plan& plan, v1::Plan& out) { put_stored(plan, out); }
void put_value(const Refusal& refusal, v1::Refusal& out) { put_stored(refusal, out); }
void put_value(const Error& error, v1::ErrorDetail& out) {
  out.set_code(std::string(to_text(error.code)));
  out.set_what(clip_utf8(error.what, SIZE_MAX));
  out.set_where(clip_utf8(error.where, SIZE_MAX));
  out.set_remedy(clip_utf8(error.remedy, SIZE_MAX));
}

std::string failure_text(const ViewSources& from, IntentId id) {
  const IntentRow& row = from.graph.intent(id);
  if (row.state == IntentState::kWithdrawn || !row.active ||
      instances_running(row) >= row.active->plan.placements.size()) {
    return "";
  }
  const std::string failure = from.history.failure(id);
  if (failure.empty()) return "";
  return from.language == Language::kChinese ? "最近一次失败（账本所记）：" + failure + "。会再试。" : "The newest " + failure + ". It is tried again.";
}

std::string why_failed(const ViewSources& from, IntentId id) {
  std::string why = from.history.why(id);
  // The history follows the graph with a small delay.
  if (why.empty() && from.ports.history.wait_for(from.graph.version(), kHistoryPatienceUs)) why = from.history.why(id);
  return why.empty() ? "the brain ended it" : why;
}

void put_intent(const ViewSources& from, IntentId id, v1::Resource& out) {
  const Graph& graph = from.graph;
  const IntentRow& row = graph.intent(id);
  const std::string& tenant = graph.tenant_name(row.tenant);
  resource::to_message(resource::describe(*row.spec, tenant, names_of(graph)), out);
  v1::Intent& intent = *out.mutable_intent();
  intent.mutable_metadata()->set_generation(row.generation);
  v1::Intent::Status& status = *intent.mutable_status();
  if (row.array.valid()) {
    intent.mutable_metadata()->set_name(short_name(graph.intent_name(id)));
    intent.mutable_spec()->mutable_schedule()->clear_tasks();
    status.set_array(short_name(graph.intent_name(row.array)));
    status.set_task(row.task);
  }
  const uint32_t running = instances_running(row);
  if (row.active) {
    const CommittedPlan& active = *row.active;
    status.set_has_plan(true);
    status.set_plan(active.position);
    status.set_instances(static_cast<uint32_t>(active.plan.placements.size()));
    status.set_billed_per_hour_nanocredits(active.plan.billed_per_hour);
    int64_t worst = 0;
    for (const Flow& flow : active.plan.flows) worst = std::max(worst, flow.latency_us_predicted);
    status.set_latency_us_predicted(worst);
  }
  status.set_instances_running(running);
  if (is_array(row)) {
    put_tasks(graph, row, std::max(from.ports.clock.wall_us(), graph.now()), *status.mutable_tasks());
    put_running_tasks(graph, id, status);
  }
  status.set_generation(row.generation);
  status.set_state(std::string(intent_state(row, running)));
  if (row.spec->workload.kind == WorkKind::kService || !row.spec->from.empty()) status.set_promise_kept(row.promise_kept);
  if (has_failed(row)) {
    status.set_why(why_failed(from, id));
  } else if (row.refusal && (row.state == IntentState::kRefused || !row.promise_kept || running < status.instances())) {
    status.set_why(refusal_sentences(graph, *row.spec, *row.refusal, from.language).front());
  } else if (!row.promise_kept) {
    status.set_why(from.history.why(id));
  }
  if (const std::string failure = failure_text(from, id); !failure.empty()) {
    const bool waits = row.refusal && row.refusal->reasons.size() == 1 &&
                       row.refusal->reasons[0].code == ReasonCode::kRestarting;
    status.set_why(failure + (waits || status.why().empty() ? "" : " " + status.why()));
  }
  if (const auto measured = from.history.measured(id)) {
    status.set_samples(measured->samples);
    status.set_misses(measured->misses);
    status.set_lost(measured->lost);
    status.set_latency_us_measured(row.spec->promise.percentile_ppm <= 500'000 ? measured->latency_us_p50
                                                                               : measured->latency_us_p99);
  }
  if (row.spec->workload.kind == WorkKind::kService) {
    status.set_service_address(service_address(graph.service_prefix(), id));
    status.set_service_port(static_cast<uint32_t>(row.spec->workload.port));
  } else {
    status.set_started(begun(row));
    status.set_predicted_run_us(row.predicted_us);
    status.set_expected_run_us(expected_run_us(graph, row));
    put_wait(from, id, status);
    status.set_preemptions(row.preemptions);
    if (row.preempted) put_preemption(graph, from.all, id, id, *status.mutable_preempted());
    for (const IntentId other : preempted_for(graph, id)) {
      put_preemption(graph, from.all, other, id, *status.add_preempts());
    }
  }
}

void put_site(const ViewSources& from, SiteId id, policy::View view, v1::Resource& out) {
  const Graph& graph = from.graph;
  const SiteRow& row = graph.site(id);
  resource::to_message(resource::describe(graph.site_spec(id)), out);
  v1::Site& site = *out.mutable_site();
  v1::Site::Status& status = *site.mutable_status();
  status.set_id(id.value);
  status.set_state(std::string(to_text(row.state)));
  const SiteLoad& load = graph.load(id);
  status.set_cpu_milli_total(load.cpu_milli_total);
  status.set_memory_mib_total(load.memory_mib_total);
  status.set_accelerators_total(load.accelerators_total);
  const auto contact = from.ports.contact ? from.ports.contact(id) : std::nullopt;
  const std::optional<std::string> plain = why_plain(from, id);
  status.set_paths(plain ? "plain" : "srv6");
  if (plain) status.set_paths_why(*plain);
  status.set_restricted(view != policy::View::kFull);
  if (view != policy::View::kFull) {
    site.mutable_spec()->clear_network();
    return;
  }
  status.set_why(from.history.why(id));
  status.set_cpu_milli_free(load.cpu_milli_free);
  status.set_memory_mib_free(load.memory_mib_free);
  status.set_accelerators_free(load.accelerators_free);
  status.set_accelerator_milli_free(load.accelerator_milli_free);
  uint32_t nodes = 0, runs = 0;
  for (const NodeRange& range : graph.nodes(id)) nodes += range.count;
  for (size_t i = 0; i < graph.intent_count(); ++i) {
    for (const RunRow& run : graph.intent(IntentId(i)).runs) {
      if (run.site == id && (run.state == RunState::kRunning || run.state == RunState::kStarting)) ++runs;
    }
  }
  status.set_nodes(nodes);
  status.set_runs(runs);
  if (contact) {
    status.set_driver(contact->driver);
    status.set_isolation(contact->isolation);
    status.set_agent_version(contact->agent_version);
    status.set_heard_us_ago(contact->heard_us_ago);
  }
}

void put_router(const ViewSources& from, VertexId id, v1::Resource& out) {
  resource::to_message(resource::Resource{.value = resource::Router{.name = from.graph.vertex_name(id)}}, out);
  v1::Router& router = *out.mutable_router();
  router.clear_spec();  // a router's place is not kept
  router.mutable_status()->set_vertex(id.value);
}

std::string_view link_state(const Graph& graph, LinkId id) {
  const bool up = graph.load(id).up, back_up = graph.load(opposite(id)).up;
  return up && back_up ? "up" : up || back_up ? "half" : "down";
}

void put_link(const ViewSources& from, LinkId id, policy::View view, v1::Resource& out) {
  const Graph& graph = from.graph;
  resource::to_message(resource::describe(graph.link_spec(id), names_of(graph)), out);
  v1::Link& link = *out.mutable_link();
  v1::Link::Status& status = *link.mutable_status();
  status.set_id(id.value);
  status.set_state(std::string(link_state(graph, id)));
  status.set_bandwidth_bps(graph.link(id).bandwidth_bps);
  const std::optional<std::string> plain = why_plain(from, id);
  status.set_steerable(!plain);
  if (plain) status.set_paths_why(*plain);
  if (view != policy::View::kFull) {
    link.mutable_spec()->clear_sids();
    return;
  }
  const auto put = [&](LinkId at, v1::Link::Direction& d) {
    const LinkLoad& load = graph.load(at);
    const LinkRow& row = graph.link(at);
    d.set_up(load.up);
    d.set_why(from.history.why(at));
    d.set_bandwidth_bps_reserved(row.bandwidth_bps - load.free_bps);
    d.set_latency_us(load.latency_us);
    d.set_jitter_us(load.jitter_us);
    d.set_loss_ppm(load.loss_ppm);
    d.set_measured(load.latency_us != row.latency_us || load.jitter_us != row.jitter_us);
    d.set_scarcity_per_gbps_hour_nanocredits(graph.link_price(at) - row.per_gbps_hour);
  };
  put(id, *status.mutable_forward());
  put(opposite(id), *status.mutable_backward());
}

void put_dataset(const ViewSources& from, DatasetId id, v1::Resource& out) {
  DatasetSpec spec = from.graph.dataset(id).spec;
  const std::string tenant = spec.name.substr(0, spec.name.find('/'));
  spec.name = short_name(spec.name);
  resource::to_message(resource::describe(spec, tenant, names_of(from.graph)), out);
}

void put_offer(const ViewSources& from, SiteId id, v1::Resource& out) {
  const std::string& site = from.graph.site_name(id);
  resource::to_message(
      resource::Resource{.value = resource::Offer{.name = site, .site = site, .site_id = id, .asks = from.graph.site(id).asks,
                                                         .best_effort_asks_milli = from.graph.site_spec(id).best_effort_asks_milli}},
      out);
}

void put_tenant(const ViewSources& from, TenantId id, v1::Resource& out) {
  resource::to_message(resource::Resource{.value = resource::Tenant{from.graph.tenant_name(id)}}, out);
  uint32_t intents = 0;
  Nanocredits billed = 0;
  for (size_t i = 0; i < from.graph.intent_count(); ++i) {
    const IntentRow& row = from.graph.intent(IntentId(i));
    if (row.tenant != id || row.state == IntentState::kWithdrawn) continue;
    if (!row.array.valid()) ++intents;
    if (row.active) billed += row.active->plan.billed_per_hour;
  }
  out.mutable_tenant()->mutable_status()->set_intents(intents);
  out.mutable_tenant()->mutable_status()->set_billed_per_hour_nanocredits(billed);
}

std::string_view token_state(const TokenRow& token, TimeUs now) {
  if (token.revoked) return "revoked";
  if (!token.redeemed_by.empty()) return "used";
  return token.expires != 0 && now >= token.expires ? "expired" : "good";
}

void put_token(const ViewSources& from, size_t row, v1::Resource& out) {
  const TokenRow& token = from.graph.token(row);
  v1::TokenView& view = *out.mutable_token();
  view.set_token(from.graph.token_name(row));
  view.set_join(token.join);
  if (!token.join) view.set_role(static_cast<v1::Role>(static_cast<int>(token.role) + 1));
  view.set_subject(token.subject);
  view.set_issued(token.issued);
  view.set_expires(token.expires);
  view.set_used(token.redeemed);
  view.set_used_by(token.redeemed_by);
  view.set_state(std::string(token_state(token, from.ports.clock.wall_us())));
}

void put_node(const ViewSources& from, NodeId id, v1::Resource& out) {
  const Graph& graph = from.graph;
  const NodeRow& row = graph.node(id);
  v1::NodeView& node = *out.mutable_node();
  node.set_id(id.value);
  node.set_site(graph.site_name(row.site));
  v1::NodeSpec& spec = *node.mutable_spec();
  spec.set_name(graph.node_name(id));
  spec.set_cpu_milli(row.cpu_milli);
  spec.set_memory_mib(row.memory_mib);
  spec.set_accelerators(row.accelerators);
  if (row.accelerator_model != 0) spec.set_accelerator_model(graph.accelerator_models().name(row.accelerator_model));
  spec.set_speed_milli(row.speed_milli);
  node.set_cpu_milli_free(graph.free(id).cpu_milli);
  node.set_memory_mib_free(graph.free(id).memory_mib);
  node.set_accelerators_free(graph.free(id).accelerators);
  node.set_cpu_milli_best_effort(graph.spare(id).cpu_milli_taken);
  node.set_memory_mib_best_effort(graph.spare(id).memory_mib_taken);
  node.set_cpu_milli_spare(graph.spare_room(id).cpu_milli);
  node.set_memory_mib_spare(graph.spare_room(id).memory_mib);
  if (row.accelerators > 0) {
    spec.set_accelerator_memory_mib(graph.devices(row).memory_mib);
    spec.set_accelerator_fp16_gflops(graph.devices(row).fp16_gflops);
    spec.set_accelerators_per_island(graph.devices(row).per_island);
    spec.set_accelerator_slices(graph.devices(row).slices);
    const DeviceRoom room = graph.device_room(id);
    for (const DeviceFree& device : room.devices()) {
      v1::NodeView::Device& out_device = *node.add_devices();
      out_device.set_milli_free(device.milli);
      // A whole device has its memory with it.
      out_device.set_memory_mib_free(device.milli == 0 ? 0 : device.memory_mib);
    }
  }
  spec.set_rack(std::string(graph.rack_name(id)));
  node.set_cordoned(row.cordoned);
}

void put_run(const ViewSources& from, IntentId intent, const RunRow& row, policy::View view, v1::Resource& out) {
  const Graph& graph = from.graph;
  const IntentRow& of = graph.intent(intent);
  v1::RunView& run = *out.mutable_run();
  run.mutable_id()->set_plan(row.run.plan);
  run.mutable_id()->set_item(row.run.item);
  run.set_tenant(graph.tenant_name(of.tenant));
  run.set_site(graph.site_name(row.site));
  run.set_state(static_cast<v1::RunState>(static_cast<int>(row.state) + 1));
  const RunHistory history = from.history.run(row.run);
  put_use(history, run);
  if (has_ended(row.state)) run.set_ended(history.ended);
  size_t placement = 0;
  const CommittedPlan* plan = holder(of, row.run, placement);
  if (plan) {
    run.set_node(graph.node_name(plan->plan.placements[placement].node));
    run.set_streams(plan->plan.placements[placement].streams);
  }
  if (view != policy::View::kFull) return;
  run.set_intent(short_name(graph.intent_name(intent)));
  run.set_exit_code(row.exit_code);
  run.set_why(history.why);
  if (history.why.empty() && (row.state == RunState::kPlanned || row.state == RunState::kStarting)) {
    if (const std::string before = from.history.failure(intent); !before.empty())
      run.set_why("before it, a " + before);
  }
  run.set_billed_per_hour_nanocredits(history.billed_per_hour);
  run.set_address(run_address(graph.site_spec(row.site).prefix, row.run));
  run.set_port(static_cast<uint32_t>(of.spec->workload.port));
}

bool put_past_run(const ViewSources& from, RunId id, policy::View view, v1::Resource& out) {
  const RunHistory history = from.history.run(id);
  if (history.tenant.empty()) return false;
  v1::RunView& run = *out.mutable_run();
  run.mutable_id()->set_plan(id.plan);
  run.mutable_id()->set_item(id.item);
  run.set_tenant(history.tenant);
  run.set_site(history.site);
  run.set_state(static_cast<v1::RunState>(static_cast<int>(history.state) + 1));
  put_use(history, run);
  run.set_ended(history.ended);
  run.set_past(true);
  (void)from.ports.log.read(id.plan, id.plan + 1, [&](Position, Bytes record) -> Status {
    const auto event = decode(record);
    const auto* committed = event ? std::get_if<PlanCommitted>(&event->body) : nullptr;
    if (!committed || id.item >= committed->plan.placements.size()) return {};
    const Placement& placement = committed->plan.placements[id.item];
    run.set_node(from.graph.node_name(placement.node));
    run.set_streams(placement.streams);
    return {};
  });
  if (view != policy::View::kFull) return true;
  run.set_intent(history.intent);
  run.set_exit_code(history.exit_code);
  run.set_why(!history.why.empty() || has_ended(history.state)
                  ? history.why
                  : "its plan was retired; its end was not reported");
  run.set_billed_per_hour_nanocredits(history.billed_per_hour);
  return true;
}

void put_event(const Graph& graph, Position position, const Event& event, Bytes record, const std::string& no_effect,
               Language language, v1::Resource& out) {
  const EventSubject subject = subject_of(graph, event);
  v1::EventView& view = *out.mutable_event();
  view.set_position(position);
  view.set_at(event.at);
  view.set_actor(event.actor);
  view.set_name(std::string(event.name()));
  if (subject.tenant.index() < graph.tenant_count()) view.set_tenant(graph.tenant_name(subject.tenant));
  view.set_subject(subject.name);
  const std::string changed_nothing = no_effect.empty() ? "" : language == Language::kChinese ? "什么也没有改变：" + no_effect + "。" : " It changed nothing: " + no_effect + ".";
  view.set_text(event_text(graph, event, language) + changed_nothing);
  if (!record.empty()) view.set_record(record.data(), record.size());
}

void put_plan(const Graph& graph, const IntentRow& row, IntentId intent, const Plan& plan,
              std::optional<Position> position, std::string_view state, v1::PlanView& out, Language language) {
  out.set_committed(position.has_value());
  if (position) out.set_position(*position);
  out.set_tenant(graph.tenant_name(row.tenant));
  out.set_intent(short_name(graph.intent_name(intent)));
  out.set_state(std::string(state));
  put_value(plan, *out.mutable_value());
  for (size_t i = 0; i < plan.placements.size(); ++i) {
    if (!plan.placements[i].continues.valid()) out.mutable_value()->mutable_placements(static_cast<int>(i))->clear_continues();
  }
  const bool is_active = row.active && position == row.active->position;
  for (size_t i = 0; i < plan.placements.size(); ++i) {
    const Placement& placement = plan.placements[i];
    v1::PlacementView& p = *out.add_placements();
    p.set_item(static_cast<uint32_t>(i));
    p.set_site(graph.site_name(placement.site));
    p.set_node(graph.node_name(placement.node));
    if (!position) continue;
    const RunId run = placement.continues.valid() ? placement.continues : RunId{*position, static_cast<uint32_t>(i)};
    const auto at = std::find_if(row.runs.begin(), row.runs.end(), [run](const RunRow& r) { return r.run == run; });
    if (at != row.runs.end()) p.set_state(std::string(to_text(at->state)));
  }
  for (size_t i = 0; i < plan.flows.size(); ++i) {
    const Flow& flow = plan.flows[i];
    const SiteId to = plan.placements[flow.placement].site;
    v1::FlowView& f = *out.add_flows();
    f.set_ingress(graph.site_name(flow.ingress));
    f.set_site(graph.site_name(to));
    for (const LinkId link : flow.path) f.add_path(graph.link_name(link));
    for (const LinkId link : flow.protection) f.add_protection(graph.link_name(link));
    const bool on_protection =
        is_active && std::binary_search(row.flows_on_protection.begin(), row.flows_on_protection.end(), i);
    f.set_on_protection(on_protection);
    const auto& way = on_protection ? flow.protection : flow.path;
    for (std::string& hop : hops(graph, flow.ingress, way)) f.add_hops(std::move(hop));
    f.set_driver(segments(graph, way, to).empty() ? "plain" : "srv6");
  }
  out.set_reason(reason_text(graph, *row.spec, plan.reason, language));
  for (const Alternative& alternative : plan.alternatives) {
    v1::AlternativeView& a = *out.add_alternatives();
    const Reason& reason = alternative.reason;
    if (reason.ingress.index() < graph.site_count()) a.set_ingress(graph.site_name(reason.ingress));
    if (reason.site.index() < graph.site_count()) a.set_site(graph.site_name(reason.site));
    a.set_feasible(reason.code == ReasonCode::kPrice);
    a.set_reason(alternative_text(graph, *row.spec, plan, alternative, language));
    if (!alternative.path.empty() && reason.ingress.valid()) {
      for (std::string& hop : hops(graph, reason.ingress, alternative.path)) a.add_hops(std::move(hop));
    }
  }
}

void put_outlook(const Graph& graph, const Plan& plan, v1::Outlook& out) {
  std::set<std::string> sites;
  for (const Placement& placement : plan.placements) sites.insert(graph.site_name(placement.site));
  for (const std::string& site : sites) out.add_sites(site);
  out.set_billed_per_hour_nanocredits(plan.billed_per_hour);
  int64_t worst = 0;
  for (const Flow& flow : plan.flows) worst = std::max(worst, flow.latency_us_predicted);
  out.set_latency_us_predicted(worst);
}

void put_traffic(const Ports& ports, const Plan& plan, v1::PlanView& out) {
  if (!ports.path_traffic) return;
  for (size_t i = 0; i < plan.flows.size(); ++i) {
    const Flow& flow = plan.flows[i];
    const SiteId to = plan.placements[flow.placement].site;
    v1::FlowView& f = *out.mutable_flows(static_cast<int>(i));
    for (const uint16_t label : {flow.label_working, flow.label_protection}) {
      if (label == 0) continue;
      if (const auto sent = ports.path_traffic(flow.ingress, label)) {
        f.set_counted(true);
        f.set_sent_packets(f.sent_packets() + sent->packets);
        f.set_sent_bytes(f.sent_bytes() + sent->bytes);
      }
      if (const auto returned = ports.path_traffic(to, label)) {
        f.set_counted(true);
        f.set_returned_packets(f.returned_packets() + returned->packets);
        f.set_returned_bytes(f.returned_bytes() + returned->bytes);
      }
    }
  }
}

}  // namespace weir::gateway
