#include "intelligence/learning/classifier.h"

#include <algorithm>
#include <cmath>

#include "intelligence/learning/training.h"

namespace weir::learning {
namespace {

void soften(std::vector<float>& scores) {
  const float most = *std::max_element(scores.begin(), scores.end());
  float sum = 0;
  for (float& score : scores) sum += score = std::exp(score - most);
  for (float& score : scores) score /= sum;
}

// What brings examples of so many features to one length.
float share_of(size_t features) { return features == 0 ? 0 : 1 / std::sqrt(static_cast<float>(features)); }

}  // namespace

Classifier Classifier::train(std::span<const Labelled> examples, uint32_t labels, const ClassifierOptions& options) {
  FeatureCount count;
  for (const Labelled& example : examples) count.add(example.features);
  const FeatureTable table = count.table(options.least_count);
  std::vector<std::vector<uint32_t>> rows;
  rows.reserve(examples.size());
  for (const Labelled& example : examples) rows.push_back(rows_of(table, example.features));

  Learned learned(table.size() * labels, options.rate);
  Draws draws(options.seed);
  std::vector<float> scores(labels);
  std::vector<uint32_t> looked_at;
  const float other = options.smoothing / static_cast<float>(labels);
  for (size_t epoch = 0; epoch < options.epochs; ++epoch) {
    for (const uint32_t i : shuffled(examples.size(), draws)) {
      std::fill(scores.begin(), scores.end(), 0.f);
      looked_at.clear();
      for (const uint32_t row : rows[i]) {
        if (draws.chance(options.kept)) looked_at.push_back(row);
      }
      const float share = share_of(looked_at.size());
      for (const uint32_t row : looked_at) {
        for (uint32_t label = 0; label < labels; ++label) scores[label] += share * learned[size_t{row} * labels + label];
      }
      soften(scores);
      for (uint32_t label = 0; label < labels; ++label) scores[label] = other + (label == examples[i].label ? 1 - options.smoothing : 0.f) - scores[label];
      for (const uint32_t row : looked_at) {
        for (uint32_t label = 0; label < labels; ++label) {
          if (std::fabs(scores[label]) > 1e-4f) learned.step(size_t{row} * labels + label, share * scores[label], options.decay);
        }
      }
    }
  }
  Classifier out;
  out.weights_ = LinearWeights(table.features(), labels, learned.weights(), options.least_weight);
  return out;
}

void Classifier::calibrate(std::span<const Labelled> held) {
  if (held.empty()) return;
  std::vector<std::vector<float>> scores;
  for (const Labelled& example : held) {
    scores.emplace_back(labels(), 0.f);
    weigh(example.features, scores.back());
  }
  double least = HUGE_VAL;
  for (float temperature = 0.3f; temperature < 4; temperature *= 1.1f) {
    double surprise = 0;
    for (size_t i = 0; i < held.size(); ++i) {
      std::vector<float> softened = scores[i];
      for (float& score : softened) score /= temperature;
      soften(softened);
      surprise -= std::log(std::max(softened[held[i].label], 1e-9f));
    }
    if (surprise < least) {
      least = surprise;
      temperature_ = temperature;
    }
  }
}

std::vector<float> Classifier::probabilities(std::span<const Feature> features) const {
  std::vector<float> scores(labels(), 0.f);
  weigh(features, scores);
  for (float& score : scores) score /= temperature_;
  soften(scores);
  return scores;
}

void Classifier::weigh(std::span<const Feature> features, std::span<float> scores) const {
  const size_t known = weights_.add(features, scores);
  for (float& score : scores) score *= share_of(known);
}

void Classifier::write(std::string& bytes) const {
  weights_.write(bytes);
  put_f32(bytes, temperature_);
}

Result<Classifier> Classifier::read(std::string_view& bytes) {
  Classifier out;
  auto weights = LinearWeights::read(bytes);
  if (!weights) return tl::unexpected(weights.error());
  out.weights_ = std::move(*weights);
  const auto temperature = take_f32(bytes);
  if (!temperature) return tl::unexpected(temperature.error());
  if (!std::isfinite(*temperature) || *temperature < 0.01f || *temperature > 100) return fail(ErrorCode::kCorrupt, "is no temperature", {}, "build it again");
  out.temperature_ = *temperature;
  return out;
}

float best_threshold(const Classifier& classifier, std::span<const Labelled> held, uint32_t outside, int wrong_costs) {
  struct Answer {
    float probability;
    int gain;  // of giving it, against refusing
  };
  std::vector<Answer> answers;
  for (const Labelled& example : held) {
    const std::vector<float> probabilities = classifier.probabilities(example.features);
    size_t best = outside == 0 && probabilities.size() > 1 ? 1 : 0;
    for (size_t label = 0; label < probabilities.size(); ++label) {
      if (label != outside && probabilities[label] > probabilities[best]) best = label;
    }
    answers.push_back({probabilities[best], best == example.label ? 1 : -wrong_costs});
  }
  std::sort(answers.begin(), answers.end(), [](const Answer& a, const Answer& b) { return a.probability > b.probability; });
  int gain = 0, most = 0;
  float threshold = 1;
  for (size_t i = 0; i < answers.size(); ++i) {
    gain += answers[i].gain;
    const bool last_alike = i + 1 == answers.size() || answers[i + 1].probability < answers[i].probability;
    if (last_alike && gain > most) {
      most = gain;
      threshold = answers[i].probability;
    }
  }
  return threshold;
}

}  // namespace weir::learning
