#include "app/mcp/server.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace weir::app::mcp {
namespace {

namespace json = boost::json;

// The newest first.
constexpr std::array<std::string_view, 4> kRevisions = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};
constexpr std::string_view kWithBatches = "2025-03-26", kFirstWithAnnotations = "2025-03-26", kFirstWithStructure = "2025-06-18";

// JSON-RPC 2.0, section 5.1.
enum Code : int { kParseError = -32700, kInvalidRequest = -32600, kMethodNotFound = -32601, kInvalidParams = -32602 };

json::object failure(const json::value& id, int code, std::string_view what) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", what}}}};
}

int code_of(ErrorCode code) {
  return code == ErrorCode::kUnsupported ? kMethodNotFound : code == ErrorCode::kConflict ? kInvalidRequest : kInvalidParams;
}

json::object text_content(std::string_view text) { return {{"type", "text"}, {"text", text}}; }
json::object refusal(std::string_view text) { return {{"content", {text_content(text)}}, {"isError", true}}; }

}  // namespace

Server::Server(std::string version, std::string instructions, std::vector<Tool> tools)
    : version_(std::move(version)), instructions_(std::move(instructions)), tools_(std::move(tools)) {}

std::string Server::too_long() {
  return json::serialize(failure(nullptr, kInvalidRequest, "the message has more than " + std::to_string(kMessageBytesMax) + " bytes"));
}

std::optional<std::string> Server::answer(std::string_view message) {
  json::error_code error;
  const json::value parsed = json::parse({message.data(), message.size()}, error);
  if (error) return json::serialize(failure(nullptr, kParseError, "is no JSON: " + error.message()));
  if (!parsed.is_array()) {
    const auto out = one(parsed);
    return out ? std::optional(json::serialize(*out)) : std::nullopt;
  }
  const json::array& batch = parsed.get_array();
  if (revision_ != kWithBatches || batch.empty() || batch.size() > kBatchMax) {
    return json::serialize(failure(nullptr, kInvalidRequest, "is no single message"));
  }
  // Together they are no larger than one may be; what goes beyond is not done.
  std::string out;
  for (const json::value& each : batch) {
    const json::object* fields = each.if_object();
    const json::value* id = fields != nullptr ? fields->if_contains("id") : nullptr;
    if (out.size() > kAnswerBytesMax) {
      if (id != nullptr) out += "," + json::serialize(failure(*id, kInvalidRequest, "the answers of this batch are too large already: ask again, alone"));
    } else if (const auto answered = one(each)) {
      out += (out.empty() ? "" : ",") + json::serialize(*answered);
    }
  }
  return out.empty() ? std::nullopt : std::optional("[" + out + "]");
}

std::optional<json::object> Server::one(const json::value& message) {
  const json::object* fields = message.if_object();
  const auto find = [fields](std::string_view name) { return fields != nullptr ? fields->if_contains(name) : nullptr; };
  const json::value* id = find("id");
  const bool good_id = id != nullptr && (id->is_string() || id->is_int64() || id->is_uint64());
  const json::value known = good_id ? *id : json::value(nullptr);
  const json::value* version = find("jsonrpc");
  if (version == nullptr || *version != "2.0") return failure(known, kInvalidRequest, "is no message of JSON-RPC 2.0");
  const json::value* method = find("method");
  // Nothing is asked of the client, so that its answers answer nothing.
  if (method == nullptr && (find("result") != nullptr || find("error") != nullptr)) return std::nullopt;
  if (method == nullptr || !method->is_string()) return failure(known, kInvalidRequest, "has no method");
  if (id == nullptr) return std::nullopt;  // a notification
  if (!good_id) return failure(nullptr, kInvalidRequest, "the id is neither a text nor a whole number");
  const json::value* params = find("params");
  if (params != nullptr && !params->is_object()) return failure(known, kInvalidParams, "params are no object");
  const auto result = request(method->get_string(), params != nullptr ? params->get_object() : json::object());
  if (!result) return failure(known, code_of(result.error().code), result.error().text());
  return json::object{{"jsonrpc", "2.0"}, {"id", known}, {"result", *result}};
}

