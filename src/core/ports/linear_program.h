#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "core/result/result.h"

// Linear programs: minimise the cost of the columns while every row and every column keeps its bounds.
// Solvers work in floating point and run outside whatever decides: what leaves a pass that uses one is
// quantised and proven by integers.
namespace weir {

inline constexpr double kNoBound = std::numeric_limits<double>::infinity();

// lower <= sum of value * column <= upper. The entries name columns that exist already, each at most once.
struct LinearRow {
  double lower = -kNoBound;
  double upper = kNoBound;
  std::vector<int32_t> columns;
  std::vector<double> values;  // parallel to columns
};

// A variable. The entries name rows that exist already, each at most once.
struct LinearColumn {
  double cost = 0;
  double lower = 0;
  double upper = kNoBound;
  std::vector<int32_t> rows;
  std::vector<double> values;  // parallel to rows
};

enum class LinearStatus {
  kOptimal,
  kInfeasible,  // no values keep all bounds
  kUnbounded,   // the cost falls without end
  kLimit,       // iterations_max was reached
};

// Values are those of the optimum where the status is kOptimal, else of the last iteration.
struct LinearSolution {
  LinearStatus status = LinearStatus::kLimit;
  double cost = 0;
  std::vector<double> columns;  // values
  // By row: cost of one more unit of its bound. cost - sum of dual * value is a column's reduced cost; at the
  // optimum no column that could rise has a negative one, none that could fall a positive one.
  std::vector<double> duals;
  int64_t iterations = 0;
};

// One program that grows. Every solve starts from the basis of the one before. Equal calls in equal order
// give equal answers on one machine. kInvalid of any call: an index that does not exist or stands twice,
// entries of unequal number, a lower above an upper bound, a figure that is not a number or, other than a
// bound, not finite; nothing was changed. One thread at a time. kUnavailable of solve(): the solver was cancelled.
class LinearProgram {
 public:
  virtual ~LinearProgram() = default;

  virtual int32_t row_count() const = 0;
  virtual int32_t column_count() const = 0;

  // Numbered on from row_count() and column_count(). All or none are added. kExhausted: more than 2^30 of
  // them.
  virtual Status add_rows(std::span<const LinearRow> rows) = 0;
  virtual Status add_columns(std::span<const LinearColumn> columns) = 0;

  virtual Status set_row_bounds(int32_t row, double lower, double upper) = 0;
  virtual Status set_column_bounds(int32_t column, double lower, double upper) = 0;
  virtual Status set_cost(int32_t column, double cost) = 0;

  // kInvalid: iterations_max < 0. kInternal: the solver gave up on numerical grounds, also from a fresh
  // basis.
  virtual Result<LinearSolution> solve(int64_t iterations_max = 1'000'000) = 0;
};

class LinearSolver {
 public:
  virtual ~LinearSolver() = default;
  // An empty program.
  virtual std::unique_ptr<LinearProgram> program() = 0;
  // From any thread: solves of its programs fail with kUnavailable from now on, those under way soon.
  virtual void cancel() = 0;
};

}  // namespace weir
