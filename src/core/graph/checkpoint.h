#pragma once

#include <cstddef>
#include <vector>

#include "core/graph/graph.h"
#include "core/result/result.h"

namespace weir {

// A graph as bytes, so that a restart need not replay the whole ledger. It is a cache of the ledger, never the
// truth: a format that this program does not know is refused (kUnsupported), and the caller replays.
// decode(encode(g)) equals g in every row, counter and name. O(size of the graph).
std::vector<std::byte> encode_graph(const Graph& graph);
// kUnsupported: another format; kCorrupt: not what encode_graph writes.
Result<Graph> decode_graph(std::span<const std::byte> bytes);

}  // namespace weir
