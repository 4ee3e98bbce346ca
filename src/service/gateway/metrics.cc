#include "service/gateway/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>

namespace weir::gateway {

std::vector<Sample> path_samples(const Graph& graph,
                                 const std::vector<std::pair<SiteId, PathTraffic>>& said) {
  using End = std::pair<SiteId, uint16_t>;
  std::vector<End> planned;
  const auto note = [&planned](const CommittedPlan& held) {
    for (const Flow& flow : held.plan.flows) {
      for (const uint16_t label : {flow.label_working, flow.label_protection}) {
        if (label == 0) continue;
        planned.emplace_back(flow.ingress, label);
        planned.emplace_back(held.plan.placements[flow.placement].site, label);
      }
    }
  };
  if (!said.empty()) {
    for (size_t i = 0; i < graph.intent_count(); ++i) {
      const IntentRow& row = graph.intent(IntentId(i));
      if (row.active) note(*row.active);
      for (const auto& held : row.retiring) note(*held);
    }
  }
  std::sort(planned.begin(), planned.end());
  std::map<End, PathTraffic> counted;
  for (const auto& [site, path] : said) {
    const End end{site, path.label};
    if (std::binary_search(planned.begin(), planned.end(), end)) counted.emplace(end, path);
  }
  std::vector<Sample> out;
  const auto add = [&](const char* name, const char* help, uint64_t PathTraffic::*figure) {
    for (const auto& [end, path] : counted) {
      out.push_back(
          {name,
           help,
           static_cast<double>(path.*figure),
           {{"site", std::string(graph.site_name(end.first))}, {"path", std::to_string(end.second)}}});
    }
  };
  add("weir_path_packets_total", "Packets steered over a path, which left the site", &PathTraffic::packets);
  add("weir_path_bytes_total", "Bytes of these packets before encapsulation", &PathTraffic::bytes);
  return out;
}

struct Metrics::Impl {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& answers = prometheus::BuildCounter()
                                                          .Name("weir_rest_answers_total")
                                                          .Help("HTTP requests answered, by status")
                                                          .Register(registry);
  prometheus::Counter& slow = prometheus::BuildCounter()
                                  .Name("weir_rest_slow_readers_total")
                                  .Help("Clients disconnected because they did not read")
                                  .Register(registry)
                                  .Add({});
  prometheus::Gauge& connections =
      prometheus::BuildGauge().Name("weir_rest_connections").Help("HTTP connections open").Register(registry).Add({});
  prometheus::Gauge& streams =
      prometheus::BuildGauge().Name("weir_rest_streams").Help("HTTP streams open").Register(registry).Add({});
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;
void Metrics::answered(int status) { impl_->answers.Add({{"status", std::to_string(status)}}).Increment(); }
void Metrics::slow_reader() { impl_->slow.Increment(); }
void Metrics::connections(size_t open) { impl_->connections.Set(static_cast<double>(open)); }
void Metrics::streams(size_t open) { impl_->streams.Set(static_cast<double>(open)); }

std::string Metrics::text(const std::vector<Sample>& samples) {
  std::vector<prometheus::MetricFamily> families = impl_->registry.Collect();
  for (const Sample& sample : samples) {
    const bool counts = sample.name.ends_with("_total");
    if (families.empty() || families.back().name != sample.name) {
      families.push_back({.name = sample.name,
                          .help = sample.help,
                          .type = counts ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge,
                          .metric = {}});
    }
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
    (counts ? metric.counter.value : metric.gauge.value) = sample.value;
    families.back().metric.push_back(std::move(metric));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace weir::gateway
