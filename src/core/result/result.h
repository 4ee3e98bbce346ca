#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace weir {

// What kind of failure, so that a caller can choose an exit code, an HTTP status or a retry.
enum class ErrorCode {
  kInvalid,       // the input is wrong and will stay wrong
  kNotFound,      // no such thing
  kConflict,      // the thing exists already, or changed since it was read
  kDenied,        // not authenticated or not allowed
  kInfeasible,    // well-formed, but no plan satisfies it
  kExhausted,     // a bound was reached: queue, disk, quota
  kUnavailable,   // a peer, a device or a file system does not answer; trying again may help
  kUnsupported,   // this machine or version lacks the feature
  kCorrupt,       // stored or received bytes fail their checks
  kInternal,      // a broken invariant: a defect in Weir
};

// A failure that a person can act on: what was wrong, where ("intent.yaml:7: spec.promise.latency"), and
// what to do about it. `where` and `remedy` may be empty.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string what;
  std::string where = {};
  std::string remedy = {};

  // "where: what; remedy"
  std::string text() const {
    std::string out = where.empty() ? what : where + ": " + what;
    if (!remedy.empty()) out += "; " + remedy;
    return out;
  }
  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = tl::expected<void, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string what, std::string where = {}, std::string remedy = {}) {
  return tl::unexpected<Error>(Error{code, std::move(what), std::move(where), std::move(remedy)});
}

}  // namespace weir
