#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "infrastructure/agent/ports.h"

// A site without processes and a network without a kernel, which keep the contracts of their ports.
namespace weir::agent::test {

class ManualClock final : public Clock {
 public:
  TimeUs wall_us() override { return now_us + 1'700'000'000'000'000; }
  TimeUs steady_us() override { return now_us; }
  TimeUs now_us = 1'000'000;
};

class FakeSite final : public SiteDriver {
 public:
  SiteCapabilities capabilities() const override {
    return {.driver = "fake", .isolation = "none", .runs_max = 100};
  }
  Status start(const RunSpec& spec) override {
    const std::lock_guard lock(mutex);
    ++starts;
    if (refuse) return tl::unexpected(*refuse);
    if (!spec.artifact.digest.empty() && !artifacts.contains(spec.artifact.digest)) {
      return fail(ErrorCode::kNotFound, "no such artifact");
    }
    if (!runs.contains(spec.id)) {
      specs[spec.id] = spec;
      runs[spec.id] = {spec.id, spec.epoch, DriverRunState::kRunning, {}, 1'700'000'000'000'000, 0};
      usages[spec.id].started_unix_us = 1'700'000'000'000'000;
    }
    return {};
  }
  Status stop(RunId id, uint64_t) override {
    const std::lock_guard lock(mutex);
    ++stops;
    if (!runs.contains(id)) return fail(ErrorCode::kNotFound, "unknown");
    if (!stubborn) end_locked(id, 0, "stopped");
    return {};
  }
  Status renew(RunId id, uint64_t lease_us) override {
    const std::lock_guard lock(mutex);
    renewed[id] = lease_us;
    return {};
  }
  Result<std::vector<ObservedRun>> observe() override {
    const std::lock_guard lock(mutex);
    std::vector<ObservedRun> out;
    for (const auto& [id, run] : runs) out.push_back(run);
    return out;
  }
  Result<RunUsage> usage(RunId id) override {
    const std::lock_guard lock(mutex);
    if (!runs.contains(id)) return fail(ErrorCode::kNotFound, "unknown");
    return usages[id];
  }
  Result<LogChunk> logs(RunId id, uint64_t offset, uint64_t bytes_max) override {
    const std::lock_guard lock(mutex);
    if (!runs.contains(id)) return fail(ErrorCode::kNotFound, "no run was accepted here");
    const std::string text = log.substr(std::min<size_t>(offset, log.size()), bytes_max);
    const uint64_t next = offset + text.size();
    return LogChunk{offset, next, runs[id].state == DriverRunState::kExited && next == log.size(), text};
  }
  Status forget(RunId id) override {
    const std::lock_guard lock(mutex);
    runs.erase(id);
    return {};
  }
  void end(RunId id, int32_t code, const std::string& reason) {
    const std::lock_guard lock(mutex);
    end_locked(id, code, reason);
  }
  bool has(RunId id) {
    const std::lock_guard lock(mutex);
    return runs.contains(id);
  }

  std::mutex mutex;
  std::map<RunId, ObservedRun> runs;
  std::map<RunId, RunSpec> specs;
  std::map<RunId, RunUsage> usages;
  std::map<RunId, uint64_t> renewed;
  std::set<std::string> artifacts;
  std::string log;
  std::optional<Error> refuse;
  bool stubborn = false;
  int starts = 0, stops = 0;

 private:
  void end_locked(RunId id, int32_t code, const std::string& reason) {
    ObservedRun& run = runs[id];
    if (run.state == DriverRunState::kExited) return;
    run.state = DriverRunState::kExited;
    run.exit = {.code = code, .reason = reason};
    run.ended_unix_us = usages[id].ended_unix_us = run.started_unix_us + 5'000'000;
  }
};

// Writes down every act in order.
class FakePaths final : public PathDriver {
 public:
  bool steerable() const override { return true; }
  Status install_path(const PathSpec& path) override {
    acts.push_back("install " + std::to_string(path.label));
    if (refused_label == path.label) return fail(ErrorCode::kNotFound, "there is no route");
    std::erase_if(now.paths, [&](const PathSpec& p) { return p.label == path.label; });
    now.paths.push_back(path);
    return {};
  }
  Status withdraw_path(PathLabel label) override {
    acts.push_back("withdraw " + std::to_string(label));
    if (std::any_of(now.steerings.begin(), now.steerings.end(),
                    [&](const Steering& s) { return s.label == label; })) {
      ADD_FAILURE() << "path " << label << " was withdrawn while traffic used it";
      return fail(ErrorCode::kConflict, "is used");
    }
    std::erase_if(now.paths, [&](const PathSpec& p) { return p.label == label; });
    return {};
  }
  Status steer(const Steering& steering) override {
    acts.push_back("steer " + steering.destination.text() + " over " + std::to_string(steering.label));
    if (std::none_of(now.paths.begin(), now.paths.end(),
                     [&](const PathSpec& p) { return p.label == steering.label; })) {
      ADD_FAILURE() << "steered over path " << steering.label << ", which is not installed";
      return fail(ErrorCode::kNotFound, "is not installed");
    }
    (void)remove(steering.destination, steering.source);
    now.steerings.push_back(steering);
    return {};
  }
  Status unsteer(const Ipv6Prefix& destination, const std::optional<Ipv6Prefix>& source) override {
    acts.push_back("unsteer " + destination.text());
    return remove(destination, source);
  }
  Result<std::map<PathLabel, PathCounters>> counters() override {
    ++counted;
    if (counters_fail) return fail(ErrorCode::kUnavailable, "no counters", "nftables");
    std::map<PathLabel, PathCounters> out;
    for (const PathSpec& path : now.paths) out[path.label] = traffic[path.label];
    return out;
  }
  Result<HungConnections> end_hung_connections(std::span<const PublishedService> services) override {
    ++looks;
    looked_at.assign(services.begin(), services.end());
    if (hung_error) return fail(*hung_error, "cannot be read", "tracked connections");
    return std::exchange(hung, HungConnections{0, hung.stranded});
  }
  int looks = 0;
  std::vector<PublishedService> looked_at;
  HungConnections hung;
  std::optional<ErrorCode> hung_error;
  int counted = 0;
  bool counters_fail = false;
  std::map<PathLabel, PathCounters> traffic;
  Status publish_service(const PublishedService& service) override {
    acts.push_back("publish " + service.address.text());
    std::erase_if(now.services, [&](const PublishedService& s) { return s.address == service.address; });
    now.services.push_back(service);
    return {};
  }
  Status withdraw_service(const Ipv6Address& address, uint16_t, Transport) override {
    acts.push_back("retire " + address.text());
    std::erase_if(now.services, [&](const PublishedService& s) { return s.address == address; });
    return {};
  }
  Result<InstalledPaths> installed() override {
    if (installed_fails) return fail(ErrorCode::kUnavailable, "no buffer space", "netlink");
    return now;
  }
  bool installed_fails = false;
  Status reset() override {
    now = {};
    return {};
  }
  size_t position(const std::string& act) const {
    return static_cast<size_t>(std::find(acts.begin(), acts.end(), act) - acts.begin());
  }

