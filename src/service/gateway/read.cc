#include <algorithm>
#include <array>

#include "core/event/codec.h"
#include "core/graph/hours.h"
#include "core/graph/subject.h"
#include "core/units/text.h"
#include "service/gateway/names.h"
#include "service/gateway/service.h"
#include "service/gateway/views.h"
#include "service/gateway/workflow_views.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

using policy::Action;
using policy::Kind;

constexpr Position kEventsReadAtOnce = 4'096;

// One candidate of a list: what a filter compares, whose it is, and how to show it.
struct Item {
  std::string name, tenant, intent, state;
  std::string array;  // that the intent is a task of
  std::array<std::string, 2> sites;
  std::function<void(policy::View, v1::Resource&)> put;
};

class Reader {
 public:
  explicit Reader(ViewSources from) : from_(std::move(from)), graph_(from_.graph) {}

  size_t count(Kind kind) const {
    switch (kind) {
      case Kind::kSite:
      case Kind::kOffer: return graph_.site_count();
      case Kind::kRouter: return graph_.vertex_count();
      case Kind::kNode: return graph_.node_count();
      case Kind::kLink: return graph_.link_count() / 2;
      case Kind::kIntent:
      case Kind::kPlan:
      case Kind::kRun: return graph_.intent_count();
      case Kind::kDataset: return graph_.dataset_count();
      case Kind::kTenant: return graph_.tenant_count();
      case Kind::kToken: return graph_.token_count();
      case Kind::kPrice: return 1 + graph_.site_count() + graph_.link_count();
      case Kind::kQueue:
        return 1 + graph_.queue_count();
      case Kind::kReservation:
        return graph_.reservation_count();
      case Kind::kWorkflow:
        return graph_.workflow_count();
      case Kind::kPolicy:
        return from_.ports.queues.policies().size();
      default: return 0;
    }
  }

  // The items of one row: several for plans, runs and prices.
  std::vector<Item> row(Kind kind, size_t i) const {
    switch (kind) {
      case Kind::kSite: return {site(SiteId(i))};
      case Kind::kOffer: {
        Item item = site(SiteId(i));
        item.put = [this, i](policy::View, v1::Resource& out) { put_offer(from_, SiteId(i), out); };
        return {item};
      }
      case Kind::kRouter: {
        const std::string& name = graph_.vertex_name(VertexId(i));
        if (graph_.find_site(name).valid()) return {};
        return {{.name = name, .put = [this, i](policy::View, v1::Resource& out) { put_router(from_, VertexId(i), out); }}};
      }
      case Kind::kNode: {
        const SiteId at = graph_.node(NodeId(i)).site;
        return {{.name = std::to_string(i),
                 .sites = {graph_.site_name(at), {}},
                 .put = [this, i](policy::View, v1::Resource& out) { put_node(from_, NodeId(i), out); }}};
      }
      case Kind::kLink: return {link(LinkId(2 * i))};
      case Kind::kIntent: {
        const IntentRow& intent = graph_.intent(IntentId(i));
        if (intent.state == IntentState::kWithdrawn && !is_over(intent) && !intent.active && intent.retiring.empty()) {
          return {};
        }
        return {{.name = short_name(i),
                 .tenant = graph_.tenant_name(intent.tenant),
                 .intent = short_name(i),
                 .array = array_of(intent),
                 .put = [this, i](policy::View, v1::Resource& out) { put_intent(from_, IntentId(i), out); }}};
      }
      case Kind::kPlan: return plans(IntentId(i));
      case Kind::kRun: return runs(IntentId(i));
      case Kind::kDataset: {
        const std::string& full = graph_.dataset(DatasetId(i)).spec.name;
        return {{.name = gateway::short_name(full),
                 .tenant = full.substr(0, full.find('/')),
                 .put = [this, i](policy::View, v1::Resource& out) { put_dataset(from_, DatasetId(i), out); }}};
      }
      case Kind::kTenant:
        return {{.name = graph_.tenant_name(TenantId(i)),
                 .tenant = graph_.tenant_name(TenantId(i)),
                 .put = [this, i](policy::View, v1::Resource& out) { put_tenant(from_, TenantId(i), out); }}};
      case Kind::kToken: {
        const TokenRow& token = graph_.token(i);
        const bool of_tenant = !token.join && token.role == Role::kTenant;
        return {{.name = graph_.token_name(i),
                 .tenant = of_tenant ? token.subject : "",
                 .state = std::string(token_state(token, from_.ports.clock.wall_us())),
                 .sites = {token.join ? token.subject : "", {}},
                 .put = [this, i](policy::View, v1::Resource& out) { put_token(from_, i, out); }}};
      }
      case Kind::kPrice: return prices(i);
      case Kind::kQueue:
        return queue(i);
      case Kind::kReservation:
        return reservation(ReservationId(i));
      case Kind::kWorkflow:
        return workflow(WorkflowId(i));
      case Kind::kPolicy: {
        const PolicyDescription& policy = from_.ports.queues.policies()[i];
        return {{.name = policy.name,
                 .put = [&policy](policy::View, v1::Resource& out) { put_policy(policy, out); }}};
      }
      default: return {};
    }
  }

