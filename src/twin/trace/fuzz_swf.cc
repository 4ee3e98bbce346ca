#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/units/text.h"
#include "twin/trace/swf.h"

// Any text, line by line: what is accepted keeps the promises of SwfJob, and every refusal says where.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  weir::twin::SwfReader reader("fuzz.swf");
  weir::twin::SwfJob job;
  int64_t last_s = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const auto read = reader.line(text.substr(0, end), job);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (!read) {
      if (read.error().where.empty() || !weir::valid_utf8(read.error().text())) std::abort();
      continue;
    }
    if (!*read) continue;
    if (job.run_s < 1 || job.processors < 1 || job.submitted_s < last_s) std::abort();
    if (job.requested_s == 0 || job.requested_s < -1) std::abort();
    last_s = job.submitted_s;
  }
  if (reader.processors() < 0 || reader.unix_start_s() < 0) std::abort();
  return 0;
}
