// The identities in gRPC as it is packaged: who may connect, and what a server learns of its peer.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "security/identity/agent_identity.h"
#include "security/identity/authority.h"
#include "security/identity/join_token.h"
#include "security/identity/pinning.h"
#include "security/identity/request.h"
#include "security/identity/test_folder.h"

namespace weir::identity {
namespace {

grpc::ByteBuffer buffer_of(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

std::string text_of(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  return buffer.DumpToSingleSlice(&slice).ok() ? std::string(slice.begin(), slice.end()) : std::string();
}

// Answers every call with the site of the caller's certificate, or with the reason why it has none.
class WhoAmI : public grpc::CallbackGenericService {
 public:
  WhoAmI(std::string ca_pem, int64_t now_s) : ca_pem_(std::move(ca_pem)), now_s_(now_s) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    class Reactor : public grpc::ServerGenericBidiReactor {
     public:
      explicit Reactor(std::string answer) : answer_(buffer_of(answer)) {
        StartWriteAndFinish(&answer_, grpc::WriteOptions(), grpc::Status::OK);
      }
      void OnDone() override { delete this; }

     private:
      grpc::ByteBuffer answer_;
    };
    std::string answer = "no certificate";
    for (const grpc::string_ref& pem : context->auth_context()->FindPropertyValues("x509_pem_cert")) {
      const auto peer = verify_peer({pem.data(), pem.size()}, ca_pem_, Peer::kAgent, now_s_);
      answer = peer ? "site " + peer->site : peer.error().text();
    }
    return new Reactor(std::move(answer));
  }

 private:
  std::string ca_pem_;
  int64_t now_s_;
};

class GrpcTest : public testing::Test {
 protected:
  const int64_t now_s_ = static_cast<int64_t>(std::time(nullptr));
  TestFolder folder_;
  CertificateAuthority ca_ = *CertificateAuthority::open_or_create(folder_.path() / "ca", now_s_);
  CertificateAuthority other_ca_ = *CertificateAuthority::open_or_create(folder_.path() / "other", now_s_);
  WhoAmI service_{ca_.certificate_pem(), now_s_};
  WhoAmI watching_service_{ca_.certificate_pem(), now_s_};  // gRPC lets a service belong to one server only
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;

  void SetUp() override {
    const BrainIdentity brain = *ca_.issue_brain({"127.0.0.1"}, now_s_);
    grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = ca_.certificate_pem();
    options.pem_key_cert_pairs.push_back({std::string(brain.key_pem.reveal()), brain.chain_pem});
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    ASSERT_NE(port_, 0);
  }
  void TearDown() override { server_->Shutdown(); }

  // The answer, or the failure in brackets.
  std::string call(const std::string& ca_pem, const std::string& certificate_pem, const std::string& key_pem,
                   const std::string& expected_name = {}) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = ca_pem;
    options.pem_cert_chain = certificate_pem;
    options.pem_private_key = key_pem;
    grpc::ChannelArguments arguments;
    arguments.SetInt("grpc.use_local_subchannel_pool", 1);
    if (!expected_name.empty()) arguments.SetSslTargetNameOverride(expected_name);
    grpc::GenericStub stub(grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port_),
                                                     grpc::SslCredentials(options), arguments));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    const grpc::ByteBuffer request = buffer_of("?");
    grpc::ByteBuffer response;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, "/test/WhoAmI", grpc::StubOptions(), &request, &response,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    const grpc::Status status = done.get_future().get();
    return status.ok() ? text_of(response) : "[" + status.error_message() + "]";
  }
};

TEST_F(GrpcTest, AnAgentIsKnownByItsSite) {
  const AgentRequest request = *make_agent_request("hub-a");
  const std::string key(request.key_pem.reveal());
  const std::string certificate = ca_.issue_agent(request.csr_pem, "hub-a", now_s_)->certificate_pem;
  EXPECT_EQ(call(ca_.certificate_pem(), certificate, key), "site hub-a");
  EXPECT_EQ(call(ca_.certificate_pem(), certificate, key, std::string(kBrainName)), "site hub-a");
  EXPECT_EQ(call(ca_.certificate_pem(), certificate, key, "elsewhere.example.org").front(), '[');
}

TEST_F(GrpcTest, AJoiningAgentConnectsWithoutACertificate) {
  EXPECT_EQ(call(ca_.certificate_pem(), "", ""), "no certificate");
}

