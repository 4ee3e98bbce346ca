#include "core/graph/names.h"

namespace weir {

uint64_t NameIndex::hash(std::string_view name) {
  uint64_t h = 14695981039346656037ull;
  for (const char c : name) h = (h ^ static_cast<uint8_t>(c)) * 1099511628211ull;
  return h ^ (h >> 32);
}

uint32_t NameIndex::find(std::string_view name) const {
  if (buckets_.empty()) return Id<void>::kNone;
  for (const uint32_t row : buckets_[hash(name) % buckets_.size()]) {
    if (names_[row] == name) return row;
  }
  return Id<void>::kNone;
}

uint32_t NameIndex::add(std::string name) {
  if (names_.size() >= 2 * buckets_.size()) rehash(buckets_.empty() ? 256 : buckets_.size() * 4);
  const auto row = static_cast<uint32_t>(names_.size());
  buckets_.mutate(hash(name) % buckets_.size()).push_back(row);
  names_.push_back(std::move(name));
  return row;
}

void NameIndex::rehash(size_t bucket_count) {
  Column<std::vector<uint32_t>> buckets;
  for (size_t i = 0; i < bucket_count; ++i) buckets.push_back({});
  for (size_t row = 0; row < names_.size(); ++row) {
    buckets.mutate(hash(names_[row]) % bucket_count).push_back(static_cast<uint32_t>(row));
  }
  buckets_ = std::move(buckets);
}

size_t NameIndex::bytes() const {
  size_t total = names_.bytes() + buckets_.bytes();
  for (size_t row = 0; row < names_.size(); ++row) {
    const auto& name = names_[row];
    if (name.capacity() > 15) total += name.capacity() + 1;
  }
  for (size_t b = 0; b < buckets_.size(); ++b) total += buckets_[b].capacity() * sizeof(uint32_t);
  return total;
}

}  // namespace weir
