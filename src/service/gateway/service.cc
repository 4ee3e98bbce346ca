#include "service/gateway/service.h"

#include <algorithm>
#include <map>

#include "core/event/codec.h"
#include "core/graph/subject.h"
#include "core/loop/admit.h"
#include "core/price/price.h"
#include "core/units/quantity.h"
#include "security/identity/join_token.h"
#include "security/identity/user_token.h"
#include "service/gateway/explain.h"
#include "service/gateway/names.h"
#include "service/gateway/sign_in.h"
#include "service/gateway/views.h"
#include "service/gateway/workflow_views.h"
#include "service/gateway/waiting.h"
#include "service/gateway/what_if.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

constexpr int64_t kJoinLifetime_s = 3600;
constexpr int64_t kUserLifetime_s = 30 * 86400;

}  // namespace

std::string tenant_of(const policy::Principal& who, const std::string& named) {
  if (!named.empty()) return named;
  return who.role == policy::Role::kTenant && who.subjects.size() == 1 ? who.subjects[0] : "";
}

std::string actor_of(const policy::Principal& who) {
  return std::string(policy::role_name(who.role)) + "/" + policy::subject_text(who);
}

Result<Caller> Service::authenticate(std::string_view authorization) const {
  const auto text = identity::bearer_text(authorization);
  if (text && ports_.sign_in != nullptr && SignIn::is_provider_token(*text)) return ports_.sign_in->check_bearer(*text);
  if (text && ports_.sign_in != nullptr && !ports_.sign_in->local_tokens()) {
    return fail(ErrorCode::kDenied, "local tokens are not taken here", "Authorization",
                "sign in with the browser, or send a token of the identity provider");
  }
  const auto token = identity::parse_bearer(authorization);
  if (!token) {
    Error error = token.error();
    error.code = ErrorCode::kDenied;  // whatever is wrong with it, it opens nothing
    return tl::unexpected(error);
  }
  return authenticate(*token);
}

Result<Caller> Service::authenticate_session(std::string_view session) const {
  const auto token = identity::parse_user_token(session, identity::UserTokenKind::kSession);
  if (!token) return fail(ErrorCode::kDenied, "the session is none", "cookie", "sign in again");
  auto who = authenticate(*token);
  if (!who) return fail(ErrorCode::kDenied, "the session has ended", "session " + token->id, "sign in again");
  if (ports_.sign_in != nullptr) who->person = ports_.sign_in->person_of(token->id);
  return who;
}

Result<Caller> Service::authenticate(const identity::UserToken& token) const {
  const Snapshot graph = ports_.brain.durable();
  std::optional<identity::UserTokenRecord> record;
  if (const TokenRow* row = graph->find_token(token.id); row && !row->join) {
    const auto role = static_cast<policy::Role>(row->role);
    record = identity::UserTokenRecord{.id = token.id,
                                       .secret_hash = row->secret_sha256,
                                       .principal = policy::principal_of(role, row->subject),
                                       .expires_s = row->expires / 1'000'000,
                                       .revoked = row->revoked,
                                       .issued_s = row->issued / 1'000'000};
  }
  auto who = identity::authenticate_user(record ? &*record : nullptr, token, ports_.clock.wall_us() / 1'000'000);
  if (!who) return tl::unexpected(who.error());
  const bool session = token.kind == identity::UserTokenKind::kSession;
  return Caller{std::move(*who), token.id, session ? Caller::By::kSession : Caller::By::kToken, {}, record->expires_s * 1'000'000};
}

Status Service::still_good(const Caller& who) const {
  const char* again = who.by == Caller::By::kToken ? "ask an operator for a new one" : "sign in again";
  if (who.expires != 0 && ports_.clock.wall_us() >= who.expires) {
    return fail(ErrorCode::kDenied, "the token has expired", {}, again);
  }
  if (who.by == Caller::By::kProvider) return {};
  const Snapshot graph = ports_.brain.durable();
  const TokenRow* row = graph->find_token(who.token);
  if (!row || row->revoked) return fail(ErrorCode::kDenied, "the token was revoked", {}, again);
  return {};
}

Result<v1::WhoAmIResponse> Service::who_am_i(const Caller& who, const v1::WhoAmIRequest&) {
  v1::WhoAmIResponse out;
  out.set_role(static_cast<v1::Role>(static_cast<int>(who.role) + 1));
  out.set_subject(policy::subject_text(who));
  out.set_person(who.person);
  out.set_by(who.by == Caller::By::kToken ? "token" : who.by == Caller::By::kSession ? "session" : "provider");
  out.set_token(who.token);
  out.set_expires(who.expires);
  return out;
}

