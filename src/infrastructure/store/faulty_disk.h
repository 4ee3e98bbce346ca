#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "infrastructure/store/file_system.h"

namespace weir::store {

// A disk in memory for tests: it fails on demand, and tells what a crash would leave.
class FaultyDisk final : public FileSystem {
 public:
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  enum class Loss {
    kProcess,        // the process dies: all that was written is still there
    kPower,          // only what was synced is there
    kPowerSomeKept,  // of each sector written since the last sync, the old or the new content is there
  };

  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status sync_directory(const std::string& directory) override;
  Status make_directory(const std::string& directory) override;
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory) override;

  // All files together may be no longer than this.
  void limit_space(uint64_t bytes);
  // Reads and writes move at most this many bytes at a time.
  void limit_transfer(size_t bytes);
  // The sync that follows so many others fails; 0: the next one. As on Linux, the bytes stay readable, but
  // later syncs no longer care for them.
  void fail_sync_after(uint64_t syncs);
  // The machine stops in the middle of a write, once so many more bytes have been written. Everything fails
  // from then on, until crash().
  void stop_after(uint64_t bytes);
  bool stopped() const;
  uint64_t bytes_written() const;

  // The machine starts again. All files and locks that are still open must not be used any more.
  void crash(Loss loss, uint64_t seed = 0);

  // The file as it is now, to be damaged at will; it must exist.
  std::vector<std::byte>& content(const std::string& path);
  bool exists(const std::string& path) const;

 private:
  friend class FaultyFile;
  friend class FaultyLock;
  struct Node {
    std::vector<std::byte> now;
    std::vector<std::byte> synced;
    std::vector<std::pair<size_t, size_t>> unsynced;  // [from, to) written since the last sync
  };
  Status alive(const std::string& path) const;
  uint64_t space_used() const;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>> files_;
  std::map<std::string, std::shared_ptr<Node>> synced_files_;
  std::set<std::string> directories_;
  std::set<std::string> locked_;
  uint64_t epoch_ = 0;
  uint64_t space_bytes_ = kNever;
  uint64_t transfer_bytes_max_ = kNever;
  uint64_t syncs_left_ = kNever;
  uint64_t write_bytes_left_ = kNever;
  uint64_t bytes_written_ = 0;
  bool stopped_ = false;
};

}  // namespace weir::store
