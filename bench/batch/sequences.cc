#include "bench/batch/sequences.h"

#include <algorithm>
#include <fstream>

namespace weir::bench {
namespace {

// Fixed for each job: splitmix64 of its number.
uint64_t scatter(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

int64_t user_estimate_s(const twin::SwfJob& job) {
  const int64_t permille = 1000 + static_cast<int64_t>(scatter(static_cast<uint64_t>(job.number)) % 4001);
  const int64_t said_s = (job.run_s * permille + 999) / 1000;
  constexpr int64_t kMinute = 60, kHour = 3600;
  for (const int64_t round_s :
       {kMinute,      2 * kMinute, 5 * kMinute, 10 * kMinute, 15 * kMinute, 20 * kMinute,
        30 * kMinute, kHour,       2 * kHour,   3 * kHour,    4 * kHour,    5 * kHour,
        6 * kHour,    8 * kHour,   10 * kHour,  12 * kHour,   15 * kHour,   18 * kHour,
        24 * kHour,   36 * kHour,  48 * kHour,  72 * kHour,   96 * kHour}) {
    if (said_s <= round_s) return round_s;
  }
  return (said_s + 24 * kHour - 1) / (24 * kHour) * (24 * kHour);
}

}  // namespace

Result<Trace> read_trace(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::kNotFound, "cannot be read", path);
  Trace trace;
  trace.name = path.substr(path.rfind('/') + 1);
  twin::SwfReader reader(path);
  twin::SwfJob job;
  int64_t largest = 0;
  for (std::string line; std::getline(file, line);) {
    const auto read = reader.line(line, job);
    if (!read) return tl::unexpected<Error>(read.error());
    if (!*read) continue;
    largest = std::max(largest, job.processors);
    trace.jobs.push_back(job);
  }
  trace.processors = reader.processors() > 0 ? reader.processors() : largest;
  if (largest > trace.processors)
    return fail(ErrorCode::kInvalid, "a job asks for more processors than MaxProcs", path);
  trace.counts = reader.counts();
  return trace;
}

std::vector<TraceJob> sequence(const Trace& trace, size_t start, size_t count, Estimates estimates) {
  std::vector<TraceJob> jobs;
  for (size_t i = start; i < std::min(trace.jobs.size(), start + count); ++i) {
    const twin::SwfJob& job = trace.jobs[i];
    int64_t said_s = estimates == Estimates::kUser ? user_estimate_s(job) : job.run_s;
    if (estimates == Estimates::kUser && job.requested_s > 0) said_s = job.requested_s;
    jobs.push_back({job, said_s, said_s});
  }
  return jobs;
}

}  // namespace weir::bench
