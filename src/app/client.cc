#include "app/client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <CLI/App.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/grpc_port.h"
#include "infrastructure/posix/unique_fd.h"
#include "security/identity/certificate.h"
#include "security/identity/context.h"
#include "security/identity/pinning.h"

namespace weir::app {
namespace {

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? value : nullptr;
}

Result<identity::Context> chosen_context(const Target& target) {
  std::filesystem::path path = target.context_file;
  if (path.empty()) {
    if (const char* file = environment("WEIR_CONTEXT_FILE")) {
      path = file;
    } else {
      const auto home = identity::context_path(environment("XDG_CONFIG_HOME"), environment("HOME"));
      if (!home) return tl::unexpected(home.error());
      path = *home;
    }
  }
  const auto contexts = identity::load_contexts(path);
  if (!contexts) return tl::unexpected(contexts.error());
  const char* named = environment("WEIR_CONTEXT");
  const auto context = identity::find_context(*contexts, !target.context.empty() ? target.context : named ? named : "");
  if (!context) {
    Error error = context.error();
    error.where = path.string();
    std::error_code ignored;
    if (!target.context_file.empty() && !std::filesystem::exists(path, ignored)) {
      error.what = "cannot be read";
      error.remedy = "check the name of the file of contexts";
    } else if (contexts->named.empty()) {
      error.what = "no brain is known";
      error.remedy = "give --context-file, or set WEIR_CONTEXT_FILE to the brain's context.toml";
    }
    return tl::unexpected(error);
  }
  return **context;
}

Error unreachable(const std::string& endpoint, const std::string& why) {
  return {ErrorCode::kUnavailable, "the brain does not answer (" + why + ")", endpoint,
          "check that 'weir serve' runs there, and the endpoint in the context file"};
}

Result<posix::UniqueFd> connect_to(const std::string& endpoint) {
  const size_t colon = endpoint.rfind(':');
  std::string host = endpoint.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (colon == std::string::npos || getaddrinfo(host.c_str(), endpoint.c_str() + colon + 1, &hints, &found) != 0) {
    return tl::unexpected(unreachable(endpoint, "no such host"));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all(found, freeaddrinfo);
  for (const addrinfo* a = found; a; a = a->ai_next) {
    posix::UniqueFd fd(::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol));
    const timeval patience{5, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(fd.get(), a->ai_addr, a->ai_addrlen) == 0) return fd;
  }
  return tl::unexpected(unreachable(endpoint, "connection refused"));
}

Result<std::string> authority_of(const identity::Context& context) {
  if (!context.ca_certificate.empty()) {
    std::ifstream file(context.ca_certificate, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file || text.str().empty()) {
      return fail(ErrorCode::kUnavailable, "cannot be read", context.ca_certificate,
                  "copy the brain's ca/ca.crt there, or give ca_fingerprint");
    }
    return text.str();
  }
  auto socket = connect_to(context.endpoint);
  if (!socket) return tl::unexpected(socket.error());
  return identity::fetch_pinned_ca(socket->get(), context.ca_fingerprint, std::time(nullptr));
}

}  // namespace

void add_target_options(CLI::App& command, Target& target) {
  command.add_option("--context-file", target.context_file, "File of contexts (default: $WEIR_CONTEXT_FILE, then ~/.config/weir/context.toml)")
      ->type_name("FILE");
  command.add_option("--context", target.context, "Context to use (default: $WEIR_CONTEXT, then the current one)")->type_name("NAME");
  command.add_option("--call-timeout", target.timeout_s, "Seconds that one call may take")->capture_default_str()->check([](const std::string& text) {
    return text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != std::string::npos || text == "0"
               ? std::string("give whole seconds, at least 1")
               : std::string();
  });
}

Result<Client> Client::open(const Target& target) {
  const auto context = chosen_context(target);
  if (!context) return tl::unexpected(context.error());
  const auto authority = authority_of(*context);
  if (!authority) return tl::unexpected(authority.error());
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = *authority;
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(std::string(identity::kBrainName));
  arguments.SetMaxReceiveMessageSize(64 << 20);
  Client out;
  out.endpoint_ = context->endpoint;
  out.bearer_ = "Bearer " + (target.token.empty() ? std::string(context->token.reveal()) : target.token);
  out.timeout_s_ = target.timeout_s;
  out.stub_ = v1::Weir::NewStub(grpc::CreateCustomChannel(context->endpoint, grpc::SslCredentials(tls), arguments));
  return out;
}

std::unique_ptr<grpc::ClientContext> Client::context(Life life) const {
  auto out = std::make_unique<grpc::ClientContext>();
  out->AddMetadata("authorization", bearer_);
  if (life == Life::kCall) out->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(timeout_s_));
  return out;
}

Status Client::fits_into_a_message(size_t bytes) {
  const size_t most = GrpcPort::Options{}.message_bytes_max;
  if (bytes <= most) return {};
  return fail(ErrorCode::kInvalid,
              std::to_string(bytes) + " bytes are more than the brain takes at once, which is " +
                  std::to_string(most),
              "the request", "send it in parts: apply fewer files at a time");
}

Error error_of(const v1::ErrorDetail& detail) {
  static constexpr std::pair<const char*, ErrorCode> kCodes[] = {
      {"invalid", ErrorCode::kInvalid},         {"not-found", ErrorCode::kNotFound},
      {"conflict", ErrorCode::kConflict},       {"denied", ErrorCode::kDenied},
      {"infeasible", ErrorCode::kInfeasible},   {"exhausted", ErrorCode::kExhausted},
      {"unavailable", ErrorCode::kUnavailable}, {"unsupported", ErrorCode::kUnsupported},
      {"corrupt", ErrorCode::kCorrupt},         {"internal", ErrorCode::kInternal}};
  Error error{ErrorCode::kInternal, detail.what(), detail.where(), detail.remedy()};
  for (const auto& [name, code] : kCodes) {
    if (detail.code() == name) error.code = code;
  }
  return error;
}

Result<v1::ListResponse> Client::list_all(v1::ListRequest request) {
  request.set_page_size(1'000);
  v1::ListResponse all;
  do {
    v1::ListResponse page;
    if (const Status called = call(&v1::Weir::Stub::List, request, page); !called) return tl::unexpected(called.error());
    all.mutable_items()->MergeFrom(page.items());
    all.set_version(page.version());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

Status Client::status(const grpc::Status& status) const {
  if (status.ok()) return {};
  v1::ErrorDetail detail;
  if (!status.error_details().empty() && detail.ParseFromString(status.error_details()) && !detail.code().empty()) {
    return tl::unexpected(error_of(detail));
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return tl::unexpected(unreachable(endpoint_, "no answer within " + std::to_string(timeout_s_) + " s"));
  }
  return tl::unexpected(unreachable(endpoint_, status.error_message()));
}

}  // namespace weir::app
