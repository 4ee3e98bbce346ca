#include "security/identity/context.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/toml/fields.h"
#include "core/units/text.h"
#include "security/identity/private_file.h"
#include "security/identity/token_text.h"
#include "security/identity/user_token.h"
#include "security/policy/principal.h"

namespace weir::identity {
namespace {

// Three parts of base64url, of which the first is an object of JSON (RFC 7515 section 3.1).
bool is_provider_token(std::string_view text) {
  return text.starts_with("eyJ") && std::count(text.begin(), text.end(), '.') == 2 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
         });
}

namespace fs = std::filesystem;

// Printable, so that no file can smuggle control characters into a terminal or a header.
bool printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_endpoint(std::string_view text) {
  constexpr size_t kHostBytesMax = 253;
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon > kHostBytesMax + 2) return false;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto in_host = [bracketed](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || (bracketed && c == ':');
  };
  if (host.empty() || !std::all_of(host.begin(), host.end(), in_host)) return false;
  const std::string_view port = text.substr(colon + 1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size() && number >= 1 && number <= 65535;
}

// What is wrong with a context, and in which field; shared by reading and writing.
struct Fault {
  std::string_view field;
  std::string what;
  std::string remedy;
};
std::optional<Fault> fault_of(const Context& context) {
  if (!is_endpoint(context.endpoint)) return Fault{"endpoint", "is not HOST:PORT", "e.g. \"127.0.0.1:7443\""};
  if (!context.ca_fingerprint.empty() && !is_fingerprint(context.ca_fingerprint)) {
    return Fault{
        "ca_fingerprint", "is not 64 lower-case hexadecimal digits",
        "copy it from `weir token` or from `openssl x509 -noout -fingerprint -sha256`, without colons"};
  }
  if (!printable(context.ca_certificate) || !valid_utf8(context.ca_certificate) ||
      context.ca_certificate.size() > toml::kTextBytesMax) {
    return Fault{"ca_certificate", "is no path", "give the path of the brain's ca/ca.crt"};
  }
  // A token of the brain's identity provider is the brain's to judge.
  if (!context.token.empty() && !is_provider_token(context.token.reveal())) {
    if (auto token = parse_user_token(context.token.reveal()); !token) {
      return Fault{"token", token.error().what, token.error().remedy};
    }
  }
  if (context.ca_fingerprint.empty() && context.ca_certificate.empty()) {
    return Fault{"", "has neither ca_fingerprint nor ca_certificate",
                 "give one, or the brain cannot be known"};
  }
  return std::nullopt;
}

std::string names_of(const Contexts& contexts) {
  std::string out;
  for (const auto& [name, context] : contexts.named) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "there is none" : "there are: " + out;
}

Result<Context> read_context(const toml::Table& table, std::string_view file) {
  Context context;
  std::string token;
  toml::Fields fields(table, file, table.name + ".");
  fields.text("endpoint", context.endpoint);
  fields.text("ca_fingerprint", context.ca_fingerprint);
  fields.text("ca_certificate", context.ca_certificate);
  fields.text("token", token);
  context.token = SecretText(token);
  if (Status done = fields.done(); !done) return tl::unexpected<Error>(done.error());
  if (const auto fault = fault_of(context)) {
    fields.refuse(fault->field, fault->what, fault->remedy);
    return tl::unexpected<Error>(fields.done().error());
  }
  return context;
}

Result<Contexts> read_all(const std::vector<toml::Table>& tables, std::string_view file) {
  constexpr std::string_view kPrefix = "contexts.";
  Contexts contexts;
  toml::Fields root(tables.front(), file);
  root.text("current", contexts.current);
  if (Status done = root.done(); !done) return tl::unexpected<Error>(done.error());
  for (size_t i = 1; i < tables.size(); ++i) {
    const toml::Table& table = tables[i];
    const auto refuse = [&](std::string what, std::string remedy = {}) {
      return fail(ErrorCode::kInvalid, std::move(what), toml::place(file, table.line, table.name),
                  std::move(remedy));
    };
    if (table.listed || !table.name.starts_with(kPrefix)) {
      return refuse("is no table of this file", "write [contexts.NAME]");
    }
    const std::string name = table.name.substr(kPrefix.size());
    if (!policy::valid_name(name)) return refuse("a context's name is 1 to 63 of a-z, 0-9 and '-'");
    if (contexts.named.size() == kContextsMax) {
      return refuse("there are more than " + std::to_string(kContextsMax) + " contexts");
    }
    auto context = read_context(table, file);
    if (!context) return tl::unexpected<Error>(context.error());
    contexts.named.emplace(name, std::move(*context));
  }
  if (!contexts.current.empty() && !contexts.named.contains(contexts.current)) {
    root.refuse("current", "names no context of this file", names_of(contexts));
    return tl::unexpected<Error>(root.done().error());
  }
  return contexts;
}

