#include "orchestration/workflow/stream_tree.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>

#include "core/price/price.h"

namespace weir {
namespace {

int64_t capped_add(int64_t a, int64_t b) { return std::min(kImpossible, saturating_add(a, b)); }
int64_t capped_product(int64_t a, int64_t b) {
  return static_cast<int64_t>(std::min<__int128>(static_cast<__int128>(a) * b, kImpossible));
}

// What one edge of the workflow meets on the links.
class Hops {
 public:
  Hops(const StreamProblem& problem, uint32_t edge, const StreamLimits& limits)
      : graph_(*problem.graph), costs_(*problem.edges[edge].links), edge_(edge), limits_(limits) {
    const auto first = limits.not_over.lower_bound({edge, LinkId(0u)});
    limited_ = first != limits.not_over.end() && first->first == edge;
  }
  // Can packets be led over it, with room?
  bool open(LinkId link) const { return graph_.link(link).steerable && has_room(link); }
  bool has_room(LinkId link) const {
    return costs_.price[link.index()] < kImpossible &&
           (!limited_ || !limits_.not_over.contains({edge_, link}));
  }
  Nanocredits price(LinkId link) const { return costs_.price[link.index()]; }
  int64_t latency_us(LinkId link) const { return costs_.latency_us[link.index()]; }
  int64_t cost(LinkId link, int64_t weight) const {
    if (weight == StreamField::kLatencyAlone) return latency_us(link);
    return weight == 0 ? price(link) : capped_add(price(link), capped_product(weight, latency_us(link)));
  }
  int64_t cost(const StreamProblem::PlainWay& way, int64_t weight) const {
    int64_t sum = 0;
    for (const LinkId link : way.links)
      sum = has_room(link) ? capped_add(sum, cost(link, weight)) : kImpossible;
    return sum;
  }

