#include "intelligence/language/features.h"

#include <algorithm>
#include <string>

namespace weir::language {
namespace {

using Kind = Token::Kind;
using learning::Feature;
using learning::feature_of;

constexpr size_t kFeaturesMax = 4'096;  // of a wish
constexpr int kNear = 4;                // words about a value that are seen each at its place

bool is_place_name(const Token& token) {
  return token.named(NameKind::kSite) != nullptr || token.named(NameKind::kRegion) != nullptr || token.named(NameKind::kLabel) != nullptr ||
         token.is(Sense::kBuiltInRegion) || token.unknown_name;
}

bool is_value(const Token& token) { return token.kind == Kind::kNumber || token.kind == Kind::kQuantity || token.kind == Kind::kInstant || token.kind == Kind::kClock || is_place_name(token); }

// A token as it is compared: a value by its kind, a word by its letters.
std::string symbol_of(const Token& token, const Characters& characters) {
  switch (token.kind) {
    case Kind::kNumber: return "#n";
    case Kind::kInstant: return "#i";
    case Kind::kClock: return "#c";
    case Kind::kQuantity: {
      std::string out = "#q";
      out += static_cast<char>('a' + static_cast<int>(token.measure));
      if (token.measure == Measure::kDuration) out += token.amount < kMinuteUs ? 's' : 'l';
      if (token.measure == Measure::kShare || token.measure == Measure::kMemory) out += token.name;
      return out;
    }
    case Kind::kPause:
    case Kind::kWord: break;
  }
  if (is_place_name(token)) return "#p";
  if (token.named(NameKind::kIntent) != nullptr) return "#t";
  if (token.named(NameKind::kArtifact) != nullptr) return "#a";
  if (token.named(NameKind::kAcceleratorModel) != nullptr) return "#m";
  std::string out;
  for (size_t i = token.begin; i < token.end; ++i) {
    const char32_t c = characters.text[i];
    for (int shift = 0; shift < (c < 0x80 ? 8 : 24); shift += 8) out += static_cast<char>((c >> shift) & 0xFF);
  }
  return out;
}

std::string sense_of(const Meaning& meaning) { return std::string("~") + static_cast<char>('!' + static_cast<int>(meaning.sense)); }

class Seen {
 public:
  void add(std::string_view kind, std::string_view a, std::string_view b = {}) {
    if (features_.size() >= kFeaturesMax) return;
    features_.push_back(feature_of(b, feature_of("|", feature_of(a, feature_of(kind)))));
  }
  std::vector<Feature> all() {
    std::sort(features_.begin(), features_.end());
    features_.erase(std::unique(features_.begin(), features_.end()), features_.end());
    return std::move(features_);
  }

