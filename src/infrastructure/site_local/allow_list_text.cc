#include "infrastructure/site_local/allow_list_text.h"

#include <algorithm>
#include <optional>

#include "infrastructure/cgroup/tree.h"

namespace weir::site_local {
namespace {

bool is_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  Result<std::vector<TomlTable>> parse() {
    std::vector<TomlTable> out(1);
    while (skip_blank(true), ok() && !rest_.empty()) {
      if (take("[[")) {
        out.push_back({.name = key(), .line = line_, .fields = {}});
        if (ok() && !take("]]")) wrong("expected ']]'");
      } else if (rest_.front() == '[') {
        wrong("a single table, which no field takes", "write [[tenant]]");
      } else {
        field(out.back());
      }
      skip_blank(false);
      if (ok() && !rest_.empty() && rest_.front() != '\n') wrong("expected the end of the line");
    }
    if (!ok()) return tl::unexpected(*error_);
    return out;
  }

 private:
  bool ok() const { return !error_; }

  void wrong(std::string what, std::string remedy = {}) {
    if (error_) return;
    error_ =
        Error{ErrorCode::kInvalid, std::move(what), name_ + ":" + std::to_string(line_), std::move(remedy)};
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
      } else if (rest_.front() == ' ' || rest_.front() == '\t') {
        rest_.remove_prefix(1);
      } else if (rest_.starts_with("\r\n")) {
        rest_.remove_prefix(1);
      } else if (lines && rest_.front() == '\n') {
        ++line_;
        rest_.remove_prefix(1);
      } else {
        return;
      }
    }
  }

  std::string key() {
    skip_blank(false);
    size_t length = 0;
    while (length < rest_.size() && is_key(rest_[length])) ++length;
    if (length == 0) wrong("expected a name of letters, digits, '_' and '-'");
    std::string out(rest_.substr(0, length));
    rest_.remove_prefix(length);
    skip_blank(false);
    return out;
  }

  void field(TomlTable& table) {
    const std::string name = key();
    if (ok() && !take("=")) wrong("expected '=' after '" + name + "'");
    skip_blank(false);
    TomlValue value = this->value();
    if (!ok()) return;
    if (!table.fields.emplace(name, std::move(value)).second) wrong("'" + name + "' is given twice");
  }

  TomlValue value() {
    TomlValue out;
    out.line = line_;
    if (!ok()) return out;
    const char first = rest_.empty() ? '\0' : rest_.front();
    if (first == '"' || first == '\'') {
      out.kind = TomlValue::Kind::kText;
      out.texts.push_back(text());
    } else if (take("[")) {
      out.kind = TomlValue::Kind::kTexts;
      texts(out.texts);
    } else {
      out.number = number();
    }
    return out;
  }

  void texts(std::vector<TomlText>& out) {
    for (;;) {
      skip_blank(true);
      if (!ok() || take("]")) return;
      out.push_back(text());
      skip_blank(true);
      if (take(",")) continue;
      if (!take("]")) wrong("expected ',' or ']' in a list of texts");
      return;
    }
  }

  TomlText text() {
    TomlText out{.text = {}, .line = line_};
    const char quote = rest_.empty() ? '\0' : rest_.front();
    if (quote != '"' && quote != '\'') {
      wrong("expected a text in quotes");
      return out;
    }
    rest_.remove_prefix(1);
    while (ok()) {
      const char c = rest_.empty() ? '\n' : rest_.front();
      if (c == '\n') {
        wrong("the text has no closing quote in its line");
        break;
      }
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < ' ' && c != '\t' && c != '\r') || byte == 0x7f ||
          (c == '\r' && !rest_.starts_with("\r\n"))) {
        wrong("a control character in a text");
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
    }
    return out;
  }

  uint64_t number() {
    size_t length = 0;
    while (length < rest_.size() && rest_[length] >= '0' && rest_[length] <= '9') ++length;
    const auto out = cgroup::parse_number(rest_.substr(0, length));
    const bool ends = length == rest_.size() || !(is_key(rest_[length]) || rest_[length] == '.');
    if (!out || !ends) {
      wrong("expected a text in quotes, a list of texts, or a whole number that is not negative");
      return 0;
    }
    rest_.remove_prefix(length);
    return *out;
  }

  std::string_view rest_;
  const std::string& name_;
  uint32_t line_ = 1;
  std::optional<Error> error_;
};

}  // namespace

Result<std::vector<TomlTable>> parse_toml_subset(std::string_view text, const std::string& name) {
  return Parser(text, name).parse();
}

}  // namespace weir::site_local
