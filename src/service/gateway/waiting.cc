#include "service/gateway/waiting.h"

#include <algorithm>
#include <map>
#include <vector>

#include "core/graph/ease.h"
#include "core/graph/expected_run.h"
#include "core/units/quantity.h"
#include "security/identity/clock_text.h"
#include "service/gateway/explain.h"
#include "service/gateway/explain_parts.h"
#include "service/gateway/names.h"
#include "service/gateway/waiting_parts.h"
#include "service/gateway/waiting_zh.h"
#include "service/resource/time_text.h"
#include "weir/v1/resource.pb.h"

namespace weir::gateway {
namespace {

std::string_view reason_name(WaitCode code) {
  switch (code) {
    case WaitCode::kNext:
      return "next";
    case WaitCode::kOffered:
      return "offered";
    case WaitCode::kRoom:
      return "room";
    case WaitCode::kBehind:
      return "behind";
    case WaitCode::kQuota:
      return "quota";
    case WaitCode::kNotBefore:
      return "not-before";
    case WaitCode::kNetwork:
      return "network";
    case WaitCode::kReservation:
      return "reservation";
    case WaitCode::kPreempting:
      return "preempting";
    case WaitCode::kCheaperLater:
      return "cheaper-later";
    case WaitCode::kSpare:
      return "spare";
    case WaitCode::kTooLarge:
      break;
  }
  return "too-large";
}

std::string job_name(const Graph& graph, bool all, IntentId other, IntentId reader) {
  if (other.index() >= graph.intent_count()) return "another job";
  return visible(graph, all, other, reader) ? graph.intent_name(other) : "a job of another tenant";
}

std::string job_name(const Reading& from, const JobWait& wait, IntentId other) {
  return job_name(from.graph, from.all, other, wait.intent);
}

std::string site_of(const Reading& from, const JobWait& wait) {
  return wait.site.valid() ? " at " + from.graph.site_name(wait.site) : "";
}

std::string ahead_text(const Reading& from, const JobWait& wait) {
  if (wait.position == 0) return "Nobody is ahead of it.\n";
  const JobsAhead ahead = jobs_ahead(from, wait);
  std::string out =
      std::to_string(wait.position) + (wait.position == 1 ? " job is" : " jobs are") + " tried before it";
  if (!ahead.names.empty()) out += (ahead.all_named ? ": " : ", among them ") + joined(ahead.names, ", ");
  return out + ".\n";
}

std::string start_text(const Reading& from, const JobWait& wait) {
  const Schedule& schedule = from.graph.intent(wait.intent).spec->schedule;
  std::string out = "No start is foreseen.";
  if (wait.estimated_start != 0) {
    const int64_t in_us = wait.estimated_start - from.report.at;
    out = "Estimated start: " + resource::format_time(wait.estimated_start) +
          (in_us > 0 ? ", in " + span(in_us) : ", now") + site_of(from, wait) +
          ", if every job runs as long as estimated.";
    const int64_t run_us = expected_run_us(from.graph, from.graph.intent(wait.intent));
    if (schedule.deadline != 0 && wait.estimated_start + run_us <= schedule.deadline &&
        schedule.deadline - 2 * run_us <= from.report.at) {
      out += " It goes before others of its queue, to begin by " +
             resource::format_time(schedule.deadline - run_us) + " and end by its deadline.";
    }
    if (schedule.deadline != 0 && wait.estimated_start + run_us > schedule.deadline) {
      out += " It would end " + span(wait.estimated_start + run_us - schedule.deadline) +
             " after its deadline of " + resource::format_time(schedule.deadline) + ".";
    }
  }
  if (wait.promised_start != 0)
    out += " It starts by " + resource::format_time(wait.promised_start) + ": that is promised.";
  return out + "\n";
}

std::string change_text(const Reading& from, const JobWait& wait) {
  const std::string short_of = amount_text(wait.resource, wait.needed - wait.available);
  switch (wait.code) {
    case WaitCode::kNext:
    case WaitCode::kOffered:
    case WaitCode::kPreempting:
      return "";
    case WaitCode::kRoom:
      if (wait.needed <= wait.available) return "It starts as soon as enough is free.";
      return "It would start with " + short_of + " less, or as soon as so much more is free" +
             site_of(from, wait) + ".";
    case WaitCode::kBehind: {
      const auto ahead = from.report.waits.find(wait.behind);
      const TimeUs until = ahead == from.report.waits.end() ? 0 : ahead->second.estimated_start;
      return (until > from.report.at
                  ? "It would start now with a schedule.run_time_max of at most " +
                        span(until - from.report.at) + ", as it would be over by then, or with"
                  : "It would start earlier with") +
             " a higher schedule.priority.";
    }
    case WaitCode::kQuota:
      if (!wait.limited_by.valid()) return "";
      return "It would start with " + short_of + " less, when jobs of queue " +
             queue_name(from.graph, wait.limited_by) + " end, or if the queue's maximum." +
             std::string(resource_name(wait.resource)) + " were higher by so much.";
    case WaitCode::kNotBefore:
      return "It would start earlier with an earlier schedule.not_before.";
    case WaitCode::kCheaperLater:
      return "It would start as soon as it may without schedule.start_slack.";
    case WaitCode::kNetwork:
    case WaitCode::kSpare:
      return "It is tried again whenever something eases.";
    case WaitCode::kReservation:
      return "Outside of the reservation it would wait for its turn as others do.";
    case WaitCode::kTooLarge:
      return "It would have to ask for " + short_of + " less, or be allowed at a larger site.";
  }
  return "";
}

}  // namespace

std::string span(int64_t us) { return identity::span_text((us + 999'999) / 1'000'000); }

std::string_view resource_name(CountedResource resource) {
  return resource == CountedResource::kCpu      ? "cpu"
         : resource == CountedResource::kMemory ? "memory"
                                                : "accelerators";
}

bool visible(const Graph& graph, bool all, IntentId other, IntentId reader) {
  return all || graph.intent(other).tenant == graph.intent(reader).tenant;
}

const Graph::ReservationRow* reservation_of(const Reading& from, const JobWait& wait) {
  const IntentRow& row = from.graph.intent(wait.intent);
  const ReservationId id = from.graph.find_reservation(row.tenant, row.spec->schedule.reservation);
  return id.valid() ? &from.graph.reservation(id) : nullptr;
}

JobsAhead jobs_ahead(const Reading& from, const JobWait& wait) {
  std::map<size_t, IntentId> ahead;
  for (const auto& [id, other] : from.report.waits) {
    if (other.position < wait.position && visible(from.graph, from.all, id, wait.intent)) ahead.emplace(other.position, id);
  }
  JobsAhead out;
  for (const auto& [position, id] : ahead) {
    if (out.names.size() == kAheadNamed) break;
    out.names.push_back(from.graph.intent_name(id));
  }
  out.all_named = out.names.size() == wait.position;
  return out;
}

std::string queue_name(const Graph& graph, QueueId queue) {
  return queue.index() < graph.queue_count() ? graph.queue(queue).name : kDomainQueue;
}

std::string amount_text(CountedResource resource, int64_t amount) {
  switch (resource) {
    case CountedResource::kCpu:
      return format_milli(amount) + (amount == 1000 ? " core" : " cores");
    case CountedResource::kMemory:
      return format_memory(amount) + " of memory";
    case CountedResource::kAccelerators:
      break;
  }
  return format_milli(amount) + (amount == kDeviceMilli ? " accelerator" : " accelerators");
}

const JobWait* without_turn(const QueueReport& report, IntentId id) {
  const auto found = report.waits.find(id);
  if (found == report.waits.end()) return nullptr;
  switch (found->second.code) {
    case WaitCode::kNext:
    case WaitCode::kOffered:
    case WaitCode::kTooLarge:
    case WaitCode::kNetwork:
    case WaitCode::kSpare:
      return nullptr;
    default:
      return &found->second;
  }
}

std::optional<JobWait> waiting(const Graph& graph, const QueueReport& report, IntentId id) {
  const auto found = report.waits.find(id);
  if (found == report.waits.end() || id.index() >= graph.intent_count()) return std::nullopt;
  const JobWait& wait = found->second;
  const IntentRow& row = graph.intent(wait.intent);
  if (wait.code == WaitCode::kTooLarge) return std::nullopt;
  if (row.state == IntentState::kRefused && row.refusal && !may_ease(*row.refusal, graph.hourly_sites() > 0)) return std::nullopt;
  const bool deciding = wait.code == WaitCode::kOffered || wait.code == WaitCode::kNext || wait.code == WaitCode::kSpare;
  if (deciding && row.state == IntentState::kPending) return std::nullopt;
  return wait;
}

std::string wait_text(const Reading& from, const JobWait& wait, Language language) {
  if (language == Language::kChinese) return zh::wait_text(from, wait);
  const Graph& graph = from.graph;
  const IntentRow& row = graph.intent(wait.intent);
  switch (wait.code) {
    case WaitCode::kNext:
      return "its turn is next";
    case WaitCode::kOffered:
      return "it is being placed";
    case WaitCode::kRoom:
      if (wait.needed <= wait.available) return "too little is free" + site_of(from, wait);
      return amount_text(wait.resource, wait.needed) + " needed" + site_of(from, wait) + ", " +
             (wait.resource == CountedResource::kAccelerators ? format_milli(wait.available)
                                                              : amount_text(wait.resource, wait.available)) +
             " free";
    case WaitCode::kBehind:
      if (!wait.behind.valid()) return "the room is kept for jobs before it";
      return "the room is kept for " + job_name(from, wait, wait.behind);
    case WaitCode::kQuota:
      if (!wait.limited_by.valid()) return "its queue has what it may have";
      return amount_text(wait.resource, wait.needed) + " needed, queue " +
             queue_name(graph, wait.limited_by) + " may use " + amount_text(wait.resource, wait.available) +
             " more";
    case WaitCode::kNotBefore:
      return "not before " + resource::format_time(row.spec->schedule.not_before);
    case WaitCode::kCheaperLater:
      if (wait.saves_ppm == 0) return "it waits for the cheapest hour that it may begin in";
      return "it waits for " + resource::format_time(wait.cheaper_at) + ", when an hour of it costs " + std::to_string(std::max(1, (wait.saves_ppm + 5'000) / 10'000)) + "% less";
    case WaitCode::kNetwork:
    case WaitCode::kSpare:
      return row.refusal ? refusal_sentences(graph, *row.spec, *row.refusal).front()
                         : "no plan was found for it";
    case WaitCode::kReservation: {
      const Graph::ReservationRow* reservation = reservation_of(from, wait);
      const std::string name = "reservation " + row.spec->schedule.reservation;
      if (reservation == nullptr || reservation->cancelled) return name + " is cancelled";
      if (reservation->spec.to <= from.report.at) return name + " is over";
      return reservation->spec.from > from.report.at
                 ? name + " opens at " + resource::format_time(reservation->spec.from)
                 : name + " could not be kept";
    }
    case WaitCode::kPreempting: {
      const size_t count = wait.gives_way.size();
      return (count == 1 ? job_name(from, wait, wait.gives_way.front()) + " makes"
                         : std::to_string(count) + " jobs make") +
             " room for it" + site_of(from, wait);
    }
    case WaitCode::kTooLarge:
      return amount_text(wait.resource, wait.needed) + " needed, and" +
             (wait.site.valid() ? " " + graph.site_name(wait.site) : " the domain") + " has " +
             amount_text(wait.resource, wait.available) + " in all";
  }
  return "";
}

std::string explain_wait(const Reading& from, const JobWait& wait, Language language) {
  if (language == Language::kChinese) return zh::explain_wait(from, wait);
  const IntentRow& row = from.graph.intent(wait.intent);
  const auto line =
      std::find_if(from.report.lines.begin(), from.report.lines.end(),
                   [&wait](const QueueStanding& at) { return at.queue == wait.queue && !at.tenant.valid(); });
  const int64_t waited = std::max<int64_t>(from.report.at - row.submitted_at, 0);
  std::string out =
      wait.code == WaitCode::kSpare
          ? "It is best-effort work: it waits in no queue, for " + span(waited) +
                " so far, until others leave enough of what they have reserved.\n"
          : "It waits in queue " + queue_name(from.graph, wait.queue) +
                    (line == from.report.lines.end() ? "" : " (policy " + line->policy + ")") + ", for " +
                    span(waited) + " so far.\n";
  out += "What decides: " + wait_text(from, wait);
  out += out.back() == '.' ? "\n" : ".\n";
  if (wait.code != WaitCode::kSpare) out += ahead_text(from, wait) + start_text(from, wait);
  const std::string change = change_text(from, wait);
  return change.empty() ? out : out + change + "\n";
}

const IntentRow& next_task(const Graph& graph, const QueueReport& report, IntentId id) {
  const auto found = report.waits.find(id);
  const IntentRow& row = graph.intent(id);
  return is_array(row) && found != report.waits.end() ? graph.intent(found->second.intent) : row;
}

void put_tasks(const Graph& graph, const IntentRow& array, TimeUs now, v1::Intent::Tasks& out) {
  const TaskCounts& tasks = array.tasks;
  const bool open = array.state != IntentState::kWithdrawn;
  const int32_t count = std::max(array.spec->schedule.tasks, tasks.submitted);
  const int32_t left = count - tasks.finished - tasks.failed - (open ? tasks.running : 0);
  if (open) out.set_running(static_cast<uint32_t>(tasks.running));
  out.set_finished(static_cast<uint32_t>(tasks.finished));
  out.set_failed(static_cast<uint32_t>(tasks.failed));
  open ? out.set_waiting(static_cast<uint32_t>(left)) : out.set_withdrawn(static_cast<uint32_t>(left));
  out.set_estimated_end(expected_end_us(graph, array, now));
}

std::string explain_tasks(const Graph& graph, const QueueReport& report, IntentId id, TimeUs now, Language language) {
  if (language == Language::kChinese) return zh::explain_tasks(graph, report, id, now);
  const IntentRow& row = graph.intent(id);
  if (row.array.valid()) {
    return "It is task " + std::to_string(row.task) + " of the array " + short_name(graph.intent_name(row.array)) + " of " +
           std::to_string(row.spec->schedule.tasks) + ".\n";
  }
  if (!is_array(row)) return "";
  v1::Intent::Tasks tasks;
  put_tasks(graph, row, now, tasks);
  std::string out = "It is an array of " + std::to_string(row.spec->schedule.tasks) + " tasks: " + tasks_text(tasks) + ".\n";
  if (const auto found = report.waits.find(id); found != report.waits.end()) {
    out += "Its next task is " + short_name(graph.intent_name(found->second.intent)) + ".\n";
  }
  if (tasks.estimated_end() > 0) {
    out += "Its last task ends about " + resource::format_time(tasks.estimated_end()) + ", in " + span(tasks.estimated_end() - now) + ", if as many run as now.\n";
  }
  return out;
}

std::string tasks_text(const v1::Intent::Tasks& tasks) {
  std::string out;
  const auto add = [&out](uint32_t count, const char* what) {
    if (count > 0) out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  add(tasks.finished(), "finished");
  add(tasks.running(), "running");
  add(tasks.failed(), "failed");
  add(tasks.waiting(), "waiting");
  add(tasks.withdrawn(), "withdrawn");
  return out;
}

std::string explain_run_time(const Graph& graph, IntentId id, Language language) {
  if (language == Language::kChinese) return zh::explain_run_time(graph, id);
  const IntentRow& row = graph.intent(id);
  const Schedule& schedule = row.spec->schedule;
  if (row.predicted_us == 0 || is_array(row)) return "";
  const std::string says = schedule.run_time_us_estimated > 0 ? "it says " + span(schedule.run_time_us_estimated)
                           : schedule.run_time_us_max > 0     ? "it says no more than " + span(schedule.run_time_us_max)
                                                              : "it does not say";
  if (schedule.run_time_us_estimated > 0 && !goes_by_prediction(graph, row)) {
    return "The last ones like it, two at most, ran " + span(row.predicted_us) + " in the mean; " + says +
           (row.spec->workload.best_effort ? ".\n" : ", and its queue goes by that.\n");
  }
  return "It is predicted to run " + span(expected_run_us(graph, row)) + ", by the last ones like it, two at most; " + says + ".\n";
}

std::vector<IntentId> preempted_for(const Graph& graph, IntentId id) {
  const IntentRow& row = graph.intent(id);
  std::vector<IntentId> out;
  if (row.claims == 0) return out;
  for (size_t i = 0; i < graph.intent_count(); ++i) {
    const IntentRow& other = graph.intent(IntentId(i));
    if (other.preempted && other.preempted->by == id && other.preempted_at >= row.submitted_at) {
      out.push_back(IntentId(i));
    }
  }
  return out;
}

void put_preemption(const Graph& graph, bool all, IntentId victim, IntentId reader, v1::Preemption& out) {
  const IntentRow& row = graph.intent(victim);
  const JobPreempted& preempted = *row.preempted;
  if (reader != victim || preempted.by.valid()) out.set_job(job_name(graph, all, reader == victim ? preempted.by : victim, reader));
  out.set_at(row.preempted_at);
  if (preempted.site.index() < graph.site_count()) out.set_site(graph.site_name(preempted.site));
  out.set_reclaims(preempted.reclaims);
  out.set_lost_us(preempted.lost_us);
  out.set_cost_nanocredits(preempted.cost);
}

std::string explain_preempted(const Graph& graph, bool all, IntentId id, Language language) {
  if (language == Language::kChinese) return zh::explain_preempted(graph, all, id);
  const IntentRow& row = graph.intent(id);
  std::string out;
  if (row.preempted) {
    const JobPreempted& e = *row.preempted;
    const int64_t every_us = row.spec->schedule.checkpoint_interval_us;
    out += "It was preempted " + std::to_string(row.preemptions) +
           (row.preemptions == 1 ? " time, at " : " times, last at ") + resource::format_time(row.preempted_at) +
           (e.by.valid() ? " for " + job_name(graph, all, e.by, id) : "") + (e.why.empty() ? "" : ": " + e.why) + ".\n";
    out += "Lost at most " + span(e.lost_us) + " of its work, " +
           (every_us > 0 ? "as it writes a checkpoint every " + format_duration(every_us)
                         : std::string("all since it began, as it writes no checkpoints")) +
           ": a price of " + format_money(e.cost) + " credits.\n";
    out += e.victims <= 1 ? "No other that was looked at there"
                          : "It gave way together with " + std::to_string(e.victims - 1) +
                                (e.victims == 2 ? " other; no others that were looked at there"
                                                : " others; no others that were looked at there");
    out += e.victims <= 1 ? " costs less.\n" : " cost less than the " + format_money(e.cost_all) + " of all.\n";
    std::string spared;
    const auto add = [&spared](int32_t count, const char* why) {
      if (count > 0) spared += (spared.empty() ? "" : ", ") + std::to_string(count) + " " + why;
    };
    add(e.spared_by_priority, "of equal or higher priority");
    add(e.spared_by_guarantee, "whose queue has no more than it is guaranteed");
    add(e.spared_by_limit, "preempted as often as one may be");
    add(e.spared_by_budget, "whose queue was preempted enough for now");
    if (!spared.empty()) out += "Jobs that hold what was short and were spared: " + spared + ".\n";
  }
  const std::vector<IntentId> others = preempted_for(graph, id);
  if (others.empty()) return out;
  std::string names;
  for (size_t i = 0; i < std::min(others.size(), kAheadNamed); ++i) {
    names += (i == 0 ? "" : ", ") + job_name(graph, all, others[i], id);
  }
  if (others.size() > kAheadNamed) names += " and " + std::to_string(others.size() - kAheadNamed) + " more";
  const JobPreempted& last = *graph.intent(others.back()).preempted;
  return out + names + " gave way to it" +
         (last.site.index() < graph.site_count() ? " at " + graph.site_name(last.site) : "") + ", at a price of " +
         format_money(last.cost_all) + " credits of lost work.\n";
}

void put_waiting(const Reading& from, const JobWait& wait, v1::Waiting& out) {
  out.set_queue(wait.code == WaitCode::kSpare ? "-" : queue_name(from.graph, wait.queue));
  out.set_position(static_cast<uint32_t>(wait.position));
  out.set_reason(std::string(reason_name(wait.code)));
  if (wait.code == WaitCode::kRoom || wait.code == WaitCode::kQuota || wait.code == WaitCode::kTooLarge) {
    out.set_resource(std::string(resource_name(wait.resource)));
    const int64_t unit = wait.resource == CountedResource::kAccelerators ? kDeviceMilli : 1;
    out.set_needed((wait.needed + unit - 1) / unit);
    out.set_available(wait.available / unit);
  }
  out.set_saves_ppm(wait.saves_ppm);
  if (wait.site.valid()) out.set_site(from.graph.site_name(wait.site));
  if (wait.behind.valid()) out.set_behind(job_name(from, wait, wait.behind));
  if (wait.limited_by.valid()) out.set_limited_by(queue_name(from.graph, wait.limited_by));
  out.set_estimated_start(wait.estimated_start);
  out.set_promised_start(wait.promised_start);
  out.set_since(from.graph.intent(wait.intent).submitted_at);
}

}  // namespace weir::gateway
