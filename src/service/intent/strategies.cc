#include "service/intent/strategies.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/units/bisect.h"
#include "core/units/quantity.h"

namespace weir::intent {
namespace {

constexpr int64_t kMillisecondUs = 1'000;
constexpr int64_t kSlowestMs = 60'000;  // that is tried
constexpr const char* kPercentile = "99";
constexpr int32_t kCleanestMilli = 10'000;
// Better by less is no choice: a tenth of what it was.
constexpr bool better(int64_t value, int64_t than) { return value < than - than / 10; }

v1::Estimate estimate(const v1::PlanView& view) {
  v1::Estimate out;
  const v1::Plan& plan = view.value();
  out.set_billed_per_hour_nanocredits(plan.billed_per_hour());
  out.set_power_mw(plan.power_mw());
  out.set_carbon_mg_per_hour(plan.carbon_mg_per_hour());
  out.set_availability_ppm(plan.availability_ppm());
  out.set_instances(plan.placements_size());
  for (const v1::Flow& flow : plan.flows()) out.set_latency_us(std::max(out.latency_us(), flow.latency_us_predicted()));
  for (const v1::PlacementView& placement : view.placements()) {
    if (std::find(out.sites().begin(), out.sites().end(), placement.site()) == out.sites().end()) out.add_sites(placement.site());
  }
  return out;
}

class Search {
 public:
  Search(const v1::Intent& intent, Language language, const Trial& trial) : intent_(intent), chinese_(language == Language::kChinese), trial_(trial) {}

  void add_asked(const v1::ApplyResult& asked) {
    add("asked", in("As asked, at the least cost", "按所说的要求，花费最少"), {}, intent_, estimate(asked.plan()));
  }

  // The least latency that can be promised; percentile 99 where none was asked.
  void add_fastest() {
    const int64_t asked_us = found_.front().estimate().latency_us();
    if (asked_us <= kMillisecondUs) return;
    auto fastest = quickest(0, (asked_us + kMillisecondUs - 1) / kMillisecondUs);
    if (!fastest || !better(fastest->second.latency_us(), asked_us)) return;
    const std::string text = fastest->first.spec().promise().latency();
    add("fastest", in("The fastest: within " + text, "最快：" + text + "以内"), promised(text), std::move(fastest->first), std::move(fastest->second));
  }

  // Carbon counts ten times what it is worth to the domain, or what was asked if that is more.
  void add_cleanest() {
    v1::Intent intent = intent_;
    const auto asked_milli = parse_weight_milli(intent.spec().prefer().carbon());
    if (asked_milli && *asked_milli >= kCleanestMilli) return;
    const std::string weight = format_milli(kCleanestMilli);
    intent.mutable_spec()->mutable_prefer()->set_carbon(weight);
    auto one = tried(std::move(intent));
    if (!one || !better(one->second.carbon_mg_per_hour(), found_.front().estimate().carbon_mg_per_hour())) return;
    add("cleanest", in("The cleanest: least carbon", "最绿：碳排放最少"), {"prefer.carbon=" + weight}, std::move(one->first), std::move(one->second));
  }

