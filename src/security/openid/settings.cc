#include "security/openid/settings.h"

#include <algorithm>

#include "security/identity/token_text.h"

namespace weir::openid {
namespace {

constexpr size_t kAddressBytesMax = 1024;
constexpr size_t kDigestChars = 8;

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\'; });
}

// HOST[:PORT]
bool valid_authority(std::string_view authority) {
  std::string_view host = authority, port;
  if (!host.empty() && host.front() == '[') {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return false;
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    if (!std::all_of(host.begin(), host.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.'; })) return false;
    if (!port.empty() && port.front() != ':') return false;
    if (!port.empty()) port.remove_prefix(1);
    if (port.empty() && authority.back() == ':') return false;
  } else {
    const size_t colon = host.find(':');
    if (colon != std::string_view::npos) {
      port = host.substr(colon + 1);
      host = host.substr(0, colon);
      if (port.empty()) return false;
    }
    if (!std::all_of(host.begin(), host.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.'; })) return false;
  }
  return !host.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct Address {
  bool plain = false;
  std::string_view authority, rest;
};
std::optional<Address> split(std::string_view text) {
  Address out;
  if (text.starts_with("http://")) {
    out.plain = true;
    text.remove_prefix(7);
  } else if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else {
    return std::nullopt;
  }
  out.authority = text.substr(0, text.find_first_of("/?#"));
  out.rest = text.substr(out.authority.size());
  return out;
}

bool on_this_machine(const std::string& host) { return host == "localhost" || host == "127.0.0.1" || host == "[::1]"; }

std::optional<std::string> wrong_address(std::string_view text, bool query) {
  if (text.size() > kAddressBytesMax || !printable(text)) return "is too long, or has a character that no address has";
  const auto address = split(text);
  if (!address || !valid_authority(address->authority)) return "is not https://HOST[:PORT]/PATH in lower case";
  if (address->plain && !on_this_machine(host_of(text))) return "is not https";
  if (address->rest.find('#') != std::string_view::npos) return "has a fragment (#)";
  if (!query && address->rest.find('?') != std::string_view::npos) return "has a query (?)";
  return std::nullopt;
}

}  // namespace

std::string host_of(std::string_view address) {
  const auto parts = split(address);
  if (!parts) return {};
  const std::string_view authority = parts->authority;
  return std::string(authority.substr(0, authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':')));
}

std::optional<std::string> wrong_issuer(std::string_view address) { return wrong_address(address, false); }
std::optional<std::string> wrong_endpoint(std::string_view address) { return wrong_address(address, true); }

std::optional<std::string> wrong_base(std::string_view address) {
  if (const auto wrong = wrong_address(address, false)) return wrong;
  const auto parts = split(address);
  if (parts->plain) return "is not https";
  if (!parts->rest.empty()) return "has more than https://HOST[:PORT]";
  if (parts->authority.ends_with(":443")) return "names the port 443, which https has anyway";
  return std::nullopt;
}

std::optional<std::string> wrong_rule(const RoleRule& rule) {
  if (rule.value.empty() || rule.value.size() > 256) return "needs a value of 1 to 256 bytes";
  if (rule.value == "*") return "would be for everybody: a value needs more than the star";
  if (rule.role == policy::Role::kAgent) return "is for people: operator, provider or tenant";
  if (rule.subject == "*") {
    return rule.value.ends_with('*') ? std::nullopt : std::optional<std::string>("takes its subject from a star that its value does not end with");
  }
  if (!policy::well_formed(policy::principal_of(rule.role, rule.subject))) {
    return "needs the subject that goes with its role: one tenant; sites joined by commas; of an operator a name, or none";
  }
  return std::nullopt;
}

std::optional<policy::Principal> role_for(const std::vector<RoleRule>& rules, const std::vector<std::string>& values,
                                          const std::string& operator_name) {
  for (const RoleRule& rule : rules) {
    for (const std::string& value : values) {
      std::string subject = rule.subject;
      if (rule.value.ends_with('*')) {
        const std::string_view prefix = std::string_view(rule.value).substr(0, rule.value.size() - 1);
        if (!value.starts_with(prefix)) continue;
        if (subject == "*") subject = value.substr(prefix.size());
      } else if (value != rule.value) {
        continue;
      }
      if (rule.role == policy::Role::kOperator && subject.empty()) subject = operator_name;
      // What a star stands for may be anything.
      policy::Principal out = policy::principal_of(rule.role, subject);
      if (!subject.empty() && policy::well_formed(out) && (rule.subject != "*" || out.subjects.size() == 1)) return out;
    }
  }
  return std::nullopt;
}

std::string ledger_name(std::string_view person, std::string_view issuer, std::string_view subject) {
  const std::string digest = identity::sha256_hex(std::string(issuer) + '\0' + std::string(subject)).substr(0, kDigestChars);
  std::string out;
  for (const char c : person.substr(0, 2 * policy::kNameBytesMax)) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool kept = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    if (kept) {
      out += lower;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  out.resize(std::min(out.size(), policy::kNameBytesMax - kDigestChars - 1));
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "person-" + digest : out + "-" + digest;
}

}  // namespace weir::openid
