#include "infrastructure/agent_link/convert.h"

#include <algorithm>
#include <limits>

#include "core/event/codec.h"
#include "core/event/limits.h"
#include "core/units/text.h"
#include "weir/v1/agent.pb.h"

namespace weir::agent_link {
namespace {

constexpr int64_t kDurationUsMax = 366LL * 86'400 * 1'000'000;

// Reads fields and remembers the first that is out of range.
class Reader {
 public:
  explicit Reader(std::string message) : message_(std::move(message)) {}

  int64_t number(const char* field, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high) return value;
    refuse(field, std::to_string(value) + " is not between " + std::to_string(low) + " and " + std::to_string(high));
    return low;
  }
  int64_t amount(const char* field, int64_t value) {
    return number(field, value, 0, std::numeric_limits<int64_t>::max() / 4);
  }
  template <class Id>
  Id id(const char* field, uint32_t value) {
    if (value > limits::kIdMax) refuse(field, std::to_string(value) + " is not an identifier");
    return Id(value);
  }
  RunId run(const char* field, bool present, const v1::RunId& value) {
    if (!present || value.plan() == kNoPosition) refuse(field, "is missing");
    return {value.plan(), value.item()};
  }
  std::string text(const std::string& value, size_t bytes_max) { return clip_utf8(value, bytes_max); }
  // From is before to.
  void window(TimeUs from, TimeUs to) {
    if (from < 0 || to < from) refuse("to", "is before from");
  }
  void count(const char* field, int64_t value, size_t high) {
    if (value > static_cast<int64_t>(high)) {
      refuse(field, std::to_string(value) + " entries are more than " + std::to_string(high));
    }
  }
  void refuse(const char* field, std::string what) {
    if (!error_) error_ = Error{ErrorCode::kInvalid, std::move(what), message_ + "." + field, "update the agent"};
  }
  bool ok() const { return !error_; }
  tl::unexpected<Error> error() const { return tl::unexpected<Error>(*error_); }

 private:
  std::string message_;
  std::optional<Error> error_;
};

RunState run_state(int state, Reader& in) {
  if (state < v1::RUN_STATE_PLANNED || state > v1::RUN_STATE_LOST) {
    in.refuse("state", "is unknown");
    return RunState::kPlanned;
  }
  return static_cast<RunState>(state - 1);
}

Observation observation_from(const v1::Observation& message, Reader& in) {
  Observation out;
  out.applied_version = message.applied_version();
  out.applied_brain_epoch = message.applied_brain_epoch();
  out.settled = message.settled();
  in.count("runs", message.runs_size(), kRunsObservedMax);
  in.count("paths", message.paths_size(), limits::kFlowsMax * 2);
  if (!in.ok()) return out;
  for (const v1::ObservedRun& run : message.runs()) {
    out.runs.push_back({.run = in.run("runs.id", run.has_id(), run.id()),
                        .state = run_state(run.state(), in),
                        .exit_code = run.exit_code(),
                        .why = in.text(run.why(), limits::kTextBytesMax),
                        .ready = run.ready()});
  }
  for (const v1::ObservedPath& path : message.paths()) {
    const auto label = static_cast<uint16_t>(in.number("paths.label", path.label(), 1, 65535));
    if (path.installed()) out.paths_installed.push_back(label);
    if (path.counted()) out.traffic.push_back({label, path.packets(), path.bytes()});
  }
  std::sort(out.paths_installed.begin(), out.paths_installed.end());
  out.paths_installed.erase(std::unique(out.paths_installed.begin(), out.paths_installed.end()),
                            out.paths_installed.end());
  std::stable_sort(out.traffic.begin(), out.traffic.end(),
                   [](const PathTraffic& a, const PathTraffic& b) { return a.label < b.label; });
  // Of a label said twice, the first.
  out.traffic.erase(
      std::unique(out.traffic.begin(), out.traffic.end(),
                  [](const PathTraffic& a, const PathTraffic& b) { return a.label == b.label; }),
      out.traffic.end());
  return out;
}

UsageReport usage_from(const v1::UsageReport& m, Reader& in) {
  in.window(m.from(), m.to());
  return {.run = in.run("run", m.has_run(), m.run()),
          .from = m.from(),
          .to = m.to(),
          .cpu_us = in.amount("cpu_us", m.cpu_us()),
          .memory_mib_us = in.amount("memory_mib_us", m.memory_mib_us()),
          .received_bytes = in.amount("received_bytes", m.received_bytes()),
          .sent_bytes = in.amount("sent_bytes", m.sent_bytes()),
          .energy_microjoule = in.amount("energy_microjoule", m.energy_microjoule()),
          .energy_model = in.text(m.energy_model(), limits::kNameBytesMax),
          .begun = in.number("begun", m.begun(), 0, m.to())};
}

PathReading reading_from(const v1::ProbeReading& m, Reader& in) {
  PathReading out{.alive = m.alive(),
                  .round_trip_us = in.number("round_trip_us", m.round_trip_us(), 0, 2 * limits::kLatencyUsMax),
                  .jitter_us = in.number("jitter_us", m.jitter_us(), 0, limits::kLatencyUsMax),
                  .loss_ppm = static_cast<int32_t>(in.number("loss_ppm", m.loss_ppm(), 0, kPpm))};
  if (m.target_case() == v1::ProbeReading::kLabel) {
    out.label = static_cast<uint16_t>(in.number("label", m.label(), 1, 65535));
  } else {
    in.refuse("target", "is no path");
  }
  return out;
}

}  // namespace

