#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "city-cameras/footage.h"
#include "city-cameras/jpeg.h"
#include "city-cameras/people.h"

namespace city_cameras {
namespace {

constexpr const char* kVideo = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";

std::string plain(int width, int height) {
  const std::vector<std::uint8_t> grey(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3,
                                       128);
  const auto jpeg = encode_bgr(grey.data(), width, height, width * 3, 50);
  EXPECT_TRUE(jpeg.has_value());
  return *jpeg;
}

TEST(Jpeg, DecodesLuminance) {
  const auto image = decode_grey(plain(70, 140));
  ASSERT_TRUE(image.has_value()) << image.error();
  EXPECT_EQ(image->width, 70);
  EXPECT_EQ(image->height, 140);
  ASSERT_EQ(image->pixels.size(), 70u * 140u);
  EXPECT_NEAR(image->pixels[70 * 70 + 35], 128, 2);
}

TEST(Jpeg, PixelsAreBoundedAtUnderAndOver) {
  EXPECT_TRUE(decode_grey(plain(2048, 2047)).has_value());
  EXPECT_TRUE(decode_grey(plain(2048, 2048)).has_value());
  const auto over = decode_grey(plain(2048, 2049));
  ASSERT_FALSE(over.has_value());
  EXPECT_NE(over.error().find("2048x2049"), std::string::npos);
}

TEST(Jpeg, RefusesWhatIsNoWholePicture) {
  EXPECT_NE(decode_grey("GIF89a, really").error().find("not a JPEG"), std::string::npos);
  EXPECT_NE(decode_grey("").error().find("not a JPEG"), std::string::npos);
  const std::string jpeg = plain(200, 200);
  const auto cut = decode_grey(jpeg.substr(0, jpeg.size() - 40));
  ASSERT_FALSE(cut.has_value());
  EXPECT_NE(cut.error().find("damaged"), std::string::npos) << cut.error();
}

TEST(People, SmallestPictureIsTheWindow) {
  PeopleDetector people(1400);
  EXPECT_TRUE(people.detect(*decode_grey(plain(64, 128))).has_value());
  EXPECT_FALSE(people.detect(*decode_grey(plain(63, 128))).has_value());
  const auto low = people.detect(*decode_grey(plain(64, 127)));
  ASSERT_FALSE(low.has_value());
  EXPECT_NE(low.error().find("at least 64x128"), std::string::npos);
}

TEST(People, FindsNobodyOnAWallAndSomebodyInTheStreet) {
  PeopleDetector people(1400);
  EXPECT_TRUE(people.detect(*decode_grey(plain(768, 576)))->empty());
  FootageOptions options;
  options.path = kVideo;
  options.pictures_max = 5;
  const auto footage = load_footage(options);
  ASSERT_TRUE(footage.has_value()) << footage.error();
  EXPECT_EQ(footage->width, 768);
  EXPECT_EQ(footage->height, 576);
  ASSERT_EQ(footage->jpegs.size(), 5u);
  std::size_t boxes = 0;
  for (const std::string& jpeg : footage->jpegs) {
    const auto image = decode_grey(jpeg);
    ASSERT_TRUE(image.has_value()) << image.error();
    const auto found = people.detect(*image);
    ASSERT_TRUE(found.has_value());
    for (const Box& box : *found) {
      EXPECT_GT(box.height, box.width);
      EXPECT_GT(box.score_milli, 0);
    }
    boxes += found->size();
  }
  EXPECT_GT(boxes, 0u);
}

TEST(Footage, PlaysAtTheSpeedOfTheVideo) {
  // The video has 10 frames a second and 795 of them: at 2 a second that is every fifth.
  FootageOptions options;
  options.path = kVideo;
  options.pictures_max = 3;
  const auto slow = load_footage(options);
  options.period_us = 100'000;
  options.pictures_max = 11;
  const auto every = load_footage(options);
  ASSERT_TRUE(slow.has_value() && every.has_value());
  EXPECT_EQ(slow->jpegs[0], every->jpegs[0]);
  EXPECT_EQ(slow->jpegs[1], every->jpegs[5]);
  EXPECT_EQ(slow->jpegs[2], every->jpegs[10]);
}

TEST(Footage, MemoryIsBounded) {
  FootageOptions options;
  options.path = kVideo;
  options.pictures_max = 4;
  const auto all = load_footage(options);
  ASSERT_TRUE(all.has_value());
  const std::size_t three = all->jpegs[0].size() + all->jpegs[1].size() + all->jpegs[2].size();
  options.bytes_max = three;
  EXPECT_EQ(load_footage(options)->jpegs.size(), 3u);
  options.bytes_max = three - 1;
  EXPECT_EQ(load_footage(options)->jpegs.size(), 2u);
}

TEST(Footage, AMissingVideoNamesItsPackage) {
  FootageOptions options;
  options.path = "/nowhere/vtest.avi";
  EXPECT_NE(load_footage(options).error().find("opencv-doc"), std::string::npos);
  const auto folder = std::filesystem::temp_directory_path() / ("weir-footage-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  options.path = folder / "a.avi";
  std::ofstream(options.path + ".gz") << "x";
  EXPECT_NE(load_footage(options).error().find("gunzip"), std::string::npos);
  std::ofstream(options.path) << "this is no video";
  EXPECT_NE(load_footage(options).error().find("not a video"), std::string::npos);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace city_cameras
