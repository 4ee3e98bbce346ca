#include "city-cameras/jpeg.h"

#include <turbojpeg.h>

#include <memory>

namespace city_cameras {
namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, Destroy>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Result<GreyImage> decode_grey(std::string_view jpeg) {
  const Handle handle(tjInitDecompress());
  if (!handle) return tl::unexpected<std::string>("the JPEG decoder cannot start");
  GreyImage image;
  int subsampling = 0;
  int colourspace = 0;
  if (tjDecompressHeader3(handle.get(), bytes_of(jpeg), jpeg.size(), &image.width, &image.height,
                          &subsampling, &colourspace) != 0) {
    return tl::unexpected(std::string("not a JPEG picture: ") + tjGetErrorStr2(handle.get()));
  }
  if (image.width <= 0 || image.height <= 0 || image.width > kPixelsMax / image.height) {
    return tl::unexpected("a picture of " + std::to_string(image.width) + "x" + std::to_string(image.height) +
                          " pixels; send at most " + std::to_string(kPixelsMax) + " pixels");
  }
  image.pixels.resize(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height));
  if (tjDecompress2(handle.get(), bytes_of(jpeg), jpeg.size(), image.pixels.data(), image.width, 0,
                    image.height, TJPF_GRAY, TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS) != 0) {
    return tl::unexpected(std::string("a damaged JPEG picture: ") + tjGetErrorStr2(handle.get()));
  }
  return image;
}

Result<std::string> encode_bgr(const std::uint8_t* bgr, int width, int height, int pitch, int quality) {
  const Handle handle(tjInitCompress());
  if (!handle) return tl::unexpected<std::string>("the JPEG encoder cannot start");
  unsigned char* data = nullptr;
  unsigned long size = 0;
  const int failed =
      tjCompress2(handle.get(), bgr, width, pitch, height, TJPF_BGR, &data, &size, TJSAMP_420, quality, 0);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(data, tjFree);
  if (failed != 0)
    return tl::unexpected(std::string("a frame cannot be encoded: ") + tjGetErrorStr2(handle.get()));
  return std::string(reinterpret_cast<const char*>(data), size);
}

}  // namespace city_cameras
