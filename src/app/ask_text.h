#pragma once

#include <string>
#include <string_view>

#include "weir/v1/service.pb.h"

// What `weir ask` says of a wish, in the language that was spoken.
namespace weir::app {

struct Tongue {
  bool chinese = false;
  std::string_view in(std::string_view english, std::string_view chinese_text) const { return chinese ? chinese_text : english; }
};

// The fields of a wish with the words that they come from.
std::string render_understood(const v1::Wish& wish, Tongue tongue);
std::string render_assumptions(const v1::Wish& wish, Tongue tongue);
// The one question that matters most, with what is assumed; empty: none.
std::string render_question(const v1::Wish& wish, Tongue tongue);
// Where it would run, how fast, at which price: one or two lines.
std::string render_summary(const v1::Estimate& estimate, Tongue tongue);
// The ways to have it side by side, with the names that choose one; empty: there is one, or none.
std::string render_strategies(const v1::Wish& wish, Tongue tongue);
// What becomes of it in the next hours, in a sentence behind so many blanks; empty: nothing was rehearsed.
std::string render_rehearsal(const v1::Rehearsal& rehearsal, Tongue tongue, size_t indent = 0);
// Similar requests of before, and what came of them; empty: there are none.
std::string render_past(const v1::Wish& wish, Tongue tongue);
std::string render_rated(const v1::RateRequest& request, const v1::RateResponse& response, Tongue tongue);
// Sites with what is free; only those searched for, in the order asked for.
std::string render_free(const google::protobuf::RepeatedPtrField<v1::Resource>& sites, const v1::SiteSearch& search);

}  // namespace weir::app
