#include "infrastructure/site_local/record.h"

#include <array>
#include <charconv>
#include <limits>
#include <map>

namespace weir::site_local {
namespace {

constexpr std::string_view kVersion = "1";

class Writer {
 public:
  explicit Writer(std::string_view kind) {
    text_.append("weir-").append(kind).append(" ").append(kVersion) += '\n';
  }
  void add(std::string_view key, std::string_view value) {
    text_.append(key) += ' ';
    for (const char c : value) {
      switch (c) {
        case '\\':
          text_ += "\\\\";
          break;
        case '\n':
          text_ += "\\n";
          break;
        default:
          text_ += c;
      }
    }
    text_ += '\n';
  }
  void add(std::string_view key, uint64_t value) { add(key, std::to_string(value)); }
  void add(std::string_view key, const ProcessName& process) {
    add(key, std::to_string(process.pid) + " " + std::to_string(process.start_ticks) + " " + process.boot_id);
  }
  std::string finish() { return std::move(text_) + "end\n"; }

 private:
  std::string text_;
};

// Reads all fields first; each may then be taken once, and none may be left.
class Reader {
 public:
  Reader(std::string_view kind, std::string_view text) { read(kind, text); }

  std::vector<std::string> strings(const std::string& key) {
    std::vector<std::string> out;
    if (const auto found = fields_.find(key); found != fields_.end()) {
      for (auto& [value, line] : found->second) out.push_back(std::move(value));
      fields_.erase(found);
    }
    return out;
  }

  std::string string(const std::string& key) {
    const auto found = fields_.find(key);
    if (found == fields_.end() || found->second.size() != 1) {
      stop("expected '" + key + "' once", 0);
      return {};
    }
    std::string out = std::move(found->second.front().first);
    fields_.erase(found);
    return out;
  }

  template <class T>
  T number(const std::string& key, uint64_t most = std::numeric_limits<T>::max()) {
    return number_in<T>(key, string(key), most);
  }

  template <class T>
  std::vector<T> numbers(const std::string& key) {
    std::vector<T> out;
    for (const std::string& text : strings(key))
      out.push_back(number_in<T>(key, text, std::numeric_limits<T>::max()));
    return out;
  }

  std::vector<DeviceNumber> devices(const std::string& key) {
    std::vector<DeviceNumber> out;
    for (const std::string& text : strings(key)) {
      const size_t colon = text.find(':');
      const std::string minor = colon == std::string::npos ? std::string() : text.substr(colon + 1);
      out.push_back({number_in<uint32_t>(key, text.substr(0, colon), UINT32_MAX),
                     number_in<uint32_t>(key, minor, UINT32_MAX)});
    }
    return out;
  }

  // 0: there is none, as in what was written before there was such a key.
  template <class T>
  T number_if_any(const std::string& key) {
    return fields_.contains(key) ? number<T>(key) : T{};
  }

  bool flag(const std::string& key) { return number<uint32_t>(key, 1) == 1; }

  ProcessName process(const std::string& key) {
    const std::string text = string(key);
    ProcessName out;
    const char* const last = text.data() + text.size();
    auto [at, error] = std::from_chars(text.data(), last, out.pid);
    if (error == std::errc() && at != last && *at == ' ' && out.pid >= 0) {
      auto [next, second] = std::from_chars(at + 1, last, out.start_ticks);
      if (second == std::errc() && next != last && *next == ' ') {
        out.boot_id.assign(next + 1, last);
        return out;
      }
    }
    stop("'" + key + "' is not a process", 0);
    return {};
  }

  void stop(std::string what, size_t line) {
    if (failed_) return;
    failed_ = true;
    error_ = {ErrorCode::kCorrupt, std::move(what),
              line == 0 ? std::string() : "line " + std::to_string(line)};
  }

  template <class T>
  Result<T> finish(T value) {
    if (!failed_ && !fields_.empty()) {
      stop("unknown key '" + fields_.begin()->first + "'", fields_.begin()->second.front().second);
    }
    if (failed_) return tl::unexpected(error_);
    return value;
  }

 private:
  template <class T>
  T number_in(const std::string& key, const std::string& text, uint64_t most) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > most) {
      stop("'" + key + "' is not a number of at most " + std::to_string(most), 0);
      return {};
    }
    return static_cast<T>(value);
  }