 private:
  std::string short_name(size_t i) const { return gateway::short_name(graph_.intent_name(IntentId(i))); }
  std::string array_of(const IntentRow& row) const { return row.array.valid() ? short_name(row.array.index()) : ""; }
  Item site(SiteId id) const {
    return {.name = graph_.site_name(id),
            .state = std::string(to_text(graph_.site(id).state)),
            .sites = {graph_.site_name(id), {}},
            .put = [this, id](policy::View view, v1::Resource& out) { put_site(from_, id, view, out); }};
  }
  Item link(LinkId id) const {
    return {.name = graph_.link_name(id),
            .state = std::string(link_state(graph_, id)),
            .sites = {graph_.vertex_name(graph_.link(id).from), graph_.vertex_name(graph_.link(id).to)},
            .put = [this, id](policy::View view, v1::Resource& out) { put_link(from_, id, view, out); }};
  }
  std::vector<Item> plans(IntentId id) const {
    const IntentRow& row = graph_.intent(id);
    std::vector<Item> out;
    const auto add = [&](const std::shared_ptr<const CommittedPlan>& plan, const char* state) {
      out.push_back({.name = std::to_string(plan->position),
                     .tenant = graph_.tenant_name(row.tenant),
                     .intent = short_name(id.index()),
                     .state = state,
                     .array = array_of(row),
                     .put = [this, id, plan, state](policy::View, v1::Resource& to) {
                       put_plan(graph_, graph_.intent(id), id, plan->plan, plan->position, state, *to.mutable_plan(), from_.language);
                       put_traffic(from_.ports, plan->plan, *to.mutable_plan());
                     }});
    };
    for (const auto& plan : row.retiring) add(plan, "retiring");
    if (row.active) add(row.active, "active");
    return out;
  }
  std::vector<Item> runs(IntentId id) const {
    const IntentRow& row = graph_.intent(id);
    std::vector<Item> out;
    for (size_t k = 0; k < row.runs.size(); ++k) {
      out.push_back({.name = run_text(row.runs[k].run),
                     .tenant = graph_.tenant_name(row.tenant),
                     .intent = short_name(id.index()),
                     .state = std::string(to_text(row.runs[k].state)),
                     .array = array_of(row),
                     .sites = {graph_.site_name(row.runs[k].site), {}},
                     .put = [this, id, k](policy::View view, v1::Resource& to) {
                       put_run(from_, id, graph_.intent(id).runs[k], view, to);
                     }});
    }
    return out;
  }
  // The domain's own first, whether it is described or not.
  std::vector<Item> queue(size_t i) const {
    const QueueId id = i == 0 ? QueueId() : QueueId(i - 1);
    const std::string name = id.valid() ? graph_.queue(id).name : kDomainQueue;
    if (id.valid() && name == kDomainQueue) return {};
    return {{.name = name,
             .put = [this, id](policy::View view, v1::Resource& out) { put_queue(from_, id, view, out); }}};
  }
  // Those that are over or cancelled are history.
  std::vector<Item> reservation(ReservationId id) const {
    const Graph::ReservationRow& row = graph_.reservation(id);
    const std::string_view state = reservation_state(row, from_.ports.clock.wall_us());
    if (state == "over" || state == "cancelled") return {};
    return {{.name = row.spec.name,
             .tenant = graph_.tenant_name(row.tenant),
             .state = std::string(state),
             .sites = {graph_.site_name(row.spec.site), {}},
             .put = [this, id](policy::View, v1::Resource& out) { put_reservation(from_, id, out); }}};
  }
  std::vector<Item> workflow(WorkflowId id) const {
    const WorkflowRow& row = graph_.workflow(id);
    const bool held = std::any_of(row.intents.begin(), row.intents.end(), [this](IntentId stage) {
      return graph_.intent(stage).active || !graph_.intent(stage).retiring.empty();
    });
    if (row.state == WorkflowState::kWithdrawn && !row.finished && !held) return {};
    return {{.name = gateway::short_name(graph_.workflow_name(id)),
             .tenant = graph_.tenant_name(row.tenant),
             .put = [this, id](policy::View, v1::Resource& out) { put_workflow(from_, id, out); }}};
  }
  std::vector<Item> prices(size_t i) const {
    const PricePolicy& policy = graph_.prices();
    std::vector<Item> out;
    if (i == 0) {
      out.push_back({.name = "carbon", .put = [policy](policy::View, v1::Resource& to) {
                       to.mutable_price()->set_resource("carbon");
                       to.mutable_price()->set_unit("kgCO2");
                       to.mutable_price()->set_carbon_nanocredits(policy.carbon_price_per_kg);
                     }});
      return out;
    }
    if (i <= graph_.site_count()) {
      const SiteId id(i - 1);
      const SiteLoad& load = graph_.load(id);
      const Asks& asks = graph_.site(id).asks;
      const Asks of_jobs = asks_of(graph_, id, WorkKind::kJob);
      const SiteShadow scarce = graph_.scarcity_at(id);
      const auto add = [&](const char* resource, const char* unit, Nanocredits ask, Nanocredits job_ask, Nanocredits scarcity,
                           int64_t total, int64_t free) {
        out.push_back({.name = std::string(resource) + "." + graph_.site_name(id),
                       .sites = {graph_.site_name(id), {}},
                       .put = [=, this](policy::View view, v1::Resource& to) {
                         v1::PriceView& p = *to.mutable_price();
                         p.set_resource(resource);
                         p.set_unit(unit);
                         p.set_site(graph_.site_name(id));
                         p.set_ask_nanocredits(ask);
                         p.set_job_ask_nanocredits(job_ask);
                         p.set_scarcity_nanocredits(scarcity);
                         p.set_restricted(view != policy::View::kFull);
                         if (view == policy::View::kFull && total > 0) {
                           p.set_utilisation_ppm(static_cast<int32_t>((total - free) * kPpm / total));
                         }
                       }});
      };
      add("core", "core-hour", asks.per_core_hour, of_jobs.per_core_hour, scarce.per_core_hour, load.cpu_milli_total, load.cpu_milli_free);
      add("gib", "GiB-hour", asks.per_gib_hour, of_jobs.per_gib_hour, scarce.per_gib_hour, load.memory_mib_total, load.memory_mib_free);
      if (load.accelerators_total > 0) {
        add("accelerator", "accelerator-hour", asks.per_accelerator_hour, of_jobs.per_accelerator_hour, scarce.per_accelerator_hour,
            int64_t{load.accelerators_total} * kDeviceMilli, load.accelerator_milli_free);
      }
      return out;
    }
    const LinkId id(i - 1 - graph_.site_count());
    const LinkRow& row = graph_.link(id);
    out.push_back({.name = "gbps." + graph_.link_name(id) + (id.value % 2 == 0 ? "" : ".back"),
                   .sites = {graph_.vertex_name(row.from), graph_.vertex_name(row.to)},
                   .put = [this, id](policy::View view, v1::Resource& to) {
                     const LinkRow& link = graph_.link(id);
                     v1::PriceView& p = *to.mutable_price();
                     p.set_resource("gbps");
                     p.set_unit("Gbps-hour");
                     p.set_link(graph_.link_name(id) + (id.value % 2 == 0 ? "" : " (back)"));
                     p.set_ask_nanocredits(link.per_gbps_hour);
                     p.set_scarcity_nanocredits(graph_.link_price(id) - link.per_gbps_hour);
                     p.set_restricted(view != policy::View::kFull);
                     if (view == policy::View::kFull && link.bandwidth_bps > 0) {
                       p.set_utilisation_ppm(static_cast<int32_t>(static_cast<__int128>(link.bandwidth_bps -
                                                                                        graph_.load(id).free_bps) *
                                                                  kPpm / link.bandwidth_bps));
                     }
                   }});
    return out;
  }

