#include "app/command_test.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <boost/json.hpp>
#include <future>
#include <iostream>
#include <thread>

#include "app/table.h"
#include "infrastructure/store/segment_store.h"

namespace weir::app {
namespace {

#ifdef WEIR_WITH_BENCH
TEST_F(CommandTest, ABenchmarkTakesItsOwnOptions) {
  for (const char* name : {"joint", "traffic", "decide", "fairness", "request", "ledger", "emulator", "metering",
                           "workflow", "batch", "language"}) {
    SCOPED_TRACE(name);
    const Outcome help = weir({"bench", name, "--help"});
    EXPECT_EQ(help.code, kExitOk);
    EXPECT_NE(help.out.find(std::string("Usage: weir bench ") + name + " ["), std::string::npos) << help.out;
  }
  const Outcome bad = weir({"bench", "ledger", "--rounds", "none"});
  EXPECT_EQ(bad.code, kExitUsage);
  EXPECT_NE(bad.error.find("--rounds takes"), std::string::npos) << bad.error;
}
#endif

void every_command(const CLI::App& app, const std::vector<std::string>& path,
                   std::vector<std::vector<std::string>>& out) {
  out.push_back(path);
  for (const CLI::App* sub : app.get_subcommands({})) {
    if (sub->get_group().empty()) continue;  // not for people
    std::vector<std::string> longer = path;
    longer.push_back(sub->get_name());
    every_command(*sub, longer, out);
  }
}

TEST_F(CommandTest, EveryHelpPageFitsEightyColumnsAndHasAnExample) {
  CLI::App app("", "weir");
  add_commands(app);
  std::vector<std::vector<std::string>> commands;
  every_command(app, {}, commands);
  EXPECT_GT(commands.size(), 25u);
  for (std::vector<std::string> command : commands) {
    std::string name = "weir";
    for (const std::string& word : command) name += " " + word;
    SCOPED_TRACE(name);
    command.push_back("--help");
    const Outcome help = weir(command);
    EXPECT_EQ(help.code, kExitOk) << help.error;
    EXPECT_NE(help.out.find("Usage: " + name), std::string::npos) << help.out;
    const size_t example = help.out.find("Example");
    ASSERT_NE(example, std::string::npos) << help.out;
    EXPECT_NE(help.out.find(name, example), std::string::npos) << "of this command: " << help.out;
    std::istringstream lines(help.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 80u) << line;
  }
}

TEST_F(CommandTest, AWrongCommandLineIsAnsweredInItsOwnWords) {
  const auto said = [](const std::vector<std::string>& arguments) {
    const Outcome outcome = weir(arguments);
    EXPECT_EQ(outcome.code, kExitUsage);
    return outcome.error;
  };
  EXPECT_EQ(said({"explian", "cameras"}),
            "weir: has no command \"explian\"\n  did you mean \"explain\"?\n");
  EXPECT_EQ(said({"frobnicate"}), "weir: has no command \"frobnicate\"\n  'weir --help' lists them\n");
  EXPECT_EQ(said({"token", "revok", "x"}),
            "weir token: has no command \"revok\"\n  did you mean \"revoke\"?\n");
  EXPECT_EQ(said({"ledger"}), "weir ledger: needs a command\n  one of verify, head, prove\n");
  EXPECT_EQ(said({"get", "sites", "--fliter", "state=up"}),
            "weir get: has no option \"--fliter\"\n  did you mean \"--filter\"?\n");
  EXPECT_EQ(said({"get", "sites", "metro", "hub"}),
            "weir get: takes no \"hub\" there\n  'weir get --help' says how it is used\n");
  EXPECT_EQ(said({"get", "-o", "xml", "sites"}).find("weir get: --output: xml not in {"), 0u);
  EXPECT_EQ(said({"logs"}), "weir logs: RUN is required\n  'weir logs --help' says how it is used\n");
}

TEST_F(CommandTest, ANumberBelowZeroIsNoPosition) {
  serve();
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"ledger", "prove", "--", "-1"},
                                             {"ledger", "prove", "-1"},
                                             {"ledger", "prove", "x"},
                                             {"ledger", "prove", "1", "--size", "-2"},
                                             {"logs", "1.0", "--offset", "-1"},
                                             {"logs", "1.0", "--bytes", "1.5"}}) {
    const Outcome refused = weir(command);
    EXPECT_EQ(refused.code, kExitUsage) << command.back();
    EXPECT_NE(refused.error.find("\"" + command.back() + "\" is not a whole number from 0 on"),
              std::string::npos)
        << refused.error;
  }
}

