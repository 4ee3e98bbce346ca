#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace weir {

// A server on loopback for tests: takes one connection after the other, reads a request, and writes the next text of its script,
// byte for byte. An empty text: it reads and says nothing until the caller hangs up. Ends with the script.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  // What was asked so far, each with its head and body.
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  static std::string reply(int status, const std::string& body, const std::string& headers = {}) {
    return "HTTP/1.1 " + std::to_string(status) + " Scripted\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n" + headers + "\r\n" + body;
  }

 private:
  void serve() {
    for (const std::string& text : script_) {
      const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) return;
      std::string request = read_request(peer);
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back(std::move(request));
      }
      char byte = 0;
      if (text.empty()) {
        while (::recv(peer, &byte, 1, 0) > 0) {
        }
      }
      for (size_t sent = 0; sent < text.size();) {
        const ssize_t n = ::send(peer, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) break;
        sent += static_cast<size_t>(n);
      }
      ::shutdown(peer, SHUT_WR);
      while (::recv(peer, &byte, 1, 0) > 0) {
      }
      ::close(peer);
    }
  }
  static std::string read_request(int peer) {
    std::string request;
    char piece[4096];
    for (;;) {
      const size_t head = request.find("\r\n\r\n");
      if (head != std::string::npos) {
        const size_t length = request.find("Content-Length: ");
        const size_t body = length < head ? static_cast<size_t>(std::atoll(request.c_str() + length + 16)) : 0;
        if (request.size() >= head + 4 + body) return request;
      }
      const ssize_t n = ::recv(peer, piece, sizeof piece, 0);
      if (n <= 0) return request;
      request.append(piece, static_cast<size_t>(n));
    }
  }

  std::vector<std::string> script_;
  int listener_ = -1;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::thread thread_;
};

}  // namespace weir
