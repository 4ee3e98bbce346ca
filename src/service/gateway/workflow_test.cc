#include <gtest/gtest.h>

#include "core/loop/workflow_stages.h"
#include "orchestration/workflow/planner.h"
#include "service/gateway/event_text.h"
#include "service/gateway/service.h"
#include "service/gateway/test_brain.h"
#include "service/resource/resource.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

const policy::Principal kOperator = policy::principal_of(policy::Role::kOperator, "op");
const policy::Principal kCity = policy::principal_of(policy::Role::kTenant, "city");
const policy::Principal kRival = policy::principal_of(policy::Role::kTenant, "rival");

constexpr const char* kVideo = R"(apiVersion: weir/v1
kind: Workflow
metadata: {name: video, tenant: city}
spec:
  kind: stream
  latency: 300ms
  stages:
    - {name: camera, at: [street]}
    - {name: detect, artifact: detector, port: 9000, cpu: 1, memory: 1Gi, work: 30ms@reference-core, items_per_second: 10}
    - {name: archive, at: [metro]}
  edges:
    - {from: camera, to: detect, rate: 8Mbps, item: 100kB}
    - {from: detect, to: archive, rate: 100kbps, item: 1kB}
)";

class WorkflowTest : public ::testing::Test {
 protected:
  void SetUp() override { brain.build_region(); }
  Result<v1::ApplyResponse> apply(const policy::Principal& who, const std::string& text, bool dry = false) {
    v1::ApplyRequest request;
    request.set_dry_run(dry);
    auto read = resource::parse(text, "f.yaml", {});
    if (!read) return tl::unexpected(read.error());
    for (const auto& item : *read) resource::to_message(item, *request.add_resources());
    Result<v1::ApplyResponse> out;
    service.apply(who, request, [&out](Result<v1::ApplyResponse> answer) { out = std::move(answer); });
    return out;
  }
  Result<v1::GetResponse> get(const policy::Principal& who, const std::string& name,
                              const std::string& tenant = "city") {
    v1::GetRequest request;
    request.set_kind("workflow");
    request.set_name(name);
    request.set_tenant(tenant);
    return service.get(who, request);
  }
  v1::Workflow::Status status() { return get(kOperator, "video")->resource().workflow().status(); }
  std::string explain(const std::string& language = "") {
    v1::ExplainRequest request;
    request.set_language(language);
    request.set_workflow("video");
    request.set_tenant("city");
    const auto answer = service.explain(kOperator, request);
    return answer ? answer->text() : answer.error().text();
  }
  // What the loop does with it.
  void arrange() {
    WorkflowPlanned planned = GraphWorkflowPlanner().plan(*brain.durable(), WorkflowId(0u));
    brain.record("brain", planned);
    if (planned.refused) return;
    const Snapshot graph = brain.durable();
    const WorkflowRow& row = graph->workflow(WorkflowId(0u));
    std::vector<IntentId> intents(row.spec->stages.size());
    intents[1] = IntentId(graph->intent_count());
    brain.record("brain", IntentSubmitted{.intent = intents[1],
                                          .tenant = row.tenant,
                                          .generation = 1,
                                          .spec = stream_stage(*graph, row, 1, intents),
                                          .workflow = WorkflowId(0u),
                                          .stage = "detect"});
    brain.decide();
  }

  TestBrain brain;
  Service service{brain.ports()};
};

