#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/understanding.h"
#include "core/result/result.h"
#include "service/intent/draft.h"
#include "service/intent/past.h"
#include "weir/v1/service.pb.h"

namespace weir::intent {

// What is spoken about: a domain, as the speaker may know it.
struct Scene {
  Domain domain;
  std::string tenant;                    // for whom new work is; empty: it was not said
  std::string name;                      // of new work; empty: after what it does
  std::vector<v1::IntentName> intents;   // that may be spoken of
  v1::IntentName about;                  // one of them, that is meant until a name is said; its name may be empty
  std::function<Result<v1::Intent>(const v1::IntentName&)> read;  // one of them, as it would be applied again
  std::vector<Remembered> past = {};     // of the tenant; empty: nothing is learnt from
};

inline constexpr int kUtterancesMax = 32;  // of one conversation

// One conversation: what each utterance asks for, in the light of those before. Changes nothing and plans nothing; equal utterances in an
// equal scene give equal wishes, so that a conversation can be taken up anywhere by saying it all again.
class Dialogue {
 public:
  // `understand` knows names_of(scene.domain).
  Dialogue(Scene scene, Understand understand) : scene_(std::move(scene)), understand_(std::move(understand)) {}

  // The wishes of one utterance, and the language, into `out`. kInvalid: the text is not one, or cannot be done to the intent.
  Status hear(std::string_view text, const SpokenAt& at, v1::AskResponse& out);

 private:
  struct Utterance {
    std::string_view text;
    Language language;
    int32_t utc_offset_s;
  };
  Status answer(const Frame& frame, v1::Wish& wish);
  Status request(const Frame& frame, bool wanted, v1::Wish& wish);
  void give_name();
  Status edit(const Frame& frame, v1::Wish& wish);
  Status offer(bool wanted, v1::Wish& wish);
  bool judge(const Frame& frame, v1::AskResponse& out) const;
  void show_past(const std::vector<Alike>& cases, v1::Wish& wish) const;
  void accept(const v1::Wish& said, v1::AskResponse& out);
  Status how_much(const Frame& frame, v1::Wish& wish);
  void cancel(const Frame& frame, v1::Wish& wish);
  void unchanged(v1::Wish& wish) const;
  static void withdraw(const v1::IntentName& intent, v1::Wish& wish);
  void explain(const Frame& frame, bool supposing, v1::Wish& wish);
  void status(const Frame& frame, v1::Wish& wish);
  void where(const Frame& frame, v1::Wish& wish) const;

  const v1::IntentName* target(const Frame& frame) const;
  std::vector<std::string> suppositions(const Frame& frame) const;
  void question(v1::Wish& wish, Slot slot, std::string_view english, std::string_view chinese) const;
  void which(v1::Wish& wish) const;
  std::string_view in(std::string_view english, std::string_view chinese) const {
    return said_.language == Language::kChinese ? chinese : english;
  }

  Scene scene_;
  const Understand understand_;
  Utterance said_{};
  std::optional<Frame> before_;
  v1::Intent current_;
  std::string work_;  // of it, as far as it was said
  size_t new_ = 0;  // intents of this utterance, whose names are the last of the scene's
  std::vector<v1::Intent> offered_, offering_;  // by the utterances before, and by this one
};

}  // namespace weir::intent
