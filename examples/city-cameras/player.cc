#include "city-cameras/player.h"

#include <algorithm>
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
#include <charconv>
#include <utility>

#include "city-cameras/schedule.h"
#include "city-cameras/watchdog.h"

namespace city_cameras {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kAnswerBytesMax = 256 * 1024;

Result<tcp::endpoint> parse_endpoint(const std::string& text) {
  const auto refuse = [&] {
    return tl::unexpected("\"" + text + "\" is not an address and a port; write --service [fd00::1]:8080");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return refuse();
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return refuse();
  }
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  error_code code;
  const auto address = asio::ip::make_address(host, code);
  if (code || parsed.ec != std::errc{} || parsed.ptr != end || port == 0) return refuse();
  return tcp::endpoint(address, port);
}

// Steady and unix time, tied together once, so that a step of the wall clock moves no frame.
struct TwinClock {
  Clock::time_point steady = Clock::now();
  std::int64_t unix_us = std::chrono::duration_cast<std::chrono::microseconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();

  Clock::time_point at(std::int64_t at_unix_us) const {
    return steady + std::chrono::microseconds(at_unix_us - unix_us);
  }
  std::int64_t now_us() const {
    return unix_us + std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - steady).count();
  }
};

// What all streams share, read-only.
struct Play {
  PlayerOptions options;
  tcp::endpoint service;
  asio::ip::address bind_address;
  const std::vector<std::string>& jpegs;
  FrameSink sink;
  TwinClock clock;
  Schedule schedule;
  bool stopping = false;
};

class Stream {
 public:
  Stream(asio::io_context& io, Play& play, std::int64_t number)
      : play_(play), number_(number), socket_(io), watchdog_(socket_), pause_(io) {
    const std::string host = (play.service.address().is_v6() ? "[" : "") +
                             play.service.address().to_string() + (play.service.address().is_v6() ? "]" : "");
    header_ = "POST /detect HTTP/1.1\r\nHost: " + host + ":" + std::to_string(play.service.port()) +
              "\r\nContent-Type: image/jpeg\r\nContent-Length: ";
    backoff_ = play.options.backoff_min;
  }

  asio::awaitable<void> run() {
    for (std::int64_t seq = 0; seq < play_.options.frames_max; ++seq) {
      const std::int64_t due_us = play_.schedule.due_us(number_, seq);
      co_await idle_until(play_.clock.at(due_us));
      if (play_.stopping) break;
      const std::size_t picture = static_cast<std::size_t>(
          picture_of(number_, seq, play_.options.phases, static_cast<std::int64_t>(play_.jpegs.size())));
      FrameRecord record;
      record.stream = number_;
      record.seq = seq;
      record.sent_at_us = due_us;
      record.ingress = play_.options.ingress;
      record.bytes = static_cast<std::int64_t>(play_.jpegs[picture].size());
      co_await exchange(play_.jpegs[picture], record);
      play_.sink(record);
    }
    drop();
  }

  // Ends a wait for the next frame; a frame on its way is left alone.
  void wake() {
    error_code ignored;
    if (idle_) socket_.cancel(ignored);
    pause_.cancel();
  }

