#pragma once

#include <string>
#include <vector>

namespace weir::app {

// Rows in columns as wide as their contents. Over `width` columns of the terminal, the widest texts are cut
// and end in "~"; 0: no limit.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  size_t size() const { return rows_.size() - 1; }
  std::string text(size_t width) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

inline constexpr size_t kTableWidth = 80;

}  // namespace weir::app
