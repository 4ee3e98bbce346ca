#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace weir::identity {

// Which certificates of agents are no longer good. Only the brain verifies agents, so that the list needs no
// publishing: it is made from the ledger's graph when it is needed.
class RevocationList {
 public:
  // Every certificate of the site issued up to and including that second. A site that joins again later is
  // good.
  void revoke_site(std::string_view site, int64_t issued_until_s);

  bool revoked(std::string_view site, int64_t issued_s) const;

 private:
  std::map<std::string, int64_t, std::less<>> sites_;  // → issued_until_s
};

}  // namespace weir::identity
