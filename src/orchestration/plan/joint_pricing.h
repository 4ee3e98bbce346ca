#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "orchestration/plan/joint_problem.h"

namespace weir {

// Room that is left while columns are assigned one by one.
struct JointRoom {
  std::vector<NodeFree> nodes;     // by NodeId
  std::vector<int64_t> links_bps;  // by LinkId
};

// Finds the cheapest columns of items under shadow prices: labels of (price, latency) from the ingress over
// the routers, one search for all items that enter at one place with like traffic. Arithmetic is in integers
// and rounds down, so what it finds is never above the exact price.
class JointPricing {
 public:
  // The problem outlives it.
  explicit JointPricing(const JointProblem& problem);

  // Prices in force from here on; as many as the problem has resources, none negative. O(sites * kinds +
  // links * kinds).
  void set_prices(const ShadowPrices& prices);

  struct Found {
    JointColumn column;
    Nanocredits shadow_price = 0;  // at most the exact one
  };
  // For every item: the cheapest column whose shadow price is below limits[item], and no column of it is
  // below least[item] when this returns. `least` is written. Beside the cheapest, others that were met on the
  // way may be found (up to two for an item). Ordered by item.
  std::vector<Found> below(const std::vector<Nanocredits>& limits, std::vector<Nanocredits>& least);

  // The cheapest of one item for which there is room, below the limit; it can be steered or is routed.
  std::optional<Found> cheapest_with_room(uint32_t item, Nanocredits limit, const JointRoom& room);

 private:
  struct Group {
    SiteId ingress;
    uint32_t traffic = 0;
    std::vector<uint32_t> items;
  };
  // Of one kind of traffic, by LinkId.
  struct Weights {
    std::vector<int64_t> price;       // per 2^30 bit/s of the larger direction
    std::vector<int64_t> latency_us;  // there and back
  };
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Label {
    int64_t price = 0, latency_us = 0;
    uint32_t core = 0;
    LinkId link;              // over which it arrived; invalid: the start
    uint32_t before = kNone;  // label; kNone: the first
  };
  struct Best {
    Nanocredits limit = 0, price = 0;
    SiteId site;
    uint32_t label = 0;
    LinkId last;  // from the router to the site; invalid: the site is where the label is
    bool home = false;
    SiteId next_site;  // of the second
    uint32_t next_label = 0;
    LinkId next_last;
    Nanocredits next_price = JointWork::kNever;
  };
  void search(SiteId ingress, uint32_t traffic, std::span<const uint32_t> items, const JointRoom* room);
  void arrive(uint32_t label, SiteId site, LinkId last, std::span<const uint32_t> items,
              const JointRoom* room);
  void offer(size_t place, uint32_t item, SiteId site, Nanocredits price, uint32_t label, LinkId last,
             bool home, const JointRoom* room);
  bool fits(const JointItem& item, SiteId site, const JointRoom& room) const;
  bool has_room(LinkId link, const JointItem& item, const JointRoom& room) const;
  std::vector<LinkId> unroll(uint32_t label, LinkId last) const;
  int64_t main_bps(const JointItem& item) const {
    return item.up_bps > item.down_bps ? item.up_bps : item.down_bps;
  }
  Nanocredits path_price(const JointItem& item, int64_t weight) const {
    return static_cast<Nanocredits>(static_cast<__int128>(main_bps(item)) * weight >> 30);
  }

  const JointProblem& problem_;
  std::vector<Group> groups_;
  std::vector<Weights> weights_;                      // by kind of traffic
  std::vector<std::vector<Nanocredits>> site_price_;  // by kind of work, then site: with shadow prices
  std::vector<Nanocredits> site_least_;               // by kind of work
  // Of the search under way.
  std::vector<Best> best_;
  std::vector<uint32_t> active_;  // places in best_, which is parallel to the items, still sought for
  std::vector<Label> labels_;
  struct Queued {
    int64_t price, latency_us;
    uint32_t label;
    friend auto operator<=>(const Queued&, const Queued&) = default;
  };
  std::vector<Queued> queue_;
  std::vector<int64_t> latency_us_;  // least so far, by core; valid where round_ says so
  std::vector<uint32_t> round_;
  uint32_t rounds_ = 0;
  const Weights* now_ = nullptr;
};

}  // namespace weir
