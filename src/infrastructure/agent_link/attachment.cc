#include "infrastructure/agent_link/convert.h"
#include "infrastructure/agent_link/link_state.h"

namespace weir::agent_link {
namespace {

constexpr size_t kOutstandingMax = 4096;
constexpr uint64_t kLogBytesAtOnce = 64 * 1024;

}  // namespace

Attachment::Attachment(std::shared_ptr<LinkState> state, std::string peer,
                       Result<identity::CertificateInfo> certificate)
    : state_(std::move(state)), peer_(std::move(peer)), certificate_(std::move(certificate)) {}

void Attachment::begin(const std::optional<Error>& refusal) {
  self_ = shared_from_this();
  const std::lock_guard lock(mutex_);
  if (refusal) return finish(*refusal);
  StartRead(&in_);
}

void Attachment::offer(const SiteDirective& directive) {
  const std::lock_guard lock(mutex_);
  directive_ = directive;
  lease_us_ = directive.lease_us;
  pump();
}

void Attachment::end(const Error& why) {
  const std::lock_guard lock(mutex_);
  finish(why);
}

Status Attachment::check_good(const Graph& graph) const {
  if (!certificate_) return tl::unexpected(certificate_.error());
  return identity::check_revoked(*certificate_, revocations(graph, certificate_->site));
}

void Attachment::finish(const Error& why) {
  if (finished_ || ending_) return;
  ending_ = why;
  if (!writing_) pump();
}

void Attachment::pump() {
  if (writing_ || finished_) return;
  out_.Clear();
  if (ending_) {
    finished_ = true;
    out_.mutable_refused()->set_code(std::string(code_name(ending_->code)));
    out_.mutable_refused()->set_what(ending_->where.empty() ? ending_->what : ending_->where + ": " + ending_->what);
    out_.mutable_refused()->set_remedy(ending_->remedy);
    StartWriteAndFinish(&out_, grpc::WriteOptions(), status_of(*ending_));
    return;
  }
  if (acknowledge_ > acknowledged_) {
    acknowledged_ = acknowledge_;
    out_.mutable_acknowledgement()->set_sequence(acknowledge_);
  } else if (lease_) {
    *out_.mutable_lease() = *lease_;
    lease_.reset();
  } else if (directive_) {
    put_directive(*directive_, state_->clock.wall_us() + directive_->lease_us, out_);
    directive_.reset();
  } else if (!log_requests_.empty()) {
    *out_.mutable_log_request() = log_requests_.front();
    log_requests_.pop_front();
  } else {
    return;
  }
  writing_ = true;
  StartWrite(&out_);
}

void Attachment::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  if (finished_) return;
  if (!ok) {
    finished_ = true;
    Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream broke"));
    return;
  }
  pump();
}

void Attachment::OnCancel() {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  finished_ = true;
  Finish(grpc::Status::CANCELLED);
}

void Attachment::OnReadDone(bool ok) {
  if (!ok) {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    finished_ = true;
    Finish(grpc::Status::OK);
    return;
  }
  take(in_);
  const std::lock_guard lock(mutex_);
  if (finished_ || ending_) return;
  if (outstanding_.size() >= kOutstandingMax) {
    reading_paused_ = true;
    return;
  }
  StartRead(&in_);
}

void Attachment::take(const v1::AgentMessage& message) {
  bool attached = false;
  {
    const std::lock_guard lock(mutex_);
    attached = connection_ != 0;
  }
  if (attached) {
    const std::lock_guard lock(state_->mutex);
    const auto it = state_->attached.find(site_);
    if (it == state_->attached.end() || it->second.get() != this) return;  // replaced: what it says is old
    state_->contacts[site_].heard_steady_us = state_->clock.steady_us();
  }
  if (message.has_hello() != !attached) {
    return end({ErrorCode::kInvalid, attached ? "a second Hello" : "the first message is no Hello", peer_,
                "update the agent"});
  }
  if (message.has_hello()) {
    if (const Status taken = take_hello(message.hello()); !taken) end(taken.error());
  } else if (message.has_heartbeat()) {
    const bool heard = state_->brain->heartbeat(site_, connection_);
    const std::lock_guard lock(mutex_);
    if (!heard || lease_us_ == 0) return;
    lease_.emplace();
    lease_->set_lease_us(lease_us_);
    lease_->set_clock(state_->clock.wall_us());
    lease_->set_lease_until_us(lease_->clock() + lease_us_);
    lease_->set_heartbeat_clock(message.heartbeat().clock());
    lease_->set_brain_epoch(state_->brain->durable()->brain_epoch());
    pump();
  } else if (message.has_log()) {
    take_log(message.log());
  } else {
    take_report(message);
  }
}

