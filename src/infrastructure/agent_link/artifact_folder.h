#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/result/result.h"

namespace weir::agent_link {

// Programs that sites may fetch: the regular files of one folder, known by name and by the SHA-256 of their
// bytes. Files are hashed once for each size and time of change. Safe to call from several threads.
class ArtifactFolder {
 public:
  explicit ArtifactFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Digest of the file of this name, in hexadecimal; kNotFound if there is none. Reads the file the first time.
  Result<std::string> digest(std::string_view name);

  struct Found {
    std::filesystem::path path;
    uint64_t size = 0;
  };
  // kInvalid: no digest; kNotFound.
  Result<Found> find(std::string_view digest);

 private:
  struct Known {
    uint64_t size = 0;
    std::filesystem::file_time_type changed;
    std::string digest;
  };
  Result<Known> look(const std::string& name);

  const std::filesystem::path folder_;
  std::mutex mutex_;
  std::map<std::string, Known, std::less<>> known_;
};

}  // namespace weir::agent_link
