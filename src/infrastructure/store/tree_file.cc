#include "infrastructure/store/tree_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "infrastructure/store/bytes.h"
#include "infrastructure/store/crc32c.h"

namespace weir::store {
namespace {

constexpr std::string_view kMagic = "WEIRTREE";
constexpr uint64_t kBlockRecords = uint64_t{1} << kTreeBaseLevel;

static_assert(sizeof(Hash) == 32);

Bytes bytes_of(std::span<const Hash> hashes) { return std::as_bytes(hashes); }

}  // namespace

std::array<std::byte, kTreeHeaderBytes> encode_tree_header(const LedgerId& ledger,
                                                           std::span<const Hash> block_roots) {
  std::array<std::byte, kTreeHeaderBytes> out{};
  uint32_t seed = crc_seed(ledger);
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  store_u32(&out[8], kFormatVersion);
  store_u32(&out[12], kTreeBaseLevel);
  std::copy(ledger.begin(), ledger.end(), out.begin() + 16);
  store_u64(&out[32], block_roots.size());
  store_u32(&out[40], crc32c(seed, bytes_of(block_roots)));
  store_u32(&out[44], crc32c(seed, std::span(out).first(44)));
  return out;
}

std::optional<std::vector<Hash>> decode_tree(const LedgerId& ledger, Bytes file) {
  if (file.size() < kTreeHeaderBytes || std::memcmp(file.data(), kMagic.data(), kMagic.size()) != 0)
    return std::nullopt;
  uint32_t seed = crc_seed(ledger);
  if (load_u32(&file[8]) != kFormatVersion || load_u32(&file[12]) != kTreeBaseLevel ||
      !std::equal(ledger.begin(), ledger.end(), file.begin() + 16) ||
      load_u32(&file[44]) != crc32c(seed, file.first(44))) {
    return std::nullopt;
  }
  Bytes body = file.subspan(kTreeHeaderBytes);
  if (body.size() % sizeof(Hash) != 0 || body.size() / sizeof(Hash) != load_u64(&file[32]))
    return std::nullopt;
  if (load_u32(&file[40]) != crc32c(seed, body)) return std::nullopt;
  std::vector<Hash> out(body.size() / sizeof(Hash));
  if (!body.empty()) std::memcpy(out.data(), body.data(), body.size());
  return out;
}

Status save_tree(FileSystem& files, const std::string& directory, const LedgerId& ledger,
                 const MerkleTree& tree) {
  auto header = encode_tree_header(ledger, tree.block_roots());
  std::array<Bytes, 2> parts = {Bytes(header), bytes_of(tree.block_roots())};
  return replace_file(files, directory, std::string(kTreeFileName), parts);
}

MerkleTree::ReadLeaves leaves_of(const LogReader& log) {
  return [&log](uint64_t from, std::span<Hash> out) -> Status {
    return log.read(from, from + out.size(), [&](Position position, Bytes record) -> Status {
      out[position - from] = leaf_hash(record);
      return {};
    });
  };
}

Result<MerkleTree> load_tree(FileSystem& files, const std::string& directory, const LedgerId& ledger,
                             const LogReader& log) {
  MerkleTree tree(kTreeBaseLevel, leaves_of(log));
  std::string path = directory + "/" + std::string(kTreeFileName);
  Result<std::vector<std::byte>> file = read_file(files, path, kTreeFileBytesMax);
  if (!file) {
    if (file.error().code == ErrorCode::kNotFound || file.error().code == ErrorCode::kCorrupt) return tree;
    return tl::unexpected(file.error());
  }
  std::optional<std::vector<Hash>> blocks = decode_tree(ledger, *file);
  if (!blocks || blocks->empty()) return tree;
  uint64_t covered = blocks->size() * kBlockRecords;
  if (covered > log.durable_end()) {
    return fail(ErrorCode::kCorrupt,
                "the tree covers " + std::to_string(covered) + " records, but the ledger ends with " +
                    std::to_string(log.durable_end()) + ": flushed records were lost",
                path, "restore the ledger from a backup");
  }
  std::vector<Hash> leaves(kBlockRecords);
  if (Status read = leaves_of(log)(covered - kBlockRecords, leaves); !read)
    return tl::unexpected(read.error());
  if (root_of(leaves) != blocks->back()) {
    return fail(ErrorCode::kCorrupt,
                "records " + std::to_string(covered - kBlockRecords) + " to " + std::to_string(covered - 1) +
                    " are not those that were hashed before: the ledger was changed",
                path, "restore the ledger from a backup; `weir ledger verify` tells what else differs");
  }
  for (const Hash& block : *blocks) tree.append_block(block);
  return tree;
}

Status extend_tree(MerkleTree& tree, const LogReader& log, Position to) {
  return log.read(tree.size(), to, [&tree](Position, Bytes record) -> Status {
    tree.append(leaf_hash(record));
    return {};
  });
}

Result<InclusionProof> prove_record(const MerkleTree& tree, const LogReader& log, Position record,
                                    uint64_t size) {
  Result<Proof> hashes = tree.prove_inclusion(record, size);
  if (!hashes) return tl::unexpected(hashes.error());
  Result<Hash> root = tree.root(size);
  if (!root) return tl::unexpected(root.error());
  Hash leaf;
  if (Status read = leaves_of(log)(record, std::span(&leaf, 1)); !read) return tl::unexpected(read.error());
  return InclusionProof{record, leaf, {size, *root}, std::move(*hashes)};
}

Result<ConsistencyProof> prove_growth(const MerkleTree& tree, uint64_t old_size, uint64_t new_size) {
  Result<Proof> hashes = tree.prove_consistency(old_size, new_size);
  if (!hashes) return tl::unexpected(hashes.error());
  Result<Hash> old_root = tree.root(old_size);
  if (!old_root) return tl::unexpected(old_root.error());
  Result<Hash> new_root = tree.root(new_size);
  if (!new_root) return tl::unexpected(new_root.error());
  return ConsistencyProof{{old_size, *old_root}, {new_size, *new_root}, std::move(*hashes)};
}

}  // namespace weir::store
