#include "core/ledger/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

// FIPS 180-4 examples.
TEST(Hash, IsSha256) {
  EXPECT_EQ(to_hex(sha256(bytes_of("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hash, LeafAndNodeHavePrefixes) {
  EXPECT_EQ(leaf_hash(bytes_of("abc")), sha256(bytes_of(std::string_view("\0abc", 4))));
  Hash left = sha256(bytes_of("l")), right = sha256(bytes_of("r"));
  std::string joined = "\1";
  joined.append(reinterpret_cast<const char*>(left.bytes.data()), 32);
  joined.append(reinterpret_cast<const char*>(right.bytes.data()), 32);
  EXPECT_EQ(node_hash(left, right), sha256(bytes_of(joined)));
}

TEST(Hash, HexGoesBothWays) {
  Hash hash = sha256(bytes_of("x"));
  EXPECT_EQ(hash_from_hex(to_hex(hash)), hash);
}

TEST(Hash, HexRefusesOtherLengthsAndDigits) {
  std::string digits = to_hex(empty_root());
  EXPECT_FALSE(hash_from_hex(digits.substr(1)));
  EXPECT_FALSE(hash_from_hex(digits + "0"));
  digits[9] = 'g';
  Result<Hash> bad = hash_from_hex(digits);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::kInvalid);
  EXPECT_NE(bad.error().what.find("character 10"), std::string::npos);
}

}  // namespace
}  // namespace weir