  InstalledPaths now;
  std::vector<std::string> acts;
  PathLabel refused_label = 0;

 private:
  Status remove(const Ipv6Prefix& destination, const std::optional<Ipv6Prefix>& source) {
    std::erase_if(now.steerings,
                  [&](const Steering& s) { return s.destination == destination && s.source == source; });
    return {};
  }
};

class FakeAddresses final : public InstanceAddresses {
 public:
  Result<std::set<Ipv6Address>> present() override { return now; }
  Status add(const Ipv6Address& address) override {
    now.insert(address);
    return {};
  }
  Status remove(const Ipv6Address& address) override {
    now.erase(address);
    return {};
  }
  std::set<Ipv6Address> now;
};

class FakeProber final : public Prober {
 public:
  Status watch(uint64_t watch, PathLabel key, const std::string&) override {
    watches[watch] = key;
    return {};
  }
  void unwatch(uint64_t watch) override { watches.erase(watch); }
  ProbeSample sample(uint64_t watch) override { return samples[watches.at(watch)]; }
  uint64_t number(uint16_t label) const {
    for (const auto& [watch, key] : watches) {
      if (key == label) return watch;
    }
    return 0;
  }

  std::map<uint64_t, PathLabel> watches;
  std::map<PathLabel, ProbeSample> samples;
};

// Takes calls, and carries them out when told.
class FakeWork final : public SiteWork {
 public:
  explicit FakeWork(FakeSite& site) : site_(site) {}
  bool submit(SiteCall call) override {
    calls.push_back(std::move(call));
    return true;
  }
  std::vector<SiteAnswer> carry_out() {
    std::vector<SiteAnswer> out;
    for (SiteCall& call : std::exchange(calls, {})) {
      SiteAnswer answer{.call = call};
      if (const auto* start = std::get_if<StartCall>(&call)) answer.status = site_.start(start->spec);
      if (const auto* stop = std::get_if<StopCall>(&call))
        answer.status = site_.stop(stop->run, stop->grace_us);
      if (const auto* renew = std::get_if<RenewCall>(&call))
        answer.status = site_.renew(renew->run, renew->lease_us);
      if (const auto* forget = std::get_if<ForgetCall>(&call)) answer.status = site_.forget(forget->run);
      if (std::holds_alternative<ObserveCall>(call)) answer.runs = *site_.observe();
      if (const auto* usage = std::get_if<UsageCall>(&call)) {
        auto read = site_.usage(usage->run);
        if (read)
          answer.usage = *read;
        else
          answer.status = tl::unexpected(read.error());
      }
      if (const auto* log = std::get_if<LogCall>(&call)) {
        auto read = site_.logs(log->run, log->offset, log->bytes_max);
        if (read)
          answer.log = *read;
        else
          answer.status = tl::unexpected(read.error());
      }
      if (const auto* fetch = std::get_if<FetchCall>(&call)) {
        ++fetches;
        if (brain_has.contains(fetch->digest))
          site_.artifacts.insert(fetch->digest);
        else
          answer.status = fail(ErrorCode::kNotFound, "the brain has no such artifact");
      }
      out.push_back(std::move(answer));
    }
    return out;
  }