  const ViewSources from_;
  const Graph& graph_;
};

std::string full_name(Kind kind, const Item& item) {
  return item.tenant.empty() || kind == Kind::kToken ? item.name : item.tenant + "/" + item.name;
}

Result<policy::View> may_read(const policy::Principal& who, Kind kind, const Item& item) {
  const std::string full = full_name(kind, item);
  return policy::authorise_read(
      who, {.kind = kind, .name = full, .tenant = item.tenant, .sites = {item.sites[0], item.sites[1]}});
}

// Of the intents only those that are jobs, or tasks of arrays, which are not listed otherwise.
bool only_jobs(const std::string& kind) { return kind == "job" || kind == "jobs"; }
bool only_tasks(const std::string& kind) { return kind == "task" || kind == "tasks"; }

Result<Kind> readable_kind(const std::string& text) {
  if (only_jobs(text) || only_tasks(text)) return Kind::kIntent;
  const auto kind = policy::parse_kind(text);
  if (kind && *kind != Kind::kBill && *kind != Kind::kLedger && *kind != Kind::kWebhook) return *kind;
  return fail(
      ErrorCode::kInvalid, "\"" + text + "\" is not a kind", "kind",
      "give intent, job, task, site, router, link, dataset, offer, tenant, token, plan, run, node, event, price, "
      "queue, reservation, workflow or policy");
}

