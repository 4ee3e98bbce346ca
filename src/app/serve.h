#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/event/event.h"
#include "core/result/result.h"
#include "security/openid/settings.h"
#include "service/gateway/rate_limit.h"
#include "service/webhook/webhooks.h"

namespace weir::app {

// How sentences are understood.
struct LanguageConfig {
  bool embedded = true;         // by the model that is built in; false: by rules alone
  std::string endpoint;         // base address of an OpenAI-compatible one that helps; empty: none
  std::string model;            // what the endpoint calls it
  std::string key_file;         // with the endpoint's key; empty: it needs none
  std::string ca_file;          // empty: whom the system trusts
  int64_t timeout_ms = 3'000;
};

// What `weir serve` reads from its file (TOML) and its flags.
struct ServeConfig {
  std::string data;                         // directory: ledger/, ca/, webhooks/, brain.pem, context.toml
  std::string listen = "127.0.0.1:7443";    // gRPC, for agents and users
  std::string rest = "127.0.0.1:7480";      // REST, events and metrics over TLS; empty: none
  std::string artifacts;                    // directory; empty: DATA/artifacts
  std::vector<std::string> names;           // further names and addresses in the brain's certificate
  std::string advertise;                    // endpoint written into context.toml; empty: `listen`
  uint32_t deciders = 1;
  int64_t checkpoint_events = 100'000;
  int64_t pass_seconds = 60;                // between passes over the whole domain; 0: none
  webhook::Options webhooks;
  bool learning = true;                     // dialogues are recorded, and shape later answers to their tenant
  DomainCreated genesis;                    // of a new ledger
  std::optional<openid::Settings> oidc;     // sign-in by an identity provider
  gateway::RateSettings rates;              // of callers over REST
  std::string oidc_secret_file;             // what becomes its client_secret; empty: a public client
  LanguageConfig language;
};

// Defaults, with the service prefix and the price parameters of a new domain.
ServeConfig default_serve_config();
// kInvalid: "FILE:LINE: field: what; remedy".
Result<ServeConfig> parse_serve_config(std::string_view text, std::string_view file);

// Serves until SIGTERM or SIGINT, or until the ledger fails.
Status serve(const ServeConfig& config);

}  // namespace weir::app
