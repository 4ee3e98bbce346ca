#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "infrastructure/agent/outbox.h"
#include "infrastructure/agent/ports.h"
#include "infrastructure/agent/reconcile.h"
#include "infrastructure/agent/usage_meter.h"
#include "infrastructure/telemetry/significant_change.h"

namespace weir::agent {

struct AgentOptions {
  std::string site;
  TimeUs heartbeat_us = 500'000;
  TimeUs observe_us = 1'000'000;  // at least so often, an observation is sent
  TimeUs usage_us = 10'000'000;
  TimeUs resync_us = 10'000'000;  // so often, what is installed is read back from the system
  TimeUs resend_us = 3'000'000;   // a report that is not acknowledged
  TimeUs retry_us_min = 100'000;  // an act that failed; doubles up to retry_us_max
  TimeUs retry_us_max = 10'000'000;
  uint32_t start_attempts_max = 6;  // of a run that cannot start now
  uint64_t termination_grace_us = 5'000'000;
  uint32_t pids_max = 256;  // of each run
  size_t outbox_max = 4096;
  size_t log_requests_max = 64;
  // Programs that the site has by itself, by name: absolute paths.
  std::map<std::string, std::string> registered;
};

// One line for people; `problem` marks what should not be.
using Say = std::function<void(bool problem, const std::string& text)>;

// The agent's state machine: brings the site to the newest directive, watches its paths, switches to
// protection paths by itself, and reports. Sequential: one thread calls it, in any order; time comes from the
// clock. It knows nothing by heart but what is in the usage record: after a restart it reads what is there
// from the drivers.
class SiteAgent {
 public:
  struct Ports {
    Clock& clock;
    SiteWork& work;
    PathDriver* paths = nullptr;  // none: the site has no data plane
    InstanceAddresses* addresses = nullptr;
    Prober* prober = nullptr;
    Uplink& uplink;
    Accepts accepts;
    // What UsageMeter and Outbox hold of usage, to be there again after a restart.
    std::function<void(const UsageMeter::Reported& reported, const std::vector<UsageReport>& waiting)>
        keep_usage;
    Say say;
  };
  SiteAgent(Ports ports, AgentOptions options, UsageMeter::Reported reported = {},
            const std::vector<UsageReport>& waiting = {});

  void directive(const SiteDirective& directive);
  void brain_heard(uint64_t brain_epoch, TimeUs lease_us);
  void attached();
  void detached();
  void acknowledged(uint64_t sequence);
  void answer(const SiteAnswer& answer);
  void runs_changed() { observe_due_us_ = 0; }
  void probe_changed(uint64_t watch, const ProbeSample& sample);
  // kInvalid: not plausible; kNotFound: no such intent here; kExhausted: too many wait.
  Status promise(const PromiseReport& report);
  // The intent whose service has this name ("tenant/name") or address here; none if there is none.
  IntentId find_intent(const std::string& name_or_address) const;
  void log_request(uint64_t request, RunId run, uint64_t offset, bool follow, uint64_t bytes_max);
  void log_cancel(uint64_t request) { logs_.erase(request); }

  // Does what is due, and says when it wants to be called again, in steady time.
  TimeUs turn();

  // For status and tests.
  bool settled() const { return settled_; }
  size_t waiting_reports() const { return outbox_.size(); }

 private:
  struct Attempt {
    Act act;
    uint32_t failures = 0;
    bool in_flight = false;
    TimeUs not_before_us = 0;
    Error error;
  };
  struct Track {  // of a run
    std::optional<ObservedRun> seen;
    std::optional<Error> refused;  // it will never start here
    bool fetched = false;
    bool fetching = false;
    bool ready = false;
    bool stop_asked = false;
    bool usage_asked = false;
    TimeUs check_ready_us = 0;
  };
  struct Watch {
    uint64_t number = 0;
    std::string reflector;
    std::vector<Ipv6Address> segments;
    PathLife life = PathLife::kUnknown;
    telemetry::SignificantChange round_trip{telemetry::SignificantChangeOptions{}};
  };
  struct LogReading {
    RunId run;
    uint64_t offset = 0;
    bool follow = false;
    uint64_t bytes_max = 0;
    bool in_flight = false;
    TimeUs not_before_us = 0;
  };
  using FlowKey = std::tuple<IntentId, Position, uint32_t>;

  const DirectedRun* directed(RunId run) const;
  bool lease_over() const;
  PathLife life(uint16_t label) const;
  std::set<PathLabel> installed_labels() const;
  void read_back();
  void protect();
  void reconcile();
  bool begin(const Act& act, Attempt& attempt);  // false: not now
  Status change_network(const Act& act);
  void finish(const Act& act, Attempt& attempt, const Status& status);
  void failed(const Act& act, Attempt& attempt, const Error& error);
  RunSpec spec_of(const DirectedRun& run) const;
  void answer_start(const StartCall& call, const Status& status);
  bool fetching(const std::string& digest) const;
  void answer_fetch(const FetchCall& call, const Status& status);
  void answer_usage(RunId run, const RunUsage& usage);
  void answer_log(const SiteAnswer& answer);
  void see(const std::vector<ObservedRun>& runs);
  void check_readiness();
  void watch_paths();
  void report_switches();
  void report_readings();
  void report_usage();
  void read_traffic();
  void end_hung();
  void renew_leases();
  void read_logs();
  void observe();
  std::vector<RunObservation> observe_runs() const;
  RunObservation observe_run(const DirectedRun* run, RunId id, const Track& track) const;
  PathReading reading_of(PathLabel label, const ProbeSample& sample) const;
  void keep_usage();
  void wake_at(TimeUs at) { wake_us_ = std::min(wake_us_, at); }

  Ports ports_;
  const AgentOptions options_;
  TimeUs now_us_ = 0;
  TimeUs wake_us_ = 0;

  bool attached_ = false;
  Position version_ = 0;  // of the newest directive, held ones included
  uint64_t brain_epoch_ = 0;
  bool held_ = true;
  std::optional<SiteDirective> directive_;  // newest that was not held
  Translation translation_;                 // of it, each steering over the path that it is to take now
  std::map<RunId, size_t> directed_;        // its runs
  TimeUs heard_us_ = 0;
  TimeUs lease_us_ = 0;

  Present present_;
  bool runs_known_ = false;
  bool network_known_ = false;
  bool dirty_ = true;  // what is wanted or present may have changed, or an act is outstanding
  bool resynchronising_ = true;
  TimeUs read_back_us_ = 0;
  std::map<std::string, Attempt> attempts_;  // by item
  std::map<RunId, Track> runs_;
  std::map<PathLabel, Watch> watches_;
  std::vector<PathTraffic> traffic_;  // as it was last read
  uint64_t next_watch_ = 1;
  std::map<FlowKey, bool> on_protection_;  // as last reported
  std::map<uint64_t, LogReading> logs_;
  std::set<std::string> said_;  // problems of the newest directive
  UsageMeter usage_;
  Outbox outbox_;
  bool settled_ = false;
  Observation sent_;
  TimeUs sent_us_ = 0;
  bool sent_any_ = false;
  bool observing_ = false;
  TimeUs observe_due_us_ = 0;
  TimeUs heartbeat_due_us_ = 0;
  TimeUs usage_due_us_ = 0;
  TimeUs readings_due_us_ = 0;
  TimeUs renew_due_us_ = 0;
  bool look_for_hung_ = true;  // services have lost targets, or may have before this process began
  TimeUs hung_due_us_ = 0;
  uint32_t hung_failures_ = 0;  // looks that failed one after another
};

}  // namespace weir::agent
