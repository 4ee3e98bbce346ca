#include "core/graph/kept_bandwidth.h"

#include <gtest/gtest.h>

#include "core/graph/checkpoint.h"
#include "core/graph/graph.h"
#include "core/graph/promise.h"

namespace weir {
namespace {

constexpr int64_t kMbps = 1'000'000;
constexpr LinkId kLink(0u), kTwin(1u);

ReservationSpec window(TimeUs from, TimeUs to, int64_t up_bps, int64_t down_bps = 0) {
  return {.name = "r", .from = from, .to = to, .up_bps = up_bps, .down_bps = down_bps, .path = {kLink}};
}

TEST(KeptBandwidth, CountsTheWindowsThatATermMeets) {
  KeptBandwidth kept;
  EXPECT_EQ(kept.first_end(), INT64_MAX);
  EXPECT_EQ(kept.most_bps(kLink, {}), 0);
  kept.keep(ReservationId(0u), window(100, 200, 5 * kMbps, 1 * kMbps));
  EXPECT_EQ(kept.first_end(), 200);
  EXPECT_EQ(kept.most_bps(kLink, {}), 5 * kMbps) << "what has no end meets every window";
  EXPECT_EQ(kept.most_bps(kTwin, {}), 1 * kMbps);
  EXPECT_EQ(kept.most_bps(LinkId(2u), {}), 0);
  const auto most = [&kept](TimeUs from, TimeUs until) { return kept.most_bps(kLink, {from, until, {}}); };
  EXPECT_EQ(most(0, 99), 0);
  EXPECT_EQ(most(0, 100), 0) << "it ends as the window begins";
  EXPECT_EQ(most(0, 101), 5 * kMbps);
  EXPECT_EQ(most(199, 300), 5 * kMbps);
  EXPECT_EQ(most(200, 300), 0) << "it begins as the window ends";
  EXPECT_EQ(most(0, 1000), 5 * kMbps);
}

TEST(KeptBandwidth, AddsUpWhatIsOpenAtATime) {
  KeptBandwidth kept;
  kept.keep(ReservationId(0u), window(100, 200, 5 * kMbps));
  kept.keep(ReservationId(1u), window(200, 300, 4 * kMbps));
  EXPECT_EQ(kept.most_bps(kLink, {}), 5 * kMbps) << "they abut";
  kept.keep(ReservationId(2u), window(150, 250, 2 * kMbps));
  EXPECT_EQ(kept.most_bps(kLink, {}), 7 * kMbps);
  EXPECT_EQ(kept.most_bps(kLink, {0, 150, {}}), 5 * kMbps);
  EXPECT_EQ(kept.most_bps(kLink, {200, 250, {}}), 6 * kMbps);
  EXPECT_EQ(kept.most_bps(kLink, {250, 300, {}}), 4 * kMbps);
  kept.drop(ReservationId(0u));
  EXPECT_EQ(kept.most_bps(kLink, {}), 6 * kMbps);
  EXPECT_EQ(kept.over(250), (std::vector{ReservationId(2u)}));
  kept.drop_over(250);
  EXPECT_EQ(kept.most_bps(kLink, {}), 4 * kMbps);
  EXPECT_EQ(kept.first_end(), 300);
  EXPECT_TRUE(kept.over(299).empty());
  kept.drop_over(299);
  EXPECT_EQ(kept.most_bps(kLink, {}), 4 * kMbps);
  EXPECT_EQ(kept.over(300), (std::vector{ReservationId(1u)}));
  kept.drop_over(300);
  EXPECT_TRUE(kept.empty());
}

TEST(KeptBandwidth, KeepsNothingFromItsOwnJobsNorWhatTheyUseTwice) {
  KeptBandwidth kept;
  const ReservationId own(0u), other(1u);
  kept.keep(own, window(100, 200, 5 * kMbps));
  kept.keep(other, window(150, 250, 2 * kMbps));
  EXPECT_EQ(kept.most_bps(kLink, {100, 140, own}), 0);
  EXPECT_EQ(kept.most_bps(kLink, {100, 200, own}), 2 * kMbps);
  EXPECT_EQ(kept.most_bps(kLink, {100, 200, other}), 5 * kMbps);
  kept.use(own, kLink, 3 * kMbps);
  EXPECT_EQ(kept.left_bps(own, kLink), 2 * kMbps);
  EXPECT_EQ(kept.most_bps(kLink, {}), 4 * kMbps) << "what it uses is committed already";
  EXPECT_EQ(kept.most_bps(kLink, {100, 200, own}), 2 * kMbps);
  kept.use(own, kLink, 3 * kMbps);
  EXPECT_EQ(kept.left_bps(own, kLink), 0) << "more than it keeps";
  EXPECT_EQ(kept.most_bps(kLink, {}), 2 * kMbps);
  kept.use(own, kLink, -6 * kMbps);
  EXPECT_EQ(kept.most_bps(kLink, {}), 7 * kMbps);
  kept.use(own, LinkId(4u), kMbps);
  EXPECT_EQ(kept.left_bps(own, LinkId(4u)), 0);
}

// street --l0-- r0 --l1-- hub, and street --l2-- r1 --l3-- hub, which costs twice as much. 10 Mbit/s each.
class KeptLinks : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({now, "t", std::move(body)}); }

  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    for (uint32_t s = 0; s < 2; ++s) {
      add(SiteDefined{SiteId(s), VertexId(s), {.name = s == 0 ? "street" : "hub", .sid = "fd77:5::"}});
      add(NodesReported{SiteId(s), NodeId(s), {{"n", 4000, 4096, 0, "", 1000}}});
      add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    }
    add(RouterDefined{VertexId(2u), "r0"});
    add(RouterDefined{VertexId(3u), "r1"});
    link(0, 0, 2, kCredit);
    link(1, 2, 1, kCredit);
    link(2, 0, 3, 2 * kCredit);
    link(3, 3, 1, 2 * kCredit);
  }
  void link(uint32_t id, uint32_t a, uint32_t b, Nanocredits ask) {
    add(LinkDefined{LinkId(2 * id),
                    {.name = "l" + std::to_string(id), .a = VertexId(a), .b = VertexId(b), .bandwidth_bps = 10 * kMbps,
                     .latency_us = 1000, .per_gbps_hour = ask, .sid_a = "fd77:a::", .sid_b = "fd77:b::"}});
  }
  ReservationSpec reservation(int64_t up_bps, TimeUs from, TimeUs to, int64_t down_bps = 0) const {
    return {.name = "night", .site = SiteId(1u), .from = from, .to = to, .ingress = SiteId(0u), .up_bps = up_bps,
            .down_bps = down_bps};
  }
  ReservationId define(ReservationSpec spec) {
    spec.path = path_to_keep(graph, spec, now).path;
    const ReservationId id(graph.reservation_count());
    EXPECT_TRUE(add(ReservationDefined{id, TenantId(0u), spec}).effect);
    return id;
  }
  IntentId submit(WorkKind kind, int64_t up_bps, const std::string& in = "", TimeUs run_time_us_max = 0) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "i" + std::to_string(id.value), .from = {{SiteId(0u), 1}},
                    .schedule = {.reservation = in, .run_time_us_max = run_time_us_max}};
    spec.workload.kind = kind;
    spec.workload.cpu_milli = 100;
    spec.workload.memory_mib = 10;
    spec.workload.streams_per_instance = 1;
    spec.traffic.up_bps = up_bps;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    return id;
  }
  Plan plan(IntentId id, std::vector<LinkId> path = {LinkId(0u), LinkId(2u)}) const {
    const IntentSpec& spec = *graph.intent(id).spec;
    Plan p{.intent = id, .generation = 1, .basis = graph.version()};
    p.placements.push_back({.site = SiteId(1u), .node = NodeId(1u), .cpu_milli = 100, .memory_mib = 10, .streams = 1,
                            .asks = graph.site(SiteId(1u)).asks, .continues = {}});
    Flow flow{.ingress = SiteId(0u), .placement = 0, .streams = 1, .up_bps = spec.traffic.up_bps, .path = std::move(path)};
    flow.path_per_hour = path_per_hour(graph, flow.path, flow.up_bps, flow.down_bps);
    const auto service = service_time(graph, SiteId(1u), spec, 1).value_or(ServiceTime{});
    flow.latency_us_path = path_round_trip_us(graph, flow.path);
    flow.latency_us_serialisation = path_serialisation_us(graph, flow.path, spec.traffic);
    flow.latency_us_work = service.work_us;
    flow.latency_us_queueing = service.queueing_us;
    flow.latency_us_predicted = flow.latency_us_path + flow.latency_us_serialisation + service.work_us + service.queueing_us;
    p.flows.push_back(flow);
    const PlanTotals totals = plan_totals(graph, spec, p);
    p.billed_per_hour = totals.billed_per_hour;
    p.power_mw = totals.power_mw;
    p.carbon_mg_per_hour = totals.carbon_mg_per_hour;
    p.availability_ppm = totals.availability_ppm;
    return p;
  }
  Position commit(IntentId id) {
    const Position at = graph.version();
    EXPECT_TRUE(add(PlanCommitted{plan(id)}).effect);
    return at;
  }
  void expect_derived() {
    const auto back = decode_graph(encode_graph(graph));
    ASSERT_TRUE(back.has_value());
    EXPECT_TRUE(back->kept_bandwidth() == graph.kept_bandwidth());
    EXPECT_EQ(back->kept_end(), graph.kept_end());
  }

  Graph graph;
  TimeUs now = 1;
};

