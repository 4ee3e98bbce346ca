#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>
#include <utility>

#include "core/event/limits.h"
#include "core/graph/graph.h"
#include "core/price/price.h"

// Bandwidth that reservations keep: which flows use it, whom it is kept from, and over which path.
namespace weir {
namespace {

IntentId intent_of(const EventBody& body) {
  return std::visit(
      []<class E>(const E& e) {
        if constexpr (requires { e.plan.intent; }) {
          return e.plan.intent;
        } else if constexpr (requires { e.intent; }) {
          return e.intent;
        } else {
          return IntentId{};
        }
      },
      body);
}

bool is_kept(const Graph::ReservationRow& row, TimeUs now) {
  return !row.cancelled && row.spec.to > now && !row.spec.path.empty();
}

}  // namespace

IntentId Graph::before_beside_kept(const EventBody& body) {
  if (kept_end_ <= now_) {
    kept_bandwidth_.mutate().drop_over(now_);
    kept_end_ = kept_bandwidth_->first_end();
    ++relief_;
  }
  const IntentId id = intent_of(body);
  if (id.index() < intents_.size()) count_kept_use(intent(id), -1);
  return id;
}

void Graph::count_kept_use(const IntentRow& row, int sign) {
  const auto count = [&](const CommittedPlan& held) {
    const std::string& name = held.spec->schedule.reservation;
    if (name.empty() || held.plan.flows.empty() || held.spec->workload.kind != WorkKind::kJob) return;
    const ReservationId in = find_reservation(row.tenant, name);
    if (!in.valid() || !is_kept(reservation(in), now_)) return;
    for (size_t f = 0; f < held.plan.flows.size(); ++f) {
      const Flow& flow = held.plan.flows[f];
      const RunId run = held.run(flow.placement);
      const bool ended = std::any_of(row.runs.begin(), row.runs.end(),
                                     [run](const RunRow& known) { return known.run == run && has_ended(known.state); });
      if (held.flow_passed_on[f] || ended) continue;
      KeptBandwidth& kept = kept_bandwidth_.mutate();
      for (const LinkId link : flow.path) {
        kept.use(in, link, sign * flow.up_bps);
        kept.use(in, opposite(link), sign * flow.down_bps);
      }
    }
  };
  if (row.active) count(*row.active);
  for (const auto& held : row.retiring) count(*held);
}

void Graph::keep_bandwidth() {
  kept_bandwidth_.mutate().clear();
  for (size_t r = 0; r < reservations_.size(); ++r) {
    if (is_kept(*reservations_[r], now_)) kept_bandwidth_.mutate().keep(ReservationId(r), reservations_[r]->spec);
  }
  kept_end_ = kept_bandwidth_->first_end();
  if (!keeps_bandwidth()) return;
  for (size_t i = 0; i < intents_.size(); ++i) count_kept_use(*intents_[i], 1);
}

FlowTerm flow_term(const Graph& graph, const IntentRow& row, TimeUs now) {
  if (!graph.keeps_bandwidth()) return {};
  now = std::max(now, graph.now());
  FlowTerm term{.from = now};
  const Schedule& schedule = row.spec->schedule;
  if (row.spec->workload.kind != WorkKind::kJob) return term;
  if (schedule.run_time_us_max > 0) term.until = now + kRunBeginsUs + schedule.run_time_us_max;
  if (schedule.reservation.empty()) return term;
  const ReservationId in = graph.find_reservation(row.tenant, schedule.reservation);
  if (in.valid() && is_kept(graph.reservation(in), now) && graph.reservation(in).spec.from <= now) term.in = in;
  return term;
}

PathToKeep path_to_keep(const Graph& graph, const ReservationSpec& spec, TimeUs now) {
  const FlowTerm window{std::max(spec.from, now), spec.to, {}};
  const VertexId from = graph.site(spec.ingress).vertex, to = graph.site(spec.site).vertex;
  // Of a direction: what of it is wanted beyond what is free.
  const auto short_bps = [&](LinkId id, int64_t bps) { return bps > 0 ? bps - graph.room_bps(id, window) : 0; };
  const auto fits = [&](LinkId id) { return short_bps(id, spec.up_bps) <= 0 && short_bps(opposite(id), spec.down_bps) <= 0; };

  struct Label {
    Nanocredits price = INT64_MAX;
    int64_t latency_us = 0, hops = 0;
    LinkId by;
    auto rank() const { return std::tuple(price, latency_us, hops, by); }
  };
  // By list price over links that can be led, or as plain routing goes over any; ties as promised.
  const auto search = [&](bool plain, bool with_room) {
    std::vector<Label> labels(graph.vertex_count());
    std::vector<uint8_t> done(graph.vertex_count());
    using Item = std::tuple<Nanocredits, int64_t, int64_t, VertexId>;
    std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
    labels[from.index()].price = 0;
    queue.push({0, 0, 0, from});
    while (!queue.empty()) {
      const VertexId at = std::get<3>(queue.top());
      queue.pop();
      if (std::exchange(done[at.index()], uint8_t{1}) != 0 || (at != from && graph.site_at(at).valid())) continue;
      const Label& here = labels[at.index()];
      for (const LinkId id : graph.links_out(at)) {
        if (!plain && (!graph.link(id).steerable || !graph.usable(id) || (with_room && !fits(id)))) continue;
        const VertexId next = graph.link(id).to;
        const Nanocredits price = plain ? 0 : path_per_hour(graph, {id}, spec.up_bps, spec.down_bps);
        if (here.hops == static_cast<int64_t>(limits::kPathLinksMax)) continue;  // longer ones are never written
        const Label there{saturating_add(here.price, price), here.latency_us + graph.link(id).latency_us, here.hops + 1, id};
        if (done[next.index()] != 0 || there.rank() >= labels[next.index()].rank()) continue;
        labels[next.index()] = there;
        queue.push({there.price, there.latency_us, there.hops, next});
      }
    }
    std::vector<LinkId> path;
    for (VertexId at = to; labels[at.index()].by.valid(); at = graph.link(path.back()).from) {
      path.push_back(labels[at.index()].by);
    }
    std::reverse(path.begin(), path.end());
    return path;
  };
  const auto rank = [&](const std::vector<LinkId>& path) {
    int64_t latency_us = 0;
    for (const LinkId id : path) latency_us += graph.link(id).latency_us;
    return std::tuple(path_per_hour(graph, path, spec.up_bps, spec.down_bps), latency_us, path.size());
  };
  const std::vector<LinkId> routed = search(true, false);
  const bool routed_up = !routed.empty() && std::ranges::all_of(routed, [&](LinkId id) { return graph.usable(id); });
  const auto best = [&](bool with_room) {
    std::vector<LinkId> path = search(false, with_room);
    if (routed_up && (!with_room || std::ranges::all_of(routed, fits)) && (path.empty() || rank(routed) < rank(path))) {
      path = routed;
    }
    return path;
  };
  PathToKeep out{.path = best(true), .link = {}};
  if (!out.path.empty()) return out;
  int64_t worst_bps = 0;
  for (const LinkId forward : best(false)) {
    for (const auto& [id, bps] : {std::pair(forward, spec.up_bps), std::pair(opposite(forward), spec.down_bps)}) {
      if (short_bps(id, bps) <= worst_bps) continue;
      worst_bps = short_bps(id, bps);
      out.link = id;
      out.free_bps = std::max<int64_t>(graph.room_bps(id, window), 0);
    }
  }
  return out;
}

}  // namespace weir
