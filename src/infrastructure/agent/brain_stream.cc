#include "infrastructure/agent/brain_stream.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <atomic>

#include "infrastructure/agent/messages.h"
#include "infrastructure/agent_link/convert.h"

namespace weir::agent {
namespace {

constexpr size_t kLogsMax = 64;

Error error_from(const v1::Refused& refused) {
  Error out{ErrorCode::kUnavailable, refused.what(), "the brain refuses", refused.remedy()};
  if (refused.code() == "denied") out.code = ErrorCode::kDenied;
  if (refused.code() == "invalid") out.code = ErrorCode::kInvalid;
  if (refused.code() == "not-found") out.code = ErrorCode::kNotFound;
  if (refused.code() == "conflict") out.code = ErrorCode::kConflict;
  return out;
}

// gRPC 1.51 serves callback streams from one queue of the process, and destroys that when the last channel
// that made such a call goes; its threads may then release the queue twice. A channel that leads nowhere, and
// made one call, keeps it for ever.
void hold_callback_queue() {
  struct Nowhere {
    std::unique_ptr<v1::AgentLink::Stub> stub =
        v1::AgentLink::NewStub(grpc::CreateChannel("nowhere", nullptr));
    grpc::ClientContext context;
    v1::RenewRequest request;
    v1::RenewResponse response;
  };
  static std::atomic<Nowhere*> kept = nullptr;
  [[maybe_unused]] static const bool called = [] {
    kept = new Nowhere;
    Nowhere& n = *kept;
    n.stub->async()->Renew(&n.context, &n.request, &n.response, [](const grpc::Status&) {});
    return true;
  }();
}

}  // namespace

ErrorCode code_of(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
      return ErrorCode::kInvalid;
    case grpc::StatusCode::NOT_FOUND:
      return ErrorCode::kNotFound;
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::ALREADY_EXISTS:
      return ErrorCode::kConflict;
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return ErrorCode::kDenied;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return ErrorCode::kExhausted;
    case grpc::StatusCode::UNIMPLEMENTED:
      return ErrorCode::kUnsupported;
    case grpc::StatusCode::DATA_LOSS:
      return ErrorCode::kCorrupt;
    default:
      return ErrorCode::kUnavailable;
  }
}

void BrainStream::begin(v1::AgentLink::Stub& stub, v1::AgentMessage hello) {
  hold_callback_queue();
  self_ = shared_from_this();
  out_ = std::move(hello);
  heard_us_ = clock_.steady_us();
  stub.async()->Attach(&context_, this);
  AddHold();  // until close(): writes begin outside of reactions
  StartWrite(&out_);
  StartRead(&in_);
  StartCall();
}

void BrainStream::send(AgentReport report, uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  if (auto* readings = std::get_if<Readings>(&report)) {
    for (Readings::Reading& reading : readings->readings) {
      Readings::Reading& slot = readings_[reading.reading.label];
      reading.state_changed = reading.state_changed || slot.state_changed;
      slot = reading;
    }
  } else if (auto* observation = std::get_if<Observation>(&report)) {
    observation_ = std::move(*observation);
  } else if (const auto* heartbeat = std::get_if<HeartbeatReport>(&report)) {
    heartbeat_ = *heartbeat;
  } else if (auto* log = std::get_if<LogAnswer>(&report)) {
    // A log that overtakes the connection is asked for again.
    if (logs_.size() < kLogsMax) logs_.push_back(std::move(*log));
  } else {
    lasting_[sequence] = std::move(report);
  }
  pump();
}

void BrainStream::pump() {
  if (writing_ || closed_) return;
  const TimeUs wall_us = clock_.wall_us();
  if (!readings_.empty()) {
    Readings all;
    for (auto& [key, reading] : readings_) all.readings.push_back(reading);
    readings_.clear();
    put_report(all, 0, wall_us, out_);
  } else if (!lasting_.empty()) {
    const auto first = lasting_.begin();
    put_report(first->second, first->first, wall_us, out_);
    lasting_.erase(first);
  } else if (observation_) {
    put_report(*observation_, 0, wall_us, out_);
    observation_.reset();
  } else if (heartbeat_) {
    put_report(*heartbeat_, 0, wall_us, out_);
    heartbeat_.reset();
  } else if (!logs_.empty()) {
    put_report(logs_.front(), 0, wall_us, out_);
    logs_.pop_front();
  } else {
    return;
  }
  writing_ = true;
  StartWrite(&out_);
}

void BrainStream::close() {
  if (closed_) return;
  closed_ = true;
  context_.TryCancel();
  RemoveHold();
}

void BrainStream::cancel() {
  const std::lock_guard lock(mutex_);
  close();
}

TimeUs BrainStream::heard_us() const {
  const std::lock_guard lock(mutex_);
  return heard_us_;
}

bool BrainStream::attached() const {
  const std::lock_guard lock(mutex_);
  return greeted_ && !closed_;
}

Error BrainStream::why() const {
  const std::lock_guard lock(mutex_);
  return why_;
}

void BrainStream::OnWriteDone(bool ok) {
  bool greeted = false;
  {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok) return close();
    greeted = !std::exchange(greeted_, true);
  }
  if (greeted) events_.attached();
  const std::lock_guard lock(mutex_);
  pump();
}

void BrainStream::OnReadDone(bool ok) {
  if (!ok) {
    const std::lock_guard lock(mutex_);
    return close();
  }
  take(in_);
  {
    const std::lock_guard lock(mutex_);
    heard_us_ = clock_.steady_us();
    if (closed_) return;
  }
  StartRead(&in_);
}

void BrainStream::take(const v1::BrainMessage& message) {
  switch (message.message_case()) {
    case v1::BrainMessage::kDirective: {
      auto directive = agent_link::directive_from(message, SiteId());
      if (directive) return events_.directive(std::move(*directive));
      return events_.say(true, directive.error().text());
    }
    case v1::BrainMessage::kLease:
      return events_.lease(message.lease().brain_epoch(), message.lease().lease_us());
    case v1::BrainMessage::kAcknowledgement:
      return events_.acknowledged(message.acknowledgement().sequence());
    case v1::BrainMessage::kLogRequest: {
      const v1::LogRequest& m = message.log_request();
      if (m.cancel()) return events_.log_cancel(m.request());
      return events_.log_request(m.request(), {m.run().plan(), m.run().item()}, m.offset(), m.follow(),
                                 m.bytes_max());
    }
    case v1::BrainMessage::kRefused: {
      const std::lock_guard lock(mutex_);
      refusal_ = error_from(message.refused());
      return;
    }
    case v1::BrainMessage::MESSAGE_NOT_SET:
      return;
  }
}

void BrainStream::OnDone(const grpc::Status& status) {
  const std::shared_ptr<BrainStream> keep = std::move(self_);
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    const std::string text = status.ok() ? "the brain ended the stream" : status.error_message();
    why_ = refusal_.value_or(Error{code_of(status.error_code()), text, "the connection to the brain"});
  }
  ended_();
}

}  // namespace weir::agent
