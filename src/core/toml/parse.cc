#include "core/toml/parse.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "core/units/text.h"

namespace weir::toml {
namespace {

// A name with a longer part is not repeated in errors: someone may have pasted a secret in the wrong place,
// and those of tokens have 32 bytes between dots.
constexpr size_t kNamePartBytesShown = 31;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool may_be_shown(std::string_view name) {
  size_t part = 0;
  for (const char c : name) {
    part = c == '.' ? 0 : part + 1;
    if (part > kNamePartBytesShown || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return name.size() <= kNameBytesMax;
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view file) : rest_(text), file_(file) {}

  Result<std::vector<Table>> parse() {
    if (rest_.size() > kFileBytesMax) {
      return fail(ErrorCode::kInvalid, "has more than " + std::to_string(kFileBytesMax) + " bytes",
                  std::string(file_));
    }
    take("\xEF\xBB\xBF");
    check_characters();
    std::vector<Table> out(1);
    while (skip_blank(true), ok() && !rest_.empty()) {
      if (rest_.front() == '[') {
        header(out);
      } else {
        field(out.back());
      }
      skip_blank(false);
      if (ok() && !rest_.empty() && rest_.front() != '\n')
        wrong("something follows the end of the value", "begin a new line");
      field_ = {};
    }
    for (const Table& table : out) check_fields_against_tables(table);
    if (!ok()) return tl::unexpected(*error_);
    return out;
  }

 private:
  enum class Header : uint8_t { kImplied, kOnce, kListed };
  struct Known {
    Header header = Header::kImplied;
    uint32_t line = 0;
  };

  bool ok() const { return !error_; }

  void wrong(std::string what, std::string remedy = {}, uint32_t line = 0) {
    if (error_) return;
    error_ = Error{ErrorCode::kInvalid, std::move(what), place(file_, line == 0 ? line_ : line, field_),
                   std::move(remedy)};
  }

  // TOML files are UTF-8 without control characters but tab and the ends of lines.
  void check_characters() {
    uint32_t line = 1;
    for (std::string_view rest = rest_; ok() && !rest.empty(); ++line) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view text = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (text.ends_with('\r')) text.remove_suffix(1);
      if (!valid_utf8(text)) wrong("is not UTF-8", "save the file as UTF-8", line);
      if (std::any_of(text.begin(), text.end(), [](char c) {
            return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
          })) {
        wrong("holds a control character", "remove it", line);
      }
    }
  }

  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  // Blanks and comments, and the ends of lines where they mean nothing.
  void skip_blank(bool lines) {
    while (!rest_.empty()) {
      if (rest_.front() == '#') {
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      } else if (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\r') {
        rest_.remove_prefix(1);
      } else if (lines && rest_.front() == '\n') {
        ++line_;
        rest_.remove_prefix(1);
      } else {
        return;
      }
    }
  }

  std::string name() {
    skip_blank(false);
    size_t length = 0;
    while (length < rest_.size() && is_name(rest_[length])) ++length;
    if (length == 0) wrong("expected a name", "names are letters, digits, '_' and '-'");
    if (length > kNameBytesMax) wrong("a name has more than " + std::to_string(kNameBytesMax) + " bytes");
    std::string out(rest_.substr(0, length));
    rest_.remove_prefix(length);
    skip_blank(false);
    return out;
  }

  void header(std::vector<Table>& out) {
    const bool listed = take("[[");
    if (!listed) take("[");
    Table table{.name = {}, .listed = listed, .line = line_, .fields = {}};
    std::vector<std::string> above;
    do {
      if (!table.name.empty()) above.push_back(table.name);
      table.name += (table.name.empty() ? "" : ".") + name();
    } while (ok() && take("."));
    if (table.name.size() > kNameBytesMax) {
      wrong("a table's name has more than " + std::to_string(kNameBytesMax) + " bytes");
    }
    if (ok() && !take(listed ? "]]" : "]")) {
      wrong(std::string("expected '") + (listed ? "]]" : "]") + "' after the name of a table",
            "names need no quotes");
    }
    if (out.size() > kTablesMax) wrong("there are more than " + std::to_string(kTablesMax) + " tables");
    if (!ok()) return;
    field_ = table.name;
    for (const std::string& name : above) {
      const auto known = known_.try_emplace(name).first;
      if (known->second.header == Header::kListed) {
        wrong("a table inside one of a list", "write the list's fields in [[" + name + "]] itself");
      }
    }
    const auto [known, fresh] = known_.try_emplace(table.name);
    const Header now = listed ? Header::kListed : Header::kOnce;
    if (!fresh && (known->second.header == Header::kOnce || known->second.header != now) &&
        !(known->second.header == Header::kImplied && !listed)) {
      wrong(known->second.line == 0
                ? "the name belongs to tables already"
                : "the table is there already, on line " + std::to_string(known->second.line),
            "join the two");
    }
    known->second = {now, line_};
    fields_.clear();
    out.push_back(std::move(table));
  }

  void field(Table& table) {
    std::string field_name;
    if (!rest_.empty() && (rest_.front() == '"' || rest_.front() == '\'')) {
      field_name = text().text;
      if (ok() && (field_name.empty() || field_name.size() > kNameBytesMax)) {
        wrong("a name has no bytes, or more than " + std::to_string(kNameBytesMax));
      }
      skip_blank(false);
    } else {
      field_name = name();
    }
    if (!ok()) return;
    field_ = path(table, field_name);
    if (rest_.starts_with('.')) return wrong("a dotted name", "write a table: [name], and its fields below");
    if (!take("=")) return wrong("expected '=' after the name", "write name = value");
    skip_blank(false);
    Value read = value();
    if (table.fields.size() >= kFieldsMax)
      wrong("the table has more than " + std::to_string(kFieldsMax) + " fields");
    if (!fields_.insert(field_name).second) wrong("is given twice", "keep one of them");
    if (ok()) table.fields.push_back({std::move(field_name), std::move(read)});
  }

  Value value() {
    Value out;
    out.line = line_;
    const char first = rest_.empty() ? '\n' : rest_.front();
    if (first == '"' || first == '\'') {
      out.kind = Value::Kind::kText;
      out.texts.push_back(text());
    } else if (first == '[') {
      rest_.remove_prefix(1);
      out.kind = Value::Kind::kTexts;
      texts(out.texts);
    } else if (is_digit(first) || first == '+' || first == '-') {
      out.kind = Value::Kind::kWhole;
      out.whole = whole();
    } else if (take_word("true") || take_word("false")) {
      out.kind = Value::Kind::kTruth;
      out.truth = first == 't';
    } else if (first == '{') {
      wrong("a table in one line", "write [name], and its fields below");
    } else {
      wrong("expected a value", "a text stands in quotes: \"...\"");
    }
    return out;
  }

  bool take_word(std::string_view word) {
    if (!rest_.starts_with(word) || (rest_.size() > word.size() && is_name(rest_[word.size()]))) return false;
    return take(word);
  }

  void texts(std::vector<Text>& out) {
    for (;;) {
      skip_blank(true);
      if (!ok() || take("]")) return;
      if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\'')) {
        return wrong("expected a text in quotes, or the end of the list", "write [\"a\", \"b\"]");
      }
      if (out.size() >= kTextsMax)
        return wrong("the list has more than " + std::to_string(kTextsMax) + " texts");
      out.push_back(text());
      skip_blank(true);
      if (take(",")) continue;
      if (ok() && !take("]")) wrong("expected ',' or ']' in a list of texts", "write [\"a\", \"b\"]");
      return;
    }
  }

