#include "bench/support/raw_log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

namespace weir::bench {
namespace {

constexpr uint64_t kFileBytes = uint64_t{64} << 20;

tl::unexpected<Error> failed(const std::string& what, const std::string& where) {
  return fail(ErrorCode::kUnavailable, what + ": " + std::strerror(errno), where);
}

}  // namespace

Result<RawLog> RawLog::open(std::string directory, Blocks blocks) {
  RawLog out(std::move(directory), blocks);
  if (Status made = out.next_file(); !made) return tl::unexpected(made.error());
  if (blocks == Blocks::kZeroed) {
    const std::vector<std::byte> zeros(1 << 20);
    while (out.offset_ < kFileBytes) {
      if (Status written = out.append_durably(zeros); !written) return tl::unexpected(written.error());
    }
  }
  return out;
}

RawLog::RawLog(RawLog&& other) noexcept
    : directory_(std::move(other.directory_)),
      blocks_(other.blocks_),
      number_(other.number_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      offset_(other.offset_) {}

RawLog::~RawLog() {
  if (descriptor_ >= 0) close(descriptor_);
}

Status RawLog::append_durably(std::span<const std::byte> bytes) {
  if (offset_ + bytes.size() > kFileBytes) {
    offset_ = 0;
    if (blocks_ == Blocks::kNew) {
      if (Status made = next_file(); !made) return made;
    }
  }
  const ssize_t written = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset_));
  if (written != static_cast<ssize_t>(bytes.size()) || fdatasync(descriptor_) != 0) {
    return failed("cannot write the raw file", directory_);
  }
  offset_ += bytes.size();
  return {};
}

Status RawLog::next_file() {
  if (descriptor_ >= 0) close(descriptor_);
  const std::string path = directory_ + "/raw" + std::to_string(number_++);
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor_ < 0) return failed("cannot make a file", path);
  if ((errno = posix_fallocate(descriptor_, 0, static_cast<off_t>(kFileBytes))) != 0 ||
      fdatasync(descriptor_) != 0) {
    return failed("cannot reserve 64 MiB", path);
  }
  offset_ = 0;
  return {};
}

Result<ScratchFolder> ScratchFolder::make(const std::string& directory) {
  std::string path = directory + "/weir-bench-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return failed("cannot make a folder", directory);
  return ScratchFolder(std::move(path));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace weir::bench
