#pragma once

#include <string>
#include <string_view>

#include "core/ports/understanding.h"
#include "service/intent/draft.h"
#include "weir/v1/service.pb.h"

// What `weir ask` says, in the language that was spoken.
namespace weir::app {

struct Said {
  std::string_view text;
  Language language = Language::kEnglish;
  int32_t utc_offset_s = 0;
};

inline std::string_view in(Language language, std::string_view english, std::string_view chinese) {
  return language == Language::kChinese ? chinese : english;
}
// The fields of a frame with the words that they come from.
std::string render_understood(const Frame& frame, const Said& said);
std::string render_assumptions(const intent::Draft& draft, Language language);
// The one question that matters most, with what is assumed; empty: none.
std::string render_question(const intent::Draft& draft, Language language);
// Where it would run, how fast, at which price: one or two lines.
std::string render_summary(const v1::PlanView& plan, Language language);
// Sites with what is free, cheapest or cleanest first as is preferred; only those named, if some are.
std::string render_free(const google::protobuf::RepeatedPtrField<v1::Resource>& sites, const std::vector<std::string>& only, bool green);
// A frame as a JSON object, without the closing brace, so that more can be added.
std::string json_of(const Frame& frame, const Said& said);
std::string json_of(const intent::Draft& draft, Language language);

}  // namespace weir::app
