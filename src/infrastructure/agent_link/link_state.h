#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "infrastructure/agent_link/agent_link.h"
#include "weir/v1/agent.grpc.pb.h"

// What the calls of one AgentLink share. Private to this library.
namespace weir::agent_link {

class Attachment;

struct LinkState {
  const identity::CertificateAuthority& authority;
  ArtifactFolder& artifacts;
  Clock& clock;
  const AgentLinkOptions options;
  Brain* brain = nullptr;

  mutable std::mutex mutex;
  std::map<SiteId, std::shared_ptr<Attachment>> attached;
  std::map<SiteId, Contact> contacts;
  std::map<SiteId, std::vector<PathTraffic>> traffic;  // of the sites that are attached, by label
  uint64_t next_connection = 1;
  uint64_t next_log_request = 1;
  size_t open = 0;  // streams, also those before their Hello
  bool stopping = false;

  int64_t now_s() const { return clock.wall_us() / 1'000'000; }
};

grpc::Status status_of(const Error& error);
std::string_view code_name(ErrorCode code);

// The certificate that the peer showed, as PEM; empty if none.
std::string peer_pem(const grpc::CallbackServerContext& context);
// What the graph says of the certificates of one site.
identity::RevocationList revocations(const Graph& graph, std::string_view site);
// kDenied when it is not a live agent's certificate of this brain, or is revoked.
Result<identity::CertificateInfo> peer_agent(const LinkState& state, const grpc::CallbackServerContext& context);

// kDenied when an agent's clock differs from the brain's by more than certificates stand.
Status check_clock(const std::string& site, TimeUs agent_us, TimeUs brain_us);

grpc::ServerBidiReactor<v1::AgentMessage, v1::BrainMessage>* attach(const std::shared_ptr<LinkState>& state,
                                                                    grpc::CallbackServerContext* context);
void join(const std::shared_ptr<LinkState>& state, const grpc::CallbackServerContext& context,
          const v1::JoinRequest& request, v1::JoinResponse* response, grpc::ServerUnaryReactor* reactor);
void renew(const std::shared_ptr<LinkState>& state, const grpc::CallbackServerContext& context,
           const v1::RenewRequest& request, v1::RenewResponse* response, grpc::ServerUnaryReactor* reactor);
grpc::ServerWriteReactor<v1::ArtifactChunk>* send_artifact(const std::shared_ptr<LinkState>& state,
                                                           const grpc::CallbackServerContext& context,
                                                           const v1::ArtifactRequest& request);

// One agent's stream. Messages out wait in slots, one for each kind, so that a slow agent costs no memory.
class Attachment final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::BrainMessage>,
                         public std::enable_shared_from_this<Attachment> {
 public:
  Attachment(std::shared_ptr<LinkState> state, std::string peer, Result<identity::CertificateInfo> certificate);
  // Keeps itself alive until OnDone. A refusal ends the stream at once.
  void begin(const std::optional<Error>& refusal);

  void offer(const SiteDirective& directive);
  void end(const Error& why);
  // kDenied when its certificate was revoked.
  Status check_good(const Graph& graph) const;
  Result<uint64_t> read_log(RunId run, uint64_t offset, bool follow, uint64_t bytes_max,
                            std::function<void(LogPiece)> piece);
  void cancel_log(uint64_t request);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  struct LogReading {
    RunId run;
    bool follow = false;
    uint64_t bytes_left = 0;
    std::function<void(LogPiece)> piece;
  };

  void take(const v1::AgentMessage& message);
  Status take_hello(const v1::Hello& hello);
  void take_report(const v1::AgentMessage& message);
  void take_log(const v1::LogChunk& chunk);
  void durable(uint64_t sequence);
  void ask_log(uint64_t request, const LogReading& reading, uint64_t offset, bool cancel);
  void pump();              // requires mutex_
  void finish(const Error& why);  // requires mutex_

  const std::shared_ptr<LinkState> state_;
  const std::string peer_;
  const Result<identity::CertificateInfo> certificate_;
  std::shared_ptr<Attachment> self_;
  v1::AgentMessage in_;   // of the read under way
  v1::BrainMessage out_;  // of the write under way

  std::mutex mutex_;
  SiteId site_;
  uint64_t connection_ = 0;  // 0: before its Hello
  bool writing_ = false;
  bool reading_paused_ = false;
  bool finished_ = false;
  std::optional<Error> ending_;  // to be said once the write under way is done
  std::optional<SiteDirective> directive_;
  TimeUs lease_us_ = 0;          // of the newest directive
  std::optional<v1::LeaseRenewal> lease_;
  std::set<uint64_t> outstanding_;  // reports taken or refused by the brain, and not durable
  uint64_t sequence_max_ = 0;
  uint64_t acknowledge_ = 0, acknowledged_ = 0;
  std::deque<v1::LogRequest> log_requests_;
  std::map<uint64_t, LogReading> logs_;
};

}  // namespace weir::agent_link
