#include "core/toml/parse.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace weir::toml {
namespace {

std::string error_of(const std::string& text) {
  const auto parsed = parse(text, "f.toml");
  return parsed ? "" : parsed.error().text();
}

std::vector<std::string> strings(const Value& value) {
  std::vector<std::string> out;
  for (const Text& text : value.texts) out.push_back(text.text);
  return out;
}

std::string of(const std::string& unit, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += unit;
  return out;
}

TEST(Toml, ReadsWhatItSays) {
  const auto tables = parse(
      "\xEF\xBB\xBF# 设置\r\nbrain = \"b:1\" # why\r\n  path='C:\\x'\nplain=-12_000\ntrue = true\n\"a b\" = "
      "+0\n"
      "list = [ # none\n  \"一\", 'two \"2\"',\n  \"\\\"\\\\\",\n]\nempty = []\n\n[ domain ]\nname = \"d\"\n"
      "[contexts.lab]\n[[tenant]]\nname = \"a\"\n[[tenant]]\nname = \"a\"\n[a.b]\n[a]\n",
      "f.toml");
  ASSERT_TRUE(tables) << tables.error().text();
  ASSERT_EQ(tables->size(), 7u);
  const Table& root = tables->front();
  EXPECT_EQ(root.name, "");
  EXPECT_EQ(root.find("brain")->texts.front(), (Text{"b:1", 2}));
  EXPECT_EQ(root.find("path")->texts.front().text, "C:\\x");
  EXPECT_EQ(root.find("plain")->whole, -12'000);
  EXPECT_EQ(root.find("true")->truth, true);
  EXPECT_EQ(root.find("a b")->whole, 0);
  EXPECT_EQ(root.find("list")->line, 7u);
  EXPECT_EQ(strings(*root.find("list")), (std::vector<std::string>{"一", "two \"2\"", "\"\\"}));
  EXPECT_EQ(root.find("list")->texts[1].line, 8u);
  EXPECT_EQ(root.find("list")->texts[2].line, 9u);
  EXPECT_EQ(root.find("empty")->kind, Value::Kind::kTexts);
  EXPECT_EQ(root.find("nothing"), nullptr);
  EXPECT_EQ((*tables)[1].name, "domain");
  EXPECT_EQ((*tables)[1].line, 13u);
  EXPECT_EQ((*tables)[2].name, "contexts.lab");
  EXPECT_TRUE((*tables)[4].listed);
  EXPECT_EQ((*tables)[4].line, 18u);
}

TEST(Toml, ReadsWholeNumbersToTheirEnds) {
  EXPECT_EQ(parse("a = 9223372036854775807", "f")->front().find("a")->whole, INT64_MAX);
  EXPECT_EQ(parse("a = -9223372036854775808", "f")->front().find("a")->whole, INT64_MIN);
  EXPECT_EQ(error_of("a = 9223372036854775808"), "f.toml:1: a: a number beyond 64 bits");
  EXPECT_EQ(error_of("a = -9223372036854775809"), "f.toml:1: a: a number beyond 64 bits");
  EXPECT_EQ(error_of("a = 99999999999999999999999999999"), "f.toml:1: a: a number beyond 64 bits");
}

struct Wrong {
  std::string text;
  std::string message;
};
class TomlErrors : public testing::TestWithParam<Wrong> {};

TEST_P(TomlErrors, NameFileLineAndField) {
  const auto parsed = parse(GetParam().text, "f.toml");
  ASSERT_FALSE(parsed) << GetParam().text;
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(parsed.error().text().starts_with(GetParam().message)) << parsed.error().text();
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TomlErrors,
    testing::Values(
        Wrong{"a = 1.5", "f.toml:1: a: is not a whole number; a fraction, a date or a quantity"},
        Wrong{"a = 1979-05-27", "f.toml:1: a: is not a whole number"},
        Wrong{"a = 07:32:00", "f.toml:1: a: is not a whole number"},
        Wrong{"a = 0x1f", "f.toml:1: a: is not a whole"},
        Wrong{"a = 1e3", "f.toml:1: a: is not a whole number"},
        Wrong{"a = -", "f.toml:1: a: is not a whole number"},
        Wrong{"a = 1_", "f.toml:1: a: is not a whole number"},
        Wrong{"a = 1__0", "f.toml:1: a: is not a whole number"},
        Wrong{"a = _1", "f.toml:1: a: expected a value"},
        Wrong{"a = 10s", "f.toml:1: a: is not a whole number"},
        Wrong{"a = 010", "f.toml:1: a: a number that begins with 0"},
        Wrong{"a = text", "f.toml:1: a: expected a value; a text stands in quotes"},
        Wrong{"a = True", "f.toml:1: a: expected a value"},
        Wrong{"a = trueish", "f.toml:1: a: expected a value"}, Wrong{"a =", "f.toml:1: a: expected a value"},
        Wrong{"a = # b", "f.toml:1: a: expected a value"}, Wrong{"a = = 1", "f.toml:1: a: expected a value"},
        Wrong{"a 1", "f.toml:1: a: expected '=' after the name"},
        Wrong{"\na = 1 2", "f.toml:2: a: something follows the end of the value"},
        Wrong{"a = 1\n\na = 2", "f.toml:3: a: is given twice"},
        Wrong{"a.b = 1", "f.toml:1: a: a dotted name; write a table"},
        Wrong{"a = {b = 1}", "f.toml:1: a: a table in one line; write [name]"},
        Wrong{"= 1", "f.toml:1: expected a name"}, Wrong{"é = 1", "f.toml:1: expected a name"},
        Wrong{"\"\" = 1", "f.toml:1: a name has no bytes"},
        Wrong{"a = \"b", "f.toml:1: a: the text has no closing quote"},
        Wrong{"a = \"b\r\n\"", "f.toml:1: a: the text has no closing quote"},
        Wrong{"a = 'b", "f.toml:1: a: the text has no closing quote in its line; end it with '"},
        Wrong{"a = \"\"\"b\"\"\"", "f.toml:1: a: a text of several lines"},
        Wrong{"a = '''b'''", "f.toml:1: a: a text of several lines"},
        Wrong{"a = \"\\n\"", "f.toml:1: a: an escape other than"},
        Wrong{"a = \"\\", "f.toml:1: a: an escape other than"},
        Wrong{"a = [\"b\"\n\"c\"]", "f.toml:2: a: expected ',' or ']'"},
        Wrong{"a = [\"b\",\n3]", "f.toml:2: a: expected a text in quotes"},
        Wrong{"a = [[\"b\"]]", "f.toml:1: a: expected a text in quotes"},
        Wrong{"a = [,]", "f.toml:1: a: expected a text"},
        Wrong{"a = [", "f.toml:1: a: expected a text in quotes, or the end of the list"},
        Wrong{"a = [\n\"b\"", "f.toml:2: a: expected ',' or ']'"},
        Wrong{"[a", "f.toml:1: expected ']' after"}, Wrong{"[[a]", "f.toml:1: expected ']]' after"},
        Wrong{"[a]]", "f.toml:1: a: something follows"}, Wrong{"[[>", "f.toml:1: expected a name"},
        Wrong{"[]", "f.toml:1: expected a name"}, Wrong{"[a.]", "f.toml:1: expected a name"},
        Wrong{"[\"a\"]", "f.toml:1: expected a name"},
        Wrong{"[a]\n[b]\n[a]", "f.toml:3: a: the table is there already, on line 1; join the two"},
        Wrong{"[a]\n[[a]]", "f.toml:2: a: the table is there already, on line 1"},
        Wrong{"[[a]]\n[a]", "f.toml:2: a: the table is there already, on line 1"},
        Wrong{"[a.b]\n[[a]]", "f.toml:2: a: the name belongs to tables already"},
        Wrong{"[a.b]\n[a]\n[a]", "f.toml:3: a: the table is there already, on line 2"},
        Wrong{"[[a]]\n[a.b]", "f.toml:2: a.b: a table inside one of a list"},
        Wrong{"\na = 1\n[a]", "f.toml:2: a: is a table too"},
        Wrong{"a = 1\n[a.b]", "f.toml:1: a: is a table too"},
        Wrong{"[a.b]\n[a]\nb = 1", "f.toml:3: a.b: is a table too"},
        Wrong{"\n# \v", "f.toml:2: holds a control"}, Wrong{"a = \"\x7f\"", "f.toml:1: holds a control"},
        Wrong{"a = 1\rb = 2", "f.toml:1: holds a control"},
        Wrong{std::string("a = \"\0\"", 7), "f.toml:1: holds a control"},
        Wrong{"a = 1\n# \xC3", "f.toml:2: is not UTF-8"},
        Wrong{"\xCC\x81 = 1", "f.toml:1: expected a name"}));

TEST(Toml, KeepsItsBounds) {
  EXPECT_EQ(error_of("#" + std::string(kFileBytesMax - 1, ' ')), "");
  EXPECT_EQ(error_of("#" + std::string(kFileBytesMax, ' ')), "f.toml: has more than 1048576 bytes");
  EXPECT_EQ(error_of(of("[[a]]\n", kTablesMax)), "");
  EXPECT_EQ(error_of(of("[[a]]\n", kTablesMax + 1)), "f.toml:4097: there are more than 4096 tables");
  std::string fields;
  for (size_t i = 0; i < kFieldsMax; ++i) fields += "f" + std::to_string(i) + " = 1\n";
  EXPECT_EQ(error_of(fields), "");
  EXPECT_EQ(error_of(fields + "g = 1"), "f.toml:1025: g: the table has more than 1024 fields");
  EXPECT_EQ(error_of(fields + "[b]\ng = 1"), "") << "each table has its own";
  EXPECT_EQ(error_of("a = [" + of("'',", kTextsMax) + "]"), "");
  EXPECT_EQ(error_of("a = [" + of("'',", kTextsMax + 1) + "]"),
            "f.toml:1: a: the list has more than 16384 texts");
  EXPECT_EQ(error_of("a = '" + std::string(kTextBytesMax, 'x') + "'"), "");
  EXPECT_EQ(error_of("a = '" + std::string(kTextBytesMax + 1, 'x') + "'"),
            "f.toml:1: a: the text has more than 4096 bytes");
  EXPECT_EQ(error_of(std::string(kNameBytesMax, 'n') + " = 1"), "");
  EXPECT_EQ(error_of(std::string(kNameBytesMax + 1, 'n') + " = 1"),
            "f.toml:1: a name has more than 128 bytes");
  EXPECT_EQ(error_of("'" + std::string(kNameBytesMax, 'n') + "' = 1"), "");
  EXPECT_EQ(error_of("'" + std::string(kNameBytesMax + 1, 'n') + "' = 1"),
            "f.toml:1: a name has no bytes, or more than 128");
  const std::string half(kNameBytesMax / 2, 'n');
  EXPECT_EQ(error_of("[" + half + "." + half.substr(1) + "]"), "");
  EXPECT_EQ(error_of("[" + half + "." + half + "]"), "f.toml:1: a table's name has more than 128 bytes");
}

TEST(Toml, NeverRepeatsWhatMayBeASecret) {
  const std::string secret = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ";
  for (const std::string& text :
       {"token = weiru.0909090909090909." + secret, "token = \"weiru." + secret,
        "\"weiru." + secret + "\" = ", "'weiru." + secret + "' 1",
        "[weiru." + secret + "]\n[weiru." + secret + "]", secret + " 1", "a = [\"" + secret + "\" 1"}) {
    EXPECT_FALSE(error_of(text).empty()) << text;
    EXPECT_EQ(error_of(text).find("CQkJ"), std::string::npos) << error_of(text);
  }
  EXPECT_EQ(place("f", 3, std::string(31, 'n')), "f:3: " + std::string(31, 'n'));
  EXPECT_EQ(place("f", 3, std::string(32, 'n')), "f:3: a field");
  EXPECT_EQ(place("f", 3, "a\x1b[2J"), "f:3: a field");
  EXPECT_EQ(place("f", 3, ""), "f:3");
}

// Whatever is written by the rules is read back.
RC_GTEST_PROP(Toml, ReadsBackWhatWasWritten, ()) {
  const auto name =
      rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("abyz09_-"))));
  const auto body = rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab \"\\#'[]=.\t")));
  const auto quoted = [](const std::string& text) {
    std::string out = "\"";
    for (const char c : text) out += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
    return out + "\"";
  };
  std::string text;
  std::vector<Table> tables(1);
  uint32_t line = 1;
  for (int i = *rc::gen::inRange(0, 12); i > 0; --i) {
    Field field{*name, {}};
    if (tables.back().find(field.name) != nullptr || field.name.size() > kNameBytesMax) continue;
    field.value.line = line;
    text += field.name + " = ";
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        field.value.kind = Value::Kind::kWhole;
        field.value.whole = *rc::gen::arbitrary<int64_t>();
        text += std::to_string(field.value.whole);
        break;
      case 1:
        field.value.kind = Value::Kind::kTruth;
        field.value.truth = *rc::gen::arbitrary<bool>();
        text += field.value.truth ? "true" : "false";
        break;
      case 2:
        field.value.texts.push_back({*body, line});
        text += quoted(field.value.texts[0].text);
        break;
      default:
        field.value.kind = Value::Kind::kTexts;
        text += "[";
        for (int k = *rc::gen::inRange(0, 4); k > 0; --k) {
          field.value.texts.push_back({*body, line});
          text += quoted(field.value.texts.back().text) + ",";
          if (*rc::gen::arbitrary<bool>()) {
            text += "\n";
            ++line;
          }
        }
        text += "]";
    }
    text += " # end\n";
    ++line;
    tables.back().fields.push_back(std::move(field));
    if (*rc::gen::inRange(0, 4) == 0) {
      text += "[[list]]\n";
      tables.push_back({.name = "list", .listed = true, .line = line++, .fields = {}});
    }
  }
  RC_PRE(std::none_of(tables[0].fields.begin(), tables[0].fields.end(),
                      [](const Field& f) { return f.name == "list"; }));
  const auto read = parse(text, "f");
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == tables);
}

}  // namespace
}  // namespace weir::toml
