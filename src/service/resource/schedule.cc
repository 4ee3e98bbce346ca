#include <algorithm>
#include <array>
#include <charconv>

#include "core/event/limits.h"
#include "core/units/quantity.h"
#include "core/units/text.h"
#include "service/resource/convert.h"
#include "service/resource/time_text.h"

// Queues, reservations, and when a job runs.
namespace weir::resource {
namespace {

constexpr std::array<std::string_view, 4> kBackfills = {"", "none", "easy", "conservative"};

TimeUs time_from(const std::string& path, const std::string& text, Checks& checks) {
  return checks.quantity<TimeUs>(path, text, parse_time_us, "2026-11-22T18:00:00+08:00", 0);
}

int64_t run_time_from(const std::string& path, const std::string& text, Checks& checks) {
  const int64_t out = checks.quantity<int64_t>(path, text, parse_lifetime_us, "2h", 0);
  checks.require(text.empty() || out > 0, path, "is zero", "write it like 2h, or leave it out");
  checks.require(out <= limits::kRunTimeUsMax, path, "is longer than 366 days", "write it like 2h");
  return out;
}

// `zero` is what an amount of nothing would mean, where it may not be written.
Quota amounts_from(const std::string& path, const v1::Amounts& amounts, const char* zero, Checks& checks) {
  Quota out;
  out.cpu_milli = checks.quantity<int32_t>(path + ".cpu", amounts.cpu(), parse_cpu_milli, "8", 0);
  out.memory_mib = checks.quantity<int32_t>(path + ".memory", amounts.memory(), parse_memory_mib, "16Gi", 0);
  out.accelerators = checks.number(path + ".accelerators", amounts.accelerators(), 0, 1'000'000'000);
  if (zero == nullptr) return out;
  const auto refuse_zero = [&](const char* kind, bool given, int64_t amount) {
    checks.require(!given || amount > 0, path + kind, std::string("is zero, and ") + zero, "leave it out");
  };
  refuse_zero(".cpu", !amounts.cpu().empty(), out.cpu_milli);
  refuse_zero(".memory", !amounts.memory().empty(), out.memory_mib);
  refuse_zero(".accelerators", amounts.has_accelerators(), out.accelerators);
  return out;
}

void fill_amounts(const Quota& quota, v1::Amounts& amounts) {
  if (quota.cpu_milli > 0) amounts.set_cpu(format_cpu(quota.cpu_milli));
  if (quota.memory_mib > 0) amounts.set_memory(format_memory(quota.memory_mib));
  if (quota.accelerators > 0) amounts.set_accelerators(static_cast<int32_t>(quota.accelerators));
}

}  // namespace

Schedule schedule_from(const v1::Intent::Timing& timing, bool job, Checks& checks) {
  const std::string path = "spec.schedule";
  Schedule out;
  checks.require(job, path, "is given for a service",
                 "only a job waits for its turn: remove it, or describe a job");
  // The domain's own queue is that of jobs which name none.
  if (!timing.queue().empty() && timing.queue() != kDomainQueue)
    out.queue = checks.name(path + ".queue", timing.queue());
  if (!timing.reservation().empty())
    out.reservation = checks.name(path + ".reservation", timing.reservation());
  out.priority =
      checks.number(path + ".priority", timing.priority(), -limits::kPriorityMax, limits::kPriorityMax);
  if (timing.has_instances()) {
    out.instances = checks.number(path + ".instances", timing.instances(), 1, limits::kPlacementsMax);
    if (out.instances == 1) out.instances = 0;
  }
  if (timing.has_instances_min()) {
    const int32_t all = std::max(out.instances, 1);
    out.instances_min = checks.number(path + ".instances_min", timing.instances_min(), 1, limits::kPlacementsMax);
    checks.require(out.instances_min <= all, path + ".instances_min", "is more than instances, " + std::to_string(all),
                   "lower it, or ask for more instances");
    checks.require(!timing.has_tasks() || out.instances_min == all, path + ".instances_min", "is given beside tasks",
                   "tasks begin one by one, as there is room for them: leave out one of the two");
    if (out.instances_min == all) out.instances_min = 0;
  }
  if (timing.has_tasks())
    out.tasks = checks.number(path + ".tasks", timing.tasks(), 2, static_cast<int32_t>(limits::kTasksMax));
  out.run_time_us_estimated = run_time_from(path + ".run_time", timing.run_time(), checks);
  out.run_time_us_max = run_time_from(path + ".run_time_max", timing.run_time_max(), checks);
  checks.require(out.run_time_us_max == 0 || out.run_time_us_estimated <= out.run_time_us_max,
                 path + ".run_time", "is longer than run_time_max, when the job is ended",
                 "lower it, or raise run_time_max");
  out.checkpoint_interval_us = run_time_from(path + ".checkpoint_every", timing.checkpoint_every(), checks);
  out.not_before = time_from(path + ".not_before", timing.not_before(), checks);
  out.deadline = time_from(path + ".deadline", timing.deadline(), checks);
  if (out.deadline != 0) {
    checks.require(out.deadline > out.not_before, path + ".deadline", "is not after not_before",
                   "choose a later deadline, or an earlier not_before");
    checks.require(out.deadline - out.not_before >= out.run_time_us_estimated, path + ".deadline",
                   "leaves less than run_time after not_before",
                   "choose a later deadline, or an earlier not_before");
  }
  out.start_slack_us = run_time_from(path + ".start_slack", timing.start_slack(), checks);
  checks.require(out.start_slack_us == 0 || out.reservation.empty(), path + ".start_slack",
                 "is given for a job that runs in a reservation, whose time is set", "remove one of the two");
  return out;
}

void fill(const Schedule& value, v1::Intent::Timing& timing) {
  timing.set_queue(value.queue);
  timing.set_reservation(value.reservation);
  timing.set_priority(value.priority);
  if (value.instances > 1) timing.set_instances(value.instances);
  if (value.instances_min > 0) timing.set_instances_min(value.instances_min);
  if (value.tasks > 0) timing.set_tasks(value.tasks);
  if (value.run_time_us_estimated > 0) timing.set_run_time(format_duration(value.run_time_us_estimated));
  if (value.run_time_us_max > 0) timing.set_run_time_max(format_duration(value.run_time_us_max));
  if (value.checkpoint_interval_us > 0) timing.set_checkpoint_every(format_duration(value.checkpoint_interval_us));
  if (value.not_before > 0) timing.set_not_before(format_time(value.not_before));
  if (value.deadline > 0) timing.set_deadline(format_time(value.deadline));
  if (value.start_slack_us > 0) timing.set_start_slack(format_duration(value.start_slack_us));
}

Queue queue_from(const v1::Queue& message, Checks& checks) {
  const v1::Queue::Spec& spec = message.spec();
  Queue out;
  out.spec.name = message.metadata().name();
  const bool domain = out.spec.name == kDomainQueue;
  if (!spec.parent().empty()) {
    checks.require(!domain, "spec.parent", "is given for the domain's own queue", "remove it");
    checks.require(spec.parent() != out.spec.name, "spec.parent", "is the queue itself",
                   "name another, or none");
    if (spec.parent() != kDomainQueue) out.parent = checks.name("spec.parent", spec.parent());
  }
  out.spec.weight_milli =
      checks.quantity<int32_t>("spec.weight", spec.weight(), parse_weight_milli, "2", 1000);
  checks.require(out.spec.weight_milli > 0, "spec.weight", "is zero, so that nothing would ever be its due",
                 "write it like 1 or 0.5");
  checks.require(!domain || !(spec.has_guaranteed() || spec.has_maximum()),
                 spec.has_maximum() ? "spec.maximum" : "spec.guaranteed",
                 "is given for the domain's own queue", "remove it: it holds whatever there is");
  out.spec.guaranteed = amounts_from("spec.guaranteed", spec.guaranteed(), nullptr, checks);
  out.spec.maximum = amounts_from("spec.maximum", spec.maximum(), "0 is no bound", checks);
  const auto within = [&](const char* kind, int64_t guaranteed, int64_t maximum) {
    checks.require(maximum == 0 || guaranteed <= maximum, std::string("spec.guaranteed.") + kind,
                   std::string("is more than maximum.") + kind, "raise the maximum, or guarantee less");
  };
  within("cpu", out.spec.guaranteed.cpu_milli, out.spec.maximum.cpu_milli);
  within("memory", out.spec.guaranteed.memory_mib, out.spec.maximum.memory_mib);
  within("accelerators", out.spec.guaranteed.accelerators, out.spec.maximum.accelerators);
  if (!spec.policy().empty()) out.spec.policy = checks.name("spec.policy", spec.policy());
  checks.require(static_cast<size_t>(spec.settings_size()) <= limits::kPolicySettingsMax, "spec.settings",
                 std::to_string(spec.settings_size()) + " settings are more than " +
                     std::to_string(limits::kPolicySettingsMax),
                 "");
  checks.require(spec.settings_size() == 0 || !spec.policy().empty(), "spec.settings",
                 "are given without a policy", "name the policy that they are of");
  for (const auto& [name, text] : spec.settings()) {
    const std::string path = "spec.settings." + name;
    PolicySetting setting{.name = name, .value = 0};
    checks.require(!name.empty() && name.size() <= limits::kNameBytesMax && valid_utf8(name), "spec.settings",
                   "has a name that no parameter has", "'weir get policies' lists them");
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), setting.value);
    checks.require(error == std::errc() && rest == text.data() + text.size() && !text.empty(), path,
                   "\"" + clip_utf8(text, 60) + "\" is not a whole number", "write it like 4");
    out.spec.settings.push_back(std::move(setting));
  }
  std::sort(out.spec.settings.begin(), out.spec.settings.end(),
            [](const PolicySetting& a, const PolicySetting& b) { return a.name < b.name; });
  const auto backfill = std::find(kBackfills.begin(), kBackfills.end(), spec.backfill());
  if (backfill == kBackfills.end()) {
    checks.refuse("spec.backfill", "\"" + clip_utf8(spec.backfill(), 60) + "\" is not a way to backfill",
                  "write none, easy or conservative");
  } else {
    out.spec.backfill = static_cast<Backfill>(backfill - kBackfills.begin());
  }
  checks.require(domain || spec.backfill().empty(), "spec.backfill", "is one rule for the whole domain",
                 std::string("set it on the queue ") + kDomainQueue);
  out.spec.half_life_us =
      checks.quantity<int64_t>("spec.half_life", spec.half_life(), parse_lifetime_us, "24h", 0);
  checks.require(spec.half_life().empty() || out.spec.half_life_us > 0, "spec.half_life", "is zero",
                 "leave it out: then nothing is remembered");
  checks.require(out.spec.half_life_us <= limits::kRunTimeUsMax, "spec.half_life", "is longer than 366 days",
                 "");
  out.spec.priority_max = checks.number("spec.priority_max", spec.priority_max(), 0, limits::kPriorityMax);
  out.spec.predicts = spec.predict_run_times();
  if (spec.has_submissions_per_hour()) {
    out.spec.submissions_per_hour_max =
        checks.number("spec.submissions_per_hour", spec.submissions_per_hour(), 1, 1'000'000);
  }
  return out;
}