  std::vector<SiteCall> calls;
  std::set<std::string> brain_has;
  int fetches = 0;

 private:
  FakeSite& site_;
};

class FakeUplink final : public Uplink {
 public:
  void send(AgentReport report, uint64_t sequence) override {
    sent.emplace_back(sequence, std::move(report));
  }
  template <class T>
  std::vector<T> all() const {
    std::vector<T> out;
    const auto take = [&out]<class Body>(const Body& body) {
      if constexpr (std::is_same_v<Body, T>) out.push_back(body);
    };
    for (const auto& [sequence, report] : sent) {
      std::visit(take, report);
      if (const auto* lasting = std::get_if<LastingReport>(&report)) std::visit(take, *lasting);
    }
    return out;
  }

  std::vector<std::pair<uint64_t, AgentReport>> sent;
};

// ---- directives --------------------------------------------------------------------------------------

inline std::string instance_text(uint32_t item) { return "fd77:1:1:3:8000::" + std::to_string(item + 1); }

inline DirectedRun service_run(RunId run) {
  DirectedRun out{.run = run, .intent = IntentId(uint32_t{0}), .tenant = "city", .intent_name = "cameras"};
  out.workload = {.kind = WorkKind::kService,
                  .artifact = "detector",
                  .command = {"--fast"},
                  .port = 8080,
                  .cpu_milli = 300,
                  .memory_mib = 64};
  out.address = instance_text(run.item);
  return out;
}

inline DirectedPath path(uint16_t label) {
  return {.label = label,
          .far_site = SiteId(uint32_t{1}),
          .destination_prefix = "fd77:1:1:2::/64",
          .segments = {"fd77:1:f:2:d6::"},
          .probed = true,
          .reflector = "fd77:1:1:2::1"};
}

inline DirectedSteering steering(uint16_t working, uint16_t protection) {
  return {.destination = "fd77:1:1:2:8000::1/128",
          .label_working = working,
          .label_protection = protection,
          .intent = IntentId(uint32_t{0}),
          .plan = 5,
          .flow = 0};
}

inline DirectedService service() {
  return {IntentId(uint32_t{0}), "fd77:1:2::1", 8080, {{RunId{5, 0}, "fd77:1:1:2:8000::1", 8080, 6}}};
}

}  // namespace weir::agent::test
