// Sentences, as the API answers them.
#include <gtest/gtest.h>

#include "infrastructure/http_client/curl_client.h"
#include "infrastructure/http_client/scripted_server.h"
#include "intelligence/language_endpoint/endpoint.h"
#include "service/gateway/rest_routes.h"
#include "service/gateway/service.h"
#include "orchestration/queue/graph_queue.h"
#include "service/gateway/test_brain.h"
#include "twin/rehearse/rehearse.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

using policy::Principal;

class AskTest : public ::testing::Test {
 protected:
  void SetUp() override { brain.build_region(); }

  static v1::AskRequest saying(const std::vector<std::string>& texts) {
    v1::AskRequest out;
    for (const std::string& text : texts) out.add_dialogue()->set_text(text);
    return out;
  }
  v1::Wish wish(const Principal& who, const v1::AskRequest& request) {
    const auto answer = service.ask(who, request);
    EXPECT_TRUE(answer) << answer.error().text();
    EXPECT_TRUE(!answer || answer->wishes_size() == 1);
    return answer && answer->wishes_size() > 0 ? answer->wishes(0) : v1::Wish();
  }
  Error refused(const v1::AskRequest& request) {
    const auto answer = service.ask(alice, request);
    EXPECT_FALSE(answer);
    return answer ? Error{} : answer.error();
  }
  void apply(const v1::Intent& intent) {
    v1::ApplyRequest request;
    *request.add_resources()->mutable_intent() = intent;
    service.apply(alice, request, [](Result<v1::ApplyResponse> answer) { EXPECT_TRUE(answer) << answer.error().text(); });
  }

  TestBrain brain;
  Service service{brain.ports()};
  const Principal alice = policy::principal_of(policy::Role::kOperator, "alice");
  const Principal city = policy::principal_of(policy::Role::kTenant, "city");
  const Principal rival = policy::principal_of(policy::Role::kTenant, "rival");
};

const char* const kCameras = "4路视频从street进来，做物体识别，500毫秒以内";

TEST_F(AskTest, ASentenceIsPlannedAndChangesNothing) {
  const uint64_t version = brain.durable()->version();
  const v1::Wish asked = wish(city, saying({kCameras}));
  EXPECT_EQ(asked.intent().metadata().tenant(), "city") << "the caller's own";
  ASSERT_TRUE(asked.outcome().has_plan()) << asked.DebugString();
  ASSERT_GT(asked.strategies_size(), 0);
  EXPECT_EQ(asked.strategies(0).kind(), "asked");
  EXPECT_EQ(asked.strategies(0).estimate().billed_per_hour_nanocredits(), asked.outcome().plan().value().billed_per_hour());
  EXPECT_GT(asked.strategies(0).estimate().latency_us(), 0);
  EXPECT_EQ(brain.durable()->version(), version);
}

TEST_F(AskTest, EveryStrategyCanBeApplied) {
  const v1::Wish asked = wish(city, saying({kCameras}));
  for (const v1::Strategy& one : asked.strategies()) {
    v1::ApplyRequest request;
    request.set_dry_run(true);
    *request.add_resources()->mutable_intent() = one.intent();
    service.apply(city, request, [&](Result<v1::ApplyResponse> answer) {
      ASSERT_TRUE(answer) << one.kind() << answer.error().text();
      EXPECT_EQ(answer->results(0).plan().value().billed_per_hour(), one.estimate().billed_per_hour_nanocredits()) << one.kind();
    });
  }
}

