#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/ledger/merkle.h"
#include "core/ledger/proof_text.h"
#include "infrastructure/store/tree_file.h"

namespace weir::store {

struct FollowerOptions {
  // The writer waits in notify() while more durable records than this are not hashed.
  uint64_t lag_records_max = uint64_t{1} << 20;
  // The side file is saved when the tree has grown by this, or by an eighth, whichever is more; and at the
  // end.
  uint64_t save_records_min = uint64_t{1} << 20;
};

// Keeps the Merkle tree of a ledger by a thread of its own, off the commit path. notify() is for the writer;
// everything else may be called from any thread.
class MerkleFollower {
 public:
  // `log` must outlive the follower; `directory` holds the side file. Hashes what the side file does not
  // cover in the background. kCorrupt: see load_tree.
  static Result<std::unique_ptr<MerkleFollower>> start(const LogReader& log, const LedgerId& ledger,
                                                       const std::string& directory,
                                                       FollowerOptions options = {},
                                                       FileSystem& files = posix_file_system());
  ~MerkleFollower();

  // Tells of a new durable end. Returns at once unless the follower lags too far behind.
  void notify(Position durable_end);

  // Waits until this many records are hashed. An error, if the follower cannot get there: it failed to read
  // the ledger, is being stopped, or (kInvalid) was not told of so many.
  Status wait_until(uint64_t size);

  uint64_t size() const;
  TreeHead head() const;
  // Proofs against the head of `size` records: kInvalid if not yet hashed.
  Result<TreeHead> head_at(uint64_t size) const;
  Result<InclusionProof> prove_inclusion(Position record, uint64_t size) const;
  Result<ConsistencyProof> prove_consistency(uint64_t old_size, uint64_t new_size) const;

 private:
  MerkleFollower(const LogReader& log, const LedgerId& ledger, std::string directory, FollowerOptions options,
                 FileSystem& files, MerkleTree tree);
  void run();
  Status save();

  const LogReader& log_;
  const LedgerId ledger_;
  const std::string directory_;
  const FollowerOptions options_;
  FileSystem& files_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  MerkleTree tree_;  // written by the thread alone, under the mutex: it may read without
  Position target_ = 0;
  uint64_t saved_records_ = 0;
  bool stop_ = false;
  std::optional<Error> failed_;
  std::thread thread_;
};

}  // namespace weir::store
