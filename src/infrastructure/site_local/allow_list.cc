#include "infrastructure/site_local/allow_list.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <initializer_list>
#include <limits>

#include "infrastructure/posix/file.h"
#include "infrastructure/site_local/artifact_store.h"

namespace weir::site_local {
namespace {

constexpr std::string_view kDigestPrefix = "sha256:";

std::string place(const std::string& name, const toml::source_region& source, const std::string& field) {
  return name + ":" + std::to_string(source.begin.line) + (field.empty() ? "" : ": " + field);
}

class Reader {
 public:
  Reader(const std::string& name, const toml::table& table, std::string prefix)
      : name_(name), table_(table), prefix_(std::move(prefix)) {}

  Status only(std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, value] : table_) {
      if (std::find(keys.begin(), keys.end(), key.str()) != keys.end()) continue;
      std::string known;
      for (const std::string_view k : keys) known.append(known.empty() ? "" : ", ").append(k);
      return fail(ErrorCode::kInvalid, "unknown field",
                  place(name_, key.source(), prefix_ + std::string(key.str())), "known fields: " + known);
    }
    return {};
  }

  // Leaves `out` when the field is missing and not required.
  Status number(std::string_view key, bool required, uint64_t most, uint64_t& out) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return required ? missing(key) : Status();
    const auto value = node->value_exact<int64_t>();
    if (!value || *value < 0 || static_cast<uint64_t>(*value) > most) {
      return fail(ErrorCode::kInvalid, "expected a whole number from 0 to " + std::to_string(most),
                  at(key, *node));
    }
    out = static_cast<uint64_t>(*value);
    return {};
  }

  Status text(std::string_view key, std::string& out) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return missing(key);
    const auto value = node->value_exact<std::string>();
    if (!value || value->empty())
      return fail(ErrorCode::kInvalid, "expected a text that is not empty", at(key, *node));
    out = *value;
    return {};
  }

  // `accept` answers with what is wrong with an element, or nothing.
  template <class Accept>
  Status texts(std::string_view key, std::vector<std::string>& out, Accept accept) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    const toml::array* array = node->as_array();
    if (array == nullptr)
      return fail(ErrorCode::kInvalid, "expected a list of texts", at(key, *node), "write [\"...\"]");
    for (const toml::node& element : *array) {
      auto value = element.value_exact<std::string>();
      const std::string wrong = value ? accept(*value) : "expected a text";
      if (!wrong.empty()) return fail(ErrorCode::kInvalid, wrong, at(key, element));
      out.push_back(*value);
    }
    return {};
  }

  std::string at(std::string_view key, const toml::node& node) const {
    return place(name_, node.source(), prefix_ + std::string(key));
  }

 private:
  Status missing(std::string_view key) const {
    return fail(ErrorCode::kInvalid, "missing", place(name_, table_.source(), prefix_ + std::string(key)),
                "add it; there is no default");
  }

  const std::string& name_;
  const toml::table& table_;
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

std::string wrong_command(const std::string& value) {
  if (value.starts_with('/') || value == "*") return {};
  return "expected an absolute path, in which * and ? stand for any characters";
}

Result<TenantRule> parse_rule(const std::string& name, const toml::table& table, size_t index) {
  const Reader in(name, table, "tenant[" + std::to_string(index) + "].");
  TenantRule rule;
  rule.line = table.source().begin.line;
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
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    return fail(ErrorCode::kInvalid, std::string(parsed.error().description()),
                place(name, parsed.error().source(), ""));
  }
  const toml::table& root = parsed.table();
  const Reader in(name, root, "");
  if (Status ok = in.only({"version", "tenant"}); !ok) return tl::unexpected(ok.error());
  uint64_t version = 0;
  if (Status ok = in.number("version", true, 1, version); !ok) return tl::unexpected(ok.error());
  if (version != 1) {
    return fail(ErrorCode::kInvalid, "version 0 does not exist", in.at("version", *root.get("version")),
                "write 1");
  }
  AllowList out;
  out.name_ = name;
  const toml::node* tenants = root.get("tenant");
  if (tenants == nullptr) return out;
  const toml::array* array = tenants->as_array();
  if (array == nullptr) {
    return fail(ErrorCode::kInvalid, "expected a list of tables", in.at("tenant", *tenants),
                "write [[tenant]]");
  }
  for (size_t i = 0; i < array->size(); ++i) {
    const toml::table* table = (*array)[i].as_table();
    if (table == nullptr) {
      return fail(ErrorCode::kInvalid, "expected a table", in.at("tenant", (*array)[i]), "write [[tenant]]");
    }
    auto rule = parse_rule(name, *table, i);
    if (!rule) return tl::unexpected(rule.error());
    for (const TenantRule& other : out.rules_) {
      if (other.tenant != rule->tenant) continue;
      return fail(ErrorCode::kInvalid,
                  "tenant '" + rule->tenant + "' has a rule already, on line " + std::to_string(other.line),
                  place(name, table->source(), "tenant[" + std::to_string(i) + "].name"), "join the two");
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
