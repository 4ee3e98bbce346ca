#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/understanding.h"
#include "intelligence/language/lexicon.h"

namespace weir::language {

// One thing that words can mean: a word of the language, or a name.
struct Meaning {
  bool is_name = false;
  Sense sense = Sense::kIgnored;      // of a word
  NameKind kind = NameKind::kSite;    // of a name
  int64_t value = 0;
  std::string name;                   // of a name: what it is called where it is known
};

struct Match {
  size_t end = 0;                        // the character behind it; 0: none
  const std::vector<Meaning>* meanings = nullptr;
  bool corrected = false;                // by one edit
};

inline constexpr size_t kNameCharactersMax = 1'024;  // longer names are left out

// The words of both languages and the names that may be said, in a trie. Names are compared folded; of an accelerator model its
// parts with a digit will do ("4090" for "RTX 4090"); regions and labels have their Chinese names. Reading it is thread-safe.
class Gazetteer {
 public:
  explicit Gazetteer(std::span<const KnownName> names = {});

  // The longest entry that begins at a character of a folded text and does not part a Latin word. O(length of the entry).
  Match longest(std::u32string_view text, size_t begin) const;
  // The one entry of at least 5 letters that is one insertion, deletion, substitution or swap of neighbours away from the words
  // that begin there; none where several are. Costs O(entries).
  Match nearest(std::u32string_view text, size_t begin) const;

 private:
  struct Edge {
    char32_t character;
    uint32_t node;
  };
  struct Node {
    std::vector<Edge> edges;  // ascending
    uint32_t meanings = 0;    // in meanings_; 0: no entry ends here
  };
  struct Long {
    std::u32string text;
    uint32_t meanings;
    size_t words;
    bool is_name;
  };
  static bool valid(std::u32string_view text);
  bool plain(std::u32string_view word) const;  // or its plural
  void insert(std::u32string_view text, Meaning meaning, bool may_be_misspelt = true);
  uint32_t node_of(std::u32string_view text) const;  // 0: none
  uint32_t child(uint32_t node, char32_t c) const;

  std::vector<Node> nodes_{Node{}};
  std::vector<std::vector<Meaning>> meanings_{std::vector<Meaning>{}};
  std::vector<Long> long_;
  std::vector<std::u32string> plain_;  // ascending
};

}  // namespace weir::language