// That what is of the kind can have; none: it has no states.
std::vector<std::string_view> states_of(Kind kind) {
  switch (kind) {
    case Kind::kIntent:
      return {"pending", "waiting", "placed", "running", "refused", "finished", "failed", "withdrawn"};
    case Kind::kSite:
    case Kind::kOffer:
      return {"unknown", "up", "draining", "down"};
    case Kind::kLink:
      return {"up", "half", "down"};
    case Kind::kPlan:
      return {"active", "retiring"};
    case Kind::kRun:
      return {"planned", "starting", "running", "stopping", "exited", "failed", "lost"};
    case Kind::kToken:
      return {"good", "used", "expired", "revoked"};
    case Kind::kReservation:
      return {"planned", "open"};
    case Kind::kWorkflow:
      return {"pending", "planned", "running", "refused", "finished", "withdrawn"};
    default:
      return {};
  }
}

struct Filter {
  std::vector<std::pair<std::string, std::string>> terms;

  static Result<Filter> parse(std::string_view text) {
    Filter out;
    while (!text.empty()) {
      const size_t comma = text.find(',');
      const std::string_view term = text.substr(0, comma);
      text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
      const size_t equals = term.find('=');
      const std::string field(term.substr(0, equals));
      if (equals == std::string_view::npos ||
          (field != "name" && field != "site" && field != "tenant" && field != "intent" && field != "state")) {
        return fail(ErrorCode::kInvalid, "\"" + field + "\" cannot be filtered by", "filter",
                    "write name=, site=, tenant=, intent= or state=, joined by commas");
      }
      out.terms.emplace_back(field, term.substr(equals + 1));
      if (out.terms.size() > 16) return fail(ErrorCode::kInvalid, "has more than 16 terms", "filter");
    }
    return out;
  }
  // kInvalid: nothing of the kind is ever in a state that is asked for.
  Status check(Kind kind) const {
    const std::vector<std::string_view> known = states_of(kind);
    for (const auto& [field, value] : terms) {
      if (field != "state" || std::find(known.begin(), known.end(), value) != known.end()) continue;
      std::string all;
      for (const std::string_view state : known) all += (all.empty() ? "one of " : ", ") + std::string(state);
      return fail(ErrorCode::kInvalid,
                  known.empty() ? "a " + std::string(policy::kind_name(kind)) + " has no state"
                                : "\"" + clip_utf8(value, 40) + "\" is no state of what is of the kind " + std::string(policy::kind_name(kind)),
                  "filter", all);
    }
    return {};
  }
  // What the state of an intent or a workflow is, only its view tells.
  bool shows(const v1::Resource& resource) const {
    if (!resource.has_intent() && !resource.has_workflow()) return true;
    const std::string& state = resource.has_intent() ? resource.intent().status().state() : resource.workflow().status().state();
    return std::all_of(terms.begin(), terms.end(),
                       [&state](const auto& term) { return term.first != "state" || state == term.second; });
  }
  bool matches(const Item& item) const {
    return std::all_of(terms.begin(), terms.end(), [&](const auto& term) {
      const auto& [field, value] = term;
      if (field == "name") return item.name == value;
      if (field == "tenant") return item.tenant == value;
      if (field == "intent") return item.intent == value || (!item.array.empty() && item.array == value);
      if (field == "state") return item.state.empty() || item.state == value;
      return item.sites[0] == value || item.sites[1] == value;
    });
  }
};

}  // namespace

