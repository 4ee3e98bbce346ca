#include "service/gateway/names.h"

#include <charconv>

namespace weir::gateway {

std::string short_name(const std::string& full) { return full.substr(full.find('/') + 1); }

std::string_view to_text(Liveness state) {
  switch (state) {
    case Liveness::kUnknown: return "unknown";
    case Liveness::kUp: return "up";
    case Liveness::kDraining: return "draining";
    case Liveness::kDown: return "down";
  }
  return "unknown";
}

std::string_view to_text(RunState state) {
  switch (state) {
    case RunState::kPlanned: return "planned";
    case RunState::kStarting: return "starting";
    case RunState::kRunning: return "running";
    case RunState::kStopping: return "stopping";
    case RunState::kExited: return "exited";
    case RunState::kFailed: return "failed";
    case RunState::kLost: return "lost";
  }
  return "unknown";
}

std::string_view to_text(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return "invalid";
    case ErrorCode::kNotFound: return "not-found";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kDenied: return "denied";
    case ErrorCode::kInfeasible: return "infeasible";
    case ErrorCode::kExhausted: return "exhausted";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

Error whose(std::string_view kind, std::string_view name) {
  return {ErrorCode::kInvalid,
          "of which tenant the " + std::string(kind) + " \"" + std::string(name) + "\" is, is not said",
          "tenant", "give --tenant NAME, or write TENANT/" + std::string(name)};
}

std::optional<RunId> parse_run(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto plan = parse_number(text.substr(0, dot));
  const auto item = parse_number(text.substr(dot + 1));
  if (!plan || !item || *plan == kNoPosition || *item > UINT32_MAX) return std::nullopt;
  return RunId{*plan, static_cast<uint32_t>(*item)};
}

}  // namespace weir::gateway