 private:
  const Graph& graph_;
  const StreamProblem::LinkCosts& costs_;
  uint32_t edge_;
  const StreamLimits& limits_;
  bool limited_;
};

// Calls leave(core, link) for every way out of a site; the link leaves the site.
template <class Leave>
void each_way_out(const StreamProblem& problem, size_t site, Leave&& leave) {
  const Network& network = *problem.network;
  const VertexId vertex = problem.graph->site(SiteId(site)).vertex;
  if (const uint32_t core = network.core(vertex); core != Network::kNone) {
    for (const Network::Edge& edge : network.edges(core)) leave(edge.to, edge.link);
  } else {
    for (const Network::Access& access : network.accesses(vertex)) leave(access.core, access.link);
  }
}

// Calls arrive(site, link) for every site next to a core vertex, or at it; the link leaves the site, none: it
// is there.
template <class Arrive>
void each_site_met(const StreamProblem& problem, uint32_t core, Arrive&& arrive) {
  for (const auto& [site, access] : problem.network->met(core)) {
    arrive(site, problem.network->all_accesses()[access].link);
  }
}

}  // namespace

StreamField::StreamField(const StreamProblem& problem, uint32_t edge, int64_t weight,
                         const StreamLimits& limits, bool forward, const std::vector<int64_t>& start,
                         uint64_t& steps)
    : problem_(problem), forward_(forward), core_(problem.network->core_count(), kImpossible), site_(start) {
  const Network& network = *problem.network;
  const Hops hops(problem, edge, limits);
  by_core_.resize(core_.size());
  by_site_.resize(site_.size());
  using Item = std::pair<int64_t, uint32_t>;
  std::vector<Item> items;
  const auto reach = [&](uint32_t core, int64_t value, LinkId link) {
    if (!hops.open(link)) return;
    const int64_t sum = capped_add(value, hops.cost(link, weight));
    if (sum >= core_[core]) return;
    core_[core] = sum;
    by_core_[core] = link;
    items.emplace_back(sum, core);
    std::push_heap(items.begin(), items.end(), std::greater<>());
  };
  const auto along = [forward](LinkId link) { return forward ? link : opposite(link); };
  steps -= std::min<uint64_t>(steps, 1 + start.size() / 16);
  for (size_t s = 0; s < start.size(); ++s) {
    if (start[s] >= kImpossible) continue;
    each_way_out(problem, s, [&](uint32_t core, LinkId link) { reach(core, start[s], along(link)); });
  }
  while (!items.empty()) {
    std::pop_heap(items.begin(), items.end(), std::greater<>());
    const auto [value, at] = items.back();
    items.pop_back();
    if (value > core_[at]) continue;
    if (steps > 0) --steps;
    each_site_met(problem, at, [&](SiteId site, LinkId link) {
      int64_t sum = value;
      if (link.valid()) {
        const LinkId last = along(opposite(link));
        if (!hops.open(last)) return;
        sum = capped_add(value, hops.cost(last, weight));
      }
      if (sum >= site_[site.index()]) return;
      site_[site.index()] = sum;
      by_site_[site.index()] = link.valid() ? along(opposite(link)) : by_core_[at];
    });
    if (!network.transit(at)) continue;
    for (const Network::Edge& next : network.edges(at)) reach(next.to, value, along(next.link));
  }
  by_plain_.assign(problem.plain.empty() ? 0 : site_.size(), kNoWay);
  for (uint32_t w = 0; w < problem.plain.size(); ++w) {
    const auto& way = problem.plain[w];
    const size_t first = (forward ? way.from : way.to).index(), last = (forward ? way.to : way.from).index();
    if (start[first] >= kImpossible) continue;
    const int64_t sum = capped_add(start[first], hops.cost(way, weight));
    if (sum >= site_[last]) continue;
    site_[last] = sum;
    by_plain_[last] = w;
  }
}

std::pair<SiteId, std::vector<LinkId>> StreamField::path(SiteId site) const {
  const Graph& graph = *problem_.graph;
  if (!by_plain_.empty() && by_plain_[site.index()] != kNoWay) {
    const auto& way = problem_.plain[by_plain_[site.index()]];
    return {forward_ ? way.from : way.to, way.links};
  }
  std::vector<LinkId> links;
  SiteId start = site;
  for (LinkId link = by_site_[site.index()]; link.valid();) {
    links.push_back(link);
    const VertexId before = forward_ ? graph.link(link).from : graph.link(link).to;
    const uint32_t core = problem_.network->core(before);
    if (core == Network::kNone || !problem_.network->transit(core)) {
      start = graph.site_at(before);
      break;
    }
    link = by_core_[core];
  }
  if (forward_) std::reverse(links.begin(), links.end());
  return {start, std::move(links)};
}

StreamTree::StreamTree(const StreamProblem& problem, std::vector<uint32_t> stages,
                       std::vector<uint32_t> edges)
    : problem_(problem), position_(problem.stages.size(), kNoEdge) {
  std::vector<std::vector<uint32_t>> touching(problem.stages.size());
  std::vector<uint32_t> leaves_to(problem.stages.size(), 0);
  for (const uint32_t e : edges) {
    touching[problem.edges[e].from].push_back(e);
    touching[problem.edges[e].to].push_back(e);
    ++leaves_to[problem.edges[e].from];
  }
  // From a sink, so that all of a chain flows towards the root.
  uint32_t root = stages.front();
  for (const uint32_t s : stages) {
    if (leaves_to[s] == 0) root = s;
  }
  std::vector<Node> down{{root, kNoEdge, true, {}, {}}};
  for (size_t i = 0; i < down.size(); ++i) {
    for (const uint32_t e : touching[down[i].stage]) {
      if (e == down[i].parent_edge) continue;
      const auto& edge = problem.edges[e];
      const bool up = edge.to == down[i].stage;
      down.push_back({up ? edge.from : edge.to, e, up, {}, {}});
    }
  }
  nodes_.assign(down.rbegin(), down.rend());
  for (uint32_t n = 0; n < nodes_.size(); ++n) position_[nodes_[n].stage] = n;
  for (uint32_t n = 0; n + 1 < nodes_.size(); ++n) {
    const auto& edge = problem.edges[nodes_[n].parent_edge];
    Node& parent = nodes_[position_[nodes_[n].flows_up ? edge.to : edge.from]];
    (nodes_[n].flows_up ? parent.in : parent.out).push_back(n);
  }
}

// One call of StreamTree::solve.
class TreeSolve {
 public:
  TreeSolve(const StreamTree& tree, const StreamLimits& limits, uint64_t& steps)
      : tree_(tree),
        problem_(tree.problem_),
        limits_(limits),
        steps_(steps),
        limit_us_(problem_.latency_us_max) {
    sites_ = problem_.graph->site_count();
    for (const auto& node : tree.nodes_) {
      auto& price = price_.emplace_back(problem_.stages[node.stage].price);
      for (size_t s = 0; s < sites_; ++s) {
        const SiteId site(s);
        const SiteId fixed = limits.fixed.empty() ? SiteId() : limits.fixed[node.stage];
        if ((fixed.valid() && fixed != site) || limits.not_at.contains({node.stage, site}))
          price[s] = kImpossible;
      }
    }
    hits_.assign(tree.nodes_.size(), 0);
    edge_hits_.assign(tree.nodes_.size(), 0);
  }

