// The built programs against each other on real footage, as a tenant runs them.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "city-cameras/summary.h"
#include "city-cameras/test_client.h"

namespace city_cameras {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A child process with its output in a file.
class Process {
 public:
  Process(std::vector<std::string> command, fs::path output, const std::vector<std::string>& environment = {})
      : output_(std::move(output)) {
    fs::remove(output_);
    pid_ = ::fork();
    if (pid_ != 0) return;
    const int file = ::open(output_.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
    for (const std::string& entry : environment) {
      const std::size_t at = entry.find('=');
      ::setenv(entry.substr(0, at).c_str(), entry.substr(at + 1).c_str(), 1);
    }
    std::vector<char*> argv;
    for (std::string& argument : command) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      wait();
    }
  }
  void signal(int number) const { ::kill(pid_, number); }
  pid_t pid() const { return pid_; }
  std::string output() const { return content_of(output_); }

  // The exit status, or 128 + the signal that ended it.
  int wait() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, 0) != pid_) return -1;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  fs::path output_;
  pid_t pid_ = -1;
};

// Polls what another process does, for at most 20 seconds.
bool eventually(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

class Programs : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("weir-cameras-" + std::to_string(::getpid()));
    fs::create_directory(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<Process> detector(std::uint16_t port, std::vector<std::string> more = {}) {
    std::vector<std::string> command{WEIR_DETECTOR};
    command.insert(command.end(), more.begin(), more.end());
    auto process = std::make_unique<Process>(
        command, folder_ / "detector.out",
        std::vector<std::string>{"WEIR_ADDRESS=::1", "WEIR_PORT=" + std::to_string(port),
                                 "WEIR_RUN=cameras-1", "WEIR_SITE=hub"});
    EXPECT_TRUE(eventually([&] { return process->output().find('\n') != std::string::npos; }))
        << process->output();
    const std::string line = process->output();
    const std::size_t at = line.find("]:");
    EXPECT_EQ(line.rfind("listening on [::1]:", 0), 0u) << line;
    if (at != std::string::npos) port_ = static_cast<std::uint16_t>(std::stoi(line.substr(at + 2)));
    return process;
  }

  std::unique_ptr<Process> camera(std::vector<std::string> more) {
    std::vector<std::string> command{WEIR_CAMERA,       "--service",  "[::1]:" + std::to_string(port_),
                                     "--ingress",       "street-a",   "--report",
                                     report().string(), "--pictures", "20"};
    command.insert(command.end(), more.begin(), more.end());
    return std::make_unique<Process>(command, folder_ / "camera.out");
  }

  fs::path report() const { return folder_ / "report.jsonl"; }
  std::size_t lines() const {
    const std::string text = content_of(report());
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  Summary summary() const {
    std::ifstream file(report());
    const auto result = summarise({&file}, {"report.jsonl"});
    if (!result) throw std::runtime_error(result.error());
    return *result;
  }

  fs::path folder_;
  std::uint16_t port_ = 0;
};

TEST_F(Programs, FindPeopleOnRealFootage) {
  const auto server = detector(0);
  const auto player = camera({"--streams", "2", "--duration", "5", "--bind", "::1", "--promise", "5000"});
  ASSERT_EQ(player->wait(), 0) << player->output();
  const Summary seen = summary();
  ASSERT_EQ(seen.streams.size(), 2u);
  EXPECT_EQ(seen.total.frames, 20);
  EXPECT_EQ(seen.total.lost, 0);
  EXPECT_GT(seen.total.boxes, 0);
  EXPECT_EQ(seen.total.sites, std::vector<std::string>{"hub"});
  // 2 Mbit/s at 2 frames a second are 125,000 bytes each.
  EXPECT_LE(seen.total.bytes / seen.total.frames, 125'000);
  ASSERT_TRUE(seen.total.latency.p50_us.has_value());
  EXPECT_GT(*seen.total.latency.p50_us, 5'000);
  EXPECT_LT(*seen.total.latency.p50_us, 500'000);
  EXPECT_NE(player->output().find("20 pictures of 768x576"), std::string::npos) << player->output();

  Process table({WEIR_CAMERA_TABLE, report().string()}, folder_ / "table.out");
  EXPECT_EQ(table.wait(), 0);
  EXPECT_NE(table.output().find("people found: "), std::string::npos) << table.output();
  Process window({WEIR_CAMERA_TABLE, report().string(), "--json", "--to", "1"}, folder_ / "table.out");
  EXPECT_EQ(window.wait(), 0);
  EXPECT_NE(window.output().find("\"frames\":0"), std::string::npos) << window.output();

  const std::string status = content_of("/proc/" + std::to_string(server->pid()) + "/status");
  const long peak_kib = std::stol(status.substr(status.find("VmHWM:") + 6));
  EXPECT_LT(peak_kib, WEIR_RSS_KIB_MAX);
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), 0);
}

TEST_F(Programs, FramesAreLostWhileTheDetectorIsDeadAndTheCameraComesBack) {
  auto server = detector(0);
  const auto player = camera({"--streams", "2"});
  ASSERT_TRUE(eventually([&] { return lines() >= 6; }));
  server->signal(SIGKILL);
  EXPECT_EQ(server->wait(), 128 + SIGKILL);
  const auto lost = [&] { return content_of(report()).find("\"result\":\"lost\"") != std::string::npos; };
  ASSERT_TRUE(eventually(lost));
  server = detector(port_);
  const std::size_t before = lines();
  ASSERT_TRUE(eventually([&] { return lines() >= before + 12; }));
  player->signal(SIGTERM);
  EXPECT_EQ(player->wait(), 0) << player->output();
  const Summary seen = summary();
  EXPECT_GT(seen.total.lost, 0);
  ASSERT_FALSE(seen.outages.empty());
  for (const Outage& outage : seen.outages) EXPECT_TRUE(outage.repaired_at_us.has_value());
  EXPECT_EQ(seen.first_loss_at_us, seen.outages[0].began_at_us);
  EXPECT_GT(seen.total.frames - seen.total.lost, 6);
  EXPECT_NE(player->output().find("answered after"), std::string::npos) << player->output();
}

TEST_F(Programs, ATerminatedDetectorAnswersWhatItHas) {
  const auto server = detector(0);
  const auto player = camera({"--streams", "1", "--fps", "4", "--duration", "3"});
  ASSERT_TRUE(eventually([&] { return lines() >= 2; }));
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), 0);
  EXPECT_EQ(player->wait(), 0);
  for (const Outage& outage : summary().outages) EXPECT_FALSE(outage.repaired_at_us.has_value());
  // Every lost frame was lost because nobody listens any more; none under an open connection.
  EXPECT_EQ(content_of(report()).find("connection broken"), std::string::npos) << content_of(report());
}

TEST_F(Programs, TheDetectorRefusesWhatIsNoPicture) {
  const auto server = detector(0, {"--body-max", "2000", "--read-timeout", "100"});
  TestClient client(port_);
  const auto response = client.request("POST", "/detect", "GIF89a, really");
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("not a JPEG picture"), std::string::npos) << response.body;
  EXPECT_EQ(client.request("POST", "/detect", std::string(2000, 'x')).status, 400);
  EXPECT_EQ(client.request("POST", "/detect", std::string(2001, 'x')).status, 413);
}

