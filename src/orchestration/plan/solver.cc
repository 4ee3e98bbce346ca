#include "orchestration/plan/solver.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace weir {
namespace {

constexpr Nanocredits kNever = INT64_MAX / 8;

// An option as the searches hold it.
struct Offer {
  size_t share = 0;                           // index into Solver::shares_
  Option option;
  std::optional<std::vector<int64_t>> ways;   // ways_ppm(), once asked for
};

const std::vector<int64_t>& ways_of(Candidates& candidates, Offer& offer) {
  if (!offer.ways) offer.ways = ways_ppm(candidates, offer.option);
  return *offer.ways;
}

// Do the instances together with those kept meet what the whole must? If not, `blocked` is told the constraint and what
// they reach.
bool meets(Candidates& candidates, const Whole& whole, const std::vector<Offer*>& offers, Blocked& blocked) {
  Spread spread(candidates.graph());
  for (const SiteId site : whole.sites_kept) spread.add(site);
  Nanocredits billed = whole.billed_kept;
  for (const Offer* offer : offers) {
    spread.add(offer->option.site);
    billed += offer->option.billed;
  }
  // The constraint that most others were met before stands for all.
  const auto fails = [&blocked](ReasonCode code) {
    if (blocked.code == ReasonCode::kNone || code < blocked.code) blocked.code = code;
    return false;
  };
  static_assert(ReasonCode::kAvailability < ReasonCode::kBudget && ReasonCode::kBudget < ReasonCode::kSpread &&
                ReasonCode::kSpread < ReasonCode::kRegions && ReasonCode::kRegions < ReasonCode::kFailureDomains);
  if (const Reason lacks = spread.lacks(whole.where); lacks.code != ReasonCode::kNone) {
    int32_t& most = lacks.code == ReasonCode::kSpread    ? blocked.sites_most
                    : lacks.code == ReasonCode::kRegions ? blocked.regions_most
                                                         : blocked.failure_domains_most;
    most = std::max(most, static_cast<int32_t>(lacks.available));
    return fails(lacks.code);
  }
  if (whole.budget_per_hour_max > 0 && billed > whole.budget_per_hour_max) {
    blocked.billed_least = blocked.billed_least == 0 ? billed : std::min(blocked.billed_least, billed);
    return fails(ReasonCode::kBudget);
  }
  if (whole.availability_ppm_min > 0) {
    Availability sum = whole.ways_kept;
    for (Offer* offer : offers) {
      const auto& ways = ways_of(candidates, *offer);
      for (size_t i = 0; i < ways.size(); ++i) {
        if (offer->option.share[i] > 0) sum.add(candidates.sources()[i].site, offer->option.site, ways[i]);
      }
    }
    const int32_t worst = sum.worst_ppm(candidates.graph());
    if (worst < whole.availability_ppm_min) {
      blocked.availability_ppm_most = std::max(blocked.availability_ppm_most, worst);
      return fails(ReasonCode::kAvailability);
    }
  }
  return true;
}

// The availability of an option's worst way.
int64_t worst_ppm(Candidates& candidates, Offer& offer) {
  int64_t worst = kPpm;
  const auto& ways = ways_of(candidates, offer);
  for (size_t i = 0; i < ways.size(); ++i) {
    if (offer.option.share[i] > 0) worst = std::min(worst, ways[i]);
  }
  return worst;
}

// Takes room for one more instance and its paths; `bandwidth`: was it they that had none?
bool take(Candidates& candidates, const Option& option, std::map<SiteId, int32_t>& instances, PathUse& taken,
          bool* bandwidth = nullptr) {
  const StreamDemand& demand = candidates.demand();
  const auto elsewhere = [&option](const auto& there) { return there.first != option.site && there.second > 0; };
  if (candidates.spec().where.same_rack && std::any_of(instances.begin(), instances.end(), elsewhere)) return false;
  int32_t& count = instances[option.site];
  if (candidates.room(option.site, count + 1) <= count) return false;
  ++count;
  for (size_t i = 0; i < option.share.size(); ++i) {
    if (option.paths[i].links.empty()) continue;
    const PathLimits room{.streams = option.share[i], .use = &taken, .term = candidates.term()};
    if (!fits(candidates.graph(), option.paths[i], demand, room)) {
      if (bandwidth) *bandwidth = true;
      return false;
    }
    taken.add(option.paths[i].links, option.share[i] * demand.up_bps, option.share[i] * demand.down_bps);
  }
  return true;
}

// Every share of 1 to `most` streams that takes no more than there is, in lexicographic order from the largest.
void shares_within(const std::vector<Source>& sources, int32_t most, size_t from, Share& share, int32_t taken,
                   std::vector<Share>& out) {
  if (from == sources.size()) {
    if (taken > 0) out.push_back(share);
    return;
  }
  for (int32_t k = std::min(sources[from].streams, most - taken); k >= 0; --k) {
    share[from] = k;
    shares_within(sources, most, from + 1, share, taken + k, out);
  }
  share[from] = 0;
}

// Number of those shares, or more than `limit`.
size_t count_shares(const std::vector<Source>& sources, int32_t most, size_t limit) {
  std::vector<size_t> ways(static_cast<size_t>(most) + 1, 0);  // by streams taken
  ways[0] = 1;
  for (const Source& source : sources) {
    std::vector<size_t> next(ways.size(), 0);
    for (size_t t = 0; t < ways.size(); ++t) {
      for (size_t k = 0; k <= static_cast<size_t>(source.streams) && t + k < ways.size(); ++k) {
        next[t + k] = std::min(limit + 1, next[t + k] + ways[t]);
      }
    }
    ways = std::move(next);
  }
  size_t sum = 0;
  for (const size_t w : ways) sum = std::min(limit + 1, sum + w);
  return sum;
}

class Solver {
 public:
  Solver(Candidates& candidates, const Whole& whole, const SolverLimits& limits, std::vector<int32_t> streams)
      : candidates_(candidates), whole_(whole), limits_(limits), streams_(std::move(streams)) {
    sources_ = candidates.sources();
    for (size_t i = 0; i < sources_.size(); ++i) sources_[i].streams = streams_[i];
  }

