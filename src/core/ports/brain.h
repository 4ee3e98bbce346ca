#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "core/event/event.h"
#include "core/graph/graph.h"
#include "core/ports/wire.h"
#include "core/result/result.h"

namespace weir {

// Something that somebody wants to become an event. Identifiers of new things are left unset: the loop gives
// them out. Identifiers of known things are set by whoever proposes, from a durable snapshot.
//   TenantDefined, RouterDefined, SiteDefined, LinkDefined, DatasetDefined: define, or replace by name
//   IntentSubmitted (generation 0: the next; submitting the same spec again changes nothing), IntentWithdrawn
//   SiteStateChanged: drain (kDraining) and undrain (kUp)
//   WorkflowSubmitted, WorkflowWithdrawn: as of intents
//   QueueDefined: define, or replace by name; ReservationDefined, ReservationCancelled, NodeCordoned
//   DialogueHeld, IntentRated (generation 0: the newest): kExhausted beyond kRecordsPerHourMax of the tenant
//   PricesRevised, TokenIssued, TokenRedeemed, TokenRevoked, CertificateIssued, CertificateRevoked
struct Proposal {
  std::string actor;
  EventBody body;
};

// What became of proposals, once durable.
struct Admitted {
  std::vector<Position> positions;  // parallel to the proposals; kNoPosition where nothing changed
  Position version = 0;             // a snapshot of this version or newer shows the effect
};

// What the rest of the system may ask of the loop. Every function may be called from any thread; none blocks.
class Brain {
 public:
  virtual ~Brain() = default;

  // All proposals become events, or none. `reply` is called once, from another thread, after the events are
  // durable, or with the error that refused them: kInvalid, kNotFound, kConflict; kExhausted: the inbox or the
  // disk is full, try again later; kUnavailable: the brain is stopping.
  using Reply = std::function<void(Result<Admitted>)>;
  virtual void propose(std::vector<Proposal> proposals, Reply reply) = 0;

  // Newest durable state.
  virtual Snapshot durable() const = 0;

  // Calls `notify(version)` after each durable batch, from the loop's thread: it must only note and return.
  // Returns a token for unsubscribe, which waits for a running notify.
  using Notify = std::function<void(Position)>;
  virtual uint64_t subscribe(Notify notify) = 0;
  virtual void unsubscribe(uint64_t token) = 0;

  // From a site's connection. A newer connection of a site replaces the older: `connection` ascends. False:
  // the inbox is full; the agent will say it again.
  virtual bool attached(SiteId site, uint64_t connection, Hello hello) = 0;
  virtual bool detached(SiteId site, uint64_t connection) = 0;
  using Report = std::variant<Observation, PathReading, SwitchReport, UsageReport, PromiseReport>;
  // `done` (may be empty) is called when the report's events are durable, or it had none; it is not when the disk has
  // no room for them: the agent will say them again.
  virtual bool reported(SiteId site, uint64_t connection, std::vector<Report> reports, std::function<void()> done) = 0;
  virtual bool heartbeat(SiteId site, uint64_t connection) = 0;
};

// The loop's way to the agents.
class Wire {
 public:
  virtual ~Wire() = default;
  // Sends to the newest connection of the site, if there is one; replaces a directive still in its queue. Called from the
  // loop's thread; must not block.
  virtual void send(const SiteDirective& directive) = 0;
  // Ends a connection that the loop no longer wants.
  virtual void drop(SiteId site) = 0;
};

}  // namespace weir
