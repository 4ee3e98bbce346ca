#include "service/gateway/waiting_zh.h"

#include <algorithm>

#include "core/graph/expected_run.h"
#include "core/units/quantity.h"
#include "service/gateway/explain.h"
#include "service/gateway/explain_parts.h"
#include "service/gateway/waiting_parts.h"
#include "service/resource/time_text.h"

namespace weir::gateway::zh {
namespace {

std::string amount(CountedResource resource, int64_t amount) {
  if (resource == CountedResource::kCpu) return format_milli(amount) + " 核";
  return resource == CountedResource::kMemory ? format_memory(amount) + " 内存" : format_milli(amount) + " 张加速卡";
}

std::string job_name(const Reading& from, const JobWait& wait, IntentId other) {
  if (other.index() >= from.graph.intent_count()) return "另一个作业";
  return visible(from.graph, from.all, other, wait.intent) ? from.graph.intent_name(other) : "其他租户的一个作业";
}

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

}  // namespace weir::gateway::zh
