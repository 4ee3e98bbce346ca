#include "core/ledger/merkle.h"

#include <bit>
#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace weir {
namespace {

// The largest power of two below n: where RFC 6962 splits a list of n >= 2 leaves.
uint64_t split_point(uint64_t n) { return std::bit_floor(n - 1); }

tl::unexpected<Error> mismatch(std::string what) { return fail(ErrorCode::kCorrupt, std::move(what)); }

}  // namespace

Hash root_of(std::span<const Hash> leaves) {
  if (leaves.empty()) return empty_root();
  if (leaves.size() == 1) return leaves.front();
  size_t left = split_point(leaves.size());
  return node_hash(root_of(leaves.first(left)), root_of(leaves.subspan(left)));
}

MerkleTree::MerkleTree(unsigned base_level, ReadLeaves read_leaves)
    : base_level_(base_level), read_leaves_(std::move(read_leaves)), levels_(1) {
  assert(base_level <= kBaseLevelMax);
  assert(base_level == 0 || read_leaves_);
}

void MerkleTree::append(const Hash& leaf) {
  if (base_level_ == 0) {
    append_block(leaf);
    return;
  }
  open_block_.push_back(leaf);
  ++size_;
  if (open_block_.size() < block_size()) return;
  size_ -= block_size();
  Hash block = root_of(open_block_);
  open_block_.clear();
  append_block(block);
}

void MerkleTree::append_block(const Hash& block_root) {
  assert(open_block_.empty());
  size_ += block_size();
  Hash hash = block_root;
  for (size_t level = 0;; ++level) {
    if (level == levels_.size()) levels_.emplace_back();
    levels_[level].push_back(hash);
    size_t count = levels_[level].size();
    if (count % 2 != 0) return;
    hash = node_hash(levels_[level][count - 2], hash);
  }
}

TreeHead MerkleTree::head() const {
  if (size_ == 0) return {};
  // The complete subtrees from right to left: each is joined as the left sibling of all that follows it.
  std::optional<Hash> root;
  if (!open_block_.empty()) root = root_of(open_block_);
  for (const std::vector<Hash>& level : levels_) {
    if (level.size() % 2 == 0) continue;
    root = root ? node_hash(level.back(), *root) : level.back();
  }
  return {size_, *root};
}

// Requires from < to <= size_, and `from` to be a multiple of the smallest power of two >= to - from, as all
// ranges of RFC 6962 are.
Result<Hash> MerkleTree::range_root(uint64_t from, uint64_t to) const {
  uint64_t count = to - from;
  if (std::has_single_bit(count) && count >= block_size()) {
    unsigned level = static_cast<unsigned>(std::countr_zero(count)) - base_level_;
    return levels_[level][from / count];
  }
  if (count < block_size()) {
    uint64_t open_from = size_ - open_block_.size();
    if (from >= open_from) return root_of(std::span(open_block_).subspan(from - open_from, count));
    std::vector<Hash> leaves(count);
    Status read = read_leaves_(from, leaves);
    if (!read) return tl::unexpected(read.error());
    return root_of(leaves);
  }
  uint64_t middle = from + split_point(count);
  Result<Hash> left = range_root(from, middle);
  if (!left) return left;
  Result<Hash> right = range_root(middle, to);
  if (!right) return right;
  return node_hash(*left, *right);
}

Result<Hash> MerkleTree::root(uint64_t size) const {
  if (size > size_) {
    return fail(ErrorCode::kInvalid,
                "the ledger has " + std::to_string(size_) + " records, not " + std::to_string(size));
  }
  if (size == 0) return empty_root();
  return range_root(0, size);
}

