#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "core/event/codec.h"
#include "core/loop/admit.h"
#include "service/gateway/explain.h"
#include "service/gateway/service.h"
#include "service/gateway/views.h"
#include "service/gateway/waiting.h"
#include "service/resource/resource.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

// Of what may be named: withdrawn ones are gone, finished ones are shown.
std::optional<IntentId> named_intent(const Graph& graph, std::string_view tenant, std::string_view name) {
  const IntentId id = graph.find_intent(tenant, name);
  const bool known = id.valid() && (graph.intent(id).state != IntentState::kWithdrawn || graph.intent(id).finished);
  return known ? std::optional(id) : std::nullopt;
}

// The stages of a request's intents, each behind those that it is to be near where these are in the request too, and behind
// those that it is to be apart from where nobody knows them yet. Of those that are to be apart from one another in a circle one
// goes first without the names that are not known by then, and again, with them, behind all others. Those in a circle of `near`
// stand side by side: one of them cannot name the next.
class IntentOrder {
 public:
  IntentOrder(const Graph& graph, const std::vector<resource::Resource>& resources, size_t first) : stage_(first) {
    for (size_t i = 0; i < resources.size(); ++i) {
      if (std::holds_alternative<resource::Intent>(resources[i].value)) {
        rows_.emplace(std::pair(resources[i].tenant(), resources[i].name()), i);
      }
    }
    for (const auto& [key, i] : rows_) {
      const auto& intent = std::get<resource::Intent>(resources[i].value);
      Node& node = nodes_[i];
      const auto follow = [&](const std::vector<std::string>& names, std::vector<size_t>& into, bool of_new) {
        for (const std::string& name : names) {
          const auto other = rows_.find({key.first, name});
          if (other != rows_.end() && !(of_new && named_intent(graph, key.first, name))) into.push_back(other->second);
        }
      };
      follow(intent.near, node.near, false);
      follow(intent.apart_from, node.apart, true);
    }
    while (stages_.size() < nodes_.size()) {
      std::vector<size_t> next;
      for (const auto& [key, i] : rows_) {
        if (!stages_.contains(i) && !open(nodes_.at(i).near) && !open(nodes_.at(i).apart)) next.push_back(i);
      }
      if (next.empty()) next = break_circle();
      for (const size_t i : next) stages_.emplace(i, stage_);
      ++stage_;
    }
  }

  const std::map<size_t, size_t>& stages() const { return stages_; }  // by row of the resources
  // Those that go first without the names that are not known by then.
  const std::set<size_t>& first_without() const { return first_without_; }
  size_t end() const { return stage_; }

 private:
  struct Node {
    std::vector<size_t> near, apart;
  };

  // The first that has no stage yet.
  std::optional<size_t> open(const std::vector<size_t>& rows) const {
    const auto found = std::find_if(rows.begin(), rows.end(), [this](size_t i) { return !stages_.contains(i); });
    return found == rows.end() ? std::nullopt : std::optional(*found);
  }
  // Requires that each that has no stage waits for one that has none.
  std::vector<size_t> break_circle() {
    const auto left = std::find_if(rows_.begin(), rows_.end(), [this](const auto& row) { return !stages_.contains(row.second); });
    std::vector<size_t> way{left->second};
    for (;;) {
      const Node& node = nodes_.at(way.back());
      const auto near = open(node.near);
      const size_t next = near ? *near : *open(node.apart);
      if (const auto seen = std::find(way.begin(), way.end(), next); seen != way.end()) {
        way.erase(way.begin(), seen);
        break;
      }
      way.push_back(next);
    }
    for (const size_t i : way) {
      if (open(nodes_.at(i).near)) continue;
      first_without_.insert(i);
      return {i};
    }
    return way;
  }

  std::map<std::pair<std::string, std::string>, size_t> rows_;
  std::map<size_t, Node> nodes_;
  std::map<size_t, size_t> stages_;
  std::set<size_t> first_without_;
  size_t stage_;
};

