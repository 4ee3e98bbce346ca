#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "core/result/result.h"

namespace weir::bench {

using BenchClock = std::chrono::steady_clock;

// A brain as `weir serve` wires it, on a ledger of its own: 10 sites of 100 machines of 64 cores around one
// router. In place of agents, heartbeats keep the sites up; what the brain directs them to do ends nowhere.
class Domain {
 public:
  // In a new folder.
  static Result<std::unique_ptr<Domain>> open(const std::string& folder);
  ~Domain();

  static constexpr size_t kSites = 10;
  static constexpr const char* kTenant = "bench";

  std::string grpc_endpoint() const;
  std::string rest_endpoint() const;
  const std::string& authority_pem() const;
  const std::string& bearer() const;  // the tenant's "Bearer TOKEN"

  // Whether and when a plan for the tenant's intent becomes durable. Ask before the intent is submitted;
  // wait() returns nothing when `patience` is over.
  class Commit {
   public:
    virtual ~Commit() = default;
    virtual Result<BenchClock::time_point> wait(std::chrono::milliseconds patience) = 0;
  };
  std::unique_ptr<Commit> expect(const std::string& intent);

  // Mean bytes of the events by which intents were submitted, and of those by which plans were committed.
  struct RecordBytes {
    size_t submitted = 0, committed = 0;
  };
  Result<RecordBytes> record_bytes() const;

 private:
  struct State;
  explicit Domain(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace weir::bench
