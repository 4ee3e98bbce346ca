// Labs in namespaces of their own: needs root and says so otherwise. `lab_live_test emulate CONFIG` is the
// emulator that the tests start.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "infrastructure/lab/emulator.h"
#include "infrastructure/lab/features.h"
#include "infrastructure/lab/lab.h"

namespace weir::lab {
namespace {

using Clock = std::chrono::steady_clock;

// Three sites on a square of routers; two ways from west to east.
constexpr std::string_view kSquare = R"(
apiVersion: weir/v1
kind: Lab
metadata: {name: %NAME%}
spec: {number: %NUMBER%, seed: 7}
)";

std::string site(const std::string& name) {
  return "---\napiVersion: weir/v1\nkind: Site\nmetadata: {name: " + name +
         "}\nspec: {tier: edge, region: Test, place: {latitude: 0, longitude: 0}, capacity: {cpu: 0.1, "
         "memory: 64Mi}, "
         "asks: {core_hour: 1, gib_hour: 1}, power: {idle_per_core: 1W, peak_per_core: 2W, pue: 1, carbon: "
         "500gCO2/kWh}, availability: 99.9%}\n";
}

std::string router(const std::string& name) {
  return "---\napiVersion: weir/v1\nkind: Router\nmetadata: {name: " + name +
         "}\nspec: {place: {latitude: 0, longitude: 0}}\n";
}

std::string link(const std::string& a, const std::string& b, const std::string& rest) {
  return "---\napiVersion: weir/v1\nkind: Link\nmetadata: {name: " + a + "-" + b + "}\nspec: {between: [" +
         a + ", " + b + "], rate: 1Gbps, availability: 99.9%, price: 0.1, " + rest + "}\n";
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  text.replace(text.find(what), what.size(), by);
  return text;
}

// Unique among the test processes of this machine.
uint8_t test_number() { return static_cast<uint8_t>(100 + getpid() % 150); }
std::string test_name() { return "t" + std::to_string(getpid()); }

std::string square_text() {
  std::string text = replaced(std::string(kSquare), "%NAME%", test_name());
  text = replaced(text, "%NUMBER%", std::to_string(test_number()));
  for (const char* name : {"west", "east", "south"}) text += site(name);
  for (const char* name : {"r1", "r2", "r3", "r4"}) text += router(name);
  text +=
      link("west", "r1", "delay: 1ms") + link("east", "r4", "delay: 1ms") + link("south", "r3", "delay: 1ms");
  text += link("r1", "r2", "delay: 3ms") + link("r2", "r4", "delay: 3ms");    // the shorter way
  text += link("r1", "r3", "delay: 10ms") + link("r3", "r4", "delay: 10ms");  // the longer
  return text;
}

struct Samples {
  std::vector<double> rtt_ms;  // sorted
  int sent = 0;
  double percentile(double p) const {
    return rtt_ms.empty() ? -1
                          : rtt_ms[std::min(rtt_ms.size() - 1,
                                            static_cast<size_t>(p * static_cast<double>(rtt_ms.size())))];
  }
};

class LabLive : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: labs need namespaces and devices";
    options_.state_root = "/run/weir-test-" + std::to_string(getpid());
    options_.emulator_command = {"/proc/self/exe", "emulate"};
  }
  void TearDown() override {
    if (geteuid() != 0) return;
    if (lab_) {
      const Status down = Lab::down(lab_->spec().name, options_.state_root);
      EXPECT_TRUE(down) << down.error().text();
    }
    EXPECT_TRUE(namespaces_with_prefix("weir-" + test_name() + "-").empty());
    std::filesystem::remove_all(options_.state_root);
  }
  void bring_up(const std::string& text) {
    auto spec = parse_lab(text, "test.yaml");
    ASSERT_TRUE(spec) << spec.error().text();
    auto lab = Lab::up(std::move(*spec), options_);
    ASSERT_TRUE(lab) << lab.error().text();
    lab_ = std::make_unique<Lab>(std::move(*lab));
  }

  LabOptions options_;
  std::unique_ptr<Lab> lab_;
};

TEST_F(LabLive, UpAndDown) { bring_up(square_text()); }

}  // namespace
}  // namespace weir::lab

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "emulate") return weir::lab::run_emulator(argv[2]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
