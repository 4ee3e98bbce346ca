#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "intelligence/language/tokens.h"

namespace weir::language {

bool is_place(const Token& token);

// What places are named for.
enum class Role : uint8_t { kPlain, kAt, kFrom, kOnly, kNot, kResidency, kDown };

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

  // 8核够了，给12核: whether the amount at token i is said to be enough, too much or too little.
  bool found_wanting(size_t i) const;
  // 四点要看: whether it is needed by the time of token i.
  bool needed_at(size_t i) const;
  // Whether it starts at the time of token i: "8 pm start", but not 八点开播前.
  bool started_at(size_t i) const;
  // Whether the model at token i is found needless or too dear: H100没必要，用A100.
  bool model_refused(size_t i) const;
  // p99改p95: whether another percentile is wanted in place of that of token i.
  bool percentile_replaced(size_t i) const;
  // 万一上海挂了能切走: whether the places that end at a token are said to fail.
  bool fails_behind_places(size_t last) const;
  // 门口在street-a，那边5路: the streams of the site that ends at a token, in the next clause; else the number of tokens.
  size_t streams_there(size_t first, size_t last) const;
  // 赶紧报警: whether token i says how soon something is told of what is seen, not how soon it is done.
  bool only_told_soon(size_t i) const;

  bool spelled_near(size_t i, std::initializer_list<std::u32string_view> words, int distance) const;
  // The slot that a noun of the clause names, for what changes without a figure.
  Slot spoken_slot(size_t i, Slot otherwise) const;
  // A Chinese word for a job says what is done, and other work beside it of what: 训练缺陷检测模型, 车流仿真, 客流数据分析. Training most of all.
  int32_t outweighs(const Token& token, const std::string& work) const;
  // Whether another model is wanted in place of the one at a token: "not A100 but H100", 把A100换成H100.
  bool replaced(size_t i) const;

  bool streams_before(size_t i) const;
  bool streams_at(size_t i) const { return i < wish_.size() && wish_[i].quantity(Measure::kStreams); }
  // What the places from token `first` to token `last` are named for in a wish of this act. `counted`: the token of their streams, if one is found; `each`: so many
  // at each of them.
  Role role_of(size_t first, size_t last, Act act, size_t& counted, bool& each) const;

 protected:
  std::span<const Token> wish_;
  const Characters& characters_;
};

}  // namespace weir::language
