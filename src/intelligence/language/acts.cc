// What a wish is: asked for, asked about, changed, called off, agreed with, or not about computing.
#include <algorithm>

#include "intelligence/language/evidence.h"

namespace weir::language {
namespace {

using Kind = Token::Kind;

struct Signs {
  std::span<const Token> wish;

  bool has(Sense sense) const {
    return std::any_of(wish.begin(), wish.end(), [&](const Token& token) { return token.is(sense); });
  }
  template <size_t N>
  bool any(const Sense (&senses)[N]) const {
    return std::any_of(std::begin(senses), std::end(senses), [&](Sense sense) { return has(sense); });
  }
  bool names(NameKind kind) const {
    return std::any_of(wish.begin(), wish.end(), [&](const Token& token) { return token.named(kind) != nullptr; });
  }
  bool quantity() const {
    return std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.kind == Kind::kQuantity; });
  }
  bool instant() const {
    return std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.kind == Kind::kInstant; });
  }
  bool cameras() const {
    return std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.quantity(Measure::kStreams) && token.name == "camera"; });
  }
  // What only computing counts.
  bool counted() const {
    return std::any_of(wish.begin(), wish.end(), [&](const Token& token) {
      return token.quantity(Measure::kStreams) || (token.quantity(Measure::kAccelerators) && (token.name != "sheet" || has(Sense::kWorkload) || names(NameKind::kAcceleratorModel))) || token.quantity(Measure::kCores) || token.quantity(Measure::kInstances) ||
             token.quantity(Measure::kRequests);
    });
  }
  // 两张车票: of what "cards" count, no more than a word.
  bool counts_cards_alone() const {
    return !names(NameKind::kAcceleratorModel) && std::all_of(wish.begin(), wish.end(), [](const Token& token) { return token.kind != Kind::kQuantity || token.quantity(Measure::kAccelerators); });
  }
  size_t figures() const {
    return static_cast<size_t>(std::count_if(wish.begin(), wish.end(), [](const Token& token) {
      return token.kind == Kind::kQuantity || token.kind == Kind::kInstant || token.named(NameKind::kAcceleratorModel) != nullptr || token.is(Sense::kPercentile);
    }));
  }
  // The tokens of a clause: up to a pause or a colon on each side.
  std::span<const Token> clause_of(size_t i) const {
    const auto ends = [](const Token& token) { return token.kind == Kind::kPause || token.is(Sense::kColon); };
    size_t begin = i, end = i;
    while (begin > 0 && !ends(wish[begin - 1])) --begin;
    while (end < wish.size() && !ends(wish[end])) ++end;
    return wish.subspan(begin, end - begin);
  }
  static bool names_work(std::span<const Token> tokens) {
    return std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
      return token.is(Sense::kWorkload) || token.is(Sense::kKind) || token.is(Sense::kAll) || token.named(NameKind::kIntent) != nullptr || token.named(NameKind::kArtifact) != nullptr;
    });
  }
  // "I'll cancel my holiday if this fails: …": ends nothing that Weir runs.
  bool cancels_work() const {
    for (size_t i = 0; i < wish.size(); ++i) {
      if (wish[i].is(Sense::kCancel) && names_work(clause_of(i))) return true;
    }
    return false;
  }
  bool opens_as_question() const {
    const std::span<const Token> first = clause_of(0);
    const bool about_work = names_work(first) || Signs{first}.figures() > 0 || std::any_of(first.begin(), first.end(), [](const Token& token) {
                              return token.named(NameKind::kSite) != nullptr || token.named(NameKind::kRegion) != nullptr || token.named(NameKind::kLabel) != nullptr;
                            });
    if (!about_work) return false;
    return begins(Sense::kWhy) || begins(Sense::kWhatIf) || begins(Sense::kWhere) || begins(Sense::kStatus) || begins(Sense::kFree) || begins(Sense::kFails) || wish.front().is(Sense::kWhether);
  }
  // Whether one of the first words has the sense.
  bool begins(Sense sense) const {
    return std::any_of(wish.begin(), wish.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(wish.size(), 4)), [&](const Token& token) { return token.is(sense); });
  }
  // "turn gates off": a verb, and its particle within a few words, with no amount behind it ("bring it down to 4").
  bool turned_off() const {
    for (size_t i = 0; i < wish.size(); ++i) {
      if (!wish[i].is(Sense::kTurn)) continue;
      for (size_t k = i + 1; k < wish.size() && k <= i + 4 && wish[k].kind != Kind::kPause; ++k) {
        if (wish[k].is(Sense::kOff)) return k + 1 == wish.size() || !(wish[k + 1].is(Sense::kAt) || wish[k + 1].is(Sense::kRange) || wish[k + 1].kind == Kind::kQuantity);
      }
    }
    return false;
  }
  // Whether the one stands before the other.
  bool first(Sense one, Sense other) const {
    for (const Token& token : wish) {
      if (token.is(one) || token.is(other)) return token.is(one);
    }
    return false;
  }
  // "is gates up", "are the cameras running": a verb, then what runs.
  bool asks_whether() const {
    if (!wish.front().is(Sense::kWhether)) return false;
    for (size_t i = 1; i < std::min<size_t>(wish.size(), 4); ++i) {
      if (wish[i].named(NameKind::kIntent) != nullptr) return true;
      if (!wish[i].meanings.empty()) return false;
    }
    return false;
  }
  // "is the training done"
  bool asks_of_work_done() const {
    return wish.front().is(Sense::kWhether) && wish.size() <= 8 && (has(Sense::kFinish) || has(Sense::kStatus) || has(Sense::kDeadlineAfter)) &&
           std::any_of(wish.begin(), wish.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(wish.size(), 4)), [](const Token& token) { return token.is(Sense::kWorkload); });
  }
  // "drop the simulation": the verb opens the wish.
  bool drops_work() const {
    size_t i = 0;
    while (i < wish.size() && i < 2 && !wish[i].is(Sense::kDrops)) ++i;
    if (i >= wish.size() || !wish[i].is(Sense::kDrops)) return false;
    for (size_t k = i + 1; k < wish.size() && k <= i + 3; ++k) {
      if (wish[k].is(Sense::kWorkload) || wish[k].named(NameKind::kIntent) != nullptr) return true;
      if (wish[k].kind != Kind::kWord) return false;
    }
    return false;
  }
  bool opens_with_would() const {
    const Meaning* would = wish.front().meaning(Sense::kWould);
    return would != nullptr && would->value == 1;
  }
  // "if", but not the topic of 延迟的话.
  bool supposes() const {
    for (size_t i = 0; i < wish.size(); ++i) {
      const Meaning* meaning = wish[i].meaning(Sense::kWhatIf);
      if (meaning == nullptr) continue;
      const bool topic = meaning->value == 1 && i > 0 && wish[i - 1].kind == Kind::kWord && !wish[i - 1].is(Sense::kFails) && !wish[i - 1].is(Sense::kTimes);
      if (!topic && (meaning->value != 2 || !has(Sense::kHowMuch))) return true;
    }
    return false;
  }
  // 预算取消, "drop the budget": of a limit, not of what runs.
  bool calls_off_a_limit() const {
    for (size_t i = 0; i < wish.size(); ++i) {
      if (!wish[i].is(Sense::kCancel)) continue;
      for (size_t k = i < 2 ? 0 : i - 2; k < wish.size() && k <= i + 2; ++k) {
        if (wish[k].is(Sense::kBudget) || wish[k].is(Sense::kLatency) || wish[k].is(Sense::kAvailability)) return true;
      }
    }
    return false;
  }
  // 转码停掉, 训练跑完了没: a clause about work that ends it or asks how it does, with nothing else of the world in it.
  // With an answer to talk about, so is one that says a place or an amount.
  bool asks_of_work(bool talk) const {
    bool work = false, asks = false, outside = false;
    for (size_t i = 0; i <= wish.size(); ++i) {
      if (i == wish.size() || wish[i].kind == Kind::kPause) {
        if (work && asks && !outside) return true;
        work = asks = outside = false;
        continue;
      }
      work = work || wish[i].is(Sense::kWorkload);
      if (talk && (wish[i].kind == Kind::kQuantity || wish[i].named(NameKind::kRegion) != nullptr || wish[i].named(NameKind::kSite) != nullptr)) work = asks = true;
      asks = asks || wish[i].is(Sense::kCancel) || wish[i].is(Sense::kStatus) || done_yet(i);
      outside = outside || wish[i].is(Sense::kOutside);
    }
    return false;
  }
  // 撤掉三路, 副本砍掉一个: some of what is there, not the whole.
  bool takes_away() const {
    for (size_t i = 0; i + 1 < wish.size(); ++i) {
      if (wish[i].is(Sense::kCancel) && wish[i].is(Sense::kFewer) && (wish[i + 1].kind == Kind::kQuantity || wish[i + 1].kind == Kind::kNumber)) return true;
    }
    return false;
  }
  // Whether it begins with a supposition: one behind an amount only tells of it ("18 cameras, if somebody falls …").
  bool opens_supposing() const {
    for (size_t i = 0; i < wish.size() && i < 4 && wish[i].kind != Kind::kQuantity; ++i) {
      if (wish[i].is(Sense::kWhatIf)) return true;
    }
    return false;
  }
  // What no work is spoken of with: the body of somebody who trains.
  bool far_outside() const {
    return std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.is(Sense::kOutside) && token.meaning(Sense::kOutside)->value == 1; });
  }
  // 算完没有, 训好了吗: whether what is to be done was done, at the end of a clause.
  bool done_yet(size_t i) const {
    const bool done = wish[i].is(Sense::kDeadlineAfter) || wish[i].is(Sense::kFinish) || (wish[i].is(Sense::kKind) && wish[i].meaning(Sense::kKind)->value == 2);
    return done && i + 1 < wish.size() && wish[i + 1].is(Sense::kDoneYet) && (i + 2 == wish.size() || wish[i + 2].kind == Kind::kPause);
  }
  bool any_done_yet() const {
    for (size_t i = 0; i < wish.size(); ++i) {
      if (done_yet(i)) return true;
    }
    return false;
  }
  size_t words() const {
    return static_cast<size_t>(std::count_if(wish.begin(), wish.end(), [](const Token& token) { return token.kind != Kind::kPause; }));
  }
};

