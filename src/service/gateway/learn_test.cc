// What is kept of dialogues, and what is made of it when the same tenant asks again.
#include <gtest/gtest.h>

#include "core/graph/checkpoint.h"
#include "service/gateway/rest_routes.h"
#include "service/gateway/service.h"
#include "service/gateway/test_brain.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

using policy::Principal;

const char* const kCameras = "4 streams of detection from street within 500 ms";
// What tries to be more than text.
const char* const kHostile = "<script>alert(1)</script>'; DROP TABLE events;-- \x1b[31m";

class LearnTest : public ::testing::Test {
 protected:
  void SetUp() override { brain.build_region(); }

  v1::Wish ask(const Principal& who, const std::string& text, bool plain = false, const std::string& tenant = "") {
    v1::AskRequest request;
    request.add_dialogue()->set_text(text);
    request.set_plain(plain);
    request.set_tenant(tenant);
    const auto answer = service.ask(who, request);
    EXPECT_TRUE(answer) << answer.error().text();
    return answer && answer->wishes_size() > 0 ? answer->wishes(0) : v1::Wish();
  }
  // Applies it under this name, and decides.
  v1::Intent apply(v1::Intent intent, const std::string& name) {
    intent.mutable_metadata()->set_name(name);
    v1::ApplyRequest request;
    *request.add_resources()->mutable_intent() = intent;
    service.apply(city, request, [](Result<v1::ApplyResponse> answer) { EXPECT_TRUE(answer) << answer.error().text(); });
    brain.decide();
    return intent;
  }
  static v1::RecordDialogueRequest ended(const char* end, const v1::Intent& intent, const std::string& taken = "") {
    v1::RecordDialogueRequest out;
    out.add_said(kCameras);
    out.set_language("en");
    out.set_end(end);
    v1::DialogueOutcome& outcome = *out.add_outcomes();
    *outcome.mutable_intent() = intent;
    outcome.set_work("detection");
    for (const char* kind : {"asked", "fastest", "cleanest", "safest"}) outcome.add_offered(kind);
    outcome.set_taken(taken);
    return out;
  }
  Result<v1::RecordDialogueResponse> record(const Principal& who, const v1::RecordDialogueRequest& request, Service& by) {
    Result<v1::RecordDialogueResponse> out = fail(ErrorCode::kInternal, "no answer");
    by.record_dialogue(who, request, [&out](Result<v1::RecordDialogueResponse> answer) { out = std::move(answer); });
    return out;
  }
  Result<v1::RecordDialogueResponse> record(const Principal& who, const v1::RecordDialogueRequest& request) { return record(who, request, service); }
  Result<v1::RateResponse> rate(const Principal& who, const std::string& intent, const std::string& verdict, const std::string& because = "",
                                const std::string& comment = "", const std::string& tenant = "") {
    v1::RateRequest request;
    request.set_intent(intent);
    request.set_tenant(tenant);
    request.set_verdict(verdict);
    request.set_because(because);
    request.set_comment(comment);
    Result<v1::RateResponse> out = fail(ErrorCode::kInternal, "no answer");
    service.rate(who, request, [&out](Result<v1::RateResponse> answer) { out = std::move(answer); });
    return out;
  }
  static std::string suggested(const v1::Wish& wish) {
    for (const v1::Strategy& one : wish.strategies()) {
      if (!one.suggested().empty()) return one.kind() + ": " + one.suggested();
    }
    return "";
  }
  std::string events(const Principal& who) {
    v1::EventsRequest request;
    request.add_names("DialogueHeld");
    request.add_names("IntentRated");
    std::string out;
    for (uint64_t next = 0; next < brain.durable_end();) {
      const auto answer = service.events(who, request, next);
      EXPECT_TRUE(answer);
      if (!answer) break;
      for (const v1::EventView& one : answer->events()) out += one.subject() + ": " + one.text() + "\n";
      next = answer->next();
    }
    return out;
  }

  TestBrain brain;
  Service service{brain.ports()};
  const Principal alice = policy::principal_of(policy::Role::kOperator, "alice");
  const Principal city = policy::principal_of(policy::Role::kTenant, "city");
  const Principal rival = policy::principal_of(policy::Role::kTenant, "rival");
  const Principal provider = policy::principal_of(policy::Role::kProvider, "street");
};

