// Ways of speaking that the rules know, by class.
#include <gtest/gtest.h>

#include "core/ports/understanding_text.h"
#include "intelligence/language/understand.h"

namespace weir::language {
namespace {

// 2026-11-22 15:00 in Shanghai, a Sunday.
constexpr SpokenAt kSpokenNow{1'795'330'800, 8 * 3'600};

const Gazetteer& phrase_names() {
  static const std::vector<KnownName> names = {
      {NameKind::kSite, "street-a"}, {NameKind::kSite, "street-b"},  {NameKind::kSite, "metro"},           {NameKind::kRegion, "guizhou"},
      {NameKind::kRegion, "ningxia"}, {NameKind::kRegion, "shanghai"}, {NameKind::kLabel, "cn"},             {NameKind::kLabel, "shanghai"},
      {NameKind::kIntent, "cameras"}, {NameKind::kIntent, "gates"},    {NameKind::kAcceleratorModel, "A100"}, {NameKind::kAcceleratorModel, "H100"},
      {NameKind::kAcceleratorModel, "RTX 4090"}};
  static const Gazetteer read(names);
  return read;
}

std::string written(const std::string& text, const Frame* previous) {
  const auto out = understand(text, phrase_names(), kSpokenNow, previous);
  return out ? understanding_text(*out, kSpokenNow.utc_offset_s) : out.error().text();
}
std::string meant(const std::string& text) { return written(text, nullptr); }
// With an answer that is talked about.
std::string answered(const std::string& text) {
  static const auto first = understand("detection, 12 streams, 500 ms, 20 per hour", phrase_names(), kSpokenNow);
  return written(text, &first->frames[0]);
}

TEST(Phrases, PartsOfAUnit) {
  EXPECT_EQ(meant("face recognition on 7 cameras within a second and a half"), "request kind=service workload=detection streams=7 latency=1.5s");
  EXPECT_EQ(meant("人脸识别，7路，一秒半之内"), "request kind=service workload=detection streams=7 latency=1.5s");
  EXPECT_EQ(meant("detection on 4 streams, a fifth of a second"), "request kind=service workload=detection streams=4 latency=200ms");
  EXPECT_EQ(meant("检测4路，四分之三秒"), "request kind=service workload=detection streams=4 latency=750ms");
  EXPECT_EQ(meant("render for a full day on 2 GPUs"), "request kind=job workload=rendering gpus=2 run=1d");
  EXPECT_EQ(meant("a 24-hour training on 2 GPUs"), "request kind=job workload=training gpus=2 run=1d");
}

TEST(Phrases, NumbersAsTheyAreTyped) {
  EXPECT_EQ(meant("inference 2x4090 50ms"), "request kind=service workload=inference latency=50ms gpus=2 model=RTX_4090");
  EXPECT_EQ(meant("渲染，twelve 4090s，预算1.5w"), "request kind=job workload=rendering gpus=12 model=RTX_4090 budget=15000/total");
  EXPECT_EQ(meant("检测两三百毫秒，三四十路"), "request kind=service workload=detection streams=40 latency=300ms");
  EXPECT_EQ(meant("仿真，叁拾贰核"), "request kind=job workload=simulation cpu=32");
  EXPECT_EQ(meant("MySQL, 8c/32g"), "request kind=service workload=database cpu=8 mem=32Gi");
  EXPECT_EQ(meant("render on 4 GPUs, we can spend 8k in total"), "request kind=job workload=rendering gpus=4 budget=8000/total");
  EXPECT_EQ(meant("render 4K video on 4 GPUs"), "request kind=job workload=rendering gpus=4");
  EXPECT_EQ(meant("inference, 600 requests a minute"), "request kind=service workload=inference rate=10");
  EXPECT_EQ(meant("推理，每分钟六百次请求"), "request kind=service workload=inference rate=10");
  EXPECT_EQ(meant("inference, 99th percentile below 15ms"), "request kind=service workload=inference latency=15ms pct=99");
}

TEST(Phrases, MemoryBesideAModelIsOfTheModel) {
  EXPECT_EQ(meant("2 A100s with 80GB each, fine-tuning"), "request kind=job workload=training gpus=2 model=A100 gpumem=80Gi");
  EXPECT_EQ(meant("A100 80G显存的两块，微调"), "request kind=job workload=training gpus=2 model=A100 gpumem=80Gi");
  EXPECT_EQ(meant("simulation, 8 cores with 80GB each"), "request kind=job workload=simulation cpu=8 mem=80Gi");
}

TEST(Phrases, WhatCamerasSeeIsLookedAt) {
  EXPECT_EQ(meant("9 trail cameras, tell us when somebody comes, 2 seconds"), "request kind=service workload=detection streams=9 latency=2s");
  EXPECT_EQ(meant("牧场三十三个探头，两秒出结果"), "request kind=service workload=detection streams=33 latency=2s");
  EXPECT_EQ(meant("十路摄像头"), "request streams=10") << "too little to say";
  EXPECT_EQ(meant("twenty cameras on street-b, 1 second"), "request kind=service workload=detection streams=20 from=street-b:20 latency=1s");
  EXPECT_EQ(meant("airport kerb cameras, 55 streams, 250ms"), "request kind=service workload=detection streams=55 latency=250ms");
}

TEST(Phrases, WhatIsDoneOutweighsWhatItIsDoneFor) {
  EXPECT_EQ(meant("游戏CG渲染，4张卡"), "request kind=job workload=rendering gpus=4");
  EXPECT_EQ(meant("微调好的模型做推理，4张卡"), "request kind=service workload=inference gpus=4");
}

TEST(Phrases, ACorrectionHolds) {
  EXPECT_EQ(meant("我要训练，不对，是推理，两张卡"), "request kind=service workload=inference gpus=2");
  EXPECT_EQ(meant("detection on 36, sorry, 63 cameras"), "request kind=service workload=detection streams=63");
  EXPECT_EQ(meant("detection on 12 streams, no wait, 14"), "request kind=service workload=detection streams=14");
  EXPECT_EQ(meant("放贵州渲染，说错了，放宁夏，8张卡"), "request kind=job workload=rendering gpus=8 only=ningxia");
  EXPECT_EQ(meant("VFX render, not on 4090s but on H100s, four of them"), "request kind=job workload=rendering gpus=4 model=H100");
}

TEST(Phrases, NegationsOfPlaces) {
  EXPECT_EQ(meant("detection on 5 streams, no Guizhou no Ningxia"), "request kind=service workload=detection streams=5 not=guizhou,ningxia");
  EXPECT_EQ(meant("a website, keep it out of Ningxia"), "request kind=service workload=web not=ningxia");
  EXPECT_EQ(meant("检测5路，只要别上宁夏和贵州"), "request kind=service workload=detection streams=5 not=guizhou,ningxia");
  EXPECT_EQ(meant("推理，2张卡，数据不能出国"), "request kind=service workload=inference gpus=2 residency=cn");
}

TEST(Phrases, InstantsByTheirSurroundings) {
  EXPECT_EQ(meant("an hour from now start rendering, it runs for 45 minutes"), "request kind=job workload=rendering start=2026-11-22T16:00 run=45m");
  EXPECT_EQ(meant("半小时后启动渲染"), "request kind=job workload=rendering start=2026-11-22T15:30");
  EXPECT_EQ(meant("every Monday at 6am retrain"), "request kind=job workload=training start=2026-11-23T06:00");
  EXPECT_EQ(meant("train, Dec 1st 00:00 at the latest"), "request kind=job workload=training deadline=2026-12-01T00:00");
  EXPECT_EQ(meant("月底前训练完"), "request kind=job workload=training deadline=2026-12-01T00:00");
  EXPECT_EQ(meant("train before the weekend"), "request kind=job workload=training deadline=2026-11-28T00:00");
  EXPECT_EQ(meant("transcode the archive, done by 8"), "request kind=job workload=transcoding deadline=2026-11-23T08:00");
  EXPECT_EQ(meant("train before Monday on 4 GPUs"), "request kind=job workload=training gpus=4 deadline=2026-11-23T00:00");
  EXPECT_EQ(meant("quarter to six tomorrow: start rendering"), "request kind=job workload=rendering start=2026-11-23T05:45");
}

TEST(Phrases, Edits) {
  EXPECT_EQ(answered("再多接八路"), "edit streams=+8");
  EXPECT_EQ(answered("太贵了，降到每小时15"), "edit budget=15/hour");
  EXPECT_EQ(answered("triple the streams"), "edit streams=*3");
  EXPECT_EQ(answered("I need 200 ms, even if it costs twice as much"), "edit latency=200ms budget=*2");
  EXPECT_EQ(answered("cut the cost by 20%"), "edit budget=*0.8");
  EXPECT_EQ(answered("the deadline can slip by three hours"), "edit deadline=+3h");
  EXPECT_EQ(answered("finish one hour earlier"), "edit deadline=-1h");
  EXPECT_EQ(answered("预算取消，不设上限"), "edit budget=none");
  EXPECT_EQ(answered("能不能再便宜点儿，慢个一两百毫秒我们也能忍"), "edit latency=relax budget=tighten");
  EXPECT_EQ(answered("ok but cheaper"), "edit budget=tighten");
  EXPECT_EQ(answered("replicas调到5"), "edit instances=5");
}

TEST(Phrases, ActsByTheirWords) {
  EXPECT_EQ(meant("turn gates off please"), "cancel target=gates");
  EXPECT_EQ(meant("scrap the render"), "cancel workload=rendering");
  EXPECT_EQ(meant("street-b那20个探头查违停，一秒"), "request kind=service workload=detection streams=20 from=street-b:20 latency=1s") << "停 of 违停 stops nothing";
  EXPECT_EQ(meant("我那个渲染跑到百分之几了"), "status workload=rendering");
  EXPECT_EQ(meant("上海还有A100吗"), "where model=A100 only=shanghai");
  EXPECT_EQ(meant("what would a training on one H100 set me back"), "how-much kind=job workload=training gpus=1 model=H100");
  EXPECT_EQ(meant("suppose the whole of Guizhou blacks out"), "what-if down=guizhou");
  EXPECT_EQ(answered("换 H100 会 faster 吗"), "what-if model=H100");
  EXPECT_EQ(answered("would Shanghai be cheaper"), "what-if only=shanghai");
  EXPECT_EQ(answered("加4路，顺便问下多少钱"), "edit streams=+4 | how-much");
  EXPECT_EQ(meant("stop gates and start a website with 2 instances"), "cancel target=gates | request kind=service workload=web instances=2");
}

TEST(Phrases, APoliteIfSupposesNothing) {
  EXPECT_EQ(meant("推理服务，延迟的话就二十五毫秒"), "request kind=service workload=inference latency=25ms");
  EXPECT_EQ(meant("a simulation on 8 cores, if at all possible"), "request kind=job workload=simulation cpu=8");
}

TEST(Phrases, TheWorldIsNoneOfOurBusiness) {
  for (const char* text : {"训练小狗上厕所有什么窍门", "is the training room booked on Tuesday", "my credit card got declined", "我的打印机卡纸了", "贵州有什么好玩的",
                           "what does a used 4090 go for on the second-hand market", "工资怎么还没发，都推迟三天了", "my train is late"}) {
    EXPECT_EQ(meant(text), "other") << text;
  }
}

TEST(Phrases, WhatIsDoneIsTheHeadOfItsPhrase) {
  EXPECT_EQ(meant("train a speech recognition model on 2 GPUs"), "request kind=job workload=training gpus=2");
  EXPECT_EQ(meant("crack detection model training on 3 GPUs"), "request kind=job workload=training gpus=3");
  EXPECT_EQ(meant("a database for our online game, 4 cores"), "request kind=service workload=database cpu=4");
  EXPECT_EQ(meant("not a website this time, a simulation on 8 cores"), "request kind=job workload=simulation cpu=8");
  EXPECT_EQ(meant("9 cameras on the freight train, spot open doors, 1 second"), "request kind=service workload=detection streams=9 latency=1s");
}

TEST(Phrases, CountsOfWhatAlsoSaysTheWork) {
  EXPECT_EQ(meant("eleven game servers with 2 cores each"), "request kind=service workload=game cpu=2 instances=11");
  EXPECT_EQ(meant("a game server with 2 cores"), "request kind=service workload=game cpu=2");
  EXPECT_EQ(meant("web x7, 2 cores"), "request kind=service workload=web cpu=2 instances=7");
  EXPECT_EQ(meant("simulation: nodes 6, 32 cores each"), "request kind=job workload=simulation cpu=32 instances=6");
  EXPECT_EQ(meant("5 barns, a camera in each, detect smoke, 2 s"), "request kind=service workload=detection streams=5 latency=2s");
  EXPECT_EQ(meant("bakery cameras, 3 streams, theft detection, 1 s"), "request kind=service workload=detection streams=3 latency=1s");
}

TEST(Phrases, RatesOfWhatHappens) {
  EXPECT_EQ(meant("LLM inference, 35 questions a second"), "request kind=service workload=inference rate=35");
  EXPECT_EQ(meant("web shop, 1.2 million visits a minute"), "request kind=service workload=web rate=20000");
  EXPECT_EQ(meant("a website for 45 thousand page views per second"), "request kind=service workload=web rate=45000");
  EXPECT_EQ(meant("train on 2 GPUs, 1.5 lakh in total"), "request kind=job workload=training gpus=2 budget=150000/total");
  EXPECT_EQ(meant("train on 3 H100s, 700 all in"), "request kind=job workload=training gpus=3 model=H100 budget=700/total");
}

TEST(Phrases, ClocksInWords) {
  EXPECT_EQ(meant("render by ten past six tomorrow morning"), "request kind=job workload=rendering deadline=2026-11-23T06:10");
  EXPECT_EQ(meant("train by 8 on Friday morning"), "request kind=job workload=training deadline=2026-11-27T08:00");
  EXPECT_EQ(meant("analysis on 4 cores, ready five hours from now"), "request kind=job workload=analysis cpu=4 deadline=2026-11-22T20:00");
  EXPECT_EQ(meant("analysis on 4 cores by Monday, er, Tuesday 2 pm"), "request kind=job workload=analysis cpu=4 deadline=2026-11-24T14:00");
  EXPECT_EQ(answered("give it 3 more hours"), "edit deadline=+3h");
}

TEST(Phrases, AStoryAsksNothing) {
  EXPECT_EQ(meant("I wonder why nobody thought of it: 14 cams over the pens, count the piglets, 2 s"), "request kind=service workload=detection streams=14 latency=2s");
  EXPECT_EQ(meant("we are behind schedule, render on 6 GPUs by 11 tonight"), "request kind=job workload=rendering gpus=6 deadline=2026-11-22T23:00");
  EXPECT_EQ(meant("what is left of our grant is 800 in total, simulation on 64 cores"), "request kind=job workload=simulation cpu=64 budget=800/total");
}

TEST(Phrases, QuestionsOfWhatRuns) {
  EXPECT_EQ(meant("is gates running properly"), "status target=gates");
  EXPECT_EQ(meant("is the training done"), "status workload=training");
  EXPECT_EQ(meant("why wasn't metro chosen"), "why not=metro");
  EXPECT_EQ(meant("what speaks against Guizhou"), "why not=guizhou");
  EXPECT_EQ(meant("what if lightning knocks out metro, how would gates do then"), "what-if target=gates down=metro");
}

TEST(Phrases, EndsAreSaidOfWhatRuns) {
  EXPECT_EQ(meant("drop the simulation, the budget was cut"), "cancel workload=simulation");
  EXPECT_EQ(meant("nobody here needs gates any more, do not keep it"), "cancel target=gates");
  EXPECT_EQ(meant("stop the analysis and train on 2 GPUs"), "cancel workload=analysis | request kind=job workload=training gpus=2");
  EXPECT_EQ(answered("I do not need any of it after all, forget it"), "cancel");
  EXPECT_EQ(answered("I changed my mind, 7 streams"), "edit streams=7");
  EXPECT_EQ(answered("remove the latency limit"), "edit latency=none");
  EXPECT_EQ(answered("keep it out of Ningxia"), "edit not=ningxia");
}

TEST(Phrases, WhatIsListedAreSeveralWishes) {
  EXPECT_EQ(meant("two things, 1) a wiki with 2 replicas 2) train on 4 GPUs"), "request kind=service workload=web instances=2 | request kind=job workload=training gpus=4");
}

TEST(Phrases, WhatHappenedIsNoDeadline) {
  EXPECT_EQ(meant("after the break-in on Monday we want 6 cameras for face recognition within 1 s"), "request kind=service workload=detection streams=6 latency=1s");
}

TEST(Phrases, MisspeltWordsOfAPhrase) {
  EXPECT_EQ(meant("trian on 2 GPUs"), "request kind=job workload=training gpus=2");
  EXPECT_EQ(meant("detection on 3 streams, 4 secnds"), "request kind=service workload=detection streams=3 latency=4s");
}

TEST(Phrases, WhatIsToldOfIsNoField) {
  EXPECT_EQ(meant("four minutes of cartoon to render by 9 this evening"), "request kind=job workload=rendering deadline=2026-11-22T21:00");
  EXPECT_EQ(meant("render a two minute trailer on 3 GPUs"), "request kind=job workload=rendering gpus=3");
  EXPECT_EQ(meant("my dog could count faster with its paws, analysis on 6 cores"), "request kind=job workload=analysis cpu=6");
  EXPECT_EQ(meant("I owe it to them at 7 in the evening today, rendering on 2 GPUs"), "request kind=job workload=rendering gpus=2 deadline=2026-11-22T19:00");
  EXPECT_EQ(meant("forget the blog we talked about, we need a database with 6 cores"), "request kind=service workload=database cpu=6");
}

TEST(Phrases, WhereSomebodySpeaksIsAStream) {
  EXPECT_EQ(meant("live captions for 7 sermons"), "request kind=service workload=speech streams=7");
  EXPECT_EQ(meant("transcribe 11 hearings as they go on, 2 s"), "request kind=service workload=speech streams=11 latency=2s");
  EXPECT_EQ(meant("speech recognition of 4 languages, 700 ms"), "request kind=service workload=speech latency=700ms");
}

TEST(Phrases, WordsThatAreSpelledAsTheyAreMeant) {
  EXPECT_EQ(meant("the county needs a website with 3 instances"), "request kind=service workload=web instances=3");
  EXPECT_EQ(meant("a professor of physics wants a simulation on 20 cores"), "request kind=job workload=simulation cpu=20");
}

TEST(Phrases, APlaceIsNotEndedButSupposedTo) {
  EXPECT_EQ(meant("turn off metro?"), "what-if down=metro");
  EXPECT_EQ(meant("shut down metro, what happens then"), "what-if down=metro");
  EXPECT_EQ(meant("would we survive without metro"), "what-if down=metro");
  EXPECT_EQ(meant("gates can be stopped"), "cancel target=gates");
}

TEST(Phrases, MoreChanges) {
  EXPECT_EQ(answered("give us another hour"), "edit deadline=+1h");
  EXPECT_EQ(answered("no deadline after all"), "edit deadline=none");
  EXPECT_EQ(answered("a quarter fewer cameras"), "edit streams=*0.75");
  EXPECT_EQ(answered("raise the budget by a fifth"), "edit budget=*1.2");
  EXPECT_EQ(answered("a longer wait is fine"), "edit latency=relax");
  EXPECT_EQ(answered("we lost two cameras, six now"), "edit streams=6");
  EXPECT_EQ(answered("the price is irrelevant"), "edit budget=none");
  EXPECT_EQ(answered("never mind, I'll ask my wife"), "cancel");
  EXPECT_EQ(meant("did the training go through"), "status workload=training");
}

}  // namespace
}  // namespace weir::language
