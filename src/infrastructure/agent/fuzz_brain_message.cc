#include <cstddef>
#include <cstdint>

#include "infrastructure/agent/reconcile.h"
#include "infrastructure/agent_link/convert.h"
#include "weir/v1/agent.pb.h"

// Whatever a brain says, the agent's acts stay within the drivers' terms.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::v1::BrainMessage message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto directive = weir::agent_link::directive_from(message, weir::SiteId());
  if (!directive) return 0;
  const auto translation = weir::agent::translate(*directive);
  weir::agent::Present present;
  for (const weir::agent::Act& act : weir::agent::diff(translation.wanted, present))
    weir::agent::note_done(act, present);
  if (!weir::agent::diff({}, present).empty() && present.paths.paths.empty() && present.addresses.empty() &&
      present.paths.services.empty() && present.paths.steerings.empty()) {
    __builtin_trap();
  }
  return 0;
}
