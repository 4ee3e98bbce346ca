#include "infrastructure/lab/lab.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "infrastructure/lab/emulator_protocol.h"
#include "infrastructure/lab/features.h"
#include "infrastructure/lab/lab_network.h"
#include "infrastructure/lab/lab_state.h"

namespace weir::lab {
namespace {

namespace fs = std::filesystem;

constexpr int kEmulatorStartMs = 10'000;
constexpr int kAnswerMs = 5'000;
constexpr int kGraceMs = 3'000;

struct Descriptor {
  int fd;
  explicit Descriptor(int f) : fd(f) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

// One change of any lab below a root at a time.
class Lock {
 public:
  static Result<Lock> take(const std::string& root) {
    std::error_code ec;
    fs::create_directories(root, ec);
    const std::string path = root + "/lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0) {
      const int code = errno;
      if (fd >= 0) close(fd);
      return fail(code == EACCES ? ErrorCode::kDenied : ErrorCode::kUnavailable,
                  std::string("cannot lock it: ") + std::strerror(code), path, "run as root");
    }
    return Lock(fd);
  }
  Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Lock& operator=(Lock&&) = delete;
  ~Lock() {
    if (fd_ >= 0) close(fd_);
  }

 private:
  explicit Lock(int fd) : fd_(fd) {}
  int fd_;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Status write_file(const std::string& path, std::string_view text) {
  const std::string fresh = path + ".new";
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  if (!out || std::rename(fresh.c_str(), path.c_str()) != 0) {
    return fail(ErrorCode::kUnavailable, "cannot be written", path, "is the disk full, and are you root?");
  }
  return {};
}

bool good_lab_name(std::string_view name) {
  return !name.empty() && name.size() <= 12 &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

// Reads one line from a descriptor; empty when nothing came in time.
std::string read_line(int fd, int wait_ms) {
  std::string out;
  while (out.empty() || out.back() != '\n') {
    pollfd readable{fd, POLLIN, 0};
    if (poll(&readable, 1, wait_ms) <= 0) return {};
    std::array<char, 65536> buffer{};
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n <= 0) break;
    out.append(buffer.data(), static_cast<size_t>(n));
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace

Status Lab::save(const LabState& state) const { return write_file(folder_ + "/state.json", encode(state)); }

Result<LabState> Lab::load() const {
  const std::string path = folder_ + "/state.json";
  return decode_lab_state(read_file(path), path);
}

Result<Lab> Lab::open(const std::string& name, const std::string& state_root) {
  Lab lab;
  lab.folder_ = state_root + "/" + name;
  if (!good_lab_name(name) || !fs::exists(lab.folder_ + "/state.json")) {
    return fail(ErrorCode::kNotFound, "no lab '" + name + "' is up", lab.folder_,
                "bring it up with weir lab up");
  }
  auto spec = parse_lab(read_file(lab.folder_ + "/lab.yaml"), lab.folder_ + "/lab.yaml");
  if (!spec) return tl::unexpected(spec.error());
  const auto state = lab.load();
  if (!state) return tl::unexpected(state.error());
  lab.spec_ = std::move(*spec);
  if (const std::string joined = read_file(lab.folder_ + "/joined.yaml"); !joined.empty()) {
    auto grown = extend_lab(lab.spec_, joined, lab.folder_ + "/joined.yaml");
    if (!grown) return tl::unexpected(grown.error());
    lab.spec_ = std::move(*grown);
  }
  lab.srv6_ = state->srv6;
  lab.spec_.set_number(state->number, lab.srv6_);
  lab.addresses_ = AddressPlan(lab.spec_);
  return lab;
}

std::vector<std::string> Lab::list(const std::string& state_root) {
  std::vector<std::string> out;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(state_root, ec)) {
    if (entry.is_directory(ec)) out.push_back(entry.path().filename().string());
  }
  std::ranges::sort(out);
  return out;
}

Result<Lab> Lab::up(LabSpec spec, const LabOptions& options) {
  const Features features = probe_features();
  for (const std::string& line : features.missing) options.progress("missing " + line);
  if (const Status enough = sufficient(features); !enough) return tl::unexpected(enough.error());
  const auto lock = Lock::take(options.state_root);
  if (!lock) return tl::unexpected(lock.error());

  Lab lab;
  lab.spec_ = std::move(spec);
  lab.srv6_ = options.srv6 && features.srv6 && features.nftables;
  lab.spec_.set_number(options.number.value_or(lab.spec_.number), lab.srv6_);
  lab.addresses_ = AddressPlan(lab.spec_);
  lab.folder_ = options.state_root + "/" + lab.spec_.name;
  std::error_code ec;
  if (!fs::create_directory(lab.folder_, ec)) {
    return fail(ErrorCode::kConflict, "the lab '" + lab.spec_.name + "' is up, or was left half-made",
                lab.folder_, "take it down with weir lab down " + lab.spec_.name);
  }
  if (fs::exists("/sys/class/net/" + lab.addresses_.control_bridge())) {
    fs::remove_all(lab.folder_, ec);
    return fail(ErrorCode::kConflict,
                "another lab has the number " + std::to_string(lab.spec_.number) + " (device " +
                    lab.addresses_.control_bridge() + " exists)",
                "spec.number of kind Lab", "give this lab a number of its own");
  }
  if (const Status built = lab.build(options); !built) {
    const Status gone = [&] {
      options.progress("it failed: removing what was made");
      return remove(lab.spec_.name, options.state_root);
    }();
    Error error = built.error();
    if (!gone) error.what += "; and afterwards: " + gone.error().text();
    return tl::unexpected(error);
  }
  return lab;
}

Status Lab::build(const LabOptions& options) {
  // What is going to exist is written down first, so that down() finds it after a crash.
  LabState state;
  state.number = spec_.number;
  state.srv6 = srv6_;
  if (const Status s = write_file(folder_ + "/lab.yaml", spec_.source); !s) return s;
  if (const Status s = save(state); !s) return s;

  options.progress(std::to_string(spec_.sites.size()) + " sites and " + std::to_string(spec_.routers.size()) +
                   " routers, each in a network namespace");
  for (size_t i = 0; i < spec_.vertices.size(); ++i) {
    if (const Status s = make_namespace(spec_.vertices[i]); !s) return s;
  }

  options.progress(std::to_string(spec_.links.size()) + " links, carried by one emulator process");
  if (const Status s = start_emulator(options, state); !s) return s;

  options.progress("control network " + addresses_.control_subnet() + ", out of band; the brain at " +
                   addresses_.brain_control_address());
  if (const Status s = run_program({"ip", "-batch", "-"}, control_batch(spec_, addresses_)); !s) return s;

  options.progress(srv6_ ? "addresses, routes and SRv6 segments"
                         : "addresses and routes; plain paths, no SRv6");
  const PlainRoutes routes(spec_);
  for (size_t i = 0; i < spec_.vertices.size(); ++i) {
    if (const Status s = set_up(VertexId(i), routes); !s) return s;
  }
  state.complete = true;
  return save(state);
}

Status Lab::make_namespace(const std::string& vertex) const {
  const std::string name = addresses_.namespace_name(vertex);
  if (const Status s = create_namespace(name); !s) return s;
  return in_namespace(name, [&]() -> Status {
    for (const char* which : {"all", "default"}) {
      const std::string conf = std::string("net/ipv6/conf/") + which + "/";
      for (const auto& [key, value] :
           {std::pair("forwarding", "1"), std::pair("accept_dad", "0"), std::pair("accept_ra", "0"),
            std::pair("router_solicitations", "0")}) {
        if (const Status s = write_sysctl(conf + key, value); !s) return s;
      }
      if (!srv6_) continue;
      if (const Status s = write_sysctl(conf + "seg6_enabled", "1"); !s) return s;
    }
    return write_sysctl("net/ipv6/ip_nonlocal_bind", "1");
  });
}

Status Lab::set_up(VertexId vertex, const PlainRoutes& routes) const {
  const std::string batch = vertex_batch(spec_, addresses_, routes, vertex, srv6_);
  return in_namespace(addresses_.namespace_name(spec_.vertices[vertex.index()]), [&] {
    const Status batched = run_program({"ip", "-batch", "-"}, batch);
    if (!batched || !srv6_ || !spec_.is_site(vertex)) return batched;
    return run_program({"nft", "-f", "-"}, kDecapsulationRules);
  });
}

Status Lab::join(std::string_view text, const std::string& file) {
  const auto lock = Lock::take(fs::path(folder_).parent_path());
  if (!lock) return tl::unexpected(lock.error());
  const auto state = load();
  if (!state) return tl::unexpected(state.error());
  auto grown = extend_lab(spec_, text, file);
  if (!grown) return tl::unexpected(grown.error());
  grown->set_number(state->number, srv6_);
  const size_t vertices_before = spec_.vertices.size(), links_before = spec_.links.size();
  for (size_t k = links_before; k < grown->links.size(); ++k) {
    for (const VertexId end : {grown->links[k].spec.a, grown->links[k].spec.b}) {
      const std::string& name = grown->vertices[end.index()];
      if (state->killed.contains(name)) {
        return fail(ErrorCode::kConflict, "link " + grown->links[k].spec.name + " ends at " + name + ", which was killed", file,
                    "revive the site first");
      }
    }
  }
  spec_ = std::move(*grown);
  for (size_t v = vertices_before; v < spec_.vertices.size(); ++v) {
    if (const Status s = make_namespace(spec_.vertices[v]); !s) return s;
  }
  for (size_t k = links_before; k < spec_.links.size(); ++k) {
    const auto told =
        tell_emulator({.kind = EmulatorCommand::Kind::kCarry, .carried = emulator_link(spec_, addresses_, k)});
    if (!told) return tl::unexpected(told.error());
  }
  if (const Status s = run_program({"ip", "-batch", "-"}, control_cables(spec_, addresses_, vertices_before)); !s) return s;
  const PlainRoutes routes(spec_);
  for (size_t v = vertices_before; v < spec_.vertices.size(); ++v) {
    if (const Status s = set_up(VertexId(v), routes); !s) return s;
  }
  for (size_t v = 0; v < vertices_before; ++v) {
    const std::string batch = growth_batch(spec_, addresses_, routes, VertexId(v), srv6_, links_before);
    const Status set = in_namespace(addresses_.namespace_name(spec_.vertices[v]),
                                    [&] { return run_program({"ip", "-batch", "-"}, batch); });
    if (!set) return set;
  }
  std::string joined = read_file(folder_ + "/joined.yaml");
  joined += (joined.empty() ? "" : "\n---\n") + std::string(text);
  return write_file(folder_ + "/joined.yaml", joined);
}

Status Lab::start_emulator(const LabOptions& options, LabState& state) {
  const std::string config_path = folder_ + "/emulator.json";
  if (const Status s = write_file(config_path, encode(emulator_config(spec_, addresses_, folder_))); !s)
    return s;
  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return fail(ErrorCode::kUnavailable, "cannot make a pipe");
  const Descriptor ready(pipe_ends[0]);
  ProcessSpec process;
  process.argv = options.emulator_command;
  process.argv.push_back(config_path);
  process.log_path = folder_ + "/emulator.log";
  Result<ProcessName> started = [&] {
    const Descriptor theirs(pipe_ends[1]);
    return start_process(process, theirs.fd);
  }();
  if (!started) return tl::unexpected(started.error());
  state.emulator = *started;
  if (const Status s = save(state); !s) return s;
  const std::string line = read_line(ready.fd, kEmulatorStartMs);
  if (line.starts_with("ready")) {
    if (line != "ready") options.progress("emulator: " + line);
    return {};
  }
  return fail(ErrorCode::kUnavailable,
              "the emulator did not start: " + (line.empty() ? "it said nothing" : line), process.log_path,
              "read that file");
}

Status Lab::down(const std::string& name, const std::string& state_root) {
  const auto lock = Lock::take(state_root);
  if (!lock) return tl::unexpected(lock.error());
  return remove(name, state_root);
}

Status Lab::remove(const std::string& name, const std::string& state_root) {
  Lab lab;
  lab.folder_ = state_root + "/" + name;
  const std::vector<std::string> namespaces = namespaces_with_prefix("weir-" + name + "-");
  std::error_code ec;
  if (!good_lab_name(name) || (!fs::exists(lab.folder_) && namespaces.empty())) {
    return fail(ErrorCode::kNotFound, "there is no trace of a lab '" + name + "'", lab.folder_,
                "weir lab status lists the labs");
  }
  std::optional<Error> first;
  const auto note = [&](const Status& s) {
    if (!s && !first) first = s.error();
  };
  LabState state;
  if (fs::exists(lab.folder_ + "/state.json")) {
    auto loaded = lab.load();
    if (loaded) state = std::move(*loaded);
    if (auto spec = parse_lab(read_file(lab.folder_ + "/lab.yaml"), "lab.yaml"); loaded && spec) {
      lab.spec_ = std::move(*spec);
      lab.spec_.number = state.number;
      lab.addresses_ = AddressPlan(lab.spec_);
    }
  }
  std::vector<ProcessName> processes;
  for (const LabState::Process& p : state.processes) processes.push_back(p.process);
  for (const std::string& ns : namespaces) {
    for (const ProcessName& p : processes_in(ns)) processes.push_back(p);
  }
  for (const ProcessName& p : processes) {
    if (alive(p)) ::kill(p.pid, SIGTERM);
  }
  for (const ProcessName& p : processes) note(end_process(p, kGraceMs));
  // Those may have started others meanwhile.
  for (int round = 0; round < 3; ++round) {
    for (const std::string& ns : namespaces) {
      for (const ProcessName& p : processes_in(ns)) note(end_process(p, 0));
    }
  }
  if (state.emulator) note(end_process(*state.emulator, kGraceMs));
  if (!lab.spec_.sites.empty()) {
    // Parts that are missing are no error; whether the bridge is gone is looked at below.
    const Status ignored =
        run_program({"ip", "-force", "-batch", "-"}, control_removal_batch(lab.spec_, lab.addresses_));
    const std::string bridge = lab.addresses_.control_bridge();
    if (!ignored && fs::exists("/sys/class/net/" + bridge)) note(ignored);
  }
  for (const std::string& ns : namespaces) note(delete_namespace(ns));
  if (first) return tl::unexpected(*first);  // the state stays, so that down can be tried again
  fs::remove_all(lab.folder_, ec);
  if (ec) return fail(ErrorCode::kUnavailable, "cannot be removed: " + ec.message(), lab.folder_);
  return {};
}

Result<std::vector<EmulatorLinkStats>> Lab::tell_emulator(const EmulatorCommand& command) const {
  const std::string path = folder_ + "/emulator.sock";
  const Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  const std::string line = encode(command) + "\n";
  if (connect(fd.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      send(fd.fd, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    return fail(ErrorCode::kUnavailable, "the emulator does not answer: " + std::string(std::strerror(errno)),
                path, "take the lab down and bring it up again");
  }
  const std::string answer = read_line(fd.fd, kAnswerMs);
  if (answer.empty()) {
    return fail(ErrorCode::kUnavailable, "the emulator does not answer", path,
                "take the lab down and bring it up again");
  }
  return decode_answer(answer);
}

Result<const LabSite*> Lab::find_site(const std::string& site) const {
  const LabSite* found = spec_.site(site);
  if (found != nullptr) return found;
  std::string known;
  for (const LabSite& s : spec_.sites) known += (known.empty() ? "" : ", ") + s.spec.name;
  return fail(ErrorCode::kNotFound, "no site '" + site + "' in lab " + spec_.name, {},
              "its sites are " + known);
}

Result<LabStatus> Lab::status() const {
  const auto state = load();
  if (!state) return tl::unexpected(state.error());
  LabStatus out;
  out.name = spec_.name;
  out.srv6 = srv6_;
  out.emulator = state->emulator.value_or(ProcessName{});
  out.emulator_alive = state->emulator && alive(*state->emulator);
  std::vector<EmulatorLinkStats> stats;
  if (out.emulator_alive) {
    auto told = tell_emulator({});
    if (!told) return tl::unexpected(told.error());
    stats = std::move(*told);
  }
  for (size_t k = 0; k < spec_.links.size(); ++k) {
    const LinkSpec& link = spec_.links[k].spec;
    LinkStatus status{link.name, spec_.vertices[link.a.index()], spec_.vertices[link.b.index()], {}, {}, {}};
    if (k < stats.size()) {
      status.settings = stats[k].settings;
      status.forward = stats[k].forward;
      status.backward = stats[k].backward;
    }
    out.links.push_back(std::move(status));
  }
  for (const LabSite& site : spec_.sites) {
    const std::string ns = addresses_.namespace_name(site.spec.name);
    out.sites.push_back({site.spec.name, state->killed.contains(site.spec.name), ns,
                         addresses_.control_address(site.vertex), addresses_.site_prefix(site.vertex).text(),
                         processes_in(ns).size()});
  }
  for (const LabRouter& router : spec_.routers) out.routers.push_back(router.name);
  return out;
}

Status Lab::cut(const std::string& link) {
  const auto lock = Lock::take(fs::path(folder_).parent_path());
  if (!lock) return tl::unexpected(lock.error());
  auto state = load();
  if (!state) return tl::unexpected(state.error());
  const auto told = tell_emulator({.kind = EmulatorCommand::Kind::kCut, .link = link});
  if (!told) return tl::unexpected(told.error());
  state->cut.insert(link);
  return save(*state);
}

Status Lab::heal(const std::string& link) {
  const auto lock = Lock::take(fs::path(folder_).parent_path());
  if (!lock) return tl::unexpected(lock.error());
  auto state = load();
  if (!state) return tl::unexpected(state.error());
  if (const LabLink* found = spec_.link(link)) {
    for (const VertexId end : {found->spec.a, found->spec.b}) {
      const std::string& name = spec_.vertices[end.index()];
      if (state->killed.contains(name)) {
        return fail(ErrorCode::kConflict, "link " + link + " ends at " + name + ", which was killed", {},
                    "revive the site");
      }
    }
  }
  const auto told = tell_emulator({.kind = EmulatorCommand::Kind::kHeal, .link = link});
  if (!told) return tl::unexpected(told.error());
  state->cut.erase(link);
  return save(*state);
}

Status Lab::change(const std::string& link, const Change& change) {
  const auto told = tell_emulator({.kind = EmulatorCommand::Kind::kSet,
                                   .link = link,
                                   .delay_us = change.delay_us,
                                   .jitter_us = change.jitter_us,
                                   .loss_ppm = change.loss_ppm,
                                   .rate_bps = change.rate_bps,
                                   .queue_us = change.queue_us});
  if (!told) return tl::unexpected(told.error());
  return {};
}

Status Lab::cut_links_of(VertexId site, bool cut, const LabState& state) {
  for (const LabLink& link : spec_.links) {
    if (link.spec.a != site && link.spec.b != site) continue;
    const std::string& other = spec_.vertices[(link.spec.a == site ? link.spec.b : link.spec.a).index()];
    if (!cut && (state.cut.contains(link.spec.name) || state.killed.contains(other))) continue;
    const auto told = tell_emulator(
        {.kind = cut ? EmulatorCommand::Kind::kCut : EmulatorCommand::Kind::kHeal, .link = link.spec.name});
    if (!told) return tl::unexpected(told.error());
  }
  return run_program({"ip", "link", "set", addresses_.control_port(site), cut ? "down" : "up"}, "");
}

Status Lab::kill(const std::string& site) {
  const auto lock = Lock::take(fs::path(folder_).parent_path());
  if (!lock) return tl::unexpected(lock.error());
  const auto found = find_site(site);
  if (!found) return tl::unexpected(found.error());
  auto state = load();
  if (!state) return tl::unexpected(state.error());
  // The links first: a dying site says no farewell.
  state->killed.insert(site);
  if (const Status s = save(*state); !s) return s;
  if (const Status s = cut_links_of((*found)->vertex, true, *state); !s) return s;
  const std::string ns = addresses_.namespace_name(site);
  for (int round = 0; round < 3; ++round) {
    for (const ProcessName& process : processes_in(ns)) {
      if (const Status s = end_process(process, 0); !s) return s;
    }
  }
  std::erase_if(state->processes, [&](const LabState::Process& p) { return p.site == site; });
  return save(*state);
}

Status Lab::revive(const std::string& site) {
  const auto lock = Lock::take(fs::path(folder_).parent_path());
  if (!lock) return tl::unexpected(lock.error());
  const auto found = find_site(site);
  if (!found) return tl::unexpected(found.error());
  auto state = load();
  if (!state) return tl::unexpected(state.error());
  state->killed.erase(site);
  if (const Status s = cut_links_of((*found)->vertex, false, *state); !s) return s;
  return save(*state);
}

Result<ProcessName> Lab::start(const std::string& site, ProcessSpec process) {
  const auto lock = Lock::take(fs::path(folder_).parent_path());
  if (!lock) return tl::unexpected(lock.error());
  auto state = load();
  if (!state) return tl::unexpected(state.error());
  if (!site.empty()) {
    if (const auto found = find_site(site); !found) return tl::unexpected(found.error());
    if (state->killed.contains(site)) {
      return fail(ErrorCode::kConflict, "site " + site + " was killed", {}, "revive it first");
    }
  }
  if (process.argv.empty()) return fail(ErrorCode::kInvalid, "no program is named");
  if (!process.log_path.empty() && process.log_path[0] != '/')
    process.log_path = folder_ + "/" + process.log_path;
  ProcessName name;
  const Status started = in_namespace(site.empty() ? "" : addresses_.namespace_name(site), [&]() -> Status {
    const auto result = start_process(process);
    if (!result) return tl::unexpected(result.error());
    name = *result;
    return {};
  });
  if (!started) return tl::unexpected(started.error());
  state->processes.push_back({site, name});
  if (const Status s = save(*state); !s) return tl::unexpected(s.error());
  return name;
}

}  // namespace weir::lab
