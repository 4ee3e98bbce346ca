#include "service/gateway/rest_routes.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <type_traits>

#include "core/units/text.h"
#include "security/identity/token_text.h"
#include "service/gateway/field_mask.h"
#include "service/gateway/names.h"
#include "service/gateway/sign_in.h"
#include "service/gateway/tmf921_routes.h"
#include "service/gateway/views.h"
#include "service/resource/resource.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string to_json(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = false;
  std::string out;
  if (!google::protobuf::util::MessageToJsonString(message, &out, options).ok()) return "{}";
  return out;
}

Status from_json(const std::string& text, Message& message) {
  if (text.empty()) return {};
  const auto parsed = google::protobuf::util::JsonStringToMessage(text, &message);
  if (parsed.ok()) return {};
  return fail(ErrorCode::kInvalid, std::string(parsed.message()), "body", "send JSON as docs/reference/api.md shows");
}

// Sets a field by its name in the schema or in JSON.
Status set_field(Message& message, const std::string& name, const std::string& value) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (!field) field = message.GetDescriptor()->FindFieldByCamelcaseName(name);
  if (!field || field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return fail(ErrorCode::kInvalid, "\"" + name + "\" is not a parameter", "query",
                "docs/reference/api.md lists the parameters");
  }
  const auto* reflection = message.GetReflection();
  const auto wrong = [&] { return fail(ErrorCode::kInvalid, "\"" + value + "\" does not fit", "query: " + name); };
  const auto number = parse_number(value);
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (field->is_repeated()) {
        for (size_t at = 0; at <= value.size();) {
          const size_t comma = std::min(value.find(',', at), value.size());
          reflection->AddString(&message, field, value.substr(at, comma - at));
          at = comma + 1;
        }
      } else {
        reflection->SetString(&message, field, value);
      }
      return {};
    case FieldDescriptor::CPPTYPE_BOOL:
      if (value != "true" && value != "false" && value != "1" && value != "0" && !value.empty()) return wrong();
      reflection->SetBool(&message, field, value != "false" && value != "0");
      return {};
    case FieldDescriptor::CPPTYPE_UINT64:
      if (!number) return wrong();
      reflection->SetUInt64(&message, field, *number);
      return {};
    case FieldDescriptor::CPPTYPE_UINT32:
      if (!number || *number > UINT32_MAX) return wrong();
      reflection->SetUInt32(&message, field, static_cast<uint32_t>(*number));
      return {};
    case FieldDescriptor::CPPTYPE_INT64:
      if (!number || *number > INT64_MAX) return wrong();
      reflection->SetInt64(&message, field, static_cast<int64_t>(*number));
      return {};
    case FieldDescriptor::CPPTYPE_INT32:
      if (!number || *number > INT32_MAX) return wrong();
      reflection->SetInt32(&message, field, static_cast<int32_t>(*number));
      return {};
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* known = field->enum_type()->FindValueByName(value);
      if (!known) return wrong();
      reflection->SetEnum(&message, field, known);
      return {};
    }
    default:
      return wrong();
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return fail(ErrorCode::kInvalid, "holds a bad escape", "target", "write %20 for a space");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return fail(ErrorCode::kInvalid, "holds a control character", "target");
    }
    out += c;
  }
  if (!valid_utf8(out)) return fail(ErrorCode::kInvalid, "is not UTF-8", "target", "percent-encode UTF-8");
  return out;
}

}  // namespace

std::optional<Match> match(const std::vector<std::string>& path, std::string_view pattern) {
  Match out;
  size_t at = 0;
  while (!pattern.empty()) {
    pattern.remove_prefix(1);
    const std::string_view segment = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(segment.size());
    if (at == path.size()) return std::nullopt;
    if (segment.front() == '{') {
      out.fields.emplace_back(segment.substr(1, segment.size() - 2), path[at]);
    } else if (segment != path[at]) {
      return std::nullopt;
    }
    ++at;
  }
  return at == path.size() ? std::optional(std::move(out)) : std::nullopt;
}

namespace {

constexpr std::string_view kFields = "fields";

struct Call {
  Service& service;
  Caller who;
  const HttpRequest& http;
  const Target& target;
  const Match& matched;

