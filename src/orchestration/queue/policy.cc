#include "orchestration/queue/policy.h"

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "core/units/text.h"

namespace weir::queue {
namespace {

constexpr int64_t kLog10Of2Q32 = 1'292'913'986;  // log10(2) * 2^32
// log2(1 + i/256) with 32 binary digits: each squaring of the mantissa yields one.
constexpr std::array<uint64_t, 256> kLogTableQ32 = [] {
  std::array<uint64_t, 256> table{};
  for (uint64_t i = 0; i < table.size(); ++i) {
    uint64_t mantissa = (256 + i) << 55;
    for (int digit = 0; digit < 32; ++digit) {
      const unsigned __int128 square = static_cast<unsigned __int128>(mantissa) * mantissa;
      const bool over = (square >> 127) != 0;
      mantissa = static_cast<uint64_t>(square >> (over ? 64 : 63));
      table[i] = table[i] << 1 | (over ? 1 : 0);
    }
  }
  return table;
}();

constexpr std::array<PolicyParameter, kWeirParameters> kWeirs = {{
    {"run_exponent_milli", 1250, 0, 4000, "Weight of the logarithm of the estimated run time in the order"},
    {"size_exponent_milli", 1000, 0, 4000, "Weight of the logarithm of the cores in the order"},
    {"pass_permille", 100, 0, 1000,
     "A job may pass whose run time is at most this share of the first one's wait"},
    {"look_ahead", 16, 0, 64, "Jobs of which each is tried as the next where the queue keeps to its choice"},
    {"patience_s", 2'592'000, 0, 315'360'000, "A job that waits for longer goes first; 0: none does"},
}};

constexpr std::array<PolicyParameter, kCommonParameters> kCommon = {{
    {"preemptions_max", 3, 0, 1'000'000, "Times that one job of the queue is preempted at most; 0: none is"},
    {"preemptions_per_hour", 100, 0, 1'000'000, "Preemptions of one tenant's jobs in the queue in an hour"},
}};

constexpr std::array<PolicyInfo, 7> kPolicies = {{
    {PolicyKind::kWeir, "weir",
     "Least run time^1.25 times cores first; only short jobs pass one that waits for room", false, kWeirs},
    {PolicyKind::kFcfs, "fcfs", "First come, first served", false, {}},
    {PolicyKind::kSjf, "sjf", "Shortest estimated run time first", false, {}},
    {PolicyKind::kSmallestArea, "saf", "Smallest area (cores times estimated run time) first", false, {}},
    {PolicyKind::kWfp3, "wfp3", "Largest (wait / run time)^3 times cores first", true, {}},
    {PolicyKind::kUnicep, "unicep", "Largest wait / (log2 of cores times run time) first", true, {}},
    {PolicyKind::kF1, "f1", "Least log10(run time) times cores + 870 log10(submitted) first", false, {}},
}};

int64_t size_milli(const Job& job) {
  const Amount whole = job.whole();
  return whole.cpu_milli > 0 ? whole.cpu_milli : whole.accelerator_milli;
}

uint64_t positive(int64_t value) { return value > 0 ? static_cast<uint64_t>(value) : 1; }

// log10 of a time in seconds; below 0.1 s it counts as 0.1 s, as the policy's authors do.
Key log10_seconds_q32(TimeUs us) {
  const Key log2_us = log2_q32(positive(us < 100'000 ? 100'000 : us));
  return ((log2_us * kLog10Of2Q32) >> 32) - (Key{6} << 32);
}

constexpr Key kLast = Key{1} << 100;

}  // namespace

std::span<const PolicyInfo> policies() { return kPolicies; }

std::span<const PolicyParameter> common_parameters() { return kCommon; }

const PolicyInfo& policy_info(PolicyKind kind) { return kPolicies[static_cast<size_t>(kind)]; }

std::optional<PolicyKind> policy_named(std::string_view name) {
  for (const PolicyInfo& policy : kPolicies) {
    if (policy.name == name) return policy.kind;
  }
  return std::nullopt;
}

Policy::Policy(PolicyKind of) : kind(of) {
  const auto parameters = policy_info(of).parameters;
  for (size_t i = 0; i < parameters.size(); ++i) values[i] = parameters[i].value;
  for (size_t i = 0; i < kCommon.size(); ++i) common[i] = kCommon[i].value;
}

Result<Policy> make_policy(std::string_view name, std::span<const PolicySetting> settings) {
  const auto meant = [](std::string_view word, const std::vector<std::string_view>& names) {
    const std::string_view guess = nearest(word, names);
    if (!guess.empty()) return "did you mean " + std::string(guess) + "?";
    std::string all;
    for (const std::string_view each : names) all += (all.empty() ? "one of " : ", ") + std::string(each);
    return all;
  };
  const auto kind = policy_named(name);
  if (!kind) {
    std::vector<std::string_view> names;
    for (const PolicyInfo& policy : kPolicies) names.push_back(policy.name);
    return fail(ErrorCode::kInvalid, "no policy \"" + clip_utf8(name, 40) + "\"", "", meant(name, names));
  }
  Policy policy(*kind);
  const auto own = policy_info(*kind).parameters;
  std::vector<PolicyParameter> parameters(own.begin(), own.end());
  parameters.insert(parameters.end(), kCommon.begin(), kCommon.end());
  for (const PolicySetting& setting : settings) {
    size_t i = 0;
    while (i < parameters.size() && parameters[i].name != setting.name) ++i;
    if (i == parameters.size()) {
      std::vector<std::string_view> names;
      for (const PolicyParameter& parameter : parameters) names.push_back(parameter.name);
      return fail(ErrorCode::kInvalid,
                  "policy " + std::string(name) + " has no parameter \"" + clip_utf8(setting.name, 40) + "\"",
                  "", meant(setting.name, names));
    }
    if (setting.value < parameters[i].low || setting.value > parameters[i].high) {
      return fail(ErrorCode::kInvalid, std::string(setting.name) + " is from " +
                                           std::to_string(parameters[i].low) + " to " +
                                           std::to_string(parameters[i].high));
    }
    (i < own.size() ? policy.values[i] : policy.common[i - own.size()]) = setting.value;
  }
  return policy;
}

int64_t log2_q32(uint64_t value) {
  constexpr uint64_t kLog2OfEQ32 = 6'196'328'019;  // log2(e) * 2^32
  const int whole = 63 - std::countl_zero(value);
  // The mantissa in [1, 2) with 63 digits is (1 + i/256) * (1 + z), z < 1/256: a table and four terms of a
  // series.
  const uint64_t mantissa = value << (63 - whole);
  const uint64_t i = (mantissa >> 55) & 255;
  const uint64_t z = ((mantissa & ((uint64_t{1} << 55) - 1)) << 8) / (256 + i);
  const auto times = [](uint64_t a, uint64_t b) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(a) * b) >> 63);
  };
  const uint64_t z2 = times(z, z), z3 = times(z2, z), z4 = times(z2, z2);
  const uint64_t fraction = kLogTableQ32[i] + times(z - z2 / 2 + z3 / 3 - z4 / 4, kLog2OfEQ32);
  return static_cast<int64_t>((static_cast<uint64_t>(whole) << 32) + fraction);
}

