#include "orchestration/plan/solver.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace weir {
namespace {

constexpr Nanocredits kNever = INT64_MAX / 8;

// What the instances together with those kept fail to meet.
std::optional<ReasonCode> unmet(Candidates& candidates, const Whole& whole, const std::vector<Option>& instances) {
  const IntentSpec& spec = candidates.spec();
  std::set<SiteId> sites(whole.sites_kept.begin(), whole.sites_kept.end());
  Nanocredits billed = whole.billed_kept;
  for (const Option& option : instances) {
    sites.insert(option.site);
    billed += option.billed;
  }
  if (static_cast<int32_t>(sites.size()) < whole.sites_min) return ReasonCode::kSpread;
  if (spec.budget_per_hour_max > 0 && billed > spec.budget_per_hour_max) return ReasonCode::kBudget;
  if (spec.promise.availability_ppm > 0 && availability_ppm(candidates, instances) < spec.promise.availability_ppm) {
    return ReasonCode::kAvailability;
  }
  return std::nullopt;
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
    for (size_t state = value_.size() - 1; state != 0; state -= codes_[choice_[state]]) {
      const Option& option = candidates_.rank(shares_[choice_[state]], 1).feasible.front();
      if (!option.fits_together || !take(option, instances, taken)) return std::nullopt;
      solution.instances.push_back(option);
    }
    if (!meets(solution.instances)) return std::nullopt;
    return solution;
  }

  bool take(const Option& option, std::map<SiteId, int32_t>& instances, PathUse& taken) const {
    const Workload& workload = candidates_.spec().workload;
    int32_t& count = instances[option.site];
    if (instances_that_fit(candidates_.graph(), option.site, workload, count + 1) <= count) return false;
    ++count;
    for (size_t i = 0; i < option.share.size(); ++i) {
      if (option.paths[i].links.empty()) continue;
      const PathLimits room{.streams = option.share[i], .use = &taken};
      if (!fits(candidates_.graph(), option.paths[i], candidates_.demand(), room)) return false;
      taken.add(option.paths[i].links, option.share[i] * candidates_.demand().up_bps,
                option.share[i] * candidates_.demand().down_bps);
    }
    return true;
  }

