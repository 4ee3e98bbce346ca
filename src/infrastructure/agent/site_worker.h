#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "infrastructure/agent/ports.h"

namespace weir::agent {

// Carries out the site driver's calls on a thread of its own, and fetches on another, because starting a run
// may take seconds and fetching minutes, while a dead path waits for neither.
//
//   SiteAgent --SiteCall (1,024)--> calls thread, fetches thread --SiteAnswer--> SiteAgent
class SiteWorker final : public SiteWork {
 public:
  struct Parts {
    SiteDriver& site;
    std::function<Status(const std::string& digest)> fetch;
    std::function<void(SiteAnswer)> answer;  // from either thread; may wait
  };
  explicit SiteWorker(Parts parts);
  // Ends the call under way, and drops those that wait.
  ~SiteWorker() override;

  bool submit(SiteCall call) override;

 private:
  struct Lane {
    std::deque<SiteCall> calls;
    std::condition_variable changed;
    std::thread thread;
  };
  void serve(Lane& lane);
  SiteAnswer carry_out(SiteCall call);

  const Parts parts_;
  std::mutex mutex_;
  bool stopping_ = false;
  Lane calls_, fetches_;
};

}  // namespace weir::agent