TEST_F(CommandTest, ExitCodesAreThoseDocumented) {
  serve();
  EXPECT_EQ(weir({"get", "sites"}).code, kExitOk);
  EXPECT_EQ(weir({"--help"}).code, kExitOk);
  EXPECT_EQ(weir({"get"}).code, kExitUsage);
  EXPECT_EQ(weir({"get", "sites", "--nonsense"}).code, kExitUsage);
  EXPECT_EQ(weir({"get", "castles"}).code, kExitUsage);
  EXPECT_EQ(weir({"get", "site/atlantis"}).code, kExitNotFound);
  EXPECT_EQ(weir({"drain", "site/metro", "--context", "city"}).code, kExitDenied);
  EXPECT_EQ(weir({"apply", "-f", (folder / "none.yaml").string()}).code, kExitNotFound);
  EXPECT_EQ(weir({"wait", "site/metro", "--for", "down", "--timeout", "100ms"}).code, kExitTimeout);
  const Outcome misspelled = weir({"wait", "site/metro", "--for", "dwon", "--timeout", "60s"});
  EXPECT_EQ(misspelled.code, kExitUsage) << "at once, not after a minute";
  EXPECT_NE(misspelled.error.find("\"dwon\" is no state"), std::string::npos) << misspelled.error;
  EXPECT_NE(weir({"wait", "intent/cameras", "--tenant", "city", "--for", "refused", "--timeout", "100ms"}).error.find("--tenant city"), std::string::npos);
  EXPECT_NE(weir({"get", "events", "--filter", "site=metro"}).error.find("--kind"), std::string::npos);
  std::ofstream(folder / "huge.yaml") << R"(apiVersion: weir/v1
kind: Intent
metadata: {name: huge, tenant: city}
spec:
  from: [{site: street, streams: 4}]
  workload:
    service: {artifact: detector, port: 8080, cpu: "1000", memory: 256Mi, streams_per_instance: 2}
    traffic: {up: 2Mbps, down: 50kbps, requests_per_second: "2", work_per_request: 30ms@reference-core}
  promise: {latency: 500ms, percentile: "99"}
)";
  EXPECT_EQ(weir({"apply", "--dry-run", "-f", (folder / "huge.yaml").string()}).code, kExitInfeasible);
  port->shutdown(0);
  const Outcome gone = weir({"get", "sites", "--call-timeout", "2"});
  EXPECT_EQ(gone.code, kExitUnavailable) << gone.error;
  EXPECT_NE(gone.error.find("weir: 127.0.0.1:"), std::string::npos) << gone.error;
  EXPECT_NE(gone.error.find("\n  check that"), std::string::npos) << gone.error;
}

// Whom no event reaches looks for himself.
TEST_F(CommandTest, APersonsTokenComesWithWhatAContextNeedsBesideIt) {
  serve();
  const Outcome me = weir({"whoami"});
  EXPECT_EQ(me.code, 0) << me.error;
  EXPECT_TRUE(me.out.starts_with("operator ")) << me.out;
  EXPECT_NE(me.out.find("by the token "), std::string::npos) << me.out;
  EXPECT_NE(weir({"whoami", "-o", "json"}).out.find("\"by\": \"token\""), std::string::npos) << weir({"whoami", "-o", "json"}).out;
  const Outcome issued = weir({"token", "create", "--role", "tenant", "--subject", "city"});
  EXPECT_EQ(issued.code, kExitOk) << issued.error;
  EXPECT_EQ(issued.out.find("weiru."), 0u) << issued.out;
  EXPECT_NE(issued.error.find("ca_fingerprint = \"" + std::string(64, 'a') + "\""), std::string::npos)
      << issued.error;
  const Outcome join = weir({"token", "create", "--join", "metro"});
  EXPECT_EQ(join.code, kExitOk) << join.error;
  EXPECT_EQ(join.error.find("ca_fingerprint"), std::string::npos) << "a join token holds it";
}

