#pragma once

#include <optional>
#include <string>

#include "core/ledger/proof_text.h"
#include "infrastructure/store/ledger_reader.h"
#include "infrastructure/store/tree_file.h"

// What an auditor does with a ledger's directory, also while a writer runs: `weir ledger verify|head|prove`.
namespace weir::store {

struct VerifiedLedger {
  TreeHead head;
  uint64_t record_bytes = 0;
  uint64_t segments = 0;
  uint64_t blocks_compared = 0;  // with the hashes that were kept when the records were written
  std::optional<TornTail> torn;
  std::optional<Position> checkpoint;  // version of the newest usable one
  std::vector<Error> damaged_checkpoints;
};

// Reads every record, checks every CRC, hashes everything anew and compares with the side file. kCorrupt
// names the record, or the block of records, that is not as it was written.
Result<VerifiedLedger> verify_ledger(const std::string& directory, FileSystem& files = posix_file_system());

// A ledger with its tree, for several questions. Uses the side file, and hashes only what is not in it.
class LedgerTree {
 public:
  static Result<std::unique_ptr<LedgerTree>> open(const std::string& directory,
                                                  FileSystem& files = posix_file_system());

  const LedgerReader& ledger() const { return *reader_; }
  TreeHead head() const { return tree_.head(); }
  Result<InclusionProof> prove_inclusion(Position record, uint64_t size) const {
    return prove_record(tree_, *reader_, record, size);
  }
  Result<ConsistencyProof> prove_consistency(uint64_t old_size, uint64_t new_size) const {
    return prove_growth(tree_, old_size, new_size);
  }

 private:
  LedgerTree(std::unique_ptr<LedgerReader> reader, MerkleTree tree)
      : reader_(std::move(reader)), tree_(std::move(tree)) {}
  std::unique_ptr<LedgerReader> reader_;
  MerkleTree tree_;
};

}  // namespace weir::store