// Each stage can name what those before it made: places and tenants; what joins or lies at them; queues below
// one another, see order_queues(); and last the intents and workflows. An intent that is submitted twice is appended to the
// resources as it is, goes first without what it cannot name yet, and is in `again` with its row.
Result<std::vector<size_t>> stages_of(const Graph& graph, std::vector<resource::Resource>& resources, std::map<size_t, size_t>& again) {
  std::map<std::string_view, size_t> queues;
  for (size_t i = 0; i < resources.size(); ++i) {
    if (std::holds_alternative<resource::Queue>(resources[i].value)) queues.emplace(resources[i].name(), i);
  }
  std::vector<size_t> out(resources.size());
  size_t last = 2;
  for (size_t i = 0; i < resources.size(); ++i) {
    const resource::Value& value = resources[i].value;
    if (std::holds_alternative<resource::Link>(value) || std::holds_alternative<resource::Dataset>(value) ||
        std::holds_alternative<resource::Reservation>(value)) {
      out[i] = 1;
    }
    for (const auto* queue = std::get_if<resource::Queue>(&value); queue != nullptr;) {
      const auto parent = queues.find(queue->parent);
      if (parent == queues.end()) break;
      if (++out[i] > queues.size()) {
        return fail(ErrorCode::kInvalid, "is below itself", resources[i].source.where("spec.parent"),
                    "a queue's parents end at the domain");
      }
      queue = &std::get<resource::Queue>(resources[parent->second].value);
    }
    last = std::max(last, out[i] + 1);
  }
  for (size_t i = 0; i < resources.size(); ++i) {
    if (std::holds_alternative<resource::Workflow>(resources[i].value)) out[i] = last;
  }
  const IntentOrder order(graph, resources, last);
  for (const auto& [i, stage] : order.stages()) out[i] = stage;
  for (const size_t i : order.first_without()) {
    again.emplace(resources.size(), i);
    resources.push_back(resources[i]);
    out.push_back(order.end());
    auto& intent = std::get<resource::Intent>(resources[i].value);
    // What nobody knows is told of when it is submitted as it is.
    std::erase_if(intent.apart_from, [&](const std::string& name) {
      return !named_intent(graph, intent.tenant, name) &&
             std::none_of(order.stages().begin(), order.stages().end(), [&](const auto& placed) {
               const resource::Resource& other = resources[placed.first];
               return placed.second < out[i] && other.tenant() == intent.tenant && other.name() == name;
             });
    });
    intent.spec.where.apart_from.resize(intent.apart_from.size());
  }
  return out;
}

// Admission of a resource names what it is about, "queue research: spec.maximum.cpu"; whoever wrote it is told the field.
Error written(const resource::Resource& item, Error error) {
  if (const size_t at = error.where.find(": spec."); at != std::string::npos) {
    error.where = item.source.where(std::string_view(error.where).substr(at + 2));
  }
  return error;
}

policy::Kind kind_of(const resource::Resource& resource) {
  static constexpr std::array kKinds = {
      policy::Kind::kIntent, policy::Kind::kSite,    policy::Kind::kRouter,
      policy::Kind::kLink,   policy::Kind::kDataset, policy::Kind::kOffer,
      policy::Kind::kTenant, policy::Kind::kQueue,   policy::Kind::kReservation,
      policy::Kind::kWorkflow};
  return kKinds[resource.value.index()];
}

Status authorise_apply(const policy::Principal& who, const resource::Resource& resource) {
  policy::Resource asked{.kind = kind_of(resource), .name = resource.name(), .tenant = resource.tenant()};
  const std::string full = resource.tenant() + "/" + resource.name();
  if (!resource.tenant().empty()) asked.name = full;
  if (const auto* site = std::get_if<resource::Site>(&resource.value)) asked.sites[0] = site->spec.name;
  if (const auto* offer = std::get_if<resource::Offer>(&resource.value)) asked.sites[0] = offer->site;
  if (const auto* link = std::get_if<resource::Link>(&resource.value)) asked.sites = {link->between[0], link->between[1]};
  if (const auto* tenant = std::get_if<resource::Tenant>(&resource.value)) asked.tenant = tenant->name;
  return policy::authorise(who, policy::Action::kApply, asked);
}

