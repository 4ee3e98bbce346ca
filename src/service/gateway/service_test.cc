#include "service/gateway/service.h"

#include <gtest/gtest.h>

#include "core/units/text.h"
#include "service/gateway/metrics.h"
#include "service/gateway/rest_routes.h"
#include "service/gateway/test_brain.h"
#include "service/resource/resource.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

using policy::Principal;

const Principal kOperator = policy::principal_of(policy::Role::kOperator, "alice");
const Principal kCity = policy::principal_of(policy::Role::kTenant, "city");
const Principal kRival = policy::principal_of(policy::Role::kTenant, "rival");

constexpr const char* kIntent = R"(
apiVersion: weir/v1
kind: Intent
metadata: {name: cameras, tenant: city}
spec:
  from: [{site: street, streams: 4}]
  workload:
    service: {artifact: detector, port: 8080, cpu: "1", memory: 256Mi, streams_per_instance: 2}
    traffic: {up: 2Mbps, down: 50kbps, requests_per_second: "2", work_per_request: 30ms@reference-core}
  promise: {latency: 500ms, percentile: "99"}
)";

class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override { brain.build_region(); }

  v1::ApplyRequest request_of(const std::string& yaml) {
    v1::ApplyRequest out;
    const auto read = resource::parse(yaml, "test.yaml");
    EXPECT_TRUE(read) << read.error().text();
    if (read) {
      for (const auto& item : *read) resource::to_message(item, *out.add_resources());
    }
    return out;
  }
  Result<v1::ApplyResponse> apply(const Principal& who, const v1::ApplyRequest& request) {
    std::optional<Result<v1::ApplyResponse>> out;
    service.apply(who, request, [&out](Result<v1::ApplyResponse> answer) { out = std::move(answer); });
    return *out;
  }
  template <class Request, class Response>
  Result<Response> change(const Principal& who, const Request& request,
                          void (Service::*handler)(const Principal&, const Request&, Service::Reply<Response>)) {
    std::optional<Result<Response>> out;
    (service.*handler)(who, request, [&out](Result<Response> answer) { out = std::move(answer); });
    return *out;
  }
  Result<v1::GetResponse> get(const Principal& who, const std::string& kind, const std::string& name,
                              const std::string& tenant = "") {
    v1::GetRequest request;
    request.set_kind(kind);
    request.set_name(name);
    request.set_tenant(tenant);
    return service.get(who, request);
  }
  Result<v1::ListResponse> list(const Principal& who, const std::string& kind, uint32_t size = 0,
                                const std::string& token = "", const std::string& filter = "") {
    v1::ListRequest request;
    request.set_kind(kind);
    request.set_page_size(size);
    request.set_page_token(token);
    request.set_filter(filter);
    return service.list(who, request);
  }

  TestBrain brain;
  Service service{brain.ports()};
};

TEST_F(ServiceTest, ApplyingTwiceChangesNothing) {
  const auto first = apply(kCity, request_of(kIntent));
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_EQ(first->results(0).action(), "created");
  EXPECT_EQ(first->results(0).generation(), 1u);
  const Position version = brain.durable()->version();
  const auto again = apply(kCity, request_of(kIntent));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->results(0).action(), "unchanged");
  EXPECT_EQ(brain.durable()->version(), version);
  std::string other = kIntent;
  other.replace(other.find("500ms"), 5, "400ms");
  const auto changed = apply(kCity, request_of(other));
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->results(0).action(), "changed");
  EXPECT_EQ(changed->results(0).generation(), 2u);
}

TEST_F(ServiceTest, ADryRunDecidesAndChangesNothing) {
  const Position version = brain.durable()->version();
  v1::ApplyRequest request = request_of(kIntent);
  request.set_dry_run(true);
  const auto answer = apply(kCity, request);
  ASSERT_TRUE(answer) << answer.error().text();
  ASSERT_TRUE(answer->results(0).has_plan());
  EXPECT_EQ(answer->results(0).plan().placements(0).site(), "hub");
  EXPECT_FALSE(answer->results(0).plan().committed());
  EXPECT_EQ(brain.durable()->version(), version);

  std::string impossible = kIntent;
  impossible.replace(impossible.find("500ms"), 5, "2ms");
  request = request_of(impossible);
  request.set_dry_run(true);
  const auto refused = apply(kCity, request);
  ASSERT_TRUE(refused);
  EXPECT_TRUE(refused->results(0).has_refusal());
  ASSERT_GT(refused->results(0).reasons_size(), 0);
  EXPECT_EQ(refused->results(0).reasons(0).substr(0, 7), "No site");
}

