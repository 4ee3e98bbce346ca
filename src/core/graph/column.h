#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace weir {

// A value that many holders share and that a sole holder may change in place; others get a copy first.
// The count is atomic: holders may live on different threads. A single CowPtr object is not thread-safe.
// (std::shared_ptr::use_count gives no ordering, so "am I alone?" cannot be asked of it safely.)
template <class T>
class CowPtr {
 public:
  CowPtr() = default;  // empty: reading it is an error, mutate() makes a T{}
  explicit CowPtr(T value) : box_(new Box{{1}, std::move(value)}) {}
  CowPtr(const CowPtr& other) : box_(other.box_) {
    if (box_) box_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  CowPtr(CowPtr&& other) noexcept : box_(std::exchange(other.box_, nullptr)) {}
  CowPtr& operator=(CowPtr other) noexcept {
    std::swap(box_, other.box_);
    return *this;
  }
  ~CowPtr() {
    if (box_ && box_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete box_;
  }

  const T& operator*() const { return box_->value; }
  const T* operator->() const { return &box_->value; }

  // O(size of T) when shared, O(1) when not. Nobody else can see the change: nobody else holds the box, and
  // the acquire pairs with the release of the last holder that let go.
  T& mutate() {
    if (!box_) {
      box_ = new Box{};
    } else if (box_->holders.load(std::memory_order_acquire) != 1) {
      *this = CowPtr(T(box_->value));
    }
    return box_->value;
  }

 private:
  struct Box {
    std::atomic<uint32_t> holders{1};
    T value{};
  };
  Box* box_ = nullptr;
};

// A dense, append-only array of rows in chunks, copied in O(1) and changed by copying one chunk (and, once
// per snapshot, the index of chunks in two levels). Copies are independent values.
//
// The naive designs: one std::vector per column makes each commit after a snapshot copy the whole column
// (12 MB for a million nodes); a tree of single rows makes a scan miss the cache on every row. Chunks of
// 256 rows cost a commit one copy of a few KB, and a scan runs over contiguous rows. Where a commit changes
// rows far apart, as the links of a path are, chunks of fewer rows copy less.
template <class Row, size_t kChunkRows = 256>
class Column {
 public:
  static constexpr size_t kFanout = 64;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Requires i < size().
  const Row& operator[](size_t i) const {
    return (*(*(*root_)[i / (kChunkRows * kFanout)])[i / kChunkRows % kFanout])[i % kChunkRows];
  }
  Row& mutate(size_t i) {
    auto& branch = root_.mutate()[i / (kChunkRows * kFanout)].mutate();
    return branch[i / kChunkRows % kFanout].mutate()[i % kChunkRows];
  }

  void push_back(Row row) {
    const size_t i = size_;
    auto& root = root_.mutate();
    if (i / (kChunkRows * kFanout) == root.size()) root.emplace_back();
    auto& branch = root.back().mutate();
    if (i / kChunkRows % kFanout == branch.size()) branch.emplace_back();
    branch.back().mutate()[i % kChunkRows] = std::move(row);
    ++size_;
  }

  // Calls visit(first index, contiguous rows) over [from, to) in order.
  template <class Visit>
  void scan(size_t from, size_t to, Visit&& visit) const {
    while (from < to) {
      const size_t end = std::min(to, (from / kChunkRows + 1) * kChunkRows);
      visit(from, std::span<const Row>(&(*this)[from], end - from));
      from = end;
    }
  }

  size_t bytes() const { return (size_ + kChunkRows - 1) / kChunkRows * sizeof(Chunk); }

 private:
  using Chunk = std::array<Row, kChunkRows>;
  using Branch = std::vector<CowPtr<Chunk>>;
  CowPtr<std::vector<CowPtr<Branch>>> root_;
  size_t size_ = 0;
};

}  // namespace weir
