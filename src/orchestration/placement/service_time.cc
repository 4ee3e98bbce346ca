#include "orchestration/placement/service_time.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/price/price.h"

namespace weir {
namespace {

constexpr int64_t kLoadMaxPpm = 950'000;

// 1e6 * ln(1 / (1 - p)) for the percentiles that a promise can name; others take the next higher.
constexpr std::array<std::pair<int32_t, int64_t>, 9> kTail = {{{500'000, 693'147},
                                                              {750'000, 1'386'294},
                                                              {900'000, 2'302'585},
                                                              {950'000, 2'995'732},
                                                              {990'000, 4'605'170},
                                                              {995'000, 5'298'317},
                                                              {999'000, 6'907'755},
                                                              {999'900, 9'210'340},
                                                              {999'999, 13'815'511}}};

int64_t tail_ppm(int32_t percentile_ppm) {
  for (const auto& [percentile, value] : kTail) {
    if (percentile_ppm <= percentile) return value;
  }
  return kTail.back().second;
}

// Largest r with r * r <= value.
int64_t square_root(__int128 value) {
  int64_t low = 0, high = int64_t{1} << 40;
  while (low < high) {
    const int64_t mid = low + (high - low + 1) / 2;
    if (static_cast<__int128>(mid) * mid <= value) {
      low = mid;
    } else {
      high = mid - 1;
    }
  }
  return low;
}

}  // namespace

std::optional<ServiceTime> service_time(const Workload& workload, const Traffic& traffic, int32_t percentile_ppm,
                                        int32_t speed_milli, int32_t streams) {
  if (traffic.work_us_per_request == 0 || traffic.requests_per_second_milli == 0 || streams == 0) return ServiceTime{};
  const int64_t core_us = charge(traffic.work_us_per_request, 1000, std::max(1, speed_milli));
  // A request runs on one core, or on the share of it that is reserved.
  const int64_t share_milli = std::clamp<int64_t>(workload.cpu_milli, 1, 1000);
  const int64_t service_us = charge(core_us, 1000, share_milli);
  // Work offered per second against work that can be done: requests/s * seconds of core, over cores.
  const __int128 offered = static_cast<__int128>(streams) * traffic.requests_per_second_milli * core_us;  // 1e-9 cores
  const int64_t load_ppm = static_cast<int64_t>(
      std::min<__int128>(offered / std::max(1, workload.cpu_milli), 2 * kPpm));
  if (load_ppm > kLoadMaxPpm) return std::nullopt;

  // x = N/2 * (sqrt((1 - load)^2 + 2L/N) - (1 - load)), in ppm of a service time.
  const int64_t idle = kPpm - load_ppm;
  const __int128 inside = static_cast<__int128>(idle) * idle +
                          static_cast<__int128>(2) * tail_ppm(percentile_ppm) * kPpm / streams;
  const int64_t x_ppm = (square_root(inside) - idle) * streams / 2;
  const int64_t waiting = std::min<int64_t>(x_ppm, (streams - 1) * kPpm);
  return ServiceTime{service_us, charge(service_us, waiting, kPpm)};
}

}  // namespace weir