 private:
  std::vector<Feature> features_;
};

// The senses of a word; of one that has none, nothing.
template <class Each>
void each_sense(const Token& token, const Each& each) {
  if (token.kind != Kind::kWord) return;
  for (const Meaning& meaning : token.meanings) {
    if (!meaning.is_name) each(sense_of(meaning));
  }
}

}  // namespace

SeenValues see_values(std::span<const Token> wish, const Characters& characters, Act act) {
  SeenValues out;
  std::vector<std::string> symbols;
  symbols.reserve(wish.size());
  for (const Token& token : wish) symbols.push_back(symbol_of(token, characters));
  const auto at = [&](size_t i, int k) -> std::string_view {
    const auto index = static_cast<std::ptrdiff_t>(i) + k;
    if (index < 0) return "<";
    if (index >= static_cast<std::ptrdiff_t>(wish.size())) return ">";
    return symbols[static_cast<size_t>(index)];
  };
  for (size_t i = 0; i < wish.size(); ++i) {
    const Token& token = wish[i];
    if (!is_value(token)) continue;
    Seen seen;
    const std::string& own = symbols[i];
    seen.add("own", own);
    seen.add("act", own, std::string(1, static_cast<char>('a' + static_cast<int>(act))));
    if (token.kind == Kind::kNumber) seen.add("size", std::to_string(std::to_string(token.amount).size()));
    if (is_place_name(token)) {
      seen.add("place", token.named(NameKind::kSite) != nullptr ? "site" : token.named(NameKind::kRegion) != nullptr ? "region" : "label");
    }
    for (int k = 1; k <= kNear; ++k) {
      for (const int side : {-k, k}) {
        const std::string where = std::to_string(side);
        seen.add("w" + where, own.substr(0, 3), at(i, side));
        if (k > 2) seen.add(side < 0 ? "before" : "behind", own.substr(0, 3), at(i, side));
        const auto index = static_cast<std::ptrdiff_t>(i) + side;
        if (index < 0 || index >= static_cast<std::ptrdiff_t>(wish.size())) continue;
        each_sense(wish[static_cast<size_t>(index)], [&](const std::string& sense) { seen.add("s" + where, own.substr(0, 3), sense); });
      }
    }
    seen.add("b-21", std::string(at(i, -2)) + "_" + std::string(at(i, -1)), own.substr(0, 3));
    seen.add("b12", std::string(at(i, 1)) + "_" + std::string(at(i, 2)), own.substr(0, 3));
    seen.add("b-11", std::string(at(i, -1)) + "_" + std::string(at(i, 1)), own.substr(0, 3));
    // The senses of the clause, each with its side; and of the whole wish.
    bool clause = true;
    for (size_t k = i; k-- > 0;) {
      clause = clause && wish[k].kind != Kind::kPause;
      each_sense(wish[k], [&](const std::string& sense) { seen.add(clause ? "clause<" : "wish<", own.substr(0, 3), sense); });
    }
    clause = true;
    for (size_t k = i + 1; k < wish.size(); ++k) {
      clause = clause && wish[k].kind != Kind::kPause;
      each_sense(wish[k], [&](const std::string& sense) { seen.add(clause ? "clause>" : "wish>", own.substr(0, 3), sense); });
    }
    out.tokens.push_back(i);
    out.places.push_back(seen.all());
  }
  return out;
}

std::vector<Feature> see_wish(std::span<const Token> wish, const Characters& characters, bool talk) {
  Seen seen;
  seen.add("all", talk ? "talk" : "alone");
  std::vector<std::string> symbols;
  for (const Token& token : wish) {
    symbols.push_back(symbol_of(token, characters));
    each_sense(token, [&](const std::string& sense) {
      seen.add("sense", sense);
      if (talk) seen.add("talked", sense);
    });
  }
  for (size_t i = 0; i < symbols.size(); ++i) {
    const std::string& next = i + 1 < symbols.size() ? symbols[i + 1] : ">";
    if (i == 0) seen.add("first", symbols[i], next);
    seen.add("one", symbols[i]);
    if (talk) seen.add("one talked", symbols[i]);
    seen.add("two", symbols[i], next);
    if (i + 2 < symbols.size()) seen.add("three", symbols[i] + "_" + next, symbols[i + 2]);
    // Parts of a Latin word, so that what is misspelt or new is like what is known.
    const Token& token = wish[i];
    if (token.kind == Kind::kWord && !symbols[i].empty() && symbols[i][0] != '#' && is_letter(characters.text[token.begin])) {
      const std::string word = "^" + symbols[i] + "$";
      for (size_t n = 3; n <= 5; ++n) {
        for (size_t at = 0; at + n <= word.size() && at < 32; ++at) seen.add("part", std::string_view(word).substr(at, n));
      }
    }
  }
  // Chinese by its characters, whatever words they make.
  std::u32string masked;
  for (size_t i = 0; i < wish.size(); ++i) {
    if (symbols[i].starts_with("#")) masked += U'#';
    else masked.append(characters.text, wish[i].begin, wish[i].end - wish[i].begin);
  }
  for (size_t i = 0; i < masked.size(); ++i) {
    for (size_t n = 1; n <= 4 && i + n <= masked.size(); ++n) {
      if (std::none_of(masked.begin() + static_cast<std::ptrdiff_t>(i), masked.begin() + static_cast<std::ptrdiff_t>(i + n), is_chinese)) continue;
      std::string key;
      for (size_t k = i; k < i + n; ++k) {
        for (int shift = 0; shift < 24; shift += 8) key += static_cast<char>((masked[k] >> shift) & 0xFF);
      }
      seen.add("characters", key);
    }
  }
  return seen.all();
}

}  // namespace weir::language
