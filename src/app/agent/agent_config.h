#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/event/types.h"
#include "core/result/result.h"

namespace weir::app {

enum class PathsChoice : uint8_t { kAuto, kSrv6, kPlain, kNone };

// What `weir agent` reads from its file (TOML) and its flags.
struct AgentConfig {
  std::string brain;  // HOST:PORT
  std::string token;  // to join with; unused once joined
  std::string site;   // name to join as; afterwards the certificate's
  std::string state = "/var/lib/weir-agent";
  std::string node;           // empty: the host's name
  std::string device = "lo";  // takes the addresses of instances; "none": they are there already
  PathsChoice paths = PathsChoice::kAuto;
  std::string reflector = "::";  // address on which probes are answered; "none": they are not
  int64_t reflector_port = 862;  // here and at the other sites
  TimeUs heartbeat_us = 500'000;
  TimeUs usage_us = 10'000'000;
  TimeUs probe_us = 100'000;
  TimeUs meter_us = 1'600'000;  // time to spend on metering, once
  int32_t cpu_milli = 0;        // offered at most; 0: all that the agent may use
  int32_t memory_mib = 0;
  int32_t accelerators = -1;            // offered at most; -1: all of the model that the machine has most of
  int64_t accelerator_fp16_gflops = 0;  // half-precision arithmetic of each; 0: not said
  int64_t accelerators_per_island = 0;  // that reach each other fast, as over NVLink; 0: all of the machine
  int64_t accelerator_slices = 0;       // equal parts that shares of one are made of (MIG); 0: any share
  std::string rack;                     // of the site; empty: not said
  std::string accelerators_root = "/";  // the folder that has proc, sys and dev of the machine
  int64_t power_idle_mw_per_core = 0;
  int64_t power_peak_mw_per_core = 0;
  std::string allow;                             // file of what tenants may run; empty: STATE/allow.toml
  bool allow_any = false;                        // without such a file: anybody, within what is offered
  std::map<std::string, std::string> artifacts;  // programs of this machine: absolute paths by name
};

// Sets one field by its name as written in the file ("heartbeat" = "200ms"). kInvalid names the field.
Status set_agent_field(AgentConfig& config, std::string_view name, const std::string& text);

// Reads a file over what is set already. kInvalid: "FILE:LINE: field: what".
Status read_agent_config(AgentConfig& config, std::string_view text, std::string_view file);

// What cannot be left out is there, and what goes together fits.
Status check_agent_config(const AgentConfig& config);

}  // namespace weir::app
