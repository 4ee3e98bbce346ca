#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

#include "core/event/codec.h"
#include "core/ledger/memory_log_store.h"
#include "core/ledger/merkle.h"
#include "core/ledger/proof_text.h"
#include "core/loop/admit.h"
#include "core/loop/labels.h"
#include "core/ports/brain.h"
#include "core/ports/clock.h"
#include "core/ports/history.h"
#include "infrastructure/store/views.h"
#include "intelligence/language/understand.h"
#include "intelligence/language_model/language_model.h"
#include "orchestration/plan/decide.h"
#include "orchestration/queue/queue_report.h"
#include "security/identity/join_token.h"
#include "security/identity/user_token.h"
#include "service/gateway/service.h"

namespace weir::gateway {

class TestClock : public Clock {
 public:
  TimeUs wall_us() override { return wall; }
  TimeUs steady_us() override { return steady; }
  std::atomic<TimeUs> wall{1'800'000'000'000'000};
  std::atomic<TimeUs> steady{1'000'000};
};

// Applies what is proposed at once, in the caller's thread.
class TestBrain : public Brain, public LogReader, public History {
 public:
  TestBrain() {
    record("brain", DomainCreated{.name = "test", .scarcity_core_hour = kCredit, .service_prefix = "fd77:77::/64"});
  }
  ~TestBrain() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  void record(const std::string& actor, EventBody body) {
    std::vector<Notify> told;
    Position version = 0;
    {
      const std::lock_guard lock(mutex_);
      const Event event{clock.wall_us(), actor, std::move(body)};
      std::vector<std::byte> bytes;
      encode(event, bytes);
      const Bytes record(bytes);
      (void)log_.append({&record, 1}, LogStore::Urgency::kOrdinary);
      (void)log_.flush();
      tree_.append(leaf_hash(record));
      Graph next = *graph_;
      (void)next.apply(event);
      version = next.version();
      graph_ = std::make_shared<const Graph>(std::move(next));
      for (const auto& [token, notify] : subscribers_) told.push_back(notify);
    }
    for (const Notify& notify : told) notify(version);
  }
  void propose(std::vector<Proposal> proposals, Reply reply) override {
    Admitted out;
    Graph trial = *durable();
    for (const Proposal& proposal : proposals) {
      auto admission = admit(trial, proposal.body, clock.wall_us());
      if (!admission) return reply(tl::unexpected(admission.error()));
      out.positions.push_back(admission->changes ? trial.version() : kNoPosition);
      if (admission->changes) trial.apply(Event{clock.wall_us(), proposal.actor, admission->body});
    }
    for (const Proposal& proposal : proposals) {
      auto admission = admit(*durable(), proposal.body, clock.wall_us());
      if (admission->changes) record(proposal.actor, std::move(admission->body));
    }
    out.version = durable()->version();
    reply(out);
  }
  // Decides every intent that waits.
  void decide() {
    for (size_t i = 0; i < durable()->intent_count(); ++i) {
      if (!needs_decision(*durable(), IntentId(i))) continue;
      Decision decision = planner_.decide(*durable(), IntentId(i));
      if (auto* plan = std::get_if<Plan>(&decision)) {
        (void)give_labels(*durable(), *plan);
        record("brain", PlanCommitted{std::move(*plan)});
      } else {
        record("brain", IntentRefused{std::get<Refusal>(decision)});
      }
    }
  }
  Snapshot durable() const override {
    const std::lock_guard lock(mutex_);
    ++reads_;
    read_.notify_all();
    return graph_;
  }
  // How often the durable state was asked for.
  uint64_t reads() const {
    const std::lock_guard lock(mutex_);
    return reads_;
  }
  // Waits until it was asked for more often than that.
  [[nodiscard]] bool read_beyond(uint64_t count) const {
    std::unique_lock lock(mutex_);
    return read_.wait_for(lock, std::chrono::seconds(20), [&] { return reads_ > count; });
  }
  uint64_t subscribe(Notify notify) override {
    const std::lock_guard lock(mutex_);
    subscribers_[++last_] = std::move(notify);
    return last_;
  }
  void unsubscribe(uint64_t token) override {
    const std::lock_guard lock(mutex_);
    subscribers_.erase(token);
  }
  bool attached(SiteId, uint64_t, Hello) override { return true; }
  bool detached(SiteId, uint64_t) override { return true; }
  bool reported(SiteId, uint64_t, std::vector<Report>, std::function<void()>) override { return true; }
  bool heartbeat(SiteId, uint64_t) override { return true; }

