#include "bench/request/domain.h"

#include <condition_variable>
#include <ctime>
#include <future>
#include <list>
#include <mutex>
#include <thread>

#include "app/grpc_port.h"
#include "core/event/codec.h"
#include "infrastructure/runtime/loop_thread.h"
#include "infrastructure/runtime/system_clock.h"
#include "infrastructure/store/merkle_follower.h"
#include "infrastructure/store/segment_store.h"
#include "infrastructure/store/views_follower.h"
#include "orchestration/plan/decide.h"
#include "orchestration/queue/graph_queue.h"
#include "orchestration/queue/queue_report.h"
#include "security/identity/authority.h"
#include "security/identity/private_file.h"
#include "security/identity/user_token.h"
#include "service/gateway/grpc_service.h"
#include "service/gateway/rest_server.h"
#include "service/gateway/service.h"

namespace weir::bench {
namespace {

constexpr auto kHeartbeat = std::chrono::milliseconds(300);
constexpr size_t kNodesPerSite = 100;

class NoAgents final : public Wire {
 public:
  void send(const SiteDirective&) override {}
  void drop(SiteId) override {}
};

struct Expected {
  std::string intent;
  std::promise<BenchClock::time_point> committed;
};

class ExpectedCommit final : public Domain::Commit {
 public:
  explicit ExpectedCommit(std::future<BenchClock::time_point> future) : future_(std::move(future)) {}
  Result<BenchClock::time_point> wait(std::chrono::milliseconds patience) override {
    if (future_.wait_for(patience) == std::future_status::ready) return future_.get();
    return fail(ErrorCode::kUnavailable,
                "no plan was committed in " + std::to_string(patience.count()) + " ms");
  }

 private:
  std::future<BenchClock::time_point> future_;
};

Status propose(Brain& brain, std::vector<EventBody> bodies) {
  std::vector<Proposal> proposals;
  for (EventBody& body : bodies) proposals.push_back({"brain", std::move(body)});
  std::promise<Status> done;
  brain.propose(std::move(proposals), [&done](const Result<Admitted>& admitted) {
    done.set_value(admitted ? Status{} : tl::unexpected(admitted.error()));
  });
  return done.get_future().get();
}

SiteSpec site(size_t index) {
  SiteSpec spec{.name = "s" + std::to_string(index), .region = "bench", .residency = {"cn"}, .sid = "fd00:6::" + std::to_string(index)};
  spec.asks = {(20 + static_cast<int64_t>(index)) * (kCredit / 1000), kCredit / 500, 0};
  spec.power = {3000, 9000, 1200, 500'000};
  return spec;
}

}  // namespace

struct Domain::State {
  const queue::ReportedQueues queues;
  runtime::SystemClock clock;
  NoAgents wire;
  std::unique_ptr<store::SegmentStore> log;
  std::unique_ptr<store::MerkleFollower> tree;
  std::unique_ptr<runtime::LoopThread> brain;
  std::unique_ptr<store::ViewsFollower> views;
  std::unique_ptr<gateway::Service> service;
  std::unique_ptr<gateway::GrpcService> grpc;
  std::unique_ptr<app::GrpcPort> port;
  std::unique_ptr<gateway::RestServer> rest;
  std::string authority_pem, bearer;

  // loop thread → `news` → watcher → the promise of each client
  std::mutex mutex;
  std::condition_variable news;
  bool moved = false, stopping = false;
  std::list<Expected> expected;
  uint64_t subscription = 0;
  std::thread watcher, heartbeats;

