#include "infrastructure/site_local/allow_list.h"

#include <gtest/gtest.h>

namespace weir::site_local {
namespace {

const std::string kDigest(64, 'a');

std::string list(const std::string& rule) { return "version = 1\n[[tenant]]\n" + rule; }
const std::string kCity = list(
    "name = \"city\"\n"
    "artifacts = [\"sha256:" +
    kDigest +
    "\"]\n"
    "commands = [\"/usr/bin/python3*\"]\n"
    "cpu_milli_max = 4000\n"
    "memory_mib_max = 1024\n"
    "runs_max = 2\n");

RunSpec spec(const std::string& tenant) {
  return {.id = {1, 0},
          .tenant = tenant,
          .intent = "i",
          .cpu_milli = 1000,
          .memory_bytes = 1 << 20,
          .pids_max = 1};
}

Status check(const std::string& text, const RunSpec& wanted, std::string_view program,
             TenantHoldings holdings = {}) {
  return AllowList::parse(text, "allow.toml").value().check(wanted, program, holdings);
}

TEST(AllowList, DeniesWhatItDoesNotName) {
  EXPECT_EQ(check("version = 1\n", spec("city"), "/bin/sh").error().code, ErrorCode::kDenied);
  EXPECT_EQ(check(kCity, spec("other"), "/usr/bin/python3").error().code, ErrorCode::kDenied);
  const auto command = check(kCity, spec("city"), "/bin/sh");
  EXPECT_EQ(command.error().text(), "allow.toml:2: tenant 'city'.commands: command /bin/sh is not allowed");
  RunSpec other = spec("city");
  other.artifact.digest = std::string(64, 'b');
  EXPECT_EQ(check(kCity, other, "").error().code, ErrorCode::kDenied);
}

TEST(AllowList, AllowsWhatItNames) {
  EXPECT_TRUE(check(kCity, spec("city"), "/usr/bin/python3.11"));
  RunSpec artifact = spec("city");
  artifact.artifact.digest = kDigest;
  EXPECT_TRUE(check(kCity, artifact, ""));
  // A program that reads an artifact needs both.
  EXPECT_TRUE(check(kCity, artifact, "/usr/bin/python3"));
  EXPECT_FALSE(check(kCity, artifact, "/bin/sh"));
}

TEST(AllowList, SharesAtTheirBounds) {
  RunSpec wanted = spec("city");
  wanted.cpu_milli = 4000;
  EXPECT_TRUE(check(kCity, wanted, "/usr/bin/python3"));
  const Error full = check(kCity, wanted, "/usr/bin/python3", {.cpu_milli = 1}).error();
  EXPECT_EQ(full.code, ErrorCode::kExhausted);
  EXPECT_EQ(full.what.find_first_of("0123456789"), std::string::npos) << "the tenant reads it: " << full.what;
  EXPECT_NE(full.remedy.find("asks for 4000 and holds 1 of 4000"), std::string::npos) << full.remedy;
  wanted.cpu_milli = 4001;
  EXPECT_EQ(check(kCity, wanted, "/usr/bin/python3").error().code, ErrorCode::kDenied)
      << "never, at any time";
  wanted = spec("city");
  wanted.memory_bytes = uint64_t{1} << 30;
  EXPECT_TRUE(check(kCity, wanted, "/usr/bin/python3"));
  EXPECT_FALSE(check(kCity, wanted, "/usr/bin/python3", {.memory_bytes = 1}));
  EXPECT_TRUE(check(kCity, spec("city"), "/usr/bin/python3", {.runs = 1}));
  EXPECT_FALSE(check(kCity, spec("city"), "/usr/bin/python3", {.runs = 2}));
  wanted = spec("city");
  wanted.accelerators = 1;
  EXPECT_EQ(check(kCity, wanted, "/usr/bin/python3").error().code, ErrorCode::kDenied) << "none by default";
}

TEST(AllowList, PartsOfAcceleratorsAddUp) {
  const std::string two = kCity + "accelerators_max = 2\n";
  RunSpec wanted = spec("city");
  wanted.accelerators = 1;
  EXPECT_TRUE(check(two, wanted, "/usr/bin/python3", {.accelerator_milli = 1'000}));
  EXPECT_FALSE(check(two, wanted, "/usr/bin/python3", {.accelerator_milli = 1'001}));
  wanted.accelerator_milli = 300;
  EXPECT_TRUE(check(two, wanted, "/usr/bin/python3", {.accelerator_milli = 1'700}));
  EXPECT_FALSE(check(two, wanted, "/usr/bin/python3", {.accelerator_milli = 1'701}));
}

TEST(AllowList, NamedRuleComesBeforeTheGeneralOne) {
  const std::string text =
      kCity + "[[tenant]]\nname = \"*\"\ncommands = [\"*\"]\ncpu_milli_max = 10000\nmemory_mib_max = 1\n";
  EXPECT_TRUE(check(text, spec("stranger"), "/bin/sh"));
  EXPECT_FALSE(check(text, spec("city"), "/bin/sh"));
}

struct Wrong {
  const char* text;
  const char* message;
};
class AllowListErrors : public testing::TestWithParam<Wrong> {};

TEST_P(AllowListErrors, NameFileLineAndField) {
  const auto parsed = AllowList::parse(GetParam().text, "allow.toml");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(parsed.error().text().starts_with(GetParam().message)) << parsed.error().text();
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AllowListErrors,
    testing::Values(
        Wrong{"", "allow.toml:1: version: is missing; write version = 1"},
        Wrong{"version = 2", "allow.toml:1: version: version 2 is unknown here; write 1"},
        Wrong{"version = 0", "allow.toml:1: version: version 0 is unknown here"},
        Wrong{"version = -1", "allow.toml:1: version: must be a whole number"},
        Wrong{"version = \"1\"", "allow.toml:1: version: must be a whole number"},
        Wrong{"version = 1\ntenants = 3", "allow.toml:2: tenants: is unknown; known is version"},
        Wrong{"version = 1\nversoin = 3", "allow.toml:2: versoin: is unknown; did you mean \"version\"?"},
        Wrong{"version = 1\n[tenant]", "allow.toml:2: tenant: is no table of this file; write [[tenant]]"},
        Wrong{"version = 1\n\n[[tenants]]", "allow.toml:3: tenants: is no table of this file"},
        Wrong{"version = 1\n[[tenant]]\nname = 3", "allow.toml:3: tenant[0].name: must be a text"},
        Wrong{"version = 1\n[[tenant]]\nname = ''", "allow.toml:3: tenant[0].name: is empty"},
        Wrong{"version = 1\n[[tenant]]\n", "allow.toml:2: tenant[0].name: is missing"},
        Wrong{"version = 1\n[[tenant]]\nname = \"a\"\n", "allow.toml:2: tenant[0].cpu_milli_max: is missing"},
        Wrong{"version = 1\n[[tenant]]\nname = \"a\"\ncpu_milli_max = 1",
              "allow.toml:2: tenant[0].memory_mib_max: is missing"},
        Wrong{"version = 1\n[[tenant]]\ncpu_milli_max = -1",
              "allow.toml:3: tenant[0].cpu_milli_max: must be a whole number from 0 to 1000000000"},
        Wrong{"version = 1\n[[tenant]]\ncpu_milli_max = 1000000001",
              "allow.toml:3: tenant[0].cpu_milli_max: must be a whole number from 0 to 1000000000"},
        Wrong{"version = 1\n[[tenant]]\ncpu_milli_max = 1.5",
              "allow.toml:3: tenant.cpu_milli_max: is not a whole number"},
        Wrong{"version = 1\n[[tenant]]\ncpu_milli_max = 18446744073709551616",
              "allow.toml:3: tenant.cpu_milli_max: a number beyond 64 bits"},
        Wrong{"version = 1\n[[tenant]]\nname = \"a\"\ncpu_milli_max = 1\nmemory_mib_max = 8796093022209",
              "allow.toml:5: tenant[0].memory_mib_max: must be a whole number from 0 to 8796093022208"},
        Wrong{"version = 1\n[[tenant]]\nname = \"a\"\ncpu_milli_max = 1\nmemory_mib_max = 1\nmemory = 1",
              "allow.toml:6: tenant[0].memory: is unknown; known are name, artifacts"},
        Wrong{"version = 1\n[[tenant]]\nname = \"a\"\ncpu_milli_max = 1\nmemory_mib_max = 1\ncomands = []",
              "allow.toml:6: tenant[0].comands: is unknown; did you mean \"commands\"?"},
        Wrong{"version = 1\n[[tenant]]\nname = \"a\"\ncommands = [\n\"/bin/sh\", # x\n'sh',]",
              "allow.toml:6: tenant[0].commands: expected an absolute path"},
        Wrong{"version = 1\n[[tenant]]\nname = \"a\"\nartifacts = [\"sha256:12\"]",
              "allow.toml:4: tenant[0].artifacts: expected \"*\" or \"sha256:\""},
        Wrong{"version = 1\n[[tenant]]\nname = \"a\"\nartifacts = \"*\"",
              "allow.toml:4: tenant[0].artifacts: must be a list of texts"},
        Wrong{"version = 1\n[[tenant]]\nname = \"a\"\nartifacts = [\"*\" \"*\"]",
              "allow.toml:4: tenant.artifacts: expected ',' or ']'"},
        Wrong{"version = 1\n[[tenant]]\nname = \"a\"\ncpu_milli_max = 1\nmemory_mib_max = "
              "1\n[[tenant]]\nname = \"a\"\n"
              "cpu_milli_max = 1\nmemory_mib_max = 1",
              "allow.toml:6: tenant[1].name: tenant 'a' has a rule already, on line 2"},
        Wrong{"version = 1\nversion = 1", "allow.toml:2: version: is given twice"}));

TEST(AllowList, ReadsWhatAProviderWrites) {
  const auto list = AllowList::parse(
      "# 允许名单\r\nversion=1\r\n\r\n[[ tenant ]] # first\r\nname = '城市'\r\n"
      "commands = [\r\n  \"/opt/a \\\"b\\\\\", # why\r\n]\r\ncpu_milli_max = 1\r\nmemory_mib_max = 0\r\n",
      "allow.toml");
  ASSERT_TRUE(list) << list.error().text();
  ASSERT_EQ(list->rules().size(), 1u);
  const TenantRule& rule = list->rules().front();
  EXPECT_EQ(rule.tenant, "城市");
  EXPECT_EQ(rule.commands, std::vector<std::string>{"/opt/a \"b\\"});
  EXPECT_EQ(rule.line, 4u);
  EXPECT_EQ(rule.runs_max, 64u);
  EXPECT_EQ(rule.accelerators_max, 0u);
}

TEST(AllowList, MissingFileDeniesAll) {
  const auto loaded = AllowList::load("/nonexistent/allow.toml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().where, "/nonexistent/allow.toml");
}

TEST(Glob, MatchesWholeTexts) {
  EXPECT_TRUE(glob_matches("/usr/bin/*", "/usr/bin/python3"));
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_TRUE(glob_matches("a*b*c", "a-b-b-c"));
  EXPECT_TRUE(glob_matches("/bin/?h", "/bin/sh"));
  EXPECT_FALSE(glob_matches("/bin/?h", "/bin/h"));
  EXPECT_FALSE(glob_matches("/bin/sh", "/bin/sh2"));
  EXPECT_FALSE(glob_matches("a*b*c", "a-c-b"));
  EXPECT_FALSE(glob_matches("", "a"));
  // The worst case for backtracking ends at once.
  EXPECT_FALSE(glob_matches("*a*a*a*a*a*a*a*a*b", std::string(5'000, 'a')));
}

}  // namespace
}  // namespace weir::site_local
