// Queues, reservations, and when jobs run: as files have them, and as they are refused.
#include <gtest/gtest.h>

#include "service/resource/resource.h"
#include "service/resource/time_text.h"
#include "weir/v1/resource.pb.h"

namespace weir::resource {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;

constexpr const char* kJob = R"(apiVersion: weir/v1
kind: Intent
metadata: {name: train, tenant: city}
spec:
  workload: {job: {artifact: train, cpu: "2", memory: 1Gi}}
  schedule:
    queue: research
    priority: -2
    instances: 4
    run_time: 2h
    run_time_max: 3h
    not_before: 2026-11-22T18:00:00+08:00
    deadline: 2026-11-23T00:00:00Z
    reservation: night
    checkpoint_every: 15m
)";

constexpr const char* kQueue = R"(apiVersion: weir/v1
kind: Queue
metadata: {name: models}
spec:
  parent: research
  weight: 2
  guaranteed: {cpu: "8", memory: 16Gi}
  maximum: {cpu: "16", accelerators: 4}
  policy: weir
  settings: {patience: 60, look_ahead: -1}
  half_life: 24h
  submissions_per_hour: 100
  priority_max: 7
)";

constexpr const char* kReservation = R"(apiVersion: weir/v1
kind: Reservation
metadata: {name: night, tenant: city}
spec:
  site: metro
  amount: {cpu: "8", memory: 16Gi, accelerators: 2}
  from: 2026-11-22T18:00:00+08:00
  to: 2026-11-22T20:00+08:00
)";

Resource only(const std::string& text) {
  auto read = parse(text, "f.yaml");
  EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().text());
  return read ? read->front() : Resource{};
}

std::string error_with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto read = parse(text, "f.yaml");
  return read ? "accepted" : read.error().text();
}

void expect_same_again(const Resource& resource) {
  v1::Resource message;
  to_message(resource, message);
  const auto back = from_message(message);
  ASSERT_TRUE(back.has_value()) << back.error().text();
  EXPECT_TRUE(back->value == resource.value);
  const auto* field =
      message.GetReflection()->GetOneofFieldDescriptor(message, message.GetDescriptor()->oneof_decl(0));
  const std::string yaml = to_yaml(message.GetReflection()->GetMessage(message, field));
  EXPECT_TRUE(only(yaml).value == resource.value) << yaml;
}

