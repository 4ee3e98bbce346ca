#include "infrastructure/store/views_follower.h"

#include <chrono>
#include <cstdio>
#include <utility>

namespace weir::store {
namespace {

constexpr std::chrono::seconds kRetry{1};

}  // namespace

ViewsFollower::ViewsFollower(std::string path, const LedgerId& ledger, const LogReader& log, Brain& brain,
                             std::function<void(const Error&)> say)
    : path_(std::move(path)),
      ledger_(ledger),
      log_(log),
      brain_(brain),
      say_(std::move(say)),
      thread_([this] { follow(); }),
      subscription_(brain.subscribe([this](Position) {
        {
          const std::lock_guard hold(mutex_);
          news_ = true;
        }
        changed_.notify_all();
      })) {}

ViewsFollower::~ViewsFollower() {
  brain_.unsubscribe(subscription_);
  {
    const std::lock_guard hold(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ViewsFollower::follow() {
  std::shared_ptr<Views> views;
  std::string said;
  std::unique_lock hold(mutex_);
  while (!stop_) {
    changed_.wait(hold, [this] { return stop_ || news_ || damaged_; });
    if (stop_) return;
    news_ = false;
    bool anew = std::exchange(damaged_, false);
    hold.unlock();
    const Snapshot snapshot = brain_.durable();
    Status done;
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (anew) {
        views.reset();
        {
          const std::lock_guard inner(mutex_);
          views_.reset();
        }
        for (const char* suffix : {"", "-wal", "-shm"}) std::remove((path_ + suffix).c_str());
      }
      done = step(views, snapshot->version());
      anew = !done && done.error().code == ErrorCode::kCorrupt && done.error().where == path_;
      if (!anew) break;
    }
    if (done) views->share(*snapshot);
    const std::string text = done ? "" : done.error().text();
    if (!done && text != said) say_(done.error());
    said = text;
    hold.lock();
    failed_ = done ? std::nullopt : std::optional(done.error());
    changed_.notify_all();
    if (!done) {
      changed_.wait_for(hold, kRetry, [this] { return stop_; });
      news_ = true;
    }
  }
}

// In parts, so that it can be stopped, and those who wait see it come nearer.
Status ViewsFollower::step(std::shared_ptr<Views>& views, Position target) {
  constexpr Position kPart = 20'000;
  if (!views) {
    auto opened = Views::open(path_, ledger_);
    if (!opened) return tl::unexpected(opened.error());
    views = std::move(*opened);
    const std::lock_guard hold(mutex_);
    views_ = views;
  }
  do {
    if (Status taken = views->update(log_, std::min(target, views->position() + kPart)); !taken) return taken;
    const std::lock_guard hold(mutex_);
    changed_.notify_all();
    if (stop_) return {};
  } while (views->position() < target);
  return {};
}

std::shared_ptr<Views> ViewsFollower::views() const {
  const std::lock_guard hold(mutex_);
  return views_;
}

Position ViewsFollower::size() const {
  const std::shared_ptr<Views> now = views();
  return now ? now->position() : 0;
}

Status ViewsFollower::wait_for(Position size, TimeUs patience_us) {
  std::unique_lock hold(mutex_);
  const auto there = [&] { return views_ && views_->position() >= size; };
  changed_.wait_for(hold, std::chrono::microseconds(patience_us),
                    [&] { return stop_ || failed_ || there(); });
  if (there()) return {};
  if (failed_) return tl::unexpected(*failed_);
  return fail(ErrorCode::kUnavailable,
              "the history holds " + std::to_string(views_ ? views_->position() : 0) + " of " +
                  std::to_string(size) + " events yet",
              {}, "it is being made from the ledger; try again");
}

// A question that meets a damaged file has it made anew.
template <class Value>
Result<Value> ViewsFollower::checked(Result<Value> answer) const {
  if (!answer && answer.error().code == ErrorCode::kCorrupt && answer.error().where == path_) {
    {
      const std::lock_guard hold(mutex_);
      damaged_ = true;
    }
    changed_.notify_all();
    return fail(ErrorCode::kUnavailable, "the history was damaged", path_,
                "it is being made from the ledger; try again");
  }
  return answer;
}

Result<Bill> ViewsFollower::bill(const std::string& tenant, TimeUs from, TimeUs to) const {
  const std::shared_ptr<Views> now = views();
  if (!now) return fail(ErrorCode::kUnavailable, "the history is not open yet", path_, "try again");
  return checked(now->bill(tenant, from, to));
}

Result<std::vector<EventRow>> ViewsFollower::events(const EventFilter& filter) const {
  const std::shared_ptr<Views> now = views();
  if (!now) return fail(ErrorCode::kUnavailable, "the history is not open yet", path_, "try again");
  return checked(now->events(filter));
}

RunHistory ViewsFollower::run(RunId run) const {
  const std::shared_ptr<Views> now = views();
  return now ? checked(now->run(run)).value_or(RunHistory()) : RunHistory();
}

std::optional<PromiseHistory> ViewsFollower::measured(IntentId intent) const {
  const std::shared_ptr<Views> now = views();
  return now ? checked(now->measured(intent)).value_or(std::nullopt) : std::nullopt;
}

std::string ViewsFollower::why(Views::Of kind, uint32_t id) const {
  const std::shared_ptr<Views> now = views();
  return now ? checked(now->why(kind, id)).value_or("") : "";
}
std::string ViewsFollower::why(SiteId site) const { return why(Views::Of::kSite, site.value); }
std::string ViewsFollower::why(LinkId link) const { return why(Views::Of::kLink, link.value); }
std::string ViewsFollower::why(IntentId intent) const { return why(Views::Of::kPromise, intent.value); }
std::string ViewsFollower::failure(IntentId intent) const { return why(Views::Of::kFailure, intent.value); }

}  // namespace weir::store
