#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/result/result.h"

// Requests to the kernel's tables (netlink(7)): of routing, and of tracked connections.
namespace weir::path_driver {

class Message {
 public:
  // `body` is the fixed header of the type, such as rtmsg.
  template <class Body>
  Message(uint16_t type, uint16_t flags, const Body& body) {
    start(type, flags);
    append(&body, sizeof body);
  }
  Message& put(uint16_t type, const void* data, size_t bytes);
  Message& put_u8(uint16_t type, uint8_t value) { return put(type, &value, sizeof value); }
  Message& put_u16(uint16_t type, uint16_t value) { return put(type, &value, sizeof value); }
  Message& put_u32(uint16_t type, uint32_t value) { return put(type, &value, sizeof value); }
  size_t open_nest(uint16_t type);
  void close_nest(size_t nest);
  // Sets the length and the sequence number.
  std::span<const char> finish(uint32_t sequence);
  uint16_t flags() const;

 private:
  void start(uint16_t type, uint16_t flags);
  void append(const void* data, size_t bytes);
  std::vector<char> bytes_;
};

// One attribute of a reply.
struct Attribute {
  uint16_t type = 0;
  std::span<const char> data;
  uint32_t u32() const {
    uint32_t out = 0;
    if (data.size() >= sizeof out) std::memcpy(&out, data.data(), sizeof out);
    return out;
  }
};
// Those that are whole; what follows a broken one is left out.
std::vector<Attribute> attributes(std::span<const char> data);

class Netlink {
 public:
  static Result<Netlink> open(int protocol = 0);  // NETLINK_ROUTE, if not another
  Netlink(Netlink&& other) noexcept : fd_(other.fd_), sequence_(other.sequence_) { other.fd_ = -1; }
  Netlink& operator=(Netlink&&) = delete;
  ~Netlink();

  // Calls `visit` with the type, the fixed header and the attributes of each reply. The errno of a refusal is
  // in `code`, 0 if there was none; `what` names the request in errors.
  struct Reply {
    int code = 0;
    std::string said;  // the kernel's own words, if any
  };
  Result<Reply> exchange(Message message,
                         const std::function<void(uint16_t type, std::span<const char> payload)>& visit = {});
  // Refusals are errors, but for the one that is `allowed`.
  Status request(Message message, const std::string& what, int allowed = 0);

 private:
  explicit Netlink(int fd) : fd_(fd) {}
  int fd_;
  uint32_t sequence_ = 0;
};

Error refusal(const Netlink::Reply& reply, const std::string& what);

}  // namespace weir::path_driver
