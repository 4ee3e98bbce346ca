#include "infrastructure/site_local/run_order.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "infrastructure/site_local/artifact_store.h"

namespace weir::site_local {
namespace {

constexpr std::string_view kArtifact = "{artifact}";
constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin";
constexpr size_t kNameBytesMax = 253;
constexpr size_t kWordBytesMax = 128 << 10;  // Linux takes no longer argument
constexpr size_t kTextBytesMax = 1 << 20;

tl::unexpected<Error> invalid(std::string what, std::string field, std::string remedy = {}) {
  return fail(ErrorCode::kInvalid, std::move(what), std::move(field), std::move(remedy));
}

bool valid_variable(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool valid_text(std::string_view text) {
  return text.size() < kWordBytesMax && text.find('\0') == std::string_view::npos;
}

std::string with_artifact(std::string text, const std::string& path) {
  for (size_t at = text.find(kArtifact); at != std::string::npos;
       at = text.find(kArtifact, at + path.size())) {
    text.replace(at, kArtifact.size(), path);
  }
  return text;
}

bool is_artifact(const RunSpec& spec) { return spec.command.empty() || spec.command.front() == kArtifact; }

}  // namespace

Status check_spec(const RunSpec& spec) {
  for (const auto& [field, text] : {std::pair{"tenant", &spec.tenant}, std::pair{"intent", &spec.intent}}) {
    if (text->empty() || text->size() > kNameBytesMax || !valid_text(*text)) {
      return invalid("expected 1 to 253 characters", field);
    }
  }
  if (spec.cpu_milli == 0) return invalid("must be above 0", "cpu_milli");
  if (spec.memory_bytes < (1 << 20)) return invalid("must be at least 1 MiB", "memory_bytes");
  if (spec.pids_max == 0) return invalid("must be above 0", "pids_max");
  const std::string& digest = spec.artifact.digest;
  if (!digest.empty() && !valid_digest(digest)) {
    return invalid("'" + digest.substr(0, 80) + "' is not a SHA-256 digest", "artifact.digest",
                   "write 64 lower-case hexadecimal digits");
  }
  size_t bytes = 0;
  bool wants_artifact = spec.command.empty();
  for (size_t i = 0; i < spec.command.size(); ++i) {
    if (!valid_text(spec.command[i]))
      return invalid("too long, or holds a NUL", "command[" + std::to_string(i) + "]");
    bytes += spec.command[i].size() + 1;
    wants_artifact = wants_artifact || spec.command[i].find(kArtifact) != std::string::npos;
  }
  if (!spec.command.empty() && spec.command.front().empty()) return invalid("names no program", "command[0]");
  for (const auto& [name, value] : spec.environment) {
    if (!valid_variable(name))
      return invalid("'" + name.substr(0, 80) + "' is not a name of a variable", "environment");
    if (name.starts_with("WEIR_") && name != "WEIR_SITE" && !name.starts_with("WEIR_TASK_") && !name.starts_with("WEIR_INSTANCE_"))
      return invalid("WEIR_ variables are the site's", "environment." + name);
    if (!valid_text(value)) return invalid("too long, or holds a NUL", "environment." + name);
    bytes += name.size() + value.size() + 2;
    wants_artifact = wants_artifact || value.find(kArtifact) != std::string::npos;
  }
  if (bytes > kTextBytesMax) return invalid("command and environment exceed 1 MiB", "command");
  if (wants_artifact && digest.empty()) {
    return invalid("nothing to run: the command needs an artifact", "artifact.digest",
                   "name its SHA-256 digest, or a program of the site as the command");
  }
  return {};
}

Result<std::string> find_program(const RunSpec& spec) {
  if (is_artifact(spec)) return std::string();
  const std::string& name = spec.command.front();
  if (name.starts_with('/')) {
    const std::string path = std::filesystem::path(name).lexically_normal().string();
    if (::access(path.c_str(), X_OK) == 0) return path;
    return fail(ErrorCode::kNotFound, "no program " + path + " on this machine", "command[0]");
  }
  if (name.find('/') != std::string::npos) {
    return invalid("'" + name + "' is neither a name nor an absolute path", "command[0]");
  }
  std::string_view folders = kPath;
  while (!folders.empty()) {
    const size_t colon = std::min(folders.find(':'), folders.size());
    const std::string path = std::string(folders.substr(0, colon)) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
    folders.remove_prefix(std::min(colon + 1, folders.size()));
  }
  return fail(ErrorCode::kNotFound, "no program '" + name + "' on this machine", "command[0]",
              "install it in /usr/local/bin, or name an absolute path");
}

void fill_command(RunOrder& order, const std::string& program, const std::filesystem::path& artifact) {
  const RunSpec& spec = order.spec;
  for (const std::string& word : spec.command) order.argv.push_back(with_artifact(word, artifact.string()));
  if (spec.command.empty()) order.argv.push_back(artifact.string());
  if (!program.empty()) order.argv.front() = program;

  const auto set = [&](const std::string& name, const std::string& value) {
    order.environment.push_back(name + "=" + value);
  };
  const auto given = [&](std::string_view name) {
    return std::any_of(spec.environment.begin(), spec.environment.end(),
                       [&](const auto& v) { return v.first == name; });
  };
  for (const auto& [name, value] : {std::pair<const char*, std::string>{"PATH", kPath},
                                    {"HOME", order.work_folder},
                                    {"TMPDIR", order.work_folder},
                                    {"LANG", "C.UTF-8"}}) {
    if (!given(name)) set(name, value);
  }
  set("WEIR_RUN", run_name(spec.id));
  set("WEIR_TENANT", spec.tenant);
  set("WEIR_INTENT", spec.intent);
  if (!artifact.empty()) set("WEIR_ARTIFACT", artifact.string());
  if (!spec.listen_address.empty()) set("WEIR_ADDRESS", spec.listen_address);
  if (spec.listen_port != 0) set("WEIR_PORT", std::to_string(spec.listen_port));
  for (const auto& [name, value] : spec.environment) set(name, with_artifact(value, artifact.string()));
}

}  // namespace weir::site_local
