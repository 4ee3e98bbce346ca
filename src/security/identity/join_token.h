#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result/result.h"
#include "security/identity/secret.h"
#include "security/identity/token_text.h"

// A join token lets one agent join as one named site, once: weir1.ID.SECRET.FINGERPRINT. The fingerprint is
// that of the brain's CA, so that the agent knows its brain on the first connection. Pure functions: the
// record is kept by whoever keeps the ledger.
namespace weir::identity {

struct JoinTokenRecord {
  std::string id;
  std::string secret_hash;  // token_hash
  std::string site;
  int64_t expires_s = 0;     // Unix time
  int64_t used_s = 0;        // 0: not yet
  std::string used_by = {};  // "ADDRESS with key FINGERPRINT"
  bool revoked = false;
  int64_t issued_s = 0;  // Unix time; 0: not known
  friend bool operator==(const JoinTokenRecord&, const JoinTokenRecord&) = default;
};

struct JoinToken {
  std::string id;
  SecretText secret;
  std::string ca_fingerprint;
};

struct IssuedJoinToken {
  SecretText text;  // shown once, to the person who asked
  JoinTokenRecord record;
};

inline constexpr int64_t kJoinTokenValidityMax_s = 30 * 86400;

// Errors: kInvalid for a site name that is not one, a validity of less than a second or more than the limit,
// a malformed fingerprint, or a clock that was never set.
Result<IssuedJoinToken> issue_join_token(const TokenSeed& seed, std::string_view site,
                                         std::string_view ca_fingerprint, int64_t now_s, int64_t validity_s);

// Errors never repeat the text: it may be a secret with a typing error.
Result<JoinToken> parse_join_token(std::string_view text);

struct Redemption {
  JoinTokenRecord record;  // to be stored; unchanged when repeated
  bool repeated = false;   // the same key asks again, because the answer was lost
};

// `record` is what is stored under token.id, or null. `by` says where the request comes from;
// `key_fingerprint` is that of the certificate request. One key redeems once; it may ask again until the
// token expires. Errors: kDenied for an unknown token or a wrong secret (the same text), another site, an
// expired token; kConflict when another key has used it.
Result<Redemption> redeem_join_token(const JoinTokenRecord* record, const JoinToken& token,
                                     std::string_view site, int64_t now_s, std::string_view by,
                                     std::string_view key_fingerprint);

}  // namespace weir::identity
