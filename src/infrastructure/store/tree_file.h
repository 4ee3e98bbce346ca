#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/ledger/merkle.h"
#include "core/ledger/proof_text.h"
#include "infrastructure/store/file_system.h"
#include "infrastructure/store/format.h"

// The tree's kept hashes in a side file, so that a restart need not hash the whole ledger again. It can be
// deleted at will. Little-endian:
//   "WEIRTREE", format u32, base level u32, ledger id (16 bytes), block count u64, CRC of the hashes u32,
//   CRC of the above u32, block roots (32 bytes each)
// CRCs are CRC-32C and start from the CRC of the ledger's id.
namespace weir::store {

inline constexpr unsigned kTreeBaseLevel = 8;
inline constexpr size_t kTreeHeaderBytes = 48;
inline constexpr uint64_t kTreeFileBytesMax = uint64_t{1} << 32;
inline constexpr std::string_view kTreeFileName = "tree";

std::array<std::byte, kTreeHeaderBytes> encode_tree_header(const LedgerId& ledger,
                                                           std::span<const Hash> block_roots);
// Roots of the blocks of 2^kTreeBaseLevel records; nothing if the bytes are damaged or of another ledger.
std::optional<std::vector<Hash>> decode_tree(const LedgerId& ledger, Bytes file);

Status save_tree(FileSystem& files, const std::string& directory, const LedgerId& ledger,
                 const MerkleTree& tree);

// Reads leaf hashes for proofs. `log` must outlive it.
MerkleTree::ReadLeaves leaves_of(const LogReader& log);

// The tree over the records that the side file covers; an empty one if there is no usable file. kCorrupt:
// the ledger holds fewer records than the file covers, or other ones in the last block, which is checked.
Result<MerkleTree> load_tree(FileSystem& files, const std::string& directory, const LedgerId& ledger,
                             const LogReader& log);

// Hashes the records [tree.size(), to) into the tree.
Status extend_tree(MerkleTree& tree, const LogReader& log, Position to);

// Self-contained proofs against the tree's head at these sizes; errors as of MerkleTree and of `log`.
Result<InclusionProof> prove_record(const MerkleTree& tree, const LogReader& log, Position record,
                                    uint64_t size);
Result<ConsistencyProof> prove_growth(const MerkleTree& tree, uint64_t old_size, uint64_t new_size);

}  // namespace weir::store
