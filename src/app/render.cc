#include "app/render.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include <ctime>
#include <map>
#include <set>

#include "app/render_queues.h"
#include "app/table.h"
#include "core/units/quantity.h"
#include "service/gateway/explain.h"
#include "service/resource/resource.h"

namespace weir::app {

std::string credits(int64_t nanocredits, int64_t unit) {
  return format_money((nanocredits + unit / 2) / unit * unit);
}

std::string run_state(v1::RunState state) {
  std::string name = v1::RunState_Name(state).substr(10);
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

std::string percent(int64_t used, int64_t total) {
  return total <= 0 ? "-" : std::to_string((used * 100 + total / 2) / total) + "%";
}

std::string bytes_text(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  uint64_t whole = bytes, tenths = 0;
  size_t unit = 0;
  for (; whole >= 1000 && unit + 1 < std::size(kUnits); ++unit) {
    tenths = whole % 1000 / 100;
    whole /= 1000;
  }
  return std::to_string(whole) + (tenths > 0 && whole < 100 ? "." + std::to_string(tenths) : "") +
         kUnits[unit];
}

std::string promise_text(const v1::Intent& intent) {
  const v1::Intent::Status& status = intent.status();
  const bool none = intent.spec().workload().has_job() && intent.spec().from().empty();
  if (!status.has_plan() || none) return "-";
  if (!status.promise_kept()) return "broken";
  return status.samples() > 0 ? "kept" : "-";
}

namespace {

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& parts, const char* between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : between) + part;
  return out;
}

Table intents(const Items& items, bool wide) {
  std::vector<std::string> header{"TENANT", "NAME", "STATE", "RUNS", "PROMISE", "PREDICTED", "MEASURED", "CREDITS/H"};
  if (wide) header.insert(header.end(), {"SAMPLES", "LATE", "LOST", "SERVICE", "START", "WHY"});
  Table table(header);
  table.lesser({"PREDICTED", "CREDITS/H", "MEASURED"});
  for (const v1::Resource& item : items) {
    const v1::Intent& i = item.intent();
    const auto& s = i.status();
    std::vector<std::string> row{
        i.metadata().tenant(),
        i.metadata().name(),
        s.state(),
        std::to_string(s.instances_running()) + "/" + std::to_string(s.instances()),
        promise_text(i),
        s.latency_us_predicted() > 0 ? gateway::latency_text(s.latency_us_predicted()) : "-",
        s.samples() ? gateway::latency_text(s.latency_us_measured()) : "-",
        s.has_plan() ? credits(s.billed_per_hour_nanocredits()) : "-"};
    if (wide) {
      row.insert(
          row.end(),
          {std::to_string(s.samples()), std::to_string(s.misses()), std::to_string(s.lost()),
           s.service_address().empty() ? "-"
                                       : "[" + s.service_address() + "]:" + std::to_string(s.service_port()),
           start_text(s), s.why()});
    }
    table.add(row);
  }
  return table;
}

Table sites(const Items& items, bool wide) {
  std::vector<std::string> header{"NAME", "STATE", "TIER", "REGION", "CORES FREE", "MEMORY FREE", "RUNS", "PATHS"};
  if (wide) header.insert(header.end(), {"ACCELERATORS", "CORE-HOUR", "CARBON", "FAILURE DOMAIN", "TAINTS", "DRIVER", "AGENT", "HEARD", "WHY"});
  Table table(header);
  table.lesser({"REGION", "TIER"});
  for (const v1::Resource& item : items) {
    const v1::Site& site = item.site();
    const auto& s = site.status();
    const auto free = [&s](const std::string& text) { return s.restricted() ? "-" : text; };
    std::vector<std::string> row{
        site.metadata().name(),
        s.state(),
        site.spec().tier(),
        site.spec().region(),
        free(format_cpu(s.cpu_milli_free())) + "/" + format_cpu(s.cpu_milli_total()),
        free(format_memory(s.memory_mib_free())) + "/" + format_memory(s.memory_mib_total()),
        free(std::to_string(s.runs())),
        s.paths()};
    if (wide) {
      row.insert(row.end(), {free(format_milli(s.accelerator_milli_free())) + "/" + std::to_string(s.accelerators_total()),
                             site.spec().asks().core_hour(), site.spec().power().carbon(),
                             site.spec().failure_domain().empty() ? "-" : site.spec().failure_domain(),
                             site.spec().taints().empty() ? "-" : joined(site.spec().taints(), ","),
                             s.driver(), s.agent_version(),
                             s.heard_us_ago() ? gateway::latency_text(s.heard_us_ago()) + " ago" : "-",
                             s.paths_why().empty() ? s.why() : s.why() + " " + s.paths_why()});
    }
    table.add(row);
  }
  return table;
}

Table links(const Items& items, bool wide) {
  std::vector<std::string> header{"NAME", "STATE", "BETWEEN", "RATE", "USED", "BACK", "ONE WAY", "PATHS"};
  if (wide) header.insert(header.end(), {"JITTER", "LOSS", "PRICE", "WHY"});
  Table table(header);
  table.lesser({"BETWEEN", "BACK", "RATE"});
  for (const v1::Resource& item : items) {
    const v1::Link& link = item.link();
    const auto& s = link.status();
    const bool seen = s.has_forward();
    std::vector<std::string> row{
        link.metadata().name(),
        s.state(),
        joined(link.spec().between(), " - "),
        link.spec().rate(),
        seen ? percent(s.forward().bandwidth_bps_reserved(), s.bandwidth_bps()) : "-",
        seen ? percent(s.backward().bandwidth_bps_reserved(), s.bandwidth_bps()) : "-",
        seen ? gateway::latency_text(s.forward().latency_us()) + (s.forward().measured() ? "" : "*") : "-",
        s.steerable() ? "srv6" : "plain"};
    if (wide) {
      const char* between = s.forward().why().empty() || s.paths_why().empty() ? "" : "; ";
      row.insert(row.end(), {seen ? gateway::latency_text(s.forward().jitter_us()) : "-",
                             seen ? format_fraction(s.forward().loss_ppm()) : "-", link.spec().price(),
                             s.forward().why() + between + s.paths_why()});
    }
    table.add(row);
  }
  return table;
}

std::string traffic_text(bool counted, uint64_t packets, uint64_t bytes) {
  if (!counted) return "-";
  return bytes_text(bytes) + " in " + std::to_string(packets);
}

Table plans(const Items& items, bool wide) {
  std::vector<std::string> header{"PLAN",      "TENANT", "INTENT",    "STATE",
                                  "INSTANCES", "SITES",  "CREDITS/H", "WEIGHED"};
  if (wide) header.insert(header.end(), {"SENT IN PACKETS", "RETURNED IN PACKETS"});
  Table table(header);
  table.lesser({"WEIGHED", "INSTANCES"});
  for (const v1::Resource& item : items) {
    const v1::PlanView& plan = item.plan();
    std::set<std::string> at;
    for (const auto& placement : plan.placements()) at.insert(placement.site());
    std::string all;
    for (const std::string& site : at) all += (all.empty() ? "" : ",") + site;
    std::vector<std::string> row{std::to_string(plan.position()),
                                 plan.tenant(),
                                 plan.intent(),
                                 plan.state(),
                                 std::to_string(plan.placements_size()),
                                 all,
                                 credits(plan.value().billed_per_hour()),
                                 credits(plan.value().decision_price())};
    if (wide) {
      v1::FlowView sum;
      for (const v1::FlowView& flow : plan.flows()) {
        sum.set_counted(sum.counted() || flow.counted());
        sum.set_sent_packets(sum.sent_packets() + flow.sent_packets());
        sum.set_sent_bytes(sum.sent_bytes() + flow.sent_bytes());
        sum.set_returned_packets(sum.returned_packets() + flow.returned_packets());
        sum.set_returned_bytes(sum.returned_bytes() + flow.returned_bytes());
      }
      row.insert(row.end(), {traffic_text(sum.counted(), sum.sent_packets(), sum.sent_bytes()),
                             traffic_text(sum.counted(), sum.returned_packets(), sum.returned_bytes())});
    }
    table.add(row);
  }
  return table;
}

Table runs(const Items& items, bool wide) {
  std::vector<std::string> header{"RUN", "TENANT", "INTENT", "SITE", "NODE", "STATE", "STREAMS", "CPU", "SENT"};
  if (wide) header.insert(header.end(), {"RECEIVED", "ENERGY", "ADDRESS", "WHY"});
  Table table(header);
  table.lesser({"NODE", "SENT", "CPU"});
  for (const v1::Resource& item : items) {
    const v1::RunView& run = item.run();
    std::vector<std::string> row{std::to_string(run.id().plan()) + "." + std::to_string(run.id().item()),
                                 run.tenant(),
                                 run.intent().empty() ? "-" : run.intent(),
                                 run.site(),
                                 run.node().empty() ? "-" : run.node(),
                                 run_state(run.state()),
                                 std::to_string(run.streams()),
                                 gateway::latency_text(run.cpu_us()),
                                 bytes_text(static_cast<uint64_t>(run.sent_bytes()))};
    if (wide) {
      row.insert(row.end(), {bytes_text(static_cast<uint64_t>(run.received_bytes())),
                             format_decimal(run.energy_microjoule(), 6) + " J", run.address(), run.why()});
    }
    table.add(row);
  }
  return table;
}

// "0.4 1 | 1 0.7, of 80Gi each": what is free of each device, island by island.
std::string devices_text(const v1::NodeView& node) {
  std::string out;
  const int island = node.spec().accelerators_per_island();
  for (int d = 0; d < node.devices_size(); ++d) {
    out += d == 0 ? "" : island > 0 && d % island == 0 ? " | " : " ";
    out += format_milli(node.devices(d).milli_free());
  }
  if (out.empty()) return "-";
  if (node.spec().accelerator_memory_mib() > 0)
    out += ", of " + format_memory(node.spec().accelerator_memory_mib()) + " each";
  return out;
}

// Parts of devices included.
std::string accelerators_free(const v1::NodeView& node) {
  if (node.devices().empty()) return std::to_string(node.accelerators_free());
  int64_t milli = 0;
  for (const auto& device : node.devices()) milli += device.milli_free();
  return format_milli(milli);
}

// What such work has, of that and what more it may take.
std::string best_effort_text(const v1::NodeView& node) {
  const int64_t cpu_milli = node.cpu_milli_best_effort() + node.cpu_milli_spare();
  const int64_t memory_mib = node.memory_mib_best_effort() + node.memory_mib_spare();
  return format_cpu(node.cpu_milli_best_effort()) + "/" + format_cpu(std::max<int64_t>(cpu_milli, 0)) + " cores, " +
         format_memory(node.memory_mib_best_effort()) + "/" + format_memory(std::max<int64_t>(memory_mib, 0));
}

Table nodes(const Items& items, bool wide) {
  std::vector<std::string> header{"NODE", "SITE", "NAME", "STATE", "CORES FREE", "MEMORY FREE", "ACCELERATORS", "SPEED"};
  if (wide) header.insert(header.end(), {"FREE OF EACH DEVICE", "FP16 TFLOPS", "SLICES", "RACK", "BEST-EFFORT"});
  Table table(header);
  table.lesser({"SPEED"});
  for (const v1::Resource& item : items) {
    const v1::NodeView& node = item.node();
    const v1::NodeSpec& spec = node.spec();
    std::vector<std::string> row{std::to_string(node.id()), node.site(), spec.name(), node.cordoned() ? "cordoned" : "ready",
               format_cpu(node.cpu_milli_free()) + "/" + format_cpu(spec.cpu_milli()),
               format_memory(node.memory_mib_free()) + "/" + format_memory(spec.memory_mib()),
               accelerators_free(node) + "/" + std::to_string(spec.accelerators()) +
                   (spec.accelerator_model().empty() ? "" : " " + spec.accelerator_model()),
               format_milli(spec.speed_milli())};
    if (wide) {
      row.insert(row.end(), {devices_text(node), spec.accelerator_fp16_gflops() > 0
                                                     ? format_milli(spec.accelerator_fp16_gflops())
                                                     : "-",
                              spec.accelerator_slices() > 0 ? std::to_string(spec.accelerator_slices()) : "-",
                              spec.rack().empty() ? "-" : spec.rack(), best_effort_text(node)});
    }
    table.add(row);
  }
  return table;
}

Table prices(const Items& items, bool) {
  Table table({"RESOURCE", "WHERE", "UNIT", "ASK", "OF JOBS NOW", "SCARCITY", "USED"});
  for (const v1::Resource& item : items) {
    const v1::PriceView& price = item.price();
    table.add({price.resource(), price.site().empty() ? price.link() : price.site(), price.unit(),
               credits(price.carbon_nanocredits() ? price.carbon_nanocredits() : price.ask_nanocredits()),
               price.site().empty() ? "-" : credits(price.job_ask_nanocredits()),
               credits(price.scarcity_nanocredits()),
               price.restricted() || price.resource() == "carbon"
                   ? "-"
                   : percent(price.utilisation_ppm(), 1'000'000)});
  }
  return table;
}

Table events(const Items& items, bool wide) {
  std::vector<std::string> header{"EVENT", "TIME", "KIND", "WHAT"};
  if (wide) header.insert(header.end() - 1, "SUBJECT");
  Table table(header);
  table.wrap_last();
  for (const v1::Resource& item : items) {
    const v1::EventView& e = item.event();
    std::vector<std::string> row{std::to_string(e.position()), time_text(e.at()), e.name(),
                                 wide ? e.text() : e.subject() + ": " + e.text()};
    if (wide) row.insert(row.end() - 1, e.subject());
    table.add(row);
  }
  return table;
}

constexpr size_t kReasonsShown = 5;
// Said once for all links that share a reason, under their table.
std::string why_plain(const Items& items) {
  std::map<std::string, std::vector<std::string>> links;
  for (const v1::Resource& item : items) {
    if (!item.has_link() || item.link().status().paths_why().empty()) continue;
    links[item.link().status().paths_why()].push_back(item.link().metadata().name());
  }
  std::string out;
  size_t left = kReasonsShown;
  for (const auto& [why, names] : links) {
    if (left-- == 0) {
      out += "For " + std::to_string(links.size() - kReasonsShown) + " reasons more, see -o wide.\n";
      break;
    }
    const std::string which = names.size() == 1 ? names.front() : std::to_string(names.size()) + " links";
    out += "Traffic over " + which + " follows plain routing: " + why + ".\n";
  }
  return out.empty() ? out : "\n" + wrapped(out, kTableWidth);
}

// Not of one that runs, is ended on purpose or has ended well.
bool tells_why(const v1::RunView& run) {
  return run.state() != v1::RUN_STATE_RUNNING && run.state() != v1::RUN_STATE_STOPPING &&
         !(run.state() == v1::RUN_STATE_EXITED && run.exit_code() == 0);
}

// Under the table, of each intent that is refused or fails, and of each run that fails.
std::string why_not_running(const Items& items) {
  std::string out;
  size_t left = 0;
  for (const v1::Resource& item : items) {
    std::string name, why;
    if (item.has_intent()) {
      name = item.intent().metadata().tenant() + "/" + item.intent().metadata().name();
      why = item.intent().status().why();
    } else if (item.has_run() && tells_why(item.run())) {
      const v1::RunView& run = item.run();
      name = "Run " + std::to_string(run.id().plan()) + "." + std::to_string(run.id().item());
      why = run.exit_code() == 0 ? run.why()
                                 : "exit code " + std::to_string(run.exit_code()) + ", " + run.why();
    }
    if (why.empty()) continue;
    if (++left <= kReasonsShown) out += name + ": " + why + (why.back() == '.' ? "\n" : ".\n");
  }
  if (left > kReasonsShown) out += "Of " + std::to_string(left - kReasonsShown) + " more -o wide says why.\n";
  return out.empty() ? out : "\n" + fitted(out, kTableWidth);
}

// Of join tokens the subject is the site.
Table tokens(const Items& items, bool wide) {
  std::vector<std::string> header{"TOKEN", "FOR", "SUBJECT", "STATE", "EXPIRES", "USED"};
  if (wide) header.insert(header.end(), {"ISSUED", "USED BY"});
  Table table(header);
  table.lesser({"USED"});
  for (const v1::Resource& item : items) {
    const v1::TokenView& token = item.token();
    const std::string role = token.role() == v1::ROLE_OPERATOR   ? "operator"
                             : token.role() == v1::ROLE_PROVIDER ? "provider"
                                                                 : "tenant";
    std::vector<std::string> row{token.token(),
                                 token.join() ? "joining" : role,
                                 token.subject(),
                                 token.state(),
                                 token.expires() == 0 ? "never" : time_text(token.expires()),
                                 token.used() == 0 ? "-" : time_text(token.used())};
    if (wide) row.insert(row.end(), {time_text(token.issued()), token.used_by().empty() ? "-" : token.used_by()});
    table.add(row);
  }
  return table;
}

Table routers(const Items& items, bool) {
  Table table({"NAME"});
  for (const v1::Resource& item : items) table.add({item.router().metadata().name()});
  return table;
}

Table datasets(const Items& items, bool) {
  Table table({"TENANT", "NAME", "AT", "RESIDENCY"});
  for (const v1::Resource& item : items) {
    const v1::Dataset& data = item.dataset();
    table.add({data.metadata().tenant(), data.metadata().name(), joined(data.spec().at(), ","),
               data.spec().residency().empty() ? "-" : joined(data.spec().residency(), ",")});
  }
  return table;
}

Table offers(const Items& items, bool) {
  Table table({"SITE", "CORE-HOUR", "GIB-HOUR", "ACCELERATOR-HOUR"});
  for (const v1::Resource& item : items) {
    const v1::Offer& offer = item.offer();
    const auto ask = [](const std::string& text) { return text.empty() ? "0" : text; };
    const v1::Prices& asks = offer.spec().asks();
    table.add(
        {offer.metadata().name(), ask(asks.core_hour()), ask(asks.gib_hour()), ask(asks.accelerator_hour())});
  }
  return table;
}

Table tenants(const Items& items, bool) {
  Table table({"NAME", "INTENTS", "CREDITS/H"});
  for (const v1::Resource& item : items) {
    const v1::Tenant& tenant = item.tenant();
    table.add({tenant.metadata().name(), std::to_string(tenant.status().intents()),
               credits(tenant.status().billed_per_hour_nanocredits())});
  }
  return table;
}

Table table_of(const Items& items, bool wide) {
  switch (items.empty() ? v1::Resource::RESOURCE_NOT_SET : items.Get(0).resource_case()) {
    case v1::Resource::kIntent: return intents(items, wide);
    case v1::Resource::kSite: return sites(items, wide);
    case v1::Resource::kLink: return links(items, wide);
    case v1::Resource::kPlan: return plans(items, wide);
    case v1::Resource::kRun: return runs(items, wide);
    case v1::Resource::kNode: return nodes(items, wide);
    case v1::Resource::kPrice: return prices(items, wide);
    case v1::Resource::kEvent: return events(items, wide);
    case v1::Resource::kToken: return tokens(items, wide);
    case v1::Resource::kRouter:
      return routers(items, wide);
    case v1::Resource::kDataset:
      return datasets(items, wide);
    case v1::Resource::kOffer:
      return offers(items, wide);
    case v1::Resource::kTenant:
      return tenants(items, wide);
    case v1::Resource::kQueue:
      return queues(items, wide);
    case v1::Resource::kWorkflow:
      return workflows(items, wide);
    case v1::Resource::kReservation:
      return reservations(items, wide);
    case v1::Resource::kPolicy:
      return policies(items, wide);
    default:
      return Table({"NAME"});
  }
}

}  // namespace

