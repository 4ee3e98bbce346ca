#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"
#include "security/identity/certificate.h"
#include "security/identity/secret.h"

namespace weir::identity {

inline constexpr int64_t kCaValidity_s = int64_t{10} * 365 * 86400;
inline constexpr int64_t kBrainValidity_s = int64_t{90} * 86400;
inline constexpr int64_t kAgentValidity_s = 86400;
inline constexpr int64_t kLapseGrace_s = int64_t{30} * 86400;
inline constexpr size_t kBrainNamesMax = 64;

struct IssuedCertificate {
  std::string certificate_pem;
  CertificateInfo info;
};

// What a TLS server of the brain needs; chain_pem holds its certificate and then the CA's, so that an agent
// can find the CA that its token pins.
struct BrainIdentity {
  std::string chain_pem;
  SecretText key_pem;
  CertificateInfo info;
};

// Puts key and chain into one file (0600), replaced whole. gRPC's FileWatcherCertificateProvider takes that
// path for both, so that a brain renews its certificate without closing its port.
Status write_brain_file(const std::filesystem::path& path, const BrainIdentity& brain);

// The brain's own CA: one ECDSA P-256 key in DIR/ca.pem (0600), its certificate also in DIR/ca.crt (0644).
// Certificates carry random serial numbers, so nothing but the key needs keeping. Const members may be called
// from several threads.
class CertificateAuthority {
 public:
  // Makes the CA where DIR holds none; of several processes at once, all end with the same one. Never
  // replaces a file that exists. Errors: kDenied for wrong permissions or owner and for a CA that is not
  // valid at `now_s`; kCorrupt for a file that holds no CA; kInvalid for a clock that was never set.
  static Result<CertificateAuthority> open_or_create(const std::filesystem::path& dir, int64_t now_s);

  CertificateAuthority(CertificateAuthority&&) noexcept;
  CertificateAuthority& operator=(CertificateAuthority&&) noexcept;
  ~CertificateAuthority();

  const std::string& certificate_pem() const { return certificate_pem_; }
  const CertificateInfo& info() const { return info_; }
  const std::string& fingerprint() const { return info_.fingerprint; }  // what join tokens carry

  // A new key and certificate for the brain itself, for these DNS names and IP addresses and kBrainName.
  // Errors: kInvalid for a name that is neither.
  Result<BrainIdentity> issue_brain(const std::vector<std::string>& names, int64_t now_s,
                                    int64_t validity_s = kBrainValidity_s) const;

  // A certificate for the key in the request, for this site. Errors: those of read_request; kDenied when the
  // request is for another site or the clock outside the CA's life; kInvalid for a validity below a second.
  Result<IssuedCertificate> issue_agent(std::string_view csr_pem, std::string_view site, int64_t now_s,
                                        int64_t validity_s = kAgentValidity_s) const;

  // For a site that slept past the end of its certificate, or whose brain did: a new certificate for the same
  // key, whose possession the request proves. Errors: those of verify_peer for `lapsed_pem` but its end, and
  // of issue_agent; kDenied for another key, and when the certificate ended more than kLapseGrace_s ago.
  Result<IssuedCertificate> renew_lapsed(std::string_view csr_pem, std::string_view lapsed_pem, int64_t now_s,
                                         const RevocationList& revoked = {},
                                         int64_t validity_s = kAgentValidity_s) const;

 private:
  struct Impl;
  explicit CertificateAuthority(std::unique_ptr<Impl> impl);
  static Result<CertificateAuthority> load(const std::filesystem::path& path, int64_t now_s);

  std::unique_ptr<Impl> impl_;
  std::string certificate_pem_;
  CertificateInfo info_;
};

}  // namespace weir::identity
