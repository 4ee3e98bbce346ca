#include "service/gateway/explain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "service/gateway/test_brain.h"

namespace weir::gateway {
namespace {

class ExplainTest : public ::testing::Test {
 protected:
  void SetUp() override { brain.build_region(); }
  const IntentRow& submit(const IntentSpec& spec) {
    brain.record("tenant/city", IntentSubmitted{IntentId(0u), TenantId(0u), 1, spec});
    brain.decide();
    graph = brain.durable();
    return graph->intent(IntentId(0u));
  }
  TestBrain brain;
  Snapshot graph;
};

TEST_F(ExplainTest, APlanSaysWhyHereAndWhyNotThere) {
  const IntentRow& row = submit(brain.cameras());
  ASSERT_TRUE(row.active);
  const std::string text = explain_plan(*graph, *row.spec, row.active->plan, SiteId());
  // The figures follow from the region: asks of 0.2 a core-hour at hub, 0.4 at metro; 2 * (0.5 + 20) ms of path.
  for (const char* part :
       {"4 streams on 2 instances at 1 site, billed ", " credits/h.\n",
        "At the 99th percentile the slowest stream answers in ", ", of 500 ms promised.",
        "4 streams from street go to hub (2 instances) by way of street > core > hub.",
        ": 41 ms path, ", "30 ms work, ", " to spare.", "No second path exists to protect it.",
        "Why not elsewhere, for the instance at hub that serves street:",
        "  - metro would keep the promise too (", " more, of which ", " on the bill.",
        "  - street has 0.5 cores free, of 1 core needed."}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin:\n" << text;
  }
}

TEST_F(ExplainTest, OnlyAnExactPlanIsCalledTheCheapest) {
  const IntentRow& row = submit(brain.cameras());
  ASSERT_TRUE(row.active);
  Plan plan = row.active->plan;
  for (const auto& [quality, begin] :
       {std::pair(Quality::kExact, "The cheapest plan that keeps"),
        std::pair(Quality::kBounded, "The cheapest plan found that keeps"),
        std::pair(Quality::kHeuristic, "The cheapest plan found that keeps")}) {
    plan.quality = quality;
    const std::string text = explain_plan(*graph, *row.spec, plan, SiteId());
    EXPECT_EQ(text.find(begin), 0u) << text;
  }
}

TEST_F(ExplainTest, OneIngressAlone) {
  IntentSpec spec = brain.cameras();
  spec.from.push_back({SiteId(1u), 2});
  const IntentRow& row = submit(spec);
  ASSERT_TRUE(row.active);
  const std::string text = explain_plan(*graph, *row.spec, row.active->plan, SiteId(1u));
  EXPECT_NE(text.find("from metro go"), std::string::npos) << text;
  EXPECT_EQ(text.find("from street go"), std::string::npos) << text;
}

TEST_F(ExplainTest, ARefusalNamesTheNearestSiteAndWhatWouldHaveToChange) {
  IntentSpec spec = brain.cameras();
  spec.promise.latency_us_max = 36'000;
  spec.workload.cpu_milli = 5000;
  const IntentRow& row = submit(spec);
  ASSERT_FALSE(row.active);
  ASSERT_TRUE(row.refusal);
  const auto sentences = refusal_sentences(*graph, *row.spec, *row.refusal);
  ASSERT_EQ(sentences.size(), 3u);
  const std::string all = explain_refusal(*graph, *row.spec, *row.refusal);
  EXPECT_NE(all.find("metro has 4 cores free, of 5 cores needed. It would do if 1 core more were free there."),
            std::string::npos) << all;
  EXPECT_NE(all.find("hub answers from street within "), std::string::npos) << all;
  EXPECT_NE(all.find("It would do with promise.latency of "), std::string::npos) << all;
  EXPECT_EQ(sentences[0].substr(0, 8), "No site ") << sentences[0];
}

TEST_F(ExplainTest, AllThatASiteLacksIsSaidTogether) {
  IntentSpec spec = brain.cameras();
  spec.promise.latency_us_max = 1'000;
  const Refusal refusal{.reasons = {{ReasonCode::kLatency, SiteId(1u), SiteId(0u), 1'000, 9'000},
                                    {ReasonCode::kMemory, SiteId(1u), SiteId(0u), 512, 256},
                                    {ReasonCode::kNoPath, SiteId(2u), SiteId(0u)},
                                    {ReasonCode::kMemory, SiteId(2u), SiteId(0u), 512, 256}}};
  graph = brain.durable();
  EXPECT_EQ(
      refusal_sentences(*graph, spec, refusal),
      (std::vector<std::string>{
          "No site serving street answers within 1 ms; nearest to it: metro answers from street within 9 ms "
          "at "
          "best, and has 256Mi free, of 512Mi needed. It would do with promise.latency of 9 ms instead of 1 "
          "ms "
          "and if 256Mi more were free there.",
          "hub cannot be reached from street over links that are up, and has 256Mi free, of 512Mi needed."}));
}

TEST_F(ExplainTest, AcceleratorsThatAreNotFreeAreCounted) {
  IntentSpec spec = brain.cameras();
  spec.promise.latency_us_max = 5'000;
  spec.workload.accelerators = 4;
  const Refusal refusal{.reasons = {{ReasonCode::kAccelerators, SiteId(1u), SiteId(0u), 4, 1},
                                    {ReasonCode::kLatency, SiteId(2u), SiteId(0u), 5'000, 9'000}}};
  graph = brain.durable();
  EXPECT_EQ(refusal_sentences(*graph, spec, refusal),
            (std::vector<std::string>{
                "No site within 5 ms of street has 4 free accelerators; nearest to it: metro has 1 of 4 free "
                "accelerators. It would do if 3 accelerators more were free there.",
                "hub answers from street within 9 ms at best. It would do with promise.latency of 9 ms instead of "
                "5 ms."}));
}

TEST_F(ExplainTest, APlanOfAPassSaysWhatAllTogetherSave) {
  graph = brain.durable();
  const IntentSpec spec = brain.cameras();
  Plan plan{.reason = {ReasonCode::kTogether, SiteId(1u), {}, kCredit / 2, 0}};
  const std::string text = explain_plan(*graph, spec, plan, {});
  EXPECT_EQ(text.find("A pass over the whole domain chose metro: all together pay 0.5 credits/h less.\nThe plan keeps the promise: "), 0u) << text;
  EXPECT_NE(text.find("What is best for all together need not be the cheapest for this intent alone."), std::string::npos);
  plan.reason = {ReasonCode::kRerouted, SiteId(1u), SiteId(0u), 812'000, 455'000};
  EXPECT_EQ(explain_plan(*graph, spec, plan, {}).find("Traffic from street was led off a crowded link: the fullest on its way was used "
                                                      "to 81.2%, now to 45.5%.\n"), 0u);
}

TEST_F(ExplainTest, TheMostThatOneDeviceHasFreeIsNamed) {
  IntentSpec spec = brain.cameras();
  spec.workload.accelerators = 1;
  spec.workload.accelerator_milli = 500;
  graph = brain.durable();
  EXPECT_EQ(reason_text(*graph, spec, {ReasonCode::kAcceleratorShare, SiteId(1u), SiteId(), 500, 300}),
            "metro has no accelerator with 0.5 free: the most is 0.3");
  EXPECT_EQ(reason_text(*graph, spec, {ReasonCode::kAcceleratorMemory, SiteId(1u), SiteId(), 8'192, 4'096}),
            "metro has no accelerator with 8Gi free: the most is 4Gi");
  EXPECT_EQ(refusal_sentences(*graph, spec, {.reasons = {{ReasonCode::kAcceleratorShare, SiteId(1u), SiteId(), 500, 300}}}).at(0),
            "No site has 0.5 of an accelerator free on one device; nearest to it: metro has no accelerator with 0.5 free: the "
            "most is 0.3. It would do if 0.2 of an accelerator more were free there.");
}

TEST_F(ExplainTest, WhatIsAskedOfPlacesIsSaidWithWhatThereIs) {
  ASSERT_TRUE(submit(brain.cameras()).active);
  IntentSpec spec = brain.cameras();
  spec.promise = {};
  SiteSpec metro = graph->site_spec(SiteId(1u));
  metro.taints = {"gpu-only", "noisy"};
  brain.record("t", SiteDefined{SiteId(1u), graph->site(SiteId(1u)).vertex, metro});
  brain.record("t", DatasetDefined{DatasetId(graph->dataset_count()), {.name = "city/maps", .at = {SiteId(0u), SiteId(2u)}}});
  graph = brain.durable();
  const auto data = static_cast<int64_t>(graph->dataset_count()) - 1;
  const auto sentence = [&](ReasonCode code, int64_t needed, int64_t available = 0, bool whole = false) {
    return refusal_sentences(*graph, spec, {.reasons = {{code, whole ? SiteId() : SiteId(1u), SiteId(), needed, available}}}).at(0);
  };
  EXPECT_EQ(sentence(ReasonCode::kRegions, 3, 1, true),
            "Only 1 region can take a part, and where.regions asks for 3. It would do with where.regions of 1.");
  EXPECT_EQ(sentence(ReasonCode::kFailureDomains, 3, 2, true),
            "Only 2 failure domains can take a part, and where.failure_domains asks for 3. It would do with where.failure_domains of 2.");
  spec.where.tolerates = {"noisy"};
  EXPECT_EQ(sentence(ReasonCode::kTaint, 1),
            "No site has only taints that it tolerates; nearest to it: metro has a taint that it does not tolerate: gpu-only. It would do "
            "with where.tolerates of gpu-only as well, or without that taint.");
  EXPECT_EQ(sentence(ReasonCode::kAffinity, 0),
            "No site has an instance of city/cameras; nearest to it: metro has no instance of city/cameras, which it is to be near (it "
            "stands at hub). It would do without city/cameras in where.near, or once an instance of it stands there.");
  EXPECT_EQ(sentence(ReasonCode::kAntiAffinity, 0, 2),
            "No site is free of instances of city/cameras; nearest to it: metro has 2 instances of city/cameras, from which it is to be "
            "apart. It would do without city/cameras in where.apart_from, or once that has left.");
  EXPECT_EQ(sentence(ReasonCode::kDataElsewhere, data, 2),
            "No site holds the data set city/maps; nearest to it: metro does not hold the data set city/maps (it lies at street, hub). It "
            "would do without where.at_data, or with a copy of the data there.");
  EXPECT_EQ(sentence(ReasonCode::kSpeed, 1'500, 1'000),
            "No site has a core of at least 1.5 of the reference core; nearest to it: metro has cores of at most 1 of the reference core, "
            "of at least 1.5 asked for. It would do with where.speed_min of 1.");
  EXPECT_EQ(sentence(ReasonCode::kAcceleratorsLinked, 4, 3),
            "No site has an island of 4 linked accelerators free; nearest to it: metro has no island of 4 linked accelerators free: the "
            "fullest has 3. It would do with 3 linked accelerators, or without accelerators_linked.");
  EXPECT_EQ(sentence(ReasonCode::kRack, 8, 6),
            "No site has a rack with room for 8 instances; nearest to it: metro has no rack with room for 8 instances: the best has room "
            "for 6. It would do if a rack there had room for 2 more, or perhaps without where.same_rack.");
  EXPECT_EQ(sentence(ReasonCode::kRack, 0, 0, true),
            "Each instance alone has a site, but no rack has room for all of them at once. It would do without where.same_rack.");
}

TEST_F(ExplainTest, WhatIsOfNoSiteAloneIsNotSaidOfTheIntent) {
  IntentSpec spec = brain.cameras();
  graph = brain.durable();
  EXPECT_EQ(refusal_sentences(*graph, spec, {.reasons = {{ReasonCode::kCpu, {}, {}, 3'000, 2'000}}}).at(0),
            "There is room for 2 of its 3 instances at once. It would do if there were room for 1 more, or with so many less.");
  EXPECT_EQ(refusal_sentences(*graph, spec, {.reasons = {{ReasonCode::kCpu}}}).at(0),
            "Each instance alone has a site, but no choice of sites has room for all of them at once.");
  EXPECT_EQ(refusal_sentences(*graph, spec, {.reasons = {{ReasonCode::kBandwidth}}}).at(0),
            "Each stream alone has a way, but the links have no room for all of them at once. It would do with more room on the "
            "links, or less traffic.");
  EXPECT_EQ(reason_text(*graph, spec, {ReasonCode::kChosen}), "it is the cheapest plan that keeps the promise");
  spec.workload.kind = WorkKind::kJob;
  EXPECT_EQ(reason_text(*graph, spec, {ReasonCode::kChosen}), "it is the cheapest place with room");
  for (int code = 0; code <= static_cast<int>(ReasonCode::kAcceleratorMemory); ++code) {
    EXPECT_FALSE(reason_text(*graph, spec, {static_cast<ReasonCode>(code)}).empty());
  }
}

TEST_F(ExplainTest, EveryReasonHasASentence) {
  graph = brain.durable();
  const IntentSpec spec = brain.cameras();
  for (int code = 0; code <= static_cast<int>(ReasonCode::kRack); ++code) {
    const Reason reason{static_cast<ReasonCode>(code), SiteId(1u), SiteId(0u), 2, 1};
    EXPECT_FALSE(reason_text(*graph, spec, reason).empty());
    const auto sentences = refusal_sentences(*graph, spec, {.reasons = {reason}});
    EXPECT_EQ(sentences.at(0).find("an unknown site"), std::string::npos);
    // Identifiers that no graph knows are survived.
    EXPECT_FALSE(reason_text(*graph, spec, {static_cast<ReasonCode>(code), SiteId(99u), SiteId(99u), 2, 1}).empty());
  }
}

// Letters that belong to no name, field or unit.
std::string english_in(std::string text) {
  for (const char* known : {"street", "metro", "hub", "core", "city/cameras", "city/maps", "where", "promise.", "budget.", "max", "latency", "sites", "regions", "failure_domains", "tolerates",
                            "near", "apart_from", "at_data", "speed_min", "accelerators_linked", "same_rack", "availability", "residency", "gpu-only", "noisy", "SRv6", "Gbps",
                            "Mbps", "kbps", "bps", "ms", "us", "Gi", "Mi", "mg CO2", "mW", "W", "s1", "cn", "s"}) {
    for (size_t at; (at = text.find(known)) != std::string::npos;) text.erase(at, std::string_view(known).size());
  }
  std::string out;
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) out += c;
  }
  return out;
}

