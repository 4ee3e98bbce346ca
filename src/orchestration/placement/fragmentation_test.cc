#include "orchestration/placement/fragmentation.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "orchestration/placement/accelerator_for_test.h"

namespace weir {
namespace {

// Word for word from the paper.
int64_t naive(const AcceleratorNode& node, const std::vector<TaskMix::Row>& mix) {
  int64_t sum = 0;
  for (const auto& [task, count] : mix) {
    for (size_t d = 0; d < node.accelerators; ++d) {
      const bool usable =
          task.accelerators > 0 && fits(node, task) && node.free_milli[d] >= task.accelerator_milli;
      if (!usable) sum += count * node.free_milli[d];
    }
  }
  return sum;
}

}  // namespace

TEST(Fragmentation, WhatNoTaskCanUseIsLost) {
  AcceleratorNode node = empty_node(8000, 0, 2, 0);
  node.free_milli = {300, 1000};
  EXPECT_EQ(Fragmentation({{{1000, 0, 1, 500, 0}, 1}}).of(node), 300);
  EXPECT_EQ(Fragmentation({{{1000, 0, 1, 300, 0}, 1}}).of(node), 0);
  EXPECT_EQ(Fragmentation({{{9000, 0, 1, 300, 0}, 1}}).of(node), 1300) << "too little CPU";
  EXPECT_EQ(Fragmentation({{{1000, 1, 1, 300, 0}, 1}}).of(node), 1300) << "too little memory";
  EXPECT_EQ(Fragmentation({{{1000, 0, 2, 1000, 0}, 1}}).of(node), 1300) << "too few whole ones";
  EXPECT_EQ(Fragmentation({{{1000, 0, 1, 300, 2}, 1}}).of(node), 1300) << "another model";
  EXPECT_EQ(Fragmentation({{{1000, 0, 0, 0, 0}, 1}}).of(node), 1300) << "no accelerator";
  const Fragmentation both({{{1000, 0, 1, 500, 0}, 3}, {{9000, 0, 1, 300, 0}, 2}});
  EXPECT_EQ(both.of(node), 3 * 300 + 2 * 1300);
  EXPECT_EQ(both.weight(), 5);
}

TEST(Fragmentation, TypicalTasksMakeUpTheShareAndLeaveMemoryOut) {
  TaskMix mix;
  mix.add({1000, 10, 1, 1000, 0}, 30);
  mix.add({1000, 20, 1, 1000, 0}, 30);
  mix.add({3000, 10, 1, 500, 0}, 35);
  mix.add({2000, 10, 0, 0, 0}, 5);
  const auto typical = typical_tasks(mix, 95);
  ASSERT_EQ(typical.size(), 2u);
  EXPECT_EQ(typical[0].count, 60);
  EXPECT_EQ(typical[0].task.memory_mib, 0);
  EXPECT_EQ(typical[1].count, 35);
  EXPECT_EQ(typical_tasks(mix, 96).size(), 3u);
  EXPECT_EQ(typical_tasks(TaskMix(), 95).size(), 0u);
}

RC_GTEST_PROP(Fragmentation, EqualsTheSumOverDevicesAndTasks, ()) {
  const AcceleratorNode node = *any_node();
  std::vector<TaskMix::Row> mix;
  const int kinds = *rc::gen::inRange(0, 12);
  for (int i = 0; i < kinds; ++i) mix.push_back({*any_task(), *rc::gen::inRange(1, 100)});
  RC_ASSERT(Fragmentation(mix).of(node) == naive(node, mix));
  RC_ASSERT(Fragmentation(mix).of(canonical(node)) == naive(node, mix));
}

}  // namespace weir
