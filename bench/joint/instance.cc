#include "bench/joint/instance.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>

#include "bench/joint/capacity.h"
#include "core/units/dice.h"

namespace weir::bench {
namespace {

constexpr int64_t kMbps = 1'000'000;
constexpr int32_t kMachineCpuMilli = 16'000;
constexpr int32_t kMibPerCore = 4096;
constexpr int64_t kRoundingUsMax = 100;         // of a path's links
constexpr int64_t kUpKbpsPerCoreMean = 10'500;  // 1 to 20 Mbit/s

struct Point {
  int64_t x = 0, y = 0;  // km; x grows to the east
};

int64_t distance_km(Point a, Point b) {
  const int64_t square = (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
  int64_t root = 0;
  for (int64_t bit = int64_t{1} << 30; bit > 0; bit /= 2) {
    if ((root + bit) * (root + bit) <= square) root += bit;
  }
  return root;
}

int64_t fibre_us(int64_t km) { return km * 13 / 2; }  // 1.3 times the straight line, 5 us per km

struct Edge {
  uint32_t a, b;
  int64_t km;
  int64_t units;  // relative rate
};

struct Region {
  std::vector<Point> routers;
  std::vector<Edge> edges;
  struct Site {
    uint32_t router;
    int64_t cpu_milli;
    int32_t nodes;
    Nanocredits ask;
  };
  std::vector<Site> sites;
  std::vector<int64_t> weights;  // of the cabinets, by router
};

std::vector<Edge> backbone(const std::vector<Point>& at) {
  std::vector<Edge> all;
  for (uint32_t a = 0; a < at.size(); ++a) {
    for (uint32_t b = a + 1; b < at.size(); ++b) all.push_back({a, b, distance_km(at[a], at[b]), 0});
  }
  std::sort(all.begin(), all.end(),
            [](const Edge& x, const Edge& y) { return std::tie(x.km, x.a, x.b) < std::tie(y.km, y.a, y.b); });
  std::vector<uint32_t> part(at.size());
  std::iota(part.begin(), part.end(), 0);
  std::vector<int> degree(at.size(), 0);
  std::vector<Edge> edges;
  for (Edge& edge : all) {
    const bool joins = part[edge.a] != part[edge.b];
    if (!joins && degree[edge.a] >= 3 && degree[edge.b] >= 3) continue;
    if (!joins && (degree[edge.a] >= 5 || degree[edge.b] >= 5)) continue;
    const uint32_t from = part[edge.b], to = part[edge.a];
    std::replace(part.begin(), part.end(), from, to);
    ++degree[edge.a];
    ++degree[edge.b];
    edges.push_back(edge);
  }
  return edges;
}

struct Routes {
  std::vector<int64_t> km;  // by router
  std::vector<size_t> by;   // edge over which the shortest way arrives
};

// Bellman and Ford.
Routes shortest_from(const Region& region, size_t from) {
  constexpr int64_t kFar = INT64_MAX / 4;
  Routes routes{std::vector<int64_t>(region.routers.size(), kFar),
                std::vector<size_t>(region.routers.size())};
  routes.km[from] = 0;
  const auto relax = [&routes](size_t a, size_t b, size_t e, int64_t km) {
    if (routes.km[a] + km >= routes.km[b]) return false;
    routes.km[b] = routes.km[a] + km;
    routes.by[b] = e;
    return true;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t e = 0; e < region.edges.size(); ++e) {
      const Edge& edge = region.edges[e];
      changed |= relax(edge.a, edge.b, e, edge.km);
      changed |= relax(edge.b, edge.a, e, edge.km);
    }
  }
  return routes;
}

// Rates in proportion to gravity traffic, from every cabinet by its weight to every site by its cores on the
// shortest path, rounded up to a power of two between 1 and 64.
void dimension(Region& region) {
  std::vector<int64_t> load(region.edges.size(), 0);
  for (size_t from = 0; from < region.routers.size(); ++from) {
    const Routes routes = shortest_from(region, from);
    for (const Region::Site& site : region.sites) {
      for (size_t at = site.router; at != from;) {
        const Edge& edge = region.edges[routes.by[at]];
        load[routes.by[at]] += region.weights[from] * site.cpu_milli;
        at = edge.a == at ? edge.b : edge.a;
      }
    }
  }
  const int64_t most = *std::max_element(load.begin(), load.end());
  for (size_t e = 0; e < load.size(); ++e) {
    region.edges[e].units = 1;
    while (region.edges[e].units * most < 64 * load[e]) region.edges[e].units *= 2;
  }
}

Region make_region(const RegionShape& shape, Dice& dice) {
  Region region;
  for (uint32_t r = 0; r < shape.routers; ++r) {
    region.routers.push_back({dice.roll(0, shape.side_km), dice.roll(0, shape.side_km)});
  }
  region.edges = backbone(region.routers);
  std::vector<uint32_t> order(shape.routers);
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<size_t>(dice.roll(0, static_cast<int64_t>(i) - 1))]);
  }
  for (uint32_t s = 0; s < shape.sites; ++s) {
    const int64_t east_ppm = region.routers[order[s]].x * kPpm / shape.side_km;
    Region::Site site{.router = order[s]};
    const int64_t third = east_ppm * 3 / (kPpm + 1);  // 0 west, 1 middle, 2 east
    // 0.02 credits per core-hour in the far west, 0.10 in the far east, give or take a fifth.
    site.ask = (20'000'000 + 80 * east_ppm) * dice.roll(80, 120) / 100;
    site.nodes = static_cast<int32_t>(dice.roll(1, 3) * (third == 0 ? 6 : third == 1 ? 3 : 1));
    site.cpu_milli = site.nodes * kMachineCpuMilli;
    region.sites.push_back(site);
  }
  for (const Point& at : region.routers) {
    const bool east = 2 * at.x >= shape.side_km;
    region.weights.push_back(dice.roll(1, 10) * (east ? 4 : 1));
  }
  for (Edge& edge : region.edges) edge.units = int64_t{1} << dice.roll(0, 2);
  if (shape.dimensioned) dimension(region);
  return region;
}

