#include "infrastructure/site_local/run_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace weir::site_local {
namespace {

RunSpec good() {
  return {.id = {1, 2},
          .tenant = "t",
          .intent = "i",
          .command = {"sh"},
          .cpu_milli = 1,
          .memory_bytes = 1 << 20,
          .pids_max = 1};
}

TEST(RunOrder, AcceptsTheLeast) { EXPECT_TRUE(check_spec(good())); }

TEST(RunOrder, NamesTheFieldThatIsWrong) {
  const std::pair<const char*, std::function<void(RunSpec&)>> cases[] = {
      {"tenant", [](RunSpec& s) { s.tenant.clear(); }},
      {"tenant", [](RunSpec& s) { s.tenant = std::string(254, 'x'); }},
      {"intent", [](RunSpec& s) { s.intent = std::string("a\0b", 3); }},
      {"cpu_milli", [](RunSpec& s) { s.cpu_milli = 0; }},
      {"memory_bytes", [](RunSpec& s) { s.memory_bytes = (1 << 20) - 1; }},
      {"pids_max", [](RunSpec& s) { s.pids_max = 0; }},
      {"artifact.digest", [](RunSpec& s) { s.artifact.digest = std::string(63, 'a'); }},
      {"artifact.digest", [](RunSpec& s) { s.artifact.digest = std::string(64, 'A'); }},
      {"artifact.digest", [](RunSpec& s) { s.command.clear(); }},
      {"artifact.digest",
       [](RunSpec& s) {
         s.command = {"sh", "x={artifact}"};
       }},
      {"command[0]", [](RunSpec& s) { s.command = {""}; }},
      {"command[1]",
       [](RunSpec& s) {
         s.command = {"sh", std::string(128 << 10, 'x')};
       }},
      {"command", [](RunSpec& s) { s.command = std::vector<std::string>(9, std::string(127 << 10, 'x')); }},
      {"environment",
       [](RunSpec& s) {
         s.environment = {{"9A", ""}};
       }},
      {"environment",
       [](RunSpec& s) {
         s.environment = {{"A=B", ""}};
       }},
      {"environment.WEIR_RUN",
       [](RunSpec& s) {
         s.environment = {{"WEIR_RUN", ""}};
       }},
      {"environment.A",
       [](RunSpec& s) {
         s.environment = {{"A", std::string("\0", 1)}};
       }},
  };
  for (const auto& [field, change] : cases) {
    RunSpec spec = good();
    change(spec);
    const Status status = check_spec(spec);
    ASSERT_FALSE(status) << field;
    EXPECT_EQ(status.error().where, field);
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
  }
}

TEST(RunOrder, FindsProgramsOfTheMachine) {
  RunSpec spec = good();
  EXPECT_EQ(find_program(spec).value(), "/usr/bin/sh");
  spec.command = {"/usr/bin/../bin/./sh"};
  EXPECT_EQ(find_program(spec).value(), "/usr/bin/sh") << "so that no glob is fooled";
  spec.command = {"bin/sh"};
  EXPECT_EQ(find_program(spec).error().code, ErrorCode::kInvalid);
  spec.command = {"no-such-program"};
  EXPECT_EQ(find_program(spec).error().code, ErrorCode::kNotFound);
  spec.command = {"{artifact}", "x"};
  EXPECT_EQ(find_program(spec).value(), "");
}

TEST(RunOrder, FillsTheArtifactIn) {
  RunOrder order;
  order.spec = good();
  order.spec.artifact.digest = std::string(64, 'a');
  order.spec.command = {"python3", "{artifact}", "--self={artifact}:{artifact}"};
  order.spec.environment = {{"SELF", "{artifact}"}, {"HOME", "/h"}, {"WEIR_SITE", "hub"}, {"WEIR_TASK_INDEX", "4"}};
  const Status checked = check_spec(order.spec);
  ASSERT_TRUE(checked) << checked.error().text();
  order.spec.listen_address = "fd00::1";
  order.spec.listen_port = 80;
  order.work_folder = "/w";
  fill_command(order, "/usr/bin/python3", "/store/x");
  EXPECT_EQ(order.argv,
            (std::vector<std::string>{"/usr/bin/python3", "/store/x", "--self=/store/x:/store/x"}));
  const auto has = [&](const std::string& variable) {
    return std::count(order.environment.begin(), order.environment.end(), variable);
  };
  for (const char* variable : {"SELF=/store/x", "HOME=/h", "TMPDIR=/w", "WEIR_RUN=1-2", "WEIR_PORT=80",
                               "WEIR_ADDRESS=fd00::1", "WEIR_SITE=hub", "WEIR_TASK_INDEX=4", "WEIR_ARTIFACT=/store/x"}) {
    EXPECT_EQ(has(variable), 1) << variable;
  }
  EXPECT_EQ(has("HOME=/w"), 0);
  RunOrder bare;
  bare.spec = good();
  bare.spec.command.clear();
  fill_command(bare, "", "/store/x");
  EXPECT_EQ(bare.argv, std::vector<std::string>{"/store/x"});
}

}  // namespace
}  // namespace weir::site_local
