// Numbers with the units and nouns that they count.
#include <algorithm>

#include "intelligence/language/numbers.h"
#include "intelligence/language/tokens.h"

namespace weir::language {
namespace {

using Kind = Token::Kind;

constexpr int64_t kPpmOfPercent = 10'000;
constexpr int64_t kNanoOfMicro = 1'000;
constexpr int64_t kFramesPerSecondMax = 240;  // where "per second" is left unsaid
constexpr size_t kNounDistanceMax = 3;  // words between a number and what it counts

// a·b/1e6, or nothing where it is beyond what any slot holds.
std::optional<int64_t> scaled(int64_t micro, int64_t unit) {
  const __int128 product = static_cast<__int128>(micro) * unit / kMicro;
  if (product > (int64_t{1} << 60)) return std::nullopt;
  return static_cast<int64_t>(product);
}

class Reader {
 public:
  explicit Reader(const std::vector<Token>& tokens) : tokens_(tokens) {}

  std::vector<Token> all() {
    std::vector<Token> out;
    for (size_t i = 0; i < tokens_.size();) {
      size_t end = i;
      if (auto token = read(i, end)) {
        out.push_back(std::move(*token));
        i = end;
      } else {
        out.push_back(tokens_[i++]);
      }
    }
    return out;
  }

 private:
  bool is(size_t i, Sense sense) const { return i < tokens_.size() && tokens_[i].is(sense); }
  bool number(size_t i) const { return i < tokens_.size() && tokens_[i].kind == Kind::kNumber; }
  bool model(size_t i) const { return i < tokens_.size() && tokens_[i].named(NameKind::kAcceleratorModel) != nullptr; }
  bool counts_accelerators(size_t i) const { return is(i, Sense::kUnitAccelerators) || model(i); }

  std::optional<Token> made(size_t begin, size_t end, Measure measure, std::optional<int64_t> amount) const {
    if (!amount) return std::nullopt;
    return Token{.kind = Kind::kQuantity, .begin = tokens_[begin].begin, .end = tokens_[end - 1].end, .amount = *amount, .measure = measure};
  }

  // Whether the clause of a token has the word.
  bool clause_has(size_t i, Sense sense) const {
    size_t begin = i, end = i;
    while (begin > 0 && tokens_[begin - 1].kind != Kind::kPause) --begin;
    while (end < tokens_.size() && tokens_[end].kind != Kind::kPause) ++end;
    return std::any_of(tokens_.begin() + static_cast<std::ptrdiff_t>(begin), tokens_.begin() + static_cast<std::ptrdiff_t>(end),
                       [&](const Token& token) { return token.is(sense); });
  }

  bool clause_names_model(size_t i) const {
    for (size_t k = i; k > 0 && tokens_[k - 1].kind != Kind::kPause; --k) {
      if (model(k - 1)) return true;
    }
    return false;
  }

