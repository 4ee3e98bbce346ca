#include <gtest/gtest.h>

#include <algorithm>

#include "core/event/limits.h"
#include "service/resource/resource.h"
#include "weir/v1/resource.pb.h"

namespace weir::resource {
namespace {

constexpr const char* kStream = R"(apiVersion: weir/v1
kind: Workflow
metadata: {name: street-video, tenant: city}
spec:
  kind: stream
  latency: 300ms
  percentile: 99
  stages:
    - {name: camera, at: [street-a]}
    - name: detect
      artifact: detector
      port: 9000
      command: ["--to", "{to:archive}"]
      cpu: 1
      memory: 1Gi
      work: 30ms@reference-core
      items_per_second: 10
      replicas: 2
    - {name: archive, at: [hub-guizhou]}
  edges:
    - {from: camera, to: detect, rate: 8Mbps, item: 100kB}
    - {from: detect, to: archive, rate: 100kbps, item: 1kB}
  where: {residency: [cn], not: [lab]}
  prefer: {cost: 1, carbon: 0.5}
)";

constexpr const char* kBatch = R"(apiVersion: weir/v1
kind: Workflow
metadata: {name: mosaic, tenant: survey}
spec:
  kind: batch
  deadline: 2h
  inputs:
    - {name: tiles, bytes: 40GB, at: [hub-gansu, campus]}
  stages:
    - {name: project, artifact: montage, command: [project], cpu: 4, memory: 8Gi, work: 20m@reference-core, reads: [tiles]}
    - {name: add, artifact: montage, command: [add], cpu: 8, memory: 32Gi, work: 45m@reference-core}
  edges:
    - {from: project, to: add, bytes: 12GB}
)";

Resource only(const std::string& text) {
  auto read = parse(text, "f.yaml");
  EXPECT_TRUE(read) << (read ? "" : read.error().text());
  return read ? std::move(read->at(0)) : Resource{};
}

std::string error_with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto read = parse(text, "f.yaml");
  EXPECT_FALSE(read);
  return read ? "" : read.error().text();
}

