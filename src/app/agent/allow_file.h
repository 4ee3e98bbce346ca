#pragma once

#include <filesystem>
#include <functional>

#include "app/agent/agent_config.h"
#include "core/result/result.h"

namespace weir::app {

struct AllowFile {
  std::filesystem::path path;
  bool fresh = false;  // the owner had written none: an empty one stands there now, which denies everything
};

// The file that says what tenants may run on this machine, which is only read: --allow, or STATE/allow.toml,
// which is made where there is none. With --allow-any, a file that lets every tenant run all that is offered.
// kNotFound: --allow names no file. kUnavailable: it cannot be written. Its content is not looked at.
Result<AllowFile> allow_file(const AgentConfig& config, const NodeSpec& offered);

// Follows the file while the agent runs, by the time of its last change.
class AllowFileWatch {
 public:
  explicit AllowFileWatch(std::filesystem::path path);
  // Calls `reload` if the file has changed since the last look. True: it did, and was content. An error is
  // reload's; the same file is not tried twice.
  Result<bool> look(const std::function<Status()>& reload);

 private:
  std::filesystem::path path_;
  std::filesystem::file_time_type seen_;
};

}  // namespace weir::app
