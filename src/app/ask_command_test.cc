// What people ask for in a sentence, and what becomes of it.
#include <boost/json.hpp>
#include <iostream>
#include <sstream>

#include "app/ask_text.h"
#include "app/command_test.h"

namespace weir::app {
namespace {

class AskCommandTest : public CommandTest {};

const char* const kChinese = "需要对street来的12路1080p视频做物体识别，处理时延不超过500ms";

TEST_F(AskCommandTest, PlansASentenceAndChangesNothing) {
  serve();
  const Outcome asked = weir({"ask", kChinese, "--tenant", "city"});
  ASSERT_EQ(asked.code, kExitOk) << asked.error << asked.out;
  for (const char* part : {"理解为：需求", "12路", "物体识别", "detector", "latency: 500ms", "site: street", "方案： 3 个实例", "每小时", "--yes"}) {
    EXPECT_NE(asked.out.find(part), std::string::npos) << part << " in\n" << asked.out;
  }
  EXPECT_EQ(weir({"get", "intents"}).out, "No intents.\n");
}

TEST_F(AskCommandTest, WithoutATenantOfThatNameItShowsTheIntentAndSaysWhoHasToActFirst) {
  serve();
  const Outcome asked = weir({"ask", kChinese, "--tenant", "newcomer"});
  EXPECT_EQ(asked.code, kExitNotFound) << asked.error << asked.out;
  EXPECT_NE(asked.out.find("site: street"), std::string::npos) << asked.out;
  EXPECT_NE(asked.error.find("no tenant \"newcomer\""), std::string::npos) << asked.error;
}

TEST_F(AskCommandTest, AppliesWithYesInEitherLanguage) {
  serve();
  const Outcome chinese = weir({"ask", kChinese, "--tenant", "city", "--yes"});
  ASSERT_EQ(chinese.code, kExitOk) << chinese.error;
  EXPECT_NE(chinese.out.find("意图 city/detection 已建立"), std::string::npos) << chinese.out;
  const Outcome english = weir({"ask", "12 streams of 1080p video from street, objects detected within 500 ms", "--tenant", "city", "--yes", "--name", "english"});
  ASSERT_EQ(english.code, kExitOk) << english.error;
  EXPECT_NE(english.out.find("Intent city/english created"), std::string::npos) << english.out;
  const auto spec = [](const char* name) {
    const std::string yaml = weir({"get", "intent", name, "--tenant", "city", "-o", "yaml"}).out;
    const size_t begin = yaml.find("spec:");
    return yaml.substr(begin, yaml.find("status:") - begin);
  };
  EXPECT_EQ(spec("detection"), spec("english")) << "the same wish";
  // The yaml alone can be applied.
  const Outcome yaml = weir({"ask", kChinese, "--tenant", "city", "-o", "yaml"});
  EXPECT_EQ(yaml.out.find("apiVersion: weir/v1\nkind: Intent\n"), 0u) << yaml.out;
}

TEST_F(AskCommandTest, AsksWhatItCannotAssume) {
  serve();
  const Outcome asked = weir({"ask", "12 streams of detection within 500 ms", "--tenant", "city"});
  EXPECT_EQ(asked.code, kExitQuestion) << asked.out;
  EXPECT_NE(asked.out.find("Question: At which sites do the streams come in?"), std::string::npos) << asked.out;
  EXPECT_EQ(weir({"ask", "12 streams of detection within 500 ms", "--tenant", "city", "--yes"}).code, kExitQuestion);
  const Outcome unknown = weir({"ask", "detection on 6 streams from gate-7", "--tenant", "city"});
  EXPECT_EQ(unknown.code, kExitQuestion) << unknown.out;
  EXPECT_NE(unknown.out.find("No site or region is called \"gate-7\""), std::string::npos) << unknown.out;
  EXPECT_EQ(weir({"ask", "要四块卡", "--tenant", "city"}).code, kExitQuestion);
  EXPECT_EQ(weir({"get", "intents"}).out, "No intents.\n");
}

TEST_F(AskCommandTest, SaysNoToWhatIsNotAboutComputing) {
  serve();
  const Outcome weather = weir({"ask", "今天天气怎么样"});
  EXPECT_EQ(weather.code, kExitUsage);
  EXPECT_NE(weather.out.find("这好像与计算无关"), std::string::npos) << weather.out;
  EXPECT_EQ(weir({"ask", "tell me a joke"}).code, kExitUsage);
  const Outcome empty = weir({"ask", " "});
  EXPECT_EQ(empty.code, kExitUsage);
  EXPECT_NE(empty.error.find("the text: is empty"), std::string::npos) << empty.error;
  EXPECT_NE(weir({"ask", std::string(5'000, 'x')}).error.find("more than 4096"), std::string::npos);
}

TEST_F(AskCommandTest, SaysWhatStandsInTheWay) {
  serve();
  const Outcome asked = weir({"ask", "detection on 4 streams from street, within 1 ms", "--tenant", "city"});
  EXPECT_EQ(asked.code, kExitInfeasible) << asked.out << asked.error;
  EXPECT_NE(asked.out.find("No plan satisfies it now"), std::string::npos) << asked.out;
}

TEST_F(AskCommandTest, AnswersQuestionsChangesAndWithdraws) {
  serve();
  submit();
  const Outcome why = weir({"ask", "why is cameras at metro?"});
  ASSERT_EQ(why.code, kExitOk) << why.error;
  EXPECT_NE(why.out.find("city/cameras"), std::string::npos) << why.out;
  const Outcome supposed = weir({"ask", "如果hub断电了，cameras会怎样"});
  EXPECT_EQ(supposed.code, kExitOk) << supposed.out << supposed.error;
  EXPECT_EQ(weir({"ask", "how is cameras doing"}).code, kExitOk);
  const Outcome where = weir({"ask", "哪里最便宜"});
  ASSERT_EQ(where.code, kExitOk) << where.error;
  EXPECT_LT(where.out.find("hub"), where.out.find("street")) << "the cheapest first\n" << where.out;
  const Outcome price = weir({"ask", "how much is detection on 2 streams from street per hour", "--tenant", "city"});
  EXPECT_EQ(price.code, kExitOk) << price.out << price.error;
  EXPECT_EQ(price.out.find("--yes"), std::string::npos) << "a question changes nothing";

  const Outcome edited = weir({"ask", "set the latency of cameras to 300ms", "--yes"});
  ASSERT_EQ(edited.code, kExitOk) << edited.out << edited.error;
  EXPECT_NE(weir({"get", "intent", "cameras", "--tenant", "city", "-o", "yaml"}).out.find("latency: 300ms"), std::string::npos);

  EXPECT_NE(weir({"ask", "stop cameras"}).out.find("Nothing was changed"), std::string::npos);
  EXPECT_NE(weir({"get", "intents"}).out.find("cameras"), std::string::npos);
  EXPECT_EQ(weir({"ask", "stop everything", "--yes"}).code, kExitQuestion) << "whose?";
  const Outcome stopped = weir({"ask", "stop everything", "--tenant", "city", "--yes"});
  ASSERT_EQ(stopped.code, kExitOk) << stopped.error;
  EXPECT_NE(stopped.out.find("Withdrawn: city/cameras"), std::string::npos) << stopped.out;
}

TEST_F(AskCommandTest, ShowsTheWaysToHaveItAndAppliesTheOneThatIsChosen) {
  serve();
  const Outcome asked = weir({"ask", "detection on 4 streams from street, within 1 ms", "--tenant", "city"});
  EXPECT_EQ(asked.code, kExitInfeasible) << asked.error;
  EXPECT_NE(asked.out.find("What would make it possible"), std::string::npos) << asked.out;
  EXPECT_NE(asked.out.find("slower: It can be had within"), std::string::npos) << asked.out;
  const Outcome unknown = weir({"ask", kChinese, "--tenant", "city", "--strategy", "slower", "--yes"});
  EXPECT_EQ(unknown.code, kExitInfeasible) << unknown.out;
  EXPECT_NE(unknown.error.find("--strategy slower"), std::string::npos) << unknown.error;
  EXPECT_EQ(weir({"get", "intents"}).out, "No intents.\n");
  const Outcome applied = weir({"ask", "detection on 4 streams from street, within 1 ms", "--tenant", "city", "--strategy", "slower", "--yes"});
  EXPECT_EQ(applied.code, kExitOk) << applied.error << applied.out;
  EXPECT_NE(weir({"get", "intents"}).out.find("detection"), std::string::npos);
}

TEST(AskText, ToldOfARehearsalIsWhatHappensInIt) {
  constexpr int64_t kMinute = 60'000'000, kHour = 60 * kMinute;
  EXPECT_EQ(render_rehearsal({}, {}), "");
  v1::Rehearsal one;
  one.set_window_us(4 * kHour);
  one.set_reached_us(4 * kHour);
  one.set_forecast("none");
  EXPECT_EQ(render_rehearsal(one, {}), "Rehearsed, the next 4 h: it does not start.\n");
  one.set_starts(true);
  EXPECT_EQ(render_rehearsal(one, {}, 4), "    Rehearsed, the next 4 h: it starts at once.\n");
  EXPECT_EQ(render_rehearsal(one, {true}), "预演未来 4 小时：立即开始。\n");
  one.set_forecast("rate");
  one.set_arrivals(37);
  one.set_reached_us(kHour * 5 / 2);
  one.set_starts_after_us(12 * kMinute - 1);
  one.set_others_later(2);
  one.set_others_later_us(5 * kMinute);
  one.set_lost_site("hub");
  one.set_repaired(true);
  one.set_repaired_after_us(6'500'000);
  EXPECT_EQ(render_rehearsal(one, {}), "Rehearsed, the next 2.5 h with 37 jobs expected: it starts after 12 min; 2 other\n"
                                       "  jobs start later, one by 5 min or more; without hub it runs again after 7 s.\n");
  EXPECT_EQ(render_rehearsal(one, {true}), "预演未来 2.5 小时，预计来 37 个作业：12 分钟后开始；其他 2 个作业推迟开始，其中\n"
                                           "  一个至少晚 5 分钟；失去 hub 则 7 秒后恢复。\n");
  v1::Wish wish;
  v1::Strategy& slower = *wish.add_strategies();
  slower.set_kind("slower");
  *slower.mutable_rehearsal() = one;
  EXPECT_NE(render_strategies(wish, {}).find("\n    Rehearsed, the next 2.5 h with 37 jobs expected: "), std::string::npos) << render_strategies(wish, {});
  one.set_problem("the domain is too large");
  EXPECT_EQ(render_rehearsal(one, {}), "Not rehearsed: the domain is too large\n");
}

TEST_F(AskCommandTest, ChatsUntilNothingMoreIsSaid) {
  serve();
  const auto chat = [&](const std::string& lines) {
    std::istringstream said(lines);
    std::streambuf* before = std::cin.rdbuf(said.rdbuf());
    const Outcome out = weir({"chat", "--tenant", "city"});
    std::cin.rdbuf(before);
    std::cin.clear();
    return out;
  };
  EXPECT_EQ(chat("").code, kExitOk);
  const Outcome looked = chat("4 streams of detection from street within 500 ms\nwithin 400 ms instead\n");
  EXPECT_EQ(looked.code, kExitOk) << looked.error;
  EXPECT_NE(looked.out.find("Say yes to apply it"), std::string::npos) << looked.out;
  EXPECT_EQ(weir({"get", "intents"}).out, "No intents.\n");

  const Outcome applied = chat("4 streams of detection from street within 500 ms\n\nwithin 400 ms instead\nyes\n");
  EXPECT_EQ(applied.code, kExitOk) << applied.error;
  EXPECT_NE(applied.out.find("Intent city/detection created"), std::string::npos) << applied.out;
  EXPECT_NE(weir({"get", "intent", "detection", "--tenant", "city", "-o", "yaml"}).out.find("latency: 400ms"), std::string::npos);

  const Outcome chosen = chat("speech recognition for 2 streams from street, within 1 ms\nslower\nyes\n");
  EXPECT_NE(chosen.out.find("Intent city/speech created"), std::string::npos) << chosen.out;
  EXPECT_EQ(chosen.out.find("Intent city/speech"), chosen.out.rfind("Intent city/speech")) << "once\n" << chosen.out;
  EXPECT_EQ(chosen.code, kExitQuestion) << "a yes to nothing";

  // What is said after a yes is about what was applied: it is changed, once, and no other is made.
  const Outcome changed = chat("speech recognition for 2 streams from street, within 600 ms\nyes\nhow is it doing\nwithin 700 ms instead\nyes\n");
  EXPECT_EQ(changed.code, kExitOk) << changed.error << changed.out;
  EXPECT_NE(weir({"get", "intent", "speech-2", "--tenant", "city", "-o", "yaml"}).out.find("latency: 700ms"), std::string::npos) << changed.out;
  EXPECT_EQ(weir({"get", "intent", "speech-3", "--tenant", "city"}).code, kExitNotFound);

  // A yes is to all that was offered.
  const Outcome both = chat("2 streams of detection from street within 500 ms; and then speech recognition for 2 streams from street\nyes\n");
  EXPECT_EQ(both.code, kExitOk) << both.error << both.out;
  EXPECT_NE(both.out.find("Intent city/detection-2 created"), std::string::npos) << both.out;
  EXPECT_NE(both.out.find("Intent city/speech-3 created"), std::string::npos) << both.out;

  // What cannot be changed leaves the offer; a no takes it back.
  EXPECT_NE(chat("2 streams of speech recognition from street within 500 ms\nmake it cheaper\ntell me a joke\nyes\n").out.find("Intent city/speech-4 created"), std::string::npos);
  const Outcome refused = chat("2 streams of speech recognition from street within 500 ms\nplease do not apply that\nyes\n");
  EXPECT_EQ(refused.out.find("created"), std::string::npos) << refused.out;
  EXPECT_EQ(refused.code, kExitQuestion);

  EXPECT_NE(chat("stop detection\nno\n").out.find("Nothing was changed"), std::string::npos);
  EXPECT_NE(chat("stop detection\nyes\n").out.find("Withdrawn: city/detection"), std::string::npos);
  EXPECT_EQ(chat(std::string(5'000, 'x') + "\n").code, kExitUsage);
}

TEST_F(AskCommandTest, LearnsFromWhatWasTakenAndHowItWasJudged) {
  serve();
  const auto asked = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"ask", kChinese, "--tenant", "city"});
    return weir(more).out;
  };
  EXPECT_EQ(asked({}).find("类似的往例"), std::string::npos);
  ASSERT_EQ(weir({"ask", kChinese, "--tenant", "city", "--yes"}).code, kExitOk);
  EXPECT_NE(asked({}).find("类似的往例：\n  detection（"), std::string::npos) << asked({});
  EXPECT_NE(asked({}).find("asked *"), std::string::npos) << asked({});
  const Outcome rated = weir({"rate", "city/detection", "bad", "--because", "slow", "--comment", "晚上慢"});
  ASSERT_EQ(rated.code, kExitOk) << rated.error;
  EXPECT_NE(rated.out.find("Recorded: city/detection is bad, slow."), std::string::npos) << rated.out;
  const boost::json::object again = boost::json::parse(weir({"rate", "detection", "bad", "--because", "slow", "--tenant", "city", "-o", "json"}).out).as_object();
  EXPECT_FALSE(again.contains("changed") && again.at("changed").as_bool());
  EXPECT_NE(asked({}).find("评价：不好，太慢"), std::string::npos) << asked({});
  EXPECT_EQ(asked({}).find("asked *"), std::string::npos) << "what would be faster is suggested, or nothing\n" << asked({});
  EXPECT_EQ(asked({"--plain"}).find("类似的往例"), std::string::npos);
  // In words.
  const Outcome words = weir({"ask", "detection works well", "--tenant", "city"});
  EXPECT_EQ(words.code, kExitOk) << words.error << words.out;
  EXPECT_NE(words.out.find("Recorded: city/detection is good."), std::string::npos) << words.out;
  EXPECT_NE(asked({}).find("评价：好"), std::string::npos) << asked({});

  EXPECT_EQ(weir({"rate", "nothing", "good", "--tenant", "city"}).code, kExitNotFound);
  EXPECT_EQ(weir({"rate", "detection", "so-so", "--tenant", "city"}).code, kExitUsage);
  EXPECT_EQ(weir({"rate", "city/detection", "good", "--because", "slow"}).code, kExitUsage);
  EXPECT_EQ(weir({"rate", "city/detection", "bad", "--because", "ugly"}).code, kExitUsage);
  EXPECT_NE(weir({"rate", "--help"}).out.find("weir rate cameras bad --because slow"), std::string::npos);
}

TEST_F(AskCommandTest, ADialogueInJsonIsJsonAloneAndOutlivesTheBrain) {
  serve();
  const auto chat = [&](std::istream& said) {
    std::streambuf* before = std::cin.rdbuf(said.rdbuf());
    const Outcome out = weir({"chat", "--tenant", "city", "-o", "json"});
    std::cin.rdbuf(before);
    std::cin.clear();
    return out;
  };
  std::istringstream both("2 streams of detection from street within 500 ms; and then speech recognition for 2 streams from street\nyes\nstop detection\nyes\n");
  const Outcome applied = chat(both);
  std::vector<boost::json::value> answers;
  for (std::string_view rest = applied.out; rest != "\n" && !rest.empty();) {
    boost::json::stream_parser parser;
    boost::json::error_code failed;
    rest.remove_prefix(parser.write_some(rest.data(), rest.size(), failed));
    ASSERT_TRUE(!failed && parser.done()) << rest;
    answers.push_back(parser.release());
  }
  ASSERT_EQ(answers.size(), 4u) << applied.out;
  ASSERT_EQ(answers[1].at("answers").as_array().size(), 2u);
  EXPECT_EQ(answers[1].at("answers").as_array()[0].at("name").as_string(), "detection");
  EXPECT_EQ(answers[1].at("answers").as_array()[1].at("name").as_string(), "speech");
  EXPECT_NE(weir({"get", "intents"}).out.find("detection"), std::string::npos) << "it is not withdrawn by a program without --yes";

  // The brain goes between two sentences.
  class Going : public std::streambuf {
   public:
    explicit Going(std::function<void()> goes) : goes_(std::move(goes)) {}

   protected:
    int_type underflow() override {
      if (said_ == 1) goes_();
      if (said_++ == 2) return traits_type::eof();
      setg(line_.data(), line_.data(), line_.data() + line_.size());
      return traits_type::to_int_type(*gptr());
    }

   private:
    std::function<void()> goes_;
    std::string line_ = "how is detection doing\n";
    int said_ = 0;
  };
  Going going([&] {
    grpc->stop();
    port->shutdown(1);
  });
  std::istream said(&going);
  const Outcome alone = chat(said);
  EXPECT_EQ(alone.code, exit_code(ErrorCode::kUnavailable)) << "it does not go on as if nothing was known\n" << alone.out << alone.error;
}

TEST_F(AskCommandTest, ATenantReachesNothingOfAnother) {
  serve();
  submit();
  const Outcome other = weir({"ask", "stop cameras", "--context", "street", "--yes"});
  EXPECT_NE(other.code, kExitOk) << other.out;
  EXPECT_NE(weir({"get", "intents"}).out.find("cameras"), std::string::npos);
}

TEST_F(AskCommandTest, DoesWithoutABrain) {
  const Outcome offline = weir({"ask", "--offline", "12 streams of detection from gate-1, within 500 ms", "-o", "yaml"});
  ASSERT_EQ(offline.code, kExitOk) << offline.out << offline.error;
  EXPECT_NE(offline.out.find("site: gate-1\n    streams: 12"), std::string::npos) << offline.out;
  const Outcome job = weir({"ask", "--offline", "train on 2 A100 within two hours", "-o", "yaml"});
  ASSERT_EQ(job.code, kExitOk) << job.error;
  EXPECT_NE(job.out.find("accelerators: 2"), std::string::npos) << job.out;
}

TEST_F(AskCommandTest, JsonIsWellFormedInEveryCase) {
  serve();
  submit();
  for (const char* text : {kChinese, "12 streams of detection", "why is cameras there", "stop cameras", "tell me a \"joke\"", "train; and then a website with 2 instances", "where is it cheapest",
                           "how is cameras doing", "make it cheaper", "if metro fails, what about cameras"}) {
    const Outcome out = weir({"ask", text, "--tenant", "city", "-o", "json"});
    boost::json::error_code failed;
    const boost::json::value value = boost::json::parse(out.out, failed);
    EXPECT_FALSE(failed) << text << "\n" << out.out << out.error;
    if (failed) continue;
    const size_t wishes = value.at("asked").at("wishes").as_array().size();
    EXPECT_GE(wishes, 1u) << text;
    EXPECT_EQ(value.at("answers").as_array().size(), wishes) << text;
  }
}

}  // namespace
}  // namespace weir::app
