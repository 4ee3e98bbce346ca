#include "bench/packing/go_random.h"

#include <algorithm>
#include <vector>

namespace weir::bench {
namespace {

constexpr int32_t kInt32Max = 2'147'483'647;

// x · 48271 mod (2^31 − 1)
int32_t next_seed(int32_t x) { return static_cast<int32_t>(int64_t{x} * 48'271 % kInt32Max); }

// Three draws for each word, after 20 that are dropped.
template <size_t N>
void fill(std::array<uint64_t, N>& words, int32_t x, int shift) {
  for (int i = 0; i < 20; ++i) x = next_seed(x);
  for (uint64_t& word : words) {
    x = next_seed(x);
    word = static_cast<uint64_t>(x) << (2 * shift);
    x = next_seed(x);
    word ^= static_cast<uint64_t>(x) << shift;
    x = next_seed(x);
    word ^= static_cast<uint64_t>(x);
  }
}

}  // namespace

// The state after 7.8·10^12 steps, by squaring x^n modulo x^607 = x^334 + 1 over the integers mod 2^64.
const std::array<uint64_t, GoRandom::kLength>& GoRandom::mixed_in() {
  static const std::array<uint64_t, kLength> result = [] {
    constexpr size_t kL = kLength;
    std::array<uint64_t, kL> first{};
    fill(first, 1, 10);
    // u[k], the sequence from the word that is replaced first on; word n of the state is replaced by step 333
    // − n.
    std::vector<uint64_t> u(2 * kL);
    for (size_t k = 0; k < kL; ++k) u[k] = first[(333 + kL - k) % kL];
    for (size_t k = kL; k < u.size(); ++k) u[k] = u[k - kL] + u[k - kTap];
    using Polynomial = std::vector<uint64_t>;
    const auto times = [](const Polynomial& a, const Polynomial& b) {
      Polynomial product(2 * kL, 0);
      for (size_t i = 0; i < kL; ++i) {
        for (size_t k = 0; k < kL; ++k) product[i + k] += a[i] * b[k];
      }
      for (size_t k = 2 * kL - 1; k >= kL; --k) {
        product[k - kL] += product[k];
        product[k - kTap] += product[k];
      }
      product.resize(kL);
      return product;
    };
    constexpr uint64_t kSteps = 7'800'000'000'000;
    Polynomial power(kL, 0), x(kL, 0);
    power[0] = 1;
    x[1] = 1;
    for (uint64_t n = kSteps; n > 0; n >>= 1) {
      if ((n & 1) != 0) power = times(power, x);
      x = times(x, x);
    }
    std::array<uint64_t, kL> state{};
    for (size_t k = 0; k < kL; ++k) {
      uint64_t sum = 0;
      for (size_t i = 0; i < kL; ++i) sum += power[i] * u[i + k];
      const auto step = static_cast<size_t>((kSteps + k) % kL);
      state[(333 + kL - step) % kL] = sum;
    }
    return state;
  }();
  return result;
}

GoRandom::GoRandom(int64_t seed) {
  seed %= kInt32Max;
  if (seed < 0) seed += kInt32Max;
  if (seed == 0) seed = 89'482'311;
  fill(state_, static_cast<int32_t>(seed), 20);
  const auto& mixed = mixed_in();
  for (size_t i = 0; i < state_.size(); ++i) state_[i] ^= mixed[i];
}

int64_t GoRandom::int63() {
  if (--tap_ < 0) tap_ += kLength;
  if (--feed_ < 0) feed_ += kLength;
  uint64_t& word = state_[static_cast<size_t>(feed_)];
  word += state_[static_cast<size_t>(tap_)];
  return static_cast<int64_t>(word & ((uint64_t{1} << 63) - 1));
}

int32_t GoRandom::intn(int32_t below) {
  const auto draw = [&] { return static_cast<int32_t>(int63() >> 32); };
  if ((below & (below - 1)) == 0) return draw() & (below - 1);
  const auto most =
      static_cast<int32_t>((uint32_t{1} << 31) - 1 - (uint32_t{1} << 31) % static_cast<uint32_t>(below));
  int32_t value = draw();
  while (value > most) value = draw();
  return value % below;
}

// Lemire, "Fast random integer generation in an interval", ACM TOMACS 2019.
int32_t GoRandom::shuffle_draw(int32_t below) {
  const auto n = static_cast<uint32_t>(below);
  const auto draw = [&] { return static_cast<uint64_t>(static_cast<uint32_t>(int63() >> 31)) * n; };
  uint64_t product = draw();
  if (static_cast<uint32_t>(product) < n) {
    const uint32_t threshold = (0 - n) % n;
    while (static_cast<uint32_t>(product) < threshold) product = draw();
  }
  return static_cast<int32_t>(product >> 32);
}

}  // namespace weir::bench
