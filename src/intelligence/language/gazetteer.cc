#include "intelligence/language/gazetteer.h"

#include <algorithm>

#include "intelligence/language/characters.h"

namespace weir::language {
namespace {

constexpr size_t kLongMin = 5;      // letters of an entry that may be misspelt
constexpr size_t kLongWordMin = 6;  // of it or of what was written

bool ends_word(std::u32string_view text, size_t end) {
  if (end >= text.size()) return true;
  const char32_t last = text[end - 1], next = text[end];
  if (is_letter(last)) return !is_letter(next);
  if (is_digit(last)) return !is_digit(next);
  return true;
}

// Whether one insertion, deletion, substitution or swap of neighbours makes b of a. O(length).
bool one_edit_apart(std::u32string_view a, std::u32string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  size_t i = 0;
  while (i < a.size() && a[i] == b[i]) ++i;
  if (a.size() != b.size()) return a.substr(i) == b.substr(i + 1);
  if (i == a.size()) return false;
  if (a.substr(i + 1) == b.substr(i + 1)) return true;
  return i + 1 < a.size() && a[i] == b[i + 1] && a[i + 1] == b[i] && a.substr(i + 2) == b.substr(i + 2);
}

// Whether both are the same word to whoever reads: "second" and "seconds".
bool alike(const std::vector<Meaning>& a, const std::vector<Meaning>& b) {
  return a.front().sense == b.front().sense && a.front().value == b.front().value && a.front().name == b.front().name && a.front().is_name == b.front().is_name;
}

// The end of so many Latin words, parted by single spaces; 0 if there are fewer.
size_t words_end(std::u32string_view text, size_t begin, size_t words) {
  size_t i = begin;
  for (size_t n = 0; n < words; ++n) {
    if (n > 0) {
      if (i >= text.size() || (text[i] != U' ' && !joins_words(text, i))) return 0;
      ++i;
    }
    const size_t from = i;
    while (i < text.size() && (is_letter(text[i]) || is_digit(text[i]))) ++i;
    if (i == from) return 0;
  }
  return i;
}

std::u32string folded(std::string_view text) {
  std::u32string out = fold(text).text;
  for (size_t i = 0; i < out.size(); ++i) {
    if (joins_words(out, i)) out[i] = U' ';
  }
  return out;
}

// "RTX 4090" is also said as "4090", "NVIDIA A100-SXM4-80GB" as "A100".
std::vector<std::u32string> spoken_models(std::u32string_view text) {
  std::vector<std::u32string> out;
  std::u32string part;
  const auto take = [&] {
    const auto digits = static_cast<size_t>(std::count_if(part.begin(), part.end(), is_digit));
    const bool size = part.ends_with(U"gb") || part.ends_with(U"g");
    if (digits >= 2 && part.size() >= 3 && !size && (digits < part.size() || digits == 4)) out.push_back(part);
    part.clear();
  };
  for (const char32_t c : text) {
    if (is_letter(c) || is_digit(c)) {
      part += c;
    } else {
      take();
    }
  }
  take();
  if (text.starts_with(U"ascend ")) {
    out.push_back(U"昇腾" + std::u32string(text.substr(7)));
    out.push_back(U"昇腾 " + std::u32string(text.substr(7)));
  }
  return out;
}

}  // namespace

Gazetteer::Gazetteer(std::span<const KnownName> names) {
  std::vector<std::pair<std::u32string, const KnownName*>> places;
  for (const KnownName& known : names) {
    const std::u32string text = folded(known.name);
    if (text.empty() || !valid(text)) continue;
    const Meaning meaning{.is_name = true, .kind = known.kind, .name = known.name};
    insert(text, meaning);
    if (known.kind == NameKind::kAcceleratorModel) {
      for (const std::u32string& spoken : spoken_models(text)) insert(spoken, meaning);
    }
    if (known.kind == NameKind::kRegion || known.kind == NameKind::kLabel) places.emplace_back(text, &known);
  }
  for (const Words& words : built_in_words()) {
    const std::u32string all = folded(words.words), means = folded(words.name);
    for (size_t begin = 0; begin <= all.size();) {
      const size_t end = std::min(all.find(U'|', begin), all.size());
      const std::u32string_view text = std::u32string_view(all).substr(begin, end - begin);
      begin = end + 1;
      if (words.sense == Sense::kPlain) {
        plain_.emplace_back(text);
        continue;
      }
      bool known = false;
      if (words.sense == Sense::kBuiltInRegion) {
        for (const auto& [place, name] : places) {
          if (place != means) continue;
          insert(text, {.is_name = true, .kind = name->kind, .name = name->name}, text.find(U' ') == std::u32string_view::npos);
          known = true;
        }
      }
      if (known) continue;
      const Meaning meaning{.sense = words.sense, .value = words.value, .name = words.name};
      insert(text, meaning);
      // A name that is also the plural of a word ("cameras") means either.
      if (const uint32_t plural = node_of(std::u32string(text) + U's'); plural != 0 && nodes_[plural].meanings != 0 && is_letter(text.back())) {
        auto& meanings = meanings_[nodes_[plural].meanings];
        if (std::any_of(meanings.begin(), meanings.end(), [](const Meaning& one) { return one.is_name; })) meanings.push_back(meaning);
      }
    }
  }
  std::sort(plain_.begin(), plain_.end());
}

bool Gazetteer::plain(std::u32string_view word) const {
  return std::binary_search(plain_.begin(), plain_.end(), word) || (word.ends_with(U's') && std::binary_search(plain_.begin(), plain_.end(), word.substr(0, word.size() - 1)));
}

bool Gazetteer::valid(std::u32string_view text) { return text.size() <= kNameCharactersMax; }

uint32_t Gazetteer::child(uint32_t node, char32_t c) const {
  const auto& edges = nodes_[node].edges;
  const auto found = std::lower_bound(edges.begin(), edges.end(), c, [](const Edge& edge, char32_t at) { return edge.character < at; });
  return found != edges.end() && found->character == c ? found->node : 0;
}

uint32_t Gazetteer::node_of(std::u32string_view text) const {
  uint32_t node = 0;
  for (const char32_t c : text) {
    node = child(node, c);
    if (node == 0) break;
  }
  return node;
}

void Gazetteer::insert(std::u32string_view text, Meaning meaning, bool may_be_misspelt) {
  uint32_t node = 0;
  for (const char32_t c : text) {
    uint32_t next = child(node, c);
    if (next == 0) {
      next = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back({});
      auto& edges = nodes_[node].edges;
      const auto at = std::lower_bound(edges.begin(), edges.end(), c, [](const Edge& edge, char32_t key) { return edge.character < key; });
      edges.insert(at, {c, next});
    }
    node = next;
  }
  if (nodes_[node].meanings == 0) {
    nodes_[node].meanings = static_cast<uint32_t>(meanings_.size());
    meanings_.emplace_back();
    const auto letters = static_cast<size_t>(std::count_if(text.begin(), text.end(), is_letter));
    const auto spaces = static_cast<size_t>(std::count(text.begin(), text.end(), U' '));
    const bool latin = std::all_of(text.begin(), text.end(), [](char32_t c) { return is_letter(c) || is_digit(c) || c == U' '; });
    if (may_be_misspelt && latin && letters >= kLongMin && (spaces == 0 || meaning.is_name)) {
      long_.push_back({std::u32string(text), nodes_[node].meanings, spaces + 1, meaning.is_name});
    }
  }
  meanings_[nodes_[node].meanings].push_back(std::move(meaning));
}

Match Gazetteer::longest(std::u32string_view text, size_t begin) const {
  Match best;
  const char32_t first = text[begin];
  if (begin > 0) {
    const char32_t before = text[begin - 1];
    if (is_letter(first) && is_letter(before)) return best;
    if (is_digit(first) && (is_digit(before) || is_letter(before) || before == U'.')) return best;
  }
  uint32_t node = 0;
  for (size_t i = begin; i < text.size();) {
    const bool space = text[i] == U' ' || joins_words(text, i);
    node = child(node, space ? U' ' : text[i]);
    if (node == 0) break;
    ++i;
    if (space) {
      while (i < text.size() && text[i] == U' ') ++i;
    }
    const uint32_t meanings = nodes_[node].meanings;
    if (meanings == 0) continue;
    if (is_digit(text[i - 1]) && i < text.size() && text[i] == U's' && ends_word(text, i + 1)) {
      best = {i + 1, &meanings_[meanings], false};  // "4090s"
    } else if (ends_word(text, i)) {
      best = {i, &meanings_[meanings], false};
    } else if (text[i] == U's' && i - begin > 1 && ends_word(text, i + 1)) {
      best = {i + 1, &meanings_[meanings], false};  // plural
    }
  }
  return best;
}

Match Gazetteer::nearest(std::u32string_view text, size_t begin) const {
  if (!is_letter(text[begin]) || (begin > 0 && is_letter(text[begin - 1]))) return {};
  Match best;
  for (size_t words = 3; words >= 1; --words) {
    const size_t end = words_end(text, begin, words);
    if (end == 0) continue;
    std::u32string written(text.substr(begin, end - begin));
    for (size_t i = 0; i < written.size(); ++i) {
      if (joins_words(written, i)) written[i] = U' ';
    }
    if (plain(written)) continue;
    uint32_t found = 0;
    bool found_name = false, unclear = false;
    for (const Long& entry : long_) {
      if (entry.words != words || entry.text[0] != written[0]) continue;
      const bool swapped = entry.text.size() == written.size() && entry.text.size() == kLongMin && std::is_permutation(written.begin(), written.end(), entry.text.begin());  // "trian"
      if (std::max(entry.text.size(), written.size()) < kLongWordMin && !swapped) continue;
      const bool near = one_edit_apart(written, entry.text) || (written.ends_with(U's') && one_edit_apart(std::u32string_view(written).substr(0, written.size() - 1), entry.text));
      if (!near) continue;
      // A word of the language is likelier than a name.
      if (found == 0 || (found_name && !entry.is_name)) {
        found = entry.meanings;
        found_name = entry.is_name;
        unclear = false;
      } else if (found != entry.meanings && found_name == entry.is_name && !alike(meanings_[found], meanings_[entry.meanings])) {
        unclear = true;
      }
    }
    if (unclear) return {};
    if (found != 0) return {end, &meanings_[found], true};
  }
  return best;
}

}  // namespace weir::language
