#include "infrastructure/store/views.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "core/event/codec.h"
#include "core/event/limits.h"
#include "core/graph/checkpoint.h"
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
    begin();
  }
  // A new ledger without views.
  void begin() {
    path = folder + "/views.sqlite";
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
    log = InMemoryLogStore();
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
    at(kMinute, IntentSubmitted{IntentId(0u), TenantId(0u), 1, cameras()});
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
  static IntentSpec cameras() {
    IntentSpec spec{.name = "cameras", .from = {{SiteId(0u), 2}}};
    spec.workload.artifact = "detector";
    spec.workload.port = 8080;
    spec.workload.cpu_milli = 500;
    spec.workload.memory_mib = 256;
    spec.workload.streams_per_instance = 2;
    spec.traffic.up_bps = 2'000'000;
    spec.promise.latency_us_max = 500'000;
    return spec;
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
    last_at = time;
    Event event{time, "test", std::move(body)};
    EXPECT_TRUE(validate(event)) << event.name() << ": " << validate(event).error().text();
    std::vector<std::byte> bytes;
    encode(event, bytes);
    Bytes record(bytes);
    EXPECT_TRUE(log.append(std::span(&record, 1), LogStore::Urgency::kOrdinary));
    EXPECT_TRUE(log.flush());
    return log.end() - 1;
  }
  // Of the new run, or of the plan that goes on with one.
  RunId commit(TimeUs time, Nanocredits per_core_hour, RunId continues = {}) {
    return {at(time, PlanCommitted{plan(per_core_hour, continues)}), 0};
  }
  void usage(RunId run, TimeUs from, TimeUs to, TimeUs begun = 0, TimeUs time = 0) {
    UsageReported body{run, IntentId(0u), from, to};
    body.begun = begun;
    at(std::max(time, std::max(last_at, to)), body);
  }
  static Nanocredits amount(const Views& views, const std::string& item, TimeUs from, TimeUs to) {
    Nanocredits sum = 0;
    const auto bill = views.bill("city", from, to);
    EXPECT_TRUE(bill) << bill.error().text();
    for (const BillLine& line : bill->lines) {
      if (line.item == item) sum += line.amount;
    }
    return sum;
  }
  std::unique_ptr<Views> open() {
    auto views = Views::open(path, kLedger);
    EXPECT_TRUE(views) << views.error().text();
    return std::move(*views);
  }
  std::unique_ptr<Views> updated() {
    auto views = open();
    Status done = views->update(log, log.end());
    EXPECT_TRUE(done) << done.error().text();
    return views;
  }

  TimeUs last_at = 0;
  std::string folder, path;
  InMemoryLogStore log;
};

TEST_F(ViewsTest, FindEventsByTenantNameAndTime) {
  at(2 * kMinute, IntentWithdrawn{IntentId(0u)});
  at(3 * kMinute, IntentWithdrawn{IntentId(0u)});
  auto views = updated();
  auto rows = views->events({});
  ASSERT_TRUE(rows) << rows.error().text();
  ASSERT_EQ(rows->size(), log.end());
  EXPECT_EQ(rows->front(), (EventRow{0, "domain/lab", ""}));
  const auto positions = [&](const EventFilter& filter) {
    std::vector<Position> out;
    const auto found = views->events(filter);
    for (const EventRow& row : *found) out.push_back(row.position);
    return out;
  };
  const Position end = log.end();
  EXPECT_EQ(positions({.tenant = "city"}), (std::vector<Position>{1, end - 3, end - 2, end - 1}));
  EXPECT_EQ(positions({.tenant = "rival"}), std::vector<Position>());
  EXPECT_EQ(positions({.names = {"IntentWithdrawn", "DomainCreated"}}),
            (std::vector<Position>{0, end - 2, end - 1}));
  EXPECT_EQ(positions({.tenant = "city", .names = {"IntentWithdrawn"}, .rows_max = 1}),
            (std::vector<Position>{end - 2}));
  EXPECT_EQ(positions({.since = 1}).front(), end - 3);
  EXPECT_EQ(positions({.since = kMinute}).front(), end - 3);
  EXPECT_EQ(positions({.since = kMinute + 1}), (std::vector<Position>{end - 2, end - 1}));
  EXPECT_EQ(positions({.since = 3 * kMinute}), (std::vector<Position>{end - 1}));
  EXPECT_EQ(positions({.since = kHour}), std::vector<Position>());
  EXPECT_EQ(positions({.from = 3, .to = 5}), (std::vector<Position>{3, 4}));
  rows = views->events({.names = {"IntentWithdrawn"}});
  EXPECT_EQ((*rows)[0], (EventRow{end - 2, "intent/city/cameras", ""}));
  EXPECT_EQ((*rows)[1].no_effect, "the intent is withdrawn");
}