  bool meets(const std::vector<Option>& instances) {
    const auto code = unmet(candidates_, whole_, instances);
    if (!code) return true;
    failed_.insert(*code);
    if (*code == ReasonCode::kBudget) {
      Nanocredits billed = whole_.billed_kept;
      for (const Option& option : instances) billed += option.billed;
      billed_least_ = std::min(billed_least_, billed);
    }
    if (*code == ReasonCode::kAvailability) {
      availability_ppm_best_ = std::max(availability_ppm_best_, availability_ppm(candidates_, instances));
    }
    return false;
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
        const PathLimits limits{.streams = share[i], .latency_us_max = *latency_us_max};
        const PathList list =
            candidates_.paths().by_price(candidates_.vertex(i), candidates_.graph().site(base.site).vertex, limits,
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
      for (Option& option : options) options_.push_back({c, std::move(option)});
    }
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
      return std::tie(a.second.price, a.second.site) < std::tie(b.second.price, b.second.site);
    });
    room_left_ = 0;
    const int32_t all = std::accumulate(streams_.begin(), streams_.end(), 0);
    for (const auto& [c, option] : options_) {
      int32_t& carried = carried_at_[option.site];
      carried = std::max(carried, std::accumulate(option.share.begin(), option.share.end(), 0));
    }
    for (const auto& [site, carried] : carried_at_) {
      const auto used = instances_at.find(site);
      const int32_t fit = instances_that_fit(candidates_.graph(), site, candidates_.spec().workload,
                                             all + (used == instances_at.end() ? 0 : used->second));
      room_left_ += int64_t{fit - (used == instances_at.end() ? 0 : used->second)} * carried;
    }
    best_price_ = kNever;
    std::vector<size_t> chosen;
    descend(value_.size() - 1, 0, chosen, SIZE_MAX, 0);
    const uint64_t steps = limits_.steps - steps_left_;
    if (best_price_ == kNever) {
      Blocked blocked{.bound = value_.back(), .steps = steps};
      blocked.availability_ppm_best = availability_ppm_best_;
      blocked.billed_least = billed_least_ == kNever ? 0 : billed_least_;
      blocked.code = steps_left_ == 0     ? ReasonCode::kSearchBudget
                     : !failed_.empty()  ? *failed_.begin()
                     : no_bandwidth_     ? ReasonCode::kBandwidth
                                         : ReasonCode::kCpu;
      return blocked;
    }
    Solution solution{.price = best_price_, .bound = value_.back(), .quality = Quality::kBounded, .steps = steps};
    if (steps_left_ > 0 && complete_) {
      solution.quality = Quality::kExact;
      solution.bound = best_price_;
    }
    for (const size_t o : best_) solution.instances.push_back(options_[o].second);
    return solution;
  }

  // Instances that serve the same first source come in order of their option, so that each set is met once.
  void descend(size_t state, Nanocredits price, std::vector<size_t>& chosen, size_t last_source, size_t last_option) {
    if (state == 0) {
      std::vector<Option> instances;
      for (const size_t o : chosen) instances.push_back(options_[o].second);
      if (price < best_price_ && meets(instances)) {
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
      const size_t c = options_[o].first;
      if (shares_[c][source] == 0 || !within(shares_[c], left)) continue;
      const Nanocredits rest = value_[state - codes_[c]];
      if (rest == kNever) continue;
      const Nanocredits estimate = price + options_[o].second.price + rest;
      if (estimate < best_price_) order.emplace_back(estimate, o);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [estimate, o] : order) {
      if (estimate >= best_price_) break;
      if (steps_left_ == 0) return;
      --steps_left_;
      const Option& option = options_[o].second;
      // Whatever the rest chooses, it finds no more room than this.
      const int64_t room_after = room_left_ - carried_at_[option.site];
      const int32_t here = std::accumulate(option.share.begin(), option.share.end(), 0);
      if (room_after < std::accumulate(left.begin(), left.end(), int64_t{0}) - here) continue;
      const auto instances_before = instances_at;
      const PathUse use_before = use;
      const int64_t room_before = std::exchange(room_left_, room_after);
      if (take(option, instances_at, use)) {
        chosen.push_back(o);
        descend(state - codes_[options_[o].first], price + option.price, chosen, source, o);
        chosen.pop_back();
      } else {
        const auto before = instances_before.find(option.site);
        no_bandwidth_ |= instances_at[option.site] > (before == instances_before.end() ? 0 : before->second);
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

  std::vector<std::pair<size_t, Option>> options_;  // share, option
  std::map<SiteId, int32_t> carried_at_;            // most streams that an instance there carries
  int64_t room_left_ = 0;                           // streams that could still find an instance
  bool complete_ = true;
  uint64_t steps_left_ = 0;
  Nanocredits best_price_ = kNever;
  std::vector<size_t> best_;
  std::set<ReasonCode> failed_;        // what complete combinations failed to meet
  bool no_bandwidth_ = false;
  Nanocredits billed_least_ = kNever;
  int32_t availability_ppm_best_ = 0;
};

}  // namespace

std::optional<PathOption> protection_path(Candidates& candidates, size_t source, SiteId site, int32_t streams,
                                          const ServiceTime& service, const PathOption& path) {
  if (path.links.empty()) return std::nullopt;
  const int64_t promise = candidates.spec().promise.latency_us_max;
  const PathLimits limits{.streams = streams,
                          .latency_us_max = promise == 0 ? INT64_MAX : promise - service.work_us - service.queueing_us,
                          .avoid = &path.links};
  return candidates.paths().cheapest(candidates.vertex(source), candidates.graph().site(site).vertex, limits);
}

int64_t together_ppm(const std::map<SiteId, int64_t>& ways, bool spread) {
  int64_t out = kPpm, worst = kPpm;
  for (const auto& [site, ppm] : ways) {
    out = out * (kPpm - ppm) / kPpm;
    worst = std::min(worst, ppm);
  }
  return spread ? kPpm - out : worst;
}

int32_t availability_ppm(Candidates& candidates, const std::vector<Option>& instances) {
  const Graph& graph = candidates.graph();
  int64_t worst = kPpm;
  const bool spread = candidates.spec().where.sites_min > 1;
  for (size_t i = 0; i < candidates.sources().size(); ++i) {
    // The worst way to each site that serves the source.
    std::map<SiteId, int64_t> up;
    for (const Option& option : instances) {
      if (option.share[i] == 0) continue;
      int64_t path = path_availability_ppm(graph, option.paths[i].links);
      if (candidates.sources()[i].site.valid()) {
        const auto spare = protection_path(candidates, i, option.site, option.share[i], option.service, option.paths[i]);
        if (spare) path = kPpm - (kPpm - path) * (kPpm - path_availability_ppm(graph, spare->links)) / kPpm;
      }
      const int64_t way = graph.site(option.site).availability_ppm * path / kPpm;
      const auto [known, fresh] = up.try_emplace(option.site, way);
      if (!fresh) known->second = std::min(known->second, way);
    }
    worst = std::min(worst, together_ppm(up, spread));
  }
  return static_cast<int32_t>(worst);
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

  // Too large for one programme: source by source, in pieces of whole instances, each seeing what the earlier
  // ones took. What the whole must meet is checked at the end.
  Solution sum{.quality = Quality::kHeuristic};
  std::map<SiteId, int32_t> instances_at;
  PathUse use = whole.use;
  const Whole part;
  const int32_t piece = std::max<int32_t>(most, static_cast<int32_t>(64 / most * most));
  for (size_t i = 0; i < sources.size(); ++i) {
    for (int32_t left = sources[i].streams; left > 0;) {
      std::vector<int32_t> now(sources.size(), 0);
      now[i] = std::min(left, piece);
      Solver solver(candidates, part, limits, now);
      solver.instances_at = instances_at;
      solver.use = use;
      SolverOutcome outcome = solver.run();
      if (auto* blocked = std::get_if<Blocked>(&outcome)) return *blocked;
      auto& solution = std::get<Solution>(outcome);
      sum.price += solution.price;
      sum.steps += solution.steps;
      for (Option& option : solution.instances) {
        ++instances_at[option.site];
        for (size_t k = 0; k < sources.size(); ++k) {
          use.add(option.paths[k].links, option.share[k] * candidates.demand().up_bps,
                  option.share[k] * candidates.demand().down_bps);
        }
        sum.instances.push_back(std::move(option));
      }
      left -= now[i];
    }
  }
  if (const auto code = unmet(candidates, whole, sum.instances)) return Blocked{.code = *code, .steps = sum.steps};
  return sum;
}

}  // namespace weir
