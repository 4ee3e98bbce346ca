#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "infrastructure/store/backup.h"
#include "infrastructure/store/bytes.h"
#include "infrastructure/store/checkpoint_file.h"
#include "infrastructure/store/crc32c.h"
#include "infrastructure/store/tree_file.h"

namespace {

using namespace weir;
using namespace weir::store;

// Makes the checks of a header pass, so that what lies behind them is reached.
void mend_crc(std::vector<std::byte>& file, const LedgerId& ledger, size_t crc_offset) {
  if (file.size() < crc_offset + 4) return;
  std::copy(ledger.begin(), ledger.end(), file.begin() + 16);
  store_u32(&file[crc_offset], crc32c(crc_seed(ledger), Bytes(file).first(crc_offset)));
}

void decode_all(const LedgerId& ledger, Bytes file) {
  if (auto checkpoint = decode_checkpoint(ledger, file, "file")) {
    auto header = encode_checkpoint_header(ledger, *checkpoint);
    if (checkpoint->state.size() + header.size() != file.size()) std::abort();
  }
  if (auto tree = decode_tree(ledger, file)) {
    if (tree->size() * sizeof(Hash) + kTreeHeaderBytes != file.size()) std::abort();
  }
  (void)decode_segment_header(file, "file");
  if (auto batch = decode_batch_header(crc_seed(ledger), file)) {
    std::array<std::byte, kBatchHeaderBytes> again;
    encode(crc_seed(ledger), *batch, again);
    if (!std::equal(again.begin(), again.end(), file.begin())) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  LedgerId ledger{std::byte{7}};
  std::vector<std::byte> file(reinterpret_cast<const std::byte*>(data),
                              reinterpret_cast<const std::byte*>(data) + size);
  decode_all(ledger, file);
  for (size_t crc_offset : {size_t{44}, size_t{48}}) {
    std::vector<std::byte> mended = file;
    mend_crc(mended, ledger, crc_offset);
    decode_all(ledger, mended);
  }
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto manifest = manifest_from_text(text)) {
    if (manifest_from_text(manifest_text(*manifest)) != *manifest) std::abort();
  }
  return 0;
}
