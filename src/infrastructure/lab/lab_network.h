#pragma once

#include <string>

#include "infrastructure/lab/address_plan.h"
#include "infrastructure/lab/emulator_protocol.h"
#include "infrastructure/lab/lab_spec.h"

// What to tell the system so that a lab's network comes up: batches for ip(8). Pure.
namespace weir::lab {

inline constexpr uint32_t kLinkMtuBytes = 2048;  // room for 1500 and sixteen segments
inline constexpr uint32_t kSiteMtuBytes = 1500;

// Where packets leave a site's cable to itself, at the end of an SRv6 path. Connection tracking has seen them
// when they were decapsulated (net.netfilter.nf_hooks_lwtunnel) and must not see them again.
inline constexpr const char* kDecapsulationDevice = "decap1";
inline constexpr const char* kDecapsulationMac = "02:77:de:ca:00:01";
inline constexpr const char* kDecapsulationRules =
    "table ip6 weir_decap {\n chain raw {\n  type filter hook prerouting priority raw; policy accept;\n"
    "  iifname \"decap1\" notrack\n }\n}\n";

// Run in the root namespace, after the sites' namespaces were made.
std::string control_batch(const LabSpec& lab, const AddressPlan& plan);
// Takes away what control_batch made; to be run with -force, since parts of it may be missing.
std::string control_removal_batch(const LabSpec& lab, const AddressPlan& plan);
// Run in the vertex's namespace, after control_batch and when its TAP devices are there.
std::string vertex_batch(const LabSpec& lab, const AddressPlan& plan, const PlainRoutes& routes, VertexId v,
                         bool srv6);
// Cables of the sites from this vertex on; a part of control_batch.
std::string control_cables(const LabSpec& lab, const AddressPlan& plan, size_t vertices_before);
// Run in the namespace of a vertex that was there before the lab grew: the new links' devices, and every
// route as it is now.
std::string growth_batch(const LabSpec& lab, const AddressPlan& plan, const PlainRoutes& routes, VertexId v,
                         bool srv6, size_t links_before);
EmulatorLink emulator_link(const LabSpec& lab, const AddressPlan& plan, size_t link);
EmulatorConfig emulator_config(const LabSpec& lab, const AddressPlan& plan, const std::string& folder);

}  // namespace weir::lab
