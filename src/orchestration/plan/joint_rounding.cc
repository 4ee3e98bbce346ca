#include "orchestration/plan/joint_rounding.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace weir {
namespace {

constexpr int32_t kWhole = 999'000;      // ppm from which on an item counts as not divided
constexpr ptrdiff_t kPartOfDivided = 2;  // one in so many of what is divided is decided at once

class Rounding {
 public:
  Rounding(const JointProblem& problem, JointRelaxation& relaxation, const Relaxed& relaxed,
           const std::vector<Nanocredits>& worth, const RoundingLimits& limits)
      : problem_(problem), relaxation_(relaxation), relaxed_(relaxed), worth_(worth), limits_(limits) {
    room_.nodes = problem.node_free();
    for (size_t l = 0; l < problem.graph().link_count(); ++l) {
      room_.links_bps.push_back(problem.capacity(problem.resource(LinkId(l))));
    }
    places_.of.resize(problem.items().size());
    site_free_.resize(problem.graph().site_count());
    for (size_t n = 0; n < room_.nodes.size(); ++n) {
      Sum& site = site_free_[problem.graph().node(NodeId(n)).site.index()];
      site.cpu_milli += std::max(0, room_.nodes[n].cpu_milli);
      site.memory_mib += std::max(0, room_.nodes[n].memory_mib);
      site.accelerators += std::max(0, room_.nodes[n].accelerators);
    }
    by_price_.resize(problem.items().size());
    at_site_.resize(problem.graph().site_count());
    on_link_.resize(problem.graph().link_count());
    for (const JointColumn& column : relaxation.pool()) {
      shadow_.push_back(problem.shadow_price(column, relaxed.prices));
    }
  }

  Result<Assignment> run() {
    keep();
    if (Status status = dive(); !status) return tl::unexpected<Error>(status.error());
    relaxation_.pricing().set_prices(relaxed_.prices);
    fill();
    relaxation_.pricing().set_prices(ShadowPrices(problem_.resource_count(), 0));
    for (int32_t pass = 0; pass < limits_.passes; ++pass) {
      const bool saved = improve();
      const bool made = exchange();
      if (!saved && !made) break;
    }
    for (uint32_t i = 0; i < places_.of.size(); ++i) places_.price += price(i);
    Assignment stay = as_it_is();
    return stay.price <= places_.price ? std::move(stay) : std::move(places_);
  }

 private:
  const Workload& workload(uint32_t item) const {
    return problem_.works()[problem_.items()[item].work].workload;
  }
  Nanocredits price(uint32_t item) const {
    return places_.of[item] ? places_.of[item]->column.price : worth_[item];
  }

  Assignment as_it_is() const {
    Assignment stay;
    for (uint32_t i = 0; i < worth_.size(); ++i) {
      const auto& current = problem_.current(i);
      stay.of.emplace_back();
      if (current) stay.of.back() = {*current, problem_.current_node(i)};
      stay.price += current ? current->price : worth_[i];
    }
    return stay;
  }

  // What is not dearer where it is than elsewhere by more than a move costs, all scarcity counted, stays.
  void keep() {
    for (uint32_t i = 0; i < places_.of.size(); ++i) {
      const auto& current = problem_.current(i);
      if (!current || current->price >= worth_[i]) continue;
      Nanocredits least = INT64_MAX;
      for (const uint32_t c : relaxation_.columns_of(i)) least = std::min(least, shadow_[c]);
      const Nanocredits move = charge(current->price, limits_.move_ppm, kPpm);
      if (problem_.shadow_price(*current, relaxed_.prices) > least + move) continue;
      if (has_links(*current) && node_fits(problem_.current_node(i), workload(i))) {
        place(i, *current, problem_.current_node(i));
      }
    }
  }

  Status dive() {
    JointRelaxation::Decided decided;
    for (uint32_t i = 0; i < places_.of.size(); ++i) {
      if (!places_.of[i]) continue;
      for (const uint32_t c : relaxation_.columns_of(i)) {
        if (relaxation_.pool()[c] == places_.of[i]->column) decided.fixed.push_back(c);
      }
    }
    std::vector<int32_t> share_ppm = relaxed_.share_ppm;
    if (!decided.fixed.empty()) {
      auto shares = relaxation_.decide(decided);
      if (!shares) return tl::unexpected<Error>(shares.error());
      share_ppm = std::move(*shares);
    }
    // Small items fill what large ones leave, not the other way round.
    int32_t largest = 0;
    for (uint32_t i = 0; i < places_.of.size(); ++i) largest = std::max(largest, workload(i).cpu_milli);
    for (bool last = false; !last;) {
      last = largest == 0;
      const int32_t smallest = largest / 3 * 2;
      for (int32_t turn = 0; turn < limits_.dives; ++turn) {
        decided = follow(share_ppm, smallest);
        if (decided.fixed.empty() && decided.forbidden.empty()) break;
        auto shares = relaxation_.decide(decided);
        if (!shares) return tl::unexpected<Error>(shares.error());
        share_ppm = std::move(*shares);
      }
      largest = std::max(0, smallest - 1);
    }
    for (size_t c = shadow_.size(); c < relaxation_.pool().size(); ++c) {
      shadow_.push_back(problem_.shadow_price(relaxation_.pool()[c], relaxed_.prices));
    }
    return relaxation_.free_all();
  }