  // The front is a quote.
  Text text() {
    Text out{.text = {}, .line = line_};
    const char quote = rest_.front();
    const std::string three(3, quote);
    if (rest_.starts_with(three)) wrong("a text of several lines", "write it in one line");
    rest_.remove_prefix(1);
    while (ok()) {
      const char c = rest_.empty() ? '\n' : rest_.front();
      if (c == '\n' || c == '\r') {
        wrong("the text has no closing quote in its line", "end it with " + std::string(1, quote));
        break;
      }
      rest_.remove_prefix(1);
      if (c == quote) break;
      if (c == '\\' && quote == '"') {
        if (!rest_.starts_with('"') && !rest_.starts_with('\\')) {
          wrong("an escape other than \\\" and \\\\", "use a text in single quotes");
          break;
        }
        out.text += rest_.front();
        rest_.remove_prefix(1);
      } else {
        out.text += c;
      }
      if (out.text.size() > kTextBytesMax)
        wrong("the text has more than " + std::to_string(kTextBytesMax) + " bytes");
    }
    return out;
  }

  int64_t whole() {
    const bool negative = rest_.front() == '-';
    if (negative || rest_.front() == '+') rest_.remove_prefix(1);
    const char first = rest_.empty() ? '\n' : rest_.front();
    const uint64_t most = static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) + (negative ? 1 : 0);
    uint64_t out = 0;
    size_t digits = 0;
    bool large = false;
    bool after_digit = false;
    while (!rest_.empty() && (is_digit(rest_.front()) || (rest_.front() == '_' && after_digit))) {
      after_digit = rest_.front() != '_';
      if (after_digit) {
        const auto digit = static_cast<uint64_t>(rest_.front() - '0');
        large = large || out > (most - digit) / 10;
        out = large ? most : out * 10 + digit;
        ++digits;
      }
      rest_.remove_prefix(1);
    }
    if (!after_digit ||
        (!rest_.empty() && (is_name(rest_.front()) || rest_.front() == '.' || rest_.front() == ':'))) {
      wrong("is not a whole number", "a fraction, a date or a quantity with its unit stands in quotes");
    } else if (first == '0' && digits > 1) {
      wrong("a number that begins with 0", "leave the 0 out");
    } else if (large) {
      wrong("a number beyond 64 bits");
    }
    return static_cast<int64_t>(negative ? 0 - out : out);
  }

  static std::string path(const Table& table, const std::string& field) {
    return table.name.empty() ? field : table.name + "." + field;
  }

  // A field and a table of the same name.
  void check_fields_against_tables(const Table& table) {
    if (table.listed || known_.empty() || !ok()) return;
    for (const Field& field : table.fields) {
      if (!known_.contains(path(table, field.name))) continue;
      field_ = path(table, field.name);
      return wrong("is a table too", "rename one of them", field.value.line);
    }
  }

  std::string_view rest_;
  const std::string_view file_;
  uint32_t line_ = 1;
  std::string field_;                   // that errors name
  std::map<std::string, Known> known_;  // tables, also those that a name only implies
  std::set<std::string> fields_;        // of the present table
  std::optional<Error> error_;
};

}  // namespace

const Value* Table::find(std::string_view field) const {
  const auto at = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == field; });
  return at == fields.end() ? nullptr : &at->value;
}

Result<std::vector<Table>> parse(std::string_view text, std::string_view file) {
  return Parser(text, file).parse();
}

std::string place(std::string_view file, uint32_t line, std::string_view field) {
  std::string out = std::string(file) + ":" + std::to_string(line);
  if (!field.empty()) out += ": " + (may_be_shown(field) ? std::string(field) : "a field");
  return out;
}

}  // namespace weir::toml
