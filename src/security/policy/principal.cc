#include "security/policy/principal.h"

#include <algorithm>
#include <array>

namespace weir::policy {
namespace {

constexpr std::array<std::string_view, kRoles> kRoleNames = {"operator", "provider", "tenant", "agent"};

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string_view role_name(Role role) {
  const auto index = static_cast<size_t>(role);
  return index < kRoleNames.size() ? kRoleNames[index] : "unknown";
}

std::optional<Role> parse_role(std::string_view name) {
  for (size_t i = 0; i < kRoleNames.size(); ++i) {
    if (kRoleNames[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

std::string Principal::text() const {
  std::string out(role_name(role));
  if (!subjects.empty()) out += " " + subject_text(*this);
  return out;
}

Principal principal_of(Role role, std::string_view subject) {
  Principal out{role, {}};
  while (!subject.empty()) {
    const size_t comma = std::min(subject.find(','), subject.size());
    out.subjects.emplace_back(subject.substr(0, comma));
    // A comma at the end leaves an empty name behind, which is not well formed.
    if (comma + 1 == subject.size()) out.subjects.emplace_back();
    subject.remove_prefix(std::min(comma + 1, subject.size()));
  }
  return out;
}

std::string subject_text(const Principal& principal) {
  std::string out;
  for (const std::string& subject : principal.subjects) {
    if (!out.empty()) out += ',';
    out += subject;
  }
  return out;
}

bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return false;
  if (!is_letter_or_digit(name.front()) || !is_letter_or_digit(name.back())) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

bool well_formed(const Principal& principal) {
  const auto& subjects = principal.subjects;
  if (subjects.size() > kSubjectsMax || subject_text(principal).size() > kSubjectTextBytesMax) return false;
  if (!std::all_of(subjects.begin(), subjects.end(), valid_name)) return false;
  switch (principal.role) {
    case Role::kOperator:
      return subjects.size() <= 1;
    case Role::kProvider:
      return !subjects.empty();
    case Role::kTenant:
    case Role::kAgent:
      return subjects.size() == 1;
  }
  return false;
}

}  // namespace weir::policy
