#include "intelligence/learning/tagger.h"

#include <algorithm>
#include <cmath>

#include "intelligence/learning/training.h"

namespace weir::learning {
namespace {

constexpr float kFollowsMost = 20;  // more would leave the range of what is summed

using Scores = std::vector<std::vector<float>>;

// Probabilities of labels and, where asked for, how often one is expected behind the other. `follows` holds powers of e.
Scores forward_backward(Scores scores, const std::vector<float>& follows, size_t labels, std::vector<float>* pairs) {
  const size_t places = scores.size();
  for (std::vector<float>& place : scores) {
    const float most = *std::max_element(place.begin(), place.end());
    // Never nothing, so that no sequence is impossible.
    for (float& score : place) score = std::max(std::exp(score - most), 1e-20f);
  }
  const auto normalise = [](std::vector<float>& values) {
    float sum = 0;
    for (const float value : values) sum += value;
    for (float& value : values) value /= sum;
  };
  Scores ahead(places, std::vector<float>(labels)), behind(places, std::vector<float>(labels, 1.f));
  for (size_t t = 0; t < places; ++t) {
    for (size_t b = 0; b < labels; ++b) {
      float sum = t == 0 ? follows[labels * labels + b] : 0;
      for (size_t a = 0; t > 0 && a < labels; ++a) sum += ahead[t - 1][a] * follows[a * labels + b];
      ahead[t][b] = sum * scores[t][b];
    }
    normalise(ahead[t]);
  }
  for (size_t t = places; t-- > 1;) {
    for (size_t a = 0; a < labels; ++a) {
      float sum = 0;
      for (size_t b = 0; b < labels; ++b) sum += follows[a * labels + b] * scores[t][b] * behind[t][b];
      behind[t - 1][a] = sum;
    }
    normalise(behind[t - 1]);
  }
  if (pairs != nullptr) {
    std::vector<float> both(labels * labels);
    for (size_t t = 1; t < places; ++t) {
      float sum = 0;
      for (size_t a = 0; a < labels; ++a) {
        for (size_t b = 0; b < labels; ++b) sum += both[a * labels + b] = ahead[t - 1][a] * follows[a * labels + b] * scores[t][b] * behind[t][b];
      }
      for (size_t i = 0; i < both.size(); ++i) (*pairs)[i] += both[i] / sum;
    }
  }
  for (size_t t = 0; t < places; ++t) {
    for (size_t b = 0; b < labels; ++b) ahead[t][b] *= behind[t][b];
    normalise(ahead[t]);
  }
  return ahead;
}

}  // namespace

Tagger Tagger::train(std::span<const Tagged> sequences, uint32_t labels, const TaggerOptions& options) {
  FeatureCount count;
  for (const Tagged& sequence : sequences) {
    for (const auto& place : sequence.places) count.add(place);
  }
  const FeatureTable table = count.table(options.least_count);
  std::vector<std::vector<std::vector<uint32_t>>> rows(sequences.size());
  for (size_t i = 0; i < sequences.size(); ++i) {
    for (const auto& place : sequences[i].places) rows[i].push_back(rows_of(table, place));
  }
  Learned learned(table.size() * labels, options.rate);
  Learned follows((labels + 1) * labels, options.rate);
  std::vector<float> powers((labels + 1) * labels, 1.f), pairs(labels * labels);
  Draws draws(options.seed);
  for (size_t epoch = 0; epoch < options.epochs; ++epoch) {
    for (const uint32_t i : shuffled(sequences.size(), draws)) {
      const auto& sequence = rows[i];
      const std::vector<uint32_t>& truth = sequences[i].labels;
      if (sequence.empty()) continue;
      Scores scores(sequence.size(), std::vector<float>(labels));
      for (size_t t = 0; t < sequence.size(); ++t) {
        for (const uint32_t row : sequence[t]) {
          for (uint32_t label = 0; label < labels; ++label) scores[t][label] += learned[size_t{row} * labels + label];
        }
      }
      for (size_t k = 0; k < powers.size(); ++k) powers[k] = std::exp(std::clamp(follows[k], -kFollowsMost, kFollowsMost));
      std::fill(pairs.begin(), pairs.end(), 0.f);
      const Scores likely = forward_backward(std::move(scores), powers, labels, &pairs);
      for (size_t t = 0; t < sequence.size(); ++t) {
        for (uint32_t label = 0; label < labels; ++label) {
          const float gradient = (truth[t] == label ? 1.f : 0.f) - likely[t][label];
          if (std::fabs(gradient) < 1e-4f) continue;
          for (const uint32_t row : sequence[t]) learned.step(size_t{row} * labels + label, gradient, options.decay);
        }
        if (t > 0) pairs[truth[t - 1] * labels + truth[t]] -= 1;
      }
      for (uint32_t b = 0; b < labels; ++b) follows.step(size_t{labels} * labels + b, (truth[0] == b ? 1.f : 0.f) - likely[0][b], options.decay);
      for (size_t k = 0; sequence.size() > 1 && k < pairs.size(); ++k) {
        if (std::fabs(pairs[k]) > 1e-4f) follows.step(k, -pairs[k], options.decay);
      }
    }
  }
  Tagger out;
  out.weights_ = LinearWeights(table.features(), labels, learned.weights(), options.least_weight);
  for (const float weight : follows.weights()) out.follows_.push_back(std::clamp(weight, -kFollowsMost, kFollowsMost));
  return out;
}

std::vector<std::vector<float>> Tagger::marginals(std::span<const std::vector<Feature>> places) const {
  if (places.empty()) return {};
  Scores scores(places.size(), std::vector<float>(labels()));
  for (size_t t = 0; t < places.size(); ++t) weights_.add(places[t], scores[t]);
  std::vector<float> powers(follows_.size());
  for (size_t k = 0; k < powers.size(); ++k) powers[k] = std::exp(follows_[k]);
  return forward_backward(std::move(scores), powers, labels(), nullptr);
}

std::vector<uint32_t> Tagger::labels_of(std::span<const std::vector<Feature>> places) const {
  if (places.empty()) return {};
  const size_t count = labels();
  Scores best(places.size(), std::vector<float>(count));
  std::vector<std::vector<uint32_t>> from(places.size(), std::vector<uint32_t>(count));
  for (size_t t = 0; t < places.size(); ++t) {
    weights_.add(places[t], best[t]);
    for (size_t b = 0; b < count; ++b) {
      float most = t == 0 ? follows_[count * count + b] : -HUGE_VALF;
      for (size_t a = 0; t > 0 && a < count; ++a) {
        const float score = best[t - 1][a] + follows_[a * count + b];
        if (score > most) {
          most = score;
          from[t][b] = static_cast<uint32_t>(a);
        }
      }
      best[t][b] += most;
    }
  }
  std::vector<uint32_t> out(places.size());
  out.back() = static_cast<uint32_t>(std::max_element(best.back().begin(), best.back().end()) - best.back().begin());
  for (size_t t = places.size(); t-- > 1;) out[t - 1] = from[t][out[t]];
  return out;
}

void Tagger::write(std::string& bytes) const {
  weights_.write(bytes);
  for (const float weight : follows_) put_f32(bytes, weight);
}

Result<Tagger> Tagger::read(std::string_view& bytes) {
  Tagger out;
  auto weights = LinearWeights::read(bytes);
  if (!weights) return tl::unexpected(weights.error());
  out.weights_ = std::move(*weights);
  const size_t count = size_t{out.labels() + 1} * out.labels();
  for (size_t i = 0; i < count; ++i) {
    const auto weight = take_f32(bytes);
    if (!weight) return tl::unexpected(weight.error());
    if (!std::isfinite(*weight) || std::fabs(*weight) > kFollowsMost) return fail(ErrorCode::kCorrupt, "hold a weight beyond any that is learned", {}, "build it again");
    out.follows_.push_back(*weight);
  }
  return out;
}

}  // namespace weir::learning
