#include "bench/joint/capacity.h"

#include <algorithm>
#include <deque>
#include <limits>

namespace weir::bench {

size_t FlowNetwork::add(size_t from, size_t to, int64_t capacity) {
  out_[from].push_back(arcs_.size());
  arcs_.push_back({to, capacity, 0});
  out_[to].push_back(arcs_.size());
  arcs_.push_back({from, 0, 0});
  return arcs_.size() / 2 - 1;
}

int64_t FlowNetwork::maximum(size_t from, size_t to) {
  for (Arc& arc : arcs_) arc.left = arc.capacity;
  int64_t sum = 0;
  while (level(from, to)) {
    next_.assign(out_.size(), 0);
    while (const int64_t more = push(from, to, std::numeric_limits<int64_t>::max())) sum += more;
  }
  return sum;
}

bool FlowNetwork::level(size_t from, size_t to) {
  level_.assign(out_.size(), -1);
  level_[from] = 0;
  std::deque<size_t> queue = {from};
  while (!queue.empty()) {
    const size_t at = queue.front();
    queue.pop_front();
    for (const size_t a : out_[at]) {
      if (arcs_[a].left > 0 && level_[arcs_[a].to] < 0) {
        level_[arcs_[a].to] = level_[at] + 1;
        queue.push_back(arcs_[a].to);
      }
    }
  }
  return level_[to] >= 0;
}

int64_t FlowNetwork::push(size_t at, size_t to, int64_t most) {
  if (at == to) return most;
  for (size_t& i = next_[at]; i < out_[at].size(); ++i) {
    Arc& arc = arcs_[out_[at][i]];
    if (arc.left == 0 || level_[arc.to] != level_[at] + 1) continue;
    const int64_t done = push(arc.to, to, std::min(most, arc.left));
    if (done == 0) continue;
    arc.left -= done;
    arcs_[out_[at][i] ^ 1].left += done;
    return done;
  }
  return 0;
}

}  // namespace weir::bench
