#include "infrastructure/store/views_follower.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/event/codec.h"
#include "core/ledger/memory_log_store.h"

namespace weir::store {
namespace {

constexpr TimeUs kPatienceUs = 20'000'000;  // of a loaded machine; nothing waits so long
const LedgerId kLedger{std::byte{1}};

// What the follower needs of a brain: a ledger that grows, and its durable state.
class GrowingBrain final : public Brain, public LogReader {
 public:
  void write(EventBody body) { write_bytes(Event{5, "test", std::move(body)}); }
  void write_bytes(const Event& event) {
    std::vector<std::byte> bytes;
    encode(event, bytes);
    append(bytes);
    std::map<uint64_t, Notify> told;
    {
      const std::lock_guard lock(mutex_);
      auto next = std::make_shared<Graph>(*graph_);
      next->apply(event);
      graph_ = std::move(next);
      told = notify_;
    }
    for (const auto& [token, notify] : told) notify(0);
  }
  void append(Bytes record) {
    const std::lock_guard lock(mutex_);
    ASSERT_TRUE(log_.append({&record, 1}, LogStore::Urgency::kOrdinary));
    ASSERT_TRUE(log_.flush());
  }

  void propose(std::vector<Proposal>, Reply) override {}
  Snapshot durable() const override {
    const std::lock_guard lock(mutex_);
    return graph_;
  }
  uint64_t subscribe(Notify notify) override {
    const std::lock_guard lock(mutex_);
    notify_[++last_] = std::move(notify);
    return last_;
  }
  void unsubscribe(uint64_t token) override {
    const std::lock_guard lock(mutex_);
    notify_.erase(token);
  }
  bool attached(SiteId, uint64_t, Hello) override { return true; }
  bool detached(SiteId, uint64_t) override { return true; }
  bool reported(SiteId, uint64_t, std::vector<Report>, std::function<void()>) override { return true; }
  bool heartbeat(SiteId, uint64_t) override { return true; }

  Position durable_end() const override {
    const std::lock_guard lock(mutex_);
    return log_.durable_end();
  }
  Status read(Position from, Position to,
              const std::function<Status(Position, Bytes)>& visit) const override {
    const std::lock_guard lock(mutex_);
    return log_.read(from, to, visit);
  }
  Result<std::optional<Checkpoint>> newest_checkpoint() const override { return std::optional<Checkpoint>(); }

 private:
  mutable std::mutex mutex_;
  InMemoryLogStore log_;
  Snapshot graph_ = std::make_shared<const Graph>();
  std::map<uint64_t, Notify> notify_;
  uint64_t last_ = 0;
};

class ViewsFollowerTest : public testing::Test {
 protected:
  ViewsFollowerTest() {
    std::string pattern = testing::TempDir() + "weir-follower-XXXXXX";
    folder = ::mkdtemp(pattern.data()) != nullptr ? pattern : "";
    path = folder + "/views.sqlite";
    brain.write(DomainCreated{.name = "lab"});
    for (uint32_t t = 0; t < 50; ++t) brain.write(TenantDefined{TenantId(t), "t" + std::to_string(t)});
  }
  ~ViewsFollowerTest() override { std::filesystem::remove_all(folder); }

  std::unique_ptr<ViewsFollower> follow() {
    return std::make_unique<ViewsFollower>(path, kLedger, brain, brain, [this](const Error& error) {
      const std::lock_guard lock(said_mutex);
      said.push_back(error.text());
    });
  }
  size_t count_events(const ViewsFollower& views) {
    const auto rows = views.events({});
    EXPECT_TRUE(rows) << rows.error().text();
    return rows ? rows->size() : 0;
  }

  std::string folder, path;
  GrowingBrain brain;
  std::mutex said_mutex;
  std::vector<std::string> said;
};

TEST_F(ViewsFollowerTest, FollowsTheBrainAndGoesOnAfterARestart) {
  auto views = follow();
  ASSERT_TRUE(views->wait_for(51, kPatienceUs));
  EXPECT_EQ(count_events(*views), 51u);
  brain.write(BrainStarted{"v", 1});
  ASSERT_TRUE(views->wait_for(52, kPatienceUs));
  views = nullptr;
  brain.write(BrainStarted{"v", 2});
  views = follow();
  ASSERT_TRUE(views->wait_for(53, kPatienceUs));
  EXPECT_EQ(count_events(*views), 53u);
  EXPECT_TRUE(said.empty());
}

TEST_F(ViewsFollowerTest, SaysHowFarItIsWhenNobodyWantsToWait) {
  auto views = follow();
  const Status early = views->wait_for(1'000, 1);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(early.error().what.find("of 1000 events"), std::string::npos) << early.error().text();
}

TEST_F(ViewsFollowerTest, AFileThatIsDamagedWhileInUseIsMadeAnew) {
  auto views = follow();
  ASSERT_TRUE(views->wait_for(51, kPatienceUs));
  views = nullptr;
  const auto size = std::filesystem::file_size(path);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    const std::string noise(size - 4096, '\x5a');
    file.write(noise.data(), static_cast<std::streamsize>(noise.size()));
  }
  views = follow();
  brain.write(BrainStarted{"v", 1});
  // The first questions may meet the damage.
  for (Position at = 52; at < 60; ++at) {
    (void)views->wait_for(at, kPatienceUs);
    (void)views->events({});
    (void)views->bill("", 0, 10);
    (void)views->why(SiteId(0u));
    brain.write(BrainStarted{"v", at});
  }
  ASSERT_TRUE(views->wait_for(60, kPatienceUs));
  EXPECT_EQ(count_events(*views), 60u);
}

TEST_F(ViewsFollowerTest, SaysOnceWhatItCannotReadAndKeepsWhatCameBefore) {
  const std::string garbage = "\xff\xff\xff not an event";
  brain.append(std::as_bytes(std::span(garbage)));
  brain.write(BrainStarted{"v", 1});
  brain.write(BrainStarted{"v", 2});  // the durable state counts one record less than the ledger has
  auto views = follow();
  const Status there = views->wait_for(53, kPatienceUs);
  ASSERT_FALSE(there);
  EXPECT_NE(there.error().text().find("record 51"), std::string::npos) << there.error().text();
  EXPECT_EQ(views->size(), 51u);
  EXPECT_EQ(count_events(*views), 51u);
  const std::lock_guard lock(said_mutex);
  EXPECT_EQ(said.size(), 1u);
}

TEST_F(ViewsFollowerTest, WithoutAPlaceForItsFileItSaysSoAndTriesAgain) {
  path = folder + "/later/views.sqlite";
  auto views = follow();
  const Status there = views->wait_for(51, kPatienceUs);
  ASSERT_FALSE(there);
  EXPECT_NE(there.error().text().find(path), std::string::npos) << there.error().text();
  EXPECT_EQ(views->bill("", 0, 1).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(views->run({1, 0}), RunHistory());
  std::filesystem::create_directory(folder + "/later");
  brain.write(BrainStarted{"v", 1});
  Status now = views->wait_for(52, kPatienceUs);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(kPatienceUs);
  while (!now && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
    now = views->wait_for(52, kPatienceUs);
  }
  ASSERT_TRUE(now) << now.error().text();
}

}  // namespace
}  // namespace weir::store
