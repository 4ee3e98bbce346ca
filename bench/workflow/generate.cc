#include "bench/workflow/generate.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace weir::bench {
namespace {

constexpr int64_t kMbps = 1'000'000;
constexpr int64_t kOne = 1'000;

int64_t root(int64_t square) {
  int64_t r = 0;
  while ((r + 1) * (r + 1) <= square) ++r;
  return r;
}

}  // namespace

uint64_t Dice::next() {  // splitmix64
  uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

TaskGraph random_graph(Dice& dice, int tasks, int alpha_percent, int out_degree) {
  TaskGraph graph;
  const int64_t root_milli = root(int64_t{tasks} * 1'000'000);
  // Uniform with the given mean, from one level, or task, up.
  const int64_t height_mean = std::max<int64_t>(1, root_milli * 100 / alpha_percent / 1'000);
  const int64_t width_mean = std::max<int64_t>(1, root_milli * alpha_percent / 100 / 1'000);
  const int64_t height = std::max<int64_t>(2, dice.roll(1, 2 * height_mean - 1));
  std::vector<std::vector<uint32_t>> levels;
  uint32_t made = 0;
  while (made < static_cast<uint32_t>(tasks)) {
    const auto last = static_cast<int64_t>(levels.size()) + 1 >= height;
    int64_t width = last ? tasks : dice.roll(1, 2 * width_mean - 1);
    width = std::min<int64_t>(width, tasks - made);
    auto& level = levels.emplace_back();
    for (int64_t i = 0; i < width; ++i) level.push_back(made++);
  }
  for (int t = 0; t < tasks; ++t) graph.cost.push_back(dice.roll(0, 2 * kOne));
  for (size_t l = 0; l + 1 < levels.size(); ++l) {
    std::vector<uint32_t> below;
    for (size_t m = l + 1; m < levels.size(); ++m)
      below.insert(below.end(), levels[m].begin(), levels[m].end());
    std::vector<uint8_t> reached(static_cast<size_t>(tasks), 0);
    for (const uint32_t from : levels[l]) {
      std::vector<uint32_t> to;
      for (int64_t n = dice.roll(1, out_degree); n > 0 && to.size() < below.size(); --n) {
        const uint32_t other =
            below[static_cast<size_t>(dice.roll(0, static_cast<int64_t>(below.size()) - 1))];
        if (std::find(to.begin(), to.end(), other) == to.end()) to.push_back(other);
      }
      for (const uint32_t other : to) {
        graph.arcs.push_back({from, other, dice.roll(0, 2 * kOne)});
        reached[other] = 1;
      }
    }
    // No level but the first has entries of its own.
    for (const uint32_t to : levels[l + 1]) {
      const bool known =
          std::any_of(graph.arcs.begin(), graph.arcs.end(), [&](const auto& arc) { return arc.to == to; });
      if (!known) {
        const auto from =
            levels[l][static_cast<size_t>(dice.roll(0, static_cast<int64_t>(levels[l].size()) - 1))];
        graph.arcs.push_back({from, to, dice.roll(0, 2 * kOne)});
      }
    }
  }
  return graph;
}

TaskGraph gaussian_elimination(int m) {
  TaskGraph graph;
  std::vector<std::vector<uint32_t>> update;  // by step: tasks of the columns behind the pivot
  for (int k = 0; k + 1 < m; ++k) {
    const auto pivot = static_cast<uint32_t>(graph.cost.size());
    graph.cost.push_back(2 * kOne * (m - k) / m);
    if (k > 0) graph.arcs.push_back({update.back()[0], pivot, kOne * (m - k) / m});
    auto& row = update.emplace_back();
    for (int j = k + 1; j < m; ++j) {
      const auto task = static_cast<uint32_t>(graph.cost.size());
      graph.cost.push_back(2 * kOne * (m - k) / m);
      graph.arcs.push_back({pivot, task, kOne * (m - k) / m});
      if (k > 0)
        graph.arcs.push_back(
            {update[update.size() - 2][static_cast<size_t>(j - k)], task, kOne * (m - k) / m});
      row.push_back(task);
    }
  }
  return graph;
}

TaskGraph fourier_transform(int m) {
  TaskGraph graph;
  const auto calls = static_cast<uint32_t>(2 * m - 1);
  for (uint32_t c = 0; c < calls; ++c) {
    graph.cost.push_back(kOne);
    if (c > 0) graph.arcs.push_back({(c - 1) / 2, c, kOne});
  }
  std::vector<uint32_t> before;
  for (auto c = static_cast<uint32_t>(m - 1); c < calls; ++c) before.push_back(c);
  for (size_t stride = 1; stride < static_cast<size_t>(m); stride *= 2) {
    std::vector<uint32_t> now;
    for (size_t i = 0; i < static_cast<size_t>(m); ++i) {
      const auto task = static_cast<uint32_t>(graph.cost.size());
      graph.cost.push_back(kOne);
      graph.arcs.push_back({before[i], task, kOne});
      graph.arcs.push_back({before[i ^ stride], task, kOne});
      now.push_back(task);
    }
    before = std::move(now);
  }
  return graph;
}

TaskGraph montage_like(Dice& dice, int images) {
  TaskGraph graph;
  const auto add = [&](int64_t cost) {
    graph.cost.push_back(cost * dice.roll(80, 120) / 100);
    return static_cast<uint32_t>(graph.cost.size() - 1);
  };
  std::vector<uint32_t> projected, differences, corrected;
  for (int i = 0; i < images; ++i) projected.push_back(add(kOne));
  for (int i = 0; i < images; ++i) {
    for (const int step : {1, 3}) {
      if (i + step >= images) continue;
      const uint32_t task = add(kOne / 2);
      graph.arcs.push_back({projected[static_cast<size_t>(i)], task, kOne});
      graph.arcs.push_back({projected[static_cast<size_t>(i + step)], task, kOne});
      differences.push_back(task);
    }
  }
  const uint32_t fit = add(kOne);
  for (const uint32_t task : differences) graph.arcs.push_back({task, fit, kOne / 10});
  const uint32_t model = add(2 * kOne);
  graph.arcs.push_back({fit, model, kOne / 10});
  for (const uint32_t image : projected) {
    const uint32_t task = add(kOne / 2);
    graph.arcs.push_back({model, task, kOne / 10});
    graph.arcs.push_back({image, task, kOne});
    corrected.push_back(task);
  }
  const uint32_t table = add(kOne / 2), sum = add(3 * kOne), shrink = add(kOne);
  for (const uint32_t task : corrected) {
    graph.arcs.push_back({task, table, kOne / 10});
    graph.arcs.push_back({task, sum, kOne});
  }
  graph.arcs.push_back({table, sum, kOne / 10});
  graph.arcs.push_back({sum, shrink, 2 * kOne});
  return graph;
}

TaskGraph epigenomics_like(Dice& dice, int lanes, int width) {
  TaskGraph graph;
  const auto add = [&](int64_t cost) {
    graph.cost.push_back(cost * dice.roll(50, 150) / 100);
    return static_cast<uint32_t>(graph.cost.size() - 1);
  };
  std::vector<uint32_t> merged;
  for (int lane = 0; lane < lanes; ++lane) {
    const uint32_t split = add(kOne / 2);
    const uint32_t merge = add(kOne / 2);
    for (int w = 0; w < width; ++w) {
      uint32_t before = split;
      for (const int64_t cost : {kOne / 4, kOne / 2, kOne / 2, 4 * kOne}) {
        const uint32_t task = add(cost);
        graph.arcs.push_back({before, task, kOne});
        before = task;
      }
      graph.arcs.push_back({before, merge, kOne});
    }
    merged.push_back(merge);
  }
  const uint32_t all = add(kOne), index = add(kOne / 2), pile = add(2 * kOne);
  for (const uint32_t task : merged) graph.arcs.push_back({task, all, kOne});
  graph.arcs.push_back({all, index, kOne});
  graph.arcs.push_back({index, pile, kOne});
  return graph;
}

BatchProblem problem_of(Dice& dice, const TaskGraph& graph, int machines, int ccr_percent, int beta_percent) {
  constexpr int64_t kScale = 10;  // microseconds for a thousandth
  std::vector<BatchProblem::Machine> rows;
  for (uint32_t m = 0; m < static_cast<uint32_t>(machines); ++m)
    rows.push_back({m, {1000, 0, 0}, SiteId(), NodeId()});
  // Both as their generators mean them on average, so that CCR is what it says.
  int64_t cost_sum = 0, bytes_sum = 0;
  for (const int64_t cost : graph.cost) cost_sum += cost;
  for (const auto& arc : graph.arcs) bytes_sum += arc.bytes;
  std::vector<BatchProblem::Arc> arcs = graph.arcs;
  const auto tasks = static_cast<int64_t>(graph.cost.size());
  for (auto& arc : arcs) {
    const __int128 mean_ratio = static_cast<__int128>(cost_sum) * static_cast<int64_t>(arcs.size());
    arc.bytes = static_cast<int64_t>(arc.bytes * kScale * mean_ratio * ccr_percent / 100 /
                                     std::max<__int128>(1, static_cast<__int128>(tasks) * bytes_sum));
  }
  BatchProblem problem(std::vector<Resources>(graph.cost.size(), Resources{1000, 0, 0}), rows, arcs,
                       rows.size());
  for (size_t t = 0; t < graph.cost.size(); ++t) {
    for (size_t m = 0; m < rows.size(); ++m) {
      const int64_t half = graph.cost[t] * kScale * beta_percent / 200;
      problem.set_run(t, m, std::max<int64_t>(1, graph.cost[t] * kScale + dice.roll(-half, half)));
    }
  }
  for (size_t p = 0; p < rows.size(); ++p) {
    for (size_t q = 0; q < rows.size(); ++q) {
      if (p != q) problem.set_channels(p, q, {{0, 8 * kMbps, 0, {}}});
    }
  }
  problem.finish();
  return problem;
}

StreamRegion stream_region(Dice& dice, int sites, int routers) {
  StreamRegion region;
  uint64_t version = 0;
  const auto add = [&](EventBody body) {
    region.graph.apply({static_cast<TimeUs>(++version), "bench", std::move(body)});
  };
  add(DomainCreated{.name = "region", .scarcity_core_hour = kCredit, .scarcity_gbps_hour = 20 * kCredit});
  add(TenantDefined{TenantId(0u), "t"});
  constexpr int64_t kSideKm = 1'500;
  struct Point {
    int64_t x, y;
  };
  const auto point = [&] { return Point{dice.roll(0, kSideKm), dice.roll(0, kSideKm)}; };
  const auto km = [](Point a, Point b) {
    return root((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y));
  };
  std::vector<Point> at;
  uint32_t node = 0;
  for (uint32_t s = 0; s < static_cast<uint32_t>(sites); ++s) {
    at.push_back(point());
    SiteSpec spec{.name = "s" + std::to_string(s), .sid = "fd77:5::"};
    const bool large = 3 * at.back().x < kSideKm;
    spec.asks.per_core_hour = (20'000'000 + 80'000'000 * at.back().x / kSideKm) * dice.roll(80, 120) / 100;
    add(SiteDefined{SiteId(s), VertexId(s), spec});
    std::vector<NodeSpec> nodes;
    for (int64_t n = large ? 8 : dice.roll(1, 3); n > 0; --n)
      nodes.push_back({"n", 8'000, 65'536, 0, "", static_cast<int32_t>(dice.roll(8, 15) * 100)});
    const auto count = static_cast<uint32_t>(nodes.size());
    add(NodesReported{SiteId(s), NodeId(node), std::move(nodes)});
    node += count;
    add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
  }
  for (uint32_t r = 0; r < static_cast<uint32_t>(routers); ++r) {
    at.push_back(point());
    add(RouterDefined{VertexId(static_cast<uint32_t>(sites) + r), "r" + std::to_string(r)});
  }
  uint32_t links = 0;
  const auto link = [&](uint32_t a, uint32_t b, int64_t bps) {
    add(LinkDefined{LinkId(2 * links), LinkSpec{.name = "l" + std::to_string(links),
                                                .a = VertexId(a),
                                                .b = VertexId(b),
                                                .bandwidth_bps = bps,
                                                .latency_us = km(at[a], at[b]) * 13 / 2 + 50,
                                                .per_gbps_hour = dice.roll(2, 20) * kCredit / 10,
                                                .sid_a = "fd77:a::",
                                                .sid_b = "fd77:b::"}});
    ++links;
  };
  // To the `most` nearest of the routers before it, the first of which join all.
  const auto nearest = [&](uint32_t from, uint32_t routers_end, size_t most) {
    std::vector<std::pair<int64_t, uint32_t>> order;
    for (auto r = static_cast<uint32_t>(sites); r < routers_end; ++r) {
      if (r != from) order.emplace_back(km(at[from], at[r]), r);
    }
    std::sort(order.begin(), order.end());
    order.resize(std::min(most, order.size()));
    return order;
  };
  const auto end = static_cast<uint32_t>(sites + routers);
  for (auto r = static_cast<uint32_t>(sites) + 1; r < end; ++r) {
    for (const auto& [distance, other] : nearest(r, r, 3)) link(r, other, dice.roll(1, 4) * 10'000 * kMbps);
  }
  for (uint32_t s = 0; s < static_cast<uint32_t>(sites); ++s) {
    for (const auto& [distance, router] : nearest(s, end, 2)) link(s, router, 1'000 * kMbps);
  }
  return region;
}

Workflow random_stream(Dice& dice, const Graph& graph, StreamShape shape, int stages) {
  Workflow workflow{.name = "stream", .kind = WorkflowKind::kStream};
  const auto anywhere = [&] {
    return SiteId(static_cast<size_t>(dice.roll(0, static_cast<int64_t>(graph.site_count()) - 1)));
  };
  for (int k = 0; k < stages; ++k) {
    Stage stage{.name = "k" + std::to_string(k),
                .work_us = dice.roll(2, 20) * 1'000,
                .items_per_second_milli = 10'000};
    stage.workload.cpu_milli = static_cast<int32_t>(dice.roll(1, 6) * 500);
    stage.workload.memory_mib = 512;
    workflow.stages.push_back(std::move(stage));
  }
  const auto join = [&](uint32_t from, uint32_t to) {
    const int64_t thinner = 1 + from * 10 / static_cast<uint32_t>(stages);
    workflow.edges.push_back(
        {.from = from, .to = to, .bps = dice.roll(20, 60) * kMbps / thinner, .item_bits = 100'000});
  };
  for (uint32_t k = 0; k + 1 < static_cast<uint32_t>(stages); ++k) {
    // In a tree several stages feed one of the next few.
    const auto most = std::min<int64_t>(stages - 1, k + (shape == StreamShape::kChain ? 1 : 4));
    join(k, static_cast<uint32_t>(dice.roll(k + 1, most)));
  }
  if (shape == StreamShape::kDag) {
    for (int extra = 0; extra < stages / 4; ++extra) {
      const auto from = static_cast<uint32_t>(dice.roll(0, stages - 2));
      const auto to = static_cast<uint32_t>(dice.roll(from + 1, stages - 1));
      const bool known = std::any_of(workflow.edges.begin(), workflow.edges.end(),
                                     [&](const WorkflowEdge& e) { return e.from == from && e.to == to; });
      if (!known) join(from, to);
    }
  }
  // What nothing feeds is a camera, the last stage an archive: neither takes anything.
  for (uint32_t k = 0; k < static_cast<uint32_t>(stages); ++k) {
    const bool fed = std::any_of(workflow.edges.begin(), workflow.edges.end(),
                                 [&](const WorkflowEdge& e) { return e.to == k; });
    if (fed && k + 1 < static_cast<uint32_t>(stages)) continue;
    workflow.stages[k] = {.name = workflow.stages[k].name, .at = {anywhere()}};
  }
  return workflow;
}

}  // namespace weir::bench
