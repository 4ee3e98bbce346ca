#include <algorithm>

#include "core/event/codec.h"
#include "core/loop/desired.h"
#include "core/loop/labels.h"
#include "core/loop/loop.h"

// Passes over the whole domain, and the moves that they advise.
namespace weir {
namespace {

// The next pass begins after this many times as long as one takes: passes are a tenth of a thread at most.
constexpr int64_t kRestPerPass = 9;

bool says_the_same(ShadowPricesRevised one, const ShadowPricesRevised& other) {
  one.basis = other.basis;
  return one == other;
}

Position active_position(const IntentRow& row) { return row.active ? row.active->position : kNoPosition; }

}  // namespace

void Loop::begin_pass() {
  if (!ports_.advise || options_.pass_us == 0 || held_ || pass_ticket_ != 0 || now_us_ < pass_us_) return;
  // Nothing has happened since the last.
  if (durable_->version() == pass_version_) {
    pass_us_ = now_us_ + options_.pass_us;
    return;
  }
  pass_ticket_ = ++last_ticket_;
  pass_began_us_ = now_us_;
  pass_version_ = durable_->version();
  ++counters_.passes;
  ports_.advise(pass_ticket_, durable_);
}

void Loop::handle(Advised& message) {
  if (message.ticket == 0 || message.ticket != pass_ticket_) return;
  pass_ticket_ = 0;
  pass_us_ = now_us_ + std::max(options_.pass_us, kRestPerPass * (now_us_ - pass_began_us_));
  if (!message.advice) {
    ++counters_.pass_failures;
    pass_version_ = kNoPosition;
    return;
  }
  DomainAdvice& advice = *message.advice;
  counters_.moves_given_up += advised_.size();
  advised_.clear();
  advised_until_us_ = now_us_ + options_.move_patience_us;
  advised_seen_ = kNoPosition;
  std::erase_if(moved_us_, [this](const auto& moved) { return now_us_ - moved.second >= options_.move_dwell_us; });
  for (Plan& plan : advice.moves) {
    if (!validate(plan) || plan.intent.index() >= head_.intent_count()) {
      ++counters_.defects;
      continue;
    }
    const IntentRow& row = head_.intent(plan.intent);
    // What has changed since the snapshot is another question.
    if (row.active ? row.active->position >= plan.basis : row.submitted >= plan.basis) {
      ++counters_.moves_given_up;
      continue;
    }
    advised_.push_back({std::move(plan), active_position(row)});
  }
  const bool nothing_else = head_.version() == pass_version_;
  if (!says_the_same(advice.prices, head_.shadow_prices())) (void)record(kBrain, {std::move(advice.prices)});
  if (nothing_else) pass_version_ = head_.version();
}

Loop::Moving Loop::make(Move& move) {
  const IntentId intent = move.plan.intent;
  const IntentRow& row = head_.intent(intent);
  const auto moved = moved_us_.find(intent);
  if (row.generation != move.plan.generation || row.state == IntentState::kWithdrawn || active_position(row) != move.from ||
      row.spec->workload.kind == WorkKind::kJob || (moved != moved_us_.end() && now_us_ - moved->second < options_.move_dwell_us)) {
    return Moving::kGivenUp;
  }
  // Its own decision goes first; and it moves from where it stands firmly.
  if (attempts_.count(intent) || to_decide_.count(intent) || !row.retiring.empty() || (row.active && !active_is_ready(row))) {
    return Moving::kLater;
  }
  const Verdict verdict = verify(head_, move.plan);
  if (!verdict.granted) {
    counters_.defects += !verdict.conflict;
    return verdict.conflict ? Moving::kLater : Moving::kGivenUp;
  }
  give_devices(head_, move.plan);
  if (!give_labels(head_, move.plan, holders(move.plan))) return Moving::kLater;
  // A disk without room leaves it for later.
  if (!record(kBrain, {PlanCommitted{move.plan}})) return Moving::kLater;
  moved_us_[intent] = now_us_;
  ++counters_.commits;
  ++counters_.moves;
  return Moving::kMade;
}

void Loop::make_moves() {
  if (advised_.empty() || held_) return;
  if (now_us_ >= advised_until_us_) {
    counters_.moves_given_up += advised_.size();
    return advised_.clear();
  }
  // What found no room finds none before something happened.
  if (head_.version() == advised_seen_) return;
  size_t under_way = 0;
  for (const auto& [intent, since_us] : moved_us_) under_way += !head_.intent(intent).retiring.empty();
  std::vector<Move> later;
  for (Move& move : advised_) {
    const Moving did = under_way < options_.moves_under_way_max ? make(move) : Moving::kLater;
    if (did == Moving::kMade) ++under_way;
    if (did == Moving::kGivenUp) ++counters_.moves_given_up;
    if (did == Moving::kLater) later.push_back(std::move(move));
  }
  advised_ = std::move(later);
  advised_seen_ = head_.version();
}

}  // namespace weir
