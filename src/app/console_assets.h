#pragma once

#include <span>

#include "service/gateway/console_files.h"

namespace weir::app {

// The web console that scripts/build-console put into this build; none: it could not be made.
std::span<const gateway::ConsoleFile> console_files();

}  // namespace weir::app
