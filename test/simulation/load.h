#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "simulation/auditor.h"
#include "simulation/brain.h"

namespace weir::simulation {

// The people: they describe the world to the brain, then submit, change and withdraw intents, drain sites,
// revise asks and prices. Who gets no answer asks again; who gets one can rely on it, which is checked.
class Load {
 public:
  Load(Schedule& schedule, Random& random, World& world, BrainProcess& brain, const Auditor& auditor,
       std::function<void(const std::string&)> fail);

  void begin();
  // No new wishes; whatever is drained is undrained, what can never run is withdrawn.
  void calm();
  bool quiet() const { return open_ == 0; }
  uint64_t answered() const { return answered_; }

 private:
  // Makes proposals against the newest durable state; none: nothing is to be done any more.
  using Make = std::function<std::vector<Proposal>(const Graph&)>;
  struct Request {
    Make make;
    std::function<void()> then;
    uint64_t attempt = 0;
    bool done = false;
  };
  void ask(Make make, std::function<void()> then = {});
  void attempt(const std::shared_ptr<Request>& request);
  void answered(const std::shared_ptr<Request>& request, const std::vector<size_t>& kinds, const Result<Admitted>& result);

  void act();
  void define_queues();
  void undrain();
  void submit(const std::string& name, bool job);
  IntentSpec wish(const std::string& name, bool job);
  void submit_workflow();
  Workflow stream(const std::string& name);
  Workflow batch(const std::string& name);

  Schedule& schedule_;
  Random& random_;
  World& world_;
  BrainProcess& brain_;
  const Auditor& auditor_;
  std::function<void(const std::string&)> fail_;
  size_t open_ = 0;
  uint64_t answered_ = 0;
  bool calm_ = false;
  bool crowded_ = false;                             // jobs ask for more than there is, and may not wait alike
  std::vector<std::pair<std::string, bool>> names_;  // of intents; jobs
};

}  // namespace weir::simulation
