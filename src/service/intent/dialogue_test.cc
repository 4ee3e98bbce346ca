#include "service/intent/dialogue.h"

#include <gtest/gtest.h>

#include "intelligence/language/understand.h"

namespace weir::intent {
namespace {

constexpr SpokenAt kSunday{1'795'330'800, 8 * 3'600};  // 15:00 in Shanghai, 2026-11-22

class DialogueTest : public ::testing::Test {
 protected:
  DialogueTest() {
    scene.domain.sites = {{"street-a", "Zhejiang", "end", {"cn"}}, {"street-b", "Shanghai", "end", {"cn"}}, {"hub", "Ningxia", "cloud", {"cn"}}};
    scene.tenant = "city";
    scene.read = [this](const v1::IntentName& named) -> Result<v1::Intent> {
      v1::Intent out = stored;
      out.mutable_metadata()->set_name(named.name());
      return out;
    };
  }
  void knows(const std::string& tenant, const std::string& name) {
    v1::IntentName& one = scene.intents.emplace_back();
    one.set_tenant(tenant);
    one.set_name(name);
    scene.domain.intents.push_back(name);
  }
  // The last utterance's wishes.
  v1::AskResponse said(const std::vector<std::string>& texts) {
    Dialogue dialogue(scene, language::understand_by(nullptr)(names_of(scene.domain)));
    v1::AskResponse out;
    for (const std::string& text : texts) {
      const Status heard = dialogue.hear(text, kSunday, out);
      EXPECT_TRUE(heard) << heard.error().text();
    }
    return out;
  }
  v1::Wish wish(const std::vector<std::string>& texts) {
    const v1::AskResponse out = said(texts);
    EXPECT_EQ(out.wishes_size(), 1);
    return out.wishes_size() > 0 ? out.wishes(0) : v1::Wish();
  }

