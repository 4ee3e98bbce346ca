#include "intelligence/learning/linear_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

namespace weir::learning {
namespace {

constexpr size_t kRowBytesMin = 2;

// Seven bits a byte, the low ones first; the highest bit says that more follow.
void put_varint(std::string& bytes, uint32_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  bytes += static_cast<char>(value);
}

std::optional<uint32_t> take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 35 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes[0]);
    bytes.remove_prefix(1);
    value |= uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return value <= UINT32_MAX ? std::optional(static_cast<uint32_t>(value)) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

FeatureTable::FeatureTable(std::vector<Feature> ascending) : features_(std::move(ascending)) {
  const uint32_t bits = std::clamp<uint32_t>(static_cast<uint32_t>(std::bit_width(features_.size() / 2)), 1, 20);
  shift_ = 32 - bits;
  bucket_begins_.assign((size_t{1} << bits) + 1, static_cast<uint32_t>(features_.size()));
  for (size_t i = features_.size(); i-- > 0;) bucket_begins_[features_[i] >> shift_] = static_cast<uint32_t>(i);
  for (size_t b = bucket_begins_.size() - 1; b-- > 0;) bucket_begins_[b] = std::min(bucket_begins_[b], bucket_begins_[b + 1]);
}

uint32_t FeatureTable::row(Feature feature) const {
  if (features_.empty()) return kNone;
  const uint32_t bucket = feature >> shift_;
  for (uint32_t i = bucket_begins_[bucket]; i < bucket_begins_[bucket + 1]; ++i) {
    if (features_[i] == feature) return i;
  }
  return kNone;
}

LinearWeights::LinearWeights(const std::vector<Feature>& features, uint32_t labels, const std::vector<float>& weights, float least) : labels_(labels) {
  float most = 0;
  for (const float weight : weights) most = std::max(most, std::fabs(weight));
  scale_ = most > 0 ? most / 32'767 : 1;
  std::vector<Feature> kept;
  for (size_t row = 0; row < features.size(); ++row) {
    const auto begin = weights.begin() + static_cast<std::ptrdiff_t>(row * labels);
    if (std::none_of(begin, begin + labels, [&](float weight) { return std::fabs(weight) >= least; })) continue;
    kept.push_back(features[row]);
    for (auto at = begin; at != begin + labels; ++at) {
      weights_.push_back(std::fabs(*at) < least ? int16_t{0} : static_cast<int16_t>(std::lround(*at / scale_)));
    }
  }
  table_ = FeatureTable(std::move(kept));
}

size_t LinearWeights::add(std::span<const Feature> features, std::span<float> scores) const {
  size_t known = 0;
  for (const Feature feature : features) {
    const uint32_t row = table_.row(feature);
    if (row == FeatureTable::kNone) continue;
    ++known;
    const int16_t* weights = weights_.data() + size_t{row} * labels_;
    for (uint32_t label = 0; label < labels_; ++label) scores[label] += static_cast<float>(weights[label]) * scale_;
  }
  return known;
}

// Each row: how far its feature is from the one before, how many labels it weighs for, and those with their weights.
void LinearWeights::write(std::string& bytes) const {
  put_u32(bytes, labels_);
  put_u32(bytes, static_cast<uint32_t>(rows()));
  put_f32(bytes, scale_);
  Feature before = 0;
  for (size_t row = 0; row < rows(); ++row) {
    const int16_t* weights = weights_.data() + row * labels_;
    put_varint(bytes, table_.features()[row] - before);
    before = table_.features()[row];
    put_varint(bytes, static_cast<uint32_t>(labels_ - static_cast<uint32_t>(std::count(weights, weights + labels_, int16_t{0}))));
    for (uint32_t label = 0; label < labels_; ++label) {
      if (weights[label] == 0) continue;
      put_varint(bytes, label);
      bytes += static_cast<char>(weights[label] & 0xFF);
      bytes += static_cast<char>(static_cast<uint16_t>(weights[label]) >> 8);
    }
  }
}

Result<LinearWeights> LinearWeights::read(std::string_view& bytes) {
  const auto corrupt = [] { return fail(ErrorCode::kCorrupt, "are not weights of a model", {}, "build it again"); };
  LinearWeights out;
  const auto labels = take_u32(bytes);
  const auto rows = take_u32(bytes);
  const auto scale = take_f32(bytes);
  if (!labels || !rows || !scale || *labels == 0 || *labels > kLabelsMax || *rows > kRowsMax || !std::isfinite(*scale) || *scale <= 0 || bytes.size() / kRowBytesMin < *rows) return corrupt();
  out.labels_ = *labels;
  out.scale_ = *scale;
  std::vector<Feature> features;
  features.reserve(*rows);
  out.weights_.assign(size_t{*rows} * *labels, 0);
  for (uint32_t row = 0; row < *rows; ++row) {
    const auto ahead = take_varint(bytes);
    const auto filled = take_varint(bytes);
    if (!ahead || !filled || *filled > *labels) return corrupt();
    const Feature before = features.empty() ? 0 : features.back();
    if ((*ahead == 0 && !features.empty()) || *ahead > UINT32_MAX - before) return corrupt();
    features.push_back(before + *ahead);
    for (uint32_t i = 0; i < *filled; ++i) {
      const auto label = take_varint(bytes);
      if (!label || *label >= *labels || bytes.size() < 2) return corrupt();
      const auto weight = static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) | (static_cast<uint8_t>(bytes[1]) << 8));
      bytes.remove_prefix(2);
      out.weights_[size_t{row} * *labels + *label] = static_cast<int16_t>(weight);
    }
  }
  out.table_ = FeatureTable(std::move(features));
  return out;
}

void put_u32(std::string& bytes, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>((value >> shift) & 0xFF);
}

Result<uint32_t> take_u32(std::string_view& bytes) {
  if (bytes.size() < 4) return fail(ErrorCode::kCorrupt, "end too soon", {}, "build it again");
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  bytes.remove_prefix(4);
  return value;
}

void put_f32(std::string& bytes, float value) { put_u32(bytes, std::bit_cast<uint32_t>(value)); }

Result<float> take_f32(std::string_view& bytes) {
  const auto value = take_u32(bytes);
  if (!value) return tl::unexpected(value.error());
  return std::bit_cast<float>(*value);
}

uint64_t Draws::next() {
  uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace weir::learning