void Service::remove(const Principal& who, const v1::DeleteRequest& request, Reply<v1::DeleteResponse> reply) {
  const auto kind = policy::parse_kind(request.kind());
  if (!kind) {
    return reply(fail(ErrorCode::kInvalid, "\"" + request.kind() + "\" is not a kind", "kind", "an intent can be deleted"));
  }
  const bool reservation = *kind == policy::Kind::kReservation;
  const bool workflow = *kind == policy::Kind::kWorkflow;
  if (*kind != policy::Kind::kIntent && !reservation && !workflow) {
    return reply(fail(
        ErrorCode::kUnsupported, "a " + std::string(policy::kind_name(*kind)) + " cannot be deleted", "kind",
        *kind == policy::Kind::kQueue ? "jobs and history name it: apply it with other quotas instead"
                                      : "an intent, a workflow or a reservation can; drain a site instead"));
  }
  const std::string tenant = tenant_of(who, request.tenant());
  const std::string full = tenant + "/" + request.name();
  if (const Status may = policy::authorise(who, policy::Action::kDelete, {.kind = *kind, .name = full, .tenant = tenant}); !may) {
    return reply(tl::unexpected(may.error()));
  }
  const Snapshot graph = ports_.brain.durable();
  if (tenant.empty()) return reply(tl::unexpected(whose(policy::kind_name(*kind), request.name())));
  EventBody body;
  bool known = false;
  if (reservation) {
    const ReservationId id = graph->find_reservation(graph->find_tenant(tenant), request.name());
    known = id.valid() && !graph->reservation(id).cancelled &&
            graph->reservation(id).spec.to > ports_.clock.wall_us();
    body = ReservationCancelled{id};
  } else if (workflow) {
    const WorkflowId id = graph->find_workflow(tenant, request.name());
    known = id.valid() && (graph->workflow(id).state != WorkflowState::kWithdrawn || graph->workflow(id).finished);
    body = WorkflowWithdrawn{.workflow = id};
  } else {
    const IntentId id = graph->find_intent(tenant, request.name());
    known = id.valid() && (graph->intent(id).state != IntentState::kWithdrawn || is_over(graph->intent(id)));
    body = IntentWithdrawn{id};
  }
  if (!known) return reply(tl::unexpected(policy::absent(who, policy::Action::kDelete, *kind, full)));
  ports_.brain.propose({{actor_of(who), std::move(body)}}, [reply](const Result<Admitted>& admitted) {
    if (!admitted) return reply(tl::unexpected(admitted.error()));
    v1::DeleteResponse out;
    out.set_version(admitted->version);
    reply(std::move(out));
  });
}

namespace {

template <class Response>
void change_site(Brain& brain, const policy::Principal& who, const std::string& site, Liveness state, std::string why,
                 Service::Reply<Response> reply) {
  const policy::Resource asked{.kind = policy::Kind::kSite, .name = site, .sites = {site, {}}};
  if (const Status may = policy::authorise(who, policy::Action::kDrain, asked); !may) {
    return reply(tl::unexpected(may.error()));
  }
  const SiteId id = brain.durable()->find_site(site);
  if (!id.valid()) return reply(tl::unexpected(policy::absent(who, policy::Action::kDrain, policy::Kind::kSite, site)));
  brain.propose({{actor_of(who), SiteStateChanged{id, state, std::move(why)}}},
                [reply = std::move(reply)](const Result<Admitted>& admitted) {
                  if (!admitted) return reply(tl::unexpected(admitted.error()));
                  Response out;
                  out.set_version(admitted->version);
                  reply(std::move(out));
                });
}

}  // namespace

void Service::drain(const Principal& who, const v1::DrainRequest& request, Reply<v1::DrainResponse> reply) {
  if (request.why().size() > 512) {
    return reply(fail(ErrorCode::kInvalid, "is longer than 512 bytes", "why"));
  }
  change_site<v1::DrainResponse>(ports_.brain, who, request.site(), Liveness::kDraining,
                                 request.why().empty() ? "drained by " + actor_of(who) : request.why(), std::move(reply));
}

void Service::undrain(const Principal& who, const v1::UndrainRequest& request, Reply<v1::UndrainResponse> reply) {
  change_site<v1::UndrainResponse>(ports_.brain, who, request.site(), Liveness::kUp, "undrained by " + actor_of(who),
                                   std::move(reply));
}

