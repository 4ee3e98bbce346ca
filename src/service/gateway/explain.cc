#include "service/gateway/explain.h"

#include <algorithm>
#include <set>

#include "core/units/quantity.h"
#include "service/gateway/explain_parts.h"
#include "service/gateway/explain_zh.h"
#include "service/resource/time_text.h"

namespace weir::gateway {
namespace {

// Of a link that is short of room because reservations keep it: for how long. "" : it is not so, or not any more.
std::string kept_text(const Graph& graph, const Reason& reason) {
  const auto kept = kept_link(graph, reason);
  if (!kept) return "";
  return ": reservations keep " + format_bandwidth(kept->kept_bps) + " of link " + graph.link_name(kept->link) + " until " +
         resource::format_time(kept->until);
}

std::string plural(int64_t count, std::string_view one) {
  return std::to_string(count) + " " + std::string(one) + (count == 1 ? "" : "s");
}

std::string name(const Graph& graph, SiteId site) {
  return site.valid() && site.index() < graph.site_count() ? graph.site_name(site) : "an unknown site";
}

// "within 500 ms", or "" without a promise.
std::string within(const IntentSpec& spec) {
  return spec.promise.latency_us_max == 0 ? "" : "within " + latency_text(spec.promise.latency_us_max);
}

// "2 instances at hub on node n1, 1 instance at metro on node n0".
std::string places_text(const Graph& graph, const Plan& plan) {
  constexpr size_t kNamed = 8;
  const auto places = places_of(plan);
  std::vector<std::string> parts;
  for (const auto& [place, count] : places) {
    const auto& [site, node] = place;
    if (parts.size() == kNamed) {
      parts.push_back("and on " + plural(static_cast<int64_t>(places.size() - kNamed), "other node"));
      break;
    }
    parts.push_back(plural(count, "instance") + " at " + name(graph, site) +
                    (node.index() < graph.node_count() ? " on node " + graph.node_name(node) : ""));
  }
  return joined(parts, ", ");
}

std::string quality_text(const Plan& plan) {
  if (of_a_pass(plan.reason.code)) {
    return "What is best for all together need not be the cheapest for this intent alone.";
  }
  switch (plan.quality) {
    case Quality::kExact:
      return "Every other combination of sites and paths is dearer: this plan is exactly the cheapest.";
    case Quality::kBounded:
      return "No plan can cost less than " + per_hour_text(plan.bound) + " (this one: " +
             per_hour_text(plan.decision_price) + "), so at most " +
             percent(plan.decision_price - plan.bound, plan.bound) + " is left to gain.";
    case Quality::kHeuristic:
      return "The search ended before it could prove that nothing is cheaper; " + std::to_string(plan.steps) +
             " steps were taken.";
  }
  return {};
}

// What the instances of a job at two sites exchange.
std::string exchange_text(const Graph& graph, const IntentSpec& spec, const Plan& plan, const Group& group) {
  const Flow& flow = *group.worst;
  const Placement& placement = plan.placements[flow.placement];
  const auto count = static_cast<int64_t>(group.placements.size());
  std::string out = "The instances at " + name(graph, group.ingress) + " and at " + name(graph, placement.site) + " exchange up to " +
                    format_bandwidth(flow.up_bps * count) + " each way (" + format_bandwidth(spec.traffic.between_bps) +
                    " an instance) by way of " + joined(group.way, " > ") + ".\n  There and back takes " +
                    latency_text(flow.latency_us_path) + ". Costs " + per_hour_text(group.path) + " for the path.";
  out += flow.protection.empty() ? " No second path exists to protect it."
                                 : " If the path dies, traffic moves to " +
                                       joined(hops(graph, flow.ingress, flow.protection), " > ") + " at once.";
  return out + "\n";
}

std::string group_text(const Graph& graph, const IntentSpec& spec, const Plan& plan, const Group& group) {
  const Flow& flow = *group.worst;
  const Placement& placement = plan.placements[flow.placement];
  const std::string site = name(graph, placement.site);
  if (group.streams == 0) return exchange_text(graph, spec, plan, group);
  std::string out = plural(group.streams, "stream") + " from " + name(graph, group.ingress) + " go to " + site + " (" +
                    plural(static_cast<int64_t>(group.placements.size()), "instance") + ")";
  out += flow.path.empty() ? ", without leaving the site.\n" : " by way of " + joined(group.way, " > ") + ".\n";
  out += "  Predicted " + latency_text(flow.latency_us_predicted) + ": " + latency_text(flow.latency_us_path) +
         " path, " + latency_text(flow.latency_us_serialisation) + " sending, " + latency_text(flow.latency_us_work) +
         " work, " + latency_text(flow.latency_us_queueing) + " queueing.";
  if (spec.promise.latency_us_max != 0) {
    out += " Promised " + latency_text(spec.promise.latency_us_max) + ": " +
           latency_text(spec.promise.latency_us_max - flow.latency_us_predicted) + " to spare.";
  }
  out += "\n  Costs " + per_hour_text(compute_per_hour(plan, group)) + " for the " +
         (group.placements.size() == 1 ? std::string("instance") : std::string("instances")) + " and " +
         per_hour_text(group.path) + " for the path.";
  if (!flow.path.empty()) {
    out += flow.protection.empty() ? " No second path exists to protect it."
                                   : " If the path dies, traffic moves to " +
                                         joined(hops(graph, flow.ingress, flow.protection), " > ") + " at once.";
  }
  return out + "\n";
}

// Figures of a code's unit, as people say them.
std::string figure(ReasonCode code, int64_t value) {
  switch (code) {
    case ReasonCode::kCpu:
      return format_cpu(value) + (value == 1000 ? " core" : " cores");
    case ReasonCode::kMemory:
      return format_memory(value);
    case ReasonCode::kAccelerators:
      return plural(value, "accelerator");
    case ReasonCode::kAcceleratorShare:
      return format_milli(value) + " of an accelerator";
    case ReasonCode::kAcceleratorMemory:
      return format_memory(value) + " of accelerator memory";
    case ReasonCode::kBandwidth:
      return format_bandwidth(value);
    case ReasonCode::kLatency:
      return latency_text(value);
    case ReasonCode::kAvailability:
      return format_fraction(value);
    case ReasonCode::kBudget:
      return per_hour_text(value);
    case ReasonCode::kSpread:
      return plural(value, "site");
    case ReasonCode::kRegions:
      return plural(value, "region");
    case ReasonCode::kFailureDomains:
      return plural(value, "failure domain");
    case ReasonCode::kSpeed:
      return format_milli(value) + " of the reference core";
    case ReasonCode::kAcceleratorsLinked:
      return plural(value, "linked accelerator");
    case ReasonCode::kRack:
      return plural(value, "instance");
    default:
      return std::to_string(value);
  }
}

// Of one device.
std::string figure_on_device(ReasonCode code, int64_t value) {
  return code == ReasonCode::kAcceleratorShare ? format_milli(value) : format_memory(value);
}

std::string accelerators(const IntentSpec& spec, int64_t count) {
  const Workload& work = spec.workload;
  const std::string model = work.accelerator_model.empty() ? "" : work.accelerator_model + " ";
  std::string able;
  if (work.accelerator_fp16_gflops_min > 0)
    able = " of at least " + format_milli(work.accelerator_fp16_gflops_min) + " TFLOPS";
  if (work.accelerator_memory_mib > 0)
    able += (able.empty() ? " with at least " : " and ") + format_memory(work.accelerator_memory_mib);
  return std::to_string(count) + " free " + model + (count == 1 ? "accelerator" : "accelerators") + able;
}

// The intent or data set that a reason is about.
std::string subject(const Graph& graph, const Reason& reason) {
  const auto row = static_cast<size_t>(reason.needed);
  if (reason.needed < 0) return "what it names";
  if (reason.code == ReasonCode::kDataElsewhere) {
    return row < graph.dataset_count() ? graph.dataset(DatasetId(row)).spec.name : "a data set";
  }
  return row < graph.intent_count() ? graph.intent_name(IntentId(row)) : "another intent";
}

// " (it stands at a, b and 3 other sites)", or that it stands nowhere.
std::string whereabouts(const Graph& graph, const Reason& reason) {
  constexpr size_t kNamed = 3;
  const std::set<SiteId> at = whereabouts_of(graph, reason);
  const std::string verb = reason.code == ReasonCode::kDataElsewhere ? "lies" : "stands";
  if (at.empty()) return " (it " + verb + " nowhere now)";
  std::vector<std::string> names;
  for (const SiteId site : at) {
    if (names.size() < kNamed) names.push_back(name(graph, site));
  }
  const size_t more = at.size() - names.size();
  return " (it " + verb + " at " + joined(names, ", ") +
         (more > 0 ? " and " + std::to_string(more) + (more == 1 ? " other site" : " other sites") : "") + ")";
}

// What there is for it.
const char* left(const IntentSpec& spec) { return spec.workload.best_effort ? " to spare" : " free"; }

std::string needs(const Graph& graph, const IntentSpec& spec, const Reason& reason) {
  switch (reason.code) {
    case ReasonCode::kAccelerators:
      return "has " + accelerators(spec, reason.needed);
    case ReasonCode::kAcceleratorShare:
    case ReasonCode::kAcceleratorMemory:
      return "has " + figure(reason.code, reason.needed) + " free on one device";
    case ReasonCode::kCpu:
    case ReasonCode::kMemory:
      return "has " + figure(reason.code, reason.needed) + left(spec);
    case ReasonCode::kBandwidth:
      return "can be reached with " + figure(reason.code, reason.needed) + " to spare";
    case ReasonCode::kLatency:
      return "answers within " + figure(reason.code, reason.needed);
    case ReasonCode::kAvailability:
      return "is available " + figure(reason.code, reason.needed) + " of the time";
    case ReasonCode::kOverload:
      return "can keep up with the streams";
    case ReasonCode::kResidency:
      return "carries the labels " + joined(spec.where.residency, ", ");
    case ReasonCode::kSiteNotUp:
      return "is up";
    case ReasonCode::kNoPath:
      return "can be reached over links that are up";
    case ReasonCode::kForbidden:
      return "is among the places that the intent allows";
    case ReasonCode::kSteering:
      return "can be reached over the path that routing takes";
    case ReasonCode::kTaint:
      return "has only taints that it tolerates";
    case ReasonCode::kAffinity:
      return "has an instance of " + subject(graph, reason);
    case ReasonCode::kAntiAffinity:
      return "is free of instances of " + subject(graph, reason);
    case ReasonCode::kDataElsewhere:
      return "holds the data set " + subject(graph, reason);
    case ReasonCode::kSpeed:
      return "has a core of at least " + figure(reason.code, reason.needed);
    case ReasonCode::kAcceleratorsLinked:
      return "has an island of " + figure(reason.code, reason.needed) + " free";
    case ReasonCode::kRack:
      return "has a rack with room for " + figure(reason.code, reason.needed);
    default:
      return "fits";
  }
}

// A reason that is of no site but of all together.
std::string whole_text(const Graph& graph, const IntentSpec& spec, const Reason& reason) {
  switch (reason.code) {
    case ReasonCode::kChosen:
      return spec.workload.kind == WorkKind::kJob ? "it is the cheapest place with room" : "it is the cheapest plan that keeps the promise";
    case ReasonCode::kCpu:
    case ReasonCode::kMemory:
    case ReasonCode::kAccelerators:
    case ReasonCode::kAcceleratorShare:
    case ReasonCode::kAcceleratorMemory:
      if (const auto room = instances_with_room(spec, reason)) {
        return "there is room for " + std::to_string(room->first) + " of its " + plural(room->second, "instance") + " at once";
      }
      return "each instance alone has a site, but no choice of sites has room for all of them at once";
    case ReasonCode::kBandwidth:
      return "each stream alone has a way, but the links have no room for all of them at once";
    case ReasonCode::kRack:
      return "each instance alone has a site, but no rack has room for all of them at once";
    case ReasonCode::kResidency:
      return "no site can have all residency labels that the intent or its data asks for";
    case ReasonCode::kIngressDown:
      return "the ingress " + name(graph, reason.ingress) + " is not up";
    default:
      return "";
  }
}

// What somebody could do about it.
std::string change(const Graph& graph, const IntentSpec& spec, const Reason& reason) {
  switch (reason.code) {
    case ReasonCode::kLatency:
      return "It would do with promise.latency of " + latency_text(reason.available) + " instead of " +
             latency_text(reason.needed) + ".";
    case ReasonCode::kCpu:
    case ReasonCode::kMemory:
    case ReasonCode::kAccelerators:
    case ReasonCode::kAcceleratorShare:
    case ReasonCode::kAcceleratorMemory:
      if (!reason.site.valid()) {
        const auto room = instances_with_room(spec, reason);
        return room ? "It would do if there were room for " + std::to_string(room->second - room->first) + " more, or with so many less."
                    : "";
      }
      return reason.needed > reason.available
                 ? "It would do if " + figure(reason.code, reason.needed - reason.available) + " more were " + (spec.workload.best_effort ? "to spare" : "free") + " there."
                 : "";
    case ReasonCode::kBandwidth:
      if (!reason.site.valid()) return "It would do with more room on the links, or less traffic.";
      return "It would do with " + figure(reason.code, std::max<int64_t>(0, reason.needed - reason.available)) +
             " more room on the path, or less traffic.";
    case ReasonCode::kBudget:
      return "It would do with budget.max of " + format_money((reason.available + 999) / 1000 * 1000) + " per hour.";
    case ReasonCode::kForbidden:
      return "It would do without that exclusion in where.";
    case ReasonCode::kResidency:
      return "where.residency, or that of its data, would have to allow it.";
    case ReasonCode::kSpread:
      return "It would do with where.sites of " + std::to_string(reason.available) + ".";
    case ReasonCode::kRegions:
      return "It would do with where.regions of " + std::to_string(reason.available) + ".";
    case ReasonCode::kFailureDomains:
      return "It would do with where.failure_domains of " + std::to_string(reason.available) + ".";
    case ReasonCode::kTaint:
      return "It would do with where.tolerates of " + taints_in_the_way(graph, spec, reason.site) +
             " as well, or without " + (reason.needed == 1 ? "that taint." : "those taints.");
    case ReasonCode::kAffinity:
      return "It would do without " + subject(graph, reason) + " in where.near, or once an instance of it stands there.";
    case ReasonCode::kAntiAffinity:
      return "It would do without " + subject(graph, reason) + " in where.apart_from, or once that has left.";
    case ReasonCode::kDataElsewhere:
      return "It would do without where.at_data, or with a copy of the data there.";
    case ReasonCode::kSpeed:
      return "It would do with where.speed_min of " + format_milli(reason.available) + ".";
    case ReasonCode::kAcceleratorsLinked:
      return reason.available > 1 ? "It would do with " + figure(reason.code, reason.available) + ", or without accelerators_linked."
                                  : "It would do without accelerators_linked.";
    case ReasonCode::kRack:
      if (!reason.site.valid() || reason.available >= reason.needed) return "It would do without where.same_rack.";
      return "It would do if a rack there had room for " + std::to_string(reason.needed - reason.available) +
             " more, or perhaps without where.same_rack.";
    case ReasonCode::kAvailability:
      return "It would do with a lower promise.availability.";
    case ReasonCode::kOverload:
      return "It would do with fewer streams per instance than " + std::to_string(spec.workload.streams_per_instance) +
             ", or more cores for each.";
    case ReasonCode::kSteering:
      return "It would do if the links there could be steered (SRv6).";
    default:
      return "";
  }
}

// Two changes that only together would do; none where somebody knows none for one of them.
std::string both(const std::string& one, const std::string& other) {
  constexpr std::string_view kBegin = "It would do ";
  if (!one.starts_with(kBegin) || !other.starts_with(kBegin)) return "";
  return one.substr(0, one.size() - 1) + " and " + other.substr(kBegin.size());
}

}  // namespace

std::string percent(int64_t value, int64_t base) {
  if (base <= 0) return "much";
  const auto tenths = static_cast<int64_t>((static_cast<__int128>(value) * 1000 + base / 2) / base);
  return format_decimal(tenths, 1) + "%";
}

std::string per_hour_text(Nanocredits nanocredits) {
  return credits_text(nanocredits) + " credits/h";
}

std::string latency_text(int64_t us) {
  if (us < 0) return "-" + latency_text(-us);
  if (us < 1000) return std::to_string(us) + " us";
  if (us < 10'000) return format_decimal((us + 5) / 10, 2) + " ms";
  if (us < 1'000'000) return format_decimal((us + 50) / 100, 1) + " ms";
  return format_decimal((us + 5'000) / 10'000, 2) + " s";
}

std::vector<std::string> hops(const Graph& graph, SiteId from, const std::vector<LinkId>& path) {
  std::vector<std::string> out;
  if (from.index() >= graph.site_count()) return out;
  out.push_back(graph.vertex_name(graph.site(from).vertex));
  for (const LinkId link : path) {
    if (link.index() < graph.link_count()) out.push_back(graph.vertex_name(graph.link(link).to));
  }
  return out;
}

std::string reason_text(const Graph& graph, const IntentSpec& spec, const Reason& reason, Language language) {
  if (language == Language::kChinese) return zh::reason_text(graph, spec, reason);
  if (!reason.site.valid()) {
    if (std::string text = whole_text(graph, spec, reason); !text.empty()) return text;
  }
  const std::string site = reason.site.valid() ? name(graph, reason.site) : "the intent";
  const std::string from = reason.ingress.valid() ? " from " + name(graph, reason.ingress) : "";
  switch (reason.code) {
    case ReasonCode::kNone:
      return site + " fits";
    case ReasonCode::kChosen:
      return site + " was chosen: the cheapest " + (spec.workload.kind == WorkKind::kJob ? "with room" : "that keeps the promise");
    case ReasonCode::kPrice:
      return site + " is feasible" + from + ", but dearer: " + per_hour_text(reason.available) + " against " +
             per_hour_text(reason.needed);
    case ReasonCode::kForbidden:
      return site + " is excluded by the intent's own where";
    case ReasonCode::kResidency:
      return site + " lacks a residency label that the intent or its data asks for";
    case ReasonCode::kSiteNotUp:
      return site + " is not up";
    case ReasonCode::kAccelerators:
      return site + " has " + std::to_string(reason.available) + " of " + accelerators(spec, reason.needed);
    case ReasonCode::kAcceleratorShare:
    case ReasonCode::kAcceleratorMemory:
      return site + " has no accelerator with " + figure_on_device(reason.code, reason.needed) + " free: the most is " +
             figure_on_device(reason.code, reason.available);
    case ReasonCode::kCpu:
    case ReasonCode::kMemory:
      return site + " has " + figure(reason.code, reason.available) + left(spec) + ", of " +
             figure(reason.code, reason.needed) + " needed";
    case ReasonCode::kNoPath:
      return site + " cannot be reached" + from + " over links that are up";
    case ReasonCode::kBandwidth:
      return site + " can be reached" + from + " with only " + figure(reason.code, reason.available) + " of " +
             figure(reason.code, reason.needed) + kept_text(graph, reason);
    case ReasonCode::kLatency:
      return site + " answers" + from + " within " + figure(reason.code, reason.available) + " at best";
    case ReasonCode::kOverload:
      return "an instance at " + site + " cannot keep up with its streams";
    case ReasonCode::kAvailability:
      return site + " reaches an availability of " + figure(reason.code, reason.available) + ", of " +
             figure(reason.code, reason.needed) + " promised";
    case ReasonCode::kBudget:
      return "the cheapest feasible plan costs " + figure(reason.code, reason.available) + ", the budget is " +
             figure(reason.code, reason.needed);
    case ReasonCode::kSpread:
      return "only " + figure(reason.code, reason.available) + " can take a part, and where.sites asks for " +
             std::to_string(reason.needed);
    case ReasonCode::kRegions:
      return "only " + figure(reason.code, reason.available) + " can take a part, and where.regions asks for " +
             std::to_string(reason.needed);
    case ReasonCode::kFailureDomains:
      return "only " + figure(reason.code, reason.available) + " can take a part, and where.failure_domains asks for " +
             std::to_string(reason.needed);
    case ReasonCode::kTaint:
      return site + " has " + (reason.needed == 1 ? "a taint" : "taints") + " that it does not tolerate: " +
             taints_in_the_way(graph, spec, reason.site);
    case ReasonCode::kAffinity:
      return site + " has no instance of " + subject(graph, reason) + ", which it is to be near" + whereabouts(graph, reason);
    case ReasonCode::kAntiAffinity:
      return site + " has " + plural(reason.available, "instance") + " of " + subject(graph, reason) +
             ", from which it is to be apart";
    case ReasonCode::kDataElsewhere:
      return site + " does not hold the data set " + subject(graph, reason) + whereabouts(graph, reason);
    case ReasonCode::kSpeed:
      return site + " has cores of at most " + figure(reason.code, reason.available) + ", of at least " +
             format_milli(reason.needed) + " asked for";
    case ReasonCode::kAcceleratorsLinked:
      return site + " has no island of " + figure(reason.code, reason.needed) + " free: the fullest has " +
             std::to_string(reason.available);
    case ReasonCode::kRack:
      return site + " has no rack with room for " + figure(reason.code, reason.needed) + ": the best has room for " +
             std::to_string(reason.available);
    case ReasonCode::kIngressDown:
      return "the ingress " + (reason.ingress.valid() ? name(graph, reason.ingress) : site) + " is not up";
    case ReasonCode::kSearchBudget:
      return "the search ended before a feasible plan was found; it will be tried again when anything eases";
    case ReasonCode::kSteering:
      return site + " can be reached" + from + " only over links that cannot be steered";
    case ReasonCode::kRestarting:
      return "its runs end again and again, and the next is started after " + latency_text(reason.needed);
    case ReasonCode::kTogether:
      return "a pass over the whole domain chose " + site + ": all together pay " + per_hour_text(reason.needed) + " less";
    case ReasonCode::kConsolidated:
      return "an instance was led to another node of " + site + ", so that what is free there comes together: " +
             per_hour_text(reason.needed) + " more can be used";
    case ReasonCode::kRerouted:
      return "traffic" + from + " was led off a crowded link: the fullest on its way was used to " +
             percent(reason.needed, kPpm) + ", now to " + percent(reason.available, kPpm);
  }
  return site;
}

std::string alternative_text(const Graph& graph, const IntentSpec& spec, const Plan& plan,
                             const Alternative& alternative, Language language) {
  if (language == Language::kChinese) return zh::alternative_text(graph, spec, plan, alternative);
  const Reason& reason = alternative.reason;
  const std::string site = name(graph, reason.site);
  if (reason.code != ReasonCode::kPrice && reason.code != ReasonCode::kCpu) {
    std::string out = reason_text(graph, spec, reason);
    if (reason.code == ReasonCode::kLatency) out += ", of " + latency_text(reason.needed) + " promised";
    return out;
  }
  if (alternative.decision_price == 0 && alternative.path.empty()) return reason_text(graph, spec, reason);
  if (reason.code == ReasonCode::kCpu) {
    if (alternative.decision_price >= plan.decision_price) {
      return site + " would keep the promise too (" + latency_text(alternative.latency_us_predicted) +
             "), dearer, but has no room left beside the rest of the plan";
    }
    return site + " would be cheaper (" + per_hour_text(alternative.decision_price) + " against " +
           per_hour_text(plan.decision_price) + "), but has no room left beside the rest of the plan";
  }
  const Nanocredits more = alternative.decision_price - plan.decision_price;
  std::string out = site + " would keep the promise too (" + latency_text(alternative.latency_us_predicted) + ")";
  if (more == 0) return out + " at the same price; the tie goes to the lower site number";
  out += ", but the plan would weigh " + per_hour_text(alternative.decision_price) + " instead of " +
         per_hour_text(plan.decision_price) + ": " + percent(more, plan.decision_price) + " more";
  const Nanocredits billed = alternative.billed_per_hour - plan.billed_per_hour;
  out += billed == 0  ? ", all of it scarcity and carbon"
         : billed > 0 ? ", of which " + per_hour_text(billed) + " on the bill"
                      : ", although the bill would be " + per_hour_text(-billed) +
                            " lower: scarcity and carbon outweigh it";
  return out;
}

std::vector<std::string> refusal_sentences(const Graph& graph, const IntentSpec& spec, const Refusal& refusal, Language language) {
  if (language == Language::kChinese) return zh::refusal_sentences(graph, spec, refusal);
  std::vector<std::string> out;
  const std::string bound = within(spec);
  for (size_t i = 0, next = 0; i < refusal.reasons.size(); i = next) {
    const Reason& reason = refusal.reasons[i];
    std::string text;
    if (i == 0 && reason.site.valid()) {
      // "No site within 5 ms has 4 free GPUs; nearest is X at 9 ms."
      text = "No site ";
      if (!bound.empty() && reason.code != ReasonCode::kLatency && reason.ingress.valid()) text += bound + " of ";
      else if (reason.ingress.valid()) text += "serving ";
      if (reason.ingress.valid()) text += name(graph, reason.ingress) + " ";
      text += needs(graph, spec, reason) + "; nearest to it: ";
    }
    text += reason_text(graph, spec, reason);
    std::string what = change(graph, spec, reason);
    // All that one site lacks is said at once: only together would the changes do.
    for (next = i + 1;
         next < refusal.reasons.size() && reason.site.valid() && refusal.reasons[next].site == reason.site;
         ++next) {
      const Reason& also = refusal.reasons[next];
      text += ", and " + reason_text(graph, spec, also).substr(name(graph, reason.site).size() + 1);
      what = both(what, change(graph, spec, also));
    }
    text += ".";
    if (!reason.site.valid()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    if (!what.empty()) text += " " + what;
    out.push_back(std::move(text));
  }
  if (out.empty()) out.push_back("No constraint was named.");
  return out;
}

std::string explain_plan(const Graph& graph, const IntentSpec& spec, const Plan& plan, SiteId ingress, Language language) {
  if (language == Language::kChinese) return zh::explain_plan(graph, spec, plan, ingress);
  std::set<SiteId> sites;
  int64_t worst = 0;
  int32_t streams = 0;
  for (const Placement& placement : plan.placements) sites.insert(placement.site);
  for (const Flow& flow : plan.flows) {
    worst = std::max(worst, flow.latency_us_predicted);
    streams += flow.streams;
  }
  std::string out;
  if (of_a_pass(plan.reason.code)) {
    out = reason_text(graph, spec, plan.reason) + ".\n";
    out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  }
  // Work without streams keeps no promise by where it is.
  if (streams == 0 && out.empty()) {
    out = std::string("The cheapest place ") + (plan.quality == Quality::kExact ? "" : "found ") + "with room: " +
          places_text(graph, plan);
  } else {
    out += (out.empty() ? std::string("The cheapest plan ") + (plan.quality == Quality::kExact ? "" : "found ") + "that keeps the promise: "
                      : std::string("The plan keeps the promise: ")) + plural(streams, "stream") + " on " +
           plural(static_cast<int64_t>(plan.placements.size()), "instance") + " at " +
           plural(static_cast<int64_t>(sites.size()), "site");
  }
  out += ", billed " + per_hour_text(plan.billed_per_hour);
  if (spec.budget_per_hour_max != 0) out += " of a budget of " + per_hour_text(spec.budget_per_hour_max);
  out += ".\n";
  if (is_malleable(spec.schedule)) {
    const auto has = static_cast<int32_t>(plan.placements.size());
    out += "It has " + std::to_string(has) + " of " + plural(spec.schedule.instances, "instance") + " and does with " +
           std::to_string(spec.schedule.instances_min) + ": " +
           (has < spec.schedule.instances ? "it is given more when there is room that no job which waits can begin with.\n"
                                          : "those beyond them are given back to jobs that wait.\n");
  }
  if (spec.promise.latency_us_max != 0 && !plan.flows.empty()) {
    out += "At the " + format_percentile(spec.promise.percentile_ppm) + "th percentile the slowest stream answers in " +
           latency_text(worst) + ", of " + latency_text(spec.promise.latency_us_max) + " promised.\n";
  }
  out += "It draws " + format_power(plan.power_mw) + " and causes " + std::to_string(plan.carbon_mg_per_hour) +
         " mg CO2 an hour. " +
         (plan.decision_price == plan.billed_per_hour
              ? "No price of scarcity or carbon weighed in the decision.\n"
              : "Scarcity and carbon weigh " + per_hour_text(plan.decision_price - plan.billed_per_hour) +
                    " beside the bill; they decide and are never billed.\n");
  for (const Group& group : groups_of(graph, plan, ingress)) out += "\n" + group_text(graph, spec, plan, group);
  if (!plan.alternatives.empty()) {
    const SiteId chosen = plan.reason.site;
    out += "\nWhy not elsewhere";
    if (chosen.valid()) {
      out += ", for the instance at " + name(graph, chosen);
      if (plan.reason.ingress.valid()) out += " that serves " + name(graph, plan.reason.ingress);
    }
    out += ":\n";
    for (const Alternative& alternative : plan.alternatives) {
      out += "  - " + alternative_text(graph, spec, plan, alternative) + ".\n";
    }
  }
  return out + "\n" + quality_text(plan) + "\n";
}

std::string explain_refusal(const Graph& graph, const IntentSpec& spec, const Refusal& refusal, Language language) {
  if (language == Language::kChinese) return zh::explain_refusal(graph, spec, refusal);
  std::string out = "No plan satisfies it now.\n";
  for (const std::string& sentence : refusal_sentences(graph, spec, refusal)) out += "  - " + sentence + "\n";
  return out + "It is decided again whenever something eases.\n";
}

}  // namespace weir::gateway
