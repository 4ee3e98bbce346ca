#pragma once

#include <memory>
#include <string>
#include <vector>

#include "service/gateway/rest_server.h"

namespace weir::gateway {

// What the server counts, in the text form of Prometheus. Safe to call from several threads.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  void answered(int status);
  void slow_reader();
  void connections(size_t open);
  void streams(size_t open);
  std::string text(const std::vector<Sample>& samples);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::gateway
