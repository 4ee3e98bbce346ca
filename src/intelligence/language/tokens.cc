#include "intelligence/language/tokens.h"

#include <algorithm>

#include "intelligence/language/numbers.h"

namespace weir::language {
namespace {

using Kind = Token::Kind;

bool names_a_day(const Token& token) {
  for (const Sense sense : {Sense::kDay, Sense::kWeekday, Sense::kDayMark, Sense::kMorning, Sense::kNight, Sense::kAfternoon, Sense::kEvening}) {
    if (token.is(sense)) return true;
  }
  return false;
}

// Whether money was just spoken of: "4k" is a number then, and no resolution.
bool of_money(const std::vector<Token>& tokens) {
  for (size_t k = tokens.size(); k > 0 && tokens.size() - k < 4 && tokens[k - 1].kind != Kind::kPause; --k) {
    if (tokens[k - 1].is(Sense::kBudget) || tokens[k - 1].is(Sense::kCurrency) || tokens[k - 1].is(Sense::kPeriod)) return true;
  }
  return false;
}

// "18:30" and "7:30".
std::optional<Token> read_clock(std::u32string_view text, size_t begin) {
  const auto digit = [&](size_t i) { return i < text.size() && is_digit(text[i]); };
  if (begin > 0 && (is_digit(text[begin - 1]) || text[begin - 1] == U':')) return std::nullopt;
  size_t i = begin;
  int64_t hour = 0;
  while (digit(i) && i - begin < 2) hour = hour * 10 + (text[i++] - U'0');
  if (i == begin || i >= text.size() || text[i] != U':' || !digit(i + 1) || !digit(i + 2) || digit(i + 3)) return std::nullopt;
  const int64_t minute = (text[i + 1] - U'0') * 10 + (text[i + 2] - U'0');
  if (hour > 24 || minute > 59) return std::nullopt;
  return Token{.kind = Kind::kClock, .begin = begin, .end = i + 3, .amount = hour * 60 + minute};
}

// The longest word, unless it takes a character of the name of a place: 不要|上海, not 不要上|海.
Match beside_places(std::u32string_view text, size_t begin, const Gazetteer& gazetteer) {
  const Match match = gazetteer.longest(text, begin);
  if (match.end < begin + 2 || match.end >= text.size() || !is_chinese(text[match.end - 1]) || !is_chinese(text[match.end])) return match;
  const Match next = gazetteer.longest(text, match.end - 1);
  const auto place = [](const Meaning& meant) { return meant.is_name ? meant.kind == NameKind::kRegion || meant.kind == NameKind::kSite || meant.kind == NameKind::kLabel : meant.sense == Sense::kBuiltInRegion; };
  if (next.end <= match.end || !std::any_of(next.meanings->begin(), next.meanings->end(), place)) return match;
  const Match shorter = gazetteer.longest(text.substr(0, match.end - 1), begin);
  return shorter.end + 1 == match.end ? shorter : match;
}

}  // namespace

const Meaning* Token::meaning(Sense sense) const {
  if (kind != Kind::kWord && kind != Kind::kPause) return nullptr;
  for (const Meaning& meant : meanings) {
    if (!meant.is_name && meant.sense == sense) return &meant;
  }
  return nullptr;
}

const Meaning* Token::named(NameKind of) const {
  if (kind != Kind::kWord) return nullptr;
  for (const Meaning& meant : meanings) {
    if (meant.is_name && meant.kind == of) return &meant;
  }
  return nullptr;
}

std::vector<Token> split(const Characters& characters, const Gazetteer& gazetteer) {
  const std::u32string_view text = characters.text;
  std::vector<Token> out;
  for (size_t i = 0; i < text.size();) {
    const char32_t c = text[i];
    if (is_space(c) && c != U'\n') {
      ++i;
      continue;
    }
    if (is_digit(c)) {
      if (auto clock = read_clock(text, i)) {
        i = clock->end;
        out.push_back(*clock);
        continue;
      }
    }
    const Match match = beside_places(text, i, gazetteer);
    const bool clock = !out.empty() && names_a_day(out.back());
    const auto number = read_number(text, i, clock);
    // 下午一点, 一点前: an hour, not "a bit".
    const bool hour = number && match.end == number->end + 1 && text[number->end] == U'点' &&
                      (clock || (match.end < text.size() && std::u32string_view(U"钟整半前之以左").find(text[match.end]) != std::u32string_view::npos));
    const bool minutes = number && !out.empty() && out.back().is(Sense::kShortOf);  // 差十分, not "very"
    const bool counted = number && (hour || minutes || number->end > match.end || (number->end == match.end && is_digit(c) && of_money(out)));
    if (counted) {
      Token token{.kind = Kind::kNumber, .begin = i, .end = number->end, .amount = number->micro, .article = number->article};
      // "7B" is the size of a model.
      const size_t end = token.end;
      if (end < text.size() && text[end] == U'b' && (end + 1 == text.size() || !is_letter(text[end + 1]))) {
        token = {.begin = i, .end = end + 1, .meanings = {{.sense = Sense::kIgnored}, {.sense = Sense::kHint, .name = "inference"}}};
      }
      i = token.end;
      out.push_back(std::move(token));
      continue;
    }
    const bool pause = c == U',' || c == kWideComma || c == U';' || c == U'\n' || c == U'!' || c == U'?' || c == U'.' || c == U'(' || c == U')';
    if (match.end > 0) {
      Token token{.kind = pause && match.end == i + 1 ? Kind::kPause : Kind::kWord, .begin = i, .end = match.end, .meanings = *match.meanings};
      token.whole = token.kind == Kind::kPause;
      i = match.end;
      out.push_back(std::move(token));
      continue;
    }
    if (pause) {
      out.push_back({.kind = Kind::kPause, .begin = i, .end = i + 1, .whole = c != U',' && c != kWideComma && c != U'(' && c != U')'});
      ++i;
      continue;
    }
    if (is_letter(c)) {
      const Match near = gazetteer.nearest(text, i);
      size_t end = near.end;
      if (end == 0) {
        for (end = i; end < text.size() && is_letter(text[end]);) ++end;
      }
      size_t joined = end;
      if (near.end == 0) {
        while (joined < text.size() && (is_letter(text[joined]) || is_digit(text[joined]) || joins_words(text, joined))) ++joined;
      }
      const bool unknown_name = text.substr(end, joined - end).find(U'-') != std::u32string_view::npos;
      if (unknown_name) end = joined;
      Token token{.begin = i, .end = end, .corrected = near.end > 0, .unknown_name = unknown_name};
      if (near.end > 0) token.meanings = *near.meanings;
      i = end;
      out.push_back(std::move(token));
      continue;
    }
    out.push_back({.begin = i, .end = i + 1});
    ++i;
  }
  return out;
}

std::vector<Token> tokens_of(const Characters& characters, const Gazetteer& gazetteer, const SpokenAt& at) {
  return find_quantities(find_instants(split(characters, gazetteer), at));
}

}  // namespace weir::language