TEST_F(WorkflowTest, IsAppliedPlannedShownAndWithdrawn) {
  const auto made = apply(kCity, kVideo);
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(made->results(0).action(), "created");
  EXPECT_EQ(made->results(0).generation(), 1u);
  EXPECT_EQ(status().state(), "pending");
  EXPECT_NE(explain().find("It is being planned."), std::string::npos) << explain();
  EXPECT_EQ(explain("zh"), "city/video，第 1 代：有 3 个阶段的流，待决策\n正在规划。\n");
  EXPECT_EQ(apply(kCity, kVideo)->results(0).action(), "unchanged");

  arrange();
  v1::Workflow::Status shown = status();
  EXPECT_EQ(shown.state(), "planned") << "nothing runs yet";
  ASSERT_EQ(shown.stages_size(), 3);
  EXPECT_EQ(shown.stages(0).state(), "there");
  EXPECT_EQ(shown.stages(1).intent(), "video.detect");
  EXPECT_EQ(shown.stages(1).state(), "placed");
  EXPECT_EQ(shown.stages(1).service_port(), 9000u);
  EXPECT_EQ(shown.quality(), "exact");
  ASSERT_EQ(shown.transfers_size(), 2);
  EXPECT_TRUE(shown.transfers(0).held());
  EXPECT_FALSE(shown.transfers(1).held()) << "at the archive nothing runs that could hold it";
  EXPECT_EQ(shown.critical_path_size(), 3);
  const std::string text = explain();
  EXPECT_NE(text.find("The slowest way: camera -> detect -> archive."), std::string::npos) << text;
  EXPECT_NE(text.find("promised are 300 ms for 99%"), std::string::npos) << text;
  EXPECT_NE(text.find("no plan has a lower one and keeps the promise"), std::string::npos) << text;
  EXPECT_NE(text.find("not reserved, because archive runs nothing"), std::string::npos) << text;
  const std::string chinese = explain("zh");
  for (const char* part : {"city/video，第 1 代：有 3 个阶段的流，已计划\n", "：遵守承诺的方案没有更低的。\n", "；承诺是 99% 不超过 300 ms。最慢的一路：camera -> detect -> archive。\n",
                           "  camera 在 street：本来就在那里\n", "：已放置，每小时 ", "；没有预留，因为 archive 什么也不运行\n"}) {
    EXPECT_NE(chinese.find(part), std::string::npos) << part << " is not in:\n" << chinese;
  }

  for (const RunRow& run : std::vector<RunRow>(brain.durable()->intent(IntentId(0u)).runs)) {
    brain.record("site", RunStateChanged{run.run, IntentId(0u), RunState::kRunning});
  }
  EXPECT_EQ(status().state(), "running");

  v1::DeleteRequest gone;
  gone.set_kind("intent");
  gone.set_name("video.detect");
  gone.set_tenant("city");
  Result<v1::DeleteResponse> answer;
  const auto keep = [&answer](Result<v1::DeleteResponse> one) { answer = std::move(one); };
  service.remove(kCity, gone, keep);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kConflict);
  gone.set_kind("workflow");
  gone.set_name("video");
  service.remove(kRival, gone, keep);
  EXPECT_EQ(answer.error().code, ErrorCode::kNotFound) << "whose it is is nobody else's business";
  service.remove(kCity, gone, keep);
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(status().state(), "withdrawn") << "shown while its stages hold anything";
}

TEST_F(WorkflowTest, IsRefusedWhereItLostItsPlanAndFindsNoOther) {
  ASSERT_TRUE(apply(kCity, kVideo));
  arrange();
  brain.record("brain", WorkflowPlanned{.workflow = WorkflowId(0u), .generation = 1, .refused = true, .why = "no room", .where = "spec.stages[1]"});
  EXPECT_EQ(status().state(), "refused");
  EXPECT_EQ(status().why(), "no room");
  EXPECT_NE(explain("zh").find("找过新方案，没有，最近一次在版本 0（账本所记的原因：no room）（spec.stages[1]）。情况一有缓解就会再试。\n"), std::string::npos) << explain("zh");
  const auto listed = [this](const std::string& filter) {
    v1::ListRequest request;
    request.set_kind("workflows");
    request.set_filter(filter);
    return service.list(kOperator, request);
  };
  EXPECT_EQ(listed("state=refused")->items_size(), 1);
  EXPECT_EQ(listed("state=running")->items_size(), 0);
  EXPECT_EQ(listed("state=up").error().text(),
            "filter: \"up\" is no state of what is of the kind workflow; one of pending, planned, running, refused, finished, withdrawn");
  for (const RunRow& run : std::vector<RunRow>(brain.durable()->intent(IntentId(0u)).runs)) {
    brain.record("site", RunStateChanged{run.run, IntentId(0u), RunState::kRunning});
  }
  EXPECT_EQ(status().state(), "running") << "all of what stood goes on";
  EXPECT_EQ(listed("state=running")->items_size(), 1);
}

TEST_F(WorkflowTest, ALinkWithOneGoodDirectionIsListedAsHalf) {
  const auto listed = [this](const std::string& filter) {
    v1::ListRequest request;
    request.set_kind("links");
    request.set_filter(filter);
    return service.list(kOperator, request)->items_size();
  };
  brain.record("site", LinkStateChanged{LinkId(0u), false, "cut"});
  EXPECT_EQ(listed("state=half"), 1);
  EXPECT_EQ(listed("state=down"), 0);
  EXPECT_EQ(listed("state=up"), 2);
  brain.record("site", LinkStateChanged{LinkId(1u), false, "cut"});
  EXPECT_EQ(listed("state=down"), 1);
}