  TreeAnswer run() {
    Pass cheapest = scalar(0);
    answer_.bound = cheapest.bound;
    if (cheapest.bound >= kImpossible) {
      answer_.exact = true;
      return answer_;
    }
    note(cheapest);
    if (!answer_.choice && !soon_enough()) {
      answer_.bound = kImpossible;
      answer_.exact = true;
      return answer_;
    }
    if (!answer_.choice) {
      relax(cheapest);
      if (answer_.bound < answer_.price) label(cheapest);
    }
    if (answer_.choice && answer_.bound >= answer_.price) {
      answer_.exact = true;
      answer_.bound = answer_.price;
    }
    return answer_;
  }

 private:
  using Node = StreamTree::Node;
  // The cheapest choice by price + weights * latency, and its value less what the promise allows for.
  struct Pass {
    int64_t unit = 0;                       // weights are unit times hits
    std::vector<uint32_t> hits, edge_hits;  // by node: paths through the stage, and through its parent edge
    uint32_t paths = 0;
    Nanocredits bound = 0;
    std::vector<std::vector<int64_t>> inside;    // by node and site: of all below, and itself
    std::vector<std::optional<StreamField>> up;  // by node: of `inside` along its parent edge
    StreamChoice choice;
    Nanocredits price = 0;
    std::vector<uint32_t> slowest;  // nodes on the path that takes longest
    int64_t latency_us = 0;
  };

  const auto& nodes() const { return tree_.nodes_; }
  int64_t latency_us(size_t node, size_t site) const {
    return problem_.stages[nodes()[node].stage].latency_us[site];
  }
  int64_t own(size_t node, size_t site, int64_t weight) const {
    const Nanocredits price = price_[node][site];
    if (price >= kImpossible || weight == 0) return price;
    return capped_add(price, capped_product(weight, latency_us(node, site)));
  }

  Pass scalar(int64_t unit) {
    Pass pass{.unit = unit, .hits = hits_, .edge_hits = edge_hits_, .paths = paths_};
    pass.inside.resize(nodes().size());
    pass.up.resize(nodes().size());
    for (size_t n = 0; n < nodes().size(); ++n) {
      const Node& node = nodes()[n];
      auto& inside = pass.inside[n];
      for (size_t s = 0; s < sites_; ++s) {
        int64_t sum = own(n, s, unit * pass.hits[n]);
        for (const auto* children : {&node.in, &node.out}) {
          for (const uint32_t child : *children) sum = capped_add(sum, pass.up[child]->at_site(s));
        }
        inside.push_back(sum);
      }
      if (node.parent_edge != StreamTree::kNoEdge) {
        pass.up[n].emplace(problem_, node.parent_edge, unit * pass.edge_hits[n], limits_, node.flows_up,
                           inside, steps_);
      }
    }
    const auto& root = pass.inside.back();
    const auto best = std::min_element(root.begin(), root.end());
    if (*best >= kImpossible) {
      pass.bound = kImpossible;
      return pass;
    }
    const auto allowed = static_cast<__int128>(unit) * pass.paths * limit_us_;
    pass.bound = static_cast<int64_t>(std::max<__int128>(0, *best - allowed));
    pass.choice.sites.resize(problem_.stages.size());
    pass.choice.paths.resize(problem_.edges.size());
    pass.choice.sites[nodes().back().stage] = SiteId(static_cast<size_t>(best - root.begin()));
    for (size_t n = nodes().size() - 1; n-- > 0;) {
      const Node& node = nodes()[n];
      const auto& edge = problem_.edges[node.parent_edge];
      auto [start, links] = pass.up[n]->path(pass.choice.sites[node.flows_up ? edge.to : edge.from]);
      pass.choice.sites[node.stage] = start;
      pass.choice.paths[node.parent_edge] = std::move(links);
    }
    measure(pass);
    return pass;
  }

