#include "app/agent/run_agent.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <random>

#include "app/agent/allow_file.h"
#include "app/version.h"
#include "infrastructure/agent/agent_host.h"
#include "infrastructure/agent/instance_addresses.h"
#include "infrastructure/agent/self_description.h"
#include "infrastructure/path_driver/path_drivers.h"
#include "infrastructure/site_local/local_site_driver.h"
#include "infrastructure/telemetry/reflector.h"
#include "security/identity/agent_identity.h"

namespace weir::app {
namespace {

namespace fs = std::filesystem;

constexpr TimeUs kJoinRetryUsMin = 200'000;
constexpr TimeUs kJoinRetryUsMax = 5'000'000;
constexpr TimeUs kAllowFileLookUs = 1'000'000;
constexpr uint32_t kUsersFirst = 700'000'000;
constexpr uint32_t kUsersOfSite = 4096;

// Agents of several sites may share a machine; the numbers of their users must not meet. FNV-1a.
uint32_t users_of(const std::string& site) {
  uint32_t hash = 2'166'136'261u;
  for (const char c : site) hash = (hash ^ static_cast<uint8_t>(c)) * 16'777'619u;
  return kUsersFirst + hash % 4096 * kUsersOfSite;
}

// The site of this folder, or else the one that the token is for. Asks nobody.
Result<std::string> own_site(const AgentConfig& config, const fs::path& identity_folder) {
  const auto present = identity::AgentStore(identity_folder).load();
  if (present) {
    if (!config.site.empty() && config.site != present->info.site) {
      return fail(ErrorCode::kConflict, "this folder belongs to site " + present->info.site, config.state,
                  "use another --state for site " + config.site);
    }
    return present->info.site;
  }
  if (present.error().code != ErrorCode::kNotFound || config.token.empty())
    return tl::unexpected(present.error());
  return config.site;
}

// Spends the token, if this folder has no identity yet.
Status join_once(const AgentConfig& config, const agent::BrainLinkOptions& link, const agent::Say& say,
                 const std::function<bool(TimeUs)>& stopped) {
  if (identity::AgentStore(link.identity_folder).load()) return {};
  TimeUs wait = kJoinRetryUsMin;
  while (true) {
    const Status joined = agent::join(link, config.site, config.token, kVersion, agent::system_clock());
    if (joined) say(false, "joined as site " + config.site);
    if (joined ||
        (joined.error().code != ErrorCode::kUnavailable && joined.error().code != ErrorCode::kExhausted)) {
      return joined;
    }
    say(true, joined.error().text());
    if (stopped(wait)) return joined;
    wait = std::min(wait * 2, kJoinRetryUsMax);
  }
}

struct Paths {
  std::unique_ptr<PathDriver> driver;
  std::string why;  // not steerable
};

Result<Paths> open_paths(PathsChoice choice) {
  if (choice == PathsChoice::kNone) return Paths{nullptr, "the agent was told to program no paths"};
  Paths out;
  if (choice != PathsChoice::kPlain) {
    auto srv6 = path_driver::open_srv6();
    if (srv6) return Paths{std::move(*srv6), ""};
    if (choice == PathsChoice::kSrv6) return tl::unexpected(srv6.error());
    out.why = srv6.error().text();
  } else {
    out.why = "the agent was told to follow plain routing";
  }
  auto plain = path_driver::open_plain();
  if (!plain) return tl::unexpected(plain.error());
  out.driver = std::move(*plain);
  return out;
}

// Those that are not offered are there as well: no run may open them.
std::vector<site_local::AcceleratorDevice> devices_of(const agent::NodeDescription& node) {
  std::vector<site_local::AcceleratorDevice> out;
  for (const inventory::Accelerator& device : node.accelerators) {
    if (device.kind != "compute" || device.visible_variable.empty()) continue;
    const auto& offered = node.accelerators_offered;
    out.push_back({.name = device.unique_name.empty() ? device.name : device.unique_name,
                   .variable = device.visible_variable,
                   .device_files = device.device_files,
                   .shared_files = device.shared_files,
                   .offered = !device.unique_name.empty() && std::find(offered.begin(), offered.end(),
                                                                       device.unique_name) != offered.end()});
  }
  return out;
}

std::vector<std::string> supervisor() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const fs::path small = self.parent_path() / "weir-run";
  if (fs::exists(small, error)) return {small.string()};
  return {self.string(), "supervise-run"};
}

}  // namespace

std::string accelerators_text(const agent::NodeDescription& node, const SiteCapabilities& driver) {
  const NodeSpec& spec = node.spec;
  if (spec.accelerators == 0) return "";
  return ", " + std::to_string(spec.accelerators) +
         (spec.accelerators == 1 ? " accelerator" : " accelerators") +
         (spec.accelerator_model.empty() ? "" : " (" + spec.accelerator_model + ")") +
         (driver.isolation.ends_with("+devices") ? "" : ", which this kernel lets every run open,");
}

