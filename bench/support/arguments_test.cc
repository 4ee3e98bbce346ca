#include "bench/support/arguments.h"

#include <gtest/gtest.h>

#include "bench/support/statistics.h"

namespace weir::bench {
namespace {

class Arguments : public ::testing::Test {
 protected:
  std::optional<int> read(const std::vector<std::string>& args) {
    ::testing::internal::CaptureStderr();
    ::testing::internal::CaptureStdout();
    const auto code = read_arguments(
        "weir bench thing", "Usage: it\n", args,
        {Option::number<uint32_t>("--rounds", 1, 1000, rounds), Option::text("--dir", directory),
         Option::choice("-o", {"table", "json", "markdown"}, format)});
    printed = ::testing::internal::GetCapturedStdout();
    said = ::testing::internal::GetCapturedStderr();
    return code;
  }
  uint32_t rounds = 9;
  std::string directory = ".", format = "table", printed, said;
};

TEST_F(Arguments, DefaultsStayWithoutThem) {
  EXPECT_EQ(read({}), std::nullopt);
  EXPECT_EQ(rounds, 9u);
  EXPECT_EQ(format, "table");
}

TEST_F(Arguments, ValuesArriveAndTheLastOneWins) {
  EXPECT_EQ(read({"--rounds", "1", "-o", "json", "--dir", "/x", "--rounds", "1000"}), std::nullopt);
  EXPECT_EQ(rounds, 1000u);
  EXPECT_EQ(format, "json");
  EXPECT_EQ(directory, "/x");
}

TEST_F(Arguments, HelpEndsInOrderWhereverItStands) {
  EXPECT_EQ(read({"--rounds", "0", "--help"}), 0);
  EXPECT_EQ(printed, "Usage: it\n");
  EXPECT_EQ(read({"-h"}), 0);
}

TEST_F(Arguments, WrongOnesAreNamedWithWhatIsTaken) {
  const std::pair<std::vector<std::string>, const char*> wrong[] = {
      {{"--rounds", "0"}, "--rounds takes a number from 1 to 1000, not '0'"},
      {{"--rounds", "1001"}, "--rounds takes a number from 1 to 1000, not '1001'"},
      {{"--rounds", "5x"}, "not '5x'"},
      {{"--rounds", "-1"}, "not '-1'"},
      {{"--rounds", "99999999999"}, "not '99999999999'"},
      {{"--dir", ""}, "--dir takes a text"},
      {{"-o", "xml"}, "-o takes table, json or markdown, not 'xml'"},
      {{"--rounds"}, "--rounds needs a number from 1 to 1000"},
      {{"--wheels", "4"}, "unknown argument '--wheels'"}};
  for (const auto& [args, what] : wrong) {
    EXPECT_EQ(read(args), 2) << what;
    EXPECT_NE(said.find(what), std::string::npos) << said;
    EXPECT_TRUE(said.starts_with("weir bench thing: ")) << said;
  }
  EXPECT_EQ(rounds, 9u);
}

TEST(Statistics, OfFewAndOfNone) {
  EXPECT_EQ(median(std::vector<double>{}), 0);
  EXPECT_EQ(median(std::vector<int>{3, 1, 2}), 2);
  EXPECT_EQ(quantile(std::vector<int>{1, 2, 3, 4}, 0.999), 4);
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(1234567.4), "1,234,567");
}

}  // namespace
}  // namespace weir::bench
