// Commands as a shell runs them, against a brain in this process.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "app/commands.h"
#include "app/exit_code.h"
#include "app/grpc_port.h"
#include "security/identity/authority.h"
#include "security/identity/context.h"
#include "service/gateway/grpc_service.h"
#include "service/gateway/test_brain.h"

namespace weir::app {

namespace fs = std::filesystem;

class CommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    folder = fs::path(testing::TempDir()) / ("weir-command." + std::to_string(getpid()));
    fs::remove_all(folder);
    fs::create_directories(folder);
    fs::permissions(folder, fs::perms::owner_all);
    brain.build_region();
  }
  void TearDown() override {
    if (grpc) grpc->stop();
    if (port) port->shutdown(1);
    port.reset();
    grpc.reset();
    fs::remove_all(folder);
  }
  void serve() {
    const int64_t now = std::time(nullptr);
    const auto authority = identity::CertificateAuthority::open_or_create(folder / "ca", now);
    ASSERT_TRUE(authority) << authority.error().text();
    const auto brain_identity = authority->issue_brain({"127.0.0.1"}, now);
    ASSERT_TRUE(brain_identity && identity::write_brain_file(folder / "brain.pem", *brain_identity));
    grpc = std::make_unique<gateway::GrpcService>(service);
    auto opened = GrpcPort::open({.listen = "127.0.0.1:0", .brain_file = (folder / "brain.pem").string()},
                                 {&grpc->service()});
    ASSERT_TRUE(opened) << opened.error().text();
    port = std::move(*opened);
    identity::Contexts contexts{.current = "op"};
    const auto add = [&](const char* name, const std::string& bearer) {
      contexts.named[name] = {.endpoint = "127.0.0.1:" + std::to_string(port->port()),
                              .ca_certificate = (folder / "ca" / "ca.crt").string(),
                              .token = identity::SecretText(bearer.substr(7))};
    };
    add("op", brain.token(Role::kOperator, "alice"));
    add("city", brain.token(Role::kTenant, "city"));
    add("street", brain.token(Role::kProvider, "street"));
    ASSERT_TRUE(identity::save_contexts(contexts, folder / "context.toml"));
    setenv("WEIR_CONTEXT_FILE", (folder / "context.toml").c_str(), 1);
  }

  gateway::Ports ports() {
    gateway::Ports out = brain.ports();
    out.contact = [this](SiteId) { return agent; };
    return out;
  }
  struct Outcome {
    int code = 0;
    std::string out, error;
  };
  static int run_only(std::vector<std::string> arguments) {
    CLI::App app("", "weir");
    add_commands(app);
    std::vector<const char*> argv{"weir"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    return run(app, static_cast<int>(argv.size()), argv.data());
  }
  static Outcome weir(std::vector<std::string> arguments) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Outcome out;
    out.code = run_only(std::move(arguments));
    out.out = testing::internal::GetCapturedStdout();
    out.error = testing::internal::GetCapturedStderr();
    return out;
  }
  void submit() {
    brain.record("tenant/city", IntentSubmitted{IntentId(0u), TenantId(0u), 1, brain.cameras()});
    brain.decide();
  }

  fs::path folder;
  gateway::TestBrain brain;
  std::optional<gateway::SiteContact> agent;  // of every site; none: not attached
  gateway::Service service{ports()};
  std::unique_ptr<gateway::GrpcService> grpc;
  std::unique_ptr<GrpcPort> port;
};

}  // namespace weir::app
