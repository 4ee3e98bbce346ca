#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "app/commands.h"
#include "app/exit_code.h"
#include "bench/batch/batch_bench.h"
#include "bench/decide/decide_bench.h"
#include "bench/emulator/emulator_bench.h"
#include "bench/fairness/fairness_bench.h"
#include "bench/joint/joint_bench.h"
#include "bench/language/language_bench.h"
#include "bench/ledger/ledger_bench.h"
#include "bench/loop/loop_bench.h"
#include "bench/metering/metering_bench.h"
#include "bench/packing/packing_bench.h"
#include "bench/rehearse/rehearse_bench.h"
#include "bench/replay/replay_bench.h"
#include "bench/request/request_bench.h"
#include "bench/traffic/traffic_bench.h"
#include "bench/workflow/workflow_bench.h"

namespace weir::app {

void add_bench_commands(CLI::App& app) {
  CLI::App* bench = app.add_subcommand("bench", "Measure Weir against its peers and its limits");
  bench->require_subcommand(1);
  bench->footer(
      "\nExamples:\n  weir bench joint --instances 100\n  weir bench ledger -o json\n"
      "  weir bench decide --help");
  const auto add = [bench](const char* name, const char* what, int (*run)(const std::vector<std::string>&)) {
    CLI::App* command = bench->add_subcommand(name, what);
    // Each has options of its own, --help among them, which none above it may take.
    command->set_help_flag();
    command->fallthrough(false);
    command->footer(std::string("\nExample:\n  weir bench ") + name + " --help");
    command->prefix_command();
    command->callback([command, run] { exit_with(run(command->remaining())); });
  };
  add("joint", "Place and path together, against deciding one first", bench::run_joint_bench);
  add("batch", "Queueing policies on published traces, and how fast the queue is", bench::run_batch_bench);
  add("decide", "Decide, verify and apply on 10,000 sites and a million nodes", bench::run_decide_bench);
  add("loop", "Jobs through the production loop in virtual time", bench::run_loop_bench);
  add("replay", "A generated trace through the production loop: time and memory", bench::run_replay_bench);
  add("rehearse", "What strategies become in the next hours: time of a rehearsal", bench::run_rehearse_bench);
  add("packing", "Accelerators in use by packing policies, on traces of openb's format",
      bench::run_packing_bench);
  add("traffic", "Segment lists for all demands of a network, against the best possible",
      bench::run_traffic_bench);
  add("fairness", "Work that preemption destroys, shares against dues, time of an operation",
      bench::run_fairness_bench);
  add("request", "From a client's request to the durable plan, by gRPC and by REST",
      bench::run_request_bench);
  add("language", "Sentences that people say, against what they mean by them", bench::run_language_bench);
  add("ledger", "Durable appends and replay, against raw writes of the same bytes", bench::run_ledger_bench);
  add("emulator", "The lab's links: asked against got", bench::run_emulator_bench);
  add("metering", "One core, as an agent meters it", bench::run_metering_bench);
  add("workflow", "Batches of tasks against HEFT, streams against their bound", bench::run_workflow_bench);
}

}  // namespace weir::app
