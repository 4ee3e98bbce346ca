#include "infrastructure/agent/reconcile.h"

#include <algorithm>
#include <type_traits>

namespace weir::agent {
namespace {

constexpr size_t kTargetsMax = 64;
constexpr int32_t kWeightMax = 1000;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

std::string run_text(RunId run) { return "run " + std::to_string(run.plan) + "-" + std::to_string(run.item); }

std::string steering_text(const Ipv6Prefix& destination, const std::optional<Ipv6Prefix>& source) {
  return "steering to " + destination.text() + (source ? " from " + source->text() : "");
}

std::string service_text(const Ipv6Address& address, uint16_t port) {
  return "service [" + address.text() + "]:" + std::to_string(port);
}

Error not_understood(const std::string& text, std::string where) {
  return {ErrorCode::kInvalid, "\"" + text.substr(0, 64) + "\" is no IPv6 address or prefix",
          std::move(where), "update brain and agent to the same version"};
}

bool same_traffic(const Steering& a, const Steering& b) {
  return a.destination == b.destination && a.source == b.source;
}

Result<Steering> steering_of(const DirectedSteering& directed) {
  const std::string where = "steering of flow " + std::to_string(directed.flow);
  const auto destination = Ipv6Prefix::parse(directed.destination);
  if (!destination) return tl::unexpected(not_understood(directed.destination, where));
  Steering out{*destination, std::nullopt, directed.label_working};
  if (!directed.source.empty()) {
    out.source = Ipv6Prefix::parse(directed.source);
    if (!out.source) return tl::unexpected(not_understood(directed.source, where));
  }
  return out;
}

}  // namespace

bool makes(const Act& act) { return act.index() <= 4; }

bool about_runs(const Act& act) {
  return std::holds_alternative<StartRun>(act) || std::holds_alternative<StopRun>(act) ||
         std::holds_alternative<ForgetRun>(act);
}

std::string item(const Act& act) {
  return std::visit(
      Overloaded{
          [](const AddAddress& a) { return "address " + a.address.text(); },
          [](const RemoveAddress& a) { return "address " + a.address.text(); },
          [](const StartRun& a) { return run_text(a.run); },
          [](const StopRun& a) { return run_text(a.run); },
          [](const ForgetRun& a) { return run_text(a.run); },
          [](const InstallPath& a) { return "path " + std::to_string(a.path.label); },
          [](const WithdrawPath& a) { return "path " + std::to_string(a.label); },
          [](const Steer& a) { return steering_text(a.steering.destination, a.steering.source); },
          [](const Unsteer& a) { return steering_text(a.destination, a.source); },
          [](const PublishService& a) { return service_text(a.service.address, a.service.port); },
          [](const WithdrawService& a) { return service_text(a.address, a.port); },
      },
      act);
}

Translation translate(const SiteDirective& directive) {
  Translation out;
  for (const DirectedRun& run : directive.runs) {
    WantedRun wanted{run.run, std::nullopt, run.ended};
    if (!run.address.empty()) {
      wanted.address = Ipv6Address::parse(run.address);
      if (!wanted.address) out.problems.push_back(not_understood(run.address, run_text(run.run)));
    }
    out.wanted.runs.push_back(wanted);
  }
  for (const DirectedPath& path : directive.paths) {
    const std::string where = "path " + std::to_string(path.label);
    PathSpec spec{.label = path.label};
    const auto destination = Ipv6Prefix::parse(path.destination_prefix);
    if (!destination) {
      out.problems.push_back(not_understood(path.destination_prefix, where));
      continue;
    }
    spec.destination = *destination;
    const std::string* broken = nullptr;
    for (const std::string& text : path.segments) {
      const auto segment = Ipv6Address::parse(text);
      if (!segment) {
        broken = &text;
        break;
      }
      spec.segments.push_back(*segment);
    }
    if (broken != nullptr) {
      out.problems.push_back(not_understood(*broken, where));
    } else {
      out.wanted.paths.push_back(std::move(spec));
    }
  }
  for (size_t i = 0; i < directive.steerings.size(); ++i) {
    auto steering = steering_of(directive.steerings[i]);
    if (steering) {
      out.wanted.steerings.push_back(*steering);
      out.directed_steering.push_back(i);
    } else {
      out.problems.push_back(steering.error());
    }
  }
  for (const DirectedService& service : directive.services) {
    const auto address = Ipv6Address::parse(service.address);
    if (!address) {
      out.problems.push_back(not_understood(service.address, "service"));
      continue;
    }
    PublishedService published{.address = *address, .port = static_cast<uint16_t>(service.port)};
    int32_t most = 1;
    for (const DirectedBackend& backend : service.backends) most = std::max(most, backend.streams);
    for (const DirectedBackend& backend : service.backends) {
      const auto target = Ipv6Address::parse(backend.address);
      if (!target) {
        out.problems.push_back(not_understood(backend.address, service_text(*address, published.port)));
        continue;
      }
      const int64_t weight =
          most <= kWeightMax ? backend.streams : int64_t{backend.streams} * kWeightMax / most;
      published.targets.push_back({*target, static_cast<uint16_t>(backend.port),
                                   static_cast<uint32_t>(std::max<int64_t>(weight, 1))});
    }
    if (published.targets.size() > kTargetsMax) {
      out.problems.push_back(
          {ErrorCode::kUnsupported, std::to_string(published.targets.size()) + " targets are more than 64",
           service_text(*address, published.port), "spread the intent over more ingresses"});
      published.targets.resize(kTargetsMax);
    }
    if (!published.targets.empty()) out.wanted.services.push_back(std::move(published));
  }
  return out;
}

void note_done(const Act& act, Present& present) {
  InstalledPaths& in = present.paths;
  std::visit(Overloaded{
                 [&](const AddAddress& a) { present.addresses.insert(a.address); },
                 [&](const RemoveAddress& a) { present.addresses.erase(a.address); },
                 [&](const InstallPath& a) {
                   std::erase_if(in.paths, [&](const PathSpec& p) { return p.label == a.path.label; });
                   in.paths.push_back(a.path);
                 },
                 [&](const WithdrawPath& a) {
                   std::erase_if(in.paths, [&](const PathSpec& p) { return p.label == a.label; });
                 },
                 [&](const Steer& a) {
                   std::erase_if(in.steerings,
                                 [&](const Steering& s) { return same_traffic(s, a.steering); });
                   in.steerings.push_back(a.steering);
                 },
                 [&](const Unsteer& a) {
                   std::erase_if(in.steerings, [&](const Steering& s) {
                     return s.destination == a.destination && s.source == a.source;
                   });
                 },
                 [&](const PublishService& a) {
                   std::erase_if(in.services, [&](const PublishedService& s) {
                     return s.address == a.service.address && s.port == a.service.port &&
                            s.transport == a.service.transport;
                   });
                   in.services.push_back(a.service);
                 },
                 [&](const WithdrawService& a) {
                   std::erase_if(in.services, [&](const PublishedService& s) {
                     return s.address == a.address && s.port == a.port;
                   });
                 },
                 [](const StartRun&) {},
                 [](const StopRun&) {},
                 [](const ForgetRun&) {},
             },
             act);
}

std::map<Traffic, PathLabel> steered(const InstalledPaths& paths) {
  std::map<Traffic, PathLabel> out;
  for (const Steering& s : paths.steerings) out[{s.destination, s.source}] = s.label;
  return out;
}

std::vector<Act> diff(const Wanted& wanted, const Present& present) {
  std::vector<Act> acts;
  std::set<RunId> runs_there, runs_wanted;
  for (const PresentRun& run : present.runs) runs_there.insert(run.run);
  std::set<Ipv6Address> addresses;
  for (const WantedRun& run : wanted.runs) {
    runs_wanted.insert(run.run);
    if (!run.address || !addresses.insert(*run.address).second) continue;
    if (!run.ended && !present.addresses.contains(*run.address)) acts.push_back(AddAddress{*run.address});
  }
  for (const WantedRun& run : wanted.runs) {
    if (!run.ended && !runs_there.contains(run.run)) acts.push_back(StartRun{run.run});
  }

  const InstalledPaths& in = present.paths;
  std::map<PathLabel, const PathSpec*> paths_there;
  for (const PathSpec& path : in.paths) paths_there[path.label] = &path;
  std::set<PathLabel> paths_wanted;
  for (const PathSpec& path : wanted.paths) {
    paths_wanted.insert(path.label);
    const auto there = paths_there.find(path.label);
    if (there == paths_there.end() || *there->second != path) acts.push_back(InstallPath{path});
  }
  const std::map<Traffic, PathLabel> traffic_there = steered(in);
  std::set<Traffic> traffic_wanted;
  for (const Steering& steering : wanted.steerings) {
    const Traffic traffic{steering.destination, steering.source};
    traffic_wanted.insert(traffic);
    const auto there = traffic_there.find(traffic);
    if (there == traffic_there.end() || there->second != steering.label) acts.push_back(Steer{steering});
  }
  using Endpoint = std::pair<Ipv6Address, uint16_t>;
  std::map<Endpoint, const PublishedService*> services_there;
  for (const PublishedService& service : in.services)
    services_there[{service.address, service.port}] = &service;
  std::set<Endpoint> services_wanted;
  for (const PublishedService& service : wanted.services) {
    services_wanted.insert({service.address, service.port});
    const auto there = services_there.find({service.address, service.port});
    if (there == services_there.end() || *there->second != service) acts.push_back(PublishService{service});
  }

  for (const auto& [endpoint, service] : services_there) {
    if (!services_wanted.contains(endpoint)) acts.push_back(WithdrawService{endpoint.first, endpoint.second});
  }
  std::set<PathLabel> used;
  for (const auto& [traffic, label] : traffic_there) {
    used.insert(label);
    if (!traffic_wanted.contains(traffic)) acts.push_back(Unsteer{traffic.first, traffic.second});
  }
  for (const auto& [label, path] : paths_there) {
    if (!paths_wanted.contains(label) && !used.contains(label)) acts.push_back(WithdrawPath{label});
  }
  bool leaving = false;
  for (const PresentRun& run : present.runs) {
    if (runs_wanted.contains(run.run)) continue;
    if (run.live) {
      acts.push_back(StopRun{run.run});
      leaving = true;
    } else if (run.forgettable) {
      acts.push_back(ForgetRun{run.run});
    }
  }
  if (!leaving) {
    for (const Ipv6Address& address : present.addresses) {
      if (!addresses.contains(address)) acts.push_back(RemoveAddress{address});
    }
  }
  return acts;
}

PathLabel choose_label(const DirectedSteering& steering, PathLife working, PathLife protection,
                       std::optional<PathLabel> current) {
  if (steering.label_protection == 0) return steering.label_working;
  if (current == steering.label_protection) {
    const bool back =
        working == PathLife::kAlive || (working == PathLife::kUnknown && protection == PathLife::kDead);
    return back ? steering.label_working : steering.label_protection;
  }
  const bool leave = working == PathLife::kDead && protection == PathLife::kAlive;
  return leave ? steering.label_protection : steering.label_working;
}

}  // namespace weir::agent
