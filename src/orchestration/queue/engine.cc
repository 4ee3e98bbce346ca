#include "orchestration/queue/engine.h"

#include <algorithm>
#include <string>

#include "orchestration/queue/rooms.h"

namespace weir::queue {

Engine::Record* Engine::find(uint64_t id) {
  const auto slot = slots_.find(id);
  return slot == slots_.end() ? nullptr : &records_[slot->second];
}

const Engine::Record* Engine::find(uint64_t id) const { return const_cast<Engine*>(this)->find(id); }

Engine::Room* Engine::room(const RoomId& id) {
  const auto at = std::lower_bound(rooms_.begin(), rooms_.end(), id,
                                   [](const Room& room, const RoomId& wanted) { return room.id < wanted; });
  return at != rooms_.end() && at->id == id ? &*at : nullptr;
}

const Engine::Room* Engine::room(const RoomId& id) const { return const_cast<Engine*>(this)->room(id); }

const Job* Engine::job(uint64_t id) const {
  const Record* record = find(id);
  return record == nullptr ? nullptr : &record->job;
}

Amount Engine::free(uint32_t pool) const {
  const Room* found = room({0, pool});
  return found == nullptr ? Amount{} : found->profile.free_at(now_);
}

void Engine::set_pool(uint32_t pool, const Amount& total) {
  Room* found = room({0, pool});
  if (found != nullptr && found->total == total) return;
  changed_ = true;
  if (found == nullptr) {
    const RoomId id{0, pool};
    const auto at =
        std::lower_bound(rooms_.begin(), rooms_.end(), id,
                         [](const Room& other, const RoomId& wanted) { return other.id < wanted; });
    rooms_.insert(at, Room{id, total, Profile(total)})->profile.advance(now_);
    return;
  }
  if (!found->total.fits(total)) void_promises();
  found->profile.resize(total - found->total);
  found->total = total;
}

Key Engine::key_of(const Record& record, const Policy& policy) const {
  if (record.late) return kFirstKey + record.job.submitted;
  if (record.urgent) return kFirstKey + latest_start(record.job);
  return policy_key(policy, record.job, now_);
}

// kNever: its policy has no limit.
TimeUs Engine::patience_end(const Record& record) const {
  const Policy& policy = queues_.at(record.job.queue).policy;
  if (policy.kind != PolicyKind::kWeir || policy[kPatience] == 0) return kNever;
  return record.job.submitted + policy[kPatience] * 1'000'000;
}

// Whether it is late, and urgent, now.
void Engine::rank(Record& record) const {
  record.late = patience_end(record) <= now_;
  record.urgent = record.job.deadline != 0 && urgent_from(record.job) <= now_ && now_ <= latest_start(record.job);
}

// When that changes next; kNever: not any more.
TimeUs Engine::rank_end(const Record& record) const {
  TimeUs end = record.late ? kNever : patience_end(record);
  const Job& job = record.job;
  if (job.deadline == 0) return end;
  if (record.urgent) return std::min(end, latest_start(job) + 1);
  return urgent_from(job) > now_ ? std::min(end, urgent_from(job)) : end;
}

void Engine::set_policy(uint32_t queue, const Policy& policy) {
  changed_ = true;
  Queue& changed = queues_[queue];
  const auto watch = [&](bool on) {
    for (WaitingList::Cursor at; const WaitingList::Entry* entry = changed.list.at(at);
         changed.list.next(at)) {
      Record& record = records_[entry->slot];
      if (on) record.rank_end = rank_end(record);
      if (record.rank_end == kNever) continue;
      if (on) {
        ranks_.emplace(record.rank_end, entry->slot);
      } else {
        ranks_.erase({record.rank_end, entry->slot});
      }
    }
  };
  watch(false);
  changed.policy = policy;
  watch(true);
  changed.list.rekey([this, &policy](const WaitingList::Entry& entry) {
    return records_[entry.slot].key = key_of(records_[entry.slot], policy);
  });
}

void Engine::set_backfill(Backfill backfill) {
  if (backfill == Backfill::kInherited) backfill = Backfill::kEasy;
  if (options_.backfill == backfill) return;
  void_promises();
  options_.backfill = backfill;
  // Whoever waits has yet to be promised a start.
  if (backfill != Backfill::kConservative) return;
  for (auto& [id, queue] : queues_) queue.list.set_all_due();
}

bool Engine::may_start(uint64_t id, std::span<const Part> parts) const {
  const Record* record = find(id);
  if (record == nullptr || record->state == State::kRunning) return false;
  for (const Part& part : parts) {
    const Room* at = room({record->job.reservation, part.pool});
    if (at == nullptr || part.count < 1) return false;
    Amount free = at->profile.free_least(now_, now_ + record->job.limit_us);
    if (record->state == State::kOffered) {
      for (const Part& own : record->parts) {
        if (own.pool == part.pool) free += record->job.each * own.count;
      }
    }
    if (!(record->job.each * part.count).fits(free)) return false;
  }
  return true;
}

Amount Engine::free_while_running(uint64_t id, uint32_t pool) const {
  const Record* record = find(id);
  if (record == nullptr || record->state != State::kRunning) return {};
  const Room* at = room({record->job.reservation, pool});
  if (at == nullptr || at->from > now_ || record->to > at->to) return {};
  return at->profile.free_least(now_, std::max(record->to, now_ + 1));
}

bool Engine::may_take_over(uint64_t id, uint32_t pool, int32_t count, const Amount& give, TimeUs given_until) {
  Record* record = find(id);
  const Room* at = record == nullptr || record->state != State::kWaiting ? nullptr : room({record->job.reservation, pool});
  if (at == nullptr) return false;
  const TimeUs from = record->from, to = record->to;
  const std::vector<Part> parts = record->parts;
  if (!parts.empty()) release(*record);  // its own start is not in its way
  const TimeUs end = now_ + record->job.limit_us;
  const TimeUs until = std::clamp(given_until, now_ + 1, end);
  const Amount need = record->job.each * count;
  const bool may = need.fits(at->profile.free_least(now_, until) + give) &&
                   (until == end || need.fits(at->profile.free_least(until, end)));
  if (!parts.empty()) take(*record, parts, from, to);
  return may;
}

TimeUs Engine::expected_end(uint64_t id) const {
  const Record* record = find(id);
  return record == nullptr || record->state != State::kRunning ? kNever : record->to;
}

Amount Engine::reserved(uint32_t pool, TimeUs from, TimeUs to) const {
  Amount sum;
  for (const Room& each : rooms_) {
    if (each.id.first != 0 && each.id.second == pool && each.from < to && each.to > from) sum += each.total;
  }
  return sum;
}

void Engine::set_shares(Shares shares) {
  shares_ = std::move(shares);
  changed_ = true;
}

Status Engine::check(const Job& job) const {
  constexpr int64_t kMost = int64_t{1} << 40;
  const auto bad = [](const char* what) { return fail(ErrorCode::kInvalid, what); };
  if (job.count < 1) return bad("a job has at least one instance");
  if (job.count_min < 0 || job.count_min > job.count) return bad("a job begins with at least one instance, and no more than all");
  if (job.limit_us < 1 || job.limit_us > kNever / 4)
    return bad("the longest run time of a job is above zero");
  if (job.estimated_us < 0) return bad("the estimated run time of a job is not below zero");
  const TimeUs least = std::min({job.submitted, job.deadline, job.not_before});
  const TimeUs most = std::max({job.submitted, job.deadline, job.not_before});
  if (least < 0 || most > kNever / 4) return bad("a time of a job is out of range");
  for (const int64_t amount : {job.each.cpu_milli, job.each.memory_mib, job.each.accelerator_milli}) {
    if (amount < 0 || amount > kMost) return bad("an amount of a job is out of range");
  }
  if (slots_.contains(job.id)) return fail(ErrorCode::kConflict, "the job is queued already");
  return {};
}

Status Engine::check(const Job& job, std::span<const Part> parts) const {
  int64_t count = 0;
  for (const Part& part : parts) {
    if (part.count < 1 || room({job.reservation, part.pool}) == nullptr) {
      return fail(ErrorCode::kInvalid,
                  "part of the job is at pool " + std::to_string(part.pool) + ", which is not known");
    }
    count += part.count;
  }
  if (count < job.count_least() || count > job.count) return fail(ErrorCode::kInvalid, "the parts are not the whole job");
  return {};
}

uint32_t Engine::slot_for(const Job& job) {
  uint32_t slot = static_cast<uint32_t>(records_.size());
  if (free_slots_.empty()) {
    records_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  Record& record = records_[slot];
  record = {};
  record.job = job;
  record.job.estimated_us = std::clamp<TimeUs>(job.estimated_us, 1, job.limit_us);
  slots_.emplace(job.id, slot);
  return slot;
}

void Engine::forget(uint32_t slot) {
  slots_.erase(records_[slot].job.id);
  records_[slot] = {};
  free_slots_.push_back(slot);
}

WaitingList::Entry Engine::entry(uint32_t slot) const {
  const Record& record = records_[slot];
  return {record.key, record.job.submitted, record.job.id, record.job.priority, slot};
}

void Engine::enter(uint32_t slot) {
  Record& record = records_[slot];
  Queue& queue = queues_[record.job.queue];
  record.state = State::kWaiting;
  rank(record);
  record.rank_end = rank_end(record);
  if (record.rank_end < kNever) ranks_.emplace(record.rank_end, slot);
  record.key = key_of(record, queue.policy);
  queue.list.insert(entry(slot), record.job.least(), options_.backfill == Backfill::kConservative);
  const TimeUs until = std::max(record.held_until, record.job.not_before);
  if (until > now_) holds_.emplace(until, slot);
  ++waiting_count_;
  changed_ = true;
}

void Engine::leave(uint32_t slot) {
  Record& record = records_[slot];
  queues_[record.job.queue].list.erase(entry(slot));
  holds_.erase({std::max(record.held_until, record.job.not_before), slot});
  ranks_.erase({record.rank_end, slot});
  --waiting_count_;
  changed_ = true;
}

Status Engine::submit(const Job& job) {
  if (auto status = check(job); !status) return status;
  if (waiting_count_ >= options_.waiting_max) {
    return fail(ErrorCode::kExhausted,
                "the queue is full: " + std::to_string(options_.waiting_max) + " jobs wait");
  }
  if (job.reservation != 0) {
    bool known = false;
    each_room(job, [&known](const Room&) { return !(known = true); });
    if (!known) return fail(ErrorCode::kNotFound, "no reservation " + std::to_string(job.reservation));
  }
  enter(slot_for(job));
  return {};
}

bool Engine::withdraw(uint64_t id) {
  Record* record = find(id);
  if (record == nullptr || record->state == State::kRunning) return false;
  const uint32_t slot = slots_.at(id);
  promises_.erase({record->from, slot});
  release(*record);
  if (record->state == State::kWaiting) leave(slot);
  changed_ = true;
  forget(slot);
  return true;
}

void Engine::run(uint32_t slot, std::span<const Part> parts, TimeUs at) {
  advance(at);
  Record& record = records_[slot];
  record.state = State::kRunning;
  record.job.count = record.job.count_min = 0;
  for (const Part& part : parts) record.job.count += part.count;
  take(record, {parts.begin(), parts.end()}, at, std::max(at + record.job.limit_us, now_ + 1));
  ends_.emplace(record.to, slot);
  break_promises_before_end_of(record);
  changed_ = true;
}

Status Engine::started(uint64_t id, std::span<const Part> parts, TimeUs at) {
  Record* record = find(id);
  if (record == nullptr || record->state == State::kRunning) {
    return fail(ErrorCode::kNotFound, "job " + std::to_string(id) + " does not wait");
  }
  if (auto status = check(record->job, parts); !status) return status;
  const uint32_t slot = slots_.at(id);
  promises_.erase({record->from, slot});
  release(*record);
  if (record->state == State::kWaiting) leave(slot);
  run(slot, parts, at);
  return {};
}

bool Engine::held(uint64_t id, TimeUs until, uint32_t code) {
  Record* record = find(id);
  if (record == nullptr || record->state == State::kRunning) return false;
  const uint32_t slot = slots_.at(id);
  promises_.erase({record->from, slot});
  release(*record);
  if (record->state == State::kWaiting) leave(slot);
  record->held_until = until;
  record->held_code = code;
  enter(slot);
  return true;
}

bool Engine::estimate(uint64_t id, TimeUs estimated_us) {
  Record* record = find(id);
  if (record == nullptr) return false;
  const uint32_t slot = slots_.at(id);
  const bool waits = record->state == State::kWaiting, promised = promises_.contains({record->from, slot});
  if (waits) leave(slot);
  record->job.estimated_us = std::clamp<TimeUs>(estimated_us, 1, record->job.limit_us);
  if (waits) enter(slot);
  if (waits && promised) queues_.at(record->job.queue).list.set_due(entry(slot), false);
  changed_ = true;
  return true;
}

Status Engine::adopt(const Job& job, std::span<const Part> parts, TimeUs at) {
  if (auto status = check(job); !status) return status;
  if (auto status = check(job, parts); !status) return status;
  run(slot_for(job), parts, at);
  return {};
}

bool Engine::ended(uint64_t id, TimeUs at) {
  Record* record = find(id);
  if (record == nullptr || record->state != State::kRunning) return false;
  advance(at);
  const uint32_t slot = slots_.at(id);
  ends_.erase({record->to, slot});
  release(*record);
  forget(slot);
  changed_ = true;
  return true;
}

// What runs past its reservation's end takes from the pool itself.
void Engine::add(const Record& record, TimeUs from, TimeUs to, int sign) {
  for (const Part& part : record.parts) {
    const Amount amount = record.job.each * (sign * int64_t{part.count});
    Room* own = room({record.job.reservation, part.pool});
    if (own == nullptr) continue;
    own->profile.give(amount, from, std::min(to, own->to));
    if (record.job.reservation == 0 || to <= own->to) continue;
    if (Room* pool = room({0, part.pool})) pool->profile.give(amount, std::max(from, own->to), to);
  }
}

void Engine::take(Record& record, std::vector<Part> parts, TimeUs from, TimeUs to) {
  record.parts = std::move(parts);
  record.from = from;
  record.to = to;
  add(record, std::max(from, now_), to, -1);
}

void Engine::release(Record& record) {
  add(record, std::max(record.from, now_), record.to, 1);
  record.parts.clear();
  record.from = record.to = 0;
}

void Engine::promise(uint32_t slot, std::vector<Part> parts, TimeUs from) {
  Record& record = records_[slot];
  take(record, std::move(parts), from, from + record.job.limit_us);
  promises_.emplace(from, slot);
  queues_.at(record.job.queue).list.set_due(entry(slot), false);
}

void Engine::break_promise(uint32_t slot) {
  Record& record = records_[slot];
  if (record.from == record.to) return;
  promises_.erase({record.from, slot});
  release(record);
  queues_.at(record.job.queue).list.set_due(entry(slot), true);
}

// A job begins a little later than it was offered room, and ends as much later: who was promised a start within that time
// is promised another, for where both count the room is taken twice, and nobody could begin beside them.
void Engine::break_promises_before_end_of(const Record& running) {
  for (const Part& part : running.parts) {
    const Room* own = room({running.job.reservation, part.pool});
    if (own == nullptr) continue;
    const auto taken_twice = [own](TimeUs from, TimeUs to) {
      if (from >= to) return false;
      const Amount free = own->profile.free_least(from, to);
      return free != Amount::most(free, {});
    };
    auto promise = promises_.lower_bound({running.to, 0});
    while (promise != promises_.begin() && taken_twice(promises_.begin()->first, running.to)) {
      const Record& promised = records_[(--promise)->second];
      const bool there = promised.job.reservation == running.job.reservation &&
                         std::any_of(promised.parts.begin(), promised.parts.end(),
                                     [&part](const Part& each) { return each.pool == part.pool; });
      if (!there || !taken_twice(promised.from, std::min(promised.to, running.to))) continue;
      const auto [from, slot] = *promise;
      break_promise(slot);
      promise = promises_.lower_bound({from, slot});
    }
  }
}

// Promised and reserved starts of jobs that wait; they are planned anew by the next pass.
void Engine::void_promises() {
  promises_.clear();
  for (auto& [id, queue] : queues_) {
    for (WaitingList::Cursor at; const WaitingList::Entry* entry = queue.list.at(at); queue.list.next(at)) {
      release(records_[entry->slot]);
    }
    if (options_.backfill == Backfill::kConservative) queue.list.set_all_due();
  }
  reserved_.clear();
  changed_ = true;
}

Status Engine::reserve(uint64_t id, uint32_t pool, const Amount& amount, TimeUs from, TimeUs to) {
  if (id == 0 || from < 0 || from >= to || to > kNever / 4 ||
      std::min({amount.cpu_milli, amount.memory_mib, amount.accelerator_milli}) < 0 || amount.none()) {
    return fail(ErrorCode::kInvalid, "a reservation has a number, a span of time and an amount");
  }
  if (to <= now_) return fail(ErrorCode::kInvalid, "the reservation is over before it begins");
  if (room({id, pool}) != nullptr) {
    return fail(ErrorCode::kConflict, "reservation " + std::to_string(id) + " exists");
  }
  Room* base = room({0, pool});
  if (base == nullptr) return fail(ErrorCode::kNotFound, "no pool " + std::to_string(pool));
  if (options_.backfill != Backfill::kConservative) void_promises();
  from = std::max(from, now_);
  if (base->profile.earliest(amount, from, to - from) != from) {
    TimeUs at = from;
    while (amount.fits(base->profile.free_at(at))) at = base->profile.next_change(at);
    return fail(ErrorCode::kInfeasible, "less than that is free at " + std::to_string(at) + " us");
  }
  base->profile.take(amount, from, to);
  Room made{{id, pool}, amount, Profile(Amount{}), from, to};
  made.profile.give(amount, from, to);
  made.profile.advance(now_);
  const auto at = std::lower_bound(rooms_.begin(), rooms_.end(), made.id,
                                   [](const Room& other, const RoomId& wanted) { return other.id < wanted; });
  rooms_.insert(at, std::move(made));
  changed_ = true;
  return {};
}

bool Engine::cancel_reservation(uint64_t id) {
  if (id == 0) return false;
  const auto first =
      std::lower_bound(rooms_.begin(), rooms_.end(), RoomId{id, 0},
                       [](const Room& other, const RoomId& wanted) { return other.id < wanted; });
  auto last = first;
  while (last != rooms_.end() && last->id.first == id) ++last;
  if (first == last) return false;
  std::vector<std::pair<uint32_t, std::vector<Part>>> moved;
  for (uint32_t slot = 0; slot < records_.size(); ++slot) {
    Record& record = records_[slot];
    if (record.state == State::kFree || record.job.reservation != id || record.from == record.to) continue;
    const TimeUs from = record.from, to = record.to;
    std::vector<Part> parts = record.parts;
    if (record.state == State::kWaiting) {
      options_.backfill == Backfill::kConservative ? break_promise(slot) : release(record);
      continue;
    }
    release(record);
    moved.emplace_back(slot, std::move(parts));
    record.from = from;
    record.to = to;
  }
  for (auto at = first; at != last; ++at) {
    if (Room* base = room({0, at->id.second}))
      base->profile.give(at->total, std::max(at->from, now_), at->to);
  }
  rooms_.erase(first, last);
  for (auto& [slot, parts] : moved) {
    Record& record = records_[slot];
    record.job.reservation = 0;
    take(record, std::move(parts), record.from, record.to);
  }
  changed_ = true;
  return true;
}

void Engine::advance(TimeUs now) {
  now_ = std::max(now_, now);
  // Over their limits: as long again as they are over, so that a job that never ends is looked at seldom.
  while (!ends_.empty() && ends_.begin()->first <= now_) {
    const uint32_t slot = ends_.begin()->second;
    ends_.erase(ends_.begin());
    Record& record = records_[slot];
    const TimeUs over = now_ - (record.from + record.job.limit_us);
    const TimeUs to = now_ + std::max(options_.overrun_us, over);
    add(record, now_, to, -1);
    record.to = to;
    ends_.emplace(to, slot);
    changed_ = true;
  }
  for (Room& each : rooms_) each.profile.advance(now_);
  while (!ranks_.empty() && ranks_.begin()->first <= now_) {
    const uint32_t slot = ranks_.begin()->second;
    const bool promised = promises_.contains({records_[slot].from, slot});
    leave(slot);
    enter(slot);
    if (promised) queues_.at(records_[slot].job.queue).list.set_due(entry(slot), false);
  }
  while (!holds_.empty() && holds_.begin()->first <= now_) {
    holds_.erase(holds_.begin());
    changed_ = true;
  }
}

}  // namespace weir::queue
