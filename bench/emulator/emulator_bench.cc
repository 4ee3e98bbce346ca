#include "bench/emulator/emulator_bench.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "bench/emulator/traffic.h"
#include "bench/support/arguments.h"
#include "bench/support/statistics.h"

namespace weir::bench {
namespace {

constexpr size_t kBytes = 200;
constexpr int64_t kFastBps = 10'000'000'000;  // so fast that a packet takes under a microsecond to send
const char* const kLink = "here-there";

const char* const kHelp =
    "Usage: weir bench emulator [--seconds N] [-o table|json]\n"
    "\n"
    "  --seconds N   length of each of the 14 measurements, 1 to 60 (default 3)\n"
    "  -o FORMAT     table (default) or json\n"
    "\n"
    "Needs root: it brings up a lab of two sites, and takes it down.\n"
    "\n"
    "Example: weir bench emulator --seconds 10 -o json\n";

struct DelayCase {
  int64_t delay_us, jitter_us, per_second;
};
constexpr DelayCase kDelays[] = {{0, 0, 1000},       {1000, 0, 1000},     {5000, 0, 1000},
                                 {20'000, 0, 1000},  {20'000, 0, 10'000}, {20'000, 0, 40'000},
                                 {100'000, 0, 1000}, {20'000, 2000, 1000}};
constexpr int64_t kLossesPpm[] = {1000, 10'000, 100'000};
struct RateCase {
  int64_t rate_bps, delay_us, queue_us;
};
constexpr RateCase kRates[] = {
    {100'000'000, 10'000, 20'000}, {1'000'000'000, 10'000, 20'000}, {kFastBps, 0, 20'000}};

struct DelayRow {
  DelayCase asked;
  double mean_ms = 0, p50_ms = 0, p99_ms = 0, max_ms = 0;
  int64_t sent = 0, lost = 0, reordered = 0;
  double cpu = 0;  // cores that the emulator used
};
struct LossRow {
  int64_t asked_ppm = 0, sent = 0;
  double got_ppm = 0;
};
struct RateRow {
  RateCase asked;
  double got_bps = 0;
};
struct Report {
  std::vector<DelayRow> delays;
  std::vector<LossRow> losses;
  std::vector<RateRow> rates;
};

std::string lab_text(int number) {
  std::string text = "apiVersion: weir/v1\nkind: Lab\nmetadata: {name: bench" + std::to_string(getpid()) +
                     "}\nspec: {number: " + std::to_string(number) + "}\n";
  for (const char* name : {"here", "there"}) {
    text +=
        std::string("---\napiVersion: weir/v1\nkind: Site\nmetadata: {name: ") + name +
        "}\nspec: {tier: edge, region: bench, place: {latitude: 0, longitude: 0}, capacity: {cpu: 1, memory: "
        "64Mi}, asks: {core_hour: 0, gib_hour: 0}, power: {idle_per_core: 1W, peak_per_core: 1W, pue: 1, "
        "carbon: 0gCO2/kWh}, availability: 100%}\n";
  }
  return text +
         "---\napiVersion: weir/v1\nkind: Link\nmetadata: {name: here-there}\nspec: {between: [here, there], "
         "delay: 0ms, rate: 10Gbps, price: 0, availability: 100%}\n";
}

Status set(lab::Lab& lab, int64_t delay_us, int64_t jitter_us, int64_t loss_ppm, int64_t rate_bps,
           int64_t queue_us) {
  return lab.change(kLink, {delay_us, jitter_us, loss_ppm, rate_bps, queue_us});
}

Result<DelayRow> measure_delay(lab::Lab& lab, const lab::ProcessName& emulator, const DelayCase& asked,
                               double seconds) {
  if (const Status s = set(lab, asked.delay_us, asked.jitter_us, 0, kFastBps, 20'000); !s) {
    return tl::unexpected(s.error());
  }
  const double cpu_before = cpu_seconds(emulator);
  auto got = send_datagrams(lab, seconds, asked.per_second, kBytes);
  if (!got) return tl::unexpected(got.error());
  DelayRow row{asked};
  row.cpu = (cpu_seconds(emulator) - cpu_before) / seconds;
  std::vector<double>& ms = got->delay_ms;
  row.sent = got->sent;
  row.lost = got->sent - static_cast<int64_t>(ms.size());
  row.reordered = got->reordered;
  row.mean_ms = ms.empty() ? 0 : std::accumulate(ms.begin(), ms.end(), 0.0) / static_cast<double>(ms.size());
  std::ranges::sort(ms);
  row.p50_ms = quantile(ms, 0.5);
  row.p99_ms = quantile(ms, 0.99);
  row.max_ms = quantile(ms, 1);
  return row;
}

Result<Report> measure(lab::Lab& lab, double seconds) {
  const auto status = lab.status();
  if (!status) return tl::unexpected(status.error());
  Report report;
  for (const DelayCase& asked : kDelays) {
    const auto row = measure_delay(lab, status->emulator, asked, seconds);
    if (!row) return tl::unexpected(row.error());
    report.delays.push_back(*row);
  }
  for (const int64_t ppm : kLossesPpm) {
    if (const Status s = set(lab, 1000, 0, ppm, kFastBps, 20'000); !s) return tl::unexpected(s.error());
    const auto got = send_datagrams(lab, seconds, 10'000, kBytes);
    if (!got) return tl::unexpected(got.error());
    const auto lost = static_cast<double>(got->sent - static_cast<int64_t>(got->delay_ms.size()));
    report.losses.push_back({ppm, got->sent, lost * 1e6 / static_cast<double>(got->sent)});
  }
  for (const RateCase& asked : kRates) {
    if (const Status s = set(lab, asked.delay_us, 0, 0, asked.rate_bps, asked.queue_us); !s) {
      return tl::unexpected(s.error());
    }
    const auto got = stream_bps(lab, seconds);
    if (!got) return tl::unexpected(got.error());
    report.rates.push_back({asked, *got});
  }
  return report;
}

void print_table(const Report& report) {
  std::printf("One-way delay, datagrams of %zu bytes\n", kBytes);
  std::printf("%9s %8s %8s %9s %9s %9s %9s %5s %5s\n", "ASKED ms", "JITTER", "PER SEC", "MEAN", "P50", "P99",
              "MAX", "LOST", "CORES");
  for (const DelayRow& row : report.delays) {
    std::printf("%9.1f %8.1f %8lld %9.3f %9.3f %9.3f %9.3f %5lld %5.2f\n",
                static_cast<double>(row.asked.delay_us) / 1e3, static_cast<double>(row.asked.jitter_us) / 1e3,
                static_cast<long long>(row.asked.per_second), row.mean_ms, row.p50_ms, row.p99_ms, row.max_ms,
                static_cast<long long>(row.lost), row.cpu);
  }
  int64_t reordered = 0;
  for (const DelayRow& row : report.delays) reordered += row.reordered;
  std::printf("Reordered: %lld\n\n%-12s %12s %12s\n", static_cast<long long>(reordered), "LOSS ASKED", "GOT",
              "SENT");
  for (const LossRow& row : report.losses) {
    std::printf("%11.2f%% %11.3f%% %12lld\n", static_cast<double>(row.asked_ppm) / 1e4, row.got_ppm / 1e4,
                static_cast<long long>(row.sent));
  }
  std::printf("\n%-12s %12s %14s\n", "RATE ASKED", "RTT ms", "ONE TCP FLOW");
  for (const RateRow& row : report.rates) {
    std::printf("%7lld Mbps %12.1f %9.0f Mbps\n", static_cast<long long>(row.asked.rate_bps / 1'000'000),
                static_cast<double>(row.asked.delay_us) * 2 / 1e3, row.got_bps / 1e6);
  }
}

void print_json(const Report& report) {
  std::printf("{\"delay\":[");
  for (size_t i = 0; i < report.delays.size(); ++i) {
    const DelayRow& row = report.delays[i];
    std::printf(
        "%s{\"delay_us\":%lld,\"jitter_us\":%lld,\"per_second\":%lld,\"sent\":%lld,\"lost\":%lld,"
        "\"reordered\":%lld,"
        "\"mean_ms\":%.4f,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f,\"cores\":%.3f}",
        i == 0 ? "" : ",", static_cast<long long>(row.asked.delay_us),
        static_cast<long long>(row.asked.jitter_us), static_cast<long long>(row.asked.per_second),
        static_cast<long long>(row.sent), static_cast<long long>(row.lost),
        static_cast<long long>(row.reordered), row.mean_ms, row.p50_ms, row.p99_ms, row.max_ms, row.cpu);
  }
  std::printf("],\"loss\":[");
  for (size_t i = 0; i < report.losses.size(); ++i) {
    const LossRow& row = report.losses[i];
    std::printf("%s{\"asked_ppm\":%lld,\"got_ppm\":%.1f,\"sent\":%lld}", i == 0 ? "" : ",",
                static_cast<long long>(row.asked_ppm), row.got_ppm, static_cast<long long>(row.sent));
  }
  std::printf("],\"rate\":[");
  for (size_t i = 0; i < report.rates.size(); ++i) {
    const RateRow& row = report.rates[i];
    std::printf("%s{\"asked_bps\":%lld,\"rtt_us\":%lld,\"got_bps\":%.0f}", i == 0 ? "" : ",",
                static_cast<long long>(row.asked.rate_bps), static_cast<long long>(2 * row.asked.delay_us),
                row.got_bps);
  }
  std::printf("]}\n");
}

}  // namespace

int run_emulator_bench(const std::vector<std::string>& args) {
  int seconds = 3;
  std::string format = "table";
  const auto ended =
      read_arguments("weir bench emulator", kHelp, args,
                     {Option::number("--seconds", 1, 60, seconds), Option::choice("-o", {"table", "json"}, format)});
  if (ended) return *ended;
  auto spec = lab::parse_lab(lab_text(251), "bench");
  lab::LabOptions options;
  options.progress = [](std::string_view line) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  };
  Result<lab::Lab> lab = spec ? lab::Lab::up(std::move(*spec), options) : tl::unexpected(spec.error());
  if (!lab) {
    std::fprintf(stderr, "weir bench emulator: %s\n", lab.error().text().c_str());
    return 1;
  }
  const auto report = measure(*lab, seconds);
  const Status down = lab::Lab::down(lab->spec().name);
  if (!report || !down) {
    std::fprintf(stderr, "weir bench emulator: %s\n", (report ? down.error() : report.error()).text().c_str());
    return 1;
  }
  format == "json" ? print_json(*report) : print_table(*report);
  return 0;
}

}  // namespace weir::bench
