#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::app {

inline std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

// Rows in columns as wide as their contents. Over `width` columns of the terminal lesser columns are left
// out, and named under the table; then a last column that may wrap goes on below; then texts are cut, the
// widest first, and end in "~"; figures are cut last. 0: no limit. Control characters are shown as spaces: a
// text may come from anywhere, and must not steer the terminal.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  // Columns that may be left out, the first of them first.
  Table& lesser(std::vector<std::string> columns) {
    lesser_ = std::move(columns);
    return *this;
  }
  Table& wrap_last() {
    wraps_ = true;
    return *this;
  }
  void add(std::vector<std::string> row);
  size_t size() const { return rows_.size() - 1; }
  std::string text(size_t width) const;

 private:
  Table without(size_t column) const;
  size_t natural_width() const;

  std::vector<std::vector<std::string>> rows_;
  std::vector<std::string> lesser_;
  bool wraps_ = false;
};

// Columns of the terminal that the text takes: two for wide characters (Unicode Standard Annex 11).
size_t columns(std::string_view text);
// The text, or what of it fits and "~".
std::string cut(const std::string& text, size_t most);
// Lines broken at spaces where they are longer than `width`, and gone on with two columns further in; a word that is
// longer stays whole.
std::string wrapped(std::string_view text, size_t width);
// The same, and a word that is longer is cut and ends in "~".
std::string fitted(std::string_view text, size_t width);
// Without control characters and those that turn the direction of writing, and with what is no UTF-8 as "?".
std::string printable(std::string_view text);

inline constexpr size_t kTableWidth = 80;

}  // namespace weir::app
