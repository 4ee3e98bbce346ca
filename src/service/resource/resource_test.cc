#include "service/resource/resource.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/event/codec.h"
#include "core/event/limits.h"
#include "weir/v1/resource.pb.h"

namespace weir::resource {
namespace {

constexpr const char* kIntent = R"(apiVersion: weir/v1
kind: Intent
metadata: {name: cameras, tenant: city}
spec:
  from: [{site: street-a, streams: 6}, {site: street-b, streams: 6}]
  workload:
    service: {artifact: detector, port: 8080, cpu: 0.3, memory: 256Mi, streams_per_instance: 4}
    traffic: {up: 2Mbps, down: 50kbps, requests_per_second: 2, work_per_request: 30ms@reference-core}
  promise: {latency: 500ms, percentile: 99, availability: 99.9%}
  where: {residency: [cn], not: [hub-ningxia]}
  prefer: {cost: 1, carbon: 1}
  budget: {max: 20, per: hour}
)";

constexpr const char* kSite = R"(apiVersion: weir/v1
kind: Site
metadata: {name: metro}
spec:
  tier: edge
  region: Zhejiang
  place: {latitude: 30.1850, longitude: 120.2650}
  residency: [zhejiang, cn]
  capacity: {cpu: 0.35, memory: 1Gi}
  asks: {core_hour: 0.60, gib_hour: 0.06}
  power: {idle_per_core: 4W, peak_per_core: 12W, pue: 1.45, carbon: 0.4974kgCO2/kWh}
  availability: 99.9%
  network: {prefix: "fd77:1:1:3::/64", sid: "fd77:1:2:3::d6"}
)";

constexpr const char* kLink = R"(apiVersion: weir/v1
kind: Link
metadata: {name: metro-hangzhou}
spec:
  between: [metro, hangzhou]
  distance: 20km
  rate: 1Gbps
  jitter: 20us
  loss: 0.01%
  price: 0.05
  availability: 99.95%
  steerable: false
  queue: 20ms
  sids: ["fd77:1:2:1::1", ""]
)";

constexpr const char* kOthers = R"(apiVersion: weir/v1
kind: Router
metadata: {name: hangzhou}
spec: {place: {latitude: 30.2741, longitude: -120.1551}}
---
apiVersion: weir/v1
kind: Dataset
metadata: {name: faces, tenant: city}
spec: {at: [metro], residency: [cn]}
---
apiVersion: weir/v1
kind: Offer
metadata: {name: metro-night}
spec: {site: metro, asks: {core_hour: 0.3, gib_hour: 0.03, accelerator_hour: 2}}
---
apiVersion: weir/v1
kind: Tenant
metadata:
  name: city
  labels: {contact: "traffic office: 3rd floor", team: "no"}
)";

constexpr const char* kJob = R"(apiVersion: weir/v1
kind: Intent
metadata: {name: train, tenant: lab}
spec:
  workload:
    job: {artifact: trainer, digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", command: [--epochs, "3", "a b: #c", ""], cpu: 4, memory: 8Gi, accelerators: 1, accelerator_model: h200}
  where: {only: [hub-guizhou, metro], sites: 2}
  data: [faces]
)";

// What surrounds a field's name in the reference: "`from`", "`from[].site`", "`where.not`", "`….cpu`".
const std::pair<std::string, std::string> kMarks[] = {{"`", "`"}, {".", "`"}, {".", "."},
                                                      {"`", "."}, {"`", "["}, {".", "["}};

std::string with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string error_of(const std::string& text, const Context& context = {}) {
  const auto result = parse(text, "intent.yaml", context);
  if (result.has_value()) return "accepted";
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  return result.error().text();
}

// Of the intent above with one piece changed.
std::string error_with(const std::string& from, const std::string& to) {
  return error_of(with(kIntent, from, to));
}

Resource only(const std::string& text) {
  auto result = parse(text, "f.yaml");
  EXPECT_TRUE(result.has_value()) << result.error().text();
  if (!result) return {};
  EXPECT_EQ(result->size(), 1u);
  return result->front();
}

