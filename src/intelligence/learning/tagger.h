#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "intelligence/learning/linear_weights.h"

namespace weir::learning {

// A sequence: what was seen at each place, and the labels there.
struct Tagged {
  std::vector<std::vector<Feature>> places = {};
  std::vector<uint32_t> labels = {};
};

struct TaggerOptions {
  size_t epochs = 4;
  float rate = 0.15f;
  float decay = 2e-5f;
  float least_weight = 0.15f;
  size_t least_count = 4;
  uint64_t seed = 1;
};

// The labels of a sequence: a linear-chain conditional random field (Lafferty, McCallum, Pereira 2001), trained by the gradient of its
// likelihood.
class Tagger {
 public:
  Tagger() = default;
  // Requires as many labels as places, each below `labels`.
  static Tagger train(std::span<const Tagged> sequences, uint32_t labels, const TaggerOptions& options);

  // Probability of each label at each place, given the whole sequence. O(places · labels²).
  std::vector<std::vector<float>> marginals(std::span<const std::vector<Feature>> places) const;
  // The likeliest labels together (Viterbi).
  std::vector<uint32_t> labels_of(std::span<const std::vector<Feature>> places) const;
  uint32_t labels() const { return weights_.labels(); }
  size_t rows() const { return weights_.rows(); }

  void write(std::string& bytes) const;
  static Result<Tagger> read(std::string_view& bytes);

 private:
  LinearWeights weights_;
  std::vector<float> follows_;  // [before][label]; the last row: at the beginning
};

}  // namespace weir::learning
