#include "security/policy/policy.h"

#include <algorithm>
#include <string>

namespace weir::policy {
namespace {

constexpr std::array<std::string_view, kActions> kActionNames = {"read",
                                                                 "read the public form of",
                                                                 "read the usage of",
                                                                 "read the logs of",
                                                                 "change",
                                                                 "delete",
                                                                 "drain",
                                                                 "report for"};
constexpr std::array<std::string_view, kKinds> kKindNames = {
    "site",  "router",  "node",   "link",  "intent", "plan",   "run",   "bill",        "price",
    "offer", "dataset", "tenant", "event", "token",  "ledger", "queue", "reservation", "policy", "workflow", "webhook"};

struct Rule {
  Role role;
  Kind kind;
  Action action;
  Scope scope;
};

// Everything that is not listed is refused. Operators are not listed: they may do everything but report,
// because a bill rests on reports that only the site's own certificate can have made.
constexpr Rule kRules[] = {
    {Role::kProvider, Kind::kSite, Action::kRead, Scope::kOwnSite},
    {Role::kProvider, Kind::kSite, Action::kReadPublic, Scope::kAny},
    {Role::kProvider, Kind::kSite, Action::kDrain, Scope::kOwnSite},
    {Role::kProvider, Kind::kRouter, Action::kReadPublic, Scope::kAny},
    {Role::kProvider, Kind::kNode, Action::kRead, Scope::kOwnSite},
    {Role::kProvider, Kind::kNode, Action::kDrain, Scope::kOwnSite},
    {Role::kProvider, Kind::kLink, Action::kRead, Scope::kOwnSite},
    {Role::kProvider, Kind::kLink, Action::kReadPublic, Scope::kAny},
    {Role::kProvider, Kind::kRun, Action::kReadUsage, Scope::kOwnSite},
    {Role::kProvider, Kind::kPrice, Action::kRead, Scope::kOwnSite},
    {Role::kProvider, Kind::kPrice, Action::kReadPublic, Scope::kAny},
    {Role::kProvider, Kind::kOffer, Action::kRead, Scope::kOwnSite},
    {Role::kProvider, Kind::kOffer, Action::kReadPublic, Scope::kAny},
    {Role::kProvider, Kind::kOffer, Action::kApply, Scope::kOwnSite},
    {Role::kProvider, Kind::kOffer, Action::kDelete, Scope::kOwnSite},
    {Role::kProvider, Kind::kQueue, Action::kReadPublic, Scope::kAny},
    {Role::kProvider, Kind::kReservation, Action::kRead, Scope::kOwnSite},
    {Role::kProvider, Kind::kPolicy, Action::kRead, Scope::kAny},

    {Role::kTenant, Kind::kSite, Action::kReadPublic, Scope::kAny},
    {Role::kTenant, Kind::kRouter, Action::kReadPublic, Scope::kAny},
    {Role::kTenant, Kind::kLink, Action::kReadPublic, Scope::kAny},
    {Role::kTenant, Kind::kPrice, Action::kReadPublic, Scope::kAny},
    {Role::kTenant, Kind::kOffer, Action::kReadPublic, Scope::kAny},
    {Role::kTenant, Kind::kIntent, Action::kRead, Scope::kOwnTenant},
    {Role::kTenant, Kind::kIntent, Action::kApply, Scope::kOwnTenant},
    {Role::kTenant, Kind::kIntent, Action::kDelete, Scope::kOwnTenant},
    {Role::kTenant, Kind::kPlan, Action::kRead, Scope::kOwnTenant},
    {Role::kTenant, Kind::kRun, Action::kRead, Scope::kOwnTenant},
    {Role::kTenant, Kind::kRun, Action::kReadUsage, Scope::kOwnTenant},
    {Role::kTenant, Kind::kRun, Action::kReadLogs, Scope::kOwnTenant},
    {Role::kTenant, Kind::kBill, Action::kRead, Scope::kOwnTenant},
    {Role::kTenant, Kind::kDataset, Action::kRead, Scope::kOwnTenant},
    {Role::kTenant, Kind::kDataset, Action::kApply, Scope::kOwnTenant},
    {Role::kTenant, Kind::kDataset, Action::kDelete, Scope::kOwnTenant},
    {Role::kTenant, Kind::kTenant, Action::kRead, Scope::kOwnTenant},
    {Role::kTenant, Kind::kEvent, Action::kRead, Scope::kOwnTenant},
    {Role::kTenant, Kind::kQueue, Action::kReadPublic, Scope::kAny},
    {Role::kTenant, Kind::kReservation, Action::kRead, Scope::kOwnTenant},
    {Role::kTenant, Kind::kReservation, Action::kDelete, Scope::kOwnTenant},
    {Role::kTenant, Kind::kPolicy, Action::kRead, Scope::kAny},
    {Role::kTenant, Kind::kWorkflow, Action::kRead, Scope::kOwnTenant},
    {Role::kTenant, Kind::kWorkflow, Action::kApply, Scope::kOwnTenant},
    {Role::kTenant, Kind::kWorkflow, Action::kDelete, Scope::kOwnTenant},
    {Role::kTenant, Kind::kWebhook, Action::kRead, Scope::kOwnTenant},
    {Role::kTenant, Kind::kWebhook, Action::kApply, Scope::kOwnTenant},
    {Role::kTenant, Kind::kWebhook, Action::kDelete, Scope::kOwnTenant},

    {Role::kAgent, Kind::kSite, Action::kReport, Scope::kOwnSite},
    {Role::kAgent, Kind::kNode, Action::kReport, Scope::kOwnSite},
    {Role::kAgent, Kind::kLink, Action::kReport, Scope::kOwnSite},
    {Role::kAgent, Kind::kRun, Action::kReport, Scope::kOwnSite},
};

using Table = std::array<std::array<std::array<Scope, kActions>, kKinds>, kRoles>;

constexpr Table make_table() {
  Table table{};
  for (int kind = 0; kind < kKinds; ++kind) {
    for (int action = 0; action < kActions; ++action) {
      table[static_cast<size_t>(Role::kOperator)][static_cast<size_t>(kind)][static_cast<size_t>(action)] =
          static_cast<Action>(action) == Action::kReport ? Scope::kNone : Scope::kAny;
    }
  }
  for (const Rule& rule : kRules) {
    table[static_cast<size_t>(rule.role)][static_cast<size_t>(rule.kind)][static_cast<size_t>(rule.action)] =
        rule.scope;
  }
  return table;
}
constexpr Table kTable = make_table();

bool is_subject(const Principal& principal, std::string_view owner) {
  return !owner.empty() &&
         std::find(principal.subjects.begin(), principal.subjects.end(), owner) != principal.subjects.end();
}

bool covers(Scope granted, const Principal& principal, const Resource& resource) {
  switch (granted) {
    case Scope::kNone:
      return false;
    case Scope::kAny:
      return true;
    case Scope::kOwnTenant:
      return is_subject(principal, resource.tenant);
    case Scope::kOwnSite:
      return is_subject(principal, resource.sites[0]) || is_subject(principal, resource.sites[1]);
  }
  return false;
}

// Kinds whose very existence is their owner's business. Sites, links, prices and offers are public.
bool existence_is_private(Kind kind) {
  switch (kind) {
    case Kind::kNode:
    case Kind::kIntent:
    case Kind::kPlan:
    case Kind::kRun:
    case Kind::kBill:
    case Kind::kDataset:
    case Kind::kTenant:
    case Kind::kEvent:
    case Kind::kReservation:
    case Kind::kWorkflow:
    case Kind::kWebhook:
      return true;
    default:
      return false;
  }
}

std::string needed(Kind kind, Action action) {
  std::string out;
  for (int i = 0; i < kRoles; ++i) {
    const auto role = static_cast<Role>(i);
    const Scope granted = scope(role, kind, action);
    if (granted == Scope::kNone) continue;
    if (!out.empty()) out += " or ";
    out += role_name(role);
    if (granted == Scope::kOwnSite) out += " of its site";
    if (granted == Scope::kOwnTenant) out += " that owns it";
  }
  return out.empty() ? "no role may do this" : "needs the role " + out;
}

Error denied(const Principal& principal, Action action, Kind kind, std::string_view name) {
  return Error{ErrorCode::kDenied,
               principal.text() + " may not " + std::string(action_name(action)) + " " +
                   std::string(kind_name(kind)) + " " + std::string(name),
               {},
               needed(kind, action)};
}

constexpr std::array kReadForms = {Action::kRead, Action::kReadUsage, Action::kReadPublic, Action::kReadLogs};

bool is_read(Action action) {
  return std::find(kReadForms.begin(), kReadForms.end(), action) != kReadForms.end();
}

bool reads_any_form(const Principal& principal, const Resource& resource) {
  return std::any_of(kReadForms.begin(), kReadForms.end(), [&](Action form) {
    return covers(scope(principal.role, resource.kind, form), principal, resource);
  });
}

// Whether some object of the kind could be open to the role; the read forms count as one action.
bool role_may(Role role, Kind kind, Action action) {
  if (!is_read(action)) return scope(role, kind, action) != Scope::kNone;
  return std::any_of(kReadForms.begin(), kReadForms.end(),
                     [&](Action form) { return scope(role, kind, form) != Scope::kNone; });
}

}  // namespace

std::string_view action_name(Action action) {
  const auto index = static_cast<size_t>(action);
  return index < kActionNames.size() ? kActionNames[index] : "unknown action on";
}

std::string_view kind_name(Kind kind) {
  const auto index = static_cast<size_t>(kind);
  return index < kKindNames.size() ? kKindNames[index] : "unknown kind";
}

std::optional<Kind> parse_kind(std::string_view name) {
  if (name == "policies") return Kind::kPolicy;
  for (const bool plural : {false, true}) {
    if (plural && !name.ends_with('s')) break;
    const auto at =
        std::find(kKindNames.begin(), kKindNames.end(), name.substr(0, name.size() - (plural ? 1 : 0)));
    if (at != kKindNames.end()) return static_cast<Kind>(at - kKindNames.begin());
  }
  return std::nullopt;
}

Scope scope(Role role, Kind kind, Action action) {
  const auto r = static_cast<size_t>(role);
  const auto k = static_cast<size_t>(kind);
  const auto a = static_cast<size_t>(action);
  if (r >= kRoles || k >= kKinds || a >= kActions) return Scope::kNone;
  return kTable[r][k][a];
}

Error absent(const Principal& principal, Action action, Kind kind, std::string_view name) {
  if (role_may(principal.role, kind, action)) {
    return Error{ErrorCode::kNotFound, "no " + std::string(kind_name(kind)) + " " + std::string(name)};
  }
  return denied(principal, action, kind, name);
}

Status authorise(const Principal& principal, Action action, const Resource& resource) {
  if (covers(scope(principal.role, resource.kind, action), principal, resource)) return {};
  // Creating is refused openly: the answer is the same whether or not the name is taken.
  const bool hide = existence_is_private(resource.kind) && action != Action::kApply &&
                    !(is_read(action) && reads_any_form(principal, resource));
  if (hide) return tl::unexpected<Error>(absent(principal, action, resource.kind, resource.name));
  return tl::unexpected<Error>(denied(principal, action, resource.kind, resource.name));
}

Result<View> authorise_read(const Principal& principal, const Resource& resource) {
  const Status full = authorise(principal, Action::kRead, resource);
  if (full) return View::kFull;
  if (covers(scope(principal.role, resource.kind, Action::kReadUsage), principal, resource))
    return View::kUsage;
  if (covers(scope(principal.role, resource.kind, Action::kReadPublic), principal, resource))
    return View::kPublic;
  return tl::unexpected<Error>(full.error());
}

}  // namespace weir::policy
