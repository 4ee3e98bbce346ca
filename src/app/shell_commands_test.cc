// Help and completion, of the commands that this build has.
#include <gtest/gtest.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/commands.h"
#include "app/exit_code.h"
#include "service/gateway/openapi.h"

namespace weir::app {
namespace {

std::string printed(std::vector<const char*> arguments) {
  CLI::App app("", "weir");
  add_commands(app);
  arguments.insert(arguments.begin(), "weir");
  testing::internal::CaptureStdout();
  const int code = run(app, static_cast<int>(arguments.size()), arguments.data());
  const std::string out = testing::internal::GetCapturedStdout();
  EXPECT_EQ(code, kExitOk);
  return out;
}

void expect_examples(const CLI::App& app, const std::string& path) {
  for (const CLI::App* sub : app.get_subcommands({})) {
    const std::string name = path + " " + sub->get_name();
    if (sub->get_group().empty()) continue;  // for the program itself, and not shown
    if (sub->get_subcommands({}).empty()) {
      EXPECT_NE(sub->get_footer().find(name), std::string::npos) << name;
    }
    EXPECT_FALSE(sub->get_description().empty()) << name;
    expect_examples(*sub, name);
  }
}

TEST(Help, EveryCommandHasAnExample) {
  CLI::App app("", "weir");
  add_commands(app);
  expect_examples(app, "weir");
}

TEST(ManPage, HasEveryCommandAndNothingThatRoffWouldTakeForItsOwn) {
  const std::string page = printed({"man"});
  EXPECT_EQ(page.find(".TH WEIR 1"), 0u);
  EXPECT_NE(page.find("\\[u9700]\\[u8981]"), std::string::npos) << "as any roff reads it";
  for (const char* part : {".SS \"weir apply\"", ".SS \"weir ledger verify\"", "\\fB\\-\\-dry\\-run\\fR", "Exit codes: 0 ok"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(page.find("\n\n.S"), std::string::npos) << "no empty lines before a heading";
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('.')) continue;
    const std::string request = line.substr(0, line.find(' '));
    EXPECT_TRUE(request == ".TH" || request == ".SH" || request == ".SS" || request == ".TP" || request == ".PP" || request == ".nf" || request == ".fi") << line;
  }
}

class Completion : public ::testing::Test {
 protected:
  // What bash offers for the last word.
  std::string offered(const std::string& words, const std::string& shell = "bash") {
    const std::string path = testing::TempDir() + "weir-completion." + std::to_string(getpid());
    std::ofstream(path) << printed({"completion", shell.c_str()}) << "\nCOMP_WORDS=(weir " << words << ")\n"
                        << "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_weir\necho \"${COMPREPLY[@]}\"\n";
    std::FILE* pipe = ::popen(("bash --norc -u " + path + " 2>&1").c_str(), "r");
    std::string out;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
    ::pclose(pipe);
    std::filesystem::remove(path);
    return out;
  }
};

TEST_F(Completion, OffersWhatTheCommandLineKnows) {
  EXPECT_EQ(offered("ge"), "get\n");
  EXPECT_EQ(offered("get inte"), "intents\n");
  EXPECT_EQ(offered("get tok"), "tokens\n");
  EXPECT_EQ(offered("get intents --outp"), "--output\n");
  EXPECT_EQ(offered("get intents -o ''"), "table wide json yaml name\n");
  EXPECT_EQ(offered("get intents --output j"), "json\n");
  EXPECT_EQ(offered("ledger ''").find("verify head prove"), 0u) << offered("ledger ''");
  EXPECT_EQ(offered("token create --role t"), "tenant\n");
  EXPECT_EQ(offered("--context x ledger ver"), "verify\n");
  EXPECT_EQ(offered("completion z"), "zsh\n");
  EXPECT_EQ(offered("opena"), "openapi\n");
  EXPECT_EQ(offered("mc"), "mcp\n");
  EXPECT_EQ(offered("apply -f ''"), "\n") << "then bash offers files";
}

TEST_F(Completion, OffersTheNamesThatThereAreNow) {
  const std::string folder = testing::TempDir() + "weir-names." + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/weir") << "#!/bin/sh\ncase \"$*\" in 'get intents -o name') echo city/cameras; echo city/doors ;; 'get sites -o name') echo metro; echo 'mall $(touch " << folder << "/harm)'; echo 'm`touch " << folder << "/harm`' ;; *) exit 7 ;; esac\n";
  std::filesystem::permissions(folder + "/weir", std::filesystem::perms::owner_all);
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (folder + ":" + path).c_str(), 1);
  EXPECT_EQ(offered("get intent city/d"), "city/doors\n");
  EXPECT_EQ(offered("delete intents city/"), "city/cameras city/doors\n");
  EXPECT_EQ(offered("explain city/c"), "city/cameras\n");
  EXPECT_EQ(offered("explain city/cameras --ing"), "--ingress\n");
  EXPECT_EQ(offered("drain m"), "metro\n");
  EXPECT_FALSE(std::filesystem::exists(folder + "/harm")) << "what a brain says is no command";
  EXPECT_EQ(offered("describe node 3"), "\n") << "a brain that does not answer is no obstacle";
  ::setenv("PATH", path.c_str(), 1);
  std::filesystem::remove_all(folder);
}

TEST(OpenApiCommand, PrintsWhatABrainServes) { EXPECT_EQ(printed({"openapi"}), gateway::openapi_document() + "\n"); }

TEST_F(Completion, DescriptionsAreQuotedForFish) {
  const std::string script = printed({"completion", "fish"});
  EXPECT_NE(script.find("brain\\'s CA"), std::string::npos) << script;
}

}  // namespace
}  // namespace weir::app
