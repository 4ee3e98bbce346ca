#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/units/text.h"
#include "twin/trace/repetita.h"

// Any text as either file: what is accepted passes the checks of traffic engineering and survives being
// written and read again, and every refusal says where.
namespace {

void refused(const weir::Error& error) {
  if (error.where.find(':') == std::string::npos || !weir::valid_utf8(error.text())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto graph = twin::parse_repetita_graph(text, "fuzz.graph");
  if (!graph) {
    refused(graph.error());
  } else {
    if (!check(graph->network, {}) || graph->link_names.size() != graph->network.links.size()) std::abort();
    const auto again =
        twin::parse_repetita_graph(twin::repetita_graph(graph->network, graph->delays_us), "again");
    if (!again || again->network != graph->network || again->delays_us != graph->delays_us) std::abort();
  }
  const auto demands = twin::parse_repetita_demands(text, "fuzz.demands", 50);
  if (!demands) {
    refused(demands.error());
  } else {
    const auto again = twin::parse_repetita_demands(twin::repetita_demands(demands->demands), "again", 50);
    if (!again || again->demands != demands->demands) std::abort();
  }
  return 0;
}
