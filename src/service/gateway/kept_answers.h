#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "core/event/types.h"
#include "core/result/result.h"
#include "service/gateway/http_message.h"

// The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a change that is asked for again under its key is not made again,
// but answered as before. Pure: the time comes from outside. Nothing of it outlives the process.
namespace weir::gateway {

inline constexpr size_t kIdempotencyKeyBytesMax = 255;

// A text in quotes, as the draft has it, or what stands in them. kInvalid: empty, longer than 255, or not of visible ASCII without " and \.
Result<std::string> parse_idempotency_key(std::string_view header);

struct KeptLimits {
  size_t keys_per_subject_max = 1'000;
  size_t bytes_per_subject_max = size_t{8} << 20;
  size_t keys_max = 20'000;
  size_t bytes_max = size_t{64} << 20;
  TimeUs age_us_max = TimeUs{24} * 3'600'000'000;
};

// Beyond a bound the oldest answers go first, of the subject and then of all. Safe to call from several threads.
class KeptAnswers {
 public:
  explicit KeptAnswers(const KeptLimits& limits) : limits_(limits) {}
  // What begins now, until end(); or what was answered before. kInvalid: the key was used for something else. kConflict: it is still being
  // answered. kExhausted: as many as may be are being answered. `now` is steady.
  struct Begun {
    uint64_t ticket = 0;
    std::optional<HttpResponse> before;
  };
  Result<Begun> begin(const std::string& subject, const std::string& key, const std::string& fingerprint, TimeUs now);
  // Nothing is kept: the key is free again.
  void end(uint64_t ticket, std::optional<HttpResponse> kept);
  size_t keys() const;
  size_t bytes() const;

 private:
  using Name = std::pair<std::string, std::string>;  // subject and key
  struct Entry {
    Name name;
    std::string fingerprint;
    TimeUs begun_us = 0;
    std::optional<HttpResponse> answer;
    size_t bytes = 0;
  };
  struct Use {
    std::set<uint64_t> tickets;
    size_t bytes = 0;
  };
  void remove(uint64_t ticket);
  // Of the subject, or of all; whether there was one.
  bool remove_oldest_answer(const Use* use);

  const KeptLimits limits_;
  mutable std::mutex mutex_;
  uint64_t next_ = 1;
  std::map<uint64_t, Entry> entries_;  // the oldest first
  std::map<Name, uint64_t> tickets_;
  std::map<std::string, Use> uses_;  // by subject
  size_t bytes_ = 0;
};

}  // namespace weir::gateway
