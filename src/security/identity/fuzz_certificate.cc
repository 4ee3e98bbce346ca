// What strangers send: certificate requests, certificates and chains. Nothing that was not signed by the CA
// may ever be taken for an agent's or a brain's.
#include <openssl/evp.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "security/identity/authority.h"
#include "security/identity/request.h"
#include "security/policy/principal.h"

namespace {

// A CA whose key nobody kept: no input can be signed by it.
constexpr std::string_view kCa = R"(-----BEGIN CERTIFICATE-----
MIIBqTCCAVCgAwIBAgIQdmJKFdrjF6163Z47+9mP6jAKBggqhkjOPQQDAjAjMSEw
HwYDVQQDDBhXZWlyIENBIDAwYzE3OTMwNmJjOWUyMzYwHhcNMjUxMTIwMTEwOTA0
WhcNMzUxMTE4MTExNDA0WjAjMSEwHwYDVQQDDBhXZWlyIENBIDAwYzE3OTMwNmJj
OWUyMzYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARWPYa9YG0Jb0RBVeI7JV5A
yI4qafdB4tWCPlBsEud7g0QgE1RfdUlLh6YPXdAZ+pKB0qxhGpf2pVJ0H4g8+K9Z
o2YwZDASBgNVHRMBAf8ECDAGAQH/AgEAMA4GA1UdDwEB/wQEAwIBBjAdBgNVHQ4E
FgQUAkESTRchiGb22ROVEknJ+BhYBqIwHwYDVR0jBBgwFoAUAkESTRchiGb22ROV
EknJ+BhYBqIwCgYIKoZIzj0EAwIDRwAwRAIgfKCdAeag20ihB0qEaiaPA0siESeV
yuNQUfr/0y6csZACIFH40/0WRs7vwUeShmgucOU/pQMqOkiiQ2Xz3BmRsPM1
-----END CERTIFICATE-----
)";
constexpr std::string_view kCaFingerprint =
    "a3cf5a578d91987eacad03453124c8663ff4ebd119859a1e8ff81929adaf82a7";
constexpr int64_t kNow = 1'763'637'244;

void try_all(std::string_view pem) {
  using namespace weir::identity;
  if (const auto request = read_request(pem)) {
    if (!weir::policy::valid_name(request->site) || request->key_fingerprint.size() != 64) std::abort();
  }
  if (const auto info = read_certificate(pem)) {
    if (!info->site.empty() && !weir::policy::valid_name(info->site)) std::abort();
    if (info->fingerprint.size() != 64) std::abort();
    static_cast<void>(check_lifetime(*info, kNow, "it"));
    static_cast<void>(needs_renewal(*info, kNow));
  }
  if (verify_peer(pem, kCa, Peer::kAgent, kNow) || verify_peer(pem, kCa, Peer::kBrain, kNow)) std::abort();
  static_cast<void>(verify_peer(kCa, pem, Peer::kAgent, kNow));
  if (find_pinned_ca(pem, kCaFingerprint, kNow)) std::abort();
}

// DER as PEM, so that mutations reach the inner structure and not only the base64.
std::string wrapped(std::string_view der, std::string_view label) {
  std::string text(der.size() * 4 / 3 + 8, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(der.data()), static_cast<int>(der.size()));
  text.resize(static_cast<size_t>(size));
  std::string pem = "-----BEGIN " + std::string(label) + "-----\n";
  for (size_t i = 0; i < text.size(); i += 64) pem += text.substr(i, 64) + "\n";
  return pem + "-----END " + std::string(label) + "-----\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_all(text);
  try_all(wrapped(text, "CERTIFICATE"));
  try_all(wrapped(text, "CERTIFICATE REQUEST"));
  return 0;
}
