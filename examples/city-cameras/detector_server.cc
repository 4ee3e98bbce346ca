#include "city-cameras/detector_server.h"

#include <time.h>

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "city-cameras/watchdog.h"

namespace city_cameras {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kHeaderBytesMax = 8192;
constexpr std::size_t kDiscardBytesMax = 8u << 20;
constexpr std::chrono::milliseconds kDiscardTime{1'000};

std::int64_t since_us(Clock::time_point from) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - from).count();
}

std::int64_t thread_cpu_us() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1'000;
}

struct Reply {
  http::status status = http::status::ok;
  std::string body;
  std::string header = {};  // whole lines
  bool close = false;
};

Reply refusal(http::status status, std::string_view reason, bool close = false) {
  return {status, error_json(reason), {}, close};
}

std::string encode(const Reply& reply) {
  const auto reason = http::obsolete_reason(reply.status);
  std::string out = "HTTP/1.1 " + std::to_string(static_cast<unsigned>(reply.status)) + " ";
  out.append(reason.data(), reason.size());
  out += "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(reply.body.size()) +
         "\r\n" + reply.header + (reply.close ? "Connection: close\r\n" : "") + "\r\n" + reply.body;
  return out;
}

struct Session {
  explicit Session(tcp::socket accepted) : socket(std::move(accepted)), watchdog(socket) {}
  tcp::socket socket;
  Watchdog watchdog;
  bool idle = true;
  std::string unread;  // bytes received beyond the requests parsed so far
};

// One frame on its way through the worker. `done` is cancelled on the network thread when it is finished.
struct Job {
  Job(std::string frame, const asio::any_io_executor& executor) : jpeg(std::move(frame)), done(executor) {}
  std::string jpeg;
  Clock::time_point queued_at = Clock::now();
  asio::steady_timer done;
  Answer answer;
  std::string refused;
};

}  // namespace

