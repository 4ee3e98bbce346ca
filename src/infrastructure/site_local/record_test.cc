#include "infrastructure/site_local/record.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace weir::site_local {
namespace {

RunOrder order() {
  RunOrder out;
  out.spec = {.id = {17, 3},
              .epoch = 5,
              .tenant = "city",
              .intent = "cameras",
              .command = {"/bin/sh", "-c", "echo a\\b\nend\n"},
              .artifact = {"detector", std::string(64, 'a')},
              .environment = {{"A", ""}, {"B", "two\nlines"}},
              .cpu_milli = 300,
              .memory_bytes = 256 << 20,
              .pids_max = 64,
              .accelerators = 1,
              .accelerator_devices = 2,
              .accelerator_milli = 500,
              .accelerator_memory_bytes = 1 << 30,
              .listen_address = "fd00::1",
              .listen_port = 65535,
              .best_effort = true,
              .lease_policy = LeasePolicy::kService,
              .lease_us = 30'000'000,
              .termination_grace_us = 5'000'000};
  out.argv = {"/bin/sh", "", "x"};
  out.environment = {"A="};
  out.work_folder = "/var/lib/weir/runs/17-3/work";
  out.uid = 4'000'000'000;
  out.gid = 1;
  out.group = {cgroup::Version::kV1, {{"cpu", "/c"}, {"memory", "/m"}, {"pids", "/p"}}, "/u"};
  out.log_bytes_max = 1;
  out.change_fifo = "/f";
  out.accelerators = {"GPU-a", "GPU-b"};
  out.denied_devices = {{195, 0}, {4'294'967'295, 1'048'575}};
  out.device_gids = {44, 4'000'000'000};
  return out;
}

TEST(Record, OrderSurvives) {
  RunOrder wanted = order();
  EXPECT_EQ(decode_order(encode(wanted)).value(), wanted);
  wanted.group = {cgroup::Version::kV2, {{"", "/g"}}, ""};
  wanted.spec.environment.clear();
  wanted.spec.command.clear();
  EXPECT_EQ(decode_order(encode(wanted)).value(), wanted);
}

TEST(Record, ADeviceIsTwoNumbers) {
  const std::string whole = encode(order());
  for (const char* wrong : {"195", "195:", ":0", "195:0:1", "195:-1", "195:4294967296"}) {
    std::string text = whole;
    text.replace(text.find("denied_device 195:0"), 19, std::string("denied_device ") + wrong);
    EXPECT_EQ(decode_order(text).error().code, ErrorCode::kCorrupt) << wrong;
  }
}

TEST(Record, StatusSurvivesAtItsBounds) {
  for (const DriverRunState state :
       {DriverRunState::kPending, DriverRunState::kStarting, DriverRunState::kRunning,
        DriverRunState::kExited, DriverRunState::kLost}) {
    for (const int code : {-1, 0, 255}) {
      const RunStatus status{.state = state,
                             .supervisor = {"boot id", 2147483647, ~uint64_t{0}},
                             .leader = {},
                             .started_unix_us = 1,
                             .ended_unix_us = ~uint64_t{0},
                             .exit = {.code = code, .signal = 127, .reason = "start: a\nb"}};
      EXPECT_EQ(decode_status(encode(status)).value(), status);
    }
  }
}

TEST(Record, EveryTornFileIsRefused) {
  const std::string whole = encode(order());
  for (size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(decode_order(whole.substr(0, n))) << n;
}

TEST(Record, SaysWhatIsWrong) {
  const std::string whole = encode(RunControl{.epoch = 7});
  EXPECT_EQ(whole, "weir-control 1\nepoch 7\nlease_until_us 0\nstop 0\nkill_at_us 0\nend\n");
  const auto error_of = [](std::string_view text) { return decode_control(text).error(); };
  EXPECT_EQ(error_of("weir-control 2\nend\n").code, ErrorCode::kUnsupported);
  EXPECT_EQ(error_of("weir-status 1\nend\n").what, "not a run's control file");
  EXPECT_EQ(error_of("weir-control 1\nepoch 7\nend\n").what, "expected 'lease_until_us' once");
  EXPECT_EQ(error_of("weir-control 1\nepoch\nend\n").where, "line 2");
  EXPECT_EQ(error_of("weir-control 1\nepoch a\\t\nend\n").what, "an escape that is not one");
  EXPECT_FALSE(decode_control(whole + "x"));
  std::string unknown = whole;
  unknown.insert(unknown.size() - 4, "color red\n");
  EXPECT_EQ(error_of(unknown).what, "unknown key 'color'");
}

RC_GTEST_PROP(Record, SampleSurvives, (uint64_t a, uint64_t b, uint64_t c, bool d, uint64_t e, uint64_t f)) {
  const RunSample sample{a, b, c, d, e, f};
  RC_ASSERT(decode_sample(encode(sample)).value() == sample);
}

RC_GTEST_PROP(Record, AnyTextSurvives, (std::string reason)) {
  RunStatus status;
  status.exit.reason = reason;
  RC_ASSERT(decode_status(encode(status)).value() == status);
}

TEST(RunName, HasOneSpelling) {
  EXPECT_EQ(parse_run_name("17-3").value(), (RunId{17, 3}));
  EXPECT_EQ(parse_run_name("18446744073709551615-4294967295").value(), (RunId{~uint64_t{0}, ~uint32_t{0}}));
  for (const char* bad :
       {"", "-", "17", "17-", "-3", "017-3", "17-3x", "+1-3", "17--3", "1-4294967296", "../x"}) {
    EXPECT_FALSE(parse_run_name(bad)) << bad;
  }
}

}  // namespace
}  // namespace weir::site_local