TEST_F(KeptLinks, ThePathIsTheCheapestWithRoomThroughoutTheWindow) {
  EXPECT_EQ(path_to_keep(graph, reservation(10 * kMbps, 100, 200), now).path, (std::vector{LinkId(0u), LinkId(2u)}));
  define(reservation(6 * kMbps, 100, 200));
  EXPECT_EQ(path_to_keep(graph, reservation(4 * kMbps, 150, 250), now).path, (std::vector{LinkId(0u), LinkId(2u)}));
  EXPECT_EQ(path_to_keep(graph, reservation(5 * kMbps, 150, 250), now).path, (std::vector{LinkId(4u), LinkId(6u)}));
  EXPECT_EQ(path_to_keep(graph, reservation(5 * kMbps, 200, 250), now).path, (std::vector{LinkId(0u), LinkId(2u)})) << "they abut";
  const PathToKeep none = path_to_keep(graph, reservation(11 * kMbps, 150, 250), now);
  EXPECT_TRUE(none.path.empty());
  EXPECT_EQ(none.link, LinkId(0u));
  EXPECT_EQ(none.free_bps, 4 * kMbps);
  EXPECT_EQ(path_to_keep(graph, reservation(0, 150, 250, 11 * kMbps), now).link, LinkId(1u)) << "the way back";
  add(LinkStateChanged{LinkId(0u), false, ""});
  EXPECT_EQ(path_to_keep(graph, reservation(kMbps, 200, 250), now).path, (std::vector{LinkId(4u), LinkId(6u)}));
  add(LinkStateChanged{LinkId(4u), false, ""});
  EXPECT_FALSE(path_to_keep(graph, reservation(kMbps, 200, 250), now).link.valid()) << "nothing leads there";
}

