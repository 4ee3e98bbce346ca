#include "app/grpc_port.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <chrono>

namespace weir::app {

struct GrpcPort::Impl {
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

GrpcPort::GrpcPort(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcPort::~GrpcPort() { shutdown(0); }
int GrpcPort::port() const { return impl_->port; }

Result<std::unique_ptr<GrpcPort>> GrpcPort::open(const Options& options, const std::vector<grpc::Service*>& services) {
  constexpr unsigned kRefresh_s = 60;
  grpc::experimental::TlsServerCredentialsOptions tls(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(options.brain_file, options.brain_file,
                                                                           kRefresh_s));
  tls.watch_identity_key_cert_pairs();
  tls.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  auto impl = std::make_unique<Impl>();
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.listen, grpc::experimental::TlsServerCredentials(tls), &impl->port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A dead agent's stream ends within half a minute, also when nothing is said.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 16 * 1024);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.message_bytes_max));
  for (grpc::Service* service : services) builder.RegisterService(service);
  impl->server = builder.BuildAndStart();
  if (!impl->server || impl->port == 0) {
    return fail(ErrorCode::kConflict, "cannot listen: the port is in use, or the address is not of this machine",
                options.listen, "choose another with --listen, or end the other process (ss -ltnp shows it)");
  }
  return std::unique_ptr<GrpcPort>(new GrpcPort(std::move(impl)));
}

void GrpcPort::shutdown(int grace_s) {
  if (!impl_->server) return;
  impl_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(grace_s));
  impl_->server->Wait();
  impl_->server.reset();
}

}  // namespace weir::app