Status Attachment::take_hello(const v1::Hello& hello) {
  if (!certificate_) return tl::unexpected(certificate_.error());
  if (const Status own = identity::require_site(*certificate_, hello.site()); !own) return own;
  if (const Status clock = check_clock(hello.site(), hello.clock(), state_->clock.wall_us()); !clock) return clock;
  auto read = hello_from(hello);
  if (!read) return tl::unexpected(read.error());
  read->certificate_issued_us = certificate_->issued_s * 1'000'000;
  const SiteId site = state_->brain->durable()->find_site(hello.site());
  if (!site.valid()) {
    return fail(ErrorCode::kNotFound, "no such site is described", "site " + hello.site(),
                "apply its Site description first");
  }
  std::shared_ptr<Attachment> older;
  uint64_t connection = 0;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping) return fail(ErrorCode::kUnavailable, "the brain is stopping", {}, "attach again");
    connection = state_->next_connection++;
    auto& slot = state_->attached[site];
    older = std::exchange(slot, shared_from_this());
    state_->traffic.erase(site);
    state_->contacts[site] = {.agent_version = read->version,
                              .driver = read->driver,
                              .isolation = hello.driver().isolation(),
                              .steerable = read->steerable,
                              .not_steerable_why = read->not_steerable_why,
                              .heard_steady_us = state_->clock.steady_us(),
                              .attached = true};
  }
  {
    const std::lock_guard lock(mutex_);
    site_ = site;
    connection_ = connection;
  }
  if (older) {
    older->end({ErrorCode::kConflict, "a newer connection of this site took over", "site " + hello.site(),
                "run one agent for each site"});
  }
  // A revocation drops whoever is attached by then; whoever comes later sees it here.
  if (const Status good = check_good(*state_->brain->durable()); !good) return good;
  if (!state_->brain->attached(site, connection, std::move(*read))) {
    return fail(ErrorCode::kExhausted, "the brain's inbox is full", {}, "attach again");
  }
  return {};
}

void Attachment::take_report(const v1::AgentMessage& message) {
  auto reports = reports_from(message);
  if (!reports) return end(reports.error());
  for (Brain::Report& report : *reports) {
    // A figure to look at, which decides nothing: it goes no further.
    if (auto* seen = std::get_if<Observation>(&report)) {
      const std::lock_guard lock(state_->mutex);
      state_->traffic[site_] = std::exchange(seen->traffic, {});
    }
  }
  const uint64_t sequence = message.sequence();
  if (sequence != 0) {
    const std::lock_guard lock(mutex_);
    outstanding_.insert(sequence);
    sequence_max_ = std::max(sequence_max_, sequence);
  }
  std::function<void()> done;
  if (sequence != 0) {
    done = [weak = weak_from_this(), sequence] {
      if (const auto self = weak.lock()) self->durable(sequence);
    };
  }
  // When the inbox is full the sequence stays outstanding: nothing from it on is acknowledged before the
  // agent has said it again.
  (void)state_->brain->reported(site_, connection_, std::move(*reports), std::move(done));
}

void Attachment::durable(uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  outstanding_.erase(sequence);
  acknowledge_ = std::max(acknowledge_, outstanding_.empty() ? sequence_max_ : *outstanding_.begin() - 1);
  if (finished_ || ending_) return;
  pump();
  if (reading_paused_ && outstanding_.size() < kOutstandingMax) {
    reading_paused_ = false;
    StartRead(&in_);
  }
}

