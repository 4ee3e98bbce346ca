#include "intelligence/language/evidence.h"

#include <algorithm>
#include <array>

#include "intelligence/language/numbers.h"
#include "intelligence/language/surroundings.h"

namespace weir::language {
namespace {

using Kind = Token::Kind;


// Confidence of what a rule says.
constexpr int32_t kSure = 950;       // unit and cue agree
constexpr int32_t kUsual = 850;      // the unit alone says it
constexpr int32_t kGuessed = 600;    // nothing else would make sense
constexpr int32_t kMisspelt = 150;   // taken off where a word was corrected

constexpr int64_t kStoryUs = 1'440 * kMinuteUs;  // what happened is told of days
constexpr int64_t kShortRunUs = 10 * kSecondUs;  // nothing is asked to run for less

class Rules : private Surroundings {
 public:
  Rules(std::span<const Token> wish, const Characters& characters, Act act, const Situation& situation, const Opinion& opinion)
      : Surroundings(wish, characters), act_(act), situation_(situation), opinion_(opinion), used_(wish.size(), false) {}

  std::vector<Evidence> all() {
    for (size_t i = 0; i < wish_.size(); ++i) {
      if (is_place(wish_[i])) i = places(i);
    }
    for (size_t i = 0; i < wish_.size(); ++i) {
      const Token& token = wish_[i];
      if (used_[i]) continue;
      if (token.kind == Kind::kQuantity) quantity(i);
      else if (token.kind == Kind::kInstant) instant(i);
      else if (token.kind == Kind::kNumber) number(i);
      else if (token.kind == Kind::kWord) word(i);
    }
    mend();
    voices();
    hints();
    looks(true);
    sounds_like();
    looks(false);
    kind();
    out_.insert(out_.end(), told_.begin(), told_.end());
    return std::move(out_);
  }

 private:
  // What was said before a correction does not hold where the same is said behind it.
  void mend() {
    for (size_t i = 1; i < wish_.size(); ++i) {
      const bool rather = act_ == Act::kRequest && spelled(&wish_[i], {U"算了", U"还是", U"要不还是", U"想想还是", U"算了还是", U"干脆", U"索性"});
      if (!wish_[i].is(Sense::kCorrection) && !rather) continue;
      const size_t at = characters_.at[wish_[i].begin];
      const auto behind = [&](Slot slot) {
        return std::any_of(out_.begin(), out_.end(), [&](const Evidence& one) { return one.field.slot == slot && one.field.span.begin > at; });
      };
      std::erase_if(out_, [&](const Evidence& one) { return one.field.span.begin < at && !(rather && holds_many(one.field.slot)) && behind(one.field.slot); });
    }
  }

