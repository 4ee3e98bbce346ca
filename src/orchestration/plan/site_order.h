#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "orchestration/path/path_memory.h"

namespace weir {

// Numbers taken out one by one, least first, equal ones by index; kNever is never taken. Making it and each take()
// look at every number once at most, in order of memory; no tree is built, since few are ever taken.
class LeastFirst {
 public:
  static constexpr Nanocredits kNever = INT64_MAX;
  explicit LeastFirst(std::vector<Nanocredits> values);
  Nanocredits next() const { return least_.empty() ? kNever : least_[block_]; }
  // Requires next() != kNever.
  size_t take();
  std::vector<Nanocredits> values() && { return std::move(values_); }  // what is left of them

 private:
  static constexpr size_t kBlock = 64;
  void renew(size_t block);
  std::vector<Nanocredits> values_;
  std::vector<Nanocredits> least_;      // by block
  size_t block_ = 0;                    // the first one with the least
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

// From the bound of the cheapest site at every core vertex; the sites there get their own when its turn comes.
class SitesByRouter : public SiteOrder {
 public:
  // `bounds` and `reach` by core vertex: of the cheapest site there, and of the path there per stream. `access` by place
  // in Network::all_accesses(): the last hop per stream; `site` by SiteId: both outlive it. `home`: where the streams enter.
  SitesByRouter(std::vector<Nanocredits> bounds, std::vector<Nanocredits> reach, const std::vector<Nanocredits>& access,
                const std::vector<Nanocredits>& site, PathMemory& memory, int32_t streams, SiteId home);
  ~SitesByRouter() override;
  SitesByRouter(const SitesByRouter&) = delete;
  SitesByRouter& operator=(const SitesByRouter&) = delete;
  Nanocredits next_bound() override;
  SiteId take() override;

 private:
  using Item = std::pair<Nanocredits, SiteId>;
  PathMemory& memory_;                   // gets the arrays back
  const std::vector<Nanocredits>& access_;
  const std::vector<Nanocredits>& site_;
  std::vector<Nanocredits> reach_;
  int32_t streams_;
  LeastFirst bounds_;
  std::vector<Item> heap_;
  std::vector<SiteId> taken_;            // few: a site is met at each of its routers
};

}  // namespace weir