class DetectorServer::Impl {
 public:
  Impl(const ServerOptions& options, DetectFunction detect)
      : options_(options),
        detect_(std::move(detect)),
        signals_(io_),
        acceptor_(io_),
        accept_pause_(io_),
        grace_(io_) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      quit_ = true;
      queue_.clear();
    }
    wake_.notify_one();
    if (worker_.joinable()) worker_.join();
  }

  Result<void> open() {
    error_code code;
    const auto address = asio::ip::make_address(options_.address, code);
    if (code) {
      return tl::unexpected("\"" + options_.address +
                            "\" is not an IP address; give --address or WEIR_ADDRESS");
    }
    const tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), code);
    if (!code) acceptor_.set_option(tcp::acceptor::reuse_address(true), code);
    if (!code) acceptor_.bind(endpoint, code);
    if (!code) acceptor_.listen(asio::socket_base::max_listen_connections, code);
    if (code) {
      return tl::unexpected("cannot listen on [" + options_.address + "]:" + std::to_string(options_.port) +
                            ": " + code.message() + "; choose another --address or --port");
    }
    signals_.add(SIGTERM, code);
    if (!code) signals_.add(SIGINT, code);
    if (code) return tl::unexpected("cannot handle signals: " + code.message());
    return {};
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  void run() {
    worker_ = std::thread([this] { work(); });
    signals_.async_wait([this](error_code code, int) {
      if (!code) drain();
    });
    asio::co_spawn(io_, accept(), asio::detached);
    io_.run();
  }

  void stop() {
    asio::post(io_, [this] { drain(); });
  }

 private:
  asio::awaitable<void> accept() {
    for (;;) {
      error_code code;
      tcp::socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, code));
      if (draining_) co_return;
      if (code) {  // out of descriptors or of memory: connections wait in the backlog meanwhile
        accept_pause_.expires_after(std::chrono::milliseconds(100));
        co_await accept_pause_.async_wait(asio::redirect_error(asio::use_awaitable, code));
        continue;
      }
      socket.set_option(tcp::no_delay(true), code);
      if (sessions_.size() >= options_.connections_max) {
        socket.non_blocking(true, code);
        Reply reply = refusal(http::status::service_unavailable,
                              std::to_string(options_.connections_max) + " connections are open", true);
        socket.write_some(asio::buffer(encode(reply)), code);
        continue;
      }
      auto session = std::make_shared<Session>(std::move(socket));
      sessions_.insert(session);
      asio::co_spawn(io_, serve(session), asio::detached);
    }
  }

  asio::awaitable<void> serve(std::shared_ptr<Session> session) {
    bool keep = true;
    while (keep) keep = co_await serve_one(*session);
    error_code ignored;
    session->watchdog.disarm();
    session->socket.close(ignored);
    sessions_.erase(session);
    if (draining_ && sessions_.empty()) io_.stop();
  }

  // Reads one request and answers it. False when the connection is to be closed.
  asio::awaitable<bool> serve_one(Session& session) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(kHeaderBytesMax);
    parser.body_limit(options_.body_bytes_max);
    parser.eager(true);
    std::array<char, 16384> chunk;
    error_code code;
    bool continued = false;
    session.idle = session.unread.empty();
    session.watchdog.arm(Clock::now() + (!session.idle ? options_.read_timeout
                                         : draining_   ? options_.drain_idle
                                                       : options_.idle_timeout));
    bool read_more = session.unread.empty();
    while (!parser.is_done()) {
      if (read_more) {
        const std::size_t size = co_await session.socket.async_read_some(
            asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, code));
        if (code) {
          if (session.idle || !session.watchdog.fired()) co_return false;
          co_return co_await refuse(session, http::status::request_timeout,
                                    "the request took too long to arrive");
        }
        session.unread.append(chunk.data(), size);
        if (std::exchange(session.idle, false)) session.watchdog.arm(Clock::now() + options_.read_timeout);
      }
      session.unread.erase(0, parser.put(asio::buffer(session.unread), code));
      if (code == http::error::body_limit) {
        co_return co_await refuse(session, http::status::payload_too_large,
                                  "the body is over " + std::to_string(options_.body_bytes_max) +
                                      " bytes; lower the JPEG quality or the resolution");
      }
      if (code == http::error::header_limit) {
        co_return co_await refuse(session, http::status::request_header_fields_too_large,
                                  "the header is too long");
      }
      if (code && code != http::error::need_more) {
        co_return co_await refuse(session, http::status::bad_request, "not HTTP/1.1: " + code.message());
      }
      read_more = true;
      if (parser.is_header_done() && !parser.is_done() && !std::exchange(continued, true) &&
          boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
        co_await asio::async_write(session.socket, asio::buffer(kContinue),
                                   asio::redirect_error(asio::use_awaitable, code));
        if (code) co_return false;
      }
    }
    session.watchdog.disarm();

    auto request = parser.release();
    const bool keep = request.keep_alive();
    Reply reply = co_await answer(request);
    reply.close = reply.close || !keep || draining_;
    session.watchdog.arm(Clock::now() + options_.read_timeout);
    co_await asio::async_write(session.socket, asio::buffer(encode(reply)),
                               asio::redirect_error(asio::use_awaitable, code));
    if (!code && reply.close) co_await discard(session);
    co_return !code && !reply.close;
  }

  asio::awaitable<Reply> answer(http::request<http::string_body>& request) {
    if (request.target() == "/healthz") {
      if (request.method() != http::verb::get) co_return wrong_method("GET");
      const std::string_view state = draining_ ? "draining" : "ok";
      co_return Reply{
          draining_ ? http::status::service_unavailable : http::status::ok,
          "{\"status\":\"" + std::string(state) + "\",\"queued\":" + std::to_string(queued()) + "}"};
    }
    if (request.target() != "/detect") {
      co_return refusal(http::status::not_found, "no such path; there are POST /detect and GET /healthz");
    }
    if (request.method() != http::verb::post) co_return wrong_method("POST");
    if (request.body().empty())
      co_return refusal(http::status::bad_request, "the body is empty; send a JPEG picture");

    auto job = std::make_shared<Job>(std::move(request.body()), io_.get_executor());
    job->done.expires_at(Clock::time_point::max());
    if (const std::string refused = enqueue(job); !refused.empty()) {
      // The next connection may lead to an instance with time to spare; this one never would.
      Reply reply = refusal(http::status::service_unavailable, refused, true);
      reply.header = "Retry-After: 1\r\n";
      co_return reply;
    }
    error_code ignored;
    co_await job->done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (!job->refused.empty()) co_return refusal(http::status::bad_request, job->refused);
    co_return Reply{http::status::ok, to_json(job->answer)};
  }

  static Reply wrong_method(std::string_view allowed) {
    Reply reply = refusal(http::status::method_not_allowed, "use " + std::string(allowed));
    reply.header = "Allow: " + std::string(allowed) + "\r\n";
    return reply;
  }

  asio::awaitable<bool> refuse(Session& session, http::status status, std::string reason) {
    error_code code;
    session.watchdog.arm(Clock::now() + options_.read_timeout);
    co_await asio::async_write(session.socket, asio::buffer(encode(refusal(status, reason, true))),
                               asio::redirect_error(asio::use_awaitable, code));
    if (!code) co_await discard(session);
    co_return false;
  }

  // Closing a socket with unread bytes resets the connection, and the client would lose the answer.
  asio::awaitable<void> discard(Session& session) {
    error_code code;
    session.socket.shutdown(tcp::socket::shutdown_send, code);
    session.watchdog.arm(Clock::now() + kDiscardTime);
    std::array<char, 16384> chunk;
    for (std::size_t total = 0; !code && total < kDiscardBytesMax;) {
      total += co_await session.socket.async_read_some(asio::buffer(chunk),
                                                       asio::redirect_error(asio::use_awaitable, code));
    }
  }

  void drain() {
    if (std::exchange(draining_, true)) return;
    error_code ignored;
    acceptor_.close(ignored);
    accept_pause_.cancel();
    if (sessions_.empty()) return io_.stop();
    for (const auto& session : sessions_) {
      if (session->idle) session->watchdog.arm(Clock::now() + options_.drain_idle);
    }
    grace_.expires_after(options_.grace);
    grace_.async_wait([this](error_code code) {
      if (!code) io_.stop();
    });
  }

  std::size_t queued() {
    const std::lock_guard lock(mutex_);
    return queue_.size();
  }

  // Gives the reason when the frame is not taken.
  std::string enqueue(std::shared_ptr<Job> job) {
    {
      const std::lock_guard lock(mutex_);
      if (queue_.size() >= options_.queue_max) {
        return "the queue of " + std::to_string(options_.queue_max) + " frames is full";
      }
      const std::int64_t before = static_cast<std::int64_t>(queue_.size()) + (working_ ? 1 : 0);
      const std::int64_t answer_ms = (before + 1) * work_us_recent_ / 1000;
      if (before > 0 && answer_ms > options_.answer_max.count()) {
        return "the answer would take " + std::to_string(answer_ms) + " ms; at most " +
               std::to_string(options_.answer_max.count()) + " ms are allowed";
      }
      queue_.push_back(std::move(job));
    }
    wake_.notify_one();
    return {};
  }

  void work() {
    for (;;) {
      std::shared_ptr<Job> job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return quit_ || !queue_.empty(); });
        if (quit_) return;
        job = std::move(queue_.front());
        queue_.pop_front();
        working_ = true;
      }
      job->answer.queue_us = since_us(job->queued_at);
      const Clock::time_point began = Clock::now();
      const std::int64_t cpu_us = thread_cpu_us();
      Result<std::vector<Box>> boxes = detect_(job->jpeg);
      job->answer.cpu_us = thread_cpu_us() - cpu_us;
      job->answer.work_us = since_us(began);
      job->answer.instance = options_.instance;
      job->answer.site = options_.site;
      {
        const std::lock_guard lock(mutex_);
        work_us_recent_ += (job->answer.work_us - work_us_recent_) / (work_us_recent_ == 0 ? 1 : 8);
        working_ = false;
      }
      if (boxes) {
        job->answer.boxes = std::move(*boxes);
      } else {
        job->refused = boxes.error();
      }
      asio::post(io_, [job = std::move(job)] { job->done.cancel(); });
    }
  }

  const ServerOptions options_;
  const DetectFunction detect_;

  // First, so that it goes last: sessions and frames hold sockets and timers of it.
  asio::io_context io_{1};

  // Network thread, frames → worker thread.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> queue_;
  bool working_ = false;
  std::int64_t work_us_recent_ = 0;  // exponentially weighted, 1/8; the first frame counts whole
  bool quit_ = false;

  // Network thread only.
  std::set<std::shared_ptr<Session>> sessions_;
  bool draining_ = false;
  asio::signal_set signals_;
  tcp::acceptor acceptor_;
  asio::steady_timer accept_pause_;
  asio::steady_timer grace_;
  std::thread worker_;
};

DetectorServer::DetectorServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DetectorServer::~DetectorServer() = default;

Result<std::unique_ptr<DetectorServer>> DetectorServer::open(const ServerOptions& options,
                                                             DetectFunction detect) {
  auto impl = std::make_unique<Impl>(options, std::move(detect));
  if (Result<void> opened = impl->open(); !opened) return tl::unexpected(opened.error());
  return std::unique_ptr<DetectorServer>(new DetectorServer(std::move(impl)));
}

std::uint16_t DetectorServer::port() const { return impl_->port(); }
void DetectorServer::run() { impl_->run(); }
void DetectorServer::stop() { impl_->stop(); }

}  // namespace city_cameras
