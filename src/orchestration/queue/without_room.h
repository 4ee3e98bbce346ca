#pragma once

#include "core/graph/graph.h"

namespace weir::queue {

// The reservation that the job names, where no room is kept for it: it keeps bandwidth alone, was cancelled, or is over. Its jobs
// wait for room as others do, and begin only in its window. Null: the job names none of the kind.
inline const Graph::ReservationRow* without_room(const Graph& head, const IntentRow& row) {
  const std::string& name = row.spec->schedule.reservation;
  if (name.empty()) return nullptr;
  const ReservationId in = head.find_reservation(row.tenant, name);
  if (!in.valid()) return nullptr;
  const Graph::ReservationRow& known = head.reservation(in);
  return known.cancelled || known.spec.to <= head.now() || known.spec.amount == Quota{} ? &known : nullptr;
}

inline bool is_open(const Graph::ReservationRow& row, TimeUs now) {
  return !row.cancelled && row.spec.from <= now && now < row.spec.to;
}

}  // namespace weir::queue
