#include "orchestration/queue/turns.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir::queue {
namespace {

// Which of so many search in a look in which nobody finds anything.
std::vector<int> look(Turns& turns, int waiting, bool* all = nullptr) {
  std::vector<int> out;
  turns.begin();
  for (int one = 0; one < waiting; ++one) {
    if (turns.enough()) break;
    if (turns.next()) out.push_back(one);
  }
  EXPECT_EQ(turns.taken(), out.size());
  const bool round = turns.end();
  if (all) *all = round;
  return out;
}

TEST(Turns, TheFirstAlwaysAndTheOthersInTurn) {
  Turns turns(2, 4);
  bool all = true;
  EXPECT_EQ(look(turns, 7, &all), (std::vector{0, 1, 2, 3}));
  EXPECT_FALSE(all);
  EXPECT_EQ(look(turns, 7, &all), (std::vector{0, 1, 4, 5}));
  EXPECT_FALSE(all);
  EXPECT_EQ(look(turns, 7, &all), (std::vector{0, 1, 6}));
  EXPECT_TRUE(all);
  EXPECT_EQ(look(turns, 7), (std::vector{0, 1, 2, 3})) << "from the beginning";
}

TEST(Turns, AsManyAsOneLookAllowsHaveTheirTurnAtOnce) {
  Turns turns(2, 4);
  bool all = false;
  EXPECT_EQ(look(turns, 4, &all), (std::vector{0, 1, 2, 3}));
  EXPECT_TRUE(all);
  EXPECT_EQ(look(turns, 5, &all), (std::vector{0, 1, 2, 3}));
  EXPECT_FALSE(all);
  EXPECT_EQ(look(turns, 1, &all), (std::vector{0})) << "those whose turn it was have gone";
  EXPECT_TRUE(all);
}

TEST(Turns, WhoFoundSomethingBeginsTheSameTurnAgain) {
  Turns turns(1, 2);
  EXPECT_EQ(look(turns, 4), (std::vector{0, 1}));
  for (int again = 0; again < 2; ++again) {
    turns.begin();
    EXPECT_TRUE(turns.next());
    EXPECT_FALSE(turns.next());
    EXPECT_TRUE(turns.next()) << "and this one found it";
  }
}

}  // namespace
}  // namespace weir::queue
