#pragma once

#include <functional>
#include <vector>

#include "app/client.h"
#include "app/mcp/server.h"

namespace weir::app {

// How a model is told to use the tools.
extern const char* const kToolInstructions;

// What a brain can be asked and told, as tools for models. Nothing is changed without `approve: true`, and each change says first what it
// will change. `brain` yields the connection, or why there is none; it is asked at each call, and what it yields serves until the next.
std::vector<mcp::Tool> brain_tools(std::function<Result<Client*>()> brain);

}  // namespace weir::app
