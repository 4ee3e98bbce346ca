#include "infrastructure/agent/reconcile.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "infrastructure/agent/fakes_for_test.h"

namespace weir::agent {
namespace {

SiteDirective everything() {
  SiteDirective d{.version = 7, .brain_epoch = 1};
  d.runs = {test::service_run({5, 0}), test::service_run({5, 1})};
  d.paths = {test::path(300), test::path(301)};
  d.steerings = {test::steering(300, 301)};
  d.services = {test::service()};
  return d;
}

// Does an act at once.
void apply(const Act& act, Present& present) {
  note_done(act, present);
  if (const auto* start = std::get_if<StartRun>(&act)) present.runs.push_back({start->run, true, false});
  for (PresentRun& run : present.runs) {
    if (const auto* stop = std::get_if<StopRun>(&act); stop && stop->run == run.run)
      run = {run.run, false, true};
  }
  if (const auto* forget = std::get_if<ForgetRun>(&act)) {
    std::erase_if(present.runs, [&](const PresentRun& r) { return r.run == forget->run; });
  }
}

TEST(Diff, MakesInOrder) {
  const Wanted wanted = translate(everything()).wanted;
  Present present;
  std::vector<std::string> order;
  for (const Act& act : diff(wanted, present)) {
    EXPECT_TRUE(makes(act));
    order.push_back(item(act));
  }
  EXPECT_EQ(order,
            (std::vector<std::string>{"address fd77:1:1:3:8000::1", "address fd77:1:1:3:8000::2", "run 5-0",
                                      "run 5-1", "path 300", "path 301", "steering to fd77:1:1:2:8000::1/128",
                                      "service [fd77:1:2::1]:8080"}));
}

TEST(Diff, NothingIsLeftOnceEverythingIsThere) {
  const Wanted wanted = translate(everything()).wanted;
  Present present;
  for (int round = 0; round < 3; ++round) {
    for (const Act& act : diff(wanted, present)) apply(act, present);
  }
  EXPECT_TRUE(diff(wanted, present).empty());
}

TEST(Diff, BreaksAfterMakingAndWithdrawsAPathOnlyWhenNothingIsSteeredOverIt) {
  Present present;
  const Wanted before = translate(everything()).wanted;
  for (int round = 0; round < 3; ++round) {
    for (const Act& act : diff(before, present)) apply(act, present);
  }
  SiteDirective next = everything();
  next.runs = {test::service_run({9, 0})};
  next.paths = {test::path(302)};
  next.steerings = {test::steering(302, 0)};
  const Wanted wanted = translate(next).wanted;
  auto acts = diff(wanted, present);
  bool breaking = false;
  for (const Act& act : acts) {
    breaking = breaking || !makes(act);
    EXPECT_EQ(breaking, !makes(act)) << item(act);
    const auto* withdraw = std::get_if<WithdrawPath>(&act);
    EXPECT_TRUE(withdraw == nullptr || withdraw->label == 301);
    EXPECT_FALSE(std::holds_alternative<RemoveAddress>(act)) << "a run that lives would lose its address";
  }
  for (int round = 0; round < 4; ++round) {
    for (const Act& act : diff(wanted, present)) apply(act, present);
  }
  EXPECT_TRUE(diff(wanted, present).empty());
  ASSERT_EQ(present.paths.paths.size(), 1u);
  EXPECT_EQ(present.paths.paths[0].label, 302);
  EXPECT_EQ(present.addresses.size(), 1u);
}

RC_GTEST_PROP(Diff, ArrivesAtWhatIsWantedFromAnywhere, ()) {
  const auto any = [] {
    SiteDirective d;
    for (uint16_t label = 300; label < 304; ++label) {
      if (*rc::gen::arbitrary<bool>()) d.paths.push_back(test::path(label));
    }
    for (uint32_t i = 0; i < 3; ++i) {
      if (*rc::gen::arbitrary<bool>()) d.runs.push_back(test::service_run({5, i}));
      if (!d.paths.empty() && *rc::gen::arbitrary<bool>()) {
        DirectedSteering s = test::steering(d.paths[*rc::gen::inRange<size_t>(0, d.paths.size())].label, 0);
        s.destination = "fd77:1:1:2:8000::" + std::to_string(i + 1) + "/128";
        d.steerings.push_back(s);
      }
    }
    if (*rc::gen::arbitrary<bool>()) d.services.push_back(test::service());
    return translate(d).wanted;
  };
  Present present;
  for (int target = 0; target < 3; ++target) {
    const Wanted wanted = any();
    for (int round = 0; round < 5; ++round) {
      for (const Act& act : diff(wanted, present)) {
        if (const auto* withdraw = std::get_if<WithdrawPath>(&act)) {
          for (const Steering& s : present.paths.steerings) RC_ASSERT(s.label != withdraw->label);
        }
        if (const auto* steer = std::get_if<Steer>(&act)) {
          const bool installed =
              std::any_of(present.paths.paths.begin(), present.paths.paths.end(),
                          [&](const PathSpec& p) { return p.label == steer->steering.label; });
          RC_ASSERT(installed);
        }
        apply(act, present);
      }
    }
    RC_ASSERT(diff(wanted, present).empty());
    RC_ASSERT(present.runs.size() == wanted.runs.size());
    RC_ASSERT(present.paths.steerings.size() == wanted.steerings.size());
  }
}

TEST(Diff, WhatHasEndedIsKeptAndNotBegunAgain) {
  SiteDirective d;
  d.runs = {test::service_run({5, 0})};
  d.runs[0].ended = true;
  EXPECT_TRUE(diff(translate(d).wanted, {}).empty()) << "its machine has forgotten it";
  Present present;
  present.runs = {{{5, 0}, false, true}};
  EXPECT_TRUE(diff(translate(d).wanted, present).empty()) << "its log can still be read";
  d.runs[0].ended = false;
  EXPECT_FALSE(diff(translate(d).wanted, {}).empty());
}

TEST(Translate, NamesWhatItCannotUnderstandAndKeepsTheRest) {
  SiteDirective d = everything();
  d.paths[1].segments = {"not an address"};
  d.steerings[0].source = "fd77::/500";
  d.services[0].backends[0].address = "";
  const Translation t = translate(d);
  ASSERT_EQ(t.problems.size(), 3u);
  EXPECT_EQ(t.problems[0].where, "path 301");
  EXPECT_EQ(t.wanted.paths.size(), 1u);
  EXPECT_TRUE(t.wanted.steerings.empty());
  EXPECT_TRUE(t.wanted.services.empty());
}

TEST(Translate, WeighsBackendsByStreamsWithinTheDriversBounds) {
  SiteDirective d;
  d.services = {test::service()};
  d.services[0].backends = {{RunId{1, 0}, "fd77::1", 80, 1'000'000},
                            {RunId{1, 1}, "fd77::2", 80, 0},
                            {RunId{1, 2}, "fd77::3", 80, 500'000}};
  const auto targets = translate(d).wanted.services.at(0).targets;
  EXPECT_EQ(targets[0].weight, 1000u);
  EXPECT_EQ(targets[1].weight, 1u);
  EXPECT_EQ(targets[2].weight, 500u);
  d.services[0].backends.assign(65, {RunId{1, 0}, "fd77::1", 80, 1});
  EXPECT_EQ(translate(d).problems.size(), 1u);
  EXPECT_EQ(translate(d).wanted.services[0].targets.size(), 64u);
  d.services[0].backends.pop_back();
  EXPECT_TRUE(translate(d).problems.empty());
}

TEST(ChooseLabel, LeavesADeadPathOnlyForALivingOneAndComesBackWhenItLives) {
  using enum PathLife;
  const DirectedSteering s = test::steering(1, 2);
  EXPECT_EQ(choose_label(s, kUnknown, kUnknown, std::nullopt), 1);
  EXPECT_EQ(choose_label(s, kAlive, kAlive, 1), 1);
  EXPECT_EQ(choose_label(s, kDead, kAlive, 1), 2);
  EXPECT_EQ(choose_label(s, kDead, kUnknown, 1), 1);
  EXPECT_EQ(choose_label(s, kDead, kDead, 1), 1);
  EXPECT_EQ(choose_label(s, kDead, kDead, 2), 2);
  EXPECT_EQ(choose_label(s, kUnknown, kAlive, 2), 2);
  EXPECT_EQ(choose_label(s, kUnknown, kDead, 2), 1);
  EXPECT_EQ(choose_label(s, kAlive, kAlive, 2), 1);
  EXPECT_EQ(choose_label(test::steering(1, 0), kDead, kAlive, 1), 1);
}

}  // namespace
}  // namespace weir::agent