  // "captions for 8 classrooms, 1 second": as many streams as there are places where somebody speaks at once.
  void voices() {
    if (act_ != Act::kRequest) return;
    const auto said = [&](Slot slot) { return std::any_of(out_.begin(), out_.end(), [&](const Evidence& one) { return one.field.slot == slot; }); };
    const bool speech = std::any_of(out_.begin(), out_.end(), [](const Evidence& one) { return one.field.slot == Slot::kWorkload && one.field.name == "speech"; });
    if (!speech || said(Slot::kStreams) || said(Slot::kFrom) || !(said(Slot::kLatency) || at_once())) return;
    for (size_t i = 0; i < wish_.size(); ++i) {
      const int64_t micro = wish_[i].amount;
      if (wish_[i].kind != Kind::kNumber || wish_[i].article || micro % kMicro != 0 || micro <= kMicro || micro > 10'000 * kMicro || !voices_behind(i)) continue;
      amount(Slot::kStreams, i, micro / kMicro, kGuessed).bound = false;
      return;
    }
  }

  // What it is about, where no word says what is done: the work that most of its hints are of.
  void hints() {
    if (act_ != Act::kRequest && act_ != Act::kHowMuch) return;
    if (std::any_of(out_.begin(), out_.end(), [](const Evidence& one) { return one.field.slot == Slot::kWorkload || one.field.slot == Slot::kArtifact; })) return;
    const bool streams = std::any_of(out_.begin(), out_.end(), [](const Evidence& one) { return one.field.slot == Slot::kStreams; });
    size_t best = wish_.size(), most = 0;
    for (size_t i = 0; i < wish_.size(); ++i) {
      const Meaning* hint = wish_[i].meaning(Sense::kHint);
      if (hint == nullptr) continue;
      auto alike = static_cast<size_t>(std::count_if(wish_.begin(), wish_.end(), [&](const Token& token) {
        const Meaning* other = token.meaning(Sense::kHint);
        return other != nullptr && other->name == hint->name;
      }));
      // Streams are looked at or listened to, sooner than computed with: 冲压件11路，看崩边.
      if (streams && (hint->name == "detection" || hint->name == "speech")) ++alike;
      if (alike > most) {
        best = i;
        most = alike;
      }
    }
    if (best == wish_.size()) return;
    const Meaning* hint = wish_[best].meaning(Sense::kHint);
    const bool looked_at = in_wish(Sense::kLook) && std::any_of(out_.begin(), out_.end(), [](const Evidence& one) { return one.field.slot == Slot::kStreams; });
    if (hint->name == "inference" && looked_at) return;
    const bool job = hint->value == 2 || is_job(hint->name);
    named(Slot::kWorkload, best, hint->name, kGuessed).field.amount = job ? 2 : 1;
  }
  static bool is_job(std::string_view work) {
    constexpr std::string_view kJobs[] = {"training", "rendering", "transcoding", "simulation", "analysis"};
    return std::find(std::begin(kJobs), std::end(kJobs), work) != std::end(kJobs);
  }

  // What the whole of it sounds like, where no word says what is done.
  void sounds_like() {
    if (opinion_.workload.empty() || (act_ != Act::kRequest && act_ != Act::kHowMuch)) return;
    // Figures and their units sound like nothing.
    const bool worded = std::any_of(wish_.begin(), wish_.end(), [&](const Token& token) {
      return token.kind == Kind::kWord && (token.meanings.empty() || token.is(Sense::kLook)) && (token.end - token.begin >= 4 || is_chinese(characters_.text[token.begin]));
    });
    if (!worded) return;
    const bool said = std::any_of(out_.begin(), out_.end(), [](const Evidence& one) { return one.field.slot == Slot::kWorkload || one.field.slot == Slot::kArtifact; });
    if (said) return;
    Evidence evidence;
    evidence.field = {.slot = Slot::kWorkload, .amount = is_job(opinion_.workload) ? 2 : 1, .name = std::string(opinion_.workload),
                      .confidence_permille = std::max(1, static_cast<int32_t>(opinion_.workload_probability * kUsual))};
    out_.push_back(std::move(evidence));
  }

  // What cameras see is looked at, where nothing else is said of what is done.
  void looks(bool only_cameras) {
    if (act_ != Act::kRequest && act_ != Act::kHowMuch) return;
    const auto said = [&](Slot slot) { return std::any_of(out_.begin(), out_.end(), [&](const Evidence& one) { return one.field.slot == slot; }); };
    if (said(Slot::kWorkload) || said(Slot::kArtifact) || (act_ == Act::kHowMuch && said(Slot::kTarget))) return;
    const bool cameras = std::any_of(wish_.begin(), wish_.end(), [&](const Token& token) {
      if (act_ != Act::kRequest && token.named(NameKind::kIntent) != nullptr) return false;
      const Meaning* unit = token.meaning(Sense::kUnitStreams);
      return (token.quantity(Measure::kStreams) && token.name == "camera") || (unit != nullptr && unit->name == "camera");
    });
    const bool more = std::any_of(out_.begin(), out_.end(), [](const Evidence& one) { return one.field.slot != Slot::kStreams && one.field.slot != Slot::kFrom; });
    // Who says 看 of streams looks at them.
    const bool looked = std::any_of(wish_.begin(), wish_.end(), [&](const Token& token) { return token.is(Sense::kLook) && is_chinese(characters_.text[token.begin]); });
    if (only_cameras && ((!cameras && !looked) || opinion_.workload == "transcoding")) return;
    const bool streams = said(Slot::kStreams) || said(Slot::kFrom);
    if (!((cameras || streams) && more) && !(streams && in_wish(Sense::kLook))) return;
    const bool heard = std::any_of(wish_.begin(), wish_.end(), [](const Token& token) { return token.quantity(Measure::kStreams) && token.name == "audio"; });
    Evidence evidence;
    evidence.field = {.slot = Slot::kWorkload, .amount = 1, .name = heard ? "speech" : "detection", .confidence_permille = kGuessed};
    out_.push_back(std::move(evidence));
  }

  bool edits() const { return act_ == Act::kEdit || act_ == Act::kWhatIf; }

  Evidence& give(Slot slot, size_t first, size_t last, int32_t weight) {
    Evidence evidence;
    evidence.field.slot = slot;
    evidence.field.confidence_permille = weight - (wish_[first].corrected ? kMisspelt : 0);
    evidence.field.span = characters_.span(wish_[first].begin, wish_[last].end);
    out_.push_back(std::move(evidence));
    return out_.back();
  }
  Evidence& amount(Slot slot, size_t i, int64_t value, int32_t weight) {
    Evidence& evidence = give(slot, i, i, weight);
    evidence.field.amount = value;
    evidence.bound = limit(i);
    return evidence;
  }
  Evidence& named(Slot slot, size_t i, std::string name, int32_t weight) {
    Evidence& evidence = give(slot, i, i, weight);
    evidence.field.name = std::move(name);
    return evidence;
  }
  // What is told of at token i is no value of anything.
  void told(size_t i) {
    Evidence& evidence = told_.emplace_back();
    evidence.field.confidence_permille = kSure;
    evidence.field.span = characters_.span(wish_[i].begin, wish_[i].end);
    evidence.no_field = true;
  }
  bool limit(size_t i) const { return before(i, Sense::kAtMost, 3) || after(i, Sense::kAtMost, 1) || after(i, Sense::kWithin, 1); }

  // More or fewer of what is there.
  void change_count(Evidence& evidence, size_t i) const {
    if (!edits()) return;
    const bool taken_away = before(i, Sense::kTurn, 2) && (spelled(near(i, 1), {U"away", U"off", U"out"}) || spelled(near(i, 2), {U"away", U"off", U"out"}));
    const bool gone = act_ == Act::kEdit && fails_behind(i);  // "three of the cameras were stolen"
    if (before(i, Sense::kFewer, 2) || after(i, Sense::kFewer, 2) || taken_away || gone) {
      evidence.field.change = Change::kAdd;
      evidence.field.amount = -evidence.field.amount;
    } else if (before(i, Sense::kAdd, 2) || after(i, Sense::kAdd, 1)) {
      evidence.field.change = Change::kAdd;
    }
  }

  bool fails_behind(size_t i) const { return after(i, Sense::kFails, 5) && !in_clause(i, Sense::kWhatIf); }

  void quantity(size_t i) {
    const Token& token = wish_[i];
    if (told_of(i)) return told(i);
    if (edits() && token.quantity(Measure::kAccelerators) && spelled(&token, {U"a", U"an"})) return;
    switch (token.measure) {
      case Measure::kDuration: return duration(i);
      case Measure::kBandwidth: {
        Evidence& evidence = amount(Slot::kBandwidth, i, token.amount, kUsual);
        evidence.total = about(i, Sense::kTotal, 3);
        return;
      }
      case Measure::kMemory: {
        // "3 TB of logs": what is worked on
        if (spelled(near(i, 1), {U"of"}) && !after(i, Sense::kMemory, 3) && !after(i, Sense::kAcceleratorMemory, 3)) return told(i);
        const bool of_accelerator = before(i, Sense::kAcceleratorMemory, 3) || after(i, Sense::kAcceleratorMemory, 3) ||
                                    token.name == "accelerator";
        amount(of_accelerator ? Slot::kAcceleratorMemory : Slot::kMemory, i, token.amount, kUsual);
        return;
      }
      case Measure::kCores: return change_count(amount(Slot::kCpu, i, token.amount, kSure), i);
      case Measure::kAccelerators: return change_count(amount(Slot::kAccelerators, i, token.amount, kSure), i);
      case Measure::kStreams:
        if (token.name != "camera" && before(i, Sense::kPeriod, 2)) return told(i);  // as many in a day, not at once
        return change_count(amount(Slot::kStreams, i, token.amount * things_with(i), kSure), i);
      case Measure::kInstances: return change_count(amount(Slot::kInstances, i, token.amount, kUsual), i);
      case Measure::kMoney: {
        Evidence& evidence = amount(Slot::kBudget, i, token.amount, kSure);
        evidence.field.name = token.name.empty() ? "total" : token.name;
        return;
      }
      case Measure::kShare: return share(i);
      case Measure::kAvailability: amount(Slot::kAvailability, i, token.amount, kSure); return;
      case Measure::kFrames:
      case Measure::kRequests: amount(Slot::kRate, i, token.amount, kSure); return;
    }
  }

  void share(size_t i) {
    if (wish_[i].name == "percentile") {
      amount(Slot::kPercentile, i, wish_[i].amount, kSure).bound = false;
      return;
    }
    if (edits() && !in_wish(Sense::kAvailability) && share_of_what_is(i)) return;
    const bool available = about(i, Sense::kAvailability, 3) || before(i, Sense::kSafe, 3);
    if (edits() && wish_[i].amount < kMicro / 2) return;  // nothing is there for so little of the time
    // "95 % of them within 400 ms"
    const bool of_answers = spelled(near(i, 1), {U"of", U"的", U"在", U"要在", U"得在", U"都", U"要", U"得"}) && !available && timed_behind(i);
    const bool of_requests = about(i, Sense::kUnitRequests, 3) || of_answers;
    if (!available && (of_requests || in_wish(Sense::kLatency))) {
      amount(Slot::kPercentile, i, wish_[i].amount, of_requests ? kSure : kGuessed);
    } else {
      amount(Slot::kAvailability, i, wish_[i].amount, available ? kSure : kGuessed);
    }
  }

  // Whether a quantity is only told of: denied where another of its kind follows ("not 14 ms, it's 140 ms"), or of what failed.
  bool told_of(size_t i) const {
    const Token& token = wish_[i];
    const auto other = std::find_if(wish_.begin() + static_cast<std::ptrdiff_t>(i) + 1, wish_.end(), [&](const Token& one) { return one.quantity(token.measure); });
    const bool counted = token.measure == Measure::kInstances || token.measure == Measure::kStreams;
    const bool failed = counted && (after(i, Sense::kFails, 1) || spelled(near(i, -1), {U"坏"}));
    if (other != wish_.end() && before(i, Sense::kFormerly, 5)) return true;
    // 8核够了，给12核
    const bool plain = counted || token.measure == Measure::kCores || token.measure == Measure::kAccelerators || token.measure == Measure::kMoney;
    if (plain && found_wanting(i) && other != wish_.end()) return true;
    return (before(i, Sense::kNot, 1) && other != wish_.end()) || (failed && (other != wish_.end() || act_ == Act::kRequest));
  }

  // "20 % cheaper", 路数减三成: a factor.
  bool share_of_what_is(size_t i) {
    const bool fewer = about(i, Sense::kFewer, 3) || about(i, Sense::kCheaper, 3) || about(i, Sense::kFaster, 3) || spelled_near(i, {U"降", U"砍", U"cut", U"reduce", U"lower", U"off", U"knock"}, 4);
    const bool more = about(i, Sense::kAdd, 3) || spelled_near(i, {U"提高", U"涨", U"raise", U"increase"}, 4);
    if (!fewer && !more) return false;
    const Slot slot = about(i, Sense::kFaster, 3) ? Slot::kLatency : spoken_slot(i, Slot::kBudget);
    revise(slot, i, Change::kTimes, 1'000 + (fewer ? -1 : 1) * (wish_[i].amount / 1'000));
    return true;
  }
  void duration(size_t i) {
    const int64_t us = wish_[i].amount;
    const bool limit_moves = in_clause(i, Sense::kDeadlineBefore);
    const bool later = limit_moves ? in_clause(i, Sense::kLater) : about(i, Sense::kLater, 3);
    const bool earlier = limit_moves ? in_clause(i, Sense::kEarlier) : about(i, Sense::kEarlier, 3);
    if (edits() && us >= kMinuteUs && (later || earlier)) {
      Evidence& evidence = amount(Slot::kDeadline, i, (later ? us : -us) / kSecondUs, kSure);
      evidence.field.change = Change::kAdd;
      return;
    }
    // "three thefts in a week": what happened
    if (us >= kStoryUs && spelled(near(i, -1), {U"in", U"within"}) && is_mishap(near(i, -2))) return told(i);
    // "90 seconds of film", 那90秒
    // "90 seconds of film", "300 hours of old footage", "a ten minute animation"
    bool of_footage = us >= kShortRunUs && is_footage(near(i, 1)) && !before(i, Sense::kFor, 2) && !before(i, Sense::kWithin, 2);
    for (int k = 1; k <= 4 && near(i, k) != nullptr && near(i, k)->kind == Kind::kWord && !near(i, k)->is(Sense::kAnd); ++k) {
      of_footage = of_footage || (spelled(near(i, 1), {U"of", U"worth"}) && is_footage(near(i, k)));
    }
    const Token* behind = spelled(near(i, 1), {U"的"}) ? near(i, 2) : near(i, 1);  // 三百小时录像, 最近三天的日志
    const bool of_data = spelled(behind, {U"录像", U"录音", U"影像", U"素材", U"素材转", U"视频", U"音频", U"片子", U"电影", U"节目", U"行情", U"历史", U"通话", U"成片", U"监控", U"回放", U"数据", U"日志", U"历史数据", U"记录", U"流水", U"观测"});
    if (of_footage || of_data || spelled(near(i, -1), {U"那", U"这", U"近", U"最近", U"过去"})) return told(i);
    if (edits() && us < kMinuteUs && (spelled(near(i, -1), {U"慢"}) || (before(i, Sense::kMeasure, 1) && spelled(near(i, -2), {U"慢"})) || spelled(near(i, 1), {U"slower", U"longer", U"more"}))) {
      return revise(Slot::kLatency, i, Change::kRelax, 0);
    }
    // 再压十毫秒
    if (edits() && us < kMinuteUs && before(i, Sense::kFewer, 1)) return revise(Slot::kLatency, i, Change::kTighten, 0);
    if (us < kMinuteUs && in_clause(i, Sense::kLatency)) {
      amount(Slot::kLatency, i, us, kSure);
      return;
    }
    if (act_ == Act::kEdit && us >= kMinuteUs && (before(i, Sense::kAdd, 1) || after(i, Sense::kAdd, 1)) && !in_clause(i, Sense::kRunTime)) {
      amount(Slot::kDeadline, i, us / kSecondUs, kUsual).field.change = Change::kAdd;
      return;
    }
    if (us >= kShortRunUs && (before(i, Sense::kRunTime, 3) || before(i, Sense::kFor, 1))) {
      amount(Slot::kRunTime, i, us, us >= kMinuteUs ? kSure : kGuessed);
      return;
    }
    // "an hour from now start", 半小时后启动
    const bool from_now = spelled(near(i, 1), {U"from", U"后", U"之后", U"以后", U"过后", U"后再"}) || spelled(near(i, -1), {U"in", U"after", U"过", U"等", U"隔"});
    if (us >= kMinuteUs && from_now && !in_clause(i, Sense::kFinish) && (in_clause(i, Sense::kStart) || spelled(near(i, 2), {U"now"}) || spelled(near(i, 1), {U"后", U"之后", U"以后", U"后再"}))) {
      amount(Slot::kStart, i, situation_.at.unix_s + us / kSecondUs, kUsual).bound = false;
      return;
    }
    const bool now = spelled(near(i, 1), {U"from"}) && (spelled(near(i, 2), {U"now"}) || spelled(near(i, 2), {U"today"}));  // "ready an hour from now"
    const bool within = now || after(i, Sense::kWithin, 1) || before(i, Sense::kWithin, 2) || spelled(near(i, -1), {U"in", U"in the"});
    if (us >= kMinuteUs && (within || after(i, Sense::kDeadlineAfter, 1))) {
      Evidence& evidence = amount(Slot::kDeadline, i, situation_.at.unix_s + us / kSecondUs, kUsual);
      evidence.bound = false;
      return;
    }
    if (us >= kMinuteUs) {
      amount(Slot::kRunTime, i, us, kUsual);
    } else {
      amount(Slot::kLatency, i, us, within || limit(i) ? kUsual : kUsual - 50);
    }
  }

