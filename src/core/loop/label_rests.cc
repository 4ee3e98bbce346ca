#include "core/loop/label_rests.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/loop/desired.h"

namespace weir {

std::vector<WatchedPath> LabelRests::admit(std::vector<WatchedPath> paths, TimeUs now) {
  std::erase_if(uses_, [now](const auto& use) { return use.second.until <= now; });
  std::vector<WatchedPath> admitted;
  std::set<std::pair<SiteId, uint16_t>> used, waited_for;
  for (WatchedPath& path : paths) {
    const uint16_t label = exploratory_label(path);
    const std::array ends{std::pair{path.from, label}, std::pair{path.to, label}};
    bool free = true;
    for (const auto& end : ends) {
      const auto use = uses_.find(end);
      if (use == uses_.end() || use->second.links == path.links) continue;
      waited_for.insert(end);
      free = false;
    }
    if (!free) continue;
    for (const auto& end : ends) {
      uses_[end] = {path.links, INT64_MAX};
      used.insert(end);
    }
    admitted.push_back(std::move(path));
  }
  wake_ = INT64_MAX;
  for (auto& [end, use] : uses_) {
    if (!used.contains(end) && use.until == INT64_MAX) use.until = now + kRestUs;
    if (waited_for.contains(end)) wake_ = std::min(wake_, use.until);
  }
  return admitted;
}

}  // namespace weir