  // Room that earlier parts took.
  std::map<SiteId, int32_t> instances_at;
  PathUse use;

  SolverOutcome run() {
    const int32_t most = candidates_.spec().workload.streams_per_instance;
    Share share(sources_.size(), 0);
    shares_within(sources_, most, 0, share, 0, shares_);
    if (auto blocked = relax()) return *blocked;
    if (auto solution = relaxed_solution()) return *solution;
    return branch();
  }

 private:
  size_t state_count() const {
    size_t count = 1;
    for (const Source& s : sources_) count *= static_cast<size_t>(s.streams) + 1;
    return count;
  }
  // Mixed radix: streams of each source not yet served.
  size_t code(const Share& share) const {
    size_t value = 0;
    for (size_t i = sources_.size(); i-- > 0;) {
      value = value * (static_cast<size_t>(sources_[i].streams) + 1) + static_cast<size_t>(share[i]);
    }
    return value;
  }
  Share decode(size_t value) const {
    Share share(sources_.size());
    for (size_t i = 0; i < sources_.size(); ++i) {
      const size_t radix = static_cast<size_t>(sources_[i].streams) + 1;
      share[i] = static_cast<int32_t>(value % radix);
      value /= radix;
    }
    return share;
  }
  static bool within(const Share& part, const Share& whole) {
    for (size_t i = 0; i < part.size(); ++i) {
      if (part[i] > whole[i]) return false;
    }
    return true;
  }