// How much demand, spread over the cabinets by their weights, the region can serve: see make_instance().
// bps_per_unit 0: unlimited links.
class Serving {
 public:
  Serving(const Region& region, int64_t bps_per_unit)
      : region_(region), source_(region.routers.size()), sink_(source_ + 1), network_(sink_ + 1) {
    for (const Edge& edge : region.edges) {
      const int64_t milli =
          bps_per_unit == 0 ? kUnlimited
                            : edge.units * bps_per_unit / kUpKbpsPerCoreMean;  // bit/s over kbit/s per core
      network_.add(edge.a, edge.b, milli);
      network_.add(edge.b, edge.a, milli);
    }
    for (const Region::Site& site : region.sites) network_.add(site.router, sink_, site.cpu_milli);
    for (size_t r = 0; r < source_; ++r) arcs_.push_back(network_.add(source_, r, 0));
  }

  // Milli-cores that so many per thousand units of weight come to.
  static int64_t demand(const Region& region, int64_t milli_per_thousand) {
    int64_t sum = 0;
    for (const int64_t weight : region.weights) sum += weight * milli_per_thousand / 1000;
    return sum;
  }

  bool serves(int64_t milli_per_thousand) {
    for (size_t r = 0; r < source_; ++r) {
      network_.set_capacity(arcs_[r], region_.weights[r] * milli_per_thousand / 1000);
    }
    flow_ = network_.maximum(source_, sink_);
    return flow_ == demand(region_, milli_per_thousand);
  }

  // The most that it serves. A cut that stopped one demand bounds every other (Dinkelbach 1967); where the
  // bounds come to within rounding, the rest is searched for.
  int64_t capacity_cpu_milli() {
    int64_t cores = 0;
    for (const Region::Site& site : region_.sites) cores += site.cpu_milli;
    int64_t low = 0,
            high = bound(cores, std::accumulate(region_.weights.begin(), region_.weights.end(), int64_t{0}));
    for (int64_t at = high, step = 1; low < high;) {
      if (serves(at)) {
        low = at;
      } else {
        const int64_t by_cut = bound_of_cut(at);
        step = by_cut < at - 1 ? 1 : 2 * step;
        high = std::min(by_cut, at - 1);
      }
      at = low > 0 ? low + (high - low + 1) / 2 : std::max<int64_t>(high - step + 1, 1);
    }
    return demand(region_, low);
  }