  // Path, query and body into the request's fields; the path wins. With `masks`, `fields` is about the answer.
  Status fill(Message& request, bool body, bool masks = false) const {
    if (body) {
      if (const Status read = from_json(http.body, request); !read) return read;
    } else if (!http.body.empty()) {
      return fail(ErrorCode::kInvalid, "a body is not expected here", "body");
    }
    for (const auto& [name, value] : target.query) {
      if (masks && name == kFields) continue;
      if (const Status set = set_field(request, name, value); !set) return set;
    }
    for (const auto& [name, value] : matched.fields) {
      if (const Status set = set_field(request, name, value); !set) return set;
    }
    return {};
  }
};

HttpResponse json_response(const Message& message) { return {200, "application/json", to_json(message), {}}; }

// The paths of all parameters `fields`; without one, all is kept.
Result<FieldTree> mask_of(const Target& target, const google::protobuf::Descriptor& of) {
  std::optional<std::string> paths;
  for (const auto& [name, value] : target.query) {
    if (name == kFields) paths = paths ? *paths + "," + value : value;
  }
  return paths ? parse_field_mask(*paths, of) : FieldTree{};
}

// With a weak validator of what was read, whichever version of the graph it was read at.
template <class Response>
HttpResponse read_response(Response message, const FieldTree& mask, const std::string& if_none_match) {
  if constexpr (std::is_same_v<Response, v1::ListResponse>) {
    const std::string next = message.next_page_token();  // what is left out must not look like the last page
    keep_fields(mask, message);
    message.set_next_page_token(next);
  } else {
    keep_fields(mask, message);
  }
  HttpResponse out = json_response(message);
  if constexpr (std::is_same_v<Response, v1::GetResponse> || std::is_same_v<Response, v1::ListResponse>) {
    message.clear_version();
    const std::string tag = "\"" + identity::sha256_hex(to_json(message)).substr(0, 32) + "\"";
    out.headers = "ETag: W/" + tag + "\r\n";
    if (lists(if_none_match, tag)) {
      out.status = 304;
      out.body.clear();
    }
  }
  return out;
}

template <class Request, class Response, class Who>
Routed read(const Call& call, Result<Response> (Service::*handler)(const Who&, const Request&), bool body = false) {
  Request request;
  const bool masks = call.http.method == "GET";
  if (const Status filled = call.fill(request, body, masks); !filled) return problem(filled.error());
  auto mask = !masks ? Result<FieldTree>() : mask_of(call.target, *Response::descriptor());
  if (!mask) return problem(mask.error());
  return Answer{[&service = call.service, who = call.who, request = std::move(request), mask = std::move(*mask), if_none_match = call.http.if_none_match,
                 handler](const std::function<void(HttpResponse)>& done) {
    auto response = (service.*handler)(who, request);
    done(response ? read_response(std::move(*response), mask, if_none_match) : problem(response.error()));
  }};
}

template <class Request, class Response>
Routed begin_change(Service& service, const policy::Principal& who, Request request,
                    void (Service::*handler)(const policy::Principal&, const Request&, Service::Reply<Response>)) {
  return Answer{[&service, who, request = std::move(request), handler](std::function<void(HttpResponse)> done) {
    (service.*handler)(who, request, [done = std::move(done)](Result<Response> response) {
      done(response ? json_response(*response) : problem(response.error()));
    });
  }};
}

template <class Request, class Response>
Routed change(const Call& call, bool body,
              void (Service::*handler)(const policy::Principal&, const Request&, Service::Reply<Response>)) {
  Request request;
  if (const Status filled = call.fill(request, body); !filled) return problem(filled.error());
  return begin_change(call.service, call.who, std::move(request), handler);
}

// A body in YAML is a file as `weir apply -f` takes it.
Routed apply(const Call& call) {
  if (call.http.content_type.find("yaml") == std::string::npos) {
    return change<v1::ApplyRequest, v1::ApplyResponse>(call, true, &Service::apply);
  }
  const auto resources = resource::parse(call.http.body, "body");
  if (!resources) return problem(resources.error());
  v1::ApplyRequest request;
  for (const resource::Resource& item : *resources) resource::to_message(item, *request.add_resources());
  for (const auto& [name, value] : call.target.query) {
    if (const Status set = set_field(request, name, value); !set) return problem(set.error());
  }
  return begin_change<v1::ApplyRequest, v1::ApplyResponse>(call.service, call.who, std::move(request), &Service::apply);
}

Routed events(const Call& call) {
  EventsBegin out{call.who, std::make_shared<v1::EventsRequest>(), 0, {}};
  out.request->set_follow(true);
  if (const Status filled = call.fill(*out.request, false); !filled) return problem(filled.error());
  if (const Status may = call.service.check_events(call.who, *out.request); !may) return problem(may.error());
  out.next = out.request->tail() ? call.service.brain().durable()->version() : out.request->from();
  if (!call.http.last_event_id.empty()) {
    const auto last = parse_number(call.http.last_event_id);
    if (!last || *last >= kNoPosition - 1) {
      return problem({ErrorCode::kInvalid, "is not the position of an event", "Last-Event-ID"});
    }
    out.next = *last + 1;
  }
  return out;
}

Routed logs(const Call& call) {
  LogsBegin out{call.who, std::make_shared<v1::LogsRequest>(), {}};
  if (const Status filled = call.fill(*out.request, false); !filled) return problem(filled.error());
  return out;
}

// In units of the rate limits: about how much of the brain's time it takes.
constexpr int64_t kLightCost = 1, kApplyCost = 5, kBillCost = 5, kWhatIfCost = 10, kAskCost = 50;

enum class Effect : uint8_t {
  kNone,
  kChange,
  kSecret,  // a change whose answer is not kept: it holds a secret
};
struct Route {
  std::string_view method, pattern;
  Routed (*handle)(const Call&);
  Effect effect = Effect::kNone;
  int64_t cost = kLightCost;
};
constexpr Route kRoutes[] = {
    {"POST", "/v1/apply", apply, Effect::kChange, kApplyCost},
    {"GET", "/v1/resources/{kind}/{name}", [](const Call& c) { return read(c, &Service::get); }},
    {"GET", "/v1/resources/{kind}", [](const Call& c) { return read(c, &Service::list); }},
    {"DELETE", "/v1/resources/{kind}/{name}",
     [](const Call& c) { return change(c, false, &Service::remove); }, Effect::kChange},
    {"GET", "/v1/explanations/{intent}", [](const Call& c) { return read(c, &Service::explain); }},
    {"GET", "/v1/workflows/{workflow}/explanation", [](const Call& c) { return read(c, &Service::explain); }},
    {"POST", "/v1/ask", [](const Call& c) { return read(c, &Service::ask, true); }, Effect::kNone, kAskCost},
    {"POST", "/v1/dialogues", [](const Call& c) { return change(c, true, &Service::record_dialogue); }, Effect::kChange},
    {"POST", "/v1/intents/{intent}/verdict", [](const Call& c) { return change(c, true, &Service::rate); }, Effect::kChange},
    {"POST", "/v1/sites/{site}/drain", [](const Call& c) { return change(c, true, &Service::drain); }, Effect::kChange},
    {"POST", "/v1/sites/{site}/undrain", [](const Call& c) { return change(c, true, &Service::undrain); }, Effect::kChange},
    {"POST", "/v1/nodes/{node}/cordon", [](const Call& c) { return change(c, true, &Service::cordon); }, Effect::kChange},
    {"POST", "/v1/nodes/{node}/uncordon", [](const Call& c) { return change(c, true, &Service::uncordon); }, Effect::kChange},
    {"POST", "/v1/sites/{site}/revoke", [](const Call& c) { return change(c, true, &Service::revoke_site); }, Effect::kChange},
    {"GET", "/v1/events", events},
    {"GET", "/v1/runs/{plan}/{item}/logs", logs},
    {"GET", "/v1/bill", [](const Call& c) { return read(c, &Service::bill); }, Effect::kNone, kBillCost},
    {"POST", "/v1/tokens", [](const Call& c) { return change(c, true, &Service::issue_token); }, Effect::kSecret},
    {"DELETE", "/v1/tokens/{token}", [](const Call& c) { return change(c, false, &Service::revoke_token); }, Effect::kChange},
    {"GET", "/v1/me", [](const Call& c) { return read(c, &Service::who_am_i); }},
    {"POST", "/v1/webhooks", [](const Call& c) { return read(c, &Service::add_webhook, true); }, Effect::kSecret},
    {"GET", "/v1/webhooks", [](const Call& c) { return read(c, &Service::list_webhooks); }},
    {"DELETE", "/v1/webhooks/{webhook}", [](const Call& c) { return read(c, &Service::remove_webhook); }, Effect::kChange},
    {"GET", "/v1/ledger/head", [](const Call& c) { return read(c, &Service::ledger_head); }},
    {"GET", "/v1/ledger/proof/{position}", [](const Call& c) { return read(c, &Service::ledger_proof); }},
};

}  // namespace