TEST_F(CommandTest, WaitSeesWhatHoldsAlreadyAndWhatComes) {
  serve();
  const auto began = std::chrono::steady_clock::now();
  for (const char* who : {"op", "city", "street"}) {
    const Outcome there = weir({"wait", "site/street", "--for", "up", "--timeout", "60s", "--context", who});
    EXPECT_EQ(there.code, kExitOk) << who << there.error;
  }
  EXPECT_EQ(weir({"wait", "intent/none", "--tenant", "city", "--for", "absent", "--timeout", "60s",
                  "--context", "city"})
                .code,
            kExitOk);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
  for (const char* who : {"city", "street"}) {
    brain.record("op", SiteStateChanged{SiteId(0u), Liveness::kUp, "test"});
    auto waiting = std::async(std::launch::async, [&] {
      return weir({"wait", "site/street", "--for", "draining", "--timeout", "60s", "--context", who});
    });
    brain.record("op", SiteStateChanged{SiteId(0u), Liveness::kDraining, "test"});
    ASSERT_EQ(waiting.wait_for(std::chrono::seconds(20)), std::future_status::ready) << who;
    EXPECT_EQ(waiting.get().code, kExitOk);
  }
}

TEST_F(CommandTest, WaitEndsWhenTheStateCannotComeAnyMore) {
  serve();
  const auto began = std::chrono::steady_clock::now();
  const auto wait_for = [](const std::string& what, const std::string& state) {
    return weir({"wait", what, "--tenant", "city", "--for", state, "--timeout", "60s"});
  };
  IntentSpec slow = brain.cameras();
  slow.promise.latency_us_max = 1'000;
  brain.record("tenant/city", IntentSubmitted{IntentId(0u), TenantId(0u), 1, slow});
  brain.decide();
  const Outcome refused = wait_for("intent/cameras", "running");
  EXPECT_EQ(refused.code, kExitInfeasible);
  EXPECT_EQ(
      refused.error.find("weir: intent/cameras: is refused, and will not be running as things are: No site "),
      0u)
      << refused.error;
  EXPECT_NE(refused.error.find("\n  all reasons: 'weir explain cameras --tenant city'\n"), std::string::npos)
      << refused.error;
  EXPECT_EQ(wait_for("intent/cameras", "refused").code, kExitOk);

  brain.record("tenant/city", IntentSubmitted{IntentId(0u), TenantId(0u), 2, brain.cameras()});
  brain.decide();
  const RunId run = brain.durable()->intent(IntentId(0u)).runs.at(0).run;
  const std::string name = "run/" + std::to_string(run.plan) + "." + std::to_string(run.item);
  brain.record("hub", RunStateChanged{run, IntentId(0u), RunState::kFailed, 1, "no such artifact"});
  const Outcome failed = wait_for(name, "running");
  EXPECT_EQ(failed.code, kExitFailed);
  EXPECT_EQ(failed.error.find("weir: " + name + ": is failed, and will not be running: no such artifact\n"),
            0u)
      << failed.error;
  EXPECT_EQ(wait_for(name, "failed").code, kExitOk);

  const uint64_t before = brain.reads();
  auto gone = std::async(std::launch::async, [&] { return wait_for("intent/cameras", "kept"); });
  ASSERT_TRUE(brain.read_beyond(before));
  brain.record("tenant/city", IntentWithdrawn{IntentId(0u)});
  ASSERT_EQ(gone.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  const Outcome withdrawn = gone.get();
  EXPECT_EQ(withdrawn.code, kExitNotFound);
  EXPECT_NE(withdrawn.error.find("and will not be kept"), std::string::npos) << withdrawn.error;
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
}

TEST_F(CommandTest, ApplySaysWhatWasDecided) {
  serve();
  const auto file = [&](const std::string& name, const std::string& cpu) {
    const std::string path = (folder / (name + ".yaml")).string();
    std::ofstream(path) << "apiVersion: weir/v1\nkind: Intent\nmetadata: {name: " << name
                        << ", tenant: city}\n"
                        << "spec: {workload: {job: {artifact: a, cpu: " << cpu << ", memory: 1Gi}}}\n";
    return path;
  };
  std::atomic<bool> over = false;
  std::thread decider([&] {
    while (!over) {
      brain.decide();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  const Outcome placed = weir({"apply", "-f", file("small", "1")});
  const Outcome refused = weir({"apply", "-f", file("huge", "1000")});
  const Outcome again = weir({"apply", "-f", file("huge", "1000")});
  over = true;
  decider.join();
  EXPECT_EQ(placed.out, "Intent city/small created (generation 1), placed\n");
  EXPECT_EQ(refused.code, kExitOk) << "it is kept, and decided again when something eases";
  EXPECT_EQ(
      refused.out.find("Intent city/huge created (generation 1), refused:\n  No site has 1000 cores free"),
      0u)
      << refused.out;
  EXPECT_NE(refused.out.find("\n  all reasons: 'weir explain huge --tenant city'\n"), std::string::npos)
      << refused.out;
  EXPECT_EQ(again.out.find("Intent city/huge unchanged (generation 1), refused:\n"), 0u) << again.out;
  const Outcome dry = weir({"apply", "--dry-run", "-f", file("vast", "2000")});
  EXPECT_EQ(dry.code, kExitInfeasible);
  for (const Outcome& outcome : {refused, dry}) {
    std::istringstream lines(outcome.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 80u) << line;
  }
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(weir({"apply", "-f", file("later", "1")}).out, "Intent city/later created (generation 1)\n")
      << "nobody decides";
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

TEST_F(CommandTest, WhatIsMissingIsSaid) {
  serve();
  submit();
  const auto said = [](const std::vector<std::string>& arguments, int code = kExitUsage) {
    const Outcome outcome = weir(arguments);
    EXPECT_EQ(outcome.code, code) << outcome.error;
    return outcome.error;
  };
  EXPECT_EQ(said({"describe", "site"}), "weir describe: names no one site\n  write KIND/NAME\n");
  EXPECT_EQ(said({"get", "site/"}), "weir get: names no one site\n  write KIND/NAME\n");
  EXPECT_EQ(said({"delete", "intent"}), "weir delete: names no one intent\n  write KIND/NAME\n");
  EXPECT_EQ(said({"wait", "run/abc", "--for", "running"}).find("weir: KIND/NAME: \"abc\" is not a run\n"),
            0u);
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"get", "intent", "cameras"},
                                             {"describe", "intent/cameras"},
                                             {"explain", "cameras"},
                                             {"delete", "intent", "cameras"}}) {
    EXPECT_EQ(said(command),
              "weir: tenant: of which tenant the intent \"cameras\" is, is not said\n"
              "  give --tenant NAME, or write TENANT/cameras\n");
  }
  EXPECT_EQ(said({"get", "intent", "city/cameras"}, kExitOk), "");
  EXPECT_EQ(said({"describe", "intent/city/cameras"}, kExitOk), "");
  EXPECT_EQ(said({"wait", "intent/city/cameras", "--for", "placed"}, kExitOk), "");
  EXPECT_EQ(said({"get", "intent", "cameras", "--context", "city"}, kExitOk), "");
  EXPECT_EQ(said({"bill", "--tenant", "nobody"}, kExitNotFound), "weir: no tenant nobody\n");
  EXPECT_EQ(
      said({"token", "create", "--role", "tenant"}).find("weir token create: --subject is missing\n"),
      0u);
  EXPECT_EQ(said({"apply", "-f", folder.string()}).find("weir: " + folder.string() + ": is a directory\n"),
            0u);
  const std::string none = (folder / "none.toml").string();
  EXPECT_EQ(said({"get", "sites", "--context-file", none}, kExitNotFound)
                .find("weir: " + none + ": cannot be read\n"),
            0u);
}

TEST_F(CommandTest, APeriodBeginsWhenItIsSaidTo) {
  serve();
  submit();
  EXPECT_EQ(weir({"get", "events", "--since", "yesterday"}).code, kExitOk);
  EXPECT_EQ(weir({"bill", "--since", "2024-01-31"}).code, kExitOk);
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"get", "events", "--since", "last-week"}, {"bill", "--since", "soon"}}) {
    const Outcome refused = weir(command);
    EXPECT_EQ(refused.code, kExitUsage);
    EXPECT_EQ(refused.error.find("weir: --since: \"" + command.back() +
                                 "\" is neither a duration nor a date\n  write "),
              0u)
        << refused.error;
  }
  const Outcome explained = weir({"explain", "city/cameras", "--ingress", "metro"});
  EXPECT_EQ(explained.code, kExitUsage);
  EXPECT_EQ(explained.error,
            "weir: ingress: no stream of city/cameras comes in at metro\n  its streams come in at street\n");
}

