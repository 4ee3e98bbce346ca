#include "infrastructure/agent/uplink.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>

#include "infrastructure/agent/brain_stream.h"
#include "infrastructure/posix/unique_fd.h"
#include "security/identity/join_token.h"
#include "security/identity/pinning.h"
#include "weir/v1/agent.grpc.pb.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;

constexpr TimeUs kRenewRetryUs = 60'000'000;
constexpr TimeUs kLookUs = 250'000;
constexpr TimeUs kDiagnosisUs = 1'000'000;
constexpr TimeUs kCalmUs = 5'000'000;  // a stream that lasted so long resets the backoff
constexpr int kMessageBytesMax = 64 << 20;

Error error_of(const grpc::Status& status, std::string where) {
  return {code_of(status.error_code()), status.error_message(), std::move(where)};
}

std::pair<std::string, std::string> host_and_port(const std::string& brain) {
  const size_t colon = brain.rfind(':');
  std::string host = brain.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return {host, colon == std::string::npos ? std::string() : brain.substr(colon + 1)};
}

Result<posix::UniqueFd> connect_to(const BrainLinkOptions& options) {
  const auto [host, port] = host_and_port(options.brain);
  if (host.empty() || port.empty()) {
    return fail(ErrorCode::kInvalid, "\"" + options.brain + "\" is not HOST:PORT", "--brain");
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return fail(ErrorCode::kUnavailable, gai_strerror(error), options.brain,
                "check the brain's name and port");
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all(found, freeaddrinfo);
  std::string why = "no address";
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    posix::UniqueFd fd(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    timeval patience{};
    patience.tv_sec = static_cast<time_t>(options.connect_us_max / 1'000'000);
    patience.tv_usec = static_cast<suseconds_t>(options.connect_us_max % 1'000'000);
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd && ::connect(fd.get(), at->ai_addr, at->ai_addrlen) == 0) return fd;
    why = std::error_code(errno, std::generic_category()).message();
  }
  return fail(ErrorCode::kUnavailable, "cannot connect: " + why, options.brain,
              "check the address, and that the brain is running");
}

std::shared_ptr<grpc::Channel> channel_to(const std::string& brain, const std::string& ca_pem,
                                          const identity::AgentIdentity* identity) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ca_pem;
  if (identity != nullptr) {
    tls.pem_private_key = std::string(identity->key_pem.reveal());
    tls.pem_cert_chain = identity->certificate_pem;
  }
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(std::string(identity::kBrainName));
  // Each attempt makes a connection of its own: with this identity, and without the waits of an earlier one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  return grpc::CreateCustomChannel(brain, grpc::SslCredentials(tls), arguments);
}

void set_deadline(grpc::ClientContext& context, TimeUs us) {
  context.set_deadline(std::chrono::system_clock::now() + microseconds(us));
}