// A TOML basic string. The values are known to be printable.
void put_string(std::string& out, std::string_view field, std::string_view value) {
  if (value.empty()) return;
  out += std::string(field) + " = \"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += "\"\n";
}

}  // namespace

Result<fs::path> context_path(const char* xdg_config_home, const char* home) {
  if (xdg_config_home != nullptr && *xdg_config_home == '/')
    return fs::path(xdg_config_home) / "weir" / "context.toml";
  if (home != nullptr && *home != '\0') return fs::path(home) / ".config" / "weir" / "context.toml";
  return fail(ErrorCode::kNotFound, "neither XDG_CONFIG_HOME nor HOME is set", {}, "set HOME");
}

Result<Contexts> parse_contexts(std::string_view text, std::string_view file) {
  if (text.size() > kContextFileBytesMax) {
    return fail(ErrorCode::kInvalid, "has more than " + std::to_string(kContextFileBytesMax) + " bytes",
                std::string(file));
  }
  const auto tables = toml::parse(text, file);
  if (!tables) return tl::unexpected<Error>(tables.error());
  return read_all(*tables, file);
}

Result<SecretText> render_contexts(const Contexts& contexts) {
  if (contexts.named.size() > kContextsMax) {
    return fail(ErrorCode::kInvalid, "there are more than " + std::to_string(kContextsMax) + " contexts");
  }
  if (!contexts.current.empty() && !contexts.named.contains(contexts.current)) {
    return fail(ErrorCode::kInvalid, "no context " + contexts.current, {}, names_of(contexts));
  }
  std::string out;
  out.reserve(kContextFileBytesMax);
  put_string(out, "current", contexts.current);
  for (const auto& [name, context] : contexts.named) {
    if (!policy::valid_name(name)) {
      return fail(ErrorCode::kInvalid, "a context's name is 1 to 63 of a-z, 0-9 and '-'");
    }
    if (const auto fault = fault_of(context)) {
      const std::string field = fault->field.empty() ? "" : "." + std::string(fault->field);
      return fail(ErrorCode::kInvalid, fault->what, "contexts." + name + field, fault->remedy);
    }
    out += "\n[contexts." + name + "]\n";
    put_string(out, "endpoint", context.endpoint);
    put_string(out, "ca_fingerprint", context.ca_fingerprint);
    put_string(out, "ca_certificate", context.ca_certificate);
    put_string(out, "token", context.token.reveal());
  }
  SecretText text(out);
  OPENSSL_cleanse(out.data(), out.size());
  if (text.reveal().size() > kContextFileBytesMax) {
    return fail(ErrorCode::kInvalid,
                "the contexts need more than " + std::to_string(kContextFileBytesMax) + " bytes");
  }
  return text;
}

Result<Contexts> load_contexts(const fs::path& path) {
  const auto file = read_private_file(path);
  if (!file && file.error().code == ErrorCode::kNotFound) return Contexts{};
  if (!file) return tl::unexpected<Error>(file.error());
  return parse_contexts(file->reveal(), path.string());
}

Status save_contexts(const Contexts& contexts, const fs::path& path) {
  const auto text = render_contexts(contexts);
  if (!text) return tl::unexpected<Error>(text.error());
  if (Status folder = make_private_folder(path.has_parent_path() ? path.parent_path() : fs::path("."));
      !folder)
    return folder;
  return write_private_file(path, text->reveal(), Existing::kReplace);
}

Result<const Context*> find_context(const Contexts& contexts, std::string_view name) {
  const std::string wanted(name.empty() ? std::string_view(contexts.current) : name);
  if (wanted.empty()) {
    return fail(ErrorCode::kNotFound, "no context is current", {}, "name one; " + names_of(contexts));
  }
  const auto at = contexts.named.find(wanted);
  if (at == contexts.named.end())
    return fail(ErrorCode::kNotFound, "no context " + wanted, {}, names_of(contexts));
  return &at->second;
}

}  // namespace weir::identity