  // Price, and the path that takes longest.
  void measure(Pass& pass) const {
    pass.price = 0;
    std::vector<int64_t> by_edge(nodes().size(), 0);
    for (size_t n = 0; n < nodes().size(); ++n) {
      pass.price += price_[n][pass.choice.sites[nodes()[n].stage].index()];
      if (nodes()[n].parent_edge == StreamTree::kNoEdge) continue;
      const auto& links = *problem_.edges[nodes()[n].parent_edge].links;
      for (const LinkId link : pass.choice.paths[nodes()[n].parent_edge]) {
        pass.price += links.price[link.index()];
        by_edge[n] += links.latency_us[link.index()];
      }
    }
    const size_t count = nodes().size();
    std::vector<int64_t> in(count, -1);  // the longest way into each node
    std::vector<uint32_t> before(count, StreamTree::kNoEdge);
    const auto own_us = [&](size_t n) { return latency_us(n, pass.choice.sites[nodes()[n].stage].index()); };
    const std::function<int64_t(uint32_t)> arrive = [&](uint32_t n) -> int64_t {
      if (in[n] >= 0) return in[n];
      in[n] = 0;
      each_before(n, [&](uint32_t other, uint32_t edge_node) {
        const int64_t us = arrive(other) + own_us(other) + by_edge[edge_node];
        if (before[n] == StreamTree::kNoEdge || us > in[n]) {
          in[n] = us;
          before[n] = other;
        }
      });
      return in[n];
    };
    uint32_t last = 0;
    int64_t longest = -1;
    for (uint32_t n = 0; n < count; ++n) {
      if (ends(n) && arrive(n) + own_us(n) > longest) {
        longest = arrive(n) + own_us(n);
        last = n;
      }
    }
    pass.latency_us = longest;
    for (uint32_t n = last; n != StreamTree::kNoEdge; n = before[n]) pass.slowest.push_back(n);
  }

  // Calls visit(node, node whose parent edge joins them) for each stage that feeds this one.
  template <class Visit>
  void each_before(uint32_t n, Visit&& visit) const {
    for (const uint32_t child : nodes()[n].in) visit(child, child);
    if (nodes()[n].parent_edge != StreamTree::kNoEdge && !nodes()[n].flows_up) visit(parent(n), n);
  }
  uint32_t parent(uint32_t n) const {
    const auto& edge = problem_.edges[nodes()[n].parent_edge];
    return tree_.position_[nodes()[n].flows_up ? edge.to : edge.from];
  }
  bool ends(uint32_t n) const {
    return nodes()[n].out.empty() && (nodes()[n].parent_edge == StreamTree::kNoEdge || !nodes()[n].flows_up);
  }
  bool begins(uint32_t n) const {
    return nodes()[n].in.empty() && (nodes()[n].parent_edge == StreamTree::kNoEdge || nodes()[n].flows_up);
  }

  void note(const Pass& pass) {
    if (pass.bound >= kImpossible) return;
    answer_.bound = std::max(answer_.bound, pass.bound);
    if ((limit_us_ > 0 && pass.latency_us > limit_us_) || pass.price >= answer_.price) return;
    answer_.price = pass.price;
    answer_.choice = pass.choice;
  }

  // Rounds: the path that breaks the promise joins those that are weighed, and the weight of all is found by
  // bisection. Leaves the best weights in best_.
  void relax(const Pass& cheapest) {
    constexpr int kRounds = 6, kHalvings = 9;
    std::vector<uint32_t> slowest = cheapest.slowest;
    int64_t unit = 1024;
    for (int round = 0; round < kRounds && answer_.bound < answer_.price && steps_ > 0; ++round) {
      for (const uint32_t n : slowest) ++hits_[n];
      for (size_t i = 0; i + 1 < slowest.size(); ++i) {
        // The edge between two nodes of a path belongs to the one that is the other's child.
        const uint32_t a = slowest[i], b = slowest[i + 1];
        const bool a_below = nodes()[a].parent_edge != StreamTree::kNoEdge && parent(a) == b;
        ++edge_hits_[a_below ? a : b];
      }
      ++paths_;
      int64_t low = 0, high = 0;
      slowest.clear();
      for (int step = 0; step < kHalvings + 24 && steps_ > 0; ++step) {
        if (high > 0 && (high - low <= std::max<int64_t>(1, high / 256) || step > kHalvings + 20)) break;
        const int64_t tried = high == 0 ? unit : low + (high - low) / 2;
        Pass pass = scalar(tried);
        if (pass.bound >= kImpossible) break;  // the weight is beyond what can be added up
        const bool better = pass.bound > answer_.bound || !best_;
        note(pass);
        // The weighed paths alone say where the best weight lies.
        if (weighed_us(pass) <= static_cast<__int128>(limit_us_) * paths_) {
          high = tried;
        } else {
          low = tried;
          if (high == 0) unit = tried > kImpossible / 64 ? tried : tried * 8;
        }
        if (pass.latency_us > limit_us_) slowest = pass.slowest;
        if (better) best_ = std::move(pass);
        if (high == 0 && unit > int64_t{1} << 40) break;
      }
      if (slowest.empty()) break;
      if (high > 0) unit = std::max<int64_t>(1, high / 2);
      if (nodes().size() == 1 || is_chain()) break;
    }
  }