  Status start(const std::string& folder);
  Status serve(const std::string& folder);
  Status describe_region();
  void watch();
  void beat();
  void stop();
};

Status Domain::State::start(const std::string& folder) {
  auto opened = store::SegmentStore::open(folder + "/ledger");
  if (!opened) return tl::unexpected(opened.error());
  log = std::move(*opened);
  auto follower = store::MerkleFollower::start(*log, log->ledger_id(), folder + "/ledger");
  if (!follower) return tl::unexpected(follower.error());
  tree = std::move(*follower);
  log->on_durable([this](Position end) { tree->notify(end); });
  auto started = runtime::LoopThread::start(
      *log, wire, clock, [] { return std::make_unique<JointPlanner>(); }, std::make_unique<queue::GraphQueue>(), nullptr, nullptr, needs_decision, {}, "bench",
      DomainCreated{.name = "bench", .scarcity_core_hour = kCredit, .service_prefix = "fd77:77::/64"},
      [](const Error& error) { std::fprintf(stderr, "weir bench request: %s\n", error.text().c_str()); });
  if (!started) return tl::unexpected(started.error());
  brain = std::move(*started);
  if (Status described = describe_region(); !described) return described;
  if (Status serving = serve(folder); !serving) return serving;
  subscription = brain->subscribe([this](Position) {
    {
      const std::lock_guard lock(mutex);
      moved = true;
    }
    news.notify_all();
  });
  watcher = std::thread([this] { watch(); });
  heartbeats = std::thread([this] { beat(); });
  return {};
}

Status Domain::State::describe_region() {
  std::vector<EventBody> first = {TenantDefined{{}, kTenant}, RouterDefined{{}, "core"}};
  for (size_t i = 0; i < kSites; ++i) first.push_back(SiteDefined{{}, {}, site(i)});
  if (Status done = propose(*brain, std::move(first)); !done) return done;
  const Snapshot graph = brain->durable();
  std::vector<EventBody> links;
  for (size_t i = 0; i < kSites; ++i) {
    const std::string name = "s" + std::to_string(i);
    links.push_back(LinkDefined{{},
                                LinkSpec{.name = name + "-core",
                                         .a = graph->find_vertex(name),
                                         .b = graph->find_vertex("core"),
                                         .bandwidth_bps = 400'000'000'000,
                                         .latency_us = 500 + 100 * static_cast<int64_t>(i),
                                         .per_gbps_hour = kCredit / 2,
                                         .sid_a = "fd00:5::" + std::to_string(2 * i),
                                         .sid_b = "fd00:5::" + std::to_string(2 * i + 1)}});
  }
  if (Status done = propose(*brain, std::move(links)); !done) return done;
  for (size_t i = 0; i < kSites; ++i) {
    Hello hello{.version = "bench", .steerable = true};
    for (size_t n = 0; n < kNodesPerSite; ++n)
      hello.nodes.push_back({"n" + std::to_string(n), 64'000, 262'144, 0, "", 1000});
    brain->attached(graph->find_site("s" + std::to_string(i)), 1, std::move(hello));
  }
  return {};
}

Status Domain::State::serve(const std::string& folder) {
  const int64_t now_s = std::time(nullptr);
  const auto authority = identity::CertificateAuthority::open_or_create(folder + "/ca", now_s);
  if (!authority) return tl::unexpected(authority.error());
  authority_pem = authority->certificate_pem();
  const auto own = authority->issue_brain({"127.0.0.1", "localhost"}, now_s);
  if (!own) return tl::unexpected(own.error());
  const std::string brain_file = folder + "/brain.pem";
  if (Status written = identity::write_brain_file(brain_file, *own); !written) return written;

  const auto seed = identity::draw_token_seed();
  if (!seed) return tl::unexpected(seed.error());
  const auto token =
      identity::issue_user_token(*seed, policy::principal_of(policy::Role::kTenant, kTenant), now_s, 86'400);
  if (!token) return tl::unexpected(token.error());
  bearer = "Bearer " + std::string(token->text.reveal());
  Status stored = propose(*brain, {TokenIssued{token->record.id, token->record.secret_hash, false,
                                               Role::kTenant, kTenant, token->record.expires_s * 1'000'000}});
  if (!stored) return stored;

  views = std::make_unique<store::ViewsFollower>(folder + "/views.sqlite", log->ledger_id(), *log, *brain,
                                                 [](const Error&) {});
  auto planner = std::make_shared<std::pair<std::mutex, JointPlanner>>();
  service = std::make_unique<gateway::Service>(gateway::Ports{
      .brain = *brain,
      .clock = clock,
      .log = *log,
      .history = *views,
      .queues = queues,
      .ledger_head = [this] { return tree->head(); },
      .prove_record = [this](Position at, uint64_t size) { return tree->prove_inclusion(at, size); },
      .prove_growth = [this](uint64_t old_size,
                             uint64_t size) { return tree->prove_consistency(old_size, size); },
      .decide =
          [planner](const Graph& graph, IntentId intent) {
            const std::lock_guard lock(planner->first);
            return planner->second.decide(graph, intent);
          },
      .artifact_digest = [](std::string_view) { return std::optional<std::string>(); },
      .contact = [](SiteId) { return std::optional<gateway::SiteContact>(); },
      .read_log = [](SiteId, RunId, uint64_t, bool, uint64_t, std::function<void(gateway::LogPiece)>)
          -> Result<std::function<void()>> { return fail(ErrorCode::kUnavailable, "no agent is attached"); },
      .ca_sha256 = authority->fingerprint()});
  grpc = std::make_unique<gateway::GrpcService>(*service);
  auto listening =
      app::GrpcPort::open({.listen = "127.0.0.1:0", .brain_file = brain_file}, {&grpc->service()});
  if (!listening) return tl::unexpected(listening.error());
  port = std::move(*listening);
  auto opened = gateway::RestServer::open(*service, {.listen = "127.0.0.1:0"},
                                          {own->chain_pem, std::string(own->key_pem.reveal())});
  if (!opened) return tl::unexpected(opened.error());
  rest = std::move(*opened);
  return {};
}

void Domain::State::watch() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    news.wait(lock, [this] { return moved || stopping; });
    moved = false;
    const Snapshot graph = brain->durable();
    const auto now = BenchClock::now();
    for (auto at = expected.begin(); at != expected.end();) {
      const IntentId intent = graph->find_intent(kTenant, at->intent);
      if (!intent.valid() || !graph->intent(intent).active) {
        ++at;
        continue;
      }
      at->committed.set_value(now);
      at = expected.erase(at);
    }
  }
}

void Domain::State::beat() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    for (uint32_t i = 0; i < kSites; ++i) brain->heartbeat(SiteId(i), 1);
    news.wait_for(lock, kHeartbeat, [this] { return stopping; });
  }
}