// Whether the text has the phrase; of Latin letters as words of their own.
bool says(std::u32string_view text, std::u32string_view phrase) {
  for (size_t at = text.find(phrase); at != std::u32string_view::npos; at = text.find(phrase, at + 1)) {
    const size_t end = at + phrase.size();
    const bool alone = (at == 0 || !is_letter(text[at - 1]) || !is_letter(phrase.front())) && (end == text.size() || !is_letter(text[end]) || !is_letter(phrase.back()));
    if (alone) return true;
  }
  return false;
}

constexpr std::u32string_view kNoDenials[] = {U"没问题", U"没有问题", U"没意见", U"没有意见", U"没有异议", U"没异议", U"没事", U"没毛病", U"不错", U"差不多", U"考虑好了", U"想好了", U"商量好了", U"商量过了", U"考虑过了", U"no problem", U"no problems", U"no worries",
                                              U"no objection", U"no objections", U"not bad", U"no doubt"};
constexpr std::u32string_view kDenials[] = {U"不", U"别", U"没", U"唔", U"冇", U"莫", U"弗", U"嫑", U"覅", U"免了", U"算了", U"罢了", U"作罢", U"未", U"勿", U"甭", U"拒绝", U"反对", U"否", U"但", U"可是", U"然而", U"等等", U"等一下", U"等会", U"稍等", U"先等", U"慢着", U"除非", U"想想", U"考虑", U"商量", U"琢磨", U"犹豫", U"再看看", U"再说吧", U"回头", U"改天",
                                            U"no", U"not", U"nope", U"nah", U"never", U"none", U"nothing", U"n't", U"'t", U"dont", U"cant", U"isnt", U"wont", U"wouldnt", U"shouldnt", U"cannot",
                                            U"without", U"pass", U"nay", U"nix", U"negative", U"forget", U"refuse", U"reject", U"rejected", U"disagree", U"decline", U"declined", U"against", U"but", U"however", U"unless", U"except", U"wait",
                                            U"hold on", U"hold off", U"stop", U"later"};

