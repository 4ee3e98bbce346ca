#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace weir::identity {

// Which certificates are no longer good, by serial number or by site. Folded from events by its owner.
class RevocationList {
 public:
  // `not_after_s` is the end of the certificate's life, after which prune() forgets it.
  void revoke_serial(std::string_view serial, int64_t not_after_s);

  // Every certificate of the site issued up to and including that second. A site that joins again later is
  // good.
  void revoke_site(std::string_view site, int64_t issued_until_s);

  bool revoked(std::string_view serial, std::string_view site, int64_t issued_s) const;

  // Forgets serial numbers whose certificates ended before `now_s`. Sites stay: there are few.
  void prune(int64_t now_s);
  size_t size() const { return serials_.size() + sites_.size(); }

 private:
  std::map<std::string, int64_t, std::less<>> serials_;  // → not_after_s
  std::map<std::string, int64_t, std::less<>> sites_;    // → issued_until_s
};

}  // namespace weir::identity
