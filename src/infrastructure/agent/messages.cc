#include "infrastructure/agent/messages.h"

#include <algorithm>

#include "weir/v1/agent.pb.h"

namespace weir::agent {
namespace {

void put_run(RunId run, v1::RunId& out) {
  out.set_plan(run.plan);
  out.set_item(run.item);
}

void put_usage(const UsageReport& report, v1::UsageReport& out) {
  put_run(report.run, *out.mutable_run());
  out.set_from(report.from);
  out.set_to(report.to);
  out.set_cpu_us(report.cpu_us);
  out.set_memory_mib_us(report.memory_mib_us);
  out.set_received_bytes(report.received_bytes);
  out.set_sent_bytes(report.sent_bytes);
  out.set_energy_microjoule(report.energy_microjoule);
  out.set_energy_model(report.energy_model);
  out.set_begun(report.begun);
}

void put(const Observation& observation, TimeUs, v1::AgentMessage& out) {
  v1::Observation& m = *out.mutable_observation();
  m.set_applied_version(observation.applied_version);
  m.set_applied_brain_epoch(observation.applied_brain_epoch);
  m.set_settled(observation.settled);
  for (const RunObservation& run : observation.runs) {
    v1::ObservedRun& r = *m.add_runs();
    put_run(run.run, *r.mutable_id());
    r.set_state(static_cast<v1::RunState>(static_cast<int>(run.state) + 1));
    r.set_exit_code(run.exit_code);
    r.set_why(run.why);
    r.set_ready(run.ready);
  }
  for (const uint16_t label : observation.paths_installed) {
    v1::ObservedPath& p = *m.add_paths();
    p.set_label(label);
    p.set_installed(true);
    const auto traffic = std::find_if(observation.traffic.begin(), observation.traffic.end(),
                                      [label](const PathTraffic& known) { return known.label == label; });
    if (traffic == observation.traffic.end()) continue;
    p.set_counted(true);
    p.set_packets(traffic->packets);
    p.set_bytes(traffic->bytes);
  }
}

void put(const Readings& readings, TimeUs wall_us, v1::AgentMessage& out) {
  v1::ProbeReadings& m = *out.mutable_probes();
  for (const auto& [reading, state_changed] : readings.readings) {
    v1::ProbeReading& r = *m.add_readings();
    r.set_label(reading.label);
    r.set_alive(reading.alive);
    r.set_state_changed(state_changed);
    r.set_at(wall_us);
    r.set_round_trip_us(reading.round_trip_us);
    r.set_jitter_us(reading.jitter_us);
    r.set_loss_ppm(reading.loss_ppm);
  }
}

void put(const LogAnswer& answer, TimeUs, v1::AgentMessage& out) {
  v1::LogChunk& m = *out.mutable_log();
  m.set_request(answer.request);
  put_run(answer.run, *m.mutable_run());
  m.set_offset(answer.chunk.offset);
  m.set_data(answer.chunk.text);
  m.set_next_offset(answer.chunk.next_offset);
  m.set_complete(answer.chunk.complete);
  m.set_error(answer.error);
}

void put(const HeartbeatReport& heartbeat, TimeUs wall_us, v1::AgentMessage& out) {
  v1::Heartbeat& m = *out.mutable_heartbeat();
  m.set_clock(wall_us);
  m.set_runs(heartbeat.runs);
}

void put(const LastingReport& report, TimeUs wall_us, v1::AgentMessage& out) {
  if (const auto* usage = std::get_if<UsageReport>(&report)) {
    put_usage(*usage, *out.mutable_usage()->add_reports());
  } else if (const auto* change = std::get_if<SwitchReport>(&report)) {
    v1::PathSwitchReport& m = *out.mutable_path_switched();
    m.set_plan(change->plan);
    m.set_flow(change->flow);
    m.set_intent(change->intent.value);
    m.set_to_protection(change->to_protection);
    m.set_at(wall_us);
  } else {
    const auto& promise = std::get<PromiseReport>(report);
    v1::PromiseReport& m = *out.mutable_promise();
    m.set_intent(promise.intent.value);
    m.set_from(promise.from);
    m.set_to(promise.to);
    m.set_samples(promise.samples);
    m.set_misses(promise.misses);
    m.set_lost(promise.lost);
    m.set_latency_us_p50(promise.latency_us_p50);
    m.set_latency_us_p99(promise.latency_us_p99);
  }
}

}  // namespace

void put_report(const AgentReport& report, uint64_t sequence, TimeUs wall_us, v1::AgentMessage& out) {
  out.Clear();
  out.set_sequence(sequence);
  std::visit([&](const auto& body) { put(body, wall_us, out); }, report);
}

std::string encode_usage_record(const UsageMeter::Reported& reported,
                                const std::vector<UsageReport>& waiting) {
  v1::UsageReports out;
  for (const auto& [run, total] : reported) {
    put_usage(total, *out.add_reports());
    out.mutable_reports(out.reports_size() - 1)->set_from(0);
  }
  for (const UsageReport& report : waiting) put_usage(report, *out.add_reports());
  return out.SerializeAsString();
}

Result<UsageRecord> decode_usage_record(std::string_view bytes) {
  const auto corrupt = [](const char* what) {
    return fail(ErrorCode::kCorrupt, what, "usage record",
                "remove it; what was reported before is said again, and billed once");
  };
  v1::UsageReports in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return corrupt("is no usage record");
  UsageRecord out;
  for (const v1::UsageReport& m : in.reports()) {
    const UsageReport report{.run = {m.run().plan(), m.run().item()},
                             .from = m.from(),
                             .to = m.to(),
                             .cpu_us = m.cpu_us(),
                             .memory_mib_us = m.memory_mib_us(),
                             .received_bytes = m.received_bytes(),
                             .sent_bytes = m.sent_bytes(),
                             .energy_microjoule = m.energy_microjoule(),
                             .energy_model = m.energy_model(),
                             .begun = m.begun()};
    if (!m.has_run() || report.from < 0 || report.to < report.from || report.cpu_us < 0 ||
        report.memory_mib_us < 0 || report.received_bytes < 0 || report.sent_bytes < 0 ||
        report.energy_microjoule < 0 || report.begun < 0 || report.begun > report.to) {
      return corrupt("holds a report out of range");
    }
    if (report.from == 0) {
      out.reported[report.run] = report;
    } else {
      out.waiting.push_back(report);
    }
  }
  return out;
}

}  // namespace weir::agent
