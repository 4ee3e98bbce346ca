#include "orchestration/plan/joint_relaxation.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr int32_t kNoRow = -1;
// Shadow prices are rounded down part by part, so that one column may come out so much below itself.
constexpr Nanocredits kRounding = 1'000;
// Of what prices are made in smoothing, thousandths of the best so far.
constexpr int64_t kSmoothing = 700;
// While the bound is further away than this, prices need not be those of the optimum of the master.
constexpr int32_t kFarPpm = 10'000;
constexpr int64_t kIterationsFar = 2'000;
constexpr int64_t kIterationsMax = 10'000'000;

double credits(Nanocredits amount) { return static_cast<double>(amount) / static_cast<double>(kCredit); }

Nanocredits nanocredits(double amount) {
  constexpr double kMost = 4e18;
  return static_cast<Nanocredits>(std::clamp(amount * static_cast<double>(kCredit), -kMost, kMost));
}

}  // namespace

JointRelaxation::JointRelaxation(const JointProblem& problem, LinearSolver& solver)
    : problem_(problem),
      pricing_(problem),
      master_(solver.program()),
      columns_of_(problem.items().size()),
      row_of_(problem.resource_count(), kNoRow),
      best_prices_(problem.resource_count(), 0) {}

Status JointRelaxation::set_worth(const std::vector<Nanocredits>& worth) {
  if (worth_.empty()) {
    std::vector<LinearRow> rows(problem_.items().size(), LinearRow{.lower = 1, .upper = 1});
    if (Status status = master_->add_rows(rows); !status) return status;
    std::vector<LinearColumn> refusals;
    for (size_t i = 0; i < worth.size(); ++i) {
      refusals.push_back({.cost = credits(worth[i]), .rows = {static_cast<int32_t>(i)}, .values = {1}});
    }
    worth_ = worth;
    if (Status status = master_->add_columns(refusals); !status) return status;
    std::vector<JointColumn> columns;
    for (uint32_t i = 0; i < problem_.items().size(); ++i) {
      if (problem_.current(i)) columns.push_back(*problem_.current(i));
    }
    return add(std::move(columns));
  }
  for (size_t i = 0; i < worth.size(); ++i) {
    if (worth[i] == worth_[i]) continue;
    if (Status status = master_->set_cost(static_cast<int32_t>(i), credits(worth[i])); !status) return status;
  }
  worth_ = worth;
  return {};
}

bool JointRelaxation::known(const JointColumn& column) const {
  return std::ranges::any_of(columns_of_[column.item], [&](uint32_t c) { return pool_[c] == column; });
}

Status JointRelaxation::add(std::vector<JointColumn> columns) {
  std::vector<LinearColumn> added;
  for (JointColumn& column : columns) {
    LinearColumn linear{
        .cost = credits(column.price), .rows = {static_cast<int32_t>(column.item)}, .values = {1}};
    problem_.each_use(column, [&](Resource r, int64_t amount) {
      if (row_of_[r] == kNoRow) return;
      linear.rows.push_back(row_of_[r]);
      linear.values.push_back(static_cast<double>(amount) / static_cast<double>(problem_.unit(r)));
    });
    added.push_back(std::move(linear));
    columns_of_[column.item].push_back(static_cast<uint32_t>(pool_.size()));
    pool_.push_back(std::move(column));
  }
  return master_->add_columns(added);
}

// The optimum of the master with every capacity kept, also of those not in it yet. A limit ends the first
// solve only: then the master holds a feasible solution, if not the best.
Result<LinearSolution> JointRelaxation::solve_master(int64_t iterations_max) {
  while (true) {
    auto solution = master_->solve(iterations_max);
    if (!solution) return solution;
    iterations_ += solution->iterations;
    Status status;
    if (!add_exceeded(*solution, status)) {
      if (!status) return tl::unexpected<Error>(status.error());
      return solution;
    }
    iterations_max = kIterationsMax;
  }
}

