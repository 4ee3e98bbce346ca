#include "infrastructure/lab/lab_network.h"

#include <optional>

namespace weir::lab {
namespace {

struct Port {
  size_t link;
  bool at_b;
  VertexId peer;
};

std::vector<Port> ports_of(const LabSpec& lab, VertexId v) {
  std::vector<Port> out;
  for (size_t k = 0; k < lab.links.size(); ++k) {
    const LinkSpec& link = lab.links[k].spec;
    if (link.a == v) out.push_back({k, false, link.b});
    if (link.b == v) out.push_back({k, true, link.a});
  }
  return out;
}

std::string port_lines(const AddressPlan& plan, const Port& port) {
  const std::string device = plan.link_device(port.link);
  return "link set " + device + " address " + plan.mac(port.link, port.at_b) + " mtu " +
         std::to_string(kLinkMtuBytes) + " up\n" + "addr add " +
         plan.link_address(port.link, port.at_b).text() + "/64 dev " + device + " nodad\n" + "neigh add " +
         plan.link_address(port.link, !port.at_b).text() + " lladdr " + plan.mac(port.link, !port.at_b) +
         " dev " + device + " nud permanent\n";
}

Ipv6Address own_address(const LabSpec& lab, const AddressPlan& plan, VertexId v) {
  return lab.is_site(v) ? plan.site_address(v) : plan.router_address(v);
}

std::string via(const LabSpec& lab, const AddressPlan& plan, VertexId v, size_t link) {
  const bool at_b = lab.links[link].spec.b == v;
  return " via " + plan.link_address(link, !at_b).text() + " dev " + plan.link_device(link) + " src " +
         own_address(lab, plan, v).text();
}

std::string mtu_of_routes(bool site) { return site ? " mtu " + std::to_string(kSiteMtuBytes) : ""; }

// `verb`: "add", or "replace" where there may be one already.
std::string route_lines(const LabSpec& lab, const AddressPlan& plan, const PlainRoutes& routes, VertexId v,
                        bool srv6, const std::string& verb) {
  const std::vector<Port> ports = ports_of(lab, v);
  std::string out;
  for (size_t i = 0; i < lab.vertices.size(); ++i) {
    const VertexId to(i);
    if (to == v) continue;
    const size_t link = routes.hop(v, to).link;
    const Ipv6Prefix prefix =
        lab.is_site(to) ? plan.site_prefix(to) : Ipv6Prefix::host(plan.router_address(to));
    out += "route " + verb + " " + prefix.text() + via(lab, plan, v, link) + mtu_of_routes(lab.is_site(v)) +
           "\n";
    // The first segment of a path names a neighbour; it is reached over the link to it, even if a way round
    // would be shorter.
    std::optional<size_t> direct;
    for (const Port& port : ports) {
      if (port.peer == to &&
          (!direct || lab.links[port.link].spec.latency_us < lab.links[*direct].spec.latency_us)) {
        direct = port.link;
      }
    }
    if (srv6) {
      out +=
          "route " + verb + " " + plan.locator(to).text() + via(lab, plan, v, direct.value_or(link)) + "\n";
    }
  }
  return out;
}

// A local SID needs a real device; which one does not matter.
std::string sid_device(const AddressPlan& plan, const std::vector<Port>& ports) {
  return " count dev " + plan.link_device(ports[0].link) + "\n";
}

std::string end_x_line(const AddressPlan& plan, const std::vector<Port>& ports, VertexId v,
                       const Port& port) {
  return "route add " + plan.end_x(v, port.link).text() + " encap seg6local action End.X nh6 " +
         plan.link_address(port.link, !port.at_b).text() + sid_device(plan, ports);
}

}  // namespace

std::string control_batch(const LabSpec& lab, const AddressPlan& plan) {
  const std::string bridge = plan.control_bridge();
  const std::string out = "link add " + bridge + " type bridge\n" +       //
                          "link set " + bridge + " addrgenmode none\n" +  //
                          "addr add " + plan.brain_control_address() + "/24 dev " + bridge + "\n" +
                          "link set " + bridge + " up\n";
  return out + control_cables(lab, plan, 0);
}

std::string control_cables(const LabSpec& lab, const AddressPlan& plan, size_t vertices_before) {
  std::string out;
  for (const LabSite& site : lab.sites) {
    if (site.vertex.index() < vertices_before) continue;
    const std::string port = plan.control_port(site.vertex);
    out += "link add " + port + " type veth peer name " + AddressPlan::control_device() + " netns " +
           plan.namespace_name(site.spec.name) + "\n";
    out += "link set " + port + " addrgenmode none\n";
    out += "link set " + port + " master " + plan.control_bridge() + " up\n";
  }
  return out;
}

std::string control_removal_batch(const LabSpec& lab, const AddressPlan& plan) {
  std::string out;
  for (const LabSite& site : lab.sites) out += "link del " + plan.control_port(site.vertex) + "\n";
  return out + "link del " + plan.control_bridge() + "\n";
}

std::string vertex_batch(const LabSpec& lab, const AddressPlan& plan, const PlainRoutes& routes, VertexId v,
                         bool srv6) {
  const bool site = lab.is_site(v);
  const Ipv6Address own = own_address(lab, plan, v);
  std::string out = "link set lo up\naddr add " + own.text() + "/128 dev lo nodad\n";
  if (site) {
    // Every address of the site's prefix is at home here, so that an instance needs no set-up of its own.
    out += "route add local " + plan.site_prefix(v).text() + " dev lo\n";
    out += "link set " + AddressPlan::control_device() + " addrgenmode none\n";
    out += "addr add " + plan.control_address(v) + "/24 dev " + AddressPlan::control_device() + "\n";
    out += "link set " + AddressPlan::control_device() + " up\n";
  }
  const std::vector<Port> ports = ports_of(lab, v);
  for (const Port& port : ports) out += port_lines(plan, port);
  out += route_lines(lab, plan, routes, v, srv6, "add");
  if (site && !ports.empty()) {
    // Connections to a service are turned to an instance on their way out, which needs a way out to begin
    // with.
    out +=
        "route add " + plan.services().text() + via(lab, plan, v, ports[0].link) + mtu_of_routes(site) + "\n";
  }
  if (srv6 && !ports.empty()) {
    const std::string device = sid_device(plan, ports);
    out += "sr tunsrc set " + own.text() + "\n";
    out += "route add " + plan.end(v).text() + " encap seg6local action End" + device;
    for (const Port& port : ports) out += end_x_line(plan, ports, v, port);
    if (site) {
      // The end of a path hands the inner packet to the site itself through a cable from the site to itself.
      // End.DT6 would deliver it past the hooks of connection tracking, so that answers from instances would
      // never be turned back into answers from the service (kDecapsulationRules).
      const std::string inner = plan.decapsulated(v).text();
      out += std::string("link add decap0 mtu 2048 type veth peer name ") + kDecapsulationDevice +
             " mtu 2048 address " + kDecapsulationMac + "\nlink set decap0 up\nlink set " +
             kDecapsulationDevice + " up\nroute add " + inner + " dev decap0\nneigh add " + inner +
             " lladdr " + kDecapsulationMac + " dev decap0 nud permanent\n";
      out += "route add " + plan.end_dx6(v).text() + " encap seg6local action End.DX6 nh6 " + inner + device;
    }
  }
  return out;
}

std::string growth_batch(const LabSpec& lab, const AddressPlan& plan, const PlainRoutes& routes, VertexId v,
                         bool srv6, size_t links_before) {
  const std::vector<Port> ports = ports_of(lab, v);
  std::string out;
  for (const Port& port : ports) {
    if (port.link >= links_before) out += port_lines(plan, port);
  }
  out += route_lines(lab, plan, routes, v, srv6, "replace");
  for (const Port& port : ports) {
    if (srv6 && port.link >= links_before) out += end_x_line(plan, ports, v, port);
  }
  return out;
}

EmulatorLink emulator_link(const LabSpec& lab, const AddressPlan& plan, size_t link) {
  const LabLink& described = lab.links[link];
  const auto end = [&](VertexId v, bool at_b) {
    return EmulatorEnd{plan.namespace_name(lab.vertices[v.index()]), plan.link_device(link),
                       plan.mac(link, at_b)};
  };
  return {described.spec.name, end(described.spec.a, false), end(described.spec.b, true),
          described.settings()};
}

EmulatorConfig emulator_config(const LabSpec& lab, const AddressPlan& plan, const std::string& folder) {
  EmulatorConfig out;
  out.control_socket = folder + "/emulator.sock";
  out.mtu_bytes = kLinkMtuBytes;
  out.seed = lab.seed;
  for (size_t k = 0; k < lab.links.size(); ++k) out.links.push_back(emulator_link(lab, plan, k));
  return out;
}

}  // namespace weir::lab
