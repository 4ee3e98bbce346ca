#pragma once

#include <string>

#include "core/ledger/proof_text.h"
#include "core/result/result.h"
#include "weir/v1/service.pb.h"

namespace weir::app {

// kCorrupt: it has another length than a hash.
Result<Hash> hash_of(const std::string& bytes);
// What the brain proves, to be verified: the leaf is computed from the record itself, since what the brain says about it is not
// evidence. Errors as hash_of.
Result<InclusionProof> inclusion_of(const v1::LedgerProofResponse& response);

}  // namespace weir::app
