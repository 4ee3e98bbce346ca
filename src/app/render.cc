#include "app/render.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include <ctime>
#include <map>
#include <set>

#include "app/table.h"
#include "core/units/quantity.h"
#include "service/gateway/explain.h"
#include "service/resource/resource.h"

namespace weir::app {
namespace {

using Items = google::protobuf::RepeatedPtrField<v1::Resource>;

std::string credits(int64_t nanocredits, int64_t unit = 1000) {
  return format_money((nanocredits + unit / 2) / unit * unit);
}

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& parts, const char* between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : between) + part;
  return out;
}

std::string run_state(v1::RunState state) {
  std::string name = v1::RunState_Name(state).substr(10);
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

std::string percent(int64_t used, int64_t total) {
  return total <= 0 ? "-" : std::to_string((used * 100 + total / 2) / total) + "%";
}

std::string bytes_text(int64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  int64_t whole = bytes, tenths = 0;
  size_t unit = 0;
  for (; whole >= 1000 && unit + 1 < std::size(kUnits); ++unit) {
    tenths = whole % 1000 / 100;
    whole /= 1000;
  }
  return std::to_string(whole) + (tenths > 0 && whole < 100 ? "." + std::to_string(tenths) : "") +
         kUnits[unit];
}

// Kept is what was measured to be; what nothing has been measured of, and is not known to be broken, is
// neither.
std::string promise_text(const v1::Intent::Status& status) {
  if (!status.has_plan()) return "-";
  if (!status.promise_kept()) return "broken";
  return status.samples() > 0 ? "kept" : "-";
}

Table intents(const Items& items, bool wide) {
  std::vector<std::string> header{"TENANT", "NAME", "STATE", "RUNS", "PROMISE", "PREDICTED", "MEASURED", "CREDITS/H"};
  if (wide) header.insert(header.end(), {"SAMPLES", "LATE", "LOST", "SERVICE", "WHY"});
  Table table(header);
  for (const v1::Resource& item : items) {
    const v1::Intent& i = item.intent();
    const auto& s = i.status();
    std::vector<std::string> row{i.metadata().tenant(),
                                 i.metadata().name(),
                                 s.state(),
                                 std::to_string(s.instances_running()) + "/" + std::to_string(s.instances()),
                                 promise_text(s),
                                 s.has_plan() ? gateway::latency_text(s.latency_us_predicted()) : "-",
                                 s.samples() ? gateway::latency_text(s.latency_us_measured()) : "-",
                                 s.has_plan() ? credits(s.billed_per_hour_nanocredits()) : "-"};
    if (wide) {
      row.insert(row.end(), {std::to_string(s.samples()), std::to_string(s.misses()), std::to_string(s.lost()),
                             s.service_address().empty() ? "-" : "[" + s.service_address() + "]:" + std::to_string(s.service_port()),
                             s.why()});
    }
    table.add(row);
  }
  return table;
}

Table sites(const Items& items, bool wide) {
  std::vector<std::string> header{"NAME", "STATE", "TIER", "REGION", "CORES FREE", "MEMORY FREE", "RUNS", "PATHS"};
  if (wide) header.insert(header.end(), {"CORE-HOUR", "CARBON", "DRIVER", "AGENT", "HEARD", "WHY"});
  Table table(header);
  for (const v1::Resource& item : items) {
    const v1::Site& site = item.site();
    const auto& s = site.status();
    std::vector<std::string> row{site.metadata().name(),
                                 s.state(),
                                 site.spec().tier(),
                                 site.spec().region(),
                                 format_cpu(s.cpu_milli_free()) + "/" + format_cpu(s.cpu_milli_total()),
                                 format_memory(s.memory_mib_free()) + "/" + format_memory(s.memory_mib_total()),
                                 std::to_string(s.runs()),
                                 s.paths()};
    if (wide) {
      row.insert(row.end(), {site.spec().asks().core_hour(), site.spec().power().carbon(), s.driver(), s.agent_version(),
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
  for (const v1::Resource& item : items) {
    const v1::Link& link = item.link();
    const auto& s = link.status();
    std::vector<std::string> row{
        link.metadata().name(),
        s.state(),
        joined(link.spec().between(), " - "),
        link.spec().rate(),
        percent(s.forward().bandwidth_bps_reserved(), s.bandwidth_bps()),
        percent(s.backward().bandwidth_bps_reserved(), s.bandwidth_bps()),
        gateway::latency_text(s.forward().latency_us()) + (s.forward().measured() ? "" : "*"),
        s.steerable() ? "srv6" : "plain"};
    if (wide) {
      const char* between = s.forward().why().empty() || s.paths_why().empty() ? "" : "; ";
      row.insert(row.end(),
                 {gateway::latency_text(s.forward().jitter_us()), format_fraction(s.forward().loss_ppm()),
                  link.spec().price(), s.forward().why() + between + s.paths_why()});
    }
    table.add(row);
  }
  return table;
}

Table plans(const Items& items, bool) {
  Table table({"PLAN", "TENANT", "INTENT", "STATE", "INSTANCES", "SITES", "CREDITS/H", "WEIGHED"});
  for (const v1::Resource& item : items) {
    const v1::PlanView& plan = item.plan();
    std::set<std::string> at;
    for (const auto& placement : plan.placements()) at.insert(placement.site());
    std::string all;
    for (const std::string& site : at) all += (all.empty() ? "" : ",") + site;
    table.add({std::to_string(plan.position()), plan.tenant(), plan.intent(), plan.state(),
               std::to_string(plan.placements_size()), all, credits(plan.value().billed_per_hour()),
               credits(plan.value().decision_price())});
  }
  return table;
}

Table runs(const Items& items, bool wide) {
  std::vector<std::string> header{"RUN", "TENANT", "INTENT", "SITE", "NODE", "STATE", "STREAMS", "CPU", "SENT"};
  if (wide) header.insert(header.end(), {"RECEIVED", "ENERGY", "ADDRESS", "WHY"});
  Table table(header);
  for (const v1::Resource& item : items) {
    const v1::RunView& run = item.run();
    std::vector<std::string> row{std::to_string(run.id().plan()) + "." + std::to_string(run.id().item()),
                                 run.tenant(),
                                 run.intent(),
                                 run.site(),
                                 run.node(),
                                 run_state(run.state()),
                                 std::to_string(run.streams()),
                                 gateway::latency_text(run.cpu_us()),
                                 bytes_text(run.sent_bytes())};
    if (wide) {
      row.insert(row.end(), {bytes_text(run.received_bytes()),
                             format_decimal(run.energy_microjoule(), 6) + " J", run.address(), run.why()});
    }
    table.add(row);
  }
  return table;
}

Table nodes(const Items& items, bool) {
  Table table({"NODE", "SITE", "NAME", "CORES FREE", "MEMORY FREE", "ACCELERATORS", "SPEED"});
  for (const v1::Resource& item : items) {
    const v1::NodeView& node = item.node();
    const v1::NodeSpec& spec = node.spec();
    table.add({std::to_string(node.id()), node.site(), spec.name(),
               format_cpu(node.cpu_milli_free()) + "/" + format_cpu(spec.cpu_milli()),
               format_memory(node.memory_mib_free()) + "/" + format_memory(spec.memory_mib()),
               std::to_string(node.accelerators_free()) + "/" + std::to_string(spec.accelerators()) +
                   (spec.accelerator_model().empty() ? "" : " " + spec.accelerator_model()),
               format_milli(spec.speed_milli())});
  }
  return table;
}

Table prices(const Items& items, bool) {
  Table table({"RESOURCE", "WHERE", "UNIT", "ASK", "SCARCITY", "USED"});
  for (const v1::Resource& item : items) {
    const v1::PriceView& price = item.price();
    table.add({price.resource(), price.site().empty() ? price.link() : price.site(), price.unit(),
               credits(price.carbon_nanocredits() ? price.carbon_nanocredits() : price.ask_nanocredits()),
               credits(price.scarcity_nanocredits()), percent(price.utilisation_ppm(), 1'000'000)});
  }
  return table;
}

Table events(const Items& items, bool) {
  Table table({"EVENT", "TIME", "KIND", "SUBJECT", "WHAT"});
  for (const v1::Resource& item : items) {
    const v1::EventView& e = item.event();
    table.add({std::to_string(e.position()), time_text(e.at()), e.name(), e.subject(), e.text()});
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

// Of join tokens the subject is the site.
Table tokens(const Items& items, bool wide) {
  std::vector<std::string> header{"TOKEN", "FOR", "SUBJECT", "STATE", "EXPIRES", "USED"};
  if (wide) header.insert(header.end(), {"ISSUED", "USED BY"});
  Table table(header);
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

Table others(const Items& items, bool) {
  Table table({"KIND", "TENANT", "NAME"});
  for (const v1::Resource& item : items) {
    switch (item.resource_case()) {
      case v1::Resource::kRouter: table.add({"Router", "", item.router().metadata().name()}); break;
      case v1::Resource::kDataset:
        table.add({"Dataset", item.dataset().metadata().tenant(), item.dataset().metadata().name()});
        break;
      case v1::Resource::kOffer: table.add({"Offer", "", item.offer().metadata().name()}); break;
      case v1::Resource::kTenant: table.add({"Tenant", "", item.tenant().metadata().name()}); break;
      default: break;
    }
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
    default: return others(items, wide);
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
  std::strftime(out, sizeof out, "%m-%d %H:%M:%S", &utc);
  return out;
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
    case Format::kTable:
    case Format::kWide:
      break;
  }
  if (items.empty()) return "No " + kind + ".\n";
  if (format == Format::kWide) return table_of(items, true).text(0);
  return table_of(items, false).text(kTableWidth) + why_plain(items);
}

std::string render_plan(const v1::PlanView& plan, Format format) {
  Table flows({"FROM", "TO", "STREAMS", "PREDICTED", "BY WAY OF"});
  for (int i = 0; i < plan.flows_size(); ++i) {
    const v1::FlowView& flow = plan.flows(i);
    const v1::Flow& value = plan.value().flows(i);
    flows.add({flow.ingress(), flow.site(), std::to_string(value.streams()),
               gateway::latency_text(value.latency_us_predicted()), joined(flow.hops(), " > ") + " (" + flow.driver() + ")"});
  }
  Table placements({"ITEM", "SITE", "NODE", "RUN", "STREAMS", "CREDITS/H"});
  for (int i = 0; i < plan.placements_size(); ++i) {
    const v1::PlacementView& p = plan.placements(i);
    const v1::Placement& value = plan.value().placements(i);
    Placement placement{.cpu_milli = value.cpu_milli(), .memory_mib = value.memory_mib(),
                        .accelerators = static_cast<int16_t>(value.accelerators()), .streams = value.streams()};
    placement.asks = {value.asks().per_core_hour(), value.asks().per_gib_hour(), value.asks().per_accelerator_hour()};
    placements.add({std::to_string(p.item()), p.site(), p.node(), p.state().empty() ? "-" : p.state(),
                    std::to_string(value.streams()), credits(placement_per_hour(placement))});
  }
  const size_t width = format == Format::kWide ? 0 : kTableWidth;
  return placements.text(width) + "\n" + flows.text(width);
}

std::string render_bill(const v1::BillResponse& bills, Format format) {
  if (format == Format::kJson) return json_text(bills) + "\n";
  if (format == Format::kYaml) return resource::to_yaml(bills);
  std::string out;
  for (const v1::Bill& bill : bills.bills()) {
    out += "Tenant " + bill.tenant() + ", " + (bill.from() == 0 ? "from the beginning" : "from " + time_text(bill.from())) +
           " to " + time_text(bill.to()) + " UTC, from " + std::to_string(bill.ledger_size()) + " events\n";
    Table table({"INTENT", "SITE", "ITEM", "QUANTITY", "UNIT", "PRICE", "CREDITS", "PLAN"});
    for (const v1::BillLine& line : bill.lines()) {
      table.add({line.intent(), line.site(), line.item(), format_decimal(line.quantity_milli(), 3), line.unit(),
                 credits(line.price_nanocredits()), format_money(line.amount_nanocredits()), std::to_string(line.plan())});
    }
    if (table.size() > 0) out += table.text(format == Format::kWide ? 0 : kTableWidth);
    out += "Total " + format_money(bill.total_nanocredits()) + " credits\n";
  }
  return out.empty() ? "No tenants.\n" : out;
}

std::string render_events(const std::vector<v1::EventView>& events, Format format) {
  Table table({"EVENT", "TIME", "KIND", "WHAT"});
  for (const v1::EventView& e : events)
    table.add({std::to_string(e.position()), time_text(e.at()), e.name(), e.text()});
  return table.text(format == Format::kWide ? 0 : kTableWidth);
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
