#pragma once

#include <vector>

#include "core/graph/graph.h"
#include "core/result/result.h"

namespace weir {

// What a pass over the whole domain found on a snapshot.
struct DomainAdvice {
  ShadowPricesRevised prices;
  // Worth committing one after another in this order, each for an intent that has an active plan or none; a plan may need
  // what an earlier one leaves. Each intent at most once.
  std::vector<Plan> moves;
};

// Looks at all intents together, as deciding one by one cannot: how far the whole is from the best, what is scarce where, and
// which moves are worth more than they cost. It advises: what it says is verified like any other plan. It may work in
// floating point, so its advice need not be equal on another machine; it enters the ledger, and replay never asks for it.
class DomainPass {
 public:
  virtual ~DomainPass() = default;
  // May take minutes. kUnavailable: cancelled; other errors are those of its solver. Nothing was found then.
  virtual Result<DomainAdvice> run(const Graph& snapshot) = 0;
  // From any thread: the run under way and all later ones end soon.
  virtual void cancel() = 0;
};

}  // namespace weir
