#pragma once

#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "service/gateway/views.h"

// Workflows as messages and in words. Private to this library.
namespace weir::gateway {

void put_workflow(const ViewSources& from, WorkflowId id, v1::Resource& out);

// Rows of the stages on the way from a source to a sink that decides how long the plan takes, in order. Of a
// plan for this wish.
std::vector<uint32_t> critical_path(const Workflow& workflow, const WorkflowPlanned& plan);

// `shown` is what put_workflow made of it.
std::string explain_workflow(const ViewSources& from, WorkflowId id, const v1::Resource& shown);

}  // namespace weir::gateway
