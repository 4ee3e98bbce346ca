#include "app/changes.h"

#include <algorithm>

namespace weir::app {

Changes::Changes(Client& client) : context_(client.context(Client::Life::kStream)) {
  v1::EventsRequest request;
  request.set_tail(true);
  request.set_follow(true);
  stream_ = client.stub().Events(context_.get(), request);
  reader_ = std::thread([this] {
    v1::EventsResponse batch;
    while (stream_->Read(&batch)) {
      const std::lock_guard lock(mutex_);
      changed_ = true;
      woken_.notify_one();
    }
  });
}

Changes::~Changes() {
  context_->TryCancel();
  reader_.join();
  (void)stream_->Finish();  // whoever may not follow looks each second
}

void Changes::wait(std::chrono::system_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  woken_.wait_until(lock, std::min(deadline, std::chrono::system_clock::now() + std::chrono::seconds(1)),
                    [this] { return changed_; });
  changed_ = false;
}

}  // namespace weir::app
