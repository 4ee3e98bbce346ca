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

  explicit LeastFirst(std::vector<Nanocredits> values);
  // Numbers that are made block by block, when their turn comes: least[b] is not above any number of block b.
  LeastFirst(size_t count, std::vector<Nanocredits> least, Make make);
  Nanocredits next() const { return least_.empty() ? kNever : least_[block_]; }
  // Requires next() != kNever.
  size_t take();

 private:
  static constexpr size_t kNotMade = SIZE_MAX;
  void settle();
  std::span<Nanocredits> made(size_t block);
  size_t count_;
  std::vector<Nanocredits> values_;  // of blocks that are made, in the order of their making
  std::vector<Nanocredits> least_;   // by block
  std::vector<size_t> place_;        // by block: in values_
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

// From the bound of the cheapest site at every core vertex; the sites there get their own when its turn
// comes.
class SitesByRouter : public SiteOrder {
 public:
  // `bounds` by core vertex, of the cheapest site there; `reach` of the path there, per stream. `access` by
  // place in Network::all_accesses(): the last hop per stream; `site` by SiteId: they and the network outlive
  // it. `home`: where the streams enter.
  SitesByRouter(LeastFirst bounds, PriceBounds reach, const std::vector<Nanocredits>& access,
                const std::vector<Nanocredits>& site, const Network& network, int32_t streams, SiteId home);
  Nanocredits next_bound() override;
  SiteId take() override;

 private:
  using Item = std::pair<Nanocredits, SiteId>;
  const Network& network_;
  const std::vector<Nanocredits>& access_;
  const std::vector<Nanocredits>& site_;
  PriceBounds reach_;
  int32_t streams_;
  LeastFirst bounds_;
  std::vector<Item> heap_;
  std::vector<SiteId> taken_;  // few: a site is met at each of its routers
};

}  // namespace weir
