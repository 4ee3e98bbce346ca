#include "app/exit_code.h"

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <algorithm>
#include <cerrno>
#include <iostream>
#include <system_error>
#include <vector>

#include "app/help_page.h"
#include "core/units/text.h"

namespace weir::app {
namespace {

std::string meant(const std::string& word, const std::vector<std::string>& known, const std::string& help) {
  const std::vector<std::string_view> views(known.begin(), known.end());
  const std::string_view near = nearest(word, views);
  return near.empty() ? help : "did you mean \"" + std::string(near) + "\"?";
}

// What is wrong with the command line, in words that name what was written.
Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = innermost(app);
  const std::string path = command_path(app);
  const std::string help = "'" + path + " --help' says how it is used";
  const auto is_option = [](const std::string& word) { return word.size() > 1 && word[0] == '-'; };
  std::vector<std::string> left = app.remaining(true);
  std::erase(left, "--");
  const auto word = std::find_if_not(left.begin(), left.end(), is_option);
  const auto option = std::find_if(left.begin(), left.end(), is_option);
  std::vector<std::string> known;
  for (const CLI::App* sub : command.get_subcommands({})) {
    if (!sub->get_group().empty()) known.push_back(sub->get_name());
  }
  if (!known.empty() && word != left.end()) {
    return {ErrorCode::kInvalid, "has no command \"" + *word + "\"", path,
            meant(*word, known, "'" + path + " --help' lists them")};
  }
  if (option != left.end()) {
    known.clear();
    for (const CLI::Option* each : command.get_options()) {
      for (const std::string& name : each->get_lnames()) known.push_back("--" + name);
    }
    const std::string name = option->substr(0, option->find('='));
    // Of a command above, or CLI11 stopped at something else: it is known here.
    if (std::find(known.begin(), known.end(), name) != known.end()) {
      return {ErrorCode::kInvalid, "does not take \"" + name + "\" there", path, "write the options behind the command: " + path + " ... " + name};
    }
    return {ErrorCode::kInvalid, "has no option \"" + name + "\"", path, meant(name, known, help)};
  }
  if (word != left.end()) return {ErrorCode::kInvalid, "takes no \"" + *word + "\" there", path, help};
  if (!known.empty()) {
    std::string all;
    for (const std::string& name : known) all += (all.empty() ? "" : ", ") + name;
    return {ErrorCode::kInvalid, "needs a command", path, "one of " + all};
  }
  return {ErrorCode::kInvalid, error.what(), path, help};
}

}  // namespace

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
  const bool named = error.where == "weir" || error.where.starts_with("weir ");  // a command of it
  std::cerr << (named ? "" : "weir: ") << (error.where.empty() ? "" : error.where + ": ") << error.what << "\n";
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
    print_error(usage_error(app, error));
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
