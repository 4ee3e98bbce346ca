#include <pthread.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>

#include "app/agent/agent_config.h"
#include "app/agent/run_agent.h"
#include "app/commands.h"
#include "app/exit_code.h"
#include "infrastructure/posix/file.h"
#include "infrastructure/site_local/supervisor.h"

namespace weir::app {
namespace {

constexpr const char* kFooter = R"(
Every field may also stand in the file: heartbeat = "200ms". There, [artifacts]
names programs of this machine that intents may ask for without a digest:
detector = "/usr/lib/city/detector".

Examples:
  weir agent --brain 10.77.1.1:7443 --site hub-a --token weir1... --allow-any
  weir agent --config /etc/weir/agent.toml
)";

struct Flags {
  std::string config;
  std::map<std::string, std::string> fields;
};

void say_line(bool problem, const std::string& text) {
  static std::mutex mutex;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char time[32];
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::lock_guard lock(mutex);
  std::fprintf(stderr, "%s.%03ldZ %s %s\n", time, now.tv_nsec / 1'000'000, problem ? "warning" : "info",
               text.c_str());
}

// SIGTERM and SIGINT wait here, whatever thread they reach.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  bool wait(TimeUs us) const {
    const timespec patience{static_cast<time_t>(us / 1'000'000), static_cast<long>(us % 1'000'000 * 1000)};
    return sigtimedwait(&set_, nullptr, &patience) > 0;
  }

 private:
  sigset_t set_{};
};

Status run(const Flags& flags) {
  AgentConfig config;
  if (!flags.config.empty()) {
    const auto text = posix::read_file(flags.config);
    if (!text) return tl::unexpected(text.error());
    if (const Status read = read_agent_config(config, *text, flags.config); !read) return read;
  }
  for (const auto& [name, value] : flags.fields) {
    if (Status set = set_agent_field(config, name, value); !set) {
      set.error().where = "--" + name;
      return set;
    }
  }
  const StopSignals signals;
  return run_agent(config, say_line, [&signals](TimeUs us) { return signals.wait(us); });
}

}  // namespace

void add_agent_commands(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* agent = app.add_subcommand("agent", "Keep this machine to what the brain wants of its site");
  agent->footer(kFooter);
  agent->add_option("--config", flags->config, "File of fields (TOML); flags win")->check(CLI::ExistingFile);
  const auto field = [&](const char* name, const char* help) {
    return agent->add_option_function<std::string>(
        std::string("--") + name, [flags, name](const std::string& value) { flags->fields[name] = value; },
        help);
  };
  field("brain", "HOST:PORT of the brain");
  field("token", "Join token, used once; not needed again")->envname("WEIR_JOIN_TOKEN");
  field("site", "Name of the site that the token is for");
  field("state", "Folder of identity, runs and artifacts; default /var/lib/weir-agent");
  field("node", "Name of this machine; default its host name");
  field("device", "Device that takes the addresses of instances, or none; default lo");
  field("paths", "auto, srv6, plain or none; default auto");
  field("reflector", "Address on which probes are answered, or none; default ::");
  field("reflector-port", "UDP port of probes at all sites; default 862");
  field("heartbeat", "Interval of signs of life; default 500ms");
  field("usage", "Interval of usage reports; default 10s");
  field("probe", "Interval of probes; default 100ms");
  field("meter", "Time to spend on metering this machine, once; default 1600ms");
  field("cpu", "Cores offered at most, as in 0.35");
  field("memory", "Memory offered at most, as in 1Gi");
  field("accelerators", "Accelerators offered at most; default all of the model that there are most of");
  field("accelerator-fp16", "Half-precision arithmetic of each accelerator in TFLOPS, as in 312");
  field("accelerators-per-island", "Accelerators that reach each other fast, as over NVLink; default all");
  field("accelerator-slices", "Equal parts that shares of an accelerator are made of, as MIG has 7; default any share");
  field("rack", "Rack of the site that this machine is in");
  field("accelerators-root", "Folder that has the machine's proc, sys and dev; default /");
  field("power-idle", "Power of an idle core, as in 4W");
  field("power-peak", "Power of a busy core");
  field("allow", "File that says what tenants may run here; default STATE/allow.toml");
  agent->add_flag_callback(
      "--allow-any", [flags] { flags->fields["allow-any"] = "true"; }, "Let every tenant run artifacts here");
  agent->callback([flags] { finish(run(*flags)); });

  const auto folder = std::make_shared<std::string>();
  CLI::App* supervise = app.add_subcommand("supervise-run", "")->group("");
  supervise->add_option("folder", *folder)->required();
  supervise->callback([folder] { exit_with(site_local::supervise(*folder)); });
}

}  // namespace weir::app
