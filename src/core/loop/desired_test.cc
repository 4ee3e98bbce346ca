#include "core/loop/desired.h"

#include <gtest/gtest.h>

#include "core/loop/labels.h"
#include "core/loop/links.h"

namespace weir {
namespace {

// a(site 0) and b(site 1) joined through r0 (links 0, 2) and through r1 (links 4, 6).
class DesiredTest : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({1, "t", std::move(body)}); }
  void SetUp() override {
    add(DomainCreated{.name = "d", .service_prefix = "fd77:1:2::/64"});
    add(TenantDefined{TenantId(0u), "city"});
    for (uint32_t s = 0; s < 2; ++s) {
      const std::string n = std::to_string(s + 1);
      add(SiteDefined{SiteId(s), VertexId(s), SiteSpec{.name = "s" + n, .prefix = "fd77:1:1:" + n + "::/64", .sid = "fd77:1:f:" + n + "::d6"}});
      add(NodesReported{SiteId(s), NodeId(s), {{"n", 2000, 4096, 0, "", 1000}}});
      add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    }
    add(RouterDefined{VertexId(2u), "r0"});
    add(RouterDefined{VertexId(3u), "r1"});
    for (uint32_t l = 0; l < 4; ++l) {
      const uint32_t router = 2 + l / 2, site = l % 2;
      add(LinkDefined{LinkId(2 * l), LinkSpec{.name = "l" + std::to_string(l), .a = VertexId(router), .b = VertexId(site),
                                              .bandwidth_bps = 1'000'000'000,
                                              .sid_a = "fd77:1:f:" + std::to_string(router + 1) + "::" + std::to_string(l),
                                              .sid_b = "fd77:1:f:" + std::to_string(site + 1) + "::" + std::to_string(l)}});
    }
    IntentSpec spec{.name = "i", .from = {{SiteId(0u), 1}}};
    spec.workload.cpu_milli = 100;
    spec.workload.port = 80;
    spec.workload.speed_milli_min = 900;
    add(IntentSubmitted{IntentId(0u), TenantId(0u), 1, spec});
  }
  Position commit(RunId continues, std::vector<LinkId> path, std::vector<LinkId> protection) {
    Plan plan{.intent = IntentId(0u), .generation = 1, .basis = graph.version()};
    plan.placements.push_back({.site = SiteId(1u), .node = NodeId(1u), .cpu_milli = 100, .streams = 1, .continues = continues});
    plan.flows.push_back({.ingress = SiteId(0u), .placement = 0, .streams = 1, .path = std::move(path), .protection = std::move(protection)});
    EXPECT_TRUE(give_labels(graph, plan));
    const Position at = graph.version();
    EXPECT_TRUE(add(PlanCommitted{plan}).effect);
    return at;
  }
  std::map<SiteId, SiteDirective> all(const Phases& phases = {}) { return desired(graph, {SiteId(0u), SiteId(1u)}, phases); }

  const std::vector<LinkId> by_r0 = {LinkId(1u), LinkId(2u)}, by_r1 = {LinkId(5u), LinkId(6u)};
  Graph graph;
};

TEST_F(DesiredTest, ARunAPathAndOnceItRunsAService) {
  const Position at = commit({}, by_r0, by_r1);
  auto directives = all();
  ASSERT_EQ(directives[SiteId(1u)].runs.size(), 1u);
  EXPECT_EQ(directives[SiteId(1u)].runs[0].address, "fd77:1:1:2:8000:0:" + [&] { char t[8]; snprintf(t, sizeof t, "%x", static_cast<unsigned>(at)); return std::string(t); }() + ":0");
  ASSERT_EQ(directives[SiteId(0u)].paths.size(), 2u);
  EXPECT_EQ(directives[SiteId(0u)].paths[0].segments, (std::vector<std::string>{"fd77:1:f:3::1", "fd77:1:f:2::d6"}));
  EXPECT_EQ(directives[SiteId(1u)].paths[0].segments, (std::vector<std::string>{"fd77:1:f:3::0", "fd77:1:f:1::d6"}));
  const uint16_t label = directives[SiteId(0u)].steerings[0].label_working;
  EXPECT_GE(label, 256);
  EXPECT_EQ(directives[SiteId(1u)].runs[0].workload.speed_milli_min, 0) << "it chose the node: to the run it is nothing";
  EXPECT_EQ(directives[SiteId(0u)].steerings[0].label_protection, label + 1);
  EXPECT_EQ(directives[SiteId(1u)].steerings[0].source, directives[SiteId(1u)].runs[0].address + "/128");
  EXPECT_TRUE(directives[SiteId(0u)].services.empty()) << "nothing runs yet";
  add(RunStateChanged{{at, 0}, IntentId(0u), RunState::kRunning});
  ASSERT_EQ(all()[SiteId(0u)].services.size(), 1u);
  EXPECT_EQ(all()[SiteId(0u)].services[0].address, "fd77:1:2::1");
}