v1::AgentMessage hello_of(const SelfDescription& self, TimeUs wall_us) {
  v1::AgentMessage out;
  v1::Hello& m = *out.mutable_hello();
  m.set_site(self.site);
  m.set_version(self.version);
  m.set_boot(self.boot);
  m.set_clock(wall_us);
  m.set_steerable(self.steerable);
  m.set_not_steerable_why(self.not_steerable_why);
  m.set_reflector_address(self.reflector_address);
  m.set_reflector_port(self.reflector_port);
  v1::DriverCapabilities& driver = *m.mutable_driver();
  driver.set_driver(self.driver.driver);
  driver.set_isolation(self.driver.isolation);
  driver.set_asynchronous_start(self.driver.asynchronous_start);
  driver.set_survives_agent(self.driver.survives_agent);
  driver.set_enforces_lease(self.driver.enforces_lease);
  driver.set_measures_traffic(self.driver.measures_traffic);
  driver.set_listens(self.driver.listens);
  driver.set_accelerators(self.driver.accelerators);
  driver.set_runs_max(self.driver.runs_max);
  const NodeDescription& node = self.node;
  v1::NodeInventory& n = *m.add_nodes();
  n.mutable_spec()->set_name(node.spec.name);
  n.mutable_spec()->set_cpu_milli(node.spec.cpu_milli);
  n.mutable_spec()->set_memory_mib(node.spec.memory_mib);
  n.mutable_spec()->set_accelerators(node.spec.accelerators);
  n.mutable_spec()->set_accelerator_model(node.spec.accelerator_model);
  n.mutable_spec()->set_accelerator_memory_mib(node.spec.accelerator_memory_mib);
  n.mutable_spec()->set_accelerator_fp16_gflops(node.spec.accelerator_fp16_gflops);
  n.mutable_spec()->set_accelerators_per_island(node.spec.accelerators_per_island);
  n.mutable_spec()->set_accelerator_slices(node.spec.accelerator_slices);
  n.mutable_spec()->set_rack(node.spec.rack);
  n.mutable_spec()->set_speed_milli(node.spec.speed_milli);
  n.set_architecture(node.architecture);
  n.set_cores(node.cores);
  n.set_threads(node.threads);
  n.set_sockets(node.sockets);
  n.set_numa_nodes(node.numa_nodes);
  n.set_cache_l2_bytes(static_cast<int64_t>(node.cache_l2_bytes));
  n.set_cache_l3_bytes(static_cast<int64_t>(node.cache_l3_bytes));
  n.set_memory_bytes(static_cast<int64_t>(node.memory_bytes));
  n.set_disk_bytes_free(static_cast<int64_t>(node.disk_bytes_free));
  n.set_cpu_model(node.cpu_model);
  for (const NodeDescription::Figure& figure : node.metering) {
    v1::Figure& f = *n.add_metering();
    f.set_name(figure.name);
    f.set_unit(figure.unit);
    f.set_value(figure.value_milli / 1000);
    f.set_method(figure.method);
    f.set_version(figure.version);
    f.set_repeats(static_cast<uint32_t>(figure.repetitions));
    f.set_spread_ppm(figure.spread_ppm);
  }
  return out;
}

class GrpcBrainLink final : public BrainLink {
 public:
  GrpcBrainLink(BrainLinkOptions options, SelfDescription self, Clock& clock, BrainEvents events,
                identity::AgentIdentity identity)
      : options_(std::move(options)),
        self_(std::move(self)),
        clock_(clock),
        events_(std::move(events)),
        store_(options_.identity_folder),
        identity_(std::move(identity)),
        random_(std::random_device{}()),
        thread_([this] { serve(); }) {}

  ~GrpcBrainLink() override { stop(); }

  void stop() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      if (stream_) stream_->cancel();
      if (fetching_ != nullptr) fetching_->TryCancel();
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  void send(AgentReport report, uint64_t sequence) override {
    const std::lock_guard lock(mutex_);
    if (stream_) stream_->send(std::move(report), sequence);
  }

  Status fetch(const std::string& digest, const fs::path& into) override {
    std::shared_ptr<grpc::Channel> channel;
    grpc::ClientContext context;
    {
      const std::lock_guard lock(mutex_);
      channel = channel_;
      if (!channel || stopping_)
        return fail(ErrorCode::kUnavailable, "the brain is away", "artifact " + digest);
      fetching_ = &context;
    }
    const Status done = fetch_over(channel, context, digest, into);
    const std::lock_guard lock(mutex_);
    fetching_ = nullptr;
    return done;
  }

 private:
  static Status fetch_over(const std::shared_ptr<grpc::Channel>& channel, grpc::ClientContext& context,
                           const std::string& digest, const fs::path& into) {
    std::error_code error;
    uint64_t offset = fs::file_size(into, error);
    if (error) offset = 0;
    std::ofstream file(into, std::ios::binary | std::ios::app);
    if (!file) return fail(ErrorCode::kUnavailable, "cannot be written", into.string());
    v1::ArtifactRequest request;
    request.set_digest(digest);
    request.set_offset(offset);
    const auto stub = v1::AgentLink::NewStub(channel);
    const auto reader = stub->Artifact(&context, request);
    v1::ArtifactChunk chunk;
    bool written = true;
    while (written && reader->Read(&chunk)) {
      written = chunk.offset() == offset &&
                file.write(chunk.data().data(), static_cast<std::streamsize>(chunk.data().size()));
      offset += chunk.data().size();
    }
    if (!written) context.TryCancel();
    const grpc::Status status = reader->Finish();
    file.flush();
    if (!written || !file)
      return fail(ErrorCode::kExhausted, "cannot be written", into.string(), "free disk space");
    if (!status.ok()) return tl::unexpected(error_of(status, "artifact " + digest));
    return {};
  }