  // The dynamic programme without shared capacity.
  std::optional<Blocked> relax() {
    best_of_.assign(shares_.size(), kNever);
    codes_.resize(shares_.size());
    for (size_t c = 0; c < shares_.size(); ++c) {
      codes_[c] = code(shares_[c]);
      const auto& ranking = candidates_.rank(shares_[c], 1);
      if (!ranking.feasible.empty()) best_of_[c] = ranking.feasible.front().price;
    }
    value_.assign(state_count(), kNever);
    choice_.assign(value_.size(), 0);
    value_[0] = 0;
    for (size_t state = 1; state < value_.size(); ++state) {
      const Share left = decode(state);
      for (size_t c = 0; c < shares_.size(); ++c) {
        if (best_of_[c] == kNever || !within(shares_[c], left)) continue;
        const Nanocredits sum = best_of_[c] + value_[state - codes_[c]];
        if (sum < value_[state]) {
          value_[state] = sum;
          choice_[state] = c;
        }
      }
    }
    if (value_.back() != kNever) return std::nullopt;
    Blocked blocked;
    for (size_t i = 0; i < sources_.size() && !blocked.ingress.valid(); ++i) {
      Share one(sources_.size(), 0);
      one[i] = 1;
      if (sources_[i].streams > 0 && value_[code(one)] == kNever) blocked.ingress = sources_[i].site;
    }
    return blocked;
  }

  // The relaxed optimum, if it has room and meets what the whole must meet: then it is the optimum.
  std::optional<Solution> relaxed_solution() {
    Solution solution{.price = value_.back(), .bound = value_.back(), .quality = Quality::kExact};
    std::map<SiteId, int32_t> instances = instances_at;
    PathUse taken = use;
    std::vector<Offer> offers;
    for (size_t state = value_.size() - 1; state != 0; state -= codes_[choice_[state]]) {
      const Option& option = candidates_.rank(shares_[choice_[state]], 1).feasible.front();
      if (!option.fits_together || !take(candidates_, option, instances, taken)) return std::nullopt;
      offers.push_back({choice_[state], option, {}});
    }
    std::vector<Offer*> all;
    for (Offer& offer : offers) all.push_back(&offer);
    if (!meets(candidates_, whole_, all, failed_)) return std::nullopt;
    for (Offer& offer : offers) solution.instances.push_back(std::move(offer.option));
    return solution;
  }

  // All options of a share: every feasible site with every combination of its sources' paths.
  void expand(size_t c) {
    const Share& share = shares_[c];
    const int32_t streams = std::accumulate(share.begin(), share.end(), 0);
    const auto& ranking = candidates_.rank(share, Candidates::kAll);
    std::vector<Option> sites = ranking.feasible;
    for (const Option& base : sites) {
      std::vector<Option> options = {base};
      options[0].fits_together = true;
      for (size_t i = 0; i < share.size(); ++i) {
        if (share[i] == 0 || !sources_[i].site.valid()) continue;
        ServiceTime service;
        const auto latency_us_max = candidates_.path_latency_us_max(base.site, streams, service);
        const PathLimits limits{.streams = share[i], .latency_us_max = *latency_us_max, .term = candidates_.term()};
        auto kept = candidates_.kept_path(base.site, i, limits);
        const PathList list =
            kept ? PathList{{std::move(*kept)}, true}
                 : candidates_.paths().by_price(candidates_.vertex(i), candidates_.graph().site(base.site).vertex, limits,
                                                limits_.paths_per_pair, steps_left_);
        complete_ = complete_ && list.complete;
        std::vector<Option> next;
        for (const Option& option : options) {
          for (const PathOption& path : list.paths) {
            Option with = option;
            with.price += share[i] * (path.price - base.paths[i].price);
            with.billed += billed(path, share[i]) - billed(base.paths[i], share[i]);
            with.paths[i] = path;
            next.push_back(std::move(with));
          }
        }
        options = std::move(next);
      }
      for (Option& option : options) {
        Offer offer{c, std::move(option), {}};
        if (available_enough(offer)) options_.push_back(std::move(offer));
      }
    }
  }
  // Where sites do not stand in for one another, each way has to be available enough by itself.
  bool available_enough(Offer& offer) {
    if (whole_.availability_ppm_min == 0 || whole_.ways_kept.spread()) return true;
    const int64_t ppm = worst_ppm(candidates_, offer);
    if (ppm >= whole_.availability_ppm_min) return true;
    unavailable_ = true;
    failed_.availability_ppm_most = std::max(failed_.availability_ppm_most, static_cast<int32_t>(ppm));
    return false;
  }
  Nanocredits billed(const PathOption& path, int32_t streams) const {
    return path_per_hour(candidates_.graph(), path.links, streams * candidates_.demand().up_bps,
                         streams * candidates_.demand().down_bps);
  }

