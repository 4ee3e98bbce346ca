#include "app/mcp_tools.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "app/ask_text.h"
#include "app/ledger_proof.h"
#include "app/render.h"
#include "service/gateway/json_schema.h"
#include "service/resource/resource.h"

namespace weir::app {
namespace {

namespace json = boost::json;
using google::protobuf::Descriptor;
using google::protobuf::Message;
using mcp::Tool;
using mcp::ToolAnswer;
using Brain = std::function<Result<Client*>()>;
using Named = std::vector<std::pair<std::string, json::object>>;

json::object truth(bool unless, const char* about) { return {{"type", "boolean"}, {"default", unless}, {"description", about}}; }

json::object closed(json::object properties, gateway::JsonSchemas& schemas) {
  json::object out = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  json::object definitions;
  for (const auto& [name, definition] : schemas.definitions()) definitions[name] = definition;
  if (!definitions.empty()) out["$defs"] = std::move(definitions);
  return out;
}

// The request's fields, by their names in the schema, but for those in `more`, which stand beside them.
json::object input_of(const Descriptor& request, const Named& more = {}, json::array required = {}) {
  gateway::JsonSchemas schemas({.prefix = "#/$defs/", .input = true});
  json::object properties;
  for (int i = 0; i < request.field_count(); ++i) properties[request.field(i)->name()] = schemas.field(*request.field(i));
  for (const auto& [name, schema] : more) properties[name] = schema;
  json::object out = closed(std::move(properties), schemas);
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

json::object output_of(const Descriptor& response) {
  gateway::JsonSchemas schemas({.prefix = "#/$defs/", .descriptions = false});
  json::object properties;
  for (int i = 0; i < response.field_count(); ++i) properties[response.field(i)->json_name()] = schemas.field(*response.field(i));
  return closed(std::move(properties), schemas);
}

// Of an answer in parts, each of which may be left out.
json::object output_of(const std::vector<std::pair<const char*, const Descriptor*>>& parts) {
  gateway::JsonSchemas schemas({.prefix = "#/$defs/", .descriptions = false});
  json::object properties;
  for (const auto& [name, part] : parts) properties[name] = schemas.reference(*part);
  return closed(std::move(properties), schemas);
}

json::object json_of(const Message& message) {
  std::string text;
  (void)google::protobuf::util::MessageToJsonString(message, &text);
  return json::parse(text).as_object();
}

template <class Request>
Result<Request> request_of(const json::object& arguments) {
  Request request;
  const auto read = google::protobuf::util::JsonStringToMessage(json::serialize(arguments), &request);
  if (!read.ok()) return fail(ErrorCode::kInvalid, std::string(read.message()), "arguments", "the tool's inputSchema says what it takes");
  return request;
}

// Takes an argument that is none of the request's.
Result<bool> take_truth(json::object& arguments, const char* name, bool unless) {
  const json::value* given = arguments.if_contains(name);
  if (given == nullptr) return unless;
  if (!given->is_bool()) return fail(ErrorCode::kInvalid, "is neither true nor false", name);
  const bool out = given->get_bool();
  arguments.erase(name);
  return out;
}

// A tool that asks one question.
template <class Request, class Response>
auto question(Brain brain, grpc::Status (v1::Weir::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              std::function<std::string(const Response&)> say = {}) {
  return [brain = std::move(brain), method, say = std::move(say)](const json::object& arguments) -> Result<ToolAnswer> {
    const auto request = request_of<Request>(arguments);
    if (!request) return tl::unexpected(request.error());
    const auto client = brain();
    if (!client) return tl::unexpected(client.error());
    Response response;
    if (const Status called = (*client)->call(method, *request, response); !called) return tl::unexpected(called.error());
    return ToolAnswer{.structured = json_of(response), .text = say ? say(response) : ""};
  };
}

std::string changes_text(const v1::ApplyResponse& response, bool would) {
  std::string out;
  for (const v1::ApplyResult& result : response.results()) {
    out += result.kind() + " " + (result.tenant().empty() ? "" : result.tenant() + "/") + result.name() + " " +
           (would && result.action() != "unchanged" ? "would be " : "") + result.action() + "\n";
    if (would) out += render_dry_run(result);
  }
  return out;
}

// Resources as a list, or as the text of a file.
Result<v1::ApplyRequest> apply_request(json::object arguments) {
  std::optional<std::string> yaml;
  if (const json::value* given = arguments.if_contains("yaml")) {
    if (!given->is_string()) return fail(ErrorCode::kInvalid, "is no text", "yaml");
    yaml = std::string(given->get_string());
    arguments.erase("yaml");
  }
  auto request = request_of<v1::ApplyRequest>(arguments);
  if (!request || !yaml) return request;
  const auto read = resource::parse(*yaml, "yaml");
  if (!read) return tl::unexpected(read.error());
  for (const resource::Resource& item : *read) resource::to_message(item, *request->add_resources());
  return request;
}

Result<v1::ApplyResponse> send(Client& client, v1::ApplyRequest& request, bool dry_run) {
  request.set_dry_run(dry_run);
  v1::ApplyResponse response;
  if (const Status called = client.call(&v1::Weir::Stub::Apply, request, response); !called) return tl::unexpected(called.error());
  return response;
}

Result<ToolAnswer> plan(const Brain& brain, const json::object& arguments) {
  auto request = apply_request(arguments);
  if (!request) return tl::unexpected(request.error());
  const auto client = brain();
  if (!client) return tl::unexpected(client.error());
  const auto changes = send(**client, *request, true);
  if (!changes) return tl::unexpected(changes.error());
  return ToolAnswer{.structured = {{"changes", json_of(*changes)}}, .text = changes_text(*changes, true)};
}

Result<ToolAnswer> apply(const Brain& brain, json::object arguments) {
  const auto dry_run = take_truth(arguments, "dry_run", true), approve = take_truth(arguments, "approve", false);
  if (!dry_run) return tl::unexpected(dry_run.error());
  if (!approve) return tl::unexpected(approve.error());
  auto out = plan(brain, arguments);
  if (!out || *dry_run) return out;
  if (!*approve) {
    out->text += "Nothing was applied: that is what would change. Show it to whoever may decide, then say approve: true.\n";
    out->refused = true;
    return out;
  }
  auto request = apply_request(arguments);
  const auto client = brain();
  if (!client) return tl::unexpected(client.error());
  const auto applied = send(**client, *request, false);
  if (!applied) return tl::unexpected(applied.error());
  out->structured["applied"] = json_of(*applied);
  out->text += "That was to change. It was applied:\n" + changes_text(*applied, false);
  return out;
}

constexpr std::string_view kWithdrawn[] = {"intent", "workflow", "reservation"};

Result<ToolAnswer> withdraw(const Brain& brain, json::object arguments) {
  const auto approve = take_truth(arguments, "approve", false);
  if (!approve) return tl::unexpected(approve.error());
  const auto request = request_of<v1::DeleteRequest>(arguments);
  if (!request) return tl::unexpected(request.error());
  // Before anything is shown as what would end: of other kinds nothing ever does.
  if (std::find(std::begin(kWithdrawn), std::end(kWithdrawn), request->kind()) == std::end(kWithdrawn)) {
    return fail(ErrorCode::kInvalid, "\"" + request->kind() + "\" is nothing that can be withdrawn", "kind", "intent, workflow or reservation");
  }
  const auto client = brain();
  if (!client) return tl::unexpected(client.error());
  v1::GetRequest what;
  what.set_kind(request->kind());
  what.set_name(request->name());
  what.set_tenant(request->tenant());
  v1::GetResponse there;
  if (const Status called = (*client)->call(&v1::Weir::Stub::Get, what, there); !called) return tl::unexpected(called.error());
  ToolAnswer out{.structured = {{"resource", json_of(there.resource())}}};
  if (!*approve) {
    out.text = "Nothing was withdrawn: this is what would end. Show it to whoever may decide, then say approve: true.";
    return out;
  }
  v1::DeleteResponse gone;
  if (const Status called = (*client)->call(&v1::Weir::Stub::Delete, *request, gone); !called) return tl::unexpected(called.error());
  out.structured["withdrawn"] = json_of(gone);
  out.text = "It was withdrawn. This is what it was.";
  return out;
}

Result<ToolAnswer> prove(const Brain& brain, const json::object& arguments) {
  auto out = question(brain, &v1::Weir::Stub::LedgerProof)(arguments);
  if (!out) return out;
  const auto response = request_of<v1::LedgerProofResponse>(out->structured);
  if (!response) return tl::unexpected(response.error());
  if (response->record().empty()) {
    out->text = "The record itself may not be read with this token, so that only its hash is proven to be in the ledger.";
    return out;
  }
  const auto proof = inclusion_of(*response);
  if (!proof) return tl::unexpected(proof.error());
  if (const Status holds = verify_inclusion(proof->index, proof->leaf, proof->head, proof->hashes); !holds) return tl::unexpected(holds.error());
  out->text = "Checked: record " + std::to_string(proof->index) + " is in the ledger of " + std::to_string(proof->head.size) + " records with this root.";
  return out;
}

std::string ask_text(const v1::AskResponse& response) {
  const Tongue tongue{.chinese = response.language() == "zh"};
  std::string out;
  for (const v1::Wish& wish : response.wishes()) {
    out += render_understood(wish, tongue) + render_assumptions(wish, tongue) + (wish.say().empty() ? "" : wish.say() + "\n") + render_question(wish, tongue);
  }
  return out;
}

}  // namespace

const char* const kToolInstructions =
    "Weir decides where work runs and which path its traffic takes. Begin with ask, or with list_resources and explain. Before anything "
    "changes, show a person what plan_resources says, and pass approve: true only when they agreed. Quantities in a spec are text with a "
    "unit (500ms, 2Mbps, 256Mi); numbers of 64 bits in answers are text; times are microseconds since the Unix epoch, money is in nanocredits.";

std::vector<Tool> brain_tools(Brain brain) {
  using Stub = v1::Weir::Stub;
  const json::object yaml = {{"type", "string"}, {"description", "Instead of resources: the text of a file in YAML, one document for each"}};
  json::object resources_input = input_of(*v1::ApplyRequest::descriptor(), {{"yaml", yaml}});
  json::object plan_input = resources_input;
  plan_input["properties"].as_object().erase("dry_run");
  resources_input["properties"].as_object()["dry_run"] = truth(true, "Only show what would change");
  resources_input["properties"].as_object()["approve"] = truth(false, "A person saw what would change and agreed; needed with dry_run: false");
  const auto withdraw_input = input_of(*v1::DeleteRequest::descriptor(),
                                       {{"kind", {{"type", "string"}, {"enum", {"intent", "workflow", "reservation"}}}},
                                        {"approve", truth(false, "A person saw what would end and agreed; without it, it is only shown")}},
                                       {"kind", "name"});
  const json::object applied = output_of({{"changes", v1::ApplyResponse::descriptor()}, {"applied", v1::ApplyResponse::descriptor()}});
  const json::object planned = output_of({{"changes", v1::ApplyResponse::descriptor()}});
  return {
      {.name = "list_resources",
       .title = "List",
       .about = "Lists what there is of a kind, a page at a time: intents, jobs, workflows, queues, reservations, sites, routers, links, datasets, "
                "offers, tenants, plans, runs, nodes, events, prices, policies, tokens.",
       .input = input_of(*v1::ListRequest::descriptor(), {}, {"kind"}),
       .output = output_of(*v1::ListResponse::descriptor()),
       .call = question(brain, &Stub::List)},
      {.name = "get_resource",
       .title = "Get",
       .about = "Shows one thing with its state: an intent, a workflow, a site, a link, a plan, a run, and all that list_resources lists.",
       .input = input_of(*v1::GetRequest::descriptor(), {}, {"kind", "name"}),
       .output = output_of(*v1::GetResponse::descriptor()),
       .call = question(brain, &Stub::Get)},
      {.name = "ask",
       .title = "Ask in words",
       .about = "Understands what a sentence in English or Chinese asks for, plans it and compares other ways to have it. Changes nothing: pass the "
                "intent of a wish to plan_resources or apply_resources. Each call brings the whole dialogue.",
       .input = input_of(*v1::AskRequest::descriptor(), {}, {"dialogue"}),
       .output = output_of(*v1::AskResponse::descriptor()),
       .call = question<v1::AskRequest, v1::AskResponse>(brain, &Stub::Ask, ask_text)},
      {.name = "plan_resources",
       .title = "Plan without changing",
       .about = "Says what would change if these resources were applied: for an intent its plan with price and path, what a job would wait for, or why "
                "nothing satisfies it. Changes nothing.",
       .input = std::move(plan_input),
       .output = planned,
       .call = [brain](const json::object& arguments) { return plan(brain, arguments); }},
      {.name = "apply_resources",
       .title = "Apply",
       .about = "Creates or changes resources. Says first what will change, and by itself only that; with dry_run: false and approve: true it does it.",
       .input = std::move(resources_input),
       .output = applied,
       .changes = true,
       .destroys = true,
       .call = [brain](const json::object& arguments) { return apply(brain, arguments); }},
      {.name = "explain",
       .title = "Explain",
       .about = "Why an intent runs where it does, or waits, or is refused, and what was the runner-up; or where each stage of a workflow stands. With "
                "what_if, what it would be if fields of its spec were otherwise, decided on a copy.",
       .input = input_of(*v1::ExplainRequest::descriptor()),
       .output = output_of(*v1::ExplainResponse::descriptor()),
       .call = question<v1::ExplainRequest, v1::ExplainResponse>(brain, &Stub::Explain, [](const v1::ExplainResponse& response) { return response.text(); })},
      {.name = "withdraw",
       .title = "Withdraw",
       .about = "Ends an intent or a workflow, or cancels a reservation. Without approve: true it only shows what would end.",
       .input = withdraw_input,
       .output = output_of({{"resource", v1::Resource::descriptor()}, {"withdrawn", v1::DeleteResponse::descriptor()}}),
       .changes = true,
       .destroys = true,
       .call = [brain](const json::object& arguments) { return withdraw(brain, arguments); }},
      {.name = "prove",
       .title = "Prove",
       .about = "Proves that a record is in the ledger, and checks the proof. With old_size the answer also holds what proves to whoever kept the root of that "
                "size that the ledger only grew.",
       .input = input_of(*v1::LedgerProofRequest::descriptor(), {}, {"position"}),
       .output = output_of(*v1::LedgerProofResponse::descriptor()),
       .call = [brain](const json::object& arguments) { return prove(brain, arguments); }}};
}

}  // namespace weir::app
