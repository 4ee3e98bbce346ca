#include "app/render_queues.h"
#include "core/units/quantity.h"
#include "security/identity/clock_text.h"

namespace weir::app {
namespace {

// Stages that run, of those that should.
std::string running(const v1::Workflow::Status& status) {
  int all = 0, run = 0;
  for (const v1::Workflow::StageStatus& stage : status.stages()) {
    if (stage.state() == "there") continue;
    ++all;
    run += stage.state() == "running" || stage.state() == "finished" ? 1 : 0;
  }
  return std::to_string(run) + "/" + std::to_string(all);
}

std::string time_of(const v1::Workflow& workflow) {
  const v1::Workflow::Status& status = workflow.status();
  if (!status.has_plan()) return "-";
  const std::string& most =
      workflow.spec().kind() == "stream" ? workflow.spec().latency() : workflow.spec().deadline();
  const std::string takes = workflow.spec().kind() == "stream" ? format_duration(status.latency_us())
                                                                : identity::span_text((status.latency_us() + 999'999) / 1'000'000);
  return takes + (most.empty() ? "" : " of " + most);
}

std::string price_of(const v1::Workflow& workflow) {
  if (!workflow.status().has_plan()) return "-";
  return format_money((workflow.status().price_nanocredits() + 500) / 1000 * 1000);
}

}  // namespace

Table workflows(const Items& items, bool wide) {
  std::vector<std::string> header{"TENANT", "NAME", "KIND", "STATE", "STAGES", "TIME", "PRICE"};
  if (wide) header.insert(header.end(), {"BOUND", "QUALITY", "GENERATION"});
  header.push_back("WHY");
  Table table(header);
  table.wrap_last();
  for (const v1::Resource& item : items) {
    const v1::Workflow& workflow = item.workflow();
    const v1::Workflow::Status& status = workflow.status();
    std::vector<std::string> row{workflow.metadata().tenant(),
                                 workflow.metadata().name(),
                                 workflow.spec().kind(),
                                 status.state(),
                                 running(status),
                                 time_of(workflow),
                                 price_of(workflow)};
    if (wide) {
      row.insert(row.end(),
                 {status.has_plan() ? format_money((status.bound_nanocredits() + 500) / 1000 * 1000) : "-",
                  or_dash(status.quality()), std::to_string(workflow.metadata().generation())});
    }
    row.push_back(or_dash(status.why()));
    table.add(row);
  }
  return table;
}

}  // namespace weir::app
