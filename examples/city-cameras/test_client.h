#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <string>
#include <string_view>

namespace city_cameras {

// A blocking HTTP client for tests, which can also misbehave.
class TestClient {
 public:
  explicit TestClient(std::uint16_t port) : socket_(io_) {
    socket_.connect({boost::asio::ip::address_v6::loopback(), port});
  }

  struct Response {
    int status = 0;  // 0: the connection closed without an answer
    std::string head;
    std::string body;
  };

  void send(std::string_view bytes) {
    boost::system::error_code ignored;
    boost::asio::write(socket_, boost::asio::buffer(bytes), ignored);
  }

  Response receive() {
    Response response;
    boost::system::error_code code;
    const std::size_t head =
        boost::asio::read_until(socket_, boost::asio::dynamic_buffer(buffer_), "\r\n\r\n", code);
    if (code) return response;
    response.head = buffer_.substr(0, head);
    buffer_.erase(0, head);
    response.status = std::atoi(response.head.c_str() + sizeof("HTTP/1.1"));
    const std::size_t at = response.head.find("Content-Length: ");
    const std::size_t length =
        at == std::string::npos ? 0 : std::strtoul(response.head.c_str() + at + 16, nullptr, 10);
    if (buffer_.size() < length) {
      boost::asio::read(socket_, boost::asio::dynamic_buffer(buffer_),
                        boost::asio::transfer_exactly(length - buffer_.size()), code);
    }
    response.body = buffer_.substr(0, length);
    buffer_.erase(0, response.body.size());
    return response;
  }

  Response request(std::string_view method, std::string_view target, std::string_view body = {},
                   std::string_view header = {}) {
    send(text_of(method, target, body, header));
    return receive();
  }

  static std::string text_of(std::string_view method, std::string_view target, std::string_view body,
                             std::string_view header = {}) {
    std::string text(method);
    text.append(" ").append(target).append(" HTTP/1.1\r\nHost: test\r\n").append(header);
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    return text;
  }

  // Whether the server has closed the connection; waits for it or for bytes.
  bool closed() {
    char byte = 0;
    boost::system::error_code code;
    boost::asio::read(socket_, boost::asio::buffer(&byte, 1), code);
    return bool(code);
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  std::string buffer_;
};

}  // namespace city_cameras
