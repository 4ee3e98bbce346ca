#include "service/intent/past.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/units/quantity.h"
#include "service/resource/time_text.h"

namespace weir::intent {
namespace {

// How near two amounts are: `most` where they are equal.
int32_t share(int64_t a, int64_t b, int32_t most) {
  const int64_t low = std::min(a, b), high = std::max(a, b);
  if (high <= 0) return most;
  return static_cast<int32_t>(static_cast<__int128>(most) * std::max<int64_t>(low, 0) / high);
}

// How many of the places of either they have in common.
int32_t overlap(const std::vector<std::string>& a, const std::vector<std::string>& b, int32_t most) {
  if (a.empty() && b.empty()) return most;
  int32_t common = 0;
  for (const std::string& one : a) common += std::binary_search(b.begin(), b.end(), one) ? 1 : 0;
  return most * common / (static_cast<int32_t>(a.size() + b.size()) - common);
}

int32_t same_work(const Features& a, const Features& b) {
  const bool artifact = !a.artifact.empty() && a.artifact == b.artifact;
  if (a.work.empty() || b.work.empty()) return artifact ? 400 : 0;
  if (a.work == b.work) return 400;
  return artifact ? 250 : 0;
}

int32_t same_hardware(const Features& a, const Features& b) {
  if (a.accelerator_milli <= 0 && b.accelerator_milli <= 0) return 100;
  if (a.accelerator_milli <= 0 || b.accelerator_milli <= 0) return 0;
  const bool model = a.accelerator_model == b.accelerator_model || a.accelerator_model.empty() || b.accelerator_model.empty();
  return share(a.accelerator_milli, b.accelerator_milli, 60) + (model ? 40 : 0);
}

std::vector<std::string> in_order(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

template <class T>
int64_t amount(const std::string& text, Result<T> (*parse)(std::string_view)) {
  if (text.empty()) return 0;
  const auto value = parse(text);
  return value ? static_cast<int64_t>(*value) : 0;
}

struct Both {
  std::string_view english, chinese;
  std::string in(bool zh) const { return std::string(zh ? chinese : english); }
};

constexpr std::array<std::pair<std::string_view, Both>, 5> kBlames = {{{"slow", {"too slow", "太慢"}}, {"dear", {"too dear", "太贵"}}, {"dirty", {"too much carbon", "碳排放太高"}},
    {"unreliable", {"unreliable", "不可靠"}}, {"other", {"for another reason", "其他原因"}}}};
// What would mend it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kMends = {{{"slow", "fastest"}, {"dear", "asked"}, {"dirty", "cleanest"}, {"unreliable", "safest"}}};

template <class Pairs>
auto find(const Pairs& pairs, std::string_view key) {
  return std::find_if(pairs.begin(), pairs.end(), [&](const auto& one) { return one.first == key; });
}

std::string blame_text(const std::string& because, bool zh) {
  const auto found = find(kBlames, because);
  return found == kBlames.end() ? std::string() : found->second.in(zh);
}

// 99.2 % of so many.
std::string kept_text(int64_t samples, int64_t missed) {
  const int64_t kept = std::max<int64_t>(samples - missed, 0);
  const auto permille = static_cast<int64_t>(static_cast<__int128>(kept) * 1'000 / samples);
  return std::to_string(permille / 10) + "." + std::to_string(permille % 10) + " %";
}

std::string state_text(const std::string& state, bool zh) {
  constexpr std::array<std::pair<std::string_view, Both>, 3> kShown = {{{"finished", {"it ended well", "正常结束"}}, {"failed", {"it failed", "失败了"}}, {"refused", {"no plan satisfied it", "没有可行方案"}}}};
  const auto found = find(kShown, state);
  return found == kShown.end() ? std::string() : found->second.in(zh);
}

}  // namespace

Features features_of(const v1::Intent& intent, std::string work) {
  const v1::Intent::Spec& spec = intent.spec();
  Features out{.work = std::move(work), .artifact = {}, .job = spec.workload().has_job(), .accelerator_model = {}, .from = {}, .only = {}};
  const v1::Intent::Instance& one = out.job ? spec.workload().job() : spec.workload().service();
  out.artifact = one.artifact();
  out.latency_us = amount(spec.promise().latency(), parse_duration_us);
  out.accelerator_milli = one.accelerator_share().empty() ? int64_t{1'000} * one.accelerators() : amount(one.accelerator_share(), parse_weight_milli);
  out.accelerator_model = one.accelerator_model();
  for (const auto& from : spec.from()) {
    out.streams += from.streams();
    out.from.push_back(from.site());
  }
  out.from = in_order(std::move(out.from));
  out.only = in_order({spec.where().only().begin(), spec.where().only().end()});
  return out;
}

int32_t likeness_permille(const Features& a, const Features& b) {
  const int32_t work = a.job == b.job ? same_work(a, b) : 0;
  if (work == 0) return 0;
  const bool one_promises = (a.latency_us > 0) != (b.latency_us > 0);
  return work + share(a.streams, b.streams, 200) + (one_promises ? 75 : share(a.latency_us, b.latency_us, 150)) + overlap(a.from, b.from, 100) +
         overlap(a.only, b.only, 50) + same_hardware(a, b);
}

std::vector<Alike> alike(const std::vector<Remembered>& past, const Features& wanted) {
  std::vector<Alike> out;
  for (const Remembered& one : past) {
    const int32_t likeness = likeness_permille(one.features, wanted);
    if (likeness >= kAlikePermille) out.push_back({&one, likeness});
  }
  std::sort(out.begin(), out.end(), [](const Alike& a, const Alike& b) {
    return a.likeness_permille != b.likeness_permille ? a.likeness_permille > b.likeness_permille : a.of->order > b.of->order;
  });
  if (out.size() > kPastShownMax) out.resize(kPastShownMax);
  return out;
}

bool went_badly(const v1::PastCase& one) {
  if (!one.verdict().empty()) return one.verdict() == "bad";
  return one.state() == "failed" || (one.samples() > 0 && one.missed() > one.samples() / 100);
}

const Remembered* precedent(const std::vector<Alike>& shown) {
  for (const Alike& one : shown) {
    if (one.of->intent.has_spec() && !went_badly(one.of->shown)) return one.of;
  }
  return nullptr;
}

v1::PastCase show(const Alike& one, Language language, int32_t utc_offset_s) {
  const bool zh = language == Language::kChinese;
  v1::PastCase out = one.of->shown;
  out.set_likeness_permille(one.likeness_permille);
  const std::string day = resource::format_time(out.at() + int64_t{utc_offset_s} * 1'000'000).substr(0, 10);
  std::string text = out.intent().name().empty() ? day : out.intent().name() + (zh ? "（" + day + "）" : " of " + day);
  std::vector<std::string> facts;
  if (out.end() == "declined") facts.push_back(Both{"what was offered was declined", "当时没有接受"}.in(zh));
  if (out.end() == "left") facts.push_back(Both{"what was offered was left", "当时没有应用"}.in(zh));
  if (!out.strategy().empty()) facts.push_back(Both{"took ", "选了 "}.in(zh) + out.strategy());
  if (out.samples() > 0) facts.push_back(Both{"kept its promise ", "承诺达成 "}.in(zh) + kept_text(out.samples(), out.missed()));
  if (out.billed_per_hour_nanocredits() > 0) {
    const std::string cost = format_money((out.billed_per_hour_nanocredits() + 500) / 1'000 * 1'000);
    facts.push_back(zh ? "每小时 " + cost + " 信用点" : cost + " credits an hour");
  }
  if (const std::string state = state_text(out.state(), zh); !state.empty()) facts.push_back(state);
  if (!out.verdict().empty()) {
    const std::string why = blame_text(out.because(), zh);
    facts.push_back((zh ? "评价：" : "you said: ") + (out.verdict() == "good" ? Both{"good", "好"} : Both{"bad", "不好"}).in(zh) + (why.empty() ? "" : (zh ? "，" : ", ") + why));
  }
  for (size_t i = 0; i < facts.size(); ++i) text += (i == 0 ? (zh ? "：" : ": ") : (zh ? "，" : ", ")) + facts[i];
  out.set_text(text);
  return out;
}

void suggest(Language language, v1::Wish& wish) {
  constexpr int32_t kJudged = 3;  // weighs as much as so many that nobody judged
  const bool zh = language == Language::kChinese;
  v1::Strategy* best = nullptr;
  int32_t best_weight = 0;
  std::string best_why;
  for (v1::Strategy& strategy : *wish.mutable_strategies()) {
    int32_t weight = 0, weightiest = 0;
    std::string why;
    const auto count = [&](int32_t vote, std::string reason) {
      weight += vote;
      if (vote > weightiest) {
        weightiest = vote;
        why = std::move(reason);
      }
    };
    for (const v1::PastCase& one : wish.past()) {
      const std::string& name = one.intent().name();
      if (name.empty()) continue;
      const auto mend = find(kMends, one.because());
      if (one.verdict() == "bad" && mend != kMends.end() && mend->second == strategy.kind()) {
        count(one.likeness_permille() * kJudged, zh ? "您说过 " + name + " " + blame_text(one.because(), true) : "you said of " + name + ": " + blame_text(one.because(), false));
      } else if (one.strategy() == strategy.kind() && one.verdict() == "good") {
        count(one.likeness_permille() * kJudged, zh ? name + " 选的是它，您说很好" : "you took it for " + name + " and said that it was good");
      } else if (one.strategy() == strategy.kind() && one.end() == "taken" && !went_badly(one)) {
        count(one.likeness_permille(), zh ? name + " 选的是它" : "you took it for " + name);
      }
    }
    if (weight > best_weight) {
      best = &strategy;
      best_weight = weight;
      best_why = std::move(why);
    }
  }
  if (best != nullptr) best->set_suggested(best_why);
}

// ---- verdicts in words -------------------------------------------------------------------------------

namespace {

constexpr std::array<std::string_view, 16> kSlow = {"too slow", "slow", "laggy", "太慢", "很慢", "好慢", "慢了", "有点慢", "卡顿", "太卡", "很卡", "延迟太高", "延迟太大", "时延太高", "时延太大", "latency is too high"};
constexpr std::array<std::string_view, 8> kDear = {"too expensive", "expensive", "too dear", "costs too much", "太贵", "很贵", "好贵", "贵了"};
constexpr std::array<std::string_view, 6> kDirty = {"too dirty", "too much carbon", "不环保", "碳排放太高", "排放太高", "不够绿"};
constexpr std::array<std::string_view, 17> kUnreliable = {"unreliable", "unstable", "keeps failing", "keeps breaking", "keeps crashing", "crashes", "not reliable", "not stable",
    "不稳定", "不可靠", "老是断", "总是断", "经常断", "经常出错", "老出错", "总出错", "老是挂"};
constexpr std::array<std::string_view, 16> kBad = {"bad", "terrible", "awful", "poor", "not good", "not satisfied", "not happy", "unhappy", "not working well", "doesn't work well",
    "不好", "很差", "太差", "糟糕", "不满意", "不行"};
constexpr std::array<std::string_view, 28> kGood = {"works well", "works great", "works fine", "working well", "works nicely", "running well", "runs well", "good", "great", "excellent", "perfect",
    "happy with", "satisfied", "well done", "love it", "not bad", "很好", "不错", "满意", "挺好", "非常好", "太好了", "运行良好", "好用", "很棒", "真好", "很稳定", "好评"};
constexpr std::array<std::string_view, 7> kNoes = {"not", "n't", "no", "never", "不", "没", "别"};
constexpr std::array<std::string_view, 17> kNoVerdict = {"?", "？", "吗", "why", "what", "how", "where", "when", "if", "为什么", "多少", "怎么", "如果", "什么", "是不是", "哪", "stop"};

constexpr bool letter(char c) { return c >= 'a' && c <= 'z'; }

// Where the phrase is; of Latin letters as words of their own.
size_t place_of(std::string_view text, std::string_view phrase) {
  for (size_t at = text.find(phrase); at != std::string_view::npos; at = text.find(phrase, at + 1)) {
    const size_t end = at + phrase.size();
    const bool alone = (at == 0 || !letter(text[at - 1]) || !letter(phrase.front())) && (end == text.size() || !letter(text[end]) || !letter(phrase.back()));
    if (alone) return at;
  }
  return std::string_view::npos;
}

template <size_t N>
bool says(std::string_view text, const std::array<std::string_view, N>& phrases) {
  return std::any_of(phrases.begin(), phrases.end(), [&](std::string_view phrase) { return place_of(text, phrase) != std::string_view::npos; });
}
// The text without them.
template <size_t N>
std::string without(std::string text, const std::array<std::string_view, N>& phrases) {
  for (const std::string_view phrase : phrases) {
    for (size_t at = place_of(text, phrase); at != std::string_view::npos; at = place_of(text, phrase)) text.replace(at, phrase.size(), " ");
  }
  return text;
}

}  // namespace

std::optional<Judgement> judgement(std::string_view text, const Frame& frame) {
  constexpr size_t kBytesMax = 160;  // of what is a verdict and little else
  if (text.size() > kBytesMax) return std::nullopt;
  // "detection works well": of what is called like its work.
  const bool named = frame.act == Act::kRequest && frame.find(Slot::kTarget) != nullptr;
  if (!named && frame.act != Act::kOther && frame.act != Act::kEdit && frame.act != Act::kAccept && frame.act != Act::kDecline) return std::nullopt;
  // What gives a figure asks for another one.
  const auto figure = [](const Field& field) { return field.slot != Slot::kTarget && field.slot != Slot::kKind && field.slot != Slot::kWorkload && (field.change == Change::kSet || field.change == Change::kAdd || field.change == Change::kTimes); };
  if (std::any_of(frame.fields.begin(), frame.fields.end(), figure)) return std::nullopt;
  std::string said(text);
  for (char& c : said) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (says(said, kNoVerdict)) return std::nullopt;
  const bool unreliable = says(said, kUnreliable), dirty = says(said, kDirty);
  if (unreliable) return Judgement{false, "unreliable"};
  if (dirty) return Judgement{false, "dirty"};
  const bool denied = says(without(said, std::array<std::string_view, 3>{"不错", "not bad", "not only"}), kNoes);
  const bool slow = says(said, kSlow), dear = says(said, kDear);
  if (slow || dear) return denied ? std::nullopt : std::optional(Judgement{false, slow ? "slow" : "dear"});
  const bool good = says(said, kGood);
  if (says(without(said, std::array<std::string_view, 1>{"not bad"}), kBad) || (good && denied)) return Judgement{false, "other"};
  return good ? std::optional(Judgement{true, {}}) : std::nullopt;
}

}  // namespace weir::intent
