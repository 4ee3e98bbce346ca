#include "service/gateway/tmf921_routes.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "core/units/text.h"
#include "service/gateway/names.h"
#include "service/gateway/tmf921_events.h"
#include "service/resource/resource.h"
#include "service/tmf921/documents.h"
#include "service/tmf921/requests.h"
#include "service/webhook/signature.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

namespace json = boost::json;

constexpr size_t kScanMax = 10'000;         // intents whose state is looked up for one list
constexpr size_t kReportsMax = 1'000;       // of one intent, the newest of which are the last
constexpr size_t kReportStepsMax = 64;      // of reading the ledger for them

struct Call {
  Service& service;
  Caller who;
  const HttpRequest& http;
  const Target& target;
  const Match& matched;

  const std::string& field(size_t i) const { return matched.fields[i].second; }
  Result<tmf921::Selection> selection(const std::vector<std::string_view>& attributes = {}, bool pages = false) const {
    return tmf921::parse_selection(target.query, attributes, pages);
  }
};

HttpResponse answer(const json::value& body, int status = 200, std::string headers = {}) {
  HttpResponse out{.status = status, .body = json::serialize(body)};
  out.headers = std::move(headers);
  return out;
}

HttpResponse refusal(const Error& error, int status = 0) {
  if (status == 0) status = http_status(error.code);
  Error said = error;
  // What a body says is named as the client wrote it.
  constexpr std::string_view kResource = "resources[0].";
  if (said.where.starts_with(kResource)) said.where.replace(0, kResource.size(), "expression.expressionValue.");
  return answer(tmf921::error_document(said, to_text(said.code), status), status);
}

// A page of what a list holds; `all` are its documents, or as many of them as the page needs.
HttpResponse page(const tmf921::Selection& selection, const std::vector<json::object>& of_page, size_t total) {
  json::array out;
  for (const json::object& one : of_page) out.push_back(tmf921::selected(one, selection));
  const size_t count = out.size();
  return answer(out, count < total ? 206 : 200,
                "X-Total-Count: " + std::to_string(total) + "\r\nX-Result-Count: " + std::to_string(count) + "\r\n");
}

HttpResponse page_of(const tmf921::Selection& selection, std::vector<json::object> all) {
  std::erase_if(all, [&selection](const json::object& one) { return !tmf921::matches(one, selection); });
  const size_t total = all.size(), begin = std::min(selection.offset, total), end = begin + std::min(selection.limit, total - begin);
  return page(selection, {all.begin() + static_cast<std::ptrdiff_t>(begin), all.begin() + static_cast<std::ptrdiff_t>(end)}, total);
}

Result<json::object> document_of(const Call& call, const std::string& tenant, const std::string& name) {
  const auto intent = tmf921_intent(call.service, call.who, tenant, name);
  if (!intent) return tl::unexpected(intent.error());
  return tmf921::intent_document(intent->first, intent->second);
}

// ---- intents

Routed list_intents(const Call& call) {
  const auto selection = call.selection({"id", "name", "lifecycleStatus", "version", "lastUpdate", "creationDate"}, true);
  if (!selection) return refusal(selection.error());
  const Snapshot graph = call.service.brain().durable();
  std::vector<bool> readable(graph->tenant_count());
  for (size_t t = 0; t < readable.size(); ++t) {
    const std::string& tenant = graph->tenant_name(TenantId(t));
    readable[t] = policy::authorise(call.who, policy::Action::kRead, {.kind = policy::Kind::kIntent, .name = tenant, .tenant = tenant}).has_value();
  }
  tmf921::Selection cheap, dear;  // what names decide, and what takes a look at the state
  for (const auto& one : selection->equal) (one.first == "id" || one.first == "name" ? cheap : dear).equal.push_back(one);
  std::vector<std::pair<std::string, std::string>> found;
  for (size_t i = 0; i < graph->intent_count(); ++i) {
    const IntentRow& row = graph->intent(IntentId(i));
    if (row.array.valid() || row.tenant.index() >= readable.size() || !readable[row.tenant.index()]) continue;
    if (row.state == IntentState::kWithdrawn && !is_over(row)) continue;
    const std::string& tenant = graph->tenant_name(row.tenant);
    std::string name = short_name(graph->intent_name(IntentId(i)));
    if (!tmf921::matches({{"id", tmf921::id_of(tenant, name)}, {"name", name}}, cheap)) continue;
    found.emplace_back(tenant, std::move(name));
  }
  std::vector<json::object> out;
  if (!dear.equal.empty()) {
    if (found.size() > kScanMax) {
      return refusal({ErrorCode::kExhausted, "would look at " + std::to_string(found.size()) + " intents, more than 10,000", "query", "name some of them too"});
    }
    for (const auto& [tenant, name] : found) {
      if (auto document = document_of(call, tenant, name)) out.push_back(std::move(*document));
    }
    return page_of(*selection, std::move(out));
  }
  for (size_t i = selection->offset; i < found.size() && out.size() < selection->limit; ++i) {
    if (auto document = document_of(call, found[i].first, found[i].second)) out.push_back(std::move(*document));
  }
  return page(*selection, out, found.size());
}

