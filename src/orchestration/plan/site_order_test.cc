#include "orchestration/plan/site_order.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>

namespace weir {
namespace {

std::vector<size_t> sorted_by_number(const std::vector<Nanocredits>& numbers) {
  std::vector<size_t> order(numbers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::erase_if(order, [&](size_t i) { return numbers[i] == LeastFirst::kNever; });
  std::ranges::stable_sort(order, {}, [&](size_t i) { return numbers[i]; });
  return order;
}

std::vector<size_t> taken(LeastFirst& numbers) {
  std::vector<size_t> order;
  while (numbers.next() != LeastFirst::kNever) order.push_back(numbers.take());
  return order;
}

// One block, exactly full ones, and one that is begun; many equal numbers, and some that are never taken.
RC_GTEST_PROP(LeastFirst, TakesEveryNumberInOrderMadeAtOnceOrWhenItsTurnComes, ()) {
  const auto count = *rc::gen::element<size_t>(0, 1, 63, 64, 65, 128, 200);
  const auto numbers = *rc::gen::container<std::vector<Nanocredits>>(
      count, rc::gen::oneOf(rc::gen::inRange<Nanocredits>(0, 50), rc::gen::just(LeastFirst::kNever)));
  std::vector<Nanocredits> bounds;
  for (size_t first = 0; first < count; first += LeastFirst::kBlock) {
    const auto from = numbers.begin() + static_cast<ptrdiff_t>(first);
    const auto least =
        *std::min_element(from, from + static_cast<ptrdiff_t>(std::min(LeastFirst::kBlock, count - first)));
    bounds.push_back(least == LeastFirst::kNever ? least : least - *rc::gen::inRange<Nanocredits>(0, 60));
  }
  LeastFirst at_once(numbers);
  LeastFirst in_turn(count, bounds, [&](size_t first, std::span<Nanocredits> out) {
    std::copy_n(numbers.begin() + static_cast<ptrdiff_t>(first), out.size(), out.begin());
  });
  const auto expected = sorted_by_number(numbers);
  RC_ASSERT(taken(at_once) == expected);
  RC_ASSERT(taken(in_turn) == expected);
}

TEST(LeastFirst, MakesNoBlockThatCannotHoldTheLeast) {
  std::vector<size_t> made;
  LeastFirst numbers(3 * LeastFirst::kBlock, {5, 1, 9}, [&](size_t first, std::span<Nanocredits> out) {
    made.push_back(first / LeastFirst::kBlock);
    std::iota(out.begin(), out.end(), static_cast<Nanocredits>(first == 0 ? 6 : 2));
  });
  EXPECT_EQ(numbers.next(), 2);
  EXPECT_EQ(made, (std::vector<size_t>{1}));
  for (Nanocredits expected = 2; expected <= 5; ++expected) {
    EXPECT_EQ(numbers.next(), expected);
    numbers.take();
  }
  EXPECT_EQ(made, (std::vector<size_t>{1, 0}));
}

}  // namespace
}  // namespace weir
