#include "core/loop/label_rests.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "core/loop/desired.h"

namespace weir {
namespace {

constexpr TimeUs kSecond = 1'000'000;

// Of one link each, between two sites.
WatchedPath path(uint32_t link, uint32_t from = 0, uint32_t to = 1) {
  return {SiteId(from), SiteId(to), {LinkId(link)}, false};
}

class LabelRestsTest : public ::testing::Test {
 protected:
  // Two links whose paths have the same label.
  LabelRestsTest() {
    std::map<uint16_t, uint32_t> met;
    for (uint32_t link = 0;; link += 2) {
      const auto [known, fresh] = met.try_emplace(exploratory_label(path(link)), link);
      if (fresh) continue;
      first = known->second;
      second = link;
      return;
    }
  }
  std::vector<uint32_t> admitted(std::vector<WatchedPath> paths, TimeUs now) {
    std::vector<uint32_t> links;
    for (const WatchedPath& one : rests.admit(std::move(paths), now)) links.push_back(one.links[0].value);
    return links;
  }

  LabelRests rests;
  uint32_t first = 0, second = 0;
};

using Links = std::vector<uint32_t>;

TEST_F(LabelRestsTest, OfTwoPathsWithOneLabelOneIsExplored) {
  EXPECT_EQ(admitted({path(first), path(second)}, 0), (Links{first}));
  EXPECT_EQ(rests.wake(), INT64_MAX) << "as long as that one is";
  EXPECT_EQ(admitted({path(second), path(first)}, 9 * kSecond), (Links{first})) << "and it stays so";
}

TEST_F(LabelRestsTest, TheOtherFollowsWhenTheLabelHasRested) {
  EXPECT_EQ(admitted({path(first), path(second)}, 0), (Links{first}));
  EXPECT_EQ(admitted({path(second)}, kSecond), Links{});
  EXPECT_EQ(rests.wake(), kSecond + LabelRests::kRestUs);
  EXPECT_EQ(admitted({path(second)}, kSecond + LabelRests::kRestUs - 1), Links{});
  EXPECT_EQ(admitted({path(second)}, kSecond + LabelRests::kRestUs), (Links{second}));
  EXPECT_EQ(rests.wake(), INT64_MAX);
}

TEST_F(LabelRestsTest, AnotherThatComesLaterWaitsToo) {
  EXPECT_EQ(admitted({path(first)}, 0), (Links{first}));
  EXPECT_EQ(admitted({}, kSecond), Links{});
  EXPECT_EQ(rests.wake(), INT64_MAX) << "nobody waits";
  EXPECT_EQ(admitted({path(second)}, 2 * kSecond), Links{});
  EXPECT_EQ(rests.wake(), kSecond + LabelRests::kRestUs);
  EXPECT_EQ(admitted({path(first)}, 3 * kSecond), (Links{first})) << "its own label needs no rest";
}

TEST_F(LabelRestsTest, AtOtherSitesALabelMayBeUsedTwice) {
  EXPECT_EQ(admitted({path(first, 0, 1), path(second, 2, 3)}, 0), (Links{first, second}));
  EXPECT_EQ(admitted({path(first, 0, 1), path(second, 1, 2)}, 0), (Links{first})) << "one end is the same";
}

}  // namespace
}  // namespace weir
