#include "core/ids/ids.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace weir {

TEST(Id, IsInvalidUntilGiven) {
  EXPECT_FALSE(SiteId{}.valid());
  EXPECT_TRUE(SiteId{0u}.valid());
}

TEST(Id, KindsDoNotMix) { EXPECT_FALSE((std::is_convertible_v<SiteId, LinkId>)); }

TEST(RunId, OrdersByPlanThenItem) {
  EXPECT_LT((RunId{1, 9}), (RunId{2, 0}));
  EXPECT_LT((RunId{2, 0}), (RunId{2, 1}));
}

}  // namespace weir
