#pragma once

#include <string>
#include <vector>

#include "core/ports/brain.h"
#include "core/result/result.h"

namespace weir::v1 {
class AgentMessage;
class BrainMessage;
class Hello;
}  // namespace weir::v1

// Between the structs of core/ports/wire.h and the messages of api/weir/v1/agent.proto.
namespace weir::agent_link {

inline constexpr size_t kRunsObservedMax = 65'536;
inline constexpr size_t kReportsMax = 65'536;  // in one message

// kInvalid names the field: what an agent sends becomes events, so that nothing out of range passes.
Result<Hello> hello_from(const v1::Hello& message);

// Observations, readings, switches, usage and promises; kInvalid also for any other message.
Result<std::vector<Brain::Report>> reports_from(const v1::AgentMessage& message);

// `lease_until_us` is by the brain's clock.
void put_directive(const SiteDirective& directive, TimeUs lease_until_us, v1::BrainMessage& out);
// The inverse of put_directive, for agents and tests. kInvalid: another message, or out of range.
Result<SiteDirective> directive_from(const v1::BrainMessage& message, SiteId site);

}  // namespace weir::agent_link