Routed get_intent(const Call& call) {
  const auto selection = call.selection();
  if (!selection) return refusal(selection.error());
  const auto id = tmf921::parse_id(call.field(0));
  if (!id) return refusal(id.error());
  const auto document = document_of(call, id->first, id->second);
  return document ? answer(tmf921::selected(*document, *selection)) : refusal(document.error());
}

// A sentence becomes an intent where nothing in it has to be asked back.
Result<v1::Intent> intent_said(const Call& call, const tmf921::Wanted& wanted, const v1::IntentName* about) {
  constexpr const char* kWhere = "expression.expressionValue";
  v1::AskRequest request;
  request.add_dialogue()->set_text(wanted.sentence);
  request.set_name(wanted.name);
  if (about != nullptr) {
    *request.mutable_about() = *about;
    request.set_tenant(about->tenant());
  }
  const auto heard = call.service.ask(call.who, request);
  if (!heard) return tl::unexpected(heard.error());
  if (heard->wishes_size() != 1) {
    return fail(ErrorCode::kInvalid, "asks for " + std::to_string(heard->wishes_size()) + " things", kWhere, "send an intent for each");
  }
  const v1::Wish& wish = heard->wishes(0);
  for (const v1::Question& question : wish.questions()) {
    if (question.assumed().empty()) return fail(ErrorCode::kInfeasible, question.text(), kWhere, "answer the question in the sentence");
  }
  const bool fits = wish.act() == "request" || (about != nullptr && wish.act() == "edit");
  if (!fits || !wish.has_intent()) {
    return fail(ErrorCode::kInvalid, "is understood as \"" + wish.label() + "\", which is no wish for an intent" + (wish.say().empty() ? "" : ": " + wish.say()), kWhere,
                "say what is to run, for whom and how well");
  }
  if (wish.problem().code() != "") return fail(ErrorCode::kInvalid, wish.problem().what(), wish.problem().where(), wish.problem().remedy());
  v1::Intent out = wish.intent();
  out.mutable_metadata()->set_name(wanted.name);
  return out;
}

// Applies one intent and answers with it; `before`: what it was, and is if nothing changes.
Routed apply_intent(const Call& call, v1::Intent intent, std::optional<json::object> before) {
  v1::ApplyRequest request;
  *request.add_resources()->mutable_intent() = std::move(intent);
  return Answer{[&service = call.service, who = call.who, request = std::move(request), before = std::move(before)](std::function<void(HttpResponse)> done) {
    service.apply(who, request, [&clock = service.ports().clock, sent = request.resources(0).intent(), before, done = std::move(done)](Result<v1::ApplyResponse> made) {
      if (!made) return done(refusal(made.error()));
      const v1::ApplyResult& result = made->results(0);
      if (before && result.action() == "unchanged") return done(answer(*before));
      v1::Intent is = sent;
      is.mutable_metadata()->set_tenant(result.tenant());
      is.mutable_metadata()->set_generation(result.generation());
      const json::object document = tmf921::intent_document(is, clock.wall_us());
      if (before) return done(answer(document));
      done(answer(document, 201, "Location: " + std::string(document.at("href").as_string()) + "\r\n"));
    });
  }};
}

