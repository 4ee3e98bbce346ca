#pragma once

#include <charconv>
#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <vector>

// The command line of a benchmark: pairs of option and value.
namespace weir::bench {

struct Option {
  std::string name;                              // "--rounds"
  std::string takes;                             // "a number from 1 to 1000"
  std::function<bool(const std::string&)> read;  // false: not such a value

  // From `low` to `high`, both included.
  template <std::integral Number>
  static Option number(std::string name, Number low, Number high, Number& out) {
    return {std::move(name), "a number from " + std::to_string(low) + " to " + std::to_string(high),
            [low, high, &out](const std::string& text) {
              Number value{};
              const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
              if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
                return false;
              out = value;
              return true;
            }};
  }
  static Option text(std::string name, std::string& out);
  static Option choice(std::string name, std::vector<std::string> values, std::string& out);
};

// Returns the exit code of a run that ends here: 0 after --help or -h, which print `help`; 2 after a wrong
// argument, which standard error names. Where an option is repeated, each value is read in turn.
std::optional<int> read_arguments(const std::string& command, const char* help,
                                  const std::vector<std::string>& args, const std::vector<Option>& options);

}  // namespace weir::bench
