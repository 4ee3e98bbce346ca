#include "core/event/workflow.h"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <string_view>
#include <utility>

#include "core/event/limits.h"

namespace weir {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }
std::string stage_path(size_t stage) { return "spec.stages[" + std::to_string(stage) + "]"; }
std::string edge_path(size_t edge) { return "spec.edges[" + std::to_string(edge) + "]"; }

// Levenshtein's distance.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t corner = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = corner + (a[i - 1] != b[j - 1]);
      corner = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row[b.size()];
}

std::string suggestion(std::span<const Stage> stages, std::string_view name) {
  const auto nearest = std::min_element(stages.begin(), stages.end(), [&](const Stage& a, const Stage& b) {
    return distance(a.name, name) < distance(b.name, name);
  });
  if (nearest == stages.end()) return "describe it under spec.stages";
  if (distance(nearest->name, name) * 2 > name.size() + 1)
    return "the first stage is " + quoted(stages[0].name);
  return "did you mean " + quoted(nearest->name) + "?";
}

struct Bounded {
  const char* field;
  int64_t value, low, high;
};

Status within(const std::string& path, std::initializer_list<Bounded> values) {
  for (const auto& [field, value, low, high] : values) {
    if (value < low) {
      return fail(ErrorCode::kInvalid, std::to_string(value) + (value < 0 ? " is negative" : " is too small"),
                  path + "." + field, "write at least " + std::to_string(low));
    }
    if (value > high) {
      return fail(ErrorCode::kInvalid, std::to_string(value) + " is too large", path + "." + field,
                  "write at most " + std::to_string(high));
    }
  }
  return {};
}

