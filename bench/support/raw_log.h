#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/result/result.h"

namespace weir::bench {

// What the ledger is compared with: plain write and fdatasync into files of 64 MiB.
class RawLog {
 public:
  enum class Blocks {
    kNew,     // reserved but never written, file after file
    kZeroed,  // one file of zeros over and over, which spares the file system all bookkeeping
  };
  static Result<RawLog> open(std::string directory, Blocks blocks);
  RawLog(RawLog&& other) noexcept;
  RawLog& operator=(RawLog&&) = delete;
  ~RawLog();

  Status append_durably(std::span<const std::byte> bytes);

 private:
  RawLog(std::string directory, Blocks blocks) : directory_(std::move(directory)), blocks_(blocks) {}
  Status next_file();

  std::string directory_;
  Blocks blocks_;
  int number_ = 0;
  int descriptor_ = -1;
  uint64_t offset_ = 0;
};

// A new folder that is removed with all that is in it.
class ScratchFolder {
 public:
  static Result<ScratchFolder> make(const std::string& directory);
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();
  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace weir::bench
