#include <algorithm>

#include "orchestration/queue/engine.h"
#include "orchestration/queue/rooms.h"

namespace weir::queue {
namespace {

constexpr size_t kForeseenMax = 1'000;  // waiting jobs whose start is estimated

Resource short_of(const Amount& need, const Amount& room) {
  if (need.accelerator_milli > std::max<int64_t>(room.accelerator_milli, 0)) return Resource::kAccelerator;
  if (need.cpu_milli > std::max<int64_t>(room.cpu_milli, 0)) return Resource::kCpu;
  return Resource::kMemory;
}

}  // namespace

std::vector<uint64_t> Engine::order(size_t most) const {
  std::vector<uint64_t> ids;
  if (most == 0) return ids;
  in_order({}, std::nullopt, [&](uint32_t slot) {
    ids.push_back(records_[slot].job.id);
    return ids.size() < most;
  });
  return ids;
}

// Everybody in order, each at its earliest, on profiles of what runs as long as is estimated, beside what bounds leave.
void Engine::foresee() const {
  foreseen_.clear();
  foreseen_valid_ = true;
  Engine sketch;
  sketch.now_ = now_;
  for (const Room& each : rooms_) {
    Room& copy = sketch.rooms_.emplace_back(
        Room{each.id, each.total, Profile(each.id.first == 0 ? each.total : Amount{}), each.from, each.to});
    copy.profile.advance(now_);
    if (each.id.first == 0) continue;
    copy.profile.give(each.total, each.from, each.to);
    if (Room* base = sketch.room({0, each.id.second}))
      base->profile.take(each.total, std::max(each.from, now_), each.to);
  }
  std::map<uint32_t, Profile> bounds;  // by their numbers
  std::map<uint32_t, std::vector<Profile*>> bounds_of;
  const auto bounding = [&](uint32_t queue) -> const std::vector<Profile*>& {
    const auto [found, fresh] = bounds_of.try_emplace(queue);
    if (!fresh || !shares_.bounds) return found->second;
    for (const auto& [number, most] : shares_.bounds(queue)) {
      const auto [bound, first] = bounds.try_emplace(number, most);
      if (first) bound->second.advance(now_);
      found->second.push_back(&bound->second);
    }
    return found->second;
  };
  for (const Record& record : records_) {
    if (record.state != State::kRunning && record.state != State::kOffered) continue;
    const TimeUs estimated = record.from + record.job.estimated_us;
    const TimeUs to = estimated > now_ ? estimated : record.to;
    Record copy = record;
    sketch.add(copy, now_, to, -1);
    Amount held;
    for (const Part& part : record.parts) held += record.job.each * part.count;
    for (Profile* bound : bounding(record.job.queue)) bound->take(held, now_, to);
  }
  size_t position = 0;
  uint64_t ahead = 0;
  in_order({}, std::nullopt, [&](uint32_t slot) {
    const Record& record = records_[slot];
    Job job = record.job;
    job.limit_us = job.estimated_us;
    Plan plan{std::max({now_, job.not_before, record.held_until}), {}};
    for (TimeUs allowed = plan.first; plan.first < kNever && (plan.second.empty() || allowed > plan.first);) {
      plan = sketch.earliest(job, allowed);
      allowed = plan.first;
      for (const Profile* bound : bounding(job.queue)) {
        if (allowed < kNever) allowed = bound->earliest(job.least(), allowed, job.limit_us);
      }
      if (allowed == kNever) plan = {kNever, {}};
    }
    Foreseen& foreseen = foreseen_[job.id];
    foreseen.position = position++;
    foreseen.behind = ahead;
    if (plan.first < kNever) {
      foreseen.start = plan.first;
      foreseen.pool = plan.second.front().pool;
      Record placed;
      placed.job = job;
      sketch.take(placed, std::move(plan.second), plan.first, plan.first + job.limit_us);
      for (Profile* bound : bounding(job.queue)) bound->take(job.least(), plan.first, plan.first + job.limit_us);
      ahead = job.id;
    }
    return position < kForeseenMax;
  });
}

Why Engine::explain(uint64_t id) const {
  Why why;
  const Record* record = find(id);
  if (record == nullptr) return why;
  const Job& job = record->job;
  if (record->state != State::kWaiting) {
    why.code = record->state == State::kRunning ? WhyCode::kRunning : WhyCode::kOffered;
    why.pool = record->parts.front().pool;
    why.estimated_start = record->from;
    return why;
  }
  if (!foreseen_valid_ || changed_) foresee();
  if (const auto foreseen = foreseen_.find(id); foreseen != foreseen_.end()) {
    why.position = foreseen->second.position;
    why.estimated_start = foreseen->second.start;
    why.pool = foreseen->second.pool;
  } else {
    why.position = foreseen_.size();
  }
  why.urgent = record->urgent;
  if (record->from != record->to) why.reserved_start = record->from;
  if (options_.backfill == Backfill::kConservative) why.promised_start = why.reserved_start;

  // The room where it comes nearest to starting: where most instances fit.
  const int32_t count = job.count_least();
  const Room* nearest = nullptr;
  int32_t most = -1;
  int64_t instances = 0, instances_now = 0, instances_free = 0;
  bool open = false;
  each_room(job, [&](const Room& each) {
    instances += job.each.times_in(each.total, count);
    const Amount free = each.profile.free_at(now_);
    const int32_t fit = job.each.times_in(free, count);
    instances_free += fit;
    if (each.reserved_for == id || may_pass(job, queues_.at(job.queue).policy, each)) {
      instances_now += job.each.times_in(each.profile.free_least(now_, now_ + job.limit_us), count);
    }
    open |= each.from <= now_;
    if (fit > most) {
      most = fit;
      nearest = &each;
    }
    return true;
  });
  if (nearest == nullptr) {
    why.code = job.reservation != 0 ? WhyCode::kReservation : WhyCode::kTooLarge;
    return why;
  }
  if (why.estimated_start == kNever) why.pool = nearest->id.second;
  why.behind = nearest->reserved_for == id ? 0 : nearest->reserved_for;
  if (job.not_before > now_) {
    why.code = WhyCode::kNotBefore;
  } else if (record->held_until > now_) {
    why.code = WhyCode::kHeld;
    why.held_code = record->held_code;
  } else if (instances < count) {
    why.code = WhyCode::kTooLarge;
    why.resource = short_of(job.least(), nearest->total);
  } else if (job.reservation != 0 && !open) {
    why.code = WhyCode::kReservation;
  } else if (shares_.allows && !shares_.allows(job.queue, {}, job.least())) {
    why.code = WhyCode::kQuota;
  } else if (instances_free < count) {
    why.code = WhyCode::kResource;
    why.resource = short_of(job.least(), nearest->profile.free_at(now_));
  } else if (instances_now < count || nearest->blocked) {
    why.code = WhyCode::kBehind;
  } else {
    why.code = WhyCode::kNext;
  }
  return why;
}

}  // namespace weir::queue
