#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/units/text.h"
#include "twin/trace/csv.h"

// Any text, line by line: what is accepted keeps the promises of TraceJob, and every refusal says where.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  weir::twin::CsvReader reader("fuzz.csv");
  weir::TimeUs last_us = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const auto job = reader.line(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (!job) {
      if (job.error().where.empty() || !weir::valid_utf8(job.error().text())) std::abort();
      continue;
    }
    if (!*job) continue;
    if ((*job)->run_us < 1 || (*job)->cpu_milli < 1 || (*job)->submit_us < last_us || (*job)->estimate_us < 0)
      std::abort();
    if ((*job)->memory_mib < 0 || (*job)->accelerators < 0 || (*job)->accelerator_milli > 1'000) std::abort();
    last_us = (*job)->submit_us;
  }
  (void)reader.end();
  return 0;
}
