#include "city-cameras/people.h"

#include <algorithm>
#include <cmath>
#include <opencv2/objdetect.hpp>

namespace city_cameras {

namespace {

// Windows lie two cells of the histogram apart: half as far finds each person several times over, and takes longer.
constexpr int kStride = 16;

double overlap(const cv::Rect& a, const cv::Rect& b) {
  const double both = (a & b).area();
  return both / (a.area() + b.area() - both);
}

// Of windows that share more than 0.4 of their union the one with the highest score stays.
std::vector<std::size_t> suppress(const std::vector<cv::Rect>& found, const std::vector<double>& scores) {
  std::vector<std::size_t> order(std::min(found.size(), scores.size()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::vector<std::size_t> kept;
  for (const std::size_t i : order) {
    if (std::none_of(kept.begin(), kept.end(), [&](std::size_t k) { return overlap(found[i], found[k]) > 0.4; })) kept.push_back(i);
  }
  return kept;
}

}  // namespace

struct PeopleDetector::Impl {
  cv::HOGDescriptor hog;
  double step = 1.2;
};

PeopleDetector::PeopleDetector(int pyramid_step_milli) : impl_(std::make_unique<Impl>()) {
  cv::setNumThreads(1);
  impl_->step = pyramid_step_milli / 1000.0;
  impl_->hog.setSVMDetector(cv::HOGDescriptor::getDefaultPeopleDetector());
}

PeopleDetector::~PeopleDetector() = default;

Result<std::vector<Box>> PeopleDetector::detect(const GreyImage& image) {
  if (image.width < kWidthMin || image.height < kHeightMin) {
    return tl::unexpected("a picture of " + std::to_string(image.width) + "x" + std::to_string(image.height) +
                          " pixels; send at least 64x128");
  }
  try {
    const cv::Mat view(image.height, image.width, CV_8UC1, const_cast<std::uint8_t*>(image.pixels.data()));
    std::vector<cv::Rect> found;
    std::vector<double> scores;
    impl_->hog.detectMultiScale(view, found, scores, 0, {kStride, kStride}, {}, impl_->step, 0);
    std::vector<Box> boxes;
    for (const std::size_t i : suppress(found, scores)) {
      boxes.push_back({found[i].x, found[i].y, found[i].width, found[i].height, std::llround(scores[i] * 1000)});
    }
    return boxes;
  } catch (const std::exception& error) {
    return tl::unexpected(std::string("the detector failed: ") + error.what());
  }
}

}  // namespace city_cameras
