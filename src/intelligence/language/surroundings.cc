#include "intelligence/language/surroundings.h"

#include <algorithm>

#include "intelligence/language/numbers.h"

namespace weir::language {
namespace {

using Kind = Token::Kind;

constexpr int64_t kStreamsEachMost = 8;  // of one thing
constexpr int64_t kStreamsMost = 1'000'000;

}  // namespace

bool is_place(const Token& token) {
  return token.named(NameKind::kSite) != nullptr || token.named(NameKind::kRegion) != nullptr || token.named(NameKind::kLabel) != nullptr ||
         token.is(Sense::kBuiltInRegion) || token.unknown_name;
}

const Token* Surroundings::near(size_t i, int k) const {
  const int step = k < 0 ? -1 : 1;
  for (int at = 0; at != k;) {
    at += step;
    const auto index = static_cast<std::ptrdiff_t>(i) + at;
    if (index < 0 || index >= static_cast<std::ptrdiff_t>(wish_.size())) return nullptr;
    if (wish_[static_cast<size_t>(index)].kind == Kind::kPause) return nullptr;
    if (at == k) return &wish_[static_cast<size_t>(index)];
  }
  return nullptr;
}

bool Surroundings::before(size_t i, Sense sense, int distance) const {
  for (int k = 1; k <= distance; ++k) {
    const Token* token = near(i, -k);
    if (token == nullptr) return false;
    if (token->is(sense)) return true;
  }
  return false;
}

bool Surroundings::after(size_t i, Sense sense, int distance) const {
  for (int k = 1; k <= distance; ++k) {
    const Token* token = near(i, k);
    if (token == nullptr) return false;
    if (token->is(sense)) return true;
  }
  return false;
}

bool Surroundings::in_wish(Sense sense) const {
  return std::any_of(wish_.begin(), wish_.end(), [&](const Token& token) { return token.is(sense); });
}

bool Surroundings::spelled(const Token* token, std::initializer_list<std::u32string_view> words) const {
  if (token == nullptr) return false;
  const std::u32string_view text = std::u32string_view(characters_.text).substr(token->begin, token->end - token->begin);
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool Surroundings::timed_behind(size_t i) const {
  for (int k = 1; k <= kClause; ++k) {
    const Token* token = near(i, k);
    if (token == nullptr) return false;
    if (token->quantity(Measure::kDuration)) return token->amount < kMinuteUs;
  }
  return false;
}

bool Surroundings::before_that(size_t i) const {
  for (size_t k = i + 2; k < wish_.size(); ++k) {
    if (wish_[k].kind == Kind::kInstant) return false;
    if (spelled(&wish_[k], {U"之前", U"以前", U"前"}) && spelled(&wish_[k - 1], {U"那", U"此", U"这", U"它", U"会", U"在那", U"在此"})) return true;
  }
  return false;
}

int64_t Surroundings::things_with(size_t i) const {
  // "8 stables, two cameras in each"
  const Token* behind = near(i, 1);
  const bool each = behind != nullptr && (behind->is(Sense::kEach) || (behind->kind == Token::Kind::kWord && near(i, 2) != nullptr && near(i, 2)->is(Sense::kEach)));
  for (size_t k = i; each && wish_[i].amount <= kStreamsEachMost && k-- > 0 && i - k < 9;) {
    const Token& token = wish_[k];
    if (token.kind == Token::Kind::kQuantity) break;
    const bool things = token.kind == Token::Kind::kNumber && token.amount > kMicro && token.amount % kMicro == 0 && !token.article && k + 1 < wish_.size() && wish_[k + 1].kind == Token::Kind::kWord &&
                        wish_[k + 1].meanings.empty() && !is_chinese(characters_.text[wish_[k + 1].begin]);
    if (things) return std::min(token.amount / kMicro, kStreamsMost);
  }
  bool paired = false;
  for (int k = -2; k >= -4 && near(i, k) != nullptr; --k) paired = paired || (near(i, k)->kind == Kind::kNumber && spelled(near(i, k), {U"一"}));
  if ((!paired && !before(i, Sense::kEach, 4)) || wish_[i].amount > kStreamsMost) return 1;
  const auto things = [&](size_t k) {
    const Token& token = wish_[k];
    return token.kind == Kind::kNumber && token.amount > kMicro && token.amount % kMicro == 0 && k + 1 < wish_.size() && wish_[k + 1].kind == Kind::kWord && is_chinese(characters_.text[wish_[k + 1].begin]);
  };
  for (size_t k = i; k-- > 0 && i - k < 14;) {
    const Token& token = wish_[k];
    if (token.quantity(Measure::kStreams) || token.is(Sense::kWorkload)) return 1;
    if (things(k)) return std::min(token.amount / kMicro, kStreamsMost);
  }
  // 一个路口四个摄像头，一共十五个路口
  for (size_t k = i + 2; k < wish_.size() && k < i + 6; ++k) {
    if (things(k) && wish_[k - 1].is(Sense::kTotal)) return std::min(wish_[k].amount / kMicro, kStreamsMost);
  }
  return 1;
}

bool Surroundings::data_stays(size_t first) const {
  bool stays = false;
  for (int k = 1; k <= 8; ++k) {
    const Token* token = near(first, -k);
    if (token == nullptr || token->kind != Kind::kWord || token->is(Sense::kWorkload) || token->is(Sense::kNot) || is_place(*token)) return false;
    stays = stays || token->is(Sense::kStay) || token->is(Sense::kOnly);
    if (token->is(Sense::kData)) return stays;
  }
  return false;
}

bool Surroundings::on_rails(size_t i) const {
  if (!spelled(&wish_[i], {U"train", U"trains"})) return false;
  const bool named = spelled(near(i, -1), {U"the", U"a", U"this", U"that", U"each", U"every", U"per", U"by", U"of", U"our", U"night", U"express", U"freight", U"commuter", U"passenger", U"goods", U"metro",
                                           U"underground", U"moving", U"regional", U"local", U"high-speed", U"arriving", U"departing", U"suburban", U"between", U"passing", U"empty", U"our", U"on"});
  return named && !spelled(near(i, 1), {U"job", U"jobs", U"run", U"runs", U"task", U"tasks"});
}

bool Surroundings::is_footage(const Token* token) const {
  return spelled(token, {U"film", U"films", U"video", U"videos", U"footage", U"audio", U"clip", U"clips", U"material", U"speech", U"music", U"recording", U"recordings", U"tape", U"tapes", U"animation",
                         U"animations", U"cartoon", U"movie", U"movies", U"rushes", U"interviews", U"trailer", U"showreel", U"episode", U"episodes", U"cutscene", U"cutscenes", U"sequence", U"sequences",
                         U"shots", U"scenes", U"documentary", U"concert", U"podcast", U"feature", U"ad", U"commercial", U"intro", U"screen time", U"runtime", U"lectures", U"concerts", U"matches", U"reels", U"reel", U"broadcast", U"broadcasts", U"television", U"tv", U"dailies", U"data",
                         U"logs", U"history", U"measurements", U"readings", U"observations"});
}

bool Surroundings::is_mishap(const Token* token) const {
  return spelled(token, {U"thefts", U"burglaries", U"robberies", U"accidents", U"crashes", U"collisions", U"outages", U"failures", U"breakdowns", U"complaints", U"fires", U"falls", U"injuries", U"incidents",
                         U"misses", U"ins", U"break-ins", U"break ins", U"floods", U"leaks", U"attacks", U"fights", U"losses", U"deaths", U"cases", U"alarms", U"lawsuits", U"recalls", U"defects", U"errors",
                         U"faults", U"stoppages"});
}

bool Surroundings::voices_behind(size_t i) const {
  for (int k = 1; k <= 3; ++k) {
    const Token* token = near(i, k);
    if (token == nullptr || token->kind != Kind::kWord || token->is(Sense::kAnd)) return false;
    const bool speaks = spelled(token, {U"conferences", U"press conferences", U"hearings", U"classrooms", U"classes", U"courtrooms", U"courts", U"trials", U"debates", U"panels", U"talks", U"shows", U"sermons",
                                        U"services", U"seminars", U"workshops", U"webinars", U"interviews", U"podcasts", U"consultations", U"appointments", U"meetings", U"rooms", U"meeting rooms",
                                        U"conference rooms", U"desks", U"counters", U"booths", U"tables", U"stages", U"halls", U"chambers", U"committees", U"broadcasts", U"programmes", U"programs", U"lectures",
                                        U"lecture halls", U"lessons", U"tours", U"handsets", U"headsets", U"speakers", U"presenters", U"teachers", U"doctors", U"nurses", U"agents", U"operators", U"interpreters",
                                        U"callers", U"radios", U"intercoms", U"kiosks", U"windows", U"tills", U"taxis", U"cockpits", U"hotlines", U"wards", U"theatres", U"theaters", U"churches", U"guides",
                                        U"devices", U"phones", U"tracks", U"sources", U"commentators", U"reporters", U"anchors", U"dispatchers", U"controllers", U"towers", U"frequencies", U"seats", U"sessions",
                                        U"streams", U"studios", U"stations", U"shops", U"branches", U"speeches", U"events", U"parliaments", U"councils", U"rounds"});
    if (speaks) return true;
  }
  return false;
}

bool Surroundings::at_once() const {
  return std::any_of(wish_.begin(), wish_.end(), [&](const Token& token) {
    const Meaning* kind = token.meaning(Sense::kKind);
    const bool live = token.is(Sense::kWorkload) && std::u32string_view(characters_.text).substr(token.begin).starts_with(U"live");
    return live || (kind != nullptr && kind->value == 3) || spelled(&token, {U"while", U"as they", U"at once", U"simultaneously", U"at the same time", U"in parallel", U"on air", U"on the fly", U"as it happens"});
  });
}

bool Surroundings::is_object(size_t i) const {
  const std::string& name = wish_[i].meaning(Sense::kWorkload)->name;
  const auto other = [&](const Token& token) {
    const Meaning* work = token.meaning(Sense::kWorkload);
    return work != nullptr && work->name != name;
  };
  const auto parts = [](const Token& token) { return token.is(Sense::kAnd) || token.is(Sense::kAsk) || token.is(Sense::kThen) || token.kind != Token::Kind::kWord; };
  const auto joins = [&](size_t k) { return spelled(&wish_[k], {U"of", U"for", U"on", U"from", U"with", U"about", U"to"}); };
  const auto begins = [&](size_t k) { return joins(k) || spelled(&wish_[k], {U"the", U"a", U"an", U"our", U"my", U"in", U"at", U"that", U"this", U"which"}); };
  if (!is_chinese(characters_.text[wish_[i].begin]) && !wish_[i].is(Sense::kDoing)) {
    for (size_t k = i + 1; k < wish_.size() && k <= i + 3 && !parts(wish_[k]) && !begins(k); ++k) {
      if (other(wish_[k])) return !wish_[k].is(Sense::kDoing);
      if (!wish_[k].meanings.empty()) break;
    }
  }
  bool joined = false;
  for (size_t k = i; k-- > 0 && i - k <= 7 && !parts(wish_[k]);) {
    joined = joined || joins(k);
    if (other(wish_[k])) return joined || wish_[k].is(Sense::kDoing);
  }
  return false;
}

bool Surroundings::excluded_behind(size_t last) const {
  size_t pauses = 0;
  for (size_t k = last + 1; k < wish_.size() && k <= last + 10; ++k) {
    const Token& token = wish_[k];
    if (token.kind == Kind::kPause && (token.whole || ++pauses > 1)) return false;
    if ((token.kind != Kind::kWord && token.kind != Kind::kPause) || is_place(token) || token.is(Sense::kOthers) || token.is(Sense::kWorkload)) return false;
    if (!token.is(Sense::kNot) && !token.is(Sense::kExcluded)) continue;
    for (size_t n = k + 1; n < wish_.size() && wish_[n].kind != Kind::kPause; ++n) {
      if (n > k + 3 || !(wish_[n].meanings.empty() || wish_[n].is(Sense::kAt) || wish_[n].is(Sense::kThis)) || wish_[n].kind != Kind::kWord) return false;
    }
    return true;
  }
  return false;
}

bool Surroundings::found_wanting(size_t i) const {
  if (spelled(near(i, 1), {U"够", U"够了", U"不够", U"嫌", U"太少", U"太多"})) return true;
  return spelled(near(i, 1), {U"就", U"也", U"都", U"不", U"是", U"太", U"本"}) && spelled(near(i, 2), {U"够", U"够了", U"少", U"多"});
}

bool Surroundings::needed_at(size_t i) const {
  const Token* next = near(i, 2);
  if (next != nullptr && (next->is(Sense::kStart) || next->is(Sense::kWorkload) || next->is(Sense::kRunTime))) return false;
  return spelled(near(i, 1), {U"要", U"要看", U"得要", U"要用", U"就要", U"得有", U"要有"});
}

bool Surroundings::started_at(size_t i) const {
  for (int k = 1; k <= 2; ++k) {
    const Token* token = near(i, k);
    if (token == nullptr) return false;
    if (token->is(Sense::kStart)) return !spelled(near(i, k + 1), {U"前", U"之前", U"以前"});
  }
  return false;
}

bool Surroundings::model_refused(size_t i) const {
  for (const Sense sense : {Sense::kNot, Sense::kExcluded, Sense::kTooDear, Sense::kTooSlow}) {
    if (after(i, sense, 2)) return is_chinese(characters_.text[near(i, 1)->begin]);
  }
  static constexpr std::initializer_list<std::u32string_view> kNeedless = {U"没必要", U"没那个必要", U"用不着", U"用不起", U"用不上", U"不划算", U"没货", U"缺货", U"浪费", U"太浪费"};
  return spelled(near(i, 1), kNeedless) || spelled(near(i, 2), kNeedless);
}

bool Surroundings::percentile_replaced(size_t i) const {
  bool changed = false;
  for (size_t k = i + 1; k < wish_.size(); ++k) {
    changed = changed || wish_[k].is(Sense::kChange);
    if (wish_[k].is(Sense::kPercentile)) return changed;
  }
  return false;
}

bool Surroundings::fails_behind_places(size_t last) const {
  for (int k = 1; k <= 4; ++k) {
    const Token* token = near(last, k);
    if (token == nullptr || is_place(*token) || token->kind != Kind::kWord) return false;
    if (token->is(Sense::kFails)) return is_chinese(characters_.text[token->begin]);
  }
  return false;
}

size_t Surroundings::streams_there(size_t first, size_t last) const {
  if (last + 2 >= wish_.size() || wish_[last + 1].kind != Kind::kPause || wish_[last + 1].whole || wish_[first].named(NameKind::kSite) == nullptr) return wish_.size();
  if (!spelled(&wish_[last + 2], {U"那", U"这", U"该", U"此", U"那边", U"那儿"})) return wish_.size();
  for (size_t k = last + 3; k < wish_.size() && k <= last + 5 && wish_[k].kind != Kind::kPause; ++k) {
    if (wish_[k].quantity(Measure::kStreams)) return k;
  }
  return wish_.size();
}

bool Surroundings::only_told_soon(size_t i) const {
  const bool told = after(i, Sense::kLatency, 1) || spelled(near(i, 1), {U"报", U"喊", U"叫", U"说", U"告诉", U"吱声", U"吱", U"响", U"通知", U"提醒", U"说一声", U"喊人", U"叫人", U"知会"});
  return told && std::any_of(wish_.begin(), wish_.end(), [](const Token& token) { return token.quantity(Measure::kStreams); });
}

bool Surroundings::spelled_near(size_t i, std::initializer_list<std::u32string_view> words, int distance) const {
  for (int k = 1; k <= distance; ++k) {
    if (spelled(near(i, -k), words) || spelled(near(i, k), words)) return true;
  }
  return false;
}

Slot Surroundings::spoken_slot(size_t i, Slot otherwise) const {
  for (int k = 1; k <= 6; ++k) {
    for (const int at : {k, -k}) {
      const Token* token = near(i, at);
      if (token == nullptr) continue;
      if (token->is(Sense::kBudget) || token->is(Sense::kCheaper)) return Slot::kBudget;
      if (token->is(Sense::kLatency)) return Slot::kLatency;
      if (token->is(Sense::kBandwidth)) return Slot::kBandwidth;
      if (token->is(Sense::kUnitStreams) || token->is(Sense::kStreams)) return Slot::kStreams;
      if (token->is(Sense::kUnitInstances) || token->is(Sense::kInstances)) return Slot::kInstances;
      if (token->is(Sense::kUnitCores) || token->is(Sense::kCores)) return Slot::kCpu;
      if (token->is(Sense::kUnitRequests)) return Slot::kRate;
      if (token->is(Sense::kMemory)) return Slot::kMemory;
      if (token->is(Sense::kUnitAccelerators) || token->is(Sense::kAccelerators)) return Slot::kAccelerators;
      if (token->is(Sense::kAvailability)) return Slot::kAvailability;
      if (token->is(Sense::kRunTime)) return Slot::kRunTime;
      if (spelled(token, {U"deadline", U"due date", U"time limit", U"cut off date", U"cutoff"})) return Slot::kDeadline;
    }
  }
  return otherwise;
}

int32_t Surroundings::outweighs(const Token& token, const std::string& work) const {
  if (!is_chinese(characters_.text[token.begin]) || token.end - token.begin > 50) return 0;
  if (token.is(Sense::kDeadlineAfter)) return -30;  // 模型训好了: what was done
  if (work == "training") return 100;
  const std::u32string_view text = std::u32string_view(characters_.text).substr(token.begin, token.end - token.begin);
  if (text.find(U"推理") != std::u32string_view::npos) return 60;
  const bool special = work == "rendering" || work == "simulation" || work == "transcoding" || (work == "analysis" && !spelled(&token, {U"分析", U"统计"}));
  return special ? 60 : 0;
}

bool Surroundings::replaced(size_t i) const {
  for (int k = 1; k <= 3 && near(i, -k) != nullptr; ++k) {
    if (!near(i, -k)->is(Sense::kNot)) continue;
    // "four no five A100s" corrects the figure
    return !(spelled(near(i, -k), {U"no"}) && near(i, -k - 1) != nullptr && near(i, -k - 1)->kind != Kind::kWord);
  }
  const bool refused = model_refused(i);
  for (size_t k = i + 1; k < wish_.size(); ++k) {
    if (wish_[k].named(NameKind::kAcceleratorModel) == nullptr) continue;
    if (refused && std::any_of(wish_.begin() + static_cast<std::ptrdiff_t>(i), wish_.begin() + static_cast<std::ptrdiff_t>(k), [](const Token& between) { return between.kind == Kind::kPause; })) return true;
    return std::any_of(wish_.begin() + static_cast<std::ptrdiff_t>(i), wish_.begin() + static_cast<std::ptrdiff_t>(k),
                       [](const Token& between) { return between.is(Sense::kChange); });
  }
  return false;
}

}  // namespace weir::language
