#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/ledger/merkle.h"
#include "core/result/result.h"

namespace weir {

// A proof that stands on its own, to be handed to somebody who holds a record and a head. As text:
//
//   weir-inclusion-proof 1            weir-consistency-proof 1
//   index 5                           old-size 6
//   size 8                            old-root <64 hexadecimal digits>
//   leaf <64 hexadecimal digits>      size 8
//   root <64 hexadecimal digits>      root <64 hexadecimal digits>
//   hash <64 hexadecimal digits>      hash <64 hexadecimal digits>
//   ...                               ...
struct InclusionProof {
  uint64_t index = 0;
  Hash leaf;
  TreeHead head;
  Proof hashes;
  friend bool operator==(const InclusionProof&, const InclusionProof&) = default;
};

struct ConsistencyProof {
  TreeHead older;
  TreeHead newer;
  Proof hashes;
  friend bool operator==(const ConsistencyProof&, const ConsistencyProof&) = default;
};

std::string to_text(const InclusionProof& proof);
std::string to_text(const ConsistencyProof& proof);

// kInvalid names the line. Accepts exactly what to_text writes; says nothing about whether the proof holds.
Result<InclusionProof> inclusion_proof_from_text(std::string_view text);
Result<ConsistencyProof> consistency_proof_from_text(std::string_view text);

}  // namespace weir
