#include "app/render_queues.h"

#include <map>
#include <set>
#include <vector>

#include "app/render.h"
#include "core/event/types.h"
#include "core/units/quantity.h"
#include "security/identity/clock_text.h"
#include "service/gateway/waiting.h"

namespace weir::app {
namespace {

std::string share_text(int64_t ppm) { return format_fraction((ppm + 500) / 1000 * 1000); }

std::string minute_text(int64_t us) {
  if (us == 0) return "-";
  std::string out = time_text(us);
  return out.substr(0, 16) + "Z";
}

std::string amounts_text(const v1::Amounts& amounts) {
  std::string out;
  const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  if (!amounts.cpu().empty()) add(amounts.cpu() + (amounts.cpu() == "1" ? " core" : " cores"));
  if (!amounts.memory().empty()) add(amounts.memory());
  if (amounts.accelerators() > 0) add(std::to_string(amounts.accelerators()) + (amounts.accelerators() == 1 ? " accelerator" : " accelerators"));
  return out.empty() ? "-" : out;
}

// "2Gbps up, 200Mbps down from street"
std::string bandwidth_text(const v1::Reservation::Spec& spec) {
  std::string out;
  if (!spec.up().empty()) out = spec.up() + " up";
  if (!spec.down().empty()) out += (out.empty() ? "" : ", ") + spec.down() + " down";
  return out.empty() ? out : out + " from " + spec.ingress();
}

void add_queue(Table& table, const std::string& name, const v1::Queue::Use& use, const std::string& policy,
               const v1::Queue* queue, bool wide) {
  std::vector<std::string> row{
      name,
      share_text(use.share_ppm()),
      share_text(use.entitlement_ppm()),
      std::to_string(use.jobs_running()),
      std::to_string(use.jobs_waiting()),
      use.oldest_wait_us() == 0 ? "-" : identity::span_text(use.oldest_wait_us() / 1'000'000),
      policy};
  if (wide) {
    row.insert(row.end(), {format_cpu(use.cpu_milli()), format_memory(use.memory_mib()),
                           format_milli(use.accelerator_milli()), std::to_string(use.preemptions())});
    if (queue == nullptr) {
      row.insert(row.end(), 5, "-");
    } else {
      const v1::Queue::Spec& spec = queue->spec();
      row.insert(row.end(),
                 {or_dash(spec.weight()), amounts_text(spec.guaranteed()), amounts_text(spec.maximum()),
                  or_dash(spec.half_life()), or_dash(queue->status().backfill())});
    }
  }
  table.add(row);
}

struct Tree {
  const std::map<std::string, std::vector<const v1::Queue*>>& below;
  Table& table;
  bool wide;