constexpr const char* kMosaic = R"(apiVersion: weir/v1
kind: Workflow
metadata: {name: video, tenant: city}
spec:
  kind: batch
  stages:
    - {name: detect, artifact: detector, cpu: 1, memory: 1Gi, work: 1m@reference-core}
    - {name: join, artifact: detector, cpu: 1, memory: 1Gi, work: 1m@reference-core, at: [hub]}
  edges:
    - {from: detect, to: join, bytes: 1MB}
)";

TEST_F(WorkflowTest, ABatchThatRunsAnewShowsNothingOfThatBefore) {
  const auto submit = [this](uint32_t generation) {
    const Snapshot graph = brain.durable();
    const WorkflowRow& row = graph->workflow(WorkflowId(0u));
    brain.record("brain", IntentSubmitted{.intent = IntentId(0u), .tenant = row.tenant, .generation = generation,
                                          .spec = batch_stage(*graph, row, 0), .workflow = WorkflowId(0u), .stage = "detect"});
  };
  const auto plan = [this] { brain.record("brain", GraphWorkflowPlanner().plan(*brain.durable(), WorkflowId(0u))); };
  ASSERT_TRUE(apply(kCity, kMosaic));
  plan();
  submit(1);
  brain.record("brain", IntentWithdrawn{IntentId(0u), true});
  EXPECT_EQ(status().stages(0).state(), "finished");
  brain.record("brain", WorkflowWithdrawn{.workflow = WorkflowId(0u)});
  ASSERT_TRUE(apply(kCity, kMosaic));
  plan();
  EXPECT_EQ(status().stages(0).state(), "waiting");
  EXPECT_EQ(status().stages(0).intent(), "");
  submit(2);
  EXPECT_EQ(status().stages(0).state(), "pending");
}