resource::Directory directory_of(const Graph& graph) {
  return {.site = [&graph](std::string_view name) -> std::optional<SiteId> {
            const SiteId id = graph.find_site(name);
            return id.valid() ? std::optional(id) : std::nullopt;
          },
          .vertex = [&graph](std::string_view name) -> std::optional<VertexId> {
            const VertexId id = graph.find_vertex(name);
            return id.valid() ? std::optional(id) : std::nullopt;
          },
          .dataset = [&graph](std::string_view tenant, std::string_view name) -> std::optional<DatasetId> {
            const DatasetId id = graph.find_dataset(stored_dataset_name(tenant, name));
            return id.valid() ? std::optional(id) : std::nullopt;
          },
          .queue = [&graph](std::string_view name) -> std::optional<QueueId> {
            const QueueId id = graph.find_queue(name);
            return id.valid() ? std::optional(id) : std::nullopt;
          },
          .intent = [&graph](std::string_view tenant, std::string_view name) { return named_intent(graph, tenant, name); },
          .sites =
              [&graph] {
                std::vector<std::string> out;
                for (size_t i = 0; i < graph.site_count(); ++i) out.push_back(graph.site_name(SiteId(i)));
                return out;
              },
          .vertices =
              [&graph] {
                std::vector<std::string> out;
                for (size_t i = 0; i < graph.vertex_count(); ++i)
                  out.push_back(graph.vertex_name(VertexId(i)));
                return out;
              },
          .queues =
              [&graph] {
                std::vector<std::string> out;
                for (size_t i = 0; i < graph.queue_count(); ++i) out.push_back(graph.queue(QueueId(i)).name);
                return out;
              }};
}

Result<TenantId> known_tenant(const Graph& graph, const resource::Resource& resource) {
  const TenantId tenant = graph.find_tenant(resource.tenant());
  if (tenant.valid()) return tenant;
  return fail(ErrorCode::kNotFound, "no tenant \"" + resource.tenant() + "\"",
              resource.source.where("metadata.tenant"), "an operator applies a Tenant of that name first");
}

Status check_policy(const Queues& queues, const resource::Resource& resource) {
  const auto* queue = std::get_if<resource::Queue>(&resource.value);
  if (queue == nullptr || queue->spec.policy.empty()) return {};
  Status checked = queues.check(queue->spec.policy, queue->spec.settings);
  if (!checked) checked.error().where = resource.source.where("spec." + checked.error().where);
  return checked;
}

}  // namespace

Result<EventBody> body_of(const Graph& graph, resource::Resource& resource) {
  if (const Status resolved = resource::resolve(resource, directory_of(graph)); !resolved) {
    return tl::unexpected(resolved.error());
  }
  if (const auto* intent = std::get_if<resource::Intent>(&resource.value)) {
    const auto tenant = known_tenant(graph, resource);
    if (!tenant) return tl::unexpected(tenant.error());
    return IntentSubmitted{.intent = {}, .tenant = *tenant, .generation = 0, .spec = intent->spec};
  }
  if (const auto* workflow = std::get_if<resource::Workflow>(&resource.value)) {
    const auto tenant = known_tenant(graph, resource);
    if (!tenant) return tl::unexpected(tenant.error());
    return WorkflowSubmitted{.workflow = {}, .tenant = *tenant, .generation = 0, .spec = workflow->spec};
  }
  if (const auto* reservation = std::get_if<resource::Reservation>(&resource.value)) {
    const auto tenant = known_tenant(graph, resource);
    if (!tenant) return tl::unexpected(tenant.error());
    return ReservationDefined{{}, *tenant, reservation->spec};
  }
  if (const auto* queue = std::get_if<resource::Queue>(&resource.value)) return QueueDefined{{}, queue->spec};
  if (const auto* site = std::get_if<resource::Site>(&resource.value)) return SiteDefined{{}, {}, site->spec};
  if (const auto* router = std::get_if<resource::Router>(&resource.value)) return RouterDefined{{}, router->name};
  if (const auto* link = std::get_if<resource::Link>(&resource.value)) return LinkDefined{{}, link->spec};
  if (const auto* dataset = std::get_if<resource::Dataset>(&resource.value)) {
    DatasetSpec spec = dataset->spec;
    spec.name = stored_dataset_name(dataset->tenant, spec.name);
    return DatasetDefined{{}, std::move(spec)};
  }
  if (const auto* offer = std::get_if<resource::Offer>(&resource.value)) {
    SiteSpec spec = graph.site_spec(offer->site_id);
    spec.asks = offer->asks;
    spec.best_effort_asks_milli = offer->best_effort_asks_milli;
    return SiteDefined{offer->site_id, {}, std::move(spec)};
  }
  return TenantDefined{{}, std::get<resource::Tenant>(resource.value).name};
}

