#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/toml/parse.h"

namespace weir::toml {

// Takes the known fields out of one table, and refuses the rest. The first error stays; after it nothing more
// is read. Every error is kInvalid and names file, line and field.
class Fields {
 public:
  // All outlive this. `prefix` stands before names in errors: "tenant[0].".
  Fields(const Table& table, std::string_view file, std::string prefix = {});

  // Each is true when the field was there and right; otherwise `out` stays as it is.
  bool text(std::string_view name, std::string& out);
  bool texts(std::string_view name, std::vector<Text>& out);
  bool whole(std::string_view name, int64_t low, int64_t high, int64_t& out);
  bool truth(std::string_view name, bool& out);

  // Refuses a table without the field.
  void require(std::string_view name, std::string remedy = "add it; there is no default");

  // Refuses the field, or the table where it is missing or has no name; `line` 0: its own.
  void refuse(std::string_view name, std::string what, std::string remedy = {}, uint32_t line = 0);

  bool good() const { return !error_; }
  // The first error; without one, a field that nobody asked for, with the name that was probably meant.
  Status done();

 private:
  const Value* take(std::string_view name);

  const Table& table_;
  const std::string_view file_;
  const std::string prefix_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
};

// What to do about an unknown name: the known one that was probably meant, or all of them.
std::string meant(std::string_view name, const std::vector<std::string_view>& known);

}  // namespace weir::toml
