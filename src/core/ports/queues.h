#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "core/result/result.h"

// What people ask of queues. Read only: nothing here decides.
namespace weir {

// A rule by which a queue orders its jobs.
struct PolicyDescription {
  struct Parameter {
    std::string name, about;
    int64_t value = 0;  // unless set
    int64_t low = 0, high = 0;
  };
  std::string name;
  std::string about;  // one line, for people
  bool ages = false;  // whether the order of two waiting jobs may change as time goes by
  std::vector<Parameter> parameters;
};

enum class CountedResource : uint8_t { kCpu, kMemory, kAccelerators };

// How a queue stands, or a tenant in it; amounts include those of all below.
struct QueueStanding {
  QueueId queue;    // none: the domain's
  TenantId tenant;  // none: all of the queue
  std::string policy;
  int64_t share_ppm = 0;        // dominant share of the domain in use
  int64_t entitlement_ppm = 0;  // that it is due, given what everybody wants
  Quota used;                         // accelerators rounded up
  int64_t used_accelerator_milli = 0;
  int64_t jobs_running = 0;
  int64_t jobs_waiting = 0;
  int64_t oldest_wait_us = 0;  // 0: none waits
  int64_t preemptions = 0;     // that the jobs which run or wait have suffered
};

enum class WaitCode : uint8_t {
  kNext,         // nothing is in its way
  kOffered,      // it is being placed
  kRoom,         // too little of a resource is free
  kBehind,       // there is room, which is kept for another
  kQuota,        // a queue's maximum
  kNotBefore,    // its own earliest start
  kNetwork,      // its turn came, and no plan was found: the refusal says why
  kReservation,  // the one that it runs in is not open
  kTooLarge,     // more than the places where it may run hold when they are empty
  kPreempting,   // running jobs make room for it
  kCheaperLater, // it may wait, and waits for the hour in which it costs least
  kSpare,        // best-effort work, for which others leave too little of what they have; the refusal says what
};

struct JobWait {
  IntentId intent;
  QueueId queue;  // none: the domain's
  WaitCode code = WaitCode::kNext;
  CountedResource resource = CountedResource::kCpu;  // kRoom, kQuota, kTooLarge
  SiteId site;                 // where it is expected to start, or comes nearest to it; none: nowhere
  IntentId behind;             // for which room is kept; none: nobody in particular
  QueueId limited_by;          // kQuota
  int64_t needed = 0;          // kRoom, kQuota: of the resource, in milli-cores, MiB or thousandths of accelerators
  int64_t available = 0;       // kRoom: free where it comes nearest; kQuota: left to the queue
  size_t position = 0;         // jobs that are tried before it
  TimeUs estimated_start = 0;  // if every job runs as long as estimated; 0: not foreseen
  TimeUs promised_start = 0;   // no later than this; 0: nothing is promised
  std::vector<IntentId> gives_way;  // kPreempting: who makes room, or would
  TimeUs cheaper_at = 0;       // kCheaperLater: when that hour begins
  int32_t saves_ppm = 0;       // kCheaperLater: of what an hour of it would cost if it began now; 0: nothing
  Nanocredits preempting_cost = 0;  // of what that destroys; 0: it is being done
};

struct QueueReport {
  Position version = 0;  // of the graph that it is of
  TimeUs at = 0;
  Backfill backfill = Backfill::kEasy;
  std::vector<QueueStanding> lines;   // parents before what is below them; the domain's own first
  std::map<IntentId, JobWait> waits;  // jobs without a plan
};

// May be called from several threads at once.
class Queues {
 public:
  virtual ~Queues() = default;
  virtual const std::vector<PolicyDescription>& policies() const = 0;
  // kInvalid: no such policy or parameter, or a value out of its range; where: "policy" or "settings.NAME".
  virtual Status check(const std::string& policy, const std::vector<PolicySetting>& settings) const = 0;
  // As of the graph alone: past use that shares remember is not in it. O(intents).
  virtual QueueReport report(const Graph& graph, TimeUs now) const = 0;
};

}  // namespace weir
