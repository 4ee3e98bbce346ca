#pragma once

// Private to this folder: owners of OpenSSL objects, and the conversions that several files need.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "core/result/result.h"
#include "security/identity/secret.h"

namespace weir::identity {

template <auto free_function>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using KeyHandle = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using CertificateHandle = std::unique_ptr<X509, Freer<X509_free>>;
using RequestHandle = std::unique_ptr<X509_REQ, Freer<X509_REQ_free>>;
using BioHandle = std::unique_ptr<BIO, Freer<BIO_free_all>>;

// What OpenSSL's error queue says last; empties the queue.
std::string openssl_reason();

// The only kind of key here: ECDSA P-256, which gRPC, curl and every TLS library of the field take.
Result<KeyHandle> make_key();
bool is_p256(EVP_PKEY* key);

Result<SecretText> key_to_pem(EVP_PKEY* key);
std::string to_pem(X509* certificate);
std::string to_pem(X509_REQ* request);

// Each reads one unencrypted block of its kind out of `pem`, never asks for a passphrase, and returns null
// when there is none. `rest`, where given, receives what follows the block.
KeyHandle key_from_pem(std::string_view pem, std::string_view* rest = nullptr);
CertificateHandle certificate_from_pem(std::string_view pem, std::string_view* rest = nullptr);
RequestHandle request_from_pem(std::string_view pem, std::string_view* rest = nullptr);

// SHA-256 of the DER, 64 hexadecimal digits.
std::string fingerprint_of(X509* certificate);
std::string fingerprint_of_key(EVP_PKEY* key);

// "weir://site/NAME" in the alternative names. Empty when there is no such URI, several, another URI or a
// name that is not valid.
std::string site_of(const GENERAL_NAMES* names);

bool is_blank(std::string_view text);

}  // namespace weir::identity
