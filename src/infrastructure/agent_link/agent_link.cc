#include "infrastructure/agent_link/agent_link.h"

#include <vector>

#include "infrastructure/agent_link/link_state.h"
#include "security/identity/clock_text.h"

namespace weir::agent_link {

std::string_view code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return "invalid";
    case ErrorCode::kNotFound: return "not-found";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kDenied: return "denied";
    case ErrorCode::kInfeasible: return "infeasible";
    case ErrorCode::kExhausted: return "exhausted";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

grpc::Status status_of(const Error& error) {
  const auto code = [&] {
    switch (error.code) {
      case ErrorCode::kInvalid: return grpc::StatusCode::INVALID_ARGUMENT;
      case ErrorCode::kNotFound: return grpc::StatusCode::NOT_FOUND;
      case ErrorCode::kConflict: return grpc::StatusCode::ABORTED;
      case ErrorCode::kDenied: return grpc::StatusCode::PERMISSION_DENIED;
      case ErrorCode::kInfeasible: return grpc::StatusCode::FAILED_PRECONDITION;
      case ErrorCode::kExhausted: return grpc::StatusCode::RESOURCE_EXHAUSTED;
      case ErrorCode::kUnavailable: return grpc::StatusCode::UNAVAILABLE;
      case ErrorCode::kUnsupported: return grpc::StatusCode::UNIMPLEMENTED;
      case ErrorCode::kCorrupt: return grpc::StatusCode::DATA_LOSS;
      case ErrorCode::kInternal: return grpc::StatusCode::INTERNAL;
    }
    return grpc::StatusCode::INTERNAL;
  }();
  return grpc::Status(code, error.text());
}

std::string peer_pem(const grpc::CallbackServerContext& context) {
  const auto values = context.auth_context()->FindPropertyValues("x509_pem_cert");
  return values.empty() ? std::string() : std::string(values.front().data(), values.front().size());
}

Result<identity::CertificateInfo> peer_agent(const LinkState& state, const grpc::CallbackServerContext& context) {
  const std::string pem = peer_pem(context);
  if (pem.empty()) {
    return fail(ErrorCode::kDenied, "the agent shows no certificate", context.peer(), "join with a token first");
  }
  const auto claimed = identity::read_certificate(pem);
  if (!claimed) return tl::unexpected(claimed.error());
  return identity::verify_peer(pem, state.authority.certificate_pem(), identity::Peer::kAgent, state.now_s(),
                               revocations(*state.brain->durable(), claimed->site));
}

identity::RevocationList revocations(const Graph& graph, std::string_view site) {
  identity::RevocationList out;
  const SiteId id = graph.find_site(site);
  const TimeUs until = id.valid() ? graph.certificates_revoked_until(id) : 0;
  if (until != 0) out.revoke_site(site, until / 1'000'000);
  return out;
}

Status check_clock(const std::string& site, TimeUs agent_us, TimeUs brain_us) {
  const int64_t agent_s = agent_us / 1'000'000, brain_s = brain_us / 1'000'000;
  const bool ahead = agent_s > brain_s;
  if ((ahead ? agent_s - brain_s : brain_s - agent_s) <= identity::kClockTolerance_s) return {};
  return fail(ErrorCode::kDenied,
              "its clock reads " + identity::utc_text(agent_s) + ", " + identity::span_text(agent_s - brain_s) +
                  (ahead ? " ahead of" : " behind") + " the brain's, which reads " + identity::utc_text(brain_s),
              "site " + site, "set the clocks (NTP); they may differ by 300 s");
}

grpc::ServerBidiReactor<v1::AgentMessage, v1::BrainMessage>* attach(const std::shared_ptr<LinkState>& state,
                                                                    grpc::CallbackServerContext* context) {
  auto certificate = peer_agent(*state, *context);
  std::optional<Error> refusal;
  if (!certificate) refusal = certificate.error();
  {
    const std::lock_guard lock(state->mutex);
    if (state->stopping) {
      refusal = Error{ErrorCode::kUnavailable, "the brain is stopping", {}, "attach again"};
    } else if (state->open >= state->options.connections_max) {
      refusal = Error{ErrorCode::kExhausted, std::to_string(state->open) + " agents are attached already"};
    }
    ++state->open;
  }
  const auto stream = std::make_shared<Attachment>(state, context->peer(), std::move(certificate));
  stream->begin(refusal);
  return stream.get();
}

namespace {

class Calls final : public v1::AgentLink::CallbackService {
 public:
  explicit Calls(std::shared_ptr<LinkState> state) : state_(std::move(state)) {}

