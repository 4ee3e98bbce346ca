#include "service/gateway/waiting_zh.h"

#include <algorithm>

#include "core/graph/expected_run.h"
#include "core/units/quantity.h"
#include "service/gateway/explain.h"
#include "service/gateway/explain_parts.h"
#include "service/gateway/explain_zh.h"
#include "service/gateway/names.h"
#include "service/gateway/waiting_parts.h"
#include "service/resource/time_text.h"

namespace weir::gateway::zh {
namespace {

std::string amount(CountedResource resource, int64_t amount) {
  if (resource == CountedResource::kCpu) return format_milli(amount) + " 核";
  return resource == CountedResource::kMemory ? format_memory(amount) + " 内存" : format_milli(amount) + " 张加速卡";
}

std::string job_name(const Graph& graph, bool all, IntentId other, IntentId reader) {
  if (other.index() >= graph.intent_count()) return "另一个作业";
  return visible(graph, all, other, reader) ? graph.intent_name(other) : "其他租户的一个作业";
}

std::string job_name(const Reading& from, const JobWait& wait, IntentId other) { return job_name(from.graph, from.all, other, wait.intent); }

std::string at_site(const Reading& from, const JobWait& wait) { return wait.site.valid() ? "在 " + from.graph.site_name(wait.site) + " " : ""; }

std::string ahead_text(const Reading& from, const JobWait& wait) {
  if (wait.position == 0) return "前面没有别的作业。\n";
  const JobsAhead ahead = jobs_ahead(from, wait);
  std::string out = "前面有 " + std::to_string(wait.position) + " 个作业";
  if (!ahead.names.empty()) out += (ahead.all_named ? "：" : "，其中有 ") + joined(ahead.names, "、");
  return out + "。\n";
}

std::string start_text(const Reading& from, const JobWait& wait) {
  const Schedule& schedule = from.graph.intent(wait.intent).spec->schedule;
  std::string out = "还估计不出开始时间。";
  if (wait.estimated_start != 0) {
    const int64_t in_us = wait.estimated_start - from.report.at;
    out = "若每个作业都按估计的时间运行，预计" + at_site(from, wait) + (wait.site.valid() ? "" : " ") + resource::format_time(wait.estimated_start) + " 开始（" +
          (in_us > 0 ? span(in_us) + " 后" : "就是现在") + "）。";
    const int64_t run_us = expected_run_us(from.graph, from.graph.intent(wait.intent));
    const bool in_time = schedule.deadline != 0 && wait.estimated_start + run_us <= schedule.deadline;
    if (in_time && schedule.deadline - 2 * run_us <= from.report.at) {
      out += "它先于同一队列的其他作业，在 " + resource::format_time(schedule.deadline - run_us) + " 之前开始，好在截止时间前结束。";
    }
    if (schedule.deadline != 0 && !in_time) {
      out += "它会比截止时间 " + resource::format_time(schedule.deadline) + " 晚 " + span(wait.estimated_start + run_us - schedule.deadline) + " 结束。";
    }
  }
  if (wait.promised_start != 0) out += "承诺最晚 " + resource::format_time(wait.promised_start) + " 开始。";
  return out + "\n";
}

std::string change_text(const Reading& from, const JobWait& wait) {
  const std::string less = amount(wait.resource, wait.needed - wait.available);
  switch (wait.code) {
    case WaitCode::kNext:
    case WaitCode::kOffered:
    case WaitCode::kPreempting: return "";
    case WaitCode::kRoom:
      if (wait.needed <= wait.available) return "一有足够的空闲就开始。";
      return "若少要 " + less + "，或者" + at_site(from, wait) + "再空出这么多，就能开始。";
    case WaitCode::kBehind: {
      const auto ahead = from.report.waits.find(wait.behind);
      const TimeUs until = ahead == from.report.waits.end() ? 0 : ahead->second.estimated_start;
      return (until > from.report.at ? "若 schedule.run_time_max 不超过 " + span(until - from.report.at) + "，现在就能开始，因为到那时它已结束；或者" : std::string("若")) +
             " schedule.priority 更高，会更早开始。";
    }
    case WaitCode::kQuota:
      if (!wait.limited_by.valid()) return "";
      return "若少要 " + less + "，或者队列 " + queue_name(from.graph, wait.limited_by) + " 的作业结束，或者该队列的 maximum." + std::string(resource_name(wait.resource)) + " 高出这么多，就能开始。";
    case WaitCode::kNotBefore: return "若 schedule.not_before 更早，就会更早开始。";
    case WaitCode::kCheaperLater: return "若没有 schedule.start_slack，一可以就开始。";
    case WaitCode::kNetwork:
    case WaitCode::kSpare: return "情况一有缓解就会再试。";
    case WaitCode::kReservation: return "若不用预留，它会和其他作业一样排队。";
    case WaitCode::kTooLarge: return "它得少要 " + less + "，或者获准去更大的站点。";
  }
  return "";
}

}  // namespace

std::string wait_text(const Reading& from, const JobWait& wait) {
  const Graph& graph = from.graph;
  const IntentRow& row = graph.intent(wait.intent);
  switch (wait.code) {
    case WaitCode::kNext: return "下一个就轮到它";
    case WaitCode::kOffered: return "正在放置";
    case WaitCode::kRoom:
      if (wait.needed <= wait.available) return at_site(from, wait) + "空闲太少";
      return at_site(from, wait) + "需要 " + amount(wait.resource, wait.needed) + "，空闲 " + amount(wait.resource, wait.available);
    case WaitCode::kBehind: return "空位留给了" + (wait.behind.valid() ? " " + job_name(from, wait, wait.behind) : std::string("它前面的作业"));
    case WaitCode::kQuota:
      if (!wait.limited_by.valid()) return "它的队列已用足额度";
      return "需要 " + amount(wait.resource, wait.needed) + "，队列 " + queue_name(graph, wait.limited_by) + " 只能再用 " + amount(wait.resource, wait.available);
    case WaitCode::kNotBefore: return resource::format_time(row.spec->schedule.not_before) + " 之前不开始";
    case WaitCode::kCheaperLater:
      if (wait.saves_ppm == 0) return "它在等可以开始的时间里最便宜的那个小时";
      return "它在等 " + resource::format_time(wait.cheaper_at) + "，那时每小时便宜 " + std::to_string(std::max(1, (wait.saves_ppm + 5'000) / 10'000)) + "%";
    case WaitCode::kNetwork:
    case WaitCode::kSpare: return row.refusal ? gateway::refusal_sentences(graph, *row.spec, *row.refusal, Language::kChinese).front() : "没有为它找到方案";
    case WaitCode::kReservation: {
      const Graph::ReservationRow* reservation = reservation_of(from, wait);
      const std::string name = "预留 " + row.spec->schedule.reservation;
      if (reservation == nullptr || reservation->cancelled) return name + " 已取消";
      if (reservation->spec.to <= from.report.at) return name + " 已结束";
      return reservation->spec.from > from.report.at ? name + " 在 " + resource::format_time(reservation->spec.from) + " 开放" : name + " 没能保住";
    }
    case WaitCode::kPreempting: {
      const size_t count = wait.gives_way.size();
      return (count == 1 ? job_name(from, wait, wait.gives_way.front()) : std::to_string(count) + " 个作业") + " 正" + at_site(from, wait) + "为它让位";
    }
    case WaitCode::kTooLarge:
      return "需要 " + amount(wait.resource, wait.needed) + "，而" + (wait.site.valid() ? " " + graph.site_name(wait.site) + " " : std::string("全域")) + "总共只有 " +
             amount(wait.resource, wait.available);
  }
  return "";
}

std::string explain_wait(const Reading& from, const JobWait& wait) {
  const IntentRow& row = from.graph.intent(wait.intent);
  const std::string waited = span(std::max<int64_t>(from.report.at - row.submitted_at, 0));
  std::string out;
  if (wait.code == WaitCode::kSpare) {
    out = "它是尽力而为的工作：不进任何队列，已经等了 " + waited + "，等别人预留而用不完的空位足够。\n";
  } else {
    const auto line = std::find_if(from.report.lines.begin(), from.report.lines.end(), [&wait](const QueueStanding& at) { return at.queue == wait.queue && !at.tenant.valid(); });
    out = "它在队列 " + queue_name(from.graph, wait.queue) + (line == from.report.lines.end() ? " " : "（策略 " + line->policy + "）") + "中等待，已经 " + waited + "。\n";
  }
  out += "起决定作用的是：" + zh::wait_text(from, wait);
  out += out.ends_with("。") ? "\n" : "。\n";
  if (wait.code != WaitCode::kSpare) out += ahead_text(from, wait) + start_text(from, wait);
  const std::string change = change_text(from, wait);
  return change.empty() ? out : out + change + "\n";
}

std::string explain_tasks(const Graph& graph, const QueueReport& report, IntentId id, TimeUs now) {
  const IntentRow& row = graph.intent(id);
  const std::string count = std::to_string(row.spec->schedule.tasks);
  if (row.array.valid()) return "它是数组 " + short_name(graph.intent_name(row.array)) + " 的第 " + std::to_string(row.task) + " 个任务，共 " + count + " 个。\n";
  if (!is_array(row)) return "";
  v1::Intent::Tasks tasks;
  put_tasks(graph, row, now, tasks);
  std::vector<std::string> parts;
  const auto add = [&parts](uint32_t number, const char* what) {
    if (number > 0) parts.push_back(std::to_string(number) + " 个" + what);
  };
  add(tasks.finished(), "已完成");
  add(tasks.running(), "正在运行");
  add(tasks.failed(), "失败");
  add(tasks.waiting(), "等待");
  add(tasks.withdrawn(), "已撤回");
  std::string out = "它是有 " + count + " 个任务的数组：" + joined(parts, "，") + "。\n";
  if (const auto found = report.waits.find(id); found != report.waits.end()) {
    out += "下一个任务是 " + short_name(graph.intent_name(found->second.intent)) + "。\n";
  }
  if (tasks.estimated_end() > 0) {
    out += "若一直有现在这么多任务在运行，最后一个约在 " + resource::format_time(tasks.estimated_end()) + " 结束，即 " + span(tasks.estimated_end() - now) + " 后。\n";
  }
  return out;
}

std::string explain_run_time(const Graph& graph, IntentId id) {
  const IntentRow& row = graph.intent(id);
  const Schedule& schedule = row.spec->schedule;
  if (row.predicted_us == 0 || is_array(row)) return "";
  const std::string says = schedule.run_time_us_estimated > 0 ? "它自己估计 " + span(schedule.run_time_us_estimated)
                           : schedule.run_time_us_max > 0     ? "它自己说不超过 " + span(schedule.run_time_us_max)
                                                              : "它自己没有说";
  if (schedule.run_time_us_estimated > 0 && !goes_by_prediction(graph, row)) {
    return "最近与它相像的作业（最多看两个）平均运行了 " + span(row.predicted_us) + "；" + says + (row.spec->workload.best_effort ? "。\n" : "，队列以此为准。\n");
  }
  return "按最近与它相像的作业（最多看两个）预测，它要运行 " + span(expected_run_us(graph, row)) + "；" + says + "。\n";
}

std::string explain_preempted(const Graph& graph, bool all, IntentId id) {
  const IntentRow& row = graph.intent(id);
  std::string out;
  if (row.preempted) {
    const JobPreempted& e = *row.preempted;
    const int64_t every_us = row.spec->schedule.checkpoint_interval_us;
    out += "它被抢占了 " + std::to_string(row.preemptions) + " 次，" + (row.preemptions == 1 ? "在 " : "最近一次在 ") + resource::format_time(row.preempted_at) +
           (e.by.valid() ? before("，让位给", job_name(graph, all, e.by, id)) : "") + (e.why.empty() ? "" : "（账本所记的原因：" + e.why + "）") + "。\n";
    out += "它最多损失了 " + span(e.lost_us) + " 的工作，" +
           (every_us > 0 ? "因为它每 " + format_duration(every_us) + " 写一次检查点" : std::string("即开始以来的全部，因为它不写检查点")) + "：作价 " + format_money(e.cost) + " 信用点。\n";
    out += e.victims <= 1 ? "在那里看过的作业中，没有别的代价更小。\n"
                          : "与它一起让位的还有 " + std::to_string(e.victims - 1) + " 个；在那里看过的作业中，没有别的组合比合计的 " + format_money(e.cost_all) + " 代价更小。\n";
    std::vector<std::string> spared;
    const auto add = [&spared](int32_t count, const char* why) {
      if (count > 0) spared.push_back(std::to_string(count) + " 个" + why);
    };
    add(e.spared_by_priority, "优先级相同或更高");
    add(e.spared_by_guarantee, "所在队列用的没有超过它得到保障的额度");
    add(e.spared_by_limit, "已被抢占到允许的次数");
    add(e.spared_by_budget, "所在队列近来已被抢占够多");
    if (!spared.empty()) out += "占着所缺资源而没有被动的作业：" + joined(spared, "，") + "。\n";
  }
  const std::vector<IntentId> others = preempted_for(graph, id);
  if (others.empty()) return out;
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(others.size(), kAheadNamed); ++i) names.push_back(job_name(graph, all, others[i], id));
  const JobPreempted& last = *graph.intent(others.back()).preempted;
  return out + joined(names, "、") + (others.size() > kAheadNamed ? " 等 " + std::to_string(others.size()) + " 个作业" : "") +
         (last.site.index() < graph.site_count() ? " 在 " + graph.site_name(last.site) : "") + " 为它让了位，损失的工作作价 " + format_money(last.cost_all) + " 信用点。\n";
}

}  // namespace weir::gateway::zh
