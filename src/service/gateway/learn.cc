// What is kept of dialogues, for those whose they are.
#include "service/gateway/learn.h"

#include <algorithm>

#include "core/event/limits.h"
#include "core/graph/past.h"
#include "core/units/text.h"
#include "service/gateway/names.h"
#include "service/gateway/service.h"
#include "service/gateway/views.h"
#include "service/gateway/what_if.h"
#include "service/intent/dialogue.h"
#include "service/resource/resource.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

constexpr size_t kUtteranceBytesMax = 4'096;
constexpr size_t kCommentBytesMax = 512;

std::string_view state_text(const PastCase& one, const IntentRow& row) {
  if (one.finished) return "finished";
  if (one.failed) return "failed";
  if (row.generation != one.generation) return "changed";
  switch (row.state) {
    case IntentState::kPending: return "waiting";
    case IntentState::kPlaced: return "planned";
    case IntentState::kRefused: return "refused";
    case IntentState::kWithdrawn: return "ended";
  }
  return "ended";
}

intent::Remembered remembered(const Graph& graph, const std::string& tenant, const PastCase& one) {
  intent::Remembered out{.order = one.recorded * limits::kOffersMax + one.item,
                         .features = {.work = one.sketch.work, .artifact = one.sketch.artifact, .job = one.sketch.kind == WorkKind::kJob, .streams = one.sketch.streams,
                                      .latency_us = one.sketch.latency_us_max, .accelerator_milli = one.sketch.accelerator_milli,
                                      .accelerator_model = one.sketch.accelerator_model, .from = {}, .only = {}},
                         .shown = {}, .intent = {}};
  for (const SiteId site : one.sketch.from) out.features.from.push_back(graph.site_name(site));
  for (const SiteId site : one.sketch.only) out.features.only.push_back(graph.site_name(site));
  std::sort(out.features.from.begin(), out.features.from.end());
  std::sort(out.features.only.begin(), out.features.only.end());
  out.shown.set_at(one.at);
  out.shown.set_end(std::string(to_text(one.end)));
  out.shown.set_strategy(one.way);
  if (one.opinion != Opinion::kNone) out.shown.set_verdict(one.opinion == Opinion::kGood ? "good" : "bad");
  out.shown.set_because(std::string(to_text(one.blame)));
  out.shown.set_billed_per_hour_nanocredits(one.billed_per_hour);
  out.shown.set_samples(one.samples);
  out.shown.set_missed(one.missed);
  if (!one.intent.valid()) return out;
  out.shown.mutable_intent()->set_tenant(tenant);
  out.shown.mutable_intent()->set_name(short_name(graph.intent_name(one.intent)));
  out.shown.set_state(std::string(state_text(one, graph.intent(one.intent))));
  if (one.spec) {
    v1::Resource message;
    resource::to_message(resource::describe(*one.spec, tenant, names_of(graph)), message);
    out.intent = std::move(*message.mutable_intent());
  }
  return out;
}

Status check_name(const std::string& text, const std::string& where) {
  if (policy::valid_name(text)) return {};
  return fail(ErrorCode::kInvalid, "\"" + clip_utf8(text, 63) + "\" is no name", where, "write 1 to 63 of a-z, 0-9 and '-'");
}

Result<DialogueEnd> end_of(const std::string& text) {
  for (const DialogueEnd end : {DialogueEnd::kTaken, DialogueEnd::kDeclined, DialogueEnd::kLeft}) {
    if (to_text(end) == text) return end;
  }
  return fail(ErrorCode::kInvalid, "\"" + clip_utf8(text, 63) + "\" is no end of a dialogue", "end", "give taken, declined or left");
}

