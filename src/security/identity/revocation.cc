#include "security/identity/revocation.h"

#include <algorithm>

namespace weir::identity {
namespace {

void raise(std::map<std::string, int64_t, std::less<>>& map, std::string_view key, int64_t value) {
  const auto [at, inserted] = map.try_emplace(std::string(key), value);
  if (!inserted) at->second = std::max(at->second, value);
}

}  // namespace

void RevocationList::revoke_serial(std::string_view serial, int64_t not_after_s) {
  raise(serials_, serial, not_after_s);
}

void RevocationList::revoke_site(std::string_view site, int64_t issued_until_s) {
  raise(sites_, site, issued_until_s);
}

bool RevocationList::revoked(std::string_view serial, std::string_view site, int64_t issued_s) const {
  if (serials_.find(serial) != serials_.end()) return true;
  const auto at = sites_.find(site);
  return at != sites_.end() && issued_s <= at->second;
}

void RevocationList::prune(int64_t now_s) {
  std::erase_if(serials_, [now_s](const auto& entry) { return entry.second < now_s; });
}

}  // namespace weir::identity
