#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "core/event/codec.h"
#include "core/graph/checkpoint.h"
#include "core/graph/graph.h"
#include "core/graph/subject.h"

namespace weir {
namespace {

constexpr TenantId kCity{0u}, kFarm{1u};

// A site, the tenants city and farm, and intents of city.
class DialogueEvents : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply(Event{++now, "test", std::move(body)}); }
  void SetUp() override {
    add(DomainCreated{.name = "lab"});
    add(TenantDefined{kCity, "city"});
    add(TenantDefined{kFarm, "farm"});
    add(SiteDefined{SiteId(0u), VertexId(0u), {.name = "hub"}});
    add(NodesReported{SiteId(0u), NodeId(0u), {NodeSpec{"n0", 4000, 4096, 0, "", 1000}}});
    add(SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
  }
  IntentId submit(const std::string& name, uint32_t generation = 1, IntentId known = {}) {
    IntentSpec spec{.name = name, .from = {{SiteId(0u), 4}}, .promise = {.latency_us_max = 100 + generation}};
    spec.workload.artifact = "detector";
    const IntentId id = known.valid() ? known : IntentId(graph.intent_count());
    EXPECT_TRUE(add(IntentSubmitted{id, kCity, generation, spec}).effect);
    return id;
  }
  static DialogueHeld taken(IntentId intent, uint32_t generation = 1, TenantId tenant = kCity) {
    return {tenant, DialogueEnd::kTaken, false, "4 streams", {{{.work = "detection", .from = {SiteId(0u)}, .only = {}}, {"asked", "fastest"}, "fastest", intent, generation}}};
  }
  static DialogueHeld left() { return {kCity, DialogueEnd::kLeft, false, "how much", {{}}}; }
  const std::vector<std::shared_ptr<const PastCase>>& cases(TenantId tenant = kCity) const { return graph.past(tenant).cases; }

  Graph graph;
  TimeUs now = 0;
};

TEST_F(DialogueEvents, WhatWasTakenIsRememberedWithWhatCameOfIt) {
  const IntentId id = submit("cameras");
  Plan plan{.intent = id, .generation = 1, .basis = graph.version(), .billed_per_hour = 7};
  plan.placements.push_back({.site = SiteId(0u), .node = NodeId(0u), .cpu_milli = 5, .continues = {}});
  ASSERT_TRUE(add(PlanCommitted{plan}).effect);
  ASSERT_TRUE(add(taken(id)).effect);
  ASSERT_EQ(cases().size(), 1u);
  EXPECT_EQ(cases()[0]->billed_per_hour, 7) << "of the plan that was there already";
  EXPECT_EQ(cases()[0]->spec, graph.intent(id).spec);
  EXPECT_EQ(cases()[0]->way, "fastest");
  plan.billed_per_hour = 9;
  add(PlanCommitted{plan});
  add(PromiseMeasured{.intent = id, .ingress = SiteId(0u), .samples = 100, .misses = 2, .lost = 1});
  add(PromiseMeasured{.intent = id, .ingress = SiteId(0u), .samples = 100});
  EXPECT_EQ(cases()[0]->billed_per_hour, 9);
  EXPECT_EQ(cases()[0]->samples, 200);
  EXPECT_EQ(cases()[0]->missed, 3);
  ASSERT_TRUE(add(IntentRated{id, 1, false, Blame::kSlow, ""}).effect);
  EXPECT_EQ(cases()[0]->opinion, Opinion::kBad);
  EXPECT_EQ(cases()[0]->blame, Blame::kSlow);
  ASSERT_TRUE(add(IntentRated{id, 1, true, Blame::kUnsaid, ""}).effect);
  EXPECT_EQ(cases()[0]->opinion, Opinion::kGood) << "the newest verdict counts";
  EXPECT_EQ(cases()[0]->blame, Blame::kUnsaid);
  add(IntentWithdrawn{id, false, "its program is gone"});
  EXPECT_TRUE(cases()[0]->failed);
  EXPECT_EQ(cases()[0]->spec, graph.intent(id).spec);
}

TEST_F(DialogueEvents, AnotherGenerationIsAnotherCase) {
  const IntentId id = submit("cameras");
  add(taken(id));
  add(IntentRated{id, 1, false, Blame::kSlow, ""});
  submit("cameras", 2, id);
  EXPECT_FALSE(add(IntentRated{id, 1, true, Blame::kUnsaid, ""}).effect) << "it is no more";
  add(PromiseMeasured{.intent = id, .ingress = SiteId(0u), .samples = 10});
  EXPECT_EQ(cases()[0]->samples, 0) << "of what replaced it";
  add(taken(id, 2));
  ASSERT_EQ(cases().size(), 2u);
  EXPECT_EQ(cases()[0]->opinion, Opinion::kBad);
  EXPECT_EQ(cases()[0]->spec->promise.latency_us_max, 101);
  EXPECT_EQ(cases()[1]->opinion, Opinion::kNone);
  add(taken(id, 2));
  EXPECT_EQ(cases().size(), 2u) << "said again, it is the same";
}

TEST_F(DialogueEvents, AVerdictOnWhatNobodySpokeOfIsACaseToo) {
  const IntentId id = submit("doors");
  ASSERT_TRUE(add(IntentRated{id, 1, true, Blame::kUnsaid, "fine"}).effect);
  ASSERT_EQ(cases().size(), 1u);
  EXPECT_EQ(cases()[0]->sketch.artifact, "detector");
  EXPECT_EQ(cases()[0]->sketch.streams, 4);
  EXPECT_EQ(cases()[0]->sketch.from, std::vector<SiteId>{SiteId(0u)});
  add(taken(id));
  ASSERT_EQ(cases().size(), 1u);
  EXPECT_EQ(cases()[0]->opinion, Opinion::kGood) << "what was judged stays so";
  EXPECT_EQ(cases()[0]->way, "fastest");
}

TEST_F(DialogueEvents, WhatIsNotTheTenantsOwnHasNoEffect) {
  const IntentId id = submit("cameras");
  EXPECT_FALSE(add(taken(id, 1, kFarm)).effect);
  EXPECT_FALSE(add(taken(IntentId(9u))).effect);
  EXPECT_FALSE(add(DialogueHeld{TenantId(2u), DialogueEnd::kLeft, false, "", {{}}}).effect);
  EXPECT_FALSE(add(DialogueHeld{kCity, DialogueEnd::kLeft, false, "", {}}).effect);
  EXPECT_FALSE(add(DialogueHeld{kCity, DialogueEnd::kLeft, false, "", {{{.from = {SiteId(1u)}, .only = {}}, {}, "", {}, 0}}}).effect);
  EXPECT_FALSE(add(IntentRated{IntentId(9u), 1, true, Blame::kUnsaid, ""}).effect);
  EXPECT_TRUE(cases().empty());
  EXPECT_TRUE(cases(kFarm).empty());
  EXPECT_TRUE(graph.past(TenantId()).cases.empty());
  EXPECT_EQ(subject_of(graph, Event{1, "test", taken(id)}).tenant, kCity);
  EXPECT_EQ(subject_of(graph, Event{1, "test", IntentRated{id, 1, true, Blame::kUnsaid, ""}}).tenant, kCity);
}

TEST_F(DialogueEvents, WhatNothingCameOfIsForgottenFirst) {
  const IntentId judged = submit("judged"), made = submit("made");
  add(taken(judged));
  add(IntentRated{judged, 1, true, Blame::kUnsaid, ""});
  add(taken(made));
  for (size_t i = 2; i < kPastCasesMax; ++i) add(left());
  ASSERT_EQ(cases().size(), kPastCasesMax);
  const Position oldest_left = cases()[2]->recorded;
  add(left());
  ASSERT_EQ(cases().size(), kPastCasesMax) << "no more are remembered";
  EXPECT_NE(find_case(graph.past(kCity), made, 1), nullptr);
  EXPECT_NE(cases()[2]->recorded, oldest_left) << "the oldest of those that nothing came of";
  for (size_t i = 0; i < 2 * kPastCasesMax; ++i) add(taken(submit("more-" + std::to_string(i))));
  EXPECT_EQ(find_case(graph.past(kCity), made, 1), nullptr);
  EXPECT_NE(find_case(graph.past(kCity), judged, 1), nullptr) << "what was judged is worth most";
  for (size_t i = 0; i < kPastCasesMax; ++i) add(IntentRated{submit("rated-" + std::to_string(i)), 1, true, Blame::kUnsaid, ""});
  const IntentId newest = submit("newest");
  add(taken(newest));
  EXPECT_NE(find_case(graph.past(kCity), newest, 1), nullptr) << "the newest has room in any case";
  EXPECT_EQ(cases().size(), kPastCasesMax);
}

TEST_F(DialogueEvents, RecordsAreCountedByTheHour) {
  EXPECT_EQ(recorded_in_hour(graph.past(kCity), now), 0);
  add(left());
  add(IntentRated{submit("a"), 1, true, Blame::kUnsaid, ""});
  EXPECT_EQ(recorded_in_hour(graph.past(kCity), now), 2);
  EXPECT_EQ(recorded_in_hour(graph.past(kFarm), now), 0);
  EXPECT_EQ(recorded_in_hour(graph.past(kCity), kHourOfRecordsUs - 1), 2);
  EXPECT_EQ(recorded_in_hour(graph.past(kCity), kHourOfRecordsUs), 0);
  now = kHourOfRecordsUs;
  add(left());
  EXPECT_EQ(recorded_in_hour(graph.past(kCity), now), 1);
}

// Whatever is said in whatever order: as many cases as may be, each once, of their tenant, and the same graph from a checkpoint and
// from the stored events.
RC_GTEST_FIXTURE_PROP(DialogueEvents, IsAFunctionOfTheLedger, ()) {
  SetUp();
  std::vector<Event> ledger;
  const auto say = [&](EventBody body) {
    Event event{++now, "tenant/city", std::move(body)};
    std::vector<std::byte> bytes;
    encode(event, bytes);
    ledger.push_back(*decode(bytes));
    graph.apply(event);
  };
  Graph begun = graph;
  const int steps = *rc::gen::inRange(1, 200);
  for (int i = 0; i < steps; ++i) {
    const auto count = static_cast<int>(graph.intent_count());
    const IntentId id(static_cast<uint32_t>(count == 0 ? 0 : *rc::gen::inRange(0, count)));
    const auto generation = static_cast<uint32_t>(*rc::gen::inRange(1, 3));
    const TenantId tenant(static_cast<uint32_t>(*rc::gen::inRange(0, 2)));
    switch (*rc::gen::inRange(0, 6)) {
      case 0: say(IntentSubmitted{IntentId(static_cast<size_t>(count)), tenant, 1, {.name = "i" + std::to_string(count)}}); break;
      case 1: say(taken(id, generation, tenant)); break;
      case 2: say(DialogueHeld{tenant, DialogueEnd::kDeclined, true, "不要", {{}, {}}}); break;
      case 3: say(IntentRated{id, generation, *rc::gen::arbitrary<bool>(), Blame::kDear, ""}); break;
      case 4: say(PromiseMeasured{.intent = id, .ingress = SiteId(0u), .samples = INT64_MAX, .misses = 7}); break;
      default: say(IntentWithdrawn{id, *rc::gen::arbitrary<bool>(), ""}); break;
    }
  }
  for (const TenantId tenant : {kCity, kFarm}) {
    RC_ASSERT(cases(tenant).size() <= kPastCasesMax);
    std::set<std::pair<IntentId, uint32_t>> known;
    Position last = 0;
    for (const auto& one : cases(tenant)) {
      RC_ASSERT(one->recorded >= last);
      last = one->recorded;
      if (!one->intent.valid()) continue;
      RC_ASSERT(graph.intent(one->intent).tenant == tenant);
      RC_ASSERT(known.insert({one->intent, one->generation}).second);
    }
  }
  for (const Event& event : ledger) begun.apply(event);
  RC_ASSERT(encode_graph(begun) == encode_graph(graph));
  const auto back = decode_graph(encode_graph(graph));
  RC_ASSERT(back.has_value());
  RC_ASSERT(encode_graph(*back) == encode_graph(graph));
}

}  // namespace
}  // namespace weir
