#include "infrastructure/telemetry/stamp.h"

#include <string>

namespace weir::telemetry {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kNtpEpochSeconds = 2'208'988'800;  // 1900-01-01 to 1970-01-01

// Offsets of both packets' fields; the reflector's own go on from kReceiveTimestamp.
constexpr size_t kSequence = 0;
constexpr size_t kTimestamp = 4;
constexpr size_t kError = 12;
constexpr size_t kSsid = 14;
constexpr size_t kReceiveTimestamp = 16;
constexpr size_t kSenderSequence = 24;
constexpr size_t kSenderTimestamp = 28;
constexpr size_t kSenderError = 36;
constexpr size_t kSenderTtl = 40;

template <class T>
void put(StampPacket& packet, size_t offset, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    packet[offset + i] = static_cast<std::byte>((value >> (8 * (sizeof(T) - 1 - i))) & 0xff);
  }
}

template <class T>
T get(std::span<const std::byte> packet, size_t offset) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>((value << 8 * (sizeof(T) > 1)) | std::to_integer<T>(packet[offset + i]));
  }
  return value;
}

uint16_t error_bits(const StampErrorEstimate& error) {
  return static_cast<uint16_t>((error.synchronized ? 0x8000 : 0) |
                               (error.clock == StampClock::kPtp ? 0x4000 : 0) | ((error.scale & 0x3f) << 8) |
                               error.multiplier);
}

StampErrorEstimate error_of(uint16_t bits) {
  return {.synchronized = (bits & 0x8000) != 0,
          .clock = (bits & 0x4000) != 0 ? StampClock::kPtp : StampClock::kNtp,
          .scale = static_cast<uint8_t>((bits >> 8) & 0x3f),
          .multiplier = static_cast<uint8_t>(bits & 0xff)};
}

Status check(std::span<const std::byte> packet) {
  if (packet.size() < kStampPacketBytes) {
    return fail(ErrorCode::kCorrupt,
                "STAMP packet of " + std::to_string(packet.size()) + " octets, expected at least 44");
  }
  if (packet[kError + 1] == std::byte{0}) {
    return fail(ErrorCode::kCorrupt, "STAMP error estimate has multiplier 0", "octet 13");
  }
  return {};
}

}  // namespace

StampErrorEstimate stamp_error_estimate(uint64_t error_ns, bool synchronized, StampClock clock) {
  // In units of 2^-32 s, rounded up; then shifted until it fits the 8-bit multiplier.
  unsigned __int128 units = (static_cast<unsigned __int128>(error_ns) << 32);
  units = (units + kNsPerSecond - 1) / kNsPerSecond;
  uint8_t scale = 0;
  while (units > 0xff) {
    units = (units + 1) >> 1;
    ++scale;
  }
  return {synchronized, clock, scale, static_cast<uint8_t>(units == 0 ? 1 : units)};
}

uint64_t stamp_timestamp(uint64_t unix_ns, StampClock clock) {
  const uint64_t seconds = unix_ns / kNsPerSecond;
  const uint64_t ns = unix_ns % kNsPerSecond;
  if (clock == StampClock::kPtp) return (seconds & 0xffffffff) << 32 | ns;
  // Rounded up, so that the truncation of stamp_unix_ns gives back the same nanosecond.
  const uint64_t fraction = ((ns << 32) + kNsPerSecond - 1) / kNsPerSecond;
  return ((seconds + kNtpEpochSeconds) & 0xffffffff) << 32 | fraction;
}

uint64_t stamp_unix_ns(uint64_t wire, StampClock clock, uint64_t near_unix_ns) {
  uint32_t seconds = static_cast<uint32_t>(wire >> 32);
  uint64_t ns = wire & 0xffffffff;
  if (clock == StampClock::kNtp) {
    seconds -= static_cast<uint32_t>(kNtpEpochSeconds);
    ns = (ns * kNsPerSecond) >> 32;
  }
  const uint64_t near_seconds = near_unix_ns / kNsPerSecond;
  const auto ahead = static_cast<int32_t>(seconds - static_cast<uint32_t>(near_seconds));
  int64_t unix_seconds = static_cast<int64_t>(near_seconds) + ahead;
  if (unix_seconds < 0) unix_seconds += int64_t{1} << 32;
  return static_cast<uint64_t>(unix_seconds) * kNsPerSecond + ns;
}

StampPacket encode(const StampProbe& probe) {
  StampPacket packet{};
  put(packet, kSequence, probe.sequence);
  put(packet, kTimestamp, probe.timestamp);
  put(packet, kError, error_bits(probe.error));
  put(packet, kSsid, probe.ssid);
  return packet;
}

StampPacket encode(const StampReply& reply) {
  StampPacket packet{};
  put(packet, kSequence, reply.sequence);
  put(packet, kTimestamp, reply.timestamp);
  put(packet, kError, error_bits(reply.error));
  put(packet, kSsid, reply.ssid);
  put(packet, kReceiveTimestamp, reply.receive_timestamp);
  put(packet, kSenderSequence, reply.sender_sequence);
  put(packet, kSenderTimestamp, reply.sender_timestamp);
  put(packet, kSenderError, error_bits(reply.sender_error));
  put(packet, kSenderTtl, reply.sender_ttl);
  return packet;
}

Result<StampProbe> decode_probe(std::span<const std::byte> packet) {
  if (Status ok = check(packet); !ok) return tl::unexpected(ok.error());
  return StampProbe{.sequence = get<uint32_t>(packet, kSequence),
                    .timestamp = get<uint64_t>(packet, kTimestamp),
                    .error = error_of(get<uint16_t>(packet, kError)),
                    .ssid = get<uint16_t>(packet, kSsid)};
}

Result<StampReply> decode_reply(std::span<const std::byte> packet) {
  if (Status ok = check(packet); !ok) return tl::unexpected(ok.error());
  return StampReply{.sequence = get<uint32_t>(packet, kSequence),
                    .timestamp = get<uint64_t>(packet, kTimestamp),
                    .error = error_of(get<uint16_t>(packet, kError)),
                    .ssid = get<uint16_t>(packet, kSsid),
                    .receive_timestamp = get<uint64_t>(packet, kReceiveTimestamp),
                    .sender_sequence = get<uint32_t>(packet, kSenderSequence),
                    .sender_timestamp = get<uint64_t>(packet, kSenderTimestamp),
                    .sender_error = error_of(get<uint16_t>(packet, kSenderError)),
                    .sender_ttl = get<uint8_t>(packet, kSenderTtl)};
}

}  // namespace weir::telemetry