 private:
  static constexpr int64_t kUnlimited = int64_t{1} << 50;

  // The most per thousand units of weight at which these weights, each rounded down, ask for no more than
  // this.
  int64_t bound(int64_t milli, int64_t weights) const {
    return (milli + static_cast<int64_t>(source_)) * 1000 / weights;
  }

  // What leaves the source's side of the cut without its own arcs is all that the weights there can send.
  int64_t bound_of_cut(int64_t milli_per_thousand) const {
    int64_t weights = 0, beyond = 0;
    for (size_t r = 0; r < source_; ++r) {
      if (network_.before_cut(r)) {
        weights += region_.weights[r];
      } else {
        beyond += region_.weights[r] * milli_per_thousand / 1000;
      }
    }
    return bound(flow_ - beyond, weights);
  }

  const Region& region_;
  size_t source_, sink_;
  FlowNetwork network_;
  std::vector<size_t> arcs_;
  int64_t flow_ = 0;
};

void build(const Region& region, int64_t bps_per_unit, const RegionShape& shape, Graph& graph) {
  const auto add = [&graph](EventBody body) { graph.apply(Event{1, "generator", std::move(body)}); };
  add(DomainCreated{.name = "region",
                    .scarcity_core_hour = shape.scarcity_core_milli * (kCredit / 1000),
                    .scarcity_gbps_hour = shape.scarcity_gbps_milli * (kCredit / 1000)});
  add(TenantDefined{TenantId(0u), "tenant"});
  const uint32_t routers = shape.routers;
  for (uint32_t r = 0; r < routers; ++r) add(RouterDefined{VertexId(r), "r" + std::to_string(r)});
  uint32_t links = 0, nodes = 0;
  const auto link = [&](uint32_t a, uint32_t b, int64_t bps, int64_t km, Nanocredits ask) {
    add(LinkDefined{LinkId(2 * links), LinkSpec{.name = "l" + std::to_string(links),
                                                .a = VertexId(a),
                                                .b = VertexId(b),
                                                .bandwidth_bps = bps,
                                                .latency_us = fibre_us(km),
                                                .per_gbps_hour = ask,
                                                .sid_a = "fd00:5::" + std::to_string(2 * links),
                                                .sid_b = "fd00:5::" + std::to_string(2 * links + 1)}});
    ++links;
  };
  for (uint32_t s = 0; s < shape.sites + routers; ++s) {  // those that compute, then the cabinets
    const bool computes = s < shape.sites;
    SiteSpec spec{.name = (computes ? "s" : "c") + std::to_string(computes ? s : s - shape.sites),
                  .sid = "fd00:6::" + std::to_string(s)};
    if (computes) spec.asks.per_core_hour = region.sites[s].ask;
    add(SiteDefined{SiteId(s), VertexId(routers + s), spec});
    if (computes) {
      std::vector<NodeSpec> machines;
      for (int32_t n = 0; n < region.sites[s].nodes; ++n) {
        const auto cores =
            static_cast<int32_t>((region.sites[s].cpu_milli / 1000 + n) / region.sites[s].nodes);
        machines.push_back({"n" + std::to_string(n), cores * 1000, cores * kMibPerCore, 0, "", 1000});
      }
      const auto count = static_cast<uint32_t>(machines.size());
      add(NodesReported{SiteId(s), NodeId(nodes), std::move(machines)});
      nodes += count;
    }
    add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    // The last mile is neither scarce nor charged.
    link(computes ? region.sites[s].router : s - shape.sites, routers + s, 1'000'000 * kMbps, 0, 0);
  }
  for (const Edge& edge : region.edges) {
    link(edge.a, edge.b, edge.units * bps_per_unit, edge.km, kCredit / 2 + edge.km * kCredit / 1000);
  }
}

