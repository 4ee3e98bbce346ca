// The identities in real TLS handshakes: what both sides accept and refuse on the wire, over memory buffers
// and with a clock of the test's choosing.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "security/identity/authority.h"
#include "security/identity/openssl_handles.h"
#include "security/identity/pinning.h"
#include "security/identity/private_file.h"
#include "security/identity/request.h"
#include "security/identity/test_folder.h"

namespace weir::identity {
namespace {

constexpr int64_t kNow = 1'763'637'244;

using ContextHandle = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using SessionHandle = std::unique_ptr<SSL, Freer<SSL_free>>;

struct Material {
  std::string chain_pem;
  std::string key_pem;
  std::string ca_pem;
};

enum class ClientCertificate { kRequired, kOptional };

// Set up as gRPC does: the peer is verified against one CA; a server asks for a certificate.
ContextHandle make_context(bool server, const Material& material, int64_t now_s,
                           ClientCertificate demand = ClientCertificate::kRequired) {
  ContextHandle context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  if (!material.chain_pem.empty()) {
    std::string_view rest;
    const CertificateHandle leaf = certificate_from_pem(material.chain_pem, &rest);
    EXPECT_EQ(SSL_CTX_use_certificate(context.get(), leaf.get()), 1);
    while (CertificateHandle next = certificate_from_pem(rest, &rest)) {
      EXPECT_EQ(SSL_CTX_add0_chain_cert(context.get(), next.release()), 1);
    }
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), key_from_pem(material.key_pem).get()), 1);
  }
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), certificate_from_pem(material.ca_pem).get());
  const int required = demand == ClientCertificate::kRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | (server ? required : 0), nullptr);
  X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context.get()), now_s);
  return context;
}

struct Outcome {
  bool joined = false;
  long client_verdict = X509_V_OK;  // of the client about the brain
  long server_verdict = X509_V_OK;  // of the brain about the client
  std::string agent_pem;            // as the brain saw it
};

Outcome shake_hands(const Material& client, const Material& server, int64_t now_s, const std::string& host) {
  const ContextHandle client_context = make_context(false, client, now_s);
  const ContextHandle server_context = make_context(true, server, now_s);
  const SessionHandle one(SSL_new(client_context.get()));
  const SessionHandle two(SSL_new(server_context.get()));
  BIO* left = nullptr;
  BIO* right = nullptr;
  BIO_new_bio_pair(&left, 0, &right, 0);
  SSL_set_bio(one.get(), left, left);
  SSL_set_bio(two.get(), right, right);
  X509_VERIFY_PARAM* expected = SSL_get0_param(one.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) != 1) SSL_set1_host(one.get(), host.c_str());
  SSL_set_connect_state(one.get());
  SSL_set_accept_state(two.get());
  int client_done = 0;
  int server_done = 0;
  for (int step = 0; step < 20 && (client_done != 1 || server_done != 1); ++step) {
    if (client_done != 1) client_done = SSL_do_handshake(one.get());
    if (server_done != 1) server_done = SSL_do_handshake(two.get());
  }
  Outcome outcome;
  outcome.client_verdict = SSL_get_verify_result(one.get());
  outcome.server_verdict = SSL_get_verify_result(two.get());
  // Both ends must also carry data: under TLS 1.3 a client learns of its refusal only then.
  char byte = 0;
  outcome.joined = client_done == 1 && server_done == 1 && SSL_write(two.get(), "x", 1) == 1 &&
                   SSL_read(one.get(), &byte, 1) == 1 && byte == 'x';
  if (X509* peer = SSL_get0_peer_certificate(two.get())) outcome.agent_pem = to_pem(peer);
  return outcome;
}

class TlsTest : public testing::Test {
 protected:
  TestFolder folder_;
  CertificateAuthority ca_ = *CertificateAuthority::open_or_create(folder_.path() / "ca", kNow);
  CertificateAuthority other_ca_ = *CertificateAuthority::open_or_create(folder_.path() / "other", kNow);

  static Material agent(const CertificateAuthority& ca, std::string_view site, int64_t now_s = kNow) {
    const AgentRequest request = *make_agent_request(site);
    return {ca.issue_agent(request.csr_pem, site, now_s)->certificate_pem,
            std::string(request.key_pem.reveal()), ca.certificate_pem()};
  }
  static Material brain(const CertificateAuthority& ca, int64_t now_s = kNow) {
    const BrainIdentity identity = *ca.issue_brain({"127.0.0.1", "brain.example.org"}, now_s);
    return {identity.chain_pem, std::string(identity.key_pem.reveal()), ca.certificate_pem()};
  }
};

