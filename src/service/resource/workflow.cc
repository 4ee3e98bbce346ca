#include "core/event/workflow.h"

#include <algorithm>
#include <map>

#include "core/event/limits.h"
#include "core/units/quantity.h"
#include "core/units/text.h"
#include "service/resource/convert.h"

// Workflows: stages and what flows between them.
namespace weir::resource {
namespace {

constexpr std::string_view kStream = "stream", kBatch = "batch";

std::string item(const std::string& path, int index) { return path + "[" + std::to_string(index) + "]"; }

bool too_many(const std::string& path, int count, size_t most, const char* what, Checks& checks) {
  const bool many = static_cast<size_t>(count) > most;
  checks.require(!many, path, std::to_string(count) + " " + what + " are more than " + std::to_string(most),
                 "split the workflow");
  return many;
}

bool says_work(const v1::Workflow::Stage& stage) {
  return !stage.artifact().empty() || !stage.cpu().empty() || !stage.memory().empty() ||
         stage.accelerators() != 0;
}

Workload workload_from(const std::string& path, const v1::Workflow::Stage& stage, WorkflowKind kind,
                       Checks& checks) {
  if (!says_work(stage)) {
    for (const auto& [field, given] :
         {std::pair{".command", stage.command_size() > 0},
          {".port", stage.port() != 0},
          {".digest", !stage.digest().empty()},
          {".work", !stage.work().empty()},
          {".items_per_second", !stage.items_per_second().empty()},
          {".replicas", stage.has_replicas()},
          {".reads", stage.reads_size() > 0},
          {".accelerator_model", !stage.accelerator_model().empty()},
          {".accelerator_share", !stage.accelerator_share().empty()},
          {".accelerator_memory", !stage.accelerator_memory().empty()},
          {".accelerator_fp16_tflops", !stage.accelerator_fp16_tflops().empty()},
          {".accelerators_linked", stage.accelerators_linked()}}) {
      checks.require(!given, path + field, "is given for a stage that runs nothing",
                     "say its artifact, cpu and memory, or remove it");
    }
    checks.require(stage.at_size() > 0, path + ".at", "is missing",
                   "name the site that the stage stands for, or say its artifact, cpu and memory");
    return {};
  }
  v1::Intent::Instance in;
  in.set_artifact(stage.artifact());
  in.set_digest(stage.digest());
  *in.mutable_command() = stage.command();
  in.set_port(stage.port());
  in.set_cpu(stage.cpu());
  in.set_memory(stage.memory());
  in.set_accelerators(stage.accelerators());
  in.set_accelerator_model(stage.accelerator_model());
  in.set_accelerator_share(stage.accelerator_share());
  in.set_accelerator_memory(stage.accelerator_memory());
  in.set_accelerator_fp16_tflops(stage.accelerator_fp16_tflops());
  in.set_accelerators_linked(stage.accelerators_linked());
  return instance_from(path, in, kind == WorkflowKind::kStream ? WorkKind::kService : WorkKind::kJob, checks);
}

}  // namespace

Workflow workflow_from(const v1::Workflow& message, const Context& context, Checks& checks) {
  const v1::Workflow::Spec& spec = message.spec();
  Workflow out;
  out.spec.name = message.metadata().name();
  const std::string& tenant = message.metadata().tenant();
  out.tenant = checks.name("metadata.tenant", tenant.empty() ? context.tenant : tenant);
  checks.require(
      spec.kind() == kStream || spec.kind() == kBatch, "spec.kind",
      spec.kind().empty() ? "is missing" : "\"" + clip_utf8(spec.kind(), 60) + "\" is not a kind of workflow",
      "write stream or batch");
  out.spec.kind = spec.kind() == kBatch ? WorkflowKind::kBatch : WorkflowKind::kStream;
  const bool stream = out.spec.kind == WorkflowKind::kStream;
  checks.require(spec.stages_size() > 0, "spec.stages", "is missing", "describe its stages");
  if (too_many("spec.stages", spec.stages_size(), limits::kStagesStoredMax, "stages", checks) ||
      too_many("spec.edges", spec.edges_size(), limits::kEdgesStoredMax, "edges", checks) ||
      too_many("spec.inputs", spec.inputs_size(), limits::kInputsStoredMax, "inputs", checks) ||
      !checks.ok()) {
    return out;
  }

  std::map<std::string_view, uint32_t> inputs;
  std::vector<std::string_view> input_names;
  for (int i = 0; i < spec.inputs_size(); ++i) {
    const std::string path = item("spec.inputs", i);
    const v1::Workflow::Input& in = spec.inputs(i);
    WorkflowInput input{.name = checks.name(path + ".name", in.name())};
    input.bytes = checks.quantity(path + ".bytes", in.bytes(), parse_bytes, "40GB");
    out.inputs_at.push_back(checks.names(path + ".at", strings(in.at()), limits::kSitesNamedMax));
    input.at.resize(out.inputs_at.back().size());
    inputs.try_emplace(in.name(), static_cast<uint32_t>(i));
    input_names.push_back(in.name());
    out.spec.inputs.push_back(std::move(input));
  }
  for (int s = 0; s < spec.stages_size() && checks.ok(); ++s) {
    const std::string path = item("spec.stages", s);
    const v1::Workflow::Stage& in = spec.stages(s);
    Stage stage{.name = checks.name(path + ".name", in.name())};
    stage.workload = workload_from(path, in, out.spec.kind, checks);
    stage.work_us =
        checks.quantity<int64_t>(path + ".work", in.work(), stream ? parse_work_us : parse_long_work_us,
                                 stream ? "30ms@reference-core" : "20m@reference-core", 0);
    checks.require(stream || stage.work_us > 0 || !says_work(in), path + ".work", "is missing",
                   "say how long it runs, like 20m@reference-core");
    stage.items_per_second_milli = checks.quantity<int64_t>(path + ".items_per_second", in.items_per_second(),
                                                            parse_per_second_milli, "10", 0);
    if (in.has_replicas()) stage.replicas = checks.number(path + ".replicas", in.replicas(), 1, kReplicasMax);
    out.stages_at.push_back(checks.names(path + ".at", strings(in.at()), limits::kSitesNamedMax));
    stage.at.resize(out.stages_at.back().size());
    for (int r = 0; r < in.reads_size(); ++r) {
      const auto known = inputs.find(in.reads(r));
      if (known == inputs.end()) {
        const std::string_view near = nearest(in.reads(r), input_names);
        checks.refuse(
            item(path + ".reads", r), "there is no input \"" + clip_utf8(in.reads(r), 60) + "\"",
            near.empty() ? "describe it under spec.inputs" : "did you mean " + std::string(near) + "?",
            ErrorCode::kNotFound);
        break;
      }
      stage.reads.push_back(WorkflowInputId(known->second));
    }
    std::sort(stage.reads.begin(), stage.reads.end());
    out.spec.stages.push_back(std::move(stage));
  }
  if (!checks.ok()) return out;

  std::vector<NamedEdge> named;
  for (const v1::Workflow::Edge& edge : spec.edges()) named.push_back({edge.from(), edge.to()});
  auto edges = link_stages(out.spec.stages, named);
  if (!edges) {
    checks.refuse(edges.error().where, edges.error().what, edges.error().remedy, edges.error().code);
    return out;
  }
  out.spec.edges = std::move(*edges);
  for (int e = 0; e < spec.edges_size(); ++e) {
    const std::string path = item("spec.edges", e);
    WorkflowEdge& edge = out.spec.edges[static_cast<size_t>(e)];
    edge.bps =
        checks.quantity<int64_t>(path + ".rate", spec.edges(e).rate(), parse_bandwidth_bps, "8Mbps", 0);
    const int64_t item_bytes =
        checks.quantity<int64_t>(path + ".item", spec.edges(e).item(), parse_bytes, "100kB", 0);
    checks.require(item_bytes <= kWorkflowBytesMax / 8, path + ".item", "is too large",
                   "write it like 100kB");
    edge.item_bits = 8 * std::min(item_bytes, kWorkflowBytesMax / 8);
    edge.bytes = checks.quantity<int64_t>(path + ".bytes", spec.edges(e).bytes(), parse_bytes, "12GB", 0);
    checks.require(!stream || !spec.edges(e).rate().empty(), path + ".rate", "is missing",
                   "write it like 8Mbps");
  }
  out.spec.where.residency =
      checks.names("spec.where.residency", strings(spec.where().residency()), limits::kResidencyLabelsMax);
  std::sort(out.spec.where.residency.begin(), out.spec.where.residency.end());
  out.only = checks.names("spec.where.only", strings(spec.where().only()), limits::kSitesNamedMax);
  out.not_at = checks.names("spec.where.not", strings(spec.where().not_()), limits::kSitesNamedMax);
  out.spec.where.only.resize(out.only.size());
  out.spec.where.not_at.resize(out.not_at.size());
  out.spec.prefer.cost_milli =
      checks.quantity<int32_t>("spec.prefer.cost", spec.prefer().cost(), parse_weight_milli, "1", 1000);
  out.spec.prefer.carbon_milli =
      checks.quantity<int32_t>("spec.prefer.carbon", spec.prefer().carbon(), parse_weight_milli, "0.5", 0);
  checks.require(out.spec.prefer.cost_milli > 0 || out.spec.prefer.carbon_milli > 0, "spec.prefer",
                 "cost and carbon both weigh 0, so that no plan is better than another",
                 "give one of them weight");
  checks.require(stream || spec.latency().empty(), "spec.latency", "is given for a batch",
                 "give a deadline instead");
  checks.require(stream || spec.percentile().empty(), "spec.percentile", "is given for a batch", "remove it");
  checks.require(!stream || spec.deadline().empty(), "spec.deadline", "is given for a stream",
                 "give a latency instead");
  out.spec.latency_us_max =
      checks.quantity<int64_t>("spec.latency", spec.latency(), parse_duration_us, "300ms", 0);
  checks.require(spec.latency().empty() || out.spec.latency_us_max > 0, "spec.latency",
                 "nothing passes within 0us", "write it like 300ms, or leave it out");
  checks.require(spec.percentile().empty() || out.spec.latency_us_max > 0, "spec.percentile",
                 "is given without a latency", "add latency, or remove percentile");
  out.spec.percentile_ppm =
      checks.quantity<int32_t>("spec.percentile", spec.percentile(), parse_percentile_ppm, "99", 990'000);
  out.spec.deadline_us =
      checks.quantity<int64_t>("spec.deadline", spec.deadline(), parse_lifetime_us, "2h", 0);
  checks.require(spec.deadline().empty() || out.spec.deadline_us > 0, "spec.deadline", "is zero",
                 "write it like 2h, or leave it out");
  checks.require(out.spec.deadline_us <= kWorkUsMax, "spec.deadline", "is above 365d", "write at most 365d");
  if (!checks.ok()) return out;
  if (const Status sound = check(out.spec); !sound) {
    checks.refuse(sound.error().where, sound.error().what, sound.error().remedy, sound.error().code);
  }
  return out;
}

void fill(const Workflow& value, v1::Workflow& message) {
  message.mutable_metadata()->set_name(value.spec.name);
  message.mutable_metadata()->set_tenant(value.tenant);
  v1::Workflow::Spec& spec = *message.mutable_spec();
  const bool stream = value.spec.kind == WorkflowKind::kStream;
  spec.set_kind(std::string(stream ? kStream : kBatch));
  if (value.spec.latency_us_max > 0) {
    spec.set_latency(format_duration(value.spec.latency_us_max));
    spec.set_percentile(format_percentile(value.spec.percentile_ppm));
  }
  if (value.spec.deadline_us > 0) spec.set_deadline(format_duration(value.spec.deadline_us));
  for (size_t s = 0; s < value.spec.stages.size(); ++s) {
    const Stage& stage = value.spec.stages[s];
    v1::Workflow::Stage& out = *spec.add_stages();
    out.set_name(stage.name);
    for (const std::string& site : value.stages_at[s]) out.add_at(site);
    const Workload& work = stage.workload;
    if (work.cpu_milli == 0 && work.memory_mib == 0 && work.accelerators == 0) continue;
    out.set_artifact(work.artifact);
    out.set_digest(work.digest);
    for (const std::string& argument : work.command) out.add_command(argument);
    out.set_port(work.port);
    out.set_cpu(format_cpu(work.cpu_milli));
    out.set_memory(format_memory(work.memory_mib));
    out.set_accelerators(work.accelerators);
    out.set_accelerator_model(work.accelerator_model);
    if (work.accelerator_milli > 0) out.set_accelerator_share(format_milli(work.accelerator_milli));
    if (work.accelerator_memory_mib > 0)
      out.set_accelerator_memory(format_memory(work.accelerator_memory_mib));
    if (work.accelerator_fp16_gflops_min > 0)
      out.set_accelerator_fp16_tflops(format_milli(work.accelerator_fp16_gflops_min));
    out.set_accelerators_linked(work.accelerators_linked);
    if (stage.work_us > 0) out.set_work(format_work(stage.work_us));
    if (stage.items_per_second_milli > 0)
      out.set_items_per_second(format_milli(stage.items_per_second_milli));
    if (stage.replicas > 1) out.set_replicas(stage.replicas);
    for (const WorkflowInputId read : stage.reads) out.add_reads(value.spec.inputs[read.index()].name);
  }
  for (const WorkflowEdge& edge : value.spec.edges) {
    v1::Workflow::Edge& out = *spec.add_edges();
    out.set_from(value.spec.stages[edge.from].name);
    out.set_to(value.spec.stages[edge.to].name);
    if (stream) out.set_rate(format_bandwidth(edge.bps));
    if (edge.item_bits > 0) out.set_item(format_bytes(edge.item_bits / 8));
    if (edge.bytes > 0) out.set_bytes(format_bytes(edge.bytes));
  }
  for (size_t i = 0; i < value.spec.inputs.size(); ++i) {
    v1::Workflow::Input& out = *spec.add_inputs();
    out.set_name(value.spec.inputs[i].name);
    out.set_bytes(format_bytes(value.spec.inputs[i].bytes));
    for (const std::string& site : value.inputs_at[i]) out.add_at(site);
  }
  const Where& where = value.spec.where;
  if (!where.residency.empty() || !value.only.empty() || !value.not_at.empty()) {
    v1::Workflow::Places& places = *spec.mutable_where();
    for (const std::string& label : where.residency) places.add_residency(label);
    for (const std::string& site : value.only) places.add_only(site);
    for (const std::string& site : value.not_at) places.add_not_(site);
  }
  spec.mutable_prefer()->set_cost(format_milli(value.spec.prefer.cost_milli));
  spec.mutable_prefer()->set_carbon(format_milli(value.spec.prefer.carbon_milli));
}

}  // namespace weir::resource