IntentSpec make_intent(const Region& region, const std::vector<int64_t>& nearest_us, const RegionShape& shape,
                       size_t number, Dice& dice) {
  int64_t pick = dice.roll(0, std::accumulate(region.weights.begin(), region.weights.end(), int64_t{0}) - 1);
  uint32_t router = 0;
  while (pick >= region.weights[router]) pick -= region.weights[router++];
  IntentSpec spec{.name = "i" + std::to_string(number), .from = {{SiteId(shape.sites + router), 1}}};
  const int64_t cores = dice.roll(1, 8);
  spec.workload.cpu_milli = static_cast<int32_t>(cores * 1000);
  spec.workload.memory_mib = static_cast<int32_t>(cores * 2048);
  spec.traffic.up_bps = cores * dice.roll(1, 20) * kMbps;
  spec.traffic.down_bps = spec.traffic.up_bps / 10;
  do {
    const int64_t kind = dice.roll(1, 5);
    spec.promise.latency_us_max = kind == 1   ? dice.roll(8'000, 15'000)
                                  : kind <= 3 ? dice.roll(15'000, 30'000)
                                              : dice.roll(30'000, 200'000);
  } while (spec.promise.latency_us_max < nearest_us[router]);
  return spec;
}

// Sites of the same proportions whose cores together come to this, in whole cores on machines of at most 32.
void resize(Region& region, int64_t cpu_milli) {
  int64_t now = 0;
  for (const Region::Site& site : region.sites) now += site.cpu_milli;
  for (Region::Site& site : region.sites) {
    const int64_t cores = std::max<int64_t>(1, (site.cpu_milli * (cpu_milli / 1000) + now / 2) / now);
    site.cpu_milli = cores * 1000;
    site.nodes = static_cast<int32_t>((cores + 31) / 32);
  }
}

// Round trip to the nearest site, by router.
std::vector<int64_t> nearest_sites_us(const Region& region) {
  std::vector<int64_t> nearest_us;
  for (size_t r = 0; r < region.routers.size(); ++r) {
    const Routes routes = shortest_from(region, r);
    int64_t km = INT64_MAX;
    for (const Region::Site& site : region.sites) km = std::min(km, routes.km[site.router]);
    nearest_us.push_back(2 * fibre_us(km) + kRoundingUsMax);
  }
  return nearest_us;
}

// The least rate of a unit, Mbit/s, at which the region serves so much.
int64_t mbps_per_unit(const Region& region, int64_t wanted_cpu_milli) {
  int64_t low = 0, high = int64_t{1} << 40;  // per thousand units of weight, to ask for it
  while (low < high) {
    const int64_t mid = low + (high - low) / 2;
    if (Serving::demand(region, mid) >= wanted_cpu_milli) {
      high = mid;
    } else {
      low = mid + 1;
    }
  }
  const int64_t asked = low;
  low = 1, high = 1'000'000;
  while (low < high) {
    const int64_t mid = low + (high - low) / 2;
    if (Serving(region, mid * kMbps).serves(asked)) {
      high = mid;
    } else {
      low = mid + 1;
    }
  }
  return low;
}

}  // namespace

Instance make_instance(uint64_t seed, const RegionShape& shape) {
  Dice dice(seed);
  Region region = make_region(shape, dice);
  const std::vector<int64_t> nearest_us = nearest_sites_us(region);
  Instance instance;
  const auto arrive = [&] {
    instance.intents.push_back(make_intent(region, nearest_us, shape, instance.intents.size(), dice));
    return int64_t{instance.intents.back().workload.cpu_milli};
  };
  // Rates at which the network and not compute is the bottleneck, with 80% to 95% of all cores in use.
  const int64_t use_percent = dice.roll(80, 95);
  int64_t offered = 0;
  if (shape.intents > 0) {
    while (instance.intents.size() < shape.intents) offered += arrive();
    resize(region, offered * 100 / shape.load_percent * 100 / use_percent);
  }
  const int64_t rate = mbps_per_unit(region, Serving(region, 0).capacity_cpu_milli() * use_percent / 100);
  build(region, rate * kMbps, shape, instance.graph);
  instance.capacity_cpu_milli = Serving(region, rate * kMbps).capacity_cpu_milli();
  while (shape.intents == 0 && offered * 10 < instance.capacity_cpu_milli * 14) offered += arrive();
  return instance;
}

}  // namespace weir::bench
