#pragma once

#include <algorithm>

#include "orchestration/queue/engine.h"

namespace weir::queue {

template <class Visit>
void Engine::each_room(const Job& job, Visit visit) const {
  const auto before = [](const Room& room, const RoomId& wanted) { return room.id < wanted; };
  auto at = std::lower_bound(rooms_.begin(), rooms_.end(), RoomId{job.reservation, 0}, before);
  for (; at != rooms_.end() && at->id.first == job.reservation; ++at) {
    if (!job.pools.empty() && std::find(job.pools.begin(), job.pools.end(), at->id.second) == job.pools.end())
      continue;
    if (!visit(*at)) return;
  }
}

// The queues' lists merged, until `visit` returns false; once there is a `room`, which may come and shrink
// meanwhile, without the jobs that ask for more than it and are not due.
template <class Visit>
void Engine::in_order(const std::map<uint32_t, Amount>& offered, const std::optional<Amount>& room,
                      Visit visit) const {
  struct Head {
    WaitingList::Entry entry;
    int64_t share;
    uint32_t queue;
    const WaitingList* list;
    WaitingList::Cursor cursor;
    bool operator<(const Head& other) const {  // the heap's top is the first
      if (entry.priority != other.entry.priority) return entry.priority < other.entry.priority;
      if (share != other.share) return share > other.share;
      if (entry.key != other.entry.key) return entry.key > other.entry.key;
      if (entry.submitted != other.entry.submitted) return entry.submitted > other.entry.submitted;
      return entry.id > other.entry.id;
    }
  };
  std::vector<Head> heads;
  const auto share = [this, &offered](uint32_t queue) {
    if (!shares_.key) return int64_t{0};
    const auto so_far = offered.find(queue);
    return shares_.key(queue, so_far == offered.end() ? Amount{} : so_far->second);
  };
  for (const auto& [id, queue] : queues_) {
    if (queue.list.size() == 0) continue;
    heads.push_back({*queue.list.at({}), share(id), id, &queue.list, {}});
  }
  std::make_heap(heads.begin(), heads.end());
  while (!heads.empty()) {
    std::pop_heap(heads.begin(), heads.end());
    Head head = heads.back();
    heads.pop_back();
    const bool alone = heads.empty();
    while (true) {
      const bool took = records_[head.entry.slot].state != State::kWaiting;
      if (!took && !visit(head.entry.slot)) return;
      const bool offered_now = !took && records_[head.entry.slot].state != State::kWaiting;
      head.list->next(head.cursor);
      if (room) head.list->next_fitting(head.cursor, *room);
      const WaitingList::Entry* next = head.list->at(head.cursor);
      if (next == nullptr) break;
      head.entry = *next;
      if (offered_now && shares_.key) head.share = share(head.queue);
      if (alone || !(head < heads.front())) continue;
      heads.push_back(head);
      std::push_heap(heads.begin(), heads.end());
      break;
    }
  }
}

}  // namespace weir::queue
