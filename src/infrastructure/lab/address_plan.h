#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/ports/ip_address.h"
#include "infrastructure/lab/lab_spec.h"

// Names and addresses of a lab, all computed from its description. n is the lab's number, v the vertex and k
// the link, both counted from 1.
//
//   fd77:n:1:v::/64   what runs at site v; ::1 is the site itself
//   fd77:n:2::/64     stable addresses of services
//   fd77:n:3:v::1     router v
//   fd77:n:a:k::/64   link k: ::1 at end a, ::2 at end b
//   fd77:n:f:v::/64   locator of v: fd77:n:f:v:e:: End, fd77:n:f:v:e0:k:: End.X over link k,
//                     fd77:n:f:v:d6:: End.DX6, and d6::1 its next hop
//   10.77.n.0/24      control, out of band: .1 the brain, .(v + 1) site v
namespace weir::lab {

class AddressPlan {
 public:
  AddressPlan(std::string lab_name, uint8_t lab_number) : name_(std::move(lab_name)), number_(lab_number) {}
  explicit AddressPlan(const LabSpec& lab) : AddressPlan(lab.name, lab.number) {}

  Ipv6Prefix site_prefix(VertexId site) const;
  Ipv6Address site_address(VertexId site) const;
  // Address of the instance with this number (1..65535) at a site.
  Ipv6Address instance_address(VertexId site, uint16_t instance) const;
  Ipv6Prefix services() const;
  Ipv6Address service_address(uint16_t service) const;
  Ipv6Address router_address(VertexId router) const;
  Ipv6Address link_address(size_t link, bool at_b) const;
  Ipv6Prefix locator(VertexId v) const;
  Ipv6Address end(VertexId v) const;
  Ipv6Address end_x(VertexId v, size_t link) const;
  Ipv6Address end_dx6(VertexId v) const;
  Ipv6Address decapsulated(VertexId v) const;  // next hop of End.DX6: the site itself

  std::string control_subnet() const;  // with length
  std::string brain_control_address() const;
  std::string control_address(VertexId site) const;

  std::string mac(size_t link, bool at_b) const;
  std::string link_device(size_t link) const;  // in the namespaces of both ends
  std::string namespace_name(const std::string& vertex) const;
  std::string control_bridge() const;                        // in the root namespace
  std::string control_port(VertexId site) const;             // the bridge's end of the site's control cable
  static std::string control_device() { return "control"; }  // the site's end

 private:
  std::string name_;
  uint16_t number_;
};

// One hop of plain routing: leave `link` (number k counted from 0) towards `next`.
struct Hop {
  size_t link = 0;
  VertexId next;
};

// Shortest ways by delay, from every vertex to every other; ties go to the lower link number.
class PlainRoutes {
 public:
  explicit PlainRoutes(const LabSpec& lab);
  const Hop& hop(VertexId from, VertexId to) const { return hops_[from.index() * count_ + to.index()]; }
  // Directed links in order.
  std::vector<LinkId> path(VertexId from, VertexId to) const;

 private:
  size_t count_;
  std::vector<Hop> hops_;
  std::vector<LinkSpec> links_;
};

// The SIDs that lead packets of the first link's source over exactly these directed links: End.X at each
// vertex after the first, End.DX6 at the last. kInvalid: the links do not join up, or there are none.
Result<std::vector<Ipv6Address>> segments(const LabSpec& lab, const AddressPlan& plan,
                                          const std::vector<LinkId>& path);

}  // namespace weir::lab
