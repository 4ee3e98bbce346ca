#pragma once

#include <functional>
#include <string>

#include "app/agent/agent_config.h"
#include "infrastructure/agent/site_agent.h"

namespace weir::app {

// Joins if that is still to do, opens the drivers, and keeps the site to what the brain wants. `stopped`
// waits at most so long and says whether to end; runs go on without the agent.
Status run_agent(const AgentConfig& config, const agent::Say& say,
                 const std::function<bool(TimeUs wait_us)>& stopped);

}  // namespace weir::app
