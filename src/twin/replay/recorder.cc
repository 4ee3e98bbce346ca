#include "twin/replay/recorder.h"

#include <algorithm>
#include <cstdio>

#include "core/graph/hours.h"
#include "core/price/price.h"

namespace weir::twin {
namespace {

constexpr double kUsPerSecond = 1e6;
constexpr double kUsPerHour = 3.6e9;
constexpr TimeUs kBoundUs = 10'000'000;
constexpr size_t kKindsMax = 64;  // of jobs, for fragmentation

std::string seconds_text(TimeUs us) {
  char text[40];
  const char* sign = us < 0 ? "-" : "";
  if (us < 0) us = -us;
  std::snprintf(text, sizeof text, "%s%lld.%06lld", sign, static_cast<long long>(us / 1'000'000),
                static_cast<long long>(us % 1'000'000));
  std::string out = text;
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out;
}

// A name with a comma or a quotation mark would break the row.
std::string field(std::string text) {
  for (char& c : text) {
    if (c == ',' || c == '"' || static_cast<unsigned char>(c) < 0x20) c = '_';
  }
  return text;
}

const char* end_text(JobOutcome::End end) {
  switch (end) {
    case JobOutcome::End::kDone:
      return "done";
    case JobOutcome::End::kTooLarge:
      return "too large";
    case JobOutcome::End::kRefused:
      return "refused";
    case JobOutcome::End::kNeverStarted:
      return "never started";
  }
  return "";
}

}  // namespace

const char* waited_for_text(const JobOutcome& outcome) {
  switch (outcome.waited_for) {
    case ReasonCode::kNone:
      return outcome.end == JobOutcome::End::kDone && outcome.start_us > outcome.job.submit_us ? "turn" : "";
    case ReasonCode::kCpu:
      return "cpu";
    case ReasonCode::kMemory:
      return "memory";
    case ReasonCode::kAccelerators:
      return "accelerators";
    case ReasonCode::kSiteNotUp:
      return "site";
    case ReasonCode::kNoPath:
    case ReasonCode::kBandwidth:
    case ReasonCode::kLatency:
    case ReasonCode::kSteering:
      return "network";
    case ReasonCode::kBudget:
      return "budget";
    default:
      return "other";
  }
}

double bounded_slowdown(const JobOutcome& outcome) {
  const TimeUs run_us = outcome.end_us - outcome.start_us;
  const auto whole = static_cast<double>(outcome.end_us - outcome.job.submit_us);
  return std::max(1.0, whole / static_cast<double>(std::max(run_us, kBoundUs)));
}

std::string jobs_csv_header() {
  return "number,id,tenant,queue,submit_s,start_s,end_s,wait_s,run_s,estimate_s,bounded_slowdown,cpu,memory_"
         "mib,"
         "accelerators,site,attempts,billed_credits,end,waited_for,why\n";
}

std::string jobs_csv_row(const JobOutcome& o, const std::string& site) {
  const bool done = o.end == JobOutcome::End::kDone;
  char numbers[64];
  std::string row = std::to_string(o.number) + "," + field(o.job.id) + "," + field(o.job.tenant) + "," +
                    field(o.job.queue) + "," + seconds_text(o.job.submit_us) + ",";
  if (done) {
    row += seconds_text(o.start_us) + "," + seconds_text(o.end_us) + "," + seconds_text(o.start_us - o.job.submit_us);
  } else {
    row += ",,";
  }
  row += "," + seconds_text(o.job.run_us) + "," + (o.job.estimate_us > 0 ? seconds_text(o.job.estimate_us) : "") + ",";
  if (done) {
    std::snprintf(numbers, sizeof numbers, "%.4f", bounded_slowdown(o));
    row += numbers;
  }
  std::snprintf(numbers, sizeof numbers, ",%d.%03d,%d,%d,", o.job.cpu_milli / 1000, o.job.cpu_milli % 1000,
                o.job.memory_mib, o.job.accelerators);
  row += numbers + field(site) + "," + std::to_string(o.attempts) + ",";
  std::snprintf(numbers, sizeof numbers, "%.9f",
                static_cast<double>(o.billed) / static_cast<double>(kCredit));
  row += numbers;
  row +=
      std::string(",") + end_text(o.end) + "," + waited_for_text(o) + std::string(",") + field(o.why) + "\n";
  return row;
}

void Recorder::outcome(const JobOutcome& o) {
  if (summary_.jobs++ == 0) summary_.first_us = o.job.submit_us;
  summary_.first_us = std::min(summary_.first_us, o.job.submit_us);
  const Kind kind{o.job.cpu_milli, o.job.accelerators, share_of(o.job)};
  if (kinds_.size() < kKindsMax || kinds_.count(kind)) ++kinds_[kind];
  if (o.end != JobOutcome::End::kDone) {
    ++(o.end == JobOutcome::End::kNeverStarted ? summary_.never_started
       : o.end == JobOutcome::End::kTooLarge   ? summary_.too_large
                                               : summary_.refused);
    return;
  }
  ++summary_.done;
  summary_.end_us = std::max(summary_.end_us, o.end_us);
  const double wait_s = static_cast<double>(o.start_us - o.job.submit_us) / kUsPerSecond;
  summary_.wait_s.add(wait_s);
  summary_.slowdown.add(bounded_slowdown(o));
  summary_.billed_credits += static_cast<double>(o.billed) / static_cast<double>(kCredit);
  summary_.attempts_more += static_cast<uint64_t>(std::max(0, o.attempts - 1));
  if (const char* what = waited_for_text(o); *what != 0) ++summary_.waited_for[what];
  timeline_.add(kWaited, o.start_us, wait_s);
  timeline_.add(kStarted, o.start_us, 1);
  if (seen_++ % bars_every_ != 0) return;
  if (bars_.size() == kBarsMax) {
    for (size_t i = 0; i < kBarsMax / 2; ++i) bars_[i] = std::move(bars_[2 * i]);
    bars_.resize(kBarsMax / 2);
    bars_every_ *= 2;
    if ((seen_ - 1) % bars_every_ != 0) return;
  }
  bars_.push_back({o.job.submit_us, o.start_us, o.end_us, o.site, o.job.cpu_milli, o.job.id, o.job.queue});
}

// Of what is free (accelerators where there are any, else cores), what a job as those so far could not use,
// because the node has too little of it for the job.
double Recorder::fragmented(const Graph& graph) const {
  const bool by_accelerators = accelerators_total_ > 0;
  double weight = 0, lost = 0, free = 0;
  for (const auto& [kind, count] : kinds_) weight += static_cast<double>(count);
  for (size_t n = 0; n < graph.node_count(); ++n) {
    const NodeFree& node = graph.free(NodeId(n));
    const DeviceRoom room = graph.device_room(NodeId(n));
    double here = node.cpu_milli;
    if (by_accelerators) {
      here = 0;
      for (const DeviceFree& device : room.devices()) here += device.milli;
    }
    if (here <= 0) continue;
    free += here;
    for (const auto& [kind, count] : kinds_) {
      const DeviceNeed need{kind.accelerators, kind.accelerator_milli > 0 ? kind.accelerator_milli : kDeviceMilli, 0};
      const bool fits = kind.cpu_milli <= node.cpu_milli &&
                        (kind.accelerators > 0 ? room.fits(need) : !by_accelerators);
      if (!fits) lost += here * static_cast<double>(count);
    }
  }
  return free <= 0 || weight <= 0 ? 0 : lost / free / weight;
}

void Recorder::measure(const Graph& graph) {
  int64_t cores = 0, cores_used = 0, accelerators = 0, accelerators_used = 0;
  double price = 0, carbon = 0;
  for (size_t s = 0; s < graph.site_count(); ++s) {
    const SiteId id(s);
    const SiteLoad& load = graph.load(id);
    cores += load.cpu_milli_total;
    cores_used += load.cpu_milli_total - load.cpu_milli_free;
    accelerators += int64_t{load.accelerators_total} * kDeviceMilli;
    accelerators_used += int64_t{load.accelerators_total} * kDeviceMilli - load.accelerator_milli_free;
    const Nanocredits hour =
        asks_of(graph, id, WorkKind::kJob).per_core_hour + graph.scarcity_at(id).per_core_hour;
    price += static_cast<double>(hour) * static_cast<double>(load.cpu_milli_total);
    carbon += static_cast<double>(carbon_mg_per_hour(power_of(graph, id, WorkKind::kJob), load.cpu_milli_total - load.cpu_milli_free));
  }
  accelerators_total_ = accelerators;
  now_[kCores] = cores == 0 ? 0 : static_cast<double>(cores_used) / static_cast<double>(cores);
  now_[kAccelerators] =
      accelerators == 0 ? 0 : static_cast<double>(accelerators_used) / static_cast<double>(accelerators);
  now_[kCorePrice] = cores == 0 ? 0 : price / static_cast<double>(cores) / static_cast<double>(kCredit);
  now_[kCarbon] = carbon / 1e3;
}

void Recorder::moment(const Moment& moment) {
  if (at_us_ >= 0) {
    for (const Channel c : {kCores, kAccelerators, kWaiting, kRunning, kCorePrice, kCarbon, kFragmented}) {
      timeline_.hold(c, at_us_, moment.at_us, now_[c]);
    }
    const auto held_us = static_cast<double>(moment.at_us - at_us_);
    cores_us_ += now_[kCores] * held_us;
    accelerators_us_ += now_[kAccelerators] * held_us;
    summary_.carbon_kg += now_[kCarbon] / 1e3 * held_us / kUsPerHour;
  }
  at_us_ = moment.at_us;
  now_[kWaiting] = static_cast<double>(moment.waiting);
  now_[kRunning] = static_cast<double>(moment.running);
  measure(*moment.graph);
  if (fragmented_at_us_ < 0 || moment.at_us - fragmented_at_us_ >= timeline_.width_us()) {
    fragmented_at_us_ = moment.at_us;
    now_[kFragmented] = fragmented(*moment.graph);
  }
  const auto whole_us = static_cast<double>(std::max<TimeUs>(1, moment.at_us - summary_.first_us));
  summary_.core_share = std::min(1.0, cores_us_ / whole_us);
  summary_.accelerator_share = std::min(1.0, accelerators_us_ / whole_us);
}

}  // namespace weir::twin
