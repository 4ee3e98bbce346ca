#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>

#include "app/commands.h"
#include "app/version.h"

namespace weir::app {
namespace {

// "get", "ledger verify": every command with its options, from the command line's own description.
void collect(const CLI::App& app, const std::string& prefix, std::vector<std::pair<std::string, std::string>>& out) {
  std::string words;
  for (const CLI::App* sub : app.get_subcommands({})) words += sub->get_name() + " ";
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  out.emplace_back(prefix, words);
  for (const CLI::App* sub : app.get_subcommands({})) {
    collect(*sub, prefix.empty() ? sub->get_name() : prefix + " " + sub->get_name(), out);
  }
}

constexpr const char* kKinds = "intents sites routers links datasets offers tenants plans runs nodes events prices";

std::string cases(const CLI::App& app) {
  std::vector<std::pair<std::string, std::string>> all;
  collect(app, "", all);
  std::string out;
  for (const auto& [command, words] : all) {
    const bool kinds = command == "get" || command == "describe";
    out += "    '" + command + "') words='" + words + (kinds ? kKinds : "") + "' ;;\n";
  }
  return out;
}

std::string bash(const CLI::App& app) {
  return "_weir() {\n"
         "  local words= command= word\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case $word in -*) ;; *) case $command in '' | ledger | token | lab | sim | bench) command=\"${command:+$command "
         "}$word\" ;; esac ;; esac\n"
         "  done\n"
         "  case $command in\n" +
         cases(app) +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "complete -o default -F _weir weir\n";
}

std::string zsh(const CLI::App& app) { return "autoload -U +X bashcompinit && bashcompinit\n" + bash(app); }

std::string fish(const CLI::App& app) {
  std::string out = "complete -c weir -f\n";
  for (const CLI::App* sub : app.get_subcommands({})) {
    out += "complete -c weir -n __fish_use_subcommand -a " + sub->get_name() + " -d '" + sub->get_description() + "'\n";
    for (const CLI::App* inner : sub->get_subcommands({})) {
      out += "complete -c weir -n '__fish_seen_subcommand_from " + sub->get_name() + "' -a " + inner->get_name() + "\n";
    }
    for (const CLI::Option* option : sub->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        out += "complete -c weir -n '__fish_seen_subcommand_from " + sub->get_name() + "' -l " + name + "\n";
      }
    }
  }
  return out + "complete -c weir -n '__fish_seen_subcommand_from get describe' -a '" + kKinds + "'\n";
}

}  // namespace

void add_shell_commands(CLI::App& app) {
  CLI::App* completion = app.add_subcommand("completion", "Print a completion script for a shell");
  completion->footer("\nExample:\n  weir completion bash > /etc/bash_completion.d/weir");
  const auto shell = std::make_shared<std::string>();
  completion->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember(std::vector<std::string>{"bash", "zsh", "fish"}));
  completion->callback([&app, shell] { std::cout << (*shell == "bash" ? bash(app) : *shell == "zsh" ? zsh(app) : fish(app)); });
  app.add_subcommand("version", "Print the version")->callback([] { std::cout << "weir " << kVersion << "\n"; });
}

}  // namespace weir::app
