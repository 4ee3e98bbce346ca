#include <array>
#include <cstdio>
#include <optional>

#include "core/event/limits.h"
#include "core/units/quantity.h"
#include "core/units/text.h"
#include "service/resource/convert.h"

// The hours of a day in which a site asks other prices of jobs.
namespace weir::resource {
namespace {

constexpr int kHours = static_cast<int>(limits::kHoursPerDay);
constexpr int kOffsetLeast = -12, kOffsetMost = 14;
constexpr const char* kExample = "22:00-06:00, in UTC, or 22:00-06:00+08:00";

// Of "22:00" at the front, which it takes off.
struct Clock {
  int hour = 0;
  bool whole = true;
};
std::optional<Clock> clock_from(std::string_view& text) {
  const auto digit = [&text](size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() < 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
    return std::nullopt;
  const Clock out{(text[0] - '0') * 10 + (text[1] - '0'), text[3] == '0' && text[4] == '0'};
  text.remove_prefix(5);
  return out;
}

// In UTC, from begin to end; end is after begin, and not below 0.
struct Span {
  int begin = 0, end = 0;
};

std::optional<Span> span_from(const std::string& path, const std::string& written, Checks& checks) {
  const auto refuse = [&](const char* what, std::string remedy) {
    checks.refuse(path, "\"" + clip_utf8(written, 60) + "\" " + what, std::move(remedy));
    return std::nullopt;
  };
  if (written.empty()) {
    checks.missing(path, std::string("write it like ") + kExample);
    return std::nullopt;
  }
  std::string_view text = written;
  const auto from = clock_from(text);
  const bool dash = from && text.starts_with('-');
  if (dash) text.remove_prefix(1);
  const auto to = dash ? clock_from(text) : std::nullopt;
  if (!to) return refuse("is not a span of hours", std::string("write it like ") + kExample);
  if (from->hour >= kHours || to->hour > kHours)
    return refuse("is not of a day", "its hours are 00:00 to 24:00");
  bool whole = from->whole && to->whole;
  int offset = 0;
  if (!text.empty() && text != "Z") {
    const bool behind = text.front() == '-';
    if (!behind && text.front() != '+')
      return refuse("is not a span of hours", std::string("write it like ") + kExample);
    text.remove_prefix(1);
    const auto hours = clock_from(text);
    if (!hours || !text.empty())
      return refuse("is not a span of hours", std::string("write it like ") + kExample);
    whole = whole && hours->whole;
    offset = behind ? -hours->hour : hours->hour;
  }
  if (!whole)
    return refuse("is not of whole hours", "prices change on the hour: write it like 22:00-06:00+08:00");
  if (offset < kOffsetLeast || offset > kOffsetMost)
    return refuse("has an offset that no place has", "it is between -12:00 and +14:00");
  if (from->hour == to->hour) return refuse("ends when it begins", "write 00:00-24:00 for the whole day");
  Span out{from->hour - offset, to->hour - offset};
  if (out.end < out.begin) out.end += kHours;
  const int up = out.begin < 0 ? kHours : 0;
  return Span{out.begin + up, out.end + up};
}

std::string clock_text(int hour) {
  char out[8];
  std::snprintf(out, sizeof out, "%02d:00", hour);
  return out;
}

}  // namespace

std::vector<HourRate> hours_from(const v1::Site::Spec& spec, Checks& checks) {
  std::vector<HourRate> out;
  checks.require(spec.hours_size() <= kHours, "spec.hours", "has more entries than a day has hours", "");
  if (spec.hours_size() == 0 || spec.hours_size() > kHours) return out;
  out.assign(limits::kHoursPerDay, HourRate{});
  std::array<int, kHours> given;
  given.fill(-1);
  for (int i = 0; i < spec.hours_size(); ++i) {
    const v1::Site::Hours& hours = spec.hours(i);
    const std::string path = "spec.hours[" + std::to_string(i) + "]";
    checks.require(!hours.asks().empty() || !hours.carbon().empty(), path, "says neither asks nor carbon",
                   "write {between: \"22:00-06:00\", asks: \"0.6\"}");
    const HourRate rate{
        checks.quantity<int32_t>(path + ".asks", hours.asks(), parse_weight_milli, "0.6", 1000),
        checks.quantity<int32_t>(path + ".carbon", hours.carbon(), parse_weight_milli, "0.8", 1000)};
    const auto span = span_from(path + ".between", hours.between(), checks);
    if (!span) continue;
    for (int h = span->begin; h < span->end; ++h) {
      const auto hour = static_cast<size_t>(h % kHours);
      checks.require(given[hour] < 0, path + ".between",
                     "holds " + clock_text(static_cast<int>(hour)) + " UTC, as spec.hours[" +
                         std::to_string(given[hour]) + "] does",
                     "give every hour once");
      given[hour] = i;
      out[hour] = rate;
    }
  }
  // A day on which nothing changes is none.
  return out == std::vector<HourRate>(limits::kHoursPerDay) ? std::vector<HourRate>{} : out;
}

void fill(const std::vector<HourRate>& hours, v1::Site::Spec& spec) {
  if (hours.size() != limits::kHoursPerDay) return;
  const auto at = [&hours](int hour) { return hours[static_cast<size_t>(hour % kHours)]; };
  int first = 0;  // where a span begins
  while (first < kHours && at(first) == at(first + kHours - 1)) ++first;
  const bool all_day = first == kHours;
  if (all_day) first = 0;
  for (int from = first; from < first + kHours;) {
    int to = from + 1;
    while (to < first + kHours && at(to) == at(from)) ++to;
    if (const HourRate rate = at(from); rate != HourRate{}) {
      v1::Site::Hours& out = *spec.add_hours();
      out.set_between(clock_text(from % kHours) + "-" + clock_text(all_day ? kHours : to % kHours));
      if (rate.asks_milli != 1000) out.set_asks(format_milli(rate.asks_milli));
      if (rate.grid_carbon_milli != 1000) out.set_carbon(format_milli(rate.grid_carbon_milli));
    }
    from = to;
  }
}

}  // namespace weir::resource
