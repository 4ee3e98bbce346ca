#include <algorithm>

#include "core/units/text.h"
#include "service/gateway/names.h"
#include "service/gateway/rest_routes.h"
#include "service/gateway/service.h"
#include "service/gateway/tmf921_events.h"
#include "service/gateway/webhook_source.h"
#include "service/webhook/signature.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

using policy::Action;
using webhook::Standing;
using webhook::Subscription;

constexpr uint32_t kEventsAtOnce = 64;
constexpr size_t kBatchBytesMax = 1 << 20;  // what waits for one subscriber, but for the last event of it

// Whose a webhook is: an operator's is no tenant's.
std::string tenant_of_owner(const policy::Principal& owner) {
  return owner.role == policy::Role::kTenant && owner.subjects.size() == 1 ? owner.subjects[0] : "";
}

Status may(const policy::Principal& who, Action action, const std::string& name, const std::string& tenant) {
  return policy::authorise(who, action, {.kind = policy::Kind::kWebhook, .name = name, .tenant = tenant});
}

tl::unexpected<Error> none_here() {
  return fail(ErrorCode::kUnsupported, "this brain posts no webhooks", "webhooks", "follow the stream of events instead");
}

void put_webhook(const Standing& from, v1::Webhook& out) {
  const Subscription& s = from.subscription;
  out.set_id(s.id);
  out.set_url(s.url);
  for (const std::string& name : s.names) out.add_names(name);
  out.set_tenant(s.tenant);
  out.set_owner(actor_of(s.owner));
  out.set_format(s.format);
  out.set_state(s.disabled ? "disabled" : from.failures > 0 || s.failing_since != 0 ? "failing" : "active");
  out.set_why(s.why);
  out.set_next(s.next);
  out.set_failures(from.failures);
  out.set_created(s.created);
  out.set_delivered(from.delivered);
}

v1::EventsRequest events_of(const Subscription& to) {
  v1::EventsRequest out;
  out.set_tenant(to.tenant);
  out.set_limit(kEventsAtOnce);
  return out;
}

std::string body_of(v1::EventView& event) {
  std::string out = event_json(event);
  if (out.size() <= kWebhookBodyBytesMax) return out;
  event.clear_record();
  return event_json(event);
}

Result<webhook::Batch> batch(Service& service, const Subscription& to, webhook::Memory& memory) {
  // A token that expires ends in order; one that is revoked was in wrong hands, and so may be what it added.
  const Snapshot graph = service.brain().durable();
  if (const TokenRow* token = to.token.empty() ? nullptr : graph->find_token(to.token); token && token->revoked) {
    return fail(ErrorCode::kDenied, "the token that it was added with was revoked", {}, "add it again");
  }
  if (to.format == webhook::kTmf921Format) return tmf921_batch(service, to, memory);
  v1::EventsRequest request = events_of(to);
  for (const std::string& name : to.names) request.add_names(name);
  if (const Status good = service.check_events(to.owner, request); !good) return tl::unexpected(good.error());
  auto events = service.events(to.owner, request, to.next);
  if (!events) return tl::unexpected(events.error());
  webhook::Batch out;
  out.next = events->next();
  size_t bytes = 0;
  for (v1::EventView& event : *events->mutable_events()) {
    if (bytes >= kBatchBytesMax) {
      out.next = event.position();
      break;
    }
    const Position position = event.position();
    out.messages.push_back({position, "evt_" + to.id + "_" + std::to_string(position), body_of(event)});
    bytes += out.messages.back().body.size();
  }
  return out;
}

}  // namespace

webhook::Source webhook_source(Service& service) {
  return [&service](const Subscription& to, webhook::Memory& memory) { return batch(service, to, memory); };
}