Result<v1::GetResponse> Service::get(const Principal& who, const v1::GetRequest& request) {
  const auto language = language_of(request.language());
  if (!language) return tl::unexpected(language.error());
  const auto kind = readable_kind(request.kind());
  if (!kind) return tl::unexpected(kind.error());
  const Snapshot graph = ports_.brain.durable();
  v1::GetResponse out;
  out.set_version(graph->version());
  const bool owned = *kind == Kind::kIntent || *kind == Kind::kDataset || *kind == Kind::kReservation || *kind == Kind::kWorkflow;
  std::string tenant = request.tenant();
  if (owned && tenant.empty() && who.role == policy::Role::kTenant && who.subjects.size() == 1) tenant = who.subjects[0];
  const std::string asked = owned ? tenant + "/" + request.name() : request.name();
  if (owned && tenant.empty() && who.role == policy::Role::kOperator) {
    return tl::unexpected(whose(policy::kind_name(*kind), request.name()));
  }
  if (*kind == Kind::kEvent) {
    const auto position = parse_number(request.name());
    if (!position || *position >= graph->version()) {
      return tl::unexpected(policy::absent(who, Action::kRead, *kind, asked));
    }
    v1::EventsRequest one;
    one.set_from(*position);
    one.set_limit(1);
    one.set_language(request.language());
    const auto events = this->events(who, one, *position);
    if (!events) return tl::unexpected(events.error());
    if (events->events_size() != 1 || events->events(0).position() != *position) {
      return tl::unexpected(policy::absent(who, Action::kRead, *kind, asked));
    }
    *out.mutable_resource()->mutable_event() = events->events(0);
    return out;
  }
  const Reader reader(sources(who, graph, *language));
  const auto try_row = [&](size_t i) -> std::optional<Result<policy::View>> {
    for (const Item& item : reader.row(*kind, i)) {
      if (item.name != request.name() || (owned && item.tenant != tenant)) continue;
      auto view = may_read(who, *kind, item);
      if (view) item.put(*view, *out.mutable_resource());
      return view;
    }
    return std::nullopt;
  };
  std::optional<Result<policy::View>> found;
  const size_t count = reader.count(*kind);
  // By index where names have one.
  if (*kind == Kind::kSite || *kind == Kind::kOffer) {
    if (const SiteId id = graph->find_site(request.name()); id.valid()) found = try_row(id.index());
  } else if (*kind == Kind::kIntent) {
    if (const IntentId id = graph->find_intent(tenant, request.name()); id.valid()) found = try_row(id.index());
  } else if (*kind == Kind::kNode) {
    const auto number = parse_number(request.name());
    if (number && *number < count) found = try_row(*number);
  } else {
    for (size_t i = 0; i < count && !found; ++i) found = try_row(i);
  }
  if (const auto run = parse_run(request.name()); !found && *kind == Kind::kRun && run) {
    const RunHistory past = ports_.history.run(*run);
    if (!past.tenant.empty()) {
      found = may_read(who, *kind,
                       {.name = request.name(),
                        .tenant = past.tenant,
                        .intent = past.intent,
                        .state = {},
                        .sites = {past.site, {}},
                        .put = {}});
      if (*found) (void)put_past_run(sources(who, graph), *run, **found, *out.mutable_resource());
    }
  }
  if (!found) return tl::unexpected(policy::absent(who, Action::kRead, *kind, asked));
  if (!*found) return tl::unexpected(found->error());
  return out;
}

