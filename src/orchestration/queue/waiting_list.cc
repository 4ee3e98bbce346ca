#include "orchestration/queue/waiting_list.h"

#include <algorithm>
#include <utility>

namespace weir::queue {

void WaitingList::Block::summarise() {
  least = asked.front().whole;
  due = 0;
  for (const Asked& each : asked) {
    least = Amount::least(least, each.whole);
    due += each.due ? 1 : 0;
  }
}

// The last block whose first entry is not after `entry`; 0 if there is none.
size_t WaitingList::block_of(const Entry& entry) const {
  const auto after = std::upper_bound(
      blocks_.begin(), blocks_.end(), entry,
      [](const Entry& wanted, const Block& block) { return wanted < block.entries.front(); });
  return after == blocks_.begin() ? 0 : static_cast<size_t>(after - blocks_.begin()) - 1;
}

std::pair<WaitingList::Block*, size_t> WaitingList::find(const Entry& entry) {
  Block& block = blocks_[block_of(entry)];
  const auto at = std::lower_bound(block.entries.begin(), block.entries.end(), entry);
  return {&block, static_cast<size_t>(at - block.entries.begin())};
}

void WaitingList::insert(const Entry& entry, const Amount& whole, bool due) {
  ++size_;
  if (blocks_.empty()) {
    blocks_.push_back({{entry}, {{whole, due}}, whole, due ? size_t{1} : 0});
    return;
  }
  const size_t index = block_of(entry);
  Block& block = blocks_[index];
  const auto at = std::lower_bound(block.entries.begin(), block.entries.end(), entry) - block.entries.begin();
  block.entries.insert(block.entries.begin() + at, entry);
  block.asked.insert(block.asked.begin() + at, {whole, due});
  block.least = Amount::least(block.least, whole);
  block.due += due ? 1 : 0;
  if (block.entries.size() <= kBlockMax) return;
  const ptrdiff_t half = static_cast<ptrdiff_t>(kBlockMax / 2);
  Block upper{{block.entries.begin() + half, block.entries.end()},
              {block.asked.begin() + half, block.asked.end()},
              {},
              0};
  block.entries.resize(static_cast<size_t>(half));
  block.asked.resize(static_cast<size_t>(half));
  block.summarise();
  upper.summarise();
  blocks_.insert(blocks_.begin() + static_cast<ptrdiff_t>(index) + 1, std::move(upper));
}

void WaitingList::erase(const Entry& entry) {
  const auto [block, at] = find(entry);
  block->entries.erase(block->entries.begin() + static_cast<ptrdiff_t>(at));
  block->asked.erase(block->asked.begin() + static_cast<ptrdiff_t>(at));
  --size_;
  if (block->entries.empty()) {
    blocks_.erase(blocks_.begin() + (block - blocks_.data()));
  } else {
    block->summarise();
  }
}

void WaitingList::set_due(const Entry& entry, bool due) {
  const auto [block, at] = find(entry);
  if (block->asked[at].due == due) return;
  block->asked[at].due = due;
  due ? ++block->due : --block->due;
}

void WaitingList::set_all_due() {
  for (Block& block : blocks_) {
    for (Asked& each : block.asked) each.due = true;
    block.due = block.asked.size();
  }
}

void WaitingList::next_fitting(Cursor& cursor, const Amount& room) const {
  for (; cursor.block < blocks_.size(); ++cursor.block, cursor.index = 0) {
    const Block& block = blocks_[cursor.block];
    if (block.due == 0 && !block.least.fits(room)) continue;
    for (; cursor.index < block.asked.size(); ++cursor.index) {
      const Asked& asked = block.asked[cursor.index];
      if (asked.due || asked.whole.fits(room)) return;
    }
  }
}

void WaitingList::rebuild(std::vector<Entry> entries) {
  uint32_t slots = 0;
  for (const Entry& entry : entries) slots = std::max(slots, entry.slot + 1);
  std::vector<Asked> asked(slots);
  for (const Block& block : blocks_) {
    for (size_t i = 0; i < block.entries.size(); ++i) asked[block.entries[i].slot] = block.asked[i];
  }
  std::sort(entries.begin(), entries.end());
  blocks_.clear();
  for (size_t from = 0; from < entries.size(); from += kBlockMax / 2) {
    Block& block = blocks_.emplace_back();
    const size_t to = std::min(entries.size(), from + kBlockMax / 2);
    block.entries.assign(entries.begin() + static_cast<ptrdiff_t>(from),
                         entries.begin() + static_cast<ptrdiff_t>(to));
    for (const Entry& entry : block.entries) block.asked.push_back(asked[entry.slot]);
    block.summarise();
  }
}

}  // namespace weir::queue