Result<Target> parse_target(std::string_view target) {
  if (target.size() > kTargetBytesMax) return fail(ErrorCode::kInvalid, "is longer than 8 KiB", "target");
  if (target.empty() || target.front() != '/') return fail(ErrorCode::kInvalid, "is no path", "target", "begin with /");
  Target out;
  const size_t mark = target.find('?');
  std::string_view path = target.substr(0, mark);
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    auto text = unescape(segment);
    if (!text) return tl::unexpected(text.error());
    if (text->empty() || *text == "." || *text == "..") {
      return fail(ErrorCode::kInvalid, "holds an empty or relative segment", "target");
    }
    out.path.push_back(std::move(*text));
  }
  std::string_view query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    auto name = unescape(part.substr(0, equals));
    auto value = unescape(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
    if (!name) return tl::unexpected(name.error());
    if (!value) return tl::unexpected(value.error());
    if (out.query.size() == kQueryFieldsMax) return fail(ErrorCode::kInvalid, "has more than 64 parameters", "target");
    out.query.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

std::vector<RouteName> route_names() {
  std::vector<RouteName> out;
  for (const Route& at : kRoutes) out.push_back({at.method, at.pattern, at.effect != Effect::kNone});
  return out;
}

namespace {

// A header speaks before the cookie, which only sessions of an identity provider have.
std::string_view session_of(const SignIn* sign_in, const HttpRequest& request) {
  return sign_in == nullptr || !request.authorization.empty() ? std::string_view() : cookie_of(request.cookie, kSessionCookie);
}

Routed with_headers(Routed routed, std::string lines) {
  if (auto* response = std::get_if<HttpResponse>(&routed)) {
    response->headers += lines;
  } else if (auto* answer = std::get_if<Answer>(&routed)) {
    answer->begin = [begin = std::move(answer->begin), lines = std::move(lines)](std::function<void(HttpResponse)> done) {
      begin([lines, done = std::move(done)](HttpResponse out) {
        out.headers += lines;
        done(std::move(out));
      });
    };
  } else if (auto* events = std::get_if<EventsBegin>(&routed)) {
    events->headers = std::move(lines);
  } else {
    std::get<LogsBegin>(routed).headers = std::move(lines);
  }
  return routed;
}

// Whether a caller may go on, and what to tell them of how much is left.
struct Drawn {
  std::optional<HttpResponse> refusal;
  std::string headers;
};
Drawn draw(TokenBuckets& buckets, const std::string& name, std::string_view policy, const Rate& rate, int64_t cost, TimeUs now) {
  const Allowance allowance = buckets.take(name, rate, cost, now);
  Drawn out;
  out.headers = rate_headers(policy, rate, allowance);
  if (allowance.allowed) return out;
  out.refusal = problem({ErrorCode::kExhausted, "too many requests of " + name, {},
                         "try again in " + std::to_string(allowance.retry_s) + " s, as Retry-After says"});
  out.refusal->headers = out.headers;
  return out;
}
Drawn draw_subject(CallerBounds& bounds, const Caller& who, int64_t cost, TimeUs now) {
  const bool operates = who.role == policy::Role::kOperator;
  return draw(bounds.subjects, actor_of(who), operates ? "operator" : "user", operates ? bounds.rates.operators : bounds.rates.users, cost, now);
}

// What somebody is told who has shown no good token.
Routed to_stranger(const HttpRequest& request, CallerBounds* bounds, TimeUs now, Routed routed) {
  if (bounds == nullptr) return routed;
  Drawn drawn = draw(bounds->addresses, request.peer, "address", bounds->rates.addresses, kLightCost, now);
  if (drawn.refusal) return std::move(*drawn.refusal);
  return with_headers(std::move(routed), std::move(drawn.headers));
}

HttpResponse kept_without_secret() {
  return problem({ErrorCode::kConflict, "was used, and the answer held a secret, which is not kept", "Idempotency-Key",
                  "revoke the token that was made then, and ask for another under a new key"});
}

// What begins is begun once for a key. Only success is kept: what was refused may be tried again under its key.
Routed once(const HttpRequest& request, const Caller& who, bool secret, const std::shared_ptr<CallerBounds>& bounds, TimeUs now, Routed routed) {
  auto* answer = std::get_if<Answer>(&routed);
  if (answer == nullptr || request.idempotency_key.empty() || bounds == nullptr) return routed;
  auto key = parse_idempotency_key(request.idempotency_key);
  if (!key) return problem(key.error());
  std::string fingerprint = identity::sha256_hex(request.method + "\n" + request.target + "\n" + request.content_type + "\n" + request.body);
  answer->begin = [begin = std::move(answer->begin), bounds, subject = actor_of(who), key = std::move(*key), fingerprint = std::move(fingerprint), secret,
                   now](std::function<void(HttpResponse)> done) {
    auto begun = bounds->kept.begin(subject, key, fingerprint, now);
    if (!begun) {
      const bool misused = begun.error().code == ErrorCode::kInvalid;
      HttpResponse refusal = problem(begun.error(), misused ? 422 : 0);
      if (!misused) refusal.headers += "Retry-After: 1\r\n";
      return done(std::move(refusal));
    }
    if (begun->before) {
      begun->before->headers += "Idempotency-Replayed: true\r\n";
      return done(std::move(*begun->before));
    }
    begin([bounds, ticket = begun->ticket, secret, done = std::move(done)](HttpResponse response) {
      std::optional<HttpResponse> kept;
      if (response.status == 200) kept = secret ? kept_without_secret() : response;
      bounds->kept.end(ticket, std::move(kept));
      done(std::move(response));
    });
  };
  return routed;
}

int64_t cost_of(const Route& route, const Target& target) {
  const bool what_if = std::any_of(target.query.begin(), target.query.end(), [](const auto& field) { return field.first == "what_if" || field.first == "whatIf"; });
  return what_if ? std::max(route.cost, kWhatIfCost) : route.cost;
}

}  // namespace

tl::expected<Caller, Unknown> caller_of(Service& service, const HttpRequest& request) {
  SignIn* sign_in = service.ports().sign_in;
  const std::string_view session = session_of(sign_in, request);
  if (request.authorization.empty() && session.empty()) {
    return tl::unexpected(Unknown{{ErrorCode::kDenied, "the request carries no token", "Authorization", "send Bearer TOKEN"}, 401});
  }
  if (!session.empty()) {
    if (const Status own = sign_in->same_origin(request); !own) return tl::unexpected(Unknown{own.error(), 0});
  }
  auto who = session.empty() ? service.authenticate(request.authorization) : service.authenticate_session(session);
  if (!who) return tl::unexpected(Unknown{who.error(), 401});
  return std::move(*who);
}

Routed route(Service& service, const HttpRequest& request, const std::shared_ptr<CallerBounds>& bounds, TimeUs now) {
  SignIn* sign_in = service.ports().sign_in;
  const auto stranger = [&](Routed routed) { return to_stranger(request, bounds.get(), now, std::move(routed)); };
  if (is_tmf921(request.target)) {
    const auto who = caller_of(service, request);
    if (!who) return stranger(route_tmf921(service, request));
    Drawn drawn;
    if (bounds) drawn = draw_subject(*bounds, *who, kLightCost, now);
    if (drawn.refusal) return std::move(*drawn.refusal);
    return with_headers(route_tmf921(service, request), std::move(drawn.headers));
  }
  if (auto answer = sign_in == nullptr ? answer_without_provider(request) : sign_in->answer(service, request)) return stranger(std::move(*answer));
  const auto target = parse_target(request.target);
  if (!target) return stranger(problem(target.error()));
  std::string allow;
  for (const Route& at : kRoutes) {
    const auto matched = match(target->path, at.pattern);
    if (!matched) continue;
    if (request.method != at.method) {
      allow += (allow.empty() ? "" : ", ") + std::string(at.method);
      continue;
    }
    auto who = caller_of(service, request);
    if (!who) return stranger(problem(who.error().why, who.error().status));
    Drawn drawn;
    if (bounds) drawn = draw_subject(*bounds, *who, cost_of(at, *target), now);
    if (drawn.refusal) return std::move(*drawn.refusal);
    if (at.effect != Effect::kNone && !request.if_match.empty()) {
      HttpResponse refusal = problem({ErrorCode::kConflict, "cannot be kept: validators here are weak, and changes have no conditions", "If-Match", "leave it out"}, 412);
      refusal.headers = std::move(drawn.headers);
      return refusal;
    }
    Routed routed = at.handle({service, *who, request, *target, *matched});
    if (at.effect != Effect::kNone) routed = once(request, *who, at.effect == Effect::kSecret, bounds, now, std::move(routed));
    return with_headers(std::move(routed), std::move(drawn.headers));
  }
  if (!allow.empty()) {
    HttpResponse out = problem({ErrorCode::kInvalid, request.method + " is not possible here", request.target, "use " + allow}, 405);
    out.allow = allow;
    return stranger(std::move(out));
  }
  return stranger(problem({ErrorCode::kNotFound, "no such path", request.target.substr(0, 200), "docs/reference/api.md lists the paths"}));
}

bool lists(std::string_view list, std::string_view value) {
  while (!list.empty()) {
    std::string_view member = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), member.size() + 1));
    member = member.substr(0, member.find(';'));
    while (!member.empty() && member.front() == ' ') member.remove_prefix(1);
    while (!member.empty() && member.back() == ' ') member.remove_suffix(1);
    if (member.starts_with("W/")) member.remove_prefix(2);
    if (member == value || member == "*") return true;
  }
  return false;
}

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kConflict: return 409;
    case ErrorCode::kDenied: return 403;
    case ErrorCode::kInfeasible: return 422;
    case ErrorCode::kExhausted: return 429;
    case ErrorCode::kUnavailable: return 503;
    case ErrorCode::kUnsupported: return 501;
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