Routed post_intent(const Call& call) {
  if (const auto selection = call.selection(); !selection) return refusal(selection.error());
  const auto document = tmf921::parse_object(call.http.body);
  if (!document) return refusal(document.error());
  const auto wanted = tmf921::parse_intent(*document);
  if (!wanted) return refusal(wanted.error());
  auto intent = wanted->sentence.empty() ? tmf921::intent_message(*wanted, tenant_of(call.who, "")) : intent_said(call, *wanted, nullptr);
  if (!intent) return refusal(intent.error());
  const std::string tenant = tenant_of(call.who, intent->metadata().tenant());
  if (tmf921_intent(call.service, call.who, tenant, wanted->name)) {
    return refusal({ErrorCode::kConflict, "there is an intent " + tmf921::id_of(tenant, wanted->name), "name", "PATCH it, or choose another name"});
  }
  return apply_intent(call, std::move(*intent), std::nullopt);
}

Routed patch_intent(const Call& call) {
  if (const auto selection = call.selection(); !selection) return refusal(selection.error());
  const std::string& type = call.http.content_type;
  if (!type.empty() && !lists(type, "application/merge-patch+json") && !lists(type, "application/json")) {
    return refusal({ErrorCode::kInvalid, "\"" + clip_utf8(type, 100) + "\" is no form of a patch here", "Content-Type", "send application/merge-patch+json"}, 415);
  }
  const auto id = tmf921::parse_id(call.field(0));
  if (!id) return refusal(id.error());
  const auto& [tenant, name] = *id;
  auto before = document_of(call, tenant, name);
  if (!before) return refusal(before.error());
  const auto patch = tmf921::parse_object(call.http.body);
  if (!patch) return refusal(patch.error());
  for (const char* fixed : {"id", "href", "name", "lifecycleStatus"}) {
    if (const json::value* said = patch->if_contains(fixed); said != nullptr && *said != before->at(fixed)) {
      return refusal({ErrorCode::kInvalid, "cannot be changed", fixed,
                      std::string_view(fixed) == "lifecycleStatus" ? "it follows from what happens; DELETE withdraws the intent" : "leave it out"});
    }
  }
  const json::value merged = tmf921::merge_patch(*before, *patch);
  const auto wanted = tmf921::parse_intent(merged.get_object());
  if (!wanted) return refusal(wanted.error());
  if (!patch->contains("expression")) return answer(*before);
  v1::IntentName about;
  about.set_tenant(tenant);
  about.set_name(name);
  auto intent = wanted->sentence.empty() ? tmf921::intent_message(*wanted, tenant) : intent_said(call, *wanted, &about);
  if (!intent) return refusal(intent.error());
  if (intent->metadata().tenant() != tenant) {
    return refusal({ErrorCode::kInvalid, "cannot be changed", "expression.expressionValue.metadata.tenant", "leave it out"});
  }
  return apply_intent(call, std::move(*intent), std::move(*before));
}

Routed delete_intent(const Call& call) {
  const auto id = tmf921::parse_id(call.field(0));
  if (!id) return refusal(id.error());
  v1::DeleteRequest request;
  request.set_kind("intent");
  request.set_tenant(id->first);
  request.set_name(id->second);
  return Answer{[&service = call.service, who = call.who, request](std::function<void(HttpResponse)> done) {
    service.remove(who, request, [done = std::move(done)](Result<v1::DeleteResponse> gone) { done(gone ? HttpResponse{.status = 204} : refusal(gone.error())); });
  }};
}

// ---- reports

Result<json::object> current_report(const Call& call, const std::string& tenant, const std::string& name) {
  const auto intent = tmf921_intent(call.service, call.who, tenant, name);
  if (!intent) return tl::unexpected(intent.error());
  v1::ExplainRequest why;
  why.set_tenant(tenant);
  why.set_intent(name);
  const auto explained = call.service.explain(call.who, why);
  if (!explained) return tl::unexpected(explained.error());
  return tmf921::current_report_document(intent->first, explained->text(), call.service.ports().clock.wall_us());
}

bool is_report(const v1::EventView& event, const std::string& tenant, const std::string& name) {
  return event.subject() == "intent/" + tenant + "/" + name &&
         std::find(std::begin(kReportEvents), std::end(kReportEvents), event.name()) != std::end(kReportEvents);
}

