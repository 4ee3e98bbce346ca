#include "infrastructure/runtime/system_clock.h"

#include <chrono>

namespace weir::runtime {
namespace {

template <class C>
TimeUs since_epoch() {
  return std::chrono::duration_cast<std::chrono::microseconds>(C::now().time_since_epoch()).count();
}

}  // namespace

TimeUs SystemClock::wall_us() { return since_epoch<std::chrono::system_clock>(); }
TimeUs SystemClock::steady_us() { return since_epoch<std::chrono::steady_clock>(); }

}  // namespace weir::runtime
