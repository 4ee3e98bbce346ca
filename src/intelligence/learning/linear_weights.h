#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"

namespace weir::learning {

// What was seen of an example, as a hash of its name.
using Feature = uint32_t;

// FNV-1a, 32 bits. Names that share a hash share their weights.
constexpr Feature feature_of(std::string_view name, Feature seed = 2'166'136'261u) {
  for (const char c : name) seed = (seed ^ static_cast<uint8_t>(c)) * 16'777'619u;
  return seed;
}

// Features in ascending order, each with a row.
class FeatureTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  FeatureTable() = default;
  explicit FeatureTable(std::vector<Feature> ascending);
  size_t size() const { return features_.size(); }
  const std::vector<Feature>& features() const { return features_; }
  // kNone where it has none. O(1): the buckets hold about two features each.
  uint32_t row(Feature feature) const;

 private:
  std::vector<Feature> features_;
  std::vector<uint32_t> bucket_begins_;  // by the first bits of the features
  uint32_t shift_ = 31;
};

// Weights of features for each of some labels, as 16-bit integers with a common scale: read from bytes that a build made, so that
// every machine with the same build scores alike.
class LinearWeights {
 public:
  static constexpr uint32_t kLabelsMax = 512;
  static constexpr uint32_t kRowsMax = 1u << 20;

  LinearWeights() = default;
  // Rows of `weights` are in the order of the features; rows without a weight of at least `least` are left out.
  LinearWeights(const std::vector<Feature>& features, uint32_t labels, const std::vector<float>& weights, float least);

  uint32_t labels() const { return labels_; }
  size_t rows() const { return table_.size(); }
  // Adds what the features weigh for each label, and tells how many of them weigh anything. Requires `scores` to hold labels().
  size_t add(std::span<const Feature> features, std::span<float> scores) const;

  void write(std::string& bytes) const;
  // Takes its bytes off the front. kCorrupt: they are not such weights.
  static Result<LinearWeights> read(std::string_view& bytes);

 private:
  FeatureTable table_;
  uint32_t labels_ = 0;
  float scale_ = 1;
  std::vector<int16_t> weights_;
};

// Little-endian, as the models' bytes are written.
void put_u32(std::string& bytes, uint32_t value);
Result<uint32_t> take_u32(std::string_view& bytes);
void put_f32(std::string& bytes, float value);
Result<float> take_f32(std::string_view& bytes);

// Draws of a fixed sequence (SplitMix64): training is the same each time.
class Draws {
 public:
  explicit Draws(uint64_t seed) : state_(seed) {}
  uint64_t next();
  // In [0, bound); bound at least 1.
  size_t below(size_t bound) { return static_cast<size_t>(next() % bound); }
  bool chance(double probability) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability; }

 private:
  uint64_t state_;
};

}  // namespace weir::learning
