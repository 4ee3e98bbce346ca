#include "orchestration/workflow/batch_problem.h"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <tuple>

#include "core/price/price.h"
#include "orchestration/path/path_search.h"
#include "orchestration/placement/site_offer.h"

namespace weir {
namespace {

constexpr size_t kTableMax = size_t{1} << 22;  // entries of arcs by places by places
constexpr int64_t kHourUs = 3'600'000'000;

int64_t channel_us(const BatchProblem::Channel& channel, int64_t bytes) {
  if (bytes > 0 && channel.bps <= 0) return kNeverUs;
  const int64_t sending = bytes == 0 ? 0 : charge(bytes, 8'000'000, channel.bps);
  return std::min(kNeverUs, saturating_add(channel.latency_us, sending));
}

}  // namespace

BatchProblem::BatchProblem(std::vector<Resources> need, std::vector<Machine> machines, std::vector<Arc> arcs,
                           size_t places)
    : need_(std::move(need)), machines_(std::move(machines)), arcs_(std::move(arcs)), places_(places) {
  const size_t tasks = need_.size();
  const auto index = [&](auto end_of, std::vector<uint32_t>& begin, std::vector<uint32_t>& items) {
    begin.assign(tasks + 1, 0);
    for (const Arc& arc : arcs_) ++begin[end_of(arc) + 1];
    for (size_t t = 0; t < tasks; ++t) begin[t + 1] += begin[t];
    items.resize(arcs_.size());
    std::vector<uint32_t> next(begin.begin(), begin.end() - 1);
    for (uint32_t a = 0; a < arcs_.size(); ++a) items[next[end_of(arcs_[a])]++] = a;
  };
  index([](const Arc& arc) { return arc.to; }, in_begin_, in_);
  index([](const Arc& arc) { return arc.from; }, out_begin_, out_);
  std::vector<size_t> waits(tasks);
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ready;
  for (uint32_t t = 0; t < tasks; ++t) {
    waits[t] = arcs_in(t).size();
    if (waits[t] == 0) ready.push(t);
  }
  while (!ready.empty()) {
    const uint32_t at = ready.top();
    ready.pop();
    order_.push_back(at);
    for (const uint32_t arc : arcs_out(at)) {
      if (--waits[arcs_[arc].to] == 0) ready.push(arcs_[arc].to);
    }
  }
  run_us_.assign(tasks * machines_.size(), kNeverUs);
  run_price_.assign(tasks * machines_.size(), 0);
  ready_us_.assign(tasks * places_, 0);
  ready_price_.assign(tasks * places_, 0);
  channels_.resize(places_ * places_);
  for (const Machine& machine : machines_) {
    capacity_all.cpu_milli += machine.capacity.cpu_milli;
    capacity_all.memory_mib += machine.capacity.memory_mib;
    capacity_all.accelerators += machine.capacity.accelerators;
  }
}

void BatchProblem::set_run(size_t task, size_t machine, int64_t us, Nanocredits price) {
  run_us_[task * machines_.size() + machine] = us;
  run_price_[task * machines_.size() + machine] = price;
}

void BatchProblem::set_ready(size_t task, size_t place, int64_t us, Nanocredits price) {
  ready_us_[task * places_ + place] = us;
  ready_price_[task * places_ + place] = price;
}

void BatchProblem::set_channels(size_t from, size_t to, std::vector<Channel> channels) {
  channels_[from * places_ + to] = std::move(channels);
}

const BatchProblem::Channel* BatchProblem::channel(size_t from, size_t to, int64_t bytes) const {
  if (from == to) return nullptr;
  const Channel* best = nullptr;
  const auto key = [bytes](const Channel& c) { return std::tuple(channel_us(c, bytes), c.per_gbps_hour); };
  for (const Channel& channel : channels_[from * places_ + to]) {
    if (!best || key(channel) < key(*best)) best = &channel;
  }
  return best;
}

int64_t BatchProblem::transfer_us(int64_t bytes, size_t from, size_t to) const {
  if (from == to) return 0;
  int64_t least = kNeverUs;
  for (const Channel& channel : channels_[from * places_ + to])
    least = std::min(least, channel_us(channel, bytes));
  return least;
}

Nanocredits BatchProblem::transfer_price(int64_t bytes, size_t from, size_t to) const {
  const Channel* way = channel(from, to, bytes);
  // A Gbit/s for an hour carries 4.5e11 bytes.
  return way ? charge(bytes, way->per_gbps_hour, kGbpsUnit / 8 * 3600) : 0;
}

std::optional<size_t> BatchProblem::nearest_copy(const WorkflowInput& input, size_t place) const {
  std::optional<size_t> nearest;
  std::tuple<int64_t, Nanocredits> least{kNeverUs, 0};
  for (size_t p = 0; p < place_sites.size(); ++p) {
    if (std::find(input.at.begin(), input.at.end(), place_sites[p]) == input.at.end()) continue;
    const std::tuple now(transfer_us(input.bytes, p, place), transfer_price(input.bytes, p, place));
    if (now >= least) continue;
    least = now;
    nearest = p;
  }
  return nearest;
}

void BatchProblem::finish() {
  arc_us_.clear();
  if (arcs_.size() * places_ * places_ > kTableMax) return;
  std::vector<int64_t> table;
  table.reserve(arcs_.size() * places_ * places_);
  for (const Arc& arc : arcs_) {
    for (size_t from = 0; from < places_; ++from) {
      for (size_t to = 0; to < places_; ++to) table.push_back(transfer_us(arc.bytes, from, to));
    }
  }
  arc_us_ = std::move(table);
}

namespace {

using Channel = BatchProblem::Channel;

// Every way from one site to the others that none beats in latency and in bandwidth: labels by rising
// latency, each kept where it is wider than all before it.
class Ways {
 public:
  Ways(const Graph& graph, const Network& network, const Prefer& prefer)
      : graph_(graph), network_(network), prefer_(prefer), widest_(network.core_count()) {}

