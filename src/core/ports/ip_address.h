#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// IPv6 addresses and prefixes as values. Text form: RFC 4291 section 2.2 to read (without the dotted IPv4
// form and without zones), RFC 5952 to write.
namespace weir {

struct Ipv6Address {
  std::array<uint8_t, 16> bytes{};
  friend constexpr auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;

  constexpr uint16_t group(size_t i) const {
    return static_cast<uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  }
  static constexpr Ipv6Address of(const std::array<uint16_t, 8>& groups) {
    Ipv6Address out;
    for (size_t i = 0; i < 8; ++i) {
      out.bytes[2 * i] = static_cast<uint8_t>(groups[i] >> 8);
      out.bytes[2 * i + 1] = static_cast<uint8_t>(groups[i] & 0xff);
    }
    return out;
  }

  static std::optional<Ipv6Address> parse(std::string_view text) {
    std::array<uint16_t, 8> groups{};
    size_t count = 0;
    std::optional<size_t> gap;
    size_t at = 0;
    if (text.starts_with("::")) {
      gap = 0;
      at = 2;
    }
    while (at < text.size()) {
      if (count == 8) return std::nullopt;
      uint32_t value = 0;
      size_t digits = 0;
      for (; at < text.size() && text[at] != ':'; ++at, ++digits) {
        const char c = text[at];
        uint32_t digit = 0;
        if (c >= '0' && c <= '9') {
          digit = static_cast<uint32_t>(c - '0');
        } else if (c >= 'a' && c <= 'f') {
          digit = static_cast<uint32_t>(c - 'a' + 10);
        } else if (c >= 'A' && c <= 'F') {
          digit = static_cast<uint32_t>(c - 'A' + 10);
        } else {
          return std::nullopt;
        }
        if (digits == 4) return std::nullopt;
        value = value << 4 | digit;
      }
      if (digits == 0) return std::nullopt;
      groups[count++] = static_cast<uint16_t>(value);
      if (at == text.size()) break;
      ++at;  // the colon
      if (at == text.size()) return std::nullopt;
      if (text[at] == ':') {
        if (gap) return std::nullopt;
        gap = count;
        ++at;
      }
    }
    if (gap ? count > 7 : count != 8) return std::nullopt;
    if (gap) {
      const size_t tail = count - *gap;
      for (size_t i = 0; i < tail; ++i) {
        groups[7 - i] = groups[count - 1 - i];
        if (7 - i != count - 1 - i) groups[count - 1 - i] = 0;
      }
    }
    return of(groups);
  }

  std::string text() const {
    size_t best = 8, best_length = 1;  // a run of one zero group is not shortened
    for (size_t i = 0; i < 8;) {
      size_t end = i;
      while (end < 8 && group(end) == 0) ++end;
      if (end - i > best_length) {
        best = i;
        best_length = end - i;
      }
      i = end + 1;
    }
    std::string out;
    for (size_t i = 0; i < 8;) {
      if (i == best) {
        out += "::";
        i += best_length;
        continue;
      }
      if (!out.empty() && out.back() != ':') out += ':';
      bool leading = true;
      for (int shift = 12; shift >= 0; shift -= 4) {
        const unsigned digit = group(i) >> shift & 0xfu;
        if (leading && digit == 0 && shift > 0) continue;
        leading = false;
        out += "0123456789abcdef"[digit];
      }
      ++i;
    }
    return out;
  }
};

struct Ipv6Prefix {
  Ipv6Address address;  // bits past `length` are zero
  uint8_t length = 128;
  friend constexpr auto operator<=>(const Ipv6Prefix&, const Ipv6Prefix&) = default;

  static constexpr Ipv6Prefix host(const Ipv6Address& address) { return {address, 128}; }
  // The prefix of that length which holds the address.
  static constexpr Ipv6Prefix of(Ipv6Address address, uint8_t length) {
    for (size_t i = 0; i < 16; ++i) {
      const int keep = static_cast<int>(length) - static_cast<int>(8 * i);
      if (keep <= 0) {
        address.bytes[i] = 0;
      } else if (keep < 8) {
        address.bytes[i] = static_cast<uint8_t>(address.bytes[i] & (0xff << (8 - keep)));
      }
    }
    return {address, length};
  }
  // "fd77::/64"; an address alone is a /128. Refuses bits past the length.
  static std::optional<Ipv6Prefix> parse(std::string_view text) {
    const size_t slash = text.find('/');
    const auto address = Ipv6Address::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    if (slash == std::string_view::npos) return host(*address);
    const std::string_view digits = text.substr(slash + 1);
    if (digits.empty() || digits.size() > 3) return std::nullopt;
    unsigned length = 0;
    for (const char c : digits) {
      if (c < '0' || c > '9') return std::nullopt;
      length = length * 10 + static_cast<unsigned>(c - '0');
    }
    if (length > 128) return std::nullopt;
    const Ipv6Prefix out{*address, static_cast<uint8_t>(length)};
    if (of(*address, out.length) != out) return std::nullopt;
    return out;
  }
  constexpr bool contains(const Ipv6Address& a) const { return of(a, length).address == address; }
  std::string text() const { return address.text() + "/" + std::to_string(length); }
};

}  // namespace weir
