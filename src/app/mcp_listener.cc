#include "app/mcp_listener.h"

#include <array>
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
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "app/mcp/http.h"
#include "app/mcp_tools.h"
#include "app/version.h"
#include "security/identity/token_text.h"
#include "service/gateway/rest_routes.h"
#include "service/gateway/workers.h"

namespace weir::app {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

constexpr uint32_t kHeaderBytesMax = 16 * 1024;
constexpr int kWorkers = 4;
constexpr int64_t kKnownUs = 30'000'000;  // that a token is good
constexpr size_t kKnownMax = 1'024;

int64_t steady_us() { return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string head(const mcp::HttpAnswer& answer, bool keep) {
  std::string out = "HTTP/1.1 " + std::to_string(answer.status) + " " + std::string(gateway::http_reason(answer.status)) + "\r\nCache-Control: no-store\r\n";
  for (const auto& [name, value] : answer.headers) out += name + ": " + value + "\r\n";
  if (answer.status != 204) out += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  return out + "Connection: " + (keep ? "keep-alive" : "close") + "\r\n\r\n";
}

template <class Message, class Name>
std::optional<std::string> header(const Message& message, Name name) {
  const auto found = message.find(name);
  if (found == message.end()) return std::nullopt;
  return std::string(found->value().data(), found->value().size());
}

// Tools that ask as one caller at a time.
class Desk {
 public:
  explicit Desk(const Target& target)
      : target_(target), server_(kVersion, kToolInstructions, brain_tools([this]() -> Result<Client*> {
                                   client_.reset();
                                   auto opened = Client::open(target_);
                                   if (!opened) return tl::unexpected(opened.error());
                                   return &client_.emplace(std::move(*opened));
                                 })) {}
  void serve(const std::string& token) { target_.token = token; }
  const mcp::Server& server() const { return server_; }
  // Any caller may see sites, so that who may not is none.
  Status known() const {
    auto client = Client::open(target_);
    if (!client) return tl::unexpected(client.error());
    v1::ListRequest request;
    request.set_kind("site");
    request.set_page_size(1);
    v1::ListResponse response;
    return client->call(&v1::Weir::Stub::List, request, response);
  }

 private:
  Target target_;
  std::optional<Client> client_;
  const mcp::Server server_;
};

}  // namespace

struct McpListener::Impl {
  const McpListenOptions options;
  mcp::HttpEndpoint endpoint;
  std::mutex mutex;
  std::vector<std::unique_ptr<Desk>> desks;  // that nobody uses
  std::map<std::string, int64_t> known;      // hashes of tokens that are good, until when
  // Of the socket thread.
  size_t connections = 0, in_flight = 0;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  gateway::Workers workers{kWorkers, 64};

  explicit Impl(McpListenOptions o)
      : options(std::move(o)), endpoint({.origins = options.origins, .clock = steady_us, .draw = []() -> Result<std::string> {
                                           const auto seed = identity::draw_token_seed();
                                           if (!seed) return tl::unexpected(seed.error());
                                           return std::string(identity::token_secret(*seed).reveal());
                                         }}) {
    for (int i = 0; i < kWorkers; ++i) desks.push_back(std::make_unique<Desk>(options.target));
  }

