// `weir ask`: from a sentence to an intent that runs.
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <ctime>
#include <iostream>
#include <iterator>

#include "app/ask_domain.h"
#include "app/ask_text.h"
#include "app/commands.h"
#include "app/exit_code.h"
#include "app/render.h"
#include "app/render_queues.h"
#include "intelligence/language/frame_text.h"
#include "intelligence/language/understand.h"
#include "service/intent/places.h"
#include "service/intent/wording.h"
#include "service/resource/resource.h"

namespace weir::app {
namespace {

struct Options {
  Target target;
  std::vector<std::string> words;
  std::string tenant, name, format = "table";
  bool yes = false, offline = false;
};

SpokenAt spoken_now() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return {now, static_cast<int32_t>(local.tm_gmtoff)};
}

// One conversation: what is known of the domain, and the intent that is talked about.
class Conversation {
 public:
  Conversation(const Options& o, bool people) : o_(o), people_(people) { known_.tenant = o.tenant; }

  // Learns the domain. Without a brain the names in the text are taken as they are.
  Status open() {
    if (!o_.offline) {
      auto client = Client::open(o_.target);
      if (client) {
        auto known = read_domain(*client, o_.tenant);
        if (known) {
          known_ = std::move(*known);
          client_.emplace(std::move(*client));
        } else {
          why_offline_ = known.error();
        }
      } else {
        why_offline_ = client.error();
      }
      if (why_offline_ && (o_.yes || why_offline_->code == ErrorCode::kDenied || why_offline_->code == ErrorCode::kInvalid)) return tl::unexpected(*why_offline_);
    }
    gazetteer_.emplace(intent::names_of(known_.domain));
    return {};
  }

  // Answers one utterance; yields the exit code.
  Result<int> answer(const std::string& text) {
    const SpokenAt at = spoken_now();
    const auto understood = language::understand(text, *gazetteer_, at, before_ ? &*before_ : nullptr);
    if (!understood) {
      Error error = understood.error();
      error.where = "the text";
      return tl::unexpected(error);
    }
    said_ = {text, understood->language, at.utc_offset_s};
    if (json()) std::cout << "[";
    int code = kExitOk;
    for (size_t i = 0; i < understood->frames.size(); ++i) {
      if (json() && i > 0) std::cout << ",\n";
      const auto one = act_on(understood->frames[i]);
      if (!one) {
        if (json()) std::cout << "]\n";
        return tl::unexpected(one.error());
      }
      if (code == kExitOk) code = *one;
    }
    if (json()) std::cout << "]\n";
    return code;
  }

  // Offers what was drafted, until it is taken, dropped or nothing more is said.
  Result<int> consent() {
    while (offered_) {
      std::cout << in(said_.language, "Apply it? yes, no, or say what should be otherwise: ", "应用吗？可以、不要，或者说要改什么： ") << std::flush;
      std::string line;
      if (!std::getline(std::cin, line) || line == "n" || line == "no" || line == "不要" || line.empty()) {
        std::cout << in(said_.language, "Nothing was changed.\n", "没有做任何改动。\n");
        return static_cast<int>(kExitOk);
      }
      const auto done = line == "y" || line == "是" ? apply() : answer(line);
      if (!done) print_error(done.error());
      else if (!offered_) return *done;
    }
    return static_cast<int>(kExitOk);
  }
  bool offers() const { return offered_; }

 private:
  bool json() const { return o_.format == "json"; }
  bool yaml() const { return o_.format == "yaml"; }
  bool table() const { return o_.format == "table"; }
  void say(std::string_view english, std::string_view chinese) {
    if (table()) std::cout << wrapped(in(said_.language, english, chinese), kTableWidth);
  }

  Result<int> act_on(const Frame& frame) {
    if (table()) std::cout << render_understood(frame, said_);
    else if (json()) std::cout << json_of(frame, said_);
    Result<int> code = kExitOk;
    switch (frame.act) {
      case Act::kRequest: code = request(frame, true); break;
      case Act::kHowMuch: code = how_much(frame); break;
      case Act::kEdit: code = edit(frame); break;
      case Act::kAccept: code = offered_ ? apply() : question("What is to be applied?", "要应用什么？"); break;
      case Act::kCancel: code = cancel(frame); break;
      case Act::kWhy: code = explain(frame, false); break;
      case Act::kWhatIf: code = explain(frame, true); break;
      case Act::kStatus: code = status(frame); break;
      case Act::kWhere: code = where(frame); break;
      case Act::kOther:
        say("That is not about computing, as far as I can see. Say what should run, like: 12 camera streams, people recognised within 500 ms.",
            "这好像与计算无关。请说要运行什么，例如：12路摄像头，识别行人，500毫秒以内。");
        code = kExitUsage;
        break;
    }
    if (json()) std::cout << "}";
    return code;
  }