TEST_F(ViewsTest, BillWhatThePlanReservesForAsLongAsItWasMetered) {
  const RunId run = commit(0, 2 * kCredit);
  usage(run, 3 * kMinute, 33 * kMinute);
  auto views = updated();
  const auto bill = views->bill("city", 0, kHour);
  ASSERT_TRUE(bill) << bill.error().text();
  EXPECT_EQ(bill->size, log.end());
  // Half a core at 2 credits, and the path at 0.1, for half an hour.
  EXPECT_EQ(
      bill->lines,
      (std::vector<BillLine>{
          {"city", "cameras", run.plan, "hub", "core", "core-hour", 250, 2 * kCredit, kCredit / 2},
          {"city", "cameras", run.plan, "hub", "memory", "GiB-hour", 125, 0, 0},
          {"city", "cameras", run.plan, "hub", "network", "path-hour", 500, kCredit / 10, kCredit / 20}}));
  EXPECT_TRUE(views->bill("city", 33 * kMinute, kHour)->lines.empty());
  EXPECT_TRUE(views->bill("city", kMinute, kMinute)->lines.empty());
  EXPECT_TRUE(views->bill("rival", 0, kHour)->lines.empty());
  EXPECT_EQ(views->bill("", 0, kHour)->lines.size(), 3u);
  // A period cuts at both ends.
  EXPECT_EQ(amount(*views, "core", 13 * kMinute, 19 * kMinute), kCredit / 10);
}

TEST_F(ViewsTest, AWindowThatIsInTheLedgerTwiceIsBilledOnce) {
  const RunId run = commit(0, 2 * kCredit);
  auto views = open();
  const std::pair<TimeUs, TimeUs> windows[] = {{20, 30}, {0, 10},  {20, 30}, {0, 10},
                                               {5, 25},  {50, 60}, {0, 30},  {30, 30}};
  for (const auto& [from, to] : windows) {
    usage(run, from * kMinute, to * kMinute);
    ASSERT_TRUE(views->update(log, log.end()));
  }
  usage({run.plan, 7}, 0, kHour);  // of no plan
  ASSERT_TRUE(views->update(log, log.end()));
  EXPECT_EQ(amount(*views, "core", 0, kHour), 666'666'667);
}

TEST_F(ViewsTest, UsageAfterThePlanIsRetiredIsNotBilledAndLateUsageBeforeItIs) {
  const RunId run = commit(0, 2 * kCredit);
  usage(run, 0, 10 * kMinute);
  at(kHour, IntentWithdrawn{IntentId(0u)});
  at(kHour, PlanRetired{IntentId(0u), run.plan});
  at(2 * kHour, BrainStarted{"v", 1});
  usage(run, 10 * kMinute, 3 * kHour, 0, 3 * kHour);  // it went on behind a partition
  auto views = updated();
  EXPECT_EQ(amount(*views, "core", 0, 9 * kHour), kCredit);
}

