#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "core/result/result.h"

namespace weir {

// Says which waiting jobs may begin now. A memory that follows the graph event by event, so that a turn costs what
// has changed; what it would do again from the graph alone is the same but for past use that shares remember.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // Forgets everything and begins from the graph, as after a restart.
  virtual void restart(const Graph& head) = 0;
  // An event that `head` has just applied, at this position.
  virtual void note(const Graph& head, const EventBody& body, Position at) = 0;

  // A job whose turn it is. It is to be decided, and its answer is PlanCommitted (noted) or refused().
  struct Turn {
    IntentId intent;
    // It may begin anywhere that admits() allows; surely here. Empty: no site is large enough, so that a decision says
    // why.
    std::vector<SiteId> sites;
    // With how many instances a malleable job is to begin; 0: it is no malleable one.
    int32_t instances = 0;
  };
  // Best first. Equal graphs and times, with equal calls before, give equal turns.
  virtual std::vector<Turn> turns(const Graph& head, TimeUs now) = 0;
  // Whether the plan of a job whose turn it is, or of one that is to have more instances, can begin without delaying one that
  // has been promised its start.
  virtual bool admits(const Graph& head, const Plan& plan) const = 0;
  // It could not be placed, on the graph as it was when `relief` was its count: not to be tried before this time, nor
  // before something eased.
  virtual void refused(IntentId intent, uint64_t relief, TimeUs until) = 0;
  // The jobs that are to give way now so that one that waits can begin, in events to be written together; none: nobody is,
  // for now. The waiting job has a right to what they hold by its priority or its queue's guarantee, and no turn of its own
  // would come. The room that they leave is kept for it, until its turn comes, a decision refuses it, or it takes too long.
  // To be asked after turns(), again until there are none.
  virtual std::vector<JobPreempted> preemptions(const Graph& head, TimeUs now) = 0;
  // Malleable jobs that run and are to have more or fewer instances from now on, to be decided each.
  struct Resize {
    JobResized event;
    // More are to be at one of these, where some of it are, or may surely be; empty: it is to have fewer.
    std::vector<SiteId> sites;
  };
  // Those that are to be written together; none: nobody is, for now. Fewer instances of one make room for another job, which
  // then is kept for it as what a preempted job leaves. To be asked after turns(), again until there are none, and before
  // preemptions(), so that nobody is preempted whole for what others can give up.
  virtual std::vector<Resize> resizes(const Graph&, TimeUs) { return {}; }
  // What is known of best-effort work, in events to be written together: how much of what is reserved it may have
  // (ReclaimableMeasured), and which of it makes way for ordinary work, now that it holds more than is left
  // (JobPreempted). To be asked again until there are none.
  virtual std::vector<EventBody> colocate(const Graph& /*head*/, TimeUs /*now*/) { return {}; }
  // How many tasks of an array may begin in one pass, at most, for all the room that is free now.
  virtual int64_t tasks_at_once(const Graph& head, IntentId array) const = 0;
  // When turns(), resizes(), preemptions() or colocate() may say more although nothing happens before; INT64_MAX: never.
  virtual TimeUs wake() const = 0;
  // Whether room can be kept so beside what runs, other reservations and promised starts. kInfeasible: it cannot.
  virtual Status reserves(const Graph& head, const ReservationSpec& spec, TimeUs now) = 0;
  // Takes one submission of a job from the rate that its queue grants the tenant. kExhausted: it is used up for now.
  virtual Status submits(const Graph& head, TenantId tenant, const std::string& queue, TimeUs now) = 0;
};

}  // namespace weir
