#include "intelligence/learning/training.h"

#include <algorithm>
#include <numeric>

namespace weir::learning {

FeatureTable FeatureCount::table(size_t least) {
  std::sort(seen_.begin(), seen_.end());
  std::vector<Feature> kept;
  for (auto at = seen_.begin(); at != seen_.end();) {
    const auto end = std::find_if(at, seen_.end(), [&](Feature feature) { return feature != *at; });
    if (static_cast<size_t>(end - at) >= least) kept.push_back(*at);
    at = end;
  }
  seen_ = {};
  return FeatureTable(std::move(kept));
}

std::vector<uint32_t> rows_of(const FeatureTable& table, const std::vector<Feature>& features) {
  std::vector<uint32_t> out;
  out.reserve(features.size());
  for (const Feature feature : features) {
    if (const uint32_t row = table.row(feature); row != FeatureTable::kNone) out.push_back(row);
  }
  return out;
}

std::vector<uint32_t> shuffled(size_t n, Draws& draws) {
  std::vector<uint32_t> out(n);
  std::iota(out.begin(), out.end(), 0u);
  for (size_t i = n; i > 1; --i) std::swap(out[i - 1], out[draws.below(i)]);
  return out;
}

}  // namespace weir::learning
