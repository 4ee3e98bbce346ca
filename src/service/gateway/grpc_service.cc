#include "service/gateway/grpc_service.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "service/gateway/names.h"
#include "service/gateway/views.h"
#include "service/gateway/workers.h"
#include "weir/v1/service.grpc.pb.h"

namespace weir::gateway {
namespace {

constexpr size_t kLogPiecesWaitingMax = 64;
constexpr int kStepsAtOnceMax = 4;  // of one stream, before the others have their turn

grpc::StatusCode status_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::kNotFound: return grpc::StatusCode::NOT_FOUND;
    case ErrorCode::kConflict: return grpc::StatusCode::ABORTED;
    case ErrorCode::kDenied: return grpc::StatusCode::PERMISSION_DENIED;
    case ErrorCode::kInfeasible: return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorCode::kExhausted: return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::kUnavailable: return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::kUnsupported: return grpc::StatusCode::UNIMPLEMENTED;
    case ErrorCode::kCorrupt: return grpc::StatusCode::DATA_LOSS;
    case ErrorCode::kInternal: return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

grpc::Status status_of(const Error& error) {
  v1::ErrorDetail detail;
  put_value(error, detail);
  return {status_code(error.code), error.text(), detail.SerializeAsString()};
}

Result<Caller> caller(const Service& service, const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto it = metadata.find("authorization");
  if (it == metadata.end()) {
    return fail(ErrorCode::kDenied, "the request carries no token", "metadata authorization", "send Bearer TOKEN");
  }
  return service.authenticate({it->second.data(), it->second.size()});
}

// Steps streams by a thread of its own, so that neither the loop's thread nor gRPC's read the ledger:
//   loop (notify), gRPC (write done) -> woken streams -> feeder
// Calls are answered by workers: gRPC's threads also carry the agents' links.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void step() = 0;
  virtual void stop(const Error& why) = 0;
  virtual std::string subject() const = 0;
};

class Feeder {
 public:
  Feeder(Brain& brain, const GrpcLimits& limits) : brain_(brain), limits_(limits) {
    subscription_ = brain_.subscribe([this](Position) {
      const std::lock_guard lock(mutex_);
      all_ = true;
      woken_.notify_one();
    });
    thread_ = std::thread([this] { run(); });
  }
  ~Feeder() {
    brain_.unsubscribe(subscription_);
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    woken_.notify_one();
    thread_.join();
  }
  // False: no room, or stopping.
  bool add(const std::shared_ptr<Stream>& stream) {
    const std::lock_guard lock(mutex_);
    if (stopping_ || streams_.size() >= limits_.streams_max) return false;
    size_t& of_subject = streams_of_[stream->subject()];
    if (of_subject >= limits_.streams_per_subject_max) return false;
    ++of_subject;
    streams_.insert(stream);
    queue_.push_back(stream);
    woken_.notify_one();
    return true;
  }
  void wake(std::shared_ptr<Stream> stream) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(stream));
    woken_.notify_one();
  }
  void remove(const std::shared_ptr<Stream>& stream) {
    const std::lock_guard lock(mutex_);
    if (streams_.erase(stream) == 0) return;
    if (--streams_of_[stream->subject()] == 0) streams_of_.erase(stream->subject());
  }
  void stop() {
    std::set<std::shared_ptr<Stream>> streams;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      streams = streams_;
    }
    for (const auto& stream : streams) stream->stop({ErrorCode::kUnavailable, "the brain is stopping", {}, "resume at `next`"});
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!ended_) {
      // The timeout finds slow readers and expired tokens.
      woken_.wait_for(lock, std::chrono::seconds(1), [this] { return ended_ || all_ || !queue_.empty(); });
      std::vector<std::shared_ptr<Stream>> batch;
      if (all_ || queue_.empty()) {
        batch.assign(streams_.begin(), streams_.end());
        all_ = false;
      } else {
        batch.assign(queue_.begin(), queue_.end());
      }
      queue_.clear();
      lock.unlock();
      for (const auto& stream : batch) stream->step();
      batch.clear();
      lock.lock();
    }
  }

  Brain& brain_;
  const GrpcLimits limits_;
  uint64_t subscription_ = 0;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::set<std::shared_ptr<Stream>> streams_;
  std::map<std::string, size_t> streams_of_;  // by subject
  std::deque<std::shared_ptr<Stream>> queue_;
  bool all_ = false, stopping_ = false, ended_ = false;
  std::thread thread_;
};