namespace {

Status define_queue(Graph& graph, resource::Resource& queue, TimeUs now) {
  auto body = body_of(graph, queue);
  if (!body) return tl::unexpected(body.error());
  auto admission = admit(graph, *body, now);
  if (!admission) return tl::unexpected(written(queue, admission.error()));
  const Event event{now, "apply", std::move(admission->body)};
  if (const Status valid = validate(event); !valid) return valid;
  if (admission->changes) (void)graph.apply(event);
  return {};
}

// The order in which the graph takes the queues of a request, and their stages in it: what raises quotas comes from above, what
// lowers them from below, whatever the order in which they are written. A new queue that others name ends a stage.
Status order_queues(Graph graph, std::vector<resource::Resource>& resources, std::vector<size_t>& order,
                    std::vector<size_t>& stages, TimeUs now) {
  std::vector<size_t> left, taken;
  for (const size_t i : order) {
    if (std::holds_alternative<resource::Queue>(resources[i].value)) left.push_back(i);
  }
  std::set<std::string_view> fresh;
  for (const size_t i : left) {
    if (!graph.find_queue(resources[i].name()).valid()) fresh.insert(resources[i].name());
  }
  while (!left.empty()) {
    std::map<size_t, Error> refused;
    for (const size_t i : left) {
      if (const Status defined = define_queue(graph, resources[i], now)) {
        taken.push_back(i);
      } else {
        refused.emplace(i, defined.error());
      }
    }
    if (refused.size() == left.size()) return tl::unexpected(refused.begin()->second);
    std::erase_if(left, [&refused](size_t i) { return !refused.contains(i); });
    std::reverse(left.begin(), left.end());
  }
  std::set<std::string_view> here;
  size_t stage = 0, last = 2;
  for (const size_t i : taken) {
    const auto& queue = std::get<resource::Queue>(resources[i].value);
    if (here.contains(queue.parent)) {
      here.clear();
      ++stage;
    }
    if (fresh.contains(resources[i].name())) here.insert(resources[i].name());
    stages[i] = stage;
    last = std::max(last, stage + 1);
  }
  // What came after all queues still does, in the order that it had.
  const auto is_after = [&](size_t i) { return !std::holds_alternative<resource::Queue>(resources[i].value) && stages[i] >= 2; };
  size_t first = SIZE_MAX;
  for (size_t i = 0; i < resources.size(); ++i) {
    if (is_after(i)) first = std::min(first, stages[i]);
  }
  for (size_t i = 0; i < resources.size(); ++i) {
    if (is_after(i)) stages[i] += last - first;
  }
  // Queues after one another as they were taken, all others as they were written.
  std::map<size_t, size_t> ranks;
  for (size_t k = 0; k < taken.size(); ++k) ranks.emplace(taken[k], k);
  const auto key = [&](size_t i) {
    const auto rank = ranks.find(i);
    return std::tuple(stages[i], rank == ranks.end(), rank == ranks.end() ? i : rank->second);
  };
  std::sort(order.begin(), order.end(), [&key](size_t a, size_t b) { return key(a) < key(b); });
  return {};
}

}  // namespace

struct Service::ApplyJob {
  std::string actor;
  std::vector<resource::Resource> resources;
  std::vector<size_t> stages;  // parallel to resources
  std::vector<size_t> order;   // of all resources: by stage
  size_t stage_count = 0;
  v1::ApplyResponse response;
  Reply<v1::ApplyResponse> reply;
};