Result<Hello> hello_from(const v1::Hello& message) {
  Reader in("Hello");
  Hello out;
  out.version = in.text(message.version(), limits::kTextBytesMax);
  out.boot = message.boot();
  out.steerable = message.steerable();
  out.not_steerable_why = in.text(message.not_steerable_why(), limits::kTextBytesMax);
  out.driver = in.text(message.driver().driver(), limits::kNameBytesMax);
  in.count("nodes", message.nodes_size(), limits::kNodesReportedMax);
  if (!in.ok()) return in.error();
  for (const v1::NodeInventory& node : message.nodes()) {
    const v1::NodeSpec& spec = node.spec();
    out.nodes.push_back({.name = spec.name(),
                         .cpu_milli = spec.cpu_milli(),
                         .memory_mib = spec.memory_mib(),
                         .accelerators = static_cast<int16_t>(
                             in.number("nodes.spec.accelerators", spec.accelerators(), 0, kDevicesPerNodeMax)),
                         .accelerator_model = spec.accelerator_model(),
                         .speed_milli = static_cast<int32_t>(
                             in.number("nodes.spec.speed_milli", spec.speed_milli(), 1, INT32_MAX)),
                         .accelerator_memory_mib = spec.accelerator_memory_mib(),
                         .accelerator_fp16_gflops = spec.accelerator_fp16_gflops(),
                         .accelerators_per_island = static_cast<int16_t>(
                             in.number("nodes.spec.accelerators_per_island", spec.accelerators_per_island(), 0, INT16_MAX)),
                         .accelerator_slices = static_cast<int16_t>(
                             in.number("nodes.spec.accelerator_slices", spec.accelerator_slices(), 0, kDeviceSlicesMax)),
                         .rack = spec.rack()});
    if (NodeSpec& node_spec = out.nodes.back(); node_spec.accelerators == 0) {
      // What is said of none is nothing: the node is the same as last time.
      node_spec.accelerator_model.clear();
      node_spec.accelerator_memory_mib = 0;
      node_spec.accelerator_fp16_gflops = 0;
      node_spec.accelerators_per_island = node_spec.accelerator_slices = 0;
    }
    if (const Status valid = validate(out.nodes.back()); !valid) return tl::unexpected(valid.error());
  }
  if (!in.ok()) return in.error();
  return out;
}

Result<std::vector<Brain::Report>> reports_from(const v1::AgentMessage& message) {
  std::vector<Brain::Report> out;
  switch (message.message_case()) {
    case v1::AgentMessage::kObservation: {
      Reader in("Observation");
      out.emplace_back(observation_from(message.observation(), in));
      if (!in.ok()) return in.error();
      return out;
    }
    case v1::AgentMessage::kUsage: {
      Reader in("UsageReport");
      in.count("reports", message.usage().reports_size(), kReportsMax);
      if (!in.ok()) return in.error();
      for (const v1::UsageReport& report : message.usage().reports()) out.emplace_back(usage_from(report, in));
      if (!in.ok()) return in.error();
      return out;
    }
    case v1::AgentMessage::kProbes: {
      Reader in("ProbeReading");
      in.count("readings", message.probes().readings_size(), kReportsMax);
      if (!in.ok()) return in.error();
      for (const v1::ProbeReading& reading : message.probes().readings()) out.emplace_back(reading_from(reading, in));
      if (!in.ok()) return in.error();
      return out;
    }
    case v1::AgentMessage::kPathSwitched: {
      Reader in("PathSwitchReport");
      const v1::PathSwitchReport& m = message.path_switched();
      out.emplace_back(SwitchReport{in.id<IntentId>("intent", m.intent()), m.plan(), m.flow(), m.to_protection()});
      if (!in.ok()) return in.error();
      return out;
    }
    case v1::AgentMessage::kPromise: {
      Reader in("PromiseReport");
      const v1::PromiseReport& m = message.promise();
      in.window(m.from(), m.to());
      out.emplace_back(PromiseReport{
          .intent = in.id<IntentId>("intent", m.intent()),
          .from = m.from(),
          .to = m.to(),
          .samples = in.amount("samples", m.samples()),
          .misses = in.amount("misses", m.misses()),
          .lost = in.amount("lost", m.lost()),
          .latency_us_p50 = in.number("latency_us_p50", m.latency_us_p50(), 0, limits::kLatencyUsMax),
          .latency_us_p99 = in.number("latency_us_p99", m.latency_us_p99(), 0, limits::kLatencyUsMax)});
      if (!in.ok()) return in.error();
      return out;
    }
    default:
      return fail(ErrorCode::kInvalid, "is no report", "AgentMessage", "send Hello first, then reports");
  }
}

