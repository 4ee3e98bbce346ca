#include "orchestration/queue/waiting_list.h"

#include <algorithm>
#include <utility>

namespace weir::queue {

// The last block whose first entry is not after `entry`; 0 if there is none.
size_t WaitingList::block_of(const Entry& entry) const {
  const auto after = std::upper_bound(
      blocks_.begin(), blocks_.end(), entry,
      [](const Entry& wanted, const Block& block) { return wanted < block.entries.front(); });
  return after == blocks_.begin() ? 0 : static_cast<size_t>(after - blocks_.begin()) - 1;
}

void WaitingList::insert(const Entry& entry, const Amount& each) {
  ++size_;
  if (blocks_.empty()) {
    blocks_.push_back({{entry}, {each}});
    return;
  }
  const size_t index = block_of(entry);
  Block& block = blocks_[index];
  const auto at = std::lower_bound(block.entries.begin(), block.entries.end(), entry) - block.entries.begin();
  block.entries.insert(block.entries.begin() + at, entry);
  block.each.insert(block.each.begin() + at, each);
  if (block.entries.size() <= kBlockMax) return;
  const ptrdiff_t half = static_cast<ptrdiff_t>(kBlockMax / 2);
  Block upper{{block.entries.begin() + half, block.entries.end()},
              {block.each.begin() + half, block.each.end()}};
  block.entries.resize(static_cast<size_t>(half));
  block.each.resize(static_cast<size_t>(half));
  blocks_.insert(blocks_.begin() + static_cast<ptrdiff_t>(index) + 1, std::move(upper));
}

void WaitingList::erase(const Entry& entry) {
  const size_t index = block_of(entry);
  Block& block = blocks_[index];
  const auto at = std::lower_bound(block.entries.begin(), block.entries.end(), entry) - block.entries.begin();
  block.entries.erase(block.entries.begin() + at);
  block.each.erase(block.each.begin() + at);
  if (block.entries.empty()) blocks_.erase(blocks_.begin() + static_cast<ptrdiff_t>(index));
  --size_;
}

void WaitingList::rebuild(std::vector<std::pair<Entry, Amount>> all) {
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  blocks_.clear();
  for (size_t from = 0; from < all.size(); from += kBlockMax / 2) {
    Block& block = blocks_.emplace_back();
    const size_t to = std::min(all.size(), from + kBlockMax / 2);
    for (size_t i = from; i < to; ++i) {
      block.entries.push_back(all[i].first);
      block.each.push_back(all[i].second);
    }
  }
}

}  // namespace weir::queue
