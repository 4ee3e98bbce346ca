#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/types.h"
#include "core/result/result.h"
#include "infrastructure/lab/link_queue.h"

// A lab as its file describes it: an emulated WAN and the sites on it. One file holds documents of kind Lab
// (exactly one), Site, Router and Link, in any order. docs/reference/files.md gives the fields.
namespace weir::lab {

inline constexpr size_t kVerticesMax = 250;
inline constexpr size_t kLinksMax = 1000;

struct LabSite {
  SiteSpec spec;
  VertexId vertex;
  int32_t cpu_milli = 0;  // quota of all that runs there
  int32_t memory_mib = 0;
};

struct LabRouter {
  std::string name;
  VertexId vertex;
  int32_t latitude_microdegrees = 0;
  int32_t longitude_microdegrees = 0;
};

struct LabLink {
  LinkSpec spec;                  // a and b are vertices of this lab
  int64_t fibre_m = 0;            // 0 when the file gives the delay itself
  int64_t queue_us = 0;           // what the sender's buffer holds, as time at the full rate
  LinkSettings settings() const;  // as the emulator is to begin
};

struct LabSpec {
  std::string source;  // the text it was read from
  std::string name;    // [a-z][a-z0-9]{0,11}
  uint8_t number = 1;  // 1..255: its part of every address, unique among the labs of a machine
  uint64_t seed = 1;   // of loss and jitter
  int64_t delay_us_per_1000km = 5000;  // of fibre
  int64_t route_factor_milli = 1400;   // length of fibre over the great circle
  // Name by VertexId: the sites and then the routers of the file, in its order; then the sites that joined
  // later, in theirs.
  std::vector<std::string> vertices;
  std::vector<LabSite> sites;
  std::vector<LabRouter> routers;
  std::vector<LabLink> links;  // number k stands for LinkIds 2k (a to b) and 2k + 1

  const LabSite* site(std::string_view site_name) const;
  const LabLink* link(std::string_view link_name) const;
  bool is_site(VertexId v) const;

  // Makes it the lab of this number: the data plane's addresses stand in the sites' and links' specs. Without
  // SRv6 there are no SIDs, and nothing is steerable.
  void set_number(uint8_t lab_number, bool srv6);
};

// Reads a lab from text, with the addresses of the file's number; `file` is its name for errors ("lab.yaml:7:
// spec.rate: ..."). The delay of a link is, in this order: spec.delay; spec.distance (of fibre) x
// delay_per_km; great circle x route_factor x delay_per_km. Errors: kInvalid, at the first thing that is
// wrong.
Result<LabSpec> parse_lab(std::string_view text, const std::string& file);
// The same from a file of at most 1 MiB. kNotFound, kInvalid.
Result<LabSpec> read_lab(const std::string& path);

// The lab with the sites and links of another text (documents of kind Site and Link, no Lab), after all that
// it has, so that no address changes. Each of the links begins or ends at one of the new sites. Addresses are
// those of the lab's number, with SRv6. kInvalid: as for parse_lab.
Result<LabSpec> extend_lab(const LabSpec& lab, std::string_view text, const std::string& file);
// The text of a lab's file, of at most 1 MiB. kNotFound, kInvalid.
Result<std::string> read_lab_text(const std::string& path);

}  // namespace weir::lab
