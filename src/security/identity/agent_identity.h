#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/result/result.h"
#include "security/identity/certificate.h"
#include "security/identity/request.h"
#include "security/identity/secret.h"

namespace weir::identity {

// What an agent shows the brain, and how it knows the brain.
struct AgentIdentity {
  SecretText key_pem;
  std::string certificate_pem;
  std::string ca_pem;
  CertificateInfo info;  // info.site: who it is
  std::string token_id;  // of the join token that bought it, through all renewals; not a secret
};

// An agent's identity in a folder: identity.pem (key, certificate, CA, the token's identifier) and, between
// asking and being answered, request.pem (key, request); both 0600 and always whole. One process at a time
// uses a folder.
class AgentStore {
 public:
  explicit AgentStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // The request to send, to join or to renew: an unanswered one of the same site, so that asking again after
  // a lost answer shows the same key, or a new one.
  Result<AgentRequest> request(std::string_view site) const;

  // The request to send when the certificate has lapsed: for the present identity and its key. Replaces an
  // unanswered one. Errors as load().
  Result<AgentRequest> lapsed_request() const;

  // Keeps what the brain answered, after checking that it is for the requested key, of the requested site,
  // under this CA and alive. A renewal must come from the CA that the folder already holds; `token_id` says
  // that a token was spent instead, and its pin decides about the CA. On an error the folder is as before.
  // Errors: kNotFound without a request; kDenied; kInvalid.
  Result<AgentIdentity> accept(std::string_view certificate_pem, std::string_view ca_pem, int64_t now_s,
                               std::string_view token_id = {}) const;

  // Does not look at the clock: see check_lifetime. Errors: kNotFound before joining; kDenied for
  // permissions; kCorrupt for a damaged file.
  Result<AgentIdentity> load() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace weir::identity
