#include "security/identity/certificate.h"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include "security/identity/clock_text.h"
#include "security/identity/openssl_handles.h"
#include "security/identity/secret.h"
#include "security/identity/token_text.h"

namespace weir::identity {
namespace {

using NamesHandle = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;
using StoreHandle = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using StoreContextHandle = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;

constexpr size_t kNamesMax = 256;

tl::unexpected<Error> refuse(std::string what, std::string remedy = {}) {
  return fail(ErrorCode::kDenied, std::move(what), {}, std::move(remedy));
}

bool unix_seconds(const ASN1_TIME* time, int64_t& out) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return false;
  using namespace std::chrono;
  const sys_days day =
      year_month_day(year(parts.tm_year + 1900), month(static_cast<unsigned>(parts.tm_mon + 1)),
                     std::chrono::day(static_cast<unsigned>(parts.tm_mday)));
  out = int64_t{86400} * day.time_since_epoch().count() + 3600 * parts.tm_hour + 60 * parts.tm_min +
        parts.tm_sec;
  return true;
}

std::string address_text(const ASN1_STRING* address) {
  const unsigned char* bytes = ASN1_STRING_get0_data(address);
  const int size = ASN1_STRING_length(address);
  std::string out;
  if (size == 4) {
    for (int i = 0; i < 4; ++i) out += (i == 0 ? "" : ".") + std::to_string(bytes[i]);
  } else if (size == 16) {
    const std::string digits = hex({reinterpret_cast<const char*>(bytes), 16});
    for (size_t i = 0; i < digits.size(); i += 4) out += (i == 0 ? "" : ":") + digits.substr(i, 4);
  }
  return out;
}

void read_names(X509* certificate, CertificateInfo& info) {
  const NamesHandle names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  info.site = site_of(names.get());
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()) && info.names.size() < kNamesMax; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      info.names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                              static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      if (std::string text = address_text(name->d.iPAddress); !text.empty())
        info.names.push_back(std::move(text));
    }
  }
}

Result<CertificateInfo> describe(X509* certificate) {
  CertificateInfo info;
  if (!unix_seconds(X509_get0_notBefore(certificate), info.not_before_s) ||
      !unix_seconds(X509_get0_notAfter(certificate), info.not_after_s)) {
    return fail(ErrorCode::kInvalid, "the certificate's times cannot be read");
  }
  info.issued_s = info.not_before_s + kClockTolerance_s;
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  info.serial = hex({reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
                     static_cast<size_t>(ASN1_STRING_length(serial))});
  info.fingerprint = fingerprint_of(certificate);
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) return fail(ErrorCode::kInvalid, "the certificate's public key cannot be read");
  info.key_fingerprint = fingerprint_of_key(key);
  info.authority = X509_check_ca(certificate) == 1;
  read_names(certificate, info);
  ERR_clear_error();
  return info;
}

Result<CertificateHandle> parse(std::string_view pem) {
  CertificateHandle certificate = certificate_from_pem(pem);
  if (!certificate) {
    return fail(ErrorCode::kInvalid, "this is no certificate in PEM form, or it is damaged or too long");
  }
  return certificate;
}

bool self_signed(X509* certificate) {
  const bool same =
      X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0 &&
      X509_verify(certificate, X509_get0_pubkey(certificate)) == 1;
  ERR_clear_error();
  return same;
}

// Checks all but time, so that a certificate which nobody vouches for is never judged by its own dates.
Status check_chain(X509* certificate, X509* authority, Peer peer) {
  const StoreHandle store(X509_STORE_new());
  const StoreContextHandle context(X509_STORE_CTX_new());
  if (!store || !context || X509_STORE_add_cert(store.get(), authority) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr) != 1) {
    return fail(ErrorCode::kInternal, "cannot set up verification: " + openssl_reason());
  }
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_purpose(parameters,
                                peer == Peer::kAgent ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER);
  const int verified = X509_verify_cert(context.get());
  const int code = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (verified == 1) return {};
  if (code == X509_V_ERR_INVALID_PURPOSE) {
    return refuse(std::string("the certificate was not made for ") +
                  (peer == Peer::kAgent ? "an agent" : "a brain"));
  }
  if (self_signed(certificate)) {
    return refuse("the certificate is self-signed, not issued by this brain's CA",
                  "join with a token from this brain");
  }
  return refuse(std::string("the certificate was not issued by this brain's CA (") +
                    X509_verify_cert_error_string(code) + ")",
                "join with a token from this brain");
}

}  // namespace

