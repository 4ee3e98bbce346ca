// Ways of speaking Chinese that the rules know, by class. Without a model.
#include <gtest/gtest.h>

#include "core/ports/understanding_text.h"
#include "intelligence/language/understand.h"

namespace weir::language {
namespace {

// 2026-11-22 15:00 in Shanghai, a Sunday.
constexpr SpokenAt kSundayNow{1'795'330'800, 8 * 3'600};

const Gazetteer& chinese_names() {
  static const std::vector<KnownName> names = {
      {NameKind::kSite, "street-a"}, {NameKind::kSite, "street-b"},  {NameKind::kSite, "metro"},           {NameKind::kRegion, "guizhou"},
      {NameKind::kRegion, "ningxia"}, {NameKind::kRegion, "shanghai"}, {NameKind::kLabel, "cn"},             {NameKind::kLabel, "shanghai"},
      {NameKind::kIntent, "cameras"}, {NameKind::kIntent, "gates"},    {NameKind::kAcceleratorModel, "A100"}, {NameKind::kAcceleratorModel, "RTX 4090"}};
  static const Gazetteer read(names);
  return read;
}

std::string in_words(const std::string& text, const Frame* previous = nullptr) {
  const auto out = understand(text, chinese_names(), kSundayNow, previous);
  return out ? understanding_text(*out, kSundayNow.utc_offset_s) : out.error().text();
}
// With an answer that is talked about.
std::string in_answer(const std::string& text) {
  static const auto first = understand("检测，12路，500毫秒，每小时20元", chinese_names(), kSundayNow);
  return in_words(text, &first->frames[0]);
}

TEST(Chinese, ClocksByQuartersAndWhatIsShortOfThem) {
  EXPECT_EQ(in_words("渲染，明天早上九点三刻之前"), "request kind=job workload=rendering deadline=2026-11-23T09:45");
  EXPECT_EQ(in_words("渲染，今晚差十分十点之前"), "request kind=job workload=rendering deadline=2026-11-22T21:50");
  EXPECT_EQ(in_words("渲染，今晚十点差一刻之前"), "request kind=job workload=rendering deadline=2026-11-22T21:45");
  EXPECT_EQ(in_words("仿真，后天下午一点开始"), "request kind=job workload=simulation start=2026-11-24T13:00");
  EXPECT_EQ(in_words("仿真，今晚两点开始"), "request kind=job workload=simulation start=2026-11-23T02:00");
  EXPECT_EQ(in_words("仿真，下个月3号之前"), "request kind=job workload=simulation deadline=2026-12-03T00:00");
  EXPECT_EQ(in_words("二号楼12路，人脸识别，一秒"), "request kind=service workload=detection streams=12 latency=1s");
}

TEST(Chinese, NumbersAsTheyAreSpoken) {
  EXPECT_EQ(in_words("训练，三四张卡，五六天"), "request kind=job workload=training gpus=4 run=6d");
  EXPECT_EQ(in_words("人脸识别，三十多路，一秒二以内"), "request kind=service workload=detection streams=30 latency=1.2s");
  EXPECT_EQ(in_words("推理，一分钟大概三百次请求"), "request kind=service workload=inference rate=5");
  EXPECT_EQ(in_words("推理，每秒不超过八十次"), "request kind=service workload=inference rate=80");
  EXPECT_EQ(in_words("推理，一张4090，800毫秒"), "request kind=service workload=inference latency=800ms gpus=1 model=RTX_4090");
  EXPECT_EQ(in_words("网站，预算120，300毫秒"), "request kind=service workload=web latency=300ms budget=120/total");
  EXPECT_EQ(in_words("数据库，8核16G*3"), "request kind=service workload=database cpu=8 mem=16Gi instances=3");
}

TEST(Chinese, ThingsOfWhichEachHasStreams) {
  EXPECT_EQ(in_words("七间教室，每间教室两路，人脸识别"), "request kind=service workload=detection streams=14");
  EXPECT_EQ(in_words("一个车间三个摄像头，一共五个车间，人脸识别"), "request kind=service workload=detection streams=15");
}

TEST(Chinese, TheJobOutweighsWhatItIsAbout) {
  EXPECT_EQ(in_words("微调一个车牌识别模型，两张卡"), "request kind=job workload=training gpus=2");
  EXPECT_EQ(in_words("人流疏散仿真，16核"), "request kind=job workload=simulation cpu=16");
  EXPECT_EQ(in_words("网站的数据库，4核"), "request kind=service workload=database cpu=4");
  EXPECT_EQ(in_words("模型训好了，上推理，两张卡"), "request kind=service workload=inference gpus=2");
}

TEST(Chinese, WhatItIsAboutCountsWhereNoWordSaysWhatIsDone) {
  EXPECT_EQ(in_words("仓门口9路，有人尾随就报，一秒"), "request kind=service workload=detection streams=9 latency=1s");
  EXPECT_EQ(in_words("合唱团5路话筒，唱了啥都要，一秒"), "request kind=service workload=speech streams=5 latency=1s");
}

TEST(Chinese, DataStaysWhereItIsAloneToBe) {
  EXPECT_EQ(in_answer("录像只准待在上海"), "edit residency=shanghai");
  EXPECT_EQ(in_answer("只放在上海"), "edit only=shanghai");
  EXPECT_EQ(in_words("训练，两张卡，档案一律不得流出上海"), "request kind=job workload=training gpus=2 residency=shanghai");
}

TEST(Chinese, PlacesThatAreLeftOut) {
  EXPECT_EQ(in_answer("metro老是断线，别往那儿放"), "edit not=metro");
  EXPECT_EQ(in_answer("放metro，别的地方不要"), "edit only=metro");
  EXPECT_EQ(in_answer("从metro挪走，放到street-b"), "edit only=street-b not=metro");
  EXPECT_EQ(in_words("训练，两张卡，哪都别去除了宁夏"), "request kind=job workload=training gpus=2 only=ningxia");
  EXPECT_EQ(in_answer("怎么不放metro"), "why not=metro");
}

TEST(Chinese, WhatWasBeforeIsOnlyTold) {
  EXPECT_EQ(in_words("仿真，原本说64核，就48核吧"), "request kind=job workload=simulation cpu=48");
  EXPECT_EQ(in_words("把两百小时的录像转码，4核"), "request kind=job workload=transcoding cpu=4");
}

TEST(Chinese, SomeOfWhatIsThereIsNotTheWhole) {
  EXPECT_EQ(in_answer("撤掉两路"), "edit streams=-2");
  EXPECT_EQ(in_answer("撤掉吧"), "cancel");
  EXPECT_EQ(in_words("gates停了没"), "status target=gates") << "asked, not ordered";
  EXPECT_EQ(in_words("今早那个渲染停了吧"), "cancel workload=rendering");
}

TEST(Chinese, AYesWithAChangeIsAChange) {
  EXPECT_EQ(in_answer("按p90算就行"), "edit pct=90");
  EXPECT_EQ(in_answer("行，就它了"), "accept");
  EXPECT_EQ(in_answer("可以，不过换到宁夏"), "edit only=ningxia");
}

TEST(Chinese, WhetherItIsDone) {
  EXPECT_EQ(in_words("上午交的渲染跑完没有"), "status workload=rendering");
  EXPECT_EQ(in_words("看鸡倒下没有，8路，一秒"), "request kind=service workload=detection streams=8 latency=1s") << "what is looked for";
}

TEST(Chinese, DirectionsWithoutAFigure) {
  EXPECT_EQ(in_answer("价钱能不能往下压一压"), "edit budget=tighten");
  EXPECT_EQ(in_answer("时延再压低一些"), "edit latency=tighten");
  EXPECT_EQ(in_answer("时延不作要求"), "edit latency=none");
  EXPECT_EQ(in_answer("预算贵一半也行"), "edit budget=*1.5");
}

TEST(Chinese, AmountsThatAreJudgedOrTakenBackAreOnlyTold) {
  EXPECT_EQ(in_words("数据库，4核够了，给6核吧"), "request kind=service workload=database cpu=6");
  EXPECT_EQ(in_words("训练，两张卡不够，五张卡"), "request kind=job workload=training gpus=5");
  EXPECT_EQ(in_words("网站，40个实例太多，改成25个"), "request kind=service workload=web instances=25");
  EXPECT_EQ(in_words("渲染，A100没必要，用4090，两张"), "request kind=job workload=rendering gpus=2 model=RTX_4090");
  EXPECT_EQ(in_words("把九十个小时的素材转码，4核"), "request kind=job workload=transcoding cpu=4");
  EXPECT_EQ(in_answer("p95改p90"), "edit pct=90");
  EXPECT_EQ(in_answer("路数从12加到17"), "edit streams=17");
}

TEST(Chinese, WhatMayFailIsNoPlaceToBe) {
  EXPECT_EQ(in_words("数据库，2核，要是贵州停电了能顶上"), "request kind=service workload=database cpu=2");
  EXPECT_EQ(in_words("别放上海，人脸识别，3路，一秒"), "request kind=service workload=detection streams=3 latency=1s not=shanghai") << "a place is not cut";
  EXPECT_EQ(in_words("大门在street-b，那边3路，人脸识别"), "request kind=service workload=detection streams=3 from=street-b:3");
  EXPECT_EQ(in_words("分析，4核，记录一概不得出境"), "request kind=job workload=analysis cpu=4 residency=cn");
}

TEST(Chinese, TimesByWhichThingsAreNeededOrBegin) {
  EXPECT_EQ(in_words("分析，4核，后天开会前要，就是七点三刻之前"), "request kind=job workload=analysis cpu=4 deadline=2026-11-24T07:45");
  EXPECT_EQ(in_words("游戏服，2核，明晚七点开服"), "request kind=service workload=game cpu=2 start=2026-11-23T19:00");
  EXPECT_EQ(in_words("转码，2核，明晚七点开播前"), "request kind=job workload=transcoding cpu=2 deadline=2026-11-23T19:00");
  EXPECT_EQ(in_words("训练，两张卡，跑一整夜"), "request kind=job workload=training gpus=2");
}

TEST(Chinese, AmountsOfMoneyAndTimeAsTheyAreSpoken) {
  EXPECT_EQ(in_words("网站，2核，每天七块五"), "request kind=service workload=web cpu=2 budget=7.5/day");
  EXPECT_EQ(in_words("网站，2核，四个九五"), "request kind=service workload=web cpu=2 avail=99.995%");
  EXPECT_EQ(in_words("数据库，2x 8核16G"), "request kind=service workload=database cpu=8 mem=16Gi instances=2");
  EXPECT_EQ(in_answer("每小时可以给到二十二"), "edit budget=22/hour") << "an amount, and no yes";
  EXPECT_EQ(in_answer("再压二十毫秒"), "edit latency=tighten");
  EXPECT_EQ(in_answer("宽一点也不碍事"), "edit latency=relax");
}

TEST(Chinese, WhoThinksItOverHasNotAgreed) {
  EXPECT_EQ(in_answer("好，我先考虑考虑"), "decline");
  EXPECT_EQ(in_answer("行，回头和家里商量商量"), "decline");
  EXPECT_EQ(in_answer("想好了，就按这个来"), "accept");
}

TEST(Chinese, SheetsAndQuestionsOfTheWorld) {
  EXPECT_EQ(in_words("帮我买两张高铁票"), "other");
  EXPECT_EQ(in_words("不是，训练要两张"), "request kind=job workload=training gpus=2");
  EXPECT_EQ(in_words("gates怎么又挂了"), "why target=gates");
  EXPECT_EQ(in_answer("不要了，我闺女不同意"), "cancel");
  EXPECT_EQ(in_words("8路，发现有人倒地就赶紧报，人脸识别"), "request kind=service workload=detection streams=8") << "soon told, not soon done";
}

}  // namespace
}  // namespace weir::language