void put_directive(const SiteDirective& d, TimeUs lease_until_us, v1::BrainMessage& out) {
  v1::SiteDirective& m = *out.mutable_directive();
  m.set_version(d.version);
  m.set_brain_epoch(d.brain_epoch);
  m.set_held(d.held);
  m.set_lease_us(d.lease_us);
  m.set_lease_until_us(lease_until_us);
  for (const DirectedRun& run : d.runs) {
    v1::RunDirective& r = *m.add_runs();
    r.mutable_id()->set_plan(run.run.plan);
    r.mutable_id()->set_item(run.run.item);
    r.set_epoch(d.brain_epoch);
    r.set_tenant(run.tenant);
    r.set_intent(run.intent_name);
    r.set_intent_id(run.intent.value);
    const Workload& w = run.workload;
    r.set_artifact(w.artifact);
    r.set_digest(w.digest);
    for (const std::string& argument : w.command) r.add_command(argument);
    r.set_cpu_milli(w.cpu_milli);
    r.set_memory_mib(w.memory_mib);
    r.set_accelerators(w.accelerators);
    r.set_accelerator_model(w.accelerator_model);
    r.set_accelerator_milli(w.accelerator_milli);
    r.set_accelerator_memory_mib(w.accelerator_memory_mib);
    r.set_best_effort(w.best_effort);
    r.set_devices(run.devices);
    r.set_task(run.task);
    r.set_tasks(run.tasks);
    r.set_instance(run.instance);
    for (const std::string& address : run.instances) r.add_instances(address);
    r.set_streams_per_instance(w.streams_per_instance);
    r.set_address(run.address);
    r.set_ended(run.ended);
    r.set_port(static_cast<uint32_t>(w.port));
    r.set_kind(w.kind == WorkKind::kService ? v1::WORK_KIND_SERVICE : v1::WORK_KIND_JOB);
    if (run.node.valid()) r.set_node(run.node.value);
  }
  for (const DirectedPath& path : d.paths) {
    v1::PathDirective& p = *m.add_paths();
    p.set_label(path.label);
    p.set_far_site(path.far_site.value);
    p.set_destination_prefix(path.destination_prefix);
    for (const std::string& sid : path.segments) p.add_segments(sid);
    p.set_is_reverse(path.is_reverse);
    p.set_probed(path.probed);
    p.set_reflector(path.reflector);
  }
  for (const DirectedSteering& steer : d.steerings) {
    v1::SteerDirective& s = *m.add_steers();
    s.set_destination(steer.destination);
    s.set_source(steer.source);
    s.set_label_working(steer.label_working);
    s.set_label_protection(steer.label_protection);
    s.set_plan(steer.plan);
    s.set_flow(steer.flow);
    s.set_intent(steer.intent.value);
  }
  for (const DirectedService& service : d.services) {
    v1::ServiceDirective& s = *m.add_services();
    s.set_intent(service.intent.value);
    s.set_address(service.address);
    s.set_port(static_cast<uint32_t>(service.port));
    for (const DirectedBackend& backend : service.backends) {
      v1::Backend& b = *s.add_backends();
      b.mutable_run()->set_plan(backend.run.plan);
      b.mutable_run()->set_item(backend.run.item);
      b.set_address(backend.address);
      b.set_port(static_cast<uint32_t>(backend.port));
      b.set_weight(static_cast<uint32_t>(backend.streams));
    }
  }
}