TEST_F(ExplainTest, EveryReasonHasASentenceInChineseToo) {
  ASSERT_TRUE(submit(brain.cameras()).active);
  IntentSpec spec = brain.cameras();
  for (const WorkKind kind : {WorkKind::kService, WorkKind::kJob}) {
    spec.workload.kind = kind;
    for (int code = 0; code <= static_cast<int>(ReasonCode::kRack); ++code) {
      for (const SiteId site : {SiteId(1u), SiteId(99u), SiteId()}) {
        const Reason reason{static_cast<ReasonCode>(code), site, SiteId(0u), 0, 1};
        const std::string text = reason_text(*graph, spec, reason, Language::kChinese);
        EXPECT_FALSE(text.empty());
        EXPECT_EQ(english_in(text), "") << text;
        const Reason cpu{ReasonCode::kCpu, site, {}, 3'000, 2'000};
        const auto sentences = refusal_sentences(*graph, spec, {.reasons = {reason, cpu}}, Language::kChinese);
        const std::string second = refusal_sentences(*graph, spec, {.reasons = {cpu, reason}}, Language::kChinese).at(0);
        EXPECT_EQ(second.find("而且的"), std::string::npos) << second;
        for (const std::string& sentence : sentences) {
          EXPECT_EQ(english_in(sentence), "") << sentence;
          EXPECT_TRUE(sentence.ends_with("。")) << sentence;
        }
      }
    }
  }
}

