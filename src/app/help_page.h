#pragma once

#include <memory>
#include <string>

namespace CLI {
class App;
class FormatterBase;
}  // namespace CLI

namespace weir::app {

// The pages of --help: every line fits kTableWidth columns, but for words that are longer and footers, which
// stand as they were written.
std::shared_ptr<CLI::FormatterBase> help_formatter();

// "weir lab brain": the innermost command that the arguments named.
std::string command_path(const CLI::App& app);
const CLI::App& innermost(const CLI::App& app);

// A check for options: a whole number of 64 bits from 0 on. Yields what is wrong, or "".
std::string refuse_no_count(const std::string& text);

}  // namespace weir::app
