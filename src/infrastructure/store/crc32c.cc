#include "infrastructure/store/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace weir::store {
namespace {

constexpr uint32_t kPolynomialReversed = 0x82F63B78;

// tables[k][b]: the CRC of byte b followed by k zero bytes, so that eight bytes are looked up at once.
constexpr std::array<std::array<uint32_t, 256>, 8> make_tables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? kPolynomialReversed : 0);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 255];
    }
  }
  return tables;
}

constexpr auto kTables = make_tables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_by_instruction(uint32_t crc,
                                                                 std::span<const std::byte> data) {
  uint64_t state = ~crc;
  const std::byte* at = data.data();
  size_t left = data.size();
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    state = _mm_crc32_u64(state, word);
  }
  auto narrow = static_cast<uint32_t>(state);
  for (; left > 0; --left, ++at) narrow = _mm_crc32_u8(narrow, static_cast<uint8_t>(*at));
  return ~narrow;
}
#endif

}  // namespace

uint32_t crc32c_by_table(uint32_t crc, std::span<const std::byte> data) {
  uint32_t state = ~crc;
  size_t i = 0;
  auto byte = [&](size_t k) { return static_cast<uint32_t>(data[i + k]); };
  for (; i + 8 <= data.size(); i += 8) {
    uint32_t low = state ^ (byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24);
    state = kTables[7][low & 255] ^ kTables[6][low >> 8 & 255] ^ kTables[5][low >> 16 & 255] ^
            kTables[4][low >> 24] ^ kTables[3][byte(4)] ^ kTables[2][byte(5)] ^ kTables[1][byte(6)] ^
            kTables[0][byte(7)];
  }
  for (; i < data.size(); ++i) state = (state >> 8) ^ kTables[0][(state ^ byte(0)) & 255];
  return ~state;
}

uint32_t crc32c(uint32_t crc, std::span<const std::byte> data) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return crc32c_by_instruction(crc, data);
#endif
  return crc32c_by_table(crc, data);
}

}  // namespace weir::store
