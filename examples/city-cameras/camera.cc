// camera: plays real footage as several streams of one ingress point, and measures the answers.

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>

#include "city-cameras/footage.h"
#include "city-cameras/player.h"
#include "city-cameras/summary.h"

namespace {

using namespace city_cameras;

int fail(const std::string& reason) {
  std::fprintf(stderr, "camera: %s\n", reason.c_str());
  return 1;
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

int main(int argc, char** argv) {
  PlayerOptions player;
  FootageOptions footage;
  footage.path = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";
  double fps = 2;
  double duration_s = 0;
  std::int64_t promise_ms = 500;
  std::int64_t connect_timeout_ms = player.connect_timeout.count();
  player.phases = 0;
  std::string report_path;

  CLI::App app{"Plays a video as camera streams against a detector and reports what became of each frame.",
               "camera"};
  app.add_option("--service", player.service, "Address and port of the service: [fd00::1]:8080")->required();
  app.add_option("--bind", player.bind_address, "Local address to send from");
  app.add_option("--ingress", player.ingress, "Name of the site where these cameras are, put into the report")
      ->envname("WEIR_SITE");
  app.add_option("--streams", player.streams, "Streams to play")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--first-stream", player.first_stream, "Number of the first stream")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  app.add_option("--phases", player.phases,
                 "Streams of the service over all ingress points, to interleave frames; default: up to the "
                 "last one here")
      ->check(CLI::Range(1, 100'000));
  app.add_option("--fps", fps, "Frames per second and stream")
      ->check(CLI::Range(0.1, 30.0))
      ->capture_default_str();
  app.add_option("--promise", promise_ms,
                 "Promised latency in milliseconds; after twice as long a frame is lost")
      ->check(CLI::Range(1, 30'000))
      ->capture_default_str();
  app.add_option("--duration", duration_s, "Seconds to play; 0 plays until SIGTERM")
      ->check(CLI::Range(0.0, 31'536'000.0))
      ->capture_default_str();
  app.add_option("--video", footage.path, "Video to play")->capture_default_str();
  app.add_option("--pictures", footage.pictures_max,
                 "Pictures of the video to keep in memory and play as a loop")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--quality", footage.quality, "JPEG quality")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--connect-timeout", connect_timeout_ms, "Milliseconds for a connection to open")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str();
  app.add_option("--report", report_path, "File for one JSON line per frame; default: standard output");
  CLI11_PARSE(app, argc, argv);

  player.period_us = std::llround(1e6 / fps);
  player.promise_us = promise_ms * 1000;
  player.patience_us = 2 * player.promise_us;
  player.connect_timeout = std::chrono::milliseconds(connect_timeout_ms);
  if (player.phases == 0) player.phases = player.first_stream + player.streams;
  if (duration_s > 0) player.frames_max = std::max<std::int64_t>(1, std::llround(duration_s * fps));
  footage.period_us = player.period_us;

  const Result<Footage> pictures = load_footage(footage);
  if (!pictures) return fail(pictures.error());
  std::fprintf(stderr, "%zu pictures of %dx%d, %zu bytes each on average, %.2f Mbit/s per stream\n",
               pictures->jpegs.size(), pictures->width, pictures->height, pictures->bytes_mean(),
               static_cast<double>(pictures->bytes_mean()) * 8e-6 * fps);

  std::fprintf(stderr,
               "scaled to a small machine: %g frames/s of a city's 25, %dx%d of 1920x1080,\n"
               "gradient histograms for a neural network; the example's README.md says why\n",
               fps, pictures->width, pictures->height);

  std::unique_ptr<std::FILE, CloseFile> file;
  std::FILE* report = stdout;
  if (!report_path.empty()) {
    file.reset(std::fopen(report_path.c_str(), "we"));
    if (!file) return fail(report_path + ": cannot be written; choose another --report");
    report = file.get();
  }
  Tally tally;
  bool written = true;
  const auto write_line = [&](const std::string& line) {
    written = written && std::fprintf(report, "%s\n", line.c_str()) > 0 && std::fflush(report) == 0;
  };

  std::unique_ptr<Player> playing;
  auto opened = Player::open(player, pictures->jpegs, [&](const FrameRecord& record) {
    write_line(to_json_line(record));
    if (!written || !tally.add(record)) playing->stop();
  });
  if (!opened) return fail(opened.error());
  playing = std::move(*opened);
  playing->run();

  const Summary summary = tally.summary();
  write_line(json_of(summary, player.promise_us));
  std::fputs(table_of(summary, player.promise_us).c_str(), report == stdout ? stderr : stdout);
  if (!written) return fail("the report could not be written: is the disk full?");
  return 0;
}
