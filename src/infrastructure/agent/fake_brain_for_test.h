#pragma once

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "infrastructure/agent_link/convert.h"
#include "security/identity/authority.h"
#include "security/identity/join_token.h"
#include "security/identity/request.h"
#include "weir/v1/agent.grpc.pb.h"

// The brain's side of the agents' port, as plain as can be: it admits by token, writes down what agents say,
// and says what the test wants.
namespace weir::agent::test {

inline int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class FakeBrain final : public v1::AgentLink::Service {
 public:
  explicit FakeBrain(const std::string& folder, const std::string& address = "127.0.0.1")
      : authority_(*identity::CertificateAuthority::open_or_create(folder, now_s())), address_(address) {
    serve(0);
  }
  ~FakeBrain() override { stop(); }

  void serve(int port) {
    stopping_ = false;
    const auto own = authority_.issue_brain({address_}, now_s() + clock_ahead_s);
    EXPECT_TRUE(own);
    grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
    tls.pem_root_certs = authority_.certificate_pem();
    tls.pem_key_cert_pairs.push_back({std::string(own->key_pem.reveal()), own->chain_pem});
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(address_ + ":" + std::to_string(port), grpc::SslServerCredentials(tls), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    ASSERT_TRUE(server_);
    ASSERT_NE(port_, 0);
  }
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    if (server_) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }
  void restart() {
    stop();
    serve(port_);
  }
  std::string endpoint() const { return address_ + ":" + std::to_string(port_); }

  std::string token(const std::string& site, const std::string& fingerprint = "") {
    const auto seed = identity::draw_token_seed();
    EXPECT_TRUE(seed);
    const auto issued = identity::issue_join_token(
        *seed, site, fingerprint.empty() ? authority_.fingerprint() : fingerprint, now_s(), 3600);
    EXPECT_TRUE(issued) << issued.error().text();
    const std::lock_guard lock(mutex_);
    records_[issued->record.id] = issued->record;
    return std::string(issued->text.reveal());
  }

  void say(const v1::BrainMessage& message) {
    const std::lock_guard lock(mutex_);
    out_.push_back(message);
    changed_.notify_all();
  }
  void direct(const SiteDirective& directive) {
    v1::BrainMessage message;
    agent_link::put_directive(directive, 0, message);
    say(message);
    const std::lock_guard lock(mutex_);
    directed_ = message;
  }

  // Waits until the messages so far satisfy it.
  bool heard(const std::function<bool(const std::vector<v1::AgentMessage>&)>& enough, int seconds = 20) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(seconds), [&] { return enough(messages_); });
  }
  bool hears_observation(const std::function<bool(const v1::Observation&)>& right) {
    return heard([&](const auto& all) {
      for (const v1::AgentMessage& message : all) {
        if (message.has_observation() && right(message.observation())) return true;
      }
      return false;
    });
  }
  bool hears_hello(int count) {
    return heard([&](const auto& all) {
      return std::count_if(all.begin(), all.end(), [](const auto& m) { return m.has_hello(); }) >= count;
    });
  }
  // Waits until an artifact call stands still (artifact_stalls).
  bool wait_for_stall() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return stalled_; });
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    messages_.clear();
  }

  std::map<std::string, std::string> artifacts;  // bytes by digest
  bool acknowledges = true;
  std::atomic<bool> directs_again = false;  // whoever says hello, as it directed last
  std::atomic<bool> mute = false;        // hears, and says nothing
  std::atomic<int> artifact_stalls = 0;  // so many calls stop after their first piece, until stop()
  int64_t validity_s = identity::kAgentValidity_s;
  std::atomic<int> renewals = 0;
  std::atomic<int> joins = 0;
  int64_t clock_ahead_s = 0;  // of the next certificate of its own

  grpc::Status Join(grpc::ServerContext*, const v1::JoinRequest* request,
                    v1::JoinResponse* response) override {
    const std::lock_guard lock(mutex_);
    const auto token = identity::parse_join_token(request->bearer());
    const auto csr = identity::read_request(request->csr_pem());
    if (!token || !csr) return {grpc::StatusCode::INVALID_ARGUMENT, "malformed"};
    const auto record = records_.find(token->id);
    const auto redeemed =
        identity::redeem_join_token(record == records_.end() ? nullptr : &record->second, *token, csr->site,
                                    now_s(), "test", csr->key_fingerprint);
    if (!redeemed) {
      const bool used = redeemed.error().code == ErrorCode::kConflict;
      return {used ? grpc::StatusCode::ABORTED : grpc::StatusCode::PERMISSION_DENIED,
              redeemed.error().text()};
    }
    record->second = redeemed->record;
    ++joins;
    const auto issued = authority_.issue_agent(request->csr_pem(), csr->site, now_s(), validity_s);
    response->set_certificate_chain_pem(issued->certificate_pem);
    response->set_ca_pem(authority_.certificate_pem());
    return grpc::Status::OK;
  }
  grpc::Status Renew(grpc::ServerContext*, const v1::RenewRequest* request,
                     v1::RenewResponse* response) override {
    const auto csr = identity::read_request(request->csr_pem());
    const auto issued = authority_.issue_agent(request->csr_pem(), csr->site, now_s());
    response->set_certificate_chain_pem(issued->certificate_pem);
    response->set_ca_pem(authority_.certificate_pem());
    ++renewals;
    return grpc::Status::OK;
  }
  grpc::Status Artifact(grpc::ServerContext*, const v1::ArtifactRequest* request,
                        grpc::ServerWriter<v1::ArtifactChunk>* writer) override {
    const auto found = artifacts.find(request->digest());
    if (found == artifacts.end()) return {grpc::StatusCode::NOT_FOUND, "no such artifact"};
    v1::ArtifactChunk chunk;
    for (size_t at = request->offset(); at < found->second.size(); at += 1000) {
      chunk.set_offset(at);
      chunk.set_data(found->second.substr(at, 1000));
      if (!writer->Write(chunk)) break;
      if (artifact_stalls > 0) {
        --artifact_stalls;
        std::unique_lock lock(mutex_);
        stalled_ = true;
        changed_.notify_all();
        changed_.wait(lock, [&] { return stopping_; });
        return grpc::Status::CANCELLED;
      }
    }
    return grpc::Status::OK;
  }
  grpc::Status Attach(grpc::ServerContext* context,
                      grpc::ServerReaderWriter<v1::BrainMessage, v1::AgentMessage>* stream) override {
    const auto pem = context->auth_context()->FindPropertyValues("x509_pem_cert");
    if (pem.empty() || !identity::verify_peer({pem[0].data(), pem[0].size()}, authority_.certificate_pem(),
                                              identity::Peer::kAgent, now_s())) {
      return {grpc::StatusCode::PERMISSION_DENIED, "no certificate of ours"};
    }
    bool open = true;
    // The newest stream speaks: of an older one it is not known yet that nobody listens.
    int mine = 0;
    {
      const std::lock_guard lock(mutex_);
      mine = ++streams_;
    }
    const auto speaks = [&] { return mine == streams_ && !out_.empty(); };
    std::thread writer([&] {
      std::unique_lock lock(mutex_);
      while (open) {
        changed_.wait(lock, [&] { return !open || speaks(); });
        while (open && speaks()) {
          if (mute) {
            out_.clear();
            break;
          }
          const v1::BrainMessage message = out_.front();
          out_.pop_front();
          lock.unlock();
          stream->Write(message);
          lock.lock();
        }
      }
    });
    v1::AgentMessage message;
    while (stream->Read(&message)) {
      const std::lock_guard lock(mutex_);
      messages_.push_back(message);
      v1::BrainMessage answer;
      if (message.sequence() != 0 && acknowledges) {
        answer.mutable_acknowledgement()->set_sequence(message.sequence());
        out_.push_back(answer);
      }
      if (message.has_hello() && directs_again && directed_) out_.push_back(*directed_);
      if (message.has_heartbeat()) {
        answer.mutable_lease()->set_brain_epoch(1);
        answer.mutable_lease()->set_lease_us(5'000'000);
        out_.push_back(answer);
      }
      changed_.notify_all();
    }
    {
      const std::lock_guard lock(mutex_);
      open = false;
      changed_.notify_all();
    }
    writer.join();
    return grpc::Status::OK;
  }

 private:
  identity::CertificateAuthority authority_;
  const std::string address_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  bool stopping_ = false;
  bool stalled_ = false;
  int streams_ = 0;  // that were begun
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, identity::JoinTokenRecord> records_;
  std::deque<v1::BrainMessage> out_;
  std::vector<v1::AgentMessage> messages_;
  std::optional<v1::BrainMessage> directed_;
};

}  // namespace weir::agent::test
