#include "infrastructure/store/faulty_disk.h"

#include <algorithm>
#include <random>
#include <utility>

namespace weir::store {
namespace {

constexpr size_t kSectorBytes = 512;

}  // namespace

class FaultyFile final : public File {
 public:
  FaultyFile(FaultyDisk& disk, std::shared_ptr<FaultyDisk::Node> node, std::string path)
      : disk_(disk), node_(std::move(node)), path_(std::move(path)) {}

  Result<size_t> write_at(uint64_t offset, Bytes data) override {
    std::lock_guard hold(disk_.mutex_);
    if (Status alive = disk_.alive(path_); !alive) return tl::unexpected(alive.error());
    uint64_t length = std::min<uint64_t>(data.size(), disk_.transfer_bytes_max_);
    uint64_t end = offset + length;
    if (end > node_->now.size() && disk_.space_used() + (end - node_->now.size()) > disk_.space_bytes_)
      return no_space();
    bool stops = length > disk_.write_bytes_left_;
    if (stops) length = disk_.write_bytes_left_;
    if (node_->now.size() < offset + length) node_->now.resize(offset + length);
    std::copy_n(data.begin(), length, node_->now.begin() + static_cast<ptrdiff_t>(offset));
    node_->unsynced.emplace_back(offset, offset + length);
    disk_.bytes_written_ += length;
    if (disk_.write_bytes_left_ != FaultyDisk::kNever) disk_.write_bytes_left_ -= length;
    if (stops) {
      disk_.stopped_ = true;
      return tl::unexpected(disk_.alive(path_).error());
    }
    return static_cast<size_t>(length);
  }

  Result<size_t> read_at(uint64_t offset, std::span<std::byte> out) const override {
    std::lock_guard hold(disk_.mutex_);
    if (Status alive = disk_.alive(path_); !alive) return tl::unexpected(alive.error());
    if (offset >= node_->now.size()) return size_t{0};
    uint64_t length = std::min<uint64_t>({out.size(), node_->now.size() - offset, disk_.transfer_bytes_max_});
    std::copy_n(node_->now.begin() + static_cast<ptrdiff_t>(offset), length, out.begin());
    return static_cast<size_t>(length);
  }

  Status sync() override {
    std::lock_guard hold(disk_.mutex_);
    if (Status alive = disk_.alive(path_); !alive) return alive;
    if (disk_.syncs_left_ == 0) {
      disk_.syncs_left_ = FaultyDisk::kNever;
      node_->unsynced.clear();
      return fail(ErrorCode::kUnavailable, "cannot flush: Input/output error", path_);
    }
    if (disk_.syncs_left_ != FaultyDisk::kNever) --disk_.syncs_left_;
    node_->synced.resize(node_->now.size());
    for (auto [from, to] : node_->unsynced) {
      if (to > node_->now.size()) continue;  // the file was emptied since
      std::copy(node_->now.begin() + static_cast<ptrdiff_t>(from),
                node_->now.begin() + static_cast<ptrdiff_t>(to),
                node_->synced.begin() + static_cast<ptrdiff_t>(from));
    }
    node_->unsynced.clear();
    return {};
  }

  Status allocate(uint64_t bytes) override {
    std::lock_guard hold(disk_.mutex_);
    if (Status alive = disk_.alive(path_); !alive) return alive;
    if (bytes <= node_->now.size()) return {};
    if (disk_.space_used() + (bytes - node_->now.size()) > disk_.space_bytes_) return no_space();
    node_->now.resize(bytes);
    return {};
  }

  Result<uint64_t> size() const override {
    std::lock_guard hold(disk_.mutex_);
    return node_->now.size();
  }

  const std::string& path() const override { return path_; }

 private:
  tl::unexpected<Error> no_space() const {
    return fail(ErrorCode::kExhausted, "No space left on device", path_, "free space on this file system");
  }

  FaultyDisk& disk_;
  std::shared_ptr<FaultyDisk::Node> node_;
  std::string path_;
};

class FaultyLock final : public DirectoryLock {
 public:
  FaultyLock(FaultyDisk& disk, std::string directory)
      : disk_(disk), directory_(std::move(directory)), epoch_(disk.epoch_) {}
  ~FaultyLock() override {
    std::lock_guard hold(disk_.mutex_);
    if (epoch_ == disk_.epoch_) disk_.locked_.erase(directory_);
  }

