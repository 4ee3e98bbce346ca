#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "infrastructure/agent/uplink.h"
#include "weir/v1/agent.grpc.pb.h"

// One stream to the brain, from its first message to its end. Private to this library.
namespace weir::agent {

// Out: one slot for what replaces itself, a bounded queue for what does not. In: decoded, and handed on.
class BrainStream final : public grpc::ClientBidiReactor<v1::AgentMessage, v1::BrainMessage>,
                          public std::enable_shared_from_this<BrainStream> {
 public:
  // `ended` is called last, from gRPC's thread. From begin() until then the stream keeps itself alive.
  BrainStream(const BrainEvents& events, Clock& clock, std::function<void()> ended)
      : events_(events), clock_(clock), ended_(std::move(ended)) {}

  void begin(v1::AgentLink::Stub& stub, v1::AgentMessage hello);
  void send(AgentReport report, uint64_t sequence);
  void cancel();

  TimeUs heard_us() const;
  bool attached() const;
  Error why() const;  // after the end

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  void pump();   // requires mutex_
  void close();  // requires mutex_
  void take(const v1::BrainMessage& message);

  const BrainEvents& events_;
  Clock& clock_;
  const std::function<void()> ended_;
  grpc::ClientContext context_;
  std::shared_ptr<BrainStream> self_;
  v1::BrainMessage in_;
  v1::AgentMessage out_;

  mutable std::mutex mutex_;
  bool greeted_ = false;
  bool writing_ = true;  // the first message is under way from the beginning
  bool closed_ = false;
  TimeUs heard_us_ = 0;
  std::optional<Error> refusal_;
  Error why_;
  std::map<PathLabel, Readings::Reading> readings_;
  std::map<uint64_t, AgentReport> lasting_;
  std::optional<Observation> observation_;
  std::optional<HeartbeatReport> heartbeat_;
  std::deque<LogAnswer> logs_;
};

ErrorCode code_of(grpc::StatusCode code);

}  // namespace weir::agent