namespace {

// By its number, or by its name at a site.
NodeId find_node(const Graph& graph, const std::string& site, const std::string& node) {
  if (site.empty()) {
    const auto number = parse_number(node);
    return number && *number < graph.node_count() ? NodeId(static_cast<size_t>(*number)) : NodeId();
  }
  const SiteId at = graph.find_site(site);
  if (!at.valid()) return {};
  for (const NodeRange& range : graph.nodes(at)) {
    for (uint32_t i = 0; i < range.count; ++i) {
      if (graph.node_name(NodeId(range.first + i)) == node) return NodeId(range.first + i);
    }
  }
  return {};
}

template <class Response>
void change_node(Brain& brain, const policy::Principal& who, const std::string& site, const std::string& node,
                 bool cordoned, std::string why, Service::Reply<Response> reply) {
  const Snapshot graph = brain.durable();
  const NodeId id = find_node(*graph, site, node);
  const std::string named = site.empty() ? node : site + "/" + node;
  const std::string at = id.valid() ? graph->site_name(graph->node(id).site) : site;
  const policy::Resource asked{.kind = policy::Kind::kNode, .name = named, .sites = {at, {}}};
  if (const Status may = policy::authorise(who, policy::Action::kDrain, asked); !may) {
    return reply(tl::unexpected(may.error()));
  }
  if (!id.valid()) {
    return reply(tl::unexpected(policy::absent(who, policy::Action::kDrain, policy::Kind::kNode, named)));
  }
  brain.propose({{actor_of(who), NodeCordoned{id, cordoned, std::move(why)}}},
                [reply = std::move(reply)](const Result<Admitted>& admitted) {
                  if (!admitted) return reply(tl::unexpected(admitted.error()));
                  Response out;
                  out.set_version(admitted->version);
                  reply(std::move(out));
                });
}

}  // namespace

void Service::cordon(const Principal& who, const v1::CordonRequest& request,
                     Reply<v1::CordonResponse> reply) {
  if (request.why().size() > 512) {
    return reply(fail(ErrorCode::kInvalid, "is longer than 512 bytes", "why"));
  }
  change_node<v1::CordonResponse>(ports_.brain, who, request.site(), request.node(), true,
                                  request.why().empty() ? "cordoned by " + actor_of(who) : request.why(),
                                  std::move(reply));
}

void Service::uncordon(const Principal& who, const v1::UncordonRequest& request,
                       Reply<v1::UncordonResponse> reply) {
  change_node<v1::UncordonResponse>(ports_.brain, who, request.site(), request.node(), false,
                                    "uncordoned by " + actor_of(who), std::move(reply));
}

void Service::revoke_site(const Principal& who, const v1::RevokeSiteRequest& request,
                          Reply<v1::RevokeSiteResponse> reply) {
  if (request.why().size() > 512) {
    return reply(fail(ErrorCode::kInvalid, "is longer than 512 bytes", "why"));
  }
  const policy::Resource asked{.kind = policy::Kind::kSite, .name = request.site(), .sites = {request.site(), {}}};
  if (const Status may = policy::authorise(who, policy::Action::kDelete, asked); !may) {
    return reply(tl::unexpected(may.error()));
  }
  const SiteId id = ports_.brain.durable()->find_site(request.site());
  if (!id.valid()) {
    return reply(tl::unexpected(policy::absent(who, policy::Action::kDelete, policy::Kind::kSite, request.site())));
  }
  const std::string why = request.why().empty() ? "revoked by " + actor_of(who) : request.why();
  ports_.brain.propose({{actor_of(who), CertificateRevoked{id, why}}}, [reply](const Result<Admitted>& admitted) {
    if (!admitted) return reply(tl::unexpected(admitted.error()));
    v1::RevokeSiteResponse out;
    out.set_version(admitted->version);
    reply(std::move(out));
  });
}