TEST_F(Programs, BadInputEndsWithAReason) {
  struct Case {
    std::vector<std::string> command;
    int status;
    std::string text;
  };
  std::ofstream(folder_ / "bad.jsonl") << "{\"kind\":7}\n";
  const std::vector<Case> cases{
      {{WEIR_CAMERA, "--service", "[::1]:1", "--video", "/nowhere.avi"}, 1, "opencv-doc"},
      {{WEIR_CAMERA, "--service", "nowhere"}, 1, "[fd00::1]:8080"},
      {{WEIR_CAMERA, "--service", "[::1]:1", "--report", "/nowhere/r"}, 1, "--report"},
      {{WEIR_CAMERA, "--service", "[::1]:1", "--streams", "0"}, 105, "--streams"},
      {{WEIR_CAMERA, "--service", "[::1]:1", "--streams", "257"}, 105, "--streams"},
      {{WEIR_CAMERA, "--service", "[::1]:1", "--fps", "31"}, 105, "--fps"},
      {{WEIR_CAMERA, "--service", "[::1]:1", "--quality", "101"}, 105, "--quality"},
      {{WEIR_CAMERA}, 106, "--service"},
      {{WEIR_DETECTOR, "--address", "nowhere"}, 1, "WEIR_ADDRESS"},
      {{WEIR_DETECTOR, "--port", "65536"}, 104, "port"},
      {{WEIR_DETECTOR, "--pyramid-step", "1009"}, 105, "--pyramid-step"},
      {{WEIR_CAMERA_TABLE, "/nowhere"}, 1, "cannot be read"},
      {{WEIR_CAMERA_TABLE, (folder_ / "bad.jsonl").string()}, 1, "bad.jsonl:1: \"kind\""},
  };
  for (const Case& test : cases) {
    Process process(test.command, folder_ / "bad.out");
    EXPECT_EQ(process.wait(), test.status) << process.output();
    EXPECT_NE(process.output().find(test.text), std::string::npos) << process.output();
  }
}

TEST_F(Programs, AFullDiskIsReported) {
  const auto server = detector(0);
  Process process({WEIR_CAMERA, "--service", "[::1]:" + std::to_string(port_), "--report", "/dev/full",
                   "--pictures", "1", "--duration", "3"},
                  folder_ / "full.out");
  EXPECT_EQ(process.wait(), 1);
  EXPECT_NE(process.output().find("disk full"), std::string::npos) << process.output();
}

}  // namespace
}  // namespace city_cameras