  int64_t now_s() const { return clock_.wall_us() / 1'000'000; }

  void serve() {
    TimeUs backoff = options_.retry_us_min;
    std::string said;
    while (true) {
      const TimeUs began = clock_.steady_us();
      const Error why = serve_one();
      if (stopping()) return;
      if (renewed_) {
        renewed_ = false;
        backoff = options_.retry_us_min;
        continue;
      }
      if (clock_.steady_us() - began > kCalmUs) backoff = options_.retry_us_min;
      if (why.text() != said) events_.say(true, diagnosed(why).text());
      said = why.text();
      std::unique_lock lock(mutex_);
      // Between half of it and all of it, so that the agents of a region do not come back in step.
      const TimeUs wait =
          backoff / 2 + static_cast<TimeUs>(random_() % static_cast<uint64_t>(backoff / 2 + 1));
      changed_.wait_for(lock, microseconds(wait), [this] { return stopping_; });
      if (stopping_) return;
      backoff = std::min(backoff * 2, options_.retry_us_max);
    }
  }

  bool stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  // gRPC says of a handshake only that it failed. Done by hand it tells of a wrong clock and of another CA.
  Error diagnosed(const Error& why) const {
    if (why.code != ErrorCode::kUnavailable) return why;
    const auto ca = identity::read_certificate(identity_.ca_pem);
    BrainLinkOptions patient = options_;
    patient.connect_us_max = std::min(patient.connect_us_max, kDiagnosisUs);
    const auto socket = connect_to(patient);
    if (!ca || !socket) return why;
    const auto found = identity::fetch_pinned_ca(socket->get(), ca->fingerprint, now_s());
    return found || found.error().code == ErrorCode::kUnavailable ? why : found.error();
  }

  // A token that is not the one which bought this identity was given for a reason: the certificate was
  // revoked, or lapsed too long ago, or the brain has another CA now.
  void spend_new_token() {
    if (token_done_) return;
    const auto token = identity::parse_join_token(options_.token);
    token_done_ =
        options_.token.empty() || identity_.token_id.empty() || (token && token->id == identity_.token_id);
    if (token_done_) return;
    const Status joined = join(options_, self_.site, options_.token, self_.version, clock_);
    token_done_ = joined || (joined.error().code != ErrorCode::kUnavailable &&
                             joined.error().code != ErrorCode::kExhausted);
    if (!joined) return events_.say(true, "the new token cannot be used: " + joined.error().text());
    auto identity = store_.load();
    if (!identity) return events_.say(true, identity.error().text());
    identity_ = std::move(*identity);
    events_.say(false, "joined anew with the token " + identity_.token_id);
  }