void Service::issue_token(const Principal& who, const v1::IssueTokenRequest& request,
                          Reply<v1::IssueTokenResponse> reply) {
  const policy::Resource asked{.kind = policy::Kind::kToken, .name = request.subject()};
  if (const Status may = policy::authorise(who, policy::Action::kApply, asked); !may) {
    return reply(tl::unexpected(may.error()));
  }
  const auto seed = identity::draw_token_seed();
  if (!seed) return reply(tl::unexpected(seed.error()));
  const int64_t now_s = ports_.clock.wall_us() / 1'000'000;
  if (request.lifetime_us() < 0) return reply(fail(ErrorCode::kInvalid, "is negative", "lifetime_us"));
  if (request.lifetime_us() != 0 && request.lifetime_us() < 1'000'000) {
    return reply(fail(ErrorCode::kInvalid,
                      std::to_string(request.lifetime_us()) + " us is less than a second", "lifetime_us",
                      "give at least 1s, or none for the default"));
  }
  const int64_t asked_s = request.lifetime_us() / 1'000'000;
  TokenIssued event;
  v1::IssueTokenResponse out;
  out.set_ca_sha256(ports_.ca_sha256);
  if (request.join()) {
    if (!ports_.brain.durable()->find_site(request.subject()).valid()) {
      return reply(fail(ErrorCode::kNotFound, "no site \"" + request.subject() + "\"", "subject",
                        "apply its Site description first"));
    }
    const auto issued = identity::issue_join_token(*seed, request.subject(), ports_.ca_sha256, now_s,
                                                   asked_s == 0 ? kJoinLifetime_s : asked_s);
    if (!issued) return reply(tl::unexpected(issued.error()));
    event = {issued->record.id, issued->record.secret_hash, true, Role::kProvider, request.subject(),
             issued->record.expires_s * 1'000'000};
    out.set_bearer(std::string(issued->text.reveal()));
  } else {
    if (request.role() < v1::ROLE_OPERATOR || request.role() > v1::ROLE_TENANT) {
      return reply(fail(ErrorCode::kInvalid, "is missing or unknown", "role", "give operator, provider or tenant"));
    }
    const auto role = static_cast<Role>(request.role() - 1);
    const policy::Principal whom = policy::principal_of(static_cast<policy::Role>(role), request.subject());
    if (role == Role::kTenant && policy::well_formed(whom) &&
        !ports_.brain.durable()->find_tenant(request.subject()).valid()) {
      return reply(fail(ErrorCode::kNotFound, "no tenant \"" + request.subject() + "\"", "subject", "apply a Tenant first"));
    }
    const auto issued = identity::issue_user_token(*seed, whom, now_s, asked_s == 0 ? kUserLifetime_s : asked_s);
    if (!issued) return reply(tl::unexpected(issued.error()));
    event = {issued->record.id, issued->record.secret_hash, false, role, request.subject(),
             issued->record.expires_s * 1'000'000};
    out.set_bearer(std::string(issued->text.reveal()));
  }
  out.set_token(event.token);
  out.set_expires(event.expires);
  ports_.brain.propose({{actor_of(who), event}}, [reply, out](const Result<Admitted>& admitted) {
    if (!admitted) return reply(tl::unexpected(admitted.error()));
    reply(out);
  });
}

void Service::revoke_token(const Principal& who, const v1::RevokeTokenRequest& request,
                           Reply<v1::RevokeTokenResponse> reply) {
  const policy::Resource asked{.kind = policy::Kind::kToken, .name = request.token()};
  if (const Status may = policy::authorise(who, policy::Action::kDelete, asked); !may) {
    return reply(tl::unexpected(may.error()));
  }
  ports_.brain.propose({{actor_of(who), TokenRevoked{request.token()}}}, [reply](const Result<Admitted>& admitted) {
    if (!admitted) return reply(tl::unexpected(admitted.error()));
    v1::RevokeTokenResponse out;
    out.set_version(admitted->version);
    reply(std::move(out));
  });
}

std::shared_ptr<const QueueReport> Service::queues(const Snapshot& graph) {
  constexpr int64_t kSparing = 4;  // at most one part in so many of the time
  const std::lock_guard lock(queues_mutex_);
  const TimeUs begin = ports_.clock.steady_us();
  // Never of a newer graph, which may name what this one does not know.
  if (queues_ && queues_->version <= graph->version()) {
    const int64_t good_us =
        queues_->version == graph->version() ? std::max<int64_t>(1'000'000, kSparing * queues_took_us_)
                                             : kSparing * queues_took_us_;
    if (begin - queues_made_us_ < good_us) return queues_;
  }
  queues_ = std::make_shared<const QueueReport>(ports_.queues.report(*graph, ports_.clock.wall_us()));
  queues_made_us_ = ports_.clock.steady_us();
  queues_took_us_ = queues_made_us_ - begin;
  return queues_;
}

ViewSources Service::sources(const Principal& who, const Snapshot& graph, Language language) {
  return {.graph = *graph,
          .history = ports_.history,
          .ports = ports_,
          .queues = [this, graph] { return queues(graph); },
          .all = who.role == policy::Role::kOperator,
          .tenants = who.role == policy::Role::kTenant ? who.subjects : std::vector<std::string>(),
          .language = language};
}

