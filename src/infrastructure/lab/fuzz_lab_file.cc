#include <cstddef>
#include <cstdint>
#include <string_view>

#include "infrastructure/lab/address_plan.h"
#include "infrastructure/lab/lab_network.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::lab;
  const auto lab = parse_lab({reinterpret_cast<const char*>(data), size}, "fuzz.yaml");
  if (!lab) {
    if (lab.error().where.empty()) __builtin_trap();
    return 0;
  }
  const AddressPlan plan(*lab);
  const PlainRoutes routes(*lab);
  for (size_t v = 0; v < lab->vertices.size(); ++v) vertex_batch(*lab, plan, routes, weir::VertexId(v), true);
  return 0;
}
