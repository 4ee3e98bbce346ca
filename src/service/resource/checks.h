#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/resource/resource.h"

// Reading of a message's fields, which remembers the first thing that is wrong; later reads return defaults.
// Private to this library.
namespace weir::resource {

// What the user wrote, in quotes, and not for ever.
std::string shown(std::string_view text);

class Checks {
 public:
  explicit Checks(const Source& source) : source_(source) {}

  bool ok() const { return !error_.has_value(); }
  const Error& error() const { return *error_; }

  void refuse(const std::string& path, std::string what, std::string remedy,
              ErrorCode code = ErrorCode::kInvalid) {
    if (!error_) error_ = Error{code, std::move(what), source_.where(path), std::move(remedy)};
  }
  void require(bool condition, const std::string& path, std::string what, std::string remedy) {
    if (!condition) refuse(path, std::move(what), std::move(remedy));
  }
  void missing(const std::string& path, std::string remedy) { refuse(path, "is missing", std::move(remedy)); }

  // A quantity; an absent one is `fallback`, or refused with an example if there is none.
  template <class T>
  T quantity(const std::string& path, std::string_view text, Result<T> (*parse)(std::string_view),
             std::string_view example, std::optional<T> fallback = {}) {
    if (text.empty()) {
      if (!fallback) missing(path, "write it like " + std::string(example));
      return fallback.value_or(T{});
    }
    auto value = parse(text);
    if (value) return *value;
    refuse(path, value.error().what, value.error().remedy);
    return T{};
  }
  int32_t number(const std::string& path, int64_t value, int64_t low, int64_t high) {
    if (value < low || value > high) {
      refuse(
          path,
          std::to_string(value) + " is not between " + std::to_string(low) + " and " + std::to_string(high),
          "");
      return 0;
    }
    return static_cast<int32_t>(value);
  }
  // A name of the DNS label form that every name here has.
  std::string name(const std::string& path, const std::string& text);
  // Distinct names; at most `count_max`.
  std::vector<std::string> names(const std::string& path, const std::vector<std::string>& texts,
                                 size_t count_max);
  std::string text(const std::string& path, const std::string& value, size_t bytes_max);
  // An IPv6 address, or prefix with "/length"; empty stays empty.
  std::string address(const std::string& path, const std::string& value);
  std::string prefix(const std::string& path, const std::string& value);

 private:
  const Source& source_;
  std::optional<Error> error_;
};

}  // namespace weir::resource
