#include "app/ledger_proof.h"

#include <cstring>
#include <span>

namespace weir::app {

Result<Hash> hash_of(const std::string& bytes) {
  Hash out;
  if (bytes.size() != out.bytes.size()) return fail(ErrorCode::kCorrupt, "the brain sent a hash of another length");
  std::memcpy(out.bytes.data(), bytes.data(), bytes.size());
  return out;
}

Result<InclusionProof> inclusion_of(const v1::LedgerProofResponse& response) {
  InclusionProof out{.index = response.position(), .head = {.size = response.size()}};
  const auto root = hash_of(response.root_sha256());
  if (!root) return tl::unexpected(root.error());
  out.head.root = *root;
  out.leaf = leaf_hash(std::as_bytes(std::span(response.record().data(), response.record().size())));
  for (const std::string& bytes : response.audit_path()) {
    const auto hash = hash_of(bytes);
    if (!hash) return tl::unexpected(hash.error());
    out.hashes.push_back(*hash);
  }
  return out;
}

}  // namespace weir::app
