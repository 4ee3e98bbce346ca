#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/agent.h"
#include "simulation/brain.h"

namespace weir::simulation {

using Agents = std::vector<std::unique_ptr<Agent>>;

// What is still not as it should be in a world without faults; empty: nothing. The graph's view is compared
// with the world's truth.
std::string unsettled(const World& world, const Agents& agents, const Graph& graph);

// While there are faults: whatever breaks a promise must soon stand in the graph, and whatever stands there
// as broken must soon be mended or refused. The time runs only while nothing keeps the brain from knowing.
class PromiseWatch {
 public:
  PromiseWatch(const World& world, const Agents& agents) : world_(world), agents_(agents) {}

  // `hindered_us`: when the brain was last hindered (not up, held, no disk).
  std::string look(TimeUs now, const Graph& graph, TimeUs hindered_us);

 private:
  bool good_contact(size_t site, TimeUs now) const;

  const World& world_;
  const Agents& agents_;
  std::map<std::tuple<uint32_t, Position, uint32_t>, TimeUs> unreported_;
  std::map<std::pair<uint32_t, uint32_t>, TimeUs> unmended_;   // intent, generation
};

}  // namespace weir::simulation
