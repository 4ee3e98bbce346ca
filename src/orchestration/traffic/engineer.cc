#include "orchestration/traffic/engineer.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "orchestration/traffic/link_potential.h"
#include "orchestration/traffic/list_prices.h"

namespace weir::traffic {
namespace {

using Wide = __int128;

// Above zero, so that a list over idle links costs more the longer it is.
constexpr int64_t kLowestPrice = 8;
constexpr int32_t kSteepnessFirst = 8;
constexpr int32_t kSteepnessLast = 2'048;
constexpr int32_t kRefusedMax = 256;     // in a row
constexpr int32_t kRefusedLast = 4'096;  // before the potential is made steeper
constexpr int32_t kWaitMax = 16;         // rounds
constexpr int kStalledMax = 4;           // rounds that lower the potential by less than
constexpr int64_t kStalledPpm = 2'000;
constexpr size_t kPolishedMax = 16;
constexpr size_t kInVainMax = 24;  // kicks in a row

class Search {
 public:
  Search(const Network& network, const EcmpRoutes& routes, const std::vector<Demand>& demands,
         const EngineerOptions& options)
      : network_(network),
        routes_(routes),
        demands_(demands),
        options_(options),
        potential_(network),
        prices_(network, routes, options.segments_max, options.link_segments),
        delta_(network.links.size(), 0),
        is_touched_(network.links.size(), false) {
    for (uint32_t d = 0; d < demands.size(); ++d)
      parts_.push_back({d, demands[d].bps, SegmentList::shortest_paths_to(demands[d].to)});
    loads_ = loads_bps(network, routes, demands, parts_);
  }

  Engineered run();

 private:
  struct Candidate {
    Wide gain;
    uint32_t part;
  };

  struct Detour {
    int64_t change;
    SegmentList list;
  };

  void divide();
  bool is_done() const;
  void calibrate(int32_t steepness);
  void descend(int32_t steepness_first);
  // One pass over the parts under fresh prices; the share of the potential that went away, in ppm.
  int64_t round();
  void polish();
  bool kick(size_t number);
  uint32_t most_utilised() const;
  std::vector<uint32_t> users(uint32_t link) const;
  std::vector<Detour> detours(uint32_t part, uint32_t off_link);
  // Of the potential, if the part took this list; move() then makes it so.
  int64_t change(uint32_t part, const SegmentList& list);
  void move(uint32_t part, const SegmentList& list);
  bool try_move(uint32_t part, const SegmentList& list);
  bool may_take(uint32_t part, const SegmentList& list) const;
  void keep_best();

