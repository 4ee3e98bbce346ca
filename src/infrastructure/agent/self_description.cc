#include "infrastructure/agent/self_description.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <sstream>

#include "core/event/limits.h"
#include "core/units/text.h"
#include "infrastructure/inventory/capacity.h"
#include "infrastructure/inventory/machine.h"
#include "infrastructure/posix/file.h"
#include "infrastructure/posix/unique_fd.h"

namespace weir::agent {
namespace {

constexpr int64_t kSpeedMilliMax = 1'000'000;

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "node";
  return name.data();
}

Result<int32_t> offered(uint64_t there, int32_t limit, int32_t high, const char* flag) {
  const auto usable = static_cast<int32_t>(std::min<uint64_t>(there, static_cast<uint64_t>(high)));
  if (limit > usable) {
    return fail(ErrorCode::kInvalid, "offers " + std::to_string(limit) + " of " + std::to_string(usable),
                flag, "offer at most what the agent may use here");
  }
  const int32_t out = limit > 0 ? limit : usable;
  if (out <= 0)
    return fail(ErrorCode::kInvalid, "nothing is left to offer", flag,
                "give the agent a larger control group");
  return out;
}

metering::MeterReport metering_of(const OfferOptions& options, uint64_t memory_bytes) {
  const std::filesystem::path path = options.state_folder / "metering";
  if (const auto text = posix::read_file(path)) {
    if (auto kept = decode_metering(*text)) return *kept;
  }
  metering::MeterOptions meter;
  meter.budget_us = options.meter_budget_us;
  meter.triad_bytes = std::clamp<uint64_t>(memory_bytes / 8, uint64_t{3} << 20, meter.triad_bytes);
  // Agents of one machine take turns: each would find it slower by what the others do. Without the file they do not.
  const posix::UniqueFd turn(::open("/run/lock/weir-metering", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  while (turn && ::flock(turn.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
  metering::MeterReport report = metering::measure(meter);
  (void)posix::replace_file(path, encode_metering(report), 0600,
                            posix::Durability::kOrdered);  // or measured again
  return report;
}

}  // namespace

std::string encode_metering(const metering::MeterReport& report) {
  std::ostringstream out;
  out << report.method << " " << report.speed_milli << " " << report.speed_wall_milli << "\n";
  for (const metering::Measure* m : {&report.integer, &report.fp64, &report.fp32, &report.memory}) {
    out << m->kernel << " " << m->unit << " " << m->rate_milli << " " << m->rate_wall_milli << " "
        << m->spread_permille << " " << m->repetitions << "\n";
  }
  return out.str();
}

std::optional<metering::MeterReport> decode_metering(const std::string& text) {
  std::istringstream in(text);
  metering::MeterReport out;
  if (!(in >> out.method >> out.speed_milli >> out.speed_wall_milli) || out.method != metering::kMethod)
    return std::nullopt;
  for (metering::Measure* m : {&out.integer, &out.fp64, &out.fp32, &out.memory}) {
    if (!(in >> m->kernel >> m->unit >> m->rate_milli >> m->rate_wall_milli >> m->spread_permille >>
          m->repetitions)) {
      return std::nullopt;
    }
  }
  if (out.speed_milli == 0) return std::nullopt;
  return out;
}

Result<NodeDescription> describe_node(const OfferOptions& options) {
  const auto machine = inventory::inspect_machine(options.state_folder, options.accelerators_root);
  if (!machine) return tl::unexpected(machine.error());
  const auto tree = cgroup::read_tree();
  if (!tree) return tl::unexpected(tree.error());
  const auto capacity = inventory::effective_capacity(*tree, inventory::this_hardware(), {});
  if (!capacity) return tl::unexpected(capacity.error());
  const auto cpu = offered(capacity->cpu_milli, options.cpu_milli_max, limits::kCpuMilliMax, "--cpu");
  if (!cpu) return tl::unexpected(cpu.error());
  const auto memory = offered(capacity->memory_bytes >> 20, options.memory_mib_max, INT32_MAX, "--memory");
  if (!memory) return tl::unexpected(memory.error());
  const metering::MeterReport metered = metering_of(options, capacity->memory_bytes);

  const auto accelerators = inventory::accelerators_to_offer(machine->accelerators, SIZE_MAX);
  if (options.accelerators_max > static_cast<int64_t>(accelerators.size())) {
    return fail(
        ErrorCode::kInvalid,
        "offers " + std::to_string(options.accelerators_max) + " of " + std::to_string(accelerators.size()),
        "--accelerators", "offer at most what one run alone can be given here");
  }
  const size_t wanted =
      options.accelerators_max < 0 ? accelerators.size() : static_cast<size_t>(options.accelerators_max);
  const size_t offered_count = std::min<size_t>(wanted, kDevicesPerNodeMax);
  uint64_t least_bytes = offered_count == 0 ? 0 : UINT64_MAX;
  for (size_t i = 0; i < offered_count; ++i) least_bytes = std::min(least_bytes, accelerators[i].memory_bytes);

  NodeDescription out;
  out.spec = {
      .name = clip_utf8(options.node_name.empty() ? host_name() : options.node_name, limits::kNameBytesMax),
      .cpu_milli = *cpu,
      .memory_mib = *memory,
      .accelerators = static_cast<int16_t>(offered_count),
      .accelerator_model =
          offered_count == 0 ? std::string() : clip_utf8(accelerators.front().model, limits::kNameBytesMax),
      .speed_milli = static_cast<int32_t>(
          std::clamp<int64_t>(static_cast<int64_t>(metered.speed_milli), 1, kSpeedMilliMax)),
      .accelerator_memory_mib = static_cast<int32_t>(std::min<uint64_t>(least_bytes >> 20, INT32_MAX)),
      .accelerator_fp16_gflops = offered_count == 0 ? 0 : options.accelerator_fp16_gflops,
      .accelerators_per_island = static_cast<int16_t>(offered_count == 0 ? 0 : options.accelerators_per_island),
      .accelerator_slices = static_cast<int16_t>(offered_count == 0 ? 0 : options.accelerator_slices),
      .rack = options.rack};
  out.accelerators = machine->accelerators;
  for (size_t i = 0; i < offered_count; ++i) out.accelerators_offered.push_back(accelerators[i].unique_name);
  out.architecture = machine->architecture;
  out.cores = machine->cores;
  out.threads = machine->threads;
  out.sockets = machine->packages;
  out.numa_nodes = static_cast<uint32_t>(machine->numa_nodes.size());
  for (const inventory::Cache& cache : machine->caches) {
    if (cache.level == 2) out.cache_l2_bytes += cache.bytes * cache.count;
    if (cache.level == 3) out.cache_l3_bytes += cache.bytes * cache.count;
  }
  out.memory_bytes = machine->memory_bytes;
  out.disk_bytes_free = machine->disk_bytes_free;
  out.cpu_model = machine->cpu_model;
  for (const metering::Measure* m : {&metered.integer, &metered.fp64, &metered.fp32, &metered.memory}) {
    const size_t slash = metered.method.find('/');
    out.metering.push_back({.name = m->kernel,
                            .unit = m->unit,
                            .method = metered.method.substr(0, slash),
                            .version = slash == std::string::npos ? "" : metered.method.substr(slash + 1),
                            .value_milli = static_cast<int64_t>(m->rate_milli),
                            .repetitions = static_cast<int32_t>(m->repetitions),
                            .spread_ppm = static_cast<int32_t>(m->spread_permille * 1000)});
  }
  return out;
}

}  // namespace weir::agent
