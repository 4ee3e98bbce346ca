#include "infrastructure/metering/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include <algorithm>
#include <bit>
#include <cmath>

namespace weir::metering {
namespace {

// Each run() takes well under a millisecond on any machine of this century, so that clocks are read often
// enough to see a quota.
constexpr uint64_t kIntegerSteps = 50'000;
constexpr uint64_t kFloatSteps = 20'000;
constexpr size_t kTriadElements = 16'384;

// Chains: enough to hide the latency (4 to 5 cycles) of two units per cycle.
constexpr int kChains = 10;

// acc = acc · m + a converges, so no value overflows or becomes denormal.
#if !defined(__x86_64__)
template <class Vector, class Splat, class Fma, class Sum>
[[gnu::always_inline]] inline uint64_t chains(uint64_t steps, Splat splat, Fma fma, Sum sum) {
  Vector acc[kChains];
  for (int i = 0; i < kChains; ++i) acc[i] = splat(1.0 + i);
  const Vector m = splat(0.999);
  const Vector a = splat(0.001);
  for (uint64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 10
    for (int i = 0; i < kChains; ++i) acc[i] = fma(acc[i], m, a);
  }
  double total = 0;
  for (int i = 0; i < kChains; ++i) total += sum(acc[i]);
  return std::bit_cast<uint64_t>(total);
}
#endif

#if defined(__x86_64__)

// Macros, since a lambda does not inherit its function's target.
#define WEIR_FMA_KERNEL(NAME, TARGET, VECTOR, SCALAR, SPLAT, FMA)                 \
  __attribute__((target(TARGET))) uint64_t NAME(uint64_t steps) {                 \
    VECTOR acc[kChains];                                                          \
    for (int i = 0; i < kChains; ++i) acc[i] = SPLAT(static_cast<SCALAR>(1 + i)); \
    const VECTOR m = SPLAT(static_cast<SCALAR>(0.999));                           \
    const VECTOR a = SPLAT(static_cast<SCALAR>(0.001));                           \
    for (uint64_t step = 0; step < steps; ++step) {                               \
      _Pragma("GCC unroll 10") for (int i = 0; i < kChains; ++i) acc[i] = FMA;    \
    }                                                                             \
    double total = 0;                                                             \
    for (int i = 0; i < kChains; ++i) total += static_cast<double>(acc[i][0]);    \
    return std::bit_cast<uint64_t>(total);                                        \
  }

WEIR_FMA_KERNEL(fp64_avx512, "avx512f", __m512d, double, _mm512_set1_pd, _mm512_fmadd_pd(acc[i], m, a))
WEIR_FMA_KERNEL(fp32_avx512, "avx512f", __m512, float, _mm512_set1_ps, _mm512_fmadd_ps(acc[i], m, a))
WEIR_FMA_KERNEL(fp64_avx2, "avx2,fma", __m256d, double, _mm256_set1_pd, _mm256_fmadd_pd(acc[i], m, a))
WEIR_FMA_KERNEL(fp32_avx2, "avx2,fma", __m256, float, _mm256_set1_ps, _mm256_fmadd_ps(acc[i], m, a))
WEIR_FMA_KERNEL(fp64_sse2, "sse2", __m128d, double, _mm_set1_pd, _mm_add_pd(_mm_mul_pd(acc[i], m), a))
WEIR_FMA_KERNEL(fp32_sse2, "sse2", __m128, float, _mm_set1_ps, _mm_add_ps(_mm_mul_ps(acc[i], m), a))

#undef WEIR_FMA_KERNEL

#elif defined(__aarch64__)

uint64_t fp64_neon(uint64_t steps) {
  return chains<float64x2_t>(
      steps, [](double v) { return vdupq_n_f64(v); },
      [](float64x2_t acc, float64x2_t m, float64x2_t a) { return vfmaq_f64(a, acc, m); },
      [](float64x2_t v) { return vaddvq_f64(v); });
}
uint64_t fp32_neon(uint64_t steps) {
  return chains<float32x4_t>(
      steps, [](double v) { return vdupq_n_f32(static_cast<float>(v)); },
      [](float32x4_t acc, float32x4_t m, float32x4_t a) { return vfmaq_f32(a, acc, m); },
      [](float32x4_t v) { return static_cast<double>(vaddvq_f32(v)); });
}

#endif

#if !defined(__x86_64__)
template <class Float>
uint64_t scalar(uint64_t steps) {
  return chains<Float>(
      steps, [](double v) { return static_cast<Float>(v); },
      [](Float acc, Float m, Float a) { return acc * m + a; },
      [](Float v) { return static_cast<double>(v); });
}
#endif

}  // namespace

uint64_t IntegerKernel::run() {
  uint64_t a = state_;
  uint64_t b = state_ ^ 0xbf58476d1ce4e5b9;
  uint64_t c = state_ ^ 0x94d049bb133111eb;
  uint64_t d = state_ ^ 0x2545f4914f6cdd1d;
  const auto mix = [](uint64_t x, uint64_t step) {
    return (std::rotl(x * 0xff51afd7ed558ccd, 31) ^ step) + 0xc4ceb9fe1a85ec53;
  };
  for (uint64_t step = 0; step < kIntegerSteps; ++step) {
    a = mix(a, step);
    b = mix(b, step);
    c = mix(c, step);
    d = mix(d, step);
  }
  state_ = a ^ b ^ c ^ d;
  return state_;
}

uint64_t IntegerKernel::operations() const { return kIntegerSteps * 4 * 4; }

FloatKernel::FloatKernel(bool doubles) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    function_ = doubles ? fp64_avx512 : fp32_avx512;
    lanes_ = doubles ? 8 : 16;
    name_ = "avx512f";
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    function_ = doubles ? fp64_avx2 : fp32_avx2;
    lanes_ = doubles ? 4 : 8;
    name_ = "avx2+fma";
  } else {
    function_ = doubles ? fp64_sse2 : fp32_sse2;
    lanes_ = doubles ? 2 : 4;
    name_ = "sse2";
  }