template <class Message>
class StreamReactor : public grpc::ServerWriteReactor<Message>,
                      public Stream,
                      public std::enable_shared_from_this<StreamReactor<Message>> {
 public:
  StreamReactor(Feeder& feeder, Service& service, Caller who, int64_t slow_reader_us_max)
      : feeder_(feeder),
        service_(service),
        who_(std::move(who)),
        clock_(service.ports().clock),
        slow_reader_us_max_(slow_reader_us_max) {}

  std::string subject() const override { return actor_of(who_); }
  void begin(const Status& admitted) {
    self_ = this->shared_from_this();
    if (!admitted) return stop(admitted.error());
    this->StartSendInitialMetadata();  // whoever follows knows now that nothing from here on is missed
    if (!feeder_.add(self_)) stop({ErrorCode::kExhausted, "too many streams are open", {}, "end one, or try later"});
  }
  void step() override {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    if (const Status good = service_.still_good(who_); !good) return finish(good.error());
    if (writing_) {
      if (clock_.steady_us() - since_us_ > slow_reader_us_max_) {
        finish({ErrorCode::kExhausted, "the reader was too slow: a message waited for " +
                                           std::to_string(slow_reader_us_max_ / 1'000'000) + " s",
                {}, "resume at `next`, and read faster"});
      }
      return;
    }
    out_.Clear();
    switch (fill(out_)) {
      case Fill::kNothing: return;
      case Fill::kAgain:
        return feeder_.wake(this->shared_from_this());
      case Fill::kMore:
        writing_ = true;
        since_us_ = clock_.steady_us();
        this->StartWrite(&out_);
        return;
      case Fill::kEnd:
        finished_ = true;
        this->Finish(end_ ? status_of(*end_) : grpc::Status::OK);
        return;
    }
  }
  void stop(const Error& why) override {
    const std::lock_guard lock(mutex_);
    finish(why);
  }
  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      if (!ok) finish({ErrorCode::kUnavailable, "the stream broke"});
    }
    feeder_.wake(this->shared_from_this());
  }
  void OnCancel() override { stop({ErrorCode::kUnavailable, "cancelled"}); }
  void OnDone() override {
    const auto keep = std::move(self_);
    closed();
    feeder_.remove(keep);
  }

 protected:
  enum class Fill { kNothing, kAgain, kMore, kEnd };
  virtual Fill fill(Message& out) = 0;  // under mutex_
  virtual void closed() {}

  Feeder& feeder_;
  Service& service_;
  const Caller who_;
  Clock& clock_;
  std::mutex mutex_;
  std::optional<Error> end_;

 private:
  void finish(const Error& why) {
    if (finished_) return;
    finished_ = true;
    this->Finish(status_of(why));
  }
  const int64_t slow_reader_us_max_;
  std::shared_ptr<Stream> self_;
  Message out_;
  int64_t since_us_ = 0;
  bool writing_ = false, finished_ = false;
};

class EventStream final : public StreamReactor<v1::EventsResponse> {
 public:
  EventStream(Feeder& feeder, Service& service, Caller who, const v1::EventsRequest& request, int64_t slow_us)
      : StreamReactor(feeder, service, std::move(who), slow_us), request_(request) {
    next_ = request.tail() ? service.brain().durable()->version() : request.from();
  }

 private:
  Fill fill(v1::EventsResponse& out) override {
    for (int steps = 0; steps < kStepsAtOnceMax; ++steps) {
      if (request_.limit() != 0 && sent_ >= request_.limit()) return Fill::kEnd;
      v1::EventsRequest step = request_;
      if (request_.limit() != 0) step.set_limit(request_.limit() - sent_);
      auto events = service_.events(who_, step, next_);
      if (!events) {
        end_ = events.error();
        return Fill::kEnd;
      }
      const bool moved = events->next() > next_;
      next_ = events->next();
      if (events->events_size() > 0) {
        sent_ += static_cast<uint32_t>(events->events_size());
        out = std::move(*events);
        return Fill::kMore;
      }
      if (!moved) return request_.follow() ? Fill::kNothing : Fill::kEnd;
    }
    return Fill::kAgain;
  }

  const v1::EventsRequest request_;
  Position next_ = 0;
  uint32_t sent_ = 0;
};

class LogStream final : public StreamReactor<v1::LogsResponse> {
 public:
  using StreamReactor::StreamReactor;

