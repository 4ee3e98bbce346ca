#include "infrastructure/solver/clp.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

namespace weir {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

LinearSolution solved(LinearProgram& program) {
  auto solution = program.solve();
  EXPECT_TRUE(solution.has_value()) << solution.error().text();
  return solution.value_or(LinearSolution{});
}

// Two products on two machines: at most 4 and 6 hours; cost is profit with the sign turned.
std::unique_ptr<LinearProgram> two_products() {
  auto program = ClpSolver().program();
  EXPECT_TRUE(program->add_rows(std::vector<LinearRow>{{.upper = 4}, {.upper = 6}}));
  EXPECT_TRUE(program->add_columns(std::vector<LinearColumn>{
      {.cost = -3, .rows = {0, 1}, .values = {1, 1}}, {.cost = -2, .rows = {0, 1}, .values = {1, 3}}}));
  return program;
}

TEST(ClpSolver, TellsValuesAndDuals) {
  const auto program = two_products();
  const LinearSolution solution = solved(*program);
  EXPECT_EQ(solution.status, LinearStatus::kOptimal);
  EXPECT_NEAR(solution.cost, -12, 1e-9);
  EXPECT_NEAR(solution.columns.at(0), 4, 1e-9);
  EXPECT_NEAR(solution.columns.at(1), 0, 1e-9);
  EXPECT_NEAR(solution.duals.at(0), -3, 1e-9);
  EXPECT_NEAR(solution.duals.at(1), 0, 1e-9);
}

TEST(ClpSolver, GoesOnAfterColumnsRowsBoundsAndCosts) {
  const auto program = two_products();
  EXPECT_NEAR(solved(*program).cost, -12, 1e-9);
  // A product that needs only the second machine.
  ASSERT_TRUE(program->add_columns(std::vector<LinearColumn>{{.cost = -1, .rows = {1}, .values = {1}}}));
  LinearSolution solution = solved(*program);
  EXPECT_NEAR(solution.cost, -14, 1e-9);
  EXPECT_NEAR(solution.columns.at(2), 2, 1e-9);
  // The first and the last together need a third machine.
  ASSERT_TRUE(program->add_rows(std::vector<LinearRow>{{.upper = 3, .columns = {0, 2}, .values = {1, 1}}}));
  solution = solved(*program);
  EXPECT_NEAR(solution.cost, -11, 1e-9);
  EXPECT_NEAR(solution.columns.at(0), 3, 1e-9);
  EXPECT_NEAR(solution.columns.at(1), 1, 1e-9);
  ASSERT_TRUE(program->set_row_bounds(0, -kNoBound, 3));
  EXPECT_NEAR(solved(*program).cost, -9, 1e-9);
  ASSERT_TRUE(program->set_column_bounds(0, 0, 0));
  ASSERT_TRUE(program->set_cost(2, 0));
  EXPECT_NEAR(solved(*program).cost, -4, 1e-9);
}

TEST(ClpSolver, TellsInfeasibleAndUnbounded) {
  const auto program = ClpSolver().program();
  ASSERT_TRUE(program->add_rows(std::vector<LinearRow>{{.lower = 2}}));
  ASSERT_TRUE(
      program->add_columns(std::vector<LinearColumn>{{.cost = 1, .upper = 1, .rows = {0}, .values = {1}}}));
  EXPECT_EQ(solved(*program).status, LinearStatus::kInfeasible);
  ASSERT_TRUE(program->add_columns(std::vector<LinearColumn>{{.cost = -1, .rows = {0}, .values = {1}}}));
  EXPECT_EQ(solved(*program).status, LinearStatus::kUnbounded);
  ASSERT_TRUE(program->set_cost(1, 3));
  const LinearSolution solution = solved(*program);
  EXPECT_EQ(solution.status, LinearStatus::kOptimal);
  EXPECT_NEAR(solution.cost, 4, 1e-9);
}

TEST(ClpSolver, SolvesProgramsWithoutRowsOrColumns) {
  const auto program = ClpSolver().program();
  EXPECT_EQ(solved(*program).status, LinearStatus::kOptimal);
  ASSERT_TRUE(program->add_rows(std::vector<LinearRow>{{.lower = 1, .upper = 2}}));
  EXPECT_EQ(solved(*program).status, LinearStatus::kInfeasible);
  const auto free = ClpSolver().program();
  ASSERT_TRUE(free->add_columns(std::vector<LinearColumn>{{.cost = -2, .lower = 1, .upper = 5}}));
  EXPECT_NEAR(solved(*free).cost, -10, 1e-9);
}

TEST(ClpSolver, StopsAtTheLimit) {
  const auto program = two_products();
  const auto stopped = program->solve(0);
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->status, LinearStatus::kLimit);
  EXPECT_NEAR(solved(*program).cost, -12, 1e-9);
  EXPECT_EQ(program->solve(-1).error().code, ErrorCode::kInvalid);
}

