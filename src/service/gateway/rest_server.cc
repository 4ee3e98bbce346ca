#include "service/gateway/rest_server.h"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "service/gateway/metrics.h"
#include "service/gateway/openapi.h"
#include "service/gateway/rest_routes.h"
#include "service/gateway/workers.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

constexpr size_t kLogPiecesWaitingMax = 64;
constexpr const char* kEventStream = "text/event-stream";
constexpr const char* kLines = "application/x-ndjson";

std::shared_ptr<asio::ssl::context> tls_context(const TlsIdentity& identity, error_code& error) {
  auto out = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  out->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  out->use_certificate_chain(asio::buffer(identity.chain_pem), error);
  if (!error) out->use_private_key(asio::buffer(identity.key_pem), asio::ssl::context::pem, error);
  return out;
}

std::string head(const HttpResponse& response, bool keep, bool stream) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " + std::string(http_reason(response.status)) +
                    "\r\nContent-Type: " + response.content_type + "\r\nCache-Control: " + response.cache_control + "\r\n" + response.headers;
  if (!response.allow.empty()) out += "Allow: " + response.allow + "\r\n";
  if (response.status == 401) out += "WWW-Authenticate: Bearer\r\n";
  // Of 304 the length would be that of what is not sent (RFC 9110, section 8.6).
  if (!stream && response.status != 304 && response.status != 204) out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  out += std::string("Connection: ") + (keep && !stream ? "keep-alive" : "close") + "\r\n\r\n";
  return out;
}

// g++ 12 destroys some temporaries of a co_await expression twice: whatever is built from braces is built
// before, in functions.
std::string stream_head(const char* content_type, const std::string& headers) {
  const HttpResponse response{.content_type = content_type, .headers = headers};
  return head(response, false, true);
}
HttpResponse too_many(const char* what) {
  return problem({ErrorCode::kUnavailable, what, {}, "try again in a moment"});
}
std::string error_event(const Error& error) { return "event: error\ndata: " + problem(error).body + "\n\n"; }
std::string error_line(const Error& error) { return problem(error).body + "\n"; }
std::string heartbeat_line(uint64_t offset) {
  LogPiece piece;
  piece.offset = offset;
  return log_piece_line(piece);
}
std::string too_slow() {
  return error_line({ErrorCode::kExhausted, "the reader was too slow", {}, "resume at the offset reached"});
}
HttpResponse gone() { return {503, "text/plain", {}, {}}; }

// As HttpRequest::peer: who has one address of IPv6 commonly has 2^64 of them.
std::string peer_of(const tcp::socket& socket) {
  error_code error;
  const asio::ip::address address = socket.remote_endpoint(error).address();
  if (error) return {};
  if (address.is_v4()) return address.to_string();
  if (address.to_v6().is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  asio::ip::address_v6::bytes_type bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), uint8_t{0});
  return asio::ip::address_v6(bytes).to_string() + "/64";
}

std::string text_of(boost::beast::string_view value) { return {value.data(), value.size()}; }

}  // namespace

class RestConnection;

// notify (loop thread) → post → io threads wake the streams that wait
// io threads → workers (bounded by in_flight_max and streams_max) → post → io threads: whatever may take long
struct RestServer::Impl {
  Service& service;
  const RestOptions options;
  const std::function<std::vector<Sample>()> samples;
  const std::shared_ptr<CallerBounds> bounds = std::make_shared<CallerBounds>(options.rates);
  Metrics metrics;
  // Outlive `io`: connections that are still open when it ends go with it, and take themselves out.
  std::mutex mutex;
  std::shared_ptr<asio::ssl::context> tls;
  std::set<RestConnection*> connections;
  size_t in_flight = 0, streams = 0;
  std::map<std::string, size_t> streams_of;  // by subject
  bool stopping = false;
  asio::io_context io;
  tcp::acceptor acceptor{io};
  std::vector<std::thread> threads;
  uint64_t subscription = 0;
  std::atomic<bool> waking{false};
  Workers workers;

  Impl(Service& s, const RestOptions& o, std::function<std::vector<Sample>()> more)
      : service(s),
        options(o),
        samples(std::move(more)),
        io(o.threads),
        workers(o.workers, o.in_flight_max + o.streams_max) {}