  Status open(const v1::LogsRequest& request) {
    const std::weak_ptr<StreamReactor> weak = weak_from_this();
    auto cancel = service_.logs(who_, request, [weak](LogPiece piece) {
      if (const auto self = weak.lock()) static_cast<LogStream&>(*self).take(std::move(piece));
    });
    if (!cancel) return tl::unexpected(cancel.error());
    cancel_ = std::move(*cancel);
    return {};
  }
  void take(LogPiece piece) {
    {
      const std::lock_guard lock(mutex_);
      if (end_) return;  // nothing after a gap
      if (waiting_.size() >= kLogPiecesWaitingMax) {
        end_ = Error{ErrorCode::kExhausted, "the reader was too slow", {}, "resume at the offset reached"};
        return;
      }
      waiting_.push_back(std::move(piece));
    }
    feeder_.wake(shared_from_this());
  }

 private:
  Fill fill(v1::LogsResponse& out) override {
    while (!waiting_.empty()) {
      LogPiece piece = std::move(waiting_.front());
      waiting_.pop_front();
      if (piece.error) {
        end_ = piece.error;
        return Fill::kEnd;
      }
      ended_ = piece.last;
      if (piece.data.empty() && !piece.complete) continue;
      out.set_offset(piece.offset);
      out.set_data(std::move(piece.data));
      out.set_complete(piece.complete);
      return Fill::kMore;
    }
    return end_ || ended_ ? Fill::kEnd : Fill::kNothing;
  }
  void closed() override {
    if (cancel_) cancel_();
  }

  std::deque<LogPiece> waiting_;
  std::function<void()> cancel_;
  bool ended_ = false;
};

using Handlers = gateway::Service;  // in Calls, Service is the generated one

class Calls final : public v1::Weir::CallbackService {
 public:
  Calls(Handlers& service, GrpcLimits limits)
      : service_(service),
        limits_(limits),
        feeder_(service.brain(), limits),
        workers_(limits.workers, limits.in_flight_max) {}

  void stop() { feeder_.stop(); }

  template <class T>
  using Callback = Handlers::Reply<T>;
  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;

  Reactor* Apply(Context* c, const v1::ApplyRequest* q, v1::ApplyResponse* r) override {
    return change(c, q, r, &Handlers::apply);
  }
  Reactor* Delete(Context* c, const v1::DeleteRequest* q, v1::DeleteResponse* r) override {
    return change(c, q, r, &Handlers::remove);
  }
  Reactor* Drain(Context* c, const v1::DrainRequest* q, v1::DrainResponse* r) override {
    return change(c, q, r, &Handlers::drain);
  }
  Reactor* Undrain(Context* c, const v1::UndrainRequest* q, v1::UndrainResponse* r) override {
    return change(c, q, r, &Handlers::undrain);
  }
  Reactor* Cordon(Context* c, const v1::CordonRequest* q, v1::CordonResponse* r) override {
    return change(c, q, r, &Handlers::cordon);
  }
  Reactor* Uncordon(Context* c, const v1::UncordonRequest* q, v1::UncordonResponse* r) override {
    return change(c, q, r, &Handlers::uncordon);
  }
  Reactor* RevokeSite(Context* c, const v1::RevokeSiteRequest* q, v1::RevokeSiteResponse* r) override {
    return change(c, q, r, &Handlers::revoke_site);
  }
  Reactor* IssueToken(Context* c, const v1::IssueTokenRequest* q, v1::IssueTokenResponse* r) override {
    return change(c, q, r, &Handlers::issue_token);
  }
  Reactor* RevokeToken(Context* c, const v1::RevokeTokenRequest* q, v1::RevokeTokenResponse* r) override {
    return change(c, q, r, &Handlers::revoke_token);
  }
  Reactor* Get(Context* c, const v1::GetRequest* q, v1::GetResponse* r) override { return read(c, q, r, &Handlers::get); }
  Reactor* List(Context* c, const v1::ListRequest* q, v1::ListResponse* r) override {
    return read(c, q, r, &Handlers::list);
  }
  Reactor* Explain(Context* c, const v1::ExplainRequest* q, v1::ExplainResponse* r) override {
    return read(c, q, r, &Handlers::explain);
  }
  Reactor* Ask(Context* c, const v1::AskRequest* q, v1::AskResponse* r) override { return read(c, q, r, &Handlers::ask); }
  Reactor* RecordDialogue(Context* c, const v1::RecordDialogueRequest* q, v1::RecordDialogueResponse* r) override {
    return change(c, q, r, &Handlers::record_dialogue);
  }
  Reactor* Rate(Context* c, const v1::RateRequest* q, v1::RateResponse* r) override { return change(c, q, r, &Handlers::rate); }
  Reactor* Bill(Context* c, const v1::BillRequest* q, v1::BillResponse* r) override {
    return read(c, q, r, &Handlers::bill);
  }
  Reactor* WhoAmI(Context* c, const v1::WhoAmIRequest* q, v1::WhoAmIResponse* r) override { return read(c, q, r, &Handlers::who_am_i); }
  Reactor* LedgerHead(Context* c, const v1::LedgerHeadRequest* q, v1::LedgerHeadResponse* r) override {
    return read(c, q, r, &Handlers::ledger_head);
  }
  Reactor* LedgerProof(Context* c, const v1::LedgerProofRequest* q, v1::LedgerProofResponse* r) override {
    return read(c, q, r, &Handlers::ledger_proof);
  }
  Reactor* AddWebhook(Context* c, const v1::AddWebhookRequest* q, v1::AddWebhookResponse* r) override {
    return read(c, q, r, &Handlers::add_webhook);
  }
  Reactor* ListWebhooks(Context* c, const v1::ListWebhooksRequest* q, v1::ListWebhooksResponse* r) override {
    return read(c, q, r, &Handlers::list_webhooks);
  }
  Reactor* RemoveWebhook(Context* c, const v1::RemoveWebhookRequest* q, v1::RemoveWebhookResponse* r) override {
    return read(c, q, r, &Handlers::remove_webhook);
  }
  grpc::ServerWriteReactor<v1::EventsResponse>* Events(Context* context, const v1::EventsRequest* request) override {
    const auto who = caller(service_, *context);
    const auto stream = std::make_shared<EventStream>(feeder_, service_, who ? *who : Caller{}, *request,
                                                      limits_.slow_reader_us_max);
    stream->begin(who ? service_.check_events(*who, *request) : tl::unexpected(who.error()));
    return stream.get();
  }
  grpc::ServerWriteReactor<v1::LogsResponse>* Logs(Context* context, const v1::LogsRequest* request) override {
    const auto who = caller(service_, *context);
    const auto stream =
        std::make_shared<LogStream>(feeder_, service_, who ? *who : Caller{}, limits_.slow_reader_us_max);
    stream->begin(who ? stream->open(*request) : tl::unexpected(who.error()));
    return stream.get();
  }

