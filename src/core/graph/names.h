#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/graph/column.h"
#include "core/ids/ids.h"

namespace weir {

// Names to rows and back for one kind of thing; copied in O(1) like the columns. Rows whose names hash alike
// (FNV-1a, so that every machine has the same buckets) are chained: plain numbers, so that a chunk is copied
// without allocating.
class NameIndex {
 public:
  size_t size() const { return names_.size(); }
  const std::string& name(size_t row) const { return names_[row]; }
  // Id<...>::kNone if absent.
  uint32_t find(std::string_view name) const;
  // Requires that the name is absent. Returns the new row.
  uint32_t add(std::string name);
  // Bytes of the names and their index, as allocated.
  size_t bytes() const;

 private:
  void rehash(size_t bucket_count);
  static uint64_t hash(std::string_view name);

  Column<std::string> names_;
  Column<uint32_t> newest_;  // by bucket: the row added last
  Column<uint32_t> before_;  // by row: the row of its bucket added before it
};

}  // namespace weir
