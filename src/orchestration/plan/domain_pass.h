#pragma once

#include <atomic>

#include "core/ports/domain_pass.h"
#include "core/ports/linear_program.h"
#include "orchestration/placement/defragment.h"
#include "orchestration/plan/joint_pass.h"
#include "orchestration/plan/reconsider.h"
#include "orchestration/traffic/rebalance.h"

namespace weir {

struct PeriodicPassOptions {
  JointPassOptions joint;
  ReconsiderOptions reconsider;
  traffic::RebalanceOptions rebalance;
  DefragmentPolicy defragment{.moves_max = 4, .steps_max = 200'000};  // worth: the highest asks of the domain
  int64_t restart_us = 60'000'000;  // for which both instances of a service are held when it moves within its site
};

// The joint pass, and what it leaves out decided anew at its prices; where these find nothing to move, traffic engineering of what is committed; and where that finds nothing,
// services led to other nodes of their sites so that what is free comes together. Moves of the joint pass that need
// another intent to leave first are not advised: nobody's service is interrupted for a better price.
class PeriodicPass final : public DomainPass {
 public:
  explicit PeriodicPass(LinearSolver& solver, PeriodicPassOptions options = {}) : solver_(solver), options_(options) {}
  Result<DomainAdvice> run(const Graph& snapshot) override;
  void cancel() override {
    cancelled_ = true;
    solver_.cancel();
  }

 private:
  std::atomic<bool> cancelled_ = false;
  LinearSolver& solver_;
  PeriodicPassOptions options_;
  IntentId reconsidered_{0u};  // where the next pass goes on
};

// A shadow price as it is written down: to three significant bits, to nearest, below 1,000 nanocredits 0. What hardly
// changes stays the same, so that what was remembered under it stays good.
Nanocredits quantised(Nanocredits price);

}  // namespace weir