TEST_F(ViewsTest, ARunThatGoesOnIsBilledAtTheLaterPlansPrice) {
  const RunId run = commit(0, 2 * kCredit);
  const RunId next = commit(kHour, 4 * kCredit, run);
  at(kHour + kMinute, PlanRetired{IntentId(0u), run.plan});
  usage(run, 0, 2 * kHour);
  auto views = updated();
  const auto lines = views->bill("city", 0, 3 * kHour)->lines;
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0].plan, run.plan);
  EXPECT_EQ(lines[0].amount, kCredit);  // half a core, an hour at 2
  EXPECT_EQ(lines[3].plan, next.plan);
  EXPECT_EQ(lines[3].amount, 2 * kCredit);  // and one at 4
}

TEST_F(ViewsTest, WhileAPlanReplacesAnotherBothRunsAreBilled) {
  const RunId first = commit(0, 2 * kCredit), second = commit(kHour, 2 * kCredit);
  at(kHour + 2 * kMinute, PlanRetired{IntentId(0u), first.plan});
  usage(first, 0, kHour + 2 * kMinute);
  usage(second, kHour + kMinute, kHour + 6 * kMinute);
  auto views = updated();
  EXPECT_EQ(amount(*views, "core", 0, 2 * kHour), 1'116'666'666);
}

TEST_F(ViewsTest, RoundOncePerLineHoweverReportsAreCut) {
  const RunId run = commit(0, 1);
  for (TimeUs from = 0; from < 1'000'003; from += 7) usage(run, from, std::min<TimeUs>(from + 7, 1'000'003));
  auto views = updated();
  EXPECT_EQ(amount(*views, "network", 0, 17), 0);  // 1e8 an hour: 0.47
  EXPECT_EQ(amount(*views, "network", 0, 18), 1);  // 0.5
  EXPECT_EQ(amount(*views, "network", 0, kHour), 27'778);
  EXPECT_EQ(amount(*views, "core", 0, kHour), 0);
}

TEST_F(ViewsTest, WhatIsHeldForNoTimeIsNoLine) {
  const RunId run = commit(kMinute, kCredit);
  at(kMinute, IntentWithdrawn{IntentId(0u)});
  at(kMinute, PlanRetired{IntentId(0u), run.plan});
  usage(run, 0, 2 * kMinute);
  auto views = updated();
  EXPECT_TRUE(views->bill("city", 0, kHour)->lines.empty());
  EXPECT_TRUE(views->bill("city", kMinute, kMinute)->lines.empty());
}

TEST_F(ViewsTest, HugeQuantitiesNeitherWrapNorSpill) {
  const RunId run = commit(0, limits::kMoneyMax);
  usage(run, 0, 100'000 * kHour);
  auto views = updated();
  // Half a core at a thousand million credits for a hundred thousand hours is more than 64 bits hold.
  EXPECT_EQ(amount(*views, "core", 0, 100'000 * kHour), std::numeric_limits<int64_t>::max());
}

// By an account kept microsecond by microsecond, whatever is said twice, out of order, late, or while the
// views are closed.
RC_GTEST_FIXTURE_PROP(ViewsTest, BillsAreWhatAnAccountantWouldWrite, ()) {
  struct Known {
    RunId run;
    std::map<TimeUs, RunId> plan_from;  // held by which plan, from when
    TimeUs until = -1;                  // retired; -1: not yet
    std::set<TimeUs> used;
  };
  std::vector<Known> runs;
  std::map<Position, Nanocredits> price_of;
  begin();
  auto views = open();
  TimeUs now = kMinute;
  for (int step = 0; step < 30; ++step) {
    now += *rc::gen::inRange<TimeUs>(0, 20);
    switch (*rc::gen::inRange(0, 6)) {
      case 0: {
        const Nanocredits price = *rc::gen::inRange<Nanocredits>(1, 1'000'000'000) * 3'600;
        const bool goes_on = !runs.empty() && runs.back().until < 0 && *rc::gen::arbitrary<bool>();
        const RunId at_plan = commit(now, price, goes_on ? runs.back().run : RunId());
        price_of[at_plan.plan] = price;
        if (!goes_on) runs.push_back({.run = at_plan, .plan_from = {}, .used = {}});
        runs.back().plan_from[now] = at_plan;
        break;
      }
      case 1:
        // All but the newest plan of the newest run can be given back.
        for (Known& known : runs) {
          if (&known == &runs.back() || known.until >= 0 || known.plan_from.empty()) continue;
          at(now, PlanRetired{IntentId(0u), known.plan_from.rbegin()->second.plan});
          known.until = now;
          break;
        }
        break;
      case 2:
        RC_ASSERT(views->update(log, log.end()));
        if (*rc::gen::arbitrary<bool>()) {
          views = nullptr;
          views = open();
        }
        break;
      default: {
        if (runs.empty()) break;
        Known& known = runs[*rc::gen::inRange<size_t>(0, runs.size())];
        const TimeUs from = std::max<TimeUs>(0, now - *rc::gen::inRange<TimeUs>(0, 60));
        const TimeUs to = from + *rc::gen::inRange<TimeUs>(0, 30);
        usage(known.run, from, to, 0, now);
        for (TimeUs t = from; t < to; ++t) known.used.insert(t);
      }
    }
  }
  RC_ASSERT(views->update(log, log.end()));
  std::map<Position, int64_t> half_core_us;
  for (const Known& known : runs) {
    for (const TimeUs t : known.used) {
      const auto after = known.plan_from.upper_bound(t);
      if (after == known.plan_from.begin() || (known.until >= 0 && t >= known.until)) continue;
      ++half_core_us[std::prev(after)->second.plan];
    }
  }
  std::map<Position, Nanocredits> billed;
  const auto bill = views->bill("city", 0, kHour);
  for (const BillLine& line : bill->lines) {
    if (line.item == "core") billed[line.plan] = line.amount;
  }
  for (const auto& [plan, us] : half_core_us) {
    const __int128 exact = static_cast<__int128>(us) * price_of[plan];  // in half nanocredit-microseconds
    RC_ASSERT(billed[plan] == static_cast<Nanocredits>((exact + kHour) / (2 * kHour)));
  }
  RC_ASSERT(billed.size() == half_core_us.size());
}

TEST_F(ViewsTest, TellOfRunsPromisesAndReasons) {
  const RunId run = commit(0, kCredit);
  const RunHistory planned = *updated()->run(run);
  EXPECT_EQ(planned.started, 0);
  EXPECT_EQ(planned.state, RunState::kPlanned);
  EXPECT_EQ(planned.tenant, "city");
  EXPECT_EQ(*updated()->run({99, 0}), RunHistory());
  at(5, RunStateChanged{run, IntentId(0u), RunState::kStarting, 0, "fetching"});
  at(7, RunStateChanged{run, IntentId(0u), RunState::kRunning, 0, ""});
  for (int i = 0; i < 3; ++i) {
    UsageReported used{run, IntentId(0u), i * kMinute, (i + 1) * kMinute};
    used.cpu_us = 100;
    used.sent_bytes = 7;
    used.energy_microjoule = std::numeric_limits<int64_t>::max() / 2;
    at((i + 1) * kMinute, used);
  }
  at(kHour, RunStateChanged{run, IntentId(0u), RunState::kFailed, 1, "out of memory"});
  at(kHour, SiteStateChanged{SiteId(1u), Liveness::kDown, "silent"});
  at(kHour, LinkStateChanged{LinkId(3u), false, "cut"});
  at(kHour, PromiseStateChanged{IntentId(0u), false, "3 of 4 late"});
  at(kHour, PromiseMeasured{IntentId(0u), SiteId(0u), 0, 9, 100, 5, 1, 1000, 9000});
  at(kHour, PromiseMeasured{IntentId(0u), SiteId(0u), 9, 19, 50, 2, 0, 2000, 3000});
  at(kHour, PromiseMeasured{IntentId(0u), SiteId(1u), 9, 19, 10, 1, 0, 1500, 8000});
  auto views = updated();
  RunHistory failed{7, "out of memory", 300, 0, 0, 21, std::numeric_limits<int64_t>::max()};
  failed.state = RunState::kFailed;
  failed.exit_code = 1;
  failed.ended = kHour;
  failed.tenant = planned.tenant;
  failed.intent = planned.intent;
  failed.site = planned.site;
  failed.billed_per_hour = planned.billed_per_hour;
  EXPECT_EQ(*views->run(run), failed);
  EXPECT_FALSE(failed.site.empty());
  EXPECT_GT(failed.billed_per_hour, 0);
  EXPECT_EQ(*views->why(Views::Of::kFailure, 0),
            "run at " + failed.site + " failed with exit code 1: out of memory");
  EXPECT_EQ(*views->why(Views::Of::kSite, 1), "silent");
  EXPECT_EQ(*views->why(Views::Of::kLink, 3), "cut");
  EXPECT_EQ(*views->why(Views::Of::kPromise, 0), "3 of 4 late");
  EXPECT_EQ(*views->why(Views::Of::kPromise, 1), "");
  EXPECT_EQ(**views->measured(IntentId(0u)), (PromiseHistory{60, 3, 0, 2000, 8000}));
  EXPECT_FALSE(*views->measured(IntentId(1u)));
}

TEST_F(ViewsTest, WhatIsStoppedOnPurposeHasNotFailed) {
  const auto changed = [&](RunId run, RunState state, int32_t exit_code = 0, const char* why = "") {
    at(last_at + 1, RunStateChanged{run, IntentId(0u), state, exit_code, why});
  };
  const auto failure = [&] { return *updated()->why(Views::Of::kFailure, 0); };
  // Moved: the old run ends by SIGTERM after the new one runs.
  const RunId first = commit(kMinute, kCredit);
  changed(first, RunState::kRunning);
  const RunId second = commit(last_at, kCredit);
  changed(second, RunState::kRunning);
  changed(first, RunState::kStopping, 0, "its plan is given up");
  changed(first, RunState::kExited, 143, "stopped");
  EXPECT_EQ(failure(), "");
  // Told to stop while its plan is the active one, and ended by a plan that is given up without being told.
  changed(second, RunState::kStopping);
  const RunId third = commit(last_at, kCredit);
  const RunId fourth = commit(last_at, kCredit);
  changed(second, RunState::kExited, 143, "stopped");
  changed(third, RunState::kExited, 1, "late");
  EXPECT_EQ(failure(), "");
  // Such a run hides no failure either.
  const RunId fifth = commit(last_at, kCredit);
  changed(fifth, RunState::kExited, 3, "crashed");
  changed(fourth, RunState::kRunning);
  changed(fourth, RunState::kStopping);
  changed(fourth, RunState::kExited);
  EXPECT_EQ(failure(), "run at hub ended with exit code 3: crashed");
  EXPECT_EQ(updated()->run(first)->why, "stopped");
}

TEST_F(ViewsTest, AnIntentThatIsSubmittedAnewHasNotFailedYet) {
  const auto failure = [&] { return *updated()->why(Views::Of::kFailure, 0); };
  const auto submit = [&](uint32_t generation) {
    at(last_at, IntentSubmitted{IntentId(0u), TenantId(0u), generation, cameras()});
  };
  const RunId run = commit(kMinute, kCredit);
  at(last_at, RunStateChanged{run, IntentId(0u), RunState::kExited, 3, "crashed"});
  const std::string crashed = "run at hub ended with exit code 3: crashed";
  submit(2);
  EXPECT_EQ(failure(), crashed) << "its work goes on to fail until the new generation runs";
  at(last_at, IntentWithdrawn{IntentId(0u)});
  EXPECT_EQ(failure(), crashed);
  submit(3);
  EXPECT_EQ(failure(), "");
}

TEST_F(ViewsTest, GoOnWhereTheyStopped) {
  const RunId run = commit(0, 2 * kCredit);
  updated();
  usage(run, 0, kHour);
  auto views = open();
  EXPECT_EQ(views->position(), log.end() - 1);
  ASSERT_TRUE(views->update(log, log.end()));
  ASSERT_TRUE(views->update(log, log.end()));
  EXPECT_EQ(views->position(), log.end());
  EXPECT_EQ(views->events({})->size(), log.end());
  EXPECT_EQ(amount(*views, "core", 0, 9 * kHour), kCredit);

  // What is made at once equals what was made step by step.
  std::string once = folder + "/once.sqlite";
  auto fresh = Views::open(once, kLedger);
  ASSERT_TRUE((*fresh)->update(log, log.end()));
  EXPECT_EQ(*(*fresh)->events({}), *views->events({}));
  EXPECT_EQ((*fresh)->bill("", 0, 9 * kHour)->lines, views->bill("", 0, 9 * kHour)->lines);
}

TEST_F(ViewsTest, KnowThePresentByACheckpointOrByTheirOwnersGraph) {
  const RunId run = commit(0, 2 * kCredit);
  updated();
  Graph graph;
  ASSERT_TRUE(log.read(0, log.end(), [&](Position, Bytes record) -> Status {
    graph.apply(*decode(record));
    return {};
  }));
  ASSERT_TRUE(log.save_checkpoint({graph.version(), encode_graph(graph)}));
  usage(run, 0, kHour);
  // The records before the checkpoint are not read again.
  struct Recent final : LogReader {
    explicit Recent(const LogReader& log, Position from) : log_(log), from_(from) {}
    Position durable_end() const override { return log_.durable_end(); }
    Status read(Position from, Position to,
                const std::function<Status(Position, Bytes)>& visit) const override {
      EXPECT_GE(from, from_);
      return log_.read(from, to, visit);
    }
    Result<std::optional<Checkpoint>> newest_checkpoint() const override { return log_.newest_checkpoint(); }
    const LogReader& log_;
    const Position from_;
  };
  auto views = open();
  ASSERT_TRUE(views->update(Recent(log, graph.version() - 1), log.end()));
  EXPECT_EQ(amount(*views, "core", 0, 9 * kHour), kCredit);

  graph.apply({kHour, "test", UsageReported{run, IntentId(0u), 0, kHour}});
  usage(run, kHour, 2 * kHour);
  log.corrupt_newest_checkpoint();
  views = open();
  views->share(Graph());  // of another version: not taken
  views->share(graph);
  ASSERT_TRUE(views->update(Recent(log, graph.version() - 1), log.end()));
  EXPECT_EQ(amount(*views, "core", 0, 9 * kHour), 2 * kCredit);
}

TEST_F(ViewsTest, AreMadeAnewForAnotherOrShorterLedger) {
  commit(0, 2 * kCredit);
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
  ASSERT_TRUE(views->update(shorter, shorter.end()));
  EXPECT_EQ(views->position(), 5u);
  EXPECT_EQ(views->events({})->size(), 5u);

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
  ASSERT_TRUE(views->update(changed, changed.end()));
  EXPECT_EQ(views->events({})->back().subject, "tenant/harbour");
}

TEST_F(ViewsTest, ADamagedFileIsMadeAnew) {
  updated();
  {
    std::ofstream file(path, std::ios::trunc);
    file << "this is not a database, but it is long enough to be taken for one at first sight ..............";
  }
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path + suffix);
  auto views = updated();
  EXPECT_EQ(views->events({})->size(), log.end());
}

TEST_F(ViewsTest, KeepWhatCameBeforeAnEventThatCannotBeRead) {
  std::string garbage = "\xff\xff\xff not an event";
  Bytes record = std::as_bytes(std::span(garbage));
  ASSERT_TRUE(log.append(std::span(&record, 1), LogStore::Urgency::kOrdinary));
  ASSERT_TRUE(log.flush());
  auto views = open();
  Status done = views->update(log, log.end());
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find("record " + std::to_string(log.end() - 1)), std::string::npos)
      << done.error().text();
  EXPECT_EQ(views->position(), log.end() - 1);
  EXPECT_EQ(views->events({})->size(), log.end() - 1);
  EXPECT_FALSE(views->update(log, log.end()));
  views = nullptr;
  EXPECT_EQ(open()->position(), log.end() - 1);
}

}  // namespace
}  // namespace weir::store
