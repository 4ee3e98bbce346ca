#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "service/gateway/rest_routes.h"

// The web console's files, as browsers get them: no token, nothing secret.
namespace weir::gateway {

struct ConsoleFile {
  std::string_view path;          // "/index.html"
  std::string_view content_type;
  std::string_view etag;          // with its quotes
  std::string_view gzip;          // RFC 1952
};

// None: no file of the console has this path; "/" is that of index.html, and without any files says that there is no console. 304 where the
// client has it (RFC 9110, section 13.1.2), 406 where it takes no gzip. Files under /assets/ have their digest in their name and last; all
// others are asked for again.
std::optional<HttpResponse> console_answer(std::span<const ConsoleFile> files, const HttpRequest& request);

}  // namespace weir::gateway