bool JointRelaxation::add_exceeded(const LinearSolution& solution, Status& status) {
  std::vector<double> used(problem_.resource_count(), 0);
  const size_t items = problem_.items().size();
  for (size_t c = 0; c < pool_.size(); ++c) {
    const double share = solution.columns[items + c];
    if (share <= 0) continue;
    problem_.each_use(pool_[c], [&](Resource r, int64_t amount) {
      if (row_of_[r] == kNoRow) used[r] += share * static_cast<double>(amount);
    });
  }
  std::vector<LinearRow> rows;
  const auto first = static_cast<int32_t>(items + resource_of_.size());
  for (Resource r = 0; r < used.size(); ++r) {
    const auto capacity = static_cast<double>(problem_.capacity(r));
    if (used[r] <= capacity * (1 + 1e-9)) continue;
    row_of_[r] = first + static_cast<int32_t>(rows.size());
    rows.push_back({.upper = capacity / static_cast<double>(problem_.unit(r))});
    resource_of_.push_back(r);
  }
  if (rows.empty()) return false;
  for (size_t c = 0; c < pool_.size(); ++c) {
    problem_.each_use(pool_[c], [&](Resource r, int64_t amount) {
      if (row_of_[r] < first) return;
      LinearRow& row = rows[static_cast<size_t>(row_of_[r] - first)];
      row.columns.push_back(static_cast<int32_t>(items + c));
      row.values.push_back(static_cast<double>(amount) / static_cast<double>(problem_.unit(r)));
    });
  }
  status = master_->add_rows(rows);
  return status.has_value();
}

ShadowPrices JointRelaxation::duals(const LinearSolution& solution) const {
  ShadowPrices prices(problem_.resource_count(), 0);
  const size_t items = problem_.items().size();
  for (size_t k = 0; k < resource_of_.size(); ++k) {
    prices[resource_of_[k]] = std::max<Nanocredits>(0, nanocredits(-solution.duals[items + k]));
  }
  return prices;
}

Result<size_t> JointRelaxation::price(const ShadowPrices& prices, const std::vector<Nanocredits>& worth,
                                      Nanocredits& bound) {
  std::vector<Nanocredits> limits = worth, least;
  for (const JointColumn& column : pool_) {
    limits[column.item] = std::min(limits[column.item], problem_.shadow_price(column, prices));
  }
  for (Nanocredits& limit : limits) limit -= kRounding;
  pricing_.set_prices(prices);
  std::vector<JointPricing::Found> found = pricing_.below(limits, least);
  __int128 sum = 0;
  for (size_t i = 0; i < least.size(); ++i) sum += std::min(least[i], worth[i]);
  for (Resource r = 0; r < prices.size(); ++r) {
    if (prices[r] == 0) continue;
    const int64_t unit = problem_.unit(r);
    sum -= (static_cast<__int128>(prices[r]) * problem_.capacity(r) + unit - 1) / unit;
  }
  bound = static_cast<Nanocredits>(sum);
  std::vector<JointColumn> columns;
  for (JointPricing::Found& one : found) {
    if (!known(one.column)) columns.push_back(std::move(one.column));
  }
  const size_t count = columns.size();
  if (Status status = add(std::move(columns)); !status) return tl::unexpected<Error>(status.error());
  return count;
}

