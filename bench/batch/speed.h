#pragma once

namespace weir::bench {

// How long the queue engine takes, and for what. Prints a table; returns 0.
int measure_speed();

}  // namespace weir::bench
