#include "infrastructure/site_local/allow_list.h"

#include <algorithm>
#include <limits>

#include "core/toml/fields.h"
#include "infrastructure/posix/file.h"
#include "infrastructure/site_local/artifact_store.h"

namespace weir::site_local {
namespace {

constexpr std::string_view kDigestPrefix = "sha256:";

// A list of texts; `accept` answers with what is wrong with an element, or nothing, and may change it.
void elements(toml::Fields& fields, std::string_view name, std::vector<std::string>& out,
              std::string (*accept)(std::string&)) {
  std::vector<toml::Text> texts;
  fields.texts(name, texts);
  for (toml::Text& element : texts) {
    std::string wrong = accept(element.text);
    if (!wrong.empty()) return fields.refuse(name, std::move(wrong), {}, element.line);
    out.push_back(std::move(element.text));
  }
}

void number(toml::Fields& fields, std::string_view name, int64_t most, uint64_t& out) {
  auto value = static_cast<int64_t>(out);
  fields.whole(name, 0, most, value);
  out = static_cast<uint64_t>(value);
}

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

Result<TenantRule> parse_rule(const std::string& name, const toml::Table& table, size_t index) {
  constexpr int64_t kMibMax = int64_t{1} << 43;  // so that bytes fit
  toml::Fields fields(table, name, "tenant[" + std::to_string(index) + "].");
  TenantRule rule;
  rule.line = table.line;
  uint64_t memory_mib = 0;
  uint64_t accelerators = 0;
  uint64_t runs = 64;
  if (fields.text("name", rule.tenant) && rule.tenant.empty()) {
    fields.refuse("name", "is empty", "name a tenant, or write \"*\" for every other");
  }
  elements(fields, "artifacts", rule.artifacts, wrong_artifact);
  elements(fields, "commands", rule.commands, wrong_command);
  number(fields, "cpu_milli_max", 1'000'000'000, rule.cpu_milli_max);
  number(fields, "memory_mib_max", kMibMax, memory_mib);
  number(fields, "accelerators_max", 1'000'000, accelerators);
  number(fields, "runs_max", 1'000'000, runs);
  for (const char* needed : {"name", "cpu_milli_max", "memory_mib_max"}) fields.require(needed);
  if (Status done = fields.done(); !done) return tl::unexpected(done.error());
  rule.memory_bytes_max = memory_mib << 20;
  rule.accelerators_max = static_cast<uint32_t>(accelerators);
  rule.runs_max = static_cast<uint32_t>(runs);
  return rule;
}

}  // namespace

Result<AllowList> AllowList::parse(std::string_view text, const std::string& name) {
  const auto tables = toml::parse(text, name);
  if (!tables) return tl::unexpected(tables.error());
  toml::Fields root(tables->front(), name);
  int64_t version = 0;
  root.require("version", "write version = 1");
  if (root.whole("version", 0, std::numeric_limits<int64_t>::max(), version) && version != 1) {
    root.refuse("version", "version " + std::to_string(version) + " is unknown here", "write 1");
  }
  if (Status done = root.done(); !done) return tl::unexpected(done.error());
  AllowList out;
  out.name_ = name;
  for (size_t i = 1; i < tables->size(); ++i) {
    const toml::Table& table = (*tables)[i];
    if (table.name != "tenant" || !table.listed) {
      return fail(ErrorCode::kInvalid, "is no table of this file", toml::place(name, table.line, table.name),
                  "write [[tenant]]");
    }
    auto rule = parse_rule(name, table, i - 1);
    if (!rule) return tl::unexpected(rule.error());
    for (const TenantRule& other : out.rules_) {
      if (other.tenant != rule->tenant) continue;
      return fail(ErrorCode::kInvalid,
                  "tenant '" + rule->tenant + "' has a rule already, on line " + std::to_string(other.line),
                  toml::place(name, table.line, "tenant[" + std::to_string(i - 1) + "].name"),
                  "join the two");
    }
    out.rules_.push_back(std::move(*rule));
  }
  return out;
}

Result<AllowList> AllowList::load(const std::filesystem::path& path) {
  const auto text = posix::read_file(path, toml::kFileBytesMax);
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
        Bound{"accelerators_max", accelerators_taken_milli(spec), holdings.accelerator_milli, uint64_t{1000} * rule->accelerators_max},
        Bound{"runs_max", 1, holdings.runs, rule->runs_max}}) {
    if (bound.asked <= bound.most && bound.held <= bound.most - bound.asked) continue;
    const bool never = bound.asked > bound.most;
    // What is said goes to the tenant; the provider's figures stand in the remedy, for the provider's log.
    return fail(never ? ErrorCode::kDenied : ErrorCode::kExhausted,
                never ? "is more than the provider ever allows this tenant"
                      : "is more than the provider allows this tenant beside what it runs already",
                where + "." + bound.field,
                "it asks for " + std::to_string(bound.asked) + " and holds " + std::to_string(bound.held) +
                    " of " + std::to_string(bound.most) +
                    (std::string_view(bound.field) == "memory_mib_max"     ? " bytes"
                     : std::string_view(bound.field) == "accelerators_max" ? " thousandths"
                                                                           : ""));
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