  asio::awaitable<void> accept();
  void wake_streams();
  std::vector<std::shared_ptr<RestConnection>> all();
};

class RestConnection : public std::enable_shared_from_this<RestConnection> {
 public:
  RestConnection(RestServer::Impl& server, tcp::socket socket, std::shared_ptr<asio::ssl::context> tls)
      : server_(server), tls_(std::move(tls)), peer_(peer_of(socket)), stream_(std::move(socket), *tls_), deadline_(stream_.get_executor()),
        changed_(stream_.get_executor()) {}
  ~RestConnection() {
    const std::lock_guard lock(server_.mutex);
    server_.connections.erase(this);
    server_.metrics.connections(server_.connections.size());
  }

  auto executor() { return stream_.get_executor(); }

  asio::awaitable<void> run() {
    error_code error;
    arm(server_.options.request_us_max);
    co_await stream_.async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, error));
    bool keep = !error;
    while (keep) keep = co_await exchange();
    arm(2'000'000);
    co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
    close();
  }

  void close() {
    error_code ignored;
    closed_ = true;
    deadline_.cancel();
    changed_.cancel();
    stream_.lowest_layer().close(ignored);
  }
  void close_later() {
    asio::post(executor(), [self = shared_from_this()] { self->close(); });
  }
  void wake_later() {
    asio::post(executor(), [self = shared_from_this()] {
      self->woken_ = true;
      self->changed_.cancel();
    });
  }

 private:
  void arm(int64_t us) {
    deadline_.expires_after(std::chrono::microseconds(us));
    deadline_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (error || !self || self->deadline_.expiry() > std::chrono::steady_clock::now()) return;
      if (self->streaming_) self->server_.metrics.slow_reader();
      self->close();
    });
  }

  asio::awaitable<bool> write(std::string text) {
    error_code error;
    co_await asio::async_write(stream_, asio::buffer(text), asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }

  asio::awaitable<bool> write_in_time(std::string text) {
    arm(server_.options.slow_reader_us_max);
    co_return co_await write(std::move(text));
  }

  asio::awaitable<bool> answer(HttpResponse response, bool keep) {
    server_.metrics.answered(response.status);
    // RFC 9110 section 9.3.2: what GET would answer, without its content.
    const std::string text = head(response, keep, false) + (head_only_ ? std::string() : response.body);
    co_return co_await write_in_time(text) && keep;
  }

  // One request and its answer; whether another may follow.
  asio::awaitable<bool> exchange() {
    http::request_parser<http::string_body> parser;
    parser.header_limit(server_.options.header_bytes_max);
    parser.body_limit(server_.options.body_bytes_max);
    parser.eager(true);
    error_code error;
    bool continued = false;
    arm(buffer_.empty() ? server_.options.idle_us_max : server_.options.request_us_max);
    while (!parser.is_done()) {
      if (!buffer_.empty()) {
        const size_t used = parser.put(asio::buffer(buffer_), error);
        buffer_.erase(0, used);
        if (error == http::error::need_more) error = {};
        if (error) co_return co_await refuse(error);
        if (parser.is_done()) break;
      }
      if (parser.is_header_done() && !continued && text_of(parser.get()[http::field::expect]) == "100-continue") {
        continued = true;
        std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        const bool sent = co_await write(std::move(go_on));
        if (!sent) co_return false;
      }
      const size_t got = co_await stream_.async_read_some(asio::buffer(chunk_),
                                                          asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return false;
      if (buffer_.empty() && !parser.is_header_done()) arm(server_.options.request_us_max);
      buffer_.append(chunk_.data(), got);
    }
    const auto& message = parser.get();
    const bool keep = message.keep_alive();
    HttpRequest request{.method = text_of(message.method_string()),
                        .target = text_of(message.target()),
                        .authorization = text_of(message[http::field::authorization]),
                        .content_type = text_of(message[http::field::content_type]),
                        .last_event_id = text_of(message["Last-Event-ID"]),
                        .body = message.body(),
                        .if_none_match = text_of(message[http::field::if_none_match]),
                        .accept_encoding = text_of(message[http::field::accept_encoding]),
                        .cookie = text_of(message[http::field::cookie]),
                        .origin = text_of(message[http::field::origin]),
                        .fetch_site = text_of(message["Sec-Fetch-Site"]),
                        .if_match = text_of(message[http::field::if_match]),
                        .idempotency_key = text_of(message["Idempotency-Key"]),
                        .peer = peer_};
    head_only_ = request.method == "HEAD";
    if (head_only_) request.method = "GET";
    if (request.target == "/healthz" || request.target == "/metrics") {
      HttpResponse response = request.target == "/healthz" ? health() : metrics(request);
      co_return co_await answer(std::move(response), keep);
    }
    if (auto document = openapi_answer(request)) co_return co_await answer(std::move(*document), keep);
    if (auto file = console_answer(server_.options.console, request)) co_return co_await answer(std::move(*file), keep);
    if (!enter()) {
      HttpResponse response = too_many("too many requests are being answered");
      co_return co_await answer(std::move(response), keep);
    }
    arm(server_.options.request_us_max);
    Routed routed = co_await result(std::move(request));
    leave();
    if (auto* response = std::get_if<HttpResponse>(&routed))
      co_return co_await answer(std::move(*response), keep);
    auto* events = std::get_if<EventsBegin>(&routed);
    if (head_only_) {
      std::string text = events ? stream_head(kEventStream, events->headers) : stream_head(kLines, std::get<LogsBegin>(routed).headers);
      co_await write(std::move(text));
      co_return false;
    }
    const std::string subject = actor_of(events ? events->who : std::get<LogsBegin>(routed).who);
    if (!enter_stream(subject)) {
      HttpResponse response = too_many("too many streams are open");
      co_return co_await answer(std::move(response), keep);
    }
    streaming_ = true;
    watch_client();
    if (events) {
      co_await send_events(std::move(*events));
    } else {
      co_await send_logs(std::move(std::get<LogsBegin>(routed)));
    }
    streaming_ = false;
    leave_stream(subject);
    error_code ignored;
    stream_.lowest_layer().cancel(ignored);  // watch_client
    co_return false;
  }

  // Nothing is expected of the client while a stream is written; its end is the stream's.
  void watch_client() {
    stream_.async_read_some(asio::buffer(chunk_), [self = shared_from_this()](error_code error, size_t) {
      if (!self->streaming_) return;
      if (error) return self->close();
      self->watch_client();
    });
  }

  HttpResponse refusal(error_code error) const {
    if (error == http::error::body_limit) {
      return problem({ErrorCode::kInvalid, "is larger than " + std::to_string(server_.options.body_bytes_max) + " bytes",
                      "body", "send it in several requests"}, 413);
    }
    if (error == http::error::header_limit) {
      return problem({ErrorCode::kInvalid,
                      "is larger than " + std::to_string(server_.options.header_bytes_max) + " bytes", "header"}, 431);
    }
    return problem({ErrorCode::kInvalid, "is no HTTP/1.1 request: " + error.message(), "request"});
  }

  asio::awaitable<bool> refuse(error_code error) {
    head_only_ = false;
    HttpResponse response = refusal(error);
    co_await answer(std::move(response), false);
    // What the client still sends is read and dropped, so that it sees the answer before the end.
    error_code ignored;
    for (size_t dropped = 0; dropped < (size_t{4} << 20) && !ignored;) {
      dropped += co_await stream_.async_read_some(asio::buffer(chunk_), asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return false;
  }

  // Filled by another thread; the coroutine goes on at this connection's own executor.
  template <class T>
  struct Slot {
    std::mutex mutex;
    std::optional<T> value;
  };
  template <class T>
  void fill(Slot<T>& slot, T value) {
    {
      const std::lock_guard lock(slot.mutex);
      slot.value = std::move(value);
    }
    wake_later();
  }
  // Nothing: the connection was closed meanwhile.
  template <class T>
  asio::awaitable<std::optional<T>> filled(std::shared_ptr<Slot<T>> slot) {
    while (!closed_) {
      {
        const std::lock_guard lock(slot->mutex);
        if (slot->value) co_return std::move(slot->value);
      }
      co_await wait(server_.options.request_us_max);
    }
    co_return std::nullopt;
  }

  // The answer, or the stream to begin.
  asio::awaitable<Routed> result(HttpRequest request) {
    const auto slot = std::make_shared<Slot<Routed>>();
    const bool taken = server_.workers.submit(
        [slot, weak = weak_from_this(), &service = server_.service, bounds = server_.bounds, request = std::move(request)] {
          const auto put = [slot, weak](Routed routed) {
            if (const auto self = weak.lock()) self->fill(*slot, std::move(routed));
          };
          Routed routed = route(service, request, bounds, service.ports().clock.steady_us());
          if (const auto* later = std::get_if<Answer>(&routed)) {
            later->begin([put](HttpResponse response) { put(std::move(response)); });
          } else {
            put(std::move(routed));
          }
        });
    if (!taken) {
      Routed refused = too_many("too many requests are being answered");
      co_return refused;
    }
    std::optional<Routed> routed = co_await filled(slot);
    if (routed) co_return std::move(*routed);
    Routed nothing = gone();
    co_return nothing;
  }

  // One step of reading the ledger on.
  using Events = std::shared_ptr<Result<v1::EventsResponse>>;
  asio::awaitable<Events> read_events(const EventsBegin& begin, std::shared_ptr<v1::EventsRequest> step) {
    const auto slot = std::make_shared<Slot<Events>>();
    const bool taken = server_.workers.submit([slot, weak = weak_from_this(), &service = server_.service,
                                               who = begin.who, next = begin.next, step] {
      auto events = std::make_shared<Result<v1::EventsResponse>>(service.events(who, *step, next));
      if (const auto self = weak.lock()) self->fill(*slot, std::move(events));
    });
    if (!taken) {
      co_return std::make_shared<Result<v1::EventsResponse>>(
          fail(ErrorCode::kUnavailable, "too many requests are being answered", {}, "try again in a moment"));
    }
    std::optional<Events> events = co_await filled(slot);
    co_return events ? std::move(*events) : nullptr;
  }

  // Until woken, closed, or the time has passed.
  asio::awaitable<void> wait(int64_t us) {
    error_code ignored;
    if (!woken_ && !closed_) {
      changed_.expires_after(std::chrono::microseconds(us));
      co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    woken_ = false;
  }
  // Says when something must be written again.
  class Heartbeat {
   public:
    explicit Heartbeat(int64_t us) : us_(us) {}
    void wrote() { next_ = std::chrono::steady_clock::now() + std::chrono::microseconds(us_); }
    int64_t left_us() const {
      const auto left = next_ - std::chrono::steady_clock::now();
      return std::chrono::duration_cast<std::chrono::microseconds>(left).count();
    }

   private:
    const int64_t us_;
    std::chrono::steady_clock::time_point next_;
  };

  asio::awaitable<void> send_events(EventsBegin begin) {
    Heartbeat heartbeat(server_.options.heartbeat_us);
    std::string text = stream_head(kEventStream, begin.headers) + "retry: 1000\n\n";
    bool open = co_await write_in_time(std::move(text));
    heartbeat.wrote();
    uint32_t sent = 0;
    while (open && !closed_) {
      if (const Status good = server_.service.still_good(begin.who); !good) {
        text = error_event(good.error());
        co_await write_in_time(std::move(text));
        break;
      }
      if (begin.request->limit() != 0 && sent >= begin.request->limit()) break;
      const auto step = std::make_shared<v1::EventsRequest>(*begin.request);
      if (step->limit() != 0) step->set_limit(step->limit() - sent);
      arm(server_.options.request_us_max);
      const Events events = co_await read_events(begin, step);
      if (!events) break;
      if (!*events) {
        text = error_event(events->error());
        co_await write_in_time(std::move(text));
        break;
      }
      const v1::EventsResponse& batch = **events;
      const bool moved = batch.next() > begin.next;
      begin.next = batch.next();
      sent += static_cast<uint32_t>(batch.events_size());
      if (batch.events_size() > 0) {
        text = sse_text(batch);
        open = co_await write_in_time(std::move(text));
        heartbeat.wrote();
      } else if (!moved) {
        if (!begin.request->follow()) break;
        arm(server_.options.heartbeat_us + server_.options.slow_reader_us_max);
        // What became durable since the step has woken nobody who waits only now.
        if (server_.service.brain().durable()->version() <= begin.next)
          co_await wait(std::max<int64_t>(0, heartbeat.left_us()));
      }
      if (open && !closed_ && heartbeat.left_us() <= 0) {
        text = ":\n\n";
        open = co_await write_in_time(std::move(text));
        heartbeat.wrote();
      }
    }
  }

  asio::awaitable<void> send_logs(LogsBegin begin) {
    struct Pieces {
      std::mutex mutex;
      std::deque<LogPiece> waiting;
      bool overflow = false;
    };
    const auto pieces = std::make_shared<Pieces>();
    const auto cancel = server_.service.logs(begin.who, *begin.request, [pieces, weak = weak_from_this()](LogPiece piece) {
      {
        const std::lock_guard lock(pieces->mutex);
        if (pieces->waiting.size() >= kLogPiecesWaitingMax) pieces->overflow = true;
        if (!pieces->overflow) pieces->waiting.push_back(std::move(piece));
      }
      if (const auto self = weak.lock()) self->wake_later();
    });
    if (!cancel) {
      HttpResponse response = problem(cancel.error());
      co_await answer(std::move(response), false);
      co_return;
    }
    Heartbeat heartbeat(server_.options.heartbeat_us);
    uint64_t reached = begin.request->offset();
    std::string text = stream_head(kLines, begin.headers);
    bool open = co_await write_in_time(std::move(text));
    heartbeat.wrote();
    while (open && !closed_) {
      std::deque<LogPiece> batch;
      bool overflow = false;
      {
        const std::lock_guard lock(pieces->mutex);
        batch.swap(pieces->waiting);
        overflow = pieces->overflow;
      }
      if (const Status good = server_.service.still_good(begin.who); !good) {
        text = error_line(good.error());
        co_await write_in_time(std::move(text));
        break;
      }
      for (LogPiece& piece : batch) {
        if (!open) break;
        reached = piece.offset + piece.data.size();
        text = log_piece_line(piece);
        open = co_await write_in_time(std::move(text));
        heartbeat.wrote();
        open = open && !piece.last;
      }
      if (open && overflow) {
        text = too_slow();
        co_await write_in_time(std::move(text));
        open = false;
      }
      if (open && batch.empty()) {
        arm(server_.options.heartbeat_us + server_.options.slow_reader_us_max);
        co_await wait(std::max<int64_t>(0, heartbeat.left_us()));
      }
      if (open && !closed_ && heartbeat.left_us() <= 0) {
        text = heartbeat_line(reached);
        open = co_await write_in_time(std::move(text));
        heartbeat.wrote();
      }
    }
    (*cancel)();
  }

  HttpResponse health() const {
    return {200, "application/json", "{\"version\":" + std::to_string(server_.service.brain().durable()->version()) + "}", {}};
  }
  HttpResponse metrics(const HttpRequest& request) const {
    const auto who = server_.service.authenticate(request.authorization);
    if (!who) return problem(who.error(), 401);
    if (who->role != policy::Role::kOperator) {
      return problem({ErrorCode::kDenied, "needs the role operator", "/metrics"});
    }
    return {200, "text/plain; version=0.0.4", server_.metrics.text(server_.samples ? server_.samples() : std::vector<Sample>{}), {}};
  }
  bool enter() {
    const std::lock_guard lock(server_.mutex);
    if (server_.in_flight >= server_.options.in_flight_max) return false;
    ++server_.in_flight;
    return true;
  }
  void leave() {
    const std::lock_guard lock(server_.mutex);
    --server_.in_flight;
  }
  bool enter_stream(const std::string& subject) {
    const std::lock_guard lock(server_.mutex);
    const auto of = server_.streams_of.find(subject);
    if (server_.streams >= server_.options.streams_max) return false;
    if (of != server_.streams_of.end() && of->second >= server_.options.streams_per_subject_max) return false;
    ++server_.streams;
    ++server_.streams_of[subject];
    server_.metrics.streams(server_.streams);
    return true;
  }
  void leave_stream(const std::string& subject) {
    const std::lock_guard lock(server_.mutex);
    --server_.streams;
    if (--server_.streams_of[subject] == 0) server_.streams_of.erase(subject);
    server_.metrics.streams(server_.streams);
  }

  RestServer::Impl& server_;
  const std::shared_ptr<asio::ssl::context> tls_;
  const std::string peer_;
  asio::ssl::stream<tcp::socket> stream_;
  asio::steady_timer deadline_;
  asio::steady_timer changed_;
  std::string buffer_;
  std::array<char, 16384> chunk_;
  bool woken_ = false, closed_ = false, streaming_ = false, head_only_ = false;
};

asio::awaitable<void> RestServer::Impl::accept() {
  for (;;) {
    error_code error;
    tcp::socket socket(asio::make_strand(io));
    co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (!acceptor.is_open()) co_return;
    if (error) {  // out of descriptors: others must end first
      asio::steady_timer pause(io, std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    std::shared_ptr<RestConnection> connection;
    {
      const std::lock_guard lock(mutex);
      if (stopping || connections.size() >= options.connections_max) {
        metrics.answered(503);
        continue;  // the socket closes
      }
      socket.set_option(tcp::no_delay(true), error);
      connection = std::make_shared<RestConnection>(*this, std::move(socket), tls);
      connections.insert(connection.get());
      metrics.connections(connections.size());
    }
    asio::co_spawn(connection->executor(), [connection]() { return connection->run(); }, asio::detached);
  }
}

std::vector<std::shared_ptr<RestConnection>> RestServer::Impl::all() {
  std::vector<std::shared_ptr<RestConnection>> out;
  const std::lock_guard lock(mutex);
  for (RestConnection* connection : connections) {
    if (auto shared = connection->weak_from_this().lock()) out.push_back(std::move(shared));
  }
  return out;
}

void RestServer::Impl::wake_streams() {
  if (waking.exchange(true)) return;
  asio::post(io, [this] {
    waking = false;
    for (const auto& connection : all()) connection->wake_later();
  });
}

RestServer::RestServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RestServer::~RestServer() { stop(); }
int RestServer::port() const { return impl_->acceptor.local_endpoint().port(); }

Result<std::unique_ptr<RestServer>> RestServer::open(Service& service, const RestOptions& options,
                                                     const TlsIdentity& identity,
                                                     std::function<std::vector<Sample>()> samples) {
  auto impl = std::make_unique<Impl>(service, options, std::move(samples));
  error_code error;
  impl->tls = tls_context(identity, error);
  if (error) return fail(ErrorCode::kInvalid, "the identity cannot be used: " + error.message(), "REST");
  const size_t colon = options.listen.rfind(':');
  std::string host = options.listen.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  uint64_t port = 0;
  for (const char c : colon == std::string::npos ? std::string("x") : options.listen.substr(colon + 1)) {
    port = c < '0' || c > '9' || port > 65535 ? 65536 : port * 10 + static_cast<uint64_t>(c - '0');
  }
  if (error || port > 65535) {
    return fail(ErrorCode::kInvalid, "is not ADDRESS:PORT", options.listen, "write it like 127.0.0.1:7480");
  }
  const tcp::endpoint endpoint(address, static_cast<uint16_t>(port));
  impl->acceptor.open(endpoint.protocol(), error);
  if (!error) impl->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) impl->acceptor.bind(endpoint, error);
  if (!error) impl->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return fail(error == asio::error::address_in_use ? ErrorCode::kConflict : ErrorCode::kInvalid,
                "cannot listen: " + error.message(), options.listen,
                "choose another with --rest, or end the other process (ss -ltnp shows it)");
  }
  std::unique_ptr<RestServer> out(new RestServer(std::move(impl)));
  Impl& server = *out->impl_;
  server.subscription = service.brain().subscribe([&server](Position) { server.wake_streams(); });
  asio::co_spawn(server.io, [&server] { return server.accept(); }, asio::detached);
  for (int i = 0; i < options.threads; ++i) server.threads.emplace_back([&server] { server.io.run(); });
  return out;
}

void RestServer::renew(const TlsIdentity& identity) {
  error_code error;
  auto tls = tls_context(identity, error);
  const std::lock_guard lock(impl_->mutex);
  if (!error) impl_->tls = std::move(tls);
}

void RestServer::stop() {
  if (impl_->threads.empty()) return;
  impl_->service.brain().unsubscribe(impl_->subscription);
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  asio::post(impl_->io, [this] {
    error_code ignored;
    impl_->acceptor.close(ignored);
  });
  for (const auto& connection : impl_->all()) connection->close_later();
  for (std::thread& thread : impl_->threads) thread.join();
  impl_->threads.clear();
}

}  // namespace weir::gateway
