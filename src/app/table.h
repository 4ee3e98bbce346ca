#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::app {

// Rows in columns as wide as their contents. Over `width` columns of the terminal texts are cut, the widest
// first, and end in "~"; figures are cut last. 0: no limit. Control characters are shown as spaces: a text
// may come from anywhere, and must not steer the terminal.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row);
  size_t size() const { return rows_.size() - 1; }
  std::string text(size_t width) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Columns of the terminal that the text takes: two for wide characters (Unicode Standard Annex 11).
size_t columns(std::string_view text);
// Lines broken at spaces where they are longer than `width`, and gone on with two columns further in; a word that is
// longer stays whole.
std::string wrapped(std::string_view text, size_t width);
// Without control characters, and with what is no UTF-8 as "?".
std::string printable(std::string_view text);

inline constexpr size_t kTableWidth = 80;

}  // namespace weir::app
