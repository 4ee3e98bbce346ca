#include "bench/support/arguments.h"

#include <algorithm>
#include <cstdio>

namespace weir::bench {

Option Option::text(std::string name, std::string& out) {
  return {std::move(name), "a text", [&out](const std::string& value) {
            out = value;
            return !value.empty();
          }};
}

Option Option::choice(std::string name, std::vector<std::string> values, std::string& out) {
  std::string takes;
  for (size_t i = 0; i < values.size(); ++i) {
    takes += (i == 0 ? "" : i + 1 == values.size() ? " or " : ", ") + values[i];
  }
  return {std::move(name), takes, [values = std::move(values), &out](const std::string& value) {
            if (std::find(values.begin(), values.end(), value) == values.end()) return false;
            out = value;
            return true;
          }};
}

std::optional<int> read_arguments(const std::string& command, const char* help,
                                  const std::vector<std::string>& args, const std::vector<Option>& options) {
  if (std::any_of(args.begin(), args.end(), [](const auto& arg) { return arg == "--help" || arg == "-h"; })) {
    std::fputs(help, stdout);
    return 0;
  }
  const auto wrong = [&command](const std::string& what) {
    std::fprintf(stderr, "%s: %s; see --help\n", command.c_str(), what.c_str());
    return 2;
  };
  for (size_t i = 0; i < args.size(); i += 2) {
    const auto option = std::find_if(options.begin(), options.end(),
                                     [&](const Option& known) { return known.name == args[i]; });
    if (option == options.end()) return wrong("unknown argument '" + args[i] + "'");
    if (i + 1 == args.size()) return wrong(args[i] + " needs " + option->takes);
    if (!option->read(args[i + 1]))
      return wrong(args[i] + " takes " + option->takes + ", not '" + args[i + 1] + "'");
  }
  return std::nullopt;
}

}  // namespace weir::bench