  const Network& network_;
  const EcmpRoutes& routes_;
  const std::vector<Demand>& demands_;
  const EngineerOptions& options_;
  LinkPotential potential_;
  ListPrices prices_;
  std::vector<Way> parts_;
  std::vector<uint32_t> first_part_;  // by demand, once divided
  std::vector<int64_t> loads_;
  std::vector<int64_t> potentials_;
  std::vector<int64_t> link_prices_;
  std::vector<Candidate> candidates_;
  std::vector<int32_t> waits_;       // by part: for how many rounds, the next time it is refused
  std::vector<int32_t> wait_until_;  // round
  std::vector<int64_t> delta_;       // of the move that is tried, by link
  std::vector<uint8_t> is_touched_;
  std::vector<uint32_t> touched_;
  std::vector<Way> best_parts_;
  int64_t best_ppm_ = INT64_MAX;
  int32_t wanting_ = 0;  // parts that have a cheaper list, in the last round
  int32_t refused_ = 0;  // moves, since the potential last fell well
  int32_t rounds_ = 0;
  int64_t moves_ = 0;
  int64_t steps_ = 0;
};

void Search::keep_best() {
  const int64_t ppm = max_utilisation_ppm(network_, loads_);
  if (ppm >= best_ppm_) return;
  best_ppm_ = ppm;
  best_parts_ = parts_;
}

bool Search::may_take(uint32_t part, const SegmentList& list) const {
  if (first_part_.empty()) return true;
  const uint32_t demand = parts_[part].demand;
  std::vector<const SegmentList*> lists;
  for (uint32_t p = first_part_[demand]; p < first_part_[demand + 1]; ++p) {
    if (p == part) continue;
    if (std::none_of(lists.begin(), lists.end(),
                     [&](const SegmentList* other) { return *other == parts_[p].list; }))
      lists.push_back(&parts_[p].list);
  }
  return lists.size() < options_.lists_max ||
         std::any_of(lists.begin(), lists.end(), [&](const SegmentList* other) { return *other == list; });
}

int64_t Search::change(uint32_t part, const SegmentList& list) {
  const Way& way = parts_[part];
  const uint32_t from = demands_[way.demand].from;
  for (const uint32_t link : touched_) is_touched_[link] = false;
  touched_.clear();
  const auto add = [&](uint32_t link, int64_t bps) {
    if (!is_touched_[link]) {
      touched_.push_back(link);
      is_touched_[link] = true;
      delta_[link] = 0;
    }
    delta_[link] += bps;
  };
  for_each_share(network_, routes_, way.list, from,
                 [&](uint32_t link, uint32_t share) { add(link, -load_bps(way.bps, share)); });
  for_each_share(network_, routes_, list, from,
                 [&](uint32_t link, uint32_t share) { add(link, load_bps(way.bps, share)); });
  int64_t sum = 0;
  for (const uint32_t link : touched_) {
    if (delta_[link] != 0) sum += potential_.of(link, loads_[link] + delta_[link]) - potentials_[link];
  }
  steps_ += static_cast<int64_t>(8 * touched_.size());
  return sum;
}

void Search::move(uint32_t part, const SegmentList& list) {
  for (const uint32_t link : touched_) {
    loads_[link] += delta_[link];
    potentials_[link] = potential_.of(link, loads_[link]);
  }
  parts_[part].list = list;
  ++moves_;
}

bool Search::try_move(uint32_t part, const SegmentList& list) {
  if (change(part, list) >= 0) return false;
  move(part, list);
  return true;
}

int64_t Search::round() {
  ++rounds_;
  Wide before = 0, after = 0;
  for (const int64_t value : potentials_) before += value;
  steps_ += static_cast<int64_t>(network_.vertices) * network_.vertices * (network_.vertices / 4 + 8) +
            static_cast<int64_t>(8 * parts_.size());
  potential_.prices(potentials_, kLowestPrice, ListPrices::kPriceMax, link_prices_);
  prices_.set(link_prices_);
  candidates_.clear();
  wanting_ = 0;
  for (uint32_t p = 0; p < parts_.size(); ++p) {
    const Way& part = parts_[p];
    if (part.bps == 0) continue;
    const Demand& demand = demands_[part.demand];
    const int32_t now = prices_.of(part.list, demand.from);
    const int32_t least = prices_.least(demand.from, demand.to);
    if (least >= now - now / 256) continue;
    ++wanting_;
    if (rounds_ >= wait_until_[p]) candidates_.push_back({Wide{now - least} * part.bps, p});
  }
  const auto later = [](const Candidate& x, const Candidate& y) {
    return std::tuple(x.gain, y.part) < std::tuple(y.gain, x.part);
  };
  std::make_heap(candidates_.begin(), candidates_.end(), later);
  // Prices age as parts move: after many in a row found their cheapest list full it is time for new ones. Who
  // was refused waits for some rounds, so that those behind get their turn.
  for (int32_t refused = 0; !candidates_.empty() && refused < kRefusedMax; candidates_.pop_back()) {
    std::pop_heap(candidates_.begin(), candidates_.end(), later);
    const Candidate& candidate = candidates_.back();
    const Demand& demand = demands_[parts_[candidate.part].demand];
    const SegmentList list = prices_.cheapest(demand.from, demand.to);
    if (may_take(candidate.part, list) && try_move(candidate.part, list)) {
      refused = 0;
      waits_[candidate.part] = 1;
      continue;
    }
    wait_until_[candidate.part] = rounds_ + waits_[candidate.part];
    waits_[candidate.part] = std::min(2 * waits_[candidate.part], kWaitMax);
    ++refused;
    ++refused_;
  }
  for (const int64_t value : potentials_) after += value;
  return before == 0 ? 0 : static_cast<int64_t>((before - after) * 1'000'000 / before);
}

bool Search::is_done() const { return steps_ >= options_.steps_max || best_ppm_ <= options_.goal_ppm; }

void Search::calibrate(int32_t steepness) {
  potential_.calibrate(loads_, steepness);
  for (uint32_t e = 0; e < loads_.size(); ++e) potentials_[e] = potential_.of(e, loads_[e]);
}

void Search::descend(int32_t steepness_first) {
  for (int32_t steepness = steepness_first; steepness <= kSteepnessLast; steepness *= 2) {
    int stalled = 0;
    for (refused_ = 0, wanting_ = 1;
         wanting_ > 0 && (stalled < kStalledMax || refused_ < std::min(wanting_, kRefusedLast));) {
      if (is_done()) return;
      calibrate(steepness);
      const int64_t gone_ppm = round();
      keep_best();
      stalled = gone_ppm < kStalledPpm ? stalled + 1 : 0;
      if (stalled == 0) refused_ = 0;
    }
  }
}

// Those that load the link, most first.
std::vector<uint32_t> Search::users(uint32_t link) const {
  std::vector<std::pair<int64_t, uint32_t>> found;
  for (uint32_t p = 0; p < parts_.size(); ++p) {
    int64_t load = 0;
    for_each_share(
        network_, routes_, parts_[p].list, demands_[parts_[p].demand].from,
        [&](uint32_t e, uint32_t share) { load += e == link ? load_bps(parts_[p].bps, share) : 0; });
    if (load > 0) found.emplace_back(-load, p);
  }
  std::sort(found.begin(), found.end());
  std::vector<uint32_t> out;
  for (const auto& [load, p] : found) out.push_back(p);
  return out;
}

uint32_t Search::most_utilised() const {
  uint32_t most = 0;
  for (uint32_t e = 1; e < loads_.size(); ++e) {
    if (Wide{loads_[e]} * network_.links[most].capacity_bps >
        Wide{loads_[most]} * network_.links[e].capacity_bps)
      most = e;
  }
  return most;
}

// The lists with at most one vertex or link before the destination, those first that change the potential
// best, exactly; only those that take load off a link, unless that is kNoLink.
std::vector<Search::Detour> Search::detours(uint32_t part, uint32_t off_link) {
  const Demand& demand = demands_[parts_[part].demand];
  std::vector<Detour> found;
  const auto look = [&](const SegmentList& list) {
    if (list == parts_[part].list || !leads(network_, routes_, list, demand.from, demand.to) ||
        !may_take(part, list))
      return;
    const int64_t got = change(part, list);
    if (off_link == ShortestPaths::kNoLink || (is_touched_[off_link] && delta_[off_link] < 0))
      found.push_back({got, list});
  };
  const Segment last{Segment::Kind::kVertex, demand.to};
  look({1, {last}});
  for (uint32_t v = 0; options_.segments_max > 1 && v < network_.vertices; ++v) {
    if (v != demand.from && v != demand.to) look({2, {Segment{Segment::Kind::kVertex, v}, last}});
  }
  for (uint32_t e = 0; options_.link_segments && e < network_.links.size(); ++e) {
    const Segment link{Segment::Kind::kLink, e};
    if (network_.links[e].to == demand.to) {
      look({1, {link}});
    } else if (options_.segments_max > 1) {
      look({2, {link, last}});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Detour& a, const Detour& b) { return a.change < b.change; });
  return found;
}

// Where demands are large, prices do not tell what a move does: tries all detours of those that load the most
// utilised link most.
void Search::polish() {
  calibrate(kSteepnessLast);
  for (bool better = true; better && !is_done();) {
    better = false;
    std::vector<uint32_t> all = users(most_utilised());
    all.resize(std::min(all.size(), kPolishedMax));
    for (const uint32_t part : all) {
      const std::vector<Detour> found = detours(part, ShortestPaths::kNoLink);
      if (found.empty() || !try_move(part, found.front().list)) continue;
      keep_best();
      calibrate(kSteepnessLast);
      better = true;
      break;
    }
  }
}

// Takes one that loads the most utilised link off it, whatever that does elsewhere, and holds it there for a
// while.
bool Search::kick(size_t number) {
  parts_ = best_parts_;
  loads_ = loads_bps(network_, routes_, demands_, parts_);
  calibrate(kSteepnessLast / 16);
  const uint32_t link = most_utilised();
  const std::vector<uint32_t> all = users(link);
  if (all.empty()) return false;
  const size_t count = std::min(all.size(), kPolishedMax);
  const uint32_t part = all[number % count];
  const std::vector<Detour> found = detours(part, link);
  if (found.empty()) return false;
  const SegmentList& list = found[number / count % found.size()].list;
  change(part, list);
  move(part, list);
  std::fill(waits_.begin(), waits_.end(), 1);
  std::fill(wait_until_.begin(), wait_until_.end(), 0);
  wait_until_[part] = rounds_ + 2 * kWaitMax;
  return true;
}

void Search::divide() {
  // Into parts of at most a quarter of the mean demand, but for the largest.
  constexpr int64_t kPartsMax = 64;
  int64_t total = 0;
  for (const Demand& demand : demands_) total += demand.bps;
  const int64_t quantum = std::max<int64_t>(1, total / static_cast<int64_t>(4 * demands_.size() + 1));
  std::vector<Way> divided;
  for (const Way& way : parts_) {
    first_part_.push_back(static_cast<uint32_t>(divided.size()));
    const int64_t count = std::clamp<int64_t>(way.bps / quantum, 1, kPartsMax);
    for (int64_t i = 0; i < count; ++i)
      divided.push_back({way.demand, way.bps / count + (i < way.bps % count ? 1 : 0), way.list});
  }
  first_part_.push_back(static_cast<uint32_t>(divided.size()));
  parts_ = std::move(divided);
  loads_ = loads_bps(network_, routes_, demands_, parts_);
}

Engineered Search::run() {
  keep_best();
  if (options_.lists_max > 1) divide();
  potentials_.resize(loads_.size());
  waits_.assign(parts_.size(), 1);
  wait_until_.assign(parts_.size(), 0);
  if (!network_.links.empty() && !parts_.empty() && options_.steps_max > 0) {
    descend(kSteepnessFirst);
    polish();
    size_t kicks = 0;
    for (size_t in_vain = 0; in_vain < kInVainMax && !is_done(); ++in_vain) {
      const int64_t before = best_ppm_;
      if (!kick(kicks++)) continue;
      descend(kSteepnessLast / 16);
      polish();
      if (best_ppm_ < before) in_vain = 0;
    }
  }
  Engineered out;
  for (const Way& part : best_parts_) {
    auto same = std::find_if(out.ways.rbegin(), out.ways.rend(), [&](const Way& way) {
      return way.demand != part.demand || way.list == part.list;
    });
    if (same != out.ways.rend() && same->demand == part.demand) {
      same->bps += part.bps;
    } else {
      out.ways.push_back(part);
    }
  }
  out.loads_bps = loads_bps(network_, routes_, demands_, out.ways);
  out.max_utilisation_ppm = max_utilisation_ppm(network_, out.loads_bps);
  out.rounds = rounds_;
  out.moves = moves_;
  out.steps = steps_;
  return out;
}

}  // namespace

Engineered engineer(const Network& network, const EcmpRoutes& routes, const std::vector<Demand>& demands,
                    const EngineerOptions& options) {
  return Search(network, routes, demands, options).run();
}

}  // namespace weir::traffic
