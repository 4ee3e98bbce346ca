#include "app/console_assets.h"
#include "app/serve.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <atomic>
#include <filesystem>
#include <mutex>

#include "app/grpc_port.h"
#include "app/operator_context.h"
#include "app/version.h"
#include "infrastructure/agent_link/agent_link.h"
#include "infrastructure/http_client/curl_client.h"
#include "infrastructure/posix/file.h"
#include "infrastructure/runtime/loop_thread.h"
#include "infrastructure/runtime/system_clock.h"
#include "infrastructure/solver/clp.h"
#include "infrastructure/store/merkle_follower.h"
#include "infrastructure/store/segment_store.h"
#include "infrastructure/store/views_follower.h"
#include "intelligence/language/understand.h"
#include "intelligence/language_endpoint/endpoint.h"
#include "intelligence/language_model/language_model.h"
#include "orchestration/plan/decide.h"
#include "orchestration/plan/domain_pass.h"
#include "orchestration/queue/graph_queue.h"
#include "orchestration/queue/queue_report.h"
#include "orchestration/workflow/planner.h"
#include "security/identity/authority.h"
#include "security/identity/private_file.h"
#include "service/gateway/grpc_service.h"
#include "service/gateway/metrics.h"
#include "service/gateway/rest_server.h"
#include "service/gateway/service.h"
#include "service/gateway/sign_in.h"
#include "service/gateway/webhook_source.h"
#include "twin/rehearse/rehearse.h"

