#include "city-cameras/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace city_cameras {
namespace {

constexpr std::size_t kOutagesShown = 24;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

std::optional<std::int64_t> at_rank(const std::vector<std::int64_t>& sorted, std::size_t per_mille) {
  if (sorted.empty()) return std::nullopt;
  const std::int64_t value = sorted[nearest_rank(sorted.size(), per_mille)];
  if (value == kNever) return std::nullopt;
  return value;
}

Percentiles percentiles_of(std::vector<std::int64_t> latencies_us) {
  std::sort(latencies_us.begin(), latencies_us.end());
  return {latencies_us.size(), at_rank(latencies_us, 500), at_rank(latencies_us, 990),
          at_rank(latencies_us, 999)};
}

std::string milliseconds(const std::optional<std::int64_t>& value_us) {
  if (!value_us) return "lost";
  return fmt::format("{}.{}", *value_us / 1000, *value_us % 1000 / 100);
}

// The sites in order, the newest always in view.
std::string joined(const std::vector<std::string>& sites, std::size_t width) {
  std::string out;
  for (const std::string& site : sites) {
    if (!out.empty()) out += '>';
    out += site.empty() ? "-" : site;
  }
  if (out.empty()) return "-";
  if (out.size() > width) out = "~" + out.substr(out.size() - width + 1);
  return out;
}

std::string json_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string json_number(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : std::string("null");
}

std::string json_counts(const StreamSummary& counts) {
  std::string sites;
  for (const std::string& site : counts.sites) sites += (sites.empty() ? "" : ",") + json_string(site);
  return fmt::format(
      R"("sites":[{}],"frames":{},"misses":{},"late":{},"lost":{},"boxes":{},"bytes":{},"samples":{},)"
      R"("p50_us":{},"p99_us":{},"p999_us":{})",
      sites, counts.frames, counts.misses(), counts.late, counts.lost, counts.boxes, counts.bytes,
      counts.latency.samples, json_number(counts.latency.p50_us), json_number(counts.latency.p99_us),
      json_number(counts.latency.p999_us));
}

Result<void> read_report(std::istream& report, const std::string& name, const Window& window, Tally& tally) {
  std::string line;
  for (std::size_t number = 1; std::getline(report, line); ++number) {
    if (report.eof() || line.empty()) continue;
    const auto where = [&] { return name + ":" + std::to_string(number) + ": "; };
    Result<std::optional<FrameRecord>> record = parse_json_line(line);
    if (!record) return tl::unexpected(where() + record.error());
    if (!*record) continue;
    if ((*record)->sent_at_us < window.from_us || (*record)->sent_at_us >= window.to_us) continue;
    if (Result<void> added = tally.add(**record); !added) return tl::unexpected(where() + added.error());
  }
  if (report.bad()) return tl::unexpected(name + ": cannot be read");
  return {};
}

}  // namespace

std::size_t nearest_rank(std::size_t count, std::size_t per_mille) {
  return (count * per_mille + 999) / 1000 - 1;
}

Result<void> Tally::add(const FrameRecord& record) {
  auto found = streams_.find(record.stream);
  if (found == streams_.end()) {
    if (streams_.size() >= kStreamsMax) {
      return tl::unexpected("more than " + std::to_string(kStreamsMax) +
                            " streams; sum up fewer reports at once");
    }
    found = streams_.emplace(record.stream, Stream{}).first;
    found->second.counts.stream = record.stream;
    found->second.counts.ingress = record.ingress;
  }
  Stream& stream = found->second;
  StreamSummary& counts = stream.counts;
  if (counts.ingress != record.ingress) {
    return tl::unexpected("stream " + std::to_string(record.stream) + " comes from " + record.ingress +
                          " and from " + counts.ingress + "; give cameras distinct --first-stream numbers");
  }

  ++counts.frames;
  counts.bytes += record.bytes;
  const std::int64_t sample_us = record.latency_us.value_or(kNever);
  if (stream.latencies_us.size() < samples_per_stream_max_) {
    stream.latencies_us.push_back(sample_us);
  } else {
    stream.latencies_us[stream.next] = sample_us;
    stream.next = (stream.next + 1) % samples_per_stream_max_;
  }

  if (record.outcome == Outcome::kLost) {
    ++counts.lost;
    first_loss_at_us_ = std::min(first_loss_at_us_.value_or(kNever), record.sent_at_us);
    last_loss_at_us_ = std::max(last_loss_at_us_.value_or(0), record.sent_at_us);
    if (!stream.outage) stream.outage = Outage{record.stream, 0, record.sent_at_us, std::nullopt};
    ++stream.outage->lost;
    return {};
  }
  if (record.outcome == Outcome::kMiss) ++counts.late;
  counts.boxes += record.boxes;
  cpu_us_total_ += record.cpu_us;
  if (std::find(counts.sites.begin(), counts.sites.end(), record.site) == counts.sites.end() &&
      counts.sites.size() < kSitesMax) {
    counts.sites.push_back(record.site);
  }
  if (stream.outage) {
    stream.outage->repaired_at_us = record.sent_at_us + record.latency_us.value_or(0);
    if (outages_.size() < kOutagesMax) outages_.push_back(*stream.outage);
    stream.outage.reset();
  }
  return {};
}

