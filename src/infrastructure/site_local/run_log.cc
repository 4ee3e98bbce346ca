#include "infrastructure/site_local/run_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>

#include "infrastructure/cgroup/tree.h"
#include "infrastructure/posix/file.h"

namespace weir::site_local {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSegments = 4;
constexpr uint64_t kChunkBytesMax = 4 << 20;

struct Segment {
  fs::path path;
  uint64_t bytes = 0;
};

// By first offset.
Result<std::map<uint64_t, Segment>> segments_of(const fs::path& folder) {
  std::map<uint64_t, Segment> out;
  std::error_code error;
  fs::directory_iterator at(folder, error);
  if (error) return posix::fail_errno("cannot list", folder, error.value());
  for (const fs::directory_iterator end; at != end; at.increment(error)) {
    const auto start = cgroup::parse_number(at->path().filename().string());
    // A segment may be removed between the listing and the look at it.
    const uint64_t bytes = start ? at->file_size(error) : 0;
    if (start && !error) out.emplace(*start, Segment{at->path(), bytes});
    error.clear();
  }
  return out;
}

fs::path segment_path(const fs::path& folder, uint64_t start) {
  char name[24];
  std::snprintf(name, sizeof name, "%020llu", static_cast<unsigned long long>(start));
  return folder / name;
}

}  // namespace

Result<RunLogWriter> RunLogWriter::open(const fs::path& folder, uint64_t bytes_max) {
  const auto segments = segments_of(folder);
  if (!segments) return tl::unexpected(segments.error());
  RunLogWriter out(folder, std::max<uint64_t>(bytes_max, 4096));
  if (!segments->empty()) {
    const auto& [start, newest] = *segments->rbegin();
    out.end_ = start + newest.bytes;
  }
  out.begin_segment();
  return out;
}

void RunLogWriter::begin_segment() {
  segment_start_ = end_;
  segment_ = posix::UniqueFd(::open(segment_path(folder_, end_).c_str(),
                                    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640));
  auto segments = segments_of(folder_);
  if (!segments) return;
  // Room for one more whole segment.
  while (segments->size() > 1 && end_ - segments->begin()->first > bytes_max_ - bytes_max_ / kSegments) {
    std::error_code ignored;
    fs::remove(segments->begin()->second.path, ignored);
    segments->erase(segments->begin());
  }
}

void RunLogWriter::append(std::string_view text) {
  const uint64_t segment_bytes = bytes_max_ / kSegments;
  while (!text.empty()) {
    if (end_ - segment_start_ >= segment_bytes) begin_segment();
    const std::string_view piece = text.substr(0, segment_bytes - (end_ - segment_start_));
    ssize_t n = 0;
    do {
      n = segment_ ? ::write(segment_.get(), piece.data(), piece.size()) : -1;
    } while (n < 0 && segment_ && errno == EINTR);
    if (n <= 0) {
      // Skipped: the next segment begins after the gap, and its name says where.
      end_ += text.size();
      begin_segment();
      return;
    }
    end_ += static_cast<uint64_t>(n);
    text.remove_prefix(static_cast<size_t>(n));
  }
}

Result<LogChunk> read_run_log(const fs::path& folder, uint64_t offset, uint64_t bytes_max) {
  bytes_max = std::min(bytes_max, kChunkBytesMax);
  const auto segments = segments_of(folder);
  if (!segments) return tl::unexpected(segments.error());
  LogChunk out{.offset = offset, .next_offset = offset, .complete = false, .text = {}};
  for (const auto& [start, segment] : *segments) {
    if (start + segment.bytes <= out.next_offset || out.text.size() >= bytes_max) continue;
    if (start > out.next_offset) {
      // A gap: its bytes are gone. Before any text the chunk begins behind it; after, it ends here.
      if (!out.text.empty()) break;
      out.offset = out.next_offset = start;
    }
    const posix::UniqueFd fd(::open(segment.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) continue;
    std::string piece(std::min(bytes_max - out.text.size(), segment.bytes - (out.next_offset - start)), '\0');
    const ssize_t n =
        ::pread(fd.get(), piece.data(), piece.size(), static_cast<off_t>(out.next_offset - start));
    if (n <= 0) continue;
    out.text.append(piece, 0, static_cast<size_t>(n));
    out.next_offset += static_cast<uint64_t>(n);
  }
  return out;
}

}  // namespace weir::site_local
