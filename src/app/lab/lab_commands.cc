#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>

#include "app/commands.h"
#include "app/exit_code.h"
#include "app/lab/domain.h"
#include "app/table.h"
#include "core/units/quantity.h"
#include "infrastructure/cgroup/group.h"
#include "infrastructure/lab/emulator.h"

namespace weir::app {
namespace {

struct Options {
  std::string file;
  std::string name;      // of the lab; empty: the only one that is up
  std::string object;    // link or site
  std::string paths = "srv6";
  std::string artifacts;
  std::string output;
  std::string config;
  bool wan_only = false;
  bool quiet = false;
};

Result<std::string> chosen(const Options& options) {
  if (!options.name.empty()) return options.name;
  const auto up = lab::Lab::list();
  if (up.size() == 1) return up.front();
  std::string names;
  for (const std::string& name : up) names += (names.empty() ? "" : ", ") + name;
  return up.empty() ? fail(ErrorCode::kNotFound, "no lab is up", {}, "start one with 'weir lab up FILE'")
                    : fail(ErrorCode::kInvalid, "several labs are up: " + names, {}, "choose one with --lab NAME");
}

Result<lab::Lab> opened(const Options& options) {
  auto name = chosen(options);
  if (!name) return tl::unexpected(name.error());
  return lab::Lab::open(*name);
}

template <class Act>
Status with_lab(const Options& options, Act&& act) {
  auto lab = opened(options);
  if (!lab) return tl::unexpected(lab.error());
  return act(*lab);
}

Status up(const Options& options) {
  auto spec = lab::read_lab(options.file);
  if (!spec) return tl::unexpected(spec.error());
  const std::string name = spec->name;
  const auto say = [&options](std::string_view line) {
    if (!options.quiet) std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  };
  lab::LabOptions wan;
  wan.srv6 = options.paths == "srv6";
  wan.progress = say;
  auto lab = lab::Lab::up(std::move(*spec), wan);
  if (!lab) return tl::unexpected(lab.error());
  if (!options.wan_only) {
    DomainOptions domain;
    domain.artifacts = options.artifacts;
    domain.progress = say;
    if (Status started = start_domain(*lab, domain); !started) {
      say("taking the lab down again; its logs are kept in /tmp/weir-lab-" + name);
      std::error_code ignored;
      std::filesystem::create_directories("/tmp/weir-lab-" + name, ignored);
      for (const auto& entry : std::filesystem::directory_iterator(lab->folder(), ignored)) {
        if (entry.path().extension() != ".log") continue;
        std::filesystem::copy_file(entry.path(), "/tmp/weir-lab-" + name + "/" + entry.path().filename().string(),
                                   std::filesystem::copy_options::overwrite_existing, ignored);
      }
      (void)lab::Lab::down(name);
      return started;
    }
  }
  std::printf("lab %s is up: %zu sites, %zu routers, %zu links, %s paths\n", name.c_str(), lab->spec().sites.size(),
              lab->spec().routers.size(), lab->spec().links.size(), lab->srv6() ? "SRv6" : "plain");
  return {};
}

Status join(const Options& options) {
  const auto text = lab::read_lab_text(options.file);
  if (!text) return tl::unexpected(text.error());
  return with_lab(options, [&](lab::Lab& opened_lab) -> Status {
    const auto joined = join_domain(opened_lab, *text, options.file, [&options](std::string_view line) {
      if (!options.quiet) std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
    });
    if (!joined) return tl::unexpected(joined.error());
    for (const std::string& site : *joined) {
      std::printf("site %s has joined lab %s\n", site.c_str(), opened_lab.spec().name.c_str());
    }
    return {};
  });
}

Status down(const Options& options) {
  auto name = chosen(options);
  if (!name) return tl::unexpected(name.error());
  std::vector<std::filesystem::path> groups;
  if (const auto opened_lab = lab::Lab::open(*name)) groups = control_groups(*opened_lab);
  if (Status s = lab::Lab::down(*name); !s) return s;
  // An agent that was killed could not remove them.
  for (const std::filesystem::path& group : groups) cgroup::remove_empty(group);
  if (Status s = forget_context(*name); !s) return s;
  std::printf("lab %s is down\n", name->c_str());
  return {};
}

boost::json::object as_json(const lab::LabStatus& status) {
  boost::json::array links, sites;
  for (const auto& link : status.links) {
    links.push_back({{"name", link.name},
                     {"between", {link.a, link.b}},
                     {"cut", link.settings.cut},
                     {"delay_us", link.settings.delay_us},
                     {"rate_bps", link.settings.rate_bps}});
  }
  for (const auto& site : status.sites) {
    sites.push_back({{"name", site.name},
                     {"killed", site.killed},
                     {"namespace", site.namespace_name},
                     {"control_address", site.control_address},
                     {"prefix", site.data_prefix},
                     {"processes", site.processes}});
  }
  return {{"name", status.name}, {"srv6", status.srv6}, {"emulator_alive", status.emulator_alive}, {"links", links}, {"sites", sites}};
}

Status show(const Options& options) {
  return with_lab(options, [&](const lab::Lab& lab) -> Status {
    auto status = lab.status();
    if (!status) return tl::unexpected(status.error());
    if (options.output == "json") {
      std::cout << boost::json::serialize(as_json(*status)) << "\n";
      return {};
    }
    Table sites({"SITE", "STATE", "PREFIX", "PROCESSES"});
    for (const auto& site : status->sites) {
      sites.add(
          {site.name, site.killed ? "killed" : "alive", site.data_prefix, std::to_string(site.processes)});
    }
    Table links({"LINK", "STATE", "BETWEEN", "DELAY", "RATE"});
    for (const auto& link : status->links) {
      links.add({link.name, link.settings.cut ? "cut" : "ok", link.a + " - " + link.b,
                 format_duration(link.settings.delay_us), format_bandwidth(link.settings.rate_bps)});
    }
    std::cout << "lab " << status->name << ", " << (status->srv6 ? "SRv6" : "plain") << " paths"
              << (status->emulator_alive ? "" : ", EMULATOR DEAD: take it down") << "\n\n"
              << sites.text(kTableWidth) << "\n"
              << links.text(kTableWidth);
    return {};
  });
}

}  // namespace

void add_lab_commands(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* lab = app.add_subcommand("lab", "An emulated WAN of sites on this machine, with a brain and agents");
  lab->require_subcommand(1);
  lab->footer("\nExamples:\n  weir lab up examples/city-cameras/lab.yaml\n  weir lab status\n"
              "  weir lab join my-site.yaml\n"
              "  weir lab cut street-a-hangzhou && weir get links\n  weir lab kill hub-guizhou\n  weir lab down");

  const auto example = [](CLI::App* sub, const char* text) {
    sub->footer(std::string("\nExample:\n  weir lab ") + text);
  };
  const auto command = [&](CLI::App* under, const char* name, const char* what, const char* shown, auto act) {
    CLI::App* sub = under->add_subcommand(name, what);
    example(sub, shown);
    sub->add_option("--lab", options->name, "Name of the lab (default: the only one that is up)");
    sub->callback([options, act] { finish(act(*options)); });
    return sub;
  };

  CLI::App* up_command = lab->add_subcommand("up", "Build the WAN, start the brain and an agent at each site");
  example(up_command, "up examples/city-cameras/lab.yaml");
  up_command->add_option("file", options->file, "YAML with the documents Lab, Site, Router and Link")->required();
  up_command->add_option("--paths", options->paths, "srv6: traffic is steered; plain: it follows routing")
      ->check(CLI::IsMember({"srv6", "plain"}))
      ->capture_default_str();
  up_command->add_option("--artifacts", options->artifacts, "Directory with the programs that intents may name; default: the artifacts of this build");
  up_command->add_flag("--wan-only", options->wan_only, "No brain, no agents");
  up_command->add_flag("-q,--quiet", options->quiet, "No progress");
  up_command->callback([options] { finish(up(*options)); });

  command(lab, "down", "End everything that runs in the lab and remove it", "down", down)
      ->add_option("name", options->name, "Name");
  command(lab, "status", "Sites, links and what is cut or killed", "status -o json", show)
      ->add_option("-o,--output", options->output, "json")
      ->check(CLI::IsMember({"json"}));
  CLI::App* join_command =
      command(lab, "join", "Sites join: their network, their description to the brain, their agents",
              "join my-site.yaml", join);
  join_command->add_option("file", options->file, "YAML with documents Site, and Link from them to what is there")->required();
  join_command->add_flag("-q,--quiet", options->quiet, "No progress");
  const auto on_object = [&](const char* name, const char* what, const char* shown,
                             Status (lab::Lab::*act)(const std::string&)) {
    command(lab, name, what, shown,
            [act](const Options& o) {
              return with_lab(o, [&](lab::Lab& opened_lab) { return (opened_lab.*act)(o.object); });
            })
        ->add_option("name", options->object, "Its name")
        ->required();
  };
  on_object("cut", "Cut a link: it silently carries nothing", "cut street-a-hangzhou", &lab::Lab::cut);
  on_object("heal", "Heal a link", "heal street-a-hangzhou", &lab::Lab::heal);
  on_object("kill", "Kill a site: its processes end, its links go dead", "kill hub-guizhou", &lab::Lab::kill);
  command(lab, "revive", "A killed site comes back; its agent starts again", "revive hub-guizhou",
          [](const Options& o) {
            return with_lab(o, [&](lab::Lab& opened_lab) {
              const Status revived = opened_lab.revive(o.object);
              return revived ? start_agent(opened_lab, o.object, "") : revived;
            });
          })
      ->add_option("site", options->object, "Its name")
      ->required();
  CLI::App* brain = lab->add_subcommand("brain", "The lab's brain")->require_subcommand(1);
  example(brain, "brain kill");
  command(brain, "kill", "Kill it as kill -9 does, at once", "brain kill", [](const Options& o) {
    return with_lab(o, [](const lab::Lab& opened_lab) { return kill_brain(opened_lab); });
  });
  command(brain, "start", "Start it again on its old ledger", "brain start",
          [](const Options& o) { return with_lab(o, [](lab::Lab& opened_lab) { return start_brain(opened_lab); }); });
  CLI::App* emulate = lab->add_subcommand("emulate", "The process that carries the packets; started by 'up'")->group("");
  emulate->add_option("config", options->config, "Its configuration")->required();
  emulate->callback([options] { exit_with(lab::run_emulator(options->config)); });
}

}  // namespace weir::app
