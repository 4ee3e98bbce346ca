#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace weir::webhook {

// A receiver of webhooks on loopback, for tests: notes what is posted and answers as it is told.
class TestReceiver {
 public:
  struct Got {
    std::string head, body;
    std::string header(const std::string& name) const {
      const size_t at = head.find("\r\n" + name + ": ");
      if (at == std::string::npos) return "";
      const size_t begin = at + name.size() + 4;
      return head.substr(begin, head.find("\r\n", begin) - begin);
    }
  };
  // The status to answer the so manieth request with; 0: silence until the caller hangs up.
  explicit TestReceiver(std::function<int(size_t count)> answer = [](size_t) { return 204; }) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TestReceiver() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  TestReceiver(const TestReceiver&) = delete;
  TestReceiver& operator=(const TestReceiver&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& path = "/in") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  // Waits until so many requests have come; gives those that have, after 20 s in any case.
  std::vector<Got> wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, std::chrono::seconds(20), [&] { return got_.size() >= count; });
    return got_;
  }

 private:
  void serve() {
    for (;;) {
      const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) return;
      Got got = read(peer);
      int status = 0;
      {
        const std::lock_guard lock(mutex_);
        status = answer_(got_.size());
        got_.push_back(std::move(got));
        came_.notify_all();
      }
      if (status != 0) {
        const std::string text = "HTTP/1.1 " + std::to_string(status) + " Answer\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        (void)::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
        ::shutdown(peer, SHUT_WR);
      }
      // Until the caller hangs up, or this receiver ends.
      pollfd ends[] = {{peer, POLLIN, 0}, {listener_, POLLRDHUP, 0}};
      char byte = 0;
      while (::poll(ends, 2, -1) > 0 && ends[1].revents == 0 && ::recv(peer, &byte, 1, 0) > 0) {
      }
      ::close(peer);
    }
  }
  static Got read(int peer) {
    std::string text;
    char piece[4096];
    for (;;) {
      const size_t head = text.find("\r\n\r\n");
      if (head != std::string::npos) {
        const Got so_far{text.substr(0, head + 2), text.substr(head + 4)};
        const std::string length = so_far.header("Content-Length");
        if (so_far.body.size() >= (length.empty() ? 0 : static_cast<size_t>(std::atoll(length.c_str())))) return so_far;
      }
      const ssize_t n = ::recv(peer, piece, sizeof piece, 0);
      if (n <= 0) return {text, ""};
      text.append(piece, static_cast<size_t>(n));
    }
  }

  const std::function<int(size_t)> answer_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Got> got_;
  std::thread thread_;
};

}  // namespace weir::webhook