  Position durable_end() const override {
    const std::lock_guard lock(mutex_);
    return log_.durable_end();
  }
  Status read(Position from, Position to, const std::function<Status(Position, Bytes)>& visit) const override {
    const std::lock_guard lock(mutex_);
    return log_.read(from, to, visit);
  }
  Result<std::optional<Checkpoint>> newest_checkpoint() const override { return std::optional<Checkpoint>(); }

  // History: by the real views, which are up to date whenever they are asked, unless a test holds them back.
  Position size() const override { return views().position(); }
  Status wait_for(Position size, TimeUs) override {
    if (views().position() >= size) return {};
    return fail(ErrorCode::kUnavailable, "the history is behind");
  }
  Result<Bill> bill(const std::string& tenant, TimeUs from, TimeUs to) const override {
    return views().bill(tenant, from, to);
  }
  Result<std::vector<EventRow>> events(const EventFilter& filter) const override { return views().events(filter); }
  RunHistory run(RunId run) const override { return *views().run(run); }
  std::optional<PromiseHistory> measured(IntentId intent) const override { return *views().measured(intent); }
  std::string why(SiteId site) const override { return *views().why(store::Views::Of::kSite, site.value); }
  std::string why(LinkId link) const override { return *views().why(store::Views::Of::kLink, link.value); }
  std::string why(IntentId intent) const override { return *views().why(store::Views::Of::kPromise, intent.value); }
  std::string failure(IntentId intent) const override {
    return *views().why(store::Views::Of::kFailure, intent.value);
  }

  Ports ports() {
    return {
        .brain = *this,
        .clock = clock,
        .log = *this,
        .history = *this,
        .queues = queues,
        .ledger_head =
            [this] {
              const std::lock_guard lock(mutex_);
              return tree_.head();
            },
        .prove_record = [this](Position at, uint64_t size) -> Result<InclusionProof> {
          const std::lock_guard lock(mutex_);
          auto hashes = tree_.prove_inclusion(at, size);
          if (!hashes) return tl::unexpected(hashes.error());
          return InclusionProof{at, {}, {size, *tree_.root(size)}, *hashes};
        },
        .prove_growth = [](uint64_t, uint64_t) -> Result<ConsistencyProof> {
          return fail(ErrorCode::kUnsupported, "not in this test");
        },
        .decide = [](const Graph& graph, IntentId intent) { return JointPlanner().decide(graph, intent); },
        .artifact_digest = [](std::string_view) { return std::optional<std::string>(); },
        .contact = [](SiteId) { return std::optional<SiteContact>(); },
        .path_traffic = [this](SiteId site, uint16_t label) -> std::optional<PathTraffic> {
          const auto found = traffic.find({site, label});
          return found == traffic.end() ? std::nullopt : std::optional(found->second);
        },
        .read_log = read_log,
        .ca_sha256 = std::string(64, 'a'),
        .understand = language::understand_by(language::built_in_model())};
  }