 private:
  // Keeps the connection open while there is nothing to send.
  asio::awaitable<void> idle_until(Clock::time_point due) {
    error_code code;
    while (!play_.stopping && Clock::now() < due) {
      if (!socket_.is_open()) {
        if (!co_await connect(Clock::now() + play_.options.connect_timeout)) co_await back_off(due);
        continue;
      }
      idle_ = true;
      watchdog_.arm(due);
      co_await socket_.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, code));
      watchdog_.disarm();
      idle_ = false;
      if (!code) drop();  // readable though nothing was asked: the service closed it
    }
  }

  asio::awaitable<bool> connect(Clock::time_point deadline) {
    error_code code;
    drop();
    socket_.open(play_.service.protocol(), code);
    if (!code) socket_.set_option(tcp::no_delay(true), code);
    if (!code && !play_.options.bind_address.empty())
      socket_.bind(tcp::endpoint(play_.bind_address, 0), code);
    if (!code) {
      watchdog_.arm(deadline);
      co_await socket_.async_connect(play_.service, asio::redirect_error(asio::use_awaitable, code));
      watchdog_.disarm();
    }
    if (code) {
      connect_error_ = code == asio::error::operation_aborted ? "no answer" : code.message();
      drop();
    }
    co_return !code;
  }

  asio::awaitable<void> back_off(Clock::time_point limit) {
    error_code ignored;
    pause_.expires_at(std::min(Clock::now() + backoff_, limit));
    backoff_ = std::min(backoff_ * 2, play_.options.backoff_max);
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  // Sends one frame and fills in what became of it.
  asio::awaitable<void> exchange(const std::string& jpeg, FrameRecord& record) {
    const Clock::time_point deadline =
        play_.clock.at(record.sent_at_us) + std::chrono::microseconds(play_.options.patience_us);
    while (!socket_.is_open()) {
      const Clock::time_point now = Clock::now();
      if (now >= deadline) {
        record.reason = "not connected: " + connect_error_;
        co_return;
      }
      if (!co_await connect(std::min(deadline, now + play_.options.connect_timeout)))
        co_await back_off(deadline);
    }

    error_code code;
    const std::string head = header_ + std::to_string(jpeg.size()) + "\r\n\r\n";
    http::response_parser<http::string_body> parser;
    parser.body_limit(kAnswerBytesMax);
    parser.eager(true);
    watchdog_.arm(deadline);
    co_await asio::async_write(socket_, std::array{asio::buffer(head), asio::buffer(jpeg)},
                               asio::redirect_error(asio::use_awaitable, code));
    std::array<char, 8192> chunk;
    std::string unread;
    while (!code && !parser.is_done()) {
      const std::size_t size = co_await socket_.async_read_some(
          asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, code));
      if (code) break;
      unread.append(chunk.data(), size);
      unread.erase(0, parser.put(asio::buffer(unread), code));
      if (code == http::error::need_more) code = {};
    }
    watchdog_.disarm();
    if (code || !parser.is_done()) {
      record.reason = watchdog_.fired() ? "no answer in time" : "connection broken: " + code.message();
      drop();
      co_return;
    }

    const std::int64_t latency_us = play_.clock.now_us() - record.sent_at_us;
    if (!parser.keep_alive()) drop();
    if (parser.get().result() != http::status::ok) {
      record.reason = "refused with " + std::to_string(parser.get().result_int()) + ": " +
                      parse_error(parser.get().body());
      co_return;
    }
    const Result<Answer> answer = parse_answer(parser.get().body());
    if (!answer) {
      record.reason = "unreadable answer: " + answer.error();
      co_return;
    }
    backoff_ = play_.options.backoff_min;
    record.latency_us = latency_us;
    record.outcome = latency_us <= play_.options.promise_us ? Outcome::kOk : Outcome::kMiss;
    record.boxes = static_cast<std::int64_t>(answer->boxes.size());
    record.work_us = answer->work_us;
    record.queue_us = answer->queue_us;
    record.cpu_us = answer->cpu_us;
    record.instance = answer->instance;
    record.site = answer->site;
  }

  void drop() {
    error_code ignored;
    socket_.close(ignored);
  }

  Play& play_;
  const std::int64_t number_;
  tcp::socket socket_;
  Watchdog watchdog_;
  asio::steady_timer pause_;
  std::chrono::milliseconds backoff_;
  std::string header_;
  std::string connect_error_ = "no answer";
  bool idle_ = false;
};

}  // namespace

class Player::Impl {
 public:
  explicit Impl(Play play) : play_(std::move(play)), signals_(io_) {
    for (std::int64_t i = 0; i < play_.options.streams; ++i) {
      streams_.push_back(std::make_unique<Stream>(io_, play_, play_.options.first_stream + i));
    }
  }

  Result<void> open() {
    error_code code;
    signals_.add(SIGTERM, code);
    if (!code) signals_.add(SIGINT, code);
    if (code) return tl::unexpected("cannot handle signals: " + code.message());
    return {};
  }

  void run() {
    play_.clock = TwinClock{};
    play_.schedule = {next_epoch_us(play_.clock.unix_us, play_.options.period_us), play_.options.period_us,
                      play_.options.phases};
    signals_.async_wait([this](error_code code, int) {
      if (!code) stop_now();
    });
    running_ = streams_.size();
    for (const auto& stream : streams_) {
      asio::co_spawn(io_, stream->run(), [this](std::exception_ptr failed) {
        if (failed) std::rethrow_exception(failed);
        if (--running_ == 0) io_.stop();
      });
    }
    io_.run();
  }

  void stop() {
    asio::post(io_, [this] { stop_now(); });
  }

 private:
  void stop_now() {
    play_.stopping = true;
    for (const auto& stream : streams_) stream->wake();
  }

  Play play_;
  std::size_t running_ = 0;
  asio::io_context io_{1};
  asio::signal_set signals_;
  std::vector<std::unique_ptr<Stream>> streams_;
};

Player::Player(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Player::~Player() = default;

Result<std::unique_ptr<Player>> Player::open(const PlayerOptions& options,
                                             const std::vector<std::string>& jpegs, FrameSink sink) {
  Play play{options, {}, {}, jpegs, std::move(sink), {}, {}};
  const Result<tcp::endpoint> service = parse_endpoint(options.service);
  if (!service) return tl::unexpected(service.error());
  play.service = *service;
  if (!options.bind_address.empty()) {
    error_code code;
    play.bind_address = asio::ip::make_address(options.bind_address, code);
    if (code || play.bind_address.is_v6() != play.service.address().is_v6()) {
      return tl::unexpected("\"" + options.bind_address +
                            "\" is not an address of the service's family; correct --bind");
    }
  }
  auto impl = std::make_unique<Impl>(std::move(play));
  if (Result<void> opened = impl->open(); !opened) return tl::unexpected(opened.error());
  return std::unique_ptr<Player>(new Player(std::move(impl)));
}

void Player::run() { impl_->run(); }
void Player::stop() { impl_->stop(); }

}  // namespace city_cameras