  // Attaches and stays until the stream ends; says why it did.
  Error serve_one() {
    spend_new_token();
    const auto channel = channel_to(options_.brain, identity_.ca_pem, &identity_);
    const auto stub = v1::AgentLink::NewStub(channel);
    if (now_s() >= identity_.info.not_after_s) {
      const auto request = store_.lapsed_request();
      if (!request) return request.error();
      if (const Status renewed = renew(*stub, *request); !renewed) return renewed.error();
      renewed_ = true;
      return {};
    }
    bool ended = false;
    const auto on_end = [this, &ended] {
      const std::lock_guard lock(mutex_);
      ended = true;
      changed_.notify_all();
    };
    const auto stream = std::make_shared<BrainStream>(events_, clock_, on_end);
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return {};
      channel_ = channel;
      stream_ = stream;
    }
    stream->begin(*stub, hello_of(self_, clock_.wall_us()));
    TimeUs renew_at_us = 0;
    std::unique_lock lock(mutex_);
    while (!ended) {
      changed_.wait_for(lock, microseconds(kLookUs), [&] { return ended; });
      if (ended) break;
      lock.unlock();
      if (clock_.steady_us() - stream->heard_us() > options_.silence_us_max) {
        events_.say(true, "the brain is silent: attaching again");
        stream->cancel();
      } else if (identity::needs_renewal(identity_.info, now_s()) && clock_.steady_us() >= renew_at_us) {
        renew_at_us = clock_.steady_us() + kRenewRetryUs;
        const auto request = store_.request(self_.site);
        const Status renewed = request ? renew(*stub, *request) : tl::unexpected(request.error());
        if (renewed) {
          renewed_ = true;
          events_.say(false, "the certificate was renewed");
          stream->cancel();
        } else {
          events_.say(true, "the certificate cannot be renewed now: " + renewed.error().text());
        }
      }
      lock.lock();
    }
    stream_.reset();
    channel_.reset();
    // It shares the stream's connection, whose death it would notice only when TCP gives up.
    if (fetching_ != nullptr) fetching_->TryCancel();
    lock.unlock();
    const Error why = stream->why();
    events_.detached(why.text());
    return why;
  }

  Status renew(v1::AgentLink::Stub& stub, const identity::AgentRequest& asked) {
    grpc::ClientContext context;
    set_deadline(context, options_.connect_us_max);
    v1::RenewRequest request;
    request.set_csr_pem(asked.csr_pem);
    v1::RenewResponse response;
    if (const grpc::Status status = stub.Renew(&context, request, &response); !status.ok()) {
      return tl::unexpected(error_of(status, "renewing the certificate"));
    }
    auto identity = store_.accept(response.certificate_chain_pem(), response.ca_pem(), now_s());
    if (!identity) return tl::unexpected(identity.error());
    identity_ = std::move(*identity);
    return {};
  }

  const BrainLinkOptions options_;
  const SelfDescription self_;
  Clock& clock_;
  const BrainEvents events_;
  const identity::AgentStore store_;
  identity::AgentIdentity identity_;  // of thread_ alone
  std::mt19937_64 random_;
  bool renewed_ = false;
  bool token_done_ = false;  // spent, or of no use
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::shared_ptr<BrainStream> stream_;
  std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext* fetching_ = nullptr;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

Status join(const BrainLinkOptions& options, const std::string& site, const std::string& token_text,
            const std::string& version, Clock& clock) {
  const auto token = identity::parse_join_token(token_text);
  if (!token) return tl::unexpected(token.error());
  const auto socket = connect_to(options);
  if (!socket) return tl::unexpected(socket.error());
  const int64_t now_s = clock.wall_us() / 1'000'000;
  const auto ca = identity::fetch_pinned_ca(socket->get(), token->ca_fingerprint, now_s);
  if (!ca) return tl::unexpected(ca.error());
  const identity::AgentStore store(options.identity_folder);
  const auto asked = store.request(site);
  if (!asked) return tl::unexpected(asked.error());
  const auto stub = v1::AgentLink::NewStub(channel_to(options.brain, *ca, nullptr));
  grpc::ClientContext context;
  set_deadline(context, options.connect_us_max);
  v1::JoinRequest request;
  request.set_bearer(token_text);
  request.set_csr_pem(asked->csr_pem);
  request.set_version(version);
  request.set_clock(clock.wall_us());
  v1::JoinResponse response;
  if (const grpc::Status status = stub->Join(&context, request, &response); !status.ok()) {
    return tl::unexpected(error_of(status, "joining as site " + site));
  }
  const auto identity =
      store.accept(response.certificate_chain_pem(), *ca, clock.wall_us() / 1'000'000, token->id);
  if (!identity) return tl::unexpected(identity.error());
  return {};
}

Result<std::unique_ptr<BrainLink>> BrainLink::open(const BrainLinkOptions& options, SelfDescription self,
                                                   Clock& clock, BrainEvents events) {
  auto identity = identity::AgentStore(options.identity_folder).load();
  if (!identity) return tl::unexpected(identity.error());
  if (self.site.empty()) self.site = identity->info.site;
  return std::make_unique<GrpcBrainLink>(options, std::move(self), clock, std::move(events),
                                         std::move(*identity));
}

}  // namespace weir::agent