TEST_F(TlsTest, BrainAndAgentKnowEachOther) {
  for (const char* host : {"127.0.0.1", "brain.example.org", "brain.weir.internal"}) {
    const Outcome outcome = shake_hands(agent(ca_, "hub-a"), brain(ca_), kNow, host);
    EXPECT_TRUE(outcome.joined) << host << ": " << X509_verify_cert_error_string(outcome.client_verdict);
    const auto peer = verify_peer(outcome.agent_pem, ca_.certificate_pem(), Peer::kAgent, kNow);
    ASSERT_TRUE(peer) << peer.error().text();
    EXPECT_EQ(peer->site, "hub-a");
    EXPECT_FALSE(require_site(*peer, "hub-b")) << "a certificate of the wrong site is refused above TLS";
  }
}

TEST_F(TlsTest, RefusesAnotherHost) {
  const Outcome outcome = shake_hands(agent(ca_, "hub-a"), brain(ca_), kNow, "127.0.0.2");
  EXPECT_FALSE(outcome.joined);
  EXPECT_EQ(outcome.client_verdict, X509_V_ERR_IP_ADDRESS_MISMATCH);
}

TEST_F(TlsTest, TheBrainRefusesAnotherCasAgent) {
  Material stranger = agent(other_ca_, "hub-a");
  stranger.ca_pem = ca_.certificate_pem();
  const Outcome outcome = shake_hands(stranger, brain(ca_), kNow, "127.0.0.1");
  EXPECT_FALSE(outcome.joined);
  EXPECT_NE(outcome.server_verdict, X509_V_OK);
}

TEST_F(TlsTest, TheAgentRefusesAnotherCasBrain) {
  const Outcome outcome = shake_hands(agent(ca_, "hub-a"), brain(other_ca_), kNow, "127.0.0.1");
  EXPECT_FALSE(outcome.joined);
  EXPECT_NE(outcome.client_verdict, X509_V_OK);
}

TEST_F(TlsTest, TheBrainRefusesSelfSignedAndMissingCertificates) {
  // A CA's own certificate and key are the self-signed pair at hand.
  const Outcome missing = shake_hands({{}, {}, ca_.certificate_pem()}, brain(ca_), kNow, "127.0.0.1");
  EXPECT_FALSE(missing.joined);
  const KeyHandle key = std::move(*make_key());
  const CertificateHandle certificate(X509_new());
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), kNow - 10);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), kNow + 1000);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("hub-a"), -1,
                             -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key.get());
  ASSERT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  const Material self{to_pem(certificate.get()), std::string(key_to_pem(key.get())->reveal()),
                      ca_.certificate_pem()};
  const Outcome outcome = shake_hands(self, brain(ca_), kNow, "127.0.0.1");
  EXPECT_FALSE(outcome.joined);
  EXPECT_EQ(outcome.server_verdict, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
  const auto above = verify_peer(self.chain_pem, ca_.certificate_pem(), Peer::kAgent, kNow);
  ASSERT_FALSE(above);
  EXPECT_NE(above.error().what.find("self-signed"), std::string::npos) << above.error().text();
}

// Even what the CA's own key has signed is no agent's without exactly one site's name.
TEST_F(TlsTest, NoCertificateSpeaksForNoSiteOrSeveral) {
  const auto file = read_private_file(folder_.path() / "ca" / "ca.pem");
  const KeyHandle ca_key = key_from_pem(file->reveal());
  const CertificateHandle ca = certificate_from_pem(ca_.certificate_pem());
  const KeyHandle key = std::move(*make_key());
  const auto verified = [&](const std::string& names) {
    const CertificateHandle certificate(X509_new());
    X509* c = certificate.get();
    X509_set_version(c, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
    ASN1_TIME_set(X509_getm_notBefore(c), kNow - 10);
    ASN1_TIME_set(X509_getm_notAfter(c), kNow + 1000);
    X509_set_issuer_name(c, X509_get_subject_name(ca.get()));
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("a"), -1, -1, 0);
    X509_set_pubkey(c, key.get());
    X509V3_CTX context;
    X509V3_set_ctx(&context, ca.get(), c, nullptr, nullptr, 0);
    for (const auto& [nid, value] : {std::pair<int, std::string>{NID_basic_constraints, "critical,CA:FALSE"},
                                     {NID_subject_key_identifier, "hash"},
                                     {NID_authority_key_identifier, "keyid:always"},
                                     {NID_ext_key_usage, "clientAuth"},
                                     {NID_subject_alt_name, names}}) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
      EXPECT_NE(extension, nullptr) << value;
      X509_add_ext(c, extension, -1);
      X509_EXTENSION_free(extension);
    }
    EXPECT_GT(X509_sign(c, ca_key.get(), EVP_sha256()), 0);
    const auto peer = verify_peer(to_pem(c), ca_.certificate_pem(), Peer::kAgent, kNow);
    return peer ? "site " + peer->site : peer.error().what;
  };
  EXPECT_EQ(verified("URI:weir://site/a"), "site a");
  for (const char* names :
       {"DNS:a", "URI:weir://site/a,URI:weir://site/b", "URI:weir://site/", "URI:weir://site/A",
        "URI:https://a", "URI:weir://site/a/b", "URI:weir://site/a,URI:https://a"}) {
    EXPECT_EQ(verified(names), "the certificate names no site") << names;
  }
}

