#include "core/graph/names.h"

#include <utility>

namespace weir {
namespace {

constexpr uint32_t kNone = Id<void>::kNone;

}  // namespace

uint64_t NameIndex::hash(std::string_view name) {
  uint64_t h = 14695981039346656037ull;
  for (const char c : name) h = (h ^ static_cast<uint8_t>(c)) * 1099511628211ull;
  return h ^ (h >> 32);
}

uint32_t NameIndex::find(std::string_view name) const {
  if (newest_.empty()) return kNone;
  uint32_t row = newest_[hash(name) % newest_.size()];
  while (row != kNone && names_[row] != name) row = before_[row];
  return row;
}

uint32_t NameIndex::add(std::string name) {
  if (names_.size() >= 2 * newest_.size()) rehash(newest_.empty() ? 256 : newest_.size() * 4);
  const auto row = static_cast<uint32_t>(names_.size());
  uint32_t& newest = newest_.mutate(hash(name) % newest_.size());
  before_.push_back(std::exchange(newest, row));
  names_.push_back(std::move(name));
  return row;
}

void NameIndex::rehash(size_t bucket_count) {
  newest_ = {};
  for (size_t i = 0; i < bucket_count; ++i) newest_.push_back(kNone);
  for (size_t row = 0; row < names_.size(); ++row) {
    uint32_t& newest = newest_.mutate(hash(names_[row]) % bucket_count);
    before_.mutate(row) = std::exchange(newest, static_cast<uint32_t>(row));
  }
}

size_t NameIndex::bytes() const {
  size_t total = names_.bytes() + newest_.bytes() + before_.bytes();
  for (size_t row = 0; row < names_.size(); ++row) {
    const auto& name = names_[row];
    if (name.capacity() > 15) total += name.capacity() + 1;
  }
  return total;
}

}  // namespace weir
