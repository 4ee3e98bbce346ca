#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "app/changes.h"
#include "app/client.h"
#include "app/commands.h"
#include "app/exit_code.h"
#include "app/render.h"
#include "app/render_queues.h"
#include "app/since.h"
#include "app/table.h"
#include "core/units/quantity.h"
#include "service/gateway/names.h"
#include "service/resource/resource.h"

namespace weir::app {
namespace {

const std::map<std::string, Format> kFormats = {
    {"table", Format::kTable}, {"wide", Format::kWide}, {"json", Format::kJson}, {"yaml", Format::kYaml}, {"name", Format::kName}};

struct Options {
  Target target;
  std::vector<std::string> files;
  bool dry_run = false;
  std::string kind, name, tenant, ingress, filter, format = "table", wanted, timeout = "60s", since, language;
  std::vector<std::string> names, what_if;
  bool watch = false;
};

void add_language(CLI::App& command, Options& o) {
  command.add_option("--language", o.language, "Of reasons and events: en or zh")->check(CLI::IsMember({"en", "zh"}));
}

void add_format(CLI::App& command, Options& o, const std::vector<std::string>& formats = {"table", "wide", "json", "yaml"}) {
  std::string all;
  for (const std::string& format : formats) all += (all.empty() ? "" : &format == &formats.back() ? " or " : ", ") + format;
  command.add_option("-o,--output", o.format, all)->check(CLI::IsMember(formats))->capture_default_str();
}

Result<std::string> read_file(const std::string& path) {
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return fail(ErrorCode::kInvalid, "is a directory", path, "name the files in it, each with -f");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kNotFound, "cannot be read", path, "check the name, and that you may read it");
  text << file.rdbuf();
  return text.str();
}

// "site/metro" or "site metro"; of what is a tenant's also "intent/city/cameras" or "intent city/cameras".
// kInvalid: a name that is asked for is missing.
Status split_name(Options& o, const char* command, bool needed = true) {
  bool given = !o.name.empty();
  if (const size_t slash = o.kind.find('/'); slash != std::string::npos && !given) {
    o.name = o.kind.substr(slash + 1);
    o.kind.resize(slash);
    given = true;
  }
  const bool owned = o.kind.starts_with("intent") || o.kind.starts_with("job") || o.kind.starts_with("task") ||
                     o.kind.starts_with("dataset") || o.kind.starts_with("reservation") ||
                     o.kind.starts_with("workflow");
  if (const size_t slash = o.name.find('/'); owned && slash != std::string::npos && o.tenant.empty()) {
    o.tenant = o.name.substr(0, slash);
    o.name = o.name.substr(slash + 1);
  }
  if (o.name.empty() && (needed || given)) {
    return fail(ErrorCode::kInvalid, "names no one " + o.kind, std::string("weir ") + command,
                "write KIND/NAME");
  }
  return {};
}

bool is_decided(const resource::Resource& item) {
  return std::holds_alternative<resource::Intent>(item.value) || std::holds_alternative<resource::Workflow>(item.value);
}

constexpr auto kDecisionPatience = std::chrono::seconds(1);

// What was decided about an intent or a workflow, if that is known before the deadline: the rest of its line, and why it is
// refused.
std::string decision_text(Client& client, Changes& changes, const v1::ApplyResult& result,
                          std::chrono::system_clock::time_point deadline) {
  v1::GetRequest request;
  const bool workflow = result.kind() == "Workflow";
  request.set_kind(workflow ? "workflow" : "intent");
  request.set_name(result.name());
  request.set_tenant(result.tenant());
  for (;;) {
    v1::GetResponse response;
    if (!client.call(&v1::Weir::Stub::Get, request, response)) return "\n";
    const v1::Intent& intent = response.resource().intent();
    const v1::Workflow& whole = response.resource().workflow();
    const std::string& state = workflow ? whole.status().state() : intent.status().state();
    if ((workflow ? whole.metadata() : intent.metadata()).generation() != result.generation()) return "\n";  // changed again meanwhile
    if (state == "refused") {
      return ", refused:\n" + wrapped("  " + (workflow ? whole.status().why() : intent.status().why()), kTableWidth) +
             "  all reasons: 'weir explain " + (workflow ? "workflow/" : "") + result.name() + " --tenant " + result.tenant() +
             "'\n";
    }
    if (state == "waiting") return ", waiting:\n" + wrapped("  " + intent.status().why(), kTableWidth);
    if (state != "pending") return ", " + state + "\n";
    if (std::chrono::system_clock::now() >= deadline) return "\n";
    changes.wait(deadline);
  }
}

Status apply(const Options& o) {
  std::vector<resource::Resource> all;
  for (const std::string& path : o.files) {
    const auto text = read_file(path);
    if (!text) return tl::unexpected(text.error());
    auto read = resource::parse(*text, path == "-" ? "standard input" : path, {o.tenant});
    if (!read) return tl::unexpected(read.error());
    std::move(read->begin(), read->end(), std::back_inserter(all));
  }
  if (const Status distinct = resource::refuse_duplicates(all); !distinct) return distinct;
  v1::ApplyRequest request;
  request.set_dry_run(o.dry_run);
  for (const resource::Resource& item : all) resource::to_message(item, *request.add_resources());
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::ApplyResponse response;
  std::optional<Changes> changes;
  if (!o.dry_run && std::any_of(all.begin(), all.end(), is_decided)) changes.emplace(*client);
  if (Status called = client->call(&v1::Weir::Stub::Apply, request, response); !called) {
    called.error().where = resource::written_at(all, called.error().where);
    return called;
  }
  const auto decided_until = std::chrono::system_clock::now() + kDecisionPatience;
  bool infeasible = false;
  for (const v1::ApplyResult& result : response.results()) {
    std::cout << result.kind() << " " << (result.tenant().empty() ? "" : result.tenant() + "/") << result.name() << " "
              << (o.dry_run && result.action() != "unchanged" ? "would be " : "") << result.action();
    if (result.generation() > 0) std::cout << " (generation " << result.generation() << ")";
    std::cout << (changes && result.generation() > 0 ? decision_text(*client, *changes, result, decided_until)
                                                     : "\n");
    std::cout << render_dry_run(result);
    infeasible = infeasible || result.has_refusal();
  }
  if (infeasible) exit_with(kExitInfeasible);
  return {};
}

bool of_events(const Options& o) { return o.kind == "events" || o.kind == "event"; }

// What `get events` asks for.
Result<v1::EventsRequest> events_request(const Options& o) {
  v1::EventsRequest request;
  request.set_tenant(o.tenant);
  request.set_language(o.language);
  for (const std::string& name : o.names) request.add_names(name);
  if (o.since.empty()) return request;
  const auto since = since_us(o.since, int64_t{std::time(nullptr)} * 1'000'000);
  if (!since) return tl::unexpected(since.error());
  request.set_since(*since);
  return request;
}

Result<v1::ListResponse> list_events(Client& client, const Options& o) {
  const auto request = events_request(o);
  if (!request) return tl::unexpected(request.error());
  const auto context = client.context(Client::Life::kStream);
  const auto stream = client.stub().Events(context.get(), *request);
  v1::ListResponse all;
  v1::EventsResponse batch;
  while (stream->Read(&batch)) {
    for (const v1::EventView& event : batch.events()) *all.add_items()->mutable_event() = event;
  }
  if (const Status done = client.status(stream->Finish()); !done) return tl::unexpected(done.error());
  return all;
}

Result<v1::ListResponse> list_all(Client& client, const Options& o) {
  v1::ListRequest request;
  request.set_kind(o.kind);
  request.set_tenant(o.tenant);
  request.set_filter(o.filter);
  request.set_language(o.language);
  return client.list_all(std::move(request));
}

Result<v1::GetResponse> get_one(Client& client, const Options& o) {
  v1::GetRequest request;
  request.set_kind(o.kind);
  request.set_name(o.name);
  request.set_tenant(o.tenant);
  request.set_language(o.language);
  v1::GetResponse response;
  if (const Status called = client.call(&v1::Weir::Stub::Get, request, response); !called) return tl::unexpected(called.error());
  return response;
}

Result<std::string> show(Client& client, const Options& o, Format format) {
  if (o.name.empty()) {
    const bool sifted = of_events(o) && (!o.names.empty() || !o.since.empty());
    const auto all = sifted ? list_events(client, o) : list_all(client, o);
    if (!all) return tl::unexpected(all.error());
    return render(o.kind, all->items(), format);
  }
  const auto one = get_one(client, o);
  if (!one) return tl::unexpected(one.error());
  if (format == Format::kJson) return json_text(inside(one->resource())) + "\n";
  google::protobuf::RepeatedPtrField<v1::Resource> items;
  *items.Add() = one->resource();
  return render(o.kind, items, format);
}

Status follow_events(Client& client, const Options& o, Format format) {
  const auto context = client.context(Client::Life::kStream);
  auto request = events_request(o);
  if (!request) return tl::unexpected(request.error());
  request->set_tail(request->since() == 0);
  request->set_follow(true);
  const auto stream = client.stub().Events(context.get(), *request);
  v1::EventsResponse batch;
  while (stream->Read(&batch)) {
    for (const v1::EventView& event : batch.events()) std::cout << render_event(event, format);
    if (output_open()) continue;
    context->TryCancel();
    (void)stream->Finish();
    return {};
  }
  return client.status(stream->Finish());
}

// Shows it again whenever it has changed.
Status watch(Client& client, const Options& o, Format format) {
  if (of_events(o)) return follow_events(client, o, format);
  Changes changes(client);
  std::string last;
  for (bool first = true;; first = false) {
    const auto text = show(client, o, format);
    if (!text) return tl::unexpected(text.error());
    if (first || *text != last) std::cout << (first ? "" : isatty(1) ? "\x1b[H\x1b[2J" : "\n") << *text;
    if (!output_open()) return {};
    last = *text;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // many events, one look
    changes.wait(std::chrono::system_clock::time_point::max());
  }
}

Status get(Options& o) {
  if (const Status named = split_name(o, "get", false); !named) return named;
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  const Format format = kFormats.at(o.format);
  if (of_events(o) && !o.filter.empty()) {
    return fail(ErrorCode::kInvalid, "events are not filtered", "--filter", "use --kind, --since and --tenant");
  }
  if (!of_events(o) && !(o.names.empty() && o.since.empty())) {
    return fail(ErrorCode::kInvalid, "--kind and --since are for events", "weir get " + o.kind, "use --filter");
  }
  if (o.watch) return watch(*client, o, format);
  const auto text = show(*client, o, format);
  if (!text) return tl::unexpected(text.error());
  std::cout << *text;
  return {};
}

constexpr size_t kEventsDescribed = 20;

struct NewestEvents {
  std::vector<v1::EventView> events;  // oldest first
  uint64_t from = 0;                  // those before were not looked at
};

// Reads the ledger backwards, in windows that grow, until there are enough or it has read its share.
NewestEvents newest_events(Client& client, uint64_t end, const std::string& subject,
                           const std::string& tenant, const std::string& language) {
  constexpr uint64_t kReadMax = 1 << 20;
  NewestEvents out{.events = {}, .from = end};
  for (uint64_t window = 1 << 12;
       out.events.size() < kEventsDescribed && out.from > 0 && end - out.from < kReadMax; window *= 4) {
    const uint64_t until = out.from;
    const uint64_t from = until - std::min(until, window);
    v1::EventsRequest request;
    request.set_tenant(tenant);
    request.set_from(from);
    request.set_language(language);
    const auto context = client.context();
    const auto stream = client.stub().Events(context.get(), request);
    std::vector<v1::EventView> older;
    v1::EventsResponse batch;
    for (bool more = true; more && stream->Read(&batch);) {
      for (const v1::EventView& event : batch.events()) {
        if (event.position() >= until) more = false;
        if (more && event.subject() == subject) older.push_back(event);
      }
      more = more && batch.next() < until;
      if (!more) context->TryCancel();
    }
    const grpc::Status status = stream->Finish();
    if (!status.ok() && status.error_code() != grpc::StatusCode::CANCELLED)
      break;  // none are shown to whoever may read none
    out.events.insert(out.events.begin(), older.begin(), older.end());
    out.from = from;
  }
  if (out.events.size() > kEventsDescribed)
    out.events.erase(out.events.begin(), out.events.end() - kEventsDescribed);
  return out;
}

Status describe(Options& o) {
  if (const Status named = split_name(o, "describe"); !named) return named;
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  const auto one = get_one(*client, o);
  if (!one) return tl::unexpected(one.error());
  // A plan's events are those of its intent.
  const v1::Resource& shown = one->resource();
  const std::string tenant = shown.has_intent() ? shown.intent().metadata().tenant() : shown.plan().tenant();
  const std::string kind = o.kind.back() == 's' ? o.kind.substr(0, o.kind.size() - 1) : o.kind;
  const std::string subject = shown.has_intent() ? "intent/" + tenant + "/" + o.name
                              : shown.has_plan() ? "intent/" + tenant + "/" + shown.plan().intent()
                                                 : kind + "/" + o.name;
  const NewestEvents newest = newest_events(*client, one->version(), subject, tenant, o.language);
  const Format format = kFormats.at(o.format);
  if (format == Format::kJson) {
    std::cout << "{\"resource\": " << json_text(inside(shown)) << ",\n\"events\": [";
    for (size_t i = 0; i < newest.events.size(); ++i)
      std::cout << (i > 0 ? ",\n" : "") << json_text(newest.events[i]);
    std::cout << "]}\n";
    return {};
  }
  std::cout << resource::to_yaml(inside(shown));
  if (format == Format::kYaml) {
    for (const v1::EventView& event : newest.events) std::cout << render_event(event, format);
    return {};
  }
  if (shown.has_plan()) std::cout << "\n" << render_plan(shown.plan(), format, o.language == "zh");
  if (shown.has_run() && shown.run().past()) std::cout << "\n" << render_end(shown.run());
  if (!newest.events.empty()) std::cout << "\n" << render_events(newest.events, format);
  if (newest.from > 0 && newest.from < one->version() && newest.events.size() < kEventsDescribed) {
    std::cout << "\nEvents before " << newest.from << " were not looked at; 'weir get events' lists all.\n";
  }
  return {};
}

Status explain(const Options& o) {
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::ExplainRequest request;
  constexpr std::string_view kWorkflow = "workflow/";
  const bool workflow = o.name.starts_with(kWorkflow);
  const std::string name = workflow ? o.name.substr(kWorkflow.size()) : o.name;
  const size_t slash = name.find('/');
  (workflow ? *request.mutable_workflow() : *request.mutable_intent()) =
      slash == std::string::npos ? name : name.substr(slash + 1);
  request.set_tenant(slash == std::string::npos ? o.tenant : name.substr(0, slash));
  request.set_ingress(o.ingress);
  request.set_language(o.language);
  for (const std::string& change : o.what_if) request.add_what_if(change);
  v1::ExplainResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::Explain, request, response); !called) return called;
  const Format format = kFormats.at(o.format);
  if (format == Format::kJson) {
    std::cout << json_text(response) << "\n";
  } else if (format == Format::kYaml) {
    std::cout << resource::to_yaml(response);
  } else if (response.has_what_if()) {
    std::string changes;
    for (const std::string& change : o.what_if) changes += (changes.empty() ? "" : ", ") + change;
    std::cout << render_outlooks(response.now(), response.what_if(), changes, width_of(format));
  } else {
    std::cout << (format == Format::kWide ? response.text() : wrapped(response.text(), kTableWidth));
  }
  return {};
}

