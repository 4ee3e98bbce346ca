#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "infrastructure/lab/lab.h"

namespace weir::bench {

struct Datagrams {
  std::vector<double> delay_ms;  // one way, by time of arrival
  int64_t sent = 0;
  int64_t reordered = 0;  // arrived after one that was sent later
};
// Sends datagrams of `bytes` from the lab's first site to its second at an even rate. The clock is the
// machine's: both ends read the same one, the receiver's by the kernel's own stamp.
Result<Datagrams> send_datagrams(const lab::Lab& lab, double seconds, int64_t per_second, size_t bytes);

// Goodput of one TCP connection from the first site to the second, its first half second left out; bit/s.
Result<double> stream_bps(const lab::Lab& lab, double seconds);

// CPU time that a process has used, in seconds.
double cpu_seconds(const lab::ProcessName& process);

}  // namespace weir::bench
