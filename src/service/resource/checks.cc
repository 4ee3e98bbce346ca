#include "service/resource/checks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "core/event/limits.h"
#include "core/units/text.h"
#include "security/policy/principal.h"

namespace weir::resource {
namespace {

bool ipv6(const std::string& text) {
  in6_addr address;
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

}  // namespace

std::string shown(std::string_view text) { return "\"" + clip_utf8(text, 60) + "\""; }

std::string Checks::name(const std::string& path, const std::string& text) {
  if (text.empty()) {
    missing(path, "give a name");
  } else if (text.size() > limits::kNameBytesMax) {
    refuse(path, shown(text) + " is longer than " + std::to_string(limits::kNameBytesMax) + " bytes",
           "shorten it");
  } else if (!policy::valid_name(text)) {
    refuse(path, shown(text) + " is not a name",
           "use a-z, 0-9 and '-', beginning and ending with a letter or digit");
  }
  return text;
}

std::vector<std::string> Checks::names(const std::string& path, const std::vector<std::string>& texts,
                                       size_t count_max) {
  if (texts.size() > count_max) {
    refuse(path, std::to_string(texts.size()) + " entries are more than " + std::to_string(count_max), "");
    return {};
  }
  std::vector<std::string> sorted = texts;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < texts.size() && ok(); ++i) {
    const std::string item = path + "[" + std::to_string(i) + "]";
    name(item, texts[i]);
    const auto range = std::equal_range(sorted.begin(), sorted.end(), texts[i]);
    if (range.second - range.first > 1)
      refuse(item, shown(texts[i]) + " is listed twice", "remove one of them");
  }
  return texts;
}

std::string Checks::text(const std::string& path, const std::string& value, size_t bytes_max) {
  if (value.size() > bytes_max) {
    refuse(path, std::to_string(value.size()) + " bytes are more than " + std::to_string(bytes_max),
           "shorten it");
  } else if (!valid_utf8(value)) {
    refuse(path, "is not UTF-8", "");
  }
  return value;
}

std::string Checks::address(const std::string& path, const std::string& value) {
  if (!value.empty() && !ipv6(value))
    refuse(path, shown(value) + " is not an IPv6 address", "write it like fd77:1::1");
  return value;
}

std::string Checks::prefix(const std::string& path, const std::string& value) {
  if (value.empty()) return value;
  const size_t slash = value.find('/');
  int length = -1;
  if (slash != std::string::npos) {
    const char* end = value.data() + value.size();
    const auto [rest, error] = std::from_chars(value.data() + slash + 1, end, length);
    if (error != std::errc() || rest != end) length = -1;
  }
  if (length < 0 || length > 128 || !ipv6(value.substr(0, slash))) {
    refuse(path, shown(value) + " is not an IPv6 prefix", "write it like fd77:1:1:3::/64");
  }
  return value;
}

}  // namespace weir::resource
