#pragma once

#include <memory>
#include <vector>

#include "city-cameras/jpeg.h"
#include "city-cameras/messages.h"

namespace city_cameras {

// Finds pedestrians with histograms of oriented gradients and the linear classifier that OpenCV ships
// (Dalal and Triggs, CVPR 2005), at full size, in one thread.
class PeopleDetector {
 public:
  static constexpr int kWidthMin = 64;  // the classifier's window
  static constexpr int kHeightMin = 128;

  // The size ratio of neighbouring levels of the image pyramid, in thousandths: from 1010 to 4000.
  explicit PeopleDetector(int pyramid_step_milli);
  ~PeopleDetector();

  Result<std::vector<Box>> detect(const GreyImage& image);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace city_cameras
