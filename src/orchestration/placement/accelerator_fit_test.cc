#include "orchestration/placement/accelerator_fit.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>

#include "orchestration/placement/accelerator_for_test.h"

namespace weir {

TEST(AcceleratorFit, EachResourceIsFilledToTheLastUnit) {
  AcceleratorNode node = empty_node(8000, 1024, 2, 3);
  node.free_milli = {400, 1000};
  const AcceleratorTask whole{8000, 1024, 1, 1000, 0};
  EXPECT_TRUE(fits(node, whole));
  EXPECT_FALSE(fits(node, {8001, 1024, 1, 1000, 0}));
  EXPECT_FALSE(fits(node, {8000, 1025, 1, 1000, 0}));
  EXPECT_FALSE(fits(node, {0, 0, 2, 1000, 0}));
  EXPECT_TRUE(fits(node, {0, 0, 1, 1000, ModelSet{1} << 3 | 1}));
  EXPECT_FALSE(fits(node, {0, 0, 1, 1000, ModelSet{1} << 2}));
  EXPECT_TRUE(fits(node, {8000, 1024, 0, 0, 0}));
}

TEST(AcceleratorFit, ShareTakesTheFullestDeviceWithRoom) {
  AcceleratorNode node = empty_node(0, 0, 4, 0);
  node.free_milli = {1000, 300, 299, 300};
  EXPECT_EQ(tightest_devices(node, {0, 0, 1, 300, 0}), 0b0010u);
  EXPECT_EQ(tightest_devices(node, {0, 0, 1, 299, 0}), 0b0100u);
  EXPECT_EQ(tightest_devices(node, {0, 0, 1, 301, 0}), 0b0001u);
  EXPECT_EQ(tightest_devices(node, {0, 0, 0, 0, 0}), 0u);
  node.free_milli = {1000, 300, 1000, 1000};
  EXPECT_EQ(tightest_devices(node, {0, 0, 2, 1000, 0}), 0b0101u);
}

TEST(AcceleratorFit, RangesOfTasks) {
  EXPECT_TRUE(valid({0, 0, 0, 0, 0}));
  EXPECT_TRUE(valid({1, 1, 1, 1, 0}));
  EXPECT_TRUE(valid({1, 1, 16, 1000, 0}));
  EXPECT_FALSE(valid({1, 1, 17, 1000, 0}));
  EXPECT_FALSE(valid({1, 1, 2, 999, 0}));
  EXPECT_FALSE(valid({1, 1, 1, 1001, 0}));
  EXPECT_FALSE(valid({1, 1, 1, 0, 0}));
  EXPECT_FALSE(valid({1, 1, 0, 10, 0}));
  EXPECT_FALSE(valid({-1, 1, 0, 0, 0}));
  EXPECT_FALSE(valid({1, -1, 0, 0, 0}));
  EXPECT_FALSE(valid({1, 1, -1, 1000, 0}));
}

TEST(AcceleratorFit, ModelsByCapability) {
  const std::vector<AcceleratorCapability> models = {{125'000, 16'384}, {65'000, 16'384}, {125'000, 32'768}};
  EXPECT_EQ(models_that_offer(models, {125'000, 0}), ModelSet{0b101});
  EXPECT_EQ(models_that_offer(models, {0, 16'385}), ModelSet{0b100});
  EXPECT_EQ(models_that_offer(models, {0, 0}), ModelSet{0b111});
  EXPECT_EQ(models_that_offer(models, {125'001, 0}), std::nullopt);
}

RC_GTEST_PROP(AcceleratorFit, DevicesHaveRoomAndPlacingIsUndone, ()) {
  const AcceleratorNode node = *any_node();
  const AcceleratorTask task = *any_task();
  RC_ASSERT(valid(task));
  if (!fits(node, task)) return;
  const AcceleratorMask devices = tightest_devices(node, task);
  RC_ASSERT(std::popcount(devices) == task.accelerators);
  const AcceleratorNode left = without(node, task, devices);
  RC_ASSERT(left.cpu_milli >= 0 && left.memory_mib >= 0);
  for (const int16_t free : left.free_milli) RC_ASSERT(free >= 0);
  RC_ASSERT(free_milli(left) == free_milli(node) - task.total_milli());
  RC_ASSERT(with_again(left, task, devices) == node);
}

// By trying every choice of devices.
RC_GTEST_PROP(AcceleratorFit, FitsWhenSomeChoiceOfDevicesHasRoom, ()) {
  const AcceleratorNode node = *any_node();
  const AcceleratorTask task = *any_task();
  bool some = false;
  for (AcceleratorMask devices = 0; devices < AcceleratorMask{1} << node.accelerators; ++devices) {
    if (std::popcount(devices) != task.accelerators) continue;
    bool room =
        node.cpu_milli >= task.cpu_milli && node.memory_mib >= task.memory_mib && right_model(node, task);
    for (size_t d = 0; d < node.accelerators; ++d)
      room = room && ((devices >> d & 1) == 0 || node.free_milli[d] >= task.accelerator_milli);
    some = some || room;
  }
  RC_ASSERT(fits(node, task) == some);
}

}  // namespace weir