namespace weir::app {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kRehearsedSteps = 10'000;  // of a search: a rehearsal decides many times, and answers while somebody waits
constexpr int kShutdownGrace_s = 3;
constexpr int64_t kRenewalCheck_s = 600;

std::string host_of(const std::string& endpoint) {
  std::string host = endpoint.substr(0, endpoint.rfind(':'));
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return host;
}

std::vector<std::string> brain_names(const ServeConfig& config) {
  std::vector<std::string> out = config.names;
  for (const std::string& endpoint : {config.listen, config.rest, config.advertise}) {
    const std::string host = endpoint.empty() ? "" : host_of(endpoint);
    if (!host.empty() && host != "0.0.0.0" && host != "::") out.push_back(host);
  }
  out.push_back("localhost");
  out.push_back("127.0.0.1");
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

gateway::Ports gateway_ports(Brain& brain, Clock& clock, const LogReader& log, History& history,
                             const Queues& queues, store::MerkleFollower& tree, agent_link::AgentLink& link,
                             agent_link::ArtifactFolder& artifacts, std::string ca, webhook::Webhooks& webhooks) {
  return {.brain = brain,
          .clock = clock,
          .log = log,
          .history = history,
          .queues = queues,
          .ledger_head = [&tree] { return tree.head(); },
          .prove_record = [&tree](Position at, uint64_t size) { return tree.prove_inclusion(at, size); },
          .prove_growth = [&tree](uint64_t old_size,
                                  uint64_t size) { return tree.prove_consistency(old_size, size); },
          .decide =
              [](const Graph& graph, IntentId intent) {
                // Dry runs decide on graphs that never come to be: what is remembered of one is wrong for the next.
                return JointPlanner().decide(graph, intent);
              },
          .artifact_digest = [&artifacts](std::string_view name) -> std::optional<std::string> {
            auto digest = artifacts.digest(name);
            return digest ? std::optional(std::move(*digest)) : std::nullopt;
          },
          .contact = [&link, &clock](SiteId site) -> std::optional<gateway::SiteContact> {
            auto contact = link.contact(site);
            if (!contact) return std::nullopt;
            return gateway::SiteContact{.agent_version = std::move(contact->agent_version),
                                        .driver = std::move(contact->driver),
                                        .isolation = std::move(contact->isolation),
                                        .steerable = contact->steerable,
                                        .not_steerable_why = std::move(contact->not_steerable_why),
                                        .heard_us_ago = clock.steady_us() - contact->heard_steady_us};
          },
          .path_traffic = [&link](SiteId site, uint16_t label) { return link.path_traffic(site, label); },
          .read_log = [&link](SiteId site, RunId run, uint64_t offset, bool follow, uint64_t bytes_max,
                              std::function<void(gateway::LogPiece)> piece) -> Result<std::function<void()>> {
            const auto request = link.read_log(site, run, offset, follow, bytes_max,
                                               [piece = std::move(piece)](agent_link::LogPiece from) {
                                                 piece({.offset = from.offset,
                                                        .data = std::move(from.data),
                                                        .complete = from.complete,
                                                        .error = std::move(from.error),
                                                        .last = from.last});
                                               });
            if (!request) return tl::unexpected(request.error());
            return [&link, site, id = *request] { link.cancel_log(site, id); };
          },
          .ca_sha256 = std::move(ca),
          .webhooks = &webhooks};
}

// Tells the webhooks of what is new, from its beginning to its end.
class WebhookNews {
 public:
  WebhookNews(webhook::Webhooks& webhooks, Brain& brain, gateway::Service& service) : webhooks_(webhooks), brain_(brain) {
    webhooks_.start(gateway::webhook_source(service));
    token_ = brain_.subscribe([this](Position version) { webhooks_.notify(version); });
    webhooks_.notify(brain_.durable()->version());
  }
  ~WebhookNews() {
    brain_.unsubscribe(token_);
    webhooks_.stop();
  }
  WebhookNews(const WebhookNews&) = delete;
  WebhookNews& operator=(const WebhookNews&) = delete;

 private:
  webhook::Webhooks& webhooks_;
  Brain& brain_;
  uint64_t token_ = 0;
};

std::vector<gateway::Sample> samples_of(const runtime::LoopThread& brain, const agent_link::AgentLink& link,
                                        const LogReader& log, const webhook::Webhooks& webhooks, const language::Endpoint* endpoint) {
  const runtime::LoopThread::Statistics now = brain.statistics();
  const auto number = [](auto value) { return static_cast<double>(value); };
  std::vector<gateway::Sample> out = {
      {"weir_loop_turns_total", "Turns of the loop", number(now.loop.turns)},
      {"weir_loop_events_total", "Events written", number(now.loop.events)},
      {"weir_loop_flushes_total", "Batches made durable", number(now.loop.flushes)},
      {"weir_loop_decisions_total", "Decisions made", number(now.loop.decisions)},
      {"weir_loop_commits_total", "Plans committed", number(now.loop.commits)},
      {"weir_loop_conflicts_total", "Plans overtaken by a change, and decided again",
       number(now.loop.conflicts)},
      {"weir_loop_refusals_total", "Intents refused", number(now.loop.refusals)},
      {"weir_loop_defects_total", "Plans that verification found wrong", number(now.loop.defects)},
      {"weir_domain_passes_total", "Passes over the whole domain begun", number(now.loop.passes)},
      {"weir_domain_pass_failures_total", "Passes that found nothing because their solver failed",
       number(now.loop.pass_failures)},
      {"weir_domain_moves_total", "Moves that a pass advised, made", number(now.loop.moves)},
      {"weir_domain_moves_given_up_total", "Moves that a pass advised, overtaken by a change",
       number(now.loop.moves_given_up)},
      {"weir_loop_directives_total", "Directives sent to sites", number(now.loop.directives)},
      {"weir_loop_inbox", "Messages that wait", number(now.inbox)},
      {"weir_loop_inbox_refused_total", "Messages that found the inbox full", number(now.refused)},
      {"weir_agents_attached", "Sites whose agent is attached", number(link.attached_count())},
      {"weir_ledger_records_total", "Durable records", number(log.durable_end())}};
  const webhook::Webhooks::Statistics posted = webhooks.statistics();
  out.push_back({"weir_webhook_deliveries_total", "Events that receivers took", number(posted.delivered)});
  out.push_back({"weir_webhook_failures_total", "Deliveries that failed, each attempt", number(posted.failed)});
  out.push_back({"weir_webhook_given_up_total", "Webhooks disabled because their deliveries failed", number(posted.disabled)});
  if (endpoint != nullptr) {
    const language::EndpointCounts said = endpoint->counts();
    out.push_back({"weir_language_endpoint_asked_total", "Sentences that the endpoint was asked about", number(said.asked)});
    out.push_back({"weir_language_endpoint_answered_total", "Its answers that were of use", number(said.answered)});
    out.push_back({"weir_language_endpoint_refused_total", "Its answers of which nothing was believed", number(said.refused)});
    out.push_back({"weir_language_endpoint_failed_total", "Questions without an answer", number(said.failed)});
    out.push_back({"weir_language_endpoint_passed_total", "Sentences it was not asked about: it was busy, or had failed", number(said.passed)});
  }
  const ShadowPricesRevised joint = brain.durable()->shadow_prices();
  if (joint.basis != 0) {
    const auto credits = [&number](Nanocredits amount) { return number(amount) / number(kCredit); };
    out.push_back({"weir_domain_bound_credits_per_hour", "No assignment of what may move has less price and worth of refusals",
                   credits(joint.bound)});
    out.push_back({"weir_domain_price_credits_per_hour", "The same of the assignment that the newest pass advised",
                   credits(joint.after)});
    out.push_back({"weir_domain_scarce_places", "Sites and directions of links with a shadow price",
                   number(joint.sites.size() + joint.links.size())});
  }
  for (gateway::Sample& sample : gateway::path_samples(*brain.durable(), link.path_traffic()))
    out.push_back(std::move(sample));
  return out;
}

// One line that nobody else may read.
Result<identity::SecretText> read_secret(const std::string& file, const char* remedy) {
  const auto secret = identity::read_private_file(file);
  if (!secret) return tl::unexpected(secret.error());
  std::string_view text = secret->reveal();
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.empty()) return fail(ErrorCode::kInvalid, "is empty", file, remedy);
  if (text.find_first_of("\r\n") != std::string_view::npos) return fail(ErrorCode::kInvalid, "has more than one line", file, remedy);
  return identity::SecretText(text);
}

Status check_authority(const std::string& file, const char* remedy) {
  const auto pem = posix::read_file(file);
  if (!pem) return tl::unexpected(pem.error());
  if (pem->find("-----BEGIN CERTIFICATE-----") != std::string::npos) return {};
  return fail(ErrorCode::kInvalid, "holds no certificate in PEM", file, remedy);
}

// What is wrong with the files is said now, and not to the first whose sentence is hard.
Result<language::EndpointSettings> language_endpoint(const LanguageConfig& config) {
  language::EndpointSettings out{.base = config.endpoint, .model = config.model, .ca_file = config.ca_file, .timeout_us = config.timeout_ms * 1'000};
  if (!config.key_file.empty()) {
    auto key = read_secret(config.key_file, "write the endpoint's key into it");
    if (!key) return tl::unexpected(key.error());
    out.authorization = [key = std::move(*key)] { return "Bearer " + std::string(key.reveal()); };
  }
  if (!config.ca_file.empty()) {
    if (const Status good = check_authority(config.ca_file, "give the authority that signed the endpoint's certificate"); !good) return tl::unexpected(good.error());
  }
  return out;
}

// With its secret. What is wrong with the files is said now, and not to the first who signs in.
Result<openid::Settings> identity_provider(const ServeConfig& config) {
  openid::Settings out = *config.oidc;
  if (!config.oidc_secret_file.empty()) {
    auto secret = read_secret(config.oidc_secret_file, "write the client's secret into it");
    if (!secret) return tl::unexpected(secret.error());
    out.client_secret = std::move(*secret);
  }
  if (!out.ca_file.empty()) {
    const Status good = check_authority(out.ca_file, "give the authority that signed the identity provider's certificate");
    if (!good) return tl::unexpected(good.error());
  }
  return out;
}

// What a service has to become cheaper by before a pass moves it.
constexpr int32_t kMovePpm = 50'000;

class Signals {
 public:
  // Before any thread starts, so that all of them inherit the mask.
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  // A signal, or 0 after the time.
  int wait(int64_t seconds) const {
    const timespec time{seconds, 0};
    const int got = sigtimedwait(&set_, nullptr, &time);
    return got > 0 ? got : 0;
  }

 private:
  sigset_t set_;
};

// A connection is a descriptor, and a shell lets a process have 1,024: as many as it may be given.
void allow_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  const rlim_t given = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) spdlog::warn("the limit of {} open files could not be raised", given);
}

}  // namespace

