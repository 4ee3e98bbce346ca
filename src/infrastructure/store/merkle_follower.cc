#include "infrastructure/store/merkle_follower.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace weir::store {
namespace {

// Records hashed between two looks at the lock: small enough for a prompt answer, large enough to be cheap.
constexpr uint64_t kStepRecords = 4096;

}  // namespace

Result<std::unique_ptr<MerkleFollower>> MerkleFollower::start(const LogReader& log, const LedgerId& ledger,
                                                              const std::string& directory,
                                                              FollowerOptions options, FileSystem& files) {
  Result<MerkleTree> tree = load_tree(files, directory, ledger, log);
  if (!tree) return tl::unexpected(tree.error());
  return std::unique_ptr<MerkleFollower>(
      new MerkleFollower(log, ledger, directory, options, files, std::move(*tree)));
}

MerkleFollower::MerkleFollower(const LogReader& log, const LedgerId& ledger, std::string directory,
                               FollowerOptions options, FileSystem& files, MerkleTree tree)
    : log_(log),
      ledger_(ledger),
      directory_(std::move(directory)),
      options_(options),
      files_(files),
      tree_(std::move(tree)),
      target_(log.durable_end()),
      saved_records_(tree_.size()),
      thread_([this] { run(); }) {}

MerkleFollower::~MerkleFollower() {
  {
    std::lock_guard hold(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
  // Without the file the next start takes longer and is no less right.
  if (!failed_ && tree_.size() >= saved_records_ + tree_.block_size()) (void)save();
}

Status MerkleFollower::save() {
  Status saved = save_tree(files_, directory_, ledger_, tree_);
  if (saved) saved_records_ = tree_.block_roots().size() * tree_.block_size();
  return saved;
}

void MerkleFollower::run() {
  std::vector<Hash> leaves;
  std::unique_lock hold(mutex_);
  for (;;) {
    changed_.wait(hold, [this] { return stop_ || target_ > tree_.size(); });
    if (stop_) return;
    Position from = tree_.size();
    Position to = std::min(target_, from + kStepRecords);
    hold.unlock();
    leaves.resize(to - from);
    Status read = leaves_of(log_)(from, leaves);
    hold.lock();
    if (!read) {
      failed_ = read.error();
      changed_.notify_all();
      return;
    }
    for (const Hash& leaf : leaves) tree_.append(leaf);
    changed_.notify_all();
    if (tree_.size() - saved_records_ < std::max(options_.save_records_min, saved_records_ / 8)) continue;
    hold.unlock();
    // A full disk is no reason to stop hashing; the next attempt is due after as many records again.
    if (!save()) saved_records_ = tree_.size();
    hold.lock();
  }
}

void MerkleFollower::notify(Position durable_end) {
  std::unique_lock hold(mutex_);
  target_ = std::max(target_, durable_end);
  changed_.notify_all();
  changed_.wait(hold,
                [this] { return target_ - tree_.size() <= options_.lag_records_max || failed_ || stop_; });
}

Status MerkleFollower::wait_until(uint64_t size) {
  std::unique_lock hold(mutex_);
  if (size > target_) {
    return fail(ErrorCode::kInvalid, "the ledger has " + std::to_string(target_) + " durable records, not " +
                                         std::to_string(size));
  }
  changed_.wait(hold, [&] { return tree_.size() >= size || failed_ || stop_; });
  if (tree_.size() >= size) return {};
  if (failed_) return tl::unexpected(*failed_);
  return fail(ErrorCode::kUnavailable, "the ledger is being closed");
}

uint64_t MerkleFollower::size() const {
  std::lock_guard hold(mutex_);
  return tree_.size();
}

TreeHead MerkleFollower::head() const {
  std::lock_guard hold(mutex_);
  return tree_.head();
}

Result<TreeHead> MerkleFollower::head_at(uint64_t size) const {
  std::lock_guard hold(mutex_);
  Result<Hash> root = tree_.root(size);
  if (!root) return tl::unexpected(root.error());
  return TreeHead{size, *root};
}

Result<InclusionProof> MerkleFollower::prove_inclusion(Position record, uint64_t size) const {
  std::lock_guard hold(mutex_);
  return prove_record(tree_, log_, record, size);
}

Result<ConsistencyProof> MerkleFollower::prove_consistency(uint64_t old_size, uint64_t new_size) const {
  std::lock_guard hold(mutex_);
  return prove_growth(tree_, old_size, new_size);
}

}  // namespace weir::store
