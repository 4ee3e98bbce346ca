#include "core/toml/fields.h"

#include <gtest/gtest.h>

namespace weir::toml {
namespace {

struct Settings {
  std::string name = "default";
  int64_t count = 7;
  bool on = true;
  std::vector<Text> list;
};

std::string read(const std::string& text, Settings& out) {
  const auto tables = parse(text, "f.toml");
  if (!tables) return tables.error().text();
  Fields fields(tables->front(), "f.toml", "top.");
  fields.text("name", out.name);
  fields.whole("count", -1, 9, out.count);
  fields.truth("switched-on", out.on);
  if (fields.texts("list", out.list) && out.list.empty()) fields.refuse("list", "is empty");
  const Status done = fields.done();
  return done ? "" : done.error().text();
}
std::string error_of(const std::string& text) {
  Settings ignored;
  return read(text, ignored);
}

TEST(Fields, TakeWhatIsThere) {
  Settings settings;
  EXPECT_EQ(read("", settings), "");
  EXPECT_EQ(settings.name, "default");
  EXPECT_EQ(settings.count, 7);
  EXPECT_EQ(read("name = 'n'\ncount = -1\nswitched-on = false\nlist = ['a', 'b']\n", settings), "");
  EXPECT_EQ(settings.name, "n");
  EXPECT_EQ(settings.count, -1);
  EXPECT_FALSE(settings.on);
  EXPECT_EQ(settings.list.size(), 2u);
}

TEST(Fields, RefuseTheRest) {
  EXPECT_EQ(error_of("name = 1"), "f.toml:1: top.name: must be a text; write it in quotes: \"...\"");
  EXPECT_EQ(error_of("count = 10"), "f.toml:1: top.count: must be a whole number from -1 to 9");
  EXPECT_EQ(error_of("count = 9"), "");
  EXPECT_EQ(error_of("count = -2"), "f.toml:1: top.count: must be a whole number from -1 to 9");
  EXPECT_EQ(error_of("count = '9'"),
            "f.toml:1: top.count: must be a whole number from -1 to 9; write it without quotes");
  EXPECT_EQ(error_of("switched-on = 'true'"),
            "f.toml:1: top.switched-on: must be true or false; write it without quotes");
  EXPECT_EQ(error_of("list = 'a'"), "f.toml:1: top.list: must be a list of texts; write [\"a\", \"b\"]");
  EXPECT_EQ(error_of("\nlist = []"), "f.toml:2: top.list: is empty");
  EXPECT_EQ(error_of("\nnmae = 'n'"), "f.toml:2: top.nmae: is unknown; did you mean \"name\"?");
  EXPECT_EQ(error_of("elephant = 'n'"),
            "f.toml:1: top.elephant: is unknown; known are name, count, switched-on and list");
  EXPECT_EQ(error_of("count = 99\nnmae = 1\nname = 1"),
            "f.toml:3: top.name: must be a text; write it in quotes: \"...\"")
      << "the first that is asked for";
}

TEST(Fields, SayWhatIsMissing) {
  const auto tables = parse("\n[a]\nb = 1", "f.toml");
  Fields missing((*tables)[1], "f.toml", "a.");
  missing.require("c");
  EXPECT_EQ(missing.done().error().text(), "f.toml:2: a.c: is missing; add it; there is no default");
  Fields whole((*tables)[1], "f.toml", "a.");
  whole.refuse("", "is odd");
  EXPECT_EQ(whole.done().error().text(), "f.toml:2: a: is odd");
  Fields none((*tables)[1], "f.toml", "a.");
  EXPECT_EQ(none.done().error().text(), "f.toml:3: a.b: is unknown; nothing is known here");
}

}  // namespace
}  // namespace weir::toml
