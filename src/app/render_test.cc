// What people see: names as long as they may be, in 80 columns; and the same for programs.
#include "app/render.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <sstream>

#include "app/table.h"

namespace weir::app {
namespace {

const std::string kLong(63, 'n');
constexpr int64_t kMany = 12'345'678'901'234;

size_t widest(const std::string& text) {
  std::istringstream lines(text);
  size_t out = 0;
  for (std::string line; std::getline(lines, line);) out = std::max(out, columns(line));
  return out;
}

using Items = google::protobuf::RepeatedPtrField<v1::Resource>;

Items one_of_each(const std::string& kind) {
  Items items;
  v1::Resource& r = *items.Add();
  if (kind == "intents") {
    auto& i = *r.mutable_intent();
    i.mutable_metadata()->set_name(kLong);
    i.mutable_metadata()->set_tenant(kLong);
    auto& s = *i.mutable_status();
    s.set_state("withdrawn");
    s.set_plan(7);
    s.set_instances(1'000'000);
    s.set_instances_running(1'000'000);
    s.set_samples(kMany);
    s.set_latency_us_predicted(499'999);
    s.set_latency_us_measured(123'456);
    s.set_billed_per_hour_nanocredits(kMany);
    s.set_why(std::string(200, 'w'));
  } else if (kind == "sites") {
    auto& i = *r.mutable_site();
    i.mutable_metadata()->set_name(kLong);
    i.mutable_spec()->set_tier("datacenter");
    i.mutable_spec()->set_region("Inner Mongolia Autonomous Region");
    auto& s = *i.mutable_status();
    s.set_state("draining");
    s.set_cpu_milli_free(12'345'600);
    s.set_cpu_milli_total(98'765'400);
    s.set_memory_mib_free(1'234'567);
    s.set_memory_mib_total(9'876'543);
    s.set_runs(123'456);
    s.set_paths("plain");
    s.set_why("agent \x1b[31mred\n");
  } else if (kind == "links") {
    auto& i = *r.mutable_link();
    i.mutable_metadata()->set_name(kLong);
    i.mutable_spec()->add_between(kLong);
    i.mutable_spec()->add_between(kLong);
    i.mutable_spec()->set_rate("400Gbps");
    i.mutable_status()->set_state("half");
    i.mutable_status()->set_bandwidth_bps(400'000'000'000);
    i.mutable_status()->mutable_forward()->set_latency_us(123'456);
  } else if (kind == "plans") {
    auto& p = *r.mutable_plan();
    p.set_position(123'456'789);
    p.set_tenant(kLong);
    p.set_intent(kLong);
    p.set_state("retiring");
    for (int i = 0; i < 20; ++i) p.add_placements()->set_site(kLong + std::to_string(i));
    p.mutable_value()->set_billed_per_hour(kMany / 2);
    p.mutable_value()->set_decision_price(kMany / 2);
  } else if (kind == "runs") {
    auto& p = *r.mutable_run();
    p.mutable_id()->set_plan(123'456'789);
    p.mutable_id()->set_item(999);
    p.set_tenant(kLong);
    p.set_intent(kLong);
    p.set_site(kLong);
    p.set_node(kLong);
    p.set_state(v1::RUN_STATE_STARTING);
    p.set_streams(100'000);
    p.set_cpu_us(kMany / 2);
    p.set_sent_bytes(kMany);
    p.set_received_bytes(kMany);
    p.set_why("exited\twith 1");
  } else if (kind == "nodes") {
    auto& n = *r.mutable_node();
    n.set_id(1'000'000);
    n.set_site(kLong);
    n.mutable_spec()->set_name(kLong);
    n.mutable_spec()->set_cpu_milli(256'000);
    n.mutable_spec()->set_memory_mib(2'097'152);
    n.mutable_spec()->set_accelerators(8);
    n.mutable_spec()->set_accelerator_model(kLong);
    n.mutable_spec()->set_speed_milli(1'234);
  } else if (kind == "prices") {
    auto& p = *r.mutable_price();
    p.set_resource("accelerator");
    p.set_unit("accelerator-hour");
    p.set_site(kLong);
    p.set_ask_nanocredits(kMany / 2);
    p.set_scarcity_nanocredits(kMany / 2);
    p.set_utilisation_ppm(1'000'000);
  } else if (kind == "events") {
    auto& e = *r.mutable_event();
    e.set_position(123'456'789);
    e.set_at(1'800'000'000'000'000);
    e.set_name("PromiseStateChanged");
    e.set_subject("intent/" + kLong + "/" + kLong);
    e.set_text(std::string(300, 't') + "\x1b]0;title\a");
  } else if (kind == "queues") {
    auto& q = *r.mutable_queue();
    q.mutable_metadata()->set_name(kLong);
    auto& use = *q.mutable_status()->mutable_use();
    use.set_share_ppm(1'000'000);
    use.set_entitlement_ppm(999'000);
    use.set_jobs_running(1'234'567);
    use.set_jobs_waiting(1'234'567);
    use.set_oldest_wait_us(400LL * 86'400'000'000);
    q.mutable_status()->set_policy("smallest-area");
  } else if (kind == "jobs") {
    auto& job = *r.mutable_intent();
    job.mutable_metadata()->set_name(kLong);
    job.mutable_metadata()->set_tenant(kLong);
    job.mutable_spec()->mutable_schedule()->set_queue(kLong);
    job.mutable_status()->set_state("waiting");
    job.mutable_status()->set_why(std::string(40, 'w') + " " + std::string(160, 'v'));
    job.mutable_status()->mutable_waiting()->set_estimated_start(1'800'000'000'000'000);
  } else if (kind == "reservations") {
    auto& kept = *r.mutable_reservation();
    kept.mutable_metadata()->set_name(kLong);
    kept.mutable_metadata()->set_tenant(kLong);
    kept.mutable_spec()->set_site(kLong);
    kept.mutable_spec()->set_from("2026-11-22T10:00:00Z");
    kept.mutable_spec()->set_to("2026-11-22T12:00:00Z");
    kept.mutable_spec()->set_ingress(kLong);
    kept.mutable_spec()->set_up("123.456Gbps");
    kept.mutable_spec()->set_down("123.456Gbps");
    kept.mutable_spec()->mutable_amount()->set_cpu("123456");
    kept.mutable_spec()->mutable_amount()->set_memory("123456Gi");
    kept.mutable_status()->set_state("planned");
  } else if (kind == "workflows") {
    auto& workflow = *r.mutable_workflow();
    workflow.mutable_metadata()->set_name(kLong);
    workflow.mutable_metadata()->set_tenant(kLong);
    workflow.mutable_spec()->set_kind("stream");
    workflow.mutable_spec()->set_latency("300ms");
    workflow.mutable_status()->set_state("refused");
    workflow.mutable_status()->set_has_plan(true);
    workflow.mutable_status()->set_latency_us(123'456);
    workflow.mutable_status()->set_price_nanocredits(123'456'789'000);
    workflow.mutable_status()->set_why(std::string(40, 'w') + " " + std::string(160, 'v'));
  } else if (kind == "policies") {
    auto& policy = *r.mutable_policy();
    policy.set_name("smallest-area");
    policy.set_about(std::string(100, 'a'));
  } else {
    r.mutable_dataset()->mutable_metadata()->set_name(kLong);
    r.mutable_dataset()->mutable_metadata()->set_tenant(kLong);
  }
  *items.Add() = r;
  return items;
}

class Rendered : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Kinds, Rendered,
                         ::testing::Values("intents", "sites", "links", "plans", "runs", "nodes", "prices",
                                           "events", "datasets", "queues", "jobs", "reservations", "policies", "workflows"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_P(Rendered, FitsEightyColumnsWithItsFiguresWhole) {
  const std::string text = render(GetParam(), one_of_each(GetParam()), Format::kTable);
  EXPECT_LE(widest(text), 80u) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);
  for (size_t at = line.find('~'); at != std::string::npos; at = line.find('~', at + 1)) {
    EXPECT_FALSE(std::isdigit(static_cast<unsigned char>(line[at - 1]))) << "a figure is cut: " << line;
  }
}

TEST_P(Rendered, WideCutsNothing) {
  const std::string text = render(GetParam(), one_of_each(GetParam()), Format::kWide);
  EXPECT_EQ(text.find('~'), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
}

TEST_P(Rendered, JsonIsAnArrayOfWhatFilesHold) {
  boost::system::error_code error;
  const auto value = boost::json::parse(render(GetParam(), one_of_each(GetParam()), Format::kJson), error);
  ASSERT_FALSE(error) << error.message();
  ASSERT_TRUE(value.is_array());
  EXPECT_EQ(value.as_array().size(), 2u);
}

TEST_P(Rendered, YamlIsADocumentEach) {
  const std::string text = render(GetParam(), one_of_each(GetParam()), Format::kYaml);
  EXPECT_NE(text.find("\n---\n"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << "escapes it: " << text;
}

TEST(Render, APromiseThatNothingWasMeasuredOfIsNotCalledKept) {
  Items items;
  auto& status = *items.Add()->mutable_intent()->mutable_status();
  const auto promise = [&] {
    const std::string text = render("intents", items, Format::kTable);
    return text.find("  kept") != std::string::npos     ? "kept"
           : text.find("  broken") != std::string::npos ? "broken"
                                                        : "-";
  };
  status.set_plan(7);
  status.set_has_plan(true);
  status.set_promise_kept(true);
  EXPECT_STREQ(promise(), "-");
  status.set_samples(1);
  EXPECT_STREQ(promise(), "kept");
  status.set_promise_kept(false);
  EXPECT_STREQ(promise(), "broken");
}

TEST(Render, FiguresThatMayNotBeSeenAreNotZero) {
  Items items;
  auto& site = *items.Add()->mutable_site();
  site.mutable_metadata()->set_name("metro");
  site.mutable_status()->set_cpu_milli_total(4000);
  site.mutable_status()->set_memory_mib_total(1024);
  EXPECT_NE(render("sites", items, Format::kTable).find("  0/4 "), std::string::npos);
  site.mutable_status()->set_restricted(true);
  const std::string text = render("sites", items, Format::kTable);
  EXPECT_NE(text.find("  -/4 "), std::string::npos) << text;
  EXPECT_NE(text.find("  -/1Gi  "), std::string::npos) << text;
  const std::string json = render("sites", items, Format::kJson);
  EXPECT_EQ(json.find("free"), std::string::npos) << json;
  items.Clear();
  items.Add()->mutable_link()->mutable_status()->set_bandwidth_bps(1'000);
  EXPECT_EQ(render("links", items, Format::kTable).find("0%"), std::string::npos);
  items.Clear();
  items.Add()->mutable_price()->set_restricted(true);
  EXPECT_EQ(render("prices", items, Format::kTable).find("0%"), std::string::npos);
}

TEST(Render, ATokenIsWhole) {
  Items items;
  auto& token = *items.Add()->mutable_token();
  token.set_token("0123456789abcdef");
  token.set_join(true);
  token.set_subject("hub-guizhou");
  token.set_state("used");
  token.set_expires(1'800'000'000'000'000);
  token.set_used(1'800'000'000'000'000);
  const std::string text = render("tokens", items, Format::kTable);
  EXPECT_NE(text.find("\n0123456789abcdef  joining  hub-guizhou  used   2027-01-15T08:00:00Z\n"),
            std::string::npos)
      << text;
}

TEST(Render, ALinksNameIsWhole) {
  Items items;
  auto& link = *items.Add()->mutable_link();
  link.mutable_metadata()->set_name("street-a-hangzhou-by-the-lake");
  link.mutable_spec()->add_between("street-a-by-the-lake");
  link.mutable_spec()->add_between("hangzhou-by-the-lake");
  link.mutable_spec()->set_rate("200Mbps");
  const std::string text = render("links", items, Format::kTable);
  EXPECT_NE(text.find("street-a-hangzhou-by-the-lake "), std::string::npos) << text;
  EXPECT_NE(text.find("\nLeft out for want of room: BETWEEN; -o wide shows all.\n"), std::string::npos)
      << text;
}

TEST(Render, WhyNothingRunsStandsUnderTheTable) {
  Items items;
  auto& intent = *items.Add()->mutable_intent();
  intent.mutable_metadata()->set_tenant("city");
  intent.mutable_metadata()->set_name("cameras");
  intent.mutable_status()->set_state("placed");
  intent.mutable_status()->set_why(
      "The newest run at hub failed: artifact \"detector\" is not at this site. It is tried again.");
  const std::string text = render("intents", items, Format::kTable);
  EXPECT_NE(
      text.find("\n\ncity/cameras: The newest run at hub failed: artifact \"detector\" is not at this\n"),
      std::string::npos)
      << text;
  for (int i = 0; i < 7; ++i) *items.Add() = items.Get(0);
  EXPECT_NE(render("intents", items, Format::kTable).find("\nOf 3 more -o wide says why.\n"),
            std::string::npos);
  Items runs;
  auto& run = *runs.Add()->mutable_run();
  run.mutable_id()->set_plan(17);
  run.set_state(v1::RUN_STATE_FAILED);
  run.set_why("no such artifact");
  EXPECT_NE(render("runs", runs, Format::kTable).find("\nRun 17.0: no such artifact.\n"), std::string::npos);
  run.set_exit_code(3);
  EXPECT_NE(render("runs", runs, Format::kTable).find("\nRun 17.0: exit code 3, no such artifact.\n"),
            std::string::npos);
  run.set_state(v1::RUN_STATE_EXITED);
  run.set_exit_code(0);
  EXPECT_EQ(render("runs", runs, Format::kTable).find("no such artifact"), std::string::npos)
      << "it ended well";
  run.set_state(v1::RUN_STATE_RUNNING);
  EXPECT_EQ(render("runs", runs, Format::kTable).find("no such artifact"), std::string::npos);
}

TEST(Render, NodesShowTheirIslandsSlicesAndRack) {
  Items items;
  v1::NodeView& node = *items.Add()->mutable_node();
  node.mutable_spec()->set_accelerators(3);
  for (const int milli : {1000, 400, 1000}) node.add_devices()->set_milli_free(milli);
  EXPECT_NE(render("nodes", items, Format::kWide).find("1 0.4 1 "), std::string::npos);
  node.mutable_spec()->set_accelerators_per_island(2);
  node.mutable_spec()->set_accelerator_slices(7);
  node.mutable_spec()->set_rack("r12");
  const std::string text = render("nodes", items, Format::kWide);
  EXPECT_NE(text.find("1 0.4 | 1"), std::string::npos) << text;
  EXPECT_NE(text.find(" 7 "), std::string::npos) << text;
  EXPECT_NE(text.find("r12"), std::string::npos) << text;
}

TEST(Render, OffersAndTenantsShowTheirFigures) {
  Items items;
  auto& offer = *items.Add()->mutable_offer();
  offer.mutable_metadata()->set_name("metro");
  offer.mutable_spec()->mutable_asks()->set_core_hour("0.4");
  EXPECT_EQ(render("offers", items, Format::kTable),
            "SITE   CORE-HOUR  GIB-HOUR  ACCELERATOR-HOUR\nmetro  0.4        0         0\n");
  items.Clear();
  auto& tenant = *items.Add()->mutable_tenant();
  tenant.mutable_metadata()->set_name("city");
  tenant.mutable_status()->set_intents(3);
  tenant.mutable_status()->set_billed_per_hour_nanocredits(1'250'000'000);
  EXPECT_EQ(render("tenants", items, Format::kTable), "NAME  INTENTS  CREDITS/H\ncity  3        1.25\n");
}

TEST(Render, SmallQuantitiesOfABillKeepTheirDigits) {
  v1::BillResponse bills;
  auto& bill = *bills.add_bills();
  bill.set_to(1'800'000'000'000'000);
  const auto add = [&](int64_t milli, int64_t price, int64_t amount) {
    auto& line = *bill.add_lines();
    line.set_quantity_milli(milli);
    line.set_price_nanocredits(price);
    line.set_amount_nanocredits(amount);
  };
  add(0, 200'000'000, 5'556);  // 100 ms of a core at 0.2
  add(28, 1'000'000'000, 27'777'778);
  add(12'345, 1'000'000'000, 12'345'000'000);
  add(2, 0, 0);
  const std::string text = render_bill(bills, Format::kTable);
  for (const char* quantity : {"  0.00002778  ", "  0.02778  ", "  12.345  ", "  0.002  "}) {
    EXPECT_NE(text.find(quantity), std::string::npos) << quantity << "\n" << text;
  }
  EXPECT_NE(text.find(" to 2027-01-15T08:00:00Z, "), std::string::npos) << text;
}

TEST(Render, HowAPastRunEnded) {
  v1::RunView run;
  run.set_site("hub");
  run.set_state(v1::RUN_STATE_EXITED);
  run.set_exit_code(3);
  run.set_started(1'800'000'000'000'000);
  run.set_ended(1'800'000'060'000'000);
  run.set_billed_per_hour_nanocredits(250'000'000);
  EXPECT_EQ(render_end(run),
            "It was at hub from 2027-01-15T08:00:00Z to 2027-01-15T08:01:00Z, ended with exit\n  code 3, at "
            "0.25 credits/h.\n");
}

TEST(Render, NothingIsSaidInEveryForm) {
  EXPECT_EQ(render("sites", {}, Format::kTable), "No sites.\n");
  EXPECT_EQ(render("sites", {}, Format::kJson), "[]\n");
  EXPECT_EQ(render("sites", {}, Format::kYaml), "");
}

TEST(Render, PlansBillsAndEventsFitToo) {
  const Items plan = one_of_each("plans");
  v1::PlanView view = plan.Get(0).plan();
  for (int i = 0; i < view.placements_size(); ++i) {
    view.mutable_placements(i)->set_node(kLong);
    view.mutable_value()->add_placements()->set_streams(100'000);
  }
  auto& flow = *view.add_flows();
  flow.set_ingress(kLong);
  flow.set_site(kLong);
  for (int i = 0; i < 12; ++i) flow.add_hops(kLong);
  view.mutable_value()->add_flows()->set_latency_us_predicted(123'456);
  EXPECT_EQ(render_plan(view).find("SENT"), std::string::npos) << "nobody counts";
  flow.set_counted(true);
  flow.set_sent_packets(12);
  flow.set_sent_bytes(7'400);
  EXPECT_LE(widest(render_plan(view)), 80u) << render_plan(view);
  view.mutable_flows(0)->set_returned_bytes(UINT64_MAX);
  EXPECT_NE(render_plan(view).find("18446PB"), std::string::npos) << render_plan(view);
  const std::string chinese = render_plan(view, Format::kTable, true);
  EXPECT_LE(widest(chinese), 80u) << chinese;
  for (const char* word : {"序号", "站点", "发出", "返回", "路径"}) EXPECT_NE(chinese.find(word), std::string::npos) << chinese;
  EXPECT_EQ(chinese.find("STREAMS"), std::string::npos) << chinese;

  v1::ApplyResult waits;
  waits.set_why("需要 3 核");
  waits.mutable_waiting()->set_queue("models");
  waits.mutable_waiting()->set_position(2);
  EXPECT_EQ(render_dry_run(waits, true), "它会在队列 models 中等待：需要 3 核。在它之前有 2 个作业。\n");

  v1::BillResponse bills;
  auto& bill = *bills.add_bills();
  bill.set_tenant("city");
  bill.set_to(1'800'000'000'000'000);
  auto& line = *bill.add_lines();
  line.set_intent(kLong);
  line.set_site(kLong);
  line.set_item("accelerator");
  line.set_unit("accelerator-hour");
  line.set_quantity_milli(12'345'678);
  line.set_price_nanocredits(1'234'567'890);
  line.set_amount_nanocredits(kMany);
  line.set_plan(123'456'789);
  const std::string text = render_bill(bills, Format::kTable);
  EXPECT_LE(widest(text), 80u) << text;
  EXPECT_NE(text.find("12345.678901234"), std::string::npos) << text;
  line.set_intent("training");
  line.set_site("hub-guizhou");
  const std::string usual = render_bill(bills, Format::kTable);
  EXPECT_NE(usual.find("accelerator-hour "), std::string::npos) << usual;

  EXPECT_LE(widest(render_events({one_of_each("events").Get(0).event()})), 80u);
}

}  // namespace
}  // namespace weir::app
