#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"

// The Model Context Protocol, server's side, of which tools are all that is offered: JSON-RPC 2.0, a message a line
// (modelcontextprotocol.io, revisions 2024-11-05 to 2025-11-25). Knows nothing of brains and of files.
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

class Server {
 public:
  // `instructions` tell a model how the tools are meant to be used.
  Server(std::string version, std::string instructions, std::vector<Tool> tools);

  // Takes a message; yields the message to answer with, without the end of its line, if it asks for one.
  std::optional<std::string> answer(std::string_view message);
  // To a message of more than kMessageBytesMax bytes.
  static std::string too_long();

 private:
  std::optional<boost::json::object> one(const boost::json::value& message);
  Result<boost::json::object> request(std::string_view method, const boost::json::object& params);
  boost::json::object initialize(const boost::json::object& params);
  boost::json::object list() const;
  Result<boost::json::object> call(const boost::json::object& params) const;

  const std::string version_, instructions_;
  const std::vector<Tool> tools_;
  std::string revision_;  // agreed on; empty: not yet
};

}  // namespace weir::app::mcp
