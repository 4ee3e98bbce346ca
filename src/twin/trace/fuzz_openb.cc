// Files of traces: never a crash; errors that a terminal can show, with file and line; rows within their
// ranges.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "twin/trace/openb.h"

namespace {

template <class Reader, class Check>
void read(std::string_view text, const Check& check) {
  Reader reader("fuzz.csv");
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const auto row = reader.line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!row) {
      if (!row.error().where.starts_with("fuzz.csv:")) std::abort();
      for (const char c : row.error().text()) {
        if (static_cast<unsigned char>(c) < 0x20) std::abort();
      }
    } else if (*row && !check(**row)) {
      std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read<weir::OpenbNodeReader>(text, [](const weir::OpenbNode& node) {
    return !node.name.empty() && node.cpu_milli >= 0 && node.memory_mib >= 0 && node.accelerators >= 0;
  });
  read<weir::OpenbTaskReader>(text, [](const weir::OpenbTask& task) {
    if (task.accelerators == 0) return task.accelerator_milli == 0 && task.models.empty();
    return task.accelerator_milli >= 1 && task.accelerator_milli <= 1000 &&
           (task.accelerators == 1 || task.accelerator_milli == 1000);
  });
  return 0;
}
