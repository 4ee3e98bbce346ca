#include "city-cameras/people.h"

#include <cmath>
#include <opencv2/objdetect.hpp>

namespace city_cameras {

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
    impl_->hog.detectMultiScale(view, found, scores, 0, {}, {}, impl_->step);
    std::vector<Box> boxes;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::int64_t score_milli = i < scores.size() ? std::llround(scores[i] * 1000) : 0;
      boxes.push_back({found[i].x, found[i].y, found[i].width, found[i].height, score_milli});
    }
    return boxes;
  } catch (const std::exception& error) {
    return tl::unexpected(std::string("the detector failed: ") + error.what());
  }
}

}  // namespace city_cameras
