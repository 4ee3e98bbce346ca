#include <cstdint>
#include <cstdlib>
#include <sstream>

#include "city-cameras/messages.h"
#include "city-cameras/summary.h"

// What is read is written back the same; what is refused has a reason; no report breaks the summary.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace city_cameras;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto record = parse_json_line(text); record && *record) {
    const std::string line = to_json_line(**record);
    const auto again = parse_json_line(line);
    if (line.size() <= kLineBytesMax && (!again || !*again || **again != **record)) std::abort();
  } else if (!record && record.error().empty()) {
    std::abort();
  }
  if (const auto answer = parse_answer(text)) {
    const auto again = parse_answer(to_json(*answer));
    if (!again || *again != *answer) std::abort();
  }
  if (parse_error(text).size() > 256) std::abort();
  std::istringstream report(text);
  if (const auto summary = summarise({&report}, {"fuzz"})) table_of(*summary, 500'000);
  return 0;
}
