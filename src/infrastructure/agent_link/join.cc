#include <fstream>

#include "infrastructure/agent_link/link_state.h"
#include "security/identity/clock_text.h"
#include "security/identity/join_token.h"
#include "security/identity/request.h"

namespace weir::agent_link {
namespace {

constexpr size_t kChunkBytes = 256 * 1024;

std::optional<identity::JoinTokenRecord> stored_token(const Graph& graph, const std::string& id) {
  const TokenRow* row = graph.find_token(id);
  if (!row || !row->join) return std::nullopt;
  return identity::JoinTokenRecord{.id = id,
                                   .secret_hash = row->secret_sha256,
                                   .site = row->subject,
                                   .expires_s = row->expires / 1'000'000,
                                   .used_s = row->redeemed / 1'000'000,
                                   .used_by = row->redeemed_by,
                                   .revoked = row->revoked,
                                   .issued_s = row->issued / 1'000'000};
}

struct Joined {
  identity::IssuedCertificate certificate;
  SiteId site;
  std::vector<Proposal> proposals;
};

Result<Joined> admit_join(const LinkState& state, const std::string& peer, const v1::JoinRequest& request) {
  const auto token = identity::parse_join_token(request.bearer());
  if (!token) return tl::unexpected(token.error());
  const auto csr = identity::read_request(request.csr_pem());
  if (!csr) return tl::unexpected(csr.error());
  if (request.clock() != 0) {
    if (const Status clock = check_clock(csr->site, request.clock(), state.clock.wall_us()); !clock) {
      return tl::unexpected(clock.error());
    }
  }
  const Snapshot graph = state.brain->durable();
  const auto record = stored_token(*graph, token->id);
  const auto redemption = identity::redeem_join_token(record ? &*record : nullptr, *token, csr->site, state.now_s(),
                                                      peer, csr->key_fingerprint);
  if (!redemption) return tl::unexpected(redemption.error());
  Joined out;
  out.site = graph->find_site(csr->site);
  if (!out.site.valid()) {
    return fail(ErrorCode::kNotFound, "no such site is described", "site " + csr->site,
                "apply its Site description first");
  }
  const int64_t revoked_until_s = graph->certificates_revoked_until(out.site) / 1'000'000;
  if (revoked_until_s != 0 && state.now_s() <= revoked_until_s) {
    // A certificate of now could not be told from those that were revoked.
    return fail(ErrorCode::kUnavailable,
                "its certificates until " + identity::utc_text(revoked_until_s) +
                    " are revoked, and the brain's clock reads " + identity::utc_text(state.now_s()),
                "site " + csr->site, "try again in a second; if the brain's clock went back, set it");
  }
  auto certificate = state.authority.issue_agent(request.csr_pem(), csr->site, state.now_s());
  if (!certificate) return tl::unexpected(certificate.error());
  out.certificate = std::move(*certificate);
  const std::string actor = "site/" + csr->site;
  if (!redemption->repeated) out.proposals.push_back({actor, TokenRedeemed{token->id, redemption->record.used_by}});
  out.proposals.push_back({actor, CertificateIssued{out.site, out.certificate.info.serial,
                                                    out.certificate.info.not_after_s * 1'000'000}});
  return out;
}

class ArtifactWriter final : public grpc::ServerWriteReactor<v1::ArtifactChunk> {
 public:
  void begin(const LinkState& state, const grpc::CallbackServerContext& context,
             const v1::ArtifactRequest& request) {
    const auto peer = peer_agent(state, context);
    if (!peer) return Finish(status_of(peer.error()));
    const auto found = state.artifacts.find(request.digest());
    if (!found) return Finish(status_of(found.error()));
    if (request.offset() > found->size) {
      return Finish(status_of({ErrorCode::kInvalid, "is beyond the artifact's " + std::to_string(found->size) + " bytes",
                               "ArtifactRequest.offset"}));
    }
    file_.open(found->path, std::ios::binary);
    file_.seekg(static_cast<std::streamoff>(request.offset()));
    chunk_.set_size(found->size);
    offset_ = request.offset();
    next();
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream broke"));
    next();
  }
  void OnDone() override { delete this; }

