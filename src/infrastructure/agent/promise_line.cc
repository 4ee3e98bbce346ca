#include "infrastructure/agent/promise_line.h"

#include <boost/json.hpp>

#include "core/event/limits.h"

namespace weir::agent {
namespace {

tl::unexpected<Error> invalid(std::string what, const std::string& member) {
  return fail(ErrorCode::kInvalid, std::move(what), "promise report: " + member);
}

}  // namespace

Result<PromiseLine> parse_promise_line(std::string_view text) {
  if (text.size() > kPromiseLineBytesMax) return invalid("is longer than 4096 bytes", "line");
  boost::json::error_code error;
  boost::json::parse_options options;
  options.max_depth = 2;
  const boost::json::value value =
      boost::json::parse(boost::json::string_view(text.data(), text.size()), error, {}, options);
  if (error || !value.is_object()) return invalid("is not one JSON object", "line");
  PromiseLine out;
  PromiseReport& r = out.report;
  struct Number {
    const char* name;
    int64_t* value;
    bool found = false;
  };
  Number numbers[] = {
      {"samples", &r.samples},       {"misses", &r.misses}, {"lost", &r.lost}, {"p50_us", &r.latency_us_p50},
      {"p99_us", &r.latency_us_p99}, {"from", &r.from},     {"to", &r.to}};
  size_t names = 0;
  for (const auto& [key, member] : value.get_object()) {
    const std::string name(key.data(), key.size());
    if (name == "intent" || name == "service") {
      ++names;
      if (!member.is_string() || member.get_string().empty()) return invalid("is not a name", name);
      out.named.assign(member.get_string().data(), member.get_string().size());
      continue;
    }
    if (!member.is_int64() || member.get_int64() < 0)
      return invalid("is not a whole number of at least 0", name);
    if (name == "intent_id") {
      ++names;
      if (member.get_int64() > limits::kIdMax) return invalid("is not an identifier", name);
      r.intent = IntentId(static_cast<uint32_t>(member.get_int64()));
      continue;
    }
    bool known = false;
    for (Number& number : numbers) {
      if (name != number.name) continue;
      *number.value = member.get_int64();
      known = number.found = true;
    }
    if (!known) return invalid("is not a member of it", name);
  }
  if (names != 1) return invalid("give exactly one of intent_id, intent and service", "line");
  for (const Number& number : numbers) {
    if (!number.found) return invalid("is missing", number.name);
  }
  return out;
}

}  // namespace weir::agent
