// Any bytes on standard input: each line is answered with one line of JSON-RPC, or not at all.
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "app/mcp/lines.h"
#include "app/mcp/server.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  using namespace weir::app::mcp;
  namespace json = boost::json;
  const auto echo = [](const json::object& arguments) -> Result<ToolAnswer> {
    if (arguments.contains("fail")) return fail(ErrorCode::kNotFound, "as was asked", "echo");
    return ToolAnswer{.structured = arguments, .text = "echo"};
  };
  Server server("1", "", {{.name = "echo", .title = "Echo", .about = "Echo", .input = {}, .output = {}, .changes = true, .call = echo}});
  const auto check = [](const std::string& line) {
    json::error_code error;
    const json::value answer = json::parse(line, error);
    if (error || line.find('\n') != std::string::npos) std::abort();
    const auto sound = [](const json::value& one) {
      const json::object& fields = one.as_object();
      if (fields.at("jsonrpc") != "2.0" || !fields.contains("id") || fields.contains("result") == fields.contains("error")) std::abort();
    };
    if (answer.is_array()) {
      for (const json::value& one : answer.get_array()) sound(one);
    } else {
      sound(answer);
    }
  };
  Session session;
  Lines lines(4096);
  const auto take = [&](std::optional<std::string_view> line) {
    if (!line) return check(Server::too_long());
    if (const auto answer = server.answer(*line, session).text) check(*answer);
  };
  // In pieces of the size that the first byte says.
  const size_t piece = size == 0 ? 1 : size_t{data[0]} + 1;
  for (size_t at = 0; at < size; at += piece) {
    lines.take({reinterpret_cast<const char*>(data) + at, std::min(piece, size - at)}, take);
  }
  return 0;
}
