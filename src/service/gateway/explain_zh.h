#pragma once

// Private to this folder: explain.h in Chinese, sentence for sentence. Reached by its functions with Language::kChinese.

#include <string>
#include <vector>

#include "core/graph/graph.h"

namespace weir::gateway::zh {

// The two, with a blank between them where the second begins with a Latin letter.
std::string before(const std::string& chinese, const std::string& text);
std::string per_hour_text(Nanocredits nanocredits);

std::string reason_text(const Graph& graph, const IntentSpec& spec, const Reason& reason);
std::string alternative_text(const Graph& graph, const IntentSpec& spec, const Plan& plan, const Alternative& alternative);
std::vector<std::string> refusal_sentences(const Graph& graph, const IntentSpec& spec, const Refusal& refusal);
std::string explain_plan(const Graph& graph, const IntentSpec& spec, const Plan& plan, SiteId ingress);
std::string explain_refusal(const Graph& graph, const IntentSpec& spec, const Refusal& refusal);

}  // namespace weir::gateway::zh
