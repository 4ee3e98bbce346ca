#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <vector>

#include "orchestration/placement/packing.h"

namespace weir {

enum class PackingTie {
  kLowest,  // of nodes with equal loss the first
  kRandom,  // any of them, by a seeded draw
};

// Places tasks on the nodes of one pool by a policy. Nodes in the same state are one class, and a class is
// rated once for each kind of task: a placement reads one number for each class in use, however many nodes
// there are, and rates only classes that are new to that kind.
class NodePacker {
 public:
  // The policy outlives the packer.
  NodePacker(const std::vector<AcceleratorNode>& nodes, PackingPolicy& policy,
             PackingTie tie = PackingTie::kLowest, uint64_t seed = 0);

  struct Choice {
    uint32_t node = 0;
    AcceleratorMask devices = 0;
    int64_t loss = 0;      // see PackingOffer
    bool refused = false;  // it fits here, but the policy turns it away
  };
  // Tells the policy of the task and takes what it needs, unless it is refused. Nothing if it fits nowhere.
  // Requires a valid task.
  std::optional<Choice> place(const AcceleratorTask& task);
  // The task has ended. `runs` is what still runs on the node, as the policy sees kinds (see PackingNode).
  void release(const AcceleratorTask& task, uint32_t node, AcceleratorMask devices, uint32_t kinds_left);

  const AcceleratorNode& node(uint32_t index) const { return nodes_[index].free; }
  size_t classes() const { return live_.size(); }

 private:
  using ClassId = uint32_t;
  struct Class {
    PackingNode state;
    std::vector<uint32_t> members;
    // Every member is here; what has left since is dropped when it comes to the top.
    std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> lowest;
    uint32_t live_at = 0;  // place in live_
  };
  struct Rating {
    int64_t loss;
    AcceleratorMask devices;
  };

  PackingNode state_of(const PackingNode& node) const;
  void enter(uint32_t node);
  void leave(uint32_t node);
  void change(uint32_t node, const PackingNode& to);
  void forget();  // all classes and ratings
  uint32_t lowest(ClassId id);
  int64_t rated(std::vector<Rating>& ratings, ClassId id, const AcceleratorTask& task);
  AcceleratorMask devices_of(uint32_t node, AcceleratorMask of_state) const;
  uint64_t draw(uint64_t below);

  PackingPolicy& policy_;
  PackingTie tie_;
  uint64_t random_state_;
  std::vector<PackingNode> nodes_;
  std::vector<ClassId> class_of_;
  std::vector<uint32_t> place_in_class_;
  std::vector<Class> classes_;
  std::map<PackingNode, ClassId> class_by_state_;
  std::vector<ClassId> live_;  // classes with members
  std::map<AcceleratorTask, size_t> kind_by_task_;
  std::vector<std::vector<Rating>> ratings_;  // by kind, class
};

}  // namespace weir
