#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "orchestration/plan/joint_relaxation.h"

namespace weir {

// Every item served whole, or refused, within what nodes and links have.
struct Assignment {
  struct Place {
    JointColumn column;
    NodeId node;
  };
  std::vector<std::optional<Place>> of;  // by item
  Nanocredits price = 0;                 // of what is served and the worth of what is refused, per hour
};

struct RoundingLimits {
  // What a move costs, as a part of what the item costs by the hour: one that stays where it is need not be
  // so much cheaper elsewhere. 10,000: a quarter of an hour's price, when places last for a day.
  int32_t move_ppm = 5'000;
  int32_t dives = 4;         // times that what is left is solved again, for items of like size
  int32_t passes = 4;        // over all items, to improve
  int32_t chain = 2;         // items that may move on to let one in
  int32_t trials_max = 500;  // of such chains, for one item
};

// Rounds a relaxed solution. What is cheap enough where it is stays there. Then it dives: what the relaxed
// solution does not divide is placed as it says, and of the rest what it divides least; the relaxed problem
// of what is left is solved again, until all is placed or refused. Then items change places while that saves,
// in chains in which one lets another in.
Result<Assignment> round(const JointProblem& problem, JointRelaxation& relaxation, const Relaxed& relaxed,
                         const std::vector<Nanocredits>& worth, const RoundingLimits& limits = {});

}  // namespace weir
