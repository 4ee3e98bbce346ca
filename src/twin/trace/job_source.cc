#include "twin/trace/job_source.h"

#include <algorithm>

#include "core/event/limits.h"

namespace weir::twin {
namespace {

constexpr TimeUs kSecond = 1'000'000;
constexpr int64_t kSecondsMax = 10'000'000'000;
constexpr int64_t kKibPerMib = 1'024;
constexpr int64_t kProcessorsMax = 1'000'000;

TimeUs us(int64_t seconds) { return std::clamp<int64_t>(seconds, 0, kSecondsMax) * kSecond; }

}  // namespace

SwfSource::SwfSource(std::string file, ReadLine read) : reader_(std::move(file)), read_(std::move(read)) {}

Result<bool> SwfSource::advance() {
  for (;;) {
    const auto more = read_(line_);
    if (!more || !*more) return more;
    const auto job = reader_.line(line_, job_);
    if (!job || *job) return job;
  }
}

Status SwfSource::begin() {
  const auto found = advance();
  if (!found) return tl::unexpected(found.error());
  ahead_ = *found;
  return {};
}

Result<std::optional<TraceJob>> SwfSource::next() {
  if (!std::exchange(ahead_, false)) {
    const auto found = advance();
    if (!found) return tl::unexpected(found.error());
    if (!*found) return std::nullopt;
  }
  TraceJob job{
      .id = std::to_string(job_.number), .submit_us = us(job_.submitted_s), .run_us = us(job_.run_s)};
  if (job_.requested_s > 0) job.estimate_us = us(job_.requested_s);
  const int64_t processors = std::min(job_.processors, kProcessorsMax);
  job.cpu_milli = static_cast<int32_t>(processors * 1'000);
  if (job_.memory_kib > 0) {
    const __int128 mib = (static_cast<__int128>(job_.memory_kib) * processors + kKibPerMib - 1) / kKibPerMib;
    job.memory_mib = static_cast<int32_t>(std::min<__int128>(mib, INT32_MAX));
  }
  if (job_.user >= 0) job.tenant = "user" + std::to_string(job_.user);
  if (job_.queue >= 0) job.queue = "queue" + std::to_string(job_.queue);
  return job;
}

Result<std::optional<TraceJob>> CsvSource::next() {
  for (;;) {
    const auto more = read_(line_);
    if (!more) return tl::unexpected(more.error());
    if (!*more) {
      if (Status ended = reader_.end(); !ended) return tl::unexpected(ended.error());
      return std::nullopt;
    }
    auto job = reader_.line(line_);
    if (!job || *job) return job;
  }
}

Result<std::optional<TraceJob>> BoundedSource::next() {
  constexpr TimeUs kMost = kDaysMax * 86'400 * kSecond;
  static_assert(kMost < limits::kRunTimeUsMax);
  auto job = source_.next();
  if (!job || !*job) return job;
  TraceJob& found = **job;
  cut_ += found.run_us > kMost || found.estimate_us > kMost;
  found.run_us = std::min(found.run_us, kMost);
  found.estimate_us = std::min(found.estimate_us, kMost);
  return job;
}

Result<std::optional<TraceJob>> OpenbSource::next() {
  for (;;) {
    const auto more = read_(line_);
    if (!more) return tl::unexpected(more.error());
    if (!*more) {
      if (Status ended = reader_.end(); !ended) return tl::unexpected(ended.error());
      return std::nullopt;
    }
    auto task = reader_.line(line_);
    if (!task) return tl::unexpected(task.error());
    if (!*task) continue;
    OpenbTask& t = **task;
    if (!t.creation_time_s || !t.deletion_time_s || *t.deletion_time_s <= *t.creation_time_s) {
      ++left_out_;
      continue;
    }
    const TimeUs created_us = us(*t.creation_time_s);
    clock_went_back_ += created_us < last_us_;
    last_us_ = std::max(last_us_, created_us);
    TraceJob job{.id = std::move(t.name),
                 .submit_us = last_us_,
                 .run_us = std::max<TimeUs>(us(*t.deletion_time_s - *t.creation_time_s), 1),
                 .cpu_milli = std::max(t.cpu_milli, 1),
                 .memory_mib = t.memory_mib,
                 .accelerators = static_cast<int16_t>(std::min(t.accelerators, int32_t{INT16_MAX})),
                 .accelerator_milli = t.accelerator_milli == 1'000 ? 0 : t.accelerator_milli};
    if (!t.models.empty()) job.accelerator_model = t.models.front();
    if (!t.qos.empty()) job.queue = std::move(t.qos);
    return job;
  }
}

}  // namespace weir::twin
