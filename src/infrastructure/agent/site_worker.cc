#include "infrastructure/agent/site_worker.h"

#include <utility>

namespace weir::agent {
namespace {

constexpr size_t kCallsMax = 1024;

}  // namespace

SiteWorker::SiteWorker(Parts parts) : parts_(std::move(parts)) {
  calls_.thread = std::thread([this] { serve(calls_); });
  fetches_.thread = std::thread([this] { serve(fetches_); });
}

SiteWorker::~SiteWorker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  for (Lane* lane : {&calls_, &fetches_}) {
    lane->changed.notify_all();
    lane->thread.join();
  }
}

bool SiteWorker::submit(SiteCall call) {
  const std::lock_guard lock(mutex_);
  Lane& lane = std::holds_alternative<FetchCall>(call) ? fetches_ : calls_;
  if (stopping_ || lane.calls.size() >= kCallsMax) return false;
  lane.calls.push_back(std::move(call));
  lane.changed.notify_one();
  return true;
}

void SiteWorker::serve(Lane& lane) {
  while (true) {
    SiteCall call;
    {
      std::unique_lock lock(mutex_);
      lane.changed.wait(lock, [&] { return stopping_ || !lane.calls.empty(); });
      if (stopping_) return;
      call = std::move(lane.calls.front());
      lane.calls.pop_front();
    }
    parts_.answer(carry_out(std::move(call)));
  }
}

SiteAnswer SiteWorker::carry_out(SiteCall call) {
  SiteAnswer out{.call = std::move(call)};
  const auto keep = [&out](auto result, auto& into) {
    if (result) {
      into = std::move(*result);
    } else {
      out.status = tl::unexpected(result.error());
    }
  };
  if (const auto* start = std::get_if<StartCall>(&out.call)) {
    out.status = parts_.site.start(start->spec);
  } else if (const auto* stop = std::get_if<StopCall>(&out.call)) {
    out.status = parts_.site.stop(stop->run, stop->grace_us);
  } else if (const auto* renew = std::get_if<RenewCall>(&out.call)) {
    out.status = parts_.site.renew(renew->run, renew->lease_us);
  } else if (const auto* forget = std::get_if<ForgetCall>(&out.call)) {
    out.status = parts_.site.forget(forget->run);
  } else if (const auto* usage = std::get_if<UsageCall>(&out.call)) {
    keep(parts_.site.usage(usage->run), out.usage);
  } else if (const auto* log = std::get_if<LogCall>(&out.call)) {
    keep(parts_.site.logs(log->run, log->offset, log->bytes_max), out.log);
  } else if (const auto* fetch = std::get_if<FetchCall>(&out.call)) {
    out.status = parts_.fetch(fetch->digest);
  } else {
    keep(parts_.site.observe(), out.runs);
  }
  return out;
}

}  // namespace weir::agent
