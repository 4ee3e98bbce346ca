#pragma once

#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "core/ports/understanding.h"

// Why an intent is where it is, or nowhere, in sentences with numbers and units: made from the committed plan
// or the refusal, and the graph for names. Pure.
namespace weir::gateway {

// "0.1234 credits/h", rounded to a millionth of a credit.
std::string per_hour_text(Nanocredits nanocredits);
// "12.3%" of value against base; "much" against nothing.
std::string percent(int64_t value, int64_t base);
// "96.3 ms": three digits at least, in the unit that suits.
std::string latency_text(int64_t us);

// Sites and routers along a path, both ends included.
std::vector<std::string> hops(const Graph& graph, SiteId from, const std::vector<LinkId>& path);

// What one reason says about one place: "hub-a has 0 of 4 free GPUs".
std::string reason_text(const Graph& graph, const IntentSpec& spec, const Reason& reason, Language language = Language::kEnglish);

// Why a site that was not chosen lost, and by how much.
std::string alternative_text(const Graph& graph, const IntentSpec& spec, const Plan& plan,
                             const Alternative& alternative, Language language = Language::kEnglish);

// One sentence for each constraint that fails, nearest to being met first, with what would have to change.
std::vector<std::string> refusal_sentences(const Graph& graph, const IntentSpec& spec, const Refusal& refusal,
                                           Language language = Language::kEnglish);

// Only the streams of `ingress`, if it is valid.
std::string explain_plan(const Graph& graph, const IntentSpec& spec, const Plan& plan, SiteId ingress,
                         Language language = Language::kEnglish);
std::string explain_refusal(const Graph& graph, const IntentSpec& spec, const Refusal& refusal, Language language = Language::kEnglish);

}  // namespace weir::gateway
