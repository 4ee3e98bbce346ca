#include "orchestration/path/link_price.h"

namespace weir {
namespace {

// Serialisation of `bits` at `bps`, us, rounded up.
int64_t serialise_us(int64_t bits, int64_t bps) {
  return bits == 0 || bps <= 0 ? 0 : charge(bits, 1'000'000, bps);
}

}  // namespace

StreamDemand stream_demand(const IntentSpec& spec) {
  const Traffic& t = spec.traffic;
  StreamDemand demand{t.up_bps, t.down_bps, 0, 0, spec.prefer.cost_milli};
  if (t.requests_per_second_milli > 0) {
    demand.request_bits = charge(t.up_bps, 1000, t.requests_per_second_milli);
    demand.response_bits = charge(t.down_bps, 1000, t.requests_per_second_milli);
  }
  return demand;
}

Nanocredits hop_price(const Graph& graph, LinkId link, const StreamDemand& demand) {
  const Nanocredits ask = charge(demand.up_bps, graph.link_price(link), kGbpsUnit) +
                          charge(demand.down_bps, graph.link_price(opposite(link)), kGbpsUnit);
  return charge(ask, demand.cost_milli, 1000);
}

Hop hop(const Graph& graph, LinkId link, const StreamDemand& demand, Nanocredits price) {
  const LinkLoad& there = graph.load(link);
  const LinkLoad& home = graph.load(opposite(link));
  Hop hop{price, int64_t{there.latency_us} + there.jitter_us + home.latency_us + home.jitter_us, 0};
  if (demand.request_bits > 0 || demand.response_bits > 0) {
    const int64_t bandwidth_bps = graph.link(link).bandwidth_bps;  // of both directions
    hop.serialisation_us =
        serialise_us(demand.request_bits, bandwidth_bps) + serialise_us(demand.response_bits, bandwidth_bps);
  }
  return hop;
}

Hop hop(const Graph& graph, LinkId link, const StreamDemand& demand) {
  return hop(graph, link, demand, hop_price(graph, link, demand));
}

int64_t hop_latency_us(const Graph& graph, LinkId link, const StreamDemand& demand) {
  const Hop without_price = hop(graph, link, demand, 0);
  return without_price.round_trip_us + without_price.serialisation_us;
}

uint64_t tie_break(LinkId link) {
  uint64_t x = (uint64_t{link.value} / 2 + 1) * 0x9e3779b97f4a7c15;  // splitmix64; 16 bits left for the sum
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return (x ^ (x >> 31)) >> 16;
}

}  // namespace weir