TEST_F(DesiredTest, WhatHasEndedIsNotToBeBegunAgain) {
  const Position at = commit({}, by_r0, {});
  for (const RunState state : {RunState::kPlanned, RunState::kStarting, RunState::kRunning, RunState::kStopping,
                               RunState::kExited, RunState::kFailed, RunState::kLost}) {
    add(RunStateChanged{{at, 0}, IntentId(0u), state});
    ASSERT_EQ(all()[SiteId(1u)].runs.size(), 1u) << "what is left of it, its log say, is kept";
    EXPECT_EQ(all()[SiteId(1u)].runs[0].ended, state >= RunState::kStopping);
  }
}

TEST_F(DesiredTest, TheOldStandsUntilTheNewCarriesTraffic) {
  const Position first = commit({}, by_r0, {});
  add(RunStateChanged{{first, 0}, IntentId(0u), RunState::kRunning});
  const Position second = commit({}, by_r1, {});
  auto making = all();
  EXPECT_EQ(making[SiteId(1u)].runs.size(), 2u);
  ASSERT_EQ(making[SiteId(0u)].services.size(), 1u);
  EXPECT_EQ(making[SiteId(0u)].services[0].backends.at(0).run, (RunId{first, 0}));
  EXPECT_FALSE(active_is_ready(graph.intent(IntentId(0u))));
  add(RunStateChanged{{second, 0}, IntentId(0u), RunState::kRunning});
  EXPECT_TRUE(active_is_ready(graph.intent(IntentId(0u))));
  auto switching = all({{{IntentId(0u), first}, Phase::kSwitching}});
  EXPECT_EQ(switching[SiteId(1u)].runs.size(), 2u);
  ASSERT_EQ(switching[SiteId(0u)].services[0].backends.size(), 1u);
  EXPECT_EQ(switching[SiteId(0u)].services[0].backends[0].run, (RunId{second, 0}));
  EXPECT_EQ(switching[SiteId(0u)].paths.size(), 2u);
  auto breaking = all({{{IntentId(0u), first}, Phase::kBreaking}});
  EXPECT_EQ(breaking[SiteId(1u)].runs.size(), 1u);
  EXPECT_EQ(breaking[SiteId(0u)].paths.size(), 1u);
}

TEST_F(DesiredTest, ANewPathForARunThatGoesOnIsSteeredOnce) {
  const Position first = commit({}, by_r0, by_r1);
  add(RunStateChanged{{first, 0}, IntentId(0u), RunState::kRunning});
  commit({first, 0}, by_r1, {});
  auto directives = all();
  EXPECT_EQ(directives[SiteId(1u)].runs.size(), 1u);
  ASSERT_EQ(directives[SiteId(0u)].steerings.size(), 1u);
  EXPECT_EQ(directives[SiteId(0u)].steerings[0].label_working,
            graph.intent(IntentId(0u)).active->plan.flows[0].label_working);
  EXPECT_EQ(directives[SiteId(0u)].paths.size(), 3u) << "the old paths stand while the old plan retires";
}

TEST_F(DesiredTest, ADeadLinkIsWatched) {
  add(LinkStateChanged{LinkId(2u), false, "cut"});
  add(LinkStateChanged{LinkId(3u), false, "cut"});
  auto directives = all();
  ASSERT_EQ(directives[SiteId(0u)].paths.size(), 1u);
  EXPECT_EQ(directives[SiteId(0u)].paths[0].label, exploratory_label(*exploratory_path(graph, LinkId(2u))));
  EXPECT_EQ(directives[SiteId(1u)].paths.size(), 1u);
}