TEST_F(ExplainTest, ARefusalInChineseSaysWhatItSaysInEnglish) {
  graph = brain.durable();
  IntentSpec spec = brain.cameras();
  const auto zh = [&](std::vector<Reason> reasons) { return refusal_sentences(*graph, spec, {.reasons = std::move(reasons)}, Language::kChinese).at(0); };
  EXPECT_EQ(zh({{ReasonCode::kCpu, {}, {}, 3'000, 2'000}}), "它的 3 个实例中，同时只放得下 2 个。若再多出 1 个实例的空位，或者少要这么多，即可。");
  EXPECT_EQ(zh({{ReasonCode::kRegions, {}, {}, 3, 1}}), "只有 1 个地区能承担一部分，而 where.regions 要求 3。若 where.regions 为 1，即可。");
  spec.promise = {};
  EXPECT_EQ(zh({{ReasonCode::kCpu, SiteId(1u), {}, 3'000, 2'000}, {ReasonCode::kMemory, SiteId(1u), {}, 2'048, 1'024}}),
            "没有一个站点有 3 核空闲；最接近的是：metro 有 2 核空闲，需要 3 核，而且有 1Gi 内存空闲，需要 2Gi 内存。若那里再有 1 核空闲，并且那里再有 1Gi 内存空闲，即可。");
  EXPECT_EQ(zh({{ReasonCode::kRack, SiteId(1u), {}, 8, 6}}),
            "没有一个站点有能放下 8 个实例的机架；最接近的是：metro 没有能放下 8 个实例的机架：最好的放得下 6 个。若那里有机架能再放下 2 个，或者也许不要求 where.same_rack，即可。");
  EXPECT_EQ(zh({{ReasonCode::kLatency, SiteId(1u), SiteId(0u), 5'000, 9'000}, {ReasonCode::kSpeed, SiteId(1u), SiteId(0u), 1'000, 800}}),
            "服务于 street 的站点中，没有一个能在 5 ms 内应答；最接近的是：metro 从 street 最快 9 ms 应答，而且最快的核是参考核的 0.8 倍，要求不低于 1 倍。"
            "若 promise.latency 为 9 ms 而不是 5 ms，并且 where.speed_min 为 0.8，即可。");
}

TEST_F(ExplainTest, APlanIsExplainedInChinese) {
  const IntentRow row = submit(brain.cameras());
  ASSERT_TRUE(row.active);
  const Plan& plan = row.active->plan;
  const std::string english = explain_plan(*graph, *row.spec, plan, {}), chinese = explain_plan(*graph, *row.spec, plan, {}, Language::kChinese);
  EXPECT_EQ(english_in(chinese), "") << chinese;
  const auto figures = [](const std::string& text) {
    std::multiset<std::string> out;
    std::string figure;
    for (const char c : text + " ") {
      if ((c >= '0' && c <= '9') || (c == '.' && !figure.empty())) {
        figure += c;
      } else if (!figure.empty()) {
        while (figure.back() == '.') figure.pop_back();
        out.insert(figure);
        figure.clear();
      }
    }
    return out;
  };
  EXPECT_EQ(figures(english), figures(chinese)) << english << chinese;
  EXPECT_EQ(std::count(english.begin(), english.end(), '\n'), std::count(chinese.begin(), chinese.end(), '\n'));
}

TEST(LatencyText, ChoosesTheUnit) {
  EXPECT_EQ(latency_text(0), "0 us");
  EXPECT_EQ(latency_text(999), "999 us");
  EXPECT_EQ(latency_text(1'000), "1 ms");
  EXPECT_EQ(latency_text(9'994), "9.99 ms");
  EXPECT_EQ(latency_text(96'349), "96.3 ms");
  EXPECT_EQ(latency_text(1'500'000), "1.5 s");
  EXPECT_EQ(latency_text(-2'000), "-2 ms");
  EXPECT_EQ(per_hour_text(123'456'789), "0.123457 credits/h");
}

}  // namespace
}  // namespace weir::gateway
