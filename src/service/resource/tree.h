#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"

// A YAML or JSON text as a tree with line numbers, within the bounds of resource.h. Anchors, aliases and tags
// are refused: a file says what it means, and cannot grow when it is read. Private to this library.
namespace weir::resource {

struct Entry;

struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  int line = 0;  // from 1
  std::string text;
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in the order written; keys are unique
};

struct Entry {
  std::string name;
  Node value;
};

// One tree per document; empty documents are left out.
Result<std::vector<Node>> read_tree(std::string_view text, std::string_view file);

}  // namespace weir::resource
