#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "core/graph/graph.h"

// What a stream pays for a link and how long it takes. A path is a sequence of duplex links; traffic returns the way it
// came, so one price and one round trip belong to it. The price of a hop is what one stream pays for both
// directions: the asks plus scarcity, weighted by the tenant's preference for cost.
namespace weir {

// What one stream sends.
struct StreamDemand {
  int64_t up_bps = 0;
  int64_t down_bps = 0;
  int64_t request_bits = 0;    // one request upward, one answer downward: what a hop must serialise
  int64_t response_bits = 0;
  int32_t cost_milli = 1000;   // Prefer::cost_milli
  friend bool operator==(const StreamDemand&, const StreamDemand&) = default;
  friend auto operator<=>(const StreamDemand&, const StreamDemand&) = default;
};
StreamDemand stream_demand(const IntentSpec& spec);

struct Hop {
  Nanocredits price = 0;       // decision price per stream and hour
  int64_t round_trip_us = 0;   // propagation and jitter, both ways
  int64_t serialisation_us = 0;
};
Hop hop(const Graph& graph, LinkId link, const StreamDemand& demand);
// Where its price is known.
Hop hop(const Graph& graph, LinkId link, const StreamDemand& demand, Nanocredits price);
// Its parts by themselves.
Nanocredits hop_price(const Graph& graph, LinkId link, const StreamDemand& demand);
int64_t hop_latency_us(const Graph& graph, LinkId link, const StreamDemand& demand);

// Paths of equal price and latency are told apart by the sum of a fixed hash of their duplex links, so that the
// choice does not depend on the order in which a search meets them.
uint64_t tie_break(LinkId link);

}  // namespace weir
