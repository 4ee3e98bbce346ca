#include "core/event/codec.h"

#include <benchmark/benchmark.h>

#include <string>

// Events per second of the stored form, on one core: the share of the codec in append and replay.
namespace {

using namespace weir;

Event usage() {
  return {1'700'000'000'000'000, "site/metro",
          UsageReported{.run = {123456, 2},
                        .intent = IntentId(17u),
                        .from = 1'700'000'000'000'000,
                        .to = 1'700'000'010'000'000,
                        .cpu_us = 2'800'000,
                        .memory_mib_us = 2560,
                        .received_bytes = 2'500'000,
                        .sent_bytes = 60'000,
                        .energy_microjoule = 33'000'000,
                        .energy_model = "linear-cpu-v1"}};
}

Event measured() { return {1'700'000'000'000'000, "site/metro", LinkMeasured{LinkId(40u), 11'250, 300, 10}}; }

Event submitted() {
  IntentSpec spec;
  spec.name = "cameras";
  spec.from = {{SiteId(0u), 6}, {SiteId(1u), 6}};
  spec.workload = {
      .artifact = "detector", .port = 8080, .cpu_milli = 300, .memory_mib = 256, .streams_per_instance = 4};
  spec.traffic = {2'000'000, 50'000, 2000, 30'000};
  spec.promise = {500'000, 990'000, 999'000};
  spec.where = {.residency = {"cn"}, .not_at = {SiteId(4u)}};
  spec.prefer = {1000, 1000};
  spec.budget_per_hour_max = 20 * kCredit;
  return {1'700'000'000'000'000, "tenant/city", IntentSubmitted{IntentId(17u), TenantId(3u), 1, spec}};
}

Event committed() {
  Plan plan;
  plan.intent = IntentId(17u);
  plan.generation = 1;
  plan.basis = 123'455;
  for (uint32_t i = 0; i < 3; ++i) {
    plan.placements.push_back({.site = SiteId(2u),
                               .node = NodeId(i),
                               .cpu_milli = 300,
                               .memory_mib = 256,
                               .streams = 4,
                               .asks = {40'000'000, 5'000'000, 0}});
    plan.flows.push_back({.ingress = SiteId(i & 1),
                          .placement = i,
                          .streams = 4,
                          .up_bps = 8'000'000,
                          .down_bps = 200'000,
                          .path = {LinkId(2u), LinkId(8u), LinkId(14u)},
                          .protection = {LinkId(4u), LinkId(10u), LinkId(16u)},
                          .path_per_hour = 3'000'000,
                          .latency_us_predicted = 61'000,
                          .latency_us_path = 22'000,
                          .latency_us_serialisation = 8000,
                          .latency_us_work = 30'000,
                          .latency_us_queueing = 1000});
  }
  plan.billed_per_hour = 52'000'000;
  plan.decision_price = 61'000'000;
  plan.power_mw = 9000;
  plan.carbon_mg_per_hour = 5200;
  plan.availability_ppm = 999'400;
  plan.steps = 1200;
  plan.price_policy = 1;
  plan.reason.code = ReasonCode::kChosen;
  for (uint32_t i = 0; i < 4; ++i) {
    plan.alternatives.push_back(
        {.reason = {.code = ReasonCode::kPrice, .site = SiteId(3 + i), .ingress = SiteId(0u)},
         .decision_price = 70'000'000,
         .billed_per_hour = 60'000'000,
         .latency_us_predicted = 80'000,
         .path = {LinkId(2u), LinkId(20u)}});
  }
  return {1'700'000'000'000'000, "brain", PlanCommitted{plan}};
}

void encode_one(benchmark::State& state, Event (*make)()) {
  const Event event = make();
  std::vector<std::byte> out;
  for (auto _ : state) {
    out.clear();
    encode(event, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes"] = static_cast<double>(out.size());
}

void decode_one(benchmark::State& state, Event (*make)()) {
  std::vector<std::byte> bytes;
  encode(make(), bytes);
  for (auto _ : state) {
    auto event = decode(bytes);
    benchmark::DoNotOptimize(event);
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(encode_one, LinkMeasured, measured);
BENCHMARK_CAPTURE(encode_one, UsageReported, usage);
BENCHMARK_CAPTURE(encode_one, IntentSubmitted, submitted);
BENCHMARK_CAPTURE(encode_one, PlanCommitted, committed);
BENCHMARK_CAPTURE(decode_one, LinkMeasured, measured);
BENCHMARK_CAPTURE(decode_one, UsageReported, usage);
BENCHMARK_CAPTURE(decode_one, IntentSubmitted, submitted);
BENCHMARK_CAPTURE(decode_one, PlanCommitted, committed);

}  // namespace

BENCHMARK_MAIN();
