#include "service/gateway/rest_server.h"

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

#include <array>
#include <deque>
#include <list>
#include <mutex>
#include <set>
#include <thread>

#include "service/gateway/metrics.h"
#include "service/gateway/rest_routes.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

constexpr int64_t kHeartbeat_us = 15'000'000;
constexpr size_t kLogPiecesWaitingMax = 64;

std::shared_ptr<asio::ssl::context> tls_context(const TlsIdentity& identity, error_code& error) {
  auto out = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  out->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  out->use_certificate_chain(asio::buffer(identity.chain_pem), error);
  if (!error) out->use_private_key(asio::buffer(identity.key_pem), asio::ssl::context::pem, error);
  return out;
}

std::string head(const HttpResponse& response, bool keep, bool stream) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " + std::string(http_reason(response.status)) +
                    "\r\nContent-Type: " + response.content_type + "\r\nCache-Control: no-store\r\n";
  if (!response.allow.empty()) out += "Allow: " + response.allow + "\r\n";
  if (response.status == 401) out += "WWW-Authenticate: Bearer\r\n";
  if (!stream) out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  out += std::string("Connection: ") + (keep && !stream ? "keep-alive" : "close") + "\r\n\r\n";
  return out;
}

// g++ 12 destroys some temporaries of a co_await expression twice: whatever is built from braces is built
// before, in functions.
std::string stream_head(const char* content_type) {
  const HttpResponse response{200, content_type, {}, {}};
  return head(response, false, true);
}
HttpResponse too_many(const char* what) {
  return problem({ErrorCode::kUnavailable, what, {}, "try again in a moment"});
}
std::string too_slow() {
  return problem({ErrorCode::kExhausted, "the reader was too slow", {}, "resume at the offset reached"}).body + "\n";
}
HttpResponse gone() { return {503, "text/plain", {}, {}}; }

std::string text_of(boost::beast::string_view value) { return {value.data(), value.size()}; }

}  // namespace

class RestConnection;

// notify (loop thread) → post → io threads wake the streams that wait
struct RestServer::Impl {
  Service& service;
  const RestOptions options;
  const std::function<std::vector<Sample>()> samples;
  Metrics metrics;
  asio::io_context io;
  tcp::acceptor acceptor{io};
  std::vector<std::thread> threads;
  uint64_t subscription = 0;
  std::atomic<bool> waking{false};

  std::mutex mutex;
  std::shared_ptr<asio::ssl::context> tls;
  std::set<RestConnection*> connections;
  size_t in_flight = 0, streams = 0;
  bool stopping = false;

  Impl(Service& s, const RestOptions& o, std::function<std::vector<Sample>()> more)
      : service(s), options(o), samples(std::move(more)), io(o.threads) {}

  asio::awaitable<void> accept();
  void wake_streams();
  std::vector<std::shared_ptr<RestConnection>> all();
};

class RestConnection : public std::enable_shared_from_this<RestConnection> {
 public:
  RestConnection(RestServer::Impl& server, tcp::socket socket, std::shared_ptr<asio::ssl::context> tls)
      : server_(server), tls_(std::move(tls)), stream_(std::move(socket), *tls_), deadline_(stream_.get_executor()),
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

