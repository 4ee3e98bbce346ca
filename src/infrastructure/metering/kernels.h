#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace weir::metering {

// A fixed piece of work. run() returns a value that depends on all of it, so that no compiler leaves any out.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual uint64_t run() = 0;
  // Of one run(): operations, or bytes.
  virtual uint64_t operations() const = 0;
  virtual std::string variant() const = 0;
};

// 64-bit integer work as hashing does it: four chains of multiply, rotate, xor and add, dependent within each
// and independent of one another; multiply, rotate, xor, add count one operation each.
class IntegerKernel : public Kernel {
 public:
  uint64_t run() override;
  uint64_t operations() const override;
  std::string variant() const override { return "4 chains, 64 bit"; }

 private:
  uint64_t state_ = 0x9e3779b97f4a7c15;
};

// Independent chains of fused multiply-add in registers, of the widest instructions that this processor has;
// each counts two operations per element.
class FloatKernel : public Kernel {
 public:
  explicit FloatKernel(bool doubles);
  uint64_t run() override;
  uint64_t operations() const override;
  std::string variant() const override;

 private:
  using Function = uint64_t (*)(uint64_t steps);
  Function function_;
  uint32_t lanes_;  // elements per step, all chains together
  const char* name_;
};

// a[i] = b[i] + s · c[i] over arrays larger than the caches (McCalpin's STREAM triad); counts the 24 bytes
// per element that the program reads and writes, not the lines that the cache fetches in order to write. One
// run() covers a part of the arrays, the next goes on from there.
class TriadKernel : public Kernel {
 public:
  explicit TriadKernel(uint64_t bytes);
  ~TriadKernel() override;
  TriadKernel(const TriadKernel&) = delete;
  TriadKernel& operator=(const TriadKernel&) = delete;
  uint64_t run() override;
  uint64_t operations() const override;
  std::string variant() const override;

 private:
  size_t elements_;
  size_t at_ = 0;
  double* arrays_;  // a, b, c
};

}  // namespace weir::metering