  bool is_chain() const {
    return std::all_of(nodes().begin(), nodes().end(), [](const Node& node) {
      return node.in.size() + node.out.size() <= 1 && node.out.empty();
    });
  }

  __int128 weighed_us(const Pass& pass) const {
    __int128 sum = 0;
    for (size_t n = 0; n < nodes().size(); ++n) {
      sum += static_cast<__int128>(pass.hits[n]) * latency_us(n, pass.choice.sites[nodes()[n].stage].index());
      if (nodes()[n].parent_edge == StreamTree::kNoEdge) continue;
      const auto& links = *problem_.edges[nodes()[n].parent_edge].links;
      for (const LinkId link : pass.choice.paths[nodes()[n].parent_edge])
        sum += static_cast<__int128>(pass.edge_hits[n]) * links.latency_us[link.index()];
    }
    return sum;
  }

  // ---- labels --------------------------------------------------------------------------------------------

  struct Front {  // of a stage at a site
    Nanocredits price;
    int64_t latency_us;
    int64_t in_us, out_us;  // of the slowest child on either side
  };
  struct Flight {
    Nanocredits price;
    int64_t latency_us;
    uint32_t at;                           // core vertex, or core count + site
    LinkId link;                           // by which it came; none: it is at its start
    uint32_t before;                       // flight, or the front at the start
    uint32_t start;                        // site
    uint32_t plain = StreamTree::kNoEdge;  // the plain way that it took as a whole
  };
  // What the part of the tree outside of a node's subtree costs at least, seen from its parent edge.
  struct Outside {
    std::vector<std::optional<StreamField>> down;  // by node
    std::vector<int64_t> weight;                   // of latency on the parent edge
    std::vector<int64_t> allowance;                // what the promise allows for of paths not inside
  };

  Outside outside(const Pass& pass) {
    Outside out;
    out.down.resize(nodes().size());
    out.weight.assign(nodes().size(), 0);
    out.allowance.assign(nodes().size(), 0);
    std::vector<int64_t> begun(nodes().size(), 0);  // paths that begin in the subtree
    for (uint32_t n = 0; n < nodes().size(); ++n) {
      if (begins(n)) begun[n] += pass.hits[n];
      if (nodes()[n].parent_edge != StreamTree::kNoEdge) begun[parent(n)] += begun[n];
    }
    for (size_t n = nodes().size() - 1; n-- > 0;) {
      const uint32_t above = parent(static_cast<uint32_t>(n));
      const Node& node = nodes()[above];
      std::vector<int64_t> rest;
      for (size_t s = 0; s < sites_; ++s) {
        int64_t sum = own(above, s, pass.unit * pass.hits[above]);
        for (const auto* children : {&node.in, &node.out}) {
          for (const uint32_t child : *children) {
            if (child != n) sum = capped_add(sum, pass.up[child]->at_site(s));
          }
        }
        if (out.down[above]) sum = capped_add(sum, out.down[above]->at_site(s));
        rest.push_back(sum);
      }
      out.weight[n] = pass.unit * pass.edge_hits[n];
      const int64_t inside = begun[n] - (nodes()[n].flows_up ? pass.edge_hits[n] : 0);
      out.allowance[n] = capped_product(pass.unit * (pass.paths - inside), limit_us_);
      out.down[n].emplace(problem_, nodes()[n].parent_edge, out.weight[n], limits_, !nodes()[n].flows_up,
                          rest, steps_);
    }
    return out;
  }

