// `weir ask` and `weir chat`: from sentences to intents that run.
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <ctime>
#include <iostream>
#include <iterator>
#include <set>

#include "app/ask_text.h"
#include "app/client.h"
#include "app/commands.h"
#include "app/exit_code.h"
#include "app/render.h"
#include "app/render_queues.h"
#include "app/table.h"
#include "intelligence/language/understand.h"
#include "intelligence/language_model/language_model.h"
#include "service/intent/dialogue.h"
#include "service/resource/resource.h"

namespace weir::app {
namespace {

struct Options {
  Target target;
  std::vector<std::string> words;
  std::string tenant, name, strategy, format = "table";
  bool yes = false, offline = false, plain = false;
};

enum class Mode : uint8_t {
  kOnce,    // one utterance, and nobody to ask
  kPerson,  // one utterance, and whatever leads to consent
  kChat,    // as many as are said
};

// One conversation: all that was said, and what is offered.
class Conversation {
 public:
  Conversation(const Options& o, Mode mode) : o_(o), mode_(mode) {}

  // Without a brain names are taken as they are, and nothing is planned.
  Status open() {
    if (o_.offline) return {};
    auto client = Client::open(o_.target);
    if (client) {
      client_.emplace(std::move(*client));
    } else {
      return without_brain(client.error());
    }
    return {};
  }

  // Answers one utterance; yields the exit code.
  Result<int> answer(const std::string& text) {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    request_.set_tenant(o_.tenant);
    request_.set_name(o_.name);
    request_.set_plain(o_.plain);
    request_.set_utc_offset_seconds(static_cast<int32_t>(local.tm_gmtoff));
    if (request_.dialogue_size() == intent::kUtterancesMax) {
      request_.clear_dialogue();
      offered_.clear();
      say("This dialogue has become too long, so that another begins: what was offered is no longer.", "对话太长了，现在重新开始：之前的方案不再有效。");
    }
    v1::Utterance& said = *request_.add_dialogue();
    said.set_text(text);
    said.set_unix_seconds(now);
    v1::AskResponse response;
    if (const Status asked = ask(response); !asked) {
      request_.mutable_dialogue()->RemoveLast();
      return tl::unexpected(asked.error());
    }
    tongue_.chinese = response.language() == "zh";
    const std::vector<v1::Intent> shown = offered();
    const std::vector<v1::Wish> wishes_shown = offered_;
    const bool declined = std::any_of(response.wishes().begin(), response.wishes().end(),
                                      [](const v1::Wish& wish) { return wish.act() == "decline" || (wish.act() == "cancel" && wish.withdrawals().empty()); });
    if (declined && !offered_.empty()) record("declined", offered_, "");
    // What could not be changed, or was about something else than computing, leaves what is offered.
    const bool leaves = std::all_of(response.wishes().begin(), response.wishes().end(),
                                    [](const v1::Wish& wish) { return !wish.has_intent() && (wish.act() == "edit" || wish.act() == "other"); });
    if (!leaves) offered_.clear();
    std::vector<v1::Intent> agreed;
    for (const v1::Wish& wish : response.wishes()) {
      if (wish.agreed()) agreed.push_back(wish.intent());
    }
    // The dialogue was heard anew in the domain of now: only what was seen is agreed to.
    const auto same = [](const v1::Intent& a, const v1::Intent& b) { return a.SerializeAsString() == b.SerializeAsString(); };
    if (!agreed.empty() && !std::equal(agreed.begin(), agreed.end(), shown.begin(), shown.end(), same)) {
      request_.clear_dialogue();
      return fail(ErrorCode::kConflict, "what was offered is otherwise now, for something has changed since: nothing was applied", "the text", "say again what is wanted");
    }
    int code = kExitOk;
    std::string answers;
    int applied = 0;
    for (const v1::Wish& wish : response.wishes()) {
      answer_ = "null";
      // All at once, with the first.
      const auto one = !wish.agreed() ? act_on(wish) : agreed.empty() ? code : apply(wishes_shown);
      if (wish.agreed()) agreed.clear();
      if (!one) return tl::unexpected(one.error());
      if (wish.agreed()) answer_ = applied < results_.size() ? json_text(results_.at(applied++)) : "null";
      answers += (answers.empty() ? "" : ",") + answer_;
      if (code == kExitOk) code = *one;
    }
    if (json()) std::cout << "{\"asked\":" << json_text(response) << ",\"answers\":[" << answers << "]}\n";
    return code;
  }