// What may stand beside a yes, and says nothing.
constexpr std::u32string_view kFillers[] = {U"a", U"ah", U"all", U"already", U"and", U"be", U"by", U"do", U"exactly", U"for", U"fully", U"go", U"good", U"hm", U"hmm", U"i", U"is", U"it", U"it's", U"just", U"kindly", U"let's", U"me",
                                            U"much", U"my", U"let", U"looks", U"lot", U"lots", U"nicely", U"now", U"of", U"oh", U"on", U"one", U"please", U"pls", U"quite", U"really", U"so", U"start", U"thank", U"thanks", U"thanks!", U"thank you", U"that",
                                            U"that's", U"the", U"then", U"this", U"to", U"totally", U"uh", U"um", U"us", U"very", U"we", U"well", U"what", U"with", U"would", U"yes", U"you", U"your", U"need", U"lovely", U"will", U"them", U"these",
                                            U"those", U"ahead", U"plan", U"offer", U"proposal", U"option", U"everything", U"sir", U"team", U"everyone", U"great", U"nice", U"no", U"problem", U"problems", U"worries", U"objection", U"objections", U"doubt", U"not", U"bad"};
constexpr std::u32string_view kChineseFillers = U"吧了啊呀哦噢喔嗯哈啦嘞喽嘛咯诶唉好行可以成那就我咱们你您的也都看着来去给帮请快赶紧马上谢辛苦麻烦多觉得很挺太真棒完全听说办做照按这个样方案上线开始部署执启动起跑干搞弄定选用要它一下先想考虑商量过么";

