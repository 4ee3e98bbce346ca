#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <limits>

namespace weir {

// A dense identifier: the row of its kind's columns in the graph, given out in order of joining and never
// reused. Identifiers travel inside events, so that replay gives the same rows.
template <class Tag>
struct Id {
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
  uint32_t value = kNone;

  constexpr Id() = default;
  constexpr explicit Id(uint32_t v) : value(v) {}
  constexpr explicit Id(size_t v) : value(static_cast<uint32_t>(v)) {}
  constexpr bool valid() const { return value != kNone; }
  constexpr size_t index() const { return value; }
  friend constexpr auto operator<=>(Id, Id) = default;
};

using SiteId = Id<struct SiteTag>;      // a place that runs work; also a vertex of the network
using NodeId = Id<struct NodeTag>;      // a machine of a site
using VertexId = Id<struct VertexTag>;  // a router or a site's attachment point
using LinkId = Id<struct LinkTag>;      // one direction of a link between two vertices
using TenantId = Id<struct TenantTag>;
using IntentId = Id<struct IntentTag>;
using DatasetId = Id<struct DatasetTag>;
using QueueId = Id<struct QueueTag>;      // where jobs wait for their turn
using ReservationId = Id<struct ReservationTag>;  // room kept free for a window of time
using WorkflowId = Id<struct WorkflowTag>;

// Position of an event in the ledger; the first event is number 0. A graph that holds the first n events
// has version n.
using Position = uint64_t;
inline constexpr Position kNoPosition = std::numeric_limits<Position>::max();

// One attempt of one instance: the position of the PlanCommitted that asked for it, and the placement's
// index in that plan. The pair is the idempotency key of every act on the run.
struct RunId {
  Position plan = kNoPosition;
  uint32_t item = 0;
  constexpr bool valid() const { return plan != kNoPosition; }
  friend constexpr auto operator<=>(RunId, RunId) = default;
};

}  // namespace weir

template <class Tag>
struct std::hash<weir::Id<Tag>> {
  size_t operator()(weir::Id<Tag> id) const noexcept { return std::hash<uint32_t>{}(id.value); }
};