Result<Proof> MerkleTree::prove_inclusion(uint64_t index, uint64_t size) const {
  if (size > size_ || index >= size) {
    return fail(ErrorCode::kInvalid, "no record " + std::to_string(index) + " in a tree of " +
                                         std::to_string(size) + "; the ledger has " + std::to_string(size_) +
                                         " records");
  }
  Proof proof;
  uint64_t from = 0, to = size;
  while (to - from > 1) {
    uint64_t middle = from + split_point(to - from);
    bool in_left = index < middle;
    Result<Hash> sibling = in_left ? range_root(middle, to) : range_root(from, middle);
    if (!sibling) return tl::unexpected(sibling.error());
    proof.push_back(*sibling);
    (in_left ? to : from) = middle;
  }
  return Proof(proof.rbegin(), proof.rend());
}

Result<Proof> MerkleTree::prove_consistency(uint64_t old_size, uint64_t new_size) const {
  if (new_size > size_ || old_size > new_size) {
    return fail(ErrorCode::kInvalid, "no proof from size " + std::to_string(old_size) + " to " +
                                         std::to_string(new_size) + "; the ledger has " +
                                         std::to_string(size_) + " records");
  }
  Proof proof;
  if (old_size == 0 || old_size == new_size) return proof;
  uint64_t from = 0, to = new_size;
  while (to != old_size) {
    uint64_t middle = from + split_point(to - from);
    bool in_left = old_size <= middle;
    Result<Hash> sibling = in_left ? range_root(middle, to) : range_root(from, middle);
    if (!sibling) return tl::unexpected(sibling.error());
    proof.push_back(*sibling);
    (in_left ? to : from) = middle;
  }
  // The verifier knows the old root: the old tree as a whole needs no hash of its own.
  if (from != 0) {
    Result<Hash> last = range_root(from, to);
    if (!last) return tl::unexpected(last.error());
    proof.push_back(*last);
  }
  return Proof(proof.rbegin(), proof.rend());
}

Status verify_inclusion(uint64_t index, const Hash& leaf, const TreeHead& head, std::span<const Hash> proof) {
  if (index >= head.size) {
    return mismatch("no record " + std::to_string(index) + " in a tree of " + std::to_string(head.size));
  }
  uint64_t node = index, last = head.size - 1;
  Hash hash = leaf;
  for (const Hash& sibling : proof) {
    if (last == 0) return mismatch("the proof is too long");
    if (node % 2 == 1 || node == last) {
      hash = node_hash(sibling, hash);
      while (node % 2 == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = node_hash(hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  if (last != 0) return mismatch("the proof is too short");
  if (hash != head.root) return mismatch("the proof leads to another root than the head's");
  return {};
}

Status verify_consistency(const TreeHead& older, const TreeHead& newer, std::span<const Hash> proof) {
  if (older.size > newer.size) return mismatch("the older tree is larger than the newer one");
  if (older.size == newer.size) {
    if (!proof.empty()) return mismatch("the proof is too long");
    if (older.root != newer.root) return mismatch("two different roots for the same size");
    return {};
  }
  if (older.size == 0) {
    if (!proof.empty()) return mismatch("the proof is too long");
    if (older.root != empty_root()) return mismatch("the root of the empty tree is wrong");
    return {};
  }
  // An older tree that is one complete subtree is itself the first hash of the path.
  size_t next = 0;
  Hash first = older.root;
  if (!std::has_single_bit(older.size)) {
    if (proof.empty()) return mismatch("the proof is too short");
    first = proof[next++];
  }
  uint64_t node = older.size - 1, last = newer.size - 1;
  while (node % 2 == 1) {
    node >>= 1;
    last >>= 1;
  }
  Hash old_root = first, new_root = first;
  for (; next < proof.size(); ++next) {
    const Hash& sibling = proof[next];
    if (last == 0) return mismatch("the proof is too long");
    if (node % 2 == 1 || node == last) {
      old_root = node_hash(sibling, old_root);
      new_root = node_hash(sibling, new_root);
      while (node % 2 == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      new_root = node_hash(new_root, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  if (last != 0) return mismatch("the proof is too short");
  if (old_root != older.root) return mismatch("the proof leads to another root than the older head's");
  if (new_root != newer.root) return mismatch("the proof leads to another root than the newer head's");
  return {};
}

}  // namespace weir
