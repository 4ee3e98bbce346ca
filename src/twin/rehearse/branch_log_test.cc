#include "twin/rehearse/branch_log.h"

#include "core/graph/checkpoint.h"
#include "twin/rehearse/domain_for_test.h"
#include "twin/world/virtual_loop.h"

namespace weir::twin {
namespace {

TEST(BranchLog, TheLoopBeginsWithTheGraphAsItIs) {
  Domain domain(2);
  domain.run(domain.submit(Domain::job("a", 4)));
  domain.run(domain.submit(Domain::service("b", 2)));
  domain.submit(Domain::job("c", 8));
  const auto state = std::make_shared<const std::vector<std::byte>>(encode_graph(domain.graph));
  BranchLog log(domain.graph.version(), state);
  JointPlanner planner;
  VirtualLoop world({.planner = planner,
                     .log = log,
                     .needs_decision = needs_decision,
                     .begins = [](SiteId, const DirectedRun&) { return true; },
                     .stopped = [](SiteId, IntentId, TimeUs) {}},
                    domain.now);
  ASSERT_TRUE(world.start(VirtualLoop::options(), "test", {}));
  EXPECT_EQ(log.durable_end(), domain.graph.version() + 1);
  Graph expected = domain.graph;
  (void)expected.apply({domain.now, "brain", BrainStarted{"test", domain.graph.brain_epoch() + 1}});
  EXPECT_EQ(encode_graph(world.head()), encode_graph(expected));
  EXPECT_EQ(encode_graph(domain.graph), *state) << "the graph that it branched off from is as it was";
}

TEST(BranchLog, ItIsWrittenAndNeverRead) {
  const auto state = std::make_shared<const std::vector<std::byte>>(3);
  BranchLog log(7, state);
  EXPECT_EQ(log.end(), 7u);
  const auto checkpoint = log.newest_checkpoint();
  ASSERT_TRUE(checkpoint && *checkpoint);
  EXPECT_EQ((*checkpoint)->version, 7u);
  EXPECT_EQ((*checkpoint)->state, *state);
  const Bytes record(*state);
  ASSERT_TRUE(log.append({&record, 1}, LogStore::Urgency::kOrdinary));
  EXPECT_EQ(log.end(), 8u);
  EXPECT_EQ(log.durable_end(), 7u);
  ASSERT_TRUE(log.flush());
  EXPECT_EQ(log.durable_end(), 8u);
  EXPECT_TRUE(log.read(8, 8, {}));
  EXPECT_EQ(log.read(7, 8, {}).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace weir::twin
