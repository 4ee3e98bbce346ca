#pragma once

#include <string>
#include <vector>

#include "core/result/result.h"

namespace weir::lab {

// What this machine offers a lab, found out by trying.
struct Features {
  bool root = false;
  bool namespaces = false;
  bool tap = false;
  bool programs = false;  // ip of iproute2
  bool srv6 = false;      // optional: without it, plain paths only
  bool nftables = false;  // optional: without it, agents install no paths and no service addresses
  bool realtime = false;  // optional: without it, delays are less exact on a busy machine
  // One line for each thing that is missing: what, what follows from it, and the remedy.
  std::vector<std::string> missing;
};

Features probe_features();
// kDenied or kUnsupported, naming everything required that is missing.
Status sufficient(const Features& features);

}  // namespace weir::lab