  void label(const Pass& cheapest) {
    std::vector<Outside> bounds;
    bounds.push_back(outside(cheapest));
    if (best_ && best_->unit > 0) bounds.push_back(outside(*best_));
    fronts_.assign(nodes().size(), std::vector<std::vector<Front>>(sites_));
    flights_.assign(nodes().size(), {});
    arrivals_.assign(nodes().size(), {});
    for (size_t n = 0; n < nodes().size(); ++n) {
      if (!combine(n, bounds)) return;
      if (n + 1 < nodes().size() && !fly(n, bounds)) return;
    }
    // Every label that could lead to something better than the best known was looked at.
    const Front* best = nullptr;
    size_t at = 0;
    for (size_t s = 0; s < sites_; ++s) {
      for (const Front& front : fronts_.back()[s]) {
        if (front.price >= answer_.price || (best && front.price >= best->price)) continue;
        best = &front;
        at = s;
      }
    }
    answer_.exact = true;
    if (best) {
      StreamChoice choice;
      choice.sites.resize(problem_.stages.size());
      choice.paths.resize(problem_.edges.size());
      unroll(nodes().size() - 1, at, *best, choice);
      answer_.choice = std::move(choice);
      answer_.price = best->price;
    }
    answer_.bound = answer_.choice ? answer_.price : kImpossible;
  }

  // Fills ahead_: what latency the rest of any path takes at least, seen from each parent edge. False: there
  // is no way to keep the promise.
  bool soon_enough() {
    ahead_.resize(nodes().size());
    std::vector<std::vector<int64_t>> in(nodes().size()),
        out(nodes().size());  // into and out of each stage, by site
    const auto longest = [&](uint32_t n, auto&& each, bool into) {
      std::vector<int64_t> most(sites_, 0);
      each(n, [&](uint32_t other, uint32_t edge_node) {
        std::vector<int64_t> start = into ? in[other] : out[other];
        for (size_t s = 0; s < sites_; ++s)
          start[s] =
              price_[other][s] >= kImpossible ? kImpossible : capped_add(start[s], latency_us(other, s));
        StreamField field(problem_, nodes()[edge_node].parent_edge, StreamField::kLatencyAlone, limits_, into,
                          start, steps_);
        for (size_t s = 0; s < sites_; ++s) most[s] = std::max(most[s], field.at_site(s));
        // A label on the edge meets what lies beyond the parent's end of it.
        if (other != edge_node) ahead_[edge_node].emplace(std::move(field));
      });
      return most;
    };
    const auto before = [this](uint32_t n, auto&& visit) { each_before(n, visit); };
    const auto after = [this](uint32_t n, auto&& visit) { each_after(n, visit); };
    const std::vector<uint32_t> order = flow_order();
    for (const uint32_t n : order) in[n] = longest(n, before, true);
    for (auto n = order.rbegin(); n != order.rend(); ++n) out[*n] = longest(*n, after, false);
    int64_t least_us = kImpossible;
    for (size_t s = 0; s < sites_; ++s) {
      if (price_.back()[s] >= kImpossible) continue;
      least_us = std::min(
          least_us, capped_add(capped_add(in.back()[s], out.back()[s]), latency_us(nodes().size() - 1, s)));
    }
    return least_us <= limit_us_;
  }
  template <class Visit>
  void each_after(uint32_t n, Visit&& visit) const {
    for (const uint32_t child : nodes()[n].out) visit(child, child);
    if (nodes()[n].parent_edge != StreamTree::kNoEdge && nodes()[n].flows_up) visit(parent(n), n);
  }
  // Nodes so that every edge leads forward.
  std::vector<uint32_t> flow_order() const {
    std::vector<uint32_t> order;
    std::vector<uint8_t> seen(nodes().size(), 0);
    const std::function<void(uint32_t)> visit = [&](uint32_t n) {
      if (seen[n]) return;
      seen[n] = 1;
      each_before(n, [&](uint32_t other, uint32_t) { visit(other); });
      order.push_back(n);
    };
    for (uint32_t n = 0; n < nodes().size(); ++n) visit(n);
    return order;
  }

