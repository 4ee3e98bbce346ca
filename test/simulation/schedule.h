#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "core/event/types.h"

namespace weir::simulation {

// Virtual time: a heap ordered by (time, sequence). Nothing waits; the clock jumps to the next entry.
class Schedule {
 public:
  TimeUs now() const { return now_; }
  uint64_t steps() const { return steps_; }

  void at(TimeUs time, std::function<void()> act) {
    heap_.push({time < now_ ? now_ : time, ++sequence_, std::move(act)});
  }
  void after(TimeUs delay, std::function<void()> act) { at(now_ + delay, std::move(act)); }

  // Runs the next entry; false when there is none.
  bool step() {
    if (heap_.empty()) return false;
    std::function<void()> act = std::move(const_cast<Entry&>(heap_.top()).act);
    now_ = heap_.top().time;
    heap_.pop();
    ++steps_;
    act();
    return true;
  }

 private:
  struct Entry {
    TimeUs time = 0;
    uint64_t sequence = 0;
    std::function<void()> act;
    bool operator<(const Entry& other) const {
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
  };
  TimeUs now_ = 0;
  uint64_t sequence_ = 0;
  uint64_t steps_ = 0;
  std::priority_queue<Entry> heap_;
};

}  // namespace weir::simulation
