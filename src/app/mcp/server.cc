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

constexpr std::string_view kRevisionKey = "io.modelcontextprotocol/protocolVersion", kCapabilitiesKey = "io.modelcontextprotocol/clientCapabilities",
                           kServerKey = "io.modelcontextprotocol/serverInfo";
// Tools are those of the program: they change with it, and are the same for all.
constexpr int64_t kListTtlMs = 3'600'000;

bool good(const json::value* id) { return id != nullptr && (id->is_string() || id->is_int64() || id->is_uint64()); }

int code_of(ErrorCode code) {
  return code == ErrorCode::kUnsupported ? kMethodNotFound : code == ErrorCode::kConflict ? kInvalidRequest : kInvalidParams;
}

json::object text_content(std::string_view text) { return {{"type", "text"}, {"text", text}}; }
json::object refusal(std::string_view text) { return {{"content", {text_content(text)}}, {"isError", true}}; }

const json::object* object_in(const json::object* of, std::string_view name) {
  const json::value* found = of != nullptr ? of->if_contains(name) : nullptr;
  return found != nullptr ? found->if_object() : nullptr;
}

std::string_view text_in(const json::object* of, std::string_view name) {
  const json::value* found = of != nullptr ? of->if_contains(name) : nullptr;
  return found != nullptr && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

}  // namespace

bool is_revision(std::string_view name) { return name == kStateless || std::find(kRevisions.begin(), kRevisions.end(), name) != kRevisions.end(); }

json::object failure(const json::value* id, int code, std::string_view what) {
  return {{"jsonrpc", "2.0"}, {"id", good(id) ? *id : json::value(nullptr)}, {"error", {{"code", code}, {"message", what}}}};
}

json::object unsupported_revision(const json::value* id, std::string_view asked) {
  json::object out = failure(id, kUnsupportedRevision, "this revision of the protocol is not spoken");
  json::array all{kStateless};
  for (const std::string_view each : kRevisions) all.push_back(json::string(each));
  out["error"].as_object()["data"] = {{"supported", std::move(all)}, {"requested", asked}};
  return out;
}

Envelope envelope_of(const json::value& message) {
  Envelope out;
  const json::object* fields = message.if_object();
  if (fields == nullptr) return out;
  out.id = fields->if_contains("id");
  out.method = text_in(fields, "method");
  const json::object* params = object_in(fields, "params");
  out.name = text_in(params, "name");
  const json::object* meta = object_in(params, "_meta");
  out.revision = meta != nullptr ? meta->if_contains(kRevisionKey) : nullptr;
  return out;
}

Server::Server(std::string version, std::string instructions, std::vector<Tool> tools)
    : version_(std::move(version)), instructions_(std::move(instructions)), tools_(std::move(tools)) {}

std::string Server::too_long() {
  return json::serialize(failure(nullptr, kInvalidRequest, "the message has more than " + std::to_string(kMessageBytesMax) + " bytes"));
}

Answer Server::answer(std::string_view message, Session& session) const {
  json::error_code error;
  const json::value parsed = json::parse({message.data(), message.size()}, error);
  if (error) return {json::serialize(failure(nullptr, kParseError, "is no JSON: " + error.message())), 400};
  return answer_parsed(parsed, session);
}

Answer Server::answer_parsed(const json::value& message, Session& session) const {
  Answer done;
  if (!message.is_array()) {
    if (const auto out = one(message, session, done.status)) done.text = json::serialize(*out);
    return done;
  }
  const json::array& batch = message.get_array();
  if (session.revision != kWithBatches || batch.empty() || batch.size() > kBatchMax) {
    return {json::serialize(failure(nullptr, kInvalidRequest, "is no single message")), 400};
  }
  // Together they are no larger than one may be; what goes beyond is not done.
  std::string out;
  for (const json::value& each : batch) {
    const json::object* fields = each.if_object();
    const json::value* id = fields != nullptr ? fields->if_contains("id") : nullptr;
    int ignored = 0;
    if (out.size() > kAnswerBytesMax) {
      if (id != nullptr) out += "," + json::serialize(failure(id, kInvalidRequest, "the answers of this batch are too large already: ask again, alone"));
    } else if (const auto answered = one(each, session, ignored)) {
      out += (out.empty() ? "" : ",") + json::serialize(*answered);
    }
  }
  if (!out.empty()) done.text = "[" + out + "]";
  return done;
}

