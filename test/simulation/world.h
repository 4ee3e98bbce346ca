#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/event/types.h"
#include "simulation/random.h"
#include "simulation/schedule.h"

namespace weir::simulation {

// What clocks on the wall show when the world begins: 22:59:48 UTC, so that an hour begins soon.
inline constexpr TimeUs kWallUs = 1'700'002'788'000'000;

// A program that ends as soon as it is started, wherever that is.
inline constexpr const char* kBrokenProgram = "broken";
// One whose requests take so much of the reference core, whatever was declared.
inline constexpr const char* kHeavyProgram = "heavy";
inline constexpr int64_t kHeavyWorkUs = 60'000;
// Requests of every stream in a second.
inline constexpr int64_t kRequestsPerSecond = 2;

// What a site asks of jobs in each hour of a day.
std::vector<HourRate> some_hours(Random& random);

// The physical truth: what exists, what works, and which runs really run. The brain never sees it; agents
// see their part of it.
class World {
 public:
  struct Link {
    LinkSpec spec;                       // ends as vertex numbers of this world
    bool up = true;
    TimeUs changed_us = 0;
  };
  struct Site {
    SiteSpec spec;
    std::vector<NodeSpec> nodes;
    bool alive = true;
    TimeUs changed_us = 0;
    TimeUs partitioned_until_us = 0;     // its agent from the brain
    bool mute = false, deaf = false;     // then: it is not heard, it does not hear
    bool steers = true;                  // its agent
  };

  World(Schedule& schedule, Random& random) : schedule_(schedule), random_(random) {}

  // Sites first: site s is vertex s; routers follow.
  void build();

  std::vector<Site> sites;
  std::vector<std::string> routers;
  std::vector<Link> links;

  void set_link(size_t link, bool up);
  void set_site(size_t site, bool alive);
  // Called after something that paths depend on has changed.
  std::function<void()> changed;

  // Where plain routing leads: by described latency, over whatever is there, or, where routes converge at once, over
  // what works.
  bool routes_converge = false;

  // The links that a packet with these segments takes from a site, by plain routing without any; nothing if they lead
  // nowhere.
  std::optional<std::vector<size_t>> walk(size_t from, size_t to, const std::vector<std::string>& segments) const;
  // Does the way work now, and since when is it so?
  struct Way {
    bool alive = false;
    TimeUs since_us = 0;
    TimeUs round_trip_us = 0;
  };
  Way way(size_t from, size_t to, const std::vector<std::string>& segments) const;
  bool works(const std::vector<size_t>& way) const;

  // ---- runs that really run ----
  struct Alive {
    IntentId intent;
    size_t site = 0;
    bool job = false;
    bool heavy = false;
    int64_t cpu_milli = 0;
    TimeUs since_us = 0;
  };
  std::map<RunId, std::map<size_t, Alive>> runs;   // by site: a stale agent may run what another runs too
  std::map<RunId, TimeUs> ran_us;                  // in total, ended or not; added when a run ends
  std::set<RunId> unreported;                      // what they used was lost with their machine
  std::set<RunId> ends_forgotten;                  // they ended, and then the machine that knew it died
  std::function<void(RunId, const Alive&)> run_began;
  void begin_run(RunId run, Alive alive);
  void end_run(RunId run, size_t site);
  TimeUs total_us(RunId run) const;
  // Whether an instance, which runs, is asked for more than its share can do.
  bool overloaded(RunId run, int64_t streams) const;

 private:
  std::optional<std::vector<size_t>> routed(size_t from, size_t to) const;
  std::optional<size_t> direct(size_t from, size_t to) const;

  Schedule& schedule_;
  Random& random_;
  std::map<std::string, std::pair<size_t, bool>> link_of_sid_;  // link, sent from a
  std::map<std::string, size_t> site_of_sid_;
};

}  // namespace weir::simulation
