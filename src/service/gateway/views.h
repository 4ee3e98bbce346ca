#pragma once

#include <string>

#include "core/graph/graph.h"
#include "core/ports/history.h"
#include "core/ports/queues.h"
#include "security/policy/policy.h"
#include "service/gateway/service.h"
#include "service/resource/resource.h"

namespace weir::v1 {
class Plan;
class PlanView;
class Refusal;
class Outlook;
class ErrorDetail;
}  // namespace weir::v1

// The graph as messages. Private to this library.
namespace weir::gateway {

struct ViewSources {
  const Graph& graph;
  const History& history;
  const Ports& ports;
  // Of this graph, made when it is first asked for.
  std::function<std::shared_ptr<const QueueReport>()> queues;
  bool all = false;                  // the reader may be told of everybody's jobs
  std::vector<std::string> tenants;  // that the reader is
  Language language = Language::kEnglish;
};

// Empty: English. kInvalid: neither "en" nor "zh".
Result<Language> language_of(std::string_view name);

resource::Names names_of(const Graph& graph);

// What a data set is called in the graph, where names are not scoped by tenant.
std::string stored_dataset_name(std::string_view tenant, std::string_view name);

void put_intent(const ViewSources& from, IntentId id, v1::Resource& out);
void put_site(const ViewSources& from, SiteId id, policy::View view, v1::Resource& out);
void put_router(const ViewSources& from, VertexId id, v1::Resource& out);
// "up", "half" or "down": of both directions.
std::string_view link_state(const Graph& graph, LinkId id);
void put_link(const ViewSources& from, LinkId id, policy::View view, v1::Resource& out);
void put_dataset(const ViewSources& from, DatasetId id, v1::Resource& out);
void put_offer(const ViewSources& from, SiteId id, v1::Resource& out);
void put_tenant(const ViewSources& from, TenantId id, v1::Resource& out);
// None: the domain's own.
void put_queue(const ViewSources& from, QueueId id, policy::View view, v1::Resource& out);
// "planned", "open", "over" or "cancelled".
std::string_view reservation_state(const Graph::ReservationRow& row, TimeUs now);
void put_reservation(const ViewSources& from, ReservationId id, v1::Resource& out);
void put_policy(const PolicyDescription& policy, v1::Resource& out);
// "good", "used", "expired" or "revoked".
std::string_view token_state(const TokenRow& token, TimeUs now);
void put_token(const ViewSources& from, size_t row, v1::Resource& out);
void put_node(const ViewSources& from, NodeId id, v1::Resource& out);
void put_run(const ViewSources& from, IntentId intent, const RunRow& row, policy::View view, v1::Resource& out);
// A run that no plan holds any more, by what the ledger tells of it. False: it never was, or the history does
// not know it yet.
bool put_past_run(const ViewSources& from, RunId id, policy::View view, v1::Resource& out);
// How the runs of an intent fail of whose active plan not all run: a sentence, or "".
std::string failure_text(const ViewSources& from, IntentId id);
// Why the brain ended a job that has failed, without a full stop.
std::string why_failed(const ViewSources& from, IntentId id);
// `no_effect`: why it changed nothing, where that is known.
void put_event(const Graph& graph, Position position, const Event& event, Bytes record, const std::string& no_effect,
               Language language, v1::Resource& out);

// A plan that is committed at `position`, or, without one, proposed. `graph` knows all that it names.
void put_plan(const Graph& graph, const IntentRow& row, IntentId intent, const Plan& plan,
              std::optional<Position> position, std::string_view state, v1::PlanView& out, Language language = Language::kEnglish);
// What the ends of its flows' paths have counted, into a view that put_plan has made of the plan.
void put_traffic(const Ports& ports, const Plan& plan, v1::PlanView& out);
// Where a plan is or would be, and at which price.
void put_outlook(const Graph& graph, const Plan& plan, v1::Outlook& out);
// The event that the resource asks for, its names resolved on this graph.
Result<EventBody> body_of(const Graph& graph, resource::Resource& resource);
// By the stored form, which is the same.
void put_value(const Plan& plan, v1::Plan& out);
void put_value(const Refusal& refusal, v1::Refusal& out);
// Errors quote what came in, and messages and JSON are UTF-8 (RFC 8259, section 8.1).
void put_value(const Error& error, v1::ErrorDetail& out);

}  // namespace weir::gateway
