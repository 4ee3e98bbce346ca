#include "intelligence/language/proposal.h"

#include <gtest/gtest.h>

#include "core/ports/understanding_text.h"
#include "intelligence/language/understand.h"

namespace weir::language {
namespace {

constexpr SpokenAt kNow{1'795'330'800, 8 * 3'600};  // 2026-11-22 15:00 in Shanghai

const Gazetteer& gazetteer() {
  static const std::vector<KnownName> names = {{NameKind::kSite, "street-a"}, {NameKind::kSite, "metro"}, {NameKind::kIntent, "cameras"}, {NameKind::kArtifact, "detector"}};
  static const Gazetteer gazetteer(names);
  return gazetteer;
}

std::string understood(const std::string& text, const Proposal& proposal = {}, const Frame* previous = nullptr) {
  const auto out = understand(text, gazetteer(), kNow, previous, nullptr, &proposal);
  return out ? understanding_text(*out, kNow.utc_offset_s) : out.error().text();
}

bool unsure_of(const std::string& text, const Frame* previous = nullptr) {
  return unsure(text, gazetteer(), kNow, *understand(text, gazetteer(), kNow, previous));
}

const std::string kGeese = "the geese on the pond want counting";

TEST(Proposal, TellsWhatRulesDoNotSee) {
  EXPECT_EQ(understood(kGeese), "other");
  EXPECT_EQ(understood(kGeese, {{Act::kRequest, kGeese, {{Slot::kWorkload, Change::kSet, "detection", "geese"}}}}), "request kind=service workload=detection");
}

TEST(Proposal, AnAmountIsThatOfTheWords) {
  const std::string text = "the geese on the pond want counting, 40 ms";
  const auto with = [&](Slot slot, const char* words) {
    return understood(text, {{Act::kRequest, text, {{Slot::kWorkload, Change::kSet, "detection", "geese"}, {slot, Change::kSet, "", words}}}});
  };
  EXPECT_NE(with(Slot::kLatency, "40 ms").find("latency=40ms"), std::string::npos) << with(Slot::kLatency, "40 ms");
  // No unit makes a budget, a place or a count of a time.
  for (const Slot slot : {Slot::kBudget, Slot::kStreams, Slot::kMemory, Slot::kCpu, Slot::kAvailability}) {
    EXPECT_EQ(with(slot, "40 ms"), with(Slot::kTarget, "geese")) << name_of(slot);
  }
  EXPECT_EQ(with(Slot::kStreams, "geese"), with(Slot::kTarget, "geese")) << "words without an amount";
  EXPECT_EQ(with(Slot::kStreams, "40 geese"), with(Slot::kTarget, "geese")) << "words that were not said";
}

TEST(Proposal, AnAmountKeepsToItsRange) {
  const auto with = [](const std::string& count) {
    const std::string text = "geese want counting: " + count + " of them";
    return understood(text, {{Act::kRequest, text, {{Slot::kWorkload, Change::kSet, "detection", "geese"}, {Slot::kInstances, Change::kSet, "", count}}}});
  };
  EXPECT_NE(with("10000").find("instances=10000"), std::string::npos) << with("10000");
  EXPECT_EQ(with("10001").find("instances="), std::string::npos) << with("10001");
}

TEST(Proposal, ANameIsOneOfTheText) {
  const std::string text = "geese want counting near metro and by the lake";
  const auto with = [&](Slot slot, const char* words) {
    return understood(text, {{Act::kRequest, text, {{Slot::kWorkload, Change::kSet, "detection", "geese"}, {slot, Change::kSet, "", words}}}});
  };
  EXPECT_NE(with(Slot::kNot, "the lake").find("not=the_lake"), std::string::npos) << "nobody knows it: the draft asks";
  EXPECT_EQ(with(Slot::kNot, "street-a").find("street-a"), std::string::npos) << "known, and not said";
  for (const Slot slot : {Slot::kTarget, Slot::kArtifact, Slot::kAcceleratorModel, Slot::kResidency}) {
    EXPECT_EQ(with(slot, "the lake").find("lake"), std::string::npos) << name_of(slot);
    EXPECT_EQ(with(slot, "metro"), with(Slot::kStreams, "geese")) << "a site is no " << name_of(slot);
  }
}

TEST(Proposal, NothingIsAgreedToOrEnded) {
  const Frame previous;
  for (const Act act : {Act::kAccept, Act::kCancel, Act::kDecline}) {
    EXPECT_FALSE(may_propose(act));
    for (const std::string text : {"the geese on the pond", "cameras", "geese, cameras and ducks", "那群鹅"}) {
      EXPECT_EQ(understood(text, {{act, text, {{Slot::kTarget, Change::kSet, "", text}}}}, &previous), understood(text, {}, &previous)) << text;
    }
  }
  // Where rules hear a yes, a no or an end, it stays one.
  for (const std::string text : {"yes", "好的", "no", "不要", "stop cameras", "全部停掉"}) {
    const std::string alone = understood(text, {}, &previous);
    EXPECT_EQ(understood(text, {{Act::kRequest, text, {{Slot::kWorkload, Change::kSet, "web", text}}}}, &previous), alone) << text;
    EXPECT_FALSE(unsure_of(text, &previous)) << text;
  }
}

TEST(Proposal, AChangeNeedsSomethingToChangeAndADirectionThatThereIs) {
  const std::string text = "that hurts the purse of geese";
  const Proposal cheaper = {{Act::kEdit, text, {{Slot::kBudget, Change::kTighten, "", "purse"}}}};
  EXPECT_EQ(understood(text, cheaper), understood(text));
  const Frame previous;
  EXPECT_EQ(understood(text, cheaper, &previous), "edit budget=tighten");
  EXPECT_EQ(understood(text, {{Act::kEdit, text, {{Slot::kStreams, Change::kRemove, "", "geese"}}}}, &previous), "edit");
  EXPECT_FALSE(may_propose(Slot::kBudget, Change::kTimes));
  EXPECT_FALSE(may_propose(Slot::kBudget, Change::kAdd));
}

TEST(Proposal, WhatRulesAreSureOfStands) {
  const std::string text = "12 streams, objects detected within 500 ms, on 8 cores";
  const std::string alone = understood(text);
  EXPECT_EQ(understood(text, {{Act::kWhere, text, {{Slot::kWorkload, Change::kSet, "game", "objects"},
                                                   {Slot::kRunTime, Change::kSet, "", "500 ms"},
                                                   {Slot::kInstances, Change::kSet, "", "12"},
                                                   {Slot::kStreams, Change::kSet, "", "8"}}}}), alone);
}

TEST(Proposal, IsWantedWhereRulesAreUnsure) {
  EXPECT_TRUE(unsure_of(kGeese));
  EXPECT_TRUE(unsure_of("run something at metro with 8 cores")) << "no work";
  EXPECT_FALSE(unsure_of("12 streams of video from street-a, objects detected within 500 ms"));
  EXPECT_FALSE(unsure_of("需要对street-a的12路视频做物体识别，处理时延不超过500ms"));
}

TEST(Proposal, NamesThatAreSaid) {
  const auto names = said_names("why is Cameras not at METRO", gazetteer());
  ASSERT_EQ(names.size(), 2u);
  EXPECT_EQ(names[0].kind, NameKind::kIntent);
  EXPECT_EQ(names[0].words, "Cameras");
  EXPECT_EQ(names[1].words, "METRO");
}

}  // namespace
}  // namespace weir::language
