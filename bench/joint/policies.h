#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/graph/graph.h"

namespace weir::bench {

// Where one intent goes and how its traffic gets there; none: refused. The intent has one ingress and fits
// one instance.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual std::optional<Plan> choose(const Graph& graph, IntentId intent) = 0;
};

enum class PolicyKind { kPlaceFirst, kPathFirst, kPriceAware, kPriceAwareRetry, kJoint };
std::string_view name(PolicyKind kind);

// place-first: a scheduler that does not know the network. The cheapest ask among the sites with room for the
//   instance; traffic takes the routed path. Promises made so may be broken from the start.
// path-first: computing-aware anycast. Sites in order of the delay of the fastest path that has room; the
// first
//   that keeps the promise and has room for the instance.
// price-aware: a good scheduler over a good SDN controller. The cheapest site by ask and scarcity among those
//   with room for the instance whose fastest path, full or not, is fast enough; then the fastest path there
//   that has room and keeps the promise, or a refusal.
// price-aware+retry: the same, but when there is no such path the scheduler binds the next site, until one
// works.
//   It is told about the network by its refusals, which costs a round between the two for each.
// joint: Weir.
// Ties go to the lower SiteId.
std::unique_ptr<Policy> make_policy(PolicyKind kind);

}  // namespace weir::bench
