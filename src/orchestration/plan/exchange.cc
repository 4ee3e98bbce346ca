#include "orchestration/plan/exchange.h"

#include <algorithm>
#include <bit>

#include "core/event/limits.h"
#include "core/graph/promise.h"
#include "core/units/bisect.h"

namespace weir {
namespace {

StreamDemand exchanged(const IntentSpec& spec, int64_t bps) {
  StreamDemand demand = stream_demand(spec);
  demand.up_bps = demand.down_bps = bps;
  return demand;
}

// To find the ways between so many sites, or that there are none.
size_t searches_most(size_t sites) {
  constexpr size_t kHalvingsMax = std::bit_width(static_cast<uint32_t>(limits::kInstancesBetweenMax));
  return sites * (sites - 1) / 2 + kHalvingsMax;
}

}  // namespace

Exchange::Exchange(const Graph& graph, const IntentRow& row, const IntentSpec& spec, const FlowTerm& term,
                   const std::vector<Placement>& kept)
    : graph_(graph), spec_(spec), term_(term),
      search_(graph, exchanged(spec, spec.traffic.between_bps), memory_), spare_search_(graph, exchanged(spec, 0), spare_memory_) {
  for (const Placement& p : kept) {
    ++kept_[p.site];
    if (p.continues.valid()) continuing_[p.site].push_back(p.continues);
  }
  if (!row.active) return;
  for (const Flow& flow : row.active->plan.flows) {
    if (flow.streams != 0) continue;
    const bool works = std::all_of(flow.path.begin(), flow.path.end(), [&graph](LinkId id) { return graph.usable(id); });
    if (!works || site_crossed(graph, flow.path).valid() || !can_be_held(graph, flow.path)) continue;
    earlier_.emplace(std::pair{flow.ingress, row.active->run(flow.placement)}, &flow);
  }
}

const Flow* Exchange::earlier(SiteId from, RunId continues) const {
  const auto known = earlier_.find({from, continues});
  return known == earlier_.end() ? nullptr : known->second;
}

// To those that go on at one site, on one path, which reserve as much for each.
std::vector<const Flow*> Exchange::earlier(SiteId from, SiteId to, int64_t bps) const {
  std::vector<const Flow*> out;
  const auto there = continuing_.find(to);
  if (there == continuing_.end()) return out;
  for (const RunId run : there->second) {
    const Flow* flow = earlier(from, run);
    if (flow != nullptr && flow->up_bps == bps && (out.empty() || flow->path == out[0]->path)) out.push_back(flow);
  }
  return out;
}

std::optional<PathOption> Exchange::cheapest(VertexId from, VertexId to, const PathLimits& limits) {
  ++searches_;
  return search_.cheapest(from, to, limits);
}

std::variant<Exchange::Ways, Reason> Exchange::ways(const Counts& instances) {
  Ways out;
  PathUse use;
  for (auto a = instances.begin(); a != instances.end(); ++a) {
    for (auto b = std::next(a); b != instances.end(); ++b) {
      const int32_t streams = std::min(a->second, b->second);
      const int64_t each_bps = bps_between(spec_.traffic, a->second, b->second);
      const VertexId from = graph_.site(a->first).vertex, to = graph_.site(b->first).vertex;
      PathLimits limits{.streams = streams, .use = &use, .term = term_};
      std::optional<PathOption> path;
      int32_t fresh = b->second;  // that find nothing reserved there
      if (const std::vector<const Flow*> old = earlier(a->first, b->first, each_bps); !old.empty()) {
        PathOption held = priced(graph_, old[0]->path, search_.demand());
        const int32_t newcomers = b->second - static_cast<int32_t>(old.size());
        if (newcomers == 0 || fits(graph_, held, exchanged(spec_, each_bps), {.streams = newcomers, .use = &use, .term = term_})) {
          for (const Flow* flow : old) out.billed += flow->path_per_hour;
          path = std::move(held);
          fresh = newcomers;
        }
      }
      if (!path && search_.fastest_us(from, to) < kUnreachable) path = cheapest(from, to, limits);
      if (!path) {
        const auto has_path = [&](int32_t count) {
          limits.streams = count;
          return cheapest(from, to, limits).has_value();
        };
        const int64_t bps = spec_.traffic.between_bps;
        return Reason{ReasonCode::kBandwidth, b->first, a->first, bps * streams, bps * greatest(0, streams, has_path)};
      }
      use.add(path->links, each_bps * fresh, each_bps * fresh);
      out.price += streams * path->price;
      out.billed += fresh * path_per_hour(graph_, path->links, each_bps, each_bps);
      out.paths[{a->first, b->first}] = std::move(path->links);
    }
  }
  return out;
}

std::variant<Exchange::Gathered, Reason> Exchange::gather(Candidates& candidates, const Whole& whole, const Solution& solution) {
  Counts all = kept_;
  for (const Option& option : solution.instances) ++all[option.site];
  auto first = ways(all);
  searches_max_ = searches_ + kSearchesMax;
  std::optional<Gathered> best;
  const auto within_budget = [&whole](Nanocredits billed) {
    return whole.budget_per_hour_max == 0 || whole.billed_kept + billed <= whole.budget_per_hour_max;
  };
  if (auto* found = std::get_if<Ways>(&first)) {
    Nanocredits billed = found->billed;
    for (const Option& option : solution.instances) billed += option.billed;
    if (within_budget(billed)) {
      best = Gathered{solution, std::move(*found)};
      best->solution.price += best->ways.price;
    }
  }
  if (best && best->ways.price == 0) return std::move(*best);
  const auto count = static_cast<int32_t>(solution.instances.size());
  const std::vector<Option> by_price = [&] {
    const auto& feasible = candidates.rank(Share{1}, kSeeds).feasible;
    return std::vector<Option>(feasible.begin(), feasible.begin() + static_cast<ptrdiff_t>(std::min(kSeeds, feasible.size())));
  }();
  for (size_t seed = 0; seed < by_price.size() && count > 0 && searches_ + by_price.size() <= searches_max_; ++seed) {
    std::optional<Gathered> found = gather_from(candidates, whole, by_price, seed, count);
    if (!found || (best && found->solution.price >= best->solution.price)) continue;
    Nanocredits billed = found->ways.billed;
    for (const Option& option : found->solution.instances) billed += option.billed;
    if (within_budget(billed)) best = std::move(found);
  }
  if (!best) {
    if (const auto* none = std::get_if<Reason>(&first)) return *none;
    Nanocredits billed = std::get<Ways>(first).billed + whole.billed_kept;
    for (const Option& option : solution.instances) billed += option.billed;
    return Reason{.code = ReasonCode::kBudget, .needed = whole.budget_per_hour_max, .available = billed};
  }
  best->solution.bound = solution.bound;
  best->solution.steps = solution.steps;
  best->solution.quality = best->solution.price == solution.bound ? Quality::kExact : Quality::kHeuristic;
  return std::move(*best);
}

// As many as there is room for at the seed, then at those that cost least with the way from it.
std::optional<Exchange::Gathered> Exchange::gather_from(Candidates& candidates, const Whole& whole, const std::vector<Option>& by_price,
                                                        size_t seed, int32_t count) {
  std::vector<std::pair<Nanocredits, const Option*>> order;
  for (size_t i = 0; i < by_price.size(); ++i) {
    const auto way = i == seed ? std::optional(PathOption{})
                               : cheapest(graph_.site(by_price[seed].site).vertex, graph_.site(by_price[i].site).vertex,
                                          {.streams = 1, .term = term_});
    if (way) order.emplace_back(i == seed ? INT64_MIN : by_price[i].price + way->price, &by_price[i]);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const Where& where = whole.where;
  Gathered out;
  Counts all = kept_;
  Spread spread(graph_);
  for (const auto& [site, instances] : kept_) spread.add(site);
  for (const auto& [price, option] : order) {
    const auto left = count - static_cast<int32_t>(out.solution.instances.size());
    if (left == 0) break;
    Spread with = spread;
    with.add(option->site);
    // So many are to be left as sites, regions or failure domains are missing.
    const int32_t missing = std::max({where.sites_min - with.sites(), where.regions_min - with.regions(),
                                      where.failure_domains_min - with.failure_domains(), 0});
    if (left <= missing) continue;
    for (int32_t here = candidates.room(option->site, left - missing); here > 0; here /= 2) {
      Counts more = all;
      more[option->site] += here;
      if (searches_ + searches_most(more.size()) > searches_max_) return std::nullopt;
      auto found = ways(more);
      if (!std::holds_alternative<Ways>(found)) continue;
      all = std::move(more);
      spread = with;
      out.ways = std::get<Ways>(std::move(found));
      out.solution.instances.insert(out.solution.instances.end(), static_cast<size_t>(here), *option);
      out.solution.price += here * option->price;
      break;
    }
  }
  if (out.solution.instances.size() < static_cast<size_t>(count) || spread.lacks(where).code != ReasonCode::kNone) return std::nullopt;
  Availability available = whole.ways_kept;
  for (const Option& option : out.solution.instances) available.add(SiteId{}, option.site, graph_.site(option.site).availability_ppm);
  if (available.worst_ppm(graph_) < whole.availability_ppm_min) return std::nullopt;
  out.solution.price += out.ways.price;
  return out;
}

void Exchange::add_flows(const Ways& ways, Plan& plan) {
  Counts instances;
  for (const Placement& p : plan.placements) ++instances[p.site];
  for (const auto& [ends, path] : ways.paths) {
    const auto [from, to] = ends;
    const int64_t bps = bps_between(spec_.traffic, instances[from], instances[to]);
    const auto spare = spare_search_.cheapest(graph_.site(from).vertex, graph_.site(to).vertex, {.streams = 1, .avoid = &path});
    for (uint32_t k = 0; k < plan.placements.size(); ++k) {
      if (plan.placements[k].site != to) continue;
      Flow flow{.ingress = from, .placement = k, .streams = 0, .up_bps = bps, .down_bps = bps, .path = path};
      const Flow* old = earlier(from, plan.placements[k].continues);
      const bool goes_on = old != nullptr && old->path == path && old->up_bps == bps;
      if (spare) flow.protection = spare->links;
      flow.path_per_hour = goes_on ? old->path_per_hour : path_per_hour(graph_, path, bps, bps);
      flow.latency_us_path = path_round_trip_us(graph_, path);
      flow.latency_us_serialisation = path_serialisation_us(graph_, path, spec_.traffic);
      flow.latency_us_predicted = flow.latency_us_path + flow.latency_us_serialisation;
      plan.flows.push_back(std::move(flow));
    }
  }
}

}  // namespace weir