 private:
  void next() {
    std::string& data = *chunk_.mutable_data();
    data.resize(kChunkBytes);
    file_.read(data.data(), static_cast<std::streamsize>(data.size()));
    data.resize(static_cast<size_t>(file_.gcount()));
    chunk_.set_offset(offset_);
    offset_ += data.size();
    if (offset_ >= chunk_.size()) return StartWriteAndFinish(&chunk_, grpc::WriteOptions(), grpc::Status::OK);
    if (data.empty()) return Finish(grpc::Status(grpc::StatusCode::DATA_LOSS, "the artifact became shorter"));
    StartWrite(&chunk_);
  }

  std::ifstream file_;
  v1::ArtifactChunk chunk_;
  uint64_t offset_ = 0;
};

}  // namespace

void join(const std::shared_ptr<LinkState>& state, const grpc::CallbackServerContext& context,
          const v1::JoinRequest& request, v1::JoinResponse* response, grpc::ServerUnaryReactor* reactor) {
  auto joined = admit_join(*state, context.peer(), request);
  if (!joined) return reactor->Finish(status_of(joined.error()));
  response->set_certificate_chain_pem(joined->certificate.certificate_pem);
  response->set_ca_pem(state->authority.certificate_pem());
  response->set_site(joined->certificate.info.site);
  response->set_site_id(joined->site.value);
  response->set_expires(joined->certificate.info.not_after_s * 1'000'000);
  response->set_clock(state->clock.wall_us());
  state->brain->propose(std::move(joined->proposals), [reactor](const Result<Admitted>& admitted) {
    reactor->Finish(admitted ? grpc::Status::OK : status_of(admitted.error()));
  });
}

namespace {

Result<identity::IssuedCertificate> renew_lapsed(const LinkState& state, const std::string& lapsed_pem,
                                                 const std::string& csr_pem) {
  const auto claimed = identity::read_certificate(lapsed_pem);
  if (!claimed) return tl::unexpected(claimed.error());
  return state.authority.renew_lapsed(csr_pem, lapsed_pem, state.now_s(),
                                      revocations(*state.brain->durable(), claimed->site));
}

}  // namespace

void renew(const std::shared_ptr<LinkState>& state, const grpc::CallbackServerContext& context,
           const v1::RenewRequest& request, v1::RenewResponse* response, grpc::ServerUnaryReactor* reactor) {
  const auto peer = peer_agent(*state, context);
  auto issued = peer ? state->authority.issue_agent(request.csr_pem(), peer->site, state->now_s())
                     : renew_lapsed(*state, peer_pem(context), request.csr_pem());
  if (!issued) return reactor->Finish(status_of(issued.error()));
  const SiteId site = state->brain->durable()->find_site(issued->info.site);
  if (!site.valid()) return reactor->Finish(status_of({ErrorCode::kNotFound, "no such site is described", "site " + issued->info.site}));
  response->set_certificate_chain_pem(issued->certificate_pem);
  response->set_ca_pem(state->authority.certificate_pem());
  response->set_expires(issued->info.not_after_s * 1'000'000);
  state->brain->propose(
      {{"site/" + issued->info.site, CertificateIssued{site, issued->info.serial, issued->info.not_after_s * 1'000'000}}},
      [reactor](const Result<Admitted>& admitted) {
        reactor->Finish(admitted ? grpc::Status::OK : status_of(admitted.error()));
      });
}

grpc::ServerWriteReactor<v1::ArtifactChunk>* send_artifact(const std::shared_ptr<LinkState>& state,
                                                           const grpc::CallbackServerContext& context,
                                                           const v1::ArtifactRequest& request) {
  auto* writer = new ArtifactWriter();
  writer->begin(*state, context, request);
  return writer;
}

}  // namespace weir::agent_link
