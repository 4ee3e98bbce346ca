#include "security/identity/authority.h"

#include <openssl/err.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "security/identity/clock_text.h"
#include "security/identity/openssl_handles.h"
#include "security/identity/private_file.h"
#include "security/identity/request.h"

namespace weir::identity {
namespace {

namespace fs = std::filesystem;
using SerialHandle = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using AddressHandle = std::unique_ptr<ASN1_OCTET_STRING, Freer<ASN1_OCTET_STRING_free>>;

tl::unexpected<Error> broken() {
  return fail(ErrorCode::kInternal, "cannot make a certificate: " + openssl_reason());
}

// 126 random bits, positive and not zero (RFC 5280 section 4.1.2.2 allows 20 octets).
bool set_random_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  const SerialHandle number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_times(X509* certificate, int64_t from_s, int64_t until_s) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), from_s) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), until_s) != nullptr;
}

bool set_subject(X509* certificate, std::string_view name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>(name.data()),
                                    static_cast<int>(name.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool is_address(const std::string& name) {
  const AddressHandle address(a2i_IPADDRESS(name.c_str()));
  ERR_clear_error();
  return address != nullptr;
}

// RFC 1123 host names; the value goes into OpenSSL's extension syntax, where a comma would begin another
// name.
bool is_host_name(const std::string& name) {
  return !name.empty() && name.size() <= 253 && name.front() != '.' && name.front() != '-' &&
         name.back() != '-' && name.back() != '.' && name.find("..") == std::string::npos &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '.';
         });
}

struct Draft {
  std::string subject;
  std::string alternative_names;  // in OpenSSL's syntax
  std::string extended_usage;     // empty: a CA
  int64_t from_s = 0;
  int64_t until_s = 0;
};

