#pragma once

#include <string>

namespace CLI {
class App;
}

namespace weir::app {

// The manual page of all commands, in roff with the macros of man(7).
std::string man_page(const CLI::App& app);

}  // namespace weir::app
