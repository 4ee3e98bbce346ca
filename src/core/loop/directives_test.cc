#include <gtest/gtest.h>

#include <map>
#include <random>

#include "core/event/codec.h"
#include "core/graph/promise.h"
#include "core/ledger/memory_log_store.h"
#include "core/loop/loop.h"

namespace weir {
namespace {

constexpr SiteId kHub(0u), kFar(1u);
constexpr SiteId kSites[] = {kHub, kFar};

// Jobs and services come, go and change at two sites, and each site is told only what has changed: it must have been told
// what it would be told if everything were derived anew.
class DirectivesTest : public testing::TestWithParam<uint32_t>, public Clock, public Wire {
 protected:
  TimeUs wall_us() override { return now_us; }
  TimeUs steady_us() override { return now_us; }
  void send(const SiteDirective& directive) override { told[directive.site] = directive; }
  void drop(SiteId) override {}

  void write(EventBody body) {
    std::vector<std::byte> bytes;
    encode(Event{1, "test", std::move(body)}, bytes);
    const Bytes record(bytes);
    ASSERT_TRUE(log.append({&record, 1}, LogStore::Urgency::kOrdinary));
    ASSERT_TRUE(log.flush());
  }
  void SetUp() override {
    write(DomainCreated{.name = "test", .service_prefix = "fd77:1:2::/64"});
    write(TenantDefined{TenantId(0u), "city"});
    for (const SiteId site : kSites) {
      const std::string n = std::to_string(site.value + 1);
      write(SiteDefined{site, VertexId(site.value), {.name = "s" + n, .prefix = "fd77:1:1:" + n + "::/64"}});
      write(NodesReported{site, NodeId(site.value), {NodeSpec{"n", 400'000, 4096, 0, "", 1000}}});
    }
    write(LinkDefined{LinkId(0u), LinkSpec{.name = "l", .a = VertexId(0u), .b = VertexId(1u),
                                           .bandwidth_bps = 1'000'000'000, .latency_us = 1'000}});
    auto made = Loop::start({.clock = *this,
                             .log = log,
                             .wire = *this,
                             .decide =
                                 [this](uint64_t ticket, const Snapshot& seen, IntentId intent, const std::vector<SiteId>&) {
                                   inbox.push_back(Loop::Decided{ticket, intent, plan(*seen, intent)});
                                   return true;
                                 },
                             .needs_decision =
                                 [](const Graph& graph, IntentId id) {
                                   const IntentRow& row = graph.intent(id);
                                   return row.state != IntentState::kWithdrawn &&
                                          (!row.active || row.active->plan.generation != row.generation);
                                 },
                             .publish = [](const Snapshot&) {}},
                            {}, "test", DomainCreated{.name = "test"});
    ASSERT_TRUE(made) << made.error().text();
    loop = std::move(*made);
    for (const SiteId site : kSites) inbox.push_back(Loop::Attached{site, 1, {.version = "t"}});
    turn();
  }
  uint32_t draw(uint32_t below) { return static_cast<uint32_t>(random() % below); }

  Plan plan(const Graph& graph, IntentId intent) {
    const IntentRow& row = graph.intent(intent);
    Plan out{.intent = intent, .generation = row.generation, .basis = graph.version()};
    for (uint32_t k = 0; k < 1 + draw(3); ++k) {
      const SiteId at = kSites[draw(2)];
      out.placements.push_back({.site = at, .node = NodeId(at.value), .cpu_milli = row.spec->workload.cpu_milli,
                                .streams = row.spec->from.empty() ? 0 : 1, .continues = {}});
    }
    if (!row.spec->from.empty()) {
      out.placements.resize(1);
      const SiteId at = out.placements[0].site;
      out.flows.push_back({.ingress = kHub, .placement = 0, .streams = 1, .path = {}});
      if (at != kHub) out.flows[0].path = {LinkId(0u)};
    }
    const PlanTotals totals = plan_totals(graph, *row.spec, out);
    out.billed_per_hour = totals.billed_per_hour;
    out.power_mw = totals.power_mw;
    out.carbon_mg_per_hour = totals.carbon_mg_per_hour;
    out.availability_ppm = totals.availability_ppm;
    return out;
  }
  void turn() {
    now_us += 10'000;
    ASSERT_TRUE(loop->turn(std::exchange(inbox, {})));
  }
  void submit(uint32_t number) {
    IntentSpec spec{.name = "i" + std::to_string(number)};
    spec.workload.kind = draw(3) == 0 ? WorkKind::kService : WorkKind::kJob;
    if (spec.workload.kind == WorkKind::kService) {
      spec.workload.port = 80;
      spec.from = {{kHub, 1}};
    }
    spec.workload.artifact = "a" + std::to_string(draw(1'000));
    spec.workload.cpu_milli = 100;
    inbox.push_back(Loop::Propose{{{"tenant/city", IntentSubmitted{{}, TenantId(0u), 0, spec}}}, [](const auto&) {}});
  }
  void withdraw(uint32_t number) {
    if (number >= loop->head().intent_count()) return;
    inbox.push_back(Loop::Propose{{{"tenant/city", IntentWithdrawn{IntentId(number)}}}, [](const auto&) {}});
  }
  void report(SiteId site) {
    const SiteDirective& directive = told[site];
    Observation seen{.applied_version = directive.version, .applied_brain_epoch = directive.brain_epoch, .settled = true};
    for (const DirectedRun& run : directive.runs) {
      if (run.workload.kind == WorkKind::kJob && draw(8) == 0) ended.insert(run.run);
      seen.runs.push_back({run.run, ended.count(run.run) != 0 ? RunState::kExited : RunState::kRunning, 0, {}, true});
    }
    inbox.push_back(Loop::Reported{site, 1, {std::move(seen)}, {}});
  }
  // Of intents without a plan that retires: how far those are, the loop alone knows.
  void check() {
    const Graph& graph = loop->head();
    std::set<IntentId> all, still;
    for (size_t i = 0; i < graph.intent_count(); ++i) {
      all.insert(IntentId(i));
      if (graph.intent(IntentId(i)).retiring.empty()) still.insert(IntentId(i));
    }
    for (auto& [site, wanted] : desired(graph, {kHub, kFar}, {}, still, {})) {
      SiteDirective seen = told[site];
      if (still != all) {
        std::erase_if(seen.runs, [&](const DirectedRun& run) { return still.count(run.intent) == 0; });
        ASSERT_EQ(seen.runs, wanted.runs);
        continue;
      }
      ++compared_whole;
      ASSERT_EQ(seen.runs, wanted.runs);
      ASSERT_EQ(seen.paths, wanted.paths);
      ASSERT_EQ(seen.steerings, wanted.steerings);
      ASSERT_EQ(seen.services, wanted.services);
    }
  }

  InMemoryLogStore log;
  std::unique_ptr<Loop> loop;
  std::vector<Loop::Message> inbox;
  std::map<SiteId, SiteDirective> told;
  std::set<RunId> ended;
  std::mt19937 random{GetParam()};
  TimeUs now_us = 1'000'000;
  int compared_whole = 0;
};

TEST_P(DirectivesTest, WhatIsToldOfChangesAmountsToTheWhole) {
  for (int step = 0; step < 2'000; ++step) {
    switch (draw(8)) {
      case 0:
        submit(draw(24));
        break;
      case 1:
        withdraw(draw(24));
        break;
      default:
        report(kSites[draw(2)]);
        report(kSites[draw(2)]);
    }
    turn();
    check();
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(loop->counters().commits, 100u);
  EXPECT_GT(loop->counters().directives, 300u);
  EXPECT_GT(compared_whole, 50);
}

INSTANTIATE_TEST_SUITE_P(Seeds, DirectivesTest, testing::Range(1u, 9u));

}  // namespace
}  // namespace weir