TEST_F(TlsTest, ExpiredAndFutureCertificatesAreRefused) {
  const Outcome late = shake_hands(agent(ca_, "a"), brain(ca_), kNow + kAgentValidity_s + 1, "127.0.0.1");
  EXPECT_FALSE(late.joined);
  EXPECT_EQ(late.server_verdict, X509_V_ERR_CERT_HAS_EXPIRED);
  const Outcome early = shake_hands(agent(ca_, "a", kNow + 1000), brain(ca_), kNow, "127.0.0.1");
  EXPECT_FALSE(early.joined);
  EXPECT_EQ(early.server_verdict, X509_V_ERR_CERT_NOT_YET_VALID);
  const Outcome old_brain = shake_hands(agent(ca_, "a", kNow + kBrainValidity_s), brain(ca_),
                                        kNow + kBrainValidity_s + 1, "127.0.0.1");
  EXPECT_FALSE(old_brain.joined);
  EXPECT_EQ(old_brain.client_verdict, X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST_F(TlsTest, AnAgentCannotServeAndABrainCannotPoseAsAnAgent) {
  const Outcome serving = shake_hands(agent(ca_, "a"), agent(ca_, "b"), kNow, "127.0.0.1");
  EXPECT_FALSE(serving.joined);
  EXPECT_NE(serving.client_verdict, X509_V_OK);
  const Outcome posing = shake_hands(brain(ca_), brain(ca_), kNow, "127.0.0.1");
  EXPECT_FALSE(posing.joined);
  EXPECT_EQ(posing.server_verdict, X509_V_ERR_INVALID_PURPOSE);
}

// A brain on one end of a socket pair: shakes hands once, without demanding a certificate.
class ServedOnce {
 public:
  ServedOnce(const Material& material, ClientCertificate demand) {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets_), 0);
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's own socket writes raise it
    context_ = make_context(true, material, kNow, demand);
    thread_ = std::thread([this] {
      const SessionHandle session(SSL_new(context_.get()));
      SSL_set_fd(session.get(), sockets_[1]);
      SSL_accept(session.get());
      ::shutdown(sockets_[1], SHUT_WR);
    });
  }
  ~ServedOnce() {
    ::shutdown(sockets_[0], SHUT_RDWR);
    thread_.join();
    ::close(sockets_[0]);
    ::close(sockets_[1]);
    std::signal(SIGPIPE, SIG_DFL);
  }
  int socket() const { return sockets_[0]; }

 private:
  int sockets_[2] = {-1, -1};
  ContextHandle context_;
  std::thread thread_;
};

TEST_F(TlsTest, FirstContactFindsTheCaByItsFingerprint) {
  for (const ClientCertificate demand : {ClientCertificate::kOptional, ClientCertificate::kRequired}) {
    const ServedOnce server(brain(ca_), demand);
    EXPECT_EQ(fetch_pinned_ca(server.socket(), ca_.fingerprint(), kNow), ca_.certificate_pem());
  }
}

TEST_F(TlsTest, FirstContactRefusesAnotherBrain) {
  const ServedOnce server(brain(other_ca_), ClientCertificate::kOptional);
  const auto refused = fetch_pinned_ca(server.socket(), ca_.fingerprint(), kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDenied);
  EXPECT_NE(refused.error().text().find("fingerprint in the join token"), std::string::npos);
}

TEST_F(TlsTest, FirstContactNamesWhatElseAnswers) {
  int sockets[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
  constexpr std::string_view kPlain = "HTTP/1.1 400 Bad Request\r\n\r\n";
  ASSERT_EQ(::send(sockets[1], kPlain.data(), kPlain.size(), 0), static_cast<ssize_t>(kPlain.size()));
  const auto plain = fetch_pinned_ca(sockets[0], ca_.fingerprint(), kNow);
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(plain.error().what.find("does not speak TLS"), std::string::npos) << plain.error().text();
  ::close(sockets[1]);
  const auto closed = fetch_pinned_ca(sockets[0], ca_.fingerprint(), kNow);
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, ErrorCode::kUnavailable);
  ::close(sockets[0]);

  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
  const timeval brief{0, 10'000};
  ASSERT_EQ(::setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief), 0);
  const auto silent = fetch_pinned_ca(sockets[0], ca_.fingerprint(), kNow);
  ASSERT_FALSE(silent);
  EXPECT_NE(silent.error().what.find("does not answer in time"), std::string::npos) << silent.error().text();
  ::close(sockets[0]);
  ::close(sockets[1]);
}

}  // namespace
}  // namespace weir::identity