  Scene scene;
  v1::Intent stored;
};

const char* const kCameras = "12 streams of detection from street-a within 500 ms";

TEST_F(DialogueTest, ARequestIsAnIntentWithTheWordsBehindEachField) {
  const v1::Wish asked = wish({kCameras});
  EXPECT_EQ(asked.act(), "request");
  EXPECT_EQ(asked.label(), "request");
  EXPECT_TRUE(asked.wanted());
  EXPECT_FALSE(asked.agreed());
  EXPECT_EQ(asked.intent().metadata().tenant(), "city");
  EXPECT_EQ(asked.intent().spec().from(0).streams(), 12);
  bool latency = false;
  for (const v1::Understood& field : asked.fields()) {
    if (field.field() != "latency") continue;
    latency = true;
    EXPECT_EQ(field.value(), "500ms");
    EXPECT_EQ(std::string(kCameras).substr(field.begin(), field.end() - field.begin()), field.words());
  }
  EXPECT_TRUE(latency);
}

TEST_F(DialogueTest, WhatIsSaidNextIsAboutTheAnswerBefore) {
  EXPECT_EQ(wish({kCameras, "within 300 ms instead"}).intent().spec().promise().latency(), "300ms");
  EXPECT_EQ(wish({kCameras, "within 300 ms instead", "时延放宽到400毫秒"}).intent().spec().promise().latency(), "400ms");
  const v1::Wish agreed = wish({kCameras, "within 300 ms instead", "yes, go ahead"});
  EXPECT_TRUE(agreed.agreed());
  EXPECT_EQ(agreed.intent().spec().promise().latency(), "300ms");
  EXPECT_EQ(said({kCameras, "好的"}).language(), "zh");
  EXPECT_TRUE(wish({kCameras, "好的"}).agreed());
  const v1::Wish dropped = wish({kCameras, "forget it"});
  EXPECT_EQ(dropped.act(), "cancel");
  EXPECT_EQ(dropped.withdrawals_size(), 0) << "nothing runs yet";
  EXPECT_FALSE(dropped.say().empty());
}

TEST_F(DialogueTest, AYesIsToAllThatWasOfferedAtOnce) {
  const v1::AskResponse both = said({"12 streams of detection from street-a within 500 ms; and then speech recognition for 2 streams from street-b"});
  ASSERT_EQ(both.wishes_size(), 2) << both.DebugString();
  const v1::AskResponse agreed = said({"12 streams of detection from street-a within 500 ms; and then speech recognition for 2 streams from street-b", "yes, go ahead"});
  ASSERT_EQ(agreed.wishes_size(), 2) << agreed.DebugString();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(agreed.wishes(i).act(), "accept");
    EXPECT_TRUE(agreed.wishes(i).agreed());
    EXPECT_EQ(agreed.wishes(i).intent().SerializeAsString(), both.wishes(i).intent().SerializeAsString());
  }
  // A change is of the last, and a yes then of what was shown last.
  const v1::Wish changed = wish({"12 streams of detection from street-a within 500 ms; and then speech recognition for 2 streams from street-b", "within 300 ms instead", "好的"});
  EXPECT_EQ(changed.intent().metadata().name(), both.wishes(1).intent().metadata().name());
}

TEST_F(DialogueTest, WhatIsSaidAtOnceGetsNamesOfItsOwn) {
  knows("city", "detection");
  const char* const two = "12 streams of detection from street-a within 500 ms; and then speech recognition for 2 streams from street-b";
  EXPECT_EQ(said({two}).wishes(0).intent().metadata().name(), "detection-2") << "there is one";
  EXPECT_EQ(said({two}).wishes(1).intent().metadata().name(), "speech");
  EXPECT_EQ(said({two, two}).wishes(1).intent().metadata().name(), "speech") << "the first was not applied";
  scene.name = "street";
  EXPECT_EQ(said({two}).wishes(0).intent().metadata().name(), "street");
  EXPECT_EQ(said({two}).wishes(1).intent().metadata().name(), "street-2");
  knows("city", "street-2");
  EXPECT_EQ(said({two}).wishes(1).intent().metadata().name(), "street-3") << "that is another's";
}

TEST_F(DialogueTest, WhatIsSpokenAboutIsMeantUntilANameIsSaid) {
  stored = wish({kCameras}).intent();
  knows("city", "cameras");
  knows("city", "speech");
  scene.about.set_tenant("city");
  scene.about.set_name("speech");
  EXPECT_EQ(wish({"why is it there"}).explain().intent(), "speech");
  EXPECT_EQ(wish({"within 300 ms instead"}).intent().metadata().name(), "speech");
  EXPECT_EQ(wish({"within 300 ms instead"}).intent().spec().from(0).streams(), 12) << "of what is stored";
  ASSERT_EQ(wish({"how is it doing"}).intents_size(), 1);
  EXPECT_EQ(wish({"how is it doing"}).intents(0).name(), "speech");
  ASSERT_EQ(wish({"cancel it"}).withdrawals_size(), 1);
  EXPECT_EQ(wish({"cancel it"}).withdrawals(0).name(), "speech");
  EXPECT_EQ(wish({"why is cameras there"}).explain().intent(), "cameras");
  EXPECT_EQ(wish({kCameras, "forget it"}).withdrawals_size(), 0) << "it is the new one that is meant";
  scene.about.set_tenant("port");  // not theirs, or gone
  EXPECT_FALSE(wish({"why is it there"}).has_explain());
  EXPECT_EQ(wish({"cancel it"}).withdrawals_size(), 0);
}

TEST_F(DialogueTest, NothingIsAgreedWithTwiceOrBeforeItIsOffered) {
  EXPECT_FALSE(wish({kCameras, "好的", "好的"}).agreed());
  EXPECT_FALSE(wish({"12 streams of detection within 500 ms from nowhere-7", "好的"}).agreed());
}

TEST_F(DialogueTest, AQuestionThatCannotBeAssumedComesBeforeAnIntent) {
  scene.domain = {};
  const v1::Wish asked = wish({"12 streams of detection within 500 ms"});
  ASSERT_GT(asked.questions_size(), 0);
  EXPECT_EQ(asked.questions(0).field(), "from");
  EXPECT_EQ(asked.questions(0).assumed(), "");
  EXPECT_FALSE(asked.has_intent());
}

TEST_F(DialogueTest, OnlyTheIntentThatIsMeantIsChangedExplainedOrWithdrawn) {
  knows("city", "cameras");
  knows("city", "speech");
  EXPECT_EQ(wish({"stop cameras"}).withdrawals_size(), 1);
  EXPECT_EQ(wish({"stop cameras"}).withdrawals(0).name(), "cameras");
  EXPECT_EQ(wish({"stop everything"}).withdrawals_size(), 2);
  EXPECT_EQ(wish({"why is cameras there"}).explain().intent(), "cameras");
  EXPECT_EQ(wish({"如果hub断电了，cameras会怎样"}).explain().what_if(0), "where.not=hub");
  const v1::Wish vague = wish({"why is it there"});
  EXPECT_FALSE(vague.has_explain()) << "there are two";
  EXPECT_EQ(vague.questions_size(), 1);
  EXPECT_EQ(wish({"how is cameras doing"}).intents_size(), 1);
}

TEST_F(DialogueTest, AnEditOfANamedIntentBeginsWithWhatIsStored) {
  knows("city", "cameras");
  stored = wish({kCameras}).intent();
  const v1::Wish edited = wish({"set the latency of cameras to 300ms"});
  EXPECT_EQ(edited.intent().metadata().name(), "cameras");
  EXPECT_EQ(edited.intent().spec().promise().latency(), "300ms");
  EXPECT_EQ(edited.intent().spec().from(0).streams(), 12);
}

TEST_F(DialogueTest, OfTwoTenantsWithOneNameNoneIsMeant) {
  knows("city", "cameras");
  knows("port", "cameras");
  EXPECT_EQ(wish({"stop cameras"}).withdrawals_size(), 0);
  EXPECT_EQ(wish({"stop cameras"}).questions_size(), 1);
  scene.tenant.clear();
  EXPECT_EQ(wish({"stop everything"}).withdrawals_size(), 0) << "whose?";
}

TEST_F(DialogueTest, AChangeThatCannotBeMadeIsAQuestionAndLeavesWhatWasOffered) {
  const v1::Wish cheaper = wish({kCameras, "make it cheaper"});
  EXPECT_FALSE(cheaper.has_intent());
  ASSERT_EQ(cheaper.questions_size(), 1);
  EXPECT_EQ(cheaper.questions(0).text(), "It has no budget to change. Which figure shall it be?");
  EXPECT_TRUE(wish({kCameras, "make it cheaper", "好的"}).agreed());
}

TEST_F(DialogueTest, ANoIsNeverAYes) {
  for (const char* no : {"不行", "不好", "不同意", "我不同意", "不确认", "不接受", "这样不行", "还不行", "不太好", "不好意思，不行", "可以吗", "可以，但是不要现在", "不要", "不用", "别", "先等等，好吧",
                         "please do not apply that", "not ok", "that is not ok", "isn't ok", "not fine", "I don't agree", "I do not agree", "do not go ahead", "don\u2019t go ahead",
                         "can't accept", "I cannot accept that", "not confirmed", "no, not ok", "ok no", "yes?", "no", "nope", "don't apply", "yes but later", "ok, wait"}) {
    const v1::AskResponse refused = said({kCameras, no}), later = said({kCameras, no, "why is it there", "yes"});
    for (const v1::Wish& one : refused.wishes()) EXPECT_FALSE(one.agreed()) << no;
    for (const v1::Wish& one : later.wishes()) EXPECT_FALSE(one.agreed()) << no;
  }
  for (const char* no : {"no", "nope", "不行", "不要", "I don't agree", "don't apply"}) {
    EXPECT_EQ(wish({kCameras, no}).act(), "decline") << no;
    EXPECT_FALSE(wish({kCameras, no, "yes"}).agreed()) << no << ": the offer is gone";
  }
  for (const char* yes : {"yes", "ok", "go ahead", "no problem, go ahead", "好的", "可以", "没问题", "没意见，就这样", "同意", "行"}) EXPECT_TRUE(wish({kCameras, yes}).agreed()) << yes;
}

TEST_F(DialogueTest, AYesAmongOtherWordsIsNone) {
  for (const char* told : {"the deal fell through", "great question", "perfect storm", "yes minister is a good show", "I'm in a meeting", "we're in trouble", "all good things end",
                           "老板批了", "预算批了", "行么", "可以么", "好么？", "准了么", "我行我素", "确定一下时间", "同意书在哪里签"}) {
    const v1::AskResponse answer = said({kCameras, told});
    for (const v1::Wish& one : answer.wishes()) EXPECT_FALSE(one.agreed()) << told;
  }
  EXPECT_EQ(wish({kCameras, "老板批了"}).say(), "还没有同意什么。要就只说“可以”，不要就说“不要”，或者说要改什么。");
  EXPECT_TRUE(wish({kCameras, "老板批了", "可以"}).agreed()) << "what was shown is on offer still";
  EXPECT_NE(wish({"great question"}).say().find("not about computing"), std::string::npos) << "nothing is on offer";
  for (const char* yes : {"yes please, run it now", "sounds good, go ahead", "perfect, do it", "ok good, please start it", "好，部署", "可以，辛苦了", "行，就这么办", "那就这么定了"}) {
    EXPECT_TRUE(wish({kCameras, yes}).agreed()) << yes;
  }
}

TEST_F(DialogueTest, AYesIsToWhatWasShownLast) {
  knows("city", "doors");
  stored = wish({kCameras}).intent();
  for (const char* other : {"how much would 8 streams of speech recognition from street-b cost", "stop doors", "why is doors there", "如果hub断电了，doors会怎样", "how is doors doing", "哪里最便宜"}) {
    EXPECT_FALSE(wish({kCameras, other, "yes"}).agreed()) << other;
  }
  EXPECT_TRUE(wish({kCameras, "make it cheaper", "yes"}).agreed()) << "what could not be changed is offered still";
}

TEST_F(DialogueTest, ANameThatIsSaidIsWhatIsSpokenAboutFromThenOn) {
  knows("city", "detection");
  knows("city", "doors");
  scene.about.set_tenant("city");
  scene.about.set_name("detection");
  EXPECT_EQ(wish({"how is doors doing", "cancel it"}).withdrawals(0).name(), "doors");
  EXPECT_EQ(wish({"cancel it"}).withdrawals(0).name(), "detection");
  for (const char* no : {"no", "不", "no, nothing else"}) EXPECT_EQ(wish({no}).withdrawals_size(), 0) << "nobody speaks of ending it";
}

TEST_F(DialogueTest, WhatIsSpokenAboutEndsByItsName) {
  knows("city", "detection");
  scene.about.set_tenant("city");
  scene.about.set_name("detection");
  for (const char* text : {"停掉detection", "取消detection", "stop detection", "cancel it", "停掉它"}) {
    const v1::Wish ended = wish({text});
    EXPECT_EQ(ended.act(), "cancel") << text;
    ASSERT_EQ(ended.withdrawals_size(), 1) << text << ended.DebugString();
  }
}

TEST_F(DialogueTest, OfSeveralChangesTheOneThatCannotBeMadeIsNamed) {
  const v1::Wish asked = wish({kCameras, "300毫秒以内，价格减半"});
  ASSERT_EQ(asked.questions_size(), 1);
  EXPECT_EQ(asked.questions(0).field(), "budget");
  EXPECT_NE(asked.questions(0).text().find("预算"), std::string::npos) << asked.questions(0).text();
}

TEST_F(DialogueTest, WhereAndOther) {
  const v1::Wish cheap = wish({"哪里最便宜"});
  ASSERT_TRUE(cheap.has_sites());
  EXPECT_FALSE(cheap.sites().cleanest_first());
  EXPECT_EQ(wish({"今天天气怎么样"}).act(), "other");
  EXPECT_FALSE(wish({"今天天气怎么样"}).say().empty());
}

TEST_F(DialogueTest, SayingItAllAgainGivesTheSame) {
  knows("city", "cameras");
  const std::vector<std::string> all = {kCameras, "half the budget", "within 300 ms", "why is cameras there", "cheaper"};
  for (size_t n = 1; n <= all.size(); ++n) {
    const std::vector<std::string> part(all.begin(), all.begin() + static_cast<ptrdiff_t>(n));
    Dialogue dialogue(scene, language::understand_by(nullptr)(names_of(scene.domain)));
    v1::AskResponse one, other;
    for (const std::string& text : part) (void)dialogue.hear(text, kSunday, one);
    Dialogue again(scene, language::understand_by(nullptr)(names_of(scene.domain)));
    for (const std::string& text : part) (void)again.hear(text, kSunday, other);
    EXPECT_EQ(one.SerializeAsString(), other.SerializeAsString());
  }
}

}  // namespace
}  // namespace weir::intent
