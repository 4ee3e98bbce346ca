#include "infrastructure/agent/outbox.h"

#include <utility>

namespace weir::agent {

Result<uint64_t> Outbox::add(LastingReport report) {
  const size_t room = std::holds_alternative<SwitchReport>(report) ? reports_max_ : ordinary_max();
  if (waiting_.size() >= room) {
    return fail(ErrorCode::kExhausted, std::to_string(waiting_.size()) + " reports wait for the brain",
                "outbox", "they are sent when it is back");
  }
  waiting_.push_back({next_, std::move(report), 0});
  return next_++;
}

std::vector<LastingReport> Outbox::acknowledge(uint64_t sequence) {
  std::vector<LastingReport> out;
  while (!waiting_.empty() && waiting_.front().sequence <= sequence) {
    out.push_back(std::move(waiting_.front().report));
    waiting_.pop_front();
  }
  return out;
}

std::vector<NumberedReport> Outbox::take_due(TimeUs now_us, TimeUs patience_us) {
  std::vector<NumberedReport> out;
  for (NumberedReport& report : waiting_) {
    if (report.sent_us != 0 && now_us - report.sent_us < patience_us) continue;
    report.sent_us = now_us;
    out.push_back(report);
  }
  return out;
}

void Outbox::rewind() {
  for (NumberedReport& report : waiting_) report.sent_us = 0;
}

}  // namespace weir::agent
