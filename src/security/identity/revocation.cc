#include "security/identity/revocation.h"

#include <algorithm>

namespace weir::identity {

void RevocationList::revoke_site(std::string_view site, int64_t issued_until_s) {
  const auto [at, inserted] = sites_.try_emplace(std::string(site), issued_until_s);
  if (!inserted) at->second = std::max(at->second, issued_until_s);
}

bool RevocationList::revoked(std::string_view site, int64_t issued_s) const {
  const auto at = sites_.find(site);
  return at != sites_.end() && issued_s <= at->second;
}

}  // namespace weir::identity