namespace {

// As the loop would.
Result<IntentId> submit_next_task(Graph& trial, IntentId array) {
  const IntentRow& row = trial.intent(array);
  const auto next = static_cast<uint32_t>(row.tasks.submitted);
  if (row.tasks.submitted >= row.spec->schedule.tasks) {
    return fail(ErrorCode::kInvalid, "all its tasks were submitted, and keep what was said then", "what_if", "delete it, and apply it anew");
  }
  const IntentId known = trial.find_task(array, next);
  const IntentId task = known.valid() ? known : IntentId(trial.intent_count());
  const uint32_t generation = known.valid() ? trial.intent(known).generation + 1 : 1;
  if (!trial.apply({trial.now(), "what-if", IntentSubmitted{task, row.tenant, generation, {}, array, next}}).effect) {
    return fail(ErrorCode::kConflict, "its next task cannot be submitted now", "what_if", "ask again");
  }
  return task;
}

}  // namespace

Result<v1::ExplainResponse> Service::what_if(const Principal& who, const Snapshot& graph, IntentId asked,
                                             const v1::ExplainRequest& request) {
  const auto language = language_of(request.language());
  if (!language) return tl::unexpected(language.error());
  IntentId id = asked;
  const IntentRow& row = graph->intent(id);
  const std::string& tenant = graph->tenant_name(row.tenant);
  if (row.state == IntentState::kWithdrawn) {
    return fail(ErrorCode::kInvalid, "it " + std::string(row.finished ? "is finished" : has_failed(row) ? "has failed" : "is withdrawn"),
                "intent " + graph->intent_name(id), "apply it again, perhaps with --dry-run");
  }
  if (row.array.valid()) {
    const std::string array = short_name(graph->intent_name(row.array));
    return fail(ErrorCode::kInvalid, "a task is as its array says", "what_if", "ask about " + array);
  }
  const TimeUs now = std::max(ports_.clock.wall_us(), graph->now());
  auto other = altered(resource::describe(*row.spec, tenant, names_of(*graph)),
                       {request.what_if().begin(), request.what_if().end()}, now);
  if (!other) return tl::unexpected(other.error());
  // On a copy, which nobody else sees.
  Graph trial = *graph;
  auto body = body_of(trial, *other);
  if (!body) return tl::unexpected(body.error());
  auto admission = admit(trial, *body, now);
  if (!admission) return tl::unexpected(admission.error());
  Event event{now, "what-if", std::move(admission->body)};
  if (const Status valid = validate(event); !valid) return tl::unexpected(valid.error());
  if (admission->changes) (void)trial.apply(event);
  // Of an array, what would be of the next task that is submitted: those that are keep what was said then.
  if (is_array(row)) {
    const auto task = submit_next_task(trial, id);
    if (!task) return tl::unexpected(task.error());
    id = *task;
  }

  v1::ExplainResponse out;
  out.set_version(graph->version());
  v1::Outlook& before = *out.mutable_now();
  if (is_array(row)) {
    // That task as the array is now, beside what it would be.
    Graph now_as_it_is = *graph;
    if (const auto task = submit_next_task(now_as_it_is, asked)) put_outlook_of(who, now_as_it_is, *task, now, *language, before);
  } else {
    v1::Resource shown;
    put_intent(sources(who, graph, *language), asked, shown);
    const v1::Intent::Status& status = shown.intent().status();
    before.set_state(status.state());
    before.set_why(status.why());
    if (status.has_waiting()) *before.mutable_waiting() = status.waiting();
    if (row.active) put_outlook(trial, row.active->plan, before);
  }
  put_outlook_of(who, trial, id, now, *language, *out.mutable_what_if());
  return out;
}

// What becomes of an intent of a graph that nobody else sees.
void Service::put_outlook_of(const Principal& who, const Graph& trial, IntentId id, TimeUs now, Language language, v1::Outlook& out) {
  const IntentRow& row = trial.intent(id);
  const bool waits = row.spec->workload.kind == WorkKind::kJob && !row.active;
  const QueueReport report = waits ? ports_.queues.report(trial, now) : QueueReport{};
  if (const JobWait* wait = without_turn(report, id)) {
    const Reading reading{trial, report, who.role == policy::Role::kOperator};
    out.set_state("waiting");
    out.set_why(wait_text(reading, *wait, language));
    return put_waiting(reading, *wait, *out.mutable_waiting());
  }
  const Decision decision = ports_.decide(trial, id);
  const IntentSpec& spec = *row.spec;
  if (const auto* plan = std::get_if<Plan>(&decision)) {
    out.set_state("placed");
    out.set_why(reason_text(trial, spec, plan->reason, language));
    put_outlook(trial, *plan, out);
  } else {
    out.set_state("refused");
    for (std::string& sentence : refusal_sentences(trial, spec, std::get<Refusal>(decision), language)) out.add_reasons(std::move(sentence));
    if (out.reasons_size() > 0) out.set_why(out.reasons(0));
  }
}

