#include "bench/packing/protocol.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <numeric>
#include <utility>

#include "bench/packing/go_random.h"

namespace weir::bench {
namespace {

// Of the processor, so that other work on the machine does not count.
double thread_time_us() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e6 + static_cast<double>(at.tv_nsec) / 1e3;
}

}  // namespace

PackingSequence packing_sequence(const PackingTrace& trace, int64_t seed) {
  GoRandom random(seed);
  random.int63();  // the simulator logs a number first
  PackingSequence sequence;
  const auto count = static_cast<int32_t>(trace.tasks.size());
  sequence.tasks.resize(trace.tasks.size());
  std::iota(sequence.tasks.begin(), sequence.tasks.end(), 0u);
  for (int32_t i = count - 1; i > 0; --i)
    std::swap(sequence.tasks[static_cast<size_t>(i)],
              sequence.tasks[static_cast<size_t>(random.shuffle_draw(i + 1))]);

  const auto milli = [&](uint32_t task) { return trace.tasks[task].task.total_milli(); };
  const int64_t wanted = trace.capacity_milli * 13 / 10;
  int64_t asked = 0;
  for (const uint32_t task : sequence.tasks) asked += milli(task);
  if (asked > wanted) {
    while (asked > wanted) {
      const auto at = static_cast<std::ptrdiff_t>(random.intn(static_cast<int32_t>(sequence.tasks.size())));
      asked -= milli(sequence.tasks[static_cast<size_t>(at)]);
      sequence.tasks.erase(sequence.tasks.begin() + at);
    }
  } else if (asked > 0 && asked < wanted) {
    for (;;) {
      const auto task = static_cast<uint32_t>(random.intn(count));
      if (asked + trace.tasks[task].task.accelerator_milli > wanted)
        break;  // as the simulator: of one accelerator
      asked += milli(task);
      sequence.tasks.push_back(task);
    }
  }

  // Ten watches start in between and draw their timeouts.
  for (int i = 0; i < 10; ++i) random.int63();
  sequence.nodes.resize(trace.nodes.size());
  std::vector<uint32_t> place(trace.nodes.size());  // rand.Perm: of each node
  for (uint32_t i = 0; i < place.size(); ++i) {
    const auto k = static_cast<size_t>(random.intn(static_cast<int32_t>(i) + 1));
    place[i] = place[k];
    place[k] = i;
  }
  for (uint32_t i = 0; i < place.size(); ++i) sequence.nodes[place[i]] = i;
  return sequence;
}

PackingOutcome run_packing(const PackingTrace& trace, const PackingSequence& sequence, PackingPolicy& policy,
                           PackingTie tie, uint64_t seed) {
  std::vector<AcceleratorNode> nodes;
  nodes.reserve(sequence.nodes.size());
  for (const uint32_t node : sequence.nodes) nodes.push_back(trace.nodes[node]);
  NodePacker packer(nodes, policy, tie, seed);
  PackingOutcome outcome;
  const auto capacity = static_cast<double>(trace.capacity_milli);
  int64_t arrived = 0, used = 0, counted = 0;
  double sum = 0, us = 0;
  for (const uint32_t index : sequence.tasks) {
    const AcceleratorTask& task = trace.tasks[index].task;
    const double start = thread_time_us();
    const auto choice = packer.place(task);
    const double took = thread_time_us() - start;
    us += took;
    outcome.us_worst = std::max(outcome.us_worst, took);
    arrived += task.total_milli();
    if (!choice) {
      ++outcome.failed;
    } else if (choice->refused) {
      ++outcome.refused;
      outcome.refused_milli += task.total_milli();
    } else {
      ++outcome.placed;
      used += task.total_milli();
    }
    if (std::nearbyint(static_cast<double>(arrived) / capacity * 100) == 130) {
      sum += std::nearbyint(static_cast<double>(used) / capacity * 10'000) / 100;
      ++counted;
    }
  }
  outcome.allocated_percent = static_cast<double>(used) / capacity * 100;
  outcome.published_percent = counted == 0 ? outcome.allocated_percent : sum / static_cast<double>(counted);
  outcome.us_per_task = sequence.tasks.empty() ? 0 : us / static_cast<double>(sequence.tasks.size());
  outcome.classes = packer.classes();
  return outcome;
}

}  // namespace weir::bench
