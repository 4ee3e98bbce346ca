#include "orchestration/plan/site_order.h"

#include <algorithm>
#include <functional>
namespace weir {

LeastFirst::LeastFirst(std::vector<Nanocredits> values) : values_(std::move(values)) {
  least_.resize((values_.size() + kBlock - 1) / kBlock);
  for (size_t block = 0; block < least_.size(); ++block) renew(block);
  block_ = static_cast<size_t>(std::min_element(least_.begin(), least_.end()) - least_.begin());
}

void LeastFirst::renew(size_t block) {
  const size_t end = std::min(values_.size(), (block + 1) * kBlock);
  Nanocredits least = kNever;
  for (size_t i = block * kBlock; i < end; ++i) least = std::min(least, values_[i]);
  least_[block] = least;
}

size_t LeastFirst::take() {
  size_t i = block_ * kBlock;
  while (values_[i] != least_[block_]) ++i;
  values_[i] = kNever;
  renew(block_);
  block_ = static_cast<size_t>(std::min_element(least_.begin(), least_.end()) - least_.begin());
  return i;
}

SitesByRouter::SitesByRouter(std::vector<Nanocredits> bounds, std::vector<Nanocredits> reach,
                             const std::vector<Nanocredits>& access, const std::vector<Nanocredits>& site,
                             PathMemory& memory, int32_t streams, SiteId home)
    : memory_(memory),
      access_(access),
      site_(site),
      reach_(std::move(reach)),
      streams_(streams),
      bounds_(std::move(bounds)),
      heap_{{site[home.index()], home}} {}

SitesByRouter::~SitesByRouter() {
  memory_.give_back(std::move(reach_));
  memory_.give_back(std::move(bounds_).values());
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
    for (const auto& [site, access] : memory_.network().met(static_cast<uint32_t>(core))) {
      if (access_[access] >= kUnreachable) continue;
      heap_.emplace_back(site_[site.index()] + streams_ * (reach_[core] + access_[access]), site);
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