TEST_F(ServiceTest, AWholeRegionInOneRequest) {
  const auto answer = apply(kOperator, request_of(R"(
apiVersion: weir/v1
kind: Link
metadata: {name: attic-core}
spec: {between: [attic, core], rate: 1Gbps, delay: 1ms, price: "0.1", availability: 99.9%}
---
apiVersion: weir/v1
kind: Site
metadata: {name: attic}
spec:
  tier: end
  availability: 99.9%
  asks: {core_hour: "0.1", gib_hour: "0.01"}
  power: {idle_per_core: 3W, peak_per_core: 8W, pue: "1.1", carbon: 0.5kgCO2/kWh}
---
apiVersion: weir/v1
kind: Tenant
metadata: {name: village}
spec: {}
)"));
  ASSERT_TRUE(answer) << answer.error().text();
  const Snapshot graph = brain.durable();
  ASSERT_TRUE(graph->find_site("attic").valid());
  const LinkId link = graph->find_link("attic-core");
  ASSERT_TRUE(link.valid());
  EXPECT_EQ(graph->vertex_name(graph->link(link).from), "attic");
  EXPECT_TRUE(graph->find_tenant("village").valid());
}

// In whatever order the request has them.
TEST_F(ServiceTest, AnIntentNamesOthersOfItsRequestAndOfEarlierOnes) {
  const auto named = [](const std::string& name, const std::string& where) {
    std::string text = kIntent;
    text.replace(text.find("name: cameras"), 13, "name: " + name);
    return "---" + text + "  where: {" + where + "}\n";
  };
  const auto answer = apply(kCity, request_of(named("third", "near: [second]") + named("second", "near: [first], apart_from: [aside]") +
                                              named("first", "sites: 1") + named("aside", "sites: 1")));
  ASSERT_TRUE(answer) << answer.error().text();
  const auto shown = get(kCity, "intent", "second", "city");
  ASSERT_TRUE(shown) << shown.error().text();
  EXPECT_EQ(shown->resource().intent().spec().where().near(0), "first");
  EXPECT_EQ(shown->resource().intent().spec().where().apart_from(0), "aside");
  ASSERT_TRUE(apply(kCity, request_of(named("fourth", "near: [third]"))));

  const auto unknown = apply(kCity, request_of(named("fifth", "near: [nobody]")));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(unknown.error().where, "spec.where.near[0]");
  EXPECT_EQ(unknown.error().what, "no intent \"nobody\"");
  const auto circle = apply(kCity, request_of(named("egg", "near: [hen]") + named("hen", "near: [egg]")));
  ASSERT_FALSE(circle);
  EXPECT_EQ(circle.error().code, ErrorCode::kNotFound);
  const auto later = apply(kCity, request_of(named("first", "near: [third]")));
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, ErrorCode::kInvalid) << "third near second near first";
  v1::DeleteRequest gone;
  gone.set_kind("intent");
  gone.set_name("aside");
  gone.set_tenant("city");
  ASSERT_TRUE(change(kCity, gone, &Service::remove));
  EXPECT_EQ(apply(kCity, request_of(named("sixth", "apart_from: [aside]"))).error().code, ErrorCode::kNotFound) << "it was withdrawn";
}

