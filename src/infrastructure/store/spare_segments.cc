#include "infrastructure/store/spare_segments.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace weir::store {
namespace {

constexpr std::string_view kSparePrefix = "spare-";
constexpr std::string_view kReserveName = "reserve";
constexpr uint64_t kZeroBytes = 1 << 20;

}  // namespace

SpareSegments::SpareSegments(FileSystem& files, std::string directory, uint64_t segment_bytes,
                             bool prepare_ahead)
    : files_(files), directory_(std::move(directory)), segment_bytes_(segment_bytes) {
  if (prepare_ahead) thread_ = std::thread([this] { prepare_in_background(); });
}

SpareSegments::~SpareSegments() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard hold(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Status SpareSegments::adopt(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    bool is_reserve = name == kReserveName;
    if (!is_reserve && !name.starts_with(kSparePrefix)) continue;
    std::string path = directory_ + "/" + name;
    if (!is_reserve) {
      uint64_t number = 0;
      std::string_view digits = std::string_view(name).substr(kSparePrefix.size());
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
      next_number_ = std::max(next_number_, number + 1);
    }
    Result<std::unique_ptr<File>> file = files_.open(path, FileSystem::Mode::kReadWrite);
    if (!file) return tl::unexpected(file.error());
    Result<uint64_t> size = (*file)->size();
    if (!size) return tl::unexpected(size.error());
    // A process that died while preparing may have left less than the whole.
    if (*size != segment_bytes_ || !(*file)->allocate(segment_bytes_)) {
      if (Status removed = files_.remove(path); !removed) return removed;
      continue;
    }
    SpareSegment spare{path, is_reserve};
    if (is_reserve) {
      reserve_ = std::move(spare);
    } else {
      std::lock_guard hold(mutex_);
      ready_.push_back(std::move(spare));
    }
  }
  return {};
}

Result<SpareSegment> SpareSegments::make(const std::string& name, bool write_zeros) {
  std::string path = directory_ + "/" + name;
  auto fill = [&]() -> Result<SpareSegment> {
    Result<std::unique_ptr<File>> file = files_.open(path, FileSystem::Mode::kCreate);
    if (!file) return tl::unexpected(file.error());
    if (Status reserved = (*file)->allocate(segment_bytes_); !reserved)
      return tl::unexpected(reserved.error());
    if (write_zeros) {
      std::vector<std::byte> zeros(std::min(kZeroBytes, segment_bytes_));
      for (uint64_t offset = 0; offset < segment_bytes_; offset += zeros.size()) {
        size_t length = static_cast<size_t>(std::min<uint64_t>(zeros.size(), segment_bytes_ - offset));
        Status written = write_fully(**file, offset, Bytes(zeros).first(length));
        if (!written) return tl::unexpected(written.error());
      }
    }
    if (Status synced = (*file)->sync(); !synced) return tl::unexpected(synced.error());
    return SpareSegment{path, false};
  };
  Result<SpareSegment> made = fill();
  if (!made) (void)files_.remove(path);
  return made;
}

void SpareSegments::prepare() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard hold(mutex_);
    if (wanted_ || !ready_.empty()) return;
    wanted_ = true;
  }
  changed_.notify_all();
}

void SpareSegments::prepare_in_background() {
  std::unique_lock hold(mutex_);
  for (;;) {
    changed_.wait(hold, [this] { return stop_ || wanted_; });
    if (stop_) return;
    std::string name = std::string(kSparePrefix) + std::to_string(next_number_++);
    hold.unlock();
    Result<SpareSegment> made = make(name, true);
    hold.lock();
    // Without space now, the writer tries again when it needs the segment, and reports.
    if (made) ready_.push_back(std::move(*made));
    wanted_ = false;
    changed_.notify_all();
  }
}

Status SpareSegments::secure(size_t count, bool with_reserve) {
  std::unique_lock hold(mutex_);
  changed_.wait(hold, [this] { return !wanted_; });
  while (ready_.size() < count) {
    std::string name = std::string(kSparePrefix) + std::to_string(next_number_++);
    Result<SpareSegment> made = make(name, false);
    if (made) {
      ready_.push_back(std::move(*made));
      continue;
    }
    bool enough = with_reserve && reserve_ && ready_.size() + 1 >= count;
    if (enough && made.error().code == ErrorCode::kExhausted) return {};
    return tl::unexpected(made.error());
  }
  return {};
}

SpareSegment SpareSegments::take() {
  std::lock_guard hold(mutex_);
  if (ready_.empty()) return *std::exchange(reserve_, std::nullopt);
  SpareSegment out = std::move(ready_.front());
  ready_.pop_front();
  return out;
}

Status SpareSegments::secure_reserve() {
  if (reserve_) return {};
  Result<SpareSegment> made = make(std::string(kReserveName), false);
  if (!made) return tl::unexpected(made.error());
  made->from_reserve = true;
  reserve_ = std::move(*made);
  return {};
}

}  // namespace weir::store
