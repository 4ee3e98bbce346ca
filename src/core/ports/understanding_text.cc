#include "core/ports/understanding_text.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/units/quantity.h"

namespace weir {
namespace {

constexpr std::array<std::string_view, 11> kActs = {"request", "edit", "why", "what-if", "how-much", "where", "status", "cancel", "accept", "decline", "other"};
constexpr std::array<std::string_view, kSlots> kSlotNames = {
    "kind", "workload", "artifact", "target", "streams", "from", "latency", "pct", "up", "rate", "cpu", "mem", "gpus", "model", "gpumem", "instances",
    "budget", "deadline", "start", "run", "residency", "only", "not", "avail", "prefer", "down"};

std::string two(int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); }

std::string local_time(int64_t unix_s, int32_t utc_offset_s) {
  using namespace std::chrono;
  const sys_seconds at{seconds{unix_s + utc_offset_s}};
  const sys_days day = floor<days>(at);
  const year_month_day date{day};
  const int64_t minutes = duration_cast<std::chrono::minutes>(at - day).count();
  return std::to_string(static_cast<int>(date.year())) + "-" + two(static_cast<unsigned>(date.month())) + "-" + two(static_cast<unsigned>(date.day())) +
         "T" + two(minutes / 60) + ":" + two(minutes % 60);
}

std::string bare(std::string text) {
  std::replace(text.begin(), text.end(), ' ', '_');
  return text;
}

std::string amount_text(const Field& field, int32_t utc_offset_s) {
  switch (field.slot) {
    case Slot::kLatency:
    case Slot::kRunTime: return format_duration(field.amount);
    case Slot::kPercentile: return format_percentile(field.amount);
    case Slot::kBandwidth: return format_bandwidth(field.amount);
    case Slot::kRate:
    case Slot::kCpu:
    case Slot::kAccelerators: return format_milli(field.amount);
    case Slot::kMemory:
    case Slot::kAcceleratorMemory: return format_memory(field.amount);
    case Slot::kBudget: return format_money(field.amount) + "/" + field.name;
    case Slot::kAvailability: return format_fraction(field.amount);
    case Slot::kDeadline:
    case Slot::kStart: return local_time(field.amount, utc_offset_s);
    case Slot::kStreams:
    case Slot::kInstances: return std::to_string(field.amount);
    case Slot::kFrom: return bare(field.name) + (field.amount > 0 ? ":" + std::to_string(field.amount) : "");
    default: return bare(field.name);
  }
}

}  // namespace

std::string_view name_of(Act act) { return kActs[static_cast<size_t>(act)]; }
std::string_view name_of(Slot slot) { return kSlotNames[static_cast<size_t>(slot)]; }

std::string value_text(const Field& field, int32_t utc_offset_s) {
  switch (field.change) {
    case Change::kSet: return amount_text(field, utc_offset_s);
    case Change::kTimes: return "*" + format_milli(field.amount);
    case Change::kTighten: return "tighten";
    case Change::kRelax: return "relax";
    case Change::kRemove: return "none";
    case Change::kAdd: break;
  }
  Field by = field;
  by.change = Change::kSet;
  by.amount = field.amount < 0 ? -field.amount : field.amount;
  const std::string sign = field.amount < 0 ? "-" : "+";
  if (field.slot == Slot::kDeadline || field.slot == Slot::kStart) return sign + format_duration(by.amount * 1'000'000);
  return sign + amount_text(by, utc_offset_s);
}

std::string frame_text(const Frame& frame, int32_t utc_offset_s) {
  std::string out(name_of(frame.act));
  for (size_t i = 0; i < frame.fields.size();) {
    const Slot slot = frame.fields[i].slot;
    std::vector<std::string> values;
    for (; i < frame.fields.size() && frame.fields[i].slot == slot; ++i) values.push_back(value_text(frame.fields[i], utc_offset_s));
    std::sort(values.begin(), values.end());
    out += " " + std::string(name_of(slot)) + "=";
    for (size_t k = 0; k < values.size(); ++k) out += (k > 0 ? "," : "") + values[k];
  }
  return out;
}

std::string understanding_text(const Understanding& understanding, int32_t utc_offset_s) {
  std::string out;
  for (const Frame& frame : understanding.frames) out += (out.empty() ? "" : " | ") + frame_text(frame, utc_offset_s);
  return out;
}

}  // namespace weir