// The certificate of `key` as in the draft, signed by `issuer_key`; without an issuer it signs itself.
CertificateHandle sign(const Draft& draft, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  CertificateHandle certificate(X509_new());
  X509* c = certificate.get();
  if (c == nullptr || X509_set_version(c, X509_VERSION_3) != 1 || !set_random_serial(c) ||
      !set_times(c, draft.from_s, draft.until_s) || !set_subject(c, draft.subject) ||
      X509_set_pubkey(c, key) != 1) {
    return nullptr;
  }
  X509* by = issuer == nullptr ? c : issuer;
  if (X509_set_issuer_name(c, X509_get_subject_name(by)) != 1) return nullptr;
  const bool authority = draft.extended_usage.empty();
  const bool extended =
      add_extension(c, by, NID_basic_constraints,
                    authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE") &&
      add_extension(c, by, NID_key_usage,
                    authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
      add_extension(c, by, NID_subject_key_identifier, "hash") &&
      add_extension(c, by, NID_authority_key_identifier, "keyid:always") &&
      (authority || (add_extension(c, by, NID_ext_key_usage, draft.extended_usage) &&
                     add_extension(c, by, NID_subject_alt_name, draft.alternative_names)));
  if (!extended || X509_sign(c, issuer_key, EVP_sha256()) <= 0) return nullptr;
  return certificate;
}

// The CA's file: its key, then its certificate.
Result<SecretText> make_ca_file(int64_t now_s) {
  auto key = make_key();
  if (!key) return tl::unexpected<Error>(key.error());
  Draft draft;
  draft.subject = "Weir CA " + fingerprint_of_key(key->get()).substr(0, 16);
  draft.from_s = now_s - kClockTolerance_s;
  draft.until_s = now_s + kCaValidity_s;
  const CertificateHandle certificate = sign(draft, key->get(), nullptr, key->get());
  if (!certificate) return broken();
  const auto key_pem = key_to_pem(key->get());
  if (!key_pem) return key_pem;
  return joined({key_pem->reveal(), to_pem(certificate.get())});
}

// A certificate never outlives its CA.
Status set_life(Draft& draft, const CertificateInfo& ca, int64_t now_s, int64_t validity_s) {
  if (validity_s < 1) return fail(ErrorCode::kInvalid, "a certificate must be valid for at least a second");
  if (Status life = check_lifetime(ca, now_s, "the CA's certificate"); !life) return life;
  draft.from_s = now_s - kClockTolerance_s;
  draft.until_s = std::min(now_s + std::min(validity_s, kCaValidity_s), ca.not_after_s);
  return {};
}

Status check_clock(int64_t now_s) {
  if (now_s >= kEarliestClock_s && now_s <= kLatestClock_s - kCaValidity_s) return {};
  return fail(ErrorCode::kInvalid, "this machine's clock reads " + utc_text(now_s), {},
              "set the clock before making certificates");
}

}  // namespace

Status write_brain_file(const fs::path& path, const BrainIdentity& brain) {
  return write_private_file(path, joined({brain.key_pem.reveal(), brain.chain_pem}).reveal(),
                            Existing::kReplace);
}

struct CertificateAuthority::Impl {
  KeyHandle key;
  CertificateHandle certificate;
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;
CertificateAuthority& CertificateAuthority::operator=(CertificateAuthority&&) noexcept = default;
CertificateAuthority::~CertificateAuthority() = default;

Result<CertificateAuthority> CertificateAuthority::open_or_create(const fs::path& dir, int64_t now_s) {
  if (Status folder = make_private_folder(dir); !folder) return tl::unexpected<Error>(folder.error());
  const fs::path path = dir / "ca.pem";
  auto loaded = load(path, now_s);
  if (!loaded && loaded.error().code == ErrorCode::kNotFound) {
    if (Status clock = check_clock(now_s); !clock) return tl::unexpected<Error>(clock.error());
    const auto file = make_ca_file(now_s);
    if (!file) return tl::unexpected<Error>(file.error());
    const Status written = write_private_file(path, file->reveal(), Existing::kKeep);
    if (!written && written.error().code != ErrorCode::kConflict)
      return tl::unexpected<Error>(written.error());
    loaded = load(path, now_s);
  }
  if (!loaded) return loaded;
  if (Status copied = write_public_file(dir / "ca.crt", loaded->certificate_pem_); !copied) {
    return tl::unexpected<Error>(copied.error());
  }
  return loaded;
}

Result<CertificateAuthority> CertificateAuthority::load(const fs::path& path, int64_t now_s) {
  const auto text = read_private_file(path);
  if (!text) return tl::unexpected<Error>(text.error());
  auto impl = std::make_unique<Impl>();
  std::string_view rest;
  impl->key = key_from_pem(text->reveal(), &rest);
  if (impl->key) impl->certificate = certificate_from_pem(rest, &rest);
  const auto corrupt = [&](std::string what) {
    return fail(ErrorCode::kCorrupt, std::move(what), path.string(),
                "restore it from the backup; without it every agent must join again");
  };
  if (!impl->key || !impl->certificate || !is_blank(rest)) {
    return corrupt("does not hold one unencrypted key and its certificate");
  }
  const bool match =
      is_p256(impl->key.get()) && X509_check_private_key(impl->certificate.get(), impl->key.get()) == 1;
  ERR_clear_error();
  if (!match) return corrupt("the key is not ECDSA P-256 or not that of the certificate");
  std::string pem = to_pem(impl->certificate.get());
  auto info = read_certificate(pem);
  if (!info) return corrupt(info.error().what);
  if (!info->authority) return corrupt("the certificate is not a CA's");
  if (Status alive = check_lifetime(*info, now_s, "the CA's certificate"); !alive) {
    Error error = alive.error();
    error.where = path.string();
    return tl::unexpected<Error>(error);
  }
  CertificateAuthority authority(std::move(impl));
  authority.certificate_pem_ = std::move(pem);
  authority.info_ = std::move(*info);
  return authority;
}

Result<BrainIdentity> CertificateAuthority::issue_brain(const std::vector<std::string>& names, int64_t now_s,
                                                        int64_t validity_s) const {
  if (names.size() > kBrainNamesMax) {
    return fail(ErrorCode::kInvalid, "more than " + std::to_string(kBrainNamesMax) + " names for the brain");
  }
  Draft draft;
  draft.subject = kBrainName;
  draft.extended_usage = "serverAuth";
  draft.alternative_names = "DNS:" + std::string(kBrainName);
  for (const std::string& name : names) {
    if (is_address(name)) {
      draft.alternative_names += ",IP:" + name;
    } else if (is_host_name(name)) {
      draft.alternative_names += ",DNS:" + name;
    } else {
      return fail(ErrorCode::kInvalid, "\"" + name + "\" is neither an IP address nor a host name", {},
                  "give the names under which agents and users reach the brain");
    }
  }
  if (Status life = set_life(draft, info_, now_s, validity_s); !life)
    return tl::unexpected<Error>(life.error());
  auto key = make_key();
  if (!key) return tl::unexpected<Error>(key.error());
  const CertificateHandle certificate = sign(draft, key->get(), impl_->certificate.get(), impl_->key.get());
  if (!certificate) return broken();
  auto key_pem = key_to_pem(key->get());
  if (!key_pem) return tl::unexpected<Error>(key_pem.error());
  const std::string pem = to_pem(certificate.get());
  auto info = read_certificate(pem);
  if (!info) return tl::unexpected<Error>(info.error());
  return BrainIdentity{pem + certificate_pem_, std::move(*key_pem), std::move(*info)};
}

Result<IssuedCertificate> CertificateAuthority::issue_agent(std::string_view csr_pem, std::string_view site,
                                                            int64_t now_s, int64_t validity_s) const {
  const auto request = read_request(csr_pem);
  if (!request) return tl::unexpected<Error>(request.error());
  if (request->site != site) {
    return fail(
        ErrorCode::kDenied,
        "the certificate request is for site " + request->site + ", not for site " + std::string(site), {},
        "join as the site that the token names");
  }
  Draft draft;
  draft.subject = site;
  draft.extended_usage = "clientAuth";
  draft.alternative_names = "URI:" + std::string(kSiteUriPrefix) + std::string(site);
  if (Status life = set_life(draft, info_, now_s, validity_s); !life)
    return tl::unexpected<Error>(life.error());
  const RequestHandle parsed = request_from_pem(csr_pem);
  const CertificateHandle certificate =
      sign(draft, X509_REQ_get0_pubkey(parsed.get()), impl_->certificate.get(), impl_->key.get());
  if (!certificate) return broken();
  IssuedCertificate issued;
  issued.certificate_pem = to_pem(certificate.get());
  auto info = read_certificate(issued.certificate_pem);
  if (!info) return tl::unexpected<Error>(info.error());
  issued.info = std::move(*info);
  return issued;
}

Result<IssuedCertificate> CertificateAuthority::renew_lapsed(std::string_view csr_pem,
                                                             std::string_view lapsed_pem, int64_t now_s,
                                                             const RevocationList& revoked,
                                                             int64_t validity_s) const {
  const auto claimed = read_certificate(lapsed_pem);
  if (!claimed) return tl::unexpected<Error>(claimed.error());
  const auto lapsed =
      verify_peer(lapsed_pem, certificate_pem_, Peer::kAgent, std::min(now_s, claimed->not_after_s), revoked);
  if (!lapsed) return tl::unexpected<Error>(lapsed.error());
  if (now_s > lapsed->not_after_s + kLapseGrace_s) {
    return fail(ErrorCode::kDenied,
                "the certificate of site " + lapsed->site + " expired at " + utc_text(lapsed->not_after_s) +
                    ", more than " + std::to_string(kLapseGrace_s / 86400) + " days before " +
                    utc_text(now_s),
                {}, "join again with a new token");
  }
  const auto request = read_request(csr_pem);
  if (!request) return tl::unexpected<Error>(request.error());
  if (request->key_fingerprint != lapsed->key_fingerprint) {
    return fail(ErrorCode::kDenied,
                "the certificate request is not for the key of the certificate of site " + lapsed->site, {},
                "join again with a new token");
  }
  return issue_agent(csr_pem, lapsed->site, now_s, validity_s);
}

}  // namespace weir::identity