  SolverOutcome branch() {
    steps_left_ = limits_.steps;
    for (size_t c = 0; c < shares_.size(); ++c) {
      if (best_of_[c] != kNever) expand(c);
      if (steps_left_ == 0) complete_ = false;
    }
    std::stable_sort(options_.begin(), options_.end(), [](const auto& a, const auto& b) {
      return std::tie(a.option.price, a.option.site) < std::tie(b.option.price, b.option.site);
    });
    room_left_ = 0;
    const int32_t all = std::accumulate(streams_.begin(), streams_.end(), 0);
    for (const Offer& offer : options_) {
      int32_t& carried = carried_at_[offer.option.site];
      carried = std::max(carried, std::accumulate(offer.option.share.begin(), offer.option.share.end(), 0));
    }
    for (const auto& [site, carried] : carried_at_) {
      const auto used = instances_at.find(site);
      const int32_t fit = candidates_.room(site, all + (used == instances_at.end() ? 0 : used->second));
      room_left_ += int64_t{fit - (used == instances_at.end() ? 0 : used->second)} * carried;
    }
    best_price_ = kNever;
    std::vector<size_t> chosen;
    descend(value_.size() - 1, 0, chosen, SIZE_MAX, 0);
    const uint64_t steps = limits_.steps - steps_left_;
    if (best_price_ == kNever) {
      Blocked blocked = failed_;
      blocked.bound = value_.back();
      blocked.steps = steps;
      blocked.quality = steps_left_ > 0 && complete_ ? Quality::kExact : Quality::kBounded;
      if (steps_left_ == 0) {
        blocked.code = ReasonCode::kSearchBudget;
      } else if (blocked.code == ReasonCode::kNone) {
        blocked.code = unavailable_    ? ReasonCode::kAvailability
                       : no_bandwidth_ ? ReasonCode::kBandwidth
                       : candidates_.spec().where.same_rack ? ReasonCode::kRack
                                       : ReasonCode::kCpu;
      }
      return blocked;
    }
    Solution solution{.price = best_price_, .bound = value_.back(), .quality = Quality::kBounded, .steps = steps};
    if (steps_left_ > 0 && complete_) {
      solution.quality = Quality::kExact;
      solution.bound = best_price_;
    }
    for (const size_t o : best_) solution.instances.push_back(options_[o].option);
    return solution;
  }

  // Instances that serve the same first source come in order of their option, so that each set is met once.
  void descend(size_t state, Nanocredits price, std::vector<size_t>& chosen, size_t last_source, size_t last_option) {
    if (state == 0) {
      std::vector<Offer*> instances;
      for (const size_t o : chosen) instances.push_back(&options_[o]);
      if (price < best_price_ && meets(candidates_, whole_, instances, failed_)) {
        best_price_ = price;
        best_ = chosen;
      }
      return;
    }
    const Share left = decode(state);
    const size_t source = static_cast<size_t>(
        std::find_if(left.begin(), left.end(), [](int32_t streams) { return streams > 0; }) - left.begin());
    std::vector<std::pair<Nanocredits, size_t>> order;
    for (size_t o = source == last_source ? last_option : 0; o < options_.size(); ++o) {
      const size_t c = options_[o].share;
      if (shares_[c][source] == 0 || !within(shares_[c], left)) continue;
      const Nanocredits rest = value_[state - codes_[c]];
      if (rest == kNever) continue;
      const Nanocredits estimate = price + options_[o].option.price + rest;
      if (estimate < best_price_) order.emplace_back(estimate, o);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [estimate, o] : order) {
      if (estimate >= best_price_) break;
      if (steps_left_ == 0) return;
      --steps_left_;
      const Option& option = options_[o].option;
      // Whatever the rest chooses, it finds no more room than this.
      const int64_t room_after = room_left_ - carried_at_[option.site];
      const int32_t here = std::accumulate(option.share.begin(), option.share.end(), 0);
      if (room_after < std::accumulate(left.begin(), left.end(), int64_t{0}) - here) continue;
      const auto instances_before = instances_at;
      const PathUse use_before = use;
      const int64_t room_before = std::exchange(room_left_, room_after);
      if (take(candidates_, option, instances_at, use, &no_bandwidth_)) {
        chosen.push_back(o);
        descend(state - codes_[options_[o].share], price + option.price, chosen, source, o);
        chosen.pop_back();
      }
      instances_at = instances_before;
      use = use_before;
      room_left_ = room_before;
    }
  }

