#include "app/agent/agent_config.h"

#include <gtest/gtest.h>

namespace weir::app {
namespace {

std::string refusal(std::string_view text) {
  AgentConfig config;
  const Status read = read_agent_config(config, text, "agent.toml");
  return read ? "" : read.error().text();
}

TEST(AgentConfig, ReadsEveryKindOfField) {
  AgentConfig config;
  const Status read = read_agent_config(config, R"(brain = "brain:7443"
heartbeat = "200ms"
cpu = "0.35"
memory = "1Gi"
accelerators = 2
accelerator-fp16 = "312.5"
accelerators-per-island = 4
accelerator-slices = 7
rack = "r12"
accelerators-root = "/host"
paths = "plain"
reflector-port = 8620
allow-any = true
power-peak = "9W"
[artifacts]
detector = "/usr/lib/city/detector"
)",
                                        "agent.toml");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(config.brain, "brain:7443");
  EXPECT_EQ(config.heartbeat_us, 200'000);
  EXPECT_EQ(config.cpu_milli, 350);
  EXPECT_EQ(config.memory_mib, 1024);
  EXPECT_EQ(config.accelerators, 2);
  EXPECT_EQ(config.accelerator_fp16_gflops, 312'500);
  EXPECT_EQ(config.accelerators_per_island, 4);
  EXPECT_EQ(config.accelerator_slices, 7);
  EXPECT_EQ(config.rack, "r12");
  EXPECT_EQ(config.accelerators_root, "/host");
  EXPECT_EQ(config.paths, PathsChoice::kPlain);
  EXPECT_EQ(config.reflector_port, 8620);
  EXPECT_TRUE(config.allow_any);
  EXPECT_EQ(config.power_peak_mw_per_core, 9000);
  EXPECT_EQ(config.artifacts.at("detector"), "/usr/lib/city/detector");
  EXPECT_TRUE(check_agent_config(config));
}

TEST(AgentConfig, SaysFileLineFieldAndRemedy) {
  EXPECT_EQ(refusal("brain = \"b:1\"\nheartbeet = \"1s\"\n"),
            "agent.toml:2: heartbeet: is no field of the agent's configuration; did you mean \"heartbeat\"?");
  EXPECT_NE(refusal("heartbeat = \"19ms\"").find("agent.toml:1: heartbeat: \"19ms\" is not between 20ms and"),
            std::string::npos);
  EXPECT_EQ(refusal("heartbeat = \"20ms\""), "");
  EXPECT_NE(refusal("cpu = \"much\""), "");
  EXPECT_NE(refusal("reflector-port = 65536"), "");
  EXPECT_EQ(refusal("reflector-port = 65535"), "");
  EXPECT_EQ(refusal("accelerators = 0"), "");
  EXPECT_EQ(refusal("accelerators = \"all\""), "");
  EXPECT_EQ(refusal("accelerators = 32767"), "");
  EXPECT_NE(refusal("accelerators = 32768"), "");
  EXPECT_EQ(refusal("accelerators-per-island = 64"), "");
  EXPECT_NE(refusal("accelerators-per-island = 65"), "");
  EXPECT_NE(refusal("accelerators-per-island = 0"), "");
  EXPECT_EQ(refusal("accelerator-slices = 31"), "");
  EXPECT_NE(refusal("accelerator-slices = 32"), "");
  EXPECT_NE(refusal("accelerator-slices = 0"), "");
  EXPECT_NE(refusal("accelerators = \"some\""), "");
  EXPECT_NE(refusal("[artifacts]\nx = \"relative\"").find("agent.toml:2: artifacts.x"), std::string::npos);
  EXPECT_NE(refusal("brain = ["), "");
  EXPECT_EQ(refusal("\nbrain = [\"b:1\"]"),
            "agent.toml:2: brain: is neither text, whole number nor truth value; no field is a list");
  EXPECT_EQ(refusal("[artefacts]"), "agent.toml:1: artefacts: is no table of this file; write [artifacts]");
  EXPECT_EQ(refusal("cpu = 0.35"),
            "agent.toml:1: cpu: is not a whole number; a fraction, a date or a quantity with its unit stands "
            "in quotes");
}

TEST(AgentConfig, WantsWhatCannotBeLeftOut) {
  AgentConfig config;
  EXPECT_EQ(check_agent_config(config).error().where, "--brain");
  config.brain = "brain";
  EXPECT_EQ(check_agent_config(config).error().where, "--brain");
  config.brain = "[::1]:7443";
  EXPECT_TRUE(check_agent_config(config));
  config.rack = std::string(64, 'r');
  EXPECT_EQ(check_agent_config(config).error().where, "--rack");
  config.rack = std::string(63, 'r');
  config.accelerators_root = "host";
  EXPECT_EQ(check_agent_config(config).error().where, "--accelerators-root");
  config.accelerators_root = "/host";
  config.token = "weir1.x";
  EXPECT_EQ(check_agent_config(config).error().where, "--site");
  config.site = "hub";
  EXPECT_TRUE(check_agent_config(config));
  config.state = "relative";
  EXPECT_EQ(check_agent_config(config).error().where, "--state");
}

}  // namespace
}  // namespace weir::app
