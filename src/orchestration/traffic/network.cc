#include "orchestration/traffic/network.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weir::traffic {
namespace {

using Wide = __int128;

std::string name(const char* kind, size_t index) { return std::string(kind) + " " + std::to_string(index); }

Status check_links(const Network& network) {
  if (network.vertices > kVerticesMax)
    return fail(ErrorCode::kInvalid, "more than " + std::to_string(kVerticesMax) + " vertices");
  if (network.links.size() > kLinksMax)
    return fail(ErrorCode::kInvalid, "more than " + std::to_string(kLinksMax) + " links");
  for (size_t e = 0; e < network.links.size(); ++e) {
    const Link& link = network.links[e];
    if (link.from >= network.vertices || link.to >= network.vertices)
      return fail(ErrorCode::kInvalid, "ends at a vertex that does not exist", name("link", e));
    if (link.from == link.to) return fail(ErrorCode::kInvalid, "ends where it begins", name("link", e));
    if (link.capacity_bps < 1 || link.capacity_bps > kCapacityBpsMax)
      return fail(ErrorCode::kInvalid, "capacity is not from 1 to 2^50 bit/s", name("link", e));
    if (link.weight < 1 || link.weight > kWeightMax)
      return fail(ErrorCode::kInvalid, "weight is not from 1 to 2^32", name("link", e));
  }
  return {};
}

}  // namespace

Status check(const Network& network, const std::vector<Demand>& demands) {
  if (auto links = check_links(network); !links) return links;
  if (demands.size() > kDemandsMax) return fail(ErrorCode::kInvalid, "too many demands");
  int64_t sum_bps = 0;
  std::vector<std::vector<uint32_t>> by_source(network.vertices);
  for (size_t d = 0; d < demands.size(); ++d) {
    const Demand& demand = demands[d];
    if (demand.from >= network.vertices || demand.to >= network.vertices)
      return fail(ErrorCode::kInvalid, "ends at a vertex that does not exist", name("demand", d));
    if (demand.from == demand.to) return fail(ErrorCode::kInvalid, "ends where it begins", name("demand", d));
    if (demand.bps < 0 || demand.bps > kDemandBpsMax)
      return fail(ErrorCode::kInvalid, "is not from 0 to 2^50 bit/s", name("demand", d));
    sum_bps += demand.bps;
    if (sum_bps > kDemandSumBpsMax)
      return fail(ErrorCode::kInvalid, "the demands sum up to more than 2^56 bit/s");
    if (demand.bps > 0) by_source[demand.from].push_back(static_cast<uint32_t>(d));
  }
  ShortestPaths paths(network, Adjacency::By::kFrom);
  const std::vector<int64_t> hops(network.links.size(), 1);
  for (uint32_t source = 0; source < network.vertices; ++source) {
    if (by_source[source].empty()) continue;
    const std::vector<int64_t>& distance = paths.run(source, hops);
    for (const uint32_t d : by_source[source]) {
      if (distance[demands[d].to] == kUnreachable)
        return fail(ErrorCode::kInfeasible, "no path leads from its source to its destination",
                    name("demand", d));
    }
  }
  return {};
}

int64_t utilisation_ppm(const Link& link, int64_t load_bps) {
  const Wide ppm = (Wide{load_bps} * 1'000'000 + link.capacity_bps - 1) / link.capacity_bps;
  return static_cast<int64_t>(std::min<Wide>(ppm, INT64_MAX));
}

int64_t max_utilisation_ppm(const Network& network, const std::vector<int64_t>& loads_bps) {
  int64_t most = 0;
  for (size_t e = 0; e < network.links.size(); ++e)
    most = std::max(most, utilisation_ppm(network.links[e], loads_bps[e]));
  return most;
}

Adjacency::Adjacency(const Network& network, By by)
    : first_(network.vertices + 1, 0), links_(network.links.size()) {
  const auto vertex = [by](const Link& link) { return by == By::kFrom ? link.from : link.to; };
  for (const Link& link : network.links) ++first_[vertex(link) + 1];
  for (uint32_t v = 0; v < network.vertices; ++v) first_[v + 1] += first_[v];
  std::vector<uint32_t> next(first_.begin(), first_.end() - 1);
  for (uint32_t e = 0; e < network.links.size(); ++e) links_[next[vertex(network.links[e])]++] = e;
}

ShortestPaths::ShortestPaths(const Network& network, Adjacency::By by)
    : network_(network), adjacency_(network, by), forward_(by == Adjacency::By::kFrom) {}

const std::vector<int64_t>& ShortestPaths::run(uint32_t root, const std::vector<int64_t>& lengths) {
  distance_.assign(network_.vertices, kUnreachable);
  tree_.assign(network_.vertices, kNoLink);
  done_.assign(network_.vertices, false);
  order_.clear();
  heap_.clear();
  const auto later = [](const Entry& a, const Entry& b) {
    return std::pair(a.distance, a.vertex) > std::pair(b.distance, b.vertex);
  };
  distance_[root] = 0;
  heap_.push_back({0, root});
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Entry entry = heap_.back();
    heap_.pop_back();
    if (done_[entry.vertex]) continue;
    done_[entry.vertex] = true;
    order_.push_back(entry.vertex);
    for (const uint32_t* e = adjacency_.begin(entry.vertex); e != adjacency_.end(entry.vertex); ++e) {
      const uint32_t next = forward_ ? network_.links[*e].to : network_.links[*e].from;
      const int64_t distance = entry.distance + lengths[*e];
      if (distance >= distance_[next]) continue;
      distance_[next] = distance;
      tree_[next] = *e;
      heap_.push_back({distance, next});
      std::push_heap(heap_.begin(), heap_.end(), later);
    }
  }
  return distance_;
}

}  // namespace weir::traffic