TEST_F(LearnTest, WhatWasTakenIsShownWithWhatCameOfItAndShapesWhatIsAssumed) {
  v1::Intent intent = ask(city, kCameras).intent();
  intent.mutable_spec()->mutable_workload()->mutable_service()->set_memory("300Mi");
  apply(intent, "gates");
  ASSERT_TRUE(record(city, ended("taken", apply(intent, "gates"), "asked")));
  const IntentId id = brain.durable()->find_intent("city", "gates");
  brain.record("street", PromiseMeasured{.intent = id, .ingress = SiteId(0u), .samples = 1'000, .misses = 8});
  ASSERT_TRUE(rate(city, "gates", "good"));
  const v1::Wish again = ask(city, kCameras);
  ASSERT_EQ(again.past_size(), 1) << again.DebugString();
  EXPECT_EQ(again.past(0).intent().name(), "gates");
  EXPECT_EQ(again.past(0).state(), "planned");
  EXPECT_EQ(again.past(0).likeness_permille(), 1'000);
  EXPECT_EQ(again.past(0).verdict(), "good");
  EXPECT_EQ(again.past(0).missed(), 8);
  EXPECT_GT(again.past(0).billed_per_hour_nanocredits(), 0);
  EXPECT_NE(again.past(0).text().find("kept its promise 99.2 %"), std::string::npos) << again.past(0).text();
  EXPECT_EQ(again.intent().spec().workload().service().memory(), "300Mi");
  EXPECT_EQ(suggested(again), "asked: you took it for gates and said that it was good");
  ASSERT_TRUE(rate(city, "gates", "bad", "slow"));
  const v1::Wish turned = ask(city, kCameras);
  EXPECT_EQ(turned.intent().spec().workload().service().memory(), "256Mi") << "what went badly is not repeated";
  EXPECT_EQ(suggested(turned), "fastest: you said of gates: too slow");
}

TEST_F(LearnTest, NobodyElseSeesIt) {
  apply(ask(city, kCameras).intent(), "gates");
  const v1::Intent intent = ask(city, kCameras).intent();
  ASSERT_TRUE(record(city, ended("declined", intent)));
  ASSERT_TRUE(rate(city, "gates", "bad", "dear", "SECRET"));
  EXPECT_EQ(ask(city, kCameras).past_size(), 2);
  EXPECT_EQ(ask(rival, kCameras).past_size(), 0);
  EXPECT_EQ(ask(rival, kCameras, false, "city").past_size(), 0) << "by another's name";
  EXPECT_EQ(ask(alice, kCameras, false, "city").past_size(), 2) << "the operator keeps the ledger";
  EXPECT_NE(events(city).find("SECRET"), std::string::npos);
  EXPECT_EQ(events(rival), "");
  EXPECT_EQ(events(provider), "");
  EXPECT_EQ(rate(rival, "gates", "good").error().code, ErrorCode::kNotFound);
  const auto others = rate(rival, "gates", "good", "", "", "city");
  ASSERT_FALSE(others);
  EXPECT_EQ(others.error().code, rate(rival, "nothing", "good", "", "", "city").error().code) << "asking finds nothing out";
  v1::RecordDialogueRequest forged = ended("declined", intent);
  forged.set_tenant("city");
  EXPECT_FALSE(record(rival, forged));
  EXPECT_FALSE(record(provider, forged));
  // What an offer speaks of is not looked up among what others have.
  v1::Intent prying = intent;
  prying.mutable_metadata()->set_tenant("city");
  const auto there = record(rival, ended("declined", prying));
  ASSERT_FALSE(there);
  EXPECT_EQ(there.error().code, ErrorCode::kDenied);
  EXPECT_EQ(brain.durable()->past(brain.durable()->find_tenant("rival")).cases.size(), 0u);
}

TEST_F(LearnTest, WithLearningSwitchedOffNothingIsRecordedOrShown) {
  const v1::Intent intent = ask(city, kCameras).intent();
  ASSERT_TRUE(record(city, ended("declined", intent)));
  const v1::Wish with = ask(city, kCameras), plain = ask(city, kCameras, true);
  EXPECT_EQ(with.past_size(), 1);
  EXPECT_EQ(plain.past_size(), 0);
  Ports ports = brain.ports();
  ports.learning = false;
  Service off(ports);
  v1::AskRequest request;
  request.add_dialogue()->set_text(kCameras);
  const auto answer = off.ask(city, request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->wishes(0).past_size(), 0);
  EXPECT_EQ(answer->wishes(0).SerializeAsString(), plain.SerializeAsString());
  const uint64_t version = brain.durable()->version();
  const auto unrecorded = record(city, ended("declined", intent), off);
  ASSERT_TRUE(unrecorded);
  EXPECT_FALSE(unrecorded->recorded());
  EXPECT_EQ(brain.durable()->version(), version);
}

TEST_F(LearnTest, WhatIsRememberedOutlivesTheBrain) {
  apply(ask(city, kCameras).intent(), "gates");
  ASSERT_TRUE(record(city, ended("taken", ask(city, kCameras).intent(), "fastest")).has_value() == false) << "no intent has that name";
  v1::Intent gates = ask(city, kCameras).intent();
  gates.mutable_metadata()->set_name("gates");
  ASSERT_TRUE(record(city, ended("taken", gates, "fastest")));
  ASSERT_TRUE(rate(city, "gates", "good"));
  // From the ledger alone, and from a checkpoint.
  Graph replayed;
  ASSERT_TRUE(brain.read(0, brain.durable_end(), [&](Position, Bytes record) -> Status {
    (void)replayed.apply(*decode(record));
    return {};
  }));
  EXPECT_EQ(encode_graph(replayed), encode_graph(*brain.durable()));
  const auto restored = decode_graph(encode_graph(*brain.durable()));
  ASSERT_TRUE(restored);
  ASSERT_EQ(restored->past(TenantId(0u)).cases.size(), 1u);
  EXPECT_EQ(restored->past(TenantId(0u)).cases[0]->way, "fastest");
  EXPECT_EQ(restored->past(TenantId(0u)).cases[0]->opinion, Opinion::kGood);
}

TEST_F(LearnTest, WhatWasSaidIsTextAndNothingElse) {
  v1::RecordDialogueRequest request = ended("left", ask(city, kCameras).intent());
  request.set_said(0, kHostile);
  ASSERT_TRUE(record(city, request));
  EXPECT_NE(events(city).find(kHostile), std::string::npos);
  request.set_said(0, std::string(4'096, 'x'));
  request.add_said(std::string(4'096, 'y'));
  ASSERT_TRUE(record(city, request)) << "of 10,000 characters the first are kept";
  const std::string all = events(city);
  EXPECT_NE(all.find(std::string(1'024, 'x')), std::string::npos);
  EXPECT_EQ(all.find('y', all.find("xxxx")), std::string::npos);
  request.set_said(0, std::string(4'097, 'x'));
  EXPECT_EQ(record(city, request).error().where, "said");
  apply(ask(city, kCameras).intent(), "gates");
  ASSERT_TRUE(rate(city, "gates", "bad", "other", std::string(512, 'c')));
  EXPECT_EQ(rate(city, "gates", "bad", "other", std::string(513, 'c')).error().where, "comment");
  EXPECT_FALSE(rate(city, kHostile, "good"));
}

TEST_F(LearnTest, BoundsAreSaid) {
  const v1::Intent intent = ask(city, kCameras).intent();
  const auto where = [&](auto&& change) {
    v1::RecordDialogueRequest request = ended("left", intent);
    change(request);
    const auto answer = record(city, request);
    return answer ? std::string("none") : answer.error().where;
  };
  EXPECT_EQ(where([](auto&) {}), "none");
  EXPECT_EQ(where([](auto& r) { r.clear_said(); }), "said");
  EXPECT_EQ(where([](auto& r) { while (r.said_size() < 32) r.add_said("x"); }), "none");
  EXPECT_EQ(where([](auto& r) { while (r.said_size() < 33) r.add_said("x"); }), "said");
  EXPECT_EQ(where([](auto& r) { r.clear_outcomes(); }), "outcomes");
  EXPECT_EQ(where([](auto& r) { while (r.outcomes_size() < 32) *r.add_outcomes() = r.outcomes(0); }), "none");
  EXPECT_EQ(where([](auto& r) { while (r.outcomes_size() < 33) *r.add_outcomes() = r.outcomes(0); }), "outcomes");
  EXPECT_EQ(where([](auto& r) { r.set_language("fr"); }), "language");
  EXPECT_EQ(where([](auto& r) { r.set_end("lost"); }), "end");
  v1::RecordDialogueRequest nobodys = ended("left", intent);
  nobodys.set_tenant("nobody");
  EXPECT_EQ(record(alice, nobodys).error().where, "tenant");
  EXPECT_EQ(where([](auto& r) { r.mutable_outcomes(0)->set_work("de tection"); }), "outcomes[0].work");
  EXPECT_EQ(where([](auto& r) { r.mutable_outcomes(0)->set_work(std::string(64, 'a')); }), "outcomes[0].work");
  EXPECT_EQ(where([](auto& r) { while (r.outcomes(0).offered_size() < 16) r.mutable_outcomes(0)->add_offered("x"); }), "none");
  EXPECT_EQ(where([](auto& r) { while (r.outcomes(0).offered_size() < 17) r.mutable_outcomes(0)->add_offered("x"); }), "outcomes[0].offered");
  EXPECT_EQ(where([](auto& r) { r.mutable_outcomes(0)->set_taken("asked"); }), "outcomes[0].taken");
  EXPECT_EQ(where([](auto& r) { r.set_end("taken"); }), "outcomes[0].intent");
  EXPECT_EQ(rate(city, "gates", "fine").error().where, "verdict");
  EXPECT_EQ(rate(city, "gates", "good", "slow").error().where, "because");
  EXPECT_EQ(rate(city, "gates", "bad", "ugly").error().where, "because");
  EXPECT_EQ(rate(city, "gates", "bad").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(rate(alice, "gates", "bad").error().where, "tenant");
}

TEST_F(LearnTest, AFloodIsRefusedAndWhatWasDoneStands) {
  const v1::Intent intent = ask(city, kCameras).intent();
  int recorded = 0;
  Error refused;
  for (int i = 0; i < 2 * kRecordsPerHourMax; ++i) {
    const auto answer = record(city, ended("left", intent));
    if (answer) ++recorded;
    else refused = answer.error();
  }
  EXPECT_EQ(recorded, kRecordsPerHourMax);
  EXPECT_EQ(refused.code, ErrorCode::kExhausted);
  EXPECT_TRUE(ask(city, kCameras).outcome().has_plan()) << "asking goes on";
  brain.clock.wall += kHourOfRecordsUs;
  EXPECT_TRUE(record(city, ended("left", intent)));
}

TEST_F(LearnTest, AVerdictInWordsIsACallOfItsOwn) {
  apply(ask(city, kCameras).intent(), "gates");
  v1::AskRequest request;
  request.add_dialogue()->set_text("太贵了");
  request.mutable_about()->set_tenant("city");
  request.mutable_about()->set_name("gates");
  const uint64_t version = brain.durable()->version();
  const auto answer = service.ask(city, request);
  ASSERT_TRUE(answer);
  ASSERT_GT(answer->wishes_size(), 0);
  EXPECT_EQ(answer->wishes(0).rating().because(), "dear");
  EXPECT_EQ(brain.durable()->version(), version) << "asking changes nothing";
  v1::RateRequest rating = answer->wishes(0).rating();
  service.rate(city, rating, [](Result<v1::RateResponse> rated) {
    ASSERT_TRUE(rated) << rated.error().text();
    EXPECT_TRUE(rated->changed());
    EXPECT_EQ(rated->generation(), 1u);
  });
  EXPECT_EQ(brain.durable()->past(TenantId(0u)).cases[0]->blame, Blame::kDear);
  const auto same = rate(city, "gates", "bad", "dear");
  ASSERT_TRUE(same);
  EXPECT_FALSE(same->changed());
}

TEST_F(LearnTest, OverHttp) {
  apply(ask(city, kCameras).intent(), "gates");
  HttpRequest http{.method = "POST", .target = "/v1/intents/gates/verdict", .authorization = brain.token(Role::kTenant, "city"), .content_type = "application/json",
                   .last_event_id = {}, .body = R"({"verdict": "bad", "because": "slow"})"};
  const auto status = [&] {
    const Routed routed = route(service, http);
    int out = 0;
    if (const auto* answer = std::get_if<Answer>(&routed)) answer->begin([&out](const HttpResponse& response) { out = response.status; });
    else out = std::get<HttpResponse>(routed).status;
    return out;
  };
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(brain.durable()->past(TenantId(0u)).cases.size(), 1u);
  http.body = R"({"verdict": "so so"})";
  EXPECT_EQ(status(), 400);
  http.target = "/v1/dialogues";
  http.body = R"({"said": ["hello"], "language": "en", "end": "taken", "outcomes": [{"intent": {"metadata": {"name": "gates"}}, "work": "detection", "offered": ["asked"], "taken": "asked"}]})";
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(brain.durable()->past(TenantId(0u)).cases[0]->way, "asked");
}

}  // namespace
}  // namespace weir::gateway
