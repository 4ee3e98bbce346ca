// Labs in namespaces of their own: needs root and says so otherwise. `lab_live_test emulate CONFIG` is the
// emulator that the tests start.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "infrastructure/lab/emulator.h"
#include "test/live/lab_fixture.h"

namespace weir::lab::test {
namespace {

constexpr uint16_t kPort = 7000;

TEST_F(LabTest, CarriesPacketsWithTheAskedDelay) {
  bring_up();
  const Ipv6Address east = lab_->addresses().site_address(vertex(*lab_, "east"));
  const Echo echo(*lab_, "east", east, kPort);
  const Socket client = open_socket(*lab_, "west", SOCK_DGRAM);
  const Trips trips = measure(client, east, kPort, 60);
  EXPECT_EQ(trips.lost, 0);
  EXPECT_GE(trips.fastest(), 16.0);  // no packet is early
  EXPECT_LT(trips.fastest(), 16.0 + kBusyMachineMs);

  ASSERT_TRUE(lab_->change("r1-r2", {.delay_us = 9000}));
  const Trips slower = measure(client, east, kPort, 30);
  EXPECT_GE(slower.fastest(), 28.0);
  EXPECT_LT(slower.fastest(), 28.0 + kBusyMachineMs);
  EXPECT_FALSE(lab_->change("r1-r2", {.delay_us = 1, .jitter_us = 2}));
  EXPECT_FALSE(lab_->change("r1-r9", {.delay_us = 1}));
}

TEST_F(LabTest, ACutLinkCarriesNothingAndControlStillWorks) {
  bring_up();
  const Ipv6Address east = lab_->addresses().site_address(vertex(*lab_, "east"));
  const Echo echo(*lab_, "east", east, kPort);
  const Socket client = open_socket(*lab_, "west", SOCK_DGRAM);
  EXPECT_EQ(measure(client, east, kPort, 5).lost, 0);
  ASSERT_TRUE(lab_->cut("r2-r4"));
  EXPECT_EQ(measure(client, east, kPort, 5, 60).lost, 5);
  const LinkStatus cut = link_status(*lab_, "r2-r4");
  EXPECT_TRUE(cut.settings.cut);
  EXPECT_GE(cut.forward.cut, 5u);
  for (const char* site : {"west", "east"}) {
    EXPECT_TRUE(run_program(
        {"ping", "-c", "1", "-W", "1", lab_->addresses().control_address(vertex(*lab_, site))}, ""));
  }
  ASSERT_TRUE(lab_->heal("r2-r4"));
  EXPECT_EQ(measure(client, east, kPort, 5).lost, 0);
  EXPECT_EQ(lab_->cut("nowhere").error().code, ErrorCode::kInvalid);
}

TEST_F(LabTest, AKilledSiteLosesItsProcessesLinksAndControl) {
  bring_up();
  const auto process =
      lab_->start("east", {.argv = {"sleep", "1000"}, .environment = {}, .log_path = "east.log"});
  ASSERT_TRUE(process) << process.error().text();
  const auto brain = lab_->start("", {.argv = {"sleep", "1000"}, .environment = {}, .log_path = ""});
  ASSERT_TRUE(brain) << brain.error().text();
  EXPECT_TRUE(alive(*process));
  ASSERT_TRUE(lab_->kill("east"));
  EXPECT_FALSE(alive(*process));
  EXPECT_TRUE(alive(*brain));
  EXPECT_TRUE(link_status(*lab_, "east-r4").settings.cut);
  EXPECT_FALSE(link_status(*lab_, "west-r1").settings.cut);
  const std::string control = lab_->addresses().control_address(vertex(*lab_, "east"));
  EXPECT_FALSE(run_program({"ping", "-c", "1", "-W", "1", control}, ""));
  EXPECT_EQ(lab_->heal("east-r4").error().code, ErrorCode::kConflict);
  EXPECT_EQ(lab_->start("east", {.argv = {"true"}, .environment = {}, .log_path = ""}).error().code,
            ErrorCode::kConflict);
  ASSERT_TRUE(lab_->revive("east"));
  EXPECT_FALSE(link_status(*lab_, "east-r4").settings.cut);
  EXPECT_TRUE(run_program({"ping", "-c", "1", "-W", "2", control}, ""));
  ASSERT_TRUE(Lab::down(lab_name(), options_.state_root));
  EXPECT_FALSE(alive(*brain));
  expect_nothing_left();
  lab_.reset();
}

TEST_F(LabTest, ASiteJoinsALabThatIsUp) {
  bring_up();
  const std::string text =
      "apiVersion: weir/v1\nkind: Site\nmetadata: {name: north}\nspec: {tier: edge, region: Test, "
      "place: {latitude: 0, longitude: 0}, capacity: {cpu: 0.1, memory: 64Mi}, asks: {core_hour: 1, "
      "gib_hour: 1}, "
      "power: {idle_per_core: 1W, peak_per_core: 2W, pue: 1, carbon: 500gCO2/kWh}, availability: "
      "99.9%}\n---\n"
      "apiVersion: weir/v1\nkind: Link\nmetadata: {name: north-r2}\n"
      "spec: {between: [north, r2], rate: 1Gbps, availability: 99.9%, price: 0.1, delay: 2ms}\n";
  ASSERT_TRUE(lab_->kill("east"));
  std::string to_dead = text;
  EXPECT_EQ(lab_->join(to_dead.replace(to_dead.find(", r2]"), 5, ", east]"), "more.yaml").error().code,
            ErrorCode::kConflict);
  ASSERT_TRUE(lab_->revive("east"));
  const Status joined = lab_->join(text, "more.yaml");
  ASSERT_TRUE(joined) << joined.error().text();
  // Whoever opens the lab from now on sees the same.
  const auto lab = Lab::open(lab_name(), options_.state_root);
  ASSERT_TRUE(lab) << lab.error().text();
  EXPECT_TRUE(run_program(
      {"ping", "-c", "1", "-W", "2", lab->addresses().control_address(vertex(*lab, "north"))}, ""));
  const Ipv6Address north = lab->addresses().site_address(vertex(*lab, "north"));
  const Echo echo(*lab, "north", north, 7000);
  const Trips trips = measure(open_socket(*lab, "west", SOCK_DGRAM), north, 7000, 5);
  EXPECT_EQ(trips.lost, 0);
  EXPECT_GE(trips.fastest(), 12.0);  // 1 + 3 + 2 ms each way
  EXPECT_LT(trips.fastest(), 12.0 + kBusyMachineMs);
  EXPECT_EQ(lab_->join(text, "more.yaml").error().code, ErrorCode::kInvalid);
  // And it can be killed like any other.
  ASSERT_TRUE(lab_->kill("north"));
  EXPECT_TRUE(link_status(*lab_, "north-r2").settings.cut);
  EXPECT_EQ(measure(open_socket(*lab, "west", SOCK_DGRAM), north, 7000, 1).lost, 1);
}

TEST_F(LabTest, TheSameNameOrNumberTwiceIsRefused) {
  bring_up();
  const auto again = Lab::up(square(), options_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  LabSpec other = square();
  other.name = "u" + std::to_string(getpid());
  const auto same_number = Lab::up(other, options_);
  ASSERT_FALSE(same_number);
  EXPECT_EQ(same_number.error().code, ErrorCode::kConflict);
  EXPECT_NE(same_number.error().text().find("number"), std::string::npos);
  EXPECT_TRUE(Lab::open(lab_name(), options_.state_root));
  EXPECT_EQ(Lab::list(options_.state_root), std::vector{lab_name()});
}

TEST_F(LabTest, AFailedUpLeavesNothing) {
  options_.emulator_command = {"false"};
  const auto lab = Lab::up(square(), options_);
  ASSERT_FALSE(lab);
  EXPECT_NE(lab.error().text().find("emulator did not start"), std::string::npos) << lab.error().text();
  expect_nothing_left();
  EXPECT_EQ(Lab::down(lab_name(), options_.state_root).error().code, ErrorCode::kNotFound);
}

TEST_F(LabTest, DownRemovesWhatACrashLeft) {
  // Dies at each step in turn.
  for (const char* step :
       {"each in a network namespace", "one emulator process", "control network", "addresses"}) {
    const LabSpec spec = square();  // named after this process, not after the child
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      options_.progress = [&](std::string_view line) {
        if (line.find(step) != std::string_view::npos) raise(SIGKILL);
      };
      static_cast<void>(Lab::up(spec, options_));
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << step;
    options_.progress = [](std::string_view) {};
    const auto again = Lab::up(spec, options_);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::kConflict);
    const Status down = Lab::down(lab_name(), options_.state_root);
    EXPECT_TRUE(down) << step << ": " << down.error().text();
    expect_nothing_left();
  }
}

TEST_F(LabTest, ADeadEmulatorIsReportedAndTakenDown) {
  bring_up();
  const auto status = lab_->status();
  ASSERT_TRUE(status);
  ASSERT_TRUE(status->emulator_alive);
  ASSERT_TRUE(end_process(status->emulator, 0));
  const auto after = lab_->status();
  ASSERT_TRUE(after) << after.error().text();
  EXPECT_FALSE(after->emulator_alive);
  EXPECT_EQ(after->links.size(), lab_->spec().links.size());
  EXPECT_EQ(lab_->cut("r1-r2").error().code, ErrorCode::kUnavailable);
}

TEST_F(LabTest, WithoutRootItIsRefusedInWords) {
  const LabSpec spec = square();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (setuid(65534) != 0) _exit(2);
    const auto lab = Lab::up(spec, options_);
    _exit(!lab && lab.error().code == ErrorCode::kDenied && lab.error().what.find("sudo") != std::string::npos
              ? 0
              : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(LabTest, WithoutSrv6ItComesUpOnPlainPaths) {
  options_.srv6 = false;
  bring_up();
  EXPECT_FALSE(lab_->srv6());
  const Ipv6Address east = lab_->addresses().site_address(vertex(*lab_, "east"));
  const Echo echo(*lab_, "east", east, kPort);
  const Socket client = open_socket(*lab_, "west", SOCK_DGRAM);
  EXPECT_EQ(measure(client, east, kPort, 5).lost, 0);
}

}  // namespace
}  // namespace weir::lab::test

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "emulate") return weir::lab::run_emulator(argv[2]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