// The whole way of a new site, as its agent and the brain go it.
TEST_F(GrpcTest, JoinsByTokenFromFirstContactToTheFirstCall) {
  const IssuedJoinToken issued =
      *issue_join_token(*draw_token_seed(), "hub-a", ca_.fingerprint(), now_s_, 3600);

  const JoinToken token = *parse_join_token(issued.text.reveal());
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const auto ca_pem = fetch_pinned_ca(socket, token.ca_fingerprint, now_s_);
  ::close(socket);
  ASSERT_TRUE(ca_pem) << ca_pem.error().text();
  EXPECT_EQ(*ca_pem, ca_.certificate_pem());
  EXPECT_EQ(call(*ca_pem, "", ""), "no certificate");
  const AgentStore store(folder_.path() / "agent");
  const AgentRequest request = *store.request("hub-a");

  const std::string key = read_request(request.csr_pem)->key_fingerprint;
  const auto redeemed = redeem_join_token(&issued.record, token, "hub-a", now_s_, "127.0.0.1", key);
  ASSERT_TRUE(redeemed) << redeemed.error().text();
  const auto answer = ca_.issue_agent(request.csr_pem, redeemed->record.site, now_s_);
  ASSERT_TRUE(answer) << answer.error().text();

  const auto identity = store.accept(answer->certificate_pem, *ca_pem, now_s_);
  ASSERT_TRUE(identity) << identity.error().text();
  EXPECT_EQ(call(identity->ca_pem, identity->certificate_pem, std::string(identity->key_pem.reveal())),
            "site hub-a");
}

// The serial number of the certificate that the server shows to a new connection; empty when it shows none.
std::string shown_serial(int port) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new_ssl_connect(context.get()), BIO_free_all);
  BIO_set_conn_hostname(bio.get(), ("127.0.0.1:" + std::to_string(port)).c_str());
  if (BIO_do_handshake(bio.get()) != 1) return {};
  SSL* session = nullptr;
  BIO_get_ssl(bio.get(), &session);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> pem(BIO_new(BIO_s_mem()), BIO_free_all);
  PEM_write_bio_X509(pem.get(), SSL_get0_peer_certificate(session));
  char* data = nullptr;
  const long size = BIO_get_mem_data(pem.get(), &data);
  return read_certificate({data, static_cast<size_t>(size)})->serial;
}

TEST_F(GrpcTest, ABrainRenewsItsCertificateWithoutClosingItsPort) {
  const auto path = folder_.path() / "brain.pem";
  const BrainIdentity first = *ca_.issue_brain({"127.0.0.1"}, now_s_);
  ASSERT_TRUE(write_brain_file(path, first));
  constexpr unsigned kRefreshS = 1;
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          path.string(), path.string(), (folder_.path() / "ca" / "ca.crt").string(), kRefreshS));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  server_->Shutdown();
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::experimental::TlsServerCredentials(options), &port_);
  builder.RegisterCallbackGenericService(&watching_service_);
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr);
  const AgentRequest request = *make_agent_request("hub-a");
  const std::string key(request.key_pem.reveal());
  const std::string certificate = ca_.issue_agent(request.csr_pem, "hub-a", now_s_)->certificate_pem;
  EXPECT_EQ(call(ca_.certificate_pem(), certificate, key), "site hub-a");
  EXPECT_EQ(call(ca_.certificate_pem(), "", ""), "no certificate");
  const std::string foreign = other_ca_.issue_agent(request.csr_pem, "hub-a", now_s_)->certificate_pem;
  EXPECT_EQ(call(ca_.certificate_pem(), foreign, key).front(), '[');
  EXPECT_EQ(shown_serial(port_), first.info.serial);

  // gRPC looks at the file's time in whole seconds.
  const BrainIdentity second = *ca_.issue_brain({"127.0.0.1"}, now_s_);
  ASSERT_TRUE(write_brain_file(path, second));
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(2));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::string serial = first.info.serial;
  while (serial == first.info.serial && std::chrono::steady_clock::now() < deadline)
    serial = shown_serial(port_);
  EXPECT_EQ(serial, second.info.serial);
  EXPECT_EQ(call(ca_.certificate_pem(), certificate, key), "site hub-a");
}

TEST_F(GrpcTest, StrangersAreRefusedOnBothSides) {
  const AgentRequest request = *make_agent_request("hub-a");
  const std::string key(request.key_pem.reveal());
  const std::string foreign = other_ca_.issue_agent(request.csr_pem, "hub-a", now_s_)->certificate_pem;
  EXPECT_EQ(call(ca_.certificate_pem(), foreign, key).front(), '[');
  const std::string expired =
      ca_.issue_agent(request.csr_pem, "hub-a", now_s_ - kClockTolerance_s, 1)->certificate_pem;
  EXPECT_EQ(call(ca_.certificate_pem(), expired, key).front(), '[');
  EXPECT_EQ(call(other_ca_.certificate_pem(), "", "").front(), '[');
}

}  // namespace
}  // namespace weir::identity
