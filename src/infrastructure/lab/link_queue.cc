#include "infrastructure/lab/link_queue.h"

#include <algorithm>

namespace weir::lab {
namespace {

// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
uint64_t mix(uint64_t z) {
  z += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Uniform in [-limit, limit].
int64_t centred(uint64_t bits, int64_t limit) {
  const auto span = static_cast<unsigned __int128>(2 * limit + 1);
  return static_cast<int64_t>(bits * span >> 64) - limit;
}

}  // namespace

Status check(const LinkSettings& s) {
  const auto outside = [](const std::string& what, const std::string& range) {
    return fail(ErrorCode::kInvalid, what + " is not within " + range);
  };
  constexpr int64_t kHourUs = 3'600'000'000;
  if (s.delay_us < 0 || s.delay_us > kHourUs) return outside("the delay", "0 and an hour");
  if (s.jitter_us < 0 || s.jitter_us > s.delay_us) return outside("the jitter", "0 and the delay");
  if (s.loss_ppm < 0 || s.loss_ppm > 1'000'000) return outside("the loss", "0 and 100%");
  if (s.rate_bps < 8000 || s.rate_bps > 10'000'000'000'000) return outside("the rate", "8kbps and 10Tbps");
  if (s.queue_us < 0 || s.queue_us > kHourUs) return outside("the queue", "0 and an hour");
  return {};
}

LinkQueue::LinkQueue(const LinkSettings& settings, uint64_t seed)
    : settings_(settings), seed_(mix(seed)), state_(mix(seed ^ 0x6c6f7373)) {}

uint64_t LinkQueue::draw() {
  state_ += 0x9e3779b97f4a7c15;
  return mix(state_);
}

int64_t LinkQueue::jitter_ns(int64_t at_ns) const {
  const int64_t limit_ns = settings_.jitter_us * 1000;
  if (limit_ns == 0) return 0;
  const int64_t step_ns = 4 * limit_ns;
  const int64_t index = at_ns / step_ns;
  const int64_t here = centred(mix(seed_ ^ static_cast<uint64_t>(index)), limit_ns);
  const int64_t next = centred(mix(seed_ ^ static_cast<uint64_t>(index + 1)), limit_ns);
  return here + static_cast<int64_t>(static_cast<__int128>(next - here) * (at_ns % step_ns) / step_ns);
}

LinkQueue::Verdict LinkQueue::offer(int64_t now_ns, size_t bytes) {
  if (settings_.cut) {
    ++counters_.cut;
    return {Fate::kCut, 0};
  }
  const int64_t start_ns = std::max(now_ns, sender_free_ns_);
  if (start_ns - now_ns > settings_.queue_us * 1000) {
    ++counters_.queue_full;
    return {Fate::kQueueFull, 0};
  }
  const auto bits = static_cast<__int128>(bytes) * 8;
  sender_free_ns_ = start_ns + static_cast<int64_t>(bits * 1'000'000'000 / settings_.rate_bps);
  // What is lost was sent: it takes its time on the line.
  if (static_cast<int64_t>(static_cast<unsigned __int128>(draw()) * 1'000'000 >> 64) < settings_.loss_ppm) {
    ++counters_.lost;
    return {Fate::kLost, 0};
  }
  ++counters_.packets;
  counters_.bytes += bytes;
  const int64_t due_ns = sender_free_ns_ + settings_.delay_us * 1000 + jitter_ns(sender_free_ns_);
  last_due_ns_ = std::max(last_due_ns_, due_ns);
  return {Fate::kForwarded, last_due_ns_};
}

void LinkQueue::withdraw(size_t bytes, Fate why) {
  --counters_.packets;
  counters_.bytes -= bytes;
  ++(why == Fate::kCut ? counters_.cut : why == Fate::kRefused ? counters_.refused : counters_.queue_full);
}

}  // namespace weir::lab
