#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "intelligence/learning/classifier.h"
#include "intelligence/learning/tagger.h"

namespace weir::learning {
namespace {

// Two kinds that a few words tell apart, among words that both have.
std::vector<Labelled> examples(size_t n, uint64_t seed) {
  Draws draws(seed);
  std::vector<Labelled> out;
  for (size_t i = 0; i < n; ++i) {
    const auto label = static_cast<uint32_t>(draws.below(3));
    Labelled one{.label = label};
    for (int k = 0; k < 6; ++k) one.features.push_back(feature_of("common" + std::to_string(draws.below(20))));
    if (label < 2) one.features.push_back(feature_of((label == 0 ? "cat" : "dog") + std::to_string(draws.below(3))));
    out.push_back(std::move(one));
  }
  return out;
}

// Pairs of places: the first says "up" or "down" (0, 1), the second says nothing, and its label (2, 3) follows from the first alone.
std::vector<Tagged> pairs(size_t n, uint64_t seed) {
  Draws draws(seed);
  std::vector<Tagged> out(n);
  for (Tagged& one : out) {
    const size_t length = 1 + draws.below(4);
    for (size_t k = 0; k < length; ++k) {
      const auto side = static_cast<uint32_t>(draws.below(2));
      one.places.insert(one.places.end(), {{feature_of(side == 0 ? "up" : "down")}, {feature_of("stay")}});
      one.labels.insert(one.labels.end(), {side, 2 + side});
    }
  }
  return out;
}

TEST(Learning, AClassifierTellsWhatItLearned) {
  const auto held = examples(500, 2);
  Classifier classifier = Classifier::train(examples(3'000, 1), 3, {.kept = 1});  // one word tells
  classifier.calibrate(held);
  size_t right = 0;
  double belief = 0;
  for (const Labelled& one : held) {
    const auto probabilities = classifier.probabilities(one.features);
    EXPECT_NEAR(std::accumulate(probabilities.begin(), probabilities.end(), 0.0), 1, 1e-4);
    const auto best = std::max_element(probabilities.begin(), probabilities.end());
    right += static_cast<uint32_t>(best - probabilities.begin()) == one.label ? 1 : 0;
    belief += static_cast<double>(*best);
  }
  EXPECT_GT(right, 490u);
  // Calibrated: as sure as it is right.
  EXPECT_NEAR(belief / 500, static_cast<double>(right) / 500, 0.03);
}

TEST(Learning, AThresholdRefusesWhatIsOutside) {
  Classifier classifier = Classifier::train(examples(3'000, 1), 3, {});
  const auto held = examples(500, 2);
  classifier.calibrate(held);
  const float threshold = best_threshold(classifier, held, 2, 5);
  size_t wrong = 0, answered = 0;
  for (const Labelled& one : held) {
    const auto probabilities = classifier.probabilities(one.features);
    const uint32_t best = probabilities[0] > probabilities[1] ? 0 : 1;
    if (probabilities[best] < threshold) continue;
    ++answered;
    wrong += best != one.label ? 1 : 0;
  }
  EXPECT_GT(answered, 300u);
  EXPECT_LT(wrong, 10u);
  // Where every answer is wrong, none is worth giving.
  std::vector<Labelled> outside = held;
  for (Labelled& one : outside) one.label = 2;
  EXPECT_EQ(best_threshold(classifier, outside, 2, 1), 1);
}

TEST(Learning, ATaggerSeesWhatFollowsWhat) {
  const auto held = pairs(200, 2);
  const Tagger tagger = Tagger::train(pairs(2'000, 1), 4, {});
  size_t places = 0, right = 0, likeliest = 0;
  for (const Tagged& one : held) {
    const auto labels = tagger.labels_of(one.places);
    const auto marginals = tagger.marginals(one.places);
    ASSERT_EQ(labels.size(), one.labels.size());
    for (size_t i = 0; i < labels.size(); ++i) {
      ++places;
      right += labels[i] == one.labels[i] ? 1 : 0;
      EXPECT_NEAR(std::accumulate(marginals[i].begin(), marginals[i].end(), 0.0), 1, 1e-4);
      likeliest += marginals[i][one.labels[i]] > 0.5f ? 1 : 0;
    }
  }
  EXPECT_EQ(right, places);  // "stay" alone tells nothing
  EXPECT_EQ(likeliest, places);
  EXPECT_TRUE(tagger.labels_of({}).empty());
  EXPECT_TRUE(tagger.marginals({}).empty());
}

TEST(Learning, TheLikeliestIsLikely) {
  const Tagger tagger = Tagger::train(pairs(300, 3), 4, {.epochs = 1});
  const std::vector<std::vector<Feature>> places = {{feature_of("stay")}, {feature_of("up"), feature_of("down")}, {}, {feature_of("stay")}};
  // The likeliest sequence is likelier by its marginals than one drawn blindly.
  const auto marginals = tagger.marginals(places);
  const auto best = tagger.labels_of(places);
  double chance = 1;
  for (size_t i = 0; i < places.size(); ++i) chance *= static_cast<double>(marginals[i][best[i]]);
  EXPECT_GE(chance, 1.0 / 256 * 0.99);
}

TEST(Learning, IsTheSameEachTime) {
  std::string once, again;
  Classifier::train(examples(500, 1), 3, {}).write(once);
  Classifier::train(examples(500, 1), 3, {}).write(again);
  EXPECT_EQ(once, again);
}

TEST(Learning, IsWrittenAndReadAgain) {
  const Tagger tagger = Tagger::train(pairs(500, 1), 4, {});
  std::string bytes;
  tagger.write(bytes);
  std::string_view left = bytes;
  const auto read = Tagger::read(left);
  ASSERT_TRUE(read);
  EXPECT_TRUE(left.empty());
  for (const Tagged& one : pairs(50, 5)) EXPECT_EQ(read->labels_of(one.places), tagger.labels_of(one.places));
  for (size_t cut = 0; cut < bytes.size(); cut += 7) {
    std::string_view part = std::string_view(bytes).substr(0, cut);
    EXPECT_FALSE(Tagger::read(part)) << cut;
  }
  std::string wild = bytes;
  wild.replace(bytes.size() - 4, 4, std::string("\x00\x00\x80\x7f", 4));  // infinite
  std::string_view part = wild;
  EXPECT_FALSE(Tagger::read(part));
}

TEST(Learning, LabelsHaveABound) {
  for (const uint32_t labels : {0u, LinearWeights::kLabelsMax, LinearWeights::kLabelsMax + 1}) {
    std::string bytes;
    put_u32(bytes, labels);
    put_u32(bytes, 0);
    put_f32(bytes, 1);
    std::string_view left = bytes;
    EXPECT_EQ(LinearWeights::read(left).has_value(), labels == LinearWeights::kLabelsMax) << labels;
  }
}

TEST(Learning, EveryFeatureHasItsRow) {
  std::vector<Feature> features;
  Draws draws(7);
  for (int i = 0; i < 1'000; ++i) features.push_back(static_cast<Feature>(draws.next()));
  features.push_back(0);
  features.push_back(UINT32_MAX);
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
  const FeatureTable table(features);
  for (size_t i = 0; i < features.size(); ++i) EXPECT_EQ(table.row(features[i]), i);
  EXPECT_EQ(table.row(features[1] + 1), FeatureTable::kNone);
  EXPECT_EQ(FeatureTable().row(5), FeatureTable::kNone);
}

}  // namespace
}  // namespace weir::learning