TEST_F(KeptLinks, OnlyTheRoutedPathIsKeptWherePacketsCannotBeLed) {
  add(SiteSteeringChanged{SiteId(0u), false, "no seg6"});
  add(LinkDefined{LinkId(0u), {.name = "l0", .a = VertexId(0u), .b = VertexId(2u), .bandwidth_bps = 10 * kMbps, .latency_us = 5000,
                               .per_gbps_hour = 1, .sid_a = "fd77:a::", .sid_b = "fd77:b::"}});
  EXPECT_EQ(path_to_keep(graph, reservation(kMbps, 100, 200), now).path, (std::vector{LinkId(4u), LinkId(6u)}));
  EXPECT_TRUE(path_to_keep(graph, reservation(11 * kMbps, 100, 200), now).path.empty());
}

TEST_F(KeptLinks, WhatIsKeptIsNoRoomForOthers) {
  define(reservation(8 * kMbps, 100'000'000, 200'000'000));
  EXPECT_EQ(graph.room_bps(kLink), 2 * kMbps);
  EXPECT_EQ(graph.load(kLink).free_bps, 10 * kMbps);
  const IntentId fits = submit(WorkKind::kService, 2 * kMbps), large = submit(WorkKind::kService, 2 * kMbps + 1);
  EXPECT_TRUE(verify(graph, plan(fits)).granted) << verify(graph, plan(fits)).why;
  const Verdict refused = verify(graph, plan(large));
  EXPECT_FALSE(refused.granted);
  EXPECT_TRUE(refused.conflict);
  EXPECT_EQ(refused.why, "link l0 has no room beside reservations");
  // A job that is over before the window may have it all; a run may take kRunBeginsUs to begin.
  const TimeUs left = 100'000'000 - now - kRunBeginsUs;
  EXPECT_TRUE(verify(graph, plan(submit(WorkKind::kJob, 10 * kMbps, "", left))).granted);
  const IntentId longer = submit(WorkKind::kJob, 10 * kMbps, "", left + 1);
  EXPECT_FALSE(verify(graph, plan(longer)).granted);
  EXPECT_FALSE(verify(graph, plan(submit(WorkKind::kJob, 10 * kMbps))).granted) << "without a longest run time it has no end";
  EXPECT_FALSE(verify(graph, plan(submit(WorkKind::kJob, 10 * kMbps, "", left)), now + 1).granted) << "nothing happened for a while";
  // From the end of the window on nothing is kept.
  EXPECT_FALSE(verify(graph, plan(longer), 199'999'999).granted);
  EXPECT_TRUE(verify(graph, plan(longer), 200'000'000).granted);
  EXPECT_TRUE(verify(graph, plan(large), 200'000'000).granted);
}

