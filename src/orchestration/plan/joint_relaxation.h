#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/ports/linear_program.h"
#include "orchestration/plan/joint_pricing.h"
#include "orchestration/plan/joint_problem.h"

namespace weir {

struct RelaxationLimits {
  int32_t rounds_max = 100;  // of pricing
  int32_t gap_ppm = 200;     // done when the bound is so close to the relaxed optimum found so far
};

// What the relaxed problem says: items may be served in parts.
struct Relaxed {
  // No assignment has less price and worth of refusals together than this, per hour. Lagrangian: what every
  // item costs at least under the shadow prices, less what capacities are worth under them. In integers,
  // whatever the solver did in floating point.
  Nanocredits bound = 0;
  ShadowPrices prices;  // that prove it
  // Price and worth of the best relaxed assignment found; the bound is at most so far below.
  Nanocredits relaxed = 0;
  std::vector<int32_t> share_ppm;  // by column, of the pool: of the item
  int32_t rounds = 0;
  int64_t iterations = 0;  // of the simplex method
};

// Solves the relaxed joint problem by column generation (Dantzig and Wolfe 1960): a master program over the
// columns known, whose duals price new ones; prices are smoothed towards those of the best bound (Wentges
// 1997), which spares rounds. Capacities enter the master when they are first exceeded.
class JointRelaxation {
 public:
  // The problem and the solver outlive it.
  JointRelaxation(const JointProblem& problem, LinearSolver& solver);

  // `worth` by item, at least 0: what a refusal weighs, instead of JointItem::worth. Goes on from the
  // columns, the basis and the prices of the call before. Errors are those of the solver.
  Result<Relaxed> solve(const std::vector<Nanocredits>& worth, const RelaxationLimits& limits = {});

  // Decides on columns for good and solves what is left: a fixed column is served whole, a forbidden one not
  // at all. After solve() and until free_all(), which a later solve() needs. New columns of items that are
  // not fixed are sought once under the prices of what is left. Returns shares as Relaxed has them.
  struct Decided {
    std::vector<uint32_t> fixed, forbidden;  // columns of the pool
  };
  Result<std::vector<int32_t>> decide(const Decided& decided);
  Status free_all();

  // Every column found so far, those of one item in order of their finding.
  const std::vector<JointColumn>& pool() const { return pool_; }
  const std::vector<uint32_t>& columns_of(uint32_t item) const { return columns_of_[item]; }
  // Their values are those of the last prices set by solve().
  JointPricing& pricing() { return pricing_; }

 private:
  bool known(const JointColumn& column) const;
  Status add(std::vector<JointColumn> columns);
  Status set_worth(const std::vector<Nanocredits>& worth);
  Result<LinearSolution> solve_master(int64_t iterations_max);
  bool add_exceeded(const LinearSolution& solution, Status& status);
  ShadowPrices duals(const LinearSolution& solution) const;
  // The Lagrangian bound at these prices; new columns that are cheaper than all known join the pool.
  std::vector<int32_t> shares(const LinearSolution& solution) const;
  // Limits above `worth` are not looked into: 0 leaves an item out.
  Result<size_t> price(const ShadowPrices& prices, const std::vector<Nanocredits>& worth, Nanocredits& bound);

  const JointProblem& problem_;
  JointPricing pricing_;
  std::unique_ptr<LinearProgram> master_;  // rows: items, then capacities; columns: refusals, then the pool
  std::vector<JointColumn> pool_;
  std::vector<std::vector<uint32_t>> columns_of_;
  std::vector<int32_t> row_of_;        // by resource; kNoRow: not in the master
  std::vector<Resource> resource_of_;  // by row, after the items
  std::vector<Nanocredits> worth_;
  ShadowPrices best_prices_;
  std::vector<uint32_t> decided_columns_;
  std::vector<bool> decided_items_;
  int64_t iterations_ = 0;
};

}  // namespace weir