Result<v1::ListResponse> Service::list(const Principal& who, const v1::ListRequest& request) {
  const auto language = language_of(request.language());
  if (!language) return tl::unexpected(language.error());
  const auto kind = readable_kind(request.kind());
  if (!kind) return tl::unexpected(kind.error());
  const auto filter = Filter::parse(request.filter());
  if (!filter) return tl::unexpected(filter.error());
  if (request.page_size() > kPageSizeMax) {
    return fail(ErrorCode::kInvalid, std::to_string(request.page_size()) + " is more than 1000", "page_size");
  }
  const size_t size = request.page_size() == 0 ? kPageSizeDefault : request.page_size();
  const auto start = request.page_token().empty() ? std::optional<uint64_t>(0) : parse_number(request.page_token());
  if (!start) return fail(ErrorCode::kInvalid, "is not from a page before", "page_token");
  if (const Status known = filter->check(*kind); !known) return tl::unexpected(known.error());
  const Snapshot graph = ports_.brain.durable();
  // Whether there is such a tenant is not for others to know.
  if (who.role == policy::Role::kOperator && !request.tenant().empty() && !graph->find_tenant(request.tenant()).valid()) {
    return tl::unexpected(policy::absent(who, Action::kRead, Kind::kTenant, request.tenant()));
  }
  v1::ListResponse out;
  out.set_version(graph->version());
  if (*kind == Kind::kEvent) {
    v1::EventsRequest wanted;
    wanted.set_tenant(request.tenant());
    wanted.set_limit(static_cast<uint32_t>(size));
    wanted.set_language(request.language());
    Position next = *start;
    for (size_t steps = 0;
         steps < kStepsPerPageMax && static_cast<size_t>(out.items_size()) < size && next < graph->version();
         ++steps) {
      const auto events = this->events(who, wanted, next);
      if (!events) return tl::unexpected(events.error());
      for (const v1::EventView& event : events->events()) {
        if (static_cast<size_t>(out.items_size()) < size) {
          *out.add_items()->mutable_event() = event;
          next = event.position() + 1;
        }
      }
      if (static_cast<size_t>(out.items_size()) < size) next = events->next();
    }
    if (next < graph->version()) out.set_next_page_token(std::to_string(next));
    return out;
  }
  // A token is "row * 2^20 + item in the row".
  constexpr uint64_t kRow = uint64_t{1} << 20;
  const Reader reader(sources(who, graph, *language));
  const size_t count = reader.count(*kind);
  const bool jobs = only_jobs(request.kind());
  for (size_t i = *start / kRow; i < count; ++i) {
    if (jobs && graph->intent(IntentId(i)).spec->workload.kind != WorkKind::kJob) continue;
    if (*kind == Kind::kIntent && graph->intent(IntentId(i)).array.valid() != only_tasks(request.kind())) continue;
    const auto items = reader.row(*kind, i);
    for (size_t k = i == *start / kRow ? *start % kRow : 0; k < items.size(); ++k) {
      const Item& item = items[k];
      if (!request.tenant().empty() && item.tenant != request.tenant()) continue;
      if (!filter->matches(item)) continue;
      const auto view = may_read(who, *kind, item);
      if (!view) continue;
      if (static_cast<size_t>(out.items_size()) == size) {
        out.set_next_page_token(std::to_string(i * kRow + k));
        return out;
      }
      v1::Resource shown;
      item.put(*view, shown);
      if (filter->shows(shown)) *out.add_items() = std::move(shown);
    }
  }
  return out;
}

