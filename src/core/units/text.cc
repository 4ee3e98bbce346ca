#include "core/units/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace weir {
namespace {

constexpr size_t kWordBytesMax = 64;

// Length of the well-formed character at the front, 0 if there is none. RFC 3629, section 4.
size_t character_length(const unsigned char* p, size_t n) {
  auto tail = [&](size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < n && p[i] >= low && p[i] <= high;
  };
  const unsigned first = p[0];
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (first < 0xE0) return tail(1) ? 2 : 0;
  if (first < 0xF0) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return tail(1, low, high) && tail(2) ? 3 : 0;
  }
  if (first < 0xF5) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return tail(1, low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

size_t distance(std::string_view a, std::string_view b) {
  std::array<std::array<uint8_t, kWordBytesMax + 1>, 3> rows{};
  auto* before = &rows[0];
  auto* above = &rows[1];
  auto* row = &rows[2];
  for (size_t j = 0; j <= b.size(); ++j) (*above)[j] = static_cast<uint8_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    (*row)[0] = static_cast<uint8_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      unsigned best = std::min((*above)[j], (*row)[j - 1]) + 1u;
      best = std::min(best, (*above)[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = std::min(best, (*before)[j - 2] + 1u);
      (*row)[j] = static_cast<uint8_t>(best);
    }
    auto* oldest = before;
    before = above;
    above = row;
    row = oldest;
  }
  return (*above)[b.size()];
}

}  // namespace

bool valid_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  size_t n = text.size();
  while (n >= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    if (word & 0x8080808080808080u) break;
    p += 8;
    n -= 8;
  }
  while (n > 0) {
    const size_t length = character_length(p, n);
    if (length == 0) return false;
    p += length;
    n -= length;
  }
  return true;
}

std::string clip_utf8(std::string_view text, size_t bytes_max) {
  std::string out;
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  for (size_t at = 0; at < text.size();) {
    const size_t length = character_length(p + at, text.size() - at);
    if (out.size() + std::max<size_t>(length, 1) > bytes_max) break;
    if (length == 0) {
      out += '?';
      ++at;
    } else {
      out.append(text.substr(at, length));
      at += length;
    }
  }
  return out;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  size_t best_distance = kWordBytesMax;
  if (word.empty() || word.size() > kWordBytesMax) return best;
  for (std::string_view candidate : candidates) {
    if (candidate.empty() || candidate.size() > kWordBytesMax) continue;
    const size_t d = distance(word, candidate);
    if (d < best_distance && d <= std::max<size_t>(1, std::max(word.size(), candidate.size()) / 3)) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

}  // namespace weir
