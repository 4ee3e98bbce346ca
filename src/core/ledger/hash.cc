#include "core/ledger/hash.h"

// The one-shot and EVP interfaces of OpenSSL 3 look the algorithm up again for every call, which costs more
// than hashing a record; the direct ones are deprecated but maintained.
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/sha.h>

namespace weir {
namespace {

constexpr uint8_t kLeafPrefix = 0;
constexpr uint8_t kNodePrefix = 1;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Hash sha256(std::span<const std::byte> data) {
  Hash out;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, data.data(), data.size());
  SHA256_Final(out.bytes.data(), &context);
  return out;
}

Hash leaf_hash(std::span<const std::byte> record) {
  Hash out;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, &kLeafPrefix, 1);
  SHA256_Update(&context, record.data(), record.size());
  SHA256_Final(out.bytes.data(), &context);
  return out;
}

Hash node_hash(const Hash& left, const Hash& right) {
  Hash out;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, &kNodePrefix, 1);
  SHA256_Update(&context, left.bytes.data(), left.bytes.size());
  SHA256_Update(&context, right.bytes.data(), right.bytes.size());
  SHA256_Final(out.bytes.data(), &context);
  return out;
}

Hash empty_root() { return sha256({}); }

std::string to_hex(const Hash& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(hash.bytes.size() * 2);
  for (uint8_t byte : hash.bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

Result<Hash> hash_from_hex(std::string_view digits) {
  Hash out;
  if (digits.size() != out.bytes.size() * 2) {
    return fail(ErrorCode::kInvalid,
                "a hash has 64 hexadecimal digits, this has " + std::to_string(digits.size()));
  }
  for (size_t i = 0; i < out.bytes.size(); ++i) {
    int high = hex_value(digits[2 * i]);
    int low = hex_value(digits[2 * i + 1]);
    if (high < 0 || low < 0) {
      return fail(ErrorCode::kInvalid, "a hash has hexadecimal digits only; character " +
                                           std::to_string(2 * i + (high < 0 ? 1 : 2)) + " is not one");
    }
    out.bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return out;
}

}  // namespace weir