  void read(std::string_view kind, std::string_view text) {
    size_t number = 0;
    bool ended = false;
    while (!text.empty()) {
      ++number;
      const size_t newline = text.find('\n');
      if (newline == std::string_view::npos) return stop("the last line is not complete", number);
      const std::string_view line = text.substr(0, newline);
      text.remove_prefix(newline + 1);
      if (number == 1) {
        const std::string head = "weir-" + std::string(kind) + " ";
        if (!line.starts_with(head)) return stop("not a run's " + std::string(kind) + " file", number);
        if (line.substr(head.size()) != kVersion) {
          stop("format " + std::string(line.substr(head.size())) + " is not known to this version", number);
          error_.code = ErrorCode::kUnsupported;
          return;
        }
        continue;
      }
      if (line == "end") {
        ended = text.empty();
        break;
      }
      const size_t blank = line.find(' ');
      if (blank == std::string_view::npos) return stop("expected 'key value'", number);
      auto value = unescape(line.substr(blank + 1));
      if (!value) return stop("an escape that is not one", number);
      fields_[std::string(line.substr(0, blank))].push_back({std::move(*value), number});
    }
    if (!ended) stop("the file does not close with 'end'", number);
  }

  static tl::expected<std::string, bool> unescape(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\') {
        out += text[i];
        continue;
      }
      if (++i == text.size() || (text[i] != 'n' && text[i] != '\\')) return tl::unexpected(false);
      out += text[i] == 'n' ? '\n' : '\\';
    }
    return out;
  }

  std::map<std::string, std::vector<std::pair<std::string, size_t>>> fields_;
  bool failed_ = false;
  Error error_;
};

void write_spec(Writer& out, const RunSpec& spec) {
  out.add("run", run_name(spec.id));
  out.add("epoch", spec.epoch);
  out.add("tenant", spec.tenant);
  out.add("intent", spec.intent);
  for (const std::string& word : spec.command) out.add("command", word);
  out.add("artifact_name", spec.artifact.name);
  out.add("artifact_digest", spec.artifact.digest);
  for (const auto& [name, value] : spec.environment) {
    out.add("variable_name", name);
    out.add("variable_value", value);
  }
  out.add("cpu_milli", spec.cpu_milli);
  out.add("memory_bytes", spec.memory_bytes);
  out.add("pids_max", spec.pids_max);
  out.add("accelerators", spec.accelerators);
  if (spec.accelerator_devices > 0) out.add("accelerator_devices", spec.accelerator_devices);
  if (spec.accelerator_milli > 0) out.add("accelerator_milli", spec.accelerator_milli);
  if (spec.accelerator_memory_bytes > 0) out.add("accelerator_memory_bytes", spec.accelerator_memory_bytes);
  if (spec.best_effort) out.add("best_effort", uint64_t{1});
  out.add("listen_address", spec.listen_address);
  out.add("listen_port", spec.listen_port);
  out.add("lease_policy", spec.lease_policy == LeasePolicy::kJob ? "job" : "service");
  out.add("lease_us", spec.lease_us);
  out.add("termination_grace_us", spec.termination_grace_us);
}

RunSpec read_spec(Reader& in) {
  RunSpec spec;
  if (const auto id = parse_run_name(in.string("run"))) {
    spec.id = *id;
  } else {
    in.stop(id.error().what, 0);
  }
  spec.epoch = in.number<uint64_t>("epoch");
  spec.tenant = in.string("tenant");
  spec.intent = in.string("intent");
  spec.command = in.strings("command");
  spec.artifact.name = in.string("artifact_name");
  spec.artifact.digest = in.string("artifact_digest");
  auto names = in.strings("variable_name");
  auto values = in.strings("variable_value");
  if (names.size() != values.size()) in.stop("variables without values", 0);
  for (size_t i = 0; i < std::min(names.size(), values.size()); ++i) {
    spec.environment.emplace_back(std::move(names[i]), std::move(values[i]));
  }
  spec.cpu_milli = in.number<uint32_t>("cpu_milli");
  spec.memory_bytes = in.number<uint64_t>("memory_bytes");
  spec.pids_max = in.number<uint32_t>("pids_max");
  spec.accelerators = in.number<uint32_t>("accelerators");
  spec.accelerator_devices = in.number_if_any<uint64_t>("accelerator_devices");
  spec.accelerator_milli = in.number_if_any<uint32_t>("accelerator_milli");
  spec.accelerator_memory_bytes = in.number_if_any<uint64_t>("accelerator_memory_bytes");
  spec.best_effort = in.number_if_any<uint32_t>("best_effort") != 0;
  spec.listen_address = in.string("listen_address");
  spec.listen_port = in.number<uint16_t>("listen_port");
  const std::string policy = in.string("lease_policy");
  if (policy != "job" && policy != "service") in.stop("lease_policy is neither 'job' nor 'service'", 0);
  spec.lease_policy = policy == "service" ? LeasePolicy::kService : LeasePolicy::kJob;
  spec.lease_us = in.number<uint64_t>("lease_us");
  spec.termination_grace_us = in.number<uint64_t>("termination_grace_us");
  return spec;
}