  Result<int> question(std::string_view english, std::string_view chinese) {
    say("Question: " + std::string(english), "请问：" + std::string(chinese));
    if (json()) std::cout << ",\"question\":\"" << in(said_.language, english, chinese) << "\"";
    return static_cast<int>(kExitQuestion);
  }

  Result<int> request(const Frame& frame, bool wanted) {
    before_ = frame;
    current_.Clear();
    const intent::Draft drafted = intent::draft(frame, known_.domain, known_.tenant, current_);
    if (!o_.name.empty()) current_.mutable_metadata()->set_name(o_.name);
    if (json()) std::cout << "," << json_of(drafted, said_.language);
    if (table()) std::cout << render_assumptions(drafted, said_.language) << render_question(drafted, said_.language);
    if (!drafted.complete()) {
      offered_ = false;
      say("No intent is made before that is answered.", "回答之前不生成意图。");
      return static_cast<int>(kExitQuestion);
    }
    return offer(wanted);
  }

  // Shows the current intent and the plan for it, and applies it where that was agreed to.
  Result<int> offer(bool wanted) {
    v1::Resource resource;
    *resource.mutable_intent() = current_;
    const auto valid = resource::from_message(resource, {}, {known_.tenant.empty() ? "tenant" : known_.tenant});
    if (!valid) return tl::unexpected(valid.error());
    if (json()) std::cout << ",\"intent\":" << json_text(current_);
    if (yaml()) std::cout << (documents_++ > 0 ? "---\n" : "") << resource::to_yaml(current_);
    if (table()) {
      std::cout << in(said_.language, "\nThe intent:\n\n", "\n意图：\n\n") << resource::to_yaml(current_) << "\n";
    }
    offered_ = false;
    if (!client_) {
      if (why_offline_) {
        say("No brain answers (" + why_offline_->text() + "): nothing is planned, and names are taken as they are.",
            "没有连上大脑（" + why_offline_->text() + "）：没有做规划，名称按原样采用。");
      }
      return static_cast<int>(kExitOk);
    }
    v1::ApplyRequest request;
    request.set_dry_run(true);
    *request.add_resources() = resource;
    v1::ApplyResponse response;
    if (const Status called = client_->call(&v1::Weir::Stub::Apply, request, response); !called) return tl::unexpected(called.error());
    bool feasible = true;
    for (const v1::ApplyResult& result : response.results()) {
      feasible = feasible && !result.has_refusal();
      if (json()) std::cout << ",\"dry_run\":" << json_text(result);
      if (!table()) continue;
      if (result.has_plan()) std::cout << render_summary(result.plan(), said_.language);
      std::cout << render_dry_run(result);
    }
    if (!feasible) return static_cast<int>(kExitInfeasible);
    if (!wanted) return static_cast<int>(kExitOk);
    if (o_.yes) return apply();
    offered_ = true;
    if (!people_) say("Nothing was changed. With --yes it is applied.", "没有做任何改动。加 --yes 就会应用。");
    return static_cast<int>(kExitOk);
  }

  Result<int> apply() {
    v1::ApplyRequest request;
    *request.add_resources()->mutable_intent() = current_;
    v1::ApplyResponse response;
    offered_ = false;
    if (const Status called = client_->call(&v1::Weir::Stub::Apply, request, response); !called) return tl::unexpected(called.error());
    for (const v1::ApplyResult& result : response.results()) {
      const std::string named = result.tenant() + "/" + result.name();
      if (json()) std::cout << ",\"applied\":\"" << result.action() << "\"";
      say("Intent " + named + " " + result.action() + ". Follow it: weir wait intent/" + result.name() + " --tenant " + result.tenant() + " --for running",
          "意图 " + named + " 已" + (result.action() == "created" ? "建立" : result.action() == "changed" ? "修改" : "是这样") +
              "。跟踪： weir wait intent/" + result.name() + " --tenant " + result.tenant() + " --for running");
    }
    return static_cast<int>(kExitOk);
  }

  // The intent that is meant: named, or else the only one there is.
  const v1::Intent* target(const Frame& frame) const {
    const Field* named = frame.find(Slot::kTarget);
    const v1::Intent* found = nullptr;
    for (const v1::Resource& item : known_.intents) {
      if (named != nullptr && item.intent().metadata().name() != named->name) continue;
      if (found != nullptr) return nullptr;  // of several tenants, or none was named
      found = &item.intent();
    }
    return found;
  }
  Result<int> which() {
    return question("Which intent? 'weir get intents' lists them; --tenant says whose.", "哪一个意图？“weir get intents”列出它们，--tenant 说明是谁的。");
  }

