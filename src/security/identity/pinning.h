#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result/result.h"

namespace weir::identity {

// An agent's first contact: shakes hands by TLS over a connected stream socket, takes the chain that the
// server shows, and returns the PEM of the CA with that fingerprint, as find_pinned_ca. Sends nothing secret.
// Blocks up to the socket's own SO_RCVTIMEO and SO_SNDTIMEO per step; reads at most 64 KiB; leaves the socket
// open but used up. Errors: kUnavailable when the server does not answer by TLS; those of find_pinned_ca.
Result<std::string> fetch_pinned_ca(int connected_socket, std::string_view ca_fingerprint, int64_t now_s);

}  // namespace weir::identity