Result<v1::ExplainResponse> Service::explain(const Principal& who, const v1::ExplainRequest& request) {
  const auto language = language_of(request.language());
  if (!language) return tl::unexpected(language.error());
  const auto in = [chinese = *language == Language::kChinese](const std::string& english, const std::string& said_in_chinese) { return chinese ? said_in_chinese : english; };
  if (!request.workflow().empty()) return explain_workflow(who, request, *language);
  const std::string tenant = tenant_of(who, request.tenant());
  const std::string full = tenant + "/" + request.intent();
  const policy::Resource asked{.kind = policy::Kind::kIntent, .name = full, .tenant = tenant};
  if (const Status may = policy::authorise(who, policy::Action::kRead, asked); !may) return tl::unexpected(may.error());
  const Snapshot graph = ports_.brain.durable();
  const IntentId id = graph->find_intent(tenant, request.intent());
  if (tenant.empty()) return tl::unexpected(whose("intent", request.intent()));
  if (!id.valid()) return tl::unexpected(policy::absent(who, policy::Action::kRead, asked.kind, full));
  SiteId ingress;
  if (!request.ingress().empty()) {
    ingress = graph->find_site(request.ingress());
    if (!ingress.valid()) return fail(ErrorCode::kNotFound, "no site \"" + request.ingress() + "\"", "ingress");
  }
  const IntentRow& row = graph->intent(id);
  if (ingress.valid() && std::none_of(row.spec->from.begin(), row.spec->from.end(),
                                      [ingress](const Ingress& from) { return from.site == ingress; })) {
    std::string sites;
    for (const Ingress& from : row.spec->from)
      sites += (sites.empty() ? "" : ", ") + graph->site_name(from.site);
    return fail(ErrorCode::kInvalid, "no stream of " + full + " comes in at " + request.ingress(), "ingress",
                sites.empty() ? "it has no streams" : "its streams come in at " + sites);
  }
  if (request.what_if_size() > 0) return what_if(who, graph, id, request);
  v1::ExplainResponse out;
  out.set_version(graph->version());
  std::string text = full + in(", generation " + std::to_string(row.generation), "，第 " + std::to_string(row.generation) + " 代") + "\n";
  if (row.state == IntentState::kWithdrawn) {
    text += row.finished                         ? in("It is finished: every run ended well.\n", "已完成：每次运行都正常结束。\n")
            : is_array(row) && all_ended(row) ? in("It has ended, and not every task of it well.\n", "已结束，但并非每个任务都正常。\n")
            : has_failed(row)                 ? in("It has failed: ", "已失败：") + why_failed(sources(who, graph), id) + in(".\n", "。\n")
                                              : in("It was withdrawn.\n", "已撤回。\n");
  }
  if (is_array(row) || row.array.valid()) text += explain_tasks(*graph, *queues(graph), id, std::max(ports_.clock.wall_us(), graph->now()), *language);
  std::optional<JobWait> wait;
  if (row.spec->workload.kind == WorkKind::kJob && !row.active && row.state != IntentState::kWithdrawn) {
    const auto report = queues(graph);
    wait = waiting(*graph, *report, id);
    if (wait) text += explain_wait({*graph, *report, who.role == policy::Role::kOperator}, *wait, *language);
  }
  if (row.spec->workload.kind == WorkKind::kJob && row.state != IntentState::kWithdrawn) text += explain_run_time(*graph, id, *language);
  text += explain_preempted(*graph, who.role == policy::Role::kOperator, id, *language);
  // What was refused before it came to wait for something else is past.
  if (row.refusal && row.state != IntentState::kWithdrawn && (!wait || wait->code == WaitCode::kNetwork || wait->code == WaitCode::kSpare)) {
    const std::string basis = std::to_string(row.refusal->basis);
    if (row.state != IntentState::kRefused) text += in("A repair of it was refused, last at version " + basis + ":\n", "对它的修复被拒绝，最近一次在版本 " + basis + "：\n");
    put_value(*row.refusal, *out.mutable_refusal());
    for (std::string& sentence : refusal_sentences(*graph, *row.spec, *row.refusal, *language)) out.add_reasons(std::move(sentence));
    text += explain_refusal(*graph, *row.spec, *row.refusal, *language);
  }
  if (row.active) {
    const CommittedPlan& active = *row.active;
    if (const std::string failure = failure_text(sources(who, graph, *language), id); !failure.empty()) {
      text += failure + "\n";
    }
    put_plan(*graph, row, id, active.plan, active.position, "active", *out.mutable_plan(), *language);
    if (active.plan.generation != row.generation) {
      const std::string generation = std::to_string(active.plan.generation);
      text += in("Meanwhile the plan of generation " + generation + " goes on:\n", "在此期间，第 " + generation + " 代的方案继续：\n");
    }
    if (row.demand != row.spec) {
      const std::string found = format_work(row.demand->traffic.work_us_per_request), declared = format_work(row.spec->traffic.work_us_per_request);
      text += in("A request was found to take " + found + ", where " + declared + " were declared: the plan is made for that.\n",
                 "实测一次请求要 " + found + "，声明的是 " + declared + "：方案按实测的做。\n");
    }
    text += explain_plan(*graph, *row.demand, active.plan, ingress, *language);
  } else if (row.state == IntentState::kPending && !wait && !is_array(row)) {
    text += in("It is being decided.\n", "正在决策。\n");
  }
  out.set_text(std::move(text));
  return out;
}

