#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/result/result.h"
#include "security/policy/principal.h"

// Who may do what. Pure: a decision depends on the principal, the action and the owners of the resource,
// never on whether the resource exists, so that asking cannot find out.
namespace weir::policy {

enum class Action : uint8_t {
  kRead,        // everything about the resource
  kReadPublic,  // what any tenant may know: name, place, capacity class, price; no addresses, owners or load
  kReadUsage,   // of a run: site, state, tenant and what it takes; never arguments, environment, data or logs
  kReadLogs,
  kApply,   // create or change; also a dry run of it
  kDelete,  // for a token: revoke; for a site: revoke its certificates
  kDrain,
  kReport,  // an agent's readings, results and states
};
inline constexpr int kActions = 8;

enum class Kind : uint8_t {
  kSite,
  kRouter,
  kNode,
  kLink,
  kIntent,
  kPlan,
  kRun,
  kBill,
  kPrice,
  kOffer,
  kDataset,
  kTenant,
  kEvent,
  kToken,
  kLedger,
  kQueue,
  kReservation,
  kPolicy,
  kWorkflow,
  kWebhook,  // its tenant is who added it: an operator's has none
};
inline constexpr int kKinds = 20;

std::string_view action_name(Action action);            // "read", "read the logs of"...
std::string_view kind_name(Kind kind);                  // "site", "intent"...
std::optional<Kind> parse_kind(std::string_view name);  // as kind_name, or its plural

// The resource asked about. Views must outlive the call. Empty owners match nobody: a resource without them
// is the operator's alone, unless its kind is open to all.
struct Resource {
  Kind kind = Kind::kSite;
  std::string_view name;                       // as the request named it: "city/cameras", "17:0", "hub-a"
  std::string_view tenant = {};                // whose it is; for kTenant its own name
  std::array<std::string_view, 2> sites = {};  // where: a site's own name, a link's two ends, a run's site
};

// Allowed, or kDenied with the roles that would be needed, or kNotFound where the object belongs to someone
// else and its existence is private. A refusal of a private kind equals absent() of the same request,
// unless the principal may read the object in some lesser form. O(subjects).
Status authorise(const Principal& principal, Action action, const Resource& resource);

// The fullest form of the resource that the principal may read: the whole, a run's usage, or the public form.
// Errors as authorise(kRead).
enum class View : uint8_t { kFull, kUsage, kPublic };
Result<View> authorise_read(const Principal& principal, const Resource& resource);

// What to answer when the lookup of `name` found nothing: it cannot be told from a refusal.
Error absent(const Principal& principal, Action action, Kind kind, std::string_view name);

// The table behind authorise, for documentation and tests.
enum class Scope : uint8_t {
  kNone,
  kOwnTenant,  // the resource's tenant is the principal's
  kOwnSite,    // one of the resource's sites is the principal's
  kAny,
};
Scope scope(Role role, Kind kind, Action action);

}  // namespace weir::policy
