#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/ports/path_driver.h"

struct nft_ctx;

// The nftables table `ip6 weir`: addresses of services, and counters of steered traffic.
namespace weir::path_driver {

class Firewall {
 public:
  // Works on the caller's network namespace. kUnsupported, kDenied.
  static Result<Firewall> open();

  // Makes the counters exactly those of these labels, which keep their values, and counts these steerings.
  Status count(const std::vector<PathLabel>& labels, const std::vector<Steering>& steerings);
  Result<std::map<PathLabel, PathCounters>> counters();

  Status publish(const PublishedService& service);
  Status withdraw(const Ipv6Address& address, uint16_t port, Transport transport);
  Result<std::vector<PublishedService>> services();

  Status reset();

 private:
  struct Free {
    void operator()(nft_ctx* context) const;
  };
  explicit Firewall(nft_ctx* context) : context_(context) {}
  // One transaction: all or nothing.
  Status run(const std::string& commands);
  Result<std::string> list_json();
  std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace weir::path_driver
