#include "bench/language/public_sets.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "core/units/text.h"

namespace weir::bench {
namespace {

namespace json = boost::json;

// Bytes of the white space that a text begins with; 0 where it begins with none.
size_t space_bytes(std::string_view text) {
  const auto byte = [&](size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0; };
  const auto first = byte(0), second = byte(1), third = byte(2);
  if (first == ' ' || (first >= '\t' && first <= '\r') || (first >= 0x1C && first <= 0x1F)) return 1;
  if (first == 0xC2 && (second == 0x85 || second == 0xA0)) return 2;
  const bool wide = (first == 0xE1 && second == 0x9A && third == 0x80) || (first == 0xE2 && second == 0x81 && third == 0x9F) ||
                    (first == 0xE3 && second == 0x80 && third == 0x80) ||
                    (first == 0xE2 && second == 0x80 && ((third >= 0x80 && third <= 0x8A) || third == 0xA8 || third == 0xA9 || third == 0xAF));
  return wide ? 3 : 0;
}

// Stops behind the first word that is too many.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  size_t begin = 0;
  const auto take = [&](size_t end) {
    if (end > begin) out.emplace_back(text.substr(begin, end - begin));
  };
  for (size_t at = 0; at < text.size() && out.size() <= kSetWordsMax;) {
    const size_t space = space_bytes(text.substr(at));
    if (space == 0) {
      ++at;
      continue;
    }
    take(at);
    at += space;
    begin = at;
  }
  if (out.size() <= kSetWordsMax) take(text.size());
  return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::string line_of(const NamedText& file, size_t index) { return file.name + ":" + std::to_string(index + 1); }

// Counts them to those of the part so far.
Status check_words(const std::vector<std::string>& words, std::string_view text, std::string where, size_t& in_all) {
  if (words.empty()) return fail(ErrorCode::kInvalid, "has no word", std::move(where), "leave the utterance out, with its tags and its intent");
  if (words.size() > kSetWordsMax) return fail(ErrorCode::kExhausted, "has more than " + std::to_string(kSetWordsMax) + " words", std::move(where), "part the utterance");
  if (!valid_utf8(text)) return fail(ErrorCode::kInvalid, "is not UTF-8", std::move(where), "convert the file");
  in_all += words.size();
  if (in_all > kSetWordsInAllMax) return fail(ErrorCode::kExhausted, "goes beyond " + std::to_string(kSetWordsInAllMax) + " words in all", std::move(where), "take a sample");
  return {};
}

Status check_utterances(size_t utterances, const std::string& where) {
  if (utterances == 0) return fail(ErrorCode::kInvalid, "holds no utterance", where, "each part of a set needs some");
  if (utterances > kSetUtterancesMax) {
    return fail(ErrorCode::kExhausted, "holds " + std::to_string(utterances) + " utterances, more than " + std::to_string(kSetUtterancesMax), where, "take a sample");
  }
  return {};
}

bool is_tag(std::string_view tag) { return tag == "O" || (tag.size() > 2 && (tag.starts_with("B-") || tag.starts_with("I-"))); }

// Adds a label to those seen.
Status note_label(std::set<std::string>& seen, const std::string& label, const char* kind, const std::string& where) {
  if (seen.insert(label).second && seen.size() > kSetLabelsMax) {
    return fail(ErrorCode::kExhausted, "has one more " + std::string(kind) + " than " + std::to_string(kSetLabelsMax), where, "that is too many to learn");
  }
  return {};
}

Result<std::vector<TaggedUtterance>> read_slot_part(const std::string& folder) {
  std::array<NamedText, 3> files;
  for (size_t i = 0; i < files.size(); ++i) {
    static constexpr std::array<const char*, 3> kNames = {"seq.in", "seq.out", "label"};
    auto file = read_set_file(folder + "/" + kNames[i]);
    if (!file) return tl::unexpected(file.error());
    files[i] = std::move(*file);
  }
  return read_slots(files[0], files[1], files[2]);
}

Result<std::vector<IntentUtterance>> read_intent_part(const json::value& part, const std::string& where, bool out_of_scope) {
  constexpr const char* kRemedy = "a part is a list of [text, intent]";
  const json::array* entries = part.if_array();
  if (entries == nullptr) return fail(ErrorCode::kInvalid, "is no list", where, kRemedy);
  if (const auto checked = check_utterances(entries->size(), where); !checked) return tl::unexpected(checked.error());
  std::vector<IntentUtterance> out;
  std::set<std::string> intents;
  size_t words_in_all = 0;
  for (size_t i = 0; i < entries->size(); ++i) {
    const std::string place = where + "[" + std::to_string(i) + "]";
    const json::array* entry = (*entries)[i].if_array();
    const json::string* text = entry != nullptr && entry->size() == 2 ? (*entry)[0].if_string() : nullptr;
    const json::string* intent = text != nullptr ? (*entry)[1].if_string() : nullptr;
    if (intent == nullptr) return fail(ErrorCode::kInvalid, "is not [text, intent]", place, kRemedy);
    const std::string_view written(text->data(), text->size());
    IntentUtterance utterance{.words = words_of(written), .intent = std::string(intent->data(), intent->size())};
    if (const auto checked = check_words(utterance.words, written, place, words_in_all); !checked) return tl::unexpected(checked.error());
    if (utterance.intent.empty()) return fail(ErrorCode::kInvalid, "has no intent", place, kRemedy);
    if ((utterance.intent == kOutOfScope) != out_of_scope) {
      return fail(ErrorCode::kInvalid, out_of_scope ? "is out of scope, and has an intent" : "is in scope, and has the intent of what is not", place,
                  "\"oos\" is the intent of everything in oos_train, oos_val and oos_test, and of nothing else");
    }
    if (const auto noted = note_label(intents, utterance.intent, "intent", place); !noted) return tl::unexpected(noted.error());
    out.push_back(std::move(utterance));
  }
  return out;
}

}  // namespace

Result<std::vector<TaggedUtterance>> read_slots(const NamedText& words, const NamedText& tags, const NamedText& intents) {
  const auto lines = lines_of(words.text), tag_lines = lines_of(tags.text), intent_lines = lines_of(intents.text);
  if (const auto checked = check_utterances(lines.size(), words.name); !checked) return tl::unexpected(checked.error());
  for (const auto& [file, count] : {std::pair{&tags, tag_lines.size()}, std::pair{&intents, intent_lines.size()}}) {
    if (count == lines.size()) continue;
    const bool fewer = count < lines.size();
    return fail(ErrorCode::kInvalid, (fewer ? "is missing: " : "is too many: ") + words.name + " has " + std::to_string(lines.size()) + " lines",
                line_of(*file, std::min(count, lines.size())), "each utterance has a line in each of the three files");
  }
  std::vector<TaggedUtterance> out;
  std::set<std::string> seen_tags, seen_intents;
  size_t words_in_all = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    TaggedUtterance utterance{.words = words_of(lines[i]), .tags = words_of(tag_lines[i])};
    if (const auto checked = check_words(utterance.words, lines[i], line_of(words, i), words_in_all); !checked) return tl::unexpected(checked.error());
    if (utterance.tags.size() != utterance.words.size()) {
      return fail(ErrorCode::kInvalid,
                  "has " + std::to_string(utterance.tags.size()) + " tags, where " + line_of(words, i) + " has " + std::to_string(utterance.words.size()) + " words",
                  line_of(tags, i), "write a tag for each word");
    }
    for (const std::string& tag : utterance.tags) {
      if (!is_tag(tag) || !valid_utf8(tag)) return fail(ErrorCode::kInvalid, "holds what is no tag", line_of(tags, i), "a tag is O, B-NAME or I-NAME");
      if (const auto noted = note_label(seen_tags, tag, "tag", line_of(tags, i)); !noted) return tl::unexpected(noted.error());
    }
    const std::vector<std::string> intent = words_of(intent_lines[i]);
    if (intent.size() != 1 || !valid_utf8(intent[0])) return fail(ErrorCode::kInvalid, "is no intent", line_of(intents, i), "write one word");
    if (const auto noted = note_label(seen_intents, intent[0], "intent", line_of(intents, i)); !noted) return tl::unexpected(noted.error());
    utterance.intent = intent[0];
    out.push_back(std::move(utterance));
  }
  return out;
}

