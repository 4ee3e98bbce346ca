#include "orchestration/workflow/stream.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <queue>
#include <set>
#include <tuple>

#include "core/price/price.h"
#include "orchestration/workflow/packing.h"
#include "orchestration/workflow/stream_tree.h"

namespace weir {
namespace {

constexpr uint64_t kPackingSteps = 20'000;
// Of latency, nanocredits per hour and microsecond: from none to all that counts.
constexpr std::array<int64_t, 10> kWeights = {0,      100,    300,     1'000,     3'000,
                                              10'000, 30'000, 100'000, 1'000'000, int64_t{1} << 32};

class StreamSearch {
 public:
  StreamSearch(const Graph& graph, const Workflow& workflow, StreamProblem problem,
               const StreamPlanLimits& limits)
      : graph_(graph),
        workflow_(workflow),
        problem_(std::move(problem)),
        limits_(limits),
        steps_(limits.steps),
        order_(topological_order(workflow)) {
    in_.resize(problem_.stages.size());
    for (uint32_t e = 0; e < problem_.edges.size(); ++e) in_[problem_.edges[e].to].push_back(e);
    choose_trees();
  }

  Result<StreamPlan> run() {
    open({});
    while (!queue_.empty() && queue_.top().bound < price_ && solved_ < limits_.branches && steps_ > 0) {
      const Branch branch = queue_.top();
      queue_.pop();
      expand(*branch.problem);
    }
    const Nanocredits open_bound = queue_.empty() ? kImpossible : queue_.top().bound;
    const Nanocredits bound = std::min({price_, open_bound, unresolved_bound_});
    if (!best_) {
      if (bound >= kImpossible && all_exact_) {
        return fail(ErrorCode::kInfeasible, why_not(), "spec", "promise a larger latency, or ask for less");
      }
      return fail(ErrorCode::kExhausted, "the search ended before it found room for all stages and edges",
                  "spec", "ask for less, or name sites");
    }
    return describe(bound);
  }

 private:
  struct Problem {
    StreamLimits limits;
    StreamChoice choice;                   // of the trees; sites are set for all stages
    std::vector<Nanocredits> extra_bound;  // by position in extra_
    bool has_choice = false, exact = false;
    Nanocredits bound = 0;
  };
  struct Branch {
    Nanocredits bound;
    uint64_t serial;
    std::shared_ptr<const Problem> problem;
    friend bool operator<(const Branch& a, const Branch& b) {  // cheapest first, then the newest
      return std::tie(b.bound, a.serial) < std::tie(a.bound, b.serial);
    }
  };

  // The promise is in the bound along paths within the trees. So the path that breaks it joins them, for as
  // long as that raises the bound.
  void choose_trees() {
    constexpr int kRounds = 4;
    split({});
    if (extra_.empty() || problem_.latency_us_max == 0) return;
    std::vector<uint32_t> best, path;
    Nanocredits best_bound = -1;
    for (int round = 0; round < kRounds; ++round) {
      if (round > 0) split(path);
      const auto problem = solve({});
      if (problem->bound > best_bound) {
        best_bound = problem->bound;
        best = path;
      }
      if (!problem->has_choice) break;
      StreamChoice choice = problem->choice;
      if (lead_extra({}, choice)) break;
      path = slowest_path(choice);
    }
    split(best);
  }

  // A spanning forest of these edges, which form none with a cycle, then of the widest; the others in extra_.
  void split(const std::vector<uint32_t>& first) {
    trees_.clear();
    extra_.clear();
    std::vector<uint32_t> part(problem_.stages.size());
    std::iota(part.begin(), part.end(), 0);
    std::vector<uint32_t> widest(problem_.edges.size());
    std::iota(widest.begin(), widest.end(), 0);
    const auto later = [&](uint32_t e) { return std::find(first.begin(), first.end(), e) == first.end(); };
    std::stable_sort(widest.begin(), widest.end(), [&](uint32_t a, uint32_t b) {
      return std::tuple(later(a), -problem_.edges[a].bps) < std::tuple(later(b), -problem_.edges[b].bps);
    });
    std::vector<uint32_t> kept;
    for (const uint32_t e : widest) {
      const uint32_t a = part[problem_.edges[e].from], b = part[problem_.edges[e].to];
      if (a == b) {
        extra_.push_back(e);
        continue;
      }
      std::replace(part.begin(), part.end(), std::max(a, b), std::min(a, b));
      kept.push_back(e);
    }
    std::sort(kept.begin(), kept.end());
    std::sort(extra_.begin(), extra_.end());
    std::map<uint32_t, std::pair<std::vector<uint32_t>, std::vector<uint32_t>>> trees;
    for (uint32_t s = 0; s < part.size(); ++s) trees[part[s]].first.push_back(s);
    for (const uint32_t e : kept) trees[part[problem_.edges[e].from]].second.push_back(e);
    for (auto& [root, tree] : trees)
      trees_.emplace_back(problem_, std::move(tree.first), std::move(tree.second));
  }

  bool allowed(const StreamLimits& limits, uint32_t stage, size_t site) const {
    const SiteId fixed = limits.fixed.empty() ? SiteId() : limits.fixed[stage];
    return problem_.stages[stage].price[site] < kImpossible && (!fixed.valid() || fixed == SiteId(site)) &&
           !limits.not_at.contains({stage, SiteId(site)});
  }

  // Queues what comes of the limits, unless that has been done.
  void open(StreamLimits limits) {
    if (!known_.insert(limits).second) return;
    ++solved_;
    auto made = solve(std::move(limits));
    const Nanocredits bound = made->bound;
    if (bound < kImpossible && bound < price_) queue_.push({bound, serial_++, std::move(made)});
  }

  std::shared_ptr<Problem> solve(StreamLimits limits) {
    auto made = std::make_shared<Problem>();
    made->limits = std::move(limits);
    made->choice.sites.resize(problem_.stages.size());
    made->choice.paths.resize(problem_.edges.size());
    made->has_choice = made->exact = true;
    for (const StreamTree& tree : trees_) {
      const TreeAnswer answer = tree.solve(made->limits, steps_);
      made->bound = std::min(kImpossible, saturating_add(made->bound, answer.bound));
      made->exact = made->exact && answer.exact;
      made->has_choice = made->has_choice && answer.choice.has_value();
      if (!answer.choice) continue;
      for (size_t k = 0; k < problem_.stages.size(); ++k) {
        if (answer.choice->sites[k].valid()) made->choice.sites[k] = answer.choice->sites[k];
      }
      for (size_t e = 0; e < problem_.edges.size(); ++e) {
        if (!answer.choice->paths[e].empty()) made->choice.paths[e] = answer.choice->paths[e];
      }
    }
    for (const uint32_t e : extra_) {
      if (made->bound >= kImpossible) break;
      made->extra_bound.push_back(least_between(made->limits, e));
      made->bound = std::min(kImpossible, saturating_add(made->bound, made->extra_bound.back()));
    }
    return made;
  }

  // The least that the edge costs between any sites that are allowed.
  Nanocredits least_between(const StreamLimits& limits, uint32_t e) {
    const auto& edge = problem_.edges[e];
    std::vector<int64_t> start(graph_.site_count(), kImpossible);
    for (size_t s = 0; s < start.size(); ++s) {
      if (allowed(limits, edge.from, s)) start[s] = 0;
    }
    const StreamField field(problem_, e, 0, limits, true, start, steps_);
    Nanocredits least = kImpossible;
    for (size_t s = 0; s < start.size(); ++s) {
      if (allowed(limits, edge.to, s)) least = std::min(least, field.at_site(s));
    }
    return least;
  }

  std::vector<int64_t> only_at(SiteId site) const {
    std::vector<int64_t> start(graph_.site_count(), kImpossible);
    start[site.index()] = 0;
    return start;
  }

  Nanocredits price_of(uint32_t e, const std::vector<LinkId>& path) const {
    Nanocredits sum = 0;
    for (const LinkId link : path) sum += problem_.edges[e].links->price[link.index()];
    return sum;
  }
  int64_t latency_of(uint32_t e, const std::vector<LinkId>& path) const {
    int64_t sum = 0;
    for (const LinkId link : path) sum += problem_.edges[e].links->latency_us[link.index()];
    return sum;
  }

  // When each stage is done with an item, and over which edge it waited longest; none where nothing feeds it.
  struct Times {
    std::vector<int64_t> done_us;
    std::vector<std::optional<uint32_t>> last;
    size_t end = 0;  // the stage that is done last
  };
  Times times(const StreamChoice& choice) const {
    Times times{std::vector<int64_t>(problem_.stages.size(), 0),
                std::vector<std::optional<uint32_t>>(problem_.stages.size())};
    for (const uint32_t k : order_) {
      for (const uint32_t e : in_[k]) {
        const int64_t arrives_us = times.done_us[problem_.edges[e].from] + latency_of(e, choice.paths[e]);
        if (times.last[k] && arrives_us <= times.done_us[k]) continue;
        times.done_us[k] = arrives_us;
        times.last[k] = e;
      }
      times.done_us[k] += problem_.stages[k].latency_us[choice.sites[k].index()];
      if (times.done_us[k] > times.done_us[times.end]) times.end = k;
    }
    return times;
  }
  int64_t slowest_us(const StreamChoice& choice) const {
    const Times all = times(choice);
    return all.done_us[all.end];
  }
  std::vector<uint32_t> slowest_path(const StreamChoice& choice) const {
    const Times all = times(choice);
    std::vector<uint32_t> path;
    for (std::optional<uint32_t> e = all.last[all.end]; e; e = all.last[problem_.edges[*e].from])
      path.push_back(*e);
    return path;
  }
  bool in_time(const StreamChoice& choice) const {
    return problem_.latency_us_max == 0 || slowest_us(choice) <= problem_.latency_us_max;
  }

  Nanocredits total(const StreamChoice& choice) const {
    Nanocredits sum = 0;
    for (size_t k = 0; k < problem_.stages.size(); ++k)
      sum += problem_.stages[k].price[choice.sites[k].index()];
    for (uint32_t e = 0; e < problem_.edges.size(); ++e) sum += price_of(e, choice.paths[e]);
    return sum;
  }

  // Leads the edges outside the trees between where the stages stand: as fast as can be, then each as cheaply
  // as the promise allows.
  bool lead_extra(const StreamLimits& limits, StreamChoice& choice) {
    std::vector<std::vector<std::vector<LinkId>>> ways;
    for (const uint32_t e : extra_) {
      const auto& edge = problem_.edges[e];
      auto& options = ways.emplace_back();
      for (const int64_t weight :
           {int64_t{0}, int64_t{1'000}, int64_t{30'000}, int64_t{1'000'000}, int64_t{1} << 40}) {
        const StreamField field(problem_, e, weight, limits, true, only_at(choice.sites[edge.from]), steps_);
        if (field.at_site(choice.sites[edge.to].index()) >= kImpossible && weight == 0) return false;
        options.push_back(field.path(choice.sites[edge.to]).second);
        if (problem_.latency_us_max == 0) break;
      }
      choice.paths[e] = options.back();
    }
    if (!in_time(choice)) return false;
    for (size_t i = 0; i < extra_.size(); ++i) {
      for (const auto& way : ways[i]) {
        choice.paths[extra_[i]] = way;
        if (in_time(choice)) break;
      }
    }
    return true;
  }

  // What together takes more than there is: stages at a site, or edges over a link; no item could be left
  // out.
  struct Excess {
    SiteId site;
    LinkId link;
    std::vector<uint32_t> items;
  };
  std::optional<Excess> excess(const StreamChoice& choice) {
    std::map<SiteId, std::vector<uint32_t>> at;
    for (uint32_t k = 0; k < problem_.stages.size(); ++k) at[choice.sites[k]].push_back(k);
    for (auto& [site, stages] : at) {
      if (stages.size() < 2 || packs(site, stages)) continue;
      drop_needless(stages, [&](const std::vector<uint32_t>& some) { return packs(site, some); });
      return Excess{site, LinkId(), stages};
    }
    std::map<LinkId, std::vector<uint32_t>> over;
    for (uint32_t e = 0; e < problem_.edges.size(); ++e) {
      for (const LinkId link : choice.paths[e]) over[link].push_back(e);
    }
    for (auto& [link, edges] : over) {
      const auto room = [&](const std::vector<uint32_t>& some) {
        int64_t sum = 0;
        for (const uint32_t e : some) sum = saturating_add(sum, problem_.edges[e].bps);
        return sum <= graph_.room_bps(link);
      };
      if (edges.size() < 2 || room(edges)) continue;
      drop_needless(edges, room);
      return Excess{SiteId(), link, edges};
    }
    return std::nullopt;
  }
  template <class Fits>
  static void drop_needless(std::vector<uint32_t>& items, Fits&& fits) {
    for (size_t i = items.size(); i-- > 0;) {
      std::vector<uint32_t> without = items;
      without.erase(without.begin() + static_cast<ptrdiff_t>(i));
      if (!fits(without)) items = std::move(without);
    }
  }
  bool packs(SiteId site, const std::vector<uint32_t>& stages) {
    auto [known, fresh] = packs_.try_emplace({site, stages}, false);
    if (!fresh) return known->second;
    const Packing packing = pack(graph_, site, items(stages), kPackingSteps);
    all_exact_ = all_exact_ && packing.exact;
    known->second = packing.fits;
    return packing.fits;
  }
  std::vector<PackingItem> items(const std::vector<uint32_t>& stages) const {
    std::vector<PackingItem> items;
    for (const uint32_t k : stages)
      items.push_back({&workflow_.stages[k].workload, workflow_.stages[k].replicas});
    return items;
  }

  void note(const StreamChoice& choice) {
    const Nanocredits price = total(choice);
    if (price >= price_) return;
    price_ = price;
    best_ = choice;
  }

  void expand(const Problem& problem) {
    if (!problem.has_choice) {
      all_exact_ = all_exact_ && problem.exact;
      unresolved(problem);
      return;
    }
    StreamChoice choice = problem.choice;
    const bool led = lead_extra(problem.limits, choice);
    const auto over = excess(led ? choice : problem.choice);
    if (led && !over) note(choice);
    if (!led || over || !extra_.empty()) descend(problem.limits, problem.choice);
    if (over) {
      give_way(problem.limits, *over);
    } else if (!extra_.empty()) {
      part_ends(problem, choice, led);
    } else if (!problem.exact) {
      unresolved(problem);
    }
  }

  // Nothing more is done about it: its bound holds for whatever may be in it.
  void unresolved(const Problem& problem) { unresolved_bound_ = std::min(unresolved_bound_, problem.bound); }

  // One problem for each item that could give way; those before it stay.
  void give_way(const StreamLimits& limits, const Excess& over) {
    StreamLimits next = limits;
    next.fixed.resize(problem_.stages.size());
    for (const uint32_t item : over.items) {
      if (over.link.valid()) {
        StreamLimits other = limits;
        other.not_over.insert({item, over.link});
        open(std::move(other));
        continue;
      }
      if (!next.fixed[item].valid()) {
        StreamLimits other = next;
        other.not_at.insert({item, over.site});
        open(std::move(other));
        next.fixed[item] = over.site;
      }
    }
  }

  // Divides by where an end of an edge outside the trees stands, of that which costs most above its bound;
  // then by where any stage stands, since the promise binds them all.
  void part_ends(const Problem& problem, const StreamChoice& choice, bool led) {
    if (led && problem.exact && gap_all(problem, choice) == 0) return;
    const auto fixed = [&](uint32_t stage) {
      return !problem.limits.fixed.empty() && problem.limits.fixed[stage].valid();
    };
    std::optional<uint32_t> stage;
    Nanocredits gap_most = 0;
    for (size_t i = 0; i < extra_.size(); ++i) {
      const auto& edge = problem_.edges[extra_[i]];
      if (fixed(edge.from) && fixed(edge.to)) continue;
      const Nanocredits gap = led ? price_of(extra_[i], choice.paths[extra_[i]]) - problem.extra_bound[i] : 1;
      if (gap <= gap_most) continue;
      gap_most = gap;
      stage = fixed(edge.from) ? edge.to : edge.from;
    }
    for (const uint32_t k : order_) {
      if (!stage && !fixed(k)) stage = k;
    }
    if (!stage) {
      unresolved(problem);
      return;
    }
    StreamLimits here = problem.limits, elsewhere = problem.limits;
    here.fixed.resize(problem_.stages.size());
    here.fixed[*stage] = problem.choice.sites[*stage];
    elsewhere.not_at.insert({*stage, problem.choice.sites[*stage]});
    open(std::move(here));
    open(std::move(elsewhere));
  }
  Nanocredits gap_all(const Problem& problem, const StreamChoice& choice) const {
    Nanocredits gap = 0;
    for (size_t i = 0; i < extra_.size(); ++i)
      gap += price_of(extra_[i], choice.paths[extra_[i]]) - problem.extra_bound[i];
    return gap;
  }

  // Moves one stage at a time to where it and its edges cost least, at several weights of latency, and notes
  // what holds.
  void descend(const StreamLimits& limits, const StreamChoice& from) {
    if (descents_ >= kDescentsMax) return;
    ++descents_;
    for (const int64_t weight : kWeights) {
      StreamChoice choice = from;
      for (bool moved = true, first = true; (moved || first) && steps_ > 0; first = false) {
        moved = false;
        for (const uint32_t k : order_) {
          std::vector<int64_t> sum(graph_.site_count(), kImpossible);
          for (size_t s = 0; s < sum.size(); ++s) {
            if (allowed(limits, k, s))
              sum[s] = problem_.stages[k].price[s] + weight * problem_.stages[k].latency_us[s];
          }
          for (uint32_t e = 0; e < problem_.edges.size(); ++e) {
            const auto& edge = problem_.edges[e];
            if (edge.from != k && edge.to != k) continue;
            const bool into = edge.to == k;
            const StreamField field(problem_, e, weight, limits, into,
                                    only_at(choice.sites[into ? edge.from : edge.to]), steps_);
            for (size_t s = 0; s < sum.size(); ++s)
              sum[s] = std::min(kImpossible, saturating_add(sum[s], field.at_site(s)));
          }
          leave_full(choice, k, sum);
          const auto best = std::min_element(sum.begin(), sum.end());
          if (*best >= kImpossible || *best >= sum[choice.sites[k].index()]) continue;
          choice.sites[k] = SiteId(static_cast<size_t>(best - sum.begin()));
          moved = true;
        }
      }
      bool joined = true;
      for (uint32_t e = 0; e < problem_.edges.size() && joined; ++e) {
        const auto& edge = problem_.edges[e];
        const StreamField field(problem_, e, weight, limits, true, only_at(choice.sites[edge.from]), steps_);
        joined = field.at_site(choice.sites[edge.to].index()) < kImpossible;
        if (joined) choice.paths[e] = field.path(choice.sites[edge.to]).second;
      }
      if (joined && in_time(choice) && !excess(choice)) note(choice);
      if (problem_.latency_us_max == 0) break;
    }
  }

  // Takes out the sites where the other stages leave no room for this one.
  void leave_full(const StreamChoice& choice, uint32_t stage, std::vector<int64_t>& sum) {
    std::map<SiteId, std::vector<uint32_t>> others;
    for (uint32_t k = 0; k < choice.sites.size(); ++k) {
      if (k != stage) others[choice.sites[k]].push_back(k);
    }
    for (auto& [site, stages] : others) {
      if (sum[site.index()] >= kImpossible) continue;
      stages.insert(std::lower_bound(stages.begin(), stages.end(), stage), stage);
      if (!packs(site, stages)) sum[site.index()] = kImpossible;
    }
  }

  std::string why_not() const {
    return problem_.latency_us_max > 0
               ? "no way to place and connect its stages keeps the promised latency and has room"
               : "no way to place and connect its stages has room";
  }

  StreamPlan describe(Nanocredits bound) {
    StreamPlan plan{.price = price_,
                    .bound = bound,
                    .latency_us = slowest_us(*best_),
                    .quality = bound >= price_ && all_exact_ ? Quality::kExact : Quality::kBounded,
                    .steps = limits_.steps - steps_};
    std::map<SiteId, std::vector<uint32_t>> at;
    for (uint32_t k = 0; k < problem_.stages.size(); ++k) {
      const SiteId site = best_->sites[k];
      at[site].push_back(k);
      plan.stages.push_back(
          {site, {}, problem_.stages[k].price[site.index()], problem_.stages[k].latency_us[site.index()]});
    }
    for (const auto& [site, stages] : at) {
      const Packing packing = pack(graph_, site, items(stages), kPackingSteps);
      for (size_t i = 0; i < stages.size(); ++i) plan.stages[stages[i]].nodes = packing.nodes[i];
    }
    for (uint32_t e = 0; e < problem_.edges.size(); ++e) {
      plan.edges.push_back({problem_.edges[e].bps, best_->paths[e], price_of(e, best_->paths[e]),
                            latency_of(e, best_->paths[e])});
    }
    return plan;
  }

  static constexpr int kDescentsMax = 12;
  const Graph& graph_;
  const Workflow& workflow_;
  const StreamProblem problem_;
  const StreamPlanLimits limits_;
  uint64_t steps_;
  const std::vector<uint32_t> order_;
  std::vector<std::vector<uint32_t>> in_;  // edges, by the stage that they feed
  std::vector<StreamTree> trees_;
  std::vector<uint32_t> extra_;  // edges outside the trees
  std::priority_queue<Branch> queue_;
  std::set<StreamLimits> known_;
  std::map<std::pair<SiteId, std::vector<uint32_t>>, bool> packs_;
  uint64_t serial_ = 0;
  size_t solved_ = 0;
  int descents_ = 0;
  bool all_exact_ = true;
  Nanocredits unresolved_bound_ = kImpossible;
  Nanocredits price_ = kImpossible;
  std::optional<StreamChoice> best_;
};

}  // namespace

Result<StreamPlan> plan_stream(const Graph& graph, const Workflow& workflow, const StreamPlanLimits& limits) {
  auto problem = stream_problem(graph, workflow);
  if (!problem) return tl::unexpected(problem.error());
  return StreamSearch(graph, workflow, std::move(*problem), limits).run();
}

}  // namespace weir
