#include "infrastructure/lab/lab_spec.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>
#include <set>
#include <sstream>

#include "core/units/quantity.h"
#include "infrastructure/lab/address_plan.h"
#include "infrastructure/lab/yaml_map.h"

namespace weir::lab {
namespace {

struct Place {
  int32_t latitude_microdegrees = 0;
  int32_t longitude_microdegrees = 0;
};

struct ParsedLink {
  LabLink link;
  std::vector<std::string> between;
  std::optional<int64_t> delay_us;
  std::optional<int64_t> distance_m;
  int line = 0;
};

// Great-circle distance on a sphere of the earth's mean radius, 6371.009 km (IUGG); haversine formula.
int64_t great_circle_m(const Place& a, const Place& b) {
  constexpr double kRadiansPerMicrodegree = std::numbers::pi / 180e6;
  const double lat_a = a.latitude_microdegrees * kRadiansPerMicrodegree;
  const double lat_b = b.latitude_microdegrees * kRadiansPerMicrodegree;
  const double lon = (b.longitude_microdegrees - a.longitude_microdegrees) * kRadiansPerMicrodegree;
  const double h = std::pow(std::sin((lat_b - lat_a) / 2), 2) +
                   std::cos(lat_a) * std::cos(lat_b) * std::pow(std::sin(lon / 2), 2);
  return std::llround(2 * 6'371'009.0 * std::asin(std::min(1.0, std::sqrt(h))));
}

bool good_name(std::string_view name, size_t length_max, bool dashes) {
  if (name.empty() || name.size() > length_max || name[0] < 'a' || name[0] > 'z' || name.back() == '-') {
    return false;
  }
  return std::ranges::all_of(
      name, [&](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (dashes && c == '-'); });
}

class Parser {
 public:
  explicit Parser(const std::string& file) : diagnosis_(file) {}
  // Adds to a lab.
  Parser(const std::string& file, const LabSpec& lab)
      : diagnosis_(file),
        lab_(lab),
        extends_(true),
        vertices_before_(lab.vertices.size()),
        sites_before_(lab.sites.size()) {
    vertex_names_.insert(lab.vertices.begin(), lab.vertices.end());
    for (const LabLink& link : lab.links) link_names_.insert(link.spec.name);
  }

  Result<LabSpec> parse(std::string_view text) {
    try {
      for (const YamlDocument& part : split_yaml(text)) {
        diagnosis_.lines_before = part.lines_before;
        const YAML::Node node = load_yaml(part);
        if (node.IsDefined() && !node.IsNull()) document(node);
        if (!diagnosis_.ok()) return tl::unexpected(diagnosis_.error());
      }
      diagnosis_.lines_before = 0;
      if (!extends_ && labs_ != 1) {
        diagnosis_.report(0, "", "has " + std::to_string(labs_) + " documents of kind Lab",
                          "give exactly one, with the lab's name");
      }
      assemble();
    } catch (const YAML::Exception& e) {
      diagnosis_.report(diagnosis_.lines_before + e.mark.line + 1, "", "is not YAML: " + e.msg,
                        "mend the line");
    }
    if (!diagnosis_.ok()) return tl::unexpected(diagnosis_.error());
    if (!extends_) lab_.source = text;
    lab_.set_number(lab_.number, true);
    return std::move(lab_);
  }

 private:
  enum class Kind : uint8_t { kLab, kSite, kRouter, kLink };

  void document(const YAML::Node& node) {
    YamlMap root(node, "", diagnosis_);
    if (!diagnosis_.ok()) return;
    const std::string version = root.text("apiVersion");
    if (diagnosis_.ok() && version != "weir/v1") {
      root.report("apiVersion", "'" + version + "' is unknown", "write weir/v1");
    }
    const Kind kind = extends_
                          ? std::array{Kind::kSite, Kind::kLink}[root.choice("kind", {"Site", "Link"})]
                          : std::array{Kind::kLab, Kind::kSite, Kind::kRouter,
                                       Kind::kLink}[root.choice("kind", {"Lab", "Site", "Router", "Link"})];
    YamlMap metadata = root.map("metadata");
    const std::string name = metadata.text("name");
    metadata.finish();
    YamlMap spec = root.map("spec");
    root.finish();
    if (!diagnosis_.ok()) return;
    if (kind == Kind::kLab && !good_name(name, 12, false)) {
      metadata.report("name", "'" + name + "' cannot name a lab",
                      "use at most 12 letters a-z and digits, a letter first");
    } else if (kind != Kind::kLab && !good_name(name, kind == Kind::kLink ? 63 : 24, true)) {
      metadata.report("name", "'" + name + "' cannot be a name",
                      kind == Kind::kLink ? "use at most 63 of a-z, 0-9 and '-', a letter first"
                                          : "use at most 24 of a-z, 0-9 and '-', a letter first");
    } else if (kind != Kind::kLab &&
               !(kind == Kind::kLink ? link_names_ : vertex_names_).insert(name).second) {
      metadata.report("name", "'" + name + "' is used twice", "give each its own name");
    }
    switch (kind) {
      case Kind::kLab:
        header(name, spec);
        break;
      case Kind::kSite:
        site(name, spec);
        break;
      case Kind::kRouter:
        router(name, spec);
        break;
      case Kind::kLink:
        link(name, spec);
        break;
    }
    spec.finish();
  }

