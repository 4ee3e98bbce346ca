#include "infrastructure/telemetry/stamp.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <initializer_list>

namespace weir::telemetry {
namespace {

StampPacket bytes(std::initializer_list<int> values) {
  StampPacket packet{};
  size_t i = 0;
  for (int value : values) packet[i++] = static_cast<std::byte>(value);
  return packet;
}

// RFC 8762 figure 2 with the SSID of RFC 8972 figure 1, octet by octet.
TEST(Stamp, ProbeLayoutIsThatOfTheRfc) {
  const StampProbe probe{
      .sequence = 0x01020304,
      .timestamp = 0x1112131415161718,
      .error = {.synchronized = true, .clock = StampClock::kPtp, .scale = 0x25, .multiplier = 0x7f},
      .ssid = 0xabcd};
  const StampPacket expected = bytes({
      0x01, 0x02, 0x03, 0x04,                          // Sequence Number
      0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,  // Timestamp
      0xe5, 0x7f,                                      // Error Estimate: S=1, Z=1, Scale=37, Multiplier=127
      0xab, 0xcd,                                      // SSID
  });                                                  // MBZ (28 octets)
  EXPECT_EQ(encode(probe), expected);
  EXPECT_EQ(decode_probe(expected).value(), probe);
}

// RFC 8762 figure 5 with the SSID of RFC 8972 figure 2.
TEST(Stamp, ReplyLayoutIsThatOfTheRfc) {
  const StampReply reply{
      .sequence = 0x01020304,
      .timestamp = 0x1112131415161718,
      .error = {.synchronized = false, .clock = StampClock::kPtp, .scale = 1, .multiplier = 2},
      .ssid = 0xabcd,
      .receive_timestamp = 0x2122232425262728,
      .sender_sequence = 0x31323334,
      .sender_timestamp = 0x4142434445464748,
      .sender_error = {.synchronized = true, .clock = StampClock::kNtp, .scale = 63, .multiplier = 255},
      .sender_ttl = 254};
  const StampPacket expected = bytes({
      0x01, 0x02, 0x03, 0x04,                          // Sequence Number
      0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,  // Timestamp
      0x41, 0x02,                                      // Error Estimate
      0xab, 0xcd,                                      // SSID
      0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28,  // Receive Timestamp
      0x31, 0x32, 0x33, 0x34,                          // Session-Sender Sequence Number
      0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,  // Session-Sender Timestamp
      0xbf, 0xff,                                      // Session-Sender Error Estimate
      0x00, 0x00,                                      // MBZ
      0xfe, 0x00, 0x00, 0x00,                          // Session-Sender TTL, MBZ
  });
  EXPECT_EQ(encode(reply), expected);
  EXPECT_EQ(decode_reply(expected).value(), reply);
}

TEST(Stamp, RefusesShortPacketsAndZeroMultiplier) {
  const StampPacket good = encode(StampProbe{});
  EXPECT_FALSE(decode_probe(std::span(good).first(43)));
  EXPECT_TRUE(decode_probe(good));
  StampPacket bad = good;
  bad[13] = std::byte{0};
  const auto refused = decode_reply(bad);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
}

TEST(Stamp, AcceptsExtensionsAndIgnoresMustBeZero) {
  std::byte packet[64];
  std::memset(packet, 0xff, sizeof packet);
  EXPECT_EQ(decode_probe(packet).value().sequence, 0xffffffffu);
}

TEST(Stamp, NtpTimestampOfKnownMoment) {
  // 2036-02-07 06:28:16 UTC, when NTP's seconds wrap, less half a second.
  constexpr uint64_t kWrap = 2'085'978'496;
  EXPECT_EQ(stamp_timestamp(kWrap * 1'000'000'000 - 500'000'000, StampClock::kNtp), 0xffffffff80000000u);
  EXPECT_EQ(stamp_timestamp(kWrap * 1'000'000'000, StampClock::kNtp), 0u);
  EXPECT_EQ(stamp_unix_ns(0, StampClock::kNtp, kWrap * 1'000'000'000 - 1), kWrap * 1'000'000'000);
  EXPECT_EQ(stamp_timestamp(0, StampClock::kNtp) >> 32, 2'208'988'800u);
  EXPECT_EQ(stamp_timestamp(1'500'000'007, StampClock::kPtp), (uint64_t{1} << 32) + 500'000'007);
}

RC_GTEST_PROP(Stamp, TimestampsSurviveTheWire, ()) {
  // 2001 to 2200; the receiver's clock may be decades off.
  const uint64_t now = *rc::gen::inRange<uint64_t>(1'000'000'000'000'000'000, 7'258'118'400'000'000'000);
  const int64_t skew_s = *rc::gen::inRange<int64_t>(-1'000'000'000, 1'000'000'000);
  const int64_t near = static_cast<int64_t>(now) + skew_s * 1'000'000'000;
  for (const StampClock clock : {StampClock::kNtp, StampClock::kPtp}) {
    RC_ASSERT(stamp_unix_ns(stamp_timestamp(now, clock), clock, static_cast<uint64_t>(near)) == now);
  }
}

RC_GTEST_PROP(Stamp, ErrorEstimateCoversTheErrorWithinOnePercent, ()) {
  const uint64_t error_ns = *rc::gen::inRange<uint64_t>(1'000, 100'000'000'000);
  const StampErrorEstimate estimate = stamp_error_estimate(error_ns, true, StampClock::kNtp);
  const auto units = static_cast<unsigned __int128>(estimate.multiplier) << estimate.scale;
  const auto ns = static_cast<uint64_t>((units * 1'000'000'000) >> 32);
  RC_ASSERT(ns + 1 >= error_ns);
  RC_ASSERT(ns <= error_ns + error_ns / 50 + 1);
}

}  // namespace
}  // namespace weir::telemetry
