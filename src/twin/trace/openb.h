#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"

namespace weir {

// Traces of the format of Alibaba's cluster-trace-gpu-v2023 ("openb"): comma-separated values, one header,
// one file of nodes and one of tasks. Columns are known by name and may come in any order; unknown ones are
// passed over. Read line by line, so that memory does not grow with the file. Errors name file and line.

inline constexpr size_t kOpenbLineBytesMax = 65'536;
inline constexpr size_t kOpenbColumnsMax = 256;

struct OpenbNode {  // columns sn, cpu_milli, memory_mib, gpu, model
  std::string name;
  int32_t cpu_milli = 0;
  int32_t memory_mib = 0;
  int32_t accelerators = 0;
  std::string model;  // empty where there is none
};

struct OpenbTask {  // columns name, cpu_milli, memory_mib, num_gpu, gpu_milli; the rest may be missing
  std::string name;
  int32_t cpu_milli = 0;
  int32_t memory_mib = 0;
  int32_t accelerators = 0;
  int32_t accelerator_milli =
      0;  // of each: 1 to 1000, whole ones where there are several; 0 without accelerators
  std::vector<std::string> models;  // gpu_spec: any of these, in the order written; empty: any at all
  std::string qos;
  std::string phase;                       // pod_phase
  std::optional<int64_t> creation_time_s;  // since the trace began
  std::optional<int64_t> deletion_time_s;
  std::optional<int64_t> scheduled_time_s;
};

namespace openb {

// The header and the fields of one line.
class Columns {
 public:
  explicit Columns(std::string file) : file_(std::move(file)) {}

  // True: the line is a row, and field() tells its values until the next line. False: the header, or an empty
  // line.
  Result<bool> line(std::string_view text, const std::vector<std::string_view>& required);
  // Empty where there is no such column.
  std::string_view field(std::string_view name) const;
  Result<int64_t> number(std::string_view name, int64_t least, int64_t most) const;
  tl::unexpected<Error> wrong(std::string what, std::string remedy = {}) const;
  bool has_header() const { return !names_.empty(); }

 private:
  std::string file_;
  int64_t line_ = 0;
  std::vector<std::string> names_;
  std::vector<std::string_view> fields_;
};

}  // namespace openb

class OpenbNodeReader {
 public:
  explicit OpenbNodeReader(std::string file) : columns_(std::move(file)) {}
  // The next line of the file, without its newline. Nothing for the header and empty lines.
  Result<std::optional<OpenbNode>> line(std::string_view text);
  // After the last line: an error if there was no header.
  Status end() const;

 private:
  openb::Columns columns_;
};

class OpenbTaskReader {
 public:
  explicit OpenbTaskReader(std::string file) : columns_(std::move(file)) {}
  Result<std::optional<OpenbTask>> line(std::string_view text);
  Status end() const;

 private:
  openb::Columns columns_;
};

}  // namespace weir
