#include "orchestration/plan/joint_pricing.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace weir {
namespace {

constexpr int64_t kWeightMax = int64_t{1} << 50;

}  // namespace

JointPricing::JointPricing(const JointProblem& problem)
    : problem_(problem),
      weights_(problem.traffics().size()),
      site_price_(problem.works().size()),
      site_least_(problem.works().size()),
      latency_us_(problem.network().core_count()),
      round_(problem.network().core_count()) {
  std::map<std::pair<SiteId, uint32_t>, size_t> known;
  for (uint32_t i = 0; i < problem.items().size(); ++i) {
    const JointItem& item = problem.items()[i];
    const auto [at, fresh] = known.try_emplace({item.ingress, item.traffic}, groups_.size());
    if (fresh) groups_.push_back({item.ingress, item.traffic, {}});
    groups_[at->second].items.push_back(i);
  }
  const Graph& graph = problem.graph();
  for (size_t t = 0; t < weights_.size(); ++t) {
    for (size_t l = 0; l < graph.link_count(); ++l) {
      weights_[t].latency_us.push_back(hop_latency_us(graph, LinkId(l), problem.traffics()[t].demand));
    }
  }
}

void JointPricing::set_prices(const ShadowPrices& prices) {
  const Graph& graph = problem_.graph();
  for (size_t t = 0; t < weights_.size(); ++t) {
    const JointTraffic& traffic = problem_.traffics()[t];
    const int64_t larger = std::max<int64_t>(1, std::max(traffic.up, traffic.down));
    const auto of = [&](LinkId link) {
      const __int128 ask =
          static_cast<__int128>(graph.link(link).per_gbps_hour) * traffic.demand.cost_milli / 1000;
      return ask + prices[problem_.resource(link)];
    };
    auto& out = weights_[t].price;
    out.resize(graph.link_count());
    for (size_t l = 0; l < graph.link_count(); ++l) {
      const __int128 both = of(LinkId(l)) * traffic.up + of(opposite(LinkId(l))) * traffic.down;
      const __int128 weight = (both / larger << 30) / kGbpsUnit;
      out[l] = weight > kWeightMax ? kWeightMax : static_cast<int64_t>(weight);
    }
  }
  for (size_t w = 0; w < site_price_.size(); ++w) {
    const JointWork& work = problem_.works()[w];
    auto& out = site_price_[w];
    out = work.price;
    site_least_[w] = JointWork::kNever;
    for (size_t s = 0; s < out.size(); ++s) {
      if (out[s] == JointWork::kNever) continue;
      const SiteId site(s);
      const auto add = [&](SiteResource kind, int64_t amount, int64_t unit) {
        if (amount > 0) out[s] += charge_down(amount, prices[problem_.resource(site, kind)], unit);
      };
      add(SiteResource::kCpu, work.workload.cpu_milli, kCoreUnit);
      add(SiteResource::kMemory, work.workload.memory_mib, kGibUnit);
      add(SiteResource::kAccelerators, work.workload.accelerators, 1);
      site_least_[w] = std::min(site_least_[w], out[s]);
    }
  }
}

std::vector<JointPricing::Found> JointPricing::below(const std::vector<Nanocredits>& limits,
                                                     std::vector<Nanocredits>& least) {
  std::vector<Found> found;
  least = limits;
  for (const Group& group : groups_) {
    best_.clear();
    for (const uint32_t item : group.items) best_.push_back({.limit = limits[item]});
    search(group.ingress, group.traffic, group.items, nullptr);
    for (size_t k = 0; k < group.items.size(); ++k) {
      const Best& best = best_[k];
      const uint32_t item = group.items[k];
      if (!best.site.valid()) continue;
      least[item] = best.price;
      const auto add = [&](SiteId site, std::vector<LinkId> path, Nanocredits price) {
        found.push_back({problem_.column(item, site, std::move(path)), price});
      };
      add(best.site, best.home ? std::vector<LinkId>{} : unroll(best.label, best.last), best.price);
      if (best.next_site.valid())
        add(best.next_site, unroll(best.next_label, best.next_last), best.next_price);
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& a, const Found& b) { return a.column.item < b.column.item; });
  return found;
}

std::optional<JointPricing::Found> JointPricing::cheapest_with_room(uint32_t item, Nanocredits limit,
                                                                    const JointRoom& room) {
  best_.assign(1, {.limit = limit});
  const JointItem& one = problem_.items()[item];
  search(one.ingress, one.traffic, std::span(&item, 1), &room);
  const Best& best = best_[0];
  if (!best.site.valid()) return std::nullopt;
  return Found{
      problem_.column(item, best.site, best.home ? std::vector<LinkId>{} : unroll(best.label, best.last)),
      best.price};
}