#elif defined(__aarch64__)
  function_ = doubles ? fp64_neon : fp32_neon;
  lanes_ = doubles ? 2 : 4;
  name_ = "neon";
#else
  function_ = doubles ? scalar<double> : scalar<float>;
  lanes_ = 1;
  name_ = "scalar";
#endif
  lanes_ *= kChains;
}

uint64_t FloatKernel::run() { return function_(kFloatSteps); }
uint64_t FloatKernel::operations() const { return kFloatSteps * lanes_ * 2; }
std::string FloatKernel::variant() const { return name_; }

TriadKernel::TriadKernel(uint64_t bytes)
    : elements_(std::max<size_t>(bytes / 3 / sizeof(double) / kTriadElements, 1) * kTriadElements),
      arrays_(new double[elements_ * 3]) {
  // Touched before it is timed.
  std::fill(arrays_, arrays_ + elements_ * 3, 1.0);
}

TriadKernel::~TriadKernel() { delete[] arrays_; }

uint64_t TriadKernel::run() {
  double* __restrict a = arrays_ + at_;
  const double* __restrict b = arrays_ + elements_ + at_;
  const double* __restrict c = arrays_ + 2 * elements_ + at_;
  for (size_t i = 0; i < kTriadElements; ++i) a[i] = b[i] + 3.0 * c[i];
  at_ = (at_ + kTriadElements) % elements_;
  return std::bit_cast<uint64_t>(a[kTriadElements / 2]);
}

uint64_t TriadKernel::operations() const { return kTriadElements * 3 * sizeof(double); }

std::string TriadKernel::variant() const {
  return "3 x " + std::to_string(elements_ * sizeof(double) >> 20) + " MiB";
}

}  // namespace weir::metering
