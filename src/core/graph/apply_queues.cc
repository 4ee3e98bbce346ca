#include <algorithm>

#include "core/graph/graph.h"

// What changes whose turn it is and which room is kept: queues, reservations, preemption, cordoned nodes, hours and run times.
namespace weir {
namespace {

bool waits(const IntentRow& row) { return !row.active && row.state != IntentState::kWithdrawn; }

// At the site, what of the plan goes on no more is for this job.
void leave_room(IntentRow& to, SiteId site, IntentId from, Position plan, TimeUs now) {
  const bool together = to.claim && to.claim->site == site && to.claim->at == now;
  Claim claim = together ? *to.claim : Claim{site, now, {}};
  claim.from.emplace_back(from, plan);
  if (!together) ++to.claims;
  to.claim = std::make_shared<const Claim>(std::move(claim));
}

}  // namespace

Applied Graph::on(const JobPreempted& e) {
  if (e.intent.index() >= intents_.size()) return no_effect("unknown intent");
  const IntentRow& old = intent(e.intent);
  if (!old.active || old.active->position != e.plan) return no_effect("the plan is not active");
  IntentRow& row = intents_.mutate(e.intent.index()).mutate();
  count_task(row, -1);
  row.retiring.push_back(std::move(row.active));
  row.active = nullptr;
  stands_elsewhere(row);
  count_task(row, 1);
  row.state = IntentState::kPending;
  row.flows_on_protection.clear();
  ++row.preemptions;
  row.preempted_at = now_;
  row.preempted = std::make_shared<const JobPreempted>(e);
  if (e.by.index() < intents_.size() && e.by != e.intent && e.site.valid() && waits(intent(e.by))) {
    leave_room(intents_.mutate(e.by.index()).mutate(), e.site, e.intent, e.plan, now_);
  }
  return {};
}

Applied Graph::on(const QueueDefined& e) {
  const bool known = e.queue.index() < queues_.size();
  if (known ? queue_names_.name(e.queue.index()) != e.spec.name
            : e.queue.index() != queues_.size() || queue_names_.find(e.spec.name) != QueueId::kNone) {
    return no_effect("the name is taken, or the identifier is out of turn");
  }
  // A parent is defined before its children, and stays theirs: so that queues are a tree.
  if (e.spec.parent.valid() && e.spec.parent.index() >= queues_.size()) return no_effect("the parent is unknown");
  if (known && e.spec.parent != queue(e.queue).parent) return no_effect("a queue keeps its parent");
  auto spec = std::make_shared<const QueueSpec>(e.spec);
  if (known) {
    queues_.mutate(e.queue.index()) = std::move(spec);
  } else {
    queue_names_.add(e.spec.name);
    queues_.push_back(std::move(spec));
  }
  ++relief_;
  return {};
}

Applied Graph::on(const ReservationDefined& e) {
  if (e.tenant.index() >= tenants_.size()) return no_effect("unknown tenant");
  if (e.spec.site.index() >= sites_.size()) return no_effect("unknown site");
  if (e.spec.from >= e.spec.to) return no_effect("it ends before it begins");
  if (e.reservation.index() != reservations_.size()) return no_effect("reservation identifier out of turn");
  if (e.spec.ingress.valid() && e.spec.ingress.index() >= sites_.size()) return no_effect("unknown ingress");
  if (!std::all_of(e.spec.path.begin(), e.spec.path.end(), [this](LinkId id) { return id.index() < links_.size(); })) {
    return no_effect("its path has an unknown link");
  }
  reservations_.push_back(std::make_shared<const ReservationRow>(ReservationRow{e.tenant, e.spec}));
  if (!e.spec.path.empty() || keeps_bandwidth()) keep_bandwidth();
  return {};
}

Applied Graph::on(const ReservationCancelled& e) {
  if (e.reservation.index() >= reservations_.size()) return no_effect("unknown reservation");
  ReservationRow row = reservation(e.reservation);
  if (row.cancelled) return no_effect("it is cancelled");
  if (row.spec.to <= now_) return {};  // what it kept was free from then on
  row.cancelled = true;
  reservations_.mutate(e.reservation.index()) = std::make_shared<const ReservationRow>(std::move(row));
  if (keeps_bandwidth()) {
    kept_bandwidth_.mutate().drop(e.reservation);
    kept_end_ = kept_bandwidth_->first_end();
  }
  ++relief_;
  return {};
}

Applied Graph::on(const NodeCordoned& e) {
  if (e.node.index() >= nodes_.size()) return no_effect("unknown node");
  if (nodes_[e.node.index()].cordoned == e.cordoned) return no_effect("the node is so");
  NodeRow& row = nodes_.mutate(e.node.index());
  row.cordoned = e.cordoned;
  account_site_nodes(row.site);
  reprice({.link = {}, .site = row.site});
  ++relief_;
  return {};
}

Applied Graph::on(const HourBegan& e) {
  if (e.hour == hour_) return no_effect("it is that hour already");
  hour_ = e.hour;
  if (hourly_sites_ == 0) return {};
  for (size_t s = 0; s < sites_.size(); ++s) {
    if (!site_specs_[s]->hours.empty()) set_hour(SiteId(s));
  }
  ++relief_;
  return {};
}

void Graph::set_hour(SiteId id) {
  const std::vector<HourRate>& hours = site_spec(id).hours;
  const HourRate rate = hours.empty() ? HourRate{} : hours[static_cast<size_t>(hour_)];
  if (rate == site(id).hour) return;
  sites_.mutate(id.index()).hour = rate;
  reprice({.link = {}, .site = id});
}

Applied Graph::on(const JobResized& e) {
  if (e.intent.index() >= intents_.size()) return no_effect("unknown intent");
  const IntentRow& old = intent(e.intent);
  if (e.generation != old.generation) return no_effect("of another generation");
  if (old.state == IntentState::kWithdrawn) return no_effect("the intent is withdrawn");
  const Schedule& schedule = old.spec->schedule;
  if (!is_malleable(schedule) || e.instances < schedule.instances_min || e.instances > schedule.instances) {
    return no_effect("it may not have so many instances");
  }
  if (old.demand->schedule.instances == e.instances) return no_effect("it is to have so many already");
  IntentRow& row = intents_.mutate(e.intent.index()).mutate();
  row.demand = e.instances == schedule.instances ? row.spec : with_instances(*row.spec, e.instances);
  // Its last instances go: what they leave is kept for the other.
  const CommittedPlan* active = row.active.get();
  if (active != nullptr && static_cast<size_t>(e.instances) < active->plan.placements.size()) {
    if (e.by.index() < intents_.size() && e.by != e.intent && waits(intent(e.by))) {
      leave_room(intents_.mutate(e.by.index()).mutate(), active->plan.placements.back().site, e.intent, active->position, now_);
    }
  }
  return {};
}

TimeUs Graph::predicted_run_us(TenantId tenant, const std::string& artifact) const {
  const uint32_t known = run_time_names_.find(tenant_name(tenant) + "/" + artifact);
  if (known == Id<void>::kNone) return 0;
  const RunTimesSeen& seen = run_times_[known];
  return seen.before_us + (seen.last_us - seen.before_us) / 2;
}

// Of a job that ends well now.
void Graph::remember_run_time(const IntentRow& row) {
  if (row.spec->workload.kind != WorkKind::kJob) return;
  TimeUs began = 0;
  for (const RunRow& run : row.runs) {
    if (run.began != 0 && (began == 0 || run.began < began)) began = run.began;
  }
  if (began == 0) return;
  const TimeUs run_us = std::max<TimeUs>(now_ - began, 1);
  const std::string name = tenant_name(row.tenant) + "/" + row.spec->workload.artifact;
  const uint32_t known = run_time_names_.find(name);
  if (known == Id<void>::kNone) {
    run_time_names_.add(name);
    run_times_.push_back({run_us, run_us});
    return;
  }
  RunTimesSeen& seen = run_times_.mutate(known);
  seen = {run_us, seen.last_us};
}

}  // namespace weir
