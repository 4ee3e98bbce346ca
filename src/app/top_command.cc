#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "app/commands.h"
#include "app/exit_code.h"
#include "app/render.h"
#include "app/top_reader.h"
#include "app/top_screen.h"
#include "app/top_terminal.h"

namespace weir::app {
namespace {

struct Options {
  Target target;
  std::string view = "sites", sort, filter, language, format = "table";
  int interval_s = 2;
  bool once = false;
};

int64_t wall_us() { return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// As POSIX.1-2017, section 8.2, chooses the language of messages.
Tongue tongue_of(const std::string& asked) {
  std::string language = asked;
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (language.empty() && value != nullptr) language = value;
  }
  return {.chinese = language.starts_with("zh")};
}

Result<top::Screen> screen_of(const Options& o, const std::string& endpoint) {
  top::Screen screen(endpoint, tongue_of(o.language));
  const auto kind = std::find(top::kKindNames.begin(), top::kKindNames.end(), o.view);
  screen.show(static_cast<top::Kind>(kind - top::kKindNames.begin()));
  screen.filter_by(o.filter.substr(0, top::kFilterBytesMax));
  if (o.sort.empty()) return screen;
  if (const Status sorted = screen.sort_by(o.sort); !sorted) return tl::unexpected(sorted.error());
  return screen;
}

std::string json_of(top::Screen& screen, const std::string& endpoint, const std::vector<std::pair<std::string, std::shared_ptr<const top::Resources>>>& all) {
  namespace json = boost::json;
  json::object summary;
  for (const auto& [name, resources] : all) {
    json::object states;
    for (const auto& [state, count] : top::states_of(*resources)) states[state] = count;
    summary[name] = {{"count", resources->size()}, {"states", std::move(states)}};
  }
  std::string items;
  for (const v1::Resource* resource : screen.listed()) items += (items.empty() ? "" : ",\n") + json_text(inside(*resource));
  return "{\"endpoint\": " + json::serialize(json::string(endpoint)) + ", \"view\": \"" + top::kKindNames[static_cast<size_t>(screen.shown())] +
         "\",\n\"summary\": " + json::serialize(summary) + ",\n\"items\": [" + items + "]}\n";
}

Status once(const Options& o) {
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  auto screen = screen_of(o, client->endpoint());
  if (!screen) return tl::unexpected(screen.error());
  // Programs read JSON: its texts do not change with who runs them.
  const Tongue tongue = o.format == "json" && o.language.empty() ? Tongue{} : tongue_of(o.language);
  std::vector<std::pair<std::string, std::shared_ptr<const top::Resources>>> all;
  for (size_t i = 0; i < top::kKinds; ++i) {
    const auto kind = static_cast<top::Kind>(i);
    // Of events there would be a whole ledger.
    if (kind == top::Kind::kEvents) continue;
    auto read = top::read_all(*client, kind, tongue);
    if (!read) {
      if (read.error().code == ErrorCode::kUnavailable || kind == screen->shown()) return tl::unexpected(read.error());
      screen->take(kind, read.error());
      continue;
    }
    all.emplace_back(top::kKindNames[i], *read);
    screen->take(kind, std::move(*read));
  }
  std::cout << (o.format == "json" ? json_of(*screen, client->endpoint(), all) : top::plain_text(screen->frame(o.format == "wide" ? 0 : kTableWidth, 0, wall_us())));
  return {};
}

// The signal that ended it, or 0.
Result<int> live(const Options& o) {
  const top::HeldSignals signals;  // before any library starts a thread
  // What is wrong with the context is said before the screen is taken; a brain that does not answer is waited for.
  const auto client = Client::open(o.target);
  if (!client && client.error().code != ErrorCode::kUnavailable) return tl::unexpected(client.error());
  auto screen = screen_of(o, client ? client->endpoint() : client.error().where);
  if (!screen) return tl::unexpected(screen.error());
  auto opened = top::Terminal::open(signals);
  if (!opened) return tl::unexpected(opened.error());
  top::Terminal& terminal = **opened;
  top::Reader reader(o.target, tongue_of(o.language), std::chrono::seconds(o.interval_s), [&terminal] { terminal.wake(); });
  for (;;) {
    reader.look_at(screen->shown());
    reader.pause(screen->paused());
    top::Reader::News news = reader.take();
    screen->lose(std::move(news.lost), news.lost_since_us);
    for (auto& [kind, read] : news.read) {
      if (read) {
        screen->take(kind, std::move(*read));
      } else {
        screen->take(kind, read.error());
      }
    }
    if (!news.events.empty()) screen->take(std::move(news.events));
    terminal.draw(screen->frame(terminal.width(), terminal.height(), wall_us()));
    const top::Terminal::Happened happened = terminal.wait(1000);  // the clock goes on
    if (happened.signal != 0 || happened.closed) return happened.signal;
    for (const top::Press& press : happened.presses) {
      if (!screen->press(press)) return 0;
    }
  }
}

Status run_top(const Options& o) {
  if (o.once) return once(o);
  if (o.format != "table") return fail(ErrorCode::kInvalid, "a live view is no " + o.format, "-o", "add --once");
  const auto signal = live(o);
  if (!signal) return tl::unexpected(signal.error());
  // As whoever started it expects of a signal.
  if (*signal != 0) {
    std::signal(*signal, SIG_DFL);
    std::raise(*signal);
  }
  return {};
}

}  // namespace

void add_top_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("top", "Watch the domain live: sites, links, intents, runs, queues and events");
  const auto options = std::make_shared<Options>();
  command->add_option("--view", options->view, "What to begin with: sites, links, intents, runs, queues or events")
      ->check(CLI::IsMember(std::vector<std::string>(top::kKindNames.begin(), top::kKindNames.end())))
      ->capture_default_str();
  command->add_option("--sort", options->sort, "Column to sort by, as its title; --sort=-TITLE for the other order");
  command->add_option("--filter", options->filter, "Only rows that hold this text");
  command->add_option("--interval", options->interval_s, "Seconds between two reads, 1 to 3600; events bring one sooner")->check(CLI::Range(1, 3600))->capture_default_str();
  command->add_option("--language", options->language, "en or zh (default: as LC_ALL, LC_MESSAGES or LANG says)")
      ->check(CLI::IsMember(std::vector<std::string>{"en", "zh"}));
  command->add_flag("--once", options->once, "Print it once, as text, and end");
  command->add_option("-o,--output", options->format, "With --once: table, wide or json")
      ->check(CLI::IsMember(std::vector<std::string>{"table", "wide", "json"}))
      ->capture_default_str();
  add_target_options(*command, options->target);
  command->footer(R"(
Keys: ? help, q quit, 1 to 6 or Tab another view, / filter, s sort, r reverse,
Enter everything about one, p pause. Colours mark states that are words as well;
NO_COLOR takes them away.

Examples:
  weir top
  weir top --view intents --sort MEASURED
  weir top --once --view sites --filter metro
  weir top --once --view links -o json)");
  command->callback([options] { finish(run_top(*options)); });
}

}  // namespace weir::app