Status remove(Options& o) {
  if (const Status named = split_name(o, "delete"); !named) return named;
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::DeleteRequest request;
  request.set_kind(o.kind);
  request.set_name(o.name);
  request.set_tenant(o.tenant);
  v1::DeleteResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::Delete, request, response); !called) return called;
  std::cout << o.kind << " " << o.name
            << (o.kind.starts_with("reservation") ? " cancelled\n" : " withdrawn\n");
  return {};
}

std::string state_of(const v1::Resource& resource) {
  switch (resource.resource_case()) {
    case v1::Resource::kIntent: return resource.intent().status().state();
    case v1::Resource::kWorkflow: return resource.workflow().status().state();
    case v1::Resource::kSite: return resource.site().status().state();
    case v1::Resource::kLink: return resource.link().status().state();
    case v1::Resource::kPlan: return resource.plan().state();
    case v1::Resource::kRun: {
      std::string name = v1::RunState_Name(resource.run().state()).substr(10);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      return name;
    }
    default: return "present";
  }
}

// That any resource can have.
constexpr std::array<std::string_view, 24> kStates = {
    "absent",   "active",  "broken",   "down",     "draining", "exited",  "failed",  "finished",
    "half",     "kept",    "lost",     "pending",  "placed",   "planned", "present", "refused",
    "retiring", "running", "starting", "stopping", "unknown",  "up",      "waiting", "withdrawn"};

