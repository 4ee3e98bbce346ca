#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace weir::store {

inline uint32_t load_u32(const std::byte* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline uint64_t load_u64(const std::byte* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store_u32(std::byte* to, uint32_t value) { std::memcpy(to, &value, sizeof value); }
inline void store_u64(std::byte* to, uint64_t value) { std::memcpy(to, &value, sizeof value); }

}  // namespace weir::store
