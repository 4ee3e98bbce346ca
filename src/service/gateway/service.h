#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ledger/proof_text.h"
#include "core/ports/brain.h"
#include "core/ports/clock.h"
#include "core/ports/history.h"
#include "core/ports/log_store.h"
#include "core/ports/planner.h"
#include "core/ports/queues.h"
#include "core/ports/rehearsal.h"
#include "core/ports/understanding.h"
#include "core/ports/wire.h"
#include "security/policy/policy.h"

namespace weir::v1 {
class ApplyRequest;
class ApplyResponse;
class AskRequest;
class AskResponse;
class RecordDialogueRequest;
class RecordDialogueResponse;
class RateRequest;
class RateResponse;
class GetRequest;
class GetResponse;
class ListRequest;
class ListResponse;
class DeleteRequest;
class DeleteResponse;
class ExplainRequest;
class ExplainResponse;
class Outlook;
class CordonRequest;
class CordonResponse;
class UncordonRequest;
class UncordonResponse;
class DrainRequest;
class DrainResponse;
class UndrainRequest;
class UndrainResponse;
class EventsRequest;
class EventsResponse;
class LogsRequest;
class BillRequest;
class BillResponse;
class RevokeSiteRequest;
class RevokeSiteResponse;
class IssueTokenRequest;
class IssueTokenResponse;
class RevokeTokenRequest;
class RevokeTokenResponse;
class WhoAmIRequest;
class WhoAmIResponse;
class AddWebhookRequest;
class AddWebhookResponse;
class ListWebhooksRequest;
class ListWebhooksResponse;
class RemoveWebhookRequest;
class RemoveWebhookResponse;
class LedgerHeadRequest;
class LedgerHeadResponse;
class LedgerProofRequest;
class LedgerProofResponse;
class Resource;
class Wish;
}  // namespace weir::v1

namespace weir::intent {
struct Scene;
}

namespace weir::identity {
struct UserToken;
}

namespace weir::webhook {
class Webhooks;
}

namespace weir::gateway {

class SignIn;

inline constexpr size_t kResourcesPerApplyMax = 1'000;
inline constexpr uint32_t kPageSizeDefault = 100;
inline constexpr uint32_t kPageSizeMax = 1'000;
inline constexpr size_t kEventsAtOnceMax = 256;
inline constexpr size_t kStepsPerPageMax = 8;  // of reading events: a page may end with few of them, or none
inline constexpr TimeUs kHistoryPatienceUs = 500'000;
inline constexpr size_t kRehearsalsMax = 8;  // of one question

// What an agent says about its site.
struct SiteContact {
  std::string agent_version;
  std::string driver;
  std::string isolation;
  bool steerable = false;
  std::string not_steerable_why;
  int64_t heard_us_ago = 0;
};

// A piece of a run's log; the one with `last` ends it.
struct LogPiece {
  uint64_t offset = 0;
  std::string data;
  bool complete = false;
  std::optional<Error> error;
  bool last = false;
};

// What the service needs of the rest. All of it outlives the service and may be called from any thread.
struct Ports {
  Brain& brain;
  Clock& clock;
  const LogReader& log;
  History& history;
  const Queues& queues;
  std::function<TreeHead()> ledger_head;
  std::function<Result<InclusionProof>(Position, uint64_t size)> prove_record;
  std::function<Result<ConsistencyProof>(uint64_t old_size, uint64_t size)> prove_growth;
  // For dry runs: on graphs that are of no history, so nothing may be remembered from one to the next.
  std::function<Decision(const Graph&, IntentId)> decide;
  std::function<std::optional<std::string>(std::string_view artifact)> artifact_digest;
  std::function<std::optional<SiteContact>(SiteId)> contact;
  // What the site's end of a path has counted; none: it says nothing of it. Absent: nothing is known.
  std::function<std::optional<PathTraffic>(SiteId, uint16_t label)> path_traffic = {};
  // The pieces come from another thread. Yields what ends it early.
  std::function<Result<std::function<void()>>(SiteId, RunId, uint64_t offset, bool follow, uint64_t bytes_max,
                                              std::function<void(LogPiece)>)>
      read_log;
  std::string ca_sha256;
  // Absent: sentences are not understood.
  UnderstandNames understand = {};
  // Absent: what is offered is not rehearsed.
  Rehearse rehearse = {};
  // Absent: local tokens alone.
  SignIn* sign_in = nullptr;
  // Absent: nobody is told of events but by streams.
  webhook::Webhooks* webhooks = nullptr;
  // Dialogues are recorded and what was recorded of them shapes answers. Verdicts are recorded in any case.
  bool learning = true;
};

struct ViewSources;

// Who calls, and what says so.
struct Caller : policy::Principal {
  enum class By : uint8_t { kToken, kSession, kProvider };
  std::string token = {};  // identifier; empty by the identity provider's own token
  By by = By::kToken;
  std::string person = {};  // as the identity provider names them
  TimeUs expires = 0;       // 0: never
};

// Every operation that users have, once for all protocols: request in, response out, in the messages of
// api/weir/v1/service.proto. Reads answer from the newest durable state; changes answer when they are durable.
// Safe to call from several threads; nothing blocks but dry runs and rehearsals, which decide, bills, which wait a moment for
// the history to have caught up, and changes of webhooks, which write a file.
class Service {
 public:
  using Principal = policy::Principal;
  template <class Response>
  using Reply = std::function<void(Result<Response>)>;  // called once, perhaps from another thread

