#include <gtest/gtest.h>

#include "app/serve.h"
#include "core/units/quantity.h"

namespace weir::app {
namespace {

std::string error_of(std::string_view text) {
  const auto read = parse_serve_config(text, "serve.toml");
  return read ? "" : read.error().text();
}

TEST(ServeConfig, ReadsEveryKindOfField) {
  const auto read = parse_serve_config(R"(data = "/var/lib/weir"
rest = ""
names = ["brain.example.org", "10.0.0.1"]
deciders = 64
checkpoint_events = 1_000
[domain]
name = "region"
scarcity_core_hour = "0.5"
)",
                                       "serve.toml");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->data, "/var/lib/weir");
  EXPECT_EQ(read->listen, "127.0.0.1:7443");
  EXPECT_EQ(read->rest, "");
  EXPECT_EQ(read->names, (std::vector<std::string>{"brain.example.org", "10.0.0.1"}));
  EXPECT_EQ(read->deciders, 64u);
  EXPECT_EQ(read->checkpoint_events, 1'000);
  EXPECT_EQ(read->genesis.name, "region");
  EXPECT_EQ(read->genesis.scarcity_core_hour, kCredit / 2);
  EXPECT_EQ(read->genesis.scarcity_gib_hour, default_serve_config().genesis.scarcity_gib_hour);
}

TEST(ServeConfig, SaysFileLineFieldAndRemedy) {
  EXPECT_EQ(error_of("\nlisten = 7443"), "serve.toml:2: listen: must be a text; write it in quotes: \"...\"");
  EXPECT_EQ(error_of("lisen = \"a\""), "serve.toml:1: lisen: is unknown; did you mean \"listen\"?");
  EXPECT_EQ(error_of("names = \"a\""), "serve.toml:1: names: must be a list of texts; write [\"a\", \"b\"]");
  EXPECT_EQ(error_of("deciders = 65"), "serve.toml:1: deciders: must be a whole number from 1 to 64");
  EXPECT_EQ(error_of("deciders = 0"), "serve.toml:1: deciders: must be a whole number from 1 to 64");
  EXPECT_EQ(error_of("deciders = 1"), "");
  EXPECT_EQ(error_of("pass_seconds = 86401"), "serve.toml:1: pass_seconds: must be a whole number from 0 to 86400");
  EXPECT_EQ(error_of("pass_seconds = 86400"), "");
  EXPECT_EQ(error_of("pass_seconds = 0"), "");
  EXPECT_EQ(error_of("checkpoint_events = 999"),
            "serve.toml:1: checkpoint_events: must be a whole number from 1000 to 1000000000");
  EXPECT_EQ(
      error_of("[domain]\nscarcity_core_hour = \"much\""),
      "serve.toml:2: domain.scarcity_core_hour: is no amount of credits; write it as a text like \"0.5\"");
  EXPECT_EQ(error_of("[domain]\nnmae = \"a\""),
            "serve.toml:2: domain.nmae: is unknown; did you mean \"name\"?");
  EXPECT_EQ(error_of("[domains]"), "serve.toml:1: domains: is no table of this file; write [domain]");
  EXPECT_EQ(error_of("[[domain]]"), "serve.toml:1: domain: is no table of this file; write [domain]");
}

}  // namespace
}  // namespace weir::app
