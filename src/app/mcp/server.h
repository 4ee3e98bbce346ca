#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"

// The Model Context Protocol, server's side, of which tools are all that is offered: JSON-RPC 2.0 (modelcontextprotocol.io,
// revisions 2024-11-05 to 2025-11-25, which begin with a handshake, and 2026-07-28, whose every request stands alone;
// docs/design/mcp.md). Knows nothing of brains and of files.
namespace weir::app::mcp {

inline constexpr size_t kMessageBytesMax = size_t{2} << 20;  // in
inline constexpr size_t kAnswerBytesMax = size_t{8} << 20;   // of one tool; what is larger is refused with advice
inline constexpr size_t kBatchMax = 64;                      // messages in one, where the revision has batches

struct ToolAnswer {
  boost::json::object structured;  // as the tool's output schema says
  std::string text;                // for people and models, before the structured answer; may be empty
  bool refused = false;            // it was not done, and the text says why
};

struct Tool {
  std::string name, title, about;
  boost::json::object input, output;  // JSON Schemas
  bool changes = false;               // anything; otherwise it only reads
  bool destroys = false;              // it may end what is there
  // An error is told as the outcome of the tool, so that a model can do better.
  std::function<Result<ToolAnswer>(const boost::json::object& arguments)> call;
};

inline constexpr std::string_view kStateless = "2026-07-28";  // the revision without handshake
bool is_revision(std::string_view name);                       // that is spoken

// Codes of errors that HTTP needs to know (JSON-RPC 2.0, section 5.1; MCP 2026-07-28, Error Codes).
enum Code : int { kParseError = -32700, kInvalidRequest = -32600, kMethodNotFound = -32601, kInvalidParams = -32602, kHeaderMismatch = -32020, kUnsupportedRevision = -32022 };
// A response that says what is wrong; an id that is neither a text nor a whole number becomes null.
boost::json::object failure(const boost::json::value* id, int code, std::string_view what);
boost::json::object unsupported_revision(const boost::json::value* id, std::string_view asked);

// What a request says of itself, where it is one object; the revision only of requests that stand alone.
struct Envelope {
  const boost::json::value* id = nullptr;
  std::string_view method, name;
  const boost::json::value* revision = nullptr;
};
Envelope envelope_of(const boost::json::value& message);

// What the handshake agreed on, of one client.
struct Session {
  std::string revision;  // empty: not yet
};

struct Answer {
  std::optional<std::string> text;  // the message to answer with, without the end of its line, if one is asked for
  int status = 200;                 // of HTTP
};

class Server {
 public:
  // `instructions` tell a model how the tools are meant to be used.
  Server(std::string version, std::string instructions, std::vector<Tool> tools);

  Answer answer(std::string_view message, Session& session) const;
  Answer answer_parsed(const boost::json::value& message, Session& session) const;
  // To a message of more than kMessageBytesMax bytes.
  static std::string too_long();

 private:
  std::optional<boost::json::object> one(const boost::json::value& message, Session& session, int& status) const;
  boost::json::object alone(const Envelope& envelope, const boost::json::object& params, int& status) const;
  Result<boost::json::object> request(std::string_view method, const boost::json::object& params, Session& session) const;
  boost::json::object initialize(const boost::json::object& params, Session& session) const;
  boost::json::object list(std::string_view revision) const;
  Result<boost::json::object> call(const boost::json::object& params, std::string_view revision) const;
  boost::json::object about() const;

  const std::string version_, instructions_;
  const std::vector<Tool> tools_;
};

}  // namespace weir::app::mcp
