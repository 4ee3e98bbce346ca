#include "service/gateway/tmf921_events.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "core/event/codec.h"
#include "service/gateway/names.h"
#include "service/tmf921/documents.h"
#include "service/tmf921/requests.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

constexpr uint32_t kEventsAtOnce = 64;
constexpr size_t kTmfBatchBytesMax = 1 << 20;  // what waits for one subscriber, but for the last event of it
constexpr size_t kMemoryMax = 20'000;
constexpr const char* kTerminated = "Terminated";

struct Told {
  std::string_view type;
  boost::json::object of;
};

// Which intent an event is about that TMF921 knows; none: none.
IntentId intent_of(const Event& event) {
  if (const auto* e = std::get_if<IntentSubmitted>(&event.body)) return e->intent;
  if (const auto* e = std::get_if<IntentWithdrawn>(&event.body)) return e->intent;
  if (const auto* e = std::get_if<PlanCommitted>(&event.body)) return e->plan.intent;
  if (const auto* e = std::get_if<IntentRefused>(&event.body)) return e->refusal.intent;
  if (const auto* e = std::get_if<RunStateChanged>(&event.body)) return e->intent;
  if (const auto* e = std::get_if<PromiseStateChanged>(&event.body)) return e->intent;
  return {};
}

// An intent is told as it is now; what happened since comes with its own events.
class Teller {
 public:
  Teller(Service& service, const webhook::Subscription& to, webhook::Memory& memory) : service_(service), to_(to), memory_(memory) {}

  std::vector<Told> tell(const v1::EventView& view, const Event& event) {
    std::vector<Told> out;
    const Snapshot graph = service_.brain().durable();
    const IntentId id = intent_of(event);
    if (!id.valid() || id.index() >= graph->intent_count() || graph->intent(id).array.valid()) return out;
    const std::string tenant = graph->tenant_name(graph->intent(id).tenant), name = short_name(graph->intent_name(id));
    const std::string key = tmf921::id_of(tenant, name);
    const auto now = tmf921_intent(service_, to_.owner, tenant, name);
    const boost::json::object document = now ? tmf921::intent_document(now->first, now->second) : tmf921::withdrawn_intent_document(tenant, name);
    const std::string status(document.at("lifecycleStatus").as_string());
    const auto known = memory_.find(key);
    const std::optional<std::string> known_before = known == memory_.end() ? std::nullopt : std::optional(known->second);
    const bool changed = known_before != status;
    if (memory_.size() > kMemoryMax) memory_.clear();
    memory_[key] = status;
    if (const auto* e = std::get_if<IntentSubmitted>(&event.body)) {
      const bool anew = e->generation == 1 || (known_before && *known_before == kTerminated);
      out.push_back({anew ? "IntentCreateEvent" : "IntentAttributeValueChangeEvent", document});
    } else if (const auto* w = std::get_if<IntentWithdrawn>(&event.body); w != nullptr && !w->finished && w->why.empty()) {
      memory_[key] = kTerminated;
      out.push_back({"IntentDeleteEvent", tmf921::withdrawn_intent_document(tenant, name)});
    } else if (changed) {
      out.push_back({"IntentStatusChangeEvent", document});
    }
    if (std::find(std::begin(kReportEvents), std::end(kReportEvents), view.name()) != std::end(kReportEvents)) {
      out.push_back({"IntentReportCreateEvent", tmf921::report_document(tenant, name, view)});
    }
    return out;
  }

 private:
  Service& service_;
  const webhook::Subscription& to_;
  webhook::Memory& memory_;  // of intents: the status that was told last
};

}  // namespace

Result<std::pair<v1::Intent, TimeUs>> tmf921_intent(Service& service, const policy::Principal& who, const std::string& tenant, const std::string& name) {
  v1::GetRequest request;
  request.set_kind("intent");
  request.set_tenant(tenant);
  request.set_name(name);
  auto got = service.get(who, request);
  if (!got) return tl::unexpected(got.error());
  if (got->resource().intent().status().state() == "withdrawn") {
    return tl::unexpected(policy::absent(who, policy::Action::kRead, policy::Kind::kIntent, tenant + "/" + name));
  }
  const Snapshot graph = service.brain().durable();
  const IntentId id = graph->find_intent(tenant, name);
  return std::pair(std::move(*got->mutable_resource()->mutable_intent()), id.valid() ? graph->intent(id).submitted_at : 0);
}

Result<webhook::Batch> tmf921_batch(Service& service, const webhook::Subscription& to, webhook::Memory& memory) {
  v1::EventsRequest request;
  request.set_tenant(to.tenant);
  request.set_limit(kEventsAtOnce);
  for (const char* name : {"IntentSubmitted", "IntentWithdrawn", "PlanCommitted", "IntentRefused", "RunStateChanged", "PromiseStateChanged"}) {
    request.add_names(name);
  }
  if (const Status good = service.check_events(to.owner, request); !good) return tl::unexpected(good.error());
  const auto events = service.events(to.owner, request, to.next);
  if (!events) return tl::unexpected(events.error());
  webhook::Batch out;
  out.next = events->next();
  Teller teller(service, to, memory);
  size_t bytes = 0;
  for (const v1::EventView& view : events->events()) {
    if (bytes >= kTmfBatchBytesMax) {
      out.next = view.position();
      break;
    }
    std::optional<Event> event;
    const Status read = service.ports().log.read(view.position(), view.position() + 1, [&event](Position, Bytes record) -> Status {
      auto decoded = decode(record);
      if (!decoded) return tl::unexpected(decoded.error());
      event = std::move(*decoded);
      return {};
    });
    if (!read) return tl::unexpected(read.error());
    if (!event) continue;
    for (Told& told : teller.tell(view, *event)) {
      if (!to.names.empty() && std::find(to.names.begin(), to.names.end(), told.type) == to.names.end()) continue;
      const std::string id = "evt_" + to.id + "_" + std::to_string(view.position()) + "_" + std::string(told.type);  // the same after a restart
      out.messages.push_back(
          {view.position(), id, boost::json::serialize(tmf921::notification(told.type, id, view.at(), view.text(), std::move(told.of)))});
      bytes += out.messages.back().body.size();
    }
  }
  return out;
}

}  // namespace weir::gateway
