#include "infrastructure/store/crc32c.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string_view>
#include <vector>

namespace weir::store {
namespace {

uint32_t of(std::string_view text) { return crc32c(0, std::as_bytes(std::span(text))); }

// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
TEST(Crc32c, KnownValues) {
  EXPECT_EQ(of(""), 0u);
  EXPECT_EQ(of("123456789"), 0xE3069283u);
  EXPECT_EQ(of(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(of(std::string(32, '\xff')), 0x62A8AB43u);
}

RC_GTEST_PROP(Crc32cProperty, InstructionAndTableAgreeAndContinue,
              (const std::vector<uint8_t>& data, uint32_t start)) {
  auto bytes = std::as_bytes(std::span(data));
  RC_ASSERT(crc32c(start, bytes) == crc32c_by_table(start, bytes));
  auto cut = *rc::gen::inRange<size_t>(0, data.size() + 1);
  RC_ASSERT(crc32c(crc32c(start, bytes.first(cut)), bytes.subspan(cut)) == crc32c(start, bytes));
}

}  // namespace
}  // namespace weir::store