// As it stands if it was taken, and as it was offered if not.
Result<DialogueOffer> offer_of(const Graph& graph, const std::string& tenant, const v1::DialogueOutcome& outcome, bool taken, const std::string& where) {
  DialogueOffer out;
  if (!outcome.work().empty()) {
    if (const Status named = check_name(outcome.work(), where + ".work"); !named) return tl::unexpected(named.error());
  }
  if (static_cast<size_t>(outcome.offered_size()) > limits::kWaysMax) {
    return fail(ErrorCode::kInvalid, "names " + std::to_string(outcome.offered_size()) + " strategies, more than " + std::to_string(limits::kWaysMax), where + ".offered");
  }
  for (const std::string& way : outcome.offered()) {
    if (const Status named = check_name(way, where + ".offered"); !named) return tl::unexpected(named.error());
    out.ways.push_back(way);
  }
  out.taken = outcome.taken();
  if (!out.taken.empty() && (!taken || std::find(out.ways.begin(), out.ways.end(), out.taken) == out.ways.end())) {
    return fail(ErrorCode::kInvalid, "\"" + clip_utf8(out.taken, 63) + "\" is none of those that were offered, or nothing was taken", where + ".taken");
  }
  if (taken) {
    const IntentId id = graph.find_intent(tenant, outcome.intent().metadata().name());
    if (!id.valid()) return fail(ErrorCode::kNotFound, "no intent is called so", where + ".intent", "apply it first");
    out.intent = id;
    out.generation = graph.intent(id).generation;
    out.sketch = sketch_of(*graph.intent(id).spec, outcome.work());
    return out;
  }
  v1::Resource message;
  *message.mutable_intent() = outcome.intent();
  auto resource = resource::from_message(message, where + ".intent.", {tenant});
  if (!resource) return tl::unexpected(resource.error());
  // What it speaks of is looked up: never among what another tenant has.
  if (resource->tenant() != tenant) return fail(ErrorCode::kDenied, "is of another tenant", where + ".intent.metadata.tenant", "record it for the tenant whose dialogue it was");
  const auto body = body_of(graph, *resource);
  if (!body) return tl::unexpected(body.error());
  out.sketch = sketch_of(std::get<IntentSubmitted>(*body).spec, outcome.work());
  return out;
}

}  // namespace

std::string_view to_text(DialogueEnd end) {
  switch (end) {
    case DialogueEnd::kTaken: return "taken";
    case DialogueEnd::kDeclined: return "declined";
    case DialogueEnd::kLeft: return "left";
  }
  return "left";
}

std::string_view to_text(Blame blame) {
  switch (blame) {
    case Blame::kUnsaid: return "";
    case Blame::kSlow: return "slow";
    case Blame::kDear: return "dear";
    case Blame::kDirty: return "dirty";
    case Blame::kUnreliable: return "unreliable";
    case Blame::kOther: return "other";
  }
  return "other";
}

std::vector<intent::Remembered> past_of(const policy::Principal& who, const Graph& graph, const std::string& tenant) {
  std::vector<intent::Remembered> out;
  const TenantId id = graph.find_tenant(tenant);
  if (!id.valid() || !policy::authorise(who, policy::Action::kRead, {.kind = policy::Kind::kIntent, .name = tenant, .tenant = tenant})) return out;
  for (const auto& one : graph.past(id).cases) out.push_back(remembered(graph, tenant, *one));
  return out;
}

