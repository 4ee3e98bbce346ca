#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "core/event/codec.h"

namespace {

using Bytes = std::span<const std::byte>;

template <class Value>
void check(weir::Result<Value> (*decode)(Bytes), Bytes bytes) {
  const auto value = decode(bytes);
  if (!value) {
    if (value.error().what.empty()) std::abort();
    return;
  }
  if (!weir::validate(*value)) std::abort();
  std::vector<std::byte> again;
  weir::encode(*value, again);
  if (!std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) std::abort();
}

}  // namespace

// The values inside events and checkpoints: the first byte chooses one. Any bytes are refused with a reason,
// or are the one form of a valid value.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes bytes = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0] % 8) {
    case 0:
      check(weir::decode_intent_spec, bytes);
      break;
    case 1:
      check(weir::decode_plan, bytes);
      break;
    case 2:
      check(weir::decode_site_spec, bytes);
      break;
    case 3:
      check(weir::decode_link_spec, bytes);
      break;
    case 4:
      check(weir::decode_node_spec, bytes);
      break;
    case 5:
      check(weir::decode_dataset_spec, bytes);
      break;
    case 6:
      check(weir::decode_refusal, bytes);
      break;
    case 7:
      check(weir::decode_workflow, bytes);
      break;
  }
  return 0;
}