TEST_F(ServiceTest, AllOrNone) {
  const Position version = brain.durable()->version();
  v1::ApplyRequest request = request_of(kIntent);
  v1::Resource bad = request.resources(0);
  bad.mutable_intent()->mutable_metadata()->set_name("second");
  bad.mutable_intent()->mutable_spec()->mutable_from(0)->set_site("strete");
  *request.add_resources() = bad;
  const auto answer = apply(kCity, request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(answer.error().where, "resources[1].spec.from[0].site");
  EXPECT_EQ(answer.error().remedy, "did you mean street?");
  EXPECT_EQ(brain.durable()->version(), version);
}

TEST_F(ServiceTest, ResourcesPerRequestAreBounded) {
  EXPECT_EQ(apply(kCity, {}).error().code, ErrorCode::kInvalid);
  v1::ApplyRequest request;
  for (size_t i = 0; i < kResourcesPerApplyMax + 1; ++i) {
    v1::Tenant& tenant = *request.add_resources()->mutable_tenant();
    tenant.set_api_version("weir/v1");
    tenant.set_kind("Tenant");
    tenant.mutable_metadata()->set_name("t" + std::to_string(i));
  }
  EXPECT_EQ(apply(kOperator, request).error().code, ErrorCode::kInvalid);
  request.mutable_resources()->RemoveLast();
  EXPECT_TRUE(apply(kOperator, request));
}

TEST_F(ServiceTest, AnotherTenantsIntentDoesNotExist) {
  ASSERT_TRUE(apply(kCity, request_of(kIntent)));
  EXPECT_TRUE(get(kCity, "intent", "cameras"));
  EXPECT_TRUE(get(kOperator, "intent", "cameras", "city"));
  const auto seen = get(kRival, "intent", "cameras", "city");
  const auto never = get(kRival, "intent", "nothing", "city");
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(never.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(list(kRival, "intents")->items_size(), 0);
  EXPECT_EQ(list(kCity, "intents")->items_size(), 1);

  v1::ExplainRequest explain;
  explain.set_intent("cameras");
  explain.set_tenant("city");
  EXPECT_EQ(service.explain(kRival, explain).error().code, ErrorCode::kNotFound);
  v1::DeleteRequest remove;
  remove.set_kind("intent");
  remove.set_name("cameras");
  remove.set_tenant("city");
  EXPECT_EQ(change(kRival, remove, &Service::remove).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(apply(kRival, request_of(kIntent)));
  v1::BillRequest bill;
  bill.set_tenant("city");
  EXPECT_EQ(service.bill(kRival, bill).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(change(kCity, remove, &Service::remove));
  EXPECT_EQ(change(kCity, remove, &Service::remove).error().code, ErrorCode::kNotFound);
}

TEST_F(ServiceTest, TenantsSeeThePublicFormOfSites) {
  const auto full = get(kOperator, "site", "metro");
  const auto open = get(kCity, "site", "metro");
  ASSERT_TRUE(full && open);
  EXPECT_EQ(full->resource().site().status().cpu_milli_free(), 4000);
  EXPECT_EQ(open->resource().site().status().cpu_milli_free(), 0);
  EXPECT_EQ(open->resource().site().status().cpu_milli_total(), 4000);
  EXPECT_EQ(list(kCity, "nodes")->items_size(), 0);
  EXPECT_EQ(list(kOperator, "nodes")->items_size(), 3);
}

TEST_F(ServiceTest, WhatMayNotBeSeenIsNotZero) {
  EXPECT_FALSE(get(kOperator, "site", "metro")->resource().site().status().restricted());
  EXPECT_TRUE(get(kCity, "site", "metro")->resource().site().status().restricted());
  EXPECT_FALSE(get(kOperator, "price", "core.metro")->resource().price().restricted());
  EXPECT_TRUE(get(kCity, "price", "core.metro")->resource().price().restricted());
}

TEST_F(ServiceTest, ARunThatIsOverIsStillKnown) {
  ASSERT_TRUE(apply(kCity, request_of(kIntent)));
  brain.decide();
  const Position plan = brain.durable()->intent(IntentId(0u)).active->position;
  const RunId run{plan, 1};
  const std::string name = std::to_string(plan) + ".1";
  brain.record("hub", RunStateChanged{run, IntentId(0u), RunState::kRunning, 0, ""});
  brain.record("hub", RunStateChanged{run, IntentId(0u), RunState::kExited, 3, "it ended"});
  brain.record("tenant/city", IntentWithdrawn{IntentId(0u)});
  brain.record("brain", PlanRetired{IntentId(0u), plan});
  ASSERT_EQ(list(kCity, "runs")->items_size(), 0);
  const auto past = get(kCity, "run", name);
  ASSERT_TRUE(past) << past.error().text();
  const v1::RunView& view = past->resource().run();
  EXPECT_TRUE(view.past());
  EXPECT_EQ(view.state(), v1::RUN_STATE_EXITED);
  EXPECT_EQ(view.exit_code(), 3);
  EXPECT_EQ(view.why(), "it ended");
  EXPECT_EQ(view.site(), "hub");
  EXPECT_EQ(view.node(), "n0");
  EXPECT_EQ(view.streams(), 2);
  EXPECT_EQ(view.intent(), "cameras");
  EXPECT_GT(view.started(), 0);
  EXPECT_GE(view.ended(), view.started());
  EXPECT_GT(view.billed_per_hour_nanocredits(), 0);
  EXPECT_EQ(get(kRival, "run", name).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(get(kCity, "run", std::to_string(plan) + ".2").error().code, ErrorCode::kNotFound);

  v1::LogsRequest request;
  request.set_plan(plan);
  request.set_item(1);
  const auto unattached = service.logs(kCity, request, [](LogPiece) {});
  ASSERT_FALSE(unattached);
  EXPECT_EQ(unattached.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(unattached.error().what.find("the run is over, and what it wrote cannot be asked for: "), 0u);
  EXPECT_EQ(service.logs(kRival, request, [](LogPiece) {}).error().code, ErrorCode::kNotFound);
  Ports ports = brain.ports();
  SiteId asked;
  ports.read_log = [&asked](SiteId site, RunId, uint64_t, bool, uint64_t,
                            const std::function<void(LogPiece)>& piece) -> Result<std::function<void()>> {
    asked = site;
    piece({.offset = 0,
           .data = {},
           .error = Error{ErrorCode::kNotFound, "no run was accepted here"},
           .last = true});
    return [] {};
  };
  Service attached(ports);
  std::optional<Error> said;
  ASSERT_TRUE(attached.logs(kCity, request, [&said](LogPiece piece) { said = piece.error; }));
  EXPECT_EQ(asked, SiteId(2u));
  ASSERT_TRUE(said);
  EXPECT_EQ(said->what, "the run is over, and what it wrote is gone: no run was accepted here");
  EXPECT_EQ(said->where, "run " + name);
  EXPECT_EQ(said->remedy.find("site hub keeps it only while a plan holds the run"), 0u);
}

TEST_F(ServiceTest, AnIntentSaysHowItsRunsFail) {
  ASSERT_TRUE(apply(kCity, request_of(kIntent)));
  brain.decide();
  const Position plan = brain.durable()->intent(IntentId(0u)).active->position;
  const auto why = [&] { return get(kCity, "intent", "cameras")->resource().intent().status().why(); };
  EXPECT_EQ(why(), "");
  const std::string missing = "artifact \"detector\" is not at this site";
  brain.record("hub", RunStateChanged{{plan, 0}, IntentId(0u), RunState::kFailed, 0, missing});
  EXPECT_EQ(why(), "The newest run at hub failed: " + missing + ". It is tried again.");
  v1::ExplainRequest explain;
  explain.set_intent("cameras");
  EXPECT_NE(service.explain(kCity, explain)->text().find("\nThe newest run at hub failed: " + missing),
            std::string::npos);
  EXPECT_EQ(get(kCity, "run", std::to_string(plan) + ".1")->resource().run().why(),
            "before it, a run at hub failed: " + missing);
  brain.record("hub", RunStateChanged{{plan, 1}, IntentId(0u), RunState::kRunning, 0, ""});
  EXPECT_EQ(why(), "");
}

TEST_F(ServiceTest, WhatAPlanThatIsGivenUpStillRunsDoesNotHideAFailure) {
  ASSERT_TRUE(apply(kCity, request_of(kIntent)));
  brain.decide();
  const std::shared_ptr<const CommittedPlan> given_up = brain.durable()->intent(IntentId(0u)).active;
  ASSERT_EQ(given_up->plan.placements.size(), 2u);
  for (size_t i = 0; i < 2; ++i)
    brain.record("hub", RunStateChanged{given_up->run(i), IntentId(0u), RunState::kRunning, 0, ""});
  brain.record("brain", PlanCommitted{given_up->plan});
  const RunId run = brain.durable()->intent(IntentId(0u)).active->run(0);
  ASSERT_NE(run.plan, given_up->position);
  brain.record("hub", RunStateChanged{run, IntentId(0u), RunState::kFailed, 0, "no program"});
  const std::string failure = "The newest run at hub failed: no program. It is tried again.";
  EXPECT_EQ(get(kCity, "intent", "cameras")->resource().intent().status().why(), failure);
  v1::ExplainRequest explain;
  explain.set_intent("cameras");
  const std::string text = service.explain(kCity, explain)->text();
  EXPECT_NE(text.find("\n" + failure + "\n"), std::string::npos) << text;
}

TEST_F(ServiceTest, WhatIsWithdrawnAndAppliedAgainHasNotFailed) {
  ASSERT_TRUE(apply(kCity, request_of(kIntent)));
  brain.decide();
  const std::shared_ptr<const CommittedPlan> before = brain.durable()->intent(IntentId(0u)).active;
  brain.record("hub", RunStateChanged{before->run(0), IntentId(0u), RunState::kRunning, 0, ""});
  brain.record("tenant/city", IntentWithdrawn{IntentId(0u)});
  brain.record("brain", RunStateChanged{before->run(0), IntentId(0u), RunState::kStopping, 0, ""});
  ASSERT_TRUE(apply(kCity, request_of(kIntent)));
  brain.decide();
  brain.record("hub", RunStateChanged{before->run(0), IntentId(0u), RunState::kExited, 143, "stopped"});
  const std::shared_ptr<const CommittedPlan> active = brain.durable()->intent(IntentId(0u)).active;
  ASSERT_TRUE(active);
  EXPECT_EQ(get(kCity, "intent", "cameras")->resource().intent().status().why(), "");
  EXPECT_EQ(get(kCity, "run", std::to_string(active->position) + ".1")->resource().run().why(), "");
  v1::ExplainRequest explain;
  explain.set_intent("cameras");
  EXPECT_EQ(service.explain(kCity, explain)->text().find("143"), std::string::npos);
}

TEST_F(ServiceTest, ReasonsAreInTheLanguageThatIsAskedFor) {
  v1::ApplyRequest request = request_of(kIntent);
  request.set_dry_run(true);
  request.set_language("zh");
  EXPECT_NE(apply(kCity, request)->results(0).plan().reason().find("守得住承诺的方案中最便宜"), std::string::npos);
  ASSERT_TRUE(apply(kCity, request_of(kIntent)));
  brain.decide();
  v1::ExplainRequest explain;
  explain.set_intent("cameras");
  const std::string english = service.explain(kCity, explain)->text();
  explain.set_language("en");
  EXPECT_EQ(service.explain(kCity, explain)->text(), english);
  explain.set_language("zh");
  EXPECT_EQ(service.explain(kCity, explain)->text().find("city/cameras，第 1 代\n"), 0u);
  EXPECT_NE(service.explain(kCity, explain)->plan().reason().find("守得住承诺"), std::string::npos);
  for (const char* language : {"fr", "ZH", "zh-CN"}) {
    explain.set_language(language);
    EXPECT_EQ(service.explain(kCity, explain).error().where, "language");
    v1::ListRequest list;
    list.set_kind("intents");
    list.set_language(language);
    EXPECT_FALSE(service.list(kCity, list));
    request.set_language(language);
    EXPECT_FALSE(apply(kCity, request));
  }
}

TEST_F(ServiceTest, ListsComeInPages) {
  std::vector<std::string> names;
  std::string token;
  do {
    const auto page = list(kOperator, "sites", 2, token);
    ASSERT_TRUE(page);
    for (const auto& item : page->items()) names.push_back(item.site().metadata().name());
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_EQ(names, (std::vector<std::string>{"street", "metro", "hub"}));
  EXPECT_EQ(list(kOperator, "sites", 0, "", "name=hub")->items_size(), 1);
  EXPECT_EQ(list(kOperator, "sites", 0, "", "colour=red").error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(list(kOperator, "sites", kPageSizeMax));
  EXPECT_EQ(list(kOperator, "sites", kPageSizeMax + 1).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(list(kOperator, "castles").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(list(kOperator, "sites", 0, "next").error().code, ErrorCode::kInvalid);
  size_t events = 0;
  do {
    const auto page = list(kOperator, "events", 3, token);
    ASSERT_TRUE(page);
    for (const auto& item : page->items()) EXPECT_EQ(item.event().position(), events++);
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_EQ(events, brain.durable()->version());
}

TEST_F(ServiceTest, PlansRunsAndPricesCanBeSeen) {
  ASSERT_TRUE(apply(kCity, request_of(kIntent)));
  brain.decide();
  const auto intent = get(kCity, "intent", "cameras");
  ASSERT_TRUE(intent);
  EXPECT_EQ(intent->resource().intent().status().state(), "placed");
  const std::string plan = std::to_string(intent->resource().intent().status().plan());
  EXPECT_TRUE(get(kCity, "plan", plan));
  EXPECT_EQ(get(kRival, "plan", plan).error().code, ErrorCode::kNotFound);
  const auto runs = list(kCity, "runs");
  ASSERT_EQ(runs->items_size(), 2);
  EXPECT_EQ(runs->items(0).run().site(), "hub");
  EXPECT_TRUE(get(kCity, "run", plan + ".1"));
  EXPECT_FALSE(get(kCity, "run", plan + ".2"));
  EXPECT_EQ(list(kOperator, "prices")->items_size(), 1 + 3 * 2 + 6);
  brain.record("hub", RunStateChanged{{intent->resource().intent().status().plan(), 0}, IntentId(0u), RunState::kRunning, 0, ""});
  brain.record("hub", RunStateChanged{{intent->resource().intent().status().plan(), 1}, IntentId(0u), RunState::kRunning, 0, ""});
  EXPECT_EQ(get(kCity, "intent", "cameras")->resource().intent().status().state(), "running");
  v1::ExplainRequest explain;
  explain.set_intent("cameras");
  const auto why = service.explain(kCity, explain);
  ASSERT_TRUE(why);
  EXPECT_NE(why->text().find("Why not elsewhere"), std::string::npos);
}

TEST_F(ServiceTest, APlanShowsWhatItsPathsCarried) {
  ASSERT_TRUE(apply(kCity, request_of(kIntent)));
  brain.decide();
  const std::string name =
      std::to_string(get(kCity, "intent", "cameras")->resource().intent().status().plan());
  const v1::PlanView before = get(kCity, "plan", name)->resource().plan();
  ASSERT_GT(before.flows_size(), 0);
  EXPECT_FALSE(before.flows(0).counted()) << "nobody has counted";
  const v1::Flow& flow = before.value().flows(0);
  ASSERT_NE(flow.label_working(), 0u);
  const SiteId from(flow.ingress());
  const SiteId to(before.value().placements(static_cast<int>(flow.placement())).site());
  const auto label = static_cast<uint16_t>(flow.label_working());
  brain.traffic[{from, label}] = {label, 12, 7'400};
  brain.traffic[{to, label}] = {label, 9, 900};
  brain.traffic[{to, static_cast<uint16_t>(label + 1'000)}] = {static_cast<uint16_t>(label + 1'000), 1,
                                                               1};  // another's
  const v1::PlanView after = get(kCity, "plan", name)->resource().plan();
  EXPECT_TRUE(after.flows(0).counted());
  EXPECT_EQ(after.flows(0).sent_packets(), 12u);
  EXPECT_EQ(after.flows(0).sent_bytes(), 7'400u);
  EXPECT_EQ(after.flows(0).returned_packets(), 9u);
  EXPECT_EQ(after.flows(0).returned_bytes(), 900u);

  const auto other = static_cast<uint16_t>(label + 1'000);
  const std::vector<Sample> samples = path_samples(
      *brain.durable(), {{from, {label, 12, 7'400}},
                                  {from, {label, 13, 1}},
                                  {from, {other, 1, 1}},
                                  {SiteId(uint32_t{4'000'000}), {label, 1, 1}}});
  ASSERT_EQ(samples.size(), 2u) << "once, and no label or site that no plan has";
  EXPECT_EQ(samples[0].name, "weir_path_packets_total");
  EXPECT_EQ(samples[0].value, 12);
  EXPECT_EQ(samples[1].name, "weir_path_bytes_total");
  EXPECT_EQ(samples[1].value, 7'400);
  EXPECT_EQ(samples[1].labels[1].second, std::to_string(label));
}

TEST_F(ServiceTest, TokensOpenExactlyTheirRole) {
  EXPECT_EQ(*service.authenticate(brain.token(Role::kTenant, "city")), kCity);
  const std::string good = brain.token(Role::kTenant, "city");
  std::string wrong = good;
  wrong.back() = wrong.back() == 'A' ? 'B' : 'A';
  EXPECT_EQ(service.authenticate(wrong).error().code, ErrorCode::kDenied);
  EXPECT_EQ(service.authenticate("").error().code, ErrorCode::kDenied);
  EXPECT_EQ(service.authenticate("Basic abc").error().code, ErrorCode::kDenied);
  EXPECT_TRUE(service.authenticate(brain.token(Role::kTenant, "city", 100, 99)));
  const auto expired = service.authenticate(brain.token(Role::kTenant, "city", 100, 101));
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code, ErrorCode::kDenied);

  v1::IssueTokenRequest issue;
  issue.set_role(v1::ROLE_TENANT);
  issue.set_subject("rival");
  EXPECT_EQ(change(kCity, issue, &Service::issue_token).error().code, ErrorCode::kDenied);
  const auto issued = change(kOperator, issue, &Service::issue_token);
  ASSERT_TRUE(issued) << issued.error().text();
  EXPECT_EQ(*service.authenticate("Bearer " + issued->bearer()), kRival);
  v1::RevokeTokenRequest revoke;
  revoke.set_token(issued->token());
  ASSERT_TRUE(change(kOperator, revoke, &Service::revoke_token));
  EXPECT_EQ(service.authenticate("Bearer " + issued->bearer()).error().code, ErrorCode::kDenied);
  issue.set_subject("nobody");
  EXPECT_EQ(change(kOperator, issue, &Service::issue_token).error().code, ErrorCode::kNotFound);
  issue.set_join(true);
  issue.set_subject("metro");
  const auto join = change(kOperator, issue, &Service::issue_token);
  ASSERT_TRUE(join);
  EXPECT_EQ(join->bearer().substr(0, 6), "weir1.");
  EXPECT_FALSE(service.authenticate("Bearer " + join->bearer()));
}

TEST_F(ServiceTest, TokensAreListedWithoutTheirSecrets) {
  const TimeUs now = brain.clock.wall_us();
  const std::string good = brain.token(Role::kTenant, "city");
  brain.token(Role::kOperator, "alice", 100, 101);
  brain.record("op", TokenIssued{"1111111111111111", std::string(64, 'b'), true, Role::kProvider, "metro", now + 1});
  brain.record("metro", TokenRedeemed{"1111111111111111", "10.0.0.7 with key k"});
  brain.record("op", TokenIssued{"2222222222222222", std::string(64, 'b'), true, Role::kProvider, "hub", now + 1});
  brain.record("op", TokenRevoked{"2222222222222222"});
  const auto all = list(kOperator, "tokens");
  ASSERT_TRUE(all) << all.error().text();
  ASSERT_EQ(all->items_size(), 4);
  EXPECT_EQ(all->items(0).token().state(), "good");
  EXPECT_EQ(all->items(0).token().role(), v1::ROLE_TENANT);
  EXPECT_EQ(all->items(0).token().subject(), "city");
  EXPECT_EQ(all->items(0).token().issued(), now);
  EXPECT_EQ(all->items(1).token().state(), "expired");
  EXPECT_TRUE(all->items(2).token().join());
  EXPECT_EQ(all->items(2).token().state(), "used");
  EXPECT_EQ(all->items(2).token().used_by(), "10.0.0.7 with key k");
  EXPECT_EQ(all->items(3).token().state(), "revoked");
  const std::string secret = good.substr(good.rfind('.') + 1);
  for (const v1::Resource& item : all->items()) {
    EXPECT_EQ(item.DebugString().find(secret), std::string::npos);
    EXPECT_EQ(item.DebugString().find("bbbbbbbb"), std::string::npos) << "nor its hash";
  }
  EXPECT_EQ(list(kOperator, "tokens", 0, "", "state=used")->items_size(), 1);
  EXPECT_EQ(get(kOperator, "token", "1111111111111111")->resource().token().subject(), "metro");
  EXPECT_EQ(list(kCity, "tokens")->items_size(), 0);
  EXPECT_EQ(get(kCity, "token", "1111111111111111").error().code, ErrorCode::kDenied);
}

TEST_F(ServiceTest, OnlyOperatorsRevokeSites) {
  v1::RevokeSiteRequest request;
  request.set_site("metro");
  EXPECT_EQ(change(kCity, request, &Service::revoke_site).error().code, ErrorCode::kDenied);
  const auto metro = policy::principal_of(policy::Role::kProvider, "metro");
  EXPECT_EQ(change(metro, request, &Service::revoke_site).error().code, ErrorCode::kDenied);
  brain.record("op", TokenIssued{"1111111111111111", std::string(64, 'b'), true, Role::kProvider, "metro", 0});
  brain.record("op", TokenIssued{"2222222222222222", std::string(64, 'b'), true, Role::kProvider, "hub", 0});
  ASSERT_TRUE(change(kOperator, request, &Service::revoke_site));
  const SiteId site = brain.durable()->find_site("metro");
  EXPECT_EQ(brain.durable()->certificates_revoked_until(site), brain.clock.wall_us());
  EXPECT_EQ(brain.durable()->certificates_revoked_until(brain.durable()->find_site("hub")), 0);
  EXPECT_TRUE(brain.durable()->find_token("1111111111111111")->revoked);
  EXPECT_FALSE(brain.durable()->find_token("2222222222222222")->revoked);
  request.set_site("nowhere");
  EXPECT_EQ(change(kOperator, request, &Service::revoke_site).error().code, ErrorCode::kNotFound);
  request.set_why(std::string(513, 'x'));
  EXPECT_EQ(change(kOperator, request, &Service::revoke_site).error().code, ErrorCode::kInvalid);
}

TEST_F(ServiceTest, EventsAreScopedByTenant) {
  ASSERT_TRUE(apply(kCity, request_of(kIntent)));
  v1::EventsRequest request;
  const auto all = service.events(kOperator, request, 0);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->next(), brain.durable()->version());
  EXPECT_EQ(static_cast<Position>(all->events_size()), brain.durable()->version());
  EXPECT_FALSE(all->events(0).record().empty());
  const auto mine = service.events(kCity, request, 0);
  ASSERT_TRUE(mine);
  for (const auto& event : mine->events()) {
    EXPECT_EQ(event.tenant(), "city");
    EXPECT_TRUE(event.record().empty());
  }
  EXPECT_EQ(service.events(kRival, request, 0)->events_size(), 1) << "its own definition";
  request.add_names("IntentSubmitted");
  EXPECT_EQ(service.events(kOperator, request, 0)->events_size(), 1);
  request.add_names("Nonsense");
  EXPECT_EQ(service.check_events(kOperator, request).error().code, ErrorCode::kInvalid);
  request.clear_names();
  request.set_tenant("city");
  EXPECT_FALSE(service.check_events(kRival, request));
  EXPECT_EQ(service.events(kOperator, {}, 1'000'000)->events_size(), 0);
}

// A page ends after so much reading, whoever asks for how little of it.
TEST_F(ServiceTest, APageOfEventsReadsABoundedPartOfTheLedger) {
  const Position most = kStepsPerPageMax * 4096;
  while (brain.durable()->version() < most) brain.record("op", LinkMeasured{LinkId(0u), 1000, 0, 0});
  brain.record("op", TenantDefined{TenantId(0u), "city"});
  v1::ListRequest request;
  request.set_kind("events");
  request.set_tenant("city");
  auto page = service.list(kCity, request);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items_size(), 2) << "found by the history's index";
  EXPECT_EQ(page->next_page_token(), "");

  brain.history_end = 0;
  brain.forget_history();
  page = service.list(kCity, request);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items_size(), 1) << "the tenant's definition at the beginning";
  EXPECT_EQ(page->next_page_token(), std::to_string(most));
  request.set_page_token(page->next_page_token());
  page = service.list(kCity, request);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items_size(), 1);
  EXPECT_EQ(page->next_page_token(), "");
}

// A brain whose tenant runs two instances of its cameras for half an hour.
class BilledTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    for (const char* name : {"cameras", "alarms"}) {
      IntentSpec spec = brain.cameras();
      spec.name = name;
      brain.record("tenant", IntentSubmitted{IntentId(intents++), TenantId(*name == 'c' ? 0u : 1u), 1, spec});
    }
    brain.decide();
    const TimeUs now = brain.clock.wall_us();
    for (uint32_t i = 0; i < intents; ++i) {
      const auto runs = brain.durable()->intent(IntentId(i)).runs;
      for (const RunRow& run : runs) {
        brain.record("site", RunStateChanged{run.run, IntentId(i), RunState::kRunning, 0, ""});
        for (int twice = 0; twice < 2; ++twice) {
          brain.record("site", UsageReported{.run = run.run, .intent = IntentId(i), .from = now, .to = now + kHalfHour, .cpu_us = 7});
        }
      }
    }
    brain.clock.wall = now + kHalfHour;
  }
  static constexpr TimeUs kHalfHour = 1'800'000'000;
  uint32_t intents = 0;
};

TEST_F(BilledTest, ABillAddsUpToWhatThePlanSaidAndIsItsTenantsAlone) {
  const auto mine = service.bill(kCity, {});
  ASSERT_TRUE(mine) << mine.error().text();
  ASSERT_EQ(mine->bills_size(), 1);
  const v1::Bill& bill = mine->bills(0);
  EXPECT_EQ(bill.tenant(), "city");
  EXPECT_EQ(bill.ledger_size(), brain.durable()->version());
  Nanocredits sum = 0;
  for (const v1::BillLine& line : bill.lines()) {
    EXPECT_EQ(line.intent(), "cameras");
    sum += line.amount_nanocredits();
  }
  EXPECT_EQ(bill.total_nanocredits(), sum);
  const Nanocredits per_hour = brain.durable()->intent(IntentId(0u)).active->plan.billed_per_hour;
  EXPECT_NEAR(static_cast<double>(sum), static_cast<double>(per_hour) / 2, static_cast<double>(bill.lines_size()));
  EXPECT_GT(sum, 0);

  v1::BillRequest request;
  request.set_tenant("rival");
  EXPECT_EQ(service.bill(kCity, request).error().code, ErrorCode::kNotFound);
  const auto all = service.bill(kOperator, {});
  ASSERT_EQ(all->bills_size(), 2);
  EXPECT_EQ(all->bills(0).lines_size(), bill.lines_size());
  EXPECT_EQ(all->bills(1).lines(0).intent(), "alarms");
}

TEST_F(BilledTest, ABillThatCannotBeWholeYetIsNotGiven) {
  brain.history_end = 5;
  brain.forget_history();
  EXPECT_EQ(service.bill(kCity, {}).error().code, ErrorCode::kUnavailable);
  brain.history_end = kNoPosition;
  EXPECT_TRUE(service.bill(kCity, {}));
}

TEST_F(BilledTest, RunsShowWhatTheyUsed) {
  v1::ListRequest request;
  request.set_kind("runs");
  const auto runs = service.list(kCity, request);
  ASSERT_TRUE(runs);
  ASSERT_GT(runs->items_size(), 0);
  EXPECT_EQ(runs->items(0).run().cpu_us(), 7) << "what was said twice counts once";
  EXPECT_EQ(runs->items(0).run().started(), brain.clock.wall_us() - kHalfHour);
}

TEST_F(BilledTest, EventsAreFoundByTimeAndTellWhatHadNoEffect) {
  brain.record("op", IntentWithdrawn{IntentId(0u)});
  brain.record("op", IntentWithdrawn{IntentId(0u)});
  v1::EventsRequest request;
  request.set_since(brain.clock.wall_us());
  for (const bool indexed : {true, false}) {
    const auto events = service.events(kCity, request, 0);
    ASSERT_TRUE(events);
    ASSERT_EQ(events->events_size(), 2);
    EXPECT_EQ(events->events(0).text(), "Withdrawn.");
    EXPECT_EQ(events->events(1).text(), indexed ? "Withdrawn. It changed nothing: the intent is withdrawn." : "Withdrawn.");
    EXPECT_EQ(service.events(kRival, request, 0)->events_size(), 0);
    brain.history_end = 0;
    brain.forget_history();
  }
}

TEST_F(ServiceTest, LifetimesBelowASecondAreRefused) {
  v1::IssueTokenRequest issue;
  issue.set_role(v1::ROLE_TENANT);
  issue.set_subject("city");
  for (const int64_t us : {int64_t{1}, int64_t{999'999}}) {
    issue.set_lifetime_us(us);
    EXPECT_EQ(change(kOperator, issue, &Service::issue_token).error().code, ErrorCode::kInvalid) << us;
  }
  issue.set_lifetime_us(1'000'000);
  const auto issued = change(kOperator, issue, &Service::issue_token);
  ASSERT_TRUE(issued) << issued.error().text();
  EXPECT_EQ(issued->expires(), brain.clock.wall + 1'000'000);
}

TEST_F(ServiceTest, DrainAndUndrain) {
  v1::DrainRequest drain;
  drain.set_site("metro");
  EXPECT_EQ(change(kCity, drain, &Service::drain).error().code, ErrorCode::kDenied);
  ASSERT_TRUE(change(kOperator, drain, &Service::drain));
  EXPECT_EQ(brain.durable()->site(SiteId(1u)).state, Liveness::kDraining);
  v1::UndrainRequest undrain;
  undrain.set_site("metro");
  ASSERT_TRUE(change(kOperator, undrain, &Service::undrain));
  EXPECT_EQ(brain.durable()->site(SiteId(1u)).state, Liveness::kUp);
  drain.set_site("mtro");
  EXPECT_EQ(change(kOperator, drain, &Service::drain).error().code, ErrorCode::kNotFound);
}

TEST_F(ServiceTest, TheLedgerProvesARecord) {
  v1::LedgerProofRequest request;
  request.set_position(3);
  const auto answer = service.ledger_proof(kOperator, request);
  ASSERT_TRUE(answer) << answer.error().text();
  const Hash leaf = leaf_hash(std::as_bytes(std::span(answer->record().data(), answer->record().size())));
  Proof proof;
  for (const std::string& bytes : answer->audit_path()) {
    Hash hash;
    std::copy(bytes.begin(), bytes.end(), hash.bytes.begin());
    proof.push_back(hash);
  }
  TreeHead head{answer->size(), {}};
  std::copy(answer->root_sha256().begin(), answer->root_sha256().end(), head.root.bytes.begin());
  EXPECT_TRUE(verify_inclusion(3, leaf, head, proof));
  EXPECT_EQ(service.ledger_proof(kCity, request).error().code, ErrorCode::kDenied);
  request.set_position(1'000'000);
  EXPECT_FALSE(service.ledger_proof(kOperator, request));
}

TEST(Target, DecodesAndRefuses) {
  const auto target = parse_target("/v1/resources/site/a%20b?from=3&x=%2F&flag&&y=");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, (std::vector<std::string>{"v1", "resources", "site", "a b"}));
  EXPECT_EQ(target->query, (std::vector<std::pair<std::string, std::string>>{
                               {"from", "3"}, {"x", "/"}, {"flag", ""}, {"y", ""}}));
  for (const char* bad : {"", "v1", "/v1//x", "/v1/../x", "/v1/%", "/v1/%2", "/v1/%zz", "/v1/%00", "/v1/x%0a", "/"}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
  // JSON is UTF-8, and so is whatever an answer may quote.
  EXPECT_FALSE(parse_target("/v1/\xc0\xaf"));
  EXPECT_FALSE(parse_target("/v1/events?tenant=%ff"));
  EXPECT_TRUE(parse_target("/v1/%E6%88%90%E9%83%BD"));
  EXPECT_TRUE(parse_target("/v1/%41"));
  EXPECT_TRUE(parse_target("/" + std::string(kTargetBytesMax - 1, 'a')));
  EXPECT_FALSE(parse_target("/" + std::string(kTargetBytesMax, 'a')));
}

TEST(Problem, HasTheMembersOfRfc9457AndOurs) {
  const HttpResponse response = problem({ErrorCode::kNotFound, "no \"x\"", "field", "fix\nit"});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"field: no \\\"x\\\"; fix\\nit\","
            "\"code\":\"not-found\",\"what\":\"no \\\"x\\\"\",\"where\":\"field\",\"remedy\":\"fix\\nit\"}");
}

TEST(Problem, QuotesWhatIsNoTextAsText) {
  const HttpResponse response = problem({ErrorCode::kInvalid, "\xc0 is wrong", "a\xff", "\x80"});
  EXPECT_TRUE(valid_utf8(response.body));
  EXPECT_NE(response.body.find("\"what\":\"? is wrong\",\"where\":\"a?\",\"remedy\":\"?\"}"), std::string::npos)
      << response.body;
}

}  // namespace
}  // namespace weir::gateway