Status check_stage(const Workflow& workflow, size_t s) {
  const Stage& stage = workflow.stages[s];
  const std::string path = stage_path(s);
  const bool batch = workflow.kind == WorkflowKind::kBatch;
  if (auto ok = within(path, {{"work", stage.work_us, 0, kWorkUsMax},
                              {"cpu", stage.workload.cpu_milli, 0, 1'000'000'000},
                              {"memory", stage.workload.memory_mib, 0, INT32_MAX},
                              {"accelerators", stage.workload.accelerators, 0, INT16_MAX},
                              {"items_per_second", stage.items_per_second_milli, 0, 2'000'000'000},
                              {"replicas", stage.replicas, 1, kReplicasMax}});
      !ok) {
    return ok;
  }
  if (stage.workload.best_effort) {
    return fail(ErrorCode::kInvalid, "a stage is no best-effort work: others wait for it", path + ".best_effort",
                "leave it out");
  }
  if (batch && stage.items_per_second_milli != 0) {
    return fail(ErrorCode::kInvalid, "a batch stage takes no items per second", path + ".items_per_second",
                "leave it out, or make the workflow a stream");
  }
  if (batch && stage.replicas != 1) {
    return fail(ErrorCode::kInvalid, "a batch stage runs once", path + ".replicas",
                "write one stage for each instance");
  }
  if (!batch && !stage.reads.empty()) {
    return fail(ErrorCode::kInvalid, "a stage of a stream reads no stored data", path + ".reads",
                "begin the stream with a stage at the place of the data");
  }
  const Workload& need = stage.workload;
  const bool works = need.cpu_milli > 0 || need.memory_mib > 0 || need.accelerators > 0;
  if (stage.work_us > 0 && need.cpu_milli == 0) {
    return fail(ErrorCode::kInvalid, "it has work but no processor to do it on", path + ".cpu",
                "write how much of a core it takes, for example 500m");
  }
  if (!works && stage.at.empty()) {
    return fail(ErrorCode::kInvalid, "a stage that needs nothing could be anywhere", path + ".at",
                "name the site that it stands for, or what it needs");
  }
  for (size_t i = 0; i < stage.reads.size(); ++i) {
    if (stage.reads[i].index() >= workflow.inputs.size() || (i > 0 && stage.reads[i] <= stage.reads[i - 1])) {
      return fail(ErrorCode::kInvalid, "there is no such input, or it is named twice",
                  path + ".reads[" + std::to_string(i) + "]", "name each input of spec.inputs once");
    }
  }
  return {};
}

Status check_edges(const Workflow& workflow) {
  std::map<std::pair<uint32_t, uint32_t>, size_t> known;
  for (size_t e = 0; e < workflow.edges.size(); ++e) {
    const WorkflowEdge& edge = workflow.edges[e];
    const std::string path = edge_path(e);
    if (edge.from >= workflow.stages.size() || edge.to >= workflow.stages.size()) {
      return fail(ErrorCode::kNotFound, "there is no such stage",
                  path + (edge.from >= workflow.stages.size() ? ".from" : ".to"),
                  "name a stage of spec.stages");
    }
    const std::string pair = workflow.stages[edge.from].name + " -> " + workflow.stages[edge.to].name;
    if (edge.from == edge.to) {
      return fail(ErrorCode::kInvalid, "the stages form a cycle: " + pair, path, "remove this edge");
    }
    if (const auto [it, fresh] = known.try_emplace({edge.from, edge.to}, e); !fresh) {
      return fail(ErrorCode::kInvalid, pair + " is given twice, first as " + edge_path(it->second), path,
                  "add up what flows in one edge");
    }
    if (auto ok = within(path, {{"bytes", edge.bytes, 0, kWorkflowBytesMax},
                                {"rate", edge.bps, 0, 1'000'000'000'000'000},
                                {"item", edge.item_bits, 0, kWorkflowBytesMax}});
        !ok) {
      return ok;
    }
    const bool batch = workflow.kind == WorkflowKind::kBatch;
    if (batch ? edge.bps != 0 || edge.item_bits != 0 : edge.bytes != 0) {
      return fail(
          ErrorCode::kInvalid,
          batch ? "an edge of a batch has bytes and no rate" : "an edge of a stream has a rate and no bytes",
          path + (batch ? ".rate" : ".bytes"), "leave it out");
    }
  }
  return {};
}

// Some cycle among the stages that are not in `done`, each of which has a predecessor among them.
std::string cycle(const Workflow& workflow, const std::vector<uint8_t>& done) {
  std::vector<uint32_t> before(workflow.stages.size(), UINT32_MAX);
  for (const WorkflowEdge& edge : workflow.edges) {
    if (!done[edge.from] && !done[edge.to]) before[edge.to] = std::min(before[edge.to], edge.from);
  }
  auto at = static_cast<uint32_t>(std::find(done.begin(), done.end(), 0) - done.begin());
  for (size_t i = 0; i < workflow.stages.size(); ++i) at = before[at];  // now on a cycle
  std::vector<uint32_t> backward{at};
  for (uint32_t s = before[at]; s != at; s = before[s]) backward.push_back(s);
  std::reverse(backward.begin(), backward.end());
  std::rotate(backward.begin(), std::min_element(backward.begin(), backward.end()), backward.end());
  std::string text;
  for (const uint32_t s : backward) text += workflow.stages[s].name + " -> ";
  return text + workflow.stages[backward.front()].name;
}

// Leaves out what lies on a cycle or behind one.
std::vector<uint32_t> forward_order(const Workflow& workflow) {
  const size_t count = workflow.stages.size();
  std::vector<uint32_t> waits(count, 0);
  std::vector<std::vector<uint32_t>> next(count);
  for (const WorkflowEdge& edge : workflow.edges) {
    ++waits[edge.to];
    next[edge.from].push_back(edge.to);
  }
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ready;
  for (uint32_t s = 0; s < count; ++s) {
    if (waits[s] == 0) ready.push(s);
  }
  std::vector<uint32_t> order;
  while (!ready.empty()) {
    const uint32_t at = ready.top();
    ready.pop();
    order.push_back(at);
    for (const uint32_t to : next[at]) {
      if (--waits[to] == 0) ready.push(to);
    }
  }
  return order;
}

}  // namespace

Result<std::vector<WorkflowEdge>> link_stages(std::span<const Stage> stages,
                                              std::span<const NamedEdge> edges) {
  std::map<std::string_view, uint32_t> rows;
  for (const Stage& stage : stages)
    rows.try_emplace(stage.name, static_cast<uint32_t>(&stage - stages.data()));
  std::vector<WorkflowEdge> linked;
  for (size_t e = 0; e < edges.size(); ++e) {
    const auto from = rows.find(edges[e].from), to = rows.find(edges[e].to);
    for (const auto& [row, name, field] :
         {std::tuple{from, &edges[e].from, ".from"}, std::tuple{to, &edges[e].to, ".to"}}) {
      if (row != rows.end()) continue;
      return fail(ErrorCode::kNotFound, "there is no stage " + quoted(*name), edge_path(e) + field,
                  suggestion(stages, *name));
    }
    linked.push_back({.from = from->second, .to = to->second});
  }
  return linked;
}

Status check(const Workflow& workflow) {
  if (workflow.stages.empty()) {
    return fail(ErrorCode::kInvalid, "a workflow without stages does nothing", "spec.stages",
                "describe its stages");
  }
  if (workflow.stages.size() > kStagesMax || workflow.edges.size() > kWorkflowEdgesMax) {
    return fail(ErrorCode::kInvalid, "it has too many stages or edges", "spec.stages",
                "at most " + std::to_string(kStagesMax) + " stages and " + std::to_string(kWorkflowEdgesMax) +
                    " edges");
  }
  std::map<std::string_view, size_t> names;
  for (size_t s = 0; s < workflow.stages.size(); ++s) {
    const std::string& name = workflow.stages[s].name;
    if (name.empty())
      return fail(ErrorCode::kInvalid, "a stage has no name", stage_path(s) + ".name", "give it one");
    if (name.find_first_not_of("0123456789") == std::string::npos) {
      return fail(ErrorCode::kInvalid, quoted(name) + " is a number, as tasks of arrays are called", stage_path(s) + ".name",
                  "call it by what it does");
    }
    if (workflow.name.size() + 1 + name.size() > limits::kNameBytesMax) {
      return fail(ErrorCode::kInvalid,
                  "its intent would be called " + quoted(workflow.name + "." + name) + ", of " +
                      std::to_string(workflow.name.size() + 1 + name.size()) + " bytes",
                  stage_path(s) + ".name",
                  "shorten it or the name of the workflow: at most " + std::to_string(limits::kNameBytesMax) + " together");
    }
    if (const auto [it, fresh] = names.try_emplace(name, s); !fresh) {
      return fail(ErrorCode::kInvalid,
                  "two stages are called " + quoted(name) + ", the first is " + stage_path(it->second),
                  stage_path(s) + ".name", "give each stage a name of its own");
    }
    if (auto ok = check_stage(workflow, s); !ok) return ok;
  }
  std::set<std::string_view> inputs;
  for (size_t i = 0; i < workflow.inputs.size(); ++i) {
    const WorkflowInput& input = workflow.inputs[i];
    const std::string path = "spec.inputs[" + std::to_string(i) + "]";
    if (input.name.empty() || !inputs.insert(input.name).second) {
      return fail(ErrorCode::kInvalid, "input " + quoted(input.name) + " has no name of its own",
                  path + ".name", "give each input a name");
    }
    if (auto ok = within(path, {{"bytes", input.bytes, 0, kWorkflowBytesMax}}); !ok) return ok;
    if (input.at.empty())
      return fail(ErrorCode::kInvalid, "it lies nowhere", path + ".at", "name the sites that hold it");
  }
  if (auto ok = check_edges(workflow); !ok) return ok;
  if (auto ok = within("spec", {{"latency", workflow.latency_us_max, 0, kWorkUsMax},
                                {"deadline", workflow.deadline_us, 0, kWorkUsMax}});
      !ok) {
    return ok;
  }
  const std::vector<uint32_t> order = forward_order(workflow);
  if (order.size() < workflow.stages.size()) {
    std::vector<uint8_t> done(workflow.stages.size(), 0);
    for (const uint32_t s : order) done[s] = 1;
    return fail(ErrorCode::kInvalid, "the stages form a cycle: " + cycle(workflow, done), "spec.edges",
                "remove one of these edges");
  }
  return {};
}

std::vector<uint32_t> topological_order(const Workflow& workflow) { return forward_order(workflow); }

}  // namespace weir
