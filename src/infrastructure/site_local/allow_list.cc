#include "infrastructure/site_local/allow_list.h"

#include <algorithm>
#include <initializer_list>
#include <limits>

#include "infrastructure/posix/file.h"
#include "infrastructure/site_local/allow_list_text.h"
#include "infrastructure/site_local/artifact_store.h"

namespace weir::site_local {
namespace {

constexpr std::string_view kDigestPrefix = "sha256:";

// The fields of one table, taken with errors that name file, line and field.
class Reader {
 public:
  Reader(const std::string& name, const TomlTable& table, std::string prefix)
      : name_(name), table_(table), prefix_(std::move(prefix)) {}

  Status only(std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, value] : table_.fields) {
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
      std::string known;
      for (const std::string_view k : keys) known.append(known.empty() ? "" : ", ").append(k);
      return fail(ErrorCode::kInvalid, "unknown field", place(value.line, key), "known fields: " + known);
    }
    return {};
  }

  // Leaves `out` when the field is missing and not required.
  Status number(const std::string& key, bool required, uint64_t most, uint64_t& out) const {
    const TomlValue* value = find(key);
    if (value == nullptr) return required ? missing(key) : Status();
    if (value->kind != TomlValue::Kind::kNumber || value->number > most) {
      return fail(ErrorCode::kInvalid, "expected a whole number from 0 to " + std::to_string(most),
                  place(value->line, key));
    }
    out = value->number;
    return {};
  }

  Status text(const std::string& key, std::string& out) const {
    const TomlValue* value = find(key);
    if (value == nullptr) return missing(key);
    if (value->kind != TomlValue::Kind::kText || value->texts.front().text.empty()) {
      return fail(ErrorCode::kInvalid, "expected a text that is not empty", place(value->line, key));
    }
    out = value->texts.front().text;
    return {};
  }

  // `accept` answers with what is wrong with an element, or nothing, and may change it.
  Status texts(const std::string& key, std::vector<std::string>& out,
               std::string (*accept)(std::string&)) const {
    const TomlValue* value = find(key);
    if (value == nullptr) return {};
    if (value->kind != TomlValue::Kind::kTexts) {
      return fail(ErrorCode::kInvalid, "expected a list of texts", place(value->line, key),
                  "write [\"...\"]");
    }
    for (const TomlText& element : value->texts) {
      std::string text = element.text;
      const std::string wrong = accept(text);
      if (!wrong.empty()) return fail(ErrorCode::kInvalid, wrong, place(element.line, key));
      out.push_back(std::move(text));
    }
    return {};
  }

  std::string place(uint32_t line, const std::string& key) const {
    return name_ + ":" + std::to_string(line) + ": " + prefix_ + key;
  }

 private:
  const TomlValue* find(const std::string& key) const {
    const auto found = table_.fields.find(key);
    return found == table_.fields.end() ? nullptr : &found->second;
  }
  Status missing(const std::string& key) const {
    return fail(ErrorCode::kInvalid, "missing", place(table_.line, key), "add it; there is no default");
  }

  const std::string& name_;
  const TomlTable& table_;
  std::string prefix_;
};

std::string wrong_artifact(std::string& value) {
  if (value == "*") return {};
  if (value.starts_with(kDigestPrefix) &&
      valid_digest(std::string_view(value).substr(kDigestPrefix.size()))) {
    value.erase(0, kDigestPrefix.size());
    return {};
  }
  return "expected \"*\" or \"sha256:\" and 64 lower-case hexadecimal digits";
}

std::string wrong_command(std::string& value) {
  if (value.starts_with('/') || value == "*") return {};
  return "expected an absolute path, in which * and ? stand for any characters";
}

Result<TenantRule> parse_rule(const std::string& name, const TomlTable& table, size_t index) {
  const Reader in(name, table, "tenant[" + std::to_string(index) + "].");
  TenantRule rule;
  rule.line = table.line;
  uint64_t memory_mib = 0;
  uint64_t accelerators = 0;
  uint64_t runs = 64;
  constexpr uint64_t kMibMax = std::numeric_limits<uint64_t>::max() >> 20;
  Status ok = in.only(
      {"name", "artifacts", "commands", "cpu_milli_max", "memory_mib_max", "accelerators_max", "runs_max"});
  if (ok) ok = in.text("name", rule.tenant);
  if (ok) ok = in.texts("artifacts", rule.artifacts, wrong_artifact);
  if (ok) ok = in.texts("commands", rule.commands, wrong_command);
  if (ok) ok = in.number("cpu_milli_max", true, 1'000'000'000, rule.cpu_milli_max);
  if (ok) ok = in.number("memory_mib_max", true, kMibMax, memory_mib);
  if (ok) ok = in.number("accelerators_max", false, 1'000'000, accelerators);
  if (ok) ok = in.number("runs_max", false, 1'000'000, runs);
  if (!ok) return tl::unexpected(ok.error());
  rule.memory_bytes_max = memory_mib << 20;
  rule.accelerators_max = static_cast<uint32_t>(accelerators);
  rule.runs_max = static_cast<uint32_t>(runs);
  return rule;
}

}  // namespace

