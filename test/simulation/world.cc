#include "simulation/world.h"

#include <algorithm>
#include <set>

namespace weir::simulation {

namespace {

constexpr const char* kRegions[] = {"", "east", "south", "west"};
constexpr const char* kRacks[] = {"", "r1", "r1", "r2"};
constexpr const char* kFailureDomains[] = {"", "", "grid-a", "grid-b"};

}  // namespace

std::vector<HourRate> some_hours(Random& random) {
  std::vector<HourRate> hours(24);
  for (HourRate& hour : hours) {
    if (random.chance(500'000)) hour.asks_milli = static_cast<int32_t>(random.between(0, 30) * 97);
    if (random.chance(300'000)) hour.grid_carbon_milli = static_cast<int32_t>(random.between(0, 20) * 101);
  }
  return hours;
}

void World::build() {
  const size_t site_count = static_cast<size_t>(random_.between(3, 12));
  const size_t router_count = static_cast<size_t>(random_.between(2, 10));
  const int64_t plain_ppm = random_.chance(300'000) ? random_.between(100'000, 1'000'000) : 0;
  routes_converge = random_.chance(500'000);
  for (size_t s = 0; s < site_count; ++s) {
    Site site;
    const std::string number = std::to_string(s + 1);
    site.spec = {.name = "site" + number,
                 .region = kRegions[random_.below(std::size(kRegions))],
                 .residency = random_.chance(700'000) ? std::vector<std::string>{"cn"} : std::vector<std::string>{},
                 .tier = static_cast<Tier>(random_.below(3)),
                 .asks = {random_.between(1, 50) * 1'000'000, random_.between(0, 5) * 1'000'000, kCredit},
                 .power = {5'000, 15'000, 1'200, random_.between(100, 600) * 1'000},
                 .availability_ppm = static_cast<int32_t>(random_.between(990'000, 1'000'000)),
                 .prefix = "fd77:1:1:" + number + "::/64",
                 .sid = "fd77:5:" + number + "::",
                 .failure_domain = kFailureDomains[random_.below(std::size(kFailureDomains))]};
    if (random_.chance(150'000)) site.spec.taints = {"noisy"};
    const size_t node_count = static_cast<size_t>(random_.between(1, 3));
    for (size_t n = 0; n < node_count; ++n) {
      site.nodes.push_back({.name = "n" + std::to_string(n),
                            .cpu_milli = static_cast<int32_t>(random_.between(1, 8)) * 1'000,
                            .memory_mib = static_cast<int32_t>(random_.between(1, 16)) * 1'024,
                            .accelerators = static_cast<int16_t>(random_.chance(300'000) ? 2 : 0),
                            .speed_milli = static_cast<int32_t>(random_.between(500, 1'500))});
      if (site.nodes.back().accelerators > 0) {
        site.nodes.back().accelerator_model = "gpu";
        site.nodes.back().accelerator_memory_mib = random_.chance(800'000) ? 16'384 : 0;
        site.nodes.back().accelerator_fp16_gflops = random_.between(0, 4) * 100'000;
      }
    }
    site_of_sid_[site.spec.sid] = s;
    sites.push_back(std::move(site));
  }
  for (size_t r = 0; r < router_count; ++r) routers.push_back("router" + std::to_string(r + 1));

  std::set<std::pair<size_t, size_t>> joined;
  const auto join = [&](size_t a, size_t b) {
    if (a == b || !joined.insert(std::minmax(a, b)).second) return;
    const size_t number = links.size();
    const std::string text = std::to_string(number + 1);
    Link link;
    link.spec = {.name = "link" + text,
                 .a = VertexId(a),
                 .b = VertexId(b),
                 .bandwidth_bps = random_.between(5, 100) * 10'000'000,
                 .latency_us = random_.between(200, 15'000),
                 .jitter_us = random_.between(0, 200),
                 .loss_ppm = 0,
                 .availability_ppm = static_cast<int32_t>(random_.between(995'000, 1'000'000)),
                 .per_gbps_hour = random_.between(0, 20) * 1'000'000,
                 .steerable = !random_.chance(plain_ppm),
                 .sid_a = "fd77:a:" + text + "::",
                 .sid_b = "fd77:b:" + text + "::"};
    link_of_sid_[link.spec.sid_a] = {number, true};
    link_of_sid_[link.spec.sid_b] = {number, false};
    links.push_back(std::move(link));
  };
  // A tree of routers, every site at a router, then more links.
  for (size_t r = 1; r < router_count; ++r) join(site_count + r, site_count + random_.below(r));
  for (size_t s = 0; s < site_count; ++s) join(s, site_count + random_.below(router_count));
  const size_t more = random_.below(router_count + site_count);
  for (size_t i = 0; i < more; ++i) {
    const size_t a = random_.chance(600'000) ? site_count + random_.below(router_count) : random_.below(site_count);
    join(a, site_count + random_.below(router_count));
  }
  // In one world of five a quarter of the agents cannot steer. A generator of its own leaves other worlds as they are.
  Random own(static_cast<uint64_t>(links.front().spec.bandwidth_bps + sites.front().spec.asks.per_core_hour));
  // In one of two the nodes with accelerators have islands and slices, and nodes stand in racks.
  if (own.chance(500'000)) {
    for (Site& site : sites) {
      for (NodeSpec& node : site.nodes) {
        node.rack = kRacks[own.below(std::size(kRacks))];
        if (node.accelerators == 0) continue;
        node.accelerators = static_cast<int16_t>(own.between(2, 6));
        node.accelerators_per_island = static_cast<int16_t>(own.between(0, 4));
        if (own.chance(500'000)) node.accelerator_slices = own.chance(500'000) ? 7 : 3;
      }
    }
  }
  if (own.chance(200'000)) {
    for (Site& site : sites) site.steers = !own.chance(250'000);
  }
  if (own.chance(600'000)) {
    for (Site& site : sites) {
      if (own.chance(600'000)) site.spec.hours = some_hours(own);
    }
  }
}

void World::set_link(size_t link, bool up) {
  if (links[link].up == up) return;
  links[link].up = up;
  links[link].changed_us = schedule_.now();
  if (changed) changed();
}

void World::set_site(size_t site, bool alive) {
  if (sites[site].alive == alive) return;
  sites[site].alive = alive;
  sites[site].changed_us = schedule_.now();
  if (changed) changed();
}

std::optional<size_t> World::direct(size_t from, size_t to) const {
  for (size_t l = 0; l < links.size(); ++l) {
    const size_t a = links[l].spec.a.index(), b = links[l].spec.b.index();
    if ((a == from && b == to) || (a == to && b == from)) return l;
  }
  return std::nullopt;
}

// Bellman and Ford: short, and nobody else's way of doing it.
std::optional<std::vector<size_t>> World::routed(size_t from, size_t to) const {
  const size_t vertices = sites.size() + routers.size();
  std::vector<int64_t> distance(vertices, INT64_MAX);
  std::vector<size_t> by(vertices), before(vertices);
  distance[from] = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t l = 0; l < links.size(); ++l) {
      if (routes_converge && !links[l].up) continue;
      for (const bool back : {false, true}) {
        const size_t a = (back ? links[l].spec.b : links[l].spec.a).index();
        const size_t b = (back ? links[l].spec.a : links[l].spec.b).index();
        if (distance[a] == INT64_MAX || distance[a] + links[l].spec.latency_us >= distance[b]) continue;
        if (a != from && a < sites.size()) continue;  // sites carry no transit
        distance[b] = distance[a] + links[l].spec.latency_us;
        by[b] = l;
        before[b] = a;
        moved = true;
      }
    }
  }
  if (distance[to] == INT64_MAX) return std::nullopt;
  std::vector<size_t> way;
  for (size_t at = to; at != from; at = before[at]) way.insert(way.begin(), by[at]);
  return way;
}

std::optional<std::vector<size_t>> World::walk(size_t from, size_t to,
                                               const std::vector<std::string>& segments) const {
  if (segments.empty()) return routed(from, to);
  if (!sites[from].steers || !sites[to].steers) return std::nullopt;
  std::vector<size_t> way;
  size_t at = from;
  const auto go_to = [&](size_t vertex) {
    if (at == vertex) return true;
    const auto link = direct(at, vertex);
    if (!link) return false;
    way.push_back(*link);
    at = vertex;
    return true;
  };
  for (const std::string& sid : segments) {
    if (const auto site = site_of_sid_.find(sid); site != site_of_sid_.end()) {
      if (!go_to(site->second)) return std::nullopt;
      continue;
    }
    const auto found = link_of_sid_.find(sid);
    if (found == link_of_sid_.end()) return std::nullopt;
    const LinkSpec& spec = links[found->second.first].spec;
    const size_t sender = (found->second.second ? spec.a : spec.b).index();
    if (!go_to(sender)) return std::nullopt;
    way.push_back(found->second.first);
    at = (found->second.second ? spec.b : spec.a).index();
  }
  if (at != to) return std::nullopt;
  return way;
}

bool World::works(const std::vector<size_t>& way) const {
  return std::all_of(way.begin(), way.end(), [this](size_t l) { return links[l].up; });
}

World::Way World::way(size_t from, size_t to, const std::vector<std::string>& segments) const {
  const auto taken = walk(from, to, segments);
  if (!taken) return {};
  Way way{.alive = true};
  TimeUs alive_since_us = 0, dead_since_us = INT64_MAX;
  const auto need = [&](bool works, TimeUs changed_us) {
    way.alive = way.alive && works;
    alive_since_us = std::max(alive_since_us, changed_us);
    if (!works) dead_since_us = std::min(dead_since_us, changed_us);  // whatever else has come and gone since
  };
  need(sites[from].alive, sites[from].changed_us);
  need(sites[to].alive, sites[to].changed_us);
  for (const size_t l : *taken) {
    way.round_trip_us += 2 * links[l].spec.latency_us + links[l].spec.jitter_us;
    need(links[l].up, links[l].changed_us);
  }
  way.since_us = way.alive ? alive_since_us : dead_since_us;
  return way;
}

void World::begin_run(RunId run, Alive alive) {
  alive.since_us = schedule_.now();
  runs[run][alive.site] = alive;
  if (run_began) run_began(run, alive);
}

void World::end_run(RunId run, size_t site) {
  const auto found = runs.find(run);
  if (found == runs.end()) return;
  const auto here = found->second.find(site);
  if (here == found->second.end()) return;
  ran_us[run] += schedule_.now() - here->second.since_us;
  found->second.erase(here);
  if (found->second.empty()) runs.erase(found);
}

bool World::overloaded(RunId run, int64_t streams) const {
  const auto found = runs.find(run);
  if (found == runs.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](const auto& place) {
    const Alive& alive = place.second;
    int64_t speed_milli = INT32_MAX;
    for (const NodeSpec& node : sites[place.first].nodes) speed_milli = std::min<int64_t>(speed_milli, node.speed_milli);
    return alive.heavy && streams * kRequestsPerSecond * kHeavyWorkUs > alive.cpu_milli * speed_milli;
  });
}

TimeUs World::total_us(RunId run) const {
  const auto ended = ran_us.find(run);
  TimeUs total = ended == ran_us.end() ? 0 : ended->second;
  if (const auto found = runs.find(run); found != runs.end()) {
    for (const auto& [site, alive] : found->second) total += schedule_.now() - alive.since_us;
  }
  return total;
}

}  // namespace weir::simulation
