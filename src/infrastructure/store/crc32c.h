#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::store {

// CRC-32C (Castagnoli polynomial, RFC 3720 appendix B.4) of `data`, continuing from `crc`, the value for the
// bytes before it; 0 to start. Uses the processor's instruction where there is one.
uint32_t crc32c(uint32_t crc, std::span<const std::byte> data);

// The same by table lookup, for processors without the instruction.
uint32_t crc32c_by_table(uint32_t crc, std::span<const std::byte> data);

}  // namespace weir::store
