#include "app/table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace weir::app {
namespace {

size_t widest(const std::string& text) {
  std::istringstream lines(text);
  size_t out = 0;
  for (std::string line; std::getline(lines, line);) out = std::max(out, columns(line));
  return out;
}

TEST(Table, IsAsWideAsItsContents) {
  Table table({"NAME", "STATE"});
  table.add({"a", "up"});
  EXPECT_EQ(table.text(80), "NAME  STATE\na     up\n");
}

TEST(Table, CutsTheWidestTextsAndNoFigures) {
  Table table({"NAME", "WHY", "BYTES RECEIVED"});
  table.add({std::string(40, 'n'), std::string(60, 'w'), "1234567890"});
  table.add({"short", "why", "2"});
  const std::string text = table.text(80);
  EXPECT_EQ(widest(text), 80u);
  EXPECT_NE(text.find(" 1234567890\n"), std::string::npos) << text;
  EXPECT_NE(text.find("n~ "), std::string::npos) << text;
  EXPECT_NE(text.find("w~ "), std::string::npos) << text;
  EXPECT_EQ(table.text(0).find('~'), std::string::npos);
}

TEST(Table, CutsEveryTextBeforeAnyFigure) {
  Table table({"NAME", "STATE", "TIER", "CORES FREE", "MEMORY FREE", "RUNS"});
  table.add({std::string(40, 'n'), "draining", "datacenter", "12345.6/98765.4", "1234567Mi/9876543Mi", "123456"});
  const std::string text = table.text(62);
  EXPECT_EQ(widest(text), 62u);
  EXPECT_NE(text.find("  12345.6/98765.4  1234567Mi/9876543Mi  123456\n"), std::string::npos) << text;
  EXPECT_EQ(widest(table.text(50)), 50u) << "figures, when nothing else is left";
}

TEST(Table, FitsWhateverItHolds) {
  for (size_t count = 1; count <= 12; ++count) {
    Table table(std::vector<std::string>(count, "A LONG TITLE"));
    table.add(std::vector<std::string>(count, std::string(30, 'x')));
    table.add(std::vector<std::string>(count, "123456789012"));
    EXPECT_LE(widest(table.text(80)), 80u) << count;
  }
}

TEST(Table, CountsColumnsAndNotBytes) {
  EXPECT_EQ(columns("grün"), 4u);
  EXPECT_EQ(columns("浙江"), 4u);
  EXPECT_EQ(columns("\xff"), 1u);
  Table table({"REGION", "N"});
  table.add({"浙江省杭州市", "1"});
  EXPECT_EQ(table.text(80), "REGION        N\n浙江省杭州市  1\n");
  EXPECT_EQ(table.text(14), "REGION       N\n浙江省杭州~  1\n");
}

TEST(Wrapped, BreaksAtSpacesAndGoesOnFurtherIn) {
  EXPECT_EQ(wrapped("short\n  two  spaces\n", 80), "short\n  two  spaces\n");
  EXPECT_EQ(wrapped("  - one two three four\nfive", 12), "  - one two\n    three\n    four\nfive\n");
  EXPECT_EQ(wrapped("a " + std::string(20, 'w') + " b", 10), "a\n  " + std::string(20, 'w') + "\n  b\n");
  EXPECT_EQ(wrapped("", 10), "");
  // Chinese has no spaces; closing marks do not begin a line, opening ones do not end it, and names stay whole.
  EXPECT_EQ(wrapped("一二三四五六七", 10), "一二三四五\n  六七\n");
  EXPECT_EQ(wrapped("一二三四五。六七", 10), "一二三四\n  五。六七\n");
  EXPECT_EQ(wrapped("一二三四（五六七）", 10), "一二三四\n  （五六\n  七）\n");
  EXPECT_EQ(wrapped("到 hub-sichuan 去", 10), "到\n  hub-sichuan\n  去\n");
  EXPECT_EQ(wrapped("  - 一二三四五六", 10), "  - 一二三\n    四五六\n");
}

TEST(Table, LeavesOutLesserColumnsBeforeItCutsNames) {
  Table table({"NAME", "BETWEEN", "RATE", "USED"});
  table.lesser({"BETWEEN", "RATE"});
  table.add({"street-a-hangzhou", "street-a - hangzhou", "200Mbps", "0%"});
  EXPECT_EQ(table.text(80).find("Left out"), std::string::npos);
  EXPECT_EQ(table.text(38),
            "NAME               RATE     USED\nstreet-a-hangzhou  200Mbps  0%\n\nLeft out for want of room: "
            "BETWEEN; -o\n"
            "  wide shows all.\n");
  EXPECT_EQ(table.text(25).find("NAME               USED\nstreet-a-hangzhou  0%\n\nLeft out"), 0u)
      << table.text(25);
  EXPECT_EQ(table.text(0).find("Left out"), std::string::npos);
}

TEST(Table, ALastColumnGoesOnBelow) {
  Table table({"EVENT", "WHAT"});
  table.wrap_last();
  table.add({"1", "Run 73.0 is failed: artifact \"detector\" is not here."});
  table.add({"2", "short"});
  EXPECT_EQ(
      table.text(40),
      "EVENT  WHAT\n1      Run 73.0 is failed: artifact\n       \"detector\" is not here.\n2      short\n");
  table.add({"3", std::string(60, 'w')});
  EXPECT_EQ(widest(table.text(40)), 40u);
}

TEST(Table, WhatGoesOnBelowGivesWayBeforeNames) {
  Table table({"TENANT", "NAME", "STATE", "QUEUE", "START", "WHY"});
  table.wrap_last();
  table.add({"research", "retrain", "waiting", "production", "2026-11-22T18:00Z",
             "3 cores needed, queue production may use 2 cores more"});
  EXPECT_EQ(table.text(80),
            "TENANT    NAME     STATE    QUEUE       START              WHY\n"
            "research  retrain  waiting  production  2026-11-22T18:00Z  3 cores needed, queue\n"
            "                                                           production may use\n"
            "                                                           2 cores more\n");
  EXPECT_EQ(table.text(75).substr(0, 47), "TENANT    NAME     STATE    QUEUE       START  ");
  EXPECT_LE(widest(table.text(60)), 60u);
}

TEST(Table, ATextCannotSteerTheTerminal) {
  Table table({"WHY"});
  table.add({"line\nfeed \x1b[2J\t\x7f \xc2\x9b bell\a \xc3("});
  EXPECT_EQ(table.text(80), "WHY\nline feed  [2J     bell  ?(\n");
}

TEST(Printable, NothingSteersTheTerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb"), "a [2Jb");
  EXPECT_EQ(printable("a\xc2\x9b" "b"), "a b");
  EXPECT_EQ(printable("a\xff" "b"), "a?b");
  for (const char* turns : {"\xd8\x9c", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9"}) EXPECT_EQ(printable(turns), " ") << turns;
  for (const char* stays : {"\xe2\x80\x8d", "\xe2\x80\xa7", "\xe2\x80\xaf", "\xe2\x81\xa5", "\xe2\x81\xaa", "城东"}) EXPECT_EQ(printable(stays), stays);
}

}  // namespace
}  // namespace weir::app
