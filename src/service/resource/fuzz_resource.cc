#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "service/resource/resource.h"
#include "weir/v1/resource.pb.h"

// Any text is refused with a reason, or means the same after it was written again.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  const auto resources = resource::parse({reinterpret_cast<const char*>(data), size}, "f.yaml");
  if (!resources) {
    if (resources.error().what.empty() || resources.error().where.empty()) std::abort();
    return 0;
  }
  for (const auto& one : *resources) {
    v1::Resource message;
    resource::to_message(one, message);
    const auto back = resource::from_message(message);
    if (!back || back->value != one.value) std::abort();
    const auto* field =
        message.GetReflection()->GetOneofFieldDescriptor(message, message.GetDescriptor()->oneof_decl(0));
    const auto again =
        resource::parse(resource::to_yaml(message.GetReflection()->GetMessage(message, field)), "g.yaml");
    if (!again || again->front().value != one.value || again->front().labels != one.labels) std::abort();
  }
  return 0;
}