Result<uint64_t> Attachment::read_log(RunId run, uint64_t offset, bool follow, uint64_t bytes_max,
                                      std::function<void(LogPiece)> piece) {
  uint64_t request = 0;
  {
    const std::lock_guard lock(state_->mutex);
    request = state_->next_log_request++;
  }
  const std::lock_guard lock(mutex_);
  if (finished_ || ending_) return fail(ErrorCode::kUnavailable, "the site's agent is leaving", {}, "try again");
  if (logs_.size() >= state_->options.log_requests_max) {
    return fail(ErrorCode::kExhausted, "the site serves " + std::to_string(logs_.size()) + " log requests already",
                {}, "end one of them");
  }
  const LogReading& reading = logs_[request] = {run, follow, bytes_max == 0 ? UINT64_MAX : bytes_max, std::move(piece)};
  ask_log(request, reading, offset, false);
  pump();
  return request;
}

void Attachment::ask_log(uint64_t request, const LogReading& reading, uint64_t offset, bool cancel) {
  v1::LogRequest& out = log_requests_.emplace_back();
  out.set_request(request);
  out.mutable_run()->set_plan(reading.run.plan);
  out.mutable_run()->set_item(reading.run.item);
  out.set_offset(offset);
  out.set_follow(reading.follow);
  out.set_cancel(cancel);
  out.set_bytes_max(std::min(reading.bytes_left, kLogBytesAtOnce));
}

void Attachment::cancel_log(uint64_t request) {
  const std::lock_guard lock(mutex_);
  const auto it = logs_.find(request);
  if (it == logs_.end()) return;
  if (it->second.follow) ask_log(request, it->second, 0, true);
  logs_.erase(it);
  if (!finished_ && !ending_) pump();
}

void Attachment::take_log(const v1::LogChunk& chunk) {
  LogPiece piece{.offset = chunk.offset(), .data = chunk.data(), .complete = chunk.complete()};
  std::function<void(LogPiece)> tell;
  {
    const std::lock_guard lock(mutex_);
    const auto it = logs_.find(chunk.request());
    if (it == logs_.end()) return;  // cancelled
    LogReading& reading = it->second;
    // What an agent still says to an earlier brain's request of this number is not for this one's client.
    if (chunk.run().plan() != reading.run.plan || chunk.run().item() != reading.run.item) return;
    tell = reading.piece;
    if (piece.data.size() >= reading.bytes_left) piece.data.resize(reading.bytes_left);
    reading.bytes_left -= piece.data.size();
    if (!chunk.error().empty()) piece.error = Error{ErrorCode::kNotFound, chunk.error()};
    piece.last = piece.error || piece.complete || reading.bytes_left == 0 || (!reading.follow && piece.data.empty());
    if (piece.last) {
      if (reading.follow && !piece.complete && !piece.error) ask_log(chunk.request(), reading, 0, true);
      logs_.erase(it);
    } else if (!reading.follow) {
      ask_log(chunk.request(), reading, chunk.next_offset(), false);
    }
    if (!finished_ && !ending_) pump();
  }
  tell(std::move(piece));
}

void Attachment::OnDone() {
  const std::shared_ptr<Attachment> keep = std::move(self_);
  std::map<uint64_t, LogReading> logs;
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    logs.swap(logs_);
  }
  bool current = false;
  {
    const std::lock_guard lock(state_->mutex);
    --state_->open;
    const auto it = connection_ == 0 ? state_->attached.end() : state_->attached.find(site_);
    if (it != state_->attached.end() && it->second == keep) {
      state_->attached.erase(it);
      state_->contacts[site_].attached = false;
      state_->traffic.erase(site_);
      current = true;
    }
  }
  if (current) (void)state_->brain->detached(site_, connection_);
  for (auto& [request, reading] : logs) {
    LogPiece piece;
    piece.error = Error{ErrorCode::kUnavailable, "the site's agent went away", {}, "try again when it is back"};
    piece.last = true;
    reading.piece(std::move(piece));
  }
}

}  // namespace weir::agent_link