TEST_F(AskTest, WhatCannotBeSaysWhatWouldMakeItPossible) {
  const v1::Wish asked = wish(city, saying({"4 streams of detection from street within 1 ms"}));
  EXPECT_TRUE(asked.outcome().has_refusal());
  ASSERT_GT(asked.strategies_size(), 0);
  EXPECT_EQ(asked.strategies(0).kind(), "slower");
  EXPECT_GT(asked.strategies(0).estimate().latency_us(), 1'000);
}

TEST_F(AskTest, AnOperatorSaysForWhom) {
  const v1::Wish asked = wish(alice, saying({kCameras}));
  EXPECT_TRUE(asked.has_intent());
  EXPECT_EQ(asked.problem().where(), "tenant");
  v1::AskRequest named = saying({kCameras});
  named.set_tenant("city");
  EXPECT_TRUE(wish(alice, named).outcome().has_plan());
}

TEST_F(AskTest, TheDialogueIsInTheRequest) {
  const v1::Wish agreed = wish(city, saying({kCameras, "300毫秒以内", "好的"}));
  EXPECT_TRUE(agreed.agreed());
  EXPECT_FALSE(agreed.has_outcome()) << "it is to be applied, not planned again";
  EXPECT_EQ(agreed.intent().spec().promise().latency(), "300ms");
}

TEST_F(AskTest, ATenantIsTheOnlyOneWhoseIntentsItSpeaksOf) {
  v1::Intent cameras = wish(city, saying({kCameras})).intent();
  cameras.mutable_metadata()->set_name("cameras");
  apply(cameras);
  EXPECT_EQ(wish(city, saying({"stop cameras"})).withdrawals_size(), 1);
  EXPECT_EQ(wish(rival, saying({"stop cameras"})).withdrawals_size(), 0);
  EXPECT_EQ(wish(rival, saying({"why is cameras there"})).has_explain(), false);
  v1::AskRequest named = saying({"stop cameras"});
  named.set_tenant("city");
  EXPECT_EQ(wish(rival, named).withdrawals_size(), 0);
  // It has the name for itself, and a dry run for another is refused.
  v1::AskRequest others = saying({kCameras});
  others.set_tenant("city");
  const v1::Wish other = wish(rival, others);
  EXPECT_FALSE(other.has_outcome());
  EXPECT_NE(other.problem().code(), "");
  EXPECT_EQ(other.strategies_size(), 0);
}

TEST_F(AskTest, WhatIsSpokenAboutIsOneOfTheCallersOwn) {
  v1::Intent cameras = wish(city, saying({kCameras})).intent();
  for (const char* name : {"cameras", "doors"}) {
    cameras.mutable_metadata()->set_name(name);
    apply(cameras);
  }
  v1::AskRequest asked = saying({"300毫秒以内"});
  asked.mutable_about()->set_tenant("city");
  asked.mutable_about()->set_name("doors");
  EXPECT_EQ(wish(city, asked).intent().metadata().name(), "doors");
  EXPECT_EQ(wish(city, asked).intent().spec().promise().latency(), "300ms");
  EXPECT_FALSE(wish(rival, asked).has_intent());
}

TEST_F(AskTest, BoundsAreSaid) {
  EXPECT_EQ(refused({}).where, "dialogue");
  std::vector<std::string> texts(32, kCameras);
  EXPECT_TRUE(service.ask(city, saying(texts)));
  texts.push_back(kCameras);
  EXPECT_EQ(refused(saying(texts)).where, "dialogue");
  EXPECT_EQ(refused(saying({std::string(5'000, 'x')})).where, "the text");
  EXPECT_EQ(refused(saying({"  "})).where, "the text");
  EXPECT_EQ(refused(saying({"\xff"})).what, "is not UTF-8");
  v1::AskRequest offset = saying({kCameras});
  offset.set_utc_offset_seconds(18 * 3'600);
  EXPECT_TRUE(service.ask(city, offset));
  offset.set_utc_offset_seconds(18 * 3'600 + 1);
  EXPECT_EQ(refused(offset).where, "utc_offset_seconds");
  const int64_t now_s = brain.ports().clock.wall_us() / 1'000'000;
  v1::AskRequest future = saying({kCameras});
  future.mutable_dialogue(0)->set_unix_seconds(now_s + 300);
  EXPECT_TRUE(service.ask(city, future)) << "a clock may be ahead by so much";
  future.mutable_dialogue(0)->set_unix_seconds(now_s + 302);
  EXPECT_EQ(refused(future).where, "unix_seconds");
  future.mutable_dialogue(0)->set_unix_seconds(INT64_MAX);
  EXPECT_EQ(refused(future).where, "unix_seconds");
  future.mutable_dialogue(0)->set_unix_seconds(-1);
  EXPECT_EQ(refused(future).where, "unix_seconds");
}

Rehearse by_the_twin() {
  return [](const Graph& graph, TimeUs now, const std::vector<IntentSubmitted>& wishes) {
    return twin::rehearse(graph, now, wishes,
                          {.planner = [] { return std::make_unique<JointPlanner>(); },
                           .scheduler = [] { return std::make_unique<queue::GraphQueue>(); },
                           .needs_decision = needs_decision});
  };
}

TEST_F(AskTest, EveryStrategyIsRehearsed) {
  Ports ports = brain.ports();
  ports.rehearse = by_the_twin();
  Service rehearsing(std::move(ports));
  const uint64_t version = brain.durable()->version();
  const auto answer = rehearsing.ask(city, saying({kCameras}));
  ASSERT_TRUE(answer) << answer.error().text();
  ASSERT_GT(answer->wishes(0).strategies_size(), 0);
  for (const v1::Strategy& one : answer->wishes(0).strategies()) {
    const v1::Rehearsal& rehearsal = one.rehearsal();
    EXPECT_EQ(rehearsal.problem(), "") << one.kind();
    EXPECT_EQ(rehearsal.window_us(), 14'400'000'000);
    EXPECT_EQ(rehearsal.reached_us(), rehearsal.window_us());
    EXPECT_EQ(rehearsal.forecast(), "none");
    EXPECT_TRUE(rehearsal.starts());
    EXPECT_EQ(rehearsal.starts_after_us(), 0);
    EXPECT_FALSE(rehearsal.ends()) << "a service stays";
    EXPECT_NEAR(static_cast<double>(rehearsal.billed_nanocredits()), 4.0 * static_cast<double>(one.estimate().billed_per_hour_nanocredits()), 10.0) << one.kind();
    EXPECT_FALSE(rehearsal.lost_site().empty());
  }
  EXPECT_EQ(brain.durable()->version(), version) << "nothing of it comes to be";
  EXPECT_FALSE(wish(city, saying({kCameras})).strategies(0).has_rehearsal()) << "without the port";
}

TEST_F(AskTest, AJobThatHasToWaitIsRehearsedWithoutStrategies) {
  IntentSpec first{.name = "first"};
  first.workload = {.kind = WorkKind::kJob, .artifact = "train", .cpu_milli = 8'000, .memory_mib = 256};
  first.schedule.run_time_us_max = 3'600'000'000;
  brain.record("op", IntentSubmitted{IntentId(0u), TenantId(0u), 1, first});
  brain.decide();
  ASSERT_TRUE(brain.durable()->intent(IntentId(0u)).active);
  Ports ports = brain.ports();
  ports.rehearse = by_the_twin();
  Service rehearsing(std::move(ports));
  const auto answer = rehearsing.ask(city, saying({"a job: video transcoding on 8 cores, 1 hour"}));
  ASSERT_TRUE(answer) << answer.error().text();
  const v1::Wish& one = answer->wishes(0);
  ASSERT_TRUE(one.outcome().has_waiting()) << one.DebugString();
  EXPECT_EQ(one.strategies_size(), 0);
  EXPECT_TRUE(one.rehearsal().starts()) << one.rehearsal().DebugString();
  EXPECT_GT(one.rehearsal().starts_after_us(), 3'000'000'000) << "when the first has ended";
}

TEST_F(AskTest, AllOfAQuestionAreRehearsedAtOnceUpToABound) {
  std::vector<size_t> asked;
  Ports ports = brain.ports();
  ports.rehearse = [&asked](const Graph&, TimeUs, const std::vector<IntentSubmitted>& wishes) {
    asked.push_back(wishes.size());
    std::vector<Rehearsal> out(wishes.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] = {.window_us = static_cast<TimeUs>(i + 1), .problem = "too large"};
    return out;
  };
  Service counting(std::move(ports));
  const auto rehearsed = [&](const v1::AskResponse& answer) {
    size_t ways = 0, with = 0;
    for (const v1::Wish& one : answer.wishes()) {
      for (const v1::Strategy& way : one.strategies()) {
        ++ways;
        if (!way.has_rehearsal()) continue;
        EXPECT_EQ(way.rehearsal().window_us(), static_cast<int64_t>(++with)) << "in their order";
        EXPECT_EQ(way.rehearsal().problem(), "too large");
      }
    }
    return std::pair(ways, with);
  };
  const auto one = counting.ask(city, saying({kCameras}));
  ASSERT_TRUE(one);
  const auto [ways, with] = rehearsed(*one);
  EXPECT_GT(ways, 0u);
  EXPECT_EQ(with, std::min(ways, kRehearsalsMax));
  EXPECT_EQ(asked, std::vector<size_t>{with});
  asked.clear();
  std::string many = "1 stream of detection from street within 500 ms";
  for (int i = 0; i < 3; ++i) many += "; and then speech recognition for 1 stream from street; and then detection for 1 stream from street within 400 ms";
  const auto several = counting.ask(city, saying({many}));
  ASSERT_TRUE(several);
  const auto [all_ways, all_with] = rehearsed(*several);
  EXPECT_GT(all_ways, kRehearsalsMax) << several->wishes_size();
  EXPECT_EQ(all_with, std::min(all_ways, kRehearsalsMax));
  EXPECT_EQ(asked, std::vector<size_t>{all_with});
  asked.clear();
  ASSERT_TRUE(counting.ask(city, saying({"where is it cheapest?"})));
  EXPECT_TRUE(asked.empty()) << "there is nothing to rehearse";
}

TEST_F(AskTest, WithoutWhatUnderstandsItSaysSo) {
  Ports ports = brain.ports();
  ports.understand = {};
  Service deaf(ports);
  const auto answer = deaf.ask(city, saying({kCameras}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnsupported);
}

TEST_F(AskTest, OverHttp) {
  HttpRequest http{.method = "POST", .target = "/v1/ask", .authorization = brain.token(Role::kTenant, "city"), .content_type = "application/json", .last_event_id = {},
                   .body = R"({"dialogue": [{"text": "4 streams of detection from street within 500 ms"}]})"};
  const Routed routed = route(service, http);
  const auto* answer = std::get_if<Answer>(&routed);
  ASSERT_NE(answer, nullptr);
  answer->begin([](const HttpResponse& response) {
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_NE(response.body.find("\"act\":\"request\""), std::string::npos) << response.body;
    EXPECT_NE(response.body.find("\"strategies\":"), std::string::npos) << response.body;
  });
  http.body = R"({"dialogue": "no list"})";
  const Routed bad = route(service, http);
  ASSERT_TRUE(std::holds_alternative<HttpResponse>(bad));
  EXPECT_EQ(std::get<HttpResponse>(bad).status, 400);
}

// An endpoint that is spoken to over a socket: helps, sends nonsense, is silent, and is gone.
TEST_F(AskTest, AnEndpointHelpsAndIsNotNeeded) {
  const auto reply = [](const std::string& content) {
    std::string escaped;
    for (const char c : content) escaped += c == '"' ? "\\\"" : std::string(1, c);
    return ScriptedServer::reply(200, R"({"choices":[{"message":{"role":"assistant","content":")" + escaped + R"("}}]})", "Content-Type: application/json\r\n");
  };
  ScriptedServer server({reply(R"({"wishes":[{"act":"request","words":"geese","fields":[{"field":"workload","words":"geese","name":"detection","change":"set"}]}]})"),
                         reply(R"({"wishes":[{"act":"accept","words":"ducks","fields":[]}]})"), ScriptedServer::reply(503, "busy"), ""});
  CurlClient http;
  language::Endpoint endpoint({.base = server.url("/v1"), .model = "small", .authorization = [] { return std::string("Bearer key"); }, .timeout_us = 300'000}, http, brain.clock);
  Ports ports = brain.ports();
  ports.understand = language::understand_with(nullptr, endpoint);
  Service helped(std::move(ports));
  const auto act = [&](const std::string& text) {
    const auto answer = helped.ask(city, saying({text}));
    EXPECT_TRUE(answer) << answer.error().text();
    return answer && answer->wishes_size() == 1 ? answer->wishes(0).act() : "";
  };
  const uint64_t version = brain.durable()->version();
  EXPECT_EQ(act("the geese on the pond want counting"), "request");
  EXPECT_EQ(act("the ducks on the pond want counting"), "other") << "it may agree to nothing";
  EXPECT_EQ(act("the swans on the pond want counting"), "other") << "a failure";
  EXPECT_EQ(act("the coots on the pond want counting"), "other") << "silence";
  EXPECT_EQ(act(kCameras), "request") << "what rules understand needs nobody";
  EXPECT_EQ(act("the geese on the pond want counting"), "request") << "remembered";
  EXPECT_EQ(brain.durable()->version(), version);
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 4u);
  EXPECT_TRUE(asked[0].starts_with("POST /v1/chat/completions HTTP/1.1\r\n")) << asked[0];
  EXPECT_NE(asked[0].find("Authorization: Bearer key\r\n"), std::string::npos);
  EXPECT_EQ(asked[0].find("metro"), std::string::npos) << "names that nobody said";
  const language::EndpointCounts counts = endpoint.counts();
  EXPECT_EQ(counts.answered, 1u);
  EXPECT_EQ(counts.refused, 1u);
  EXPECT_EQ(counts.failed, 2u);
}

}  // namespace
}  // namespace weir::gateway