  Candidates& candidates_;
  const Whole& whole_;
  const SolverLimits& limits_;
  std::vector<int32_t> streams_;
  std::vector<Source> sources_;

  std::vector<Share> shares_;
  std::vector<size_t> codes_;
  std::vector<Nanocredits> best_of_;   // by share
  std::vector<Nanocredits> value_;     // by state
  std::vector<size_t> choice_;

  std::vector<Offer> options_;
  std::map<SiteId, int32_t> carried_at_;            // most streams that an instance there carries
  int64_t room_left_ = 0;                           // streams that could still find an instance
  bool complete_ = true;
  uint64_t steps_left_ = 0;
  Nanocredits best_price_ = kNever;
  std::vector<size_t> best_;
  Blocked failed_;                     // what complete combinations failed to meet
  bool no_bandwidth_ = false, unavailable_ = false;
};

// Too large for one programme: source by source, in pieces of whole instances, each seeing what the earlier ones took.
// What the whole must meet is checked at the end; where it asks for different places and the cheapest choice has
// too few, the first instances are sent to different ones.
class Pieces {
 public:
  Pieces(Candidates& candidates, const Whole& whole, const SolverLimits& limits)
      : candidates_(candidates), whole_(whole), limits_(limits) {
    part_.ways_kept = Availability(whole.ways_kept.spread());
    if (!whole.ways_kept.spread()) part_.availability_ppm_min = whole.availability_ppm_min;
    order_.resize(candidates.sources().size());
    std::iota(order_.begin(), order_.end(), size_t{0});
  }

  SolverOutcome run() {
    const size_t sources = candidates_.sources().size();
    SolverOutcome outcome = attempt(std::vector<int32_t>(sources, 0), false);
    const auto* blocked = std::get_if<Blocked>(&outcome);
    if (blocked && sources > 1 && ran_out(blocked->code)) {
      // What was served first may have taken the room that only another could use.
      std::reverse(order_.begin(), order_.end());
      if (SolverOutcome other = attempt(std::vector<int32_t>(sources, 0), false); std::holds_alternative<Solution>(other)) {
        return other;
      }
      std::reverse(order_.begin(), order_.end());
    }
    const Spread kept = kept_spread();
    const int32_t sites = std::max(0, whole_.where.sites_min - kept.sites());
    const int32_t regions = std::max(0, whole_.where.regions_min - kept.regions());
    const int32_t domains = std::max(0, whole_.where.failure_domains_min - kept.failure_domains());
    // One instance may bring a site, a region and a failure domain, or each of these needs its own.
    for (int32_t missing : {std::max({sites, regions, domains}), regions + domains, sites + regions + domains}) {
      if (!blocked || !is_spread(blocked->code) || missing == 0) break;
      std::vector<int32_t> apart;
      for (const Source& source : candidates_.sources()) {
        apart.push_back(std::min(missing, source.streams));
        missing -= apart.back();
      }
      SolverOutcome other = attempt(apart, false);
      const auto* worse = std::get_if<Blocked>(&other);
      if (worse && !about_the_whole(worse->code)) break;
      outcome = std::move(other);
      blocked = std::get_if<Blocked>(&outcome);
    }
    // Each ingress by itself has to be served from several sites for one to stand in for another, or from more still.
    for (int32_t more = 0; more <= 2 && blocked && blocked->code == ReasonCode::kAvailability && part_.ways_kept.spread();
         ++more) {
      std::vector<int32_t> apart;
      for (const Source& source : candidates_.sources()) {
        const auto serving = static_cast<int32_t>(whole_.ways_kept.sites(source.site).size());
        const int32_t places = std::max({whole_.where.sites_min, whole_.where.regions_min, whole_.where.failure_domains_min});
        apart.push_back(std::min(std::max(0, places + more - serving), source.streams));
      }
      SolverOutcome other = attempt(apart, true);
      const auto* worse = std::get_if<Blocked>(&other);
      if (worse && worse->code != ReasonCode::kAvailability) break;
      outcome = std::move(other);
      blocked = std::get_if<Blocked>(&outcome);
    }
    return outcome;
  }

