#include "city-cameras/footage.h"

#include <cstdlib>
#include <filesystem>
#include <opencv2/videoio.hpp>

#include "city-cameras/jpeg.h"

namespace city_cameras {

std::size_t Footage::bytes_mean() const {
  std::size_t total = 0;
  for (const std::string& jpeg : jpegs) total += jpeg.size();
  return jpegs.empty() ? 0 : total / jpegs.size();
}

Result<Footage> load_footage(const FootageOptions& options) {
  std::error_code code;
  if (!std::filesystem::exists(options.path, code)) {
    if (std::filesystem::exists(options.path + ".gz", code)) {
      return tl::unexpected(options.path + ": only a compressed copy is here; run gunzip -k " + options.path +
                            ".gz");
    }
    return tl::unexpected(
        options.path +
        ": no such video; install the Debian package opencv-doc, which holds vtest.avi, or name "
        "another video with --video");
  }
  try {
    ::setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "threads;1", 0);
    cv::VideoCapture video(options.path, cv::CAP_FFMPEG);
    if (!video.isOpened()) {
      return tl::unexpected(options.path +
                            ": not a video that this OpenCV can decode; name another with --video");
    }
    const double fps = video.get(cv::CAP_PROP_FPS);
    const double stride = fps > 0 ? static_cast<double>(options.period_us) * fps / 1e6 : 1.0;
    Footage footage;
    std::size_t bytes = 0;
    cv::Mat picture;
    for (std::size_t index = 0; footage.jpegs.size() < options.pictures_max && video.grab(); ++index) {
      if (static_cast<double>(index) + 0.5 < static_cast<double>(footage.jpegs.size()) * stride) continue;
      if (!video.retrieve(picture) || picture.type() != CV_8UC3) break;
      Result<std::string> jpeg = encode_bgr(picture.data, picture.cols, picture.rows,
                                            static_cast<int>(picture.step[0]), options.quality);
      if (!jpeg) return tl::unexpected(jpeg.error());
      if (bytes + jpeg->size() > options.bytes_max) break;
      bytes += jpeg->size();
      footage.width = picture.cols;
      footage.height = picture.rows;
      footage.jpegs.push_back(std::move(*jpeg));
    }
    if (footage.jpegs.empty()) return tl::unexpected(options.path + ": no picture could be read from it");
    return footage;
  } catch (const std::exception& error) {
    return tl::unexpected(options.path + ": " + error.what());
  }
}

}  // namespace city_cameras
