// Fields from evidence.
#include <algorithm>
#include <array>
#include <optional>

#include "intelligence/language/evidence.h"

namespace weir::language {
namespace {

// Limits of what a slot can hold; evidence outside of them is no field.
struct Range {
  int64_t least, most;
};
std::optional<Range> range_of(Slot slot) {
  switch (slot) {
    case Slot::kStreams: return Range{1, 1'000'000};
    case Slot::kLatency: return Range{1, int64_t{86'400} * 1'000'000};
    case Slot::kPercentile: return Range{1, 999'999};
    case Slot::kBandwidth: return Range{1, 1'000'000'000'000'000};
    case Slot::kRate: return Range{1, 2'000'000'000};
    case Slot::kCpu: return Range{1, 1'000'000'000};
    case Slot::kMemory:
    case Slot::kAcceleratorMemory: return Range{1, 2'147'483'647};
    case Slot::kAccelerators: return Range{1, 1'000'000};
    case Slot::kInstances: return Range{1, 10'000};
    case Slot::kBudget: return Range{1, 1'000'000'000'000'000'000};
    case Slot::kRunTime: return Range{1, int64_t{366} * 86'400 * 1'000'000};
    case Slot::kAvailability: return Range{1, 1'000'000};
    default: return std::nullopt;
  }
}

bool fits(const Field& field) {
  if (field.change != Change::kSet) return true;
  const auto range = range_of(field.slot);
  return !range || (field.amount >= range->least && field.amount <= range->most);
}

bool same(const Field& a, const Field& b) { return a.change == b.change && a.amount == b.amount && a.name == b.name; }

}  // namespace

bool holds_many(Slot slot) {
  return slot == Slot::kFrom || slot == Slot::kResidency || slot == Slot::kOnly || slot == Slot::kNot || slot == Slot::kPrefer || slot == Slot::kDown;
}

std::vector<Field> resolve(std::vector<Evidence> evidence, Act act, std::vector<Doubt>& doubts) {
  std::erase_if(evidence, [](const Evidence& one) { return one.no_field || !fits(one.field); });
  std::array<const Evidence*, kSlots> best{};
  std::vector<Field> fields;
  for (const Evidence& one : evidence) {
    const auto slot = static_cast<size_t>(one.field.slot);
    if (holds_many(one.field.slot)) {
      const bool known = std::any_of(fields.begin(), fields.end(), [&](const Field& field) { return field.slot == one.field.slot && field.name == one.field.name; });
      if (!known) fields.push_back(one.field);
      continue;
    }
    const Evidence*& held = best[slot];
    if (held == nullptr) {
      held = &one;
      continue;
    }
    // A figure outweighs a direction: "too expensive, 15 an hour".
    const auto vague = [](const Field& field) { return field.change == Change::kTighten || field.change == Change::kRelax; };
    if (vague(one.field) != vague(held->field)) {
      if (vague(held->field)) held = &one;
      continue;
    }
    const bool limit = one.bound && !held->bound;
    const bool weightier = one.bound == held->bound && one.field.confidence_permille > held->field.confidence_permille;
    const bool alike = one.bound == held->bound && one.field.confidence_permille == held->field.confidence_permille;
    const bool differs = !same(one.field, held->field) && one.field.slot != Slot::kWorkload && one.field.slot != Slot::kKind && one.field.slot != Slot::kTarget;
    if (alike && differs) doubts.push_back({DoubtKind::kConflict, one.field.slot, {}});
    // What is told last is what is wanted: "the other provider charged 70, you get 50".
    const bool later = alike && differs && (one.field.slot == Slot::kBudget || (one.field.slot == Slot::kInstances && one.field.amount > 1));
    if (limit || weightier || later) held = &one;
  }
  for (const Evidence* one : best) {
    if (one != nullptr) fields.push_back(one->field);
  }
  std::stable_sort(fields.begin(), fields.end(), [](const Field& a, const Field& b) { return a.slot < b.slot; });

  const auto find = [&](Slot slot) {
    return std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.slot == slot; });
  };
  // As many streams as come in at all places together.
  int64_t streams = 0;
  bool all_counted = find(Slot::kFrom) != fields.end();
  for (const Field& field : fields) {
    if (field.slot != Slot::kFrom) continue;
    streams += field.amount;
    all_counted = all_counted && field.amount > 0;
  }
  if (all_counted && act != Act::kEdit && find(Slot::kStreams) == fields.end() && streams <= 1'000'000) {
    const Field sum{.slot = Slot::kStreams, .amount = streams, .confidence_permille = find(Slot::kFrom)->confidence_permille};
    fields.insert(find(Slot::kFrom), sum);
  }
  // A bandwidth of all streams together is shared among them.
  const Evidence* bandwidth = best[static_cast<size_t>(Slot::kBandwidth)];
  if (bandwidth != nullptr && bandwidth->total) {
    const auto count = find(Slot::kStreams);
    if (count != fields.end() && count->amount > 0) find(Slot::kBandwidth)->amount /= count->amount;
  }
  // Asked for and excluded at once.
  for (const Field& only : fields) {
    if (only.slot != Slot::kOnly) continue;
    const bool excluded = std::any_of(fields.begin(), fields.end(), [&](const Field& field) { return field.slot == Slot::kNot && field.name == only.name; });
    if (excluded && act == Act::kRequest) doubts.push_back({DoubtKind::kConflict, Slot::kOnly, only.name});
  }
  return fields;
}

}  // namespace weir::language
