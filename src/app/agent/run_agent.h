#pragma once

#include <functional>
#include <string>

#include "app/agent/agent_config.h"
#include "core/ports/site_driver.h"
#include "infrastructure/agent/site_agent.h"
#include "infrastructure/agent/uplink.h"

namespace weir::app {

// What the agent says that its site offers of accelerators, as ", 2 accelerators (H100)"; "": none. Says so
// where the driver cannot keep a run from those that it was not given.
std::string accelerators_text(const agent::NodeDescription& node, const SiteCapabilities& driver);

// Joins if that is still to do, opens the drivers, and keeps the site to what the brain wants. `stopped`
// waits at most so long and says whether to end; runs go on without the agent.
Status run_agent(const AgentConfig& config, const agent::Say& say,
                 const std::function<bool(TimeUs wait_us)>& stopped);

}  // namespace weir::app
