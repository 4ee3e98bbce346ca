#include "service/intent/past.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "intelligence/language/understand.h"
#include "service/intent/dialogue.h"

namespace weir::intent {
namespace {

constexpr SpokenAt kSunday{1'795'330'800, 8 * 3'600};  // 15:00 in Shanghai, 2026-11-22
const char* const kCameras = "12 streams of detection from street-a within 500 ms";

// As of 1 November 2026.
Remembered remembered(uint64_t order, const std::string& name, const std::string& strategy = "asked") {
  Remembered out{.order = order, .features = {.work = "detection", .artifact = "detector", .streams = 12, .latency_us = 500'000, .from = {"street-a"}}, .shown = {}, .intent = {}};
  out.shown.mutable_intent()->set_name(name);
  out.shown.mutable_intent()->set_tenant("city");
  out.shown.set_at(1'793'500'000'000'000);
  out.shown.set_end("taken");
  out.shown.set_strategy(strategy);
  out.shown.set_state("planned");
  out.intent.set_api_version("weir/v1");
  out.intent.set_kind("Intent");
  out.intent.mutable_metadata()->set_name(name);
  out.intent.mutable_metadata()->set_tenant("city");
  v1::Intent::Spec& spec = *out.intent.mutable_spec();
  v1::Intent::Instance& work = *spec.mutable_workload()->mutable_service();
  work.set_artifact("detector");
  work.set_port(8080);
  work.set_cpu("2");
  work.set_memory("1Gi");
  work.set_streams_per_instance(6);
  spec.mutable_workload()->mutable_traffic()->set_up("4Mbps");
  spec.mutable_workload()->mutable_traffic()->set_down("50kbps");
  spec.mutable_workload()->mutable_traffic()->set_work_per_request("26ms@reference-core");
  spec.mutable_workload()->mutable_traffic()->set_requests_per_second("2");
  spec.mutable_promise()->set_latency("200ms");
  spec.mutable_promise()->set_percentile("99.9");
  auto* from = spec.add_from();
  from->set_site("street-a");
  from->set_streams(12);
  return out;
}

class PastTest : public ::testing::Test {
 protected:
  PastTest() {
    scene.domain.sites = {{"street-a", "Zhejiang", "end", {"cn"}}, {"street-b", "Shanghai", "end", {"cn"}}, {"hub", "Ningxia", "cloud", {"cn"}}};
    scene.tenant = "city";
    scene.read = [](const v1::IntentName& named) -> Result<v1::Intent> {
      return remembered(1, named.name()).intent;
    };
  }
  v1::AskResponse said(const std::vector<std::string>& texts) {
    Dialogue dialogue(scene, language::understand_by(nullptr)(names_of(scene.domain)));
    v1::AskResponse out;
    for (const std::string& text : texts) {
      const Status heard = dialogue.hear(text, kSunday, out);
      EXPECT_TRUE(heard) << heard.error().text();
    }
    return out;
  }
  v1::Wish wish(const std::string& text) {
    const v1::AskResponse out = said({text});
    return out.wishes_size() > 0 ? out.wishes(0) : v1::Wish();
  }
  void applied(const std::string& name) {
    v1::IntentName& one = scene.intents.emplace_back();
    one.set_tenant("city");
    one.set_name(name);
    scene.domain.intents.push_back(name);
    scene.about = one;
  }
  static std::string assumption(const v1::Wish& wish, const std::string& field) {
    for (const v1::Assumption& one : wish.assumptions()) {
      if (one.field() == field) return one.text() + "|" + one.like();
    }
    return "";
  }

  Scene scene;
};

TEST_F(PastTest, WhatIsAlikeIsShownAndItsValuesAreAssumedAndSaid) {
  scene.past = {remembered(1, "cameras")};
  const v1::Wish asked = wish("12 streams of detection from street-a");
  ASSERT_EQ(asked.past_size(), 1) << asked.DebugString();
  EXPECT_EQ(asked.past(0).intent().name(), "cameras");
  EXPECT_EQ(assumption(asked, "cpu"), "cores per instance: 2 (as last time for cameras)|cameras");
  EXPECT_EQ(assumption(asked, "latency"), "latency: 200ms (as last time for cameras)|cameras");
  EXPECT_EQ(assumption(asked, "rate"), "requests per second: 2|") << "it is the usual one";
  const v1::Intent::Spec& spec = asked.intent().spec();
  EXPECT_EQ(spec.workload().service().cpu(), "2");
  EXPECT_EQ(spec.workload().service().streams_per_instance(), 6);
  EXPECT_EQ(spec.workload().traffic().up(), "4Mbps");
  EXPECT_EQ(spec.promise().latency(), "200ms");
  EXPECT_EQ(spec.promise().percentile(), "99.9");
  EXPECT_EQ(asked.work(), "detection");
  const v1::Wish chinese = wish("12路物体识别，来自street-a");
  EXPECT_EQ(assumption(chinese, "cpu"), "每实例核数：2（照 cameras 那次）|cameras");
}

TEST_F(PastTest, WhatIsSaidIsNeverOverridden) {
  scene.past = {remembered(1, "cameras")};
  const v1::Intent::Spec spec = wish("12 streams of detection from street-b within 700 ms, 3 cores each, 1 Mbps per stream, p95").intent().spec();
  EXPECT_EQ(spec.promise().latency(), "700ms");
  EXPECT_EQ(spec.promise().percentile(), "95");
  EXPECT_EQ(spec.workload().service().cpu(), "3");
  EXPECT_EQ(spec.workload().traffic().up(), "1Mbps");
  EXPECT_EQ(spec.from(0).site(), "street-b");
  EXPECT_EQ(spec.workload().service().memory(), "1Gi") << "which was not said";
}

TEST_F(PastTest, WhatWentBadlyIsShownButNotRepeated) {
  Remembered bad = remembered(1, "cameras");
  bad.shown.set_verdict("bad");
  bad.shown.set_because("slow");
  scene.past = {bad};
  v1::Wish asked = wish(kCameras);
  EXPECT_EQ(asked.past_size(), 1);
  EXPECT_EQ(asked.intent().spec().workload().service().cpu(), "0.3");
  EXPECT_EQ(assumption(asked, "cpu"), "cores per instance: 0.3|");
  scene.past.push_back(remembered(2, "older"));
  EXPECT_EQ(assumption(wish(kCameras), "cpu"), "cores per instance: 2 (as last time for older)|older");
}

TEST_F(PastTest, NothingIsLearntFromWhatIsNotAlikeOrFromNothing) {
  EXPECT_EQ(wish(kCameras).past_size(), 0);
  Remembered other = remembered(1, "web");
  other.features.work = "web";
  other.features.artifact = "web";
  scene.past = {other};
  const v1::Wish asked = wish(kCameras);
  EXPECT_EQ(asked.past_size(), 0);
  EXPECT_EQ(asked.intent().spec().workload().service().cpu(), "0.3");
  EXPECT_EQ(assumption(asked, "cpu"), "cores per instance: 0.3|");
}

TEST_F(PastTest, WhereStreamsCameInIsAssumedOnlyIfItIsThereStill) {
  scene.past = {remembered(1, "cameras")};
  v1::Wish asked = wish("12 streams of detection within 500 ms");
  ASSERT_EQ(asked.intent().spec().from_size(), 1) << asked.DebugString();
  EXPECT_EQ(asked.intent().spec().from(0).site(), "street-a");
  EXPECT_EQ(assumption(asked, "from"), "from: street-a 12 (as last time for cameras)|cameras");
  scene.past[0].intent.mutable_spec()->mutable_from(0)->set_site("gone");
  EXPECT_EQ(wish("12 streams of detection within 500 ms").intent().spec().from_size(), 2);
}

TEST_F(PastTest, TheCaseIsToldInTheLanguageThatIsSpoken) {
  Remembered one = remembered(1, "cameras", "fastest");
  one.shown.set_samples(1'000);
  one.shown.set_missed(8);
  one.shown.set_billed_per_hour_nanocredits(1'300'000'000);
  one.shown.set_verdict("good");
  EXPECT_EQ(show({&one, 900}, Language::kEnglish, 0).text(), "cameras of 2026-11-01: took fastest, kept its promise 99.2 %, 1.3 credits an hour, you said: good");
  EXPECT_EQ(show({&one, 900}, Language::kChinese, 0).text(), "cameras（2026-11-01）：选了 fastest，承诺达成 99.2 %，每小时 1.3 信用点，评价：好");
  Remembered nothing = remembered(2, "");
  nothing.shown.set_end("declined");
  nothing.shown.clear_strategy();
  EXPECT_EQ(show({&nothing, 900}, Language::kEnglish, 0).text(), "2026-11-01: what was offered was declined");
}

v1::Wish with_strategies() {
  v1::Wish out;
  for (const char* kind : {"asked", "fastest", "cleanest", "safest"}) out.add_strategies()->set_kind(kind);
  return out;
}
v1::PastCase past_case(const std::string& strategy, const std::string& verdict, const std::string& because = "") {
  v1::PastCase out = remembered(1, "cameras", strategy).shown;
  out.set_likeness_permille(900);
  out.set_verdict(verdict);
  out.set_because(because);
  return out;
}
std::string suggested(v1::Wish wish) {
  suggest(Language::kEnglish, wish);
  std::string out;
  for (const v1::Strategy& one : wish.strategies()) {
    if (!one.suggested().empty()) out += one.kind();
  }
  return out;
}

TEST_F(PastTest, WhatWasTakenAndGoodIsSuggestedAndABadVerdictTurnsItRound) {
  const auto of = [](const std::vector<v1::PastCase>& cases) {
    v1::Wish wish = with_strategies();
    for (const v1::PastCase& one : cases) *wish.add_past() = one;
    return suggested(wish);
  };
  EXPECT_EQ(of({}), "");
  EXPECT_EQ(of({past_case("cleanest", "good")}), "cleanest");
  EXPECT_EQ(of({past_case("cleanest", "")}), "cleanest");
  EXPECT_EQ(of({past_case("asked", "bad", "slow")}), "fastest");
  EXPECT_EQ(of({past_case("fastest", "bad", "dear")}), "asked");
  EXPECT_EQ(of({past_case("asked", "bad", "dirty")}), "cleanest");
  EXPECT_EQ(of({past_case("asked", "bad", "unreliable")}), "safest");
  EXPECT_EQ(of({past_case("fastest", "bad", "other")}), "") << "nothing is known that would mend it";
  EXPECT_EQ(of({past_case("cleanest", ""), past_case("safest", "good")}), "safest") << "a verdict weighs more";
  EXPECT_EQ(of({past_case("slower", "good")}), "") << "it is not to be had";
  v1::PastCase failed = past_case("cleanest", "");
  failed.set_state("failed");
  EXPECT_EQ(of({failed}), "");
  failed.set_state("planned");
  failed.set_samples(100);
  failed.set_missed(1);
  EXPECT_EQ(of({failed}), "cleanest");
  failed.set_missed(2);
  EXPECT_EQ(of({failed}), "") << "more than one in a hundred was late";
  v1::PastCase nothing = past_case("", "");
  nothing.set_end("left");
  nothing.mutable_intent()->clear_name();
  EXPECT_EQ(of({nothing}), "");
}

TEST_F(PastTest, WhatWasAppliedCanBeJudgedInWords) {
  applied("cameras");
  const auto verdict = [this](const std::string& text) {
    const v1::Wish one = wish(text);
    return one.act() != "verdict" ? one.act() : one.rating().verdict() + " " + one.rating().because();
  };
  for (const char* good : {"works well", "Great, thank you!", "not bad", "很好", "不错，挺好的", "cameras works well", "非常满意"}) EXPECT_EQ(verdict(good), "good ") << good;
  for (const char* slow : {"太慢了", "too slow", "it is too slow", "延迟太高了"}) EXPECT_EQ(verdict(slow), "bad slow") << slow;
  for (const char* dear : {"太贵了", "too expensive"}) EXPECT_EQ(verdict(dear), "bad dear") << dear;
  EXPECT_EQ(verdict("老是断"), "bad unreliable");
  EXPECT_EQ(verdict("不好"), "bad other");
  EXPECT_EQ(verdict("not good"), "bad other");
  for (const char* none : {"is it good?", "好吗", "why is it slow", "within 300 ms, it is too slow", "12 streams of detection from street-a", "stop cameras", "how is it doing"}) {
    EXPECT_EQ(wish(none).has_rating(), false) << none;
  }
  EXPECT_EQ(wish("works well").rating().tenant(), "city");
  EXPECT_EQ(wish("works well").rating().intent(), "cameras");
  EXPECT_EQ(wish("works well").rating().comment(), "works well");
}

TEST_F(PastTest, AComplaintIsAVerdictAndAsksForAChange) {
  applied("cameras");
  const v1::AskResponse both = said({"too slow"});
  ASSERT_EQ(both.wishes_size(), 2) << both.DebugString();
  EXPECT_EQ(both.wishes(0).rating().because(), "slow");
  EXPECT_EQ(both.wishes(1).act(), "edit");
  EXPECT_EQ(both.wishes(1).intent().spec().promise().latency(), "160ms");
}

TEST_F(PastTest, WhatIsOnOfferIsNotJudged) {
  applied("cameras");
  const v1::AskResponse agreed = said({kCameras, "很好"});
  EXPECT_FALSE(agreed.wishes(0).has_rating()) << agreed.DebugString();
  EXPECT_FALSE(said({kCameras, "too slow"}).wishes(0).has_rating());
  scene.about.clear_name();
  EXPECT_FALSE(wish("works well").has_rating()) << "nobody said what";
}

TEST_F(PastTest, LikenessIsBoundedSymmetricAndWholeForTheSame) {
  const Features same = remembered(1, "a").features;
  EXPECT_EQ(likeness_permille(same, same), 1'000);
  Features far = same;
  far.streams = 6;
  EXPECT_EQ(likeness_permille(same, far), 900);
  far.job = true;
  EXPECT_EQ(likeness_permille(same, far), 0);
}

Features any_features() {
  const auto name = [](std::initializer_list<const char*> of) { return std::string(*rc::gen::elementOf(std::vector<const char*>(of))); };
  Features out{.work = name({"", "detection", "web"}), .artifact = name({"", "detector", "web"}), .job = *rc::gen::arbitrary<bool>(),
               .streams = *rc::gen::inRange<int64_t>(0, 20), .latency_us = *rc::gen::element<int64_t>(0, 1, 500'000, INT64_MAX),
               .accelerator_milli = *rc::gen::element<int64_t>(0, 500, 8'000), .accelerator_model = name({"", "A100"}), .from = {}, .only = {}};
  for (const char* site : {"a", "b", "c"}) {
    if (*rc::gen::arbitrary<bool>()) out.from.emplace_back(site);
    if (*rc::gen::arbitrary<bool>()) out.only.emplace_back(site);
  }
  return out;
}

// Whatever is remembered in whatever order: the same few are shown, the most alike first.
RC_GTEST_PROP(PastProperty, TheOrderOfWhatIsRememberedDoesNotMatter, ()) {
  const Features wanted = any_features();
  std::vector<Remembered> past(static_cast<size_t>(*rc::gen::inRange(0, 70)));
  for (size_t i = 0; i < past.size(); ++i) {
    past[i].order = i;
    past[i].features = any_features();
  }
  const auto shown = [&wanted](const std::vector<Remembered>& of) {
    std::vector<std::pair<int32_t, uint64_t>> out;
    for (const Alike& one : alike(of, wanted)) out.emplace_back(one.likeness_permille, one.of->order);
    return out;
  };
  const auto first = shown(past);
  std::vector<Remembered> turned(past.rbegin(), past.rend());
  std::rotate(turned.begin(), turned.begin() + static_cast<std::ptrdiff_t>(turned.size() / 3), turned.end());
  RC_ASSERT(shown(turned) == first);
  RC_ASSERT(first.size() <= kPastShownMax);
  for (const auto& [likeness, order] : first) {
    RC_ASSERT(likeness >= kAlikePermille);
    RC_ASSERT(likeness <= 1'000);
    RC_ASSERT(likeness == likeness_permille(wanted, past[order].features));
    RC_ASSERT(likeness == likeness_permille(past[order].features, wanted));
  }
  RC_ASSERT(std::is_sorted(first.rbegin(), first.rend()));
}

}  // namespace
}  // namespace weir::intent
