#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "infrastructure/agent/messages.h"
#include "infrastructure/agent/outbox.h"
#include "infrastructure/agent/promise_line.h"
#include "infrastructure/agent/self_description.h"
#include "infrastructure/agent/usage_meter.h"

namespace weir::agent {
namespace {

UsageReport some_usage() {
  return {.run = {5, 1}, .from = 10, .to = 20, .cpu_us = 3, .energy_model = "linear-cpu-v1"};
}

TEST(Outbox, KeepsTheLastEighthOfItsRoomForSwitches) {
  Outbox outbox(8);
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(outbox.add(some_usage()));
  EXPECT_FALSE(outbox.has_room());
  EXPECT_EQ(outbox.add(some_usage()).error().code, ErrorCode::kExhausted);
  const auto last = outbox.add(SwitchReport{});
  ASSERT_TRUE(last);
  EXPECT_EQ(*last, 8u);
  EXPECT_EQ(outbox.add(SwitchReport{}).error().code, ErrorCode::kExhausted);
}

TEST(Outbox, SendsAgainWhatIsNotAcknowledged) {
  Outbox outbox(8);
  (void)outbox.add(some_usage());
  (void)outbox.add(SwitchReport{});
  EXPECT_EQ(outbox.take_due(1000, 50).size(), 2u);
  EXPECT_EQ(outbox.take_due(1049, 50).size(), 0u);
  EXPECT_EQ(outbox.acknowledge(1).size(), 1u);
  const auto again = outbox.take_due(1050, 50);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].sequence, 2u);
  outbox.rewind();
  EXPECT_EQ(outbox.take_due(1051, 50).size(), 1u);
  EXPECT_EQ(outbox.acknowledge(99).size(), 1u);
  EXPECT_EQ(*outbox.add(some_usage()), 3u) << "numbers are not given twice";
}

RC_GTEST_PROP(UsageMeter, TheReportsOfARunAddUpToWhatItUsed, ()) {
  UsageMeter meter;
  RunUsage usage{.started_unix_us = 1000};
  TimeUs wall = 1000, to = 1000;
  int64_t cpu = 0, sent = 0, memory = 0;
  const auto note = [&](const std::optional<UsageReport>& report) {
    if (!report) return;
    RC_ASSERT(report->from == to);
    RC_ASSERT(report->to > report->from);
    RC_ASSERT(report->begun == (usage.ended_unix_us != 0 ? 1000 : 0));
    to = report->to;
    cpu += report->cpu_us;
    sent += report->sent_bytes;
    memory += report->memory_mib_us;
  };
  for (int i = 0; i < 20; ++i) {
    usage.cpu_us += *rc::gen::inRange<uint64_t>(0, 1000);
    usage.tx_bytes += *rc::gen::inRange<uint64_t>(0, 1000);
    usage.memory_byte_seconds += *rc::gen::inRange<uint64_t>(0, 1 << 30);
    wall += *rc::gen::inRange<TimeUs>(-50, 1000);  // the clock may be set back
    note(meter.take({5, 1}, usage, wall));
  }
  usage.ended_unix_us = static_cast<uint64_t>(std::max<TimeUs>(wall, 1000)) + 1;
  usage.cpu_us += 5;
  note(meter.take({5, 1}, usage, wall + 99));
  RC_ASSERT(meter.complete({5, 1}));
  RC_ASSERT(cpu == static_cast<int64_t>(usage.cpu_us));
  RC_ASSERT(sent == static_cast<int64_t>(usage.tx_bytes));
  RC_ASSERT(memory ==
            static_cast<int64_t>(static_cast<unsigned __int128>(usage.memory_byte_seconds) * 15'625 >> 14));
  RC_ASSERT(!meter.take({5, 1}, usage, wall + 1'000'000));
}

TEST(UsageMeter, GoesOnFromWhatAnEarlierProcessReported) {
  UsageMeter first;
  const RunUsage usage{.cpu_us = 100, .started_unix_us = 1000};
  ASSERT_TRUE(first.take({5, 1}, usage, 2000));
  const auto record = decode_usage_record(encode_usage_record(first.reported(), {some_usage()}));
  ASSERT_TRUE(record);
  ASSERT_EQ(record->waiting.size(), 1u);
  EXPECT_EQ(record->waiting[0].cpu_us, 3);
  UsageMeter second(record->reported);
  const auto report = second.take({5, 1}, {.cpu_us = 130, .started_unix_us = 1000}, 3000);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->begun, 0);
  const auto last = second.take({5, 1}, {.cpu_us = 140, .started_unix_us = 1000, .ended_unix_us = 3500}, 4000);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->begun, 1000);
  EXPECT_EQ(report->from, 2000);
  EXPECT_EQ(report->cpu_us, 30);
}