constexpr std::array kStates = {DriverRunState::kPending, DriverRunState::kStarting, DriverRunState::kRunning,
                                DriverRunState::kExited, DriverRunState::kLost};

}  // namespace

std::string encode(const ProcessName& process) {
  Writer out("lock");
  out.add("supervisor", process);
  return out.finish();
}

Result<ProcessName> decode_process(std::string_view text) {
  Reader in("lock", text);
  ProcessName process = in.process("supervisor");
  return in.finish(std::move(process));
}

std::string encode(const RunOrder& order) {
  Writer out("order");
  write_spec(out, order.spec);
  for (const std::string& word : order.argv) out.add("argv", word);
  for (const std::string& variable : order.environment) out.add("environment", variable);
  out.add("work_folder", order.work_folder);
  out.add("uid", order.uid);
  out.add("gid", order.gid);
  out.add("cgroup_version", static_cast<uint64_t>(order.group.version));
  for (const auto& [controller, folder] : order.group.by_controller) {
    out.add("cgroup_controller", controller);
    out.add("cgroup_folder", folder.string());
  }
  out.add("cgroup_unified", order.group.unified.string());
  out.add("log_bytes_max", order.log_bytes_max);
  out.add("file_bytes_max", order.file_bytes_max);
  out.add("change_fifo", order.change_fifo);
  for (const std::string& name : order.accelerators) out.add("accelerator", name);
  for (const DeviceNumber& device : order.denied_devices)
    out.add("denied_device", std::to_string(device.major) + ":" + std::to_string(device.minor));
  for (const uint32_t gid : order.device_gids) out.add("device_gid", gid);
  return out.finish();
}

Result<RunOrder> decode_order(std::string_view text) {
  Reader in("order", text);
  RunOrder order;
  order.spec = read_spec(in);
  order.argv = in.strings("argv");
  order.environment = in.strings("environment");
  order.work_folder = in.string("work_folder");
  order.uid = in.number<uint32_t>("uid");
  order.gid = in.number<uint32_t>("gid");
  const uint32_t version = in.number<uint32_t>("cgroup_version", 2);
  if (version == 0) in.stop("cgroup_version is neither 1 nor 2", 0);
  order.group.version = version == 1 ? cgroup::Version::kV1 : cgroup::Version::kV2;
  const auto controllers = in.strings("cgroup_controller");
  const auto folders = in.strings("cgroup_folder");
  if (controllers.size() != folders.size()) in.stop("controllers without folders", 0);
  for (size_t i = 0; i < std::min(controllers.size(), folders.size()); ++i) {
    if (!order.group.by_controller.emplace(controllers[i], folders[i]).second)
      in.stop("a controller twice", 0);
  }
  // What the group's operations look up must be there.
  for (const char* needed : {"cpu", "memory", "pids"}) {
    if (version == 1 && !order.group.by_controller.contains(needed)) in.stop("a controller is missing", 0);
  }
  if (version == 2 && !order.group.by_controller.contains("")) in.stop("the control group is missing", 0);
  order.group.unified = in.string("cgroup_unified");
  order.log_bytes_max = in.number<uint64_t>("log_bytes_max");
  order.file_bytes_max = in.number<uint64_t>("file_bytes_max");
  order.change_fifo = in.string("change_fifo");
  order.accelerators = in.strings("accelerator");
  order.denied_devices = in.devices("denied_device");
  order.device_gids = in.numbers<uint32_t>("device_gid");
  return in.finish(std::move(order));
}