// A running intent has also been placed, a running workflow planned, and what is finished has been running.
bool holds(const Options& o, const v1::Resource* resource, const std::string& state) {
  if (state == o.wanted || (o.wanted == "present" && resource)) return true;
  if (resource && resource->has_workflow()) {
    return (o.wanted == "planned" && (state == "running" || state == "finished")) ||
           (o.wanted == "running" && state == "finished");
  }
  if (!resource || !resource->has_intent()) return false;
  const auto& status = resource->intent().status();
  if (o.wanted == "kept" || o.wanted == "broken") {
    return status.samples() > 0 && status.promise_kept() == (o.wanted == "kept");
  }
  return (o.wanted == "placed" && (state == "running" || state == "finished")) ||
         (o.wanted == "running" && state == "finished");
}

std::string of_tenant(const Options& o) { return o.tenant.empty() ? "" : " --tenant " + o.tenant; }

// Why what is wanted will not come unless somebody changes something; none: it may come.
std::optional<Error> hopeless(const Options& o, const v1::Resource* resource, const std::string& state,
                              bool seen) {
  const std::string where = o.kind + "/" + o.name;
  if (!resource) {
    if (!seen || o.wanted == "absent") return std::nullopt;
    return Error{ErrorCode::kNotFound, "is gone, and will not be " + o.wanted, where,
                 "'weir get events' tells what happened"};
  }
  const bool leaves = o.wanted == "absent" || o.wanted == "withdrawn";
  const std::string text = "is " + state + ", and will not be " + o.wanted;
  if (resource->has_intent() && !leaves) {
    const std::string explain = "'weir explain " + o.name + of_tenant(o) + "'";
    const std::string& why = resource->intent().status().why();
    if (state == "refused" && o.wanted != "pending") {
      return Error{ErrorCode::kInfeasible, text + " as things are" + (why.empty() ? "" : ": " + why), where,
                   "all reasons: " + explain};
    }
    if (state == "withdrawn") return Error{ErrorCode::kNotFound, text, where, "apply it again"};
    if (state == "failed") {
      return Error{ErrorCode::kInternal, "has failed, and will not be " + o.wanted + (why.empty() ? "" : ": " + why), where,
                   "apply it again to run it anew"};
    }
    if (state == "finished")
      return Error{ErrorCode::kInternal, text, where, "delete it and apply it again to run it anew"};
  }
  if (resource->has_workflow() && !leaves) {
    const v1::Workflow::Status& status = resource->workflow().status();
    if (state == "refused" && o.wanted != "pending") {
      return Error{ErrorCode::kInfeasible, text + " as things are" + (status.why().empty() ? "" : ": " + status.why()), where,
                   "more: 'weir explain workflow/" + o.name + of_tenant(o) + "'"};
    }
    if (state == "withdrawn") return Error{ErrorCode::kNotFound, text, where, "apply it again"};
    if (state == "finished")
      return Error{ErrorCode::kInternal, text, where, "delete it and apply it again to run it anew"};
  }
  if (resource->has_run() && !leaves && (state == "exited" || state == "failed" || state == "lost")) {
    const std::string& why = resource->run().why();
    return Error{ErrorCode::kInternal, text + (why.empty() ? "" : ": " + why), where,
                 "see 'weir describe run " + o.name + "'"};
  }
  if (resource->has_plan() && !leaves && state == "retiring")
    return Error{ErrorCode::kInternal, text, where, "another plan has replaced it"};
  return std::nullopt;
}