TEST_F(CommandTest, OutputThatCannotBeWrittenIsAFailure) {
  serve();
  submit();
  std::cout.flush();
  const int kept = dup(1);
  const auto with_output = [&](int fd, const std::vector<std::string>& arguments) {
    dup2(fd, 1);
    const int code = run_only(arguments);
    dup2(kept, 1);
    std::cout.clear();
    std::clearerr(stdout);
    return code;
  };
  std::FILE* full = std::fopen("/dev/full", "w");
  ASSERT_NE(full, nullptr);
  testing::internal::CaptureStderr();
  EXPECT_EQ(with_output(fileno(full), {"get", "sites"}), kExitFailed);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("standard output"), std::string::npos);
  std::fclose(full);

  // A reader that goes away ends what would follow for ever.
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  std::atomic<bool> over = false;
  std::thread writer([&] {
    for (uint32_t i = 0; !over; ++i) {
      brain.record("op", LinkMeasured{LinkId(0u), 1000 + i, 0, 0});
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  EXPECT_EQ(with_output(ends[1], {"get", "events", "--watch"}), kExitFailed);
  EXPECT_EQ(with_output(ends[1], {"get", "links", "--watch"}), kExitFailed);
  over = true;
  writer.join();
  close(ends[1]);
  close(kept);
}

TEST_F(CommandTest, DescribeShowsTheNewestEventsOfALongLedger) {
  serve();
  for (int i = 0; i < 30; ++i)
    brain.record("op", SiteStateChanged{SiteId(1u), i % 2 ? Liveness::kUp : Liveness::kDraining, "early"});
  for (int i = 0; i < 6'000; ++i) brain.record("op", LinkMeasured{LinkId(0u), 1000 + i, 0, 0});
  brain.record("op", SiteStateChanged{SiteId(1u), Liveness::kDraining, "the newest"});
  const Outcome described = weir({"describe", "site", "metro"});
  EXPECT_EQ(described.code, kExitOk) << described.error;
  const size_t events = described.out.find("EVENT");
  ASSERT_NE(events, std::string::npos) << described.out;
  EXPECT_NE(described.out.find("the newest"), std::string::npos) << described.out;
  EXPECT_EQ(
      std::count(described.out.begin() + static_cast<std::ptrdiff_t>(events), described.out.end(), '\n'), 21);
  EXPECT_EQ(weir({"describe", "site/metro", "--context", "street"}).code, kExitOk)
      << "who may read no events";
}

TEST_F(CommandTest, DescribeKnowsTheEventsOfEachKind) {
  serve();
  submit();
  const RunId run = brain.durable()->intent(IntentId(0u)).runs.at(0).run;
  const std::string name = std::to_string(run.plan) + "." + std::to_string(run.item);
  brain.record("hub", RunStateChanged{run, IntentId(0u), RunState::kRunning, 0, ""});
  brain.record("op", LinkMeasured{LinkId(0u), 4321, 0, 0});
  for (const auto& [kind, of] :
       std::vector<std::pair<std::string, std::string>>{{"intent", "cameras"},
                                                        {"site", "hub"},
                                                        {"link", "street-core"},
                                                        {"run", name},
                                                        {"plan", std::to_string(run.plan)}}) {
    const Outcome described = weir({"describe", kind, of, "--tenant", "city"});
    EXPECT_EQ(described.code, kExitOk) << described.error;
    EXPECT_NE(described.out.find("EVENT"), std::string::npos) << kind << "\n" << described.out;
  }
}

// JSON that a program can read, one document of YAML or more, and tables that are not cut.
TEST_F(CommandTest, WhatIsShownCanBeHadForPrograms) {
  serve();
  submit();
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"get", "sites"},
                                             {"get", "site/metro"},
                                             {"describe", "site/metro"},
                                             {"describe", "intent", "cameras", "--tenant", "city"},
                                             {"explain", "city/cameras"},
                                             {"bill", "--tenant", "city"},
                                             {"ledger", "head"},
                                             {"ledger", "verify"}}) {
    const auto as = [&command](const char* format) {
      std::vector<std::string> arguments = command;
      arguments.insert(arguments.end(), {"-o", format});
      return weir(arguments);
    };
    const Outcome json = as("json");
    EXPECT_EQ(json.code, kExitOk) << command[0] << json.error;
    boost::system::error_code error;
    (void)boost::json::parse(json.out, error);
    EXPECT_FALSE(error) << command[0] << " " << error.message() << "\n" << json.out;
    const Outcome yaml = as("yaml");
    EXPECT_EQ(yaml.code, kExitOk) << command[0] << yaml.error;
    EXPECT_NE(yaml.out.find(": "), std::string::npos) << command[0] << yaml.out;
    if (command[0] == "ledger") continue;
    const Outcome wide = as("wide");
    EXPECT_EQ(wide.code, kExitOk) << command[0] << wide.error;
    EXPECT_EQ(wide.out.find("~ "), std::string::npos) << wide.out;
  }
}

