#include "app/agent/run_agent.h"

#include <gtest/gtest.h>

namespace weir::app {
namespace {

TEST(AcceleratorsText, CountsOneAndMore) {
  agent::NodeDescription node;
  SiteCapabilities driver;
  driver.isolation = "cgroup-v2+devices";
  EXPECT_EQ(accelerators_text(node, driver), "");
  node.spec.accelerators = 1;
  EXPECT_EQ(accelerators_text(node, driver), ", 1 accelerator");
  node.spec.accelerator_model = "H100";
  EXPECT_EQ(accelerators_text(node, driver), ", 1 accelerator (H100)");
  node.spec.accelerators = 2;
  EXPECT_EQ(accelerators_text(node, driver), ", 2 accelerators (H100)");
  driver.isolation = "cgroup-v1";
  EXPECT_EQ(accelerators_text(node, driver),
            ", 2 accelerators (H100), which this kernel lets every run open,");
}

}  // namespace
}  // namespace weir::app