  // A user's token, as the Authorization header has it.
  std::string token(Role role, const std::string& subject, int64_t validity_s = 3600, int64_t age_s = 0) {
    const auto seed = identity::draw_token_seed();
    const int64_t now_s = clock.wall_us() / 1'000'000 - age_s;
    const auto issued = identity::issue_user_token(
        *seed, policy::principal_of(static_cast<policy::Role>(role), subject), now_s, validity_s);
    record("brain", TokenIssued{issued->record.id, issued->record.secret_hash, false, role, subject,
                                issued->record.expires_s * 1'000'000});
    return "Bearer " + std::string(issued->text.reveal());
  }

  // Two sites with a machine each behind one router, and the tenants city and rival.
  void build_region() {
    record("op", TenantDefined{TenantId(0u), "city"});
    record("op", TenantDefined{TenantId(1u), "rival"});
    record("op", RouterDefined{VertexId(0u), "core"});
    const auto site = [&](uint32_t id, const char* name, Nanocredits ask, int32_t cpu) {
      SiteSpec spec{.name = name, .region = "Zhejiang", .residency = {"cn"}, .tier = Tier::kEdge};
      spec.asks = {ask, ask / 10, 0};
      spec.power = {3000, 9000, 1200, 500'000};
      record("op", SiteDefined{SiteId(id), VertexId(id + 1), spec});
      record("op", NodesReported{SiteId(id), NodeId(id), {NodeSpec{"n0", cpu, 4096, 0, "", 1000}}});
      record("op", SiteStateChanged{SiteId(id), Liveness::kUp, "attached"});
    };
    site(0, "street", 1'200'000'000, 500);
    site(1, "metro", 400'000'000, 4000);
    site(2, "hub", 200'000'000, 8000);
    const auto link = [&](uint32_t id, const char* name, uint32_t a, int64_t latency_us) {
      record("op", LinkDefined{LinkId(id), {.name = name, .a = VertexId(a), .b = VertexId(0u),
                                            .bandwidth_bps = 1'000'000'000, .latency_us = latency_us,
                                            .per_gbps_hour = 50'000'000}});
    };
    link(0, "street-core", 1, 500);
    link(2, "metro-core", 2, 1'000);
    link(4, "hub-core", 3, 20'000);
  }
  IntentSpec cameras() const {
    IntentSpec spec{.name = "cameras", .from = {{SiteId(0u), 4}}};
    spec.workload = {.artifact = "detector", .port = 8080, .cpu_milli = 1000, .memory_mib = 256, .streams_per_instance = 2};
    spec.traffic = {2'000'000, 50'000, 2'000, 30'000};
    spec.promise = {500'000, 990'000, 0};
    return spec;
  }

  TestClock clock;
  queue::ReportedQueues queues;
  Position history_end = kNoPosition;  // the views go no further
  void forget_history() {
    const std::lock_guard lock(mutex_);
    views_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::map<std::pair<SiteId, uint16_t>, PathTraffic> traffic;
  decltype(Ports::read_log) read_log = [](SiteId, RunId, uint64_t, bool, uint64_t,
                                          std::function<void(LogPiece)>) -> Result<std::function<void()>> {
    return fail(ErrorCode::kUnavailable, "the site's agent is not attached");
  };

 private:
  store::Views& views() const {
    const std::lock_guard lock(mutex_);
    if (!views_) {
      std::string pattern = std::filesystem::temp_directory_path() / "weir-brain-XXXXXX";
      folder_ = ::mkdtemp(pattern.data()) != nullptr ? pattern : "";
      views_ = std::move(*store::Views::open(folder_ + "/views.sqlite", store::LedgerId{}));
    }
    (void)views_->update(log_, history_end);
    return *views_;
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable read_;
  mutable uint64_t reads_ = 0;
  Snapshot graph_ = std::make_shared<const Graph>();
  InMemoryLogStore log_;
  mutable std::string folder_;
  mutable std::unique_ptr<store::Views> views_;
  MerkleTree tree_;
  JointPlanner planner_;
  std::map<uint64_t, Notify> subscribers_;
  uint64_t last_ = 0;
};

}  // namespace weir::gateway
