#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "orchestration/queue/amount.h"
#include "orchestration/queue/policy.h"

namespace weir::queue {

// The waiting jobs of one queue in the order in which they are tried: higher priority, then lower key, then
// submitted earlier, then lower id. Kept in blocks of bounded size, so that a change moves little, and with the least that a job of
// each block asks for, so that a pass steps over those of which nothing fits.
class WaitingList {
 public:
  struct Entry {
    Key key = 0;
    TimeUs submitted = 0;
    uint64_t id = 0;
    int32_t priority = 0;
    uint32_t slot = 0;  // the caller's
    friend bool operator<(const Entry& a, const Entry& b) {
      if (a.priority != b.priority) return a.priority > b.priority;
      if (a.key != b.key) return a.key < b.key;
      if (a.submitted != b.submitted) return a.submitted < b.submitted;
      return a.id < b.id;
    }
  };
  struct Cursor {
    size_t block = 0, index = 0;
  };

  // `due` marks an entry that next_fitting() never steps over. O(sqrt(size)).
  void insert(const Entry& entry, const Amount& whole, bool due);
  // Both must be there.
  void erase(const Entry& entry);
  void set_due(const Entry& entry, bool due);
  void set_all_due();
  // Gives every entry a new key. O(size * log(size)).
  template <class KeyOf>
  void rekey(KeyOf key_of);

  size_t size() const { return size_; }
  // The entry at the cursor, or null at the end.
  const Entry* at(const Cursor& cursor) const {
    return cursor.block < blocks_.size() ? &blocks_[cursor.block].entries[cursor.index] : nullptr;
  }
  void next(Cursor& cursor) const {
    if (++cursor.index < blocks_[cursor.block].entries.size()) return;
    ++cursor.block;
    cursor.index = 0;
  }
  // Moves on to the first entry, that at the cursor included, which is due or asks for no more than `room`.
  void next_fitting(Cursor& cursor, const Amount& room) const;

 private:
  static constexpr size_t kBlockMax = 512;
  struct Asked {
    Amount whole;
    bool due = false;
  };
  struct Block {
    std::vector<Entry> entries;
    std::vector<Asked> asked;
    Amount least;    // no job asks for less
    size_t due = 0;  // how many are
    void summarise();
  };
  size_t block_of(const Entry& entry) const;
  std::pair<Block*, size_t> find(const Entry& entry);
  // Puts in order again what lies in one block after the other.
  void rebuild(std::vector<Entry> entries);

  std::vector<Block> blocks_;  // none empty
  size_t size_ = 0;
};

template <class KeyOf>
void WaitingList::rekey(KeyOf key_of) {
  std::vector<Entry> entries;
  entries.reserve(size_);
  for (const Block& block : blocks_) {
    for (const Entry& entry : block.entries) {
      entries.push_back(entry);
      entries.back().key = key_of(entry);
    }
  }
  rebuild(std::move(entries));
}

}  // namespace weir::queue