  std::map<SiteId, std::vector<Channel>> from(SiteId site, const std::vector<SiteId>& to) {
    labels_.clear();
    queue_ = {};
    std::fill(widest_.begin(), widest_.end(), 0);
    const VertexId start = graph_.site(site).vertex;
    for (const Network::Access& access : network_.accesses(start)) {
      Label label{.at = access.core, .bps = kUnlimited};
      if (!access.link.valid() || extend(label, access.link)) push(label);
    }
    std::vector<std::vector<uint32_t>> reached(network_.core_count());
    while (!queue_.empty()) {
      const uint32_t row = std::get<2>(queue_.top());
      queue_.pop();
      const Label label = labels_[row];
      if (label.bps <= widest_[label.at]) continue;
      widest_[label.at] = label.bps;
      reached[label.at].push_back(row);
      if (!network_.transit(label.at) && label.link.valid()) continue;
      for (const Network::Edge& edge : network_.edges(label.at)) {
        Label next = label;
        next.at = edge.to;
        next.before = row;
        if (extend(next, edge.link)) push(next);
      }
    }
    std::map<SiteId, std::vector<Channel>> ways;
    for (const SiteId target : to) {
      if (target != site) ways[target] = arrive(target, reached);
    }
    return ways;
  }

 private:
  static constexpr int64_t kUnlimited = INT64_MAX / 16;
  static constexpr uint32_t kStart = UINT32_MAX;
  struct Label {
    uint32_t at;
    int64_t latency_us = 0, bps = 0;
    Nanocredits per_gbps_hour = 0;
    LinkId link;
    uint32_t before = kStart;
  };

  bool extend(Label& label, LinkId link) const {
    if (!graph_.usable(link) || !graph_.link(link).steerable) return false;
    const LinkLoad& load = graph_.load(link);
    label.latency_us += int64_t{load.latency_us} + load.jitter_us;
    label.bps = std::min(label.bps, graph_.room_bps(link));
    label.per_gbps_hour += charge(graph_.link_price(link), prefer_.cost_milli, 1000);
    label.link = link;
    return label.bps > 0;
  }
  void push(const Label& label) {
    queue_.push({label.latency_us, -label.bps, static_cast<uint32_t>(labels_.size())});
    labels_.push_back(label);
  }
  std::vector<Channel> arrive(SiteId target, const std::vector<std::vector<uint32_t>>& reached) const {
    std::vector<std::pair<Label, uint32_t>> ends;  // and the label before the last link
    for (const Network::Access& access : network_.accesses(graph_.site(target).vertex)) {
      for (const uint32_t row : reached[access.core]) {
        Label end = labels_[row];
        if (!access.link.valid() || extend(end, opposite(access.link))) {
          if (access.link.valid()) end.before = row;
          ends.emplace_back(end, row);
        }
      }
    }
    std::stable_sort(ends.begin(), ends.end(), [](const auto& a, const auto& b) {
      return std::tuple(a.first.latency_us, -a.first.bps, a.first.per_gbps_hour) <
             std::tuple(b.first.latency_us, -b.first.bps, b.first.per_gbps_hour);
    });
    std::vector<Channel> channels;
    for (const auto& [end, row] : ends) {
      if (!channels.empty() && end.bps <= channels.back().bps) continue;
      Channel channel{end.latency_us, end.bps, end.per_gbps_hour, {}};
      for (const Label* label = &end;; label = &labels_[label->before]) {
        if (label->link.valid()) channel.path.push_back(label->link);
        if (label->before == kStart) break;
      }
      std::reverse(channel.path.begin(), channel.path.end());
      channels.push_back(std::move(channel));
    }
    return channels;
  }