  // Of items of this size places what is not divided, and of the rest what is divided least, a part of it.
  JointRelaxation::Decided follow(const std::vector<int32_t>& share_ppm, int32_t cpu_milli_min) {
    struct Wish {
      int32_t share_ppm;
      uint32_t column;
    };
    std::vector<Wish> wishes;
    for (uint32_t c = 0; c < share_ppm.size(); ++c) {
      const int32_t share = share_ppm[c];
      const uint32_t item = relaxation_.pool()[c].item;
      if (share > 0 && !places_.of[item] && workload(item).cpu_milli >= cpu_milli_min)
        wishes.push_back({std::min(share, kWhole), c});
    }
    std::sort(wishes.begin(), wishes.end(), [](const Wish& a, const Wish& b) {
      return std::tuple(-a.share_ppm, a.column) < std::tuple(-b.share_ppm, b.column);
    });
    const auto divided =
        std::find_if(wishes.begin(), wishes.end(), [](const Wish& wish) { return wish.share_ppm < kWhole; });
    const auto end = divided + (wishes.end() - divided + kPartOfDivided - 1) / kPartOfDivided;
    JointRelaxation::Decided decided;
    for (auto wish = wishes.begin(); wish != end; ++wish) {
      const JointColumn& column = relaxation_.pool()[wish->column];
      if (places_.of[column.item]) continue;
      (try_place(column) ? decided.fixed : decided.forbidden).push_back(wish->column);
    }
    return decided;
  }

  // The rest, the largest first.
  void fill() {
    std::vector<uint32_t> left;
    for (uint32_t i = 0; i < places_.of.size(); ++i) {
      if (!places_.of[i]) left.push_back(i);
    }
    std::sort(left.begin(), left.end(), [&](uint32_t a, uint32_t b) {
      return std::tuple(-workload(a).cpu_milli, a) < std::tuple(-workload(b).cpu_milli, b);
    });
    for (const uint32_t i : left) {
      if (auto found = relaxation_.pricing().cheapest_with_room(i, INT64_MAX / 4, room_)) {
        if (found->column.price < worth_[i]) try_place(found->column);
      }
    }
  }

  // Moves single items to where they are cheaper as there is room now. Did anything move?
  bool improve() {
    bool any = false;
    for (uint32_t i = 0; i < places_.of.size(); ++i) {
      const auto old = places_.of[i];
      Nanocredits limit = worth_[i];
      if (old) {
        const bool at_home = problem_.current(i) && old->column == *problem_.current(i);
        limit = old->column.price - 1 - (at_home ? charge(old->column.price, limits_.move_ppm, kPpm) : 0);
        if (limit <= cheapest_ever(i)) continue;
        remove(i);
      }
      const auto found = relaxation_.pricing().cheapest_with_room(i, limit, room_);
      if (found && found->column.price < limit && try_place(found->column)) {
        any = true;
      } else if (old) {
        place(i, old->column, old->node);
      }
    }
    return any;
  }

  Nanocredits cheapest_ever(uint32_t item) const {
    Nanocredits least = INT64_MAX;
    for (const uint32_t c : relaxation_.columns_of(item))
      least = std::min(least, relaxation_.pool()[c].price);
    return least;
  }

  // Settles items that lose most against the relaxed solution, refused ones among them, where others then
  // move on.
  bool exchange() {
    struct Loser {
      Nanocredits regret;
      uint32_t item;
    };
    std::vector<Loser> losers;
    for (uint32_t i = 0; i < places_.of.size(); ++i) {
      const Nanocredits now =
          places_.of[i] ? problem_.shadow_price(places_.of[i]->column, relaxed_.prices) : worth_[i];
      Nanocredits least = worth_[i];
      for (const uint32_t c : relaxation_.columns_of(i)) least = std::min(least, shadow_[c]);
      if (now > least) losers.push_back({now - least, i});
    }
    std::sort(losers.begin(), losers.end(), [](const Loser& a, const Loser& b) {
      return std::tuple(-a.regret, a.item) < std::tuple(-b.regret, b.item);
    });
    bool any = false;
    for (const Loser& loser : losers) {
      const auto old = places_.of[loser.item];
      const Nanocredits limit = price(loser.item);
      if (old) remove(loser.item);
      trials_ = 0;
      repacked_.clear();
      if (settle(loser.item, limit, limits_.chain)) {
        any = true;
      } else if (old) {
        place(loser.item, old->column, old->node);
      }
    }
    return any;
  }

