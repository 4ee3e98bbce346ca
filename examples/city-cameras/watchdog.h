#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>

namespace city_cameras {

// Cancels the operations of a socket at a deadline. Single-threaded, like the socket.
class Watchdog {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Watchdog(boost::asio::ip::tcp::socket& socket)
      : timer_(socket.get_executor()), state_(std::make_shared<State>(State{&socket, 0, false})) {}
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() { disarm(); }

  void arm(Time deadline) {
    disarm();
    state_->fired = false;
    timer_.expires_at(deadline);
    // A timer that expired just before it was disarmed still runs its handler: the generation tells.
    timer_.async_wait([state = state_, generation = state_->generation](boost::system::error_code code) {
      if (code || state->generation != generation) return;
      state->fired = true;
      boost::system::error_code ignored;
      state->socket->cancel(ignored);
    });
  }

  void disarm() {
    ++state_->generation;
    timer_.cancel();
  }

  // Since the last arm().
  bool fired() const { return state_->fired; }

 private:
  struct State {
    boost::asio::ip::tcp::socket* socket;
    std::uint64_t generation;
    bool fired;
  };
  boost::asio::steady_timer timer_;
  std::shared_ptr<State> state_;
};

}  // namespace city_cameras
