#include "orchestration/plan/domain_pass.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <map>

#include "core/event/limits.h"

namespace weir {
namespace {

constexpr Nanocredits kPriceMin = 1'000;
constexpr int kSignificantBits = 3;
constexpr int64_t kHourUs = 3'600'000'000;

Nanocredits money(Nanocredits value) { return std::clamp<Nanocredits>(value, 0, limits::kMoneyMax); }

// The first so many places with a price; the pass names them in order.
template <class Price, class Quantise>
std::vector<Price> written(const std::vector<Price>& prices, Quantise&& quantise) {
  std::vector<Price> out;
  for (Price price : prices) {
    if (out.size() < limits::kShadowPricesMax && quantise(price)) out.push_back(price);
  }
  return out;
}

ShadowPricesRevised prices_of(const Graph& graph, const JointPassResult& found) {
  ShadowPricesRevised prices{.basis = graph.version()};
  prices.sites = written(found.sites, [](SiteShadowPrice& price) {
    price.per_core_hour = quantised(price.per_core_hour);
    price.per_gib_hour = quantised(price.per_gib_hour);
    price.per_accelerator_hour = quantised(price.per_accelerator_hour);
    return price.per_core_hour > 0 || price.per_gib_hour > 0 || price.per_accelerator_hour > 0;
  });
  prices.links = written(found.links, [](LinkShadowPrice& price) {
    price.per_gbps_hour = quantised(price.per_gbps_hour);
    return price.per_gbps_hour > 0;
  });
  prices.bound = money(found.bound);
  prices.before = prices.after = money(found.before);
  prices.items = found.items;
  prices.served_before = prices.served_after = found.served_before;
  return prices;
}

void advise_joint_moves(const Graph& graph, const JointPassResult& found, DomainAdvice& advice) {
  Nanocredits saved = 0;
  for (const JointStep& step : worthwhile(found.steps)) {
    saved = saturating_add(saved, step.saves_per_hour);
    const SiteId to = step.plan.placements.front().site;
    advice.moves.push_back(step.plan);
    advice.moves.back().reason = {ReasonCode::kTogether, to, {}, money(step.saves_per_hour), 0};
    advice.prices.served_after += !graph.intent(step.intent).active;
  }
  advice.prices.after = money(found.before - saved);
}

// Utilisation of the fullest link on the flow's way, where what it held until now is `old`.
int64_t worst_ppm(const Graph& graph, const Flow& flow, const Flow& old) {
  int64_t worst = 0;
  for (const LinkId forward : flow.path) {
    const bool new_here = std::ranges::find(old.path, forward) == old.path.end();
    for (const auto& [id, taken_bps] : {std::pair(forward, flow.up_bps), std::pair(opposite(forward), flow.down_bps)}) {
      const int64_t whole_bps = graph.link(id).bandwidth_bps;
      const int64_t used_bps = whole_bps - graph.load(id).free_bps + (new_here ? taken_bps : 0);
      if (whole_bps > 0) worst = std::max(worst, static_cast<int64_t>(static_cast<__int128>(used_bps) * kPpm / whole_bps));
    }
  }
  return worst;
}

std::vector<Plan> reroutes(const Graph& graph, const traffic::RebalanceOptions& options) {
  const traffic::Rebalanced found = traffic::rebalance(graph, options);
  std::map<IntentId, std::vector<traffic::Reroute>> of;
  for (const traffic::Reroute& move : found.moves) of[move.intent].push_back(move);
  std::vector<Plan> moves;
  for (const auto& [intent, reroutes] : of) {
    auto plan = traffic::rerouted(graph, reroutes);
    if (!plan) continue;
    const Flow& old = graph.intent(intent).active->plan.flows[reroutes.front().flow];
    const Flow& now = plan->flows[reroutes.front().flow];
    plan->reason = {ReasonCode::kRerouted, plan->placements[now.placement].site, now.ingress, worst_ppm(graph, old, old),
                    worst_ppm(graph, now, old)};
    moves.push_back(std::move(*plan));
  }
  return moves;
}

Asks highest_asks(const Graph& graph) {
  Asks highest;
  for (size_t s = 0; s < graph.site_count(); ++s) {
    const Asks& asks = graph.site(SiteId(s)).asks;
    highest.per_core_hour = std::max(highest.per_core_hour, asks.per_core_hour);
    highest.per_gib_hour = std::max(highest.per_gib_hour, asks.per_gib_hour);
    highest.per_accelerator_hour = std::max(highest.per_accelerator_hour, asks.per_accelerator_hour);
  }
  return highest;
}

std::vector<Plan> consolidated(const Graph& graph, const PeriodicPassOptions& options) {
  DefragmentPolicy policy = options.defragment;
  policy.worth = highest_asks(graph);
  // A job would begin anew; of a service both instances are held for a while.
  const MoveCost cost = [&](IntentId intent, uint32_t placement) -> std::optional<Nanocredits> {
    const CommittedPlan& active = *graph.intent(intent).active;
    if (active.spec->workload.kind == WorkKind::kJob) return std::nullopt;
    return charge(placement_per_hour(active.plan.placements[placement]), options.restart_us, kHourUs);
  };
  const Defragmentation found = defragment(graph, present_mix(graph), policy, cost);
  std::map<IntentId, std::vector<Move>> of;
  for (const Move& move : found.moves) of[move.intent].push_back(move);
  std::vector<Plan> moves;
  // In the order in which they have to be made.
  for (const Move& move : found.moves) {
    const auto mine = of.find(move.intent);
    if (mine == of.end()) continue;
    if (auto plan = relocated(graph, mine->second)) {
      plan->reason = {ReasonCode::kConsolidated, plan->placements[move.placement].site, {},
                      money(found.usable_after - found.usable_before), 0};
      moves.push_back(std::move(*plan));
    }
    of.erase(mine);
  }
  return moves;
}

}  // namespace

Nanocredits quantised(Nanocredits price) {
  if (price < kPriceMin) return 0;
  const int spare = static_cast<int>(std::bit_width(static_cast<uint64_t>(price))) - kSignificantBits;
  const Nanocredits step = Nanocredits{1} << spare;
  return money((price + step / 2) / step * step);
}

Result<DomainAdvice> PeriodicPass::run(const Graph& snapshot) {
  const auto found = JointPass(solver_).run(snapshot, options_.joint);
  if (!found) return tl::unexpected(found.error());
  DomainAdvice advice{prices_of(snapshot, *found), {}};
  advise_joint_moves(snapshot, *found, advice);
  const Reconsidered anew = reconsider(snapshot, advice.prices, advice.moves, reconsidered_, options_.reconsider, cancelled_);
  const auto moves_anyway = [&anew](const Plan& plan) {
    return std::ranges::any_of(anew.moves, [&plan](const Plan& move) { return move.intent == plan.intent; });
  };
  if (advice.moves.empty() && !cancelled_) advice.moves = reroutes(snapshot, options_.rebalance);
  if (advice.moves.empty() && !cancelled_) advice.moves = consolidated(snapshot, options_);
  std::erase_if(advice.moves, moves_anyway);
  std::ranges::copy(anew.moves, std::back_inserter(advice.moves));
  advice.prices.moves = static_cast<int32_t>(advice.moves.size());
  return advice;
}

}  // namespace weir
