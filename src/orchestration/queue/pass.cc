#include <algorithm>
#include <utility>

#include "orchestration/queue/engine.h"
#include "orchestration/queue/look_ahead.h"
#include "orchestration/queue/rooms.h"

namespace weir::queue {
namespace {

using Wide = __int128;

constexpr size_t kImprovedMax = 32;  // promises that one pass tries to make earlier

}  // namespace

// What one pass knows.
struct Engine::Passing {
  Pass result;
  std::map<uint32_t, Amount> offered = {};  // by queue
  std::vector<uint32_t> offered_slots = {};
  std::vector<uint64_t> chosen = {};
  size_t looked_at = 0;
  size_t plans_left = 0;  // EASY: reservations that may still be looked for
  size_t improve_left = 0;
};

void Engine::rekey() {
  for (auto& [id, queue] : queues_) {
    if (!policy_info(queue.policy.kind).ages || queue.keyed_at == now_) continue;
    queue.keyed_at = now_;
    queue.list.rekey([this, &policy = queue.policy](const WaitingList::Entry& entry) {
      return records_[entry.slot].key = key_of(records_[entry.slot], policy);
    });
  }
}

// One pool that holds it whole, the one in which least is left; else spread, from the emptiest on.
std::vector<Part> Engine::place_now(const Job& job) const {
  constexpr int32_t kMany = INT32_MAX;
  const TimeUs end = now_ + job.limit_us;
  const Policy& policy = queues_.at(job.queue).policy;
  const bool short_only = options_.backfill == Backfill::kEasy && policy.kind == PolicyKind::kWeir;
  const int64_t share = short_only ? policy[kPassPermille] : 0;
  std::vector<std::pair<int32_t, uint32_t>> rooms;  // instances that fit, pool
  std::pair<int32_t, uint32_t> best{kMany, 0};
  bool found = false;
  each_room(job, [&](const Room& room) {
    if (room.blocked || job.each.times_in(room.free_now, 1) == 0) return true;
    if (room.reserved_for != 0) {
      if (!options_.spare && end >= room.reserved_at) return true;
      if (short_only && Wide{job.estimated_us} * 1000 > Wide{share} * (room.reserved_at - now_)) return true;
    }
    const int32_t fit = job.each.times_in(room.profile.free_least(now_, end), kMany);
    if (fit >= job.count && (!found || fit < best.first)) {
      best = {fit, room.id.second};
      found = true;
    }
    if (fit > 0) rooms.emplace_back(fit, room.id.second);
    return true;
  });
  if (found) return {{best.second, job.count}};
  std::sort(rooms.begin(), rooms.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::vector<Part> parts;
  int32_t left = job.count;
  for (const auto& [fit, pool] : rooms) {
    parts.push_back({pool, std::min(fit, left)});
    left -= parts.back().count;
    if (left == 0) return parts;
  }
  return {};
}

Engine::Plan Engine::earliest_spread(const Job& job, TimeUs from) const {
  for (TimeUs at = from; at < kNever;) {
    std::vector<Part> parts;
    int32_t left = job.count;
    TimeUs next = kNever;
    each_room(job, [&](const Room& room) {
      next = std::min(next, room.profile.next_change(at));
      const int32_t fit = job.each.times_in(room.profile.free_least(at, at + job.limit_us), left);
      if (fit > 0) parts.push_back({room.id.second, fit});
      left -= fit;
      return left > 0;
    });
    if (left == 0) return {at, std::move(parts)};
    at = next;
  }
  return {kNever, {}};
}

Engine::Plan Engine::earliest(const Job& job, TimeUs from) const {
  const Amount whole = job.whole();
  Plan best{kNever, {}};
  bool fits_one = false;
  each_room(job, [&](const Room& room) {
    if (!whole.fits(room.total)) return true;
    fits_one = true;
    const TimeUs at = room.profile.earliest(whole, from, job.limit_us);
    if (at < best.first) best = {at, {{room.id.second, job.count}}};
    return true;
  });
  return fits_one ? best : earliest_spread(job, from);
}

void Engine::offer(Passing& passing, uint32_t slot, std::vector<Part> parts) {
  Record& record = records_[slot];
  for (const Part& part : parts)
    room({record.job.reservation, part.pool})->free_now -= record.job.each * part.count;
  take(record, std::move(parts), now_, now_ + record.job.limit_us);
  record.state = State::kOffered;
  passing.offered[record.job.queue] += record.job.whole();
  passing.offered_slots.push_back(slot);
  passing.result.starts.push_back({record.job.id, record.parts});
}

// A job that cannot start now: what that means for those behind it.
void Engine::wait(Passing& passing, uint32_t slot) {
  Record& record = records_[slot];
  const Job& job = record.job;
  bool first = false;  // of those that wait for one of its rooms
  each_room(job, [&first](const Room& room) { return !(first = room.reserved_for == 0); });
  switch (options_.backfill) {
    case Backfill::kNone: {
      const Plan plan = earliest(job, now_);
      if (plan.first == kNever) return;
      each_room(job, [this, &job](const Room& seen) {
        Room* mine = room(seen.id);
        mine->blocked = true;
        if (mine->reserved_for == 0) mine->reserved_for = job.id;
        return true;
      });
      passing.chosen.push_back(job.id);
      return;
    }
    case Backfill::kEasy: {
      if (!first || passing.plans_left == 0) return;
      --passing.plans_left;
      Plan plan = earliest(job, now_);
      if (plan.first == kNever) return;
      bool opens = false;
      for (const Part& part : plan.second) opens |= room({job.reservation, part.pool})->reserved_for == 0;
      if (!opens) return;
      for (const Part& part : plan.second) {
        Room* mine = room({job.reservation, part.pool});
        if (mine->reserved_for != 0) continue;
        mine->reserved_for = job.id;
        mine->reserved_at = plan.first;
      }
      passing.chosen.push_back(job.id);
      reserved_.push_back(slot);
      take(record, std::move(plan.second), plan.first, plan.first + job.limit_us);
      return;
    }
    case Backfill::kConservative: {
      if (record.from != record.to) return;
      Plan plan = earliest(job, now_);
      if (plan.first == kNever) return;
      take(record, std::move(plan.second), plan.first, plan.first + job.limit_us);
      return;
    }
  }
}

// Conservative: a promise may become earlier when room was given back.
bool Engine::improve(Passing& passing, Record& record) {
  if (passing.improve_left == 0 || record.from == record.to || record.from <= now_) return false;
  --passing.improve_left;
  const TimeUs from = record.from, to = record.to;
  std::vector<Part> parts = record.parts;
  release(record);
  Plan plan = earliest(record.job, now_);
  if (plan.first < from) {
    take(record, std::move(plan.second), plan.first, plan.first + record.job.limit_us);
    return true;
  }
  take(record, std::move(parts), from, to);
  return false;
}

// False: nothing behind it can start.
bool Engine::consider(Passing& passing, uint32_t slot) {
  Record& record = records_[slot];
  if (record.seen == passes_) return true;
  record.seen = passes_;
  if (++passing.looked_at > options_.depth_max || passing.offered_slots.size() >= options_.starts_max)
    return false;
  const Job& job = record.job;
  if (std::max(record.held_until, job.not_before) > now_) return true;
  if (shares_.allows) {
    const auto so_far = passing.offered.find(job.queue);
    if (!shares_.allows(job.queue, so_far == passing.offered.end() ? Amount{} : so_far->second,
                        job.whole())) {
      release(record);
      return true;
    }
  }
  bool all_blocked = true, all_full = true, room_now = false;
  each_room(job, [&](const Room& room) {
    all_blocked &= room.blocked;
    const bool fits = !room.blocked && job.each.times_in(room.free_now, 1) > 0;
    room_now |= fits;
    all_full &= !fits;
    return true;
  });
  if (room_now) {
    const bool promised = record.from != record.to;
    const TimeUs from = record.from, to = record.to;
    std::vector<Part> parts = record.parts;
    if (promised) release(record);
    std::vector<Part> placed = place_now(job);
    if (!placed.empty()) {
      offer(passing, slot, std::move(placed));
      return true;
    }
    if (promised) take(record, std::move(parts), from, to);
  }
  if (record.from != record.to && record.from <= now_) release(record);  // an overrun is in its way
  if (!improve(passing, record)) wait(passing, slot);
  return true;
}

// The jobs that were to start next and still wait, first; where nobody may pass them, and none is left, the
// next is chosen by looking ahead.
void Engine::keep_to_choice(Passing& passing) {
  bool waits = false;
  for (const uint64_t id : chosen_) {
    const auto slot = slots_.find(id);
    if (slot == slots_.end() || records_[slot->second].state != State::kWaiting) continue;
    consider(passing, slot->second);
    waits |= records_[slot->second].state == State::kWaiting;
  }
  if (options_.backfill != Backfill::kNone) return;
  while (!waits) {
    const auto slot = look_ahead();
    if (!slot || !consider(passing, *slot)) return;
    waits = records_[*slot].state == State::kWaiting;
  }
}

// Among the first jobs of the first job's queue and class; none if its policy does not look ahead.
std::optional<uint32_t> Engine::look_ahead() const {
  std::vector<uint32_t> slots;
  std::vector<Ahead> jobs;
  const Policy* policy = nullptr;
  in_order({}, [&](uint32_t slot) {
    const Record& record = records_[slot];
    const Job& job = record.job;
    if (record.seen == passes_ || std::max(record.held_until, job.not_before) > now_) return true;
    if (policy == nullptr) policy = &queues_.at(job.queue).policy;
    if (policy->kind != PolicyKind::kWeir || (*policy)[kLookAhead] == 0) return false;
    if (!slots.empty()) {
      const Job& first = records_[slots.front()].job;
      if (job.queue != first.queue || job.priority != first.priority ||
          record.late != records_[slots.front()].late)
        return false;
    }
    slots.push_back(slot);
    jobs.push_back({job.whole(), job.submitted, job.estimated_us});
    return jobs.size() < kAheadMax;
  });
  if (slots.empty()) return std::nullopt;
  Amount free;
  for (const Room& each : rooms_) {
    if (each.id.first == 0) free += each.free_now;
  }
  std::vector<Release> releases;
  for (const Record& record : records_) {
    if (record.state != State::kRunning && record.state != State::kOffered) continue;
    const TimeUs estimated = record.from + record.job.estimated_us;
    releases.push_back({estimated > now_ ? estimated : record.to, record.job.whole()});
  }
  return slots[choose_next(free, now_, std::move(releases), jobs,
                           static_cast<size_t>((*policy)[kLookAhead]))];
}

Pass Engine::pass(TimeUs now) {
  advance(now);
  if (!changed_ && now_ < wake_) return {{}, wake_};
  changed_ = false;
  foreseen_valid_ = false;
  ++passes_;
  rekey();
  for (const uint32_t slot : reserved_) {
    if (records_[slot].state == State::kWaiting) release(records_[slot]);
  }
  reserved_.clear();
  std::erase_if(rooms_, [this](const Room& each) { return each.to <= now_; });
  for (Room& each : rooms_) {
    each.free_now = each.profile.free_at(now_);
    each.blocked = false;
    each.reserved_for = 0;
  }
  Passing passing{};
  passing.plans_left = 4 * rooms_.size() + 16;
  passing.improve_left = kImprovedMax;
  if (options_.blocks) {
    for (const uint64_t id : chosen_) {
      const auto slot = slots_.find(id);
      if (slot != slots_.end() && records_[slot->second].state == State::kWaiting)
        consider(passing, slot->second);
    }
  }
  in_order(passing.offered, [this, &passing](uint32_t slot) { return consider(passing, slot); });
  for (const uint32_t slot : passing.offered_slots) leave(slot);
  chosen_ = std::move(passing.chosen);
  changed_ = false;

  wake_ = kNever;
  if (!patience_.empty()) wake_ = patience_.begin()->first;
  if (!holds_.empty()) wake_ = std::min(wake_, holds_.begin()->first);
  if (!ends_.empty()) wake_ = std::min(wake_, ends_.begin()->first);
  for (const Room& each : rooms_) wake_ = std::min(wake_, each.profile.next_change(now_));
  passing.result.wake = wake_;
  return std::move(passing.result);
}

}  // namespace weir::queue