Result<v1::ExplainResponse> Service::explain_workflow(const Principal& who, const v1::ExplainRequest& request, Language language) {
  const std::string tenant = tenant_of(who, request.tenant());
  const std::string full = tenant + "/" + request.workflow();
  const policy::Resource asked{.kind = policy::Kind::kWorkflow, .name = full, .tenant = tenant};
  if (const Status may = policy::authorise(who, policy::Action::kRead, asked); !may) return tl::unexpected(may.error());
  if (!request.intent().empty()) return fail(ErrorCode::kInvalid, "is given as well as a workflow", "intent", "name one of them");
  if (!request.ingress().empty() || request.what_if_size() > 0) {
    return fail(ErrorCode::kUnsupported, "is for intents alone", request.ingress().empty() ? "what_if" : "ingress",
                "ask about the intent of a stage");
  }
  const Snapshot graph = ports_.brain.durable();
  if (tenant.empty()) return tl::unexpected(whose("workflow", request.workflow()));
  const WorkflowId id = graph->find_workflow(tenant, request.workflow());
  if (!id.valid()) return tl::unexpected(policy::absent(who, policy::Action::kRead, asked.kind, full));
  v1::ExplainResponse out;
  out.set_version(graph->version());
  const ViewSources from = sources(who, graph, language);
  v1::Resource shown;
  put_workflow(from, id, shown);
  out.set_text(gateway::explain_workflow(from, id, shown));
  *out.mutable_workflow() = std::move(*shown.mutable_workflow());
  return out;
}

Result<v1::BillResponse> Service::bill(const Principal& who, const v1::BillRequest& request) {
  const std::string tenant = tenant_of(who, request.tenant());
  const policy::Resource asked{.kind = policy::Kind::kBill, .name = tenant, .tenant = tenant};
  if (const Status may = policy::authorise(who, policy::Action::kRead, asked); !may) return tl::unexpected(may.error());
  const Snapshot graph = ports_.brain.durable();
  if (!tenant.empty() && !graph->find_tenant(tenant).valid()) {
    return tl::unexpected(policy::absent(who, policy::Action::kRead, policy::Kind::kTenant, tenant));
  }
  const TimeUs now = ports_.clock.wall_us();
  const TimeUs to = request.to() == 0 ? now : std::min(request.to(), now);
  if (request.from() < 0 || to < request.from()) {
    return fail(ErrorCode::kInvalid, "the period ends before it begins", "from", "give from before to, and before now");
  }
  if (const Status there = ports_.history.wait_for(graph->version(), kHistoryPatienceUs); !there) {
    return tl::unexpected(there.error());
  }
  const auto bill = ports_.history.bill(tenant, request.from(), to);
  if (!bill) return tl::unexpected(bill.error());
  v1::BillResponse out;
  std::map<std::string_view, v1::Bill*> by_tenant;
  for (size_t t = 0; t < graph->tenant_count(); ++t) {
    const std::string& name = graph->tenant_name(TenantId(t));
    if (!tenant.empty() && name != tenant) continue;
    v1::Bill& b = *out.add_bills();
    by_tenant[name] = &b;
    b.set_tenant(name);
    b.set_from(request.from());
    b.set_to(to);
    b.set_ledger_size(bill->size);
  }
  for (const BillLine& line : bill->lines) {
    const auto found = by_tenant.find(line.tenant);
    if (found == by_tenant.end()) continue;  // defined since the snapshot
    v1::Bill& b = *found->second;
    v1::BillLine& l = *b.add_lines();
    l.set_intent(line.intent);
    l.set_site(line.site);
    l.set_item(line.item);
    l.set_quantity_milli(line.quantity_milli);
    l.set_unit(line.unit);
    l.set_price_nanocredits(line.price);
    l.set_amount_nanocredits(line.amount);
    l.set_plan(line.plan);
    b.set_total_nanocredits(saturating_add(b.total_nanocredits(), line.amount));
  }
  return out;
}

