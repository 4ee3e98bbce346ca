#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "core/result/result.h"
#include "security/identity/secret.h"

// Where the command line finds its brains: a TOML file of named contexts.
//
//   current = "lab"
//   [contexts.lab]
//   endpoint = "127.0.0.1:7443"
//   ca_fingerprint = "9f86…"         # SHA-256 of the CA's certificate; or, and stronger,
//   ca_certificate = "/etc/weir/ca.crt"
//   token = "weiru.…"                # or one of the brain's identity provider, a JSON Web Token
namespace weir::identity {

struct Context {
  std::string endpoint;             // HOST:PORT or [ADDRESS]:PORT
  std::string ca_fingerprint = {};  // 64 hexadecimal digits, or empty
  std::string ca_certificate = {};  // path of a PEM file, or empty; at least one of the two is given
  SecretText token = {};            // weiru.…, or a JSON Web Token; may be empty
};

struct Contexts {
  std::string current;  // empty, or one of the names
  std::map<std::string, Context> named;
};

inline constexpr size_t kContextFileBytesMax = 64 * 1024;
inline constexpr size_t kContextsMax = 256;

// $XDG_CONFIG_HOME/weir/context.toml, or ~/.config/weir/context.toml; null or empty means unset. kNotFound
// when neither is set.
Result<std::filesystem::path> context_path(const char* xdg_config_home, const char* home);

// Errors: kInvalid, with `where` as "FILE:LINE: contexts.NAME.FIELD". No error repeats a token.
Result<Contexts> parse_contexts(std::string_view text, std::string_view file);

// Fails (kInvalid) on what parse_contexts would refuse.
Result<SecretText> render_contexts(const Contexts& contexts);

// A missing file is an empty set. Errors also as read_private_file: the file holds tokens.
Result<Contexts> load_contexts(const std::filesystem::path& path);

// Writes the file whole, 0600.
Status save_contexts(const Contexts& contexts, const std::filesystem::path& path);

// The context with that name, or the current one for an empty name. kNotFound names the contexts there are.
Result<const Context*> find_context(const Contexts& contexts, std::string_view name);

}  // namespace weir::identity
