#pragma once

// Private to this folder: waiting.h in Chinese. Reached by its functions with Language::kChinese.

#include "service/gateway/waiting.h"

namespace weir::gateway::zh {

std::string wait_text(const Reading& from, const JobWait& wait);
std::string explain_wait(const Reading& from, const JobWait& wait);
std::string explain_tasks(const Graph& graph, const QueueReport& report, IntentId id, TimeUs now);
std::string explain_run_time(const Graph& graph, IntentId id);
std::string explain_preempted(const Graph& graph, bool all, IntentId id);

}  // namespace weir::gateway::zh
