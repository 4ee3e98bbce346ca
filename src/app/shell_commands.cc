#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iostream>
#include <utility>

#include "app/commands.h"
#include "app/man_page.h"
#include "app/version.h"
#include "service/gateway/openapi.h"

namespace weir::app {
namespace {

// Commands whose word is the name of one of these.
constexpr std::pair<const char*, const char*> kNamed[] = {{"explain", "intents"}, {"logs", "runs"},   {"drain", "sites"}, {"undrain", "sites"},
                                                          {"revoke", "sites"},    {"cordon", "nodes"}, {"uncordon", "nodes"}};
constexpr const char* kKinds =
    "intents jobs tasks workflows queues reservations policies sites routers links datasets offers tenants tokens plans runs "
    "nodes "
    "events prices";

// "get", "ledger verify": a command by its words.
struct Command {
  std::string path;
  const CLI::App* app = nullptr;
};
void collect(const CLI::App& app, const std::string& path, std::vector<Command>& out) {
  out.push_back({path, &app});
  for (const CLI::App* sub : app.get_subcommands({})) {
    collect(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), out);
  }
}

std::string spaced(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// What CLI11 shows of a closed set: "TEXT:{table,wide}".
std::string values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t open = type.find('{'), close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return "";
  std::string out = type.substr(open + 1, close - open - 1);
  std::replace(out.begin(), out.end(), ',', ' ');
  return out;
}

// The words that may follow, and for each option with a value those that it takes: none are files.
std::string bash_case(const Command& command) {
  std::vector<std::string> words;
  std::string after;
  for (const CLI::App* sub : command.app->get_subcommands({})) words.push_back(sub->get_name());
  for (const CLI::Option* option : command.app->get_options()) {
    const std::string values = values_of(*option);
    if (option->get_positional() && !values.empty()) words.push_back(values);
    std::vector<std::string> names;
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    words.insert(words.end(), names.begin(), names.end());
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
    if (option->get_items_expected_max() == 0) continue;
    for (const std::string& name : names) after += "        " + name + ") words='" + values + "' ;;\n";
  }
  if (command.path == "get" || command.path == "describe") words.push_back(kKinds);
  return "    '" + command.path + "')\n      words='" + spaced(words) + "'\n      case $previous in\n" +
         after + "      esac ;;\n";
}

// What there is now, of the brain that the command would ask; where none answers, nothing. The shell reads words as its own language, so that
// nothing but names may come from there.
std::string bash_names() {
  std::string out =
      "  case $command in\n"
      "    get | describe | delete)\n"
      "      case \" " + std::string(kKinds) + " \" in *\" ${previous%s}s \"*) names=${previous%s}s ;; *\" $previous \"*) names=$previous ;; esac ;;\n";
  for (const auto& [command, kind] : kNamed) out += "    " + std::string(command) + ") [ \"$previous\" != " + command + " ] || names=" + kind + " ;;\n";
  return out +
         "  esac\n"
         "  [ -z \"$names\" ] || words=\"$words $(timeout 2 \"${COMP_WORDS[0]}\" get \"$names\" -o name 2>/dev/null | grep -xE '[A-Za-z0-9._/-]+')\"\n";
}

std::string bash(const CLI::App& app) {
  std::vector<Command> all;
  collect(app, "", all);
  std::string paths, cases;
  for (const Command& command : all) {
    if (!command.path.empty()) paths += (paths.empty() ? "'" : " | '") + command.path + "'";
    cases += bash_case(command);
  }
  return "_weir() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words= command= "
         "names= word=\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \"${command:+$command }$word\" in\n"
         "      " +
         paths +
         ") command=\"${command:+$command }$word\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case $command in\n" +
         cases +
         "  esac\n" +
         bash_names() +
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -o default -F _weir weir\n";
}

std::string zsh(const CLI::App& app) {
  return "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n" + bash(app);
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish(const CLI::App& app) {
  std::string out = "complete -c weir -f\n";
  for (const CLI::App* sub : app.get_subcommands({})) {
    out += "complete -c weir -n __fish_use_subcommand -a " + sub->get_name() + " -d " +
           quoted(sub->get_description()) + "\n";
    for (const CLI::App* inner : sub->get_subcommands({})) {
      out += "complete -c weir -n '__fish_seen_subcommand_from " + sub->get_name() + "' -a " + inner->get_name() + "\n";
    }
    for (const CLI::Option* option : sub->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        out += "complete -c weir -n '__fish_seen_subcommand_from " + sub->get_name() + "' -l " + name + "\n";
      }
    }
  }
  out += "complete -c weir -n '__fish_seen_subcommand_from get describe' -a '" + std::string(kKinds) + "'\n";
  const std::string list = "(timeout 2 weir get ";
  for (const auto& [command, kind] : kNamed) {
    out += "complete -c weir -n '__fish_seen_subcommand_from " + std::string(command) + "' -a '" + list + kind + " -o name 2>/dev/null)'\n";
  }
  return out + "complete -c weir -n '__fish_seen_subcommand_from get describe delete; and test (count (commandline -opc)) -gt 2' -a '" + list +
         "(commandline -opc)[3] -o name 2>/dev/null)'\n";
}

}  // namespace

void add_shell_commands(CLI::App& app) {
  CLI::App* completion = app.add_subcommand("completion", "Print a completion script for a shell");
  completion->footer("\nExample:\n  weir completion bash > /etc/bash_completion.d/weir");
  const auto shell = std::make_shared<std::string>();
  completion->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember(std::vector<std::string>{"bash", "zsh", "fish"}));
  completion->callback([&app, shell] {
    std::cout << (*shell == "bash" ? bash(app) : *shell == "zsh" ? zsh(app) : fish(app));
  });
  CLI::App* manual = app.add_subcommand("man", "Print the manual page of all commands");
  manual->footer("\nExamples:\n  weir man > /usr/local/share/man/man1/weir.1\n  weir man | man -l -");
  manual->callback([&app] { std::cout << man_page(app); });
  CLI::App* openapi = app.add_subcommand("openapi", "Print the description of the REST API (OpenAPI 3.1)");
  openapi->footer("\nA brain serves the same at /v1/openapi.json.\n\nExample:\n  weir openapi > openapi.json");
  openapi->callback([] { std::cout << gateway::openapi_document() << "\n"; });
  CLI::App* version = app.add_subcommand("version", "Print the version");
  version->footer("\nExample:\n  weir version");
  version->callback([] { std::cout << "weir " << kVersion << "\n"; });
}

}  // namespace weir::app