 private:
  FaultyDisk& disk_;
  std::string directory_;
  uint64_t epoch_;
};

Status FaultyDisk::alive(const std::string& path) const {
  if (!stopped_) return {};
  return fail(ErrorCode::kUnavailable, "the machine has stopped", path);
}

uint64_t FaultyDisk::space_used() const {
  uint64_t used = 0;
  for (const auto& [path, node] : files_) used += node->now.size();
  return used;
}

Result<std::unique_ptr<File>> FaultyDisk::open(const std::string& path, Mode mode) {
  std::lock_guard hold(mutex_);
  if (Status up = alive(path); !up) return tl::unexpected(up.error());
  auto found = files_.find(path);
  if (found == files_.end()) {
    if (mode != Mode::kCreate) return fail(ErrorCode::kNotFound, "cannot open: no such file", path);
    found = files_.emplace(path, std::make_shared<Node>()).first;
  } else if (mode == Mode::kCreate) {
    found->second->now.clear();
    found->second->unsynced.clear();
  }
  return std::make_unique<FaultyFile>(*this, found->second, path);
}

Result<std::vector<std::string>> FaultyDisk::list(const std::string& directory) {
  std::lock_guard hold(mutex_);
  if (Status up = alive(directory); !up) return tl::unexpected(up.error());
  if (!directories_.contains(directory))
    return fail(ErrorCode::kNotFound, "cannot list: no such directory", directory);
  std::vector<std::string> names;
  for (const auto& [path, node] : files_) {
    if (path.starts_with(directory + "/")) names.push_back(path.substr(directory.size() + 1));
  }
  return names;
}

Status FaultyDisk::rename(const std::string& from, const std::string& to) {
  std::lock_guard hold(mutex_);
  if (Status up = alive(from); !up) return up;
  auto found = files_.find(from);
  if (found == files_.end()) return fail(ErrorCode::kNotFound, "cannot rename: no such file", from);
  files_[to] = found->second;
  files_.erase(from);
  return {};
}

Status FaultyDisk::remove(const std::string& path) {
  std::lock_guard hold(mutex_);
  if (Status up = alive(path); !up) return up;
  if (files_.erase(path) == 0) return fail(ErrorCode::kNotFound, "cannot remove: no such file", path);
  return {};
}

Status FaultyDisk::sync_directory(const std::string& directory) {
  std::lock_guard hold(mutex_);
  if (Status up = alive(directory); !up) return up;
  synced_files_ = files_;
  return {};
}

Status FaultyDisk::make_directory(const std::string& directory) {
  std::lock_guard hold(mutex_);
  if (Status up = alive(directory); !up) return up;
  directories_.insert(directory);
  return {};
}

Result<std::unique_ptr<DirectoryLock>> FaultyDisk::lock(const std::string& directory) {
  std::lock_guard hold(mutex_);
  if (Status up = alive(directory); !up) return tl::unexpected(up.error());
  if (!locked_.insert(directory).second) return fail(ErrorCode::kConflict, "the ledger is in use", directory);
  return std::make_unique<FaultyLock>(*this, directory);
}

void FaultyDisk::limit_space(uint64_t bytes) {
  std::lock_guard hold(mutex_);
  space_bytes_ = bytes;
}

void FaultyDisk::limit_transfer(size_t bytes) {
  std::lock_guard hold(mutex_);
  transfer_bytes_max_ = bytes;
}

void FaultyDisk::fail_sync_after(uint64_t syncs) {
  std::lock_guard hold(mutex_);
  syncs_left_ = syncs;
}

void FaultyDisk::stop_after(uint64_t bytes) {
  std::lock_guard hold(mutex_);
  write_bytes_left_ = bytes;
}

bool FaultyDisk::stopped() const {
  std::lock_guard hold(mutex_);
  return stopped_;
}

uint64_t FaultyDisk::bytes_written() const {
  std::lock_guard hold(mutex_);
  return bytes_written_;
}

void FaultyDisk::crash(Loss loss, uint64_t seed) {
  std::lock_guard hold(mutex_);
  ++epoch_;
  locked_.clear();
  stopped_ = false;
  write_bytes_left_ = syncs_left_ = kNever;
  if (loss == Loss::kProcess) return;
  std::mt19937_64 random(seed);
  // Names may or may not have reached the disk without a sync of their directory.
  if (loss == Loss::kPower || random() % 2 == 0) files_ = synced_files_;
  for (auto& [path, node] : files_) {
    node->unsynced.clear();
    if (loss == Loss::kPower) {
      node->now = node->synced;
      continue;
    }
    node->synced.resize(node->now.size());
    for (size_t at = 0; at < node->now.size(); at += kSectorBytes) {
      if (random() % 2 == 0) continue;
      size_t length = std::min(kSectorBytes, node->now.size() - at);
      std::copy_n(node->synced.begin() + static_cast<ptrdiff_t>(at), length,
                  node->now.begin() + static_cast<ptrdiff_t>(at));
    }
    node->synced = node->now;
  }
  synced_files_ = files_;
}

std::vector<std::byte>& FaultyDisk::content(const std::string& path) {
  std::lock_guard hold(mutex_);
  return files_.at(path)->now;
}

bool FaultyDisk::exists(const std::string& path) const {
  std::lock_guard hold(mutex_);
  return files_.contains(path);
}

}  // namespace weir::store
