#include "security/identity/request.h"

#include <openssl/err.h>

#include "security/identity/certificate.h"
#include "security/identity/openssl_handles.h"
#include "security/policy/principal.h"

namespace weir::identity {
namespace {

using ExtensionHandle = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using NamesHandle = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

struct ExtensionsFreer {
  void operator()(STACK_OF(X509_EXTENSION) * extensions) const {
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
};
using ExtensionsHandle = std::unique_ptr<STACK_OF(X509_EXTENSION), ExtensionsFreer>;

tl::unexpected<Error> refuse(std::string what) {
  return fail(ErrorCode::kInvalid, std::move(what), "certificate request",
              "let `weir agent` make it: an ECDSA P-256 request for URI weir://site/NAME");
}

bool name_site(X509_REQ* request, std::string_view site) {
  X509_NAME* subject = X509_REQ_get_subject_name(request);
  if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>(site.data()),
                                 static_cast<int>(site.size()), -1, 0) != 1) {
    return false;
  }
  const std::string uri = "URI:" + std::string(kSiteUriPrefix) + std::string(site);
  const ExtensionHandle extension(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, uri.c_str()));
  if (!extension) return false;
  const ExtensionsHandle extensions(sk_X509_EXTENSION_new_null());
  if (!extensions || sk_X509_EXTENSION_push(extensions.get(), extension.get()) != 1) return false;
  const bool added = X509_REQ_add_extensions(request, extensions.get()) == 1;
  sk_X509_EXTENSION_pop(extensions.get());  // still owned by `extension`
  return added;
}

Result<AgentRequest> signed_request(std::string_view site, EVP_PKEY* key) {
  if (!policy::valid_name(site)) return refuse("this is no site's name: 1 to 63 of a-z, 0-9 and '-'");
  const RequestHandle request(X509_REQ_new());
  if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      !name_site(request.get(), site) || X509_REQ_set_pubkey(request.get(), key) != 1 ||
      X509_REQ_sign(request.get(), key, EVP_sha256()) <= 0) {
    return fail(ErrorCode::kInternal, "cannot make a certificate request: " + openssl_reason());
  }
  auto key_pem = key_to_pem(key);
  if (!key_pem) return tl::unexpected<Error>(key_pem.error());
  return AgentRequest{std::move(*key_pem), to_pem(request.get())};
}

}  // namespace

Result<AgentRequest> make_agent_request(std::string_view site) {
  const auto key = make_key();
  if (!key) return tl::unexpected<Error>(key.error());
  return signed_request(site, key->get());
}

Result<AgentRequest> make_agent_request(std::string_view site, const SecretText& key_pem) {
  const KeyHandle key = key_from_pem(key_pem.reveal());
  if (!is_p256(key.get())) return refuse("the key at hand is not an ECDSA P-256 one");
  return signed_request(site, key.get());
}

Result<RequestInfo> read_request(std::string_view csr_pem) {
  if (csr_pem.size() > kRequestBytesMax) {
    return refuse("it has " + std::to_string(csr_pem.size()) + " bytes, more than " +
                  std::to_string(kRequestBytesMax));
  }
  std::string_view rest;
  const RequestHandle request = request_from_pem(csr_pem, &rest);
  if (!request) return refuse("it is not one in PEM form, or it is damaged");
  if (!csr_pem.starts_with("-----BEGIN ") || !is_blank(rest)) return refuse("there is other text around it");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (!is_p256(key)) return refuse("its key is not ECDSA P-256");
  if (X509_REQ_verify(request.get(), key) != 1) {
    ERR_clear_error();
    return refuse("it is not signed with its own key");
  }
  const ExtensionsHandle extensions(X509_REQ_get_extensions(request.get()));
  const NamesHandle names(extensions ? static_cast<GENERAL_NAMES*>(X509V3_get_d2i(
                                           extensions.get(), NID_subject_alt_name, nullptr, nullptr))
                                     : nullptr);
  ERR_clear_error();
  RequestInfo info{site_of(names.get()), fingerprint_of_key(key)};
  if (info.site.empty()) return refuse("it does not name one site");
  return info;
}

}  // namespace weir::identity
