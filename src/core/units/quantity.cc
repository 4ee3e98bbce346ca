#include "core/units/quantity.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <vector>

#include "core/units/text.h"

namespace weir {
namespace {

using Wide = __int128;

constexpr size_t kTextBytesMax = 64;
constexpr int kDigitsMax = 30;

struct Unit {
  std::string_view name;
  int64_t scale;  // stored units in one of these, divided by Kind::scale_divisor
};

struct Kind {
  std::span<const Unit> units;
  std::string_view preferred;  // unit that a bare number most likely meant; empty: a bare number is right
  std::string_view example;
  std::string_view finest;  // the stored unit, in words
  int64_t max;
  std::string_view max_text;
  int64_t scale_divisor = 1;
  bool round_up = false;
};

constexpr Unit kCpuUnits[] = {{"", 1000}, {"m", 1}};
// In bytes, divided by those of a MiB.
constexpr Unit kMemoryUnits[] = {
    {"Ki", int64_t{1} << 10},  {"Mi", int64_t{1} << 20},  {"Gi", int64_t{1} << 30},
    {"Ti", int64_t{1} << 40},  {"KiB", int64_t{1} << 10}, {"MiB", int64_t{1} << 20},
    {"GiB", int64_t{1} << 30}, {"TiB", int64_t{1} << 40}, {"kB", 1'000},
    {"MB", 1'000'000},         {"GB", 1'000'000'000},     {"TB", 1'000'000'000'000}};
constexpr Unit kBytesUnits[] = {
    {"B", 1},                  {"kB", 1'000},             {"MB", 1'000'000},         {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000}, {"Ki", int64_t{1} << 10},  {"Mi", int64_t{1} << 20},  {"Gi", int64_t{1} << 30},
    {"Ti", int64_t{1} << 40},  {"KiB", int64_t{1} << 10}, {"MiB", int64_t{1} << 20}, {"GiB", int64_t{1} << 30},
    {"TiB", int64_t{1} << 40}};
constexpr Unit kBandwidthUnits[] = {
    {"bps", 1}, {"kbps", 1'000}, {"Mbps", 1'000'000}, {"Gbps", 1'000'000'000}, {"Tbps", 1'000'000'000'000}};
constexpr Unit kDurationUnits[] = {{"us", 1},         {"ms", 1'000},        {"s", 1'000'000},
                                   {"m", 60'000'000}, {"h", 3'600'000'000}, {"d", 86'400'000'000}};
constexpr Unit kFractionUnits[] = {{"", 1'000'000}, {"%", 10'000}};
constexpr Unit kPercentileUnits[] = {{"", 10'000}};
constexpr Unit kMoneyUnits[] = {{"", 1'000'000'000}};
constexpr Unit kDistanceUnits[] = {{"m", 1}, {"km", 1'000}};
constexpr Unit kPowerUnits[] = {{"mW", 1}, {"W", 1'000}, {"kW", 1'000'000}, {"MW", 1'000'000'000}};
constexpr Unit kCarbonUnits[] = {{"gCO2/kWh", 1'000}, {"kgCO2/kWh", 1'000'000}};
constexpr Unit kMilliUnits[] = {{"", 1'000}};
constexpr Unit kMicroUnits[] = {{"", 1'000'000}};
constexpr Unit kCountUnits[] = {{"", 1}};

constexpr Kind kCpu{kCpuUnits, "", "0.3 or 300m", "a thousandth of a core", 1'000'000'000, "1000000 cores"};
constexpr Kind kMemory{kMemoryUnits,     "Mi", "256Mi", "1Mi", std::numeric_limits<int32_t>::max(), "2048Ti",
                       int64_t{1} << 20, true};
constexpr Kind kBytes{kBytesUnits, "MB", "40GB", "1B", int64_t{1} << 55, "32768Ti"};
constexpr Kind kBandwidth{kBandwidthUnits, "Mbps", "2Mbps", "1bps", 1'000'000'000'000'000, "1000Tbps"};
constexpr Kind kDuration{kDurationUnits, "ms", "500ms", "1us", 86'400'000'000, "24h"};
constexpr Kind kLifetime{kDurationUnits, "h", "720h", "1us", 315'576'000'000'000, "3652.5d"};
constexpr Kind kLongWork{kDurationUnits, "m", "20m", "1us", 31'536'000'000'000, "365d"};
constexpr Kind kFraction{kFractionUnits, "", "99.9% or 0.999", "0.0001%", 1'000'000, "100%"};
constexpr Kind kPercentile{kPercentileUnits, "", "99 or 99.9", "0.0001", 999'999, "99.9999"};
constexpr Kind kMoney{
    kMoneyUnits,         "", "20 or 0.05", "a billionth of a credit", 1'000'000'000'000'000'000,
    "1000000000 credits"};
constexpr Kind kDistance{kDistanceUnits, "km", "1200km", "1m", 100'000'000, "100000km"};
constexpr Kind kPower{kPowerUnits, "W", "9.5W", "1mW", 1'000'000'000'000, "1000MW"};
constexpr Kind kCarbon{kCarbonUnits,          "kgCO2/kWh", "0.4974kgCO2/kWh",
                       "a milligram per kWh", 10'000'000,  "10kgCO2/kWh"};
constexpr Kind kPue{kMilliUnits, "", "1.25", "0.001", 10'000, "10"};
constexpr Kind kWeight{kMilliUnits, "", "0.5", "0.001", 1'000'000, "1000"};
constexpr Kind kPerSecond{kMilliUnits, "", "2 or 0.5", "0.001", 2'000'000'000, "2000000"};

std::string quoted(std::string_view text) {
  return "\"" + clip_utf8(text, kTextBytesMax) + (text.size() > kTextBytesMax ? "..." : "") + "\"";
}

tl::unexpected<Error> refuse(std::string_view text, const std::string& why, std::string remedy) {
  return fail(ErrorCode::kInvalid, quoted(text) + " " + why, {}, std::move(remedy));
}

std::string write_it(const Kind& kind) { return "write it like " + std::string(kind.example); }

std::string accepted(const Kind& kind) {
  std::string out;
  for (const Unit& unit : kind.units) {
    if (!unit.name.empty()) out += (out.empty() ? "" : ", ") + std::string(unit.name);
  }
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_unit_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '%' || c == '/' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// digits / 10^decimals, and where the number ends.
struct Number {
  Wide digits = 0;
  int decimals = 0;
  size_t end = 0;
};

Wide power_of_ten(int exponent) {
  Wide out = 1;
  for (int i = 0; i < exponent; ++i) out *= 10;
  return out;
}

Result<Number> scan_number(std::string_view text, size_t at, const Kind& kind) {
  Number number;
  const size_t begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  const size_t whole_end = at;
  size_t fraction_end = at;
  if (at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1])) {
    ++at;
    while (at < text.size() && is_digit(text[at])) ++at;
    fraction_end = at;
    while (text[fraction_end - 1] == '0') --fraction_end;
  }
  number.end = at;
  if (whole_end == begin) return refuse(text, "is not a number", write_it(kind));
  int digits = 0;
  for (size_t i = begin; i < fraction_end; ++i) {
    if (text[i] == '.') continue;
    number.digits = number.digits * 10 + (text[i] - '0');
    if (number.digits != 0 && ++digits > kDigitsMax) {
      if (i < whole_end) return refuse(text, "is above the limit of " + std::string(kind.max_text), "");
      return refuse(text, "has too many decimals: the finest step is " + std::string(kind.finest), "");
    }
    if (i > whole_end && ++number.decimals > kDigitsMax) {
      return refuse(text, "has too many decimals: the finest step is " + std::string(kind.finest), "");
    }
  }
  return number;
}

// number * unit in stored units.
Result<int64_t> scaled(std::string_view text, const Number& number, const Unit& unit, const Kind& kind) {
  // 30 digits take 100 bits; a scale that would not fit takes the value over every limit.
  const Wide limit = (Wide{1} << 126) / unit.scale;
  const Wide divisor = power_of_ten(number.decimals);
  if (number.digits > limit || divisor > (Wide{1} << 126) / kind.scale_divisor) {
    if (number.digits / divisor > kind.max)
      return refuse(text, "is above the limit of " + std::string(kind.max_text), "");
    return refuse(text, "has too many decimals: the finest step is " + std::string(kind.finest), "");
  }
  const Wide by = divisor * kind.scale_divisor;
  const Wide exact = number.digits * unit.scale;
  Wide value = exact / by;
  if (exact % by != 0) {
    if (!kind.round_up) {
      return refuse(text, "has too many decimals: the finest step is " + std::string(kind.finest), "");
    }
    ++value;
  }
  if (value > kind.max) return refuse(text, "is above the limit of " + std::string(kind.max_text), "");
  return static_cast<int64_t>(value);
}

const Unit* find_unit(const Kind& kind, std::string_view name) {
  for (const Unit& unit : kind.units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

// A unit that people write by mistake for the one returned.
std::string_view meant(const Kind& kind, std::string_view name) {
  auto lower = [](std::string_view s) {
    std::string out(s);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
  };
  for (const Unit& unit : kind.units) {
    if (!unit.name.empty() && lower(unit.name) == lower(name)) return unit.name;
  }
  return {};
}

Status check_start(std::string_view text, const Kind& kind) {
  if (text.empty()) return fail(ErrorCode::kInvalid, "is empty", {}, write_it(kind));
  if (text[0] == '-') return refuse(text, "is negative", write_it(kind));
  return {};
}

std::string_view scan_unit(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() &&
         (is_unit_letter(text[end]) || (end > at && is_digit(text[end]) && text[end - 1] == 'O')))
    ++end;
  return text.substr(at, end - at);
}

tl::unexpected<Error> unit_error(std::string_view text, std::string_view number, std::string_view name,
                                 const Kind& kind) {
  const std::string units = accepted(kind);
  if (name.empty()) {
    return refuse(text, "has no unit",
                  "write " + std::string(number) + std::string(kind.preferred) + " (units: " + units + ")");
  }
  if (units.empty()) return refuse(text, "has a unit, and this number has none", write_it(kind));
  const std::string_view right = meant(kind, name);
  return refuse(text, "has the unknown unit " + quoted(name),
                (right.empty() ? write_it(kind) : "write " + std::string(number) + std::string(right)) +
                    " (units: " + units + ")");
}

Result<int64_t> parse(std::string_view text, const Kind& kind) {
  if (auto ok = check_start(text, kind); !ok) return tl::unexpected(ok.error());
  const auto number = scan_number(text, 0, kind);
  if (!number) return tl::unexpected(number.error());
  const std::string_view name = scan_unit(text, number->end);
  const Unit* unit = find_unit(kind, name);
  const size_t end = number->end + name.size();
  if (unit == nullptr && (end == text.size() || !name.empty())) {
    return unit_error(text, text.substr(0, number->end), name, kind);
  }
  if (end != text.size()) {
    return refuse(text, "goes on after the quantity with " + quoted(text.substr(end)), write_it(kind));
  }
  return scaled(text, *number, *unit, kind);
}

// Several parts, each unit smaller than the one before: "1h30m".
Result<int64_t> parse_compound(std::string_view text, const Kind& kind) {
  if (auto ok = check_start(text, kind); !ok) return tl::unexpected(ok.error());
  int64_t total = 0;
  int64_t scale_before = std::numeric_limits<int64_t>::max();
  for (size_t at = 0; at < text.size();) {
    const auto number = scan_number(text, at, kind);
    if (!number) {
      if (at == 0) return tl::unexpected(number.error());
      return refuse(text, "goes on after the quantity with " + quoted(text.substr(at)), write_it(kind));
    }
    const std::string_view name = scan_unit(text, number->end);
    const Unit* unit = find_unit(kind, name);
    if (unit == nullptr) {
      if (name.empty() && number->end < text.size()) {
        return refuse(text, "goes on after the quantity with " + quoted(text.substr(number->end)),
                      write_it(kind));
      }
      return unit_error(text, text.substr(0, number->end), name, kind);
    }
    if (unit->scale >= scale_before)
      return refuse(text, "has its units out of order", "write the larger first, like 1h30m");
    scale_before = unit->scale;
    const auto part = scaled(text, *number, *unit, kind);
    if (!part) return part;
    if (*part > kind.max - total)
      return refuse(text, "is above the limit of " + std::string(kind.max_text), "");
    total += *part;
    at = number->end + name.size();
  }
  return total;
}

Result<int32_t> narrow(const Result<int64_t>& value) {
  return value.map([](int64_t v) { return static_cast<int32_t>(v); });
}

// In the largest of `units` that leaves at most three decimals. The smallest is the stored unit.
std::string format(int64_t value, std::span<const Unit> units, int64_t scale_divisor = 1) {
  const Wide wide = static_cast<Wide>(value) * scale_divisor;
  for (size_t i = units.size(); i-- > 0;) {
    const Wide scale = units[i].scale;
    if (wide % scale == 0 && (i == 0 || wide >= scale)) {
      return std::to_string(static_cast<int64_t>(wide / scale)) + std::string(units[i].name);
    }
    if (wide < scale || wide * 1000 % scale != 0) continue;
    return format_decimal(static_cast<int64_t>(wide * 1000 / scale), 3) + std::string(units[i].name);
  }
  return {};
}

Result<int64_t> parse_work(std::string_view text, const Kind& kind) {
  constexpr std::string_view kReference = "@reference-core";
  const size_t at = text.find('@');
  if (at == std::string_view::npos) {
    const bool good = parse_compound(text, kind).has_value();
    return refuse(text, "does not say on which core",
                  "write " + (good ? std::string(text) : "30ms") + std::string(kReference));
  }
  if (text.substr(at) != kReference) {
    return refuse(text, "names an unknown core " + quoted(text.substr(at)),
                  "write " + clip_utf8(text.substr(0, at), kTextBytesMax) + std::string(kReference));
  }
  return parse_compound(text.substr(0, at), kind);
}

}  // namespace

Result<int32_t> parse_cpu_milli(std::string_view text) { return narrow(parse(text, kCpu)); }
Result<int32_t> parse_memory_mib(std::string_view text) { return narrow(parse(text, kMemory)); }
Result<int64_t> parse_bytes(std::string_view text) { return parse(text, kBytes); }
Result<int64_t> parse_bandwidth_bps(std::string_view text) { return parse(text, kBandwidth); }
Result<int64_t> parse_duration_us(std::string_view text) { return parse_compound(text, kDuration); }
Result<int64_t> parse_lifetime_us(std::string_view text) { return parse_compound(text, kLifetime); }
Result<int64_t> parse_money_nanocredits(std::string_view text) { return parse(text, kMoney); }
Result<int64_t> parse_distance_m(std::string_view text) { return parse(text, kDistance); }
Result<int64_t> parse_power_mw(std::string_view text) { return parse(text, kPower); }
Result<int64_t> parse_carbon_mg_per_kwh(std::string_view text) { return parse(text, kCarbon); }
Result<int32_t> parse_weight_milli(std::string_view text) { return narrow(parse(text, kWeight)); }
Result<int64_t> parse_per_second_milli(std::string_view text) { return parse(text, kPerSecond); }

Result<int32_t> parse_fraction_ppm(std::string_view text) {
  auto value = parse(text, kFraction);
  if (!value && !text.empty() && is_digit(text.back()) && parse(std::string(text) + "%", kFraction)) {
    return refuse(text, "is above 1", "write " + std::string(text) + "%");
  }
  return narrow(value);
}

Result<int32_t> parse_percentile_ppm(std::string_view text) {
  auto value = parse(text, kPercentile);
  if (value && *value == 0) return refuse(text, "is not above 0", write_it(kPercentile));
  return narrow(value);
}

Result<int64_t> parse_work_us(std::string_view text) { return parse_work(text, kDuration); }
Result<int64_t> parse_long_work_us(std::string_view text) { return parse_work(text, kLongWork); }

Result<int32_t> parse_pue_milli(std::string_view text) {
  auto value = parse(text, kPue);
  if (value && *value < 1000)
    return refuse(text, "is below 1", "a site cannot use less than its machines; write it like 1.25");
  return narrow(value);
}

Result<int32_t> parse_degrees_micro(std::string_view text, int32_t degrees_max) {
  const std::string max_text = std::to_string(degrees_max) + " degrees";
  const Kind kind{kMicroUnits, "", "30.2741", "0.000001 degrees", int64_t{degrees_max} * 1'000'000, max_text};
  const bool negative = text.size() > 1 && text[0] == '-' && text[1] != '-';
  const auto value = parse(negative ? text.substr(1) : text, kind);
  return narrow(negative ? value.map([](int64_t v) { return -v; }) : value);
}

Result<int64_t> parse_count(std::string_view text, int64_t low, int64_t high) {
  const std::string max_text = std::to_string(high);
  const std::string example = std::to_string(std::max<int64_t>(low, 1));
  const Kind kind{kCountUnits, "", example, "1", high, max_text};
  auto value = parse(text, kind);
  if (value && *value < low) return refuse(text, "is below " + std::to_string(low), write_it(kind));
  return value;
}

std::string format_decimal(int64_t value, int decimals) {
  // In uint64_t, so that the smallest value has a magnitude.
  uint64_t magnitude = value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
  std::string digits = std::to_string(magnitude);
  const auto places = static_cast<size_t>(decimals);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  if (places > 0) {
    digits.insert(digits.size() - places, 1, '.');
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
  }
  return (value < 0 ? "-" : "") + digits;
}

std::string format_cpu(int64_t milli) { return format_decimal(milli, 3); }
std::string format_memory(int64_t mib) {
  return format(mib, std::span(kMemoryUnits).subspan(1, 3), kMemory.scale_divisor);
}
std::string format_bytes(int64_t bytes) { return format(bytes, std::span(kBytesUnits).first(5)); }
std::string format_bandwidth(int64_t bps) { return format(bps, kBandwidthUnits); }
std::string format_duration(int64_t us) { return format(us, kDurationUnits); }
std::string format_fraction(int64_t ppm) { return format_decimal(ppm, 4) + "%"; }
std::string format_percentile(int64_t ppm) { return format_decimal(ppm, 4); }
std::string format_work(int64_t us) { return format_duration(us) + "@reference-core"; }
std::string format_money(int64_t nanocredits) { return format_decimal(nanocredits, 9); }
std::string format_distance(int64_t m) { return format(m, kDistanceUnits); }
std::string format_power(int64_t mw) { return format(mw, kPowerUnits); }
std::string format_carbon(int64_t mg_per_kwh) { return format_decimal(mg_per_kwh, 6) + "kgCO2/kWh"; }
std::string format_milli(int64_t milli) { return format_decimal(milli, 3); }
std::string format_degrees(int64_t micro) { return format_decimal(micro, 6); }

}  // namespace weir