  // Places the item below the limit, if others can be settled with what is left of it; or leaves everything
  // as it was.
  bool settle(uint32_t item, Nanocredits limit, int32_t chain) {
    const std::vector<uint32_t>& columns = by_price(item);
    for (const uint32_t c : columns) {
      const JointColumn& column = relaxation_.pool()[c];
      if (column.price >= limit) break;
      if (try_place(column)) return true;
    }
    if (worth_[item] < limit) return true;
    if (chain == 0) return false;
    for (const uint32_t c : columns) {
      const JointColumn& column = relaxation_.pool()[c];
      const Nanocredits spent = column.price;
      if (spent >= limit) break;
      const std::vector<uint32_t> others = in_the_way(column);
      for (const uint32_t other : others) {
        if (trials_ >= limits_.trials_max) return false;
        const Nanocredits rest = saturating_add(limit - spent, price(other));
        if (by_price(other).empty() || relaxation_.pool()[by_price(other)[0]].price >= rest) continue;
        ++trials_;
        const Assignment::Place old = *places_.of[other];
        const size_t mark = repacked_.size();
        remove(other);
        if (try_place(column)) {
          if (settle(other, rest, chain - 1)) return true;
          remove(item);
          undo_repacking(mark);
        }
        place(other, old.column, old.node);
      }
    }
    return false;
  }

  // Columns of the item, the cheapest first.
  const std::vector<uint32_t>& by_price(uint32_t item) {
    std::vector<uint32_t>& columns = by_price_[item];
    if (columns.empty()) {
      columns = relaxation_.columns_of(item);
      std::sort(columns.begin(), columns.end(), [&](uint32_t a, uint32_t b) {
        return std::tuple(relaxation_.pool()[a].price, a) < std::tuple(relaxation_.pool()[b].price, b);
      });
    }
    return columns;
  }

  // Items at the site, where nothing there has room, or on the first link without room.
  std::vector<uint32_t> in_the_way(const JointColumn& column) const {
    const JointItem& item = problem_.items()[column.item];
    for (const LinkId link : column.path) {
      if (room_.links_bps[link.index()] < item.up_bps) return on_link_[link.index()];
      if (room_.links_bps[opposite(link).index()] < item.down_bps) return on_link_[opposite(link).index()];
    }
    return at_site_[column.site.index()];
  }

  bool has_links(const JointColumn& column) const {
    const JointItem& item = problem_.items()[column.item];
    return std::ranges::all_of(column.path, [&](LinkId link) {
      return room_.links_bps[link.index()] >= item.up_bps &&
             room_.links_bps[opposite(link).index()] >= item.down_bps;
    });
  }

  bool node_fits(NodeId node, const Workload& workload) const {
    const NodeFree& free = room_.nodes[node.index()];
    return free.cpu_milli >= workload.cpu_milli && free.memory_mib >= workload.memory_mib &&
           free.accelerators >= workload.accelerators &&
           problem_.graph().takes(problem_.graph().node(node), workload);
  }

  // Best fit; ties by identifier.
  NodeId node_for(SiteId site, const Workload& workload) const {
    NodeId best;
    int64_t best_left = INT64_MAX;
    for (const NodeRange& range : problem_.graph().nodes(site)) {
      for (uint32_t n = range.first; n < range.first + range.count; ++n) {
        const int64_t left = int64_t{room_.nodes[n].cpu_milli} - workload.cpu_milli;
        if (left < best_left && node_fits(NodeId(n), workload)) {
          best_left = left;
          best = NodeId(n);
        }
      }
    }
    return best;
  }

  bool try_place(const JointColumn& column) {
    if (!has_links(column)) return false;
    if (!problem_.network().all_steerable() && !can_be_held(problem_.graph(), column.path)) return false;
    const Workload& need = workload(column.item);
    const Sum& free = site_free_[column.site.index()];
    if (free.cpu_milli < need.cpu_milli || free.memory_mib < need.memory_mib ||
        free.accelerators < need.accelerators) {
      return false;
    }
    NodeId node;
    if (at_home(column) && node_fits(problem_.current_node(column.item), need)) {
      node = problem_.current_node(column.item);
    } else {
      node = node_for(column.site, need);
    }
    if (!node.valid() && !repack(column.site, column.item, node)) return false;
    place(column.item, column, node);
    return true;
  }

  bool at_home(const JointColumn& column) const {
    const auto& current = problem_.current(column.item);
    return current && *current == column;
  }

