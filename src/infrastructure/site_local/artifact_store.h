#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "core/result/result.h"

namespace weir::site_local {

// 64 lower-case hexadecimal digits.
bool valid_digest(std::string_view digest);

// SHA-256 of a file's bytes, as such a digest.
Result<std::string> digest_of(const std::filesystem::path& path);

// Programs and data by the digest of their bytes: FOLDER/sha256/DIGEST. Safe to use from several threads and
// processes.
class ArtifactStore {
 public:
  // Makes the folder; others than its owner can read and execute, not write.
  static Result<ArtifactStore> open(const std::filesystem::path& folder);
  ArtifactStore(ArtifactStore&& other) noexcept : folder_(std::move(other.folder_)) {}

  // Copies a local file in, verified on the way: kCorrupt when its bytes are not those of the digest, and
  // nothing is stored. Success when it is there already.
  Status fetch(const std::filesystem::path& from, const std::string& digest);

  // The path of a stored artifact whose bytes have been checked: by reading them, unless the file is
  // unchanged since the last time (device, inode, size, times of content and of attributes). kNotFound,
  // kCorrupt.
  Result<std::filesystem::path> verified(const std::string& digest);

 private:
  struct Stamp {
    uint64_t device, inode, bytes;
    int64_t modified_ns, changed_ns;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  explicit ArtifactStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  static Result<Stamp> stamp_of(const std::filesystem::path& path);

  std::filesystem::path folder_;  // .../sha256
  std::mutex mutex_;
  std::map<std::string, Stamp> checked_;
};

}  // namespace weir::site_local
