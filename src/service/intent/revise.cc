#include <algorithm>
#include <functional>

#include "core/ports/understanding_text.h"
#include "core/units/quantity.h"
#include "service/intent/draft.h"
#include "service/intent/places.h"
#include "service/resource/time_text.h"
#include "weir/v1/resource.pb.h"

namespace weir::intent {
namespace {

constexpr int64_t kTightened = 800, kRelaxed = 1'500;  // thousandths of what it was

tl::unexpected<Error> nothing(const char* what) {
  return fail(ErrorCode::kInvalid, std::string("has no ") + what + " to change", {}, "give a figure");
}

// What becomes of a value; kInvalid where it was not there, or is used up.
Result<int64_t> changed(const Field& field, std::optional<int64_t> before, const char* what) {
  int64_t after = field.amount;
  if (field.change != Change::kSet) {
    if (!before) return nothing(what);
    const auto times = [&](int64_t milli) { return static_cast<int64_t>(static_cast<__int128>(*before) * milli / 1'000); };
    switch (field.change) {
      case Change::kAdd: after = *before + field.amount; break;
      case Change::kTimes: after = times(field.amount); break;
      case Change::kTighten: after = times(kTightened); break;
      case Change::kRelax: after = times(kRelaxed); break;
      default: break;
    }
  }
  if (after <= 0) return fail(ErrorCode::kInvalid, std::string("leaves no ") + what, {}, "take away less, or cancel it");
  return after;
}

template <class T>
std::optional<int64_t> read(const std::string& text, Result<T> (*parse)(std::string_view)) {
  if (text.empty()) return std::nullopt;
  const auto value = parse(text);
  return value ? std::optional<int64_t>(*value) : std::nullopt;
}

class Editor {
 public:
  Editor(const Domain& domain, v1::Intent& intent) : domain_(domain), intent_(intent) {}

  Status apply(const Field& field) {
    switch (field.slot) {
      case Slot::kStreams: return streams(field);
      case Slot::kFrom: return from(field);
      case Slot::kLatency: return latency(field);
      case Slot::kBandwidth:
        return quantity(field, "bandwidth", *spec().mutable_workload()->mutable_traffic()->mutable_up(), parse_bandwidth_bps, format_bandwidth);
      case Slot::kRate:
        return quantity(field, "rate", *spec().mutable_workload()->mutable_traffic()->mutable_requests_per_second(), parse_per_second_milli, format_milli);
      case Slot::kCpu: return quantity(field, "processors", *work().mutable_cpu(), parse_cpu_milli, format_cpu);
      case Slot::kMemory: return quantity(field, "memory", *work().mutable_memory(), parse_memory_mib, format_memory);
      case Slot::kAcceleratorMemory: return quantity(field, "memory", *work().mutable_accelerator_memory(), parse_memory_mib, format_memory);
      case Slot::kAccelerators: return accelerators(field);
      case Slot::kAcceleratorModel:
        work().set_accelerator_model(field.name);
        if (work().accelerators() == 0) work().set_accelerators(1);
        return {};
      case Slot::kArtifact: work().set_artifact(field.name); return {};
      case Slot::kInstances: return instances(field);
      case Slot::kPercentile: spec().mutable_promise()->set_percentile(format_percentile(field.amount)); return {};
      case Slot::kAvailability:
        spec().mutable_promise()->set_availability(field.change == Change::kRemove ? "" : format_fraction(field.amount));
        return {};
      case Slot::kBudget: return budget(field);
      case Slot::kDeadline: return time(field, *spec().mutable_schedule()->mutable_deadline(), "deadline");
      case Slot::kStart: return time(field, *spec().mutable_schedule()->mutable_not_before(), "start");
      case Slot::kRunTime: return quantity(field, "run time", *spec().mutable_schedule()->mutable_run_time(), parse_lifetime_us, format_duration);
      case Slot::kResidency: spec().mutable_where()->add_residency(field.name); return {};
      case Slot::kOnly:
      case Slot::kNot: return place(field);
      case Slot::kPrefer:
        spec().mutable_prefer()->set_cost("1");
        if (field.name == "green") spec().mutable_prefer()->set_carbon("10");
        if (field.name == "cheap") spec().mutable_prefer()->clear_carbon();
        return {};
      default: return {};
    }
  }

 private:
  v1::Intent::Spec& spec() { return *intent_.mutable_spec(); }
  v1::Intent::Instance& work() {
    return spec().workload().has_job() ? *spec().mutable_workload()->mutable_job() : *spec().mutable_workload()->mutable_service();
  }

  template <class T>
  Status quantity(const Field& field, const char* what, std::string& text, Result<T> (*parse)(std::string_view), std::string (*format)(int64_t)) {
    if (field.change == Change::kRemove) {
      text.clear();
      return {};
    }
    const auto after = changed(field, read(text, parse), what);
    if (!after) return tl::unexpected(after.error());
    text = format(*after);
    return {};
  }

  Status latency(const Field& field) {
    if (field.change == Change::kRemove) {
      spec().mutable_promise()->clear_latency();
      spec().mutable_promise()->clear_percentile();
      return {};
    }
    // "Slower is fine" of what promises nothing changes nothing.
    if (field.change == Change::kRelax && spec().promise().latency().empty()) return {};
    if (spec().promise().percentile().empty()) spec().mutable_promise()->set_percentile("99");
    return quantity(field, "latency", *spec().mutable_promise()->mutable_latency(), parse_duration_us, format_duration);
  }

  Status budget(const Field& field) {
    if (field.change == Change::kRemove) {
      spec().clear_budget();
      return {};
    }
    v1::Intent::Budget& budget = *spec().mutable_budget();
    const auto after = changed(field, read(budget.max(), parse_money_nanocredits), "budget");
    if (!after) {
      if (budget.max().empty()) spec().clear_budget();
      return tl::unexpected(after.error());
    }
    budget.set_max(format_money(*after));
    // A bare figure is for the period that it was for.
    if (field.change == Change::kSet && field.name != "total") budget.set_per(field.name);
    if (budget.per().empty()) budget.set_per("month");
    return {};
  }

  // All ingresses keep their share; each keeps one stream.
  Status streams(const Field& field) {
    int64_t before = 0;
    for (const auto& one : spec().from()) before += one.streams();
    const auto after = changed(field, before > 0 ? std::optional(before) : std::nullopt, "streams");
    if (!after) return tl::unexpected(after.error());
    if (before == 0) return nothing("streams");
    if (*after > 1'000'000) return fail(ErrorCode::kInvalid, "gives more than 1000000 streams", {}, "ask for fewer");
    int64_t given = 0;
    for (auto& one : *spec().mutable_from()) {
      one.set_streams(static_cast<int32_t>(std::max<int64_t>(*after * one.streams() / before, 1)));
      given += one.streams();
    }
    auto& first = *spec().mutable_from(0);
    const int64_t rest = first.streams() + *after - given;
    if (rest <= 0) return fail(ErrorCode::kInvalid, "leaves fewer streams than places where they come in", {}, "name the places that remain");
    first.set_streams(static_cast<int32_t>(rest));
    return {};
  }

  Status from(const Field& field) {
    const std::vector<std::string> sites = sites_of(domain_, field.name);
    if (sites.empty()) return fail(ErrorCode::kNotFound, "\"" + field.name + "\" is no site", {}, "'weir get sites' lists them");
    for (const Ingress& added : shared(std::max<int64_t>(field.amount, 1), sites)) {
      auto* const all = spec().mutable_from();
      const auto known = std::find_if(all->begin(), all->end(), [&](const auto& one) { return one.site() == added.site; });
      auto* const one = known != all->end() ? &*known : spec().add_from();
      one->set_site(added.site);
      one->set_streams(static_cast<int32_t>(added.streams));
    }
    return {};
  }

  Status accelerators(const Field& field) {
    const int64_t before = int64_t{1'000} * work().accelerators();
    const auto after = changed(field, before > 0 ? std::optional(before) : std::nullopt, "accelerators");
    if (!after) return tl::unexpected(after.error());
    work().set_accelerators(static_cast<int32_t>((*after + 999) / 1'000));
    work().set_accelerator_share(*after < 1'000 ? format_milli(*after) : "");
    return {};
  }

  Status instances(const Field& field) {
    if (spec().workload().has_job()) {
      const auto after = changed(field, std::max(spec().schedule().instances(), 1), "instances");
      if (!after) return tl::unexpected(after.error());
      spec().mutable_schedule()->set_instances(static_cast<int32_t>(*after));
      return {};
    }
    int64_t streams = 0;
    for (const auto& one : spec().from()) streams += one.streams();
    const int64_t carried = std::max(work().streams_per_instance(), 1);
    const auto after = changed(field, (streams + carried - 1) / carried, "instances");
    if (!after) return tl::unexpected(after.error());
    work().set_streams_per_instance(static_cast<int32_t>(std::max<int64_t>((streams + *after - 1) / *after, 1)));
    return {};
  }

  Status time(const Field& field, std::string& text, const char* what) {
    int64_t at_s = field.amount;
    if (field.change == Change::kAdd) {
      const auto before = text.empty() ? fail(ErrorCode::kInvalid, "") : resource::parse_time_us(text);
      if (!before) return nothing(what);
      at_s = *before / 1'000'000 + field.amount;
    }
    text = resource::format_time(at_s * 1'000'000);
    return {};
  }

  Status place(const Field& field) {
    const std::vector<std::string> sites = sites_of(domain_, field.name);
    if (sites.empty()) return fail(ErrorCode::kNotFound, "no site is called \"" + field.name + "\" or is there", {}, "'weir get sites -o wide' lists sites and regions");
    v1::Intent::Places& where = *spec().mutable_where();
    auto& wanted = field.slot == Slot::kOnly ? *where.mutable_only() : *where.mutable_not_();
    auto& other = field.slot == Slot::kOnly ? *where.mutable_not_() : *where.mutable_only();
    if (field.slot == Slot::kOnly) wanted.Clear();
    for (const std::string& site : sites) {
      const auto stale = std::find(other.begin(), other.end(), site);
      if (stale != other.end()) other.erase(stale);
      if (std::find(wanted.begin(), wanted.end(), site) == wanted.end()) *wanted.Add() = site;
    }
    return {};
  }

  const Domain& domain_;
  v1::Intent& intent_;
};

}  // namespace

Status revise(const Frame& frame, const Domain& domain, v1::Intent& intent) {
  Editor editor(domain, intent);
  for (const Field& field : frame.fields) {
    if (const Status done = editor.apply(field); !done) {
      Error error = done.error();
      error.where = name_of(field.slot);
      return tl::unexpected(error);
    }
  }
  return {};
}

}  // namespace weir::intent
