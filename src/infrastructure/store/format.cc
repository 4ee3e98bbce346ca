#include "infrastructure/store/format.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "infrastructure/store/bytes.h"
#include "infrastructure/store/crc32c.h"

namespace weir::store {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the encoding copies integers as they lie in memory");

constexpr std::string_view kSegmentMagic = "WEIRSEGM";
constexpr size_t kSegmentCrcOffset = 48;
constexpr uint32_t kFlagFromReserve = 1;
constexpr std::string_view kSegmentSuffix = ".segment";
constexpr std::string_view kCheckpointPrefix = "checkpoint-";
constexpr size_t kPositionDigits = 20;

std::string padded(Position position) {
  std::string digits = std::to_string(position);
  return std::string(kPositionDigits - digits.size(), '0') + digits;
}

std::optional<Position> parse_padded(std::string_view digits) {
  Position out = 0;
  if (digits.size() != kPositionDigits) return std::nullopt;
  auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (code != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return out;
}

}  // namespace

uint32_t crc_seed(const LedgerId& ledger) { return crc32c(0, ledger); }

void encode(const SegmentHeader& header, std::span<std::byte, kSegmentHeaderBytes> out) {
  std::fill(out.begin(), out.end(), std::byte{0});
  std::memcpy(out.data(), kSegmentMagic.data(), kSegmentMagic.size());
  store_u32(&out[8], kFormatVersion);
  store_u32(&out[12], header.from_reserve ? kFlagFromReserve : 0);
  std::copy(header.ledger.begin(), header.ledger.end(), out.begin() + 16);
  store_u64(&out[32], header.first);
  store_u64(&out[40], header.segment_bytes);
  store_u32(&out[kSegmentCrcOffset], crc32c(0, out.first(kSegmentCrcOffset)));
}

Result<SegmentHeader> decode_segment_header(Bytes bytes, const std::string& path) {
  if (bytes.size() < kSegmentHeaderBytes ||
      std::memcmp(bytes.data(), kSegmentMagic.data(), kSegmentMagic.size()) != 0) {
    return fail(ErrorCode::kCorrupt, "not a ledger segment", path, "restore this file from a backup");
  }
  uint32_t version = load_u32(&bytes[8]);
  if (version > kFormatVersion) {
    return fail(ErrorCode::kUnsupported,
                "written by a newer Weir (ledger format " + std::to_string(version) +
                    "; this one reads up to " + std::to_string(kFormatVersion) + ")",
                path, "upgrade this Weir");
  }
  if (version == 0 || load_u32(&bytes[kSegmentCrcOffset]) != crc32c(0, bytes.first(kSegmentCrcOffset))) {
    return fail(ErrorCode::kCorrupt, "the segment's header is damaged", path + ": offset 0",
                "restore this file from a backup");
  }
  SegmentHeader out;
  out.from_reserve = (load_u32(&bytes[12]) & kFlagFromReserve) != 0;
  std::copy_n(bytes.begin() + 16, out.ledger.size(), out.ledger.begin());
  out.first = load_u64(&bytes[32]);
  out.segment_bytes = load_u64(&bytes[40]);
  return out;
}

void encode(uint32_t seed, const BatchHeader& header, std::span<std::byte, kBatchHeaderBytes> out) {
  store_u32(&out[0], kBatchMagic);
  store_u64(&out[8], header.first);
  store_u64(&out[16], header.durable);
  store_u32(&out[24], header.count);
  store_u32(&out[28], header.bytes);
  store_u32(&out[4], crc32c(seed, out.subspan(8)));
}

std::optional<BatchHeader> decode_batch_header(uint32_t seed, Bytes bytes) {
  if (bytes.size() < kBatchHeaderBytes || load_u32(&bytes[0]) != kBatchMagic) return std::nullopt;
  if (load_u32(&bytes[4]) != crc32c(seed, bytes.subspan(8, kBatchHeaderBytes - 8))) return std::nullopt;
  BatchHeader out{load_u64(&bytes[8]), load_u64(&bytes[16]), load_u32(&bytes[24]), load_u32(&bytes[28])};
  if (out.durable > out.first) return std::nullopt;
  return out;
}

uint32_t record_crc(uint32_t seed, Position position, Bytes record) {
  std::array<std::byte, 12> prefix;
  store_u64(&prefix[0], position);
  store_u32(&prefix[8], static_cast<uint32_t>(record.size()));
  return crc32c(crc32c(seed, prefix), record);
}

std::string segment_name(Position first) { return padded(first) + std::string(kSegmentSuffix); }

std::optional<Position> position_of_segment_name(std::string_view name) {
  if (!name.ends_with(kSegmentSuffix)) return std::nullopt;
  return parse_padded(name.substr(0, name.size() - kSegmentSuffix.size()));
}

std::string checkpoint_name(Position version) { return std::string(kCheckpointPrefix) + padded(version); }

std::optional<Position> version_of_checkpoint_name(std::string_view name) {
  if (!name.starts_with(kCheckpointPrefix)) return std::nullopt;
  return parse_padded(name.substr(kCheckpointPrefix.size()));
}

}  // namespace weir::store
