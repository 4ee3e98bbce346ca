// Files of settings: never a crash, errors that a terminal can show, and the same tables again from what was
// accepted, written anew.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/toml/parse.h"

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string written(const weir::toml::Value& value) {
  using Kind = weir::toml::Value::Kind;
  if (value.kind == Kind::kWhole) return std::to_string(value.whole);
  if (value.kind == Kind::kTruth) return value.truth ? "true" : "false";
  if (value.kind == Kind::kText) return quoted(value.texts.at(0).text);
  std::string out = "[";
  for (const auto& text : value.texts) out += quoted(text.text) + ", ";
  return out + "]";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::toml;
  const auto tables = parse({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  if (!tables) {
    if (!tables.error().where.starts_with("fuzz.toml")) std::abort();
    for (const char c : tables.error().text()) {
      if (static_cast<unsigned char>(c) < 0x20) std::abort();
    }
    return 0;
  }
  std::string text;
  for (const Table& table : *tables) {
    if (!table.name.empty()) text += table.listed ? "[[" + table.name + "]]\n" : "[" + table.name + "]\n";
    for (const Field& field : table.fields) text += quoted(field.name) + " = " + written(field.value) + "\n";
  }
  if (text.size() > kFileBytesMax) return 0;
  const auto again = parse(text, "fuzz.toml");
  if (!again || again->size() != tables->size()) std::abort();
  for (size_t i = 0; i < tables->size(); ++i) {
    const Table &a = (*tables)[i], &b = (*again)[i];
    if (a.name != b.name || a.listed != b.listed || a.fields.size() != b.fields.size()) std::abort();
    for (size_t k = 0; k < a.fields.size(); ++k) {
      if (a.fields[k].name != b.fields[k].name || written(a.fields[k].value) != written(b.fields[k].value))
        std::abort();
    }
  }
  return 0;
}
