#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/ledger/proof_text.h"

// Decoding must never crash, must accept only the canonical text, and verifying a decoded proof must end.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto proof = weir::inclusion_proof_from_text(text)) {
    if (weir::to_text(*proof) != text) std::abort();
    (void)weir::verify_inclusion(proof->index, proof->leaf, proof->head, proof->hashes);
  }
  if (auto proof = weir::consistency_proof_from_text(text)) {
    if (weir::to_text(*proof) != text) std::abort();
    (void)weir::verify_consistency(proof->older, proof->newer, proof->hashes);
  }
  return 0;
}
