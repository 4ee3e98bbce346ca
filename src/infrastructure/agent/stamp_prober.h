#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "infrastructure/agent/ports.h"
#include "infrastructure/telemetry/probe_engine.h"

namespace weir::agent {

struct StampProberOptions {
  TimeUs interval_us = 100'000;
  uint16_t reflector_port = telemetry::kStampPort;
};

// Measures by STAMP. A path's probes carry its label as mark and as session, so that they go out over the
// path's table and are answered over the same path's other end.
class StampProber final : public Prober {
 public:
  // `changed` is called from the probe engine's thread and must not block.
  static Result<std::unique_ptr<StampProber>> open(const StampProberOptions& options,
                                                   std::function<void(uint64_t watch, ProbeSample)> changed);

  Status watch(uint64_t watch, PathLabel label, const std::string& reflector) override;
  void unwatch(uint64_t watch) override;
  ProbeSample sample(uint64_t watch) override;

 private:
  StampProber(const StampProberOptions& options, std::function<void(uint64_t watch, ProbeSample)> changed)
      : options_(options), changed_(std::move(changed)) {}
  void on_change(const telemetry::PathChange& change);

  const StampProberOptions options_;
  const std::function<void(uint64_t watch, ProbeSample)> changed_;
  std::mutex mutex_;
  std::map<uint64_t, telemetry::ProbeSessionId> sessions_;
  std::map<telemetry::ProbeSessionId, uint64_t> watches_;
  std::unique_ptr<telemetry::ProbeEngine> engine_;  // last: its thread uses the above
};

}  // namespace weir::agent
