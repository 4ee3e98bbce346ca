#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/ports/path_driver.h"
#include "core/ports/wire.h"

// What a site is to do, what it does, and the acts that lead from one to the other. Pure.
namespace weir::agent {

// ---- acts --------------------------------------------------------------------------------------------

struct AddAddress {
  Ipv6Address address;
  friend bool operator==(const AddAddress&, const AddAddress&) = default;
};
struct StartRun {
  RunId run;
  friend bool operator==(const StartRun&, const StartRun&) = default;
};
struct InstallPath {
  PathSpec path;
  friend bool operator==(const InstallPath&, const InstallPath&) = default;
};
struct Steer {
  Steering steering;
  friend bool operator==(const Steer&, const Steer&) = default;
};
struct PublishService {
  PublishedService service;
  friend bool operator==(const PublishService&, const PublishService&) = default;
};
struct WithdrawService {
  Ipv6Address address;
  uint16_t port = 0;
  friend bool operator==(const WithdrawService&, const WithdrawService&) = default;
};
struct Unsteer {
  Ipv6Prefix destination;
  std::optional<Ipv6Prefix> source;
  friend bool operator==(const Unsteer&, const Unsteer&) = default;
};
struct WithdrawPath {
  PathLabel label = 0;
  friend bool operator==(const WithdrawPath&, const WithdrawPath&) = default;
};
struct StopRun {
  RunId run;
  friend bool operator==(const StopRun&, const StopRun&) = default;
};
struct ForgetRun {
  RunId run;
  friend bool operator==(const ForgetRun&, const ForgetRun&) = default;
};
struct RemoveAddress {
  Ipv6Address address;
  friend bool operator==(const RemoveAddress&, const RemoveAddress&) = default;
};

// In the order in which they are done: the first five make, the others break.
using Act = std::variant<AddAddress, StartRun, InstallPath, Steer, PublishService, WithdrawService, Unsteer,
                         WithdrawPath, StopRun, ForgetRun, RemoveAddress>;
bool makes(const Act& act);
bool about_runs(const Act& act);  // done by the site driver; the others change the network
// The thing that the act is about: "path 257". Acts on one thing exclude each other.
std::string item(const Act& act);

// ---- wanted ------------------------------------------------------------------------------------------

struct WantedRun {
  RunId run;
  std::optional<Ipv6Address> address;
  bool ended = false;  // kept where it is there, and not begun
  friend bool operator==(const WantedRun&, const WantedRun&) = default;
};

// A directive in the terms of the drivers.
struct Wanted {
  std::vector<WantedRun> runs;
  std::vector<PathSpec> paths;
  std::vector<Steering> steerings;
  std::vector<PublishedService> services;
};

// Every steering over its working path, and which of the directive's it is. What cannot be understood is left
// out, and named in `problems`.
struct Translation {
  Wanted wanted;
  std::vector<size_t> directed_steering;  // parallel to wanted.steerings
  std::vector<Error> problems;
};
Translation translate(const SiteDirective& directive);

// ---- present -----------------------------------------------------------------------------------------

struct PresentRun {
  RunId run;
  bool live = false;
  bool forgettable = false;  // ended, and all that it used is reported
  friend bool operator==(const PresentRun&, const PresentRun&) = default;
};

// As the drivers tell it.
struct Present {
  std::vector<PresentRun> runs;
  InstalledPaths paths;
  std::set<Ipv6Address> addresses;  // of instances
};
// What is present once a network act has been done.
void note_done(const Act& act, Present& present);

// What is to be done, in order; to steer wants its path installed before. A path is withdrawn once nothing is
// steered over it, and an address removed once every run that is not wanted has ended: these acts appear only
// then, so repeated application arrives at what is wanted.
// O(n log n).
std::vector<Act> diff(const Wanted& wanted, const Present& present);

// The traffic that a steering is about, and over which path each goes.
using Traffic = std::pair<Ipv6Prefix, std::optional<Ipv6Prefix>>;
std::map<Traffic, PathLabel> steered(const InstalledPaths& paths);

// ---- protection --------------------------------------------------------------------------------------

enum class PathLife : uint8_t { kUnknown, kAlive, kDead };

// Which path traffic takes, which goes over `current` now: the protection path if the working one is dead and
// the other alive; back once the working one is alive; where nothing better is known, where it is.
PathLabel choose_label(const DirectedSteering& steering, PathLife working, PathLife protection,
                       std::optional<PathLabel> current);

}  // namespace weir::agent
