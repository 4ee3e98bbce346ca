#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result/result.h"

namespace weir::site_local {

// The part of TOML that an allow-list needs: comments, keys of letters, digits, "_" and "-", whole numbers
// that are not negative, texts in one line ("" with \" and \\, or ''), lists of texts (over several lines if
// need be), and lists of tables ([[name]]).
struct TomlText {
  std::string text;
  uint32_t line = 0;
};
struct TomlValue {
  enum class Kind : uint8_t { kNumber, kText, kTexts };
  Kind kind = Kind::kNumber;
  uint32_t line = 0;
  uint64_t number = 0;
  std::vector<TomlText> texts;  // of kText: one
};
struct TomlTable {
  std::string name;  // of [[name]]; empty: the fields before the first
  uint32_t line = 1;
  std::map<std::string, TomlValue> fields;
};

// Every table in order, the nameless one first. kInvalid: "name:line: what".
Result<std::vector<TomlTable>> parse_toml_subset(std::string_view text, const std::string& name);

}  // namespace weir::site_local