  void header(const std::string& name, YamlMap& spec) {
    ++labs_;
    lab_.name = name;
    lab_.number = static_cast<uint8_t>(spec.number(
        "number", [](std::string_view t) { return parse_count(t, 1, 255); }, 1));
    lab_.seed = static_cast<uint64_t>(spec.number(
        "seed", [](std::string_view t) { return parse_count(t, 0, 1'000'000'000'000); }, 1));
    if (!spec.has("fibre")) return;
    YamlMap fibre = spec.map("fibre");
    lab_.delay_us_per_1000km = fibre.number("delay_per_1000km", parse_duration_us, lab_.delay_us_per_1000km);
    lab_.route_factor_milli = fibre.number("route_factor", parse_pue_milli, lab_.route_factor_milli);
    fibre.finish();
  }

  Place place(YamlMap& spec) {
    YamlMap map = spec.map("place");
    Place out;
    out.latitude_microdegrees = static_cast<int32_t>(
        map.number("latitude", [](std::string_view t) { return parse_degrees_micro(t, 90); }));
    out.longitude_microdegrees = static_cast<int32_t>(
        map.number("longitude", [](std::string_view t) { return parse_degrees_micro(t, 180); }));
    map.finish();
    return out;
  }

  void site(const std::string& name, YamlMap& spec) {
    LabSite site;
    site.spec.name = name;
    site.spec.tier =
        std::array{Tier::kCloud, Tier::kEdge, Tier::kEnd}[spec.choice("tier", {"cloud", "edge", "end"})];
    site.spec.region = spec.text("region");
    const Place at = place(spec);
    site.spec.latitude_microdegrees = at.latitude_microdegrees;
    site.spec.longitude_microdegrees = at.longitude_microdegrees;
    site.spec.residency = spec.texts("residency");
    std::ranges::sort(site.spec.residency);
    if (std::ranges::adjacent_find(site.spec.residency) != site.spec.residency.end()) {
      spec.report("residency", "names a label twice", "remove one");
    }
    site.spec.availability_ppm = static_cast<int32_t>(spec.number("availability", parse_fraction_ppm));
    site.spec.steerable = spec.flag("steerable", true);

    YamlMap capacity = spec.map("capacity");
    site.cpu_milli = static_cast<int32_t>(capacity.number("cpu", parse_cpu_milli));
    site.memory_mib = static_cast<int32_t>(capacity.number("memory", parse_memory_mib));
    if (diagnosis_.ok() && site.cpu_milli == 0) capacity.report("cpu", "is zero", "give the site some");
    if (diagnosis_.ok() && site.memory_mib == 0) capacity.report("memory", "is zero", "give the site some");
    capacity.finish();

    YamlMap asks = spec.map("asks");
    site.spec.asks.per_core_hour = asks.number("core_hour", parse_money_nanocredits);
    site.spec.asks.per_gib_hour = asks.number("gib_hour", parse_money_nanocredits);
    site.spec.asks.per_accelerator_hour = asks.number("accelerator_hour", parse_money_nanocredits, 0);
    asks.finish();

    YamlMap power = spec.map("power");
    site.spec.power.idle_mw_per_core = power.number("idle_per_core", parse_power_mw);
    site.spec.power.peak_mw_per_core = power.number("peak_per_core", parse_power_mw);
    site.spec.power.pue_milli = static_cast<int32_t>(power.number("pue", parse_pue_milli));
    site.spec.power.grid_carbon_mg_per_kwh = power.number("carbon", parse_carbon_mg_per_kwh);
    if (diagnosis_.ok() && site.spec.power.peak_mw_per_core < site.spec.power.idle_mw_per_core) {
      power.report("peak_per_core", "is less than idle_per_core", "exchange them");
    }
    power.finish();
    lab_.sites.push_back(std::move(site));
  }