  asio::awaitable<void> accept();
  // On a worker's thread.
  mcp::HttpAnswer answer(const mcp::HttpRequest& request);
  Status check(const Desk& desk, const std::string& caller);
};

// A token that was good a moment ago is not asked about again: the brain checks it with each call of a tool.
Status McpListener::Impl::check(const Desk& desk, const std::string& caller) {
  const int64_t now = steady_us();
  {
    const std::lock_guard lock(mutex);
    const auto found = known.find(caller);
    if (found != known.end() && now < found->second) return {};
  }
  const Status good = desk.known();
  if (!good) return good;
  const std::lock_guard lock(mutex);
  std::erase_if(known, [now](const auto& each) { return each.second <= now; });
  if (known.size() < kKnownMax) known[caller] = now + kKnownUs;
  return {};
}

mcp::HttpAnswer McpListener::Impl::answer(const mcp::HttpRequest& request) {
  const auto unauthorized = [](std::string_view why) {
    mcp::HttpAnswer out = mcp::refusal(401, why);
    out.headers.emplace_back("WWW-Authenticate", "Bearer");
    return out;
  };
  const auto token = mcp::bearer_of(request);
  // One that is malformed is not taken for none.
  if (!token && (request.authorization || !options.own_token)) return unauthorized("the request carries no token: send Authorization: Bearer TOKEN, with one of 'weir token create'");
  std::unique_ptr<Desk> desk;
  {
    const std::lock_guard lock(mutex);
    desk = std::move(desks.back());  // there is one for each worker
    desks.pop_back();
  }
  desk->serve(token.value_or(""));
  const std::string caller = token ? identity::sha256_hex(*token) : "";
  const Status good = check(*desk, caller);
  mcp::HttpAnswer out;
  // A brain that is away is told by the tools.
  if (!good && good.error().code == ErrorCode::kDenied) {
    out = unauthorized(good.error().text());
  } else {
    out = endpoint.answer(request, caller, desk->server());
  }
  desk->serve("");
  const std::lock_guard lock(mutex);
  desks.push_back(std::move(desk));
  return out;
}

class McpConnection : public std::enable_shared_from_this<McpConnection> {
 public:
  McpConnection(McpListener::Impl& server, tcp::socket socket) : server_(server), socket_(std::move(socket)), deadline_(socket_.get_executor()), answered_(socket_.get_executor()) {
    ++server_.connections;
  }
  ~McpConnection() { --server_.connections; }

  asio::awaitable<void> run() {
    bool keep = true;
    while (keep) keep = co_await exchange();
    close();
  }

 private:
  void close() {
    error_code ignored;
    deadline_.cancel();
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
  }
  void arm(int64_t us) {
    deadline_.expires_after(std::chrono::microseconds(us));
    deadline_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (error || !self || self->deadline_.expiry() > std::chrono::steady_clock::now()) return;
      self->answered_.cancel();
      self->close();
    });
  }

  asio::awaitable<bool> write(std::string text) {
    error_code error;
    arm(server_.options.slow_reader_us_max);
    co_await asio::async_write(socket_, asio::buffer(text), asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }
  asio::awaitable<bool> say(mcp::HttpAnswer answer, bool keep) {
    std::string text = head(answer, keep) + answer.body;
    const bool sent = co_await write(std::move(text));
    co_return sent && keep;
  }

  static mcp::HttpAnswer refusal_of(error_code error) {
    if (error == http::error::body_limit) return mcp::refusal(413, "the message has more than " + std::to_string(mcp::kMessageBytesMax) + " bytes");
    if (error == http::error::header_limit) return mcp::refusal(431, "the header has more than " + std::to_string(kHeaderBytesMax) + " bytes");
    return mcp::refusal(400, "is no HTTP/1.1 request: " + error.message());
  }
  asio::awaitable<bool> refuse(error_code error) {
    mcp::HttpAnswer answer = refusal_of(error);
    co_await say(std::move(answer), false);
    // What the client still sends is read and dropped, so that it sees the answer before the end.
    error_code ended;
    for (size_t dropped = 0; dropped < (size_t{4} << 20) && !ended;) {
      dropped += co_await socket_.async_read_some(asio::buffer(chunk_), asio::redirect_error(asio::use_awaitable, ended));
    }
    co_return false;
  }

  static mcp::HttpRequest request_of(const http::request<http::string_body>& message) {
    mcp::HttpRequest out;
    out.method = std::string(message.method_string().data(), message.method_string().size());
    out.target = std::string(message.target().data(), message.target().size());
    out.accept = header(message, http::field::accept).value_or("");
    out.content_type = header(message, http::field::content_type).value_or("");
    out.origin = header(message, http::field::origin);
    out.authorization = header(message, http::field::authorization);
    out.session = header(message, "Mcp-Session-Id");
    out.revision = header(message, "MCP-Protocol-Version");
    out.mcp_method = header(message, "Mcp-Method");
    out.mcp_name = header(message, "Mcp-Name");
    out.body = message.body();
    return out;
  }

  // One request and its answer; whether another may follow.
  asio::awaitable<bool> exchange() {
    http::request_parser<http::string_body> parser;
    parser.header_limit(kHeaderBytesMax);
    parser.body_limit(mcp::kMessageBytesMax);
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
      if (parser.is_header_done() && !continued && header(parser.get(), http::field::expect) == "100-continue") {
        continued = true;
        std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        const bool sent = co_await write(std::move(go_on));
        if (!sent) co_return false;
        arm(server_.options.request_us_max);
      }
      const size_t got = co_await socket_.async_read_some(asio::buffer(chunk_), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return false;
      if (buffer_.empty() && !parser.is_header_done()) arm(server_.options.request_us_max);
      buffer_.append(chunk_.data(), got);
    }
    const bool keep = parser.get().keep_alive();
    auto request = std::make_shared<mcp::HttpRequest>(request_of(parser.get()));
    std::optional<mcp::HttpAnswer> refused = server_.endpoint.refuse(*request);
    if (!refused && server_.in_flight >= server_.options.in_flight_max) refused = mcp::refusal(503, "too many messages are being answered: try again in a moment");
    if (refused) {
      mcp::HttpAnswer answer = std::move(*refused);
      co_return co_await say(std::move(answer), keep);
    }
    ++server_.in_flight;
    mcp::HttpAnswer answer = co_await answered(std::move(request));
    --server_.in_flight;
    co_return co_await say(std::move(answer), keep);
  }

  asio::awaitable<mcp::HttpAnswer> answered(std::shared_ptr<mcp::HttpRequest> request) {
    struct Slot {
      mcp::HttpAnswer answer;
      bool filled = false;
    };
    auto slot = std::make_shared<Slot>();
    deadline_.cancel();  // calls of the brain have their own
    // The connection goes back to its own thread with the answer, and ends there.
    const bool taken = server_.workers.submit([self = shared_from_this(), slot, request]() mutable {
      mcp::HttpAnswer answer = self->server_.answer(*request);
      auto executor = self->socket_.get_executor();
      asio::post(executor, [self = std::move(self), slot, answer = std::move(answer)]() mutable {
        slot->answer = std::move(answer);
        slot->filled = true;
        self->answered_.cancel();
      });
    });
    if (!taken) {
      mcp::HttpAnswer busy = mcp::refusal(503, "too many messages are being answered: try again in a moment");
      co_return busy;
    }
    error_code ignored;
    answered_.expires_at(std::chrono::steady_clock::time_point::max());
    while (!slot->filled) co_await answered_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_return std::move(slot->answer);
  }

  McpListener::Impl& server_;
  tcp::socket socket_;
  asio::steady_timer deadline_, answered_;
  std::string buffer_;
  std::array<char, 16384> chunk_;
};

