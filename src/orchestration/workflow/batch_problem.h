#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/graph/graph.h"
#include "orchestration/workflow/timeline.h"
#include "core/event/workflow.h"

namespace weir {

// "Cannot run there", "cannot get there"; four of them add up without overflow.
inline constexpr int64_t kNeverUs = INT64_MAX / 8;

// Tasks of a batch on machines: unrelated run times, transfers between the places where machines stand. What
// schedules read; made from a graph by batch_problem(), or by hand.
class BatchProblem {
 public:
  struct Machine {
    uint32_t place = 0;
    Resources capacity;
    SiteId site;  // where it was made from a graph
    NodeId node;  // none: the site itself, for stages that take nothing
  };
  struct Arc {
    uint32_t from, to;  // tasks
    int64_t bytes;
  };
  // A way between two places that no other beats in both latency and bandwidth.
  struct Channel {
    int64_t latency_us = 0;
    int64_t bps = 0;
    Nanocredits per_gbps_hour = 0;
    std::vector<LinkId> path;
  };

  // Tasks and machines are numbered as given; arcs lead from lower to higher positions in `order`.
  BatchProblem(std::vector<Resources> need, std::vector<Machine> machines, std::vector<Arc> arcs,
               size_t places);

  size_t task_count() const { return need_.size(); }
  size_t machine_count() const { return machines_.size(); }
  size_t place_count() const { return places_; }
  const Machine& machine(size_t m) const { return machines_[m]; }
  const Resources& need(size_t task) const { return need_[task]; }
  const std::vector<Arc>& arcs() const { return arcs_; }
  // Rows of arcs() that end or begin at the task.
  std::span<const uint32_t> arcs_in(size_t task) const { return row(in_begin_, in_, task); }
  std::span<const uint32_t> arcs_out(size_t task) const { return row(out_begin_, out_, task); }
  const std::vector<uint32_t>& order() const { return order_; }  // topological

  void set_run(size_t task, size_t machine, int64_t us, Nanocredits price = 0);
  // Requires what the task needs to be no more than the machine has.
  int64_t run_us(size_t task, size_t machine) const { return run_us_[task * machines_.size() + machine]; }
  Nanocredits run_price(size_t task, size_t machine) const {
    return run_price_[task * machines_.size() + machine];
  }

  // What the task reads of stored data is at the place from then on.
  void set_ready(size_t task, size_t place, int64_t us, Nanocredits price);
  int64_t ready_us(size_t task, size_t place) const { return ready_us_[task * places_ + place]; }
  Nanocredits ready_price(size_t task, size_t place) const { return ready_price_[task * places_ + place]; }

  void set_channels(size_t from, size_t to, std::vector<Channel> channels);
  // The quickest for so many bytes; none within a place, and where there is none.
  const Channel* channel(size_t from, size_t to, int64_t bytes) const;
  // 0 within a place; kNeverUs: not connected.
  int64_t transfer_us(int64_t bytes, size_t from, size_t to) const;
  Nanocredits transfer_price(int64_t bytes, size_t from, size_t to) const;
  // The same of an arc, looked up where the problem is small enough to hold a table. Requires finish().
  int64_t arc_us(uint32_t arc, size_t from, size_t to) const {
    return arc_us_.empty() ? transfer_us(arcs_[arc].bytes, from, to)
                           : arc_us_[(arc * places_ + from) * places_ + to];
  }
  void finish();

  // Lower bounds of each task's run time and price where machines were left out; empty: none were.
  std::vector<int64_t> least_run_us;
  std::vector<Nanocredits> least_run_price;
  Resources capacity_all;           // of all machines, also of those left out
  std::vector<SiteId> place_sites;  // where it was made from a graph
  // The place of a site that holds the input from which it is here soonest, then cheapest; none: none is
  // connected.
  std::optional<size_t> nearest_copy(const WorkflowInput& input, size_t place) const;

 private:
  static std::span<const uint32_t> row(const std::vector<uint32_t>& begin, const std::vector<uint32_t>& items,
                                       size_t at) {
    return {items.data() + begin[at], items.data() + begin[at + 1]};
  }
  std::vector<Resources> need_;
  std::vector<Machine> machines_;
  std::vector<Arc> arcs_;
  size_t places_;
  std::vector<uint32_t> in_begin_, in_, out_begin_, out_, order_;
  std::vector<int64_t> run_us_;
  std::vector<Nanocredits> run_price_;
  std::vector<int64_t> ready_us_;
  std::vector<Nanocredits> ready_price_;
  std::vector<std::vector<Channel>> channels_;
  std::vector<int64_t> arc_us_;
};

struct BatchProblemLimits {
  size_t machines = 128;  // the fastest ones, or the cheapest where there is a deadline; pins come first
};

// The nodes that may run the stages, as they are free now, and the ways between their sites: every quickest
// way for some number of bytes over links that are up and can be steered, at the bandwidth that is free on
// them. Requires check(workflow). kInfeasible names a stage that nothing can run, and why.
Result<BatchProblem> batch_problem(const Graph& graph, const Workflow& workflow,
                                   const BatchProblemLimits& limits);

}  // namespace weir