// How it is now, then what the ledger says of its present generation, the oldest first.
Routed list_reports(const Call& call) {
  const auto selection = call.selection({"id", "name", "creationDate"}, true);
  if (!selection) return refusal(selection.error());
  const auto id = tmf921::parse_id(call.field(0));
  if (!id) return refusal(id.error());
  const auto& [tenant, name] = *id;
  auto now = current_report(call, tenant, name);
  if (!now) return refusal(now.error());
  std::vector<json::object> out = {std::move(*now)};
  v1::EventsRequest request;
  request.set_tenant(tenant);
  for (const char* kind : kReportEvents) request.add_names(kind);
  const Snapshot graph = call.service.brain().durable();
  const IntentId intent = graph->find_intent(tenant, name);
  Position next = intent.valid() ? graph->intent(intent).submitted : graph->version();
  for (size_t step = 0; step < kReportStepsMax && next < graph->version() && out.size() <= kReportsMax; ++step) {
    const auto events = call.service.events(call.who, request, next);
    if (!events) return refusal(events.error());
    for (const v1::EventView& event : events->events()) {
      if (is_report(event, tenant, name) && out.size() <= kReportsMax) out.push_back(tmf921::report_document(tenant, name, event));
    }
    if (events->next() == next) break;
    next = events->next();
  }
  return page_of(*selection, std::move(out));
}

Routed get_report(const Call& call) {
  const auto selection = call.selection();
  if (!selection) return refusal(selection.error());
  const auto id = tmf921::parse_id(call.field(0));
  if (!id) return refusal(id.error());
  const auto& [tenant, name] = *id;
  if (call.field(1) == tmf921::kCurrentReport) {
    const auto now = current_report(call, tenant, name);
    return now ? answer(tmf921::selected(*now, *selection)) : refusal(now.error());
  }
  if (const auto intent = tmf921_intent(call.service, call.who, tenant, name); !intent) return refusal(intent.error());
  v1::GetRequest request;
  request.set_kind("event");
  request.set_name(call.field(1));
  const auto event = call.service.get(call.who, request);
  if (!event || !is_report(event->resource().event(), tenant, name)) {
    return refusal({ErrorCode::kNotFound, "no report " + clip_utf8(call.field(1), 64) + " of intent " + call.field(0)});
  }
  return answer(tmf921::selected(tmf921::report_document(tenant, name, event->resource().event()), *selection));
}

// ---- specifications

Routed list_specifications(const Call& call) {
  const auto selection = call.selection({"id", "name", "version", "lifecycleStatus"}, true);
  return selection ? page_of(*selection, tmf921::specification_documents()) : refusal(selection.error());
}

Routed get_specification(const Call& call) {
  const auto selection = call.selection();
  if (!selection) return refusal(selection.error());
  for (const json::object& one : tmf921::specification_documents()) {
    if (one.at("id").as_string() == call.field(0)) return answer(tmf921::selected(one, *selection));
  }
  return refusal({ErrorCode::kNotFound, "no intentSpecification " + clip_utf8(call.field(0), 64)});
}

// ---- the hub

json::object hub_document(const webhook::Subscription& of) { return tmf921::hub_document(of.id, of.url, of.query); }

Routed post_hub(const Call& call) {
  auto hub = tmf921::parse_hub(call.http.body);
  if (!hub) return refusal(hub.error());
  webhook::Subscription wanted;
  wanted.url = hub->callback;
  wanted.query = hub->query;
  wanted.names = hub->event_types;
  wanted.format = webhook::kTmf921Format;
  wanted.tenant = tenant_of(call.who, "");
  if (!hub->secret.empty()) {
    auto secret = webhook::parse_secret(hub->secret);
    if (!secret) return refusal(secret.error());
    wanted.secret = std::move(*secret);
  }
  auto added = add_webhook_for(call.service, call.who, std::move(wanted));
  if (!added) {
    if (added.error().where == "url") added.error().where = "callback";
    return refusal(added.error());
  }
  const json::object document = hub_document(added->subscription);
  return answer(document, 201, "Location: " + std::string(document.at("href").as_string()) + "\r\n");
}