Status run_agent(const AgentConfig& config, const agent::Say& say,
                 const std::function<bool(TimeUs)>& stopped) {
  if (const Status fits = check_agent_config(config); !fits) return fits;
  if (::geteuid() != 0) {
    return fail(ErrorCode::kDenied, "only root can limit runs, part them from each other and program paths",
                "weir agent", "run the agent as root: as a service, or with sudo");
  }
  const fs::path state = config.state;
  std::error_code error;
  fs::create_directories(state, error);
  if (error || ::chmod(state.c_str(), 0711) != 0) {
    return fail(ErrorCode::kDenied, "cannot be made or opened to runs", config.state,
                "run the agent as root");
  }
  agent::AgentHost::Options options;
  options.state_folder = state;
  options.link.brain = config.brain;
  options.link.identity_folder = state / "identity";
  options.link.token = config.token;
  options.link.silence_us_max = std::max<TimeUs>(options.link.silence_us_max, 6 * config.heartbeat_us);
  options.agent.heartbeat_us = config.heartbeat_us;
  options.agent.usage_us = config.usage_us;
  options.agent.registered = config.artifacts;
  options.prober.interval_us = config.probe_us;
  options.prober.reflector_port = static_cast<uint16_t>(config.reflector_port);

  // The token is spent last, when all else has been found in order.
  const auto own = own_site(config, options.link.identity_folder);
  if (!own) return tl::unexpected(own.error());
  const std::string site = *own;
  options.agent.site = site;

  auto node = agent::describe_node({.node_name = config.node,
                                    .cpu_milli_max = config.cpu_milli,
                                    .memory_mib_max = config.memory_mib,
                                    .accelerator_fp16_gflops = config.accelerator_fp16_gflops,
                                    .accelerators_per_island = config.accelerators_per_island,
                                    .accelerator_slices = config.accelerator_slices,
                                    .rack = config.rack,
                                    .accelerators_max = config.accelerators,
                                    .accelerators_root = config.accelerators_root,
                                    .meter_budget_us = static_cast<uint64_t>(config.meter_us),
                                    .state_folder = state});
  if (!node) return tl::unexpected(node.error());
  const auto allowed = allow_file(config, node->spec);
  if (!allowed) return tl::unexpected(allowed.error());
  const auto cores_milli = static_cast<uint64_t>(node->spec.cpu_milli);
  AllowFileWatch watch(allowed->path);
  auto driver = site_local::LocalSiteDriver::open(
      {.state_folder = state / "site",
       .allow_list = allowed->path,
       .supervisor_command = supervisor(),
       .cgroup_name = "weir-" + site,
       .uid_first = users_of(site),
       .uid_count = kUsersOfSite,
       .power = {.idle_milliwatt = static_cast<uint64_t>(config.power_idle_mw_per_core) * cores_milli / 1000,
                 .peak_milliwatt = static_cast<uint64_t>(config.power_peak_mw_per_core) * cores_milli / 1000,
                 .capacity_milli = cores_milli},
       .accelerators = devices_of(*node)});
  if (!driver) return tl::unexpected(driver.error());
  auto paths = open_paths(config.paths);
  if (!paths) return tl::unexpected(paths.error());
  std::unique_ptr<agent::InstanceAddresses> addresses;
  if (config.device != "none") {
    auto opened = agent::open_instance_addresses(config.device);
    if (!opened) return tl::unexpected(opened.error());
    addresses = std::move(*opened);
  }
  std::unique_ptr<telemetry::Reflector> reflector;
  if (config.reflector != "none") {
    auto opened = telemetry::Reflector::open(
        {.address = config.reflector, .port = static_cast<uint16_t>(config.reflector_port)});
    if (!opened) return tl::unexpected(opened.error());
    reflector = std::move(*opened);
  }
  if (const Status joined = join_once(config, options.link, say, stopped); !joined) return joined;

  agent::SelfDescription self;
  self.site = site;
  self.version = kVersion;
  self.boot = std::random_device{}() + (uint64_t{std::random_device{}()} << 32);
  self.node = std::move(*node);
  self.driver = (*driver)->capabilities();
  self.steerable = paths->driver && paths->driver->steerable();
  self.not_steerable_why = paths->why;
  if (reflector) {
    self.reflector_address = config.reflector;
    self.reflector_port = reflector->port();
  }
  say(false, "site " + site + " offers " + std::to_string(self.node.spec.cpu_milli) +
                 " milli-cores at speed " + std::to_string(self.node.spec.speed_milli) + " and " +
                 std::to_string(self.node.spec.memory_mib) + " MiB" +
                 accelerators_text(self.node, self.driver) + "; paths are " +
                 (self.steerable ? "steerable" : "plain: " + self.not_steerable_why));

  site_local::LocalSiteDriver& local = **driver;
  auto host = agent::AgentHost::open(
      {.site = local,
       .store_artifact = [&local](const fs::path& from,
                                  const std::string& digest) { return local.fetch_artifact(from, digest); },
       .change_fd = local.change_fd(),
       .take_changes = [&local] { local.take_changes(); },
       .paths = paths->driver.get(),
       .addresses = addresses.get(),
       .probes = paths->driver != nullptr,
       .say = say},
      options, std::move(self));
  if (!host) return tl::unexpected(host.error());
  if (allowed->fresh) {
    say(true, "nothing may run here yet: say in " + allowed->path.string() +
                  " what tenants may run (docs/reference/allow-list.md)");
  }
  while (!stopped(kAllowFileLookUs)) {
    const auto changed = watch.look([&local] { return local.reload_allow_list(); });
    if (!changed) say(true, changed.error().text() + "; what was allowed before stays allowed");
    if (changed && *changed) say(false, "the allow-list was read again: " + allowed->path.string());
  }
  say(false, "the agent ends; what runs goes on");
  return {};
}

}  // namespace weir::app
