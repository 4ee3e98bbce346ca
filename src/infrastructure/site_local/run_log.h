#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "core/ports/site_driver.h"
#include "core/result/result.h"
#include "infrastructure/posix/unique_fd.h"

namespace weir::site_local {

// Appends what a run writes to files of bounded total size: segments named by the offset of their first byte,
// the oldest removed as new ones begin.
class RunLogWriter {
 public:
  // Goes on after the newest segment. The folder exists. At least 4 KiB in all.
  static Result<RunLogWriter> open(const std::filesystem::path& folder, uint64_t bytes_max);
  // On a write error (a full disk) the text is skipped but counted, so that offsets stay true.
  void append(std::string_view text);

 private:
  RunLogWriter(std::filesystem::path folder, uint64_t bytes_max)
      : folder_(std::move(folder)), bytes_max_(bytes_max) {}
  void begin_segment();

  std::filesystem::path folder_;
  uint64_t bytes_max_;
  uint64_t segment_start_ = 0;
  uint64_t end_ = 0;
  posix::UniqueFd segment_;
};

// Reads while another process writes. `complete` is left false. kNotFound: no such folder.
Result<LogChunk> read_run_log(const std::filesystem::path& folder, uint64_t offset, uint64_t bytes_max);

}  // namespace weir::site_local
