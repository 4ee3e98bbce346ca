#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/result/result.h"

// Packets of the Simple Two-way Active Measurement Protocol in unauthenticated mode: RFC 8762 sections
// 4.2.1 and 4.3.1, with the session identifier of RFC 8972 section 3 (SSID, 0: none).
namespace weir::telemetry {

inline constexpr size_t kStampPacketBytes = 44;
inline constexpr uint16_t kStampPort = 862;
using StampPacket = std::array<std::byte, kStampPacketBytes>;

// The format of both timestamps, told by bit Z of the error estimate: RFC 8186 section 2.1.
enum class StampClock : uint8_t {
  kNtp = 0,  // seconds since 1900 and a 32-bit fraction (RFC 5905)
  kPtp = 1,  // seconds since 1970 and nanoseconds, truncated PTPv2 (IEEE 1588)
};

// RFC 4656 section 4.1.2: error in seconds = multiplier · 2^(scale − 32); multiplier must not be 0.
struct StampErrorEstimate {
  bool synchronized = false;
  StampClock clock = StampClock::kPtp;
  uint8_t scale = 0;  // 0..63
  uint8_t multiplier = 1;
  friend bool operator==(const StampErrorEstimate&, const StampErrorEstimate&) = default;
};
// The smallest estimate that is at least `error_ns`.
StampErrorEstimate stamp_error_estimate(uint64_t error_ns, bool synchronized, StampClock clock);

// Nanoseconds since 1970-01-01 UTC to and from the 64 bits on the wire. Both formats wrap (NTP in 2036): the
// answer is the moment within 68 years of `near_unix_ns`.
uint64_t stamp_timestamp(uint64_t unix_ns, StampClock clock);
uint64_t stamp_unix_ns(uint64_t wire, StampClock clock, uint64_t near_unix_ns);

// Session-sender test packet, RFC 8762 figure 2.
struct StampProbe {
  uint32_t sequence = 0;
  uint64_t timestamp = 0;  // wire format
  StampErrorEstimate error;
  uint16_t ssid = 0;
  friend bool operator==(const StampProbe&, const StampProbe&) = default;
};

// Session-reflector test packet, RFC 8762 figure 5.
struct StampReply {
  uint32_t sequence = 0;
  uint64_t timestamp = 0;
  StampErrorEstimate error;
  uint16_t ssid = 0;
  uint64_t receive_timestamp = 0;
  uint32_t sender_sequence = 0;
  uint64_t sender_timestamp = 0;
  StampErrorEstimate sender_error;
  uint8_t sender_ttl = 0;
  friend bool operator==(const StampReply&, const StampReply&) = default;
};

StampPacket encode(const StampProbe& probe);
StampPacket encode(const StampReply& reply);

// Longer packets are accepted, since RFC 8972 appends extensions. kCorrupt: too short, or a zero multiplier.
// Must-be-zero octets are ignored on receipt, as the RFC asks.
Result<StampProbe> decode_probe(std::span<const std::byte> packet);
Result<StampReply> decode_reply(std::span<const std::byte> packet);

}  // namespace weir::telemetry
