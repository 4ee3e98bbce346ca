#include "core/ledger/merkle.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace weir {
namespace {

// Leaves, roots and proofs of the certificate-transparency reference tests (transparency-dev/merkle,
// testonly), which follow RFC 6962.
const std::vector<std::string> kLeaves = {
    "", std::string("\x00", 1), "\x10", "\x20\x21", "\x30\x31", "@ABC", "PQRSTUVW", "`abcdefghijklmno"};
const std::vector<std::string> kRoots = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                         "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                         "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                         "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                         "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                         "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                         "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
const std::string k96a2 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const std::string k5f08 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const std::string k6b47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const std::string kbc1a = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const std::string kca85 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const std::string k0ebc = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";

Hash leaf_of(const std::string& record) { return leaf_hash(std::as_bytes(std::span(record))); }

std::vector<std::string> hex_of(const Proof& proof) {
  std::vector<std::string> out;
  for (const Hash& hash : proof) out.push_back(to_hex(hash));
  return out;
}

// A tree together with all its leaf hashes, read back as a store would be.
struct Fixture {
  explicit Fixture(unsigned base_level, uint64_t count = 0)
      : tree(base_level, [this](uint64_t from, std::span<Hash> out) -> Status {
          leaves_read += out.size();
          std::copy_n(leaves.begin() + static_cast<ptrdiff_t>(from), out.size(), out.begin());
          return {};
        }) {
    for (uint64_t i = 0; i < count; ++i) add("record " + std::to_string(i));
  }
  void add(const std::string& record) {
    leaves.push_back(leaf_of(record));
    tree.append(leaves.back());
  }
  std::vector<Hash> leaves;
  uint64_t leaves_read = 0;
  MerkleTree tree;
};

Hash root_of_first(const std::vector<Hash>& leaves, uint64_t count) {
  return root_of(std::span(leaves).first(count));
}

TEST(MerkleVectors, Roots) {
  for (unsigned base_level : {0u, 1u, 2u, 8u}) {
    Fixture f(base_level);
    EXPECT_EQ(to_hex(f.tree.head().root), kRoots[0]);
    for (size_t size = 1; size <= kLeaves.size(); ++size) {
      f.add(kLeaves[size - 1]);
      EXPECT_EQ(f.tree.head().size, size);
      EXPECT_EQ(to_hex(f.tree.head().root), kRoots[size]);
    }
    for (size_t size = 0; size <= kLeaves.size(); ++size) EXPECT_EQ(to_hex(*f.tree.root(size)), kRoots[size]);
  }
}

TEST(MerkleVectors, InclusionProofs) {
  struct Case {
    uint64_t index, size;
    std::vector<std::string> proof;
  };
  const std::vector<Case> cases = {{0, 1, {}},
                                   {0, 8, {k96a2, k5f08, k6b47}},
                                   {5, 8, {kbc1a, kca85, kRoots[4]}},
                                   {2, 3, {kRoots[2]}},
                                   {1, 5, {kRoots[1], k5f08, kbc1a}}};
  for (unsigned base_level : {0u, 1u, 2u, 8u}) {
    Fixture f(base_level);
    for (const std::string& leaf : kLeaves) f.add(leaf);
    for (const Case& c : cases)
      EXPECT_EQ(hex_of(*f.tree.prove_inclusion(c.index, c.size)), c.proof) << c.index;
  }
}

TEST(MerkleVectors, ConsistencyProofs) {
  struct Case {
    uint64_t older, newer;
    std::vector<std::string> proof;
  };
  const std::vector<Case> cases = {
      {1, 1, {}}, {1, 8, {k96a2, k5f08, k6b47}}, {6, 8, {k0ebc, kca85, kRoots[4]}}, {2, 5, {k5f08, kbc1a}}};
  for (unsigned base_level : {0u, 1u, 2u, 8u}) {
    Fixture f(base_level);
    for (const std::string& leaf : kLeaves) f.add(leaf);
    for (const Case& c : cases)
      EXPECT_EQ(hex_of(*f.tree.prove_consistency(c.older, c.newer)), c.proof) << c.older;
  }
}

TEST(Merkle, EveryProofOfSmallTreesVerifies) {
  Fixture f(2, 70);
  for (uint64_t size = 0; size <= f.leaves.size(); ++size) {
    TreeHead head{size, *f.tree.root(size)};
    ASSERT_EQ(head.root, root_of_first(f.leaves, size));
    for (uint64_t index = 0; index < size; ++index) {
      Proof proof = *f.tree.prove_inclusion(index, size);
      ASSERT_TRUE(verify_inclusion(index, f.leaves[index], head, proof)) << index << " of " << size;
    }
    for (uint64_t old_size = 0; old_size <= size; ++old_size) {
      TreeHead older{old_size, root_of_first(f.leaves, old_size)};
      ASSERT_TRUE(verify_consistency(older, head, *f.tree.prove_consistency(old_size, size)))
          << old_size << " to " << size;
    }
  }
}

TEST(Merkle, RefusesRangesOutsideTheTree) {
  Fixture f(2, 10);
  EXPECT_EQ(f.tree.root(11).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(f.tree.prove_inclusion(10, 10).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(f.tree.prove_inclusion(0, 11).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(f.tree.prove_consistency(5, 11).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(f.tree.prove_consistency(6, 5).error().code, ErrorCode::kInvalid);
  EXPECT_FALSE(verify_inclusion(10, f.leaves[0], f.tree.head(), {}));
}

TEST(Merkle, PassesOnErrorsOfTheReader) {
  MerkleTree tree(2,
                  [](uint64_t, std::span<Hash>) -> Status { return fail(ErrorCode::kCorrupt, "bad disk"); });
  for (int i = 0; i < 9; ++i) tree.append(leaf_of(std::to_string(i)));
  EXPECT_EQ(tree.prove_inclusion(1, 9).error().what, "bad disk");
  EXPECT_EQ(tree.root(3).error().what, "bad disk");
  EXPECT_EQ(tree.root(9), tree.head().root);
}

TEST(Merkle, ProofsReadAtMostTwoBlocks) {
  constexpr unsigned kLevel = 8;
  Fixture f(kLevel, 20'000);
  for (uint64_t size : {1u, 255u, 256u, 257u, 9'999u, 19'999u, 20'000u}) {
    for (uint64_t index : {uint64_t{0}, size / 2, size - 1}) {
      f.leaves_read = 0;
      ASSERT_TRUE(f.tree.prove_inclusion(index, size));
      ASSERT_LE(f.leaves_read, 2u << kLevel);
      f.leaves_read = 0;
      ASSERT_TRUE(f.tree.prove_consistency(index, size));
      ASSERT_LE(f.leaves_read, 2u << kLevel);
    }
  }
  EXPECT_EQ(f.tree.block_roots().size(), 20'000u >> kLevel);
}

TEST(Merkle, IsRebuiltFromItsBlocks) {
  Fixture f(4, 1'000);
  MerkleTree again(4, [&f](uint64_t from, std::span<Hash> out) -> Status {
    std::copy_n(f.leaves.begin() + static_cast<ptrdiff_t>(from), out.size(), out.begin());
    return {};
  });
  for (const Hash& block : f.tree.block_roots()) again.append_block(block);
  for (uint64_t i = again.size(); i < f.leaves.size(); ++i) again.append(f.leaves[i]);
  EXPECT_EQ(again.head(), f.tree.head());
  EXPECT_EQ(*again.prove_inclusion(77, 999), *f.tree.prove_inclusion(77, 999));
}

Hash with_flipped_bit(Hash hash, size_t bit) {
  hash.bytes[bit / 8] = static_cast<uint8_t>(hash.bytes[bit / 8] ^ (1u << (bit % 8)));
  return hash;
}

RC_GTEST_PROP(MerkleProperty, InclusionHoldsAndNothingElseDoes, ()) {
  auto size = *rc::gen::inRange<uint64_t>(1, 300);
  auto index = *rc::gen::inRange<uint64_t>(0, size);
  Fixture f(*rc::gen::inRange(0u, 9u), size);
  TreeHead head = f.tree.head();
  Proof proof = *f.tree.prove_inclusion(index, size);
  const Hash leaf = f.leaves[index];
  RC_ASSERT(verify_inclusion(index, leaf, head, proof).has_value());

  auto bit = *rc::gen::inRange<size_t>(0, 256);
  RC_ASSERT(!verify_inclusion(index, with_flipped_bit(leaf, bit), head, proof));
  RC_ASSERT(!verify_inclusion(index, leaf, {size, with_flipped_bit(head.root, bit)}, proof));
  for (size_t i = 0; i < proof.size(); ++i) {
    Proof tampered = proof;
    tampered[i] = with_flipped_bit(proof[i], bit);
    RC_ASSERT(!verify_inclusion(index, leaf, head, tampered));
  }
  Proof longer = proof;
  longer.push_back(leaf);
  RC_ASSERT(!verify_inclusion(index, leaf, head, longer));
  if (!proof.empty()) {
    RC_ASSERT(!verify_inclusion(index, leaf, head, std::span(proof).first(proof.size() - 1)));
    RC_ASSERT(!verify_inclusion(index, leaf, head, std::span(proof).subspan(1)));
  }
  auto other = *rc::gen::inRange<uint64_t>(0, size);
  if (other != index) RC_ASSERT(!verify_inclusion(other, leaf, head, proof));
}

RC_GTEST_PROP(MerkleProperty, ConsistencyHoldsAndNothingElseDoes, ()) {
  auto size = *rc::gen::inRange<uint64_t>(2, 300);
  auto old_size = *rc::gen::inRange<uint64_t>(1, size);
  Fixture f(*rc::gen::inRange(0u, 9u), size);
  TreeHead older{old_size, *f.tree.root(old_size)};
  TreeHead newer = f.tree.head();
  Proof proof = *f.tree.prove_consistency(old_size, size);
  RC_ASSERT(verify_consistency(older, newer, proof).has_value());

  auto bit = *rc::gen::inRange<size_t>(0, 256);
  RC_ASSERT(!verify_consistency({old_size, with_flipped_bit(older.root, bit)}, newer, proof));
  RC_ASSERT(!verify_consistency(older, {size, with_flipped_bit(newer.root, bit)}, proof));
  for (size_t i = 0; i < proof.size(); ++i) {
    Proof tampered = proof;
    tampered[i] = with_flipped_bit(proof[i], bit);
    RC_ASSERT(!verify_consistency(older, newer, tampered));
  }
  Proof longer = proof;
  longer.push_back(older.root);
  RC_ASSERT(!verify_consistency(older, newer, longer));
  RC_ASSERT(!verify_consistency(older, newer, std::span(proof).first(proof.size() - 1)));
  RC_ASSERT(!verify_consistency(newer, older, proof));
}

RC_GTEST_PROP(MerkleProperty, AnyChangedRecordChangesTheRoot, ()) {
  auto size = *rc::gen::inRange<uint64_t>(1, 200);
  Fixture f(3, size);
  std::vector<Hash> leaves = f.leaves;
  auto changed = *rc::gen::inRange<uint64_t>(0, size);
  leaves[changed] = leaf_of("another record");
  RC_ASSERT(root_of(leaves) != f.tree.head().root);
}

}  // namespace
}  // namespace weir
