#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::openid {

// RFC 4648 section 5, without padding.
std::string to_base64url(std::string_view bytes);
// None: another character, a length that no bytes have, or bits at the end that belong to no byte.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace weir::openid