  explicit Service(Ports ports) : ports_(std::move(ports)) {}

  // `authorization` is the header's value: "Bearer " and a local token or one of the identity provider. Never waits. kDenied.
  Result<Caller> authenticate(std::string_view authorization) const;
  // `session` is the cookie's value. kDenied.
  Result<Caller> authenticate_session(std::string_view session) const;
  // What somebody opened ends with their right to it: kDenied once their token was revoked or has expired. Cheap.
  Status still_good(const Caller& who) const;

  void apply(const Principal& who, const v1::ApplyRequest& request, Reply<v1::ApplyResponse> reply);
  void remove(const Principal& who, const v1::DeleteRequest& request, Reply<v1::DeleteResponse> reply);
  void drain(const Principal& who, const v1::DrainRequest& request, Reply<v1::DrainResponse> reply);
  void undrain(const Principal& who, const v1::UndrainRequest& request, Reply<v1::UndrainResponse> reply);
  void record_dialogue(const Principal& who, const v1::RecordDialogueRequest& request, Reply<v1::RecordDialogueResponse> reply);
  void rate(const Principal& who, const v1::RateRequest& request, Reply<v1::RateResponse> reply);
  void cordon(const Principal& who, const v1::CordonRequest& request, Reply<v1::CordonResponse> reply);
  void uncordon(const Principal& who, const v1::UncordonRequest& request, Reply<v1::UncordonResponse> reply);
  void revoke_site(const Principal& who, const v1::RevokeSiteRequest& request, Reply<v1::RevokeSiteResponse> reply);
  void issue_token(const Principal& who, const v1::IssueTokenRequest& request, Reply<v1::IssueTokenResponse> reply);
  void revoke_token(const Principal& who, const v1::RevokeTokenRequest& request,
                    Reply<v1::RevokeTokenResponse> reply);

  Result<v1::GetResponse> get(const Principal& who, const v1::GetRequest& request);
  Result<v1::ListResponse> list(const Principal& who, const v1::ListRequest& request);
  Result<v1::ExplainResponse> explain(const Principal& who, const v1::ExplainRequest& request);
  // Decides up to intent::kTrialsMax dry runs a wish, and rehearses up to kRehearsalsMax of the ways that come of them.
  Result<v1::AskResponse> ask(const Principal& who, const v1::AskRequest& request);
  Result<v1::BillResponse> bill(const Principal& who, const v1::BillRequest& request);
  Result<v1::WhoAmIResponse> who_am_i(const Caller& who, const v1::WhoAmIRequest& request);
  Result<v1::LedgerHeadResponse> ledger_head(const Principal& who, const v1::LedgerHeadRequest& request);
  Result<v1::LedgerProofResponse> ledger_proof(const Principal& who, const v1::LedgerProofRequest& request);

  Result<v1::AddWebhookResponse> add_webhook(const Caller& who, const v1::AddWebhookRequest& request);
  Result<v1::ListWebhooksResponse> list_webhooks(const Principal& who, const v1::ListWebhooksRequest& request);
  Result<v1::RemoveWebhookResponse> remove_webhook(const Principal& who, const v1::RemoveWebhookRequest& request);

  // Whether the request may be made at all; then read it on from `next` on. An answer without events and with
  // `next` at the durable end: wait for a later version.
  Status check_events(const Principal& who, const v1::EventsRequest& request) const;
  Result<v1::EventsResponse> events(const Principal& who, const v1::EventsRequest& request, Position next) const;

  // Yields what ends it early.
  Result<std::function<void()>> logs(const Principal& who, const v1::LogsRequest& request,
                                     std::function<void(LogPiece)> piece);

  Brain& brain() const { return ports_.brain; }
  const Ports& ports() const { return ports_; }

 private:
  struct ApplyJob;
  Result<Caller> authenticate(const identity::UserToken& token) const;
  void dry_run(const Principal& who, Graph trial, const std::vector<std::pair<size_t, IntentId>>& intents, TimeUs now,
               Language language, v1::ApplyResponse& out);
  void apply_stage(const std::shared_ptr<ApplyJob>& job, size_t stage);

  // Of the graph, or of one a little older where making it takes long: of the time, a part only is spent on
  // it.
  std::shared_ptr<const QueueReport> queues(const Snapshot& graph);
  ViewSources sources(const Principal& who, const Snapshot& graph, Language language = Language::kEnglish);
  intent::Scene scene(const Principal& who, const Snapshot& graph, const v1::AskRequest& request);
  void plan_wish(const Principal& who, Language language, v1::Wish& wish);
  void rehearse(const Graph& graph, v1::AskResponse& out);
  Result<v1::ExplainResponse> explain_workflow(const Principal& who, const v1::ExplainRequest& request, Language language);
  Result<v1::ExplainResponse> what_if(const Principal& who, const Snapshot& graph, IntentId id,
                                      const v1::ExplainRequest& request);
  void put_outlook_of(const policy::Principal& who, const Graph& trial, IntentId id, TimeUs now, Language language, v1::Outlook& out);

  Ports ports_;
  std::mutex rehearsing_;
  std::mutex queues_mutex_;
  std::shared_ptr<const QueueReport> queues_;
  TimeUs queues_made_us_ = 0, queues_took_us_ = 0;  // steady
};

// The tenant that a request is about: the one it names, or the caller's own.
std::string tenant_of(const policy::Principal& who, const std::string& named);

// How this person stands in the ledger: "operator/alice".
std::string actor_of(const policy::Principal& who);

}  // namespace weir::gateway
