// What people see of workflows.
#include "app/command_test.h"
#include "app/table.h"
#include "orchestration/workflow/planner.h"

namespace weir::app {
namespace {

class WorkflowCommandTest : public CommandTest {
 protected:
  std::string file(const std::string& extra = "") {
    const std::string path = (folder / "video.yaml").string();
    std::ofstream(path) << R"(apiVersion: weir/v1
kind: Workflow
metadata: {name: video, tenant: city}
spec:
  kind: stream
  stages:
    - {name: camera, at: [street]}
    - {name: detect, artifact: detector, port: 9000, cpu: 1, memory: 1Gi}
  edges:
    - {from: camera, to: detect, rate: 8Mbps}
)" << extra;
    return path;
  }
};

TEST_F(WorkflowCommandTest, IsAppliedListedExplainedAndDeleted) {
  serve();
  const Outcome made = weir({"apply", "-f", file()});
  ASSERT_EQ(made.code, kExitOk) << made.error;
  EXPECT_EQ(made.out, "Workflow city/video created (generation 1)\n");
  brain.record("brain", GraphWorkflowPlanner().plan(*brain.durable(), WorkflowId(0u)));
  const Outcome table = weir({"get", "workflows"});
  ASSERT_EQ(table.code, kExitOk) << table.error;
  EXPECT_NE(table.out.find("video"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("0/1"), std::string::npos) << table.out;
  EXPECT_NE(weir({"get", "workflow/city/video", "-o", "yaml"}).out.find("kind: stream"), std::string::npos);
  EXPECT_NE(weir({"get", "workflow", "city/video", "-o", "json"}).out.find("\"critical_path\""),
            std::string::npos);
  for (const char* name : {"workflow/city/video", "workflow/video"}) {
    const Outcome why = weir({"explain", name, "--tenant", "city"});
    ASSERT_EQ(why.code, kExitOk) << why.error;
    EXPECT_NE(why.out.find("detect at "), std::string::npos) << why.out;
  }
  EXPECT_EQ(weir({"wait", "workflow/city/video", "--for", "planned", "--timeout", "5s"}).code, kExitOk);
  EXPECT_EQ(weir({"delete", "workflow", "city/video"}).out, "workflow video withdrawn\n");
  EXPECT_EQ(weir({"get", "workflows"}).out, "No workflows.\n");
}

TEST_F(WorkflowCommandTest, WaitsForWhatComesAndEndsWhereItWillNot) {
  serve();
  ASSERT_EQ(weir({"apply", "-f", file()}).code, kExitOk);
  brain.record("brain", GraphWorkflowPlanner().plan(*brain.durable(), WorkflowId(0u)));
  brain.record("brain", WorkflowPlanned{.workflow = WorkflowId(0u), .generation = 1, .refused = true, .why = "no room"});
  EXPECT_EQ(weir({"wait", "workflow/city/video", "--for", "running", "--timeout", "5s"}).code, kExitInfeasible);
  brain.record("brain", WorkflowWithdrawn{.workflow = WorkflowId(0u), .finished = true});
  const Outcome finished = weir({"wait", "workflow/city/video", "--for", "running", "--timeout", "5s"});
  EXPECT_EQ(finished.code, kExitOk) << finished.error;
  EXPECT_EQ(finished.out, "workflow video is finished\n");
}

TEST_F(WorkflowCommandTest, AnUnknownAddressIsRefusedWithFileAndLine) {
  serve();
  const std::string path = file();
  std::string text;
  std::getline(std::ifstream(path), text, '\0');
  text.replace(text.find("cpu: 1,"), 7, "cpu: 1, command: [\"{to:archve}\"],");
  std::ofstream(path) << text;
  const Outcome refused = weir({"apply", "-f", path});
  EXPECT_EQ(refused.code, kExitUsage) << refused.error;
  EXPECT_NE(refused.error.find("video.yaml:8: spec.stages[1].command[0]: {to:archve} is no stage"), std::string::npos) << refused.error;
}

TEST_F(WorkflowCommandTest, ACycleIsRefusedWithFileAndLine) {
  serve();
  const Outcome refused = weir({"apply", "-f", file("    - {from: detect, to: camera, rate: 1kbps}\n")});
  EXPECT_EQ(refused.code, kExitUsage) << refused.error;
  EXPECT_NE(
      refused.error.find("video.yaml:10: spec.edges: the stages form a cycle: camera -> detect -> camera"),
      std::string::npos)
      << refused.error;
}

}  // namespace
}  // namespace weir::app
