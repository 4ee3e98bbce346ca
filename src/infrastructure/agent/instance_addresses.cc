#include "infrastructure/agent/instance_addresses.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>

#include "infrastructure/path_driver/netlink.h"

namespace weir::agent {
namespace {

using path_driver::Attribute;
using path_driver::Message;
using path_driver::Netlink;

constexpr uint16_t kInstanceGroup = 0x8000;  // fifth group of the address

class LinuxAddresses final : public InstanceAddresses {
 public:
  LinuxAddresses(Netlink netlink, uint32_t device) : netlink_(std::move(netlink)), device_(device) {}

  Result<std::set<Ipv6Address>> present() override {
    std::set<Ipv6Address> out;
    ifaddrmsg header{};
    header.ifa_family = AF_INET6;
    const auto reply = netlink_.exchange(
        Message(RTM_GETADDR, NLM_F_DUMP, header), [&](uint16_t type, std::span<const char> payload) {
          if (type != RTM_NEWADDR || payload.size() < sizeof(ifaddrmsg)) return;
          ifaddrmsg h{};
          std::memcpy(&h, payload.data(), sizeof h);
          if (h.ifa_family != AF_INET6 || h.ifa_index != device_ || h.ifa_prefixlen != 128) return;
          for (const Attribute& a : path_driver::attributes(payload.subspan(sizeof h))) {
            if (a.type != IFA_ADDRESS || a.data.size() != 16) continue;
            Ipv6Address address;
            std::memcpy(address.bytes.data(), a.data.data(), 16);
            if (address.group(4) == kInstanceGroup) out.insert(address);
          }
        });
    if (!reply) return tl::unexpected(reply.error());
    if (reply->code != 0) return tl::unexpected(path_driver::refusal(*reply, "reading addresses"));
    return out;
  }

  Status add(const Ipv6Address& address) override {
    Message message = about(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, address);
    ifa_cacheinfo lifetime{};
    lifetime.ifa_prefered = 0;
    lifetime.ifa_valid = UINT32_MAX;
    message.put(IFA_CACHEINFO, &lifetime, sizeof lifetime).put_u32(IFA_FLAGS, IFA_F_NODAD);
    return netlink_.request(std::move(message), "adding address " + address.text(), EEXIST);
  }

  Status remove(const Ipv6Address& address) override {
    return netlink_.request(about(RTM_DELADDR, NLM_F_ACK, address), "removing address " + address.text(),
                            EADDRNOTAVAIL);
  }

 private:
  Message about(uint16_t type, uint16_t flags, const Ipv6Address& address) const {
    ifaddrmsg header{};
    header.ifa_family = AF_INET6;
    header.ifa_prefixlen = 128;
    header.ifa_index = device_;
    Message out(type, flags, header);
    out.put(IFA_ADDRESS, address.bytes.data(), 16).put(IFA_LOCAL, address.bytes.data(), 16);
    return out;
  }

  Netlink netlink_;
  uint32_t device_;
};

}  // namespace

Result<std::unique_ptr<InstanceAddresses>> open_instance_addresses(const std::string& device) {
  const uint32_t index = if_nametoindex(device.c_str());
  if (index == 0) {
    return fail(ErrorCode::kNotFound, "no device \"" + device + "\"", "--device",
                "see `ip link` for those there are");
  }
  auto netlink = Netlink::open();
  if (!netlink) return tl::unexpected(netlink.error());
  return std::make_unique<LinuxAddresses>(std::move(*netlink), index);
}

}  // namespace weir::agent
