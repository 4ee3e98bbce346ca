#include "app/table.h"

#include <algorithm>

namespace weir::app {
namespace {

// Characters, not bytes: continuation bytes of UTF-8 do not count.
size_t length(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string cut(const std::string& text, size_t most) {
  if (length(text) <= most) return text;
  size_t bytes = 0;
  for (size_t seen = 0; bytes < text.size(); ++bytes) {
    if ((text[bytes] & 0xc0) != 0x80 && ++seen == most) break;
  }
  return text.substr(0, bytes) + "~";
}

}  // namespace

std::string Table::text(size_t width) const {
  std::vector<size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], length(row[i]));
  }
  size_t total = 2 * (widths.size() - 1);
  for (const size_t w : widths) total += w;
  while (width != 0 && total > width) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= 4) break;
    --*widest;
    --total;
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = cut(row[i], widths[i]);
      line += cell;
      if (i + 1 < row.size()) line.append(widths[i] - length(cell) + 2, ' ');
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace weir::app