Result<CertificateInfo> read_certificate(std::string_view pem) {
  const auto certificate = parse(pem);
  if (!certificate) return tl::unexpected<Error>(certificate.error());
  return describe(certificate->get());
}

bool needs_renewal(const CertificateInfo& certificate, int64_t now_s) {
  const int64_t life_s = certificate.not_after_s - certificate.not_before_s;
  return now_s >= certificate.not_before_s + life_s / 3 * 2;
}

Status check_lifetime(const CertificateInfo& certificate, int64_t now_s, std::string_view whose) {
  if (now_s < certificate.not_before_s) {
    return refuse(std::string(whose) + " is valid only from " + utc_text(certificate.not_before_s) +
                      ", and the clock here reads " + utc_text(now_s) + ", " +
                      span_text(certificate.not_before_s - now_s) + " earlier",
                  "a clock is wrong, most likely the one here: set it, then try again");
  }
  if (now_s > certificate.not_after_s) {
    return refuse(std::string(whose) + " expired at " + utc_text(certificate.not_after_s) +
                      ", and the clock here reads " + utc_text(now_s) + ", " +
                      span_text(now_s - certificate.not_after_s) + " later",
                  "if that clock is wrong, set it; otherwise renew, or join again with a new token");
  }
  return {};
}

Result<CertificateInfo> verify_peer(std::string_view pem, std::string_view ca_pem, Peer peer, int64_t now_s,
                                    const RevocationList& revoked) {
  const auto certificate = parse(pem);
  if (!certificate) return tl::unexpected<Error>(certificate.error());
  const auto authority = parse(ca_pem);
  if (!authority) return tl::unexpected<Error>(authority.error());
  if (Status chain = check_chain(certificate->get(), authority->get(), peer); !chain) {
    return tl::unexpected<Error>(chain.error());
  }
  auto info = describe(certificate->get());
  if (!info) return info;
  const auto ca = describe(authority->get());
  if (!ca) return ca;
  if (peer == Peer::kAgent && info->site.empty()) {
    return refuse("the certificate names no site", "join with a token from this brain");
  }
  if (peer == Peer::kBrain &&
      std::find(info->names.begin(), info->names.end(), kBrainName) == info->names.end()) {
    return refuse("the certificate does not name " + std::string(kBrainName));
  }
  const std::string whose =
      peer == Peer::kAgent ? "the certificate of site " + info->site : "the brain's certificate";
  if (Status alive = check_lifetime(*ca, now_s, "the CA's certificate"); !alive) {
    return tl::unexpected<Error>(alive.error());
  }
  if (Status alive = check_lifetime(*info, now_s, whose); !alive) return tl::unexpected<Error>(alive.error());
  if (Status good = check_revoked(*info, revoked); !good) return tl::unexpected<Error>(good.error());
  return info;
}

Status check_revoked(const CertificateInfo& agent, const RevocationList& revoked) {
  if (!revoked.revoked(agent.site, agent.issued_s)) return {};
  return refuse("the certificate of site " + agent.site + " (serial " + agent.serial + ") is revoked",
                "ask the operator; to come back, join with a new token");
}

Status require_site(const CertificateInfo& agent, std::string_view site) {
  if (!agent.site.empty() && agent.site == site) return {};
  return refuse(
      "the certificate is of site " + agent.site + ", which cannot speak for site " + std::string(site),
      "start the agent with its own identity folder");
}

Result<std::string> find_pinned_ca(std::string_view chain_pem, std::string_view ca_fingerprint,
                                   int64_t now_s) {
  constexpr int kChainMax = 8;
  std::string_view rest = chain_pem;
  for (int i = 0; i < kChainMax; ++i) {
    const CertificateHandle candidate = certificate_from_pem(rest, &rest);
    if (!candidate) break;
    if (!equal_in_constant_time(fingerprint_of(candidate.get()), ca_fingerprint)) continue;
    std::string ca_pem = to_pem(candidate.get());
    if (auto brain = verify_peer(chain_pem, ca_pem, Peer::kBrain, now_s); !brain) {
      return tl::unexpected<Error>(brain.error());
    }
    return ca_pem;
  }
  return refuse("the server does not show the CA with the fingerprint in the join token",
                "check the address; if the brain was set up anew, ask for a new token");
}

}  // namespace weir::identity