  // Offers what was understood, until it is taken, dropped or nothing more is said.
  Result<int> consent() {
    while (!offered_.empty()) {
      std::cout << tongue_.in("Apply it? yes, no, the name of a strategy, or say what should be otherwise: ", "应用吗？可以、不要、方案的名字，或者说要改什么： ")
                << std::flush;
      std::string line;
      const bool left = !std::getline(std::cin, line) || line.empty();
      if (left || line == "n" || line == "no" || line == "不要") {
        record(left ? "left" : "declined", offered_, "");
        std::cout << tongue_.in("Nothing was changed.\n", "没有做任何改动。\n");
        return static_cast<int>(kExitOk);
      }
      const bool agreed = line == "y" || line == "yes" || line == "是" || line == "可以";
      const v1::Strategy* chosen = agreed ? nullptr : strategy(line);
      const auto done = agreed ? apply(offered_) : chosen != nullptr ? apply(offered_, chosen->kind()) : answer(line);
      if (!done) print_error(done.error());
      else if (offered_.empty()) return *done;
    }
    return static_cast<int>(kExitOk);
  }
  bool offers() const { return !offered_.empty(); }

  // Answers line by line, until nothing more is said; yields what came of the last.
  Result<int> chat(bool prompts) {
    Result<int> last = static_cast<int>(kExitOk);
    for (std::string line; std::cout << (prompts ? "? " : "") << std::flush, std::getline(std::cin, line);) {
      if (line.empty()) continue;
      const v1::Strategy* chosen = strategy(line);
      last = chosen != nullptr ? apply(offered_, chosen->kind()) : answer(line);
      if (!last) print_error(last.error());
      if (table()) std::cout << "\n";
    }
    if (!offered_.empty()) record("left", offered_, "");
    return last ? last : static_cast<int>(exit_code(last.error().code));
  }

 private:
  bool json() const { return o_.format == "json"; }
  bool yaml() const { return o_.format == "yaml"; }
  bool table() const { return o_.format == "table"; }
  void say(std::string_view english, std::string_view chinese) const {
    if (table()) std::cout << wrapped(tongue_.in(english, chinese), kTableWidth);
  }

  Status without_brain(const Error& error) {
    if (o_.yes || answered_ || error.code == ErrorCode::kDenied || error.code == ErrorCode::kInvalid) return tl::unexpected(error);
    why_offline_ = error;
    client_.reset();
    return {};
  }

  Status ask(v1::AskResponse& response) {
    if (client_) {
      const Status called = client_->call(&v1::Weir::Stub::Ask, request_, response);
      answered_ = answered_ || called;
      if (called || called.error().code != ErrorCode::kUnavailable) return called;
      if (const Status without = without_brain(called.error()); !without) return without;
    }
    intent::Scene scene{.domain = {}, .tenant = o_.tenant, .name = o_.name, .intents = {}, .read = {}};
    intent::Dialogue dialogue(scene, language::understand_by(language::built_in_model())(intent::names_of(scene.domain)));
    for (const v1::Utterance& said : request_.dialogue()) {
      if (const Status heard = dialogue.hear(said.text(), {said.unix_seconds(), request_.utc_offset_seconds()}, response); !heard) {
        Error error = heard.error();
        if (error.where.empty()) error.where = "the text";
        return tl::unexpected(error);
      }
    }
    return {};
  }