Result<AllowList> AllowList::parse(std::string_view text, const std::string& name) {
  const auto tables = parse_toml_subset(text, name);
  if (!tables) return tl::unexpected(tables.error());
  const Reader in(name, tables->front(), "");
  if (Status ok = in.only({"version"}); !ok) return tl::unexpected(ok.error());
  uint64_t version = 0;
  if (Status ok = in.number("version", true, 1, version); !ok) return tl::unexpected(ok.error());
  if (version != 1) {
    return fail(ErrorCode::kInvalid, "version 0 does not exist",
                in.place(tables->front().fields.at("version").line, "version"), "write 1");
  }
  AllowList out;
  out.name_ = name;
  for (size_t i = 1; i < tables->size(); ++i) {
    const TomlTable& table = (*tables)[i];
    if (table.name != "tenant") {
      return fail(ErrorCode::kInvalid, "unknown table [[" + table.name + "]]",
                  name + ":" + std::to_string(table.line), "write [[tenant]]");
    }
    auto rule = parse_rule(name, table, i - 1);
    if (!rule) return tl::unexpected(rule.error());
    for (const TenantRule& other : out.rules_) {
      if (other.tenant != rule->tenant) continue;
      return fail(ErrorCode::kInvalid,
                  "tenant '" + rule->tenant + "' has a rule already, on line " + std::to_string(other.line),
                  name + ":" + std::to_string(table.line) + ": tenant[" + std::to_string(i - 1) + "].name",
                  "join the two");
    }
    out.rules_.push_back(std::move(*rule));
  }
  return out;
}

Result<AllowList> AllowList::load(const std::filesystem::path& path) {
  const auto text = posix::read_file(path, 4 << 20);
  if (!text) {
    Error error = text.error();
    error.remedy = "write the provider's allow-list there; without one nothing may run";
    return tl::unexpected(error);
  }
  return parse(*text, path.string());
}

Status AllowList::check(const RunSpec& spec, std::string_view program, const TenantHoldings& holdings) const {
  const TenantRule* rule = nullptr;
  for (const TenantRule& candidate : rules_) {
    if (candidate.tenant == spec.tenant) rule = &candidate;
    if (candidate.tenant == "*" && rule == nullptr) rule = &candidate;
  }
  if (rule == nullptr) {
    return fail(ErrorCode::kDenied, "the provider allows no work of tenant '" + spec.tenant + "'", name_,
                "the provider may add a [[tenant]] of that name");
  }
  const std::string where = name_ + ":" + std::to_string(rule->line) + ": tenant '" + rule->tenant + "'";
  if (!spec.artifact.digest.empty()) {
    const auto allowed = [&](const std::string& a) { return a == "*" || a == spec.artifact.digest; };
    if (std::none_of(rule->artifacts.begin(), rule->artifacts.end(), allowed)) {
      return fail(ErrorCode::kDenied, "artifact sha256:" + spec.artifact.digest + " is not allowed",
                  where + ".artifacts");
    }
  }
  if (!program.empty()) {
    const auto allowed = [&](const std::string& glob) { return glob_matches(glob, program); };
    if (std::none_of(rule->commands.begin(), rule->commands.end(), allowed)) {
      return fail(ErrorCode::kDenied, "command " + std::string(program) + " is not allowed",
                  where + ".commands");
    }
  }
  struct Bound {
    const char* field;
    uint64_t asked, held, most;
  };
  for (const Bound& bound :
       {Bound{"cpu_milli_max", spec.cpu_milli, holdings.cpu_milli, rule->cpu_milli_max},
        Bound{"memory_mib_max", spec.memory_bytes, holdings.memory_bytes, rule->memory_bytes_max},
        Bound{"accelerators_max", spec.accelerators, holdings.accelerators, rule->accelerators_max},
        Bound{"runs_max", 1, holdings.runs, rule->runs_max}}) {
    if (bound.asked <= bound.most && bound.held <= bound.most - bound.asked) continue;
    const bool never = bound.asked > bound.most;
    return fail(never ? ErrorCode::kDenied : ErrorCode::kExhausted,
                "asks for " + std::to_string(bound.asked) + " and holds " + std::to_string(bound.held) +
                    " of " + std::to_string(bound.most) +
                    (std::string_view(bound.field) == "memory_mib_max" ? " bytes" : ""),
                where + "." + bound.field);
  }
  return {};
}

bool glob_matches(std::string_view pattern, std::string_view text) {
  // Greedy with one point of return: linear in practice, never worse than |pattern| · |text|.
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace weir::site_local
