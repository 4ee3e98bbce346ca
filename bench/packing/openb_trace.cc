#include "bench/packing/openb_trace.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <utility>

#include "twin/trace/openb.h"

namespace weir::bench {
namespace {

template <class Reader, class Take>
Status read_lines(const std::string& path, const Take& take) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::kNotFound, "the file cannot be read", path);
  Reader reader(path);
  for (std::string line; std::getline(file, line);) {
    auto row = reader.line(line);
    if (!row) return tl::unexpected(row.error());
    if (*row) take(std::move(**row));
  }
  return reader.end();
}

template <class Row>
void sort_by_name(std::vector<Row>& rows) {
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.name < b.name; });
}

}  // namespace

Result<PackingTrace> read_packing_trace(const std::string& folder, const std::string& name) {
  const std::string node_path = folder + "/openb_node_list_gpu_node.csv";
  const std::string task_path = folder + "/openb_pod_list_" + name + ".csv";
  std::vector<OpenbNode> nodes;
  std::vector<OpenbTask> tasks;
  if (const auto read =
          read_lines<OpenbNodeReader>(node_path, [&](OpenbNode n) { nodes.push_back(std::move(n)); });
      !read)
    return tl::unexpected(read.error());
  if (const auto read =
          read_lines<OpenbTaskReader>(task_path, [&](OpenbTask t) { tasks.push_back(std::move(t)); });
      !read)
    return tl::unexpected(read.error());
  sort_by_name(nodes);
  sort_by_name(tasks);

  PackingTrace trace;
  std::map<std::string, uint8_t> models;
  const auto model = [&](const std::string& text) {
    const auto [at, added] = models.try_emplace(text, static_cast<uint8_t>(trace.models.size()));
    if (added) trace.models.push_back(text);
    return at->second;
  };
  for (const OpenbNode& node : nodes) {
    if (node.accelerators > static_cast<int32_t>(kAcceleratorsPerNodeMax))
      return fail(ErrorCode::kUnsupported, "a node has more than 16 accelerators: " + node.name, node_path);
    trace.nodes.push_back(empty_node(node.cpu_milli, node.memory_mib, node.accelerators, model(node.model)));
    trace.capacity_milli += int64_t{node.accelerators} * kAcceleratorMilli;
  }
  for (const OpenbTask& task : tasks) {
    if (task.accelerators > static_cast<int32_t>(kAcceleratorsPerNodeMax))
      return fail(ErrorCode::kUnsupported, "a task takes more than 16 accelerators: " + task.name, task_path);
    PackingTask row{{task.cpu_milli, task.memory_mib, static_cast<int16_t>(task.accelerators),
                     static_cast<int16_t>(task.accelerator_milli), 0},
                    {}};
    for (const std::string& text : task.models) {
      row.task.models |= ModelSet{1} << model(text);
      row.spec += (row.spec.empty() ? "" : "|") + text;
    }
    trace.tasks.push_back(std::move(row));
  }
  if (trace.models.size() > kAcceleratorModelsMax)
    return fail(ErrorCode::kUnsupported, "there are more than 64 models of accelerator", node_path);
  if (trace.tasks.empty()) return fail(ErrorCode::kInvalid, "the trace has no tasks", task_path);
  if (trace.capacity_milli == 0)
    return fail(ErrorCode::kInvalid, "the nodes have no accelerators", node_path);
  return trace;
}

std::vector<double> published_percent(const std::string& folder, const std::string& trace,
                                      const std::string& policy) {
  std::ifstream file(folder + "/analysis_allo_discrete.csv");
  std::map<int, double> by_seed;
  const std::string start = "openb_pod_list_" + trace + "," + policy + ",1.3,";
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(start)) continue;
    const int seed = std::atoi(line.c_str() + start.size());
    by_seed[seed] = std::atof(line.c_str() + line.rfind(',') + 1);
  }
  std::vector<double> percent;
  for (const auto& [seed, value] : by_seed) {
    if (seed == 42 + static_cast<int>(percent.size())) percent.push_back(value);
  }
  return percent;
}

}  // namespace weir::bench
