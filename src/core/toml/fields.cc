#include "core/toml/fields.h"

#include <algorithm>

#include "core/units/text.h"

namespace weir::toml {

Fields::Fields(const Table& table, std::string_view file, std::string prefix)
    : table_(table), file_(file), prefix_(std::move(prefix)) {}

const Value* Fields::take(std::string_view name) {
  if (std::find(known_.begin(), known_.end(), name) == known_.end()) known_.push_back(name);
  return error_ ? nullptr : table_.find(name);
}

bool Fields::text(std::string_view name, std::string& out) {
  const Value* value = take(name);
  if (value == nullptr) return false;
  if (value->kind != Value::Kind::kText) {
    refuse(name, "must be a text", "write it in quotes: \"...\"");
    return false;
  }
  out = value->texts.front().text;
  return true;
}

bool Fields::texts(std::string_view name, std::vector<Text>& out) {
  const Value* value = take(name);
  if (value == nullptr) return false;
  if (value->kind != Value::Kind::kTexts) {
    refuse(name, "must be a list of texts", "write [\"a\", \"b\"]");
    return false;
  }
  out = value->texts;
  return true;
}

bool Fields::whole(std::string_view name, int64_t low, int64_t high, int64_t& out) {
  const Value* value = take(name);
  if (value == nullptr) return false;
  if (value->kind != Value::Kind::kWhole || value->whole < low || value->whole > high) {
    refuse(name, "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high),
           value->kind == Value::Kind::kText ? "write it without quotes" : "");
    return false;
  }
  out = value->whole;
  return true;
}

bool Fields::truth(std::string_view name, bool& out) {
  const Value* value = take(name);
  if (value == nullptr) return false;
  if (value->kind != Value::Kind::kTruth) {
    refuse(name, "must be true or false", "write it without quotes");
    return false;
  }
  out = value->truth;
  return true;
}

void Fields::require(std::string_view name, std::string remedy) {
  if (take(name) == nullptr) refuse(name, "is missing", std::move(remedy));
}

void Fields::refuse(std::string_view name, std::string what, std::string remedy, uint32_t line) {
  if (error_) return;
  const Value* value = table_.find(name);
  if (line == 0) line = value == nullptr ? table_.line : value->line;
  std::string field = prefix_ + std::string(name);
  if (field.ends_with('.')) field.pop_back();
  error_ = Error{ErrorCode::kInvalid, std::move(what), place(file_, line, field), std::move(remedy)};
}

Status Fields::done() {
  for (const Field& field : table_.fields) {
    if (std::find(known_.begin(), known_.end(), field.name) == known_.end()) {
      refuse(field.name, "is unknown", meant(field.name, known_));
    }
  }
  if (error_) return tl::unexpected(*error_);
  return {};
}

std::string meant(std::string_view name, const std::vector<std::string_view>& known) {
  if (const std::string_view near = nearest(name, known); !near.empty())
    return "did you mean \"" + std::string(near) + "\"?";
  std::string out;
  for (size_t i = 0; i < known.size(); ++i) {
    out += (i == 0 ? "" : i + 1 == known.size() ? " and " : ", ") + std::string(known[i]);
  }
  return known.empty() ? "nothing is known here" : (known.size() == 1 ? "known is " : "known are ") + out;
}

}  // namespace weir::toml
