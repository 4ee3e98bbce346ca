#include <algorithm>

#include "simulation/auditor.h"

// Bandwidth: what plans hold, and what reservations keep, judged window by window from what was said, and from what every plan holds.
namespace weir::simulation {

void Auditor::hold(const Flow& flow, int sign) {
  for (const LinkId id : flow.path) {
    for (const bool back : {false, true}) {
      Direction& d = links_[id.value ^ (back ? 1u : 0u)];
      d.used += sign * (back ? flow.down_bps : flow.up_bps);
      if (sign > 0 && d.used > d.bandwidth && (back ? flow.down_bps : flow.up_bps) > 0) {
        fail("link " + std::to_string(id.value) + " is over-committed");
      }
    }
  }
}

const Auditor::Kept* Auditor::reservation_of(const std::string& tenant, const IntentSpec& spec) const {
  if (spec.schedule.reservation.empty() || spec.workload.kind != WorkKind::kJob) return nullptr;
  for (size_t r = reservations_.size(); r-- > 0;) {
    if (reservations_[r].tenant == tenant && reservations_[r].spec.name == spec.schedule.reservation) return &reservations_[r];
  }
  return nullptr;
}

int64_t Auditor::kept_left(const Kept& kept, LinkId link) const {
  int64_t left = 0;
  for (const LinkId forward : kept.spec.path) {
    if (forward == link) left += kept.spec.up_bps;
    if (opposite(forward) == link) left += kept.spec.down_bps;
  }
  if (left == 0) return 0;
  for (const Wish& wish : wishes_) {
    for (const auto& [position, held] : wish.held) {
      if (reservation_of(wish.tenant, held.spec) != &kept) continue;
      for (size_t f = 0; f < held.plan.flows.size(); ++f) {
        const Flow& flow = held.plan.flows[f];
        const auto run = runs_.find(held.run(flow.placement));
        if (!held.holds_flow[f] || (run != runs_.end() && has_ended(run->second.state))) continue;
        for (const LinkId forward : flow.path) {
          if (forward == link) left -= flow.up_bps;
          if (opposite(forward) == link) left -= flow.down_bps;
        }
      }
    }
  }
  return std::max<int64_t>(left, 0);
}

// Of the link, for others than `own`, at any time in [from, until).
int64_t Auditor::kept_most(LinkId link, TimeUs from, TimeUs until, const Kept* own) const {
  int64_t most = 0;
  for (const Kept& begins : reservations_) {
    const TimeUs at = std::max(from, begins.spec.from);
    if (at >= until) continue;
    int64_t sum = 0;
    for (const Kept& each : reservations_) {
      if (&each == own || each.cancelled || each.spec.from > at || each.spec.to <= at) continue;
      sum += kept_left(each, link);
    }
    most = std::max(most, sum);
  }
  return most;
}

void Auditor::check_kept(const Wish& wish, const std::vector<const Flow*>& fresh) const {
  if (std::none_of(reservations_.begin(), reservations_.end(),
                   [this](const Kept& kept) { return !kept.cancelled && kept.spec.to > last_at_ && !kept.spec.path.empty(); })) {
    return;
  }
  const bool job = wish.spec.workload.kind == WorkKind::kJob;
  const TimeUs most_us = wish.spec.schedule.run_time_us_max;
  const TimeUs until = job && most_us > 0 ? last_at_ + kRunBeginsUs + most_us : INT64_MAX;
  const Kept* own = reservation_of(wish.tenant, wish.spec);
  if (own != nullptr && (own->cancelled || own->spec.from > last_at_ || own->spec.to <= last_at_)) own = nullptr;
  for (const Flow* flow : fresh) {
    for (const LinkId forward : flow->path) {
      for (const auto& [link, bps] : {std::pair(forward, flow->up_bps), std::pair(opposite(forward), flow->down_bps)}) {
        const Direction& d = links_[link.index()];
        if (bps > 0 && d.bandwidth - d.used < kept_most(link, last_at_, until, own)) {
          fail("a plan takes of link " + std::to_string(link.value) + " what a reservation keeps for others");
        }
      }
    }
  }
}

void Auditor::compare_kept(const Graph& graph) const {
  for (size_t l = 0; l < links_.size(); ++l) {
    const LinkId link(l);
    const int64_t kept = kept_most(link, last_at_, INT64_MAX, nullptr);
    if (graph.kept_bps(link, {}) != kept) {
      fail("link " + std::to_string(l) + ": the graph keeps " + std::to_string(graph.kept_bps(link, {})) + " bit/s for reservations, the books " +
           std::to_string(kept));
    }
  }
}

void Auditor::body(const ReservationDefined& e) {
  if (e.reservation.index() != reservations_.size()) return fail("reservation out of turn");
  const Kept kept{tenants_[e.tenant.index()], e.spec, false};
  const TimeUs from = std::max(e.spec.from, last_at_);
  if (e.spec.ingress.valid()) {
    uint32_t at = sites_[e.spec.ingress.index()].vertex;
    for (const LinkId forward : e.spec.path) {
      const Direction& d = links_[forward.index()];
      if (d.from != at) fail("what a reservation keeps does not hang together");
      if (at != sites_[e.spec.ingress.index()].vertex && is_site(at)) fail("a reservation keeps a path through a site");
      at = d.to;
      for (const auto& [link, bps] : {std::pair(forward, e.spec.up_bps), std::pair(opposite(forward), e.spec.down_bps)}) {
        const Direction& way = links_[link.index()];
        if (bps > way.bandwidth - way.used - kept_most(link, from, e.spec.to, nullptr)) {
          fail("a reservation keeps more of link " + std::to_string(link.value) + " than there is");
        }
      }
    }
    if (e.spec.path.empty() || at != sites_[e.spec.site.index()].vertex) fail("what a reservation keeps leads elsewhere");
  } else if (!e.spec.path.empty()) {
    fail("a reservation keeps a path from nowhere");
  }
  reservations_.push_back(kept);
}

void Auditor::body(const ReservationCancelled& e) {
  if (e.reservation.index() >= reservations_.size()) return fail("a reservation that is not is cancelled");
  Kept& kept = reservations_[e.reservation.index()];
  if (by_brain() && kept.spec.to > last_at_) fail("the brain cancels a reservation that is not over");
  kept.cancelled = kept.cancelled || kept.spec.to > last_at_;
}

}  // namespace weir::simulation
