#include <algorithm>

#include "core/event/limits.h"
#include "orchestration/queue/graph_amounts.h"
#include "orchestration/queue/graph_queue.h"

// Queues as the graph has them, and what is whose: the tree of shares that the engine asks.
namespace weir::queue {
namespace {

// A quota of a kind that is 0 is no bound.
Amount bound_of(const Quota& quota) {
  Amount out = amount_of(quota);
  for (int r = 0; r < kResources; ++r) out[r] = out[r] == 0 ? kUnlimited[r] : std::min(out[r], kUnlimited[r]);
  return out;
}

}  // namespace

Policy GraphQueue::policy(const Graph& head, ::weir::QueueId queue) const {
  while (queue.valid() && head.queue(queue).policy.empty()) queue = head.queue(queue).parent;
  if (!queue.valid()) queue = head.find_queue(kDomainQueue);
  if (!queue.valid() || head.queue(queue).policy.empty()) return Policy();
  std::vector<PolicySetting> settings;
  for (const auto& [name, value] : head.queue(queue).settings) settings.push_back({name, value});
  // What a newer version may have written, and this one does not know, is ours.
  return make_policy(head.queue(queue).policy, settings).value_or(Policy());
}

void GraphQueue::define(const Graph& head, ::weir::QueueId id) {
  const ::weir::QueueSpec& spec = head.queue(id);
  node_of_queue_.resize(head.queue_count());
  if (spec.name == kDomainQueue) {
    engine_.set_backfill(spec.backfill);
  } else {
    QueueId& node = node_of_queue_[id.index()];
    if (!node.valid()) {
      node = QueueId(leaves_.size());
      leaves_.push_back({.queue = id});
      if (spec.parent.valid()) leaves_.back().chain = leaves_[node_of_queue_[spec.parent.index()].index()].chain;
      leaves_.back().chain.push_back(node);
      offered_.emplace_back();
    }
    const Amount maximum = bound_of(spec.maximum);
    (void)tree_.define(node, {.parent = spec.parent.valid() ? node_of_queue_[spec.parent.index()] : QueueId{},
                              .weight_milli = spec.weight_milli,
                              .guaranteed = amount_of(spec.guaranteed),
                              .maximum = maximum,
                              .half_life_us = std::min<int64_t>(spec.half_life_us, limits::kRunTimeUsMax)});
  }
  guarantees_ = guarantees_ || spec.guaranteed != Quota{};
  // What is below may have inherited its policy.
  for (uint32_t l = 0; l < leaves_.size(); ++l) {
    Leaf& leaf = leaves_[l];
    const Policy now = policy(head, leaf.queue);
    if (now == leaf.policy) continue;
    leaf.policy = now;
    engine_.set_policy(l, now);
    set_budget(l);
  }
}

uint32_t GraphQueue::leaf(const Graph& head, ::weir::QueueId queue, TenantId tenant) {
  if (queue.valid() && head.queue(queue).name == kDomainQueue) queue = {};
  const auto [known, fresh] = leaf_of_.try_emplace({queue, tenant}, static_cast<uint32_t>(leaves_.size()));
  if (!fresh) return known->second;
  const QueueId id(leaves_.size());
  QueueId parent;
  Leaf made{.queue = queue, .tenant = tenant, .policy = policy(head, queue)};
  if (queue.valid()) {
    parent = node_of_queue_[queue.index()];
    made.chain = leaves_[parent.index()].chain;
  }
  made.chain.push_back(id);
  const ::weir::QueueId of = queue.valid() ? queue : head.find_queue(kDomainQueue);
  QueueSpec spec{.parent = parent};
  if (of.valid()) {
    spec.half_life_us = std::min<int64_t>(head.queue(of).half_life_us, limits::kRunTimeUsMax);
    spec.submissions_per_hour = std::min(head.queue(of).submissions_per_hour_max, 1'000'000);
    spec.burst = std::max(1, spec.submissions_per_hour / 10);
  }
  (void)tree_.define(id, spec);
  engine_.set_policy(known->second, made.policy);
  leaves_.push_back(std::move(made));
  offered_.emplace_back();
  set_budget(known->second);
  return known->second;
}

void GraphQueue::set_budget(uint32_t leaf) {
  const auto per_hour = static_cast<int32_t>(leaves_[leaf].policy[kPreemptionsPerHour]);
  budget_.set(QueueId(leaf), per_hour, std::max(per_hour, 1));
}

// The shares of the first three queues on the way down, 21 bits each: two queues are compared where their ways
// part, as H-DRF does. A queue below its guarantee goes before its siblings.
int64_t GraphQueue::share_key(uint32_t leaf) const {
  constexpr int kBits = 21;
  constexpr int64_t kMost = (int64_t{1} << (kBits - 1)) - 1;
  constexpr int64_t kUnit = 4'000;  // parts per 10^9 of the domain
  const auto& chain = leaves_[leaf].chain;
  int64_t key = 0;
  for (size_t level = 0; level < 3; ++level) {
    key <<= kBits;
    if (level >= chain.size()) continue;
    const QueueId node = chain[level];
    const Standing standing = tree_.standing(node);
    int64_t share = standing.charged_share;
    int64_t more = 0;
    for (int r = 0; r < kResources; ++r) {
      if (tree_.capacity()[r] > 0) {
        more = std::max<int64_t>(more, static_cast<int64_t>(static_cast<__int128>(offered_[node.index()][r]) * 1'000'000'000 /
                                                            tree_.capacity()[r]));
      }
    }
    share = (share + more) * 1000 / tree_.spec(node).weight_milli;
    if (!standing.below_guarantee) key |= int64_t{1} << (kBits - 1);
    key |= std::min(share / kUnit, kMost);
  }
  return key;
}

bool GraphQueue::allows(uint32_t leaf, const Amount& more) const {
  const auto& chain = leaves_[leaf].chain;
  return std::none_of(chain.begin(), chain.end(), [&](QueueId node) {
    return tree_.admits(node, offered_[node.index()] + more).has_value();
  });
}

Status GraphQueue::reserves(const Graph& head, const ReservationSpec& spec, TimeUs now) {
  if (spec.amount == Quota{}) return {};
  constexpr uint64_t kTrial = UINT64_MAX;
  const Status kept = engine_.reserve(kTrial, spec.site.value, amount_of(spec.amount), std::max(spec.from, now), spec.to);
  if (kept) {
    engine_.cancel_reservation(kTrial);
    return {};
  }
  return fail(kept.error().code, "less than that is free at " + head.site_name(spec.site) + " throughout the window",
              "reservation " + spec.name, "choose another window or site, or less");
}

Status GraphQueue::submits(const Graph& head, TenantId tenant, const std::string& queue, TimeUs now) {
  const ::weir::QueueId of = queue.empty() ? ::weir::QueueId{} : head.find_queue(queue);
  if (of.valid() && of.index() >= node_of_queue_.size()) return {};  // it comes with this request
  const auto limited = tree_.submit(QueueId(leaf(head, of, tenant)), now);
  if (!limited) return {};
  return fail(ErrorCode::kExhausted, "more jobs are submitted than its queue takes from one tenant in an hour",
              "tenant " + head.tenant_name(tenant),
              "try again in " + std::to_string((limited->wait_us + 999'999) / 1'000'000) + " s");
}

}  // namespace weir::queue