namespace {

std::string bytes_of(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size()};
}

}  // namespace

Result<v1::LedgerHeadResponse> Service::ledger_head(const Principal& who, const v1::LedgerHeadRequest&) {
  const policy::Resource asked{.kind = policy::Kind::kLedger, .name = "head"};
  if (const Status may = policy::authorise(who, policy::Action::kRead, asked); !may) return tl::unexpected(may.error());
  const TreeHead head = ports_.ledger_head();
  v1::LedgerHeadResponse out;
  out.set_size(head.size);
  out.set_root_sha256(bytes_of(head.root));
  out.set_durable(ports_.log.durable_end());
  return out;
}

Result<v1::LedgerProofResponse> Service::ledger_proof(const Principal& who, const v1::LedgerProofRequest& request) {
  const policy::Resource asked{.kind = policy::Kind::kLedger, .name = "proof"};
  if (const Status may = policy::authorise(who, policy::Action::kRead, asked); !may) return tl::unexpected(may.error());
  const uint64_t size = request.size() == 0 ? ports_.ledger_head().size : request.size();
  const auto proof = ports_.prove_record(request.position(), size);
  if (!proof) return tl::unexpected(proof.error());
  v1::LedgerProofResponse out;
  out.set_position(request.position());
  out.set_size(proof->head.size);
  out.set_root_sha256(bytes_of(proof->head.root));
  out.set_leaf_sha256(bytes_of(proof->leaf));
  for (const Hash& hash : proof->hashes) out.add_audit_path(bytes_of(hash));
  if (request.old_size() != 0) {
    const auto growth = ports_.prove_growth(request.old_size(), size);
    if (!growth) return tl::unexpected(growth.error());
    for (const Hash& hash : growth->hashes) out.add_consistency_path(bytes_of(hash));
  }
  const Status read = ports_.log.read(request.position(), request.position() + 1, [&](Position, Bytes bytes) -> Status {
    out.set_record(bytes.data(), bytes.size());
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return out;
}

Result<std::function<void()>> Service::logs(const Principal& who, const v1::LogsRequest& request,
                                            std::function<void(LogPiece)> piece) {
  const RunId run{request.plan(), request.item()};
  const Snapshot graph = ports_.brain.durable();
  const std::string name = run_text(run);
  for (size_t i = 0; i < graph->intent_count(); ++i) {
    const IntentRow& row = graph->intent(IntentId(i));
    for (const RunRow& at : row.runs) {
      if (at.run != run) continue;
      const policy::Resource asked{.kind = policy::Kind::kRun,
                                   .name = name,
                                   .tenant = graph->tenant_name(row.tenant),
                                   .sites = {graph->site_name(at.site), {}}};
      if (const Status may = policy::authorise(who, policy::Action::kReadLogs, asked); !may) {
        return tl::unexpected(may.error());
      }
      return ports_.read_log(at.site, run, request.offset(), request.follow(), request.bytes_max(), std::move(piece));
    }
  }
  const RunHistory past = ports_.history.run(run);
  const SiteId site = graph->find_site(past.site);
  if (past.tenant.empty() || !site.valid()) {
    return tl::unexpected(policy::absent(who, policy::Action::kReadLogs, policy::Kind::kRun, name));
  }
  const policy::Resource asked{
      .kind = policy::Kind::kRun, .name = name, .tenant = past.tenant, .sites = {past.site, {}}};
  if (const Status may = policy::authorise(who, policy::Action::kReadLogs, asked); !may) {
    return tl::unexpected(may.error());
  }
  // A site keeps what a run wrote for as long as a plan holds the run, and a little longer.
  const auto gone = [name, where = past.site](const Error& why) {
    return Error{
        why.code, "the run is over, and what it wrote is gone: " + why.what, "run " + name,
        why.code == ErrorCode::kNotFound
            ? "site " + where +
                  " keeps it only while a plan holds the run: 'weir logs RUN --follow > FILE' meanwhile"
            : "try again when site " + where + " is attached"};
  };
  auto reading = ports_.read_log(site, run, request.offset(), false, request.bytes_max(),
                                 [piece = std::move(piece), gone](LogPiece part) {
                                   if (part.error) part.error = gone(*part.error);
                                   piece(std::move(part));
                                 });
  if (!reading) {
    Error error = reading.error();
    error.what = "the run is over, and what it wrote cannot be asked for: " + error.what;
    return tl::unexpected(error);
  }
  return reading;
}

}  // namespace weir::gateway