void Service::apply(const Principal& who, const v1::ApplyRequest& request, Reply<v1::ApplyResponse> reply) {
  const auto refuse = [&reply](const Error& error) { reply(tl::unexpected(error)); };
  const auto language = language_of(request.language());
  if (!language) return refuse(language.error());
  const auto count = static_cast<size_t>(request.resources_size());
  if (count == 0 || count > kResourcesPerApplyMax) {
    return refuse({ErrorCode::kInvalid, std::to_string(count) + " resources are not between 1 and 1000", "resources",
                   "split the request"});
  }
  auto job = std::make_shared<ApplyJob>();
  job->actor = actor_of(who);
  const resource::Context context{who.role == policy::Role::kTenant && who.subjects.size() == 1 ? who.subjects[0] : ""};
  for (size_t i = 0; i < count; ++i) {
    const std::string prefix = count == 1 ? "" : "resources[" + std::to_string(i) + "].";
    auto read = resource::from_message(request.resources(static_cast<int>(i)), prefix, context);
    if (!read) return refuse(read.error());
    if (const Status may = authorise_apply(who, *read); !may) return refuse(may.error());
    if (const Status known = check_policy(ports_.queues, *read); !known) return refuse(known.error());
    if (auto* intent = std::get_if<resource::Intent>(&read->value)) {
      Workload& work = intent->spec.workload;
      if (work.digest.empty() && !work.artifact.empty() && ports_.artifact_digest) {
        work.digest = ports_.artifact_digest(work.artifact).value_or("");
      }
    }
    if (auto* workflow = std::get_if<resource::Workflow>(&read->value); workflow && ports_.artifact_digest) {
      for (Stage& stage : workflow->spec.stages) {
        Workload& work = stage.workload;
        if (work.digest.empty() && !work.artifact.empty()) work.digest = ports_.artifact_digest(work.artifact).value_or("");
      }
    }
    job->resources.push_back(std::move(*read));
  }
  if (const Status distinct = resource::refuse_duplicates(job->resources); !distinct) return refuse(distinct.error());
  // On a copy of the graph: everything is checked before anything is proposed.
  Graph trial = *ports_.brain.durable();
  std::map<size_t, size_t> again;
  auto stages = stages_of(trial, job->resources, again);
  if (!stages) return refuse(stages.error());
  job->stages = std::move(*stages);
  const Position basis = trial.version();
  const TimeUs now = ports_.clock.wall_us();
  for (size_t i = 0; i < job->resources.size(); ++i) job->order.push_back(i);
  std::stable_sort(job->order.begin(), job->order.end(), [&job](size_t a, size_t b) { return job->stages[a] < job->stages[b]; });
  if (const Status ordered = order_queues(trial, job->resources, job->order, job->stages, now); !ordered) {
    return refuse(ordered.error());
  }
  job->stage_count = *std::max_element(job->stages.begin(), job->stages.end()) + 1;
  for (size_t i = 0; i < count; ++i) job->response.add_results();
  std::vector<std::pair<size_t, IntentId>> submitted_as;
  for (size_t stage = 0; stage < job->stage_count; ++stage) {
    for (const size_t i : job->order) {
      resource::Resource& item = job->resources[i];
      if (job->stages[i] != stage) continue;
      auto body = body_of(trial, item);
      if (!body) return refuse(body.error());
      const auto* submitted = std::get_if<IntentSubmitted>(&*body);
      const bool known = submitted ? trial.find_intent(item.tenant(), item.name()).valid()
                                   : !std::holds_alternative<resource::Tenant>(item.value);
      auto admission = admit(trial, *body, now);
      if (!admission) return refuse(written(item, admission.error()));
      Event event{now, job->actor, std::move(admission->body)};
      if (const Status valid = validate(event); !valid) return refuse(valid.error());
      bool fresh = !known;
      if (const auto* site = std::get_if<SiteDefined>(&event.body)) fresh = site->site.index() >= trial.site_count();
      if (const auto* router = std::get_if<RouterDefined>(&event.body)) fresh = router->vertex.index() >= trial.vertex_count();
      if (const auto* link = std::get_if<LinkDefined>(&event.body)) fresh = link->link.index() >= trial.link_count();
      if (const auto* data = std::get_if<DatasetDefined>(&event.body)) fresh = data->dataset.index() >= trial.dataset_count();
      if (const auto* queue = std::get_if<QueueDefined>(&event.body))
        fresh = queue->queue.index() >= trial.queue_count();
      if (std::holds_alternative<ReservationDefined>(event.body)) fresh = true;
      const auto* workflow = std::get_if<WorkflowSubmitted>(&event.body);
      if (workflow) fresh = workflow->workflow.index() >= trial.workflow_count();
      if (admission->changes) {
        if (const Applied applied = trial.apply(event); !applied.effect) {
          return refuse({ErrorCode::kConflict, applied.why_not, std::string(item.kind()) + " " + item.name()});
        }
      }
      const auto first = again.find(i);
      v1::ApplyResult& result = *job->response.mutable_results(static_cast<int>(first == again.end() ? i : first->second));
      if (first != again.end()) {
        if (admission->changes && result.action() == "unchanged") result.set_action("changed");
        result.set_generation(trial.intent(trial.find_intent(item.tenant(), item.name())).generation);
        continue;
      }
      result.set_kind(std::string(item.kind()));
      result.set_name(item.name());
      result.set_tenant(item.tenant());
      result.set_action(!admission->changes ? "unchanged" : fresh ? "created" : "changed");
      if (workflow) result.set_generation(trial.workflow(trial.find_workflow(item.tenant(), item.name())).generation);
      if (!submitted) continue;
      const IntentId id = trial.find_intent(item.tenant(), item.name());
      result.set_generation(trial.intent(id).generation);
      submitted_as.emplace_back(i, id);
    }
  }
  job->response.set_version(basis);
  if (request.dry_run()) {
    dry_run(who, std::move(trial), submitted_as, now, *language, job->response);
    return reply(std::move(job->response));
  }
  job->reply = std::move(reply);
  apply_stage(job, 0);
}

