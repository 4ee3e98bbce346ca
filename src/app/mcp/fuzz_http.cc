// Any request over HTTP: headers and a body out of any bytes are answered with a status and, where there is a body, with JSON.
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "app/mcp/http.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  using namespace weir::app::mcp;
  namespace json = boost::json;
  const Server server("1", "", {{.name = "echo", .title = "Echo", .about = "Echo", .input = {}, .output = {}, .call = [](const json::object& arguments) -> Result<ToolAnswer> {
                                    return ToolAnswer{.structured = arguments};
                                  }}});
  int64_t now = 0;
  int drawn = 0;
  HttpEndpoint endpoint({.origins = {"o"}, .clock = [&now] { return now += kSessionIdleUs / 8; }, .draw = [&drawn]() -> Result<std::string> { return std::to_string(drawn++); }});
  // Requests one behind the other, whose parts end with lines.
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto next = [&rest] {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view out = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
    return std::string(out);
  };
  const auto header = [&next]() -> std::optional<std::string> {
    std::string value = next();
    if (value.empty()) return std::nullopt;
    return value;
  };
  while (!rest.empty()) {
    HttpRequest request;
    const std::string kind = next();
    request.method = kind.empty() ? "POST" : kind;
    request.target = "/mcp";
    request.accept = "*/*";
    request.content_type = "application/json";
    request.session = header();
    request.revision = header();
    request.mcp_method = header();
    request.mcp_name = header();
    request.authorization = header();
    request.body = next();
    (void)bearer_of(request);
    auto answer = endpoint.refuse(request);
    if (!answer) answer = endpoint.answer(request, "caller", server);
    if (answer->status < 200 || answer->status > 599) std::abort();
    json::error_code error;
    if (!answer->body.empty()) json::parse(answer->body, error);
    if (error || endpoint.sessions() > kSessionsMax) std::abort();
  }
  return 0;
}
