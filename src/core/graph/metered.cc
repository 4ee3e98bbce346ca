#include "core/graph/metered.h"

#include <algorithm>

namespace weir {

std::vector<Window> Metered::missing(Window window) const {
  std::vector<Window> out;
  const auto add = [&](TimeUs from, TimeUs to) {
    const Window part{std::max(from, window.from), std::min(to, window.to)};
    if (part.from < part.to) out.push_back(part);
  };
  if (span_.from == span_.to) {
    add(window.from, window.to);
    return out;
  }
  add(window.from, span_.from);
  for (const Window& gap : gaps_) add(gap.from, gap.to);
  add(span_.to, window.to);
  return out;
}

void Metered::take(Window window) {
  if (window.to <= window.from) return;
  if (span_.from == span_.to) {
    span_ = window;
    return;
  }
  std::vector<Window> left;
  const auto keep = [&left](TimeUs from, TimeUs to) {
    if (from < to) left.push_back({from, to});
  };
  keep(window.to, span_.from);
  for (const Window& gap : gaps_) {
    keep(gap.from, std::min(gap.to, window.from));
    keep(std::max(gap.from, window.to), gap.to);
  }
  keep(span_.to, window.from);
  if (left.size() > kGapsMax) left.erase(left.begin(), left.end() - static_cast<ptrdiff_t>(kGapsMax));
  gaps_ = std::move(left);
  span_ = {std::min(span_.from, window.from), std::max(span_.to, window.to)};
}

}  // namespace weir
