#include "infrastructure/lab/address_plan.h"

#include <array>
#include <cstdio>
#include <limits>
#include <queue>
#include <tuple>

namespace weir::lab {
namespace {

constexpr uint16_t kUniqueLocal = 0xfd77;
enum Part : uint16_t { kSites = 0x1, kServices = 0x2, kRouters = 0x3, kLinks = 0xa, kLocators = 0xf };
enum Function : uint16_t { kEnd = 0xe, kEndX = 0xe0, kEndDt6 = 0xd6 };

Ipv6Address make(uint16_t lab, Part part, size_t index, uint16_t g4 = 0, uint16_t g5 = 0, uint16_t g7 = 0) {
  return Ipv6Address::of({kUniqueLocal, lab, part, static_cast<uint16_t>(index), g4, g5, 0, g7});
}

uint16_t from_one(VertexId v) { return static_cast<uint16_t>(v.index() + 1); }

}  // namespace

Ipv6Prefix AddressPlan::site_prefix(VertexId site) const {
  return {make(number_, kSites, from_one(site)), 64};
}
Ipv6Address AddressPlan::site_address(VertexId site) const { return instance_address(site, 0); }
Ipv6Address AddressPlan::instance_address(VertexId site, uint16_t instance) const {
  return instance == 0 ? make(number_, kSites, from_one(site), 0, 0, 1)
                       : make(number_, kSites, from_one(site), 0, 1, instance);
}
Ipv6Prefix AddressPlan::services() const { return {make(number_, kServices, 0), 64}; }
Ipv6Address AddressPlan::service_address(uint16_t service) const {
  return make(number_, kServices, 0, 0, 0, service);
}
Ipv6Address AddressPlan::router_address(VertexId router) const {
  return make(number_, kRouters, from_one(router), 0, 0, 1);
}
Ipv6Address AddressPlan::link_address(size_t link, bool at_b) const {
  return make(number_, kLinks, link + 1, 0, 0, at_b ? 2 : 1);
}
Ipv6Prefix AddressPlan::locator(VertexId v) const { return {make(number_, kLocators, from_one(v)), 64}; }
Ipv6Address AddressPlan::end(VertexId v) const { return make(number_, kLocators, from_one(v), kEnd); }
Ipv6Address AddressPlan::end_x(VertexId v, size_t link) const {
  return make(number_, kLocators, from_one(v), kEndX, static_cast<uint16_t>(link + 1));
}
Ipv6Address AddressPlan::decapsulated(VertexId v) const {
  Ipv6Address out = end_dx6(v);
  out.bytes[15] = 1;
  return out;
}
Ipv6Address AddressPlan::end_dx6(VertexId v) const { return make(number_, kLocators, from_one(v), kEndDt6); }

std::string AddressPlan::control_subnet() const { return "10.77." + std::to_string(number_) + ".0/24"; }
std::string AddressPlan::brain_control_address() const { return "10.77." + std::to_string(number_) + ".1"; }
std::string AddressPlan::control_address(VertexId site) const {
  return "10.77." + std::to_string(number_) + "." + std::to_string(site.index() + 2);
}

std::string AddressPlan::mac(size_t link, bool at_b) const {
  std::array<char, 18> text{};
  const unsigned k = static_cast<unsigned>(link + 1);
  std::snprintf(text.data(), text.size(), "02:77:%02x:%02x:%02x:%02x", number_ & 0xffu, k >> 8 & 0xff,
                k & 0xff, at_b ? 2u : 1u);
  return text.data();
}

std::string AddressPlan::link_device(size_t link) const { return "l" + std::to_string(link + 1); }
std::string AddressPlan::namespace_name(const std::string& vertex) const {
  return "weir-" + name_ + "-" + vertex;
}
std::string AddressPlan::control_bridge() const { return "weirlab" + std::to_string(number_); }
std::string AddressPlan::control_port(VertexId site) const {
  return "weir" + std::to_string(number_) + "c" + std::to_string(site.index() + 1);
}

PlainRoutes::PlainRoutes(const LabSpec& lab) : count_(lab.vertices.size()), hops_(count_ * count_) {
  for (const LabLink& link : lab.links) links_.push_back(link.spec);
  std::vector<std::vector<std::pair<size_t, VertexId>>> adjacent(count_);
  for (size_t k = 0; k < links_.size(); ++k) {
    adjacent[links_[k].a.index()].emplace_back(k, links_[k].b);
    adjacent[links_[k].b.index()].emplace_back(k, links_[k].a);
  }
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  // Backwards from each destination, so that every vertex on a way agrees on the rest of it.
  for (size_t to = 0; to < count_; ++to) {
    std::vector<int64_t> distance_us(count_, kFar);
    using Entry = std::tuple<int64_t, size_t>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> open;
    distance_us[to] = 0;
    open.emplace(0, to);
    while (!open.empty()) {
      const auto [d, v] = open.top();
      open.pop();
      if (d != distance_us[v]) continue;
      for (const auto& [k, u] : adjacent[v]) {
        // One more microsecond per hop: among links of no delay the fewest hops win, and no way has a loop.
        const int64_t through = d + links_[k].latency_us + 1;
        Hop& hop = hops_[u.index() * count_ + to];
        if (through > distance_us[u.index()] || (through == distance_us[u.index()] && k >= hop.link))
          continue;
        hop = {k, VertexId(v)};
        if (through < distance_us[u.index()]) open.emplace(through, u.index());
        distance_us[u.index()] = through;
      }
    }
  }
}

std::vector<LinkId> PlainRoutes::path(VertexId from, VertexId to) const {
  std::vector<LinkId> out;
  for (VertexId at = from; at != to && out.size() < count_; at = hop(at, to).next) {
    const Hop& h = hop(at, to);
    out.push_back(LinkId(2 * h.link + (links_[h.link].a == at ? 0 : 1)));
  }
  return out;
}

Result<std::vector<Ipv6Address>> segments(const LabSpec& lab, const AddressPlan& plan,
                                          const std::vector<LinkId>& path) {
  std::vector<Ipv6Address> out;
  VertexId at;
  for (const LinkId id : path) {
    const size_t k = id.index() / 2;
    if (k >= lab.links.size()) return fail(ErrorCode::kInvalid, "the path has an unknown link");
    const LinkSpec& link = lab.links[k].spec;
    const bool forward = id.index() % 2 == 0;
    const VertexId from = forward ? link.a : link.b;
    if (at.valid()) {
      if (at != from) {
        return fail(ErrorCode::kInvalid, "the path does not join up before link " + link.name);
      }
      out.push_back(plan.end_x(from, k));
    }
    at = forward ? link.b : link.a;
  }
  if (!at.valid()) return fail(ErrorCode::kInvalid, "the path has no links");
  out.push_back(plan.end_dx6(at));
  return out;
}

}  // namespace weir::lab