// What would become of intents that the graph knows: services at once, then the jobs whose turn would come. Each is decided
// beside those before it.
void Service::dry_run(const Principal& who, Graph trial, const std::vector<std::pair<size_t, IntentId>>& intents, TimeUs now,
                      Language language, v1::ApplyResponse& out) {
  const auto decide = [&](size_t i, IntentId id) {
    v1::ApplyResult& result = *out.mutable_results(static_cast<int>(i));
    const Decision decision = ports_.decide(trial, id);
    if (const auto* plan = std::get_if<Plan>(&decision)) {
      put_plan(trial, trial.intent(id), id, *plan, std::nullopt, "proposed", *result.mutable_plan(), language);
      Plan committed = *plan;
      (void)trial.apply({now, "dry-run", PlanCommitted{std::move(committed)}});
    } else {
      const auto& refusal = std::get<Refusal>(decision);
      put_value(refusal, *result.mutable_refusal());
      for (std::string& sentence : refusal_sentences(trial, *trial.intent(id).spec, refusal, language)) {
        result.add_reasons(std::move(sentence));
      }
    }
  };
  std::vector<std::pair<size_t, IntentId>> jobs;
  for (const auto& [i, id] : intents) {
    const IntentRow& row = trial.intent(id);
    if (row.spec->workload.kind == WorkKind::kJob && !row.active && row.state != IntentState::kWithdrawn) {
      jobs.emplace_back(i, id);
    } else {
      decide(i, id);
    }
  }
  if (jobs.empty()) return;
  const QueueReport report = ports_.queues.report(trial, now);
  const Graph queued = trial;
  const Reading reading{queued, report, who.role == policy::Role::kOperator};
  for (const auto& [i, id] : jobs) {
    const JobWait* wait = without_turn(report, id);
    if (wait == nullptr) {
      decide(i, id);
      continue;
    }
    v1::ApplyResult& result = *out.mutable_results(static_cast<int>(i));
    result.set_why(wait_text(reading, *wait, language));
    put_waiting(reading, *wait, *result.mutable_waiting());
  }
}

// Proposes one stage after the other: identifiers of new things are known only once they are durable.
void Service::apply_stage(const std::shared_ptr<ApplyJob>& job, size_t stage) {
  std::vector<Proposal> proposals;
  const Snapshot graph = ports_.brain.durable();
  for (; stage < job->stage_count && proposals.empty(); ++stage) {
    for (const size_t i : job->order) {
      if (job->stages[i] != stage) continue;
      auto body = body_of(*graph, job->resources[i]);
      if (!body) return job->reply(tl::unexpected(body.error()));
      proposals.push_back({job->actor, std::move(*body)});
    }
  }
  if (proposals.empty()) return job->reply(std::move(job->response));
  ports_.brain.propose(std::move(proposals), [this, job, stage](const Result<Admitted>& admitted) {
    if (!admitted) return job->reply(tl::unexpected(admitted.error()));
    job->response.set_version(admitted->version);
    apply_stage(job, stage);
  });
}

}  // namespace weir::gateway
