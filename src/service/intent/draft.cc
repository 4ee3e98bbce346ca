#include "service/intent/draft.h"

#include <algorithm>
#include <array>
#include <functional>

#include "core/units/quantity.h"
#include "service/intent/places.h"
#include "service/resource/time_text.h"
#include "weir/v1/resource.pb.h"

namespace weir::intent {
namespace {

constexpr int64_t kHourUs = int64_t{3'600} * 1'000'000;

// What such work usually takes, where nobody says. An instance of a service carries so many streams; traffic is per stream.
struct Usual {
  std::string_view workload, kind, artifact;
  int32_t port;
  std::string_view cpu, memory;
  int32_t accelerators;
  int32_t streams_per_instance;
  std::string_view up, down, requests_per_second, work;
};
// Detection: as examples/city-cameras measures it. The others are estimates.
constexpr std::array<Usual, 12> kUsual = {{
    {"detection", "service", "detector", 8080, "0.3", "256Mi", 0, 4, "2Mbps", "50kbps", "2", "26ms@reference-core"},
    {"inference", "service", "inference", 8000, "4", "16Gi", 1, 1, "100kbps", "100kbps", "1", "50ms@reference-core"},
    {"transcoding", "service", "transcoder", 8080, "1", "1Gi", 0, 1, "4Mbps", "4Mbps", "1", "200ms@reference-core"},
    {"speech", "service", "speech", 8080, "1", "2Gi", 0, 4, "64kbps", "10kbps", "2", "50ms@reference-core"},
    {"web", "service", "web", 8080, "0.5", "512Mi", 0, 1, "200kbps", "2Mbps", "10", "5ms@reference-core"},
    {"database", "service", "database", 5432, "2", "4Gi", 0, 1, "500kbps", "500kbps", "20", "2ms@reference-core"},
    {"game", "service", "game", 7777, "2", "2Gi", 0, 32, "128kbps", "256kbps", "20", "1ms@reference-core"},
    {"training", "job", "trainer", 0, "4", "16Gi", 1, 0, "", "", "", ""},
    {"rendering", "job", "renderer", 0, "4", "8Gi", 0, 0, "", "", "", ""},
    {"simulation", "job", "simulation", 0, "4", "8Gi", 0, 0, "", "", "", ""},
    {"analysis", "job", "analysis", 0, "2", "4Gi", 0, 0, "", "", "", ""},
    {"", "service", "", 8080, "1", "1Gi", 0, 1, "1Mbps", "100kbps", "1", "10ms@reference-core"},
}};

const Usual& usual_of(std::string_view workload) {
  const auto found = std::find_if(kUsual.begin(), kUsual.end(), [&](const Usual& one) { return one.workload == workload; });
  return found == kUsual.end() ? kUsual.back() : *found;
}

std::string name_after(std::string_view work, const Domain& domain) {
  const std::string base = work.empty() ? "work" : std::string(work);
  std::string name = base;
  for (int n = 2; std::find(domain.intents.begin(), domain.intents.end(), name) != domain.intents.end(); ++n) name = base + "-" + std::to_string(n);
  return name;
}

bool overlap(const TextSpan& a, const TextSpan& b) { return a.begin < b.end && b.begin < a.end; }

// A budget per hour, and the period to write it by. Of a total: over the run time.
struct Spending {
  int64_t nanocredits = 0;
  std::string per;
};
Spending spending(const Field& budget, const Field* run_time) {
  if (budget.name != "total") return {budget.amount, budget.name};
  if (run_time == nullptr) return {budget.amount, "month"};
  const __int128 per_hour = static_cast<__int128>(budget.amount) * kHourUs / std::max<int64_t>(run_time->amount, 1);
  return {static_cast<int64_t>(std::min<__int128>(per_hour, int64_t{1'000'000'000} * 1'000'000'000)), "hour"};
}

class Writer {
 public:
  Writer(const Frame& frame, const Domain& domain, v1::Intent& out, const v1::Intent* before) : frame_(frame), domain_(domain), out_(out), before_(before) {}

  Draft write(std::string_view tenant) {
    for (const Doubt& doubt : frame_.doubts) {
      if (doubt.kind == DoubtKind::kConflict) draft_.questions.push_back({doubt, {}});
    }
    const Field* workload = frame_.find(Slot::kWorkload);
    usual_ = &usual_of(workload != nullptr ? workload->name : "");
    out_.set_api_version("weir/v1");
    out_.set_kind("Intent");
    const Field* artifact = frame_.find(Slot::kArtifact);
    const Field* target = frame_.find(Slot::kTarget);
    // An intent may be called after its work: who asks for such work does not mean that intent.
    const bool named = target != nullptr && target->name != "all" && !(workload != nullptr && overlap(workload->span, target->span));
    out_.mutable_metadata()->set_name(named ? target->name
                                      : name_after(workload != nullptr ? workload->name : artifact != nullptr ? artifact->name : "", domain_));
    out_.mutable_metadata()->set_tenant(std::string(tenant));
    decide_kind();
    instance(artifact);
    if (service_) traffic();
    promise();
    places();
    preference();
    budget();
    if (!service_) schedule();
    if (frame_.find(Slot::kRunTime) != nullptr && service_) assume(Slot::kRunTime, "");
    std::stable_sort(draft_.questions.begin(), draft_.questions.end(),
                     [](const Question& a, const Question& b) { return a.assumed.empty() && !b.assumed.empty(); });
    return std::move(draft_);
  }

 private:
  v1::Intent::Spec& spec() { return *out_.mutable_spec(); }
  v1::Intent::Instance& work() { return service_ ? *spec().mutable_workload()->mutable_service() : *spec().mutable_workload()->mutable_job(); }
  void assume(Slot slot, std::string value) { draft_.assumptions.push_back({slot, std::move(value)}); }
  void assume_before(Slot slot, std::string value) { draft_.assumptions.push_back({slot, std::move(value), before_->metadata().name()}); }
  // Its instance, where it was of the same kind.
  const v1::Intent::Instance* worked_before() const {
    if (before_ == nullptr || before_->spec().workload().has_job() == service_) return nullptr;
    return service_ ? &before_->spec().workload().service() : &before_->spec().workload().job();
  }
  // What is usual, or else what was before: where it says something else, in whatever unit.
  template <class T>
  std::string assumed(Slot slot, std::string_view usual, const std::string* before, Result<T> (*parse)(std::string_view)) {
    if (before != nullptr && !before->empty()) {
      const auto now = parse(usual), then = parse(*before);
      if (then && (!now || *now != *then)) {
        assume_before(slot, *before);
        return *before;
      }
    }
    assume(slot, std::string(usual));
    return std::string(usual);
  }
  void ask(DoubtKind kind, Slot slot, std::string said, std::string assumed) {
    draft_.questions.push_back({{kind, slot, std::move(said)}, std::move(assumed)});
  }

  void decide_kind() {
    if (const Field* kind = frame_.find(Slot::kKind)) {
      service_ = kind->name == "service";
      return;
    }
    const bool ends = frame_.find(Slot::kRunTime) != nullptr || frame_.find(Slot::kDeadline) != nullptr || frame_.find(Slot::kAccelerators) != nullptr;
    const bool streams = frame_.find(Slot::kStreams) != nullptr || frame_.find(Slot::kLatency) != nullptr;
    service_ = streams || !ends;
    assume(Slot::kKind, service_ ? "service" : "job");
  }

  void instance(const Field* artifact) {
    v1::Intent::Instance& one = work();
    const v1::Intent::Instance* before = worked_before();
    if (artifact != nullptr) {
      one.set_artifact(artifact->name);
    } else if (before != nullptr && !before->artifact().empty() && before->artifact() != usual_->artifact) {
      one.set_artifact(before->artifact());
      assume_before(Slot::kArtifact, one.artifact());
    } else if (!usual_->artifact.empty()) {
      one.set_artifact(std::string(usual_->artifact));
      assume(Slot::kArtifact, one.artifact());
    } else {
      ask(DoubtKind::kMissing, Slot::kWorkload, {}, {});
    }
    if (service_) one.set_port(usual_->port > 0 ? usual_->port : 8080);
    if (const Field* cpu = frame_.find(Slot::kCpu)) {
      one.set_cpu(format_cpu(cpu->amount));
    } else {
      one.set_cpu(assumed(Slot::kCpu, usual_->cpu, before != nullptr ? &before->cpu() : nullptr, parse_cpu_milli));
    }
    if (const Field* memory = frame_.find(Slot::kMemory)) {
      one.set_memory(format_memory(memory->amount));
    } else {
      one.set_memory(assumed(Slot::kMemory, usual_->memory, before != nullptr ? &before->memory() : nullptr, parse_memory_mib));
    }
    accelerators(one, before);
  }

  void accelerators(v1::Intent::Instance& one, const v1::Intent::Instance* before) {
    const Field* count = frame_.find(Slot::kAccelerators);
    const Field* model = frame_.find(Slot::kAcceleratorModel);
    const Field* memory = frame_.find(Slot::kAcceleratorMemory);
    if (count != nullptr && count->amount < 1'000) {
      one.set_accelerators(1);
      one.set_accelerator_share(format_milli(count->amount));
    } else if (count != nullptr) {
      one.set_accelerators(static_cast<int32_t>((count->amount + 999) / 1'000));
    } else if (model == nullptr && memory == nullptr && before != nullptr && before->accelerators() > 0 &&
               (before->accelerators() != usual_->accelerators || !before->accelerator_model().empty() || !before->accelerator_share().empty())) {
      one.set_accelerators(before->accelerators());
      one.set_accelerator_share(before->accelerator_share());
      one.set_accelerator_model(before->accelerator_model());
      one.set_accelerator_memory(before->accelerator_memory());
      const std::string count_text = one.accelerator_share().empty() ? std::to_string(one.accelerators()) : one.accelerator_share();
      assume_before(Slot::kAccelerators, count_text + (one.accelerator_model().empty() ? "" : " " + one.accelerator_model()) +
                                             (one.accelerator_memory().empty() ? "" : " " + one.accelerator_memory()));
    } else if (usual_->accelerators > 0 || model != nullptr || memory != nullptr) {
      one.set_accelerators(std::max(usual_->accelerators, 1));
      assume(Slot::kAccelerators, std::to_string(one.accelerators()));
    }
    if (model != nullptr) one.set_accelerator_model(model->name);
    if (memory != nullptr) one.set_accelerator_memory(format_memory(memory->amount));
  }

  void traffic() {
    int64_t streams = 1;
    if (const Field* said = frame_.find(Slot::kStreams)) {
      streams = said->amount;
    } else {
      const int64_t came = streams_before();
      streams = std::max<int64_t>(came, 1);
      ask(DoubtKind::kMissing, Slot::kStreams, {}, std::to_string(streams));
      if (came > 1) assume_before(Slot::kStreams, std::to_string(streams));
      else assume(Slot::kStreams, "1");
    }
    ingresses(streams);
    v1::Intent::Instance& one = work();
    const v1::Intent::Instance* before = worked_before();
    int64_t carried = usual_->streams_per_instance > 0 ? usual_->streams_per_instance : 1;
    if (const Field* instances = frame_.find(Slot::kInstances)) {
      carried = std::max<int64_t>((streams + instances->amount - 1) / instances->amount, 1);
    } else if (before != nullptr && before->streams_per_instance() > 0 && before->streams_per_instance() != carried) {
      carried = before->streams_per_instance();
      assume_before(Slot::kInstances, std::to_string((streams + carried - 1) / carried));
    } else {
      assume(Slot::kInstances, std::to_string((streams + carried - 1) / carried));
    }
    one.set_streams_per_instance(static_cast<int32_t>(carried));
    v1::Intent::Load& load = *spec().mutable_workload()->mutable_traffic();
    if (const Field* up = frame_.find(Slot::kBandwidth)) {
      load.set_up(format_bandwidth(up->amount));
    } else {
      load.set_up(assumed(Slot::kBandwidth, usual_->up.empty() ? kUsual.back().up : usual_->up, before != nullptr ? &before_->spec().workload().traffic().up() : nullptr,
                          parse_bandwidth_bps));
    }
    load.set_down(std::string(usual_->down.empty() ? kUsual.back().down : usual_->down));
    if (const Field* rate = frame_.find(Slot::kRate)) {
      load.set_requests_per_second(format_milli(rate->amount));
    } else {
      load.set_requests_per_second(assumed(Slot::kRate, usual_->requests_per_second.empty() ? kUsual.back().requests_per_second : usual_->requests_per_second,
                                           before != nullptr ? &before_->spec().workload().traffic().requests_per_second() : nullptr, parse_per_second_milli));
    }
    load.set_work_per_request(std::string(usual_->work.empty() ? kUsual.back().work : usual_->work));
  }

  int64_t streams_before() const {
    int64_t out = 0;
    if (worked_before() == nullptr) return out;
    for (const auto& one : before_->spec().from()) out += one.streams();
    return out;
  }
  // Where they came in before, in equal shares; empty: it is not known, or one of the places is no more.
  std::vector<std::string> ingresses_before() const {
    std::vector<std::string> out;
    if (worked_before() == nullptr) return out;
    for (const auto& one : before_->spec().from()) {
      const bool known = std::any_of(domain_.sites.begin(), domain_.sites.end(), [&](const Domain::Site& site) { return site.name == one.site(); });
      if (!known) return {};
      out.push_back(one.site());
    }
    return out;
  }
  void ingresses(int64_t streams) {
    std::vector<std::string> open;
    int64_t counted = 0;
    for (const Field& field : frame_.fields) {
      if (field.slot != Slot::kFrom) continue;
      std::vector<std::string> sites = sites_of(domain_, field.name);
      if (sites.empty() && domain_.sites.empty()) sites = {field.name};
      if (sites.empty()) {
        ask(DoubtKind::kUnclear, Slot::kFrom, field.name, {});
        return;
      }
      if (field.amount > 0) {
        counted += field.amount;
        for (const Ingress& one : shared(field.amount, sites)) add_ingress(one);
      } else {
        open.insert(open.end(), sites.begin(), sites.end());
      }
    }
    if (!open.empty()) {
      for (const Ingress& one : shared(std::max<int64_t>(streams - counted, 1), open)) add_ingress(one);
      return;
    }
    if (counted > 0) return;
    std::vector<std::string> sites = ingresses_before();
    std::vector<std::string> usual = likely_ingresses(domain_);
    const bool before = !sites.empty() && sites != usual;
    const std::vector<Ingress> likely = shared(streams, before ? std::move(sites) : std::move(usual));
    std::string text;
    for (const Ingress& one : likely) {
      add_ingress(one);
      text += (text.empty() ? "" : ", ") + one.site + " " + std::to_string(one.streams);
    }
    ask(DoubtKind::kMissing, Slot::kFrom, {}, text);
    if (text.empty()) return;
    if (before) assume_before(Slot::kFrom, text);
    else assume(Slot::kFrom, text);
  }
  void add_ingress(const Ingress& one) {
    auto* from = spec().add_from();
    from->set_site(one.site);
    from->set_streams(static_cast<int32_t>(one.streams));
  }

  void promise() {
    const Field* latency = frame_.find(Slot::kLatency);
    const Field* percentile = frame_.find(Slot::kPercentile);
    const v1::Intent::Promised* promised = worked_before() != nullptr ? &before_->spec().promise() : nullptr;
    if (latency != nullptr) {
      spec().mutable_promise()->set_latency(format_duration(latency->amount));
      spec().mutable_promise()->set_percentile(percentile != nullptr ? format_percentile(percentile->amount)
                                                                     : assumed(Slot::kPercentile, "99", promised != nullptr ? &promised->percentile() : nullptr, parse_percentile_ppm));
    } else if (promised != nullptr && !promised->latency().empty()) {
      spec().mutable_promise()->set_latency(promised->latency());
      spec().mutable_promise()->set_percentile(percentile != nullptr ? format_percentile(percentile->amount) : promised->percentile());
      assume_before(Slot::kLatency, promised->latency());
      if (percentile == nullptr) assume_before(Slot::kPercentile, promised->percentile());
    } else if (service_) {
      assume(Slot::kLatency, "");
    }
    if (const Field* available = frame_.find(Slot::kAvailability)) {
      spec().mutable_promise()->set_availability(format_fraction(available->amount));
    } else if (prefers("safe")) {
      spec().mutable_promise()->set_availability("99.9%");
      assume(Slot::kAvailability, "99.9%");
    } else if (promised != nullptr && !promised->availability().empty()) {
      spec().mutable_promise()->set_availability(promised->availability());
      assume_before(Slot::kAvailability, promised->availability());
    }
  }

  bool prefers(std::string_view what) const {
    return std::any_of(frame_.fields.begin(), frame_.fields.end(), [&](const Field& field) { return field.slot == Slot::kPrefer && field.name == what; });
  }

  void places() {
    for (const Field& field : frame_.fields) {
      if (field.slot == Slot::kResidency) spec().mutable_where()->add_residency(field.name);
      if (field.slot != Slot::kOnly && field.slot != Slot::kNot) continue;
      std::vector<std::string> sites = sites_of(domain_, field.name);
      if (sites.empty() && domain_.sites.empty()) sites = {field.name};
      if (sites.empty()) {
        ask(DoubtKind::kUnclear, field.slot, field.name, {});
        continue;
      }
      for (const std::string& site : sites) {
        if (field.slot == Slot::kOnly) spec().mutable_where()->add_only(site);
        else spec().mutable_where()->add_not_(site);
      }
    }
  }

  void preference() {
    const bool green = prefers("green"), cheap = prefers("cheap");
    if (green || cheap) {
      spec().mutable_prefer()->set_cost("1");
      if (green) spec().mutable_prefer()->set_carbon(cheap ? "1" : "10");
    }
    if (prefers("fast")) assume(Slot::kPrefer, "fast");
  }

  void budget() {
    const Field* said = frame_.find(Slot::kBudget);
    if (said == nullptr || said->change != Change::kSet) return;
    const Spending out = spending(*said, frame_.find(Slot::kRunTime));
    spec().mutable_budget()->set_max(format_money(out.nanocredits));
    spec().mutable_budget()->set_per(out.per);
    if (said->name == "total" && frame_.find(Slot::kRunTime) == nullptr) {
      ask(DoubtKind::kUnclear, Slot::kBudget, format_money(said->amount), "month");
      assume(Slot::kBudget, format_money(out.nanocredits) + "/" + out.per);
    }
  }

  void schedule() {
    const auto write = [&](Slot slot, auto&& set) {
      if (const Field* field = frame_.find(slot)) set(*field, *spec().mutable_schedule());
    };
    write(Slot::kInstances, [](const Field& f, v1::Intent::Timing& t) { t.set_instances(static_cast<int32_t>(f.amount)); });
    write(Slot::kRunTime, [](const Field& f, v1::Intent::Timing& t) { t.set_run_time(format_duration(f.amount)); });
    write(Slot::kStart, [](const Field& f, v1::Intent::Timing& t) { t.set_not_before(resource::format_time(f.amount * 1'000'000)); });
    write(Slot::kDeadline, [](const Field& f, v1::Intent::Timing& t) { t.set_deadline(resource::format_time(f.amount * 1'000'000)); });
  }

  const Frame& frame_;
  const Domain& domain_;
  v1::Intent& out_;
  const v1::Intent* before_;
  const Usual* usual_ = nullptr;
  bool service_ = true;
  Draft draft_;
};

}  // namespace

Draft draft(const Frame& frame, const Domain& domain, std::string_view tenant, v1::Intent& out, const v1::Intent* before) {
  return Writer(frame, domain, out, before).write(tenant);
}

}  // namespace weir::intent
