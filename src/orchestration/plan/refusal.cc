#include "orchestration/plan/refusal.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "core/graph/promise.h"

namespace weir {
namespace {

constexpr size_t kReasonsMax = 8;

// How far from met, in ppm over what there is; fixed ranks for what no amount changes.
int64_t distance(const Reason& reason) {
  constexpr int64_t kFar = INT64_MAX / 2;
  switch (reason.code) {
    case ReasonCode::kForbidden: return kFar + 4;
    case ReasonCode::kResidency: return kFar + 3;
    case ReasonCode::kTaint:
    case ReasonCode::kAffinity:
    case ReasonCode::kAntiAffinity:
    case ReasonCode::kDataElsewhere: return kFar + 2;
    case ReasonCode::kNoPath: return kFar + 1;
    case ReasonCode::kSiteNotUp: return kFar;
    default: break;
  }
  // Latency and budget are missed upwards, everything else downwards.
  const bool upwards = reason.code == ReasonCode::kLatency || reason.code == ReasonCode::kBudget;
  const int64_t more = upwards ? reason.available : reason.needed;
  const int64_t less = upwards ? reason.needed : reason.available;
  if (less <= 0) return kFar - 1;
  return std::min(kFar - 2, charge(more, kPpm, less));
}

// Where each instance alone has a site and not all together, of one source: as many cores as there is room for, instance by
// instance, whatever it is that runs out.
Reason short_of_room(Candidates& candidates, const Blocked& blocked) {
  Reason reason{blocked.code};
  const auto& sources = candidates.sources();
  const Workload& work = candidates.spec().workload;
  if (blocked.code != ReasonCode::kCpu || sources.size() != 1) return reason;
  const int32_t wanted = (sources[0].streams + work.streams_per_instance - 1) / work.streams_per_instance;
  int64_t fit = 0;
  const Share one{1};
  for (const Option& option : candidates.rank(one, Candidates::kAll).feasible) {
    fit += candidates.room(option.site, wanted);
  }
  reason.needed = int64_t{wanted} * work.cpu_milli;
  reason.available = std::min<int64_t>(fit, wanted) * work.cpu_milli;
  return reason;
}

bool is_room(ReasonCode code) {
  return code == ReasonCode::kCpu || code == ReasonCode::kMemory || code == ReasonCode::kAccelerators ||
         code == ReasonCode::kAcceleratorShare || code == ReasonCode::kAcceleratorMemory || code == ReasonCode::kBandwidth;
}

// Has the site a node that holds an instance when nothing else runs there?
bool could_hold(const Graph& graph, SiteId site, const Workload& work) {
  for (const NodeRange& range : graph.nodes(site)) {
    for (uint32_t n = range.first; n < range.first + range.count; ++n) {
      const NodeRow& node = graph.node(NodeId(n));
      if (graph.takes(node, work) && node.cpu_milli >= work.cpu_milli && node.memory_mib >= work.memory_mib &&
          node.accelerators >= work.accelerators) {
        return true;
      }
    }
  }
  return false;
}

// Where a job asks for different places and finds too few, but would find enough if none were full: what is short there, so
// that it waits for that. Empty: there are not so many, or it has several ingresses.
std::vector<Reason> full_places(Candidates& candidates, const Whole& whole) {
  const Graph& graph = candidates.graph();
  const Workload& work = candidates.spec().workload;
  if (work.kind != WorkKind::kJob || candidates.sources().size() != 1) return {};
  Spread spread(graph);
  for (const SiteId site : whole.sites_kept) spread.add(site);
  const auto& ranking = candidates.rank({1}, Candidates::kAll);
  for (const Option& option : ranking.feasible) spread.add(option.site);
  std::vector<Reason> full;
  for (const Reason& reason : ranking.refused) {
    if (!is_room(reason.code) || !could_hold(graph, reason.site, work) || candidates.path_too_far(reason.site, 0)) continue;
    spread.add(reason.site);
    full.push_back(reason);
  }
  if (full.empty() || spread.lacks(whole.where).code != ReasonCode::kNone) return {};
  nearest_first(full);
  full.insert(full.begin(), Reason{full.front().code});
  full.resize(std::min(full.size(), kReasonsMax));
  return full;
}

}  // namespace

void nearest_first(std::vector<Reason>& reasons) {
  std::map<SiteId, std::pair<int64_t, ReasonCode>> farthest;
  for (const Reason& reason : reasons) {
    auto& known = farthest[reason.site];
    known = std::max(known, {distance(reason), reason.code});
  }
  const auto key = [&](const Reason& reason) {
    const auto& [far, code] = farthest[reason.site];
    return std::make_tuple(far, code, reason.site, -distance(reason), reason.code);
  };
  std::stable_sort(reasons.begin(), reasons.end(),
                   [&key](const Reason& a, const Reason& b) { return key(a) < key(b); });
}

Refusal refusal(Candidates& candidates, const Blocked& blocked, const Whole& whole) {
  Refusal out;
  const IntentSpec& spec = candidates.spec();
  if (blocked.code == ReasonCode::kSpread || blocked.code == ReasonCode::kRegions || blocked.code == ReasonCode::kFailureDomains) {
    out.reasons = full_places(candidates, whole);
    if (!out.reasons.empty()) return out;
  }
  switch (blocked.code) {
    case ReasonCode::kNone: break;
    case ReasonCode::kBudget:
      out.reasons.push_back(
          {ReasonCode::kBudget, SiteId{}, SiteId{}, spec.budget_per_hour_max, blocked.billed_least});
      return out;
    case ReasonCode::kAvailability:
      out.reasons.push_back({ReasonCode::kAvailability, SiteId{}, SiteId{}, spec.promise.availability_ppm,
                             blocked.availability_ppm_most});
      return out;
    case ReasonCode::kSpread:
      out.reasons.push_back({ReasonCode::kSpread, SiteId{}, SiteId{}, whole.where.sites_min, blocked.sites_most});
      return out;
    case ReasonCode::kRegions:
      out.reasons.push_back({ReasonCode::kRegions, SiteId{}, SiteId{}, whole.where.regions_min, blocked.regions_most});
      return out;
    case ReasonCode::kFailureDomains:
      out.reasons.push_back(
          {ReasonCode::kFailureDomains, SiteId{}, SiteId{}, whole.where.failure_domains_min, blocked.failure_domains_most});
      return out;
    default: out.reasons.push_back(short_of_room(candidates, blocked)); break;
  }
  // Which sites would not even take one stream of the source that is stuck, and which are merely full.
  for (size_t i = 0; i < candidates.sources().size(); ++i) {
    const Source& source = candidates.sources()[i];
    if (blocked.ingress.valid() && source.site != blocked.ingress) continue;
    Share one(candidates.sources().size(), 0);
    one[i] = 1;
    const auto& ranking = candidates.rank(one, Candidates::kAll);
    std::vector<Reason> reasons = ranking.refused;
    if (blocked.code != ReasonCode::kNone) {  // each stream alone has a site: say how many instances fit there
      for (const Option& option : ranking.feasible) {
        const int32_t fit = candidates.room(option.site, INT32_MAX);
        const int64_t wanted = (source.streams + spec.workload.streams_per_instance - 1) / spec.workload.streams_per_instance;
        if (fit < wanted && spec.where.same_rack) {
          reasons.push_back({ReasonCode::kRack, option.site, source.site, wanted, fit});
        } else if (fit < wanted && spec.workload.cpu_milli > 0) {
          reasons.push_back({ReasonCode::kCpu, option.site, source.site, wanted * spec.workload.cpu_milli,
                             int64_t{fit} * spec.workload.cpu_milli});
        }
      }
    }
    // A site that is too small may be too far as well: room there would help nobody.
    for (size_t r = 0, sites = reasons.size(); r < sites; ++r) {
      const ReasonCode code = reasons[r].code;
      if (code != ReasonCode::kAccelerators && code != ReasonCode::kAcceleratorShare && code != ReasonCode::kSpeed &&
          code != ReasonCode::kAcceleratorMemory && code != ReasonCode::kAcceleratorsLinked && code != ReasonCode::kRack &&
          code != ReasonCode::kMemory && code != ReasonCode::kCpu)
        continue;
      if (const auto far = candidates.path_too_far(reasons[r].site, i)) reasons.push_back(*far);
    }
    nearest_first(reasons);
    for (size_t r = 0; r < reasons.size();) {
      size_t end = r + 1;
      while (end < reasons.size() && reasons[end].site == reasons[r].site) ++end;
      if (out.reasons.size() + (end - r) > kReasonsMax) break;  // a site's reasons together, or none
      for (; r < end; ++r) {
        if (!reasons[r].ingress.valid()) reasons[r].ingress = source.site;
        out.reasons.push_back(reasons[r]);
      }
    }
    break;
  }
  return out;
}

}  // namespace weir
