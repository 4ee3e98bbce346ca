#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "orchestration/path/path_search.h"

namespace weir {

class PlanCache;

// The cheapest sites for one stream of one kind of wish from one ingress, with the paths there, kept from decision to
// decision. While nothing becomes cheaper anywhere (Graph::relief()), what was found dear stays so: a decision looks again only
// at those of which a price changed, and needs no other site where the cheapest of all others was dearer than what it finds.
// It only saves work: what it finds is what Candidates and the solver find.
class ShortLists {
 public:
  // Has the wish a list, if it asks for nothing else that has to hold: one stream, one instance, no accelerators, no places,
  // nothing of requests or of availability? Of it everything else is in the key.
  static bool serves(const Graph& graph, const IntentSpec& spec, const FlowTerm& term);

  // The plan, with so many runners-up; none: the list says nothing, because the memory has no list yet, it is too short, or
  // nothing is feasible. Requires serves(), and an ingress that is up or draining. `residency`: what the wish demands.
  std::optional<Plan> decide(const Graph& graph, IntentId intent, const IntentSpec& spec, uint64_t residency,
                             size_t alternatives, PlanCache& cache);

 private:
  struct Key {
    SiteId from;
    StreamDemand demand;
    int32_t cpu_milli, memory_mib, speed_milli_min, carbon_milli;
    WorkKind kind;
    uint64_t residency;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    size_t operator()(const Key& key) const;
  };
  // A path as of Graph::repricings().
  struct Known {
    PathOption path;
    uint64_t seen = 0;
    bool roomy = false;                    // while no link of it is repriced it has room for a stream
  };
  // The path that shares no link with the other, and what both offer.
  struct Spare {
    bool looked_for = false, exists = false;
    Known way;
    int32_t site_availability_ppm = 0;     // as of which `way_ppm` is
    int64_t way_ppm = 0;
  };
  struct Site {
    SiteId site;
    NodeId node;                           // where there was room last
    bool looked_at = false;                // else only the bound is known
    bool reached = false;                  // a path leads there
    Nanocredits instance = 0, instance_billed = 0, path_billed = 0;
    uint64_t seen = 0;                     // Graph::repricings() of `instance` and `node`
    int64_t fastest_us = 0;
    Known way;                             // the cheapest, however slow
    Spare spare;
  };
  struct Rank {
    Nanocredits least;                     // no instance costs less there with its path; looked at: that is the price
    uint32_t at;                           // in sites
  };
  struct List {
    uint64_t relief = 0;                   // as of the last look
    bool made = false;
    size_t length = 0;
    std::vector<Site> sites;
    std::vector<Rank> order;
    Nanocredits beyond = 0;                // no site that is not here costs less
    bool complete = false;                 // there is no other
  };
  class Look;

  void follow(const Graph& graph);
  bool changed(const Known& known) const;

  static constexpr size_t kSitesMax = 200'000;  // of all lists
  static constexpr size_t kLengthFirst = 8, kLengthMax = 96;
  std::unordered_map<Key, List, Hash> lists_;   // looked up only
  size_t sites_held_ = 0;
  uint64_t described_ = 0, routing_ = 0, seen_ = 0;
  Position version_ = 0;
  std::vector<uint64_t> link_seen_;        // by duplex link: Graph::repricings() after it was repriced last
  std::vector<uint64_t> site_seen_;
};

}  // namespace weir
