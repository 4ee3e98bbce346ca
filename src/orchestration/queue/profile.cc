#include "orchestration/queue/profile.h"

#include <algorithm>

namespace weir::queue {
namespace {

constexpr size_t kBlockMax = 128;

}  // namespace

void Profile::Block::summarise() {
  least = most = steps.front().free;
  for (const Step& step : steps) {
    least = Amount::least(least, step.free);
    most = Amount::most(most, step.free);
  }
  least += more;
  most += more;
}

Profile::Profile(const Amount& total) : blocks_{{{{0, total}}, {}, total, total}} {}

size_t Profile::size() const {
  size_t steps = 0;
  for (const Block& block : blocks_) steps += block.steps.size();
  return steps;
}

Profile::Place Profile::at(TimeUs time) const {
  const auto block =
      std::upper_bound(blocks_.begin() + 1, blocks_.end(), time,
                       [](TimeUs wanted, const Block& other) { return wanted < other.from(); }) -
      1;
  const auto step = std::upper_bound(block->steps.begin() + 1, block->steps.end(), time,
                                     [](TimeUs wanted, const Step& other) { return wanted < other.from; }) -
                    1;
  return {static_cast<size_t>(block - blocks_.begin()), static_cast<size_t>(step - block->steps.begin())};
}

bool Profile::next(Place& place) const {
  if (++place.step < blocks_[place.block].steps.size()) return true;
  place.step = 0;
  return ++place.block < blocks_.size();
}

Profile::Place Profile::split(TimeUs time) {
  Place place = at(time);
  Block& block = blocks_[place.block];
  if (time <= block.steps[place.step].from) return place;
  const Step copy{time, block.steps[place.step].free};
  ++place.step;
  block.steps.insert(block.steps.begin() + static_cast<ptrdiff_t>(place.step), copy);
  if (block.steps.size() <= kBlockMax) return place;
  const ptrdiff_t half = static_cast<ptrdiff_t>(kBlockMax / 2);
  Block upper{{block.steps.begin() + half, block.steps.end()}, block.more, {}, {}};
  block.steps.resize(static_cast<size_t>(half));
  block.summarise();
  upper.summarise();
  blocks_.insert(blocks_.begin() + static_cast<ptrdiff_t>(place.block) + 1, std::move(upper));
  if (place.step >= static_cast<size_t>(half))
    return {place.block + 1, place.step - static_cast<size_t>(half)};
  return place;
}

void Profile::merge(TimeUs time) {
  const Place place = at(time);
  Block& block = blocks_[place.block];
  if (block.steps[place.step].from != time || (place.block == 0 && place.step == 0)) return;
  const Amount before = place.step > 0
                            ? block.free(place.step - 1)
                            : blocks_[place.block - 1].free(blocks_[place.block - 1].steps.size() - 1);
  if (!(before == block.free(place.step))) return;
  block.steps.erase(block.steps.begin() + static_cast<ptrdiff_t>(place.step));
  if (block.steps.empty()) {
    blocks_.erase(blocks_.begin() + static_cast<ptrdiff_t>(place.block));
  } else {
    block.summarise();
  }
}

void Profile::add(const Amount& amount, TimeUs from, TimeUs to) {
  from = std::max(from, blocks_.front().from());
  to = std::min(to, kNever);
  if (from >= to || amount.none()) return;
  if (to < kNever) split(to);
  const Place first = split(from);
  const Place last = to < kNever ? at(to) : Place{blocks_.size(), 0};
  for (size_t b = first.block; b < blocks_.size() && b <= last.block; ++b) {
    Block& block = blocks_[b];
    const size_t begin = b == first.block ? first.step : 0;
    const size_t end = b == last.block ? last.step : block.steps.size();
    if (begin == 0 && end == block.steps.size()) {
      block.more += amount;
      block.least += amount;
      block.most += amount;
      continue;
    }
    for (size_t i = begin; i < end; ++i) block.steps[i].free += amount;
    if (begin < end) block.summarise();
  }
  if (to < kNever) merge(to);
  merge(from);
}

void Profile::resize(const Amount& difference) {
  for (Block& block : blocks_) {
    block.more += difference;
    block.least += difference;
    block.most += difference;
  }
}

void Profile::advance(TimeUs now) {
  const Place place = at(now);
  blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<ptrdiff_t>(place.block));
  Block& first = blocks_.front();
  if (place.step > 0) {
    first.steps.erase(first.steps.begin(), first.steps.begin() + static_cast<ptrdiff_t>(place.step));
    first.summarise();
  }
  first.steps.front().from = std::max(first.from(), now);
}

Amount Profile::free_at(TimeUs time) const {
  const Place place = at(time);
  return blocks_[place.block].free(place.step);
}

Amount Profile::free_least(TimeUs from, TimeUs to) const {
  Place place = at(from);
  Amount least = blocks_[place.block].free(place.step);
  if (!next(place)) return least;
  while (place.block < blocks_.size()) {
    const Block& block = blocks_[place.block];
    if (block.steps[place.step].from >= to) break;
    if (place.step == 0 && block.steps.back().from < to) {
      least = Amount::least(least, block.least);
      ++place.block;
      continue;
    }
    least = Amount::least(least, block.free(place.step));
    next(place);
  }
  return least;
}

std::vector<std::pair<TimeUs, Amount>> Profile::falling(TimeUs from, size_t most) const {
  std::vector<std::pair<TimeUs, Amount>> falls;
  Place place = at(from);
  Amount least = Amount::most(blocks_[place.block].free(place.step), {});
  while (falls.size() < most && !least.none() && next(place)) {
    const Block& block = blocks_[place.block];
    if (place.step == 0 && least.fits(block.least)) {
      place.step = block.steps.size() - 1;
      continue;
    }
    const Amount lower = Amount::most(Amount::least(least, block.free(place.step)), {});
    if (lower == least) continue;
    falls.emplace_back(block.steps[place.step].from, least);
    least = lower;
  }
  if (falls.size() < most) falls.emplace_back(kNever, least);
  return falls;
}

TimeUs Profile::earliest(const Amount& need, TimeUs from, TimeUs duration_us) const {
  TimeUs start = std::max(from, blocks_.front().from());
  bool fits = true;  // from `start` on, so far
  const auto reached = [&](TimeUs time) { return fits && time >= start + duration_us; };
  Place place = at(start);
  for (; place.block < blocks_.size(); ++place.block, place.step = 0) {
    const Block& block = blocks_[place.block];
    if (place.step == 0) {
      if (reached(block.from())) return start;
      if (need.fits(block.least)) {
        if (!fits) start = block.from();
        fits = true;
        continue;
      }
      if (!need.fits(block.most)) {
        fits = false;
        continue;
      }
    }
    for (; place.step < block.steps.size(); ++place.step) {
      const Step& step = block.steps[place.step];
      if (reached(step.from)) return start;
      const bool now = need.fits(step.free + block.more);
      if (now && !fits) start = step.from;
      fits = now;
    }
  }
  return fits ? start : kNever;
}

TimeUs Profile::next_change(TimeUs time) const {
  Place place = at(time);
  return next(place) ? blocks_[place.block].steps[place.step].from : kNever;
}

}  // namespace weir::queue
