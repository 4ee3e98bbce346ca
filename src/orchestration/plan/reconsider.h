#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "core/graph/graph.h"

namespace weir {

struct ReconsiderOptions {
  size_t looks_max = 256;     // intents that are decided anew at one time
  int32_t move_ppm = 50'000;  // a plan has to save so much of what the intent costs, asks and carbon by its preferences
};

struct Reconsidered {
  std::vector<Plan> moves;  // in the order in which they are to be made; the reason is kTogether, with what they save
  size_t looked = 0;        // services that were decided anew
};

// What the joint problem leaves out, one after another: of each service that is none of its items, what it costs where it is against
// what `decide` would choose for it now, if it gave up what it holds. Under the prices of the relaxed problem that is its best answer to
// all the others. A move is advised where it saves enough, takes nothing that is worth more to others, is not billed
// higher, and can be made beside what is held.
//
// Looks at `looks_max` services from `cursor` on, and leaves it where the next call goes on: all have their turn. Equal input gives equal moves.
// `first` are moves that are made before, by basis of the snapshot. O(looks * decide).
Reconsidered reconsider(const Graph& snapshot, const ShadowPricesRevised& prices, std::span<const Plan> first, IntentId& cursor, const ReconsiderOptions& options,
                        const std::atomic<bool>& cancelled);

}  // namespace weir
