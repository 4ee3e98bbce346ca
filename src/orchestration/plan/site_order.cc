#include "orchestration/plan/site_order.h"

#include <algorithm>
#include <functional>

namespace weir {
namespace {

constexpr size_t kBlocksUsual = 12;  // up to so many are made without growing

}  // namespace

LeastFirst::LeastFirst(std::vector<Nanocredits> values) : count_(values.size()), room_{std::move(values), {}, {}} {
  for (size_t first = 0; first < count_; first += kBlock) {
    room_.place.push_back(first);
    room_.least.push_back(*std::ranges::min_element(made(room_.least.size())));
  }
  settle();
}

LeastFirst::LeastFirst(size_t count, Room room, Make make)
    : count_(count), room_(std::move(room)), make_(std::move(make)) {
  room_.values.clear();
  room_.place.assign(room_.least.size(), kNotMade);
  settle();
}

std::span<Nanocredits> LeastFirst::made(size_t block) {
  return std::span(room_.values).subspan(room_.place[block], std::min(kBlock, count_ - block * kBlock));
}

void LeastFirst::settle() {
  if (room_.least.empty()) return;
  for (;;) {
    block_ = static_cast<size_t>(std::ranges::min_element(room_.least) - room_.least.begin());
    if (room_.place[block_] != kNotMade || room_.least[block_] == kNever) return;
    room_.place[block_] = room_.values.size();
    if (room_.values.empty()) room_.values.reserve(kBlocksUsual * kBlock);
    room_.values.resize(room_.values.size() + kBlock);
    make_(block_ * kBlock, made(block_));
    room_.least[block_] = *std::ranges::min_element(made(block_));
  }
}

size_t LeastFirst::take() {
  const auto numbers = made(block_);
  const auto taken = std::ranges::find(numbers, room_.least[block_]);
  const auto index = block_ * kBlock + static_cast<size_t>(taken - numbers.begin());
  *taken = kNever;
  room_.least[block_] = *std::ranges::min_element(numbers);
  settle();
  return index;
}

SitesByRouter::SitesByRouter(const RouterBounds& routers, PriceBounds reach, const Network& network, int32_t streams,
                             SiteId home, Room& room)
    : routers_(routers),
      reach_(std::move(reach)),
      network_(network),
      streams_(streams),
      room_(room),
      bounds_(routers.of.size(), block_bounds(),
              [this](size_t first, std::span<Nanocredits> out) { make(first, out); }),
      heap_(std::move(room.heap)),
      taken_(std::move(room.taken)) {
  heap_.assign(1, {routers_.site[home.index()], home});
  taken_.clear();
}

SitesByRouter::~SitesByRouter() { room_ = {bounds_.give_back(), std::move(heap_), std::move(taken_)}; }

LeastFirst::Room SitesByRouter::block_bounds() {
  LeastFirst::Room room = std::move(room_.bounds);
  room.least.resize(routers_.least.size());
  for (size_t block = 0; block < room.least.size(); ++block) {
    room.least[block] = sum(reach_.least(block), routers_.least[block]);
  }
  return room;
}

void SitesByRouter::make(size_t first, std::span<Nanocredits> out) const {
  reach_.of(first, out);
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t core = first + i;
    const bool late = routers_.fastest_us && (*routers_.fastest_us)[core] > routers_.latency_us_max;
    out[i] = late ? kNever : sum(out[i], routers_.of[core]);
  }
}

Nanocredits SitesByRouter::next_bound() {
  for (;;) {
    while (!heap_.empty() && std::find(taken_.begin(), taken_.end(), heap_.front().second) != taken_.end()) {
      std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
      heap_.pop_back();
    }
    const Nanocredits next = heap_.empty() ? kNever : heap_.front().first;
    if (bounds_.next() == kNever || bounds_.next() > next) return next;
    const size_t core = bounds_.take();
    const Nanocredits reach = reach_.of(core);
    for (const auto& [site, access] : network_.met(static_cast<uint32_t>(core))) {
      const Nanocredits last = routers_.access[access];
      if (last >= kUnreachable) continue;
      heap_.emplace_back(routers_.site[site.index()] + streams_ * (reach + last), site);
      std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
    }
  }
}

SiteId SitesByRouter::take() {
  (void)next_bound();
  const SiteId site = heap_.front().second;
  taken_.push_back(site);
  return site;
}

}  // namespace weir
