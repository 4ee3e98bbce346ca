#include "infrastructure/store/audit.h"

#include <utility>

#include "infrastructure/store/checkpoint_file.h"

namespace weir::store {

Result<VerifiedLedger> verify_ledger(const std::string& directory, FileSystem& files) {
  Result<std::unique_ptr<LedgerReader>> reader = LedgerReader::open(directory, files);
  if (!reader) return tl::unexpected(reader.error());
  const LedgerReader& ledger = **reader;
  VerifiedLedger out;
  out.segments = ledger.segments().size();
  out.torn = ledger.torn();

  MerkleTree tree(kTreeBaseLevel, leaves_of(ledger));
  Status hashed = ledger.read(0, ledger.durable_end(), [&](Position, Bytes record) -> Status {
    out.record_bytes += record.size();
    tree.append(leaf_hash(record));
    return {};
  });
  if (!hashed) return tl::unexpected(hashed.error());
  out.head = tree.head();

  std::string tree_path = directory + "/" + std::string(kTreeFileName);
  Result<std::vector<std::byte>> file = read_file(files, tree_path, kTreeFileBytesMax);
  if (!file && file.error().code != ErrorCode::kNotFound) return tl::unexpected(file.error());
  if (file) {
    std::optional<std::vector<Hash>> kept = decode_tree(ledger.ledger_id(), *file);
    if (!kept) {
      return fail(ErrorCode::kCorrupt, "the kept hashes are damaged", tree_path,
                  "the records passed their own checks; delete this file, it is made anew");
    }
    const std::vector<Hash>& now = tree.block_roots();
    if (kept->size() > now.size()) {
      return fail(ErrorCode::kCorrupt,
                  "hashes of " + std::to_string(kept->size() * tree.block_size()) +
                      " records were kept, but the ledger ends with " + std::to_string(ledger.durable_end()) +
                      ": flushed records were lost",
                  directory, "restore the ledger from a backup");
    }
    for (size_t block = 0; block < kept->size(); ++block) {
      if ((*kept)[block] == now[block]) continue;
      return fail(ErrorCode::kCorrupt,
                  "records " + std::to_string(block * tree.block_size()) + " to " +
                      std::to_string((block + 1) * tree.block_size() - 1) +
                      " are not those that were hashed before: the ledger was changed",
                  directory, "restore the ledger from a backup");
    }
    out.blocks_compared = kept->size();
  }

  Result<FoundCheckpoint> checkpoint =
      find_checkpoint(files, directory, ledger.ledger_id(), ledger.durable_end());
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  if (checkpoint->checkpoint) out.checkpoint = checkpoint->checkpoint->version;
  out.damaged_checkpoints = std::move(checkpoint->skipped);
  return out;
}

Result<std::unique_ptr<LedgerTree>> LedgerTree::open(const std::string& directory, FileSystem& files) {
  Result<std::unique_ptr<LedgerReader>> reader = LedgerReader::open(directory, files);
  if (!reader) return tl::unexpected(reader.error());
  Result<MerkleTree> tree = load_tree(files, directory, (*reader)->ledger_id(), **reader);
  if (!tree) return tl::unexpected(tree.error());
  if (Status extended = extend_tree(*tree, **reader, (*reader)->durable_end()); !extended) {
    return tl::unexpected(extended.error());
  }
  return std::unique_ptr<LedgerTree>(new LedgerTree(std::move(*reader), std::move(*tree)));
}

}  // namespace weir::store
