#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"
#include "security/identity/revocation.h"

// X.509 certificates (RFC 5280) as PEM text. Time is always given by the caller, in Unix seconds.
namespace weir::identity {

inline constexpr std::string_view kSiteUriPrefix = "weir://site/";

// Every brain's certificate carries this name besides its addresses, so that an agent that dials through an
// address translator can still name whom it expects.
inline constexpr std::string_view kBrainName = "brain.weir.internal";

inline constexpr size_t kPemBytesMax = 64 * 1024;

// Certificates begin this long before they are issued, so that a site whose clock is a little behind can use
// them at once. Part of the format: issued_s is computed with it.
inline constexpr int64_t kClockTolerance_s = 300;

struct CertificateInfo {
  std::string serial;              // lower-case hexadecimal
  std::string fingerprint;         // SHA-256 of the certificate, 64 hexadecimal digits
  std::string key_fingerprint;     // SHA-256 of its public key
  std::string site;                // of an agent; empty otherwise
  std::vector<std::string> names;  // DNS names and IP addresses of a brain
  int64_t not_before_s = 0;
  int64_t not_after_s = 0;
  int64_t issued_s = 0;
  bool authority = false;
  friend bool operator==(const CertificateInfo&, const CertificateInfo&) = default;
};

// The first certificate in `pem`. Says nothing about trust. Errors: kInvalid.
Result<CertificateInfo> read_certificate(std::string_view pem);

// True from two thirds of the certificate's life on, and after its end.
bool needs_renewal(const CertificateInfo& certificate, int64_t now_s);

// kDenied outside the certificate's life. `whose` begins the message: "the certificate of site hub-a". A
// certificate from the future points at a wrong clock, and the message says so.
Status check_lifetime(const CertificateInfo& certificate, int64_t now_s, std::string_view whose);

enum class Peer { kAgent, kBrain };

// Proves that the first certificate in `pem` was issued by the CA in `ca_pem` for such a peer, is alive now
// and not revoked, and returns it. Distinct errors, all kDenied: self-signed, another CA, the wrong kind of
// peer, not yet valid, expired, revoked. kInvalid for what is no certificate.
Result<CertificateInfo> verify_peer(std::string_view pem, std::string_view ca_pem, Peer peer, int64_t now_s,
                                    const RevocationList& revoked = {});

// kDenied for a revoked one.
Status check_revoked(const CertificateInfo& agent, const RevocationList& revoked);

// An agent's certificate speaks for its own site only: kDenied otherwise.
Status require_site(const CertificateInfo& agent, std::string_view site);

// Finds in `chain_pem`, as a server sent it, the CA with the given fingerprint, and proves that the first
// certificate is a brain's under it. Returns the CA's PEM. Errors: kDenied, kInvalid.
Result<std::string> find_pinned_ca(std::string_view chain_pem, std::string_view ca_fingerprint,
                                   int64_t now_s);

}  // namespace weir::identity
