#pragma once

#include "core/graph/graph.h"
#include "core/result/result.h"

namespace weir {

// Turns a proposal into the body of an event for this graph: gives out identifiers of new things and checks
// what only the newest state can tell. Pure.
//
// kInvalid, kNotFound, kConflict: it can never or not now become an event. `changes` is false when it is
// right but the graph is already so; then nothing is to be written.
struct Admission {
  EventBody body;
  bool changes = true;
};
Result<Admission> admit(const Graph& head, const EventBody& proposal, TimeUs now);

}  // namespace weir
