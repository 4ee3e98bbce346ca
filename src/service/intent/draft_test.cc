#include "service/intent/draft.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "service/intent/places.h"
#include "service/intent/wording.h"
#include "service/resource/resource.h"
#include "weir/v1/resource.pb.h"

namespace weir::intent {
namespace {

Domain lab() {
  Domain out;
  out.sites = {{"street-a", "Zhejiang", "end", {"cn", "zhejiang"}}, {"street-b", "Shanghai", "end", {"cn", "shanghai"}},
               {"metro", "Zhejiang", "edge", {"cn", "zhejiang"}},   {"hub-ningxia", "Ningxia", "cloud", {"cn", "ningxia"}}};
  return out;
}

Field field(Slot slot, int64_t amount, std::string name = {}, Change change = Change::kSet) {
  return {.slot = slot, .change = change, .amount = amount, .name = std::move(name), .confidence_permille = 900, .span = {0, 1}};
}
Frame cameras() {
  return {.act = Act::kRequest,
          .fields = {field(Slot::kKind, 0, "service"), field(Slot::kWorkload, 1, "detection"), field(Slot::kStreams, 12), field(Slot::kLatency, 500'000)}};
}
std::string yaml(const v1::Intent& intent) { return resource::to_yaml(intent); }
// What the brain would say of it.
std::string refused(const v1::Intent& intent) {
  v1::Resource resource;
  *resource.mutable_intent() = intent;
  const auto out = resource::from_message(resource);
  return out ? "" : out.error().text();
}

// The scenario of examples/city-cameras, as far as one sentence says it.
TEST(Draft, TheCamerasOfTheScenario) {
  v1::Intent intent;
  const Draft drafted = draft(cameras(), lab(), "city", intent);
  EXPECT_EQ(yaml(intent),
            "apiVersion: weir/v1\nkind: Intent\nmetadata:\n  name: detection\n  tenant: city\nspec:\n  from:\n  - site: street-a\n    streams: 6\n"
            "  - site: street-b\n    streams: 6\n  workload:\n    service:\n      artifact: detector\n      port: 8080\n      cpu: 0.3\n"
            "      memory: 256Mi\n      streams_per_instance: 4\n    traffic:\n      up: 2Mbps\n      down: 50kbps\n      requests_per_second: 2\n"
            "      work_per_request: 26ms@reference-core\n  promise:\n    latency: 500ms\n    percentile: 99\n");
  EXPECT_EQ(refused(intent), "");
  EXPECT_TRUE(drafted.complete());
  ASSERT_EQ(drafted.questions.size(), 1u);
  EXPECT_EQ(drafted.questions[0].assumed, "street-a 6, street-b 6");
  EXPECT_EQ(question_text(drafted.questions[0], Language::kEnglish), "At which sites do the streams come in?");
  EXPECT_EQ(question_text(drafted.questions[0], Language::kChinese), "数据流从哪些站点进来？");
}

TEST(Draft, WithoutADomainItAsksWhereStreamsComeIn) {
  v1::Intent intent;
  const Draft drafted = draft(cameras(), {}, "city", intent);
  EXPECT_FALSE(drafted.complete());
  EXPECT_EQ(drafted.questions.front().doubt.slot, Slot::kFrom);
}

TEST(Draft, PlacesAreSitesOfTheirRegion) {
  Frame frame = cameras();
  frame.fields.push_back(field(Slot::kFrom, 0, "street-a"));
  frame.fields.push_back(field(Slot::kOnly, 0, "zhejiang"));
  frame.fields.push_back(field(Slot::kNot, 0, "street-a"));
  v1::Intent intent;
  EXPECT_TRUE(draft(frame, lab(), "city", intent).questions.empty());
  EXPECT_EQ(intent.spec().where().only_size(), 2);
  EXPECT_EQ(intent.spec().where().not_(0), "street-a");
  frame.fields.push_back(field(Slot::kNot, 0, "atlantis"));
  v1::Intent unknown;
  const Draft asked = draft(frame, lab(), "city", unknown);
  EXPECT_FALSE(asked.complete());
  EXPECT_EQ(question_text(asked.questions.front(), Language::kEnglish), "No site or region is called \"atlantis\". Which one is meant?");
}

TEST(Draft, AJobHasItsScheduleAndATotalIsSpreadOverItsRunTime) {
  const Frame frame{.act = Act::kRequest,
                    .fields = {field(Slot::kKind, 0, "job"), field(Slot::kWorkload, 2, "training"), field(Slot::kAccelerators, 8'000),
                               field(Slot::kAcceleratorModel, 0, "A100"), field(Slot::kBudget, 300'000'000'000, "total"),
                               field(Slot::kDeadline, 1'795'384'800), field(Slot::kRunTime, int64_t{10} * 3'600 * 1'000'000)}};
  v1::Intent intent;
  EXPECT_TRUE(draft(frame, lab(), "city", intent).complete());
  EXPECT_EQ(intent.spec().budget().max(), "30");
  EXPECT_EQ(intent.spec().budget().per(), "hour");
  EXPECT_EQ(intent.spec().schedule().deadline(), "2026-11-22T22:00:00Z");
  EXPECT_EQ(intent.spec().schedule().run_time(), "10h");
  EXPECT_EQ(intent.spec().workload().job().accelerators(), 8);
  EXPECT_EQ(refused(intent), "");
}

TEST(Draft, EveryWorkloadAloneIsAWholeIntent) {
  for (const char* kind : {"service", "job"}) {
    for (const char* work : {"detection", "inference", "transcoding", "speech", "web", "database", "game", "training", "rendering", "simulation", "analysis"}) {
      const Frame frame{.act = Act::kRequest, .fields = {field(Slot::kKind, 0, kind), field(Slot::kWorkload, 0, work)}};
      v1::Intent intent;
      EXPECT_TRUE(draft(frame, lab(), "city", intent).complete()) << work;
      EXPECT_EQ(refused(intent), "") << kind << " " << work;
    }
  }
  v1::Intent nothing;
  EXPECT_FALSE(draft({.act = Act::kRequest, .fields = {field(Slot::kAccelerators, 4'000)}}, lab(), "city", nothing).complete());
}

TEST(Draft, ANameThatIsTakenIsNotTakenAgain) {
  Domain domain = lab();
  domain.intents = {"detection", "detection-2"};
  v1::Intent intent;
  (void)draft(cameras(), domain, "city", intent);
  EXPECT_EQ(intent.metadata().name(), "detection-3");
}

class Revise : public ::testing::Test {
 protected:
  Revise() {
    (void)draft(cameras(), lab(), "city", intent);
    intent.mutable_spec()->mutable_budget()->set_max("20");
    intent.mutable_spec()->mutable_budget()->set_per("hour");
  }
  std::string apply(Field change) {
    const Status done = revise({.act = Act::kEdit, .fields = {std::move(change)}}, lab(), intent);
    return done ? refused(intent) : done.error().text();
  }
  v1::Intent intent;
};

TEST_F(Revise, ChangesWhatIsThere) {
  EXPECT_EQ(apply(field(Slot::kBudget, 500, {}, Change::kTimes)), "");
  EXPECT_EQ(intent.spec().budget().max(), "10");
  EXPECT_EQ(apply(field(Slot::kLatency, 0, {}, Change::kRelax)), "");
  EXPECT_EQ(intent.spec().promise().latency(), "750ms");
  EXPECT_EQ(apply(field(Slot::kLatency, 0, {}, Change::kRemove)), "");
  EXPECT_EQ(intent.spec().promise().latency(), "");
  EXPECT_EQ(apply(field(Slot::kStreams, 5, {}, Change::kAdd)), "");
  EXPECT_EQ(intent.spec().from(0).streams() + intent.spec().from(1).streams(), 17);
  EXPECT_EQ(apply(field(Slot::kFrom, 3, "metro")), "");
  EXPECT_EQ(intent.spec().from(2).site(), "metro");
  EXPECT_EQ(apply(field(Slot::kNot, 0, "ningxia")), "");
  EXPECT_EQ(intent.spec().where().not_(0), "hub-ningxia");
  EXPECT_EQ(apply(field(Slot::kOnly, 0, "ningxia")), "") << "what is asked for is excluded no more";
  EXPECT_EQ(intent.spec().where().not__size(), 0);
  EXPECT_EQ(apply(field(Slot::kInstances, 2, {}, Change::kAdd)), "");
}

TEST_F(Revise, RefusesWhatLeavesNothing) {
  EXPECT_EQ(apply(field(Slot::kStreams, -12, {}, Change::kAdd)), "streams: leaves no streams; take away less, or cancel it");
  intent.mutable_spec()->clear_budget();
  EXPECT_EQ(apply(field(Slot::kBudget, 500, {}, Change::kTimes)), "budget: has no budget to change; give a figure");
  EXPECT_FALSE(intent.spec().has_budget());
  EXPECT_EQ(apply(field(Slot::kFrom, 1, "atlantis")), "from: \"atlantis\" is no site; 'weir get sites' lists them");
}

TEST(Places, StreamsAreSharedWithoutRest) {
  const auto out = shared(7, {"a", "b", "c"});
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0].streams, 3);
  EXPECT_EQ(out[2].streams, 2);
  EXPECT_EQ(shared(1, {"a", "b"}).size(), 1u);
  EXPECT_TRUE(shared(3, {}).empty());
}

TEST(Wording, HasWordsForEveryFieldInBothLanguages) {
  for (size_t i = 0; i < kSlots; ++i) {
    for (const Language language : {Language::kEnglish, Language::kChinese}) {
      EXPECT_FALSE(label(static_cast<Slot>(i), language).empty());
      for (const DoubtKind kind : {DoubtKind::kMissing, DoubtKind::kConflict, DoubtKind::kUnclear})
        EXPECT_FALSE(question_text({{kind, static_cast<Slot>(i), "x"}, {}}, language).empty());
    }
  }
}

}  // namespace
}  // namespace weir::intent
