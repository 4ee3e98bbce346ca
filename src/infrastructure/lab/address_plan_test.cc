#include "infrastructure/lab/address_plan.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "infrastructure/lab/lab_network.h"

namespace weir::lab {
namespace {

// 0, 1: sites; 2..4: routers. Two ways from 0 to 1: over 2, 4 (links 0, 1, 2) and over 2, 3, 4.
LabSpec diamond() {
  LabSpec lab;
  lab.name = "d";
  lab.number = 7;
  lab.vertices = {"a", "b", "x", "y", "z"};
  for (size_t i = 0; i < 2; ++i) {
    LabSite site;
    site.spec.name = lab.vertices[i];
    site.vertex = VertexId(i);
    lab.sites.push_back(site);
  }
  for (size_t i = 2; i < 5; ++i) lab.routers.push_back({lab.vertices[i], VertexId(i), 0, 0});
  const auto link = [&](size_t a, size_t b, int64_t latency_us) {
    LabLink out;
    out.spec.name = lab.vertices[a] + "-" + lab.vertices[b];
    out.spec.a = VertexId(a);
    out.spec.b = VertexId(b);
    out.spec.latency_us = latency_us;
    lab.links.push_back(out);
  };
  link(0, 2, 100);
  link(2, 4, 1000);
  link(4, 1, 100);
  link(2, 3, 2000);
  link(3, 4, 2000);
  return lab;
}

TEST(AddressPlan, AddressesFollowTheDocumentedPlan) {
  const AddressPlan plan("city", 7);
  const VertexId v(2u);
  EXPECT_EQ(plan.site_prefix(v).text(), "fd77:7:1:3::/64");
  EXPECT_EQ(plan.site_address(v).text(), "fd77:7:1:3::1");
  EXPECT_EQ(plan.instance_address(v, 300).text(), "fd77:7:1:3:0:1:0:12c");
  EXPECT_EQ(plan.services().text(), "fd77:7:2::/64");
  EXPECT_EQ(plan.router_address(v).text(), "fd77:7:3:3::1");
  EXPECT_EQ(plan.link_address(9, false).text(), "fd77:7:a:a::1");
  EXPECT_EQ(plan.locator(v).text(), "fd77:7:f:3::/64");
  EXPECT_EQ(plan.end(v).text(), "fd77:7:f:3:e::");
  EXPECT_EQ(plan.end_x(v, 9).text(), "fd77:7:f:3:e0:a::");
  EXPECT_EQ(plan.end_dx6(v).text(), "fd77:7:f:3:d6::");
  EXPECT_EQ(plan.brain_control_address(), "10.77.7.1");
  EXPECT_EQ(plan.control_address(v), "10.77.7.4");
  EXPECT_EQ(plan.mac(300, true), "02:77:07:01:2d:02");
  EXPECT_EQ(plan.namespace_name("metro"), "weir-city-metro");
}

TEST(AddressPlan, NothingIsGivenTwiceAtTheBounds) {
  const AddressPlan plan("city", 255);
  std::set<Ipv6Address> seen;
  std::set<std::string> names;
  for (size_t i = 0; i < kVerticesMax; ++i) {
    const VertexId v(i);
    for (const Ipv6Address& a : {plan.site_address(v), plan.instance_address(v, 1),
                                 plan.instance_address(v, 65535), plan.router_address(v), plan.end(v),
                                 plan.end_x(v, 0), plan.end_x(v, kLinksMax - 1), plan.end_dx6(v)}) {
      EXPECT_TRUE(seen.insert(a).second) << a.text();
    }
    EXPECT_TRUE(plan.site_prefix(v).contains(plan.instance_address(v, 65535)));
    EXPECT_TRUE(plan.locator(v).contains(plan.end_x(v, kLinksMax - 1)));
    EXPECT_TRUE(names.insert(plan.control_address(v)).second);
    EXPECT_LE(plan.control_port(v).size(), 15u);
  }
  for (size_t k = 0; k < kLinksMax; ++k) {
    EXPECT_TRUE(seen.insert(plan.link_address(k, false)).second);
    EXPECT_TRUE(seen.insert(plan.link_address(k, true)).second);
    EXPECT_TRUE(names.insert(plan.mac(k, false)).second);
    EXPECT_LE(plan.link_device(k).size(), 15u);
  }
  EXPECT_LE(plan.control_bridge().size(), 15u);
}

TEST(PlainRoutes, TakeTheShortestWay) {
  const LabSpec lab = diamond();
  const PlainRoutes routes(lab);
  EXPECT_EQ(routes.path(VertexId(0u), VertexId(1u)), (std::vector{LinkId(0u), LinkId(2u), LinkId(4u)}));
  EXPECT_EQ(routes.path(VertexId(1u), VertexId(0u)), (std::vector{LinkId(5u), LinkId(3u), LinkId(1u)}));
  EXPECT_TRUE(routes.path(VertexId(1u), VertexId(1u)).empty());
}

TEST(Segments, LeadOverExactlyTheGivenLinks) {
  const LabSpec lab = diamond();
  const AddressPlan plan(lab);
  const auto sids = segments(lab, plan, {LinkId(0u), LinkId(6u), LinkId(8u), LinkId(4u)});
  ASSERT_TRUE(sids) << sids.error().text();
  EXPECT_EQ(*sids, (std::vector{plan.end_x(VertexId(2u), 3), plan.end_x(VertexId(3u), 4),
                                plan.end_x(VertexId(4u), 2), plan.end_dx6(VertexId(1u))}));
  // Backwards, each link is left by its other end.
  const auto back = segments(lab, plan, {LinkId(5u), LinkId(3u), LinkId(1u)});
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, (std::vector{plan.end_x(VertexId(4u), 1), plan.end_x(VertexId(2u), 0),
                                plan.end_dx6(VertexId(0u))}));
}

TEST(Segments, RefusePathsThatDoNotJoinUp) {
  const LabSpec lab = diamond();
  const AddressPlan plan(lab);
  EXPECT_FALSE(segments(lab, plan, {}));
  EXPECT_FALSE(segments(lab, plan, {LinkId(0u), LinkId(4u)}));
  EXPECT_FALSE(segments(lab, plan, {LinkId(0u), LinkId(3u)}));
  EXPECT_FALSE(segments(lab, plan, {LinkId(10u)}));
}

TEST(LabNetwork, PlainBatchesHoldNoSegments) {
  const LabSpec lab = diamond();
  const AddressPlan plan(lab);
  const PlainRoutes routes(lab);
  for (size_t i = 0; i < lab.vertices.size(); ++i) {
    const std::string plain = vertex_batch(lab, plan, routes, VertexId(i), false);
    EXPECT_EQ(plain.find("seg6"), std::string::npos);
    EXPECT_EQ(plain.find(":f:"), std::string::npos);
    const std::string steered = vertex_batch(lab, plan, routes, VertexId(i), true);
    EXPECT_EQ(steered.find("End.DX6") != std::string::npos, i < 2) << "only sites decapsulate";
    // A segment on the loopback device would drop everything.
    for (size_t at = 0; (at = steered.find("seg6local", at)) != std::string::npos; ++at) {
      EXPECT_EQ(steered.substr(at, steered.find('\n', at) - at).find("dev lo"), std::string::npos);
    }
  }
}

TEST(LabNetwork, AGrownLabNeedsNothingMoreThanTheGrowth) {
  const LabSpec before = diamond();
  LabSpec grown = before;
  LabSite site;
  site.spec.name = "c";
  site.vertex = VertexId(5u);
  grown.vertices.push_back("c");
  grown.sites.push_back(site);
  LabLink link;
  link.spec.name = "c-y";
  link.spec.a = VertexId(5u);
  link.spec.b = VertexId(3u);
  link.spec.latency_us = 100;
  grown.links.push_back(link);
  const AddressPlan plan(grown);
  const PlainRoutes routes(grown);
  // The router at its other end gets the device and the segment; whoever was there before only the routes.
  const std::string at_router = growth_batch(grown, plan, routes, VertexId(3u), true, before.links.size());
  EXPECT_NE(at_router.find("link set l6 "), std::string::npos);
  EXPECT_NE(at_router.find("route add " + plan.end_x(VertexId(3u), 5).text()), std::string::npos);
  const std::string elsewhere = growth_batch(grown, plan, routes, VertexId(0u), true, before.links.size());
  EXPECT_EQ(elsewhere.find("link set"), std::string::npos);
  EXPECT_EQ(elsewhere.find("route add"), std::string::npos);
  EXPECT_NE(elsewhere.find("route replace " + plan.site_prefix(VertexId(5u)).text() + " via"),
            std::string::npos);
  EXPECT_NE(elsewhere.find("route replace " + plan.locator(VertexId(5u)).text() + " via"), std::string::npos);
  EXPECT_NE(vertex_batch(grown, plan, routes, VertexId(5u), true).find("End.DX6"), std::string::npos);
  EXPECT_EQ(control_cables(grown, plan, before.vertices.size()).find(plan.control_port(VertexId(0u)) + " "),
            std::string::npos);
  EXPECT_NE(control_cables(grown, plan, before.vertices.size()).find(plan.control_port(VertexId(5u)) + " "),
            std::string::npos);
}

}  // namespace
}  // namespace weir::lab
