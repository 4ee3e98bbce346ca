#include "simulation/auditor.h"

// Dialogues and verdicts by an outsider's books: of the tenant's own, of what there is, and not too many.
namespace weir::simulation {

void Auditor::count_record(const std::string& tenant) {
  constexpr int kPerHourMax = 60;
  constexpr TimeUs kHourUs = 3'600'000'000;
  if (++recorded_[{tenant, last_at_ / kHourUs}] > kPerHourMax) fail("more dialogues and verdicts of " + tenant + " were recorded than may be in an hour");
}

void Auditor::body(const DialogueHeld& e) {
  if (by_brain()) fail("the brain held a dialogue with itself");
  if (e.tenant.index() >= tenants_.size()) return fail("a dialogue of a tenant that is not");
  const std::string& tenant = tenants_[e.tenant.index()];
  if (e.offers.empty()) fail("a dialogue was recorded in which nothing was offered");
  for (const DialogueOffer& offer : e.offers) {
    if (offer.intent.valid() != (e.end == DialogueEnd::kTaken)) fail("something came of what was not taken, or nothing of what was");
    if (!offer.intent.valid()) continue;
    if (offer.intent.index() >= wishes_.size() || wishes_[offer.intent.index()].tenant != tenant) fail("what came of a dialogue is another tenant's");
  }
  count_record(tenant);
}

void Auditor::body(const IntentRated& e) {
  if (by_brain()) fail("the brain judged itself");
  if (e.intent.index() >= wishes_.size()) return fail("an intent that is not was judged");
  const Wish& wish = wishes_[e.intent.index()];
  if (e.generation != wish.generation) fail("an older generation was judged");
  if (wish.array.valid()) fail("a task was judged without its array");
  if (e.good && e.blame != Blame::kUnsaid) fail("what is good was blamed");
  count_record(wish.tenant);
}

}  // namespace weir::simulation