void JointPricing::search(SiteId ingress, uint32_t traffic, std::span<const uint32_t> items,
                          const JointRoom* room) {
  const Graph& graph = problem_.graph();
  const Network& network = problem_.network();
  labels_.clear();
  now_ = &weights_[traffic];
  active_.clear();
  for (uint32_t k = 0; k < items.size(); ++k) active_.push_back(k);
  if (!ingress.valid()) {
    for (const uint32_t k : active_) {
      const JointItem& item = problem_.items()[items[k]];
      for (size_t s = 0; s < graph.site_count(); ++s) {
        offer(k, items[k], SiteId(s), site_price_[item.work][s], kNone, LinkId{}, true, room);
      }
    }
    return;
  }
  for (const uint32_t k : active_) {
    const JointItem& item = problem_.items()[items[k]];
    if (problem_.works()[item.work].service_us[ingress.index()] <= item.latency_us_max) {
      offer(k, items[k], ingress, site_price_[item.work][ingress.index()], kNone, LinkId{}, true, room);
    }
  }

  if (++rounds_ == 0) {
    std::fill(round_.begin(), round_.end(), 0);
    rounds_ = 1;
  }
  queue_.clear();
  int64_t latency_us_max = 0;
  for (const uint32_t item : items)
    latency_us_max = std::max(latency_us_max, problem_.items()[item].latency_us_max);
  const auto push = [&](uint32_t core, LinkId link, uint32_t before, int64_t price, int64_t latency_us) {
    if (latency_us > latency_us_max) return;
    if (round_[core] == rounds_ && latency_us_[core] <= latency_us) return;
    if (room && !has_room(link, problem_.items()[items[0]], *room)) return;
    queue_.push_back({price, latency_us, static_cast<uint32_t>(labels_.size())});
    std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
    labels_.push_back({price, latency_us, core, link, before});
  };
  for (const Network::Access& access : network.accesses(graph.site(ingress).vertex)) {
    if (!access.link.valid()) {
      queue_.push_back({0, 0, static_cast<uint32_t>(labels_.size())});
      labels_.push_back({0, 0, access.core, LinkId{}, kNone});
    } else if (graph.usable(access.link)) {
      push(access.core, access.link, kNone, now_->price[access.link.index()],
           now_->latency_us[access.link.index()]);
    }
  }
  std::make_heap(queue_.begin(), queue_.end(), std::greater<>());
  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
    const uint32_t at = queue_.back().label;
    queue_.pop_back();
    const Label label = labels_[at];
    if (round_[label.core] == rounds_ && latency_us_[label.core] <= label.latency_us) continue;
    round_[label.core] = rounds_;
    latency_us_[label.core] = label.latency_us;
    std::erase_if(active_, [&](uint32_t k) {
      const JointItem& item = problem_.items()[items[k]];
      return path_price(item, label.price) + site_least_[item.work] >= best_[k].limit;
    });
    if (active_.empty()) return;
    for (const Network::Met& met : network.met(label.core)) {
      const LinkId out = network.all_accesses()[met.access].link;
      if (met.site == ingress) continue;
      arrive(at, met.site, out.valid() ? opposite(out) : LinkId{}, items, room);
    }
    if (label.link.valid() && !network.transit(label.core)) continue;
    for (const Network::Edge& edge : network.edges(label.core)) {
      if (!graph.usable(edge.link)) continue;
      push(edge.to, edge.link, at, label.price + now_->price[edge.link.index()],
           label.latency_us + now_->latency_us[edge.link.index()]);
    }
  }
}

void JointPricing::arrive(uint32_t at, SiteId site, LinkId last, std::span<const uint32_t> items,
                          const JointRoom* room) {
  int64_t price = labels_[at].price, latency_us = labels_[at].latency_us;
  if (last.valid()) {
    if (!problem_.graph().usable(last)) return;
    if (room && !has_room(last, problem_.items()[items[0]], *room)) return;
    price += now_->price[last.index()];
    latency_us += now_->latency_us[last.index()];
  }
  for (const uint32_t k : active_) {
    const JointItem& item = problem_.items()[items[k]];
    const Nanocredits there = site_price_[item.work][site.index()];
    if (there >= best_[k].limit && there >= best_[k].next_price) continue;
    if (latency_us > item.latency_us_max - problem_.works()[item.work].service_us[site.index()]) continue;
    offer(k, items[k], site, there + path_price(item, price), at, last, false, room);
  }
}

// The best takes a place below the limit, which falls to its price; what it displaces, and what comes close,
// is second.
void JointPricing::offer(size_t place, uint32_t item, SiteId site, Nanocredits price, uint32_t label,
                         LinkId last, bool home, const JointRoom* room) {
  Best& best = best_[place];
  if (site_price_[problem_.items()[item].work][site.index()] == JointWork::kNever) return;
  if (price >= best.limit) {
    if (!room && best.site.valid() && !home && best.site != site && price < best.next_price) {
      best.next_site = site;
      best.next_label = label;
      best.next_last = last;
      best.next_price = price;
    }
    return;
  }
  if (room) {
    if (!fits(problem_.items()[item], site, *room)) return;
    if (!problem_.network().all_steerable() && !home && !can_be_held(problem_.graph(), unroll(label, last)))
      return;
  }
  if (best.site.valid() && !best.home && best.site != site) {
    best.next_site = best.site;
    best.next_label = best.label;
    best.next_last = best.last;
    best.next_price = best.price;
  }
  best.site = site;
  best.label = label;
  best.last = last;
  best.home = home;
  best.price = best.limit = price;
}

bool JointPricing::fits(const JointItem& item, SiteId site, const JointRoom& room) const {
  const Graph& graph = problem_.graph();
  const Workload& workload = problem_.works()[item.work].workload;
  for (const NodeRange& range : graph.nodes(site)) {
    for (uint32_t n = range.first; n < range.first + range.count; ++n) {
      const NodeFree& free = room.nodes[n];
      if (free.cpu_milli >= workload.cpu_milli && free.memory_mib >= workload.memory_mib &&
          free.accelerators >= workload.accelerators &&
          graph.takes(graph.node(NodeId(n)), workload)) {
        return true;
      }
    }
  }
  return false;
}

bool JointPricing::has_room(LinkId link, const JointItem& item, const JointRoom& room) const {
  return room.links_bps[link.index()] >= item.up_bps &&
         room.links_bps[opposite(link).index()] >= item.down_bps;
}

std::vector<LinkId> JointPricing::unroll(uint32_t label, LinkId last) const {
  std::vector<LinkId> path;
  if (last.valid()) path.push_back(last);
  for (; label != kNone && labels_[label].link.valid(); label = labels_[label].before) {
    path.push_back(labels_[label].link);
  }
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace weir
