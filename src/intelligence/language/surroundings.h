#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "intelligence/language/tokens.h"

namespace weir::language {

inline constexpr int64_t kSecondUs = 1'000'000;
inline constexpr int64_t kMinuteUs = 60 * kSecondUs;

bool is_place(const Token& token);

// What stands about the tokens of a wish. Distances are in tokens, and nothing is looked for beyond the pauses of its clause, where
// nothing else is said.
class Surroundings {
 public:
  Surroundings(std::span<const Token> wish, const Characters& characters) : wish_(wish), characters_(characters) {}

  static constexpr int kClause = 64;

  // Token k places from i in the same clause, or none.
  const Token* near(size_t i, int k) const;
  bool before(size_t i, Sense sense, int distance) const;
  bool after(size_t i, Sense sense, int distance) const;
  bool about(size_t i, Sense sense, int distance) const { return before(i, sense, distance) || after(i, sense, distance); }
  bool in_clause(size_t i, Sense sense) const { return wish_[i].is(sense) || about(i, sense, kClause); }
  bool in_wish(Sense sense) const;
  // Whether the token is one of these words.
  bool spelled(const Token* token, std::initializer_list<std::u32string_view> words) const;

  // Whether a time to answer within stands behind token i in its clause.
  bool timed_behind(size_t i) const;
  // 周四上午看片，那之前要好: whether it is to be done before the time of token i, in whatever clause that is said.
  bool before_that(size_t i) const;
  // How many things were counted of which each has the streams of token i: 8个路口，每个路口4路; 三个岗亭，一个岗亭一路. Else 1.
  int64_t things_with(size_t i) const;
  // 病历只放浙江: what is said to be there alone, or to be kept there, is data. `first` is the first name of places that stand together.
  bool data_stays(size_t first) const;
  // "the night train", "trains at platform 4": what runs on rails.
  bool on_rails(size_t i) const;
  // Whether the word is of what is filmed, recorded or made to be seen.
  bool is_footage(const Token* token) const;
  // Whether the word is of what one complains of: "thefts".
  bool is_mishap(const Token* token) const;
  // Whether what is counted at token i speaks, or is where somebody speaks: "8 classrooms", "15 press conferences".
  bool voices_behind(size_t i) const;
  // Whether it is done as it happens.
  bool at_once() const;
  // Whether the work at token i is only what other work of its clause is done with: "face recognition training", "train a chatbot",
  // "the database of our game".
  bool is_object(size_t i) const;
  // metro总掉线，别放那儿: an exclusion behind the last name of places, there or in the next clause, that could be about nothing else.
  bool excluded_behind(size_t last) const;
  // The slot that a noun of the clause names, for what changes without a figure.
  Slot spoken_slot(size_t i, Slot otherwise) const;
  // A Chinese word for a job says what is done, and other work beside it of what: 训练缺陷检测模型, 车流仿真, 客流数据分析. Training most of all.
  int32_t outweighs(const Token& token, const std::string& work) const;
  // Whether another model is wanted in place of the one at a token: "not A100 but H100", 把A100换成H100.
  bool replaced(size_t i) const;

 protected:
  std::span<const Token> wish_;
  const Characters& characters_;
};

}  // namespace weir::language
