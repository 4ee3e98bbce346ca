// detector: finds people in JPEG frames that cameras post to it.

#include <CLI/CLI.hpp>
#include <cstdio>

#include "city-cameras/detector_server.h"
#include "city-cameras/people.h"

int main(int argc, char** argv) {
  using namespace city_cameras;
  ServerOptions options;
  int pyramid_step_milli = 2000;
  std::int64_t read_timeout_ms = options.read_timeout.count();
  std::int64_t answer_max_ms = options.answer_max.count();
  std::int64_t grace_ms = options.grace.count();

  CLI::App app{
      "Finds people in JPEG frames: POST /detect answers boxes as JSON, GET /healthz tells the state.",
      "detector"};
  app.add_option("--address", options.address, "IP address to listen on")
      ->envname("WEIR_ADDRESS")
      ->capture_default_str();
  app.add_option("--port", options.port, "TCP port; 0 lets the system choose")
      ->envname("WEIR_PORT")
      ->capture_default_str();
  app.add_option("--instance", options.instance, "Name of this instance, put into answers")
      ->envname("WEIR_RUN")
      ->capture_default_str();
  app.add_option("--site", options.site, "Name of the site, put into answers")->envname("WEIR_SITE");
  app.add_option("--queue", options.queue_max, "Frames that may wait; more are refused")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--answer-max", answer_max_ms,
                 "Refuse a frame that would be answered later than this, in milliseconds")
      ->check(CLI::Range(1, 600'000))
      ->capture_default_str();
  app.add_option("--body-max", options.body_bytes_max, "Largest frame in bytes")
      ->check(CLI::Range(1024, 16 << 20))
      ->capture_default_str();
  app.add_option("--connections", options.connections_max, "Open connections at once")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--read-timeout", read_timeout_ms, "Milliseconds for a whole request to arrive")
      ->check(CLI::Range(10, 600'000))
      ->capture_default_str();
  app.add_option("--grace", grace_ms, "Milliseconds to finish in after SIGTERM")
      ->check(CLI::Range(0, 600'000))
      ->capture_default_str();
  app.add_option("--pyramid-step", pyramid_step_milli, "Ratio of neighbouring pyramid levels, in thousandths")
      ->check(CLI::Range(1010, 4000))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  options.read_timeout = std::chrono::milliseconds(read_timeout_ms);
  options.answer_max = std::chrono::milliseconds(answer_max_ms);
  options.grace = std::chrono::milliseconds(grace_ms);

  PeopleDetector people(pyramid_step_milli);
  auto server = DetectorServer::open(options, [&people](std::string_view jpeg) -> Result<std::vector<Box>> {
    const Result<GreyImage> image = decode_grey(jpeg);
    if (!image) return tl::unexpected(image.error());
    return people.detect(*image);
  });
  if (!server) {
    std::fprintf(stderr, "detector: %s\n", server.error().c_str());
    return 1;
  }
  std::printf("listening on [%s]:%u\n", options.address.c_str(), static_cast<unsigned>((*server)->port()));
  std::fflush(stdout);
  (*server)->run();
  return 0;
}