Key policy_key(const Policy& policy, const Job& job, TimeUs now) {
  const int64_t size = size_milli(job);
  const TimeUs run_us = job.estimated_us;
  switch (policy.kind) {
    case PolicyKind::kFcfs:
      return job.submitted;
    case PolicyKind::kSjf:
      return (Key{run_us} << 64) + job.submitted;
    case PolicyKind::kWeir:
      return Key{policy[kRunExponent]} * log2_q32(positive(std::max(run_us, kBoundUs))) +
             Key{policy[kSizeExponent]} * log2_q32(positive(size));
    case PolicyKind::kSmallestArea:
      return Key{size} * run_us;
    case PolicyKind::kWfp3: {
      // The order is that of the logarithm.
      if (now <= job.submitted) return kLast;
      const int64_t log_ratio = log2_q32(positive(now - job.submitted)) - log2_q32(positive(run_us));
      return -(Key{3} * log_ratio + log2_q32(positive(size)));
    }
    case PolicyKind::kUnicep: {
      if (now <= job.submitted) return kLast;
      const int64_t log_size = log2_q32(positive(size)) - log2_q32(1000);
      if (log_size <= 0) return -kLast - (now - job.submitted);
      return -(Key{log2_q32(positive(now - job.submitted))} - log2_q32(positive(run_us)) -
               log2_q32(positive(log_size)));
    }
    case PolicyKind::kF1:
      return log10_seconds_q32(run_us) * size + 870'000 * log10_seconds_q32(job.submitted);
  }
  return 0;
}

}  // namespace weir::queue
