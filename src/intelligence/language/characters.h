#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/understanding.h"

namespace weir::language {

inline constexpr char32_t kWideComma = 0xFF0C;  // behind a digit

// The characters of a text in the form in which words are compared: full-width ones as ASCII, lower case, common traditional
// characters as simplified ones, the x of "8xA100" as '*'. Each keeps its place in the text.
struct Characters {
  std::u32string text;
  std::vector<size_t> at;  // byte of each character; one more: the end of the text

  TextSpan span(size_t begin, size_t end) const { return {at[begin], at[end]}; }
};

// Bytes that are no UTF-8 become one U+FFFD each.
Characters fold(std::string_view text);

constexpr bool is_letter(char32_t c) { return c >= U'a' && c <= U'z'; }
constexpr bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
constexpr bool is_space(char32_t c) { return c == U' ' || c == U'\t' || c == U'\n' || c == U'\r'; }
// A hyphen or underscore behind a letter and before a letter or digit: "fine-tune" and "fine tune" are the same words.
constexpr bool joins_words(std::u32string_view text, size_t i) {
  return (text[i] == U'-' || text[i] == U'_') && i > 0 && is_letter(text[i - 1]) && i + 1 < text.size() && (is_letter(text[i + 1]) || is_digit(text[i + 1]));
}
// Of the Chinese script; the blocks in common use.
constexpr bool is_chinese(char32_t c) { return (c >= 0x3400 && c <= 0x9FFF) || (c >= 0x20000 && c <= 0x323AF); }

}  // namespace weir::language