bool is_filler(const Characters& characters, const Token& token) {
  const std::u32string_view word = std::u32string_view(characters.text).substr(token.begin, token.end - token.begin);
  if (is_chinese(word.front())) return std::all_of(word.begin(), word.end(), [](char32_t c) { return kChineseFillers.find(c) != std::u32string_view::npos; });
  return std::find(std::begin(kFillers), std::end(kFillers), word) != std::end(kFillers);
}

// 行么, 可以么, but not 什么 and 这么.
bool ends_asking(std::u32string_view text) {
  while (!text.empty() && !is_letter(text.back()) && !is_chinese(text.back())) text.remove_suffix(1);
  if (text.size() < 2 || text.back() != U'么') return false;
  return std::u32string_view(U"什这那怎多要").find(text[text.size() - 2]) == std::u32string_view::npos;
}

}  // namespace

Consent consent_of(const Characters& characters, std::span<const Token> tokens) {
  std::u32string left(characters.text);
  // Typographic apostrophes too.
  std::replace(left.begin(), left.end(), U'\u2019', U'\'');
  for (const std::u32string_view phrase : kNoDenials) {
    for (size_t at = left.find(phrase); at != std::u32string::npos; at = left.find(phrase, at)) left.replace(at, phrase.size(), U" ");
  }
  Consent out;
  out.denied = std::any_of(std::begin(kDenials), std::end(kDenials), [&](std::u32string_view phrase) { return says(left, phrase); });
  out.asked = left.find_first_of(U"?？吗") != std::u32string::npos || ends_asking(left);
  out.aside = std::any_of(tokens.begin(), tokens.end(), [&](const Token& token) {
    constexpr Sense kBeside[] = {Sense::kAccept, Sense::kIgnored, Sense::kThis, Sense::kAsk, Sense::kThen, Sense::kAnd, Sense::kAll, Sense::kArticle, Sense::kStart, Sense::kDoing, Sense::kFor, Sense::kAt, Sense::kWould, Sense::kComputing};
    if (std::any_of(std::begin(kBeside), std::end(kBeside), [&](Sense sense) { return token.is(sense); })) return false;
    return token.kind == Kind::kWord && !is_filler(characters, token);
  });
  return out;
}