  const Graph& graph_;
  const Network& network_;
  const Prefer prefer_;
  std::vector<int64_t> widest_;
  std::vector<Label> labels_;
  std::priority_queue<std::tuple<int64_t, int64_t, uint32_t>,
                      std::vector<std::tuple<int64_t, int64_t, uint32_t>>, std::greater<>>
      queue_;
};

bool takes_nothing(const Workload& need) {
  return need.cpu_milli == 0 && need.memory_mib == 0 && need.accelerators == 0;
}

Resources resources(const Workload& need) { return {need.cpu_milli, need.memory_mib, need.accelerators}; }

class Builder {
 public:
  Builder(const Graph& graph, const Workflow& workflow) : graph_(graph), workflow_(workflow) {}

  Result<BatchProblem> build(const BatchProblemLimits& limits) {
    const auto mask = graph_.residency_mask(workflow_.where.residency);
    if (!mask)
      return fail(ErrorCode::kInfeasible, "no site carries its labels of residency", "spec.where.residency");
    residency_ = *mask;
    if (!look_at_sites()) {
      // Its stages are jobs, which wait for room: then as if nothing else ran.
      empty_ = true;
      candidates_.clear();
      capacity_ = {};
      if (auto ok = look_at_sites(); !ok) return tl::unexpected(ok.error());
    }
    choose_machines(limits.machines);
    std::vector<Resources> need;
    for (const Stage& stage : workflow_.stages) need.push_back(resources(stage.workload));
    std::vector<BatchProblem::Arc> arcs;
    for (const WorkflowEdge& edge : workflow_.edges) arcs.push_back({edge.from, edge.to, edge.bytes});
    BatchProblem problem(std::move(need), machines_, std::move(arcs), places_.size());
    if (left_out_) {
      problem.least_run_us = least_us_;
      problem.least_run_price = least_price_;
    }
    problem.capacity_all = capacity_;
    problem.place_sites = places_;
    price_runs(problem);
    connect(problem);
    if (auto ok = bring_inputs(problem); !ok) return tl::unexpected(ok.error());
    problem.finish();
    return problem;
  }

 private:
  bool allowed(const Stage& stage, SiteId site) const {
    if (graph_.site(site).state != Liveness::kUp) return false;
    if (!stage.at.empty()) return std::find(stage.at.begin(), stage.at.end(), site) != stage.at.end();
    return place_obstacle(graph_, workflow_.where, {}, site).code == ReasonCode::kNone && (graph_.site(site).residency & residency_) == residency_;
  }
  int64_t run_us(const Stage& stage, NodeId node) const {
    return charge(stage.work_us, 1000, std::max(1, graph_.node(node).speed_milli));
  }
  Nanocredits run_price(const Stage& stage, SiteId site, int64_t us) const {
    return charge(site_price(graph_, site, stage.workload, workflow_.prefer).decision, us, kHourUs);
  }
  Resources room(NodeId node) const {
    if (const NodeRow& row = graph_.node(node); empty_) return {row.cpu_milli, row.memory_mib, row.accelerators};
    const NodeFree& free = graph_.free(node);
    return {free.cpu_milli, free.memory_mib, free.accelerators};
  }
  bool has_room(const Stage& stage, NodeId node) const {
    return room(node).fits(resources(stage.workload)) &&
           graph_.takes(graph_.node(node), stage.workload) && has_island(stage.workload, node);
  }
  bool has_island(const Workload& workload, NodeId node) const {
    if (!workload.accelerators_linked) return true;
    const DeviceRoom room = empty_ ? graph_.device_room_empty(node) : graph_.device_room(node);
    return room.fits(device_need(workload, graph_.devices(graph_.node(node))));
  }
  bool can_run(const Stage& stage, SiteId site, NodeId node) const {
    return allowed(stage, site) && has_room(stage, node);
  }

