#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result/result.h"

namespace weir::lab {

// The first thing that is wrong in a file; later ones are not looked at.
class Diagnosis {
 public:
  explicit Diagnosis(std::string file) : file_(std::move(file)) {}
  bool ok() const { return !error_.has_value(); }
  const Error& error() const { return *error_; }
  // `line` counts from 1; 0: about the file as a whole.
  void report(int line, const std::string& field, std::string what, std::string remedy);
  // Lines of the file before the document that is being read.
  int lines_before = 0;

 private:
  std::string file_;
  std::optional<Error> error_;
};

// One document of a file; the parser's line numbers count from its own first line.
struct YamlDocument {
  std::string text;
  int lines_before = 0;
};
// The documents in order, split at lines that begin with "---". Empty ones are left out. YAML::LoadAll is no
// choice: it stops at the first empty document, and never at a comma between two fields (yaml-cpp 0.7).
std::vector<YamlDocument> split_yaml(std::string_view text);
// Throws YAML::Exception. Undefined if the document holds nothing but comments.
YAML::Node load_yaml(const YamlDocument& document);

// Reads the fields of one mapping, each at most once, and refuses those that nobody asked for. After the
// first error every reader returns a default value.
class YamlMap {
 public:
  YamlMap(const YAML::Node& node, std::string path, Diagnosis& diagnosis);

  bool has(std::string_view field);
  // A scalar turned into a number by `parse`; `fallback` if absent, an error if there is no fallback.
  template <class Parse>
  int64_t number(std::string_view field, const Parse& parse, std::optional<int64_t> fallback = {}) {
    return read_number(
        field,
        [&](std::string_view text) -> Result<int64_t> {
          auto value = parse(text);
          if (!value) return tl::unexpected(std::move(value.error()));
          return int64_t{*value};
        },
        fallback);
  }
  std::string text(std::string_view field, std::optional<std::string> fallback = {});
  bool flag(std::string_view field, bool fallback);
  // Position in `names` of the scalar.
  size_t choice(std::string_view field, std::initializer_list<std::string_view> names);
  std::vector<std::string> texts(std::string_view field);  // an absent list is empty
  YamlMap map(std::string_view field);                     // required

  void report(std::string_view field, std::string what, std::string remedy);
  int line() const { return line_; }
  // Refuses fields that were not read. Call last.
  void finish();

 private:
  struct Entry {
    std::string name;
    YAML::Node value;
    int line = 0;
    bool read = false;
  };
  int64_t read_number(std::string_view field, const std::function<Result<int64_t>(std::string_view)>& parse,
                      std::optional<int64_t> fallback);
  Entry* find(std::string_view field);
  Entry* need(std::string_view field);
  std::string join(std::string_view field) const;

  std::vector<Entry> entries_;
  std::vector<std::string> known_;
  std::string path_;
  int line_ = 0;
  Diagnosis* diagnosis_;
};

}  // namespace weir::lab
