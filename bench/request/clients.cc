#include "bench/request/clients.h"

#include <google/protobuf/util/json_util.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <chrono>

#include "security/identity/certificate.h"
#include "weir/v1/service.grpc.pb.h"

namespace weir::bench {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

class GrpcClient final : public Client {
 public:
  GrpcClient(const std::shared_ptr<grpc::Channel>& channel, std::string bearer)
      : stub_(v1::Weir::NewStub(channel)), bearer_(std::move(bearer)) {}

  Status apply(const v1::ApplyRequest& request) override {
    grpc::ClientContext context;
    context.AddMetadata("authorization", bearer_);
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    v1::ApplyResponse response;
    const grpc::Status status = stub_->Apply(&context, request, &response);
    if (status.ok()) return {};
    return fail(ErrorCode::kUnavailable, status.error_message(), "gRPC");
  }

 private:
  std::unique_ptr<v1::Weir::Stub> stub_;
  std::string bearer_;
};

class RestClient final : public Client {
 public:
  RestClient(std::string bearer) : bearer_(std::move(bearer)) {}

  Status open(const std::string& endpoint, const std::string& authority_pem) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    const std::unique_ptr<BIO, decltype(&BIO_free)> pem(
        BIO_new_mem_buf(authority_pem.data(), static_cast<int>(authority_pem.size())), BIO_free);
    const std::unique_ptr<X509, decltype(&X509_free)> authority(
        PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr), X509_free);
    if (!context_ || !authority ||
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), authority.get()) != 1) {
      return broken("the authority cannot be used");
    }
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(context_.get(), SSL_MODE_AUTO_RETRY);
    connection_.reset(BIO_new_ssl_connect(context_.get()));
    SSL* ssl = nullptr;
    BIO_get_ssl(connection_.get(), &ssl);
    if (!ssl || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
                                              endpoint.substr(0, endpoint.rfind(':')).c_str()) != 1) {
      return broken("the address cannot be used");
    }
    BIO_set_conn_hostname(connection_.get(), endpoint.c_str());
    if (BIO_do_connect(connection_.get()) != 1 || BIO_do_handshake(connection_.get()) != 1)
      return broken("no connection");
    return {};
  }

  Status apply(const v1::ApplyRequest& request) override {
    std::string body;
    if (!google::protobuf::util::MessageToJsonString(request, &body).ok())
      return broken("the request has no JSON form");
    const std::string text =
        "POST /v1/apply HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + bearer_ +
        "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
        body;
    const auto size = static_cast<int>(text.size());
    if (BIO_write(connection_.get(), text.data(), size) != size) return broken("the connection broke");
    return read_answer();
  }

 private:
  static tl::unexpected<Error> broken(const std::string& what) {
    return fail(ErrorCode::kUnavailable, what, "REST");
  }

  Status read_answer() {
    std::string got;
    size_t whole = std::string::npos;
    while (got.size() < whole) {
      char chunk[4096];
      const int n = BIO_read(connection_.get(), chunk, sizeof chunk);
      if (n <= 0) return broken("the connection broke");
      got.append(chunk, static_cast<size_t>(n));
      const size_t head = got.find("\r\n\r\n");
      const size_t length = got.find("Content-Length: ");
      if (head != std::string::npos && length < head) whole = head + 4 + std::stoul(got.substr(length + 16));
    }
    if (!got.starts_with("HTTP/1.1 200 ")) return broken(got);
    return {};
  }

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(BIO* bio) const { BIO_free_all(bio); }
  };
  std::string bearer_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<BIO, Free> connection_;
};

}  // namespace

Result<std::unique_ptr<Client>> open_grpc_client(const std::string& endpoint,
                                                 const std::string& authority_pem,
                                                 const std::string& bearer) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = authority_pem;
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(std::string(identity::kBrainName));
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  const auto channel = grpc::CreateCustomChannel(endpoint, grpc::SslCredentials(tls), arguments);
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + kPatience)) {
    return fail(ErrorCode::kUnavailable, "no connection", "gRPC");
  }
  return std::make_unique<GrpcClient>(channel, bearer);
}

Result<std::unique_ptr<Client>> open_rest_client(const std::string& endpoint,
                                                 const std::string& authority_pem,
                                                 const std::string& bearer) {
  auto out = std::make_unique<RestClient>(bearer);
  if (Status opened = out->open(endpoint, authority_pem); !opened) return tl::unexpected(opened.error());
  return out;
}

}  // namespace weir::bench
