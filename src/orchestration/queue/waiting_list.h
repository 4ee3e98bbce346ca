#pragma once

#include <cstdint>
#include <vector>

#include "orchestration/queue/amount.h"
#include "orchestration/queue/policy.h"

namespace weir::queue {

// The waiting jobs of one queue in the order in which they are tried: higher priority, then lower key, then
// lower id. Kept in blocks of bounded size, so that a change moves little, and with the least that a job of
// each block asks for, so that a pass steps over blocks of which nothing fits.
class WaitingList {
 public:
  struct Entry {
    Key key = 0;
    uint64_t id = 0;
    int32_t priority = 0;
    uint32_t slot = 0;  // the caller's
    friend bool operator<(const Entry& a, const Entry& b) {
      if (a.priority != b.priority) return a.priority > b.priority;
      if (a.key != b.key) return a.key < b.key;
      return a.id < b.id;
    }
  };
  struct Cursor {
    size_t block = 0, index = 0;
  };

  // O(sqrt(size)).
  void insert(const Entry& entry, const Amount& each);
  // Must be there.
  void erase(const Entry& entry);
  // Gives every entry a new key. O(size * log(size)).
  template <class KeyOf>
  void rekey(KeyOf key_of);

  size_t size() const { return size_; }
  // The entry at the cursor, or null at the end.
  const Entry* at(const Cursor& cursor) const {
    return cursor.block < blocks_.size() ? &blocks_[cursor.block].entries[cursor.index] : nullptr;
  }
  const Amount& each(const Cursor& cursor) const { return blocks_[cursor.block].each[cursor.index]; }
  void next(Cursor& cursor) const {
    if (++cursor.index < blocks_[cursor.block].entries.size()) return;
    ++cursor.block;
    cursor.index = 0;
  }

 private:
  static constexpr size_t kBlockMax = 512;
  struct Block {
    std::vector<Entry> entries;
    std::vector<Amount> each;  // of one instance
  };
  size_t block_of(const Entry& entry) const;
  void rebuild(std::vector<std::pair<Entry, Amount>> all);

  std::vector<Block> blocks_;  // none empty
  size_t size_ = 0;
};

template <class KeyOf>
void WaitingList::rekey(KeyOf key_of) {
  std::vector<std::pair<Entry, Amount>> all;
  all.reserve(size_);
  for (const Block& block : blocks_) {
    for (size_t i = 0; i < block.entries.size(); ++i) {
      all.emplace_back(block.entries[i], block.each[i]);
      all.back().first.key = key_of(block.entries[i]);
    }
  }
  rebuild(std::move(all));
}

}  // namespace weir::queue
