#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/result/result.h"
#include "orchestration/queue/job.h"

namespace weir::queue {

// The order in which the jobs of a queue are tried.
enum class PolicyKind : uint8_t { kWeir, kFcfs, kSjf, kSmallestArea, kWfp3, kUnicep, kF1 };

// A whole number that an operator may set.
struct PolicyParameter {
  std::string_view name;
  int64_t value;  // unless set
  int64_t low, high;
  std::string_view about;
};

struct PolicyInfo {
  PolicyKind kind;
  std::string_view name;
  std::string_view about;  // one line, for people
  bool ages;               // whether the order of two waiting jobs may change as time goes by
  std::span<const PolicyParameter> parameters;
};

// Every policy, ours first.
std::span<const PolicyInfo> policies();
const PolicyInfo& policy_info(PolicyKind kind);
std::optional<PolicyKind> policy_named(std::string_view name);

// Of the parameters of kWeir.
enum WeirParameter : size_t {
  kRunExponent,
  kSizeExponent,
  kPassPermille,
  kLookAhead,
  kPatience,
  kWeirParameters
};

// Of the parameters that every policy has.
enum CommonParameter : size_t { kPreemptionsMax, kPreemptionsPerHour, kCommonParameters };
std::span<const PolicyParameter> common_parameters();

// A policy with its parameters.
struct Policy {
  PolicyKind kind = PolicyKind::kWeir;
  std::array<int64_t, kWeirParameters> values{};    // in the order of PolicyInfo::parameters
  std::array<int64_t, kCommonParameters> common{};  // in the order of common_parameters()

  Policy(PolicyKind of = PolicyKind::kWeir);
  int64_t operator[](WeirParameter parameter) const { return values[parameter]; }
  int64_t operator[](CommonParameter parameter) const { return common[parameter]; }
  friend bool operator==(const Policy&, const Policy&) = default;
};

struct PolicySetting {
  std::string_view name;
  int64_t value;
};
// kInvalid: no such policy or parameter (says the nearest), or a value out of its range.
Result<Policy> make_policy(std::string_view name, std::span<const PolicySetting> settings);

// Lower goes first; ties break by Job::id. Equal on every machine.
using Key = __int128;

// The key of a waiting job at `now`. Sizes are cores, or accelerators where a job asks for no cores; a run
// time of less than 10 s counts as 10 s in that of weir, as in bounded slowdown. wfp3, unicep: Tang, Desai,
// Buettner, Lan: Fault-aware, utility-based job scheduling on Blue Gene/P systems (CLUSTER 2009). f1:
// Carastan-Santos, de Camargo: Obtaining dynamic scheduling policies with simulation and machine learning (SC
// 2017), on seconds and processors.
Key policy_key(const Policy& policy, const Job& job, TimeUs now);

// Before every key of a policy, so that a job that waited too long goes first.
inline constexpr Key kFirstKey = -(Key{1} << 120);

// What a run time counts for at least in bounded slowdown (Feitelson, Rudolph: Metrics and benchmarking for
// parallel job scheduling, JSSPP 1998).
inline constexpr TimeUs kBoundUs = 10'000'000;

// log2(value) with 32 binary digits after the point, of which the last two may be off; value >= 1.
int64_t log2_q32(uint64_t value);

}  // namespace weir::queue
