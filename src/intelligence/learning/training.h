#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "intelligence/learning/linear_weights.h"

namespace weir::learning {

// Weights while they are learned: AdaGrad (Duchi, Hazan, Singer 2011), with steps that shrink as a weight moves.
class Learned {
 public:
  Learned(size_t weights, float rate) : weights_(weights, 0), moved_(weights, 1e-6f), rate_(rate) {}

  float operator[](size_t at) const { return weights_[at]; }
  const std::vector<float>& weights() const { return weights_; }
  // One step along the gradient of the likelihood, less what keeps weights small.
  void step(size_t at, float gradient, float decay) {
    gradient -= decay * weights_[at];
    moved_[at] += gradient * gradient;
    weights_[at] += rate_ * gradient / std::sqrt(moved_[at]);
  }

 private:
  std::vector<float> weights_, moved_;
  float rate_;
};

// The features that at least `least` of the lists have, ascending.
class FeatureCount {
 public:
  void add(const std::vector<Feature>& features) { seen_.insert(seen_.end(), features.begin(), features.end()); }
  FeatureTable table(size_t least);

 private:
  std::vector<Feature> seen_;
};

// Rows of those features that have one.
std::vector<uint32_t> rows_of(const FeatureTable& table, const std::vector<Feature>& features);

// 0 to n-1 in an order drawn.
std::vector<uint32_t> shuffled(size_t n, Draws& draws);

}  // namespace weir::learning
