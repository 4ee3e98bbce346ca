#include "service/intent/dialogue.h"

#include <algorithm>
#include <utility>

#include "core/ports/understanding_text.h"
#include "service/intent/places.h"
#include "service/intent/wording.h"
#include "service/resource/resource.h"

namespace weir::intent {
namespace {

bool is_name(Slot slot) {
  return slot == Slot::kKind || slot == Slot::kWorkload || slot == Slot::kArtifact || slot == Slot::kTarget || slot == Slot::kAcceleratorModel ||
         slot == Slot::kResidency || slot == Slot::kOnly || slot == Slot::kNot || slot == Slot::kPrefer || slot == Slot::kDown;
}

}  // namespace

Status Dialogue::hear(std::string_view text, const SpokenAt& at, v1::AskResponse& out) {
  const Frame stored;  // of what is spoken about: that there is something is all that counts
  const auto understood = understand_(text, at, before_ ? &*before_ : scene_.about.name().empty() ? nullptr : &stored);
  if (!understood) return tl::unexpected(understood.error());
  said_ = {text, understood->language, at.utc_offset_s};
  out.set_language(understood->language == Language::kChinese ? "zh" : "en");
  out.clear_wishes();
  new_ = 0;
  Status done;
  // What was applied is spoken of, and nothing is on offer: then it may be judged. "Too slow" asks for a change as well.
  if (understood->frames.size() == 1 && judge(understood->frames.front(), out) && understood->frames.front().act != Act::kEdit) return {};
  for (const Frame& frame : understood->frames) {
    v1::Wish& wish = *out.add_wishes();
    // A yes is about what was shown last: not about what was offered before something else was spoken of.
    if (frame.act != Act::kAccept && frame.act != Act::kEdit && frame.act != Act::kOther) offered_.clear();
    done = answer(frame, wish);
    if (!done) break;
    if (frame.act == Act::kAccept) accept(wish, out);
    if (frame.act != Act::kRequest && frame.find(Slot::kTarget) != nullptr) {
      if (const v1::IntentName* named = target(frame)) scene_.about = *named;
    }
  }
  scene_.domain.intents.resize(scene_.domain.intents.size() - new_);
  if (!offering_.empty()) offered_ = std::exchange(offering_, {});
  return done;
}

bool Dialogue::judge(const Frame& frame, v1::AskResponse& out) const {
  if (before_ || !offered_.empty()) return false;
  const auto found = judgement(said_.text, frame);
  if (!found) return false;
  const v1::IntentName* meant = frame.find(Slot::kTarget) != nullptr || !scene_.about.name().empty() ? target(frame) : nullptr;
  if (meant == nullptr) return false;
  v1::Wish& wish = *out.add_wishes();
  wish.set_act("verdict");
  wish.set_label(std::string(in("verdict", "评价")));
  wish.set_confidence_permille(900);
  v1::RateRequest& rating = *wish.mutable_rating();
  rating.set_intent(meant->name());
  rating.set_tenant(meant->tenant());
  rating.set_verdict(found->good ? "good" : "bad");
  rating.set_because(std::string(found->because));
  constexpr size_t kCommentBytesMax = 512;
  if (said_.text.size() <= kCommentBytesMax) rating.set_comment(std::string(said_.text));
  return true;
}

void Dialogue::show_past(const std::vector<Alike>& cases, v1::Wish& wish) const {
  for (const Alike& one : cases) *wish.add_past() = show(one, said_.language, said_.utc_offset_s);
}

Status Dialogue::answer(const Frame& frame, v1::Wish& wish) {
  wish.set_act(std::string(name_of(frame.act)));
  wish.set_label(std::string(label(frame.act, said_.language)));
  wish.set_confidence_permille(frame.confidence_permille);
  for (const Field& field : frame.fields) {
    v1::Understood& one = *wish.add_fields();
    one.set_field(std::string(name_of(field.slot)));
    one.set_label(std::string(label(field.slot, said_.language)));
    one.set_value(is_name(field.slot) ? field.name : value_text(field, said_.utc_offset_s));
    one.set_words(std::string(said_.text.substr(field.span.begin, field.span.end - field.span.begin)));
    one.set_begin(static_cast<uint32_t>(field.span.begin));
    one.set_end(static_cast<uint32_t>(field.span.end));
    one.set_confidence_permille(field.confidence_permille);
  }
  switch (frame.act) {
    case Act::kRequest: return request(frame, true, wish);
    case Act::kEdit: return edit(frame, wish);
    case Act::kHowMuch: return how_much(frame, wish);
    case Act::kAccept: break;  // of all that is offered
    case Act::kDecline: unchanged(wish); break;
    case Act::kCancel: cancel(frame, wish); break;
    case Act::kWhy: explain(frame, false, wish); break;
    case Act::kWhatIf: explain(frame, true, wish); break;
    case Act::kStatus: status(frame, wish); break;
    case Act::kWhere: where(frame, wish); break;
    case Act::kOther:
      if (!offered_.empty()) {
        wish.set_say(std::string(in("Nothing was agreed to. Say yes, and nothing else, to have what was shown; no, to leave it; or what should be otherwise.",
                                    "还没有同意什么。要就只说“可以”，不要就说“不要”，或者说要改什么。")));
        break;
      }
      wish.set_say(std::string(in("That is not about computing, as far as I can see. Say what should run, like: 12 camera streams, people recognised within 500 ms.",
                                  "这好像与计算无关。请说要运行什么，例如：12路摄像头，识别行人，500毫秒以内。")));
      break;
  }
  return {};
}

Status Dialogue::request(const Frame& frame, bool wanted, v1::Wish& wish) {
  before_ = frame;
  current_.Clear();
  const Field* work = frame.find(Slot::kWorkload);
  work_ = work != nullptr ? work->name : "";
  Draft drafted = draft(frame, scene_.domain, scene_.tenant, current_);
  // Compared as it usually would be, and then drafted as what it is most like.
  if (const Remembered* before = precedent(alike(scene_.past, features_of(current_, work_)))) {
    current_.Clear();
    drafted = draft(frame, scene_.domain, scene_.tenant, current_, &before->intent);
  }
  for (const Assumption& one : drafted.assumptions) {
    v1::Assumption& shown = *wish.add_assumptions();
    shown.set_field(std::string(name_of(one.slot)));
    shown.set_value(one.value);
    shown.set_text(assumption_text(one, said_.language));
    shown.set_like(one.like);
  }
  for (const Question& one : drafted.questions) {
    v1::Question& shown = *wish.add_questions();
    shown.set_field(std::string(name_of(one.doubt.slot)));
    shown.set_text(question_text(one, said_.language));
    shown.set_assumed(one.assumed);
  }
  if (drafted.complete()) {
    give_name();
    return offer(wanted, wish);
  }
  wish.set_say(std::string(in("No intent is made before that is answered.", "回答之前不生成意图。")));
  return {};
}

void Dialogue::give_name() {
  std::string& name = *current_.mutable_metadata()->mutable_name();
  if (!scene_.name.empty()) {
    name = scene_.name;
    const std::vector<std::string>& taken = scene_.domain.intents;
    for (int n = 2; new_ > 0 && std::find(taken.begin(), taken.end(), name) != taken.end(); ++n) name = scene_.name + "-" + std::to_string(n);
  }
  scene_.domain.intents.push_back(name);  // it is taken for what else is said with it
  ++new_;
}

// Shows the current intent, once it is one.
Status Dialogue::offer(bool wanted, v1::Wish& wish) {
  v1::Resource resource;
  *resource.mutable_intent() = current_;
  const auto valid = resource::from_message(resource, {}, {scene_.tenant.empty() ? "tenant" : scene_.tenant});
  if (!valid) return tl::unexpected(valid.error());
  *wish.mutable_intent() = current_;
  wish.set_work(work_);
  show_past(alike(scene_.past, features_of(current_, work_)), wish);
  wish.set_wanted(wanted);
  if (wanted) offering_.push_back(current_);
  return {};
}

Status Dialogue::edit(const Frame& frame, v1::Wish& wish) {
  if (frame.find(Slot::kTarget) != nullptr || !before_) {
    const v1::IntentName* meant = target(frame);
    if (meant == nullptr) {
      which(wish);
      return {};
    }
    auto stored = scene_.read(*meant);
    if (!stored) return tl::unexpected(stored.error());
    current_ = std::move(*stored);
    work_.clear();
  }
  v1::Intent revised = current_;
  if (const Status done = revise(frame, scene_.domain, revised); !done) {
    const Error& error = done.error();
    const auto about = std::find_if(frame.fields.begin(), frame.fields.end(), [&](const Field& field) { return name_of(field.slot) == error.where; });
    if (error.code == ErrorCode::kNotFound) {
      question(wish, about->slot, "As far as is known " + error.what + ". Which place is meant?", "没有叫“" + about->name + "”的站点或区域，或者它不在其中。指的是哪里？");
      return {};
    }
    question(wish, about->slot, "It " + error.what + ". Which figure shall it be?",
             "这样改不了" + std::string(label(about->slot, Language::kChinese)) + "：没有可改的数值，或者改后就没有了。请给出具体的数值。");
    return {};
  }
  current_ = std::move(revised);
  if (!before_) before_ = frame;
  return offer(true, wish);
}

// `said` is the last of `out`; there is one for each intent that was offered.
void Dialogue::accept(const v1::Wish& said, v1::AskResponse& out) {
  if (offered_.empty()) return question(*out.mutable_wishes()->rbegin(), Slot::kTarget, "What is to be applied?", "要应用什么？");
  const v1::Wish once = said;
  out.mutable_wishes()->RemoveLast();
  for (v1::Intent& intent : offered_) {
    v1::Wish& wish = *out.add_wishes();
    wish = once;
    *wish.mutable_intent() = std::move(intent);
    wish.set_wanted(true);
    wish.set_agreed(true);
  }
  offered_.clear();
}

Status Dialogue::how_much(const Frame& frame, v1::Wish& wish) {
  const bool described = frame.find(Slot::kWorkload) != nullptr || frame.find(Slot::kArtifact) != nullptr;
  if (frame.find(Slot::kTarget) != nullptr) {
    status(frame, wish);
  } else if (described) {
    return request(frame, false, wish);
  } else if (before_) {
    return offer(true, wish);
  } else {
    question(wish, Slot::kTarget, "The price of what? Name an intent, or say what should run.", "什么的价格？请说出意图的名字，或者要运行什么。");
  }
  return {};
}

void Dialogue::cancel(const Frame& frame, v1::Wish& wish) {
  const Field* named = frame.find(Slot::kTarget);
  if (named == nullptr) {
    const v1::IntentName* meant = before_ || scene_.about.name().empty() ? nullptr : target(frame);
    if (meant != nullptr) return withdraw(*meant, wish);
    return before_ ? unchanged(wish) : which(wish);
  }
  std::vector<const v1::IntentName*> meant;
  if (named->name == "all") {
    if (scene_.tenant.empty()) return question(wish, Slot::kTarget, "Whose? Say for which tenant.", "是谁的？请说明租户。");
    for (const v1::IntentName& one : scene_.intents) meant.push_back(&one);
  } else if (const v1::IntentName* one = target(frame)) {
    meant.push_back(one);
  }
  if (meant.empty()) return which(wish);
  for (const v1::IntentName* one : meant) withdraw(*one, wish);
}

void Dialogue::withdraw(const v1::IntentName& intent, v1::Wish& wish) {
  v1::DeleteRequest& withdrawal = *wish.add_withdrawals();
  withdrawal.set_kind("intent");
  withdrawal.set_name(intent.name());
  withdrawal.set_tenant(intent.tenant());
}

void Dialogue::unchanged(v1::Wish& wish) const { wish.set_say(std::string(in("Nothing was changed.", "没有做任何改动。"))); }

void Dialogue::explain(const Frame& frame, bool supposing, v1::Wish& wish) {
  const v1::IntentName* meant = target(frame);
  if (meant == nullptr) return which(wish);
  const std::vector<std::string> all = supposing ? suppositions(frame) : std::vector<std::string>();
  if (supposing && all.empty()) {
    return question(wish, Slot::kDown, "What would be otherwise? A site, a latency or a budget can be supposed here; more when it is explained.",
                    "假设什么不同？这里可以假设站点、时延或预算；更多可在“解释”里假设。");
  }
  v1::ExplainRequest& request = *wish.mutable_explain();
  request.set_intent(meant->name());
  request.set_tenant(meant->tenant());
  request.set_language(std::string(in("en", "zh")));
  for (const std::string& one : all) request.add_what_if(one);
}

void Dialogue::status(const Frame& frame, v1::Wish& wish) {
  const Field* named = frame.find(Slot::kTarget);
  const v1::IntentName* meant = scene_.about.name().empty() ? nullptr : target(frame);
  for (const v1::IntentName& one : scene_.intents) {
    if (named == nullptr ? !meant || meant == &one : named->name == "all" || one.name() == named->name) *wish.add_intents() = one;
  }
  if (wish.intents_size() == 0) which(wish);
}

void Dialogue::where(const Frame& frame, v1::Wish& wish) const {
  v1::SiteSearch& search = *wish.mutable_sites();
  for (const Field& field : frame.fields) {
    if (field.slot == Slot::kPrefer && field.name == "green") search.set_cleanest_first(true);
    if (field.slot != Slot::kOnly) continue;
    for (const std::string& site : sites_of(scene_.domain, field.name)) search.add_names(site);
  }
}

// The intent that is meant: named, or else the one that is spoken about, or the only one there is. Null: none was named, or one of several
// tenants.
const v1::IntentName* Dialogue::target(const Frame& frame) const {
  const Field* named = frame.find(Slot::kTarget);
  const v1::IntentName& about = scene_.about;
  const v1::IntentName* found = nullptr;
  for (const v1::IntentName& one : scene_.intents) {
    if (named != nullptr && one.name() != named->name) continue;
    if (named == nullptr && !about.name().empty() && (one.name() != about.name() || one.tenant() != about.tenant())) continue;
    if (found != nullptr) return nullptr;
    found = &one;
  }
  return found;
}

// Fields of a spec as ExplainRequest.what_if takes them.
std::vector<std::string> Dialogue::suppositions(const Frame& frame) const {
  std::vector<std::string> out;
  for (const Field& field : frame.fields) {
    std::string places;
    if (field.slot == Slot::kOnly || field.slot == Slot::kNot || field.slot == Slot::kDown) {
      for (const std::string& site : sites_of(scene_.domain, field.name)) places += (places.empty() ? "" : ",") + site;
    }
    if (field.slot == Slot::kOnly && !places.empty()) out.push_back("where.only=" + places);
    if ((field.slot == Slot::kNot || field.slot == Slot::kDown) && !places.empty()) out.push_back("where.not=" + places);
    if (field.change != Change::kSet) continue;
    const std::string value = value_text(field, said_.utc_offset_s);
    if (field.slot == Slot::kLatency) out.push_back("promise.latency=" + value);
    if (field.slot == Slot::kBudget) out.push_back("budget.max=" + value.substr(0, value.find('/')));
    if (field.slot == Slot::kAvailability) out.push_back("promise.availability=" + value);
  }
  return out;
}

void Dialogue::question(v1::Wish& wish, Slot slot, std::string_view english, std::string_view chinese) const {
  v1::Question& one = *wish.add_questions();
  one.set_field(std::string(name_of(slot)));
  one.set_text(std::string(in(english, chinese)));
}

void Dialogue::which(v1::Wish& wish) const {
  constexpr int kNamed = 3;
  std::string names;
  for (const v1::IntentName& one : scene_.intents) {
    if (&one - scene_.intents.data() == kNamed) break;
    names += (names.empty() ? "" : ", ") + (scene_.tenant.empty() ? one.tenant() + "/" : "") + one.name();
  }
  if (scene_.intents.empty()) return question(wish, Slot::kTarget, "Which intent? There is none.", "哪一个意图？现在一个也没有。");
  const bool more = scene_.intents.size() > kNamed;
  question(wish, Slot::kTarget, "Which intent, and whose? There " + std::string(scene_.intents.size() > 1 ? "are " : "is ") + names + (more ? ", ..." : "") + ".",
           "哪一个意图，是谁的？有 " + names + (more ? " 等" : "") + "。");
}

}  // namespace weir::intent
