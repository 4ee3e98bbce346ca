#include "app/mcp/http.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>

namespace weir::app::mcp {
namespace {

namespace json = boost::json;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// RFC 4648, section 4, strictly.
std::optional<std::string> decoded(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t bits = 0;
    size_t missing = 0;
    for (size_t j = 0; j < 4; ++j) {
      const char c = text[i + j];
      uint32_t value = 0;
      if (c >= 'A' && c <= 'Z') value = static_cast<uint32_t>(c - 'A');
      else if (c >= 'a' && c <= 'z') value = static_cast<uint32_t>(c - 'a' + 26);
      else if (c >= '0' && c <= '9') value = static_cast<uint32_t>(c - '0' + 52);
      else if (c == '+') value = 62;
      else if (c == '/') value = 63;
      else if (c == '=' && i + 4 == text.size() && j >= 2) ++missing;
      else return std::nullopt;
      if (c != '=' && missing > 0) return std::nullopt;
      bits = bits << 6 | value;
    }
    for (size_t j = 0; j < 3 - missing; ++j) out += static_cast<char>(bits >> (16 - 8 * j) & 0xff);
  }
  return out;
}

HttpAnswer json_answer(int status, std::string body) { return {status, std::move(body), {{"Content-Type", "application/json"}}}; }
HttpAnswer json_answer(int status, const json::object& body) { return json_answer(status, json::serialize(body)); }

HttpAnswer of(Answer answer) {
  if (!answer.text) return {202, "", {}};
  return json_answer(answer.status, std::move(*answer.text));
}

// RFC 9110, section 12.5.1; weights are not looked at.
bool accepts(std::string_view accept, std::string_view type) {
  const std::string wanted(type), all = lower(accept);
  for (size_t begin = 0; begin <= all.size();) {
    const size_t end = std::min(all.find(',', begin), all.size());
    std::string_view one(all.data() + begin, end - begin);
    one = one.substr(0, one.find(';'));
    while (!one.empty() && std::isspace(static_cast<unsigned char>(one.front()))) one.remove_prefix(1);
    while (!one.empty() && std::isspace(static_cast<unsigned char>(one.back()))) one.remove_suffix(1);
    if (one == "*/*" || one == wanted || one == wanted.substr(0, wanted.find('/')) + "/*") return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

HttpAnswer refusal(int status, std::string_view what) { return json_answer(status, failure(nullptr, kInvalidRequest, what)); }

std::optional<std::string> bearer_of(const HttpRequest& request) {
  if (!request.authorization) return std::nullopt;
  const std::string& value = *request.authorization;
  constexpr size_t kScheme = 7, kMost = 4096;
  if (value.size() <= kScheme || value.size() > kMost || lower(std::string_view(value).substr(0, kScheme)) != "bearer ") return std::nullopt;
  std::string token = value.substr(kScheme);
  const bool visible = std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  return visible ? std::optional(std::move(token)) : std::nullopt;
}

std::optional<std::string> header_text(std::string_view value) {
  constexpr std::string_view kBegin = "=?base64?", kEnd = "?=";
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\t'; });
  if (!plain) return std::nullopt;
  if (value.size() < kBegin.size() + kEnd.size() || !value.starts_with(kBegin) || !value.ends_with(kEnd)) return std::string(value);
  return decoded(value.substr(kBegin.size(), value.size() - kBegin.size() - kEnd.size()));
}

std::optional<HttpAnswer> HttpEndpoint::refuse(const HttpRequest& request) const {
  // Against pages that reach the server under a name of their own (DNS rebinding).
  if (request.origin && std::find(options_.origins.begin(), options_.origins.end(), *request.origin) == options_.origins.end()) {
    return refusal(403, "pages of this origin may not ask; the server's --allow-origin names those that may");
  }
  if (request.target.substr(0, request.target.find('?')) != kEndpoint) return refusal(404, "the endpoint is " + std::string(kEndpoint));
  // Nothing is said unasked, so that there is no stream to GET.
  if (request.method != "POST" && request.method != "DELETE") {
    HttpAnswer out = refusal(405, "POST messages here");
    out.headers.emplace_back("Allow", "POST, DELETE");
    return out;
  }
  return std::nullopt;
}

HttpAnswer HttpEndpoint::answer(const HttpRequest& request, const std::string& caller, const Server& server) {
  if (request.method == "DELETE") return end(request, caller);
  const std::string type = lower(request.content_type);
  if (type != "application/json" && !type.starts_with("application/json;")) return refusal(415, "Content-Type is not application/json");
  if (!accepts(request.accept, "application/json") || !accepts(request.accept, "text/event-stream")) {
    return refusal(406, "Accept has to list application/json and text/event-stream");
  }
  json::error_code error;
  const json::value message = json::parse(request.body, error);
  if (error) return json_answer(400, failure(nullptr, kParseError, "is no JSON: " + error.message()));
  const Envelope envelope = envelope_of(message);
  // RFC 9110, section 5.5; what is said again in JSON has to be text.
  if (request.revision && !header_text(*request.revision)) return json_answer(400, failure(envelope.id, kHeaderMismatch, "MCP-Protocol-Version has characters that no revision has"));
  if (request.revision && !is_revision(*request.revision)) return json_answer(400, unsupported_revision(envelope.id, *request.revision));
  if (envelope.revision != nullptr || request.revision == kStateless || envelope.method == "server/discover") return alone(request, message, server);
  if (envelope.method == "initialize" && !request.session) return begin(message, caller, server);
  return go_on(request, message, caller, server);
}

// Headers say what the body says, so that whatever stands between may go by them.
HttpAnswer HttpEndpoint::alone(const HttpRequest& request, const json::value& message, const Server& server) const {
  const Envelope envelope = envelope_of(message);
  const auto mismatch = [&](const std::string& what) { return json_answer(400, failure(envelope.id, kHeaderMismatch, what)); };
  Session none;
  // Of what is no request, or says no revision, the server says what is wrong.
  if (envelope.id == nullptr || envelope.revision == nullptr || !envelope.revision->is_string()) return of(server.answer_parsed(message, none));
  const std::string_view revision = envelope.revision->get_string();
  if (!request.revision) return mismatch("MCP-Protocol-Version is not given");
  if (*request.revision != revision) return mismatch("MCP-Protocol-Version is not the revision in _meta");
  if (!request.mcp_method) return mismatch("Mcp-Method is not given");
  if (*request.mcp_method != envelope.method) return mismatch("Mcp-Method is not the method of the message");
  if (envelope.method == "tools/call") {
    if (!request.mcp_name) return mismatch("Mcp-Name is not given");
    const auto name = header_text(*request.mcp_name);
    if (!name || *name != envelope.name) return mismatch("Mcp-Name is not the name of the tool");
  }
  return of(server.answer_parsed(message, none));
}

HttpAnswer HttpEndpoint::begin(const json::value& message, const std::string& caller, const Server& server) {
  Session session;
  HttpAnswer out = of(server.answer_parsed(message, session));
  if (session.revision.empty()) return out;
  auto name = options_.draw();
  if (!name) return refusal(503, name.error().text());
  const int64_t now = options_.clock();
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [&](const auto& each) { return now - each.second.used_us > kSessionIdleUs; });
  const auto own = std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& each) { return each.second.caller == caller; });
  if (sessions_.size() >= kSessionsMax || static_cast<size_t>(own) >= kSessionsPerCallerMax) return refusal(503, "too many sessions are open; end one with DELETE");
  out.headers.emplace_back("Mcp-Session-Id", *name);
  sessions_[std::move(*name)] = {caller, std::move(session), now};
  return out;
}

HttpAnswer HttpEndpoint::go_on(const HttpRequest& request, const json::value& message, const std::string& caller, const Server& server) {
  if (!request.session) return refusal(400, "Mcp-Session-Id is not given; begin with initialize, or send a revision in _meta");
  Session session;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(*request.session);
    // Another's session is as none, so that nobody learns of it.
    if (found == sessions_.end() || found->second.caller != caller || options_.clock() - found->second.used_us > kSessionIdleUs) {
      return refusal(404, "there is no such session; begin anew with initialize");
    }
    found->second.used_us = options_.clock();
    session = found->second.session;
  }
  // Clients of 2025-03-26 do not send it.
  if (request.revision && *request.revision != session.revision) return refusal(400, "MCP-Protocol-Version is not what the session agreed on");
  return of(server.answer_parsed(message, session));
}

HttpAnswer HttpEndpoint::end(const HttpRequest& request, const std::string& caller) {
  if (!request.session) return refusal(400, "Mcp-Session-Id is not given");
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(*request.session);
  if (found == sessions_.end() || found->second.caller != caller) return refusal(404, "there is no such session");
  sessions_.erase(found);
  return {204, "", {}};
}

size_t HttpEndpoint::sessions() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

}  // namespace weir::app::mcp