Result<Standing> add_webhook_for(const Service& service, const Caller& who, Subscription wanted) {
  webhook::Webhooks* webhooks = service.ports().webhooks;
  if (webhooks == nullptr) return none_here();
  if (const Status allowed = may(who, Action::kApply, wanted.url, tenant_of_owner(who)); !allowed) return tl::unexpected(allowed.error());
  const Snapshot graph = service.brain().durable();
  if (!wanted.tenant.empty() && who.role == policy::Role::kOperator && !graph->find_tenant(wanted.tenant).valid()) {
    return tl::unexpected(policy::absent(who, Action::kRead, policy::Kind::kTenant, wanted.tenant));
  }
  if (wanted.next > graph->version()) {
    return fail(ErrorCode::kInvalid, "is beyond the end of the ledger, " + std::to_string(graph->version()), "from", "leave it out to begin there");
  }
  if (wanted.next == 0) wanted.next = graph->version();
  wanted.owner = who;
  // Signing out is no reason to end what was added meanwhile.
  if (who.by == Caller::By::kToken) wanted.token = who.token;
  return webhooks->add(std::move(wanted));
}

Result<std::vector<Standing>> webhooks_of(const Service& service, const policy::Principal& who) {
  if (service.ports().webhooks == nullptr) return none_here();
  if (const Status allowed = may(who, Action::kRead, "list", tenant_of_owner(who)); !allowed) return tl::unexpected(allowed.error());
  std::vector<Standing> all = service.ports().webhooks->list();
  std::erase_if(all, [&who](const Standing& one) {
    return !may(who, Action::kRead, one.subscription.id, tenant_of_owner(one.subscription.owner)).has_value();
  });
  return all;
}

Status remove_webhook_of(const Service& service, const policy::Principal& who, const std::string& id) {
  webhook::Webhooks* webhooks = service.ports().webhooks;
  if (webhooks == nullptr) return none_here();
  const std::string shown = clip_utf8(id, 64);
  if (const Status allowed = may(who, Action::kDelete, shown, tenant_of_owner(who)); !allowed) return allowed;
  for (const Standing& one : webhooks->list()) {
    if (one.subscription.id != id) continue;
    if (const Status allowed = may(who, Action::kDelete, shown, tenant_of_owner(one.subscription.owner)); !allowed) return allowed;
    return webhooks->remove(id);
  }
  return tl::unexpected(policy::absent(who, Action::kDelete, policy::Kind::kWebhook, shown));
}

Result<v1::AddWebhookResponse> Service::add_webhook(const Caller& who, const v1::AddWebhookRequest& request) {
  Subscription wanted;
  wanted.url = request.url();
  wanted.tenant = tenant_of(who, request.tenant());
  wanted.next = request.from();
  v1::EventsRequest stream = events_of(wanted);
  for (const std::string& name : request.names()) {
    if (std::find(wanted.names.begin(), wanted.names.end(), name) == wanted.names.end()) wanted.names.push_back(name);
    stream.add_names(name);
  }
  if (const Status allowed = check_events(who, stream); !allowed) return tl::unexpected(allowed.error());
  auto secret = request.secret().empty() ? webhook::draw_secret() : webhook::parse_secret(request.secret());
  if (!secret) return tl::unexpected(secret.error());
  wanted.secret = *secret;
  const auto added = add_webhook_for(*this, who, std::move(wanted));
  if (!added) return tl::unexpected(added.error());
  v1::AddWebhookResponse out;
  put_webhook(*added, *out.mutable_webhook());
  out.set_secret(std::string(webhook::secret_text(*secret).reveal()));
  return out;
}

Result<v1::ListWebhooksResponse> Service::list_webhooks(const Principal& who, const v1::ListWebhooksRequest& request) {
  const auto all = webhooks_of(*this, who);
  if (!all) return tl::unexpected(all.error());
  v1::ListWebhooksResponse out;
  out.set_version(ports_.brain.durable()->version());
  for (const Standing& one : *all) {
    if (request.tenant().empty() || tenant_of_owner(one.subscription.owner) == request.tenant()) put_webhook(one, *out.add_webhooks());
  }
  return out;
}

Result<v1::RemoveWebhookResponse> Service::remove_webhook(const Principal& who, const v1::RemoveWebhookRequest& request) {
  if (const Status removed = remove_webhook_of(*this, who, request.webhook()); !removed) return tl::unexpected(removed.error());
  return v1::RemoveWebhookResponse();
}

}  // namespace weir::gateway
