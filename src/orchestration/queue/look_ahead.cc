#include "orchestration/queue/look_ahead.h"

#include <algorithm>

#include "orchestration/queue/policy.h"

namespace weir::queue {
namespace {

using Cost = __int128;  // slowdown * 2^20

// Jobs served one after another, each as soon as it fits and none before the one ahead of it.
class Line {
 public:
  Line(const Amount& free, TimeUs now, const std::vector<Release>& releases)
      : free_(free), now_(now), releases_(releases) {}

  void serve(const Ahead& job) {
    while (!job.whole.fits(free_)) {
      if (releases_.empty()) return;  // larger than everything: it holds up nobody
      std::pop_heap(releases_.begin(), releases_.end(), later);
      now_ = std::max(now_, releases_.back().at);
      free_ += releases_.back().amount;
      releases_.pop_back();
    }
    cost_ += (Cost{now_ - job.submitted} << 20) / std::max(job.run_us, kBoundUs);
    free_ -= job.whole;
    releases_.push_back({now_ + job.run_us, job.whole});
    std::push_heap(releases_.begin(), releases_.end(), later);
  }
  Cost cost() const { return cost_; }

  static bool later(const Release& a, const Release& b) { return a.at > b.at; }

 private:
  Amount free_;
  TimeUs now_;
  std::vector<Release> releases_;  // a heap
  Cost cost_ = 0;
};

}  // namespace

size_t choose_next(const Amount& free, TimeUs now, std::vector<Release> releases, std::span<const Ahead> jobs,
                   size_t candidates) {
  std::make_heap(releases.begin(), releases.end(), Line::later);
  size_t best = 0;
  Cost best_cost = -1;
  for (size_t first = 0; first < std::min(candidates, jobs.size()); ++first) {
    Line line(free, now, releases);
    line.serve(jobs[first]);
    for (size_t i = 0; i < jobs.size() && (best_cost < 0 || line.cost() < best_cost); ++i) {
      if (i != first) line.serve(jobs[i]);
    }
    if (best_cost >= 0 && line.cost() >= best_cost) continue;
    best = first;
    best_cost = line.cost();
  }
  return best;
}

}  // namespace weir::queue
