#include <cstdint>
#include <cstdlib>

#include "city-cameras/jpeg.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto image = city_cameras::decode_grey({reinterpret_cast<const char*>(data), size});
  if (!image) {
    if (image.error().empty()) std::abort();
    return 0;
  }
  const std::size_t pixels = static_cast<std::size_t>(image->width) * static_cast<std::size_t>(image->height);
  if (image->pixels.size() != pixels || pixels > static_cast<std::size_t>(city_cameras::kPixelsMax))
    std::abort();
  return 0;
}
