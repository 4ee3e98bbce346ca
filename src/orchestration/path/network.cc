#include "orchestration/path/network.h"

namespace weir {

Network::Network(const Graph& graph) {
  const size_t vertices = graph.vertex_count();
  std::vector<uint8_t> is_site(vertices, 0);
  for (size_t s = 0; s < graph.site_count(); ++s) is_site[graph.site(SiteId(s)).vertex.index()] = 1;

  core_.assign(vertices, kNone);
  std::vector<VertexId> vertex_of;
  for (size_t v = 0; v < vertices; ++v) {
    bool in_core = is_site[v] == 0;
    for (const LinkId link : graph.links_out(VertexId(v))) in_core = in_core || is_site[graph.link(link).to.index()] != 0;
    if (!in_core) continue;
    core_[v] = static_cast<uint32_t>(vertex_of.size());
    vertex_of.push_back(VertexId(v));
    transit_.push_back(is_site[v] == 0);
  }

  edge_begin_.push_back(0);
  for (const VertexId vertex : vertex_of) {
    for (const LinkId link : graph.links_out(vertex)) {
      const uint32_t to = core_[graph.link(link).to.index()];
      if (to != kNone) edges_.push_back({to, link});
    }
    edge_begin_.push_back(static_cast<uint32_t>(edges_.size()));
  }

  access_of_.assign(graph.link_count(), kNone);
  access_row_.assign(vertices, kNone);
  access_begin_.push_back(0);
  const auto add_accesses = [&](VertexId vertex) {
    access_row_[vertex.index()] = static_cast<uint32_t>(access_begin_.size() - 1);
    if (core_[vertex.index()] != kNone) {
      accesses_.push_back({core_[vertex.index()], LinkId{}});
    } else {
      for (const LinkId link : graph.links_out(vertex)) {
        access_of_[link.index()] = static_cast<uint32_t>(accesses_.size());
        accesses_.push_back({core_[graph.link(link).to.index()], link});
      }
    }
    access_begin_.push_back(static_cast<uint32_t>(accesses_.size()));
  };
  for (size_t s = 0; s < graph.site_count(); ++s) add_accesses(graph.site(SiteId(s)).vertex);
  for (size_t v = 0; v < vertices; ++v) {
    if (is_site[v] == 0) add_accesses(VertexId(v));
  }

  met_begin_.assign(core_count() + 1, 0);
  const size_t site_accesses = access_begin_[graph.site_count()];
  for (size_t a = 0; a < site_accesses; ++a) ++met_begin_[accesses_[a].core + 1];
  for (size_t c = 0; c < core_count(); ++c) met_begin_[c + 1] += met_begin_[c];
  met_.resize(site_accesses);
  std::vector<uint32_t> next(met_begin_.begin(), met_begin_.end() - 1);
  for (size_t s = 0; s < graph.site_count(); ++s) {
    for (uint32_t a = access_begin_[s]; a < access_begin_[s + 1]; ++a) met_[next[accesses_[a].core]++] = {SiteId(s), a};
  }

  joined_.reserve(graph.link_count());
  for (size_t l = 0; l < graph.link_count(); ++l) {
    const LinkRow& row = graph.link(LinkId(l));
    joined_.push_back({core_[row.from.index()], core_[row.to.index()]});
    all_steerable_ = all_steerable_ && row.steerable;
  }
}

}  // namespace weir
