#include "security/identity/agent_identity.h"

#include <openssl/err.h>

#include "security/identity/openssl_handles.h"
#include "security/identity/private_file.h"
#include "security/identity/token_text.h"

namespace weir::identity {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTokenLine = "token ";

// The text of the first PEM block, and the rest.
std::string_view take_block(std::string_view& text) {
  constexpr std::string_view kEnd = "-----END ";
  const size_t end = text.find(kEnd);
  const size_t newline = end == std::string_view::npos ? end : text.find('\n', end);
  const size_t size = newline == std::string_view::npos ? text.size() : newline + 1;
  const std::string_view block = text.substr(0, size);
  text.remove_prefix(size);
  return block;
}

bool belongs(X509* certificate, EVP_PKEY* key) {
  const bool match = X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  return match;
}

Result<AgentRequest> pending_request(const fs::path& path) {
  const auto file = read_private_file(path);
  if (!file) return tl::unexpected<Error>(file.error());
  std::string_view rest = file->reveal();
  AgentRequest request;
  request.key_pem = SecretText(take_block(rest));
  request.csr_pem = rest;
  const KeyHandle key = key_from_pem(request.key_pem.reveal());
  const auto info = read_request(request.csr_pem);
  if (!key || !info || fingerprint_of_key(key.get()) != info->key_fingerprint) {
    return fail(ErrorCode::kCorrupt, "does not hold one key and its certificate request", path.string(),
                "remove it, and ask again");
  }
  return request;
}

Result<AgentRequest> kept(const fs::path& path, Result<AgentRequest> request) {
  if (!request) return request;
  const SecretText text = joined({request->key_pem.reveal(), request->csr_pem});
  if (Status written = write_private_file(path, text.reveal(), Existing::kReplace); !written) {
    return tl::unexpected<Error>(written.error());
  }
  return request;
}

}  // namespace

Result<AgentRequest> AgentStore::request(std::string_view site) const {
  if (Status folder = make_private_folder(folder_); !folder) return tl::unexpected<Error>(folder.error());
  const fs::path path = folder_ / "request.pem";
  auto pending = pending_request(path);
  if (pending && read_request(pending->csr_pem)->site == site) return pending;
  if (!pending && pending.error().code != ErrorCode::kNotFound) return pending;
  return kept(path, make_agent_request(site));
}

Result<AgentRequest> AgentStore::lapsed_request() const {
  const auto present = load();
  if (!present) return tl::unexpected<Error>(present.error());
  return kept(folder_ / "request.pem", make_agent_request(present->info.site, present->key_pem));
}

Result<AgentIdentity> AgentStore::accept(std::string_view certificate_pem, std::string_view ca_pem,
                                         int64_t now_s, std::string_view token_id) const {
  const auto pending = pending_request(folder_ / "request.pem");
  if (!pending) return tl::unexpected<Error>(pending.error());
  const auto info = verify_peer(certificate_pem, ca_pem, Peer::kAgent, now_s);
  if (!info) return tl::unexpected<Error>(info.error());
  const auto requested = read_request(pending->csr_pem);
  if (info->key_fingerprint != requested->key_fingerprint) {
    return fail(ErrorCode::kDenied, "the brain answered with a certificate for another key", {}, "ask again");
  }
  if (Status site = require_site(*info, requested->site); !site) return tl::unexpected<Error>(site.error());
  const auto ca = read_certificate(ca_pem);
  std::string bought_with(token_id);
  if (const auto present = load(); present) {
    if (token_id.empty()) bought_with = present->token_id;
    const auto known = read_certificate(present->ca_pem);
    if (token_id.empty() && present->info.site == info->site && known->fingerprint != ca->fingerprint) {
      return fail(ErrorCode::kDenied, "the answer is under another CA than this site's identity",
                  folder_.string(),
                  "if the brain was set up anew, remove the folder and join with a new token");
    }
  } else if (present.error().code != ErrorCode::kNotFound) {
    return tl::unexpected<Error>(present.error());
  }
  // Encoded again, so that only what was checked is kept.
  const std::string certificate = to_pem(certificate_from_pem(certificate_pem).get());
  const std::string authority = to_pem(certificate_from_pem(ca_pem).get());
  const std::string token = bought_with.empty() ? "" : std::string(kTokenLine) + bought_with + "\n";
  const SecretText text = joined({pending->key_pem.reveal(), certificate, authority, token});
  if (Status written = write_private_file(folder_ / "identity.pem", text.reveal(), Existing::kReplace);
      !written) {
    return tl::unexpected<Error>(written.error());
  }
  std::error_code ignored;
  fs::remove(folder_ / "request.pem", ignored);  // one that stays behind is only asked again
  return load();
}

Result<AgentIdentity> AgentStore::load() const {
  const fs::path path = folder_ / "identity.pem";
  const auto file = read_private_file(path);
  if (!file) {
    Error error = file.error();
    if (error.code == ErrorCode::kNotFound) {
      error.what = "this machine has not joined";
      error.remedy = "start the agent with a token: ask the operator for one";
    }
    return tl::unexpected<Error>(error);
  }
  std::string_view rest = file->reveal();
  AgentIdentity identity;
  identity.key_pem = SecretText(take_block(rest));
  identity.certificate_pem = take_block(rest);
  identity.ca_pem = take_block(rest);
  if (rest.starts_with(kTokenLine)) {
    const std::string_view id = rest.substr(kTokenLine.size(), kTokenIdChars);
    if (is_token_id(id)) {
      identity.token_id = id;
      rest.remove_prefix(kTokenLine.size() + kTokenIdChars);
    }
  }
  const KeyHandle key = key_from_pem(identity.key_pem.reveal());
  const CertificateHandle certificate = certificate_from_pem(identity.certificate_pem);
  auto info = read_certificate(identity.certificate_pem);
  const auto ca = read_certificate(identity.ca_pem);
  if (!is_blank(rest) || !key || !certificate || !info || !ca || !ca->authority || info->site.empty() ||
      !belongs(certificate.get(), key.get())) {
    return fail(ErrorCode::kCorrupt, "does not hold one key, its certificate and a CA", path.string(),
                "remove it and join with a new token");
  }
  identity.info = std::move(*info);
  return identity;
}

}  // namespace weir::identity
