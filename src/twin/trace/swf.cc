#include "twin/trace/swf.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/units/text.h"

namespace weir::twin {
namespace {

constexpr size_t kFields = 18;
constexpr size_t kFieldsLeast = 5;
constexpr size_t kLineBytesMax = 4096;
constexpr int64_t kNumberMax = int64_t{1} << 40;
// Fields by their place; the format counts from 1.
enum Field : size_t {
  kNumber,
  kSubmitted,
  kWait,
  kRun,
  kAllocated,
  kCpuTime,
  kMemoryUsed,
  kProcessorsRequested,
  kTimeRequested,
  kMemoryRequested,
  kStatus,
  kUser,
  kGroup,
  kExecutable,
  kQueue,
  kPartition,
};
constexpr std::array<const char*, kPartition + 1> kNames = {"job number",
                                                            "submit time",
                                                            "wait time",
                                                            "run time",
                                                            "allocated processors",
                                                            "CPU time",
                                                            "used memory",
                                                            "requested processors",
                                                            "requested time",
                                                            "requested memory",
                                                            "status",
                                                            "user",
                                                            "group",
                                                            "executable",
                                                            "queue",
                                                            "partition"};

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// A number, its fraction dropped.
bool read_number(std::string_view text, int64_t& value) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || value > kNumberMax || value < -kNumberMax) return false;
  if (rest == end) return true;
  if (*rest != '.') return false;
  return std::all_of(rest + 1, end, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

tl::unexpected<Error> SwfReader::wrong(std::string what) const {
  return fail(ErrorCode::kInvalid, std::move(what), file_ + ":" + std::to_string(line_));
}

Result<bool> SwfReader::header(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view name = trimmed(text.substr(1, colon - 1));
  int64_t* wanted = name == "MaxProcs"        ? &max_procs_
                    : name == "MaxNodes"      ? &max_nodes_
                    : name == "UnixStartTime" ? &unix_start_s_
                                              : nullptr;
  if (wanted == nullptr) return false;
  std::string_view value = trimmed(text.substr(colon + 1));
  value = value.substr(0, value.find_first_of(" \t("));  // people add remarks
  int64_t number = 0;
  if (!read_number(value, number) || number < -1) {
    return wrong(std::string(name) + " is not a number: \"" + clip_utf8(value, 40) + "\"");
  }
  *wanted = std::max<int64_t>(number, 0);
  return false;
}

Result<bool> SwfReader::line(std::string_view text, SwfJob& job) {
  ++line_;
  text = trimmed(text);
  if (text.empty()) return false;
  if (text.size() > kLineBytesMax)
    return wrong("the line is longer than " + std::to_string(kLineBytesMax) + " bytes");
  if (text.front() == ';') return header(text);
  std::array<int64_t, kFields> fields;
  fields.fill(-1);
  size_t count = 0;
  for (std::string_view rest = text; !rest.empty(); rest = trimmed(rest)) {
    size_t length = 0;
    while (length < rest.size() && !blank(rest[length])) ++length;
    if (count == kFields) return wrong("more than 18 fields");
    if (!read_number(rest.substr(0, length), fields[count])) {
      return wrong("field " + std::to_string(count + 1) + " is not a number: \"" +
                   clip_utf8(rest.substr(0, length), 40) + "\"");
    }
    if (count <= kPartition && fields[count] < -1) {
      return wrong(std::string(kNames[count]) + " is negative: " + std::to_string(fields[count]));
    }
    ++count;
    rest.remove_prefix(length);
  }
  if (count < kFieldsLeast) return wrong("only " + std::to_string(count) + " of 18 fields");
  if (fields[kSubmitted] < 0) return wrong("no submit time");
  counts_.missing_fields += count < kFields;

  if (fields[kSubmitted] < last_submitted_s_) {
    ++counts_.clock_went_back;
    fields[kSubmitted] = last_submitted_s_;
  }
  last_submitted_s_ = fields[kSubmitted];
  if (fields[kRun] < 1) {
    ++counts_.without_run_time;
    return false;
  }
  job = {};
  job.processors = std::max(fields[kAllocated], fields[kProcessorsRequested]);
  if (job.processors < 1) {
    ++counts_.without_processors;
    return false;
  }
  ++counts_.jobs;
  job.number = fields[kNumber];
  job.submitted_s = fields[kSubmitted];
  job.run_s = fields[kRun];
  job.requested_s = fields[kTimeRequested] > 0 ? fields[kTimeRequested] : -1;
  if (job.requested_s > 0 && job.requested_s < job.run_s) ++counts_.requested_too_little;
  job.memory_kib = fields[kMemoryRequested] >= 0 ? fields[kMemoryRequested] : fields[kMemoryUsed];
  job.status = static_cast<int32_t>(std::min<int64_t>(fields[kStatus], INT32_MAX));
  job.user = fields[kUser];
  job.group = fields[kGroup];
  job.executable = fields[kExecutable];
  job.queue = fields[kQueue];
  job.partition = fields[kPartition];
  return true;
}

}  // namespace weir::twin
