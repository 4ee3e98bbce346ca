#include "service/gateway/console_files.h"

#include <algorithm>
#include <string>

namespace weir::gateway {
namespace {

// Nothing but the console's own files runs, and no other page may frame it.
constexpr std::string_view kGuards =
    "Content-Security-Policy: default-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n";

}  // namespace

std::optional<HttpResponse> console_answer(std::span<const ConsoleFile> files, const HttpRequest& request) {
  std::string_view path = request.target;
  path = path.substr(0, path.find('?'));
  if (path == "/") path = "/index.html";
  if (files.empty() && path == "/index.html") {
    return problem({ErrorCode::kNotFound, "this build has no web console", "/", "build where npm can fetch the console's packages"}, 404);
  }
  const auto file = std::find_if(files.begin(), files.end(), [&](const ConsoleFile& one) { return one.path == path; });
  if (file == files.end()) return std::nullopt;
  if (request.method != "GET") {
    HttpResponse out = problem({ErrorCode::kInvalid, request.method + " is not possible here", std::string(path), "use GET"}, 405);
    out.allow = "GET";
    return out;
  }
  HttpResponse out{.content_type = std::string(file->content_type)};
  out.cache_control = path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
  out.headers = std::string(kGuards) + "ETag: " + std::string(file->etag) + "\r\nVary: Accept-Encoding\r\n";
  if (lists(request.if_none_match, file->etag)) {
    out.status = 304;
    return out;
  }
  if (!request.accept_encoding.empty() && !lists(request.accept_encoding, "gzip")) {
    return problem({ErrorCode::kInvalid, "is kept compressed", std::string(path), "send Accept-Encoding: gzip"}, 406);
  }
  out.headers += "Content-Encoding: gzip\r\n";
  out.body = file->gzip;
  return out;
}

}  // namespace weir::gateway