asio::awaitable<void> McpListener::Impl::accept() {
  asio::steady_timer pause(io);
  for (;;) {
    error_code error;
    tcp::socket socket(io);
    co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted || !acceptor.is_open()) co_return;
    if (error) {
      // As when there are no more file descriptors.
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    if (connections >= options.connections_max) continue;
    auto connection = std::make_shared<McpConnection>(*this, std::move(socket));
    asio::co_spawn(io, [connection]() { return connection->run(); }, asio::detached);
  }
}

McpListener::McpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
McpListener::~McpListener() { impl_->io.stop(); }

Result<std::unique_ptr<McpListener>> McpListener::open(McpListenOptions options) {
  const std::string text = options.listen;
  const size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon == std::string::npos ? 0 : colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  error_code error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  if (error || port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos || std::stoi(port) > 65535) {
    return fail(ErrorCode::kInvalid, "\"" + text + "\" is no address", "--listen", "write it as 127.0.0.1:7490");
  }
  if (!address.is_loopback()) {
    return fail(ErrorCode::kInvalid, "is reached from elsewhere, and tokens would go there in the open", "--listen " + text,
                "listen on 127.0.0.1, and let a server that speaks TLS pass on to it what comes from elsewhere");
  }
  auto impl = std::make_unique<Impl>(std::move(options));
  const tcp::endpoint endpoint(address, static_cast<uint16_t>(std::stoi(port)));
  impl->acceptor.open(endpoint.protocol(), error);
  if (!error) impl->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) impl->acceptor.bind(endpoint, error);
  if (!error) impl->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(ErrorCode::kConflict, "cannot listen: " + error.message(), "--listen " + text, "choose another port, or end what uses this one");
  return std::unique_ptr<McpListener>(new McpListener(std::move(impl)));
}

int McpListener::port() const { return impl_->acceptor.local_endpoint().port(); }

void McpListener::run() {
  asio::signal_set signals(impl_->io, SIGINT, SIGTERM);
  signals.async_wait([this](error_code, int) { impl_->io.stop(); });
  asio::co_spawn(impl_->io, impl_->accept(), asio::detached);
  impl_->io.run();
}

}  // namespace weir::app