void fill(const Queue& value, v1::Queue& message) {
  message.mutable_metadata()->set_name(value.spec.name);
  v1::Queue::Spec& spec = *message.mutable_spec();
  spec.set_parent(value.parent);
  spec.set_weight(format_milli(value.spec.weight_milli));
  if (value.spec.guaranteed != Quota{}) fill_amounts(value.spec.guaranteed, *spec.mutable_guaranteed());
  if (value.spec.maximum != Quota{}) fill_amounts(value.spec.maximum, *spec.mutable_maximum());
  spec.set_policy(value.spec.policy);
  for (const PolicySetting& setting : value.spec.settings) {
    (*spec.mutable_settings())[setting.name] = std::to_string(setting.value);
  }
  spec.set_backfill(std::string(kBackfills[static_cast<size_t>(value.spec.backfill)]));
  if (value.spec.half_life_us > 0) spec.set_half_life(format_duration(value.spec.half_life_us));
  spec.set_priority_max(value.spec.priority_max);
  spec.set_predict_run_times(value.spec.predicts);
  if (value.spec.submissions_per_hour_max > 0) {
    spec.set_submissions_per_hour(value.spec.submissions_per_hour_max);
  }
}

Reservation reservation_from(const v1::Reservation& message, const Context& context, Checks& checks) {
  const v1::Reservation::Spec& spec = message.spec();
  Reservation out;
  out.spec.name = message.metadata().name();
  const std::string& tenant = message.metadata().tenant();
  out.tenant = checks.name("metadata.tenant", tenant.empty() ? context.tenant : tenant);
  out.site = checks.name("spec.site", spec.site());
  out.spec.amount = amounts_from("spec.amount", spec.amount(), nullptr, checks);
  out.spec.up_bps = checks.quantity<int64_t>("spec.up", spec.up(), parse_bandwidth_bps, "2Gbps", 0);
  out.spec.down_bps = checks.quantity<int64_t>("spec.down", spec.down(), parse_bandwidth_bps, "200Mbps", 0);
  const bool bandwidth = out.spec.up_bps > 0 || out.spec.down_bps > 0;
  if (!spec.ingress().empty()) out.ingress = checks.name("spec.ingress", spec.ingress());
  if (out.ingress.empty()) {
    const char* given = out.spec.up_bps > 0 ? "spec.up" : "spec.down";
    checks.require(!bandwidth, given, "is given without an ingress", "name the site in spec.ingress where the traffic comes from");
  } else {
    checks.require(bandwidth, "spec.ingress", "is given without bandwidth",
                   "say with spec.up and spec.down how much is kept, like 2Gbps, or remove it");
    checks.require(out.ingress != out.site, "spec.ingress", "is the site itself, to which no link leads",
                   "name the site where the traffic comes from, or remove ingress, up and down");
  }
  checks.require(out.spec.amount != Quota{} || !out.ingress.empty() || bandwidth, "spec.amount", "reserves nothing",
                 "write it like {cpu: \"8\", memory: 16Gi}, or keep bandwidth with ingress, up and down");
  out.spec.from =
      checks.quantity<TimeUs>("spec.from", spec.from(), parse_time_us, "2026-11-22T18:00:00+08:00");
  out.spec.to = checks.quantity<TimeUs>("spec.to", spec.to(), parse_time_us, "2026-11-22T20:00:00+08:00");
  checks.require(out.spec.to > out.spec.from, "spec.to", "is not after from", "choose a later end");
  return out;
}

void fill(const Reservation& value, v1::Reservation& message) {
  message.mutable_metadata()->set_name(value.spec.name);
  message.mutable_metadata()->set_tenant(value.tenant);
  v1::Reservation::Spec& spec = *message.mutable_spec();
  spec.set_site(value.site);
  if (value.spec.amount != Quota{}) fill_amounts(value.spec.amount, *spec.mutable_amount());
  spec.set_from(format_time(value.spec.from));
  spec.set_to(format_time(value.spec.to));
  spec.set_ingress(value.ingress);
  if (value.spec.up_bps > 0) spec.set_up(format_bandwidth(value.spec.up_bps));
  if (value.spec.down_bps > 0) spec.set_down(format_bandwidth(value.spec.down_bps));
}

}  // namespace weir::resource
