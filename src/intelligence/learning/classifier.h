#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "intelligence/learning/linear_weights.h"

namespace weir::learning {

struct Labelled {
  std::vector<Feature> features = {};
  uint32_t label = 0;
};

struct ClassifierOptions {
  size_t epochs = 6;
  float rate = 0.4f;
  float decay = 2e-5f;
  float least_weight = 0.5f;    // smaller ones are left out of what is stored
  size_t least_count = 4;       // of a feature among the examples
  double kept = 0.6;            // share of an example's features that are looked at in a step, so that no one of them is leant on
  float smoothing = 0.05f;       // of the labels, so that probabilities stay doubtful where examples are few
  uint64_t seed = 1;
};

// Which of some labels an example has, with a probability: multinomial logistic regression over features that are there or not, of examples
// brought to one length. Trained on random parts of the examples (dropout, Srivastava et al. 2014).
class Classifier {
 public:
  Classifier() = default;
  // Requires labels of examples below `labels`, at least 1.
  static Classifier train(std::span<const Labelled> examples, uint32_t labels, const ClassifierOptions& options);

  // Sets the temperature under which examples that were not trained on are likeliest (Guo et al. 2017, "On Calibration of Modern
  // Neural Networks", section 4.2).
  void calibrate(std::span<const Labelled> held);
  // Of each label; they sum to 1.
  std::vector<float> probabilities(std::span<const Feature> features) const;
  uint32_t labels() const { return weights_.labels(); }
  size_t rows() const { return weights_.rows(); }

  void write(std::string& bytes) const;
  static Result<Classifier> read(std::string_view& bytes);

 private:
  void weigh(std::span<const Feature> features, std::span<float> scores) const;

  LinearWeights weights_;
  float temperature_ = 1;
};

// The probability below which an answer is better refused, by `held`: where an answer given wrongly costs as much as `wrong_costs` that are
// missed. What has the label `outside` is right to be refused; the other labels are answers. 1 where no answer is worth giving.
float best_threshold(const Classifier& classifier, std::span<const Labelled> held, uint32_t outside, int wrong_costs);

}  // namespace weir::learning
