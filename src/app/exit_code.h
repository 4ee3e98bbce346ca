#pragma once

#include <string>

#include "core/result/result.h"

namespace CLI {
class App;
}

namespace weir::app {

// What `weir` exits with. The numbers are documented in docs/reference/cli.md and never change.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,       // anything without a number of its own
  kExitUsage = 2,        // the command line or a file is wrong
  kExitNotFound = 3,
  kExitDenied = 4,
  kExitConflict = 5,
  kExitInfeasible = 6,   // well-formed, but no plan satisfies it
  kExitUnavailable = 7,  // the brain, a peer or a device does not answer, or is full
  kExitTimeout = 8,      // what was waited for did not happen
  kExitQuestion = 9,     // a question has to be answered first
};
int exit_code(ErrorCode code);

// "weir: where: what" and "  remedy" on standard error.
void print_error(const Error& error);

// Parses the arguments and does what they say; yields what to exit with. Output that could not be written is
// a failure: silent where the reader has gone (a pipe to `head`), named otherwise (a full disk).
int run(CLI::App& app, int argc, const char* const* argv);
// False once standard output cannot be written: whatever prints for as long as it is let must end.
bool output_open();

// For the callbacks of commands: prints the error, if it is one, and ends the command with its exit code.
void finish(const Status& status);
[[noreturn]] void exit_with(int code);

}  // namespace weir::app