  Result<int> act_on(const v1::Wish& wish) {
    if (table()) std::cout << render_understood(wish, tongue_) << render_assumptions(wish, tongue_) << render_question(wish, tongue_);
    if (!wish.say().empty()) say(wish.say(), wish.say());
    if (wish.has_intent()) return offer(wish);
    if (wish.withdrawals_size() > 0) return withdraw(wish);
    if (wish.has_rating()) return rate(wish.rating());
    if (!wish.questions().empty()) return static_cast<int>(kExitQuestion);
    if (wish.act() == "other") return static_cast<int>(kExitUsage);
    if (!client_) return offline();
    if (wish.has_explain()) return explain(wish.explain());
    if (wish.intents_size() > 0) return status(wish);
    if (wish.has_sites()) return where(wish.sites());
    return static_cast<int>(kExitOk);
  }

  Result<int> offline() const {
    const std::string why = why_offline_ ? " (" + why_offline_->text() + ")" : "";
    say("No brain answers" + why + ": nothing is planned, and names are taken as they are.", "没有连上大脑" + why + "：没有做规划，名称按原样采用。");
    return static_cast<int>(why_offline_ ? exit_code(why_offline_->code) : kExitOk);
  }

  // Shows an intent with its plan, and applies it where that was agreed to.
  Result<int> offer(const v1::Wish& wish) {
    if (yaml()) std::cout << (documents_++ > 0 ? "---\n" : "") << resource::to_yaml(wish.intent());
    if (table()) std::cout << tongue_.in("\nThe intent:\n\n", "\n意图：\n\n") << resource::to_yaml(wish.intent()) << "\n";
    if (wish.has_problem()) {
      const Error error = error_of(wish.problem());
      print_error(error);
      return exit_code(error.code);
    }
    if (!wish.has_outcome()) {
      (void)offline();
      return static_cast<int>(kExitOk);
    }
    const bool feasible = !wish.outcome().has_refusal();
    if (table()) {
      if (feasible && wish.strategies_size() > 0) std::cout << render_summary(wish.strategies(0).estimate(), tongue_);
      std::cout << render_dry_run(wish.outcome(), tongue_.chinese);
      const std::string ways = render_strategies(wish, tongue_);
      // Where there is one way alone, it is told without a table.
      const bool one = ways.empty() && wish.strategies_size() > 0;
      std::cout << ways << render_rehearsal(one ? wish.strategies(0).rehearsal() : wish.rehearsal(), tongue_) << render_past(wish, tongue_);
    }
    if (wish.wanted()) {
      offered_.push_back(wish);
      if (!o_.strategy.empty() || (feasible && o_.yes)) {
        const v1::Strategy* chosen = o_.strategy.empty() ? nullptr : strategy(o_.strategy);
        if (!o_.strategy.empty() && chosen == nullptr) {
          offered_.clear();
          return fail(ErrorCode::kInfeasible, "there is no such way to have it", "--strategy " + o_.strategy, "take one of those shown, or leave it out");
        }
        if (o_.yes) return apply({wish}, chosen != nullptr ? chosen->kind() : "");
      }
    }
    if (!feasible) return static_cast<int>(kExitInfeasible);
    if (wish.wanted() && mode_ == Mode::kOnce) say("Nothing was changed. With --yes it is applied.", "没有做任何改动。加 --yes 就会应用。");
    if (wish.wanted() && mode_ == Mode::kChat) {
      say("Nothing was changed. Say yes to apply it, the name of a strategy, or what should be otherwise.", "没有做任何改动。说“可以”就会应用；也可以说方案的名字，或者要改什么。");
    }
    return static_cast<int>(kExitOk);
  }

