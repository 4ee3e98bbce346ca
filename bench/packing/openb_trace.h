#pragma once

#include <string>
#include <vector>

#include "core/result/result.h"
#include "orchestration/placement/accelerator_fit.h"

namespace weir::bench {

// A pool of nodes and the tasks of one trace, both by name, as the placement knows them.
struct PackingTask {
  AcceleratorTask task;
  std::string spec;  // of models, as it stands in the trace, empty parts left out
};
struct PackingTrace {
  std::vector<AcceleratorNode> nodes;
  std::vector<PackingTask> tasks;
  std::vector<std::string> models;
  int64_t capacity_milli = 0;
};

// Reads DIR/openb_node_list_gpu_node.csv and DIR/openb_pod_list_NAME.csv.
Result<PackingTrace> read_packing_trace(const std::string& folder, const std::string& name);

// Allocation in percent at 130% of demand, by seed from 42 on, that DIR/analysis_allo_discrete.csv gives for
// the trace and a policy by the file's name for it ("06-FGD"). Empty where there is no such file or row.
std::vector<double> published_percent(const std::string& folder, const std::string& trace,
                                      const std::string& policy);

}  // namespace weir::bench