TEST(UsageRecord, RefusesWhatIsDamaged) {
  EXPECT_TRUE(decode_usage_record(""));
  EXPECT_EQ(decode_usage_record("\x0a\xff").error().code, ErrorCode::kCorrupt);
  UsageReport bad = some_usage();
  bad.cpu_us = -1;
  EXPECT_EQ(decode_usage_record(encode_usage_record({}, {bad})).error().code, ErrorCode::kCorrupt);
}

constexpr const char* kLine =
    R"({"intent_id":0,"samples":40,"misses":1,"lost":2,"p50_us":31000,"p99_us":88000,"from":100,"to":200})";

std::string with(std::string line, const std::string& what, const std::string& by) {
  return line.replace(line.find(what), what.size(), by);
}

TEST(PromiseLine, IsRead) {
  const auto line = parse_promise_line(kLine);
  ASSERT_TRUE(line) << line.error().text();
  EXPECT_EQ(line->report.intent, IntentId(uint32_t{0}));
  EXPECT_EQ(line->report.samples, 40);
  EXPECT_EQ(line->report.lost, 2);
  EXPECT_EQ(line->report.latency_us_p99, 88'000);
  EXPECT_EQ(line->report.to, 200);
  const auto named = parse_promise_line(with(kLine, "\"intent_id\":0", "\"service\":\"fd77:1:2::1\""));
  ASSERT_TRUE(named);
  EXPECT_EQ(named->named, "fd77:1:2::1");
}

TEST(PromiseLine, RefusesEverythingElse) {
  for (const std::string& line :
       {std::string(), std::string("[]"), with(kLine, "\"lost\":2,", ""), with(kLine, "40", "-1"),
        with(kLine, "40", "4.5"), with(kLine, "40", "99999999999999999999"),
        with(kLine, "intent_id", "intent_number"),
        with(kLine, "\"intent_id\":0", "\"intent_id\":0,\"intent\":\"a/b\""),
        with(kLine, "\"intent_id\":0", "\"intent\":\"\""),
        with(kLine, "\"intent_id\":0", "\"intent_id\":2147483648"), std::string(kLine) + "x"}) {
    EXPECT_EQ(parse_promise_line(line).error().code, ErrorCode::kInvalid) << line;
  }
  EXPECT_TRUE(parse_promise_line(with(kLine, "\"intent_id\":0", "\"intent_id\":2147483647")));
}

TEST(Metering, IsKeptByMethod) {
  metering::MeterReport report{
      .method = std::string(metering::kMethod), .speed_milli = 912, .speed_wall_milli = 900};
  for (metering::Measure* m : {&report.integer, &report.fp64, &report.fp32, &report.memory})
    *m = {"k", "u/s", "", 5, 7, 8, 9};
  const auto read = decode_metering(encode_metering(report));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->speed_milli, 912u);
  EXPECT_EQ(read->memory, report.memory);
  EXPECT_FALSE(decode_metering("other-meter/1 912 900\n"));
  report.method = "weir-meter/0";
  EXPECT_FALSE(decode_metering(encode_metering(report)));
  EXPECT_FALSE(decode_metering(""));
}

}  // namespace
}  // namespace weir::agent
