#include "app/lab/domain.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <span>
#include <thread>

#include "app/client.h"
#include "infrastructure/site_local/local_site_driver.h"
#include "security/identity/context.h"
#include "service/resource/resource.h"
#include "weir/v1/resource.pb.h"
#include "weir/v1/service.grpc.pb.h"

namespace weir::app {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSelf = "/proc/self/exe";
constexpr int kGrpcPort = 7443;
constexpr int kRestPort = 7480;
constexpr const char* kMeter = "250ms";  // agents of one machine meter it in turn
// The provider of every emulated site lets everybody in; what a site offers is its quota.
constexpr const char* kAllowList =
    "version = 1\n\n[[tenant]]\nname = \"*\"\nartifacts = [\"*\"]\ncpu_milli_max = 1000000\nmemory_mib_max = 1000000\n";
constexpr auto kStartLimit = std::chrono::seconds(20);
constexpr auto kLookAgain = std::chrono::milliseconds(50);

std::string self() {
  std::error_code error;
  const auto path = fs::read_symlink(kSelf, error);
  return error ? "weir" : path.string();
}

// Where the build puts the programs of the examples: beside the folder of this program.
fs::path built_artifacts() { return fs::path(self()).parent_path().parent_path() / "artifacts"; }

fs::path brain_folder(const lab::Lab& lab) { return fs::path(lab.folder()) / "brain"; }

std::string endpoint(const lab::Lab& lab) {
  return lab.addresses().brain_control_address() + ":" + std::to_string(kGrpcPort);
}

Status write_file(const fs::path& path, const std::string& text, fs::perms mode) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream out(path, std::ios::trunc);
  out << text;
  out.close();
  if (!out) return fail(ErrorCode::kUnavailable, "cannot be written", path.string());
  fs::permissions(path, mode, error);
  return {};
}

// Whether something listens there.
bool listens(const std::string& address, int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  bool open = connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  if (!open && errno == EINPROGRESS) {
    pollfd wait{fd, POLLOUT, 0};
    int error = 1;
    socklen_t size = sizeof error;
    open = poll(&wait, 1, 200) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
  }
  close(fd);
  return open;
}

// Asks again and again, within the limit.
template <class Holds>
bool wait_until(Holds&& holds) {
  const auto end = std::chrono::steady_clock::now() + kStartLimit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(kLookAgain);
  }
  return true;
}

Target target(const lab::Lab& lab) { return {.context_file = context_file(lab), .context = "local"}; }

// How much of a lab the brain knows already.
struct Known {
  size_t sites = 0, routers = 0, links = 0;
};

// What the brain has to know of the lab besides. Plain paths: nothing can be steered.
v1::ApplyRequest description(const lab::Lab& lab, const Known& known) {
  v1::ApplyRequest request;
  const lab::LabSpec& spec = lab.spec();
  for (const lab::LabSite& site : std::span(spec.sites).subspan(known.sites)) {
    SiteSpec described = site.spec;
    described.steerable = described.steerable && lab.srv6();
    resource::to_message(resource::describe(described), *request.add_resources());
  }
  for (const lab::LabRouter& router : std::span(spec.routers).subspan(known.routers)) {
    resource::to_message({.value = resource::Router{router.name, router.latitude_microdegrees, router.longitude_microdegrees}},
                         *request.add_resources());
  }
  const resource::Names names{.site = {}, .vertex = [&spec](VertexId v) { return spec.vertices[v.index()]; }, .dataset = {}};
  for (const lab::LabLink& link : std::span(spec.links).subspan(known.links)) {
    LinkSpec described = link.spec;
    described.steerable = described.steerable && lab.srv6();
    resource::to_message(resource::describe(described, names), *request.add_resources());
  }
  return request;
}