Result<json::object> Server::request(std::string_view method, const json::object& params) {
  if (method == "ping") return json::object();
  if (method == "initialize") {
    if (!revision_.empty()) return fail(ErrorCode::kConflict, "the session has begun already", "initialize");
    const json::value* asked = params.if_contains("protocolVersion");
    if (asked == nullptr || !asked->is_string()) return fail(ErrorCode::kInvalid, "is not given", "protocolVersion");
    return initialize(params);
  }
  if (revision_.empty()) return fail(ErrorCode::kConflict, "the session has not begun", std::string(method), "send initialize first");
  if (method == "tools/list") {
    // All tools stand on one page.
    if (params.contains("cursor")) return fail(ErrorCode::kInvalid, "is none that was given", "cursor");
    return list();
  }
  if (method == "tools/call") return call(params);
  return fail(ErrorCode::kUnsupported, "no such method", std::string(method));
}

json::object Server::initialize(const json::object& params) {
  const std::string_view asked = params.at("protocolVersion").get_string();
  const bool known = std::find(kRevisions.begin(), kRevisions.end(), asked) != kRevisions.end();
  revision_ = known ? asked : kRevisions.front();
  return {{"protocolVersion", revision_},
          {"capabilities", {{"tools", json::object()}}},
          {"serverInfo", {{"name", "weir"}, {"title", "Weir"}, {"version", version_}}},
          {"instructions", instructions_}};
}

json::object Server::list() const {
  json::array out;
  for (const Tool& tool : tools_) {
    json::object one = {{"name", tool.name}, {"description", tool.about}, {"inputSchema", tool.input}};
    if (revision_ >= kFirstWithStructure) {
      one["title"] = tool.title;
      one["outputSchema"] = tool.output;
    }
    if (revision_ >= kFirstWithAnnotations) {
      one["annotations"] = {{"title", tool.title}, {"readOnlyHint", !tool.changes}, {"openWorldHint", false}};
      // Of what changes nothing they say nothing.
      if (tool.changes) {
        one["annotations"].as_object()["destructiveHint"] = tool.destroys;
        one["annotations"].as_object()["idempotentHint"] = true;
      }
    }
    out.push_back(std::move(one));
  }
  return {{"tools", std::move(out)}};
}

Result<json::object> Server::call(const json::object& params) const {
  const json::value* name = params.if_contains("name");
  if (name == nullptr || !name->is_string()) return fail(ErrorCode::kInvalid, "is not given", "name");
  const std::string_view wanted = name->get_string();
  const auto tool = std::find_if(tools_.begin(), tools_.end(), [&](const Tool& each) { return each.name == wanted; });
  if (tool == tools_.end()) return fail(ErrorCode::kInvalid, "there is no such tool", std::string(wanted.substr(0, 100)), "tools/list names them");
  const json::value* arguments = params.if_contains("arguments");
  if (arguments != nullptr && !arguments->is_object()) return fail(ErrorCode::kInvalid, "are no object", "arguments");
  auto done = tool->call(arguments != nullptr ? arguments->get_object() : json::object());
  if (!done) return refusal(done.error().text());
  const std::string structured = json::serialize(done->structured);
  if (structured.size() > kAnswerBytesMax) {
    return refusal("The answer has more than " + std::to_string(kAnswerBytesMax) + " bytes. Ask for less: a filter, or a smaller page_size.");
  }
  // The structured answer stands in the text as well: to a client that knows nothing else, it is the answer.
  json::array content;
  if (!done->text.empty()) content.push_back(text_content(done->text));
  if (!done->structured.empty()) content.push_back(text_content(structured));
  json::object out = {{"content", std::move(content)}};
  if (revision_ >= kFirstWithStructure && !done->structured.empty()) out["structuredContent"] = std::move(done->structured);
  out["isError"] = done->refused;
  return out;
}

}  // namespace weir::app::mcp
