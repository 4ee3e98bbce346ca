#include "core/graph/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto graph = weir::decode_graph(std::as_bytes(std::span(data, size)));
  if (graph) weir::encode_graph(*graph);
  return 0;
}