  grpc::ServerUnaryReactor* Join(grpc::CallbackServerContext* context, const v1::JoinRequest* request,
                                 v1::JoinResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    join(state_, *context, *request, response, reactor);
    return reactor;
  }
  grpc::ServerUnaryReactor* Renew(grpc::CallbackServerContext* context, const v1::RenewRequest* request,
                                  v1::RenewResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    renew(state_, *context, *request, response, reactor);
    return reactor;
  }
  grpc::ServerBidiReactor<v1::AgentMessage, v1::BrainMessage>* Attach(grpc::CallbackServerContext* context) override {
    return attach(state_, context);
  }
  grpc::ServerWriteReactor<v1::ArtifactChunk>* Artifact(grpc::CallbackServerContext* context,
                                                        const v1::ArtifactRequest* request) override {
    return send_artifact(state_, *context, *request);
  }

 private:
  const std::shared_ptr<LinkState> state_;
};

}  // namespace

struct AgentLink::Impl {
  std::shared_ptr<LinkState> state;
  Calls calls;

  std::shared_ptr<Attachment> find(SiteId site) const {
    const std::lock_guard lock(state->mutex);
    const auto it = state->attached.find(site);
    return it == state->attached.end() ? nullptr : it->second;
  }
};

AgentLink::AgentLink(const identity::CertificateAuthority& authority, ArtifactFolder& artifacts, Clock& clock,
                     AgentLinkOptions options) {
  std::shared_ptr<LinkState> state(new LinkState{authority, artifacts, clock, options});
  impl_ = std::unique_ptr<Impl>(new Impl{state, Calls(state)});
}
AgentLink::~AgentLink() = default;

void AgentLink::connect(Brain& brain) { impl_->state->brain = &brain; }
grpc::Service& AgentLink::service() { return impl_->calls; }

void AgentLink::stop() {
  std::vector<std::shared_ptr<Attachment>> all;
  {
    const std::lock_guard lock(impl_->state->mutex);
    impl_->state->stopping = true;
    for (const auto& [site, stream] : impl_->state->attached) all.push_back(stream);
  }
  for (const auto& stream : all) stream->end({ErrorCode::kUnavailable, "the brain is stopping", {}, "attach again"});
}

void AgentLink::send(const SiteDirective& directive) {
  if (const auto stream = impl_->find(directive.site)) stream->offer(directive);
}

void AgentLink::drop(SiteId site) {
  if (const auto stream = impl_->find(site)) {
    const Status good = stream->check_good(*impl_->state->brain->durable());
    stream->end(good ? Error{ErrorCode::kUnavailable, "the brain ended the connection", {}, "attach again"} : good.error());
  }
}

std::optional<PathTraffic> AgentLink::path_traffic(SiteId site, uint16_t label) const {
  const std::lock_guard lock(impl_->state->mutex);
  const auto of_site = impl_->state->traffic.find(site);
  if (of_site == impl_->state->traffic.end()) return std::nullopt;
  const auto at =
      std::lower_bound(of_site->second.begin(), of_site->second.end(), label,
                       [](const PathTraffic& known, uint16_t wanted) { return known.label < wanted; });
  return at == of_site->second.end() || at->label != label ? std::nullopt : std::optional(*at);
}

std::vector<std::pair<SiteId, PathTraffic>> AgentLink::path_traffic() const {
  const std::lock_guard lock(impl_->state->mutex);
  std::vector<std::pair<SiteId, PathTraffic>> out;
  for (const auto& [site, paths] : impl_->state->traffic) {
    for (const PathTraffic& path : paths) out.emplace_back(site, path);
  }
  return out;
}

std::optional<Contact> AgentLink::contact(SiteId site) const {
  const std::lock_guard lock(impl_->state->mutex);
  const auto it = impl_->state->contacts.find(site);
  return it == impl_->state->contacts.end() ? std::nullopt : std::optional(it->second);
}

size_t AgentLink::attached_count() const {
  const std::lock_guard lock(impl_->state->mutex);
  return impl_->state->attached.size();
}

Result<uint64_t> AgentLink::read_log(SiteId site, RunId run, uint64_t offset, bool follow, uint64_t bytes_max,
                                     std::function<void(LogPiece)> piece) {
  const auto stream = impl_->find(site);
  if (!stream) {
    return fail(ErrorCode::kUnavailable, "the site's agent is not attached", {}, "try again when it is back");
  }
  return stream->read_log(run, offset, follow, bytes_max, std::move(piece));
}

void AgentLink::cancel_log(SiteId site, uint64_t request) {
  if (const auto stream = impl_->find(site)) stream->cancel_log(request);
}

}  // namespace weir::agent_link
