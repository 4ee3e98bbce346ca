#include "core/graph/kept_bandwidth.h"

#include <algorithm>
#include <set>

namespace weir {

TimeUs KeptBandwidth::first_end() const {
  TimeUs first = INT64_MAX;
  for (const auto& [link, row] : links_) {
    for (const Window& window : row.windows) first = std::min(first, window.to);
  }
  return first;
}

void KeptBandwidth::add_up(Row& row) {
  std::map<TimeUs, int64_t> changes;
  for (const Window& window : row.windows) {
    changes[window.from] += window.left_bps();
    changes[window.to] -= window.left_bps();
  }
  row.steps.clear();
  int64_t sum = 0;
  for (const auto& [at, change] : changes) row.steps.push_back({at, sum += change});
}

void KeptBandwidth::keep(ReservationId of, const ReservationSpec& spec) {
  const auto add = [&](LinkId link, int64_t bps) {
    if (bps <= 0) return;
    Row& row = links_[link];
    const auto at = std::ranges::lower_bound(row.windows, of, {}, &Window::of);
    row.windows.insert(at, {of, spec.from, spec.to, bps, 0});
    add_up(row);
  };
  for (const LinkId link : spec.path) {
    add(link, spec.up_bps);
    add(opposite(link), spec.down_bps);
  }
}

template <class Gone>
void KeptBandwidth::drop_if(const Gone& gone) {
  for (auto at = links_.begin(); at != links_.end();) {
    Row& row = at->second;
    if (std::erase_if(row.windows, gone) > 0) add_up(row);
    at = row.windows.empty() ? links_.erase(at) : std::next(at);
  }
}

void KeptBandwidth::drop(ReservationId of) {
  drop_if([of](const Window& window) { return window.of == of; });
}

std::vector<ReservationId> KeptBandwidth::over(TimeUs now) const {
  std::set<ReservationId> over;
  for (const auto& [link, row] : links_) {
    for (const Window& window : row.windows) {
      if (window.to <= now) over.insert(window.of);
    }
  }
  return {over.begin(), over.end()};
}

void KeptBandwidth::drop_over(TimeUs now) {
  drop_if([now](const Window& window) { return window.to <= now; });
}

void KeptBandwidth::use(ReservationId of, LinkId link, int64_t bps) {
  const auto known = links_.find(link);
  if (known == links_.end()) return;
  Row& row = known->second;
  const auto at = std::ranges::lower_bound(row.windows, of, {}, &Window::of);
  if (at == row.windows.end() || at->of != of) return;
  at->used_bps += bps;
  add_up(row);
}

int64_t KeptBandwidth::most_bps(LinkId link, const FlowTerm& term) const {
  const auto known = links_.find(link);
  if (known == links_.end()) return 0;
  const Row& row = known->second;
  Window own;
  if (term.in.valid()) {
    const auto at = std::ranges::lower_bound(row.windows, term.in, {}, &Window::of);
    if (at != row.windows.end() && at->of == term.in) own = *at;
  }
  auto step = std::ranges::upper_bound(row.steps, term.from, {}, &Step::at);
  if (step != row.steps.begin()) --step;
  int64_t most = 0;
  for (; step != row.steps.end() && step->at < term.until; ++step) {
    const bool in_own = step->at >= own.from && step->at < own.to;
    most = std::max(most, step->bps - (in_own ? own.left_bps() : 0));
  }
  return most;
}

int64_t KeptBandwidth::left_bps(ReservationId of, LinkId link) const {
  const auto known = links_.find(link);
  if (known == links_.end()) return 0;
  const auto at = std::ranges::lower_bound(known->second.windows, of, {}, &Window::of);
  return at == known->second.windows.end() || at->of != of ? 0 : at->left_bps();
}

}  // namespace weir