// a and b over r0 in 2 ms, over r1 in 4 ms.
TEST_F(DesiredTest, WhereNothingIsSteeredARoutedPathIsWatched) {
  for (uint32_t l = 0; l < 4; ++l) {
    LinkSpec spec = graph.link_spec(LinkId(2 * l));
    spec.steerable = false;
    spec.latency_us = l < 2 ? 1'000 : 2'000;
    add(LinkDefined{LinkId(2 * l), spec});
  }
  for (const uint32_t l : {4u, 5u}) add(LinkStateChanged{LinkId(l), false, "cut"});
  EXPECT_FALSE(exploratory_path(graph, LinkId(4u))) << "routing leads over r0, and would show nothing";
  for (const uint32_t l : {2u, 3u}) add(LinkStateChanged{LinkId(l), false, "cut"});
  const auto watched = exploratory_path(graph, LinkId(2u));
  ASSERT_TRUE(watched);
  EXPECT_EQ(watched->links.size(), 2u);
  Detours detours;
  EXPECT_TRUE(shows_link(graph, *watched, LinkId(2u), 4'100, false, detours));
  EXPECT_FALSE(shows_link(graph, *watched, LinkId(2u), 8'100, false, detours)) << "routing has gone around";
}

TEST_F(DesiredTest, LinksAreJudgedByThePathsOverThem) {
  const SiteId a(0u), b(1u);
  auto verdicts = judge_links(graph, {{a, b, by_r0, false}, {a, b, by_r1, true}});
  EXPECT_EQ(verdicts.down, (std::vector<LinkId>{LinkId(0u), LinkId(2u)}));
  EXPECT_EQ(verdicts.up, (std::vector<LinkId>{LinkId(4u), LinkId(6u)}));
  verdicts = judge_links(graph, {{a, b, by_r0, false}, {a, b, {LinkId(1u)}, true}});
  EXPECT_EQ(verdicts.down, (std::vector<LinkId>{LinkId(2u)}));
  add(SiteStateChanged{b, Liveness::kDown, ""});
  EXPECT_TRUE(judge_links(graph, {{a, b, by_r0, false}}).down.empty()) << "the site is dead, not the links";
}

TEST_F(DesiredTest, InstancesThatExchangeAreToldOfEachOtherAndLedToEachOther) {
  IntentSpec spec{.name = "gang"};
  spec.workload.kind = WorkKind::kJob;
  spec.workload.cpu_milli = 100;
  spec.schedule.instances = 2;
  spec.traffic.between_bps = 1'000'000;
  add(IntentSubmitted{IntentId(1u), TenantId(0u), 1, spec});
  Plan plan{.intent = IntentId(1u), .generation = 1, .basis = graph.version()};
  for (uint32_t s = 0; s < 2; ++s) plan.placements.push_back({.site = SiteId(s), .node = NodeId(s), .cpu_milli = 100, .continues = {}});
  plan.flows.push_back({.ingress = SiteId(0u), .placement = 1, .up_bps = 1'000'000, .down_bps = 1'000'000, .path = by_r0});
  EXPECT_TRUE(give_labels(graph, plan));
  const Position at = graph.version();
  EXPECT_TRUE(add(PlanCommitted{plan}).effect);
  auto directives = all();
  const DirectedRun& first = directives[SiteId(0u)].runs.at(0);
  const DirectedRun& second = directives[SiteId(1u)].runs.at(0);
  EXPECT_EQ(first.instances, (std::vector{first.address, second.address}));
  EXPECT_EQ(second.instances, first.instances);
  EXPECT_EQ(first.instance, 0);
  EXPECT_EQ(second.instance, 1);
  ASSERT_EQ(directives[SiteId(0u)].steerings.size(), 1u);
  EXPECT_EQ(directives[SiteId(0u)].steerings[0].destination, second.address + "/128");
  ASSERT_EQ(directives[SiteId(1u)].steerings.size(), 1u);
  EXPECT_EQ(directives[SiteId(1u)].steerings[0].source, second.address + "/128");
  EXPECT_EQ(directives[SiteId(1u)].steerings[0].destination, "fd77:1:1:1::/64");
  for (uint32_t item = 0; item < 2; ++item) add(RunStateChanged{{at, item}, IntentId(1u), RunState::kRunning});
  EXPECT_TRUE(all()[SiteId(0u)].services.empty()) << "it answers nobody else";
}

TEST_F(DesiredTest, ATaskIsToldWhichOfItsArrayItIs) {
  IntentSpec spec{.name = "render", .schedule = {.tasks = 40}};
  spec.workload.kind = WorkKind::kJob;
  spec.workload.cpu_milli = 100;
  ASSERT_TRUE(add(IntentSubmitted{IntentId(1u), TenantId(0u), 1, spec}).effect);
  for (uint32_t task = 0; task < 2; ++task) {
    ASSERT_TRUE(add(IntentSubmitted{IntentId(2 + task), TenantId(0u), 1, {}, IntentId(1u), task}).effect);
  }
  Plan plan{.intent = IntentId(3u), .generation = 1};
  plan.placements.push_back({.site = SiteId(1u), .node = NodeId(1u), .cpu_milli = 100, .continues = {}});
  ASSERT_TRUE(add(PlanCommitted{plan}).effect);
  auto directives = all();
  ASSERT_EQ(directives[SiteId(1u)].runs.size(), 1u);
  const DirectedRun& run = directives[SiteId(1u)].runs[0];
  EXPECT_EQ(run.intent_name, "render.1");
  EXPECT_EQ(run.task, 1);
  EXPECT_EQ(run.tasks, 40);
}

}  // namespace
}  // namespace weir
