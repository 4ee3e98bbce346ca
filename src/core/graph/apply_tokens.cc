#include "core/graph/graph.h"

// Who may speak: tokens and certificates.
namespace weir {

Applied Graph::on(const TokenIssued& e) {
  if (token_names_.find(e.token) != Id<void>::kNone) return no_effect("the token exists");
  token_names_.add(e.token);
  tokens_.push_back(CowPtr<TokenRow>(TokenRow{.secret_sha256 = e.secret_sha256,
                                              .subject = e.subject,
                                              .redeemed_by = {},
                                              .issued = now_,
                                              .expires = e.expires,
                                              .role = e.role,
                                              .join = e.join}));
  return {};
}

Applied Graph::on(const TokenRedeemed& e) {
  const uint32_t row = token_names_.find(e.token);
  if (row == Id<void>::kNone) return no_effect("unknown token");
  if (!tokens_[row]->join) return no_effect("only join tokens are redeemed");
  if (!tokens_[row]->redeemed_by.empty()) return no_effect("the token was redeemed before");
  TokenRow& token = tokens_.mutate(row).mutate();
  token.redeemed_by = e.by;
  token.redeemed = now_;
  return {};
}

Applied Graph::on(const TokenRevoked& e) {
  const uint32_t row = token_names_.find(e.token);
  if (row == Id<void>::kNone) return no_effect("unknown token");
  if (tokens_[row]->revoked) return no_effect("the token is revoked");
  tokens_.mutate(row).mutate().revoked = true;
  return {};
}

Applied Graph::on(const CertificateIssued& e) {
  return e.site.index() < sites_.size() ? Applied{} : no_effect("unknown site");
}

Applied Graph::on(const CertificateRevoked& e) {
  if (e.site.index() >= sites_.size()) return no_effect("unknown site");
  // The ledger's time never goes back, so that whatever was issued before has an earlier time, or this one.
  revoked_until_.mutate()[e.site] = now_;
  const std::string& site = site_name(e.site);
  for (size_t row = 0; row < tokens_.size(); ++row) {
    if (tokens_[row]->join && tokens_[row]->subject == site && !tokens_[row]->revoked) {
      tokens_.mutate(row).mutate().revoked = true;
    }
  }
  return {};
}

}  // namespace weir