  // Can a label with the rest that is still to come be better than the best known?
  bool worth(size_t n, const std::vector<Outside>& bounds, uint32_t at, Nanocredits price,
             int64_t latency_us) const {
    const int64_t ahead_us =
        at < core_count() ? ahead_[n]->at_core(at) : ahead_[n]->at_site(at - core_count());
    if (latency_us + ahead_us > limit_us_) return false;
    for (const Outside& bound : bounds) {
      const StreamField& field = *bound.down[n];
      const int64_t rest = at < core_count() ? field.at_core(at) : field.at_site(at - core_count());
      if (rest >= kImpossible) {
        if (&bound == &bounds.front()) return false;  // there is no way on
        continue;                                     // weighed latency is beyond what can be added up
      }
      const __int128 least = static_cast<__int128>(price) + rest +
                             static_cast<__int128>(bound.weight[n]) * latency_us - bound.allowance[n];
      if (least >= answer_.price) return false;
    }
    return true;
  }
  uint32_t core_count() const { return static_cast<uint32_t>(problem_.network->core_count()); }

  // The cheapest arrival of each child within the time; kImpossible: one has none.
  Nanocredits together(const std::vector<uint32_t>& children, size_t site, int64_t within_us) const {
    Nanocredits sum = 0;
    for (const uint32_t child : children) {
      const uint32_t found = arrival(child, site, within_us);
      if (found == StreamTree::kNoEdge) return kImpossible;
      sum = capped_add(sum, flights_[child][found].price);
    }
    return sum;
  }
  uint32_t arrival(uint32_t child, size_t site, int64_t within_us) const {
    const auto& all = arrivals_[child][site];  // by rising price and falling latency
    const auto found = std::partition_point(all.begin(), all.end(), [&](uint32_t flight) {
      return flights_[child][flight].latency_us > within_us;
    });
    return found == all.end() ? StreamTree::kNoEdge : *found;
  }

  bool combine(size_t n, const std::vector<Outside>& bounds) {
    const Node& node = nodes()[n];
    const bool up = node.parent_edge == StreamTree::kNoEdge || node.flows_up;
    const auto& near = up ? node.in : node.out;
    const auto& far = up ? node.out : node.in;
    for (size_t s = 0; s < sites_; ++s) {
      const Nanocredits price = price_[n][s];
      if (price >= kImpossible) continue;
      const int64_t own_us = latency_us(n, s);
      std::vector<int64_t> times{0};
      for (const uint32_t child : near) {
        for (const uint32_t flight : arrivals_[child][s]) times.push_back(flights_[child][flight].latency_us);
      }
      std::sort(times.begin(), times.end());
      times.erase(std::unique(times.begin(), times.end()), times.end());
      std::vector<Front>& fronts = fronts_[n][s];
      // By rising latency; what is kept becomes cheaper.
      for (const int64_t time_us : times) {
        if (steps_ == 0) return false;
        --steps_;
        const int64_t left_us = limit_us_ - time_us - own_us;
        if (left_us < 0) break;
        const Nanocredits first = together(near, s, time_us);
        const Nanocredits second = first < kImpossible ? together(far, s, left_us) : kImpossible;
        const Nanocredits sum = capped_add(price, capped_add(first, second));
        if (sum >= kImpossible || sum >= answer_.price || (!fronts.empty() && sum >= fronts.back().price))
          continue;
        const int64_t so_far_us = time_us + own_us;
        if (n + 1 < nodes().size() &&
            !worth(n, bounds, core_count() + static_cast<uint32_t>(s), sum, so_far_us)) {
          continue;
        }
        fronts.push_back({sum, so_far_us, up ? time_us : left_us, up ? left_us : time_us});
      }
    }
    return true;
  }

