#include "orchestration/plan/site_order.h"

#include <algorithm>
#include <functional>

namespace weir {
namespace {

constexpr size_t kBlocksUsual = 12;  // up to so many are made without growing

}  // namespace

LeastFirst::LeastFirst(std::vector<Nanocredits> values) : count_(values.size()), values_(std::move(values)) {
  for (size_t first = 0; first < count_; first += kBlock) {
    place_.push_back(first);
    least_.push_back(*std::ranges::min_element(made(least_.size())));
  }
  settle();
}

LeastFirst::LeastFirst(size_t count, std::vector<Nanocredits> least, Make make)
    : count_(count), least_(std::move(least)), place_(least_.size(), kNotMade), make_(std::move(make)) {
  settle();
}

std::span<Nanocredits> LeastFirst::made(size_t block) {
  return std::span(values_).subspan(place_[block], std::min(kBlock, count_ - block * kBlock));
}

void LeastFirst::settle() {
  if (least_.empty()) return;
  for (;;) {
    block_ = static_cast<size_t>(std::ranges::min_element(least_) - least_.begin());
    if (place_[block_] != kNotMade || least_[block_] == kNever) return;
    place_[block_] = values_.size();
    if (values_.empty()) values_.reserve(kBlocksUsual * kBlock);
    values_.resize(values_.size() + kBlock);
    make_(block_ * kBlock, made(block_));
    least_[block_] = *std::ranges::min_element(made(block_));
  }
}

size_t LeastFirst::take() {
  const auto numbers = made(block_);
  const auto taken = std::ranges::find(numbers, least_[block_]);
  const auto index = block_ * kBlock + static_cast<size_t>(taken - numbers.begin());
  *taken = kNever;
  least_[block_] = *std::ranges::min_element(numbers);
  settle();
  return index;
}

SitesByRouter::SitesByRouter(LeastFirst bounds, PriceBounds reach, const std::vector<Nanocredits>& access,
                             const std::vector<Nanocredits>& site, const Network& network, int32_t streams,
                             SiteId home)
    : network_(network),
      access_(access),
      site_(site),
      reach_(std::move(reach)),
      streams_(streams),
      bounds_(std::move(bounds)),
      heap_{{site[home.index()], home}} {}

Nanocredits SitesByRouter::next_bound() {
  for (;;) {
    while (!heap_.empty() && std::find(taken_.begin(), taken_.end(), heap_.front().second) != taken_.end()) {
      std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
      heap_.pop_back();
    }
    const Nanocredits next = heap_.empty() ? kNever : heap_.front().first;
    if (bounds_.next() == kNever || bounds_.next() > next) return next;
    const size_t core = bounds_.take();
    for (const auto& [site, access] : network_.met(static_cast<uint32_t>(core))) {
      if (access_[access] >= kUnreachable) continue;
      heap_.emplace_back(site_[site.index()] + streams_ * (reach_.of(core) + access_[access]), site);
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
