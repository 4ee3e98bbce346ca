#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace weir {

// Whether the bytes are well-formed UTF-8 (RFC 3629: shortest forms, no surrogates, at most U+10FFFF).
bool valid_utf8(std::string_view text);

// The longest prefix of at most `bytes_max` bytes that does not cut a character; malformed bytes become '?'.
std::string clip_utf8(std::string_view text, size_t bytes_max);

// The candidate nearest to `word` by edit distance (insertions, deletions, substitutions and swaps of
// neighbours, each 1), if it is near enough to be what was meant: at most a third of the longer length. Ties
// go to the earlier candidate; empty if none. O(candidates · length²); words over 64 bytes match nothing.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace weir
