#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result/result.h"

namespace weir::twin {

// One job of a trace in the Standard Workload Format, version 2.2 (Chapin et al.: Benchmarks and standards
// for the evaluation of parallel job schedulers, JSSPP 1999; the archive's page "The Standard Workload
// Format"). Times in seconds; -1: not known, as in the file.
struct SwfJob {
  int64_t number = 0;
  int64_t submitted_s = 0;   // since the trace began; see SwfReader about clocks that go backward
  int64_t run_s = 0;         // at least 1
  int64_t requested_s = -1;  // what the user asked for; at least 1, or -1
  int64_t processors = 0;    // at least 1: the larger of allocated and requested
  int64_t memory_kib = -1;   // per processor: requested, else used
  int32_t status = -1;
  int64_t user = -1, group = -1, executable = -1, queue = -1, partition = -1;
};

// Why lines were left out or changed, and how many.
struct SwfCounts {
  int64_t jobs = 0;                  // read
  int64_t without_run_time = 0;      // left out: run time 0 or -1, as of jobs that never started
  int64_t without_processors = 0;    // left out: neither allocated nor requested processors above 0
  int64_t clock_went_back = 0;       // submitted before the line above: counted as submitted with it
  int64_t missing_fields = 0;        // fewer than 18: the others count as -1
  int64_t requested_too_little = 0;  // ran for longer than requested: kept
};

// Reads a trace line by line, in memory that does not grow with it.
//  - Lines that begin with ';' are header comments. MaxProcs, else MaxNodes, says how large the machine is,
//    and UnixStartTime when the trace began; others are passed over.
//  - A job has 18 numbers. Fractions are allowed, as the format does, and are rounded down. Fewer than 18 are
//    an error, unless only trailing ones are missing after the first five: these count as -1, and the line is counted.
//  - -1 is "not known". Any other negative number is an error, except in fields that are not used.
//  - A job whose run time is unknown or 0 and one without processors are left out and counted.
//  - A requested time of -1 or 0 is "not known": it stays -1, and who needs one decides what to assume.
//  - Submission never goes backward: an earlier one counts as that of the line above, and is counted.
class SwfReader {
 public:
  // `file` is what errors say in front of the line's number.
  explicit SwfReader(std::string file) : file_(std::move(file)) {}

  // One line, without its end. True: `job` holds a job. False: a comment, an empty line, or one left out.
  // kInvalid: says what is wrong, and where as "file:line".
  Result<bool> line(std::string_view text, SwfJob& job);

  const SwfCounts& counts() const { return counts_; }
  int64_t processors() const {
    return max_procs_ > 0 ? max_procs_ : max_nodes_;
  }                                                       // of the header; 0: not told
  int64_t unix_start_s() const { return unix_start_s_; }  // 0: not told

 private:
  Result<bool> header(std::string_view text);
  tl::unexpected<Error> wrong(std::string what) const;

  std::string file_;
  int64_t line_ = 0;
  int64_t max_procs_ = 0, max_nodes_ = 0, unix_start_s_ = 0;
  int64_t last_submitted_s_ = 0;
  SwfCounts counts_;
};

}  // namespace weir::twin
