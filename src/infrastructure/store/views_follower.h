#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/ports/brain.h"
#include "core/ports/history.h"
#include "infrastructure/store/views.h"

namespace weir::store {

// Keeps the views of a ledger by a thread of its own, off the commit path: nobody waits for it but
// wait_for(). A file that is missing, damaged or of another layout is made anew from the ledger, which may
// take a while; until then, and while the disk does not take it, questions are answered by kUnavailable, or
// from what there is.
class ViewsFollower final : public History {
 public:
  // `log` and `brain` outlive the follower, which goes up to the brain's durable state and holds it in
  // common. `say` is told why the views cannot go on, each reason once in a row, from the follower's thread.
  ViewsFollower(std::string path, const LedgerId& ledger, const LogReader& log, Brain& brain,
                std::function<void(const Error&)> say);
  ~ViewsFollower() override;

  Position size() const override;
  Status wait_for(Position size, TimeUs patience_us) override;
  Result<Bill> bill(const std::string& tenant, TimeUs from, TimeUs to) const override;
  Result<std::vector<EventRow>> events(const EventFilter& filter) const override;
  RunHistory run(RunId run) const override;
  std::optional<PromiseHistory> measured(IntentId intent) const override;
  std::string why(SiteId site) const override;
  std::string why(LinkId link) const override;
  std::string why(IntentId intent) const override;
  std::string failure(IntentId intent) const override;

 private:
  void follow();
  Status step(std::shared_ptr<Views>& views, Position target);
  std::shared_ptr<Views> views() const;
  template <class Value>
  Result<Value> checked(Result<Value> answer) const;
  std::string why(Views::Of kind, uint32_t id) const;

  const std::string path_;
  const LedgerId ledger_;
  const LogReader& log_;
  Brain& brain_;
  const std::function<void(const Error&)> say_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::shared_ptr<Views> views_;  // none: not open, or being made anew
  std::optional<Error> failed_;   // why the last attempt ended
  bool news_ = true;
  mutable bool damaged_ = false;  // found by a question
  bool stop_ = false;
  std::thread thread_;
  uint64_t subscription_ = 0;
};

}  // namespace weir::store