void Service::record_dialogue(const Principal& who, const v1::RecordDialogueRequest& request, Reply<v1::RecordDialogueResponse> reply) {
  const std::string tenant = tenant_of(who, request.tenant());
  if (const Status may = policy::authorise(who, policy::Action::kApply, {.kind = policy::Kind::kIntent, .name = tenant, .tenant = tenant}); !may) {
    return reply(tl::unexpected(may.error()));
  }
  const Snapshot graph = ports_.brain.durable();
  const auto invalid = [&reply](std::string what, std::string where) { reply(fail(ErrorCode::kInvalid, std::move(what), std::move(where))); };
  DialogueHeld event;
  event.tenant = graph->find_tenant(tenant);
  if (!event.tenant.valid()) return reply(fail(ErrorCode::kNotFound, "no tenant \"" + clip_utf8(tenant, 63) + "\"", "tenant", "say whose dialogue it was"));
  if (request.said_size() < 1 || request.said_size() > intent::kUtterancesMax) {
    return invalid("holds " + std::to_string(request.said_size()) + " utterances, not 1 to " + std::to_string(intent::kUtterancesMax), "said");
  }
  if (request.outcomes_size() < 1 || static_cast<size_t>(request.outcomes_size()) > limits::kOffersMax) {
    return invalid("holds " + std::to_string(request.outcomes_size()) + " outcomes, not 1 to " + std::to_string(limits::kOffersMax), "outcomes");
  }
  if (request.language() != "en" && request.language() != "zh") return invalid("is neither en nor zh", "language");
  event.chinese = request.language() == "zh";
  const auto end = end_of(request.end());
  if (!end) return reply(tl::unexpected(end.error()));
  event.end = *end;
  for (const std::string& text : request.said()) {
    if (text.size() > kUtteranceBytesMax) return invalid("is longer than 4096 bytes", "said");
    event.said += (event.said.empty() ? "" : " / ") + text;
  }
  event.said = clip_utf8(event.said, limits::kTextBytesMax);
  for (int i = 0; i < request.outcomes_size(); ++i) {
    auto offer = offer_of(*graph, tenant, request.outcomes(i), *end == DialogueEnd::kTaken, "outcomes[" + std::to_string(i) + "]");
    if (!offer) return reply(tl::unexpected(offer.error()));
    event.offers.push_back(std::move(*offer));
  }
  v1::RecordDialogueResponse out;
  if (!ports_.learning) {
    out.set_version(graph->version());
    return reply(out);
  }
  out.set_recorded(true);
  ports_.brain.propose({{actor_of(who), std::move(event)}}, [reply, out](const Result<Admitted>& admitted) mutable {
    if (!admitted) return reply(tl::unexpected(admitted.error()));
    out.set_version(admitted->version);
    reply(out);
  });
}

void Service::rate(const Principal& who, const v1::RateRequest& request, Reply<v1::RateResponse> reply) {
  const std::string tenant = tenant_of(who, request.tenant());
  const std::string full = tenant + "/" + request.intent();
  if (const Status may = policy::authorise(who, policy::Action::kApply, {.kind = policy::Kind::kIntent, .name = full, .tenant = tenant}); !may) {
    return reply(tl::unexpected(may.error()));
  }
  if (tenant.empty()) return reply(tl::unexpected(whose("intent", request.intent())));
  if (request.verdict() != "good" && request.verdict() != "bad") {
    return reply(fail(ErrorCode::kInvalid, "\"" + clip_utf8(request.verdict(), 63) + "\" is no verdict", "verdict", "give good or bad"));
  }
  IntentRated event{.intent = {}, .good = request.verdict() == "good", .comment = request.comment()};
  if (!request.because().empty()) {
    if (event.good) return reply(fail(ErrorCode::kInvalid, "is for what is bad", "because", "leave it out, or write a comment"));
    bool known = false;
    for (const Blame blame : {Blame::kSlow, Blame::kDear, Blame::kDirty, Blame::kUnreliable, Blame::kOther}) {
      if (to_text(blame) != request.because()) continue;
      event.blame = blame;
      known = true;
    }
    if (!known) {
      return reply(fail(ErrorCode::kInvalid, "\"" + clip_utf8(request.because(), 63) + "\" is no reason", "because", "give slow, dear, dirty, unreliable or other"));
    }
  }
  if (event.comment.size() > kCommentBytesMax) return reply(fail(ErrorCode::kInvalid, "is longer than 512 bytes", "comment", "shorten it"));
  event.intent = ports_.brain.durable()->find_intent(tenant, request.intent());
  if (!event.intent.valid()) return reply(tl::unexpected(policy::absent(who, policy::Action::kApply, policy::Kind::kIntent, full)));
  ports_.brain.propose({{actor_of(who), event}}, [this, reply, id = event.intent](const Result<Admitted>& admitted) {
    if (!admitted) return reply(tl::unexpected(admitted.error()));
    v1::RateResponse out;
    out.set_version(admitted->version);
    out.set_generation(ports_.brain.durable()->intent(id).generation);
    out.set_changed(admitted->positions.front() != kNoPosition);
    reply(std::move(out));
  });
}

}  // namespace weir::gateway
