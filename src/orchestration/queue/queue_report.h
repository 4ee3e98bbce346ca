#pragma once

#include "core/ports/queues.h"

namespace weir::queue {

// Queues by the scheduler's own code: a report restarts a GraphQueue from the graph and asks it whose turn it
// is.
class ReportedQueues final : public Queues {
 public:
  ReportedQueues();
  const std::vector<PolicyDescription>& policies() const override { return policies_; }
  Status check(const std::string& policy, const std::vector<::weir::PolicySetting>& settings) const override;
  QueueReport report(const Graph& graph, TimeUs now) const override;

 private:
  std::vector<PolicyDescription> policies_;
};

}  // namespace weir::queue
