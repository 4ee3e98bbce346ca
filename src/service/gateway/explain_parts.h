#pragma once

// Private to this folder: what explanations say, in no language.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/graph/graph.h"

namespace weir::gateway {

std::string joined(const std::vector<std::string>& parts, std::string_view between);

bool of_a_pass(ReasonCode code);

// "0.1234": rounded to a millionth of a credit.
std::string credits_text(Nanocredits nanocredits);

// A link that is short of room because reservations keep it, and until when; none: it is not so, or not any more.
struct KeptLink {
  LinkId link;
  int64_t kept_bps = 0;
  TimeUs until = 0;
};
std::optional<KeptLink> kept_link(const Graph& graph, const Reason& reason);

// Flows of one ingress to one site over one path are told together.
struct Group {
  SiteId ingress;
  std::vector<std::string> way;
  std::set<uint32_t> placements;
  const Flow* worst = nullptr;
  int32_t streams = 0;
  Nanocredits path = 0;
};
// Only those of `only`, if it is valid.
std::vector<Group> groups_of(const Graph& graph, const Plan& plan, SiteId only);
// What its instances cost by the hour.
Nanocredits compute_per_hour(const Plan& plan, const Group& group);

// Instances by site and node.
std::map<std::pair<SiteId, NodeId>, int64_t> places_of(const Plan& plan);

// Sites where the intent or data set stands that a reason is about.
std::set<SiteId> whereabouts_of(const Graph& graph, const Reason& reason);

// Taints of the site that the intent does not tolerate.
std::string taints_in_the_way(const Graph& graph, const IntentSpec& spec, SiteId site);

// Of what is short for all instances together, though each alone has a site: how many there is room for, and how many there are.
// None: that is not known.
std::optional<std::pair<int64_t, int64_t>> instances_with_room(const IntentSpec& spec, const Reason& reason);

}  // namespace weir::gateway
