#include "infrastructure/lab/emulator_protocol.h"

#include <gtest/gtest.h>

namespace weir::lab {
namespace {

using Kind = EmulatorCommand::Kind;

TEST(EmulatorProtocol, CommandsComeThroughUnchanged) {
  for (const EmulatorCommand& command :
       {EmulatorCommand{.kind = Kind::kCut, .link = "a-b"},
        EmulatorCommand{.kind = Kind::kHeal, .link = "a-b"},
        EmulatorCommand{.kind = Kind::kSet, .link = "x", .delay_us = 5, .rate_bps = 10'000},
        EmulatorCommand{.kind = Kind::kSet, .link = "x", .jitter_us = 1, .loss_ppm = 2, .queue_us = 3},
        EmulatorCommand{.kind = Kind::kCarry,
        .carried = EmulatorLink{"a-b",
                                {"weir-l-a", "l1", "02:77:01:00:01:01"},
                                {"weir-l-b", "l1", "02:77:01:00:01:02"},
                                {.delay_us = 100}}},
        EmulatorCommand{.kind = Kind::kStats}, EmulatorCommand{.kind = Kind::kStop}}) {
    const auto again = decode_emulator_command(encode(command));
    ASSERT_TRUE(again) << encode(command) << ": " << again.error().text();
    EXPECT_EQ(*again, command);
  }
}

TEST(EmulatorProtocol, WrongCommandsAreRefused) {
  for (const char* line : {"",
                           "cut",
                           "[]",
                           "{}",
                           "null",
                           R"({"do":"fly"})",
                           R"({"do":1})",
                           R"({"do":"cut"})",
                           R"({"do":"cut","link":""})",
                           R"({"do":"cut","link":7})",
                           R"({"do":"cut","link":"a","delay_us":1})",
                           R"({"do":"set","link":"a"})",
                           R"({"do":"set","link":"a","delay_us":"1"})",
                           R"({"do":"set","link":"a","delay_us":1.5})",
                           R"({"do":"set","link":"a","delay":1})",
                           R"({"do":"stats","link":"a"})",
                           R"({"do":"carry"})",
                           R"({"do":"carry","carried":"a-b"})",
                           R"({"do":"carry","carried":{"name":"a-b"}})",
                           R"({"do":"stats"} trailing)",
                           R"({"do":"stop")"}) {
    EXPECT_FALSE(decode_emulator_command(line)) << line;
  }
  std::string line = R"({"do":"cut","link":")";
  const size_t rest = line.size() + 2;
  EXPECT_TRUE(decode_emulator_command(line + std::string(kControlLineBytesMax - rest, 'x') + "\"}"));
  EXPECT_FALSE(decode_emulator_command(line + std::string(kControlLineBytesMax - rest + 1, 'x') + "\"}"));
}

TEST(EmulatorProtocol, ChangesStayWithinBounds) {
  const LinkSettings settings{.delay_us = 100, .jitter_us = 50};
  const auto set = [&](EmulatorCommand command) {
    command.kind = Kind::kSet;
    command.link = "x";
    return changed(settings, command).has_value();
  };
  EXPECT_TRUE(set({.delay_us = 50}));
  EXPECT_FALSE(set({.delay_us = 49}));  // less than the jitter
  EXPECT_TRUE(set({.loss_ppm = 1'000'000}));
  EXPECT_FALSE(set({.loss_ppm = 1'000'001}));
  EXPECT_FALSE(set({.loss_ppm = -1}));
  EXPECT_TRUE(set({.rate_bps = 8000}));
  EXPECT_FALSE(set({.rate_bps = 7999}));
  EXPECT_FALSE(set({.queue_us = 3'600'000'001}));
  EXPECT_TRUE(changed(settings, {.kind = Kind::kCut, .link = "x"})->cut);
}

TEST(EmulatorProtocol, ConfigurationAndAnswersComeThroughUnchanged) {
  EmulatorConfig config{"/run/x.sock", 2048, 7, {}};
  config.links.push_back({"a-b",
                          {"weir-l-a", "l1", "02:77:01:00:01:01"},
                          {"weir-l-b", "l1", "02:77:01:00:01:02"},
                          {.delay_us = 10, .jitter_us = 1, .loss_ppm = 3, .rate_bps = 9000, .queue_us = 4}});
  const auto again = decode_emulator_config(encode(config));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(encode(*again), encode(config));
  ASSERT_EQ(again->links.size(), 1u);
  EXPECT_EQ(again->links[0].settings, config.links[0].settings);
  EXPECT_FALSE(decode_emulator_config("{}"));

  const std::vector<EmulatorLinkStats> stats{
      {"a-b", config.links[0].settings, {1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12}}};
  const auto answer = decode_answer(encode_answer(stats));
  ASSERT_TRUE(answer) << answer.error().text();
  ASSERT_EQ(answer->size(), 1u);
  EXPECT_EQ((*answer)[0].forward, stats[0].forward);
  EXPECT_EQ((*answer)[0].backward, stats[0].backward);
  EXPECT_EQ((*answer)[0].settings, stats[0].settings);
  EXPECT_TRUE(decode_answer(encode_answer(Status())));
  EXPECT_EQ(decode_answer(encode_answer(Status(fail(ErrorCode::kNotFound, "no link 'q'")))).error().what,
            "no link 'q'");
}

}  // namespace
}  // namespace weir::lab
