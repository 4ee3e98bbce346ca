#include "twin/trace/openb.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr const char* kTaskHeader =
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,"
    "scheduled_time";

// Of the second line, after a header.
Result<std::optional<OpenbTask>> task(const std::string& row, const std::string& header = kTaskHeader) {
  OpenbTaskReader reader("tasks.csv");
  const auto first = reader.line(header);
  if (!first) return first;
  return reader.line(row);
}

std::string error(const std::string& row, const std::string& header = kTaskHeader) {
  const auto result = task(row, header);
  return result ? "" : result.error().text();
}

}  // namespace

TEST(Openb, ReadsTasks) {
  const auto read =
      task("openb-pod-0017,6000,12288,1,460,V100M16|V100M32,LS,Running,427061,12902960,427061\r");
  ASSERT_TRUE(read && *read);
  const OpenbTask& t = **read;
  EXPECT_EQ(t.name, "openb-pod-0017");
  EXPECT_EQ(t.cpu_milli, 6000);
  EXPECT_EQ(t.memory_mib, 12288);
  EXPECT_EQ(t.accelerators, 1);
  EXPECT_EQ(t.accelerator_milli, 460);
  EXPECT_EQ(t.models, (std::vector<std::string>{"V100M16", "V100M32"}));
  EXPECT_EQ(t.qos, "LS");
  EXPECT_EQ(t.phase, "Running");
  EXPECT_EQ(t.creation_time_s, 427061);
  EXPECT_EQ(t.deletion_time_s, 12902960);
  EXPECT_EQ(t.scheduled_time_s, 427061);
}

TEST(Openb, ColumnsComeInAnyOrderAndSomeMayBeMissing) {
  const auto read = task("700,x,extra,2,1000,64", "gpu_milli,name,other,num_gpu,cpu_milli,memory_mib");
  EXPECT_FALSE(read) << "a share of two accelerators";
  const auto good = task("700,x,extra,0,1000,64", "gpu_milli,name,other,num_gpu,cpu_milli,memory_mib");
  ASSERT_TRUE(good && *good);
  EXPECT_EQ((*good)->accelerator_milli, 0) << "no accelerator, no share of one";
  EXPECT_EQ((*good)->cpu_milli, 1000);
  EXPECT_EQ((*good)->creation_time_s, std::nullopt);
  const auto pending = task("x,1,1,0,0,|,,Pending,5,,");
  ASSERT_TRUE(pending && *pending);
  EXPECT_TRUE((*pending)->models.empty());
  EXPECT_EQ((*pending)->deletion_time_s, std::nullopt);
}

TEST(Openb, ErrorsNameFileAndLine) {
  EXPECT_EQ(error("", "name,cpu_milli,memory_mib,gpu_milli"),
            "tasks.csv:1: the header has no column \"num_gpu\"");
  EXPECT_EQ(error("", "name,name,cpu_milli,memory_mib,num_gpu,gpu_milli"),
            "tasks.csv:1: the header has the column \"name\" twice");
  EXPECT_EQ(error("a,1"), "tasks.csv:2: the line has 2 fields, the header 11");
  EXPECT_EQ(error("a,many,1,0,0,,,,,,"),
            "tasks.csv:2: cpu_milli is \"many\"; a whole number from 0 to 1000000000 is expected");
  EXPECT_EQ(error("a,-1,1,0,0,,,,,,"),
            "tasks.csv:2: cpu_milli is \"-1\"; a whole number from 0 to 1000000000 is expected");
  EXPECT_EQ(error("a,1,1,1,1001,,,,,,"),
            "tasks.csv:2: gpu_milli is \"1001\"; a whole number from 1 to 1000 is expected");
  EXPECT_EQ(error("a,1,1,1,0,,,,,,"),
            "tasks.csv:2: gpu_milli is \"0\"; a whole number from 1 to 1000 is expected");
  EXPECT_EQ(error(",1,1,0,0,,,,,,"), "tasks.csv:2: the task has no name");
  EXPECT_EQ(error("a,1,1,0,0,,,,-3,,"),
            "tasks.csv:2: creation_time is \"-3\"; a whole number from 0 to 9223372036854 is expected");
  EXPECT_EQ(error("\"a\",1,1,0,0,,,,,,"),
            "tasks.csv:2: the line has a quotation mark; the format has no quoted fields");
  EXPECT_EQ(error("a\x1b,1,1,0,0,,,,,,"), "tasks.csv:2: the line is not plain UTF-8 text");
  EXPECT_EQ(OpenbTaskReader("tasks.csv").end().error().text(), "tasks.csv:0: the file has no header");
}

TEST(Openb, BoundsOfALine) {
  const std::string rest = ",1,1,0,0,,,,,,";
  EXPECT_EQ(error(std::string(kOpenbLineBytesMax - rest.size(), 'a') + rest), "");
  EXPECT_NE(error(std::string(kOpenbLineBytesMax - rest.size() + 1, 'a') + rest), "");
  const std::string header = "name,cpu_milli,memory_mib,num_gpu,gpu_milli";
  EXPECT_EQ(error("", header + std::string(kOpenbColumnsMax - 5, ',')), "");
  EXPECT_NE(error("", header + std::string(kOpenbColumnsMax - 4, ',')), "");
}

TEST(Openb, ReadsNodes) {
  OpenbNodeReader reader("nodes.csv");
  EXPECT_EQ(*reader.line("\xef\xbb\xbfsn,cpu_milli,memory_mib,gpu,model"), std::nullopt);
  EXPECT_EQ(*reader.line(""), std::nullopt);
  const auto node = reader.line("openb-node-0000,64000,262144,2,P100");
  ASSERT_TRUE(node && *node);
  EXPECT_EQ((*node)->name, "openb-node-0000");
  EXPECT_EQ((*node)->cpu_milli, 64000);
  EXPECT_EQ((*node)->memory_mib, 262144);
  EXPECT_EQ((*node)->accelerators, 2);
  EXPECT_EQ((*node)->model, "P100");
  EXPECT_TRUE(reader.end());
  EXPECT_EQ(reader.line("n,1,1,1001,P100").error().text(),
            "nodes.csv:4: gpu is \"1001\"; a whole number from 0 to 1000 is expected");
  EXPECT_EQ(reader.line(",1,1,1,P100").error().text(), "nodes.csv:5: the node has no name");
}

}  // namespace weir
