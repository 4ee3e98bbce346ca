// What an agent sends: reports in range, or a refusal; and what a directive says survives its way.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/event/codec.h"
#include "infrastructure/agent_link/convert.h"
#include "weir/v1/agent.pb.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  if (size < 1) return 0;
  if (data[0] % 2 == 0) {
    v1::AgentMessage message;
    if (!message.ParseFromArray(data + 1, static_cast<int>(size - 1))) return 0;
    if (message.has_hello()) {
      const auto hello = agent_link::hello_from(message.hello());
      if (!hello) return 0;
      for (const NodeSpec& node : hello->nodes) {
        if (!validate(node)) std::abort();
      }
    } else if (const auto reports = agent_link::reports_from(message)) {
      for (const auto& report : *reports) {
        const auto* usage = std::get_if<UsageReport>(&report);
        if (!usage) continue;
        const UsageReported event{usage->run, IntentId(0u), usage->from, usage->to, usage->cpu_us, usage->memory_mib_us,
                                  usage->received_bytes, usage->sent_bytes, usage->energy_microjoule, usage->energy_model};
        if (!validate(Event{1, "site/a", event})) std::abort();
      }
    }
    return 0;
  }
  v1::BrainMessage message;
  if (!message.ParseFromArray(data + 1, static_cast<int>(size - 1))) return 0;
  const auto directive = agent_link::directive_from(message, SiteId(0u));
  if (!directive) return 0;
  v1::BrainMessage again;
  agent_link::put_directive(*directive, 0, again);
  const auto back = agent_link::directive_from(again, SiteId(0u));
  if (!back || !(*back == *directive)) std::abort();
  return 0;
}
