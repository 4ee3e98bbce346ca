// camera-table: merges the reports of the cameras of several ingress points into one table.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "city-cameras/summary.h"

int main(int argc, char** argv) {
  using namespace city_cameras;
  std::vector<std::string> paths;
  std::int64_t promise_ms = 500;
  Window window;
  bool json = false;

  CLI::App app{"Merges camera reports into one table.", "camera-table"};
  app.add_option("REPORT", paths, "Files written by camera --report")->required();
  app.add_option("--promise", promise_ms, "Promised latency in milliseconds")
      ->check(CLI::Range(1, 30'000))
      ->capture_default_str();
  app.add_option("--from", window.from_us, "Only frames sent at this unix time in microseconds or later");
  app.add_option("--to", window.to_us, "Only frames sent before this unix time in microseconds");
  app.add_flag("--json", json, "One line of JSON instead of the table");
  CLI11_PARSE(app, argc, argv);

  std::vector<std::ifstream> files;
  files.reserve(paths.size());
  std::vector<std::istream*> reports;
  for (const std::string& path : paths) {
    files.emplace_back(path);
    if (!files.back()) {
      std::fprintf(stderr, "camera-table: %s: cannot be read; give a file written by camera --report\n",
                   path.c_str());
      return 1;
    }
    reports.push_back(&files.back());
  }
  const Result<Summary> summary = summarise(reports, paths, window);
  if (!summary) {
    std::fprintf(stderr, "camera-table: %s\n", summary.error().c_str());
    return 1;
  }
  const std::string text =
      json ? json_of(*summary, promise_ms * 1000) + "\n" : table_of(*summary, promise_ms * 1000);
  std::fputs(text.c_str(), stdout);
  return 0;
}
