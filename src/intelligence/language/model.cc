#include "intelligence/language/model.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "intelligence/language/features.h"

namespace weir::language {
namespace {

constexpr std::string_view kMark = "weir language 1\n";
constexpr std::array<std::string_view, 12> kWorkloads = {"",       "detection",  "training", "inference", "rendering", "transcoding",
                                                         "speech", "simulation", "analysis", "web",       "database",  "game"};

}  // namespace

std::span<const std::string_view> workload_names() { return kWorkloads; }

void write_model(const Model& model, std::string& bytes) {
  bytes += kMark;
  model.acts.write(bytes);
  model.workloads.write(bytes);
  model.values.write(bytes);
  learning::put_f32(bytes, model.act_threshold);
  learning::put_f32(bytes, model.workload_threshold);
}

Result<Model> read_model(std::string_view bytes) {
  const auto corrupt = [](const char* what) { return fail(ErrorCode::kCorrupt, what, "language model", "build it again"); };
  if (!bytes.starts_with(kMark)) return corrupt("is not a model of language");
  bytes.remove_prefix(kMark.size());
  Model out;
  auto acts = learning::Classifier::read(bytes);
  if (!acts) return tl::unexpected(acts.error());
  auto workloads = learning::Classifier::read(bytes);
  if (!workloads) return tl::unexpected(workloads.error());
  auto values = learning::Tagger::read(bytes);
  if (!values) return tl::unexpected(values.error());
  const auto act_threshold = learning::take_f32(bytes);
  if (!act_threshold) return tl::unexpected(act_threshold.error());
  const auto workload_threshold = learning::take_f32(bytes);
  if (!workload_threshold) return tl::unexpected(workload_threshold.error());
  if (acts->labels() != kActLabels || workloads->labels() != kWorkloads.size() || values->labels() != kValueLabels || !bytes.empty()) return corrupt("is of other labels");
  if (!std::isfinite(*act_threshold) || !std::isfinite(*workload_threshold)) return corrupt("has no threshold");
  return Model{std::move(*acts), std::move(*workloads), std::move(*values), *act_threshold, *workload_threshold};
}

Opinion opinion_of(const Model& model, std::span<const Token> wish, const Characters& characters, bool talk) {
  const std::vector<learning::Feature> features = see_wish(wish, characters, talk);
  Opinion out{.acts = model.acts.probabilities(features)};
  const std::vector<float> workloads = model.workloads.probabilities(features);
  const auto best = std::max_element(workloads.begin() + 1, workloads.end());
  if (*best >= model.workload_threshold) {
    out.workload = kWorkloads[static_cast<size_t>(best - workloads.begin())];
    out.workload_probability = *best;
  }
  return out;
}

std::vector<ValueOpinion> value_opinions(const Model& model, std::span<const Token> wish, const Characters& characters, Act act) {
  const SeenValues seen = see_values(wish, characters, act);
  const auto marginals = model.values.marginals(seen.places);
  std::vector<ValueOpinion> out;
  for (size_t i = 0; i < marginals.size(); ++i) {
    const auto best = static_cast<size_t>(std::max_element(marginals[i].begin(), marginals[i].end()) - marginals[i].begin());
    out.push_back({seen.tokens[i], best > 0, static_cast<Slot>(best > 0 ? best - 1 : 0), marginals[i][best]});
  }
  return out;
}

}  // namespace weir::language
