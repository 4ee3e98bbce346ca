#include "infrastructure/site_local/leftovers.h"

#include <sys/stat.h>

#include <system_error>

namespace weir::site_local {

namespace fs = std::filesystem;

std::vector<fs::path> shared_folders() { return {"/tmp", "/var/tmp", "/dev/shm", "/run/lock"}; }

void remove_leftovers(uint32_t uid, const std::vector<fs::path>& folders) {
  for (const fs::path& folder : folders) {
    std::vector<fs::path> theirs;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      struct stat info {};
      if (::lstat(at->path().c_str(), &info) == 0 && info.st_uid == uid) theirs.push_back(at->path());
    }
    // The sticky bit keeps others from putting something else in their place. remove_all follows no links.
    for (const fs::path& path : theirs) fs::remove_all(path, error);
  }
}

}  // namespace weir::site_local
