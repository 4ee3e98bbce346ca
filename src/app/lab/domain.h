#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"
#include "infrastructure/lab/lab.h"

namespace weir::app {

struct DomainOptions {
  std::string artifacts;      // directory whose files sites may run; empty: the build's, or else an empty one in the lab's folder
  bool select_context = true; // make "lab-NAME" the current context of the command line
  std::function<void(std::string_view)> progress = [](std::string_view) {};
};

// Everything of Weir that runs in a lab: the brain outside of the sites, one agent at each, the lab's sites, routers and links
// described to the brain. The same binary and files as anywhere else. Returns when every agent is attached.
Status start_domain(lab::Lab& lab, const DomainOptions& options);

// Sites join a lab that is up: those of the text (documents of kind Site, and Link from them to what is there; `file` is its name
// in errors), each with an agent that has spent a token of its own. Returns the sites' names when their agents are attached.
Result<std::vector<std::string>> join_domain(lab::Lab& lab, const std::string& text, const std::string& file,
                                             const std::function<void(std::string_view)>& progress);

// The brain of a lab that is up, again after it was killed; with its old ledger.
Status start_brain(lab::Lab& lab);
// The control groups that the agents of a lab have made for their runs.
std::vector<std::filesystem::path> control_groups(const lab::Lab& lab);
// kill -9.
Status kill_brain(const lab::Lab& lab);
// An agent at a site that was revived; it still has its identity.
Status start_agent(lab::Lab& lab, const std::string& site, const std::string& bearer);

std::string context_file(const lab::Lab& lab);
std::string context_name(const std::string& lab);
// Takes "lab-NAME" out of the command line's contexts again. Nothing to take is success.
Status forget_context(const std::string& lab);

}  // namespace weir::app