  Result<int> edit(const Frame& frame) {
    const bool named = frame.find(Slot::kTarget) != nullptr;
    if (named || !before_) {
      const v1::Intent* meant = target(frame);
      if (meant == nullptr) return which();
      current_ = *meant;
      current_.clear_status();
      current_.mutable_metadata()->set_generation(0);
    }
    if (const Status done = intent::revise(frame, known_.domain, current_); !done) {
      Error error = done.error();
      error.where = current_.metadata().name();
      return tl::unexpected(error);
    }
    return offer(true);
  }

  Result<int> cancel(const Frame& frame) {
    const Field* named = frame.find(Slot::kTarget);
    if (named == nullptr) {
      if (!before_) return which();
      offered_ = false;
      say("Nothing was changed.", "没有做任何改动。");
      return static_cast<int>(kExitOk);
    }
    std::vector<const v1::Intent*> meant;
    if (named->name == "all") {
      if (known_.tenant.empty()) return question("Whose? Give --tenant.", "是谁的？请给出 --tenant。");
      for (const v1::Resource& item : known_.intents) meant.push_back(&item.intent());
    } else if (const v1::Intent* one = target(frame)) {
      meant.push_back(one);
    }
    if (meant.empty()) return which();
    std::string all;
    for (const v1::Intent* one : meant) all += (all.empty() ? "" : ", ") + one->metadata().tenant() + "/" + one->metadata().name();
    if (!o_.yes && !(people_ && agreed("Withdraw " + all + "? ", "取消 " + all + " 吗？ "))) {
      say("Nothing was changed. With --yes these are withdrawn: " + all, "没有做任何改动。加 --yes 就会取消：" + all);
      return static_cast<int>(kExitOk);
    }
    for (const v1::Intent* one : meant) {
      v1::DeleteRequest request;
      request.set_kind("intent");
      request.set_name(one->metadata().name());
      request.set_tenant(one->metadata().tenant());
      v1::DeleteResponse response;
      if (const Status called = client_->call(&v1::Weir::Stub::Delete, request, response); !called) return tl::unexpected(called.error());
    }
    say("Withdrawn: " + all, "已取消：" + all);
    return static_cast<int>(kExitOk);
  }
  bool agreed(const std::string& english, const std::string& chinese) {
    std::cout << in(said_.language, english + "[yes/no] ", chinese + "[是/否] ") << std::flush;
    std::string line;
    return std::getline(std::cin, line) && (line == "yes" || line == "y" || line == "是");
  }

  Result<int> how_much(const Frame& frame) {
    const bool described = frame.find(Slot::kWorkload) != nullptr || frame.find(Slot::kArtifact) != nullptr;
    if (frame.find(Slot::kTarget) != nullptr) return status(frame);
    if (described) return request(frame, false);
    if (before_ && client_) return offer(true);
    return question("The price of what? Name an intent, or say what should run.", "什么的价格？请说出意图的名字，或者要运行什么。");
  }

  // Fields of a spec as `weir explain --what-if` takes them.
  std::vector<std::string> suppositions(const Frame& frame) const {
    std::vector<std::string> out;
    for (const Field& field : frame.fields) {
      std::vector<std::string> sites;
      if (field.slot == Slot::kOnly || field.slot == Slot::kNot || field.slot == Slot::kDown) sites = intent::sites_of(known_.domain, field.name);
      std::string all;
      for (const std::string& site : sites) all += (all.empty() ? "" : ",") + site;
      const std::string value = language::value_text(field, said_.utc_offset_s);
      if (field.slot == Slot::kOnly && !all.empty()) out.push_back("where.only=" + all);
      if ((field.slot == Slot::kNot || field.slot == Slot::kDown) && !all.empty()) out.push_back("where.not=" + all);
      if (field.change != Change::kSet) continue;
      if (field.slot == Slot::kLatency) out.push_back("promise.latency=" + value);
      if (field.slot == Slot::kBudget) out.push_back("budget.max=" + value.substr(0, value.find('/')));
      if (field.slot == Slot::kAvailability) out.push_back("promise.availability=" + value);
    }
    return out;
  }

