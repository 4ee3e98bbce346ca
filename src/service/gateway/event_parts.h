#pragma once

// Private to this folder: what is said of events, in no language.

#include <string>
#include <vector>

#include "core/event/event.h"
#include "core/graph/graph.h"

namespace weir::gateway {

// Names that the graph knows, of what events speak of.
class EventNames {
 public:
  explicit EventNames(const Graph& graph) : graph_(graph) {}

  std::string site(SiteId id) const;
  std::string direction(LinkId id) const;  // "metro > hub"
  std::string links(const std::vector<LinkId>& path, const std::string& between) const;
  // "decode at metro, detect at hub", with ` at ` and `, ` as they are given; sites alone where the stages are of another generation.
  std::string stages(const WorkflowPlanned& planned, const std::string& at, const std::string& between) const;
  // For whom it was preempted; `other`: others' work has no name for whoever reads of it. Empty: for nobody.
  std::string preemptor(const JobPreempted& event, const std::string& other) const;
  std::string intent(IntentId id, const std::string& none) const;

 private:
  const Graph& graph_;
};

}  // namespace weir::gateway
