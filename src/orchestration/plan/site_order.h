#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "orchestration/path/path_search.h"

namespace weir {

// Numbers taken out one by one, least first, equal ones by index; kNever is never taken. Each take() looks at
// one number of every block and at one block; no tree is built, since few are ever taken.
class LeastFirst {
 public:
  static constexpr Nanocredits kNever = INT64_MAX;
  static constexpr size_t kBlock = PriceBounds::kBlock;
  // Writes the numbers from index `first` on.
  using Make = std::function<void(size_t first, std::span<Nanocredits> out)>;

  // What it works in: handed from one to the next, it saves making anew.
  struct Room {
    std::vector<Nanocredits> values;  // of blocks that are made, in the order of their making
    std::vector<Nanocredits> least;   // by block
    std::vector<size_t> place;        // by block: in values
  };

  explicit LeastFirst(std::vector<Nanocredits> values);
  // Numbers that are made block by block, when their turn comes: room.least[b] is not above any number of block b.
  LeastFirst(size_t count, Room room, Make make);
  LeastFirst(size_t count, std::vector<Nanocredits> least, Make make)
      : LeastFirst(count, Room{{}, std::move(least), {}}, std::move(make)) {}
  Nanocredits next() const { return room_.least.empty() ? kNever : room_.least[block_]; }
  // Requires next() != kNever.
  size_t take();
  // Nothing is to be asked of it afterwards.
  Room give_back() { return std::move(room_); }

 private:
  static constexpr size_t kNotMade = SIZE_MAX;
  void settle();
  std::span<Nanocredits> made(size_t block);
  size_t count_;
  Room room_;
  Make make_;
  size_t block_ = 0;  // the first with the least, which is made
};

// Sites in order of a lower bound of what an instance with its streams costs there; equal bounds by SiteId.
class SiteOrder {
 public:
  static constexpr Nanocredits kNever = LeastFirst::kNever;
  virtual ~SiteOrder() = default;
  virtual Nanocredits next_bound() = 0;  // kNever: none is left
  virtual SiteId take() = 0;             // requires next_bound() != kNever
};

// From the bound of every site.
class AllSites : public SiteOrder {
 public:
  explicit AllSites(std::vector<Nanocredits> bounds) : bounds_(std::move(bounds)) {}
  Nanocredits next_bound() override { return bounds_.next(); }
  SiteId take() override { return SiteId(bounds_.take()); }

 private:
  LeastFirst bounds_;
};

// What decides the order of the sites that an instance with its streams may go to. All of it outlives the order.
struct RouterBounds {
  const std::vector<Nanocredits>& of;      // by core vertex: the least of an instance and its last hop at a site met there
  const std::vector<Nanocredits>& least;   // of them, by block of PriceBounds::kBlock
  const std::vector<Nanocredits>& access;  // by place in Network::all_accesses(): the last hop, per stream
  const std::vector<Nanocredits>& site;    // by SiteId: an instance
  const std::vector<int64_t>* fastest_us;  // by core vertex: the fastest path there; none: any is fast enough
  int64_t latency_us_max;
};

// From the bound of the cheapest site at every core vertex that a path reaches in time; the sites there get their own
// when its turn comes.
class SitesByRouter : public SiteOrder {
 public:
  using Item = std::pair<Nanocredits, SiteId>;
  struct Room {
    LeastFirst::Room bounds;
    std::vector<Item> heap;
    std::vector<SiteId> taken;
  };
  // `reach`: of the path to a core vertex, per stream. `home`: where the streams enter. `room` is used, and filled again
  // at the end.
  SitesByRouter(const RouterBounds& routers, PriceBounds reach, const Network& network, int32_t streams, SiteId home,
                Room& room);
  ~SitesByRouter() override;
  SitesByRouter(const SitesByRouter&) = delete;
  SitesByRouter& operator=(const SitesByRouter&) = delete;
  Nanocredits next_bound() override;
  SiteId take() override;

 private:
  Nanocredits sum(Nanocredits path, Nanocredits rest) const {
    return path >= kUnreachable || rest >= kUnreachable ? kNever : rest + streams_ * path;
  }
  LeastFirst::Room block_bounds();
  void make(size_t first, std::span<Nanocredits> out) const;

  const RouterBounds routers_;
  const PriceBounds reach_;
  const Network& network_;
  const int32_t streams_;
  Room& room_;
  LeastFirst bounds_;
  std::vector<Item> heap_;
  std::vector<SiteId> taken_;  // few: a site is met at each of its routers
};

}  // namespace weir
