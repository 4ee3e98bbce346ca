#include "service/gateway/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace weir::gateway {

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