  Result<int> explain(const Frame& frame, bool supposing) {
    const v1::Intent* meant = target(frame);
    if (meant == nullptr || !client_) return which();
    v1::ExplainRequest request;
    request.set_intent(meant->metadata().name());
    request.set_tenant(meant->metadata().tenant());
    if (supposing) {
      const std::vector<std::string> all = suppositions(frame);
      if (all.empty()) {
        return question("What would be otherwise? A site, a latency or a budget can be supposed here; more with 'weir explain --what-if'.",
                        "假设什么不同？这里可以假设站点、时延或预算；更多用“weir explain --what-if”。");
      }
      for (const std::string& one : all) request.add_what_if(one);
    }
    v1::ExplainResponse response;
    if (const Status called = client_->call(&v1::Weir::Stub::Explain, request, response); !called) return tl::unexpected(called.error());
    if (json()) {
      std::cout << ",\"explanation\":" << json_text(response);
    } else if (yaml()) {
      std::cout << resource::to_yaml(response);
    } else if (supposing) {
      std::string changes;
      for (const std::string& one : request.what_if()) changes += (changes.empty() ? "" : ", ") + one;
      std::cout << render_outlooks(response.now(), response.what_if(), changes, kTableWidth);
    } else {
      std::cout << wrapped(response.text(), kTableWidth);
    }
    return static_cast<int>(kExitOk);
  }

  Result<int> status(const Frame& frame) {
    google::protobuf::RepeatedPtrField<v1::Resource> shown;
    const Field* named = frame.find(Slot::kTarget);
    for (const v1::Resource& item : known_.intents) {
      if (named == nullptr || item.intent().metadata().name() == named->name) *shown.Add() = item;
    }
    if (!client_ || shown.empty()) return which();
    if (json()) {
      std::cout << ",\"intents\":" << render("intents", shown, Format::kJson);
    } else {
      std::cout << render("intents", shown, yaml() ? Format::kYaml : Format::kTable);
    }
    return static_cast<int>(kExitOk);
  }

  Result<int> where(const Frame& frame) {
    if (!client_) {
      return question("No brain answers, so nothing is known of what is free. Which one is it? Give --context-file.", "没有连上大脑，不知道哪里空闲。是哪一个？请给出 --context-file。");
    }
    std::vector<std::string> only;
    bool green = false;
    for (const Field& field : frame.fields) {
      green = green || (field.slot == Slot::kPrefer && field.name == "green");
      if (field.slot != Slot::kOnly) continue;
      const std::vector<std::string> sites = intent::sites_of(known_.domain, field.name);
      only.insert(only.end(), sites.begin(), sites.end());
    }
    if (json()) std::cout << ",\"sites\":" << render("sites", known_.sites, Format::kJson);
    else if (yaml()) std::cout << render("sites", known_.sites, Format::kYaml);
    else std::cout << render_free(known_.sites, only, green);
    return static_cast<int>(kExitOk);
  }

  const Options& o_;
  const bool people_;
  std::optional<Client> client_;
  std::optional<Error> why_offline_;
  AskedDomain known_;
  std::optional<language::Gazetteer> gazetteer_;
  Said said_;
  std::optional<Frame> before_;
  v1::Intent current_;
  bool offered_ = false;
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
  Conversation conversation(o, people);
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

}  // namespace

void add_ask_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("ask", "Say what you need, in Chinese or English: the intent, its plan, its price");
  const auto options = std::make_shared<Options>();
  command->add_option("TEXT", options->words, "What you need, or want to know; nothing: from standard input")->type_name("");
  command->add_option("--tenant", options->tenant, "For whom, or whose; where there is one tenant, that one");
  command->add_option("--name", options->name, "Name of the intent (default: after the work)");
  command->add_flag("-y,--yes", options->yes, "Apply or withdraw it without asking");
  command->add_flag("--offline", options->offline, "Ask no brain: names are taken as they are");
  command->add_option("-o,--output", options->format, "table, json or yaml (the intent alone)")
      ->check(CLI::IsMember(std::vector<std::string>{"table", "json", "yaml"}))
      ->capture_default_str();
  add_target_options(*command, options->target);
  command->footer(R"(
Changes nothing without --yes, or your consent on a terminal. Exits with 9 when
a question has to be answered first, and with 6 when no plan satisfies it.

Examples:
  weir ask "12 streams of 1080p video, objects detected within 500 ms"
  weir ask "需要对12路1080p视频做物体识别，处理时延不超过500ms" --yes
  weir ask "train on 8 A100, done by 6am, at most 300 in total" -o yaml
  weir ask "why is cameras at metro?"      and: what if metro fails? where is it
                                           cheapest? stop cameras)");
  command->callback([options] { finish(ask(*options)); });
}

}  // namespace weir::app
