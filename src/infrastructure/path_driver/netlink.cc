#include "infrastructure/path_driver/netlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace weir::path_driver {
namespace {

constexpr size_t align(size_t n) { return (n + 3) & ~size_t{3}; }

}  // namespace

void Message::start(uint16_t type, uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST);
  append(&header, sizeof header);
}

void Message::append(const void* data, size_t bytes) {
  const size_t at = bytes_.size();
  bytes_.resize(align(at + bytes));
  if (bytes > 0) std::memcpy(bytes_.data() + at, data, bytes);
}

Message& Message::put(uint16_t type, const void* data, size_t bytes) {
  const rtattr header{static_cast<uint16_t>(sizeof(rtattr) + bytes), type};
  append(&header, sizeof header);
  append(data, bytes);
  return *this;
}

size_t Message::open_nest(uint16_t type) {
  const size_t at = bytes_.size();
  const rtattr header{0, static_cast<uint16_t>(type | NLA_F_NESTED)};
  append(&header, sizeof header);
  return at;
}

void Message::close_nest(size_t nest) {
  const auto length = static_cast<uint16_t>(bytes_.size() - nest);
  std::memcpy(bytes_.data() + nest, &length, sizeof length);
}

std::span<const char> Message::finish(uint32_t sequence) {
  nlmsghdr header{};
  std::memcpy(&header, bytes_.data(), sizeof header);
  header.nlmsg_len = static_cast<uint32_t>(bytes_.size());
  header.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &header, sizeof header);
  return bytes_;
}

uint16_t Message::flags() const {
  nlmsghdr header{};
  std::memcpy(&header, bytes_.data(), sizeof header);
  return header.nlmsg_flags;
}

std::vector<Attribute> attributes(std::span<const char> data) {
  std::vector<Attribute> out;
  while (data.size() >= sizeof(rtattr)) {
    rtattr header{};
    std::memcpy(&header, data.data(), sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > data.size()) break;
    out.push_back({static_cast<uint16_t>(header.rta_type & NLA_TYPE_MASK),
                   data.subspan(sizeof header, header.rta_len - sizeof header)});
    data = data.subspan(std::min(data.size(), align(header.rta_len)));
  }
  return out;
}

Result<Netlink> Netlink::open(int protocol) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0) {
    return fail(ErrorCode::kUnavailable, std::string("cannot talk to the kernel: ") + std::strerror(errno),
                "netlink");
  }
  Netlink out(fd);
  const int yes = 1, room = 4 << 20;
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof yes);
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof yes);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  const timeval patience{5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return out;
}

Netlink::~Netlink() {
  if (fd_ >= 0) close(fd_);
}

Result<Netlink::Reply> Netlink::exchange(
    Message message, const std::function<void(uint16_t type, std::span<const char> payload)>& visit) {
  const bool dump = (message.flags() & NLM_F_DUMP) == NLM_F_DUMP;
  const bool acknowledged = (message.flags() & NLM_F_ACK) != 0;
  const std::span<const char> bytes = message.finish(++sequence_);
  if (send(fd_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return fail(ErrorCode::kUnavailable, std::string("cannot send: ") + std::strerror(errno), "netlink");
  }
  std::vector<char> buffer(256 << 10);
  while (true) {
    const ssize_t n = recv(fd_, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return fail(ErrorCode::kUnavailable, std::string("no answer: ") + std::strerror(errno), "netlink");
    std::span<const char> rest(buffer.data(), static_cast<size_t>(n));
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header{};
      std::memcpy(&header, rest.data(), sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) break;
      const std::span<const char> payload = rest.subspan(sizeof header, header.nlmsg_len - sizeof header);
      rest = rest.subspan(std::min(rest.size(), align(header.nlmsg_len)));
      if (header.nlmsg_seq != sequence_) continue;  // left over from a request that timed out
      if (header.nlmsg_type == NLMSG_DONE) return Reply{};
      if (header.nlmsg_type == NLMSG_ERROR) {
        Reply reply;
        int32_t code = 0;
        if (payload.size() >= sizeof code) std::memcpy(&code, payload.data(), sizeof code);
        reply.code = -code;
        const size_t fixed = sizeof(nlmsgerr);
        if ((header.nlmsg_flags & NLM_F_ACK_TLVS) != 0 && payload.size() > fixed) {
          for (const Attribute& a : attributes(payload.subspan(fixed))) {
            if (a.type == NLMSGERR_ATTR_MSG && !a.data.empty())
              reply.said.assign(a.data.data(), a.data.size() - 1);
          }
        }
        return reply;
      }
      if (visit) visit(header.nlmsg_type, payload);
      if (!dump && !acknowledged) return Reply{};
    }
  }
}

Error refusal(const Netlink::Reply& reply, const std::string& what) {
  const ErrorCode code =
      reply.code == EPERM || reply.code == EACCES ? ErrorCode::kDenied
      : reply.code == EOPNOTSUPP                  ? ErrorCode::kUnsupported
      : reply.code == ENETUNREACH || reply.code == EHOSTUNREACH || reply.code == ESRCH || reply.code == ENOENT
          ? ErrorCode::kNotFound
          : ErrorCode::kUnavailable;
  std::string text = std::strerror(reply.code);
  if (!reply.said.empty()) text += " (" + reply.said + ")";
  return Error{code, "the kernel refuses: " + text, what,
               code == ErrorCode::kDenied ? "run with CAP_NET_ADMIN"
               : code == ErrorCode::kUnsupported
                   ? "use plain paths, or a kernel with CONFIG_IPV6_SEG6_LWTUNNEL"
                   : ""};
}

Status Netlink::request(Message message, const std::string& what, int allowed) {
  const auto reply = exchange(std::move(message));
  if (!reply) return tl::unexpected(reply.error());
  if (reply->code == 0 || reply->code == allowed) return {};
  return tl::unexpected(refusal(*reply, what));
}

}  // namespace weir::path_driver