Result<std::vector<webhook::Subscription>> hubs(const Call& call) {
  const auto all = webhooks_of(call.service, call.who);
  if (!all) return tl::unexpected(all.error());
  std::vector<webhook::Subscription> out;
  for (const webhook::Standing& one : *all) {
    if (one.subscription.format == webhook::kTmf921Format) out.push_back(one.subscription);
  }
  return out;
}

Routed list_hubs(const Call& call) {
  const auto selection = call.selection({"id", "callback", "query"}, true);
  if (!selection) return refusal(selection.error());
  const auto all = hubs(call);
  if (!all) return refusal(all.error());
  std::vector<json::object> out;
  for (const webhook::Subscription& one : *all) out.push_back(hub_document(one));
  return page_of(*selection, std::move(out));
}

Routed with_hub(const Call& call, const std::function<HttpResponse(const webhook::Subscription&)>& act) {
  const auto all = hubs(call);
  if (!all) return refusal(all.error());
  for (const webhook::Subscription& one : *all) {
    if (one.id == call.field(0)) return act(one);
  }
  return refusal({ErrorCode::kNotFound, "no hub " + clip_utf8(call.field(0), 64)});
}

Routed get_hub(const Call& call) {
  return with_hub(call, [](const webhook::Subscription& one) { return answer(hub_document(one)); });
}

Routed delete_hub(const Call& call) {
  return with_hub(call, [&call](const webhook::Subscription& one) {
    const Status removed = remove_webhook_of(call.service, call.who, one.id);
    return removed ? HttpResponse{.status = 204} : refusal(removed.error());
  });
}

struct Route {
  std::string_view method, pattern;
  Routed (*handle)(const Call&);
};
constexpr Route kRoutes[] = {
    {"GET", "/tmf-api/intentManagement/v5/intent", list_intents},
    {"POST", "/tmf-api/intentManagement/v5/intent", post_intent},
    {"GET", "/tmf-api/intentManagement/v5/intent/{id}", get_intent},
    {"PATCH", "/tmf-api/intentManagement/v5/intent/{id}", patch_intent},
    {"DELETE", "/tmf-api/intentManagement/v5/intent/{id}", delete_intent},
    {"GET", "/tmf-api/intentManagement/v5/intent/{intentId}/intentReport", list_reports},
    {"GET", "/tmf-api/intentManagement/v5/intent/{intentId}/intentReport/{id}", get_report},
    {"GET", "/tmf-api/intentManagement/v5/intentSpecification", list_specifications},
    {"GET", "/tmf-api/intentManagement/v5/intentSpecification/{id}", get_specification},
    {"POST", "/tmf-api/intentManagement/v5/hub", post_hub},
    {"GET", "/tmf-api/intentManagement/v5/hub", list_hubs},
    {"GET", "/tmf-api/intentManagement/v5/hub/{id}", get_hub},
    {"DELETE", "/tmf-api/intentManagement/v5/hub/{id}", delete_hub},
};

}  // namespace

bool is_tmf921(std::string_view target) { return target.starts_with("/tmf-api/"); }

std::vector<RouteName> tmf921_route_names() {
  std::vector<RouteName> out;
  for (const Route& at : kRoutes) out.push_back({at.method, at.pattern});
  return out;
}

Routed route_tmf921(Service& service, const HttpRequest& request) {
  const auto target = parse_target(request.target);
  if (!target) return refusal(target.error());
  std::string allow;
  for (const Route& at : kRoutes) {
    const auto matched = match(target->path, at.pattern);
    if (!matched) continue;
    if (request.method != at.method) {
      allow += (allow.empty() ? "" : ", ") + std::string(at.method);
      continue;
    }
    auto who = caller_of(service, request);
    if (!who) return refusal(who.error().why, who.error().status);
    if (at.method != "POST" && at.method != "PATCH" && !request.body.empty()) return refusal({ErrorCode::kInvalid, "is not expected here", "body"});
    return at.handle({service, std::move(*who), request, *target, *matched});
  }
  if (!allow.empty()) {
    HttpResponse out = refusal({ErrorCode::kInvalid, request.method + " is not possible here", {}, "use " + allow}, 405);
    out.allow = allow;
    return out;
  }
  return refusal({ErrorCode::kNotFound, "no such path", {}, "docs/reference/tmf921.md lists the paths"});
}

}  // namespace weir::gateway
