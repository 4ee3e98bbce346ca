#include "security/identity/context.h"

#include <openssl/crypto.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "security/identity/private_file.h"
#include "security/identity/token_text.h"
#include "security/identity/user_token.h"
#include "security/policy/principal.h"

namespace weir::identity {
namespace {

namespace fs = std::filesystem;

// Printable, so that no file can smuggle control characters into a terminal or a header.
bool printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// A longer field name is not repeated: someone may have pasted a token in the wrong place.
constexpr size_t kFieldBytesShown = 100;

struct Place {
  std::string_view file;
  std::string field;
  uint32_t line = 0;

  std::string text() const {
    std::string out(file);
    if (line != 0) out += ":" + std::to_string(line);
    if (field.empty()) return out;
    return out + ": " + (printable(field) && field.size() <= kFieldBytesShown ? field : "a field");
  }
};

tl::unexpected<Error> refuse(const Place& place, std::string what, std::string remedy = {}) {
  return fail(ErrorCode::kInvalid, std::move(what), place.text(), std::move(remedy));
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
  if (!printable(context.ca_certificate)) return Fault{"ca_certificate", "is no path", {}};
  if (!context.token.empty()) {
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

uint32_t line_of(const toml::node& node) { return static_cast<uint32_t>(node.source().begin.line); }

Result<Context> read_context(const toml::table& table, const std::string& name, std::string_view file) {
  Context context;
  const std::string prefix = "contexts." + name;
  for (const auto& [key, node] : table) {
    const Place place{file, prefix + "." + std::string(key.str()), line_of(node)};
    const auto* text = node.as_string();
    if (text == nullptr) return refuse(place, "must be a string");
    if (key == "endpoint") {
      context.endpoint = text->get();
    } else if (key == "ca_fingerprint") {
      context.ca_fingerprint = text->get();
    } else if (key == "ca_certificate") {
      context.ca_certificate = text->get();
    } else if (key == "token") {
      context.token = SecretText(text->get());
    } else {
      return refuse(place, "is unknown", "known are endpoint, ca_fingerprint, ca_certificate and token");
    }
  }
  if (const auto fault = fault_of(context)) {
    Place place{file, prefix, line_of(table)};
    if (!fault->field.empty()) {
      place.field += "." + std::string(fault->field);
      if (const toml::node* node = table.get(fault->field)) place.line = line_of(*node);
    }
    return refuse(place, fault->what, fault->remedy);
  }
  return context;
}

Result<Contexts> read_all(const toml::table& root, std::string_view file) {
  Contexts contexts;
  for (const auto& [key, node] : root) {
    const Place place{file, std::string(key.str()), line_of(node)};
    if (key == "current") {
      const auto* text = node.as_string();
      if (text == nullptr) return refuse(place, "must be a string");
      contexts.current = text->get();
    } else if (key == "contexts") {
      const toml::table* named = node.as_table();
      if (named == nullptr) return refuse(place, "must be a table");
      for (const auto& [name, entry] : *named) {
        const std::string text(name.str());
        const Place at{file, "contexts." + text, line_of(entry)};
        if (!policy::valid_name(text)) return refuse(at, "a context's name is 1 to 63 of a-z, 0-9 and '-'");
        if (contexts.named.size() == kContextsMax) {
          return refuse(at, "there are more than " + std::to_string(kContextsMax) + " contexts");
        }
        const toml::table* table = entry.as_table();
        if (table == nullptr) return refuse(at, "must be a table");
        auto context = read_context(*table, text, file);
        if (!context) return tl::unexpected<Error>(context.error());
        contexts.named.emplace(text, std::move(*context));
      }
    } else {
      return refuse(place, "is unknown", "known are current and contexts");
    }
  }
  if (!contexts.current.empty() && !contexts.named.contains(contexts.current)) {
    return refuse(Place{file, "current", line_of(*root.get("current"))}, "names no context of this file");
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

std::string names_of(const Contexts& contexts) {
  std::string out;
  for (const auto& [name, context] : contexts.named) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "there is none" : "there are: " + out;
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
    return refuse(Place{file, {}, 0}, "has more than " + std::to_string(kContextFileBytesMax) + " bytes");
  }
  try {
    return read_all(toml::parse(text), file);
  } catch (const toml::parse_error& error) {
    // The library's description quotes the input, which may be a token.
    return refuse(Place{file, {}, static_cast<uint32_t>(error.source().begin.line)}, "is not TOML here",
                  "values stand in double quotes; docs/reference/files.md has an example");
  }
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
