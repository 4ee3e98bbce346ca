#include "core/loop/address.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace weir {
namespace {

// Groups of hexadecimal digits, separated by single colons.
bool groups(std::string_view text, std::vector<uint16_t>& out) {
  while (!text.empty()) {
    const size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(group.data(), group.data() + group.size(), value, 16);
    if (group.empty() || group.size() > 4 || error != std::errc() || end != group.data() + group.size()) return false;
    out.push_back(static_cast<uint16_t>(value));
    if (colon == std::string_view::npos) return true;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false;
  }
  return true;
}

std::string with_interface(std::string_view prefix, uint64_t interface_id) {
  const auto base = parse_ipv6(prefix.substr(0, prefix.find('/')));
  if (!base) return {};
  Ipv6Bytes bytes = *base;
  for (size_t i = 0; i < 8; ++i) bytes[8 + i] = static_cast<uint8_t>(interface_id >> (56 - 8 * i));
  return format_ipv6(bytes);
}

}  // namespace

std::optional<Ipv6Bytes> parse_ipv6(std::string_view text) {
  std::vector<uint16_t> left, right;
  const size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!groups(text, left) || left.size() != 8) return std::nullopt;
  } else {
    if (!groups(text.substr(0, gap), left) || !groups(text.substr(gap + 2), right) || left.size() + right.size() > 7) {
      return std::nullopt;
    }
  }
  std::array<uint16_t, 8> all{};
  std::copy(left.begin(), left.end(), all.begin());
  std::copy(right.begin(), right.end(), all.end() - static_cast<std::ptrdiff_t>(right.size()));
  Ipv6Bytes bytes{};
  for (size_t i = 0; i < 8; ++i) {
    bytes[2 * i] = static_cast<uint8_t>(all[i] >> 8);
    bytes[2 * i + 1] = static_cast<uint8_t>(all[i]);
  }
  return bytes;
}

std::string format_ipv6(const Ipv6Bytes& address) {
  std::array<unsigned, 8> g{};
  for (size_t i = 0; i < 8; ++i) g[i] = static_cast<unsigned>(address[2 * i] << 8 | address[2 * i + 1]);
  // The longest run of zeros, the first of equals; a single one stays.
  size_t best = 8, best_length = 1;
  for (size_t i = 0; i < 8; ++i) {
    size_t length = 0;
    while (i + length < 8 && g[i + length] == 0) ++length;
    if (length > best_length) {
      best = i;
      best_length = length;
    }
  }
  std::string out;
  for (size_t i = 0; i < 8; ++i) {
    if (i == best) {
      out += "::";
      i += best_length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    char digits[5];
    const auto end = std::to_chars(digits, digits + sizeof digits, g[i], 16).ptr;
    out.append(digits, end);
  }
  return out;
}

std::string run_address(std::string_view site_prefix, RunId run) {
  return with_interface(site_prefix, uint64_t{1} << 63 | run.plan << 16 | (run.item & 0xffff));
}

std::string site_address(std::string_view site_prefix) { return with_interface(site_prefix, 1); }

std::string service_address(std::string_view service_prefix, IntentId intent) {
  return with_interface(service_prefix, uint64_t{intent.value} + 1);
}

}  // namespace weir
