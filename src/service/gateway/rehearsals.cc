#include "service/gateway/service.h"
#include "service/gateway/views.h"
#include "service/resource/resource.h"
#include "weir/v1/service.pb.h"

// What becomes of the ways to have a wish, tried on a copy of the domain.
namespace weir::gateway {
namespace {

const char* text_of(ForecastSource source) {
  switch (source) {
    case ForecastSource::kNone: return "none";
    case ForecastSource::kRate: return "rate";
    case ForecastSource::kYesterday: return "yesterday";
  }
  return "none";
}

void put_rehearsal(const Graph& graph, const Rehearsal& from, v1::Rehearsal& to) {
  to.set_window_us(from.window_us);
  to.set_problem(from.problem);
  if (!from.problem.empty()) return;
  to.set_reached_us(from.reached_us);
  to.set_forecast(text_of(from.forecast));
  to.set_arrivals(from.arrivals);
  to.set_starts(from.starts_us.has_value());
  to.set_starts_after_us(from.starts_us.value_or(0));
  to.set_ends(from.ends_us.has_value());
  to.set_ends_after_us(from.ends_us.value_or(0));
  to.set_billed_nanocredits(from.billed);
  to.set_moves(from.moves);
  to.set_preemptions(from.preemptions);
  to.set_short_us(from.short_us);
  to.set_others_later(from.others_later);
  to.set_others_later_us(from.others_later_us);
  to.set_others_preempted(from.others_preempted);
  if (!from.lost.valid()) return;
  to.set_lost_site(graph.site_name(from.lost));
  to.set_repaired(from.repaired_us.has_value());
  to.set_repaired_after_us(from.repaired_us.value_or(0));
}

}  // namespace

void Service::rehearse(const Graph& graph, v1::AskResponse& out) {
  if (!ports_.rehearse) return;
  std::vector<IntentSubmitted> wishes;
  std::vector<v1::Rehearsal*> answers;  // of each
  const auto add = [&](const v1::Intent& intent, const auto& answer) {
    if (wishes.size() >= kRehearsalsMax) return;
    v1::Resource message;
    *message.mutable_intent() = intent;
    auto resource = resource::from_message(message);
    if (!resource) return;
    // As it would be applied: an intent that is so already is not another for want of a digest.
    Workload& work = std::get<resource::Intent>(resource->value).spec.workload;
    if (work.digest.empty() && !work.artifact.empty() && ports_.artifact_digest) {
      work.digest = ports_.artifact_digest(work.artifact).value_or("");
    }
    auto body = body_of(graph, *resource);
    if (!body) return;
    wishes.push_back(std::move(std::get<IntentSubmitted>(*body)));
    answers.push_back(answer());
  };
  for (v1::Wish& wish : *out.mutable_wishes()) {
    for (v1::Strategy& one : *wish.mutable_strategies()) add(one.intent(), [&one] { return one.mutable_rehearsal(); });
    if (wish.strategies().empty() && wish.outcome().has_waiting()) add(wish.intent(), [&wish] { return wish.mutable_rehearsal(); });
  }
  if (wishes.empty()) return;
  // One at a time: others would wait for a worker that does nothing else.
  const std::unique_lock alone(rehearsing_, std::try_to_lock);
  if (!alone) {
    for (v1::Rehearsal* answer : answers) answer->set_problem("another question is being rehearsed: ask again in a moment");
    return;
  }
  const std::vector<Rehearsal> rehearsed = ports_.rehearse(graph, ports_.clock.wall_us(), wishes);
  for (size_t i = 0; i < rehearsed.size(); ++i) put_rehearsal(graph, rehearsed[i], *answers[i]);
}

}  // namespace weir::gateway
