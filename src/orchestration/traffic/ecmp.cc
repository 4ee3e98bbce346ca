#include "orchestration/traffic/ecmp.h"

#include <string>

namespace weir::traffic {

Result<EcmpRoutes> EcmpRoutes::make(const Network& network, size_t shares_max) {
  EcmpRoutes routes;
  const uint32_t n = network.vertices;
  routes.vertices_ = n;
  routes.first_.reserve(size_t{n} * n + 1);
  routes.first_.push_back(0);
  routes.hops_of_.push_back(0);
  const Adjacency out(network, Adjacency::By::kFrom);
  ShortestPaths paths(network, Adjacency::By::kTo);
  std::vector<int64_t> weights;
  for (const Link& link : network.links) weights.push_back(link.weight);

  std::vector<uint32_t> rank(n);     // of a vertex among the hops to the destination
  std::vector<uint32_t> arrived(n);  // units, by rank
  for (uint32_t to = 0; to < n; ++to) {
    const std::vector<int64_t>& distance = paths.run(to, weights);
    const size_t first_hop = routes.hops_.size();
    for (const uint32_t vertex : paths.order()) {
      rank[vertex] = static_cast<uint32_t>(routes.hops_.size() - first_hop);
      Hop hop{vertex, static_cast<uint32_t>(routes.next_.size()), 0};
      for (const uint32_t* e = out.begin(vertex); vertex != to && e != out.end(vertex); ++e) {
        const Link& link = network.links[*e];
        if (distance[link.to] == kUnreachable || distance[link.to] + link.weight != distance[vertex])
          continue;
        routes.next_.push_back({*e, link.to});
        ++hop.link_count;
      }
      routes.hops_.push_back(hop);
    }
    routes.hops_of_.push_back(routes.hops_.size());

    for (uint32_t from = 0; from < n; ++from) {
      if (distance[from] != kUnreachable) {
        arrived[rank[from]] = kWholeShare;
        // Weights are positive, so traffic only moves to lower ranks.
        for (size_t r = rank[from]; r > 0; --r) {
          const uint32_t units = arrived[r];
          if (units == 0) continue;
          arrived[r] = 0;
          const Hop& hop = routes.hops_[first_hop + r];
          uint32_t rest = units % hop.link_count;
          for (const NextLink& next : routes.next_links(hop)) {
            const uint32_t share = units / hop.link_count + (rest > 0 ? 1 : 0);
            if (rest > 0) --rest;
            if (share == 0) continue;
            routes.shares_.push_back({next.link, share});
            arrived[rank[next.to]] += share;
          }
        }
        arrived[0] = 0;
        if (routes.shares_.size() > shares_max)
          return fail(ErrorCode::kExhausted,
                      "the paths of all pairs have more than " + std::to_string(shares_max) + " links", "",
                      "use a smaller network");
      }
      routes.first_.push_back(routes.shares_.size());
    }
  }
  return routes;
}

}  // namespace weir::traffic