  // Of every site: whether it can run something, how fast and how cheaply.
  Status look_at_sites() {
    const size_t stages = workflow_.stages.size();
    least_us_.assign(stages, kNeverUs);
    least_price_.assign(stages, INT64_MAX);
    for (size_t s = 0; s < graph_.site_count(); ++s) {
      const SiteId site(s);
      const Liveness state = graph_.site(site).state;
      if (state != Liveness::kUp && state != Liveness::kDraining)
        continue;  // data can still be read from the latter
      Candidate candidate{.site = site};
      for (const WorkflowInput& input : workflow_.inputs) {
        candidate.needed =
            candidate.needed || std::find(input.at.begin(), input.at.end(), site) != input.at.end();
      }
      std::vector<size_t> here;
      std::vector<Nanocredits> per_hour;
      for (size_t t = 0; t < stages; ++t) {
        const Stage& stage = workflow_.stages[t];
        if (!allowed(stage, site)) continue;
        candidate.needed = candidate.needed || !stage.at.empty();
        if (takes_nothing(stage.workload)) {
          candidate.itself = true;
          least_us_[t] = least_price_[t] = 0;
        } else {
          here.push_back(t);
          per_hour.push_back(site_price(graph_, site, stage.workload, workflow_.prefer).decision);
        }
      }
      for (const NodeRange& range : graph_.nodes(site)) {
        for (uint32_t n = range.first; n < range.first + range.count; ++n) {
          bool useful = false;
          for (size_t i = 0; i < here.size(); ++i) {
            const size_t t = here[i];
            if (!has_room(workflow_.stages[t], NodeId(n))) continue;
            useful = true;
            const int64_t us = run_us(workflow_.stages[t], NodeId(n));
            least_us_[t] = std::min(least_us_[t], us);
            const Nanocredits price = charge(per_hour[i], us, kHourUs);
            least_price_[t] = std::min(least_price_[t], price);
            candidate.least_us = std::min(candidate.least_us, us);
            candidate.least_price = std::min(candidate.least_price, price);
          }
          if (!useful) continue;
          candidate.nodes.push_back(NodeId(n));
          const Resources free = room(NodeId(n));
          capacity_.cpu_milli += free.cpu_milli;
          capacity_.memory_mib += free.memory_mib;
          capacity_.accelerators += free.accelerators;
        }
      }
      if (candidate.itself || candidate.needed || !candidate.nodes.empty())
        candidates_.push_back(std::move(candidate));
    }
    for (size_t t = 0; t < stages; ++t) {
      if (least_us_[t] < kNeverUs) continue;
      return fail(ErrorCode::kInfeasible, "no node has what stage \"" + workflow_.stages[t].name + "\" needs",
                  "spec.stages[" + std::to_string(t) + "]", "ask for less, or allow more sites");
    }
    return {};
  }

  uint32_t place_of(SiteId site) {
    const auto known = static_cast<size_t>(std::find(places_.begin(), places_.end(), site) - places_.begin());
    if (known == places_.size()) places_.push_back(site);
    return static_cast<uint32_t>(known);
  }

  void choose_machines(size_t most) {
    const bool by_price = workflow_.deadline_us > 0;
    std::stable_sort(candidates_.begin(), candidates_.end(), [&](const Candidate& a, const Candidate& b) {
      const auto key = [&](const Candidate& c) {
        return by_price ? std::tuple(!c.needed, c.least_price, c.least_us)
                        : std::tuple(!c.needed, c.least_us, c.least_price);
      };
      return key(a) < key(b);
    });
    const auto add = [&](SiteId site, NodeId node) {
      machines_.push_back({place_of(site), room(node), site, node});
    };
    for (Candidate& candidate : candidates_) {
      if (machines_.size() >= most && !candidate.needed) {
        left_out_ = true;
        continue;
      }
      place_of(candidate.site);
      if (candidate.itself) machines_.push_back({place_of(candidate.site), {}, candidate.site, NodeId()});
      std::stable_sort(candidate.nodes.begin(), candidate.nodes.end(), [&](NodeId a, NodeId b) {
        return graph_.node(a).speed_milli > graph_.node(b).speed_milli;
      });
      const size_t enough =
          std::min(workflow_.stages.size(), most > machines_.size() ? most - machines_.size() : 0);
      left_out_ = left_out_ || candidate.nodes.size() > enough;
      for (size_t n = 0; n < std::min(enough, candidate.nodes.size()); ++n)
        add(candidate.site, candidate.nodes[n]);
    }
    // Whatever was left out, each stage has a machine.
    for (const Stage& stage : workflow_.stages) {
      const bool served =
          std::any_of(machines_.begin(), machines_.end(), [&](const BatchProblem::Machine& machine) {
            return takes_nothing(stage.workload) ||
                   (machine.node.valid() && can_run(stage, machine.site, machine.node));
          });
      for (auto c = candidates_.begin(); !served && c != candidates_.end(); ++c) {
        const auto node = std::find_if(c->nodes.begin(), c->nodes.end(),
                                       [&](NodeId n) { return can_run(stage, c->site, n); });
        if (node == c->nodes.end()) continue;
        add(c->site, *node);
        break;
      }
    }
  }