  std::optional<Token> read(size_t i, size_t& end) const {
    if (number(i)) return read_number_at(i, end);
    if (is(i, Sense::kPercentOf) && number(i + 1)) {
      end = i + 2;
      return made(i, end, Measure::kShare, scaled(tokens_[i + 1].amount, kPpmOfPercent));
    }
    if (is(i, Sense::kCurrency) && number(i + 1)) {
      end = i + 2;
      return money(i, end, tokens_[i + 1].amount);
    }
    if ((is(i, Sense::kArticle) || is(i, Sense::kSingle)) && i + 1 < tokens_.size()) {
      const int64_t count = is(i, Sense::kSingle) ? tokens_[i].meaning(Sense::kSingle)->value : 1;
      const auto some = [&](size_t unit, Measure measure, int64_t amount) {
        end = unit + 1;
        return made(i, end, measure, count * amount);
      };
      const size_t noun = is(i + 1, Sense::kFull) ? i + 2 : i + 1;
      const Meaning* unit = noun < tokens_.size() ? tokens_[noun].meaning(Sense::kUnitDuration) : nullptr;
      if (unit != nullptr && is(i, Sense::kArticle) && unit->value >= 1'000'000) {
        auto token = some(noun, Measure::kDuration, unit->value);
        token->amount += part_behind(end, unit->value);
        return token;
      }
      if (is(i + 1, Sense::kUnitAccelerators)) return some(i + 1, Measure::kAccelerators, 1'000);
      if (is(i + 1, Sense::kUnitInstances) && !is(i + 1, Sense::kWorkload)) return some(i + 1, Measure::kInstances, 1);
      if (model(i + 1)) return some(i, Measure::kAccelerators, 1'000);
      // "5 barns, a camera in each"
      if (is(i + 1, Sense::kUnitStreams) && (is(i + 2, Sense::kEach) || is(i + 3, Sense::kEach))) {
        auto token = some(i + 1, Measure::kStreams, 1);
        token->name = tokens_[i + 1].meaning(Sense::kUnitStreams)->name;
        return token;
      }
    }
    // "another day", "one more hour" without its figure
    const Meaning* more = i > 0 && i < tokens_.size() && is(i - 1, Sense::kAdd) && !(i > 1 && number(i - 2)) ? tokens_[i].meaning(Sense::kUnitDuration) : nullptr;
    const bool one = more != nullptr && more->value >= 60'000'000 && tokens_[i].end - tokens_[i].begin >= 3;
    if (one) {
      end = i + 1;
      return made(i, end, Measure::kDuration, more->value);
    }
    // "an hour" beside no money is a duration.
    for (const Sense sense : {Sense::kPeriod, Sense::kPerSecond}) {
      const Meaning* period = i < tokens_.size() ? tokens_[i].meaning(sense) : nullptr;
      if (period == nullptr || period->value == 0 || counted_per(i)) continue;
      end = i + 1;
      auto token = made(i, end, Measure::kDuration, period->value);
      token->amount += part_behind(end, period->value);
      token->end = tokens_[end - 1].end;
      return token;
    }
    return std::nullopt;
  }

  // What stands behind a duration of one unit and adds a part of it: "a second and a half", 一秒半. Moves end behind it.
  int64_t part_behind(size_t& end, int64_t one) const {
    size_t k = end;
    if (is(k, Sense::kAnd)) ++k;
    if (k > end && is(k, Sense::kArticle)) ++k;
    // 一秒二: and two tenths.
    if (k == end && one == 1'000'000 && k < tokens_.size() && number(k) && tokens_[k].amount < 10 * kMicro && tokens_[k].amount >= kMicro && tokens_[k].end - tokens_[k].begin == 1 &&
        tokens_[k].begin == tokens_[k - 1].end && (k + 1 >= tokens_.size() || tokens_[k + 1].kind == Kind::kPause || is(k + 1, Sense::kWithin) || is(k + 1, Sense::kAbout))) {
      end = k + 1;
      return tokens_[k].amount / 10;
    }
    if (k >= tokens_.size() || !number(k) || !tokens_[k].article || tokens_[k].amount >= kMicro) return 0;
    const bool joined = k > end || tokens_[k].begin == tokens_[k - 1].end;
    if (!joined || unit_at(k + 1)) return 0;
    end = k + 1;
    return scaled(tokens_[k].amount, one).value_or(0);
  }

  // Whether the number at a token only adds to the second before it: 一秒二以内.
  bool part_follows(size_t i) const {
    size_t end = i;
    return part_behind(end, 1'000'000) > 0;
  }

  // Whether the period at a token belongs to an amount: a number or a unit of money, of requests or frames beside it, or a question
  // of what it costs.
  bool counted_per(size_t i) const {
    const auto amount = [&](size_t k) {
      return number(k) || is(k, Sense::kUnitMoney) || is(k, Sense::kBlock) || is(k, Sense::kCurrency) || is(k, Sense::kUnitRequests) || is(k, Sense::kUnitFrames) || model(k);
    };
    if (is(i + 1, Sense::kWithin) || (i > 0 && is(i - 1, Sense::kFor))) return false;
    // 一秒也就10个请求, 一分钟大概600次
    for (size_t k = i + 1; k < tokens_.size() && k < i + 4 && (is(k, Sense::kAbout) || is(k, Sense::kAtMost) || is(k, Sense::kAtLeast)); ++k) {
      if (number(k + 1) && is(i, Sense::kPeriod) && (k + 2 >= tokens_.size() || tokens_[k + 2].kind == Kind::kPause)) return true;  // 一个月别超过一千五
      if (number(k + 1) && (is(k + 2, Sense::kUnitRequests) || is(k + 2, Sense::kUnitFrames))) return true;
    }
    const bool half = number(i + 1) && tokens_[i + 1].article;  // 一秒半
    const bool tenths = number(i + 1) && is(i, Sense::kPerSecond) && !is(i, Sense::kPeriod) && part_follows(i + 1);
    if ((amount(i + 1) && !half && !tenths) || (i > 0 && amount(i - 1))) return true;
    const bool money = clause_has(i, Sense::kUnitMoney) || clause_has(i, Sense::kBlock) || clause_has(i, Sense::kCurrency);
    if (!is(i, Sense::kPeriod)) return money;  // nothing is paid for by the second
    return money || clause_has(i, Sense::kHowMuch) || clause_has(i, Sense::kBudget);
  }

  // The period of an amount of money that stands on tokens [begin, end): beside it, or else in its clause.
  std::string period(size_t begin, size_t& end) const {
    if (end < tokens_.size()) {
      if (const Meaning* next = tokens_[end].meaning(Sense::kPeriod)) {
        ++end;
        return next->name;
      }
    }
    for (size_t i = begin; i > 0 && tokens_[i - 1].kind != Kind::kPause; --i) {
      if (const Meaning* before = tokens_[i - 1].meaning(Sense::kPeriod)) return before->name;
    }
    for (size_t i = end; i < tokens_.size() && tokens_[i].kind != Kind::kPause; ++i) {
      if (const Meaning* behind = tokens_[i].meaning(Sense::kPeriod)) return behind->name;
    }
    return {};
  }

  std::optional<Token> money(size_t begin, size_t& end, int64_t micro) const {
    const auto amount = scaled(micro, kMicro * kNanoOfMicro);
    if (!amount) return std::nullopt;
    Token token{.kind = Kind::kQuantity, .amount = *amount, .measure = Measure::kMoney};
    token.name = period(begin, end);
    token.begin = tokens_[begin].begin;
    token.end = tokens_[end - 1].end;
    return token;
  }

  // The unit behind a number: its measure and what one of it is, in the measure's unit.
  struct Unit {
    Measure measure;
    int64_t one;
  };
  std::optional<Unit> unit_at(size_t i) const {
    if (i >= tokens_.size()) return std::nullopt;
    const Token& token = tokens_[i];
    const auto value = [&](Sense sense) { return token.meaning(sense)->value; };
    if (token.is(Sense::kUnitDuration)) return Unit{Measure::kDuration, value(Sense::kUnitDuration)};
    if (token.is(Sense::kUnitBandwidth)) return Unit{Measure::kBandwidth, value(Sense::kUnitBandwidth)};
    if (token.is(Sense::kUnitMemory)) return Unit{Measure::kMemory, value(Sense::kUnitMemory)};
    if (token.is(Sense::kUnitCores)) return Unit{Measure::kCores, 1'000};
    if (token.is(Sense::kUnitAccelerators)) return Unit{Measure::kAccelerators, 1'000};
    if (token.is(Sense::kUnitStreams)) return Unit{Measure::kStreams, 1};
    if (token.is(Sense::kUnitInstances)) return Unit{Measure::kInstances, 1};
    if (token.is(Sense::kUnitPercent)) return Unit{Measure::kShare, kPpmOfPercent};
    if (token.is(Sense::kUnitFrames)) return Unit{Measure::kFrames, 1'000};
    if (token.is(Sense::kUnitRequests)) return Unit{Measure::kRequests, 1'000};
    const bool memory = clause_has(i, Sense::kMemory) || clause_has(i, Sense::kAcceleratorMemory);
    const bool bandwidth = clause_has(i, Sense::kBandwidth);
    if (token.is(Sense::kUnitMega)) return memory && !bandwidth ? Unit{Measure::kMemory, 1} : Unit{Measure::kBandwidth, 1'000'000};
    if (token.is(Sense::kUnitGiga)) return bandwidth ? Unit{Measure::kBandwidth, 1'000'000'000} : Unit{Measure::kMemory, 1'024};
    if (token.is(Sense::kUnitTera)) return Unit{Measure::kMemory, 1'024 * 1'024};
    return std::nullopt;
  }

  // How many seconds a rate is told for by the word at a token; 1 where it tells none.
  int64_t per(size_t i) const {
    if (is(i, Sense::kPerMinute)) return 60;
    const Meaning* period = i < tokens_.size() ? tokens_[i].meaning(Sense::kPeriod) : nullptr;
    if (period == nullptr) return 1;
    return period->name == "hour" ? 3'600 : period->name == "day" ? 86'400 : 1;
  }

  // The token that says what a rate at a number is told for: beside it, or before "about", "at most" and the like; npos without one.
  size_t told_per(size_t i) const {
    for (size_t k = i; k > 0 && i - k < 4; --k) {
      if (is(k - 1, Sense::kPerSecond) || is(k - 1, Sense::kPerMinute) || is(k - 1, Sense::kPeriod)) return k - 1;
      const bool passed = is(k - 1, Sense::kAbout) || is(k - 1, Sense::kAtMost) || is(k - 1, Sense::kAtLeast) || is(k - 1, Sense::kHave) || is(k - 1, Sense::kColon);
      if (!passed) break;
    }
    return std::string::npos;
  }

  // Whether memory at tokens [begin, end) is that of a model beside it: "A100 80G", "80 GB A100s", "2 A100s with 80GB each".
  bool of_model(size_t begin, size_t end) const {
    if (clause_has(begin, Sense::kMemory) || clause_has(begin, Sense::kUnitCores)) return false;
    if (model(end) || (begin > 0 && model(begin - 1))) return true;
    if (!is(end, Sense::kEach)) return false;
    for (size_t k = begin; k > 0 && begin - k < 3; --k) {
      if (counts_accelerators(k - 1)) return true;
    }
    return false;
  }

  std::optional<Token> read_number_at(size_t i, size_t& end) const {
    int64_t micro = tokens_[i].amount;
    size_t next = i + 1;
    bool range = false;
    // "4 to 8 GPUs", "50到100毫秒", "between 50 and 100 ms": the upper end.
    const bool to = is(next, Sense::kRange) || is(next, Sense::kDeadlineBefore) || (is(next, Sense::kAnd) && clause_has(i, Sense::kBetween));
    if (to && number(next + 1)) {
      micro = tokens_[next + 1].amount;
      next += 2;
      range = true;
    }
    auto token = with_unit(i, next, micro, end);
    if (token) token->range = range;
    return token;
  }

  std::optional<Token> with_unit(size_t i, size_t next, int64_t micro, size_t& end) const {
    const auto take = [&](size_t behind, Measure measure, std::optional<int64_t> amount) {
      end = behind;
      return made(i, end, measure, amount);
    };
    if (is(next, Sense::kUnitNines)) {
      int64_t missing = 1'000'000;
      for (int64_t n = 0; n < micro / kMicro && missing > 1; ++n) missing /= 10;
      // 三个九五
      const bool half = number(next + 1) && tokens_[next + 1].amount == 5 * kMicro && tokens_[next + 1].begin == tokens_[next].end && !unit_at(next + 2);
      return take(next + (half ? 2 : 1), Measure::kAvailability, 1'000'000 - (half && missing > 1 ? missing / 2 : missing));
    }
    if (is(next, Sense::kTenths)) {
      const bool more = number(next + 1) && tokens_[next + 1].amount < 10 * kMicro;
      return take(next + (more ? 2 : 1), Measure::kShare, micro / 10 + (more ? tokens_[next + 1].amount / 100 : 0));
    }
    const size_t mark = is(next, Sense::kOrdinal) ? next + 1 : next;
    if (is(mark, Sense::kPercentileMark)) {
      auto token = take(mark + 1, Measure::kShare, scaled(micro, kPpmOfPercent));
      if (token) token->name = "percentile";
      return token;
    }
    if (is(next, Sense::kOfHundred)) return take(next + 1, Measure::kShare, scaled(micro, kPpmOfPercent));
    // "一个半小时", "3个半小时"
    if (is(next, Sense::kMeasure) && number(next + 1) && tokens_[next + 1].article && unit_at(next + 2)) {
      micro += tokens_[next + 1].amount;
      next += 2;
    }
    // "a 24-hour run"
    if (is(next, Sense::kRange) && tokens_[next].end - tokens_[next].begin == 1 && tokens_[next].begin == tokens_[next - 1].end && unit_at(next + 1)) ++next;
    if (is(next, Sense::kMeasure) && (unit_at(next + 1) || model(next + 1))) ++next;
    // 十来张, 三百多块: about as many.
    if (is(next, Sense::kAbout) && tokens_[next].end - tokens_[next].begin == 1 && tokens_[next].begin == tokens_[next - 1].end &&
        (unit_at(next + 1) || is(next + 1, Sense::kUnitMoney) || is(next + 1, Sense::kBlock))) {
      ++next;
    }
    // 块 is of money, unless accelerators stand behind it or were just named.
    const bool cards = counts_accelerators(next + 1) || (i > 0 && counts_accelerators(i - 1)) ||
                       (i > 1 && tokens_[i - 1].kind == Kind::kPause && counts_accelerators(i - 2)) ||
                       (clause_names_model(i) && !clause_has(i, Sense::kPeriod) && !clause_has(i, Sense::kBudget) && !clause_has(i, Sense::kAtMost));
    if (is(next, Sense::kUnitMoney) || (is(next, Sense::kBlock) && (!cards || is(next + 1, Sense::kPeriod)))) {
      end = next + 1;
      // 十二块五: and five tenths
      const bool tenths = is(next, Sense::kBlock) && number(end) && !tokens_[end].article && tokens_[end].amount < 10 * kMicro && tokens_[end].amount >= kMicro && tokens_[end].end - tokens_[end].begin == 1 &&
                          tokens_[end].begin == tokens_[next].end && (end + 1 >= tokens_.size() || tokens_[end + 1].kind == Kind::kPause || is(end + 1, Sense::kWithin) || is(end + 1, Sense::kAtMost) || is(end + 1, Sense::kPeriod));
      if (tenths) micro += tokens_[end++].amount / 10;
      return money(i, end, micro);
    }
    if (is(next, Sense::kBlock)) return take(next + 1, Measure::kAccelerators, micro / 1'000);
    // 每秒5张
    const size_t said_per = told_per(i);
    if (said_per != std::string::npos && !is(said_per, Sense::kPeriod) && is(next, Sense::kUnitAccelerators) && !model(next + 1) && tokens_[next].end - tokens_[next].begin == 1) {
      return take(next + 1, Measure::kRequests, scaled(micro / per(said_per), 1'000));
    }
    if (const auto unit = unit_at(next)) {
      size_t behind = next + 1;
      // Of a film, not of each second of it.
      if (unit->measure == Measure::kFrames && micro > kFramesPerSecondMax * kMicro && !is(behind, Sense::kPerSecond) && !(i > 0 && is(i - 1, Sense::kPerSecond)) &&
          tokens_[next].end - tokens_[next].begin <= 6) {
        return std::nullopt;
      }
      const bool rate = unit->measure == Measure::kFrames || unit->measure == Measure::kRequests;
      if (rate && (is(behind, Sense::kPerSecond) || per(behind) > 1)) ++behind;
      if (unit->measure == Measure::kStreams && is(behind, Sense::kPerSecond)) return take(behind + 1, Measure::kRequests, scaled(micro, 1'000));
      if (unit->measure == Measure::kBandwidth && is(behind, Sense::kPerSecond)) ++behind;
      const bool of_accelerator = unit->measure == Measure::kMemory && is(behind, Sense::kAcceleratorMemory);
      if (of_accelerator) ++behind;
      const size_t told = told_per(i);
      const int64_t slower = !rate ? 1 : per(behind - 1) > 1 ? per(behind - 1) : told != std::string::npos ? per(told) : 1;
      // "ten game servers": what is counted also says what is done, and is read again.
      if (behind == next + 1 && unit->measure == Measure::kInstances && is(next, Sense::kWorkload)) behind = next;
      auto token = take(behind, unit->measure, scaled(micro / slower, unit->one));
      if (token) token->one = unit->one;
      if (token && unit->measure == Measure::kDuration) {
        token->amount += part_behind(end, unit->one);
        token->end = tokens_[end - 1].end;
      }
      if (token && unit->measure == Measure::kAccelerators && !model(behind)) token->name = tokens_[next].meaning(Sense::kUnitAccelerators)->name;
      if (token && unit->measure == Measure::kStreams) token->name = tokens_[next].meaning(Sense::kUnitStreams)->name;
      if (token && unit->measure == Measure::kMemory && of_model(i, behind)) token->name = "accelerator";
      if (token && of_accelerator) token->name = "accelerator";
      return token;
    }
    // "25 logins a second", "each minute 120 bids come in"
    size_t noun = next;
    while (noun < tokens_.size() && noun < next + 2 && tokens_[noun].kind == Kind::kWord && tokens_[noun].meanings.empty()) ++noun;
    if (is(noun, Sense::kUnitHappening)) {
      size_t k = noun + 1;
      while (k < tokens_.size() && k <= next + 2 && tokens_[k].kind == Kind::kWord && tokens_[k].meanings.empty()) ++k;
      const bool behind = is(k, Sense::kPerSecond) || is(k, Sense::kPerMinute);
      const bool before = i > 0 && (is(i - 1, Sense::kPerSecond) || is(i - 1, Sense::kPerMinute));
      if (behind || before) return take(behind ? k + 1 : noun + 1, Measure::kRequests, scaled(micro / per(behind ? k : i - 1), 1'000));
    }
    // 每秒八千次, 每分钟三百单
    const size_t told = told_per(i);
    const bool closes = next >= tokens_.size() || tokens_[next].kind == Kind::kPause;
    if (told != std::string::npos && !is(told, Sense::kPeriod) && (closes || is(next, Sense::kMeasure))) {
      return take(closes ? next : next + 1, Measure::kRequests, scaled(micro / per(told), 1'000));
    }
    // "每月八千", "每月不超过600"
    size_t ahead = 1;
    while (ahead < 4 && i > ahead && (is(i - ahead, Sense::kAtMost) || is(i - ahead, Sense::kAbout) || is(i - ahead, Sense::kChange) || is(i - ahead, Sense::kAccept) || is(i - ahead, Sense::kWould))) ++ahead;
    const bool per_period = i >= ahead && is(i - ahead, Sense::kPeriod) && !is(next, Sense::kMeasure) &&
                            (next >= tokens_.size() || tokens_[next].kind == Kind::kPause || is(next, Sense::kWithin) || is(next, Sense::kAtMost));
    if (is(next, Sense::kPeriod) || per_period) {
      end = next;
      return money(i, end, micro);
    }
    // "2 more hours"
    if (is(next, Sense::kAdd)) {
      if (const auto unit = unit_at(next + 1); unit && unit->measure == Measure::kDuration) return take(next, Measure::kDuration, scaled(micro, unit->one));
    }
    // "12 street cameras", "8 idle H100", "24 HD cameras"
    for (size_t k = next; k < tokens_.size() && k <= next + kNounDistanceMax; ++k) {
      const Token& token = tokens_[k];
      if (token.kind != Kind::kWord || is(k, Sense::kAnd) || is(k, Sense::kEach)) break;
      if (model(k)) return take(next, Measure::kAccelerators, micro / 1'000);
      const auto unit = unit_at(k);
      if (!unit) continue;
      const bool counted = unit->measure == Measure::kStreams || unit->measure == Measure::kInstances || unit->measure == Measure::kCores ||
                           unit->measure == Measure::kAccelerators;
      if (!counted) break;
      auto counts = take(next, unit->measure, scaled(micro, unit->one));
      if (counts && unit->measure == Measure::kStreams) counts->name = token.meaning(Sense::kUnitStreams)->name;
      return counts;
    }
    return std::nullopt;
  }

  const std::vector<Token>& tokens_;
};

}  // namespace

std::vector<Token> find_quantities(std::vector<Token> tokens) {
  std::vector<Token> out = Reader(tokens).all();
  // "cameras" may be what is counted, or an intent of that name.
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i].named(NameKind::kIntent) == nullptr || !out[i].is(Sense::kUnitStreams)) continue;
    bool counted = false;
    for (size_t k = i; k > 0 && i - k < kNounDistanceMax + 1 && out[k - 1].kind != Kind::kPause; --k) {
      counted = counted || out[k - 1].quantity(Measure::kStreams) || out[k - 1].is(Sense::kEach) || (k == i && out[k - 1].is(Sense::kTimes));  // "twice as many cameras"
    }
    // "kerb cameras": of some kind, not the intent.
    const bool streams = std::any_of(out.begin(), out.end(), [](const Token& token) { return token.quantity(Measure::kStreams); });
    const bool described = streams && i > 0 && out[i - 1].kind == Kind::kWord && out[i - 1].meanings.empty() && out[i - 1].end - out[i - 1].begin > 3 && out[i - 1].begin > 0;
    // "bakery cameras, 3 streams": of both, until it is known what is wished.
    if (!counted && !described) continue;
    std::erase_if(out[i].meanings, [&](const Meaning& meaning) { return meaning.is_name == (counted || described); });
  }
  return out;
}

}  // namespace weir::language