TEST(ClpSolver, IsCancelled) {
  ClpSolver solver;
  const auto program = solver.program();
  ASSERT_TRUE(program->add_rows(std::vector<LinearRow>{{.upper = 4}}));
  ASSERT_TRUE(program->add_columns(std::vector<LinearColumn>{{.cost = -3, .rows = {0}, .values = {1}}}));
  EXPECT_NEAR(solved(*program).cost, -12, 1e-9);
  solver.cancel();
  const auto solution = program->solve();
  ASSERT_FALSE(solution);
  EXPECT_EQ(solution.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(solver.program()->solve());
}

TEST(ClpSolver, RefusesBadInputAndKeepsWhatItHas) {
  const auto program = two_products();
  const LinearRow good{.upper = 1};
  for (const LinearRow& bad : std::vector<LinearRow>{{.lower = 2, .upper = 1},
                                                     {.lower = kNan},
                                                     {.upper = kNan},
                                                     {.lower = kNoBound},
                                                     {.upper = -kNoBound},
                                                     {.columns = {2}, .values = {1}},
                                                     {.columns = {-1}, .values = {1}},
                                                     {.columns = {0, 0}, .values = {1, 1}},
                                                     {.columns = {0}, .values = {}},
                                                     {.columns = {0}, .values = {kNan}},
                                                     {.columns = {0}, .values = {kNoBound}}}) {
    const Status status = program->add_rows(std::vector<LinearRow>{good, bad});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
    EXPECT_NE(status.error().what.find("row 3"), std::string::npos) << status.error().what;
  }
  for (const LinearColumn& bad : std::vector<LinearColumn>{{.cost = kNan},
                                                           {.cost = kNoBound},
                                                           {.lower = 1, .upper = 0},
                                                           {.rows = {2}, .values = {1}},
                                                           {.rows = {1, 1}, .values = {1, 2}},
                                                           {.rows = {1}, .values = {1, 2}}}) {
    const Status status = program->add_columns(std::vector<LinearColumn>{bad});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
    EXPECT_NE(status.error().what.find("column 2"), std::string::npos) << status.error().what;
  }
  EXPECT_FALSE(program->set_row_bounds(2, 0, 1));
  EXPECT_FALSE(program->set_row_bounds(0, 1, 0));
  EXPECT_FALSE(program->set_column_bounds(-1, 0, 1));
  EXPECT_FALSE(program->set_column_bounds(0, kNan, 1));
  EXPECT_FALSE(program->set_cost(2, 1));
  EXPECT_FALSE(program->set_cost(0, kNan));
  EXPECT_EQ(program->row_count(), 2);
  EXPECT_EQ(program->column_count(), 2);
  EXPECT_NEAR(solved(*program).cost, -12, 1e-9);
}

// Packing programs that grow by columns and rows: feasible, and closed by weak duality.
RC_GTEST_PROP(ClpSolver, PrimalAndDualMeet, ()) {
  const int rows = *rc::gen::inRange(1, 8);
  const auto program = ClpSolver().program();
  std::vector<double> upper;
  std::vector<LinearRow> added;
  for (int r = 0; r < rows; ++r) {
    upper.push_back(*rc::gen::inRange(1, 50));
    added.push_back({.upper = upper.back()});
  }
  RC_ASSERT(program->add_rows(added).has_value());
  std::vector<LinearColumn> columns;
  for (int round = 0; round < 3; ++round) {
    std::vector<LinearColumn> more;
    for (int c = *rc::gen::inRange(1, 6); c > 0; --c) {
      LinearColumn column{.cost = -1.0 * *rc::gen::inRange(0, 20), .upper = 10};
      for (int r = 0; r < rows; ++r) {
        if (*rc::gen::inRange(0, 2) == 0) continue;
        column.rows.push_back(r);
        column.values.push_back(*rc::gen::inRange(1, 10));
      }
      more.push_back(column);
    }
    RC_ASSERT(program->add_columns(more).has_value());
    columns.insert(columns.end(), more.begin(), more.end());
    const LinearSolution solution = solved(*program);
    RC_ASSERT(solution.status == LinearStatus::kOptimal);
    std::vector<double> used(static_cast<size_t>(rows));
    double bound = 0;
    for (size_t r = 0; r < used.size(); ++r) {
      RC_ASSERT(solution.duals[r] <= 1e-7);
      bound += solution.duals[r] * upper[r];
    }
    for (size_t c = 0; c < columns.size(); ++c) {
      RC_ASSERT(solution.columns[c] >= -1e-7);
      RC_ASSERT(solution.columns[c] <= 10 + 1e-7);
      double reduced = columns[c].cost;
      for (size_t e = 0; e < columns[c].rows.size(); ++e) {
        const auto r = static_cast<size_t>(columns[c].rows[e]);
        used[r] += columns[c].values[e] * solution.columns[c];
        reduced -= solution.duals[r] * columns[c].values[e];
      }
      bound += std::min(0.0, reduced) * 10;
    }
    for (size_t r = 0; r < used.size(); ++r) RC_ASSERT(used[r] <= upper[r] + 1e-6);
    RC_ASSERT(std::fabs(bound - solution.cost) <= 1e-6 * (1 + std::fabs(bound)));
  }
}

}  // namespace
}  // namespace weir
