#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "core/loop/links.h"

namespace weir {

// Which paths are explored under the labels that follow from their links (exploratory_label): never two under one label at a
// site, and after one is given up none under its label for a while. A site may speak of the old path for as long as it has not
// heard that there is a new one.
class LabelRests {
 public:
  static constexpr TimeUs kRestUs = 5'000'000;

  // Of these the paths that may be explored from now on. The others wait: those behind one that has their label at either end,
  // and those whose label rests.
  std::vector<WatchedPath> admit(std::vector<WatchedPath> paths, TimeUs now);
  // When a label that somebody waits for has rested; INT64_MAX: none does.
  TimeUs wake() const { return wake_; }

 private:
  struct Use {
    std::vector<LinkId> links;
    TimeUs until = INT64_MAX;              // it rests; INT64_MAX: it is in use
  };
  std::map<std::pair<SiteId, uint16_t>, Use> uses_;
  TimeUs wake_ = INT64_MAX;
};

}  // namespace weir