  // By its name, of the only wish that is offered: of several it would not be said whose.
  const v1::Strategy* strategy(const std::string& kind) const {
    if (offered_.size() != 1) return nullptr;
    for (const v1::Strategy& one : offered_.front().strategies()) {
      if (one.kind() == kind) return &one;
    }
    return nullptr;
  }
  std::vector<v1::Intent> offered() const {
    std::vector<v1::Intent> out;
    for (const v1::Wish& wish : offered_) out.push_back(wish.intent());
    return out;
  }

  // The way of that name to have a wish, or the wish as it is.
  static const v1::Intent& way(const v1::Wish& wish, const std::string& kind) {
    for (const v1::Strategy& one : wish.strategies()) {
      if (one.kind() == kind) return one.intent();
    }
    return wish.intent();
  }
  // Writes down how the dialogue ended. What was done stands without it, so that a failure is a note.
  void record(const char* end, const std::vector<v1::Wish>& wishes, const std::string& strategy) {
    if (!client_ || o_.plain || wishes.empty()) return;
    v1::RecordDialogueRequest request;
    request.set_tenant(wishes.front().intent().metadata().tenant());
    request.set_language(tongue_.chinese ? "zh" : "en");
    request.set_end(end);
    for (const v1::Utterance& said : request_.dialogue()) request.add_said(said.text());
    for (const v1::Wish& wish : wishes) {
      if (wish.has_problem()) return;  // nothing was planned
      v1::DialogueOutcome& outcome = *request.add_outcomes();
      *outcome.mutable_intent() = way(wish, strategy);
      outcome.set_work(wish.work());
      for (const v1::Strategy& one : wish.strategies()) outcome.add_offered(one.kind());
      const bool offered = std::find(outcome.offered().begin(), outcome.offered().end(), strategy) != outcome.offered().end();
      if (offered && std::string_view(end) == "taken") outcome.set_taken(strategy);
    }
    v1::RecordDialogueResponse response;
    if (const Status called = client_->call(&v1::Weir::Stub::RecordDialogue, request, response); !called) {
      const std::string why = called.error().text();
      if (table()) say("This dialogue was not recorded: " + why, "这次对话没有记录：" + why);
      else std::cerr << "note: this dialogue was not recorded: " << why << "\n";
    }
  }

  Result<int> rate(const v1::RateRequest& request) {
    if (!client_) return offline();
    v1::RateResponse response;
    if (const Status called = client_->call(&v1::Weir::Stub::Rate, request, response); !called) return tl::unexpected(called.error());
    answer_ = json_text(response);
    if (table()) std::cout << render_rated(request, response, tongue_);
    return static_cast<int>(kExitOk);
  }

  // By value: what is offered ends with it, and what was said until then is said of what is no more.
  Result<int> apply(std::vector<v1::Wish> wishes, std::string strategy = "") {
    offered_.clear();
    results_.Clear();
    if (!client_) return offline();
    v1::ApplyRequest request;
    for (const v1::Wish& wish : wishes) *request.add_resources()->mutable_intent() = way(wish, strategy);
    v1::ApplyResponse response;
    if (const Status called = client_->call(&v1::Weir::Stub::Apply, request, response); !called) return tl::unexpected(called.error());
    record("taken", wishes, strategy.empty() ? "asked" : strategy);
    request_.clear_dialogue();
    request_.clear_about();
    results_ = response.results();
    for (const v1::ApplyResult& result : results_) {
      answer_ = json_text(result);
      const std::string named = result.tenant() + "/" + result.name(),
                        follow = "weir wait intent/" + result.name() + " --tenant " + result.tenant() + " --for running";
      say("Intent " + named + " " + result.action() + ". Follow it: " + follow,
          "意图 " + named + (result.action() == "created" ? " 已建立" : result.action() == "changed" ? " 已修改" : " 已是这样") + "。跟踪： " + follow);
    }
    if (results_.size() == 1) {
      request_.mutable_about()->set_tenant(results_.at(0).tenant());
      request_.mutable_about()->set_name(results_.at(0).name());
    }
    return static_cast<int>(kExitOk);
  }

