#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"
#include "security/identity/secret.h"
#include "security/policy/principal.h"

namespace weir::openid {

// Who has `value` in the role claim gets this role. A value that ends with '*' is all that begin so, and what the star stands for may be
// the subject: `*`.
struct RoleRule {
  std::string value;
  policy::Role role = policy::Role::kTenant;
  std::string subject = {};  // tenant, sites joined by commas, or "*"; of an operator empty: the person's name
};

struct Settings {
  std::string issuer;
  std::string name = {};  // for people; empty: the issuer's host
  std::string client_id;
  identity::SecretText client_secret = {};  // empty: a public client
  std::string base;                         // https://HOST[:PORT] of the console
  std::vector<std::string> scopes = {"openid", "profile"};
  std::string audience = {};  // of tokens sent by scripts; empty: client_id
  std::string role_claim = "groups";
  std::string name_claim = "preferred_username";
  std::vector<RoleRule> roles = {};  // the first that fits counts
  std::string ca_file = {};          // empty: whom the system trusts
  bool local_tokens = true;
  int64_t session_s = int64_t{8} * 3600;
};

inline constexpr size_t kRolesMax = 256;
inline constexpr size_t kScopesMax = 32;
inline constexpr int64_t kSessionMin_s = 10;
inline constexpr int64_t kSessionMax_s = 7 * 86400;

// What is wrong with an address, or nothing. An issuer is https://HOST[:PORT][/PATH], without user, query or fragment; by plain http only
// on this machine (localhost, 127.0.0.1 or [::1]).
std::optional<std::string> wrong_issuer(std::string_view address);
// An address out of the provider's own description: as wrong_issuer, but a query may be.
std::optional<std::string> wrong_endpoint(std::string_view address);
// https://HOST[:PORT], in lower case and without the port 443, so that it equals the header Origin.
std::optional<std::string> wrong_base(std::string_view address);
std::optional<std::string> wrong_rule(const RoleRule& rule);

std::string host_of(std::string_view address);

// Who the values make of somebody; nothing: nobody. `operator_name` stands for an operator's subject where the rule has none.
std::optional<policy::Principal> role_for(const std::vector<RoleRule>& rules, const std::vector<std::string>& values,
                                          const std::string& operator_name);

// A name that the ledger can hold for a person: what fits of the given one, and behind it a digest of issuer and subject, so that two
// people never share one.
std::string ledger_name(std::string_view person, std::string_view issuer, std::string_view subject);

}  // namespace weir::openid
