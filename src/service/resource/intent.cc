#include <algorithm>
#include <array>

#include "core/event/limits.h"
#include "core/units/quantity.h"
#include "core/units/text.h"
#include "service/resource/convert.h"

namespace weir::resource {
namespace {

constexpr int32_t kPpm32 = static_cast<int32_t>(kPpm);

struct Period {
  std::string_view name;
  int64_t hours;
};
constexpr std::array<Period, 3> kPeriods = {{{"hour", 1}, {"day", 24}, {"month", 730}}};

std::string digest_of(const std::string& path, std::string digest, Checks& checks) {
  if (digest.starts_with("sha256:")) digest.erase(0, 7);
  const bool hex = std::all_of(digest.begin(), digest.end(),
                               [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!digest.empty() && (digest.size() != 64 || !hex)) {
    checks.refuse(path, "is not a SHA-256 digest", "write its 64 lower-case hexadecimal digits");
  }
  return digest;
}

// Of one accelerator, in thousandths.
Result<int32_t> parse_share_milli(std::string_view text) {
  const auto share = parse_cpu_milli(text);
  if (share && *share > 0 && *share <= kDeviceMilli) return share;
  return fail(ErrorCode::kInvalid, "\"" + clip_utf8(text, 40) + "\" is not a share of one accelerator", {},
              "write it like 0.5 or 500m, from 0.001 to 1");
}

// Which part of one accelerator, and how able each has to be.
void read_devices(const std::string& path, const v1::Intent::Instance& in, Workload& out, Checks& checks) {
  const auto needs_some = [&](const std::string& field, const std::string& text) {
    checks.require(text.empty() || out.accelerators > 0, path + field, "is given, but no accelerator is asked for",
                   "write accelerators: 1");
    return !text.empty() && out.accelerators > 0;
  };
  if (needs_some(".accelerator_share", in.accelerator_share())) {
    const std::string field = path + ".accelerator_share";
    const auto share = checks.quantity(field, in.accelerator_share(), parse_share_milli, "0.5 or 500m");
    checks.require(out.accelerators == 1, field, "is of one accelerator, and more are asked for",
                   "write accelerators: 1, or leave the share out");
    // All of a device is a whole one.
    if (share > 0 && share < kDeviceMilli) out.accelerator_milli = share;
  }
  if (in.accelerators_linked()) {
    const std::string field = path + ".accelerators_linked";
    checks.require(out.accelerators > 1, field, "links accelerators, and fewer than 2 are asked for",
                   "write accelerators: 2 or more, or leave it out");
    out.accelerators_linked = out.accelerators > 1;
  }
  if (needs_some(".accelerator_memory", in.accelerator_memory())) {
    const std::string field = path + ".accelerator_memory";
    out.accelerator_memory_mib = checks.quantity(field, in.accelerator_memory(), parse_memory_mib, "8Gi");
    checks.require(out.accelerator_memory_mib > 0, field, "is zero", "write it like 8Gi");
  }
  if (needs_some(".accelerator_fp16_tflops", in.accelerator_fp16_tflops())) {
    const std::string field = path + ".accelerator_fp16_tflops";
    // Thousandths of a TFLOPS are GFLOPS.
    out.accelerator_fp16_gflops_min = checks.quantity(field, in.accelerator_fp16_tflops(), parse_cpu_milli, "100 or 312.5");
    checks.require(out.accelerator_fp16_gflops_min > 0, field, "is zero", "write it like 100 or 312.5");
  }
}

Workload workload_from(const v1::Intent::Work& work, Checks& checks) {
  const std::string at = "spec.workload";
  if (work.has_service() && work.has_job()) {
    checks.refuse(at, "is both a service and a job", "keep one of them");
    return {};
  }
  if (!work.has_service() && !work.has_job()) {
    checks.missing(at + ".service", "describe one instance under service, or under job");
    return {};
  }
  return work.has_service() ? instance_from(at + ".service", work.service(), WorkKind::kService, checks)
                            : instance_from(at + ".job", work.job(), WorkKind::kJob, checks);
}

Traffic traffic_from(const v1::Intent::Load& load, Checks& checks) {
  const std::string path = "spec.workload.traffic";
  Traffic out;
  out.up_bps = checks.quantity<int64_t>(path + ".up", load.up(), parse_bandwidth_bps, "2Mbps", 0);
  out.down_bps = checks.quantity<int64_t>(path + ".down", load.down(), parse_bandwidth_bps, "50kbps", 0);
  out.requests_per_second_milli = checks.quantity<int64_t>(
      path + ".requests_per_second", load.requests_per_second(), parse_per_second_milli, "2", 0);
  out.work_us_per_request = checks.quantity<int64_t>(path + ".work_per_request", load.work_per_request(),
                                                     parse_work_us, "30ms@reference-core", 0);
  out.between_bps = checks.quantity<int64_t>(path + ".between", load.between(), parse_bandwidth_bps, "200Mbps", 0);
  checks.require(load.between().empty() || out.between_bps > 0, path + ".between", "is zero", "write it like 200Mbps, or leave it out");
  return out;
}

Promise promise_from(const v1::Intent::Promised& promised, Checks& checks) {
  const std::string path = "spec.promise";
  Promise out;
  out.latency_us_max =
      checks.quantity<int64_t>(path + ".latency", promised.latency(), parse_duration_us, "500ms", 0);
  checks.require(promised.latency().empty() || out.latency_us_max > 0, path + ".latency",
                 "nothing answers within 0us", "write it like 500ms, or leave it out");
  checks.require(promised.percentile().empty() || out.latency_us_max > 0, path + ".percentile",
                 "is given without a latency", "add latency, or remove percentile");
  out.percentile_ppm = checks.quantity<int32_t>(path + ".percentile", promised.percentile(),
                                                parse_percentile_ppm, "99", 990'000);
  out.availability_ppm = checks.quantity<int32_t>(path + ".availability", promised.availability(),
                                                  parse_fraction_ppm, "99.9%", 0);
  checks.require(out.availability_ppm < kPpm32, path + ".availability",
                 "nothing is available 100% of the time", "write it like 99.9%, or leave it out");
  return out;
}

std::vector<std::string> others_from(const std::string& path, const std::vector<std::string>& names, const Intent& out,
                                     Checks& checks) {
  std::vector<std::string> others = checks.names(path, names, limits::kIntentsNamedMax);
  for (size_t i = 0; i < others.size(); ++i) {
    checks.require(others[i] != out.spec.name, path + "[" + std::to_string(i) + "]",
                   "\"" + others[i] + "\" is this intent itself",
                   "name other intents; spec.where.sites keeps its own instances apart");
  }
  return others;
}

void places_from(const v1::Intent::Places& places, Intent& out, Checks& checks) {
  out.spec.where.residency =
      checks.names("spec.where.residency", strings(places.residency()), limits::kResidencyLabelsMax);
  std::sort(out.spec.where.residency.begin(), out.spec.where.residency.end());
  out.only = checks.names("spec.where.only", strings(places.only()), limits::kSitesNamedMax);
  out.not_at = checks.names("spec.where.not", strings(places.not_()), limits::kSitesNamedMax);
  for (size_t i = 0; i < out.not_at.size(); ++i) {
    checks.require(std::find(out.only.begin(), out.only.end(), out.not_at[i]) == out.only.end(),
                   "spec.where.not[" + std::to_string(i) + "]",
                   "\"" + out.not_at[i] + "\" is also in spec.where.only", "remove it from one of them");
  }
  Where& where = out.spec.where;
  const auto different = [&](const std::string& path, bool given, int32_t value, const std::string& what) {
    const int32_t count = given ? checks.number(path, value, 1, limits::kSitesNamedMax) : 1;
    checks.require(out.only.empty() || static_cast<size_t>(count) <= out.only.size(), path,
                   std::to_string(count) + " different " + what + " cannot be among the " +
                       std::to_string(out.only.size()) + " of spec.where.only",
                   "lower it, or allow more sites");
    return count;
  };
  where.sites_min = different("spec.where.sites", places.has_sites(), places.sites(), "sites");
  // One is what any plan has.
  const auto more_than_one = [](int32_t count) { return count > 1 ? count : 0; };
  where.regions_min =
      more_than_one(different("spec.where.regions", places.has_regions(), places.regions(), "regions"));
  where.failure_domains_min = more_than_one(different(
      "spec.where.failure_domains", places.has_failure_domains(), places.failure_domains(), "failure domains"));
  out.near = others_from("spec.where.near", strings(places.near()), out, checks);
  out.apart_from = others_from("spec.where.apart_from", strings(places.apart_from()), out, checks);
  for (size_t i = 0; i < out.apart_from.size(); ++i) {
    checks.require(std::find(out.near.begin(), out.near.end(), out.apart_from[i]) == out.near.end(),
                   "spec.where.apart_from[" + std::to_string(i) + "]",
                   "\"" + out.apart_from[i] + "\" is also in spec.where.near", "remove it from one of them");
  }
  where.at_data = places.at_data();
  where.same_rack = places.same_rack();
  const bool apart = where.sites_min > 1 || where.regions_min > 1 || where.failure_domains_min > 1;
  checks.require(!where.same_rack || !apart, "spec.where.same_rack",
                 "is asked for beside different places, and a rack is one place",
                 "leave it out, or spec.where.sites, regions and failure_domains");
  where.tolerates = checks.names("spec.where.tolerates", strings(places.tolerates()), limits::kTaintsKnownMax);
  std::sort(where.tolerates.begin(), where.tolerates.end());
  if (!places.speed_min().empty()) {
    const std::string path = "spec.where.speed_min";
    out.spec.workload.speed_milli_min = checks.quantity(path, places.speed_min(), parse_cpu_milli, "1 or 1.5");
    checks.require(out.spec.workload.speed_milli_min > 0, path, "is zero", "write it like 1 or 1.5, of the reference core");
  }
}

int64_t budget_from(const v1::Intent::Budget& budget, Checks& checks) {
  const int64_t max =
      checks.quantity(std::string("spec.budget.max"), budget.max(), parse_money_nanocredits, "20");
  checks.require(max > 0, "spec.budget.max", "nothing is free",
                 "write the most you would pay, or leave budget out");
  const auto period =
      std::find_if(kPeriods.begin(), kPeriods.end(), [&](const Period& p) { return p.name == budget.per(); });
  if (period == kPeriods.end()) {
    checks.refuse("spec.budget.per",
                  budget.per().empty() ? "is missing" : "\"" + budget.per() + "\" is not a period",
                  "write hour, day or month (730 hours)");
    return 0;
  }
  // Rounded down: a budget is never exceeded, and 0 would mean none.
  return std::max<int64_t>(max / period->hours, 1);
}

// It waits in no queue, and nothing is promised of it.
void check_best_effort(const v1::Intent::Spec& spec, Checks& checks) {
  const v1::Intent::Timing& timing = spec.schedule();
  const auto refuse = [&checks](const char* path, bool given, const char* why) {
    checks.require(!given, path, std::string("is given beside best_effort, and ") + why, "remove one of the two");
  };
  const char* no_queue = "best-effort work waits in no queue";
  refuse("spec.from", spec.from_size() > 0, "best-effort work has no streams");
  refuse("spec.promise", spec.has_promise(), "nothing is promised of best-effort work");
  refuse("spec.schedule.queue", !timing.queue().empty(), no_queue);
  refuse("spec.schedule.reservation", !timing.reservation().empty(), no_queue);
  refuse("spec.schedule.not_before", !timing.not_before().empty(), no_queue);
  refuse("spec.schedule.deadline", !timing.deadline().empty(), no_queue);
  refuse("spec.schedule.instances_min", timing.has_instances_min(), no_queue);
  refuse("spec.schedule.start_slack", !timing.start_slack().empty(), no_queue);
}

// Bandwidth between the instances of a job: they begin together, and as many as they are from the start.
void check_between(const v1::Intent::Spec& given, const IntentSpec& spec, Checks& checks) {
  const std::string path = "spec.workload.traffic.between";
  const v1::Intent::Load& load = given.workload().traffic();
  if (spec.workload.kind != WorkKind::kJob) {
    return checks.refuse(path, "is of jobs", "describe a job, or remove it");
  }
  checks.require(given.from_size() == 0, path, "is given beside spec.from", "leave out one of the two");
  checks.require(spec.schedule.instances >= 2 || given.from_size() > 0, path, "is given, but there is only one instance",
                 "give spec.schedule.instances, at least 2, or remove it");
  checks.require(spec.schedule.instances <= limits::kInstancesBetweenMax, path,
                 "is given for more than " + std::to_string(limits::kInstancesBetweenMax) + " instances", "ask for fewer, or remove it");
  checks.require(spec.schedule.tasks == 0, path, "is given beside spec.schedule.tasks", "leave out one of the two");
  checks.require(spec.schedule.instances_min == 0, path, "is given beside spec.schedule.instances_min",
                 "leave out one of the two");
  checks.require(!spec.workload.best_effort, path, "is given beside best_effort, and nothing is reserved for best-effort work",
                 "leave out one of the two");
  checks.require(load.up().empty() && load.down().empty() && load.requests_per_second().empty() && load.work_per_request().empty(), path,
                 "is given beside what streams need", "a job without streams has between alone");
  checks.require(spec.promise.latency_us_max == 0, path, "is given beside a latency", "leave out one of the two");
}

}  // namespace

Workload instance_from(const std::string& path, const v1::Intent::Instance& in, WorkKind kind, Checks& checks) {
  Workload out{.kind = kind};
  out.artifact = checks.name(path + ".artifact", in.artifact());
  out.digest = digest_of(path + ".digest", in.digest(), checks);
  if (static_cast<size_t>(in.command_size()) > limits::kArgumentsMax) {
    checks.refuse(path + ".command",
                  std::to_string(in.command_size()) + " arguments are more than " +
                      std::to_string(limits::kArgumentsMax),
                  "");
  }
  for (int i = 0; i < in.command_size() && checks.ok(); ++i) {
    out.command.push_back(
        checks.text(path + ".command[" + std::to_string(i) + "]", in.command(i), limits::kArgumentBytesMax));
  }
  out.cpu_milli = checks.quantity(path + ".cpu", in.cpu(), parse_cpu_milli, "0.3 or 300m");
  checks.require(out.cpu_milli > 0, path + ".cpu", "is zero", "write it like 0.3 or 300m");
  out.memory_mib = checks.quantity(path + ".memory", in.memory(), parse_memory_mib, "256Mi");
  checks.require(out.memory_mib > 0, path + ".memory", "is zero", "write it like 256Mi");
  out.accelerators =
      static_cast<int16_t>(checks.number(path + ".accelerators", in.accelerators(), 0, 32'767));
  out.accelerator_model =
      checks.text(path + ".accelerator_model", in.accelerator_model(), limits::kNameBytesMax);
  checks.require(out.accelerator_model.empty() || out.accelerators > 0, path + ".accelerator_model",
                 "is given, but no accelerator is asked for", "write accelerators: 1");
  read_devices(path, in, out, checks);
  out.best_effort = in.best_effort();
  checks.require(!out.best_effort || kind == WorkKind::kJob, path + ".best_effort", "is given for a service",
                 "only jobs are best-effort: remove it, or describe a job");
  checks.require(!out.best_effort || out.accelerators == 0, path + ".best_effort", "is given beside accelerators",
                 "accelerators are not shared so: ask for none, or remove it");
  if (out.kind == WorkKind::kService) {
    checks.require(in.port() != 0, path + ".port", "is missing",
                   "give the TCP port that the service listens on");
    out.port = checks.number(path + ".port", in.port(), 1, 65'535);
    out.streams_per_instance =
        in.has_streams_per_instance()
            ? checks.number(path + ".streams_per_instance", in.streams_per_instance(), 1, limits::kStreamsMax)
            : 1;
  } else {
    checks.require(in.port() == 0, path + ".port", "is given for a job", "remove it, or describe a service");
    checks.require(!in.has_streams_per_instance(), path + ".streams_per_instance", "is given for a job",
                   "remove it, or describe a service");
  }
  return out;
}

Intent intent_from(const v1::Intent& message, const Context& context, Checks& checks) {
  Intent out;
  out.spec.name = message.metadata().name();
  const std::string& tenant = message.metadata().tenant();
  out.tenant = checks.name("metadata.tenant", tenant.empty() ? context.tenant : tenant);
  const v1::Intent::Spec& spec = message.spec();
  out.spec.workload = workload_from(spec.workload(), checks);

  if (out.spec.workload.kind == WorkKind::kService && spec.from_size() == 0) {
    checks.missing("spec.from", "say where the streams come from: [{site: street-a, streams: 6}]");
  }
  if (static_cast<size_t>(spec.from_size()) > limits::kIngressesMax) {
    checks.refuse(
        "spec.from",
        std::to_string(spec.from_size()) + " entries are more than " + std::to_string(limits::kIngressesMax),
        "");
  }
  for (int i = 0; i < spec.from_size() && checks.ok(); ++i) {
    const std::string path = "spec.from[" + std::to_string(i) + "]";
    const std::string site = checks.name(path + ".site", spec.from(i).site());
    checks.require(std::find(out.from.begin(), out.from.end(), site) == out.from.end(), path + ".site",
                   "\"" + site + "\" is listed twice", "add up its streams in one entry");
    checks.require(spec.from(i).streams() != 0, path + ".streams", "is missing",
                   "give the number of streams, at least 1");
    out.spec.from.push_back(
        {SiteId(), checks.number(path + ".streams", spec.from(i).streams(), 1, limits::kStreamsMax)});
    out.from.push_back(site);
  }

  out.spec.traffic = traffic_from(spec.workload().traffic(), checks);
  out.spec.promise = promise_from(spec.promise(), checks);
  places_from(spec.where(), out, checks);
  out.spec.prefer.cost_milli =
      checks.quantity<int32_t>("spec.prefer.cost", spec.prefer().cost(), parse_weight_milli, "1", 1000);
  out.spec.prefer.carbon_milli =
      checks.quantity<int32_t>("spec.prefer.carbon", spec.prefer().carbon(), parse_weight_milli, "0.5", 0);
  checks.require(out.spec.prefer.cost_milli > 0 || out.spec.prefer.carbon_milli > 0, "spec.prefer",
                 "cost and carbon both weigh 0, so that no plan is better than another",
                 "give one of them weight");
  if (spec.has_budget()) out.spec.budget_per_hour_max = budget_from(spec.budget(), checks);
  if (spec.has_schedule()) {
    out.spec.schedule = schedule_from(spec.schedule(), out.spec.workload.kind == WorkKind::kJob, checks);
    checks.require(out.spec.schedule.tasks == 0 || spec.from_size() == 0, "spec.schedule.tasks", "is given beside spec.from",
                   "the tasks of an array have no streams: leave out one of the two");
    const std::string least = "spec.schedule.instances_min";
    checks.require(out.spec.schedule.instances_min == 0 || spec.from_size() == 0, least, "is given beside spec.from",
                   "streams say how many instances there are: leave out one of the two");
    const Where& where = out.spec.where;
    checks.require(out.spec.schedule.instances_min == 0 || std::max({where.sites_min, where.regions_min, where.failure_domains_min}) < 2, least,
                   "is given beside different sites, regions or failure domains in spec.where",
                   "with fewer instances they could not be in as many: leave out one of the two");
  }
  if (out.spec.workload.best_effort) check_best_effort(spec, checks);
  if (out.spec.traffic.between_bps > 0) check_between(spec, out.spec, checks);
  out.data = checks.names("spec.data", strings(spec.data()), limits::kDatasetsNamedMax);
  out.spec.data.resize(out.data.size());
  checks.require(!out.spec.where.at_data || !out.data.empty(), "spec.where.at_data",
                 "is asked for, but the intent has no data", "name data sets in spec.data, or remove it");
  out.spec.where.near.resize(out.near.size());
  out.spec.where.apart_from.resize(out.apart_from.size());
  out.spec.where.only.resize(out.only.size());
  out.spec.where.not_at.resize(out.not_at.size());
  return out;
}

void fill(const Intent& value, v1::Intent& message) {
  message.mutable_metadata()->set_name(value.spec.name);
  message.mutable_metadata()->set_tenant(value.tenant);
  v1::Intent::Spec& spec = *message.mutable_spec();
  for (size_t i = 0; i < value.from.size(); ++i) {
    auto* from = spec.add_from();
    from->set_site(value.from[i]);
    from->set_streams(value.spec.from[i].streams);
  }
  const Workload& work = value.spec.workload;
  auto& instance = work.kind == WorkKind::kService ? *spec.mutable_workload()->mutable_service()
                                                   : *spec.mutable_workload()->mutable_job();
  instance.set_artifact(work.artifact);
  instance.set_digest(work.digest);
  for (const auto& argument : work.command) instance.add_command(argument);
  instance.set_cpu(format_cpu(work.cpu_milli));
  instance.set_memory(format_memory(work.memory_mib));
  instance.set_accelerators(work.accelerators);
  instance.set_accelerator_model(work.accelerator_model);
  if (work.accelerator_milli > 0) instance.set_accelerator_share(format_milli(work.accelerator_milli));
  if (work.accelerator_memory_mib > 0) instance.set_accelerator_memory(format_memory(work.accelerator_memory_mib));
  if (work.accelerator_fp16_gflops_min > 0)
    instance.set_accelerator_fp16_tflops(format_milli(work.accelerator_fp16_gflops_min));
  instance.set_accelerators_linked(work.accelerators_linked);
  instance.set_best_effort(work.best_effort);
  if (work.kind == WorkKind::kService) {
    instance.set_port(work.port);
    instance.set_streams_per_instance(work.streams_per_instance);
  }
  const Traffic& traffic = value.spec.traffic;
  if (traffic != Traffic{}) {
    auto& load = *spec.mutable_workload()->mutable_traffic();
    if (traffic.up_bps > 0) load.set_up(format_bandwidth(traffic.up_bps));
    if (traffic.down_bps > 0) load.set_down(format_bandwidth(traffic.down_bps));
    if (traffic.requests_per_second_milli > 0)
      load.set_requests_per_second(format_milli(traffic.requests_per_second_milli));
    if (traffic.work_us_per_request > 0) load.set_work_per_request(format_work(traffic.work_us_per_request));
    if (traffic.between_bps > 0) load.set_between(format_bandwidth(traffic.between_bps));
  }
  const Promise& promise = value.spec.promise;
  if (promise.latency_us_max > 0) {
    spec.mutable_promise()->set_latency(format_duration(promise.latency_us_max));
    spec.mutable_promise()->set_percentile(format_percentile(promise.percentile_ppm));
  }
  if (promise.availability_ppm > 0)
    spec.mutable_promise()->set_availability(format_fraction(promise.availability_ppm));
  const Where& where = value.spec.where;
  if (where != Where{} || work.speed_milli_min > 0) {
    auto& places = *spec.mutable_where();
    for (const auto& label : where.residency) places.add_residency(label);
    for (const auto& site : value.only) places.add_only(site);
    for (const auto& site : value.not_at) places.add_not_(site);
    if (where.sites_min > 1) places.set_sites(where.sites_min);
    if (where.regions_min > 1) places.set_regions(where.regions_min);
    if (where.failure_domains_min > 1) places.set_failure_domains(where.failure_domains_min);
    for (const auto& other : value.near) places.add_near(other);
    for (const auto& other : value.apart_from) places.add_apart_from(other);
    places.set_at_data(where.at_data);
    places.set_same_rack(where.same_rack);
    for (const auto& taint : where.tolerates) places.add_tolerates(taint);
    if (work.speed_milli_min > 0) places.set_speed_min(format_milli(work.speed_milli_min));
  }
  spec.mutable_prefer()->set_cost(format_milli(value.spec.prefer.cost_milli));
  spec.mutable_prefer()->set_carbon(format_milli(value.spec.prefer.carbon_milli));
  if (value.spec.budget_per_hour_max > 0) {
    spec.mutable_budget()->set_max(format_money(value.spec.budget_per_hour_max));
    spec.mutable_budget()->set_per("hour");
  }
  for (const auto& dataset : value.data) spec.add_data(dataset);
  if (value.spec.schedule != Schedule{}) fill(value.spec.schedule, *spec.mutable_schedule());
}

}  // namespace weir::resource
