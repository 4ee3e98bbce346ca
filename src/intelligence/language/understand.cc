#include "intelligence/language/understand.h"

#include <algorithm>
#include <memory>

#include "core/units/text.h"
#include "intelligence/language/advice.h"
#include "intelligence/language/evidence.h"

namespace weir::language {
namespace {

using Kind = Token::Kind;

Language language_of(const Characters& characters) {
  const auto chinese = std::count_if(characters.text.begin(), characters.text.end(), is_chinese);
  size_t words = 0;
  for (size_t i = 0; i < characters.text.size(); ++i) {
    words += is_letter(characters.text[i]) && (i == 0 || !is_letter(characters.text[i - 1])) ? 1 : 0;
  }
  // A Chinese word has about two characters.
  return static_cast<size_t>(chinese) > words * 2 || (chinese > 0 && words == 0) ? Language::kChinese : Language::kEnglish;
}

// What a part of the text holds by itself.
struct Content {
  std::string workload;
  bool cancels = false, targets = false, counts = false, asks = false, moves = false;

  void add(const Token& token) {
    if (const Meaning* work = token.meaning(Sense::kWorkload); work != nullptr && workload.empty()) workload = work->name;
    cancels = cancels || token.is(Sense::kCancel);
    targets = targets || token.named(NameKind::kIntent) != nullptr;
    counts = counts || token.kind == Kind::kQuantity || token.kind == Kind::kInstant;
    moves = moves || token.named(NameKind::kSite) != nullptr || token.named(NameKind::kRegion) != nullptr;
    asks = asks || token.is(Sense::kWhatIf) || token.is(Sense::kHowMuch) || token.is(Sense::kWhy) || token.is(Sense::kWhere);
  }
};

Content content_of(std::span<const Token> tokens) {
  Content out;
  bool turns = false;
  for (const Token& token : tokens) {
    out.add(token);
    turns = turns || token.is(Sense::kTurn);
    out.cancels = out.cancels || (turns && out.targets && token.is(Sense::kOff));
  }
  return out;
}

// Whether a wish ends and another begins between two parts of the text.
bool parts_wishes(const Content& before, const Content& behind, bool firm) {
  if (before.asks || behind.asks) return false;
  if (behind.cancels && behind.targets && (before.targets || !before.workload.empty())) return true;
  if (before.cancels && before.targets && (behind.targets || !behind.workload.empty())) return true;
  if (behind.workload.empty() || before.workload.empty()) return false;
  if (before.cancels && !before.counts && behind.workload != before.workload) return true;  // "stop the analysis and render …"
  return firm && behind.workload != before.workload;
}

// Whether a part says something by itself.
bool tells(const Content& content) { return content.cancels || content.moves || content.targets || content.counts || content.asks || !content.workload.empty(); }

// The first tokens of wishes.
std::vector<size_t> wish_starts(std::span<const Token> tokens, const Characters& characters) {
  std::vector<size_t> starts{0};
  for (size_t i = 1; i < tokens.size() && starts.size() < kFramesMax; ++i) {
    const Token& token = tokens[i];
    const bool then = token.is(Sense::kThen);
    const bool pause = token.kind == Kind::kPause;
    if (token.is(Sense::kByTheWay) && tells(content_of(tokens.subspan(starts.back(), i - starts.back()))) && i + 1 < tokens.size()) {
      const Content aside = content_of(tokens.subspan(i));
      if (aside.asks || aside.cancels || aside.targets || !aside.workload.empty()) starts.push_back(i);
      continue;
    }
    // "stop gates and start a website"
    const bool verb = token.is(Sense::kAnd) && i + 1 < tokens.size() && (tokens[i + 1].is(Sense::kAsk) || tokens[i + 1].is(Sense::kCancel) || tokens[i + 1].is(Sense::kWorkload));
    // "1) a website … 2) train …"
    const bool listed = token.kind == Kind::kNumber && i + 2 < tokens.size() && tokens[i + 1].kind == Kind::kPause && characters.text[tokens[i + 1].begin] == U')';
    if (!then && !pause && !verb && !listed) continue;
    size_t end = listed ? i + 2 : i + 1;
    while (end < tokens.size() && tokens[end].kind != Kind::kPause) ++end;
    // "Second, …", 二，…
    const bool counts_only = end == i + 2 && end < tokens.size() && (tokens[i + 1].is(Sense::kThen) || tokens[i + 1].kind == Kind::kNumber);
    for (end += counts_only ? 1 : 0; counts_only && end < tokens.size() && tokens[end].kind != Kind::kPause;) ++end;
    const bool joined = then || listed || (i + 1 < tokens.size() && (tokens[i + 1].is(Sense::kThen) || tokens[i + 1].is(Sense::kAnd)));
    const Content before = content_of(tokens.subspan(starts.back(), i - starts.back()));
    const Content behind = content_of(tokens.subspan(i + 1, end - i - 1));
    if (parts_wishes(before, behind, joined || token.whole)) starts.push_back(i + 1);
  }
  return starts;
}

// What matters to the decision and was not said.
void add_missing(Frame& frame) {
  if (frame.act != Act::kRequest) return;
  const auto miss = [&](Slot slot) { frame.doubts.push_back({DoubtKind::kMissing, slot, {}}); };
  const Field* kind = frame.find(Slot::kKind);
  if (frame.find(Slot::kWorkload) == nullptr && frame.find(Slot::kArtifact) == nullptr) miss(Slot::kWorkload);
  if (kind == nullptr) miss(Slot::kKind);
  const bool service = kind != nullptr && kind->name == "service";
  if (service && frame.find(Slot::kStreams) == nullptr && frame.find(Slot::kRate) == nullptr) miss(Slot::kStreams);
  if (service && frame.find(Slot::kFrom) == nullptr) miss(Slot::kFrom);
  const Field* budget = frame.find(Slot::kBudget);
  if (budget != nullptr && budget->name == "total" && frame.find(Slot::kRunTime) == nullptr) {
    frame.doubts.push_back({DoubtKind::kUnclear, Slot::kBudget, {}});
  }
}

void add_conflicts(Frame& frame, const SpokenAt& at) {
  const Field* deadline = frame.find(Slot::kDeadline);
  const Field* start = frame.find(Slot::kStart);
  const bool set = deadline != nullptr && deadline->change == Change::kSet;
  if (set && deadline->amount <= at.unix_s) frame.doubts.push_back({DoubtKind::kConflict, Slot::kDeadline, {}});
  if (set && start != nullptr && start->amount >= deadline->amount) frame.doubts.push_back({DoubtKind::kConflict, Slot::kStart, {}});
  const Field* run = frame.find(Slot::kRunTime);
  const int64_t begins = start != nullptr ? start->amount : at.unix_s;
  if (set && run != nullptr && deadline->amount > at.unix_s && begins + run->amount / 1'000'000 > deadline->amount) {
    frame.doubts.push_back({DoubtKind::kConflict, Slot::kRunTime, {}});
  }
  const Field* available = frame.find(Slot::kAvailability);
  if (available != nullptr && available->amount >= 1'000'000) frame.doubts.push_back({DoubtKind::kConflict, Slot::kAvailability, {}});
}

bool signs_of_computing(std::span<const Token> wish) {
  return std::any_of(wish.begin(), wish.end(), [](const Token& token) {
    return token.is(Sense::kAsk) || token.is(Sense::kKind) || token.is(Sense::kComputing) || token.is(Sense::kWorkload) || token.is(Sense::kUnitAccelerators) || token.is(Sense::kUnitCores);
  });
}

// What an act has no use for.
void leave_out(Frame& frame) {
  if (frame.act == Act::kOther || frame.act == Act::kAccept || frame.act == Act::kDecline) frame.fields.clear();
  if (frame.act == Act::kCancel) {
    const bool target = frame.find(Slot::kTarget) != nullptr;
    std::erase_if(frame.fields, [&](const Field& field) { return field.slot != (target ? Slot::kTarget : Slot::kWorkload); });
  }
}

}  // namespace

Result<Understanding> understand(std::string_view text, const Gazetteer& gazetteer, const SpokenAt& at, const Frame* previous, const Model* model, const Proposal* proposal) {
  if (text.size() > kUtteranceBytesMax) {
    return fail(ErrorCode::kInvalid, "has " + std::to_string(text.size()) + " bytes, more than " + std::to_string(kUtteranceBytesMax), {},
                "say it in fewer words, or write an Intent file");
  }
  if (!valid_utf8(text)) return fail(ErrorCode::kInvalid, "is not UTF-8", {}, "set the terminal to UTF-8");
  const Characters characters = fold(text);
  if (std::all_of(characters.text.begin(), characters.text.end(), is_space)) {
    return fail(ErrorCode::kInvalid, "is empty", {}, "say what you need, like: 12 camera streams, people recognised within 500 ms");
  }
  const std::vector<Token> tokens = tokens_of(characters, gazetteer, at);
  const Situation situation{at, previous, consent_of(characters, tokens)};
  Understanding out{.language = language_of(characters), .frames = {}};
  const std::vector<size_t> starts = wish_starts(tokens, characters);
  // A proposed wish belongs to the one of the text in which its words begin.
  std::vector<ProposedWish> proposed(starts.size());
  for (const ProposedWish& one : proposal != nullptr ? *proposal : Proposal()) {
    const size_t begins = one.words.empty() ? std::string_view::npos : text.find(one.words);
    if (begins == std::string_view::npos || tokens.empty()) continue;
    size_t wish = starts.size() - 1;
    while (wish > 0 && starts[wish] < tokens.size() && characters.at[tokens[starts[wish]].begin] > begins) --wish;
    ProposedWish& mine = proposed[wish];
    if (mine.words.empty()) {
      mine = one;
    } else {
      mine.fields.insert(mine.fields.end(), one.fields.begin(), one.fields.end());
    }
  }
  const bool mentions = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) { return token.is(Sense::kMentioned); });
  for (size_t i = 0; i < starts.size(); ++i) {
    const size_t end = i + 1 < starts.size() ? starts[i + 1] : tokens.size();
    const std::span<const Token> wish = std::span(tokens).subspan(starts[i], end - starts[i]);
    Frame frame;
    if (!wish.empty()) frame.span = characters.span(wish.front().begin, wish.back().end);
    std::vector<ActEvidence> acts = gather_acts(wish, situation);
    Opinion opinion;
    if (model != nullptr) {
      opinion = opinion_of(*model, wish, characters, previous != nullptr);
      advise_acts(acts, *model, opinion, situation);
    }
    advise_acts(acts, proposed[i], situation);
    advise_work(opinion, proposed[i], text);
    const ActEvidence act = resolve_act(acts);
    frame.act = act.act;
    frame.confidence_permille = act.weight_permille > 0 ? act.weight_permille : 500;
    std::vector<Evidence> evidence = gather(wish, characters, frame.act, situation, opinion);
    if (model != nullptr) advise_values(evidence, value_opinions(*model, wish, characters, frame.act), wish, characters, frame.act, situation);
    advise_values(evidence, proposed[i], text, wish, characters, frame.act, situation);
    frame.fields = resolve(std::move(evidence), frame.act, frame.doubts);
    // A request of nothing, in words of which none asks for computing, is none.
    const bool empty = frame.act == Act::kRequest && frame.fields.empty() && previous == nullptr;
    if (empty && !signs_of_computing(wish)) frame.act = Act::kOther;
    leave_out(frame);
    add_conflicts(frame, at);
    add_missing(frame);
    out.frames.push_back(std::move(frame));
  }
  // "Forget the website I mentioned, we need a database": no wish of its own.
  if (out.frames.size() > 1 && mentions) {
    std::erase_if(out.frames, [](const Frame& frame) { return frame.act == Act::kCancel && frame.find(Slot::kTarget) == nullptr; });
  }
  return out;
}

UnderstandNames understand_by(std::shared_ptr<const Model> model) {
  return [model = std::move(model)](const std::vector<KnownName>& names) -> Understand {
    return [model, gazetteer = std::make_shared<const Gazetteer>(names)](std::string_view text, const SpokenAt& at, const Frame* previous) {
      return understand(text, *gazetteer, at, previous, model.get());
    };
  };
}

}  // namespace weir::language
