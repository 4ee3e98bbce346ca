#include "app/agent/allow_file.h"

#include <fstream>

namespace weir::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEmptyList =
    "# What tenants may run on this machine. What no rule names is denied, so as it stands nothing runs "
    "here.\n"
    "# The agent reads this file again when it has changed. For example:\n"
    "#\n"
    "# [[tenant]]\n"
    "# name = \"city\"            # \"*\": every tenant that no other rule names\n"
    "# artifacts = [\"*\"]         # or \"sha256:...\", the only programs that it may run\n"
    "# cpu_milli_max = 2000       # thousandths of a core, all its runs together\n"
    "# memory_mib_max = 4096\n"
    "version = 1\n";

fs::file_time_type written(const fs::path& path) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  return error ? fs::file_time_type::min() : time;
}

Result<AllowFile> write(AllowFile file, const std::string& text) {
  std::ofstream out(file.path, std::ios::trunc);
  out << text;
  out.close();
  if (!out)
    return fail(ErrorCode::kUnavailable, "cannot be written", file.path.string(), "run the agent as root");
  return file;
}

}  // namespace

Result<AllowFile> allow_file(const AgentConfig& config, const NodeSpec& offered) {
  const fs::path state = config.state;
  std::error_code error;
  if (!config.allow.empty()) {
    if (fs::exists(config.allow, error)) return AllowFile{config.allow};
    return fail(ErrorCode::kNotFound, "there is no such file", config.allow,
                "write it (docs/reference/allow-list.md), or leave --allow out and begin with an empty one");
  }
  if (!config.allow_any) {
    if (fs::exists(state / "allow.toml", error)) return AllowFile{state / "allow.toml"};
    return write({state / "allow.toml", true}, kEmptyList);
  }
  std::string commands;
  for (const auto& [name, program] : config.artifacts)
    commands += (commands.empty() ? "\"" : ", \"") + program + "\"";
  return write({state / "allow-any.toml"},
               "version = 1\n[[tenant]]\nname = \"*\"\nartifacts = [\"*\"]\ncommands = [" + commands +
                   "]\ncpu_milli_max = " + std::to_string(offered.cpu_milli) +
                   "\nmemory_mib_max = " + std::to_string(offered.memory_mib) +
                   "\naccelerators_max = " + std::to_string(offered.accelerators) + "\nruns_max = 256\n");
}

AllowFileWatch::AllowFileWatch(fs::path path) : path_(std::move(path)), seen_(written(path_)) {}

Result<bool> AllowFileWatch::look(const std::function<Status()>& reload) {
  const fs::file_time_type now = written(path_);
  if (now == seen_) return false;
  seen_ = now;
  if (const Status read = reload(); !read) return tl::unexpected(read.error());
  return true;
}

}  // namespace weir::app
