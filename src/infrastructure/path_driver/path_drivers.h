#pragma once

#include <memory>

#include "core/ports/path_driver.h"
#include "core/result/result.h"

// The drivers for Linux. Each works on the network namespace that its caller is in when it is opened,
// whatever thread uses it later, and tags what it installs with the routing protocol number 77 and the
// nftables table `ip6 weir`, so that it finds it again after a restart.
//
// Rules, by priority:  500            packets marked with a path's label
//                      1000 to 1257   steered traffic, longest destination first
namespace weir::path_driver {

// SRv6 encapsulation (RFC 8986 section 5.1, H.Encaps) in one routing table for each path. kUnsupported: the
// kernel has no SRv6 or no nftables. kDenied: no CAP_NET_ADMIN.
Result<std::unique_ptr<PathDriver>> open_srv6();

// Labels are kept, so that probes and counters work alike, and traffic follows plain routing. kUnsupported: no
// nftables. kDenied: no CAP_NET_ADMIN.
Result<std::unique_ptr<PathDriver>> open_plain();

}  // namespace weir::path_driver
