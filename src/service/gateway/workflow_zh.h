#pragma once

// Private to this folder: workflow_views.h in Chinese. Reached by its function for readers of Chinese.

#include "service/gateway/workflow_views.h"

namespace weir::gateway::zh {

std::string explain_workflow(const ViewSources& from, WorkflowId id, const v1::Resource& shown);

}  // namespace weir::gateway::zh
