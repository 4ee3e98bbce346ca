#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/ports/ip_address.h"

// Which addresses are anybody's, and which lead into somebody's own network or machine.
namespace weir {

// An IPv4 address as the IPv6 address that stands for it (RFC 4291, section 2.5.5.2).
constexpr Ipv6Address mapped(const std::array<uint8_t, 4>& ipv4) {
  Ipv6Address out;
  out.bytes[10] = out.bytes[11] = 0xff;
  for (size_t i = 0; i < 4; ++i) out.bytes[12 + i] = ipv4[i];
  return out;
}

// Four decimal numbers, "192.0.2.1"; nothing else that resolvers take for an address.
constexpr std::optional<std::array<uint8_t, 4>> parse_ipv4(std::string_view text) {
  std::array<uint8_t, 4> out{};
  for (size_t i = 0; i < 4; ++i) {
    unsigned value = 0;
    size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
      if (digits == 3 || (digits > 0 && value == 0)) return std::nullopt;
      value = value * 10 + static_cast<unsigned>(text[digits] - '0');
    }
    if (digits == 0 || value > 255) return std::nullopt;
    out[i] = static_cast<uint8_t>(value);
    text.remove_prefix(digits);
    if (i == 3) break;
    if (text.empty() || text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  if (!text.empty()) return std::nullopt;
  return out;
}

// Whether the address is reachable by all: in none of the blocks that IANA's special-purpose registries (RFC 6890) keep for one
// machine, one link, one network, several listeners or nobody. An IPv4 address inside an IPv6 one counts as itself.
constexpr bool is_public(const Ipv6Address& address) {
  struct Block4 {
    std::array<uint8_t, 4> base;
    uint8_t length;
  };
  constexpr Block4 kKept4[] = {{{0, 0, 0, 0}, 8},      {{10, 0, 0, 0}, 8},     {{100, 64, 0, 0}, 10},  {{127, 0, 0, 0}, 8},
                               {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12},  {{192, 0, 0, 0}, 24},   {{192, 0, 2, 0}, 24},
                               {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15},  {{198, 51, 100, 0}, 24}, {{203, 0, 113, 0}, 24},
                               {{224, 0, 0, 0}, 4},    {{240, 0, 0, 0}, 4}};
  const auto public4 = [&kKept4](const Ipv6Address& mapped_one) {
    for (const Block4& block : kKept4) {
      if (Ipv6Prefix{mapped(block.base), static_cast<uint8_t>(96 + block.length)}.contains(mapped_one)) return false;
    }
    return true;
  };
  const auto inside = [&address](size_t at) {
    return mapped({address.bytes[at], address.bytes[at + 1], address.bytes[at + 2], address.bytes[at + 3]});
  };
  if (Ipv6Prefix{mapped({0, 0, 0, 0}), 96}.contains(address)) return public4(address);
  if (Ipv6Prefix{Ipv6Address::of({0x64, 0xff9b, 0, 0, 0, 0, 0, 0}), 96}.contains(address)) return public4(inside(12));  // NAT64
  if (Ipv6Prefix{Ipv6Address::of({0x2002, 0, 0, 0, 0, 0, 0, 0}), 16}.contains(address)) return public4(inside(2));      // 6to4
  if (Ipv6Prefix{Ipv6Address::of({0x2001, 0, 0, 0, 0, 0, 0, 0}), 23}.contains(address)) return false;  // Teredo, benchmarks, ORCHID
  if (Ipv6Prefix{Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 0}), 32}.contains(address)) return false;
  return Ipv6Prefix{Ipv6Address::of({0x2000, 0, 0, 0, 0, 0, 0, 0}), 3}.contains(address);  // global unicast
}

}  // namespace weir
