#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "twin/trace/openb.h"
#include "twin/trace/trace_job.h"

namespace weir::twin {

// Why lines were left out or changed, and how many.
struct CsvCounts {
  int64_t jobs = 0;              // read
  int64_t without_run_time = 0;  // left out: run_s 0
  int64_t clock_went_back = 0;   // submitted before the line above: counted as submitted with it
};

// Jobs as comma-separated values with one header. Columns are known by name and may come in any order;
// unknown ones are passed over; there are no quoted fields. Read line by line, in memory that does not grow
// with the file.
//
//   submit_s            when it was submitted, since the trace began       seconds, up to six decimals
//   run_s               how long it runs; 0: it is left out and counted    seconds, up to six decimals
//   cpu                 cores                                              up to three decimals
//   id                  empty: the line's number                           optional, as those below
//   estimate_s          what its user said; empty: nothing                 seconds, up to six decimals
//   memory_mib          MiB
//   accelerators        number of them
//   accelerator_model   empty: any
//   accelerator_milli   thousandths of each; empty: whole ones             1 to 1000
//   tenant, queue       names
//   priority            -1000000 to 1000000
//
// Submission never goes backward: an earlier one counts as that of the line above, and is counted. A negative
// number is an error. kInvalid: says what is wrong, and where as "file:line".
class CsvReader {
 public:
  explicit CsvReader(std::string file) : columns_(std::move(file)) {}
  // The next line of the file, without its newline. Nothing for the header, empty lines, and lines left out.
  Result<std::optional<TraceJob>> line(std::string_view text);
  // After the last line: an error if there was no header.
  Status end() const;
  const CsvCounts& counts() const { return counts_; }

 private:
  // Of a fraction with so many decimals: times 10^decimals.
  Result<int64_t> decimal(std::string_view name, int decimals, int64_t most) const;
  Result<std::string> name(std::string_view column) const;

  openb::Columns columns_;
  int64_t line_ = 0;
  TimeUs last_us_ = 0;
  CsvCounts counts_;
};

}  // namespace weir::twin