std::vector<ActEvidence> gather_acts(std::span<const Token> wish, const Situation& situation) {
  const Signs signs{wish};
  const bool known = signs.names(NameKind::kSite) || signs.names(NameKind::kIntent) || signs.names(NameKind::kArtifact);
  const bool place = known || signs.names(NameKind::kRegion) || signs.names(NameKind::kLabel);
  const bool place_besides = signs.names(NameKind::kSite) || signs.names(NameKind::kRegion) || signs.names(NameKind::kLabel);
  const bool hardware = signs.names(NameKind::kAcceleratorModel) || signs.any({Sense::kUnitAccelerators, Sense::kUnitCores, Sense::kUnitStreams, Sense::kUnitInstances});
  const bool workload = signs.has(Sense::kWorkload);
  const bool computing = place || hardware || workload || signs.quantity() || signs.any({Sense::kComputing, Sense::kKind});
  const bool talk = situation.previous != nullptr;
  std::vector<ActEvidence> out;
  const auto add = [&](Act act, int32_t weight) { out.push_back({act, weight}); };

  // 不要了，我家里人不让: ends what is talked about, whatever of the world is why.
  const bool given_up = talk && signs.begins(Sense::kNeverMind);
  const bool outside = signs.has(Sense::kOutside) && !known && !given_up && !(workload && signs.quantity()) && !signs.asks_of_work(talk);
  const bool far = signs.far_outside() && !workload;
  if (((outside || signs.far_outside()) && !signs.counted()) || (far && signs.counts_cards_alone())) add(Act::kOther, signs.far_outside() ? 998 : 990);
  // A question about the world that names a word of computing in passing.
  if (!talk && signs.has(Sense::kWorld) && !known && !signs.quantity() && !signs.has(Sense::kAsk)) add(Act::kOther, 690);
  const bool about = computing || talk || signs.has(Sense::kThis);
  const bool why = std::any_of(wish.begin(), wish.end(), [&](const Token& token) { return token.is(Sense::kWhy) && (token.meaning(Sense::kWhy)->value != 1 || talk || known); });
  if (why) add(Act::kWhy, about || signs.any({Sense::kTooDear, Sense::kTooSlow}) ? 970 : 900);
  // "on two GPUs, scratch that, four" corrects
  const bool corrects = workload && !talk && signs.has(Sense::kCorrection) && signs.counted();
  if (signs.has(Sense::kNeverMind) && !corrects) add(Act::kCancel, talk && signs.quantity() ? 845 : talk && signs.begins(Sense::kNeverMind) ? 991 : 950);  // "I changed my mind: 7 streams"
  // "If one machine fails, another has to take over": part of a wish that says what it wants, not a question.
  const bool aside = (workload || signs.has(Sense::kLook) || signs.cameras()) && signs.counted() && !talk && !signs.has(Sense::kQuestion) && (!signs.opens_supposing() || signs.has(Sense::kAsk));
  if (signs.supposes() && about) add(Act::kWhatIf, aside ? 760 : 940);
  if (signs.has(Sense::kFails) && place && !(workload && signs.counted()) && signs.any({Sense::kQuestion, Sense::kWorld})) add(Act::kWhatIf, 932);
  // "switch off metro?": a place is not Weir's to end, so it is asked what would be.
  const bool place_off = signs.turned_off() || signs.has(Sense::kCancel);
  if (place_off && place_besides && !workload && !signs.names(NameKind::kIntent) && !signs.names(NameKind::kArtifact) && !signs.any({Sense::kThis, Sense::kAll, Sense::kKind}) &&
      (situation.consent.asked || signs.has(Sense::kQuestion))) {
    add(Act::kWhatIf, 941);
  }
  const bool compares = signs.any({Sense::kCheaper, Sense::kFaster, Sense::kCheap, Sense::kFast});
  if (talk && signs.has(Sense::kWould) && compares && (signs.has(Sense::kQuestion) || signs.opens_with_would()) && (signs.has(Sense::kChange) || signs.quantity() || place || hardware)) add(Act::kWhatIf, 935);
  const bool money_asked = std::any_of(wish.begin(), wish.end(), [&](const Token& token) {
    const Meaning* asked = token.meaning(Sense::kHowMuch);
    return asked != nullptr && (asked->value != 1 || signs.has(Sense::kQuestion));
  });
  if (money_asked && (about || signs.has(Sense::kPeriod))) add(Act::kHowMuch, 930);
  // 换到四川能便宜多少: what a change would bring.
  const bool difference = std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.is(Sense::kHowMuch) && token.meaning(Sense::kHowMuch)->value == 3; });
  if (talk && difference && (signs.has(Sense::kChange) || signs.quantity() || place)) add(Act::kWhatIf, 938);
  if ((talk || signs.names(NameKind::kIntent)) && signs.has(Sense::kPeriod) && signs.has(Sense::kQuestion) && !signs.quantity()) add(Act::kHowMuch, 915);
  if (talk && signs.any({Sense::kCheap, Sense::kFast}) && signs.has(Sense::kQuestion) && !signs.has(Sense::kWhere)) add(Act::kHowMuch, 915);
  if (signs.has(Sense::kWhere) && signs.names(NameKind::kIntent) && !signs.has(Sense::kFree)) add(Act::kStatus, 925);
  // "render where it is green", "what is left over is 700": told within a wish.
  const bool wherever = workload && !talk && !signs.has(Sense::kQuestion) && signs.quantity() && (!signs.begins(Sense::kWhere) || signs.first(Sense::kWorkload, Sense::kWhere));
  // "four broke, so eight are left": told, and not asked
  const bool lost = talk && signs.has(Sense::kFails) && signs.counted() && !signs.has(Sense::kQuestion);
  if (signs.has(Sense::kWhere) && (computing || signs.any({Sense::kFree, Sense::kCheap, Sense::kGreen}))) add(Act::kWhere, wherever ? 770 : 920);
  const bool any_left = signs.has(Sense::kHave) && (signs.has(Sense::kQuestion) || signs.has(Sense::kFree)) && !workload;
  if (signs.has(Sense::kFree) && computing && !lost && (any_left || !signs.has(Sense::kAsk))) add(Act::kWhere, wherever ? 770 : 910);
  if (any_left && hardware && !signs.has(Sense::kLook) && !signs.has(Sense::kLatency)) add(Act::kWhere, 908);
  // 看鱼浮起来没有: what is to be looked for, not how it does.
  const bool looked_for = signs.counted() && !talk && !known;
  const bool told = (workload || signs.has(Sense::kLook)) && signs.counted() && !talk && !signs.has(Sense::kQuestion) && !signs.begins(Sense::kStatus);
  if ((signs.has(Sense::kStatus) || signs.any_done_yet()) && about) add(Act::kStatus, looked_for || told ? 640 : 907);
  // gates掉过线没有
  const bool asked = !wish.empty() && std::any_of(wish.end() - static_cast<std::ptrdiff_t>(std::min<size_t>(wish.size(), 2)), wish.end(), [](const Token& token) { return token.is(Sense::kDoneYet); });
  if (asked && signs.names(NameKind::kIntent) && !signs.quantity() && !place_besides && !signs.supposes() &&
      !signs.any({Sense::kChange, Sense::kAdd, Sense::kFewer, Sense::kHowMuch, Sense::kWhere, Sense::kWhy, Sense::kCheap, Sense::kCheaper, Sense::kFast, Sense::kFaster, Sense::kWould})) {
    add(Act::kStatus, 934);
  }
  if (signs.asks_whether() && signs.names(NameKind::kIntent) && !signs.quantity() && !place_besides && !signs.any({Sense::kHowMuch, Sense::kCheap, Sense::kCheaper, Sense::kFast, Sense::kFaster})) add(Act::kStatus, 902);
  if (signs.asks_of_work_done() && !signs.counted()) add(Act::kStatus, 997);
  // "drop the simulation", "forget the render": what is done, and no figure of it.
  if (signs.drops_work() && !signs.counted() && !signs.instant()) add(Act::kCancel, 997);
  if (situation.consent.denied && signs.has(Sense::kNoLonger) && (workload || hardware || signs.names(NameKind::kIntent)) && !signs.quantity()) add(Act::kCancel, 905);
  const bool limit = signs.calls_off_a_limit();
  if (signs.turned_off() && (known || signs.any({Sense::kAll, Sense::kThis, Sense::kKind}) || workload)) add(Act::kCancel, 906);
  const bool household = signs.has(Sense::kWorld) && !workload && !known;  // "how do I get rid of …"
  if (signs.has(Sense::kCancel) && !limit && !household && !(talk && signs.takes_away()) && (!signs.counted() || signs.begins(Sense::kCancel)) && (about || signs.any({Sense::kAll, Sense::kKind}) || signs.words() <= 3)) add(Act::kCancel, 905);

  const bool fields = signs.quantity() || signs.instant() || place || hardware ||
                      signs.any({Sense::kCheap, Sense::kFast, Sense::kGreen, Sense::kSafe, Sense::kPercentile, Sense::kCheaper, Sense::kFaster});
  const bool lowers = signs.has(Sense::kFewer) && signs.any({Sense::kBudget, Sense::kLatency});
  const bool revises = limit || lowers || signs.any({Sense::kTimes, Sense::kTooDear, Sense::kTooSlow, Sense::kSlowerIsFine, Sense::kRemove, Sense::kNoBudget});
  // "take it off edge-7" takes nothing, whatever "take it" alone says.
  const bool elsewhere = signs.has(Sense::kOff) || std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.unknown_name; });
  // 每天可以给到三十: a number with what it is of.
  const bool figure = signs.any({Sense::kPeriod, Sense::kBudget, Sense::kChange}) && std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.kind == Kind::kNumber; });
  if (talk && signs.has(Sense::kAccept) && !elsewhere && !fields && !situation.consent.denied && !situation.consent.asked && !situation.consent.aside && !compares && !signs.quantity() && !signs.instant() && !place && !workload && !revises && !figure && signs.words() <= 8) add(Act::kAccept, 880);
  const bool changes = signs.any({Sense::kChange, Sense::kAdd, Sense::kFewer});
  if (talk && situation.consent.denied && !fields && !workload && !revises && !changes && signs.words() <= 12) add(Act::kDecline, 881);
  if (!workload || (signs.names(NameKind::kIntent) && changes)) {
    const bool limited = signs.has(Sense::kAtMost) && std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.kind == Kind::kNumber; });
    // 路数加到17
    const bool counts = figure && signs.has(Sense::kChange) && signs.any({Sense::kStreams, Sense::kInstances, Sense::kAccelerators, Sense::kCores});
    if (talk && (fields || revises || limited || counts)) add(Act::kEdit, 850);
    if (signs.names(NameKind::kIntent) && (fields || revises)) add(Act::kEdit, 840);
    if (revises || (fields && signs.any({Sense::kCheaper, Sense::kFaster}) && !computing)) add(Act::kEdit, 700);
  } else if (talk && revises) {
    add(Act::kEdit, 800);
  }
  // Who tells of work and several figures, and asks nothing with them, wishes for it: the rest is why.
  const bool described = !talk && (workload || signs.has(Sense::kLook) || signs.cameras()) && (signs.figures() >= 2 || signs.counted()) && !situation.consent.asked && !signs.opens_as_question();
  for (ActEvidence& one : out) {
    const bool question = one.act == Act::kWhy || one.act == Act::kWhatIf || one.act == Act::kStatus || one.act == Act::kWhere || (one.act == Act::kCancel && !signs.cancels_work());
    if (described && question) one.weight_permille = std::min(one.weight_permille, 760);
  }
  // Work with figures or places and no question is asked for, whatever it sounds like.
  const bool asked_for = workload && !talk && (signs.quantity() || signs.instant() || place) && !signs.has(Sense::kQuestion);
  if (workload) add(Act::kRequest, asked_for ? 842 : signs.quantity() || place ? 780 : 650);
  // Streams and how soon they are to be answered: nobody tells that of anything else, whatever story is about it.
  const bool soon = std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.quantity(Measure::kDuration) && token.amount < 60'000'000; });
  const bool streams = std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.quantity(Measure::kStreams); });
  const bool asks = signs.any({Sense::kQuestion, Sense::kWhere, Sense::kWhy, Sense::kHowMuch, Sense::kStatus, Sense::kWhatIf, Sense::kCancel, Sense::kNeverMind, Sense::kWorld});
  if (!talk && !known && ((streams && soon && !signs.has(Sense::kQuestion)) || (workload && signs.counted() && !asks))) add(Act::kRequest, 845);
  // 12路，看有没有人翻墙
  if (!talk && !known && streams && signs.has(Sense::kLook) && !signs.any({Sense::kWhere, Sense::kWhy, Sense::kHowMuch, Sense::kWhatIf, Sense::kCancel})) add(Act::kRequest, 700);
  if (computing && fields) add(Act::kRequest, 600);
  if (signs.has(Sense::kKind) && signs.any({Sense::kAsk, Sense::kFinish, Sense::kDeadlineAfter})) add(Act::kRequest, 560);
  if (signs.instant() && signs.any({Sense::kFinish, Sense::kDeadlineAfter})) add(Act::kRequest, 550);
  return out;
}

ActEvidence resolve_act(std::span<const ActEvidence> evidence) {
  ActEvidence best;
  for (const ActEvidence& one : evidence) {
    if (one.weight_permille > best.weight_permille) best = one;
  }
  return best;
}

}  // namespace weir::language
