#include "infrastructure/agent/usage_meter.h"

#include <algorithm>
#include <limits>

namespace weir::agent {
namespace {

int64_t bounded(uint64_t value) {
  return static_cast<int64_t>(std::min<uint64_t>(value, std::numeric_limits<int64_t>::max() / 4));
}

// MiB · µs from byte · s: 10^6 / 2^20 = 15625 / 2^14.
int64_t memory_mib_us(uint64_t byte_seconds) {
  const auto product = static_cast<unsigned __int128>(byte_seconds) * 15'625 >> 14;
  return bounded(
      static_cast<uint64_t>(std::min<unsigned __int128>(product, std::numeric_limits<uint64_t>::max())));
}

}  // namespace

std::optional<UsageReport> UsageMeter::take(RunId run, const RunUsage& usage, TimeUs wall_us) {
  const bool over = usage.ended_unix_us != 0;
  if (usage.started_unix_us == 0) {
    if (over) ended_[run] = true;
    return std::nullopt;
  }
  auto [at, fresh] = reported_.try_emplace(run);
  UsageReport& before = at->second;
  if (fresh) {
    before.run = run;
    before.to = bounded(usage.started_unix_us);
  }
  UsageReport now{.run = run,
                  .from = 0,
                  .to = over ? bounded(usage.ended_unix_us) : wall_us,
                  .cpu_us = bounded(usage.cpu_us),
                  .memory_mib_us = memory_mib_us(usage.memory_byte_seconds),
                  .received_bytes = bounded(usage.rx_bytes),
                  .sent_bytes = bounded(usage.tx_bytes),
                  .energy_microjoule = bounded(usage.energy_microjoule),
                  .energy_model = usage.energy_model};
  if (over) ended_[run] = true;
  if (now.to <= before.to) {
    // A clock that stepped back must not hide what a run used in its last moments.
    const bool used = now.cpu_us > before.cpu_us || now.received_bytes > before.received_bytes ||
                      now.sent_bytes > before.sent_bytes;
    if (!over || !used) return std::nullopt;
    now.to = before.to + 1;
  }
  const auto more = [](int64_t total, int64_t reported) { return std::max<int64_t>(total - reported, 0); };
  UsageReport out{.run = run,
                  .from = before.to,
                  .to = now.to,
                  .cpu_us = more(now.cpu_us, before.cpu_us),
                  .memory_mib_us = more(now.memory_mib_us, before.memory_mib_us),
                  .received_bytes = more(now.received_bytes, before.received_bytes),
                  .sent_bytes = more(now.sent_bytes, before.sent_bytes),
                  .energy_microjoule = more(now.energy_microjoule, before.energy_microjoule),
                  .energy_model = now.energy_model,
                  .begun = over ? std::min(bounded(usage.started_unix_us), before.to) : 0};
  now.cpu_us = std::max(now.cpu_us, before.cpu_us);
  now.memory_mib_us = std::max(now.memory_mib_us, before.memory_mib_us);
  now.received_bytes = std::max(now.received_bytes, before.received_bytes);
  now.sent_bytes = std::max(now.sent_bytes, before.sent_bytes);
  now.energy_microjoule = std::max(now.energy_microjoule, before.energy_microjoule);
  before = std::move(now);
  return out;
}

void UsageMeter::forget(RunId run) {
  reported_.erase(run);
  ended_.erase(run);
}

}  // namespace weir::agent
