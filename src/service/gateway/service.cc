#include "service/gateway/service.h"

#include <algorithm>
#include <map>

#include "core/graph/subject.h"
#include "core/price/price.h"
#include "core/units/quantity.h"
#include "security/identity/join_token.h"
#include "security/identity/user_token.h"
#include "service/gateway/names.h"
#include "service/gateway/explain.h"
#include "service/gateway/views.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

constexpr int64_t kJoinLifetime_s = 3600;
constexpr int64_t kUserLifetime_s = 30 * 86400;

// The tenant that a request is about: the one it names, or the caller's own.
std::string tenant_of(const policy::Principal& who, const std::string& named) {
  if (!named.empty()) return named;
  return who.role == policy::Role::kTenant && who.subjects.size() == 1 ? who.subjects[0] : "";
}

}  // namespace

std::string actor_of(const policy::Principal& who) {
  return std::string(policy::role_name(who.role)) + "/" + policy::subject_text(who);
}

Result<Caller> Service::authenticate(std::string_view authorization) const {
  const auto token = identity::parse_bearer(authorization);
  if (!token) {
    Error error = token.error();
    error.code = ErrorCode::kDenied;  // whatever is wrong with it, it opens nothing
    return tl::unexpected(error);
  }
  const Snapshot graph = ports_.brain.durable();
  std::optional<identity::UserTokenRecord> record;
  if (const TokenRow* row = graph->find_token(token->id); row && !row->join) {
    const auto role = static_cast<policy::Role>(row->role);
    record = identity::UserTokenRecord{.id = token->id,
                                       .secret_hash = row->secret_sha256,
                                       .principal = policy::principal_of(role, row->subject),
                                       .expires_s = row->expires / 1'000'000,
                                       .revoked = row->revoked,
                                       .issued_s = row->issued / 1'000'000};
  }
  auto who =
      identity::authenticate_user(record ? &*record : nullptr, *token, ports_.clock.wall_us() / 1'000'000);
  if (!who) return tl::unexpected(who.error());
  return Caller{std::move(*who), token->id};
}

Status Service::still_good(const std::string& token) const {
  const Snapshot graph = ports_.brain.durable();
  const TokenRow* row = graph->find_token(token);
  if (!row || row->revoked)
    return fail(ErrorCode::kDenied, "the token was revoked", {}, "ask an operator for a new one");
  if (row->expires != 0 && ports_.clock.wall_us() >= row->expires) {
    return fail(ErrorCode::kDenied, "the token has expired", {}, "ask an operator for a new one");
  }
  return {};
}

void Service::remove(const Principal& who, const v1::DeleteRequest& request, Reply<v1::DeleteResponse> reply) {
  const auto kind = policy::parse_kind(request.kind());
  if (!kind) {
    return reply(fail(ErrorCode::kInvalid, "\"" + request.kind() + "\" is not a kind", "kind", "an intent can be deleted"));
  }
  if (*kind != policy::Kind::kIntent) {
    return reply(fail(ErrorCode::kUnsupported, "a " + std::string(policy::kind_name(*kind)) + " cannot be deleted", "kind",
                      "an intent can; drain a site instead"));
  }
  const std::string tenant = tenant_of(who, request.tenant());
  const std::string full = tenant + "/" + request.name();
  if (const Status may = policy::authorise(who, policy::Action::kDelete, {.kind = *kind, .name = full, .tenant = tenant}); !may) {
    return reply(tl::unexpected(may.error()));
  }
  const Snapshot graph = ports_.brain.durable();
  const IntentId id = graph->find_intent(tenant, request.name());
  if (tenant.empty()) return reply(tl::unexpected(whose("intent", request.name())));
  if (!id.valid() || (graph->intent(id).state == IntentState::kWithdrawn && !graph->intent(id).finished)) {
    return reply(tl::unexpected(policy::absent(who, policy::Action::kDelete, *kind, full)));
  }
  ports_.brain.propose({{actor_of(who), IntentWithdrawn{id}}}, [reply](const Result<Admitted>& admitted) {
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

Result<v1::ExplainResponse> Service::explain(const Principal& who, const v1::ExplainRequest& request) {
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
  v1::ExplainResponse out;
  out.set_version(graph->version());
  std::string text = full + ", generation " + std::to_string(row.generation) + "\n";
  if (row.state == IntentState::kWithdrawn) {
    text += row.finished ? "It is finished: every run ended well.\n" : "It was withdrawn.\n";
  }
  if (row.refusal) {
    if (row.state != IntentState::kRefused) text += "A repair of it was refused, last at version " + std::to_string(row.refusal->basis) + ":\n";
    put_value(*row.refusal, *out.mutable_refusal());
    for (std::string& sentence : refusal_sentences(*graph, *row.spec, *row.refusal)) out.add_reasons(std::move(sentence));
    text += explain_refusal(*graph, *row.spec, *row.refusal);
  }
  if (row.active) {
    const CommittedPlan& active = *row.active;
    if (const std::string failure = failure_text({*graph, ports_.history, ports_}, id); !failure.empty()) {
      text += failure + "\n";
    }
    put_plan(*graph, row, id, active.plan, active.position, "active", *out.mutable_plan());
    if (active.plan.generation != row.generation) {
      text += "Meanwhile the plan of generation " + std::to_string(active.plan.generation) + " goes on:\n";
    }
    if (row.demand != row.spec) {
      text += "A request was found to take " + format_work(row.demand->traffic.work_us_per_request) + ", where " +
              format_work(row.spec->traffic.work_us_per_request) + " were declared: the plan is made for that.\n";
    }
    text += explain_plan(*graph, *row.demand, active.plan, ingress);
  } else if (row.state == IntentState::kPending) {
    text += "It is being decided.\n";
  }
  out.set_text(std::move(text));
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
