#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"

// The one reader of Weir's files of settings. They are TOML 1.0 (toml.io), but for what no such file needs:
//
//   name = "text"          in one line, with \" and \\; or 'text', in which \ is itself
//   name = 42              whole numbers of 64 bits: +, - and _ between digits
//   name = true            or false
//   name = ["a", "b"]      texts only, over several lines if need be
//   [name] and [[name]]    names joined by dots; also tables of a list
//
// Names are letters, digits, '_' and '-'; that of a field may be a text in quotes instead. Fractions, dates,
// inline tables, dotted names of fields and texts of several lines are refused, and the error says what to
// write. What is accepted means here what it means in TOML.
namespace weir::toml {

// What is larger is refused. Memory is at most a small multiple of the text.
inline constexpr size_t kFileBytesMax = size_t{1} << 20;
inline constexpr size_t kTablesMax = 4'096;
inline constexpr size_t kFieldsMax = 1'024;     // of one table
inline constexpr size_t kTextsMax = 16'384;     // of one list
inline constexpr size_t kTextBytesMax = 4'096;  // of one text
inline constexpr size_t kNameBytesMax = 128;    // of a field, or of a table with its dots

struct Text {
  std::string text;
  uint32_t line = 0;
  friend bool operator==(const Text&, const Text&) = default;
};

struct Value {
  enum class Kind : uint8_t { kText, kWhole, kTruth, kTexts };
  Kind kind = Kind::kText;
  uint32_t line = 0;  // where it begins; lines count from 1
  int64_t whole = 0;
  bool truth = false;
  std::vector<Text> texts;  // of kText: one
  friend bool operator==(const Value&, const Value&) = default;
};

struct Field {
  std::string name;
  Value value;
  friend bool operator==(const Field&, const Field&) = default;
};

struct Table {
  std::string name;     // "contexts.lab"; empty: the fields before the first table
  bool listed = false;  // [[name]]: there may be several, in order
  uint32_t line = 1;
  std::vector<Field> fields;  // in the order of the text, no name twice

  const Value* find(std::string_view field) const;
  friend bool operator==(const Table&, const Table&) = default;
};

// Every table in the order of the text, the nameless one first; of those that are not listed, no name twice.
// kInvalid: "FILE:LINE: what; remedy", with the field where there is one. An error never repeats a value, nor
// a name that may be one in the wrong place. O(size · log tables).
Result<std::vector<Table>> parse(std::string_view text, std::string_view file);

// "FILE:LINE: FIELD". Instead of a name that is long or not printable: "a field".
std::string place(std::string_view file, uint32_t line, std::string_view field);

}  // namespace weir::toml
