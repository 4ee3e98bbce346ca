#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <variant>
#include <vector>

#include "core/ports/brain.h"
#include "core/ports/wire.h"
#include "simulation/faults.h"
#include "simulation/world.h"

namespace weir::simulation {

// ---- what travels between an agent and the brain -------------------------------------------------------

struct HeartbeatSent {
  TimeUs at = 0;               // by the agent's steady clock
};
struct Reports {
  uint64_t sequence = 0;       // 0: repeated by itself, not acknowledged
  std::vector<Brain::Report> reports;
};
struct Closed {};
using Upward = std::variant<Hello, HeartbeatSent, Reports, Closed>;

struct Renewal {
  TimeUs heartbeat_at = 0;     // of the heartbeat that it answers
  TimeUs lease_us = 0;
};
struct Acknowledged {
  uint64_t sequence = 0;
};
using Downward = std::variant<SiteDirective, Renewal, Acknowledged, Closed>;

// A site's agent with its drivers, small but with the behaviour of the real one: obeys directives by
// (brain_epoch, version), holds leases, measures paths against the world, switches to protection, reports.
class Agent {
 public:
  struct Uplink {
    std::function<uint64_t()> dial;                             // 0: the brain cannot be reached
    std::function<void(uint64_t connection, Upward)> send;
  };
  Agent(size_t site, World& world, Schedule& schedule, Random& random, const Faults& faults, Uplink uplink);

  void receive(uint64_t connection, const Downward& message);
  // The program ends and starts again; runs go on.
  void restart();
  // The machines stop, and everything on them; nothing happens until they boot.
  void die();
  void boot();
  // Paths may have changed: they are measured in a moment.
  void look();

  // ---- for checking ----
  struct Run {
    DirectedRun order;
    RunState state = RunState::kPlanned;
    int32_t exit_code = 0;
    std::string why;
    bool stopping = false;
    uint64_t attempt = 0;              // what was scheduled for an earlier one is void
    TimeUs reported_until_us = 0;      // usage
    TimeUs started_us = 0;
  };
  const std::map<RunId, Run>& runs() const { return runs_; }
  bool settled() const;
  // Whether something of the run waits to be acknowledged.
  bool owes_usage(RunId run) const;
  bool attached() const { return connection_ != 0 && heard_; }
  TimeUs attached_since_us() const { return attached_since_us_; }
  const SiteDirective& directive() const { return directive_; }
  // Whether traffic to this address from here gets through now.
  bool reaches(const std::string& destination) const;

  bool ignore_lease = false;           // a broken agent, to see that it is caught

 private:
  struct Path {
    DirectedPath order;
    bool installed = false;
    bool measured = false;
    bool alive = false;
    TimeUs round_trip_us = 0;
    uint64_t attempt = 0;
  };

  bool alive() const { return world_.sites[site_].alive; }
  void dial();
  void tick();
  void schedule_tick();
  void apply(const SiteDirective& directive);
  void start(const DirectedRun& order);
  void started(RunId run, uint64_t attempt);
  void stop(RunId run, const char* why, RunState as);
  void end(RunId run, RunState as, int32_t exit_code, const char* why);
  void install(const DirectedPath& order);
  void watch_leases();
  void measure();
  void measure(Path& path, bool report);
  void steer();
  void observe();
  void say(std::vector<Brain::Report> reports);
  void say_surely(Brain::Report report);
  void report_usage(RunId id, Run& run, bool last = false);
  void forget(const Reports& reports);
  void report_promises();
  void forge();
  bool has_room(const DirectedRun& order) const;

  size_t site_;
  World& world_;
  Schedule& schedule_;
  Random& random_;
  const Faults& faults_;
  Uplink uplink_;
  int64_t drift_ppm_ = 0;

  uint64_t incarnation_ = 1;           // of the program; older ticks are void
  uint64_t connection_ = 0;
  bool heard_ = false;
  TimeUs heard_us_ = 0;
  TimeUs attached_since_us_ = 0;
  TimeUs lease_until_us_ = 0;          // by the world's clock
  uint64_t ticks_ = 0;

  SiteDirective directive_;
  bool directed_ = false;
  size_t pending_ = 0;
  uint64_t attempts_ = 0;
  std::map<RunId, Run> runs_;          // survive the program, not the machine
  std::map<uint16_t, Path> paths_;
  std::map<std::pair<std::string, std::string>, bool> on_protection_;
  std::map<std::pair<Position, uint32_t>, bool> switch_reported_;

  uint64_t next_sequence_ = 1;
  std::deque<Reports> unacknowledged_;
  TimeUs promises_from_us_ = 0;
};

}  // namespace weir::simulation
