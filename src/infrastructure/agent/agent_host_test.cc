#include "infrastructure/agent/agent_host.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>

#include "infrastructure/agent/fake_brain_for_test.h"
#include "infrastructure/agent/fakes_for_test.h"
#include "infrastructure/posix/unique_fd.h"

namespace weir::agent::test {
namespace {

namespace fs = std::filesystem;
constexpr RunId kRun{5, 0};

class AgentHostTest : public ::testing::Test {
 protected:
  AgentHostTest() {
    folder_ = fs::temp_directory_path() / ("weir-agent-test-" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    brain_ = std::make_unique<FakeBrain>((folder_ / "ca").string());
  }
  ~AgentHostTest() override {
    host_.reset();
    brain_.reset();
    fs::remove_all(folder_);
  }

  BrainLinkOptions link(const std::string& state = "state") {
    return {.brain = brain_->endpoint(),
            .identity_folder = folder_ / state / "identity",
            .silence_us_max = 2'000'000,
            .retry_us_max = 200'000};
  }
  Status joins(const std::string& token, const std::string& state = "state") {
    return join(link(state), "hub", token, "test", system_clock());
  }
  void begin(const std::string& token = "") {
    AgentHost::Options options;
    options.agent.site = "hub";
    options.agent.heartbeat_us = 100'000;
    options.agent.usage_us = 1'000'000;
    options.agent.resend_us = 500'000;
    options.agent.registered = {{"detector", "/usr/lib/city/detector"}};
    options.link = link();
    options.link.token = token;
    options.state_folder = folder_ / "state";
    SelfDescription self;
    self.version = "test";
    self.boot = 77;
    self.node.spec = {.name = "n", .cpu_milli = 350, .memory_mib = 256, .speed_milli = 900};
    auto host =
        AgentHost::open({.site = site_,
                         .store_artifact = [this](const fs::path& from, const std::string& digest) -> Status {
                           std::ifstream file(from, std::ios::binary);
                           stored_ = {std::istreambuf_iterator<char>(file), {}};
                           const std::lock_guard lock(site_.mutex);
                           site_.artifacts.insert(digest);
                           return {};
                         },
                         .paths = &paths_,
                         .addresses = &addresses_,
                         .probes = false,
                         .accepts = [](const std::string&, uint16_t) { return true; },
                         .say =
                             [this](bool, const std::string& text) {
                               const std::lock_guard lock(said_mutex_);
                               said_ += text + "\n";
                               said_changed_.notify_all();
                             }},
                        options, self);
    ASSERT_TRUE(host) << host.error().text();
    host_ = std::move(*host);
  }
  void join_and_begin() {
    const Status joined = joins(brain_->token("hub"));
    ASSERT_TRUE(joined) << joined.error().text();
    begin();
  }
  bool says(const std::string& text) {
    std::unique_lock lock(said_mutex_);
    return said_changed_.wait_for(lock, std::chrono::seconds(20),
                                  [&] { return said_.find(text) != std::string::npos; });
  }
  static SiteDirective with_run(Position version) {
    SiteDirective out{.version = version, .brain_epoch = 1, .lease_us = 5'000'000};
    out.runs = {service_run(kRun)};
    return out;
  }
  static bool running(const v1::Observation& o) {
    return o.runs_size() == 1 && o.runs(0).state() == v1::RUN_STATE_RUNNING && o.runs(0).ready() &&
           o.settled();
  }

  fs::path folder_;
  std::unique_ptr<FakeBrain> brain_;
  FakeSite site_;
  FakePaths paths_;
  FakeAddresses addresses_;
  std::string stored_;
  std::mutex said_mutex_;
  std::condition_variable said_changed_;
  std::string said_;
  std::unique_ptr<AgentHost> host_;
};

TEST_F(AgentHostTest, JoinsAttachesStartsAndStops) {
  join_and_begin();
  ASSERT_TRUE(brain_->heard([](const auto& all) {
    return !all.empty() && all[0].hello().site() == "hub" && all[0].hello().boot() == 77 &&
           all[0].hello().nodes(0).spec().cpu_milli() == 350;
  })) << "Hello comes first, with the site of the certificate";
  brain_->direct(with_run(7));
  EXPECT_TRUE(brain_->hears_observation(running));
  EXPECT_TRUE(brain_->heard([](const auto& all) {
    return std::count_if(all.begin(), all.end(), [](const auto& m) { return m.has_heartbeat(); }) >= 3;
  }));
  brain_->direct({.version = 8, .brain_epoch = 1, .lease_us = 5'000'000});
  EXPECT_TRUE(brain_->hears_observation([](const v1::Observation& o) {
    return o.applied_version() == 8 && o.settled() && o.runs_size() == 0;
  }));
  EXPECT_FALSE(site_.has(kRun));
}

TEST_F(AgentHostTest, AUsedTokenJoinsNobodyElse) {
  const std::string token = brain_->token("hub");
  ASSERT_TRUE(joins(token));
  const Status again = joins(token, "other");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict) << again.error().text();
  EXPECT_FALSE(fs::exists(folder_ / "other" / "identity" / "identity.pem"));
}

TEST_F(AgentHostTest, AnotherCaIsRefusedBeforeTheTokenIsShown) {
  const Status joined = joins(brain_->token("hub", std::string(64, 'a')));
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::kDenied) << joined.error().text();
  EXPECT_FALSE(fs::exists(folder_ / "state" / "identity" / "identity.pem"));
}

TEST_F(AgentHostTest, NobodyAttachesWithoutJoining) {
  AgentHost::Options options;
  options.link = link();
  options.state_folder = folder_ / "state";
  const auto host = AgentHost::open({.site = site_, .say = [](bool, const std::string&) {}}, options, {});
  ASSERT_FALSE(host);
  EXPECT_EQ(host.error().code, ErrorCode::kNotFound);
}

TEST_F(AgentHostTest, ComesBackAfterTheBrainAndSaysAgainWhatWasNotAcknowledged) {
  join_and_begin();
  brain_->acknowledges = false;
  brain_->direct(with_run(7));
  ASSERT_TRUE(brain_->hears_observation(running));
  const auto usage = [](const auto& all) {
    return std::any_of(all.begin(), all.end(),
                       [](const auto& m) { return m.has_usage() && m.sequence() == 1; });
  };
  ASSERT_TRUE(brain_->heard(usage));
  brain_->stop();
  brain_->clear();
  brain_->acknowledges = true;
  brain_->restart();
  ASSERT_TRUE(brain_->hears_hello(1));
  EXPECT_TRUE(brain_->heard(usage)) << "under the same number";
  EXPECT_TRUE(brain_->hears_observation(running)) << "the run went on";
  EXPECT_EQ(site_.starts, 1);
  host_.reset();
  EXPECT_TRUE(site_.has(kRun)) << "runs outlive the agent";
  brain_->clear();
  begin();
  brain_->direct(with_run(7));
  EXPECT_TRUE(brain_->hears_observation(running));
  EXPECT_EQ(site_.starts, 1) << "taken up, not started again";
}

TEST_F(AgentHostTest, OvertakenAndRepeatedDirectivesChangeNothing) {
  join_and_begin();
  brain_->direct(with_run(7));
  brain_->direct({.version = 6, .brain_epoch = 1});
  brain_->direct(with_run(7));
  ASSERT_TRUE(brain_->hears_observation(running));
  SiteDirective held{.version = 9, .brain_epoch = 2, .held = true};
  brain_->direct(held);
  ASSERT_TRUE(
      brain_->hears_observation([](const v1::Observation& o) { return o.applied_brain_epoch() == 2; }));
  EXPECT_EQ(site_.starts, 1);
  EXPECT_EQ(site_.stops, 0);
}

TEST_F(AgentHostTest, FetchesArtifactsAndGoesOnWhereItStopped) {
  join_and_begin();
  const std::string digest(64, 'd');
  std::string bytes(2500, 'x');
  bytes[2400] = 'y';
  brain_->artifacts[digest] = bytes;
  fs::create_directories(folder_ / "state" / "fetched");
  std::ofstream(folder_ / "state" / "fetched" / digest, std::ios::binary) << bytes.substr(0, 700);
  SiteDirective d = with_run(7);
  d.runs[0].workload.digest = digest;
  brain_->direct(d);
  ASSERT_TRUE(brain_->hears_observation(running));
  EXPECT_EQ(stored_, bytes);
  EXPECT_FALSE(fs::exists(folder_ / "state" / "fetched" / digest));
}

TEST_F(AgentHostTest, AFetchEndsWithItsConnectionAndGoesOnOverTheNext) {
  join_and_begin();
  const std::string digest(64, 'd');
  brain_->artifacts[digest] = std::string(2500, 'x');
  brain_->artifact_stalls = 1;
  SiteDirective d = with_run(7);
  d.runs[0].workload.digest = digest;
  brain_->direct(d);
  ASSERT_TRUE(brain_->wait_for_stall());
  // The stream dies of silence; the stalled fetch must not hold up the next for as long as TCP is patient.
  brain_->clear();
  brain_->mute = true;
  ASSERT_TRUE(brain_->hears_hello(1));
  brain_->directs_again = true;  // this stream too may die of silence before it is said
  brain_->mute = false;
  brain_->direct(d);
  EXPECT_TRUE(brain_->hears_observation(running));
  EXPECT_EQ(stored_, brain_->artifacts[digest]);
}

TEST_F(AgentHostTest, ACertificateIsRenewedAndTheAgentComesBackWithIt) {
  brain_->validity_s = 3;
  join_and_begin();
  ASSERT_TRUE(brain_->hears_hello(2)) << "a second stream, under the new certificate";
  EXPECT_GE(brain_->renewals, 1);
}

TEST_F(AgentHostTest, ANewTokenBuysANewIdentityAndAnOldOneNothing) {
  const std::string first = brain_->token("hub");
  ASSERT_TRUE(joins(first));
  begin(first);
  ASSERT_TRUE(brain_->hears_hello(1));
  EXPECT_EQ(brain_->joins, 1) << "the token that bought the identity is not shown again";
  const auto serial = [this] {
    return identity::AgentStore(folder_ / "state" / "identity").load()->info.serial;
  };
  const std::string old_serial = serial();
  host_.reset();
  brain_->clear();
  begin(brain_->token("hub"));
  ASSERT_TRUE(says("joined anew"));
  ASSERT_TRUE(brain_->hears_hello(1));
  EXPECT_EQ(brain_->joins, 2);
  EXPECT_NE(serial(), old_serial);
  host_.reset();
  brain_->clear();
  const std::string new_serial = serial();
  begin(first);
  ASSERT_TRUE(says("the new token cannot be used")) << "it was used by another key";
  ASSERT_TRUE(brain_->hears_hello(1)) << "what it has is still good";
  EXPECT_EQ(serial(), new_serial);
}

TEST_F(AgentHostTest, AWrongClockIsNamedWhenTheHandshakeFails) {
  join_and_begin();
  ASSERT_TRUE(brain_->hears_hello(1));
  brain_->clock_ahead_s = 3 * 86400 + 2 * 3600 + 600;
  brain_->restart();
  EXPECT_TRUE(says("3 d 2 h earlier; a clock is wrong, most likely the one here")) << said_;
  brain_->clock_ahead_s = 0;
  brain_->clear();
  brain_->restart();
  EXPECT_TRUE(brain_->hears_hello(1));
}

TEST_F(AgentHostTest, ClientsReportPromisesThroughASocket) {
  join_and_begin();
  brain_->direct(with_run(7));
  ASSERT_TRUE(brain_->hears_observation(running));
  const posix::UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::strncpy(to.sun_path, (folder_ / "state" / "promise.sock").c_str(), sizeof to.sun_path - 1);
  const TimeUs now = system_clock().wall_us();
  const std::string line =
      "nonsense\n{\"intent\":\"city/"
      "cameras\",\"samples\":40,\"misses\":1,\"lost\":0,\"p50_us\":5,\"p99_us\":9,\"from\":" +
      std::to_string(now - 1'000'000) + ",\"to\":" + std::to_string(now) + "}\n";
  ASSERT_EQ(sendto(fd.get(), line.data(), line.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
            static_cast<ssize_t>(line.size()));
  EXPECT_TRUE(brain_->heard([](const auto& all) {
    return std::any_of(all.begin(), all.end(), [](const auto& m) {
      return m.has_promise() && m.promise().samples() == 40 && m.sequence() != 0;
    });
  }));
}

TEST_F(AgentHostTest, LogsAreReadThroughTheDriver) {
  join_and_begin();
  brain_->direct(with_run(7));
  ASSERT_TRUE(brain_->hears_observation(running));
  site_.log = "hello\n";
  v1::BrainMessage ask;
  ask.mutable_log_request()->set_request(3);
  ask.mutable_log_request()->mutable_run()->set_plan(5);
  ask.mutable_log_request()->set_bytes_max(100);
  brain_->say(ask);
  EXPECT_TRUE(brain_->heard([](const auto& all) {
    return std::any_of(all.begin(), all.end(), [](const auto& m) {
      return m.has_log() && m.log().data() == "hello\n" && m.log().request() == 3;
    });
  }));
}

}  // namespace
}  // namespace weir::agent::test
