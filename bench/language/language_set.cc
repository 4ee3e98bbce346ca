#include "bench/language/language_set.h"

#include <algorithm>

#include "bench/language/language_data.h"
#include "core/units/quantity.h"
#include "core/ports/understanding_text.h"
#include "intelligence/language/understand.h"

namespace weir::bench {
namespace {

// 2026-11-22 15:00 in Shanghai, a Sunday.
constexpr SpokenAt kMoment{1'795'330'800, 8 * 3'600};
constexpr size_t kHeldEach = 3;

std::vector<std::string> parted(std::string_view text, std::string_view by) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(by, begin), text.size());
    if (end > begin) out.emplace_back(text.substr(begin, end - begin));
    begin = end + by.size();
  }
  return out;
}

// Durations in the unit that understanding_text chooses; lists in its order.
std::string canonical_value(const std::string& slot, const std::string& value) {
  if (slot == "latency" || slot == "run" || slot == "deadline") {
    const std::string sign = value.starts_with("+") ? "+" : "";
    const auto us = parse_lifetime_us(std::string_view(value).substr(sign.size()));
    return us ? sign + format_duration(*us) : value;
  }
  std::vector<std::string> values = parted(value, ",");
  std::sort(values.begin(), values.end());
  std::string out;
  for (const std::string& one : values) out += (out.empty() ? "" : ",") + one;
  return out;
}

// "service:detection" is short for "kind=service workload=detection".
std::vector<std::string> canonical_fields(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (const size_t equals = word.find('='); equals != std::string::npos) {
      const std::string slot = word.substr(0, equals);
      out.push_back(slot + "=" + canonical_value(slot, word.substr(equals + 1)));
      continue;
    }
    const size_t colon = word.find(':');
    out.push_back("kind=" + word.substr(0, colon));
    if (colon != std::string::npos) out.push_back("workload=" + word.substr(colon + 1));
  }
  std::sort(out.begin(), out.end());
  return out;
}

struct Written {
  std::string act;
  std::vector<std::string> fields;
  friend bool operator==(const Written&, const Written&) = default;
};
std::vector<Written> frames_of(std::string_view text) {
  std::vector<Written> out;
  for (const std::string& frame : parted(text, " | ")) {
    const std::vector<std::string> words = parted(frame, " ");
    if (!words.empty()) out.push_back({words[0], canonical_fields(words)});
  }
  return out;
}

bool known_act(const std::string& word) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(Act::kOther); ++i) {
    if (name_of(static_cast<Act>(i)) == word) return true;
  }
  return false;
}

bool known_field(const std::string& field) {
  const std::string slot = field.substr(0, field.find('='));
  for (size_t i = 0; i < kSlots; ++i) {
    if (name_of(static_cast<Slot>(i)) == slot) return field.size() > slot.size() + 1 && (slot != "kind" || field == "kind=service" || field == "kind=job");
  }
  return false;
}

double ratio(size_t a, size_t b) { return b == 0 ? 1 : static_cast<double>(a) / static_cast<double>(b); }

}  // namespace

double Score::act_accuracy() const { return ratio(acts_right, sentences); }
double Score::whole_accuracy() const { return ratio(whole_right, sentences); }
double Score::slot_f1() const { return ratio(2 * fields_right, fields_found + fields_expected); }

Result<LanguageSet> read_set(std::string_view name, std::string_view text) {
  LanguageSet out{.name = std::string(name), .sentences = {}};
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const auto wrong = [&](const char* what) {
      return fail(ErrorCode::kInvalid, what, std::string(name) + ":" + std::to_string(number), "write TEXT, a tab, and what it means");
    };
    const size_t tab = line.find('\t');
    if (tab == std::string_view::npos || tab == 0) return wrong("has no tab between a text and what it means");
    Sentence sentence{.text = std::string(line.substr(0, tab)), .expected = std::string(line.substr(tab + 1))};
    if (sentence.text[0] == '+') {
      sentence.answers = true;
      sentence.text.erase(0, 1);
    }
    for (const Written& frame : frames_of(sentence.expected)) {
      if (!known_act(frame.act)) return wrong("means an act that there is not");
      if (!std::all_of(frame.fields.begin(), frame.fields.end(), known_field)) return wrong("has a field that there is not, or one without a value");
    }
    sentence.held = out.sentences.size() % kHeldEach == kHeldEach - 1;
    out.sentences.push_back(std::move(sentence));
  }
  if (out.sentences.empty()) return fail(ErrorCode::kInvalid, "holds no sentence", std::string(name), "write TEXT, a tab, and what it means");
  return out;
}

std::vector<LanguageSet> built_in_sets() {
  std::vector<LanguageSet> out;
  for (const auto& [name, text] : {std::pair{"zh", kChineseSet}, std::pair{"en", kEnglishSet}}) {
    if (auto set = read_set(name, text)) out.push_back(std::move(*set));
  }
  return out;
}

std::vector<KnownName> set_names() {
  std::vector<KnownName> out;
  for (const std::string& line : parted(kNameSet, "\n")) {
    const size_t tab = line.find('\t');
    const std::string kind = line.substr(0, tab);
    const NameKind means = kind == "site"     ? NameKind::kSite
                           : kind == "region" ? NameKind::kRegion
                           : kind == "label"  ? NameKind::kLabel
                           : kind == "intent" ? NameKind::kIntent
                           : kind == "model"  ? NameKind::kAcceleratorModel
                                              : NameKind::kArtifact;
    out.push_back({means, line.substr(tab + 1)});
  }
  return out;
}

SpokenAt set_moment() { return kMoment; }
std::string_view set_previous() { return "12 streams, object detection, within 500 ms, 20 per hour"; }

Score score(const LanguageSet& set, Part part, const language::Model* model, std::vector<Miss>* misses) {
  const std::vector<KnownName> names = set_names();
  const language::Gazetteer gazetteer(names);
  const auto before = language::understand(set_previous(), gazetteer, kMoment);
  Score out;
  for (const Sentence& sentence : set.sentences) {
    if (part != Part::kAll && sentence.held != (part == Part::kHeld)) continue;
    const auto understood = language::understand(sentence.text, gazetteer, kMoment, sentence.answers && before ? &before->frames[0] : nullptr, model);
    const std::string text = understood ? understanding_text(*understood, kMoment.utc_offset_s) : "other";
    const std::vector<Written> found = frames_of(text), expected = frames_of(sentence.expected);
    ++out.sentences;
    bool acts = found.size() == expected.size();
    for (size_t i = 0; i < std::max(found.size(), expected.size()); ++i) {
      static const Written kNone;
      const Written& f = i < found.size() ? found[i] : kNone;
      const Written& e = i < expected.size() ? expected[i] : kNone;
      acts = acts && f.act == e.act;
      out.fields_found += f.fields.size();
      out.fields_expected += e.fields.size();
      std::vector<std::string> both;
      std::set_intersection(f.fields.begin(), f.fields.end(), e.fields.begin(), e.fields.end(), std::back_inserter(both));
      out.fields_right += both.size();
    }
    out.acts_right += acts ? 1 : 0;
    if (found == expected) {
      ++out.whole_right;
    } else if (misses != nullptr) {
      misses->push_back({sentence.text, sentence.expected, text});
    }
  }
  return out;
}

}  // namespace weir::bench
