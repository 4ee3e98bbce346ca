#include <algorithm>

#include "core/graph/graph.h"

// Shadow prices of places: what the pass over the whole domain says is scarce where.
namespace weir {
namespace {

// In order, each once, and all below `count`.
template <class Prices, class Index>
bool in_order(const Prices& prices, size_t count, Index&& index) {
  for (size_t i = 0; i < prices.size(); ++i) {
    if (index(prices[i]) >= count || (i > 0 && index(prices[i - 1]) >= index(prices[i]))) return false;
  }
  return true;
}

}  // namespace

SiteShadow Graph::scarcity_at(SiteId id) const {
  const SiteLoad& l = load(id);
  const SiteShadow& floor = shadow(id);
  const auto of = [](Nanocredits at_full, int64_t total, int64_t free, Nanocredits least) {
    return std::max(scarcity(kScarcityPpm, at_full, utilisation_bucket(total, free)), least);
  };
  return {of(prices_.scarcity_core_hour, l.cpu_milli_total, l.cpu_milli_free, floor.per_core_hour),
          of(prices_.scarcity_gib_hour, l.memory_mib_total, l.memory_mib_free, floor.per_gib_hour),
          of(prices_.scarcity_accelerator_hour, int64_t{l.accelerators_total} * kDeviceMilli,
             l.accelerator_milli_free, floor.per_accelerator_hour)};
}

Applied Graph::on(const ShadowPricesRevised& e) {
  if (e.basis >= version_) return no_effect("it was solved on a future graph");
  if (e.basis < shadow_prices_->basis) return no_effect("a newer pass has spoken");
  if (!places_known(e)) return no_effect("a place is unknown, or out of order");
  shadow_prices_.mutate() = e;
  spread_shadow_prices();
  return {};
}

bool Graph::places_known(const ShadowPricesRevised& prices) const {
  return in_order(prices.sites, sites_.size(), [](const SiteShadowPrice& price) { return price.site.index(); }) &&
         in_order(prices.links, links_.size(), [](const LinkShadowPrice& price) { return price.link.index(); });
}

// Takes the newest prices into the columns; what changes is repriced.
void Graph::spread_shadow_prices() {
  const ShadowPricesRevised& newest = *shadow_prices_;
  if (newest.sites.empty() && newest.links.empty() && site_shadows_.empty() && link_shadows_.empty()) return;
  while (site_shadows_.size() < sites_.size()) site_shadows_.push_back({});
  while (link_shadows_.size() < links_.size()) link_shadows_.push_back(0);
  bool eased = false;
  auto priced = newest.sites.begin();
  for (size_t s = 0; s < site_shadows_.size(); ++s) {
    SiteShadow now;
    if (priced != newest.sites.end() && priced->site.index() == s) {
      now = {priced->per_core_hour, priced->per_gib_hour, priced->per_accelerator_hour};
      ++priced;
    }
    const SiteShadow& old = site_shadows_[s];
    if (now == old) continue;
    eased = eased || now.per_core_hour < old.per_core_hour || now.per_gib_hour < old.per_gib_hour ||
            now.per_accelerator_hour < old.per_accelerator_hour;
    site_shadows_.mutate(s) = now;
    reprice({.link = {}, .site = SiteId(s)});
  }
  if (eased) ++relief_;
  eased = false;
  auto dear = newest.links.begin();
  for (size_t l = 0; l < link_shadows_.size(); ++l) {
    Nanocredits now = 0;
    if (dear != newest.links.end() && dear->link.index() == l) now = (dear++)->per_gbps_hour;
    const Nanocredits old = link_shadows_[l];
    if (now == old) continue;
    eased = eased || now < old;
    link_shadows_.mutate(l) = now;
    reprice({.link = LinkId(l), .site = {}});
  }
  if (eased) ++path_relief_;
}

}  // namespace weir
