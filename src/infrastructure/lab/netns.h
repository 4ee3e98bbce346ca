#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result/result.h"

// Network namespaces under /run/netns, as ip-netns(8) keeps them, and processes in them.
namespace weir::lab {

// kConflict: the name is taken.
Status create_namespace(const std::string& name);
// Succeeds when there is none of that name.
Status delete_namespace(const std::string& name);
std::vector<std::string> namespaces_with_prefix(std::string_view prefix);

// Runs `work` on a thread of its own inside the namespace (empty: where the caller is), and waits for it.
// What the work opens or starts stays in that namespace.
Status in_namespace(const std::string& name, const std::function<Status()>& work);

// Runs a program to its end with `input` on its standard input. An exit status other than 0 is an error that
// quotes what the program said.
Status run_program(const std::vector<std::string>& argv, std::string_view input);

struct ProcessSpec {
  std::vector<std::string> argv;                                 // argv[0] is looked up in PATH
  std::vector<std::pair<std::string, std::string>> environment;  // added to the caller's
  std::string log_path;  // receives standard output and error, appended
};

// A process is named by its number and start time, so that a reused number is not mistaken for it.
struct ProcessName {
  pid_t pid = 0;
  uint64_t start_ticks = 0;
  friend bool operator==(const ProcessName&, const ProcessName&) = default;
};

// Starts it in a session of its own, in the caller's namespace, so that it outlives the caller. If `ready_fd`
// is not -1 the process gets it as descriptor 3.
Result<ProcessName> start_process(const ProcessSpec& spec, int ready_fd = -1);
Result<ProcessName> name_process(pid_t pid);
bool alive(const ProcessName& process);  // a zombie is not alive
// SIGTERM, and SIGKILL after `grace_ms` (0: at once); returns when it is gone. One that is gone already is
// fine.
Status end_process(const ProcessName& process, int grace_ms);

// Every process whose network namespace this is, but not the caller.
std::vector<ProcessName> processes_in(const std::string& namespace_name);

Status write_sysctl(const std::string& path_below_proc_sys, std::string_view value);

}  // namespace weir::lab
