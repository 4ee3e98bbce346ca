#include <toml++/toml.h>

#include <filesystem>

#include "app/serve.h"
#include "core/units/quantity.h"

namespace weir::app {
namespace {

// Reads known keys from a table and remembers the first that is wrong.
class Table {
 public:
  Table(const toml::table& table, std::string_view file, std::string path)
      : table_(table), file_(file), path_(std::move(path)) {}

  void text(std::string_view key, std::string& out) {
    const toml::node* node = use(key);
    if (!node) return;
    if (const auto value = node->value_exact<std::string>()) {
      out = *value;
    } else {
      refuse(*node, key, "is not a text", "write it in quotes");
    }
  }
  void texts(std::string_view key, std::vector<std::string>& out) {
    const toml::node* node = use(key);
    if (!node) return;
    const toml::array* array = node->as_array();
    if (!array) return refuse(*node, key, "is not a list", "write [\"a\", \"b\"]");
    for (const toml::node& item : *array) {
      const auto value = item.value_exact<std::string>();
      if (!value) return refuse(item, key, "holds something that is not a text", "");
      out.push_back(*value);
    }
  }
  void number(std::string_view key, int64_t low, int64_t high, int64_t& out) {
    const toml::node* node = use(key);
    if (!node) return;
    const auto value = node->value_exact<int64_t>();
    if (!value || *value < low || *value > high) {
      return refuse(*node, key, "is not a whole number between " + std::to_string(low) + " and " + std::to_string(high), "");
    }
    out = *value;
  }
  void money(std::string_view key, Nanocredits& out) {
    const toml::node* node = use(key);
    if (!node) return;
    const auto text = node->value_exact<std::string>();
    const auto value = parse_money_nanocredits(text ? *text : "");
    if (!value) return refuse(*node, key, "is no amount of credits", "write it as a text like \"0.5\"");
    out = *value;
  }
  const toml::table* table(std::string_view key) {
    const toml::node* node = use(key);
    if (!node) return nullptr;
    if (!node->as_table()) refuse(*node, key, "is not a table", "");
    return node->as_table();
  }
  Status done() {
    for (const auto& [key, node] : table_) {
      if (std::find(used_.begin(), used_.end(), key.str()) == used_.end()) {
        refuse(node, key.str(), "is unknown", "docs/reference/serve.md lists the fields");
      }
    }
    if (error_) return tl::unexpected(*error_);
    return {};
  }

 private:
  const toml::node* use(std::string_view key) {
    used_.emplace_back(key);
    return table_.get(key);
  }
  void refuse(const toml::node& node, std::string_view key, std::string what, std::string remedy) {
    if (error_) return;
    error_ = Error{ErrorCode::kInvalid, std::move(what),
                   std::string(file_) + ":" + std::to_string(node.source().begin.line) + ": " + path_ + std::string(key),
                   std::move(remedy)};
  }
  const toml::table& table_;
  std::string_view file_;
  std::string path_;
  std::vector<std::string> used_;
  std::optional<Error> error_;
};

}  // namespace

ServeConfig default_serve_config() {
  ServeConfig out;
  out.genesis.name = "weir";
  // A region's own prefix of unique local addresses (RFC 4193).
  out.genesis.service_prefix = "fd77:77:77:77::/64";
  out.genesis.carbon_price_per_kg = kCredit / 10;
  out.genesis.scarcity_core_hour = kCredit;
  out.genesis.scarcity_gib_hour = kCredit / 10;
  out.genesis.scarcity_accelerator_hour = 10 * kCredit;
  out.genesis.scarcity_gbps_hour = kCredit;
  return out;
}

Result<ServeConfig> parse_serve_config(std::string_view text, std::string_view file) {
  ServeConfig out = default_serve_config();
  toml::table root;
  try {
    root = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kInvalid, std::string(error.description()),
                std::string(file) + ":" + std::to_string(error.source().begin.line));
  }
  Table top(root, file, "");
  top.text("data", out.data);
  top.text("listen", out.listen);
  top.text("rest", out.rest);
  top.text("artifacts", out.artifacts);
  top.text("advertise", out.advertise);
  top.texts("names", out.names);
  int64_t deciders = out.deciders;
  top.number("deciders", 1, 64, deciders);
  out.deciders = static_cast<uint32_t>(deciders);
  top.number("checkpoint_events", 1'000, 1'000'000'000, out.checkpoint_events);
  if (const toml::table* domain = top.table("domain")) {
    Table t(*domain, file, "domain.");
    t.text("name", out.genesis.name);
    t.text("service_prefix", out.genesis.service_prefix);
    t.money("carbon_price_per_kg", out.genesis.carbon_price_per_kg);
    t.money("scarcity_core_hour", out.genesis.scarcity_core_hour);
    t.money("scarcity_gib_hour", out.genesis.scarcity_gib_hour);
    t.money("scarcity_accelerator_hour", out.genesis.scarcity_accelerator_hour);
    t.money("scarcity_gbps_hour", out.genesis.scarcity_gbps_hour);
    if (const Status done = t.done(); !done) return tl::unexpected(done.error());
  }
  if (const Status done = top.done(); !done) return tl::unexpected(done.error());
  return out;
}

}  // namespace weir::app
