#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "city-cameras/messages.h"

namespace city_cameras {

struct FootageOptions {
  std::string path;
  std::size_t pictures_max = 120;
  std::size_t bytes_max = 64u << 20;
  int quality = 85;                  // JPEG, 1..100
  std::int64_t period_us = 500'000;  // between pictures, in the time of the video
};

// Pictures of a video, encoded once; they play as a loop.
struct Footage {
  std::vector<std::string> jpegs;
  int width = 0;
  int height = 0;

  std::size_t bytes_mean() const;
};

// Reads from the beginning, as many pictures as both limits allow.
Result<Footage> load_footage(const FootageOptions& options);

}  // namespace city_cameras
