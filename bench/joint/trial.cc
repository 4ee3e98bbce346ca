#include "bench/joint/trial.h"

namespace weir::bench {

std::vector<Outcome> run_trial(const Instance& instance, PolicyKind kind,
                               const std::vector<int>& load_percent, Graph* after) {
  Graph graph = instance.graph;
  const auto policy = make_policy(kind);
  std::vector<Outcome> at;
  Outcome so_far;
  size_t next = 0;
  for (const int load : load_percent) {
    while (next < instance.intents.size() &&
           so_far.offered_cpu_milli * 100 < load * instance.capacity_cpu_milli) {
      const IntentSpec& spec = instance.intents[next];
      const IntentId intent(next++);
      graph.apply(Event{1, "generator", IntentSubmitted{intent, TenantId(0u), 1, spec}});
      ++so_far.offered;
      so_far.offered_cpu_milli += spec.workload.cpu_milli;
      const auto plan = policy->choose(graph, intent);
      if (!plan) continue;
      ++so_far.accepted;
      if (verify(graph, *plan).granted) {
        so_far.served_cpu_milli += spec.workload.cpu_milli;
        so_far.billed_per_hour += plan->billed_per_hour;
      } else {
        ++so_far.broken;
      }
      graph.apply(Event{1, "brain", PlanCommitted{*plan}});
    }
    at.push_back(so_far);
  }
  if (after) *after = std::move(graph);
  return at;
}

}  // namespace weir::bench