Status Service::check_events(const Principal& who, const v1::EventsRequest& request) const {
  for (const std::string& name : request.names()) {
    if (std::find(kEventNames.begin(), kEventNames.end(), name) == kEventNames.end()) {
      return fail(ErrorCode::kInvalid, "\"" + name + "\" is not an event", "names", "write it like PlanCommitted");
    }
  }
  if (const auto language = language_of(request.language()); !language) return tl::unexpected(language.error());
  const std::string& tenant = !request.tenant().empty() || who.subjects.empty() ? request.tenant() : who.subjects[0];
  const policy::Resource asked{.kind = Kind::kEvent, .name = "events", .tenant = tenant};
  return policy::authorise(who, Action::kRead, asked);
}

Result<v1::EventsResponse> Service::events(const Principal& who, const v1::EventsRequest& request,
                                           Position next) const {
  const auto language = language_of(request.language());
  if (!language) return tl::unexpected(language.error());
  const Snapshot graph = ports_.brain.durable();
  const Position end = std::min(ports_.log.durable_end(), graph->version());
  v1::EventsResponse out;
  out.set_next(std::max(next, std::min(next, end)));
  if (next >= end) return out;
  const bool all = who.role == policy::Role::kOperator;
  const size_t most = request.limit() == 0 ? kEventsAtOnceMax : std::min<size_t>(request.limit(), kEventsAtOnceMax);
  // Shows it if it is asked for and may be seen: the policy decides, whatever an index has found.
  const auto show = [&](Position position, Bytes record, const std::string& no_effect) -> Status {
    const auto event = decode(record);
    if (!event) return tl::unexpected(event.error());
    if (event->at < request.since() ||
        (request.names_size() > 0 &&
         std::find(request.names().begin(), request.names().end(), event->name()) == request.names().end())) {
      return {};
    }
    const TenantId tenant = subject_of(*graph, *event).tenant;
    const std::string whose = tenant.index() < graph->tenant_count() ? graph->tenant_name(tenant) : "";
    if (!request.tenant().empty() && whose != request.tenant()) return {};
    const policy::Resource asked{.kind = Kind::kEvent, .name = "event", .tenant = whose};
    if (!all && !policy::authorise(who, Action::kRead, asked)) return {};
    v1::Resource view;
    put_event(*graph, position, *event, all ? record : Bytes(), no_effect, *language, view);
    *out.add_events() = std::move(*view.mutable_event());
    return {};
  };
  // What the history has is found by its index; what it has not yet is read through, in bounded steps.
  const Position indexed = std::min(end, ports_.history.size());
  if (next < indexed) {
    EventFilter filter{.tenant = request.tenant(), .names = {}, .since = request.since(), .from = next, .to = indexed, .rows_max = most};
    filter.names.assign(request.names().begin(), request.names().end());
    if (filter.tenant.empty() && who.role == policy::Role::kTenant && who.subjects.size() == 1) {
      filter.tenant = who.subjects[0];
    }
    if (const auto rows = ports_.history.events(filter)) {
      for (const EventRow& row : *rows) {
        const Status read = ports_.log.read(row.position, row.position + 1, [&](Position position, Bytes record) {
          return show(position, record, row.no_effect);
        });
        if (!read) return tl::unexpected(read.error());
      }
      out.set_next(rows->size() == most ? rows->back().position + 1 : indexed);
      return out;
    }
  }
  const Position to = std::min<Position>(end, next + kEventsReadAtOnce);
  const Status read = ports_.log.read(next, to, [&](Position position, Bytes record) -> Status {
    if (static_cast<size_t>(out.events_size()) == most) return {};
    out.set_next(position + 1);
    return show(position, record, "");
  });
  if (!read) return tl::unexpected(read.error());
  return out;
}

}  // namespace weir::gateway
