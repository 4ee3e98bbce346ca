#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/ids/ids.h"
#include "core/ports/log_store.h"
#include "core/result/result.h"

// The bytes of a segment file. All integers are little-endian.
//
//   segment = header (4096 bytes), batch..., zeros up to the preallocated size
//   header  = "WEIRSEGM", format u32, flags u32, ledger id (16 bytes), first position u64, segment bytes u64,
//             CRC of the above u32, zeros
//   batch   = magic u32, CRC of the rest of the header u32, position of its first record u64, durable end
//   when
//             it was written u64, record count u32, bytes of its records u32, record...
//   record  = length u32, CRC of (position u64, length u32, bytes) u32, bytes
//
// CRCs are CRC-32C and start from the CRC of the ledger's id, so that bytes of another ledger never pass.
// A batch is one flush, or a part of one, and is taken whole or not at all on recovery. A batch without
// records says only that everything before it is durable.
namespace weir::store {

inline constexpr uint32_t kFormatVersion = 1;
inline constexpr size_t kSegmentHeaderBytes = 4096;
inline constexpr size_t kBatchHeaderBytes = 32;
inline constexpr size_t kRecordHeaderBytes = 8;
inline constexpr size_t kRecordBytesMax = size_t{16} << 20;
inline constexpr uint64_t kSegmentBytesMax = uint64_t{1} << 31;
inline constexpr uint32_t kBatchMagic = 0x48435442;  // "BTCH"

using LedgerId = std::array<std::byte, 16>;

struct SegmentHeader {
  LedgerId ledger{};
  Position first = 0;
  uint64_t segment_bytes = 0;
  bool from_reserve = false;  // activated for repairs on a full disk
  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

struct BatchHeader {
  Position first = 0;
  Position durable = 0;
  uint32_t count = 0;
  uint32_t bytes = 0;
  friend bool operator==(const BatchHeader&, const BatchHeader&) = default;
};

uint32_t crc_seed(const LedgerId& ledger);

void encode(const SegmentHeader& header, std::span<std::byte, kSegmentHeaderBytes> out);
// kUnsupported: written by a newer format. kCorrupt: anything else that is wrong. `path` is for the message.
Result<SegmentHeader> decode_segment_header(Bytes bytes, const std::string& path);

void encode(uint32_t seed, const BatchHeader& header, std::span<std::byte, kBatchHeaderBytes> out);
// Nothing if the first 32 bytes are not a batch header of this ledger.
std::optional<BatchHeader> decode_batch_header(uint32_t seed, Bytes bytes);

uint32_t record_crc(uint32_t seed, Position position, Bytes record);

// "00000000000000001024.segment"
std::string segment_name(Position first);
std::optional<Position> position_of_segment_name(std::string_view name);
// "checkpoint-00000000000000001024"
std::string checkpoint_name(Position version);
std::optional<Position> version_of_checkpoint_name(std::string_view name);

}  // namespace weir::store