  Result<int> withdraw(const v1::Wish& wish) {
    std::string all;
    for (const v1::DeleteRequest& one : wish.withdrawals()) all += (all.empty() ? "" : ", ") + one.tenant() + "/" + one.name();
    if (!o_.yes && !(mode_ != Mode::kOnce && table() && agreed("Withdraw " + all + "? ", "取消 " + all + " 吗？ "))) {
      say("Nothing was changed. With --yes these are withdrawn: " + all, "没有做任何改动。加 --yes 就会取消：" + all);
      return static_cast<int>(kExitOk);
    }
    if (!client_) return offline();
    for (const v1::DeleteRequest& one : wish.withdrawals()) {
      v1::DeleteResponse response;
      if (const Status called = client_->call(&v1::Weir::Stub::Delete, one, response); !called) return tl::unexpected(called.error());
      answer_ = json_text(response);
    }
    say("Withdrawn: " + all, "已取消：" + all);
    return static_cast<int>(kExitOk);
  }
  bool agreed(const std::string& english, const std::string& chinese) const {
    std::cout << tongue_.in(english + "[yes/no] ", chinese + "[是/否] ") << std::flush;
    std::string line;
    return std::getline(std::cin, line) && (line == "yes" || line == "y" || line == "是");
  }

  Result<int> explain(const v1::ExplainRequest& request) {
    v1::ExplainResponse response;
    if (const Status called = client_->call(&v1::Weir::Stub::Explain, request, response); !called) return tl::unexpected(called.error());
    answer_ = json_text(response);
    if (yaml()) {
      std::cout << resource::to_yaml(response);
    } else if (table() && request.what_if_size() > 0) {
      std::string changes;
      for (const std::string& one : request.what_if()) changes += (changes.empty() ? "" : ", ") + one;
      std::cout << render_outlooks(response.now(), response.what_if(), changes, kTableWidth);
    } else if (table()) {
      std::cout << wrapped(response.text(), kTableWidth);
    }
    return static_cast<int>(kExitOk);
  }

  Result<int> status(const v1::Wish& wish) {
    std::set<std::pair<std::string, std::string>> wanted;
    for (const v1::IntentName& one : wish.intents()) wanted.emplace(one.tenant(), one.name());
    v1::ListRequest request;
    request.set_kind("intents");
    request.set_tenant(o_.tenant);
    const auto all = client_->list_all(request);
    if (!all) return tl::unexpected(all.error());
    google::protobuf::RepeatedPtrField<v1::Resource> shown;
    for (const v1::Resource& item : all->items()) {
      if (wanted.contains({item.intent().metadata().tenant(), item.intent().metadata().name()})) *shown.Add() = item;
    }
    answer_ = render("intents", shown, Format::kJson);
    if (!json()) std::cout << render("intents", shown, yaml() ? Format::kYaml : Format::kTable);
    return static_cast<int>(kExitOk);
  }

  Result<int> where(const v1::SiteSearch& search) {
    v1::ListRequest request;
    request.set_kind("sites");
    const auto all = client_->list_all(request);
    if (!all) return tl::unexpected(all.error());
    answer_ = render("sites", all->items(), Format::kJson);
    if (yaml()) std::cout << render("sites", all->items(), Format::kYaml);
    if (table()) std::cout << render_free(all->items(), search);
    return static_cast<int>(kExitOk);
  }

