#include "app/help_page.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>

#include "app/table.h"

namespace weir::app {
namespace {

constexpr size_t kDescriptionColumn = 30;

// Two columns: what is written, and what it means. A name that reaches into the second has a line of its own.
std::string entry(const std::string& name, const std::string& meaning) {
  std::string out = "  " + name;
  if (meaning.empty()) return out + "\n";
  if (columns(out) + 2 > kDescriptionColumn) {
    out = wrapped(out, kTableWidth);
  } else {
    out.append(kDescriptionColumn - columns(out), ' ');
  }
  const std::string text = wrapped(meaning, kTableWidth - kDescriptionColumn - 2);
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string::npos;
       begin = end + 1, end = text.find('\n', begin)) {
    const size_t word = text.find_first_not_of(' ', begin);
    if (begin > 0 || out.back() == '\n') out.append(kDescriptionColumn, ' ');
    out += text.substr(word, end - word) + "\n";
  }
  return out;
}

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool positional) const override {
    return entry(make_option_name(option, positional) + make_option_opts(option), make_option_desc(option));
  }
  std::string make_subcommand(const CLI::App* command) const override {
    return entry(command->get_name(), command->get_description());
  }
  std::string make_description(const CLI::App* command) const override {
    return wrapped(CLI::Formatter::make_description(command), kTableWidth);
  }
  std::string make_footer(const CLI::App* command) const override {
    const std::string text = CLI::Formatter::make_footer(command);
    return text.substr(std::min(text.find_first_not_of('\n'), text.size()));
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<HelpFormatter>(); }

const CLI::App& innermost(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().back();
  return *at;
}

std::string command_path(const CLI::App& app) {
  std::string out = app.get_name();
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().back();
    out += " " + at->get_name();
  }
  return out;
}

std::string refuse_no_count(const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return "";
  return "\"" + text + "\" is not a whole number from 0 on";
}

}  // namespace weir::app
