#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/result/result.h"

namespace weir {

// A SHA-256 digest.
struct Hash {
  std::array<uint8_t, 32> bytes{};
  friend auto operator<=>(const Hash&, const Hash&) = default;
};

Hash sha256(std::span<const std::byte> data);

// The hashes of RFC 6962, section 2.1: leaves and inner nodes start with different bytes, so that neither
// can pass for the other.
Hash leaf_hash(std::span<const std::byte> record);
Hash node_hash(const Hash& left, const Hash& right);
// The root of a tree without leaves.
Hash empty_root();

// 64 lower-case hexadecimal digits.
std::string to_hex(const Hash& hash);
// Accepts exactly 64 hexadecimal digits of either case; kInvalid otherwise.
Result<Hash> hash_from_hex(std::string_view digits);

}  // namespace weir