std::string_view http_reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    default: return "Error";
  }
}

HttpResponse problem(const Error& error, int status) {
  v1::ErrorDetail detail;
  put_value(error, detail);
  if (status == 0) status = http_status(error.code);
  // The members of RFC 9457 before those of ErrorDetail.
  std::string rest = to_json(detail);
  v1::ErrorDetail text;
  text.set_what(clip_utf8(error.text(), SIZE_MAX));
  std::string quoted = to_json(text);  // {"what":"..."}
  quoted = quoted.substr(8, quoted.size() - 9);
  return {status, "application/problem+json",
          "{\"type\":\"about:blank\",\"title\":\"" + std::string(http_reason(status)) + "\",\"status\":" +
              std::to_string(status) + ",\"detail\":" + quoted + "," + rest.substr(1),
          {}};
}

std::string event_json(const v1::EventView& event) { return to_json(event); }

std::string sse_text(const v1::EventsResponse& events) {
  std::string out;
  for (const v1::EventView& event : events.events()) {
    out += "id: " + std::to_string(event.position()) + "\nevent: " + event.name() + "\ndata: " + to_json(event) + "\n\n";
  }
  return out;
}

std::string log_piece_line(const LogPiece& piece) {
  if (piece.error) return problem(*piece.error).body + "\n";
  v1::LogsResponse out;
  out.set_offset(piece.offset);
  out.set_data(piece.data);
  out.set_complete(piece.complete);
  return to_json(out) + "\n";
}

}  // namespace weir::gateway
