#include "twin/trace/csv.h"

#include <algorithm>
#include <charconv>

#include "core/event/limits.h"
#include "core/units/text.h"

namespace weir::twin {
namespace {

constexpr int64_t kSecondsMax = 10'000'000'000;  // some three centuries
constexpr int64_t kPriorityMax = 1'000'000;

}  // namespace

Result<int64_t> CsvReader::decimal(std::string_view name, int decimals, int64_t most) const {
  const std::string_view text = columns_.field(name);
  const size_t point = std::min(text.find('.'), text.size());
  int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + point, whole);
  std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  const bool digits =
      std::all_of(fraction.begin(), fraction.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (error != std::errc() || end != text.data() + point || text[0] == '-' || whole > most || !digits ||
      (point < text.size() && fraction.empty()) || fraction.size() > static_cast<size_t>(decimals)) {
    return columns_.wrong(std::string(name) + " is \"" + clip_utf8(text, 40) + "\"",
                          "write a number from 0 to " + std::to_string(most) + " with at most " +
                              std::to_string(decimals) + " decimals");
  }
  for (int i = 0; i < decimals; ++i) {
    const size_t at = static_cast<size_t>(i);
    whole = whole * 10 + (at < fraction.size() ? fraction[at] - '0' : 0);
  }
  return whole;
}

Result<std::string> CsvReader::name(std::string_view column) const {
  const std::string_view text = columns_.field(column);
  if (text.size() > limits::kNameBytesMax) {
    return columns_.wrong(std::string(column) + " has more than " + std::to_string(limits::kNameBytesMax) +
                          " bytes");
  }
  return std::string(text);
}

Result<std::optional<TraceJob>> CsvReader::line(std::string_view text) {
  ++line_;
  const auto row = columns_.line(text, {"submit_s", "run_s", "cpu"});
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::nullopt;
  TraceJob job;
  const auto submit = decimal("submit_s", 6, kSecondsMax);
  if (!submit) return tl::unexpected(submit.error());
  const auto run = decimal("run_s", 6, kSecondsMax);
  if (!run) return tl::unexpected(run.error());
  const auto cpu = decimal("cpu", 3, limits::kCpuMilliMax / 1000);
  if (!cpu) return tl::unexpected(cpu.error());
  if (*cpu == 0) return columns_.wrong("cpu is 0", "write how many cores the job takes");
  job.cpu_milli = static_cast<int32_t>(*cpu);
  if (!columns_.field("estimate_s").empty()) {
    const auto estimate = decimal("estimate_s", 6, kSecondsMax);
    if (!estimate) return tl::unexpected(estimate.error());
    job.estimate_us = *estimate;
  }
  const auto optional = [this](std::string_view column, int64_t least, int64_t most, auto& out) -> Status {
    if (columns_.field(column).empty()) return {};
    const auto value = columns_.number(column, least, most);
    if (!value) return tl::unexpected(value.error());
    out = static_cast<std::remove_reference_t<decltype(out)>>(*value);
    return {};
  };
  for (const Status& read : {optional("memory_mib", 0, INT32_MAX, job.memory_mib),
                             optional("accelerators", 0, INT16_MAX, job.accelerators),
                             optional("accelerator_milli", 1, 1'000, job.accelerator_milli),
                             optional("priority", -kPriorityMax, kPriorityMax, job.priority)}) {
    if (!read) return tl::unexpected(read.error());
  }
  for (const auto& [column, out] : {std::pair("id", &job.id),
                                    {"accelerator_model", &job.accelerator_model},
                                    {"tenant", &job.tenant},
                                    {"queue", &job.queue}}) {
    auto read = name(column);
    if (!read) return tl::unexpected(read.error());
    *out = std::move(*read);
  }
  if (job.id.empty()) job.id = std::to_string(line_);
  if (*run == 0) {
    ++counts_.without_run_time;
    return std::nullopt;
  }
  job.run_us = *run;
  counts_.clock_went_back += *submit < last_us_;
  job.submit_us = last_us_ = std::max(last_us_, *submit);
  ++counts_.jobs;
  return job;
}

Status CsvReader::end() const {
  if (!columns_.has_header())
    return columns_.wrong("there is no header", "begin with the names of the columns");
  return {};
}

}  // namespace weir::twin