TEST_F(KeptLinks, JobsInTheReservationUseIt) {
  const ReservationId night = define(reservation(8 * kMbps, 100, 200'000'000));
  const IntentId in = submit(WorkKind::kJob, 5 * kMbps, "night", 1'000'000), other = submit(WorkKind::kService, 3 * kMbps);
  EXPECT_FALSE(flow_term(graph, graph.intent(in)).in.valid()) << "it is not open yet";
  EXPECT_EQ(flow_term(graph, graph.intent(in), 100).in, night);
  now = 100;
  EXPECT_TRUE(verify(graph, plan(in), now).granted) << verify(graph, plan(in), now).why;
  EXPECT_FALSE(verify(graph, plan(other), now).granted);
  const Position at = commit(in);
  EXPECT_EQ(graph.kept_bandwidth().left_bps(night, kLink), 3 * kMbps);
  EXPECT_EQ(graph.room_bps(kLink), 2 * kMbps) << "what it uses is not counted twice";
  expect_derived();
  add(RunStateChanged{RunId{at, 0}, in, RunState::kRunning, 0, ""});
  EXPECT_EQ(graph.kept_bandwidth().left_bps(night, kLink), 3 * kMbps);
  add(RunStateChanged{RunId{at, 0}, in, RunState::kExited, 0, ""});
  EXPECT_EQ(graph.kept_bandwidth().left_bps(night, kLink), 8 * kMbps) << "it has ended within the window";
  EXPECT_EQ(graph.room_bps(kLink), 2 * kMbps);
  expect_derived();
  add(IntentWithdrawn{in, true});
  add(PlanRetired{in, at});
  EXPECT_EQ(graph.kept_bandwidth().left_bps(night, kLink), 8 * kMbps);
  expect_derived();
}

TEST_F(KeptLinks, AnEndOrACancellationIsRelief) {
  const ReservationId night = define(reservation(8 * kMbps, 100, 200));
  const IntentId in = submit(WorkKind::kJob, 5 * kMbps, "night", 1'000'000);
  now = 100;
  commit(in);
  uint64_t relief = graph.relief();
  now = 199;
  add(ReservationCancelled{ReservationId(7u)});
  EXPECT_EQ(graph.relief(), relief);
  EXPECT_TRUE(graph.keeps_bandwidth());
  now = 200;
  EXPECT_TRUE(add(ReservationCancelled{night}).effect) << "it is over";
  EXPECT_FALSE(graph.reservation(night).cancelled);
  EXPECT_EQ(graph.relief(), relief + 1);
  EXPECT_FALSE(graph.keeps_bandwidth());
  EXPECT_EQ(graph.room_bps(kLink), 5 * kMbps) << "its flow goes on as any other";
  expect_derived();

  const ReservationId next = define(reservation(3 * kMbps, 300, 400));
  EXPECT_EQ(graph.room_bps(kLink), 5 * kMbps) << "the job of the earlier one counts in the new one of that name";
  EXPECT_EQ(graph.kept_bandwidth().left_bps(next, kLink), 0);
  relief = graph.relief();
  EXPECT_TRUE(add(ReservationCancelled{next}).effect);
  EXPECT_GT(graph.relief(), relief);
  EXPECT_TRUE(graph.reservation(next).cancelled);
  EXPECT_FALSE(graph.keeps_bandwidth());
  expect_derived();
}

TEST_F(KeptLinks, APathThatIsUnknownHasNoEffect) {
  ReservationSpec spec = reservation(kMbps, 100, 200);
  spec.path = {LinkId(99u)};
  EXPECT_FALSE(add(ReservationDefined{ReservationId(0u), TenantId(0u), spec}).effect);
  spec = reservation(kMbps, 100, 200);
  spec.ingress = SiteId(9u);
  EXPECT_FALSE(add(ReservationDefined{ReservationId(0u), TenantId(0u), spec}).effect);
  EXPECT_FALSE(graph.keeps_bandwidth());
}

}  // namespace
}  // namespace weir