// The wiring of a brain. Each queue, producer → consumer:
//
//   gRPC and REST threads → LoopThread inbox (bounded) → loop thread         proposals, reports
//   loop thread → decider jobs (bounded) → decider threads → inbox           decisions
//   loop thread → one workflow under way → its planner's thread → inbox       where its stages are to be
//   loop thread → SegmentStore → MerkleFollower (waits when far ahead)       durable records → tree
//   loop thread → ViewsFollower (a flag; it never waits) → views.sqlite        durable records → history, bills
//   loop thread → AgentLink slot of each site (newest wins) → agent          directives
//   loop thread → durable snapshot → gateway                                 reads
//   LogReader → Feeder of each stream (one message under way) → client       events
//   loop thread → Webhooks (a version) → a thread of each → receiver          events
Status serve(const ServeConfig& config) {
  const Signals signals;
  allow_descriptors();
  runtime::SystemClock clock;
  const auto now_s = [&clock] { return clock.wall_us() / 1'000'000; };
  const fs::path data = fs::absolute(config.data);
  if (const Status made = identity::make_private_folder(data); !made) return made;

  auto authority = identity::CertificateAuthority::open_or_create(data / "ca", now_s());
  if (!authority) return tl::unexpected(authority.error());
  auto identity = authority->issue_brain(brain_names(config), now_s());
  if (!identity) return tl::unexpected(identity.error());
  const fs::path brain_file = data / "brain.pem";
  if (const Status written = identity::write_brain_file(brain_file, *identity); !written) return written;

  auto log = store::SegmentStore::open((data / "ledger").string());
  if (!log) return tl::unexpected(log.error());
  if ((*log)->recovery().torn) spdlog::warn("an incomplete write at the end of the ledger was dropped; it was never acknowledged");
  for (const Error& damaged : (*log)->recovery().damaged_checkpoints) spdlog::warn("{}", damaged.text());
  auto tree = store::MerkleFollower::start(**log, (*log)->ledger_id(), (data / "ledger").string());
  if (!tree) return tl::unexpected(tree.error());
  (*log)->on_durable([&tree = **tree](Position end) { tree.notify(end); });

  const fs::path artifact_path = config.artifacts.empty() ? data / "artifacts" : fs::path(config.artifacts);
  std::error_code ignored;
  fs::create_directories(artifact_path, ignored);
  agent_link::ArtifactFolder artifacts(artifact_path);
  agent_link::AgentLink link(*authority, artifacts, clock);

  std::mutex fatal_mutex;
  std::optional<Error> fatal;
  ClpSolver solver;
  runtime::LoopThreadOptions options;
  options.deciders = config.deciders;
  options.loop.pass_us = config.pass_seconds * 1'000'000;
  options.loop.checkpoint_events = static_cast<Position>(config.checkpoint_events);
  auto brain = runtime::LoopThread::start(
      **log, link, clock, [] { return std::make_unique<JointPlanner>(); }, std::make_unique<queue::GraphQueue>(),
      std::make_unique<PeriodicPass>(solver, PeriodicPassOptions{.joint = {.rounding = {.move_ppm = kMovePpm}}}),
      std::make_unique<GraphWorkflowPlanner>(), needs_decision, options, kVersion,
      config.genesis, [&](const Error& error) {
        {
          const std::lock_guard lock(fatal_mutex);
          fatal = error;
        }
        kill(getpid(), SIGTERM);
      });
  if (!brain) return tl::unexpected(brain.error());
  link.connect(**brain);
  auto views = std::make_unique<store::ViewsFollower>(
      (data / "views.sqlite").string(), (*log)->ledger_id(), **log, **brain, [](const Error& error) { spdlog::warn("the views of history and bills wait: {}", error.text()); });

  const queue::ReportedQueues queues;
  CurlClient http;
  std::optional<openid::Provider> provider;
  std::unique_ptr<gateway::SignIn> sign_in;
  if (config.oidc) {
    auto settings = identity_provider(config);
    if (!settings) return tl::unexpected(settings.error());
    provider.emplace(std::move(*settings), http, clock);
    auto opened = gateway::SignIn::open(*provider, **brain, clock, {.say = [](const std::string& what) { spdlog::warn("{}", what); }});
    if (!opened) return tl::unexpected(opened.error());
    sign_in = std::move(*opened);
    sign_in->refresh();
  }
  webhook::Options posting = config.webhooks;
  posting.user_agent = std::string("weir/") + kVersion;
  auto webhooks = webhook::Webhooks::open(data / "webhooks", http, clock, posting);
  if (!webhooks) return tl::unexpected(webhooks.error());
  gateway::Ports ports = gateway_ports(**brain, clock, **log, *views, queues, **tree, link, artifacts, authority->fingerprint(), **webhooks);
  ports.sign_in = sign_in.get();
  ports.learning = config.learning;
  const auto model = config.language.embedded ? language::built_in_model() : nullptr;
  std::optional<language::Endpoint> endpoint;
  if (!config.language.endpoint.empty()) {
    auto settings = language_endpoint(config.language);
    if (!settings) return tl::unexpected(settings.error());
    endpoint.emplace(std::move(*settings), http, clock, [](const std::string& what) { spdlog::warn("{}", what); });
  }
  ports.understand = endpoint ? language::understand_with(model, *endpoint) : language::understand_by(model);
  ports.rehearse = [](const Graph& graph, TimeUs now, const std::vector<IntentSubmitted>& wishes) {
    return twin::rehearse(graph, now, wishes,
                          {.planner = [] { return std::make_unique<JointPlanner>(DecideLimits{.solver = {.steps = kRehearsedSteps}}); },
                           .scheduler = [] { return std::make_unique<queue::GraphQueue>(); },
                           .needs_decision = needs_decision});
  };
  gateway::Service service(std::move(ports));
  auto news = std::make_unique<WebhookNews>(**webhooks, **brain, service);
  auto grpc = std::make_unique<gateway::GrpcService>(service);
  auto port = GrpcPort::open({.listen = config.listen, .brain_file = brain_file.string()}, {&grpc->service(), &link.service()});
  if (!port) return tl::unexpected(port.error());
  std::unique_ptr<gateway::RestServer> rest;
  if (!config.rest.empty()) {
    auto opened = gateway::RestServer::open(service, {.listen = config.rest, .rates = config.rates, .console = console_files()},
                                            {identity->chain_pem, std::string(identity->key_pem.reveal())},
                                            [&] { return samples_of(**brain, link, **log, **webhooks, endpoint ? &*endpoint : nullptr); });
    if (!opened) return tl::unexpected(opened.error());
    rest = std::move(*opened);
  }
  const std::string address =
      !config.advertise.empty() ? config.advertise : host_of(config.listen) + ":" + std::to_string((*port)->port());
  const Status context = write_operator_context(data / "context.toml", address, (data / "ca" / "ca.crt").string(), **brain, clock);
  if (!context) return context;
  spdlog::info("weir {} serves domain {}: gRPC {}, REST {}, ledger of {} records", kVersion,
               (*brain)->durable()->domain(), address, rest ? "port " + std::to_string(rest->port()) : "off",
               (*log)->durable_end());

  int signal = 0;
  while ((signal = signals.wait(kRenewalCheck_s)) == 0) {
    if (!identity::needs_renewal(identity->info, now_s())) continue;
    auto renewed = authority->issue_brain(brain_names(config), now_s());
    if (renewed) {
      identity = std::move(renewed);
      const Status written = identity::write_brain_file(brain_file, *identity);
      if (rest) rest->renew({identity->chain_pem, std::string(identity->key_pem.reveal())});
      if (written) continue;
      spdlog::error("the new certificate was not written: {}", written.error().text());
    } else {
      spdlog::error("no new certificate: {}", renewed.error().text());
    }
  }

  spdlog::info("stopping");
  if (rest) rest->stop();
  grpc->stop();
  link.stop();
  (*port)->shutdown(kShutdownGrace_s);
  // Whoever subscribed to the brain goes before it.
  news.reset();
  port->reset();
  grpc.reset();
  rest.reset();
  sign_in.reset();
  views.reset();
  brain->reset();
  tree->reset();
  log->reset();
  const std::lock_guard lock(fatal_mutex);
  if (fatal) return tl::unexpected(*fatal);
  return {};
}

}  // namespace weir::app
