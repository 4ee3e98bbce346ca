#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"
#include "intelligence/language/proposal.h"

// What is asked of an OpenAI-compatible endpoint (POST BASE/chat/completions, JSON), and what is believed of its answer.
namespace weir::language {

inline constexpr size_t kSaidNamesMax = 64;
inline constexpr size_t kSaidNameBytesMax = 128;
inline constexpr size_t kReplyBytesMax = size_t{128} * 1024;
inline constexpr size_t kProposalBytesMax = size_t{16} * 1024;
inline constexpr int kReplyDepthMax = 16;
inline constexpr size_t kProposedWishesMax = 8;
inline constexpr size_t kProposedFieldsMax = 32;   // of one wish
inline constexpr size_t kProposedWordsBytesMax = 512;
inline constexpr int kAnswerTokensMax = 2'048;

// What the endpoint is told of an utterance, as one JSON object: the text, whether an answer is spoken about, and of the known names those
// that the text says. Names over the bounds are left out.
std::string question_text(std::string_view text, bool previous, const std::vector<SaidName>& names);
// The call's body around it, with the schema that an answer has to have.
std::string request_body(std::string_view model, std::string_view question);

// The answer's text, out of what an endpoint sent. kUnavailable: it is no such reply.
Result<std::string> reply_text(std::string_view body);
// What it proposes about `text`. kInvalid: it is not of the schema, over a bound, holds an act that may not be proposed, or words that are
// not in the text: of such an answer nothing is believed.
Result<Proposal> read_proposal(std::string_view answer, std::string_view text);

}  // namespace weir::language
