#include <algorithm>
#include <utility>

#include "core/loop/latencies.h"
#include "core/loop/links.h"
#include "core/loop/loop.h"

namespace weir {

std::vector<Loop::LabelledPath> Loop::labelled_paths() {
  std::vector<LabelledPath> paths;
  const auto add = [&paths](SiteId from, SiteId to, uint16_t label, const std::vector<LinkId>& links) {
    if (label == 0) return;
    paths.push_back({from, to, label, links});
    paths.push_back({to, from, label, reversed(links)});
  };
  for (const IntentId intent : holdings_.with_paths()) {
    const IntentRow& row = head_.intent(intent);
    const auto each = [&](const CommittedPlan& held) {
      for (size_t f = 0; f < held.plan.flows.size(); ++f) {
        if (held.flow_passed_on[f]) continue;
        const Flow& flow = held.plan.flows[f];
        const SiteId host = held.plan.placements[flow.placement].site;
        add(flow.ingress, host, flow.label_working, flow.path);
        add(flow.ingress, host, flow.label_protection, flow.protection);
      }
    };
    if (row.active) each(*row.active);
    for (const auto& held : row.retiring) {
      // Once withdrawn, its paths are not measured any more, and what was said of them last stays so for ever.
      const auto known = retirements_.find({intent, held->position});
      if (known == retirements_.end() || known->second.phase != Phase::kBreaking) each(*held);
    }
  }
  for (const WatchedPath& watched : explored()) {
    add(watched.from, watched.to, exploratory_label(watched), watched.links);
  }
  return paths;
}

const std::vector<WatchedPath>& Loop::explored() {
  if (std::exchange(explored_stale_, false)) explored_ = label_rests_.admit(exploratory_paths(head_, exploring_), now_us_);
  return explored_;
}

void Loop::watch_links() {
  judge_us_ = INT64_MAX;
  if (now_us_ >= label_rests_.wake()) {
    explored_stale_ = react_ = direct_all_ = true;
    (void)explored();
  }
  if (path_states_.empty()) return;
  std::vector<WatchedPath> watched;
  std::vector<std::pair<WatchedPath, TimeUs>> dead;  // when it was found so
  std::vector<std::pair<WatchedPath, int64_t>> routed;  // alive over plain routing, in this round trip
  std::set<LinkId> alive, proven;                    // of living paths; by word that is newer than the link's state
  std::vector<TimedPath> timed;
  struct Living {
    WatchedPath path;
    PathState state;
  };
  std::vector<Living> living;
  std::map<std::pair<SiteId, uint16_t>, PathState> still;
  for (LabelledPath& told : labelled_paths()) {
    const auto found = path_states_.find({told.from, told.label});
    if (found == path_states_.end()) continue;
    PathState& state = found->second;
    if (state.links.empty()) state.links = told.links;
    if (state.links != told.links) continue;  // another path has the label now
    still.insert(*found);
    const auto near = sessions_.find(told.from), far = sessions_.find(told.to);
    if (!state.alive) {
      // A dead far site kills its paths too: wait until both ends spoke after the path died.
      if (near == sessions_.end() || far == sessions_.end() || near->second.heard_us <= state.since_us ||
          far->second.heard_us <= state.since_us) {
        continue;
      }
    }
    WatchedPath path{told.from, told.to, std::move(told.links), state.alive};
    if (!state.alive) {
      dead.push_back({std::move(path), state.since_us});
      continue;
    }
    living.push_back({std::move(path), state});
  }
  std::set<LinkId> on_dead;
  for (const auto& [path, since_us] : dead) {
    for (const LinkId link : path.links) on_dead.insert(duplex(link));
  }
  for (auto& [path, state] : living) {
    // Plain routing may lead around: how long that takes says nothing of these links.
    const bool led = steered(head_, path);
    if (state.round_trip_us > 0 && led) timed.push_back({path.links, state.round_trip_us});
    // A death is said at once, so that whoever speaks says that its paths live; it is found within this time.
    const auto near = sessions_.find(path.from);
    const bool speaks = near != sessions_.end() && near->second.attached;
    const TimeUs heard_us = speaks ? near->second.heard_us : state.heard_us;
    const TimeUs shown_us = std::max(state.since_us, heard_us - options_.probe_down_us);
    for (const LinkId link : path.links) {
      const LinkId both = duplex(link);
      const auto changed = link_changed_us_.find(both);
      alive.insert(both);
      if (led) link_shown_us_[both] = std::max(link_shown_us_[both], shown_us);
      if (head_.usable(link) || (changed != link_changed_us_.end() && changed->second >= state.heard_us)) continue;
      if (shows_link(head_, path, link, state.round_trip_us, on_dead.count(both) > 0, detours_)) proven.insert(both);
    }
    if (led) {
      watched.push_back(std::move(path));
    } else {
      routed.push_back({std::move(path), state.round_trip_us});
    }
  }
  path_states_ = std::move(still);
  for (auto& [path, round_trip_us] : routed) {
    // Routing may have gone around what a dead path dies of.
    WatchedPath shown = path;
    std::erase_if(shown.links, [&, &way = path, us = round_trip_us](LinkId link) {
      return on_dead.count(duplex(link)) > 0 && !shows_link(head_, way, link, us, true, detours_);
    });
    watched.push_back(std::move(shown));
  }
  // Two paths over a link that died are not found dead at once: what lives on says nothing about a death so young.
  for (auto& [path, since_us] : dead) {
    // Of a link that was shown to work since it did not die.
    std::erase_if(path.links, [this, since = since_us](LinkId id) {
      const auto shown = link_shown_us_.find(duplex(id));
      return shown != link_shown_us_.end() && shown->second >= since;
    });
    const bool shared = std::any_of(path.links.begin(), path.links.end(),
                                    [&alive](LinkId id) { return alive.count(duplex(id)) > 0; });
    if (shared && now_us_ < since_us + options_.probe_down_us) {
      judge_us_ = std::min(judge_us_, since_us + options_.probe_down_us);
      continue;
    }
    watched.push_back(std::move(path));
  }
  const LinkVerdicts verdicts = judge_links(head_, watched);
  const auto set = [this](LinkId link, bool up, const char* why) {
    std::vector<EventBody> bodies;
    for (const LinkId id : {link, opposite(link)}) {
      if (head_.load(id).up != up) bodies.push_back(LinkStateChanged{id, up, why});
    }
    (void)record(kBrain, std::move(bodies));
  };
  for (const LinkId link : verdicts.down) set(link, false, "every measured path over it is dead");
  for (const LinkId link : verdicts.up) {
    if (proven.count(link)) set(link, true, "a measured path over it is alive");
  }
  watch_latencies(timed);
}

// What lasts is written down: the links that a promise rests on are then known to be as slow as they are.
void Loop::watch_latencies(const std::vector<TimedPath>& timed) {
  std::map<LinkId, TimeUs> doubted;
  for (const LinkLatency& verdict : judge_latencies(head_, timed)) {
    const auto known = latency_doubted_us_.find(verdict.link);
    const TimeUs since_us = known == latency_doubted_us_.end() ? now_us_ : known->second;
    if (now_us_ < since_us + options_.latency_dwell_us) {
      doubted[verdict.link] = since_us;
      judge_us_ = std::min(judge_us_, since_us + options_.latency_dwell_us);
      continue;
    }
    std::vector<EventBody> bodies;
    for (const LinkId id : {verdict.link, opposite(verdict.link)}) {
      const LinkLoad& load = head_.load(id);
      bodies.push_back(LinkMeasured{id, verdict.latency_us, load.jitter_us, load.loss_ppm});
    }
    (void)record(kBrain, std::move(bodies));
  }
  latency_doubted_us_ = std::move(doubted);
}

}  // namespace weir
