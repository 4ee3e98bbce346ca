#include "app/exit_code.h"

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <iostream>

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
  std::cerr << "weir: " << (error.where.empty() ? "" : error.where + ": ") << error.what << "\n";
  if (!error.remedy.empty()) std::cerr << "  " << error.remedy << "\n";
}

void finish(const Status& status) {
  std::cout.flush();
  if (status) return;
  print_error(status.error());
  exit_with(exit_code(status.error().code));
}

void exit_with(int code) {
  std::cout.flush();
  throw CLI::RuntimeError(code);
}

}  // namespace weir::app
