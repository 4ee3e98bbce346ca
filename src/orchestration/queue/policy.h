#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "orchestration/queue/job.h"

namespace weir::queue {

// The order in which the jobs of a queue are tried.
enum class PolicyKind : uint8_t { kWeir, kFcfs, kSjf, kSmallestArea, kWfp3, kUnicep, kF1 };

struct PolicyInfo {
  PolicyKind kind;
  std::string_view name;
  std::string_view about;  // one line, for people
  bool ages;               // whether the order of two waiting jobs may change as time goes by
};

// Every policy, ours first.
std::span<const PolicyInfo> policies();
const PolicyInfo& policy_info(PolicyKind kind);
std::optional<PolicyKind> policy_named(std::string_view name);

// Lower goes first; ties break by Job::id. Equal on every machine.
using Key = __int128;

// The key of a waiting job at `now`. Sizes are cores, or accelerators where a job asks for no cores.
// wfp3, unicep: Tang, Desai, Buettner, Lan: Fault-aware, utility-based job scheduling on Blue Gene/P systems
// (CLUSTER 2009). f1: Carastan-Santos, de Camargo: Obtaining dynamic scheduling policies with simulation and
// machine learning (SC 2017), on seconds and processors.
Key policy_key(PolicyKind kind, const Job& job, TimeUs now);

// log2(value) with 32 binary digits after the point, rounded down; value >= 1.
int64_t log2_q32(uint64_t value);

}  // namespace weir::queue
