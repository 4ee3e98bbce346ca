#pragma once

#include <cstdint>
#include <optional>

#include "core/event/types.h"

namespace weir {

// Time that one request spends at an instance, at a percentile.
struct ServiceTime {
  int64_t work_us = 0;      // on the reserved share of a core of this speed
  int64_t queueing_us = 0;  // waiting behind requests of other streams
};

// An instance that carries `streams` streams of periodic requests is a multiplexer of constant-rate sources:
// the N*D/D/1 queue. Its tail in units of one service time is P(wait > x) = exp(-2x(x/N + 1 - load)) (Roberts,
// Mocci, Virtamo: Broadband Network Teletraffic, COST 242 final report, 1996, part III), and never more than
// N - 1 services. A share of less than one core stretches the work: the kernel's quota lets a request use
// its share only.
//
// nullopt: the instance cannot keep up (load > 95%). Without requests everything is zero.
// `percentile_ppm` in (0, 1e6); `speed_milli` >= 1.
std::optional<ServiceTime> service_time(const Workload& workload, const Traffic& traffic, int32_t percentile_ppm,
                                        int32_t speed_milli, int32_t streams);

}  // namespace weir