void Domain::State::stop() {
  {
    const std::lock_guard lock(mutex);
    stopping = true;
  }
  news.notify_all();
  if (watcher.joinable()) watcher.join();
  if (heartbeats.joinable()) heartbeats.join();
  if (subscription != 0) brain->unsubscribe(subscription);
  if (rest) rest->stop();
  if (grpc) grpc->stop();
  if (port) port->shutdown(1);
  port.reset();
  grpc.reset();
  rest.reset();
  service.reset();
  views.reset();
  brain.reset();
  tree.reset();
  log.reset();
}

Domain::Domain(std::unique_ptr<State> state) : state_(std::move(state)) {}
Domain::~Domain() { state_->stop(); }

Result<std::unique_ptr<Domain>> Domain::open(const std::string& folder) {
  if (Status made = identity::make_private_folder(folder); !made) return tl::unexpected(made.error());
  std::unique_ptr<Domain> out(new Domain(std::make_unique<State>()));
  if (Status started = out->state_->start(folder); !started) return tl::unexpected(started.error());
  return out;
}

std::string Domain::grpc_endpoint() const { return "127.0.0.1:" + std::to_string(state_->port->port()); }
std::string Domain::rest_endpoint() const { return "127.0.0.1:" + std::to_string(state_->rest->port()); }
const std::string& Domain::authority_pem() const { return state_->authority_pem; }
const std::string& Domain::bearer() const { return state_->bearer; }

std::unique_ptr<Domain::Commit> Domain::expect(const std::string& intent) {
  std::promise<BenchClock::time_point> committed;
  auto out = std::make_unique<ExpectedCommit>(committed.get_future());
  const std::lock_guard lock(state_->mutex);
  state_->expected.push_back({intent, std::move(committed)});
  return out;
}

Result<Domain::RecordBytes> Domain::record_bytes() const {
  RecordBytes sum;
  size_t submitted = 0, committed = 0;
  const Status read = state_->log->read(0, state_->log->durable_end(), [&](Position, Bytes record) -> Status {
    const auto event = decode(record);
    if (!event) return tl::unexpected(event.error());
    if (std::holds_alternative<IntentSubmitted>(event->body)) {
      sum.submitted += record.size();
      ++submitted;
    } else if (std::holds_alternative<PlanCommitted>(event->body)) {
      sum.committed += record.size();
      ++committed;
    }
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  if (submitted == 0 || committed == 0) return fail(ErrorCode::kInternal, "the ledger holds no plan");
  return RecordBytes{sum.submitted / submitted, sum.committed / committed};
}

}  // namespace weir::bench