 private:
  static bool is_spread(ReasonCode code) {
    return code == ReasonCode::kSpread || code == ReasonCode::kRegions || code == ReasonCode::kFailureDomains;
  }

  Spread kept_spread() const {
    Spread spread(candidates_.graph());
    for (const SiteId site : whole_.sites_kept) spread.add(site);
    return spread;
  }

  // The first apart[i] instances of source i are sent to places that nothing here uses, or that do not serve the source.
  SolverOutcome attempt(const std::vector<int32_t>& apart, bool by_source) {
    instances_at_.clear();
    offers_.clear();
    use_ = whole_.use;
    Solution sum{.quality = Quality::kHeuristic};
    Spread used = kept_spread();
    const auto& sources = candidates_.sources();
    const int32_t most = candidates_.spec().workload.streams_per_instance;
    const int32_t piece = std::max<int32_t>(most, static_cast<int32_t>(64 / most * most));
    std::vector<int32_t> left;
    for (const Source& source : sources) left.push_back(source.streams);
    for (const size_t i : order_) {
      if (by_source) {
        used = Spread(candidates_.graph());
        for (const SiteId site : whole_.ways_kept.sites(sources[i].site)) used.add(site);
      }
      for (int32_t k = 0; k < apart[i]; ++k) {
        auto option = elsewhere(i, std::min(most, left[i] - (apart[i] - 1 - k)), used);
        if (!option) {
          const ReasonCode code = used.lacks(whole_.where).code;
          return Blocked{.sites_most = used.sites(), .regions_most = used.regions(),
                         .failure_domains_most = used.failure_domains(),
                         .code = code == ReasonCode::kNone ? ReasonCode::kSpread : code,
                         .quality = Quality::kHeuristic, .steps = sum.steps};
        }
        used.add(option->site);
        left[i] -= option->share[i];
        sum.price += option->price;
        offers_.push_back({0, std::move(*option), {}});
      }
    }
    for (const size_t i : order_) {
      while (left[i] > 0) {
        std::vector<int32_t> now(sources.size(), 0);
        now[i] = std::min(left[i], piece);
        Solver solver(candidates_, part_, limits_, now);
        solver.instances_at = instances_at_;
        solver.use = use_;
        SolverOutcome outcome = solver.run();
        if (auto* blocked = std::get_if<Blocked>(&outcome)) {
          blocked->quality = Quality::kHeuristic;
          return *blocked;
        }
        auto& solution = std::get<Solution>(outcome);
        sum.price += solution.price;
        sum.steps += solution.steps;
        for (Option& option : solution.instances) {
          ++instances_at_[option.site];
          for (size_t k = 0; k < sources.size(); ++k) {
            use_.add(option.paths[k].links, option.share[k] * candidates_.demand().up_bps,
                     option.share[k] * candidates_.demand().down_bps);
          }
          offers_.push_back({0, std::move(option), {}});
        }
        left[i] -= now[i];
      }
    }
    std::vector<Offer*> all;
    for (Offer& offer : offers_) all.push_back(&offer);
    Blocked blocked{.quality = Quality::kHeuristic, .steps = sum.steps};
    if (!meets(candidates_, whole_, all, blocked)) return blocked;
    for (Offer& offer : offers_) sum.instances.push_back(std::move(offer.option));
    return sum;
  }

  static bool ran_out(ReasonCode code) {
    return code == ReasonCode::kCpu || code == ReasonCode::kMemory || code == ReasonCode::kAccelerators ||
           code == ReasonCode::kAcceleratorShare || code == ReasonCode::kAcceleratorMemory ||
           code == ReasonCode::kAcceleratorsLinked || code == ReasonCode::kRack || code == ReasonCode::kBandwidth;
  }

