#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/event/types.h"
#include "core/ids/ids.h"

// What the brain and a site's agent tell each other. Both directions are level-triggered: a directive is the
// whole desired state of the site, an observation the whole observed one, so that either may be lost,
// repeated or overtaken without harm. The stored form is api/weir/v1/agent.proto.
namespace weir {

struct DirectedRun {
  RunId run;
  IntentId intent;
  std::string tenant;
  std::string intent_name;
  Workload workload;           // kind, artifact, digest, command, port, limits
  NodeId node;
  DeviceMask devices = 0;      // of the node, for a run that takes accelerators; 0: any
  std::string address;         // IPv6 to listen on; empty: the site has no data plane
  int32_t task = 0;            // index in its array
  int32_t tasks = 0;           // of the array that it is of; 0: of none
  int32_t instance = 0;        // index in `instances`
  std::vector<std::string> instances;  // addresses of all that exchange what is reserved between them; empty: of nothing such
  bool ended = false;          // so the ledger says: what is left of it is kept, and it is not begun again
  friend bool operator==(const DirectedRun&, const DirectedRun&) = default;
};

// One end of a path. Both ends of a path have the same label.
struct DirectedPath {
  uint16_t label = 0;          // firewall mark, routing table and STAMP session at once
  SiteId far_site;
  std::string destination_prefix;
  std::vector<std::string> segments;  // SIDs in the order travelled; empty: plain routing
  bool is_reverse = false;     // carries answers back to an ingress
  bool probed = false;         // this end measures it
  std::string reflector;       // address at the far site, where probed
  friend bool operator==(const DirectedPath&, const DirectedPath&) = default;
};

// Traffic to an instance, or answers from it, along a path.
struct DirectedSteering {
  std::string destination;     // instance address at an ingress; ingress site prefix at a host
  std::string source;          // instance address at a host; empty at an ingress
  uint16_t label_working = 0;
  uint16_t label_protection = 0;  // 0: none
  IntentId intent;
  Position plan = 0;
  uint32_t flow = 0;
  friend bool operator==(const DirectedSteering&, const DirectedSteering&) = default;
};

struct DirectedBackend {
  RunId run;
  std::string address;
  int32_t port = 0;
  int32_t streams = 0;
  friend bool operator==(const DirectedBackend&, const DirectedBackend&) = default;
};

// The stable address of a service at one ingress, and the instances that its connections are shared among.
struct DirectedService {
  IntentId intent;
  std::string address;
  int32_t port = 0;
  std::vector<DirectedBackend> backends;
  friend bool operator==(const DirectedService&, const DirectedService&) = default;
};

// Everything that the site is to do. What is not in it is to be stopped or removed; the agent orders its work
// so that the new is made before the old is broken.
struct SiteDirective {
  SiteId site;
  Position version = 0;        // ascends with every change; at least that of the graph it was derived from
  uint64_t brain_epoch = 0;    // an agent ignores a directive that is older by (brain_epoch, version)
  bool held = false;           // the brain has just begun and still listens: keep what runs, begin and end nothing
  TimeUs lease_us = 0;         // from receipt
  std::vector<DirectedRun> runs;
  std::vector<DirectedPath> paths;
  std::vector<DirectedSteering> steerings;
  std::vector<DirectedService> services;
  friend bool operator==(const SiteDirective&, const SiteDirective&) = default;
};

// ---- from the agent ----------------------------------------------------------------------------------

struct Hello {
  std::string version;
  uint64_t boot = 0;           // differs after each start of the agent
  std::vector<NodeSpec> nodes;
  bool steerable = false;
  std::string not_steerable_why;
  std::string driver;
  TimeUs certificate_issued_us = 0;  // by the brain's clock; of the certificate that it shows
};

struct RunObservation {
  RunId run;
  RunState state = RunState::kPlanned;
  int32_t exit_code = 0;
  std::string why;
  bool ready = false;          // a service accepts connections
  friend bool operator==(const RunObservation&, const RunObservation&) = default;
};

// What was steered over a path and left here, since the path was installed. Packets before encapsulation.
struct PathTraffic {
  uint16_t label = 0;
  uint64_t packets = 0;
  uint64_t bytes = 0;
  friend bool operator==(const PathTraffic&, const PathTraffic&) = default;
};

struct Observation {
  Position applied_version = 0;
  uint64_t applied_brain_epoch = 0;
  std::vector<RunObservation> runs;
  std::vector<uint16_t> paths_installed;  // labels, sorted
  bool settled = false;        // what was applied is done, nothing is under way
  std::vector<PathTraffic> traffic;  // of the paths that are installed, by label
};

struct PathReading {
  uint16_t label = 0;
  bool alive = true;
  int64_t round_trip_us = 0;
  int64_t jitter_us = 0;
  int32_t loss_ppm = 0;
};

struct SwitchReport {
  IntentId intent;
  Position plan = 0;
  uint32_t flow = 0;
  bool to_protection = true;
};

struct UsageReport {
  RunId run;
  TimeUs from = 0, to = 0;
  int64_t cpu_us = 0;
  int64_t memory_mib_us = 0;
  int64_t received_bytes = 0, sent_bytes = 0;
  int64_t energy_microjoule = 0;
  std::string energy_model;
  TimeUs begun = 0;            // in a run's last report: where its first window began; 0: more follow
};

struct PromiseReport {
  IntentId intent;
  TimeUs from = 0, to = 0;
  int64_t samples = 0, misses = 0, lost = 0;
  int64_t latency_us_p50 = 0, latency_us_p99 = 0;
};

}  // namespace weir