Result<Relaxed> JointRelaxation::solve(const std::vector<Nanocredits>& worth,
                                       const RelaxationLimits& limits) {
  const auto failed = [](const Error& error) { return tl::unexpected<Error>(error); };
  const int64_t iterations_before = iterations_;
  if (Status status = set_worth(worth); !status) return failed(status.error());
  Relaxed relaxed{.prices = best_prices_};
  auto added = price(relaxed.prices, worth, relaxed.bound);
  if (!added) return failed(added.error());
  Result<LinearSolution> solution = solve_master(kIterationsFar);
  int64_t smoothing = kSmoothing;
  for (;; ++relaxed.rounds) {
    if (!solution) return failed(solution.error());
    relaxed.relaxed = nanocredits(solution->cost);
    const auto within = [&](int32_t ppm) {
      return relaxed.relaxed - relaxed.bound <= static_cast<__int128>(relaxed.relaxed) * ppm / kPpm;
    };
    if (within(limits.gap_ppm) || relaxed.rounds >= limits.rounds_max) break;
    ShadowPrices prices = duals(*solution);
    for (Resource r = 0; r < prices.size(); ++r) {
      const __int128 mixed = static_cast<__int128>(relaxed.prices[r]) * smoothing +
                             static_cast<__int128>(prices[r]) * (1000 - smoothing);
      prices[r] = static_cast<Nanocredits>(mixed / 1000);
    }
    Nanocredits bound = 0;
    added = price(prices, worth, bound);
    if (!added) return failed(added.error());
    if (bound > relaxed.bound) {
      relaxed.bound = bound;
      relaxed.prices = std::move(prices);
    }
    const bool optimal = solution->status == LinearStatus::kOptimal;
    if (*added > 0 || !optimal) {
      solution = solve_master(within(kFarPpm) || *added == 0 ? kIterationsMax : kIterationsFar);
      smoothing = kSmoothing;
    } else if (smoothing == 0) {
      break;  // no column is below the prices of the master: both are optimal, to rounding
    } else {
      smoothing = 0;
    }
  }
  best_prices_ = relaxed.prices;
  pricing_.set_prices(best_prices_);
  relaxed.share_ppm = shares(*solution);
  relaxed.iterations = iterations_ - iterations_before;
  return relaxed;
}

std::vector<int32_t> JointRelaxation::shares(const LinearSolution& solution) const {
  std::vector<int32_t> ppm;
  const size_t items = problem_.items().size();
  for (size_t c = 0; c < pool_.size(); ++c) {
    const double share = c + items < solution.columns.size() ? solution.columns[c + items] : 0;
    ppm.push_back(static_cast<int32_t>(std::clamp(share, 0.0, 1.0) * 1e6 + 0.5));
  }
  return ppm;
}

Result<std::vector<int32_t>> JointRelaxation::decide(const Decided& decided) {
  const auto failed = [](const Error& error) { return tl::unexpected<Error>(error); };
  const auto items = static_cast<int32_t>(problem_.items().size());
  decided_items_.resize(problem_.items().size(), false);
  for (const auto* columns : {&decided.fixed, &decided.forbidden}) {
    const bool fixed = columns == &decided.fixed;
    for (const uint32_t c : *columns) {
      if (Status status = master_->set_column_bounds(items + static_cast<int32_t>(c), fixed ? 1 : 0,
                                                     fixed ? kNoBound : 0);
          !status) {
        return failed(status.error());
      }
      decided_columns_.push_back(c);
      if (fixed) decided_items_[pool_[c].item] = true;
    }
  }
  auto solution = solve_master(kIterationsMax);
  if (!solution) return failed(solution.error());
  std::vector<Nanocredits> limits = worth_;
  for (size_t i = 0; i < limits.size(); ++i) {
    if (decided_items_[i]) limits[i] = 0;
  }
  Nanocredits unused = 0;
  auto added = price(duals(*solution), limits, unused);
  if (!added) return failed(added.error());
  if (*added > 0) solution = solve_master(kIterationsMax);
  if (!solution) return failed(solution.error());
  return shares(*solution);
}

Status JointRelaxation::free_all() {
  const auto items = static_cast<int32_t>(problem_.items().size());
  for (const uint32_t c : decided_columns_) {
    if (Status status = master_->set_column_bounds(items + static_cast<int32_t>(c), 0, kNoBound); !status)
      return status;
  }
  decided_columns_.clear();
  decided_items_.clear();
  return {};
}

}  // namespace weir
