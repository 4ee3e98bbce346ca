#include "orchestration/queue/share.h"

#include "core/price/price.h"
#include "orchestration/queue/decay.h"
#include "orchestration/queue/water_fill.h"

namespace weir::queue {
namespace {

constexpr int kRescaleBits = 20;

__int128 per_share(int64_t use, int64_t share) {
  return share == 0 ? 0 : (static_cast<__int128>(use) << kRescaleBits) / share;
}

}  // namespace

QueueTree::QueueTree() {
  rows_.emplace_back();
  rows_[kDomain].spec.guaranteed = kUnlimited;
  rows_[kDomain].limit = {};
}

bool QueueTree::has(QueueId id) const { return id.index() < rows_of_.size() && row(id) != kNoRow; }
const QueueSpec& QueueTree::spec(QueueId id) const { return rows_[row(id)].spec; }

uint32_t QueueTree::leaf(QueueId id) const {
  const uint32_t r = row(id);
  return rows_[r].own != kNoRow ? rows_[r].own : r;
}

std::vector<QueueId> QueueTree::queues() const {
  std::vector<QueueId> ids;
  for (size_t i = 0; i < rows_of_.size(); ++i) {
    if (rows_of_[i] != kNoRow) ids.emplace_back(i);
  }
  return ids;
}

// ---- what each row counts for in its parent ----------------------------------------------------------

void QueueTree::remember(Row& row, TimeUs at) const {
  if (at <= row.memory_at) return;
  if (row.spec.half_life_us > 0) {
    const int64_t elapsed = at - row.memory_at;
    for (int r = 0; r < kResources; ++r) {
      const int64_t now = row.used[r] << kMemoryBits, past = row.memory[r];
      row.memory[r] = past >= now ? now + decayed(past - now, elapsed, row.spec.half_life_us)
                                  : now - decayed(now - past, elapsed, row.spec.half_life_us);
    }
  }
  row.memory_at = at;
}

Amount QueueTree::charge_of(const Row& row) const {
  if (row.spec.half_life_us == 0) return row.used;
  Amount charge;
  for (int r = 0; r < kResources; ++r) {
    charge[r] = ((row.used[r] << kMemoryBits) + row.memory[r]) >> (kMemoryBits + 1);
  }
  return charge;
}

bool QueueTree::below_guarantee(const Row& row) const {
  const Amount &used = row.used, &due = row.spec.guaranteed;
  bool below = false;
  for (int r = 0; r < kResources; ++r) {
    if (used[r] > due[r]) return false;
    below |= used[r] < due[r];
  }
  return below;
}

void QueueTree::unlist(uint32_t index) {
  Row& row = rows_[index];
  if (!row.listed) return;
  row.listed = false;
  Row& parent = rows_[row.parent];
  if (row.wants == 0) {
    parent.idle -= row.charged;
    return;
  }
  parent.turns[static_cast<size_t>(row.tier)].erase(Turn{row.share, row.id, index});
  for (int r = 0; r < kResources; ++r) {
    const auto i = static_cast<size_t>(r);
    parent.rescaled[i] -= per_share(row.charged[r], row.share);
    parent.wanting[i] -= static_cast<int32_t>(row.wants >> r & 1);
  }
}

void QueueTree::list(uint32_t index) {
  Row& row = rows_[index];
  row.listed = true;
  Row& parent = rows_[row.parent];
  if (row.wants == 0) {
    parent.idle += row.charged;
    return;
  }
  parent.turns[static_cast<size_t>(row.tier)].insert(Turn{row.share, row.id, index});
  for (int r = 0; r < kResources; ++r) {
    const auto i = static_cast<size_t>(r);
    parent.rescaled[i] += per_share(row.charged[r], row.share);
    parent.wanting[i] += static_cast<int32_t>(row.wants >> r & 1);
  }
}

void QueueTree::refresh(uint32_t index) {
  unlist(index);
  Row& row = rows_[index];
  row.wants = 0;
  if (row.children.empty()) {
    row.charged = charge_of(row);
    if (row.waiting_jobs > 0 && !row.blocked) {
      for (int r = 0; r < kResources; ++r) {
        if (row.waiting_for[static_cast<size_t>(r)] > 0) row.wants |= 1u << r;
      }
      if (row.wants == 0) row.wants = kAllResources;
    }
  } else {
    int64_t poorest = INT64_MAX;
    for (const auto& turns : row.turns) {
      if (!turns.empty()) poorest = std::min(poorest, turns.begin()->share);
    }
    row.charged = row.idle;
    for (int r = 0; r < kResources; ++r) {
      const auto i = static_cast<size_t>(r);
      if (row.wanting[i] > 0) row.wants |= 1u << r;
      if (poorest != INT64_MAX) {
        row.charged[r] += static_cast<int64_t>(row.rescaled[i] * poorest >> kRescaleBits);
      }
    }
  }
  row.share = weighted(dominant_share(row.charged, capacity_, row.wants == 0 ? kAllResources : row.wants),
                       row.spec.weight_milli);
  row.tier = below_guarantee(row) ? 0 : 1;
  list(index);
}

void QueueTree::refresh_up(uint32_t index) {
  for (; index != kDomain; index = rows_[index].parent) refresh(index);
}

std::vector<uint32_t> QueueTree::parents_first() const {
  std::vector<uint32_t> order{kDomain};
  for (size_t i = 0; i < order.size(); ++i) {
    const auto& children = rows_[order[i]].children;
    order.insert(order.end(), children.begin(), children.end());
  }
  return order;
}

void QueueTree::rebuild() {
  const std::vector<uint32_t> order = parents_first();
  for (const uint32_t index : order) {
    Row& row = rows_[index];
    row.listed = false;
    for (auto& turns : row.turns) turns.clear();
    row.wanting = {};
    row.rescaled = {};
    row.idle = {};
  }
  for (size_t i = order.size(); i-- > 1;) refresh(order[i]);
}

// ---- use ---------------------------------------------------------------------------------------------

void QueueTree::set_capacity(const Amount& capacity) {
  if (capacity == capacity_) return;
  capacity_ = capacity;
  rebuild();
}

std::optional<RateLimited> QueueTree::submit(QueueId id, TimeUs at) {
  RateLimited longest;
  for (uint32_t r = row(id); r != kDomain; r = rows_[r].parent) {
    if (rows_[r].spec.submissions_per_hour == 0) continue;
    const int64_t wait_us = rows_[r].submissions.wait_us(at);
    if (wait_us > longest.wait_us) longest = {rows_[r].id, wait_us};
  }
  if (longest.wait_us > 0) return longest;
  for (uint32_t r = row(id); r != kDomain; r = rows_[r].parent) {
    if (rows_[r].spec.submissions_per_hour > 0) rows_[r].submissions.take(at);
  }
  return std::nullopt;
}

void QueueTree::count_waiting(QueueId id, const Amount& need, int64_t jobs) {
  const uint32_t at = leaf(id);
  for (int r = 0; r < kResources; ++r) rows_[at].waiting_for[static_cast<size_t>(r)] += need[r] > 0 ? jobs : 0;
  for (uint32_t i = at; i != kNoRow; i = rows_[i].parent) {
    rows_[i].waiting += need * jobs;
    rows_[i].waiting_jobs += jobs;
  }
  refresh_up(at);
}

std::optional<Shortage> QueueTree::first_shortage(const Row& row, const Amount& need) const {
  for (int r = 0; r < kResources; ++r) {
    const int64_t wanted = row.used[r] + need[r];
    if (need[r] <= 0 || wanted <= row.limit[r]) continue;
    const auto kind = wanted > row.spec.maximum[r] ? QuotaKind::kMaximum : QuotaKind::kBorrowable;
    const int64_t limit = kind == QuotaKind::kMaximum ? row.spec.maximum[r] : row.limit[r];
    return Shortage{row.id, kind, r, limit, wanted - limit};
  }
  return std::nullopt;
}

std::optional<Shortage> QueueTree::admits(QueueId id, const Amount& need) const {
  for (uint32_t r = row(id); r != kDomain; r = rows_[r].parent) {
    if (auto shortage = first_shortage(rows_[r], need)) return shortage;
  }
  return std::nullopt;
}

void QueueTree::take(QueueId id, const Amount& amount, TimeUs at) {
  const uint32_t from = leaf(id);
  for (uint32_t r = from; r != kNoRow; r = rows_[r].parent) {
    remember(rows_[r], at);
    rows_[r].used += amount;
  }
  refresh_up(from);
}

void QueueTree::give(QueueId id, const Amount& amount, TimeUs at) {
  const uint32_t from = leaf(id);
  for (uint32_t r = from; r != kNoRow; r = rows_[r].parent) {
    remember(rows_[r], at);
    rows_[r].used -= amount;
  }
  refresh_up(from);
}

void QueueTree::advance(TimeUs at) {
  for (const uint32_t r : parents_first()) remember(rows_[r], at);
  rebuild();
}

// ---- turns -------------------------------------------------------------------------------------------

std::optional<QueueId> QueueTree::next() const {
  const Row* row = &rows_[kDomain];
  while (!row->children.empty()) {
    const auto& turns = row->turns[row->turns[0].empty() ? 1 : 0];
    if (turns.empty()) return std::nullopt;
    row = &rows_[turns.begin()->row];
  }
  return row == rows_.data() ? std::nullopt : std::optional(row->id);
}

void QueueTree::block(QueueId id) {
  const uint32_t at = leaf(id);
  if (std::exchange(rows_[at].blocked, true)) return;
  blocked_.push_back(at);
  refresh_up(at);
}

void QueueTree::unblock() {
  for (const uint32_t at : std::exchange(blocked_, {})) {
    rows_[at].blocked = false;
    refresh_up(at);
  }
}

std::vector<QueueId> QueueTree::order() {
  std::vector<QueueId> ids;
  const size_t before = blocked_.size();
  while (const auto id = next()) {
    ids.push_back(*id);
    block(*id);
  }
  while (blocked_.size() > before) {
    const uint32_t at = blocked_.back();
    blocked_.pop_back();
    rows_[at].blocked = false;
    refresh_up(at);
  }
  return ids;
}

int64_t QueueTree::order_key(QueueId id, const Amount& offered) const {
  constexpr int64_t kGuaranteedFirst = int64_t{1} << 40;
  constexpr int64_t kNothingDue = int64_t{1} << 41;
  const Row& row = rows_[leaf(id)];
  const int64_t due = dominant_share(row.entitlement, capacity_);
  const int64_t share = dominant_share(charge_of(row) + offered, capacity_);
  const int64_t key = due == 0 ? kNothingDue : std::min(kNothingDue, share * kPpm / due);
  return (row.used + offered).fits(row.spec.guaranteed) && !row.spec.guaranteed.none()
             ? key - kGuaranteedFirst
             : key;
}

std::pair<QueueTree::Path, QueueTree::Path> QueueTree::paths_to_meeting(QueueId a, QueueId b) const {
  const auto up = [this](QueueId id) {
    Path path;
    for (uint32_t r = leaf(id); r != kNoRow; r = rows_[r].parent) path.push_back(r);
    return path;
  };
  std::pair<Path, Path> paths{up(a), up(b)};
  while (!paths.first.empty() && !paths.second.empty() && paths.first.back() == paths.second.back()) {
    paths.first.pop_back();
    paths.second.pop_back();
  }
  return paths;
}

std::vector<QueueTree::Excess> QueueTree::excess(QueueId victim, QueueId from) const {
  const Path path = paths_to_meeting(victim, from).first;
  std::vector<Excess> out;
  for (size_t i = path.size(); i-- > 0;) {
    out.push_back({path[i], rows_[path[i]].used - rows_[path[i]].spec.guaranteed});
  }
  return out;
}

bool QueueTree::may_reclaim(QueueId from, const Amount& need, QueueId victim) const {
  const Path path = paths_to_meeting(from, victim).first;
  if (path.empty()) return false;
  const Row& head = rows_[path.back()];
  if (!need.fits(head.spec.guaranteed - head.used)) return false;
  for (const Excess& each : excess(victim, from)) {
    bool borrows = false;
    for (int r = 0; r < kResources; ++r) borrows |= need[r] > 0 && each.over[r] > 0;
    if (!borrows) return false;
  }
  return true;
}

// ---- dues and prices ---------------------------------------------------------------------------------

void QueueTree::entitle() {
  const std::vector<uint32_t> order = parents_first();
  std::vector<Amount> demand(rows_.size()), due(rows_.size()), room(rows_.size());
  const auto sum_up = [&](std::vector<Amount>& amounts) {
    for (size_t i = order.size(); i-- > 0;) {
      const Row& row = rows_[order[i]];
      if (row.children.empty()) continue;
      amounts[order[i]] = {};
      for (const uint32_t child : row.children) amounts[order[i]] += amounts[child];
    }
  };
  const auto limit = [this](uint32_t r) { return r == kDomain ? capacity_ : rows_[r].limit; };
  for (const uint32_t r : order) {
    if (rows_[r].children.empty()) demand[r] = Amount::least(rows_[r].used + rows_[r].waiting, limit(r));
  }
  const std::vector<Amount> wanted = demand;
  std::vector<Claim> claims;
  for (int round = 0; round <= kResources; ++round) {
    for (size_t i = order.size(); i-- > 0;) {
      const Row& row = rows_[order[i]];
      if (row.children.empty()) continue;
      Amount sum;
      for (const uint32_t child : row.children) sum += demand[child];
      demand[order[i]] = Amount::least(sum, limit(order[i]));
    }
    due[kDomain] = demand[kDomain];
    for (const uint32_t r : order) {
      const Row& row = rows_[r];
      if (row.children.empty()) continue;
      claims.clear();
      for (const uint32_t child : row.children) {
        const Amount base =
            round == 0 ? Amount::least(demand[child], rows_[child].spec.guaranteed) : due[child];
        claims.push_back({base, Amount::most(base, demand[child]), rows_[child].spec.weight_milli});
      }
      const std::vector<Amount> filled = water_fill(claims, due[r], capacity_);
      for (size_t c = 0; c < filled.size(); ++c) due[row.children[c]] = filled[c];
    }
    sum_up(due);
    // What is left goes to those who want nothing that is used up, at their queue or above.
    bool more = false;
    for (const uint32_t r : order) {
      const Row& row = rows_[r];
      room[r] = limit(r) - due[r];
      if (row.parent != kNoRow) room[r] = Amount::least(room[r], room[row.parent]);
      if (!row.children.empty() || demand[r] == due[r]) continue;
      bool stuck = false;
      for (int i = 0; i < kResources; ++i) {
        stuck |= demand[r][i] > due[r][i] && room[r][i] * kPpm <= capacity_[i];
      }
      if (stuck) demand[r] = due[r];
      more |= !stuck;
    }
    if (!more) break;
  }
  want_ = false;
  for (const uint32_t r : order) {
    rows_[r].entitlement = due[r];
    want_ |= rows_[r].children.empty() && due[r] != wanted[r];
  }
}

int64_t QueueTree::price_multiplier_ppm(QueueId id) const {
  const Row& row = rows_[leaf(id)];
  if (!want_ || row.used.fits(row.spec.guaranteed)) return kPpm;
  const int64_t share = dominant_share(charge_of(row), capacity_);
  const int64_t due = dominant_share(row.entitlement, capacity_);
  if (share <= due) return kPpm;
  if (due == 0) return kMultiplierMaxPpm;
  const __int128 overuse_ppm = static_cast<__int128>(share - due) * kPpm / due;
  constexpr int64_t kDoublings = 6;
  static_assert(kPpm << kDoublings == kMultiplierMaxPpm);
  if (overuse_ppm >= kDoublings * kPpm) return kMultiplierMaxPpm;
  return power_of_two_ppm(static_cast<int64_t>(overuse_ppm));
}

Nanocredits QueueTree::share_price(QueueId id, Nanocredits price) const {
  return charge(price_multiplier_ppm(id) - kPpm, price, kPpm);
}

Standing QueueTree::standing(QueueId id) const {
  const Row& row = rows_[this->row(id)];
  Standing out{.used = row.used,
               .waiting = row.waiting,
               .waiting_jobs = row.waiting_jobs,
               .entitlement = row.entitlement,
               .share = dominant_share(row.used, capacity_),
               .entitlement_share = dominant_share(row.entitlement, capacity_),
               .charged_share = dominant_share(charge_of(row), capacity_),
               .multiplier_ppm = price_multiplier_ppm(id),
               .below_guarantee = below_guarantee(row)};
  for (int r = 0; r < kResources; ++r) out.remembered[r] = row.memory[r] >> kMemoryBits;
  return out;
}

}  // namespace weir::queue
