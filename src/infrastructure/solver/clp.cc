#include "infrastructure/solver/clp.h"

#include <ClpEventHandler.hpp>
#include <ClpSimplex.hpp>
#include <CoinPackedMatrix.hpp>
#include <algorithm>
#include <climits>
#include <cmath>
#include <string>

namespace weir {
namespace {

constexpr int32_t kCountMax = 1 << 30;

// Empty: they can be taken. `count` is how many rows or columns there are to name.
std::string wrong_entries(std::span<const int32_t> indices, std::span<const double> values, int32_t count) {
  if (indices.size() != values.size()) {
    return std::to_string(indices.size()) + " indices with " + std::to_string(values.size()) + " values";
  }
  for (const int32_t index : indices) {
    if (index < 0 || index >= count) {
      return "index " + std::to_string(index) + " of " + std::to_string(count);
    }
  }
  std::vector<int32_t> sorted(indices.begin(), indices.end());
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  if (twice != sorted.end()) return "index " + std::to_string(*twice) + " stands twice";
  for (const double value : values) {
    if (!std::isfinite(value)) return "a value that is not finite";
  }
  return "";
}

// A bound that nothing can keep (at the wrong infinity) is as wrong as a crossed pair.
std::string wrong_bounds(double lower, double upper) {
  if (std::isnan(lower) || std::isnan(upper)) return "a bound that is not a number";
  if (lower > upper || lower == kNoBound || upper == -kNoBound) return "a lower bound above the upper one";
  return "";
}

// CLP asks it after each iteration; it keeps a copy of it.
class StopWhenCancelled : public ClpEventHandler {
 public:
  explicit StopWhenCancelled(const std::shared_ptr<const std::atomic<bool>>& cancelled) : cancelled_(cancelled) {}
  int event(Event) override { return *cancelled_ ? kStop : kGoOn; }
  ClpEventHandler* clone() const override { return new StopWhenCancelled(*this); }

 private:
  static constexpr int kGoOn = -1, kStop = 5;
  std::shared_ptr<const std::atomic<bool>> cancelled_;
};

class ClpProgram : public LinearProgram {
 public:
  explicit ClpProgram(std::shared_ptr<const std::atomic<bool>> cancelled) : cancelled_(std::move(cancelled)) {
    const StopWhenCancelled handler(cancelled_);
    clp_.passInEventHandler(&handler);
    clp_.setLogLevel(0);
    clp_.setOptimizationDirection(1);
  }

  int32_t row_count() const override { return clp_.numberRows(); }
  int32_t column_count() const override { return clp_.numberColumns(); }

  Status add_rows(std::span<const LinearRow> rows) override {
    for (size_t i = 0; i < rows.size(); ++i) {
      std::string why = wrong_bounds(rows[i].lower, rows[i].upper);
      if (why.empty()) why = wrong_entries(rows[i].columns, rows[i].values, column_count());
      if (!why.empty()) return invalid(why, "row", row_count(), i);
    }
    if (static_cast<int64_t>(rows.size()) > kCountMax - row_count()) return full();
    if (rows.empty()) return {};
    Entries entries;
    for (const LinearRow& row : rows) entries.add(row.lower, row.upper, row.columns, row.values);
    clp_.addRows(static_cast<int>(rows.size()), entries.lower.data(), entries.upper.data(),
                 entries.starts.data(), entries.indices.data(), entries.values.data());
    bounds_changed_ = true;
    return {};
  }

  Status add_columns(std::span<const LinearColumn> columns) override {
    for (size_t i = 0; i < columns.size(); ++i) {
      std::string why = wrong_bounds(columns[i].lower, columns[i].upper);
      if (why.empty()) why = wrong_entries(columns[i].rows, columns[i].values, row_count());
      if (why.empty() && !std::isfinite(columns[i].cost)) why = "a cost that is not finite";
      if (!why.empty()) return invalid(why, "column", column_count(), i);
    }
    if (static_cast<int64_t>(columns.size()) > kCountMax - column_count()) return full();
    if (columns.empty()) return {};
    Entries entries;
    std::vector<double> costs;
    for (const LinearColumn& column : columns) {
      entries.add(column.lower, column.upper, column.rows, column.values);
      costs.push_back(column.cost);
    }
    clp_.addColumns(static_cast<int>(columns.size()), entries.lower.data(), entries.upper.data(),
                    costs.data(), entries.starts.data(), entries.indices.data(), entries.values.data());
    return {};
  }

  Status set_row_bounds(int32_t row, double lower, double upper) override {
    if (row < 0 || row >= row_count()) return unknown("row", row);
    if (const std::string why = wrong_bounds(lower, upper); !why.empty()) return invalid(why, "row", row, 0);
    clp_.setRowBounds(row, lower, upper);
    bounds_changed_ = true;
    return {};
  }

