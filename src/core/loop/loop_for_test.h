#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/event/codec.h"
#include "core/ledger/memory_log_store.h"
#include "core/loop/loop.h"

namespace weir {

// A loop with a tenant and two sites of one node each, on a clock that the test moves. Decisions are answered by the test.
class LoopOfTwoSites : public testing::Test, public Clock, public Wire {
 protected:
  static constexpr SiteId kHub{0u}, kFar{1u};
  struct Asked {
    uint64_t ticket;
    IntentId intent;
    std::vector<SiteId> sites;
  };

  TimeUs wall_us() override { return now_us; }
  TimeUs steady_us() override { return now_us; }
  void send(const SiteDirective&) override {}
  void drop(SiteId) override {}

  // Into the ledger, before the loop begins.
  void write(EventBody body) {
    std::vector<std::byte> bytes;
    encode(Event{1, "test", std::move(body)}, bytes);
    const Bytes record(bytes);
    ASSERT_TRUE(log.append({&record, 1}, LogStore::Urgency::kOrdinary));
    ASSERT_TRUE(log.flush());
  }
  void describe() {
    write(DomainCreated{.name = "test"});
    write(TenantDefined{TenantId(0u), "city"});
    for (const SiteId site : {kHub, kFar}) {
      write(SiteDefined{site, VertexId(site.value), {.name = "s" + std::to_string(site.value)}});
      write(NodesReported{site, NodeId(site.value), {NodeSpec{"n", 4000, 4096, 0, "", 1000}}});
    }
  }
  Loop::Ports ports() {
    return {.clock = *this,
            .log = log,
            .wire = *this,
            .decide =
                [this](uint64_t ticket, Snapshot, IntentId intent, const std::vector<SiteId>& sites) {
                  asked.push_back({ticket, intent, sites});
                  return true;
                },
            .needs_decision = [this](const Graph& graph, IntentId id) { return needs(graph, id); },
            .publish = [](Snapshot) {}};
  }
  // Begins, or begins again, from the ledger; both sites attach.
  void start(Loop::Ports with, const LoopOptions& options = {}) {
    loop.reset();
    asked.clear();
    auto made = Loop::start(std::move(with), options, "test", DomainCreated{.name = "test"});
    ASSERT_TRUE(made) << made.error().text();
    loop = std::move(*made);
    for (const SiteId site : {kHub, kFar}) turn(Loop::Attached{site, ++connection, {.version = "t"}});
  }
  uint64_t connection_of(SiteId site) const { return site == kHub ? connection - 1 : connection; }
  void turn(Loop::Message message) {
    now_us += 1000;
    std::vector<Loop::Message> messages;
    messages.push_back(std::move(message));
    ASSERT_TRUE(loop->turn(std::move(messages)));
  }
  // Nothing but a word from both, so that nobody is found silent.
  void idle(TimeUs us = 0) {
    now_us += us;
    ASSERT_TRUE(loop->turn({Loop::Heartbeat{kHub, connection_of(kHub)}, Loop::Heartbeat{kFar, connection_of(kFar)}}));
  }

  std::function<bool(const Graph&, IntentId)> needs = [](const Graph& graph, IntentId id) {
    return graph.intent(id).state != IntentState::kWithdrawn && !graph.intent(id).active;
  };
  InMemoryLogStore log;
  TimeUs now_us = 1'000'000;
  uint64_t connection = 0;
  std::vector<Asked> asked;
  std::unique_ptr<Loop> loop;
};

}  // namespace weir
