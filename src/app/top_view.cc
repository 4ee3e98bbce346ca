#include "app/top_view.h"

#include <algorithm>
#include <map>

#include "app/render.h"
#include "core/units/quantity.h"
#include "security/identity/clock_text.h"
#include "service/gateway/explain.h"

namespace weir::app::top {
namespace {

Cell text(std::string what, Tone tone = Tone::kPlain) { return {or_dash(what), 0, tone}; }
Cell figure(std::string what, int64_t order) { return {std::move(what), order}; }
Cell state(const std::string& name) { return text(name, tone_of(name)); }

// Above nine tenths something will soon have to wait.
Cell share(int64_t used, int64_t total) {
  if (total <= 0) return {"-", -1, Tone::kDim};
  const auto ppm = static_cast<int64_t>(static_cast<__int128>(used) * 1'000'000 / total);
  return {percent(used, total), ppm, ppm > 900'000 ? Tone::kBad : ppm > 700'000 ? Tone::kWarning : Tone::kPlain};
}

Cell duration(int64_t us, bool known) { return known ? figure(gateway::latency_text(us), us) : Cell{"-", -1, Tone::kDim}; }

const v1::Site::Status& site(const v1::Resource& r) { return r.site().status(); }
Cell cores(const v1::Resource& r) {
  const auto& s = site(r);
  if (s.restricted()) return text("-/" + format_cpu(s.cpu_milli_total()));
  const int64_t used = s.cpu_milli_total() - s.cpu_milli_free();
  return figure(format_cpu(used) + "/" + format_cpu(s.cpu_milli_total()), used);
}
Cell cores_share(const v1::Resource& r) { return share(site(r).cpu_milli_total() - site(r).cpu_milli_free(), site(r).restricted() ? 0 : site(r).cpu_milli_total()); }
Cell memory(const v1::Resource& r) {
  const auto& s = site(r);
  if (s.restricted()) return text("-/" + format_memory(s.memory_mib_total()));
  const int64_t used = s.memory_mib_total() - s.memory_mib_free();
  return figure(format_memory(used) + "/" + format_memory(s.memory_mib_total()), used);
}
Cell memory_share(const v1::Resource& r) {
  return share(site(r).memory_mib_total() - site(r).memory_mib_free(), site(r).restricted() ? 0 : site(r).memory_mib_total());
}
Cell accelerators(const v1::Resource& r) {
  const auto& s = site(r);
  if (s.accelerators_total() == 0) return {"-", -1, Tone::kDim};
  const int64_t used = 1000 * s.accelerators_total() - s.accelerator_milli_free();
  return s.restricted() ? text("-/" + std::to_string(s.accelerators_total()))
                        : figure(format_milli(used) + "/" + std::to_string(s.accelerators_total()), used);
}

constexpr Column kSiteColumns[] = {
    {"SITE", "站点", 12, false, true, [](const v1::Resource& r) { return text(r.site().metadata().name()); }},
    {"STATE", "状态", 8, false, false, [](const v1::Resource& r) { return state(site(r).state()); }},
    {"CORES", "核", 10, true, false, cores},
    {"USED", "已用", 5, true, false, cores_share},
    {"MEMORY", "内存", 12, true, false, memory},
    {"USED", "已用", 5, true, false, memory_share},
    {"ACCEL", "加速器", 6, true, false, accelerators},
    {"RUNS", "运行", 5, true, false,
     [](const v1::Resource& r) { return site(r).restricted() ? Cell{"-", -1, Tone::kDim} : figure(std::to_string(site(r).runs()), site(r).runs()); }},
    {"CORE-H", "核时价", 7, true, false,
     [](const v1::Resource& r) {
       const std::string& ask = r.site().spec().asks().core_hour();
       const auto price = parse_money_nanocredits(ask);
       return price ? figure(ask, *price) : text(ask);
     }},
    {"TIER", "层级", 6, false, false, [](const v1::Resource& r) { return text(r.site().spec().tier()); }},
    {"REGION", "地区", 10, false, false, [](const v1::Resource& r) { return text(r.site().spec().region()); }},
    {"HEARD", "上次消息", 9, true, false, [](const v1::Resource& r) { return duration(site(r).heard_us_ago(), site(r).heard_us_ago() > 0); }},
    {"WHY", "原因", 20, false, true, [](const v1::Resource& r) { return text(site(r).why()); }}};

const v1::Link::Status& link(const v1::Resource& r) { return r.link().status(); }
constexpr Column kLinkColumns[] = {
    {"LINK", "链路", 14, false, true, [](const v1::Resource& r) { return text(r.link().metadata().name()); }},
    {"STATE", "状态", 6, false, false, [](const v1::Resource& r) { return state(link(r).state()); }},
    {"USED", "去程", 5, true, false, [](const v1::Resource& r) { return share(link(r).forward().bandwidth_bps_reserved(), link(r).has_forward() ? link(r).bandwidth_bps() : 0); }},
    {"BACK", "回程", 5, true, false, [](const v1::Resource& r) { return share(link(r).backward().bandwidth_bps_reserved(), link(r).has_backward() ? link(r).bandwidth_bps() : 0); }},
    {"RATE", "速率", 9, true, false, [](const v1::Resource& r) { return figure(or_dash(r.link().spec().rate()), link(r).bandwidth_bps()); }},
    {"ONE WAY", "单程时延", 9, true, false, [](const v1::Resource& r) { return duration(link(r).forward().latency_us(), link(r).has_forward()); }},
    {"JITTER", "抖动", 8, true, false, [](const v1::Resource& r) { return duration(link(r).forward().jitter_us(), link(r).has_forward()); }},
    {"LOSS", "丢包", 7, true, false,
     [](const v1::Resource& r) {
       if (!link(r).has_forward()) return Cell{"-", -1, Tone::kDim};
       return figure(format_fraction(link(r).forward().loss_ppm()), link(r).forward().loss_ppm());
     }},
    {"PATHS", "路径", 5, false, false, [](const v1::Resource& r) { return text(link(r).steerable() ? "srv6" : "plain"); }},
    {"WHY", "原因", 20, false, true, [](const v1::Resource& r) { return text(link(r).forward().why()); }}};

const v1::Intent::Status& intent(const v1::Resource& r) { return r.intent().status(); }
constexpr Column kIntentColumns[] = {
    {"INTENT", "意图", 16, false, true, [](const v1::Resource& r) { return text(name_of(r)); }},
    {"STATE", "状态", 9, false, false, [](const v1::Resource& r) { return state(intent(r).state()); }},
    {"RUNS", "运行", 6, true, false,
     [](const v1::Resource& r) { return figure(std::to_string(intent(r).instances_running()) + "/" + std::to_string(intent(r).instances()), intent(r).instances_running()); }},
    {"PROMISED", "承诺", 8, true, false,
     [](const v1::Resource& r) {
       const std::string& promised = r.intent().spec().promise().latency();
       const auto us = parse_duration_us(promised);
       return us ? figure(promised, *us) : Cell{or_dash(promised), -1, Tone::kDim};
     }},
    {"MEASURED", "实测", 9, true, false, [](const v1::Resource& r) { return duration(intent(r).latency_us_measured(), intent(r).samples() > 0); }},
    {"PROMISE", "守诺", 7, false, false, [](const v1::Resource& r) { return state(promise_text(r.intent())); }},
    {"PREDICTED", "预计", 9, true, false, [](const v1::Resource& r) { return duration(intent(r).latency_us_predicted(), intent(r).latency_us_predicted() > 0); }},
    {"CREDITS/H", "每小时", 9, true, false,
     [](const v1::Resource& r) {
       return intent(r).has_plan() ? figure(credits(intent(r).billed_per_hour_nanocredits()), intent(r).billed_per_hour_nanocredits()) : Cell{"-", -1, Tone::kDim};
     }},
    {"LATE", "超时", 7, true, false, [](const v1::Resource& r) { return figure(std::to_string(intent(r).misses()), intent(r).misses()); }},
    {"SAMPLES", "样本", 8, true, false, [](const v1::Resource& r) { return figure(std::to_string(intent(r).samples()), intent(r).samples()); }},
    {"WHY", "原因", 20, false, true, [](const v1::Resource& r) { return text(intent(r).why()); }}};

constexpr Column kRunColumns[] = {
    {"INTENT", "意图", 16, false, true,
     [](const v1::Resource& r) { return text(r.run().intent().empty() ? r.run().tenant() : r.run().tenant() + "/" + r.run().intent()); }},
    {"RUN", "编号", 9, false, false, [](const v1::Resource& r) { return Cell{name_of(r), static_cast<int64_t>(r.run().id().plan()), Tone::kPlain}; }},
    {"STATE", "状态", 8, false, false, [](const v1::Resource& r) { return state(run_state(r.run().state())); }},
    {"SITE", "站点", 12, false, false, [](const v1::Resource& r) { return text(r.run().site()); }},
    {"STREAMS", "路数", 7, true, false, [](const v1::Resource& r) { return figure(std::to_string(r.run().streams()), r.run().streams()); }},
    {"CPU", "处理器", 9, true, false, [](const v1::Resource& r) { return duration(r.run().cpu_us(), true); }},
    {"SENT", "发送", 8, true, false, [](const v1::Resource& r) { return figure(bytes_text(static_cast<uint64_t>(r.run().sent_bytes())), r.run().sent_bytes()); }},
    {"RECEIVED", "接收", 8, true, false, [](const v1::Resource& r) { return figure(bytes_text(static_cast<uint64_t>(r.run().received_bytes())), r.run().received_bytes()); }},
    {"NODE", "节点", 12, false, false, [](const v1::Resource& r) { return text(r.run().node()); }},
    {"WHY", "原因", 20, false, true, [](const v1::Resource& r) { return text(r.run().why()); }}};

const v1::Queue::Use& use(const v1::Resource& r) { return r.queue().status().use(); }
constexpr Column kQueueColumns[] = {
    {"QUEUE", "队列", 14, false, true, [](const v1::Resource& r) { return text(r.queue().metadata().name()); }},
    {"RUNNING", "运行", 7, true, false, [](const v1::Resource& r) { return figure(std::to_string(use(r).jobs_running()), static_cast<int64_t>(use(r).jobs_running())); }},
    {"WAITING", "等待", 7, true, false,
     [](const v1::Resource& r) {
       return Cell{std::to_string(use(r).jobs_waiting()), static_cast<int64_t>(use(r).jobs_waiting()), use(r).jobs_waiting() > 0 ? Tone::kWarning : Tone::kPlain};
     }},
    {"OLDEST", "最久", 11, true, false,
     [](const v1::Resource& r) {
       return use(r).oldest_wait_us() == 0 ? Cell{"-", -1, Tone::kDim} : figure(identity::span_text(use(r).oldest_wait_us() / 1'000'000), use(r).oldest_wait_us());
     }},
    {"SHARE", "份额", 7, true, false, [](const v1::Resource& r) { return figure(percent(use(r).share_ppm(), 1'000'000), use(r).share_ppm()); }},
    {"ENTITLED", "应得", 8, true, false, [](const v1::Resource& r) { return figure(percent(use(r).entitlement_ppm(), 1'000'000), use(r).entitlement_ppm()); }},
    {"CORES", "核", 8, true, false, [](const v1::Resource& r) { return figure(format_cpu(use(r).cpu_milli()), use(r).cpu_milli()); }},
    {"MEMORY", "内存", 8, true, false, [](const v1::Resource& r) { return figure(format_memory(use(r).memory_mib()), use(r).memory_mib()); }},
    {"ACCEL", "加速器", 6, true, false, [](const v1::Resource& r) { return figure(format_milli(use(r).accelerator_milli()), use(r).accelerator_milli()); }},
    {"PARENT", "上级", 12, false, false, [](const v1::Resource& r) { return text(r.queue().spec().parent()); }}};

constexpr Column kEventColumns[] = {
    {"EVENT", "事件", 8, true, false, [](const v1::Resource& r) { return figure(std::to_string(r.event().position()), static_cast<int64_t>(r.event().position())); }},
    {"TIME", "时间", 8, false, false, [](const v1::Resource& r) { return text(time_text(r.event().at()).substr(11, 8)); }},
    {"KIND", "种类", 18, false, false, [](const v1::Resource& r) { return text(r.event().name()); }},
    {"WHAT", "内容", 20, false, true, [](const v1::Resource& r) { return text(r.event().subject() + ": " + r.event().text()); }}};

std::string state_name(const v1::Resource& r) {
  switch (r.resource_case()) {
    case v1::Resource::kSite: return r.site().status().state();
    case v1::Resource::kLink: return r.link().status().state();
    case v1::Resource::kIntent: return r.intent().status().state();
    case v1::Resource::kRun: return run_state(r.run().state());
    default: return "";
  }
}

void add_states(std::vector<Piece>& out, const Resources& resources) {
  for (const auto& [name, count] : states_of(resources)) {
    out.push_back({out.empty() ? "" : ", "});
    out.push_back({std::to_string(count) + " " + name, tone_of(name)});
  }
}

void add_share(std::vector<Piece>& out, std::string_view name, const std::string& used, const std::string& total, const Cell& part) {
  out.push_back({"  " + std::string(name) + " " + used + "/" + total + " "});
  out.push_back({part.text, part.tone});
}

void add_sites(std::vector<Piece>& out, const Resources& resources, Tongue tongue) {
  int64_t cpu = 0, cpu_free = 0, memory = 0, memory_free = 0, devices = 0, devices_free = 0;
  for (const v1::Resource& r : resources) {
    const auto& s = site(r);
    if (s.restricted()) continue;
    cpu += s.cpu_milli_total(), cpu_free += s.cpu_milli_free();
    memory += s.memory_mib_total(), memory_free += s.memory_mib_free();
    devices += 1000 * s.accelerators_total(), devices_free += s.accelerator_milli_free();
  }
  if (cpu > 0) add_share(out, tongue.in("cores", "核"), format_cpu(cpu - cpu_free), format_cpu(cpu), share(cpu - cpu_free, cpu));
  if (memory > 0) add_share(out, tongue.in("memory", "内存"), format_memory(memory - memory_free), format_memory(memory), share(memory - memory_free, memory));
  if (devices > 0)
    add_share(out, tongue.in("accelerators", "加速器"), format_milli(devices - devices_free), format_milli(devices), share(devices - devices_free, devices));
}

void add_busiest(std::vector<Piece>& out, const Resources& resources, Tongue tongue) {
  const v1::Resource* busiest = nullptr;
  Cell most{"", 0};
  for (const v1::Resource& r : resources) {
    for (const v1::Link::Direction* way : {&link(r).forward(), &link(r).backward()}) {
      Cell part = share(way->bandwidth_bps_reserved(), link(r).bandwidth_bps());
      if (part.order <= most.order) continue;
      busiest = &r;
      most = std::move(part);
    }
  }
  if (busiest == nullptr) return;
  out.push_back({"  " + std::string(tongue.in("busiest", "最忙")) + " " + busiest->link().metadata().name() + " "});
  out.push_back({most.text, most.tone});
}

void add_promises(std::vector<Piece>& out, const Resources& resources, Tongue tongue) {
  size_t kept = 0, broken = 0;
  for (const v1::Resource& r : resources) {
    const std::string promise = promise_text(r.intent());
    kept += promise == "kept";
    broken += promise == "broken";
  }
  if (kept + broken == 0) return;
  out.push_back({"  " + std::string(tongue.in("promises", "承诺")) + " " + std::to_string(kept) + " kept"});
  if (broken == 0) return;
  out.push_back({", "});
  out.push_back({std::to_string(broken) + " broken", Tone::kBad});
}

}  // namespace

Tone tone_of(std::string_view name) {
  static constexpr std::string_view kGood[] = {"up", "running", "kept", "finished", "exited"};
  static constexpr std::string_view kBad[] = {"down", "refused", "failed", "lost", "broken"};
  static constexpr std::string_view kWarning[] = {"draining", "half", "pending", "waiting", "placed", "planned", "starting", "stopping", "unknown"};
  const auto among = [name](const auto& names) { return std::find(std::begin(names), std::end(names), name) != std::end(names); };
  return among(kGood) ? Tone::kGood : among(kBad) ? Tone::kBad : among(kWarning) ? Tone::kWarning : name == "-" ? Tone::kDim : Tone::kPlain;
}

std::span<const Column> columns_of(Kind kind) {
  switch (kind) {
    case Kind::kSites: return kSiteColumns;
    case Kind::kLinks: return kLinkColumns;
    case Kind::kIntents: return kIntentColumns;
    case Kind::kRuns: return kRunColumns;
    case Kind::kQueues: return kQueueColumns;
    case Kind::kEvents: break;
  }
  return kEventColumns;
}

const char* title_of(Kind kind, Tongue tongue) {
  static constexpr const char* kTitles[kKinds][2] = {{"Sites", "站点"}, {"Links", "链路"}, {"Intents", "意图"}, {"Runs", "运行"}, {"Queues", "队列"}, {"Events", "事件"}};
  return kTitles[static_cast<size_t>(kind)][tongue.chinese ? 1 : 0];
}

std::vector<std::pair<std::string, size_t>> states_of(const Resources& resources) {
  std::map<std::string, size_t> counts;
  for (const v1::Resource& r : resources) {
    const std::string name = state_name(r);
    if (!name.empty()) ++counts[name];
  }
  return {counts.begin(), counts.end()};
}

std::vector<Piece> summary_of(Kind kind, const Resources& resources, Tongue tongue) {
  std::vector<Piece> out;
  add_states(out, resources);
  if (kind == Kind::kSites) add_sites(out, resources, tongue);
  if (kind == Kind::kLinks) add_busiest(out, resources, tongue);
  if (kind == Kind::kIntents) add_promises(out, resources, tongue);
  if (kind == Kind::kQueues) {
    // The domain's own holds all of them.
    const auto whole = std::find_if(resources.begin(), resources.end(), [](const v1::Resource& r) { return r.queue().metadata().name() == kDomainQueue; });
    const uint64_t running = whole == resources.end() ? 0 : use(*whole).jobs_running(), waiting = whole == resources.end() ? 0 : use(*whole).jobs_waiting();
    out.push_back({std::to_string(running) + " running, "});
    out.push_back({std::to_string(waiting) + " waiting", waiting > 0 ? Tone::kWarning : Tone::kPlain});
  }
  return out;
}

}  // namespace weir::app::top
