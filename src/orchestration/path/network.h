#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/graph/graph.h"

namespace weir {

// The topology of a graph laid out for searching: routers and the links between them as arrays, sites as their edge.
// A site carries no transit: traffic begins and ends there, none passes through. So a search runs over the *core*, which
// is the routers, and sites only see where their own links meet it. (A site with a link straight to another site
// is in the core too, but paths still only end there.) Holds while Graph::described() stands still.
class Network {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // O(vertices + links).
  explicit Network(const Graph& graph);

  size_t core_count() const { return edge_begin_.size() - 1; }
  uint32_t core(VertexId vertex) const { return core_[vertex.index()]; }  // kNone: a site outside the core
  bool transit(uint32_t core) const { return transit_[core]; }            // may a path pass through?

  struct Edge {
    uint32_t to;      // core
    LinkId link;      // the direction that leaves the vertex
  };
  std::span<const Edge> edges(uint32_t core) const {
    return {edges_.data() + edge_begin_[core], edges_.data() + edge_begin_[core + 1]};
  }
  // Both ends of a direction of a link, kNone where one is not in the core.
  struct Joined {
    uint32_t from, to;
  };
  Joined joined(LinkId link) const { return joined_[link.index()]; }

  // Where a vertex meets the core: itself, by no link, or the other ends of its links.
  struct Access {
    uint32_t core;
    LinkId link;      // the direction that leaves the vertex; invalid: the vertex is in the core
  };
  std::span<const Access> accesses(VertexId vertex) const {
    const uint32_t row = access_row_[vertex.index()];
    return {accesses_.data() + access_begin_[row], accesses_.data() + access_begin_[row + 1]};
  }
  // The accesses of site s are all_accesses()[site_access_begin(s)] up to site_access_begin(s + 1).
  std::span<const Access> all_accesses() const { return accesses_; }
  uint32_t site_access_begin(size_t site) const { return access_begin_[site]; }
  // Of sites that meet the core at a vertex: the site, and the place in all_accesses().
  struct Met {
    SiteId site;
    uint32_t access;
  };
  std::span<const Met> met(uint32_t core) const {
    return {met_.data() + met_begin_[core], met_.data() + met_begin_[core + 1]};
  }
  // Its place in all_accesses() if the link leaves a site outside the core, else kNone.
  uint32_t access_of(LinkId link) const { return access_of_[link.index()]; }

  bool all_steerable() const { return all_steerable_; }

 private:
  std::vector<uint32_t> core_, edge_begin_;
  std::vector<uint8_t> transit_;
  std::vector<Edge> edges_;
  std::vector<Joined> joined_;
  std::vector<uint32_t> access_row_;    // by vertex: sites first, in order, then routers
  std::vector<uint32_t> access_begin_;
  std::vector<Access> accesses_;
  std::vector<uint32_t> access_of_;
  std::vector<uint32_t> met_begin_;     // by core vertex
  std::vector<Met> met_;
  bool all_steerable_ = true;
};

}  // namespace weir
