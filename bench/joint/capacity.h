#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::bench {

// Maximum flow in a directed network with integer capacities (Dinic 1970).
class FlowNetwork {
 public:
  explicit FlowNetwork(size_t vertices) : out_(vertices) {}
  // Returns the arc, for set_capacity.
  size_t add(size_t from, size_t to, int64_t capacity);
  // Starts the next maximum() afresh.
  void set_capacity(size_t arc, int64_t capacity) { arcs_[2 * arc].capacity = capacity; }
  // O(vertices^2 arcs).
  int64_t maximum(size_t from, size_t to);
  // After maximum(): is the vertex on the source's side of a least cut?
  bool before_cut(size_t vertex) const { return level_[vertex] >= 0; }

 private:
  struct Arc {
    size_t to;
    int64_t capacity;
    int64_t left;
  };
  bool level(size_t from, size_t to);
  int64_t push(size_t at, size_t to, int64_t most);

  std::vector<Arc> arcs_;  // 2k and its reverse 2k + 1
  std::vector<std::vector<size_t>> out_;
  std::vector<int> level_;
  std::vector<size_t> next_;
};

}  // namespace weir::bench
