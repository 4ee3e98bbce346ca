#pragma once

// Each group of commands is registered by one function in a source file of its own, so that the command
// line's headers stay there. Groups that a build lacks are left out (CMakeLists.txt).
namespace CLI {
class App;
}

namespace weir::app {

// All that this build has.
void add_commands(CLI::App& app);

void add_serve_command(CLI::App& app);
void add_resource_commands(CLI::App& app);  // apply, get, describe, explain, delete, wait
void add_ask_command(CLI::App& app);
void add_chat_command(CLI::App& app);
void add_rate_command(CLI::App& app);
void add_operate_commands(CLI::App& app);   // token, drain, undrain, logs, bill
void add_top_command(CLI::App& app);
void add_webhook_commands(CLI::App& app);   // webhook add, list, remove
void add_ledger_commands(CLI::App& app);    // ledger, backup, restore
void add_mcp_command(CLI::App& app);
void add_shell_commands(CLI::App& app);     // completion, openapi, version

// src/app/agent, src/app/lab, src/app/bench and src/app/sim: libraries weir_app_agent, weir_app_lab,
// weir_app_bench and weir_app_sim.
void add_agent_commands(CLI::App& app);
void add_lab_commands(CLI::App& app);
void add_bench_commands(CLI::App& app);
void add_sim_commands(CLI::App& app);

}  // namespace weir::app
