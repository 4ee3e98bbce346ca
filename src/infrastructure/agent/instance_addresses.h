#pragma once

#include <memory>
#include <string>

#include "infrastructure/agent/ports.h"

namespace weir::agent {

// Addresses of instances on a device of the network namespace of the caller of open(): /128, with an
// interface identifier that begins with 8000, as core/loop/address.h gives them; others are not touched. They
// are deprecated (RFC 4862 section 5.5.4), so that traffic of the site itself never begins from one.
// kNotFound: no such device; kDenied without CAP_NET_ADMIN.
Result<std::unique_ptr<InstanceAddresses>> open_instance_addresses(const std::string& device);

}  // namespace weir::agent