std::string encode(const RunControl& control) {
  Writer out("control");
  out.add("epoch", control.epoch);
  out.add("lease_until_us", control.lease_until_us);
  out.add("stop", control.stop ? 1 : 0);
  out.add("kill_at_us", control.kill_at_us);
  return out.finish();
}

Result<RunControl> decode_control(std::string_view text) {
  Reader in("control", text);
  RunControl control;
  control.epoch = in.number<uint64_t>("epoch");
  control.lease_until_us = in.number<uint64_t>("lease_until_us");
  control.stop = in.flag("stop");
  control.kill_at_us = in.number<uint64_t>("kill_at_us");
  return in.finish(control);
}

std::string encode(const RunStatus& status) {
  Writer out("status");
  out.add("state", to_string(status.state));
  out.add("supervisor", status.supervisor);
  out.add("leader", status.leader);
  out.add("started_unix_us", status.started_unix_us);
  out.add("ended_unix_us", status.ended_unix_us);
  // The code's sign: -1 is "none".
  out.add("exit_code_plus_1", static_cast<uint64_t>(status.exit.code + 1));
  out.add("exit_signal", static_cast<uint64_t>(status.exit.signal));
  out.add("exit_reason", status.exit.reason);
  return out.finish();
}

Result<RunStatus> decode_status(std::string_view text) {
  Reader in("status", text);
  RunStatus status;
  const std::string state = in.string("state");
  bool known = false;
  for (const DriverRunState candidate : kStates) {
    if (to_string(candidate) != state) continue;
    status.state = candidate;
    known = true;
  }
  if (!known) in.stop("unknown state '" + state + "'", 0);
  status.supervisor = in.process("supervisor");
  status.leader = in.process("leader");
  status.started_unix_us = in.number<uint64_t>("started_unix_us");
  status.ended_unix_us = in.number<uint64_t>("ended_unix_us");
  status.exit.code = in.number<int32_t>("exit_code_plus_1", 256) - 1;
  status.exit.signal = in.number<int32_t>("exit_signal", 127);
  status.exit.reason = in.string("exit_reason");
  return in.finish(std::move(status));
}

std::string encode(const RunSample& sample) {
  Writer out("usage");
  out.add("cpu_us", sample.cpu_us);
  out.add("memory_bytes_peak", sample.memory_bytes_peak);
  out.add("memory_byte_seconds", sample.memory_byte_seconds);
  out.add("traffic_measured", sample.traffic_measured ? 1 : 0);
  out.add("rx_bytes", sample.rx_bytes);
  out.add("tx_bytes", sample.tx_bytes);
  return out.finish();
}

Result<RunSample> decode_sample(std::string_view text) {
  Reader in("usage", text);
  RunSample sample;
  sample.cpu_us = in.number<uint64_t>("cpu_us");
  sample.memory_bytes_peak = in.number<uint64_t>("memory_bytes_peak");
  sample.memory_byte_seconds = in.number<uint64_t>("memory_byte_seconds");
  sample.traffic_measured = in.flag("traffic_measured");
  sample.rx_bytes = in.number<uint64_t>("rx_bytes");
  sample.tx_bytes = in.number<uint64_t>("tx_bytes");
  return in.finish(sample);
}

std::string run_name(RunId id) { return std::to_string(id.plan) + "-" + std::to_string(id.item); }

Result<RunId> parse_run_name(std::string_view name) {
  RunId id;
  const char* const last = name.data() + name.size();
  const auto [dash, first] = std::from_chars(name.data(), last, id.plan);
  if (first == std::errc() && dash != last && *dash == '-') {
    const auto [end, second] = std::from_chars(dash + 1, last, id.item);
    // One spelling each: no leading zeros.
    if (second == std::errc() && end == last && run_name(id) == name) return id;
  }
  return fail(ErrorCode::kInvalid, "'" + std::string(name.substr(0, 64)) + "' is not 'plan-item'");
}

}  // namespace weir::site_local
