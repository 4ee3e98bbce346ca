#include "app/exit_code.h"

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <cerrno>
#include <iostream>
#include <system_error>

namespace weir::app {

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return kExitUsage;
    case ErrorCode::kNotFound: return kExitNotFound;
    case ErrorCode::kConflict: return kExitConflict;
    case ErrorCode::kDenied: return kExitDenied;
    case ErrorCode::kInfeasible: return kExitInfeasible;
    case ErrorCode::kExhausted:
    case ErrorCode::kUnavailable: return kExitUnavailable;
    case ErrorCode::kUnsupported:
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal: return kExitFailed;
  }
  return kExitFailed;
}

void print_error(const Error& error) {
  std::cout.flush();  // what was done stands before what was not
  std::cerr << "weir: " << (error.where.empty() ? "" : error.where + ": ") << error.what << "\n";
  if (!error.remedy.empty()) std::cerr << "  " << error.remedy << "\n";
}

bool output_open() {
  errno = 0;
  return static_cast<bool>(std::cout.flush());
}

int run(CLI::App& app, int argc, const char* const* argv) {
  int code = kExitOk;
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& error) {
    code = error.get_exit_code();
  } catch (const CLI::Success& help) {
    code = app.exit(help);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    code = kExitUsage;
  }
  if (output_open() || code != kExitOk) return code;
  if (errno != 0 && errno != EPIPE) {
    print_error({ErrorCode::kUnavailable, "cannot be written: " + std::generic_category().message(errno),
                 "standard output", "make room there, or write it elsewhere"});
  }
  return kExitFailed;
}

void finish(const Status& status) {
  if (status) return;
  print_error(status.error());
  exit_with(exit_code(status.error().code));
}

void exit_with(int code) { throw CLI::RuntimeError(code); }

}  // namespace weir::app