Summary Tally::summary() const {
  Summary out;
  out.outages = outages_;
  std::vector<std::int64_t> pooled_us;
  for (const auto& [number, stream] : streams_) {
    StreamSummary counts = stream.counts;
    counts.latency = percentiles_of(stream.latencies_us);
    pooled_us.insert(pooled_us.end(), stream.latencies_us.begin(), stream.latencies_us.end());
    out.total.frames += counts.frames;
    out.total.late += counts.late;
    out.total.lost += counts.lost;
    out.total.boxes += counts.boxes;
    out.total.bytes += counts.bytes;
    for (const std::string& site : counts.sites) {
      if (std::find(out.total.sites.begin(), out.total.sites.end(), site) == out.total.sites.end()) {
        out.total.sites.push_back(site);
      }
    }
    if (stream.outage && out.outages.size() < kOutagesMax) out.outages.push_back(*stream.outage);
    out.streams.push_back(std::move(counts));
  }
  out.total.latency = percentiles_of(std::move(pooled_us));
  std::sort(out.outages.begin(), out.outages.end(), [](const Outage& a, const Outage& b) {
    return std::pair(a.began_at_us, a.stream) < std::pair(b.began_at_us, b.stream);
  });
  const std::int64_t answered = out.total.frames - out.total.lost;
  if (answered > 0) out.cpu_us_mean = cpu_us_total_ / answered;
  out.first_loss_at_us = first_loss_at_us_;
  out.last_loss_at_us = last_loss_at_us_;
  return out;
}

Result<Summary> summarise(const std::vector<std::istream*>& reports, const std::vector<std::string>& names,
                          const Window& window) {
  Tally tally;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const std::string name = i < names.size() ? names[i] : "report " + std::to_string(i + 1);
    if (Result<void> read = read_report(*reports[i], name, window, tally); !read)
      return tl::unexpected(read.error());
  }
  return tally.summary();
}

std::string table_of(const Summary& summary, std::int64_t promise_us) {
  constexpr std::string_view kRow = "{:>6} {:<11.11} {:<22} {:>7} {:>7} {:>13} {:>8}\n";
  std::string out = fmt::format(kRow, "STREAM", "INGRESS", "SITE", "P50 MS", "P99 MS", "MISSES", "BOXES");
  for (const StreamSummary& stream : summary.streams) {
    out += fmt::format(kRow, stream.stream, stream.ingress, joined(stream.sites, 22),
                       milliseconds(stream.latency.p50_us), milliseconds(stream.latency.p99_us),
                       fmt::format("{}/{}", stream.misses(), stream.frames), stream.boxes);
  }
  const StreamSummary& total = summary.total;
  out += fmt::format("missed {} ms: {} of {} frames, {} late and {} lost\n", promise_us / 1000,
                     total.misses(), total.frames, total.late, total.lost);
  out += fmt::format("p50 {}, p99 {}, p99.9 {} ms; {} frames, lost ones slowest\n",
                     milliseconds(total.latency.p50_us), milliseconds(total.latency.p99_us),
                     milliseconds(total.latency.p999_us), total.latency.samples);
  out += fmt::format("people found: {}; {} bytes and {} ms of processor time a frame\n", total.boxes,
                     total.frames > 0 ? total.bytes / total.frames : 0, milliseconds(summary.cpu_us_mean));
  for (std::size_t i = 0; i < summary.outages.size() && i < kOutagesShown; ++i) {
    const Outage& outage = summary.outages[i];
    const std::string lasted =
        outage.repaired_at_us
            ? fmt::format("answered after {} ms", (*outage.repaired_at_us - outage.began_at_us) / 1000)
            : std::string("not answered since");
    out += fmt::format("outage: stream {}, {} lost from {}.{:03}, {}\n", outage.stream, outage.lost,
                       outage.began_at_us / 1'000'000, outage.began_at_us / 1000 % 1000, lasted);
  }
  if (summary.outages.size() > kOutagesShown) {
    out +=
        fmt::format("and {} more outages; --json lists them all\n", summary.outages.size() - kOutagesShown);
  }
  return out;
}

std::string json_of(const Summary& summary, std::int64_t promise_us) {
  std::string streams;
  for (const StreamSummary& stream : summary.streams) {
    streams += fmt::format(R"({}{{"stream":{},"ingress":{},{}}})", streams.empty() ? "" : ",", stream.stream,
                           json_string(stream.ingress), json_counts(stream));
  }
  std::string outages;
  for (const Outage& outage : summary.outages) {
    outages += fmt::format(R"({}{{"stream":{},"lost":{},"began_at":{},"repaired_at":{}}})",
                           outages.empty() ? "" : ",", outage.stream, outage.lost, outage.began_at_us,
                           json_number(outage.repaired_at_us));
  }
  return fmt::format(
      R"({{"kind":"summary","promise_us":{},{},"cpu_us_mean":{},"first_loss_at":{},"last_loss_at":{},)"
      R"("streams":[{}],"outages":[{}]}})",
      promise_us, json_counts(summary.total), summary.cpu_us_mean, json_number(summary.first_loss_at_us),
      json_number(summary.last_loss_at_us), streams, outages);
}

}  // namespace city_cameras
