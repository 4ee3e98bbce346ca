// Tokens, key sets and descriptions of a provider: whatever comes is taken or refused with a reason, and nothing that is not signed passes.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "security/openid/attempt.h"
#include "security/openid/base64url.h"
#include "security/openid/provider.h"

namespace {

void require_reason(const weir::Error& error) {
  if (error.what.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::openid;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0: {
      if (const auto bytes = from_base64url(text); bytes && to_base64url(*bytes) != text) std::abort();
      break;
    }
    case 1: {
      const auto token = parse_jwt(text);
      if (!token) return require_reason(token.error()), 0;
      if (token->claims.subject.empty() || token->claims.audience.empty() || !text.starts_with(token->signed_part)) std::abort();
      static const KeySet keys = *parse_key_set(R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
      if (const weir::Status good = keys.verify_signature(*token); !good) require_reason(good.error());
      break;
    }
    case 2: {
      const auto keys = parse_key_set(text);
      if (!keys) return require_reason(keys.error()), 0;
      if (keys->size() == 0 || keys->size() > kKeysMax) std::abort();
      break;
    }
    case 3: {
      const auto description = parse_description(text, "https://i");
      if (!description) return require_reason(description.error()), 0;
      if (wrong_endpoint(description->token) || wrong_endpoint(description->keys) || wrong_endpoint(description->authorization)) std::abort();
      break;
    }
    case 4: {
      static const auto key = *draw_attempt_key();
      const size_t half = text.size() / 2;
      if (resume_attempt(key, text.substr(0, half), text.substr(half), 1'800'000'000)) std::abort();
      if (claim_texts(text.substr(0, half), text.substr(half)).size() > kClaimTextsMax) std::abort();
      if (!weir::policy::valid_name(ledger_name(text.substr(0, half), text.substr(half), "s"))) std::abort();
      break;
    }
  }
  return 0;
}