  Status set_column_bounds(int32_t column, double lower, double upper) override {
    if (column < 0 || column >= column_count()) return unknown("column", column);
    if (const std::string why = wrong_bounds(lower, upper); !why.empty())
      return invalid(why, "column", column, 0);
    clp_.setColumnBounds(column, lower, upper);
    bounds_changed_ = true;
    return {};
  }

  Status set_cost(int32_t column, double cost) override {
    if (column < 0 || column >= column_count()) return unknown("column", column);
    if (!std::isfinite(cost)) return invalid("a cost that is not finite", "column", column, 0);
    clp_.setObjectiveCoefficient(column, cost);
    return {};
  }

  Result<LinearSolution> solve(int64_t iterations_max) override {
    if (iterations_max < 0) return fail(ErrorCode::kInvalid, "fewer than no iterations");
    if (*cancelled_) return cancelled();
    if (column_count() == 0) return without_columns();
    clp_.setMaximumIterations(static_cast<int>(std::min<int64_t>(iterations_max, INT_MAX)));
    run(std::exchange(bounds_changed_, false));
    int64_t iterations = clp_.numberIterations();
    if (!conclusive() && iterations < iterations_max) {
      clp_.allSlackBasis(true);
      clp_.setMaximumIterations(static_cast<int>(std::min<int64_t>(iterations_max - iterations, INT_MAX)));
      run(true);
      iterations += clp_.numberIterations();
    }
    if (*cancelled_) return cancelled();
    if (clp_.status() == 4)
      return fail(ErrorCode::kInternal, "the linear program could not be solved in floating point");
    LinearSolution solution{.status = status(), .cost = clp_.objectiveValue(), .iterations = iterations};
    solution.columns.assign(clp_.primalColumnSolution(), clp_.primalColumnSolution() + column_count());
    solution.duals.assign(clp_.dualRowSolution(), clp_.dualRowSolution() + row_count());
    return solution;
  }

 private:
  // Rows or columns one after another, as CLP takes them.
  struct Entries {
    std::vector<double> lower, upper, values;
    std::vector<CoinBigIndex> starts = {0};
    std::vector<int> indices;
    void add(double low, double high, std::span<const int32_t> which, std::span<const double> value) {
      lower.push_back(low);
      upper.push_back(high);
      for (size_t i = 0; i < which.size(); ++i) {
        if (value[i] == 0) continue;
        indices.push_back(which[i]);
        values.push_back(value[i]);
      }
      starts.push_back(static_cast<CoinBigIndex>(indices.size()));
    }
  };

  static tl::unexpected<Error> invalid(const std::string& why, const char* what, int32_t first, size_t i) {
    return fail(ErrorCode::kInvalid,
                what + (" " + std::to_string(static_cast<size_t>(first) + i)) + " has " + why);
  }
  static tl::unexpected<Error> unknown(const char* what, int32_t index) {
    return fail(ErrorCode::kInvalid, "there is no " + (what + (" " + std::to_string(index))));
  }
  static tl::unexpected<Error> cancelled() { return fail(ErrorCode::kUnavailable, "the linear program was cancelled"); }
  static tl::unexpected<Error> full() {
    return fail(ErrorCode::kExhausted, "the linear program has 2^30 rows or columns");
  }

  void run(bool dual) {
    if (dual) {
      clp_.dual();
    } else {
      clp_.primal();
    }
  }

  // CLP's codes: 0 optimal, 1 infeasible, 2 unbounded, 3 stopped at a limit, 4 errors; its secondary status
  // tells whether an optimum found under scaling holds without.
  bool conclusive() const { return clp_.status() < 4 && (clp_.status() != 0 || clp_.secondaryStatus() <= 1); }

  LinearStatus status() const {
    switch (clp_.status()) {
      case 0:
        return LinearStatus::kOptimal;
      case 1:
        return LinearStatus::kInfeasible;
      case 2:
        return LinearStatus::kUnbounded;
      default:
        return LinearStatus::kLimit;
    }
  }

  // CLP takes no program without columns: then every row's sum is 0.
  LinearSolution without_columns() const {
    LinearSolution solution{.status = LinearStatus::kOptimal,
                            .duals = std::vector<double>(static_cast<size_t>(row_count()))};
    for (int row = 0; row < row_count(); ++row) {
      if (clp_.rowLower()[row] > 0 || clp_.rowUpper()[row] < 0) solution.status = LinearStatus::kInfeasible;
    }
    return solution;
  }

  std::shared_ptr<const std::atomic<bool>> cancelled_;
  ClpSimplex clp_;
  bool bounds_changed_ = true;
};

}  // namespace

std::unique_ptr<LinearProgram> ClpSolver::program() { return std::make_unique<ClpProgram>(cancelled_); }

void ClpSolver::cancel() { *cancelled_ = true; }

}  // namespace weir
