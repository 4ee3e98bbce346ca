#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "city-cameras/messages.h"

namespace city_cameras {

// Luminance, row by row without padding.
struct GreyImage {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;
};

inline constexpr int kPixelsMax = 4 * 1024 * 1024;

// Refuses what is not a whole JPEG, and pictures of more than kPixelsMax pixels before it decodes them: a
// small body must not become a large picture.
Result<GreyImage> decode_grey(std::string_view jpeg);

// `bgr` holds height rows of `pitch` bytes. Quality 1..100, chrominance at half resolution.
Result<std::string> encode_bgr(const std::uint8_t* bgr, int width, int height, int pitch, int quality);

}  // namespace city_cameras
