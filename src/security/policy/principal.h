#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::policy {

enum class Role : uint8_t {
  kOperator,  // runs the region
  kProvider,  // owns sites
  kTenant,    // owns intents and what follows from them
  kAgent,     // a site's own process, known by its certificate; never held by a person
};
inline constexpr int kRoles = 4;

// "operator", "provider", "tenant", "agent"; "unknown" for a value outside the enumeration.
std::string_view role_name(Role role);
std::optional<Role> parse_role(std::string_view name);

// Who asks, after authentication. `subjects` are the names that the role is about: one tenant, one site of
// an agent, the sites of a provider; for an operator, who it is, for the record only.
struct Principal {
  Role role = Role::kTenant;
  std::vector<std::string> subjects;

  // "tenant city", "provider hub-a,hub-b": for messages and the record of who did what.
  std::string text() const;
  friend bool operator==(const Principal&, const Principal&) = default;
};

// The principal of a stored role and subject: names joined by ',' for a provider of several sites; empty only
// for an operator. Not necessarily well formed.
Principal principal_of(Role role, std::string_view subject);
// The subject to store: principal_of(p.role, subject_text(p)) == p for every well-formed p.
std::string subject_text(const Principal& principal);

// A name of a site or tenant: 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit (a
// DNS label, RFC 1123 section 2.1, in lower case), so that it is safe in paths, certificates and host names.
bool valid_name(std::string_view name);
inline constexpr size_t kNameBytesMax = 63;

// Refuses what no authentication may yield: a tenant, agent or provider without a name, with an invalid one,
// a tenant or agent with several. Unchecked principals own nothing, so they are harmless, only useless.
bool well_formed(const Principal& principal);
inline constexpr size_t kSubjectsMax = 64;
inline constexpr size_t kSubjectTextBytesMax = 1024;

}  // namespace weir::policy