// An agent at each of these sites, joined by a token. Returns when all are attached.
Status attach(lab::Lab& lab, Client& client, std::span<const lab::LabSite> sites) {
  for (const lab::LabSite& site : sites) {
    v1::IssueTokenRequest request;
    request.set_join(true);
    request.set_subject(site.spec.name);
    v1::IssueTokenResponse token;
    if (Status s = client.call(&v1::Weir::Stub::IssueToken, request, token); !s) return s;
    if (Status s = start_agent(lab, site.spec.name, token.bearer()); !s) return s;
  }
  std::string missing;
  const bool all_up = wait_until([&] {
    v1::ListRequest request;
    request.set_kind("site");
    request.set_page_size(1000);
    v1::ListResponse response;
    if (!client.call(&v1::Weir::Stub::List, request, response)) return false;
    missing.clear();
    for (const lab::LabSite& site : sites) {
      const bool up = std::ranges::any_of(response.items(), [&](const v1::Resource& item) {
        return item.site().metadata().name() == site.spec.name && item.site().status().state() == "up";
      });
      if (!up) missing += (missing.empty() ? "" : ", ") + site.spec.name;
    }
    return missing.empty();
  });
  if (all_up) return {};
  return fail(ErrorCode::kUnavailable, "no agent attached from: " + missing, lab.folder(), "agent-SITE.log there tells why");
}

}  // namespace

std::string context_file(const lab::Lab& lab) { return (brain_folder(lab) / "context.toml").string(); }
std::string context_name(const std::string& lab) { return "lab-" + lab; }

Status start_brain(lab::Lab& lab) {
  auto started = lab.start("", {.argv = {self(), "serve", "--config", (fs::path(lab.folder()) / "brain.toml").string()},
                                .environment = {},
                                .log_path = "brain.log"});
  if (!started) return tl::unexpected(started.error());
  std::ofstream(fs::path(lab.folder()) / "brain.pid") << started->pid << "\n";
  const std::string log = (fs::path(lab.folder()) / "brain.log").string();
  const bool up = wait_until([&] {
    return (fs::exists(context_file(lab)) && listens(lab.addresses().brain_control_address(), kGrpcPort)) ||
           !lab::alive(*started);
  });
  if (!up || !lab::alive(*started)) return fail(ErrorCode::kUnavailable, "the brain did not begin to serve", log, "its log tells why");
  return {};
}

std::vector<fs::path> control_groups(const lab::Lab& lab) {
  std::vector<fs::path> out;
  for (const lab::LabSite& site : lab.spec().sites) {
    const fs::path state = fs::path(lab.folder()) / "agents" / site.spec.name;
    std::ifstream file(state / "site" / site_local::kGroupsFile);
    for (std::string line; std::getline(file, line);) {
      if (fs::path(line).filename() == "weir-" + site.spec.name) out.emplace_back(line);
    }
  }
  return out;
}

Status kill_brain(const lab::Lab& lab) {
  pid_t pid = 0;
  std::ifstream(fs::path(lab.folder()) / "brain.pid") >> pid;
  auto process = pid > 0 ? lab::name_process(pid) : Result<lab::ProcessName>(fail(ErrorCode::kNotFound, "no brain runs"));
  if (!process) return fail(ErrorCode::kNotFound, "no brain runs", "lab " + lab.spec().name);
  return lab::end_process(*process, 0);
}

Status start_agent(lab::Lab& lab, const std::string& site, const std::string& bearer) {
  const lab::LabSite* described = lab.spec().site(site);
  if (!described) return fail(ErrorCode::kNotFound, "no such site", "site " + site);
  const fs::path state = fs::path(lab.folder()) / "agents" / site;
  const auto power = [](int64_t mw) { return std::to_string(mw) + "mW"; };
  const Power& model = described->spec.power;
  std::vector<std::string> argv = {
      self(), "agent", "--brain", endpoint(lab), "--state", state.string(), "--node", site, "--allow",
      (fs::path(lab.folder()) / "allow.toml").string(), "--cpu", std::to_string(described->cpu_milli) + "m",
      "--memory", std::to_string(described->memory_mib) + "Mi",
      // The machine's would be every site's.
      "--accelerators", "0", "--power-idle", power(model.idle_mw_per_core), "--power-peak",
      power(model.peak_mw_per_core), "--paths", lab.srv6() ? "srv6" : "plain",
      // Every address of the site's prefix is local in a lab.
      "--device", "none", "--heartbeat", "200ms", "--usage", "2s", "--meter", kMeter};
  if (!bearer.empty()) argv.insert(argv.end(), {"--token", bearer, "--site", site});
  auto started = lab.start(site, {.argv = std::move(argv), .environment = {}, .log_path = "agent-" + site + ".log"});
  if (!started) return tl::unexpected(started.error());
  return {};
}