std::optional<json::object> Server::one(const json::value& message, Session& session, int& status) const {
  const json::object* fields = message.if_object();
  const auto find = [fields](std::string_view name) { return fields != nullptr ? fields->if_contains(name) : nullptr; };
  const Envelope envelope = envelope_of(message);
  const json::value* version = find("jsonrpc");
  status = 400;
  if (version == nullptr || *version != "2.0") return failure(envelope.id, kInvalidRequest, "is no message of JSON-RPC 2.0");
  const json::value* method = find("method");
  // Nothing is asked of the client, so that its answers answer nothing.
  const bool response = method == nullptr && (find("result") != nullptr || find("error") != nullptr);
  if (!response && (method == nullptr || !method->is_string())) return failure(envelope.id, kInvalidRequest, "has no method");
  if (response || envelope.id == nullptr) {  // or a notification
    status = 202;
    return std::nullopt;
  }
  if (!good(envelope.id)) return failure(nullptr, kInvalidRequest, "the id is neither a text nor a whole number");
  // JSON-RPC has no null there, and some clients write it for nothing.
  const json::value* params = find("params");
  if (params != nullptr && params->is_null()) params = nullptr;
  if (params != nullptr && !params->is_object()) return failure(envelope.id, kInvalidParams, "params are no object");
  const json::object none;
  const json::object& given = params != nullptr ? params->get_object() : none;
  status = 200;
  if (envelope.revision != nullptr || envelope.method == "server/discover") return alone(envelope, given, status);
  const auto result = request(envelope.method, given, session);
  if (!result) return failure(envelope.id, code_of(result.error().code), result.error().text());
  return json::object{{"jsonrpc", "2.0"}, {"id", *envelope.id}, {"result", *result}};
}

// MCP 2026-07-28: Overview, Versioning, Discovery, Tools, Caching.
json::object Server::alone(const Envelope& envelope, const json::object& params, int& status) const {
  status = 400;
  const json::object* meta = object_in(&params, "_meta");
  if (envelope.revision == nullptr || !envelope.revision->is_string()) return failure(envelope.id, kInvalidParams, std::string(kRevisionKey) + " is not given in _meta");
  if (std::string_view(envelope.revision->get_string()) != kStateless) return unsupported_revision(envelope.id, envelope.revision->get_string());
  if (object_in(meta, kCapabilitiesKey) == nullptr) return failure(envelope.id, kInvalidParams, std::string(kCapabilitiesKey) + " is not given in _meta");
  status = 200;
  json::object out;
  if (envelope.method == "server/discover") {
    json::array all{kStateless};
    for (const std::string_view each : kRevisions) all.push_back(json::string(each));
    out = {{"supportedVersions", std::move(all)}, {"capabilities", {{"tools", json::object()}}}, {"instructions", instructions_}};
  } else if (envelope.method == "tools/list") {
    // All tools stand on one page.
    if (params.contains("cursor")) return failure(envelope.id, kInvalidParams, "cursor: is none that was given");
    out = list(kStateless);
  } else if (envelope.method == "tools/call") {
    auto called = call(params, kStateless);
    if (!called) return failure(envelope.id, code_of(called.error().code), called.error().text());
    out = std::move(*called);
  } else {
    status = 404;
    return failure(envelope.id, kMethodNotFound, "no such method in revision " + std::string(kStateless));
  }
  if (envelope.method != "tools/call") {
    out["ttlMs"] = kListTtlMs;
    out["cacheScope"] = "public";
  }
  out["resultType"] = "complete";
  out["_meta"] = {{kServerKey, about()}};
  return {{"jsonrpc", "2.0"}, {"id", *envelope.id}, {"result", std::move(out)}};
}

Result<json::object> Server::request(std::string_view method, const json::object& params, Session& session) const {
  if (method == "ping") return json::object();
  if (method == "initialize") {
    if (!session.revision.empty()) return fail(ErrorCode::kConflict, "the session has begun already", "initialize");
    const json::value* asked = params.if_contains("protocolVersion");
    if (asked == nullptr || !asked->is_string()) return fail(ErrorCode::kInvalid, "is not given", "protocolVersion");
    return initialize(params, session);
  }
  if (session.revision.empty()) return fail(ErrorCode::kConflict, "the session has not begun", std::string(method), "send initialize first");
  if (method == "tools/list") {
    if (params.contains("cursor")) return fail(ErrorCode::kInvalid, "is none that was given", "cursor");
    return list(session.revision);
  }
  if (method == "tools/call") return call(params, session.revision);
  return fail(ErrorCode::kUnsupported, "no such method", std::string(method));
}

json::object Server::about() const { return {{"name", "weir"}, {"title", "Weir"}, {"version", version_}}; }

json::object Server::initialize(const json::object& params, Session& session) const {
  const std::string_view asked = params.at("protocolVersion").get_string();
  const bool known = std::find(kRevisions.begin(), kRevisions.end(), asked) != kRevisions.end();
  session.revision = known ? asked : kRevisions.front();
  return {{"protocolVersion", session.revision},
          {"capabilities", {{"tools", json::object()}}},
          {"serverInfo", about()},
          {"instructions", instructions_}};
}

json::object Server::list(std::string_view revision) const {
  json::array out;
  for (const Tool& tool : tools_) {
    json::object one = {{"name", tool.name}, {"description", tool.about}, {"inputSchema", tool.input}};
    if (revision >= kFirstWithStructure) {
      one["title"] = tool.title;
      one["outputSchema"] = tool.output;
    }
    if (revision >= kFirstWithAnnotations) {
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

Result<json::object> Server::call(const json::object& params, std::string_view revision) const {
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
  if (revision >= kFirstWithStructure && !done->structured.empty()) out["structuredContent"] = std::move(done->structured);
  out["isError"] = done->refused;
  return out;
}

}  // namespace weir::app::mcp