Result<SiteDirective> directive_from(const v1::BrainMessage& message, SiteId site) {
  if (!message.has_directive()) return fail(ErrorCode::kInvalid, "is no directive", "BrainMessage");
  const v1::SiteDirective& m = message.directive();
  Reader in("SiteDirective");
  SiteDirective out{.site = site,
                    .version = m.version(),
                    .brain_epoch = m.brain_epoch(),
                    .held = m.held(),
                    .lease_us = in.number("lease_us", m.lease_us(), 0, kDurationUsMax)};
  for (const v1::RunDirective& r : m.runs()) {
    const int64_t instances = in.number("runs.instances", r.instances_size(), 0, limits::kInstancesBetweenMax);
    DirectedRun run{.run = in.run("runs.id", r.has_id(), r.id()),
                    .intent = in.id<IntentId>("runs.intent_id", r.intent_id()),
                    .tenant = r.tenant(),
                    .intent_name = r.intent(),
                    .node = r.has_node() ? in.id<NodeId>("runs.node", r.node()) : NodeId(),
                    .devices = r.devices(),
                    .address = r.address(),
                    .task = static_cast<int32_t>(in.number("runs.task", r.task(), 0, INT32_MAX)),
                    .tasks = static_cast<int32_t>(in.number("runs.tasks", r.tasks(), 0, INT32_MAX)),
                    .instance = static_cast<int32_t>(in.number("runs.instance", r.instance(), 0, std::max<int64_t>(instances - 1, 0))),
                    .instances = {r.instances().begin(), r.instances().end()},
                    .ended = r.ended()};
    run.workload = {.kind = r.kind() == v1::WORK_KIND_JOB ? WorkKind::kJob : WorkKind::kService,
                    .artifact = r.artifact(),
                    .digest = r.digest(),
                    .command = {r.command().begin(), r.command().end()},
                    .port = static_cast<int32_t>(in.number("runs.port", r.port(), 0, 65535)),
                    .cpu_milli = r.cpu_milli(),
                    .memory_mib = r.memory_mib(),
                    .accelerators = static_cast<int16_t>(in.number("runs.accelerators", r.accelerators(), 0, INT16_MAX)),
                    .accelerator_model = r.accelerator_model(),
                    .streams_per_instance = r.streams_per_instance(),
                    .accelerator_milli = static_cast<int32_t>(
                        in.number("runs.accelerator_milli", r.accelerator_milli(), 0, kDeviceMilli - 1)),
                    .accelerator_memory_mib = static_cast<int32_t>(
                        in.number("runs.accelerator_memory_mib", r.accelerator_memory_mib(), 0, INT32_MAX)),
                    .best_effort = r.best_effort()};
    out.runs.push_back(std::move(run));
  }
  for (const v1::PathDirective& p : m.paths()) {
    out.paths.push_back({.label = static_cast<uint16_t>(in.number("paths.label", p.label(), 1, 65535)),
                         .far_site = in.id<SiteId>("paths.far_site", p.far_site()),
                         .destination_prefix = p.destination_prefix(),
                         .segments = {p.segments().begin(), p.segments().end()},
                         .is_reverse = p.is_reverse(),
                         .probed = p.probed(),
                         .reflector = p.reflector()});
  }
  for (const v1::SteerDirective& s : m.steers()) {
    out.steerings.push_back(
        {.destination = s.destination(),
         .source = s.source(),
         .label_working = static_cast<uint16_t>(in.number("steers.label_working", s.label_working(), 1, 65535)),
         .label_protection = static_cast<uint16_t>(in.number("steers.label_protection", s.label_protection(), 0, 65535)),
         .intent = in.id<IntentId>("steers.intent", s.intent()),
         .plan = s.plan(),
         .flow = s.flow()});
  }
  for (const v1::ServiceDirective& s : m.services()) {
    DirectedService service{.intent = in.id<IntentId>("services.intent", s.intent()),
                            .address = s.address(),
                            .port = static_cast<int32_t>(in.number("services.port", s.port(), 0, 65535))};
    for (const v1::Backend& b : s.backends()) {
      service.backends.push_back({.run = in.run("services.backends.run", b.has_run(), b.run()),
                                  .address = b.address(),
                                  .port = static_cast<int32_t>(in.number("services.backends.port", b.port(), 0, 65535)),
                                  .streams = static_cast<int32_t>(
                                      in.number("services.backends.weight", b.weight(), 0, limits::kStreamsMax))});
    }
    out.services.push_back(std::move(service));
  }
  if (!in.ok()) return in.error();
  return out;
}

}  // namespace weir::agent_link
