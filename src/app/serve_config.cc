#include "app/serve.h"
#include "core/toml/fields.h"
#include "core/units/quantity.h"

namespace weir::app {
namespace {

void money(toml::Fields& fields, std::string_view name, Nanocredits& out) {
  std::string text;
  if (!fields.text(name, text)) return;
  const auto value = parse_money_nanocredits(text);
  if (value) {
    out = *value;
  } else {
    fields.refuse(name, "is no amount of credits", "write it as a text like \"0.5\"");
  }
}

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
  const auto tables = toml::parse(text, file);
  if (!tables) return tl::unexpected(tables.error());
  toml::Fields top(tables->front(), file);
  top.text("data", out.data);
  top.text("listen", out.listen);
  top.text("rest", out.rest);
  top.text("artifacts", out.artifacts);
  top.text("advertise", out.advertise);
  std::vector<toml::Text> names;
  top.texts("names", names);
  for (toml::Text& name : names) out.names.push_back(std::move(name.text));
  int64_t deciders = out.deciders;
  top.whole("deciders", 1, 64, deciders);
  out.deciders = static_cast<uint32_t>(deciders);
  top.whole("checkpoint_events", 1'000, 1'000'000'000, out.checkpoint_events);
  top.whole("pass_seconds", 0, 86'400, out.pass_seconds);
  if (const Status done = top.done(); !done) return tl::unexpected(done.error());
  for (size_t i = 1; i < tables->size(); ++i) {
    const toml::Table& table = (*tables)[i];
    if (table.name != "domain" || table.listed) {
      return fail(ErrorCode::kInvalid, "is no table of this file", toml::place(file, table.line, table.name),
                  "write [domain]");
    }
    toml::Fields domain(table, file, "domain.");
    domain.text("name", out.genesis.name);
    domain.text("service_prefix", out.genesis.service_prefix);
    money(domain, "carbon_price_per_kg", out.genesis.carbon_price_per_kg);
    money(domain, "scarcity_core_hour", out.genesis.scarcity_core_hour);
    money(domain, "scarcity_gib_hour", out.genesis.scarcity_gib_hour);
    money(domain, "scarcity_accelerator_hour", out.genesis.scarcity_accelerator_hour);
    money(domain, "scarcity_gbps_hour", out.genesis.scarcity_gbps_hour);
    if (const Status done = domain.done(); !done) return tl::unexpected(done.error());
  }
  return out;
}

}  // namespace weir::app
