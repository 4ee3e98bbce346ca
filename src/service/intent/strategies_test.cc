#include "service/intent/strategies.h"

#include <gtest/gtest.h>

#include <map>

#include "core/units/quantity.h"

namespace weir::intent {
namespace {

// A domain of three places: cheap and slow, dear and fast, clean. What an intent says decides which one it gets.
class Places {
 public:
  std::optional<v1::ApplyResult> operator()(const v1::Intent& intent) {
    ++trials;
    struct Place {
      const char* site;
      int64_t latency_us, cost, carbon;
      int32_t availability_ppm;
    };
    static constexpr Place kPlaces[] = {{"hub", 90'000, 10, 500, 99'0000}, {"metro", 21'000, 30, 400, 99'9000}, {"hydro", 70'000, 20, 50, 99'9000}};
    const auto& spec = intent.spec();
    const auto latency = parse_duration_us(spec.promise().latency());
    const auto available = parse_fraction_ppm(spec.promise().availability());
    const auto budget = parse_money_nanocredits(spec.budget().max());
    const int64_t carbon_weight = spec.prefer().carbon().empty() ? 0 : 1;
    const Place* best = nullptr;
    const auto price = [&](const Place& p) { return p.cost + carbon_weight * p.carbon; };
    for (const Place& p : kPlaces) {
      if (latency && p.latency_us > *latency) continue;
      if (available && p.availability_ppm < *available) continue;
      if (spec.has_budget() && budget && p.cost * 10'000'000 > *budget) continue;
      if (spec.where().only_size() > 0 && spec.where().only(0) != p.site) continue;
      if (best == nullptr || price(p) < price(*best)) best = &p;
    }
    v1::ApplyResult out;
    if (best == nullptr) {
      out.mutable_refusal();
      return out;
    }
    v1::PlanView& plan = *out.mutable_plan();
    plan.add_placements()->set_site(best->site);
    v1::Plan& value = *plan.mutable_value();
    value.add_placements();
    value.add_flows()->set_latency_us_predicted(best->latency_us);
    value.set_billed_per_hour(best->cost * 10'000'000);
    value.set_carbon_mg_per_hour(best->carbon);
    value.set_availability_ppm(best->availability_ppm);
    return out;
  }
  int trials = 0;
};

std::map<std::string, v1::Strategy> found(const v1::Intent& intent, Places& places, Language language = Language::kEnglish) {
  const auto asked = places(intent);
  std::map<std::string, v1::Strategy> out;
  for (v1::Strategy& one : strategies(intent, *asked, language, [&](const v1::Intent& other) { return places(other); })) {
    const std::string kind = one.kind();
    EXPECT_FALSE(one.title().empty());
    EXPECT_TRUE(out.emplace(kind, std::move(one)).second) << kind;
  }
  EXPECT_LE(places.trials, kTrialsMax + 1);
  return out;
}

TEST(Strategies, DifferInWhatMattersAndEachIsAnIntentThatGivesIt) {
  v1::Intent intent;
  intent.mutable_spec()->mutable_promise()->set_latency("500ms");
  Places places;
  auto all = found(intent, places);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all["asked"].estimate().sites(0), "hub");
  EXPECT_EQ(all["fastest"].estimate().sites(0), "metro");
  EXPECT_EQ(all["fastest"].changes(0), "promise.latency=21ms") << "no less can be promised";
  EXPECT_EQ(all["fastest"].changes(1), "promise.percentile=99") << "every change is named";
  EXPECT_EQ(all["cleanest"].estimate().sites(0), "hydro");
  EXPECT_EQ(all["safest"].estimate().availability_ppm(), 999'000);
  for (const auto& [kind, one] : all) {
    const auto again = places(one.intent());
    ASSERT_TRUE(again->has_plan()) << kind;
    EXPECT_EQ(again->plan().placements(0).site(), one.estimate().sites(0)) << kind;
  }
}

TEST(Strategies, WhatGivesNothingIsLeftOut) {
  v1::Intent intent;
  intent.mutable_spec()->mutable_where()->add_only("metro");
  Places places;
  auto all = found(intent, places);
  ASSERT_EQ(all.size(), 1u) << "the only place is the fastest, cleanest and safest";
  EXPECT_EQ(all["asked"].estimate().sites(0), "metro");
}

TEST(Strategies, WhoAsksForMoreGetsNoLess) {
  v1::Intent intent;
  intent.mutable_spec()->mutable_promise()->set_latency("500ms");
  intent.mutable_spec()->mutable_promise()->set_percentile("99.9");
  intent.mutable_spec()->mutable_prefer()->set_cost("2");
  Places places;
  auto all = found(intent, places);
  EXPECT_EQ(all["fastest"].changes_size(), 1);
  EXPECT_EQ(all["fastest"].intent().spec().promise().percentile(), "99.9");
  EXPECT_EQ(all["cleanest"].intent().spec().prefer().cost(), "2");
  EXPECT_EQ(all["cleanest"].changes(0), "prefer.carbon=10");
  intent.mutable_spec()->mutable_prefer()->set_carbon("9.999");
  EXPECT_EQ(found(intent, places).count("cleanest"), 0u) << "it is at the cleanest already";
  intent.mutable_spec()->mutable_prefer()->set_carbon("12");
  EXPECT_EQ(found(intent, places).count("cleanest"), 0u);
}

TEST(Strategies, OfWhatCannotBeTheLeastThatHasToBeGivenUp) {
  v1::Intent intent;
  intent.mutable_spec()->mutable_promise()->set_latency("5ms");
  Places places;
  auto all = found(intent, places);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all["slower"].changes(0), "promise.latency=21ms");

  v1::Intent poor;
  poor.mutable_spec()->mutable_budget()->set_max("0.05");
  Places others;
  all = found(poor, others, Language::kChinese);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all["dearer"].intent().spec().budget().max(), "0.1");
  EXPECT_EQ(all["dearer"].title(), "每小时 0.1 可以做到");

  v1::Intent placed;
  placed.mutable_spec()->mutable_promise()->set_latency("30ms");
  placed.mutable_spec()->mutable_where()->add_only("hub");
  Places more;
  all = found(placed, more);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all["elsewhere"].estimate().sites(0), "metro");
  EXPECT_EQ(all["slower"].changes(0), "promise.latency=90ms");
}

TEST(Strategies, NothingIsOfferedForWhatWaitsOrCannotBeHadAtAll) {
  Places places;
  v1::ApplyResult waits;
  waits.mutable_waiting();
  EXPECT_TRUE(strategies({}, waits, Language::kEnglish, [&](const v1::Intent& other) { return places(other); }).empty());
  EXPECT_EQ(places.trials, 0);
  v1::ApplyResult refused;
  refused.mutable_refusal();
  EXPECT_TRUE(strategies({}, refused, Language::kEnglish, [&](const v1::Intent& other) { return places(other); }).empty());
}

}  // namespace
}  // namespace weir::intent