  const Options& o_;
  const Mode mode_;
  std::optional<Client> client_;
  std::optional<Error> why_offline_;
  v1::AskRequest request_;
  Tongue tongue_;
  std::vector<v1::Wish> offered_;  // of the last utterance
  std::string answer_;             // to the wish at hand, in JSON
  google::protobuf::RepeatedPtrField<v1::ApplyResult> results_;  // of what was applied last
  bool answered_ = false;          // a brain did
  int documents_ = 0;
};

Status ask(const Options& o) {
  const bool people = o.format == "table" && !o.yes && isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  std::string text;
  for (const std::string& word : o.words) text += (text.empty() ? "" : " ") + word;
  if (text.empty()) {
    if (people) {
      std::cout << "? " << std::flush;
      std::getline(std::cin, text);
    } else {
      // One byte more than may be, so that what is too long is said to be.
      text.resize(language::kUtteranceBytesMax + 1);
      std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
      text.resize(static_cast<size_t>(std::cin.gcount()));
    }
  }
  Conversation conversation(o, people ? Mode::kPerson : Mode::kOnce);
  if (const Status opened = conversation.open(); !opened) return opened;
  const auto code = conversation.answer(text);
  if (!code) return tl::unexpected(code.error());
  if (!people || !conversation.offers()) {
    if (*code != kExitOk) exit_with(*code);
    return {};
  }
  const auto agreed = conversation.consent();
  if (!agreed) return tl::unexpected(agreed.error());
  if (*agreed != kExitOk) exit_with(*agreed);
  return {};
}

Status chat(const Options& o) {
  Conversation conversation(o, Mode::kChat);
  if (const Status opened = conversation.open(); !opened) return opened;
  const auto code = conversation.chat(isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0);
  if (*code != kExitOk) exit_with(*code);
  return {};
}

void add_common_options(CLI::App& command, Options& options) {
  command.add_option("--tenant", options.tenant, "For whom, or whose; where there is one tenant, that one");
  command.add_option("--name", options.name, "Name of the intent (default: after the work)");
  command.add_flag("--offline", options.offline, "Ask no brain: names are taken as they are");
  command.add_option("-o,--output", options.format, "table, json or yaml (the intent alone)")
      ->check(CLI::IsMember(std::vector<std::string>{"table", "json", "yaml"}))
      ->capture_default_str();
  command.add_flag("--plain", options.plain, "As if nothing was remembered of earlier dialogues; and this one is not recorded");
  add_target_options(command, options.target);
}

}  // namespace

void add_chat_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("chat", "Say it sentence by sentence: each changes what was answered before");
  const auto options = std::make_shared<Options>();
  add_common_options(*command, *options);
  command->footer(R"(
Ends when nothing more is said (Ctrl-D). What is offered is applied when you say
yes, or the name of a strategy; withdrawing is asked for. Without a terminal the
lines of standard input are what is said.

Examples:
  weir chat --tenant city
  printf '12 streams of detection from street-a\nwithin 300 ms\nyes\n' |
    weir chat --tenant city)");
  command->callback([options] { finish(chat(*options)); });
}

void add_ask_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("ask", "Say what you need, in Chinese or English: the intent, its plan, its price");
  const auto options = std::make_shared<Options>();
  command->add_option("TEXT", options->words, "What you need, or want to know; nothing: from standard input")->type_name("");
  add_common_options(*command, *options);
  command->add_option("--strategy", options->strategy, "With --yes: apply this way to have it, not what was asked (fastest, cleanest, ...)");
  command->add_flag("-y,--yes", options->yes, "Apply or withdraw it without asking");
  command->footer(R"(
Changes nothing without --yes, or your consent on a terminal. Exits with 9 when
a question has to be answered first, and with 6 when no plan satisfies it.

Examples:
  weir ask "12 streams of 1080p video, objects detected within 500 ms"
  weir ask "需要对12路1080p视频做物体识别，处理时延不超过500ms" --yes
  weir ask "train on 8 A100, done by 6am, at most 300 in total" -o yaml
  weir ask "12 streams of detection from street-a" --strategy cleanest --yes
  weir ask "why is cameras at metro?"      and: what if metro fails? where is it
                                           cheapest? stop cameras)");
  command->callback([options] { finish(ask(*options)); });
}

}  // namespace weir::app
