#include <algorithm>

#include "core/event/limits.h"
#include "core/graph/graph.h"

// What is remembered of dialogues and verdicts, and what became of what they were about.
namespace weir {
namespace {

// What goes first when there is no room: what nothing came of, then what nobody judged.
int worth(const PastCase& one) {
  if (one.opinion != Opinion::kNone) return 2;
  return one.intent.valid() ? 1 : 0;
}

// Of those of least worth the oldest goes; the newest stays in any case.
void remember(Past& past, PastCase one) {
  past.cases.push_back(std::make_shared<const PastCase>(std::move(one)));
  if (past.cases.size() <= kPastCasesMax) return;
  past.cases.erase(std::min_element(past.cases.begin(), past.cases.end() - 1, [](const auto& a, const auto& b) { return worth(*a) < worth(*b); }));
}

void count_record(Past& past, TimeUs now) {
  past.recorded = recorded_in_hour(past, now) + 1;
  past.hour = now / kHourOfRecordsUs;
}

std::vector<SiteId> sketched(std::vector<SiteId> sites) {
  std::sort(sites.begin(), sites.end());
  sites.erase(std::unique(sites.begin(), sites.end()), sites.end());
  if (sites.size() > limits::kPlacesSketchedMax) sites.resize(limits::kPlacesSketchedMax);
  return sites;
}

}  // namespace

const PastCase* find_case(const Past& past, IntentId intent, uint32_t generation) {
  const auto found = std::find_if(past.cases.begin(), past.cases.end(),
                                  [&](const auto& one) { return one->intent == intent && one->generation == generation; });
  return found == past.cases.end() ? nullptr : found->get();
}

WishSketch sketch_of(const IntentSpec& spec, std::string work) {
  WishSketch out{.work = std::move(work), .artifact = spec.workload.artifact, .kind = spec.workload.kind, .latency_us_max = spec.promise.latency_us_max,
                 .accelerator_milli = spec.workload.accelerator_milli > 0 ? spec.workload.accelerator_milli : spec.workload.accelerators * 1'000,
                 .accelerator_model = spec.workload.accelerator_model, .from = {}, .only = sketched(spec.where.only)};
  for (const Ingress& one : spec.from) {
    out.streams += one.streams;
    out.from.push_back(one.site);
  }
  out.from = sketched(std::move(out.from));
  return out;
}

const Past& Graph::past(TenantId id) const {
  static const Past kNothing;
  return id.index() < past_.size() ? *past_[id.index()] : kNothing;
}

Past& Graph::keep_past(TenantId tenant) {
  while (past_.size() <= tenant.index()) past_.push_back(CowPtr<Past>(Past{}));
  return past_.mutate(tenant.index()).mutate();
}

PastCase Graph::case_of(IntentId id) const {
  const IntentRow& row = intent(id);
  PastCase out{.recorded = version_ - 1, .at = now_, .intent = id, .generation = row.generation, .way = {}, .sketch = sketch_of(*row.spec, {}), .spec = row.spec};
  if (row.active && row.active->plan.generation == row.generation) out.billed_per_hour = row.active->plan.billed_per_hour;
  out.finished = row.finished;
  out.failed = row.failed;
  return out;
}

Applied Graph::on(const DialogueHeld& e) {
  if (e.tenant.index() >= tenants_.size()) return no_effect("unknown tenant");
  if (e.offers.empty()) return no_effect("nothing was offered");
  for (const DialogueOffer& offer : e.offers) {
    for (const auto* sites : {&offer.sketch.from, &offer.sketch.only}) {
      if (std::any_of(sites->begin(), sites->end(), [this](SiteId id) { return id.index() >= sites_.size(); })) return no_effect("unknown site");
    }
    if (offer.intent.valid() && (offer.intent.index() >= intents_.size() || intent(offer.intent).tenant != e.tenant)) {
      return no_effect("what came of it is not the tenant's");
    }
  }
  Past& past = keep_past(e.tenant);
  count_record(past, now_);
  for (size_t i = 0; i < e.offers.size(); ++i) {
    const DialogueOffer& offer = e.offers[i];
    const PastCase* known = offer.intent.valid() ? find_case(past, offer.intent, offer.generation) : nullptr;
    PastCase one;
    if (known != nullptr) {
      one = *known;
      std::erase_if(past.cases, [known](const auto& other) { return other.get() == known; });
    } else if (offer.intent.valid() && intent(offer.intent).generation == offer.generation) {
      one = case_of(offer.intent);
    }
    one.recorded = version_ - 1;
    one.item = static_cast<uint32_t>(i);
    one.at = now_;
    one.end = e.end;
    one.intent = offer.intent;
    one.generation = offer.generation;
    one.way = offer.taken;
    one.sketch = offer.sketch;
    remember(past, std::move(one));
  }
  return {};
}

Applied Graph::on(const IntentRated& e) {
  if (e.intent.index() >= intents_.size()) return no_effect("unknown intent");
  const IntentRow& row = intent(e.intent);
  if (row.array.valid()) return no_effect("a task of an array is judged with the array");
  if (row.generation != e.generation) return no_effect("of another generation");
  Past& past = keep_past(row.tenant);
  count_record(past, now_);
  const PastCase* known = find_case(past, e.intent, e.generation);
  PastCase one = known != nullptr ? *known : case_of(e.intent);
  one.opinion = e.good ? Opinion::kGood : Opinion::kBad;
  one.blame = e.good ? Blame::kUnsaid : e.blame;
  if (known == nullptr) {
    remember(past, std::move(one));
  } else {
    *std::find_if(past.cases.begin(), past.cases.end(), [known](const auto& other) { return other.get() == known; }) =
        std::make_shared<const PastCase>(std::move(one));
  }
  return {};
}

template <class Change>
void Graph::note_outcome(IntentId id, Change&& change) {
  const IntentRow& row = intent(id);
  const PastCase* known = find_case(past(row.tenant), id, row.generation);
  if (known == nullptr) return;
  PastCase one = *known;
  change(one);
  auto& cases = keep_past(row.tenant).cases;
  *std::find_if(cases.begin(), cases.end(), [known](const auto& other) { return other.get() == known; }) = std::make_shared<const PastCase>(std::move(one));
}

void Graph::note_plan(IntentId id) {
  note_outcome(id, [&](PastCase& one) { one.billed_per_hour = intent(id).active->plan.billed_per_hour; });
}

void Graph::note_end(IntentId id) {
  note_outcome(id, [&](PastCase& one) {
    one.finished = intent(id).finished;
    one.failed = intent(id).failed;
  });
}

Applied Graph::on(const PromiseMeasured& e) {
  if (e.intent.index() >= intents_.size()) return no_effect("unknown intent");
  // Sums of what the ledger holds: they are taken to be less than a 64-bit number, and stay at its largest.
  const auto plus = [](int64_t sum, int64_t more) { return more > INT64_MAX - sum ? INT64_MAX : sum + more; };
  note_outcome(e.intent, [&](PastCase& one) {
    one.samples = plus(one.samples, e.samples);
    one.missed = plus(plus(one.missed, e.misses), e.lost);
  });
  return {};
}

}  // namespace weir
