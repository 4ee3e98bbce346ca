#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ports/understanding.h"

namespace weir::language {

// Numbers are exact, in millionths: what is finer is cut off, what is over the largest is none.
inline constexpr int64_t kMicro = 1'000'000;
inline constexpr int64_t kNumberMax = 1'000'000'000'000 * kMicro;  // 1e18: a trillion

struct Number {
  int64_t micro = 0;
  size_t end = 0;        // the character behind it
  bool article = false;  // "half a", "a dozen": stands before what it counts
};

// The number that begins at a character of a folded text: digits ("1,200.5", "1.2万", "12k"), Chinese numerals (一万二, 两百, 半,
// 三点五) or English words ("a hundred and fifty", "half an", "three point five"). A 点 after `clock` is no decimal point.
std::optional<Number> read_number(std::u32string_view text, size_t begin, bool clock = false);

// The number in words, so that read_number reads the same. 0 <= whole <= a trillion.
std::string write_number(int64_t whole, Language language);

}  // namespace weir::language
