#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "infrastructure/agent/uplink.h"
#include "infrastructure/metering/meter.h"

namespace weir::agent {

struct OfferOptions {
  std::string node_name;      // empty: the host's
  int32_t cpu_milli_max = 0;  // of what is offered; 0: all that the agent may use
  int32_t memory_mib_max = 0;
  int64_t accelerator_fp16_gflops = 0;  // half-precision arithmetic of each, as its owner says; 0: unknown
  int64_t accelerators_per_island = 0;  // as its owner says, as the next two; 0: all reach each other fast
  int64_t accelerator_slices = 0;       // 0: any share
  std::string rack;                     // empty: not said
  int32_t accelerators_max = -1;  // -1: all of one model; see inventory::accelerators_to_offer
  std::filesystem::path accelerators_root = "/";  // see inventory::accelerators_of_drivers
  uint64_t meter_budget_us = 1'600'000;
  std::filesystem::path state_folder;  // keeps the metering
};

// Looks at this machine, and meters one core if that was not done before by the same method. kInvalid: more
// is offered than there is, or nothing is left.
Result<NodeDescription> describe_node(const OfferOptions& options);

// The metering as text, to be kept: one "kernel unit rate_milli spread_permille repetitions" a line after the
// method and speed. Kernel variants are left out.
std::string encode_metering(const metering::MeterReport& report);
std::optional<metering::MeterReport> decode_metering(
    const std::string& text);  // none: damaged, or another method

}  // namespace weir::agent
