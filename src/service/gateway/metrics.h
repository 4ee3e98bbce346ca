#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/graph/graph.h"
#include "core/ports/wire.h"
#include "service/gateway/rest_server.h"

namespace weir::gateway {

// What sites say their ends of paths have carried, each end once: agents are not trusted to name only labels
// that a plan has at their site, so others are left out. O(flows * log).
std::vector<Sample> path_samples(const Graph& graph, const std::vector<std::pair<SiteId, PathTraffic>>& said);

// What the server counts, in the text form of Prometheus. Safe to call from several threads.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  void answered(int status);
  void slow_reader();
  void connections(size_t open);
  void streams(size_t open);
  std::string text(const std::vector<Sample>& samples);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::gateway