  // The highest of the usual promises of availability.
  void add_safest() {
    const int32_t asked_ppm = found_.front().estimate().availability_ppm();
    for (const int64_t ppm : {999'999, 999'990, 999'900, 999'000, 990'000}) {
      if (ppm <= asked_ppm) return;
      v1::Intent intent = intent_;
      const std::string text = format_fraction(ppm);
      intent.mutable_spec()->mutable_promise()->set_availability(text);
      auto one = tried(std::move(intent));
      if (!one) continue;
      add("safest", in("The safest: available " + text + " of the time", "最稳：可用性 " + text), {"promise.availability=" + text}, std::move(one->first),
          std::move(one->second));
      return;
    }
  }

  // What would do: the least latency that can be promised, more money, or other places.
  void add_possible() {
    const auto asked = parse_duration_us(intent_.spec().promise().latency());
    if (asked && *asked < kSlowestMs * kMillisecondUs) {
      if (auto slower = quickest(*asked / kMillisecondUs, kSlowestMs + 1)) {
        const std::string text = slower->first.spec().promise().latency();
        add("slower", in("It can be had within " + text, "可以做到 " + text + " 以内"), promised(text), std::move(slower->first), std::move(slower->second));
      }
    }
    if (intent_.spec().has_budget()) {
      v1::Intent intent = intent_;
      intent.mutable_spec()->clear_budget();
      if (auto one = tried(std::move(intent))) {
        // By the hour, and rounded up: so much lets it be.
        constexpr int64_t kCent = 10'000'000;
        const int64_t hourly = (one->second.billed_per_hour_nanocredits() + kCent - 1) / kCent * kCent;
        const std::string text = format_money(hourly);
        one->first.mutable_spec()->mutable_budget()->set_max(text);
        one->first.mutable_spec()->mutable_budget()->set_per("hour");
        add("dearer", in("It can be had for " + text + " an hour", "每小时 " + text + " 可以做到"), {"budget.max=" + text, "budget.per=hour"}, std::move(one->first),
            std::move(one->second));
      }
    }
    const v1::Intent::Places& where = intent_.spec().where();
    if (where.only_size() > 0 || where.not__size() > 0) {
      v1::Intent intent = intent_;
      intent.mutable_spec()->mutable_where()->clear_only();
      intent.mutable_spec()->mutable_where()->clear_not_();
      if (auto one = tried(std::move(intent))) {
        std::string sites;
        for (const std::string& site : one->second.sites()) sites += (sites.empty() ? "" : ", ") + site;
        add("elsewhere", in("It can be had at " + sites, "可以放在 " + sites), {"where.only=", "where.not="}, std::move(one->first), std::move(one->second));
      }
    }
  }

  std::vector<v1::Strategy> take() { return std::move(found_); }

 private:
  using Tried = std::pair<v1::Intent, v1::Estimate>;

  std::string in(const std::string& english, const std::string& chinese) const { return chinese_ ? chinese : english; }

  std::optional<Tried> tried(v1::Intent intent) {
    if (++trials_ > kTrialsMax) return std::nullopt;
    const auto result = trial_(intent);
    if (!result || !result->has_plan()) return std::nullopt;
    return Tried{std::move(intent), estimate(result->plan())};
  }
  std::vector<std::string> promised(const std::string& latency) const {
    std::vector<std::string> changes = {"promise.latency=" + latency};
    if (intent_.spec().promise().percentile().empty()) changes.emplace_back(std::string("promise.percentile=") + kPercentile);
    return changes;
  }
  // The least latency above `too_little` milliseconds and below `beyond` that can be promised.
  std::optional<Tried> quickest(int64_t too_little, int64_t beyond) {
    std::optional<Tried> found;
    (void)greatest<int64_t>(too_little, beyond, [&](int64_t ms) {
      v1::Intent intent = intent_;
      v1::Intent::Promised& promise = *intent.mutable_spec()->mutable_promise();
      promise.set_latency(format_duration(ms * kMillisecondUs));
      if (promise.percentile().empty()) promise.set_percentile(kPercentile);
      auto one = tried(std::move(intent));
      if (one) found = std::move(one);
      return !one.has_value();
    });
    return found;
  }
  void add(std::string kind, std::string title, std::vector<std::string> changes, v1::Intent intent, v1::Estimate estimate) {
    v1::Strategy& one = found_.emplace_back();
    one.set_kind(std::move(kind));
    one.set_title(std::move(title));
    for (std::string& change : changes) one.add_changes(std::move(change));
    *one.mutable_intent() = std::move(intent);
    *one.mutable_estimate() = std::move(estimate);
  }

  const v1::Intent& intent_;
  const bool chinese_;
  const Trial& trial_;
  int trials_ = 0;
  std::vector<v1::Strategy> found_;
};

}  // namespace

std::vector<v1::Strategy> strategies(const v1::Intent& intent, const v1::ApplyResult& asked, Language language, const Trial& trial) {
  Search search(intent, language, trial);
  if (asked.has_plan()) {
    search.add_asked(asked);
    search.add_fastest();
    search.add_cleanest();
    search.add_safest();
  } else if (asked.has_refusal()) {
    search.add_possible();
  }
  return search.take();
}

}  // namespace weir::intent
