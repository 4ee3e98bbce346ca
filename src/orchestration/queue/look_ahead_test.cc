#include "orchestration/queue/look_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "orchestration/queue/policy.h"

namespace weir::queue {
namespace {

constexpr TimeUs kSecond = 1'000'000;

// Instant by instant: the sum of wait over bounded run time, jobs served in that order, none before another.
double slowdowns(int64_t cores, std::vector<Release> releases, const std::vector<Ahead>& jobs,
                 const std::vector<size_t>& order) {
  int64_t free = cores;
  TimeUs now = 0;
  double sum = 0;
  for (const size_t i : order) {
    while (jobs[i].whole.cpu_milli > free) {
      const auto first = std::min_element(releases.begin(), releases.end(),
                                          [](const Release& a, const Release& b) { return a.at < b.at; });
      now = std::max(now, first->at);
      free += first->amount.cpu_milli;
      releases.erase(first);
    }
    sum += static_cast<double>(now - jobs[i].submitted) /
           static_cast<double>(std::max(jobs[i].run_us, kBoundUs));
    free -= jobs[i].whole.cpu_milli;
    releases.push_back({now + jobs[i].run_us, jobs[i].whole});
  }
  return sum;
}

TEST(LookAhead, TakesTheBestOfAllFirstJobs) {
  const std::vector<int64_t> sizes = {1, 2, 4}, runs = {5, 40, 300};
  for (size_t code = 0; code < 9 * 9 * 9; ++code) {
    std::vector<Ahead> jobs;
    for (size_t i = 0, rest = code; i < 3; ++i, rest /= 9) {
      jobs.push_back({{.cpu_milli = sizes[rest % 3]}, 0, runs[rest / 3 % 3] * kSecond});
    }
    const std::vector<Release> releases = {{60 * kSecond, {.cpu_milli = 2}},
                                           {20 * kSecond, {.cpu_milli = 1}}};
    size_t best = 0;
    double least = 1e300;
    for (size_t first = 0; first < 3; ++first) {
      std::vector<size_t> order = {first};
      for (size_t i = 0; i < 3; ++i) {
        if (i != first) order.push_back(i);
      }
      const double sum = slowdowns(1, releases, jobs, order);
      if (sum < least - 1e-6) {
        least = sum;
        best = first;
      }
    }
    EXPECT_EQ(choose_next({.cpu_milli = 1}, 0, releases, jobs, 3), best) << code;
    EXPECT_EQ(choose_next({.cpu_milli = 1}, 0, releases, jobs, 1), 0U);
  }
}

TEST(LookAhead, AJobLargerThanEverythingHoldsUpNobody) {
  const std::vector<Ahead> jobs = {{{.cpu_milli = 50}, 0, kSecond}, {{.cpu_milli = 1}, 0, kSecond}};
  EXPECT_LT(choose_next({.cpu_milli = 1}, 0, {}, jobs, 2), 2U);
}

}  // namespace
}  // namespace weir::queue
