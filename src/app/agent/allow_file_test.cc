#include "app/agent/allow_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "app/agent/run_agent.h"
#include "infrastructure/site_local/allow_list.h"

namespace weir::app {
namespace {

namespace fs = std::filesystem;

class AllowFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "weir-allow-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    config_.state = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }

  static NodeSpec offered() { return {.cpu_milli = 2000, .memory_mib = 1024, .accelerators = 2}; }

  fs::path folder_;
  AgentConfig config_;
};

TEST_F(AllowFileTest, AnOwnerWhoHasWrittenNoneBeginsWithOneThatDeniesEverything) {
  const auto made = allow_file(config_, offered());
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_TRUE(made->fresh);
  EXPECT_EQ(made->path, folder_ / "allow.toml");
  const auto list = site_local::AllowList::load(made->path);
  ASSERT_TRUE(list) << list.error().text();
  EXPECT_TRUE(list->rules().empty());
}

TEST_F(AllowFileTest, TheExampleInTheEmptyOneIsARule) {
  const auto made = allow_file(config_, offered());
  ASSERT_TRUE(made);
  std::ifstream in(made->path);
  std::string text = "version = 1\n", line;
  for (bool example = false; std::getline(in, line) && line != "version = 1";) {
    example = example || line.starts_with("# [[");
    if (example) text += line.substr(2) + "\n";
  }
  const auto list = site_local::AllowList::parse(text, "allow.toml");
  ASSERT_TRUE(list) << list.error().text();
  ASSERT_EQ(list->rules().size(), 1u);
  EXPECT_EQ(list->rules()[0].tenant, "city");
}

TEST_F(AllowFileTest, WhatTheOwnerHasWrittenIsLeftAlone) {
  write("allow.toml", "version = 1\n# mine\n");
  const auto found = allow_file(config_, offered());
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->fresh);
  std::stringstream text;
  text << std::ifstream(found->path).rdbuf();
  EXPECT_EQ(text.str(), "version = 1\n# mine\n");
}

TEST_F(AllowFileTest, ANamedFileMustBeThere) {
  config_.allow = (folder_ / "other.toml").string();
  const auto missing = allow_file(config_, offered());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().where, config_.allow);
  EXPECT_FALSE(missing.error().remedy.empty());
}

TEST_F(AllowFileTest, AllowAnyLetsEverybodyRunWhatIsOffered) {
  config_.allow_any = true;
  config_.artifacts = {{"a", "/usr/bin/a"}, {"b", "/usr/bin/b"}};
  const auto made = allow_file(config_, offered());
  ASSERT_TRUE(made);
  const auto list = site_local::AllowList::load(made->path);
  ASSERT_TRUE(list) << list.error().text();
  ASSERT_EQ(list->rules().size(), 1u);
  EXPECT_EQ(list->rules()[0].tenant, "*");
  EXPECT_EQ(list->rules()[0].commands, (std::vector<std::string>{"/usr/bin/a", "/usr/bin/b"}));
  EXPECT_EQ(list->rules()[0].cpu_milli_max, 2000u);
  EXPECT_EQ(list->rules()[0].memory_bytes_max, uint64_t{1024} << 20);
  EXPECT_EQ(list->rules()[0].accelerators_max, 2u);
}

TEST_F(AllowFileTest, AChangedFileIsReadOnce) {
  write("allow.toml", "version = 1\n");
  AllowFileWatch watch(folder_ / "allow.toml");
  int reads = 0;
  Status answer;
  const auto reload = [&] { return ++reads, answer; };
  EXPECT_FALSE(*watch.look(reload));
  const auto change = [&](int seconds) {
    fs::last_write_time(folder_ / "allow.toml",
                        fs::file_time_type::clock::now() + std::chrono::seconds(seconds));
  };
  change(10);
  EXPECT_TRUE(*watch.look(reload));
  EXPECT_FALSE(*watch.look(reload));
  EXPECT_EQ(reads, 1);
  answer = fail(ErrorCode::kInvalid, "is wrong");
  change(20);
  EXPECT_FALSE(watch.look(reload));
  EXPECT_FALSE(*watch.look(reload));
  EXPECT_EQ(reads, 2);
}

// Nobody listens at the brain's address, so that an agent that got as far as spending its token would report
// that.
TEST_F(AllowFileTest, ATokenIsNotSpentByAnAgentThatCannotStart) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  write("allow.toml", "version = 1\nnonsense = 1\n");
  config_.brain = "127.0.0.1:1";
  config_.token = "weir1.x";
  config_.site = "attic";
  config_.meter_us = 40'000;
  std::vector<std::string> said;
  const Status ran = run_agent(
      config_, [&](bool, const std::string& line) { said.push_back(line); }, [](TimeUs) { return true; });
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, ErrorCode::kInvalid) << ran.error().text();
  EXPECT_NE(ran.error().where.find("allow.toml:2"), std::string::npos) << ran.error().text();
  EXPECT_TRUE(said.empty());
  EXPECT_FALSE(fs::exists(folder_ / "identity" / "request.pem"));
}

}  // namespace
}  // namespace weir::app