TEST_F(CommandTest, TablesFitEightyColumns) {
  serve();
  submit();
  for (const char* kind : {"sites", "routers", "links", "datasets", "offers", "tenants", "intents", "plans",
                           "runs", "nodes", "events", "prices"}) {
    const Outcome shown = weir({"get", kind});
    EXPECT_EQ(shown.code, kExitOk) << kind << shown.error;
    std::istringstream lines(shown.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 80u) << line;
  }
  const Outcome explained = weir({"explain", "city/cameras"});
  EXPECT_EQ(explained.code, kExitOk) << explained.error;
  std::istringstream lines(explained.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 80u) << line;
}

TEST_F(CommandTest, LinksOfAnAgentWithoutSrv6SaySo) {
  serve();
  SiteSpec street = brain.durable()->site_spec(SiteId(0u));
  street.sid = "fd77::1";
  brain.record("op", SiteDefined{SiteId(0u), brain.durable()->site(SiteId(0u)).vertex, street});
  LinkSpec link = brain.durable()->link_spec(LinkId(0u));
  link.sid_a = "fd77::a";
  link.sid_b = "fd77::b";
  brain.record("op", LinkDefined{LinkId(0u), link});
  EXPECT_NE(weir({"get", "link", "street-core"}).out.find("  srv6\n"), std::string::npos);
  brain.record("site/street", SiteSteeringChanged{SiteId(0u), false, "no SRv6 here"});
  EXPECT_NE(weir({"get", "link", "street-core"}).out.find("site street: its agent cannot"), std::string::npos)
      << "it is away, and has not said why to this brain";
  agent.emplace(gateway::SiteContact{.steerable = false, .not_steerable_why = "no SRv6 here"});
  const Outcome shown = weir({"get", "link", "street-core"});
  EXPECT_NE(shown.out.find("  plain\n"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("\nTraffic over street-core follows plain routing: site street: no SRv6 here.\n"),
            std::string::npos)
      << shown.out;
  EXPECT_NE(weir({"get", "links"}).out.find("\nTraffic over hub-core follows plain"), std::string::npos);
  const Outcome wide = weir({"get", "link", "street-core", "-o", "wide"});
  EXPECT_NE(wide.out.find("site street: no SRv6 here\n"), std::string::npos) << wide.out;
}

TEST_F(CommandTest, AnUnknownNameIsShownWhereItIsWritten) {
  serve();
  const std::string file = (folder / "two.yaml").string();
  const auto write = [&](const std::string& second) {
    std::ofstream(file) << "apiVersion: weir/v1\nkind: Intent\nmetadata: {name: one, tenant: city}\n"
                        << "spec: {workload: {job: {artifact: a, cpu: 1, memory: 1Gi}}}\n"
                        << second;
  };
  const auto refused = [&](const std::string& error) {
    const Outcome applied = weir({"apply", "-f", file});
    EXPECT_EQ(applied.code, kExitNotFound);
    EXPECT_EQ(applied.error.find("weir: " + error), 0u) << applied.error;
    EXPECT_NE(applied.error.find("\n  "), std::string::npos) << "a remedy: " << applied.error;
  };
  const std::string head = "---\napiVersion: weir/v1\nkind: Intent\nmetadata: {name: two, tenant: city}\n";
  write(head +
        "spec:\n  from:\n    - {site: street, streams: 1}\n    - {site: strete, streams: 1}\n  workload: "
        "{service: {artifact: a, port: 80, cpu: 1, memory: 1Gi}}\n  promise: {latency: 1s}\n");
  refused(file + ":12: spec.from[1].site: ");
  write(head +
        "spec:\n  workload: {job: {artifact: a, cpu: 1, memory: 1Gi}}\n  where:\n    only: [atlantis]\n");
  refused(file + ":12: spec.where.only[0]: ");
  write(
      "---\napiVersion: weir/v1\nkind: Link\nmetadata: {name: l}\n"
      "spec: {rate: 1Gbps, availability: 99%, price: 1, delay: 1ms,\n between: [street,\n  nowhere]}\n");
  refused(file + ":11: spec.between[1]: ");
  std::ofstream(file) << "apiVersion: weir/v1\nkind: Intent\nmetadata:\n  name: one\n  tenant: nobody\n"
                      << "spec: {workload: {job: {artifact: a, cpu: 1, memory: 1Gi}}}\n";
  refused(file + ":5: metadata.tenant: ");
}

TEST_F(CommandTest, ARequestThatIsTooLargeIsRefusedInWords) {
  serve();
  std::vector<std::string> arguments{"apply"};
  for (int i = 0; i < 24; ++i) {
    const std::string file = (folder / ("part" + std::to_string(i) + ".yaml")).string();
    std::ofstream out(file);
    for (int k = 0; k < 3; ++k) {
      out << "---\napiVersion: weir/v1\nkind: Intent\nmetadata: {name: n" << i << "-" << k
          << ", tenant: city}\n"
          << "spec:\n  workload:\n    job:\n      artifact: a\n      cpu: 1\n      memory: 1Gi\n      "
             "command:\n";
      for (int w = 0; w < 62; ++w) out << "        - " << std::string(4'000, 'w') << "\n";
    }
    arguments.insert(arguments.end(), {"-f", file});
  }
  const Outcome applied = weir(arguments);
  EXPECT_EQ(applied.code, kExitUsage);
  EXPECT_EQ(applied.error.find("weir: the request: "), 0u) << applied.error;
  EXPECT_NE(applied.error.find("takes at once, which is 16777216\n  send it in parts"), std::string::npos)
      << applied.error;
}

TEST_F(CommandTest, APortInUseIsNamedWithARemedy) {
  serve();
  const std::string taken = "127.0.0.1:" + std::to_string(port->port());
  const auto begin = [&](const char* listen, const char* rest) {
    Outcome out;
    // It masks signals in its thread.
    std::thread([&] {
      out = weir({"serve", "--data", (folder / "data").string(), "--listen", listen, "--rest", rest});
    }).join();
    return out;
  };
  const Outcome grpc_taken = begin(taken.c_str(), "");
  EXPECT_EQ(grpc_taken.code, kExitConflict);
  EXPECT_NE(grpc_taken.error.find("weir: " + taken + ": cannot listen: the port is in use"),
            std::string::npos)
      << grpc_taken.error;
  EXPECT_NE(grpc_taken.error.find("\n  choose another with --listen"), std::string::npos) << grpc_taken.error;
  const Outcome rest_taken = begin("127.0.0.1:0", taken.c_str());
  EXPECT_EQ(rest_taken.code, kExitConflict);
  EXPECT_NE(rest_taken.error.find("weir: " + taken + ": cannot listen: "), std::string::npos)
      << rest_taken.error;
  EXPECT_NE(rest_taken.error.find("\n  choose another with --rest"), std::string::npos) << rest_taken.error;
}

TEST_F(CommandTest, ServeSaysWhatIsWrongWithItsFile) {
  const std::string file = (folder / "serve.toml").string();
  const auto refused = [&](const std::string& text, int code, const std::string& error,
                           const std::string& remedy) {
    if (!text.empty()) std::ofstream(file) << text;
    const Outcome served = weir({"serve", "--config", file});
    EXPECT_EQ(served.code, code);
    EXPECT_NE(served.error.find("weir: " + file + error), std::string::npos) << served.error;
    EXPECT_NE(served.error.find("\n  " + remedy), std::string::npos) << served.error;
  };
  refused("", kExitNotFound, ": ", "check the name of the file");
  refused("data = \"d\"\nlisten \"127.0.0.1:0\"\n", kExitUsage, ":2: ", "");
  refused("data = \"d\"\nlisten = \"127.0.0.1:0\n", kExitUsage, ":2: ", "");
  refused("data = \"d\"\nchekpoint_events = 5000\n", kExitUsage, ":2: chekpoint_events: is unknown",
          "did you mean \"checkpoint_events\"?");
  fs::remove(file);
  fs::create_directory(file);
  refused("", kExitUnavailable, ": ", "check the name of the file");
}

TEST_F(CommandTest, AnAgentThatIsNotRootIsRefused) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    dup2(ends[1], 2);
    if (geteuid() == 0 && setuid(65534) != 0) _exit(99);
    _exit(run_only({"agent", "--brain", "127.0.0.1:1", "--state", "/tmp/weir-agent-of-nobody"}));
  }
  close(ends[1]);
  std::string said;
  char piece[512];
  for (ssize_t n = 0; (n = read(ends[0], piece, sizeof piece)) > 0;)
    said.append(piece, static_cast<size_t>(n));
  close(ends[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kExitDenied);
  EXPECT_EQ(said.find("weir agent: only root can "), 0u) << said;
  EXPECT_NE(said.find("\n  run the agent as root"), std::string::npos) << said;
  EXPECT_FALSE(fs::exists("/tmp/weir-agent-of-nobody"));
}

TEST_F(CommandTest, BackupsGoIntoNewDirectoriesOnly) {
  auto ledger = store::SegmentStore::open((folder / "data" / "ledger").string());
  if (!ledger) {
    fs::create_directories(folder / "data");
    ledger = store::SegmentStore::open((folder / "data" / "ledger").string());
  }
  ASSERT_TRUE(ledger) << ledger.error().text();
  const std::vector<std::byte> bytes(10);
  const Bytes record(bytes);
  ASSERT_TRUE((*ledger)->append({&record, 1}, LogStore::Urgency::kOrdinary));
  ASSERT_TRUE((*ledger)->flush());
  const auto mode = [](const fs::path& path) {
    struct stat at {};
    ::stat(path.c_str(), &at);
    return at.st_mode & 07777;
  };
  const auto backup = [&](const fs::path& from, const fs::path& to) {
    return weir({"backup", "--data", from.string(), "--to", to.string()});
  };
  const fs::path shared = folder / "shared";
  fs::create_directories(shared);
  ::chmod(shared.c_str(), 01777);
  std::ofstream(shared / "file") << "somebody's";
  EXPECT_EQ(backup(folder / "data", shared).code, kExitConflict);
  EXPECT_EQ(mode(shared), 01777u);
  EXPECT_EQ(weir({"restore", "--from", (folder / "data").string(), "--to", shared.string()}).code,
            kExitConflict);
  EXPECT_EQ(mode(shared), 01777u);
  EXPECT_EQ(backup(folder / "data", shared / "file").code, kExitConflict);
  EXPECT_EQ(backup(folder / "data", folder / "no" / "parent").code, kExitNotFound);

  EXPECT_NE(backup(folder / "nothing", folder / "failed").code, kExitOk);
  EXPECT_FALSE(fs::exists(folder / "failed")) << "nothing is left of a backup that failed";
  const Outcome done = backup(folder / "data", folder / "monday");
  EXPECT_EQ(done.code, kExitOk) << done.error;
  EXPECT_EQ(mode(folder / "monday"), 0700u);
  fs::create_directories(folder / "empty");
  ::chmod((folder / "empty").c_str(), 0750);
  const Outcome restored =
      weir({"restore", "--from", (folder / "monday").string(), "--to", (folder / "empty").string()});
  EXPECT_EQ(restored.code, kExitOk) << restored.error;
  EXPECT_EQ(mode(folder / "empty"), 0750u) << "its owner's own choice";
}

}  // namespace
}  // namespace weir::app
