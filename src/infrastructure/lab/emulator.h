#pragma once

#include <string>

// The process that carries the packets of every link of a lab: it holds a TAP device in the namespaces of
// both ends and relays between them with delay, jitter, loss and rate.
namespace weir::lab {

// Body of `weir lab emulate CONFIG`. Opens everything, writes "ready\n" (or the error) to descriptor 3 if
// that is open, and works until told to stop by its socket, SIGTERM or SIGINT. Returns the process's exit
// status.
int run_emulator(const std::string& config_path);

}  // namespace weir::lab
