#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "core/ports/clock.h"
#include "core/ports/http_client.h"
#include "intelligence/language/understand.h"
#include "intelligence/language_endpoint/exchange.h"

namespace weir::language {

inline constexpr int kEndpointFailuresMax = 3;           // in a row; then it is left alone
inline constexpr TimeUs kEndpointRest_us = 30'000'000;   // for so long, and again after each further failure
inline constexpr size_t kEndpointRememberedMax = 128;    // answers

struct EndpointSettings {
  std::string base;   // absolute, without a slash at its end: "http://127.0.0.1:8080/v1"
  std::string model;
  std::string ca_file = {};                         // of HttpCall
  std::function<std::string()> authorization = {};  // the value of that header; null: there is none
  int64_t timeout_us = 3'000'000;
};

struct EndpointCounts {
  uint64_t asked = 0;
  uint64_t answered = 0;  // with a proposal
  uint64_t refused = 0;   // answers of which nothing was believed
  uint64_t failed = 0;    // no answer
  uint64_t passed = 0;    // not asked: somebody else was, or it is left alone
};

// Asks an OpenAI-compatible endpoint what a text means. One question at a time: whoever comes meanwhile does without, so that a slow
// endpoint holds up one thread. An endpoint that fails is left alone for a while. Threads may ask at once.
class Endpoint {
 public:
  // `say` is told when it is left alone. All outlive this.
  Endpoint(EndpointSettings settings, HttpClient& http, Clock& clock, std::function<void(const std::string&)> say = {});

  // Nothing: do without. Equal questions have equal answers while the first one's is remembered.
  std::optional<Proposal> propose(std::string_view text, bool previous, const std::vector<SaidName>& names);
  EndpointCounts counts() const;

 private:
  Result<std::string> ask(const std::string& question) const;

  const EndpointSettings settings_;
  HttpClient& http_;
  Clock& clock_;
  const std::function<void(const std::string&)> say_;
  std::mutex asking_;  // held by the one question under way
  mutable std::mutex mutex_;
  EndpointCounts counts_;
  int failures_ = 0;
  TimeUs rests_until_ = 0;
  std::deque<std::pair<std::string, Proposal>> remembered_;
};

// Understands by rules and `model`, which may be null; what they are unsure of is understood again with what the endpoint proposes.
UnderstandNames understand_with(std::shared_ptr<const Model> model, Endpoint& endpoint);

}  // namespace weir::language