  // Of the kinds of places of which more are wanted, how many the site brings; a new site at least.
  int32_t brings(SiteId site, const Spread& used) const {
    if (used.has(site)) return 0;
    const Where& where = whole_.where;
    return 1 + (used.regions() < where.regions_min && !used.has_region(site)) +
           (!used.has_failure_domain(site) && (used.failure_domains() < where.failure_domains_min || whole_.availability_ppm_min > 0));
  }

  // The cheapest option with room for so many streams of the source, or else for fewer, at none of these sites; of
  // places of which more are wanted as many kinds as can be are new. Its room is taken.
  std::optional<Option> elsewhere(size_t source, int32_t streams, const Spread& used) {
    const Where& where = whole_.where;
    const int32_t most = 1 + (used.regions() < where.regions_min) +
                         (used.failure_domains() < where.failure_domains_min || whole_.availability_ppm_min > 0);
    for (int32_t kinds = most; kinds > 0; --kinds) {
      if (auto option = elsewhere(source, streams, used, kinds)) return option;
    }
    return std::nullopt;
  }
  std::optional<Option> elsewhere(size_t source, int32_t streams, const Spread& used, int32_t kinds) {
    for (; streams > 0; streams /= 2) {
      Share share(candidates_.sources().size(), 0);
      share[source] = streams;
      for (size_t seen = 0, want = static_cast<size_t>(used.sites()) + 1;; want *= 2) {
        const auto& ranking = candidates_.rank(share, want);
        for (; seen < ranking.feasible.size(); ++seen) {
          const Option& option = ranking.feasible[seen];
          if (brings(option.site, used) < kinds) continue;
          auto instances = instances_at_;
          PathUse use = use_;
          if (!take(candidates_, option, instances, use)) continue;
          instances_at_ = std::move(instances);
          use_ = std::move(use);
          return option;
        }
        if (ranking.all) break;
      }
    }
    return std::nullopt;
  }

  Candidates& candidates_;
  const Whole& whole_;
  const SolverLimits& limits_;
  Whole part_;                               // what each piece must meet by itself
  std::vector<size_t> order_;                // of the sources
  std::map<SiteId, int32_t> instances_at_;
  PathUse use_;
  std::vector<Offer> offers_;
};

}  // namespace

std::optional<PathOption> protection_path(Candidates& candidates, size_t source, SiteId site, int32_t streams,
                                          const ServiceTime& service, const PathOption& path) {
  if (path.links.empty()) return std::nullopt;
  const int64_t promise = candidates.spec().promise.latency_us_max;
  const PathLimits limits{.streams = streams,
                          .latency_us_max = promise == 0 ? INT64_MAX : promise - service.work_us - service.queueing_us,
                          .avoid = &path.links,
                          .term = candidates.term()};
  return candidates.paths().cheapest(candidates.vertex(source), candidates.graph().site(site).vertex, limits);
}

std::vector<int64_t> ways_ppm(Candidates& candidates, const Option& option) {
  const Graph& graph = candidates.graph();
  std::vector<int64_t> ways(option.share.size(), 0);
  for (size_t i = 0; i < ways.size(); ++i) {
    if (option.share[i] == 0) continue;
    std::optional<PathOption> spare;
    if (candidates.sources()[i].site.valid()) {
      spare = protection_path(candidates, i, option.site, option.share[i], option.service, option.paths[i]);
    }
    ways[i] = way_availability_ppm(graph, option.site, option.paths[i].links,
                                   spare ? spare->links : std::vector<LinkId>{});
  }
  return ways;
}

SolverOutcome solve(Candidates& candidates, const Whole& whole, const SolverLimits& limits) {
  const auto& sources = candidates.sources();
  const int32_t most = candidates.spec().workload.streams_per_instance;
  size_t states = count_shares(sources, most, limits.states);
  for (const Source& s : sources) states = std::min(limits.states + 1, states * (static_cast<size_t>(s.streams) + 1));
  std::vector<int32_t> streams;
  for (const Source& s : sources) streams.push_back(s.streams);
  if (states <= limits.states) {
    Solver solver(candidates, whole, limits, streams);
    solver.use = whole.use;
    return solver.run();
  }
  return Pieces(candidates, whole, limits).run();
}

}  // namespace weir
