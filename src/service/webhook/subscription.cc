#include "service/webhook/subscription.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "core/ports/public_address.h"
#include "core/units/text.h"
#include "security/identity/token_text.h"
#include "service/webhook/signature.h"

namespace weir::webhook {
namespace {

namespace json = boost::json;

tl::unexpected<Error> corrupt(const std::string& what) { return fail(ErrorCode::kCorrupt, what, "webhook file"); }

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

tl::unexpected<Error> no_url(const char* what) { return fail(ErrorCode::kInvalid, what, "url", "write https://HOST/PATH"); }

}  // namespace

identity::SecretText encode(const Subscription& s) {
  json::array names;
  for (const std::string& name : s.names) names.emplace_back(name);
  const json::object out = {{"id", s.id},
                            {"role", policy::role_name(s.owner.role)},
                            {"subject", policy::subject_text(s.owner)},
                            {"token", s.token},
                            {"url", s.url},
                            {"names", std::move(names)},
                            {"tenant", s.tenant},
                            {"format", s.format},
                            {"query", s.query},
                            {"secret", s.secret.empty() ? std::string_view() : secret_text(s.secret).reveal()},
                            {"created", s.created},
                            {"next", s.next},
                            {"failing_since", s.failing_since},
                            {"disabled", s.disabled},
                            {"why", s.why}};
  return identity::SecretText(json::serialize(out) + "\n");
}

Result<Subscription> decode(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  const json::object* object = error ? nullptr : value.if_object();
  if (object == nullptr || !valid_utf8(text)) return corrupt("is no JSON object");
  bool good = true;
  const auto of = [&](const char* name) -> const json::value& {
    static const json::value none;
    const json::value* found = object->if_contains(name);
    return found != nullptr ? *found : none;
  };
  const auto text_of = [&](const char* name, size_t bytes_max) {
    const json::string* found = of(name).if_string();
    good = good && found != nullptr && found->size() <= bytes_max;
    return good ? std::string(found->data(), found->size()) : std::string();
  };
  const auto number_of = [&](const char* name) {
    const auto number = of(name).if_int64();
    good = good && number != nullptr && *number >= 0;
    return good ? *number : 0;
  };
  Subscription out;
  out.id = text_of("id", identity::kTokenIdChars);
  const auto role = policy::parse_role(text_of("role", 16));
  const std::string subject = text_of("subject", policy::kSubjectTextBytesMax);
  out.token = text_of("token", identity::kTokenIdChars);
  out.url = text_of("url", kUrlBytesMax);
  out.tenant = text_of("tenant", policy::kNameBytesMax);
  out.format = text_of("format", 16);
  out.query = text_of("query", kUrlBytesMax);
  const std::string secret = text_of("secret", 128);
  out.created = number_of("created");
  const json::value& next = of("next");
  good = good && (next.is_uint64() || (next.is_int64() && next.get_int64() >= 0));
  if (good) out.next = next.to_number<uint64_t>();
  out.failing_since = number_of("failing_since");
  out.why = text_of("why", kWhyBytesMax);
  const bool* disabled = of("disabled").if_bool();
  const json::array* names = of("names").if_array();
  if (!good || disabled == nullptr || names == nullptr || names->size() > kNamesMax) return corrupt("lacks a field, or one is of another form");
  out.disabled = *disabled;
  for (const json::value& name : *names) {
    const json::string* one = name.if_string();
    if (one == nullptr || one->size() > kNameBytesMax) return corrupt("holds a name that is none");
    out.names.emplace_back(one->data(), one->size());
  }
  if (!identity::is_token_id(out.id) || !role) return corrupt("names nobody");
  out.owner = policy::principal_of(*role, subject);
  if (!policy::well_formed(out.owner) || out.owner.role == policy::Role::kAgent) return corrupt("names nobody");
  if (out.format != kWeirFormat && out.format != kTmf921Format) return corrupt("is of a format that is not known");
  if (!secret.empty()) {
    auto bytes = parse_secret(secret);
    if (!bytes) return corrupt("holds a secret that is none");
    out.secret = std::move(*bytes);
  }
  if (const auto address = parse_url(out.url); !address) return corrupt("holds a URL that is none");
  return out;
}

Result<Address> parse_url(std::string_view url) {
  if (url.size() > kUrlBytesMax) return no_url("is longer than 2,048 bytes");
  if (!std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f && c != '\\' && c != '"' && c != '<' && c != '>'; })) {
    return no_url("holds what must be percent-encoded");
  }
  Address out;
  if (url.starts_with("https://")) {
    out.tls = true;
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
  } else {
    return no_url("is not an http or https address");
  }
  if (url.find('#') != std::string_view::npos) return no_url("has a fragment, which is never sent");
  std::string_view authority = url.substr(0, url.find_first_of("/?"));
  if (authority.find('@') != std::string_view::npos) return no_url("holds a name or a password, which everybody would see who may list it");
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return no_url("has a bracket that is not closed");
    const auto address = Ipv6Address::parse(authority.substr(1, end - 1));
    if (!address) return no_url("holds no IPv6 address between its brackets");
    out.host = address->text();
    out.known_private = !is_public(*address);
    port = authority.substr(end + 1);
  } else {
    const size_t colon = authority.find(':');
    out.host = lower(authority.substr(0, colon));
    port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
    if (out.host.empty() || out.host.size() > 253) return no_url("names no host");
    if (!std::all_of(out.host.begin(), out.host.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; })) {
      return no_url("names a host with characters that none has");
    }
    const auto address = parse_ipv4(out.host);
    out.known_private = address ? !is_public(mapped(*address)) : out.host == "localhost" || out.host.ends_with(".localhost");
  }
  if (!port.empty()) {
    uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
    if (port.front() != ':' || error != std::errc() || end != port.data() + port.size() || number == 0) return no_url("has a port that is none");
  }
  return out;
}

}  // namespace weir::webhook
