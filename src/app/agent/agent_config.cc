#include "app/agent/agent_config.h"

#include <array>

#include "core/event/limits.h"
#include "core/toml/fields.h"
#include "core/units/quantity.h"
#include "core/units/text.h"

namespace weir::app {
namespace {

constexpr TimeUs kHeartbeatUsMin = 20'000;
constexpr TimeUs kHeartbeatUsMax = 60'000'000;
constexpr TimeUs kUsageUsMin = 1'000'000;
constexpr TimeUs kProbeUsMin = 1'000;
constexpr TimeUs kMeterUsMin = 40'000;

template <class T>
Status keep(Result<T> value, T& into) {
  if (!value) return tl::unexpected(value.error());
  into = *value;
  return {};
}

Status duration(const std::string& text, TimeUs low, TimeUs high, TimeUs& into) {
  const auto value = parse_duration_us(text);
  if (!value) return tl::unexpected(value.error());
  if (*value < low || *value > high) {
    return fail(ErrorCode::kInvalid,
                "\"" + text + "\" is not between " + format_duration(low) + " and " + format_duration(high));
  }
  into = *value;
  return {};
}

struct Field {
  std::string_view name;
  Status (*set)(AgentConfig&, const std::string&);
};

template <std::string AgentConfig::*member>
Status text_field(AgentConfig& config, const std::string& text) {
  config.*member = text;
  return {};
}

constexpr std::array kFields = {
    Field{"brain", text_field<&AgentConfig::brain>},
    Field{"token", text_field<&AgentConfig::token>},
    Field{"site", text_field<&AgentConfig::site>},
    Field{"state", text_field<&AgentConfig::state>},
    Field{"node", text_field<&AgentConfig::node>},
    Field{"device", text_field<&AgentConfig::device>},
    Field{"reflector", text_field<&AgentConfig::reflector>},
    Field{"allow", text_field<&AgentConfig::allow>},
    Field{"reflector-port", [](AgentConfig& c, const std::string& t) { return keep(parse_count(t, 1, 65'535), c.reflector_port); }},
    Field{"heartbeat", [](AgentConfig& c, const std::string& t) { return duration(t, kHeartbeatUsMin, kHeartbeatUsMax, c.heartbeat_us); }},
    Field{"usage", [](AgentConfig& c, const std::string& t) { return duration(t, kUsageUsMin, 3'600'000'000, c.usage_us); }},
    Field{"probe", [](AgentConfig& c, const std::string& t) { return duration(t, kProbeUsMin, 60'000'000, c.probe_us); }},
    Field{"meter", [](AgentConfig& c, const std::string& t) { return duration(t, kMeterUsMin, 60'000'000, c.meter_us); }},
    Field{"cpu", [](AgentConfig& c, const std::string& t) { return keep(parse_cpu_milli(t), c.cpu_milli); }},
    Field{"memory", [](AgentConfig& c, const std::string& t) { return keep(parse_memory_mib(t), c.memory_mib); }},
    Field{"accelerators",
          [](AgentConfig& c, const std::string& t) -> Status {
            c.accelerators = -1;
            if (t == "all") return {};
            const auto count = parse_count(t, 0, INT16_MAX);
            if (!count) return tl::unexpected(count.error());
            c.accelerators = static_cast<int32_t>(*count);
            return {};
          }},
    Field{"accelerator-fp16",
          [](AgentConfig& c, const std::string& t) -> Status {
            // Thousandths of a TFLOPS are GFLOPS.
            const auto tflops = parse_cpu_milli(t);
            if (!tflops) return tl::unexpected(tflops.error());
            c.accelerator_fp16_gflops = *tflops;
            return {};
          }},
    Field{"accelerators-per-island",
          [](AgentConfig& c, const std::string& t) { return keep(parse_count(t, 1, kDevicesPerNodeMax), c.accelerators_per_island); }},
    Field{"accelerator-slices",
          [](AgentConfig& c, const std::string& t) { return keep(parse_count(t, 1, kDeviceSlicesMax), c.accelerator_slices); }},
    Field{"rack", text_field<&AgentConfig::rack>},
    Field{"accelerators-root", text_field<&AgentConfig::accelerators_root>},
    Field{"power-idle", [](AgentConfig& c, const std::string& t) { return keep(parse_power_mw(t), c.power_idle_mw_per_core); }},
    Field{"power-peak", [](AgentConfig& c, const std::string& t) { return keep(parse_power_mw(t), c.power_peak_mw_per_core); }},
    Field{"paths",
          [](AgentConfig& c, const std::string& t) -> Status {
            if (t == "auto") c.paths = PathsChoice::kAuto;
            else if (t == "srv6") c.paths = PathsChoice::kSrv6;
            else if (t == "plain") c.paths = PathsChoice::kPlain;
            else if (t == "none") c.paths = PathsChoice::kNone;
            else return fail(ErrorCode::kInvalid, "\"" + t + "\" is none of auto, srv6, plain and none");
            return {};
          }},
    Field{"allow-any",
          [](AgentConfig& c, const std::string& t) -> Status {
            if (t != "true" && t != "false") return fail(ErrorCode::kInvalid, "\"" + t + "\" is neither true nor false");
            c.allow_any = t == "true";
            return {};
          }},
};

}  // namespace

Status set_agent_field(AgentConfig& config, std::string_view name, const std::string& text) {
  for (const Field& field : kFields) {
    if (field.name != name) continue;
    Status set = field.set(config, text);
    if (!set) set.error().where = std::string(name);
    return set;
  }
  std::vector<std::string_view> names;
  for (const Field& field : kFields) names.push_back(field.name);
  const std::string_view near = nearest(name, names);
  return fail(
      ErrorCode::kInvalid, "is no field of the agent's configuration", std::string(name),
      near.empty() ? "docs/reference/agent.md lists them" : "did you mean \"" + std::string(near) + "\"?");
}

Status read_agent_config(AgentConfig& config, std::string_view text, std::string_view file) {
  const auto tables = toml::parse(text, file);
  if (!tables) return tl::unexpected(tables.error());
  for (const toml::Table& table : *tables) {
    const bool root = table.name.empty();
    if (!root && (table.name != "artifacts" || table.listed)) {
      return fail(ErrorCode::kInvalid, "is no table of this file", toml::place(file, table.line, table.name),
                  "write [artifacts]");
    }
    for (const auto& [name, value] : table.fields) {
      const std::string at = toml::place(file, value.line, root ? name : table.name + "." + name);
      using Kind = toml::Value::Kind;
      if (!root) {
        if (value.kind != Kind::kText || !value.texts.front().text.starts_with('/')) {
          return fail(ErrorCode::kInvalid, "is not an absolute path", at, "write \"/usr/lib/...\"");
        }
        config.artifacts[name] = value.texts.front().text;
        continue;
      }
      if (value.kind == Kind::kTexts) {
        return fail(ErrorCode::kInvalid, "is neither text, whole number nor truth value", at,
                    "no field is a list");
      }
      const std::string as_text = value.kind == Kind::kText    ? value.texts.front().text
                                  : value.kind == Kind::kWhole ? std::to_string(value.whole)
                                  : value.truth                ? "true"
                                                               : "false";
      if (Status set = set_agent_field(config, name, as_text); !set) {
        set.error().where = at;
        return set;
      }
    }
  }
  return {};
}

Status check_agent_config(const AgentConfig& config) {
  const auto missing = [](const char* field, const char* remedy) {
    return fail(ErrorCode::kInvalid, "is missing", field, remedy);
  };
  if (config.brain.empty()) return missing("--brain", "give HOST:PORT of the brain");
  if (config.brain.rfind(':') == std::string::npos) {
    return fail(ErrorCode::kInvalid, "\"" + config.brain + "\" is not HOST:PORT", "--brain",
                "as in brain.example.org:7443");
  }
  if (!config.state.starts_with('/'))
    return fail(ErrorCode::kInvalid, "\"" + config.state + "\" is not an absolute path", "--state");
  if (!config.token.empty() && config.site.empty())
    return missing("--site", "name the site that the token is for");
  if (config.rack.size() > limits::kNameBytesMax || clip_utf8(config.rack, limits::kNameBytesMax) != config.rack) {
    return fail(ErrorCode::kInvalid, "is longer than " + std::to_string(limits::kNameBytesMax) + " bytes, or no UTF-8", "--rack",
                "give the rack a short name, as in r12");
  }
  if (!config.accelerators_root.starts_with('/')) {
    return fail(ErrorCode::kInvalid, "\"" + config.accelerators_root + "\" is not an absolute path",
                "--accelerators-root");
  }
  if (config.power_peak_mw_per_core < config.power_idle_mw_per_core) {
    return fail(ErrorCode::kInvalid, "is below power-idle", "power-peak");
  }
  return {};
}

}  // namespace weir::app
