#pragma once

#include <string>
#include <vector>

#include "twin/replay/recorder.h"

namespace weir::twin {

struct ReportHead {
  std::string trace, policy, command, version, ledger_root;
  uint64_t seed = 0;
  std::vector<std::string> sites;  // names, by SiteId
  std::string machine;             // "256 cores at 1 site"
};

// The replay as one file without anything to fetch: figures, series of at most Timeline::kBinsMax points, and
// at most Recorder::kBarsMax bars of a Gantt chart; light or dark as the reader's system is. Charts are
// uPlot's.
std::string html_report(const Recorder& recorder, const ReportHead& head);

// Text inside an HTML element.
std::string html_text(const std::string& text);
// A JSON string that may stand in a script element.
std::string script_string(const std::string& text);

}  // namespace weir::twin