 private:
  template <class Request, class Response>
  Reactor* change(Context* context, const Request* request, Response* response,
                  void (Handlers::*handler)(const policy::Principal&, const Request&, Callback<Response>)) {
    return answer(context, [&service = service_, request, response, handler](Reactor* reactor, const Caller& who) {
      (service.*handler)(who, *request, [reactor, response](Result<Response> answer) {
        finish(reactor, response, std::move(answer));
      });
    });
  }
  template <class Request, class Response, class Who>
  Reactor* read(Context* context, const Request* request, Response* response, Result<Response> (Handlers::*handler)(const Who&, const Request&)) {
    return answer(context, [&service = service_, request, response, handler](Reactor* reactor, const Caller& who) {
      finish(reactor, response, (service.*handler)(who, *request));
    });
  }
  // The request and the response live until the reactor has finished.
  Reactor* answer(Context* context, std::function<void(Reactor*, const Caller&)> work) {
    Reactor* reactor = context->DefaultReactor();
    auto who = caller(service_, *context);
    if (!who) {
      reactor->Finish(status_of(who.error()));
    } else if (!workers_.submit(
                   [reactor, who = std::move(*who), work = std::move(work)] { work(reactor, who); })) {
      reactor->Finish(status_of(
          {ErrorCode::kUnavailable, "too many requests are being answered", {}, "try again in a moment"}));
    }
    return reactor;
  }
  template <class Response>
  static void finish(Reactor* reactor, Response* response, Result<Response> answer) {
    if (!answer) return reactor->Finish(status_of(answer.error()));
    *response = std::move(*answer);
    reactor->Finish(grpc::Status::OK);
  }

  Handlers& service_;
  const GrpcLimits limits_;
  Feeder feeder_;
  Workers workers_;
};

}  // namespace

struct GrpcService::Impl {
  Calls calls;
};

GrpcService::GrpcService(Service& service, GrpcLimits limits) : impl_(new Impl{{service, limits}}) {}
GrpcService::~GrpcService() = default;
grpc::Service& GrpcService::service() { return impl_->calls; }
void GrpcService::stop() { impl_->calls.stop(); }

}  // namespace weir::gateway
