#include "infrastructure/lab/lab_state.h"

#include <boost/json.hpp>

namespace weir::lab {

namespace json = boost::json;

std::string encode(const LabState& state) {
  json::array processes;
  for (const LabState::Process& p : state.processes) {
    processes.push_back(
        json::object{{"site", p.site}, {"pid", p.process.pid}, {"start_ticks", p.process.start_ticks}});
  }
  json::object root{{"number", state.number},
                    {"srv6", state.srv6},
                    {"complete", state.complete},
                    {"processes", std::move(processes)},
                    {"cut", json::array(state.cut.begin(), state.cut.end())},
                    {"killed", json::array(state.killed.begin(), state.killed.end())}};
  if (state.emulator) {
    root["emulator"] =
        json::object{{"pid", state.emulator->pid}, {"start_ticks", state.emulator->start_ticks}};
  }
  return json::serialize(root) + "\n";
}

Result<LabState> decode_lab_state(std::string_view text, const std::string& path) {
  try {
    const json::value value = json::parse({text.data(), text.size()});
    const json::object& root = value.as_object();
    const auto process = [](const json::object& o) {
      const ProcessName out{o.at("pid").to_number<pid_t>(), o.at("start_ticks").to_number<uint64_t>()};
      if (out.pid <= 0) throw std::out_of_range("a process number is not positive");
      return out;
    };
    LabState out;
    out.number = root.at("number").to_number<uint8_t>();
    out.srv6 = root.at("srv6").as_bool();
    out.complete = root.at("complete").as_bool();
    if (const json::value* emulator = root.if_contains("emulator"))
      out.emulator = process(emulator->as_object());
    for (const json::value& p : root.at("processes").as_array()) {
      out.processes.push_back({std::string(p.at("site").as_string()), process(p.as_object())});
    }
    for (const json::value& name : root.at("cut").as_array()) out.cut.emplace(name.as_string());
    for (const json::value& name : root.at("killed").as_array()) out.killed.emplace(name.as_string());
    return out;
  } catch (const std::exception& e) {
    return fail(ErrorCode::kCorrupt, std::string("cannot be read: ") + e.what(), path, "take the lab down");
  }
}

}  // namespace weir::lab