const google::protobuf::Message& inside(const v1::Resource& resource) {
  const auto* one_of = resource.GetDescriptor()->FindOneofByName("resource");
  const auto* reflection = resource.GetReflection();
  const auto* field = reflection->GetOneofFieldDescriptor(resource, one_of);
  return field ? reflection->GetMessage(resource, field) : resource;
}

std::string json_text(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string out;
  (void)google::protobuf::util::MessageToJsonString(message, &out, options);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

std::string time_text(int64_t us) {
  const std::time_t seconds = static_cast<std::time_t>(us / 1'000'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char out[32];
  std::strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return out;
}

std::string name_of(const v1::Resource& item) {
  const google::protobuf::Message& message = inside(item);
  if (const auto* field = message.GetDescriptor()->FindFieldByName("metadata")) {
    const auto& metadata = static_cast<const v1::Metadata&>(message.GetReflection()->GetMessage(message, field));
    return (metadata.tenant().empty() ? "" : metadata.tenant() + "/") + metadata.name();
  }
  switch (item.resource_case()) {
    case v1::Resource::kPlan: return std::to_string(item.plan().position());
    case v1::Resource::kRun: return std::to_string(item.run().id().plan()) + "." + std::to_string(item.run().id().item());
    case v1::Resource::kNode: return std::to_string(item.node().id());
    case v1::Resource::kEvent: return std::to_string(item.event().position());
    case v1::Resource::kToken: return item.token().token();
    case v1::Resource::kPolicy: return item.policy().name();
    default: return "";
  }
}

std::string render(const std::string& kind, const Items& items, Format format) {
  std::string out;
  switch (format) {
    case Format::kJson:
      for (const v1::Resource& item : items) out += (out.empty() ? "[" : ",\n") + json_text(inside(item));
      return (out.empty() ? "[" : out) + "]\n";
    case Format::kYaml:
      for (const v1::Resource& item : items) out += (out.empty() ? "" : "---\n") + resource::to_yaml(inside(item));
      return out;
    case Format::kName:
      for (const v1::Resource& item : items) {
        if (const std::string name = name_of(item); !name.empty()) out += name + "\n";
      }
      return out;
    case Format::kTable:
    case Format::kWide:
      break;
  }
  if (items.empty()) return "No " + kind + ".\n";
  if (kind.starts_with("job") || kind.starts_with("task"))
    return jobs(items, format == Format::kWide).text(width_of(format));
  if (format == Format::kWide) return table_of(items, true).text(0);
  return table_of(items, false).text(kTableWidth) + why_plain(items) + why_not_running(items);
}

std::string render_plan(const v1::PlanView& plan, Format format, bool chinese) {
  const bool counted = std::any_of(plan.flows().begin(), plan.flows().end(),
                                   [](const v1::FlowView& flow) { return flow.counted(); });
  using Header = std::vector<std::string>;
  Header header = chinese ? Header{"从", "到", "路数", "预计"} : Header{"FROM", "TO", "STREAMS", "PREDICTED"};
  if (counted) header.insert(header.end(), {chinese ? "发出" : "SENT", chinese ? "返回" : "RETURNED"});
  header.push_back(chinese ? "路径" : "BY WAY OF");
  Table flows(header);
  for (int i = 0; i < plan.flows_size(); ++i) {
    const v1::FlowView& flow = plan.flows(i);
    const v1::Flow& value = plan.value().flows(i);
    // What instances exchange is no stream.
    std::vector<std::string> row{flow.ingress(), flow.site(),
                                 value.streams() > 0 ? std::to_string(value.streams()) : format_bandwidth(value.up_bps()),
                                 gateway::latency_text(value.latency_us_predicted())};
    if (counted)
      row.insert(row.end(), {flow.counted() ? bytes_text(flow.sent_bytes()) : "-",
                             flow.counted() ? bytes_text(flow.returned_bytes()) : "-"});
    row.push_back(joined(flow.hops(), " > ") + " (" + flow.driver() + ")");
    flows.add(row);
  }
  Table placements(chinese ? Header{"序号", "站点", "节点", "运行", "路数", "信用点/小时"} : Header{"ITEM", "SITE", "NODE", "RUN", "STREAMS", "CREDITS/H"});
  for (int i = 0; i < plan.placements_size(); ++i) {
    const v1::PlacementView& p = plan.placements(i);
    const v1::Placement& value = plan.value().placements(i);
    Placement placement{.cpu_milli = value.cpu_milli(), .memory_mib = value.memory_mib(),
                        .accelerators = static_cast<int16_t>(value.accelerators()), .streams = value.streams(), .accelerator_milli = value.accelerator_milli()};
    placement.asks = {value.asks().per_core_hour(), value.asks().per_gib_hour(), value.asks().per_accelerator_hour()};
    placements.add({std::to_string(p.item()), p.site(), p.node(), p.state().empty() ? "-" : p.state(),
                    std::to_string(value.streams()), credits(placement_per_hour(placement))});
  }
  const size_t width = width_of(format);
  return placements.text(width) + "\n" + flows.text(width);
}

std::string render_dry_run(const v1::ApplyResult& result, bool chinese) {
  std::string out;
  if (result.has_plan()) {
    out += "\n" + render_plan(result.plan(), Format::kTable, chinese) + "\n" +
           wrapped(chinese ? "计费每小时 " + credits(result.plan().value().billed_per_hour()) + " 信用点。" + result.plan().reason() + "。"
                           : "Billed " + credits(result.plan().value().billed_per_hour()) + " credits an hour. " + result.plan().reason() + ".",
                   kTableWidth);
  }
  if (result.has_waiting()) out += wrapped(render_waiting(result.why(), result.waiting(), chinese), kTableWidth);
  if (result.has_refusal()) {
    out += chinese ? "现在没有方案能满足它：\n" : "No plan satisfies it now:\n";
    for (const std::string& reason : result.reasons()) out += wrapped("  - " + reason, kTableWidth);
  }
  return out;
}

namespace {

// In thousandths, and of less than a unit four digits, which the amount at its price still tells.
std::string quantity_text(const v1::BillLine& line) {
  if (line.quantity_milli() >= 1000 || line.price_nanocredits() <= 0)
    return format_decimal(line.quantity_milli(), 3);
  auto billionths = static_cast<int64_t>(static_cast<__int128>(line.amount_nanocredits()) * 1'000'000'000 /
                                         line.price_nanocredits());
  int64_t unit = 1;
  while (billionths / unit >= 10'000) unit *= 10;
  billionths = (billionths + unit / 2) / unit * unit;
  return format_decimal(billionths, 9);
}

}  // namespace

std::string render_bill(const v1::BillResponse& bills, Format format) {
  if (format == Format::kJson) return json_text(bills) + "\n";
  if (format == Format::kYaml) return resource::to_yaml(bills);
  std::string out;
  for (const v1::Bill& bill : bills.bills()) {
    out += "Tenant " + bill.tenant() + ", " +
           (bill.from() == 0 ? "from the beginning" : "from " + time_text(bill.from())) + " to " +
           time_text(bill.to()) + ", from " + std::to_string(bill.ledger_size()) + " events\n";
    Table table({"INTENT", "SITE", "ITEM", "QUANTITY", "UNIT", "PRICE", "CREDITS", "PLAN"});
    table.lesser({"ITEM", "PLAN"});  // the unit says what it is of
    for (const v1::BillLine& line : bill.lines()) {
      table.add({line.intent(), line.site(), line.item(), quantity_text(line), line.unit(),
                 credits(line.price_nanocredits()), format_money(line.amount_nanocredits()),
                 line.plan() == 0 ? "-" : std::to_string(line.plan())});
    }
    if (table.size() > 0) out += table.text(width_of(format));
    out += "Total " + format_money(bill.total_nanocredits()) + " credits\n";
  }
  return out.empty() ? "No tenants.\n" : out;
}

std::string render_events(const std::vector<v1::EventView>& events, Format format) {
  Table table({"EVENT", "TIME", "KIND", "WHAT"});
  table.wrap_last();
  for (const v1::EventView& e : events)
    table.add({std::to_string(e.position()), time_text(e.at()), e.name(), e.text()});
  return table.text(width_of(format));
}

std::string render_end(const v1::RunView& run) {
  std::string out = "It was at " + run.site();
  if (run.started() != 0) out += " from " + time_text(run.started());
  if (run.ended() != 0) out += " to " + time_text(run.ended());
  if (run.state() == v1::RUN_STATE_EXITED) out += ", ended with exit code " + std::to_string(run.exit_code());
  if (run.state() == v1::RUN_STATE_FAILED) out += ", failed";
  if (run.state() == v1::RUN_STATE_LOST) out += ", was lost";
  if (run.billed_per_hour_nanocredits() > 0)
    out += ", at " + credits(run.billed_per_hour_nanocredits()) + " credits/h";
  return wrapped(out + ".", kTableWidth);
}

std::string render_event(const v1::EventView& event, Format format) {
  if (format == Format::kJson) {
    std::string out;
    (void)google::protobuf::util::MessageToJsonString(event, &out);
    return out + "\n";
  }
  if (format == Format::kYaml) return "---\n" + resource::to_yaml(event);
  return printable(std::to_string(event.position()) + "  " + time_text(event.at()) + "  " + event.name() +
                   "  " + event.subject() + "  " + event.text()) +
         "\n";
}

}  // namespace weir::app