TEST_F(WorkflowTest, WhatMovesOverTooManyLinksIsNotWithinTheSite) {
  ASSERT_TRUE(apply(kCity, kMosaic));
  WorkflowPlanned planned{.workflow = WorkflowId(0u), .generation = 1};
  planned.stages = {{.site = SiteId(1u), .finish_us = 1}, {.site = SiteId(2u), .finish_us = 2}};
  planned.transfers = {{.item = 0, .stage = 1, .arrive_us = 5'000, .bps = 1'000'000}};
  brain.record("brain", planned);
  EXPECT_NE(explain().find("detect -> join: 1Mbps, 5 ms, over more than 64 links"), std::string::npos) << explain();
  planned.stages[0].site = SiteId(2u);
  brain.record("brain", planned);
  EXPECT_NE(explain().find("detect -> join: within the site"), std::string::npos) << explain();
}

TEST_F(WorkflowTest, SaysWhyItIsRefused) {
  std::string text = kVideo;
  text.replace(text.find("cpu: 1,"), 7, "cpu: 900,");
  ASSERT_TRUE(apply(kCity, text));
  arrange();
  EXPECT_EQ(status().state(), "refused");
  EXPECT_EQ(status().where(), "spec.stages[1]");
  EXPECT_NE(status().why().find("no site can hold stage \"detect\""), std::string::npos) << status().why();
  EXPECT_NE(explain().find("There is no plan, last at version"), std::string::npos) << explain();
}

TEST_F(WorkflowTest, BelongsToItsTenant) {
  EXPECT_EQ(apply(kRival, kVideo).error().code, ErrorCode::kDenied);
  ASSERT_TRUE(apply(kCity, kVideo));
  EXPECT_EQ(get(kRival, "video").error().code, ErrorCode::kNotFound);
  v1::ListRequest all;
  all.set_kind("workflows");
  EXPECT_EQ(service.list(kRival, all)->items_size(), 0);
  EXPECT_EQ(service.list(kCity, all)->items_size(), 1);
  v1::ExplainRequest request;
  request.set_workflow("video");
  request.set_tenant("city");
  EXPECT_EQ(service.explain(kRival, request).error().code, ErrorCode::kNotFound);
  request.set_intent("cameras");
  EXPECT_EQ(service.explain(kCity, request).error().code, ErrorCode::kInvalid);
  request.clear_intent();
  request.add_what_if("latency=1s");
  EXPECT_EQ(service.explain(kCity, request).error().code, ErrorCode::kUnsupported);
}

TEST_F(WorkflowTest, UnknownPlacesAreRefusedWhereTheyStand) {
  std::string text = kVideo;
  text.replace(text.find("[street]"), 8, "[stret]");
  const auto refused = apply(kCity, text);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(), "spec.stages[0].at[0]: no site \"stret\"; did you mean street?");
}

TEST_F(WorkflowTest, EventsAreToldInWords) {
  ASSERT_TRUE(apply(kCity, kVideo));
  arrange();
  const Snapshot graph = brain.durable();
  const WorkflowRow& row = graph->workflow(WorkflowId(0u));
  const auto told = [&](EventBody body) { return event_text(*graph, Event{1, "brain", std::move(body)}); };
  EXPECT_EQ(told(WorkflowSubmitted{WorkflowId(0u), TenantId(0u), 1, *row.spec}),
            "Generation 1 of a stream of 3 stages.");
  EXPECT_EQ(told(*row.plan), "Planned: camera at street, detect at " +
                                 graph->site_name(row.plan->stages[1].site) + ", archive at metro.");
  EXPECT_EQ(told(WorkflowPlanned{.workflow = WorkflowId(0u),
                                 .generation = 1,
                                 .refused = true,
                                 .why = "no room",
                                 .where = "spec.stages[1]"}),
            "Refused: no room (spec.stages[1]).");
  EXPECT_EQ(told(WorkflowWithdrawn{.workflow = WorkflowId(0u)}), "The workflow is withdrawn.");
  EXPECT_FALSE(told(WorkflowPlanned{.workflow = WorkflowId(9u), .stages = {{.site = SiteId(99u)}}}).empty());
  const auto told_in_chinese = [&](EventBody body) { return event_text(*graph, Event{1, "brain", std::move(body)}, Language::kChinese); };
  EXPECT_EQ(told_in_chinese(*row.plan), "已规划：camera 在 street，detect 在 " + graph->site_name(row.plan->stages[1].site) + "，archive 在 metro。");
  EXPECT_EQ(told_in_chinese(WorkflowPlanned{.workflow = WorkflowId(0u), .generation = 1, .refused = true, .why = "no room", .where = "spec.stages[1]"}),
            "被拒绝：no room（spec.stages[1]）。");
}

TEST_F(WorkflowTest, EventsAreReadInTheLanguageThatIsAskedFor) {
  ASSERT_TRUE(apply(kCity, kVideo));
  v1::EventsRequest events;
  events.set_language("zh");
  events.add_names("WorkflowSubmitted");
  const auto told = service.events(kOperator, events, 0);
  ASSERT_TRUE(told) << told.error().text();
  ASSERT_EQ(told->events_size(), 1);
  EXPECT_EQ(told->events(0).text(), "第 1 代：有 3 个阶段的流。");
  v1::GetRequest one;
  one.set_kind("event");
  one.set_name(std::to_string(told->events(0).position()));
  EXPECT_EQ(service.get(kOperator, one)->resource().event().text(), "Generation 1 of a stream of 3 stages.");
  one.set_language("zh");
  EXPECT_EQ(service.get(kOperator, one)->resource().event().text(), "第 1 代：有 3 个阶段的流。");
  v1::ListRequest list;
  list.set_kind("events");
  list.set_language("zh");
  EXPECT_EQ(service.list(kOperator, list)->items(0).event().text(), "域创建。");
  for (const char* language : {"fr", "ZH", "zh-CN"}) {
    events.set_language(language);
    EXPECT_EQ(service.check_events(kOperator, events).error().where, "language");
    EXPECT_EQ(service.events(kOperator, events, 0).error().where, "language");
  }
}

template <size_t... kIndex>
std::vector<EventBody> every_body(std::index_sequence<kIndex...>) {
  return {EventBody(std::variant_alternative_t<kIndex, EventKinds>())...};
}

TEST_F(WorkflowTest, EveryEventIsToldInBothLanguagesWhateverItNames) {
  const Snapshot graph = brain.durable();
  for (const EventBody& body : every_body(std::make_index_sequence<std::variant_size_v<EventKinds>>())) {
    const Event event{1, "brain", body};
    const std::string english = event_text(*graph, event), chinese = event_text(*graph, event, Language::kChinese);
    EXPECT_TRUE(english.ends_with(".")) << event.name() << ": " << english;
    EXPECT_TRUE(chinese.ends_with("。")) << event.name() << ": " << chinese;
    EXPECT_EQ(std::find_if(english.begin(), english.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }), english.end()) << english;
  }
}

}  // namespace
}  // namespace weir::gateway