TEST(WorkflowResource, ReadsAStream) {
  const Resource resource = only(kStream);
  const auto& workflow = std::get<Workflow>(resource.value);
  EXPECT_EQ(workflow.tenant, "city");
  EXPECT_EQ(workflow.spec.kind, WorkflowKind::kStream);
  EXPECT_EQ(workflow.spec.latency_us_max, 300'000);
  ASSERT_EQ(workflow.spec.stages.size(), 3u);
  const Stage& detect = workflow.spec.stages[1];
  EXPECT_EQ(detect.workload.cpu_milli, 1000);
  EXPECT_EQ(detect.workload.kind, WorkKind::kService);
  EXPECT_EQ(detect.workload.port, 9000);
  EXPECT_EQ(detect.work_us, 30'000);
  EXPECT_EQ(detect.items_per_second_milli, 10'000);
  EXPECT_EQ(detect.replicas, 2);
  EXPECT_EQ(workflow.stages_at[0], std::vector<std::string>{"street-a"});
  EXPECT_EQ(workflow.spec.edges[0],
            (WorkflowEdge{.from = 0, .to = 1, .bps = 8'000'000, .item_bits = 800'000}));
  EXPECT_EQ(workflow.spec.prefer.carbon_milli, 500);
  EXPECT_EQ(workflow.not_at, std::vector<std::string>{"lab"});
}

TEST(WorkflowResource, ReadsABatch) {
  const auto workflow = std::get<Workflow>(only(kBatch).value);
  EXPECT_EQ(workflow.spec.kind, WorkflowKind::kBatch);
  EXPECT_EQ(workflow.spec.deadline_us, 7'200'000'000);
  EXPECT_EQ(workflow.spec.inputs[0].bytes, 40'000'000'000);
  EXPECT_EQ(workflow.spec.stages[0].work_us, 1'200'000'000);
  EXPECT_EQ(workflow.spec.stages[0].reads, std::vector<WorkflowInputId>{WorkflowInputId(0u)});
  EXPECT_EQ(workflow.spec.edges[0].bytes, 12'000'000'000);
  EXPECT_EQ(workflow.inputs_at[0], (std::vector<std::string>{"hub-gansu", "campus"}));
}

TEST(WorkflowResource, ABatchTakesAYearAtMost) {
  EXPECT_EQ(error_with(kBatch, "deadline: 2h", "deadline: 365d1us"), "f.yaml:6: spec.deadline: is above 365d; write at most 365d");
  std::string text = kBatch;
  text.replace(text.find("deadline: 2h"), 12, "deadline: 365d");
  EXPECT_EQ(std::get<Workflow>(only(text).value).spec.deadline_us, kWorkUsMax);
}

TEST(WorkflowResource, SurvivesBeingWritten) {
  for (const char* text : {kStream, kBatch}) {
    const Resource resource = only(text);
    v1::Resource message;
    to_message(resource, message);
    const auto again = from_message(message);
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(std::get<Workflow>(again->value), std::get<Workflow>(resource.value));
    const Resource from_yaml = only(to_yaml(message.workflow()));
    EXPECT_EQ(std::get<Workflow>(from_yaml.value), std::get<Workflow>(resource.value));
  }
}

TEST(WorkflowResource, ErrorsNamePlaceAndRemedy) {
  const std::string cycle =
      error_with(kStream, "  where:", "    - {from: archive, to: detect, rate: 1kbps}\n  where:");
  EXPECT_EQ(cycle,
            "f.yaml:21: spec.edges: the stages form a cycle: detect -> archive -> detect; remove one of "
            "these edges");
  EXPECT_EQ(error_with(kStream, "to: detect", "to: detekt"),
            "f.yaml:21: spec.edges[0].to: there is no stage \"detekt\"; did you mean \"detect\"?");
  EXPECT_EQ(error_with(kStream, "kind: stream", "kind: steam"),
            "f.yaml:5: spec.kind: \"steam\" is not a kind of workflow; write stream or batch");
  EXPECT_EQ(error_with(kStream, "  latency: 300ms\n  percentile: 99\n", "  deadline: 2h\n"),
            "f.yaml:6: spec.deadline: is given for a stream; give a latency instead");
  EXPECT_EQ(error_with(kStream, "      port: 9000\n", ""),
            "f.yaml:10: spec.stages[1].port: is missing; give the TCP port that the service listens on");
  EXPECT_EQ(error_with(kStream, "{name: camera, at: [street-a]}", "{name: camera}"),
            "f.yaml:9: spec.stages[0].at: is missing; name the site that the stage stands for, or say its "
            "artifact, cpu and memory");
  EXPECT_EQ(error_with(kStream, "{name: camera, at: [street-a]}", "{name: camera, at: [street-a], port: 4}"),
            "f.yaml:9: spec.stages[0].port: is given for a stage that runs nothing; say its artifact, cpu "
            "and memory, or remove it");
  EXPECT_EQ(error_with(kStream, "hub-guizhou]}\n", "hub-guizhou]}\n    - {name: archive, at: [lab]}\n"),
            "f.yaml:20: spec.stages[3].name: two stages are called \"archive\", the first is spec.stages[2]; "
            "give each stage a name of its own");
  EXPECT_EQ(error_with(kStream, "rate: 8Mbps, ", ""),
            "f.yaml:21: spec.edges[0].rate: is missing; write it like 8Mbps");
  EXPECT_EQ(error_with(kStream, "item: 100kB", "item: 100kB, bytes: 1GB"),
            "f.yaml:21: spec.edges[0].bytes: an edge of a stream has a rate and no bytes; leave it out");
  EXPECT_EQ(error_with(kBatch, "reads: [tiles]", "reads: [tile]"),
            "f.yaml:10: spec.stages[0].reads[0]: there is no input \"tile\"; did you mean tiles?");
  EXPECT_EQ(error_with(kBatch, "work: 20m@reference-core, ", ""),
            "f.yaml:10: spec.stages[0].work: is missing; say how long it runs, like 20m@reference-core");
  EXPECT_EQ(error_with(kBatch, "bytes: 12GB", "bytes: -1GB").substr(0, 32),
            "f.yaml:13: spec.edges[0].bytes: ");
  EXPECT_EQ(error_with(kStream, "metadata: {name: street-video", "metadata: {name: " + std::string(60, 'v')),
            "f.yaml:9: spec.stages[0].name: its intent would be called \"" + std::string(60, 'v') +
                ".camera\", of 67 bytes; shorten it or the name of the workflow: at most 63 together");
}

// At the bound and one over it.
TEST(WorkflowResource, BoundsStagesAndEdges) {
  const auto with = [](size_t stages, size_t edges) {
    std::string text =
        "apiVersion: weir/v1\nkind: Workflow\nmetadata: {name: w, tenant: city}\nspec:\n  kind: stream\n  "
        "stages:\n";
    for (size_t s = 0; s < stages; ++s) text += "    - {name: s" + std::to_string(s) + ", at: [a]}\n";
    text += "  edges:\n";
    for (size_t a = 0, made = 0; a < stages && made < edges; ++a) {
      for (size_t b = a + 1; b < stages && made < edges; ++b, ++made) {
        text += "    - {from: s" + std::to_string(a) + ", to: s" + std::to_string(b) + ", rate: 1bps}\n";
      }
    }
    const auto read = parse(text, "f.yaml");
    return read ? std::string() : read.error().text();
  };
  EXPECT_EQ(with(limits::kStagesStoredMax, limits::kEdgesStoredMax), "");
  EXPECT_EQ(with(limits::kStagesStoredMax + 1, 1),
            "f.yaml:7: spec.stages: 101 stages are more than 100; split the workflow");
  EXPECT_EQ(with(limits::kStagesStoredMax, limits::kEdgesStoredMax + 1),
            "f.yaml:108: spec.edges: 1001 edges are more than 1000; split the workflow");
}

TEST(WorkflowResource, ResolvesItsSites) {
  Resource resource = only(kStream);
  const std::vector<std::string> known = {"street-a", "hub-guizhou", "lab"};
  Directory directory;
  directory.site = [&known](std::string_view name) -> std::optional<SiteId> {
    const auto at = std::find(known.begin(), known.end(), name);
    return at == known.end() ? std::nullopt : std::optional(SiteId(static_cast<size_t>(at - known.begin())));
  };
  directory.sites = [&known] { return known; };
  ASSERT_TRUE(resolve(resource, directory));
  const auto& workflow = std::get<Workflow>(resource.value);
  EXPECT_EQ(workflow.spec.stages[0].at, std::vector<SiteId>{SiteId(0u)});
  EXPECT_EQ(workflow.spec.where.not_at, std::vector<SiteId>{SiteId(2u)});
  std::string text = kStream;
  text.replace(text.find("street-a"), 8, "street-c");
  Resource wrong = only(text);
  const Status refused = resolve(wrong, directory);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(),
            "f.yaml:9: spec.stages[0].at[0]: no site \"street-c\"; did you mean street-a?");
}

}  // namespace
}  // namespace weir::resource
