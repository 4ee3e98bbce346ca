#include "security/identity/openssl_handles.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>

#include "security/identity/certificate.h"
#include "security/identity/token_text.h"
#include "security/policy/principal.h"

namespace weir::identity {
namespace {

int no_passphrase(char*, int, int, void*) { return -1; }

BioHandle reader(std::string_view text) {
  if (text.size() > kPemBytesMax) return nullptr;
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

template <class Handle, class Read>
Handle read_pem(std::string_view pem, std::string_view* rest, Read read) {
  const BioHandle bio = reader(pem);
  if (!bio) return nullptr;
  Handle object(read(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (rest != nullptr) *rest = pem.substr(pem.size() - static_cast<size_t>(BIO_pending(bio.get())));
  return object;
}

std::string content(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

template <class Object, class Write>
std::string write_pem(Object* object, Write write) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  if (!bio || write(bio.get(), object) != 1) return {};
  return content(bio.get());
}

}  // namespace

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

Result<KeyHandle> make_key() {
  KeyHandle key(EVP_EC_gen("P-256"));
  if (!key) return fail(ErrorCode::kUnavailable, "cannot make a key: " + openssl_reason());
  return key;
}

bool is_p256(EVP_PKEY* key) {
  std::array<char, 32> group{};
  size_t size = 0;
  const bool named =
      key != nullptr && EVP_PKEY_is_a(key, "EC") == 1 &&
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), &size) == 1;
  ERR_clear_error();
  return named && std::string_view(group.data(), size) == "prime256v1";
}

Result<SecretText> key_to_pem(EVP_PKEY* key) {
  const BioHandle bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail(ErrorCode::kInternal, "cannot encode a key: " + openssl_reason());
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return SecretText({data, static_cast<size_t>(size)});
}

std::string to_pem(X509* certificate) { return write_pem(certificate, PEM_write_bio_X509); }
std::string to_pem(X509_REQ* request) { return write_pem(request, PEM_write_bio_X509_REQ); }

KeyHandle key_from_pem(std::string_view pem, std::string_view* rest) {
  return read_pem<KeyHandle>(pem, rest, PEM_read_bio_PrivateKey);
}
CertificateHandle certificate_from_pem(std::string_view pem, std::string_view* rest) {
  return read_pem<CertificateHandle>(pem, rest, PEM_read_bio_X509);
}
RequestHandle request_from_pem(std::string_view pem, std::string_view* rest) {
  return read_pem<RequestHandle>(pem, rest, PEM_read_bio_X509_REQ);
}

std::string fingerprint_of(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  return hex({reinterpret_cast<const char*>(digest.data()), size});
}

std::string fingerprint_of_key(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return {};
  const std::string out = sha256_hex({reinterpret_cast<const char*>(der), static_cast<size_t>(size)});
  OPENSSL_free(der);
  return out;
}

std::string site_of(const GENERAL_NAMES* names) {
  std::string site;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) continue;
    const ASN1_STRING* text = name->d.uniformResourceIdentifier;
    const std::string_view uri(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                               static_cast<size_t>(ASN1_STRING_length(text)));
    if (!site.empty() || uri.substr(0, kSiteUriPrefix.size()) != kSiteUriPrefix) return {};
    site = uri.substr(kSiteUriPrefix.size());
    if (!policy::valid_name(site)) return {};
  }
  return site;
}

bool is_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
}

}  // namespace weir::identity
