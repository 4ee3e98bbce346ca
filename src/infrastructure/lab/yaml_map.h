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

 private:
  std::string file_;
  std::optional<Error> error_;
};

// Reads the fields of one mapping, each at most once, and refuses those that nobody asked for. After the
// first error every reader returns a default value.
class YamlMap {
 public:
  YamlMap(const YAML::Node& node, std::string path, Diagnosis& diagnosis);

  bool has(std::string_view field);
  // A scalar turned into a number by `parse`; `fallback` if absent, an error if there is no fallback.
  int64_t number(std::string_view field, const std::function<Result<int64_t>(std::string_view)>& parse,
                 std::optional<int64_t> fallback = {});
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