Status start_domain(lab::Lab& lab, const DomainOptions& options) {
  const fs::path folder = lab.folder();
  std::error_code error;
  const fs::path built = fs::is_directory(built_artifacts(), error) ? built_artifacts() : brain_folder(lab) / "artifacts";
  const fs::path artifacts = options.artifacts.empty() ? built : fs::absolute(options.artifacts);
  if (!options.artifacts.empty() && !fs::is_directory(artifacts, error)) {
    return fail(ErrorCode::kNotFound, "is no directory", artifacts.string(), "name the one with the programs, or leave --artifacts out");
  }
  fs::create_directories(artifacts, error);
  const std::string control = lab.addresses().brain_control_address();
  const std::string toml = "data = \"" + brain_folder(lab).string() + "\"\nlisten = \"" + endpoint(lab) +
                           "\"\nrest = \"" + control + ":" + std::to_string(kRestPort) + "\"\nartifacts = \"" +
                           artifacts.string() + "\"\n\n[domain]\nname = \"" + lab.spec().name +
                           "\"\nservice_prefix = \"" + lab.addresses().services().text() + "\"\n";
  if (Status s = write_file(folder / "brain.toml", toml, fs::perms::owner_read | fs::perms::owner_write); !s) return s;
  if (Status s = write_file(folder / "allow.toml", kAllowList, fs::perms::owner_read | fs::perms::owner_write); !s) return s;
  options.progress("starting the brain");
  if (Status s = start_brain(lab); !s) return s;

  auto client = Client::open(target(lab));
  if (!client) return tl::unexpected(client.error());
  options.progress("describing " + std::to_string(lab.spec().sites.size()) + " sites, " +
                   std::to_string(lab.spec().routers.size()) + " routers and " +
                   std::to_string(lab.spec().links.size()) + " links to it");
  v1::ApplyResponse applied;
  if (Status s = client->call(&v1::Weir::Stub::Apply, description(lab, {}), applied); !s) return s;

  options.progress("starting " + std::to_string(lab.spec().sites.size()) + " agents");
  if (Status s = attach(lab, *client, lab.spec().sites); !s) return s;
  if (!options.select_context) return {};
  const auto path = identity::context_path(getenv("XDG_CONFIG_HOME"), getenv("HOME"));
  if (!path) return tl::unexpected(path.error());
  auto own = identity::load_contexts(context_file(lab));
  if (!own) return tl::unexpected(own.error());
  identity::Contexts contexts;
  if (fs::exists(*path)) {
    auto known = identity::load_contexts(*path);
    if (!known) return tl::unexpected(known.error());
    contexts = std::move(*known);
  }
  contexts.named[context_name(lab.spec().name)] = own->named.at("local");
  contexts.current = context_name(lab.spec().name);
  return identity::save_contexts(contexts, *path);
}

Result<std::vector<std::string>> join_domain(lab::Lab& lab, const std::string& text, const std::string& file,
                                             const std::function<void(std::string_view)>& progress) {
  auto client = Client::open(target(lab));
  if (!client) return tl::unexpected(client.error());
  const Known known{lab.spec().sites.size(), lab.spec().routers.size(), lab.spec().links.size()};
  if (Status s = lab.join(text, file); !s) return tl::unexpected(s.error());
  std::vector<std::string> names;
  const auto joined = std::span(lab.spec().sites).subspan(known.sites);
  for (const lab::LabSite& site : joined) names.push_back(site.spec.name);
  progress("network namespaces: " + std::to_string(names.size()) + "; links: " +
           std::to_string(lab.spec().links.size() - known.links));
  v1::ApplyResponse applied;
  progress("describing sites and links to the brain");
  if (Status s = client->call(&v1::Weir::Stub::Apply, description(lab, known), applied); !s) return tl::unexpected(s.error());
  progress("starting an agent at each, with a token that works once");
  if (Status s = attach(lab, *client, joined); !s) return tl::unexpected(s.error());
  return names;
}

Status forget_context(const std::string& lab) {
  const auto path = identity::context_path(getenv("XDG_CONFIG_HOME"), getenv("HOME"));
  if (!path || !fs::exists(*path)) return {};
  auto contexts = identity::load_contexts(*path);
  if (!contexts) return tl::unexpected(contexts.error());
  if (contexts->named.erase(context_name(lab)) == 0) return {};
  if (contexts->current == context_name(lab)) {
    contexts->current = contexts->named.empty() ? "" : contexts->named.begin()->first;
  }
  return identity::save_contexts(*contexts, *path);
}

}  // namespace weir::app