  void add(const v1::Queue& queue, size_t depth) {
    const std::string& name = queue.metadata().name();
    const std::string indent(2 * depth, ' ');
    add_queue(table, indent + name, queue.status().use(), or_dash(queue.status().policy()), &queue, wide);
    for (const auto& tenant : queue.status().tenants()) {
      add_queue(table, indent + "  tenant " + tenant.tenant(), tenant.use(), "", nullptr, wide);
    }
    const auto children = below.find(name);
    if (children == below.end()) return;
    for (const v1::Queue* child : children->second) add(*child, depth + 1);
  }
};

// "3/4": of so many that it is to have; of a malleable job "3/2-8".
std::string runs_text(const v1::Intent::Status& status, const v1::Intent::Timing& schedule) {
  const std::string running = std::to_string(status.instances_running()) + "/";
  if (schedule.has_instances_min()) {
    return running + std::to_string(schedule.instances_min()) + "-" + std::to_string(schedule.instances());
  }
  return running + std::to_string(status.instances() > 0 ? static_cast<int32_t>(status.instances())
                                                         : std::max(schedule.instances(), 1));
}

}  // namespace

Table queues(const Items& items, bool wide) {
  std::vector<std::string> header{"QUEUE", "SHARE", "DUE", "RUNNING", "WAITING", "OLDEST WAIT", "POLICY"};
  if (wide) {
    header.insert(header.end(), {"CORES", "MEMORY", "ACCELERATORS", "PREEMPTIONS", "WEIGHT", "GUARANTEED", "MAXIMUM",
                                 "HALF-LIFE", "BACKFILL"});
  }
  Table table(header);
  std::map<std::string, std::vector<const v1::Queue*>> below;
  std::set<std::string> known;
  for (const v1::Resource& item : items) known.insert(item.queue().metadata().name());
  for (const v1::Resource& item : items) {
    const v1::Queue& queue = item.queue();
    if (queue.metadata().name() == kDomainQueue) continue;
    const std::string& parent = queue.spec().parent();
    below[parent.empty() ? kDomainQueue : parent].push_back(&queue);
  }
  Tree tree{below, table, wide};
  // Above which there is nothing that is shown.
  for (const v1::Resource& item : items) {
    const v1::Queue& queue = item.queue();
    const std::string parent = queue.spec().parent().empty() ? kDomainQueue : queue.spec().parent();
    if (queue.metadata().name() == kDomainQueue || !known.contains(parent)) tree.add(queue, 0);
  }
  return table;
}

std::string start_text(const v1::Intent::Status& status) {
  return minute_text(status.started() != 0 ? status.started() : status.waiting().estimated_start());
}

std::string render_waiting(const std::string& why, const v1::Waiting& waiting, bool chinese) {
  if (chinese) {
    return "它会在队列 " + waiting.queue() + " 中等待：" + why + "。" + (waiting.position() > 0 ? "在它之前有 " + std::to_string(waiting.position()) + " 个作业。" : "") +
           (waiting.estimated_start() != 0 ? "预计 " + minute_text(waiting.estimated_start()) + " 开始。" : "") + "\n";
  }
  std::string text = "It would wait in queue " + waiting.queue() + ": " + why + ".";
  if (waiting.position() > 0) {
    text += " " + std::to_string(waiting.position()) + (waiting.position() == 1 ? " job is" : " jobs are") + " tried before it.";
  }
  if (waiting.estimated_start() != 0) text += " Estimated start: " + minute_text(waiting.estimated_start()) + ".";
  return text + "\n";
}

// As it says, or as its queue takes it to be.
std::string run_time_text(const v1::Intent::Timing& schedule, const v1::Intent::Status& status) {
  const bool predicted = status.predicted_run_us() > 0 && schedule.run_time() != format_duration(status.expected_run_us());
  return predicted ? identity::span_text((status.expected_run_us() + 999'999) / 1'000'000) + " predicted" : or_dash(schedule.run_time());
}

Table jobs(const Items& items, bool wide) {
  std::vector<std::string> header{"TENANT", "NAME", "STATE", "QUEUE", "START"};
  if (wide) {
    header.insert(header.end(),
                  {"AHEAD", "PRIORITY", "RUNS", "CORES", "MEMORY", "ACCELERATORS", "RUN TIME", "DEADLINE", "PREEMPTIONS"});
  }
  header.emplace_back("WHY");
  Table table(header);
  table.wrap_last();
  for (const v1::Resource& item : items) {
    const v1::Intent& job = item.intent();
    const v1::Intent::Status& status = job.status();
    const v1::Intent::Timing& schedule = job.spec().schedule();
    std::vector<std::string> row{job.metadata().tenant(), job.metadata().name(), status.state(),
                                 schedule.queue().empty() ? kDomainQueue : schedule.queue(),
                                 start_text(status)};
    if (wide) {
      const v1::Intent::Instance& each = job.spec().workload().job();
      row.insert(row.end(),
                 {status.has_waiting() ? std::to_string(status.waiting().position()) : "-",
                  std::to_string(schedule.priority()),
                  runs_text(status, schedule),
                  each.cpu(), each.memory(),
                  each.accelerator_share().empty() ? std::to_string(each.accelerators()) : each.accelerator_share(),
                  run_time_text(schedule, status), or_dash(schedule.deadline()),
                  std::to_string(status.preemptions())});
    }
    std::string why = status.has_tasks() ? gateway::tasks_text(status.tasks()) : "";
    if (!status.why().empty()) why += (why.empty() ? "" : ". ") + status.why();
    row.push_back(or_dash(why));
    table.add(row);
  }
  return table;
}

Table reservations(const Items& items, bool) {
  Table table({"TENANT", "NAME", "STATE", "SITE", "FROM", "TO", "AMOUNT"});
  table.lesser({"AMOUNT"});
  const auto minute = [](const std::string& time) {
    return time.size() > 17 ? time.substr(0, 16) + "Z" : time;
  };
  for (const v1::Resource& item : items) {
    const v1::Reservation& reservation = item.reservation();
    const v1::Reservation::Spec& spec = reservation.spec();
    std::string amount = amounts_text(spec.amount());
    if (const std::string bandwidth = bandwidth_text(spec); !bandwidth.empty()) {
      amount = amount == "-" ? bandwidth : amount + "; " + bandwidth;
    }
    table.add({reservation.metadata().tenant(), reservation.metadata().name(), reservation.status().state(),
               spec.site(), minute(spec.from()), minute(spec.to()), amount});
  }
  return table;
}

Table policies(const Items& items, bool) {
  Table table({"POLICY", "PARAMETER", "DEFAULT", "RANGE", "ABOUT"});
  table.wrap_last();
  for (const v1::Resource& item : items) {
    const v1::PolicyView& policy = item.policy();
    table.add({policy.name(), "", "", "", policy.about()});
    for (const auto& parameter : policy.parameters()) {
      table.add({"", parameter.name(), std::to_string(parameter.value()),
                 std::to_string(parameter.low()) + " to " + std::to_string(parameter.high()),
                 parameter.about()});
    }
  }
  return table;
}

std::string render_outlooks(const v1::Outlook& now, const v1::Outlook& other, const std::string& changes,
                            size_t width) {
  Table table({"", "NOW", "WITH " + changes});
  const auto row = [&](const char* what, auto&& text) { table.add({what, text(now), text(other)}); };
  row("state", [](const v1::Outlook& o) { return o.state(); });
  row("start", [&](const v1::Outlook& o) {
    return o.has_waiting()                         ? minute_text(o.waiting().estimated_start())
           : o.state() == "placed" && &o == &other ? "now"
                                                   : "-";
  });
  row("ahead",
      [](const v1::Outlook& o) { return o.has_waiting() ? std::to_string(o.waiting().position()) : "-"; });
  row("sites", [](const v1::Outlook& o) {
    std::string out;
    for (const std::string& site : o.sites()) out += (out.empty() ? "" : ",") + site;
    return or_dash(o.sites_size() > 0 ? out : o.waiting().site());
  });
  row("credits/h", [](const v1::Outlook& o) {
    return o.billed_per_hour_nanocredits() > 0
               ? format_money((o.billed_per_hour_nanocredits() + 500) / 1000 * 1000)
               : "-";
  });
  std::string out = table.text(width) + "\n";
  const auto why = [&](const std::string& when, const v1::Outlook& o) {
    if (o.why().empty()) return;
    const std::string text = when + ": " + o.why() + (o.why().back() == '.' ? "\n" : ".\n");
    out += width == 0 ? text : wrapped(text, width);
  };
  why("Now", now);
  why("With " + changes, other);
  return out;
}

}  // namespace weir::app