  asio::awaitable<bool> answer(HttpResponse response, bool keep) {
    server_.metrics.answered(response.status);
    arm(server_.options.slow_reader_us_max);
    const std::string text = head(response, keep, false) + response.body;
    co_return co_await write(text) && keep;
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
                        .body = message.body()};
    if (request.target == "/healthz" || request.target == "/metrics") {
      HttpResponse response = request.target == "/healthz" ? health() : metrics(request);
      co_return co_await answer(std::move(response), keep);
    }
    Routed routed = route(server_.service, request);
    if (auto* response = std::get_if<HttpResponse>(&routed)) co_return co_await answer(std::move(*response), keep);
    if (auto* later = std::get_if<Answer>(&routed)) {
      if (!enter(server_.in_flight, server_.options.in_flight_max)) {
        HttpResponse response = too_many("too many requests are being answered");
        co_return co_await answer(std::move(response), keep);
      }
      arm(server_.options.request_us_max);
      HttpResponse response = co_await result(std::move(later->begin));
      leave(server_.in_flight);
      co_return co_await answer(std::move(response), keep);
    }
    if (!enter(server_.streams, server_.options.streams_max)) {
      HttpResponse response = too_many("too many streams are open");
      co_return co_await answer(std::move(response), keep);
    }
    streaming_ = true;
    if (auto* events = std::get_if<EventsBegin>(&routed)) {
      co_await send_events(std::move(*events));
    } else {
      co_await send_logs(std::move(std::get<LogsBegin>(routed)));
    }
    streaming_ = false;
    leave(server_.streams);
    co_return false;
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
    HttpResponse response = refusal(error);
    co_await answer(std::move(response), false);
    // What the client still sends is read and dropped, so that it sees the answer before the end.
    error_code ignored;
    for (size_t dropped = 0; dropped < (size_t{4} << 20) && !ignored;) {
      dropped += co_await stream_.async_read_some(asio::buffer(chunk_), asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return false;
  }

  // The loop's threads answer; the coroutine goes on at this connection's own executor.
  asio::awaitable<HttpResponse> result(std::function<void(std::function<void(HttpResponse)>)> begin) {
    struct Slot {
      std::mutex mutex;
      std::optional<HttpResponse> response;
    };
    const auto slot = std::make_shared<Slot>();
    begin([slot, weak = weak_from_this()](HttpResponse response) {
      {
        const std::lock_guard lock(slot->mutex);
        slot->response = std::move(response);
      }
      if (const auto self = weak.lock()) self->wake_later();
    });
    for (;;) {
      {
        const std::lock_guard lock(slot->mutex);
        if (slot->response) co_return std::move(*slot->response);
      }
      if (closed_) {
        HttpResponse response = gone();
        co_return response;
      }
      co_await wait(server_.options.request_us_max);
    }
  }

  // Until woken, closed, or the time has passed: then true.
  asio::awaitable<bool> wait(int64_t us) {
    error_code woken = asio::error::operation_aborted;
    if (!woken_ && !closed_) {
      changed_.expires_after(std::chrono::microseconds(us));
      co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    woken_ = false;
    co_return !woken;
  }

  asio::awaitable<void> send_events(EventsBegin begin) {
    arm(server_.options.slow_reader_us_max);
    std::string text = stream_head("text/event-stream") + "retry: 1000\n\n";
    bool open = co_await write(std::move(text));
    uint32_t sent = 0;
    while (open && !closed_) {
      v1::EventsRequest step = *begin.request;
      if (step.limit() != 0) {
        if (sent >= step.limit()) break;
        step.set_limit(step.limit() - sent);
      }
      woken_ = false;
      const auto events = server_.service.events(begin.who, step, begin.next);
      arm(server_.options.slow_reader_us_max);
      if (!events) {
        text = "event: error\ndata: " + problem(events.error()).body + "\n\n";
        open = co_await write(std::move(text));
        break;
      }
      const bool moved = events->next() > begin.next;
      begin.next = events->next();
      sent += static_cast<uint32_t>(events->events_size());
      if (events->events_size() > 0) {
        text = sse_text(*events);
        open = co_await write(std::move(text));
      } else if (!moved) {
        if (!begin.request->follow()) break;
        arm(2 * kHeartbeat_us);
        const bool quiet = co_await wait(kHeartbeat_us);
        arm(server_.options.slow_reader_us_max);
        if (quiet && !closed_) {
          text = ":\n\n";
          open = co_await write(std::move(text));
        }
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
    arm(server_.options.slow_reader_us_max);
    std::string text = stream_head("application/x-ndjson");
    bool open = co_await write(std::move(text));
    while (open && !closed_) {
      std::deque<LogPiece> batch;
      bool overflow = false;
      {
        const std::lock_guard lock(pieces->mutex);
        batch.swap(pieces->waiting);
        overflow = pieces->overflow;
      }
      for (LogPiece& piece : batch) {
        arm(server_.options.slow_reader_us_max);
        if (!open) break;
        text = log_piece_line(piece);
        open = co_await write(std::move(text));
        open = open && !piece.last;
      }
      if (open && overflow) {
        text = too_slow();
        co_await write(std::move(text));
        open = false;
      }
      if (open && batch.empty()) {
        arm(2 * kHeartbeat_us);
        co_await wait(kHeartbeat_us);
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
  bool enter(size_t& count, size_t most) {
    const std::lock_guard lock(server_.mutex);
    if (count >= most) return false;
    ++count;
    server_.metrics.streams(server_.streams);
    return true;
  }
  void leave(size_t& count) {
    const std::lock_guard lock(server_.mutex);
    --count;
    server_.metrics.streams(server_.streams);
  }

  RestServer::Impl& server_;
  const std::shared_ptr<asio::ssl::context> tls_;
  asio::ssl::stream<tcp::socket> stream_;
  asio::steady_timer deadline_;
  asio::steady_timer changed_;
  std::string buffer_;
  std::array<char, 16384> chunk_;
  bool woken_ = false, closed_ = false, streaming_ = false;
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