  // Makes room on one node of a site that has it on several, if dealing out anew, the largest first and each
  // to where it fits best, does. What is where it was before the pass stays.
  bool repack(SiteId site, uint32_t item, NodeId& node) {
    std::vector<uint32_t> loose;
    for (const uint32_t other : at_site_[site.index()]) {
      const Assignment::Place& place = *places_.of[other];
      if (!at_home(place.column) || place.node != problem_.current_node(other)) loose.push_back(other);
    }
    if (loose.empty()) return false;
    const size_t mark = repacked_.size();
    for (const uint32_t other : loose) {
      repacked_.push_back({other, places_.of[other]->node});
      give(places_.of[other]->node, workload(other), 1);
    }
    std::vector<uint32_t> order = loose;
    order.push_back(item);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return std::tuple(-workload(a).cpu_milli, -workload(a).memory_mib, a) <
             std::tuple(-workload(b).cpu_milli, -workload(b).memory_mib, b);
    });
    std::vector<NodeId> dealt;
    for (const uint32_t other : order) {
      const NodeId to = node_for(site, workload(other));
      if (!to.valid()) break;
      give(to, workload(other), -1);
      dealt.push_back(to);
    }
    const bool all = dealt.size() == order.size();
    for (size_t k = 0; k < dealt.size(); ++k) {
      if (!all || order[k] == item) give(dealt[k], workload(order[k]), 1);
      if (!all) continue;
      if (order[k] == item) {
        node = dealt[k];
      } else {
        places_.of[order[k]]->node = dealt[k];
      }
    }
    if (!all) {
      for (const uint32_t other : loose) give(places_.of[other]->node, workload(other), -1);
      repacked_.resize(mark);
    }
    return all;
  }

  // Undoes every repack() since the mark; the items that it moved are where it put them.
  void undo_repacking(size_t mark) {
    for (; repacked_.size() > mark; repacked_.pop_back()) {
      const auto& [item, node] = repacked_.back();
      give(places_.of[item]->node, workload(item), 1);
      give(node, workload(item), -1);
      places_.of[item]->node = node;
    }
  }

  void give(NodeId node, const Workload& need, int32_t sign) {
    NodeFree& free = room_.nodes[node.index()];
    free.cpu_milli += sign * need.cpu_milli;
    free.memory_mib += sign * need.memory_mib;
    free.accelerators += sign * need.accelerators;
  }

  void place(uint32_t item, const JointColumn& column, NodeId node) {
    places_.of[item] = Assignment::Place{column, node};
    account(item, *places_.of[item], -1);
    at_site_[column.site.index()].push_back(item);
    for (const LinkId link : column.path) {
      on_link_[link.index()].push_back(item);
      on_link_[opposite(link).index()].push_back(item);
    }
  }

  void remove(uint32_t item) {
    const Assignment::Place old = *places_.of[item];
    places_.of[item].reset();
    account(item, old, 1);
    std::erase(at_site_[old.column.site.index()], item);
    for (const LinkId link : old.column.path) {
      std::erase(on_link_[link.index()], item);
      std::erase(on_link_[opposite(link).index()], item);
    }
  }

  void account(uint32_t item, const Assignment::Place& place, int32_t sign) {
    const Workload& need = workload(item);
    give(place.node, need, sign);
    Sum& site = site_free_[place.column.site.index()];
    site.cpu_milli += sign * need.cpu_milli;
    site.memory_mib += sign * need.memory_mib;
    site.accelerators += sign * need.accelerators;
    for (const LinkId link : place.column.path) {
      room_.links_bps[link.index()] += sign * problem_.items()[item].up_bps;
      room_.links_bps[opposite(link).index()] += sign * problem_.items()[item].down_bps;
    }
  }

  const JointProblem& problem_;
  JointRelaxation& relaxation_;
  const Relaxed& relaxed_;
  const std::vector<Nanocredits>& worth_;
  const RoundingLimits limits_;
  JointRoom room_;
  Assignment places_;
  std::vector<Nanocredits> shadow_;  // by column of the pool
  struct Sum {
    int64_t cpu_milli = 0, memory_mib = 0, accelerators = 0;
  };
  std::vector<Sum> site_free_;  // over nodes
  std::vector<std::pair<uint32_t, NodeId>>
      repacked_;  // items dealt out anew and where they were, for undo_repacking()
  std::vector<std::vector<uint32_t>> at_site_;   // items, by SiteId
  std::vector<std::vector<uint32_t>> on_link_;   // items, by LinkId
  std::vector<std::vector<uint32_t>> by_price_;  // columns, by item; empty: not asked for
  int32_t trials_ = 0;
};

}  // namespace

Result<Assignment> round(const JointProblem& problem, JointRelaxation& relaxation, const Relaxed& relaxed,
                         const std::vector<Nanocredits>& worth, const RoundingLimits& limits) {
  return Rounding(problem, relaxation, relaxed, worth, limits).run();
}

}  // namespace weir