Result<SlotSet> read_slot_folder(const std::string& folder) {
  std::error_code ignored;
  const bool valid = std::filesystem::is_directory(folder + "/valid", ignored), dev = std::filesystem::is_directory(folder + "/dev", ignored);
  if (valid && dev) return fail(ErrorCode::kInvalid, "has both valid and dev", folder, "leave the one that is meant");
  SlotSet out;
  for (const auto& [name, part] : {std::pair{"/train", &out.train}, std::pair{dev ? "/dev" : "/valid", &out.valid}, std::pair{"/test", &out.test}}) {
    auto read = read_slot_part(folder + name);
    if (!read) return tl::unexpected(read.error());
    *part = std::move(*read);
  }
  return out;
}

Result<IntentSet> read_intents(const NamedText& file) {
  json::parser parser;
  json::error_code error;
  const size_t read = parser.write_some(file.text, error);
  const auto line_at = [&](size_t at) {
    return line_of(file, static_cast<size_t>(std::count(file.text.begin(), file.text.begin() + static_cast<std::ptrdiff_t>(std::min(at, file.text.size())), '\n')));
  };
  if (error == json::error::incomplete) return fail(ErrorCode::kInvalid, "ends before its JSON does", line_at(file.text.size()), "copy the file again");
  if (error) return fail(ErrorCode::kInvalid, "is no JSON: " + error.message(), line_at(read), "write an object of lists of [text, intent]");
  if (const size_t more = file.text.find_first_not_of(" \t\r\n", read); more != std::string::npos) {
    return fail(ErrorCode::kInvalid, "goes on behind its JSON", line_at(more), "write one object");
  }
  const json::value whole = parser.release();
  const json::object* object = whole.if_object();
  if (object == nullptr) return fail(ErrorCode::kInvalid, "is no object", file.name, "write an object of lists of [text, intent]");
  IntentSet out;
  const std::array<std::pair<std::string_view, std::vector<IntentUtterance>*>, 6> parts = {{{"train", &out.train},
                                                                                           {"val", &out.val},
                                                                                           {"test", &out.test},
                                                                                           {"oos_train", &out.oos_train},
                                                                                           {"oos_val", &out.oos_val},
                                                                                           {"oos_test", &out.oos_test}}};
  for (const auto& member : *object) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::none_of(parts.begin(), parts.end(), [&](const auto& part) { return part.first == key; })) {
      return fail(ErrorCode::kInvalid, "is no part of such a set", file.name + ": " + clip_utf8(key, 64), "the parts are train, val, test, oos_train, oos_val and oos_test");
    }
  }
  for (const auto& [name, part] : parts) {
    const std::string where = file.name + ": " + std::string(name);
    const json::value* found = object->if_contains(name);
    if (found == nullptr) return fail(ErrorCode::kInvalid, "is missing", where, "the parts are train, val, test, oos_train, oos_val and oos_test");
    if (part == &out.oos_train && found->is_array() && found->get_array().empty()) continue;
    auto read_part = read_intent_part(*found, where, name.starts_with("oos_"));
    if (!read_part) return tl::unexpected(read_part.error());
    *part = std::move(*read_part);
  }
  return out;
}

Result<IntentSet> read_intent_file(const std::string& file) {
  const auto text = read_set_file(file);
  if (!text) return tl::unexpected(text.error());
  return read_intents(*text);
}

Result<NamedText> read_set_file(const std::string& file) {
  std::error_code ignored;
  std::ifstream in(file, std::ios::binary);
  if (!in || !std::filesystem::is_regular_file(file, ignored)) return fail(ErrorCode::kNotFound, "cannot be read", file, "check the name, and that you may read it");
  NamedText out{.name = file, .text = {}};
  out.text.resize(kSetFileBytesMax + 1);
  in.read(out.text.data(), static_cast<std::streamsize>(out.text.size()));
  if (in.bad()) return fail(ErrorCode::kUnavailable, "cannot be read", file, "check the disk");
  const auto size = static_cast<size_t>(in.gcount());
  if (size > kSetFileBytesMax) return fail(ErrorCode::kExhausted, "is larger than " + std::to_string(kSetFileBytesMax >> 20) + " MiB", file, "take a sample");
  out.text.resize(size);
  out.text.shrink_to_fit();
  return out;
}

}  // namespace weir::bench
