#include <algorithm>
#include <utility>

#include "core/units/bisect.h"
#include "orchestration/queue/engine.h"
#include "orchestration/queue/look_ahead.h"
#include "orchestration/queue/rooms.h"

namespace weir::queue {
namespace {

using Wide = __int128;

constexpr size_t kFallsMax = 64;
constexpr size_t kImprovedMax = 16;  // promises that one pass tries to make earlier

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
  bool improved = false;            // what could not start before may now
  std::optional<Amount> room = {};  // no job that asks for more can start
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

// What is free from now to `end`, or more: what the pass promised since may be missing.
Amount Engine::free_until(Room& room, TimeUs end) const {
  if (room.free_until.empty()) room.free_until = room.profile.falling(now_, kFallsMax);
  const auto at = std::lower_bound(room.free_until.begin(), room.free_until.end(), end,
                                   [](const auto& fall, TimeUs wanted) { return fall.first < wanted; });
  return at == room.free_until.end() ? room.free_until.back().second : at->second;
}

// Whether it may take from the room although another waits for that.
bool Engine::may_pass(const Job& job, const Policy& policy, const Room& room) const {
  if (room.blocked) return false;
  if (room.reserved_for == 0) return true;
  if (!options_.spare && now_ + job.limit_us >= room.reserved_at) return false;
  return policy.kind != PolicyKind::kWeir ||
         Wide{job.estimated_us} * 1000 <= Wide{policy[kPassPermille]} * (room.reserved_at - now_);
}

// The most instances that the queue's quotas allow beside what was offered; 0: fewer than the job may begin with.
int32_t Engine::count_allowed(const Job& job, const Amount& offered) const {
  if (!shares_.allows || shares_.allows(job.queue, offered, job.whole())) return job.count;
  if (job.count_least() == job.count || !shares_.allows(job.queue, offered, job.least())) return 0;
  return greatest(job.count_least(), job.count,
                  [&](int32_t count) { return shares_.allows(job.queue, offered, job.each * count); });
}

// Of up to `most` instances as many as fit now, and no fewer than it may begin with: in one pool that holds them, the one in which
// least is left; else spread, from the emptiest on.
std::vector<Part> Engine::place_now(const Job& job, int32_t most, const Policy& policy) const {
  constexpr int32_t kMany = INT32_MAX;
  const TimeUs end = now_ + job.limit_us;
  std::vector<std::pair<int32_t, uint32_t>> rooms;  // instances that fit, pool
  int64_t all = 0;
  each_room(job, [&](const Room& room) {
    if (job.each.times_in(room.free_now, 1) == 0 || !may_pass(job, policy, room)) return true;
    const int32_t fit = job.each.times_in(room.profile.free_least(now_, end), kMany);
    all += fit;
    if (fit > 0) rooms.emplace_back(fit, room.id.second);
    return true;
  });
  const auto count = static_cast<int32_t>(std::min<int64_t>(most, all));
  if (count < job.count_least()) return {};
  std::pair<int32_t, uint32_t> best{kMany, 0};
  bool found = false;
  for (const auto& [fit, pool] : rooms) {
    if (fit < count || (found && fit >= best.first)) continue;
    best = {fit, pool};
    found = true;
  }
  if (found) return {{best.second, count}};
  std::sort(rooms.begin(), rooms.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::vector<Part> parts;
  int32_t left = count;
  for (const auto& [fit, pool] : rooms) {
    parts.push_back({pool, std::min(fit, left)});
    left -= parts.back().count;
    if (left == 0) break;
  }
  return parts;
}

Engine::Plan Engine::earliest_spread(const Job& job, TimeUs from) const {
  for (TimeUs at = from; at < kNever;) {
    std::vector<Part> parts;
    int32_t left = job.count_least();
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
  const Amount whole = job.least();
  Plan best{kNever, {}};
  bool fits_one = false;
  each_room(job, [&](const Room& room) {
    if (!whole.fits(room.total)) return true;
    fits_one = true;
    const TimeUs at = room.profile.earliest(whole, from, job.limit_us);
    if (at < best.first) best = {at, {{room.id.second, job.count_least()}}};
    return true;
  });
  return fits_one ? best : earliest_spread(job, from);
}

void Engine::offer(Passing& passing, uint32_t slot, std::vector<Part> parts) {
  Record& record = records_[slot];
  Amount whole;
  for (const Part& part : parts) {
    const Amount amount = record.job.each * part.count;
    room({record.job.reservation, part.pool})->free_now -= amount;
    whole += amount;
  }
  take(record, std::move(parts), now_, now_ + record.job.limit_us);
  record.state = State::kOffered;
  if (passing.room) *passing.room -= whole;
  passing.offered[record.job.queue] += whole;
  if (shares_.offered) shares_.offered(record.job.queue, whole);
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
    case Backfill::kInherited:
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
      if (plan.first < kNever) promise(slot, std::move(plan.second), plan.first);
      return;
    }
  }
}

// Conservative: a promise may become earlier when room was given back.
bool Engine::improve(Passing& passing, uint32_t slot) {
  Record& record = records_[slot];
  if (passing.improve_left == 0 || record.from == record.to) return false;
  --passing.improve_left;
  const TimeUs from = record.from;
  std::vector<Part> parts = record.parts;
  break_promise(slot);
  Plan plan = earliest(record.job, now_);
  const bool earlier = plan.first < from;
  passing.improved |= earlier;
  promise(slot, earlier ? std::move(plan.second) : std::move(parts), earlier ? plan.first : from);
  return earlier;
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
  const auto so_far = passing.offered.find(job.queue);
  const int32_t most = count_allowed(job, so_far == passing.offered.end() ? Amount{} : so_far->second);
  if (most == 0) {
    if (options_.backfill == Backfill::kConservative) break_promise(slot);
    return true;
  }
  const Policy& policy = queues_.at(job.queue).policy;
  bool blocked = true;
  int32_t left = job.count_least();  // instances for which there is no room now, whatever comes after
  const TimeUs end = std::min(now_ + job.limit_us, record.parts.empty() ? kNever : record.from);
  each_room(job, [&](const Room& seen) {
    blocked &= seen.blocked;
    if (left > 0 && may_pass(job, policy, seen))
      left -= job.each.times_in(free_until(*room(seen.id), end), left);
    return true;
  });
  if (blocked)
    return !std::all_of(rooms_.begin(), rooms_.end(), [](const Room& room) { return room.blocked; });
  if (left == 0) {
    const TimeUs promised = record.from;
    std::vector<Part> parts = record.parts;
    if (!parts.empty()) break_promise(slot);
    std::vector<Part> placed = place_now(job, most, policy);
    if (!placed.empty()) {
      offer(passing, slot, std::move(placed));
      return true;
    }
    if (!parts.empty()) promise(slot, std::move(parts), promised);
  }
  if (!improve(passing, slot)) wait(passing, slot);
  note_room(passing);
  return true;
}

// From here on nothing more is promised or reserved: only what fits now is looked at.
void Engine::note_room(Passing& passing) const {
  if (passing.room) return;
  if (options_.backfill == Backfill::kNone) return;
  if (options_.backfill == Backfill::kConservative && passing.improve_left > 0) return;
  if (options_.backfill == Backfill::kEasy && passing.plans_left > 0) {
    for (const Room& room : rooms_) {
      if (room.reserved_for == 0) return;
    }
  }
  passing.room.emplace();
  for (const Room& room : rooms_) *passing.room += Amount::most(room.free_now, {});
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
  in_order({}, std::nullopt, [&](uint32_t slot) {
    const Record& record = records_[slot];
    const Job& job = record.job;
    if (record.seen == passes_ || std::max(record.held_until, job.not_before) > now_) return true;
    if (policy == nullptr) policy = &queues_.at(job.queue).policy;
    if (policy->kind != PolicyKind::kWeir || (*policy)[kLookAhead] == 0) return false;
    if (!slots.empty()) {
      const Record& first = records_[slots.front()];
      if (job.queue != first.job.queue || job.priority != first.job.priority || record.late != first.late ||
          record.urgent || first.urgent)
        return false;
    }
    slots.push_back(slot);
    jobs.push_back({job.least(), job.submitted, job.estimated_us});
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
    Amount held;
    for (const Part& part : record.parts) held += record.job.each * part.count;
    releases.push_back({estimated > now_ ? estimated : record.to, held});
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
    each.free_until.clear();
    each.blocked = false;
    each.reserved_for = 0;
  }
  Passing passing{};
  passing.plans_left = 4 * rooms_.size() + 16;
  passing.improve_left = kImprovedMax;
  // What was promised for now goes before the order: its room is its own.
  while (!promises_.empty() && promises_.begin()->first <= now_) {
    const uint32_t slot = promises_.begin()->second;
    const std::vector<Part> parts = records_[slot].parts;
    break_promise(slot);
    for (const Part& part : parts) {
      Room* given = room({records_[slot].job.reservation, part.pool});
      given->free_now = given->profile.free_at(now_);
      given->free_until.clear();
    }
    consider(passing, slot);
  }
  if (options_.blocks) keep_to_choice(passing);
  std::vector<uint32_t> later;  // passing_fcfs
  in_order(passing.offered, passing.room, [&](uint32_t slot) {
    bool behind = options_.passing_fcfs;
    if (behind)
      each_room(records_[slot].job, [&behind](const Room& room) { return behind = room.reserved_for != 0; });
    if (!behind) return consider(passing, slot);
    later.push_back(slot);
    return later.size() < options_.depth_max;
  });
  std::sort(later.begin(), later.end(), [this](uint32_t a, uint32_t b) {
    const Job &x = records_[a].job, &y = records_[b].job;
    return x.submitted != y.submitted ? x.submitted < y.submitted : x.id < y.id;
  });
  for (const uint32_t slot : later) {
    if (!consider(passing, slot)) break;
  }
  for (const uint32_t slot : passing.offered_slots) leave(slot);
  chosen_ = std::move(passing.chosen);
  changed_ = passing.improved;

  wake_ = passing.improved ? now_ : kNever;
  if (!ranks_.empty()) wake_ = std::min(wake_, ranks_.begin()->first);
  if (!holds_.empty()) wake_ = std::min(wake_, holds_.begin()->first);
  if (!ends_.empty()) wake_ = std::min(wake_, ends_.begin()->first);
  for (const Room& each : rooms_) wake_ = std::min(wake_, each.profile.next_change(now_));
  passing.result.wake = wake_;
  return std::move(passing.result);
}

}  // namespace weir::queue
