#include "infrastructure/store/views.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/event/codec.h"
#include "core/ledger/memory_log_store.h"

namespace weir::store {
namespace {

constexpr TimeUs kMinute = 60'000'000;
constexpr TimeUs kHour = 60 * kMinute;

const LedgerId kLedger{std::byte{1}};

// street --l0-- router --l1-- hub, tenant city, intent cameras.
class ViewsTest : public testing::Test {
 protected:
  ViewsTest() {
    std::string pattern = testing::TempDir() + "weir-views-XXXXXX";
    folder = ::mkdtemp(pattern.data()) != nullptr ? pattern : "";
    path = folder + "/views.sqlite";
    at(0, DomainCreated{.name = "lab"});
    at(0, TenantDefined{TenantId(0u), "city"});
    at(0, RouterDefined{VertexId(0u), "r"});
    at(0, SiteDefined{SiteId(0u), VertexId(1u), site("street", 0)});
    at(0, SiteDefined{SiteId(1u), VertexId(2u), site("hub", 2 * kCredit)});
    at(0, LinkDefined{LinkId(0u), link("street-r", 1, 0)});
    at(0, LinkDefined{LinkId(2u), link("r-hub", 0, 2)});
    at(0, NodesReported{SiteId(1u), NodeId(0u), {NodeSpec{"n0", 4000, 4096, 0, "", 1000}}});
    at(0, SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
    at(0, SiteStateChanged{SiteId(1u), Liveness::kUp, ""});
    IntentSpec spec{.name = "cameras", .from = {{SiteId(0u), 2}}};
    spec.workload.artifact = "detector";
    spec.workload.port = 8080;
    spec.workload.cpu_milli = 500;
    spec.workload.memory_mib = 256;
    spec.workload.streams_per_instance = 2;
    spec.traffic.up_bps = 2'000'000;
    spec.promise.latency_us_max = 500'000;
    at(kMinute, IntentSubmitted{IntentId(0u), TenantId(0u), 1, spec});
  }
  ~ViewsTest() override { std::filesystem::remove_all(folder); }

  static SiteSpec site(std::string name, Nanocredits per_core_hour) {
    SiteSpec spec{.name = std::move(name), .residency = {"cn"}};
    spec.asks.per_core_hour = per_core_hour;
    return spec;
  }
  static LinkSpec link(std::string name, uint32_t a, uint32_t b) {
    return {.name = std::move(name),
            .a = VertexId(a),
            .b = VertexId(b),
            .bandwidth_bps = 10'000'000,
            .latency_us = 1000};
  }
  // One instance at the hub for `per_core_hour`, one flow for a tenth of a credit per hour.
  static Plan plan(Nanocredits per_core_hour, RunId continues = {}) {
    Plan out{.intent = IntentId(0u), .generation = 1};
    Placement placement{
        .site = SiteId(1u), .node = NodeId(0u), .cpu_milli = 500, .memory_mib = 256, .streams = 2};
    placement.asks.per_core_hour = per_core_hour;
    placement.continues = continues;
    out.placements.push_back(placement);
    Flow flow{.ingress = SiteId(0u), .placement = 0, .streams = 2, .up_bps = 4'000'000};
    flow.path = {LinkId(0u), LinkId(2u)};
    flow.path_per_hour = kCredit / 10;
    out.flows.push_back(flow);
    return out;
  }
  Position at(TimeUs time, EventBody body) {
    Event event{time, "test", std::move(body)};
    EXPECT_TRUE(validate(event)) << event.name() << ": " << validate(event).error().text();
    std::vector<std::byte> bytes;
    encode(event, bytes);
    Bytes record(bytes);
    EXPECT_TRUE(log.append(std::span(&record, 1), LogStore::Urgency::kOrdinary));
    EXPECT_TRUE(log.flush());
    return log.end() - 1;
  }
  RunId run_instance(TimeUs committed, TimeUs running, Nanocredits per_core_hour) {
    RunId run{at(committed, PlanCommitted{plan(per_core_hour)}), 0};
    at(running, RunStateChanged{run, IntentId(0u), RunState::kRunning, 0, ""});
    return run;
  }
  std::unique_ptr<Views> open() {
    auto views = Views::open(path, kLedger);
    EXPECT_TRUE(views) << views.error().text();
    return std::move(*views);
  }
  std::unique_ptr<Views> updated() {
    auto views = open();
    Status done = views->update(log);
    EXPECT_TRUE(done) << done.error().text();
    return views;
  }

  std::string folder, path;
  InMemoryLogStore log;
};

TEST_F(ViewsTest, TellTheHistory) {
  at(2 * kMinute, IntentWithdrawn{IntentId(0u)});
  at(3 * kMinute, IntentWithdrawn{IntentId(0u)});
  auto views = updated();
  auto rows = views->history({});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), log.end());
  EXPECT_EQ(rows->front(),
            (HistoryRow{0, 0, "test", "DomainCreated", "domain", "", "domain lab created", ""}));
  auto own = views->history({.tenant = "city", .subject = "intent/city/cameras"});
  ASSERT_EQ(own->size(), 3u);
  EXPECT_EQ((*own)[0].text, "generation 1 submitted");
  EXPECT_EQ((*own)[0].at, kMinute);
  EXPECT_EQ((*own)[1].no_effect, "");
  EXPECT_NE((*own)[2].no_effect, "");
  EXPECT_EQ(views->history({.subject = "site/hub"})->size(), 3u);
  EXPECT_TRUE(views->history({.tenant = "other"})->empty());
  auto newest = views->history({.newest_first = true, .rows_max = 2});
  ASSERT_EQ(newest->size(), 2u);
  EXPECT_EQ((*newest)[0].position, log.end() - 1);
  EXPECT_EQ(views->history({.from = 3, .to = 5})->size(), 2u);
}

TEST_F(ViewsTest, BillWhatRunsAtThePlansPrice) {
  RunId run = run_instance(2 * kMinute, 3 * kMinute, 2 * kCredit);
  auto views = updated();
  // Half a core at 2 credits, and the path at 0.1, for half an hour so far.
  auto lines = views->bill("city", 0, 33 * kMinute);
  ASSERT_TRUE(lines);
  EXPECT_EQ(*lines,
            (std::vector<BillLine>{
                {"city", "city/cameras", "instance", "hub", kCredit, 30 * kMinute, kCredit / 2},
                {"city", "city/cameras", "path", "street>hub", kCredit / 10, 30 * kMinute, kCredit / 20}}));
  EXPECT_TRUE(views->bill("city", 0, 3 * kMinute)->empty());
  EXPECT_TRUE(views->bill("other", 0, kHour)->empty());

  at(63 * kMinute, RunStateChanged{run, IntentId(0u), RunState::kFailed, 1, "out of memory"});
  ASSERT_TRUE(views->update(log));
  EXPECT_EQ(views->bill("", 0, 10 * kHour)->at(0).amount, kCredit);
  // A window cuts an item at both ends.
  EXPECT_EQ(views->bill("city", 33 * kMinute, 48 * kMinute)->at(0).duration_us, 15 * kMinute);
  EXPECT_TRUE(views->bill("city", 63 * kMinute, 10 * kHour)->empty());
}

TEST_F(ViewsTest, ARunThatGoesOnIsBilledAtTheLaterPlansPrice) {
  RunId run = run_instance(0, 0, 2 * kCredit);
  at(kHour, PlanCommitted{plan(4 * kCredit, run)});
  at(kHour + kMinute, PlanRetired{IntentId(0u), run.plan});
  auto views = updated();
  auto lines = views->bill("city", 0, 2 * kHour);
  ASSERT_EQ(lines->size(), 3u);
  EXPECT_EQ((*lines)[0].amount, kCredit);         // half a core, an hour at 2
  EXPECT_EQ((*lines)[1].amount, 2 * kCredit);     // and one at 4
  EXPECT_EQ((*lines)[2].duration_us, 2 * kHour);  // the path is the same: one line, rounded once
  EXPECT_EQ((*lines)[2].amount, kCredit / 5);
}

TEST_F(ViewsTest, WhileAPlanReplacesAnotherBothRunsAreBilled) {
  RunId first = run_instance(0, 0, 2 * kCredit);
  run_instance(kHour, kHour + kMinute, 2 * kCredit);
  at(kHour + 2 * kMinute, PlanRetired{IntentId(0u), first.plan});
  auto views = updated();
  auto lines = views->bill("city", 0, kHour + 6 * kMinute);
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ((*lines)[0].duration_us, kHour + 2 * kMinute + 5 * kMinute);
}

TEST_F(ViewsTest, RoundOncePerLineHalfAwayFromZero) {
  RunId run = run_instance(0, 0, 1);
  at(5, RunStateChanged{run, IntentId(0u), RunState::kExited, 0, ""});
  at(10, RunStateChanged{run, IntentId(0u), RunState::kRunning, 0, ""});
  auto views = updated();
  auto amount = [&](TimeUs to) {
    return views->bill("city", 0, to)->back().amount;
  };                                 // the path: 1e8 per hour
  EXPECT_EQ(amount(5), 0);           // 0.139
  EXPECT_EQ(amount(5 + 5 + 13), 1);  // 18 us: 0.5
  EXPECT_EQ(amount(5 + 5 + 12), 0);  // 17 us: 0.47
}

TEST_F(ViewsTest, AddUpUsage) {
  RunId run = run_instance(0, 0, kCredit);
  for (int i = 0; i < 3; ++i) {
    UsageReported usage{run, IntentId(0u), i * kMinute, (i + 1) * kMinute};
    usage.cpu_us = 100;
    usage.sent_bytes = 7;
    usage.energy_microjoule = 11;
    usage.energy_model = "linear-cpu-v1";
    at((i + 1) * kMinute, usage);
  }
  auto views = updated();
  EXPECT_EQ(*views->usage("city", 0, kHour),
            (std::vector<UsageRow>{{"city", "city/cameras", 300, 0, 0, 21, 33}}));
  EXPECT_EQ(views->usage("", kMinute, kHour)->at(0).cpu_us, 200);
}

TEST_F(ViewsTest, GoOnWhereTheyStopped) {
  RunId run = run_instance(0, 0, 2 * kCredit);
  updated();
  at(kHour, RunStateChanged{run, IntentId(0u), RunState::kExited, 0, ""});
  auto views = open();
  EXPECT_EQ(views->position(), log.end() - 1);
  ASSERT_TRUE(views->update(log));
  ASSERT_TRUE(views->update(log));
  EXPECT_EQ(views->position(), log.end());
  EXPECT_EQ(views->history({})->size(), log.end());
  EXPECT_EQ(views->bill("city", 0, 9 * kHour)->at(0).duration_us, kHour);

  // What is made at once equals what was made step by step.
  std::string once = folder + "/once.sqlite";
  auto fresh = Views::open(once, kLedger);
  ASSERT_TRUE((*fresh)->update(log));
  EXPECT_EQ(*(*fresh)->history({}), *views->history({}));
  EXPECT_EQ(*(*fresh)->bill("", 0, 9 * kHour), *views->bill("", 0, 9 * kHour));
}

TEST_F(ViewsTest, AreMadeAnewForAnotherOrShorterLedger) {
  run_instance(0, 0, 2 * kCredit);
  updated();
  auto other = Views::open(path, LedgerId{std::byte{2}});
  ASSERT_TRUE(other);
  EXPECT_EQ((*other)->position(), 0u);
  other->reset();

  updated();
  InMemoryLogStore shorter;
  ASSERT_TRUE(log.read(0, 5, [&](Position, Bytes record) -> Status {
    return shorter.append(std::span(&record, 1), LogStore::Urgency::kOrdinary);
  }));
  ASSERT_TRUE(shorter.flush());
  auto views = open();
  ASSERT_TRUE(views->update(shorter));
  EXPECT_EQ(views->position(), 5u);
  EXPECT_EQ(views->history({})->size(), 5u);

  // The same number of records, but another last one.
  InMemoryLogStore changed;
  ASSERT_TRUE(log.read(0, 4, [&](Position, Bytes record) -> Status {
    return changed.append(std::span(&record, 1), LogStore::Urgency::kOrdinary);
  }));
  std::vector<std::byte> bytes;
  encode(Event{7, "somebody else", TenantDefined{TenantId(1u), "harbour"}}, bytes);
  Bytes record(bytes);
  ASSERT_TRUE(changed.append(std::span(&record, 1), LogStore::Urgency::kOrdinary));
  ASSERT_TRUE(changed.flush());
  ASSERT_TRUE(views->update(changed));
  EXPECT_EQ(views->history({})->back().actor, "somebody else");
}

TEST_F(ViewsTest, ADamagedFileIsMadeAnew) {
  updated();
  {
    std::ofstream file(path, std::ios::trunc);
    file << "this is not a database, but it is long enough to be taken for one at first sight ..............";
  }
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path + suffix);
  auto views = updated();
  EXPECT_EQ(views->history({})->size(), log.end());
}

TEST_F(ViewsTest, KeepWhatCameBeforeAnEventThatCannotBeRead) {
  std::string garbage = "\xff\xff\xff not an event";
  Bytes record = std::as_bytes(std::span(garbage));
  ASSERT_TRUE(log.append(std::span(&record, 1), LogStore::Urgency::kOrdinary));
  ASSERT_TRUE(log.flush());
  auto views = open();
  Status done = views->update(log);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find("record " + std::to_string(log.end() - 1)), std::string::npos)
      << done.error().text();
  EXPECT_EQ(views->position(), log.end() - 1);
  EXPECT_EQ(views->history({})->size(), log.end() - 1);
  EXPECT_FALSE(views->update(log));
  views = nullptr;
  EXPECT_EQ(open()->position(), log.end() - 1);
}

}  // namespace
}  // namespace weir::store