  bool fly(size_t n, const std::vector<Outside>& bounds) {
    const Node& node = nodes()[n];
    const Network& network = *problem_.network;
    const Hops hops(problem_, node.parent_edge, limits_);
    auto& flights = flights_[n];
    auto& arrivals = arrivals_[n];
    arrivals.resize(sites_);
    const uint32_t cores = core_count();
    const auto& wanted = price_[parent(static_cast<uint32_t>(n))];
    std::vector<int64_t> least_us(cores + sites_, INT64_MAX);
    using Item = std::tuple<Nanocredits, int64_t, uint32_t>;
    std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
    const auto push = [&](const Flight& flight) {
      if (flight.at >= cores && wanted[flight.at - cores] >= kImpossible) return;
      if (flight.latency_us >= least_us[flight.at]) return;
      // The field tells what is left from routers; where the flight arrived, combine() looks.
      if (flight.at < cores && network.transit(flight.at) &&
          !worth(n, bounds, flight.at, flight.price, flight.latency_us))
        return;
      queue.push({flight.price, flight.latency_us, static_cast<uint32_t>(flights.size())});
      flights.push_back(flight);
    };
    const auto further = [&](const Flight& from, uint32_t before, uint32_t at, LinkId link) {
      if (!hops.open(link)) return;
      push({from.price + hops.price(link), from.latency_us + hops.latency_us(link), at, link, before,
            from.start});
    };
    const auto along = [&](LinkId link) { return node.flows_up ? link : opposite(link); };
    for (uint32_t s = 0; s < sites_; ++s) {
      const auto& fronts = fronts_[n][s];
      for (uint32_t f = 0; f < fronts.size(); ++f) {
        // The start itself, which holds the front that it came from.
        const Flight start{fronts[f].price, fronts[f].latency_us, cores + s, LinkId(), f, s};
        const auto row = static_cast<uint32_t>(flights.size());
        flights.push_back(start);
        if (wanted[s] < kImpossible) queue.push({start.price, start.latency_us, row});
        each_way_out(problem_, s,
                     [&](uint32_t core, LinkId link) { further(start, row, core, along(link)); });
        for (const uint32_t w : (node.flows_up ? problem_.plain_from : problem_.plain_to)[s]) {
          const auto& way = problem_.plain[w];
          const Nanocredits price = hops.cost(way, 0);
          if (price >= kImpossible) continue;
          push({start.price + price, start.latency_us + hops.cost(way, StreamField::kLatencyAlone),
                cores + (node.flows_up ? way.to : way.from).value, LinkId(), row, s, w});
        }
      }
    }
    while (!queue.empty()) {
      const uint32_t row = std::get<2>(queue.top());
      queue.pop();
      const Flight flight = flights[row];
      if (flight.latency_us >= least_us[flight.at]) continue;
      if (steps_ == 0) return false;
      --steps_;
      least_us[flight.at] = flight.latency_us;
      if (flight.at >= cores) {
        arrivals[flight.at - cores].push_back(row);
        continue;
      }
      each_site_met(problem_, flight.at, [&](SiteId site, LinkId link) {
        const uint32_t at = cores + site.value;
        if (link.valid()) {
          further(flight, row, at, along(opposite(link)));
        } else if (site.value != flight.start) {
          Flight there = flight;
          there.at = at;
          push(there);
        }
      });
      if (!network.transit(flight.at)) continue;
      for (const Network::Edge& next : network.edges(flight.at))
        further(flight, row, next.to, along(next.link));
    }
    return true;
  }

  void unroll(size_t n, size_t site, const Front& front, StreamChoice& choice) const {
    const Node& node = nodes()[n];
    choice.sites[node.stage] = SiteId(site);
    for (const auto& [children, within_us] :
         {std::pair{&node.in, front.in_us}, std::pair{&node.out, front.out_us}}) {
      for (const uint32_t child : *children) {
        uint32_t row = arrival(child, site, within_us);
        std::vector<LinkId> links;
        if (const uint32_t w = flights_[child][row].plain; w != StreamTree::kNoEdge) {
          links = problem_.plain[w].links;
          if (nodes()[child].flows_up) std::reverse(links.begin(), links.end());
          row = flights_[child][row].before;
        }
        for (; flights_[child][row].link.valid(); row = flights_[child][row].before)
          links.push_back(flights_[child][row].link);
        if (nodes()[child].flows_up) std::reverse(links.begin(), links.end());
        choice.paths[nodes()[child].parent_edge] = std::move(links);
        const Flight& start = flights_[child][row];
        unroll(child, start.start, fronts_[child][start.start][start.before], choice);
      }
    }
  }

  const StreamTree& tree_;
  const StreamProblem& problem_;
  const StreamLimits& limits_;
  uint64_t& steps_;
  const int64_t limit_us_;
  size_t sites_ = 0;
  std::vector<std::vector<Nanocredits>> price_;  // by node and site, within the limits
  std::vector<uint32_t> hits_, edge_hits_;       // by node
  uint32_t paths_ = 0;
  std::optional<Pass> best_;
  std::vector<std::optional<StreamField>> ahead_;  // by node
  TreeAnswer answer_;
  std::vector<std::vector<std::vector<Front>>> fronts_;       // by node and site
  std::vector<std::vector<Flight>> flights_;                  // by node
  std::vector<std::vector<std::vector<uint32_t>>> arrivals_;  // by node and site of the parent
};

TreeAnswer StreamTree::solve(const StreamLimits& limits, uint64_t& steps) const {
  return TreeSolve(*this, limits, steps).run();
}

}  // namespace weir