  void router(const std::string& name, YamlMap& spec) {
    const Place at = place(spec);
    lab_.routers.push_back({name, VertexId(), at.latitude_microdegrees, at.longitude_microdegrees});
  }

  void link(const std::string& name, YamlMap& spec) {
    ParsedLink parsed;
    parsed.line = spec.line();
    LinkSpec& out = parsed.link.spec;
    out.name = name;
    parsed.between = spec.texts("between");
    if (diagnosis_.ok() && parsed.between.size() != 2) {
      spec.report("between", "does not name two ends", "write it like [hangzhou, wuhan]");
    }
    if (spec.has("delay")) parsed.delay_us = spec.number("delay", parse_duration_us);
    if (spec.has("distance")) parsed.distance_m = spec.number("distance", parse_distance_m);
    if (diagnosis_.ok() && parsed.delay_us && parsed.distance_m) {
      spec.report("distance", "is given beside delay", "keep one of them");
    }
    out.bandwidth_bps = spec.number("rate", parse_bandwidth_bps);
    out.jitter_us = spec.number("jitter", parse_duration_us, 0);
    out.loss_ppm = static_cast<int32_t>(spec.number("loss", parse_fraction_ppm, 0));
    out.availability_ppm = static_cast<int32_t>(spec.number("availability", parse_fraction_ppm));
    out.per_gbps_hour = spec.number("price", parse_money_nanocredits);
    out.steerable = spec.flag("steerable", true);
    parsed.link.queue_us = spec.number("queue", parse_duration_us, 20'000);
    links_.push_back(std::move(parsed));
  }

  void assemble() {
    if (!diagnosis_.ok()) return;
    for (LabSite& site : lab_.sites) {
      if (site.vertex.valid()) continue;
      site.vertex = VertexId(lab_.vertices.size());
      lab_.vertices.push_back(site.spec.name);
    }
    for (LabRouter& router : lab_.routers) {
      if (router.vertex.valid()) continue;
      router.vertex = VertexId(lab_.vertices.size());
      lab_.vertices.push_back(router.name);
    }
    std::vector<Place> places(lab_.vertices.size());
    for (const LabSite& site : lab_.sites) {
      places[site.vertex.index()] = {site.spec.latitude_microdegrees, site.spec.longitude_microdegrees};
    }
    for (const LabRouter& router : lab_.routers) {
      places[router.vertex.index()] = {router.latitude_microdegrees, router.longitude_microdegrees};
    }
    if (lab_.sites.size() == sites_before_) {
      return diagnosis_.report(0, "", "has no document of kind Site", "add the sites");
    }
    if (lab_.vertices.size() > kVerticesMax || lab_.links.size() + links_.size() > kLinksMax) {
      return diagnosis_.report(
          0, "",
          "has " + std::to_string(lab_.vertices.size()) + " sites and routers and " +
              std::to_string(lab_.links.size() + links_.size()) + " links",
          "keep to " + std::to_string(kVerticesMax) + " and " + std::to_string(kLinksMax));
    }
    for (ParsedLink& parsed : links_) {
      if (!finish_link(parsed, places)) return;
      lab_.links.push_back(std::move(parsed.link));
    }
    connected();
  }

  bool finish_link(ParsedLink& parsed, const std::vector<Place>& places) {
    LinkSpec& spec = parsed.link.spec;
    for (size_t end = 0; end < 2; ++end) {
      const auto at = std::ranges::find(lab_.vertices, parsed.between[end]);
      if (at == lab_.vertices.end()) {
        diagnosis_.report(parsed.line, "spec.between",
                          "link " + spec.name + " ends at '" + parsed.between[end] +
                              "', which no Site or Router " + (extends_ ? "of the lab" : "in this file") +
                              " is",
                          "name one of them, or add it");
        return false;
      }
      (end == 0 ? spec.a : spec.b) = VertexId(static_cast<size_t>(at - lab_.vertices.begin()));
    }
    if (spec.a == spec.b) {
      diagnosis_.report(parsed.line, "spec.between", "link " + spec.name + " ends where it begins",
                        "name two different ends");
      return false;
    }
    if (spec.a.index() < vertices_before_ && spec.b.index() < vertices_before_) {
      diagnosis_.report(parsed.line, "spec.between", "link " + spec.name + " ends at no site that joins",
                        "lead it to a site of this file");
      return false;
    }
    if (parsed.delay_us) {
      spec.latency_us = *parsed.delay_us;
    } else {
      parsed.link.fibre_m = parsed.distance_m
                                ? *parsed.distance_m
                                : great_circle_m(places[spec.a.index()], places[spec.b.index()]) *
                                      lab_.route_factor_milli / 1000;
      spec.latency_us = parsed.link.fibre_m * lab_.delay_us_per_1000km / 1'000'000;
    }
    if (spec.jitter_us > spec.latency_us) {
      diagnosis_.report(parsed.line, "spec.jitter",
                        "of link " + spec.name + " is " + std::to_string(spec.jitter_us) +
                            "us, more than its delay of " + std::to_string(spec.latency_us) + "us",
                        "a packet cannot arrive before it was sent: lower the jitter");
      return false;
    }
    if (const Status ok = check(parsed.link.settings()); !ok) {
      diagnosis_.report(parsed.line, "spec", "of link " + spec.name + ": " + ok.error().what,
                        ok.error().remedy);
      return false;
    }
    return true;
  }

  void connected() {
    std::vector<bool> reached(lab_.vertices.size());
    std::vector<VertexId> open{VertexId(0u)};
    reached[0] = true;
    while (!open.empty()) {
      const VertexId v = open.back();
      open.pop_back();
      for (const LabLink& link : lab_.links) {
        for (const auto& [from, to] :
             {std::pair(link.spec.a, link.spec.b), std::pair(link.spec.b, link.spec.a)}) {
          if (from != v || reached[to.index()]) continue;
          reached[to.index()] = true;
          open.push_back(to);
        }
      }
    }
    for (size_t v = 0; v < reached.size(); ++v) {
      if (reached[v]) continue;
      return diagnosis_.report(0, "",
                               "no links lead from '" + lab_.vertices[0] + "' to '" + lab_.vertices[v] + "'",
                               "add a Link, or remove it");
    }
  }

  Diagnosis diagnosis_;
  LabSpec lab_;
  bool extends_ = false;
  size_t vertices_before_ = 0;
  size_t sites_before_ = 0;
  int labs_ = 0;
  std::set<std::string> vertex_names_;
  std::set<std::string> link_names_;
  std::vector<ParsedLink> links_;
};

}  // namespace

LinkSettings LabLink::settings() const {
  return {spec.latency_us, spec.jitter_us, spec.loss_ppm, spec.bandwidth_bps, queue_us, false};
}

void LabSpec::set_number(uint8_t lab_number, bool srv6) {
  number = lab_number;
  const AddressPlan plan(*this);
  for (LabSite& site : sites) {
    site.spec.prefix = plan.site_prefix(site.vertex).text();
    site.spec.sid = srv6 ? plan.end_dx6(site.vertex).text() : "";
    site.spec.steerable = site.spec.steerable && srv6;
  }
  for (size_t k = 0; k < links.size(); ++k) {
    LinkSpec& link = links[k].spec;
    link.sid_a = srv6 ? plan.end_x(link.a, k).text() : "";
    link.sid_b = srv6 ? plan.end_x(link.b, k).text() : "";
    link.steerable = link.steerable && srv6;
  }
}

bool LabSpec::is_site(VertexId v) const {
  return v.index() < vertices.size() && std::ranges::find(routers, v, &LabRouter::vertex) == routers.end();
}

const LabSite* LabSpec::site(std::string_view site_name) const {
  for (const LabSite& site : sites) {
    if (site.spec.name == site_name) return &site;
  }
  return nullptr;
}

const LabLink* LabSpec::link(std::string_view link_name) const {
  for (const LabLink& link : links) {
    if (link.spec.name == link_name) return &link;
  }
  return nullptr;
}

Result<LabSpec> parse_lab(std::string_view text, const std::string& file) { return Parser(file).parse(text); }

Result<LabSpec> extend_lab(const LabSpec& lab, std::string_view text, const std::string& file) {
  return Parser(file, lab).parse(text);
}

Result<std::string> read_lab_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::kNotFound, "cannot be read", path, "check the name and its permissions");
  std::string text;
  constexpr size_t kBytesMax = 1 << 20;
  text.resize(kBytesMax + 1);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kBytesMax)
    return fail(ErrorCode::kInvalid, "is larger than 1 MiB", path, "split the lab");
  return text;
}

Result<LabSpec> read_lab(const std::string& path) {
  const auto text = read_lab_text(path);
  if (!text) return tl::unexpected(text.error());
  return parse_lab(*text, path);
}

}  // namespace weir::lab
