#include "app/table.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

namespace weir::app {
namespace {

struct Character {
  uint32_t code = 0;
  size_t bytes = 1;
  bool valid = false;
};

// RFC 3629.
Character first_of(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  uint32_t code = lead & (0xffu >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  static constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, bytes, true};
}

// East Asian Wide and Fullwidth blocks; combining marks take no column.
size_t columns_of(uint32_t code) {
  static constexpr std::pair<uint32_t, uint32_t> kWide[] = {
      {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},  {0xac00, 0xd7a3},
      {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},  {0xffe0, 0xffe6},
      {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
  if (code >= 0x300 && code <= 0x36f) return 0;
  for (const auto& [from, to] : kWide) {
    if (code >= from && code <= to) return 2;
  }
  return 1;
}

// The text in lines of `width` columns, all but the first `indent` columns in.
std::string below(const std::string& text, size_t width, size_t indent) {
  const std::string lines = wrapped(text, width);
  std::string out;
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = lines.find('\n', begin);
    const size_t word = std::min(lines.find_first_not_of(' ', begin), end);
    if (begin > 0) out += "\n" + std::string(indent, ' ');
    out += cut(lines.substr(word, end - word), width);
    begin = end + 1;
  }
  return out;
}

// Unicode Standard Annex 9: they reorder what is shown, so that a name could look like another. And the separators of lines.
bool turns(uint32_t code) {
  return code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

// Where a line may not begin: closing marks stay with what is before them. Such as the Unicode Standard Annex 14 gives the class CL, EX or NS.
bool closes(uint32_t code) {
  static constexpr uint32_t kClosing[] = {0x2019, 0x201d, 0x3001, 0x3002, 0x3009, 0x300b, 0x300d, 0x300f, 0x3011, 0xff01, 0xff09, 0xff0c, 0xff1a, 0xff1b, 0xff1f};
  return std::find(std::begin(kClosing), std::end(kClosing), code) != std::end(kClosing);
}
// Where a line may not end.
bool opens(uint32_t code) { return code == 0x2018 || code == 0x201c || code == 0x3008 || code == 0x300a || code == 0x300c || code == 0x300e || code == 0x3010 || code == 0xff08; }

// The end of the piece of a line that begins at `at` and is not broken: before a space, or between two characters of which one is wide,
// as Chinese is written without spaces.
size_t end_of_piece(std::string_view line, size_t at) {
  uint32_t before = 0;
  while (at < line.size() && line[at] != ' ') {
    const Character c = first_of(line.substr(at));
    const bool wide = columns_of(c.code) == 2 || columns_of(before) == 2;
    if (before != 0 && wide && !closes(c.code) && !opens(before)) break;
    before = c.code;
    at += c.bytes;
  }
  return at;
}

bool is_figure(const std::string& cell) {
  return cell.empty() || cell == "-" || (cell[0] >= '0' && cell[0] <= '9');
}

}  // namespace

std::string cut(const std::string& text, size_t most) {
  if (columns(text) <= most) return text;
  size_t bytes = 0;
  for (size_t taken = 0; bytes < text.size();) {
    const Character c = first_of(std::string_view(text).substr(bytes));
    taken += columns_of(c.code);
    if (taken + 1 > most) break;
    bytes += c.bytes;
  }
  return text.substr(0, bytes) + "~";
}

size_t columns(std::string_view text) {
  size_t out = 0;
  while (!text.empty()) {
    const Character c = first_of(text);
    out += columns_of(c.code);
    text.remove_prefix(c.bytes);
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character c = first_of(text);
    if (!c.valid) {
      out += '?';
    } else if (c.code < 0x20 || (c.code >= 0x7f && c.code < 0xa0) || turns(c.code)) {
      out += ' ';
    } else {
      out += text.substr(0, c.bytes);
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

std::string wrapped(std::string_view text, size_t width) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line = printable(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
    const size_t indent = std::min(line.find_first_not_of(' '), line.size());
    size_t taken = indent;
    out += line.substr(0, indent);
    for (size_t at = indent; at < line.size();) {
      const bool spaced = at > indent && line[at] == ' ';
      if (spaced) ++at;
      const size_t next = end_of_piece(line, at);
      const std::string piece = line.substr(at, next - at);
      const size_t space = spaced ? 1 : 0;
      if (at > indent) {
        const bool fits = taken + space + columns(piece) <= width;
        out += fits ? std::string(space, ' ') : "\n" + std::string(indent + 2, ' ');
        taken = fits ? taken + space : indent + 2;
      }
      out += piece;
      taken += columns(piece);
      at = next;
    }
    out += '\n';
  }
  return out;
}

std::string fitted(std::string_view text, size_t width) {
  const std::string lines = wrapped(text, width);
  std::string out;
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = lines.find('\n', begin);
    out += cut(lines.substr(begin, end - begin), width) + "\n";
    begin = end + 1;
  }
  return out;
}

size_t Table::natural_width() const {
  std::vector<size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  }
  size_t total = 2 * (widths.size() - 1);
  for (const size_t w : widths) total += w;
  return total;
}

void Table::add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = printable(cell);
  rows_.push_back(std::move(row));
}

Table Table::without(size_t column) const {
  Table out = *this;
  for (auto& row : out.rows_) row.erase(row.begin() + static_cast<std::ptrdiff_t>(column));
  return out;
}

std::string Table::text(size_t width) const {
  if (width != 0 && !lesser_.empty()) {
    Table fewer = *this;
    fewer.lesser_.clear();
    std::string left_out;
    const auto wider = [width](const Table& table) { return table.natural_width() > width; };
    for (size_t i = 0; i < lesser_.size() && wider(fewer); ++i) {
      const auto& header = fewer.rows_.front();
      const auto at = std::find(header.begin(), header.end(), lesser_[i]);
      if (at == header.end()) continue;
      fewer = fewer.without(static_cast<size_t>(at - header.begin()));
      left_out += (left_out.empty() ? "" : ", ") + lesser_[i];
    }
    const std::string note =
        left_out.empty()
            ? ""
            : "\n" + wrapped("Left out for want of room: " + left_out + "; -o wide shows all.", width);
    return fewer.text(width) + note;
  }
  const size_t count = rows_.front().size();
  std::vector<size_t> widths(count, 0), cells(count, 0);
  std::vector<bool> figures(count, rows_.size() > 1);
  for (size_t r = 0; r < rows_.size(); ++r) {
    for (size_t i = 0; i < count; ++i) {
      widths[i] = std::max(widths[i], columns(rows_[r][i]));
      if (r == 0) continue;
      cells[i] = std::max(cells[i], columns(rows_[r][i]));
      if (!is_figure(rows_[r][i])) figures[i] = false;
    }
  }
  size_t total = 2 * (count - 1);
  for (const size_t w : widths) total += w;
  // What is wrapped gives way first, since nothing of it is lost.
  constexpr size_t kWrappedLeast = 16;
  const bool wraps = wraps_ && width != 0 && total > width && widths[count - 1] > kWrappedLeast;
  if (wraps) {
    const size_t less = std::min(total - width, widths[count - 1] - kWrappedLeast);
    widths[count - 1] -= less;
    total -= less;
  }
  // Texts, then the titles of figures, then texts further; figures only when nothing else is left to cut.
  constexpr size_t kTextLeast[] = {12, 12, 6, 4, 4};
  for (size_t stage = 0; stage < std::size(kTextLeast) && width != 0 && total > width; ++stage) {
    const auto least = [&](size_t i) -> size_t {
      if (wraps && i + 1 == count) return kWrappedLeast;
      if (!figures[i]) return kTextLeast[stage];
      return stage == 0 ? widths[i] : stage < 4 ? std::max<size_t>(4, cells[i]) : 4;
    };
    while (total > width) {
      size_t widest = count;
      for (size_t i = 0; i < count; ++i) {
        if (widths[i] > least(i) && (widest == count || widths[i] > widths[widest])) widest = i;
      }
      if (widest == count) break;
      --widths[widest];
      --total;
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < count; ++i) {
      if (wraps && i + 1 == count) {
        line += below(row[i], widths[i], width - widths[i]);
        continue;
      }
      const std::string cell = cut(row[i], widths[i]);
      line += cell;
      if (i + 1 < count) line.append(widths[i] - columns(cell) + 2, ' ');
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace weir::app