  void instant(size_t i) {
    const Token& token = wish_[i];
    if (act_ == Act::kWhatIf && in_clause(i, Sense::kFails)) return;  // when it fails
    // "after the theft on Tuesday we want …"
    for (int k = 3; k <= 8 && token.whole && spelled(near(i, -1), {U"on"}) && !in_clause(i, Sense::kStart); ++k) {
      if (spelled(near(i, -k), {U"after", U"since", U"after that"})) return told(i);
    }
    const Token* other = near(i, -2);
    const bool closes = other != nullptr && other->kind == Kind::kInstant;  // the end of a window
    const bool by = closes || before(i, Sense::kDeadlineBefore, 1) || before(i, Sense::kRange, 1) || before(i, Sense::kWithin, 1);
    const bool repeated = before(i, Sense::kEach, 1) || before(i, Sense::kPeriod, 1);
    // "the festival starts tomorrow": what begins is no work
    for (int k = 1; k <= 3; ++k) {
      const Token* event = near(i, -k - 1);
      if (spelled(near(i, -k), {U"starts", U"begins", U"opens", U"kicks off"}) && event != nullptr && event->kind == Kind::kWord && event->meanings.empty() && !before(i, Sense::kWorkload, kClause)) return told(i);
    }
    const bool ends = after(i, Sense::kDeadlineAfter, 2) || before_that(i);
    const bool starts = (repeated && !ends) || before(i, Sense::kStart, 3) || started_at(i) || before(i, Sense::kFrom, 1);
    // "between 8 pm and 6 am", "晚上八点到早上六点"; "三点跑"
    const Token* next = near(i, 1);
    const Token* second = near(i, 2);
    const bool window = second != nullptr && second->kind == Kind::kInstant && !before(i, Sense::kDeadlineBefore, 1) &&
                        (next->is(Sense::kAnd) || next->is(Sense::kRange) || next->is(Sense::kDeadlineBefore));
    const bool opens = second == nullptr && spelled(next, {U"开"});  // 七点开
    if (window || (!by && opens) || (!by && spelled(next, {U"跑", U"运行", U"想跑", U"要跑", U"想开", U"要开", U"开个"}))) {
      amount(Slot::kStart, i, token.amount, kSure).bound = false;
      return;
    }
    const bool start = !by && (starts || (act_ == Act::kWhatIf && !ends));
    int64_t when = token.amount;
    // Of a whole day its end counts, but "before" it is before it begins.
    const bool ahead = before_is_said(i);
    if (token.whole && !start && !ahead) when += 86'400;
    // 后天开会前要，就是十点之前: the clock says more than the day.
    const bool vaguer = token.whole && std::any_of(wish_.begin() + static_cast<std::ptrdiff_t>(i) + 1, wish_.end(), [](const Token& one) { return one.kind == Kind::kInstant && !one.whole; });
    Evidence& evidence = amount(start ? Slot::kStart : Slot::kDeadline, i, when, (by || starts || ends ? kSure : needed_at(i) ? kUsual - 30 : kGuessed + 100) - (vaguer ? 50 : 0));
    evidence.bound = false;
  }
  bool before_is_said(size_t i) const {
    return spelled(near(i, -1), {U"before", U"until", U"till"}) || spelled(near(i, 1), {U"前", U"之前", U"以前"});
  }
  void number(size_t i) {
    const int64_t micro = wish_[i].amount;
    // 路数从12加到18: what was
    if (edits() && before(i, Sense::kFrom, 1) && is_chinese(characters_.text[wish_[i - 1].begin]) && near(i, 1) != nullptr && near(i, 1)->is(Sense::kChange)) return told(i);
    const auto count = [&](const Token& unit) -> bool {
      if (unit.is(Sense::kUnitRequests)) amount(Slot::kRate, i, micro / 1'000, kSure);
      else if (unit.is(Sense::kUnitStreams) || unit.is(Sense::kStreams)) change_count(amount(Slot::kStreams, i, micro / kMicro, kSure), i);
      else if (unit.is(Sense::kUnitInstances) || unit.is(Sense::kInstances)) change_count(amount(Slot::kInstances, i, micro / kMicro, kSure), i);
      else if (unit.is(Sense::kUnitCores) || unit.is(Sense::kCores)) amount(Slot::kCpu, i, micro / 1'000, kSure);
      else if (unit.is(Sense::kUnitAccelerators) || unit.is(Sense::kAccelerators) || unit.named(NameKind::kAcceleratorModel) != nullptr)
        amount(Slot::kAccelerators, i, micro / 1'000, kSure);
      else return false;
      return true;
    };
    const Meaning* sum = nullptr;
    for (const int k : {1, -1, 2, -2, -3}) {
      const Token* token = near(i, k);
      const Meaning* meaning = token == nullptr ? nullptr : token->meaning(Sense::kTotal);
      if (meaning != nullptr && meaning->value == 1) sum = meaning;
    }
    const bool streams_said = std::any_of(out_.begin(), out_.end(), [](const Evidence& one) { return one.field.slot == Slot::kStreams || one.field.slot == Slot::kFrom; });
    const bool summed = after(i, Sense::kTotal, 1) && (sum != nullptr || !streams_said);  // "3 A100s, 700 all in"
    // "streams: 12", "GPUs, 4 of them", "A100 x8"
    for (size_t k = i; k > 0 && i - k < 4 && !summed; --k) {
      const Token& token = wish_[k - 1];
      const bool passed = token.kind == Kind::kPause || token.is(Sense::kColon) || token.is(Sense::kMeasure) || token.is(Sense::kChange) || token.is(Sense::kAbout) ||
                          spelled(&token, {U"要", U"需", U"是", U"给", U"用", U"开", U"设", U"上", U"共", U"为", U"来", U"得", U"留"}) || token.is(Sense::kAtMost) || token.is(Sense::kAtLeast) ||
                          (edits() && (token.is(Sense::kFewer) || token.is(Sense::kAdd) || token.is(Sense::kFrom) || token.kind == Kind::kNumber));
      const bool of_it = after(i, Sense::kMeasure, 1) && near(i, 2) == nullptr;  // 实例两个, 摄像头，一共18个
      if (!passed && !(of_it && token.is(Sense::kTotal))) {
        // "web x5"
        if (k < i && wish_[k].is(Sense::kMeasure) && token.is(Sense::kWorkload) && micro % kMicro == 0) {
          amount(Slot::kInstances, i, micro / kMicro, kUsual);
          return;
        }
        const bool listed = k == i && near(i, 1) == nullptr && token.kind == Kind::kWord && !before(i, Sense::kBudget, 4);  // "nodes 8, cores 64"
        if (k < i || of_it || listed || token.is(Sense::kUnitRequests) || token.is(Sense::kStreams) || token.is(Sense::kInstances) || token.is(Sense::kCores) || token.is(Sense::kAccelerators)) {
          if (count(token)) return;
        }
        break;
      }
    }
    // 16核32G*3
    if (spelled(near(i, -1), {U"*", U"x"}) && near(i, -2) != nullptr && (near(i, -2)->quantity(Measure::kMemory) || near(i, -2)->quantity(Measure::kCores))) {
      amount(Slot::kInstances, i, micro / kMicro, kUsual);
      return;
    }
    // 3x 16c64g
    if (spelled(near(i, 1), {U"*", U"x"}) && near(i, 2) != nullptr && near(i, 2)->quantity(Measure::kCores) && micro % kMicro == 0) {
      amount(Slot::kInstances, i, micro / kMicro, kUsual);
      return;
    }
    // 五十个实例太多，改成三十个
    if (act_ == Act::kRequest && after(i, Sense::kMeasure, 1) && before(i, Sense::kChange, 2) && micro % kMicro == 0 && counts_again(i)) return;
    // 可用率99.9, and 99.95 alone
    const bool nines = micro > 99 * kMicro && micro % kMicro >= kMicro / 2;
    if (micro > 50 * kMicro && micro < 100 * kMicro && (nines || before(i, Sense::kAvailability, 3))) {
      amount(Slot::kAvailability, i, micro / 100, kUsual);
      return;
    }
    // "each camera sends 8 Mbps, we have 15 of them"
    for (size_t k = i; k > 0 && spelled(near(i, 1), {U"of"}) && spelled(near(i, 2), {U"them", U"those", U"these"}); --k) {
      if (count(wish_[k - 1])) return;
    }
    const bool of_answer = act_ == Act::kEdit && spelled(near(i, 1), {U"of"}) && situation_.previous != nullptr && situation_.previous->find(Slot::kStreams) != nullptr;
    if (of_answer && spelled(near(i, 2), {U"them", U"those", U"these"})) return change_count(amount(Slot::kStreams, i, micro / kMicro, kUsual), i);
    // "we lost two cameras, so ten now": what is left of them
    const bool left = spelled(near(i, 1), {U"now", U"left", U"remain", U"in total", U"altogether"}) || (near(i, 1) == nullptr && spelled(near(i, -1), {U"leaves", U"leaving"}));
    for (size_t n = 0; act_ == Act::kEdit && left && n < out_.size(); ++n) {
      const Slot slot = out_[n].field.slot;
      const bool fewer = out_[n].field.change == Change::kAdd && (slot == Slot::kStreams || slot == Slot::kInstances || slot == Slot::kAccelerators);
      if (!fewer) continue;
      out_.erase(out_.begin() + static_cast<std::ptrdiff_t>(n));
      amount(slot, i, micro / (slot == Slot::kAccelerators ? 1'000 : kMicro), kSure);
      return;
    }
    // "12 cameras, no, 14": of what was said before.
    if (corrects(i)) return;
    const bool to_spend = spelled(near(i, 1), {U"to"}) && after(i, Sense::kBudget, 2);
    if (before(i, Sense::kBudget, 4) || to_spend || sum != nullptr || (before(i, Sense::kTotal, 1) && near(i, 1) == nullptr) || after(i, Sense::kTotal, 1) || (about(i, Sense::kTotal, 2) && (limit(i) || in_clause(i, Sense::kBudget)))) {
      const __int128 nano = static_cast<__int128>(micro) * 1'000;
      if (nano > (int64_t{1} << 60)) return;
      std::string period = "total";
      for (int k = -kClause; k <= kClause; ++k) {
        const Token* token = k == 0 ? nullptr : near(i, k);
        const Meaning* meaning = token == nullptr ? nullptr : token->meaning(Sense::kPeriod);
        if (meaning != nullptr) period = meaning->name;
      }
      amount(Slot::kBudget, i, static_cast<int64_t>(nano), kUsual).field.name = period;
      return;
    }
    if (edits() && limit(i) && std::none_of(wish_.begin(), wish_.end(), [](const Token& token) { return token.kind == Kind::kQuantity; })) {
      // "300 is too much, 200 tops"
      const __int128 nano = static_cast<__int128>(micro) * 1'000;
      if (nano <= (int64_t{1} << 60)) amount(Slot::kBudget, i, static_cast<int64_t>(nano), kGuessed).field.name = "total";
      return;
    }
    // "rendered for at most 1000"
    if (act_ == Act::kRequest && limit(i) && before(i, Sense::kFor, 3) && near(i, 1) == nullptr && micro < (int64_t{1} << 50)) {
      amount(Slot::kBudget, i, micro * 1'000, kGuessed).field.name = "total";
      return;
    }
    // 不超过一百, and no more in its clause
    const bool unsaid = near(i, 1) == nullptr && near(i, -2) == nullptr && before(i, Sense::kAtMost, 1) && micro >= 10 * kMicro;
    const bool timed = i >= 3 && wish_[i - 3].quantity(Measure::kDuration) && wish_[i - 3].amount < kMinuteUs;
    if (act_ == Act::kRequest && unsaid && !timed && is_chinese(characters_.text[wish_[i - 1].begin]) && micro < (int64_t{1} << 50)) {
      amount(Slot::kBudget, i, micro * 1'000, kGuessed).field.name = "total";
      return;
    }
    // "20 ms would be nice, 50 at most": in the unit of what was said before.
    if (limit(i)) {
      for (size_t k = i; k-- > 0;) {
        const Token& token = wish_[k];
        if (token.kind != Kind::kQuantity) continue;
        if (token.measure == Measure::kDuration && token.one > 0 && token.one < kMinuteUs) amount(Slot::kLatency, i, micro / kMicro * token.one, kUsual).bound = true;
        return;
      }
    }
  }

  // Whether a bare number takes the place of what was counted last.
  bool counts_again(size_t i) {
    const size_t at = characters_.at[wish_[i].begin];
    for (size_t n = out_.size(); n-- > 0;) {
      const Slot slot = out_[n].field.slot;
      if (out_[n].field.span.begin > at || (slot != Slot::kInstances && slot != Slot::kStreams && slot != Slot::kAccelerators)) continue;
      out_.erase(out_.begin() + static_cast<std::ptrdiff_t>(n));
      amount(slot, i, wish_[i].amount / (slot == Slot::kAccelerators ? 1'000 : kMicro), kSure);
      return true;
    }
    return false;
  }

  bool corrects(size_t i) {
    size_t k = i;
    while (k > 0 && (wish_[k - 1].kind == Kind::kPause || wish_[k - 1].is(Sense::kAbout))) --k;
    if (k == 0 || !wish_[k - 1].is(Sense::kCorrection)) return false;
    const size_t at = characters_.at[wish_[k - 1].begin];
    for (size_t n = out_.size(); n-- > 0;) {
      const Field& said = out_[n].field;
      if (said.span.begin > at || !said.name.empty()) continue;
      const Slot slot = said.slot;
      const auto token = std::find_if(wish_.begin(), wish_.end(), [&](const Token& one) { return characters_.at[one.begin] == said.span.begin; });
      if (token == wish_.end() || token->kind != Kind::kQuantity || token->amount == 0) return false;
      const int64_t one = token->one > 0 ? token->one : token->measure == Measure::kCores || token->measure == Measure::kAccelerators ? 1'000 : 1;
      if (wish_[i].amount / kMicro > (int64_t{1} << 60) / one) return false;
      amount(slot, i, wish_[i].amount / kMicro * one, kSure);
      return true;
    }
    return false;
  }

  void word(size_t i) {
    const Token& token = wish_[i];
    const bool of_streams = act_ == Act::kRequest && token.is(Sense::kUnitStreams);
    if (const Meaning* intent = token.named(NameKind::kIntent); intent != nullptr && !of_streams) named(Slot::kTarget, i, intent->name, kSure);
    if (const Meaning* artifact = token.named(NameKind::kArtifact)) named(Slot::kArtifact, i, artifact->name, kSure);
    if (const Meaning* model = token.named(NameKind::kAcceleratorModel); model != nullptr && !replaced(i)) named(Slot::kAcceleratorModel, i, model->name, kSure);
    if (const Meaning* work = token.meaning(Sense::kWorkload); work != nullptr && !on_rails(i)) {
      // The longer term is the more special one: "speech recognition", not "recognition".
      const auto letters = static_cast<int32_t>(std::min<size_t>(token.end - token.begin, 50));
      // What is done outweighs what it is done for: 游戏CG渲染, "website log analysis".
      const bool topic = work->name == "game" || work->name == "web" || work->name == "database";
      const int32_t least = work->name == "web" ? 20 : 0;  // 网站的数据库
      const int32_t aside = (topic ? 60 : 0) + least + (is_object(i) ? 80 : 0) + (before(i, Sense::kNot, 2) ? 200 : 0);
      Evidence& evidence = named(Slot::kWorkload, i, work->name, kUsual + letters - aside + outweighs(token, work->name));
      evidence.field.amount = work->value;
    }
    if (const Meaning* percentile = token.meaning(Sense::kPercentile); percentile != nullptr && !percentile_replaced(i)) amount(Slot::kPercentile, i, percentile->value, kSure).bound = false;
    // "A GPU" without a figure is one.
    const bool latin = is_letter(characters_.text[token.begin]);
    const bool other_card = spelled(&token, {U"card", U"cards"});  // of credit, of a game
    if (token.is(Sense::kUnitAccelerators) && latin && !other_card && act_ == Act::kRequest) amount(Slot::kAccelerators, i, 1'000, kGuessed - 100).bound = false;
    if (token.is(Sense::kAll) && act_ == Act::kCancel) named(Slot::kTarget, i, "all", kSure);
    wishes(i);
    if (edits()) revisions(i);
  }

  void wishes(size_t i) {
    const Token& token = wish_[i];
    const bool asked = act_ == Act::kWhy || act_ == Act::kWhatIf || act_ == Act::kStatus || act_ == Act::kCancel;
    if (asked) return;
    for (const Sense sense : {Sense::kCheap, Sense::kFast, Sense::kGreen, Sense::kSafe, Sense::kCheaper, Sense::kFaster}) {
      const Meaning* meaning = token.meaning(sense);
      if (meaning == nullptr) continue;
      const bool comparative = sense == Sense::kCheaper || sense == Sense::kFaster;
      if (comparative && edits()) continue;
      if (comparative && spelled(near(i, 1), {U"than", U"with", U"if"})) continue;  // only told of
      const bool stated = sense == Sense::kSafe && [&] {
        for (int k = 1; k <= 3; ++k) {
          if (const Token* next = near(i, k); next != nullptr && next->quantity(Measure::kShare)) return true;
        }
        return false;
      }();
      if (stated) continue;  // "reliable: 99.9 %"
      const bool timed = i + 2 < wish_.size() && wish_[i + 1].kind == Kind::kPause && wish_[i + 2].quantity(Measure::kDuration);
      if (timed && spelled(&token, {U"要快", U"快点"})) continue;  // 要快，150ms
      if (before(i, Sense::kNot, 2)) return;  // "not cheap"
      if (sense == Sense::kFast && only_told_soon(i)) continue;
      named(Slot::kPrefer, i, meaning->name, comparative ? kUsual : kSure);
      return;
    }
  }

  void revise(Slot slot, size_t i, Change change, int64_t by) {
    Evidence& evidence = give(slot, i, i, kUsual);
    evidence.field.change = change;
    evidence.field.amount = by;
  }
  void revisions(size_t i) {
    const Token& token = wish_[i];
    if (const Meaning* times = token.meaning(Sense::kTimes)) {
      // "raise it by a third"
      const bool raised = times->value < 1'000 && times->name.empty() && spelled_near(i, {U"raise", U"increase", U"grow", U"up", U"bump", U"higher", U"rises", U"goes up", U"grows", U"add", U"extend"}, 4);
      const bool priced = !times->name.empty() || in_clause(i, Sense::kHowMuch);
      return revise(priced ? Slot::kBudget : spoken_slot(i, times->value < 1'000 ? Slot::kBudget : Slot::kStreams), i, Change::kTimes, raised ? 2'000 - times->value : times->value);
    }
    if (act_ == Act::kWhatIf) return;
    const bool reason = token.is(Sense::kTooDear) || token.is(Sense::kTooSlow);
    if (reason && std::any_of(out_.begin(), out_.end(), [](const Evidence& one) { return one.field.slot == Slot::kNot; })) return;
    if (token.is(Sense::kCheaper) || token.is(Sense::kTooDear)) return revise(Slot::kBudget, i, Change::kTighten, 0);
    if (token.is(Sense::kFaster) || token.is(Sense::kTooSlow)) return revise(Slot::kLatency, i, Change::kTighten, 0);
    if (token.is(Sense::kSlowerIsFine)) return revise(Slot::kLatency, i, Change::kRelax, 0);
    if (token.is(Sense::kNoBudget)) return revise(Slot::kBudget, i, Change::kRemove, 0);
    const bool figure = std::any_of(wish_.begin(), wish_.end(), [](const Token& one) { return one.kind == Kind::kQuantity || one.kind == Kind::kInstant; });
    // 时延再降一点, "bring the latency down a bit"
    const bool lowered = token.is(Sense::kFewer) || (token.is(Sense::kOff) && before(i, Sense::kTurn, 4));
    if (lowered && !figure) {
      const Slot slot = spoken_slot(i, Slot::kKind);
      if (slot == Slot::kLatency || slot == Slot::kBudget) return revise(slot, i, Change::kTighten, 0);
    }
    if (token.is(Sense::kRemove) && !figure) {
      const std::string& of = token.meaning(Sense::kRemove)->name;
      const Slot slot = of == "deadline" ? Slot::kDeadline : of == "latency" ? Slot::kLatency : spoken_slot(i, Slot::kKind);
      if (slot != Slot::kKind) revise(slot, i, Change::kRemove, 0);
    }
  }

  // Names of places that stand together, from token i on; yields the last one.
  size_t places(size_t i) {
    size_t last = i;
    std::vector<size_t> group{i};
    while (last + 2 < wish_.size() && (wish_[last + 1].is(Sense::kAnd) || (wish_[last + 1].kind == Kind::kPause && !wish_[last + 1].whole)) &&
           is_place(wish_[last + 2]) && !follows_streams(last + 2)) {
      last += 2;
      group.push_back(last);
    }
    // 万一上海挂了能切走: what may fail is where nothing is asked to be.
    if (act_ == Act::kRequest && fails_behind_places(last)) {
      for (const size_t k : group) used_[k] = true;
      return last;
    }
    size_t counted = wish_.size();
    bool each = false;
    const Role role = role_of(i, last, act_, counted, each);
    // What nobody knows is an origin only where it is said to be one.
    if (wish_[i].unknown_name && role == Role::kFrom && !before(i, Sense::kFrom, 2)) return last;
    int64_t streams = 0;
    if (counted < wish_.size()) {
      used_[counted] = each || group.size() == 1;
      streams = used_[counted] ? wish_[counted].amount / (wish_[counted].kind == Kind::kNumber ? kMicro : 1) : 0;
    }
    for (const size_t k : group) {
      used_[k] = true;
      const size_t first_new = out_.size();
      place(k, role, streams);
      // The words of an origin hold its count where that stands beside it.
      if (streams == 0 || group.size() > 1 || out_.size() == first_new) continue;
      TextSpan& span = out_.back().field.span;
      const TextSpan count = characters_.span(wish_[counted].begin, wish_[counted].end);
      span = {std::min(span.begin, count.begin), std::max(span.end, count.end)};
    }
    return last;
  }

  // "…, street-b 6 streams": a name that has figures of its own begins anew.
  bool follows_streams(size_t i) const { return i + 1 < wish_.size() && streams_at(i + 1) && i > 0 && i >= 2 && streams_behind_group(i - 2); }
  bool streams_behind_group(size_t i) const { return i + 1 < wish_.size() && streams_at(i + 1); }

  void place(size_t i, Role role, int64_t streams) {
    const Token& token = wish_[i];
    const Meaning* site = token.named(NameKind::kSite);
    const Meaning* region = token.named(NameKind::kRegion);
    const Meaning* label = token.named(NameKind::kLabel);
    const Meaning* unknown = token.meaning(Sense::kBuiltInRegion);
    const Meaning* at = site != nullptr ? site : region;
    if (token.unknown_name) {
      if (role == Role::kPlain || role == Role::kDown || role == Role::kResidency) return;
      std::string name;
      for (const char32_t c : characters_.text.substr(token.begin, token.end - token.begin)) name += static_cast<char>(c);
      const Slot slot = role == Role::kFrom ? Slot::kFrom : role == Role::kNot ? Slot::kNot : Slot::kOnly;
      named(slot, i, std::move(name), kGuessed - 100).field.amount = role == Role::kFrom ? streams : 0;
      return;
    }
    if (role == Role::kDown) {
      if (at != nullptr) named(Slot::kDown, i, at->name, kSure);
      return;
    }
    if (role == Role::kFrom && at != nullptr) {
      named(Slot::kFrom, i, at->name, site != nullptr ? kSure : kGuessed).field.amount = streams;
      return;
    }
    if (role == Role::kNot) {
      const Meaning* out = at != nullptr ? at : label != nullptr ? label : unknown;
      named(Slot::kNot, i, out->name, out == unknown ? kGuessed : kSure);
      return;
    }
    if ((role == Role::kResidency || at == nullptr) && label != nullptr) {
      named(Slot::kResidency, i, label->name, kSure);
      return;
    }
    const Meaning* only = at != nullptr ? at : unknown;
    const int32_t weight = only == unknown ? kGuessed : role == Role::kPlain ? kGuessed + 100 : kSure;
    if (only != nullptr) named(only == unknown && (role == Role::kResidency || only->name == "cn" || only->name == "eu") ? Slot::kResidency : Slot::kOnly, i, only->name, weight);
  }

  // Service or job: as said, else as such work usually is.
  void kind() {
    if (act_ != Act::kRequest && act_ != Act::kHowMuch && act_ != Act::kWhatIf && act_ != Act::kWhere) return;
    for (size_t i = 0; i < wish_.size(); ++i) {
      const Meaning* said = wish_[i].meaning(Sense::kKind);
      if (said == nullptr || said->value == 3 || before(i, Sense::kThis, 2)) continue;
      named(Slot::kKind, i, said->value == 1 ? "service" : "job", kSure);
      return;
    }
    const auto best = [&](Slot slot) -> const Evidence* {
      const Evidence* found = nullptr;
      for (const Evidence& evidence : out_) {
        if (evidence.field.slot == slot && (found == nullptr || evidence.field.confidence_permille > found->field.confidence_permille)) found = &evidence;
      }
      return found;
    };
    const auto derived = [&](const char* name) {
      Evidence evidence;
      evidence.field = {.slot = Slot::kKind, .name = name, .confidence_permille = kGuessed};
      out_.push_back(std::move(evidence));
    };
    if (const Evidence* work = best(Slot::kWorkload)) {
      const bool live = std::any_of(wish_.begin(), wish_.end(), [](const Token& token) { return token.is(Sense::kKind) && token.meaning(Sense::kKind)->value == 3; });
      const bool streamed = work->field.name == "transcoding" && (live || best(Slot::kStreams) != nullptr);
      return derived(work->field.amount == 1 || streamed ? "service" : "job");
    }
    if (best(Slot::kArtifact) != nullptr && best(Slot::kRunTime) == nullptr && best(Slot::kDeadline) == nullptr) return derived("service");
    if (in_wish(Sense::kFinish) && best(Slot::kDeadline) != nullptr) derived("job");
  }

  Act act_;
  const Situation& situation_;
  const Opinion& opinion_;
  std::vector<bool> used_;
  std::vector<Evidence> out_;
  std::vector<Evidence> told_;  // of no field
};

}  // namespace

std::vector<Evidence> gather(std::span<const Token> wish, const Characters& characters, Act act, const Situation& situation, const Opinion& opinion) {
  return Rules(wish, characters, act, situation, opinion).all();
}

}  // namespace weir::language
