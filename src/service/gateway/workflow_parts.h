#pragma once

// Private to this folder: what is said of workflows, in no language.

#include <string>

#include "service/gateway/workflow_views.h"

namespace weir::gateway {

// Stages of the critical path: "decode -> detect".
std::string chain_text(const v1::Workflow::Status& status);

// Between the ends of what moves no path is told where it is too long: does it stay within a site?
bool stays(const WorkflowRow& row, const PlannedTransfer& transfer);

}  // namespace weir::gateway
