#include <algorithm>

#include "service/gateway/views.h"
#include "service/resource/resource.h"
#include "weir/v1/resource.pb.h"

// Queues, reservations and policies as messages.
namespace weir::gateway {
namespace {

void put_use(const QueueStanding& from, v1::Queue::Use& out) {
  out.set_share_ppm(from.share_ppm);
  out.set_entitlement_ppm(from.entitlement_ppm);
  out.set_cpu_milli(from.used.cpu_milli);
  out.set_memory_mib(from.used.memory_mib);
  out.set_accelerators(from.used.accelerators);
  out.set_accelerator_milli(from.used_accelerator_milli);
  out.set_jobs_running(static_cast<uint64_t>(from.jobs_running));
  out.set_jobs_waiting(static_cast<uint64_t>(from.jobs_waiting));
  out.set_oldest_wait_us(from.oldest_wait_us);
  out.set_preemptions(static_cast<uint64_t>(from.preemptions));
}

std::string_view backfill_text(Backfill backfill) {
  switch (backfill) {
    case Backfill::kNone:
      return "none";
    case Backfill::kConservative:
      return "conservative";
    default:
      return "easy";
  }
}

}  // namespace

void put_queue(const ViewSources& from, QueueId id, policy::View view, v1::Resource& out) {
  const Graph& graph = from.graph;
  const QueueId stored = id.valid() ? id : graph.find_queue(kDomainQueue);
  const QueueSpec spec = stored.valid() ? graph.queue(stored) : QueueSpec{.name = kDomainQueue};
  resource::to_message(resource::describe(spec, names_of(graph)), out);
  v1::Queue::Status& status = *out.mutable_queue()->mutable_status();
  const auto report = from.queues();
  if (!id.valid()) status.set_backfill(std::string(backfill_text(report->backfill)));
  for (const QueueStanding& line : report->lines) {
    if (line.queue != id) continue;
    if (!line.tenant.valid()) {
      status.set_policy(line.policy);
      put_use(line, *status.mutable_use());
      continue;
    }
    const std::string& tenant = graph.tenant_name(line.tenant);
    const bool own = std::find(from.tenants.begin(), from.tenants.end(), tenant) != from.tenants.end();
    if (view != policy::View::kFull && !own) continue;
    v1::Queue::TenantUse& use = *status.add_tenants();
    use.set_tenant(tenant);
    put_use(line, *use.mutable_use());
  }
}

std::string_view reservation_state(const Graph::ReservationRow& row, TimeUs now) {
  if (row.cancelled) return "cancelled";
  if (now >= row.spec.to) return "over";
  return now >= row.spec.from ? "open" : "planned";
}

void put_reservation(const ViewSources& from, ReservationId id, v1::Resource& out) {
  const Graph::ReservationRow& row = from.graph.reservation(id);
  resource::to_message(resource::describe(row.spec, from.graph.tenant_name(row.tenant), names_of(from.graph)),
                       out);
  v1::Reservation::Status& status = *out.mutable_reservation()->mutable_status();
  status.set_state(std::string(reservation_state(row, from.ports.clock.wall_us())));
  for (const LinkId link : row.spec.path) status.add_path(from.graph.link_name(link));
}

void put_policy(const PolicyDescription& policy, v1::Resource& out) {
  v1::PolicyView& view = *out.mutable_policy();
  view.set_name(policy.name);
  view.set_about(policy.about);
  view.set_ages(policy.ages);
  for (const PolicyDescription::Parameter& from : policy.parameters) {
    v1::PolicyView::Parameter& parameter = *view.add_parameters();
    parameter.set_name(from.name);
    parameter.set_about(from.about);
    parameter.set_value(from.value);
    parameter.set_low(from.low);
    parameter.set_high(from.high);
  }
}

}  // namespace weir::gateway