TEST(ResourceSchedule, AJobSaysWhenItRunsAndBeforeWhom) {
  const Resource resource = only(kJob);
  const Schedule& schedule = std::get<Intent>(resource.value).spec.schedule;
  EXPECT_EQ(schedule.queue, "research");
  EXPECT_EQ(schedule.priority, -2);
  EXPECT_EQ(schedule.instances, 4);
  EXPECT_EQ(schedule.run_time_us_estimated, 2 * kHourUs);
  EXPECT_EQ(schedule.run_time_us_max, 3 * kHourUs);
  EXPECT_EQ(schedule.not_before, 1'795'341'600'000'000);
  EXPECT_EQ(schedule.deadline, 1'795'392'000'000'000);
  EXPECT_EQ(schedule.reservation, "night");
  EXPECT_EQ(schedule.checkpoint_interval_us, kHourUs / 4);
  expect_same_again(resource);
}

TEST(ResourceSchedule, TheDomainsOwnQueueIsThatOfJobsThatNameNone) {
  EXPECT_EQ(error_with(kJob, "queue: research", "queue: domain"), "accepted");
  std::string text = kJob;
  text.replace(text.find("research"), 8, "domain");
  EXPECT_EQ(std::get<Intent>(only(text).value).spec.schedule.queue, "");
}

TEST(ResourceSchedule, AnArrayIsOfSeveralJobsWithoutStreams) {
  const auto with = [](const std::string& line) { return error_with(kJob, "instances: 4", "instances: 4\n    " + line); };
  EXPECT_EQ(with("tasks: 2"), "accepted");
  EXPECT_EQ(with("tasks: 100000"), "accepted");
  std::string text = kJob;
  text.replace(text.find("instances: 4"), 12, "tasks: 10000");
  EXPECT_EQ(std::get<Intent>(only(text).value).spec.schedule.tasks, 10'000);
  expect_same_again(only(text));
  for (const char* bad : {"0", "1", "-3", "100001"}) {
    EXPECT_EQ(with(std::string("tasks: ") + bad), std::string("f.yaml:10: spec.schedule.tasks: ") + bad + " is not between 2 and 100000");
  }
  EXPECT_EQ(error_with(text, "  schedule:", "  from: [{site: street, streams: 1}]\n  schedule:").substr(0, 60),
            "f.yaml:10: spec.schedule.tasks: is given beside spec.from; t");
}

TEST(ResourceSchedule, AMalleableJobSaysWithHowFewInstancesItDoes) {
  const auto with = [](const std::string& line) { return error_with(kJob, "instances: 4", "instances: 4\n    " + line); };
  const auto least = [](const std::string& line) {
    std::string text = kJob;
    text.replace(text.find("instances: 4"), 12, line);
    return std::get<Intent>(only(text).value).spec.schedule.instances_min;
  };
  EXPECT_EQ(least("instances: 4\n    instances_min: 1"), 1);
  EXPECT_EQ(least("instances: 4\n    instances_min: 3"), 3);
  EXPECT_EQ(least("instances: 4\n    instances_min: 4"), 0) << "the rigid job";
  EXPECT_EQ(least("instances_min: 1"), 0);
  std::string text = kJob;
  text.replace(text.find("instances: 4"), 12, "instances: 4\n    instances_min: 2");
  expect_same_again(only(text));
  for (const char* bad : {"0", "-1", "10001"}) {
    EXPECT_EQ(with(std::string("instances_min: ") + bad),
              std::string("f.yaml:10: spec.schedule.instances_min: ") + bad + " is not between 1 and 10000");
  }
  EXPECT_EQ(with("instances_min: 5"),
            "f.yaml:10: spec.schedule.instances_min: is more than instances, 4; lower it, or ask for more instances");
  EXPECT_EQ(with("instances_min: 2\n    tasks: 9").substr(0, 64), "f.yaml:10: spec.schedule.instances_min: is given beside tasks; t");
  EXPECT_EQ(error_with(text, "  schedule:", "  from: [{site: street, streams: 1}]\n  schedule:").substr(0, 67),
            "f.yaml:11: spec.schedule.instances_min: is given beside spec.from; ");
  for (const char* spread : {"sites: 2", "regions: 2", "failure_domains: 3"}) {
    EXPECT_EQ(error_with(text, "  schedule:", std::string("  where: {") + spread + "}\n  schedule:").substr(0, 65),
              "f.yaml:11: spec.schedule.instances_min: is given beside different");
  }
  EXPECT_EQ(error_with(text, "  schedule:", "  where: {sites: 1}\n  schedule:"), "accepted");
}

TEST(ResourceSchedule, RefusesTimesThatCannotBe) {
  EXPECT_EQ(error_with(kJob, "run_time: 2h", "run_time: -2h").substr(0, 37),
            "f.yaml:10: spec.schedule.run_time: \"-");
  EXPECT_EQ(error_with(kJob, "run_time: 2h", "run_time: 4h"),
            "f.yaml:10: spec.schedule.run_time: is longer than run_time_max, when the job is ended; lower "
            "it, or raise "
            "run_time_max");
  EXPECT_EQ(error_with(kJob, "run_time_max: 3h", "run_time_max: 0s"),
            "f.yaml:11: spec.schedule.run_time_max: is zero; write it like 2h, or leave it out");
  EXPECT_EQ(error_with(kJob, "run_time_max: 3h", "run_time_max: 367d"),
            "f.yaml:11: spec.schedule.run_time_max: is longer than 366 days; write it like 2h");
  EXPECT_EQ(error_with(kJob, "checkpoint_every: 15m", "checkpoint_every: 0s"),
            "f.yaml:15: spec.schedule.checkpoint_every: is zero; write it like 2h, or leave it out");
  EXPECT_EQ(
      error_with(kJob, "deadline: 2026-11-23T00:00:00Z", "deadline: 2026-11-22T09:00:00Z"),
      "f.yaml:13: spec.schedule.deadline: is not after not_before; choose a later deadline, or an earlier "
      "not_before");
  EXPECT_EQ(error_with(kJob, "deadline: 2026-11-23T00:00:00Z", "deadline: 2026-11-22T11:00:00Z"),
            "f.yaml:13: spec.schedule.deadline: leaves less than run_time after not_before; choose a later "
            "deadline, or "
            "an earlier not_before");
  EXPECT_EQ(
      error_with(kJob, "deadline: 2026-11-23T00:00:00Z", "deadline: +2h"),
      "f.yaml:13: spec.schedule.deadline: \"+2h\" is not a time; write it with its offset from UTC, like "
      "2026-11-22T18:00:00+08:00 or 2026-11-22T10:00:00Z");
  EXPECT_EQ(error_with(kJob, "instances: 4", "instances: 0"),
            "f.yaml:9: spec.schedule.instances: 0 is not between 1 and 10000");
  EXPECT_EQ(error_with(kJob, "queue: research", "queu: research"),
            "f.yaml:7: spec.schedule.queu: unknown field \"queu\"; did you mean queue?");
}

TEST(ResourceSchedule, AServiceWaitsForNoTurn) {
  EXPECT_EQ(
      error_with(
          kJob, "workload: {job: {artifact: train, cpu: \"2\", memory: 1Gi}}",
          "from: [{site: metro, streams: 1}]\n  workload: {service: {artifact: train, cpu: \"2\", memory: "
          "1Gi, port: 80}}"),
      "f.yaml:8: spec.schedule: is given for a service; only a job waits for its turn: remove it, or "
      "describe a "
      "job");
}

TEST(ResourceSchedule, AQueueSaysWhatIsItsDue) {
  const Resource resource = only(kQueue);
  const auto& queue = std::get<Queue>(resource.value);
  EXPECT_EQ(queue.parent, "research");
  EXPECT_EQ(queue.spec.weight_milli, 2000);
  EXPECT_EQ(queue.spec.guaranteed, (Quota{8000, 16'384, 0}));
  EXPECT_EQ(queue.spec.maximum, (Quota{16'000, 0, 4}));
  EXPECT_EQ(queue.spec.policy, "weir");
  EXPECT_EQ(queue.spec.settings, (std::vector<PolicySetting>{{"look_ahead", -1}, {"patience", 60}}));
  EXPECT_EQ(queue.spec.half_life_us, 24 * kHourUs);
  EXPECT_EQ(queue.spec.submissions_per_hour_max, 100);
  EXPECT_EQ(queue.spec.priority_max, 7);
  expect_same_again(resource);
  expect_same_again(
      only("{apiVersion: weir/v1, kind: Queue, metadata: {name: domain}, spec: {backfill: easy}}"));
}

TEST(ResourceSchedule, RefusesAQueueThatCannotBe) {
  EXPECT_EQ(error_with(kQueue, "cpu: \"8\"", "cpu: \"17\""),
            "f.yaml:7: spec.guaranteed.cpu: is more than maximum.cpu; raise the maximum, or guarantee less");
  EXPECT_EQ(error_with(kQueue, "accelerators: 4", "accelerators: 0"),
            "f.yaml:8: spec.maximum.accelerators: is zero, and 0 is no bound; leave it out");
  EXPECT_EQ(error_with(kQueue, "parent: research", "parent: models"),
            "f.yaml:5: spec.parent: is the queue itself; name another, or none");
  EXPECT_EQ(error_with(kQueue, "patience: 60", "patience: long"),
            "f.yaml:10: spec.settings.patience: \"long\" is not a whole number; write it like 4");
  EXPECT_EQ(error_with(kQueue, "  policy: weir\n", ""),
            "f.yaml:9: spec.settings: are given without a policy; name the policy that they are of");
  EXPECT_NE(error_with(kQueue, "half_life: 24h", "half_life: 0s").find("spec.half_life: is zero; leave it out"), std::string::npos);
  EXPECT_EQ(error_with(kQueue, "half_life: 24h", "backfill: easy"),
            "f.yaml:11: spec.backfill: is one rule for the whole domain; set it on the queue domain");
  EXPECT_EQ(error_with(kQueue, "half_life: 24h", "backfill: some"),
            "f.yaml:11: spec.backfill: \"some\" is not a way to backfill; write none, easy or conservative");
  EXPECT_EQ(error_with(kQueue, "weight: 2", "weight: 0"),
            "f.yaml:6: spec.weight: is zero, so that nothing would ever be its due; write it like 1 or 0.5");
  EXPECT_EQ(error_with(kQueue, "name: models", "name: domain"),
            "f.yaml:5: spec.parent: is given for the domain's own queue; remove it");
}

TEST(ResourceSchedule, AReservationKeepsRoomForAWhile) {
  const Resource resource = only(kReservation);
  const auto& reservation = std::get<Reservation>(resource.value);
  EXPECT_EQ(reservation.tenant, "city");
  EXPECT_EQ(reservation.site, "metro");
  EXPECT_EQ(reservation.spec.amount, (Quota{8000, 16'384, 2}));
  EXPECT_EQ(reservation.spec.to - reservation.spec.from, 2 * kHourUs);
  expect_same_again(resource);
  EXPECT_EQ(error_with(kReservation, "T20:00+08:00", "T17:00+08:00"),
            "f.yaml:8: spec.to: is not after from; choose a later end");
  EXPECT_EQ(error_with(kReservation, "amount: {cpu: \"8\", memory: 16Gi, accelerators: 2}", "amount: {}"),
            "f.yaml:6: spec.amount: reserves nothing; write it like {cpu: \"8\", memory: 16Gi}, or keep bandwidth with ingress, up and down");
  EXPECT_EQ(error_with(kReservation, "  site: metro\n", ""), "f.yaml:5: spec.site: is missing; give a name");
}

TEST(ResourceSchedule, AReservationKeepsBandwidthBesideRoomOrAlone) {
  const std::string path = "  ingress: street\n  up: 2Gbps\n  down: 200Mbps\n";
  for (const char* amount : {"  amount: {cpu: \"8\"}\n", ""}) {
    std::string text = kReservation;
    const std::string room = "  amount: {cpu: \"8\", memory: 16Gi, accelerators: 2}\n";
    text.replace(text.find(room), room.size(), amount + path);
    const Resource resource = only(text);
    const auto& reservation = std::get<Reservation>(resource.value);
    EXPECT_EQ(reservation.ingress, "street");
    EXPECT_EQ(reservation.spec.up_bps, 2'000'000'000);
    EXPECT_EQ(reservation.spec.down_bps, 200'000'000);
    expect_same_again(resource);
  }
  const auto with = [](const std::string& lines) { return error_with(kReservation, "  from: 2026", lines + "  from: 2026"); };
  EXPECT_EQ(with("  ingress: street\n  down: 1Mbps\n"), "accepted");
  EXPECT_EQ(with("  ingress: street\n"),
            "f.yaml:7: spec.ingress: is given without bandwidth; say with spec.up and spec.down how much is kept, like 2Gbps, or remove it");
  EXPECT_EQ(with("  ingress: street\n  up: 0bps\n").substr(0, 51), "f.yaml:7: spec.ingress: is given without bandwidth;");
  EXPECT_EQ(with("  up: 1Mbps\n"),
            "f.yaml:7: spec.up: is given without an ingress; name the site in spec.ingress where the traffic comes from");
  EXPECT_EQ(with("  down: 1Mbps\n").substr(0, 49), "f.yaml:7: spec.down: is given without an ingress;");
  EXPECT_EQ(with("  ingress: metro\n  up: 1Mbps\n"),
            "f.yaml:7: spec.ingress: is the site itself, to which no link leads; name the site where the traffic comes from, or remove "
            "ingress, up and down");
  EXPECT_NE(with("  ingress: street\n  up: fast\n"), "accepted");
  EXPECT_NE(with("  ingress: street\n  up: -1Mbps\n"), "accepted");
}

TEST(ResourceTime, ReadsWhatSaysItsOffsetAndNothingElse) {
  EXPECT_EQ(parse_time_us("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_time_us("2026-11-22T18:00:00+08:00"), parse_time_us("2026-11-22T10:00Z"));
  EXPECT_EQ(parse_time_us("2024-02-29T23:59:59-01:30"), parse_time_us("2024-03-01T01:29:59Z"));
  for (const char* wrong :
       {"", "2026-11-22", "2026-11-22T18:00:00", "2026-11-22T18:00:00+8:00", "2026-11-22T24:00:00Z",
        "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-22T18:00:00Zx", "1969-12-31T00:00:00Z",
        "2026-11-22T18:00:00.5Z", "2026-11-22 18:00:00Z", "+2h"}) {
    EXPECT_FALSE(parse_time_us(wrong).has_value()) << wrong;
  }
  for (const char* same : {"1970-01-01T00:00:00Z", "2026-11-22T10:00:00Z", "9999-12-31T23:59:59Z"}) {
    EXPECT_EQ(format_time(*parse_time_us(same)), same);
  }
}

TEST(ResourceSchedule, NamesOfQueuesAreLookedUp) {
  Directory directory;
  directory.queue = [](std::string_view name) -> std::optional<QueueId> {
    return name == "research" ? std::optional(QueueId(3u)) : std::nullopt;
  };
  directory.queues = [] { return std::vector<std::string>{"research"}; };
  directory.site = [](std::string_view) -> std::optional<SiteId> { return SiteId(1u); };
  directory.dataset = [](std::string_view, std::string_view) -> std::optional<DatasetId> { return {}; };
  Resource job = only(kJob), queue = only(kQueue), reservation = only(kReservation);
  EXPECT_TRUE(resolve(job, directory).has_value());
  ASSERT_TRUE(resolve(queue, directory).has_value());
  EXPECT_EQ(std::get<Queue>(queue.value).spec.parent, QueueId(3u));
  ASSERT_TRUE(resolve(reservation, directory).has_value());
  EXPECT_EQ(std::get<Reservation>(reservation.value).spec.site, SiteId(1u));
  std::get<Intent>(job.value).spec.schedule.queue = "reserch";
  EXPECT_EQ(resolve(job, directory).error().text(),
            "f.yaml:7: spec.schedule.queue: no queue \"reserch\"; did you mean research?");
}

TEST(ResourceSchedule, AJobMayWaitForACheaperHour) {
  const std::string text = R"(apiVersion: weir/v1
kind: Intent
metadata: {name: train, tenant: city}
spec:
  workload: {job: {artifact: train, cpu: "2", memory: 1Gi}}
  schedule: {run_time_max: 1h, start_slack: 8h, deadline: 2026-11-23T00:00:00Z}
)";
  const Resource resource = only(text);
  EXPECT_EQ(std::get<Intent>(resource.value).spec.schedule.start_slack_us, 8 * kHourUs);
  expect_same_again(resource);
  EXPECT_EQ(error_with(text, "start_slack: 8h", "start_slack: 366d"), "accepted");
  EXPECT_NE(error_with(text, "start_slack: 8h", "start_slack: 367d").find("spec.schedule.start_slack: is longer than 366 days"), std::string::npos);
  EXPECT_NE(error_with(text, "start_slack: 8h", "start_slack: 0s").find("spec.schedule.start_slack: is zero"), std::string::npos);
  EXPECT_NE(error_with(text, "start_slack: 8h", "start_slack: soon").find("spec.schedule.start_slack"), std::string::npos);
  EXPECT_NE(error_with(text, "start_slack: 8h", "start_slack: 8h, reservation: night").find("whose time is set"), std::string::npos);
}

TEST(ResourceSchedule, AQueueMayGoByPredictedRunTimes) {
  const std::string text = "apiVersion: weir/v1\nkind: Queue\nmetadata: {name: models}\nspec: {predict_run_times: true}\n";
  const Resource resource = only(text);
  EXPECT_TRUE(std::get<Queue>(resource.value).spec.predicts);
  expect_same_again(resource);
  EXPECT_FALSE(std::get<Queue>(only(kQueue).value).spec.predicts);
  EXPECT_NE(error_with(text, "true", "often").find("predict_run_times"), std::string::npos);
}

constexpr const char* kIdle = R"(apiVersion: weir/v1
kind: Intent
metadata: {name: sift, tenant: city}
spec:
  workload: {job: {artifact: sift, cpu: "2", memory: 1Gi, best_effort: true}}
  schedule: {priority: -2, instances: 4, tasks: 100, run_time: 2h, run_time_max: 3h, checkpoint_every: 15m}
)";

TEST(Schedule, ReadsBestEffortWork) {
  const Resource resource = only(kIdle);
  EXPECT_TRUE(std::get<Intent>(resource.value).spec.workload.best_effort);
  v1::Resource message;
  to_message(resource, message);
  EXPECT_TRUE(message.intent().spec().workload().job().best_effort());
  EXPECT_EQ(from_message(message)->value, resource.value);
  EXPECT_EQ(only(to_yaml(message.intent())).value, resource.value);
  EXPECT_FALSE(std::get<Intent>(only(kJob).value).spec.workload.best_effort);
}

TEST(Schedule, RefusesWhatBestEffortWorkCannotHave) {
  const auto error_with = [](const std::string& from, const std::string& to) {
    std::string text = kIdle;
    text.replace(text.find(from), from.size(), to);
    const auto read = parse(text, "f.yaml");
    return read ? std::string("accepted") : read.error().text();
  };
  const auto names = [&](const std::string& from, const std::string& to, const std::string& path, const std::string& why) {
    const std::string error = error_with(from, to);
    EXPECT_NE(error.find(path), std::string::npos) << error;
    EXPECT_NE(error.find(why), std::string::npos) << error;
  };
  names("job: {artifact", "service: {port: 80, artifact", "spec.workload.service.best_effort", "only jobs are best-effort");
  names("best_effort: true", "best_effort: true, accelerators: 1", "spec.workload.job.best_effort", "ask for none, or remove it");
  names("tasks: 100", "queue: research", "spec.schedule.queue", "waits in no queue");
  names("tasks: 100", "reservation: night", "spec.schedule.reservation", "waits in no queue");
  names("tasks: 100", "deadline: 2099-11-23T00:00:00Z", "spec.schedule.deadline", "waits in no queue");
  names("tasks: 100", "not_before: 2099-11-23T00:00:00Z", "spec.schedule.not_before", "waits in no queue");
  names("  schedule: {priority: -2, instances: 4, tasks: 100,", "  promise: {availability: 99%}\n  schedule: {priority: -2,", "spec.promise",
        "nothing is promised of best-effort work");
  names("  schedule: {priority: -2, instances: 4, tasks: 100,", "  from: [{site: metro, streams: 1}]\n  schedule: {priority: -2,", "spec.from",
        "has no streams");
}

constexpr const char* kAsks = R"(apiVersion: weir/v1
kind: Offer
metadata: {name: metro}
spec: {site: metro, asks: {core_hour: 0.3, gib_hour: 0.03, best_effort: "0.25"}}
)";

constexpr const char* kShuffle = R"(apiVersion: weir/v1
kind: Intent
metadata: {name: shuffle, tenant: city}
spec:
  workload:
    job: {artifact: exchange, cpu: "1", memory: 1Gi}
    traffic: {between: 200Mbps}
  schedule: {instances: 4}
)";

TEST(Schedule, ReadsWhatInstancesExchange) {
  const Resource resource = only(kShuffle);
  EXPECT_EQ(std::get<Intent>(resource.value).spec.traffic.between_bps, 200'000'000);
  v1::Resource message;
  to_message(resource, message);
  EXPECT_EQ(message.intent().spec().workload().traffic().between(), "200Mbps");
  EXPECT_EQ(from_message(message)->value, resource.value);
  EXPECT_EQ(only(to_yaml(message.intent())).value, resource.value);
}
TEST(Schedule, RefusesWhatCannotExchange) {
  const auto names = [](const std::string& from, const std::string& to, const std::string& why) {
    std::string text = kShuffle;
    text.replace(text.find(from), from.size(), to);
    const auto read = parse(text, "f.yaml");
    const std::string error = read ? std::string("accepted") : read.error().text();
    EXPECT_NE(error.find("spec.workload.traffic.between"), std::string::npos) << error;
    EXPECT_NE(error.find(why), std::string::npos) << error;
  };
  std::string service = kShuffle;
  service.replace(service.find("job: {artifact"), 14, "service: {port: 80, artifact");
  service.replace(service.find("  schedule: {instances: 4}"), 26, "  from: [{site: metro, streams: 1}]");
  const auto of_service = parse(service, "f.yaml");
  ASSERT_FALSE(of_service);
  EXPECT_NE(of_service.error().text().find("spec.workload.traffic.between: is of jobs"), std::string::npos) << of_service.error().text();
  names("instances: 4", "priority: 0", "there is only one instance");
  names("instances: 4", "instances: 1", "there is only one instance");
  names("instances: 4", "instances: 257", "more than 256 instances");
  names("instances: 4", "instances: 4, tasks: 3", "beside spec.schedule.tasks");
  names("instances: 4", "instances: 4, instances_min: 2", "beside spec.schedule.instances_min");
  names("memory: 1Gi", "memory: 1Gi, best_effort: true", "nothing is reserved for best-effort work");
  names("between: 200Mbps", "between: 200Mbps, up: 1Mbps", "beside what streams need");
  names("between: 200Mbps", "between: 0Mbps", "is zero");
  names("between: 200Mbps", "between: much", "much");
  names("  schedule:", "  promise: {latency: 50ms}\n  schedule:", "beside a latency");
  names("  schedule: {instances: 4}", "  from: [{site: metro, streams: 1}]\n", "beside spec.from");
  std::string most = kShuffle;
  most.replace(most.find("instances: 4"), 12, "instances: 256");
  EXPECT_TRUE(parse(most, "f.yaml"));
}
TEST(Schedule, ReadsWhatBestEffortWorkPays) {
  const Resource resource = only(kAsks);
  EXPECT_EQ(std::get<Offer>(resource.value).best_effort_asks_milli, 250);
  v1::Resource message;
  to_message(resource, message);
  EXPECT_EQ(message.offer().spec().asks().best_effort(), "0.25");
  const auto error_with = [](const std::string& part) {
    std::string text = kAsks;
    text.replace(text.find("0.25"), 4, part);
    const auto read = parse(text, "f.yaml");
    return read ? std::string("accepted") : read.error().text();
  };
  EXPECT_EQ(error_with("1"), "accepted");
  EXPECT_NE(error_with("1.001").find("spec.asks.best_effort"), std::string::npos);
  EXPECT_NE(error_with("0").find("nothing is free"), std::string::npos);
  EXPECT_NE(error_with("a third").find("spec.asks.best_effort"), std::string::npos);
}

}  // namespace
}  // namespace weir::resource
