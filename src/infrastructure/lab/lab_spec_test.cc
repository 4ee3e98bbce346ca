#include "infrastructure/lab/lab_spec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "infrastructure/lab/address_plan.h"

namespace weir::lab {
namespace {

constexpr std::string_view kLab = R"(apiVersion: weir/v1
kind: Lab
metadata: {name: two}
spec: {number: 9, seed: 3, fibre: {delay_per_1000km: 5ms, route_factor: 1.4}}
---
apiVersion: weir/v1
kind: Site
metadata: {name: here}
spec:
  tier: edge
  region: Zhejiang
  place: {latitude: 30.2741, longitude: 120.1551}
  residency: [zhejiang, cn]
  capacity: {cpu: 0.35, memory: 1Gi}
  asks: {core_hour: 0.6, gib_hour: 0.06}
  power: {idle_per_core: 4W, peak_per_core: 12W, pue: 1.45, carbon: 0.4974kgCO2/kWh}
  availability: 99.9%
---
apiVersion: weir/v1
kind: Router
metadata: {name: there}
spec: {place: {latitude: 31.2304, longitude: 121.4737}}
---
apiVersion: weir/v1
kind: Link
metadata: {name: here-there}
spec:
  between: [here, there]
  rate: 1Gbps
  jitter: 50us
  loss: 0.01%
  availability: 99.95%
  price: 0.05
)";

std::string with(const std::string& what, const std::string& by) {
  std::string text(kLab);
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

std::string complaint(const std::string& text) {
  const auto lab = parse_lab(text, "lab.yaml");
  EXPECT_FALSE(lab);
  return lab ? "" : lab.error().text();
}

void expect_complaint(const std::string& text, std::initializer_list<std::string_view> parts) {
  const std::string said = complaint(text);
  for (const std::string_view part : parts) {
    EXPECT_NE(said.find(part), std::string::npos) << "no '" << part << "' in: " << said;
  }
}

TEST(LabFile, ReadsEveryField) {
  const auto lab = parse_lab(kLab, "lab.yaml");
  ASSERT_TRUE(lab) << lab.error().text();
  EXPECT_EQ(lab->name, "two");
  EXPECT_EQ(lab->number, 9);
  EXPECT_EQ(lab->seed, 3u);
  EXPECT_EQ(lab->vertices, (std::vector<std::string>{"here", "there"}));
  ASSERT_EQ(lab->sites.size(), 1u);
  const LabSite& site = lab->sites[0];
  EXPECT_EQ(site.spec.tier, Tier::kEdge);
  EXPECT_EQ(site.spec.residency, (std::vector<std::string>{"cn", "zhejiang"}));  // sorted
  EXPECT_EQ(site.spec.latitude_microdegrees, 30'274'100);
  EXPECT_EQ(site.cpu_milli, 350);
  EXPECT_EQ(site.memory_mib, 1024);
  EXPECT_EQ(site.spec.asks.per_core_hour, 600'000'000);
  EXPECT_EQ(site.spec.power.pue_milli, 1450);
  EXPECT_EQ(site.spec.power.grid_carbon_mg_per_kwh, 497'400);
  EXPECT_EQ(site.spec.availability_ppm, 999'000);
  EXPECT_TRUE(site.spec.steerable);
  ASSERT_EQ(lab->links.size(), 1u);
  const LabLink& link = lab->links[0];
  EXPECT_EQ(link.spec.a, VertexId(0u));
  EXPECT_EQ(link.spec.b, VertexId(1u));
  EXPECT_EQ(link.spec.bandwidth_bps, 1'000'000'000);
  EXPECT_EQ(link.spec.loss_ppm, 100);
  EXPECT_EQ(link.spec.per_gbps_hour, 50'000'000);
  EXPECT_EQ(link.queue_us, 20'000);
  // Hangzhou to Shanghai is 165 km as the crow flies.
  EXPECT_NEAR(static_cast<double>(link.fibre_m), 165'000 * 1.4, 3'000);
  EXPECT_EQ(link.spec.latency_us, link.fibre_m * 5 / 1000);
}

TEST(LabFile, SpecsCarryTheAddressesOfTheDataPlane) {
  auto lab = parse_lab(kLab, "lab.yaml");
  ASSERT_TRUE(lab);
  EXPECT_EQ(lab->sites[0].spec.prefix, "fd77:9:1:1::/64");
  EXPECT_EQ(lab->sites[0].spec.sid, "fd77:9:f:1:d6::");
  EXPECT_EQ(lab->links[0].spec.sid_a, "fd77:9:f:1:e0:1::");
  EXPECT_EQ(lab->links[0].spec.sid_b, "fd77:9:f:2:e0:1::");
  lab->set_number(200, false);
  EXPECT_EQ(lab->sites[0].spec.prefix, "fd77:c8:1:1::/64");
  EXPECT_EQ(lab->sites[0].spec.sid, "");
  EXPECT_EQ(lab->links[0].spec.sid_b, "");
  EXPECT_FALSE(lab->links[0].spec.steerable);
}

TEST(LabFile, DelayMayBeGivenOrComeFromTheDistance) {
  EXPECT_EQ(parse_lab(with("rate: 1Gbps", "rate: 1Gbps\n  delay: 7ms"), "f")->links[0].spec.latency_us, 7000);
  EXPECT_EQ(parse_lab(with("rate: 1Gbps", "rate: 1Gbps\n  distance: 800km"), "f")->links[0].spec.latency_us,
            4000);
  expect_complaint(with("rate: 1Gbps", "rate: 1Gbps\n  distance: 800km\n  delay: 4ms"),
                   {"spec.distance", "beside delay"});
}

TEST(LabFile, NamesFileLineFieldAndRemedy) {
  expect_complaint(with("rate: 1Gbps", "rate: 1GBps"), {"lab.yaml:29: spec.rate: ", "1GBps", "1Gbps"});
  expect_complaint(with("jitter: 50us", "jiter: 50us"),
                   {"lab.yaml:30: spec.jiter", "not a known field", "jitter"});
  expect_complaint(with("cpu: 0.35, ", ""), {"lab.yaml:14: spec.capacity.cpu: is missing"});
  expect_complaint(with("core_hour: 0.6", "core_hour: -0.6"), {"lab.yaml:15: spec.asks.core_hour: ", "-0.6"});
  expect_complaint(with("tier: edge", "tier: middle"),
                   {"lab.yaml:10: spec.tier: 'middle'", "cloud, edge, end"});
  expect_complaint(with("latitude: 30.2741", "latitude: 130.2741"),
                   {"spec.place.latitude", "130.2741", "90"});
  expect_complaint(with("pue: 1.45", "pue: 0.9"), {"spec.power.pue", "0.9"});
  expect_complaint(with("idle_per_core: 4W", "idle_per_core: 40W"), {"spec.power.peak_per_core"});
  expect_complaint(with("[here, there]", "[here, nowhere]"), {"lab.yaml:28: spec.between", "'nowhere'"});
  expect_complaint(with("[here, there]", "[here, here]"), {"ends where it begins"});
  expect_complaint(with("[here, there]", "[here]"), {"spec.between", "two ends"});
  expect_complaint(with("jitter: 50us", "jitter: 50ms"), {"spec.jitter", "lower the jitter"});
  expect_complaint(with("rate: 1Gbps", "rate: 7999bps"), {"lab.yaml:28: spec", "the rate", "8kbps"});
  expect_complaint(with("rate: 1Gbps", "rate: 10001Gbps"), {"the rate", "10Tbps"});
  expect_complaint(with("rate: 1Gbps", "rate: 1Gbps\n  queue: 3601s"), {"the queue", "an hour"});
  expect_complaint(with("apiVersion: weir/v1", "apiVersion: weir/v2"), {"lab.yaml:1: apiVersion", "weir/v1"});
  expect_complaint(with("kind: Router", "kind: Switch"), {"kind: 'Switch' is unknown"});
  expect_complaint(with("metadata: {name: there}", "metadata: {name: here}"),
                   {"metadata.name", "used twice"});
  expect_complaint(with("metadata: {name: two}", "metadata: {name: two-labs}"), {"cannot name a lab"});
  expect_complaint(with("number: 9", "number: 256"), {"spec.number", "256"});
  expect_complaint(with("number: 9", "number: 0"), {"spec.number", "1"});
  expect_complaint(with("route_factor: 1.4", "route_factor: 0.9"), {"spec.fibre.route_factor"});
  expect_complaint(with("residency: [zhejiang, cn]", "residency: [cn, cn]"), {"spec.residency", "twice"});
  expect_complaint(with("rate: 1Gbps", "rate: 1Gbps\n  rate: 2Gbps"), {"spec.rate: is given twice"});
  expect_complaint(with("  rate: 1Gbps", "  rate: [1Gbps"), {"lab.yaml:", "is not YAML"});
  expect_complaint("", {"0 documents of kind Lab"});
  expect_complaint(std::string(kLab) + "---\n" + std::string(kLab.substr(0, kLab.find("---"))),
                   {"2 documents"});
}

TEST(LabFile, NamesAreNoLongerThanTheDomainTakes) {
  const std::string longest(63, 'x');
  EXPECT_TRUE(parse_lab(with("here-there", longest), "lab.yaml"));
  EXPECT_NE(complaint(with("here-there", longest + "x")).find("at most 63"), std::string::npos);
  EXPECT_NE(complaint(with("name: there", "name: " + std::string(25, 'x'))).find("at most 24"),
            std::string::npos);
}

TEST(LabFile, EmptyDocumentsAreSkippedAndStrayTextIsNot) {
  const auto lab = parse_lab(with("---\napiVersion", "---\n# nothing\n---\n\n---\napiVersion"), "lab.yaml");
  ASSERT_TRUE(lab) << lab.error().text();
  EXPECT_EQ(lab->vertices.size(), 2u);
  expect_complaint(with("kind: Router\n", "kind: Router\n,,,\n"), {"lab.yaml:", "is not YAML"});
  expect_complaint(with("---\n", "...\n"), {"lab.yaml:", "is not YAML"});
}

TEST(LabFile, EveryVertexMustBeConnected) {
  expect_complaint(
      std::string(kLab) +
          "---\napiVersion: weir/v1\nkind: Router\nmetadata: {name: lonely}\nspec: {place: {latitude: 0, "
          "longitude: 0}}\n",
      {"no links lead from 'here' to 'lonely'"});
}

constexpr std::string_view kSeventh = R"(apiVersion: weir/v1
kind: Site
metadata: {name: later}
spec:
  tier: edge
  region: Zhejiang
  place: {latitude: 29.8683, longitude: 121.5440}
  capacity: {cpu: 0.3, memory: 512Mi}
  asks: {core_hour: 0.4, gib_hour: 0.04}
  power: {idle_per_core: 4W, peak_per_core: 12W, pue: 1.2, carbon: 0.4974kgCO2/kWh}
  availability: 99.9%
---
apiVersion: weir/v1
kind: Link
metadata: {name: later-there}
spec: {between: [later, there], rate: 1Gbps, availability: 99.9%, price: 0.05}
)";

std::string extended(const std::string& what, const std::string& by) {
  std::string text(kSeventh);
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  const auto lab = extend_lab(*parse_lab(kLab, "lab.yaml"), text.replace(at, what.size(), by), "more.yaml");
  return lab ? "" : lab.error().text();
}

TEST(LabFile, WhatJoinsLaterLeavesEveryAddressAsItIs) {
  const auto before = parse_lab(kLab, "lab.yaml");
  ASSERT_TRUE(before);
  const auto lab = extend_lab(*before, kSeventh, "more.yaml");
  ASSERT_TRUE(lab) << lab.error().text();
  EXPECT_EQ(lab->vertices, (std::vector<std::string>{"here", "there", "later"}));
  EXPECT_TRUE(lab->is_site(VertexId(0u)));
  EXPECT_FALSE(lab->is_site(VertexId(1u)));
  EXPECT_TRUE(lab->is_site(VertexId(2u)));
  EXPECT_FALSE(lab->is_site(VertexId(3u)));
  ASSERT_EQ(lab->sites.size(), 2u);
  EXPECT_EQ(lab->sites[0].spec, before->sites[0].spec);
  EXPECT_EQ(lab->sites[1].spec.prefix, AddressPlan(*lab).site_prefix(VertexId(2u)).text());
  ASSERT_EQ(lab->links.size(), 2u);
  EXPECT_EQ(lab->links[0].spec, before->links[0].spec);
  EXPECT_EQ(lab->links[1].spec.a, VertexId(2u));
  EXPECT_GT(lab->links[1].spec.latency_us, 700);  // 151 km by the great circle
  EXPECT_EQ(lab->source, before->source);
}

TEST(LabFile, WhatJoinsLaterIsCheckedLikeTheRest) {
  EXPECT_EQ(extended("later", "later"), "");
  EXPECT_NE(
      extended("{name: later}", "{name: here}").find("more.yaml:3: metadata.name: 'here' is used twice"),
      std::string::npos);
  EXPECT_NE(extended("{name: later-there}", "{name: here-there}").find("is used twice"), std::string::npos);
  EXPECT_NE(
      extended("[later, there]", "[later, nowhere]").find("'nowhere', which no Site or Router of the lab is"),
      std::string::npos);
  EXPECT_NE(extended("[later, there]", "[here, there]").find("ends at no site that joins"),
            std::string::npos);
  EXPECT_NE(extended("kind: Site", "kind: Router").find("more.yaml:2: kind"), std::string::npos);
  EXPECT_NE(extend_lab(*parse_lab(kLab, "lab.yaml"), kSeventh.substr(0, kSeventh.find("---")), "more.yaml")
                .error()
                .text()
                .find("no links lead from 'here' to 'later'"),
            std::string::npos);
  EXPECT_NE(extend_lab(*parse_lab(kLab, "lab.yaml"), "", "more.yaml")
                .error()
                .text()
                .find("has no document of kind Site"),
            std::string::npos);
}

TEST(LabFile, AMissingFileIsNotFound) {
  EXPECT_EQ(read_lab("/nonexistent/lab.yaml").error().code, ErrorCode::kNotFound);
}

class CityExample : public ::testing::Test {
 protected:
  void SetUp() override {
    auto lab = read_lab(WEIR_EXAMPLES "/city-cameras/lab.yaml");
    ASSERT_TRUE(lab) << lab.error().text();
    lab_ = std::move(*lab);
  }
  // Whether `to` can be reached from `from` when a link is missing.
  bool reachable(VertexId from, VertexId to, size_t without) const {
    std::set<VertexId> seen{from};
    std::vector<VertexId> open{from};
    while (!open.empty()) {
      const VertexId at = open.back();
      open.pop_back();
      for (size_t k = 0; k < lab_.links.size(); ++k) {
        const LinkSpec& link = lab_.links[k].spec;
        if (k == without || (link.a != at && link.b != at)) continue;
        const VertexId next = link.a == at ? link.b : link.a;
        if (seen.insert(next).second) open.push_back(next);
      }
    }
    return seen.contains(to);
  }
  LabSpec lab_;
};

TEST_F(CityExample, HasSixSitesInThreeTiersWithinTheTestMachine) {
  EXPECT_EQ(lab_.sites.size(), 6u);
  EXPECT_GE(lab_.routers.size(), 5u);
  std::set<Tier> tiers;
  int64_t cpu_milli = 0, detectors = 0;
  for (const LabSite& site : lab_.sites) {
    detectors += site.cpu_milli / 300;
    tiers.insert(site.spec.tier);
    cpu_milli += site.cpu_milli;
    EXPECT_TRUE(std::ranges::count(site.spec.residency, "cn")) << site.spec.name;
    if (site.spec.tier == Tier::kEnd) {
      EXPECT_LT(site.cpu_milli, 300) << "a detector fits in " << site.spec.name;
    }
  }
  EXPECT_EQ(tiers.size(), 3u);
  EXPECT_LE(cpu_milli, 1400);
  EXPECT_GE(detectors, 4) << "three are needed, and one site with one may be lost";
}

// By Menger's theorem: two ways without a common link.
TEST_F(CityExample, NoSingleCutPartsTwoSites) {
  for (const LabSite& from : lab_.sites) {
    for (const LabSite& to : lab_.sites) {
      for (size_t k = 0; k < lab_.links.size(); ++k) {
        EXPECT_TRUE(reachable(from.vertex, to.vertex, k))
            << from.spec.name << " to " << to.spec.name << " needs " << lab_.links[k].spec.name;
      }
    }
  }
}

TEST_F(CityExample, LinksAreNoShorterThanLightInFibreAllows) {
  for (const LabLink& link : lab_.links) {
    EXPECT_GT(link.fibre_m, 0) << link.spec.name;
    EXPECT_EQ(link.spec.latency_us, link.fibre_m * 5 / 1000) << link.spec.name;
    EXPECT_LE(link.spec.latency_us, 20'000) << link.spec.name;
  }
}

}  // namespace
}  // namespace weir::lab
