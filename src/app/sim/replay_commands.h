#pragma once

namespace CLI {
class App;
}

namespace weir::app {

// `weir sim replay`, `compare` and `generate`.
void add_replay_commands(CLI::App& sim);

}  // namespace weir::app
