#include "security/identity/pinning.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "security/identity/certificate.h"
#include "security/identity/openssl_handles.h"

namespace weir::identity {
namespace {

using ContextHandle = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using SessionHandle = std::unique_ptr<SSL, Freer<SSL_free>>;

constexpr size_t kReadBytesMax = 64 * 1024;

tl::unexpected<Error> unavailable(std::string what) {
  return fail(ErrorCode::kUnavailable, std::move(what), "first contact with the brain",
              "check the address and port, and that the brain is running");
}

Status flush(SSL* session, int socket) {
  std::array<char, 4096> bytes;
  while (BIO_pending(SSL_get_wbio(session)) > 0) {
    const int size = BIO_read(SSL_get_wbio(session), bytes.data(), static_cast<int>(bytes.size()));
    for (int sent = 0; sent < size;) {
      const ssize_t n = ::send(socket, bytes.data() + sent, static_cast<size_t>(size - sent), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return unavailable(std::string("cannot send: ") + std::strerror(errno));
      sent += static_cast<int>(n);
    }
  }
  return {};
}

Status shake_hands(SSL* session, int socket) {
  std::array<char, 4096> bytes;
  size_t total = 0;
  while (true) {
    const int done = SSL_do_handshake(session);
    const int reason = SSL_get_error(session, done);
    if (Status sent = flush(session, socket); !sent) return sent;
    if (done == 1) return {};
    if (reason != SSL_ERROR_WANT_READ)
      return unavailable("the server does not speak TLS: " + openssl_reason());
    const ssize_t n = ::recv(socket, bytes.data(), bytes.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return unavailable("the server does not answer in time");
    if (n < 0) return unavailable(std::string("cannot receive: ") + std::strerror(errno));
    if (n == 0) return unavailable("the server closed the connection");
    total += static_cast<size_t>(n);
    if (total > kReadBytesMax) return unavailable("the server sends too much");
    if (BIO_write(SSL_get_rbio(session), bytes.data(), static_cast<int>(n)) != n) {
      return fail(ErrorCode::kInternal, "cannot buffer what the server sent");
    }
  }
}

}  // namespace

Result<std::string> fetch_pinned_ca(int connected_socket, std::string_view ca_fingerprint, int64_t now_s) {
  static constexpr std::array<unsigned char, 3> kHttp2 = {2, 'h', '2'};
  const ContextHandle context(SSL_CTX_new(TLS_client_method()));
  const SessionHandle session(context ? SSL_new(context.get()) : nullptr);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (!session || in == nullptr || out == nullptr) {
    BIO_free(in);
    BIO_free(out);
    return fail(ErrorCode::kInternal, "cannot set up TLS: " + openssl_reason());
  }
  BIO_set_mem_eof_return(in, -1);
  SSL_set_bio(session.get(), in, out);
  SSL_set_connect_state(session.get());
  // The chain is checked below, against the fingerprint; there is no other root to check it against.
  SSL_set_verify(session.get(), SSL_VERIFY_NONE, nullptr);
  SSL_set_min_proto_version(session.get(), TLS1_2_VERSION);
  SSL_set_tlsext_host_name(session.get(), std::string(kBrainName).c_str());
  SSL_set_alpn_protos(session.get(), kHttp2.data(), kHttp2.size());
  const Status shaken = shake_hands(session.get(), connected_socket);
  ERR_clear_error();
  if (!shaken) return tl::unexpected<Error>(shaken.error());
  std::string chain;
  STACK_OF(X509)* certificates = SSL_get_peer_cert_chain(session.get());
  for (int i = 0; certificates != nullptr && i < sk_X509_num(certificates) && chain.size() < kReadBytesMax;
       ++i) {
    chain += to_pem(sk_X509_value(certificates, i));
  }
  return find_pinned_ca(chain, ca_fingerprint, now_s);
}

}  // namespace weir::identity
