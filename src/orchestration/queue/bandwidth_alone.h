#pragma once

#include "core/graph/graph.h"

namespace weir::queue {

// The reservation that the job names, where that keeps bandwidth and no room: its jobs wait for room as others do, but only
// for room at its site, and begin only in its window. Null: the job names none of the kind. O(1) for a job that names none.
inline const Graph::ReservationRow* bandwidth_alone(const Graph& head, const IntentRow& row) {
  const std::string& name = row.spec->schedule.reservation;
  if (name.empty()) return nullptr;
  const ReservationId in = head.find_reservation(row.tenant, name);
  if (!in.valid() || !head.reservation(in).spec.ingress.valid() || head.reservation(in).spec.amount != Quota{}) return nullptr;
  return &head.reservation(in);
}

inline bool is_open(const Graph::ReservationRow& row, TimeUs now) {
  return !row.cancelled && row.spec.from <= now && now < row.spec.to;
}

}  // namespace weir::queue