Status wait(Options& o) {
  if (const Status named = split_name(o, "wait"); !named) return named;
  if ((o.kind == "run" || o.kind == "runs") && !gateway::parse_run(o.name)) {
    return fail(ErrorCode::kInvalid, "\"" + o.name + "\" is not a run", "KIND/NAME",
                "write run/PLAN.ITEM, as 'weir get runs' shows it");
  }
  if (std::find(kStates.begin(), kStates.end(), o.wanted) == kStates.end()) {
    return fail(ErrorCode::kInvalid, "\"" + o.wanted + "\" is no state", "--for", "'weir wait --help' lists them");
  }
  const auto timeout = parse_lifetime_us(o.timeout);
  if (!timeout) return tl::unexpected(Error{timeout.error().code, timeout.error().what, "--timeout", timeout.error().remedy});
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  const auto deadline = std::chrono::system_clock::now() + std::chrono::microseconds(*timeout);
  Changes changes(*client);
  std::string state = "absent";
  for (bool seen = false;;) {
    const auto one = get_one(*client, o);
    if (!one && one.error().code != ErrorCode::kNotFound) return tl::unexpected(one.error());
    const v1::Resource* resource = one ? &one->resource() : nullptr;
    state = one ? state_of(*resource) : "absent";
    if (holds(o, resource, state)) {
      std::cout << o.kind << " " << o.name << " is " << (state == "finished" ? state : o.wanted) << "\n";
      return {};
    }
    if (const auto error = hopeless(o, resource, state, seen)) return tl::unexpected(*error);
    seen = seen || one;
    if (std::chrono::system_clock::now() >= deadline) break;
    changes.wait(deadline);
  }
  print_error({ErrorCode::kUnavailable, "is " + state + " after " + o.timeout + ", not " + o.wanted,
               o.kind + "/" + o.name,
               "see why with 'weir describe " + o.kind + " " + o.name + of_tenant(o) + "'"});
  exit_with(kExitTimeout);
}

