#include "core/loop/links.h"

#include <gtest/gtest.h>

#include <random>

namespace weir {
namespace {

// Sites s0.. are vertices 0.., routers follow.
class LinksTest : public testing::Test {
 protected:
  void add(EventBody body) { ASSERT_TRUE(graph.apply({1, "t", std::move(body)}).effect); }
  void make(uint32_t sites, uint32_t routers) {
    add(DomainCreated{.name = "d"});
    for (uint32_t s = 0; s < sites; ++s) {
      const std::string n = std::to_string(s);
      add(SiteDefined{SiteId(s), VertexId(s), SiteSpec{.name = "s" + n, .prefix = "fd77:1:1:" + n + "::/64", .sid = "fd77:5:" + n + "::"}});
      add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    }
    for (uint32_t r = 0; r < routers; ++r) add(RouterDefined{VertexId(sites + r), "r" + std::to_string(r)});
  }
  LinkId join(uint32_t a, uint32_t b, bool steerable = true) {
    const LinkId link(graph.link_count());
    const std::string n = std::to_string(link.value);
    add(LinkDefined{link, LinkSpec{.name = "l" + n, .a = VertexId(a), .b = VertexId(b), .bandwidth_bps = 1, .latency_us = 1'000,
                                   .steerable = steerable, .sid_a = "fd77:a:" + n + "::", .sid_b = "fd77:b:" + n + "::"}});
    return link;
  }
  void describe(LinkId link, int64_t latency_us, int64_t jitter_us) {
    LinkSpec spec = graph.link_spec(link);
    spec.latency_us = latency_us;
    spec.jitter_us = jitter_us;
    add(LinkDefined{link, spec});
  }
  void kill(LinkId link) {
    add(LinkStateChanged{link, false, ""});
    add(LinkStateChanged{opposite(link), false, ""});
  }
  // Duplex links of the exploratory path, which can be steered; empty: none.
  std::vector<LinkId> explored(LinkId link) const {
    const auto path = exploratory_path(graph, link);
    if (!path || !steered(graph, *path)) return {};
    VertexId at = graph.site(path->from).vertex;
    std::vector<LinkId> links;
    for (const LinkId id : path->links) {
      EXPECT_EQ(graph.link(id).from, at);
      at = graph.link(id).to;
      links.push_back(duplex(id));
    }
    EXPECT_EQ(at, graph.site(path->to).vertex);
    return links;
  }
  Graph graph;
  Detours detours;
};

using Links = std::vector<LinkId>;

TEST_F(LinksTest, ExploresWhereItCanSteerThoughASiteThatCannotBeSteeredToIsNearer) {
  make(3, 2);  // routers 3 and 4
  const LinkId home = join(0, 3), dead = join(3, 4), far = join(1, 4);
  join(2, 4, false);
  kill(dead);
  EXPECT_EQ(explored(dead), (Links{home, dead, far}));
  kill(far);
  EXPECT_EQ(explored(dead), (Links{home, dead, far})) << "both are proven together";
}

TEST_F(LinksTest, ExploresByAWayRoundWhereTheNearestSiteIsTheOnlyOneOfTheOtherEnd) {
  make(2, 5);  // routers 2 to 6
  const LinkId dead = join(2, 3), near = join(2, 4), only = join(3, 4), site = join(0, 4);
  const LinkId round = join(2, 5), on = join(5, 6), end = join(6, 1);
  kill(dead);
  EXPECT_EQ(explored(dead), (Links{end, on, round, dead, only, site}));
  kill(near);
  EXPECT_EQ(explored(near), (Links{end, on, round, near, site}));
}

// Plain routing goes over `direct`, in 4,000 us there and back and up to 2,000 us of jitter, or around.
TEST_F(LinksTest, AnAnswerOnAPlainWayShowsALinkUnlessItIsTooLateForIt) {
  make(2, 3);  // routers 2 to 4
  const LinkId direct = join(0, 1, false);
  const LinkId first = join(0, 2, false);
  join(2, 1, false);
  describe(direct, 2'000, 1'000);
  const WatchedPath path{SiteId(0u), SiteId(1u), {direct}, true};
  describe(first, 9'000, 0);  // 20,000 us around
  EXPECT_TRUE(shows_link(graph, path, direct, 4'000, false, detours));
  EXPECT_TRUE(shows_link(graph, path, direct, 6'000, false, detours)) << "with its jitter";
  EXPECT_FALSE(shows_link(graph, path, direct, 20'000, false, detours));
  describe(first, 2'100, 0);  // 6,200 us around: only just more than jitter explains
  EXPECT_TRUE(shows_link(graph, path, direct, 6'200, false, detours)) << "the two cannot be told apart";
  describe(first, 2'600, 0);  // 7,200 us around
  EXPECT_TRUE(shows_link(graph, path, direct, 6'000, false, detours));
  EXPECT_FALSE(shows_link(graph, path, direct, 7'200, false, detours));
}

TEST_F(LinksTest, WhereTripsCannotBeToldApartOnlyASteeredPathShowsALinkOverWhichPacketsCanBeLed) {
  make(4, 3);  // routers 4 to 6
  const LinkId first = join(0, 4, false), link = join(4, 5), last = join(1, 5, false);
  const LinkId led = join(2, 4);
  join(3, 5);
  for (const LinkId around : {join(4, 6), join(6, 5)}) describe(around, 550, 0);
  kill(link);
  EXPECT_EQ(explored(link).size(), 3u);
  const WatchedPath plain{SiteId(0u), SiteId(1u), {first, link, opposite(last)}, true};
  ASSERT_FALSE(steered(graph, plain));
  EXPECT_FALSE(shows_link(graph, plain, link, 6'000, false, detours)) << "in 6,200 us around";
  add(SiteStateChanged{SiteId(2u), Liveness::kDown, ""});
  EXPECT_TRUE(explored(link).empty());
  EXPECT_FALSE(shows_link(graph, plain, link, 6'000, false, detours)) << "packets will be led over it when the site is there again";
  LinkSpec spec = graph.link_spec(led);
  spec.steerable = false;
  add(LinkDefined{led, spec});
  EXPECT_TRUE(shows_link(graph, plain, link, 6'249, false, detours)) << "nothing will ever be led over it";
  EXPECT_FALSE(shows_link(graph, plain, link, 6'249, true, detours)) << "but what another path died of is not acquitted so";
  EXPECT_FALSE(shows_link(graph, plain, link, 6'250, false, detours)) << "another way, whichever";
}

TEST_F(LinksTest, WaysAroundAreSearchedForOnceUntilMoreIsDescribed) {
  make(2, 2);  // routers 2 and 3
  const LinkId direct = join(0, 1, false), first = join(0, 2, false), last = join(2, 1, false);
  const WatchedPath path{SiteId(0u), SiteId(1u), {direct}, true};
  for (int turn = 0; turn < 100; ++turn) {
    EXPECT_TRUE(shows_link(graph, path, direct, 2'000, false, detours));
    EXPECT_FALSE(shows_link(graph, path, direct, 4'000, false, detours)) << "around";
  }
  EXPECT_EQ(detours.searches(), 1u);
  kill(first);
  add(SiteStateChanged{SiteId(1u), Liveness::kDown, ""});
  EXPECT_FALSE(shows_link(graph, path, direct, 4'000, false, detours));
  EXPECT_EQ(detours.searches(), 1u) << "routing takes it whether or not it is up";
  for (const LinkId link : {first, last}) describe(link, 500, 0);
  for (int turn = 0; turn < 100; ++turn) EXPECT_TRUE(shows_link(graph, path, direct, 2'000, false, detours));
  EXPECT_EQ(detours.searches(), 3u) << "as quick around: whether it can be led counts too";
}

TEST_F(LinksTest, FewWaysAroundAreKept) {
  make(10, 0);
  for (uint32_t s = 1; s < 10; ++s) join(0, s);
  Detours few(4);
  for (int turn = 0; turn < 3; ++turn) {
    for (uint32_t s = 1; s < 10; ++s) {
      EXPECT_EQ(few.around_us(graph, SiteId(0u), SiteId(s), LinkId(0u)), s == 1 ? std::nullopt : std::optional<int64_t>(2'000));
      EXPECT_TRUE(few.leadable(graph, LinkId(2 * (s - 1))));
      EXPECT_LE(few.kept(), 8u);
    }
  }
}

// An answer kept while links fail is the one that is found anew.
TEST_F(LinksTest, WhichLinksAreUpChangesNothingOfWhatIsKept) {
  constexpr uint32_t kSites = 6, kRouters = 12, kLinks = 30;
  make(kSites, kRouters);
  std::mt19937 random(7);
  for (uint32_t l = 0; l < kLinks; ++l) {
    const uint32_t router = kSites + static_cast<uint32_t>(random() % kRouters);
    uint32_t other = static_cast<uint32_t>(random() % (kSites + kRouters));
    if (other == router) other = 0;
    join(other, router, random() % 3 != 0);
  }
  size_t led = 0;
  for (int kills = 0; kills < 20; ++kills) {
    Detours fresh;
    for (uint32_t l = 0; l < kLinks; ++l) {
      const LinkId link(2 * l);
      EXPECT_EQ(detours.leadable(graph, link), fresh.leadable(graph, opposite(link)));
      led += fresh.leadable(graph, link);
      const SiteId from(l % kSites), to((l + 1) % kSites);
      EXPECT_EQ(detours.around_us(graph, from, to, link), fresh.around_us(graph, from, to, link));
    }
    kill(LinkId(2 * static_cast<uint32_t>(kills)));
  }
  EXPECT_EQ(detours.searches(), 2u * kLinks);
  EXPECT_GT(led, 0u);
  EXPECT_LT(led, 20u * kLinks);
}

TEST_F(LinksTest, AnAnswerOnAWayThatRoutingDoesNotTakeShowsNoLink) {
  make(2, 1);
  const LinkId direct = join(0, 1, false);
  describe(direct, 2'100, 0);
  for (const LinkId around : {join(0, 2, false), join(2, 1, false)}) describe(around, 1'000, 0);
  EXPECT_FALSE(shows_link(graph, {SiteId(0u), SiteId(1u), {direct}, true}, direct, 4'000, false, detours));
}

TEST_F(LinksTest, OverPlainRoutingExploresWhereAWayAroundWouldBeNoticed) {
  make(3, 3);  // routers 3 to 5
  const LinkId near = join(0, 3, false), dead = join(3, 4, false), far = join(1, 4, false), on = join(4, 5, false);
  const LinkId end = join(2, 5, false), bypass = join(0, 1, false);
  describe(bypass, 3'100, 0);  // the nearest pair is as quickly joined without the link
  for (const LinkId down : {dead, on}) kill(down);
  const auto path = exploratory_path(graph, dead);
  ASSERT_TRUE(path);
  EXPECT_EQ(path->links, (Links{near, dead, on, opposite(end)})) << "proven together with its neighbour";
  EXPECT_NE(path->to, graph.site_at(graph.link(far).from));
}

TEST_F(LinksTest, OverPlainRoutingExploresFromASiteThatIsRoutedThatWayHoweverFar) {
  make(7, 4);  // routers 7 to 10
  const LinkId dead = join(7, 8, false);
  for (uint32_t site = 0; site < 5; ++site) {  // near, and routed another way
    join(site, 7, false);
    join(site, 8, false);
  }
  join(5, 9, false);
  join(9, 10, false);
  join(10, 7, false);
  join(6, 8, false);
  kill(dead);
  const auto path = exploratory_path(graph, dead);
  ASSERT_TRUE(path);
  EXPECT_EQ(path->from, SiteId(5u));
  EXPECT_EQ(path->to, SiteId(6u));
}

TEST_F(LinksTest, OverPlainRoutingExploresFromTheSideWhereFewSitesAreThoughMostOfTheOtherAreRoutedAnotherWay) {
  make(7, 4);  // routers 7 to 10
  const LinkId dead = join(7, 8, false), aside = join(9, 10, false), far = join(5, 7, false);
  for (uint32_t site = 0; site < 5; ++site) join(site, 9, false);  // nearest, and routed by router 10
  join(9, 7, false);
  join(10, 6, false);
  join(6, 8, false);
  describe(aside, 1'500, 0);
  describe(far, 5'000, 0);
  kill(dead);
  const auto path = exploratory_path(graph, dead);
  ASSERT_TRUE(path);
  EXPECT_EQ(path->from, SiteId(6u));
  EXPECT_EQ(path->to, SiteId(5u));
}

TEST_F(LinksTest, ExploresNothingThroughASite) {
  make(3, 2);  // routers 3 and 4
  const LinkId dead = join(3, 4);
  join(0, 3);
  join(1, 4);
  join(1, 3);
  join(2, 3);
  add(SiteStateChanged{SiteId(1u), Liveness::kDown, ""});
  kill(dead);
  EXPECT_TRUE(explored(dead).empty()) << "behind it is a site that is away";
  add(SiteStateChanged{SiteId(1u), Liveness::kDraining, ""});
  EXPECT_EQ(explored(dead).size(), 3u) << "its agent is there";
}

}  // namespace
}  // namespace weir
