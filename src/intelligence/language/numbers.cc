#include "intelligence/language/numbers.h"

#include <algorithm>
#include <array>
#include <vector>

#include "intelligence/language/characters.h"

namespace weir::language {
namespace {

constexpr std::u32string_view kDigits = U"零一二三四五六七八九";
constexpr std::array<const char*, 10> kWritten = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};

constexpr std::u32string_view kFormalDigits = U"零壹贰叁肆伍陆柒捌玖";

int chinese_digit(char32_t c) {
  if (c == U'〇') return 0;
  if (c == U'两' || c == U'俩') return 2;
  if (const size_t at = kFormalDigits.find(c); at != std::u32string_view::npos) return static_cast<int>(at);
  const size_t at = kDigits.find(c);
  return at == std::u32string_view::npos ? -1 : static_cast<int>(at);
}

int64_t chinese_power(char32_t c) {
  switch (c) {
    case U'十': case U'拾': return 10;
    case U'百': case U'佰': return 100;
    case U'千': case U'仟': return 1'000;
    case U'万': case U'萬': return 10'000;
    case U'亿': return 100'000'000;
    default: return 0;
  }
}

// a·b in millionths, or kNumberMax + 1.
int64_t times(int64_t micro, int64_t factor) {
  return factor != 0 && micro > kNumberMax / factor ? kNumberMax + 1 : micro * factor;
}

std::optional<Number> checked(int64_t micro, size_t end, bool article = false) {
  if (micro < 0 || micro > kNumberMax) return std::nullopt;
  return Number{micro, end, article};
}

struct EnglishWord {
  std::u32string_view word;
  int64_t value;
};
constexpr std::array<EnglishWord, 30> kSmall = {{{U"zero", 0}, {U"one", 1}, {U"two", 2}, {U"three", 3}, {U"four", 4}, {U"five", 5},
    {U"six", 6}, {U"seven", 7}, {U"eight", 8}, {U"nine", 9}, {U"ten", 10}, {U"eleven", 11}, {U"twelve", 12}, {U"thirteen", 13},
    {U"fourteen", 14}, {U"fifteen", 15}, {U"sixteen", 16}, {U"seventeen", 17}, {U"eighteen", 18}, {U"nineteen", 19}, {U"twenty", 20},
    {U"thirty", 30}, {U"forty", 40}, {U"fifty", 50}, {U"sixty", 60}, {U"seventy", 70}, {U"eighty", 80}, {U"ninety", 90}, {U"fourty", 40}, {U"ninty", 90}}};
constexpr std::array<EnglishWord, 8> kPowers = {{{U"hundred", 100}, {U"thousand", 1'000}, {U"million", 1'000'000},
    {U"billion", 1'000'000'000}, {U"trillion", 1'000'000'000'000}, {U"grand", 1'000}, {U"lakh", 100'000}, {U"crore", 10'000'000}}};
constexpr size_t kPowersWritten = 5;  // the others are only read

std::optional<Number> read_arabic(std::u32string_view text, size_t begin) {
  size_t i = begin;
  int64_t whole = 0;
  const auto at = [&](size_t k) { return k < text.size() ? text[k] : U'\0'; };
  const auto take = [&](char32_t c) { whole = whole > kNumberMax / kMicro ? kNumberMax : whole * 10 + (c - U'0'); };
  while (is_digit(at(i))) take(text[i++]);
  if (i == begin) return std::nullopt;
  // Groups of three behind a comma, the first of at most three.
  const bool grouped = i - begin <= 3;
  while (grouped && i - begin <= 3 + 4 * 3 && at(i) == U',' && is_digit(at(i + 1)) && is_digit(at(i + 2)) && is_digit(at(i + 3)) &&
         !is_digit(at(i + 4))) {
    for (size_t k = 1; k <= 3; ++k) take(text[i + k]);
    i += 4;
  }
  int64_t micro = times(kMicro, whole);
  if (at(i) == U'.' && is_digit(at(i + 1))) {
    int64_t step = kMicro / 10;
    for (++i; is_digit(at(i)); ++i, step /= 10) micro += static_cast<int64_t>(at(i) - U'0') * step;
  }
  // "45 thousand", "1.2 lakh"
  size_t word = i;
  while (at(word) == U' ') ++word;
  for (const EnglishWord& power : kPowers) {
    const size_t end = word + power.word.size();
    if (text.substr(std::min(word, text.size()), power.word.size()) == power.word && !is_letter(at(end))) return checked(times(micro, power.value), end);
  }
  if (at(i) == U'k' && !is_letter(at(i + 1))) return checked(times(micro, 1'000), i + 1);
  if (at(i) == U'w' && !is_letter(at(i + 1))) return checked(times(micro, 10'000), i + 1);  // 万, as it is typed
  for (int64_t power = chinese_power(at(i)); power >= 100; power = chinese_power(at(i))) {
    micro = times(micro, power);
    ++i;
  }
  return checked(micro, i);
}

std::optional<Number> read_chinese(std::u32string_view text, size_t begin, bool clock) {
  const auto at = [&](size_t k) { return k < text.size() ? text[k] : U'\0'; };
  if (at(begin) == U'半') return Number{kMicro / 2, begin + 1, true};
  size_t i = begin;
  // Sections: below 万, of 万, of 亿; `digit` waits for its power.
  int64_t total = 0, section = 0, digit = -1, last_power = 0;
  bool zero = false;
  size_t digits_in_a_row = 0;
  for (; i < text.size() && i - begin < 24; ++i) {
    const char32_t c = text[i];
    if (const int d = chinese_digit(c); d >= 0) {
      // 二〇二六, 一二三: digits one by one.
      // 两三百, 三四十: between the two; the upper one counts.
      const bool either = digits_in_a_row == 1 && digit > 0 && d == digit + 1 && chinese_power(at(i + 1)) > 0;
      digit = digit < 0 || either ? d : digit * 10 + d;
      digits_in_a_row += either ? 0 : 1;
      zero = zero || d == 0;
      if (digits_in_a_row > 12) return std::nullopt;
      continue;
    }
    const int64_t power = chinese_power(c);
    if (power == 0) break;
    if (power >= 10'000) {
      section += std::max<int64_t>(digit, 0);
      if (section == 0 && i == begin) return std::nullopt;  // 万 alone
      if (section > 999'999'999'999) return std::nullopt;
      // 一万亿: the second power counts for all so far.
      if (power > 10'000 && total > 0) {
        total = (total + section) * power;
      } else {
        total += std::max<int64_t>(section, 1) * power;
      }
      if (total > kNumberMax / kMicro) return std::nullopt;
      section = 0;
    } else {
      if (digit < 0 && i != begin && power != 10) break;
      section += (digit < 0 ? 1 : digit) * power;
    }
    last_power = power;
    digit = -1;
    digits_in_a_row = 0;
    zero = false;
  }
  if (i == begin) return std::nullopt;
  // 四分之三
  if (total == 0 && section == 0 && digits_in_a_row == 1 && digit > 0 && at(i) == U'分' && at(i + 1) == U'之' && chinese_digit(at(i + 2)) > 0) {
    return checked(chinese_digit(at(i + 2)) * kMicro / digit, i + 3, true);
  }
  // 五六天: between the two; the upper one counts.
  if (total == 0 && section == 0 && digits_in_a_row == 2 && digit % 10 == digit / 10 + 1 && at(i) != U'点') digit %= 10;
  // 一万二 is 12,000; 一百零二 is 102.
  if (digit > 0 && digit < 10 && digits_in_a_row == 1 && !zero && last_power >= 100) {
    section += digit * (last_power / 10);
  } else {
    section += std::max<int64_t>(digit, 0);
  }
  int64_t micro = times(kMicro, total + section);
  if (!clock && at(i) == U'点' && chinese_digit(at(i + 1)) >= 0 && chinese_power(at(i + 2)) == 0 && at(i + 2) != U'分' && at(i + 2) != U'刻') {
    int64_t step = kMicro / 10;
    for (++i; chinese_digit(at(i)) >= 0; ++i, step /= 10) micro += chinese_digit(at(i)) * step;
  }
  return checked(micro, i);
}

// The word at a character, and the character behind it and what parts it from the next.
std::u32string_view word_at(std::u32string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && is_letter(text[end])) ++end;
  return text.substr(begin, end - begin);
}
size_t next_word(std::u32string_view text, size_t end) {
  size_t i = end;
  while (i < text.size() && (text[i] == U' ' || text[i] == U'-')) ++i;
  return i > end && i < text.size() && is_letter(text[i]) ? i : text.size();
}
template <size_t N>
int64_t value_of(const std::array<EnglishWord, N>& words, std::u32string_view word) {
  for (const EnglishWord& entry : words) {
    if (entry.word == word) return entry.value;
  }
  return -1;
}

// The parts of numbers that are idioms, longest first.
struct Idiom {
  std::u32string_view text;
  int64_t micro;
};
constexpr std::array<Idiom, 15> kIdioms = {{{U"half a dozen", 6 * kMicro}, {U"quarter of an", kMicro / 4}, {U"quarter of a", kMicro / 4}, {U"two dozen", 24 * kMicro}, {U"three dozen", 36 * kMicro},
    {U"four dozen", 48 * kMicro}, {U"half of a", kMicro / 2}, {U"half an", kMicro / 2}, {U"half a", kMicro / 2}, {U"half the", 0}, {U"a dozen", 12 * kMicro},
    {U"half", kMicro / 2}, {U"a couple of", 2 * kMicro}, {U"a couple", 2 * kMicro},
    {U"dozen", 12 * kMicro}}};

// "a fifth of a", "three quarters of an"
constexpr std::array<EnglishWord, 10> kFractions = {{{U"half", 2}, {U"third", 3}, {U"quarter", 4}, {U"fourth", 4}, {U"fifth", 5}, {U"sixth", 6},
    {U"eighth", 8}, {U"tenth", 10}, {U"twentieth", 20}, {U"hundredth", 100}}};

std::optional<Number> read_fraction(std::u32string_view text, size_t begin) {
  const std::u32string_view first = word_at(text, begin);
  const int64_t count = first == U"a" ? 1 : value_of(kSmall, first);
  const size_t next = next_word(text, begin + first.size());
  if (count < 1 || count > 9 || next == text.size()) return std::nullopt;
  std::u32string_view part = word_at(text, next);
  // "under a quarter second", "a half hour"
  const std::u32string_view unit = word_at(text, std::min(next_word(text, next + part.size()), text.size()));
  if (count == 1 && (part == U"quarter" || part == U"half") && (unit == U"second" || unit == U"sec" || unit == U"hour" || unit == U"minute" || unit == U"day")) {
    return Number{kMicro / (part == U"half" ? 2 : 4), next + part.size(), true};
  }
  const size_t of = next_word(text, next + part.size());
  if (part.ends_with(U's')) part.remove_suffix(1);
  const int64_t parts = value_of(kFractions, part);
  if (parts < 0 || of == text.size() || word_at(text, of) != U"of") return std::nullopt;
  const size_t article = next_word(text, of + 2);
  const std::u32string_view last = article == text.size() ? std::u32string_view{} : word_at(text, article);
  if (last != U"a" && last != U"an") return std::nullopt;
  return Number{count * kMicro / parts, article + last.size(), true};
}

std::optional<Number> read_english(std::u32string_view text, size_t begin) {
  if (auto fraction = read_fraction(text, begin)) return fraction;
  for (const Idiom& idiom : kIdioms) {
    const size_t end = begin + idiom.text.size();
    if (text.substr(begin, idiom.text.size()) == idiom.text && (end == text.size() || !is_letter(text[end]))) {
      if (idiom.micro == 0) return std::nullopt;
      return Number{idiom.micro, end, true};
    }
  }
  int64_t total = 0, section = -1, unit_of = 0;
  size_t i = begin, end = begin;
  bool point = false;
  int64_t fraction = 0, step = kMicro / 10;
  while (i < text.size()) {
    const std::u32string_view word = word_at(text, i);
    if (word.empty()) break;
    if (word == U"and") {
      // "a hundred and fifty", "one and a half"
      const size_t next = next_word(text, i + word.size());
      if (section < 0 || next == text.size()) break;
      if (text.substr(next, 6) == U"a half" && (next + 6 == text.size() || !is_letter(text[next + 6]))) {
        fraction = kMicro / 2;
        end = next + 6;
        break;
      }
      if (unit_of < 100 || value_of(kSmall, word_at(text, next)) < 0) break;
      i = next;
      continue;
    }
    if (word == U"point" && section >= 0 && !point) {
      const size_t next = next_word(text, i + word.size());
      if (next == text.size() || value_of(kSmall, word_at(text, next)) > 9 || value_of(kSmall, word_at(text, next)) < 0) break;
      point = true;
      i = next;
      continue;
    }
    const int64_t small = value_of(kSmall, word), power = value_of(kPowers, word);
    if (point) {
      if (small < 0 || small > 9 || step == 0) break;
      fraction += small * step;
      step /= 10;
    } else if (small >= 0) {
      // "twenty five", not "five twenty".
      const int64_t room = unit_of >= 100 ? 100 : unit_of == 0 ? 1'000 : unit_of;
      if (section >= 0 && unit_of < 100 && !(section % 100 >= 20 && section % 10 == 0 && small < 10 && small > 0)) break;
      if (section >= 0 && small >= room) break;
      section = std::max<int64_t>(section, 0) + small;
      unit_of = small >= 20 ? 10 : 1;
    } else if (power > 0) {
      if (section < 0) section = 1;
      if (power == 100) {
        if (section == 0 || section >= 100) break;
        section *= 100;
        unit_of = 100;
      } else {
        if (section == 0 || section >= 1'000) break;
        total += section * power;
        if (total > kNumberMax / kMicro) return std::nullopt;
        section = 0;
        unit_of = 1'000;
      }
    } else if (word == U"a" && i == begin) {
      const std::u32string_view after = word_at(text, std::min(next_word(text, i + 1), text.size()));
      if (value_of(kPowers, after) < 0) return std::nullopt;
      section = 1;
      unit_of = 1'000;
    } else {
      break;
    }
    end = i + word.size();
    i = next_word(text, end);
  }
  if (section < 0 || end == begin) return std::nullopt;
  return checked(times(kMicro, total + section) + fraction, end);
}

void write_chinese_below(int64_t value, bool leading, std::string& out) {
  static constexpr std::array<std::pair<int64_t, const char*>, 3> kParts = {{{1'000, "千"}, {100, "百"}, {10, "十"}}};
  bool gap = false;
  for (const auto& [power, name] : kParts) {
    const int64_t digit = value / power % 10;
    if (digit == 0) {
      gap = gap || !leading;
      continue;
    }
    if (gap) out += "零";
    gap = false;
    if (!(leading && power == 10 && digit == 1)) out += kWritten[static_cast<size_t>(digit)];
    out += name;
    leading = false;
  }
  if (const int64_t digit = value % 10; digit != 0) {
    if (gap) out += "零";
    out += kWritten[static_cast<size_t>(digit)];
  }
}

std::string write_chinese(int64_t value) {
  if (value == 0) return "零";
  static constexpr std::array<std::pair<int64_t, const char*>, 3> kSections = {{{100'000'000, "亿"}, {10'000, "万"}, {1, ""}}};
  std::string out;
  if (value >= 1'000'000'000'000) {
    out += write_chinese(value / 1'000'000'000'000) + "万亿";
    value %= 1'000'000'000'000;
    if (value == 0) return out;
    if (value < 100'000'000'000) out += "零";
  }
  bool leading = out.empty();
  for (const auto& [power, name] : kSections) {
    const int64_t section = value / power % 10'000;
    if (section == 0) continue;
    if (!leading && section < 1'000 && !out.ends_with("零")) out += "零";
    write_chinese_below(section, leading || section >= 1'000, out);
    out += name;
    leading = false;
  }
  return out;
}

std::string ascii(std::u32string_view word) {
  std::string out;
  for (const char32_t c : word) out += static_cast<char>(c);
  return out;
}

std::string write_english(int64_t value) {
  if (value < 20) return ascii(kSmall[static_cast<size_t>(value)].word);
  if (value < 100) {
    const std::string tens = ascii(kSmall[static_cast<size_t>(18 + value / 10)].word);
    return value % 10 == 0 ? tens : tens + "-" + write_english(value % 10);
  }
  if (value < 1'000) {
    const std::string hundreds = write_english(value / 100) + " hundred";
    return value % 100 == 0 ? hundreds : hundreds + " and " + write_english(value % 100);
  }
  for (size_t i = kPowersWritten; i-- > 1;) {
    const int64_t power = kPowers[i].value;
    if (value < power) continue;
    const std::string whole = write_english(value / power) + " " + ascii(kPowers[i].word);
    return value % power == 0 ? whole : whole + " " + write_english(value % power);
  }
  return {};
}

}  // namespace

std::optional<Number> read_number(std::u32string_view text, size_t begin, bool clock) {
  if (begin >= text.size()) return std::nullopt;
  const char32_t c = text[begin];
  if (is_digit(c)) return read_arabic(text, begin);
  if (is_letter(c)) {
    if (begin > 0 && is_letter(text[begin - 1])) return std::nullopt;
    return read_english(text, begin);
  }
  return read_chinese(text, begin, clock);
}

std::string write_number(int64_t whole, Language language) {
  return language == Language::kChinese ? write_chinese(whole) : write_english(whole);
}

}  // namespace weir::language
