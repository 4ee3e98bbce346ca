#include "orchestration/placement/expected_fill.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "orchestration/placement/accelerator_for_test.h"

namespace weir {

TEST(ExpectedFill, OneKindOfTaskIsCounted) {
  ExpectedFill fill({{{3000, 1024, 1, 400, 0}, 5}});
  const auto expected = [&](int cpu, int memory, std::vector<int16_t> free) {
    AcceleratorNode node = empty_node(cpu, memory, static_cast<int32_t>(free.size()), 0);
    std::copy(free.begin(), free.end(), node.free_milli.begin());
    return fill.of(node) / fill.scale();
  };
  EXPECT_EQ(expected(64'000, 65'536, {1000}), 800);
  EXPECT_EQ(expected(64'000, 65'536, {1000, 399, 400}), 1200);
  EXPECT_EQ(expected(6'000, 65'536, {1000, 1000}), 800) << "CPU for two";
  EXPECT_EQ(expected(64'000, 1'024, {1000, 1000}), 400) << "memory for one";
  EXPECT_EQ(expected(2'900, 65'536, {1000}), 0);
  EXPECT_EQ(expected(64'000, 65'536, {0}), 0);
}

TEST(ExpectedFill, ModelsMatterWhereTasksNameThem) {
  ExpectedFill fill({{{1000, 0, 1, 1000, 0b10}, 1}});
  EXPECT_EQ(fill.of(empty_node(8000, 0, 2, 1)), 2000 * fill.scale());
  EXPECT_EQ(fill.of(empty_node(8000, 0, 2, 0)), 0);
}

TEST(ExpectedFill, NothingComesOfNothing) {
  ExpectedFill none({});
  EXPECT_EQ(none.of(empty_node(8000, 0, 2, 1)), 0);
  ExpectedFill without({{{1000, 0, 0, 0, 0}, 7}});
  EXPECT_EQ(without.of(empty_node(8000, 0, 2, 1)), 0);
}

// The value of a node that takes a share more is what that share and the rest come to.
TEST(ExpectedFill, AShareThatFitsWithItsComplementLosesNothing) {
  ExpectedFill fill({{{1000, 0, 1, 700, 0}, 1}, {{1000, 0, 1, 300, 0}, 1}});
  const AcceleratorNode empty = empty_node(64'000, 0, 1, 0);
  const int64_t seven = fill.of(without(empty, {1000, 0, 1, 700, 0}, 1));
  EXPECT_EQ(seven, 300 * fill.scale());
  EXPECT_EQ(fill.of(without(empty, {1000, 0, 1, 500, 0}, 1)), 300 * fill.scale()) << "200 of 500 stay empty";
}

RC_GTEST_PROP(ExpectedFill, IsAtMostWhatIsFreeAndTheSameWhenAskedAgain, ()) {
  std::vector<TaskMix::Row> mix;
  const int kinds = *rc::gen::inRange(0, 6);
  for (int i = 0; i < kinds; ++i) mix.push_back({*any_task(), *rc::gen::inRange(1, 100)});
  ExpectedFill fill(mix), other(mix);
  const AcceleratorNode node = *any_node();
  const int64_t value = fill.of(node);
  RC_ASSERT(value >= 0 && value <= free_milli(node) * fill.scale());
  RC_ASSERT(fill.of(node) == value);
  RC_ASSERT(other.of(canonical(node)) == value);
  bool any = false;
  for (const TaskMix::Row& row : mix) any = any || (row.task.accelerators > 0 && fits(node, row.task));
  if (!any) RC_ASSERT(value == 0);
}

TEST(ExpectedFill, ForgettingChangesNothing) {
  ExpectedFillParameters parameters;
  parameters.remembered_max = 2;
  const std::vector<TaskMix::Row> mix = {{{1000, 0, 1, 300, 0}, 1}, {{7000, 0, 2, 1000, 0}, 1}};
  ExpectedFill little(mix, parameters), much(mix);
  for (int round = 0; round < 2; ++round) {
    for (int32_t cpu = 0; cpu < 12'000; cpu += 1'000)
      EXPECT_EQ(little.of(empty_node(cpu, 0, 3, 0)), much.of(empty_node(cpu, 0, 3, 0)));
  }
  EXPECT_GT(little.computed(), much.computed());
}

}  // namespace weir
