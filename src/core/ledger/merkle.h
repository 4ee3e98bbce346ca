#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/ledger/hash.h"
#include "core/result/result.h"

namespace weir {

// What a ledger of `size` records commits to. Two ledgers with equal heads hold equal bytes.
struct TreeHead {
  uint64_t size = 0;
  Hash root = empty_root();
  friend bool operator==(const TreeHead&, const TreeHead&) = default;
};

// Sibling hashes in the order of RFC 6962, sections 2.1.1 and 2.1.2.
using Proof = std::vector<Hash>;

// The Merkle tree of RFC 6962 over an append-only list of records.
//
// Of complete subtrees only those of 2^base_level leaves or more are kept, and the leaf hashes of the last,
// incomplete block: 64 bytes / 2^base_level per record. Whatever lies inside a complete block is computed
// again from its records by `read_leaves`. At level 8 a hundred million records need 25 MB, and a proof reads
// at most two blocks of 256 neighbouring records besides O(log n) kept hashes.
class MerkleTree {
 public:
  // Fills `out` with the leaf hashes of records from, from + 1, ...; called for parts of complete blocks
  // only.
  using ReadLeaves = std::function<Status(uint64_t from, std::span<Hash> out)>;

  static constexpr unsigned kBaseLevelMax = 16;

  // Keeps every hash; needs no reader.
  MerkleTree() : MerkleTree(0, {}) {}
  // Requires base_level <= kBaseLevelMax, and a reader if base_level > 0.
  MerkleTree(unsigned base_level, ReadLeaves read_leaves);

  // O(1) amortised; at most log2(size) node hashes.
  void append(const Hash& leaf);
  // Adds a whole block by the root of its 2^base_level leaves. Requires size() to be a multiple of that.
  void append_block(const Hash& block_root);

  uint64_t size() const { return size_; }
  unsigned base_level() const { return base_level_; }
  uint64_t block_size() const { return uint64_t{1} << base_level_; }
  // Roots of the complete blocks, in order: what append_block needs to rebuild the tree.
  const std::vector<Hash>& block_roots() const { return levels_.front(); }

  // O(log n), no reads.
  TreeHead head() const;

  // All kInvalid outside of their ranges; errors of the reader are passed on.
  Result<Hash> root(uint64_t size) const;                                       // size <= size()
  Result<Proof> prove_inclusion(uint64_t index, uint64_t size) const;           // index < size <= size()
  Result<Proof> prove_consistency(uint64_t old_size, uint64_t new_size) const;  // old <= new <= size()

 private:
  Result<Hash> range_root(uint64_t from, uint64_t to) const;

  unsigned base_level_;
  ReadLeaves read_leaves_;
  uint64_t size_ = 0;
  std::vector<Hash> open_block_;           // leaf hashes after the last complete block
  std::vector<std::vector<Hash>> levels_;  // [k][i]: root of leaves [i << (base+k), (i+1) << (base+k))
};

// Root of a list of leaf hashes.
Hash root_of(std::span<const Hash> leaves);

// ok only if `leaf` is record `index` of the tree with this head; kCorrupt says why not. RFC 9162, 2.1.3.2.
Status verify_inclusion(uint64_t index, const Hash& leaf, const TreeHead& head, std::span<const Hash> proof);
// ok only if the newer tree starts with the older one's records; kCorrupt says why not. RFC 9162, 2.1.4.2.
// Every ledger extends the empty one: then the proof must be empty too.
Status verify_consistency(const TreeHead& older, const TreeHead& newer, std::span<const Hash> proof);

}  // namespace weir
