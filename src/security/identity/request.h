#pragma once

#include <string>
#include <string_view>

#include "core/result/result.h"
#include "security/identity/secret.h"

namespace weir::identity {

// A fresh ECDSA P-256 key and a request (PKCS #10, RFC 2986) for the certificate of one site.
struct AgentRequest {
  SecretText key_pem;
  std::string csr_pem;
};
Result<AgentRequest> make_agent_request(std::string_view site);

// The same for a key that exists: proves its possession. kInvalid for what is no unencrypted P-256 key.
Result<AgentRequest> make_agent_request(std::string_view site, const SecretText& key_pem);

struct RequestInfo {
  std::string site;
  std::string key_fingerprint;  // SHA-256 of the public key
};
inline constexpr size_t kRequestBytesMax = 8 * 1024;

// Accepts exactly one request, with a P-256 key whose owner signed it, for one site. Nothing else in it is
// ever used. Errors: kInvalid.
Result<RequestInfo> read_request(std::string_view csr_pem);

}  // namespace weir::identity
