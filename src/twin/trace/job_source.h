#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "twin/trace/csv.h"
#include "twin/trace/openb.h"
#include "twin/trace/swf.h"
#include "twin/trace/trace_job.h"

namespace weir::twin {

// Puts the next line of a file, without its newline, into `line`. False: the file has ended.
using ReadLine = std::function<Result<bool>(std::string& line)>;

// Jobs of files in the three formats. Each reads a line when it is asked for a job.

class SwfSource final : public JobSource {
 public:
  SwfSource(std::string file, ReadLine read);
  // Reads the comments at the file's beginning, up to the first job: the header's processors are known then.
  Status begin();
  Result<std::optional<TraceJob>> next() override;
  const SwfReader& reader() const { return reader_; }

 private:
  Result<bool> advance();  // to the next job; false: there is none

  SwfReader reader_;
  ReadLine read_;
  SwfJob job_;
  bool ahead_ = false;  // job_ was read but not given out yet
  std::string line_;
};

class CsvSource final : public JobSource {
 public:
  CsvSource(std::string file, ReadLine read) : reader_(std::move(file)), read_(std::move(read)) {}
  Result<std::optional<TraceJob>> next() override;
  const CsvReader& reader() const { return reader_; }

 private:
  CsvReader reader_;
  ReadLine read_;
  std::string line_;
};

// Jobs of another source, of which none runs for longer than a year, nor is estimated to: what is longer is cut, and counted.
class BoundedSource final : public JobSource {
 public:
  static constexpr int kDaysMax = 365;

  explicit BoundedSource(JobSource& source) : source_(source) {}
  Result<std::optional<TraceJob>> next() override;
  int64_t cut() const { return cut_; }

 private:
  JobSource& source_;
  int64_t cut_ = 0;
};

// Tasks of the openb format, submitted at their creation time and as long as from creation to deletion. A
// task without both, or deleted when it was created, is left out; one whose creation goes back counts as
// created with the one above. The model of the accelerator is the first of those that it allows.
class OpenbSource final : public JobSource {
 public:
  OpenbSource(std::string file, ReadLine read) : reader_(std::move(file)), read_(std::move(read)) {}
  Result<std::optional<TraceJob>> next() override;
  int64_t left_out() const { return left_out_; }
  int64_t clock_went_back() const { return clock_went_back_; }

 private:
  OpenbTaskReader reader_;
  ReadLine read_;
  std::string line_;
  TimeUs last_us_ = 0;
  int64_t left_out_ = 0, clock_went_back_ = 0;
};

}  // namespace weir::twin