  void price_runs(BatchProblem& problem) const {
    for (size_t t = 0; t < workflow_.stages.size(); ++t) {
      const Stage& stage = workflow_.stages[t];
      for (size_t m = 0; m < machines_.size(); ++m) {
        const auto& machine = machines_[m];
        if (takes_nothing(stage.workload)) {
          if (!machine.node.valid() && allowed(stage, machine.site)) problem.set_run(t, m, 0, 0);
        } else if (machine.node.valid() && can_run(stage, machine.site, machine.node)) {
          const int64_t us = run_us(stage, machine.node);
          problem.set_run(t, m, us, run_price(stage, machine.site, us));
        }
      }
    }
  }

  void connect(BatchProblem& problem) const {
    const Network network(graph_);
    Ways ways(graph_, network, workflow_.prefer);
    PathMemory memory;
    memory.follow(graph_);
    for (size_t from = 0; from < places_.size(); ++from) {
      auto to = ways.from(places_[from], places_);
      for (size_t p = 0; p < places_.size(); ++p) {
        if (p == from) continue;
        std::vector<Channel>& channels = to[places_[p]];
        if (!network.all_steerable()) add_routed(memory, places_[from], places_[p], channels);
        problem.set_channels(from, p, std::move(channels));
      }
    }
  }

  // Where packets cannot be led they take the routed path.
  void add_routed(PathMemory& memory, SiteId from, SiteId to, std::vector<Channel>& channels) const {
    auto links = routed_path(graph_, memory, graph_.site(from).vertex, graph_.site(to).vertex);
    if (!links || graph_.steerable(*links)) return;
    Channel channel{.bps = INT64_MAX / 16};
    for (const LinkId link : *links) {
      const LinkLoad& load = graph_.load(link);
      channel.latency_us += int64_t{load.latency_us} + load.jitter_us;
      channel.bps = graph_.usable(link) ? std::min(channel.bps, graph_.room_bps(link)) : 0;
      channel.per_gbps_hour += charge(graph_.link_price(link), workflow_.prefer.cost_milli, 1000);
      if (channel.bps <= 0) return;
    }
    channel.path = std::move(*links);
    channels.push_back(std::move(channel));
  }

  Status bring_inputs(BatchProblem& problem) const {
    for (size_t t = 0; t < workflow_.stages.size(); ++t) {
      if (workflow_.stages[t].reads.empty()) continue;
      bool somewhere = false;
      for (size_t p = 0; p < places_.size(); ++p) {
        int64_t ready_us = 0;
        Nanocredits price = 0;
        for (const WorkflowInputId row : workflow_.stages[t].reads) {
          const WorkflowInput& input = workflow_.inputs[row.index()];
          const auto from = problem.nearest_copy(input, p);
          ready_us = std::max(ready_us, from ? problem.transfer_us(input.bytes, *from, p) : kNeverUs);
          if (from) price = saturating_add(price, problem.transfer_price(input.bytes, *from, p));
        }
        problem.set_ready(t, p, ready_us, price);
        somewhere = somewhere || ready_us < kNeverUs;
      }
      if (!somewhere) {
        return fail(
            ErrorCode::kInfeasible, "what stage \"" + workflow_.stages[t].name + "\" reads reaches no site",
            "spec.stages[" + std::to_string(t) + "].reads", "see whether a site that holds it is connected");
      }
    }
    return {};
  }

  struct Candidate {
    SiteId site;
    std::vector<NodeId> nodes;
    bool itself = false;  // for stages that take nothing
    bool needed = false;  // a stage is pinned to it, or it holds data
    int64_t least_us = kNeverUs;
    Nanocredits least_price = INT64_MAX;
  };
  const Graph& graph_;
  const Workflow& workflow_;
  uint64_t residency_ = 0;
  std::vector<Candidate> candidates_;
  std::vector<int64_t> least_us_;
  std::vector<Nanocredits> least_price_;
  Resources capacity_;
  bool left_out_ = false;
  bool empty_ = false;  // what other work holds counts as free
  std::vector<BatchProblem::Machine> machines_;
  std::vector<SiteId> places_;
};

}  // namespace

Result<BatchProblem> batch_problem(const Graph& graph, const Workflow& workflow,
                                   const BatchProblemLimits& limits) {
  return Builder(graph, workflow).build(limits);
}

}  // namespace weir