TEST(Resource, ReadsAnIntent) {
  const Resource resource = only(kIntent);
  ASSERT_EQ(resource.kind(), "Intent");
  EXPECT_EQ(resource.name(), "cameras");
  EXPECT_EQ(resource.tenant(), "city");
  const auto& intent = std::get<Intent>(resource.value);
  EXPECT_EQ(intent.from, (std::vector<std::string>{"street-a", "street-b"}));
  EXPECT_EQ(intent.spec.from[1].streams, 6);
  EXPECT_EQ(intent.spec.workload, (Workload{.artifact = "detector",
                                            .port = 8080,
                                            .cpu_milli = 300,
                                            .memory_mib = 256,
                                            .streams_per_instance = 4}));
  EXPECT_EQ(intent.spec.traffic, (Traffic{2'000'000, 50'000, 2000, 30'000}));
  EXPECT_EQ(intent.spec.promise, (Promise{500'000, 990'000, 999'000}));
  EXPECT_EQ(intent.spec.where.residency, std::vector<std::string>{"cn"});
  EXPECT_EQ(intent.not_at, std::vector<std::string>{"hub-ningxia"});
  EXPECT_EQ(intent.spec.prefer, (Prefer{1000, 1000}));
  EXPECT_EQ(intent.spec.budget_per_hour_max, 20 * kCredit);
}

TEST(Resource, ReadsAJobWithDefaults) {
  const auto intent = std::get<Intent>(only(kJob).value);
  EXPECT_EQ(intent.spec.workload.kind, WorkKind::kJob);
  EXPECT_EQ(intent.spec.workload.digest.size(), 64u);
  EXPECT_EQ(intent.spec.workload.command, (std::vector<std::string>{"--epochs", "3", "a b: #c", ""}));
  EXPECT_EQ(intent.spec.workload.cpu_milli, 4000);
  EXPECT_EQ(intent.spec.workload.memory_mib, 8192);
  EXPECT_EQ(intent.spec.promise, Promise{});
  EXPECT_EQ(intent.spec.prefer, Prefer{});
  EXPECT_EQ(intent.spec.where.sites_min, 2);
  EXPECT_EQ(intent.spec.budget_per_hour_max, 0);
  EXPECT_TRUE(intent.from.empty());
}

TEST(Resource, ReadsPlaces) {
  const auto site = std::get<Site>(only(kSite).value);
  EXPECT_EQ(site.spec.tier, Tier::kEdge);
  EXPECT_EQ(site.spec.residency, (std::vector<std::string>{"cn", "zhejiang"})) << "sorted";
  EXPECT_EQ(site.spec.latitude_microdegrees, 30'185'000);
  EXPECT_EQ(site.spec.asks, (Asks{600'000'000, 60'000'000, 0}));
  EXPECT_EQ(site.spec.power, (Power{4000, 12'000, 1450, 497'400}));
  EXPECT_EQ(site.spec.availability_ppm, 999'000);
  EXPECT_TRUE(site.spec.steerable);
  EXPECT_EQ(site.cpu_milli, 350);
  EXPECT_EQ(site.memory_mib, 1024);
  EXPECT_EQ(site.spec.prefix, "fd77:1:1:3::/64");

  const auto link = std::get<Link>(only(kLink).value);
  EXPECT_EQ(link.between, (std::array<std::string, 2>{"metro", "hangzhou"}));
  EXPECT_EQ(link.spec.latency_us, 100);
  EXPECT_EQ(link.spec.bandwidth_bps, 1'000'000'000);
  EXPECT_EQ(link.spec.loss_ppm, 100);
  EXPECT_EQ(link.spec.per_gbps_hour, 50'000'000);
  EXPECT_FALSE(link.spec.steerable);
  EXPECT_EQ(link.queue_us, 20'000);
  EXPECT_EQ(std::get<Link>(only(with(kLink, "distance: 20km", "delay: 5ms")).value).spec.latency_us, 5000);

  const auto others = parse(kOthers, "f.yaml");
  ASSERT_TRUE(others.has_value()) << others.error().text();
  ASSERT_EQ(others->size(), 4u);
  EXPECT_EQ(std::get<Router>((*others)[0].value).longitude_microdegrees, -120'155'100);
  EXPECT_EQ(std::get<Dataset>((*others)[1].value).at, std::vector<std::string>{"metro"});
  EXPECT_EQ(std::get<Offer>((*others)[2].value).asks.per_accelerator_hour, 2 * kCredit);
  EXPECT_EQ((*others)[3].labels.size(), 2u);
}

TEST(Resource, ReadsPartsOfAcceleratorsAndWhatTheyMustDo) {
  const std::string text =
      with(kJob, "accelerators: 1, accelerator_model: h200",
           "accelerators: 1, accelerator_share: 0.25, accelerator_memory: 8Gi, accelerator_fp16_tflops: 312.5");
  const auto read = parse(text, "f.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  const Workload& work = std::get<Intent>((*read)[0].value).spec.workload;
  EXPECT_EQ(work.accelerator_milli, 250);
  EXPECT_EQ(work.accelerator_memory_mib, 8'192);
  EXPECT_EQ(work.accelerator_fp16_gflops_min, 312'500);
  v1::Resource message;
  to_message((*read)[0], message);
  EXPECT_EQ(message.intent().spec().workload().job().accelerator_share(), "0.25");
  EXPECT_EQ(message.intent().spec().workload().job().accelerator_memory(), "8Gi");
  EXPECT_EQ(message.intent().spec().workload().job().accelerator_fp16_tflops(), "312.5");
  const auto linked = parse(with(kJob, "accelerators: 1, ", "accelerators: 4, accelerators_linked: true, "), "f.yaml");
  ASSERT_TRUE(linked) << linked.error().text();
  EXPECT_TRUE(std::get<Intent>((*linked)[0].value).spec.workload.accelerators_linked);
  v1::Resource linked_message;
  to_message((*linked)[0], linked_message);
  EXPECT_TRUE(linked_message.intent().spec().workload().job().accelerators_linked());
  const auto whole = parse(with(kJob, "accelerators: 1, ", "accelerators: 1, accelerator_share: 1, "), "f.yaml");
  ASSERT_TRUE(whole.has_value()) << whole.error().text();
  EXPECT_EQ(std::get<Intent>((*whole)[0].value).spec.workload.accelerator_milli, 0) << "all of it is a whole one";
}

constexpr const char* kPlaced = R"(apiVersion: weir/v1
kind: Intent
metadata: {name: train, tenant: lab}
spec:
  workload: {job: {artifact: trainer, cpu: 4, memory: 8Gi}}
  where: {sites: 2, regions: 2, failure_domains: 3, near: [web], apart_from: [batch, noise], at_data: true, tolerates: [noisy, gpu-only], speed_min: 1.25}
  data: [faces]
)";

TEST(Resource, ReadsWhatIsAskedOfPlaces) {
  const auto intent = std::get<Intent>(only(kPlaced).value);
  const Where& where = intent.spec.where;
  EXPECT_EQ(where.regions_min, 2);
  EXPECT_EQ(where.failure_domains_min, 3);
  EXPECT_EQ(intent.near, std::vector<std::string>{"web"});
  EXPECT_EQ(intent.apart_from, (std::vector<std::string>{"batch", "noise"}));
  EXPECT_TRUE(where.at_data);
  EXPECT_EQ(where.tolerates, (std::vector<std::string>{"gpu-only", "noisy"})) << "sorted";
  EXPECT_EQ(intent.spec.workload.speed_milli_min, 1'250);
  // One is what there is without it.
  const auto one = std::get<Intent>(only(with(kPlaced, "sites: 2, regions: 2, failure_domains: 3", "sites: 1, regions: 1, failure_domains: 1")).value);
  EXPECT_EQ(one.spec.where.sites_min, 1);
  EXPECT_EQ(one.spec.where.regions_min, 0);
  const Resource together = only(with(kPlaced, "sites: 2, regions: 2, failure_domains: 3", "same_rack: true"));
  EXPECT_TRUE(std::get<Intent>(together.value).spec.where.same_rack);
  v1::Resource together_message;
  to_message(together, together_message);
  EXPECT_TRUE(together_message.intent().spec().where().same_rack());
  EXPECT_NE(error_of(with(kPlaced, "sites: 2, regions: 2, failure_domains: 3", "regions: 2, same_rack: true"))
                .find("spec.where.same_rack: is asked for beside different places, and a rack is one place; leave it out"),
            std::string::npos);
  EXPECT_EQ(one.spec.where.failure_domains_min, 0);
  const auto site = std::get<Site>(only(with(kSite, "tier: edge", "tier: edge\n  failure_domain: grid-east\n  taints: [noisy, gpu-only]")).value);
  EXPECT_EQ(site.spec.failure_domain, "grid-east");
  EXPECT_EQ(site.spec.taints, (std::vector<std::string>{"gpu-only", "noisy"}));
}

TEST(Resource, ReadsTheExamplesOfThisRepository) {
  for (const char* name : {"/examples/city-cameras/intent.yaml", "/examples/city-cameras/tenant.yaml",
                           "/examples/queues/queues.yaml", "/examples/queues/jobs.yaml", "/examples/queues/reservation.yaml",
                            "/examples/queues/best-effort.yaml"}) {
    std::ifstream file(std::string(WEIR_ROOT) + name);
    ASSERT_TRUE(file) << name;
    std::stringstream text;
    text << file.rdbuf();
    const auto result = parse(text.str(), name);
    EXPECT_TRUE(result.has_value()) << result.error().text();
  }
}

// YAML, canonical message, YAML again and JSON all mean the same.
TEST(Resource, SurvivesEveryForm) {
  for (const std::string& text : {std::string(kIntent), std::string(kSite), std::string(kLink),
                                  std::string(kOthers), std::string(kJob), std::string(kPlaced),
                                  with(kSite, "tier: edge", "tier: edge\n  failure_domain: grid\n  taints: [noisy]")}) {
    const auto resources = parse(text, "f.yaml");
    ASSERT_TRUE(resources.has_value()) << resources.error().text();
    for (const Resource& resource : *resources) {
      v1::Resource message;
      to_message(resource, message);
      const auto back = from_message(message);
      ASSERT_TRUE(back.has_value()) << back.error().text();
      EXPECT_EQ(back->value, resource.value);
      EXPECT_EQ(back->labels, resource.labels);

      const auto* body = message.GetReflection()->GetOneofFieldDescriptor(
          message, v1::Resource::descriptor()->oneof_decl(0));
      const auto& single = message.GetReflection()->GetMessage(message, body);
      const std::string yaml = to_yaml(single);
      const auto reread = parse(yaml, "out.yaml");
      ASSERT_TRUE(reread.has_value()) << reread.error().text() << "\n" << yaml;
      EXPECT_EQ(reread->front().value, resource.value) << yaml;
      EXPECT_EQ(reread->front().labels, resource.labels) << yaml;

      // protobuf's JSON mapping, read by protobuf and by us.
      std::string json;
      ASSERT_TRUE(google::protobuf::util::MessageToJsonString(single, &json).ok());
      const auto from_json = parse(json, "out.json");
      ASSERT_TRUE(from_json.has_value()) << from_json.error().text() << "\n" << json;
      EXPECT_EQ(from_json->front().value, resource.value) << json;
      json.clear();
      ASSERT_TRUE(google::protobuf::util::MessageToJsonString(message, &json).ok());
      v1::Resource parsed;
      const auto read = google::protobuf::util::JsonStringToMessage(json, &parsed);
      ASSERT_TRUE(read.ok()) << read.ToString() << "\n" << json;
      EXPECT_EQ(from_message(parsed)->value, resource.value) << json;
    }
  }
}

TEST(Resource, ReadsJson) {
  const Resource resource = only(R"({"apiVersion": "weir/v1", "kind": "Intent",
    "metadata": {"name": "cameras", "tenant": "city"},
    "spec": {"from": [{"site": "street-a", "streams": 6}],
      "workload": {"service": {"artifact": "detector", "port": 8080, "cpu": 0.3, "memory": "256Mi", "streams_per_instance": 4}},
      "promise": {"latency": "500ms", "percentile": 99}}})");
  EXPECT_EQ(std::get<Intent>(resource.value).spec.workload.cpu_milli, 300);
  const auto list = parse(R"([{"apiVersion":"weir/v1","kind":"Tenant","metadata":{"name":"a"}},
                              {"apiVersion":"weir/v1","kind":"Tenant","metadata":{"name":"b"}}])",
                          "body");
  ASSERT_TRUE(list.has_value()) << list.error().text();
  EXPECT_EQ(list->size(), 2u);
}

TEST(Resource, LooksLikeWhatPeopleWrite) {
  v1::Resource message;
  to_message(only(kIntent), message);
  EXPECT_EQ(to_yaml(message.intent()), R"(apiVersion: weir/v1
kind: Intent
metadata:
  name: cameras
  tenant: city
spec:
  from:
  - site: street-a
    streams: 6
  - site: street-b
    streams: 6
  workload:
    service:
      artifact: detector
      port: 8080
      cpu: 0.3
      memory: 256Mi
      streams_per_instance: 4
    traffic:
      up: 2Mbps
      down: 50kbps
      requests_per_second: 2
      work_per_request: 30ms@reference-core
  promise:
    latency: 500ms
    percentile: 99
    availability: 99.9%
  where:
    residency: [cn]
    not: [hub-ningxia]
  prefer:
    cost: 1
    carbon: 1
  budget:
    max: 20
    per: hour
)");
}

// Every field that can be written stands in the reference, in both languages.
void expect_documented(const google::protobuf::Descriptor* of, const std::string& text,
                       const std::string& file) {
  for (int i = 0; i < of->field_count(); ++i) {
    const auto* field = of->field(i);
    const std::string name = field->json_name();
    const bool found = std::any_of(std::begin(kMarks), std::end(kMarks), [&](const auto& marks) {
      return text.find(marks.first + name + marks.second) != std::string::npos;
    });
    EXPECT_TRUE(found) << file << " does not describe " << field->full_name();
    if (field->message_type() && !field->is_map()) expect_documented(field->message_type(), text, file);
  }
}

TEST(Resource, IsDocumented) {
  for (const char* name : {"/docs/reference/files.md", "/docs/reference/files.zh.md"}) {
    std::ifstream file(std::string(WEIR_ROOT) + name);
    ASSERT_TRUE(file) << name;
    std::stringstream text;
    text << file.rdbuf();
    for (const std::string_view name_of_kind : kKinds) {
      std::string field(name_of_kind);
      field[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(field[0])));
      const auto* kind = v1::Resource::descriptor()->FindFieldByName(field)->message_type();
      ASSERT_EQ(kind->name(), name_of_kind);
      expect_documented(kind->FindFieldByName("spec")->message_type(), text.str(), name);
    }
  }
}

// ---- refusals: file, line, field, remedy -------------------------------------------------------------

TEST(ResourceErrors, NameTheFieldAndTheRemedy) {
  EXPECT_EQ(
      error_with("latency: 500ms", "latency: 500"),
      "intent.yaml:9: spec.promise.latency: \"500\" has no unit; write 500ms (units: us, ms, s, m, h, d)");
  EXPECT_EQ(error_with("latency: 500ms", "latncy: 500ms"),
            "intent.yaml:9: spec.promise.latncy: unknown field \"latncy\"; did you mean latency?");
  EXPECT_EQ(
      error_with("budget:", "colour: red\n  budget:"),
      "intent.yaml:12: spec.colour: unknown field \"colour\"; fields here: from, workload, promise, where, "
      "prefer, budget, data, schedule");
  EXPECT_EQ(error_with("up: 2Mbps", "up: 2mbps"),
            "intent.yaml:8: spec.workload.traffic.up: \"2mbps\" has the unknown unit \"mbps\"; write 2Mbps "
            "(units: bps, "
            "kbps, Mbps, Gbps, Tbps)");
  EXPECT_EQ(error_with("cpu: 0.3", "cpu: -0.3"),
            "intent.yaml:7: spec.workload.service.cpu: \"-0.3\" is negative; write it like 0.3 or 300m");
  EXPECT_EQ(error_with("memory: 256Mi", "memory: 99999999999Ti"),
            "intent.yaml:7: spec.workload.service.memory: \"99999999999Ti\" is above the limit of 2048Ti");
  EXPECT_EQ(error_with("memory: 256Mi, ", ""),
            "intent.yaml:7: spec.workload.service.memory: is missing; write it like 256Mi");
  EXPECT_EQ(
      error_with("port: 8080, ", ""),
      "intent.yaml:7: spec.workload.service.port: is missing; give the TCP port that the service listens on");
  EXPECT_EQ(error_with("port: 8080", "port: 65536"),
            "intent.yaml:7: spec.workload.service.port: 65536 is not between 1 and 65535");
  EXPECT_EQ(error_with("port: 8080", "port: http"),
            "intent.yaml:7: spec.workload.service.port: \"http\" is not a whole number");
  EXPECT_EQ(
      error_with("port: 8080", "port: 99999999999"),
      "intent.yaml:7: spec.workload.service.port: \"99999999999\" is not between -2147483648 and 2147483647");
  EXPECT_EQ(error_with("streams_per_instance: 4", "streams_per_instance: 0"),
            "intent.yaml:7: spec.workload.service.streams_per_instance: 0 is not between 1 and 1000000");
  EXPECT_EQ(error_with("streams: 6}, {", "streams: -1}, {"),
            "intent.yaml:5: spec.from[0].streams: -1 is not between 1 and 1000000");
  EXPECT_EQ(
      error_with("site: street-b", "site: street-a"),
      "intent.yaml:5: spec.from[1].site: \"street-a\" is listed twice; add up its streams in one entry");
  EXPECT_EQ(error_with("site: street-b", "site: Street_B"),
            "intent.yaml:5: spec.from[1].site: \"Street_B\" is not a name; use a-z, 0-9 and '-', beginning "
            "and ending "
            "with a letter or digit");
  EXPECT_EQ(error_with("  from: [{site: street-a, streams: 6}, {site: street-b, streams: 6}]\n", ""),
            "intent.yaml:5: spec.from: is missing; say where the streams come from: [{site: street-a, "
            "streams: 6}]");
  EXPECT_EQ(
      error_with("from: [{site: street-a, streams: 6}, {site: street-b, streams: 6}]", "from: street-a"),
      "intent.yaml:5: spec.from: is a single value, not a list");
  EXPECT_EQ(error_with("promise: {latency: 500ms, percentile: 99, availability: 99.9%}", "promise: 500ms"),
            "intent.yaml:9: spec.promise: is a single value, not a map of fields");
  EXPECT_EQ(error_with("artifact: detector", "artifact: [detector]"),
            "intent.yaml:7: spec.workload.service.artifact: is a list, not a single value");
}

TEST(ResourceErrors, RefuseImpossiblePromises) {
  EXPECT_EQ(error_with("latency: 500ms", "latency: 0ms"),
            "intent.yaml:9: spec.promise.latency: nothing answers within 0us; write it like 500ms, or leave "
            "it out");
  EXPECT_EQ(error_with("availability: 99.9%", "availability: 100%"),
            "intent.yaml:9: spec.promise.availability: nothing is available 100% of the time; write it like "
            "99.9%, or "
            "leave it out");
  EXPECT_EQ(error_with("availability: 99.9%", "availability: 99.9"),
            "intent.yaml:9: spec.promise.availability: \"99.9\" is above 1; write 99.9%");
  EXPECT_EQ(error_with("percentile: 99", "percentile: 100"),
            "intent.yaml:9: spec.promise.percentile: \"100\" is above the limit of 99.9999");
  EXPECT_EQ(error_with("latency: 500ms, ", ""),
            "intent.yaml:9: spec.promise.percentile: is given without a latency; add latency, or remove "
            "percentile");
  EXPECT_EQ(error_with("not: [hub-ningxia]", "not: [hub-ningxia], only: [metro, hub-ningxia]"),
            "intent.yaml:10: spec.where.not[0]: \"hub-ningxia\" is also in spec.where.only; remove it from "
            "one of them");
  EXPECT_EQ(error_with("not: [hub-ningxia]", "only: [metro], sites: 2"),
            "intent.yaml:10: spec.where.sites: 2 different sites cannot be among the 1 of spec.where.only; "
            "lower it, or "
            "allow more sites");
  EXPECT_EQ(error_with("prefer: {cost: 1, carbon: 1}", "prefer: {cost: 0}"),
            "intent.yaml:11: spec.prefer: cost and carbon both weigh 0, so that no plan is better than "
            "another; give one "
            "of them weight");
  EXPECT_EQ(
      error_with("max: 20", "max: 0"),
      "intent.yaml:12: spec.budget.max: nothing is free; write the most you would pay, or leave budget out");
  EXPECT_EQ(
      error_with("per: hour", "per: week"),
      "intent.yaml:12: spec.budget.per: \"week\" is not a period; write hour, day or month (730 hours)");
}

TEST(ResourceErrors, RefuseTheWrongKindOfDocument) {
  EXPECT_EQ(error_with("kind: Intent", "kind: Intnet"),
            "intent.yaml:2: kind: \"Intnet\" is not a kind; did you mean Intent?");
  EXPECT_EQ(error_with("kind: Intent", "kind: Pod"),
            "intent.yaml:2: kind: \"Pod\" is not a kind; write Intent, Site, Router, Link, Dataset, Offer, "
            "Tenant, Queue, Reservation or Workflow");
  EXPECT_EQ(error_with("kind: Intent\n", ""),
            "intent.yaml:1: kind: is missing; write kind: Intent, Site, Router, Link, Dataset, Offer, "
            "Tenant, Queue, Reservation or Workflow");
  EXPECT_EQ(error_with("weir/v1", "weir/v2"),
            "intent.yaml:1: apiVersion: \"weir/v2\" is not known here; write apiVersion: weir/v1");
  EXPECT_EQ(error_with("apiVersion: weir/v1\n", ""),
            "intent.yaml:1: apiVersion: is missing; write apiVersion: weir/v1");
  EXPECT_EQ(error_with("name: cameras, ", ""), "intent.yaml:3: metadata.name: is missing; give a name");
  EXPECT_EQ(error_with(", tenant: city", ""), "intent.yaml:3: metadata.tenant: is missing; give a name");
  EXPECT_EQ(error_of(with(kIntent, ", tenant: city", ""), {.tenant = "city"}), "accepted");
  EXPECT_EQ(error_of(with(kSite, "name: metro", "name: metro, tenant: city")),
            "intent.yaml:3: metadata.tenant: is given, but this kind belongs to no tenant; remove it");
  EXPECT_EQ(error_with("name: cameras", "name: " + std::string(63, 'a')), "accepted");
  EXPECT_EQ(
      error_with("name: cameras", "name: " + std::string(64, 'a')),
      "intent.yaml:3: metadata.name: \"" + std::string(60, 'a') + "\" is longer than 63 bytes; shorten it");
  EXPECT_EQ(error_of("just text"),
            "intent.yaml:1: is not a resource; begin with apiVersion: weir/v1 and kind: Intent");
  EXPECT_EQ(error_of(""), "intent.yaml: holds no resource; begin with apiVersion: weir/v1 and kind: Intent");
  EXPECT_EQ(error_of("---\n---\n"),
            "intent.yaml: holds no resource; begin with apiVersion: weir/v1 and kind: Intent");
}

TEST(ResourceErrors, RefuseDuplicates) {
  EXPECT_EQ(error_with("percentile: 99,", "percentile: 99, latency: 1s,"),
            "intent.yaml:9: field \"latency\" is given twice, first in line 9; remove one of them");
  EXPECT_EQ(
      error_of(std::string(kIntent) + "---\n" + kIntent),
      "intent.yaml:16: metadata.name: \"cameras\" is described twice, first as Intent at intent.yaml:3: "
      "metadata.name; remove or rename one of them");
  EXPECT_EQ(error_of(std::string(kIntent) + "---\n" + with(kIntent, "tenant: city", "tenant: town")),
            "accepted");
  const std::string router = "apiVersion: weir/v1\nkind: Router\nmetadata: {name: metro}\n";
  EXPECT_EQ(error_of(std::string(kSite) + "---\n" + router),
            "intent.yaml:17: metadata.name: \"metro\" is described twice, first as Site at intent.yaml:3: "
            "metadata.name; "
            "remove or rename one of them");
  EXPECT_EQ(
      error_of(std::string(kJob) + "---\n" + with(kSite, "residency: [zhejiang, cn]", "residency: [cn, cn]")),
      "intent.yaml:17: spec.residency[0]: \"cn\" is listed twice; remove one of them");
}

TEST(ResourceErrors, RefuseWhatNoPlaceCanBe) {
  const auto placed = [](const std::string& from, const std::string& to) { return error_of(with(kPlaced, from, to)); };
  EXPECT_EQ(placed("near: [web]", "near: [train]"),
            "intent.yaml:6: spec.where.near[0]: \"train\" is this intent itself; name other intents; spec.where.sites keeps its own "
            "instances apart");
  EXPECT_EQ(placed("near: [web]", "near: [noise]"),
            "intent.yaml:6: spec.where.apart_from[1]: \"noise\" is also in spec.where.near; remove it from one of them");
  EXPECT_EQ(placed("near: [web]", "near: [web, web]"),
            "intent.yaml:6: spec.where.near[0]: \"web\" is listed twice; remove one of them");
  EXPECT_EQ(placed("near: [web]", "near: [Web]"),
            "intent.yaml:6: spec.where.near[0]: \"Web\" is not a name; use a-z, 0-9 and '-', beginning and ending with a letter or digit");
  EXPECT_EQ(placed("\n  data: [faces]", ""),
            "intent.yaml:6: spec.where.at_data: is asked for, but the intent has no data; name data sets in spec.data, or remove it");
  EXPECT_EQ(placed("at_data: true", "at_data: maybe"),
            "intent.yaml:6: spec.where.at_data: \"maybe\" is neither true nor false; write true or false");
  for (const char* what : {"sites", "regions", "failure_domains"}) {
    const std::string field = std::string(what) + ": ";
    const auto bounded = [&](const std::string& value) { return error_of(with(kJob, "sites: 2", field + value)); };
    EXPECT_EQ(bounded("2"), "accepted");
    EXPECT_EQ(bounded("1"), "accepted");
    EXPECT_EQ(bounded("0"), "intent.yaml:7: spec.where." + std::string(what) + ": 0 is not between 1 and 1000");
    EXPECT_EQ(bounded("1001"), "intent.yaml:7: spec.where." + std::string(what) + ": 1001 is not between 1 and 1000");
    EXPECT_TRUE(bounded("3").starts_with("intent.yaml:7: spec.where." + std::string(what) + ": 3 different ")) << bounded("3");
  }
  EXPECT_EQ(placed("speed_min: 1.25", "speed_min: 0"),
            "intent.yaml:6: spec.where.speed_min: is zero; write it like 1 or 1.5, of the reference core");
  EXPECT_EQ(placed("speed_min: 1.25", "speed_min: -1"),
            "intent.yaml:6: spec.where.speed_min: \"-1\" is negative; write it like 0.3 or 300m");
  EXPECT_EQ(placed("speed_min: 1.25", "speed_min: 0.001"), "accepted");
  const auto names = [](size_t count) {
    std::string list;
    for (size_t i = 0; i < count; ++i) list += (i > 0 ? ", n" : "n") + std::to_string(i);
    return "[" + list + "]";
  };
  EXPECT_EQ(placed("near: [web]", "near: " + names(64)), "accepted");
  EXPECT_EQ(placed("near: [web]", "near: " + names(65)), "intent.yaml:6: spec.where.near: 65 entries are more than 64");
  EXPECT_EQ(placed("[noisy, gpu-only]", names(64)), "accepted");
  EXPECT_EQ(placed("[noisy, gpu-only]", names(65)), "intent.yaml:6: spec.where.tolerates: 65 entries are more than 64");
  const auto site = [](const std::string& more) { return error_of(with(kSite, "tier: edge", "tier: edge\n  " + more)); };
  EXPECT_EQ(site("taints: " + names(16)), "accepted");
  EXPECT_EQ(site("taints: " + names(17)), "intent.yaml:6: spec.taints: 17 entries are more than 16");
  EXPECT_EQ(site("taints: [no_isy]"),
            "intent.yaml:6: spec.taints[0]: \"no_isy\" is not a name; use a-z, 0-9 and '-', beginning and ending with a letter or digit");
  EXPECT_EQ(site("failure_domain: Grid 1"),
            "intent.yaml:6: spec.failure_domain: \"Grid 1\" is not a name; use a-z, 0-9 and '-', beginning and ending with a letter or "
            "digit");
}

TEST(ResourceErrors, RefuseWrongPlaces) {
  EXPECT_EQ(error_of(with(kSite, "tier: edge", "tier: fog")),
            "intent.yaml:5: spec.tier: \"fog\" is not a tier; write cloud, edge or end");
  EXPECT_EQ(error_of(with(kSite, "latitude: 30.1850", "latitude: 91")),
            "intent.yaml:7: spec.place.latitude: \"91\" is above the limit of 90 degrees");
  EXPECT_EQ(error_of(with(kSite, "peak_per_core: 12W", "peak_per_core: 3W")),
            "intent.yaml:11: spec.power.peak_per_core: is below idle_per_core; a busy core does not use less "
            "than an idle one");
  EXPECT_EQ(error_of(with(kSite, "core_hour: 0.60, ", "")),
            "intent.yaml:10: spec.asks.core_hour: is missing; write it like 0.04");
  EXPECT_EQ(error_of(with(kSite, "fd77:1:1:3::/64", "fd77:1:1:3::/129")),
            "intent.yaml:13: spec.network.prefix: \"fd77:1:1:3::/129\" is not an IPv6 prefix; write it like "
            "fd77:1:1:3::/64");
  EXPECT_EQ(error_of(with(kSite, "fd77:1:2:3::d6", "10.0.0.1")),
            "intent.yaml:13: spec.network.sid: \"10.0.0.1\" is not an IPv6 address; write it like fd77:1::1");
  EXPECT_EQ(error_of(with(kLink, "[metro, hangzhou]", "[metro]")),
            "intent.yaml:5: spec.between: has 1 ends; name the two ends: [metro, hangzhou]");
  EXPECT_EQ(error_of(with(kLink, "[metro, hangzhou]", "[metro, metro]")),
            "intent.yaml:5: spec.between[1]: is the same as the other end; a link joins two places");
  EXPECT_EQ(error_of(with(kLink, "distance: 20km", "distance: 20km\n  delay: 1ms")),
            "intent.yaml:6: spec.distance: is given as well as delay; keep the one that you know better");
  EXPECT_EQ(error_of(with(kLink, "  distance: 20km\n", "")),
            "intent.yaml:5: spec.delay: is missing; give delay (one way, like 5ms) or distance (of fibre, "
            "like 1200km)");
  EXPECT_EQ(error_of(with(kLink, "steerable: false", "steerable: no")),
            "intent.yaml:12: spec.steerable: \"no\" is neither true nor false; write true or false");
  EXPECT_EQ(error_of(with(kLink, "[\"fd77:1:2:1::1\", \"\"]", "[\"fd77:1:2:1::1\"]")),
            "intent.yaml:14: spec.sids: has 1 entries; give one for each end, \"\" for none");
  EXPECT_EQ(error_of(with(kJob, "job: {", "job: {port: 80, ")),
            "intent.yaml:6: spec.workload.job.port: is given for a job; remove it, or describe a service");
  EXPECT_EQ(
      error_of(with(kJob, "accelerators: 1, ", "")),
      "intent.yaml:6: spec.workload.job.accelerator_model: is given, but no accelerator is asked for; write "
      "accelerators: 1");
  EXPECT_EQ(error_of(with(kJob, "accelerators: 1, ", "accelerators: 2, accelerator_share: 0.5, ")),
            "intent.yaml:6: spec.workload.job.accelerator_share: is of one accelerator, and more are asked for; write "
            "accelerators: 1, or leave the share out");
  EXPECT_EQ(error_of(with(kJob, "accelerators: 1, ", "accelerators: 1, accelerators_linked: true, ")),
            "intent.yaml:6: spec.workload.job.accelerators_linked: links accelerators, and fewer than 2 are asked for; write "
            "accelerators: 2 or more, or leave it out");
  EXPECT_EQ(error_of(with(kJob, "accelerators: 1, ", "accelerators: 1, accelerator_share: 1.5, ")),
            "intent.yaml:6: spec.workload.job.accelerator_share: \"1.5\" is not a share of one accelerator; write it like "
            "0.5 or 500m, from 0.001 to 1");
  for (const char* wrong : {"0", "0.0001", "half", "-1"}) {
    EXPECT_NE(error_of(with(kJob, "accelerators: 1, ", "accelerators: 1, accelerator_share: " + std::string(wrong) + ", "))
                  .find("\"" + std::string(wrong) + "\" is not a share of one accelerator"),
              std::string::npos);
  }
  EXPECT_EQ(error_of(with(kJob, "accelerators: 1, accelerator_model: h200", "accelerator_memory: 8Gi")),
            "intent.yaml:6: spec.workload.job.accelerator_memory: is given, but no accelerator is asked for; write "
            "accelerators: 1");
  EXPECT_EQ(error_of(with(kJob, "sha256:01", "sha256:0G")),
            "intent.yaml:6: spec.workload.job.digest: is not a SHA-256 digest; write its 64 lower-case "
            "hexadecimal digits");
}

TEST(ResourceErrors, RefuseHostileText) {
  EXPECT_EQ(error_with("name: cameras", "name: &a cameras"),
            "intent.yaml:3: anchors are not accepted; write the value out where it is used");
  EXPECT_EQ(error_with("name: cameras", "name: *a"),
            "intent.yaml:3: is not YAML: the referenced anchor is not defined; check the indentation and the "
            "brackets");
  EXPECT_EQ(error_of("a: &x [1]\nb: [*x, *x]\n"),
            "intent.yaml:1: anchors are not accepted; write the value out where it is used");
  EXPECT_EQ(error_with("name: cameras", "name: !!str cameras"),
            "intent.yaml:3: tags are not accepted; leave out \"tag:yaml.org,2002:str\"");
  EXPECT_EQ(error_of("a: " + std::string(15, '[') + std::string(15, ']') + "\n"),
            "intent.yaml:1: kind: is missing; write kind: Intent, Site, Router, Link, Dataset, Offer, "
            "Tenant, Queue, Reservation or Workflow");
  EXPECT_EQ(error_of("a: " + std::string(16, '[') + std::string(16, ']') + "\n"),
            "intent.yaml:1: nested deeper than 16 levels; no resource needs that");
  EXPECT_EQ(error_of(std::string(200'000, '[')),
            "intent.yaml:1: a field\'s name is a list or a map; write name: value");
  EXPECT_EQ(error_of(std::string(200'000, '{')),
            "intent.yaml:1: a field\'s name is a list or a map; write name: value");
  EXPECT_EQ(error_of("kind: Intent\nname: \xff\n"), "intent.yaml:2: is not UTF-8; save the file as UTF-8");
  EXPECT_EQ(error_of(std::string("kind: Intent\nname: a\0b\n", 23)),
            "intent.yaml:2: holds a control character; remove it");
  EXPECT_EQ(error_of("kind: [Intent\n").substr(0, 29), "intent.yaml:2: is not YAML: e");
  EXPECT_EQ(error_of("? [a]\n: b\n"), "intent.yaml:1: a field's name is a list or a map; write name: value");
  EXPECT_EQ(error_of("~: b\n"), "intent.yaml:1: a field has no name; write name: value");
  EXPECT_EQ(error_of(std::string(kTextBytesMax + 1, ' ')),
            "intent.yaml: 1048577 bytes are more than 1048576; split the file");
  EXPECT_EQ(error_of("[" + std::string(2 * kValuesMax, ',') + "]").substr(0, 14), "intent.yaml:1:");
  std::string wide;
  for (size_t i = 0; i <= kFieldsMax; ++i) wide += "a" + std::to_string(i) + ": b\n";
  EXPECT_EQ(error_of(wide), "intent.yaml:101: more than 100 fields in one map; no resource has so many");
  std::string many = "a:\n";
  for (size_t i = 0; i < kValuesMax; ++i) many += "- b\n";
  EXPECT_EQ(error_of(many),
            "intent.yaml:" + std::to_string(kValuesMax - 1) + ": more than 50000 values; split the file");
}

TEST(ResourceErrors, PointIntoARequest) {
  v1::Resource message;
  to_message(only(kIntent), message);
  message.mutable_intent()->mutable_spec()->mutable_promise()->set_latency("500");
  auto result = from_message(message, "resources[2].intent.");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().where, "resources[2].intent.spec.promise.latency");
  result = from_message(v1::Resource(), "resources[0]");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().text(),
            "resources[0]: holds nothing that can be applied; give an intent, site, router, link, dataset, "
            "offer, tenant, queue, reservation or workflow");
  // What is only ever read cannot be applied.
  v1::Resource view;
  view.mutable_bill();
  EXPECT_FALSE(from_message(view).has_value());
  message.mutable_intent()->set_kind("Site");
  EXPECT_FALSE(from_message(message).has_value());
}

// ---- names -------------------------------------------------------------------------------------------

constexpr std::array<const char*, 3> kIntents = {"web", "batch", "noise"};

Directory directory() {
  const std::vector<std::string> sites = {"street-a", "street-b", "metro", "hub-guizhou", "hub-ningxia"};
  Directory out;
  out.site = [sites](std::string_view name) -> std::optional<SiteId> {
    for (size_t i = 0; i < sites.size(); ++i) {
      if (sites[i] == name) return SiteId(i);
    }
    return {};
  };
  out.vertex = [site = out.site](std::string_view name) -> std::optional<VertexId> {
    if (name == "hangzhou") return VertexId(100u);
    const auto id = site(name);
    if (!id) return {};
    return VertexId(id->value);
  };
  out.dataset = [](std::string_view tenant, std::string_view name) -> std::optional<DatasetId> {
    if (tenant == "lab" && name == "faces") return DatasetId(4u);
    return {};
  };
  out.intent = [](std::string_view tenant, std::string_view name) -> std::optional<IntentId> {
    const auto known = std::find(kIntents.begin(), kIntents.end(), name);
    if (tenant != "lab" || known == kIntents.end()) return {};
    return IntentId(static_cast<size_t>(known - kIntents.begin()));
  };
  out.sites = [sites] { return sites; };
  out.vertices = [sites] { return sites; };
  return out;
}

Names names() {
  Names out;
  out.site = [](SiteId id) {
    return std::array{"street-a", "street-b", "metro", "hub-guizhou", "hub-ningxia"}[id.index()];
  };
  out.vertex = [site = out.site](VertexId id) {
    return id.value == 100 ? "hangzhou" : site(SiteId(id.value));
  };
  out.dataset = [](DatasetId) { return "faces"; };
  out.intent = [](IntentId id) { return kIntents[id.index()]; };
  return out;
}

TEST(ResourceNames, AreResolvedAndBack) {
  for (const char* text : {kIntent, kJob, kPlaced, kLink}) {
    Resource resource = only(text);
    const auto ok = resolve(resource, directory());
    ASSERT_TRUE(ok.has_value()) << ok.error().text();
    if (auto* intent = std::get_if<Intent>(&resource.value)) {
      EXPECT_TRUE(validate(intent->spec).has_value()) << validate(intent->spec).error().text();
      EXPECT_EQ(describe(intent->spec, intent->tenant, names()).value, resource.value);
    } else {
      auto link = std::get<Link>(resource.value);
      EXPECT_EQ(link.spec.a, VertexId(2u));
      EXPECT_EQ(link.spec.b, VertexId(100u));
      EXPECT_TRUE(validate(link.spec).has_value());
      link.queue_us = 0;
      EXPECT_EQ(describe(link.spec, names()).value, Value(link));
    }
  }
  Resource site = only(kSite);
  ASSERT_TRUE(resolve(site, directory()).has_value());
  EXPECT_TRUE(validate(std::get<Site>(site.value).spec).has_value());
  auto others = parse(kOthers, "f.yaml");
  for (auto& resource : *others) ASSERT_TRUE(resolve(resource, directory()).has_value());
  EXPECT_EQ(std::get<Offer>((*others)[2].value).site_id, SiteId(2u));
  const auto& dataset = std::get<Dataset>((*others)[1].value);
  EXPECT_EQ(describe(dataset.spec, "city", names()).value, (*others)[1].value);
}

TEST(ResourceNames, AreSuggestedWhenUnknown) {
  auto refusal = [](const std::string& text) {
    auto resources = parse(text, "intent.yaml");
    EXPECT_TRUE(resources.has_value()) << resources.error().text();
    const auto ok = resolve(resources->front(), directory());
    EXPECT_FALSE(ok.has_value());
    EXPECT_EQ(ok.error().code, ErrorCode::kNotFound);
    return ok.error().text();
  };
  EXPECT_EQ(refusal(with(kIntent, "street-b", "stret-b")),
            "intent.yaml:5: spec.from[1].site: no site \"stret-b\"; did you mean street-b?");
  EXPECT_EQ(refusal(with(kIntent, "hub-ningxia", "mars")),
            "intent.yaml:10: spec.where.not[0]: no site \"mars\"; apply its description first");
  EXPECT_EQ(refusal(with(kLink, "[metro,", "[metor,")),
            "intent.yaml:5: spec.between[0]: no site or router \"metor\"; did you mean metro?");
  EXPECT_EQ(refusal(with(kPlaced, "[web]", "[wbe]")),
            "intent.yaml:6: spec.where.near[0]: no intent \"wbe\"; apply its description first");
  EXPECT_EQ(refusal(with(kPlaced, "tenant: lab", "tenant: city")),
            "intent.yaml:7: spec.data[0]: no data set \"faces\"; apply its description first");
  EXPECT_EQ(refusal(with(kJob, "[faces]", "[fces]")),
            "intent.yaml:8: spec.data[0]: no data set \"fces\"; apply its description first");
}

}  // namespace
}  // namespace weir::resource