template <class Run>
void command(CLI::App& app, const std::string& name, const std::string& what, const std::string& footer, Run&& declare,
             Status (*run)(Options&)) {
  CLI::App* added = app.add_subcommand(name, what);
  const auto options = std::make_shared<Options>();
  declare(*added, *options);
  add_target_options(*added, options->target);
  added->footer(footer);
  added->callback([options, run] { finish(run(*options)); });
}

constexpr const char* kKinds =
    "intents, jobs, tasks, workflows, queues, reservations, policies, sites, routers, links, datasets, offers, tenants, "
    "tokens, plans, runs, "
    "nodes, events or prices";

}  // namespace

void add_resource_commands(CLI::App& app) {
  command(app, "apply", "Create or change what files describe", R"(
Examples:
  weir apply -f intent.yaml
  weir apply -f sites.yaml -f links.yaml
  weir apply -f intent.yaml --dry-run      where would it run, at which price?)",
          [](CLI::App& c, Options& o) {
            c.add_option("-f,--file", o.files, "File of resources, YAML or JSON; - for standard input")->required()->type_name("FILE");
            c.add_flag("--dry-run", o.dry_run, "Decide and show, change nothing; exits with 6 if infeasible");
            c.add_option("--tenant", o.tenant, "Tenant of resources that name none");
          },
          [](Options& o) { return apply(o); });
  command(
      app, "get", "Show one resource or a list", R"(
Examples:
  weir get intents
  weir get queues                          whose share, and who waits how long?
  weir get jobs                            why does it wait, and until when?
  weir get tasks --filter intent=render    the tasks of an array
  weir get site/metro -o yaml
  weir get runs --filter site=metro,state=running
  weir get events --kind PlanCommitted --since 1h
  weir get events --watch --language zh)",
      [](CLI::App& c, Options& o) {
        c.add_option("KIND", o.kind, kKinds)->required();
        c.add_option("NAME", o.name, "One of them");
        c.add_option("--tenant", o.tenant, "Of this tenant only");
        c.add_option("--filter", o.filter, "name=, site=, tenant=, intent=, state=, joined by commas");
        c.add_option("--kind", o.names, "Of events: only these, like PlanCommitted")->delimiter(',');
        c.add_option("--since", o.since, "Of events: only from then on: 1h, yesterday, 2026-11-20");
        c.add_flag("-w,--watch", o.watch, "Show again whenever it changes");
        add_language(c, o);
        add_format(c, o, {"table", "wide", "json", "yaml", "name"});
      },
      get);
  command(
      app, "describe", "Show everything about one resource, with its events", R"(
Examples:
  weir describe intent cameras --tenant city
  weir describe site metro -o json)",
      [](CLI::App& c, Options& o) {
        c.add_option("KIND", o.kind, kKinds)->required();
        c.add_option("NAME", o.name, "Which");
        c.add_option("--tenant", o.tenant, "Of an intent or data set");
        add_language(c, o);
        add_format(c, o);
      },
      describe);
  command(
      app, "explain", "Say why an intent runs where it does, or nowhere", R"(
Examples:
  weir explain cameras --tenant city
  weir explain city/cameras --ingress street-a
  weir explain city/train                  why does the job wait, behind whom?
  weir explain workflow/city/street-video  where does each stage stand, and why?
  weir explain city/train --what-if deadline=+2h --what-if cpu=2
  weir explain cameras --tenant city --language zh)",
      [](CLI::App& c, Options& o) {
        c.add_option("INTENT", o.name, "NAME or TENANT/NAME; of a workflow: workflow/NAME")->required();
        c.add_option("--tenant", o.tenant, "Of the intent");
        c.add_option("--ingress", o.ingress, "Only the streams of this site");
        c.add_option("--what-if", o.what_if,
                     "FIELD=VALUE of its spec, like deadline=+2h: what it would be, beside what it is; "
                     "changes nothing")
            ->allow_extra_args(false);
        add_language(c, o);
        add_format(c, o);
      },
      [](Options& o) { return explain(o); });
  command(
      app, "delete", "Withdraw an intent or a workflow, or cancel a reservation", R"(
Examples:
  weir delete intent cameras --tenant city
  weir delete workflow street-video --tenant city
  weir delete reservation night --tenant city)",
      [](CLI::App& c, Options& o) {
        c.add_option("KIND", o.kind, "intent, workflow or reservation")->required();
        c.add_option("NAME", o.name, "Which");
        c.add_option("--tenant", o.tenant, "Whose it is");
      },
      remove);
  command(
      app, "wait", "Wait until a resource has a state", R"(
Exits with 8 when the time has passed, and at once, with 6 or 1, when the state
will not come unless somebody changes something. States of
  intents: pending, waiting, placed, running, refused, finished, failed,
           withdrawn, kept, broken
  workflows: pending, planned, running, refused, finished, withdrawn
  runs:    planned, starting, running, stopping, exited, failed, lost
  plans:   active, retiring
  sites:   unknown, up, draining, down
  links:   up, half, down
  any:     present, absent

Example:
  weir wait intent/cameras --tenant city --for running --timeout 60s)",
      [](CLI::App& c, Options& o) {
        c.add_option("KIND/NAME", o.kind, "Which")->required();
        c.add_option("--for", o.wanted, "State to wait for")->required();
        c.add_option("--tenant", o.tenant, "Of an intent");
        c.add_option("--timeout", o.timeout, "How long")->capture_default_str();
      },
      wait);
}

}  // namespace weir::app
