#include <algorithm>

#include "core/event/limits.h"
#include "core/units/quantity.h"
#include "service/resource/convert.h"

// Sites, routers, links, data sets, offers and tenants.
namespace weir::resource {
namespace {

struct Coordinates {
  int32_t latitude = 0;
  int32_t longitude = 0;
};

Coordinates place_from(bool given, const v1::Place& place, Checks& checks) {
  Coordinates out;
  if (!given) return out;
  auto degrees = [&](const std::string& path, const std::string& text, int32_t limit) {
    if (text.empty()) {
      checks.missing(path, "write it in degrees, like 30.2741");
      return 0;
    }
    const auto value = parse_degrees_micro(text, limit);
    if (!value) checks.refuse(path, value.error().what, value.error().remedy);
    return value.value_or(0);
  };
  out.latitude = degrees("spec.place.latitude", place.latitude(), 90);
  out.longitude = degrees("spec.place.longitude", place.longitude(), 180);
  return out;
}

Asks asks_from(const v1::Prices& prices, Checks& checks) {
  Asks out;
  out.per_core_hour =
      checks.quantity("spec.asks.core_hour", prices.core_hour(), parse_money_nanocredits, "0.04");
  out.per_gib_hour =
      checks.quantity("spec.asks.gib_hour", prices.gib_hour(), parse_money_nanocredits, "0.005");
  out.per_accelerator_hour = checks.quantity<int64_t>("spec.asks.accelerator_hour", prices.accelerator_hour(),
                                                      parse_money_nanocredits, "1.2", 0);
  return out;
}

// Of the other asks, in thousandths; 0: all of them.
int32_t best_effort_from(const v1::Prices& prices, Checks& checks) {
  const std::string path = "spec.asks.best_effort";
  const auto milli = checks.quantity<int32_t>(path, prices.best_effort(), parse_weight_milli, "0.3", 0);
  checks.require(prices.best_effort().empty() || milli > 0, path, "is zero, and nothing is free", "write it like 0.3");
  checks.require(milli <= 1000, path, "is more than others pay", "write it like 0.3, at most 1");
  return milli;
}

void fill_asks(const Asks& asks, int32_t best_effort_milli, v1::Prices& prices) {
  prices.set_core_hour(format_money(asks.per_core_hour));
  prices.set_gib_hour(format_money(asks.per_gib_hour));
  if (asks.per_accelerator_hour > 0) prices.set_accelerator_hour(format_money(asks.per_accelerator_hour));
  if (best_effort_milli > 0) prices.set_best_effort(format_milli(best_effort_milli));
}

void fill_place(int32_t latitude, int32_t longitude, v1::Place& place) {
  place.set_latitude(format_degrees(latitude));
  place.set_longitude(format_degrees(longitude));
}

std::vector<std::string> residency_from(const std::vector<std::string>& labels, Checks& checks) {
  std::vector<std::string> out = checks.names("spec.residency", labels, limits::kResidencyLabelsMax);
  std::sort(out.begin(), out.end());
  return out;
}

constexpr std::array<std::string_view, 3> kTiers = {"cloud", "edge", "end"};

}  // namespace

std::string_view to_text(Tier tier) { return kTiers[static_cast<size_t>(tier)]; }

Site site_from(const v1::Site& message, Checks& checks) {
  const v1::Site::Spec& spec = message.spec();
  Site out;
  out.spec.name = message.metadata().name();
  out.spec.region = checks.text("spec.region", spec.region(), limits::kTextBytesMax);
  const auto tier = std::find(kTiers.begin(), kTiers.end(), spec.tier());
  if (tier == kTiers.end()) {
    checks.refuse("spec.tier", spec.tier().empty() ? "is missing" : "\"" + spec.tier() + "\" is not a tier",
                  "write cloud, edge or end");
  } else {
    out.spec.tier = static_cast<Tier>(tier - kTiers.begin());
  }
  out.spec.residency = residency_from(strings(spec.residency()), checks);
  const Coordinates place = place_from(spec.has_place(), spec.place(), checks);
  out.spec.latitude_microdegrees = place.latitude;
  out.spec.longitude_microdegrees = place.longitude;
  out.spec.asks = asks_from(spec.asks(), checks);
  out.spec.best_effort_asks_milli = best_effort_from(spec.asks(), checks);
  Power& power = out.spec.power;
  power.idle_mw_per_core =
      checks.quantity("spec.power.idle_per_core", spec.power().idle_per_core(), parse_power_mw, "4W");
  power.peak_mw_per_core =
      checks.quantity("spec.power.peak_per_core", spec.power().peak_per_core(), parse_power_mw, "12W");
  checks.require(power.peak_mw_per_core >= power.idle_mw_per_core, "spec.power.peak_per_core",
                 "is below idle_per_core", "a busy core does not use less than an idle one");
  power.pue_milli = checks.quantity("spec.power.pue", spec.power().pue(), parse_pue_milli, "1.25");
  power.grid_carbon_mg_per_kwh =
      checks.quantity("spec.power.carbon", spec.power().carbon(), parse_carbon_mg_per_kwh, "0.4974kgCO2/kWh");
  out.spec.availability_ppm =
      checks.quantity("spec.availability", spec.availability(), parse_fraction_ppm, "99.9%");
  out.spec.steerable = !spec.has_steerable() || spec.steerable();
  if (spec.has_capacity()) {
    out.cpu_milli = checks.quantity("spec.capacity.cpu", spec.capacity().cpu(), parse_cpu_milli, "0.35");
    out.memory_mib =
        checks.quantity("spec.capacity.memory", spec.capacity().memory(), parse_memory_mib, "1Gi");
    checks.require(out.cpu_milli > 0, "spec.capacity.cpu", "is zero", "");
    checks.require(out.memory_mib > 0, "spec.capacity.memory", "is zero", "");
  }
  out.spec.prefix = checks.prefix("spec.network.prefix", spec.network().prefix());
  out.spec.sid = checks.address("spec.network.sid", spec.network().sid());
  if (!spec.failure_domain().empty()) out.spec.failure_domain = checks.name("spec.failure_domain", spec.failure_domain());
  out.spec.taints = checks.names("spec.taints", strings(spec.taints()), limits::kTaintsMax);
  std::sort(out.spec.taints.begin(), out.spec.taints.end());
  out.spec.hours = hours_from(spec, checks);
  return out;
}

void fill(const Site& value, v1::Site& message) {
  message.mutable_metadata()->set_name(value.spec.name);
  v1::Site::Spec& spec = *message.mutable_spec();
  spec.set_region(value.spec.region);
  spec.set_tier(std::string(to_text(value.spec.tier)));
  for (const auto& label : value.spec.residency) spec.add_residency(label);
  if (value.spec.latitude_microdegrees != 0 || value.spec.longitude_microdegrees != 0) {
    fill_place(value.spec.latitude_microdegrees, value.spec.longitude_microdegrees, *spec.mutable_place());
  }
  fill_asks(value.spec.asks, value.spec.best_effort_asks_milli, *spec.mutable_asks());
  spec.mutable_power()->set_idle_per_core(format_power(value.spec.power.idle_mw_per_core));
  spec.mutable_power()->set_peak_per_core(format_power(value.spec.power.peak_mw_per_core));
  spec.mutable_power()->set_pue(format_milli(value.spec.power.pue_milli));
  spec.mutable_power()->set_carbon(format_carbon(value.spec.power.grid_carbon_mg_per_kwh));
  spec.set_availability(format_fraction(value.spec.availability_ppm));
  spec.set_steerable(value.spec.steerable);
  if (value.cpu_milli > 0) {
    spec.mutable_capacity()->set_cpu(format_cpu(value.cpu_milli));
    spec.mutable_capacity()->set_memory(format_memory(value.memory_mib));
  }
  if (!value.spec.prefix.empty()) spec.mutable_network()->set_prefix(value.spec.prefix);
  if (!value.spec.sid.empty()) spec.mutable_network()->set_sid(value.spec.sid);
  spec.set_failure_domain(value.spec.failure_domain);
  for (const auto& taint : value.spec.taints) spec.add_taints(taint);
  fill(value.spec.hours, spec);
}

Router router_from(const v1::Router& message, Checks& checks) {
  const Coordinates place = place_from(message.spec().has_place(), message.spec().place(), checks);
  return {message.metadata().name(), place.latitude, place.longitude};
}

void fill(const Router& value, v1::Router& message) {
  message.mutable_metadata()->set_name(value.name);
  message.mutable_spec();
  if (value.latitude_microdegrees != 0 || value.longitude_microdegrees != 0) {
    fill_place(value.latitude_microdegrees, value.longitude_microdegrees,
               *message.mutable_spec()->mutable_place());
  }
}

Link link_from(const v1::Link& message, Checks& checks) {
  const v1::Link::Spec& spec = message.spec();
  Link out;
  out.spec.name = message.metadata().name();
  if (spec.between_size() != 2) {
    checks.refuse(
        "spec.between",
        spec.between_size() == 0 ? "is missing" : "has " + std::to_string(spec.between_size()) + " ends",
        "name the two ends: [metro, hangzhou]");
  } else {
    for (int i = 0; i < 2; ++i) {
      out.between[static_cast<size_t>(i)] =
          checks.name("spec.between[" + std::to_string(i) + "]", spec.between(i));
    }
    checks.require(out.between[0] != out.between[1], "spec.between[1]", "is the same as the other end",
                   "a link joins two places");
  }
  out.spec.bandwidth_bps = checks.quantity("spec.rate", spec.rate(), parse_bandwidth_bps, "1Gbps");
  checks.require(out.spec.bandwidth_bps > 0, "spec.rate", "is zero", "write it like 1Gbps");
  if (!spec.delay().empty() && !spec.distance().empty()) {
    checks.refuse("spec.distance", "is given as well as delay", "keep the one that you know better");
  } else if (spec.delay().empty() && spec.distance().empty()) {
    checks.missing("spec.delay", "give delay (one way, like 5ms) or distance (of fibre, like 1200km)");
  } else if (!spec.delay().empty()) {
    out.spec.latency_us = checks.quantity("spec.delay", spec.delay(), parse_duration_us, "5ms");
  } else {
    out.spec.latency_us =
        fibre_delay_us(checks.quantity("spec.distance", spec.distance(), parse_distance_m, "1200km"));
  }
  out.spec.jitter_us = checks.quantity<int64_t>("spec.jitter", spec.jitter(), parse_duration_us, "100us", 0);
  out.spec.loss_ppm = checks.quantity<int32_t>("spec.loss", spec.loss(), parse_fraction_ppm, "0.01%", 0);
  checks.require(out.spec.loss_ppm < kPpm, "spec.loss", "a link that loses everything is none",
                 "remove the link");
  out.spec.availability_ppm =
      checks.quantity("spec.availability", spec.availability(), parse_fraction_ppm, "99.9%");
  out.spec.per_gbps_hour = checks.quantity("spec.price", spec.price(), parse_money_nanocredits, "0.12");
  out.spec.steerable = !spec.has_steerable() || spec.steerable();
  out.queue_us = checks.quantity<int64_t>("spec.queue", spec.queue(), parse_duration_us, "20ms", 0);
  if (spec.sids_size() == 2) {
    out.spec.sid_a = checks.address("spec.sids[0]", spec.sids(0));
    out.spec.sid_b = checks.address("spec.sids[1]", spec.sids(1));
  } else if (spec.sids_size() != 0) {
    checks.refuse("spec.sids", "has " + std::to_string(spec.sids_size()) + " entries",
                  "give one for each end, \"\" for none");
  }
  return out;
}

void fill(const Link& value, v1::Link& message) {
  message.mutable_metadata()->set_name(value.spec.name);
  v1::Link::Spec& spec = *message.mutable_spec();
  for (const auto& end : value.between) spec.add_between(end);
  spec.set_rate(format_bandwidth(value.spec.bandwidth_bps));
  spec.set_delay(format_duration(value.spec.latency_us));
  if (value.spec.jitter_us > 0) spec.set_jitter(format_duration(value.spec.jitter_us));
  if (value.spec.loss_ppm > 0) spec.set_loss(format_fraction(value.spec.loss_ppm));
  spec.set_availability(format_fraction(value.spec.availability_ppm));
  spec.set_price(format_money(value.spec.per_gbps_hour));
  spec.set_steerable(value.spec.steerable);
  if (value.queue_us > 0) spec.set_queue(format_duration(value.queue_us));
  if (!value.spec.sid_a.empty() || !value.spec.sid_b.empty()) {
    spec.add_sids(value.spec.sid_a);
    spec.add_sids(value.spec.sid_b);
  }
}

Dataset dataset_from(const v1::Dataset& message, const Context& context, Checks& checks) {
  Dataset out;
  out.spec.name = message.metadata().name();
  const std::string& tenant = message.metadata().tenant();
  out.tenant = checks.name("metadata.tenant", tenant.empty() ? context.tenant : tenant);
  out.at = checks.names("spec.at", strings(message.spec().at()), limits::kSitesNamedMax);
  checks.require(!out.at.empty(), "spec.at", "is missing", "name the sites that hold the data: [metro]");
  out.spec.at.resize(out.at.size());
  out.spec.residency = residency_from(strings(message.spec().residency()), checks);
  return out;
}

void fill(const Dataset& value, v1::Dataset& message) {
  message.mutable_metadata()->set_name(value.spec.name);
  message.mutable_metadata()->set_tenant(value.tenant);
  for (const auto& site : value.at) message.mutable_spec()->add_at(site);
  for (const auto& label : value.spec.residency) message.mutable_spec()->add_residency(label);
}

Offer offer_from(const v1::Offer& message, Checks& checks) {
  Offer out;
  out.name = message.metadata().name();
  out.site = checks.name("spec.site", message.spec().site());
  out.asks = asks_from(message.spec().asks(), checks);
  out.best_effort_asks_milli = best_effort_from(message.spec().asks(), checks);
  return out;
}

void fill(const Offer& value, v1::Offer& message) {
  message.mutable_metadata()->set_name(value.name);
  message.mutable_spec()->set_site(value.site);
  fill_asks(value.asks, value.best_effort_asks_milli, *message.mutable_spec()->mutable_asks());
}

Tenant tenant_from(const v1::Tenant& message, Checks&) { return {message.metadata().name()}; }

void fill(const Tenant& value, v1::Tenant& message) {
  message.mutable_metadata()->set_name(value.name);
  message.mutable_spec();
}

}  // namespace weir::resource
