#include "orchestration/traffic/list_prices.h"

#include <algorithm>
#include <array>

namespace weir::traffic {
namespace {

// out[i] = min(out[i], in[r][i] + price[r] for r < 4), element by element; `out` overlaps no input. Four at
// once, so that out is read and written once for them.
#define WEIR_RELAX_BODY                                                              \
  for (size_t i = 0; i < count; ++i) {                                               \
    const int32_t a = in[0][i] + price[0], b = in[1][i] + price[1];                  \
    const int32_t c = in[2][i] + price[2], d = in[3][i] + price[3];                  \
    const int32_t ab = a < b ? a : b, cd = c < d ? c : d, least = ab < cd ? ab : cd; \
    out[i] = least < out[i] ? least : out[i];                                        \
  }

using Inputs = std::array<const int32_t*, 4>;
using Prices = std::array<int32_t, 4>;

void relax_plain(int32_t* __restrict out, Inputs in, Prices price, size_t count) { WEIR_RELAX_BODY }

#if defined(__x86_64__)
// The same with wider registers, where the processor has them: results do not differ.
__attribute__((target("avx2"))) void relax_wide(int32_t* __restrict out, Inputs in, Prices price,
                                                size_t count) {
  WEIR_RELAX_BODY
}
#endif
#undef WEIR_RELAX_BODY

using Relax = void (*)(int32_t*, Inputs, Prices, size_t);

Relax relax_here() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return relax_wide;
#endif
  return relax_plain;
}

// Collects inputs by four.
class Relaxation {
 public:
  Relaxation(Relax relax, int32_t* out, size_t count) : relax_(relax), out_(out), count_(count) {}
  void add(const int32_t* in, int32_t price) {
    in_[held_] = in;
    price_[held_] = price;
    if (++held_ == in_.size()) finish();
  }
  void finish() {
    if (held_ == 0) return;
    for (size_t i = held_; i < in_.size(); ++i) {
      in_[i] = in_[0];
      price_[i] = price_[0];
    }
    relax_(out_, in_, price_, count_);
    held_ = 0;
  }

 private:
  Relax relax_;
  int32_t* out_;
  size_t count_;
  Inputs in_ = {};
  Prices price_ = {};
  size_t held_ = 0;
};

}  // namespace

ListPrices::ListPrices(const Network& network, const EcmpRoutes& routes, uint32_t segments_max, bool links)
    : network_(network),
      routes_(routes),
      vertices_(network.vertices),
      segments_max_(segments_max),
      links_(links),
      links_in_(network, Adjacency::By::kTo),
      shortest_(size_t{vertices_} * vertices_),
      by_count_(segments_max, std::vector<int32_t>(size_t{vertices_} * vertices_)) {}

void ListPrices::set(const std::vector<int64_t>& prices) {
  const Relax relax = relax_here();
  prices_ = prices;
  std::fill(shortest_.begin(), shortest_.end(), kFar);
  for (uint32_t to = 0; to < vertices_; ++to) {
    int32_t* row = shortest_.data() + size_t{to} * vertices_;
    for (const EcmpRoutes::Hop& hop : routes_.hops(to)) {
      int64_t sum = 0;
      for (const EcmpRoutes::NextLink& next : routes_.next_links(hop))
        sum += prices[next.link] + row[next.to];
      row[hop.vertex] =
          hop.vertex == to ? 0 : static_cast<int32_t>(std::min<int64_t>(sum / hop.link_count, kFar));
    }
  }
  by_count_[0] = shortest_;
  for (uint32_t to = 0; links_ && to < vertices_; ++to) {
    int32_t* row = by_count_[0].data() + size_t{to} * vertices_;
    Relaxation relaxation(relax, row, vertices_);
    for (const uint32_t* e = links_in_.begin(to); e != links_in_.end(to); ++e) {
      relaxation.add(shortest_.data() + size_t{network_.links[*e].from} * vertices_,
                     static_cast<int32_t>(prices[*e]));
    }
    relaxation.finish();
  }
  const std::vector<int32_t>& one = by_count_[0];
  for (uint32_t count = 1; count < segments_max_; ++count) {
    by_count_[count] = by_count_[count - 1];
    for (uint32_t to = 0; to < vertices_; ++to) {
      int32_t* row = by_count_[count].data() + size_t{to} * vertices_;
      const int32_t* last = one.data() + size_t{to} * vertices_;
      Relaxation relaxation(relax, row, vertices_);
      for (uint32_t by = 0; by < vertices_; ++by) {
        if (by != to && last[by] < kFar)
          relaxation.add(by_count_[count - 1].data() + size_t{by} * vertices_, last[by]);
      }
      relaxation.finish();
    }
  }
}

int32_t ListPrices::of(const SegmentList& list, uint32_t from) const {
  int64_t sum = 0;
  uint32_t at = from;
  for (uint32_t i = 0; i < list.count; ++i) {
    const Segment& segment = list.segments[i];
    if (segment.kind == Segment::Kind::kLink) {
      const Link& link = network_.links[segment.index];
      sum += shortest(at, link.from) + prices_[segment.index];
      at = link.to;
    } else {
      sum += shortest(at, segment.index);
      at = segment.index;
    }
  }
  return static_cast<int32_t>(std::min<int64_t>(sum, kFar));
}

Segment ListPrices::segment(uint32_t from, uint32_t to) const {
  const int32_t price = by_count_[0][size_t{to} * vertices_ + from];
  if (shortest(from, to) == price) return {Segment::Kind::kVertex, to};
  for (const uint32_t* e = links_in_.begin(to); e != links_in_.end(to); ++e) {
    if (shortest(from, network_.links[*e].from) + prices_[*e] == price) return {Segment::Kind::kLink, *e};
  }
  return {Segment::Kind::kVertex, to};
}

SegmentList ListPrices::cheapest(uint32_t from, uint32_t to) const {
  SegmentList list;
  uint32_t at = to;
  uint32_t count = segments_max_;  // at most so many from `from` to `at`
  std::array<Segment, kSegmentsMax> reversed = {};
  while (at != from || list.count == 0) {
    const size_t pair = size_t{at} * vertices_ + from;
    while (count > 1 && by_count_[count - 2][pair] == by_count_[count - 1][pair]) --count;
    uint32_t by = from;
    for (uint32_t v = 0; count > 1 && v < vertices_; ++v) {
      const int32_t last = by_count_[0][size_t{at} * vertices_ + v];
      if (last < kFar && v != at &&
          by_count_[count - 2][size_t{v} * vertices_ + from] + last == by_count_[count - 1][pair]) {
        by = v;
        break;
      }
    }
    reversed[list.count++] = segment(by, at);
    at = by;
    --count;
  }
  for (uint32_t i = 0; i < list.count; ++i) list.segments[i] = reversed[list.count - 1 - i];
  return list;
}

}  // namespace weir::traffic
